//! Slack: an incoming hook, and what a bot needs of the Web API, whose errors stand in a success.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "xoxb-canari-slack-token";
pub const CHANNEL: &str = "C0123ABCDEF";
pub const HOOK: &str = "/services/T0001/B0001/canari-slack-hook";

#[derive(Default)]
pub struct Slack {
    /// Whether it is spoken to through its hook.
    by_hook: bool,
    messages: Vec<Value>,
    /// Files: their alternative texts, and whether they are complete.
    files: Vec<(String, bool)>,
    /// Where it can be reached.
    url: String,
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

impl Slack {
    pub fn by_hook() -> Self {
        Self { by_hook: true, ..Self::default() }
    }

    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    /// The blocks of a message: its text, literally, and images.
    fn judge_blocks(&self, body: &Value) -> Result<(), String> {
        let blocks = body["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some((first, images)) = blocks.split_first() else { return Ok(()) };
        same("the first block", text(first, "/type")?, "rich_text")?;
        let elements = first.pointer("/elements/0/elements").and_then(Value::as_array).ok_or("no elements")?;
        let said: Result<Vec<&str>, String> = elements
            .iter()
            .map(|element| text(element, if element["type"] == "link" { "/url" } else { "/text" }))
            .collect();
        same("what the blocks say", said?.concat(), plain(text(body, "/text")?))?;
        for image in images {
            only(image, &["type", "alt_text", "image_url", "slack_file"])?;
            same("the block", text(image, "/type")?, "image")?;
            let alt = text(image, "/alt_text")?;
            match image.pointer("/slack_file/id").and_then(Value::as_str) {
                Some(id) => {
                    let file = self.files.get(id.strip_prefix('F').ok_or("no file")?.parse::<usize>().unwrap());
                    same("the file", file, Some(&(alt.to_owned(), true)))?;
                }
                None => {
                    text(image, "/image_url")?.strip_prefix("https://").ok_or("not a public address")?;
                }
            }
        }
        Ok(())
    }

    fn take(message: &str) -> Result<(), String> {
        let is_escape = |rest: &str| ["&amp;", "&lt;", "&gt;"].iter().any(|escape| rest.starts_with(escape));
        let bare = message.char_indices().find(|(at, sign)| match sign {
            '<' | '>' => true,
            '&' => !is_escape(&message[*at..]),
            _ => false,
        });
        if bare.is_some() { Err(format!("a bare sign in {message:?}")) } else { Ok(()) }
    }

    fn no(word: &str) -> Reply {
        Reply::json(200, &json!({ "ok": false, "error": word }))
    }
}

impl Api for Slack {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if request.path == HOOK {
            let body = request.json()?;
            only(&body, &["text", "mrkdwn", "blocks"])?;
            Self::take(text(&body, "/text")?)?;
            self.judge_blocks(&body)?;
            self.messages.push(json!({ "ts": "hook", "text": body["text"], "blocks": body["blocks"] }));
            return Ok(Reply::text(200, "ok"));
        }
        if let Some(number) = request.path.strip_prefix("/upload/canari-") {
            let file = self.files.get(number.parse::<usize>().unwrap()).ok_or("no such file")?;
            return if file.1 || request.body.is_empty() {
                Err("no bytes".to_owned())
            } else {
                Ok(Reply::text(200, "OK - 1"))
            };
        }
        same("authorization", request.header("authorization"), &format!("Bearer {TOKEN}"))?;
        let named = |body: &Value| -> Result<(), String> { same("the channel", text(body, "/channel")?, CHANNEL) };
        match request.line() {
            ("GET", "/api/auth.test") => Ok(Reply::json(
                200,
                &json!({ "ok": true, "url": "https://essai.slack.com/", "team": "Essai", "user": "crieur" }),
            )),
            ("POST", "/api/chat.postMessage") => {
                let body = request.json()?;
                only(&body, &["channel", "text", "mrkdwn", "link_names", "metadata", "blocks", "thread_ts"])?;
                named(&body)?;
                Self::take(text(&body, "/text")?)?;
                self.judge_blocks(&body)?;
                if let Some(root) = body.get("thread_ts") {
                    let root =
                        self.messages.iter().find(|message| message["ts"] == *root).ok_or("an answer to nothing")?;
                    same("the first message of the thread", &root["thread_ts"], &Value::Null)?;
                }
                let ts = format!("1795341600.{:06}", self.messages.len());
                self.messages
                    .push(json!({ "type": "message", "ts": ts, "text": body["text"], "metadata": body["metadata"], "blocks": body["blocks"], "thread_ts": body["thread_ts"] }));
                Ok(Reply::json(
                    200,
                    &json!({ "ok": true, "channel": CHANNEL, "ts": ts, "message": self.messages.last() }),
                ))
            }
            ("GET", "/api/conversations.history") => {
                same("the channel", request.query["channel"].as_str(), CHANNEL)?;
                same("include_all_metadata", request.query["include_all_metadata"].as_str(), "true")?;
                let oldest = request.query["oldest"].parse::<f64>().map_err(|error| error.to_string())?;
                // Answers in threads are not in the history.
                let newest_first: Vec<&Value> = self
                    .messages
                    .iter()
                    .rev()
                    .filter(|message| {
                        message["thread_ts"].is_null()
                            && message["ts"].as_str().unwrap().parse::<f64>().unwrap() >= oldest
                    })
                    .collect();
                Ok(Reply::json(200, &json!({ "ok": true, "messages": newest_first, "has_more": false })))
            }
            ("GET", "/api/conversations.replies") => {
                same("include_all_metadata", request.query["include_all_metadata"].as_str(), "true")?;
                let of = request.query["ts"].as_str();
                let is_in = |message: &&Value| message["ts"] == of || message["thread_ts"] == of;
                let oldest_first: Vec<&Value> = self.messages.iter().filter(is_in).collect();
                Ok(Reply::json(200, &json!({ "ok": true, "messages": oldest_first, "has_more": false })))
            }
            ("GET", "/api/files.getUploadURLExternal") => {
                request.query["length"].parse::<usize>().map_err(|error| error.to_string())?;
                let number = self.files.len();
                self.files.push((request.query.get("alt_txt").cloned().unwrap_or_default(), false));
                let address = format!("{}/upload/canari-{number}", self.url);
                Ok(Reply::json(200, &json!({ "ok": true, "upload_url": address, "file_id": format!("F{number}") })))
            }
            ("POST", "/api/files.completeUploadExternal") => {
                let body = request.json()?;
                only(&body, &["files"])?;
                let id = text(&body, "/files/0/id")?.trim_start_matches('F').parse::<usize>().unwrap();
                self.files[id].1 = true;
                Ok(Reply::json(200, &json!({ "ok": true, "files": body["files"] })))
            }
            ("GET", "/api/chat.getPermalink") => {
                let ts = request.query["message_ts"].replace('.', "");
                Ok(Reply::json(
                    200,
                    &json!({ "ok": true, "permalink": format!("https://essai.slack.com/archives/{CHANNEL}/p{ts}") }),
                ))
            }
            ("POST", "/api/chat.update") => {
                let body = request.json()?;
                only(&body, &["channel", "ts", "text", "metadata", "blocks"])?;
                named(&body)?;
                Self::take(text(&body, "/text")?)?;
                self.judge_blocks(&body)?;
                match self.messages.iter_mut().find(|message| message["ts"] == body["ts"]) {
                    Some(message) => {
                        message["text"] = body["text"].clone();
                        Ok(Reply::json(200, &json!({ "ok": true, "ts": body["ts"] })))
                    }
                    None => Ok(Self::no("message_not_found")),
                }
            }
            ("POST", "/api/chat.delete") => {
                let body = request.json()?;
                only(&body, &["channel", "ts"])?;
                named(&body)?;
                let before = self.messages.len();
                self.messages.retain(|message| message["ts"] != body["ts"]);
                Ok(if self.messages.len() < before {
                    Reply::json(200, &json!({ "ok": true }))
                } else {
                    Self::no("message_not_found")
                })
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        matches!(request.line(), ("POST", HOOK | "/api/chat.postMessage"))
    }

    fn texts(&self) -> Vec<String> {
        self.messages.iter().map(|message| plain(message["text"].as_str().unwrap())).collect()
    }

    fn images(&self) -> Vec<String> {
        let blocks = self.messages.iter().flat_map(|message| message["blocks"].as_array().into_iter().flatten());
        blocks.filter_map(|block| block["alt_text"].as_str().map(str::to_owned)).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        Reply::json(429, &json!({ "ok": false, "error": "ratelimited" })).header("retry-after", seconds.to_string())
    }

    fn unknown(&self) -> Reply {
        if self.by_hook { Reply::text(404, "no_service") } else { Self::no("invalid_auth") }
    }

    fn unwanted(&self) -> Reply {
        if self.by_hook { Reply::text(400, "invalid_payload") } else { Self::no("msg_too_long") }
    }
}
