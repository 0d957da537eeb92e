//! Messages between two programs while a file of theirs takes all that the machine gives, beside the same without it.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use anyhow::Result;
use hobnob_tests::files::random_file;
use hobnob_tests::story::{House, befriend, linked, offer};
use serde_json::json;

use crate::measure::{folder, percentile};
use crate::talk::message;

/// Bytes of the file; it is sent as often as the messages need.
const SIZE: u64 = 2 << 30;
/// Messages of either kind.
const MESSAGES: usize = 400;

pub fn run() -> Result<()> {
    let place = folder("busy")?;
    let source = random_file(&place.join("large.bin"), SIZE, 2);
    let story = House::in_folder(&folder("busy-story")?);
    let (mut alice, mut bob) = (story.person("alice"), story.person("bob"));
    befriend(&mut alice, &mut bob);
    linked(&mut alice, &mut bob, "direct");
    let text = "x".repeat(100);
    let idle: Vec<f64> = (0..MESSAGES).map(|_| message(&mut alice, &mut bob, &text).1).collect();
    let (mut busy, mut files) = (Vec::new(), 0);
    while busy.len() < MESSAGES {
        let transfer = offer(&mut alice, &mut bob, &source);
        bob.done(json!({"command": "accept_file", "transfer": transfer}));
        bob.expect(json!({"event": "file_progress", "transfer": transfer}));
        let finished = json!({"event": "file_finished", "transfer": transfer});
        while busy.len() < MESSAGES {
            let (_, whole) = message(&mut alice, &mut bob, &text);
            if bob.saw(&finished) {
                break;
            }
            busy.push(whole);
        }
        files += 1;
        let event = bob.expect_within(std::time::Duration::from_mins(2), finished);
        std::fs::remove_file(event["path"].as_str().unwrap_or_default())?;
    }
    println!("A message of 100 bytes, there and acknowledged, while {files} files of 2 GiB run between the two (ms)");
    for p in [50.0, 99.0] {
        let (idle, busy) = (percentile(&idle, p), percentile(&busy, p));
        println!("  p{p:<3} busy {busy:8.3}   idle {idle:8.3}   ratio {:.1}", busy / idle);
    }
    println!();
    Ok(())
}
