//! The model as a whole: sends each event to its part, and says what has to be drawn again.

use std::collections::HashMap;

use hobnob_shared::id::{ConversationId, Handle, MessageId, TransferId};
use hobnob_shared::message::Presence;

use crate::core::command::{Command, Request};
use crate::core::event::{Answer, Direction, Event, MessageInfo, MessageState};
use crate::model::change::Change;
use crate::model::connection::Connection;
use crate::model::conversation::{Conversation, Fate, Message, Past};
use crate::model::question::{PersonWish, Question, Questions};
use crate::model::roster::{Path, Roster};
use crate::model::transfers::Transfers;

/// Messages asked for at once: two or three screens.
pub const PAGE: u32 = 40;
/// States kept of messages whose own answer has not come yet: only what is sent in one moment.
const EARLY_MAX: usize = 1_000;

/// All that the window shows.
#[derive(Debug, Default)]
pub struct Model {
    /// Account and server.
    pub connection: Connection,
    /// Friends and requests.
    pub roster: Roster,
    /// Files.
    pub transfers: Transfers,
    open: HashMap<ConversationId, Conversation>,
    unread: HashMap<ConversationId, u32>,
    questions: Questions,
    early: HashMap<MessageId, MessageState>,
}

impl Model {
    /// A command whose answer is awaited.
    pub fn ask(&mut self, question: Question, command: Command) -> Request {
        Request { id: self.questions.open(question), command }
    }

    /// What is asked for at the start, and again after signing in.
    pub fn reload(&mut self) -> Vec<Request> {
        let mut requests = vec![
            self.ask(Question::Friends, Command::Friends),
            self.ask(Question::Conversations, Command::Conversations),
            self.ask(Question::Transfers, Command::Transfers),
        ];
        let waiting: Vec<_> =
            self.open.iter().filter(|(_, open)| open.past() == Past::Unread).map(|(id, _)| id.clone()).collect();
        requests.extend(waiting.into_iter().map(|conversation| self.history(conversation, None)));
        requests
    }

    /// A conversation is shown in a tab from now on.
    pub fn open(&mut self, conversation: ConversationId) -> Option<Request> {
        if self.open.contains_key(&conversation) {
            return None;
        }
        self.open.insert(conversation.clone(), Conversation::default());
        Some(self.history(conversation, None))
    }

    /// Its tab was closed.
    pub fn close(&mut self, conversation: &ConversationId) {
        self.open.remove(conversation);
    }

    /// The reader came to the beginning of what is here.
    pub fn older(&mut self, conversation: &ConversationId) -> Option<Request> {
        let open = self.open.get(conversation)?;
        let before = open.oldest();
        match open.past() {
            Past::More | Past::Unread => Some(self.history(conversation.clone(), before)),
            Past::Asked | Past::Complete => None,
        }
    }

    fn history(&mut self, conversation: ConversationId, before: Option<MessageId>) -> Request {
        if let Some(open) = self.open.get_mut(&conversation) {
            open.set_past(Past::Asked);
        }
        let question = Question::History { conversation: conversation.clone(), before, limit: PAGE };
        self.ask(question, Command::History { conversation, limit: PAGE, before })
    }

    /// The reader sees the end of a conversation: nothing in it is unread any more. The command tells the author, once.
    pub fn seen(&mut self, conversation: &ConversationId) -> (Vec<Change>, Option<Request>) {
        let newest = self.open.get(conversation).and_then(Conversation::newest_of_others);
        let changes = if self.unread(conversation) > 0 { self.set_unread(conversation, 0) } else { Vec::new() };
        let open = self.open.get_mut(conversation);
        let request = open.filter(|open| newest.is_some() && open.marked != newest).and_then(|open| {
            open.marked = newest;
            newest.map(|message| Request { id: None, command: Command::MarkRead { message } })
        });
        (changes, request)
    }

    /// A timeline, where its tab is open.
    pub fn conversation(&self, conversation: &ConversationId) -> Option<&Conversation> {
        self.open.get(conversation)
    }

    /// The reader watches the end only: very old lines may go.
    pub fn trim(&mut self, conversation: &ConversationId) -> Option<Change> {
        let removed = self.open.get_mut(conversation)?.trim();
        (removed > 0).then(|| Change::Spliced { conversation: conversation.clone(), at: 0, removed, added: 0 })
    }

    /// The reader wants to see the whole of a long message.
    pub fn expand(&mut self, conversation: &ConversationId, message: MessageId) -> Vec<Change> {
        self.line(conversation, message, |line| line.expanded = true)
    }

