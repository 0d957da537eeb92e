//! Friends, their presence and their order in the sidebar, and the requests that wait for an answer.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use hobnob_shared::id::Handle;
use hobnob_shared::message::Presence;

use crate::core::event::{FriendInfo, LinkPath};
use crate::literal::literal_line;
use crate::model::listing::by_presence;

/// How one is connected to a person, as the header says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Path {
    /// Not at all.
    #[default]
    None,
    /// Through the server.
    Relayed,
    /// Straight, over the internet or an unknown way.
    Direct,
    /// Straight, within one network.
    SameNetwork,
}

impl Path {
    /// From what the core says.
    pub fn new(link: LinkPath, address: &str) -> Self {
        match link {
            LinkPath::None => Self::None,
            LinkPath::Relayed => Self::Relayed,
            LinkPath::Direct if is_near(address) => Self::SameNetwork,
            LinkPath::Direct => Self::Direct,
        }
    }

    /// There is a link.
    pub fn is_linked(self) -> bool {
        self != Self::None
    }
}

fn is_near(address: &str) -> bool {
    match address.parse::<SocketAddr>().map(|address| address.ip().to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => false,
    }
}

/// A friend, as the sidebar and the header show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: Handle,
    /// How they are.
    pub presence: Presence,
    /// What they say.
    pub status_text: String,
    /// The safety number was compared.
    pub verified: bool,
    /// How one is connected.
    pub path: Path,
    /// What they are called here; empty if nothing else than their username.
    pub nickname: String,
    /// What is to be remembered of them.
    pub note: String,
    /// Offline, and allowed: when they were last seen, milliseconds since 1970.
    pub last_seen: Option<u64>,
    /// Their messages that were not seen.
    pub unread: u32,
    /// Their key changed: what the core says about it. Nothing is sent until a person decides.
    pub alarm: Option<String>,
}

impl Person {
    fn new(user: Handle) -> Self {
        Self {
            user,
            presence: Presence::Unknown,
            status_text: String::new(),
            verified: false,
            path: Path::None,
            nickname: String::new(),
            note: String::new(),
            last_seen: None,
            unread: 0,
            alarm: None,
        }
    }

    /// What they are called: the nickname, else the username. Not to be shown unchecked.
    pub fn name(&self) -> &str {
        if self.nickname.is_empty() { self.user.as_str() } else { &self.nickname }
    }

    /// What they are called looks like this other name: letter for letter, but for case, spaces and what cannot be seen.
    pub(in crate::model) fn looks_like(&self, name: &str) -> bool {
        look(self.name()) == look(name)
    }

    fn matches(&self, words: &str) -> bool {
        self.user.as_str().contains(words)
            || self.nickname.to_lowercase().contains(words)
            || self.status_text.to_lowercase().contains(words)
    }
}

fn look(name: &str) -> String {
    let seen = |c: &char| !c.is_whitespace() && !matches!(c, '\u{200B}'..='\u{200D}' | '\u{FE00}'..='\u{FE0F}');
    literal_line(name).chars().filter(seen).flat_map(char::to_lowercase).collect()
}

/// Place of a presence among the others: who can answer now comes first.
pub fn rank(presence: Presence) -> u8 {
    match presence {
        Presence::Available => 0,
        Presence::Away => 1,
        Presence::Busy => 2,
        Presence::Unknown => 3,
        Presence::Offline => 4,
    }
}

/// Friends and requests.
#[derive(Debug, Default)]
pub struct Roster {
    people: BTreeMap<Handle, Person>,
    /// How one is connected, also to those whose line has not come yet: the list does not say whether a direct path is a near one.
    paths: BTreeMap<Handle, Path>,
    requests: Vec<Handle>,
}

/// Paths kept: the core keeps 64 links, so more can only come from a broken one. Members of rooms are among them.
const PATHS_MAX: usize = 1_000;
/// Requests shown at once: the server keeps 100 for an account, so more can only come from a broken one.
const REQUESTS_MAX: usize = 200;

