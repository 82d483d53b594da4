//! Records of posts (lexicon app.bsky.feed.post). Pure: the same post, key and moment give the same bytes and names, so
//! that a repeated request is one that the server has seen already.

use super::cbor;
use crate::delivery::DeliveryKey;
use crate::post::Post;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The collection that posts stand in.
pub const COLLECTION: &str = "app.bsky.feed.post";
/// Most hashtags beside the text, and the most bytes of one (lexicon).
const TAGS_MAX: usize = 8;
const TAG_BYTES_MAX: usize = 640;

/// What was uploaded for a post: the server's word for each (`blob`), in the order of the post.
#[derive(Debug, Default)]
pub struct Blobs {
    /// Its images.
    pub images: Vec<Value>,
    /// The image of its card.
    pub thumb: Option<Value>,
}

/// A record with its own name.
#[derive(Debug, PartialEq)]
pub struct Named {
    /// Its record key.
    pub rkey: String,
    /// The record.
    pub record: Value,
}

/// The records of a post: its own, and those of the further posts of its thread, each an answer to the one before.
/// `answered` is what the first one answers, as its address and content id.
///
/// Errors: what cannot stand in a record; nothing that a server said.
pub fn records(
    post: &Post,
    blobs: &Blobs,
    did: &str,
    key: &DeliveryKey,
    created_at: Timestamp,
    answered: Option<&Value>,
) -> Result<Vec<Named>, String> {
    let mut first = record_of(&post.text, post, created_at);
    if let Some(answered) = answered {
        first["reply"] = json!({ "root": answered, "parent": answered });
    }
    if let Some(embed) = embed(post, blobs) {
        first["embed"] = embed;
    }
    let tags: Vec<&String> =
        post.more_hashtags.iter().filter(|tag| tag.len() <= TAG_BYTES_MAX).take(TAGS_MAX).collect();
    if !tags.is_empty() {
        first["tags"] = json!(tags);
    }
    let mut records = vec![Named { rkey: record_key(key, 0), record: first }];
    let mut parent = reference(did, &records[0])?;
    let root = answered.cloned().unwrap_or_else(|| parent.clone());
    for (part, text) in post.thread.iter().enumerate() {
        let mut record = record_of(text, post, created_at);
        record["reply"] = json!({ "root": root, "parent": parent });
        let named = Named { rkey: record_key(key, part + 1), record };
        parent = reference(did, &named)?;
        records.push(named);
    }
    Ok(records)
}

/// The address of a record.
pub fn uri(did: &str, rkey: &str) -> String {
    format!("at://{did}/{COLLECTION}/{rkey}")
}

/// Whether a text is the address of a post.
pub fn is_uri(text: &str) -> bool {
    let rkey = text.strip_prefix("at://").and_then(|rest| rest.split_once(&format!("/{COLLECTION}/")));
    rkey.is_some_and(|(did, rkey)| {
        did.starts_with("did:")
            && !rkey.is_empty()
            && rkey.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~:".contains(&b))
    })
}

/// The record key of an address.
pub fn rkey_of(uri: &str) -> &str {
    uri.rsplit('/').next().unwrap_or(uri)
}

/// What names a record for good: its address, and the CID of its bytes.
fn reference(did: &str, named: &Named) -> Result<Value, String> {
    Ok(json!({ "uri": uri(did, &named.rkey), "cid": cbor::cid(&named.record)? }))
}

fn record_of(text: &str, post: &Post, created_at: Timestamp) -> Value {
    let mut record = json!({
        "$type": COLLECTION,
        "text": text,
        "createdAt": format!("{created_at:.3}"),
        "langs": [post.language],
    });
    let facets = facets(text, &post.url);
    if !facets.is_empty() {
        record["facets"] = Value::Array(facets);
    }
    record
}

/// What stands under the text: images; without any, the card.
fn embed(post: &Post, blobs: &Blobs) -> Option<Value> {
    if !blobs.images.is_empty() {
        let images = post.images.iter().zip(&blobs.images).map(|(image, blob)| {
            json!({
                "alt": image.alt,
                "image": blob,
                "aspectRatio": { "width": image.width.max(1), "height": image.height.max(1) },
            })
        });
        return Some(json!({ "$type": "app.bsky.embed.images", "images": images.collect::<Vec<_>>() }));
    }
    let card = post.card.as_ref()?;
    let mut external = json!({ "uri": card.url, "title": card.title, "description": card.description });
    if let Some(thumb) = &blobs.thumb {
        external["thumb"] = thumb.clone();
    }
    Some(json!({ "$type": "app.bsky.embed.external", "external": external }))
}

/// The record key of a part of a delivery: a TID (atproto.com/specs/tid), since the lexicon wants one. It is made of the
/// delivery alone, so every try of it, on any machine, names the same record. Its time is one of the year 2023: nothing
/// reads it, and it is in nobody's future.
fn record_key(key: &DeliveryKey, part: usize) -> String {
    /// Microseconds: the beginning of 2023 in UTC, and a year.
    const FROM: u64 = 1_672_531_200_000_000;
    const YEAR: u64 = 31_536_000_000_000;
    let digest = Sha256::digest(format!("bluesky record\n{}", key.idempotency_key()));
    let mut number = [0; 8];
    number.copy_from_slice(&digest[..8]);
    let micros = FROM + u64::from_be_bytes(number) % YEAR + part as u64;
    let clock = u64::from(u16::from_be_bytes([digest[8], digest[9]]) & 0x3ff);
    tid(micros << 10 | clock)
}

/// 65 bits in base32 that sorts, highest first; the first is 0.
fn tid(number: u64) -> String {
    const LETTERS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    (0..13).rev().map(|digit| char::from(LETTERS[(number >> (5 * digit) & 31) as usize])).collect()
}

