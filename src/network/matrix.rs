//! Matrix, in rooms that are not encrypted (spec.matrix.org, client-server API).
//!
//! A message is sent under a transaction of our own: the same one of the same device is the same message, for about a day.
//! Beside that, each message carries a marker, by which it is found in the room for good. So the token's device must stay:
//! do not log it out.

use super::answers;
use super::caller::Caller;
use super::client::Answer;
use super::history::{back_to, cut_off};
use super::{Abilities, Found, Means, Network, Wanted};
use crate::config::Matrix;
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::digest;
use crate::post::{Counter, Image, Limits, Post};
use crate::text::escape_html;
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// What is taken: an event may have 65,536 bytes, and holds the text twice, as text and as HTML.
pub const LIMITS: Limits = Limits {
    images_max: 4,
    image_bytes_max: 5_000_000,
    image_side_max: 2_400,
    alt_max: 1_500,
    ..Limits::text(4_000, Counter::Graphemes)
};

/// The key of an event's content that holds the marker: `{ "id": …, "part": … }`.
const MARKER: &str = "fr.gouv.crieur.id";
/// Events asked for at once, and the most pages.
const PAGE: usize = 100;
const PAGES_MAX: usize = 200;

/// A room, and the account that speaks in it.
pub struct MatrixRoom {
    settings: Matrix,
    caller: Caller,
    means: Means,
    /// The room's id, once its alias was looked up.
    room: Mutex<Option<String>>,
}

impl MatrixRoom {
    /// A room. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(settings: Matrix, allow_private: bool, means: &Means) -> Result<Self, String> {
        let caller = Caller::new(&settings.server, allow_private, vec![settings.token.clone()])?;
        Ok(Self { settings, caller, means: means.clone(), room: Mutex::new(None) })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.caller.request(method, path).bearer_auth(self.settings.token.expose())
    }

    async fn call(&self, request: RequestBuilder, now: Timestamp) -> Result<Value, Failure> {
        let answer = self.caller.send(request, now).await?;
        read(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    async fn ask(&self, path: &str, now: Timestamp) -> Result<Value, Failure> {
        self.call(self.request(Method::GET, path), now).await.map_err(answers::of_a_question)
    }

    /// The room's path in addresses.
    async fn room(&self, now: Timestamp) -> Result<String, Failure> {
        let mut room = self.room.lock().await;
        if let Some(room) = &*room {
            return Ok(room.clone());
        }
        let given = &self.settings.room;
        let id = if given.starts_with('#') {
            let path = format!("/_matrix/client/v3/directory/room/{}", in_path(given));
            let said = self
                .ask(&path, now)
                .await
                .map_err(|failure| failure.map(|reason| format!("the room {given}: {reason}")))?;
            let id = said.get("room_id").and_then(Value::as_str).filter(|id| id.starts_with('!'));
            id.ok_or_else(|| Failure::Unavailable(format!("the server does not say which room {given} is")))?.to_owned()
        } else {
            given.clone()
        };
        let path = format!("/_matrix/client/v3/rooms/{}", in_path(&id));
        *room = Some(path.clone());
        Ok(path)
    }

    /// Refuses an encrypted room: a message in clear would tell what the room hides, and most programs would not show it.
    async fn refuse_encrypted(&self, room: &str, now: Timestamp) -> Result<(), Failure> {
        let answer = self.caller.send(self.request(Method::GET, &format!("{room}/state/m.room.encryption")), now).await;
        let answer = answer.map_err(answers::of_a_question)?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(()),
            status if status.is_success() => Err(Failure::Refused(format!(
                "the room {} is encrypted, and Crieur does not write in encrypted rooms; choose a room without encryption (it cannot be switched off in a room)",
                self.settings.room
            ))),
            _ => Err(self.caller.redacted(answers::of_a_question(failure(&answer, now)))),
        }
    }

    /// Sends one message under a transaction. Its id.
    async fn send(&self, room: &str, transaction: &str, content: &Value, now: Timestamp) -> Result<String, Failure> {
        let path = format!("{room}/send/m.room.message/{transaction}");
        let said = self.call(self.request(Method::PUT, &path).json(content), now).await?;
        said.get("event_id").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
            Failure::Uncertain("the server answered with success, and without the id of the message".to_owned())
        })
    }

    /// Sends what is not in the room yet: images first and the text last, so that where the text is, all of it is. `parts`
    /// are the events of the images that are there.
    async fn send_rest(
        &self,
        post: &Post,
        mut parts: Vec<String>,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        let room = self.room(now).await?;
        self.refuse_encrypted(&room, now).await?;
        let id = key.idempotency_key();
        for (part, image) in post.images.iter().enumerate().skip(parts.len()) {
            let sent = async {
                let mut content = self.upload(image, now).await?;
                content[MARKER] = json!({ "id": id, "part": part + 1 });
                self.send(&room, &format!("{id}-{}", part + 1), &content, now).await
            };
            let event = sent.await.map_err(|failure| after(&parts, failure))?;
            parts.push(event);
        }
        let mut content = text_content(&post.text, self.settings.message.word());
        content[MARKER] = json!({ "id": id, "part": 0 });
        let event = self.send(&room, &id, &content, now).await;
        let event = event.map_err(|failure| after(&parts, failure))?;
        Ok(receipt(&self.settings.room, &event, parts))
    }

    /// Puts an image where the homeserver keeps media. Nobody sees it before a message names it.
    async fn upload(&self, image: &Image, now: Timestamp) -> Result<Value, Failure> {
        let bytes = self.means.bytes(image).await?;
        let size = bytes.len();
        let request = self.request(Method::POST, "/_matrix/media/v3/upload");
        let request = request.header("Content-Type", &image.media_type).body(bytes);
        let said = self.call(request, now).await.map_err(answers::of_a_question)?;
        let uri = said.get("content_uri").and_then(Value::as_str).filter(|uri| uri.starts_with("mxc://"));
        let uri =
            uri.ok_or_else(|| Failure::Unavailable("the server took an image and did not say where it is".to_owned()))?;
        Ok(json!({
            "msgtype": "m.image",
            "body": image.alt,
            "url": uri,
            "info": { "mimetype": image.media_type, "w": image.width, "h": image.height, "size": size },
        }))
    }
}

