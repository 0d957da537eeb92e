//! The people that this account knows: who is pinned, who asks, and how each is. Presence comes from the server while it is there and over
//! the links while it is not. Pure; the registry owns one.

use std::collections::BTreeMap;

use hobnob_shared::id::{Fingerprint, Handle};
use hobnob_shared::limits;
use hobnob_shared::message::{FriendRequested, Presence};

use super::event::Event;
use super::history::friends::Friend;

/// Most open requests kept: the server holds the rest back as well.
const REQUESTS: usize = 256;

/// What one source says of a person.
pub type Report = (Presence, String);

/// A friend.
pub struct Person {
    /// What is kept of them on the disk.
    pub pin: Friend,
    /// What the server said last.
    server: Option<Report>,
    /// What was said over a link that stands.
    link: Option<Report>,
    /// When they were last seen, as the server said last.
    seen: Option<u64>,
    /// What was told.
    told: Option<(Report, Option<u64>)>,
}

impl Person {
    /// Nothing is sent to somebody whose key changed.
    pub fn is_stopped(&self) -> bool {
        self.pin.changed_key.is_some()
    }

    /// The server says that they are signed in.
    pub fn server_says_online(&self) -> bool {
        self.server.as_ref().is_some_and(|(presence, _)| presence.is_online())
    }
}

/// All of them.
#[derive(Default)]
pub struct Roster {
    people: BTreeMap<Handle, Person>,
    /// Keys of those who were friends, or are friends of this account's other devices and not proven here yet.
    former: BTreeMap<Handle, Fingerprint>,
    requests: BTreeMap<Handle, FriendRequested>,
    server_online: bool,
}

impl Roster {
    /// A friend, if they are one.
    pub fn get(&self, user: &Handle) -> Option<&Person> {
        self.people.get(user)
    }

    /// The same, to change their pin.
    pub fn pin_mut(&mut self, user: &Handle) -> Option<&mut Friend> {
        self.people.get_mut(user).map(|person| &mut person.pin)
    }

    /// Pins a person. Presence is kept where they were known.
    pub fn pin(&mut self, friend: Friend) {
        self.former.remove(&friend.user);
        if let Some(person) = self.people.get_mut(&friend.user) {
            person.pin = friend;
        } else {
            let user = friend.user.clone();
            self.people.insert(user, Person { pin: friend, server: None, link: None, seen: None, told: None });
        }
    }

    /// No friend any more, but their key is remembered; false if it was none.
    pub fn remove(&mut self, user: &Handle) -> bool {
        let removed = self.people.remove(user);
        if let Some(person) = &removed {
            self.former.insert(user.clone(), person.pin.account);
        }
        removed.is_some()
    }

    /// What the profile remembers of former friends.
    pub fn remember_former(&mut self, former: Vec<(Handle, Fingerprint)>) {
        self.former.extend(former);
    }

    /// Whether somebody of that name was a friend with another key than `key`.
    pub fn had_another_key(&self, user: &Handle, key: Fingerprint) -> bool {
        self.former.get(user).is_some_and(|former| *former != key)
    }

    /// Everybody who is no friend and whose key is remembered.
    pub fn former(&self) -> impl Iterator<Item = (&Handle, &Fingerprint)> {
        self.former.iter()
    }

    /// Whether a key is remembered of somebody who is no friend.
    pub fn is_former(&self, user: &Handle) -> bool {
        self.former.contains_key(user)
    }

    /// A person accepted that a former friend has another key now.
    pub fn forget_former(&mut self, user: &Handle) {
        self.former.remove(user);
    }

    /// All friends in the order of their handles.
    pub fn people(&self) -> impl Iterator<Item = (&Handle, &Person)> {
        self.people.iter()
    }

    /// All handles.
    pub fn handles(&self) -> Vec<Handle> {
        self.people.keys().cloned().collect()
    }

    /// Somebody asks. False when there are too many already.
    pub fn add_request(&mut self, user: Handle, request: FriendRequested) -> bool {
        if self.requests.len() >= REQUESTS && !self.requests.contains_key(&user) {
            return false;
        }
        self.requests.insert(user, request);
        true
    }

    /// Who asks, and with what.
    pub fn request(&self, user: &Handle) -> Option<&FriendRequested> {
        self.requests.get(user)
    }

