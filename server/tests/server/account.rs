//! An account's own affairs over real sockets: devices come and go, the password changes, the roster is shared.

use super::client::{Device, Running, Wire, befriend};
use super::keeper::Unlocked;
use super::rooms::join;
use hobnob_server::config::{Config, Limits};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Handle;
use hobnob_shared::identity::{DEVICE_LIST, DeviceKey, DeviceList};
use hobnob_shared::limits::{ROSTER_PART, ROSTER_PARTS};
use hobnob_shared::message::{
    DevicesChanged, Failed, FriendStatement, FromServer, GetRoster, OwnPresence, PutRoster, Roster, ToServer,
};
use serde_bytes::ByteBuf;

const PASSWORD: &str = "correct horse";

fn start() -> (Running, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits { introduction_every_ms: 0, ..Limits::default() };
    (Running::start(Config { data: data.path().to_owned(), limits }), data)
}

async fn devices_changed(wire: &mut Wire) -> DevicesChanged {
    wire.until(|frame| match frame {
        FromServer::DevicesChanged(changed) => Some(*changed),
        _ => None,
    })
    .await
}

/// A list that everybody is told, checked as they do.
fn read(changed: &DevicesChanged, of: &Device) -> DeviceList {
    assert_eq!(changed.user, of.user);
    changed.device_list.verify(DEVICE_LIST, &of.chain.account).unwrap()
}

#[actix_rt::test]
async fn a_removed_device_is_signed_out_and_does_not_come_back() {
    let (server, _data) = start();
    let first = Device::sign_up(&server, "alice").await.unwrap();
    let bob = Device::sign_up(&server, "bob").await.unwrap();
    let carol = Device::sign_up(&server, "carol").await.unwrap();
    let (mut a, mut b) = (first.available(&server).await, bob.available(&server).await);
    let mut c = carol.available(&server).await;
    befriend((&first, &mut a), (&bob, &mut b)).await;
    join(&mut a, "#tea").await;
    join(&mut c, "#tea").await;

    let second = Device::sign_in(&server, "alice", PASSWORD).await.unwrap();
    for wire in [&mut a, &mut b, &mut c] {
        let list = read(&devices_changed(wire).await, &first);
        assert_eq!((list.number, list.devices), (2, vec![first.key.id(), second.key.id()]));
    }
    let mut a2 = second.available(&server).await;
    // What the second signs counts on the first one's connection: it has heard of the new list.
    let seq = a.seq();
    a.say(&ToServer::AddFriend(FriendStatement { seq, statement: second.request(&carol.user) }));
    a.answer(seq).await.unwrap();
    let asked = c
        .until(|frame| match frame {
            FromServer::FriendRequested(asked) => Some(asked),
            _ => None,
        })
        .await;
    let list: DeviceList = asked.device_list.verify(DEVICE_LIST, &first.chain.account).unwrap();
    assert_eq!(list.number, 2);

    Unlocked::open(&server, "alice", PASSWORD).await.unwrap().remove(second.key.id()).await.unwrap();
    assert_eq!(a2.failure().await, WireCode::DeviceRemoved);
    assert!(a2.next().await.is_none());
    for wire in [&mut a, &mut b, &mut c] {
        let list = read(&devices_changed(wire).await, &first);
        assert_eq!((list.number, list.devices), (3, vec![first.key.id()]));
        assert_eq!(list.removed.iter().map(|gone| gone.device).collect::<Vec<_>>(), [second.key.id()]);
    }
    let mut back = Wire::open(&server, Some((&second.key, &second.chain))).await;
    back.say(&ToServer::Hello(Device::hello(OwnPresence::Available, 0)));
    assert_eq!(back.failure().await, WireCode::DeviceRemoved);
    // Nor with the password, under its old key.
    let unlocked = Unlocked::open(&server, "alice", PASSWORD).await.unwrap();
    let refused = unlocked.enrol(DeviceKey::from_pkcs8(&second.key.to_pkcs8()).unwrap()).await;
    assert_eq!(refused.err().map(|failed| failed.code), Some(WireCode::Forbidden));
    // What it signs does not count any more, over whose connection ever.
    a.say(&ToServer::AddFriend(FriendStatement { seq: 99, statement: second.request(&"dave".parse().unwrap()) }));
    assert_eq!(a.failure().await, WireCode::BadSignature);
    server.stop().await;
}

