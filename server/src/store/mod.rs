//! What the server remembers: accounts, devices, friend requests, friendships, blocks, rooms, rosters, and when those were last seen who allow it. [`Store`] is the seam behind which
//! another database can stand; [`SqliteStore`] is the one that needs nothing installed. `Session` and `Registry` talk to it.
//!
//! An answer to a write means that it is on disk. Statements and certificates are bytes here: who signed what is checked before.

mod accounts;
mod circle;
mod friends;
mod membership;
mod rooms;
#[cfg(test)]
mod rooms_tests;
mod rosters;
mod seen;
mod sqlite;
#[cfg(test)]
mod tests;
mod upgrade;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash, Incarnation, RoomId};
use hobnob_shared::identity::ServerKey;

pub use rooms::{ByOwner, Joined, Leaving, NewMember, RecordRow, RoomChange, RoomHead, RoomKey, RoomPage, Seat};
pub use rosters::RosterRow;
pub use seen::{Seen, SeenRow};
pub use sqlite::{OpenError, SqliteStore};

/// Names an account inside this server; never on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub i64);

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// More jobs wait than the limit `store_queue` allows.
    #[error("the store has too much to do")]
    Busy,
    /// The store's thread has ended.
    #[error("the store is closed")]
    Closed,
    /// The group's commit failed: nothing of it is on disk.
    #[error("the store could not write to disk")]
    NotWritten,
    /// The database said no: disk full, file damaged.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row holds what this program would not have written.
    #[error("the store holds a damaged {0}")]
    Damaged(&'static str),
    /// The server's own key did not sign.
    #[error("a record could not be signed")]
    NotSigned,
}

/// An answer that comes later.
pub type Later<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its name.
    pub user: Handle,
    /// Fingerprint of its identity key.
    pub key: Fingerprint,
    /// DER.
    pub certificate: Vec<u8>,
    /// OPAQUE registration record.
    pub password: Vec<u8>,
    /// Sealed secrets.
    pub sealed: Vec<u8>,
    /// Number of the device list.
    pub list_number: u64,
    /// The signed device list, encoded.
    pub device_list: Vec<u8>,
    /// The device that signs up.
    pub device: DeviceId,
    /// DER.
    pub device_certificate: Vec<u8>,
}

/// What came of making an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedUp {
    /// It is on disk.
    Created(AccountId),
    /// The handle or the identity key belongs to somebody.
    Taken,
}

/// What a password sign-in needs.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Whose.
    pub account: AccountId,
    /// Fingerprint of the identity key.
    pub key: Fingerprint,
    /// OPAQUE registration record.
    pub password: Vec<u8>,
    /// DER.
    pub certificate: Vec<u8>,
    /// Sealed secrets.
    pub sealed: Vec<u8>,
    /// The signed device list, encoded.
    pub device_list: Vec<u8>,
}

/// A further device.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Whose.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// DER.
    pub certificate: Vec<u8>,
    /// Number of the new list; the stored one must be one less.
    pub list_number: u64,
    /// The new list, encoded.
    pub device_list: Vec<u8>,
    /// The password's record as it was when the password was shown; the stored one must be the same.
    pub password: Vec<u8>,
}

/// An account with some devices less.
#[derive(Debug, Clone)]
pub struct FewerDevices {
    /// Whose.
    pub account: AccountId,
    /// Those that go.
    pub removed: Vec<DeviceId>,
    /// As in [`NewDevice`].
    pub list_number: u64,
    /// The new list, encoded.
    pub device_list: Vec<u8>,
    /// As in [`NewDevice`].
    pub password: Vec<u8>,
}

/// Another password.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// Whose.
    pub account: AccountId,
    /// The record so far; the stored one must be the same.
    pub old: Vec<u8>,
    /// The OPAQUE registration record from now on.
    pub password: Vec<u8>,
    /// The secrets, sealed under it.
    pub sealed: Vec<u8>,
}

