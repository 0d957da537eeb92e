//! When people were last seen: what friends are told of it, and what is kept. Pure, a part of the registry's state.
//!
//! Seen is who is shown online. Who is invisible is not seen, so their time is that at which they became invisible, however long they stay;
//! it never moves while nobody sees them. Times are cut to whole minutes. Only friends are told, never members of common rooms, and only
//! where both allow it; nothing is kept of who does not.

use hobnob_shared::message::{Done, FromServer, Presence, PresenceChanged};

use super::message::SeenAllowed;
use super::paging::Paging;
use super::people::Person;
use super::state::{Effect, SessionId, Spread, State};
use crate::store::AccountId;

/// Times are cut to this: to see when somebody comes and goes to the second is more than a friend needs.
const MINUTE: u64 = 60_000;

impl State {
    /// Whether others see this account come or go now; the time is kept where that is allowed.
    pub(super) fn note_seen(&mut self, account: AccountId, time: u64) -> Option<Effect> {
        let person = self.people.get_mut(&account)?;
        let online = person.shown().0.is_online();
        let was_online = std::mem::replace(&mut person.shown_online, online);
        // Another text is no coming or going; to come and go between two tellings is one.
        let seen = std::mem::take(&mut person.stirred) && !(online && was_online);
        if !seen || !person.seen.allowed {
            return None;
        }
        // Who comes is seen as well: if the server ends without a word, that time is left.
        let at = time - time % MINUTE;
        person.seen.at = Some(at);
        Some(Effect::NoteSeen(account, at))
    }

    /// When `account` was last seen, as far as `reader` may know; `kept` is what the store said.
    pub(super) fn last_seen_of(&self, account: AccountId, reader: &Person, kept: Option<u64>) -> Option<u64> {
        if !reader.seen.allowed {
            return None;
        }
        match self.people.get(&account) {
            Some(person) if person.shown().0.is_online() => None,
            Some(person) if person.loaded => person.seen.at.filter(|_| person.seen.allowed),
            _ => kept,
        }
    }

    /// A person's presence for those who are here: friends who may know when they were last seen are told that too.
    pub(super) fn spreads(&self, account: AccountId, person: &Person) -> Vec<Spread> {
        let (presence, text) = person.shown();
        let last_seen = person.seen.at.filter(|_| person.seen.allowed && !presence.is_online());
        let (mut informed, mut others): (Vec<SessionId>, Vec<SessionId>) = (Vec::new(), Vec::new());
        for (id, other) in self.audience(account, person) {
            let knows = last_seen.is_some() && other.seen.allowed && person.friends.contains(&id);
            if knows { &mut informed } else { &mut others }.extend(other.sessions());
        }
        let spread = |to: Vec<SessionId>, last_seen| {
            let change = PresenceChanged { user: person.user.clone(), presence, text: text.to_owned(), last_seen };
            (!to.is_empty()).then_some(Spread { account, frame: FromServer::PresenceChanged(change), to })
        };
        [spread(others, None), spread(informed, last_seen)].into_iter().flatten().collect()
    }

    /// An account allows it, or not any more. Its friends are told nothing: while it is seen there is nothing to tell, and while it is not,
    /// a word would say that somebody is there.
    pub fn seen_allowed(&mut self, news: SeenAllowed) -> Vec<Effect> {
        let SeenAllowed { session, seq, account, on, friends } = news;
        let mut effects = vec![Effect::Send(session, Box::new(FromServer::Done(Done { seq })))];
        let Some(person) = self.people.get_mut(&account) else { return effects };
        // A device that is arriving must not be told the old answer.
        person.version += 1;
        person.seen.allowed = on;
        if !on {
            person.seen.at = None;
            return effects;
        }
        let Some(person) = self.people.get(&account) else { return effects };
        let news: Vec<PresenceChanged> = friends
            .into_iter()
            .filter(|row| person.friends.contains(&row.account))
            .filter_map(|row| {
                let last_seen = self.last_seen_of(row.account, person, Some(row.at))?;
                let (presence, text) = (Presence::Offline, String::new());
                Some(PresenceChanged { user: row.user, presence, text, last_seen: Some(last_seen) })
            })
            .collect();
        let sessions: Vec<SessionId> = person.sessions().collect();
        for session in sessions {
            let paging: &mut Paging = self.paging.entry(session).or_default();
            paging.news.extend(news.iter().cloned());
            effects.extend(self.wake(session));
        }
        effects
    }
}
