//! Searches in a store of a million messages: the time of several kinds of them, and what the store takes. The store is written by the
//! history's own code, in a folder on the disk.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hobnob_client::core::command::Wanted;
use hobnob_client::core::history::{History, bulk, found};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

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
    let history = History::open(&path)?;
    let mut world = World::new();
    let begun = Instant::now();
    for batch in 0..MESSAGES / BATCH {
        let said: Vec<bulk::Said> = (0..BATCH).map(|n| world.say(batch * BATCH + n)).collect();
        runtime.block_on(history.write(move |c| bulk::insert(c, &said)))?;
    }
    let written = begun.elapsed().as_secs_f64();
    drop(history);
    let size = std::fs::metadata(&path)?.len();
    let history = History::open(&path)?;
    println!("Search in {MESSAGES} stored messages, a page of 50 (ms; aim: the worst under {AIM})");
    println!(
        "  the store: {} bytes a message, of which {:.0} are the text; written in {written:.0} s",
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
    println!();
    drop(history);
    std::fs::remove_file(&path).context("the store")?;
    ensure!(slow.is_empty(), "slower than {AIM} ms: {}", slow.join(", "));
    Ok(())
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
        ("from: one who writes much", |w| format!("from:{}", w.person(0))),
        ("from: one who writes little, a common word", |w| format!("from:{} {}", w.person(PEOPLE - 1), w.common())),
        ("from:, in:, a beginning of one letter", |w| {
            let (person, letter) = (w.someone(), w.beginning(1));
            format!("from:{person} in:#room{} {letter}", w.random.gen_range(0..PEOPLE))
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
        let letters: Vec<char> = "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddllllcccuuummmwwffggyyppbbvkjxqz".chars().collect();
        let mut words: Vec<String> = "the be to of and a in that have i it for not on with he as you do at this but his by from they".split(' ').map(str::to_owned).collect();
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

    fn person(&self, rank: usize) -> String {
        format!("person{rank}")
    }

    /// Of a few who write much, and many who write little.
    fn someone(&mut self) -> String {
        let share: f64 = self.random.r#gen();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of people")]
        let rank = (share.powi(4) * PEOPLE as f64) as usize;
        self.person(rank.min(PEOPLE - 1))
    }

    fn say(&mut self, number: u64) -> bulk::Said {
        let length = 1 + self.random.gen_range(0..9) + self.random.gen_range(0..9);
        let words: Vec<String> = (0..length).map(|_| self.word()).collect();
        let text = words.join(" ");
        self.bytes += text.len() as u64;
        let author = self.someone();
        let conversation = if self.random.r#gen() {
            format!("@{author}")
        } else {
            format!("#room{}", self.someone().trim_start_matches("person"))
        };
        // From the beginning of 2024 on.
        let at = 1_704_067_200_000 + number * PACE + self.random.gen_range(0..PACE);
        bulk::Said { conversation, author, text, at }
    }
}
