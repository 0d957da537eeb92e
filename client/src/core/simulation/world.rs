//! The devices, the server, the network between them, the clock, and the faults that a seed puts in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, MessageId, Token};
use hobnob_shared::message::OwnPresence;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::cast::ROOM;
use super::checks::Seen;
use super::device::Device;
use super::dials::Dial;
use super::lines::Line;
use super::server::Server;
use super::slip::Slip;
use super::wires::Wire;
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
    /// A session with the server breaks; or one side notices, and the other one later.
    SessionCut,
    /// The server is killed.
    ServerCrash,
    /// The server's store answers others first.
    LateAnswer,
    /// Nobody hears a device knock.
    DialLost,
    /// Somebody shows a token that was used before.
    Replay,
    /// Somebody shows a token that was made for somebody else.
    Theft,
}

/// All of them.
pub(super) const FAULTS: [Fault; 13] = [
    Fault::Delay,
    Fault::Double,
    Fault::Reorder,
    Fault::Cut,
    Fault::HalfCut,
    Fault::Crash,
    Fault::Glare,
    Fault::SessionCut,
    Fault::ServerCrash,
    Fault::LateAnswer,
    Fault::DialLost,
    Fault::Replay,
    Fault::Theft,
];

/// See the module.
pub(super) struct World {
    pub(super) devices: Vec<Device>,
    pub(super) server: Server,
    pub(super) wires: Vec<Wire>,
    /// Which wire a connection is.
    pub(super) routes: BTreeMap<(usize, DeviceId, ConnectionId), usize>,
    /// Sessions of the devices with the server.
    pub(super) lines: Vec<Line>,
    pub(super) dials: Vec<Dial>,
    /// Devices that knock at the relay.
    pub(super) knocks: Vec<(usize, Token)>,
    /// Dials that were made, as a thief may have seen them.
    pub(super) seen_dials: Vec<Dial>,
    /// Tokens of introductions by which somebody came in.
    pub(super) used: BTreeSet<Token>,
    pub(super) random: SmallRng,
    /// In some worlds two devices that share only the room never reach each other: what one says comes to the other by others.
    pub(super) apart: bool,
    /// No faults any more.
    pub(super) quiet: bool,
    pub(super) start: Instant,
    pub(super) now: Instant,
    /// What was said by whom, in the order of saying: the n-th has the id n.
    pub(super) said: Vec<(usize, ThreadKey, MessageId, String)>,
    pub(super) faults: BTreeMap<Fault, u64>,
    pub(super) trace: Option<String>,
    /// What must not happen.
    pub(super) wrong: Option<String>,
    pub(super) seen: Vec<Seen>,
    pub(super) connections: u64,
    /// Pairs whose direct link a late relay must not replace.
    pub(super) direct: Vec<(usize, usize)>,
}

/// Most wires at once: old ones are forgotten, so that a long run stays small.
const WIRES: usize = 40;

/// Something that may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// On a wire, from this end: a frame, or the news that the other end is gone.
    Wire(usize, usize),
    /// On a session, to the server or from it.
    Up(usize),
    Down(usize),
    /// The server's store is asked, or has answered.
    Question(usize),
    Answer(usize),
    /// Changes of presence are told.
    Gather,
    /// A device knocks at another one, or at the relay.
    Dial(usize),
    Knock(usize),
}

impl World {
    pub(super) fn new(seed: u64, slip: Option<Slip>, traced: bool) -> Self {
        let now = Instant::now();
        let devices: Vec<Device> = (1..=4).map(|id| Device::new(id, seed, now, slip)).collect();
        let looked_at = devices.iter().map(|_| Seen::default()).collect();
        let mut world = Self {
            devices,
            server: Server::new(now, slip),
            wires: Vec::new(),
            routes: BTreeMap::new(),
            lines: Vec::new(),
            dials: Vec::new(),
            knocks: Vec::new(),
            seen_dials: Vec::new(),
            used: BTreeSet::new(),
            random: SmallRng::seed_from_u64(seed),
            apart: seed % 2 == 1,
            quiet: false,
            start: now,
            now,
            said: Vec::new(),
            faults: BTreeMap::new(),
            trace: traced.then(String::new),
            wrong: None,
            seen: looked_at,
            connections: 0,
            direct: Vec::new(),
        };
        for who in 0..world.devices.len() {
            world.flush(who);
        }
        world
    }

    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        let at = self.now - self.start;
        if let Some(trace) = &mut self.trace {
            let _written = writeln!(trace, "{:>9.3} {}", at.as_secs_f64(), text());
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
        self.note(|| format!("fault: {fault:?}"));
    }

    /// Whether two devices can connect at all.
    pub(super) fn reach(&self, a: usize, b: usize) -> bool {
        !self.apart || (a.min(b), a.max(b)) != (1, 3)
    }

    pub(super) fn crash(&mut self, who: usize) {
        self.note(|| format!("crash {}", who + 1));
        self.hang_up_all(who);
        self.drop_wires(who);
        self.dials.retain(|dial| dial.from != who);
        self.knocks.retain(|(device, _)| *device != who);
        self.devices[who].restart();
        self.flush(who);
    }

