//! Microsoft Teams, through the hook of a workflow ("When a Teams webhook request is received", learn.microsoft.com).
//!
//! The workflow takes an Adaptive Card and answers that it began; whether the message stands in the channel it does not
//! say, nor can it be asked. So a post goes out at most once, and cannot be edited or withdrawn.

use super::answers::{failure, said};
use super::caller::Caller;
use super::client::Answer;
use super::{Abilities, Network, plain};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Limits, Post};
use crate::secret::SafeUrl;
use crate::text::one_line;
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The message as a whole may have 28 KB (learn.microsoft.com, limits of incoming webhooks); a text of this length stays
/// below that, whatever its characters.
///
/// Teams fetches the images of cards itself: PNG or JPEG of at most 1 MB (learn.microsoft.com, "Inline card images").
pub const LIMITS: Limits = Limits {
    bytes_max: 8_000,
    images_max: 4,
    images_by_address: true,
    image_bytes_max: 1_000_000,
    alt_max: 300,
    ..Limits::text(4_000, Counter::Graphemes)
};

/// Bytes that a message may have.
const MESSAGE_MAX: usize = 28 * 1024;

/// A channel of Teams.
pub struct TeamsChannel {
    hook: SafeUrl,
    caller: Caller,
}

impl TeamsChannel {
    /// A channel. Nothing is sent yet.
    ///
    /// Errors: its address is private and may not be, or the client cannot be set up.
    pub fn new(hook: SafeUrl, allow_private: bool) -> Result<Self, String> {
        Ok(Self { caller: Caller::new(hook.expose(), allow_private, hook.secrets())?, hook })
    }
}

#[async_trait]
impl Network for TeamsChannel {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, _now: Timestamp) -> Result<String, Failure> {
        Ok(format!("a workflow on {}, which cannot be asked without a message", self.hook.host()))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let request = self.caller.to_hook(Method::POST, &self.hook).json(&body(post)?);
        let answer = self.caller.send(request, now).await?;
        read_answer(&answer, key, now).map_err(|failure| self.caller.redacted(failure))
    }

    fn abilities(&self) -> Abilities {
        Abilities { images: true, ..Abilities::default() }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// The message that posts a card.
fn body(post: &Post) -> Result<Value, Failure> {
    let message = json!({
        "type": "message",
        "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card(post) }],
    });
    let length = message.to_string().len();
    if length > MESSAGE_MAX {
        return Err(Failure::Refused(format!(
            "the message has {length} bytes where Teams takes {MESSAGE_MAX}; shorten its text"
        )));
    }
    Ok(message)
}

/// The card: a block for each line. Its runs of text are taken literally, other than those of `TextBlock`, which are
/// Markdown; and without `msteams.entities` a card calls nobody.
fn card(post: &Post) -> Value {
    let mut blocks = Vec::new();
    let mut spaced = false;
    for line in post.text.lines() {
        if line.trim().is_empty() {
            spaced = true;
            continue;
        }
        let spacing = if spaced { "Medium" } else { "None" };
        blocks.push(json!({ "type": "RichTextBlock", "spacing": spacing, "inlines": runs(line) }));
        spaced = false;
    }
    for image in post.images.iter().filter(|image| !image.url.is_empty()) {
        blocks.push(json!({ "type": "Image", "spacing": "Medium", "url": image.url, "altText": image.alt }));
    }
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": post.language,
        "body": blocks,
        "msteams": { "width": "Full" },
    })
}

/// A line as runs of text; its web addresses open.
fn runs(line: &str) -> Vec<Value> {
    let run = |(text, is_address): (&str, bool)| {
        let mut run = json!({ "type": "TextRun", "text": text });
        if is_address {
            run["selectAction"] = json!({ "type": "Action.OpenUrl", "url": text });
        }
        run
    };
    plain::runs(line).into_iter().map(run).collect()
}

