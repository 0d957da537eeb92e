//! A file of 1 GiB between two programs beside a bare copy over TLS 1.3 with BLAKE3 on both ends, taking turns.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::time::{Duration, Instant};

use anyhow::Result;
use hobnob_tests::files::random_file;
use hobnob_tests::story::{House, befriend, linked, offer};
use serde_json::json;

use crate::measure::{folder, median, pss_kib};
use crate::reference;

/// Bytes of the file.
const SIZE: u64 = 1 << 30;
/// Turns of each.
const TURNS: usize = 3;

pub fn run() -> Result<()> {
    let place = folder("file")?;
    let source = random_file(&place.join("source.bin"), SIZE, 1);
    let story = House::in_folder(&folder("file-story")?);
    let (mut alice, mut bob) = (story.person("alice"), story.person("bob"));
    befriend(&mut alice, &mut bob);
    linked(&mut alice, &mut bob, "direct");
    let (mut ours, mut bare, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    let mut memory = 0;
    for _ in 0..TURNS {
        let copy = place.join("copy.bin");
        bare.push(reference::copy(&source, &copy)?);
        std::fs::remove_file(&copy)?;

        let transfer = offer(&mut alice, &mut bob, &source);
        let spent = |one: &hobnob_tests::client::Client| one.process.cpu().as_secs_f64();
        let before = spent(&alice) + spent(&bob);
        let begun = Instant::now();
        bob.done(json!({"command": "accept_file", "transfer": transfer}));
        let finished = json!({"event": "file_finished", "transfer": transfer});
        let event = bob.expect_within(Duration::from_mins(2), finished);
        ours.push(begun.elapsed().as_secs_f64());
        cpu.push(spent(&alice) + spent(&bob) - before);
        memory = memory.max(pss_kib(alice.process.id())?).max(pss_kib(bob.process.id())?);
        std::fs::remove_file(event["path"].as_str().unwrap_or_default())?;
    }
    let rate = |seconds: &[f64]| SIZE as f64 / median(seconds) / 1e6;
    println!("A file of 1 GiB over loopback, median of {TURNS} (MB/s)");
    println!("  hobnob {:8.0}   bare {:8.0}   ratio {:.2}", rate(&ours), rate(&bare), rate(&ours) / rate(&bare));
    println!("  CPU of both programs {:.2} s; largest PSS of either {:.0} MiB", median(&cpu), memory as f64 / 1024.0);
    println!("  bare: one thread an end, 256 KiB buffers, TLS 1.3 with AES-128-GCM, BLAKE3, fsync at the end\n");
    Ok(())
}
