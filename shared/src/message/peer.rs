//! What two devices say to each other over their peer link. Sent and handled by the client's `PeerLink`.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Entries, Have, OthersMarks, Presence, Pulse, Read, RoomRecords, SignedEntries, Typing, Want};
use crate::abilities::Abilities;
use crate::error::WireCode;
use crate::id::{Handle, Hash, Incarnation, InstanceId, Token, TransferId};
use crate::identity::IdentityStatement;

/// A frame between two devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "snake_case")]
pub enum Peer {
    /// First frame of either side on every connection.
    Hello(Box<PeerHello>),
    /// From the device with the smaller id: this connection is the link. Nothing but hello comes before it.
    Select(Select),
    /// These logs are on my disk up to there.
    Have(Have),
    /// Send me a log.
    Want(Want),
    /// A part of a log of a direct conversation.
    Entries(Entries),
    /// A part of a log in a room.
    SignedEntries(Box<SignedEntries>),
    /// What proves who is a member of a room.
    RoomRecords(RoomRecords),
    /// I have seen these logs up to there.
    Read(Read),
    /// Between devices of one account: how far the friend is.
    OthersMarks(OthersMarks),
    /// I am writing, or stopped.
    Typing(Typing),
    /// My presence, for the time without a server.
    Presence(PeerPresence),
    /// Which picture this account shows itself with.
    Avatar(Avatar),
    /// Send me your picture; answered by [`Peer::AvatarData`].
    WantAvatar(WantAvatar),
    /// A picture's bytes.
    AvatarData(AvatarData),
    /// A file; answered by accept or decline whenever the person decides. Repeated on every new link while it waits.
    Offer(Offer),
    /// Send it.
    Accept(Accept),
    /// Do not send it.
    Decline(AboutTransfer),
    /// Neither side goes on with it.
    Cancel(CancelTransfer),
    /// Asks for a [`Pulse`] back.
    Ping(Pulse),
    /// Answers a ping.
    Pong(Pulse),
    /// A frame's kind was not understood.
    Unsupported(Unsupported),
    /// The link ends on purpose.
    Bye(Bye),
}

/// See [`Peer::Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHello {
    /// Whose device this is.
    pub user: Handle,
    /// Random per start.
    pub instance: InstanceId,
    /// My account's devices; an older list than one already seen is refused.
    pub device_list: IdentityStatement,
    /// What I can do.
    pub abilities: Abilities,
    /// My presence.
    pub presence: Presence,
    /// My status text.
    pub text: String,
    /// Port on which I listen for peers, for re-dialling me while the server is away; 0 if none.
    #[serde(default)]
    pub port: u16,
    /// BLAKE3 of the reunion secret that I keep for this pair of devices. Where both sides name the same it stays in use, otherwise both
    /// take a new one from this connection's exporter, label [`REUNION_EXPORTER`].
    #[serde(default)]
    pub reunion: Option<Hash>,
}

/// Label of the exporter that makes a pair's reunion secret.
pub const REUNION_EXPORTER: &str = "hobnob/1 reunion";

/// See [`Peer::Select`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select {}

/// See [`Peer::Presence`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerPresence {
    /// Never `unknown`.
    pub presence: Presence,
    /// Status text.
    pub text: String,
}

/// See [`Peer::Avatar`]. Said once the link is up, and again when another one is chosen; only to who has the ability
/// [`crate::abilities::AVATAR`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avatar {
    /// BLAKE3 of its bytes; none: no picture any more.
    pub hash: Option<Hash>,
    /// When it was chosen, milliseconds since 1970, at most [`crate::limits::CLOCK`]: of several devices' word the newest counts.
    pub chosen_at: u64,
}

/// See [`Peer::WantAvatar`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantAvatar {
    /// As it was named.
    pub hash: Hash,
}

/// See [`Peer::AvatarData`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvatarData {
    /// As it was asked for.
    pub hash: Hash,
    /// PNG or JPEG, at most [`crate::limits::AVATAR`] bytes; empty if it is not there any more.
    pub bytes: ByteBuf,
}

/// See [`Peer::Offer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its id, made by the sender.
    pub transfer: TransferId,
    /// As the sender's disk has it; the receiver cleans it.
    pub name: String,
    /// Bytes; of a folder, those of all its files.
    pub size: u64,
    /// It is a folder.
    #[serde(default)]
    pub folder: Option<FolderOffer>,
    /// Such as `text/plain`; a hint, never acted on.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Sender's clock, milliseconds since 1970.
    pub sent_at: u64,
    /// The room in which it is offered; none for a direct conversation.
    #[serde(default)]
    pub room: Option<Incarnation>,
}

/// What is offered is a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderOffer {
    /// Files in it, at any depth.
    pub files: u32,
    /// BLAKE3 of its listing, which comes on the data stream.
    pub listing: Hash,
    /// Bytes of the listing, at most [`crate::limits::LISTING`].
    pub length: u32,
}

/// See [`Peer::Accept`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Which.
    pub transfer: TransferId,
    /// Groups of [`crate::limits::GROUP`] bytes that the receiver has already, from the start of the file.
    pub have: u64,
    /// Shown in the SNI by whoever dials the data stream.
    pub token: Token,
}

/// Names one transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutTransfer {
    /// Which.
    pub transfer: TransferId,
}

/// See [`Peer::Cancel`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelTransfer {
    /// Which.
    pub transfer: TransferId,
    /// Why.
    pub code: WireCode,
}

/// See [`Peer::Unsupported`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// The kind that was not understood, at most 64 bytes of it.
    pub kind: String,
}

/// See [`Peer::Bye`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// Why.
    pub code: WireCode,
}