/// The answer of a workflow (202 and nothing), or of an old connector (200, and an error in its text).
fn read_answer(answer: &Answer, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
    let said = |answer: &Answer| {
        // Workflows say what went wrong one level down.
        let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
        json.pointer("/error/message").and_then(Value::as_str).map_or_else(|| said(answer), one_line)
    };
    match answer.status {
        status if status.is_success() => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(Failure::Unauthorised(format!(
                "the workflow does not take the message ({}); copy its address again, and look whether its owner may post in the channel",
                said(answer)
            )));
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            return Err(Failure::Refused(format!(
                "the workflow is not there any more ({}); make a new one and give its address",
                said(answer)
            )));
        }
        _ => return Err(failure(answer, now).map(|reason| format!("{reason} ({})", said(answer)))),
    }
    if answer.body.contains("HTTP error 429") {
        return Err(Failure::Throttled { until: None, reason: format!("too many requests: {}", said(answer)) });
    }
    if answer.body.contains("HTTP error 413") {
        return Err(Failure::Refused(format!("the message is too large for Teams: {}", said(answer))));
    }
    if answer.body.to_lowercase().contains("error") {
        return Err(Failure::Uncertain(format!("Teams answered with an error in a success: {}", said(answer))));
    }
    let run = answer.headers.get("x-ms-workflow-run-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    Ok(Receipt::new(run.map_or_else(|| key.idempotency_key(), str::to_owned), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::ArticleId;
    use crate::config::EndpointName;

    #[test]
    fn a_text_becomes_runs_and_its_addresses_open() {
        let post = Post {
            text: "L’État *publie* <at>tous</at>\n\nhttps://x.fr/a_b.\n#Cloud".into(),
            language: "fr".into(),
            ..Post::default()
        };
        let card = card(&post);
        assert_eq!(card["body"].as_array().unwrap().len(), 3);
        assert_eq!(card["body"][0]["inlines"], json!([{ "type": "TextRun", "text": "L’État *publie* <at>tous</at>" }]));
        assert_eq!(card["body"][1]["spacing"], "Medium");
        assert_eq!(card["body"][1]["inlines"][0]["selectAction"]["url"], "https://x.fr/a_b");
        assert_eq!(card["body"][1]["inlines"][1]["text"], ".");
        assert_eq!(card["body"][2]["spacing"], "None");
        assert!(card["msteams"].get("entities").is_none(), "a card without entities calls nobody");
    }

    #[test]
    fn the_longest_text_fits_whatever_its_characters() {
        for sign in ["a", "é", "\"", "\\", "\u{1}", "👩‍👩‍👧", "a\n"] {
            let text: String = std::iter::repeat_n(sign, 8_000).collect();
            let mut end = LIMITS.bytes_max;
            while !text.is_char_boundary(end.min(text.len())) {
                end -= 1;
            }
            let post = Post { text: text[..end.min(text.len())].to_owned(), ..Post::default() };
            assert_eq!(body(&post).is_ok(), sign != "a\n" && sign != "\u{1}", "{sign:?}");
        }
    }

    #[test]
    fn an_error_in_a_success_is_one() {
        let key = DeliveryKey::publication(ArticleId::mint("x", "y", &|_| false), "une", &EndpointName::new("t"));
        let read = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answer { status, headers: Default::default(), body: body.into() };
            read_answer(&answer, &key, "2026-11-22T10:00:00Z".parse().unwrap())
        };
        assert_eq!(read(202, "").unwrap().remote_id, key.idempotency_key());
        assert!(read(200, "1").is_ok());
        let inside = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x";
        assert!(matches!(read(200, inside), Err(Failure::Throttled { .. })));
        assert!(matches!(read(200, &inside.replace("429", "413")), Err(Failure::Refused(_))));
        assert!(matches!(read(200, &inside.replace("429", "500")), Err(Failure::Uncertain(_))));
        let gone = r#"{"error":{"code":"WorkflowNotFound","message":"The workflow could not be found."}}"#;
        assert!(matches!(read(404, gone), Err(Failure::Refused(why)) if why.contains("could not be found")));
        assert!(matches!(read(401, ""), Err(Failure::Unauthorised(_))));
        assert!(matches!(read(502, ""), Err(Failure::Uncertain(_))));
    }
}
