//! Everything that the registry accepts. Senders are `Session`s, unless a message says otherwise.

use std::sync::Arc;

use actix::Message;
use hobnob_shared::id::{DeviceId, Handle, TransferId};
use hobnob_shared::identity::{IdentityStatement, ServerStatement, Statement};
use hobnob_shared::message::{FriendRequested, Friendship, OwnPresence, Seq};

use super::actor::Link;
use super::introduce::Wish;
use super::state::{Arrival, Circle, SessionId};
use crate::store::{AccountId, Relation, RoomHead, RoomKey, SeenRow};

/// A device has shown its certificate and said hello. Answered to the device itself, by welcome and friend list.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Arrive {
    /// Who it is.
    pub arrival: Box<Arrival>,
    /// How it is reached.
    pub link: Link,
}

/// A session has ended, for whatever reason. May come for one that never arrived, or was replaced.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave {
    /// Which.
    pub session: SessionId,
}

/// A device sets its presence and status text.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SetPresence {
    /// Whose.
    pub session: SessionId,
    /// Answered with this.
    pub seq: Seq,
    /// What to be.
    pub presence: OwnPresence,
    /// Checked for length.
    pub text: String,
}

/// A device wants to be introduced to the devices of a friend.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Introduce {
    /// Who asks.
    pub session: SessionId,
    /// Answered with this.
    pub seq: Seq,
    /// The friend.
    pub user: Handle,
}

/// A device wants a relay circuit to a device of a friend.
#[derive(Message)]
#[rtype(result = "()")]
pub struct OpenCircuit {
    /// Who asks.
    pub session: SessionId,
    /// Answered with this.
    pub seq: Seq,
    /// The friend.
    pub user: Handle,
    /// The friend's device.
    pub device: DeviceId,
    /// Passed on.
    pub transfer: TransferId,
}

/// A friend request is in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RequestStored {
    /// Who asks.
    pub asker: AccountId,
    /// Who is asked.
    pub asked: AccountId,
    /// What the devices of the asked are told.
    pub frame: Box<FriendRequested>,
}

/// A friend request is out of the store, by its asker.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Withdraw {
    /// Who asked.
    pub asker: Handle,
    /// Who was asked.
    pub asked: AccountId,
}

/// One of two new friends.
pub struct NewFriend {
    /// Number.
    pub account: AccountId,
    /// Name.
    pub user: Handle,
    /// Devices.
    pub device_list: Arc<IdentityStatement>,
}

/// A friendship is in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Befriend {
    /// Accepted it.
    pub session: SessionId,
    /// Of its request: done is said behind the news, so that who hears it knows of the friend.
    pub seq: Seq,
    /// Both.
    pub friends: [NewFriend; 2],
    /// The signed request.
    pub request: Statement,
    /// The signed acceptance.
    pub acceptance: Statement,
}

/// A friendship is out of the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Part {
    /// Both.
    pub friends: [(AccountId, Handle); 2],
}

/// A device asked for a friendship's statements, and the store gave them: to be sent with the friend's presence.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TellFriendship {
    /// Who asked.
    pub session: SessionId,
    /// The friend.
    pub friend: AccountId,
    /// The answer but for presence and text.
    pub frame: Box<Friendship>,
}

/// A device was enrolled, or some were removed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct DevicesChanged {
    /// Whose.
    pub account: AccountId,
    /// Name.
    pub user: Handle,
    /// Number of the new list.
    pub number: u64,
    /// The devices on it.
    pub devices: Vec<DeviceId>,
    /// The new list.
    pub device_list: Arc<IdentityStatement>,
    /// Friends and members of common rooms: who is to hear of it.
    pub audience: Vec<AccountId>,
}

/// The server's word on somebody in a room.
#[derive(Debug)]
pub struct Record {
    /// Whose.
    pub account: AccountId,
    /// Of the record.
    pub number: u64,
    /// Is a member, or was.
    pub member: bool,
    /// Signed.
    pub statement: ServerStatement,
}

/// An account is a member of a room: it is in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EnterRoom {
    /// Who asked.
    pub session: SessionId,
    /// Answered with this.
    pub seq: Seq,
    /// The account.
    pub account: AccountId,
    /// The room.
    pub head: RoomHead,
    /// The record, if the account was not a member before.
    pub news: Option<Record>,
}

/// Somebody is a member no more: it is in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct QuitRoom {
    /// Who asked: a device of theirs, or of the room's owner.
    pub session: SessionId,
    /// Answered with this.
    pub seq: Seq,
    /// The room.
    pub head: RoomHead,
    /// The record.
    pub record: Record,
}

/// A room takes a password now, or none: it is in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LockRoom {
    /// Who asked.
    pub session: SessionId,
    /// Answered with this.
    pub seq: Seq,
    /// The room.
    pub head: RoomHead,
}

/// A device has put a newer roster: it is in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RosterPut {
    /// By which.
    pub session: SessionId,
    /// Whose.
    pub account: AccountId,
    /// Its number.
    pub number: u64,
}

/// An account allows that friends are told when it was last seen, or not any more: it is in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SeenAllowed {
    /// By which.
    pub session: SessionId,
    /// Answered with this.
    pub seq: Seq,
    /// Whose.
    pub account: AccountId,
    /// Allowed.
    pub on: bool,
    /// What the account may know of its friends from now on.
    pub friends: Vec<SeenRow>,
}

/// The server shuts down: tell everybody. From `lib.rs`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

/// What an account's sign-in needs came from the store. From the registry's own look-up; `None` if the store failed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Loaded {
    pub(super) session: SessionId,
    pub(super) version: u64,
    pub(super) circle: Option<Box<Circle>>,
}

/// Some of a room's records, decoded.
#[derive(Debug)]
pub struct Page {
    /// The room.
    pub head: RoomHead,
    /// By number.
    pub records: Vec<Record>,
    /// There are further ones.
    pub more: bool,
}

/// A page of a room came from the store. From the registry's own look-up; `Err` if the store failed, `None` for who is not a member.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct RoomLoaded {
    pub(super) session: SessionId,
    pub(super) room: RoomKey,
    pub(super) page: Result<Option<Page>, ()>,
}

/// How two stand to each other who are no friends that are here. From the registry's own look-up; `None` if the store failed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Explained {
    pub(super) session: SessionId,
    pub(super) seq: Seq,
    pub(super) user: Handle,
    pub(super) wish: Wish,
    pub(super) relation: Option<Relation>,
}

/// The next page of a sign-in is due: pages are sent one at a time, so that no handler takes long. From the registry to itself.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct NextPage {
    pub(super) session: SessionId,
}
