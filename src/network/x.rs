//! X (docs.x.com: create and delete a post, posts of a user, media upload and media metadata; OAuth 1.0a and OAuth 2.0).
//!
//! No key makes a request known again. X refuses a text that the account has posted lately; after a doubt the account's own
//! posts are read, and such a refusal makes them be read again.

use super::answers::{failure, of_a_question, said};
use super::caller::Caller;
use super::client::Answer;
use super::history::{Walk, chain, cut_off};
use super::login::{Attempt, Login, REDIRECT};
use super::multipart::{self, File};
use super::oauth1::authorisation;
use super::session::{Session, Tokens};
use super::uploads::Uploads;
use super::{Abilities, Found, Means, Network, Vault, Wanted};
use crate::config::{Access, App, X};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Image, Limits, Post};
use crate::seal;
use crate::secret::Secret;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

/// A post's length, weighted as X does. At most four images of 5 MB; an alternative text has 1,000 characters.
pub const LIMITS: Limits = Limits {
    thread: true,
    images_max: 4,
    image_bytes_max: 5_000_000,
    image_side_max: 4_096,
    alt_max: 900,
    ..Limits::text(280, Counter::X)
};

/// How long before its end a token is renewed. Access tokens last two hours.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Posts asked for at once.
const PAGE: usize = 100;

/// An account.
pub struct XAccount {
    account: X,
    caller: Caller,
    session: Session,
    means: Means,
    uploads: Uploads,
}

impl XAccount {
    /// An account. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(account: X, allow_private: bool, means: &Means, vault: Vault) -> Result<Self, String> {
        let secrets = match &account.access {
            Access::Keys(keys) => vec![
                keys.consumer_key.clone(),
                keys.consumer_secret.clone(),
                keys.token.clone(),
                keys.token_secret.clone(),
            ],
            Access::Login(app) => app.secret.iter().cloned().collect(),
        };
        let caller = Caller::new(&account.server, allow_private, secrets)?;
        let (means, uploads) = (means.clone(), Uploads::default());
        Ok(Self { caller, session: Session::new(vault, MARGIN), account, means, uploads })
    }

    /// A request, signed or with the token of the login.
    async fn request(&self, method: Method, path: &str, now: Timestamp) -> Result<RequestBuilder, Failure> {
        let request = self.caller.request(method.clone(), path);
        match &self.account.access {
            Access::Keys(keys) => {
                let refused = |why: String| Failure::Refused(format!("the request cannot be signed: {why}"));
                let address = format!("{}{path}", self.account.server.as_str().trim_end_matches('/'));
                let url = Url::parse(&address).map_err(|error| refused(error.to_string()))?;
                let nonce = seal::random::<16>().map_err(|error| refused(error.to_string()))?;
                let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
                Ok(request.header("authorization", authorisation(keys, method.as_str(), &url, &nonce, now)))
            }
            Access::Login(app) => {
                let token = self.session.token(&self.caller, now, |tokens| renewal(&self.caller, app, tokens)).await?;
                Ok(request.bearer_auth(token.expose()))
            }
        }
    }

    async fn call(&self, request: RequestBuilder, now: Timestamp) -> Result<Value, Failure> {
        let answer = self.caller.send(request, now).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.session.distrust().await;
        }
        read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    async fn ask(&self, path: &str, now: Timestamp) -> Result<Value, Failure> {
        let request = self.request(Method::GET, path, now).await?;
        self.call(request, now).await.map_err(of_a_question)
    }

    /// Makes one post.
    async fn make(&self, body: &Value, now: Timestamp) -> Result<Receipt, Failure> {
        let request = self.request(Method::POST, "/2/tweets", now).await?.json(body);
        let made = self.call(request, now).await?;
        made.pointer("/data/id").and_then(Value::as_str).filter(|id| is_number(id)).map(receipt).ok_or_else(|| {
            Failure::Uncertain("X answered with success, and without the post that it should have made".to_owned())
        })
    }

    /// Makes the posts of a thread that follow what stands of it.
    async fn go_on(&self, post: &Post, begun: &Receipt, now: Timestamp) -> Result<Receipt, Failure> {
        let mut whole = begun.clone();
        for text in post.thread.iter().skip(begun.parts.len()) {
            let body = json!({ "text": text, "reply": { "in_reply_to_tweet_id": whole.last() } });
            whole.parts.push(self.make(&body, now).await?.remote_id);
        }
        Ok(whole)
    }

    /// Uploads an image and says what it shows. Nobody sees it before a post has it.
    async fn upload(&self, image: &Image, now: Timestamp) -> Result<String, Failure> {
        if let Some(id) = self.uploads.get(image, "", now) {
            return Ok(id);
        }
        let bytes = self.means.bytes(image).await?;
        let file = File { field: "media", name: image.file_name(), media_type: &image.media_type, bytes: &bytes };
        let (kind, form) =
            multipart::form(&[("media_category", "tweet_image"), ("media_type", &image.media_type)], &[file]);
        let request = self.request(Method::POST, "/2/media/upload", now).await?;
        let made = self.call(request.header("content-type", kind).body(form), now).await?;
        let id = made.pointer("/data/id").and_then(Value::as_str).filter(|id| is_number(id));
        let id = id.ok_or_else(|| Failure::Unavailable("X took an image and did not say its id".to_owned()))?;
        if !image.alt.is_empty() {
            let body = json!({ "id": id, "metadata": { "alt_text": { "text": image.alt } } });
            let request = self.request(Method::POST, "/2/media/metadata", now).await?.json(&body);
            self.call(request, now).await?;
        }
        self.uploads.put(image, "", id, now);
        Ok(id.to_owned())
    }

    /// Takes one post away.
    async fn remove(&self, id: &str, now: Timestamp) -> Result<(), Failure> {
        let request = self.request(Method::DELETE, &format!("/2/tweets/{id}"), now).await?;
        let answer = self.caller.send(request, now).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        let said = read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))?;
        match said.pointer("/data/deleted").and_then(Value::as_bool) {
            Some(true) => Ok(()),
            _ => Err(Failure::Uncertain("X does not say that the post was deleted".to_owned())),
        }
    }
}

