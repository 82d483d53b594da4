//! What a network calls the post that a person found at an address, so that it can be edited and withdrawn as others are.

use super::linkedin;
use crate::config::{Channel, NetworkKind};
use crate::text::percent_decode;
use url::Url;

/// The id of the post at an address, as receipts have it. None where the address does not hold it, or is not one of the
/// network's own.
pub fn id_at(kind: &NetworkKind, address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_start_matches("www.");
    let path: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let of = |server: &Url| server.host_str().map(|host| host.trim_start_matches("www.")) == Some(host);
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (kind, path.as_slice()) {
        // `/@user/1`, `/users/user/statuses/1`; one of an account elsewhere (`/@user@server/1`) is not ours.
        (NetworkKind::Mastodon(account), [user, id]) if of(&account.server) => {
            let is_ours = user.strip_prefix('@').is_some_and(|user| !user.contains('@'));
            (is_ours && number(id)).then(|| (*id).to_owned())
        }
        (NetworkKind::Mastodon(account), ["users", _, "statuses", id]) if of(&account.server) => {
            number(id).then(|| (*id).to_owned())
        }
        (NetworkKind::Bluesky(_), ["profile", did, "post", rkey]) if host == "bsky.app" && did.starts_with("did:") => {
            Some(format!("at://{did}/app.bsky.feed.post/{rkey}"))
        }
        (NetworkKind::X(_), ["i", "web", "status", id] | [_, "status", id, ..])
            if matches!(host, "x.com" | "twitter.com" | "mobile.twitter.com") =>
        {
            number(id).then(|| (*id).to_owned())
        }
        (NetworkKind::Discord(_), ["channels", _, _, id]) if host == "discord.com" => {
            number(id).then(|| (*id).to_owned())
        }
        (NetworkKind::Matrix(_), []) if host == "matrix.to" => {
            let event = url.fragment()?.split('/').nth(2)?.split('?').next()?;
            Some(percent_decode(event)).filter(|event| event.starts_with('$'))
        }
        (NetworkKind::Linkedin(_), ["feed", "update", urn]) if host == "linkedin.com" => {
            Some(percent_decode(urn)).filter(|text| linkedin::urn(text) == Some(text))
        }
        // `/agence/pl/…`: the team, and a permanent link.
        (NetworkKind::Mattermost(Channel::Bot(bot)), [_, "pl", id]) if of(&bot.server) => {
            let is_id = id.len() == 26 && id.bytes().all(|b| b.is_ascii_alphanumeric());
            is_id.then(|| (*id).to_owned())
        }
        // `p`, then the message's time stamp without the point before its six last digits.
        (NetworkKind::Slack(Channel::Bot(_)), ["archives", channel, stamp]) if host.ends_with(".slack.com") => {
            let stamp = stamp.strip_prefix('p').filter(|stamp| number(stamp))?;
            let (seconds, rest) = stamp.split_at_checked(stamp.len().checked_sub(6)?)?;
            let is_channel = channel.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            is_channel.then(|| format!("{channel}/{seconds}.{rest}"))
        }
        // Only links of private channels and groups say which: `/c/1234567890/7`.
        (NetworkKind::Telegram(_), ["c", chat, id]) if host == "t.me" => {
            (number(chat) && number(id)).then(|| format!("-100{chat}/{id}"))
        }
        (NetworkKind::Telegram(bot), [name, id]) if host == "t.me" => {
            let is_ours = bot.channel.strip_prefix('@').is_some_and(|channel| channel.eq_ignore_ascii_case(name));
            (is_ours && number(id)).then(|| format!("{}/{id}", bot.channel))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Surroundings};

    fn at(endpoint: &str, address: &str) -> Option<String> {
        let yaml = format!("site: {{ root: . }}\nendpoints: {{ n: {{ {endpoint} }} }}");
        let read = |_: &std::path::Path| Err(String::new());
        let surroundings = Surroundings { env: &|_| None, read: &read };
        let config = config::parse("crieur.yaml", &yaml, &surroundings).unwrap();
        id_at(&config.endpoints.values().next().unwrap().network, address)
    }

    #[test]
    fn an_address_of_the_network_itself_holds_the_id() {
        let mastodon = "network: mastodon, server: \"https://social.example.fr\", token: x";
        let found = |endpoint: &str, address: &str| at(endpoint, address).unwrap_or_default();
        assert_eq!(found(mastodon, "https://social.example.fr/@agence/112"), "112");
        assert_eq!(found(mastodon, "https://social.example.fr/users/agence/statuses/112"), "112");
        for other in ["@agence/x", "@autre@ailleurs.fr/112", "agence/112", "about", ""] {
            assert_eq!(at(mastodon, &format!("https://social.example.fr/{other}")), None, "{other}");
        }
        assert_eq!(at(mastodon, "https://ailleurs.fr/@agence/112"), None);
        assert_eq!(at(mastodon, "nulle part"), None);
        let x = "network: x, consumer_key: a, consumer_secret: b, token: c, token_secret: d";
        assert_eq!(found(x, "https://twitter.com/agence/status/18?s=20"), "18");
        assert_eq!(found(x, "https://x.com/i/web/status/18"), "18");
        assert_eq!(at(x, "https://x.example/agence/status/18"), None);
        let bluesky = "network: bluesky, handle: agence.example.fr, app_password: x";
        let did = "https://bsky.app/profile/did:plc:abc/post/3k2a";
        assert_eq!(found(bluesky, did), "at://did:plc:abc/app.bsky.feed.post/3k2a");
        assert_eq!(at(bluesky, "https://bsky.app/profile/agence.example.fr/post/3k2a"), None);
        let matrix = "network: matrix, server: \"https://matrix.example.fr\", token: x, room: \"!r:example.fr\"";
        assert_eq!(found(matrix, "https://matrix.to/#/!r%3Aexample.fr/%24abc?via=example.fr"), "$abc");
        assert_eq!(at(matrix, "https://matrix.to/#/!r:example.fr"), None);
        let id = "abcdefghijklmnopqrstuvwxy1";
        let mattermost = format!("network: mattermost, server: \"https://m.example.fr\", token: x, channel: {id}");
        assert_eq!(found(&mattermost, &format!("https://m.example.fr/agence/pl/{id}")), id);
        assert_eq!(at(&mattermost, "https://m.example.fr/agence/pl/abc"), None);
        let slack = "network: slack, token: xoxb-x, channel: C0123ABCDEF";
        let link = "https://agence.slack.com/archives/C0123ABCDEF/p1700000000123456?thread_ts=1";
        assert_eq!(found(slack, link), "C0123ABCDEF/1700000000.123456");
        for other in
            ["archives/C0123ABCDEF/p12", "archives/C0123ABCDEF/x1700000000123456", "archives/c/p1700000000123456"]
        {
            assert_eq!(at(slack, &format!("https://agence.slack.com/{other}")), None, "{other}");
        }
        let telegram = |channel: &str| format!("network: telegram, token: \"1:x\", channel: \"{channel}\"");
        assert_eq!(found(&telegram("-1001234567890"), "https://t.me/c/1234567890/7"), "-1001234567890/7");
        assert_eq!(found(&telegram("@agence"), "https://t.me/Agence/7"), "@agence/7");
        assert_eq!(at(&telegram("@agence"), "https://t.me/autre/7"), None);
    }
}
