//! Who is signed in on the pages. Sessions live in memory: a restart signs everybody out, and nothing of them is kept.

use crate::people::ADMIN;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Longest time from signing in to signing in again.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(12);
/// Longest time without a request.
const IDLE: SignedDuration = SignedDuration::from_hours(2);
/// Most sessions; the one that was idle longest makes place.
const MOST: usize = 1_000;

/// Somebody who is signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub person: String,
    /// What every form of this session carries, and nobody else can know.
    pub form: String,
    since: Timestamp,
    used: Timestamp,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.person)
    }
}

impl Session {
    /// Whether a form is of this session.
    pub fn is_own(&self, form: &str) -> bool {
        verify_slices_are_equal(form.as_bytes(), self.form.as_bytes()).is_ok()
    }
}

/// All sessions, by the hash of what their cookie holds.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<[u8; 32], Session>>>);

impl Sessions {
    /// Begins a session, and tells what its cookie holds. None if the system has no chance to give.
    pub fn begin(&self, person: &str, now: Timestamp) -> Option<String> {
        let (cookie, form) = (chance()?, chance()?);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.lives(now));
        if sessions.len() >= MOST
            && let Some(oldest) = sessions.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(hash(&cookie), Session { person: person.to_owned(), form, since: now, used: now });
        Some(cookie)
    }

    /// The session of a cookie.
    pub fn find(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(&hash(cookie)).filter(|session| session.lives(now))?;
        session.used = session.used.max(now);
        Some(session.clone())
    }

    /// Ends a session.
    pub fn end(&self, cookie: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(cookie));
    }

    /// The one session of whoever is on this machine, where nobody has a token.
    pub fn of_this_machine(&self, now: Timestamp) -> Option<Session> {
        let form = chance()?;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.entry([0; 32]).or_insert_with(|| Session {
            person: ADMIN.to_owned(),
            form,
            since: now,
            used: now,
        });
        Some(session.clone())
    }
}

impl Session {
    fn lives(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) < LONGEST && now.duration_since(self.used) < IDLE
    }
}

/// Only the hash is compared and kept, so that neither time nor memory tells anything of the cookie.
fn hash(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

/// What nobody can guess.
fn chance() -> Option<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_when_it_is_old_and_when_it_is_told_to() {
        let (sessions, now) = (Sessions::default(), "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap());
        let later = |minutes| now + SignedDuration::from_mins(minutes);
        let cookie = sessions.begin("aya", now).unwrap();
        let other = sessions.begin("bo", now).unwrap();
        assert_eq!(sessions.find(&other, later(121)), None, "idle for two hours");
        for minutes in (0..720).step_by(60) {
            assert_eq!(sessions.find(&cookie, later(minutes)).unwrap().person, "aya");
        }
        assert_eq!(sessions.find(&cookie, later(720)), None, "as old as one may be");
        let cookie = sessions.begin("aya", now).unwrap();
        let session = sessions.find(&cookie, now).unwrap();
        assert!(session.is_own(&session.form.clone()) && !session.is_own("") && !session.is_own(&cookie));
        sessions.end(&cookie);
        assert_eq!(sessions.find(&cookie, now), None);
    }

    #[test]
    fn there_are_never_more_than_a_thousand() {
        let (sessions, now) = (Sessions::default(), "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap());
        let cookies: Vec<String> =
            (0..1_001).map(|second| sessions.begin("aya", now + SignedDuration::from_secs(second)).unwrap()).collect();
        let end = now + SignedDuration::from_secs(1_001);
        assert_eq!(sessions.find(&cookies[0], end), None);
        assert!(cookies[1..].iter().all(|cookie| sessions.find(cookie, end).is_some()));
    }
}
