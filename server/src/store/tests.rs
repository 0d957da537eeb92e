//! The store keeps what it has acknowledged, refuses what it cannot read, and holds its limits.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash};

use super::*;
use crate::config::Limits;

pub(super) fn name(text: &str) -> Handle {
    text.parse().unwrap()
}

pub(super) fn key(user: &str) -> Fingerprint {
    Fingerprint(*blake3::hash(user.as_bytes()).as_bytes())
}

pub(super) fn device(n: u8) -> DeviceId {
    DeviceId([n; 32])
}

pub(super) fn new_account(user: &str) -> NewAccount {
    NewAccount {
        user: name(user),
        key: key(user),
        certificate: b"certificate".to_vec(),
        password: b"record".to_vec(),
        sealed: b"sealed".to_vec(),
        list_number: 1,
        device_list: b"list 1".to_vec(),
        device: device(1),
        device_certificate: b"device".to_vec(),
    }
}

pub(super) fn open_with(data: &Path, limits: Limits) -> SqliteStore {
    SqliteStore::open(data, &Arc::new(limits)).unwrap()
}

pub(super) fn open(data: &Path) -> SqliteStore {
    open_with(data, Limits::default())
}

pub(super) async fn sign_up(store: &SqliteStore, user: &str) -> AccountId {
    match store.sign_up(new_account(user)).await.unwrap() {
        SignedUp::Created(id) => id,
        SignedUp::Taken => panic!("{user} is taken"),
    }
}

pub(super) fn request(asker: AccountId, to: &str, nonce: &str) -> NewRequest {
    let hash = Hash(*blake3::hash(nonce.as_bytes()).as_bytes());
    NewRequest { asker, asked: name(to), asked_key: None, hash, statement: nonce.as_bytes().to_vec() }
}

pub(super) fn acceptance(accepter: (AccountId, &str), asker: &str, nonce: &str) -> NewAcceptance {
    NewAcceptance {
        accepter: accepter.0,
        accepter_name: name(accepter.1),
        asker: name(asker),
        asker_key: key(asker),
        request: Hash(*blake3::hash(nonce.as_bytes()).as_bytes()),
        statement: b"yes".to_vec(),
    }
}

pub(super) async fn befriend(store: &SqliteStore, asker: (AccountId, &str), accepter: (AccountId, &str)) {
    store.ask(request(asker.0, accepter.1, asker.1)).await.unwrap();
    let outcome = store.accept(acceptance(accepter, asker.1, asker.1)).await.unwrap();
    assert!(matches!(outcome, Accepted::Befriended(_)), "{outcome:?}");
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_crash() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let (alice, bob) = (sign_up(&store, "alice").await, sign_up(&store, "bob").await);
    befriend(&store, (alice, "alice"), (bob, "bob")).await;
    // The files as a crash leaves them: copied while the store is open, nothing closed or checkpointed.
    let crashed = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), crashed.path().join(entry.file_name())).unwrap();
        }
    }
    let again = open(crashed.path());
    let found = again.account(key("alice"), device(1)).await.unwrap().unwrap();
    assert_eq!((found.id, found.user, found.device_known), (alice, name("alice"), true));
    let friends = again.circle(alice, name("alice"), device(1)).await.unwrap().friends;
    assert_eq!(friends, [FriendRow { account: bob, user: name("bob"), key: key("bob") }]);
    drop(again);
    assert_eq!(SqliteStore::check(crashed.path()).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn many_writes_at_once_each_get_their_own_answer() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    // Queued before the first is answered, so they share commits; every second one fails alone.
    let waiting: Vec<_> = (0..200).map(|n| store.sign_up(new_account(&format!("user{}", n / 2)))).collect();
    let mut made = 0;
    for (n, answer) in waiting.into_iter().enumerate() {
        match answer.await.unwrap() {
            SignedUp::Created(_) => {
                assert_eq!(n % 2, 0);
                made += 1;
            }
            SignedUp::Taken => assert_eq!(n % 2, 1),
        }
    }
    assert_eq!(made, 100);
}

