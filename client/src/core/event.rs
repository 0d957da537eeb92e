//! What happened, past tense: the one way out of the core. In JSON this is a line of `hobnob-cli`'s standard output as the interface
//! document fixes it; the window's model applies the same events.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use hobnob_shared::id::{ConversationId, DeviceId, Handle, Hash, MessageId, RoomId, TransferId};
use hobnob_shared::message::{OwnPresence, Presence};

/// How two people are connected right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum LinkPath {
    /// Not at all.
    #[default]
    None,
    /// Through the server's relay, end-to-end encrypted.
    Relayed,
    /// Straight between the two devices.
    Direct,
}

/// What is true of a message of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// On this disk.
    Queued,
    /// Written to a live link.
    Sent,
    /// On the disk of one of their devices.
    Delivered,
    /// Seen by them. For others' messages: seen by me.
    Read,
}

/// The link to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// Trying.
    Connecting,
    /// Signed in.
    Online,
    /// Away; another attempt follows by itself where signed in.
    Offline,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The core runs; first event.
    Ready {
        /// Version of the interface and program.
        version: String,
        /// Absolute path of the profile.
        profile: PathBuf,
        /// Addresses on which peers are awaited.
        listening: Vec<String>,
        /// The account of this profile, if it has one.
        user: Option<Handle>,
        /// It signs in by itself: it has an account, and nobody signed it out.
        signed_in: bool,
        /// The server's address that will be used, if one is known.
        server: Option<String>,
        /// Where received files go.
        downloads: PathBuf,
    },
    /// A command was carried out.
    Done {
        /// The command's id.
        id: Option<String>,
        /// What it answers; its fields stand beside `id`.
        #[serde(flatten)]
        answer: Answer,
    },
    /// A command was not carried out.
    Failed {
        /// The command's id, where one could be read.
        id: Option<String>,
        /// Stable code, `snake_case`.
        code: String,
        /// A sentence for people.
        text: String,
    },
    /// Signed in and online.
    SignedIn {
        /// As whom.
        user: Handle,
        /// Own presence.
        presence: OwnPresence,
        /// Own status text.
        text: String,
    },
    /// Signed out.
    SignedOut {
        /// Why: `signed_out`, `replaced`, `device_removed`, ...
        reason: String,
    },
    /// The link to the server changed.
    Server {
        /// To what.
        state: ServerState,
        /// A sentence for people.
        text: String,
    },
    /// Somebody asks to be friends.
    FriendRequest {
        /// Who.
        user: Handle,
    },
    /// A friendship stands, verified and pinned.
    FriendAdded {
        /// With whom.
        user: Handle,
    },
    /// A friendship, or a request, is no more.
    FriendRemoved {
        /// With whom.
        user: Handle,
    },
    /// A friend's presence.
    Presence {
        /// Whose.
        user: Handle,
        /// What.
        presence: Presence,
        /// Status text.
        text: String,
    },
    /// The best path to a person changed.
    Link {
        /// To whom.
        user: Handle,
        /// What it is now.
        path: LinkPath,
        /// The other end, `ADDR:PORT`; empty with `none`.
        address: String,
    },
    /// A message of somebody else was stored.
    Message(MessageInfo),
    /// The state of an own message changed.
    MessageState {
        /// Which.
        message: MessageId,
        /// To what.
        state: MessageState,
        /// In rooms: for which member.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Handle>,
    },
    /// Somebody changed a message.
    MessageEdited {
        /// Where.
        conversation: ConversationId,
        /// Who.
        from: Handle,
        /// Which.
        message: MessageId,
        /// New text.
        text: String,
    },
    /// Somebody deleted a message.
    MessageDeleted {
        /// Where.
        conversation: ConversationId,
        /// Who.
        from: Handle,
        /// Which.
        message: MessageId,
    },
    /// Somebody reacted.
    Reaction {
        /// Where.
        conversation: ConversationId,
        /// Who.
        from: Handle,
        /// To which.
        message: MessageId,
        /// With what.
        emoji: String,
        /// Set or taken back.
        on: bool,
    },
    /// Somebody is writing, or stopped.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        from: Handle,
        /// Writing.
        active: bool,
    },
    /// Membership or presence in a room changed.
    Room {
        /// Which.
        room: RoomId,
        /// All members.
        members: Vec<Member>,
        /// Who may remove members and set the password.
        owner: Handle,
        /// It takes a password to join.
        locked: bool,
    },
    /// This account is not a member of a room any more.
    RoomLeft {
        /// Which.
        room: RoomId,
        /// `left` or `removed`.
        reason: String,
    },
    /// Another device of this account has seen everything of the others up to this message.
    ReadElsewhere {
        /// Where.
        conversation: ConversationId,
        /// The newest that was seen.
        message: MessageId,
    },
    /// The account's devices changed.
    Devices {
        /// All of them.
        devices: Vec<DeviceInfo>,
    },
    /// Somebody offers a file.
    FileOffered {
        /// Its id.
        transfer: TransferId,
        /// Where.
        conversation: ConversationId,
        /// Who.
        from: Handle,
        /// The name as offered.
        name: String,
        /// Bytes.
        size: u64,
    },
    /// Bytes moved; at most ten a second.
    FileProgress {
        /// Which.
        transfer: TransferId,
        /// Bytes verified so far.
        done: u64,
        /// Bytes in all.
        size: u64,
        /// Bytes a second.
        rate: u64,
    },
    /// A file is whole, verified, and under its final name on the receiver's disk.
    FileFinished {
        /// Which.
        transfer: TransferId,
        /// Absolute.
        path: PathBuf,
        /// Hash of the whole file.
        blake3: Hash,
        /// Bytes.
        size: u64,
    },
    /// A transfer ended without its file, or waits for help.
    FileFailed {
        /// Which.
        transfer: TransferId,
        /// Stable code.
        code: String,
        /// A sentence for people.
        text: String,
    },
    /// Something about keys that a person must look at.
    Alarm {
        /// `key_changed`, `server_key_changed`, ...
        code: String,
        /// About whom, if about a friend.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<Handle>,
        /// A sentence for people.
        text: String,
    },
}

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
    /// Digits to compare.
    SafetyNumber {
        /// 60 digits.
        safety_number: String,
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
}

impl MessageInfo {
    /// What messages of a conversation are sorted by, the same for everybody.
    pub fn place(&self) -> (u64, &Handle, DeviceId, u64) {
        (self.clock, &self.from, self.device, self.number)
    }
}

/// A conversation with something in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConversationInfo {
    /// Which.
    pub conversation: ConversationId,
    /// Messages of others that were not marked read.
    pub unread: u32,
    /// Its newest message.
    pub newest: Option<MessageInfo>,
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

/// A transfer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferInfo {
    /// Its id.
    pub transfer: TransferId,
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
    /// Bytes verified.
    pub done: u64,
    /// Where it stands.
    pub state: TransferState,
    /// Own: the file that is sent. Others': the final path, once finished.
    pub path: Option<PathBuf>,
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
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// Who.
    pub user: Handle,
    /// How they are.
    pub presence: Presence,
}
