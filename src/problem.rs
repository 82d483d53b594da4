//! What a person must look at: where it is, what is wrong, what to do.
//!
//! Broken content is not an error of the program. Readers return what they could read together with their
//! [`Problem`]s, and one bad file never stops the others.

use std::fmt;

/// How much a [`Problem`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is left out or refused until it is mended.
    Error,
    /// It works, but a reader will be served badly.
    Warning,
    /// Worth knowing, nothing to mend.
    Note,
}

impl Severity {
    /// All of them, the gravest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// The kind of a problem that was given none.
    fn kind(self) -> &'static str {
        match self {
            Self::Error => "other-error",
            Self::Warning => "other-warning",
            Self::Note => "other-note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing that a person must look at. Lines and columns count from 1; 0 means "the file as a whole".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the person knows it: relative to the site's root, or the configuration's path.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How much it matters.
    pub severity: Severity,
    /// The name of its kind, one of [`KINDS`]: stable, so that tools can group and mute by it.
    pub kind: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub cure: Option<String>,
}

impl Problem {
    /// An error at a place.
    pub fn error(file: impl Into<String>, at: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, file, at, message)
    }

    /// A warning at a place.
    pub fn warning(file: impl Into<String>, at: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, file, at, message)
    }

    /// A note at a place.
    pub fn note(file: impl Into<String>, at: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, file, at, message)
    }

    fn new(severity: Severity, file: impl Into<String>, at: Place, message: impl Into<String>) -> Self {
        let (line, column, kind) = (at.line, at.column, severity.kind());
        Self { file: file.into(), line, column, severity, kind, message: message.into(), cure: None }
    }

    /// The same problem under the name of its kind, one of [`KINDS`].
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// The same problem under the name of a kind, unless it has one already.
    pub fn kind_if_none(self, kind: &'static str) -> Self {
        if self.kind == self.severity.kind() { self.kind(kind) } else { self }
    }

    /// The same problem with what to do about it.
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    /// The same problem with its file under a folder, for people who stand outside of it. The site's own
    /// configuration is named with its folder already.
    pub fn under(&self, root: &std::path::Path) -> Self {
        let mut moved = self.clone();
        if !std::path::Path::new(&self.file).starts_with(root) {
            moved.file = root.join(&self.file).display().to_string();
        }
        moved
    }

    /// Message and cure in one line, for JSON and logs.
    pub fn sentence(&self) -> String {
        match &self.cure {
            Some(cure) => format!("{}; {cure}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, message) = (on_one_line(&self.file), on_one_line(&self.message));
        write!(f, "{file}:{}:{}: {}: {message}", self.line, self.column, self.severity)?;
        if let Some(cure) = &self.cure {
            write!(f, "\n    {cure}")?;
        }
        Ok(())
    }
}

/// A file's name may hold a line end, and a value a terminal's control characters.
fn on_one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// A kind of problem, for tools that group, explain and mute by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name: lower-case words with hyphens; never changed once released.
    pub name: &'static str,
    /// How much its problems matter, as a rule.
    pub severity: Severity,
    /// What is wrong, in general.
    pub says: &'static str,
    /// What to do about it, in general.
    pub cure: &'static str,
}

/// A line of [`KINDS`].
const fn known(name: &'static str, severity: Severity, says: &'static str, cure: &'static str) -> Kind {
    Kind { name, severity, says, cure }
}