#[tokio::test]
async fn a_full_queue_is_said_and_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let store = open_with(data.path(), Limits { store_queue: 1, ..Limits::default() });
    let answers: Vec<_> = (0..500).map(|n| store.sign_up(new_account(&format!("user{n}")))).collect();
    let (mut made, mut busy) = (0, 0);
    for answer in answers {
        match answer.await {
            Ok(SignedUp::Created(_)) => made += 1,
            Err(StoreError::Busy) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(made > 0);
    assert_eq!(made + busy, 500);
    drop(store);
    let left = rusqlite::Connection::open(data.path().join("hobnob.db")).unwrap();
    let rows: i64 = left.query_row("SELECT COUNT(*) FROM accounts", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, made);
}

#[tokio::test]
async fn a_device_list_grows_by_one() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let account = sign_up(&store, "alice").await;
    let next = |number: u64, n| NewDevice {
        account,
        device: device(n),
        certificate: b"device".to_vec(),
        list_number: number,
        device_list: format!("list {number}").into_bytes(),
        password: b"record".to_vec(),
    };
    assert_eq!(store.enrol(next(1, 2)).await.unwrap(), None);
    assert_eq!(store.enrol(next(3, 2)).await.unwrap(), None);
    assert!(store.enrol(next(2, 2)).await.unwrap().is_some());
    assert_eq!(store.enrol(next(2, 3)).await.unwrap(), None);
    let locked = store.locked(name("alice")).await.unwrap().unwrap();
    assert_eq!(locked.device_list, b"list 2");
    assert!(store.account(key("alice"), device(2)).await.unwrap().unwrap().device_known);
    assert!(!store.account(key("alice"), device(3)).await.unwrap().unwrap().device_known);
    assert!(store.account(key("nobody"), device(1)).await.unwrap().is_none());
}

#[tokio::test]
async fn only_the_request_that_waits_can_be_accepted_and_only_once() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let (alice, bob) = (sign_up(&store, "alice").await, sign_up(&store, "bob").await);
    let carol = sign_up(&store, "carol").await;
    assert_eq!(store.ask(request(alice, "bob", "first")).await.unwrap(), Asked::Waiting(Some(bob)));
    assert_eq!(store.ask(request(alice, "bob", "second")).await.unwrap(), Asked::Waiting(Some(bob)));
    let refused = [
        acceptance((bob, "bob"), "alice", "first"),
        acceptance((carol, "carol"), "alice", "second"),
        acceptance((bob, "bob"), "carol", "second"),
        NewAcceptance { asker_key: key("mallory"), ..acceptance((bob, "bob"), "alice", "second") },
    ];
    for wrong in refused {
        assert!(matches!(store.accept(wrong).await.unwrap(), Accepted::NoRequest));
    }
    assert_eq!(store.ask(request(bob, "alice", "crossed")).await.unwrap(), Asked::Waiting(Some(alice)));
    let accepted = store.accept(acceptance((bob, "bob"), "alice", "second")).await.unwrap();
    assert!(matches!(accepted, Accepted::Befriended(row) if row.friend == alice && row.request == b"second"));
    // The request that crossed is over, too.
    let crossed = store.accept(acceptance((alice, "alice"), "bob", "crossed")).await.unwrap();
    assert!(matches!(crossed, Accepted::NoRequest));
    assert_eq!(store.ask(request(alice, "bob", "third")).await.unwrap(), Asked::AlreadyFriends);
    assert!(store.friendship(bob, name("alice")).await.unwrap().is_some());
    assert!(store.friendship(bob, name("carol")).await.unwrap().is_none());
    let parted = store.part(bob, name("alice")).await.unwrap();
    assert_eq!(parted, Parted { friend: Some(alice), withdrawn: None });
    assert!(store.friendship(alice, name("bob")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_request_for_a_key_is_kept_only_where_name_and_key_belong_together() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let (alice, bob) = (sign_up(&store, "alice").await, sign_up(&store, "bob").await);
    assert_eq!(store.ask(request(alice, "bob", "good")).await.unwrap(), Asked::Waiting(Some(bob)));
    let to = |user: &str, owner: &str, nonce: &str| NewRequest {
        asked_key: Some(key(owner)),
        ..request(alice, user, nonce)
    };
    // Alike for a name that nobody has, and for somebody who blocks the asker.
    let carol = sign_up(&store, "carol").await;
    store.block(carol, name("carol"), name("alice")).await.unwrap();
    for (user, owner) in [("bob", "alice"), ("nobody", "nobody"), ("carol", "bob")] {
        assert_eq!(store.ask(to(user, owner, "bad")).await.unwrap(), Asked::Nobody);
    }
    assert_eq!(store.ask(to("carol", "carol", "right")).await.unwrap(), Asked::Dropped);
    // What waited waits still.
    let accepted = store.accept(acceptance((bob, "bob"), "alice", "good")).await.unwrap();
    assert!(matches!(accepted, Accepted::Befriended(_)));
}

#[tokio::test]
async fn requests_are_limited_both_ways_and_a_name_need_not_exist() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits { requests_outgoing: 2, requests_incoming: 3, friends: 1, ..Limits::default() };
    let store = open_with(data.path(), limits);
    let first = sign_up(&store, "asker0").await;
    assert_eq!(store.ask(request(first, "later", "a")).await.unwrap(), Asked::Waiting(None));
    assert_eq!(store.ask(request(first, "other", "b")).await.unwrap(), Asked::Waiting(None));
    assert_eq!(store.ask(request(first, "third", "c")).await.unwrap(), Asked::TooMany);
    assert_eq!(store.ask(request(first, "later", "d")).await.unwrap(), Asked::Waiting(None), "asking again replaces");
    for n in 1..5 {
        let asker = sign_up(&store, &format!("asker{n}")).await;
        store.ask(request(asker, "later", &format!("nonce{n}"))).await.unwrap();
    }
    let later = sign_up(&store, "later").await;
    let waiting: Vec<_> = store.circle(later, name("later"), device(1)).await.unwrap().pending;
    let waiting: Vec<_> = waiting.into_iter().map(|row| row.statement).collect();
    assert_eq!(waiting, [b"nonce2", b"nonce3", b"nonce4"], "the oldest give way");
    assert!(store.decline(name("later"), name("asker2")).await.unwrap());
    assert!(!store.decline(name("later"), name("asker2")).await.unwrap());
    let yes = |n: u32| acceptance((later, "later"), &format!("asker{n}"), &format!("nonce{n}"));
    assert!(matches!(store.accept(yes(3)).await.unwrap(), Accepted::Befriended(_)));
    assert!(matches!(store.accept(yes(4)).await.unwrap(), Accepted::TooMany));
}

