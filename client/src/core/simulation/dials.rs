//! How devices come to be connected: by the tokens of an introduction or of a reunion, straight or through the relay.

use std::time::Instant;

use hobnob_shared::id::{DeviceId, Token};
use hobnob_shared::limits::UNKNOWN_TOKEN_PARK;
use rand::Rng;

use super::cast;
use super::device::Entry;
use super::world::{Fault, World};
use crate::core::event::LinkPath;
use crate::core::peer_link::tokens::Purpose;

/// A device that knocks at another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dial {
    pub(super) from: usize,
    to: usize,
    token: Token,
    /// Of a reunion.
    counter: Option<u64>,
    since: Instant,
    /// Its token is unknown: it waits for a while.
    pub(super) parked: bool,
}

/// Dials that a thief remembers.
const REMEMBERED: usize = 64;

impl World {
    pub(super) fn dial(&mut self, from: usize, to: usize, token: Token, counter: Option<u64>) {
        let dial = Dial { from, to, token, counter, since: self.now, parked: false };
        if self.seen_dials.len() < REMEMBERED {
            self.seen_dials.push(dial);
        }
        if !self.reach(from, to) {
            return;
        }
        if !self.quiet && self.random.gen_bool(0.2) {
            return self.fault(Fault::DialLost);
        }
        self.dials.push(dial);
    }

    /// The listener reads a token.
    pub(super) fn deliver_dial(&mut self, at: usize) {
        let Dial { from, to, token, counter, .. } = self.dials[at];
        let dialler = self.devices[from].id;
        let purpose = match self.devices[to].lets_in(&token, &dialler) {
            Entry::Waits => return self.dials[at].parked = true,
            Entry::Refused => {
                self.dials.swap_remove(at);
                return;
            }
            Entry::Let(purpose) => purpose,
        };
        self.dials.swap_remove(at);
        self.note(|| format!("{} lets {} in: {purpose:?}", to + 1, from + 1));
        self.check_entry(from, to, token, purpose);
        if let Purpose::Reunion(seen) = purpose {
            self.devices[to].reunited(dialler, seen, false);
        }
        if let Some(counter) = counter {
            let listener = self.devices[to].id;
            self.devices[from].reunited(listener, counter, true);
        }
        self.connect(from, to, LinkPath::Direct);
        if !self.quiet && self.random.gen_bool(0.05) {
            // One side has it, the other never hears of it.
            self.fault(Fault::HalfCut);
            let (wire, side) = (self.wires.len() - 1, self.random.gen_range(0..2));
            self.cut(wire, Some(side));
        }
    }

    /// A connection stands by a token that was made for these two, and by each token of an introduction only one.
    fn check_entry(&mut self, from: usize, to: usize, token: Token, purpose: Purpose) {
        let (dialler, listener) = (self.devices[from].id, self.devices[to].id);
        if purpose != Purpose::Link {
            return;
        }
        let right = self
            .server
            .issued
            .get(&token)
            .is_some_and(|issued| issued.dialler == dialler && issued.listener == listener);
        if !right {
            self.wrong.get_or_insert(format!("{} came in to {} by a token that is not for them", from + 1, to + 1));
        }
        if !self.used.insert(token) {
            self.wrong.get_or_insert(format!("{} came in to {} by a token that was used", from + 1, to + 1));
        }
    }

    /// Tokens of this listener may be known now.
    pub(super) fn unpark(&mut self, listener: usize) {
        self.dials.iter_mut().filter(|dial| dial.to == listener).for_each(|dial| dial.parked = false);
    }

    /// Who was not let in in time gives up.
    pub(super) fn tick_dials(&mut self) {
        let now = self.now;
        self.dials.retain(|dial| !dial.parked || now < dial.since + UNKNOWN_TOKEN_PARK);
        self.dials.iter_mut().for_each(|dial| dial.parked = false);
    }

    /// A device comes to the relay: the second one with a token meets the first.
    pub(super) fn deliver_knock(&mut self, at: usize) {
        let (who, token) = self.knocks.remove(at);
        let account = cast::account(&self.devices[who].user);
        let now = self.now;
        let Some(grant) = self.server.relay.get_mut(&token).filter(|grant| grant.between.contains(&account)) else {
            return;
        };
        match grant.waits {
            Some((first, _)) if first != who => {
                self.server.relay.remove(&token);
                self.connect(first, who, LinkPath::Relayed);
            }
            _ => grant.waits = Some((who, now)),
        }
    }

    /// Somebody shows a token again that was shown before, or one that somebody else was given.
    pub(super) fn thief(&mut self, who: usize) {
        if self.seen_dials.is_empty() {
            return;
        }
        let seen = self.seen_dials[self.random.gen_range(0..self.seen_dials.len())];
        let theft = self.random.gen_bool(0.5) && who != seen.from && who != seen.to;
        let from = if theft { who } else { seen.from };
        if self.reach(from, seen.to) {
            self.fault(if theft { Fault::Theft } else { Fault::Replay });
            self.dials.push(Dial { from, since: self.now, parked: false, counter: None, ..seen });
        }
    }

    /// Whether two devices may be linked, now that everybody knows what the server knows.
    pub(super) fn may_link(&self, a: usize, b: usize) -> bool {
        let user = |n: usize| cast::owner(&DeviceId([u8::try_from(n + 1).unwrap_or(0); 32]));
        self.server.store.related(user(a), user(b))
    }
}
