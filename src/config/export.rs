//! What the section `feeds` says of exports: where feeds are kept as files or objects, and how a bucket is reached.

use super::raw::{RawContentEncoding, RawExport, RawS3};
use super::read::{Reader, key};
use super::sections::web_address;
use crate::secret::Secret;
use crate::yaml::Step;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use url::{Host, Url};

/// A place in which the feeds are kept too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Export {
    /// A folder.
    Folder(PathBuf),
    /// Objects of a bucket, under a prefix without slashes at its ends; it may be empty.
    Bucket {
        /// Name of the bucket.
        bucket: String,
        /// What all names of objects begin with.
        prefix: String,
    },
}

impl fmt::Display for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// How buckets are reached.
#[derive(Debug, Clone)]
pub struct S3 {
    /// Address of the service; None is Amazon's, in the region.
    pub endpoint: Option<Url>,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket stands in the path of addresses, not in their host.
    pub path_style: bool,
    /// Whether the service may stand on a private or loopback address, and be spoken to over plain HTTP there.
    pub allow_private: bool,
    /// Whether objects are stored compressed by gzip.
    pub gzip: bool,
    /// Who asks.
    pub credentials: Credentials,
}

/// Who asks a bucket.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A pair of keys.
    Keys {
        /// The public half.
        access_key: Secret,
        /// The secret half.
        secret_key: Secret,
        /// What temporary keys have besides.
        session_token: Option<Secret>,
        /// Where a person finds them: what errors name.
        from: KeysFrom,
    },
    /// A role of Amazon's, that the container or the cluster gives: variables of the environment, by name.
    Role(BTreeMap<&'static str, String>),
}

/// Where keys come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysFrom {
    /// `feeds.s3`.
    Configuration,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Environment,
}

/// The variables that tell of a role; one of the groups must be there whole.
const ROLES: [&[&str]; 3] = [
    &["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"],
    &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
    &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"],
];

pub(super) fn exports(reader: &mut Reader, raw: Option<RawExport>) -> Vec<Export> {
    let here = [key("feeds"), key("export")];
    let given: Vec<(Vec<Step>, String)> = match raw {
        None => Vec::new(),
        Some(RawExport::One(place)) => vec![(here.to_vec(), place)],
        Some(RawExport::Many(places)) => {
            places.into_iter().enumerate().map(|(at, place)| ([&here[..], &[Step::Item(at)]].concat(), place)).collect()
        }
    };
    let mut exports = Vec::new();
    for (path, place) in given {
        if place.trim().is_empty() {
            continue;
        }
        let Some(export) = reader.with(&path, export(&place).map(Some), None) else { continue };
        if exports.contains(&export) {
            reader.problem(&path, format!("feeds.export: {export} is named twice"), "keep one of the two");
        } else {
            exports.push(export);
        }
    }
    exports
}

