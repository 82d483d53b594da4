//! The way to a bucket: signed requests over the guarded HTTP client of the networks, bounded in time and size.
//!
//! Nothing is tried again in here. An export that failed is made again by its task, and does only what is left.

use super::refusal::Refusal;
use crate::config::{Credentials, S3};
use crate::network::client::{self, Reach};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Most bytes of an answer that are read. A page of a listing has a thousand names; the list of what is ours, some
/// hundred bytes for each.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// How long a bucket is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until it is connected to.
    pub connect: Duration,
    /// From the start of a request to the last byte of its answer.
    pub request: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: client::CONNECT_TIMEOUT, request: client::REQUEST_TIMEOUT }
    }
}

/// A bucket, not yet spoken to.
///
/// Errors: the system's TLS cannot be set up, or the values make no address.
pub fn connect(bucket: &str, s3: &S3, patience: Patience) -> Result<Arc<dyn ObjectStore>, String> {
    let is_plain = s3.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http");
    let reach = match (is_plain, s3.allow_private) {
        (true, _) => Reach::PlainOnPrivate,
        (false, true) => Reach::Anywhere,
        (false, false) => Reach::Public,
    };
    if let (Some(endpoint), Reach::Public) = (&s3.endpoint, reach) {
        let private = |why| format!("feeds.s3.endpoint: {why}; `allow_private: true` lets feeds be exported there");
        client::refuse_private(endpoint).map_err(private)?;
    }
    let http = client::storage(reach, patience.connect, patience.request)?;
    let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&s3.region)
        .with_virtual_hosted_style_request(!s3.path_style)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_disable_bulk_delete(true)
        .with_retry(once.clone())
        .with_http_connector(Guarded(http));
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(address(endpoint, bucket, s3.path_style)).with_allow_http(is_plain);
    }
    let failed = |error: object_store::Error| format!("the bucket {bucket} cannot be set up: {error}");
    builder = match &s3.credentials {
        Credentials::Keys { access_key, secret_key, session_token, .. } => {
            let builder = builder.with_access_key_id(access_key.expose()).with_secret_access_key(secret_key.expose());
            match session_token {
                Some(token) => builder.with_token(token.expose()),
                None => builder,
            }
        }
        Credentials::Role(variables) => {
            // Their services stand on link-local addresses, which the guarded client does not reach.
            let mut role = AmazonS3Builder::new().with_bucket_name(bucket).with_region(&s3.region).with_retry(once);
            for (name, value) in variables {
                let key: AmazonS3ConfigKey = name.to_lowercase().parse().map_err(failed)?;
                role = role.with_config(key, value);
            }
            let role: AmazonS3 = role.build().map_err(failed)?;
            builder.with_credentials(Arc::clone(role.credentials()))
        }
    };
    Ok(Arc::new(builder.build().map_err(failed)?))
}

/// The address of the service as the library wants it: with the bucket in its host unless that stands in the path.
fn address(endpoint: &Url, bucket: &str, path_style: bool) -> String {
    let text = endpoint.as_str().trim_end_matches('/');
    if path_style {
        return text.to_owned();
    }
    text.replacen("://", &format!("://{bucket}."), 1)
}

/// Hands out one client.
#[derive(Debug)]
struct Guarded(reqwest::Client);

impl HttpConnector for Guarded {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Bounded(self.0.clone())))
    }
}

/// Reads answers whole, within a bound, and refusals so that they can be told to a person.
#[derive(Debug)]
struct Bounded(reqwest::Client);

#[async_trait]
impl HttpService for Bounded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = HttpService::call(&self.0, request).await?;
        let (parts, body) = response.into_parts();
        let mut stream = body.bytes_stream();
        let mut read = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            if read.len() + chunk.len() > ANSWER_MAX {
                let refusal = Refusal::too_long(ANSWER_MAX);
                return Err(HttpError::new(HttpErrorKind::Unknown, refusal));
            }
            read.extend_from_slice(&chunk);
        }
        match Refusal::read(parts.status.as_u16(), &parts.headers, &read) {
            Some(refusal) => Err(HttpError::new(HttpErrorKind::Unknown, refusal)),
            None => Ok(HttpResponse::from_parts(parts, Bytes::from(read).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_stands_in_the_path_or_in_the_host() {
        let endpoint = Url::parse("https://s3.fr-par.example.fr/").unwrap();
        assert_eq!(address(&endpoint, "flux", true), "https://s3.fr-par.example.fr");
        assert_eq!(address(&endpoint, "flux", false), "https://flux.s3.fr-par.example.fr");
    }
}
