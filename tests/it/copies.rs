//! Copies: what editors' tools make of "duplicate". Of one text there is one post, whatever becomes of its first file; and
//! of two files of which one was taken away in time, the other is the article.

use crate::support::Place;
use crate::support::life::{Life, posting};
use crate::support::mastodon::Server;
use crieur::clock::Clock;
use crieur::delivery::State;
use jiff::{SignedDuration, Timestamp};

const TEXT: &str = "La directrice présente la nouvelle doctrine du cloud au centre de l’État devant une salle comble, et chacun retient que les services publics numériques y gagneront en sobriété, en sécurité et en souveraineté.";
const OTHER: &str = "Le comité interministériel réunit mardi les responsables de la donnée pour arrêter la liste des jeux ouverts au printemps, parmi lesquels figurent les transports, la santé et les marchés de tous les ministères.";

struct Newsroom {
    place: Place,
    server: Server,
    clock: Clock,
    life: Life,
}

impl Newsroom {
    async fn new(more: &str) -> Self {
        let (server, place) = (Server::start(false).await, Place::new());
        let clock = Clock::by_hand("2026-11-23T08:00:00Z".parse::<Timestamp>().unwrap());
        place.article("_actualites/old.md", "title: Ancien\npublished: false");
        let config = place.config(&posting(&server, more));
        let mut life = Life::begin(&config, &clock).await;
        life.live().await;
        Self { place, server, clock, life }
    }

    fn write(&self, name: &str, title: &str, date: &str, more: &str, text: &str) {
        let text = format!("---\ntitle: {title}\ndate: {date} 07:00:00 +00:00\n{more}---\n{text}\n");
        self.place.write(&format!("_actualites/{name}"), text);
    }

    /// Looks now, and after some minutes.
    async fn after(&mut self, minutes: i64) -> Vec<(String, State)> {
        self.life.live().await;
        self.clock.advance(SignedDuration::from_mins(minutes));
        self.life.live().await.into_iter().map(|delivery| (delivery.path, delivery.state)).collect()
    }

    /// With an article that was announced.
    async fn with_news(more: &str) -> Self {
        let mut room = Self::new(more).await;
        room.write("a.md", "Doctrine", "2026-11-23", "", TEXT);
        assert_eq!(room.after(40).await, [("_actualites/a.md".to_owned(), State::Published)]);
        room
    }

