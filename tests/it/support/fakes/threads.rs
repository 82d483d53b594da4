//! Threads: containers that nobody sees, and posts that are made of them.

use super::{Api, Reply, Request, same};
use serde_json::{Value, json};

pub const TOKEN: &str = "canari-threads-token";

#[derive(Default)]
pub struct Threads {
    containers: Vec<String>,
    posts: Vec<(String, String)>,
    made: usize,
}

impl Threads {
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
                same("media_type", pairs["media_type"].as_str(), "TEXT")?;
                let text = pairs.get("text").ok_or("no text")?;
                if text.chars().count() > 500 {
                    return Err("too long".to_owned());
                }
                self.containers.push(text.clone());
                Ok(Reply::json(200, &json!({ "id": format!("1788{}", self.containers.len()) })))
            }
            ("POST", "/me/threads_publish") => {
                let number: usize = pairs["creation_id"].strip_prefix("1788").ok_or("no container")?.parse().unwrap();
                let text = self.containers[number - 1].clone();
                self.made += 1;
                let id = format!("1799{}", self.made);
                self.posts.push((id.clone(), text));
                Ok(Reply::json(200, &json!({ "id": id })))
            }
            ("GET", "/me/threads") => {
                pairs["since"].parse::<i64>().map_err(|error| error.to_string())?;
                let data: Vec<Value> = self.posts.iter().rev().map(|(id, text)| {
                    json!({ "id": id, "text": text, "permalink": format!("https://www.threads.net/@agence/post/{id}"), "timestamp": "2026-11-22T10:00:00+0000" })
                }).collect();
                Ok(Reply::json(200, &json!({ "data": data, "paging": { "cursors": { "before": "b", "after": "a" } } })))
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
        self.posts.iter().map(|(_, text)| text.clone()).collect()
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
