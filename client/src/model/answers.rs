//! What answers of the core do to the model: each belongs to a question that was asked before.

use hobnob_shared::id::{ConversationId, Handle};

use crate::core::command::{Command, HISTORY_MAX, Part, Request};
use crate::core::event::{Answer, Direction, MessageInfo, MessageState};
use crate::model::change::Change;
use crate::model::conversation::{Conversation, Past, Placed, Splice};
use crate::model::line::Message;
use crate::model::pages::PAGE;
use crate::model::question::{PersonWish, Question, QuestionId};
use crate::model::state::Model;
use crate::model::transfers::Offered;

impl Model {
    /// A command was carried out.
    pub(in crate::model) fn answered(&mut self, id: QuestionId, question: Question, answer: Answer) -> Vec<Change> {
        let mut changes = match (&question, &answer) {
            (Question::Friends, Answer::Friends { friends, requests }) => {
                let before = self.nicknames();
                self.roster.replace(friends.clone(), requests.clone());
                let names = (self.nicknames() != before).then_some(Change::Names);
                self.friends_levels(friends);
                for (conversation, count) in &self.unread {
                    if let Some(person) = conversation.friend().and_then(|user| self.roster.get_mut(user)) {
                        person.unread = *count;
                    }
                }
                let headers = self.open.keys().map(|open| match open {
                    ConversationId::Direct(user) => Change::Person(user.clone()),
                    ConversationId::Room(room) => Change::Room(room.clone()),
                });
                [Change::Roster, Change::Requests].into_iter().chain(headers).chain(names).collect()
            }
            (Question::Conversations, Answer::Conversations { conversations }) => {
                let mut changes = Vec::new();
                self.recent.came_before(conversations.iter().map(|info| info.conversation.clone()));
                for info in conversations {
                    changes.extend(info.newest.as_ref().map(|newest| self.newest_of(newest)));
                    changes.extend(self.set_unread(&info.conversation, info.unread));
                    self.set_calls(&info.conversation, info.mentions.min(info.unread));
                    changes.extend(self.find_fresh(&info.conversation));
                }
                changes.extend(std::mem::take(&mut self.recount).then_some(Change::Recount));
                changes
            }
            (Question::Rooms, Answer::Rooms { rooms }) => {
                self.rooms.replace(rooms.clone());
                self.rooms_levels(rooms);
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
            (Question::States(conversation), Answer::Messages { messages, .. }) => {
                self.states_came(conversation, messages)
            }
            (Question::SetDownloads(folder), _) => {
                self.connection.downloads.clone_from(folder);
                vec![Change::Receipts]
            }
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
            (Question::History(conversation), Answer::Messages { .. }) => self.page_came(conversation, id, &answer),
            (Question::Erase { conversation, .. }, _) => self.erased(conversation),
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
            (Question::CheckCode(user), _) => self.person_done(PersonWish::Verify, user),
            (Question::SetNotify(conversation, notify), _) => self.notify_set(conversation, *notify),
            (Question::LastSeen, Answer::LastSeen { last_seen: on }) | (Question::SetLastSeen(on), _) => {
                self.last_seen = *on;
                vec![Change::Receipts]
            }
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
        changes.push(Change::Done { id, question, answer });
        changes
    }

    /// A command was not carried out.
    pub(in crate::model) fn refused(
        &mut self,
        id: QuestionId,
        question: Question,
        code: String,
        text: String,
    ) -> Vec<Change> {
        if let Question::History(conversation) = &question
            && let Some(open) = self.open.get_mut(conversation)
        {
            open.give_up(id);
        }
        vec![Change::Failed { id, question, code, text }]
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
        spliced.into_iter().chain([said]).collect()
    }

    /// The list of transfers came after some timelines: those are laid out again.
    fn transfers_came(&mut self) -> Vec<Change> {
        let ids: Vec<ConversationId> = self.open.keys().cloned().collect();
        let mut changes = Vec::new();
        for id in ids {
            let transfers = self.transfer_times(&id);
            if let Some(open) = self.open.get_mut(&id)
                && open.past() != Past::Unread
            {
                let Splice { at, removed, added } = open.set_transfers(&transfers);
                changes.push(Change::Spliced { conversation: id, at, removed, added });
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

    /// Asks how far the messages got that are shown: with receipts on again, some of them were read.
    pub fn read_states(&mut self) -> Vec<Request> {
        let shown = self.open.iter().filter(|(_, open)| !open.lines().is_empty());
        let shown: Vec<_> = shown.map(|(id, open)| (id.clone(), open.lines().len(), shown_part(open))).collect();
        let request = |(conversation, lines, part): (ConversationId, usize, Part)| {
            let limit = u32::try_from(lines).unwrap_or(HISTORY_MAX).clamp(PAGE, HISTORY_MAX);
            self.ask(Question::States(conversation.clone()), Command::read(conversation, limit, part))
        };
        shown.into_iter().map(request).collect()
    }

    fn states_came(&mut self, id: &ConversationId, messages: &[MessageInfo]) -> Vec<Change> {
        let Some(open) = self.open.get_mut(id) else { return Vec::new() };
        let mut changes = Vec::new();
        for info in messages {
            let further = |known: &Message| known.own && known.info.from == info.from && known.info.state < info.state;
            if let Some(at) = open.change(info.message, further, |line| line.advance(info.state, None)) {
                changes.push(Change::Line { conversation: id.clone(), at });
            }
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

/// The part of a conversation that is shown.
fn shown_part(open: &Conversation) -> Part {
    open.oldest().filter(|_| !open.is_live()).map_or(Part::Newest, |oldest| Part::After(oldest.into()))
}