    async fn copy_is_held(mut self, minutes: i64) {
        self.after(5).await;
        let outbox = self.after(minutes).await;
        let copies: Vec<_> = outbox.iter().filter(|(path, _)| path != "_actualites/a.md").collect();
        assert!(copies.iter().all(|(_, state)| *state == State::Held) && copies.len() == 1, "{outbox:?}");
        assert_eq!(self.server.texts().len(), 1, "{:?}", self.server.texts());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_announced_model_is_deleted_before_it_has_settled_is_held() {
    let mut room = Newsroom::with_news("").await;
    room.write("a-1.md", "Doctrine", "2026-11-23", "", TEXT);
    room.after(5).await;
    room.place.remove("_actualites/a.md");
    let reason = |outbox: Vec<crieur::delivery::Delivery>| outbox.last().unwrap().reason.clone().unwrap();
    room.after(40).await;
    let said = reason(room.life.live().await);
    assert!(said.contains("stood in _actualites/a.md, which was announced and is gone"), "{said}");
    room.copy_is_held(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_announced_model_is_written_over_before_it_has_settled_is_held() {
    let mut room = Newsroom::with_news("").await;
    room.write("b.md", "Doctrine", "2026-11-23", "", TEXT);
    room.after(5).await;
    // Half of it only, so that it is the article that it was.
    room.write("a.md", "Doctrine", "2026-11-23", "", &format!("{} {OTHER}", &TEXT[..60]));
    room.copy_is_held(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_copy_of_a_deleted_announcement_is_held_when_it_is_published() {
    let mut room = Newsroom::with_news("").await;
    room.write("b.md", "Doctrine", "2026-11-24", "published: false\n", TEXT);
    room.after(5).await;
    room.place.remove("_actualites/a.md");
    room.after(24 * 60).await;
    room.write("b.md", "Doctrine", "2026-11-24", "", TEXT);
    room.copy_is_held(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_dated_ahead_of_a_deleted_announcement_is_held_when_its_date_has_come() {
    let mut room = Newsroom::with_news("").await;
    room.write("b.md", "Doctrine", "2026-11-28", "", TEXT);
    room.after(5).await;
    room.place.remove("_actualites/a.md");
    room.copy_is_held(6 * 24 * 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_an_editors_tool_made_of_old_news_is_held_and_another_edition_is_not() {
    let mut room = Newsroom::with_news("").await;
    room.clock.advance(SignedDuration::from_hours(40 * 24));
    room.write("a-a5d7ba.md", "Doctrine", "2027-01-02", "", TEXT);
    room.after(40).await;
    assert_eq!(room.server.texts().len(), 1, "a copy");
    room.place.remove("_actualites/a-a5d7ba.md");
    room.write("2027-01-02-a.md", "Doctrine", "2027-01-02", "", TEXT);
    room.after(40).await;
    assert_eq!(room.server.texts().len(), 1, "a copy under another name");
    room.clock.advance(SignedDuration::from_hours(40 * 24));
    room.write("2027-02-11-a.md", "Doctrine", "2027-02-11", "", TEXT);
    room.after(40).await;
    assert_eq!(room.server.texts().len(), 2, "the same invitation, weeks later");
    room.write("2027-02-11-b.md", "Doctrine", "2027-02-11", "", TEXT);
    room.after(40).await;
    assert_eq!(room.server.texts().len(), 2, "a copy of the second, and as like the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_copies_one_of_which_goes_in_time_the_other_is_the_article() {
    let mut room = Newsroom::new("").await;
    room.write("a.md", "Doctrine", "2026-11-23", "", TEXT);
    room.write("b.md", "Doctrine", "2026-11-23", "", TEXT);
    room.after(6).await;
    room.place.remove("_actualites/a.md");
    let outbox = room.after(60).await;
    assert_eq!(outbox, [("_actualites/b.md".to_owned(), State::Published)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_waited_in_a_queue_was_not_announced() {
    let mut room = Newsroom::new(r#", when: { slots: "0 12 * * *", queue: true }"#).await;
    room.write("a.md", "Doctrine", "2026-11-23", "", TEXT);
    room.after(40).await;
    room.write("b.md", "Doctrine", "2026-11-23", "", TEXT);
    room.after(5).await;
    room.place.remove("_actualites/a.md");
    room.after(40).await;
    let outbox = room.after(4 * 60).await;
    let expected = [("_actualites/a.md", State::Cancelled), ("_actualites/b.md", State::Published)];
    assert_eq!(outbox, expected.map(|(path, state)| (path.to_owned(), state)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_over_which_another_article_is_written_is_announced() {
    let mut room = Newsroom::with_news("").await;
    room.write("b.md", "Doctrine", "2026-11-23", "", TEXT);
    room.after(5).await;
    room.place.remove("_actualites/a.md");
    room.after(5).await;
    room.write("b.md", "Données", "2026-11-23", "", OTHER);
    room.after(40).await;
    assert_eq!(room.server.texts().len(), 2, "{:?}", room.server.texts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_copy_is_held_whatever_becomes_of_the_one_between() {
    let mut room = Newsroom::with_news("").await;
    for name in ["b.md", "c.md"] {
        room.write(name, "Doctrine", "2026-11-23", "published: false\n", TEXT);
        room.after(5).await;
    }
    room.place.remove("_actualites/b.md");
    room.after(5).await;
    room.write("c.md", "Doctrine", "2026-11-23", "", TEXT);
    room.copy_is_held(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_comes_back_with_another_text_is_announced() {
    let mut room = Newsroom::with_news("").await;
    room.write("b.md", "Doctrine", "2026-11-23", "published: false\n", TEXT);
    room.after(5).await;
    room.place.remove("_actualites/b.md");
    room.after(5).await;
    room.write("b.md", "Doctrine", "2026-11-23", "", &format!("{} {OTHER}", &TEXT[..120]));
    room.after(40).await;
    assert_eq!(room.server.texts().len(), 2, "{:?}", room.server.texts());
}

/// A draft copy that becomes another text for a while, and then again what it was copied from.
async fn set_back_is_held(between: &str) {
    let mut room = Newsroom::with_news("").await;
    for (text, state) in [(TEXT, "published: false\n"), (between, "published: false\n"), (TEXT, "published: false\n")] {
        room.write("b.md", "Doctrine", "2026-11-23", state, text);
        room.after(5).await;
    }
    room.write("b.md", "Doctrine", "2026-11-23", "", TEXT);
    room.copy_is_held(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_half_rewritten_and_set_back_is_held() {
    set_back_is_held(&format!("{} {OTHER}", &TEXT[..120])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_over_which_another_article_is_written_and_that_is_set_back_is_held() {
    set_back_is_held(OTHER).await;
}
