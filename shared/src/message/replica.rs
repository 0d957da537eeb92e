//! What two devices say to each other about the conversations that both keep. Every device writes a log of its own in every conversation;
//! `have` says how far somebody's copies of the logs go, `want` asks for what is missing, `entries` brings it. One mechanism serves
//! direct messages, rooms, and the devices of one account. Sent and handled by the client's `PeerLink`.

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, Fingerprint, Handle, Incarnation, MessageId};
use crate::identity::{Chain, ServerStatement, Statement};
use crate::names::wire_names;

/// A conversation, as both ends of a link name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thread {
    /// Between the two accounts at the ends of this link.
    Direct,
    /// On a link between two devices of one account: that account's conversation with somebody.
    With(Handle),
    /// In a room both are members of.
    Room(Incarnation),
}

/// How far a copy of a device's log goes: complete up to here, as far as it is meant for whoever keeps the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Whose log.
    pub device: DeviceId,
    /// Of the last entry.
    pub number: u64,
    /// Id of that entry, so that two different entries under one number are noticed.
    pub last: MessageId,
}

/// Everything that is said here is on my disk. Says nothing about logs that it does not name. The first on a link names all; later ones
/// name what grew, and acknowledge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Have {
    /// Where.
    pub thread: Thread,
    /// At most [`crate::limits::HEADS`].
    pub heads: Vec<Head>,
}

/// Send me this log from behind `after`. Answered by one [`Entries`] or [`SignedEntries`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Where.
    pub thread: Thread,
    /// Whose log.
    pub device: DeviceId,
    /// The last that I have; 0 for none.
    pub after: u64,
}

/// A part of a log of a direct conversation, in order. Nothing between `after` and the last entry is left out that is meant for the
/// receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// Never a room.
    pub thread: Thread,
    /// Whose account the log is of: the sender's own, or on a link between devices of one account either side of the conversation.
    pub author: Handle,
    /// Whose log.
    pub device: DeviceId,
    /// What the entries follow.
    pub after: u64,
    /// At most [`crate::limits::WINDOW`].
    pub entries: Vec<Entry>,
    /// There is more behind them.
    #[serde(default)]
    pub more: bool,
}

/// A message in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id, made by the author.
    pub id: MessageId,
    /// Grows with each message of this device in this conversation, from 1.
    pub number: u64,
    /// Hybrid logical clock (Kulkarni et al. 2014) in milliseconds: greater than that of everything its author had seen in the conversation,
    /// and not less than the author's clock. Orders the conversation. At most [`crate::limits::CLOCK`].
    pub clock: u64,
    /// Author's clock, milliseconds since 1970.
    pub sent_at: u64,
    /// At most [`crate::limits::TEXT`] bytes.
    pub text: String,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// Between devices of one account, for own messages: the identity key of the friend that it was written to.
    #[serde(default)]
    pub meant_for: Option<Fingerprint>,
    /// It is no message, but changes one. Without it the encoding is that of a plain message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
}

/// A part of a log in a room, in order. As [`Entries`], but every entry is signed, so that anybody may bring it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedEntries {
    /// Where.
    pub room: Incarnation,
    /// Of the device whose log it is.
    pub chain: Chain,
    /// What the entries follow.
    pub after: u64,
    /// At most [`crate::limits::WINDOW`].
    pub entries: Vec<SignedEntry>,
    /// There is more behind them.
    #[serde(default)]
    pub more: bool,
}

/// A [`RoomEntry`] and its author's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedEntry {
    /// CBOR of a [`RoomEntry`], exactly as signed.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// By the device key, purpose [`ROOM_ENTRY`].
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