#[actix_rt::test]
async fn who_removes_the_last_device_or_is_too_late_is_refused() {
    let (server, _data) = start();
    let first = Device::sign_up(&server, "alice").await.unwrap();
    let second = Device::sign_in(&server, "alice", PASSWORD).await.unwrap();
    let (one, other) = (
        Unlocked::open(&server, "alice", PASSWORD).await.unwrap(),
        Unlocked::open(&server, "alice", PASSWORD).await.unwrap(),
    );
    one.remove(second.key.id()).await.unwrap();
    assert_eq!(other.remove(first.key.id()).await.unwrap_err().code, WireCode::Conflict);
    let mut unlocked = Unlocked::open(&server, "alice", PASSWORD).await.unwrap();
    assert_eq!((unlocked.list.number, unlocked.list.devices.len()), (3, 1));
    // A list without devices has no first one to prove with; the list alone is enough to refuse it.
    unlocked.list.devices.push(second.key.id());
    assert_eq!(unlocked.remove(first.key.id()).await.unwrap_err().code, WireCode::Forbidden);
    first.available(&server).await;
    server.stop().await;
}

#[actix_rt::test]
async fn a_changed_password_is_the_only_one_from_then_on() {
    let (server, _data) = start();
    let first = Device::sign_up(&server, "alice").await.unwrap();
    let mut a = first.available(&server).await;
    // Two who know the old password; only one of them can be first.
    let mut late = Unlocked::open(&server, "alice", PASSWORD).await.unwrap();
    let late_finish = late.prepare_password("too late for this").await;
    let late_device = Unlocked::open(&server, "alice", PASSWORD).await.unwrap();
    // A proof of another connection is none.
    let mut thief = Unlocked::open(&server, "alice", PASSWORD).await.unwrap();
    thief.prepare_password("mine now").await;
    assert_eq!(thief.finish_password(late_finish.clone()).await.unwrap_err().code, WireCode::BadSignature);

    let unlocked = Unlocked::open(&server, "alice", PASSWORD).await.unwrap();
    unlocked.change_password("a better one").await.unwrap();
    assert_eq!(late.finish_password(late_finish).await.unwrap_err().code, WireCode::Conflict);
    let refused = late_device.enrol(DeviceKey::generate().unwrap()).await.err().unwrap();
    assert_eq!(refused.code, WireCode::Conflict, "who was let in by the old password does nothing with it");
    let code = |refused: Option<Failed>| refused.map(|failed| failed.code);
    let wrong = Unlocked::open(&server, "alice", PASSWORD).await.err();
    assert_eq!(code(wrong), Some(WireCode::WrongPassword));
    // The new one opens the same account; devices stay signed in.
    let second = Device::sign_in(&server, "alice", "a better one").await.unwrap();
    assert_eq!(second.account, first.account);
    a.say(&ToServer::Ping(hobnob_shared::message::Pulse { n: 1 }));
    a.until(|frame| matches!(frame, FromServer::Pong(_)).then_some(())).await;
    first.available(&server).await;
    // Guesses are counted as they are at any sign-in.
    let mut last = None;
    for _ in 0..6 {
        last = code(Unlocked::open(&server, "alice", "guess and guess").await.err());
    }
    assert_eq!(last, Some(WireCode::RateLimited));
    server.stop().await;
}

#[actix_rt::test]
async fn nothing_of_an_account_changes_before_the_password_was_right() {
    let (server, _data) = start();
    let first = Device::sign_up(&server, "alice").await.unwrap();
    let mut unlocked = Unlocked::open(&server, "alice", PASSWORD).await.unwrap();
    let finish = unlocked.prepare_password("another one").await;
    for frame in [
        ToServer::ChangePasswordFinish(Box::new(finish)),
        ToServer::ChangePasswordStart(hobnob_shared::message::ChangePasswordStart { request: ByteBuf::new() }),
    ] {
        for identity in [None, Some((&first.key, &first.chain))] {
            let mut wire = Wire::open(&server, identity).await;
            wire.say(&frame);
            assert_eq!(wire.failure().await, WireCode::WrongState);
        }
    }
    let mut wire = first.available(&server).await;
    wire.say(&ToServer::ChangePasswordStart(hobnob_shared::message::ChangePasswordStart { request: ByteBuf::new() }));
    assert_eq!(wire.failure().await, WireCode::WrongState);
    server.stop().await;
}