#[async_trait]
impl Network for XAccount {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let me = self.ask("/2/users/me", now).await?;
        let name = me.pointer("/data/username").and_then(Value::as_str).unwrap_or("unknown");
        Ok(format!("@{name}"))
    }

    async fn publish(&self, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let mut images = Vec::new();
        for image in &post.images {
            images.push(self.upload(image, now).await.map_err(of_a_question)?);
        }
        let mut body = json!({ "text": post.text });
        if !images.is_empty() {
            body["media"] = json!({ "media_ids": images });
        }
        if let Some(answered) = &post.answers {
            body["reply"] = json!({ "in_reply_to_tweet_id": answered });
        }
        let first = self.make(&body, now).await;
        if matches!(first, Ok(_) | Err(Failure::Refused(_))) {
            self.uploads.used(post);
        }
        let first = first?;
        self.go_on(post, &first, now).await.map_err(cut_off)
    }

    async fn complete(
        &self,
        post: &Post,
        begun: &Receipt,
        _key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        self.go_on(post, begun, now).await
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let me = self.ask("/2/users/me", now).await?;
        let Some(me) = me.pointer("/data/id").and_then(Value::as_str).filter(|id| is_number(id)) else {
            return Err(Failure::Unavailable("X does not say who the account is".to_owned()));
        };
        let mut walk = Walk::<Value>::back_to(wanted.since);
        let since = walk.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut next = String::new();
        loop {
            walk.turn()?;
            let page = self.ask(&format!("/2/users/{me}/tweets?{}", query(&since, &next)), now).await?;
            let posts = page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            walk.seen.extend(posts.iter().cloned());
            // The first post of a thread is its oldest: what follows was seen before it.
            let found = chain(wanted.post, |part, before| {
                let text = wanted.post.texts().nth(part)?;
                let ours = walk.seen.iter().find(|post| is_wanted(post, wanted, text, before))?;
                ours.get("id")?.as_str().filter(|id| is_number(id)).map(receipt)
            });
            if found != Found::No {
                return Ok(found);
            }
            match page.pointer("/meta/next_token").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => token.clone_into(&mut next),
                // A list always says how many it holds: one that does not is none.
                _ if page.pointer("/meta/result_count").is_some() => return Ok(Found::No),
                _ => return Err(Failure::Unavailable("the account's list of posts cannot be read".to_owned())),
            }
        }
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        for id in old.ids().rev() {
            if !is_number(id) {
                return Err(Failure::Refused(format!("`{id}` is not the id of a post of X")));
            }
            self.remove(id, now).await?;
        }
        Ok(())
    }

    fn abilities(&self) -> Abilities {
        Abilities { withdraws: true, finds: true, threads: true, images: true, answers: true, ..Abilities::default() }
    }

    async fn renew(&self, now: Timestamp) {
        if let Access::Login(app) = &self.account.access
            && let Err(failure) =
                self.session.token(&self.caller, now, |tokens| renewal(&self.caller, app, tokens)).await
        {
            tracing::warn!("a login cannot be renewed: {}", failure.reason());
        }
    }

    async fn expires(&self) -> Option<Timestamp> {
        match &self.account.access {
            Access::Keys(_) => None,
            Access::Login(_) => self.session.kept().await?.end(),
        }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// Where people log in: not where programs post.
const LOGIN: &str = "https://x.com/i/oauth2/authorize";

/// What a login asks for; the last one lets it be renewed.
const SCOPES: &str = "tweet.read tweet.write users.read media.write offline.access";

#[async_trait]
impl Login for XAccount {
    fn address(&self, attempt: &Attempt) -> Url {
        let id = match &self.account.access {
            Access::Login(app) => app.id.as_str(),
            Access::Keys(_) => "",
        };
        let query = Serializer::new(String::new())
            .extend_pairs([("response_type", "code"), ("client_id", id), ("redirect_uri", REDIRECT), ("scope", SCOPES)])
            .extend_pairs([("state", attempt.state.as_str()), ("code_challenge", &attempt.challenge())])
            .append_pair("code_challenge_method", "S256")
            .finish();
        let mut url = self.account.server.clone();
        if let Ok(login) = Url::parse(LOGIN) {
            url = login;
        }
        url.set_query(Some(&query));
        url
    }

    async fn redeem(&self, attempt: &Attempt, code: &Secret, now: Timestamp) -> Result<Tokens, Failure> {
        let Access::Login(app) = &self.account.access else {
            return Err(Failure::Refused("this endpoint has keys, and no app to log in with".to_owned()));
        };
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", REDIRECT),
            ("client_id", &app.id),
            ("code_verifier", &attempt.verifier),
        ];
        self.caller.hide(code);
        self.session.redeem(&self.caller, token_request(&self.caller, app, &pairs), now).await
    }
}

