//! A real service of object storage, which checks signatures: s3s-fs. `scripts/test` installs it.

use super::tools::missing;
use super::wire::Wire;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{Attribute, ObjectStore, ObjectStoreExt};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

pub const ACCESS_KEY: &str = "AKIACRIEURTEST";
pub const SECRET_KEY: &str = "s3cr3t-canary-of-the-bucket";

/// The service with one bucket, `flux`, behind a wire.
pub struct Service {
    child: Child,
    folder: tempfile::TempDir,
    pub wire: Wire,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an object holds, and is said to hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Stored {
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_encoding: Option<String>,
}

impl Service {
    /// None if it is not installed.
    pub fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("CRIEUR_TEST_S3").map(PathBuf::from) else {
            missing("CRIEUR_TEST_S3 names no s3s-fs");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("flux")).unwrap();
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
            .arg(folder.path())
            .env("RUST_LOG", "s3s_fs=info")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address: SocketAddr = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("running at http://")?.1.trim().parse().ok())
            .expect("it says where it runs");
        // It must not wait for somebody to read what it says.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self { child, folder, wire: Wire::to(address) })
    }

    /// The keys `export` and `s3` of a configuration, for a place in the bucket.
    pub fn yaml(&self, place: &str, more: &str) -> String {
        format!(
            "export: [{place:?}], s3: {{ endpoint: {:?}, allow_private: true, access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}{more} }}",
            self.wire.endpoint()
        )
    }

    /// A client of its own.
    pub fn client(&self) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(self.wire.endpoint())
            .with_allow_http(true)
            .with_bucket_name("flux")
            .with_access_key_id(ACCESS_KEY)
            .with_secret_access_key(SECRET_KEY)
            .build()
            .unwrap()
    }

    /// An object, by its key.
    pub async fn stored(&self, key: &str) -> Option<Stored> {
        let found = self.client().get(&Key::from(key)).await.ok()?;
        let said = |attribute| found.attributes.get(&attribute).map(|value| value.as_ref().to_owned());
        Some(Stored {
            content_type: said(Attribute::ContentType),
            cache_control: said(Attribute::CacheControl),
            content_encoding: said(Attribute::ContentEncoding),
            body: found.bytes().await.unwrap().to_vec(),
        })
    }

    /// The keys of all objects, sorted.
    pub async fn keys(&self) -> Vec<String> {
        use futures_util::TryStreamExt;
        let mut keys: Vec<String> =
            self.client().list(None).map_ok(|object| object.location.to_string()).try_collect().await.unwrap();
        keys.sort();
        keys
    }

    /// Somebody else writes an object.
    pub async fn put(&self, key: &str, text: &str) {
        self.client().put(&Key::from(key), text.to_owned().into()).await.unwrap();
    }

    /// Somebody else removes an object.
    pub async fn delete(&self, key: &str) {
        self.client().delete(&Key::from(key)).await.unwrap();
    }

    /// The folder in which it keeps the objects.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("flux")
    }
}
