//! Each network with its server and its settings, for what must hold on all of them.

use super::Place;
use super::fakes::{self, Api, CANARY, Fake};
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::Delivery;
use crieur::network::{Means, Network, connect};
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::Store;
use std::sync::Arc;

pub const START: &str = "2026-11-22T10:00:00Z";

/// A network under test.
pub struct Row {
    /// Its name, for what fails.
    pub name: &'static str,
    /// Its server.
    pub api: fn(&str) -> Box<dyn Api>,
    /// Its keys in the configuration, for a server's address.
    pub keys: fn(&str) -> String,
    /// What becomes of a post whose answer was lost.
    pub doubt: Doubt,
    pub edits: bool,
    pub withdraws: bool,
    /// What `check` says of the account.
    pub who: &'static str,
}

/// What becomes of a post whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It is found, and not sent again.
    Found,
    /// A person is asked, and it is not sent again.
    Asked,
    /// It is sent again, and the other side knows it.
    Repeated,
}

fn bluesky(url: &str) -> String {
    use fakes::bluesky::{HANDLE, PASSWORD};
    format!("network: bluesky, server: \"{url}\", handle: {HANDLE}, app_password: {PASSWORD}")
}

pub const ROWS: &[Row] = &[
    Row {
        name: "mastodon",
        api: |_| Box::new(fakes::mastodon::Mastodon::default()),
        keys: |url| format!("network: mastodon, server: \"{url}\", token: {}", fakes::mastodon::TOKEN),
        doubt: Doubt::Found,
        edits: true,
        withdraws: true,
        who: "@essai on 127.0.0.1 (Mastodon 4.5.2)",
    },
    Row {
        name: "bluesky",
        api: |_| Box::new(fakes::bluesky::Bluesky::default()),
        keys: bluesky,
        doubt: Doubt::Found,
        edits: true,
        withdraws: true,
        who: "@agence.example.fr on 127.0.0.1",
    },
    Row {
        name: "matrix",
        api: |_| Box::new(fakes::matrix::Matrix::default()),
        keys: |url| {
            use fakes::matrix::{ROOM, TOKEN};
            format!("network: matrix, server: \"{url}\", token: {TOKEN}, room: \"{ROOM}\"")
        },
        doubt: Doubt::Found,
        edits: true,
        withdraws: true,
        who: "@crieur:localhost in !annonces:localhost",
    },
    Row {
        name: "webhook",
        api: |_| Box::new(fakes::webhook::Webhook::default()),
        keys: |url| {
            format!("network: webhook, hook: \"{url}{}\", secret: \"{}\"", fakes::webhook::PATH, fakes::webhook::SECRET)
        },
        doubt: Doubt::Repeated,
        edits: true,
        withdraws: true,
        who: "127.0.0.1",
    },
    Row {
        name: "webhook that asks",
        api: |_| Box::new(fakes::webhook::Webhook::default()),
        keys: |url| {
            format!(
                "network: webhook, hook: \"{url}{}\", secret: \"{}\", on_doubt: ask",
                fakes::webhook::PATH,
                fakes::webhook::SECRET
            )
        },
        doubt: Doubt::Asked,
        edits: true,
        withdraws: true,
        who: "127.0.0.1",
    },
    Row {
        name: "mattermost hook",
        api: |_| Box::new(fakes::mattermost::Mattermost::default()),
        keys: |url| format!("network: mattermost, hook: \"{url}{}\"", fakes::mattermost::HOOK),
        doubt: Doubt::Asked,
        edits: false,
        withdraws: false,
        who: "127.0.0.1",
    },
    Row {
        name: "mattermost bot",
        api: |_| Box::new(fakes::mattermost::Mattermost::default()),
        keys: |url| {
            use fakes::mattermost::{CHANNEL, TOKEN};
            format!("network: mattermost, server: \"{url}\", token: {TOKEN}, channel: {CHANNEL}")
        },
        doubt: Doubt::Found,
        edits: true,
        withdraws: true,
        who: "@crieur in “Annonces”",
    },
    Row {
        name: "slack hook",
        api: |_| Box::new(fakes::slack::Slack::by_hook()),
        keys: |url| format!("network: slack, hook: \"{url}{}\"", fakes::slack::HOOK),
        doubt: Doubt::Asked,
        edits: false,
        withdraws: false,
        who: "127.0.0.1",
    },
    Row {
        name: "slack bot",
        api: |url| Box::new(fakes::slack::Slack::at(url)),
        keys: |url| {
            use fakes::slack::{CHANNEL, TOKEN};
            format!("network: slack, server: \"{url}\", token: {TOKEN}, channel: {CHANNEL}")
        },
        doubt: Doubt::Found,
        edits: true,
        withdraws: true,
        who: "@crieur in the channel C0123ABCDEF of Essai",
    },
    Row {
        name: "discord hook",
        api: |_| Box::new(fakes::discord::Discord::default()),
        keys: |url| format!("network: discord, hook: \"{url}{}\"", fakes::discord::HOOK),
        doubt: Doubt::Asked,
        edits: true,
        withdraws: true,
        who: "the webhook “Crieur”",
    },
    Row {
        name: "discord bot",
        api: |_| Box::new(fakes::discord::Discord::default()),
        keys: |url| {
            use fakes::discord::{CHANNEL, TOKEN};
            format!("network: discord, server: \"{url}\", token: {TOKEN}, channel: \"{CHANNEL}\"")
        },
        doubt: Doubt::Found,
        edits: true,
        withdraws: true,
        who: "crieur in #annonces",
    },
    Row {
        name: "teams",
        api: |_| Box::new(fakes::teams::Teams::default()),
        keys: |url| format!("network: teams, hook: \"{url}{}?sig=canari-teams-signature\"", fakes::teams::HOOK),
        doubt: Doubt::Asked,
        edits: false,
        withdraws: false,
        who: "127.0.0.1",
    },
    Row {
        name: "telegram",
        api: |_| Box::new(fakes::telegram::Telegram::default()),
        keys: |url| {
            format!("network: telegram, server: \"{url}\", token: \"{}\", channel: \"@agence\"", fakes::telegram::TOKEN)
        },
        doubt: Doubt::Asked,
        edits: true,
        withdraws: true,
        who: "@crieur_bot in “Agence”",
    },
    Row {
        name: "linkedin",
        api: |url| Box::new(fakes::linkedin::Linkedin::at(url)),
        keys: |url| {
            format!(
                "network: linkedin, server: \"{url}\", token: {}, organization: \"7\", version: \"202610\"",
                fakes::linkedin::TOKEN
            )
        },
        doubt: Doubt::Found,
        edits: true,
        withdraws: true,
        who: "the page “Agence”",
    },
    Row {
        name: "x",
        api: |url| Box::new(fakes::x::X::at(url)),
        keys: |url| {
            use fakes::x::{CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET};
            format!(
                "network: x, server: \"{url}\", consumer_key: {CONSUMER_KEY}, consumer_secret: {CONSUMER_SECRET}, token: {TOKEN}, token_secret: {TOKEN_SECRET}"
            )
        },
        doubt: Doubt::Found,
        edits: false,
        withdraws: true,
        who: "@agence",
    },
    Row {
        name: "threads",
        api: |_| Box::new(fakes::threads::Threads::default()),
        keys: |url| format!("network: threads, server: \"{url}\", token: {}", fakes::threads::TOKEN),
        doubt: Doubt::Found,
        edits: false,
        withdraws: true,
        who: "@agence",
    },
];

