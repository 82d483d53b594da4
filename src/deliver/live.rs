//! Whether an article's page is there: the last look before a post goes out with its link.

use super::Deliverer;
use crate::article::Article;
use crate::config::{EndpointName, LiveCheck};
use crate::network::client::{self, USER_AGENT};
use crate::page;
use jiff::SignedDuration;
use reqwest::StatusCode;
use url::Url;

/// Most bytes of a page that are read: its titles stand at its beginning.
const PAGE_MAX: usize = 512 * 1024;
/// Most redirects that are followed.
const REDIRECTS_MAX: usize = 3;
/// Characters of a page's title that are shown.
const SHOWN_MAX: usize = 80;

/// The waits between two looks.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);

/// How long one waits for the next look after having waited so long already: five seconds, then twice as long each time, up
/// to a quarter of an hour; a little longer for the one than for the other, so that not all ask at once.
pub(super) fn wait(waited: SignedDuration, delivery: i64) -> SignedDuration {
    let wait = waited.clamp(FIRST_WAIT, LONGEST_WAIT);
    let spread = i32::try_from(delivery.rem_euclid(8)).unwrap_or_default();
    wait + wait / 64 * spread
}

impl Deliverer {
    /// Whether an article's address answers 200, with a page of that article, after at most three redirects within its own
    /// site. What has no title, such as a document, is judged by its status alone.
    ///
    /// Errors: what was seen there.
    pub(super) async fn is_alive(
        &self,
        endpoint: &EndpointName,
        article: &Article,
        check: LiveCheck,
    ) -> Result<(), String> {
        if check == LiveCheck::Off {
            return Ok(());
        }
        let allow_private = self.config.endpoints.get(endpoint).is_some_and(|endpoint| endpoint.allow_private);
        let client = self.readers.get(endpoint).ok_or("the endpoint cannot be used")?;
        let mut url = article.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            if !allow_private {
                client::refuse_private(&url)?;
            }
            let request =
                client.get(url.clone()).header("User-Agent", USER_AGENT).header("Accept", "text/html, */*;q=0.5");
            let most = if check == LiveCheck::Title { PAGE_MAX } else { 0 };
            let answer = client::send_page(request, most).await.map_err(|failure| failure.reason().to_owned())?;
            if answer.status == StatusCode::OK {
                return if check == LiveCheck::Title { is_its_page(&answer, article, &url) } else { Ok(()) };
            }
            let location =
                answer.headers.get("location").and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
            match location.filter(|_| answer.status.is_redirection()) {
                Some(to) if is_one_site(&to, &url) => url = to,
                Some(to) => return Err(format!("{url} redirects to another site, {to}")),
                None => return Err(format!("{url} answers {}", answer.status)),
            }
        }
        Err(format!("{url} redirects without end"))
    }
}

/// Whether a page is that of an article, by its titles.
fn is_its_page(answer: &client::Page, article: &Article, url: &Url) -> Result<(), String> {
    let content_type = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "" | "text/html" | "application/xhtml+xml") {
        return Ok(());
    }
    let titles = page::titles(&page::decoded(&answer.start, content_type));
    if titles.is_empty() || page::is_titled(&titles, &article.title) {
        return Ok(());
    }
    let seen = titles.first().map(|title| crate::text::one_line(title)).unwrap_or_default();
    let seen: String = seen.chars().take(SHOWN_MAX).collect();
    Err(format!(
        "{url} answers 200 with another page, titled “{seen}”; the article is called “{}” (`live_check: status` in the rule asks for no title)",
        article.title
    ))
}

/// Whether two addresses are of one site: the same host, with or without `www.`.
fn is_one_site(one: &Url, other: &Url) -> bool {
    let host = |url: &Url| url.host_str().map(|host| host.trim_start_matches("www.").to_owned());
    matches!(one.scheme(), "http" | "https")
        && host(one).is_some()
        && host(one) == host(other)
        && one.port() == other.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_soon_at_first_and_then_patient() {
        let (mut waited, mut waits) = (SignedDuration::ZERO, Vec::new());
        while waited < SignedDuration::from_hours(1) {
            let next = wait(waited, 0);
            waits.push(next.as_secs());
            waited += next;
        }
        assert_eq!(waits, [5, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
        assert!(wait(waited, 7) > wait(waited, 0) && wait(waited, 7) < wait(waited, 0) * 2);
    }

    #[test]
    fn a_site_has_its_host_with_and_without_www() {
        let url = |text: &str| Url::parse(text).unwrap();
        let page = url("https://www.example.fr/a");
        assert!(
            is_one_site(&url("https://example.fr/a/"), &page) && is_one_site(&url("http://www.example.fr/"), &page)
        );
        for other in [
            "https://example.org/",
            "https://autre.example.fr/",
            "ftp://www.example.fr/",
            "https://www.example.fr:8080/",
        ] {
            assert!(!is_one_site(&url(other), &page), "{other}");
        }
    }
}
