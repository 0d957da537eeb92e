//! A large file goes on after either side was killed, and nothing that was verified is read again for that. `HOBNOB_RESUME_GIB=5` says how
//! large; a plain run takes less.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, finished, linked, offer};
use rustix::process::Signal;
use serde_json::{Value, json};

const GIB: u64 = 1 << 30;
/// A file takes at least so long, in seconds: time to kill somebody in its middle.
const LASTS: u64 = 10;
/// What a program reads of other things, and of the file behind the place where it goes on until that is seen, in bytes.
const ELSE: u64 = 64 << 20;

fn size() -> u64 {
    let wished = std::env::var("HOBNOB_RESUME_GIB").ok().and_then(|text| text.parse().ok());
    wished.unwrap_or(1) * GIB
}

/// A word, a hole, and another word.
fn sparse(path: &Path, size: u64) -> PathBuf {
    let file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    file.write_all_at(b"the first word", 0).unwrap();
    file.write_all_at(b"the last word", size - 13).unwrap();
    path.to_owned()
}

/// Bytes that the program has read by calls to the system since it was started.
fn has_read(client: &Client) -> u64 {
    let counts = std::fs::read_to_string(format!("/proc/{}/io", client.process.id())).unwrap();
    let line = counts.lines().find_map(|line| line.strip_prefix("rchar:"));
    line.unwrap().trim().parse().unwrap()
}

/// Waits until so much is verified; how much it is.
fn reaches(client: &mut Client, least: u64) -> u64 {
    let far = |event: &Value| event["event"] == "file_progress" && event["done"].as_u64() >= Some(least);
    client.wait(&format!("{least} bytes"), SOON * 3, far)["done"].as_u64().unwrap()
}

#[test]
fn a_large_file_goes_on_where_it_was_without_reading_what_is_verified() {
    let size = size();
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = sparse(&house.path("large.img"), size);
    bob.done(json!({"command": "set_rates", "down": size / LASTS}));
    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id}));

    let verified = reaches(&mut bob, size / 10 * 6);
    // The sender is held meanwhile, so that nothing comes before the receiver is looked at.
    alice.process.signal(Signal::STOP);
    bob.crash();
    assert!(!bob.saw(&json!({"event": "file_finished"})), "it was over too soon to test anything");
    let mut bob = Client::again(&bob.start);
    alice.process.signal(Signal::CONT);
    linked(&mut alice, &mut bob, "direct");
    let goes_on = reaches(&mut bob, verified + 1);
    let read = has_read(&bob);
    assert!(read < ELSE.min(verified / 4), "{verified} bytes were verified, and the receiver read {read} to go on");
    println!("the receiver went on behind {verified} verified bytes, and read {read} until that was seen");
    let first = bob.all(&json!({"event": "file_progress"}))[0]["done"].as_u64().unwrap();
    assert!(first >= verified, "{verified} bytes were verified, and it began at {first}");

    let verified = reaches(&mut bob, goes_on.max(size / 10 * 7));
    alice.crash();
    assert!(!bob.saw(&json!({"event": "file_finished"})), "it was over too soon to test anything");
    let mut alice = Client::again(&alice.start);
    let begun = |event: &Value| event["event"] == "file_progress" && event["done"].as_u64() > Some(0);
    let from = alice.wait("where it begins", SOON, begun)["done"].as_u64().unwrap();
    assert!(from >= verified, "{verified} bytes were verified, and it began at {from}");
    reaches(&mut alice, from + 1);
    let read = has_read(&alice);
    assert!(read < ELSE.max(verified / 4), "{verified} bytes were verified, and the sender read {read} to go on");
    println!("the sender went on behind {verified} verified bytes, and read {read} until that was seen");

    bob.done(json!({"command": "set_rates"}));
    let arrived = finished(&mut alice, &mut bob, &id, &file);
    let kept = std::fs::metadata(&arrived).unwrap();
    assert_eq!(kept.len(), size);
    assert!(kept.blocks() * 512 < ELSE, "the hole takes {} blocks", kept.blocks());
    let partial = bob.start.profile.join("partial");
    until("nothing is left in the profile", SOON, || std::fs::read_dir(&partial).unwrap().count() == 0);
}
