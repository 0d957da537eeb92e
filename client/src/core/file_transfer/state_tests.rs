//! Both ends of a transfer as pure states in one small world: links come and go, streams break, programs crash, people change their minds.
//! Whatever happened, nobody believes in a file that is not whole, and once the world is quiet every transfer that was not given up ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Hash, Token, TransferId};
use hobnob_shared::limits::GROUP;
use hobnob_shared::message::{Accept, CancelTransfer, Circuit, Peer};
use proptest::prelude::*;

use super::message::Wish;
use super::partial::Before;
use super::pump::Missing;
use super::state::{Effect, Refusal, State, Task};
use super::streams::Way;
use super::waiting::Turn;
use super::why::Why;
use crate::core::event::{Direction, Event, LinkPath};
use crate::core::history::transfers::{Stage, Transfer};
use crate::core::links::Up;

const ALICE: DeviceId = DeviceId([1; 32]);
pub(super) const BOB: DeviceId = DeviceId([2; 32]);
pub(super) const KEY: Fingerprint = Fingerprint([3; 32]);
const ROOT: Hash = Hash([4; 32]);
const GROUPS: u64 = 5;

pub(super) fn transfer(direction: Direction) -> Transfer {
    let outgoing = direction == Direction::Outgoing;
    let peer = if outgoing { "bob" } else { "alice" };
    Transfer {
        id: TransferId(uuid::Uuid::from_u128(7)),
        conversation: format!("@{peer}").parse().unwrap(),
        peer: peer.parse().unwrap(),
        from: "alice".parse().unwrap(),
        direction,
        name: "a.txt".into(),
        size: GROUPS * GROUP as u64,
        media_type: None,
        sent_at: 0,
        stage: Stage::Offered,
        done: 0,
        path: outgoing.then(|| "/home/alice/a.txt".into()),
        save_as: None,
        why: None,
        meant_for: outgoing.then_some(KEY),
        root: None,
        device: (!outgoing).then_some(ALICE),
        share: None,
        room: None,
        folder: None,
    }
}

/// One end, with its disk.
struct End {
    state: State,
    saved: Transfer,
    tokens: HashSet<Token>,
    /// Given to the pump.
    task: Option<Task>,
    pumping: bool,
    stopping: bool,
    told: Vec<Event>,
    answer: Option<Result<(), Refusal>>,
}

impl End {
    fn new(saved: Transfer) -> Self {
        let state = State::new(saved.clone(), Token::random);
        let (tokens, told) = (HashSet::new(), Vec::new());
        Self { state, saved, tokens, task: None, pumping: false, stopping: false, told, answer: None }
    }
}

/// Index of an end.
const A: usize = 0;
const B: usize = 1;

struct World {
    ends: [End; 2],
    /// Bob's program knows of the offer.
    known: bool,
    link: Option<Up>,
    frames: [VecDeque<Peer>; 2],
    /// Groups on Bob's disk.
    have: u64,
    whole: bool,
    /// Others have all turns.
    crowded: bool,
    now: Instant,
}

fn other(end: usize) -> usize {
    1 - end
}

fn device(end: usize) -> DeviceId {
    if end == A { ALICE } else { BOB }
}

impl World {
    fn new() -> Self {
        let ends = [End::new(transfer(Direction::Outgoing)), End::new(transfer(Direction::Incoming))];
        let frames = [VecDeque::new(), VecDeque::new()];
        Self { ends, known: false, link: None, frames, have: 0, whole: false, crowded: false, now: Instant::now() }
    }

