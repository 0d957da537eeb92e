//! What a person keeps about others and says about themselves: nicknames and notes, what is told of which conversation, whether others are told
//! when they were last seen, and how they are added.

use std::time::Instant;

use hobnob_shared::id::{ConversationId, Fingerprint, Handle};
use hobnob_shared::limits;
use hobnob_shared::message::{OwnPresence, OwnStatus, Peer, PeerPresence};

use crate::core::clock;
use crate::core::command::{Invite, NICKNAME_MAX, NOTE_MAX};
use crate::core::error::Problem;
use crate::core::event::{Answer, Event, FriendInfo, Notify};
use crate::core::friendship;
use crate::core::history::{contacts, notify};
use crate::core::invite::server_for_others;
use crate::core::outlet::Ticket;
use crate::core::peer_link::SendFrame;
use crate::core::registry::{Ask, Registry};
use crate::core::sealed_roster::Words;
use crate::core::session::RememberPresence;

impl Registry {
    /// A handle, or an invite, which pins the key beforehand.
    pub(in crate::core) fn add_friend(&mut self, text: &str, ticket: Ticket) {
        let wanted = if Invite::is_meant(text) {
            text.parse()
        } else {
            let name = text.strip_prefix('@').unwrap_or(text);
            name.parse().map(|user| Invite { user, key: None, server: None }).map_err(Problem::from)
        };
        let Invite { user, key, .. } = match wanted {
            Ok(invite) => invite,
            Err(problem) => return ticket.failed(problem),
        };
        if self.identity.as_ref().is_some_and(|own| own.user == user) {
            return ticket.failed(Problem::yourself());
        }
        let is_other = |theirs: Fingerprint| key.is_some_and(|key| key != theirs);
        if let Some(person) = self.state.roster.get(&user) {
            let foreign = is_other(person.pin.account);
            let problem = if foreign { Problem::foreign_invite } else { Problem::already_friends };
            return ticket.failed(problem(&user));
        }
        if let (Some(own), Some(asking)) = (&self.identity, self.state.roster.request(&user)) {
            // They asked already: to ask back is to accept. Not if the invite is somebody else's; then their request waits on.
            return match friendship::verify_request(asking, &own.user, own.account) {
                Ok(asking) if !is_other(asking.account) => self.errand(Ask::AcceptFriend(user), Some(ticket)),
                _ => ticket.failed(Problem::foreign_invite(&user)),
            };
        }
        if let Some(key) = key {
            self.invited.insert(user.clone(), key);
        }
        self.errand(Ask::AddFriend(user, key), Some(ticket));
    }

    /// How others add this account.
    pub(in crate::core) fn invite(&self) -> Result<Answer, Problem> {
        let own = self.identity.as_ref().ok_or_else(Problem::not_signed_in)?;
        let server = self.profile.settings().server.as_deref().and_then(server_for_others);
        let invite = Invite { user: own.user.clone(), key: Some(own.account), server };
        Ok(Answer::Invite { invite: invite.to_string() })
    }

    /// The friend list as it is known here.
    pub(in crate::core) fn friends(&self) -> Answer {
        let words = self.state.contacts.contents();
        let friends = self.state.roster.people().map(|(user, person)| {
            let (presence, status_text) = self.state.roster.presence(user);
            FriendInfo {
                user: user.clone(),
                presence,
                status_text,
                verified: person.pin.verified,
                link: self.state.links.path(user),
                nickname: words.words(user, Words::Nickname).to_owned(),
                note: words.words(user, Words::Note).to_owned(),
                notify: self.notify_of(&ConversationId::Direct(user.clone())),
                last_seen: self.state.roster.last_seen(user),
                avatar: self.state.avatars.of(user),
            }
        });
        Answer::Friends { friends: friends.collect(), requests: self.state.roster.requests() }
    }

    /// A friendship stands. What is kept about them from before, or from another device, follows.
    pub(in crate::core) fn tell_friend_added(&self, user: &Handle) {
        self.outlet.tell(Event::FriendAdded { user: user.clone() });
        let words = self.state.contacts.contents();
        if !words.words(user, Words::Nickname).is_empty() || !words.words(user, Words::Note).is_empty() {
            self.tell_contact(user);
        }
    }

    pub(in crate::core) fn tell_contact(&self, user: &Handle) {
        let words = self.state.contacts.contents();
        let [nickname, note] = [Words::Nickname, Words::Note].map(|which| words.words(user, which).to_owned());
        self.outlet.tell(Event::Contact { user: user.clone(), nickname, note });
    }