/// Links and hashtags of a text, by their bytes in UTF-8 (lexicon app.bsky.richtext.facet). Mentions are left as they are:
/// whom they mean cannot be known from here.
pub fn facets(text: &str, url: &str) -> Vec<Value> {
    let mut found: Vec<(usize, usize, Value)> = Vec::new();
    if !url.is_empty() {
        for (start, _) in text.match_indices(url) {
            let end = start + url.len();
            // A longer address that begins alike is another one.
            if text[end..].chars().next().is_none_or(|c| c.is_whitespace() || is_closing(c)) {
                found.push((start, end, json!({ "$type": "app.bsky.richtext.facet#link", "uri": url })));
            }
        }
    }
    let mut from = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let start = from;
        from += word.len();
        let word = word.trim_end();
        if let Some((at, end)) = link_in(word) {
            let uri = &word[at..end];
            found.push((start + at, start + end, json!({ "$type": "app.bsky.richtext.facet#link", "uri": uri })));
        } else if let Some(tag) = tag_of(word) {
            let sign = word.chars().next().map_or(0, char::len_utf8);
            let end = start + sign + tag.len();
            found.push((start, end, json!({ "$type": "app.bsky.richtext.facet#tag", "tag": tag })));
        }
    }
    found.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    let mut facets: Vec<Value> = Vec::new();
    let mut covered = 0;
    for (start, end, feature) in found {
        if start >= covered {
            facets.push(json!({ "index": { "byteStart": start, "byteEnd": end }, "features": [feature] }));
            covered = end;
        }
    }
    facets
}

/// The address in a word, without what closes a sentence around it.
fn link_in(word: &str) -> Option<(usize, usize)> {
    let at = word.find("https://").or_else(|| word.find("http://"))?;
    let mut end = word.len();
    while let Some(last) = word[at..end].chars().next_back() {
        let count = |sign: char| word[at..end].matches(sign).count();
        let is_own = last == ')' && count('(') >= count(')');
        if !is_closing(last) || is_own {
            break;
        }
        end -= last.len_utf8();
    }
    word[at..end].split_once("://").filter(|(_, rest)| !rest.is_empty()).map(|_| (at, end))
}

fn is_closing(c: char) -> bool {
    ".,;:!?)]»”’\"'…".contains(c)
}

/// The hashtag that a word is, as Bluesky's own client finds it: `#`, then at least one character that is neither a digit
/// nor punctuation, without the punctuation at its end, at most 64 characters.
fn tag_of(word: &str) -> Option<&str> {
    let rest = word.strip_prefix('#').or_else(|| word.strip_prefix('＃'))?;
    let ends = |c: char| matches!(c, '\u{ad}' | '\u{2060}' | '\u{200a}'..='\u{200d}' | '\u{20e2}');
    let tag = rest.split(ends).next()?.trim_end_matches(is_punctuation);
    let has_letter = tag.chars().any(|c| !c.is_ascii_digit() && !is_punctuation(c));
    (has_letter && !tag.starts_with('\u{fe0f}') && tag.chars().count() <= 64).then_some(tag)
}

/// Punctuation of Unicode (general category P), as far as it stands in texts of Europe.
fn is_punctuation(c: char) -> bool {
    (c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c))
        || matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '、' | '。')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::ArticleId;
    use crate::config::EndpointName;

    fn key(path: &str) -> DeliveryKey {
        DeliveryKey::publication(ArticleId::mint("x", path, &|_| false), "une", &EndpointName::new("b"))
    }

    /// What each facet covers, and what it says.
    fn found(text: &str, url: &str) -> Vec<(String, String)> {
        let covered = |facet: &Value| {
            let at = |name: &str| usize::try_from(facet["index"][name].as_u64().unwrap()).unwrap();
            let feature = &facet["features"][0];
            let said = feature.get("uri").or_else(|| feature.get("tag")).unwrap().as_str().unwrap();
            (text[at("byteStart")..at("byteEnd")].to_owned(), said.to_owned())
        };
        facets(text, url).iter().map(covered).collect()
    }

    #[test]
    fn facets_cover_links_and_hashtags_by_their_bytes() {
        let same = |text: &str| (text.to_owned(), text.to_owned());
        let tag = |text: &str| (text.to_owned(), text.trim_start_matches('#').to_owned());
        let check =
            |text: &str, expected: &[(String, String)]| assert_eq!(found(text, "https://x.fr/é"), expected, "{text}");
        check("Déjà : https://x.fr/é\n\n#ClouddelEtat", &[same("https://x.fr/é"), tag("#ClouddelEtat")]);
        check("(voir https://y.fr/a(b).)", &[same("https://y.fr/a(b)")]);
        check("« #Été », puis #Numérique.", &[tag("#Été"), tag("#Numérique")]);
        check("#2026 #️⃣ # a#b @agence.bsky.social", &[]);
        check("https://x.fr/éé", &[same("https://x.fr/éé")]);
        check("", &[]);
    }

    #[test]
    fn record_keys_are_tids_of_the_delivery_alone() {
        let keys: Vec<String> = (0..200).map(|n| record_key(&key(&format!("a{n}")), 0)).collect();
        let mut distinct = keys.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len());
        for rkey in &keys {
            assert_eq!(rkey.len(), 13);
            assert!("234567abcdefghij".contains(rkey.chars().next().unwrap()), "{rkey}");
        }
        assert_eq!(record_key(&key("a1"), 0), keys[1]);
        assert!(record_key(&key("a1"), 1) > keys[1], "parts follow each other");
        assert_eq!(tid(0), "2222222222222");
    }
}