    /// The request is answered or withdrawn; false if there was none.
    pub fn settle_request(&mut self, user: &Handle) -> bool {
        self.requests.remove(user).is_some()
    }

    /// Who asks.
    pub fn requests(&self) -> Vec<Handle> {
        self.requests.keys().cloned().collect()
    }

    /// The server's list is about to come: what was known of requests is no longer.
    pub fn forget_requests(&mut self) {
        self.requests.clear();
    }

    /// The server says how `user` is.
    pub fn server_says(&mut self, user: &Handle, presence: Presence, text: &str) {
        if let Some(person) = self.people.get_mut(user) {
            person.server = Some((presence, clip(text)));
        }
    }

    /// The server says when `user` was last seen, or nothing of it.
    pub fn server_saw(&mut self, user: &Handle, at: Option<u64>) {
        if let Some(person) = self.people.get_mut(user) {
            person.seen = at;
        }
    }

    /// When `user` was last seen: told only while the server says that they are offline.
    pub fn last_seen(&self, user: &Handle) -> Option<u64> {
        let person = self.people.get(user).filter(|_| self.server_online)?;
        let offline = person.server.as_ref().is_some_and(|(presence, _)| *presence == Presence::Offline);
        person.seen.filter(|_| offline)
    }

    /// This account is told no more when others were last seen: an event for each who was.
    pub fn forget_seen(&mut self) -> Vec<Event> {
        let gone = |(user, person): (&Handle, &mut Person)| person.seen.take().map(|_| user.clone());
        let users: Vec<Handle> = self.people.iter_mut().filter_map(gone).collect();
        users.iter().filter_map(|user| self.tell(user)).collect()
    }

    /// The device of `user` says so over its link; `None` once no link stands.
    pub fn link_says(&mut self, user: &Handle, report: Option<(Presence, &str)>) {
        if let Some(person) = self.people.get_mut(user) {
            person.link = report.map(|(presence, text)| (presence, clip(text)));
        }
    }

    /// What was said over the link last.
    pub fn link_report(&self, user: &Handle) -> Report {
        self.people.get(user).and_then(|person| person.link.clone()).unwrap_or_default()
    }

    /// The server came or went. Gone, all that it said counts no more.
    pub fn set_server_online(&mut self, online: bool) {
        self.server_online = online;
        if !online {
            for person in self.people.values_mut() {
                (person.server, person.seen) = (None, None);
            }
        }
    }

    /// How `user` is, as far as anybody can say.
    pub fn presence(&self, user: &Handle) -> Report {
        let Some(person) = self.people.get(user) else { return Report::default() };
        let told = if self.server_online { person.server.as_ref() } else { person.link.as_ref() };
        told.cloned().unwrap_or_default()
    }

    /// An event if that is another one than was told last.
    pub fn tell(&mut self, user: &Handle) -> Option<Event> {
        let now = (self.presence(user), self.last_seen(user));
        let person = self.people.get(user)?;
        // Nothing told yet means unknown, and nobody needs to hear that.
        let before = person.told.clone().unwrap_or_default();
        (before != now).then(|| self.announce(user)).flatten()
    }

    /// The event in any case, after `signed_in` and `friend_added`.
    pub fn announce(&mut self, user: &Handle) -> Option<Event> {
        let ((presence, text), last_seen) = (self.presence(user), self.last_seen(user));
        let person = self.people.get_mut(user)?;
        person.told = Some(((presence, text.clone()), last_seen));
        Some(Event::Presence { user: user.clone(), presence, text, last_seen })
    }

    /// Holds a key that somebody claims for `user` against the pin.
    pub fn compare(&self, user: &Handle, key: Fingerprint) -> Pinned {
        match self.people.get(user) {
            None => Pinned::Unknown,
            Some(person) if person.pin.account == key && !person.is_stopped() => Pinned::Same,
            Some(person) if person.pin.account == key => Pinned::Stopped,
            Some(person) if person.pin.changed_key == Some(key) => Pinned::Stopped,
            Some(_) => Pinned::Changed,
        }
    }
}

/// How a key stands to the pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    /// Nobody is pinned by that name.
    Unknown,
    /// It is the pinned one.
    Same,
    /// It is another one, and this is news.
    Changed,
    /// The person is stopped already because of a changed key.
    Stopped,
}