/// What is asked of the account's own posts.
fn query(since: &str, next: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("max_results", &PAGE.to_string()).append_pair("start_time", since);
    query.append_pair("tweet.fields", "created_at,entities,referenced_tweets").append_pair("exclude", "retweets");
    if !next.is_empty() {
        query.append_pair("pagination_token", next);
    }
    query.finish()
}

/// The request that renews tokens: each refresh token is good once.
fn renewal(caller: &Caller, app: &App, tokens: &Tokens) -> Option<RequestBuilder> {
    let refresh = tokens.refresh()?;
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose()), ("client_id", &app.id)];
    Some(token_request(caller, app, &pairs))
}

/// A request to the token endpoint. An app with a secret proves itself with it.
fn token_request(caller: &Caller, app: &App, pairs: &[(&str, &str)]) -> RequestBuilder {
    let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = caller.request(Method::POST, "/2/oauth2/token");
    let request = match &app.secret {
        Some(secret) => request
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("{}:{}", app.id, secret.expose())))),
        None => request,
    };
    request.header("content-type", "application/x-www-form-urlencoded").body(form)
}

/// Any answer: its JSON, or the class of its failure. Errors can stand in a success.
fn read_json(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
    if answer.status.is_success() {
        if json.get("data").is_some() || json.get("meta").is_some() {
            return Ok(json);
        }
        let why =
            json.pointer("/errors/0/detail").or_else(|| json.pointer("/errors/0/message")).and_then(Value::as_str);
        return Err(Failure::Uncertain(match why {
            Some(why) => format!("X answered with an error in a success: {why}"),
            None => format!("X answered {} with something unexpected", answer.status),
        }));
    }
    let said = said(answer);
    Err(match answer.status {
        // The text is there already: which post has it is found among the account's own.
        StatusCode::FORBIDDEN if said.to_lowercase().contains("duplicate") => {
            Failure::Uncertain(format!("X says that the account has posted this text already: {said}"))
        }
        StatusCode::UNAUTHORIZED => Failure::Unauthorised(format!(
            "the keys are not accepted ({said}); make new ones, or log in again: docs/networks/x.md"
        )),
        StatusCode::PAYMENT_REQUIRED => Failure::Refused(format!("the credit of the app is used up ({said})")),
        StatusCode::FORBIDDEN => Failure::Refused(format!(
            "the app may not do this ({said}); give it read and write, and make its tokens again"
        )),
        StatusCode::TOO_MANY_REQUESTS => {
            Failure::Throttled { until: until(answer), reason: format!("too many requests: {said}") }
        }
        _ => failure(answer, now),
    })
}

/// When the window of the limit ends: the later one, where the limit of a day is spent too.
fn until(answer: &Answer) -> Option<Timestamp> {
    let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let of_day = number("x-user-limit-24hour-remaining")
        .filter(|left| *left <= 0)
        .and_then(|_| number("x-user-limit-24hour-reset"));
    Timestamp::from_second(of_day.into_iter().chain(number("x-rate-limit-reset")).max()?).ok()
}

