//! A long path that loses packets: files between two programs over 50 ms of round trip, a line of 200 Mbit/s and 0.1 % loss each way, beside
//! one bare TCP flow over the same path. The line and its two namespaces are the benchmark's own, so it needs root.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hobnob_tests::client::{Client, Start};
use hobnob_tests::files::random_file;
use hobnob_tests::line::{End, Line, Quality};
use hobnob_tests::server::Server;
use hobnob_tests::story::{House, PASSWORD, befriend, linked, offer, text_of};
use serde_json::json;

use crate::flow;
use crate::measure::{folder, median};

/// The queue holds what the path itself holds, one round trip.
const LINE: Quality = Quality { delay: 25, rate: 200, queue: 50, loss: 0.1 };
/// Every measurement takes about so long; the first seconds, in which TCP finds its rate, count for all.
const TIME: Duration = Duration::from_secs(12);
/// A file that has not arrived after this time is cancelled, and counts with what is there.
const LIMIT: Duration = Duration::from_mins(1);
/// Turns of each.
const TURNS: usize = 3;
/// Bytes of the first file, which is cut off and tells how large the others must be; no other is larger.
const LARGEST: u64 = 512 << 20;
/// No file is smaller.
const SMALLEST: u64 = 8 << 20;

/// How the ends choose a congestion control.
struct Choice {
    name: &'static str,
    /// Of the routes; without any, the namespace's own is the usual one, and a program may choose another.
    route: &'static [&'static str],
    /// What the bare flows ask for.
    asked: Option<&'static str>,
    aim: &'static str,
}

const CHOICES: [Choice; 3] = [
    Choice { name: "cubic for all", route: &["congctl", "lock", "cubic"], asked: None, aim: "aim 5" },
    Choice { name: "bbr for who asks", route: &[], asked: Some("bbr"), aim: "aim 0.9" },
    Choice { name: "bbr for all", route: &["congctl", "lock", "bbr"], asked: None, aim: "–" },
];

pub fn run() -> Result<()> {
    println!(
        "Files over a path of {} ms round trip, {} Mbit/s, {} % lost each way; about {} s each, median of {TURNS} (Mbit/s)",
        2 * LINE.delay,
        LINE.rate,
        LINE.loss,
        TIME.as_secs()
    );
    let mut line = match Line::new(LINE) {
        Ok(line) => line,
        Err(why) => {
            println!("  skipped, {why}\n");
            return Ok(());
        }
    };
    println!("  without a choice a connection has {}", line.usual());
    for (n, choice) in CHOICES.iter().enumerate() {
        let refused = choice.asked.map_or(Ok(None), flow::refusal)?;
        match refused.map_or_else(|| line.route(choice.route), Err) {
            Ok(()) => measure(&mut line, choice, &folder(&format!("path-{n}"))?)?,
            Err(why) => println!("  {:18} skipped, {why}", choice.name),
        }
    }
    println!("  plain: one TCP connection that sends bytes; ours from the acceptance to the whole, verified file\n");
    Ok(())
}

/// All turns with one way to choose.
fn measure(line: &mut Line, choice: &Choice, place: &Path) -> Result<()> {
    let here = format!("{}:0", End::Here.address());
    let server = Server::start_under(&line.under(End::Here), &place.join("server"), &here);
    let story = House::over(server, place);
    let [mut alice, mut bob] = [("alice", End::Here), ("bob", End::There)].map(|(name, end)| {
        let start = Start { under: line.under(end), listen: format!("{}:0", end.address()), ..story.start(name) };
        Client::sign_up(&start, name, PASSWORD)
    });
    befriend(&mut alice, &mut bob);
    linked(&mut alice, &mut bob, "direct");

    let source = place.join("source.bin");
    random_file(&source, LARGEST, 1);
    let (rate, _) = ours(&mut alice, &mut bob, &source, TIME)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size, clamped")]
    let size = ((rate * TIME.as_secs_f64()) as u64).clamp(SMALLEST, LARGEST);
    File::options().write(true).open(&source)?.set_len(size)?;

    let (mut own, mut plain, mut iperf, mut whole) = (Vec::new(), Vec::new(), Vec::new(), true);
    line.carried();
    for _ in 0..TURNS {
        plain.push(flow::plain(line, choice.asked, TIME)?);
        let (rate, arrived) = ours(&mut alice, &mut bob, &source, LIMIT)?;
        own.push(rate);
        whole &= arrived;
        if flow::has_iperf() {
            iperf.push(flow::iperf(line, choice.asked, TIME)?);
        }
    }
    let (own, plain) = (median(&own) * 8e-6, median(&plain) * 8e-6);
    print!("  {:18} hobnob {own:6.1}   plain {plain:6.1}   ratio {:.2}", choice.name, own / plain);
    if iperf.is_empty() {
        print!("   iperf3 is not here");
    } else {
        let iperf = median(&iperf) * 8e-6;
        print!("   iperf3 {iperf:6.1}   ratio {:.2}", own / iperf);
    }
    println!("   ({}; files of {} MiB{})", choice.aim, size >> 20, if whole { "" } else { ", cut off" });
    let carried = line.carried();
    let count = |name: &str| carried[name].as_f64().unwrap_or_default();
    println!(
        "  {:18} the line: {} packets, {} lost by lot, {} at a full queue, {:.1} % late by 5 ms or more",
        "",
        count("carried"),
        count("lost"),
        count("full"),
        count("late") / count("carried") * 100.0
    );
    Ok(())
}

/// Sends the file once: bytes a second, and whether all of it came within `limit`.
fn ours(alice: &mut Client, bob: &mut Client, source: &Path, limit: Duration) -> Result<(f64, bool)> {
    let transfer = offer(alice, bob, source);
    let begun = Instant::now();
    bob.done(json!({"command": "accept_file", "transfer": transfer}));
    let (mut rate, mut arrived, mut failed) = (0.0, None, None);
    bob.each("the file, or some of it", limit * 2, |event| {
        let took = begun.elapsed();
        if event["transfer"] != *transfer {
            return false;
        }
        if event["event"] == "file_finished" {
            rate = event["size"].as_f64().unwrap_or_default() / took.as_secs_f64();
            arrived = Some(text_of(&event["path"]));
            return true;
        }
        if event["event"] == "file_failed" {
            failed = Some(event.to_string());
            return true;
        }
        rate = event["done"].as_f64().unwrap_or_default() / took.as_secs_f64();
        took > limit
    });
    ensure!(failed.is_none(), "the file failed: {failed:?}");
    if let Some(path) = &arrived {
        std::fs::remove_file(path).with_context(|| path.clone())?;
    } else {
        bob.done(json!({"command": "cancel_file", "transfer": transfer}));
        alice.expect(json!({"event": "file_failed", "transfer": transfer}));
    }
    Ok((rate, arrived.is_some()))
}