impl Roster {
    /// The whole list from the core. Alarms and paths that are known better here stay.
    pub fn replace(&mut self, friends: Vec<FriendInfo>, requests: Vec<Handle>) {
        let mut old = std::mem::take(&mut self.people);
        for friend in friends {
            let mut person = old.remove(&friend.user).unwrap_or_else(|| Person::new(friend.user.clone()));
            person.presence = friend.presence;
            person.status_text = friend.status_text;
            person.verified = friend.verified;
            person.nickname = friend.nickname;
            person.note = friend.note;
            person.last_seen = friend.last_seen;
            person.path = match (friend.link, self.paths.get(&friend.user)) {
                (LinkPath::Direct, Some(Path::SameNetwork)) => Path::SameNetwork,
                (link, _) => Path::new(link, ""),
            };
            self.people.insert(friend.user, person);
        }
        self.requests.clear();
        for user in requests {
            self.request(user);
        }
    }

    /// A friend.
    pub fn get(&self, user: &Handle) -> Option<&Person> {
        self.people.get(user)
    }

    /// A friend, to be changed; none for strangers, about whom nothing is kept.
    pub fn get_mut(&mut self, user: &Handle) -> Option<&mut Person> {
        self.people.get_mut(user)
    }

    /// The path to a person changed. False for who is no friend, or not yet.
    pub fn linked(&mut self, user: &Handle, path: Path) -> bool {
        if path.is_linked() {
            if self.paths.len() < PATHS_MAX {
                self.paths.insert(user.clone(), path);
            }
        } else {
            self.paths.remove(user);
        }
        self.people.get_mut(user).map(|person| person.path = path).is_some()
    }

    /// How one is connected to somebody, friend or not.
    pub fn path(&self, user: &Handle) -> Path {
        self.people.get(user).map(|person| person.path).or_else(|| self.paths.get(user).copied()).unwrap_or_default()
    }

    /// A friendship stands.
    pub fn add(&mut self, user: Handle) {
        self.requests.retain(|other| *other != user);
        self.people.entry(user.clone()).or_insert_with(|| Person::new(user));
    }

    /// A friendship or a request is no more.
    pub fn remove(&mut self, user: &Handle) {
        self.requests.retain(|other| other != user);
        self.people.remove(user);
    }

    /// Somebody asks; each is shown once.
    pub fn request(&mut self, user: Handle) {
        if self.requests.len() < REQUESTS_MAX && !self.requests.contains(&user) && !self.people.contains_key(&user) {
            self.requests.push(user);
        }
    }

    /// Who waits for an answer, in the order of asking.
    pub fn requests(&self) -> &[Handle] {
        &self.requests
    }

    /// All friends, by username.
    pub(in crate::model) fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// Number of friends.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// No friends.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Friends whose username, nickname or status contains the words, by presence, then by what they are called.
    pub fn sorted(&self, words: &str) -> Vec<&Person> {
        let words = words.trim().trim_start_matches('@').to_lowercase();
        let mut people: Vec<&Person> = self.people.values().filter(|person| person.matches(&words)).collect();
        by_presence(&mut people);
        people
    }

