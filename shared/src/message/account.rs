//! An account's own affairs, between client and server: its devices, its password, and the sealed roster that its devices share.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::Seq;
use crate::id::Handle;
use crate::identity::IdentityStatement;

/// After [`super::FromServer::Unlocked`]: the account's devices from now on. Removes devices, never adds one. Answered by
/// [`super::FromServer::Enrolled`]; the sessions of removed devices end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetDevices {
    /// The list that the server showed with some devices fewer, named in [`crate::identity::DeviceList::removed`], its number one higher.
    pub device_list: IdentityStatement,
    /// Signature by the identity key over a [`super::EnrolmentProof`] whose `device` is the first of the list; purpose [`SET_DEVICES`].
    pub identity_proof: ByteBuf,
}

/// Purpose of the signature in [`SetDevices`].
pub const SET_DEVICES: &str = "set-devices";

/// After [`super::FromServer::Unlocked`]: starts a change of the password. Answered by [`super::FromServer::SignUpReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePasswordStart {
    /// OPAQUE registration request with the new password.
    pub request: ByteBuf,
}

/// Ends a change of the password. Answered by [`super::FromServer::Enrolled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePasswordFinish {
    /// OPAQUE registration record.
    pub upload: ByteBuf,
    /// The account's secrets, sealed under the new export key.
    pub sealed: ByteBuf,
    /// Signature by the identity key over a [`super::EnrolmentProof`] whose `device` is the first of the list; purpose [`CHANGE_PASSWORD`].
    pub identity_proof: ByteBuf,
}

/// Purpose of the signature in [`ChangePasswordFinish`].
pub const CHANGE_PASSWORD: &str = "change-password";

/// Keeps a part of the account's sealed roster. Once all parts of a number are there, it takes the place of the one before, and the
/// account's other sessions hear of it. `conflict` if the number is not the next one: read it, join it, and put it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRoster {
    /// Ties the answer to it.
    pub seq: Seq,
    /// Grows by one, from 1.
    pub number: u64,
    /// From 0.
    pub part: u8,
    /// How many, at most [`crate::limits::ROSTER_PARTS`].
    pub parts: u8,
    /// At most [`crate::limits::ROSTER_PART`] bytes; opaque to the server.
    pub sealed: ByteBuf,
}

/// Asks for the sealed roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetRoster {
    /// Ties the answer to it.
    pub seq: Seq,
}

/// A part of the sealed roster, in order; answers [`GetRoster`]. Number 0 with no parts: there is none yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Of the question.
    pub seq: Seq,
    /// See [`PutRoster`].
    pub number: u64,
    /// From 0.
    pub part: u8,
    /// How many.
    pub parts: u8,
    /// As it was put.
    pub sealed: ByteBuf,
}

/// Another device of this account has put a newer roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterChanged {
    /// Its number.
    pub number: u64,
}

/// The devices of a friend, of somebody in a common room, or of this account changed; to all that are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesChanged {
    /// Whose.
    pub user: Handle,
    /// The new list.
    pub device_list: IdentityStatement,
}
