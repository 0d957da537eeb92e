//! Who plays: Alice with two devices, Bob and Carol with one each. Alice and Bob are friends, and so are Bob and Carol; Alice and Carol share
//! no more than the room, as long as both are in it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::LazyLock;

use hobnob_server::store::AccountId;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Incarnation, RoomId};
use hobnob_shared::identity::{self, Chain, IdentityStatement, ServerKey, ServerStatement};
use hobnob_shared::message::{MEMBERSHIP, Membership};

use crate::core::history::friends::Friend;

/// The one room.
pub(super) const ROOM: Incarnation = Incarnation([9; 16]);

static NAMES: LazyLock<[Handle; 3]> = LazyLock::new(|| ["alice", "bob", "carol"].map(parse));
static ROOM_NAME: LazyLock<RoomId> = LazyLock::new(|| "#tea".parse().unwrap_or_else(|error| panic!("{error}")));
static SERVER: LazyLock<ServerKey> = LazyLock::new(|| {
    let made = identity::self_signed_server().and_then(|(_, pkcs8)| ServerKey::from_pkcs8(&pkcs8));
    made.unwrap_or_else(|error| panic!("{error}"))
});

thread_local! {
    static RECORDS: RefCell<HashMap<(AccountId, u64, bool), ServerStatement>> = RefCell::default();
}

fn parse(name: &str) -> Handle {
    name.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// Everybody.
pub(super) fn people() -> &'static [Handle; 3] {
    &NAMES
}

/// Whose device it is: the first two are Alice's.
pub(super) fn owner(device: &DeviceId) -> &'static Handle {
    match device.0[0] {
        1 | 2 => &NAMES[0],
        3 => &NAMES[1],
        _ => &NAMES[2],
    }
}

/// The number that the server has for somebody.
pub(super) fn account(user: &Handle) -> AccountId {
    let at = NAMES.iter().position(|name| name == user).unwrap_or_else(|| panic!("{user} does not play"));
    AccountId(i64::try_from(at).unwrap_or(0))
}

/// Somebody by that number.
pub(super) fn person(account: AccountId) -> &'static Handle {
    &NAMES[usize::try_from(account.0).unwrap_or(0)]
}

/// Somebody's identity key.
pub(super) fn key(user: &Handle) -> Fingerprint {
    Fingerprint([user.as_str().as_bytes()[0]; 32])
}

/// Whether two are friends.
pub(super) fn friends(a: &Handle, b: &Handle) -> bool {
    a != b && (*a == NAMES[1] || *b == NAMES[1])
}

/// What somebody keeps of a friend.
pub(super) fn pin(user: &Handle) -> Friend {
    Friend {
        user: user.clone(),
        account: key(user),
        account_certificate: Vec::new(),
        verified: false,
        blocked: false,
        changed_key: None,
        device_list_number: 1,
        device_list: device_list(),
    }
}

/// Device lists do not change here.
pub(super) fn device_list() -> IdentityStatement {
    IdentityStatement { body: Vec::new(), signature: Vec::new() }
}

/// A device's certificates: its name is all that counts here.
pub(super) fn chain(device: &DeviceId) -> Chain {
    Chain { device: device.0.to_vec(), account: Vec::new() }
}

/// Where a device listens.
pub(super) fn address(device: &DeviceId) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5_000 + u16::from(device.0[0])))
}

/// Which device listens there.
pub(super) fn listener(address: SocketAddr) -> Option<usize> {
    address.port().checked_sub(5_001).map(usize::from)
}

/// The room's name.
pub(super) fn room_name() -> &'static RoomId {
    &ROOM_NAME
}

/// What clients pin.
pub(super) fn server_key() -> Fingerprint {
    SERVER.fingerprint()
}

/// The server's word on somebody in the room. Signed once: it is the same in every run.
pub(super) fn record(account: AccountId, number: u64, member: bool) -> ServerStatement {
    RECORDS.with_borrow_mut(|records| {
        let sign = || {
            let user = person(account).clone();
            let key = key(&user);
            let room = ROOM_NAME.clone();
            let said = Membership { room, incarnation: ROOM, number, user, account: key, member, at: number };
            SERVER.sign(MEMBERSHIP, &said).unwrap_or_else(|error| panic!("{error}"))
        };
        records.entry((account, number, member)).or_insert_with(sign).clone()
    })
}
