//! What becomes of a post when the process dies while it sends it, over all networks, with a short text, a thread and an
//! image: at each write, just before it counts and just after, and at each await, where it never hears the answer. So at
//! every moment there is: before an attempt is on record, after it, in the midst of a request, after the network kept the
//! post, before that is on record, and while a session is made or renewed.

use crate::contract::IN_PARTS;
use crate::sim::cuts::{At, dying};
use crate::sim::{each, mortal};
use crate::support::rows::{BLUESKY_WHOSE_SESSION_ENDS, Doubt, ROWS, Row, TITLE, World};
use crate::support::{Place, memory_folder};
use crieur::config::EndpointName;
use crieur::deliver::Step;
use crieur::delivery::State;

/// What is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Posted {
    Text,
    Thread,
    Image,
}

/// What is posted to a network, in a world of its own each time.
struct Story {
    row: &'static Row,
    posted: Posted,
    title: String,
}

impl Story {
    async fn of(row: &'static Row, posted: Posted) -> Self {
        let mut story = Self { row, posted, title: TITLE.to_owned() };
        if posted == Posted::Thread {
            let world = story.world().await;
            let limits = world.network().limits(world.clock.now()).await;
            story.title = "Une phrase. ".repeat(limits.length_max / 8);
        }
        story
    }

    async fn world(&self) -> World {
        let place = Place::within(memory_folder());
        let keys = match self.posted {
            Posted::Text => "",
            Posted::Thread => ", thread: true",
            Posted::Image => ", images: lead, alt: title",
        };
        World::within(place, self.row, &self.title, keys).await
    }

    /// Sends the post, and dies at a place. Whether it came to that.
    async fn died(&self, at: At, place: u64, whole: &[String]) -> bool {
        let Self { row, posted, .. } = self;
        let mut world = self.world().await;
        let endpoint = EndpointName::new("n");
        let is_dead = dying(at, place, async || {
            for _ in 0..20 {
                match mortal(world.deliverer.step(&endpoint, None, &world.snapshot)).await {
                    None => return true,
                    Some(step) => match step.unwrap() {
                        Step::Did(_) => {}
                        Step::Wait(Some(until)) => world.clock.set(until.max(world.clock.now())),
                        Step::Wait(None) => return false,
                    },
                }
            }
            false
        })
        .await;
        // What was on its way arrives, or does not.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let stood = world.fake.texts().len();
        world = world.reborn().await;
        let delivery = world.run().await;
        let (texts, reason) = (world.fake.texts(), delivery.reason.as_deref().unwrap_or_default());
        let what = format!("{} {posted:?}, {stood} stood: {:?}, {reason}: {texts:?}", row.name, delivery.state);
        match delivery.state {
            State::Published => assert_eq!(texts, whole, "{what}"),
            // A person is asked, who sees what is there: no more than was sent, and nothing twice.
            State::Uncertain => {
                assert_eq!(row.doubt, Doubt::Asked, "{what}");
                assert_eq!(texts.len(), stood, "nothing more was sent: {what}");
                assert_eq!(texts, whole[..stood], "{what}");
                assert!(reason.contains("posts resolve"), "{what}");
            }
            _ => panic!("{what}"),
        }
        is_dead
    }

    /// Dies at every place there is.
    async fn everywhere(&self) {
        let Self { row, posted, .. } = self;
        let world = self.world().await;
        if *posted == Posted::Thread && !world.network().abilities().threads {
            return;
        }
        let delivery = world.run().await;
        assert_eq!(delivery.state, State::Published, "{} {posted:?}: {:?}", row.name, delivery.reason);
        let whole = world.fake.texts();
        let is_thread = IN_PARTS.contains(&row.name) && *posted == Posted::Thread;
        assert!(!is_thread || whole.len() > 1, "{}: {whole:?}", row.name);
        let mut places = [0, 0];
        for (count, at) in places.iter_mut().zip([At::Write, At::Await]) {
            while self.died(at, *count, &whole).await {
                *count += 1;
            }
            assert!(*count >= 2, "{} {posted:?} {at:?}: {count}", row.name);
        }
        println!("{} {posted:?}: died at each of {places:?} writes and awaits", row.name);
    }
}

#[test]
fn a_process_that_dies_anywhere_posts_once_or_asks_on_every_network() {
    let rows = || ROWS.iter().chain([&BLUESKY_WHOSE_SESSION_ENDS]);
    let all: Vec<_> = [Posted::Thread, Posted::Image, Posted::Text]
        .into_iter()
        .flat_map(|posted| rows().map(move |row| (row, posted)))
        .collect();
    let one = std::env::var("CRIEUR_ONLY").ok();
    let numbers = (0..all.len()).filter(|at| one.as_deref().is_none_or(|name| name == all[*at].0.name));
    let failed = each(numbers.map(|at| at as u64), "", async |at| {
        let (row, posted) = all[at as usize];
        Story::of(row, posted).await.everywhere().await;
    });
    if let Some((_, said)) = failed {
        panic!("{said}");
    }
}