#[tokio::test]
async fn a_block_is_silent_and_ends_everything() {
    let data = tempfile::tempdir().unwrap();
    let store = open_with(data.path(), Limits { blocks: 2, ..Limits::default() });
    let (alice, bob) = (sign_up(&store, "alice").await, sign_up(&store, "bob").await);
    befriend(&store, (alice, "alice"), (bob, "bob")).await;
    let parted = store.block(bob, name("bob"), name("alice")).await.unwrap();
    assert_eq!(parted, Some(Parted { friend: Some(alice), withdrawn: None }));
    assert_eq!(store.ask(request(alice, "bob", "please")).await.unwrap(), Asked::Dropped);
    assert!(store.circle(bob, name("bob"), device(1)).await.unwrap().pending.is_empty());
    assert!(store.block(bob, name("bob"), name("nobody")).await.unwrap().is_some());
    assert!(store.block(bob, name("bob"), name("another")).await.unwrap().is_none());
    store.unblock(bob, name("alice")).await.unwrap();
    assert_eq!(store.ask(request(alice, "bob", "please")).await.unwrap(), Asked::Waiting(Some(bob)));
}

#[tokio::test]
async fn who_wants_to_be_friends_does_not_block() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let (alice, bob) = (sign_up(&store, "alice").await, sign_up(&store, "bob").await);
    let blocked = || async { store.relation(alice, name("bob")).await.unwrap().blocked };
    // By asking, whatever comes of it.
    store.block(alice, name("alice"), name("bob")).await.unwrap();
    assert!(blocked().await);
    assert_eq!(store.ask(request(alice, "bob", "one")).await.unwrap(), Asked::Waiting(Some(bob)));
    assert!(!blocked().await);
    // By accepting, but not by failing to.
    store.ask(request(bob, "alice", "two")).await.unwrap();
    store.block(alice, name("alice"), name("bob")).await.unwrap();
    assert!(matches!(store.accept(acceptance((alice, "alice"), "bob", "two")).await.unwrap(), Accepted::NoRequest));
    assert!(blocked().await);
    let c = rusqlite::Connection::open(data.path().join("hobnob.db")).unwrap();
    c.execute(
        "INSERT INTO requests (asker, asked, hash, statement, created) VALUES (?1, 'alice', ?2, x'00', 0)",
        rusqlite::params![bob.0, blake3::hash(b"three").as_bytes().as_slice()],
    )
    .unwrap();
    let accepted = store.accept(acceptance((alice, "alice"), "bob", "three")).await.unwrap();
    assert!(matches!(accepted, Accepted::Befriended(_)));
    assert!(!blocked().await);
    // Whom somebody else blocks, and who blocks back, still hears nothing.
    store.block(bob, name("bob"), name("alice")).await.unwrap();
    store.block(alice, name("alice"), name("bob")).await.unwrap();
    assert_eq!(store.ask(request(alice, "bob", "four")).await.unwrap(), Asked::Dropped);
    store.unblock(bob, name("alice")).await.unwrap();
    assert!(!blocked().await, "the own block went with the request");
}

