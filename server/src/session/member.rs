//! A device that is signed in: its requests, checked, become questions to the store and notes to the registry. Pure; called by `state.rs`.
//! What is about rooms and rosters is in `rooms.rs` and `roster.rs`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash, RoomId};
use hobnob_shared::identity::{IdentityStatement, Statement, VerifiedChain};
use hobnob_shared::limits::STATUS_TEXT;
use hobnob_shared::message::{
    Done, FRIEND_ACCEPTANCE, FRIEND_REQUEST, FriendAcceptance, FriendRequest, FriendRequested, FriendStatement,
    Friendship, FromServer, Presence, Seq, SetLastSeen, SetPresence, ToServer,
};
use serde::de::DeserializeOwned;

use super::job::{Answer, Job};
use super::note::Note;
use super::roster::Upload;
use super::state::{Effect, refuse};
use crate::error::Refusal;
use crate::registry::NewFriend;
use crate::services::Doorkeeper;
use crate::store::{Accepted, Account, AccountId, Asked, FriendshipRow, NewAcceptance, NewRequest, Parted, Withdrawn};

/// What the question to the store was about.
pub(super) enum Asking {
    Request(Box<Statement>),
    Acceptance(Box<Statement>, Handle),
    Decline,
    Part(Handle),
    Block(Handle),
    Unblock,
    Friendship(Handle),
    Join { room: RoomId, guess: bool },
    Leave,
    RemoveMember,
    SetRoomPassword,
    PutRoster(u64),
    GetRoster,
    AllowSeen(bool),
}

/// See the module.
pub(super) struct Member {
    pub(super) account: AccountId,
    pub(super) user: Handle,
    pub(super) key: Fingerprint,
    pub(super) ip: IpAddr,
    /// Devices of the account: this one, and who else may sign in its name.
    devices: Vec<DeviceId>,
    device_list: Arc<IdentityStatement>,
    asking: Option<(Seq, Asking)>,
    pub(super) upload: Option<Upload>,
}

pub(super) fn done(seq: Seq) -> Effect {
    Effect::send(FromServer::Done(Done { seq }))
}

impl Member {
    pub(super) fn new(
        account: &Account,
        verified: &VerifiedChain,
        (devices, device_list): (Vec<DeviceId>, Arc<IdentityStatement>),
        ip: IpAddr,
    ) -> Self {
        Self {
            account: account.id,
            user: account.user.clone(),
            key: verified.account,
            ip,
            devices,
            device_list,
            asking: None,
            upload: None,
        }
    }

    /// The account has other devices than when this one signed in.
    pub(super) fn on_devices(&mut self, devices: Vec<DeviceId>, device_list: Arc<IdentityStatement>) {
        self.devices = devices;
        self.device_list = device_list;
    }

    pub(super) fn user(&self) -> &Handle {
        &self.user
    }

