//! Files: equal at the other end, inside the download folder, whole or not at all; and everything that can go wrong with them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::disk::SmallDisk;
use hobnob_tests::files::{hash, manifest, random_file};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, finished, hand_over, linked, offer, say, text_of};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Long enough that a test on a busy machine can do something while it is under way, in bytes.
const LONG: u64 = 320 << 20;

#[test]
fn a_file_of_20_mb_is_equal_at_the_other_end() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("holiday.jpg"), 20_000_000, 7);
    let arrived = hand_over(&mut alice, &mut bob, &file);
    assert_eq!(arrived.file_name().unwrap(), "holiday.jpg");
    assert_eq!(manifest(&bob.start.downloads).len(), 1, "nothing else is left there");
    let mode = std::fs::metadata(&arrived).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0, "never executable");
    let progress = bob.all(&json!({"event": "file_progress"}));
    assert!(progress.iter().all(|event| event["size"] == 20_000_000 && event["done"].as_u64() <= Some(20_000_000)));
    let list = bob.done(json!({"command": "transfers"}));
    assert_eq!(list["transfers"][0]["state"], "finished");
}

#[test]
fn sizes_around_the_edges_of_a_group_and_several_at_once() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let sizes = [0_u64, 1, 1023, 1024, 1025, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, (5 << 20) + 7];
    let mut running = Vec::new();
    for (n, size) in sizes.into_iter().enumerate() {
        let (from, to) = if n % 2 == 0 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        let file = random_file(&house.path(&format!("file {n}.bin")), size, n as u64);
        let id = offer(from, to, &file);
        to.done(json!({"command": "accept_file", "transfer": id}));
        running.push((n, id, file));
    }
    for (n, id, file) in running {
        let (from, to) = if n % 2 == 0 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        finished(from, to, &id, &file);
    }
}

#[test]
fn chat_goes_on_while_a_file_runs() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("big.bin"), 64 << 20, 3);
    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    for n in 0..20 {
        say(&mut alice, &mut bob, &format!("meanwhile {n}"));
        say(&mut bob, &mut alice, &format!("indeed {n}"));
    }
    finished(&mut alice, &mut bob, &id, &file);
}

#[test]
fn declined_and_cancelled_leave_nothing() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("unwanted.bin"), LONG, 4);

    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "decline_file", "transfer": id}));
    alice.expect(json!({"event": "file_failed", "transfer": id, "code": "declined"}));

    let id = offer(&mut alice, &mut bob, &file);
    alice.done(json!({"command": "cancel_file", "transfer": id}));
    bob.expect(json!({"event": "file_failed", "transfer": id, "code": "cancelled"}));
    bob.failed(json!({"command": "accept_file", "transfer": id}));

    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    bob.expect(json!({"event": "file_progress", "transfer": id}));
    alice.done(json!({"command": "cancel_file", "transfer": id}));
    bob.expect(json!({"event": "file_failed", "transfer": id, "code": "cancelled"}));
    assert!(manifest(&bob.start.downloads).is_empty());
    say(&mut alice, &mut bob, "never mind");
}

#[test]
fn a_transfer_goes_on_after_either_side_crashed() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("long.bin"), LONG, 5);
    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    let some = |event: &Value| event["event"] == "file_progress" && event["done"].as_u64() > Some(4 << 20);
    bob.wait("a few groups", SOON, some);
    // The sender is held while the receiver crashes and comes back, so that it surely happens in the middle.
    alice.process.signal(Signal::STOP);
    bob.crash();
    assert!(!bob.saw(&json!({"event": "file_finished"})), "it was over too soon to test anything");
    let mut bob = Client::again(&bob.start);
    alice.process.signal(Signal::CONT);
    let from = bob.expect_within(SOON * 2, json!({"event": "file_progress", "transfer": id}));
    assert!(from["done"].as_u64().unwrap() > 0, "it began anew: {from}");
    alice.crash();
    let mut alice = Client::again(&alice.start);
    finished(&mut alice, &mut bob, &id, &file);
    assert_eq!(manifest(&bob.start.downloads).len(), 1);
}

