//! What is kept about people and conversations beside what they say: nicknames, notes, when somebody was last seen, and how much is told of
//! a conversation.

use hobnob_shared::id::{ConversationId, Handle};

use crate::core::event::{FriendInfo, Notify, RoomInfo};
use crate::model::change::Change;
use crate::model::roster::Person;
use crate::model::state::Model;

impl Model {
    /// How much of a conversation is told by notifications.
    pub fn notify_level(&self, conversation: &ConversationId) -> Notify {
        self.levels.get(conversation).copied().unwrap_or_default()
    }

    /// What a conversation is called: a friend's nickname or username, or the room's id. As it was typed, so not to be shown unchecked.
    pub fn name_of(&self, conversation: &ConversationId) -> String {
        match conversation {
            ConversationId::Direct(user) => self.name_of_person(user),
            ConversationId::Room(room) => room.to_string(),
        }
    }

    /// What a person is called. A nickname that somebody else could be meant by has the username behind it.
    pub fn name_of_person(&self, user: &Handle) -> String {
        let Some(person) = self.roster.get(user).filter(|person| !person.nickname.is_empty()) else {
            return user.to_string();
        };
        let nickname = &person.nickname;
        if self.is_taken(person) { format!("{nickname} (@{user})") } else { nickname.clone() }
    }

    /// Somebody else whom one meets has the nickname of this one, or looks like it.
    fn is_taken(&self, person: &Person) -> bool {
        let is_other = |user: &Handle| *user != person.user && person.looks_like(user.as_str());
        let mut others = self.roster.people().filter(|other| other.user != person.user);
        if others.any(|other| person.looks_like(other.name()) || person.looks_like(other.user.as_str())) {
            return true;
        }
        // Only what is a username can be that of somebody in a room.
        let Ok(user) = person.nickname.trim().to_lowercase().parse::<Handle>() else { return false };
        is_other(&user)
            && (self.me() == Some(&user)
                || self.roster.requests().contains(&user)
                || self.rooms.of(&user).next().is_some())
    }

    /// Something else is kept about a friend.
    pub(in crate::model) fn contact(&mut self, user: Handle, nickname: String, note: String) -> Vec<Change> {
        let is_called_otherwise = self.roster.get(&user).is_some_and(|person| person.nickname != nickname);
        let mut changes = self.person(user, |person| {
            person.nickname = nickname;
            person.note = note;
        });
        if is_called_otherwise {
            changes.push(Change::Names);
        }
        changes
    }

    /// All nicknames.
    pub(in crate::model) fn nicknames(&self) -> Vec<(Handle, String)> {
        let named = self.roster.people().filter(|person| !person.nickname.is_empty());
        named.map(|person| (person.user.clone(), person.nickname.clone())).collect()
    }

    /// Another level was set.
    pub(in crate::model) fn notify_set(&mut self, conversation: &ConversationId, notify: Notify) -> Vec<Change> {
        self.levels.insert(conversation.clone(), notify);
        match conversation {
            ConversationId::Direct(user) => vec![Change::Roster, Change::Person(user.clone())],
            ConversationId::Room(room) => vec![Change::Rooms, Change::Room(room.clone())],
        }
    }

    /// The list of friends came: their levels are those that it says.
    pub(in crate::model) fn friends_levels(&mut self, friends: &[FriendInfo]) {
        self.levels.retain(|conversation, _| conversation.friend().is_none());
        let levels = friends.iter().map(|friend| (ConversationId::Direct(friend.user.clone()), friend.notify));
        self.levels.extend(levels.filter(|(_, notify)| *notify != Notify::All));
    }