/// What a device session needs.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its number here.
    pub id: AccountId,
    /// Its name.
    pub user: Handle,
    /// The signed device list, encoded.
    pub device_list: Vec<u8>,
    /// Whether the device that asks is enrolled.
    pub device_known: bool,
}

/// A friend, as the friend list needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FriendRow {
    /// Number here.
    pub account: AccountId,
    /// Name.
    pub user: Handle,
    /// Fingerprint of the identity key.
    pub key: Fingerprint,
}

/// A request that waits for an answer.
#[derive(Debug, Clone)]
pub struct PendingRequest {
    /// The signed request, encoded.
    pub statement: Vec<u8>,
    /// The asker's signed device list, encoded.
    pub device_list: Vec<u8>,
}

/// What a device is told at its sign-in, all of one moment.
#[derive(Debug, Clone)]
pub struct Circle {
    /// Friends by name.
    pub friends: Vec<FriendRow>,
    /// Requests, oldest first.
    pub pending: Vec<PendingRequest>,
    /// Rooms by name.
    pub rooms: Vec<Seat>,
    /// Number of the device list.
    pub list_number: u64,
    /// The signed device list, encoded.
    pub device_list: Vec<u8>,
    /// Whether the device that asks is still enrolled.
    pub device_known: bool,
    /// Number of the sealed roster.
    pub roster: u64,
    /// When the account itself was last seen, and whether it allows that.
    pub seen: Seen,
    /// When friends were last seen, as far as the account may know.
    pub friends_seen: Vec<SeenRow>,
}

/// How an account stands to another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relation {
    /// They are friends.
    pub friends: bool,
    /// They are members of a common room.
    pub room_mates: bool,
    /// One of them blocks the other.
    pub blocked: bool,
}

/// A request to be kept.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Who asks.
    pub asker: AccountId,
    /// Who is asked.
    pub asked: Handle,
    /// Nobody but the owner of this identity key, where the asker knows it.
    pub asked_key: Option<Fingerprint>,
    /// BLAKE3 of the signed body.
    pub hash: Hash,
    /// The statement, encoded.
    pub statement: Vec<u8>,
}

/// What came of a friend request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It waits; the asked account, where it exists, should hear of it.
    Waiting(Option<AccountId>),
    /// Nobody has that name and the key that the request names.
    Nobody,
    /// Nothing was kept, and the asker must not notice: blocked.
    Dropped,
    /// They are friends.
    AlreadyFriends,
    /// The asker has too many requests that wait.
    TooMany,
}

/// An acceptance to be kept.
#[derive(Debug, Clone)]
pub struct NewAcceptance {
    /// Who accepts.
    pub accepter: AccountId,
    /// The accepter's name.
    pub accepter_name: Handle,
    /// Who asked.
    pub asker: Handle,
    /// The asker's key, as the acceptance names it.
    pub asker_key: Fingerprint,
    /// The request that is accepted.
    pub request: Hash,
    /// The acceptance, encoded.
    pub statement: Vec<u8>,
}

/// A friendship, as one of the two sees it.
#[derive(Debug, Clone)]
pub struct FriendshipRow {
    /// The friend.
    pub friend: AccountId,
    /// The friend's signed device list, encoded.
    pub device_list: Vec<u8>,
    /// The signed request, encoded.
    pub request: Vec<u8>,
    /// The signed acceptance, encoded.
    pub acceptance: Vec<u8>,
}

/// What came of an acceptance.
#[derive(Debug, Clone)]
pub enum Accepted {
    /// They are friends now.
    Befriended(Box<FriendshipRow>),
    /// No such request waits.
    NoRequest,
    /// One of the two has as many friends as the limit allows.
    TooMany,
}

/// A request that does not wait any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawn {
    /// Who was asked, where anybody has that name.
    pub asked: Option<AccountId>,
}

/// What ending a friendship, or blocking, changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parted {
    /// The other, where the two were friends.
    pub friend: Option<AccountId>,
    /// A request of mine that waited was withdrawn.
    pub withdrawn: Option<Withdrawn>,
}

