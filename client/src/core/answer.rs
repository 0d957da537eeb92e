//! What a `done` carries: the answers to commands, and the lines that they are made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{ConversationId, DeviceId, Handle, Hash, MessageId, RoomId, TransferId};
use hobnob_shared::message::Presence;

use super::event::{LinkPath, MessageState};
pub use super::file_transfer::pace::{Rates, SLOWEST};
pub use super::history::file_rules::FileRule;
pub use super::history::notify::Notify;
use super::message_key::MessageKey;

/// What a `done` carries.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Nothing more to say.
    Nothing {},
    /// Friends.
    Friends {
        /// All, sorted by handle.
        friends: Vec<FriendInfo>,
        /// Requests that wait for my answer.
        requests: Vec<Handle>,
    },
    /// The own picture.
    Avatar {
        /// BLAKE3 of its file.
        hash: Option<Hash>,
    },
    /// Pictures.
    Avatars {
        /// By handle; who has none is not among them.
        avatars: Vec<AvatarInfo>,
    },
    /// A message is safe on this disk.
    Sent {
        /// Its id.
        message: MessageId,
        /// Its time, milliseconds since 1970.
        sent_at: u64,
        /// As in [`MessageInfo::clock`].
        clock: u64,
        /// This device.
        device: DeviceId,
        /// As in [`MessageInfo::number`].
        number: u64,
    },
    /// Messages, oldest first.
    Messages {
        /// The page.
        messages: Vec<MessageInfo>,
        /// Something stands before it.
        earlier: bool,
        /// Something stands after it.
        later: bool,
        /// The message that it was read around, where one was asked for by id or time.
        #[serde(skip_serializing_if = "Option::is_none")]
        found: Option<MessageId>,
    },
    /// On which days something was said.
    Days {
        /// As they were asked for.
        days: Vec<bool>,
    },
    /// A conversation is in a file.
    Exported {
        /// Messages in it.
        exported: u64,
        /// The file, absolute.
        path: PathBuf,
    },
    /// A conversation is off this disk.
    Erased {
        /// Messages that are gone.
        erased: u64,
        /// Own messages that nobody has got yet: they stay until they are delivered.
        kept: u64,
    },
    /// What a search found.
    Found {
        /// The newest first.
        messages: Vec<MessageInfo>,
        /// There are more messages behind the last of these.
        more: bool,
        /// Friends, by name; people, rooms and files come with the first page only.
        people: Vec<FriendInfo>,
        /// Rooms, by name.
        rooms: Vec<FoundRoom>,
        /// Files, the newest first.
        files: Vec<TransferInfo>,
    },
    /// Conversations, newest first.
    Conversations {
        /// All.
        conversations: Vec<ConversationInfo>,
    },
    /// A transfer was made.
    Transfer {
        /// Its id.
        transfer: TransferId,
        /// Bytes.
        size: u64,
        /// Of a folder: files in it.
        #[serde(skip_serializing_if = "Option::is_none")]
        files: Option<u32>,
        /// Links, devices and the like in a folder, and folders in it that cannot be read: they are not sent.
        #[serde(skip_serializing_if = "is_zero")]
        left_out: u32,
    },
    /// Transfers, oldest first.
    Transfers {
        /// All.
        transfers: Vec<TransferInfo>,
    },
    /// Devices.
    Devices {
        /// All of the account.
        devices: Vec<DeviceInfo>,
    },
    /// Rooms.
    Rooms {
        /// All that this account is a member of, by name.
        rooms: Vec<RoomInfo>,
    },
    /// What goes on inside.
    Status {
        /// Links to devices that stand.
        links: usize,
        /// What arrived since the start and was not believed, by reason.
        refused: BTreeMap<&'static str, u64>,
    },
    /// What of a friend's files is taken without asking.
    FileRule(FileRule),
    /// How fast files may go.
    Rates(Rates),
    /// Where received files go.
    Downloads {
        /// Full path.
        downloads: PathBuf,
    },
    /// Whether read receipts are given and shown.
    Receipts {
        /// They are.
        receipts: bool,
    },
    /// Whether friends are told when this account was last seen, and it when they were.
    LastSeen {
        /// They are.
        last_seen: bool,
    },
    /// How others add this account and pin its key.
    Invite {
        /// `hobnob:NAME?k=FINGERPRINT&s=HOST:PORT`.
        invite: String,
    },
    /// Digits to compare.
    SafetyNumber {
        /// 60 digits.
        safety_number: String,
        /// The text of the QR picture that the other side scans.
        code: String,
        /// Compared before.
        verified: bool,
    },
}

/// A line of the friend list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FriendInfo {
    /// Who.
    pub user: Handle,
    /// How they are.
    pub presence: Presence,
    /// What they say.
    pub status_text: String,
    /// The safety number was compared.
    pub verified: bool,
    /// Best path.
    pub link: LinkPath,
    /// What they are called here; empty if nothing else.
    pub nickname: String,
    /// What is to be remembered of them.
    pub note: String,
    /// What of their messages is told by notifications.
    pub notify: Notify,
    /// Offline, and allowed on both sides: when they were last seen, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
    /// Their picture, see [`AvatarInfo::hash`].
    pub avatar: Option<Hash>,
}

