//! Makes a Jekyll site of any size, to measure with: `cargo run --release --example make-corpus -- --out DIR --articles N`.
//!
//! The same seed gives the same bytes. Every text is its own: sentences are put together from short lists of words, so
//! that no two articles look like copies. Nothing is taken from anywhere.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, thread};

const USAGE: &str = "make-corpus --out DIR --articles N [--seed S]
  --out DIR       a folder that is not there yet, or is empty
  --articles N    how many articles
  --seed S        another site of the same kind (default 1)";

/// Collection, its title, its permalink, and how many articles of ten it gets.
const COLLECTIONS: [(&str, &str, &str, u64); 3] = [
    ("actualites", "Actualités", "/actualites/:title/", 6),
    ("communiques", "Communiqués", "/espace-presse/:title/", 3),
    ("evenements", "Événements", "/agenda/:title/", 1),
];
const CATEGORIES: [&str; 8] = [
    "Communiqué de presse",
    "Témoignage",
    "Journée d'échanges",
    "Service",
    "Publication",
    "Appel à projets",
    "Nomination",
    "Webinaire d'information",
];
const TAGS: usize = 120;
/// The last day, and how many days there are before it: fifteen years.
const LAST_DAY: i64 = days_from_civil(2026, 6, 30);
const DAYS: u64 = 15 * 365;

const THINGS: [&str; 24] = [
    "le service",
    "la commune",
    "l’agence",
    "le projet",
    "la plateforme",
    "l’équipe",
    "le réseau",
    "la démarche",
    "l’outil",
    "le guide",
    "la feuille de route",
    "le baromètre",
    "la formation",
    "l’annuaire",
    "le tableau de bord",
    "la charte",
    "le prestataire",
    "la médiathèque",
    "l’hébergement",
    "le formulaire",
    "la consultation",
    "l’archive",
    "le portail",
    "la messagerie",
];
const VERBS: [&str; 18] = [
    "accompagne",
    "simplifie",
    "ouvre à tous",
    "remplace",
    "présente",
    "prolonge",
    "prépare",
    "consolide",
    "mesure",
    "relie",
    "publie",
    "met à jour",
    "explique",
    "partage",
    "évalue",
    "soutient",
    "rend accessible",
    "fait connaître",
];
const ENDS: [&str; 16] = [
    "dans toutes les vallées",
    "avec les agents volontaires",
    "sans changer les habitudes",
    "dès la rentrée",
    "à la demande des habitants",
    "après une année d’essai",
    "pour un coût maîtrisé",
    "au plus près des écoles",
    "avec deux partenaires locaux",
    "selon le calendrier annoncé",
    "malgré l’hiver",
    "grâce aux retours reçus",
    "en s’appuyant sur l’existant",
    "là où le débit manque",
    "à budget constant",
    "en moins d’un mois",
];
const LINKS: [&str; 10] = [
    "Ainsi",
    "Pourtant",
    "Depuis",
    "En parallèle",
    "Chaque semaine",
    "À l’inverse",
    "Concrètement",
    "Cette année",
    "Enfin",
    "D’abord",
];
const ROOTS: [&str; 20] = [
    "accessibilité",
    "données",
    "hébergement",
    "logiciel",
    "médiation",
    "sobriété",
    "identité",
    "messagerie",
    "archives",
    "formation",
    "réseau",
    "cadastre",
    "cantine",
    "mobilité",
    "énergie",
    "lecture",
    "agenda",
    "paiement",
    "signature",
    "eau",
];
const KINDS: [&str; 6] = ["", " libre", " partagée", " publique", " en ligne", " locale"];

/// Parts of invented places: many, so that texts share few runs of words.
const HEADS: [&str; 20] = [
    "Mont", "Clair", "Haute", "Beau", "Val", "Font", "Roche", "Saint-Au", "Ville", "Puy", "Cour", "Grand", "Long",
    "Mar", "Noir", "Riche", "Sau", "Tour", "Ver", "Bel",
];
const MIDDLES: [&str; 20] = [
    "bé", "ca", "dra", "fé", "gny", "jou", "lan", "mé", "na", "pi", "qué", "ré", "sa", "té", "vi", "zo", "bro", "chan",
    "glé", "tri",
];
const TAILS: [&str; 16] = [
    "val", "lys", "mont", "court", "ville", "sac", "gnan", "rive", "bois", "lac", "champ", "pré", "zan", "nay", "rac",
    "tin",
];

