//! Transfers through many crashes: at random moments of either side, and at one system call after the other of the receiver.
//! `HOBNOB_KILLS=50` and `HOBNOB_CRASHES=100` say how many; a plain run takes fewer.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::{hash, random_file};
use hobnob_tests::namespace::{Run, alone, over_loopback};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, linked, offer, text_of};
use rand::{Rng, SeedableRng};
use serde_json::json;

/// Of the file that goes through the storm, in bytes.
const SIZE: u64 = 256 << 20;
const MIB: u64 = 1 << 20;
/// A kill may cost so much, in bytes.
const COST: u64 = 4 * MIB;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Bytes that the receiver has verified, by what it keeps of them: 64 bytes, then 32 for each group.
fn verified(profile: &Path, transfer: &str) -> u64 {
    let kept = std::fs::metadata(profile.join("partial").join(format!("{transfer}.groups")));
    kept.map_or(0, |data| data.len().saturating_sub(64) / 32 * MIB)
}

/// What lies in the download folder, hidden copies included.
fn named(downloads: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(downloads).unwrap().flatten().map(|entry| entry.path()).collect()
}

fn state_of(client: &mut Client, id: &str) -> String {
    let list = client.done(json!({"command": "transfers"}));
    let all = list["transfers"].as_array().unwrap();
    let one = all.iter().find(|transfer| transfer["transfer"] == id);
    one.map_or_else(|| "unknown".to_owned(), |transfer| text_of(&transfer["state"]))
}

/// What went over the wire up to a kill, and what of it had been verified, in bytes.
#[derive(Default)]
struct Wire {
    sent: u64,
    verified: u64,
}

impl Wire {
    /// Bytes since the last kill that were sent and not verified: they are sent again. Headers, answers and handshakes count as well.
    fn since(&mut self, verified: u64) -> u64 {
        let sent = over_loopback();
        let lost = (sent - self.sent).saturating_sub(verified - self.verified);
        (self.sent, self.verified) = (sent, verified);
        lost
    }
}

fn storm(test: &str, kill_sender: bool) {
    let wire = match alone(&format!("file_storms::{test}"), "") {
        Run::Inner => Some(Wire::default()),
        Run::Done => return,
        // The storm goes on, only nobody counts what goes over the wire.
        Run::Impossible => None,
    };
    storm_over(wire, kill_sender);
}

fn storm_over(mut wire: Option<Wire>, kill_sender: bool) {
    let kills = number("HOBNOB_KILLS", 8);
    let mut random = rand::rngs::SmallRng::seed_from_u64(u64::from(kill_sender));
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("storm.bin"), SIZE, 9);
    let truth = hash(&file);
    let (mut killed, mut cost, mut files, mut id) = (0, Vec::new(), 0, None::<String>);
    if let Some(wire) = &mut wire {
        wire.since(0);
    }
    while killed < kills {
        let transfer = id.take().unwrap_or_else(|| {
            let id = offer(&mut alice, &mut bob, &file);
            bob.done(json!({"command": "accept_file", "transfer": id}));
            id
        });
        let target = verified(&bob.start.profile, &transfer) + MIB * random.gen_range(1..64);
        let downloads = bob.start.downloads.clone();
        until("it gets so far, or is whole", SOON, || {
            verified(&bob.start.profile, &transfer) >= target.min(SIZE) || named(&downloads).len() > files
        });
        if kill_sender {
            alice.crash();
            // What is still said of the old stream is over, and nothing is written any more.
            until("the receiver has noticed", SOON, || state_of(&mut bob, &transfer) != "running");
            bob.forget();
        } else {
            bob.crash();
            for path in named(&downloads) {
                assert_eq!(hash(&path), truth, "{} is under its final name and wrong", path.display());
            }
        }
        killed += 1;
        let before = verified(&bob.start.profile, &transfer);
        if let Some(wire) = &mut wire {
            let whole = if named(&downloads).len() > files { SIZE } else { before };
            cost.push(wire.since(files as u64 * SIZE + whole));
        }
        let dead = if kill_sender { &mut alice } else { &mut bob };
        *dead = Client::again(&dead.start);
        linked(&mut alice, &mut bob, "direct");
        // It may have been whole already, and known for that.
        let over = state_of(&mut bob, &transfer) == "finished";
        let after = if over {
            SIZE
        } else {
            let word = bob.wait("how it goes on", SOON, |event| {
                let about = event["transfer"] == transfer.as_str();
                about && (event["event"] == "file_progress" || event["event"] == "file_finished")
            });
            word["done"].as_u64().unwrap_or(SIZE)
        };
        assert!(after >= before, "kill {killed}: {before} bytes were verified, and it goes on from {after}");
        if state_of(&mut bob, &transfer) == "finished" {
            files += 1;
            assert_eq!(named(&downloads).len(), files);
        } else {
            id = Some(transfer);
        }
    }
    if let Some(id) = id {
        bob.expect_within(SOON * 3, json!({"event": "file_finished", "transfer": id}));
        files += 1;
    }
    let names = named(&bob.start.downloads);
    assert_eq!(names.len(), files);
    // What a crash left of finished transfers goes with the next start.
    for client in [&mut alice, &mut bob] {
        client.crash();
        let back = Client::again(&client.start);
        let partial = back.start.profile.join("partial");
        until("nothing is left in the profile", SOON, || std::fs::read_dir(&partial).unwrap().count() == 0);
    }
    for path in names {
        assert_eq!(hash(&path), truth, "{}", path.display());
    }
    let (sum, most) = (cost.iter().sum::<u64>(), cost.iter().max().copied().unwrap_or_default());
    println!(
        "{killed} kills of the {}, {files} files; sent again of the bytes that went over the wire: mean {} KiB, most {} KiB{}",
        if kill_sender { "sender" } else { "receiver" },
        sum / killed / 1024,
        most / 1024,
        if wire.is_none() { " (not counted: no network namespace to be had)" } else { "" }
    );
    assert!(most <= COST, "{cost:?}");
}

