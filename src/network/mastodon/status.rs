//! Statuses of Mastodon's API: what is sent, and what is read of answers. Pure.

use crate::article::markdown::html_to_text;
use crate::delivery::Receipt;
use crate::network::Wanted;
use crate::network::history::back_to;
use crate::post::{Counter, Limits, Post};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What Mastodon takes unless its server says otherwise (docs.joinmastodon.org, entity Instance).
pub const PROMISED: Limits = Limits {
    thread: true,
    images_max: 4,
    image_bytes_max: 8_000_000,
    image_side_max: SIDE_MAX,
    alt_max: 1_500,
    ..Limits::text(500, Counter::Mastodon { per_url: 23 })
};

/// Larger pictures are not sent, whatever a server takes: nobody sees more of them.
const SIDE_MAX: u32 = 2_560;

/// What the token may do: say who the account is, read its own posts after a lost answer, post, and bring images along.
pub const SCOPES: &str = "read:accounts read:statuses write:statuses write:media";

/// The body of a new status, or of one that is edited. Language and visibility are always said: servers differ in what they
/// assume.
pub fn body(text: &str, post: &Post, visibility: &str, reply_to: Option<&str>, media: &[String]) -> Value {
    let language = post.language.split('-').next().unwrap_or("fr");
    let mut body = json!({ "status": text, "visibility": visibility, "language": language });
    if let Some(id) = reply_to {
        body["in_reply_to_id"] = json!(id);
    }
    if !media.is_empty() {
        body["media_ids"] = json!(media);
    }
    body
}

/// The body of an edit (`PUT /api/v1/statuses/:id`): the images stay, with the alternative texts that they have now.
pub fn edited(text: &str, post: &Post, media: &[String]) -> Value {
    let language = post.language.split('-').next().unwrap_or("fr");
    let mut body = json!({ "status": text, "language": language });
    if !media.is_empty() {
        let described = media.iter().zip(&post.images).map(|(id, image)| json!({ "id": id, "description": image.alt }));
        body["media_attributes"] = json!(described.collect::<Vec<_>>());
        body["media_ids"] = json!(media);
    }
    body
}

/// What a server says that it takes: `/api/v2/instance`, or the older `/api/v1/instance`.
pub fn read_limits(instance: &Value) -> Limits {
    let number = |path: &str| {
        let found = instance.pointer(path).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        found.filter(|n| *n > 0)
    };
    let length = number("/configuration/statuses/max_characters").or_else(|| number("/max_toot_chars"));
    let per_url = number("/configuration/statuses/characters_reserved_per_url").unwrap_or(23);
    let pixels = number("/configuration/media_attachments/image_matrix_limit");
    let side = pixels.and_then(|pixels| u32::try_from(pixels.isqrt()).ok());
    let bytes = number("/configuration/media_attachments/image_size_limit");
    Limits {
        length_max: length.unwrap_or(PROMISED.length_max),
        counter: Counter::Mastodon { per_url },
        images_max: number("/configuration/statuses/max_media_attachments").unwrap_or(PROMISED.images_max),
        image_bytes_max: bytes.unwrap_or(PROMISED.image_bytes_max),
        image_side_max: side.unwrap_or(SIDE_MAX).min(SIDE_MAX),
        alt_max: number("/configuration/media_attachments/description_limit").unwrap_or(PROMISED.alt_max),
        ..PROMISED
    }
}

/// What a server's software is: the name and version that it gives itself. Those that speak as Mastodon does say so in
/// words of their own: `4.0.0 (not true; really snac/2.75)`, `2.7.2 (compatible; Akkoma 3.10.0)`, `0.17.3 (GoToSocial…)`.
pub fn software(instance: &Value) -> Option<String> {
    let version = instance.get("version").and_then(Value::as_str)?;
    let text: String = version.chars().filter(|c| !c.is_control()).take(60).collect();
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c));
    let named = ["gotosocial", "takahe", "friendica", "pixelfed", "pleroma", "akkoma", "snac", "hometown", "glitch"];
    let says_so = named.iter().any(|name| text.to_lowercase().contains(name));
    Some(if is_plain && !says_so { format!("Mastodon {text}") } else { text })
}

/// What is said of a server that is not Mastodon itself: what was tried of these publish a repeated request again.
pub fn key_unknown(software: &str) -> Option<String> {
    (!software.starts_with("Mastodon ")).then(|| {
        format!(
            "{software} may not know a repeated request by its key; after a lost answer the account's posts are read first, so leave the token its right to read them"
        )
    })
}

