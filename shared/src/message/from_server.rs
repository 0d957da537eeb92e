//! What the server says to a client. Sent by the server's `Session`, handled by the client's.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{DevicesChanged, OwnPresence, Presence, RoomChanged, RoomLeft, RoomState, Roster, RosterChanged, Seq};
use crate::abilities::Abilities;
use crate::error::WireCode;
use crate::id::{DeviceId, Fingerprint, Handle, RoomId, Token, TransferId};
use crate::identity::{Chain, IdentityStatement, Statement};

/// A frame from server to client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "snake_case")]
pub enum FromServer {
    /// OPAQUE registration response.
    SignUpReply(OpaqueReply),
    /// OPAQUE credential response.
    SignInReply(OpaqueReply),
    /// The password was right: what is needed to enrol this device.
    Unlocked(Box<Unlocked>),
    /// The device belongs to the account and may come back with its certificate. The server closes.
    Enrolled(Enrolled),
    /// Answers a hello: the session stands.
    Welcome(Welcome),
    /// A page of the friend list; all pages follow the welcome.
    Friends(FriendsPage),
    /// Somebody asks; repeated after each welcome while it waits.
    FriendRequested(Box<FriendRequested>),
    /// Answers [`super::ToServer::GetFriendship`].
    Friendship(Box<Friendship>),
    /// A friendship began; to all devices of both.
    FriendAdded(Box<Friendship>),
    /// A friendship ended; to all devices of both.
    FriendRemoved(UserNamed),
    /// A friend's presence or status text changed.
    PresenceChanged(PresenceChanged),
    /// Another device of this account has set presence or status text: they are this one's too.
    StatusChanged(OwnStatus),
    /// Somebody to connect to, now.
    Introduced(Box<Introduced>),
    /// A relay circuit for a transfer; to both ends.
    Circuit(Circuit),
    /// A page of a room; follows the friend list, and a join.
    RoomState(Box<RoomState>),
    /// Somebody joined or left a room of ours, or its owner or lock changed.
    RoomChanged(Box<RoomChanged>),
    /// This account is no member any more.
    RoomLeft(Box<RoomLeft>),
    /// A part of the sealed roster.
    Roster(Roster),
    /// Another device of this account has put a newer roster.
    RosterChanged(RosterChanged),
    /// Somebody's devices changed.
    DevicesChanged(Box<DevicesChanged>),
    /// This session ends, and why; the server closes.
    SignedOut(SignedOut),
    /// A request was carried out.
    Done(Done),
    /// A request was not carried out, or (without `seq`) the connection ends.
    Failed(Failed),
    /// Asks for a [`Pulse`] back.
    Ping(Pulse),
    /// Answers the client's ping.
    Pong(Pulse),
}

/// Payload of pings and pongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Echoed.
    pub n: u64,
}

/// An OPAQUE message of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpaqueReply {
    /// The bytes.
    pub response: ByteBuf,
}

/// See [`FromServer::Unlocked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlocked {
    /// DER.
    pub account_certificate: ByteBuf,
    /// The account's secrets as sealed at sign-up.
    pub sealed: ByteBuf,
    /// The current list.
    pub device_list: IdentityStatement,
}

/// See [`FromServer::Enrolled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The account.
    pub user: Handle,
}

/// See [`FromServer::Welcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The account of this device.
    pub user: Handle,
    /// Program and version of the server.
    pub software: String,
    /// What the server can do.
    pub abilities: Abilities,
    /// The client's address as the server sees it, `ADDR:PORT`.
    pub seen: String,
    /// Milliseconds since 1970.
    pub time: u64,
    /// The account's current device list.
    pub device_list: IdentityStatement,
    /// Number of the sealed roster; 0 if there is none.
    #[serde(default)]
    pub roster: u64,
    /// Every room that this account is a member of, at most [`crate::limits::ROOMS`]: one that is not named was left meanwhile, or the account
    /// was removed from it.
    #[serde(default)]
    pub rooms: Vec<RoomId>,
    /// This account tells its friends when it was last seen, and is told so of theirs.
    #[serde(default)]
    pub last_seen: bool,
    /// How this account is from now on: as the hello says, or, where another device of it is here, as it is already. Older servers keep that
    /// for each device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OwnStatus>,
}

