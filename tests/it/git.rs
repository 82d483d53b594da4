//! The git source against repositories on this machine: what editors and administrators do to them, what fails, and
//! who may see what. Kills, ssh and https are in `git_program.rs`, the web hook in `hooks.rs`.

use crate::support::origin::Origin;
use crate::support::parse;
use crieur::config::Git as Settings;
use crieur::source::git::{Git, Pulled, reading};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// Settings of a repository, with the checkout in a folder of the test.
fn settings(folder: &Path, url: &str, rest: &str) -> Settings {
    let checkout = folder.join("checkout");
    let yaml = format!("site: {{ git: {{ url: {url:?}, checkout: {checkout:?}{rest} }} }}");
    parse(&yaml).unwrap_or_else(|problems| panic!("{problems:#?}")).site.git.unwrap()
}

struct Clone {
    origin: Origin,
    folder: TempDir,
    git: Git,
}

impl Clone {
    /// A repository with one article, and a clone of it that was pulled once.
    fn new(rest: &str) -> (Self, Pulled) {
        let origin = Origin::new();
        origin.write("web/a.md", "Un article, avec assez de mots pour que git le reconnaisse sous un autre nom.\n");
        origin.write("README.md", "Le dépôt.\n");
        origin.commit("Le premier");
        let folder = tempfile::tempdir().unwrap();
        let mut git = Git::open(settings(folder.path(), &origin.url(), rest)).unwrap();
        let pulled = git.pull().unwrap();
        (Self { origin, folder, git }, pulled)
    }

    /// As after a restart.
    fn again(&mut self, rest: &str) {
        self.git = Git::open(settings(self.folder.path(), &self.origin.url(), rest)).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.git.root().join(name)).unwrap_or_default()
    }

    fn error(&mut self) -> String {
        self.git.pull().unwrap_err().to_string()
    }
}

#[test]
fn a_branch_and_a_folder_of_it_are_cloned_without_their_past() {
    let origin = Origin::new();
    for n in 0..5 {
        origin.write("web/a.md", format!("Version {n}\n"));
        origin.commit("Une version");
    }
    origin.git(&["checkout", "-q", "-b", "publication"]);
    origin.write("web/b.md", "Sur la branche\n");
    origin.commit("La branche");
    origin.git(&["checkout", "-q", "main"]);
    let folder = tempfile::tempdir().unwrap();
    let rest = ", branch: publication, subfolder: /web/, depth: 2";
    let mut git = Git::open(settings(folder.path(), &origin.url(), rest)).unwrap();
    assert!(!git.ready());
    let pulled = git.pull().unwrap();
    assert!(git.ready() && pulled.changed && !pulled.rewritten && pulled.renames.is_empty());
    assert_eq!(pulled.commit, origin.git(&["rev-parse", "publication"]).trim());
    assert_eq!(git.root(), folder.path().join("checkout/tree/web"));
    assert_eq!(fs::read_to_string(git.root().join("b.md")).unwrap(), "Sur la branche\n");
    let log = origin.git(&["--git-dir", folder.path().join("checkout/repo.git").to_str().unwrap(), "rev-list", "HEAD"]);
    assert_eq!(log.lines().count(), 2);
    assert!(!git.pull().unwrap().changed);
}

#[test]
fn a_plain_path_and_the_whole_history_will_do_too() {
    let (clone, _) = Clone::new(", depth: 0");
    let path = clone.origin.folder.path().to_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let mut git = Git::open(settings(folder.path(), &path, ", depth: 0")).unwrap();
    assert!(git.pull().unwrap().changed);
}

#[test]
fn an_edit_touches_one_file_and_a_rename_is_told_until_it_is_taken() {
    let (mut clone, _) = Clone::new(", subfolder: web");
    clone.git.taken().unwrap();
    clone.origin.write("web/b.md", "Un deuxième.\n");
    clone.origin.git(&["mv", "web/a.md", "web/été 2026.md"]);
    clone.origin.git(&["mv", "README.md", "LISEZMOI.md"]);
    clone.origin.commit("Renommé");
    let pulled = clone.git.pull().unwrap();
    let renames = vec![("a.md".to_owned(), "été 2026.md".to_owned())];
    assert_eq!((pulled.changed, pulled.rewritten, &pulled.renames), (true, false, &renames));
    assert!(!clone.git.root().join("a.md").exists());
    // Killed before a pass: the next start tells of it again, even if the repository is away.
    clone.again(", subfolder: web");
    assert_eq!(clone.git.pull().unwrap().renames, renames);
    clone.origin.vanish();
    clone.again(", subfolder: web");
    assert!(clone.git.pull().is_err());
    assert_eq!(clone.git.renames(), renames);
    clone.git.taken().unwrap();
    assert!(clone.git.renames().is_empty());
    clone.origin.come_back();
    // What did not change keeps its file: nobody has to read it again.
    let stamp = |clone: &Clone| {
        let metadata = fs::metadata(clone.git.root().join("b.md")).unwrap();
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime_nsec())
    };
    let before = stamp(&clone);
    clone.origin.write("web/c.md", "Un troisième.\n");
    clone.origin.commit("Un troisième");
    assert!(clone.git.pull().unwrap().changed);
    assert_eq!(stamp(&clone), before);
}

