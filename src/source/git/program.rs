//! Running the program `git`: nothing of the machine's settings, nothing that a repository could start, no secret
//! where others could read it, and an end to everything.

use crate::config::{Git as Settings, Remote};
use crate::secret::{Secret, redact};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use uuid::Uuid;

/// How long a question to the repository may take.
pub const ASK: Duration = Duration::from_secs(60);
/// How long a transfer may take: a first clone of years of photographs over a slow line.
pub const FETCH: Duration = Duration::from_secs(20 * 60);
/// How long work on this machine may take: a hundred thousand files on a slow disk.
pub const LOCAL: Duration = Duration::from_secs(10 * 60);
/// How often it is looked whether the program ended, its time is over, or Crieur stops.
const TICK: Duration = Duration::from_millis(5);
/// Most bytes of an answer that are kept.
const ANSWER_MAX: u64 = 32 * 1024 * 1024;

/// Why a command did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// There is no program `git`, or it cannot be started.
    NoProgram(String),
    /// It took too long.
    TooLong,
    /// Crieur is stopping.
    Stopped,
    /// It said why, without secrets.
    Said(String),
}

/// What commands of this kind need in common.
pub struct Program<'a> {
    /// The repository's settings.
    pub settings: &'a Settings,
    /// Set when Crieur stops.
    pub stop: &'a Arc<AtomicBool>,
    /// The folder of the repository's own data.
    pub repository: &'a Path,
    /// The lock under which this works. The child holds it too, so that a child that outlives Crieur keeps it until it
    /// ends.
    pub lock: &'a File,
}

impl Program<'_> {
    /// Runs a command that works on this machine only. What it answered.
    pub fn local(&self, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
        self.run(self.command(arguments), LOCAL)
    }

    /// Runs a command on the working tree.
    pub fn on_tree(&self, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
        let mut command = self.command(arguments);
        let tree = self.settings.tree();
        command.env("GIT_WORK_TREE", &tree).current_dir(tree);
        self.run(command, LOCAL)
    }

    /// Runs a command that speaks with the remote repository.
    pub fn remote(&self, arguments: &[&str], limit: Duration) -> Result<Vec<u8>, Failure> {
        let mut command = self.command(arguments);
        let private = match &self.settings.url {
            Remote::Ssh(_) => Some(self.ssh(&mut command)?),
            Remote::Http(_) | Remote::Local(_) => None,
        };
        let answer = self.run(command, limit);
        drop(private);
        answer
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare();
        command.args(arguments);
        command.env("GIT_DIR", self.repository).env("GIT_ALLOW_PROTOCOL", self.settings.url.protocols());
        let mut options: Vec<(String, &str)> =
            OPTIONS.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        if let (Remote::Http(url), Some(token)) = (&self.settings.url, &self.settings.token) {
            // For this server only: whoever it redirects to gets nothing. The program's arguments name the variable.
            options.push((format!("credential.{}.helper", url.origin().ascii_serialization()), HELPER));
            let user = if url.username().is_empty() { "x-access-token" } else { url.username() };
            command.env("CRIEUR_GIT_USER", user).env("CRIEUR_GIT_TOKEN", token.expose());
        }
        set(&mut command, &options);
        command
    }

    /// Makes the command use ssh with our key and known hosts alone. What it returns must outlive the command.
    fn ssh(&self, command: &mut Command) -> Result<Private, Failure> {
        let mut ssh = "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no \
                       -o ForwardAgent=no -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
            .to_owned();
        let private =
            Private::new().map_err(|error| Failure::Said(format!("a private folder cannot be made: {error}")))?;
        let put = |name: &str, text: &[u8]| {
            private.put(name, text).map_err(|error| Failure::Said(format!("a private file cannot be written: {error}")))
        };
        if let Some(key) = &self.settings.key {
            let file = put("key", format!("{}\n", key.expose()).as_bytes())?;
            ssh.push_str(&format!(" -o IdentitiesOnly=yes -o IdentityAgent=none -i {}", quoted(&file)));
        }
        if let Some(known_hosts) = &self.settings.known_hosts {
            let text = fs::read(known_hosts).map_err(|error| {
                Failure::Said(format!("site.git.known_hosts, {}, cannot be read: {error}", known_hosts.display()))
            })?;
            let file = quoted(&put("known_hosts", &text)?);
            ssh.push_str(&format!(" -o UserKnownHostsFile={file} -o GlobalKnownHostsFile=/dev/null"));
        }
        command.env("GIT_SSH_COMMAND", ssh).env("GIT_SSH_VARIANT", "ssh");
        Ok(private)
    }

    fn run(&self, mut command: Command, limit: Duration) -> Result<Vec<u8>, Failure> {
        let lock = self.lock.try_clone().map_err(|error| Failure::NoProgram(error.to_string()))?;
        command.stdin(Stdio::from(lock)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| Failure::NoProgram(error.to_string()))?;
        let (status, answer, said) = self.wait(child, limit)?;
        if status.success() {
            return Ok(answer);
        }
        Err(Failure::Said(self.reason(&String::from_utf8_lossy(&said), status)))
    }

    fn wait(&self, mut child: Child, limit: Duration) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), Failure> {
        let (sender, receiver) = mpsc::channel();
        let pipes: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        ];
        for (which, pipe) in pipes.into_iter().enumerate() {
            let (sender, Some(mut pipe)) = (sender.clone(), pipe) else { continue };
            std::thread::spawn(move || {
                let mut kept = Vec::new();
                let _ = pipe.by_ref().take(ANSWER_MAX).read_to_end(&mut kept);
                // What is too much is read all the same, or the program would wait for ever.
                let _ = io::copy(&mut pipe, &mut io::sink());
                let _ = sender.send((which, kept));
            });
        }
        let mut read: [Option<Vec<u8>>; 2] = [None, None];
        let mut status = None;
        let mut ticks = limit.as_millis() / TICK.as_millis();
        loop {
            match receiver.recv_timeout(TICK) {
                Ok((which, kept)) => read[which] = Some(kept),
                Err(_) => ticks = ticks.saturating_sub(1),
            }
            if status.is_none() {
                status = child.try_wait().map_err(|error| Failure::NoProgram(error.to_string()))?;
            }
            if let (Some(status), [Some(_), Some(_)]) = (status, &read) {
                let [answer, said] = read.map(Option::unwrap_or_default);
                return Ok((status, answer, said));
            }
            let stopped = self.stop.load(Ordering::Relaxed);
            if ticks == 0 || stopped {
                // Its helpers (ssh, the transfer over https) end by themselves: nobody reads them, nobody feeds them.
                let _ = child.kill();
                let _ = child.wait();
                return Err(if stopped { Failure::Stopped } else { Failure::TooLong });
            }
        }
    }

    /// The line that says why, on one line, without secrets.
    fn reason(&self, said: &str, status: ExitStatus) -> String {
        let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
        let told = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
        // What ssh or the server say stands before git's own, more general, words.
        let known = |line: &&str| {
            let line = line.to_lowercase();
            ["permission denied", "host key verification failed", "no space left", "not found", "no user exists"]
                .iter()
                .any(|word| line.contains(word))
        };
        let line = lines().find(known).or_else(|| lines().find(told)).or_else(|| lines().next_back());
        let line = line.map_or_else(|| format!("git ended with {status}"), str::to_owned);
        let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
        let secrets: Vec<&Secret> = self.settings.token.iter().chain(&self.settings.key).collect();
        redact(clean.trim_start_matches("fatal: ").trim_start_matches("error: "), &secrets)
    }
}

