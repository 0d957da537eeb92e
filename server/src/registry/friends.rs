//! Requests and friendships that the store has taken in: which devices are told. Pure, a part of the registry's state.

use hobnob_shared::id::Handle;
use hobnob_shared::identity::{IdentityStatement, Statement};
use hobnob_shared::message::{Done, FriendRequested, Friendship, FromServer, Seq, UserNamed};

use super::message::NewFriend;
use super::state::{Effect, SessionId, State};
use crate::store::AccountId;

impl State {
    /// A friend request is in the store.
    pub fn requested(&mut self, by: AccountId, asked: AccountId, mut frame: Box<FriendRequested>) -> Vec<Effect> {
        // The session that brought the news may have an older list than the registry.
        if let Some(by) = self.people.get(&by) {
            frame.device_list = IdentityStatement::clone(&by.device_list);
        }
        if let Some(person) = self.people.get_mut(&asked) {
            person.version += 1;
        }
        self.tell(asked, &FromServer::FriendRequested(frame))
    }

    /// A friend request is out of the store: who was asked forgets it, as they forget a friend.
    pub fn withdrawn(&mut self, by: Handle, asked: AccountId) -> Vec<Effect> {
        if let Some(person) = self.people.get_mut(&asked) {
            person.version += 1;
        }
        self.tell(asked, &FromServer::FriendRemoved(UserNamed { user: by }))
    }

    /// Two are friends now: both are told, and then the session that accepted has its answer.
    pub fn befriended(
        &mut self,
        (session, seq): (SessionId, Seq),
        friends: &[NewFriend; 2],
        request: &Statement,
        acceptance: &Statement,
    ) -> Vec<Effect> {
        let [a, b] = friends;
        let mut effects = Vec::new();
        for (me, other) in [(a, b), (b, a)] {
            if let Some(person) = self.people.get_mut(&me.account) {
                person.version += 1;
                person.friends.insert(other.account);
            }
            let (presence, text) = self.presence_of(other.account);
            // The session that brought the news may have an older list than the registry.
            let known = self.people.get(&other.account).map(|person| &person.device_list);
            let frame = Friendship {
                seq: None,
                user: other.user.clone(),
                request: request.clone(),
                acceptance: acceptance.clone(),
                device_list: IdentityStatement::clone(known.unwrap_or(&other.device_list)),
                presence,
                text: text.to_owned(),
            };
            effects.extend(self.tell(me.account, &FromServer::FriendAdded(Box::new(frame))));
        }
        effects.push(Effect::Send(session, Box::new(FromServer::Done(Done { seq }))));
        effects
    }

    /// Two are friends no more.
    pub fn parted(&mut self, friends: &[(AccountId, Handle); 2]) -> Vec<Effect> {
        let [a, b] = friends;
        let mut effects = Vec::new();
        for ((me, _), (other, user)) in [(a, b), (b, a)] {
            if let Some(person) = self.people.get_mut(me) {
                person.version += 1;
                person.friends.remove(other);
            }
            effects.extend(self.tell(*me, &FromServer::FriendRemoved(UserNamed { user: user.clone() })));
        }
        effects
    }

    /// A device asked for the statements of a friendship: the answer, with presence.
    pub fn friendship(&self, session: SessionId, friend: AccountId, mut frame: Box<Friendship>) -> Vec<Effect> {
        let (presence, text) = self.presence_of(friend);
        frame.presence = presence;
        text.clone_into(&mut frame.text);
        vec![Effect::Send(session, Box::new(FromServer::Friendship(frame)))]
    }
}
