//! Rooms of this account: who is in them, who owns them, what is unread there, and which of them this account is not a member of any more.

use std::collections::{BTreeMap, BTreeSet};

use hobnob_shared::id::{Handle, MessageId, RoomId};
use hobnob_shared::message::Presence;

use crate::core::event::{Member, MessageInfo, RoomInfo};
use crate::core::message_key::MessageKey;
use crate::model::roster::{Path, rank};

/// What was said last in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Who.
    pub from: Handle,
    /// What, as written.
    pub text: String,
    message: MessageId,
    clock: u64,
}

/// A room that this account is a member of.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// Its id.
    pub room: RoomId,
    /// Who may remove members and set the password.
    pub owner: Handle,
    /// It takes a password to join.
    pub locked: bool,
    /// Everybody, oneself and those offline included.
    pub members: Vec<Member>,
    /// Messages of others that were not seen.
    pub unread: u32,
    /// What was said last, as far as it was told.
    pub newest: Option<Newest>,
}

impl Room {
    /// This one is a member.
    pub fn has(&self, user: &Handle) -> bool {
        self.members.iter().any(|member| member.user == *user)
    }

    /// Members that are online, oneself included.
    pub fn online(&self) -> usize {
        self.members.iter().filter(|member| member.presence.is_online()).count()
    }

    /// Members by presence, then by name.
    pub fn sorted(&self) -> Vec<&Member> {
        let mut members: Vec<&Member> = self.members.iter().collect();
        members.sort_by(|one, other| (rank(one.presence), &one.user).cmp(&(rank(other.presence), &other.user)));
        members
    }
}

/// Why this account is in a room or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Membership<'a> {
    /// The list of rooms has not come yet.
    Unknown,
    /// It is a member.
    Member(&'a Room),
    /// It left.
    Left,
    /// The owner removed it.
    Removed,
    /// It is not a member; nobody knows here whether it ever was one.
    None,
}

/// How one is connected to the other members who can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mesh {
    /// Others who are online, or linked although they do not show it.
    pub others: usize,
    /// Linked straight.
    pub direct: usize,
    /// Linked through the server.
    pub relayed: usize,
}

impl Mesh {
    /// Of the room's members but `me`; `path` tells how one is connected to somebody.
    pub fn new(room: &Room, me: Option<&Handle>, path: impl Fn(&Handle) -> Path) -> Self {
        let mut mesh = Self::default();
        for member in room.members.iter().filter(|member| Some(&member.user) != me) {
            match path(&member.user) {
                Path::None => mesh.others += usize::from(member.presence.is_online()),
                Path::Relayed => (mesh.others, mesh.relayed) = (mesh.others + 1, mesh.relayed + 1),
                Path::Direct | Path::SameNetwork => (mesh.others, mesh.direct) = (mesh.others + 1, mesh.direct + 1),
            }
        }
        mesh
    }
}

/// All rooms.
#[derive(Debug, Default)]
pub struct Rooms {
    known: BTreeMap<RoomId, Room>,
    /// Rooms that were left while the window was open; true where it was the owner's wish.
    gone: BTreeMap<RoomId, bool>,
    /// What was said last in rooms whose own line may not have come yet.
    newest: BTreeMap<RoomId, Newest>,
    /// Messages that were not seen and mention this account, where there are any.
    mentions: BTreeMap<RoomId, u32>,
    /// Rooms that were joined, and whose members have not come yet.
    awaited: BTreeSet<RoomId>,
    listed: bool,
}

/// Rooms whose last words are kept: far more than anybody is in.
const NEWEST_MAX: usize = 10_000;

impl Rooms {
    /// The whole list from the core.
    pub fn replace(&mut self, list: Vec<RoomInfo>) {
        self.listed = true;
        let mut old = std::mem::take(&mut self.known);
        for info in list {
            let unread = old.remove(&info.room).map_or(0, |room| room.unread);
            self.put(info, unread);
        }
    }

    /// A room as it is now; one that one was not in so far is joined by that.
    pub fn update(&mut self, info: RoomInfo) {
        let unread = self.known.get(&info.room).map_or(0, |room| room.unread);
        self.put(info, unread);
    }

    fn put(&mut self, info: RoomInfo, unread: u32) {
        let RoomInfo { room, owner, locked, members, .. } = info;
        self.gone.remove(&room);
        self.awaited.remove(&room);
        let newest = self.newest.get(&room).cloned();
        self.known.insert(room.clone(), Room { room, owner, locked, members, unread, newest });
    }

    /// This account is not a member any more.
    pub fn left(&mut self, room: &RoomId, removed: bool) {
        self.known.remove(room);
        self.awaited.remove(room);
        self.gone.insert(room.clone(), removed);
    }

