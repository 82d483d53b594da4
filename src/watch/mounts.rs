//! File systems of which the system tells nothing that another machine changes.

use std::path::{Path, PathBuf};

/// Kinds that other machines write to, by their names in `/proc/self/mountinfo`. What the kernel tells of them (inotify)
/// is only what this machine does.
const REMOTE: [&str; 31] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb2",
    "smb3",
    "smbfs",
    "ncpfs",
    "9p",
    "virtiofs",
    "ceph",
    "afs",
    "kafs",
    "coda",
    "lustre",
    "gpfs",
    "beegfs",
    "beegfs_nodev",
    "orangefs",
    "pvfs2",
    "panfs",
    "glusterfs",
    "gfs",
    "gfs2",
    "ocfs2",
    "vboxsf",
    "vmhgfs",
    "prl_fs",
    "drvfs",
    "osxfs",
    "shfs",
    "fuse",
];

/// The kind of the file system that holds a path, if other machines may change it unseen. `mountinfo` is the text of
/// `/proc/self/mountinfo` (proc_pid_mountinfo(5)), the path is absolute and without symbolic links.
pub fn remote(mountinfo: &str, path: &Path) -> Option<String> {
    let mut holder: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        // After a varying number of optional fields, a lone hyphen.
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (left.split(' ').nth(4), right.split(' ').next()) else { continue };
        let point = unescaped(point);
        let depth = point.components().count();
        // What is mounted over another one stands later.
        if path.starts_with(&point) && holder.is_none_or(|(deepest, _)| depth >= deepest) {
            holder = Some((depth, kind));
        }
    }
    let (_, kind) = holder?;
    (REMOTE.contains(&kind) || kind.starts_with("fuse.")).then(|| kind.to_owned())
}

/// A mount point as it is: the kernel writes blank, tab, line end and backslash as octal numbers.
fn unescaped(point: &str) -> PathBuf {
    let mut plain = String::with_capacity(point.len());
    let mut parts = point.split('\\');
    plain.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(u8::is_ascii);
        match code {
            Some(code) => {
                plain.push(char::from(code));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    PathBuf::from(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
30 22 0:40 / /srv rw,relatime shared:5 master:2 - nfs4 nas:/srv rw,vers=4.2
31 30 8:2 / /srv/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/le\\040site\\134x rw - fuse.sshfs me@host: rw
33 22 0:42 / /mnt/usb rw - fuseblk /dev/sdc1 rw
34 22 8:3 / /mnt/over rw - ext4 /dev/sdd1 rw
35 34 0:43 / /mnt/over rw - cifs //nas/over rw
a line that is none
36 22 0:44 / /mnt/é rw - 9p share rw
";

    #[test]
    fn the_innermost_mount_tells_whether_others_write_there() {
        for (path, expected) in [
            ("/home/a/site", None),
            ("/srv/site", Some("nfs4")),
            ("/srv", Some("nfs4")),
            ("/srvs/site", None),
            ("/srv/local/site", None),
            ("/mnt/le site\\x/a", Some("fuse.sshfs")),
            ("/mnt/usb/site", None),
            ("/mnt/over/site", Some("cifs")),
            ("/mnt/é/site", Some("9p")),
        ] {
            assert_eq!(remote(MOUNTS, Path::new(path)).as_deref(), expected, "{path}");
        }
        assert_eq!(remote("", Path::new("/srv")), None);
    }
}
