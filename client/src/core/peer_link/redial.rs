//! Finding a friend's device again without the server: what is kept of the pair, when to try, and with which token. Pure: every input
//! carries `now`, and what comes out is done by `keep.rs` and the actor.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Handle, Hash, Token};
use hobnob_shared::limits::{CANDIDATES, RECONNECT_MAX, RECONNECT_MIN};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::reunion::{REUNION_WINDOW, Secret};
use crate::core::history::pairs::Pair;
use crate::core::replica::defective;

/// A lost link is tried so often at once, whatever the registry wants: most losses are short.
const AT_ONCE: u32 = 2;

/// What is to be done about the pair.
#[derive(Debug, PartialEq, Eq)]
pub enum Deed {
    /// Keep it on the disk.
    Keep(Box<Pair>),
    /// The same, before anything else is done: a crash now must not cost the two their way back to each other.
    KeepNow(Box<Pair>),
    /// Erase it, and let nobody in with anything of it.
    Erase,
    /// Tokens up to and with this counter let nobody in any more.
    Spent(u64),
    /// The other side is let in with these, by their counters.
    Admit(Vec<(u64, Token)>),
}

/// One dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Where to.
    pub address: SocketAddr,
    /// Shown there.
    pub token: Token,
    /// Of the token.
    pub counter: u64,
}

/// What both sides keep of each other, as it was when a connection's hello named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bond {
    secret: Secret,
    /// Counter of our last token that was let in.
    dialled: u64,
    /// Of theirs.
    seen: u64,
}