    /// Messages of others that were not seen.
    pub fn unread(&self, conversation: &ConversationId) -> u32 {
        self.unread.get(conversation).copied().unwrap_or_default()
    }

    fn set_unread(&mut self, conversation: &ConversationId, count: u32) -> Vec<Change> {
        self.unread.insert(conversation.clone(), count);
        let mut changes = vec![Change::Unread(conversation.clone())];
        if let Some(person) = conversation.friend().and_then(|user| self.roster.get_mut(user)) {
            person.unread = count;
            changes.push(Change::Roster);
        }
        changes
    }

    fn me(&self) -> Option<&Handle> {
        self.connection.user.as_ref()
    }

    /// What happened, and so what has to be drawn again.
    pub fn apply(&mut self, event: Event) -> Vec<Change> {
        match event {
            Event::Ready { user, signed_in, server, downloads, .. } => {
                self.connection.ready(user, signed_in, server, downloads);
                vec![Change::Page, Change::Own]
            }
            Event::Done { id, answer } => {
                self.questions.close(id.as_deref()).map_or_else(Vec::new, |q| self.answered(q, answer))
            }
            Event::Failed { id, code, text } => match self.questions.close(id.as_deref()) {
                Some(question) => self.refused(question, code, text),
                None => Vec::new(),
            },
            Event::SignedIn { user, presence, text } => {
                self.connection.signed_in(user, presence, text);
                vec![Change::Page, Change::Own]
            }
            Event::SignedOut { reason } => {
                self.connection.signed_out(&reason);
                self.roster.forget_presence();
                vec![Change::Page, Change::Own, Change::Roster]
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
                vec![Change::Requests, Change::Roster, Change::Person(user)]
            }
            Event::FriendRemoved { user } => {
                self.roster.remove(&user);
                vec![Change::Requests, Change::Roster, Change::Person(user)]
            }
            Event::Presence { user, presence, text } => self.person(user, |person| {
                person.presence = presence;
                person.status_text = text;
            }),
            Event::Link { user, path, address } => self.linked(user, Path::new(path, &address)),
            Event::Message(info) => self.arrived(info),
            Event::MessageState { message, state, .. } => self.state_changed(message, state),
            Event::MessageEdited { conversation, message, text, .. } => self.line(&conversation, message, |line| {
                line.info.text = text;
                line.fate = Fate::Edited;
            }),
            Event::MessageDeleted { conversation, message, .. } => self.line(&conversation, message, |line| {
                line.info.text.clear();
                line.fate = Fate::Deleted;
                line.reactions.clear();
            }),
            Event::Reaction { conversation, from, message, emoji, on } => {
                self.line(&conversation, message, |line| react(&mut line.reactions, from, emoji, on))
            }
            Event::Typing { conversation, from, active } => self.typing(conversation, from, active),
            // Rooms have no place in this window yet; their messages do.
            Event::Room { .. } | Event::RoomLeft { .. } | Event::ReadElsewhere { .. } | Event::Devices { .. } => {
                Vec::new()
            }
            Event::FileOffered { transfer, conversation, from, name, size } => {
                let new =
                    self.transfers.offered(transfer, conversation.clone(), from, Direction::Incoming, (name, size));
                let mut changes = self.transfer_added(transfer, &conversation);
                if new {
                    changes.push(Change::Offered(transfer));
                }
                changes
            }
            Event::FileProgress { transfer, done, size, rate } => {
                self.transfers.progressed(transfer, done, size, rate);
                self.transfer_changed(transfer)
            }
            Event::FileFinished { transfer, path, size, .. } => {
                self.transfers.finished(transfer, path, size);
                self.transfer_changed(transfer)
            }
            Event::FileFailed { transfer, code, text } => {
                self.transfers.failed(transfer, &code, text);
                self.transfer_changed(transfer)
            }
            Event::Alarm { code, user, text } => self.alarm(&code, user, text),
        }
    }

    fn person(&mut self, user: Handle, change: impl FnOnce(&mut crate::model::roster::Person)) -> Vec<Change> {
        match self.roster.get_mut(&user) {
            Some(person) => {
                change(person);
                vec![Change::Roster, Change::Person(user)]
            }
            None => Vec::new(),
        }
    }

    fn linked(&mut self, user: Handle, path: Path) -> Vec<Change> {
        if !self.roster.linked(&user, path) {
            return Vec::new();
        }
        let mut changes = vec![Change::Roster];
        let conversation = ConversationId::Direct(user.clone());
        if let Some(open) = self.open.get_mut(&conversation).filter(|open| !path.is_linked() && !open.typing.is_empty())
        {
            // Who is gone does not write any more, and cannot say so.
            open.typing.clear();
            changes.push(Change::Typing(conversation));
        }
        changes.push(Change::Person(user));
        changes
    }

