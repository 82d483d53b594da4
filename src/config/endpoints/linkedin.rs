//! `network: linkedin`: the page of an organisation on LinkedIn.

use super::fields::Fields;
use super::grant::{self, Grant};
use url::Url;

/// LinkedIn's API.
const SERVER: &str = "https://api.linkedin.com";

/// The version of LinkedIn's API that this program was written for. Each is switched off about a year after it came.
const VERSION: &str = "202610";

/// A page of LinkedIn.
#[derive(Debug, Clone)]
pub struct Linkedin {
    /// Address of the API.
    pub server: Url,
    /// Whose posts they are: `urn:li:organization:…`.
    pub author: String,
    /// Version of the API (`YYYYMM`), sent with every request.
    pub version: String,
    /// How the page lets Crieur in.
    pub grant: Grant,
}

/// Reads the keys of a page.
pub(super) fn read(fields: &mut Fields) -> Option<Linkedin> {
    let server = fields.server(Some(SERVER));
    let grant = grant::read(fields, true);
    let cure = "write the number of the page in quotes: it stands in the address of its administration";
    let organization = fields.raw.organization.take().map(|given| given.trim().to_owned());
    let author = match organization {
        Some(given) => {
            let number = given.strip_prefix("urn:li:organization:").unwrap_or(&given);
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                fields.mistake("organization", "this is not the number of a page", cure);
                None
            } else {
                Some(format!("urn:li:organization:{number}"))
            }
        }
        None => {
            fields.missing("organization", cure);
            None
        }
    };
    let version = match fields.raw.version.take() {
        Some(version) if is_version(&version) => Some(version),
        Some(_) => {
            fields.mistake(
                "version",
                "this is not a version of LinkedIn's API",
                "write year and month in quotes, such as \"202610\"",
            );
            None
        }
        None => Some(VERSION.to_owned()),
    };
    Some(Linkedin { server: server?, author: author?, version: version?, grant: grant? })
}

fn is_version(text: &str) -> bool {
    let month = text.get(4..).and_then(|month| month.parse::<u8>().ok());
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) && month.is_some_and(|month| (1..=12).contains(&month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_a_year_and_a_month() {
        assert!(is_version(VERSION));
        for wrong in ["2026", "202613", "202600", "2026-1", "v202610"] {
            assert!(!is_version(wrong), "{wrong}");
        }
    }
}
