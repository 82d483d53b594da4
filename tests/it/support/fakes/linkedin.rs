//! LinkedIn: posts of an organisation's page, and the refusal of a text that is there already. A commentary is read as
//! LinkedIn reads it: it ends at the first reserved sign that is not escaped.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "canari-linkedin-token";
pub const SECRET: &str = "canari-linkedin-secret";

#[derive(Default)]
pub struct Linkedin {
    posts: Vec<(String, Value)>,
    /// Where it can be reached: images are uploaded to an address that it gives.
    url: String,
    /// The images that were uploaded.
    images: Vec<Vec<u8>>,
    /// Whether the token may read the page's posts.
    pub reads: bool,
    /// The token that is good.
    pub token: String,
    /// How often tokens were given, and the refresh token that is good.
    given: usize,
    refresh: String,
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
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), reads: true, token: TOKEN.to_owned(), ..Self::default() }
    }

    /// What stands below the text: only images that were uploaded, each with its alternative text.
    fn judge_content(&self, body: &Value) -> Result<(), String> {
        let is_there = |id: &Value| {
            let number = id.as_str().and_then(|id| id.strip_prefix("urn:li:image:C")?.parse::<usize>().ok());
            number.and_then(|number| self.images.get(number)).is_some_and(|bytes| !bytes.is_empty())
        };
        let content = &body["content"];
        let images: Vec<&Value> = match (content.get("media"), content.pointer("/multiImage/images")) {
            (Some(one), None) => vec![one],
            (None, Some(many)) => many.as_array().ok_or("no list")?.iter().collect(),
            _ => Vec::new(),
        };
        for image in images {
            only(image, &["id", "altText"])?;
            text(image, "/altText")?;
            if !is_there(&image["id"]) {
                return Err(format!("the image {image} was not uploaded"));
            }
        }
        if let Some(article) = content.get("article") {
            only(article, &["source", "title", "description", "thumbnail"])?;
            if article.get("thumbnail").is_some_and(|thumbnail| !is_there(thumbnail)) {
                return Err("the thumbnail was not uploaded".to_owned());
            }
        }
        Ok(())
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
            let is_good = match form.get("grant_type").map(String::as_str) {
                Some("authorization_code") => {
                    same(
                        "redirect_uri",
                        form.get("redirect_uri").map(String::as_str),
                        Some("https://localhost/crieur"),
                    )?;
                    form.get("code").is_some_and(|code| code == "canari-code")
                }
                Some("refresh_token") => form.get("refresh_token") == Some(&self.refresh),
                other => return Err(format!("the grant {other:?}")),
            };
            if !is_good {
                return Ok(Self::no(400, "invalid_grant", "The token is not good any more"));
            }
            self.given += 1;
            self.token = format!("canari-access-{}", self.given);
            // The same for a year.
            self.refresh = "canari-refresh-1".to_owned();
            let mut tokens =
                json!({ "access_token": self.token, "expires_in": 5_184_000, "refresh_token": self.refresh });
            if self.given == 1 {
                tokens["refresh_token_expires_in"] = json!(31_536_000);
            }
            return Ok(Reply::json(200, &tokens));
        }
        if request.header("authorization") != format!("Bearer {}", self.token) {
            return Ok(self.unknown());
        }
        if request.path.starts_with("/rest/") {
            same("LinkedIn-Version", request.header("linkedin-version"), "202610")?;
            same("X-Restli-Protocol-Version", request.header("x-restli-protocol-version"), "2.0.0")?;
        }
        let name = request.path.strip_prefix("/rest/posts/").map(|name| name.replace("%3A", ":"));
        let at = name.as_ref().and_then(|name| self.posts.iter().position(|(id, _)| id == name));
        match (request.method.as_str(), request.path.as_str(), name.is_some(), at) {
            ("GET", "/rest/organizations/7", ..) => {
                Ok(Reply::json(200, &json!({ "id": 7, "localizedName": "Agence" })))
            }
            ("POST", "/rest/images", ..) => {
                same("action", request.query["action"].as_str(), "initializeUpload")?;
                let owner = request.json()?["initializeUploadRequest"]["owner"].clone();
                same("the owner", owner, json!("urn:li:organization:7"))?;
                let number = self.images.len();
                self.images.push(Vec::new());
                let value = json!({ "uploadUrl": format!("{}/upload/{number}", self.url), "image": format!("urn:li:image:C{number}") });
                Ok(Reply::json(200, &json!({ "value": value })))
            }
            ("PUT", path, ..) if path.starts_with("/upload/") => {
                let number: usize = path.trim_start_matches("/upload/").parse().map_err(|_| "no such image")?;
                self.images[number].clone_from(&request.body);
                Ok(Reply::text(201, ""))
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
                self.judge_content(&body)?;
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