#[test]
fn pause_and_resume() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("paused.bin"), LONG, 6);
    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    bob.expect(json!({"event": "file_progress", "transfer": id}));
    bob.done(json!({"command": "pause_file", "transfer": id}));
    bob.forget();
    assert!(!bob.saw(&json!({"event": "file_finished"})), "it was over too soon to test anything");
    assert!(manifest(&bob.start.downloads).is_empty(), "no final name before the end");
    bob.done(json!({"command": "resume_file", "transfer": id}));
    finished(&mut alice, &mut bob, &id, &file);
}

#[test]
fn what_cannot_be_sent_is_refused_with_a_sentence() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let fifo = house.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [house.path("nowhere"), fifo, "/dev/zero".into(), "".into(), "relative/nowhere".into()] {
        alice.failed(json!({"command": "send_file", "to": "@bob", "path": path}));
    }
    // Root reads everything, so this one means something to other users only.
    let locked = random_file(&house.path("locked"), 10, 1);
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&locked).is_err() {
        alice.failed(json!({"command": "send_file", "to": "@bob", "path": locked}));
    }
    let good = random_file(&house.path("good"), 10, 1);
    alice.failed(json!({"command": "send_file", "to": "@nobody", "path": good}));
    hand_over(&mut alice, &mut bob, &good);
}

#[test]
fn a_file_that_vanished_or_changed_fails_on_both_sides_and_no_name_appears() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("gone.bin"), 1 << 20, 1);
    let id = offer(&mut alice, &mut bob, &file);
    std::fs::remove_file(&file).unwrap();
    bob.done(json!({"command": "accept_file", "transfer": id}));
    for client in [&mut alice, &mut bob] {
        let failed = client.expect(json!({"event": "file_failed", "transfer": id}));
        assert!(failed["text"].as_str().unwrap().contains(' '), "{failed}");
    }

    let file = random_file(&house.path("shrunk.bin"), 8 << 20, 1);
    let id = offer(&mut alice, &mut bob, &file);
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(100).unwrap();
    bob.done(json!({"command": "accept_file", "transfer": id}));
    bob.expect(json!({"event": "file_failed", "transfer": id}));
    assert!(manifest(&bob.start.downloads).is_empty());
    say(&mut alice, &mut bob, "sorry");
}

#[test]
fn a_download_folder_that_is_missing_or_cannot_be_written_fails_the_transfer_and_nothing_else() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("x.bin"), 1 << 20, 1);
    // A file where the folder should be: nobody can write into that, not even root.
    std::fs::remove_dir(&bob.start.downloads).unwrap();
    std::fs::write(&bob.start.downloads, "in the way").unwrap();
    let id = offer(&mut alice, &mut bob, &file);
    let answer = bob.ask(json!({"command": "accept_file", "transfer": id}));
    if answer.is_ok() {
        let failed = bob.expect(json!({"event": "file_failed", "transfer": id}));
        assert!(failed["text"].as_str().unwrap().contains(' '), "{failed}");
    }
    say(&mut alice, &mut bob, "chat goes on");
    std::fs::remove_file(&bob.start.downloads).unwrap();
    std::fs::create_dir(&bob.start.downloads).unwrap();
    hand_over(&mut alice, &mut bob, &file);
}

#[test]
fn a_full_download_folder_fails_the_transfer_and_leaves_nothing_there() {
    let house = House::new();
    let small = house.path("bob-downloads");
    let Some(_disk) = SmallDisk::mount(&small, 4) else { return };
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("large.bin"), 16 << 20, 1);
    let id = offer(&mut alice, &mut bob, &file);
    let answer = bob.ask(json!({"command": "accept_file", "transfer": id}));
    if answer.is_ok() {
        let failed = bob.expect_within(SOON * 2, json!({"event": "file_failed", "transfer": id}));
        assert!(failed["text"].as_str().unwrap().contains(' '), "{failed}");
    }
    assert!(manifest(&small).is_empty(), "{:?}", manifest(&small));
    say(&mut alice, &mut bob, "chat goes on");
    let fits = random_file(&house.path("fits.bin"), 1 << 20, 2);
    hand_over(&mut alice, &mut bob, &fits);
}

