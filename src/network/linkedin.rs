//! LinkedIn: the page of an organisation (learn.microsoft.com, Posts API and Images API, versioned).
//!
//! No key makes a request known again, but LinkedIn refuses a text that it has already, and names the post that has it:
//! that answer is the proof. After a doubt the page's own posts are read first, for which the token needs the scope
//! `r_organization_social`.

use super::answers::{failure, of_a_question, said};
use super::caller::Caller;
use super::client::Answer;
use super::history::back_to;
use super::little::{little, spoken};
use super::login::{Attempt, Login, REDIRECT};
use super::session::{Session, Tokens};
use super::{Abilities, Found, Means, Network, Vault, Wanted};
use crate::config::{App, Grant, Linkedin};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Image, Limits, Post};
use crate::secret::Secret;
use async_trait::async_trait;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::ops::Range;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// Characters of a post's commentary (Posts API).
pub const LIMITS: Limits = Limits {
    card: true,
    images_max: 9,
    image_bytes_max: IMAGE_BYTES,
    image_side_max: 6_000,
    alt_max: 4_000,
    thumb_bytes_max: IMAGE_BYTES,
    ..Limits::text(3_000, Counter::Utf16)
};

/// Most bytes of an image. LinkedIn bounds its pixels only (Images API: 36,152,320); this is what its page takes.
const IMAGE_BYTES: usize = 5_000_000;

/// How long before its end a token is renewed. Access tokens last sixty days.
const MARGIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Posts asked for at once.
const PAGE: usize = 50;

/// A page.
pub struct LinkedinPage {
    account: Linkedin,
    caller: Caller,
    login: Caller,
    login_server: Url,
    session: Session,
    /// Where the images of posts are.
    means: Means,
}

impl LinkedinPage {
    /// A page. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(account: Linkedin, allow_private: bool, vault: Vault, means: &Means) -> Result<Self, String> {
        let mut secrets = Vec::new();
        match &account.grant {
            Grant::Token(token) => secrets.push(token.clone()),
            Grant::Login(app) => secrets.extend(app.secret.clone()),
        }
        // People log in on another host than programs post to.
        let mut login = account.server.clone();
        if login.host_str() == Some("api.linkedin.com") {
            login.set_host(Some("www.linkedin.com")).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            caller: Caller::new(&account.server, allow_private, secrets.clone())?,
            login: Caller::new(&login, allow_private, secrets)?,
            login_server: login,
            session: Session::new(vault, MARGIN),
            account,
            means: means.clone(),
        })
    }

    async fn token(&self, now: Timestamp) -> Result<Secret, Failure> {
        match &self.account.grant {
            Grant::Token(token) => Ok(token.clone()),
            Grant::Login(app) => {
                let token = self.session.token(&self.login, now, |tokens| renewal(&self.login, app, tokens)).await?;
                self.caller.hide(&token);
                Ok(token)
            }
        }
    }

    /// A request of the versioned API.
    async fn request(&self, method: Method, path: &str, now: Timestamp) -> Result<RequestBuilder, Failure> {
        let token = self.token(now).await?;
        let request = self.caller.request(method, &format!("/rest{path}")).bearer_auth(token.expose());
        let request = request.header("linkedin-version", &self.account.version);
        Ok(request.header("x-restli-protocol-version", "2.0.0"))
    }

    async fn send(&self, request: RequestBuilder, now: Timestamp) -> Result<Answer, Failure> {
        let answer = self.caller.send(request, now).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.session.distrust().await;
        }
        Ok(answer)
    }

    /// Uploads an image, in two steps, and says what LinkedIn calls it. Nobody sees it before a post has it, so nothing is in
    /// doubt yet.
    async fn upload(&self, image: &Image, now: Timestamp) -> Result<String, Failure> {
        let bytes = self.means.bytes(image).await?;
        let body = json!({ "initializeUploadRequest": { "owner": self.account.author } });
        let request = self.request(Method::POST, "/images?action=initializeUpload", now).await?.json(&body);
        let answer = self.send(request, now).await.map_err(of_a_question)?;
        let begun = self.read(read_json(&answer, now)).map_err(of_a_question)?;
        let text = |name: &str| begun.pointer(&format!("/value/{name}")).and_then(Value::as_str);
        let (Some(address), Some(id)) = (text("uploadUrl"), text("image").filter(|id| id.starts_with("urn:li:image:")))
        else {
            return Err(Failure::Unavailable("LinkedIn did not say where to upload an image".to_owned()));
        };
        let request = self.caller.given(Method::PUT, address)?.bearer_auth(self.token(now).await?.expose());
        let request = request.header("content-type", "application/octet-stream").body(bytes);
        let answer = self.send(request, now).await.map_err(of_a_question)?;
        match answer.status.is_success() {
            true => Ok(id.to_owned()),
            false => self.read(Err(of_a_question(refusal(&answer, now)))),
        }
    }

    /// What stands below the text of a post: its images, or else its link card.
    async fn content(&self, post: &Post, now: Timestamp) -> Result<Option<Value>, Failure> {
        let mut images = Vec::new();
        for image in &post.images {
            images.push(json!({ "id": self.upload(image, now).await?, "altText": image.alt }));
        }
        if let Some(first) = images.first() {
            return Ok(Some(match images.len() {
                1 => json!({ "media": first }),
                _ => json!({ "multiImage": { "images": images } }),
            }));
        }
        let Some(card) = &post.card else { return Ok(None) };
        // LinkedIn makes none of the address itself. Title and description are plain text.
        let mut article = json!({ "source": card.url, "title": card.title });
        if !card.description.is_empty() {
            article["description"] = json!(card.description);
        }
        if let Some(thumb) = &card.thumb {
            article["thumbnail"] = json!(self.upload(thumb, now).await?);
        }
        Ok(Some(json!({ "article": article })))
    }

    fn read<T>(&self, read: Result<T, Failure>) -> Result<T, Failure> {
        read.map_err(|failure| self.caller.redacted(failure))
    }
}