#[test]
fn a_forced_push_is_followed_and_told() {
    let (mut clone, _) = Clone::new("");
    clone.origin.write("web/a.md", "Mauvaise version\n");
    clone.origin.commit("Trop tôt");
    assert!(!clone.git.pull().unwrap().rewritten);
    clone.origin.git(&["reset", "-q", "--hard", "HEAD~1"]);
    clone.origin.write("web/a.md", "Bonne version\n");
    clone.origin.commit("À l’heure");
    let pulled = clone.git.pull().unwrap();
    assert!(pulled.changed && pulled.rewritten);
    assert_eq!(clone.text("web/a.md"), "Bonne version\n");
    // A history that has nothing in common with the former one.
    clone.origin.git(&["checkout", "-q", "--orphan", "autre"]);
    clone.origin.write("web/a.md", "Tout autre\n");
    clone.origin.commit("Recommencé");
    clone.origin.git(&["branch", "-q", "-M", "autre", "main"]);
    let pulled = clone.git.pull().unwrap();
    assert!(pulled.changed && pulled.rewritten);
    assert_eq!(clone.text("web/a.md"), "Tout autre\n");
}

#[test]
fn what_fails_leaves_the_last_state_and_says_what_to_do() {
    let rest = ", branch: main, subfolder: web";
    let (mut clone, _) = Clone::new(rest);
    let kept = clone.text("a.md");
    let check = |clone: &mut Clone, words: &[&str]| {
        for restarted in [false, true] {
            if restarted {
                clone.again(rest);
            }
            let error = clone.error();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
            assert!(clone.git.ready() && clone.text("a.md") == kept, "{error}");
        }
    };
    clone.origin.vanish();
    check(&mut clone, &["site.git.url"]);
    clone.origin.come_back();
    clone.origin.git(&["branch", "-q", "-m", "main", "principale"]);
    check(&mut clone, &["no branch main", "it has principale", "site.git.branch"]);
    clone.origin.git(&["branch", "-q", "-m", "principale", "main"]);
    clone.origin.git(&["rm", "-q", "-r", "web"]);
    clone.origin.commit("Vidé");
    check(&mut clone, &["no files in web", "site.git.subfolder"]);
    clone.origin.write("web/a.md", "De retour\n");
    clone.origin.commit("De retour");
    assert!(clone.git.pull().unwrap().changed);
    assert_eq!(clone.text("a.md"), "De retour\n");
}

#[test]
fn a_repository_without_a_commit_and_a_wrong_address_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::new();
    let mut git = Git::open(settings(folder.path(), &origin.url(), "")).unwrap();
    let error = git.pull().unwrap_err().to_string();
    assert!(error.contains("nothing at its HEAD") && !git.ready(), "{error}");
    let mut git = Git::open(settings(folder.path(), "/nowhere/site.git", "")).unwrap();
    let error = git.pull().unwrap_err().to_string();
    assert!(error.contains("/nowhere/site.git") && error.contains("site.git.url"), "{error}");
}

/// What happens to the folder of a clone.
type Damage = fn(&Path);