    /// All that may happen next.
    pub(super) fn busy(&self) -> Vec<Lane> {
        let mut lanes = self.busy_wires();
        self.busy_lines(&mut lanes);
        let (questions, replies) = self.server.under_way();
        lanes.extend((0..questions).map(Lane::Question));
        lanes.extend((0..replies).map(Lane::Answer));
        lanes.extend(self.server.gathers().then_some(Lane::Gather));
        lanes.extend(self.dials.iter().enumerate().filter(|(_, dial)| !dial.parked).map(|(n, _)| Lane::Dial(n)));
        lanes.extend((0..self.knocks.len()).map(Lane::Knock));
        lanes
    }

    pub(super) fn deliver(&mut self, lane: Lane) {
        match lane {
            Lane::Wire(at, from) => self.deliver_wire(at, from),
            Lane::Up(at) => self.deliver_up(at),
            Lane::Down(at) => self.deliver_down(at),
            Lane::Question(at) => self.server.ask_store(at),
            Lane::Answer(at) => {
                if at > 0 {
                    *self.faults.entry(Fault::LateAnswer).or_default() += 1;
                }
                self.server.answered(at);
                self.post();
            }
            Lane::Gather => {
                self.server.gather();
                self.post();
            }
            Lane::Dial(at) => self.deliver_dial(at),
            Lane::Knock(at) => self.deliver_knock(at),
        }
    }

    pub(super) fn sync(&mut self, who: usize) {
        self.devices[who].sync();
        self.flush(who);
    }

    pub(super) fn tick(&mut self, time: Duration) {
        self.now += time;
        self.server.tick(self.now);
        self.post();
        self.tick_lines();
        self.tick_dials();
        for who in 0..self.devices.len() {
            self.devices[who].tick(self.now);
            self.flush(who);
        }
    }

    pub(super) fn say(&mut self, who: usize) {
        let thread = match (who, self.random.gen_range(0..3)) {
            (_, 0) if self.devices[who].is_in_room() => ThreadKey::Room(ROOM),
            (0 | 1 | 3, _) => direct("bob"),
            (_, 1) => direct("carol"),
            _ => direct("alice"),
        };
        let n = self.said.len() as u128 + 1;
        let (id, text) = (MessageId(uuid::Uuid::from_u128(n)), format!("message {n}"));
        self.note(|| format!("{} says {n} in {thread}", who + 1));
        self.said.push((who, thread.clone(), id, text.clone()));
        self.devices[who].say(&thread, id, text, self.start);
        self.flush(who);
    }

    /// Somebody joins the room, or leaves it. Bob stays, so that it is the same room all the time.
    fn change_room(&mut self, who: usize) {
        if who == 2 {
            return;
        }
        if self.devices[who].is_in_room() {
            self.note(|| format!("{} leaves", who + 1));
            self.devices[who].leave_room();
        } else {
            self.note(|| format!("{} joins", who + 1));
            self.devices[who].join_room();
        }
        self.flush(who);
    }

    /// One step of trouble.
    pub(super) fn step(&mut self) {
        let who = self.random.gen_range(0..self.devices.len());
        match self.random.gen_range(0..200) {
            0..=17 => self.say(who),
            18..=37 => self.sync(who),
            38..=41 => self.glare(who),
            42..=45 if !self.wires.is_empty() => {
                self.fault(Fault::Cut);
                let wire = self.random.gen_range(0..self.wires.len());
                self.cut(wire, None);
            }
            46..=47 if !self.wires.is_empty() => {
                self.fault(Fault::HalfCut);
                let (wire, side) = (self.random.gen_range(0..self.wires.len()), self.random.gen_range(0..2));
                self.cut(wire, Some(side));
            }
            48..=49 => {
                self.fault(Fault::Crash);
                self.crash(who);
            }
            50..=58 => {
                let time = Duration::from_millis(self.random.gen_range(1..4_000));
                self.tick(time);
            }
            59..=62 => self.mangle(Fault::Double),
            63..=66 => self.mangle(Fault::Reorder),
            67..=68 => self.change_room(who),
            69..=70 => self.cut_session(),
            71 => self.crash_server(),
            72..=74 if !self.server.up => self.start_server(),
            75..=76 => self.thief(who),
            77 => {
                let presence = [OwnPresence::Available, OwnPresence::Away][self.random.gen_range(0..2)];
                self.devices[who].set_presence(presence);
                self.flush(who);
            }
            _ => {
                let busy = self.busy();
                if !busy.is_empty() {
                    if busy.len() > 1 {
                        *self.faults.entry(Fault::Delay).or_default() += 1;
                    }
                    let lane = busy[self.random.gen_range(0..busy.len())];
                    self.deliver(lane);
                }
            }
        }
        if self.wires.len() > WIRES {
            self.compact();
        }
    }

    fn glare(&mut self, who: usize) {
        let other = (who + self.random.gen_range(1..self.devices.len())) % self.devices.len();
        if self.both_up(who, other) {
            let path = if self.random.gen_bool(0.3) { LinkPath::Relayed } else { LinkPath::Direct };
            self.fault(Fault::Glare);
            self.connect(who, other, path);
        }
    }

    /// A link stands, as both ends see it.
    pub(super) fn both_up(&self, a: usize, b: usize) -> bool {
        let (one, two) = (self.devices[a].id, self.devices[b].id);
        self.devices[a].up(&two).is_some() && self.devices[b].up(&one).is_some()
    }
}

pub(super) fn direct(with: &str) -> ThreadKey {
    ThreadKey::Direct(with.parse().unwrap_or_else(|error| panic!("{error}")))
}
