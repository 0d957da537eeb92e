//! Rooms, devices, passwords and rosters in the store: who gets in, what is signed, what is kept; and how an older store is brought here.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use hobnob_shared::codec::from_cbor;
use hobnob_shared::id::{Hash, Incarnation, RoomId};
use hobnob_shared::identity::{ServerKey, ServerStatement, self_signed_server};
use hobnob_shared::limits::RECORDS_PER_PAGE;
use hobnob_shared::message::{MEMBERSHIP, Membership};

use super::tests::{befriend, device, key, name, new_account, open, open_with, sign_up};
use super::upgrade::embedded;
use super::*;
use crate::config::Limits;

fn notary() -> Arc<ServerKey> {
    let (_, key) = self_signed_server().unwrap();
    Arc::new(ServerKey::from_pkcs8(&key).unwrap())
}

fn tea() -> RoomId {
    "#tea".parse().unwrap()
}

/// A store with a key that signs, and people.
struct House {
    store: SqliteStore,
    notary: Arc<ServerKey>,
    _data: tempfile::TempDir,
}

impl House {
    fn new(limits: Limits) -> Self {
        let data = tempfile::tempdir().unwrap();
        Self { store: open_with(data.path(), limits), notary: notary(), _data: data }
    }

    async fn join_with(&self, who: (AccountId, &str), room: &RoomId, proof: Option<Hash>) -> Joined {
        let (account, user) = who;
        let new = NewMember { account, user: name(user), key: key(user), room: room.clone(), proof };
        self.store.join(new, Incarnation::random(), Arc::clone(&self.notary)).await.unwrap()
    }

    async fn join(&self, who: (AccountId, &str)) -> RoomChange {
        match self.join_with(who, &tea(), None).await {
            Joined::New(change) => *change,
            other => panic!("{other:?}"),
        }
    }

    async fn leave(&self, who: (AccountId, &str), membership: &RoomChange) -> Option<RoomChange> {
        let (account, user) = who;
        let leaving = Leaving {
            account,
            user: name(user),
            key: key(user),
            room: membership.head.room.clone(),
            incarnation: membership.head.incarnation,
            number: membership.record.number,
        };
        self.store.leave(leaving, Arc::clone(&self.notary)).await.unwrap()
    }

    /// What a record says, checked as a client does.
    fn said(&self, row: &RecordRow) -> Membership {
        let statement: ServerStatement = from_cbor(&row.record).unwrap();
        statement.verify(MEMBERSHIP, self.notary.fingerprint()).unwrap()
    }
}

#[tokio::test]
async fn memberships_are_numbered_and_signed_and_those_who_left_are_remembered() {
    let house = House::new(Limits::default());
    let alice = (sign_up(&house.store, "alice").await, "alice");
    let bob = (sign_up(&house.store, "bob").await, "bob");
    let (first, second) = (house.join(alice).await, house.join(bob).await);
    assert_eq!((first.head.owner, first.head.locked), (name("alice"), false));
    assert_eq!(second.head.incarnation, first.head.incarnation);
    let said = house.said(&second.record);
    assert_eq!((said.number, said.user, said.account, said.member), (2, name("bob"), key("bob"), true));
    assert!(matches!(house.join_with(bob, &tea(), None).await, Joined::Already(head) if *head == second.head));

    let left = house.leave(bob, &second).await.unwrap();
    let said = house.said(&left.record);
    assert_eq!((said.number, said.user, said.member), (3, name("bob"), false));
    let page = house.store.room_page(alice.0, first.head.key, 0).await.unwrap().unwrap();
    let numbers: Vec<_> = page.records.iter().map(|row| (row.account, row.number, row.member)).collect();
    assert_eq!(numbers, [(alice.0, 1, true), (bob.0, 3, false)]);
    assert!(!page.more && page.records.iter().all(|row| house.said(row).number == row.number));
    assert!(house.store.room_page(bob.0, first.head.key, 0).await.unwrap().is_none(), "bob may not look any more");
    let seats = house.store.circle(alice.0, name("alice"), device(1)).await.unwrap().rooms;
    assert_eq!(seats.iter().map(|seat| seat.number).collect::<Vec<_>>(), [1]);
    assert_eq!(seats[0].head, page.head);
}