#[test]
fn a_sender_that_is_killed_again_and_again_costs_little() {
    storm("a_sender_that_is_killed_again_and_again_costs_little", true);
}

#[test]
fn a_receiver_that_is_killed_again_and_again_costs_little_and_names_nothing_early() {
    storm("a_receiver_that_is_killed_again_and_again_costs_little_and_names_nothing_early", false);
}

/// What is interrupted: everything that changes the disk.
const CALLS: [&str; 3] = ["pwrite64,ftruncate", "fsync,fdatasync", "renameat2,renameat,linkat,unlinkat,openat2"];

#[test]
fn a_receiver_that_dies_at_any_write_sync_or_rename_never_has_a_wrong_file() {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: strace cannot be used here");
        return;
    }
    let most = number("HOBNOB_CRASHES", 12);
    let house = House::new();
    let (mut alice, bob) = house.alice_and_bob();
    let file = random_file(&house.path("brittle.bin"), 60 * MIB + 5, 4);
    let truth = hash(&file);
    let usual = bob.start.clone();
    let (mut bob, mut files) = (Some(bob), 0);
    for calls in CALLS {
        let (mut died, mut survived) = (0, 0);
        // A plain run takes fewer, as far apart as the whole.
        let (step, mut at) = ((100 / most).max(1), 0);
        // Behind the last call of a kind nothing dies any more.
        while at < 100 && survived < 3 {
            at += if at < 4 { 1 } else { step };
            if let Some(mut bob) = bob.take() {
                assert!(bob.quit().success());
            }
            let id = text_of(&alice.done(json!({"command": "send_file", "to": "@bob", "path": file}))["transfer"]);
            let inject = format!("inject={calls}:signal=KILL:when={at}");
            let mut brittle = usual.clone();
            brittle.under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject].map(str::to_owned).to_vec();
            // It dies where it dies: at its start, before or after the answer, in the middle of the file, or not at all.
            let mut process = brittle.spawn();
            let accept = json!({"id": "a", "command": "accept_file", "transfer": id});
            let (mut stdin, mut finished) = (process.stdin(), false);
            let deadline = Instant::now() + SOON * 2;
            while !finished && let Some(line) = process.line(deadline) {
                finished = line.contains("file_finished");
                if line.contains("file_offered")
                    && let Some(pipe) = &mut stdin
                {
                    // It may have died a moment ago.
                    let _dead = writeln!(pipe, "{accept}");
                }
            }
            let log = process.log().tail(20);
            assert!(Instant::now() < deadline, "call {at} of {calls}: it neither died nor finished\n{log}");
            drop(stdin);
            if finished {
                survived += 1;
            } else {
                (died, survived) = (died + 1, 0);
            }
            process.kill();
            for path in named(&usual.downloads) {
                let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                assert!(hidden || hash(&path) == truth, "call {at} of {calls}: {} is wrong", path.display());
            }
            let mut back = Client::again(&usual);
            linked(&mut alice, &mut back, "direct");
            until("it arrives after all", SOON, || match state_of(&mut back, &id).as_str() {
                "finished" => true,
                // Its answer had not reached the disk.
                "offered" => {
                    back.done(accept.clone());
                    false
                }
                _ => false,
            });
            files += 1;
            let here = named(&usual.downloads);
            assert!(!here.is_empty(), "call {at} of {calls}");
            for path in here {
                assert_eq!(hash(&path), truth, "call {at} of {calls}: {}", path.display());
                std::fs::remove_file(path).unwrap();
            }
            bob = Some(back);
        }
        println!("{calls}: {died} deaths, up to call {at} of a thread; {files} files so far, all of them right");
        assert!(died >= 4, "{calls}: the crashes do not hit");
    }
}