    fn arrived(&mut self, info: MessageInfo) -> Vec<Change> {
        let conversation = info.conversation.clone();
        let message = Message::new(info.clone(), self.me());
        let own = message.own;
        let mut changes = Vec::new();
        if let Some(open) = self.open.get_mut(&conversation) {
            let was_typing = open.typing.contains(&info.from);
            let Some(at) = open.push(message) else { return Vec::new() };
            changes.push(Change::Spliced { conversation: conversation.clone(), at, removed: 0, added: 1 });
            if was_typing {
                changes.push(Change::Typing(conversation.clone()));
            }
        }
        if !own {
            let count = self.unread(&conversation).saturating_add(1);
            changes.extend(self.set_unread(&conversation, count));
            changes.push(Change::Arrived(info));
        }
        changes
    }

    fn state_changed(&mut self, message: MessageId, state: MessageState) -> Vec<Change> {
        for (conversation, open) in &mut self.open {
            if let Some(at) = open.change(message, |line| line.info.state = state) {
                return vec![Change::Line { conversation: conversation.clone(), at }];
            }
        }
        // The state of a message may overtake the answer to sending it.
        if self.early.len() < EARLY_MAX {
            self.early.insert(message, state);
        }
        Vec::new()
    }

    fn line(
        &mut self,
        conversation: &ConversationId,
        message: MessageId,
        change: impl FnOnce(&mut Message),
    ) -> Vec<Change> {
        let at = self.open.get_mut(conversation).and_then(|open| open.change(message, change));
        at.map(|at| Change::Line { conversation: conversation.clone(), at }).into_iter().collect()
    }

    fn typing(&mut self, conversation: ConversationId, from: Handle, active: bool) -> Vec<Change> {
        let Some(open) = self.open.get_mut(&conversation) else { return Vec::new() };
        open.typing.retain(|user| *user != from);
        if active {
            open.typing.push(from);
        }
        vec![Change::Typing(conversation)]
    }

    fn transfer_added(&mut self, transfer: TransferId, conversation: &ConversationId) -> Vec<Change> {
        let Some(known) = self.transfers.get(transfer) else { return Vec::new() };
        let (from, at) = (known.info.from.clone(), known.info.sent_at);
        let Some(open) = self.open.get_mut(conversation) else { return Vec::new() };
        match open.push_transfer(transfer, from, at) {
            Some(at) => vec![Change::Spliced { conversation: conversation.clone(), at, removed: 0, added: 1 }],
            None => self.transfer_changed(transfer),
        }
    }

