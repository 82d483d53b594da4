//! A server of the AT Protocol: sessions, and a repository of records. A session's access ends when it is first used to
//! write, if it is told to; a new one is had with the refresh token.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const PASSWORD: &str = "canari-bluesky-password";
pub const HANDLE: &str = "agence.example.fr";
const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

#[derive(Default)]
pub struct Bluesky {
    records: BTreeMap<String, Value>,
    sessions: usize,
    /// Whether the access of the first session ends when it is used to write.
    ends: bool,
}

impl Bluesky {
    pub fn whose_session_ends() -> Self {
        Self { ends: true, ..Self::default() }
    }

    fn error(status: u16, error: &str, message: &str) -> Reply {
        Reply::json(status, &json!({ "error": error, "message": message }))
    }

    fn session(&mut self) -> Reply {
        self.sessions += 1;
        let n = self.sessions;
        Reply::json(
            200,
            &json!({ "did": DID, "handle": HANDLE, "active": true, "accessJwt": format!("canari-access-{n}"), "refreshJwt": format!("canari-refresh-{n}") }),
        )
    }

    /// What the lexicon asks of a post.
    fn check(record: &Value) -> Result<(), String> {
        only(record, &["$type", "text", "createdAt", "langs", "facets", "tags", "embed", "reply"])?;
        same("$type", text(record, "/$type")?, "app.bsky.feed.post")?;
        text(record, "/createdAt")?.parse::<jiff::Timestamp>().map_err(|error| error.to_string())?;
        let said = text(record, "/text")?;
        for facet in record["facets"].as_array().into_iter().flatten() {
            let at = |name: &str| usize::try_from(facet["index"][name].as_u64().unwrap_or(u64::MAX)).unwrap();
            let covered = said.get(at("byteStart")..at("byteEnd")).ok_or("a facet that covers half a character")?;
            let feature = &facet["features"][0];
            match feature["$type"].as_str() {
                Some("app.bsky.richtext.facet#link") => same("a link", text(feature, "/uri")?, covered)?,
                Some("app.bsky.richtext.facet#tag") => {
                    same("a tag", &format!("#{}", text(feature, "/tag")?)[..], covered)?
                }
                other => return Err(format!("a facet of the type {other:?}")),
            }
        }
        Ok(())
    }

    /// Err unless a record key is a TID.
    fn tid(rkey: &str) -> Result<String, String> {
        let is_tid = rkey.len() == 13 && rkey.bytes().all(|b| b"234567abcdefghijklmnopqrstuvwxyz".contains(&b));
        if is_tid { Ok(rkey.to_owned()) } else { Err(format!("`{rkey}` is no TID")) }
    }
}