#[tokio::test]
async fn a_membership_ends_once_and_a_room_that_all_have_left_is_another_one() {
    let house = House::new(Limits::default());
    let alice = (sign_up(&house.store, "alice").await, "alice");
    let bob = (sign_up(&house.store, "bob").await, "bob");
    let first = house.join(alice).await;
    assert!(house.leave(bob, &first).await.is_none(), "bob is not in it");
    house.leave(alice, &first).await.unwrap();
    assert!(house.leave(alice, &first).await.is_none());
    let again = house.join(alice).await;
    assert_ne!(again.head.incarnation, first.head.incarnation);
    assert!(again.head.key > first.head.key);
    assert_eq!(again.record.number, 1);
    // Kept from the room's earlier life, or from an earlier membership in this one.
    assert!(house.leave(alice, &first).await.is_none());
    house.join(bob).await;
    house.leave(alice, &again).await.unwrap();
    let third = house.join(alice).await;
    assert_eq!(third.head.incarnation, again.head.incarnation);
    assert!(house.leave(alice, &again).await.is_none());
    assert!(house.leave(alice, &third).await.is_some());
}

#[tokio::test]
async fn the_longest_member_owns_what_the_owner_leaves() {
    let house = House::new(Limits::default());
    let mut people = Vec::new();
    for user in ["alice", "bob", "carol"] {
        let who = (sign_up(&house.store, user).await, user);
        people.push((who, house.join(who).await));
    }
    let [(alice, first), (bob, second), (carol, _)] = people.as_slice() else { panic!() };
    // Bob was there before, but not all the time.
    house.leave(*bob, second).await.unwrap();
    house.join(*bob).await;
    let left = house.leave(*alice, first).await.unwrap();
    assert_eq!(left.head.owner, name("carol"));

    let remove =
        |owner: AccountId, user: &str| house.store.remove_member(owner, tea(), name(user), Arc::clone(&house.notary));
    assert!(matches!(remove(bob.0, "carol").await.unwrap(), ByOwner::Forbidden));
    assert!(matches!(remove(alice.0, "carol").await.unwrap(), ByOwner::NotFound), "alice is a stranger now");
    assert!(matches!(remove(carol.0, "alice").await.unwrap(), ByOwner::NotFound));
    assert!(matches!(remove(carol.0, "nobody").await.unwrap(), ByOwner::NotFound));
    let ByOwner::Done(removed) = remove(carol.0, "bob").await.unwrap() else { panic!("not removed") };
    let said = house.said(&removed.record);
    assert_eq!((said.user, said.account, said.member), (name("bob"), key("bob"), false));
}

#[tokio::test]
async fn a_password_is_asked_of_those_who_come_later() {
    let house = House::new(Limits::default());
    let alice = (sign_up(&house.store, "alice").await, "alice");
    let bob = (sign_up(&house.store, "bob").await, "bob");
    let (right, wrong) = (Some(Hash([1; 32])), Some(Hash([2; 32])));
    assert!(matches!(house.join_with(alice, &tea(), right).await, Joined::New(change) if change.head.locked));
    for proof in [None, wrong] {
        assert_eq!(house.join_with(bob, &tea(), proof).await, Joined::WrongPassword);
    }
    assert!(matches!(house.join_with(alice, &tea(), None).await, Joined::Already(_)));
    let set = |owner: AccountId, proof| house.store.set_room_password(owner, tea(), proof);
    assert_eq!(set(bob.0, None).await.unwrap(), ByOwner::NotFound);
    let ByOwner::Done(head) = set(alice.0, wrong).await.unwrap() else { panic!("not set") };
    assert_eq!((head.locked, head.number), (true, 2));
    assert_eq!(house.join_with(bob, &tea(), right).await, Joined::WrongPassword);
    assert!(matches!(set(alice.0, None).await.unwrap(), ByOwner::Done(head) if !head.locked));
    let Joined::New(change) = house.join_with(bob, &tea(), None).await else { panic!("not let in") };
    assert_eq!(change.record.number, 4);
    assert_eq!(set(bob.0, None).await.unwrap(), ByOwner::Forbidden);
}