/// What is said of an app (entity Application, with `scopes` since Mastodon 4.3) whose tokens cannot do all that is asked
/// of them.
pub fn scopes_missing(app: &Value) -> Option<String> {
    let has: Vec<&str> = app.get("scopes")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let is_there =
        |needed: &&str| has.contains(needed) || needed.split_once(':').is_some_and(|(all, _)| has.contains(&all));
    let missing: Vec<&str> = SCOPES.split(' ').filter(|needed| !is_there(needed)).collect();
    (!missing.is_empty()).then(|| {
        format!("the token's app lacks the scopes {}; make an app that has them, and a new token", missing.join(", "))
    })
}

/// The receipt of a status.
pub fn receipt(status: &Value) -> Option<Receipt> {
    let text = |name: &str| status.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Receipt::new(text("id")?, text("url").or_else(|| text("uri"))))
}

/// When a status was made.
pub fn created_at(status: &Value) -> Option<Timestamp> {
    status.get("created_at")?.as_str()?.parse().ok()
}

/// The ids of what is attached to a status.
pub fn attached(status: &Value) -> Vec<String> {
    let attachments = status.get("media_attachments").and_then(Value::as_array).into_iter().flatten();
    attachments.filter_map(|media| media.get("id").and_then(Value::as_str)).map(str::to_owned).collect()
}

/// Whether a status is the wanted post: made since the try, of no other delivery, with its address and its words.
pub fn recognise(status: &Value, wanted: &Wanted) -> Option<Receipt> {
    let receipt = receipt(status)?;
    let since = back_to(wanted.since);
    let address = receipt.remote_url.as_ref();
    if wanted.taken.iter().any(|taken| *taken == receipt.remote_id || Some(taken) == address)
        || created_at(status).is_some_and(|at| at < since)
    {
        return None;
    }
    let content = status.get("content").and_then(Value::as_str).unwrap_or("");
    says(content, &wanted.post.text, &wanted.post.url).then_some(receipt)
}

/// The answer to a status among those below it that has the words of a part of a thread.
pub fn next_part(descendants: &Value, after: &str, account: &str, text: &str, url: &str) -> Option<Receipt> {
    let statuses = descendants.get("descendants").and_then(Value::as_array)?;
    let is_answer = |status: &&Value| {
        status.get("in_reply_to_id").and_then(Value::as_str) == Some(after)
            && status.pointer("/account/id").and_then(Value::as_str) == Some(account)
            && says(status.get("content").and_then(Value::as_str).unwrap_or(""), text, url)
    };
    statuses.iter().find(is_answer).and_then(receipt)
}

