//! The key `site.git`: the repository from which a site's folder is filled.

use super::raw::RawGit;
use super::read::{Reader, dotted, key};
use super::sections::length;
use crate::secret::Secret;
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// The repository of a site.
#[derive(Debug, Clone)]
pub struct Git {
    /// Where it is.
    pub url: Remote,
    /// The branch; None means the one that the repository names.
    pub branch: Option<String>,
    /// How often the repository is asked whether there is something new.
    pub every: SignedDuration,
    /// Folder of the site in the repository, without slashes at its ends; empty for the whole.
    pub subfolder: String,
    /// Commits of history to fetch; 0 means all.
    pub depth: u32,
    /// Token or password for https.
    pub token: Option<Secret>,
    /// Private key for ssh.
    pub key: Option<Secret>,
    /// File with the host keys that are trusted for ssh; None means those of the system's user.
    pub known_hosts: Option<PathBuf>,
    /// Folder of the clone and its working tree.
    pub checkout: PathBuf,
}

impl Git {
    /// The working tree.
    pub fn tree(&self) -> PathBuf {
        self.checkout.join("tree")
    }

    /// The folder of the site in the working tree.
    pub fn root(&self) -> PathBuf {
        if self.subfolder.is_empty() { self.tree() } else { self.tree().join(&self.subfolder) }
    }
}

/// The address of a repository. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// `https://…`, and `http://` on this machine.
    Http(Url),
    /// `ssh://…` or `git@host:path`, as written.
    Ssh(String),
    /// `file://…` or the path of a folder, as written.
    Local(String),
}

impl Remote {
    /// The address as git takes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http(url) => url.as_str(),
            Self::Ssh(text) | Self::Local(text) => text,
        }
    }

    /// The protocols that git may speak to reach it; a redirection to another one is refused.
    pub fn protocols(&self) -> &str {
        match self {
            Self::Http(url) => url.scheme(),
            Self::Ssh(_) => "ssh",
            Self::Local(_) => "file",
        }
    }
}

/// Least time between two questions to the repository.
const EVERY_LEAST: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn read(reader: &mut Reader, raw: RawGit, store: &Path) -> Option<Git> {
    let here = [key("site"), key("git")];
    let at = |name: &str| [key("site"), key("git"), key(name)];
    let token = reader.secret(&here, "token", raw.token, raw.token_file);
    let ssh_key = reader.secret(&here, "key", raw.key, raw.key_file);
    let url = match raw.url {
        Some(given) => reader.with(&at("url"), remote(&given).map(Some), None),
        None => {
            let message = format!("{}: `url` is missing", dotted(&here));
            reader.problem(
                &here,
                message,
                "write the address of the repository, such as https://forge.example.fr/site",
            );
            None
        }
    };
    if url.is_some() && token.is_some() && !matches!(url, Some(Remote::Http(_))) {
        reader.problem(&here, "site.git.token: only https takes a token", "take it out, or write an https address");
    }
    if url.is_some() && ssh_key.is_some() && !matches!(url, Some(Remote::Ssh(_))) {
        reader.problem(&here, "site.git.key: only ssh takes a key", "take it out, or write an address for ssh");
    }
    let every = length(reader, &at("every"), raw.every, SignedDuration::from_mins(5));
    if every < EVERY_LEAST {
        let cure = "write a longer time; a web hook (site.hook_secret) is quicker than any";
        reader.problem(&at("every"), "site.git.every: more often than every 10 s", cure);
    }
    let branch = raw.branch.and_then(|given| reader.with(&at("branch"), branch(&given).map(Some), None));
    let subfolder =
        raw.subfolder.map_or_else(String::new, |given| reader.with(&at("subfolder"), subfolder(&given), String::new()));
    let checkout = raw.checkout.map_or_else(|| store.with_file_name("site"), PathBuf::from);
    Some(Git {
        url: url?,
        branch,
        every,
        subfolder,
        depth: raw.depth.unwrap_or(50),
        token,
        key: ssh_key,
        known_hosts: raw.known_hosts.map(PathBuf::from),
        checkout,
    })
}

