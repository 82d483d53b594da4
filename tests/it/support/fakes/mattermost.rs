//! A Mattermost server: an incoming hook, and what a bot needs of the REST API.

use super::{Api, Reply, Request, calls_nobody, markdown, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "canari-mattermost-token";
pub const CHANNEL: &str = "ufm5ubo3ubg8mfdqnrw7ar1kya";
pub const HOOK: &str = "/hooks/canari-mattermost-hook";

#[derive(Default)]
pub struct Mattermost {
    posts: Vec<Value>,
    files: usize,
    /// The alternative texts of images that a hook's messages show.
    shown: Vec<String>,
}

impl Mattermost {
    fn error(status: u16, id: &str, message: &str) -> Reply {
        Reply::json(
            status,
            &json!({ "id": id, "message": message, "detailed_error": "", "request_id": "x", "status_code": status }),
        )
    }

    fn take(message: &str) -> Result<(), String> {
        calls_nobody(message)?;
        markdown(message, "*_~`[]|")?;
        if message.chars().count() > 16_383 { Err("too long".to_owned()) } else { Ok(()) }
    }

    fn find(&mut self, id: &str) -> Option<&mut Value> {
        self.posts.iter_mut().find(|post| post["id"] == id && post["delete_at"] == 0)
    }
}

impl Api for Mattermost {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if request.path == HOOK {
            let body = request.json()?;
            only(&body, &["text", "props"])?;
            let (written, images) = super::markdown_images(text(&body, "/text")?);
            Self::take(&written)?;
            for (alt, url) in images {
                url.strip_prefix("https://").ok_or("not a public address")?;
                self.shown.push(markdown(&alt, "*_~`[]|")?);
            }
            self.posts.push(json!({ "id": "hook", "message": written, "delete_at": 0 }));
            return Ok(Reply::text(200, "ok"));
        }
        same("authorization", request.header("authorization"), &format!("Bearer {TOKEN}"))?;
        let path = request.path.strip_prefix("/api/v4").ok_or("not the API")?.to_owned();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["users", "me"]) => Ok(Reply::json(200, &json!({ "id": "bot", "username": "crieur" }))),
            ("GET", ["channels", CHANNEL]) => {
                Ok(Reply::json(200, &json!({ "id": CHANNEL, "display_name": "Annonces" })))
            }
            ("GET", ["channels", CHANNEL, "posts"]) => {
                let (page, size): (usize, usize) =
                    (request.query["page"].parse().unwrap(), request.query["per_page"].parse().unwrap());
                let there = self.posts.iter().rev().filter(|post| post["delete_at"] == 0).skip(page * size).take(size);
                let posts: serde_json::Map<String, Value> =
                    there.map(|post| (post["id"].as_str().unwrap().to_owned(), post.clone())).collect();
                Ok(Reply::json(200, &json!({ "order": posts.keys().collect::<Vec<_>>(), "posts": posts })))
            }
            ("POST", ["posts"]) => {
                let body = request.json()?;
                only(&body, &["channel_id", "message", "pending_post_id", "props", "file_ids", "root_id"])?;
                if let Some(root) = body["root_id"].as_str() {
                    let root = self.find(root).ok_or("an answer to nothing")?;
                    same("the first post of the thread", &root["root_id"], &Value::Null)?;
                }
                for id in body["file_ids"].as_array().into_iter().flatten() {
                    let number = id.as_str().and_then(|id| id.strip_prefix("file")?.parse::<usize>().ok());
                    number.filter(|number| *number <= self.files).ok_or("no such file")?;
                    self.shown.push(String::new());
                }
                same("the channel", text(&body, "/channel_id")?, CHANNEL)?;
                Self::take(text(&body, "/message")?)?;
                let id = format!("post{:022}", self.posts.len());
                let post = json!({ "id": id, "create_at": 1_795_341_600_000_i64, "delete_at": 0, "channel_id": CHANNEL, "message": body["message"], "props": body["props"], "root_id": body["root_id"] });
                self.posts.push(post.clone());
                Ok(Reply::json(201, &post))
            }
            ("POST", ["files"]) => {
                let parts = request.parts()?;
                let [channel, file] = &parts[..] else { return Err("not one file".to_owned()) };
                same("the channel", (channel.name.as_str(), channel.text()), ("channel_id", CHANNEL))?;
                same("the field", file.name.as_str(), "files")?;
                file.is_image()?;
                self.files += 1;
                let id = format!("file{}", self.files);
                Ok(Reply::json(201, &json!({ "file_infos": [{ "id": id }], "client_ids": [] })))
            }
            ("PUT", ["posts", id, "patch"]) => {
                let body = request.json()?;
                only(&body, &["message"])?;
                Self::take(text(&body, "/message")?)?;
                let post = self.find(id).ok_or("no such post")?;
                post["message"] = body["message"].clone();
                Ok(Reply::json(200, &post.clone()))
            }
            ("DELETE", ["posts", id]) => match self.find(id) {
                Some(post) => {
                    post["delete_at"] = json!(1);
                    Ok(Reply::json(200, &json!({ "status": "OK" })))
                }
                None => Ok(Self::error(404, "app.post.get.app_error", "Unable to get the post.")),
            },
            ("GET", ["posts", id]) => match self.find(id) {
                Some(post) => Ok(Reply::json(200, &post.clone())),
                None => Ok(Self::error(404, "app.post.get.app_error", "Unable to get the post.")),
            },
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        matches!(request.line(), ("POST", HOOK | "/api/v4/posts"))
    }

    fn texts(&self) -> Vec<String> {
        let there = self.posts.iter().filter(|post| post["delete_at"] == 0);
        there.map(|post| markdown(post["message"].as_str().unwrap(), "").unwrap().replace('\u{2060}', "")).collect()
    }

    fn images(&self) -> Vec<String> {
        self.shown.clone()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        Reply::text(429, "limit exceeded\n").header("retry-after", seconds.to_string())
    }

    fn unknown(&self) -> Reply {
        Self::error(401, "api.context.session_expired.app_error", "Invalid or expired session: ECHO")
    }

    fn unwanted(&self) -> Reply {
        Self::error(400, "web_hook_incoming.invalid.app_error", "Invalid webhook ECHO")
    }
}
