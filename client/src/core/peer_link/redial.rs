//! Finding a friend's device again without the server: what is kept of the pair, when to try, and with which token.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix::Addr;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash, Token};
use hobnob_shared::limits::{CANDIDATES, RECONNECT_MAX, RECONNECT_MIN};
use rand::Rng;

use super::actor::{LinkContext, PeerLink};
use super::message::PairLoaded;
use super::reunion::{REUNION_WINDOW, Secret};
use super::tokens::{Expected, Purpose, TokenTable};
use crate::core::history::History;
use crate::core::history::pairs::{self, Pair};

/// A lost link is tried so often at once, whatever the registry wants: most losses are short.
const AT_ONCE: u32 = 2;

/// See the module.
pub(super) struct Redial {
    own: DeviceId,
    user: Handle,
    account: Fingerprint,
    device: DeviceId,
    history: History,
    tokens: TokenTable,
    kept: Option<Kept>,
    active: bool,
    attempt: u32,
    /// Attempts since the last one that was let in, round the window.
    tries: u64,
    at: Option<Instant>,
}

/// One dial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// Where to.
    pub(super) address: SocketAddr,
    /// Shown there.
    pub(super) token: Token,
    /// Of the token.
    pub(super) counter: u64,
}

struct Kept {
    secret: Secret,
    /// Counter of our last token that was let in.
    dialled: u64,
    seen: u64,
    addresses: Vec<SocketAddr>,
}

impl Redial {
    pub(super) fn new(context: &LinkContext) -> Self {
        Self {
            own: context.identity.device,
            user: context.user.clone(),
            account: context.account,
            device: context.device,
            history: context.history.clone(),
            tokens: context.tokens.clone(),
            kept: None,
            active: false,
            attempt: 0,
            tries: 0,
            at: None,
        }
    }

    /// Reads what the profile keeps of the pair; it comes back as a message.
    pub(super) fn load(context: &LinkContext, link: Addr<PeerLink>) {
        let (history, device) = (context.history.clone(), context.device);
        actix_rt::spawn(async move {
            match history.read(move |c| pairs::load(c, &device)).await {
                Ok(Some(pair)) => link.do_send(PairLoaded(pair)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "cannot read what is kept for re-dialling"),
            }
        });
    }

    /// The profile's memory of the pair. A link that was quicker knows better.
    pub(super) fn loaded(&mut self, pair: &Pair) {
        if self.kept.is_none() {
            let addresses = pair.addresses.iter().filter_map(|text| text.parse().ok()).collect();
            let secret = Secret::new(pair.secret);
            self.kept = Some(Kept { secret, dialled: pair.dial_counter, seen: pair.seen_counter, addresses });
            self.let_in();
        }
    }

    /// What the hello says of the secret.
    pub(super) fn name(&self) -> Option<Hash> {
        self.kept.as_ref().map(|kept| kept.secret.name())
    }

    /// The link stands: with a `fresh` secret where the two sides did not keep the same one, and reachable at `address`.
    pub(super) fn linked(&mut self, fresh: Option<[u8; 32]>, address: Option<SocketAddr>) {
        self.at = None;
        self.attempt = 0;
        if let Some(bytes) = fresh {
            let addresses = self.kept.take().map(|kept| kept.addresses).unwrap_or_default();
            self.kept = Some(Kept { secret: Secret::new(bytes), dialled: 0, seen: 0, addresses });
            self.tokens.forget_reunions(&self.device, u64::MAX);
            self.let_in();
        }
        if let (Some(kept), Some(address)) = (&mut self.kept, address) {
            kept.addresses.retain(|known| *known != address);
            kept.addresses.insert(0, address);
            kept.addresses.truncate(CANDIDATES);
        }
        if fresh.is_some() {
            // At once: a crash now must not cost the two their way back to each other.
            let (history, pair) = (self.history.clone(), self.pair());
            actix_rt::spawn(async move {
                let written = history.write(move |c| pair.map_or(Ok(()), |pair| pairs::upsert(c, &pair))).await;
                if let Err(error) = written {
                    tracing::warn!(%error, "cannot keep what re-dialling needs");
                }
            });
        } else {
            self.save();
        }
    }

    /// The link is gone: try soon.
    pub(super) fn link_lost(&mut self, now: Instant) {
        self.attempt = 0;
        self.at = Some(now + jitter(RECONNECT_MIN));
    }

    /// Whether to keep trying while there is no link.
    pub(super) fn set_active(&mut self, active: bool, now: Instant) {
        self.active = active;
        if active && self.at.is_none() {
            self.attempt = 0;
            self.at = Some(now + jitter(RECONNECT_MIN));
        }
    }

    /// The friend's dial used the token of `counter`.
    pub(super) fn used(&mut self, counter: u64) {
        let Some(kept) = &mut self.kept else { return };
        kept.seen = kept.seen.max(counter);
        self.tokens.forget_reunions(&self.device, kept.seen);
        self.let_in();
        self.save();
    }

    /// The dials that are due: each attempt has its own token.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Attempt> {
        if self.at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let bound = RECONNECT_MIN.saturating_mul(1 << self.attempt.min(6)).min(RECONNECT_MAX);
        self.attempt = self.attempt.saturating_add(1);
        let again = self.active || self.attempt < AT_ONCE;
        // Half of the bound and a random half: full jitter would dial a dead neighbour in a burst every so often.
        self.at = again.then(|| now + bound / 2 + jitter(bound / 2));
        let Some(kept) = &mut self.kept else { return Vec::new() };
        if kept.addresses.is_empty() {
            return Vec::new();
        }
        // Round the window and not beyond it: however long nobody answered, the token is one that they let in.
        let counter = kept.dialled.saturating_add(1 + self.tries);
        self.tries = (self.tries + 1) % REUNION_WINDOW;
        let token = kept.secret.token(&self.own, counter);
        kept.addresses.iter().map(|address| Attempt { address: *address, token, counter }).collect()
    }

    /// A dial with the token of `counter` was let in: it and those before are used up there.
    pub(super) fn let_us_in(&mut self, counter: u64) {
        let Some(kept) = &mut self.kept else { return };
        kept.dialled = kept.dialled.max(counter);
        self.tries = 0;
        self.save();
    }

    /// Erases the pair: the friendship ended.
    pub(super) fn forget(&mut self) {
        self.kept = None;
        self.tokens.forget_device(&self.device);
        let device = self.device;
        self.history.write_soon(move |c| pairs::remove(c, &device));
    }

    fn let_in(&self) {
        let Some(kept) = &self.kept else { return };
        for (counter, token) in kept.secret.window(&self.device, kept.seen) {
            let purpose = Purpose::Reunion(counter);
            let expected = Expected { user: self.user.clone(), account: self.account, device: self.device, purpose };
            self.tokens.admit(token, expected, None);
        }
    }

    /// As the profile keeps it.
    fn pair(&self) -> Option<Pair> {
        self.kept.as_ref().map(|kept| Pair {
            device: self.device,
            user: self.user.clone(),
            secret: *kept.secret.expose(),
            dial_counter: kept.dialled,
            seen_counter: kept.seen,
            addresses: kept.addresses.iter().map(ToString::to_string).collect(),
        })
    }

    fn save(&self) {
        if let Some(pair) = self.pair() {
            self.history.write_soon(move |c| pairs::upsert(c, &pair));
        }
    }
}

/// A random time up to `bound`.
fn jitter(bound: Duration) -> Duration {
    bound.mul_f64(rand::thread_rng().gen_range(0.0..1.0))
}
