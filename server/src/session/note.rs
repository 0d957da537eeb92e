//! What a session tells the registry. Notes are made by the session's decisions; `actor.rs` passes them on.

use actix::Addr;
use hobnob_shared::id::{DeviceId, Handle, TransferId};
use hobnob_shared::identity::Statement;
use hobnob_shared::message::{FriendRequested, Friendship, OwnPresence, Seq};

use crate::registry::{
    Arrival, Befriend, DevicesChanged, EnterRoom, Introduce, LockRoom, NewFriend, OpenCircuit, Part, QuitRoom, Record,
    Registry, RequestStored, RosterPut, SeenAllowed, SessionId, SetPresence, TellFriendship, Withdraw,
};
use crate::store::{AccountId, RoomHead, SeenRow};

/// What the registry is told. It answers requests with a `seq` itself.
#[expect(missing_docs, reason = "fields are named for what they are; the variant says the rest")]
pub enum Note {
    /// This device is here.
    Arrive(Box<Arrival>),
    /// Presence and text.
    SetPresence { seq: Seq, presence: OwnPresence, text: String },
    /// An introduction is wanted.
    Introduce { seq: Seq, user: Handle },
    /// A circuit is wanted.
    OpenCircuit { seq: Seq, user: Handle, device: DeviceId, transfer: TransferId },
    /// A request is stored.
    RequestStored { asker: AccountId, asked: AccountId, frame: Box<FriendRequested> },
    /// A request waits no more.
    Withdraw { asker: Handle, asked: AccountId },
    /// A friendship is stored.
    Befriend { seq: Seq, friends: Box<[NewFriend; 2]>, request: Statement, acceptance: Statement },
    /// A friendship is over.
    Part([(AccountId, Handle); 2]),
    /// The statements of a friendship.
    TellFriendship { friend: AccountId, frame: Box<Friendship> },
    /// The account has other devices than before.
    DevicesChanged(Box<DevicesChanged>),
    /// This account is a member; the record, if it was none before.
    EnterRoom { seq: Seq, account: AccountId, head: Box<RoomHead>, news: Option<Record> },
    /// Somebody is a member no more.
    QuitRoom { seq: Seq, head: Box<RoomHead>, record: Record },
    /// A room takes a password, or none.
    LockRoom { seq: Seq, head: Box<RoomHead> },
    /// The account has a newer roster.
    RosterPut { account: AccountId, number: u64 },
    /// The account allows that friends are told when it was last seen, or not any more.
    SeenAllowed { seq: Seq, account: AccountId, on: bool, friends: Vec<SeenRow> },
}

impl Note {
    /// Of the request that is answered by the registry, and that changes nothing which others must see.
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Self::SetPresence { seq, .. } | Self::Introduce { seq, .. } | Self::OpenCircuit { seq, .. } => Some(*seq),
            Self::TellFriendship { frame, .. } => frame.seq,
            _ => None,
        }
    }
}

/// Passes a note on, an arrival excepted, which needs more; whether the registry had room for it.
pub(super) fn pass(note: Note, session: SessionId, registry: &Addr<Registry>) -> bool {
    match note {
        Note::Arrive(_) => false,
        Note::SetPresence { seq, presence, text } => {
            registry.try_send(SetPresence { session, seq, presence, text }).is_ok()
        }
        Note::Introduce { seq, user } => registry.try_send(Introduce { session, seq, user }).is_ok(),
        Note::OpenCircuit { seq, user, device, transfer } => {
            registry.try_send(OpenCircuit { session, seq, user, device, transfer }).is_ok()
        }
        Note::RequestStored { asker, asked, frame } => registry.try_send(RequestStored { asker, asked, frame }).is_ok(),
        Note::Befriend { seq, friends, request, acceptance } => {
            registry.try_send(Befriend { session, seq, friends: *friends, request, acceptance }).is_ok()
        }
        Note::Withdraw { asker, asked } => registry.try_send(Withdraw { asker, asked }).is_ok(),
        Note::Part(friends) => registry.try_send(Part { friends }).is_ok(),
        Note::TellFriendship { friend, frame } => registry.try_send(TellFriendship { session, friend, frame }).is_ok(),
        Note::DevicesChanged(news) => registry.try_send(*news).is_ok(),
        Note::EnterRoom { seq, account, head, news } => {
            registry.try_send(EnterRoom { session, seq, account, head: *head, news }).is_ok()
        }
        Note::QuitRoom { seq, head, record } => {
            registry.try_send(QuitRoom { session, seq, head: *head, record }).is_ok()
        }
        Note::LockRoom { seq, head } => registry.try_send(LockRoom { session, seq, head: *head }).is_ok(),
        Note::SeenAllowed { seq, account, on, friends } => {
            registry.try_send(SeenAllowed { session, seq, account, on, friends }).is_ok()
        }
        Note::RosterPut { account, number } => registry.try_send(RosterPut { session, account, number }).is_ok(),
    }
}
