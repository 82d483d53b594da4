//! Approval: a post of a rule that asks for it goes out only as people saw it, and at the time they saw.
//!
//! What a person approves is a print: a hash of the post, its time and its endpoint. Approvals of another print count
//! for nothing, so any change of any of these asks for them anew.

use super::Inputs;
use crate::config::{Approval, EndpointName, Rule};
use crate::digest;
use crate::people::People;
use crate::post::Post;
use crate::span;
use jiff::Timestamp;

/// What a person said of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// Who.
    pub person: String,
    /// Of what: see [`print()`].
    pub print: String,
    /// When.
    pub given_at: Timestamp,
    /// When it ceased to count, and why.
    pub voided: Option<(Timestamp, String)>,
}

/// Digits of a print.
pub const PRINT_LENGTH: usize = 64;

/// Hash of what is approved: all that readers get of a post, when it is due, and where. Neither its length nor the
/// network's limit, which servers change at will.
pub fn print(post: &Post, endpoint: &EndpointName, due_at: Timestamp) -> String {
    let Post { text, url, language, hashtags, thread, images, card, more_hashtags, .. } = post;
    let parts = serde_json::json!([
        text,
        url,
        language,
        hashtags,
        thread,
        images,
        card,
        more_hashtags,
        endpoint.as_str(),
        due_at.as_microsecond(),
    ]);
    digest::hex(parts.to_string(), PRINT_LENGTH / 2)
}

/// The people whose approval of a print counts at an instant, in the order in which they gave it. Where people are named
/// in the configuration, only theirs does.
pub fn people<'a>(
    given: &'a [Approved],
    print: &str,
    approval: Approval,
    known: &People,
    now: Timestamp,
) -> Vec<&'a str> {
    let counts = |approved: &&Approved| {
        approved.voided.is_none()
            && approved.print == print
            && now.duration_since(approved.given_at) <= approval.expires
            && known.known(&approved.person).is_some()
    };
    let mut people: Vec<&str> = Vec::new();
    for approved in given.iter().filter(counts) {
        if !people.iter().any(|before| known.are_same(before, &approved.person)) {
            people.push(&approved.person);
        }
    }
    people
}

/// Whose a post is: nobody approves their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Makers<'a> {
    /// Who wrote the article, as it says itself; several with commas between.
    pub author: Option<&'a str>,
    /// Who asked for the post by hand; several with commas between.
    pub asked_by: Option<&'a str>,
}

/// Why a person may not approve: nobody knows them, it is their own, or they approved it already.
pub fn refused(person: &str, makers: Makers, counted: &[&str], known: &People) -> Option<String> {
    if known.known(person).is_none() {
        let who = known.ids().join(", ");
        return Some(format!("{person} is none of the people whose approval counts: {who}"));
    }
    let is_among = |names: &&str| names.split(',').chain([*names]).any(|one| known.are_same(one, person));
    if let Some(author) = makers.author.filter(is_among) {
        return Some(format!("the article is by {author}: nobody approves their own"));
    }
    if let Some(asked) = makers.asked_by.filter(is_among) {
        return Some(format!("{asked} asked for this post: nobody approves their own"));
    }
    let again = counted.iter().any(|before| known.are_same(before, person));
    again.then(|| format!("{person} approved it already; another person is wanted"))
}

/// What a delivery waits for, for a person.
pub fn awaits(approval: Approval, given: &[&str]) -> String {
    let missing = usize::from(approval.people).saturating_sub(given.len());
    let persons = if missing == 1 { "1 person" } else { &format!("{missing} people") };
    let so_far = if given.is_empty() { String::new() } else { format!("approved by {}; ", given.join(", ")) };
    let more = if given.is_empty() { "" } else { " more" };
    format!("{so_far}waits for the approval of {persons}{more}: `crieur posts approve`")
}

/// Why what was approved does not go out.
pub fn voided(given: &[Approved], print: &str, approval: Approval, known: &People, now: Timestamp) -> String {
    let standing = || given.iter().filter(|approved| approved.voided.is_none());
    let waits = awaits(approval, &people(given, print, approval, known, now));
    if standing().any(|approved| approved.print != print) {
        return format!("its text, images, time or endpoint changed since it was approved; {waits}");
    }
    if standing().any(|approved| now.duration_since(approved.given_at) > approval.expires) {
        return format!("its approval is older than {}; {waits}", span::show(approval.expires));
    }
    waits
}

