//! Where people see what an account posted: its timeline on the network.

use crate::config::NetworkKind;
use url::Url;

/// The address of the account's timeline, by its settings and by the address of a post of it. None if neither tells.
pub fn timeline(kind: &NetworkKind, post: Option<&str>) -> Option<String> {
    let post = post.and_then(|post| Url::parse(post).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
    match kind {
        NetworkKind::Journal => return Some("/timeline".to_owned()),
        NetworkKind::Bluesky(account) if post.is_none() => {
            return Some(format!("https://bsky.app/profile/{}", account.handle));
        }
        NetworkKind::Matrix(room) => return Some(format!("https://matrix.to/#/{}", room.room)),
        NetworkKind::Linkedin(page) => {
            let number = page.author.strip_prefix("urn:li:organization:")?;
            return Some(format!("https://www.linkedin.com/company/{number}/"));
        }
        NetworkKind::Mastodon(account) if post.is_none() => return Some(account.server.to_string()),
        _ => {}
    }
    let mut url = post?;
    let parts: Vec<String> = url.path_segments()?.map(str::to_owned).collect();
    let kept = match kind {
        // /@agence/7
        NetworkKind::Mastodon(_) if parts.first().is_some_and(|part| part.starts_with('@')) => 1,
        // /users/agence/statuses/7, and others: the server is what is sure.
        NetworkKind::Mastodon(_) => 0,
        // /profile/agence.example.fr/post/3k…
        NetworkKind::Bluesky(_) => 2,
        // /agence/7 and /agence/status/7 and /@agence/post/C…
        NetworkKind::Telegram(_) | NetworkKind::X(_) | NetworkKind::Threads(_) => 1,
        _ => return None,
    };
    url.set_path(&parts.get(..kept)?.join("/"));
    url.set_query(None);
    url.set_fragment(None);
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Surroundings, parse};

    #[test]
    fn the_timeline_is_told_by_a_post_or_by_the_settings() {
        let yaml = "endpoints:
  j: { network: journal }
  m: { network: mastodon, server: https://social.example.fr, token: t }
  b: { network: bluesky, handle: agence.example.fr, app_password: p }
  t: { network: telegram, token: \"1:abc\", channel: \"@agence\" }
";
        let env = |_: &str| None;
        let read = |_: &std::path::Path| Err(String::new());
        let config = parse("crieur.yaml", yaml, &Surroundings { env: &env, read: &read }).unwrap();
        for (name, post, expected) in [
            ("j", None, Some("/timeline")),
            ("m", None, Some("https://social.example.fr/")),
            ("m", Some("https://social.example.fr/@agence/7"), Some("https://social.example.fr/@agence")),
            ("m", Some("https://social.example.fr/users/agence/statuses/7"), Some("https://social.example.fr/")),
            ("m", Some("javascript:alert(1)"), Some("https://social.example.fr/")),
            ("b", None, Some("https://bsky.app/profile/agence.example.fr")),
            ("b", Some("https://bsky.app/profile/a.fr/post/3k?x#y"), Some("https://bsky.app/profile/a.fr")),
            ("t", Some("https://t.me/agence/12"), Some("https://t.me/agence")),
            ("t", None, None),
        ] {
            let kind = &config.endpoints.iter().find(|(known, _)| known.as_str() == name).unwrap().1.network;
            assert_eq!(timeline(kind, post).as_deref(), expected, "{name} {post:?}");
        }
    }
}