/// Errors say what is expected, and repeat nothing that may be a secret.
fn remote(given: &str) -> Result<Remote, String> {
    let expected = "write https://…, ssh://…, git@host:path, file://… or the path of a folder";
    if given.is_empty() || given.starts_with('-') || given.chars().any(|c| c.is_control()) {
        return Err(format!("this is not the address of a repository; {expected}"));
    }
    if given.contains("://") {
        let url = Url::parse(given).map_err(|_| format!("this is not the address of a repository; {expected}"))?;
        if url.password().is_some() {
            return Err(
                "the address holds a password; put it into token: or token_file:, and leave the name".to_owned()
            );
        }
        return match url.scheme() {
            "https" => Ok(Remote::Http(url)),
            "http" if is_this_machine(&url) => Ok(Remote::Http(url)),
            "http" => Err("plain http can be read and changed on its way; write https://".to_owned()),
            // ssh takes a host that starts with a dash for an option.
            "ssh" if url.host_str().is_some_and(|host| !host.starts_with('-')) => Ok(Remote::Ssh(given.to_owned())),
            "file" => Ok(Remote::Local(given.to_owned())),
            other => Err(format!("`{other}` is not spoken here; {expected}")),
        };
    }
    // git's own rule: a colon before the first slash makes it an address for ssh.
    match given.split_once(':') {
        Some((host, path)) if !host.contains('/') => {
            let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
            // `ext::…` and the like would start a program.
            if name.is_empty() || name.starts_with('-') || path.is_empty() || path.starts_with(':') {
                return Err(format!("this is not the address of a repository; {expected}"));
            }
            Ok(Remote::Ssh(given.to_owned()))
        }
        _ => Ok(Remote::Local(given.to_owned())),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The name of a branch, by git's rules (git-check-ref-format), so that it can be neither an option nor a pattern.
fn branch(given: &str) -> Result<String, String> {
    let refused = given.is_empty()
        || given.starts_with(['-', '/', '.'])
        || given.ends_with(['/', '.'])
        || given.ends_with(".lock")
        || ["..", "//", "@{", "/."].iter().any(|part| given.contains(part))
        || given.chars().any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c));
    if refused {
        return Err(format!("`{given}` cannot be the name of a branch; write one such as main"));
    }
    Ok(given.to_owned())
}

fn subfolder(given: &str) -> Result<String, String> {
    let path = given.trim_matches('/');
    let refused = |part: &str| matches!(part, "" | "." | ".." | ".git") || part.chars().any(char::is_control);
    if !path.is_empty() && path.split('/').any(refused) {
        return Err(format!("`{given}` is not a folder of the repository; write one such as web or docs/site"));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_by_their_kind_and_dangerous_ones_refused() {
        for (given, protocols) in [
            ("https://forge.example.fr/site.git", "https"),
            ("https://robot@forge.example.fr/site.git", "https"),
            ("http://127.0.0.1:3000/site.git", "http"),
            ("ssh://git@forge.example.fr:2222/site.git", "ssh"),
            ("git@forge.example.fr:site.git", "ssh"),
            ("file:///srv/site.git", "file"),
            ("/srv/site.git", "file"),
            ("../site:2", "file"),
        ] {
            assert_eq!(remote(given).as_ref().map(Remote::protocols), Ok(protocols), "{given}");
        }
        for given in [
            "",
            "-x",
            "--upload-pack=x",
            "ext::sh -c x",
            "git://forge.example.fr/x",
            "http://forge.example.fr/x",
            "ftp://x/y",
            "-oProxyCommand=x:y",
            "git@-oProxyCommand=x:y",
            "ssh://-oProxyCommand=x/y",
            "a\nb",
        ] {
            assert!(remote(given).is_err(), "{given}");
        }
        let error = remote("https://robot:canari@forge.example.fr/x").unwrap_err();
        assert!(!error.contains("canari") && error.contains("token"), "{error}");
    }

    #[test]
    fn branches_and_folders_that_could_mean_something_else_are_refused() {
        for given in ["-x", "a b", "a..b", "a:b", "refs/*", "x.lock", "/a", "a/", "@{1}", ""] {
            assert!(branch(given).is_err(), "{given}");
        }
        assert!(branch("feature/été-2026").is_ok());
        for given in ["..", "a/../b", "a//b", ".git", "a/./b"] {
            assert!(subfolder(given).is_err(), "{given}");
        }
        assert_eq!(subfolder("/web/site/"), Ok("web/site".to_owned()));
        assert_eq!(subfolder("/"), Ok(String::new()));
    }
}
