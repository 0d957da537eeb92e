//! Which answer belongs to which command: every command that expects one gets an id here, and its question is kept until then.

use std::collections::HashMap;
use std::path::PathBuf;

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, RoomId, TransferId};
use hobnob_shared::message::OwnPresence;

use crate::core::event::Notify;

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
    History {
        /// Which timeline.
        conversation: ConversationId,
        /// Which of its pages.
        turn: u64,
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
        /// Behind this message: a further page.
        before: Option<MessageId>,
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

/// Most questions that wait at once. The core answers each within 20 s; a person does not get near this.
const OPEN_MAX: usize = 10_000;

/// Questions without an answer yet.
#[derive(Debug, Default)]
pub struct Questions {
    next: u64,
    open: HashMap<String, Question>,
}

impl Questions {
    /// Keeps a question; its id goes with the command. None when too many are open: then nobody waits for the answer.
    pub fn open(&mut self, question: Question) -> Option<String> {
        if self.open.len() >= OPEN_MAX {
            return None;
        }
        self.next += 1;
        let id = self.next.to_string();
        self.open.insert(id.clone(), question);
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
    pub fn close(&mut self, id: Option<&str>) -> Option<Question> {
        self.open.remove(id?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_once_and_ids_are_not_used_again() {
        let mut questions = Questions::default();
        let (one, two) = (questions.open(Question::Friends), questions.open(Question::Transfers));
        assert_ne!(one, two);
        assert_eq!(questions.close(one.as_deref()), Some(Question::Friends));
        assert_eq!(questions.close(one.as_deref()), None);
        assert_eq!(questions.close(None), None);
        assert_ne!(questions.open(Question::Friends), one);
    }
}
