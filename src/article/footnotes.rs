//! Footnotes as kramdown and goldmark number them: in the order in which the text names them, at its end, each with a
//! way back to every place that names it.

use pulldown_cmark::{Event, Tag, TagEnd};
use std::collections::HashMap;

/// The events of a text, and of its notes beside it.
#[derive(Debug)]
pub(super) struct Footnotes<'a> {
    shown: bool,
    text: Vec<Event<'a>>,
    /// What each note says, by label.
    notes: HashMap<String, Vec<Event<'a>>>,
    /// The notes that are open, the innermost last.
    open: Vec<(String, Vec<Event<'a>>)>,
    /// Labels in the order in which they are named.
    order: Vec<String>,
    /// By label: its number, and how often it is named.
    numbers: HashMap<String, (usize, usize)>,
}

/// Stands for a note's number until its text is known to exist.
const MARK: &str = "\u{1}note ";

impl<'a> Footnotes<'a> {
    pub(super) fn new(shown: bool) -> Self {
        Self {
            shown,
            text: Vec::new(),
            notes: HashMap::new(),
            open: Vec::new(),
            order: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Where events go now.
    pub(super) fn events(&mut self) -> &mut Vec<Event<'a>> {
        self.open.last_mut().map_or(&mut self.text, |(_, events)| events)
    }

    /// A note begins.
    pub(super) fn start(&mut self, label: String) {
        self.open.push((label, Vec::new()));
    }

    /// A note ends. The first of a label counts.
    pub(super) fn end(&mut self) {
        if let Some((label, events)) = self.open.pop() {
            self.notes.entry(label).or_insert(events);
        }
    }

    /// A note is named.
    pub(super) fn refer(&mut self, label: &str) {
        if self.shown {
            let mark = format!("{MARK}{label}");
            self.events().push(Event::InlineHtml(mark.into()));
        }
    }

    /// The text, and its notes behind it.
    pub(super) fn finish(mut self) -> Vec<Event<'a>> {
        while !self.open.is_empty() {
            self.end();
        }
        let mut events = std::mem::take(&mut self.text);
        self.number(&mut events);
        if self.order.is_empty() {
            return events;
        }
        // A note may name another one: it comes behind, with its own number.
        let mut notes = Vec::new();
        let mut next = 0;
        while let Some(label) = self.order.get(next).cloned() {
            next += 1;
            let mut note = self.notes.get(&label).cloned().unwrap_or_default();
            self.number(&mut note);
            notes.push((label, note));
        }
        events.push(Event::Html("<hr>\n<div><ol>\n".into()));
        for (label, mut note) in notes {
            let (number, times) = self.numbers[&label];
            let back: String = (1..=times.min(TIMES_MAX))
                .map(|time| format!("\u{A0}<a href=\"#{}\">↩</a>", name_of_place(number, time)))
                .collect();
            let back = Event::InlineHtml(back.into());
            match note.last() {
                Some(Event::End(TagEnd::Paragraph)) => note.insert(note.len() - 1, back),
                _ => note.extend([Event::Start(Tag::Paragraph), back, Event::End(TagEnd::Paragraph)]),
            }
            events.push(Event::Html(format!("<li id=\"fn:{number}\">\n").into()));
            events.extend(note);
            events.push(Event::Html("</li>\n".into()));
        }
        events.push(Event::Html("</ol></div>\n".into()));
        events
    }

    /// Puts numbers in place of the marks. A note that nobody wrote is not named.
    fn number(&mut self, events: &mut [Event<'a>]) {
        for event in events {
            let Event::InlineHtml(text) = event else { continue };
            let Some(label) = text.strip_prefix(MARK) else { continue };
            if !self.notes.contains_key(label) {
                *event = Event::Text(format!("[^{label}]").into());
                continue;
            }
            let (number, times) = self.numbers.entry(label.to_owned()).or_insert_with(|| {
                self.order.push(label.to_owned());
                (self.order.len(), 0)
            });
            *times += 1;
            let place = name_of_place(*number, *times);
            *event =
                Event::InlineHtml(format!("<sup id=\"{place}\"><a href=\"#fn:{number}\">{number}</a></sup>").into());
        }
    }
}

/// Most ways back from one note.
const TIMES_MAX: usize = 50;

/// The name of a place in the text that names a note, as kramdown gives it.
fn name_of_place(number: usize, time: usize) -> String {
    if time == 1 { format!("fnref:{number}") } else { format!("fnref:{number}:{}", time - 1) }
}
