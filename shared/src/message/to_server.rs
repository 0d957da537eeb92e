//! What a client says to the server. Sent by the client's `Session`, handled by the server's.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{
    ChangePasswordFinish, ChangePasswordStart, GetRoster, JoinRoom, LeaveRoom, OwnPresence, PutRoster, RemoveMember,
    Seq, SetDevices, SetRoomPassword,
};
use crate::abilities::Abilities;
use crate::id::{DeviceId, Handle, InstanceId, TransferId};
use crate::identity::{IdentityStatement, Statement};

/// A frame from client to server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "snake_case")]
pub enum ToServer {
    /// First frame of a sign-up; connection without client certificate.
    SignUpStart(SignUpStart),
    /// Completes a sign-up.
    SignUpFinish(Box<SignUpFinish>),
    /// First frame of a password sign-in on a new device; connection without client certificate.
    SignInStart(SignInStart),
    /// Proves the password.
    SignInFinish(SignInFinish),
    /// Adds this device to the account after [`ToServer::SignInFinish`].
    EnrolDevice(Box<EnrolDevice>),
    /// Removes devices of the account after [`ToServer::SignInFinish`].
    SetDevices(Box<SetDevices>),
    /// Begins a change of the password after [`ToServer::SignInFinish`].
    ChangePasswordStart(ChangePasswordStart),
    /// Completes it.
    ChangePasswordFinish(Box<ChangePasswordFinish>),
    /// First frame of a device session; connection with the device's certificate.
    Hello(Hello),
    /// Sets presence and status text.
    SetPresence(SetPresence),
    /// Allows that friends are told when this account was last seen, or not any more.
    SetLastSeen(SetLastSeen),
    /// Asks somebody to be friends.
    AddFriend(FriendStatement),
    /// Accepts a request.
    AcceptFriend(FriendStatement),
    /// Declines a request; the asker is not told.
    DeclineFriend(AboutUser),
    /// Ends a friendship, or withdraws a request of mine.
    RemoveFriend(AboutUser),
    /// Removes, and refuses requests from now on.
    Block(AboutUser),
    /// Takes a block back.
    Unblock(AboutUser),
    /// Asks for the signed statements of a friendship, to verify and pin it.
    GetFriendship(AboutUser),
    /// Asks to be introduced to all devices that are online of a friend, of somebody in a common room, or of this account but this one.
    Introduce(AboutUser),
    /// Asks for a relay circuit for one transfer to a device with which a link exists.
    OpenCircuit(OpenCircuit),
    /// Asks to be a member of a room.
    JoinRoom(JoinRoom),
    /// Ends the own membership.
    LeaveRoom(Box<LeaveRoom>),
    /// Ends somebody else's, by the room's owner.
    RemoveMember(RemoveMember),
    /// Sets or drops a room's password, by its owner.
    SetRoomPassword(SetRoomPassword),
    /// Keeps a part of the account's sealed roster.
    PutRoster(PutRoster),
    /// Asks for the sealed roster.
    GetRoster(GetRoster),
    /// Asks for a [`super::Pulse`] back.
    Ping(super::Pulse),
    /// Answers the server's ping.
    Pong(super::Pulse),
}

/// See [`ToServer::SignUpStart`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUpStart {
    /// The wanted handle; `taken` if somebody has it.
    pub user: Handle,
    /// OPAQUE registration request.
    pub request: ByteBuf,
}

/// See [`ToServer::SignUpFinish`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUpFinish {
    /// OPAQUE registration record.
    pub upload: ByteBuf,
    /// The account's secrets, sealed under OPAQUE's export key; the server cannot open them.
    pub sealed: ByteBuf,
    /// DER.
    pub account_certificate: ByteBuf,
    /// DER, issued by the account's.
    pub device_certificate: ByteBuf,
    /// Number 1, with this device.
    pub device_list: IdentityStatement,
    /// Signature by the identity key over an [`super::EnrolmentProof`].
    pub identity_proof: ByteBuf,
    /// Signature by the device key over the same.
    pub device_proof: ByteBuf,
}

/// See [`ToServer::SignInStart`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInStart {
    /// The account; an unknown one is answered as a known one.
    pub user: Handle,
    /// OPAQUE credential request.
    pub request: ByteBuf,
}

/// See [`ToServer::SignInFinish`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInFinish {
    /// OPAQUE credential finalization.
    pub finalization: ByteBuf,
}

/// See [`ToServer::EnrolDevice`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolDevice {
    /// DER, issued by the account's certificate.
    pub device_certificate: ByteBuf,
    /// The list that the server showed, with this device added and the number one higher.
    pub device_list: IdentityStatement,
    /// Signature by the identity key over an [`super::EnrolmentProof`].
    pub identity_proof: ByteBuf,
    /// Signature by the device key over the same.
    pub device_proof: ByteBuf,
}

/// See [`ToServer::Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Program and version, for the log; at most 64 bytes are kept.
    pub software: String,
    /// What the client can do.
    pub abilities: Abilities,
    /// Random per start: a new instance of the same device replaces the old session.
    pub instance: InstanceId,
    /// Port on which the client listens for peers; 0 if it does not.
    pub port: u16,
    /// `ADDR:PORT` of the client's own interfaces, at most [`crate::limits::CANDIDATES`]. The server passes on only those with the IP that
    /// it sees itself, and private ones where both sides come from one place.
    pub addresses: Vec<String>,
    /// Initial presence.
    pub presence: OwnPresence,
    /// Initial status text.
    pub text: String,
}

/// See [`ToServer::SetPresence`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPresence {
    /// Ties the answer to it.
    pub seq: Seq,
    /// What to be.
    pub presence: OwnPresence,
    /// At most [`crate::limits::STATUS_TEXT`] characters.
    pub text: String,
}

/// See [`ToServer::SetLastSeen`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLastSeen {
    /// Ties the answer to it.
    pub seq: Seq,
    /// Allowed.
    pub on: bool,
}

/// A signed request or acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendStatement {
    /// Ties the answer to it.
    pub seq: Seq,
    /// A [`super::FriendRequest`] or [`super::FriendAcceptance`].
    pub statement: Statement,
}

/// A question or a wish about one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutUser {
    /// Ties the answer to it.
    pub seq: Seq,
    /// The person.
    pub user: Handle,
}

/// See [`ToServer::OpenCircuit`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCircuit {
    /// Ties the answer to it.
    pub seq: Seq,
    /// The friend.
    pub user: Handle,
    /// The friend's device at the other end of the link.
    pub device: DeviceId,
    /// What it is for.
    pub transfer: TransferId,
}
