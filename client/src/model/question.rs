//! Which answer belongs to which command: every command that expects one gets an id here, and its question is kept until then. Whatever in the
//! window waits for an answer keeps that id: two questions may be the same, and out at once.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, RoomId, TransferId};
use hobnob_shared::message::OwnPresence;

use crate::core::command::Request;
use crate::core::event::Notify;
use crate::core::message_key::MessageRef;

/// Names a question, and so its answer: the `id` of its command. Never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionId(pub(in crate::model) u64);

impl QuestionId {
    /// Of the question that this command asks; none if nobody waits for its answer.
    pub fn of(request: &Request) -> Option<Self> {
        Self::read(request.id.as_deref()?)
    }

    fn read(id: &str) -> Option<Self> {
        id.parse().ok().map(Self)
    }
}

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is done about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonWish {
    /// Accept their request.
    Accept,
    /// Decline their request.
    Decline,
    /// End the friendship.
    Remove,
    /// End it and refuse more.
    Block,
    /// The safety number was equal.
    Verify,
    /// Go on with their new key.
    AcceptKey,
}

/// What is done about a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileWish {
    /// Take it.
    Accept,
    /// Do not take it.
    Decline,
    /// Give it up.
    Cancel,
    /// Stop for now.
    Pause,
    /// Go on.
    Resume,
}

/// What a command was about, kept until its answer. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Sign-up or sign-in.
    Enter,
    /// Another server address before signing in.
    SetServer,
    /// Sign-out.
    SignOut,
    /// The friend list.
    Friends,
    /// Unread counts.
    Conversations,
    /// All transfers.
    Transfers,
    /// A page of a timeline.
    History(ConversationId),
    /// The message that a draft answers.
    Quote {
        /// Where it is.
        conversation: ConversationId,
        /// Which.
        message: MessageRef,
    },
    /// On which days something was said.
    Days {
        /// Where.
        conversation: ConversationId,
        /// When the days begin, and the last one ends.
        starts: Vec<u64>,
    },
    /// A conversation into a file.
    Export(ConversationId),
    /// A conversation off the disk.
    Erase {
        /// Which.
        conversation: ConversationId,
        /// What was written there and not sent, in case that it stays.
        draft: String,
    },
    /// A search.
    Search {
        /// As typed.
        text: String,
        /// A further page.
        further: bool,
    },
    /// A message.
    Send {
        /// Where to.
        conversation: ConversationId,
        /// What.
        text: String,
        /// The message that it answers.
        reply_to: Option<MessageId>,
    },
    /// Another text for an own message.
    Edit {
        /// Where it is.
        conversation: ConversationId,
        /// Which.
        message: MessageId,
        /// The text.
        text: String,
    },
    /// Something else that is done to a message.
    Act,
    /// A file.
    SendFile {
        /// To whom.
        conversation: ConversationId,
        /// Its name.
        name: String,
    },
    /// Ask somebody to be friends, by what was typed.
    AddFriend(String),
    /// Something about a person.
    Person(PersonWish, Handle),
    /// The digits to compare.
    SafetyNumber(Handle),
    /// What of a friend's files is taken without asking.
    FileRule(Handle),
    /// Change that.
    SetFileRule(Handle),
    /// How fast files may go.
    Rates,
    /// Change that.
    SetRates,
    /// Whether read receipts are given and shown.
    Receipts,
    /// Change that.
    SetReceipts(bool),
    /// Files go to another folder from now on.
    SetDownloads(PathBuf),
    /// How far the messages got that are shown of a conversation.
    States(ConversationId),
    /// Whether friends are told when this account was last seen.
    LastSeen,
    /// Change that.
    SetLastSeen(bool),
    /// How others add this account.
    Invite,
    /// Another nickname or note for a friend.
    Words(Handle),
    /// What of a conversation is told by notifications.
    SetNotify(ConversationId, Notify),
    /// Whether the code that a friend shows is equal.
    CheckCode(Handle),
    /// Presence and status text.
    Presence(OwnPresence, Option<String>),
    /// Something about a transfer.
    File(FileWish, TransferId),
    /// Everybody's pictures.
    Avatars,
    /// Another own picture, or none.
    SetAvatar,
    /// The rooms of this account.
    Rooms,
    /// Become a member of a room.
    JoinRoom(RoomId),
    /// Be no member any more.
    LeaveRoom(RoomId),
    /// End somebody's membership.
    RemoveMember(RoomId, Handle),
    /// A room's password: set, or dropped.
    RoomPassword(RoomId, bool),
    /// The account's devices.
    Devices,
    /// Remove one of them.
    RemoveDevice(DeviceId),
    /// Another password.
    ChangePassword,
}