/// Why a delivery of a rule is booked held, if its rule asks for approval.
pub(super) fn needed(inputs: &Inputs, rule: &str) -> Option<String> {
    let rule: Option<&Rule> = inputs.rules.iter().find(|known| known.name == rule);
    Some(awaits(rule?.approval?, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{ADMIN, Person};
    use crate::secret::Secret;
    use jiff::SignedDuration;
    use std::collections::BTreeSet;

    const TWO: Approval = Approval { people: 2, expires: SignedDuration::from_hours(24) };

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3_600).unwrap()
    }

    fn given(person: &str, print: &str, hour: i64) -> Approved {
        Approved { person: person.to_owned(), print: print.to_owned(), given_at: at(hour), voided: None }
    }

    #[test]
    fn the_same_person_counts_once_and_another_print_and_an_old_word_not_at_all() {
        let all = [given("Aya", "p", 0), given("AYA ", "p", 1), given("Bo", "q", 1), given("Chi", "p", 2)];
        let anyone = People::default();
        assert_eq!(people(&all, "p", TWO, &anyone, at(3)), ["Aya", "Chi"]);
        assert_eq!(people(&all, "p", TWO, &anyone, at(25)), ["AYA ", "Chi"]);
        assert_eq!(people(&all, "p", TWO, &anyone, at(27)), [""; 0]);
        assert_eq!(people(&all, "p", TWO, &two(), at(3)), ["Aya"], "Chi is nobody that is named");
        assert!(voided(&all[..1], "r", TWO, &anyone, at(3)).starts_with("its text, images, time or endpoint changed"));
        assert!(voided(&all[..1], "p", TWO, &anyone, at(30)).starts_with("its approval is older than 1d"));
    }

    /// Aya and Bo, as a configuration names them.
    fn two() -> People {
        let person = |id: &str, name: &str| Person {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            token: Secret::new(format!("jeton de {id}")),
        };
        People::new(vec![person("aya", "Aya Ndiaye"), person("bo", "Bo Li")])
    }

    #[test]
    fn nobody_approves_their_own_or_twice() {
        let by = |author| Makers { author: Some(author), asked_by: None };
        let asked = |asked_by| Makers { author: None, asked_by: Some(asked_by) };
        let anyone = People::default();
        assert!(refused("aya ndiaye", by("Bo Li, Aya Ndiaye"), &[], &anyone).is_some());
        assert!(refused("Bo Li", by("Aya Ndiaye"), &["BO LI"], &anyone).is_some());
        assert_eq!(refused("Bo Li", by("Aya Ndiaye"), &["Chi"], &anyone), None);
        assert!(refused("Bo Li", asked("bo li"), &[], &anyone).is_some());
        // Where people are named, they are known by either name, and nobody else may.
        assert!(refused("aya", by("Bo Li, Aya Ndiaye"), &[], &two()).is_some());
        assert!(refused("aya", asked("Aya Ndiaye"), &[], &two()).is_some());
        assert!(refused("bo", asked("aya"), &["Bo Li"], &two()).is_some());
        assert_eq!(refused("bo", by("Aya Ndiaye"), &["aya"], &two()), None);
        for stranger in ["chi", ADMIN] {
            assert!(refused(stranger, by("Aya Ndiaye"), &[], &two()).is_some_and(|why| why.contains("aya, bo")));
        }
    }

    #[test]
    fn any_change_of_what_is_sent_changes_the_print_and_nothing_else_does() {
        let post = Post { text: "a".into(), url: "https://x.fr/".into(), ..Post::default() };
        let endpoint = EndpointName::new("e");
        let first = print(&post, &endpoint, at(0));
        assert_eq!(first, print(&Post { limit: 9, length: 9, ..post.clone() }, &endpoint, at(0)));
        let image = crate::post::Image {
            digest: "d".into(),
            media_type: "image/png".into(),
            width: 1,
            height: 1,
            alt: "vue".into(),
            url: String::new(),
        };
        let other_alt = crate::post::Image { alt: "autre".into(), ..image.clone() };
        let with = |image| Post { images: vec![image], ..post.clone() };
        let others = [
            print(&Post { text: "b".into(), ..post.clone() }, &endpoint, at(0)),
            print(&Post { thread: vec!["b".into()], ..post.clone() }, &endpoint, at(0)),
            print(&with(image), &endpoint, at(0)),
            print(&with(other_alt), &endpoint, at(0)),
            print(&post, &EndpointName::new("f"), at(0)),
            print(&post, &endpoint, at(1)),
        ];
        let all: BTreeSet<&String> = others.iter().chain([&first]).collect();
        assert_eq!(all.len(), others.len() + 1);
    }
}