    /// Everybody is linked to nobody and their presence is not known: what is true right after a sign-out.
    pub fn forget_presence(&mut self) {
        self.paths.clear();
        for person in self.people.values_mut() {
            person.presence = Presence::Unknown;
            person.last_seen = None;
            person.path = Path::None;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn handle(text: &str) -> Handle {
        text.parse().unwrap()
    }

    fn friend(user: &str, presence: Presence) -> FriendInfo {
        FriendInfo { presence, ..FriendInfo::new(handle(user)) }
    }

    fn names(roster: &Roster, words: &str) -> Vec<String> {
        roster.sorted(words).iter().map(|person| person.user.to_string()).collect()
    }

    #[test]
    fn friends_stand_by_presence_and_then_by_name() {
        let mut roster = Roster::default();
        let all = [
            ("zoe", Presence::Available),
            ("bob", Presence::Offline),
            ("ann", Presence::Unknown),
            ("eve", Presence::Busy),
            ("dan", Presence::Away),
            ("amy", Presence::Available),
        ];
        roster.replace(all.iter().map(|(user, presence)| friend(user, *presence)).collect(), vec![]);
        assert_eq!(names(&roster, ""), ["amy", "zoe", "dan", "eve", "ann", "bob"]);
        roster.get_mut(&handle("bob")).unwrap().presence = Presence::Available;
        assert_eq!(names(&roster, ""), ["amy", "bob", "zoe", "dan", "eve", "ann"]);
    }

    #[test]
    fn search_looks_at_names_and_status_texts_without_regard_to_case() {
        let mut roster = Roster::default();
        roster.replace(vec![friend("bob", Presence::Away), friend("carol", Presence::Away)], vec![]);
        roster.get_mut(&handle("carol")).unwrap().status_text = "In the Library".to_owned();
        assert_eq!(names(&roster, "BO"), ["bob"]);
        assert_eq!(names(&roster, "@bob"), ["bob"]);
        assert_eq!(names(&roster, "library"), ["carol"]);
        assert!(names(&roster, "nobody").is_empty());
    }

    #[test]
    fn a_request_is_shown_once_and_ends_with_the_friendship() {
        let mut roster = Roster::default();
        roster.request(handle("bob"));
        roster.request(handle("bob"));
        assert_eq!(roster.requests(), [handle("bob")]);
        roster.add(handle("bob"));
        assert!(roster.requests().is_empty());
        roster.request(handle("bob"));
        assert!(roster.requests().is_empty(), "a friend's request is no news");
        roster.remove(&handle("bob"));
        assert!(roster.is_empty());
    }

    #[test]
    fn a_new_list_keeps_what_only_the_window_knows() {
        let mut roster = Roster::default();
        roster.replace(vec![friend("bob", Presence::Away)], vec![]);
        let bob = roster.get_mut(&handle("bob")).unwrap();
        bob.unread = 3;
        bob.alarm = Some("changed".to_owned());
        assert!(roster.linked(&handle("bob"), Path::SameNetwork));
        assert!(!roster.linked(&handle("carol"), Path::SameNetwork), "no friend yet");
        let again = FriendInfo { link: LinkPath::Direct, ..friend("bob", Presence::Busy) };
        let carol = FriendInfo { link: LinkPath::Direct, ..friend("carol", Presence::Busy) };
        roster.replace(vec![again, carol], vec![]);
        assert_eq!(roster.get(&handle("carol")).unwrap().path, Path::SameNetwork, "the path was told before the list");
        let bob = roster.get(&handle("bob")).unwrap();
        assert_eq!((bob.unread, bob.path, bob.presence), (3, Path::SameNetwork, Presence::Busy));
        assert!(bob.alarm.is_some());
    }

    #[test]
    fn a_direct_path_is_near_for_private_addresses_only() {
        for near in ["192.168.1.4:7000", "127.0.0.1:1", "10.0.0.1:80", "[::1]:5", "[fd00::1]:5", "[::ffff:10.0.0.1]:9"]
        {
            assert_eq!(Path::new(LinkPath::Direct, near), Path::SameNetwork, "{near}");
        }
        for far in ["8.8.8.8:53", "[2001:db8::1]:5", "", "nonsense"] {
            assert_eq!(Path::new(LinkPath::Direct, far), Path::Direct, "{far}");
        }
        assert_eq!(Path::new(LinkPath::Relayed, "10.0.0.1:80"), Path::Relayed);
        assert_eq!(Path::new(LinkPath::None, "10.0.0.1:80"), Path::None);
    }
}