#[tokio::test]
async fn rooms_members_and_those_remembered_are_limited() {
    let house = House::new(Limits { rooms: 2, room_members: 2, room_past_members: 2, ..Limits::default() });
    let alice = (sign_up(&house.store, "alice").await, "alice");
    house.join(alice).await;
    let other = |n: u32| format!("#other{n}").parse::<RoomId>().unwrap();
    assert!(matches!(house.join_with(alice, &other(1), None).await, Joined::New(_)));
    assert_eq!(house.join_with(alice, &other(2), None).await, Joined::TooManyRooms);
    for n in 0..5 {
        let user = format!("user{n}");
        let who = (sign_up(&house.store, &user).await, user.as_str());
        let membership = house.join(who).await;
        let late = (sign_up(&house.store, &format!("late{n}")).await, "late");
        assert_eq!(house.join_with(late, &tea(), None).await, Joined::RoomFull);
        house.leave(who, &membership).await.unwrap();
    }
    let seat = house.store.circle(alice.0, name("alice"), device(1)).await.unwrap().rooms.pop().unwrap();
    let page = house.store.room_page(alice.0, seat.head.key, 0).await.unwrap().unwrap();
    let names: Vec<_> = page.records.iter().map(|row| house.said(row).user).collect();
    assert_eq!(names, [name("alice"), name("user3"), name("user4")], "the oldest give way");
}

#[tokio::test]
async fn a_large_room_comes_in_pages() {
    let house = House::new(Limits::default());
    let members = RECORDS_PER_PAGE + 1;
    let mut first = None;
    for n in 0..members {
        let user = format!("user{n}");
        let who = (sign_up(&house.store, &user).await, user.as_str());
        let head = house.join(who).await.head;
        first.get_or_insert((who.0, head.key));
    }
    let (account, room) = first.unwrap();
    let page = house.store.room_page(account, room, 0).await.unwrap().unwrap();
    assert_eq!((page.records.len(), page.more), (RECORDS_PER_PAGE, true));
    let rest = house.store.room_page(account, room, page.records.last().unwrap().number).await.unwrap().unwrap();
    assert_eq!((rest.records.len(), rest.more), (1, false));
}

#[tokio::test]
async fn devices_go_and_the_password_changes_only_for_who_knows_the_one_that_holds() {
    let house = House::new(Limits::default());
    let store = &house.store;
    let (alice, bob) = (sign_up(store, "alice").await, sign_up(store, "bob").await);
    let carol = sign_up(store, "carol").await;
    befriend(store, (alice, "alice"), (bob, "bob")).await;
    house.join((alice, "alice")).await;
    house.join((carol, "carol")).await;
    let enrol = |number: u64, password: &str| {
        store.enrol(NewDevice {
            account: alice,
            device: device(2),
            certificate: b"device".to_vec(),
            list_number: number,
            device_list: b"list 2".to_vec(),
            password: password.as_bytes().to_vec(),
        })
    };
    let remove = |number: u64, password: &str| {
        store.set_devices(FewerDevices {
            account: alice,
            removed: vec![device(1)],
            list_number: number,
            device_list: b"list 3".to_vec(),
            password: password.as_bytes().to_vec(),
        })
    };
    let change = |old: &str, new: &str| {
        let [old, password, sealed] = [old, new, "sealed anew"].map(|text| text.as_bytes().to_vec());
        store.change_password(NewPassword { account: alice, old, password, sealed })
    };
    assert_eq!(enrol(2, "record").await.unwrap(), Some(vec![bob, carol]), "friends and room mates hear of it");
    assert_eq!(remove(2, "record").await.unwrap(), None);
    // Who was shown the old password's secrets may do nothing after it has changed.
    assert!(change("record", "new record").await.unwrap());
    assert!(!change("record", "another").await.unwrap());
    assert_eq!(remove(3, "record").await.unwrap(), None);
    assert_eq!(remove(3, "new record").await.unwrap(), Some(vec![bob, carol]));
    let locked = store.locked(name("alice")).await.unwrap().unwrap();
    assert_eq!((locked.password, locked.sealed), (b"new record".to_vec(), b"sealed anew".to_vec()));
    assert_eq!(locked.device_list, b"list 3");
    assert!(!store.account(key("alice"), device(1)).await.unwrap().unwrap().device_known);
    let circle = store.circle(alice, name("alice"), device(1)).await.unwrap();
    assert_eq!((circle.device_known, circle.list_number), (false, 3));
    assert!(store.account(key("alice"), device(2)).await.unwrap().unwrap().device_known);
}