/// The server's memory. An answer to a method that changes something comes after the change is on disk.
pub trait Store: Send + Sync {
    /// Whether nobody has this handle.
    fn handle_free(&self, user: Handle) -> Later<bool>;
    /// Makes an account with its first device.
    fn sign_up(&self, account: NewAccount) -> Later<SignedUp>;
    /// What a password sign-in needs; `None` for an unknown handle.
    fn locked(&self, user: Handle) -> Later<Option<Locked>>;
    /// Adds a device: who is to hear of it. `None` if the list's number is not the next one, or the password has changed.
    fn enrol(&self, device: NewDevice) -> Later<Option<Vec<AccountId>>>;
    /// Removes devices; answered as [`Self::enrol`].
    fn set_devices(&self, devices: FewerDevices) -> Later<Option<Vec<AccountId>>>;
    /// Replaces the password's record and the sealed secrets; false if somebody has done so meanwhile.
    fn change_password(&self, password: NewPassword) -> Later<bool>;
    /// What a device session needs; `None` for an unknown identity key.
    fn account(&self, key: Fingerprint, device: DeviceId) -> Later<Option<Account>>;
    /// What a device is told at its sign-in.
    fn circle(&self, account: AccountId, user: Handle, device: DeviceId) -> Later<Circle>;
    /// How two stand to each other.
    fn relation(&self, account: AccountId, other: Handle) -> Later<Relation>;
    /// Keeps a friend request.
    fn ask(&self, request: NewRequest) -> Later<Asked>;
    /// Keeps an acceptance, which makes two accounts friends.
    fn accept(&self, acceptance: NewAcceptance) -> Later<Accepted>;
    /// Forgets the request of `asker` to `user`; false if there was none.
    fn decline(&self, user: Handle, asker: Handle) -> Later<bool>;
    /// Ends a friendship and withdraws a request.
    fn part(&self, account: AccountId, other: Handle) -> Later<Parted>;
    /// Ends a friendship, forgets requests both ways, and drops requests of `other` from now on; `None` if the account blocks too many.
    fn block(&self, account: AccountId, user: Handle, other: Handle) -> Later<Option<Parted>>;
    /// Takes a block back.
    fn unblock(&self, account: AccountId, other: Handle) -> Later<()>;
    /// Both statements of a friendship; `None` for who is no friend.
    fn friendship(&self, account: AccountId, other: Handle) -> Later<Option<FriendshipRow>>;
    /// Makes an account a member of a room; if it is not there it is made, as incarnation `fresh`. Records are signed with `notary`.
    fn join(&self, new: NewMember, fresh: Incarnation, notary: Arc<ServerKey>) -> Later<Joined>;
    /// Ends a membership; `None` if that very one is not there.
    fn leave(&self, leaving: Leaving, notary: Arc<ServerKey>) -> Later<Option<RoomChange>>;
    /// Ends somebody's membership, by the room's owner.
    fn remove_member(
        &self,
        owner: AccountId,
        room: RoomId,
        user: Handle,
        notary: Arc<ServerKey>,
    ) -> Later<ByOwner<RoomChange>>;
    /// Sets or drops a room's password, by its owner.
    fn set_room_password(&self, owner: AccountId, room: RoomId, proof: Option<Hash>) -> Later<ByOwner<RoomHead>>;
    /// A room's records behind number `after`; `None` for who is not a member.
    fn room_page(&self, account: AccountId, room: RoomKey, after: u64) -> Later<Option<RoomPage>>;
    /// Keeps a sealed roster; false if its number is not the next one.
    fn put_roster(&self, account: AccountId, roster: RosterRow) -> Later<bool>;
    /// The sealed roster.
    fn roster(&self, account: AccountId) -> Later<RosterRow>;
    /// Allows that friends are told when the account was last seen, or not any more: what it may know of its friends from now on.
    fn allow_seen(&self, account: AccountId, on: bool) -> Later<Vec<SeenRow>>;
    /// The account was seen at this time.
    fn note_seen(&self, account: AccountId, at: u64) -> Later<()>;
}