/// A server that ends each session soon.
pub const BLUESKY_WHOSE_SESSION_ENDS: Row = Row {
    name: "bluesky whose session ends",
    api: |_| Box::new(fakes::bluesky::Bluesky::whose_session_ends()),
    keys: bluesky,
    doubt: Doubt::Found,
    edits: true,
    withdraws: true,
    who: "@agence.example.fr",
};

/// One article that is due at a network, whose title holds every sign that networks read something into.
pub struct World {
    pub row: &'static Row,
    pub fake: Fake,
    pub place: Place,
    pub config: Arc<Config>,
    pub store: Store,
    pub deliverer: Deliverer,
    pub snapshot: Snapshot,
    pub clock: Clock,
}

pub const TITLE: &str = "@channel @here @everyone &lt;!here&gt; &lt;@U012&gt; &lt;@123&gt; *un* _deux_ ~trois~ `q` [l](x) {c} | \\\\ & #5 (fin)";

/// The endpoint of a row, and the rule that posts to it.
pub fn rest(row: &Row, fake: &Fake) -> String {
    format!(
        "endpoints: {{ n: {{ {}, gap: 0s, allow_private: true }} }}\nrules: [{{ name: une, endpoints: [n], live_check: false, text: \"{{{{ title }}}}\\n\\n{{{{ url }}}}\\n\\n{{{{ hashtags }}}}\" }}]\nbaseline: none\ndelivery: {{ give_up: 1h }}",
        (row.keys)(&fake.url)
    )
}

