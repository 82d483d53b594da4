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
        Self { file: file.into(), line: at.line, column: at.column, severity, message: message.into(), cure: None }
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
