//! The server's disk: who is in the room, by signed records. What is written is written: the server says nothing before. The rest of it does
//! not change here.

use std::sync::Arc;

use hobnob_server::registry::{Circle, Page, Record};
use hobnob_server::session::{Answer, Job};
use hobnob_server::store::{
    Account, AccountId, FriendRow, Joined, Leaving, RecordRow, Relation, RoomChange, RoomHead, RoomKey, Seat, Seen,
};
use hobnob_shared::codec::to_cbor;
use hobnob_shared::id::{DeviceId, Handle};
use hobnob_shared::identity::{DeviceList, IdentityStatement};

use super::cast::{self, ROOM};

/// Records in a page: few, so that the room takes several.
const RECORDS_PER_PAGE: usize = 2;
/// The room's number.
const KEY: RoomKey = RoomKey(1);

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Store {
    /// Account, number of the record, member.
    records: Vec<(AccountId, u64, bool)>,
    number: u64,
}

impl Store {
    /// All three are in the room.
    pub(super) fn new() -> Self {
        Self { records: (0..3).map(|n| (AccountId(n), u64::try_from(n).unwrap_or(0) + 1, true)).collect(), number: 3 }
    }

    pub(super) fn is_member(&self, user: &Handle) -> bool {
        let account = cast::account(user);
        self.records.iter().any(|(who, _, member)| *who == account && *member)
    }

    /// Whether the two may hear of each other.
    pub(super) fn related(&self, a: &Handle, b: &Handle) -> bool {
        a == b || cast::friends(a, b) || (self.is_member(a) && self.is_member(b))
    }

    fn head(&self) -> RoomHead {
        RoomHead {
            key: KEY,
            room: cast::room_name().clone(),
            incarnation: ROOM,
            owner: cast::people()[1].clone(),
            locked: false,
            number: self.number,
        }
    }

    fn own(&self, account: AccountId) -> Option<u64> {
        self.records.iter().find(|(who, _, member)| *who == account && *member).map(|(_, number, _)| *number)
    }

    fn change(&mut self, account: AccountId, member: bool) -> RoomChange {
        self.number += 1;
        self.records.retain(|(who, ..)| *who != account);
        self.records.push((account, self.number, member));
        let record = to_cbor(&cast::record(account, self.number, member)).unwrap_or_default();
        RoomChange {
            head: self.head(),
            user: cast::person(account).clone(),
            record: RecordRow { account, number: self.number, member, record },
        }
    }

    /// Answers a session.
    pub(super) fn answer(&mut self, job: &Job) -> Answer {
        match job {
            Job::Account(chain) => Answer::Account(Some(Box::new(account(&chain.device)))),
            Job::Join(new) if self.own(new.account).is_some() => Answer::Joined(Joined::Already(Box::new(self.head()))),
            Job::Join(new) => Answer::Joined(Joined::New(Box::new(self.change(new.account, true)))),
            Job::Leave(leaving) => Answer::Left(self.leave(leaving).map(Box::new)),
            other => panic!("nobody asks {other:?}"),
        }
    }

    fn leave(&mut self, leaving: &Leaving) -> Option<RoomChange> {
        (self.own(leaving.account) == Some(leaving.number)).then(|| self.change(leaving.account, false))
    }

    /// What a sign-in needs.
    pub(super) fn circle(&self, account: AccountId) -> Circle {
        let user = cast::person(account);
        let row = |friend: &Handle| FriendRow {
            account: cast::account(friend),
            user: friend.clone(),
            key: cast::key(friend),
        };
        Circle {
            friends: cast::people().iter().filter(|other| cast::friends(user, other)).map(row).collect(),
            pending: Vec::new(),
            rooms: self.own(account).map(|number| Seat { head: self.head(), number }).into_iter().collect(),
            list_number: 1,
            devices: devices_of(user),
            device_list: Arc::new(cast::device_list()),
            device_known: true,
            roster: 0,
            seen: Seen::default(),
            friends_seen: Vec::new(),
        }
    }

    /// A page of the room.
    pub(super) fn page(&self, account: AccountId, after: u64) -> Option<Page> {
        self.own(account)?;
        let mut rest: Vec<_> = self.records.iter().filter(|(_, number, _)| *number > after).copied().collect();
        rest.sort_by_key(|(_, number, _)| *number);
        let more = rest.len() > RECORDS_PER_PAGE;
        rest.truncate(RECORDS_PER_PAGE);
        let record = |(account, number, member)| Record {
            account,
            number,
            member,
            statement: cast::record(account, number, member),
        };
        Some(Page { head: self.head(), records: rest.into_iter().map(record).collect(), more })
    }

    /// How two stand to each other.
    pub(super) fn relation(&self, account: AccountId, other: &Handle) -> Relation {
        let user = cast::person(account);
        let room_mates = user != other && self.is_member(user) && self.is_member(other);
        Relation { friends: cast::friends(user, other), room_mates, blocked: false }
    }
}

fn account(device: &DeviceId) -> Account {
    let user = cast::owner(device).clone();
    let list = DeviceList { number: 1, devices: devices_of(&user), issued_at: 0, removed: Vec::new() };
    let body = to_cbor(&list).unwrap_or_default();
    let device_list = to_cbor(&IdentityStatement { body, signature: Vec::new() }).unwrap_or_default();
    Account { id: cast::account(&user), user, device_list, device_known: true }
}

fn devices_of(user: &Handle) -> Vec<DeviceId> {
    (1..=4).map(|n| DeviceId([n; 32])).filter(|device| cast::owner(device) == user).collect()
}
