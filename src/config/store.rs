//! `store`: where deliveries and identities are kept.

use super::read::{Reader, key};
use crate::secret::Secret;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Where deliveries and identities are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A file of SQLite.
    File(PathBuf),
    /// A server of PostgreSQL.
    Server(StoreServer),
}

/// A database on a server of PostgreSQL. Its address may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreServer {
    address: Secret,
    shown: String,
}

impl StoreServer {
    /// Reads `postgres://user:password@host:port/database?sslmode=…`.
    ///
    /// Errors: a sentence that does not repeat it.
    pub fn parse(given: &str) -> Result<Self, String> {
        let url = Url::parse(given.trim()).map_err(|error| format!("this address cannot be read: {error}"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err("this is not the address of a store".to_owned());
        }
        let database = url.path().trim_start_matches('/');
        if database.is_empty() {
            return Err("the address names no database".to_owned());
        }
        // Without a host it is a socket of this machine.
        let host = url.host_str().filter(|host| !host.is_empty()).unwrap_or("this machine");
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { shown: format!("{database} on {host}{port}"), address: Secret::new(given) })
    }

    /// The address itself, for the one place that connects to it.
    pub fn address(&self) -> &str {
        self.address.expose()
    }

    /// What may be shown of it: database, host and port.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

impl StoreAddress {
    /// The file beside which this machine keeps what belongs to the store: the key of its secrets, a clone of the site.
    pub fn beside(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Server(_) => Path::new("data/crieur"),
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(server) => f.write_str(server.shown()),
        }
    }
}

/// Reads the address. One that is wrong is reported; the value may hold a password, and is not repeated.
pub(super) fn read(reader: &mut Reader, given: Option<String>, file: Option<String>) -> StoreAddress {
    let default = || StoreAddress::File(PathBuf::from("data/crieur.db"));
    let name = if file.is_some() { "store_file" } else { "store" };
    let Some(given) = reader.secret(&[], "store", given, file) else { return default() };
    // What is not set or cannot be read is reported already.
    if given.expose() == "unset" {
        return default();
    }
    if let Some(path) = given.expose().strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.is_empty() {
            return StoreAddress::File(PathBuf::from(path));
        }
    }
    match StoreServer::parse(given.expose()) {
        Ok(server) => StoreAddress::Server(server),
        Err(why) => {
            let why = if given.expose().starts_with("postgres") {
                why
            } else {
                "this is not the address of a store".to_owned()
            };
            let cure = "write sqlite: and the path of a file, such as sqlite:data/crieur.db, or postgres://USER:PASSWORD@HOST/DATABASE";
            reader.problem(&[key(name)], format!("{name}: {why}"), cure);
            default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_server_shows_no_password() {
        let server =
            StoreServer::parse("postgres://crieur:canari@db.example.fr:5433/crieur?sslmode=verify-full").unwrap();
        assert_eq!(server.shown(), "crieur on db.example.fr:5433");
        assert!(!format!("{server:?} {}", StoreAddress::Server(server.clone())).contains("canari"));
        assert!(server.address().contains("canari"));
        let local = StoreServer::parse("postgresql:///crieur?host=/run/postgresql").unwrap();
        assert_eq!(local.shown(), "crieur on this machine");
        for wrong in ["postgres://db.example.fr", "mysql://a/b", "postgres//x", ""] {
            assert!(StoreServer::parse(wrong).is_err(), "{wrong}");
        }
    }
}
