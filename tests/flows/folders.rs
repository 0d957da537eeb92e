//! Folders: equal trees at the other end, through kills and absences, and true words about what did not come along.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::{manifest, random_file};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, linked, offer, text_of};
use serde_json::{Value, json};

/// A folder with everything that folders have: depth, emptiness, hidden names, many small files, one larger than a group.
fn folder(house: &House, name: &str, small: usize) -> PathBuf {
    let root = house.path(name);
    std::fs::create_dir_all(root.join("a/b/c/nothing in here")).unwrap();
    std::fs::create_dir_all(root.join("many")).unwrap();
    for n in 0..small {
        std::fs::write(root.join(format!("many/{n:05}.txt")), format!("file {n} ").repeat(n % 40)).unwrap();
    }
    random_file(&root.join("a/b/larger than a group.bin"), 3_500_000, 1);
    random_file(&root.join("a/b/c/ünïcödé ☕.jpg"), 70_000, 2);
    std::fs::write(root.join(".hidden"), "seen all the same").unwrap();
    root
}

fn finished(from: &mut Client, to: &mut Client, id: &str) -> (PathBuf, Value) {
    let arrived = to.expect_within(Duration::from_secs(90), json!({"event": "file_finished", "transfer": id}));
    let told = from.expect(json!({"event": "file_finished", "transfer": id}));
    assert_eq!(arrived["blake3"], told["blake3"]);
    assert_eq!(arrived["text"], told["text"], "both sides say the same of what is missing");
    (PathBuf::from(text_of(&arrived["path"])), arrived)
}

fn nothing_named_yet(downloads: &Path, name: &str) {
    assert!(!downloads.join(name).exists(), "{name} has its name before it is whole");
}

#[test]
fn a_folder_arrives_equal_down_to_the_last_empty_one() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let sent = folder(&house, "holiday", 2_000);
    std::os::unix::fs::symlink("/etc/passwd", sent.join("link")).unwrap();
    let made = alice.done(json!({"command": "send_file", "to": "@bob", "path": sent}));
    assert_eq!((&made["files"], &made["left_out"]), (&json!(2_003), &json!(1)));
    let id = text_of(&made["transfer"]);
    bob.expect(json!({"event": "file_offered", "transfer": id, "name": "holiday", "files": 2_003}));
    bob.done(json!({"command": "accept_file", "transfer": id}));
    let (path, told) = finished(&mut alice, &mut bob, &id);
    assert_eq!(path, bob.start.downloads.join("holiday"));
    assert_eq!((&told["text"], &told["skipped"]), (&Value::Null, &Value::Null));
    std::fs::remove_file(sent.join("link")).unwrap();
    assert_eq!(manifest(&path), manifest(&sent));
    let list = bob.done(json!({"command": "transfers"}));
    assert_eq!((&list["transfers"][0]["state"], &list["transfers"][0]["files"]), (&json!("finished"), &json!(2_003)));
    let partial = bob.start.profile.join("partial");
    until("nothing is left of it", SOON, || std::fs::read_dir(&partial).unwrap().count() == 0);
    // Somewhere else, and never over what is there.
    let id = offer(&mut alice, &mut bob, &sent);
    let elsewhere = house.path("elsewhere");
    bob.done(json!({"command": "accept_file", "transfer": id, "save_as": elsewhere}));
    assert_eq!(finished(&mut alice, &mut bob, &id).0, elsewhere);
    let id = offer(&mut alice, &mut bob, &sent);
    let why = bob.failed(json!({"command": "accept_file", "transfer": id, "save_as": elsewhere}));
    assert_eq!(why["code"], "name_taken");
}

#[test]
fn a_folder_of_nothing_and_a_folder_of_empty_files_arrive_too() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let (nothing, empty) = (house.path("nothing"), house.path("empty files"));
    std::fs::create_dir_all(&nothing).unwrap();
    std::fs::create_dir_all(empty.join("in")).unwrap();
    std::fs::write(empty.join("in/a"), "").unwrap();
    std::fs::write(empty.join("b"), "").unwrap();
    for sent in [nothing, empty] {
        let id = offer(&mut alice, &mut bob, &sent);
        bob.done(json!({"command": "accept_file", "transfer": id}));
        let (path, _) = finished(&mut alice, &mut bob, &id);
        assert_eq!(manifest(&path), manifest(&sent));
    }
}

