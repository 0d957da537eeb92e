//! A file of 1 GiB between two programs beside a bare copy over TLS 1.3 with BLAKE3 on both ends, and beside scp, taking turns.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use hobnob_tests::client::Client;
use hobnob_tests::files::{hash, random_file};
use hobnob_tests::story::{House, befriend, linked, offer};
use serde_json::json;

use crate::measure::{folder, median, own_cpu, peak_kib};
use crate::reference;
use crate::ssh::Sshd;

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
    let sshd = Sshd::start()?;
    let (mut ours, mut bare, mut cpu, mut bare_cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut scp = Vec::new();
    for _ in 0..TURNS {
        let (copy, before) = (place.join("copy.bin"), own_cpu());
        bare.push(reference::copy(&source, &copy)?);
        bare_cpu.push(own_cpu() - before);
        std::fs::remove_file(&copy)?;
        if let Ok(sshd) = &sshd {
            scp.push(sshd.copy(&source, &copy)?);
            std::fs::remove_file(&copy)?;
        }

        let transfer = offer(&mut alice, &mut bob, &source);
        let spent = |one: &Client| one.process.cpu().as_secs_f64();
        let before = spent(&alice) + spent(&bob);
        let begun = Instant::now();
        bob.done(json!({"command": "accept_file", "transfer": transfer}));
        let finished = json!({"event": "file_finished", "transfer": transfer});
        let event = bob.expect_within(Duration::from_mins(2), finished);
        ours.push(begun.elapsed().as_secs_f64());
        cpu.push(spent(&alice) + spent(&bob) - before);
        std::fs::remove_file(event["path"].as_str().unwrap_or_default())?;
    }
    let rate = |seconds: &[f64]| SIZE as f64 / median(seconds) / 1e6;
    println!("A file of 1 GiB over loopback, median of {TURNS} (MB/s)");
    println!("  hobnob {:8.0}   bare {:8.0}   ratio {:.2}", rate(&ours), rate(&bare), rate(&ours) / rate(&bare));
    let (spent, bare) = (median(&cpu), median(&bare_cpu));
    println!("  CPU of both ends {spent:6.2} s   bare {bare:6.2} s   ratio {:.2}", spent / bare);
    match sshd {
        Ok(sshd) => println!(
            "  scp    {:8.0}   ratio {:.2}   (aim 1.4; of scp's {:.2} s an empty file takes {:.2})",
            rate(&scp),
            rate(&ours) / rate(&scp),
            median(&scp),
            sshd.alone
        ),
        Err(why) => println!("  scp: skipped, {why}"),
    }
    let memory = peak_kib(alice.process.id())?.max(peak_kib(bob.process.id())?);
    println!("  largest resident set of either program {:.0} MiB", memory as f64 / 1024.0);
    println!("  bare: one thread an end, 256 KiB buffers, TLS 1.3 with AES-128-GCM, BLAKE3, fsync at the end");
    println!("  scp: to an sshd of this run, AES-128-GCM, no fsync\n");
    sparse(&mut alice, &mut bob, &place.join("sparse.img"))
}

/// A file of 5 GiB that is almost all hole: equal at the other end, and a hole there too.
fn sparse(alice: &mut Client, bob: &mut Client, source: &Path) -> Result<()> {
    const HOLE: u64 = 5 << 30;
    let file = std::fs::File::create(source)?;
    file.write_all_at(b"the beginning", 0)?;
    file.write_all_at(b"the end", HOLE - 7)?;
    drop(file);
    let transfer = offer(alice, bob, source);
    let begun = Instant::now();
    bob.done(json!({"command": "accept_file", "transfer": transfer}));
    let finished = json!({"event": "file_finished", "transfer": transfer});
    let event = bob.expect_within(Duration::from_mins(5), finished);
    let took = begun.elapsed().as_secs_f64();
    let arrived = Path::new(event["path"].as_str().unwrap_or_default());
    anyhow::ensure!(hash(arrived) == hash(source), "the sparse file differs");
    let blocks = std::fs::metadata(arrived)?.blocks() * 512;
    println!(
        "A file of 5 GiB that is a hole between two words: {took:.1} s, equal, {} KiB on the disk\n",
        blocks / 1024
    );
    Ok(())
}