fn receipt(id: &str) -> Receipt {
    Receipt::new(id, Some(format!("https://x.com/i/web/status/{id}")))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a post is the wanted one: of no other delivery, with the words of this part of it, an answer to the part before.
/// X puts a short address in the place of each address and after the text for its images, and writes three signs as HTML
/// does.
fn is_wanted(post: &Value, wanted: &Wanted, words: &str, before: Option<&str>) -> bool {
    let text = |name: &str| post.get(name).and_then(Value::as_str).unwrap_or("");
    let references = post.get("referenced_tweets").and_then(Value::as_array);
    let answers =
        references.into_iter().flatten().find(|one| one.get("type").and_then(Value::as_str) == Some("replied_to"));
    let answers = answers.and_then(|one| one.get("id")?.as_str());
    if answers != before || wanted.taken.iter().any(|taken| taken == text("id")) {
        return false;
    }
    let mut found = text("text").to_owned();
    for url in post.pointer("/entities/urls").and_then(Value::as_array).into_iter().flatten() {
        let at = |name: &str| url.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let (Some(short), Some(long)) = (at("url"), at("expanded_url")) {
            let is_image = url.get("media_key").is_some() || (long.contains("/status/") && long.contains("/photo/"));
            found = found.replace(short, if is_image { "" } else { long });
        }
    }
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    found.split_whitespace().eq(words.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::ArticleId;
    use crate::config::EndpointName;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    fn read(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<Value, Failure> {
        let headers: HeaderMap =
            headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        let answer = Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into() };
        read_json(&answer, "2026-11-22T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn answers_fall_into_their_classes() {
        assert!(read(201, &[], r#"{"data":{"id":"7","text":"x"}}"#).is_ok());
        let twice = r#"{"detail":"You are not allowed to create a Tweet with duplicate content.","type":"about:blank","title":"Forbidden","status":403}"#;
        assert!(matches!(read(403, &[], twice), Err(Failure::Uncertain(_))));
        assert!(matches!(
            read(403, &[], r#"{"title":"Forbidden","detail":"oauth1 app permissions"}"#),
            Err(Failure::Refused(_))
        ));
        assert!(matches!(read(402, &[], "{}"), Err(Failure::Refused(why)) if why.contains("credit")));
        assert!(matches!(read(401, &[], r#"{"title":"Unauthorized"}"#), Err(Failure::Unauthorised(_))));
        assert!(matches!(read(200, &[], r#"{"errors":[{"detail":"no"}]}"#), Err(Failure::Uncertain(_))));
        assert!(matches!(read(503, &[], ""), Err(Failure::Uncertain(_))));
        let spent = [
            ("x-rate-limit-reset", "1795341700"),
            ("x-user-limit-24hour-remaining", "0"),
            ("x-user-limit-24hour-reset", "1795345200"),
        ];
        assert!(
            matches!(read(429, &spent, ""), Err(Failure::Throttled { until: Some(at), .. }) if at.as_second() == 1_795_345_200)
        );
        assert!(
            matches!(read(429, &spent[..1], ""), Err(Failure::Throttled { until: Some(at), .. }) if at.as_second() == 1_795_341_700)
        );
    }

    #[test]
    fn a_post_is_known_behind_its_short_address() {
        let post = Post { text: "L’État & vous\n\nhttps://x.fr/a/?b&c\n\n#Cloud".into(), ..Post::default() };
        let key = DeliveryKey::publication(ArticleId::mint("x", "y", &|_| false), "une", &EndpointName::new("x"));
        let found = |text: &str, taken: &[String]| {
            let urls = json!([{ "url": "https://t.co/abc", "expanded_url": "https://x.fr/a/?b&c" }]);
            let post_there = json!({ "id": "7", "text": text, "entities": { "urls": urls } });
            let wanted = Wanted { post: &post, key: &key, since: Timestamp::UNIX_EPOCH, taken };
            is_wanted(&post_there, &wanted, &post.text, None)
        };
        assert!(found("L’État &amp; vous\n\nhttps://t.co/abc\n\n#Cloud", &[]));
        assert!(!found("L’État &amp; vous\n\nhttps://t.co/abc\n\n#Cloud", &["7".to_owned()]));
        assert!(!found("L’État &amp; vous\n\nhttps://t.co/abd\n\n#Cloud", &[]));
        assert!(!found("Rappel : L’État &amp; vous\n\nhttps://t.co/abc\n\n#Cloud", &[]));
    }
}
