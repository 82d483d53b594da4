//! What several tests share: a site in a folder, the binary, a configuration, a server that stands for Mastodon.

pub mod entries;
pub mod fakes;
pub mod html;
pub mod judged;
pub mod hub;
pub mod life;
pub mod mastodon;
pub mod newsboat;
pub mod origin;
pub mod s3;
pub mod serving;
pub mod tools;
pub mod real;
pub mod rows;
pub mod server;
pub mod subscriber;
pub mod wire;

use crieur::config::{self, Config, Surroundings};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

/// The real articles of the first user, if the folder of test material is there.
pub fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CRIEUR_CORPUS").map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from);
    let folder = root.join(name);
    // Absolute: a test may look at it from another folder.
    if let Ok(folder) = folder.canonicalize() {
        return Some(folder);
    }
    println!("skipped: the folder of test material {} is not there", folder.display());
    None
}

/// A folder in memory, where the system has a place for that: for tests that ask nothing of the disk, and write much.
pub fn memory_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A site, its configuration and its database in a folder of their own.
pub struct Place {
    pub folder: TempDir,
    database: Database,
}

/// Where the database of a place is.
enum Database {
    /// In a file of its folder.
    File,
    /// On the server of PostgreSQL that the tests share, under this name.
    Server(String),
}

impl Database {
    fn new_on_server() -> Self {
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        on_server(&format!("create database {name}"));
        Self::Server(name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Server(name) = self {
            on_server(&format!("drop database {name} with (force)"));
        }
    }
}

/// Has the server that the tests share carry out a statement.
fn on_server(statement: &str) {
    let server = real::shared_postgres().unwrap();
    let mut psql = Command::new(Path::new(&std::env::var_os("CRIEUR_TEST_POSTGRES").unwrap()).join("psql"));
    psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-U", "crieur", "-h", server.said("host"), "-p", server.said("port")]);
    let output = psql.args(["-d", "postgres", "-c", statement]).output().unwrap();
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether the tests are to run with PostgreSQL in the place of files: `CRIEUR_TEST_STORE=postgres`.
fn on_postgres() -> bool {
    std::env::var_os("CRIEUR_TEST_STORE").is_some_and(|store| store == "postgres")
}

impl Place {
    /// An empty site with collections `actualites` and `communiques`.
    pub fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    /// The same, in a folder that is given.
    pub fn within(folder: TempDir) -> Self {
        let place = Self::empty(folder);
        place.write(
            "_config.yml",
            "title: Essai\nurl: https://www.example.fr\ntimezone: Europe/Paris\nlanguage: fr\ncollections:\n  actualites: { output: true, permalink: /actualites/:title/ }\n  communiques: { output: true, permalink: /espace-presse/:title/ }\n",
        );
        place
    }

    /// The same as [`Place::new`], with its database on the server that the tests share.
    pub fn on_server() -> Self {
        let mut place = Self::new();
        place.database = Database::new_on_server();
        place
    }

    /// The name of the database on the server.
    pub fn database_name(&self) -> &str {
        match &self.database {
            Database::Server(name) => name,
            Database::File => panic!("it is a file"),
        }
    }

    /// A place in a folder that has no site yet.
    pub fn empty(folder: TempDir) -> Self {
        let database = if on_postgres() { Database::new_on_server() } else { Database::File };
        Self { folder, database }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn site(&self) -> PathBuf {
        self.path("site")
    }

    /// Writes a file of the site.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.site().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes an article as an editor saves it: beside, then renamed into place.
    pub fn article(&self, name: &str, front: &str) {
        let path = self.site().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("tmp");
        fs::write(
            &beside,
            format!(
                "---\n{front}\n---\n\nUn texte propre à {name}, avec assez de mots pour se distinguer : {}.\n",
                words(name)
            ),
        )
        .unwrap();
        fs::rename(beside, path).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.site().join(name)).unwrap();
    }

    /// The configuration: the site, the store, and what is given.
    pub fn yaml(&self, rest: &str) -> String {
        let store = match &self.database {
            Database::File => format!("sqlite:{}", self.path("crieur.db").display()),
            Database::Server(name) => format!("{}/{name}", real::shared_postgres().unwrap().said("url")),
        };
        format!("site: {{ root: {:?} }}\nstore: {store:?}\n{rest}\n", self.site())
    }

    pub fn config(&self, rest: &str) -> Arc<Config> {
        Arc::new(parse(&self.yaml(rest)).unwrap_or_else(|problems| panic!("{problems:#?}")))
    }

    /// The binary, with this configuration in a file.
    pub fn crieur(&self, rest: &str) -> Crieur {
        let file = self.path("crieur.yaml");
        fs::write(&file, self.yaml(rest)).unwrap();
        Crieur { file }
    }
}

/// Words that two articles do not share.
fn words(seed: &str) -> String {
    let mut state: u32 = seed.bytes().fold(7, |state, byte| state.wrapping_mul(31).wrapping_add(byte.into()));
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("mot{}", state >> 12)
    };
    (0..40).map(|_| next()).collect::<Vec<_>>().join(" ")
}

/// Reads a configuration without an environment.
pub fn parse(yaml: &str) -> Result<Config, Vec<crieur::problem::Problem>> {
    let env = |_: &str| None;
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
    config::parse("crieur.yaml", yaml, &Surroundings { env: &env, read: &read })
}

/// The program: that of this build, unless `CRIEUR_TEST_PROGRAM` names another.
pub fn program() -> String {
    std::env::var("CRIEUR_TEST_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_crieur").to_owned())
}

/// The binary with a configuration file.
pub struct Crieur {
    pub file: PathBuf,
}

impl Crieur {
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.arg("--config").arg(&self.file).args(arguments).env_remove("CRIEUR_LOG").env_remove("CRIEUR_CONFIG");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output of a command that must succeed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// The posts on the journal's timeline, as the outbox's receipts tell.
    pub fn published(&self) -> Vec<String> {
        let posts = self.json(&["posts", "--state", "published", "--json"]);
        posts.as_array().unwrap().iter().map(|post| post["path"].as_str().unwrap().to_owned()).collect()
    }
}