/// Status texts are short; a longer one is cut, not refused.
fn clip(text: &str) -> String {
    text.chars().take(limits::STATUS_TEXT).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::identity::IdentityStatement;

    fn friend(name: &str, key: u8) -> Friend {
        Friend {
            user: name.parse().unwrap(),
            account: Fingerprint([key; 32]),
            account_certificate: Vec::new(),
            verified: false,
            blocked: false,
            changed_key: None,
            device_list: IdentityStatement { body: Vec::new(), signature: Vec::new() },
            device_list_number: 1,
        }
    }

    fn told(event: Option<Event>) -> Option<Presence> {
        match event {
            Some(Event::Presence { presence, .. }) => Some(presence),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_the_server_only_a_link_tells_how_somebody_is() {
        let bob: Handle = "bob".parse().unwrap();
        let mut roster = Roster::default();
        roster.pin(friend("bob", 1));
        assert_eq!(roster.presence(&bob).0, Presence::Unknown);

        roster.set_server_online(true);
        roster.server_says(&bob, Presence::Busy, "writing");
        assert_eq!(told(roster.tell(&bob)), Some(Presence::Busy));
        assert_eq!(told(roster.tell(&bob)), None);
        // While the server is there its word counts.
        roster.link_says(&bob, Some((Presence::Available, "here")));
        assert_eq!(told(roster.tell(&bob)), None);

        roster.set_server_online(false);
        assert_eq!(told(roster.tell(&bob)), Some(Presence::Available));
        roster.link_says(&bob, None);
        assert_eq!(told(roster.tell(&bob)), Some(Presence::Unknown));

        // Back again, it has to say it again.
        roster.set_server_online(true);
        assert_eq!(roster.presence(&bob).0, Presence::Unknown);
    }

    #[test]
    fn when_somebody_was_seen_is_told_while_the_server_says_that_they_are_offline() {
        let bob: Handle = "bob".parse().unwrap();
        let seen = |event: Option<Event>| match event {
            Some(Event::Presence { last_seen, .. }) => Some(last_seen),
            _ => None,
        };
        let mut roster = Roster::default();
        roster.pin(friend("bob", 1));
        roster.set_server_online(true);
        roster.server_says(&bob, Presence::Available, "");
        roster.server_saw(&bob, None);
        assert_eq!(seen(roster.tell(&bob)), Some(None));
        roster.server_says(&bob, Presence::Offline, "");
        roster.server_saw(&bob, Some(60_000));
        assert_eq!(seen(roster.tell(&bob)), Some(Some(60_000)));
        assert_eq!(seen(roster.tell(&bob)), None);
        assert_eq!(roster.forget_seen().len(), 1);
        assert_eq!((roster.last_seen(&bob), roster.forget_seen().len()), (None, 0));
        roster.server_saw(&bob, Some(120_000));
        roster.set_server_online(false);
        assert_eq!(roster.last_seen(&bob), None, "without the server nobody knows");
    }

    #[test]
    fn a_key_is_the_pinned_one_a_changed_one_or_a_strangers() {
        let bob: Handle = "bob".parse().unwrap();
        let mut roster = Roster::default();
        assert_eq!(roster.compare(&bob, Fingerprint([1; 32])), Pinned::Unknown);
        roster.pin(friend("bob", 1));
        assert_eq!(roster.compare(&bob, Fingerprint([1; 32])), Pinned::Same);
        assert_eq!(roster.compare(&bob, Fingerprint([2; 32])), Pinned::Changed);
        roster.pin_mut(&bob).unwrap().changed_key = Some(Fingerprint([2; 32]));
        // Told once; stopped for the old key as well, until a person decides.
        assert_eq!(roster.compare(&bob, Fingerprint([2; 32])), Pinned::Stopped);
        assert_eq!(roster.compare(&bob, Fingerprint([1; 32])), Pinned::Stopped);
        assert_eq!(roster.compare(&bob, Fingerprint([3; 32])), Pinned::Changed);
    }

    #[test]
    fn a_status_text_is_cut_to_its_length() {
        let bob: Handle = "bob".parse().unwrap();
        let mut roster = Roster::default();
        roster.pin(friend("bob", 1));
        roster.set_server_online(true);
        roster.server_says(&bob, Presence::Away, &"ä".repeat(1000));
        assert_eq!(roster.presence(&bob).1.chars().count(), limits::STATUS_TEXT);
    }
}
