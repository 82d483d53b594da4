//! Measures the outbox with 10,000 due deliveries: 1,000 articles, each to 10 endpoints of a server on this machine.
//!
//! ```text
//! cargo bench --profile dist --bench outbox [-- ARTICLES]
//! ```
//!
//! The bare loop is what any program must do: the same requests, by the same client, as many at once, and nothing kept.
//! Everything that Crieur keeps is on the disk before it goes on. So a second loop is measured beside it, which does the
//! least that keeps a post from going out twice: one line on the disk before each request, and one after it.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a tool for the terminal that measures real time, and ends where it cannot go on"
)]

use axum::extract::State as Shared;
use axum::routing::post;
use crieur::clock::Clock;
use crieur::config::{self, Config, EndpointName, Surroundings};
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::State;
use crieur::network::client;
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::Store;
use jiff::SignedDuration;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ENDPOINTS: usize = 10;
const ROUNDS: usize = 21;
/// What messages are signed with. It protects nothing.
const SECRET: &str = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODk=";

#[tokio::main]
async fn main() {
    let articles: usize = std::env::args().find_map(|given| given.parse().ok()).unwrap_or(1_000);
    let (address, taken) = serve();
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &address);
    let clock = Clock::by_hand(Clock::system().now());

    // The first start, on a site of one article: all that comes later is news.
    article(folder.path(), 0, &clock);
    let store = Store::open(&config.store).await.unwrap();
    let mut reconciler = Reconciler::new(Arc::clone(&config));
    reconciler.pass(&store, clock.now()).await.unwrap();
    clock.advance(SignedDuration::from_secs(60));
    (1..=articles).for_each(|number| article(folder.path(), number, &clock));

    let (booking, _) = timed(reconciler.pass(&store, clock.now())).await;
    let due = store.deliveries().await.unwrap().len();
    assert_eq!(due, articles * ENDPOINTS, "all are booked");
    println!("{due} deliveries booked in one pass: {} ms", booking.as_millis());

    let pass = median(async || drop(reconciler.book(&store, clock.now()).await.unwrap())).await;
    println!("a pass over the site while all of them wait, median: {:.1} ms", millis(pass));
    drop(reconciler);
    store.close().await;

    let before = Instant::now();
    let store = Store::open(&config.store).await.unwrap();
    let mut reconciler = Reconciler::new(Arc::clone(&config));
    let snapshot = Arc::new(reconciler.book(&store, clock.now()).await.unwrap());
    let deliverer = Arc::new(Deliverer::new(Arc::clone(&config), store.clone(), clock.clone()));
    deliverer.step(&name(0), None, &snapshot).await.unwrap();
    assert_eq!(taken.load(Ordering::Relaxed), 1, "the first one is there");
    println!("from a restart to the first post: {} ms", before.elapsed().as_millis());

    let (delivering, ()) = timed(deliver(&deliverer, &snapshot)).await;
    let published = store.deliveries().await.unwrap();
    assert!(published.iter().all(|delivery| delivery.state == State::Published), "all are published");
    assert_eq!(taken.load(Ordering::Relaxed), due, "each once");
    let text = published.first().and_then(|delivery| delivery.text.clone()).unwrap_or_default();

    let endpoint = name(0);
    let step = median(async || drop(deliverer.step(&endpoint, None, &snapshot).await.unwrap())).await;
    println!("a look for what is due when nothing is, median: {:.1} ms", millis(step));

    let (bare, ()) = timed(bare(&address, due, &text, None)).await;
    let (synced, ()) = timed(self::bare(&address, due, &text, Some(folder.path()))).await;
    let rate = |time: Duration| due as f64 / time.as_secs_f64();
    println!("delivering: {:.0} a second; the bare loop: {:.0} a second", rate(delivering), rate(bare));
    println!("ratio: {:.2}", rate(delivering) / rate(bare));
    println!("a loop with a line on the disk before and after each request: {:.0} a second", rate(synced));
    println!("ratio: {:.2}", rate(delivering) / rate(synced));
    println!("memory of the whole process, with the server: {} MiB", memory());
}