impl FriendInfo {
    /// Somebody of whom nothing is known yet.
    pub fn new(user: Handle) -> Self {
        Self {
            user,
            presence: Presence::Unknown,
            status_text: String::new(),
            verified: false,
            link: LinkPath::None,
            nickname: String::new(),
            note: String::new(),
            notify: Notify::All,
            last_seen: None,
            avatar: None,
        }
    }
}

/// Somebody's picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AvatarInfo {
    /// Whose.
    pub user: Handle,
    /// BLAKE3 of its file, which is named so, in the profile's folder [`super::command::AVATARS`].
    pub hash: Hash,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageInfo {
    /// Where.
    pub conversation: ConversationId,
    /// Its id.
    pub message: MessageId,
    /// Author.
    pub from: Handle,
    /// What they wrote, unchanged.
    pub text: String,
    /// Author's clock, milliseconds since 1970.
    pub sent_at: u64,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Own: how far it got. Others': `delivered`, or `read` once I saw it.
    pub state: MessageState,
    /// Orders the conversation, with `from`, `device` and `number` behind it: milliseconds, see [`hobnob_shared::message::Entry::clock`].
    pub clock: u64,
    /// The author's device.
    pub device: DeviceId,
    /// The device's own count in this conversation.
    pub number: u64,
    /// The text is another than was written at first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// It was taken back: the text is empty, and there are no reactions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// The oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// An emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// At most [`hobnob_shared::limits::EMOJI`] bytes.
    pub emoji: String,
    /// Who set it; of one person at most [`hobnob_shared::limits::REACTIONS`] emojis.
    pub by: Vec<Handle>,
}

/// Nobody writes later than the clock of their message says, nor so much earlier, in milliseconds: that far a clock is rarely put back.
const APART: u64 = 24 * 60 * 60 * 1_000;

impl MessageInfo {
    /// What messages of a conversation are sorted by, the same for everybody.
    pub fn place(&self) -> (u64, &Handle, DeviceId, u64) {
        (self.clock, &self.from, self.device, self.number)
    }

    /// What names it.
    pub fn key(&self) -> MessageKey {
        MessageKey { id: self.message, author: self.from.clone() }
    }

    /// When it counts as said beside what has a time and no place, such as files. Its author names both times, and one that lies far from its
    /// place would take those files along.
    pub fn beside(&self) -> u64 {
        self.sent_at.clamp(self.clock.saturating_sub(APART), self.clock)
    }
}

/// A conversation with something in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConversationInfo {
    /// Which.
    pub conversation: ConversationId,
    /// Messages of others that were not marked read.
    pub unread: u32,
    /// In a room: those of them, among the newest, that mention this account.
    pub mentions: u32,
    /// Its newest message.
    pub newest: Option<MessageInfo>,
    /// What of it is told by notifications.
    pub notify: Notify,
}

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From me.
    Outgoing,
    /// To me.
    Incoming,
}

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Waits for the receiver's answer.
    Offered,
    /// Accepted; waits for a link or goes.
    Accepted,
    /// Accepted; others go first.
    Queued,
    /// Bytes flow.
    Running,
    /// Stopped by a person.
    Paused,
    /// Whole and verified.
    Finished,
    /// Declined by the receiver.
    Declined,
    /// Given up by either side.
    Cancelled,
    /// Ended by an error; may be resumed where `resumable`.
    Failed,
}

/// A file of a folder that did not come along.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SkippedInfo {
    /// Below the folder.
    pub path: String,
    /// Why.
    pub code: WireCode,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferInfo {
    /// Its id.
    pub transfer: TransferId,
    /// Own, offered to a room: with which member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Handle>,
    /// Where.
    pub conversation: ConversationId,
    /// The sender.
    pub from: Handle,
    /// Which way.
    pub direction: Direction,
    /// The name as offered.
    pub name: String,
    /// Bytes in all.
    pub size: u64,
    /// Of a folder: files in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u32>,
    /// Bytes verified.
    pub done: u64,
    /// Where it stands.
    pub state: TransferState,
    /// Own: the file that is sent. Others': the final path, once finished.
    pub path: Option<PathBuf>,
    /// Hash of the whole file, once finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blake3: Option<Hash>,
    /// Why it failed, a sentence.
    pub text: Option<String>,
    /// Sender's clock, milliseconds since 1970.
    pub sent_at: u64,
}

/// A device of the account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceInfo {
    /// Its id.
    pub device: DeviceId,
    /// It is this one.
    pub this: bool,
}

/// A room of this account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoomInfo {
    /// Which.
    pub room: RoomId,
    /// Who may remove members and set the password.
    pub owner: Handle,
    /// It takes a password to join.
    pub locked: bool,
    /// All members.
    pub members: Vec<Member>,
    /// What of it is told by notifications.
    pub notify: Notify,
}

/// A room that was searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundRoom {
    /// Which.
    pub room: RoomId,
    /// How many are in it.
    pub members: usize,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// Who.
    pub user: Handle,
    /// How they are.
    pub presence: Presence,
}
