//! The devices, the wires between them, the clock, and the faults that a seed puts in.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, MessageId};
use hobnob_shared::message::Peer;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::device::{Device, Out, ROOM, Slip};
use crate::core::event::LinkPath;
use crate::core::peer_link::state::ConnectionId;
use crate::core::replica::ThreadKey;

/// What the network and the machines do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Frames of one wire wait while others go on.
    Delay,
    /// A frame comes twice.
    Double,
    /// A frame overtakes the one before it.
    Reorder,
    /// A connection breaks, and what was on it is lost.
    Cut,
    /// One side notices that, the other one later.
    HalfCut,
    /// A device is killed and starts again.
    Crash,
    /// A second connection while one stands.
    Glare,
}

struct Wire {
    devices: [usize; 2],
    ends: [Option<ConnectionId>; 2],
    flights: [VecDeque<Peer>; 2],
}

/// See the module.
pub(super) struct World {
    pub(super) devices: Vec<Device>,
    wires: Vec<Wire>,
    /// Which wire a connection is.
    routes: BTreeMap<(usize, DeviceId, ConnectionId), usize>,
    random: SmallRng,
    /// In some worlds two devices that share only the room never reach each other: what one says comes to the other by others.
    pub(super) apart: bool,
    pub(super) start: Instant,
    pub(super) now: Instant,
    /// What was said by whom, in the order of saying.
    pub(super) said: Vec<(usize, ThreadKey, MessageId, String)>,
    pub(super) faults: BTreeMap<Fault, u64>,
    pub(super) trace: Option<String>,
}

/// Rounds of half a second in which a quiet network must have settled: far less than a dead link takes to be noticed.
const SETTLED: usize = 70;
/// Most wires at once: old ones are cut, so that a long run stays small.
const WIRES: usize = 40;

impl World {
    pub(super) fn new(seed: u64, slip: Option<Slip>, traced: bool) -> Self {
        let mut devices =
            vec![Device::new(1, "alice"), Device::new(2, "alice"), Device::new(3, "bob"), Device::new(4, "carol")];
        for device in &mut devices {
            device.slip = slip;
        }
        let now = Instant::now();
        Self {
            devices,
            wires: Vec::new(),
            routes: BTreeMap::new(),
            random: SmallRng::seed_from_u64(seed),
            apart: seed % 2 == 1,
            start: now,
            now,
            said: Vec::new(),
            faults: BTreeMap::new(),
            trace: traced.then(String::new),
        }
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        let at = self.now - self.start;
        if let Some(trace) = &mut self.trace {
            let _written = writeln!(trace, "{:>9.3} {}", at.as_secs_f64(), text());
        }
    }

    fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
        self.note(|| format!("fault: {fault:?}"));
    }

    fn carry_out(&mut self, who: usize, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Frame(other, id, frame) => {
                    let Some(&wire) = self.routes.get(&(who, other, id)) else { continue };
                    let wire = &mut self.wires[wire];
                    let side = usize::from(wire.devices[1] == who);
                    // A broken wire takes nothing.
                    if wire.ends[1 - side].is_some() {
                        wire.flights[side].push_back(*frame);
                    }
                }
                Out::Close(other, id) => {
                    if let Some(wire) = self.routes.remove(&(who, other, id)) {
                        let side = usize::from(self.wires[wire].devices[1] == who);
                        self.wires[wire].ends[side] = None;
                    }
                }
            }
        }
    }

    /// A new connection between two devices.
    pub(super) fn connect(&mut self, a: usize, b: usize, path: LinkPath) {
        if !self.reach(a, b) {
            return;
        }
        self.note(|| format!("connect {} - {} {path:?}", a + 1, b + 1));
        let wire = self.wires.len();
        self.wires.push(Wire { devices: [a, b], ends: [None, None], flights: [VecDeque::new(), VecDeque::new()] });
        let ids = [self.devices[a].id, self.devices[b].id];
        let mut outs = Vec::new();
        for (side, who) in [a, b].into_iter().enumerate() {
            let other = ids[1 - side];
            if let Some((id, out)) = self.devices[who].connected(other, path, self.now) {
                self.wires[wire].ends[side] = Some(id);
                self.routes.insert((who, other, id), wire);
                outs.push((who, out));
            }
        }
        for (who, out) in outs {
            self.carry_out(who, out);
        }
    }

    /// Whether two devices can connect at all.
    pub(super) fn reach(&self, a: usize, b: usize) -> bool {
        !self.apart || (a.min(b), a.max(b)) != (1, 3)
    }

    /// A connection breaks; with `one` only one side notices now.
    fn cut(&mut self, wire: usize, one: Option<usize>) {
        for side in 0..2 {
            self.wires[wire].flights[side].clear();
            if one.is_some_and(|one| one != side) {
                continue;
            }
            let who = self.wires[wire].devices[side];
            let other = self.devices[self.wires[wire].devices[1 - side]].id;
            if let Some(id) = self.wires[wire].ends[side].take() {
                self.routes.remove(&(who, other, id));
                self.lost(who, other, id);
            }
        }
    }

    fn lost(&mut self, who: usize, other: DeviceId, id: ConnectionId) {
        let now = self.now;
        let device = &mut self.devices[who];
        let effects = device.links.get_mut(&other).map(|state| state.lost(id, now)).unwrap_or_default();
        let out = device.carry_out(other, effects, now);
        self.carry_out(who, out);
    }

    fn crash(&mut self, who: usize) {
        self.note(|| format!("crash {}", who + 1));
        let own = self.devices[who].id;
        self.devices[who].restart();
        for wire in &mut self.wires {
            let Some(side) = wire.devices.iter().position(|device| *device == who) else { continue };
            wire.ends[side] = None;
            wire.flights[side].clear();
            wire.flights[1 - side].clear();
        }
        self.routes.retain(|(device, _, _), _| *device != who);
        debug_assert_eq!(self.devices[who].id, own);
    }

    /// Wires on which something is to come: a frame, or the news that the other end is gone.
    fn busy(&self) -> Vec<(usize, usize)> {
        let ends = |wire: &Wire, from: usize| {
            !wire.flights[from].is_empty() || (wire.ends[from].is_none() && wire.ends[1 - from].is_some())
        };
        let wires = self.wires.iter().enumerate();
        wires
            .flat_map(|(n, wire)| {
                [0, 1].into_iter().filter(|from| ends(wire, *from)).map(move |from| (n, from)).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Delivers one frame, or one end of a connection.
    fn deliver(&mut self, wire: usize, from: usize) {
        let to = 1 - from;
        let (sender, receiver) = (self.wires[wire].devices[from], self.wires[wire].devices[to]);
        let other = self.devices[sender].id;
        let frame = self.wires[wire].flights[from].pop_front();
        let Some(id) = self.wires[wire].ends[to] else { return };
        let now = self.now;
        let Some(frame) = frame else {
            self.wires[wire].ends[to] = None;
            self.routes.remove(&(receiver, other, id));
            return self.lost(receiver, other, id);
        };
        self.note(|| format!("{} -> {}: {}", sender + 1, receiver + 1, brief(&frame)));
        let device = &mut self.devices[receiver];
        let effects = device.links.get_mut(&other).map(|state| state.frame(id, frame, now)).unwrap_or_default();
        let out = device.carry_out(other, effects, now);
        self.carry_out(receiver, out);
    }

    fn sync(&mut self, who: usize) {
        let out = self.devices[who].sync(self.now);
        self.carry_out(who, out);
    }

    fn tick(&mut self, time: Duration) {
        self.now += time;
        for who in 0..self.devices.len() {
            let out = self.devices[who].tick(self.now);
            self.carry_out(who, out);
        }
    }

    fn say(&mut self, who: usize) {
        let thread = match (who, self.random.gen_range(0..3)) {
            (_, 0) => ThreadKey::Room(ROOM),
            (2, 1) => direct("carol"),
            (2, _) => direct("alice"),
            _ => direct("bob"),
        };
        let n = self.said.len() as u128 + 1;
        let (id, text) = (MessageId(uuid::Uuid::from_u128(n)), format!("message {n}"));
        self.note(|| format!("{} says {n} in {thread}", who + 1));
        self.said.push((who, thread.clone(), id, text.clone()));
        let out = self.devices[who].say(&thread, id, text, self.start, self.now);
        self.carry_out(who, out);
    }

    /// One step of trouble.
    pub(super) fn step(&mut self) {
        let who = self.random.gen_range(0..self.devices.len());
        match self.random.gen_range(0..100) {
            0..=9 => self.say(who),
            10..=19 => self.sync(who),
            20..=24 => {
                let other = (who + self.random.gen_range(1..self.devices.len())) % self.devices.len();
                let path = if self.random.gen_bool(0.3) { LinkPath::Relayed } else { LinkPath::Direct };
                let theirs = self.devices[other].id;
                if self.devices[who].up.contains_key(&theirs) {
                    self.fault(Fault::Glare);
                }
                self.connect(who, other, path);
                if self.wires.len() > WIRES {
                    self.compact();
                }
            }
            25..=26 if !self.wires.is_empty() => {
                self.fault(Fault::Cut);
                let wire = self.random.gen_range(0..self.wires.len());
                self.cut(wire, None);
            }
            27 if !self.wires.is_empty() => {
                self.fault(Fault::HalfCut);
                let (wire, side) = (self.random.gen_range(0..self.wires.len()), self.random.gen_range(0..2));
                self.cut(wire, Some(side));
            }
            28 => {
                self.fault(Fault::Crash);
                self.crash(who);
            }
            29..=33 => {
                let time = Duration::from_millis(self.random.gen_range(1..4_000));
                self.tick(time);
            }
            34..=35 => self.mangle(Fault::Double),
            36..=37 => self.mangle(Fault::Reorder),
            _ => {
                let busy = self.busy();
                if !busy.is_empty() {
                    if busy.len() > 1 {
                        *self.faults.entry(Fault::Delay).or_default() += 1;
                    }
                    let (wire, from) = busy[self.random.gen_range(0..busy.len())];
                    self.deliver(wire, from);
                }
            }
        }
    }

    fn mangle(&mut self, fault: Fault) {
        let full: Vec<(usize, usize)> =
            self.busy().into_iter().filter(|(wire, from)| self.wires[*wire].flights[*from].len() > 1).collect();
        if full.is_empty() {
            return;
        }
        let (wire, from) = full[self.random.gen_range(0..full.len())];
        let flight = &mut self.wires[wire].flights[from];
        let at = self.random.gen_range(1..flight.len());
        if !Device::may_suffer(&flight[at], fault) || !Device::may_suffer(&flight[at - 1], fault) {
            return;
        }
        match fault {
            Fault::Double => {
                let again = flight[at].clone();
                flight.push_back(again);
            }
            _ => flight.swap(at, at - 1),
        }
        self.fault(fault);
    }

    /// Wires that both ends have let go are forgotten.
    fn compact(&mut self) {
        let mut kept = Vec::new();
        let mut moved = BTreeMap::new();
        for (n, wire) in std::mem::take(&mut self.wires).into_iter().enumerate() {
            if wire.ends.iter().any(Option::is_some) {
                moved.insert(n, kept.len());
                kept.push(wire);
            }
        }
        self.wires = kept;
        self.routes = std::mem::take(&mut self.routes)
            .into_iter()
            .filter_map(|(key, wire)| Some((key, *moved.get(&wire)?)))
            .collect();
    }

    /// No more faults: everybody connects, everything arrives. Ends when nothing happens any more, or after so many rounds.
    pub(super) fn settle(&mut self) {
        self.note(|| "a quiet network".to_owned());
        for round in 0..SETTLED {
            let devices = self.devices.len();
            for a in 0..devices {
                for b in a + 1..devices {
                    let (one, two) = (self.devices[a].id, self.devices[b].id);
                    let up = self.devices[a].up.contains_key(&two) && self.devices[b].up.contains_key(&one);
                    // A direct path is found at last, and a late relay changes nothing.
                    match round {
                        6 => self.connect(a, b, LinkPath::Direct),
                        12 => self.connect(a, b, LinkPath::Relayed),
                        _ if !up => self.connect(a, b, LinkPath::Direct),
                        _ => {}
                    }
                }
            }
            for _ in 0..40 {
                let busy = self.busy();
                if busy.is_empty() {
                    break;
                }
                for (wire, from) in busy {
                    self.deliver(wire, from);
                }
                for who in 0..devices {
                    self.sync(who);
                }
            }
            for who in 0..devices {
                self.sync(who);
            }
            self.compact();
            self.tick(Duration::from_millis(500));
            if round > 20 && self.busy().is_empty() && super::checks::converged(self).is_ok() {
                break;
            }
        }
    }

    /// Which device, by its number in names.
    pub(super) fn device(&self, id: DeviceId) -> &Device {
        &self.devices[usize::from(id.0[0]) - 1]
    }
}

pub(super) fn direct(with: &str) -> ThreadKey {
    ThreadKey::Direct(with.parse().unwrap_or_else(|error| panic!("{error}")))
}

fn brief(frame: &Peer) -> String {
    match frame {
        Peer::Have(have) => {
            let heads: Vec<String> =
                have.heads.iter().map(|head| format!("{}:{}", head.device.0[0], head.number)).collect();
            format!("have {:?} {}", have.thread, heads.join(" "))
        }
        Peer::Want(want) => format!("want {:?} {} after {}", want.thread, want.device.0[0], want.after),
        Peer::Entries(part) => {
            let numbers: Vec<u64> = part.entries.iter().map(|entry| entry.number).collect();
            format!("entries {:?} {} after {} {numbers:?}", part.thread, part.device.0[0], part.after)
        }
        Peer::SignedEntries(part) => {
            format!("signed {} after {} ({})", part.chain.device[0], part.after, part.entries.len())
        }
        Peer::Hello(_) => "hello".to_owned(),
        Peer::Select(_) => "select".to_owned(),
        other => format!("{other:?}"),
    }
}
