//! Threads: containers that nobody sees, and posts that are made of them.

use super::{Api, Reply, Request, same};
use serde_json::{Value, json};

/// When every post was made: tests begin then.
const MADE: &str = "2026-11-22T10:00:00+0000";

pub const TOKEN: &str = "canari-threads-token";

#[derive(Default)]
pub struct Threads {
    containers: Vec<Container>,
    posts: Vec<(String, Container)>,
    made: usize,
}

#[derive(Clone, Default)]
struct Container {
    text: String,
    alts: Vec<String>,
    before: Option<String>,
    /// How often it is still said to be in work.
    in_work: u32,
}

impl Threads {
    /// The container of a number, if Threads is done with it.
    fn container(&self, id: &str) -> Result<usize, String> {
        let number: usize = id.strip_prefix("1788").ok_or("no container")?.parse().map_err(|_| "no number")?;
        if self.containers.get(number - 1).is_none_or(|container| container.in_work > 0) {
            return Err(format!("the container {id} is not ready"));
        }
        Ok(number - 1)
    }

    fn read(&self, pairs: &std::collections::BTreeMap<String, String>) -> Result<Container, String> {
        let mut made = Container { text: pairs.get("text").cloned().unwrap_or_default(), ..Container::default() };
        match pairs["media_type"].as_str() {
            "TEXT" if made.text.is_empty() => return Err("no text".to_owned()),
            "TEXT" => {}
            "IMAGE" => {
                pairs["image_url"].strip_prefix("https://").ok_or("not a public address")?;
                made.alts.push(pairs.get("alt_text").cloned().unwrap_or_default());
                made.in_work = 1;
            }
            "CAROUSEL" => {
                for child in pairs["children"].split(',') {
                    made.alts.extend(self.containers[self.container(child)?].alts.clone());
                }
                same("how many children", (2..=20).contains(&made.alts.len()), true)?;
            }
            other => return Err(format!("the type {other}")),
        }
        made.before = pairs.get("reply_to_id").cloned();
        if made.before.as_ref().is_some_and(|before| !self.posts.iter().any(|(id, _)| id == before)) {
            return Err("a reply to nothing".to_owned());
        }
        Ok(made)
    }

    fn no(status: u16, code: u64, message: &str) -> Reply {
        Reply::json(
            status,
            &json!({ "error": { "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A" } }),
        )
    }
}

impl Api for Threads {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        let path = request.path.strip_prefix("/v1.0").ok_or("no version")?;
        let pairs = if request.method == "POST" { request.form()? } else { request.query.clone() };
        same("access_token", pairs.get("access_token").map(String::as_str), Some(TOKEN))?;
        match (request.method.as_str(), path) {
            ("GET", "/me") => Ok(Reply::json(200, &json!({ "id": "5", "username": "agence" }))),
            ("POST", "/me/threads") => {
                let made = self.read(&pairs)?;
                if made.text.chars().count() > 500 {
                    return Err("too long".to_owned());
                }
                self.containers.push(made);
                Ok(Reply::json(200, &json!({ "id": format!("1788{}", self.containers.len()) })))
            }
            ("POST", "/me/threads_publish") => {
                let text = self.containers[self.container(&pairs["creation_id"])?].clone();
                self.made += 1;
                let id = format!("1799{}", self.made);
                self.posts.push((id.clone(), text));
                Ok(Reply::json(200, &json!({ "id": id })))
            }
            ("GET", "/me/threads") => {
                let since = pairs["since"].parse::<i64>().map_err(|error| error.to_string())?;
                let made: jiff::Timestamp = MADE.parse().unwrap();
                let own =
                    self.posts.iter().rev().filter(|(_, post)| post.before.is_none() && made.as_second() >= since);
                let data: Vec<Value> = own.map(|(id, post)| {
                    json!({ "id": id, "text": post.text, "permalink": format!("https://www.threads.net/@agence/post/{id}"), "timestamp": MADE })
                }).collect();
                Ok(Reply::json(200, &json!({ "data": data, "paging": { "cursors": { "before": "b", "after": "a" } } })))
            }
            ("GET", path) if path.ends_with("/replies") => {
                let of = path.trim_start_matches('/').trim_end_matches("/replies");
                let replies = self.posts.iter().filter(|(_, post)| post.before.as_deref() == Some(of));
                let data: Vec<Value> = replies
                    .map(|(id, post)| json!({ "id": id, "text": post.text, "is_reply_owned_by_me": true }))
                    .collect();
                Ok(Reply::json(200, &json!({ "data": data })))
            }
            ("GET", path) if path.starts_with("/1788") => {
                let number: usize = path.trim_start_matches("/1788").parse().map_err(|_| "no container")?;
                let container = &mut self.containers[number - 1];
                let status = if container.in_work > 0 { "IN_PROGRESS" } else { "FINISHED" };
                container.in_work = container.in_work.saturating_sub(1);
                Ok(Reply::json(200, &json!({ "id": path.trim_start_matches('/'), "status": status })))
            }
            ("GET", path) => {
                let id = path.trim_start_matches('/');
                Ok(match self.posts.iter().any(|(there, _)| there == id) {
                    true => Reply::json(
                        200,
                        &json!({ "id": id, "permalink": format!("https://www.threads.net/@agence/post/{id}") }),
                    ),
                    false => Self::no(400, 100, "Object with ID 'x' does not exist"),
                })
            }
            ("DELETE", path) => {
                let id = path.trim_start_matches('/');
                let before = self.posts.len();
                self.posts.retain(|(there, _)| there != id);
                Ok(match self.posts.len() < before {
                    true => Reply::json(200, &json!({ "success": true, "deleted_id": id })),
                    false => Self::no(400, 100, "Object with ID 'x' does not exist"),
                })
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.path.ends_with("/threads_publish")
    }

    fn texts(&self) -> Vec<String> {
        self.posts.iter().map(|(_, post)| post.text.clone()).collect()
    }

    fn images(&self) -> Vec<String> {
        self.posts.iter().flat_map(|(_, post)| post.alts.clone()).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        Self::no(400, 4, "Application request limit reached").header("retry-after", seconds.to_string())
    }

    fn unknown(&self) -> Reply {
        Self::no(400, 190, "Error validating access token: ECHO has expired")
    }

    fn unwanted(&self) -> Reply {
        // An error in a success.
        Self::no(200, 100, "Param text must be at most 500 characters long.")
    }
}
