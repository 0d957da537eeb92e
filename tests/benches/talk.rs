//! A message, from the command to the other program's event and to the acknowledgement, beside a bare TLS 1.3 ping-pong of the same size
//! with one SQLite commit on either side. Both take turns, so that the disk's mood is the same for both.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::time::Instant;

use anyhow::Result;
use hobnob_tests::client::Client;
use hobnob_tests::story::{House, befriend, linked};
use serde_json::json;

use crate::measure::{folder, percentile};
use crate::reference;

/// Turns, and messages in each.
const TURNS: usize = 6;
const MESSAGES: usize = 100;

pub fn run() -> Result<()> {
    let story = House::in_folder(&folder("talk")?);
    let (mut alice, mut bob) = (story.person("alice"), story.person("bob"));
    befriend(&mut alice, &mut bob);
    linked(&mut alice, &mut bob, "direct");
    let text = "x".repeat(100);
    let (mut shown, mut acknowledged) = (Vec::new(), Vec::new());
    let (mut bare_shown, mut bare_acknowledged) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let (one, both) = reference::ping_pong(&folder(&format!("ping-pong-{turn}"))?, MESSAGES, &text)?;
        bare_shown.extend(one);
        bare_acknowledged.extend(both);
        for _ in 0..MESSAGES {
            let (one, both) = message(&mut alice, &mut bob, &text);
            shown.push(one);
            acknowledged.push(both);
        }
    }
    println!("A message of 100 bytes, {} of them, one after the other (ms)", shown.len());
    for (what, ours, bare) in
        [("shown at the other end", &shown, &bare_shown), ("acknowledged", &acknowledged, &bare_acknowledged)]
    {
        for p in [50.0, 99.0] {
            let (ours, bare) = (percentile(ours, p), percentile(bare, p));
            println!("  {what:24} p{p:<3} {ours:8.3}   bare {bare:8.3}   ratio {:.2}", ours / bare);
        }
    }
    println!(
        "  bare: one thread an end, TLS 1.3, one commit before the send and one before the answer, same settings\n"
    );
    Ok(())
}

/// Milliseconds until Bob's program shows it and until Alice's program knows that.
pub fn message(alice: &mut Client, bob: &mut Client, text: &str) -> (f64, f64) {
    let begun = Instant::now();
    let id = alice.post(json!({"command": "send", "to": "@bob", "text": text}));
    bob.expect(json!({"event": "message", "from": "alice"}));
    let shown = begun.elapsed();
    let sent = alice.answer(&id).unwrap_or_default();
    alice.expect(json!({"event": "message_state", "message": sent["message"], "state": "delivered"}));
    (shown.as_secs_f64() * 1e3, begun.elapsed().as_secs_f64() * 1e3)
}
