//! What requests mean, and what becomes of subscriptions whatever happens to them.

use super::{
    Answered, Ask, Callback, Counts, Due, End, Lease, Limits, Mode, Next, Outcome, Owed, Refusal, Request, Served,
    State, Subscription, Trouble, Verified, Version, Work, answered, ask, parse, signature, verified,
};
use crate::config::OwnHub;
use crate::secret::{Sealed, Secret};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use url::form_urlencoded;

const LEASE: Lease = Lease { default: SignedDuration::from_hours(240), most: SignedDuration::from_hours(720) };
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn version(n: u32) -> Version {
    Version { etag: format!("e{n}"), modified: start() + SignedDuration::from_secs(i64::from(n)) }
}

fn request(pairs: &[(&str, &str)]) -> Result<Request, Refusal> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    parse(FORM, body.as_bytes(), &LEASE)
}

#[test]
fn a_request_is_read_whole_and_what_is_not_known_is_ignored() {
    let pairs = [
        ("hub.mode", "subscribe"),
        ("hub.topic", "https://f.example/feeds/all.rss"),
        ("hub.callback", "https://Reader.Example:8443/cb?k=é"),
        ("hub.secret", " x "),
        ("hub.lease_seconds", "3600"),
        ("hub.verify", "sync"),
        ("hub.verify", "async"),
        ("other", "1"),
    ];
    let Ok(Request::Subscribe(wish)) = request(&pairs) else { panic!() };
    assert_eq!(wish.topic, "https://f.example/feeds/all.rss");
    assert_eq!((wish.callback.host().as_str(), wish.lease), ("reader.example:8443", SignedDuration::from_hours(1)));
    assert_eq!(wish.secret, Some(Secret::verbatim(" x ")));
    assert!(!format!("{wish:?}").contains("k="), "{wish:?}");
    // What is empty is not given; what leaves needs no more.
    let Ok(Request::Subscribe(wish)) = request(&[pairs[0], pairs[1], pairs[2], ("hub.lease_seconds", "")]) else {
        panic!()
    };
    assert_eq!((wish.secret, wish.lease), (None, LEASE.default));
    let leave = [("hub.mode", "unsubscribe"), pairs[1], pairs[2], ("hub.lease_seconds", "never")];
    assert!(matches!(request(&leave), Ok(Request::Unsubscribe { .. })));
    let said = [("hub.mode", "publish"), ("hub.url", "b"), ("hub.topic", "a"), ("hub.url", "a")];
    assert_eq!(request(&said), Ok(Request::Publish(vec!["a".into(), "b".into()])));
    assert!(parse(None, b"hub.mode=publish&hub.url=x", &LEASE).is_ok());
    let most = "é".repeat(99);
    assert!(request(&[pairs[0], pairs[1], pairs[2], ("hub.secret", &most)]).is_ok());
    assert!(request(&[pairs[0], pairs[1], pairs[2], ("hub.secret", &format!("{most}xx"))]).is_err());
}

#[test]
fn a_signature_is_what_others_make_of_it() {
    // RFC 4231, test case 2.
    let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signature(&Secret::new("Jefe"), b"what do ya want for nothing?").unwrap(), expected);
}

#[test]
fn answers_are_taken_for_what_the_recommendation_says() {
    let at = |seconds| Some(start() + SignedDuration::from_secs(seconds));
    let check = |status, body: &str| verified(status, Some("30"), body.as_bytes(), "abc", start());
    assert_eq!(check(200, "abc"), Verified::Yes);
    assert_eq!(check(204, "abc"), Verified::Yes);
    for (status, body) in
        [(200, ""), (200, "abc\n"), (200, "abcd"), (200, "abd"), (302, "abc"), (404, "abc"), (410, "abc")]
    {
        assert!(matches!(check(status, body), Verified::No(_)), "{status} {body}");
    }
    for status in [429, 500, 503, 599] {
        assert!(matches!(check(status, "abc"), Verified::Unclear(trouble) if trouble.until == at(30)), "{status}");
    }
    let check = |status, after: Option<&str>| answered("it", status, after, start());
    assert_eq!(check(202, None), Answered::Taken);
    assert_eq!(check(410, None), Answered::Gone);
    for (status, after, until) in [
        (301, Some("5"), None),
        (404, None, None),
        (503, Some("5"), at(5)),
        (503, Some("Fri, 15 Jan 2027 08:01:00 GMT"), at(60)),
        (429, Some("-5"), None),
        (429, Some("soon"), None),
    ] {
        assert!(
            matches!(check(status, after), Answered::Failed(trouble) if trouble.until == until),
            "{status} {after:?}"
        );
    }
}

