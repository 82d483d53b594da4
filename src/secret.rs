//! Values that must never be read by people who should not: tokens and URLs that carry credentials.
//!
//! A [`Secret`] or a [`SafeUrl`] shows itself only through `expose`, which a reviewer can search for; `Debug` and
//! `Display` print a fixed mask, so that no log line, error or page can carry it by accident. What the database keeps
//! of a secret is [`Sealed`]; a [`Key`] opens it (see `seal`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use url::Url;

/// A token, password or signed address. Its text appears nowhere but where [`Secret::expose`] is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text; surrounding white space (the line end of a secret's file) is dropped.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// Wraps a text as it is, white space and all: what another program gave, and reckons with byte for byte.
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(•••)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// An address that is a credential: who knows it may post (an incoming hook). It shows itself as scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeUrl(Url);

impl SafeUrl {
    /// Reads an address of the web. Errors are a sentence that does not repeat it.
    pub fn parse(given: &str) -> Result<Self, String> {
        let url = Url::parse(given.trim()).map_err(|_| "this is not an address".to_owned())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err("this is not an address of the web (https)".to_owned());
        }
        Ok(Self(url))
    }

    /// The address itself, for the one place that sends to it.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Its host, with the port if it is not the scheme's own.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or("");
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// What of it must not be repeated: the address, its path and query, and each long part of these.
    pub fn secrets(&self) -> Vec<Secret> {
        let path = &self.0[url::Position::BeforePath..];
        let long = path.split(['/', '?', '&', '=', ';']).filter(|part| part.len() >= 8);
        [self.0.as_str(), path].into_iter().filter(|text| text.len() >= 8).chain(long).map(Secret::new).collect()
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/•••", self.0.scheme(), self.host())
    }
}

/// A secret that only the key opens: what may stand in the database.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// The key that secrets in the database are sealed with: 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; Key::LENGTH]);

impl Key {
    /// Bytes of a key.
    pub const LENGTH: usize = 32;

    /// A key of these bytes, which must be random.
    pub fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Reads a key from its text: base64, as [`Key::text`] writes it, or hexadecimal. None if it is neither, or of
    /// another length.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = if text.len() == 2 * Self::LENGTH { unhex(text) } else { STANDARD.decode(text).ok() };
        bytes?.try_into().ok().map(Self)
    }

    /// The key as text, for the file that keeps it.
    pub fn text(&self) -> Secret {
        Secret(STANDARD.encode(self.0))
    }

    /// The key itself, for the cipher.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(•••)")
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

/// Removes every occurrence of the given secrets from a text that is about to leave the process,
/// such as an answer of a server that repeats what it was sent.
pub fn redact(text: &str, secrets: &[&Secret]) -> String {
    let mut clean = text.to_owned();
    for secret in secrets {
        if !secret.is_empty() {
            clean = clean.replace(secret.expose(), "•••");
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_itself() {
        let secret = Secret::new("s3cr3t-canary\n");
        assert_eq!(format!("{secret} {secret:?}"), "••• Secret(•••)");
        assert_eq!(secret.expose(), "s3cr3t-canary");
        assert_eq!(redact("bad token s3cr3t-canary!", &[&secret]), "bad token •••!");
        assert_eq!(Secret::verbatim(" as it is\n").expose(), " as it is\n");
    }

    #[test]
    fn an_address_that_is_a_credential_shows_its_host_only() {
        let url = SafeUrl::parse(" https://chat.example.fr:8443/hooks/canari-1234?sig=canari-5678\n").unwrap();
        assert_eq!(format!("{url} {url:?}"), "https://chat.example.fr:8443/••• https://chat.example.fr:8443/•••");
        let repeated = "POST /hooks/canari-1234?sig=canari-5678: canari-1234, canari-5678";
        let secrets = url.secrets();
        assert!(!redact(repeated, &secrets.iter().collect::<Vec<_>>()).contains("canari"));
        for wrong in ["", "canari", "file:///canari", "mailto:canari@x.fr"] {
            assert!(SafeUrl::parse(wrong).is_err_and(|error| !error.contains("canari")), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_read_from_base64_or_hexadecimal_and_from_nothing_else() {
        let key = Key::new([0xab; Key::LENGTH]);
        assert_eq!(Key::parse(&format!("{}\n", key.text().expose())), Some(key.clone()));
        assert_eq!(Key::parse(&"aB".repeat(32)), Some(key.clone()));
        for wrong in ["", "secret", &"ab".repeat(31), &"ab".repeat(33), &"xy".repeat(32), "q6urq6urq6urq6urq6urqw=="] {
            assert_eq!(Key::parse(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{key:?}"), "Key(•••)");
    }
}