/// All kinds, by name. `docs/commands.md` lists them; a test holds both together.
pub const KINDS: &[Kind] = &[
    known(
        "all-caps-title",
        Severity::Note,
        "A title is written in capitals.",
        "Write it as a sentence: screen readers may spell capitals out.",
    ),
    known(
        "bad-alias",
        Severity::Error,
        "An old address of a feed leads to a feed that does not exist.",
        "Name one that `crieur feeds` lists.",
    ),
    known(
        "bad-configuration",
        Severity::Error,
        "The configuration cannot be used as it is written.",
        "Correct the value; docs/configuration.md tells every key.",
    ),
    known(
        "bad-date",
        Severity::Error,
        "A date cannot be read, so the article is left out.",
        "Write it as 2026-01-31 09:30:00 +01:00.",
    ),
    known(
        "bad-event-status",
        Severity::Warning,
        "What is said of an event does not tell whether it takes place.",
        "Write cancelled, postponed or scheduled.",
    ),
    known(
        "bad-flag",
        Severity::Warning,
        "A value is neither true nor false, and counts as false.",
        "Write true or false.",
    ),
    known(
        "bad-front-matter",
        Severity::Error,
        "The front matter cannot be read, so the article is left out.",
        "Correct the line; values with a colon need quotes.",
    ),
    known("bad-language", Severity::Warning, "A language is none.", "Write a code such as fr or en-GB."),
    known(
        "bad-permalink",
        Severity::Error,
        "A permalink makes no address.",
        "Write a path such as /actualites/titre/.",
    ),
    known(
        "bad-social-text",
        Severity::Error,
        "A text for social networks cannot be filled in.",
        "Correct the names in it; docs/configuration.md lists them.",
    ),
    known(
        "bad-truth",
        Severity::Error,
        "A value is neither true nor false, so the article is left out.",
        "Write true or false.",
    ),
    known(
        "cut-hashtag",
        Severity::Warning,
        "A network that is posted to does not read an official hashtag whole.",
        "Write # and letters or digits, at least one letter among them.",
    ),
    known(
        "dead-link",
        Severity::Warning,
        "A link leads nowhere, or to an article that there is not.",
        "Write its address, or correct the name of the article.",
    ),
    known("distant-date", Severity::Warning, "A date is over a hundred years away.", "Correct the year."),
    known(
        "empty-correction",
        Severity::Warning,
        "A correction does not say what was corrected.",
        "Write what was wrong and what is right.",
    ),
    known("endpoint-refused", Severity::Error, "An endpoint cannot be used.", "Look at its server and token."),
    known(
        "endpoint-remark",
        Severity::Warning,
        "An endpoint works, and something of it should be mended.",
        "Do what it says.",
    ),
    known("event-order", Severity::Warning, "An event ends before it starts.", "Correct one of the two dates."),
    known(
        "feed-error",
        Severity::Error,
        "An article would make a feed invalid or unsafe, so no feed shows it as it is now.",
        "Do what the message says; the word in brackets is the W3C feed validator's name for it.",
    ),
    known(
        "feed-note",
        Severity::Note,
        "Something in an article had to be mended for feeds.",
        "Mend it in the article; the word in brackets is the W3C feed validator's name for it.",
    ),
    known(
        "feed-warning",
        Severity::Warning,
        "Something in an article earns its feeds a warning of the W3C validator.",
        "Do what the message says; the word in brackets is that validator's name for it.",
    ),
    known(
        "future-date",
        Severity::Note,
        "An article's date is to come.",
        "Nothing, if it is meant: it appears by itself at that time.",
    ),
    known(
        "left-out-code",
        Severity::Note,
        "Something in a text can only be filled in by the site itself.",
        "Nothing, if readers of the feeds can do without it.",
    ),
    known("long-title", Severity::Warning, "A title is over 300 characters long.", "Shorten it."),
    known(
        "made-hashtag",
        Severity::Note,
        "Hashtags are made of tags that the dictionary does not have.",
        "Add those that have an official hashtag to hashtags.dictionary.",
    ),
    known("missing-alt", Severity::Warning, "An image has no alternative text.", "Write what it shows."),
    known(
        "missing-date",
        Severity::Warning,
        "An article has no date, so it is never announced by itself.",
        "Give it a date.",
    ),
    known(
        "missing-file",
        Severity::Warning,
        "An article names a file that is not in the site's folder.",
        "Upload it, or correct its name.",
    ),
    known("missing-title", Severity::Error, "An article has no title, so it is left out.", "Give it a title."),
    known(
        "no-article",
        Severity::Note,
        "A file of a collection is no article.",
        "Start it with a front matter, or move it.",
    ),
    known(
        "no-threads",
        Severity::Note,
        "A rule has `thread: true`, and an endpoint of it has no threads: there a text that is too long is shortened.",
        "Nothing, if that is meant; a bot can do more than a hook.",
    ),
    known(
        "other-error",
        Severity::Error,
        "Something is left out or refused until it is mended.",
        "Do what the message says.",
    ),
    known("other-note", Severity::Note, "Something is worth knowing.", "Do what the message says."),
    known("other-warning", Severity::Warning, "A reader will be served badly.", "Do what the message says."),
    known(
        "overlapping-rules",
        Severity::Warning,
        "Two rules post the same article to the same endpoint.",
        "Narrow one of the rules, for example with `not`.",
    ),
    known(
        "repeated-key",
        Severity::Warning,
        "A key stands twice in a front matter; the last one counts.",
        "Take out the one that is wrong.",
    ),
    known(
        "same-address",
        Severity::Warning,
        "Two articles have the same address.",
        "Rename one of the two, or give it a permalink.",
    ),
    known(
        "same-title",
        Severity::Note,
        "Two articles of the same days have the same title.",
        "Look whether one is a copy; else tell them apart by their titles.",
    ),
    known(
        "site-missing",
        Severity::Error,
        "The files of the site cannot be looked at.",
        "Look at `site.root` and the rights of the folder.",
    ),
    known(
        "site-settings",
        Severity::Error,
        "The site's own settings cannot be used.",
        "Correct them, or say it under `site` in Crieur's configuration.",
    ),
    known(
        "skipped-heading",
        Severity::Note,
        "A heading leaves out a level.",
        "Leave out none: screen readers move by them.",
    ),
    known("store", Severity::Error, "The database cannot be opened.", "Look at its path and its rights."),
    known(
        "term-number",
        Severity::Note,
        "A tag or category stands in the singular and in the plural.",
        "Keep one of the two.",
    ),
    known(
        "term-spelling",
        Severity::Warning,
        "A tag or category is spelled in several ways.",
        "Write it as most articles do.",
    ),
    known(
        "unreadable-file",
        Severity::Error,
        "A file cannot be read, so the article is left out.",
        "Look at its rights, its size and its encoding.",
    ),
    known(
        "unused-correction",
        Severity::Note,
        "A rule has a `correction` text, and posts no corrections.",
        "Add `on_edit: correct`, or take it out.",
    ),
    known(
        "unused-hashtag",
        Severity::Note,
        "A hashtag of the dictionary belongs to a term that no article has.",
        "Look for a misspelling, or take the line out.",
    ),
    known(
        "unused-selection",
        Severity::Warning,
        "A rule asks for a collection or term that nobody has.",
        "Look for a misspelling, or take it out.",
    ),
    known(
        "vague-link",
        Severity::Note,
        "The text of a link does not say where it leads.",
        "Name what the reader will find: screen readers list links without their sentence.",
    ),
];

/// A line and a column, both from 1; [`Place::FILE`] is the file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The first character: where a person starts to look when nothing better is known.
    pub const FILE: Place = Place { line: 1, column: 1 };

    /// The place of a byte in a text.
    pub fn of_byte(text: &str, byte: usize) -> Place {
        let mut end = byte.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }

    /// The same place in a file of which this text starts after `lines` lines.
    pub fn below(self, lines: usize) -> Place {
        Place { line: self.line + lines, column: self.column }
    }
}
