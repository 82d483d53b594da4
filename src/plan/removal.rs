//! What becomes of published posts whose article was withdrawn: unpublished, expired or deleted.

use crate::catalog::Catalog;
use crate::config::{OnWithdraw, Rule};
use crate::delivery::{Delivery, Removal};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Most articles that can be withdrawn at once before it looks like a mistake: a person is asked then.
const AT_ONCE_MAX: usize = 5;

/// Which of the published deliveries given are to be withdrawn, by their rules, or asked about, and why. An article must
/// have been withdrawn for as long as its rule lets one settle: editors take back what they just did.
pub fn removals(
    catalog: &Catalog,
    rules: &[Rule],
    published: &[Delivery],
    now: Timestamp,
) -> Vec<(i64, Removal, String)> {
    let over: Vec<(&Delivery, OnWithdraw)> = published
        .iter()
        .filter_map(|delivery| {
            let rule = rules.iter().find(|rule| rule.name == delivery.key.rule)?;
            let since = withdrawn_since(catalog, delivery, now)?;
            let is_over = rule.on_withdraw != OnWithdraw::Keep && now.duration_since(since) >= rule.settle;
            is_over.then_some((delivery, rule.on_withdraw))
        })
        .collect();
    let articles = over.iter().map(|(delivery, _)| delivery.key.article).collect::<BTreeSet<_>>().len();
    let removal = |(delivery, on_withdraw): &(&Delivery, OnWithdraw)| {
        let cure = format!("`crieur posts withdraw {}` withdraws the post too", delivery.id);
        let (removal, reason) = match on_withdraw {
            OnWithdraw::Delete if articles > AT_ONCE_MAX => {
                (Removal::Held, format!("its article was withdrawn, one of {articles} at once; {cure}"))
            }
            OnWithdraw::Delete => (Removal::Due, "its article was withdrawn; the post goes with it".to_owned()),
            _ => (Removal::Held, format!("its article was withdrawn; {cure}")),
        };
        (delivery.id, removal, reason)
    };
    over.iter().map(removal).collect()
}

/// Since when readers do not see the article of a delivery any more. Of an article that nobody knows, nothing is told.
fn withdrawn_since(catalog: &Catalog, delivery: &Delivery, now: Timestamp) -> Option<Timestamp> {
    let article = &delivery.key.article;
    match (catalog.get(article), catalog.gone(article)) {
        (Some(standing), _) => standing.withdrawn_since(now),
        (None, Some(gone)) => Some(gone.since),
        (None, None) => None,
    }
}

/// Whether any rule takes posts away, or asks whether to.
pub fn removes(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| rule.on_withdraw != OnWithdraw::Keep)
}