#[async_trait]
impl Network for LinkedinPage {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let number = self.account.author.rsplit(':').next().unwrap_or_default();
        let request = self.request(Method::GET, &format!("/organizations/{number}"), now).await?;
        let answer = self.send(request, now).await.map_err(of_a_question)?;
        let page = self.read(read_json(&answer, now)).map_err(of_a_question)?;
        if let Some(remark) = version_ends(&self.account.version, now) {
            self.caller.remark(&remark);
        }
        let name = page.get("localizedName").and_then(Value::as_str).unwrap_or("unknown");
        Ok(format!("the page “{name}” ({number})"))
    }

    async fn publish(&self, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let content = self.content(post, now).await?;
        let body = body(&self.account.author, post, content);
        let request = self.request(Method::POST, "/posts", now).await?.json(&body);
        let answer = self.send(request, now).await?;
        self.read(read_receipt(&answer, now))
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let query = Serializer::new(String::new())
            .extend_pairs([("author", self.account.author.as_str()), ("q", "author"), ("sortBy", "CREATED")])
            .append_pair("count", &PAGE.to_string())
            .finish();
        let request =
            self.request(Method::GET, &format!("/posts?{query}"), now).await?.header("x-restli-method", "FINDER");
        let answer = self.send(request, now).await.map_err(of_a_question)?;
        let list = self.read(read_json(&answer, now)).map_err(of_a_question)?;
        let Some(posts) = list.get("elements").and_then(Value::as_array) else {
            return Err(Failure::Unavailable("the page's list of posts cannot be read".to_owned()));
        };
        let since = back_to(wanted.since).as_millisecond();
        if let Some(id) =
            posts.iter().find(|post| is_wanted(post, wanted, since)).and_then(|post| post.get("id")?.as_str())
        {
            return Ok(Found::Yes(receipt(id)));
        }
        let reached = posts.len() < PAGE || posts.iter().filter_map(made_at).any(|at| at < since);
        match reached {
            true => Ok(Found::No),
            false => Err(Failure::Refused("the page has too many newer posts to look through".to_owned())),
        }
    }

    async fn edit(&self, old: &Receipt, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let path = format!("/posts/{}", in_path(&old.remote_id)?);
        let body = json!({ "patch": { "$set": { "commentary": little(&post.text, &post.hashtags) } } });
        let request =
            self.request(Method::POST, &path, now).await?.header("x-restli-method", "PARTIAL_UPDATE").json(&body);
        let answer = self.send(request, now).await?;
        match answer.status.is_success() {
            true => Ok(old.clone()),
            false => self.read(Err(refusal(&answer, now))),
        }
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let path = format!("/posts/{}", in_path(&old.remote_id)?);
        let request = self.request(Method::DELETE, &path, now).await?.header("x-restli-method", "DELETE");
        let answer = self.send(request, now).await?;
        match answer.status {
            StatusCode::NOT_FOUND => return Ok(()),
            status if !status.is_success() => return self.read(Err(refusal(&answer, now))),
            _ => {}
        }
        let request = self.request(Method::GET, &path, now).await?;
        match self.send(request, now).await.map_err(of_a_question)?.status {
            // Whether it is gone cannot be read without the scope for it; that it was deleted was said.
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => Ok(()),
            status => Err(Failure::Unavailable(format!("the post still answers {status} after it was deleted"))),
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities { edits: true, withdraws: true, finds: true, images: true, ..Abilities::default() }
    }

    async fn renew(&self, now: Timestamp) {
        if let Err(failure) = self.token(now).await {
            tracing::warn!("a login cannot be renewed: {}", failure.reason());
        }
    }

    async fn expires(&self) -> Option<Timestamp> {
        match &self.account.grant {
            Grant::Token(_) => None,
            Grant::Login(_) => self.session.kept().await?.end(),
        }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// What a login asks for: posting, looking at what was posted, and the page's name.
const SCOPES: &str = "w_organization_social r_organization_social rw_organization_admin";

#[async_trait]
impl Login for LinkedinPage {
    fn address(&self, attempt: &Attempt) -> Url {
        let mut url = self.login_server.clone();
        url.set_path("/oauth/v2/authorization");
        let id = match &self.account.grant {
            Grant::Login(app) => app.id.as_str(),
            Grant::Token(_) => "",
        };
        url.query_pairs_mut()
            .extend_pairs([("response_type", "code"), ("client_id", id), ("redirect_uri", REDIRECT)])
            .extend_pairs([("state", attempt.state.as_str()), ("scope", SCOPES)]);
        url
    }

    async fn redeem(&self, _attempt: &Attempt, code: &Secret, now: Timestamp) -> Result<Tokens, Failure> {
        let Grant::Login(app) = &self.account.grant else { return Err(no_login()) };
        let form = Serializer::new(String::new())
            .extend_pairs([("grant_type", "authorization_code"), ("code", code.expose()), ("redirect_uri", REDIRECT)])
            .extend_pairs([
                ("client_id", app.id.as_str()),
                ("client_secret", app.secret.as_ref().map_or("", Secret::expose)),
            ])
            .finish();
        self.login.hide(code);
        let request = self.login.request(Method::POST, "/oauth/v2/accessToken");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        self.session.redeem(&self.login, request, now).await
    }
}

fn no_login() -> Failure {
    Failure::Refused("this endpoint has a token, and no app to log in with".to_owned())
}

/// The request that renews tokens (RFC 6749, section 6). Only apps that LinkedIn approved for it get refresh tokens.
fn renewal(caller: &Caller, app: &App, tokens: &Tokens) -> Option<RequestBuilder> {
    let refresh = tokens.refresh()?;
    let form = Serializer::new(String::new())
        .extend_pairs([("grant_type", "refresh_token"), ("refresh_token", refresh.expose()), ("client_id", &app.id)])
        .append_pair("client_secret", app.secret.as_ref()?.expose())
        .finish();
    let request = caller.request(Method::POST, "/oauth/v2/accessToken");
    Some(request.header("content-type", "application/x-www-form-urlencoded").body(form))
}

/// The body of `POST /rest/posts`.
fn body(author: &str, post: &Post, content: Option<Value>) -> Value {
    let mut body = json!({
        "author": author,
        "commentary": little(&post.text, &post.hashtags),
        "visibility": "PUBLIC",
        "distribution": { "feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": [] },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": false,
    });
    if let Some(content) = content {
        body["content"] = content;
    }
    body
}

/// The answer to a new post: its id stands in a header. That the text is there already is an answer too.
fn read_receipt(answer: &Answer, now: Timestamp) -> Result<Receipt, Failure> {
    if answer.status.is_success() {
        let id = answer.headers.get("x-restli-id").or_else(|| answer.headers.get("x-linkedin-id"));
        let id = id.and_then(|id| id.to_str().ok()).filter(|id| urn(id) == Some(id));
        return id.map(receipt).ok_or_else(|| {
            Failure::Uncertain(
                "LinkedIn answered with success, and without the post that it should have made".to_owned(),
            )
        });
    }
    if answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.body.to_lowercase().contains("duplicate") {
        return match urn(&answer.body) {
            Some(id) => Ok(receipt(id)),
            // It may be a post that was deleted, of which LinkedIn remembers the text for a day or two.
            None => Err(Failure::Refused(format!(
                "LinkedIn has this text already, and does not say where: {}",
                said(answer)
            ))),
        };
    }
    Err(refusal(answer, now))
}

fn read_json(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    if !answer.status.is_success() {
        return Err(refusal(answer, now));
    }
    serde_json::from_str(&answer.body)
        .map_err(|_| Failure::Uncertain(format!("LinkedIn answered {} with something that is not JSON", answer.status)))
}

/// What an error means to a person.
fn refusal(answer: &Answer, now: Timestamp) -> Failure {
    match answer.status {
        StatusCode::UPGRADE_REQUIRED => Failure::Refused(format!(
            "this version of the API was switched off ({}); write a newer one as `version`",
            said(answer)
        )),
        StatusCode::UNAUTHORIZED => Failure::Unauthorised(format!(
            "the token is not accepted any more ({}); get a new one: docs/networks/linkedin.md",
            said(answer)
        )),
        StatusCode::FORBIDDEN => Failure::Refused(format!(
            "the token may not do this ({}); it needs w_organization_social (and r_organization_social to look for posts), and its person a role on the page",
            said(answer)
        )),
        _ => failure(answer, now),
    }
}

/// The first name of a post in a text: `urn:li:share:…` or `urn:li:ugcPost:…`.
pub(super) fn urn(text: &str) -> Option<&str> {
    let found = ["urn:li:share:", "urn:li:ugcPost:"].iter().filter_map(|start| Some((text.find(start)?, start.len())));
    let (at, length) = found.min()?;
    let digits = text[at + length..].bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| &text[at..at + length + digits])
}

fn receipt(id: &str) -> Receipt {
    Receipt::new(id, Some(format!("https://www.linkedin.com/feed/update/{id}/")))
}

fn made_at(post: &Value) -> Option<i64> {
    post.get("publishedAt").or_else(|| post.get("createdAt"))?.as_i64()
}

/// Whether a post is the wanted one: made since the try, of no other delivery, with its words.
fn is_wanted(post: &Value, wanted: &Wanted, since: i64) -> bool {
    let text = |name: &str| post.get(name).and_then(Value::as_str).unwrap_or("");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    urn(text("id")) == Some(text("id"))
        && !wanted.taken.iter().any(|taken| taken == text("id"))
        && made_at(post).is_none_or(|at| at >= since)
        && words(&spoken(text("commentary"))) == words(&wanted.post.text)
}

/// The name of a post, as it stands in a path.
fn in_path(id: &str) -> Result<String, Failure> {
    match urn(id) {
        Some(whole) if whole == id => Ok(byte_serialize(id.as_bytes()).collect()),
        _ => Err(Failure::Refused(format!("`{id}` is not the name of a post of LinkedIn"))),
    }
}

/// What is said of a version of the API that is about to be switched off, if it is: each works for about a year.
fn version_ends(version: &str, now: Timestamp) -> Option<String> {
    let number = |range: Range<usize>| version.get(range).and_then(|digits| digits.parse::<i16>().ok());
    let (year, month) = (number(0..4)?, number(4..6)?);
    let today = now.to_zoned(TimeZone::UTC).date();
    let months = (today.year() - year) * 12 + i16::from(today.month()) - month;
    (months >= 10).then(|| {
        format!("the version {version} of the API is {months} months old, and each is switched off after about a year; write a newer one as `version`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_version_is_remarked_on_before_it_ends() {
        let said = |version, now: &str| version_ends(version, now.parse().unwrap());
        assert_eq!(said("202610", "2026-11-22T10:00:00Z"), None);
        assert_eq!(said("202610", "2027-07-31T10:00:00Z"), None);
        assert!(said("202610", "2027-08-01T10:00:00Z").unwrap().contains("10 months old"));
        assert_eq!(said("202612", "2026-11-22T10:00:00Z"), None, "one that is to come");
    }
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    fn read(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<Receipt, Failure> {
        let headers: HeaderMap =
            headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        let answer = Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into() };
        read_receipt(&answer, "2026-11-22T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_post_that_is_there_already_is_proof() {
        let new = read(201, &[("x-restli-id", "urn:li:share:7")], "").unwrap();
        assert_eq!(
            new,
            Receipt::new("urn:li:share:7", Some("https://www.linkedin.com/feed/update/urn:li:share:7/".into()))
        );
        let duplicate =
            r#"{"message":"Content is a duplicate of urn:li:share:7123.","code":"DUPLICATE_POST","status":422}"#;
        assert_eq!(read(422, &[], duplicate).unwrap().remote_id, "urn:li:share:7123");
        let other = r#"{"message":"duplicate of urn:li:ugcPost:99","status":422}"#;
        assert_eq!(read(422, &[], other).unwrap().remote_id, "urn:li:ugcPost:99");
        assert!(matches!(read(422, &[], r#"{"message":"Content is a duplicate"}"#), Err(Failure::Refused(_))));
        assert!(matches!(read(422, &[], r#"{"message":"ERROR :: /commentary"}"#), Err(Failure::Refused(_))));
    }

    #[test]
    fn answers_fall_into_their_classes() {
        assert!(matches!(read(201, &[], ""), Err(Failure::Uncertain(_))));
        assert!(matches!(read(201, &[("x-restli-id", "urn:li:person:x")], ""), Err(Failure::Uncertain(_))));
        assert!(matches!(read(401, &[], ""), Err(Failure::Unauthorised(_))));
        let sunset =
            r#"{"status":426,"code":"NONEXISTENT_VERSION","message":"Requested version 20250501 is not active"}"#;
        assert!(matches!(read(426, &[], sunset), Err(Failure::Refused(why)) if why.contains("`version`")));
        assert!(matches!(read(429, &[], ""), Err(Failure::Throttled { .. })));
        assert!(matches!(read(500, &[], ""), Err(Failure::Uncertain(_))));
    }

    #[test]
    fn a_post_says_what_it_should() {
        let post = Post {
            text: "L’État (publie)\n\nhttps://x.fr/a_b\n\n#Cloud".into(),
            hashtags: vec!["#Cloud".into()],
            ..Post::default()
        };
        let body = body("urn:li:organization:1", &post, None);
        assert_eq!(body["commentary"], "L’État \\(publie\\)\n\nhttps://x.fr/a\\_b\n\n{hashtag|\\#|Cloud}");
        assert_eq!(body["lifecycleState"], "PUBLISHED");
        assert!(body.get("content").is_none());
        assert_eq!(in_path("urn:li:share:7").unwrap(), "urn%3Ali%3Ashare%3A7");
        assert!(in_path("urn:li:share:7/../x").is_err());
    }
}