    /// The list of rooms came.
    pub(in crate::model) fn rooms_levels(&mut self, rooms: &[RoomInfo]) {
        self.levels.retain(|conversation, _| conversation.friend().is_some());
        let levels = rooms.iter().map(|room| (ConversationId::Room(room.room.clone()), room.notify));
        self.levels.extend(levels.filter(|(_, notify)| *notify != Notify::All));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::message::Presence;

    use crate::core::event::{Answer, Event, Member};
    use crate::model::question::{Question, QuestionId};

    fn bob() -> ConversationId {
        "@bob".parse().unwrap()
    }

    fn listed(nickname: &str, notify: Notify) -> Model {
        let mut model = Model::default();
        let friend =
            FriendInfo { nickname: nickname.to_owned(), notify, ..FriendInfo::new(bob().friend().unwrap().clone()) };
        model.answered(QuestionId(1), Question::Friends, Answer::Friends { friends: vec![friend], requests: vec![] });
        model
    }

    #[test]
    fn a_nickname_stands_for_the_username_until_it_is_taken_away() {
        let mut model = listed("Robert", Notify::All);
        assert_eq!(model.name_of(&bob()), "Robert");
        let user = bob().friend().unwrap().clone();
        let said = Event::Contact { user: user.clone(), nickname: String::new(), note: "tea".to_owned() };
        assert_eq!(model.apply(said.clone()), [Change::Roster, Change::Person(user.clone()), Change::Names]);
        assert_eq!(model.apply(said), [Change::Roster, Change::Person(user.clone())], "nobody is called otherwise");
        assert_eq!(model.name_of(&bob()), "bob");
        assert_eq!(model.roster.get(&user).unwrap().note, "tea");
        assert_eq!(model.name_of(&"@eve".parse().unwrap()), "eve", "who is no friend has none");
    }

    #[test]
    fn nobody_is_mistaken_for_somebody_else() {
        let mut model = Model::default();
        let friend = |user: &str, nickname: &str| FriendInfo {
            nickname: nickname.to_owned(),
            ..FriendInfo::new(user.parse().unwrap())
        };
        let friends = vec![
            friend("ann", "Sis"),
            friend("bea", "s\u{200B}i s"),
            friend("carol", "Bob"),
            friend("bob", ""),
            friend("dan", "eve"),
            friend("fay", "Myself"),
            friend("gus", "Gus"),
            friend("hal", "Uncle"),
        ];
        model.answered(QuestionId(1), Question::Friends, Answer::Friends { friends, requests: vec![] });
        let name = |model: &Model, user: &str| model.name_of_person(&user.parse().unwrap());
        assert_eq!(name(&model, "ann"), "Sis (@ann)");
        assert_eq!(name(&model, "bea"), "s\u{200B}i s (@bea)");
        assert_eq!((name(&model, "carol").as_str(), name(&model, "bob").as_str()), ("Bob (@carol)", "bob"));
        assert_eq!(
            (name(&model, "gus").as_str(), name(&model, "hal").as_str()),
            ("Gus", "Uncle"),
            "their own, and nobody's"
        );
        assert_eq!(
            (name(&model, "dan").as_str(), name(&model, "fay").as_str()),
            ("eve", "Myself"),
            "nobody else is called so"
        );
        // Until somebody is.
        let member = Member { user: "eve".parse().unwrap(), presence: Presence::Available };
        let room = "#tea".parse().unwrap();
        model.apply(Event::Room { room, members: vec![member], owner: "eve".parse().unwrap(), locked: false });
        model.connection.user = "myself".parse().ok();
        assert_eq!((name(&model, "dan").as_str(), name(&model, "fay").as_str()), ("eve (@dan)", "Myself (@fay)"));
    }

    #[test]
    fn levels_come_with_the_lists_and_change_when_the_core_says_so() {
        let mut model = listed("", Notify::None);
        assert_eq!(model.notify_level(&bob()), Notify::None);
        let set = Question::SetNotify(bob(), Notify::Mentions);
        model.answered(QuestionId(1), set, Answer::Nothing {});
        assert_eq!(model.notify_level(&bob()), Notify::Mentions);
        let tea: ConversationId = "#tea".parse().unwrap();
        model.notify_set(&tea, Notify::None);
        model.answered(QuestionId(1), Question::Friends, Answer::Friends { friends: vec![], requests: vec![] });
        assert_eq!((model.notify_level(&bob()), model.notify_level(&tea)), (Notify::All, Notify::None));
        model.answered(QuestionId(1), Question::Rooms, Answer::Rooms { rooms: vec![] });
        assert_eq!(model.notify_level(&tea), Notify::All);
    }
}
