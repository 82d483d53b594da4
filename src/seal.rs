//! Secrets at rest: what the database keeps of a secret is sealed with a key that does not stand in the database.
//!
//! The cipher is AES-256-GCM-SIV (RFC 8452) with a random nonce: it proves that nothing was changed, and a nonce that
//! comes twice (two machines started from one image) gives away at most that two secrets are equal. What a secret is
//! for, and whose it is, is bound to it: one that is put in another's place cannot be opened there.
//!
//! A sealed secret is: the version of this form (1 byte), which key it was (4 bytes), the nonce (12), the text in cipher,
//! its proof (16).

use crate::secret::{Key, Sealed, Secret};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// The version of the form.
const FORM: u8 = 1;
/// Bytes that tell which key it was.
const MARK: usize = 4;

/// Seals and opens with one key.
#[derive(Debug, Clone)]
pub struct Seal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: OnceLock<Key>,
    /// Where the key is kept; None if it is given.
    file: Option<PathBuf>,
}

/// A secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no key yet, so nothing can have been sealed with it.
    #[error("the key {0} is not there; put the file back that belongs to the database, from where its copies are kept")]
    NoKey(PathBuf),
    /// The file of the key cannot be used.
    #[error("the key {file} cannot be used: {why}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// It was sealed with another key.
    #[error(
        "it was sealed with another key; put the key back that belongs to the database (store_key, or the file beside it)"
    )]
    OtherKey,
    /// It was written by a later version of the program.
    #[error("it is sealed in a form that this version does not know (form {0})")]
    Form(u8),
    /// It was changed, cut, or belongs elsewhere.
    #[error("it is not what was sealed here: it was changed, cut or moved")]
    Broken,
    /// The cipher or the system's source of chance failed.
    #[error("the cipher failed")]
    Cipher,
}

impl Seal {
    /// With the configured key, or else with the one in the file beside a database. Nothing is read or made yet.
    pub fn of(key: Option<&Key>, database: &Path) -> Self {
        let file = key.is_none().then(|| key_file(database));
        let kept = OnceLock::new();
        if let Some(key) = key {
            let _ = kept.set(key.clone());
        }
        Self(Arc::new(Inner { key: kept, file }))
    }

    /// Has the key at hand, making it if there is none: so that nobody who seals later waits for the disk.
    ///
    /// Errors: the file cannot be made or read.
    pub fn prepare(&self) -> Result<(), SealError> {
        self.key(true).map(|_| ())
    }

    /// Seals a secret. `purpose` says what it is for and whose it is; the same must be said to open it.
    ///
    /// Errors: the file of the key cannot be made or read, or the cipher fails.
    pub fn seal(&self, purpose: &str, secret: &Secret) -> Result<Sealed, SealError> {
        let key = self.key(true)?;
        let mark = mark(key);
        let mut text = secret.expose().as_bytes().to_vec();
        let nonce = cipher(key)?
            .seal_in_place_append_tag(Aad::from(bound(mark, purpose)), &mut text)
            .map_err(|_| SealError::Cipher)?;
        let mut sealed = vec![FORM];
        sealed.extend(mark);
        sealed.extend(nonce.as_ref());
        sealed.append(&mut text);
        Ok(Sealed(sealed))
    }

    /// Opens what [`Seal::seal`] sealed for the same purpose.
    ///
    /// Errors: the key is not there or another one, or what is given is not what was sealed.
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<Secret, SealError> {
        let key = self.key(false)?;
        let (form, rest) = sealed.0.split_first().ok_or(SealError::Broken)?;
        if *form != FORM {
            return Err(SealError::Form(*form));
        }
        let (marked, rest) = rest.split_first_chunk::<MARK>().ok_or(SealError::Broken)?;
        if *marked != mark(key) {
            return Err(SealError::OtherKey);
        }
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Broken)?;
        let mut text = text.to_vec();
        let opened = cipher(key)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound(*marked, purpose)), &mut text)
            .map_err(|_| SealError::Broken)?;
        String::from_utf8(opened.to_vec()).map(Secret::verbatim).map_err(|_| SealError::Broken)
    }

    fn key(&self, may_make: bool) -> Result<&Key, SealError> {
        if let Some(key) = self.0.key.get() {
            return Ok(key);
        }
        // Without a file the key is given, and was there.
        let file = self.0.file.as_deref().ok_or(SealError::Cipher)?;
        let key = match read(file)? {
            Some(key) => key,
            None if may_make => make(file)?,
            None => return Err(SealError::NoKey(file.to_owned())),
        };
        Ok(self.0.key.get_or_init(|| key))
    }
}

/// Random bytes, for challenges.
///
/// Errors: the system's source of chance fails.
pub fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
    Ok(bytes)
}

/// The file of a database's key: beside it, and never in it.
pub fn key_file(database: &Path) -> PathBuf {
    let mut name = OsString::from(database.file_name().unwrap_or_default());
    name.push(".key");
    database.with_file_name(name)
}

fn cipher(key: &Key) -> Result<RandomizedNonceKey, SealError> {
    RandomizedNonceKey::new(&AES_256_GCM_SIV, key.expose()).map_err(|_| SealError::Cipher)
}

