//! The model as a whole: sends each event to its part, and says what has to be drawn again.

use std::collections::HashMap;

use hobnob_shared::id::{ConversationId, Handle, Hash, MessageId, RoomId, TransferId};
use hobnob_shared::message::Presence;

use crate::core::command::{Command, Request};
use crate::core::event::{DeviceInfo, Direction, Event, MessageInfo, MessageState, Notify, RoomInfo};
use crate::core::message_key::MessageKey;
use crate::model::change::Change;
use crate::model::connection::{Connection, Standing};
use crate::model::conversation::{Conversation, Past, Placed};
use crate::model::line::Message;
use crate::model::question::{Question, Questions};
use crate::model::recent::Recent;
use crate::model::rooms::{Mesh, Rooms};
use crate::model::roster::{Path, Person, Roster};
use crate::model::transfers::{Offered, Transfers};

/// States kept of messages whose own answer has not come yet: only what is sent in one moment.
const EARLY_MAX: usize = 1_000;

/// All that the window shows.
#[derive(Debug, Default)]
pub struct Model {
    /// Account and server.
    pub connection: Connection,
    /// Friends and requests.
    pub roster: Roster,
    /// Rooms.
    pub rooms: Rooms,
    /// Files.
    pub transfers: Transfers,
    /// Read receipts are given and shown, as far as is known.
    pub receipts: bool,
    /// Friends are told when this account was last seen, and it when they were, as far as is known.
    pub last_seen: bool,
    /// Devices of the account, once they were asked for.
    pub devices: Vec<DeviceInfo>,
    /// Whose picture is which.
    pub(in crate::model) avatars: HashMap<Handle, Hash>,
    pub(in crate::model) open: HashMap<ConversationId, Conversation>,
    pub(in crate::model) unread: HashMap<ConversationId, u32>,
    /// Where something was said last.
    pub(in crate::model) recent: Recent,
    /// Conversations of which not everything is told by notifications.
    pub(in crate::model) levels: HashMap<ConversationId, Notify>,
    pub(in crate::model) typing: HashMap<ConversationId, Vec<Handle>>,
    pub(in crate::model) watched: Option<ConversationId>,
    pub(in crate::model) questions: Questions,
    /// The unread messages are to be counted once more, when the count that is on its way has come.
    pub(in crate::model) recount: bool,
    pub(in crate::model) early: HashMap<MessageId, Vec<(MessageState, Option<Handle>)>>,
}

impl Model {
    /// A command whose answer is awaited, under its [`QuestionId`].
    pub fn ask(&mut self, question: Question, command: Command) -> Request {
        Request { id: self.questions.open(question).map(|id| id.to_string()), command }
    }

    /// What is asked for at the start, and again after signing in.
    pub fn reload(&mut self) -> Vec<Request> {
        let mut requests = vec![
            self.ask(Question::Friends, Command::Friends),
            self.ask(Question::Rooms, Command::Rooms),
            self.ask(Question::Conversations, Command::Conversations),
            self.ask(Question::Transfers, Command::Transfers),
            self.ask(Question::Receipts, Command::Receipts),
            self.ask(Question::LastSeen, Command::LastSeen),
            self.ask(Question::Avatars, Command::Avatars),
        ];
        requests.extend(self.read_unread());
        requests
    }

    /// The reader sees the end of a conversation: nothing in it is unread any more. The command tells the author, once.
    pub fn seen(&mut self, conversation: &ConversationId) -> (Vec<Change>, Option<Request>) {
        let is_here = |open: &Conversation| open.is_live() && (open.past() != Past::Unread || open.awaited().is_none());
        if !self.open.get(conversation).is_none_or(is_here) {
            // What was said since does not stand there, or nothing does yet: nobody could be told up to where it was read.
            return (Vec::new(), None);
        }
        let newest = self.open.get(conversation).and_then(Conversation::newest_of_others);
        let mut changes = Vec::new();
        let any = self.unread(conversation) > 0;
        if any {
            if self.watched.as_ref() != Some(conversation) {
                changes.extend(self.find_fresh(conversation));
            }
            changes.extend(self.set_unread(conversation, 0));
        }
        let open = self.open.get_mut(conversation);
        // What somebody's clock puts behind all others stays the newest, whatever comes before it.
        let request = open.filter(|open| newest.is_some() && (any || open.marked != newest)).and_then(|open| {
            open.marked.clone_from(&newest);
            let marked = |MessageKey { id, author }| Command::MarkRead { message: id, author: Some(author) };
            newest.map(|newest| Request { id: None, command: marked(newest) })
        });
        (changes, request)
    }

    /// A timeline, where its tab is open.
    pub fn conversation(&self, conversation: &ConversationId) -> Option<&Conversation> {
        self.open.get(conversation)
    }