/// What a person chose to be, on whichever device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnStatus {
    /// Presence.
    pub presence: OwnPresence,
    /// Status text.
    pub text: String,
}

/// See [`FromServer::Friends`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendsPage {
    /// Up to [`crate::limits::FRIENDS_PER_PAGE`].
    pub friends: Vec<FriendEntry>,
    /// No page follows.
    pub last: bool,
}

/// A line of the friend list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendEntry {
    /// Who.
    pub user: Handle,
    /// Their identity key, as the server says; the client holds it against its pin.
    pub account: Fingerprint,
    /// Their presence.
    pub presence: Presence,
    /// Their status text.
    pub text: String,
    /// Since when they are `offline`: as in [`PresenceChanged::last_seen`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
}

/// See [`FromServer::FriendRequested`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequested {
    /// A [`super::FriendRequest`].
    pub request: Statement,
    /// The asker's devices; the one that signed must be among them.
    pub device_list: IdentityStatement,
}

/// Both statements of a friendship, and how the friend is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friendship {
    /// Set in answers.
    #[serde(default)]
    pub seq: Option<Seq>,
    /// The friend.
    pub user: Handle,
    /// A [`super::FriendRequest`].
    pub request: Statement,
    /// A [`super::FriendAcceptance`].
    pub acceptance: Statement,
    /// The friend's devices.
    pub device_list: IdentityStatement,
    /// The friend's presence.
    pub presence: Presence,
    /// The friend's status text.
    pub text: String,
}

/// Names one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNamed {
    /// The person.
    pub user: Handle,
}

/// See [`FromServer::PresenceChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChanged {
    /// The friend.
    pub user: Handle,
    /// Never `unknown`.
    pub presence: Presence,
    /// Status text.
    pub text: String,
    /// With `offline`, to friends only, and only where both allow it: when they were last seen online, milliseconds since 1970, in whole
    /// minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
}

/// See [`FromServer::Introduced`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduced {
    /// Whose device it is.
    pub user: Handle,
    /// The device.
    pub device: DeviceId,
    /// Its certificates; the account's must be the pinned one.
    pub chain: Chain,
    /// The account's devices.
    pub device_list: IdentityStatement,
    /// `ADDR:PORT`s to dial, at most [`crate::limits::CANDIDATES`], best first.
    pub addresses: Vec<String>,
    /// Shown by me when I dial.
    pub dial: Token,
    /// Shown by the other side when it dials me.
    pub expect: Token,
    /// Shown by both to the relay.
    pub relay: Token,
    /// On the relay I am the TLS client; the other side is the TLS server.
    pub relay_dialler: bool,
    /// Life of the tokens in seconds.
    pub life: u32,
}

/// See [`FromServer::Circuit`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    /// The friend at the other end.
    pub user: Handle,
    /// The device at the other end.
    pub device: DeviceId,
    /// What it is for.
    pub transfer: TransferId,
    /// Shown by both to the relay.
    pub relay: Token,
    /// I am the TLS client: the side that asked is.
    pub dialler: bool,
}

/// See [`FromServer::SignedOut`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOut {
    /// `replaced`, `device_removed`, `shutting_down`, `slow`.
    pub code: WireCode,
    /// A sentence for people.
    pub text: String,
}

/// See [`FromServer::Done`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Of the request.
    pub seq: Seq,
}

/// See [`FromServer::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Of the request, where there was one.
    #[serde(default)]
    pub seq: Option<Seq>,
    /// What went wrong.
    pub code: WireCode,
    /// A sentence for people.
    pub text: String,
    /// With `rate_limited`: seconds to wait.
    #[serde(default)]
    pub retry_after: Option<u32>,
}