fn wish(mode: Mode, secret: Option<u8>, lease: i64) -> Ask {
    Ask {
        mode,
        topic: "t".into(),
        print: "p".into(),
        host: "h".into(),
        callback: Sealed(vec![0]),
        secret: secret.map(|byte| Sealed(vec![byte])),
        lease: SignedDuration::from_secs(lease),
        served: Some(version(0)),
        is_on_demand: false,
    }
}

fn no_limits() -> Limits {
    Limits::of(usize::MAX)
}

#[test]
fn there_is_an_end_to_how_many_there_may_be_but_who_is_in_can_renew() {
    let limits = Limits::of(10);
    let full = Counts { all: 10, of_host: 10, of_topic: 10, ..Counts::default() };
    let refused = ask(None, &full, &limits, wish(Mode::Subscribe, None, 60), start()).unwrap_err();
    assert_eq!(refused.status, 503);
    let mut inside = ask(None, &Counts::default(), &limits, wish(Mode::Subscribe, None, 60), start()).unwrap();
    inside = ask(Some(inside), &full, &limits, wish(Mode::Subscribe, None, 60), start()).unwrap();
    inside.take(Outcome::Verified { number: 2, at: start(), answer: Verified::Yes }, start());
    let busy = Counts { asked: 2_000, ..full };
    let refused = ask(Some(inside.clone()), &busy, &limits, wish(Mode::Subscribe, None, 60), start()).unwrap_err();
    assert_eq!(refused.status, 429);
    assert!(ask(Some(inside), &full, &limits, wish(Mode::Unsubscribe, None, 0), start()).is_ok());
    let crowd = Counts { of_host: 2_000, ..Counts::default() };
    let refused = ask(None, &crowd, &no_limits(), wish(Mode::Subscribe, None, 60), start()).unwrap_err();
    assert_eq!(refused.status, 403);
}

#[test]
fn a_feed_that_is_gone_for_a_day_ends_its_subscriptions_and_one_that_comes_back_does_not() {
    let mut one = ask(None, &Counts::default(), &no_limits(), wish(Mode::Subscribe, None, 1_000_000), start()).unwrap();
    assert_eq!(one.next(&Served::No(start()), start()), Next::Do(Work::Deny), "nobody is subscribed to nothing");
    one.take(Outcome::Verified { number: 1, at: start(), answer: Verified::Yes }, start());
    let day = start() + SignedDuration::from_hours(24);
    assert_eq!(one.next(&Served::No(start()), start()), Next::At(day));
    let (v, later) = (version(1), day - SignedDuration::from_secs(1));
    assert_eq!(one.next(&Served::Yes(&v, later), later), Next::Do(Work::Deliver));
    assert_eq!(one.next(&Served::No(start()), day), Next::Do(Work::Deny));
    one.take(Outcome::Denied, day);
    assert_eq!((one.state, one.callback), (State::Ended(End::Denied), None));
}

#[test]
fn what_another_process_told_that_is_newer_is_not_told_back() {
    let mut owed = Owed::since(version(0));
    owed.tell(version(2), start());
    let (old, since) = (version(1), start() + SignedDuration::from_secs(2));
    let doubt = since + SignedDuration::from_mins(5);
    assert_eq!(owed.due(&old, since, since), Due::At(doubt), "it is about to find what is newer");
    assert_eq!(owed.due(&old, since, doubt), Due::Now, "it was a clock that was wrong");
    assert_eq!(owed.due(&version(3), since, since), Due::Now);
}

