//! Measures how fast feeds are served, side by side with nginx, which serves the same bytes from disk:
//!
//! ```text
//! apt-get install nginx-light wrk
//! cargo build --release
//! cargo bench --bench serve
//! ```
//!
//! Both run at once on this machine, with as many threads as each other, and rest while the other one is asked. The
//! cases are asked in turn, several rounds; each figure is the median of its rounds. nginx has the settings that suit it
//! best (`sendfile`, `gzip_static`, no log), once without and once with its cache of open files.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool for the terminal that measures real time"
)]

use serde_json::json;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::{available_parallelism, sleep};
use std::time::Duration;

const USAGE: &str = "serve [--rounds N] [--seconds N] [--connections N] [--crieur FILE] [--json FILE]
  --rounds N       how often each case is asked of each server (default 7)
  --seconds N      how long each time (default 4)
  --connections N  how many connections ask at once (default 64)
  --crieur FILE    the program (default: beside this one's folder)
  --json FILE      where to write the figures";

const PATIENCE: u32 = 500;
const POLL: Duration = Duration::from_millis(20);
/// Entries of the feed, and words of each: some 40 KB in all.
const ENTRIES: usize = 20;
const WORDS: usize = 86;
const PATH: &str = "/feeds/all.atom";

type Outcome<T> = Result<T, String>;

struct Settings {
    rounds: usize,
    seconds: usize,
    connections: usize,
    crieur: PathBuf,
    json: Option<PathBuf>,
}

/// One that serves the feed.
struct Contender {
    name: &'static str,
    address: SocketAddr,
    /// Its validator of the gzip form.
    etag: String,
    /// Its processes: one, or a master and those it started.
    process: u32,
}

/// What one round gave.
#[derive(Clone, Copy, Default)]
struct Round {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// Processor time of the server for one request: it hardly depends on what else the machine does.
    cpu_us: f64,
}

struct Case {
    name: &'static str,
    is_known: bool,
    keeps: bool,
}

const CASES: [Case; 4] = [
    Case { name: "200, gzip", is_known: false, keeps: true },
    Case { name: "304", is_known: true, keeps: true },
    Case { name: "200, gzip, a connection each", is_known: false, keeps: false },
    Case { name: "304, a connection each", is_known: true, keeps: false },
];

/// Stops a process when it is no more needed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // nginx's master ends its workers when it is asked, not when it is killed.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

fn main() -> ExitCode {
    match settings().and_then(|settings| measure(&settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

fn settings() -> Outcome<Settings> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let release = own.parent().and_then(Path::parent).ok_or(USAGE)?.to_owned();
    let mut settings = Settings { rounds: 7, seconds: 4, connections: 64, crieur: release.join("crieur"), json: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        if name == "--bench" {
            continue; // what cargo says to every bench
        }
        let value = given.next().ok_or(USAGE)?;
        let number = || value.parse::<usize>().map_err(|_| format!("`{value}` is not a number\n{USAGE}"));
        match name.as_str() {
            "--rounds" => settings.rounds = number()?.max(1),
            "--seconds" => settings.seconds = number()?.max(1),
            "--connections" => settings.connections = number()?.max(1),
            "--crieur" => settings.crieur = value.clone().into(),
            "--json" => settings.json = Some(value.clone().into()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if !settings.crieur.is_file() {
        return Err(format!("{} is not there: cargo build --release", settings.crieur.display()));
    }
    Ok(settings)
}

fn measure(settings: &Settings) -> Outcome<()> {
    let versions = [("nginx", "-v"), ("wrk", "-v")].map(|(program, flag)| version(program, flag));
    let [Some(nginx_version), Some(wrk_version)] = versions else {
        return Err("nginx and wrk must be there: apt-get install nginx-light wrk".to_owned());
    };
    let threads = available_parallelism().map_or(1, usize::from);
    let folder = std::env::temp_dir().join(format!("crieur-serve-{}", std::process::id()));
    let (crieur, running) = start_crieur(settings, &folder)?;
    let plain = ask(crieur, "identity")?;
    let packed = ask(crieur, "gzip")?;
    let (ports, nginx) = start_nginx(&folder, threads, &plain.body, &packed.body)?;
    let mut contenders =
        vec![Contender { name: "Crieur", address: crieur, etag: packed.header("etag"), process: running.0.id() }];
    for (name, port) in [("nginx", ports[0]), ("nginx, files kept open", ports[1])] {
        let served = ask(port, "gzip")?;
        if served.body != packed.body || served.header("content-encoding") != "gzip" {
            return Err("nginx does not serve the same bytes".to_owned());
        }
        contenders.push(Contender { name, address: port, etag: served.header("etag"), process: nginx.0.id() });
    }
    let mut rounds = vec![vec![Vec::new(); contenders.len()]; CASES.len()];
    for round in 0..settings.rounds {
        eprintln!("round {} of {}", round + 1, settings.rounds);
        for (case, kept) in CASES.iter().zip(&mut rounds) {
            // Nobody is always the first.
            for step in 0..contenders.len() {
                let at = (step + round) % contenders.len();
                kept[at].push(load(settings, threads, case, &contenders[at])?);
            }
        }
    }
    let memory: Vec<u64> = contenders.iter().map(|contender| memory(contender.process)).collect();
    let medians: Vec<Vec<Round>> =
        rounds.iter().map(|case| case.iter().map(|rounds| median(rounds)).collect()).collect();
    println!(
        "{} bytes, {} as gzip; {threads} threads each, {} connections, {} rounds of {} s, medians\ncrieur {}, {nginx_version}, {wrk_version}\n",
        plain.body.len(),
        packed.body.len(),
        settings.connections,
        settings.rounds,
        settings.seconds,
        env!("CARGO_PKG_VERSION"),
    );
    print!("{}", table(&contenders, &medians, &memory));
    if let Some(file) = &settings.json {
        let figures: Vec<_> = CASES
            .iter()
            .zip(&medians)
            .flat_map(|(case, medians)| contenders.iter().zip(medians).map(move |(contender, round)| {
                json!({ "case": case.name, "server": contender.name, "per_second": round.per_second, "p50_us": round.p50_us, "p99_us": round.p99_us, "cpu_us": round.cpu_us })
            }))
            .collect();
        fs::write(file, format!("{:#}\n", json!(figures))).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

/// The first line in which a program names its version.
fn version(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let line = String::from_utf8_lossy(&said).lines().next()?.to_owned();
    Some(line.replace("nginx version: ", "").split(" Copyright").next()?.trim().to_owned())
}

fn start_crieur(settings: &Settings, folder: &Path) -> Outcome<(SocketAddr, Running)> {
    let site = folder.join("site/_actualites");
    fs::create_dir_all(&site).map_err(|error| error.to_string())?;
    let config =
        "url: https://www.example.fr\ntitle: Essai\nlanguage: fr\ncollections: { actualites: { output: true } }\n";
    let yaml = format!(
        "site: {{ root: {:?} }}\nstore: {:?}\nfeeds: {{ hubs: [self] }}\n",
        folder.join("site"),
        format!("sqlite:{}", folder.join("crieur.db").display())
    );
    let mut files = vec![(folder.join("site/_config.yml"), config.to_owned()), (folder.join("crieur.yaml"), yaml)];
    let mut state: u64 = 7;
    for number in 0..ENTRIES {
        let text = words(&mut state, WORDS);
        let front = format!("---\ntitle: Article {number}\ndate: 2026-10-{:02}\ntags: [Essai]\n---\n", number + 1);
        files.push((site.join(format!("a{number}.md")), format!("{front}\n{text}\n")));
    }
    for (path, text) in files {
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let address = free_port()?;
    let child = Command::new(&settings.crieur)
        .arg("--config")
        .arg(folder.join("crieur.yaml"))
        .args(["run", "--listen", &address.to_string()])
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error}", settings.crieur.display()))?;
    let running = Running(child);
    wait_for(address)?;
    Ok((address, running))
}

/// Text of words that are not all alike, so that it packs as text does.
fn words(state: &mut u64, count: usize) -> String {
    const SYLLABLES: [&str; 24] = [
        "nu", "mé", "ri", "que", "ser", "vice", "pu", "blic", "don", "née", "ou", "ver", "te", "pro", "jet", "a",
        "gent", "mi", "ni", "stè", "re", "com", "mun", "e",
    ];
    let mut next = |most: usize| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*state >> 33).unwrap_or(0) % most
    };
    let mut word = || (0..2 + next(3)).map(|_| SYLLABLES[next(SYLLABLES.len())]).collect::<String>();
    (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
}

fn start_nginx(folder: &Path, threads: usize, plain: &[u8], packed: &[u8]) -> Outcome<([SocketAddr; 2], Running)> {
    let root = folder.join("nginx");
    let feeds = root.join("feeds");
    fs::create_dir_all(&feeds).map_err(|error| error.to_string())?;
    // Its workers may run as somebody else.
    for (name, bytes) in [("all.atom", plain), ("all.atom.gz", packed)] {
        fs::write(feeds.join(name), bytes).map_err(|error| error.to_string())?;
    }
    let ports = [free_port()?, free_port()?];
    let shown = root.display();
    let config = format!(
        "worker_processes {threads};\nerror_log {shown}/error.log;\npid {shown}/nginx.pid;\ndaemon off;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  tcp_nodelay on;\n  keepalive_timeout 75;\n  keepalive_requests 1000000000;\n\
           types {{ application/atom+xml atom; }}\n  gzip_static on;\n  gzip_vary on;\n  etag on;\n  root {shown};\n\
           client_body_temp_path {shown}/body;\n  proxy_temp_path {shown}/proxy;\n  fastcgi_temp_path {shown}/fastcgi;\n  uwsgi_temp_path {shown}/uwsgi;\n  scgi_temp_path {shown}/scgi;\n\
           server {{ listen {}; }}\n  server {{ listen {}; open_file_cache max=100 inactive=1h; open_file_cache_valid 1h; }}\n}}\n",
        ports[0], ports[1]
    );
    let file = root.join("nginx.conf");
    fs::write(&file, config).map_err(|error| error.to_string())?;
    let child = Command::new("nginx")
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("nginx: {error}"))?;
    let running = Running(child);
    for port in ports {
        wait_for(port)?;
    }
    Ok((ports, running))
}

fn free_port() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map_err(|error| error.to_string())
}

fn wait_for(address: SocketAddr) -> Outcome<()> {
    for _ in 0..PATIENCE {
        if ask(address, "identity").is_ok_and(|answer| answer.status == "200") {
            return Ok(());
        }
        sleep(POLL);
    }
    Err(format!("{address} never served {PATH}"))
}

struct Answer {
    status: String,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .next()
            .unwrap_or_default()
    }
}

fn ask(address: SocketAddr, coding: &str) -> Outcome<Answer> {
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "GET {PATH} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n"
        )?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = exchange().map_err(|error| format!("{address}: {error}"))?;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no answer")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    Ok(Answer { status: head.split(' ').nth(1).unwrap_or_default().to_owned(), head, body: bytes[end + 4..].to_vec() })
}

fn load(settings: &Settings, threads: usize, case: &Case, contender: &Contender) -> Outcome<Round> {
    let mut wrk = Command::new("wrk");
    wrk.args(["--latency", "-H", "Accept-Encoding: gzip"])
        .args(["-t", &threads.to_string(), "-c", &settings.connections.to_string()])
        .args(["-d", &format!("{}s", settings.seconds)]);
    if case.is_known {
        wrk.args(["-H", &format!("If-None-Match: {}", contender.etag)]);
    }
    if !case.keeps {
        wrk.args(["-H", "Connection: close"]);
    }
    let before = cpu_us(contender.process);
    let address = format!("http://{}{PATH}", contender.address);
    let output = wrk.arg(address).output().map_err(|error| format!("wrk: {error}"))?;
    let spent = cpu_us(contender.process) - before;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // A 304 is none of those that wrk counts as errors.
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(format!("{}: {}\n{said}", contender.name, case.name));
    }
    let figure = |name: &str| said.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let read = || {
        Some(Round {
            per_second: figure("Requests/sec:")?.parse().ok()?,
            p50_us: microseconds(figure("50%")?)?,
            p99_us: microseconds(figure("99%")?)?,
            cpu_us: spent
                / said.lines().find_map(|line| line.trim().split_once(" requests in "))?.0.parse::<f64>().ok()?,
        })
    };
    read().ok_or_else(|| format!("wrk said something else:\n{said}"))
}

/// Processor time of a process and those it started, as the system's clock counts it (100 ticks a second).
fn cpu_us(process: u32) -> f64 {
    let own = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything.
    let fields: Vec<&str> = own.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>();
    ticks * 10_000.0 + children(process).map(cpu_us).sum::<f64>()
}

/// The processes that a process started.
fn children(process: u32) -> impl Iterator<Item = u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>().into_iter()
}

fn microseconds(text: &str) -> Option<f64> {
    for (unit, times) in [("us", 1.0), ("ms", 1_000.0), ("s", 1_000_000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().ok().map(|number| number * times);
        }
    }
    None
}

fn median(rounds: &[Round]) -> Round {
    let of = |figure: fn(&Round) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Round {
        per_second: of(|round| round.per_second),
        p50_us: of(|round| round.p50_us),
        p99_us: of(|round| round.p99_us),
        cpu_us: of(|round| round.cpu_us),
    }
}

/// The memory of a process and those it started that is theirs alone, and their share of what is not; in KiB.
fn memory(process: u32) -> u64 {
    let own = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let pss = own.lines().find_map(|line| line.strip_prefix("Pss:")).and_then(|rest| rest.trim().strip_suffix("kB"));
    pss.and_then(|kibibytes| kibibytes.trim().parse::<u64>().ok()).unwrap_or(0)
        + children(process).map(memory).sum::<u64>()
}

fn table(contenders: &[Contender], medians: &[Vec<Round>], memory: &[u64]) -> String {
    let mut table = String::from(
        "| | server | requests per second | to nginx | processor time for each | to nginx | p50 | p99 |\n|---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (case, medians) in CASES.iter().zip(medians) {
        for (contender, round) in contenders.iter().zip(medians) {
            let nginx = medians[1];
            let _ = writeln!(
                table,
                "| {} | {} | {:.0} | {:.2} | {:.1} µs | {:.2} | {:.2} ms | {:.1} ms |",
                case.name,
                contender.name,
                round.per_second,
                round.per_second / nginx.per_second,
                round.cpu_us,
                round.cpu_us / nginx.cpu_us,
                round.p50_us / 1_000.0,
                round.p99_us / 1_000.0
            );
        }
    }
    table.push_str("\n| memory after all that (Pss) | |\n|---|---:|\n");
    for (contender, memory) in contenders.iter().zip(memory).take(2) {
        let _ = writeln!(table, "| {} | {:.1} MiB |", contender.name, *memory as f64 / 1_024.0);
    }
    table
}
