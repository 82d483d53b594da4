//! A workflow of Microsoft Teams: it takes an Adaptive Card and says that it began.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};

pub const HOOK: &str = "/workflows/canari-teams-hook/triggers/manual/paths/invoke";

#[derive(Default)]
pub struct Teams {
    cards: Vec<String>,
    images: Vec<String>,
}

/// What a card shows, its blocks as lines.
fn shown(card: &Value, images: &mut Vec<String>) -> Result<String, String> {
    only(card, &["$schema", "type", "version", "lang", "body", "msteams"])?;
    same("the type", text(card, "/type")?, "AdaptiveCard")?;
    only(&card["msteams"], &["width"])?;
    let mut shown = String::new();
    for block in card["body"].as_array().ok_or("no body")? {
        if block["type"] == "Image" {
            only(block, &["type", "spacing", "url", "altText"])?;
            text(block, "/url")?.strip_prefix("https://").ok_or("not a public address")?;
            images.push(text(block, "/altText")?.to_owned());
            continue;
        }
        only(block, &["type", "spacing", "inlines"])?;
        // Of all that shows text, this takes it literally.
        same("the block", text(block, "/type")?, "RichTextBlock")?;
        if !shown.is_empty() {
            shown.push_str(if block["spacing"] == "Medium" { "\n\n" } else { "\n" });
        }
        for run in block["inlines"].as_array().ok_or("no inlines")? {
            only(run, &["type", "text", "selectAction"])?;
            same("the run", text(run, "/type")?, "TextRun")?;
            if let Some(action) = run.get("selectAction") {
                same("the action", text(action, "/type")?, "Action.OpenUrl")?;
                same("the address", text(action, "/url")?, text(run, "/text")?)?;
            }
            shown.push_str(text(run, "/text")?);
        }
    }
    Ok(shown)
}

impl Api for Teams {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        same("the request", request.line(), ("POST", HOOK))?;
        same("the signature", request.query.get("sig").map(String::as_str), Some("canari-teams-signature"))?;
        if request.body.len() > 28 * 1024 {
            return Err("more than 28 KB".to_owned());
        }
        let body = request.json()?;
        only(&body, &["type", "attachments"])?;
        same("the type", text(&body, "/type")?, "message")?;
        let attachment = &body["attachments"][0];
        same("the attachment", text(attachment, "/contentType")?, "application/vnd.microsoft.card.adaptive")?;
        let card = shown(&attachment["content"], &mut self.images)?;
        self.cards.push(card);
        Ok(Reply::text(202, "").header("x-ms-workflow-run-id", "08584"))
    }

    fn posts(&self, _request: &Request) -> bool {
        true
    }

    fn texts(&self) -> Vec<String> {
        self.cards.clone()
    }

    fn images(&self) -> Vec<String> {
        self.images.clone()
    }

    fn unknown(&self) -> Reply {
        Reply::json(401, &json!({ "error": { "code": "DirectApiAuthorizationRequired", "message": "sig ECHO" } }))
    }

    fn unwanted(&self) -> Reply {
        Reply::text(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413")
    }
}
