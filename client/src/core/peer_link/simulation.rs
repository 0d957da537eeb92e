//! Two link states joined by connections that come, race, break and are replaced, in one thread with a virtual clock and a seed. Tests of
//! the decisions alone: whatever the network does, both sides agree on one link in the end, and each message is stored once and in order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::{DeviceId, InstanceId, MessageId};
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::{Peer, PeerHello, PeerMessage, Presence};
use proptest::prelude::*;

use super::state::{ConnectionId, Effect, State};
use crate::core::event::LinkPath;

/// One side: its state, its disk, and what it said happened.
struct Side {
    state: State,
    device: DeviceId,
    instance: InstanceId,
    /// Own messages on the disk, with "delivered".
    queue: Vec<(PeerMessage, bool)>,
    /// Others' messages on the disk, in the order of storing.
    stored: Vec<u64>,
    known: BTreeSet<MessageId>,
    /// Connection of the network by own number.
    wires: BTreeMap<ConnectionId, usize>,
    up: Option<ConnectionId>,
}

/// Frames in flight in one direction.
type Flight = VecDeque<Peer>;

struct Wire {
    ends: [Option<ConnectionId>; 2],
    flights: [Flight; 2],
}

struct World {
    sides: [Side; 2],
    wires: Vec<Wire>,
    now: Instant,
}

fn side(byte: u8, other: u8) -> Side {
    Side {
        state: State::new(DeviceId([byte; 32]), DeviceId([other; 32])),
        device: DeviceId([byte; 32]),
        instance: InstanceId([byte; 16]),
        queue: Vec::new(),
        stored: Vec::new(),
        known: BTreeSet::new(),
        wires: BTreeMap::new(),
        up: None,
    }
}

impl World {
    fn new() -> Self {
        Self { sides: [side(1, 2), side(2, 1)], wires: Vec::new(), now: Instant::now() }
    }

    fn hello(&self, who: usize) -> PeerHello {
        PeerHello {
            user: "bob".parse().unwrap(),
            instance: self.sides[who].instance,
            device_list: IdentityStatement { body: vec![], signature: vec![] },
            abilities: Abilities::ours(),
            presence: Presence::Available,
            text: String::new(),
            port: 0,
            reunion: None,
        }
    }

    fn connect(&mut self, path: LinkPath) {
        let wire = self.wires.len();
        self.wires.push(Wire { ends: [None, None], flights: [Flight::new(), Flight::new()] });
        for who in 0..2 {
            let hello = self.hello(who);
            let Some((id, effects)) = self.sides[who].state.connected(path, hello, self.now) else { continue };
            self.wires[wire].ends[who] = Some(id);
            self.sides[who].wires.insert(id, wire);
            self.carry_out(who, effects);
        }
    }

    /// One end is gone; the other hears of it when its flight is empty.
    fn end(&mut self, who: usize, id: ConnectionId) {
        if let Some(wire) = self.sides[who].wires.remove(&id) {
            self.wires[wire].ends[who] = None;
        }
    }

    fn cut(&mut self, wire: usize) {
        for who in 0..2 {
            self.wires[wire].flights[who].clear();
            if let Some(id) = self.wires[wire].ends[who].take() {
                self.sides[who].wires.remove(&id);
                let effects = self.sides[who].state.lost(id, self.now);
                self.carry_out(who, effects);
            }
        }
    }

    fn say(&mut self, who: usize) {
        let number = self.sides[who].queue.len() as u64 + 1;
        let message = PeerMessage { id: MessageId::new(), number, sent_at: 0, text: "x".into(), reply_to: None };
        self.sides[who].queue.push((message, false));
        let effects = self.sides[who].state.queued();
        self.carry_out(who, effects);
    }

    fn restart(&mut self, who: usize) {
        let wires: Vec<usize> = self.sides[who].wires.values().copied().collect();
        let (own, other) = (self.sides[who].device, self.sides[1 - who].device);
        self.sides[who].state = State::new(own, other);
        self.sides[who].instance = InstanceId([own.0[0] ^ u8::try_from(self.wires.len()).unwrap() ^ 0x40; 16]);
        self.sides[who].up = None;
        self.sides[who].wires.clear();
        for wire in wires {
            self.wires[wire].ends[who] = None;
            self.wires[wire].flights[1 - who].clear();
        }
    }