/// A message in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEntry {
    /// Where.
    pub room: Incarnation,
    /// The author's identity key: a certificate that somebody else makes for this device changes nothing.
    pub account: Fingerprint,
    /// The author's device.
    pub device: DeviceId,
    /// Grows by one with each message of this device in this room, from 1.
    pub number: u64,
    /// BLAKE3 of the body of the entry before; zeros for the first.
    pub previous: crate::id::Hash,
    /// As in [`Entry::clock`].
    pub clock: u64,
    /// Its id, made by the author.
    pub id: MessageId,
    /// Author's clock, milliseconds since 1970.
    pub sent_at: u64,
    /// At most [`crate::limits::TEXT`] bytes.
    pub text: String,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// As in [`Entry::act`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
}

/// What an entry does to a message of the same thread. One that may not be done, or is not known, is kept in its log and does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// To which message.
    pub of: MessageId,
    /// What.
    pub what: What,
}

wire_names! {
    /// What is done to a message; text on the wire. Those of later versions keep their name, if it is written like one.
    pub enum What {
        /// The entry's text takes the place of the message's. Its author may, from any device of the account.
        Edit = "edit",
        /// The message is taken back. Its author may. The entry has no text.
        Delete = "delete",
        /// The entry's text is an emoji that its author sets on the message.
        React = "react",
        /// The emoji is taken off again.
        Unreact = "unreact",
    }
}

/// Whether a text can be set on a message: at most [`crate::limits::EMOJI`] bytes, something to see, nothing that controls a terminal.
pub fn is_emoji(text: &str) -> bool {
    text.len() <= crate::limits::EMOJI && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// Purpose of the signature over a [`RoomEntry`].
pub const ROOM_ENTRY: &str = "room-entry";

/// A place in a device's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Whose log.
    pub device: DeviceId,
    /// Up to and with this number.
    pub number: u64,
}

/// I have seen these logs up to there. On a link between devices of one account: we have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Where.
    pub thread: Thread,
    /// At most [`crate::limits::HEADS`].
    pub marks: Vec<Mark>,
}

/// Between devices of one account: how far somebody else is with our logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OthersMarks {
    /// Where; never `direct`.
    pub thread: Thread,
    /// Who: the friend, or a member of the room.
    pub by: Handle,
    /// On a disk of theirs.
    pub delivered: Vec<Mark>,
    /// Seen by them.
    pub read: Vec<Mark>,
}

/// I am writing there, or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Where.
    pub thread: Thread,
    /// Writing.
    pub active: bool,
}

/// What proves who is, and was, a member of a room: sent when a link comes up, when one learns of more, and always before entries of
/// somebody whom the other side may not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRecords {
    /// Where.
    pub room: Incarnation,
    /// Each a [`super::Membership`]; at most [`crate::limits::RECORDS_PER_PAGE`].
    pub records: Vec<ServerStatement>,
    /// Each a [`super::RoomLeave`].
    #[serde(default)]
    pub leaves: Vec<Statement>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::codec::{from_cbor, to_cbor};

    fn entry(act: Option<Act>) -> Entry {
        let id = MessageId::new();
        Entry { id, number: 1, clock: 1, sent_at: 1, text: "x".into(), reply_to: None, meant_for: None, act }
    }

    #[test]
    fn a_plain_message_has_no_word_of_acts_and_an_unknown_act_is_kept_as_it_is() {
        let plain = to_cbor(&entry(None)).unwrap();
        assert!(!plain.windows(3).any(|bytes| bytes == b"act"));
        for what in [What::Edit, What::Delete, What::React, What::Unreact, What::Other("pin".into())] {
            let said = entry(Some(Act { of: MessageId::new(), what }));
            assert_eq!(from_cbor::<Entry>(&to_cbor(&said).unwrap()).unwrap(), said);
        }
    }

    #[test]
    fn an_emoji_is_short_and_shows_something() {
        for good in ["👍", "👩‍👩‍👧‍👦", "+1", &"x".repeat(64)] {
            assert!(is_emoji(good), "{good:?}");
        }
        for bad in ["", " ", "\u{3000}", "a\nb", "\u{7}", &"x".repeat(65)] {
            assert!(!is_emoji(bad), "{bad:?}");
        }
    }
}
