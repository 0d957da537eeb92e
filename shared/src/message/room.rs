//! Rooms, between client and server: who joins and leaves, and the server's signed word on who is a member. What is said in a room goes
//! between its members: `replica.rs`.

use serde::{Deserialize, Serialize};

use super::{Presence, Seq};
use crate::id::{Fingerprint, Handle, Hash, Incarnation, RoomId};
use crate::identity::{ServerStatement, Statement};

/// Asks to be a member. Who comes first makes the room and owns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRoom {
    /// Ties the answer to it.
    pub seq: Seq,
    /// Which.
    pub room: RoomId,
    /// Where the room has a password, or is to have one: stretched by [`crate::password::room_proof`].
    #[serde(default)]
    pub proof: Option<Hash>,
}

/// Ends the own membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveRoom {
    /// Ties the answer to it.
    pub seq: Seq,
    /// A [`RoomLeave`] by a device of the account.
    pub statement: Statement,
}

/// By the room's owner: ends somebody's membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveMember {
    /// Ties the answer to it.
    pub seq: Seq,
    /// Where.
    pub room: RoomId,
    /// Whose.
    pub user: Handle,
}

/// By the room's owner: sets or drops the password for those who come later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRoomPassword {
    /// Ties the answer to it.
    pub seq: Seq,
    /// Where.
    pub room: RoomId,
    /// As in [`JoinRoom::proof`].
    #[serde(default)]
    pub proof: Option<Hash>,
}

/// What somebody signs who leaves: purpose [`ROOM_LEAVE`]. Told to the server and to the members, so that it counts without the server too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLeave {
    /// Which.
    pub room: RoomId,
    /// Of which life.
    pub incarnation: Incarnation,
    /// Number of the [`Membership`] that ends.
    pub number: u64,
    /// Who.
    pub user: Handle,
    /// Author's clock, milliseconds since 1970.
    pub at: u64,
}

/// Purpose of a [`RoomLeave`]'s signature.
pub const ROOM_LEAVE: &str = "room-leave";

/// What the server signs of a membership: purpose [`MEMBERSHIP`]. Of two about one person the one with the greater number counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Which room.
    pub room: RoomId,
    /// Of which life: a room that all have left and somebody makes again is another one.
    pub incarnation: Incarnation,
    /// Grows by one with every change in the room, from 1.
    pub number: u64,
    /// Whose.
    pub user: Handle,
    /// Their identity key.
    pub account: Fingerprint,
    /// Member from now on, or not any more.
    pub member: bool,
    /// Server's clock, milliseconds since 1970.
    pub at: u64,
}

/// Purpose of a [`Membership`]'s signature.
pub const MEMBERSHIP: &str = "membership";

/// A page of a room that this account is a member of: all pages follow the friend list, and come before the `done` of a join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomState {
    /// Which.
    pub room: RoomId,
    /// Of which life.
    pub incarnation: Incarnation,
    /// Who may remove members and set the password.
    pub owner: Handle,
    /// It takes a password to join.
    pub locked: bool,
    /// Up to [`crate::limits::RECORDS_PER_PAGE`].
    pub members: Vec<RoomMember>,
    /// No page follows.
    pub last: bool,
}

/// Somebody in a room, present or past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMember {
    /// A [`Membership`]; the newest about them. Those who have left are listed too, so that what they said can be checked.
    pub record: ServerStatement,
    /// How they are.
    pub presence: Presence,
    /// Their status text.
    pub text: String,
}

/// Somebody joined, left or was removed; to all devices of all members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomChanged {
    /// Which.
    pub room: RoomId,
    /// Of which life.
    pub incarnation: Incarnation,
    /// Who owns it now.
    pub owner: Handle,
    /// It takes a password to join.
    pub locked: bool,
    /// Who, if it is about somebody.
    #[serde(default)]
    pub member: Option<RoomMember>,
}

/// This account is not a member any more; to all its devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLeft {
    /// Which.
    pub room: RoomId,
    /// Of which life.
    pub incarnation: Incarnation,
    /// A [`Membership`] with `member` false.
    pub record: ServerStatement,
    /// Somebody else ended it; otherwise this account left, with whichever of its devices.
    #[serde(default)]
    pub removed: bool,
}