#[test]
fn save_as_chooses_the_place_and_never_overwrites() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("report.pdf"), 1 << 20, 8);
    let chosen = house.path("elsewhere.pdf");
    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id, "save_as": chosen}));
    let arrived = bob.expect(json!({"event": "file_finished", "transfer": id}));
    assert_eq!(text_of(&arrived["path"]), chosen.to_string_lossy());
    assert_eq!(hash(&chosen), hash(&file));

    let first = hand_over(&mut alice, &mut bob, &file);
    let second = hand_over(&mut alice, &mut bob, &file);
    assert_ne!(first, second, "the second got a name of its own");
    assert_eq!(hash(&first), hash(&second));
}

#[test]
fn an_offer_waits_for_who_is_away_and_survives_restarts() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("later.bin"), 2 << 20, 8);
    let id = offer(&mut alice, &mut bob, &file);
    assert!(bob.quit().success());
    assert!(alice.quit().success());
    let mut alice = Client::again(&alice.start);
    let mut bob = Client::again(&bob.start);
    bob.expect(json!({"event": "file_offered", "transfer": id, "name": "later.bin", "size": 2 << 20}));
    linked(&mut alice, &mut bob, "direct");
    bob.done(json!({"command": "accept_file", "transfer": id}));
    finished(&mut alice, &mut bob, &id, &file);
}

#[test]
fn a_receiver_that_stands_still_does_not_fill_the_senders_memory() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("still.bin"), 128 << 20, 2);
    let before = alice.process.memory();
    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    bob.expect(json!({"event": "file_progress", "transfer": id}));
    bob.process.signal(Signal::STOP);
    // Progress stops by itself once all buffers on the way are full.
    let (mut last, mut since) = (0, Instant::now());
    until("the sender stands still too", SOON, || {
        alice.forget();
        let now = alice.all(&json!({"event": "file_progress"})).len();
        if std::mem::replace(&mut last, now) != now {
            since = Instant::now();
        }
        // Ten times as long as progress is told at most.
        since.elapsed() > Duration::from_secs(1)
    });
    let grown = alice.process.memory().saturating_sub(before);
    bob.process.signal(Signal::CONT);
    assert!(grown < 64 * 1024, "the sender grew by {grown} KiB");
    finished(&mut alice, &mut bob, &id, &file);
}

#[test]
fn a_rule_takes_what_it_says_without_asking_and_ends_with_the_friendship() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let (small, large) =
        (random_file(&house.path("small.txt"), 900, 1), random_file(&house.path("large.bin"), 70_000, 2));
    assert_eq!(bob.done(json!({"command": "file_rule", "user": "alice"}))["accept"], "ask");
    bob.done(json!({"command": "set_file_rule", "user": "alice", "accept": "up_to", "size": 1_000}));
    let id = offer(&mut alice, &mut bob, &small);
    finished(&mut alice, &mut bob, &id, &small);
    let waits = offer(&mut alice, &mut bob, &large);
    say(&mut alice, &mut bob, "and a word behind it");
    let list = bob.done(json!({"command": "transfers"}));
    assert_eq!(list["transfers"][1]["state"], "offered", "larger than the rule says");

    bob.done(json!({"command": "set_file_rule", "user": "alice", "accept": "always"}));
    bob.crash();
    let mut bob = Client::again(&bob.start);
    linked(&mut alice, &mut bob, "direct");
    assert_eq!(bob.done(json!({"command": "file_rule", "user": "alice"}))["accept"], "always");
    let id = offer(&mut alice, &mut bob, &large);
    finished(&mut alice, &mut bob, &id, &large);
    // What was offered before the rule still waits for a person.
    bob.done(json!({"command": "decline_file", "transfer": waits}));
    assert_eq!(
        bob.failed(json!({"command": "set_file_rule", "user": "carol", "accept": "ask"}))["code"],
        "not_friends"
    );
    assert_eq!(
        bob.failed(json!({"command": "set_file_rule", "user": "alice", "accept": "maybe"}))["code"],
        "bad_command"
    );

    bob.done(json!({"command": "remove_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_removed", "user": "bob"}));
    hobnob_tests::story::befriend(&mut alice, &mut bob);
    assert_eq!(bob.done(json!({"command": "file_rule", "user": "alice"}))["accept"], "ask");
}
