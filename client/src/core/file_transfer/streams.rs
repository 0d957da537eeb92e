//! The decisions of one transfer, continued: data streams that come up or do not, and pumps that run and end. Pure, as `state.rs`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Hash, Token};
use hobnob_shared::limits;
use hobnob_shared::message::Circuit;

use super::ending::{End, Ending};
use super::patience::Patience;
use super::pump::{Missing, Skipped};
use super::state::{Effect, Effects, Refusal, Run, State, Task};
use super::tree::groups;
use super::why::Why;
use crate::core::event::{Event, LinkPath, SkippedInfo};
use crate::core::history::transfers::Stage;

/// First and longest wait before the receiver asks again while the link stands.
const AGAIN_MIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_mins(1);

/// From this round trip on several connections carry more than one where packets are lost; below it one fills any path.
const FAR: Duration = Duration::from_millis(8);
/// Bytes that are worth the handshakes of more connections.
const WIDE: u64 = 8 * limits::GROUP as u64;

/// Of so many streams in a row that kept to no rule, and brought nothing new, the last ends the transfer for good: the first is an accident,
/// and the person may try once more.
const BAD_STREAMS: u8 = 3;

/// How a stream came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Dialled from here over a path with this round trip.
    Dialled(Duration),
    /// By the relay.
    Relayed,
    /// Dialled by the other side, with this token.
    Accepted(Token),
}

impl State {
    /// A dial failed. Where the link is direct it is tried once more; what does not go directly goes by the relay, once.
    pub(super) fn dial_failed(&mut self, device: DeviceId, relayed: bool, now: Instant) -> Effects {
        let direct = self.links.get(&device).filter(|up| up.path == LinkPath::Direct).and_then(|up| up.address);
        let Run::Connecting { device: wanted, token, redialled, .. } = &mut self.run else { return Vec::new() };
        if *wanted != device {
            return Vec::new();
        }
        match direct {
            _ if relayed => self.try_again(now),
            Some(address) if !*redialled => {
                *redialled = true;
                vec![Effect::Redial(device, address, *token)]
            }
            _ => vec![Effect::AskCircuit(device)],
        }
    }

    /// A circuit is for the stream that is coming up.
    pub(super) fn wants_circuit(&self, circuit: &Circuit) -> bool {
        matches!(self.run, Run::Connecting { device, .. } if device == circuit.device)
    }

    pub(super) fn circuit_refused(&mut self, now: Instant) -> Effects {
        if matches!(self.run, Run::Connecting { .. }) { self.try_again(now) } else { Vec::new() }
    }

    /// A stream stands. Without an effect it is not wanted.
    pub(super) fn stream(&mut self, from: DeviceId, way: Way, now: Instant) -> Effects {
        let Run::Connecting { device, token, task, .. } = self.run else { return self.join(from, way) };
        if device != from || matches!(way, Way::Accepted(shown) if shown != token) {
            return Vec::new();
        }
        self.run = Run::Running;
        self.token = Some(token);
        let done = match task {
            Task::Send(from) => from.saturating_mul(limits::GROUP as u64).min(self.transfer.size),
            Task::Receive => self.transfer.done,
            Task::Confirm(_) => self.transfer.size,
        };
        let mut effects = vec![Effect::Start(task)];
        if !matches!(task, Task::Confirm(_)) {
            self.transfer.done = done;
            self.meter.start(done, now);
            effects.push(self.progress(0));
        }
        let address = self.links.get(&device).and_then(|up| up.address);
        if let (Way::Dialled(round_trip), Some(address)) = (way, address)
            && round_trip >= FAR
            && self.transfer.size.saturating_sub(done) >= WIDE
        {
            effects.push(Effect::Widen(device, address, token));
        }
        effects
    }

    /// A further connection of what runs.
    fn join(&self, from: DeviceId, way: Way) -> Effects {
        let ours = self.run == Run::Running && self.transfer.device == Some(from);
        match way {
            Way::Accepted(shown) if ours && self.token == Some(shown) => vec![Effect::Join],
            _ => Vec::new(),
        }
    }