impl World {
    pub async fn new(row: &'static Row) -> Self {
        Self::within(Place::new(), row, TITLE, "").await
    }

    /// With a title of one's own, and further keys of the rule. The article has an image, which goes out if the rule says
    /// so.
    pub async fn within(place: Place, row: &'static Row, title: &str, keys: &str) -> Self {
        let fake = Fake::start(row.api).await;
        place.article(
            "_actualites/a.md",
            &format!("title: \"{title}\"\ndate: 2026-11-22 09:00:00 +00:00\ntags: [Cloud]\nimage: /a.png"),
        );
        place.write("a.png", crate::support::real::point());
        let config = place.config(&rest(row, &fake).replace(" }]", &format!("{keys} }}]")));
        let clock = Clock::by_hand(START.parse().unwrap());
        let store = Store::open(&config.store).await.unwrap();
        let snapshot = Reconciler::new(Arc::clone(&config)).pass(&store, clock.now()).await.unwrap();
        let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), clock.clone());
        Self { row, fake, place, config, store, deliverer, snapshot, clock }
    }

    /// As after the end of the process: a new one on what is kept.
    pub async fn reborn(self) -> Self {
        let Self { row, fake, place, config, store, deliverer, clock, .. } = self;
        drop(deliverer);
        drop(store);
        let store = Store::open(&config.store).await.unwrap();
        let snapshot = Reconciler::new(Arc::clone(&config)).pass(&store, clock.now()).await.unwrap();
        let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), clock.clone());
        Self { row, fake, place, config, store, deliverer, snapshot, clock }
    }

    /// Steps, with the clock turned on wherever there is a wait, until nothing waits. The delivery then.
    pub async fn run(&self) -> Delivery {
        for _ in 0..500 {
            match self.deliverer.step(&EndpointName::new("n"), None, &self.snapshot).await.unwrap() {
                Step::Did(_) => {}
                Step::Wait(Some(until)) => self.clock.set(until.max(self.clock.now())),
                Step::Wait(None) => {
                    let outbox = self.store.deliveries().await.unwrap();
                    assert_eq!(outbox.len(), 1, "{}", self.row.name);
                    self.look_for_faults(&outbox[0]);
                    return outbox.into_iter().next().unwrap();
                }
            }
        }
        panic!("{}: it never ends", self.row.name);
    }

    /// No request was wrong, and no secret is said or kept.
    pub fn look_for_faults(&self, delivery: &Delivery) {
        assert_eq!(self.fake.wrong(), Vec::<String>::new(), "{}", self.row.name);
        let said = format!("{delivery:?}");
        assert!(!said.contains(CANARY), "{}: {said}", self.row.name);
        for file in std::fs::read_dir(self.place.folder.path()).unwrap().flatten() {
            if file.file_type().unwrap().is_file() {
                let bytes = std::fs::read(file.path()).unwrap();
                let leaks = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
                assert!(!leaks, "{}: a secret stands in {:?}", self.row.name, file.path());
            }
        }
    }

    /// The network, as deliveries use it.
    pub fn network(&self) -> Box<dyn Network> {
        let name = EndpointName::new("n");
        let means = Means::new(&self.config, &self.store);
        connect(&name, &self.config.endpoints[&name], &means).unwrap()
    }
}