    fn carry_out(&mut self, end: usize, effects: Vec<Effect>) {
        let mut effects: VecDeque<Effect> = effects.into();
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Save => self.ends[end].saved = self.ends[end].state.transfer().clone(),
                Effect::Tell(event) => self.ends[end].told.push(event),
                Effect::Answer(answer) => self.ends[end].answer = Some(answer),
                Effect::HoldAnswer | Effect::Widen(..) | Effect::Join => {}
                Effect::Send(to, frame) => {
                    assert_eq!(to, device(other(end)));
                    if self.link.is_some() {
                        self.frames[other(end)].push_back(frame);
                    }
                }
                Effect::Prepare { save_as, asked } => {
                    let state = &mut self.ends[end].state;
                    let more = if self.whole {
                        let (path, missing) = ("/home/bob/a.txt".into(), Missing::default());
                        state.was_finished(Before { path, root: ROOT, missing }, asked)
                    } else {
                        state.found(self.have * GROUP as u64);
                        state.prepared(Ok(self.have), save_as, asked, self.now)
                    };
                    more.into_iter().rev().for_each(|effect| effects.push_front(effect));
                }
                Effect::Expect(_, token) => drop(self.ends[end].tokens.insert(token)),
                Effect::Forget(token) => drop(self.ends[end].tokens.remove(&token)),
                Effect::TakeTurn => {
                    let state = &mut self.ends[end].state;
                    let more = if self.crowded { state.queued() } else { state.turn_came(self.now) };
                    more.into_iter().rev().for_each(|effect| effects.push_front(effect));
                }
                Effect::Dial(_, _, token) | Effect::Redial(_, _, token) => self.dial(end, token),
                Effect::AskCircuit(_) => self.circuit(end),
                Effect::Start(task) => {
                    self.ends[end].task = Some(task);
                    self.ends[end].pumping = true;
                }
                // The pump notices in its own time, bytes may flow until then.
                Effect::StopPump => self.ends[end].stopping = true,
                Effect::Erase => {
                    if end == B {
                        self.have = 0;
                    }
                }
            }
        }
        let (waiting, left) = (self.ends[end].state.turn, self.ends[end].state.leaves_turn());
        if left && waiting == Turn::Waiting {
            assert!(self.crowded, "it waits although it could go");
        }
    }

    /// The other side may not have read the accept yet: the listener would wait for it, so this world reads it first.
    fn dial(&mut self, end: usize, token: Token) {
        while !self.ends[other(end)].tokens.contains(&token) && self.deliver(other(end)) {}
        if self.ends[other(end)].tokens.contains(&token) {
            self.join(end, Way::Dialled(Duration::ZERO), Way::Accepted(token));
        } else {
            let effects = self.ends[end].state.dial_failed(device(other(end)), false, self.now);
            self.carry_out(end, effects);
        }
    }

    fn circuit(&mut self, end: usize) {
        while self.deliver(other(end)) {}
        let circuit = |to: usize| Circuit {
            user: "carol".parse().unwrap(),
            device: device(other(to)),
            transfer: self.ends[A].saved.id,
            relay: Token([9; 16]),
            dialler: to == end,
        };
        if [A, B].into_iter().all(|to| self.ends[to].state.wants_circuit(&circuit(to))) {
            self.join(end, Way::Relayed, Way::Relayed);
        } else {
            let effects = self.ends[end].state.circuit_refused(self.now);
            self.carry_out(end, effects);
        }
    }

    /// A stream that one side does not want is closed, and the other loses it at once.
    fn join(&mut self, end: usize, here: Way, there: Way) {
        for (side, way) in [(end, here), (other(end), there)] {
            let effects = self.ends[side].state.stream(device(other(side)), way, self.now);
            self.carry_out(side, effects);
        }
        if self.ends[A].pumping != self.ends[B].pumping {
            self.break_stream();
        }
    }

    /// Hands one frame over; false if there is none.
    fn deliver(&mut self, to: usize) -> bool {
        let Some(frame) = self.frames[to].pop_front() else { return false };
        if to == B && !self.known {
            self.known = matches!(frame, Peer::Offer(_));
            self.ends[B].saved = self.ends[B].state.transfer().clone();
        } else {
            let effects = self.ends[to].state.frame(device(other(to)), frame, self.now);
            self.carry_out(to, effects);
        }
        true
    }

    fn link_up(&mut self, relayed: bool, alice_dialled: bool) {
        self.link_down();
        let path = if relayed { LinkPath::Relayed } else { LinkPath::Direct };
        let address = (!relayed).then(|| "127.0.0.1:5000".parse().unwrap());
        let up = |dialled| Up { path, address, dialled };
        self.link = Some(up(alice_dialled));
        for (end, dialled) in [(A, alice_dialled), (B, !alice_dialled)] {
            let effects = self.ends[end].state.linked(device(other(end)), KEY, up(dialled));
            self.carry_out(end, effects);
        }
    }

    fn link_down(&mut self) {
        self.link = None;
        for end in [A, B] {
            self.frames[end].clear();
            let effects = self.ends[end].state.unlinked(device(other(end)));
            self.carry_out(end, effects);
        }
    }

    /// Bytes flow; at the end the receiver has the file, and the sender may hear of it or not.
    fn flow(&mut self, heard: bool) {
        if !(self.ends[A].pumping && self.ends[B].pumping) {
            return;
        }
        let (Some(Task::Send(from)), Some(task)) = (self.ends[A].task, self.ends[B].task) else {
            return self.break_stream();
        };
        match task {
            Task::Send(_) => unreachable!("the receiver does not send"),
            Task::Receive if self.have < GROUPS => {
                assert!(from <= self.have, "the sender skips groups");
                self.have += 1;
                let done = self.have * GROUP as u64;
                self.now += Duration::from_millis(150);
                for end in [A, B] {
                    let effects = self.ends[end].state.counted(done, self.now);
                    self.carry_out(end, effects);
                }
            }
            Task::Receive => {
                self.whole = true;
                self.ends[B].pumping = false;
                let effects = self.ends[B].state.pump_finished(
                    Some("/home/bob/a.txt".into()),
                    ROOT,
                    Missing::default(),
                    self.now,
                );
                self.carry_out(B, effects);
                self.end_of_sender(heard);
            }
            Task::Confirm(root) => {
                assert_eq!(root, ROOT);
                self.ends[B].pumping = false;
                let effects = self.ends[B].state.pump_finished(None, root, Missing::default(), self.now);
                self.carry_out(B, effects);
                self.end_of_sender(heard);
            }
        }
    }

    fn end_of_sender(&mut self, heard: bool) {
        self.ends[A].pumping = false;
        let effects = if heard {
            self.ends[A].state.pump_finished(None, ROOT, Missing::default(), self.now)
        } else {
            self.ends[A].state.pump_lost(0, self.now)
        };
        self.carry_out(A, effects);
    }

    fn break_stream(&mut self) {
        for end in [A, B] {
            self.ends[end].stopping = false;
            if std::mem::take(&mut self.ends[end].pumping) {
                let done = self.have * GROUP as u64;
                let effects = self.ends[end].state.pump_lost(done, self.now);
                self.carry_out(end, effects);
            }
        }
    }

    /// The program dies with what it did not save, and is started again.
    fn crash(&mut self, end: usize) {
        self.ends[end].pumping = false;
        self.break_stream();
        let saved = self.ends[end].saved.clone();
        self.ends[end] = End::new(saved);
        self.link_down();
    }

    fn wish(&mut self, end: usize, wish: Wish) -> Option<Result<(), Refusal>> {
        if end == B && !self.known {
            return None;
        }
        self.ends[end].answer = None;
        let effects = self.ends[end].state.order(wish, self.now);
        self.carry_out(end, effects);
        if self.ends[end].answer.is_none() {
            while self.deliver(A) || self.deliver(B) {}
            self.break_stream();
        }
        assert!(self.ends[end].answer.is_some(), "every command is answered");
        self.ends[end].answer.clone()
    }

    fn tick(&mut self) {
        self.now += Duration::from_secs(20);
        for end in [A, B] {
            let effects = self.ends[end].state.tick(self.now);
            self.carry_out(end, effects);
        }
    }

    /// Others take all turns, or give them back.
    fn crowd(&mut self, crowded: bool) {
        self.crowded = crowded;
        for end in [A, B] {
            if !crowded && self.ends[end].state.turn == Turn::Waiting {
                let effects = self.ends[end].state.turn_came(self.now);
                self.carry_out(end, effects);
            }
        }
    }

    fn stage(&self, end: usize) -> Stage {
        self.ends[end].state.transfer().stage
    }

    fn check(&self) {
        if self.stage(A) == Stage::Finished {
            assert!(self.whole, "the sender believes in a file that is not whole");
        }
        if self.stage(B) == Stage::Finished {
            assert!(self.whole, "the receiver believes in a file that is not whole");
        }
        for end in [A, B] {
            let finished = |event: &&Event| matches!(event, Event::FileFinished { .. });
            assert!(self.ends[end].told.iter().filter(finished).count() <= 1, "told twice");
        }
    }

    /// Everything that happens by itself, for long enough.
    fn settle(&mut self) {
        for _ in 0..60 {
            while self.deliver(A) || self.deliver(B) {}
            if self.ends.iter().any(|end| end.stopping) || self.ends[A].pumping != self.ends[B].pumping {
                self.break_stream();
            }
            self.flow(true);
            if !self.ends[A].pumping {
                self.tick();
            }
            self.check();
        }
    }
}

