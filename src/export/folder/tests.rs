//! The folder, against the disk: what is written, what is left alone, and what holds wherever the power is cut.

use super::{Folder, Manifest};
use crate::crash::{Cut, cut_after};
use crate::export::tests::{document, on_demand, wanted};
use crate::export::{Report, Wanted};
use crate::feed::coding::unpacks_to;
use crate::feed::conditional::Coding;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn done(report: &Report) -> (usize, usize, usize) {
    assert_eq!(report.troubles, []);
    (report.changed, report.kept, report.removed)
}

/// All files under a folder, by relative name; links are shown by where they lead.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if kind.is_dir() {
                walk(root, &path, found);
            } else if kind.is_symlink() {
                found.insert(name, format!("-> {}", fs::read_link(&path).unwrap().display()).into_bytes());
            } else if kind.is_file() {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

#[test]
fn files_are_what_is_served_and_only_what_changed_is_written() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("public");
    let mut folder = Folder::new(root.clone(), false);
    let first = wanted(&[("/feeds/all.rss", "un"), ("/feeds/tag/cloud.rss", "deux"), ("/feed.xml", "un")]);
    assert_eq!(done(&folder.export(&first)), (3, 0, 0));
    assert_eq!(fs::read(root.join("feeds/tag/cloud.rss")).unwrap(), b"deux");
    let facts = fs::metadata(root.join("feed.xml")).unwrap();
    assert_eq!((facts.permissions().mode() & 0o022, facts.mtime()), (0, 1_700_000_000));
    let inodes = |name: &str| fs::metadata(root.join(name)).unwrap().ino();
    let before = (inodes("feed.xml"), inodes("feeds/tag/cloud.rss"), inodes(".crieur-files"));
    assert_eq!(done(&folder.export(&first)), (0, 3, 0));
    assert_eq!(done(&Folder::new(root.clone(), false).export(&first)), (0, 3, 0), "a new process compares");
    assert_eq!(before, (inodes("feed.xml"), inodes("feeds/tag/cloud.rss"), inodes(".crieur-files")));
    let second = wanted(&[("/feeds/all.rss", "un"), ("/feeds/tag/cloud.rss", "trois")]);
    assert_eq!(done(&folder.export(&second)), (1, 1, 1));
    assert_eq!(files(&root).keys().collect::<Vec<_>>(), [".crieur-files", "feeds/all.rss", "feeds/tag/cloud.rss"]);
}

#[test]
fn the_list_is_one_that_sha256sum_checks() {
    let place = tempfile::tempdir().unwrap();
    let texts = [("/feeds/all.rss", "un"), ("/feed/Journée d'échanges.xml", "deux")];
    done(&Folder::new(place.path().to_owned(), true).export(&wanted(&texts)));
    let check = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", ".crieur-files"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
}

#[test]
fn what_is_known_is_not_read_again_until_others_were_there() {
    let place = tempfile::tempdir().unwrap();
    let mut folder = Folder::new(place.path().to_owned(), false);
    let all = wanted(&[("/a.rss", "un"), ("/b.rss", "deux")]);
    folder.export(&all);
    // Only who reads it can know.
    fs::write(place.path().join("a.rss"), "somebody's").unwrap();
    assert_eq!(done(&folder.export(&all)), (0, 2, 0));
    folder.forget();
    let report = folder.export(&all);
    assert_eq!((done(&report), report.replaced), ((1, 1, 0), 1), "and it is said that it was not ours");
    fs::remove_dir_all(place.path()).unwrap();
    assert_eq!(done(&folder.export(&all)), (2, 0, 0), "a folder that is gone is made again");
}

#[test]
fn compressed_files_stand_beside_their_originals_and_go_with_them() {
    let place = tempfile::tempdir().unwrap();
    let mut folder = Folder::new(place.path().to_owned(), true);
    let text = "<rss>".repeat(100);
    assert_eq!(done(&folder.export(&wanted(&[("/a.rss", &text), ("/b.rss", "x")]))), (6, 0, 0));
    for (ending, coding) in [("gz", Coding::Gzip), ("br", Coding::Brotli)] {
        let packed = fs::read(place.path().join(format!("a.rss.{ending}"))).unwrap();
        assert!(packed.len() < text.len() && unpacks_to(&packed, coding, text.as_bytes()), "{ending}");
    }
    // Another version may have compressed it to other bytes: that is no change.
    let mut other = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut other, text.as_bytes()).unwrap();
    fs::write(place.path().join("a.rss.gz"), other.finish().unwrap()).unwrap();
    let mut later = Folder::new(place.path().to_owned(), true);
    assert_eq!(done(&later.export(&wanted(&[("/a.rss", &text)]))), (0, 3, 3));
    let mut plain = Folder::new(place.path().to_owned(), false);
    assert_eq!(done(&plain.export(&wanted(&[("/a.rss", &text)]))), (0, 1, 2));
    assert_eq!(files(place.path()).keys().collect::<Vec<_>>(), [".crieur-files", "a.rss"]);
}

