//! The file that is sent changes while it is sent: both sides say so, no mixture of two states ever gets a name, and chat goes on.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::{manifest, random_file};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, finished, hand_over, offer, say};
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;
/// Of the file, in bytes.
const SIZE: u64 = 24 * MIB + 5;
/// So much has arrived when it changes; what the sender has read is at most a few groups more.
const SOME: u64 = 4 * MIB;
/// So slow that it is surely in the middle then, in bytes a second.
const SLOW: u64 = 4 * MIB;

/// Sends `file` until it is in the middle; the transfer's id.
fn in_the_middle(alice: &mut Client, bob: &mut Client, file: &Path) -> String {
    alice.done(json!({"command": "set_rates", "up": SLOW}));
    let id = offer(alice, bob, file);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    let some = |event: &Value| {
        event["event"] == "file_progress" && event["transfer"] == *id && event["done"].as_u64() >= Some(SOME)
    };
    bob.wait("some of it", SOON, some);
    id
}

/// Both say so, in these words.
fn fails(alice: &mut Client, bob: &mut Client, id: &str, code: &str, here: &str, there: &str) {
    alice.done(json!({"command": "set_rates"}));
    for (client, text) in [(&mut *alice, here), (&mut *bob, there)] {
        let told = client.expect(json!({"event": "file_failed", "transfer": id}));
        assert_eq!((told["code"].as_str(), told["text"].as_str()), (Some(code), Some(text)), "{}", client.name());
    }
    assert!(manifest(&bob.start.downloads).is_empty(), "a file that never was got a name");
    say(alice, bob, "chat goes on");
}

/// Its name, and what it does to a file.
type Change<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>);

const CHANGED: &str = "The file changed while it was being sent. Send it again.";
const CHANGED_THERE: &str = "The file changed on alice's side while it was being sent. Ask alice to send it again.";

#[test]
fn a_source_that_changes_in_the_middle_ends_the_transfer_and_is_sent_anew() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let open = |path: &Path| File::options().write(true).open(path).unwrap();
    let changes: [Change<'_>; 6] = [
        ("appended", Box::new(|path| File::options().append(true).open(path).unwrap().write_all(b"more").unwrap())),
        ("truncated", Box::new(move |path| open(path).set_len(SIZE / 2).unwrap())),
        ("truncated-to-nothing", Box::new(move |path| open(path).set_len(0).unwrap())),
        // Of what was sent already, and of what is still to be sent: it is the same file no more in either case.
        ("edited-in-front", Box::new(move |path| open(path).write_all_at(b"another word", 5).unwrap())),
        ("edited-behind", Box::new(move |path| open(path).write_all_at(b"another word", SIZE - 20).unwrap())),
        (
            "replaced",
            Box::new(|path| {
                let other = random_file(&path.with_extension("new"), SIZE, 99);
                std::fs::rename(other, path).unwrap();
            }),
        ),
    ];
    for (n, (what, change)) in changes.iter().enumerate() {
        let file = random_file(&house.path(&format!("{what}.bin")), SIZE, n as u64);
        let id = in_the_middle(&mut alice, &mut bob, &file);
        change(&file);
        fails(&mut alice, &mut bob, &id, "source_changed", CHANGED, CHANGED_THERE);
        let partial = bob.start.profile.join("partial");
        until("of a state that is no more nothing is kept", SOON, || {
            std::fs::read_dir(&partial).unwrap().flatten().all(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                !name.starts_with(&id) || entry.metadata().is_ok_and(|data| data.len() == 0)
            })
        });
        bob.done(json!({"command": "cancel_file", "transfer": id}));
        alice.expect(json!({"event": "file_failed", "transfer": id, "code": "cancelled"}));
        // What it is now arrives.
        let arrived = hand_over(&mut alice, &mut bob, &file);
        std::fs::remove_file(arrived).unwrap();
    }
}

#[test]
fn a_source_that_is_deleted_in_the_middle_goes_on_once_it_is_back() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("gone.bin"), SIZE, 1);
    let id = in_the_middle(&mut alice, &mut bob, &file);
    let aside = house.path("aside.bin");
    std::fs::rename(&file, &aside).unwrap();
    let gone = "What was to be sent is no longer where it was, or cannot be read any more. Put it back, then resume.";
    let gone_there =
        "It is no longer there, or cannot be read, on alice's side. It goes on once alice has put it back.";
    fails(&mut alice, &mut bob, &id, "source_gone", gone, gone_there);
    std::fs::rename(&aside, &file).unwrap();
    bob.forget();
    alice.done(json!({"command": "resume_file", "transfer": id}));
    let first = bob.expect(json!({"event": "file_progress", "transfer": id}));
    assert!(first["done"].as_u64() >= Some(SOME), "it began anew: {first}");
    finished(&mut alice, &mut bob, &id, &file);
}

#[test]
fn a_source_that_another_took_the_place_of_while_it_was_away_is_not_gone_on_with() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("swapped.bin"), SIZE, 1);
    let id = in_the_middle(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "pause_file", "transfer": id}));
    alice.expect(json!({"event": "file_failed", "transfer": id, "code": "paused"}));
    std::fs::remove_file(&file).unwrap();
    random_file(&file, SIZE, 2);
    bob.done(json!({"command": "resume_file", "transfer": id}));
    fails(&mut alice, &mut bob, &id, "source_changed", CHANGED, CHANGED_THERE);
    bob.done(json!({"command": "cancel_file", "transfer": id}));
    hand_over(&mut alice, &mut bob, &file);
}