    /// This account was let in; who else is there comes with the room itself.
    pub fn joined(&mut self, room: RoomId) {
        self.gone.remove(&room);
        if !self.known.contains_key(&room) {
            self.awaited.insert(room);
        }
    }

    /// Something was said; the newest is kept, and only its beginning.
    pub fn said(&mut self, room: &RoomId, info: &MessageInfo) {
        let known = self.newest.get(room);
        if known.map_or(self.newest.len() >= NEWEST_MAX, |known| known.clock > info.clock) {
            return;
        }
        if info.deleted {
            self.rewrote(room, &info.key(), "");
            return;
        }
        let newest =
            Newest { from: info.from.clone(), text: beginning(&info.text), message: info.message, clock: info.clock };
        if let Some(known) = self.known.get_mut(room) {
            known.newest = Some(newest.clone());
        }
        self.newest.insert(room.clone(), newest);
    }

    /// What was said is not here any more.
    pub fn unsay(&mut self, room: &RoomId) {
        self.newest.remove(room);
        if let Some(known) = self.known.get_mut(room) {
            known.newest = None;
        }
    }

    /// So many messages that were not seen mention this account.
    pub fn set_mentions(&mut self, room: &RoomId, count: u32) {
        if count == 0 {
            self.mentions.remove(room);
        } else {
            self.mentions.insert(room.clone(), count);
        }
    }

    /// How many.
    pub fn mentions(&self, room: &RoomId) -> u32 {
        self.mentions.get(room).copied().unwrap_or(0)
    }

    /// A message has another text now, or none at all; whether a line shows it.
    pub fn rewrote(&mut self, room: &RoomId, message: &MessageKey, text: &str) -> bool {
        let is_it = |newest: &&mut Newest| newest.message == message.id && newest.from == message.author;
        let Some(newest) = self.newest.get_mut(room).filter(is_it) else { return false };
        newest.text = beginning(text);
        let newest = Some(newest.clone()).filter(|newest| !newest.text.is_empty());
        if newest.is_none() {
            self.newest.remove(room);
        }
        if let Some(known) = self.known.get_mut(room) {
            known.newest = newest;
        }
        true
    }

    /// A room that this account is a member of.
    pub fn get(&self, room: &RoomId) -> Option<&Room> {
        self.known.get(room)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, room: &RoomId) -> Option<&mut Room> {
        self.known.get_mut(room)
    }

    /// How this account stands to a room.
    pub fn membership(&self, room: &RoomId) -> Membership<'_> {
        match (self.known.get(room), self.gone.get(room)) {
            (Some(room), _) => Membership::Member(room),
            (None, Some(true)) => Membership::Removed,
            (None, Some(false)) => Membership::Left,
            (None, None) if self.listed && !self.awaited.contains(room) => Membership::None,
            (None, None) => Membership::Unknown,
        }
    }

    /// Rooms that somebody is a member of.
    pub fn of<'a>(&'a self, user: &'a Handle) -> impl Iterator<Item = &'a RoomId> {
        self.known.values().filter(|room| room.has(user)).map(|room| &room.room)
    }

    /// Rooms whose name contains the words, by name.
    pub fn sorted(&self, words: &str) -> Vec<&Room> {
        let words = words.trim().trim_start_matches('#').to_lowercase();
        self.known.values().filter(|room| room.room.as_str().contains(&words)).collect()
    }

    /// Number of rooms.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// No rooms.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Nobody's presence is known: what is true right after a sign-out.
    pub fn forget_presence(&mut self) {
        for member in self.known.values_mut().flat_map(|room| &mut room.members) {
            member.presence = Presence::Unknown;
        }
    }
}

/// The room that somebody means by what they typed: with or without `#`, in small letters or not.
pub fn meant(typed: &str) -> Option<RoomId> {
    let typed = typed.trim();
    format!("#{}", typed.strip_prefix('#').unwrap_or(typed).to_lowercase()).parse().ok()
}

