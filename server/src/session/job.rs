//! What a session asks the store, and what it is answered. Jobs are made by the session's decisions; `actor.rs` puts them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hobnob_shared::id::{Handle, Hash, Incarnation, RoomId};
use hobnob_shared::identity::VerifiedChain;

use crate::services::Services;
use crate::store::{
    Accepted, Account, AccountId, Asked, ByOwner, FewerDevices, FriendshipRow, Joined, Leaving, Locked, NewAcceptance,
    NewAccount, NewDevice, NewMember, NewPassword, NewRequest, Parted, RoomChange, RoomHead, RosterRow, SeenRow,
    SignedUp, StoreError,
};

/// A question to the store. The session reads no further frame until it is answered.
#[derive(Debug)]
#[expect(missing_docs, reason = "fields are named for what they are; the variant says the rest")]
pub enum Job {
    /// [`crate::store::Store::account`].
    Account(Box<VerifiedChain>),
    /// [`crate::store::Store::handle_free`].
    HandleFree(Handle),
    /// [`crate::store::Store::sign_up`].
    SignUp(Box<NewAccount>),
    /// [`crate::store::Store::locked`].
    Locked(Handle),
    /// [`crate::store::Store::enrol`].
    Enrol(Box<NewDevice>),
    /// [`crate::store::Store::set_devices`].
    SetDevices(Box<FewerDevices>),
    /// [`crate::store::Store::change_password`].
    ChangePassword(Box<NewPassword>),
    /// [`crate::store::Store::ask`].
    Ask(Box<NewRequest>),
    /// [`crate::store::Store::accept`].
    Accept(Box<NewAcceptance>),
    /// [`crate::store::Store::decline`].
    Decline { user: Handle, asker: Handle },
    /// [`crate::store::Store::part`].
    Part { account: AccountId, other: Handle },
    /// [`crate::store::Store::block`].
    Block { account: AccountId, user: Handle, other: Handle },
    /// [`crate::store::Store::unblock`].
    Unblock { account: AccountId, other: Handle },
    /// [`crate::store::Store::friendship`].
    Friendship { account: AccountId, other: Handle },
    /// [`crate::store::Store::join`].
    Join(Box<NewMember>),
    /// [`crate::store::Store::leave`].
    Leave(Box<Leaving>),
    /// [`crate::store::Store::remove_member`].
    RemoveMember { owner: AccountId, room: RoomId, user: Handle },
    /// [`crate::store::Store::set_room_password`].
    SetRoomPassword { owner: AccountId, room: RoomId, proof: Option<Hash> },
    /// [`crate::store::Store::put_roster`].
    PutRoster(AccountId, RosterRow),
    /// [`crate::store::Store::roster`].
    Roster(AccountId),
    /// [`crate::store::Store::allow_seen`].
    AllowSeen(AccountId, bool),
}

/// What the store answered.
#[derive(Debug)]
pub enum Answer {
    /// To [`Job::Account`].
    Account(Option<Box<Account>>),
    /// To [`Job::HandleFree`].
    HandleFree(bool),
    /// To [`Job::SignUp`].
    SignedUp(SignedUp),
    /// To [`Job::Locked`].
    Locked(Option<Box<Locked>>),
    /// To [`Job::Enrol`] and [`Job::SetDevices`]: who is to hear of it.
    DevicesSet(Option<Vec<AccountId>>),
    /// To [`Job::ChangePassword`].
    PasswordChanged(bool),
    /// To [`Job::Ask`].
    Asked(Asked),
    /// To [`Job::Accept`].
    Accepted(Accepted),
    /// To [`Job::Decline`].
    Declined(bool),
    /// To [`Job::Part`].
    Parted(Parted),
    /// To [`Job::Block`].
    Blocked(Option<Parted>),
    /// To [`Job::Unblock`].
    Unblocked,
    /// To [`Job::Friendship`].
    Friendship(Option<Box<FriendshipRow>>),
    /// To [`Job::Join`].
    Joined(Joined),
    /// To [`Job::Leave`].
    Left(Option<Box<RoomChange>>),
    /// To [`Job::RemoveMember`].
    Removed(ByOwner<RoomChange>),
    /// To [`Job::SetRoomPassword`].
    RoomPasswordSet(ByOwner<RoomHead>),
    /// To [`Job::PutRoster`].
    RosterPut(bool),
    /// To [`Job::Roster`].
    Roster(RosterRow),
    /// To [`Job::AllowSeen`].
    SeenAllowed(Vec<SeenRow>),
    /// The store failed.
    Failed,
}

