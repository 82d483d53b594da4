//! `crieur endpoints login NAME`: walks a person through getting a credential. What a login gives is kept sealed in the
//! database; a running daemon takes it from there.

use super::{Context, Fail, print, say};
use crate::config::{Endpoint, EndpointName, NetworkKind};
use crate::delivery::Health;
use crate::network::login::{Attempt, REDIRECT, steps};
use crate::network::out_of_band::OutOfBand;
use crate::network::session::{Session, Tokens};
use crate::network::{self, Means};
use crate::secret::Secret;
use crate::store::Store;
use jiff::{SignedDuration, Timestamp};
use std::io::BufRead;

/// Logs in to an endpoint, or says how its credential is got.
pub async fn run(context: &Context, name: &str) -> Result<(), Fail> {
    let config = context.config()?;
    let name = EndpointName::new(name);
    let Some(endpoint) = config.endpoints.get(&name) else {
        return Err(Fail::Usage(format!("there is no endpoint `{name}` in the configuration")));
    };
    let store = Store::open(&config.store).await?;
    let means = Means::new(&config, &store);
    if let NetworkKind::Mastodon(account) = &endpoint.network {
        let server = OutOfBand::new(account, endpoint.allow_private).map_err(Fail::Failed)?;
        let token = shown_code(&name, &server, context).await?;
        if account.token.is_some() {
            say(&format!(
                "3. This is the token of {name}, on standard output (… > FILE). Keep it where `token` or `token_file` of the endpoint \
                 says, and where nobody else reads it. With `login: true` in place of the token it is kept in the database, sealed."
            ));
            return print(token.expose());
        }
        let kept = Session::new(means.vault(&name), SignedDuration::ZERO).adopt(&token).await;
        let tokens = kept.map_err(|error| Fail::Failed(format!("{name}: the token cannot be kept: {error}")))?;
        return logged_in(&name, endpoint, (&store, &means), &tokens, context.clock.now()).await;
    }
    let Some(login) = network::login(&name, endpoint, &means).map_err(Fail::Failed)? else {
        let kind = endpoint.network.word();
        let Some(steps) = steps(&endpoint.network) else {
            return print(&format!("{name}: the network {kind} needs no credential"));
        };
        print(&format!("{name}: how a credential for {kind} is got (more in docs/networks/{kind}.md)"))?;
        for (at, step) in steps.iter().enumerate() {
            print(&format!("{}. {step}", at + 1))?;
        }
        return print(&format!("Then: crieur endpoints test {name}"));
    };
    let attempt = Attempt::new().map_err(Fail::Failed)?;
    say(&format!(
        "1. Open this address in a browser, as somebody who may post there, and allow the access:\n\n{}\n",
        login.address(&attempt)
    ));
    say(&format!(
        "2. The browser is then sent to an address that begins with {REDIRECT}, where it finds nothing: that is as it should be.\n\
         3. Copy that whole address and paste it here, then press Enter:\n"
    ));
    let code = attempt.code(&pasted().await?).map_err(Fail::Failed)?;
    let failed = |reason: &str| Fail::Failed(format!("{name}: {reason}"));
    let now = context.clock.now();
    let tokens = login.redeem(&attempt, &code, now).await.map_err(|failure| failed(failure.reason()))?;
    logged_in(&name, endpoint, (&store, &means), &tokens, now).await
}

/// Says that it is done, and who it is.
async fn logged_in(
    name: &EndpointName,
    endpoint: &Endpoint,
    (store, means): (&Store, &Means),
    tokens: &Tokens,
    now: Timestamp,
) -> Result<(), Fail> {
    let until = match tokens.end() {
        Some(end) => format!("until {}", super::utc(end)),
        None => "without an end that the network tells".to_owned(),
    };
    // Who it is shows whether the right account was logged in; that it is logged in stands whatever comes of the question.
    let who = match network::connect(name, endpoint, means).map_err(Fail::Failed)?.check(now).await {
        Ok(who) => {
            // What waited for the credentials goes out now.
            store.set_health(name, &Health::default()).await?;
            who
        }
        Err(failure) => format!("who it is could not be asked ({})", failure.reason()),
    };
    print(&format!("{name}: logged in, {until}: {who}"))
}

/// Gets a token that does not end, for a code that the server shows.
async fn shown_code(name: &EndpointName, server: &OutOfBand, context: &Context) -> Result<Secret, Fail> {
    let failed = |reason: &str| Fail::Failed(format!("{name}: {reason}"));
    let app = server.register(context.clock.now()).await.map_err(|failure| failed(failure.reason()))?;
    say(&format!(
        "1. Open this address in a browser, logged in as the account, and allow the access:\n\n{}\n",
        server.address(&app)
    ));
    say("2. Copy the code that the server shows, paste it here, then press Enter:\n");
    let code = Secret::new(pasted().await?);
    if code.is_empty() {
        return Err(failed("there is no code"));
    }
    server.redeem(&app, &code, context.clock.now()).await.map_err(|failure| failed(failure.reason()))
}

/// A line from the terminal.
async fn pasted() -> Result<String, Fail> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    Ok(read.await??)
}