    fn carry_out(&mut self, who: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Write(id, frame) | Effect::Offer(id, frame) => {
                    if let Some(wire) = self.sides[who].wires.get(&id) {
                        self.wires[*wire].flights[who].push_back(*frame);
                    }
                }
                Effect::Close(id) => self.end(who, id),
                Effect::Up(id) => self.sides[who].up = Some(id),
                Effect::Down => self.sides[who].up = None,
                Effect::Read(asked) => {
                    let found: Vec<PeerMessage> = self.sides[who]
                        .queue
                        .iter()
                        .filter(|(message, delivered)| !delivered && message.number > asked.after)
                        .take(asked.limit)
                        .map(|(message, _)| message.clone())
                        .collect();
                    let effects = self.sides[who].state.queue_read(asked, Some(found));
                    self.carry_out(who, effects);
                }
                Effect::Store(message) => {
                    if self.sides[who].known.insert(message.id) {
                        self.sides[who].stored.push(message.number);
                    }
                    let effects = self.sides[who].state.stored(&[message.id], 0);
                    self.carry_out(who, effects);
                }
                Effect::Delivered(ids) => {
                    for (message, delivered) in &mut self.sides[who].queue {
                        *delivered |= ids.contains(&message.id);
                    }
                }
                Effect::Sent(_) | Effect::Forward(_) => {}
            }
        }
    }

    /// Delivers one frame or one end of a connection. Tells whether there was any.
    fn step(&mut self, pick: usize) -> bool {
        let busy: Vec<(usize, usize)> = (0..self.wires.len())
            .flat_map(|wire| [(wire, 0), (wire, 1)])
            .filter(|(wire, from)| {
                let wire = &self.wires[*wire];
                !wire.flights[*from].is_empty() || (wire.ends[*from].is_none() && wire.ends[1 - from].is_some())
            })
            .collect();
        let Some((wire, from)) = busy.get(pick % busy.len().max(1)).copied() else { return false };
        let to = 1 - from;
        let end = self.wires[wire].ends[to];
        match (self.wires[wire].flights[from].pop_front(), end) {
            (Some(frame), Some(id)) => {
                let effects = self.sides[to].state.frame(id, frame, self.now);
                self.carry_out(to, effects);
            }
            (None, Some(id)) => {
                self.end(to, id);
                let effects = self.sides[to].state.lost(id, self.now);
                self.carry_out(to, effects);
            }
            (_, None) => {}
        }
        true
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        for who in 0..2 {
            let effects = self.sides[who].state.tick(self.now);
            self.carry_out(who, effects);
        }
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            while self.step(0) {}
            self.pass(Duration::from_millis(500));
        }
    }

    fn assert_one_link_and_everything_delivered(&mut self) {
        self.settle();
        let wires: Vec<Option<usize>> =
            self.sides.iter().map(|side| side.up.and_then(|id| side.wires.get(&id).copied())).collect();
        assert!(wires[0].is_some() && wires[0] == wires[1], "both sides use one link: {wires:?}");
        for who in 0..2 {
            let said: Vec<u64> = self.sides[who].queue.iter().map(|(message, _)| message.number).collect();
            assert_eq!(self.sides[1 - who].stored, said, "stored once and in order");
            assert!(self.sides[who].queue.iter().all(|(_, delivered)| *delivered));
        }
        let open = self.wires.iter().filter(|wire| wire.ends.iter().any(Option::is_some)).count();
        assert_eq!(open, 1, "lost races are closed");
    }
}

#[test]
fn both_dial_and_one_connection_survives() {
    let mut world = World::new();
    world.connect(LinkPath::Direct);
    world.connect(LinkPath::Direct);
    world.say(0);
    world.say(1);
    world.assert_one_link_and_everything_delivered();
}

#[test]
fn a_direct_path_takes_over_from_the_relay_and_not_the_other_way_round() {
    let mut world = World::new();
    world.connect(LinkPath::Relayed);
    world.say(0);
    world.settle();
    assert_eq!(world.sides[0].state.path(), LinkPath::Relayed);
    world.connect(LinkPath::Direct);
    world.say(1);
    world.settle();
    world.connect(LinkPath::Relayed);
    world.assert_one_link_and_everything_delivered();
    assert_eq!(world.sides[0].state.path(), LinkPath::Direct);
    assert_eq!(world.sides[1].state.path(), LinkPath::Direct);
}

#[test]
fn a_restarted_peer_replaces_its_own_ghost() {
    for who in 0..2 {
        let mut world = World::new();
        world.connect(LinkPath::Direct);
        world.say(0);
        world.settle();
        world.restart(who);
        world.connect(LinkPath::Direct);
        world.say(1 - who);
        world.assert_one_link_and_everything_delivered();
    }
}

#[test]
fn nothing_but_hello_may_come_before_select() {
    let mut world = World::new();
    let hello = world.hello(0);
    let state = &mut world.sides[0].state;
    let (id, _) = state.connected(LinkPath::Direct, hello, world.now).unwrap();
    let message = PeerMessage { id: MessageId::new(), number: 1, sent_at: 0, text: String::new(), reply_to: None };
    assert_eq!(state.frame(id, Peer::Message(message), world.now), [Effect::Close(id)]);
}

#[test]
fn a_silent_link_is_given_up() {
    let mut world = World::new();
    world.connect(LinkPath::Direct);
    world.settle();
    let id = world.sides[0].up.unwrap();
    let effects = world.sides[0].state.tick(world.now + Duration::from_secs(46));
    assert_eq!(effects, [Effect::Close(id), Effect::Down]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_network_does_nothing_is_lost_doubled_or_reordered(
        steps in prop::collection::vec((0_u8..12, any::<u16>()), 1..160)
    ) {
        let mut world = World::new();
        for (kind, pick) in steps {
            let pick = usize::from(pick);
            match kind {
                0 => world.connect(if pick % 3 == 0 { LinkPath::Relayed } else { LinkPath::Direct }),
                1 if !world.wires.is_empty() => { let wire = pick % world.wires.len(); world.cut(wire); }
                2 | 3 => world.say(pick % 2),
                4 => world.pass(Duration::from_millis(pick as u64 % 3000)),
                5 if pick % 8 == 0 => world.restart(pick / 8 % 2),
                _ => { world.step(pick); }
            }
        }
        // A quiet network: what is open may stay, and a new direct connection comes.
        world.settle();
        world.connect(LinkPath::Direct);
        world.assert_one_link_and_everything_delivered();
    }
}
