//! LinkedIn: posts of an organisation's page, and the refusal of a text that is there already. A commentary is read as
//! LinkedIn reads it: it ends at the first reserved sign that is not escaped.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "canari-linkedin-token";
pub const SECRET: &str = "canari-linkedin-secret";

#[derive(Default)]
pub struct Linkedin {
    posts: Vec<(String, Value)>,
    /// Whether the token may read the page's posts.
    pub reads: bool,
    /// What the token endpoint answers, one after the other.
    pub tokens: Vec<Reply>,
    /// The token that is good.
    pub token: String,
}

/// What people see of a commentary.
fn seen(commentary: &str) -> String {
    let mut seen = String::new();
    let mut rest = commentary;
    while let Some(sign) = rest.chars().next() {
        if let Some(word) = rest.strip_prefix(r"{hashtag|\#|") {
            let end = word.find('}').unwrap_or(word.len());
            seen.push('#');
            seen.push_str(&word[..end].replace('\\', ""));
            rest = word.get(end + 1..).unwrap_or("");
        } else if sign == '\\' {
            let escaped = rest[1..].chars().next();
            seen.extend(escaped);
            rest = &rest[1 + escaped.map_or(0, char::len_utf8)..];
        } else if r"|{}@[]()<>#*_~".contains(sign) {
            return seen;
        } else {
            seen.push(sign);
            rest = &rest[sign.len_utf8()..];
        }
    }
    seen
}

impl Linkedin {
    pub fn new() -> Self {
        Self { reads: true, token: TOKEN.to_owned(), ..Self::default() }
    }

    fn no(status: u16, code: &str, message: &str) -> Reply {
        Reply::json(status, &json!({ "status": status, "code": code, "message": message }))
    }
}

impl Api for Linkedin {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if request.line() == ("POST", "/oauth/v2/accessToken") {
            let form = request.form()?;
            same("client_id", form.get("client_id").map(String::as_str), Some("app"))?;
            same("client_secret", form.get("client_secret").map(String::as_str), Some(SECRET))?;
            return Ok(if self.tokens.is_empty() {
                Self::no(400, "invalid_grant", "no")
            } else {
                self.tokens.remove(0)
            });
        }
        if request.header("authorization") != format!("Bearer {}", self.token) {
            return Ok(self.unknown());
        }
        same("LinkedIn-Version", request.header("linkedin-version"), "202610")?;
        same("X-Restli-Protocol-Version", request.header("x-restli-protocol-version"), "2.0.0")?;
        let name = request.path.strip_prefix("/rest/posts/").map(|name| name.replace("%3A", ":"));
        let at = name.as_ref().and_then(|name| self.posts.iter().position(|(id, _)| id == name));
        match (request.method.as_str(), request.path.as_str(), name.is_some(), at) {
            ("GET", "/rest/organizations/7", ..) => {
                Ok(Reply::json(200, &json!({ "id": 7, "localizedName": "Agence" })))
            }
            ("POST", "/rest/posts", ..) => {
                let body = request.json()?;
                only(
                    &body,
                    &[
                        "author",
                        "commentary",
                        "visibility",
                        "distribution",
                        "lifecycleState",
                        "isReshareDisabledByAuthor",
                        "content",
                    ],
                )?;
                same("the author", text(&body, "/author")?, "urn:li:organization:7")?;
                same("the state", text(&body, "/lifecycleState")?, "PUBLISHED")?;
                same("the visibility", text(&body, "/visibility")?, "PUBLIC")?;
                same("the feed", text(&body, "/distribution/feedDistribution")?, "MAIN_FEED")?;
                if let Some((id, _)) = self.posts.iter().find(|(_, post)| post["commentary"] == body["commentary"]) {
                    return Ok(Self::no(422, "DUPLICATE_POST", &format!("Content is a duplicate of {id}")));
                }
                let id = format!("urn:li:share:70000{}", self.posts.len());
                self.posts.push((id.clone(), body));
                Ok(Reply::text(201, "").header("x-restli-id", id))
            }
            ("GET", "/rest/posts", ..) => {
                same("X-RestLi-Method", request.header("x-restli-method"), "FINDER")?;
                same("author", request.query["author"].as_str(), "urn:li:organization:7")?;
                same("q", request.query["q"].as_str(), "author")?;
                if !self.reads {
                    return Ok(Self::no(
                        403,
                        "ACCESS_DENIED",
                        "Not enough permissions to access: partnerApiPosts.FINDER-author",
                    ));
                }
                let elements: Vec<Value> = self.posts.iter().rev().map(|(id, post)| {
                    json!({ "id": id, "commentary": post["commentary"], "publishedAt": 1_795_341_600_000_i64, "author": post["author"] })
                }).collect();
                Ok(Reply::json(200, &json!({ "paging": { "start": 0, "count": 50 }, "elements": elements })))
            }
            ("POST", _, true, Some(at)) => {
                same("X-RestLi-Method", request.header("x-restli-method"), "PARTIAL_UPDATE")?;
                let body = request.json()?;
                self.posts[at].1["commentary"] = json!(text(&body, "/patch/$set/commentary")?);
                Ok(Reply::text(204, ""))
            }
            ("DELETE", _, true, at) => {
                if let Some(at) = at {
                    self.posts.remove(at);
                }
                Ok(Reply::text(204, ""))
            }
            ("GET", _, true, Some(at)) => Ok(Reply::json(200, &self.posts[at].1)),
            (_, _, true, None) => Ok(Self::no(404, "NOT_FOUND", "Not found")),
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.line() == ("POST", "/rest/posts")
    }

    fn texts(&self) -> Vec<String> {
        self.posts.iter().map(|(_, post)| seen(post["commentary"].as_str().unwrap())).collect()
    }

    fn unknown(&self) -> Reply {
        Self::no(401, "REVOKED_ACCESS_TOKEN", "The token ECHO has been revoked by the user")
    }

    fn unwanted(&self) -> Reply {
        Self::no(426, "NONEXISTENT_VERSION", "Requested version 20261001 is not active")
    }
}