/// What can happen to a subscription.
#[derive(Debug, Clone)]
enum Event {
    Ask(bool, Option<u8>, i64),
    Verify(u8, bool),
    Work(u8),
    Change,
    Vanish,
    Pass(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (any::<bool>(), any::<Option<u8>>(), 60..100_000i64).prop_map(|(a, b, c)| Event::Ask(a, b, c)),
        (0..3u8, any::<bool>()).prop_map(|(a, b)| Event::Verify(a, b)),
        (0..4u8).prop_map(Event::Work),
        Just(Event::Change),
        Just(Event::Vanish),
        (0..200_000i64).prop_map(Event::Pass),
    ]
}

proptest! {
    #[test]
    fn no_bytes_break_the_reading(body in proptest::collection::vec(any::<u8>(), 0..300), kind in ".{0,40}") {
        let _ = parse(Some(&kind), &body, &LEASE);
        let _ = parse(FORM, &[b"hub.mode=subscribe&hub.topic=x&hub.callback=http://", &body[..]].concat(), &LEASE);
    }

    #[test]
    fn a_lease_is_granted_within_its_bounds(asked in any::<Option<u64>>()) {
        let granted = LEASE.granted(asked);
        prop_assert!(granted >= OwnHub::LEASE_LEAST && granted <= LEASE.most);
        prop_assert_eq!(granted.subsec_nanos(), 0);
        if let Some(asked) = asked.filter(|asked| (60..=2_592_000).contains(asked)) {
            prop_assert_eq!(granted.as_secs() as u64, asked);
        }
    }

    #[test]
    fn a_callback_s_query_is_kept_byte_for_byte(query in "[ -~]{0,60}", topic in "\\PC{0,40}", challenge in "[a-f0-9]{64}") {
        let given = format!("https://r.example/cb?{}", query.replace('#', ""));
        let callback = Callback::parse(&given).unwrap();
        let asked = callback.verification(Mode::Subscribe, &topic, &challenge, LEASE.default);
        let before = callback.expose().query().unwrap_or("");
        let after = asked.query().unwrap().strip_prefix(before).unwrap();
        let after = after.strip_prefix('&').unwrap_or(after);
        let pairs: Vec<(String, String)> = form_urlencoded::parse(after.as_bytes()).into_owned().collect();
        let expected = [("hub.mode", "subscribe"), ("hub.topic", &*topic), ("hub.challenge", &*challenge), ("hub.lease_seconds", "864000")];
        prop_assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        prop_assert_eq!(callback.print(), Callback::parse(callback.expose().as_str()).unwrap().print());
        let shown = format!("{callback:?}");
        prop_assert!(!shown.contains("/cb"));
    }

    #[test]
    fn whatever_happens_a_subscription_stays_in_order(events in proptest::collection::vec(event(), 0..60)) {
        let (mut now, mut served, mut served_since) = (start(), Some(0u32), start());
        let mut one: Option<Subscription> = None;
        for event in events {
            let v = served.map(version);
            let seen = v.as_ref().map_or(Served::No(served_since), |v| Served::Yes(v, served_since));
            let before = one.clone();
            match event {
                Event::Ask(is_subscribe, secret, lease) => {
                    let mode = if is_subscribe { Mode::Subscribe } else { Mode::Unsubscribe };
                    let mut wish = wish(mode, secret, lease);
                    wish.served = v.clone();
                    let asked = ask(one.take(), &Counts::default(), &no_limits(), wish, now).unwrap();
                    // What is asked changes nothing before it is verified.
                    if let Some(before) = before.filter(|before| !before.state.is_ended()) {
                        prop_assert_eq!((&asked.state, &asked.secret, &asked.owed), (&before.state, &before.secret, &before.owed));
                        prop_assert_eq!(asked.requests, before.requests + 1);
                    }
                    one = Some(asked);
                }
                Event::Verify(answer, is_stale) => if let Some(one) = &mut one {
                    let number = one.requests - i64::from(is_stale);
                    let asked = one.asked.clone();
                    let answer = match answer {
                        0 => Verified::Yes,
                        1 => Verified::No("no".into()),
                        _ => Verified::Unclear(Trouble::new("down")),
                    };
                    one.take(Outcome::Verified { number, at: now, answer: answer.clone() }, now);
                    let before = before.unwrap();
                    match asked.filter(|_| !is_stale) {
                        None => prop_assert_eq!((&one.state, &one.secret), (&before.state, &before.secret)),
                        Some(asked) => match (answer, asked.mode) {
                            (Verified::Yes, Mode::Subscribe) => {
                                prop_assert_eq!(one.state, State::Active { until: now + asked.lease });
                                prop_assert_eq!(&one.secret, &asked.secret);
                            }
                            (Verified::Yes, Mode::Unsubscribe) => prop_assert!(one.state.is_ended()),
                            _ if before.state == State::Pending => {}
                            _ => prop_assert_eq!(one.state, before.state),
                        },
                    }
                },
                Event::Work(answer) => if let Some(one) = &mut one {
                    match one.next(&seen, now) {
                        Next::Do(Work::Deliver) => {
                            let is_active = matches!(one.state, State::Active { until } if until > now);
                            prop_assert!(is_active);
                            prop_assert!(one.callback.is_some());
                            let v = v.unwrap();
                            prop_assert!(v.etag != one.owed.told.etag);
                            let outcome = match answer {
                                0 | 1 => Outcome::Told(v.clone()),
                                2 => Outcome::Failed(v.clone(), Trouble::new("down")),
                                _ => Outcome::Gone,
                            };
                            one.take(outcome, now);
                            if answer < 2 {
                                prop_assert_eq!(one.owed.due(&v, served_since, now), Due::No);
                            }
                            prop_assert!(one.owed.tries < Owed::TRIES);
                        }
                        Next::Do(Work::Verify) => prop_assert!(one.asked.is_some() && one.callback.is_some()),
                        Next::Do(Work::Deny) => {
                            prop_assert!(served.is_none());
                            one.take(Outcome::Denied, now);
                            prop_assert!(one.state.is_ended());
                        }
                        Next::Do(Work::Expire) => {
                            one.take(Outcome::Expired, now);
                            prop_assert_eq!(one.state, State::Ended(End::Expired));
                        }
                        Next::At(at) => prop_assert!(at > now),
                        Next::Nothing => {}
                    }
                },
                Event::Change => {
                    served = Some(served.map_or(1_000, |n| n + 1));
                    served_since = now;
                }
                Event::Vanish => (served, served_since) = (None, now),
                Event::Pass(seconds) => now += SignedDuration::from_secs(seconds),
            }
            if let Some(one) = &one {
                let is_over = one.state.is_ended() && one.asked.is_none();
                prop_assert_eq!(one.callback.is_none(), is_over, "the callback is kept as long as it is needed");
                prop_assert!(!is_over || one.secret.is_none());
                prop_assert!(!(one.state == State::Pending && one.asked.is_none()), "a pending one waits for an answer");
            }
        }
    }

    #[test]
    fn a_version_is_tried_ten_times_and_the_next_one_anew(key in any::<i64>()) {
        let (mut owed, mut now) = (Owed::since(version(0)), start());
        for n in 1..4 {
            let (mut tries, since) = (0, now);
            loop {
                match owed.due(&version(n), since, now) {
                    Due::Now => {
                        owed.fail(&version(n), Trouble::new("down"), key, now);
                        tries += 1;
                    }
                    Due::At(at) => {
                        let wait = at.duration_since(now);
                        prop_assert!(wait.is_positive() && wait <= SignedDuration::from_hours(1));
                        now = at;
                    }
                    Due::No => break,
                }
            }
            prop_assert_eq!(tries, Owed::TRIES);
            let took = now.duration_since(since);
            prop_assert!(took >= SignedDuration::from_mins(30) && took <= SignedDuration::from_hours(2), "{took:?}");
            now += SignedDuration::from_secs(10);
        }
        owed.hope();
        prop_assert_eq!(owed.due(&version(3), now, now), Due::Now);
    }
}
