//! What answers of the core do to the model: each belongs to a question that was asked before.

use hobnob_shared::id::{ConversationId, Handle};

use crate::core::event::{Answer, Direction, MessageInfo, MessageState};
use crate::model::change::Change;
use crate::model::conversation::{Past, Placed};
use crate::model::line::Message;
use crate::model::question::{PersonWish, Question};
use crate::model::state::Model;
use crate::model::transfers::Offered;

impl Model {
    /// A command was carried out.
    pub(in crate::model) fn answered(&mut self, question: Question, answer: Answer) -> Vec<Change> {
        let mut changes = match (&question, &answer) {
            (Question::Friends, Answer::Friends { friends, requests }) => {
                self.roster.replace(friends.clone(), requests.clone());
                for (conversation, count) in &self.unread {
                    if let Some(person) = conversation.friend().and_then(|user| self.roster.get_mut(user)) {
                        person.unread = *count;
                    }
                }
                let headers = self.open.keys().map(|open| match open {
                    ConversationId::Direct(user) => Change::Person(user.clone()),
                    ConversationId::Room(room) => Change::Room(room.clone()),
                });
                [Change::Roster, Change::Requests].into_iter().chain(headers).collect()
            }
            (Question::Conversations, Answer::Conversations { conversations }) => {
                let mut changes = Vec::new();
                for info in conversations {
                    changes.extend(info.newest.as_ref().and_then(|newest| self.said(newest)));
                    changes.extend(self.set_unread(&info.conversation, info.unread));
                    changes.extend(self.find_fresh(&info.conversation));
                }
                changes
            }
            (Question::Rooms, Answer::Rooms { rooms }) => {
                self.rooms.replace(rooms.clone());
                for (conversation, count) in &self.unread {
                    if let ConversationId::Room(room) = conversation
                        && let Some(room) = self.rooms.get_mut(room)
                    {
                        room.unread = *count;
                    }
                }
                let tabs = self.open.keys().filter_map(|open| match open {
                    ConversationId::Room(room) => Some(Change::Room(room.clone())),
                    ConversationId::Direct(_) => None,
                });
                [Change::Rooms].into_iter().chain(tabs).collect()
            }
            (Question::JoinRoom(room), _) => {
                self.rooms.joined(room.clone());
                vec![Change::Rooms, Change::Room(room.clone())]
            }
            (Question::LeaveRoom(room), _) => {
                self.rooms.left(room, false);
                vec![Change::Rooms, Change::Room(room.clone())]
            }
            (Question::RoomPassword(room, locked), _) => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.locked = *locked;
                }
                vec![Change::Room(room.clone())]
            }
            (Question::Receipts, Answer::Receipts { receipts }) => {
                self.receipts = *receipts;
                vec![Change::Receipts]
            }
            (Question::Avatars, Answer::Avatars { avatars }) => self.all_pictured(avatars),
            (Question::SetReceipts(on), _) => self.receipts_set(*on),
            (Question::Devices, Answer::Devices { devices }) => {
                self.devices.clone_from(devices);
                vec![Change::Devices]
            }
            (Question::Transfers, Answer::Transfers { transfers }) => {
                self.transfers.replace(transfers.clone());
                let mut changes = self.transfers_came();
                changes.push(Change::Transfers);
                changes
            }
            (Question::History { conversation, before, limit }, Answer::Messages { messages }) => {
                let complete = messages.len() < usize::try_from(*limit).unwrap_or(usize::MAX);
                self.page_came(conversation, before.is_some(), messages, complete)
            }
            (
                Question::Send { conversation, text, reply_to },
                Answer::Sent { message, sent_at, clock, device, number },
            ) => {
                let Some(me) = self.me().cloned() else { return Vec::new() };
                self.sent(MessageInfo {
                    conversation: conversation.clone(),
                    message: *message,
                    from: me,
                    text: text.clone(),
                    sent_at: *sent_at,
                    reply_to: *reply_to,
                    state: MessageState::Queued,
                    clock: *clock,
                    device: *device,
                    number: *number,
                    edited: false,
                    deleted: false,
                    reactions: Vec::new(),
                })
            }
            (Question::SendFile { conversation, name }, Answer::Transfer { transfer, size, files, .. }) => {
                match self.me().cloned() {
                    Some(me) => {
                        let file = Offered { name: name.clone(), size: *size, files: *files };
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

    pub(in crate::model) fn refused(&mut self, question: Question, code: String, text: String) -> Vec<Change> {
        if let Question::History { conversation, .. } = &question
            && let Some(open) = self.open.get_mut(conversation)
        {
            open.set_past(Past::Unread);
        }
        vec![Change::Failed { question, code, text }]
    }

    fn sent(&mut self, info: MessageInfo) -> Vec<Change> {
        let conversation = info.conversation.clone();
        let said = self.said(&info);
        let mut line = Message::new(info, self.me());
        for (state, by) in self.early.remove(&line.info.message).unwrap_or_default() {
            line.advance(state, by);
        }
        if !self.questions.is_sending() {
            self.early.clear();
        }
        let placed = self.open.get_mut(&conversation).map(|open| open.insert(line));
        let spliced = match placed {
            Some(Placed::At(at)) => Some(Change::Spliced { conversation, at, removed: 0, added: 1 }),
            _ => None,
        };
        spliced.into_iter().chain(said).collect()
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
        // What answers one of these shows it now.
        let quotes = if older { open.answers_to_first(added) } else { Vec::new() };
        let conversation = || id.clone();
        [Change::Spliced { conversation: conversation(), at: 0, removed, added }]
            .into_iter()
            .chain(quotes.into_iter().map(|at| Change::Line { conversation: conversation(), at }))
            .chain(self.find_fresh(id))
            .collect()
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

    /// Without receipts what was read counts as delivered, here too.
    fn receipts_set(&mut self, on: bool) -> Vec<Change> {
        self.receipts = on;
        let mut changes = vec![Change::Receipts];
        for (conversation, open) in self.open.iter_mut().filter(|_| !on) {
            let lines = open.forget_reads().into_iter();
            changes.extend(lines.map(|at| Change::Line { conversation: conversation.clone(), at }));
        }
        changes
    }

    fn person_done(&mut self, wish: PersonWish, user: &Handle) -> Vec<Change> {
        match wish {
            PersonWish::Accept => Vec::new(),
            PersonWish::Decline | PersonWish::Remove | PersonWish::Block => {
                self.roster.remove(user);
                self.friendship_changed(user.clone())
            }
            PersonWish::Verify => self.person(user.clone(), |person| person.verified = true),
            PersonWish::AcceptKey => self.person(user.clone(), |person| person.alarm = None),
        }
    }
}