    /// Calls a friend something, or notes something on them: kept here, and put where the other devices find it.
    pub(in crate::core) fn write_words(&mut self, user: &Handle, which: Words, text: &str, ticket: Ticket) {
        if self.state.roster.get(user).is_none() {
            return ticket.failed(Problem::not_friends(user));
        }
        let text = text.trim();
        let most = match which {
            Words::Nickname => NICKNAME_MAX,
            Words::Note => NOTE_MAX,
        };
        if text.len() > most {
            return ticket.failed(Problem::words_too_long(most));
        }
        match self.state.contacts.write(user, which, text, clock::now_ms()) {
            None => return ticket.failed(Problem::notes_full()),
            Some(false) => return ticket.ok(),
            Some(true) => {}
        }
        self.state.contacts.touch(Instant::now());
        self.tell_contact(user);
        let (history, kept) = (self.history.clone(), self.state.contacts.kept().clone());
        actix_rt::spawn(async move {
            let kept = history.write(move |c| contacts::save(c, &kept)).await;
            ticket.answer(kept.map(|()| Answer::Nothing {}).map_err(Problem::from));
        });
    }

    /// What of a conversation is told by notifications.
    pub(in crate::core) fn notify_of(&self, conversation: &ConversationId) -> Notify {
        self.state.notify.get(conversation).copied().unwrap_or_default()
    }

    /// Changes that, of a friend or of a room in which this account is.
    pub(in crate::core) fn set_notify(&mut self, conversation: ConversationId, level: Notify, ticket: Ticket) {
        let unknown = match &conversation {
            ConversationId::Direct(user) if self.state.roster.get(user).is_none() => Some(Problem::not_friends(user)),
            ConversationId::Room(room) if self.state.rooms.named(room).is_none() => Some(Problem::not_in_room(room)),
            _ => None,
        };
        if let Some(problem) = unknown {
            return ticket.failed(problem);
        }
        if level == Notify::All {
            self.state.notify.remove(&conversation);
        } else {
            self.state.notify.insert(conversation.clone(), level);
        }
        let history = self.history.clone();
        actix_rt::spawn(async move {
            let kept = history.write(move |c| notify::save(c, &conversation, level)).await;
            ticket.answer(kept.map(|()| Answer::Nothing {}).map_err(Problem::from));
        });
    }

    /// How this account is: said in the hellos to come, and on every link.
    pub(in crate::core) fn show_status(&mut self, presence: OwnPresence, text: String) {
        if let Some(session) = &self.session {
            session.do_send(RememberPresence { presence, text: text.clone() });
        }
        let shown = Peer::Presence(PeerPresence { presence: presence.shown(), text });
        for link in self.state.links.all() {
            link.do_send(SendFrame(shown.clone()));
        }
        self.tell_rooms(false);
        self.reconsider_all();
    }

    /// The server says how this account is, by what another device of it has set. What was set here and the server does not know yet is newer.
    pub(in crate::core) fn status_is(&mut self, status: OwnStatus) {
        let settings = self.profile.settings();
        let known = status.presence == settings.presence && status.text == settings.text;
        if known || self.status_unsaid.is_some() || status.text.chars().count() > limits::STATUS_TEXT {
            return;
        }
        self.profile.change(|settings| {
            settings.presence = status.presence;
            settings.text.clone_from(&status.text);
        });
        self.save_settings();
        self.show_status(status.presence, status.text.clone());
        self.outlet.tell(Event::OwnPresence { presence: status.presence, text: status.text });
    }

    /// The server knows that.
    pub(super) fn status_said(&mut self, presence: OwnPresence, text: &str) {
        self.status_unsaid = self.status_unsaid.take().filter(|set| set.presence != presence || set.text != text);
    }

    /// Says to the server, now that it is there, what was set while it was away.
    pub(super) fn say_unsaid_status(&mut self) {
        if let Some(OwnStatus { presence, text }) = self.status_unsaid.clone() {
            self.errand(Ask::SetPresence(presence, text), None);
        }
    }

    /// The server says whether others are told when this account was last seen, and it when they were.
    pub(in crate::core) fn last_seen_is(&mut self, on: bool) {
        if self.profile.settings().last_seen != on {
            self.profile.change(|settings| settings.last_seen = on);
            self.save_settings();
        }
        if !on {
            let events = self.state.roster.forget_seen();
            self.tell(events);
        }
    }
}