async fn answered<T>(question: impl Future<Output = Result<T, StoreError>>, wrap: impl FnOnce(T) -> Answer) -> Answer {
    question.await.map_or_else(
        |error| {
            tracing::error!(%error, "the store did not answer");
            Answer::Failed
        },
        wrap,
    )
}

/// The job as a question to the store. Boxed, since it is awaited rarely and would be the largest part of an idle session.
pub(super) fn put(job: Job, services: &Services) -> Pin<Box<dyn Future<Output = Answer>>> {
    let store = &services.store;
    let notary = || Arc::clone(&services.notary);
    match job {
        Job::Account(chain) => Box::pin(answered(store.account(chain.account, chain.device), |account| {
            Answer::Account(account.map(Box::new))
        })),
        Job::HandleFree(user) => Box::pin(answered(store.handle_free(user), Answer::HandleFree)),
        Job::SignUp(account) => Box::pin(answered(store.sign_up(*account), Answer::SignedUp)),
        Job::Locked(user) => Box::pin(answered(store.locked(user), |row| Answer::Locked(row.map(Box::new)))),
        Job::Enrol(device) => Box::pin(answered(store.enrol(*device), Answer::DevicesSet)),
        Job::SetDevices(devices) => Box::pin(answered(store.set_devices(*devices), Answer::DevicesSet)),
        Job::ChangePassword(new) => Box::pin(answered(store.change_password(*new), Answer::PasswordChanged)),
        Job::Ask(request) => Box::pin(answered(store.ask(*request), Answer::Asked)),
        Job::Accept(acceptance) => Box::pin(answered(store.accept(*acceptance), Answer::Accepted)),
        Job::Decline { user, asker } => Box::pin(answered(store.decline(user, asker), Answer::Declined)),
        Job::Part { account, other } => Box::pin(answered(store.part(account, other), Answer::Parted)),
        Job::Block { account, user, other } => Box::pin(answered(store.block(account, user, other), Answer::Blocked)),
        Job::Unblock { account, other } => Box::pin(answered(store.unblock(account, other), |()| Answer::Unblocked)),
        Job::Friendship { account, other } => {
            Box::pin(answered(store.friendship(account, other), |row| Answer::Friendship(row.map(Box::new))))
        }
        Job::Join(new) => Box::pin(answered(store.join(*new, Incarnation::random(), notary()), Answer::Joined)),
        Job::Leave(leaving) => {
            Box::pin(answered(store.leave(*leaving, notary()), |left| Answer::Left(left.map(Box::new))))
        }
        Job::RemoveMember { owner, room, user } => {
            Box::pin(answered(store.remove_member(owner, room, user, notary()), Answer::Removed))
        }
        Job::SetRoomPassword { owner, room, proof } => {
            Box::pin(answered(store.set_room_password(owner, room, proof), Answer::RoomPasswordSet))
        }
        Job::PutRoster(account, roster) => Box::pin(answered(store.put_roster(account, roster), Answer::RosterPut)),
        Job::Roster(account) => Box::pin(answered(store.roster(account), Answer::Roster)),
        Job::AllowSeen(account, on) => Box::pin(answered(store.allow_seen(account, on), Answer::SeenAllowed)),
    }
}