#[tokio::test]
async fn a_roster_follows_the_one_before() {
    let house = House::new(Limits::default());
    let account = sign_up(&house.store, "alice").await;
    assert_eq!(house.store.roster(account).await.unwrap(), RosterRow::default());
    let put = |number, parts: &[&[u8]]| {
        let parts = parts.iter().map(|part| part.to_vec()).collect();
        house.store.put_roster(account, RosterRow { number, parts })
    };
    assert!(!put(2, &[b"early"]).await.unwrap());
    assert!(put(1, &[b"one", b"two", b"three"]).await.unwrap());
    assert!(!put(1, &[b"again"]).await.unwrap());
    assert!(put(2, &[b"four"]).await.unwrap());
    let roster = house.store.roster(account).await.unwrap();
    assert_eq!(roster, RosterRow { number: 2, parts: vec![b"four".to_vec()] });
    assert_eq!(house.store.circle(account, name("alice"), device(1)).await.unwrap().roster, 2);
}

#[tokio::test]
async fn a_store_of_the_version_before_is_brought_here_and_a_copy_of_it_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("hobnob.db");
    let mut c = rusqlite::Connection::open(&path).unwrap();
    embedded::migrations::runner().set_target(refinery::Target::Version(1)).run(&mut c).unwrap();
    c.execute(
        "INSERT INTO accounts (handle, key, certificate, password, sealed, list_number, device_list, created)
         VALUES ('alice', ?1, x'01', x'02', x'03', 1, x'04', 5)",
        [key("alice").0.as_slice()],
    )
    .unwrap();
    drop(c);
    let store = open(data.path());
    let alice = store.locked(name("alice")).await.unwrap().unwrap().account;
    let new = NewMember { account: alice, user: name("alice"), key: key("alice"), room: tea(), proof: None };
    assert!(matches!(store.join(new, Incarnation::random(), notary()).await.unwrap(), Joined::New(_)));
    sign_up(&store, "bob").await;
    drop(store);

    let copy = data.path().join("hobnob.db.before-1");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let c = rusqlite::Connection::open(&copy).unwrap();
    let version: i64 = c.query_row("SELECT MAX(version) FROM refinery_schema_history", [], |row| row.get(0)).unwrap();
    let people: i64 = c.query_row("SELECT COUNT(*) FROM accounts", [], |row| row.get(0)).unwrap();
    assert_eq!((version, people), (1, 1));
    drop(c);
    // Opened again there is nothing to do, and the copy stays as it is.
    let before = std::fs::read(&copy).unwrap();
    let store = open(data.path());
    assert!(matches!(store.sign_up(new_account("alice")).await.unwrap(), SignedUp::Taken));
    drop(store);
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    assert!(!data.path().join("hobnob.db.before-2").exists());
    assert_eq!(SqliteStore::check(data.path()).unwrap(), Vec::<String>::new());
}
