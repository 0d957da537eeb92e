//! Which friends and rooms the sidebar shows, and in which order: as a person chose, among those whose names they typed.

use std::cmp::Reverse;

use hobnob_shared::id::ConversationId;
use serde::{Deserialize, Serialize};

use crate::model::rooms::Room;
use crate::model::roster::{Person, rank};
use crate::model::state::Model;

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Who is online, then by name.
    #[default]
    Online,
    /// Where something came last.
    Recent,
    /// By name.
    Name,
}

/// What is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Only {
    /// All of it.
    #[default]
    All,
    /// Where something was not seen.
    Unread,
    /// Who is online, and rooms in which somebody else is.
    Online,
}

/// Both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listing {
    /// What comes first.
    pub order: Order,
    /// What is shown.
    pub only: Only,
}

impl Model {
    /// Friends whose username, nickname or status contains the words. Who is in front stays, so that nothing goes away under the eyes.
    pub fn listed_people(&self, words: &str, listing: Listing, front: Option<&ConversationId>) -> Vec<&Person> {
        let front = front.and_then(ConversationId::friend);
        let shown = |person: &&Person| match listing.only {
            Only::All => true,
            Only::Unread => person.unread > 0 || front == Some(&person.user),
            Only::Online => person.presence.is_online() || front == Some(&person.user),
        };
        // By presence, then by name.
        let mut people: Vec<&Person> = self.roster.sorted(words).into_iter().filter(shown).collect();
        match listing.order {
            Order::Online => {}
            Order::Name => people.sort_by_cached_key(|person| person.name().to_lowercase()),
            Order::Recent => {
                people.sort_by_cached_key(|person| {
                    Reverse(self.recent.rank(&ConversationId::Direct(person.user.clone())))
                });
            }
        }
        people
    }

    /// Rooms whose name contains the words.
    pub fn listed_rooms(&self, words: &str, listing: Listing, front: Option<&ConversationId>) -> Vec<&Room> {
        let me = self.me();
        let others =
            |room: &Room| room.members.iter().any(|member| Some(&member.user) != me && member.presence.is_online());
        let in_front = |room: &Room| matches!(front, Some(ConversationId::Room(front)) if *front == room.room);
        let shown = |room: &&Room| match listing.only {
            Only::All => true,
            Only::Unread => room.unread > 0 || in_front(room),
            Only::Online => others(room) || in_front(room),
        };
        let mut rooms: Vec<&Room> = self.rooms.sorted(words).into_iter().filter(shown).collect();
        if listing.order == Order::Recent {
            rooms.sort_by_cached_key(|room| Reverse(self.recent.rank(&ConversationId::Room(room.room.clone()))));
        }
        rooms
    }
}

/// Who can answer now comes first.
pub(in crate::model) fn by_presence(people: &mut [&Person]) {
    people.sort_by_cached_key(|person| (rank(person.presence), person.name().to_lowercase()));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::time::{Duration, Instant};

    use hobnob_shared::message::Presence;

    use super::*;
    use crate::core::event::{FriendInfo, Member, RoomInfo};

    fn friend(user: &str, presence: Presence, nickname: &str) -> FriendInfo {
        FriendInfo { presence, nickname: nickname.to_owned(), ..FriendInfo::new(user.parse().unwrap()) }
    }

    fn model() -> Model {
        let mut model = Model::default();
        let friends = vec![
            friend("zoe", Presence::Available, "Aunt Zoe"),
            friend("bob", Presence::Offline, ""),
            friend("carol", Presence::Away, ""),
        ];
        model.roster.replace(friends, vec![]);
        model.recent.came(&"@zoe".parse().unwrap());
        model.recent.came(&"@bob".parse().unwrap());
        model
    }

    fn names(model: &Model, order: Order, only: Only, front: Option<&str>) -> Vec<String> {
        let front = front.map(|id| id.parse().unwrap());
        let people = model.listed_people("", Listing { order, only }, front.as_ref());
        people.into_iter().map(|person| person.user.to_string()).collect()
    }

    #[test]
    fn friends_stand_as_a_person_chose() {
        let model = model();
        assert_eq!(names(&model, Order::Online, Only::All, None), ["zoe", "carol", "bob"]);
        assert_eq!(names(&model, Order::Name, Only::All, None), ["zoe", "bob", "carol"], "by what they are called");
        assert_eq!(names(&model, Order::Recent, Only::All, None), ["bob", "zoe", "carol"]);
    }

    #[test]
    fn only_what_is_wanted_is_shown_and_what_is_in_front() {
        let mut model = model();
        model.set_unread(&"@carol".parse().unwrap(), 2);
        assert_eq!(names(&model, Order::Name, Only::Unread, None), ["carol"]);
        assert_eq!(names(&model, Order::Name, Only::Unread, Some("@bob")), ["bob", "carol"]);
        assert_eq!(names(&model, Order::Name, Only::Online, None), ["zoe", "carol"]);
    }

    #[test]
    fn a_room_is_online_when_somebody_else_is() {
        let mut model = Model::default();
        let member = |user: &str, presence| Member { user: user.parse().unwrap(), presence };
        let room = |name: &str, bob| RoomInfo {
            room: name.parse().unwrap(),
            owner: "bob".parse().unwrap(),
            locked: false,
            members: vec![member("alice", Presence::Available), member("bob", bob)],
            notify: crate::core::event::Notify::All,
        };
        model.connection.user = "alice".parse().ok();
        model.rooms.replace(vec![room("#tea", Presence::Offline), room("#zoo", Presence::Away)]);
        model.recent.came(&"#zoo".parse().unwrap());
        let named = |order, only| {
            let rooms = model.listed_rooms("", Listing { order, only }, None);
            rooms.into_iter().map(|room| room.room.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(named(Order::Name, Only::All), ["#tea", "#zoo"]);
        assert_eq!(named(Order::Recent, Only::All), ["#zoo", "#tea"]);
        assert_eq!(named(Order::Name, Only::Online), ["#zoo"]);
        assert!(named(Order::Name, Only::Unread).is_empty());
    }

    #[test]
    fn a_thousand_friends_are_listed_within_a_frame() {
        let mut model = Model::default();
        let many = (0..1_000).map(|n| friend(&format!("friend-{n:04}"), Presence::Away, &format!("Nick {}", n % 97)));
        model.roster.replace(many.collect(), vec![]);
        for n in 0..1_000 {
            model.recent.came(&format!("@friend-{:04}", n * 7 % 1_000).parse().unwrap());
        }
        let quickest = |order| {
            let listing = Listing { order, only: Only::All };
            let once = || {
                let start = Instant::now();
                assert_eq!(model.listed_people("", listing, None).len(), 1_000);
                start.elapsed()
            };
            (0..5).map(|_| once()).min().unwrap()
        };
        // Built without optimisation and on a busy machine it may take some of them, still well below what anybody notices.
        for order in [Order::Online, Order::Name, Order::Recent] {
            assert!(quickest(order) < Duration::from_millis(100), "{order:?}");
        }
    }
}