    fn transfer_changed(&self, transfer: TransferId) -> Vec<Change> {
        let conversation = self.transfers.get(transfer).map(|transfer| transfer.info.conversation.clone());
        let place = conversation.and_then(|id| self.open.get(&id)?.find_transfer(transfer).map(|at| (id, at)));
        place.map(|(conversation, at)| Change::Line { conversation, at }).into_iter().collect()
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

    fn transfer_times(&self, conversation: &ConversationId) -> Vec<(TransferId, u64, Handle)> {
        let known = self.transfers.of(conversation).into_iter();
        known.filter_map(|(id, at)| Some((id, at, self.transfers.get(id)?.info.from.clone()))).collect()
    }

    /// A command was carried out.
    fn answered(&mut self, question: Question, answer: Answer) -> Vec<Change> {
        let mut changes = match (&question, &answer) {
            (Question::Friends, Answer::Friends { friends, requests }) => {
                self.roster.replace(friends.clone(), requests.clone());
                for (conversation, count) in &self.unread {
                    if let Some(person) = conversation.friend().and_then(|user| self.roster.get_mut(user)) {
                        person.unread = *count;
                    }
                }
                let headers = self.open.keys().filter_map(|open| open.friend().cloned()).map(Change::Person);
                [Change::Roster, Change::Requests].into_iter().chain(headers).collect()
            }
            (Question::Conversations, Answer::Conversations { conversations }) => {
                let counts: Vec<_> =
                    conversations.iter().map(|info| (info.conversation.clone(), info.unread)).collect();
                counts.iter().flat_map(|(conversation, count)| self.set_unread(conversation, *count)).collect()
            }
            (Question::Transfers, Answer::Transfers { transfers }) => {
                self.transfers.replace(transfers.clone());
                self.transfers_came()
            }
            (Question::History { conversation, before, limit }, Answer::Messages { messages }) => {
                let complete = messages.len() < usize::try_from(*limit).unwrap_or(usize::MAX);
                self.page_came(conversation, before.is_some(), messages, complete)
            }
            (Question::Send { conversation, text }, Answer::Sent { message, sent_at, clock, device, number }) => {
                let Some(me) = self.me().cloned() else { return Vec::new() };
                let state = self.early.remove(message).unwrap_or(MessageState::Queued);
                self.sent(MessageInfo {
                    conversation: conversation.clone(),
                    message: *message,
                    from: me,
                    text: text.clone(),
                    sent_at: *sent_at,
                    reply_to: None,
                    state,
                    clock: *clock,
                    device: *device,
                    number: *number,
                })
            }
            (Question::SendFile { conversation, name, size }, Answer::Transfer { transfer }) => {
                match self.me().cloned() {
                    Some(me) => {
                        let file = (name.clone(), *size);
                        self.transfers.offered(*transfer, conversation.clone(), me, Direction::Outgoing, file);
                        self.transfer_added(*transfer, conversation)
                    }
                    None => Vec::new(),
                }
            }
            (Question::Person(wish, user), _) => self.person_done(*wish, user),
            (Question::Presence(presence, text), _) => {
                self.connection.presence = *presence;
                if let Some(text) = text {
                    self.connection.status_text.clone_from(text);
                }
                vec![Change::Own]
            }
            (Question::File(wish, transfer), _) => {
                self.transfers.wished(*transfer, *wish);
                self.transfer_changed(*transfer)
            }
            _ => Vec::new(),
        };
        changes.push(Change::Done(question, answer));
        changes
    }

    fn refused(&mut self, question: Question, code: String, text: String) -> Vec<Change> {
        if let Question::History { conversation, .. } = &question
            && let Some(open) = self.open.get_mut(conversation)
        {
            open.set_past(Past::Unread);
        }
        vec![Change::Failed { question, code, text }]
    }

    fn sent(&mut self, info: MessageInfo) -> Vec<Change> {
        let conversation = info.conversation.clone();
        let line = Message::new(info, self.me());
        let at = self.open.get_mut(&conversation).and_then(|open| open.push(line));
        at.map(|at| Change::Spliced { conversation, at, removed: 0, added: 1 }).into_iter().collect()
    }

    fn page_came(&mut self, id: &ConversationId, older: bool, messages: &[MessageInfo], complete: bool) -> Vec<Change> {
        let transfers = self.transfer_times(id);
        let me = self.connection.user.clone();
        let page: Vec<Message> = messages.iter().map(|info| Message::new(info.clone(), me.as_ref())).collect();
        let Some(open) = self.open.get_mut(id) else { return Vec::new() };
        let (removed, added) = if older {
            (0, open.load_older(page, complete, &transfers))
        } else {
            open.load_newest(page, complete, &transfers)
        };
        vec![Change::Spliced { conversation: id.clone(), at: 0, removed, added }]
    }

    /// The list of transfers came after some timelines: those are laid out again.
    fn transfers_came(&mut self) -> Vec<Change> {
        let ids: Vec<ConversationId> = self.open.keys().cloned().collect();
        let mut changes = Vec::new();
        for id in ids {
            let transfers = self.transfer_times(&id);
            if let Some(open) = self.open.get_mut(&id)
                && matches!(open.past(), Past::More | Past::Complete)
            {
                let (removed, added) = open.set_transfers(&transfers);
                changes.push(Change::Spliced { conversation: id, at: 0, removed, added });
            }
        }
        changes
    }

    fn person_done(&mut self, wish: PersonWish, user: &Handle) -> Vec<Change> {
        match wish {
            PersonWish::Accept => Vec::new(),
            PersonWish::Decline | PersonWish::Remove | PersonWish::Block => {
                self.roster.remove(user);
                vec![Change::Requests, Change::Roster, Change::Person(user.clone())]
            }
            PersonWish::Verify => self.person(user.clone(), |person| person.verified = true),
            PersonWish::AcceptKey => self.person(user.clone(), |person| person.alarm = None),
        }
    }

    /// Presence of a person as far as one knows it.
    pub fn presence(&self, user: &Handle) -> Presence {
        self.roster.get(user).map(|person| person.presence).unwrap_or_default()
    }
}

fn react(reactions: &mut Vec<(String, Vec<Handle>)>, from: Handle, emoji: String, on: bool) {
    for (_, people) in reactions.iter_mut() {
        people.retain(|user| *user != from);
    }
    if on {
        match reactions.iter_mut().find(|(known, _)| *known == emoji) {
            Some((_, people)) => people.push(from),
            None => reactions.push((emoji, vec![from])),
        }
    }
    reactions.retain(|(_, people)| !people.is_empty());
}

#[cfg(test)]
#[path = "state_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
