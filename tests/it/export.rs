//! Exports to folders, by the program as a whole; and one contract for folders and buckets.

use crate::support::Place;
use crate::support::s3::Service;
use crieur::config::Export;
use crieur::export::{Report, Target, Wanted};
use crieur::reconcile::Reconciler;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn site() -> Place {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Un\ndate: 2026-11-01\ntags: [Cloud]");
    place
}

/// Names of the files in a folder, but the list of what is ours.
fn names(folder: &Path) -> BTreeSet<String> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                walk(root, &entry.path(), found);
            } else {
                found.insert(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(folder, folder, &mut found);
    found.retain(|name| !name.contains(".crieur-") && !name.starts_with(".bucket-"));
    found
}

/// Somebody else, who has rights in a place too.
enum Hands<'a> {
    Folder,
    Bucket(&'a Service),
}

impl Hands<'_> {
    async fn write(&self, folder: &Path, name: &str, text: &str) {
        match self {
            Self::Folder => fs::write(folder.join(name), text).unwrap(),
            Self::Bucket(service) => service.put(&format!("press/{name}"), text).await,
        }
    }

    async fn remove(&self, folder: &Path, name: &str) {
        match self {
            Self::Folder => fs::remove_file(folder.join(name)).unwrap(),
            Self::Bucket(service) => service.delete(&format!("press/{name}")).await,
        }
    }
}