    /// The reader watches the end only: very old lines may go, and of the `came` that came just now those that nobody could have read.
    pub fn trim(&mut self, conversation: &ConversationId, came: usize) -> Option<Change> {
        let removed = self.open.get_mut(conversation)?.trim(came);
        (removed > 0).then(|| Change::Spliced { conversation: conversation.clone(), at: 0, removed, added: 0 })
    }

    /// The reader wants to see the whole of a long message, or its beginning again.
    pub fn unfold(&mut self, conversation: &ConversationId, message: &MessageKey) -> Vec<Change> {
        self.line(conversation, message, |line| line.expanded = !line.expanded)
    }

    /// Messages of others that were not seen.
    pub fn unread(&self, conversation: &ConversationId) -> u32 {
        self.unread.get(conversation).copied().unwrap_or_default()
    }

    pub(in crate::model) fn set_unread(&mut self, conversation: &ConversationId, count: u32) -> Vec<Change> {
        self.unread.insert(conversation.clone(), count);
        let mut changes = vec![Change::Unread(conversation.clone())];
        match conversation {
            ConversationId::Direct(user) => {
                if let Some(person) = self.roster.get_mut(user) {
                    person.unread = count;
                    changes.push(Change::Roster);
                }
            }
            ConversationId::Room(room) => {
                // Of fewer messages not more can call somebody.
                self.rooms.set_mentions(room, self.rooms.mentions(room).min(count));
                if let Some(room) = self.rooms.get_mut(room) {
                    room.unread = count;
                    changes.push(Change::Rooms);
                }
            }
        }
        changes
    }

    pub(in crate::model) fn me(&self) -> Option<&Handle> {
        self.connection.user.as_ref()
    }

    /// What happened, and so what has to be drawn again.
    pub fn apply(&mut self, event: Event) -> Vec<Change> {
        match event {
            Event::Ready { user, signed_in, device_removed, server, downloads, .. } => {
                let standing = match (signed_in, device_removed) {
                    (true, _) => Standing::In,
                    (false, true) => Standing::Removed,
                    (false, false) => Standing::Out,
                };
                self.connection.ready(user, standing, server, downloads);
                vec![Change::Page, Change::Own]
            }
            Event::Done { id, answer } => self
                .questions
                .close(id.as_deref())
                .map_or_else(Vec::new, |(id, question)| self.answered(id, question, answer)),
            Event::Failed { id, code, text } => match self.questions.close(id.as_deref()) {
                Some((id, question)) => self.refused(id, question, code, text),
                None => Vec::new(),
            },
            Event::SignedIn { user, presence, text } => {
                self.connection.signed_in(user, presence, text);
                vec![Change::Page, Change::Own]
            }
            Event::OwnPresence { presence, text } => {
                (self.connection.presence, self.connection.status_text) = (presence, text);
                vec![Change::Own]
            }
            Event::SignedOut { reason } => {
                self.connection.signed_out(&reason);
                self.roster.forget_presence();
                self.rooms.forget_presence();
                vec![Change::Page, Change::Own, Change::Roster, Change::Rooms]
            }
            Event::Server { state, text } => {
                self.connection.state = state;
                self.connection.state_text = text;
                vec![Change::Server]
            }
            Event::FriendRequest { user } => {
                self.roster.request(user);
                vec![Change::Requests]
            }
            Event::FriendAdded { user } => {
                self.roster.add(user.clone());
                self.friendship_changed(user)
            }
            Event::FriendRemoved { user } => {
                self.roster.remove(&user);
                self.friendship_changed(user)
            }
            Event::Presence { user, presence, text, last_seen } => self.person(user, |person| {
                (person.presence, person.status_text, person.last_seen) = (presence, text, last_seen);
            }),
            Event::Contact { user, nickname, note } => self.contact(user, nickname, note),
            Event::Avatar { user, hash } => self.pictured(user, hash),
            Event::Link { user, path, address } => self.linked(user, Path::new(path, &address)),
            Event::Message(info) => self.arrived(info),
            Event::MessageState { message, state, by } => self.state_changed(message, state, by),
            Event::MessageEdited { conversation, from, message, text } => {
                self.rewritten(&conversation, &MessageKey { id: message, author: from }, text)
            }
            Event::MessageDeleted { conversation, from, message } => {
                self.taken_back(&conversation, &MessageKey { id: message, author: from })
            }
            Event::Reaction { conversation, from, message, emoji, on } => {
                // Whose message it is on nobody says.
                let open = self.open.get_mut(&conversation);
                let at = open.and_then(|open| open.change(message, |_| true, |line| line.react(from, emoji, on)));
                at.map(|at| Change::Line { conversation, at }).into_iter().collect()
            }
            Event::Typing { conversation, from, active } => {
                self.typing(&conversation, from, active).into_iter().collect()
            }
            Event::Room { room, members, owner, locked } => {
                self.rooms.update(RoomInfo { room: room.clone(), owner, locked, members, notify: Notify::All });
                self.room_changed(room)
            }
            Event::RoomLeft { room, reason } => {
                self.rooms.left(&room, reason == "removed");
                self.room_changed(room)
            }
            Event::ReadElsewhere { conversation, message } => self.read_elsewhere(&conversation, message),
            Event::Devices { devices } => {
                self.devices = devices;
                vec![Change::Devices]
            }
            Event::FileOffered { transfer, conversation, from, name, size, files } => {
                let new = self.transfers.offered(
                    transfer,
                    conversation.clone(),
                    from,
                    Direction::Incoming,
                    Offered { name, size, files },
                );
                let mut changes = self.transfer_added(transfer, &conversation);
                if new {
                    changes.push(Change::Offered(transfer));
                }
                changes
            }
            // What was offered to a room goes to each member by itself: what this card tells is who has it.
            Event::FileProgress { by: Some(_), .. }
            | Event::FileWaiting { by: Some(_), .. }
            | Event::FileFailed { by: Some(_), .. } => Vec::new(),
            Event::FileFinished { transfer, by: Some(user), path, blake3, text, .. } => {
                self.transfers.taken(transfer, user, (path, blake3), text.as_ref());
                self.transfer_changed(transfer)
            }
            Event::FileProgress { transfer, done, size, rate, .. } => {
                self.transfers.progressed(transfer, done, size, rate);
                self.transfer_changed(transfer)
            }
            Event::FileWaiting { transfer, code, text, .. } => {
                self.transfers.waits(transfer, &code, text);
                self.transfer_changed(transfer)
            }
            Event::FileFinished { transfer, path, blake3, size, text, .. } => {
                self.transfers.finished(transfer, (path, blake3), size, text);
                self.transfer_changed(transfer)
            }
            Event::FileFailed { transfer, code, text, .. } => {
                self.transfers.failed(transfer, &code, text);
                self.transfer_changed(transfer)
            }
            Event::Alarm { code, user, text } => self.alarm(&code, user, text),
        }
    }

