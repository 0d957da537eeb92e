//! What happened, past tense: the one way out of the core. In JSON this is a line of `hobnob-cli`'s standard output as the interface
//! document fixes it; the window's model applies the same events.

use std::path::PathBuf;

use serde::Serialize;

use hobnob_shared::id::{ConversationId, Handle, Hash, MessageId, RoomId, TransferId};
use hobnob_shared::message::{OwnPresence, Presence};

pub use super::answer::*;

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
        /// The server took this device off the account: signing in takes the password. Left out where it did not.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        device_removed: bool,
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
    /// Presence and status text of this account were set on another device of it.
    OwnPresence {
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
        /// Offline, and allowed on both sides: when they were last seen, milliseconds since 1970, in whole minutes.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen: Option<u64>,
    },
    /// What a friend is called here, or what is noted of them, changed; on this or on another device of the account.
    Contact {
        /// Whom.
        user: Handle,
        /// Empty if nothing else than their username.
        nickname: String,
        /// Empty if nothing.
        note: String,
    },
    /// Somebody is shown with another picture; one's own may have been chosen on another device.
    Avatar {
        /// Whose.
        user: Handle,
        /// BLAKE3 of its file in the profile's folder [`super::command::AVATARS`]; none: no picture.
        hash: Option<Hash>,
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
        /// Of a folder: files in it.
        #[serde(skip_serializing_if = "Option::is_none")]
        files: Option<u32>,
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
        /// Own, offered to a room: with which member.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Handle>,
    },
    /// A transfer goes on by itself, and for now nothing moves.
    FileWaiting {
        /// Which.
        transfer: TransferId,
        /// `turn`, `connection`, or what is wrong right now.
        code: String,
        /// A sentence for people.
        text: String,
        /// Own, offered to a room: with which member.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Handle>,
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
        /// Of a folder, where files did not come along: a sentence.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// The first of those.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        skipped: Vec<SkippedInfo>,
        /// Own, offered to a room: with which member.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Handle>,
    },
    /// A transfer ended without its file, or waits for help.
    FileFailed {
        /// Which.
        transfer: TransferId,
        /// Stable code.
        code: String,
        /// A sentence for people.
        text: String,
        /// Own, offered to a room: with which member.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Handle>,
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
