//! `crieur endpoints`: the configured accounts; `test NAME` asks one who it is, `login NAME` gets its credential.

use super::{Context, Fail, print, print_json};
use crate::config::EndpointName;
use crate::delivery::Health;
use crate::network::{self, Means};
use crate::shapes;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// JSON on standard output
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Get a credential for an endpoint: log in, or be told how it is got
    Login {
        /// Name of the endpoint
        name: String,
    },
    /// Ask an endpoint who the account is; publishes nothing
    Test {
        /// Name of the endpoint
        name: String,
    },
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = context.config()?;
    if let Some(Action::Login { name }) = &options.action {
        return super::login::run(context, name).await;
    }
    if let Some(Action::Test { name }) = options.action {
        let name = EndpointName::new(name);
        let Some(endpoint) = config.endpoints.get(&name) else {
            return Err(Fail::Usage(format!("there is no endpoint `{name}` in the configuration")));
        };
        let store = Store::open(&config.store).await?;
        let network = network::connect(&name, endpoint, &Means::new(&config, &store)).map_err(Fail::Failed)?;
        let now = context.clock.now();
        let who = network.check(now).await.map_err(|failure| Fail::Failed(format!("{name}: {}", failure.reason())))?;
        // What waited for the credentials to be mended goes out now.
        store.set_health(&name, &Health::default()).await?;
        let limits = network.limits(now).await;
        let remarks = network.remarks();
        if options.json {
            return print_json(&serde_json::json!({
                "name": name.as_str(), "account": who, "limit": limits.length_max, "remarks": remarks,
            }));
        }
        print(&format!("{name}: {who}; posts of up to {} characters", limits.length_max))?;
        return remarks.iter().try_for_each(|remark| print(&format!("    remark: {remark}")));
    }
    let store = Store::open_to_read(&config.store).await?;
    let means = store.as_ref().map_or_else(Means::none, |store| Means::new(&config, store));
    let mut shown = Vec::new();
    for (name, endpoint) in &config.endpoints {
        let kept = match network::connect(name, endpoint, &means) {
            Ok(network) => network.expires().await,
            Err(_) => None,
        };
        let health = match &store {
            Some(store) => store.health(name).await?,
            None => Health::default(),
        };
        let expires = kept.or(endpoint.token_expires);
        shown.push(shapes::Endpoint::new(name, endpoint, &health, expires, context.clock.now()));
    }
    if options.json {
        return print_json(&shown);
    }
    for endpoint in shown {
        print(&endpoint.lines())?;
    }
    Ok(())
}
