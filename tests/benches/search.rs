//! Searches in a store of a million messages: the time of several kinds of them, and what the store takes. The history's own code
//! makes the store, on the disk; the rows are written straight into it, as its own code would.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use hobnob_client::core::command::Wanted;
use hobnob_client::core::history::{History, found};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rusqlite::{Connection, params};

use crate::measure::{folder, percentile};

/// Messages in the store.
const MESSAGES: u64 = 1_000_000;
/// Messages in one job of the writer.
const BATCH: u64 = 10_000;
/// Searches of each kind.
const TIMES: usize = 40;
/// Aim for the slowest of each kind, in milliseconds.
const AIM: f64 = 50.0;
/// Different words.
const WORDS: usize = 40_000;
/// People, of whom some write much and most little; as many rooms.
const PEOPLE: usize = 200;
/// A message every so many milliseconds, about: two years in all.
const PACE: u64 = 60_000;

pub fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let path = folder("search")?.join("history.db");
    drop(History::open(&path)?);
    let mut world = World::new();
    let begun = Instant::now();
    write(&path, &mut world)?;
    let written = begun.elapsed().as_secs_f64();
    let size = std::fs::metadata(&path)?.len();
    let history = History::open(&path)?;
    println!("Search in {MESSAGES} stored messages, a page of 50 (ms; aim: the worst under {AIM})");
    println!(
        "  the store: {} bytes a message, half of them in rooms, {:.0} of it the text; written in {written:.0} s",
        size / MESSAGES,
        world.bytes as f64 / MESSAGES as f64
    );
    let mut slow = Vec::new();
    for (kind, make) in kinds() {
        let mut times = Vec::new();
        let mut results = 0;
        for _ in 0..TIMES {
            let text = make(&mut world);
            let begun = Instant::now();
            let wanted = Wanted::parse(&text, None);
            let (page, _) = runtime.block_on(history.read_all(move |c| found::messages(c, &wanted, None, 50)))?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            results += page.len();
        }
        let worst = percentile(&times, 100.0);
        println!(
            "  {kind:44} p50 {:7.2}   worst {worst:7.2}   {:.0} found",
            percentile(&times, 50.0),
            results as f64 / TIMES as f64
        );
        if worst >= AIM {
            slow.push(kind);
        }
    }
    match slow.as_slice() {
        [] => println!("  all under {AIM} ms\n"),
        slow => println!("  SLOWER than {AIM} ms: {}\n", slow.join(", ")),
    }
    drop(history);
    std::fs::remove_file(&path).context("the store")?;
    Ok(())
}