#[async_trait]
impl Network for MatrixRoom {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let who = self.ask("/_matrix/client/v3/account/whoami", now).await?;
        let user = who.get("user_id").and_then(Value::as_str).unwrap_or("unknown");
        if who.get("device_id").and_then(Value::as_str).is_none() {
            let reason = "the token belongs to no device, so that the server would not know a repeated message; log in for a token of a device";
            return Err(Failure::Refused(reason.to_owned()));
        }
        let room = self.room(now).await?;
        let joined = self.ask("/_matrix/client/v3/joined_rooms", now).await?;
        let id = room.rsplit('/').next().unwrap_or("");
        let is_in = joined
            .get("joined_rooms")
            .and_then(Value::as_array)
            .is_some_and(|rooms| rooms.iter().filter_map(Value::as_str).any(|known| in_path(known) == id));
        if !is_in {
            return Err(Failure::Refused(format!(
                "{user} is not in the room {}; invite the account, and accept the invitation with any Matrix client",
                self.settings.room
            )));
        }
        self.refuse_encrypted(&room, now).await?;
        Ok(format!("{user} in {}", self.settings.room))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        self.send_rest(post, Vec::new(), key, now).await
    }

    async fn complete(
        &self,
        post: &Post,
        begun: &Receipt,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        let images = std::iter::once(&begun.remote_id).chain(&begun.parts).cloned().collect();
        self.send_rest(post, images, key, now).await
    }

    fn abilities(&self) -> Abilities {
        Abilities { edits: true, withdraws: true, finds: true, images: true, ..Abilities::default() }
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let room = self.room(now).await?;
        let who = self.ask("/_matrix/client/v3/account/whoami", now).await?;
        let user = who.get("user_id").and_then(Value::as_str).unwrap_or("");
        let id = wanted.key.idempotency_key();
        let mut seen = Seen::default();
        let mut from = String::new();
        for _ in 0..PAGES_MAX {
            let page = self.ask(&format!("{room}/messages?dir=b&limit={PAGE}{from}"), now).await?;
            let Some(events) = page.get("chunk").and_then(Value::as_array) else {
                return Err(Failure::Unavailable("the room's messages cannot be read".to_owned()));
            };
            let since = back_to(wanted.since);
            let is_old = seen.look(events, user, &id, since);
            if let Some(event) = &seen.text {
                return Ok(Found::Yes(receipt(&self.settings.room, event, seen.parts())));
            }
            let next = page.get("end").and_then(Value::as_str).filter(|_| !is_old);
            match next {
                Some(next) => from = format!("&from={}", in_path(next)),
                None if seen.was_redacted => {
                    let reason = "the message is not in the room, and a message of the account was removed there since: it may be this one";
                    return Ok(Found::Unclear(reason.to_owned()));
                }
                None => {
                    let mut images = seen.parts().into_iter();
                    return Ok(match images.next() {
                        Some(first) => Found::Part(receipt(&self.settings.room, &first, images.collect())),
                        None => Found::No,
                    });
                }
            }
        }
        Err(Failure::Refused("the room has too many newer messages to look through".to_owned()))
    }

    async fn edit(
        &self,
        receipt: &Receipt,
        post: &Post,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        own(receipt)?;
        let room = self.room(now).await?;
        self.refuse_encrypted(&room, now).await?;
        let old = self.ask(&format!("{room}/event/{}", in_path(&receipt.remote_id)), now).await?;
        if old.pointer("/unsigned/redacted_because").is_some() {
            return Err(Failure::Refused("the message was removed, and an edit does not bring it back".to_owned()));
        }
        let new = text_content(&post.text, self.settings.message.word());
        let mut content = text_content(&format!("* {}", post.text), self.settings.message.word());
        content["m.new_content"] = new;
        content["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": receipt.remote_id });
        // Each try has a transaction of its own: an edit back to earlier words is another one, and one that is made twice
        // changes nothing.
        let transaction = format!("{}-{}-{}", key.idempotency_key(), digest::hex(&post.text, 16), now.as_second());
        self.send(&room, &transaction, &content, now).await?;
        Ok(receipt.clone())
    }

    async fn withdraw(&self, receipt: &Receipt, key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        own(receipt)?;
        let room = self.room(now).await?;
        for (part, event) in std::iter::once(&receipt.remote_id).chain(&receipt.parts).enumerate() {
            let path = format!("{room}/redact/{}/{}-out-{part}", in_path(event), key.idempotency_key());
            self.call(self.request(Method::PUT, &path).json(&json!({})), now).await?;
            let left = self.ask(&format!("{room}/event/{}", in_path(event)), now).await?;
            if left.pointer("/content/body").is_some() {
                let reason = "the server says that it removed the message, and still shows it";
                return Err(Failure::Uncertain(reason.to_owned()));
            }
        }
        Ok(())
    }

    fn looks(&self) -> u32 {
        // The homeserver answers of the room as it has it, and the transaction guards what comes after.
        1
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// What was seen of a post among the messages of a room.
#[derive(Debug, Default)]
struct Seen {
    /// The event of its text.
    text: Option<String>,
    /// Those of its images, by their number.
    images: std::collections::BTreeMap<u64, String>,
    /// Whether a message of the account was removed.
    was_redacted: bool,
}

impl Seen {
    /// Looks through a page, newest first. Whether it reaches back to the time given.
    fn look(&mut self, events: &[Value], user: &str, id: &str, since: Timestamp) -> bool {
        for event in events.iter().filter(|event| event["type"] == "m.room.message" && event["sender"] == user) {
            let marker = event.pointer("/content").and_then(|content| content.get(MARKER));
            let event_id = event["event_id"].as_str().unwrap_or_default().to_owned();
            if event.pointer("/unsigned/redacted_because").is_some() {
                self.was_redacted = true;
            } else if let Some(marker) = marker.filter(|marker| marker["id"] == id) {
                match marker["part"].as_u64() {
                    Some(part) if part > 0 => drop(self.images.insert(part, event_id)),
                    _ => self.text = Some(event_id),
                }
            }
        }
        let oldest = events.last().and_then(|event| event["origin_server_ts"].as_i64());
        oldest.and_then(|millis| Timestamp::from_millisecond(millis).ok()).is_none_or(|oldest| oldest < since)
    }

    fn parts(&self) -> Vec<String> {
        self.images.values().cloned().collect()
    }
}

/// Refuses a receipt that names no events: it came from elsewhere, such as a person's word.
fn own(receipt: &Receipt) -> Result<(), Failure> {
    match std::iter::once(&receipt.remote_id).chain(&receipt.parts).find(|id| id.len() < 2 || !id.starts_with('$')) {
        None => Ok(()),
        Some(id) => Err(Failure::Refused(format!("`{id}` is not the id of a message on this network"))),
    }
}

/// A failure after some of the events were sent.
fn after(sent: &[String], failure: Failure) -> Failure {
    if sent.is_empty() { failure } else { cut_off(failure) }
}

fn receipt(room: &str, event: &str, parts: Vec<String>) -> Receipt {
    let link = format!("https://matrix.to/#/{}/{}", in_path(room), in_path(event));
    Receipt { remote_id: event.to_owned(), remote_url: Some(link), parts }
}

/// The content of a message: the text, and the same as HTML with its addresses as links.
fn text_content(text: &str, kind: &str) -> Value {
    json!({ "msgtype": kind, "body": text, "format": "org.matrix.custom.html", "formatted_body": to_html(text) })
}

fn to_html(text: &str) -> String {
    let mut html = String::new();
    for (n, paragraph) in text.split("\n\n").enumerate() {
        if n > 0 {
            html.push_str("</p><p>");
        }
        for (n, line) in paragraph.split('\n').enumerate() {
            if n > 0 {
                html.push_str("<br>");
            }
            for word in line.split_inclusive(char::is_whitespace) {
                let bare = word.trim_end();
                let address = bare.trim_end_matches(|c: char| ".,;:!?»”’\"'…".contains(c));
                if address.starts_with("https://") || address.starts_with("http://") {
                    let shown = escape_html(address);
                    html.push_str(&format!("<a href=\"{shown}\">{shown}</a>{}", escape_html(&word[address.len()..])));
                } else {
                    html.push_str(&escape_html(word));
                }
            }
        }
    }
    format!("<p>{html}</p>")
}

/// A text as one part of a path, or as a value in a query.
fn in_path(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// Any answer: its JSON, or the class of its failure.
fn read(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    if answer.status.is_success() { answers::read_json(answer, now) } else { Err(failure(answer, now)) }
}

/// The class of an answer by its `errcode`, where the status alone does not tell (client-server API, standard error
/// response).
fn failure(answer: &Answer, now: Timestamp) -> Failure {
    let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
    let said = answers::said(answer);
    match json.get("errcode").and_then(Value::as_str) {
        Some("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" | "M_USER_DEACTIVATED") => Failure::Unauthorised(format!(
            "the token is not accepted ({said}); log in anew, keep that device, and put its token in the configuration"
        )),
        Some("M_FORBIDDEN") => Failure::Refused(format!(
            "the account may not do this in the room ({said}); see that it is in the room, and may write there"
        )),
        Some("M_LIMIT_EXCEEDED") => {
            Failure::Throttled { until: answers::until(answer, now), reason: format!("too many requests: {said}") }
        }
        _ => answers::failure(answer, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_shows_the_text_and_links_its_addresses() {
        let html = to_html("L’État < tous\nhttps://x.fr/?a&b.\n\n#Cloud");
        assert_eq!(
            html,
            "<p>L’État &lt; tous<br><a href=\"https://x.fr/?a&amp;b\">https://x.fr/?a&amp;b</a>.</p><p>#Cloud</p>"
        );
    }

    #[test]
    fn paths_hold_ids_whole() {
        assert_eq!(in_path("!a:b.fr"), "%21a%3Ab.fr");
        assert_eq!(in_path("$x/é"), "%24x%2F%C3%A9");
    }

    #[test]
    fn a_post_is_known_by_its_marker_and_removed_messages_are_seen() {
        let event = |id: &str, sender: &str, content: Value, unsigned: Value| json!({ "type": "m.room.message", "event_id": id, "sender": sender, "content": content, "unsigned": unsigned, "origin_server_ts": 1_790_000_000_000_i64 });
        let marked = |id: &str, part: u64| json!({ "body": "x", MARKER: { "id": id, "part": part } });
        let events = [
            event("$4", "@autre:x", marked("k", 0), json!({})),
            event("$3", "@nous:x", marked("k", 0), json!({})),
            event("$2", "@nous:x", marked("k", 1), json!({})),
            event("$1", "@nous:x", marked("autre", 0), json!({})),
        ];
        let mut seen = Seen::default();
        let since = Timestamp::from_millisecond(1_790_000_000_001).unwrap();
        assert!(seen.look(&events, "@nous:x", "k", since));
        assert_eq!((seen.text.as_deref(), seen.parts(), seen.was_redacted), (Some("$3"), vec!["$2".to_owned()], false));
        let mut seen = Seen::default();
        let removed = [event("$3", "@nous:x", json!({}), json!({ "redacted_because": {} }))];
        assert!(!seen.look(&removed, "@nous:x", "k", Timestamp::MIN));
        assert!(seen.text.is_none() && seen.was_redacted);
    }
}