/// A generator of numbers that needs no library (SplitMix64: a counter that is mixed).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap_or(0)]
    }

    /// A place in a list by Zipf's law: the n-th comes up 1/n times as often as the first.
    fn zipf(&mut self, sums: &[f64]) -> usize {
        let total = sums.last().copied().unwrap_or(1.0);
        let at = (self.roll() >> 11) as f64 / (1u64 << 53) as f64 * total;
        sums.partition_point(|sum| *sum <= at).min(sums.len() - 1)
    }
}

fn main() -> ExitCode {
    match arguments().and_then(|(out, articles, seed)| make(&out, articles, seed).map_err(|error| error.to_string())) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<(PathBuf, u64, u64), String> {
    let (mut out, mut articles, mut seed) = (None, None, 1);
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or(USAGE)?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is not a number\n{USAGE}"));
        match name.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--articles" => articles = Some(number()?),
            "--seed" => seed = number()?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok((out.ok_or(USAGE)?, articles.ok_or(USAGE)?, seed))
}

/// Writes the site into a folder; what it wrote, for people.
pub fn make(out: &Path, articles: u64, seed: u64) -> io::Result<String> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(io::Error::other(format!("{} is not empty", out.display())));
    }
    for (name, ..) in COLLECTIONS {
        for year in 2011..=2026 {
            fs::create_dir_all(out.join(format!("_{name}/{year}")))?;
        }
    }
    fs::write(out.join("_config.yml"), settings())?;
    let tags = tags();
    let sums: Vec<f64> = (1..=tags.len())
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        })
        .collect();
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let bytes = AtomicU64::new(0);
    thread::scope(|scope| {
        let (tags, sums, bytes) = (&tags, &sums, &bytes);
        let work: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || -> io::Result<()> {
                    for number in (first..articles).step_by(threads as usize) {
                        let (path, text) = article(number, articles, seed, tags, sums);
                        bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
                        fs::write(out.join(path), text)?;
                    }
                    Ok(())
                })
            })
            .collect();
        work.into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread ended"))))
    })?;
    Ok(format!("{articles} articles, {} bytes of text in {}", bytes.into_inner(), out.display()))
}

fn settings() -> String {
    let mut text = String::from(
        "title: Site de mesure\ndescription: Un site inventé, pour mesurer\nurl: https://www.mesure.example\nlanguage: fr\ntimezone: Europe/Paris\ncollections:\n",
    );
    for (name, title, permalink, _) in COLLECTIONS {
        let _ = write!(text, "  {name}:\n    title: {title}\n    output: true\n    permalink: {permalink}\n");
    }
    text
}

/// The tags, the most used first; accents, apostrophes and capitals as real ones have them.
fn tags() -> Vec<String> {
    let kinds = KINDS.iter().flat_map(|kind| ROOTS.iter().map(move |root| format!("{root}{kind}")));
    let capital = |(at, tag): (usize, String)| match at % 3 {
        0 => tag.chars().take(1).flat_map(char::to_uppercase).chain(tag.chars().skip(1)).collect(),
        _ => tag,
    };
    kinds.enumerate().map(capital).take(TAGS).collect()
}

/// The path and the text of one article; it depends on its number and the seed alone.
fn article(number: u64, articles: u64, seed: u64, tags: &[String], sums: &[f64]) -> (String, String) {
    let mut dice = Dice(seed.wrapping_mul(0x5851_F42D_4C95_7F2D) ^ number.wrapping_mul(0xA076_1D64_78BD_642F));
    let share = dice.below(10);
    let (collection, ..) = COLLECTIONS
        .into_iter()
        .scan(0, |sum, one| {
            *sum += one.3;
            Some((*sum, one))
        })
        .find(|(sum, _)| share < *sum)
        .map_or(COLLECTIONS[0], |(_, one)| one);
    // Spread evenly, with some chance in it: no two articles of the same second on small sites.
    let day = LAST_DAY - (number * DAYS / articles.max(1)) as i64 - dice.below(2) as i64;
    let (year, month, date) = civil_from_days(day);
    let (hour, minute) = (7 + dice.below(12), dice.below(60));
    let title = format!("{} {} {}", upper(dice.of(&THINGS)), dice.of(&VERBS), dice.of(&ENDS));
    let mut text = format!(
        "---\ntitle: \"{title} ({number})\"\ndate: {year}-{month:02}-{date:02} {hour:02}:{minute:02}:{:02} +01:00\n",
        number % 60
    );
    let _ = write!(text, "categories:\n- {}\n", dice.of(&CATEGORIES));
    let mut chosen: Vec<&str> = Vec::new();
    for _ in 0..=dice.below(5) {
        let tag = tags[dice.zipf(sums)].as_str();
        if !chosen.contains(&tag) {
            chosen.push(tag);
        }
    }
    text.push_str("tags:\n");
    chosen.iter().for_each(|tag| text.push_str(&format!("- {tag}\n")));
    let _ = writeln!(text, "chapeau-text: {}", sentence(&mut dice).replace(": ", " "));
    if dice.below(3) > 0 {
        let _ = write!(
            text,
            "une-ou-diaporama:\n- image: https://images.mesure.example/{number}.jpg\n  legende: Vue numéro {number}\n  alternative-textuelle: {} vu de près\n",
            upper(dice.of(&THINGS))
        );
    }
    if collection == "evenements" {
        let _ = write!(
            text,
            "event_start_date: {year}-{month:02}-{date:02} 14:00:00 +01:00\nevent_end_date: {year}-{month:02}-{date:02} 17:00:00 +01:00\nlieu: Maison des communs n° {}\n",
            dice.below(90) + 1
        );
    }
    text.push_str("---\n\n");
    body(&mut text, &mut dice, number);
    (format!("_{collection}/{year}/{}-{number}.md", slug(&title)), text)
}