#[test]
fn a_damaged_clone_is_cloned_afresh_and_a_meddled_tree_put_right() {
    let damages: [(&str, Damage); 6] = [
        ("no HEAD", |checkout| fs::write(checkout.join("repo.git/HEAD"), "\0\0").unwrap()),
        ("no index", |checkout| fs::write(checkout.join("repo.git/index"), "DIRC broken").unwrap()),
        ("no objects", |checkout| fs::remove_dir_all(checkout.join("repo.git/objects")).unwrap()),
        ("no repository", |checkout| fs::remove_dir_all(checkout.join("repo.git")).unwrap()),
        ("no tree", |checkout| fs::remove_dir_all(checkout.join("tree")).unwrap()),
        ("meddled with", |checkout| {
            fs::write(checkout.join("tree/web/a.md"), "Changé à la main\n").unwrap();
            fs::write(checkout.join("tree/web/etranger.md"), "De trop\n").unwrap();
            // What a git leaves that was killed while it worked on the tree.
            fs::write(checkout.join("repo.git/index.lock"), "").unwrap();
            fs::write(checkout.join("unfinished"), "").unwrap();
        }),
    ];
    for (name, damage) in damages {
        let (mut clone, first) = Clone::new("");
        let repository = clone.folder.path().join("checkout/repo.git");
        let before = fs::metadata(&repository).unwrap().ino();
        damage(&clone.folder.path().join("checkout"));
        clone.again("");
        let pulled = clone.git.pull().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(pulled.commit, first.commit, "{name}");
        if matches!(name, "no tree" | "meddled with") {
            assert_eq!(fs::metadata(&repository).unwrap().ino(), before, "{name}: nothing had to be cloned again");
        }
        assert!(clone.git.ready() && clone.text("web/a.md").starts_with("Un article"), "{name}");
        assert!(!clone.git.root().join("web/etranger.md").exists(), "{name}");
        clone.origin.write("web/b.md", "Après\n");
        clone.origin.commit("Après");
        assert!(clone.git.pull().unwrap().changed, "{name}");
        assert_eq!(clone.text("web/b.md"), "Après\n", "{name}");
    }
}

#[test]
fn a_clone_that_breaks_while_it_is_used_is_mended_by_the_next_commit() {
    let (mut clone, _) = Clone::new("");
    fs::remove_dir_all(clone.folder.path().join("checkout/repo.git/objects")).unwrap();
    clone.origin.write("web/a.md", "Le deuxième\n");
    clone.origin.commit("Le deuxième");
    assert!(clone.git.pull().unwrap().changed);
    assert_eq!(clone.text("web/a.md"), "Le deuxième\n");
}

#[test]
fn nothing_of_a_repository_is_started_or_followed() {
    let (mut clone, _) = Clone::new("");
    let secret = clone.folder.path().join("secret");
    fs::write(&secret, "canari").unwrap();
    let hooks = clone.folder.path().join("checkout/repo.git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    let started = clone.folder.path().join("started");
    for name in ["post-checkout", "reference-transaction", "post-index-change"] {
        use std::os::unix::fs::PermissionsExt;
        fs::write(hooks.join(name), format!("#!/bin/sh\ntouch {}\n", started.display())).unwrap();
        fs::set_permissions(hooks.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::symlink(&secret, clone.origin.folder.path().join("web/secret.md")).unwrap();
    clone.origin.write(".gitattributes", "*.md filter=mal\n");
    clone.origin.write(".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = ext::touch started\n");
    clone.origin.commit("Malveillant");
    assert!(clone.git.pull().unwrap().changed);
    assert!(!started.exists());
    assert!(!clone.text("web/secret.md").contains("canari"), "a link is not followed");
}

#[test]
fn the_tree_is_held_while_it_is_read_and_an_unfinished_one_is_not_read() {
    let (mut clone, _) = Clone::new("");
    let checkout = clone.folder.path().join("checkout");
    let yaml = format!("site: {{ git: {{ url: {:?}, checkout: {checkout:?} }} }}", clone.origin.url());
    let site = parse(&yaml).unwrap().site;
    let lock = || fs::File::open(checkout.join("tree.lock")).unwrap();
    let held = reading(&site).unwrap().expect("the tree of a repository is held");
    assert!(lock().try_lock().is_err() && lock().try_lock_shared().is_ok());
    // Whoever wants to change it waits, and goes on waiting no longer than Crieur runs.
    clone.origin.write("web/a.md", "Le deuxième\n");
    clone.origin.commit("Le deuxième");
    let stop = clone.git.stop();
    std::thread::scope(|scope| {
        let git = &mut clone.git;
        let pull = scope.spawn(move || git.pull());
        let next = checkout.join("repo.git/refs/crieur/next");
        let newest = clone.origin.git(&["rev-parse", "HEAD"]);
        while fs::read_to_string(&next).unwrap_or_default() != newest {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(pull.join().unwrap().is_err());
    });
    assert!(clone.git.ready() && clone.text("web/a.md").starts_with("Un article"));
    drop(held);
    // A program that another test is just starting has a copy of every open file until it runs, and with it the lock.
    assert!(lock().lock().is_ok());
    stop.store(false, Ordering::Relaxed);
    assert!(clone.git.pull().unwrap().changed);
    fs::write(checkout.join("unfinished"), "").unwrap();
    assert!(reading(&site).is_err());
    assert!(clone.git.prepare().is_ok() && reading(&site).is_ok());
}