impl Bond {
    /// What the hello says of the secret.
    pub fn name(&self) -> Hash {
        self.secret.name()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Redial {
    own: DeviceId,
    user: Handle,
    device: DeviceId,
    kept: Option<Bond>,
    addresses: Vec<SocketAddr>,
    active: bool,
    attempt: u32,
    /// Attempts since the last one that was let in, round the window.
    tries: u64,
    at: Option<Instant>,
    random: SmallRng,
}

impl Redial {
    /// Of `own` device, to `device` of `user`; `seed` feeds the jitter.
    pub fn new(own: DeviceId, user: Handle, device: DeviceId, seed: u64) -> Self {
        let random = SmallRng::seed_from_u64(seed);
        Self {
            own,
            user,
            device,
            kept: None,
            addresses: Vec::new(),
            active: false,
            attempt: 0,
            tries: 0,
            at: None,
            random,
        }
    }

    /// The profile's memory of the pair. A link that was quicker knows better.
    pub fn loaded(&mut self, pair: &Pair) -> Vec<Deed> {
        if self.kept.is_some() || defective!(ForgetReunion) {
            return Vec::new();
        }
        self.addresses = pair.addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let secret = Secret::new(pair.secret);
        self.kept = Some(Bond { secret, dialled: pair.dial_counter, seen: pair.seen_counter });
        self.let_in()
    }

    /// What a new connection's hello names, to be given back when that connection becomes the link.
    pub fn bond(&self) -> Option<Bond> {
        self.kept.clone()
    }

    /// The link stands, reachable at `address`. With the bond that both hellos named: it is kept, or comes back, since one side may have
    /// taken another meanwhile of which the other side never heard. Else with the `fresh` secret of this connection. Either way both sides
    /// of one connection end up with the same.
    pub fn linked(&mut self, agreed: Option<Bond>, fresh: [u8; 32], address: Option<SocketAddr>) -> Vec<Deed> {
        self.at = None;
        self.attempt = 0;
        let same = |agreed: &Bond| self.kept.as_ref().is_some_and(|kept| kept.secret == agreed.secret);
        let stays = agreed.as_ref().is_some_and(same);
        let mut deeds = Vec::new();
        if !stays {
            self.kept = agreed.or_else(|| Some(Bond { secret: Secret::new(fresh), dialled: 0, seen: 0 }));
            self.tries = 0;
            deeds.push(Deed::Spent(u64::MAX));
            deeds.extend(self.let_in());
        }
        if let Some(address) = address {
            self.addresses.retain(|known| *known != address);
            self.addresses.insert(0, address);
            self.addresses.truncate(CANDIDATES);
        }
        let keep = if stays { Deed::Keep } else { Deed::KeepNow };
        deeds.extend(self.pair().map(|pair| keep(Box::new(pair))));
        deeds
    }

    /// The link is gone: try soon.
    pub fn link_lost(&mut self, now: Instant) {
        self.attempt = 0;
        self.at = Some(now + self.jitter(RECONNECT_MIN));
    }

    /// Whether to keep trying while there is no link.
    pub fn set_active(&mut self, active: bool, now: Instant) {
        self.active = active;
        if active && self.at.is_none() {
            self.attempt = 0;
            self.at = Some(now + self.jitter(RECONNECT_MIN));
        }
    }

    /// The friend's dial used the token of `counter`.
    pub fn used(&mut self, counter: u64) -> Vec<Deed> {
        let Some(kept) = &mut self.kept else { return Vec::new() };
        kept.seen = kept.seen.max(counter);
        let mut deeds = vec![Deed::Spent(kept.seen)];
        deeds.extend(self.let_in());
        deeds.extend(self.keep());
        deeds
    }

    /// The dials that are due: each attempt has its own token.
    pub fn due(&mut self, now: Instant) -> Vec<Attempt> {
        if self.at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let bound = RECONNECT_MIN.saturating_mul(1 << self.attempt.min(6)).min(RECONNECT_MAX);
        self.attempt = self.attempt.saturating_add(1);
        let again = self.active || self.attempt < AT_ONCE;
        // Half of the bound and a random half: full jitter would dial a dead neighbour in a burst every so often.
        self.at = again.then(|| now + bound / 2 + self.jitter(bound / 2));
        let Some(kept) = &mut self.kept else { return Vec::new() };
        if self.addresses.is_empty() {
            return Vec::new();
        }
        // Round the window and not beyond it: however long nobody answered, the token is one that they let in.
        let counter = kept.dialled.saturating_add(1 + self.tries);
        self.tries = (self.tries + 1) % REUNION_WINDOW;
        let token = kept.secret.token(&self.own, counter);
        self.addresses.iter().map(|address| Attempt { address: *address, token, counter }).collect()
    }

    /// A dial with the token of `counter` was let in: it and those before are used up there.
    pub fn let_us_in(&mut self, counter: u64) -> Vec<Deed> {
        let Some(kept) = &mut self.kept else { return Vec::new() };
        kept.dialled = kept.dialled.max(counter);
        self.tries = 0;
        self.keep()
    }

    /// Erases the pair: the friendship ended.
    pub fn forget(&mut self) -> Vec<Deed> {
        self.kept = None;
        self.addresses.clear();
        vec![Deed::Erase]
    }

    fn let_in(&self) -> Vec<Deed> {
        self.kept.iter().map(|kept| Deed::Admit(kept.secret.window(&self.device, kept.seen).collect())).collect()
    }

    /// As the profile keeps it.
    fn pair(&self) -> Option<Pair> {
        self.kept.as_ref().map(|kept| Pair {
            device: self.device,
            user: self.user.clone(),
            secret: *kept.secret.expose(),
            dial_counter: kept.dialled,
            seen_counter: kept.seen,
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
        })
    }

    fn keep(&self) -> Vec<Deed> {
        self.pair().map(|pair| Deed::Keep(Box::new(pair))).into_iter().collect()
    }

    /// A random time up to `bound`.
    fn jitter(&mut self, bound: Duration) -> Duration {
        bound.mul_f64(self.random.gen_range(0.0..1.0))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn redial(own: u8, other: u8) -> Redial {
        Redial::new(DeviceId([own; 32]), "bob".parse().unwrap(), DeviceId([other; 32]), 1)
    }

    fn name(redial: &Redial) -> Option<Hash> {
        redial.bond().map(|bond| bond.name())
    }

    #[test]
    fn both_ends_of_a_connection_keep_the_same_whatever_else_one_of_them_saw() {
        let (mut a, mut b) = (redial(1, 2), redial(2, 1));
        a.linked(None, [1; 32], None);
        b.linked(None, [1; 32], None);
        let agreed = (a.bond(), b.bond());
        assert_eq!(agreed.0, agreed.1);
        // Another connection became the link for one side only; then the one on which both had named the first secret does.
        a.linked(None, [2; 32], None);
        assert_ne!(name(&a), name(&b));
        a.linked(agreed.0, [3; 32], None);
        b.linked(agreed.1, [3; 32], None);
        assert_eq!(name(&a), name(&b));
    }

    #[test]
    fn attempts_go_round_the_window_that_lets_them_in() {
        let start = Instant::now();
        let (mut a, mut b) = (redial(1, 2), redial(2, 1));
        a.linked(None, [1; 32], Some("127.0.0.1:5000".parse().unwrap()));
        let deeds = b.linked(None, [1; 32], None);
        let window =
            deeds.iter().find_map(|deed| if let Deed::Admit(window) = deed { Some(window.clone()) } else { None });
        let window = window.unwrap();
        a.set_active(true, start);
        let mut now = start;
        for n in 0..100 {
            now += RECONNECT_MAX;
            let attempts = a.due(now);
            let [attempt] = attempts.as_slice() else { panic!("attempt {n}: {attempts:?}") };
            assert!(window.contains(&(attempt.counter, attempt.token)), "attempt {n}");
        }
        a.let_us_in(7);
        b.used(7);
        now += RECONNECT_MAX;
        assert_eq!(a.due(now).first().map(|attempt| attempt.counter), Some(8));
    }

    #[test]
    fn a_lost_link_is_tried_twice_at_once_and_then_only_while_it_is_wanted() {
        let start = Instant::now();
        let mut a = redial(1, 2);
        a.linked(None, [1; 32], Some("127.0.0.1:5000".parse().unwrap()));
        a.link_lost(start);
        assert_eq!(a.due(start + RECONNECT_MIN).len(), 1);
        assert_eq!(a.due(start + 2 * RECONNECT_MIN).len(), 1);
        assert_eq!(a.due(start + RECONNECT_MAX), []);
        a.set_active(true, start + RECONNECT_MAX);
        assert_eq!(a.due(start + RECONNECT_MAX + RECONNECT_MIN).len(), 1);
    }
}
