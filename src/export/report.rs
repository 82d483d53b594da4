//! What an export did, and what kept it from the rest.

/// What an export did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Files or objects that are new or changed.
    pub changed: usize,
    /// Files or objects that were as they should be.
    pub kept: usize,
    /// Files or objects that were ours and are no longer wanted.
    pub removed: usize,
    /// Of those changed: how many held something else that was not ours.
    pub replaced: usize,
    /// Documents on demand that are still to be made: the next export goes on with them.
    pub left: usize,
    /// What could not be done: each kind once, with the first of its kind.
    pub troubles: Vec<Trouble>,
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What, where and why.
    pub message: String,
    /// What a person can do about it.
    pub cure: String,
    /// Whether it may be over by itself in a moment.
    pub is_passing: bool,
    /// How many others are in the same trouble.
    pub others: usize,
}

impl Trouble {
    /// Trouble that lasts until a person acts.
    pub fn lasting(message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { message: message.into(), cure: cure.into(), is_passing: false, others: 0 }
    }

    /// Trouble that may be over by itself.
    pub fn passing(message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { is_passing: true, ..Self::lasting(message, cure) }
    }

    /// A document that cannot be made now.
    pub(super) fn cannot_be_made(name: &str) -> Self {
        Self::passing(
            format!("{name} cannot be made"),
            "what is there stays; it is tried again, and `crieur check` says what is wrong with articles",
        )
    }

    /// Message, how many others, and cure, in one line.
    pub fn sentence(&self) -> String {
        let others = match self.others {
            0 => String::new(),
            1 => " (and one other)".to_owned(),
            others => format!(" (and {others} others)"),
        };
        format!("{}{others}; {}", self.message, self.cure)
    }
}

impl Report {
    /// The report of an export that ended by itself.
    pub fn ended(error: &dyn std::fmt::Display) -> Self {
        let trouble = Trouble::passing(format!("the export ended: {error}"), "it is tried again");
        Self { troubles: vec![trouble], ..Self::default() }
    }

    /// Takes note of trouble: of those with one cure, the first is told and the others are counted.
    pub(super) fn trouble(&mut self, trouble: Trouble) {
        match self.troubles.iter_mut().find(|known| known.cure == trouble.cure) {
            Some(known) => known.others += 1,
            None => self.troubles.push(trouble),
        }
    }

    /// What this export and a later one to the same place did together.
    pub fn then(self, later: Self) -> Self {
        let changed = self.changed + later.changed;
        Self {
            changed,
            kept: later.there().saturating_sub(changed),
            removed: self.removed + later.removed,
            replaced: self.replaced + later.replaced,
            ..later
        }
    }

    /// How many files or objects there are now.
    pub fn there(&self) -> usize {
        self.changed + self.kept
    }
}