/// The one question whose answer somebody waits for: the last that they asked. What comes to an earlier one is not theirs any more.
#[derive(Debug, Default)]
pub struct Pending(Option<QuestionId>);

impl Pending {
    /// They asked this now, or nothing.
    pub fn ask(&mut self, question: Option<QuestionId>) {
        self.0 = question;
    }

    /// Something is asked and not answered.
    pub fn is_waiting(&self) -> bool {
        self.0.is_some()
    }

    /// An answer came: whether it is the one, which comes once.
    pub fn is_answered_by(&mut self, question: QuestionId) -> bool {
        self.0.take_if(|asked| *asked == question).is_some()
    }
}

/// Most questions that wait at once. The core answers each within 20 s; a person does not get near this.
const OPEN_MAX: usize = 10_000;

/// Questions without an answer yet.
#[derive(Debug, Default)]
pub struct Questions {
    next: u64,
    open: HashMap<QuestionId, Question>,
}

impl Questions {
    /// Keeps a question; its id goes with the command. None when too many are open: then nobody waits for the answer.
    pub fn open(&mut self, question: Question) -> Option<QuestionId> {
        if self.open.len() >= OPEN_MAX {
            return None;
        }
        self.next += 1;
        let id = QuestionId(self.next);
        self.open.insert(id, question);
        Some(id)
    }

    /// A message is on its way to the disk.
    pub fn is_sending(&self) -> bool {
        self.open.values().any(|question| matches!(question, Question::Send { .. }))
    }

    /// How much is unread is asked for just now.
    pub fn is_counting(&self) -> bool {
        self.open.values().any(|question| matches!(question, Question::Conversations))
    }

    /// The question of an answer; each is answered once.
    pub fn close(&mut self, id: Option<&str>) -> Option<(QuestionId, Question)> {
        self.open.remove_entry(&QuestionId::read(id?)?)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_question_is_answered_once_and_ids_are_not_used_again() {
        let mut questions = Questions::default();
        let (one, two) = (questions.open(Question::Friends).unwrap(), questions.open(Question::Friends).unwrap());
        assert_ne!(one, two, "the same is asked twice");
        assert_eq!(questions.close(Some(&two.to_string())), Some((two, Question::Friends)));
        assert_eq!(questions.close(Some(&two.to_string())), None);
        for stray in [None, Some(""), Some("-1"), Some("x"), Some("99")] {
            assert_eq!(questions.close(stray), None, "{stray:?}");
        }
        assert!(![one, two].contains(&questions.open(Question::Friends).unwrap()));
    }

    #[test]
    fn only_the_last_that_was_asked_is_waited_for() {
        let mut questions = Questions::default();
        let mut ask = || questions.open(Question::Friends);
        let mut pending = Pending::default();
        let (first, second, others) = (ask().unwrap(), ask().unwrap(), ask().unwrap());
        pending.ask(Some(first));
        pending.ask(Some(second));
        assert!(!pending.is_answered_by(first) && !pending.is_answered_by(others) && pending.is_waiting());
        assert!(pending.is_answered_by(second), "whatever came before it");
        assert!(!pending.is_answered_by(second) && !pending.is_waiting());
    }

    #[test]
    fn only_so_many_wait_and_an_answer_makes_room() {
        let mut questions = Questions::default();
        let first = questions.open(Question::Friends).unwrap();
        while questions.open(Question::Friends).is_some() {}
        assert_eq!(questions.open.len(), OPEN_MAX);
        questions.close(Some(&first.to_string()));
        assert!(questions.open(Question::Friends).is_some());
    }
}