async fn put(wire: &mut Wire, number: u64, part: u8, parts: u8, sealed: Vec<u8>) -> Result<(), Failed> {
    let seq = wire.seq();
    wire.say(&ToServer::PutRoster(PutRoster { seq, number, part, parts, sealed: ByteBuf::from(sealed) }));
    wire.answer(seq).await
}

/// The roster, and its number.
async fn get(wire: &mut Wire) -> (u64, Vec<ByteBuf>) {
    let seq = wire.seq();
    wire.say(&ToServer::GetRoster(GetRoster { seq }));
    let mut sealed = Vec::new();
    loop {
        let page: Roster = wire
            .until(|frame| match frame {
                FromServer::Roster(page) if page.seq == seq => Some(page),
                _ => None,
            })
            .await;
        if page.parts == 0 {
            return (page.number, sealed);
        }
        assert_eq!(usize::from(page.part), sealed.len());
        sealed.push(page.sealed);
        if page.part + 1 == page.parts {
            return (page.number, sealed);
        }
    }
}

#[actix_rt::test]
async fn devices_share_a_roster_and_the_slower_one_reads_it_first() {
    // The largest roster is more than a session may send at once.
    let data = tempfile::tempdir().unwrap();
    let limits = Limits { bytes_burst: 4_000_000, ..Limits::default() };
    let server = Running::start(Config { data: data.path().to_owned(), limits });
    let first = Device::sign_up(&server, "alice").await.unwrap();
    let second = Device::sign_in(&server, "alice", PASSWORD).await.unwrap();
    let (mut one, mut two) = (first.available(&server).await, second.available(&server).await);
    assert_eq!(get(&mut one).await, (0, Vec::new()));
    for part in 0..ROSTER_PARTS {
        put(&mut one, 1, part, ROSTER_PARTS, vec![part; ROSTER_PART]).await.unwrap();
    }
    let told = two
        .until(|frame| match frame {
            FromServer::RosterChanged(changed) => Some(changed.number),
            _ => None,
        })
        .await;
    assert_eq!(told, 1);
    assert_eq!(put(&mut two, 1, 0, 1, vec![9]).await.unwrap_err().code, WireCode::Conflict);
    let (number, parts) = get(&mut two).await;
    assert_eq!((number, parts.len()), (1, usize::from(ROSTER_PARTS)));
    assert!((0..).zip(&parts).all(|(n, part)| part.as_slice() == vec![n; ROSTER_PART]));
    put(&mut two, 2, 0, 1, vec![9]).await.unwrap();
    // Too large a part, and too many.
    assert_eq!(put(&mut two, 3, 0, 1, vec![0; ROSTER_PART + 1]).await.unwrap_err().code, WireCode::Forbidden);
    assert_eq!(put(&mut two, 3, 0, ROSTER_PARTS + 1, vec![0]).await.unwrap_err().code, WireCode::Forbidden);
    assert_eq!(get(&mut one).await, (2, vec![ByteBuf::from(vec![9])]));
    // Whoever comes later is told its number at once.
    let mut again = Wire::open(&server, Some((&first.key, &first.chain))).await;
    again.say(&ToServer::Hello(Device::hello(OwnPresence::Available, 0)));
    let Some(FromServer::Welcome(welcome)) = again.next().await else { panic!("no welcome") };
    assert_eq!(welcome.roster, 2);
    server.stop().await;
}

#[actix_rt::test]
async fn own_devices_are_introduced_to_each_other() {
    let (server, _data) = start();
    let first = Device::sign_up(&server, "alice").await.unwrap();
    let second = Device::sign_in(&server, "alice", PASSWORD).await.unwrap();
    let mut one = first.available(&server).await;
    let alice: Handle = "alice".parse().unwrap();
    assert_eq!(one.ask(&alice, ToServer::Introduce).await.unwrap_err().code, WireCode::Offline);
    let (mut two, _) = second.online(&server, Device::hello(OwnPresence::Invisible, 5001)).await;
    one.say(&ToServer::Introduce(hobnob_shared::message::AboutUser { seq: 50, user: alice.clone() }));
    for (wire, other) in [(&mut one, &second), (&mut two, &first)] {
        let introduced = wire
            .until(|frame| match frame {
                FromServer::Introduced(introduced) => Some(introduced),
                _ => None,
            })
            .await;
        assert_eq!((introduced.user, introduced.device), (alice.clone(), other.key.id()));
        let list: DeviceList = introduced.device_list.verify(DEVICE_LIST, &first.chain.account).unwrap();
        assert_eq!(list.number, 2);
    }
    server.stop().await;
}
