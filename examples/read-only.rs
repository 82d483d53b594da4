//! The least that any program must do with a site: read every file and parse its front matter, with the same YAML library
//! as Crieur, on all cores. `cargo run --release --example read-only -- DIR [--threads N] [--json]`. What Crieur takes
//! longer than this is what it does: identities, feeds, plan, database.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool for the terminal that measures real time"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

const USAGE: &str = "read-only DIR [--threads N] [--json]";

#[derive(Default)]
struct Sum {
    files: usize,
    bytes: usize,
    /// Files whose front matter could be parsed.
    parsed: usize,
}

fn main() -> ExitCode {
    let mut folder = None;
    let mut threads = thread::available_parallelism().map_or(1, usize::from);
    let mut json = false;
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--threads" => match given.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0) {
                Some(number) => threads = number,
                None => return usage(),
            },
            _ if folder.is_none() => folder = Some(PathBuf::from(argument)),
            _ => return usage(),
        }
    }
    let Some(folder) = folder else { return usage() };
    let start = Instant::now();
    let mut files = Vec::new();
    list(&folder, &mut files);
    let sum = read(&files, threads);
    let seconds = start.elapsed().as_secs_f64();
    let Sum { files, bytes, parsed } = sum;
    if json {
        println!(
            "{{\"files\":{files},\"bytes\":{bytes},\"parsed\":{parsed},\"threads\":{threads},\"seconds\":{seconds:.6}}}"
        );
    } else {
        println!("{files} files, {bytes} bytes, {parsed} front matters, {threads} threads, {seconds:.3} s");
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => list(&entry.path(), files),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}

fn read(files: &[PathBuf], threads: usize) -> Sum {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let work: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut sum = Sum::default();
                    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let Ok(bytes) = fs::read(path) else { continue };
                        sum.files += 1;
                        sum.bytes += bytes.len();
                        sum.parsed += usize::from(parses(&bytes));
                    }
                    sum
                })
            })
            .collect();
        work.into_iter().filter_map(|thread| thread.join().ok()).fold(Sum::default(), |a, b| Sum {
            files: a.files + b.files,
            bytes: a.bytes + b.bytes,
            parsed: a.parsed + b.parsed,
        })
    })
}

/// Whether the front matter between the two lines of dashes is YAML.
fn parses(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let front = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---").map(|(front, _)| front));
    front.is_some_and(|front| serde_yaml::from_str::<serde_yaml::Value>(front).is_ok())
}
