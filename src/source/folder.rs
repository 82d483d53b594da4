//! Which folder a site is read from: by what it is, not by what it is called.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

/// The running system, the same for all containers on it; a system's name, where it does not say more.
static SYSTEM: OnceLock<String> = OnceLock::new();

/// What tells a folder from all others, on every machine: the same under every name and in every container on one system.
/// It is good until the system starts anew, or another folder takes its place.
///
/// None if the folder is not there.
pub fn mark(folder: &Path) -> Option<String> {
    let metadata = fs::metadata(folder).ok()?;
    Some(format!("{}:{}:{}", SYSTEM.get_or_init(system), metadata.dev(), metadata.ino()))
}

/// A folder as a person finds it: its path, and the machine.
pub fn shown(folder: &Path) -> String {
    let path = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    match read("/proc/sys/kernel/hostname") {
        Some(host) => format!("{} on {host}", path.display()),
        None => path.display().to_string(),
    }
}

fn system() -> String {
    read("/proc/sys/kernel/random/boot_id").or_else(|| read("/etc/machine-id")).unwrap_or_default()
}

fn read(file: &str) -> Option<String> {
    Some(fs::read_to_string(file).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_by_what_it_is() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let link = other.path().join("link");
        std::os::unix::fs::symlink(one.path(), &link).unwrap();
        assert_eq!(mark(one.path()), mark(&link));
        assert_ne!(mark(one.path()), mark(other.path()));
        assert_eq!(mark(&other.path().join("none")), None);
    }
}