#[test]
fn no_link_leads_out_of_the_folder() {
    let place = tempfile::tempdir().unwrap();
    let (root, outside) = (place.path().join("public"), place.path().join("outside"));
    fs::create_dir_all(root.join("feeds")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("all.rss"), "theirs").unwrap();
    symlink(&outside, root.join("feeds/tag")).unwrap();
    symlink(outside.join("all.rss"), root.join("feeds/all.rss")).unwrap();
    symlink(outside.join("new.rss"), root.join("feeds/new.rss")).unwrap();
    symlink(outside.join("list"), root.join(".crieur-files")).unwrap();
    let all = wanted(&[("/feeds/all.rss", "un"), ("/feeds/new.rss", "deux"), ("/feeds/tag/all.rss", "trois")]);
    let mut folder = Folder::new(root.clone(), false);
    let report = folder.export(&all);
    assert_eq!(report.changed, 2, "a link in a file's place is replaced, not followed");
    assert!(
        report.troubles.iter().any(|trouble| trouble.message.contains("feeds/tag is a symbolic link")),
        "{report:?}"
    );
    // What is no longer wanted is not removed through a link either.
    folder.forget();
    folder.export(&wanted(&[]));
    assert_eq!(files(&outside), BTreeMap::from([("all.rss".to_owned(), b"theirs".to_vec())]));
    assert_eq!(files(&root).keys().collect::<Vec<_>>(), [".crieur-files", "feeds/tag"]);
}

#[test]
fn what_stands_in_the_way_is_told_and_the_rest_is_written() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir_all(place.path().join("a.rss/inside")).unwrap();
    fs::write(place.path().join("tag"), "a file").unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path().join("pipe.rss"), rustix::fs::Mode::RWXU).unwrap();
    let texts = [("/a.rss", "1"), ("/tag/b.rss", "2"), ("/pipe.rss", "3"), ("/c.rss", "4"), ("/x", "5"), ("/x/y", "6")];
    let mut folder = Folder::new(place.path().to_owned(), false);
    let report = folder.export(&wanted(&texts));
    let told: Vec<String> = report.troubles.iter().map(super::Trouble::sentence).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("/x cannot be a file"), "{told:#?}");
    assert!(told[1].contains("move away what stands there") && told[1].contains("one other"), "{told:#?}");
    assert_eq!(report.changed, 3);
    assert_eq!(fs::read(place.path().join("pipe.rss")).unwrap(), b"3", "a pipe is replaced, not waited for");
    // What was in the way is gone: the rest is written, and nothing else.
    fs::remove_file(place.path().join("tag")).unwrap();
    assert_eq!(folder.export(&wanted(&texts)).changed, 1);
}

#[test]
fn a_full_disk_and_a_closed_one_are_told_with_what_to_do() {
    let why = |error: std::io::Error| {
        super::told(&super::DiskError { path: "public/a".into(), why: super::Why::System(error) })
    };
    let full = why(rustix::io::Errno::NOSPC.into()).sentence();
    assert!(full.contains("public/a cannot be written") && full.contains("free space on that disk"), "{full}");
    let closed = why(rustix::io::Errno::ROFS.into()).sentence();
    assert!(closed.contains("mount it writable"), "{closed}");
}

#[test]
fn two_processes_in_one_folder_leave_each_others_changes() {
    let place = tempfile::tempdir().unwrap();
    let new = || Folder::new(place.path().to_owned(), false);
    let (mut one, mut two) = (new(), new());
    let old = wanted(&[("/a.rss", "old"), ("/b.rss", "b")]);
    done(&one.export(&old));
    assert_eq!(done(&two.export(&old)), (0, 2, 0));
    // One sees a change and a new feed; the other has not seen them yet, and something else changes for it.
    done(&one.export(&wanted(&[("/a.rss", "new"), ("/b.rss", "b"), ("/c.rss", "c")])));
    assert_eq!(done(&two.export(&wanted(&[("/a.rss", "old"), ("/b.rss", "B")]))), (1, 1, 0));
    let there = files(place.path());
    assert_eq!((&*there["a.rss"], &*there["b.rss"], &*there["c.rss"]), (&b"new"[..], &b"B"[..], &b"c"[..]));
    // Both come to see the same.
    let all = wanted(&[("/a.rss", "new"), ("/b.rss", "B"), ("/c.rss", "c")]);
    assert_eq!(done(&two.export(&all)), (0, 3, 0));
    assert_eq!(done(&one.export(&all)), (0, 3, 0));
    // While one is at work, the other waits its turn.
    let busy = super::Disk::open(place.path()).unwrap();
    let report = two.export(&wanted(&[("/a.rss", "x")]));
    assert!(report.troubles[0].is_passing && report.troubles[0].message.contains("another process"), "{report:?}");
    drop(busy);
    assert_eq!(done(&two.export(&wanted(&[("/a.rss", "x")]))), (1, 0, 2));
}

