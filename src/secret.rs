//! Values that must never be read by people who should not: tokens and URLs that carry credentials.
//!
//! A [`Secret`] shows itself only through [`Secret::expose`], which a reviewer can search for; `Debug` and
//! `Display` print a fixed mask, so that no log line, error or page can carry it by accident.

use std::fmt;

/// A token, password or signed address. Its text appears nowhere but where [`Secret::expose`] is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text; surrounding white space (the line end of a secret's file) is dropped.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
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
    }
}