fn accepted() -> World {
    let mut world = World::new();
    world.link_up(false, true);
    world.deliver(B);
    assert_eq!(world.wish(B, Wish::Accept { save_as: None }), Some(Ok(())));
    while world.deliver(A) || world.deliver(B) {}
    world
}

#[test]
fn offer_accept_finish_by_every_kind_of_link() {
    for (relayed, alice_dialled) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut world = World::new();
        world.link_up(relayed, alice_dialled);
        world.deliver(B);
        assert!(world.ends[B].state.waiting_offer().is_some());
        world.wish(B, Wish::Accept { save_as: None }).unwrap().unwrap();
        world.settle();
        assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
        let progress = |event: &&Event| matches!(event, Event::FileProgress { done: 0, .. });
        assert!(world.ends.iter().all(|end| end.told.iter().any(|event| progress(&event))), "from where, at once");
    }
}

#[test]
fn pauses_hold_on_both_sides_until_who_paused_goes_on() {
    for (who, end_there) in [(A, B), (B, A)] {
        let mut world = accepted();
        world.flow(true);
        world.wish(who, Wish::Pause).unwrap().unwrap();
        world.settle();
        assert_eq!(world.stage(who), Stage::PausedHere);
        assert_eq!(world.stage(end_there), Stage::PausedThere);
        assert_eq!(world.wish(end_there, Wish::Resume), Some(Err(Refusal::PausedThere)));
        world.crash(end_there);
        world.crash(who);
        world.link_up(false, false);
        world.settle();
        assert_eq!((world.stage(who), world.stage(end_there)), (Stage::PausedHere, Stage::PausedThere));
        world.wish(who, Wish::Resume).unwrap().unwrap();
        world.settle();
        assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]
    #[test]
    fn whatever_happens_it_ends_and_is_true(steps in prop::collection::vec((0..18_u8, any::<bool>(), any::<bool>()), 0..60)) {
        let mut world = World::new();
        let mut given_up = false;
        for (step, one, two) in steps {
            let end = usize::from(one);
            match step {
                0..=2 => world.link_up(one, two),
                3 => world.link_down(),
                4 | 5 => drop(world.deliver(end)),
                6..=8 => world.flow(two),
                9 => world.break_stream(),
                10 => world.crash(end),
                11 => world.tick(),
                12 => drop(world.wish(end, Wish::Pause)),
                13 => drop(world.wish(end, Wish::Resume)),
                14 => drop(world.wish(B, Wish::Accept { save_as: None })),
                15 if two => given_up |= world.wish(end, Wish::Cancel) == Some(Ok(())),
                16 if two && one => given_up |= world.wish(B, Wish::Decline) == Some(Ok(())),
                17 => world.crowd(one),
                _ => {}
            }
            world.check();
        }
        world.crowd(false);
        world.link_up(false, true);
        for _ in 0..3 {
            world.settle();
            for end in [A, B] {
                drop(world.wish(end, Wish::Resume));
                drop(world.wish(B, Wish::Accept { save_as: None }));
            }
        }
        world.settle();
        if !given_up {
            prop_assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
        } else if !world.whole {
            prop_assert!(world.ends[A].state.is_over(), "{:?} {:?}", world.stage(A), world.stage(B));
        }
    }
}

#[path = "ending_tests.rs"]
mod endings;
#[path = "refusal_tests.rs"]
mod refusals;
#[path = "waiting_tests.rs"]
mod waiting;