/// Two to six thousand bytes of Markdown.
fn body(text: &mut String, dice: &mut Dice, number: u64) {
    let length = 2_000 + usize::try_from(dice.below(4_000)).unwrap_or(0);
    let start = text.len();
    while text.len() - start < length {
        match dice.below(9) {
            0 => {
                let _ = write!(text, "## {} {}\n\n", upper(dice.of(&THINGS)), dice.of(&ENDS));
            }
            1 => {
                for _ in 0..3 + dice.below(4) {
                    let _ = writeln!(text, "- **{}** {}", dice.of(&THINGS), dice.of(&ENDS));
                }
                text.push('\n');
            }
            2 => {
                let (other, word) = (dice.below(number + 1), dice.of(&THINGS));
                let _ = write!(text, "{} [Voir {word}](/actualites/article-{other}/).\n\n", sentence(dice));
            }
            3 if dice.below(3) == 0 => {
                text.push_str("| Année | Communes | Part |\n|---|---:|---:|\n");
                for year in 2020..2023 + dice.below(3) {
                    let _ = writeln!(text, "| {year} | {} | {} % |", dice.below(900), dice.below(100));
                }
                text.push('\n');
            }
            4 if dice.below(4) == 0 => {
                let _ = write!(
                    text,
                    "![{} en {}](https://images.mesure.example/{number}-{}.jpg)\n\n",
                    dice.of(&THINGS),
                    2000 + dice.below(26),
                    dice.below(99)
                );
            }
            5 if dice.below(2) == 0 => {
                let _ = write!(text, "> « {} »\n\n", sentence(dice));
            }
            _ => {
                for _ in 0..2 + dice.below(4) {
                    let _ = write!(text, "{} ", sentence(dice));
                }
                text.push_str("\n\n");
            }
        }
    }
}

fn sentence(dice: &mut Dice) -> String {
    let place = |dice: &mut Dice| format!("{}{}{}", dice.of(&HEADS), dice.of(&MIDDLES), dice.of(&TAILS));
    let start = match dice.below(3) {
        0 => dice.of(&LINKS).to_owned(),
        _ => format!("À {}", place(dice)),
    };
    let more = match dice.below(3) {
        0 => format!(", tandis que {} {} {} de {}", dice.of(&THINGS), dice.of(&VERBS), dice.of(&THINGS), place(dice)),
        1 => format!(" ; {} habitants sur {} y voient un progrès", 2 + dice.below(400), 400 + dice.below(900)),
        _ => String::new(),
    };
    let (one, verb, other, end) = (dice.of(&THINGS), dice.of(&VERBS), dice.of(&THINGS), dice.of(&ENDS));
    format!("{start}, {one} {verb} {other} de {} {end}{more}.", place(dice))
}

fn upper(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}

/// A file's name, as editors make them: ASCII, with hyphens.
fn slug(title: &str) -> String {
    let plain = title.chars().map(|c| match c {
        'à' | 'â' | 'À' => 'a',
        'é' | 'è' | 'ê' | 'É' => 'e',
        'î' => 'i',
        'ô' => 'o',
        'û' => 'u',
        'ç' => 'c',
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => '-',
    });
    let plain: String = plain.collect();
    plain.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// Days since 1970-01-01 of a day of the Gregorian calendar, and back.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let (mut year, mut left) = (1970, days);
    loop {
        let length = days_from_civil(year + 1, 1, 1) - days_from_civil(year, 1, 1);
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days_from_civil(year, *month, 1) <= days).unwrap_or(1);
    (year, month, days - days_from_civil(year, month, 1) + 1)
}
