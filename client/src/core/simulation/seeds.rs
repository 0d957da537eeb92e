//! Runs by the thousand. `HOBNOB_SEEDS` says how many, `HOBNOB_SEED` runs and traces one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::checks::safe;
use super::slip::{self, Slip};
use super::world::{Fault, World};
use crate::core::replica::defect::{self, Defect};

/// Steps of trouble in one run.
const STEPS: usize = 260;
/// Rounds in which, in most worlds, all is well first.
const WARM: u64 = 5;
/// Runs of a plain `make test`.
const SEEDS: u64 = 10_000;
/// A defect must be found within so many runs.
const PATIENCE: u64 = 1_000;

type Faults = BTreeMap<Fault, u64>;

/// Runs one seed: the faults that it put in, or what went wrong.
fn run(seed: u64, slip: Option<Slip>, traced: bool) -> Result<(Faults, Option<String>), (String, Option<String>)> {
    let mut world = World::new(seed, slip, traced);
    match live(seed, &mut world) {
        Ok(()) => Ok((world.faults, world.trace)),
        Err(what) => Err((what, world.trace.take())),
    }
}

fn live(seed: u64, world: &mut World) -> Result<(), String> {
    if seed % 4 != 3 {
        world.quiet = true;
        for _ in 0..seed % (WARM + 1) {
            world.calm();
            world.tick(std::time::Duration::from_millis(700));
        }
        world.quiet = false;
    }
    for step in 0..STEPS {
        world.step();
        if step % 8 == 0 {
            safe(world).map_err(|what| format!("at step {step}: {what}"))?;
        }
    }
    let settled = world.settle(true);
    safe(world).and(settled).map_err(|what| format!("at the end: {what}"))?;
    world.go_on_alone();
    let settled = world.settle(false);
    safe(world).and(settled).map_err(|what| format!("without the server: {what}"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn add(faults: &mut Faults, found: Faults) {
    for (fault, n) in found {
        *faults.entry(fault).or_default() += n;
    }
}

fn threads() -> u64 {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64
}

#[test]
fn whatever_the_network_does_nothing_is_lost_doubled_out_of_order_or_told_untruly() {
    if let Some(seed) = number("HOBNOB_SEED") {
        match run(seed, None, true) {
            Ok((faults, trace)) => println!("{}seed {seed} holds; {faults:?}", trace.unwrap_or_default()),
            Err((what, trace)) => panic!("seed {seed}: {what}\n{}", trace.unwrap_or_default()),
        }
        return;
    }
    let seeds = number("HOBNOB_SEEDS").unwrap_or(SEEDS);
    let began = Instant::now();
    let next = std::sync::Arc::new(AtomicU64::new(0));
    let parts: Vec<_> = (0..threads())
        .map(|_| {
            let next = std::sync::Arc::clone(&next);
            std::thread::spawn(move || {
                let mut faults = Faults::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return Ok(faults);
                    }
                    match run(seed, None, false) {
                        Ok((found, _)) => add(&mut faults, found),
                        Err((what, _)) => {
                            next.store(seeds, Ordering::Relaxed);
                            return Err((seed, what));
                        }
                    }
                }
            })
        })
        .collect();
    let mut faults = Faults::new();
    for part in parts {
        match part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
            Ok(found) => add(&mut faults, found),
            Err((seed, what)) => {
                let trace = run(seed, None, true).err().and_then(|(_, trace)| trace).unwrap_or_default();
                panic!("seed {seed}: {what}\nHOBNOB_SEED={seed} runs it again. Its trace:\n{trace}");
            }
        }
    }
    let took = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = seeds as f64 / took;
    println!("{seeds} seeds in {took:.1} s, {rate:.0} a second; faults put in: {faults:?}");
    for fault in super::world::FAULTS {
        assert!(faults.get(&fault).is_some_and(|n| *n > 0), "{fault:?} was never tried");
    }
}

#[test]
fn a_seed_is_the_same_every_time() {
    for seed in 0..8 {
        let trace = || run(seed, None, true).map_or_else(|(_, trace)| trace, |(_, trace)| trace);
        assert!(trace() == trace(), "seed {seed} is not");
    }
}

/// How many runs it takes to find a defect.
fn found(slip: Option<Slip>, wrong: Option<Defect>) -> Option<(u64, String)> {
    defect::set(wrong);
    let found = (0..PATIENCE).find_map(|seed| run(seed, slip, false).err().map(|(what, _)| (seed + 1, what)));
    defect::set(None);
    found
}

#[test]
fn every_defect_is_found() {
    let defects = [
        Defect::ForgetGap,
        Defect::TakeKnown,
        Defect::NoRoom,
        Defect::AskOnce,
        Defect::OneSource,
        Defect::GiveUp,
        Defect::BothSelect,
        Defect::WorseWins,
        Defect::IgnoreSelect,
        Defect::StayOnline,
        Defect::AskNever,
        Defect::ForgetReunion,
    ];
    let slips = slip::ALL.into_iter().map(|slip| (Some(slip), None));
    let mut missed = Vec::new();
    for (slip, wrong) in slips.chain(defects.into_iter().map(|defect| (None, Some(defect)))) {
        let name = slip
            .map_or_else(|| wrong.map(|wrong| format!("{wrong:?}")).unwrap_or_default(), |slip| format!("{slip:?}"));
        match found(slip, wrong) {
            Some((runs, what)) => println!("{name}: found in run {runs}: {what}"),
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found within {PATIENCE} runs: {missed:?}");
}