    /// The stream that runs is the one that this token opened.
    pub(super) fn runs_by(&self, token: &Token) -> bool {
        self.run == Run::Running && self.token.as_ref() == Some(token)
    }

    /// What was on the disk when the partial was opened.
    pub(super) fn found(&mut self, done: u64) {
        self.transfer.done = done;
    }

    pub(super) fn progress(&self, rate: u64) -> Effect {
        let (transfer, done, size) = (self.transfer.known_as(), self.transfer.done, self.transfer.size);
        Effect::Tell(Event::FileProgress { transfer, done, size, rate, by: self.transfer.by() })
    }

    /// The counter of a running pump.
    pub(super) fn counted(&mut self, done: u64, now: Instant) -> Effects {
        if self.run != Run::Running || self.transfer.stage == Stage::Finished || done <= self.transfer.done {
            return Vec::new();
        }
        match self.meter.count(done, now) {
            Some(rate) => {
                self.transfer.done = done;
                self.attempt = 0;
                self.patience.rewarded();
                // Whoever still sends has not lost the stream.
                self.again_at = None;
                vec![self.progress(rate)]
            }
            None => Vec::new(),
        }
    }

    pub(super) fn pump_finished(
        &mut self,
        path: Option<PathBuf>,
        root: Hash,
        missing: Missing,
        now: Instant,
    ) -> Effects {
        let stopping = self.run == Run::Stopping;
        self.run = Run::Idle;
        let too_late = matches!(self.ending.take(), Some(Ending { what: End::Pause | End::Cancel, .. }));
        if self.transfer.stage == Stage::Finished {
            return Vec::new();
        }
        let mut effects = self.finished(path, root, missing);
        if too_late {
            effects.insert(1, Effect::Answer(Err(Refusal::Over)));
        }
        if stopping && !self.outgoing() {
            // Whoever had it stopped may not have heard the end of it: a sender that offers again, or came back just now.
            effects.extend(self.ask(groups(self.transfer.size), Task::Confirm(root), now));
        }
        effects
    }

    pub(super) fn finished(&mut self, path: Option<PathBuf>, root: Hash, missing: Missing) -> Effects {
        // A file that was just whole when somebody stopped it is whole.
        self.transfer.stage = Stage::Finished;
        self.transfer.done = self.transfer.size;
        self.transfer.root = Some(root);
        let text = incomplete(missing.count, self.transfer.folder.map_or(0, |folder| folder.files));
        self.transfer.why = text.clone().map(|text| ("incomplete".to_owned(), text));
        self.transfer.path = path.or_else(|| self.transfer.path.take());
        let event = Event::FileFinished {
            transfer: self.transfer.known_as(),
            path: self.transfer.path.clone().unwrap_or_default(),
            blake3: root,
            size: self.transfer.size,
            text,
            skipped: missing.first.into_iter().map(|Skipped { path, code }| SkippedInfo { path, code }).collect(),
            by: self.transfer.by(),
        };
        let rate = self.meter.rate();
        vec![Effect::Save, self.progress(rate), Effect::Tell(event), Effect::Erase]
    }

    pub(super) fn pump_failed(&mut self, why: &Why, done: u64, now: Instant) -> Effects {
        let stopped = self.pump_over(done);
        if matches!(why, Why::HashMismatch | Why::Protocol(_)) {
            // One that brought more than was ever here before is an accident.
            let brought = !self.outgoing() && self.transfer.done > self.best;
            self.bad = if brought { 1 } else { self.bad.saturating_add(1) };
            if brought {
                self.best = self.transfer.done;
                self.patience = Patience::default();
            }
        }
        if let Some(ending) = self.ending.take() {
            return self.end(ending.what);
        }
        if self.bad >= BAD_STREAMS && !self.transfer.stage.is_over() {
            let text = format!("{} It was the third time: this transfer has ended.", why.sentence(&self.transfer.peer));
            return self.give_up(why.wire(), text);
        }
        if let Some(effects) = stopped {
            return self.after_stop(effects, now);
        }
        match why {
            Why::Peer(code) => self.ended_by_peer(code.clone()),
            why if why.passes() => self.try_later(why, now),
            why => self.fail(why),
        }
    }

