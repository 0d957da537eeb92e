//! A folder of 10,000 files of 4 KiB between two programs, beside the same over bare TLS 1.3 with BLAKE3 on both
//! ends, and beside `scp -r`, taking turns.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use hobnob_tests::files::{manifest, random_file};
use hobnob_tests::story::{House, befriend, linked, offer};
use serde_json::json;

use crate::measure::{folder, median, own_cpu};
use crate::reference;
use crate::ssh::Sshd;

/// Files, and bytes of each.
const FILES: u64 = 10_000;
const SIZE: u64 = 4 * 1024;
/// Turns of each.
const TURNS: usize = 3;

pub fn run() -> Result<()> {
    let place = folder("folder")?;
    let source = place.join("many");
    std::fs::create_dir(&source)?;
    for n in 0..FILES {
        random_file(&source.join(format!("{n:05}.bin")), SIZE, n);
    }
    let truth = manifest(&source);
    let story = House::in_folder(&folder("folder-story")?);
    let (mut alice, mut bob) = (story.person("alice"), story.person("bob"));
    befriend(&mut alice, &mut bob);
    linked(&mut alice, &mut bob, "direct");
    let sshd = Sshd::start()?;
    let (mut ours, mut bare, mut cpu, mut bare_cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut scp = Vec::new();
    for turn in 0..TURNS {
        let copy = place.join(format!("copy {turn}"));
        std::fs::create_dir(&copy)?;
        let before = own_cpu();
        bare.push(reference::copy_folder(&source, &copy)?);
        bare_cpu.push(own_cpu() - before);
        anyhow::ensure!(manifest(&copy) == truth, "the bare copy differs");
        if let Ok(sshd) = &sshd {
            let copy = place.join(format!("scp {turn}"));
            scp.push(sshd.copy(&source, &copy)?);
            anyhow::ensure!(manifest(&copy) == truth, "scp's copy differs");
        }

        // Looking through the folder is part of it.
        let spent = |one: &hobnob_tests::client::Client| one.process.cpu().as_secs_f64();
        let before = spent(&alice) + spent(&bob);
        let begun = Instant::now();
        let transfer = offer(&mut alice, &mut bob, &source);
        bob.done(json!({"command": "accept_file", "transfer": transfer}));
        let finished = json!({"event": "file_finished", "transfer": transfer});
        let event = bob.expect_within(Duration::from_mins(2), finished);
        ours.push(begun.elapsed().as_secs_f64());
        cpu.push(spent(&alice) + spent(&bob) - before);
        let arrived = Path::new(event["path"].as_str().unwrap_or_default());
        anyhow::ensure!(manifest(arrived) == truth, "the folder differs");
        // Nothing is removed before the end: for some seconds ext4 searches for inodes that were not freed just now.
    }
    let rate = |seconds: &[f64]| FILES as f64 / median(seconds);
    println!("A folder of {FILES} files of 4 KiB over loopback, median of {TURNS} (files/s)");
    println!("  hobnob {:8.0}   bare {:8.0}   ratio {:.2}", rate(&ours), rate(&bare), rate(&ours) / rate(&bare));
    let (spent, bare) = (median(&cpu), median(&bare_cpu));
    println!("  CPU of both ends {spent:6.2} s   bare {bare:6.2} s   ratio {:.2}", spent / bare);
    match sshd {
        Ok(sshd) => println!(
            "  scp -r {:8.0}   ratio {:.2}   (aim 8; of scp's {:.2} s an empty file takes {:.2})",
            rate(&scp),
            rate(&ours) / rate(&scp),
            median(&scp),
            sshd.alone
        ),
        Err(why) => println!("  scp -r: skipped, {why}"),
    }
    println!("  bare: one thread an end, names and sizes before the bytes, syncfs at the end\n");
    Ok(())
}
