//! Signed requests of OAuth 1.0a (RFC 5849) with HMAC-SHA1, as X wants them of keys that do not expire.

use crate::config::Keys;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use url::Url;

/// The header `Authorization` of a request whose body is no form (section 3.5.1). `nonce` is new with every request.
pub fn authorisation(keys: &Keys, method: &str, url: &Url, nonce: &str, now: Timestamp) -> String {
    let at = now.as_second().to_string();
    let mut pairs = vec![
        ("oauth_consumer_key".to_owned(), keys.consumer_key.expose().to_owned()),
        ("oauth_nonce".to_owned(), nonce.to_owned()),
        ("oauth_signature_method".to_owned(), "HMAC-SHA1".to_owned()),
        ("oauth_timestamp".to_owned(), at),
        ("oauth_token".to_owned(), keys.token.expose().to_owned()),
        ("oauth_version".to_owned(), "1.0".to_owned()),
    ];
    let own = pairs.clone();
    pairs.extend(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())));
    let signature = signature(keys, method, url, &pairs);
    let own = own.into_iter().chain([("oauth_signature".to_owned(), signature)]);
    let listed: Vec<String> = own.map(|(name, value)| format!("{name}=\"{}\"", encoded(&value))).collect();
    format!("OAuth {}", listed.join(", "))
}

/// The signature of all parameters of a request (sections 3.4.1 and 3.4.2).
fn signature(keys: &Keys, method: &str, url: &Url, pairs: &[(String, String)]) -> String {
    let mut pairs: Vec<(String, String)> = pairs.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort();
    let joined: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let text = format!("{method}&{}&{}", encoded(base.as_str()), encoded(&joined.join("&")));
    let secret = format!("{}&{}", encoded(keys.consumer_secret.expose()), encoded(keys.token_secret.expose()));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// Percent-encoding of everything but letters, digits and `-._~` (section 3.6).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// The worked example of X's own documentation ("Creating a signature").
    #[test]
    fn the_example_of_the_documentation_is_signed_as_it_says() {
        let keys = Keys {
            consumer_key: Secret::new("xvz1evFS4wEEPTGEFPHBog"),
            consumer_secret: Secret::new("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"),
            token: Secret::new("370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"),
            token_secret: Secret::new("LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"),
        };
        let url = Url::parse("https://api.twitter.com/1.1/statuses/update.json").unwrap();
        let pairs = [
            ("status", "Hello Ladies + Gentlemen, a signed OAuth request!"),
            ("include_entities", "true"),
            ("oauth_consumer_key", keys.consumer_key.expose()),
            ("oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1318622958"),
            ("oauth_token", keys.token.expose()),
            ("oauth_version", "1.0"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(signature(&keys, "POST", &url, &pairs), "hCtSmYh+iHYCEqBWrE7C7hYmtUk=");
        let url = Url::parse("https://api.x.com/2/users/1/tweets?b=2&a=%C3%A9").unwrap();
        let header = authorisation(&keys, "GET", &url, "abc", Timestamp::UNIX_EPOCH);
        assert!(
            header.starts_with("OAuth oauth_consumer_key=\"xvz1evFS4wEEPTGEFPHBog\", oauth_nonce=\"abc\""),
            "{header}"
        );
        assert!(header.contains("oauth_signature=\"") && !header.contains("kAcSO"), "{header}");
    }
}
