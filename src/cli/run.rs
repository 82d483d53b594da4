//! `crieur run`: the daemon; `--once`: one whole pass, for a container on a schedule.

use super::{Context, Fail, pass_failed, print, say};
use crate::config::{Config, EndpointName};
use crate::daemon::Daemon;
use crate::deliver::{Deliverer, Step};
use crate::delivery::State;
use crate::exports::Exports;
use crate::pull::Puller;
use crate::push::{Figures, Pinger};
use crate::reconcile::{Reconciler, Snapshot};
use crate::store::{Outcome, Store, StoreError};
use crate::task::Shutdown;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Default, clap::Args)]
pub struct Options {
    /// One whole pass (read, feeds and export, plan, deliver what is due), then exit
    #[arg(long)]
    once: bool,
    /// Address and port to listen on, instead of the configuration's
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Folder of the site, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Take a site that lost all its articles at once as it is
    #[arg(long)]
    accept_empty: bool,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let mut config = context.config()?;
    if let Some(site) = options.site {
        config.site.root = site;
        config.site.git = None;
    }
    if let Some(listen) = options.listen {
        config.http = config.http.listening_on(listen);
    }
    if options.once {
        once(context, Arc::new(config), options.accept_empty).await
    } else {
        daemon(context, config, options.accept_empty).await
    }
}

async fn daemon(context: &Context, mut config: Config, accept_empty: bool) -> Result<(), Fail> {
    let listener = TcpListener::bind(config.http.listen).await.map_err(|error| {
        Fail::Failed(format!(
            "{} cannot be listened on: {error}; choose another address with --listen or http.listen",
            config.http.listen
        ))
    })?;
    // Port 0 asks the system for a free one.
    config.http = config.http.listening_on(listener.local_addr()?);
    let config = Arc::new(config);
    let daemon = Daemon::wire(Arc::clone(&config), context.clock.clone(), accept_empty).await?;
    // Whoever reads that it runs may stop it at once.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    welcome(&config)?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("stopping (SIGTERM); what is under way is finished first"),
            _ = interrupt.recv() => tracing::info!("stopping (interrupted); what is under way is finished first"),
        }
        // Whoever asks twice does not want to wait.
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            say("stopped at once; what was under way is taken up at the next start");
            std::process::exit(1);
        });
    };
    daemon.run(listener, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

fn welcome(config: &Config) -> Result<(), Fail> {
    let base = config.http.public_url.as_str().trim_end_matches('/');
    let from = match &config.site.git {
        Some(git) => git.url.as_str().to_owned(),
        None => config.site.root.display().to_string(),
    };
    print(&format!("Crieur reads {from} and listens on {}", config.http.listen))?;
    print(&format!("  feeds     {base}/feeds/"))?;
    print(&format!("  timeline  {base}/timeline"))?;
    print(&format!("  health    {base}/readyz"))?;
    print("Stop with Ctrl-C. What is planned: crieur plan; what is wrong with the articles: crieur check")
}

/// How long one pass waits for a delivery that is almost due: the gap between two posts, a look after a cut.
const WAIT: SignedDuration = SignedDuration::from_secs(75);
/// How long one pass may take in all.
const WHOLE: SignedDuration = SignedDuration::from_mins(5);

async fn once(context: &Context, config: Arc<Config>, accept_empty: bool) -> Result<(), Fail> {
    let store = Store::open(&config.store).await?;
    let (tell, shutdown) = Shutdown::channel();
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        terminate.recv().await;
        let _ = tell.send(true);
    });
    let mut reconciler = Reconciler::new(Arc::clone(&config)).accepting_empty(accept_empty);
    let mut puller = Puller::new(&config.site);
    let pulled = puller.once(&mut reconciler, &shutdown).await;
    if let Err(error) = &pulled {
        tracing::error!("{error}");
    }
    let snapshot = Arc::new(reconciler.pass(&store, context.clock.now()).await.map_err(pass_failed)?);
    if snapshot.follows {
        let why =
            "nothing was done: another process takes up the site for this database, from another folder; see above";
        return Err(Fail::Failed(why.to_owned()));
    }
    puller.taken(&snapshot).await;
    let held = snapshot.report();
    let not_exported = Exports::new(&config, context.clock.clone()).once(&snapshot, &shutdown).await;
    match Pinger::new(&config, store.clone(), context.clock.clone(), Figures::default()) {
        // One try: what a hub did not take is owed to it, and told by the next run.
        Ok(Some(mut pinger)) => pinger.once(&snapshot).await?,
        Ok(None) => {}
        Err(error) => tracing::error!("hubs cannot be told of changes: {error}"),
    }
    let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), context.clock.clone());
    let deadline = context.clock.now().saturating_add(WHOLE).unwrap_or(Timestamp::MAX);
    let mut snapshot = snapshot;
    let mut failed = 0;
    loop {
        // Side by side: a slow endpoint delays no other.
        let endpoints = deliverer.endpoints().map(|endpoint| drain(&deliverer, endpoint, &snapshot, &shutdown));
        let mut soonest: Option<Timestamp> = None;
        for drained in join_all(endpoints).await {
            let (ended_badly, next) = drained?;
            failed += ended_badly;
            soonest = soonest.into_iter().chain(next).min();
        }
        let now = context.clock.now();
        let Some(until) = soonest.filter(|at| at.duration_since(now) <= WAIT && *at <= deadline) else { break };
        let mut told = shutdown.clone();
        tokio::select! { () = context.clock.sleep_until(until) => {}, () = told.told() => break }
        // Much can change while one waits: what was unpublished meanwhile must not go out.
        snapshot = Arc::new(reconciler.book(&store, context.clock.now()).await.map_err(pass_failed)?);
    }
    let mut unusable = config.endpoints.len() - deliverer.endpoints().count();
    for endpoint in deliverer.endpoints() {
        unusable += usize::from(deliverer.paused(endpoint).await?.is_some());
    }
    let waiting =
        snapshot.outbox.iter().filter(|delivery| matches!(delivery.state, State::Uncertain | State::Held)).count();
    store.close().await;
    match failed + unusable + held + waiting + not_exported + usize::from(pulled.is_err()) {
        0 => Ok(()),
        1 => Err(Fail::Failed(
            "a delivery, an endpoint, an export or the pull needs a person; `crieur posts` and the log say which"
                .to_owned(),
        )),
        n => Err(Fail::Failed(format!(
            "{n} deliveries, endpoints, exports or pulls need a person; `crieur posts` and the log say which"
        ))),
    }
}

/// Works on an endpoint until nothing is due. How many deliveries came to an end without success, and when the next one
/// is due.
async fn drain(
    deliverer: &Deliverer,
    endpoint: &EndpointName,
    snapshot: &Snapshot,
    shutdown: &Shutdown,
) -> Result<(usize, Option<Timestamp>), StoreError> {
    let mut failed = 0;
    while !shutdown.is_told() {
        match deliverer.step(endpoint, None, snapshot).await? {
            Step::Did(Outcome::Failed(_) | Outcome::Held(_) | Outcome::Uncertain(_)) => failed += 1,
            Step::Did(_) => {}
            Step::Wait(until) => return Ok((failed, until)),
        }
    }
    Ok((failed, None))
}
