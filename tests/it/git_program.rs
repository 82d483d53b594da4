//! The binary on a git source: every command, ssh, http with a token, kills. A `git` and an `ssh` of the test stand
//! first on the PATH: they see what the real ones are given. TLS itself and a real ssh server are not proved here.

use crate::support::Crieur;
use crate::support::origin::Origin;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const RULE: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], settle: 0s, fresh: 3650d }]\nbaseline: none";
const CANARY: &str = "canari-du-jeton";

struct World {
    origin: Origin,
    folder: TempDir,
    crieur: Crieur,
}

fn origin() -> Origin {
    let origin = Origin::new();
    origin.write(
        "_config.yml",
        "title: Essai\nurl: https://www.example.fr\ntimezone: Europe/Paris\ncollections: { actualites: { output: true, permalink: /actualites/:title/ } }\n",
    );
    for n in 0..3 {
        origin.article(&format!("_actualites/a{n}.md"), &format!("title: Article {n}\ndate: 2025-11-0{} 09:00", n + 1));
    }
    origin.commit("Le site");
    origin
}

impl World {
    fn new(url: impl Fn(&Origin) -> String, rest: &str) -> Self {
        let origin = origin();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crieur.yaml");
        // The checkout is beside the database.
        let store = folder.path().join("data/crieur.db");
        let yaml = format!(
            "site: {{ git: {{ url: {:?}{rest} }} }}\nstore: {:?}\n{RULE}\n",
            url(&origin),
            format!("sqlite:{}", store.display())
        );
        fs::write(&file, yaml).unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        Self { origin, folder, crieur: Crieur { file } }
    }

