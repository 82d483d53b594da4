//! What a person asks for with `publish-now`.

use super::duplicate::{suspected, suspicion};
use super::select::selects;
use super::{Inputs, Planned, approval};
use crate::catalog::Standing;
use crate::config::{BY_HAND, EndpointName};
use crate::delivery::{Delivery, DeliveryKey, PUBLICATION, State};
use std::collections::BTreeMap;

/// The deliveries that `publish-now` means for an article: those of the rules that fit it; or, for endpoints that no
/// rule names, deliveries by hand. Endpoints given by name limit them.
///
/// Errors: no endpoint is given and no rule fits.
pub fn by_hand(inputs: &Inputs, standing: &Standing, wanted: &[EndpointName]) -> Result<Vec<Planned>, String> {
    let mut rules: BTreeMap<EndpointName, &str> = BTreeMap::new();
    // A delivery that exists already is the one that is meant, whichever rule made it.
    let is_announcement =
        |delivery: &&Delivery| delivery.key.article == standing.id && delivery.key.step == PUBLICATION;
    for delivery in inputs.outbox.iter().filter(is_announcement) {
        rules.entry(delivery.key.endpoint.clone()).or_insert(&delivery.key.rule);
    }
    let announcing = inputs.rules.iter().filter(super::follows_publication);
    for rule in announcing.filter(|rule| selects(&rule.articles, &standing.article, &inputs.site.language)) {
        for endpoint in &rule.endpoints {
            rules.entry(endpoint.clone()).or_insert(&rule.name);
        }
    }
    let endpoints: Vec<EndpointName> =
        if wanted.is_empty() { rules.keys().cloned().collect() } else { wanted.to_vec() };
    if endpoints.is_empty() {
        return Err(format!("no rule fits {}; name an endpoint with --endpoint", standing.article.path));
    }
    let copy_of = suspected(inputs, standing);
    let mut planned = Vec::new();
    for name in endpoints {
        let Some(endpoint) = inputs.endpoints.get(&name) else {
            if wanted.is_empty() {
                continue;
            }
            return Err(format!("there is no endpoint `{name}` in the configuration"));
        };
        let rule = rules.get(&name).copied().unwrap_or(BY_HAND);
        let reason = copy_of.map(|(of, likeness)| suspicion(inputs, of, likeness));
        let reason = reason.or_else(|| approval::needed(inputs, rule));
        planned.push(Planned {
            key: DeliveryKey::publication(standing.id, rule, &name),
            network: endpoint.network.word().to_owned(),
            path: standing.article.path.to_string(),
            due_at: inputs.now,
            state: if reason.is_some() { State::Held } else { State::Pending },
            reason,
        });
    }
    Ok(planned)
}