/// A million messages of two years.
fn write(path: &Path, world: &mut World) -> Result<()> {
    let mut store = Connection::open(path)?;
    store.pragma_update(None, "synchronous", "OFF")?;
    for conversation in (0..PEOPLE).flat_map(|n| [format!("@person{n}"), format!("#room{n}")]) {
        store.execute("INSERT INTO conversations (name) VALUES (?1)", [&conversation])?;
        let id = store.last_insert_rowid();
        store.execute("INSERT INTO threads (id, key, conversation) VALUES (?1, ?2, ?1)", params![id, conversation])?;
    }
    for batch in 0..MESSAGES / BATCH {
        let group = store.transaction()?;
        {
            let mut message = group.prepare_cached(
                "INSERT INTO messages (conversation, thread, id, author, device, own, number, clock, sent_at, text, meant_for, state, place)
                 VALUES (?1, ?1, ?2, ?3, ?4, 0, ?5, ?6, ?6, ?7, NULL, 3, ?6)",
            )?;
            let mut signed = group.prepare_cached(
                "INSERT INTO signed (thread, device, number, body, signature) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for number in batch * BATCH..(batch + 1) * BATCH {
                let said = world.say(number);
                let id: [u8; 16] = world.random.r#gen();
                let device = [u8::try_from(said.author % 256)?; 32];
                let author = format!("person{}", said.author);
                message.execute(params![
                    said.thread,
                    id,
                    author,
                    device,
                    number.cast_signed(),
                    said.at.cast_signed(),
                    said.text
                ])?;
                if said.thread % 2 == 0 {
                    // Incarnation, account, device, hash and the fields' names, beside the text.
                    let body = vec![7_u8; said.text.len() + 260];
                    signed.execute(params![said.thread, device, number.cast_signed(), body, [9_u8; 64]])?;
                }
            }
        }
        group.commit()?;
    }
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// A message of the store.
struct Said {
    author: usize,
    /// Row of its thread: the odd ones are people, the even ones rooms.
    thread: i64,
    text: String,
    at: u64,
}

type Make = fn(&mut World) -> String;

fn kinds() -> [(&'static str, Make); 14] {
    [
        ("a common word", |w| w.common()),
        ("a rare word", |w| w.rare()),
        ("a word that nobody wrote", |w| format!("qqq{}x", w.random.r#gen::<u32>())),
        ("a beginning of one letter", |w| w.beginning(1)),
        ("a beginning of two letters", |w| w.beginning(2)),
        ("a beginning of three letters", |w| w.beginning(3)),
        ("two common words", |w| format!("{} {}", w.common(), w.common())),
        ("a common and a rare word", |w| format!("{} {}", w.common(), w.rare())),
        ("a phrase", |w| format!("\"{} {}\"", w.common(), w.common())),
        ("from: one who writes much", |_| "from:person0".to_owned()),
        ("from: one who writes little, a common word", |w| format!("from:person{} {}", PEOPLE - 1, w.common())),
        ("from:, in:, a beginning of one letter", |w| {
            let (person, letter) = (w.someone(), w.beginning(1));
            format!("from:person{person} in:#room{} {letter}", w.random.gen_range(0..PEOPLE))
        }),
        ("before: alone", |w| format!("before:2024-{:02}-15", w.random.gen_range(1..13))),
        ("before:, after:, a common word", |w| {
            let month = w.random.gen_range(1..13);
            format!("after:2024-{month:02}-10 before:2024-{month:02}-20 {}", w.common())
        }),
    ]
}

/// Who says what.
struct World {
    random: SmallRng,
    words: Vec<String>,
    /// Sums of how often words come, by Zipf's law.
    often: Vec<f64>,
    bytes: u64,
}

impl World {
    fn new() -> Self {
        let mut random = SmallRng::seed_from_u64(5);
        // Letters as often as in English.
        let letters: Vec<char> =
            "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddllllcccuuummmwwffggyyppbbvkjxqz"
                .chars()
                .collect();
        let mut words: Vec<String> =
            "the be to of and a in that have i it for not on with he as you do at this but his by from they"
                .split(' ')
                .map(str::to_owned)
                .collect();
        while words.len() < WORDS {
            let length = random.gen_range(2..8 + words.len() / 8_000);
            words.push((0..length).filter_map(|_| letters.choose(&mut random)).collect());
        }
        let mut sum = 0.0;
        let often = (0..WORDS)
            .map(|rank| {
                sum += 1.0 / (rank as f64 + 2.7);
                sum
            })
            .collect();
        Self { random, words, often, bytes: 0 }
    }

    fn word(&mut self) -> String {
        let at = self.random.gen_range(0.0..self.often.last().copied().unwrap_or(1.0));
        let rank = self.often.partition_point(|sum| *sum < at);
        self.words.get(rank).cloned().unwrap_or_default()
    }

    fn common(&mut self) -> String {
        let rank = self.random.gen_range(0..60);
        self.words.get(rank).cloned().unwrap_or_default()
    }

    fn rare(&mut self) -> String {
        let rank = self.random.gen_range(WORDS / 2..WORDS);
        self.words.get(rank).cloned().unwrap_or_default()
    }

    /// What is typed of a word, common or not.
    fn beginning(&mut self, letters: usize) -> String {
        let word = if self.random.r#gen() { self.common() } else { self.word() };
        word.chars().take(letters).collect()
    }

    /// Of a few who write much, and many who write little.
    fn someone(&mut self) -> usize {
        let share: f64 = self.random.r#gen();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of people")]
        let rank = (share.powi(4) * PEOPLE as f64) as usize;
        rank.min(PEOPLE - 1)
    }

    fn say(&mut self, number: u64) -> Said {
        let length = 1 + self.random.gen_range(0..9) + self.random.gen_range(0..9);
        let words: Vec<String> = (0..length).map(|_| self.word()).collect();
        let text = words.join(" ");
        self.bytes += text.len() as u64;
        let author = self.someone();
        let in_room = self.random.r#gen();
        let thread = i64::try_from(if in_room { 2 * self.someone() + 2 } else { 2 * author + 1 }).unwrap_or_default();
        // From the beginning of 2024 on, each in a minute of its own.
        Said { author, thread, text, at: 1_704_067_200_000 + number * PACE + self.random.gen_range(0..PACE) }
    }
}