/// A command that only reads a repository that somebody named: also one of another owner, since nothing in it is
/// started.
pub fn local(folder: &Path) -> Command {
    let mut command = bare();
    let more = [("safe.directory", "*"), ("core.pager", "cat"), ("log.showRoot", "true"), ("log.mailmap", "false")];
    let options: Vec<(String, &str)> =
        OPTIONS.iter().chain(&more).map(|(name, value)| ((*name).to_owned(), *value)).collect();
    set(&mut command, &options);
    command.arg("-C").arg(folder);
    command
}

/// The program without any of the machine's settings.
fn bare() -> Command {
    let mut command = Command::new("git");
    command.env_clear().envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    for (name, value) in ENVIRONMENT {
        command.env(name, value);
    }
    command
}

fn set(command: &mut Command, options: &[(String, &str)]) {
    command.env("GIT_CONFIG_COUNT", options.len().to_string());
    for (at, (name, value)) in options.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{at}"), name).env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
}

/// What of Crieur's own environment git may see: where programs and certificates are, and the way out.
const PASSED_ON: &[&str] = &[
    "PATH",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// No questions, no settings of the machine or of its users, messages in English.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LFS_SKIP_SMUDGE", "1"),
    ("GIT_ADVICE", "0"),
];

/// Nothing that a repository could start, and files exactly as they were committed. A symbolic link becomes a file that
/// holds its target: it could lead anywhere on this machine.
const OPTIONS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.symlinks", "false"),
    ("core.autocrlf", "false"),
    ("core.quotePath", "false"),
    ("core.attributesFile", "/dev/null"),
    // Nobody looks them up, and they would keep what is replaced.
    ("core.logAllRefUpdates", "false"),
    ("core.excludesFile", "/dev/null"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("protocol.ext.allow", "never"),
    ("credential.helper", ""),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    // Tidying up is part of the command that it belongs to, or it would work on beside the next.
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
];

/// Answers git's question for a password out of the environment.
const HELPER: &str = r#"!f() { if test "$1" = get; then printf 'username=%s\npassword=%s\n' "$CRIEUR_GIT_USER" "$CRIEUR_GIT_TOKEN"; fi; }; f"#;

/// The version of the program, as two numbers. The first in which the environment above is obeyed is 2.32.
pub fn version() -> Result<(u32, u32), Failure> {
    let output = Command::new("git").arg("version").stdin(Stdio::null()).output();
    let output = output.map_err(|error| Failure::NoProgram(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.trim_start_matches("git version ").split('.').map_while(|part| part.trim().parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(Failure::NoProgram("`git version` does not answer with its version".to_owned())),
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// A folder that only this user can enter, gone with its files when it is no longer needed.
struct Private(PathBuf);

impl Private {
    fn new() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("crieur-{}", Uuid::new_v4()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    fn put(&self, name: &str, text: &[u8]) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(text)?;
        Ok(path)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
