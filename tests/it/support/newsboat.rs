//! The reader newsboat with a subscription list and a database of its own. Its database tells what a person would see.

use super::judged::Item;
use super::tools;
use std::process::Command;
use tempfile::TempDir;

/// One person's newsboat.
pub struct Newsboat {
    folder: TempDir,
}

/// An article as newsboat keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    pub item: Item,
    pub unread: bool,
    pub content: String,
}

impl Newsboat {
    pub fn new() -> Option<Self> {
        tools::program("newsboat")?;
        let folder = tempfile::tempdir().unwrap();
        // One after the other, so that no thread waits for the database's lock.
        std::fs::write(folder.path().join("config"), "reload-threads 1\n").unwrap();
        Some(Self { folder })
    }

    /// Follows these addresses.
    pub fn subscribe(&self, addresses: impl IntoIterator<Item = String>) {
        let list: String = addresses.into_iter().map(|address| address + "\n").collect();
        std::fs::write(self.path("urls"), list).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tools::program("newsboat").unwrap();
        let (urls, cache, config, log) = (self.path("urls"), self.path("db"), self.path("config"), self.path("log"));
        command.args(["-u", &urls, "-c", &cache, "-C", &config, "-l", "2", "-d", &log]).args(arguments);
        command.env("HOME", self.folder.path()).env("LC_ALL", "C.UTF-8");
        command
    }

    /// Asks every feed once; a feed that it cannot read is a failure.
    pub fn reload(&self) {
        let output = self.command(&["-x", "reload"]).output().unwrap();
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(output.status.success(), "{}{log}", String::from_utf8_lossy(&output.stderr));
        assert!(!log.contains("error") && !log.contains("Error"), "{log}");
    }

    /// The person has read these articles.
    pub fn mark_read<'a>(&self, ids: impl IntoIterator<Item = &'a String>) {
        let list: String = ids.into_iter().map(|id| format!("{id}\n")).collect();
        std::fs::write(self.path("read"), list).unwrap();
        let output = self.command(&["-I", &self.path("read")]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    /// Its articles, sorted.
    pub fn items(&self) -> Vec<Kept> {
        let address = format!("sqlite:{}", self.path("db"));
        // A thread of its own, since the test may run in a runtime.
        std::thread::spawn(move || rows(&address)).join().unwrap()
    }
}

fn rows(address: &str) -> Vec<Kept> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{Connection, Row};
        let mut database = sqlx::SqliteConnection::connect(address).await.unwrap();
        let question = "select guid, title, url, pubDate, unread, content from rss_item where deleted = 0";
        let rows = sqlx::query(question).fetch_all(&mut database).await.unwrap();
        let mut items: Vec<Kept> = rows
            .iter()
            .map(|row| Kept {
                item: Item { id: row.get(0), title: row.get(1), url: row.get(2), published: row.get(3) },
                unread: row.get::<i64, _>(4) != 0,
                content: row.get(5),
            })
            .collect();
        database.close().await.unwrap();
        items.sort();
        items
    })
}
