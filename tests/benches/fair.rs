//! Whether files that run at once share what there is: two and four between one pair, and two from one sender to two friends, over
//! loopback. The rate of each counts while all of them run; Jain's index is 1 when all are equal, and 1/n when one has everything.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hobnob_tests::client::Client;
use hobnob_tests::files::random_file;
use hobnob_tests::story::{House, befriend, linked, offer};
use serde_json::{Value, json};

use crate::measure::{folder, percentile};

/// Bytes of each file.
const SIZE: u64 = 512 << 20;
/// Turns of each kind.
const TURNS: usize = 3;
/// All of a turn's files are there within this time.
const TURN: Duration = Duration::from_mins(3);

pub fn run() -> Result<()> {
    let place = folder("fair")?;
    let sources: Vec<PathBuf> = (0..4).map(|n| random_file(&place.join(format!("{n}.bin")), SIZE, 100 + n)).collect();
    let story = House::in_folder(&folder("fair-story")?);
    let (mut alice, mut bob, mut carol) = (story.person("alice"), story.person("bob"), story.person("carol"));
    for friend in [&mut bob, &mut carol] {
        befriend(&mut alice, friend);
        linked(&mut alice, friend, "direct");
    }
    println!("Files of 512 MiB at once over loopback, while all of them run (MB/s each; Jain's index, aim 0.9)");
    let pairs = sources.get(..2).context("two files")?;
    turns("two to one friend", || at_once(&mut alice, &mut [(&mut bob, pairs)]))?;
    turns("four to one friend", || at_once(&mut alice, &mut [(&mut bob, &sources)]))?;
    let (one, other) = pairs.split_at(1);
    turns("one each to two friends", || at_once(&mut alice, &mut [(&mut bob, one), (&mut carol, other)]))?;
    println!();
    Ok(())
}

/// Does it several times; a line for each, and the middle and the worst index.
fn turns(what: &str, mut once: impl FnMut() -> Result<Vec<Course>>) -> Result<()> {
    let mut indices = Vec::new();
    for _ in 0..TURNS {
        let (rates, window) =
            shared(&once()?).with_context(|| format!("{what}: there was no time in which all ran"))?;
        let index = jain(&rates);
        let each = rates.iter().fold(String::new(), |row, rate| format!("{row} {:7.0}", rate / 1e6));
        println!("  {what:24}{each}   in {window:.2} s   index {index:.3}");
        indices.push(index);
    }
    println!("  {what:24} index: median {:.3}, worst {:.3}", percentile(&indices, 50.0), percentile(&indices, 0.0));
    Ok(())
}

/// How one file went: when it was how far.
type Course = Vec<(Instant, u64)>;

/// Sends each friend their files, all at the same time.
fn at_once(from: &mut Client, to: &mut [(&mut Client, &[PathBuf])]) -> Result<Vec<Course>> {
    let mut offered = Vec::new();
    for (friend, files) in to.iter_mut() {
        let ids: Vec<String> = files.iter().map(|file| offer(from, friend, file)).collect();
        offered.push((&mut **friend, ids));
    }
    for (friend, ids) in &mut offered {
        for id in ids {
            friend.post(json!({"command": "accept_file", "transfer": id}));
        }
    }
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            offered.into_iter().map(|(friend, ids)| scope.spawn(move || watch(friend, &ids))).collect();
        let mut courses = Vec::new();
        for reader in readers {
            courses.extend(reader.join().map_err(|_| anyhow!("not all files arrived"))??);
        }
        Ok(courses)
    })
}

/// Reads what a receiver says until all its files are there, and removes them.
fn watch(friend: &mut Client, ids: &[String]) -> Result<Vec<Course>> {
    let mut courses = vec![Course::new(); ids.len()];
    let (mut left, mut arrived, mut failed) = (ids.len(), Vec::new(), None);
    friend.each("all files are there", TURN, |event| {
        let told = |name: &str| event["event"] == *name;
        if let Some((_, course)) = ids.iter().zip(&mut courses).find(|(id, _)| event["transfer"] == **id) {
            if told("file_progress") {
                course.push((Instant::now(), event["done"].as_u64().unwrap_or_default()));
            } else if told("file_finished") {
                course.push((Instant::now(), SIZE));
                arrived.push(path_of(event));
                left -= 1;
            } else if told("file_failed") {
                failed = Some(event.to_string());
            }
        }
        left == 0 || failed.is_some()
    });
    ensure!(failed.is_none(), "a file failed: {failed:?}");
    for path in &arrived {
        std::fs::remove_file(path).with_context(|| path.display().to_string())?;
    }
    Ok(courses)
}

fn path_of(event: &Value) -> PathBuf {
    Path::new(event["path"].as_str().unwrap_or_default()).to_owned()
}

/// The rate of each from the moment when the last of them had begun to the moment when the first of them was done, and the seconds between.
/// Between two words about progress, bytes are taken to have come evenly.
fn shared(courses: &[Course]) -> Option<(Vec<f64>, f64)> {
    let begun = courses.iter().filter_map(|course| course.first()).map(|(at, _)| *at).max()?;
    let ended = courses.iter().filter_map(|course| course.last()).map(|(at, _)| *at).min()?;
    let window = ended.checked_duration_since(begun).filter(|window| !window.is_zero())?.as_secs_f64();
    let rates = courses.iter().map(|course| (at(course, ended) - at(course, begun)) / window).collect();
    Some((rates, window))
}

/// Bytes that were there at `when`.
fn at(course: &[(Instant, u64)], when: Instant) -> f64 {
    let after = course.partition_point(|(at, _)| *at <= when);
    match (after.checked_sub(1).and_then(|before| course.get(before)), course.get(after)) {
        (Some((from, done)), Some((to, then))) => {
            let part = (when - *from).as_secs_f64() / (*to - *from).as_secs_f64();
            *done as f64 + part * then.saturating_sub(*done) as f64
        }
        (Some((_, done)), None) | (None, Some((_, done))) => *done as f64,
        (None, None) => 0.0,
    }
}

/// Jain's index of fairness.
fn jain(rates: &[f64]) -> f64 {
    let sum: f64 = rates.iter().sum();
    sum * sum / (rates.len() as f64 * rates.iter().map(|rate| rate * rate).sum::<f64>())
}