    pub(super) fn on_frame(&mut self, frame: ToServer, doors: &dyn Doorkeeper, now: Instant) -> Vec<Effect> {
        let (account, user) = (self.account, self.user.clone());
        match frame {
            ToServer::SetPresence(SetPresence { seq, presence, text }) => {
                if text.chars().count() > STATUS_TEXT {
                    return refuse(Refusal::Forbidden("the status text is too long"), Some(seq));
                }
                vec![Effect::Tell(Note::SetPresence { seq, presence, text })]
            }
            ToServer::SetLastSeen(SetLastSeen { seq, on }) => {
                self.ask(seq, Asking::AllowSeen(on), Job::AllowSeen(account, on))
            }
            ToServer::AddFriend(FriendStatement { seq, statement }) => self.check_request(&statement).map_or_else(
                |refusal| refuse(refusal, Some(seq)),
                |job| self.ask(seq, Asking::Request(Box::new(statement)), Job::Ask(job)),
            ),
            ToServer::AcceptFriend(FriendStatement { seq, statement }) => match self.check_acceptance(&statement) {
                Err(refusal) => refuse(refusal, Some(seq)),
                Ok(job) => {
                    let asker = job.asker.clone();
                    self.ask(seq, Asking::Acceptance(Box::new(statement), asker), Job::Accept(job))
                }
            },
            ToServer::DeclineFriend(about) => {
                self.ask(about.seq, Asking::Decline, Job::Decline { user, asker: about.user })
            }
            ToServer::RemoveFriend(about) => {
                let other = about.user.clone();
                self.ask(about.seq, Asking::Part(other), Job::Part { account, other: about.user })
            }
            ToServer::Block(about) if about.user == self.user => {
                refuse(Refusal::Forbidden("nobody blocks themselves"), Some(about.seq))
            }
            ToServer::Block(about) => {
                let other = about.user.clone();
                self.ask(about.seq, Asking::Block(other), Job::Block { account, user, other: about.user })
            }
            ToServer::Unblock(about) => {
                self.ask(about.seq, Asking::Unblock, Job::Unblock { account, other: about.user })
            }
            ToServer::GetFriendship(about) => {
                let other = about.user.clone();
                self.ask(about.seq, Asking::Friendship(other), Job::Friendship { account, other: about.user })
            }
            ToServer::Introduce(about) => {
                vec![Effect::Tell(Note::Introduce { seq: about.seq, user: about.user })]
            }
            ToServer::OpenCircuit(wish) => vec![Effect::Tell(Note::OpenCircuit {
                seq: wish.seq,
                user: wish.user,
                device: wish.device,
                transfer: wish.transfer,
            })],
            ToServer::JoinRoom(wish) => self.join_room(wish, doors, now),
            ToServer::LeaveRoom(leave) => self.leave_room(&leave),
            ToServer::RemoveMember(wish) => {
                let job = Job::RemoveMember { owner: account, room: wish.room, user: wish.user };
                self.ask(wish.seq, Asking::RemoveMember, job)
            }
            ToServer::SetRoomPassword(wish) => {
                let job = Job::SetRoomPassword { owner: account, room: wish.room, proof: wish.proof };
                self.ask(wish.seq, Asking::SetRoomPassword, job)
            }
            ToServer::PutRoster(part) => self.put_roster(part),
            ToServer::GetRoster(wish) => self.ask(wish.seq, Asking::GetRoster, Job::Roster(account)),
            ToServer::SignUpStart(_)
            | ToServer::SignUpFinish(_)
            | ToServer::SignInStart(_)
            | ToServer::SignInFinish(_)
            | ToServer::EnrolDevice(_)
            | ToServer::SetDevices(_)
            | ToServer::ChangePasswordStart(_)
            | ToServer::ChangePasswordFinish(_)
            | ToServer::Hello(_)
            | ToServer::Ping(_)
            | ToServer::Pong(_) => refuse(Refusal::WrongState, None),
        }
    }

    pub(super) fn ask(&mut self, seq: Seq, asking: Asking, job: Job) -> Vec<Effect> {
        self.asking = Some((seq, asking));
        vec![Effect::Ask(job)]
    }

    /// What a device of this account says in its name.
    pub(super) fn check<T: DeserializeOwned>(&self, statement: &Statement, purpose: &str) -> Result<T, Refusal> {
        let (said, by) = statement.verify::<T>(purpose).map_err(|_| Refusal::BadSignature("signed statement"))?;
        if by.account == self.key && self.devices.contains(&by.device) {
            Ok(said)
        } else {
            Err(Refusal::BadSignature("signer of the statement"))
        }
    }

    fn check_request(&self, statement: &Statement) -> Result<Box<NewRequest>, Refusal> {
        let request: FriendRequest = self.check(statement, FRIEND_REQUEST)?;
        if request.from != self.user || request.from_key != self.key {
            return Err(Refusal::Forbidden("the request is in somebody else's name"));
        }
        if request.to == self.user {
            return Err(Refusal::Forbidden("nobody is their own friend"));
        }
        Ok(Box::new(NewRequest {
            asker: self.account,
            asked: request.to,
            asked_key: request.to_key,
            hash: Hash(*blake3::hash(&statement.body).as_bytes()),
            statement: to_cbor(statement).map_err(|_| Refusal::Internal)?,
        }))
    }

    fn check_acceptance(&self, statement: &Statement) -> Result<Box<NewAcceptance>, Refusal> {
        let acceptance: FriendAcceptance = self.check(statement, FRIEND_ACCEPTANCE)?;
        if acceptance.to != self.user || acceptance.to_key != self.key {
            return Err(Refusal::Forbidden("the acceptance is in somebody else's name"));
        }
        Ok(Box::new(NewAcceptance {
            accepter: self.account,
            accepter_name: self.user.clone(),
            asker: acceptance.from,
            asker_key: acceptance.from_key,
            request: acceptance.request,
            statement: to_cbor(statement).map_err(|_| Refusal::Internal)?,
        }))
    }

