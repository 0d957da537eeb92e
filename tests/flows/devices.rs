//! Several devices of one account: removing one, changing the password, and what a new one knows of people before it believes the server.

use std::path::Path;
use std::time::{Duration, Instant};

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::story::{House, PASSWORD, befriend, linked, say};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

const NEW_PASSWORD: &str = "battery staple 8";
/// Changes are put within a second or so.
const QUIET: Duration = Duration::from_secs(3);
/// As long as a client that wanted to would need many times over to find a friend again.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

/// Another device of Alice's, signed in, in a profile of that name.
fn device_of_alice(house: &House, name: &str) -> Client {
    let mut device = Client::start(&house.start(name));
    device.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    device
}

/// The account's devices, as this one lists them: those that it is not.
fn others(client: &mut Client) -> Vec<Value> {
    let answer = client.done(json!({"command": "devices"}));
    let devices = answer["devices"].as_array().cloned().unwrap_or_default();
    devices.into_iter().filter(|device| device["this"] == false).map(|device| device["device"].clone()).collect()
}

/// Asks a store of a running program until the answer is the wanted one.
fn until_stored(store: &Path, question: &str, wanted: i64) {
    let deadline = Instant::now() + SOON;
    loop {
        let found = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|store| store.query_row(question, [], |row| row.get::<_, i64>(0)));
        if found.as_ref().is_ok_and(|found| *found == wanted) {
            return;
        }
        assert!(Instant::now() < deadline, "{question} gave {found:?}, not {wanted}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until the server has a roster of Alice's and gets no other one for a while: her devices have told each other everything.
fn roster_is_settled(house: &House) {
    let number = || {
        let question = "SELECT r.number FROM rosters r JOIN accounts a ON a.id = r.account WHERE a.handle = 'alice'";
        Connection::open_with_flags(house.server.data.join("hobnob.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|store| store.query_row(question, [], |row| row.get::<_, i64>(0)))
            .ok()
    };
    let deadline = Instant::now() + SOON;
    let (mut known, mut since) = (number(), Instant::now());
    while known.is_none() || since.elapsed() < QUIET {
        assert!(Instant::now() < deadline, "the roster at the server: {known:?}");
        std::thread::sleep(Duration::from_millis(100));
        let found = number();
        if found != known {
            (known, since) = (found, Instant::now());
        }
    }
}

fn blocks_on_disk(client: &Client, wanted: i64) {
    until_stored(
        &client.start.profile.join("history.db"),
        "SELECT count(*) FROM blocks WHERE user = 'mallory'",
        wanted,
    );
}

#[test]
fn a_removed_device_is_signed_out_and_its_links_end() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut laptop = device_of_alice(&house, "laptop");
    laptop.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    alice.expect(json!({"event": "link", "user": "alice", "path": "direct"}));
    let listed = others(&mut alice);
    let [device] = listed.as_slice() else { panic!("one other device: {listed:?}") };
    let own = others(&mut laptop)[0].clone();

    let remove =
        |password: &str, device: &Value| json!({"command": "remove_device", "password": password, "device": device});
    let wrong = alice.failed(remove("not the password", device));
    assert_eq!(wrong["code"], "wrong_password");
    let unknown = alice.failed(remove(PASSWORD, &json!("ab".repeat(32))));
    assert_eq!(unknown["code"], "not_found");
    alice.failed(remove(PASSWORD, &own));
    assert_eq!(others(&mut laptop).len(), 1, "nothing has happened");
    alice.forget();

    alice.done(remove(PASSWORD, device));
    let list = alice.expect(json!({"event": "devices"}));
    assert_eq!(list["devices"].as_array().map(Vec::len), Some(1));
    laptop.expect(json!({"event": "signed_out", "reason": "device_removed"}));
    laptop.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    alice.expect(json!({"event": "link", "user": "alice", "path": "none"}));
    // The device that removed it goes on as if nothing had happened.
    say(&mut alice, &mut bob, "one device fewer");
    assert!(!alice.saw(&json!({"event": "signed_out"})));
    bob.forget();
    assert!(bob.all(&json!({"event": "alarm"})).is_empty());

    // It comes back with the password alone, as another device.
    let failed = laptop.failed(json!({"command": "sign_in", "user": "alice"}));
    assert_eq!(failed["code"], "password_needed");
    laptop.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    laptop.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    let again = others(&mut alice);
    assert!(again.len() == 1 && again[0] != *device, "{again:?}");
}

#[test]
fn a_friend_who_was_away_refuses_a_removed_device_that_does_not_know_it_yet() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut laptop = device_of_alice(&house, "laptop");
    laptop.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    let listed = others(&mut alice);
    assert!(laptop.quit().success());
    assert!(bob.quit().success());
    alice.done(json!({"command": "remove_device", "password": PASSWORD, "device": listed[0]}));

    // Bob hears of it when he comes back.
    let mut bob = Client::again(&bob.start);
    linked(&mut alice, &mut bob, "direct");
    // Without the server nobody tells the laptop, and it looks for those whom it met.
    house.server.crash();
    bob.expect(json!({"event": "server", "state": "offline"}));
    let mut laptop = Client::start(&laptop.start);
    let sent = laptop.done(json!({"command": "send", "to": "@bob", "text": "let me in"}));
    std::thread::sleep(LONG_ENOUGH);
    say(&mut alice, &mut bob, "only I am here");
    laptop.forget();
    assert!(!laptop.saw(&json!({"event": "message_state", "state": "delivered"})));
    assert!(!bob.saw(&json!({"event": "message", "message": sent["message"]})));
    assert!(!alice.saw(&json!({"event": "message", "message": sent["message"]})));

    // The server tells it.
    house.server.restart();
    laptop.expect_within(SOON * 2, json!({"event": "signed_out", "reason": "device_removed"}));
}

#[test]
fn the_password_changes_and_nobody_is_disturbed() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut laptop = device_of_alice(&house, "laptop");
    laptop.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    alice.forget();
    let change = |old: &str, new: &str| json!({"command": "change_password", "password": old, "new_password": new});
    let weak = alice.failed(change(PASSWORD, "short"));
    assert_eq!(weak["code"], "weak_password");
    let wrong = alice.failed(change("not the password", NEW_PASSWORD));
    assert_eq!(wrong["code"], "wrong_password");

    // One such thing at a time.
    let first = alice.post(change(PASSWORD, NEW_PASSWORD));
    let second = alice.post(change(PASSWORD, "another one 9"));
    assert_eq!(alice.answer(&second).unwrap_err()["code"], "busy");
    alice.answer(&first).unwrap();

    let mut third = Client::start(&house.start("third"));
    let old = third.failed(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    assert_eq!(old["code"], "wrong_password");
    third.done(json!({"command": "sign_in", "user": "alice", "password": NEW_PASSWORD}));
    let number = alice.done(json!({"command": "safety_number", "user": "bob"}))["safety_number"].clone();
    let same = third.done(json!({"command": "safety_number", "user": "bob"}))["safety_number"].clone();
    assert_eq!(number, same, "the account has kept its key");

    say(&mut alice, &mut bob, "under a new password");
    for device in [&mut alice, &mut laptop] {
        device.done(json!({"command": "friends"}));
        assert!(!device.saw(&json!({"event": "signed_out"})), "the others stay signed in");
        assert!(!device.saw(&json!({"event": "server", "state": "offline"})));
    }
    // What takes a password after that takes the new one.
    let listed = others(&mut alice);
    let old = alice.failed(json!({"command": "remove_device", "password": PASSWORD, "device": listed[0]}));
    assert_eq!(old["code"], "wrong_password");
    for password in [PASSWORD, NEW_PASSWORD] {
        let found = hobnob_tests::files::contains(&house.home, password.as_bytes());
        assert_eq!(found, None, "a password is on a disk");
        assert!(!alice.process.log().text().contains(password));
    }
}

#[test]
fn a_new_device_knows_marks_and_blocks_and_the_old_one_hears_of_what_it_decides() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut mallory = house.person("mallory");
    befriend(&mut alice, &mut mallory);
    alice.done(json!({"command": "verify", "user": "bob"}));
    alice.done(json!({"command": "block", "user": "mallory"}));
    roster_is_settled(&house);

    let mut laptop = device_of_alice(&house, "laptop");
    blocks_on_disk(&laptop, 1);
    assert_eq!(laptop.friend("bob")["verified"], true, "known as soon as it is signed in");
    assert!(laptop.all(&json!({"event": "alarm"})).is_empty());
    say(&mut alice, &mut bob, "hello to all of us");

    // What the new one decides, the old one hears of; and it is kept over a restart.
    laptop.done(json!({"command": "unblock", "user": "mallory"}));
    blocks_on_disk(&alice, 0);
    alice.done(json!({"command": "block", "user": "mallory"}));
    blocks_on_disk(&laptop, 1);
    assert!(laptop.quit().success());
    let laptop = Client::again(&laptop.start);
    blocks_on_disk(&laptop, 1);
}

#[test]
fn a_server_that_shows_a_new_device_a_false_friend_is_found_out() {
    let mut house = House::new();
    let (alice, mut bob) = house.alice_and_bob();
    let mut mallory = house.person("mallory");
    roster_is_settled(&house);
    bob.crash();
    drop(alice);
    house.server.crash();
    let store = Connection::open(house.server.data.join("hobnob.db")).unwrap();
    store
        .execute_batch(
            "UPDATE accounts SET handle = 'the.true.bob' WHERE handle = 'bob';
             UPDATE accounts SET handle = 'bob' WHERE handle = 'mallory';
             UPDATE friendships SET high = (SELECT id FROM accounts WHERE handle = 'bob');",
        )
        .unwrap();
    drop(store);
    house.server.restart();

    // It has never seen Bob itself; the account's other devices have.
    let mut laptop = device_of_alice(&house, "laptop");
    let alarm = laptop.expect(json!({"event": "alarm", "code": "key_changed", "user": "bob"}));
    assert!(alarm["text"].as_str().unwrap().contains(' '), "a sentence: {alarm}");
    let _refused = laptop.ask(json!({"command": "send", "to": "@bob", "text": "for the true bob only"}));
    laptop.forget();
    mallory.forget();
    assert!(!mallory.saw(&json!({"event": "message"})));
    assert!(!laptop.saw(&json!({"event": "link", "user": "bob", "path": "direct"})));
}