/// A server that takes everything, on a thread of its own. Its address, and how many requests it took.
fn serve() -> (String, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let count = |Shared(taken): Shared<Arc<AtomicUsize>>| async move {
        taken.fetch_add(1, Ordering::Relaxed);
        "ok"
    };
    let app = axum::Router::new().route("/{*any}", post(count)).with_state(Arc::clone(&taken));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await.unwrap();
        });
    });
    (address, taken)
}

fn name(number: usize) -> EndpointName {
    EndpointName::new(format!("e{number}"))
}

fn configuration(folder: &Path, address: &str) -> Arc<Config> {
    let site = folder.join("site");
    fs::create_dir_all(site.join("_posts")).unwrap();
    fs::write(site.join("_config.yml"), "title: Essai\nurl: https://www.example.fr\ntimezone: UTC\n").unwrap();
    let mut yaml =
        format!("site: {{ root: {site:?} }}\nstore: \"sqlite:{}\"\nendpoints:\n", folder.join("crieur.db").display());
    for number in 0..ENDPOINTS {
        let _ = writeln!(
            yaml,
            "  {}: {{ network: webhook, hook: \"{address}/hook-{number}\", secret: {SECRET}, gap: 0s, allow_private: true }}",
            name(number),
        );
    }
    let all: Vec<String> = (0..ENDPOINTS).map(|number| name(number).to_string()).collect();
    let _ = writeln!(yaml, "rules: [{{ name: une, endpoints: [{}], settle: 0s, live_check: false }}]", all.join(", "));
    let (env, read) = (|_: &str| None, |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string()));
    Arc::new(config::parse("bench", &yaml, &Surroundings { env: &env, read: &read }).unwrap())
}

fn article(folder: &Path, number: usize, clock: &Clock) {
    let date = clock.now().strftime("%Y-%m-%d %H:%M:%S +0000");
    let words: Vec<String> = (0..80).map(|word| format!("mot{}", (number * 7_919 + word * 104_729) % 99_991)).collect();
    let text = format!("---\ntitle: Article n° {number}\ndate: {date}\n---\n\n{}.\n", words.join(" "));
    let day = clock.now().strftime("%Y-%m-%d");
    fs::write(folder.join(format!("site/_posts/{day}-article-{number}.md")), text).unwrap();
}

/// Delivers all that is due, each endpoint by a task of its own, as the daemon does.
async fn deliver(deliverer: &Arc<Deliverer>, snapshot: &Arc<Snapshot>) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..ENDPOINTS {
        let (deliverer, snapshot) = (Arc::clone(deliverer), Arc::clone(snapshot));
        tasks.spawn(async move {
            let endpoint = name(number);
            while let Step::Did(_) = deliverer.step(&endpoint, None, &snapshot).await.unwrap() {}
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// The same requests by the same client, ten at once, and nothing else; with a line on the disk before and after each, if
/// a folder is given.
async fn bare(address: &str, due: usize, text: &str, synced: Option<&Path>) {
    let client = client::client(true).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..ENDPOINTS {
        let (client, address) = (client.clone(), format!("{address}/hook-{number}"));
        let body = serde_json::json!({ "type": "post.published", "text": text });
        let file = synced.map(|folder| Arc::new(fs::File::create(folder.join(format!("{number}.log"))).unwrap()));
        tasks.spawn(async move {
            for _ in 0..due / ENDPOINTS {
                write_line(file.clone()).await;
                client.post(&address).json(&body).send().await.unwrap().text().await.unwrap();
                write_line(file.clone()).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// Puts a line on the disk.
async fn write_line(file: Option<Arc<fs::File>>) {
    let Some(file) = file else { return };
    let done = tokio::task::spawn_blocking(move || {
        (&*file).write_all(b"publication of one article to one endpoint\n").unwrap();
        file.sync_data().unwrap();
    });
    done.await.unwrap();
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let before = Instant::now();
    let done = work.await;
    (before.elapsed(), done)
}

async fn median(mut work: impl AsyncFnMut()) -> Duration {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(timed(work()).await.0);
    }
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