#[test]
fn what_the_first_version_wrote_is_taken_over() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
    write(".crieur-files", "a.rss\nold.rss\n");
    for (name, text) in [("a.rss", "one"), ("old.rss", "two"), ("a.rss.4711.new", "hal"), ("theirs.4711.new", "x")] {
        write(name, text);
    }
    assert_eq!(done(&Folder::new(place.path().to_owned(), false).export(&wanted(&[("/a.rss", "new")]))), (1, 0, 1));
    assert_eq!(files(place.path()).keys().collect::<Vec<_>>(), [".crieur-files", "a.rss", "theirs.4711.new"]);
}

#[test]
fn what_is_on_demand_is_made_only_if_the_folder_does_not_have_it() {
    let place = tempfile::tempdir().unwrap();
    let new = || Folder::new(place.path().to_owned(), true);
    let count = Arc::new(AtomicUsize::new(0));
    let made = || count.swap(0, Ordering::Relaxed);
    let two = [("/a/1.rss", Some("un")), ("/a/2.rss", Some("deux"))];
    let mut folder = new();
    assert_eq!(done(&folder.export(&on_demand(&two, &count))), (6, 0, 0));
    // Each form for itself.
    assert_eq!(made(), 6);
    assert_eq!((done(&folder.export(&on_demand(&two, &count))), made()), ((0, 6, 0), 0));
    assert_eq!((done(&new().export(&on_demand(&two, &count))), made()), ((0, 6, 0), 0), "a new process finds it");
    // What somebody changed is found, and made again.
    fs::write(place.path().join("a/1.rss"), "theirs").unwrap();
    assert_eq!((done(&new().export(&on_demand(&two, &count))), made()), ((1, 5, 0), 1));
    // Without what is known of them they are made to be compared, and not written.
    fs::remove_file(place.path().join(".crieur-made-of")).unwrap();
    assert_eq!((done(&new().export(&on_demand(&two, &count))), made()), ((0, 6, 0), 6));
    // One that cannot be made stays as it is, and is told; what is left out of a part is not removed.
    let none = [("/a/1.rss", None), ("/a/2.rss", Some("deux"))];
    let report = new().export(&on_demand(&none, &count));
    assert_eq!((report.changed, report.kept, report.removed, report.troubles.len()), (0, 3, 0, 1), "{report:?}");
    assert!(report.troubles[0].is_passing && report.troubles[0].message.contains("a/1.rss cannot be made"));
    assert_eq!(fs::read(place.path().join("a/1.rss")).unwrap(), b"un");
    assert_eq!(done(&new().export(&wanted(&[("/b.rss", "x")]).partial())), (3, 0, 0));
    assert!(place.path().join("a/1.rss").is_file());
    assert_eq!(done(&new().export(&wanted(&[("/b.rss", "x")]))), (0, 3, 6));
}

#[test]
fn not_too_much_is_made_at_once_and_what_is_ready_goes_first() {
    let place = tempfile::tempdir().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let names: Vec<&'static str> = (0..75).map(|n| &*format!("/a/{n:02}.rss").leak()).collect();
    let texts: Vec<(&'static str, Option<&'static str>)> = names.iter().map(|name| (*name, Some(*name))).collect();
    let mut folder = Folder::new(place.path().to_owned(), false);
    let all = on_demand(&texts, &count);
    let left = [(); 3].map(|()| folder.export(&all).left);
    assert_eq!(left, [43, 11, 0]);
    assert_eq!((done(&folder.export(&all)), count.load(Ordering::Relaxed)), ((0, 75, 0), 75));
}

/// What happens to a folder, one after the other.
#[derive(Debug, Clone)]
enum Event {
    /// An export of these contents by name, cut after so many steps; by a new process, or the one before if it lives.
    Export { contents: BTreeMap<usize, usize>, compressed: bool, cut: Option<usize>, is_new: bool },
    /// Somebody else writes a file.
    Foreign { name: usize, text: usize },
    /// Somebody removes a file.
    Removed { name: usize },
}

const NAMES: [&str; 6] = ["a.rss", "b.rss", "feeds/all.rss", "feeds/tag/cloud.rss", "feeds/tag/open.rss", "theirs.txt"];

fn event() -> impl Strategy<Value = Event> {
    let contents = proptest::collection::btree_map(0..NAMES.len() - 1, 0..3usize, 0..NAMES.len());
    let export = (contents, any::<bool>(), proptest::option::of(0..70usize), any::<bool>());
    prop_oneof![
        6 => export.prop_map(|(contents, compressed, cut, is_new)| Event::Export { contents, compressed, cut, is_new }),
        1 => (0..NAMES.len(), 0..2usize).prop_map(|(name, text)| Event::Foreign { name, text }),
        1 => (0..NAMES.len()).prop_map(|name| Event::Removed { name }),
    ]
}