/// Errors say what is expected.
fn export(given: &str) -> Result<Export, String> {
    let expected = "write the path of a folder, or s3://BUCKET/PREFIX";
    let Some((scheme, rest)) = given.split_once("://") else {
        return Ok(Export::Folder(PathBuf::from(given)));
    };
    if scheme != "s3" {
        return Err(format!("`{scheme}://` is no place for an export; {expected}"));
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let is_named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if bucket.len() < 3 || bucket.len() > 255 || !bucket.chars().all(is_named) || bucket.starts_with(['-', '.']) {
        return Err(format!("`{bucket}` cannot be the name of a bucket; {expected}"));
    }
    let prefix = prefix.trim_matches('/');
    let is_wrong = |part: &str| matches!(part, "" | "." | "..") || part.chars().any(char::is_control);
    if !prefix.is_empty() && prefix.split('/').any(is_wrong) {
        return Err(format!("`{prefix}` cannot begin the name of an object; {expected}"));
    }
    Ok(Export::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}

/// How buckets are reached; None where no export asks for one.
pub(super) fn s3(reader: &mut Reader, raw: RawS3, exports: &[Export]) -> Option<S3> {
    let here = [key("feeds"), key("s3")];
    let at = |name: &str| [key("feeds"), key("s3"), key(name)];
    let access_key = reader.secret(&here, "access_key", raw.access_key, raw.access_key_file);
    let secret_key = reader.secret(&here, "secret_key", raw.secret_key, raw.secret_key_file);
    let session_token = reader.secret(&here, "session_token", raw.session_token, raw.session_token_file);
    let allow_private = raw.allow_private.unwrap_or(false);
    let buckets: Vec<&str> = exports
        .iter()
        .filter_map(|export| match export {
            Export::Bucket { bucket, .. } => Some(bucket.as_str()),
            Export::Folder(_) => None,
        })
        .collect();
    if buckets.is_empty() {
        return None;
    }
    let from_env = |reader: &Reader, names: &[&str]| names.iter().find_map(|name| reader.env(name));
    let given = raw.endpoint.or_else(|| from_env(reader, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]));
    let endpoint =
        given.and_then(|given| reader.with(&at("endpoint"), endpoint(&given, allow_private).map(Some), None));
    let region = raw.region.or_else(|| from_env(reader, &["AWS_REGION", "AWS_DEFAULT_REGION"]));
    if region.is_none() && endpoint.is_none() && !reader.is_reported(&at("endpoint")) {
        let cure = "write the region of the bucket, such as eu-west-3; or the endpoint of another service";
        reader.problem(&here, "feeds.s3: `region` is missing", cure);
    }
    let credentials = credentials(reader, &here, access_key, secret_key, session_token);
    Some(S3 {
        // A certificate for *.s3.… does not cover a name with a dot.
        path_style: raw
            .path_style
            .unwrap_or_else(|| endpoint.is_some() || buckets.iter().any(|bucket| bucket.contains('.'))),
        endpoint,
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        allow_private,
        gzip: matches!(raw.content_encoding, Some(RawContentEncoding::Gzip)),
        credentials: credentials?,
    })
}

fn credentials(
    reader: &mut Reader,
    here: &[Step],
    access_key: Option<Secret>,
    secret_key: Option<Secret>,
    session_token: Option<Secret>,
) -> Option<Credentials> {
    match (access_key, secret_key) {
        (Some(access_key), Some(secret_key)) => {
            return Some(Credentials::Keys { access_key, secret_key, session_token, from: KeysFrom::Configuration });
        }
        (None, None) => {}
        (given, _) => {
            let (there, missing) =
                if given.is_some() { ("access_key", "secret_key") } else { ("secret_key", "access_key") };
            if !reader.is_reported(&[here, &[key(missing)]].concat()) {
                let message = format!("feeds.s3: `{there}` is given without `{missing}`");
                reader.problem(here, message, format!("write {missing}: ${{NAME}}, or {missing}_file: PATH"));
            }
            return None;
        }
    }
    if let (Some(access_key), Some(secret_key)) = (reader.env("AWS_ACCESS_KEY_ID"), reader.env("AWS_SECRET_ACCESS_KEY"))
    {
        return Some(Credentials::Keys {
            access_key: Secret::new(access_key),
            secret_key: Secret::new(secret_key),
            session_token: reader.env("AWS_SESSION_TOKEN").map(Secret::new),
            from: KeysFrom::Environment,
        });
    }
    for role in ROLES {
        let found: BTreeMap<&str, String> = role.iter().filter_map(|name| Some((*name, reader.env(name)?))).collect();
        if found.len() == role.len() {
            return Some(Credentials::Role(found));
        }
    }
    if !reader.is_reported(&[here, &[key("access_key")]].concat()) {
        let cure = "write access_key and secret_key (or secret_key_file), or set AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY";
        reader.problem(here, "feeds.s3: the keys of the bucket are missing", cure);
    }
    None
}

/// Errors say what is expected.
fn endpoint(given: &str, allow_private: bool) -> Result<Url, String> {
    let url = web_address(given)?;
    if url.scheme() == "http" {
        if !allow_private {
            return Err(
                "feeds would be sent over plain http; write https://, or allow_private: true for a service on a \
                        private network"
                    .to_owned(),
            );
        }
        let is_public = match url.host() {
            Some(Host::Ipv4(ip)) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local()),
            Some(Host::Ipv6(ip)) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
            _ => false,
        };
        if is_public {
            return Err("plain http is spoken on private networks only; write https://".to_owned());
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_folders_or_buckets_and_nothing_else() {
        let bucket = |bucket: &str, prefix: &str| Export::Bucket { bucket: bucket.into(), prefix: prefix.into() };
        assert_eq!(export("public/"), Ok(Export::Folder("public/".into())));
        assert_eq!(export("s3://flux"), Ok(bucket("flux", "")));
        assert_eq!(export("s3://flux.example.fr/un/deux/"), Ok(bucket("flux.example.fr", "un/deux")));
        for wrong in
            ["gs://flux", "s3://", "s3://a", "s3://flux/a//x", "s3://flux/../x", "s3://flux/a/./b", "S3://flux"]
        {
            assert!(export(wrong).is_err(), "{wrong}");
        }
        assert_eq!(bucket("flux", "a/b").to_string(), "s3://flux/a/b");
    }

    #[test]
    fn plain_http_is_for_private_networks_that_are_asked_for() {
        for (given, private, fine) in [
            ("https://s3.example.fr", false, true),
            ("http://127.0.0.1:9000", false, false),
            ("http://127.0.0.1:9000", true, true),
            ("http://minio:9000", true, true),
            ("http://[::1]:9000", true, true),
            ("http://8.8.8.8", true, false),
            ("https://key:secret@s3.example.fr", false, false),
            ("ftp://s3.example.fr", true, false),
        ] {
            assert_eq!(endpoint(given, private).is_ok(), fine, "{given} {private}");
        }
    }
}