    pub(super) fn on_answer(&mut self, answer: Answer, doors: &dyn Doorkeeper) -> Vec<Effect> {
        let Some((seq, asking)) = self.asking.take() else { return refuse(Refusal::Internal, None) };
        match (asking, answer) {
            (Asking::Request(statement), Answer::Asked(asked)) => self.asked(seq, *statement, asked),
            (Asking::Acceptance(statement, asker), Answer::Accepted(accepted)) => {
                self.accepted(seq, *statement, asker, accepted)
            }
            (Asking::Decline, Answer::Declined(true)) | (Asking::Unblock, Answer::Unblocked) => vec![done(seq)],
            (Asking::Decline, Answer::Declined(false)) => refuse(Refusal::NoRequest, Some(seq)),
            (Asking::Part(other), Answer::Parted(parted)) => {
                if parted.friend.is_none() && parted.withdrawn.is_none() {
                    return refuse(Refusal::NotFriends, Some(seq));
                }
                self.parted(seq, other, parted)
            }
            (Asking::Block(other), Answer::Blocked(Some(parted))) => self.parted(seq, other, parted),
            (Asking::Block(_), Answer::Blocked(None)) => refuse(Refusal::TooMany("blocked people"), Some(seq)),
            (Asking::Friendship(_), Answer::Friendship(None)) => refuse(Refusal::NotFriends, Some(seq)),
            (Asking::Friendship(other), Answer::Friendship(Some(row))) => {
                let friend = row.friend;
                let read = friendship(seq, other, &row);
                read.map_or_else(
                    || refuse(Refusal::Internal, Some(seq)),
                    |frame| vec![Effect::Tell(Note::TellFriendship { friend, frame: Box::new(frame) })],
                )
            }
            (Asking::Join { room, guess }, Answer::Joined(joined)) => self.joined(seq, &room, guess, joined, doors),
            (Asking::Leave, Answer::Left(left)) => self.left(seq, left.map(|change| *change)),
            (Asking::RemoveMember, Answer::Removed(removed)) => self.removed(seq, removed),
            (Asking::SetRoomPassword, Answer::RoomPasswordSet(set)) => self.password_set(seq, set),
            (Asking::PutRoster(number), Answer::RosterPut(stored)) => self.roster_put(seq, number, stored),
            (Asking::GetRoster, Answer::Roster(roster)) => super::roster::pages(seq, roster),
            (Asking::AllowSeen(on), Answer::SeenAllowed(friends)) => {
                vec![Effect::Tell(Note::SeenAllowed { seq, account: self.account, on, friends })]
            }
            // The store failed.
            _ => refuse(Refusal::Internal, Some(seq)),
        }
    }

    fn asked(&self, seq: Seq, request: Statement, asked: Asked) -> Vec<Effect> {
        match asked {
            Asked::Waiting(Some(asked)) => {
                let device_list = IdentityStatement::clone(&self.device_list);
                let frame = Box::new(FriendRequested { request, device_list });
                vec![Effect::Tell(Note::RequestStored { asker: self.account, asked, frame }), done(seq)]
            }
            // Nobody is told whether the other exists, or has blocked them.
            Asked::Waiting(None) | Asked::Dropped | Asked::AlreadyFriends => vec![done(seq)],
            Asked::Nobody => refuse(Refusal::NobodyWithThatKey, Some(seq)),
            Asked::TooMany => refuse(Refusal::TooMany("friend requests that wait for an answer"), Some(seq)),
        }
    }

    fn accepted(&self, seq: Seq, acceptance: Statement, asker: Handle, accepted: Accepted) -> Vec<Effect> {
        let row = match accepted {
            Accepted::Befriended(row) => row,
            Accepted::NoRequest => return refuse(Refusal::NoRequest, Some(seq)),
            Accepted::TooMany => return refuse(Refusal::TooMany("friends"), Some(seq)),
        };
        let (Ok(request), Ok(their_list)) = (from_cbor(&row.request), from_cbor(&row.device_list)) else {
            return refuse(Refusal::Internal, Some(seq));
        };
        let line = format!("{} and {asker} are friends now", self.user);
        let me =
            NewFriend { account: self.account, user: self.user.clone(), device_list: Arc::clone(&self.device_list) };
        let them = NewFriend { account: row.friend, user: asker, device_list: Arc::new(their_list) };
        let note = Note::Befriend { seq, friends: Box::new([me, them]), request, acceptance };
        vec![Effect::Log(line), Effect::Tell(note)]
    }

    fn parted(&self, seq: Seq, other: Handle, parted: Parted) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(friend) = parted.friend {
            effects.push(Effect::Log(format!("{} and {other} are friends no more", self.user)));
            effects.push(Effect::Tell(Note::Part([(self.account, self.user.clone()), (friend, other)])));
        }
        if let Some(Withdrawn { asked: Some(asked) }) = parted.withdrawn {
            effects.push(Effect::Tell(Note::Withdraw { asker: self.user.clone(), asked }));
        }
        effects.push(done(seq));
        effects
    }
}

/// The frame but for presence and text, which the registry knows; `None` if the store's bytes cannot be read.
fn friendship(seq: Seq, user: Handle, row: &FriendshipRow) -> Option<Friendship> {
    Some(Friendship {
        seq: Some(seq),
        user,
        request: from_cbor(&row.request).ok()?,
        acceptance: from_cbor(&row.acceptance).ok()?,
        device_list: from_cbor(&row.device_list).ok()?,
        presence: Presence::Offline,
        text: String::new(),
    })
}