#[tokio::test]
async fn a_full_quota_of_requests_does_not_tell_who_blocks() {
    let data = tempfile::tempdir().unwrap();
    let store = open_with(data.path(), Limits { requests_outgoing: 1, ..Limits::default() });
    let (alice, bob) = (sign_up(&store, "alice").await, sign_up(&store, "bob").await);
    store.block(bob, name("bob"), name("alice")).await.unwrap();
    store.ask(request(alice, "somebody", "a")).await.unwrap();
    assert_eq!(store.ask(request(alice, "bob", "b")).await.unwrap(), Asked::TooMany);
}

#[tokio::test]
async fn a_damaged_or_newer_store_is_refused_and_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("hobnob.db");
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = SqliteStore::open(data.path(), &Arc::new(Limits::default())).err().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        error
    };
    assert!(matches!(refused(&[7; 5000]), OpenError::Damaged { .. }));
    std::fs::remove_file(&path).unwrap();

    let store = open(data.path());
    for n in 0..50 {
        sign_up(&store, &format!("user{n}")).await;
    }
    drop(store);
    let good = std::fs::read(&path).unwrap();
    let mut torn = good.clone();
    torn[4096 + 100..8192].fill(0xff);
    assert!(matches!(refused(&torn), OpenError::Damaged { .. }));
    assert!(matches!(refused(&good[..good.len() / 2]), OpenError::Damaged { .. }));

    std::fs::write(&path, &good).unwrap();
    let write = |sql: &str| {
        let c = rusqlite::Connection::open(&path).unwrap();
        c.execute_batch(sql).unwrap();
        drop(c);
        SqliteStore::open(data.path(), &Arc::new(Limits::default())).err().unwrap()
    };
    let error = write("INSERT INTO refinery_schema_history VALUES (99, 'future', 'yesterday', '1')");
    assert!(matches!(&error, OpenError::Damaged { .. }), "{error}");
    let error = write("UPDATE refinery_schema_history SET applied_on = '2030-01-01T00:00:00Z' WHERE version = 99");
    assert!(matches!(&error, OpenError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[test]
fn check_finds_what_belongs_to_nothing() {
    let data = tempfile::tempdir().unwrap();
    assert!(SqliteStore::check(data.path()).is_err());
    drop(open(data.path()));
    assert!(SqliteStore::check(data.path()).unwrap().is_empty());
    let c = rusqlite::Connection::open(data.path().join("hobnob.db")).unwrap();
    c.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO blocks VALUES (77, 'alice');").unwrap();
    drop(c);
    assert_eq!(SqliteStore::check(data.path()).unwrap().len(), 1);
}

#[tokio::test]
async fn when_somebody_was_seen_is_kept_only_where_it_is_allowed_and_told_only_to_who_allows_it_too() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let (alice, bob) = (sign_up(&store, "alice").await, sign_up(&store, "bob").await);
    befriend(&store, (alice, "alice"), (bob, "bob")).await;
    let seen = async |store: &SqliteStore| store.circle(alice, name("alice"), device(1)).await.unwrap();
    store.note_seen(bob, 60_000).await.unwrap();
    assert!(store.allow_seen(alice, true).await.unwrap().is_empty());
    store.allow_seen(bob, true).await.unwrap();
    assert!(seen(&store).await.friends_seen.is_empty(), "what was before counts no more");
    store.note_seen(bob, 120_000).await.unwrap();
    drop(store);
    let store = open(data.path());
    let circle = seen(&store).await;
    assert_eq!(circle.friends_seen, [SeenRow { account: bob, user: name("bob"), at: 120_000 }]);
    assert_eq!(circle.seen, Seen { allowed: true, at: None });
    assert_eq!(store.allow_seen(alice, true).await.unwrap(), circle.friends_seen, "saying it twice changes nothing");
    assert!(store.allow_seen(alice, false).await.unwrap().is_empty());
    assert!(seen(&store).await.friends_seen.is_empty());
    store.allow_seen(bob, false).await.unwrap();
    store.allow_seen(alice, true).await.unwrap();
    assert!(seen(&store).await.friends_seen.is_empty(), "it was erased");
}
