//! Every secret of a configuration holds one word, and the word shows nowhere: not in what any command prints, at the most
//! talkative log, not on a page or in an answer of the API, not in a file beside the configuration. All networks are
//! there, and all of them answer in troubled ways, which is when secrets slip out.

use crate::support::fakes::{CANARY, Fake, Mood};
use crate::support::rows::ROWS;
use crate::support::serving::Serving;
use crate::support::{Crieur, Place};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

/// The word, as it may be spelled: in clear, and in base64 at each place of three bytes.
fn spellings() -> Vec<Vec<u8>> {
    let coded = |before: &str| {
        let coded = BASE64_STANDARD.encode(format!("{before}{CANARY}"));
        // Six bits a character: those that hang on the word alone, and not on its neighbours.
        let (from, to) = (8 * before.len(), 8 * (before.len() + CANARY.len()));
        coded.as_bytes()[from.div_ceil(6)..to / 6].to_vec()
    };
    std::iter::once(CANARY.as_bytes().to_vec()).chain(["", "-", "--"].map(coded)).collect()
}

fn shows_no_secret(what: &str, bytes: &[u8]) {
    for word in spellings() {
        let found = bytes.windows(word.len()).position(|window| window == word);
        let near = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(80)..bytes.len().min(at + 80)]));
        assert!(near.is_none(), "{what}: …{}…", near.unwrap_or_default());
    }
}

/// All networks, each in some trouble, and every other secret there is.
async fn configuration(place: &Place) -> (Crieur, Vec<Fake>) {
    let (mut endpoints, mut names, mut fakes) = (String::new(), Vec::new(), Vec::new());
    for (number, row) in ROWS.iter().enumerate() {
        let fake = Fake::start(row.api).await;
        let moods = [Mood::Unknown, Mood::KeepThen(500), Mood::Unwanted, Mood::KeepThenGarbage, Mood::TooMuch(60)];
        let at = number % moods.len();
        fake.moods(moods.into_iter().skip(at).take(1));
        let name = format!("{}-{number}", row.name.replace(' ', "-"));
        let _ = writeln!(endpoints, "  {name}: {{ {}, gap: 0s, allow_private: true }}", (row.keys)(&fake.url));
        names.push(name);
        fakes.push(fake);
    }
    let crieur = place.crieur(&format!(
        "endpoints:\n{endpoints}  journal: {{ network: journal }}\nrules: [{{ name: une, endpoints: [{}, journal], live_check: false, settle: 0s, fresh: 3650d }}]\nbaseline: none\nhttp: {{ admin_token: {CANARY}-admin-0123456789, people: {{ aya: {{ token: {CANARY}-aya-0123456789 }} }} }}",
        names.join(", ")
    ));
    (crieur, fakes)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_shows_anywhere() {
    let place = Place::new();
    place.article("_actualites/une.md", "title: Une\ndate: 2026-11-20\ntags: [Cloud]");
    let (crieur, fakes) = configuration(&place).await;
    let said = |arguments: &[&str]| {
        let output = crieur.command(arguments).env("CRIEUR_LOG", "trace").output().unwrap();
        shows_no_secret(&format!("{arguments:?}, standard output"), &output.stdout);
        shows_no_secret(&format!("{arguments:?}, standard error"), &output.stderr);
        output
    };
    let first = said(&["run", "--once"]);
    assert!(first.stderr.len() > 1_000, "the log has something to look through: {}", first.stderr.len());
    let tried = fakes.iter().filter(|fake| !fake.requests().is_empty()).count();
    assert_eq!(tried, ROWS.len(), "every network was called");

    let commands = "check --json|check --online|plan --json|preview une --json|posts --json|posts show 1|posts retry 1|
        posts retry 2 --as aya|posts show 2|feeds --json|endpoints --json|log export|log verify|hub|backfill --plan|
        silence on --reason essai --as aya|silence off --as aya|publish-now une --dry-run|publish-now une --as aya|campaigns";
    commands.split('|').for_each(|line| drop(said(&line.split_whitespace().collect::<Vec<_>>())));
    for row in crieur.json(&["endpoints", "--json"]).as_array().unwrap() {
        said(&["endpoints", "test", row["name"].as_str().unwrap()]);
    }

    // The daemon, its log and its pages.
    let log = place.path("log.txt");
    let mut command = crieur.command(&["run", "--listen", "127.0.0.1:0"]);
    command.env("CRIEUR_LOG", "trace");
    let serving = Serving::with_log(command, Stdio::from(std::fs::File::create(&log).unwrap()));
    let bearer = format!("Bearer {CANARY}-aya-0123456789");
    let paths = "/|/feeds/|/feeds/all.rss|/timeline|/metrics|/healthz|/readyz|/admin/|/admin/posts|/admin/posts/1|
        /api/v1/posts|/api/v1/posts/1|/api/v1/plan|/api/v1/feeds|/api/v1/endpoints|/api/v1/silence|/api/v1/openapi.json";
    for path in paths.split('|').map(str::trim) {
        for headers in [&[][..], &[("Authorization", bearer.as_str()), ("Accept-Language", "fr")]] {
            let answer = serving.get(path, headers);
            assert!(answer.status < 500, "{path}: {}", answer.status);
            shows_no_secret(path, &answer.body);
            shows_no_secret(path, format!("{:?}", answer.headers).as_bytes());
        }
    }
    drop(serving);
    let mut files = 0;
    every_file(place.folder.path(), &mut |file| {
        if file != crieur.file {
            files += 1;
            shows_no_secret(&file.display().to_string(), &std::fs::read(file).unwrap());
        }
    });
    assert!(files > 3, "{files}");
}

fn every_file(folder: &Path, work: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { every_file(&path, work) } else { work(&path) }
    }
}

#[test]
fn a_word_that_slips_out_is_seen() {
    let place = Place::new();
    place.article(&format!("_actualites/{CANARY}.md"), &format!("title: Une {CANARY}\ndate: 2026-11-20"));
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]\nbaseline: none";
    let crieur = place.crieur(rest);
    let is_seen = |bytes: &[u8]| std::panic::catch_unwind(|| shows_no_secret("", bytes)).is_err();
    assert!(is_seen(crieur.ok(&["plan"]).as_bytes()));
    crieur.ok(&["run", "--once"]);
    let mut seen = 0;
    every_file(place.folder.path(), &mut |file| {
        seen += usize::from(file.to_string_lossy().contains("crieur.db") && is_seen(&std::fs::read(file).unwrap()));
    });
    assert!(seen > 0, "in the database");
    for before in ["", "x", "xy"] {
        assert!(is_seen(BASE64_STANDARD.encode(format!("{before}{CANARY}: tail")).as_bytes()), "{before}");
    }
    assert!(!is_seen(b"nothing of the kind"));
}