impl Api for Bluesky {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        let method = request.path.strip_prefix("/xrpc/").ok_or("not XRPC")?;
        let token = request.header("authorization").strip_prefix("Bearer ").unwrap_or("").to_owned();
        match method {
            "com.atproto.server.createSession" => {
                let body = request.json()?;
                only(&body, &["identifier", "password"])?;
                let is_known = body["identifier"] == HANDLE && body["password"] == PASSWORD;
                return Ok(if is_known { self.session() } else { self.unknown() });
            }
            "com.atproto.server.refreshSession" => {
                let number: usize = token.strip_prefix("canari-refresh-").and_then(|n| n.parse().ok()).unwrap_or(0);
                same("a refresh token", (1..=self.sessions).contains(&number), true)?;
                // It was used, by a process that died before it kept what came of it.
                if number < self.sessions {
                    return Ok(Self::error(400, "ExpiredToken", "Token has been revoked"));
                }
                self.ends = false;
                return Ok(self.session());
            }
            _ => {}
        }
        if self.ends && self.posts(request) {
            return Ok(Self::error(400, "ExpiredToken", &format!("Token has expired: {token}")));
        }
        if token != format!("canari-access-{}", self.sessions) {
            return Ok(Self::error(400, "InvalidToken", "Token could not be verified"));
        }
        match method {
            "com.atproto.server.getSession" => {
                Ok(Reply::json(200, &json!({ "did": DID, "handle": HANDLE, "active": true })))
            }
            "com.atproto.repo.getRecord" => {
                same("repo", request.query.get("repo").map(String::as_str), Some(DID))?;
                same("collection", request.query.get("collection").map(String::as_str), Some("app.bsky.feed.post"))?;
                let rkey = Self::tid(request.query.get("rkey").ok_or("no rkey")?)?;
                Ok(match self.records.get(&rkey) {
                    Some(record) => Reply::json(
                        200,
                        &json!({ "uri": format!("at://{DID}/app.bsky.feed.post/{rkey}"), "cid": "x", "value": record }),
                    ),
                    None => Self::error(400, "RecordNotFound", "Could not locate record"),
                })
            }
            "com.atproto.repo.putRecord" => {
                let body = request.json()?;
                only(&body, &["repo", "collection", "rkey", "record", "validate", "swapRecord"])?;
                same("repo", text(&body, "/repo")?, DID)?;
                same("swapRecord", body.get("swapRecord"), Some(&Value::Null))?;
                Self::check(&body["record"])?;
                let rkey = Self::tid(text(&body, "/rkey")?)?;
                match self.records.get(&rkey) {
                    Some(there) if *there != body["record"] => {
                        return Ok(Self::error(400, "InvalidSwap", "Record was at another CID"));
                    }
                    _ => self.records.insert(rkey.clone(), body["record"].clone()),
                };
                Ok(Reply::json(200, &json!({ "uri": format!("at://{DID}/app.bsky.feed.post/{rkey}"), "cid": "x" })))
            }
            "com.atproto.repo.applyWrites" => {
                let body = request.json()?;
                only(&body, &["repo", "validate", "writes"])?;
                // All of them or none.
                let mut after = self.records.clone();
                for write in body["writes"].as_array().ok_or("no writes")? {
                    only(write, &["$type", "collection", "rkey", "value"])?;
                    Self::check(&write["value"])?;
                    let rkey = Self::tid(text(write, "/rkey")?)?;
                    let before = after.insert(rkey.clone(), write["value"].clone());
                    match (text(write, "/$type")?, before) {
                        ("com.atproto.repo.applyWrites#create", None)
                        | ("com.atproto.repo.applyWrites#update", Some(_)) => {}
                        ("com.atproto.repo.applyWrites#create", Some(_)) => {
                            let why = format!("There is already a value at key: app.bsky.feed.post/{rkey}");
                            return Ok(Self::error(400, "InvalidRequest", &why));
                        }
                        (kind, _) => return Err(format!("a write of the kind {kind}, or of no such record")),
                    }
                }
                self.records = after;
                Ok(Reply::json(200, &json!({ "results": [] })))
            }
            "com.atproto.repo.uploadBlob" => {
                let media_type = request.header("content-type");
                same("an image", media_type.starts_with("image/") && !request.body.is_empty(), true)?;
                let size = request.body.len();
                let blob = json!({ "$type": "blob", "ref": { "$link": "bafkreiexample" }, "mimeType": media_type, "size": size });
                Ok(Reply::json(200, &json!({ "blob": blob })))
            }
            "com.atproto.repo.deleteRecord" => {
                let body = request.json()?;
                only(&body, &["repo", "collection", "rkey"])?;
                self.records.remove(&Self::tid(text(&body, "/rkey")?)?);
                Ok(Reply::json(200, &json!({})))
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.path == "/xrpc/com.atproto.repo.putRecord"
    }

    fn texts(&self) -> Vec<String> {
        self.records.values().map(|record| record["text"].as_str().unwrap().to_owned()).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        let reset = (1_795_341_600 + u64::from(seconds)).to_string();
        Self::error(429, "RateLimitExceeded", "Rate Limit Exceeded")
            .header("ratelimit-remaining", "0")
            .header("ratelimit-reset", reset)
    }

    fn unknown(&self) -> Reply {
        Self::error(401, "AuthenticationRequired", &format!("Invalid identifier or password: {PASSWORD}"))
    }

    fn unwanted(&self) -> Reply {
        Self::error(400, "InvalidRequest", "Record/text must not be longer than 300 graphemes")
    }
}