/// Whether a status' HTML has an address, if the text has it, and nine tenths of the text's words.
fn says(content: &str, text: &str, url: &str) -> bool {
    let plain = html_to_text(content);
    if !url.is_empty() && text.contains(url) {
        let escaped = crate::text::escape_html(url);
        if !(content.contains(url) || content.contains(&escaped) || plain.contains(url)) {
            return false;
        }
    }
    let without_address = if url.is_empty() { text.to_owned() } else { text.replace(url, " ") };
    let (ours, theirs) = (words(&without_address), words(&plain));
    ours.intersection(&theirs).count() * 10 >= ours.len() * 9
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::ArticleId;
    use crate::config::EndpointName;
    use crate::delivery::DeliveryKey;
    use crate::post::Image;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_a_token_lacks_is_named_and_a_server_that_does_not_say_is_believed() {
        let missing = |scopes: &[&str]| scopes_missing(&serde_json::json!({ "name": "Crieur", "scopes": scopes }));
        assert_eq!(missing(&["read", "write", "push"]), None);
        assert_eq!(missing(&SCOPES.split(' ').collect::<Vec<_>>()), None);
        let said = missing(&["read", "write:statuses"]).unwrap();
        assert!(said.contains("scopes write:media;"), "{said}");
        assert_eq!(scopes_missing(&serde_json::json!({ "name": "Crieur" })), None);
        assert_eq!(scopes_missing(&Value::Null), None);
    }

    #[test]
    fn servers_that_are_not_mastodon_are_remarked_on() {
        let said =
            |version: &str| software(&serde_json::json!({ "version": version })).as_deref().and_then(key_unknown);
        assert_eq!(said("4.5.2"), None);
        assert_eq!(said("4.5.0+nightly"), None);
        assert!(said("4.0.0 (not true; really snac/2.75)").is_some_and(|said| said.contains("snac/2.75")));
        assert!(said("0.17.3+git-gotosocial").is_some());
    }

    #[test]
    fn limits_are_those_of_the_server() {
        let v2 = json!({"configuration": {
            "statuses": {"max_characters": 5000, "characters_reserved_per_url": 25, "max_media_attachments": 16},
            "media_attachments": {"image_size_limit": 16_777_216, "image_matrix_limit": 1_000_000, "description_limit": 9000},
        }});
        let limits = read_limits(&v2);
        assert_eq!((limits.length_max, limits.counter), (5000, Counter::Mastodon { per_url: 25 }));
        assert_eq!((limits.images_max, limits.image_bytes_max, limits.image_side_max), (16, 16_777_216, 1000));
        assert_eq!(limits.alt_max, 9000);
        assert_eq!(read_limits(&json!({})), PROMISED);
    }

    #[test]
    fn software_says_its_name() {
        for (version, expected) in [
            ("4.5.2", "Mastodon 4.5.2"),
            ("4.3.0+glitch", "4.3.0+glitch"),
            ("4.0.0 (not true; really snac/2.75)", "4.0.0 (not true; really snac/2.75)"),
            ("2.7.2 (compatible; Akkoma 3.10.0)", "2.7.2 (compatible; Akkoma 3.10.0)"),
        ] {
            assert_eq!(software(&json!({ "version": version })).as_deref(), Some(expected));
        }
        assert_eq!(software(&json!({})), None);
    }

    #[test]
    fn an_edit_keeps_the_images_and_tells_their_texts() {
        let image = |alt: &str| Image {
            digest: "d".into(),
            media_type: "image/png".into(),
            width: 1,
            height: 1,
            alt: alt.into(),
            url: String::new(),
        };
        let post = Post { language: "fr-FR".into(), images: vec![image("un"), image("deux")], ..Post::default() };
        let ids = ["7".to_owned(), "8".to_owned()];
        assert_eq!(
            edited("Texte", &post, &ids),
            json!({ "status": "Texte", "language": "fr", "media_attributes": [{ "id": "7", "description": "un" }, { "id": "8", "description": "deux" }], "media_ids": ["7", "8"] })
        );
        assert_eq!(edited("Texte", &post, &[]), json!({ "status": "Texte", "language": "fr" }));
    }

    #[test]
    fn a_post_is_recognised_by_its_address_and_words_and_never_twice() {
        let text = "L’État publie\n\nhttps://x.fr/a/?b&c\n\n#ClouddelEtat";
        let post =
            Post { text: text.into(), url: "https://x.fr/a/?b&c".into(), language: "fr".into(), ..Post::default() };
        let key = DeliveryKey::publication(ArticleId::mint("x", "y", &|_| false), "cloud", &EndpointName::new("m"));
        let status =
            |content: &str, at: &str| json!({"id": "9", "url": "https://m/9", "content": content, "created_at": at});
        let ours = "<p>L’État publie</p><p><a href=\"https://x.fr/a/?b&amp;c\"><span class=\"invisible\">https://</span>x.fr/a/?b&amp;c</a></p><p><a href=\"/t\">#<span>ClouddelEtat</span></a></p>";
        let find = |status: &Value, taken: &[String]| {
            recognise(status, &Wanted { post: &post, key: &key, since: now(), taken })
        };
        assert!(find(&status(ours, "2026-11-22T10:00:01.000Z"), &[]).is_some());
        assert!(find(&status(ours, "2026-11-22T10:00:01.000Z"), &["9".to_owned()]).is_none());
        assert!(find(&status(ours, "2026-11-20T10:00:01.000Z"), &[]).is_none());
        assert!(find(&status(&ours.replace("/a/", "/b/"), "2026-11-22T10:00:01.000Z"), &[]).is_none());
        assert!(
            find(&status(&ours.replace("L’État publie", "Rappel : demain"), "2026-11-22T10:00:01.000Z"), &[]).is_none()
        );
    }

    #[test]
    fn the_next_part_of_a_thread_is_the_accounts_own_answer() {
        let answer = |id: &str, to: &str, by: &str, content: &str| json!({ "id": id, "in_reply_to_id": to, "account": { "id": by }, "content": content });
        let below = json!({ "descendants": [
            answer("3", "1", "lecteur", "<p>Deuxième partie</p>"),
            answer("4", "1", "nous", "<p>Autre chose</p>"),
            answer("5", "1", "nous", "<p>Deuxième partie</p>"),
            answer("6", "5", "nous", "<p>Troisième partie</p>"),
        ] });
        let next =
            |after: &str, text: &str| next_part(&below, after, "nous", text, "").map(|receipt| receipt.remote_id);
        assert_eq!(next("1", "Deuxième partie").as_deref(), Some("5"));
        assert_eq!(next("5", "Troisième partie").as_deref(), Some("6"));
        assert_eq!(next("6", "Quatrième partie"), None);
    }
}