/// What every place for exports keeps to. `folder` is where it holds its files.
async fn contract(export: Export, yaml: &str, folder: &Path, hands: Hands<'_>) {
    let place = site();
    let new = || {
        let config = place.config(&format!("feeds: {{ {yaml}, formats: [rss] }}"));
        Target::new(&export, &config.feeds).unwrap()
    };
    let feeds = async || {
        let config = place.config("feeds: { formats: [rss], aliases: { /feed.xml: /feeds/all.rss } }");
        let snapshot = Reconciler::new(config).glance(None, "2026-11-25T10:00:00Z".parse().unwrap()).await.unwrap();
        snapshot.feeds
    };
    let done = |report: Report| {
        assert_eq!(report.troubles, [], "{export}");
        (report.changed, report.kept, report.removed)
    };
    let first = feeds().await;
    let wanted = Arc::new(Wanted::of(&first));
    let all = first.documents.len() + 1;
    fs::create_dir_all(folder).unwrap();
    hands.write(folder, "theirs.txt", "theirs").await;
    let mut target = new();
    assert_eq!(done(target.export(Arc::clone(&wanted)).await), (all, 0, 0), "all is written");
    for (path, document) in &first.documents {
        assert_eq!(fs::read(folder.join(&path[1..])).unwrap(), *document.body, "the bytes that are served");
    }
    assert_eq!(fs::read(folder.join("feed.xml")).unwrap(), *first.documents["/feeds/all.rss"].body);
    assert_eq!(done(target.export(Arc::clone(&wanted)).await), (0, all, 0), "nothing is to do");
    assert_eq!(done(new().export(Arc::clone(&wanted)).await), (0, all, 0), "a new process finds it done");
    // A change: the feeds that show the article, and no other.
    place.article("_communiques/b.md", "title: Deux\ndate: 2026-11-02");
    let second = feeds().await;
    let is_same = |path: &String| first.documents.get(path).is_some_and(|old| old.etag == second.documents[path].etag);
    let changed = second.documents.keys().filter(|path| !is_same(path)).count() + 1;
    let report = target.export(Arc::new(Wanted::of(&second))).await;
    assert_eq!(done(report), (changed, second.documents.len() + 1 - changed, 0));
    // What is no longer wanted goes; what is not ours stays, under our names and others.
    hands.write(folder, "feed.xml", "somebody else's").await;
    let fewer = second.documents.iter().filter(|(path, _)| !path.contains("/tag/"));
    let fewer: Vec<_> = fewer.map(|(path, document)| (path.as_str(), Arc::clone(document))).collect();
    let left = fewer.len();
    let gone = second.documents.len() - left;
    assert!(gone > 0);
    assert_eq!(done(new().export(Arc::new(Wanted::new(fewer.clone()))).await), (0, left, gone));
    assert_eq!(fs::read_to_string(folder.join("theirs.txt")).unwrap(), "theirs");
    assert!(names(folder).contains("feed.xml"), "somebody else's file stays");
    // What others did to our files is put right by who looks.
    hands.remove(folder, "feeds/all.rss").await;
    let mut target = new();
    assert_eq!(done(target.export(Arc::new(Wanted::new(fewer.clone()))).await), (1, left - 1, 0));
    hands.remove(folder, "feeds/all.rss").await;
    target.forget();
    assert_eq!(done(target.export(Arc::new(Wanted::new(fewer))).await), (1, left - 1, 0));
    // Addresses that can be no file are told, and the rest is done.
    let document = Arc::clone(&second.documents["/feeds/all.rss"]);
    let report = target.export(Arc::new(Wanted::new([("/../x", Arc::clone(&document)), ("/y.rss", document)]))).await;
    assert!(report.troubles.len() == 1 && report.troubles[0].message.contains("/../x"), "{report:?}");
    assert_eq!((report.changed, report.removed), (1, left));
    assert_eq!(names(folder), ["feed.xml", "theirs.txt", "y.rss"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("public");
    contract(Export::Folder(folder.clone()), "export: x", &folder, Hands::Folder).await;
}

#[tokio::test]
async fn a_bucket_keeps_the_contract() {
    let Some(service) = Service::start() else { return };
    let export = Export::Bucket { bucket: "flux".to_owned(), prefix: "press".to_owned() };
    contract(export, &service.yaml("s3://flux/press", ""), &service.folder().join("press"), Hands::Bucket(&service))
        .await;
}

#[test]
fn each_place_is_told_of_by_itself_and_one_in_trouble_does_not_keep_the_others() {
    let place = site();
    fs::write(place.path("file"), "no folder").unwrap();
    let (bad, good) = (place.path("file"), place.path("good"));
    let rule = "rules: [{ name: une, endpoints: [essai], settle: 0s }]\nbaseline: none";
    let crieur = place.crieur(&format!(
        "feeds: {{ export: [{bad:?}, {good:?}], export_compressed: true }}\nendpoints: {{ essai: {{ network: journal }} }}\n{rule}"
    ));
    let output = crieur.run(&["run", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("export to {}", bad.display())) && said.contains("an export or the pull needs a person"),
        "{said}"
    );
    for name in ["feeds/all.rss", "feeds/all.rss.gz", "feeds/all.rss.br"] {
        assert!(good.join(name).is_file(), "{name}");
    }
    assert_eq!(crieur.published().len(), 1, "the posts go out all the same");
}

#[test]
fn a_full_disk_and_a_closed_one_are_told_once_and_what_was_there_stays_whole() {
    let place = site();
    for n in 0..40 {
        place.article(&format!("_actualites/n{n}.md"), &format!("title: Article {n}\ndate: 2026-11-01\ntags: [t{n}]"));
    }
    let disk = place.path("disk");
    fs::create_dir(&disk).unwrap();
    let crieur = place.crieur("");
    // In a name space of its own: the mount goes with the shell.
    let script = r#"mount -t tmpfs -o size="$1" none "$2" || exit 77
        printf theirs >"$2/theirs.txt"
        shift 2; "$@"; echo "exit $?" >&2
        mount -o remount,ro "$DISK"; "$@"; echo "exit $?" >&2
        ls -A "$DISK" >&2; find "$DISK" -name '*.rss' -size 0 >&2"#;
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh", "160k"])
        .arg(&disk)
        .arg(env!("CARGO_BIN_EXE_crieur"))
        .arg("--config")
        .arg(&crieur.file)
        .args(["build", "--out"])
        .arg(&disk)
        .env("DISK", &disk)
        .output();
    let Ok(output) = output else {
        println!("skipped: there is no unshare");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("ermission") || output.status.code() == Some(77) || said.contains("unshare") {
        println!("skipped: a disk of its own needs root: {said}");
        return;
    }
    assert_eq!(said.matches("exit 1").count(), 2, "{said}");
    assert_eq!(said.matches("free space on that disk").count(), 1, "{said}");
    assert_eq!(said.matches("mount it writable").count(), 1, "{said}");
    assert!(said.contains("theirs.txt") && !said.contains(".new"), "{said}");
    assert!(!said.lines().any(|line| line.ends_with(".rss") && line.starts_with('/')), "no file is empty: {said}");
}

#[test]
fn archives_and_calendars_stand_beside_the_feeds_that_name_them() {
    let place = Place::new();
    for n in 1..10 {
        place.article(
            &format!("_actualites/n{n}.md"),
            &format!("title: Article {n}\ndate: 2026-0{n}-01\ntags: [Cloud]"),
        );
    }
    place.article("_actualites/e.md", "title: Soirée\ndate: 2026-01-01\nevent_start_date: 2026-12-01 18:00:00 +01:00");
    let out = place.path("out");
    let crieur = place.crieur(&format!("feeds: {{ entries: 3, export: {out:?} }}"));
    let run = || {
        let output = crieur.run(&["run", "--once"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    run();
    // Every link of every document leads to a file.
    let mut links = 0;
    for name in names(&out) {
        let text = fs::read_to_string(out.join(&name)).unwrap();
        for at in text.match_indices("http://localhost:8080/feeds/").map(|(at, _)| at) {
            let link = &text[at + "http://localhost:8080/".len()..];
            let link = &link[..link.find(['"', '<', '\\', '\r', ' ']).unwrap()];
            if link.rsplit('/').next().unwrap().contains('.') {
                links += 1;
                assert!(out.join(link).is_file(), "{name} names {link}");
            }
        }
    }
    assert!(links > 20);
    for name in
        ["feeds/tag/cloud/archive/202601.rss", "feeds/all/archive/202601.json", "feeds/collection/actualites.ics"]
    {
        assert!(out.join(name).is_file(), "{name} in {:?}", names(&out));
    }
    assert!(!out.join("feeds/tag/cloud.ics").exists(), "a feed without events has no calendar");
    // Nothing changed: nothing is written. A correction of an old article writes its archives, and no others.
    assert!(!run().contains("exported"));
    let before = names(&out);
    let inode = |name: &str| std::os::unix::fs::MetadataExt::ino(&fs::metadata(out.join(name)).unwrap());
    let (old, other) = ("feeds/all/archive/202602.rss", "feeds/all/archive/202603.rss");
    let inodes = (inode(old), inode(other));
    place.article("_actualites/n2.md", "title: Article 2, corrigé\ndate: 2026-02-01\ntags: [Cloud]");
    assert!(run().contains("exported"));
    assert_eq!(names(&out), before);
    assert!(inode(old) != inodes.0 && inode(other) == inodes.1);
    // `build` makes the same, and a withdrawal takes away what it leaves empty.
    let built = place.path("built");
    crieur.ok(&["build", "--out", built.to_str().unwrap()]);
    assert_eq!(names(&built), before);
    place.remove("_actualites/n3.md");
    run();
    assert!(!out.join(other).exists());
}
