//! Articles that are nearly copies of others: what editors' tools make of "duplicate", and a post that would be the second
//! one of the same text.

use super::Inputs;
use crate::article::ArticleId;
use crate::article::sketch::LIKENESS;
use crate::catalog::{Decided, Standing};
use crate::delivery::{Delivery, State};
use jiff::SignedDuration;

/// Dates that lie farther apart than this are of two editions: the same invitation goes out every few months. A copy
/// that an editor's tool made has the date of its model, or that of the day and a name that tells.
const EDITION: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The article of which an article is suspected to be a copy, and the share of its text: one that stands; or one whose
/// file is gone after it was announced. Of two that an editor put there and one of which was taken away in time, the
/// other is the article.
pub(super) fn suspected(inputs: &Inputs, standing: &Standing) -> Option<(ArticleId, f64)> {
    let (mut of, mut share) = standing.past.copy_of.as_deref().copied()?;
    // Of a copy of a copy, the first one counts too, as far as enough of its text can still be there.
    for _ in 0..COPIES_MAX {
        if share < LIKENESS {
            break;
        }
        let model = inputs.catalog.get(&of);
        let counts = match model {
            Some(model) => !is_edition(standing, model),
            None => was_announced(inputs, &of),
        };
        if counts {
            return Some((of, share));
        }
        let past = model.map(|model| &model.past).or_else(|| inputs.catalog.gone(&of).map(|gone| &gone.past));
        let (next, likeness) = past?.copy_of.as_deref().copied()?;
        (of, share) = (next, share * likeness);
    }
    None
}

/// Most copies of copies that are followed back.
const COPIES_MAX: usize = 10;

/// Whether an article is another edition of its model by their dates, and not by its name a copy.
fn is_edition(standing: &Standing, model: &Standing) -> bool {
    let apart = model.article.date.zip(standing.article.date);
    let apart = apart.map(|(model, own)| own.at.duration_since(model.at).abs());
    apart.is_some_and(|apart| apart > EDITION) && !is_named_as_copy(standing, model)
}

/// Whether an article's title or file is named as editors' tools name a copy: `[duplication] …`, `Copie de …`,
/// `…-a5d7ba.md` (Siteleaf, where a name is taken), `…-2.md`, `…-copy.md`.
fn is_named_as_copy(standing: &Standing, model: &Standing) -> bool {
    let says_copy = |text: &str| {
        let mut words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        words.any(|word| ["duplication", "duplicata", "duplicate", "copie", "copy"].contains(&word.as_str()))
    };
    let (title, path) = (&*standing.article.title, &*standing.article.path);
    if says_copy(title) && !says_copy(&model.article.title) {
        return true;
    }
    let added = stem(path).strip_prefix(stem(&model.article.path)).and_then(|rest| rest.strip_prefix('-'));
    added.is_some_and(|added| {
        let is_hash = added.len() == 6 && added.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = (1..=2).contains(&added.len()) && added.bytes().all(|byte| byte.is_ascii_digit());
        is_hash || is_number || says_copy(added)
    })
}

/// A file's name without its folder, its date and what it ends in.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let mut rest = name;
    for digits in [4, 1, 1] {
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        match rest[count..].strip_prefix('-').filter(|_| count >= digits && count <= digits.max(2)) {
            Some(after) => rest = after,
            None => return name,
        }
    }
    rest
}

/// Whether something was said of an article whose file is gone: by a post, or before the first start.
fn was_announced(inputs: &Inputs, id: &ArticleId) -> bool {
    let Some(gone) = inputs.catalog.gone(id) else { return false };
    let is_said = |delivery: &Delivery| {
        delivery.key.article == *id && matches!(delivery.state, State::Sending | State::Published | State::Uncertain)
    };
    gone.past.decided == Some(Decided::Baseline) || inputs.outbox.iter().any(is_said)
}

/// Why a person must look at an article before it is announced.
pub(super) fn suspicion(inputs: &Inputs, of: ArticleId, likeness: f64) -> String {
    let share = likeness * 100.0;
    if let Some(gone) = inputs.catalog.gone(&of) {
        let other = &gone.path;
        return format!(
            "suspected duplicate: {share:.0} % of its text stood in {other}, which was announced and is gone; approve it if it is another article"
        );
    }
    // The other one may be a draft, of which nothing is said.
    let live = inputs.catalog.get(&of).filter(|standing| standing.article.is_live(inputs.now));
    let other = live.map_or("an article that is not published", |standing| &*standing.article.path);
    format!("suspected duplicate: {share:.0} % of its text stands in {other} too; approve it if it is another article")
}
