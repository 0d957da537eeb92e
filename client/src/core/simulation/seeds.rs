//! Runs by the thousand. `HOBNOB_SEEDS` says how many, `HOBNOB_SEED` runs and traces one.

use std::collections::BTreeMap;
use std::time::Instant;

use super::checks::{converged, safe};
use super::device::Slip;
use super::world::{Fault, World};
use crate::core::replica::defect::{self, Defect};

/// Steps of trouble in one run.
const STEPS: usize = 260;
/// Runs of a plain `make test`.
const SEEDS: u64 = 10_000;
/// A defect must be found within so many runs.
const PATIENCE: u64 = 1_000;

/// Runs one seed: the faults that it put in, or what went wrong.
fn run(seed: u64, slip: Option<Slip>, traced: bool) -> Result<BTreeMap<Fault, u64>, (String, Option<String>)> {
    let mut world = World::new(seed, slip, traced);
    let fail = |world: &mut World, what: String| (what, world.trace.take());
    for step in 0..STEPS {
        world.step();
        if step % 8 == 0
            && let Err(what) = safe(&world)
        {
            return Err(fail(&mut world, format!("at step {step}: {what}")));
        }
    }
    world.settle();
    if let Err(what) = safe(&world).and_then(|()| converged(&world)) {
        return Err(fail(&mut world, format!("at the end: {what}")));
    }
    Ok(world.faults)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_the_network_does_nothing_is_lost_doubled_out_of_order_or_told_untruly() {
    if let Some(seed) = number("HOBNOB_SEED") {
        match run(seed, None, true) {
            Ok(faults) => println!("seed {seed} holds; {faults:?}"),
            Err((what, trace)) => panic!("seed {seed}: {what}\n{}", trace.unwrap_or_default()),
        }
        return;
    }
    let seeds = number("HOBNOB_SEEDS").unwrap_or(SEEDS);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let began = Instant::now();
    let parts: Vec<_> = (0..threads)
        .map(|part| {
            std::thread::spawn(move || {
                let mut faults: BTreeMap<Fault, u64> = BTreeMap::new();
                for seed in (part..seeds).step_by(usize::try_from(threads).unwrap_or(1)) {
                    match run(seed, None, false) {
                        Ok(found) => found.into_iter().for_each(|(fault, n)| *faults.entry(fault).or_default() += n),
                        Err((what, _)) => return Err((seed, what)),
                    }
                }
                Ok(faults)
            })
        })
        .collect();
    let mut faults: BTreeMap<Fault, u64> = BTreeMap::new();
    for part in parts {
        match part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
            Ok(found) => found.into_iter().for_each(|(fault, n)| *faults.entry(fault).or_default() += n),
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
    for fault in [Fault::Delay, Fault::Double, Fault::Reorder, Fault::Cut, Fault::HalfCut, Fault::Crash, Fault::Glare] {
        assert!(faults.get(&fault).is_some_and(|n| *n > 0), "{fault:?} was never tried");
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
    let slips = [
        Slip::SkipSync,
        Slip::DropAcknowledgement,
        Slip::ReuseNumber,
        Slip::ShowBeforeJudging,
        Slip::NoAdvert,
        Slip::PromiseEarly,
        Slip::SendBeforeSync,
        Slip::ClaimComplete,
        Slip::AcknowledgeAhead,
    ];
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
    ];
    let mut missed = Vec::new();
    for slip in slips {
        match found(Some(slip), None) {
            Some((runs, what)) => println!("{slip:?}: found in run {runs}: {what}"),
            None => missed.push(format!("{slip:?}")),
        }
    }
    for wrong in defects {
        match found(None, Some(wrong)) {
            Some((runs, what)) => println!("{wrong:?}: found in run {runs}: {what}"),
            None => missed.push(format!("{wrong:?}")),
        }
    }
    assert!(missed.is_empty(), "not found within {PATIENCE} runs: {missed:?}");
}