    /// A program that stands before the real one.
    fn program(&self, name: &str, script: &str) {
        let file = self.folder.path().join("bin").join(name);
        fs::write(
            &file,
            format!(
                "#!/bin/sh\nfolder='{}'\nreal='{}'\n{script}\n",
                self.folder.path().display(),
                std::env::var("PATH").unwrap()
            ),
        )
        .unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.crieur.command(arguments);
        let path = std::env::var("PATH").unwrap();
        // Crieur passes on the PATH and little else, so the scripts know the real one by themselves.
        command.env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()));
        command.env("TMPDIR", self.folder.path().join("tmp"));
        fs::create_dir_all(self.folder.path().join("tmp")).unwrap();
        command
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn checkout(&self) -> PathBuf {
        self.folder.path().join("data/site")
    }

    /// No file of the folder but the given ones, and nothing that was said, holds the canary.
    fn no_canary(&self, output: &Output, but: &[&str]) {
        assert!(!said(output).contains(CANARY), "{}", said(output));
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if !but.iter().any(|name| path.ends_with(name)) {
                    let bytes = fs::read(&path).unwrap();
                    let found = bytes.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes());
                    assert!(!found, "{} holds the token", path.display());
                }
            }
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_command_reads_a_repository() {
    let world = World::new(Origin::url, "");
    // A command that only looks makes the clone if there is none, and leaves it as it is if there is one.
    let plan = world.ok(&["plan", "--json"]);
    assert_eq!(plan.matches("_actualites/").count(), 3, "{plan}");
    world.origin.article("_actualites/plus.md", "title: De plus\ndate: 2025-11-05 09:00");
    world.origin.git(&["mv", "_actualites/a0.md", "_actualites/premier.md"]);
    world.origin.commit("De plus");
    assert!(!world.ok(&["plan", "--json"]).contains("plus.md"));
    world.ok(&["check"]);
    world.ok(&["preview", "a0"]);
    world.ok(&["build", "--out", world.folder.path().join("out").to_str().unwrap()]);
    assert!(!world.folder.path().join("data/crieur.db").exists(), "looking touches no database");
    // A pass pulls.
    world.ok(&["run", "--once"]);
    let posts = world.crieur.published();
    assert_eq!(posts.len(), 4, "{posts:?}");
    world.origin.article("_actualites/encore.md", "title: Encore\ndate: 2025-11-06 09:00");
    world.origin.commit("Encore");
    world.ok(&["publish-now", "encore"]);
    // Away, the last state is served, and the exit code says it.
    world.origin.vanish();
    let output = world.command(&["run", "--once"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("cannot be pulled"), "{}", said(&output));
    world.ok(&["plan"]);
}

#[test]
fn nobody_can_read_the_tree_while_git_works_on_it() {
    let world = World::new(Origin::url, "");
    let script = "case $1 in reset | clean) echo $1 >> $folder/calls; PATH=$real flock -n -s $folder/data/site/tree.lock true && echo open >> $folder/calls;; esac\nPATH=$real exec git \"$@\"";
    world.program("git", script);
    world.ok(&["run", "--once"]);
    world.origin.article("_actualites/plus.md", "title: De plus\ndate: 2025-11-05 09:00");
    world.origin.commit("De plus");
    world.ok(&["run", "--once"]);
    let calls = fs::read_to_string(world.folder.path().join("calls")).unwrap();
    // The clone; then what a start puts right, and the new commit.
    assert_eq!(calls.lines().collect::<Vec<_>>(), ["reset", "clean", "reset", "clean", "reset"]);
}

#[test]
fn a_folder_given_by_hand_stands_in_for_the_repository() {
    let world = World::new(|_| "/nowhere".to_owned(), "");
    world.ok(&["run", "--once", "--site", world.origin.folder.path().to_str().unwrap()]);
    assert!(!world.checkout().exists());
}

#[test]
fn without_git_or_with_an_old_one_it_says_what_is_missing() {
    let world = World::new(Origin::url, "");
    let output = world.command(&["plan"]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("install git 2.32"), "{}", said(&output));
    world.program("git", "echo git version 2.30.2");
    let output = world.command(&["check"]).output().unwrap();
    assert!(said(&output).contains("git 2.30 is too old"), "{}", said(&output));
}

#[test]
fn killed_at_every_call_of_git_before_it_and_in_its_midst() {
    // Long enough that a kill in its midst finds it at work.
    let midst = "PATH=$real git \"$@\" & kill -9 $PPID; wait; exit";
    let before = "kill -9 $PPID; exit";
    for how in [before, midst] {
        let world = World::new(Origin::url, "");
        let mut killed = 0;
        for call in 1..60 {
            world.program(
                "git",
                &format!(
                    "n=$(cat $folder/calls 2>/dev/null || echo 0); n=$((n + 1)); echo $n > $folder/calls\nif [ $n = {call} ]; then {how}; fi\nPATH=$real exec git \"$@\""
                ),
            );
            for n in 0..200 {
                world.origin.write(&format!("divers/{n}.txt"), format!("{call} {n}"));
            }
            world
                .origin
                .article(&format!("_actualites/n{call}.md"), &format!("title: N {call}\ndate: 2025-11-10 09:00"));
            world.origin.git(&[
                "mv",
                &format!("_actualites/{}.md", if killed == 0 { "a0".into() } else { format!("r{}", call - 1) }),
                &format!("_actualites/r{call}.md"),
            ]);
            world.origin.commit("La suite");
            let _ = fs::remove_file(world.folder.path().join("calls"));
            let output = world.command(&["run", "--once"]).output().unwrap();
            let died = output.status.signal() == Some(9);
            killed += usize::from(died);
            // The next start puts everything right.
            fs::remove_file(world.folder.path().join("bin/git")).unwrap();
            world.ok(&["run", "--once"]);
            let tree = world.checkout().join("tree");
            assert_eq!(
                world.origin.git(&["--work-tree", tree.to_str().unwrap(), "status", "--porcelain"]),
                "",
                "call {call}"
            );
            assert!(!world.checkout().join("unfinished").exists());
            if !died {
                break;
            }
        }
        assert!((8..59).contains(&killed), "{killed} calls");
        let posts = world.crieur.json(&["posts", "--json"]);
        let posts = posts.as_array().unwrap();
        // Three articles and one more each time; the one that was renamed every time is still one.
        assert_eq!(posts.len(), 3 + killed + 1, "{posts:#?}");
    }
}

#[test]
fn ssh_gets_a_private_key_and_trusts_known_hosts_alone() {
    let world = World::new(
        |origin| format!("git@forge.example.fr:{}", origin.folder.path().display()),
        ", key_file: KEY, known_hosts: HOSTS",
    );
    let (key, hosts) = (world.folder.path().join("deploy key"), world.folder.path().join("hosts"));
    fs::write(&key, format!("-----BEGIN {CANARY}-----\n")).unwrap();
    // Others may read the file that was given; ssh would refuse it as it is.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&hosts, "forge.example.fr ssh-ed25519 AAAA\n").unwrap();
    let yaml = fs::read_to_string(&world.crieur.file).unwrap();
    let yaml = yaml.replace("KEY", &format!("{key:?}")).replace("HOSTS", &format!("{hosts:?}"));
    fs::write(&world.crieur.file, yaml).unwrap();
    world.program(
        "ssh",
        r#"printf '%s\n' "$@" >> $folder/seen; set > $folder/environment
while [ $# -gt 0 ]; do
  case "$1" in -i) stat -c %a "$2" >> $folder/seen; tail -c 1 "$2" | od -An -c >> $folder/seen; stat -c %a "$(dirname "$2")" >> $folder/seen;; esac
  last=$1; shift
done
PATH=$real; exec sh -c "$last""#,
    );
    let output = world.command(&["run", "--once"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let seen = fs::read_to_string(world.folder.path().join("seen")).unwrap();
    for word in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "UserKnownHostsFile=",
        "GlobalKnownHostsFile=/dev/null",
        "git@forge.example.fr",
        "600",
        "700",
        r"\n",
        "git-upload-pack",
    ] {
        assert!(seen.lines().any(|line| line.contains(word)), "{word} in\n{seen}");
    }
    world.no_canary(&output, &["deploy key"]);
    assert_eq!(fs::read_dir(world.folder.path().join("tmp")).unwrap().count(), 0, "the key is gone");
    // What ssh says is said, with what to do.
    world.program("ssh", "echo 'No ED25519 host key is known for forge.example.fr and you have requested strict checking.' >&2\necho 'Host key verification failed.' >&2; exit 255");
    let error = said(&world.command(&["run", "--once"]).output().unwrap());
    assert!(error.contains("site.git.known_hosts"), "{error}");
}

/// git's own CGI, behind a question for a name and a password.
async fn backend(root: PathBuf, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let expected = format!("Basic {}", base64(&format!("x-access-token:{CANARY}")));
    let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given != Some(expected.as_str()) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"essai\"")]).into_response();
    }
    let of = |name: header::HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut command = Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", root).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("REQUEST_METHOD", parts.method.as_str()).env("PATH_INFO", parts.uri.path());
    command.env("QUERY_STRING", parts.uri.query().unwrap_or("")).env("REMOTE_USER", "essai");
    command.env("CONTENT_TYPE", of(header::CONTENT_TYPE).unwrap_or_default());
    command.env("HTTP_CONTENT_ENCODING", of(header::CONTENT_ENCODING).unwrap_or_default());
    command.env("GIT_PROTOCOL", parts.headers.get("git-protocol").map_or("", |value| value.to_str().unwrap()));
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    command.env("CONTENT_LENGTH", body.len().to_string());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(&body);
        child.wait_with_output().unwrap().stdout
    });
    let output = output.await.unwrap();
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let mut response = Response::new(Body::from(output[end + 4..].to_vec()));
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        match line.split_once(": ").unwrap() {
            ("Status", status) => *response.status_mut() = status[..3].parse().unwrap(),
            (name, value) => {
                response
                    .headers_mut()
                    .insert(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
        }
    }
    response
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_its_server_and_nobody_else() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::new(|_| format!("http://{address}/site/.git"), ", token_file: TOKEN");
    let token = world.folder.path().join("token");
    let yaml = fs::read_to_string(&world.crieur.file).unwrap().replace("TOKEN", &format!("{token:?}"));
    fs::write(&world.crieur.file, yaml).unwrap();
    let root = world.folder.path().join("served");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(world.origin.folder.path(), root.join("site")).unwrap();
    let served = Router::new().fallback(move |request: Request| backend(root.clone(), request));
    tokio::spawn(async move { axum::serve(listener, served).await.unwrap() });
    // What is given to git, for everyone to see in the list of processes.
    world.program(
        "git",
        "printf '%s ' \"$@\" >> $folder/arguments; tr '\\0' ' ' < /proc/$PPID/cmdline >> $folder/arguments\nPATH=$real exec git \"$@\"",
    );
    tokio::task::spawn_blocking(move || {
        fs::write(&token, format!("{CANARY}\n")).unwrap();
        let output = world.command(&["--log", "trace", "run", "--once"]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(world.crieur.published().len(), 3);
        assert!(fs::read_to_string(world.folder.path().join("arguments")).unwrap().contains("fetch"));
        world.no_canary(&output, &["token"]);
        // A wrong one is refused with what to do, and not repeated.
        fs::write(&token, format!("{CANARY}-faux\n")).unwrap();
        let output = world.command(&["--log", "trace", "run", "--once"]).output().unwrap();
        assert!(said(&output).contains("check site.git.token"), "{}", said(&output));
        world.no_canary(&output, &["token"]);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_does_not_carry_the_token_along() {
    let (near, far) = (
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
    );
    let (here, there) = (near.local_addr().unwrap(), far.local_addr().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    let away = Router::new().fallback(move |request: Request| async move {
        let to = format!("http://{there}{}", request.uri());
        (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
    });
    let thief = Router::new().fallback(move |request: Request| {
        let given = request.headers().contains_key(header::AUTHORIZATION);
        sender.send(given).unwrap();
        async { (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"donnez\"")]).into_response() }
    });
    tokio::spawn(async move { axum::serve(near, away).await.unwrap() });
    tokio::spawn(async move { axum::serve(far, thief).await.unwrap() });
    let world = World::new(|_| format!("http://{here}/site.git"), &format!(", token: {CANARY}"));
    let output = tokio::task::spawn_blocking(move || world.command(&["plan"]).output().unwrap()).await.unwrap();
    assert!(!output.status.success());
    let asked: Vec<bool> = receiver.try_iter().collect();
    assert!(!asked.is_empty() && asked.iter().all(|given| !given), "{asked:?}");
}

#[test]
fn a_path_is_no_option() {
    let world = World::new(|_| "--upload-pack=touch started".to_owned(), "");
    assert_eq!(world.command(&["plan"]).output().unwrap().status.code(), Some(2));
    assert!(!Path::new("started").exists());
}