    pub(in crate::model) fn person(&mut self, user: Handle, change: impl FnOnce(&mut Person)) -> Vec<Change> {
        match self.roster.get_mut(&user) {
            Some(person) => {
                change(person);
                vec![Change::Roster, Change::Person(user)]
            }
            None => Vec::new(),
        }
    }

    /// Somebody is a friend from now on, or not any more.
    pub(in crate::model) fn friendship_changed(&self, user: Handle) -> Vec<Change> {
        let mut changes = vec![Change::Requests, Change::Roster];
        changes.extend(self.rooms.of(&user).cloned().map(Change::Room));
        changes.push(Change::Person(user));
        changes
    }

    fn linked(&mut self, user: Handle, path: Path) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.roster.linked(&user, path) {
            changes.push(Change::Roster);
        }
        changes.extend(self.rooms.of(&user).cloned().map(Change::Room));
        if !path.is_linked() {
            // Who is gone does not write any more, and cannot say so.
            changes.extend(self.stop_typing(|_, writer| *writer == user));
        }
        changes.push(Change::Person(user));
        changes
    }

    fn room_changed(&mut self, room: RoomId) -> Vec<Change> {
        let conversation = ConversationId::Room(room.clone());
        let unread = self.unread(&conversation);
        let mut members = Vec::new();
        if let Some(known) = self.rooms.get_mut(&room) {
            known.unread = unread;
            members = known.members.iter().map(|member| member.user.clone()).collect();
        }
        let mut changes = vec![Change::Rooms, Change::Room(room)];
        changes.extend(self.stop_typing(|id, user| *id == conversation && !members.contains(user)));
        changes
    }

    fn read_elsewhere(&mut self, conversation: &ConversationId, message: MessageId) -> Vec<Change> {
        let unread = self.unread(conversation);
        if unread == 0 {
            return Vec::new();
        }
        let live = self.open.get_mut(conversation).filter(|open| open.is_live());
        let Some(open) = live else { return vec![Change::Recount] };
        let read = open.only(message).map(|read| read.info.key());
        let counted = read.and_then(|read| open.others_after(&read).map(|after| (read, after)));
        let Some((read, after)) = counted else { return vec![Change::Recount] };
        if after == 0 {
            // The author knows it already.
            open.marked = Some(read);
        }
        self.set_unread(conversation, unread.min(u32::try_from(after).unwrap_or(u32::MAX)))
    }

    fn arrived(&mut self, info: MessageInfo) -> Vec<Change> {
        let conversation = info.conversation.clone();
        let message = Message::new(info.clone(), self.me());
        let own = message.own;
        let mut changes: Vec<Change> = self.typing(&conversation, info.from.clone(), false).into_iter().collect();
        if let Some(open) = self.open.get_mut(&conversation) {
            match open.insert(message) {
                Placed::Known => return changes,
                Placed::At(at) => {
                    changes.push(Change::Spliced { conversation: conversation.clone(), at, removed: 0, added: 1 });
                }
                Placed::Elsewhere => {}
            }
        }
        changes.push(self.said(&info));
        if !own {
            changes.extend(self.freshen(&conversation, info.key()));
            let count = self.unread(&conversation).saturating_add(1);
            changes.extend(self.set_unread(&conversation, count));
            self.called(&info);
            changes.push(Change::Arrived { info, newest: true });
        }
        changes
    }

    /// Something was said: the sidebar may have another order, and a room's line in it shows the words.
    pub(in crate::model) fn said(&mut self, info: &MessageInfo) -> Change {
        self.recent.came(&info.conversation);
        self.newest_of(info)
    }

    /// The newest that was said somewhere.
    pub(in crate::model) fn newest_of(&mut self, info: &MessageInfo) -> Change {
        let ConversationId::Room(room) = &info.conversation else { return Change::Roster };
        self.rooms.said(room, info);
        Change::Rooms
    }

    fn state_changed(&mut self, message: MessageId, state: MessageState, by: Option<Handle>) -> Vec<Change> {
        for (conversation, open) in &mut self.open {
            let by = by.clone();
            if let Some(at) = open.change(message, |line| line.own, |line| line.advance(state, by)) {
                return vec![Change::Line { conversation: conversation.clone(), at }];
            }
        }
        // The state of a message may overtake the answer to sending it.
        if self.questions.is_sending() && self.early.len() < EARLY_MAX {
            self.early.entry(message).or_default().push((state, by));
        }
        Vec::new()
    }

    pub(in crate::model) fn line(
        &mut self,
        conversation: &ConversationId,
        message: &MessageKey,
        change: impl FnOnce(&mut Message),
    ) -> Vec<Change> {
        let is_it = |line: &Message| line.info.from == message.author;
        let at = self.open.get_mut(conversation).and_then(|open| open.change(message.id, is_it, change));
        at.map(|at| Change::Line { conversation: conversation.clone(), at }).into_iter().collect()
    }

    pub(in crate::model) fn transfer_added(
        &mut self,
        transfer: TransferId,
        conversation: &ConversationId,
    ) -> Vec<Change> {
        let Some(known) = self.transfers.get(transfer) else { return Vec::new() };
        let (from, at) = (known.info.from.clone(), known.info.sent_at);
        let Some(open) = self.open.get_mut(conversation) else { return vec![Change::Transfers] };
        match open.push_transfer(transfer, from, at) {
            Some(at) => {
                let conversation = conversation.clone();
                vec![Change::Transfers, Change::Spliced { conversation, at, removed: 0, added: 1 }]
            }
            None => self.transfer_changed(transfer),
        }
    }

    pub(in crate::model) fn transfer_changed(&self, transfer: TransferId) -> Vec<Change> {
        let conversation = self.transfers.get(transfer).map(|transfer| transfer.info.conversation.clone());
        let place = conversation.and_then(|id| self.open.get(&id)?.find_transfer(transfer).map(|at| (id, at)));
        let line = place.map(|(conversation, at)| Change::Line { conversation, at });
        [Change::Transfers].into_iter().chain(line).collect()
    }

    fn alarm(&mut self, code: &str, user: Option<Handle>, text: String) -> Vec<Change> {
        match (code, user) {
            ("server_key_changed", _) => {
                self.connection.stop(text);
                vec![Change::Page]
            }
            ("key_changed", Some(user)) if self.roster.get(&user).is_some() => self.person(user, |person| {
                person.alarm = Some(text);
                person.verified = false;
                person.path = Path::None;
            }),
            _ => vec![Change::Notice(text)],
        }
    }

    pub(in crate::model) fn transfer_times(&self, conversation: &ConversationId) -> Vec<(TransferId, u64, Handle)> {
        let known = self.transfers.of(conversation).into_iter();
        known.filter_map(|(id, at)| Some((id, at, self.transfers.get(id)?.info.from.clone()))).collect()
    }

    /// How one is connected to the other members of a room.
    pub fn mesh(&self, room: &RoomId) -> Mesh {
        let known = self.rooms.get(room);
        known.map(|room| Mesh::new(room, self.me(), |user| self.roster.path(user))).unwrap_or_default()
    }

    /// Presence of a person as far as one knows it.
    pub fn presence(&self, user: &Handle) -> Presence {
        self.roster.get(user).map(|person| person.presence).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

#[cfg(test)]
#[path = "room_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod room_tests;
