//! Connections between devices: frames in flight, cuts, and what a bad network does to frames.

use std::collections::{BTreeMap, VecDeque};

use hobnob_shared::message::Peer;
use rand::Rng;

use super::cast;
use super::device::Out;
use super::logs::brief;
use super::world::{Fault, Lane, World};
use crate::core::event::LinkPath;
use crate::core::peer_link::state::ConnectionId;

/// A connection.
pub(super) struct Wire {
    pub(super) devices: [usize; 2],
    pub(super) ends: [Option<ConnectionId>; 2],
    flights: [VecDeque<Peer>; 2],
    /// Through the server.
    pub(super) relayed: bool,
}

impl World {
    /// Carries out what a device wants done.
    pub(super) fn flush(&mut self, who: usize) {
        for out in std::mem::take(&mut self.devices[who].out) {
            match out {
                Out::Frame(other, id, frame) => {
                    let Some(&wire) = self.routes.get(&(who, other, id)) else { continue };
                    if let Peer::SignedEntries(_) = &*frame {
                        let outside = &self.devices[who].outside;
                        let told = cast::owner(&other);
                        if outside.contains(told) || outside.contains(&self.devices[who].user) {
                            let at = (self.now - self.start).as_secs_f64();
                            let what = format!(
                                "{} told {} of the room at {at:.3}, knowing that these are not in it: {outside:?}",
                                who + 1,
                                other.0[0]
                            );
                            self.wrong.get_or_insert(what);
                        }
                    }
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
                Out::Dial(to, token, counter) => self.dial(who, to, token, counter),
                Out::Relay(token) => self.knocks.push((who, token)),
                Out::Call(connection) => self.call(who, connection),
                Out::HangUp => self.hang_up(who),
                Out::Say(frame) => self.say_up(who, *frame),
            }
        }
    }

    /// A new connection between two devices.
    pub(super) fn connect(&mut self, a: usize, b: usize, path: LinkPath) {
        if !self.reach(a, b) {
            return;
        }
        self.note(|| format!("connect {} - {} {path:?}", a + 1, b + 1));
        self.connections += 1;
        let mut secret = [7; 32];
        secret[..8].copy_from_slice(&self.connections.to_be_bytes());
        let wire = self.wires.len();
        let relayed = path == LinkPath::Relayed;
        let flights = [VecDeque::new(), VecDeque::new()];
        self.wires.push(Wire { devices: [a, b], ends: [None, None], flights, relayed });
        let ids = [self.devices[a].id, self.devices[b].id];
        for (side, who) in [a, b].into_iter().enumerate() {
            let other = ids[1 - side];
            if let Some(id) = self.devices[who].connected(other, path, secret) {
                self.wires[wire].ends[side] = Some(id);
                self.routes.insert((who, other, id), wire);
            }
        }
        self.flush(a);
        self.flush(b);
    }

    /// A connection breaks; with `one` only one side notices now.
    pub(super) fn cut(&mut self, wire: usize, one: Option<usize>) {
        for side in 0..2 {
            self.wires[wire].flights[side].clear();
            if one.is_none_or(|one| one == side) {
                self.end(wire, side);
            }
        }
    }

    /// One end of a wire learns that it is broken.
    fn end(&mut self, wire: usize, side: usize) {
        let who = self.wires[wire].devices[side];
        let other = self.devices[self.wires[wire].devices[1 - side]].id;
        if let Some(id) = self.wires[wire].ends[side].take() {
            self.routes.remove(&(who, other, id));
            self.devices[who].lost(other, id);
            self.flush(who);
        }
    }

    /// A device is killed: its wires are broken, as the others will notice.
    pub(super) fn drop_wires(&mut self, who: usize) {
        for wire in &mut self.wires {
            let Some(side) = wire.devices.iter().position(|device| *device == who) else { continue };
            wire.ends[side] = None;
            wire.flights.iter_mut().for_each(VecDeque::clear);
        }
        self.routes.retain(|(device, _, _), _| *device != who);
    }

    pub(super) fn busy_wires(&self) -> Vec<Lane> {
        let mut lanes = Vec::new();
        for (n, wire) in self.wires.iter().enumerate() {
            for from in 0..2 {
                let ended = wire.ends[from].is_none() && wire.ends[1 - from].is_some();
                if ended || !wire.flights[from].is_empty() {
                    lanes.push(Lane::Wire(n, from));
                }
            }
        }
        lanes
    }

    /// Delivers one frame, or one end of a connection.
    pub(super) fn deliver_wire(&mut self, wire: usize, from: usize) {
        let to = 1 - from;
        let (sender, receiver) = (self.wires[wire].devices[from], self.wires[wire].devices[to]);
        let frame = self.wires[wire].flights[from].pop_front();
        let Some(id) = self.wires[wire].ends[to] else { return };
        let Some(frame) = frame else { return self.end(wire, to) };
        self.note(|| format!("{} -> {}: {}", sender + 1, receiver + 1, brief(&frame)));
        let other = self.devices[sender].id;
        self.devices[receiver].heard_from(other, id, frame);
        self.flush(receiver);
    }

    /// Does to a frame what a bad network does: only to those that mean the same whenever and how often they come.
    pub(super) fn mangle(&mut self, fault: Fault) {
        let full: Vec<(usize, usize)> = self
            .busy_wires()
            .into_iter()
            .filter_map(|lane| if let Lane::Wire(wire, from) = lane { Some((wire, from)) } else { None })
            .filter(|(wire, from)| self.wires[*wire].flights[*from].len() > 1)
            .collect();
        if full.is_empty() {
            return;
        }
        let (wire, from) = full[self.random.gen_range(0..full.len())];
        let flight = &mut self.wires[wire].flights[from];
        let at = self.random.gen_range(1..flight.len());
        if !may_suffer(&flight[at]) || !may_suffer(&flight[at - 1]) {
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

    /// Wires and sessions that both ends have let go are forgotten.
    pub(super) fn compact(&mut self) {
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
        self.lines.retain(super::lines::Line::is_open);
    }
}

fn may_suffer(frame: &Peer) -> bool {
    matches!(frame, Peer::Have(_) | Peer::Want(_) | Peer::Entries(_) | Peer::SignedEntries(_))
}