#[test]
fn kills_of_both_sides_cost_little_and_nothing_has_its_name_before_it_is_whole() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let sent = folder(&house, "large", 500);
    for n in 0..50 {
        random_file(&sent.join(format!("many/photo {n}.raw")), 12_000_000 + n * 1_001, n);
    }
    let id = offer(&mut alice, &mut bob, &sent);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    let mut done = 0_u64;
    for kill in 0..4 {
        let far = |event: &Value| {
            event["event"] == "file_progress"
                && event["transfer"] == id
                && event["done"].as_u64() > Some(done + (8 << 20))
        };
        let progress = bob.wait("progress", SOON, far);
        nothing_named_yet(&bob.start.downloads, "large");
        if kill % 2 == 0 {
            alice.crash();
            bob.expect(json!({"event": "link", "user": "alice", "path": "none"}));
            bob.forget();
            alice = Client::again(&alice.start.clone());
        } else {
            bob.crash();
            bob = Client::again(&bob.start.clone());
        }
        linked(&mut alice, &mut bob, "direct");
        // The first word after going on says from where.
        let again = bob.wait("it goes on", SOON, |event| event["event"] == "file_progress" && event["transfer"] == id);
        let (before, after) = (progress["done"].as_u64().unwrap(), again["done"].as_u64().unwrap());
        assert!(after + (4 << 20) >= before, "kill {kill}: {before} were done, it goes on from {after}");
        done = after;
    }
    let (path, _) = finished(&mut alice, &mut bob, &id);
    assert_eq!(manifest(&path), manifest(&sent));
}

#[test]
fn a_folder_waits_for_a_friend_who_is_away_and_what_changed_meanwhile_is_left_out_and_said() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    assert!(bob.quit().success());
    let sent = folder(&house, "for later", 50);
    let made = alice.done(json!({"command": "send_file", "to": "@bob", "path": sent}));
    let id = text_of(&made["transfer"]);
    alice.crash();
    std::fs::write(sent.join("many/00007.txt"), "written after it was offered").unwrap();
    std::fs::remove_file(sent.join("many/00008.txt")).unwrap();
    let mut alice = Client::again(&alice.start.clone());
    let mut bob = Client::again(&bob.start.clone());
    bob.expect(json!({"event": "file_offered", "transfer": id, "name": "for later"}));
    bob.done(json!({"command": "accept_file", "transfer": id}));
    let (path, told) = finished(&mut alice, &mut bob, &id);
    assert_eq!(
        told["text"],
        "2 of 53 files did not come along: they changed or could not be read while they were sent."
    );
    assert_eq!(
        told["skipped"],
        json!([{"path": "many/00007.txt", "code": "source_changed"}, {"path": "many/00008.txt", "code": "source_gone"}])
    );
    let mut expected = manifest(&sent);
    expected.remove(Path::new("many/00007.txt"));
    assert_eq!(manifest(&path), expected);
    // Still known after a restart.
    bob.crash();
    let mut bob = Client::again(&bob.start.clone());
    let list = bob.done(json!({"command": "transfers"}));
    assert_eq!(list["transfers"][0]["text"], told["text"]);
}

#[test]
fn a_folder_goes_to_everybody_in_a_room() {
    let house = House::new();
    let mut people: Vec<Client> = ["alice", "bob", "carol"].iter().map(|name| house.person(name)).collect();
    for person in &mut people {
        person.done(json!({"command": "join_room", "room": "#tea"}));
    }
    for n in 1..people.len() {
        let (one, others) = people.split_first_mut().unwrap();
        linked(one, &mut others[n - 1], "direct");
    }
    let sent = folder(&house, "slides", 20);
    let made = people[0].done(json!({"command": "send_file", "to": "#tea", "path": sent}));
    let id = text_of(&made["transfer"]);
    for person in &mut people[1..] {
        person.expect(json!({"event": "file_offered", "transfer": id, "files": 23}));
        person.done(json!({"command": "accept_file", "transfer": id}));
        let told = person.expect_within(SOON * 2, json!({"event": "file_finished", "transfer": id}));
        assert_eq!(manifest(Path::new(told["path"].as_str().unwrap())), manifest(&sent));
    }
}

#[test]
fn cancelled_in_the_middle_nothing_of_it_is_left() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let sent = house.path("unwanted");
    std::fs::create_dir(&sent).unwrap();
    for n in 0..30 {
        random_file(&sent.join(format!("{n}.bin")), 12_000_000, n);
    }
    let id = offer(&mut alice, &mut bob, &sent);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    bob.wait("progress", SOON, |event| event["event"] == "file_progress" && event["done"].as_u64() > Some(4 << 20));
    bob.done(json!({"command": "cancel_file", "transfer": id}));
    alice.expect(json!({"event": "file_failed", "transfer": id, "code": "cancelled"}));
    for client in [&alice, &bob] {
        let partial = client.start.profile.join("partial");
        until("the partial folder is empty", SOON, || std::fs::read_dir(&partial).unwrap().count() == 0);
    }
    nothing_named_yet(&bob.start.downloads, "unwanted");
}