/// What a line has room for; empty lines before it would hide it.
fn beginning(text: &str) -> String {
    text.trim_start().lines().next().unwrap_or_default().chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn handle(text: &str) -> Handle {
        text.parse().unwrap()
    }

    fn tea() -> RoomId {
        "#tea".parse().unwrap()
    }

    fn info(members: &[(&str, Presence)]) -> RoomInfo {
        let members =
            members.iter().map(|(user, presence)| Member { user: handle(user), presence: *presence }).collect();
        RoomInfo { room: tea(), owner: handle("bob"), locked: false, members, notify: crate::core::event::Notify::All }
    }

    #[test]
    fn rooms_are_taken_as_people_write_them() {
        for typed in ["tea", "#tea", " #Tea "] {
            assert_eq!(meant(typed), Some(tea()), "{typed:?}");
        }
        assert!(meant("a").is_some() && meant(&"x".repeat(32)).is_some());
        for wrong in ["", "#", "##tea", "t ea", "tee\u{e9}", &"x".repeat(33)] {
            assert_eq!(meant(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_room_is_unknown_until_the_list_has_come_and_is_left_until_joined_again() {
        let mut rooms = Rooms::default();
        assert_eq!(rooms.membership(&tea()), Membership::Unknown);
        rooms.replace(vec![]);
        assert_eq!(rooms.membership(&tea()), Membership::None);
        rooms.update(info(&[("alice", Presence::Available)]));
        assert!(matches!(rooms.membership(&tea()), Membership::Member(room) if room.members.len() == 1));
        rooms.left(&tea(), false);
        assert_eq!((rooms.membership(&tea()), rooms.len()), (Membership::Left, 0));
        rooms.left(&tea(), true);
        assert_eq!(rooms.membership(&tea()), Membership::Removed);
        rooms.joined(tea());
        assert_eq!(rooms.membership(&tea()), Membership::Unknown, "let in, and nobody is known there yet");
        rooms.replace(vec![info(&[])]);
        assert!(matches!(rooms.membership(&tea()), Membership::Member(_)));
    }

    #[test]
    fn what_is_unread_and_what_was_said_stay_when_the_members_change() {
        let mut rooms = Rooms::default();
        rooms.update(info(&[("alice", Presence::Available)]));
        rooms.get_mut(&tea()).unwrap().unread = 4;
        rooms.update(info(&[("alice", Presence::Away), ("bob", Presence::Offline)]));
        let room = rooms.get(&tea()).unwrap();
        assert_eq!((room.unread, room.members.len(), room.online()), (4, 2, 1));
        rooms.replace(vec![info(&[])]);
        assert_eq!(rooms.get(&tea()).unwrap().unread, 4);
    }

    #[test]
    fn the_newest_words_stay_when_older_ones_come_late() {
        let said = |text: &str, clock| MessageInfo {
            conversation: hobnob_shared::id::ConversationId::Room(tea()),
            message: MessageId::new(),
            from: handle("bob"),
            text: text.to_owned(),
            sent_at: clock,
            reply_to: None,
            state: crate::core::event::MessageState::Delivered,
            clock,
            device: hobnob_shared::id::DeviceId([0; 32]),
            number: 0,
            edited: false,
            deleted: false,
            reactions: Vec::new(),
        };
        let mut rooms = Rooms::default();
        let newest = said("new\nand more", 9);
        rooms.said(&tea(), &newest);
        rooms.update(info(&[]));
        let late = said("late", 3);
        rooms.said(&tea(), &late);
        let shown = |rooms: &Rooms| rooms.get(&tea()).unwrap().newest.as_ref().map(|newest| newest.text.clone());
        assert_eq!(shown(&rooms).as_deref(), Some("new"));
        assert!(!rooms.rewrote(&tea(), &late.key(), "later"));
        assert!(rooms.rewrote(&tea(), &newest.key(), "newer"));
        assert_eq!(shown(&rooms).as_deref(), Some("newer"));
        assert!(rooms.rewrote(&tea(), &newest.key(), ""));
        assert_eq!(shown(&rooms), None, "what was taken back is nowhere");
    }

    #[test]
    fn members_stand_by_presence_and_then_by_name() {
        let mut rooms = Rooms::default();
        rooms.update(info(&[
            ("zoe", Presence::Available),
            ("bob", Presence::Offline),
            ("dan", Presence::Away),
            ("amy", Presence::Available),
        ]));
        let room = rooms.get(&tea()).unwrap();
        let names: Vec<_> = room.sorted().iter().map(|member| member.user.as_str()).collect();
        assert_eq!(names, ["amy", "zoe", "dan", "bob"]);
        assert_eq!(rooms.of(&handle("dan")).collect::<Vec<_>>(), [&tea()]);
        assert_eq!(rooms.of(&handle("eve")).count(), 0);
        assert_eq!((rooms.sorted("#TE").len(), rooms.sorted("coffee").len()), (1, 0));
    }

    #[test]
    fn the_mesh_counts_who_can_be_reached_and_never_more_links_than_people() {
        let mut rooms = Rooms::default();
        rooms.update(info(&[
            ("alice", Presence::Available),
            ("bob", Presence::Available),
            ("carol", Presence::Away),
            ("dan", Presence::Offline),
            ("eve", Presence::Offline),
        ]));
        let path = |user: &Handle| match user.as_str() {
            "bob" => Path::SameNetwork,
            // Invisible: shown as offline, and there.
            "dan" => Path::Relayed,
            _ => Path::None,
        };
        let mesh = Mesh::new(rooms.get(&tea()).unwrap(), Some(&handle("alice")), path);
        assert_eq!(mesh, Mesh { others: 3, direct: 1, relayed: 1 });
    }
}