fn text(name: usize, version: usize) -> String {
    format!("{} version {version} {}", NAMES[name], "of a text that is longer than a buffer ".repeat(version * 50))
}

fn set(contents: &BTreeMap<usize, usize>) -> Wanted {
    let paths: Vec<(String, _)> = contents
        .iter()
        .map(|(name, version)| {
            (format!("/{}", NAMES[*name]), document(NAMES[*name], &text(*name, *version), 1_700_000_000))
        })
        .collect();
    Wanted::new(paths.iter().map(|(path, document)| (path.as_str(), Arc::clone(document))))
}

/// Everything that may stand under a name if it is ours, packed or not.
fn is_whole(name: &str, bytes: &[u8]) -> bool {
    let (own, coding) = match name.rsplit_once('.') {
        Some((own, "gz")) => (own, Coding::Gzip),
        Some((own, "br")) => (own, Coding::Brotli),
        _ => (name, Coding::Identity),
    };
    let at = NAMES.iter().position(|known| *known == own);
    at.is_some_and(|at| (0..3).any(|version| unpacks_to(bytes, coding, text(at, version).as_bytes())))
}

fn foreign(text: usize) -> Vec<u8> {
    format!("somebody else's text number {text}").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn wherever_it_is_cut_files_are_whole_the_list_is_true_and_others_files_stay(
        events in proptest::collection::vec(event(), 1..12),
        last in proptest::collection::btree_map(0..NAMES.len() - 1, 0..3usize, 0..NAMES.len()),
    ) {
        // In memory, if there is such a place: a thousand waits for a disk prove nothing more.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let root = place.path();
        let mut theirs: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut living: Option<Folder> = None;
        for event in events {
            match event {
                Event::Foreign { name, text } => {
                    let path = root.join(NAMES[name]);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, foreign(text)).unwrap();
                    theirs.insert(NAMES[name].to_owned(), foreign(text));
                }
                Event::Removed { name } => {
                    let _ = fs::remove_file(root.join(NAMES[name]));
                    theirs.remove(NAMES[name]);
                }
                Event::Export { contents, compressed, cut, is_new } => {
                    let wanted = set(&contents);
                    let mut folder = match living.take() {
                        Some(folder) if !is_new => folder,
                        _ => Folder::new(root.to_owned(), compressed),
                    };
                    cut_after(cut);
                    let done = catch_unwind(AssertUnwindSafe(|| folder.export(&wanted)));
                    cut_after(None);
                    match done {
                        Ok(report) => {
                            prop_assert_eq!(&report.troubles, &[]);
                            living = Some(folder);
                        }
                        // The process is dead; what it remembered is gone.
                        Err(why) => prop_assert!(why.is::<Cut>(), "it panicked"),
                    }
                }
            }
            let there = files(root);
            let list = Manifest::parse(&String::from_utf8_lossy(there.get(".crieur-files").map_or(b"", |list| list)));
            for name in theirs.keys() {
                prop_assert!(there.contains_key(name), "{} was not ours to remove", name);
                prop_assert!(name != "theirs.txt" || there.get(name) == theirs.get(name), "nobody wanted {}", name);
            }
            // It is still there, or ours took its place.
            theirs.retain(|name, text| there.get(name) == Some(text));
            for (name, bytes) in &there {
                if name == ".crieur-files" || name.rsplit('/').next().unwrap().starts_with(".crieur-") {
                    continue;
                }
                if !theirs.contains_key(name) {
                    prop_assert!(is_whole(name, bytes), "{} is torn", name);
                    prop_assert!(list.owns(name, bytes), "{} is ours and not on the list", name);
                }
            }
        }
        // Names that nobody ever wanted are never touched.
        let untouched = theirs.clone();
        let report = Folder::new(root.to_owned(), false).export(&set(&last));
        prop_assert_eq!(&report.troubles, &[]);
        let mut expected: BTreeMap<String, Vec<u8>> = untouched;
        expected.extend(last.iter().map(|(name, version)| (NAMES[*name].to_owned(), text(*name, *version).into_bytes())));
        let mut there = files(root);
        let list = Manifest::parse(&String::from_utf8_lossy(&there.remove(".crieur-files").unwrap_or_default()));
        prop_assert_eq!(there, expected);
        let names: Vec<&str> = list.names().collect();
        let wanted: Vec<&str> = NAMES.iter().enumerate().filter(|(at, _)| last.contains_key(at)).map(|(_, name)| *name).collect();
        prop_assert_eq!(names, wanted);
    }
}