    /// The connection broke, or we stopped the pump.
    pub(super) fn pump_lost(&mut self, done: u64, now: Instant) -> Effects {
        let stopped = self.pump_over(done);
        if let Some(ending) = self.ending.take() {
            return self.end(ending.what);
        }
        if let Some(effects) = stopped {
            return self.after_stop(effects, now);
        }
        let mut effects = vec![Effect::Save];
        effects.extend(self.try_again(now));
        effects
    }

    /// Idle again; `Some` if that was our own wish.
    pub(super) fn pump_over(&mut self, done: u64) -> Option<Effects> {
        let stopping = self.run == Run::Stopping;
        self.run = Run::Idle;
        if !stopping {
            self.again_at = None;
        }
        if self.transfer.stage != Stage::Finished {
            self.transfer.done = done.max(self.transfer.done).min(self.transfer.size);
        }
        stopping.then(|| vec![Effect::Save])
    }

    pub(super) fn after_stop(&mut self, mut effects: Effects, now: Instant) -> Effects {
        if self.transfer.stage.is_over() {
            effects.extend(self.end_if_over());
        } else if self.granted.is_some() {
            effects.extend(self.follow(now));
        } else if self.transfer.stage == Stage::Failed && self.transfer.done == 0 {
            effects.push(Effect::Erase);
        } else if self.again_at.is_none() {
            effects.extend(self.go_on());
        }
        effects
    }

    /// Waits a little longer each time; a new link ends the waiting. The receiver asks, the sender waits to be asked.
    pub(super) fn try_again(&mut self, now: Instant) -> Effects {
        let effects = self.stop();
        if !self.outgoing() {
            self.wait_a_little(now);
        }
        effects
    }

    /// As that, for a reason on this side that passes. The receiver may have heard of it and waits for another offer.
    pub(super) fn try_later(&mut self, why: &Why, now: Instant) -> Effects {
        let mut effects = self.stop();
        self.wait_a_little(now);
        if *why == Why::OutOfFiles {
            let text =
                "Too many files are open on this computer right now. It goes on by itself once others are closed.";
            effects.push(self.tell_waiting(&why.code(), text.to_owned()));
        }
        effects
    }

    fn wait_a_little(&mut self, now: Instant) {
        if self.transfer.stage == Stage::Accepted {
            let wait = AGAIN_MIN.saturating_mul(1 << self.attempt.min(6)).min(AGAIN_MAX);
            self.attempt = self.attempt.saturating_add(1);
            self.again_at = Some(now + wait);
        }
    }

    /// The time of [`Self::next_due`] has come.
    pub(super) fn tick(&mut self, now: Instant) -> Effects {
        let late = self.ending.as_ref().is_some_and(|ending| ending.until <= now);
        match self.run {
            // The other side does not end its half: this one ends, and what was wanted holds.
            Run::Running if late => self.stop(),
            Run::Running if self.again_at.is_some_and(|at| at <= now) => {
                self.patience.begins(now);
                self.stop()
            }
            Run::Stopping if late && !matches!(self.ending, Some(Ending { what: End::There(_), .. })) => {
                self.ending = None;
                vec![Effect::Answer(Err(Refusal::Finishing))]
            }
            Run::Connecting { until, .. } if until <= now => self.try_again(now),
            Run::Idle if self.again_at.is_some_and(|at| at <= now) => {
                self.again_at = None;
                if self.granted.is_some() { self.follow(now) } else { self.go_on() }
            }
            _ => Vec::new(),
        }
    }
}

/// Says that a folder came without some of its files.
fn incomplete(missing: u32, files: u32) -> Option<String> {
    match missing {
        0 => None,
        1 => Some("One file did not come along: it changed or could not be read while it was sent.".to_owned()),
        n => Some(format!(
            "{n} of {files} files did not come along: they changed or could not be read while they were sent."
        )),
    }
}

#[cfg(test)]
#[path = "widening_tests.rs"]
mod tests;