/// Tells which key it was, and nothing of the key.
fn mark(key: &Key) -> [u8; MARK] {
    let digest = Sha256::new().chain_update(b"crieur key mark\0").chain_update(key.expose()).finalize();
    let mut mark = [0; MARK];
    mark.copy_from_slice(&digest[..MARK]);
    mark
}

/// What is bound to a secret.
fn bound(mark: [u8; MARK], purpose: &str) -> Vec<u8> {
    [&[FORM], &mark[..], purpose.as_bytes()].concat()
}

fn read(file: &Path) -> Result<Option<Key>, SealError> {
    let cannot = |why: String| SealError::File { file: file.to_owned(), why };
    match fs::read_to_string(file) {
        Ok(text) => Key::parse(&text)
            .map(Some)
            .ok_or_else(|| cannot("it holds no key of 32 bytes in base64; put its copy back".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(error.to_string())),
    }
}

/// Makes a key that nobody but the system's user may read. Of several processes that do so at once, one makes it, and all
/// take that one: the file gets its name when it is whole and on the disk.
fn make(file: &Path) -> Result<Key, SealError> {
    let key = Key::new(random()?);
    let written = || -> std::io::Result<bool> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let unnamed = folder.join(format!(".{}.new", Uuid::new_v4()));
        let linked = || -> std::io::Result<bool> {
            let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unnamed)?;
            new.write_all(key.text().expose().as_bytes())?;
            new.write_all(b"\n")?;
            new.sync_all()?;
            match fs::hard_link(&unnamed, file) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            }
        };
        let linked = linked();
        let _ = fs::remove_file(&unnamed);
        // What is sealed must not outlive its key.
        File::open(folder)?.sync_all()?;
        linked
    };
    let cannot = |why: String| SealError::File { file: file.to_owned(), why };
    match written() {
        Ok(true) => Ok(key),
        Ok(false) => read(file)?.ok_or_else(|| cannot("it was there, and is gone".to_owned())),
        Err(error) => Err(cannot(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn given(byte: u8) -> Seal {
        Seal::of(Some(&Key::new([byte; Key::LENGTH])), Path::new("unused.db"))
    }

    #[test]
    fn what_was_sealed_is_opened_and_never_shows() {
        let (seal, secret) = (given(1), Secret::verbatim(" clé à garder\n"));
        let sealed = seal.seal("callback 7", &secret).unwrap();
        assert_eq!(seal.open("callback 7", &sealed).unwrap(), secret);
        assert!(!sealed.0.windows(4).any(|bytes| bytes == b"cl\xc3\xa9"));
        // The same secret twice looks like two.
        assert_ne!(seal.seal("callback 7", &secret).unwrap(), sealed);
        assert_eq!(seal.open("x", &seal.seal("x", &Secret::new("")).unwrap()).unwrap(), Secret::new(""));
    }

    #[test]
    fn what_was_changed_cut_or_moved_is_not_opened() {
        let seal = given(1);
        let sealed = seal.seal("callback 7", &Secret::new("s3cr3t")).unwrap();
        for at in 0..sealed.0.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed.0[at] ^= 1 << bit;
                assert!(seal.open("callback 7", &changed).is_err(), "byte {at}, bit {bit}");
            }
            assert!(seal.open("callback 7", &Sealed(sealed.0[..at].to_vec())).is_err(), "cut to {at}");
        }
        let longer = Sealed([&sealed.0[..], b"x"].concat());
        assert!(matches!(seal.open("callback 7", &longer), Err(SealError::Broken)));
        assert!(matches!(seal.open("callback 8", &sealed), Err(SealError::Broken)));
        assert!(matches!(given(2).open("callback 7", &sealed), Err(SealError::OtherKey)));
        let mut later = sealed;
        later.0[0] = 2;
        assert!(matches!(seal.open("callback 7", &later), Err(SealError::Form(2))));
    }

    #[test]
    fn the_key_is_made_once_for_its_owner_alone_and_taken_by_all() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("data/x.db");
        let nobody = Seal::of(None, &database);
        assert!(matches!(nobody.open("x", &Sealed(vec![1])), Err(SealError::NoKey(_))));
        assert!(!key_file(&database).exists(), "who only opens makes no key");
        let sealed: Vec<Sealed> = std::thread::scope(|scope| {
            let seal = || Seal::of(None, &database).seal("x", &Secret::new("s3cr3t")).unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(seal)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for one in &sealed {
            assert_eq!(nobody.open("x", one).unwrap().expose(), "s3cr3t");
        }
        let file = key_file(&database);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
        // The text of the file is what store_key takes.
        let key = Key::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(Seal::of(Some(&key), &database).open("x", &sealed[0]).unwrap().expose(), "s3cr3t");
    }

    #[test]
    fn a_file_that_holds_no_key_is_said_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        fs::write(key_file(&database), "not a key").unwrap();
        let error = Seal::of(None, &database).seal("x", &Secret::new("s3cr3t")).unwrap_err();
        assert!(error.to_string().contains("x.db.key"), "{error}");
        assert_eq!(fs::read_to_string(key_file(&database)).unwrap(), "not a key");
    }
}
