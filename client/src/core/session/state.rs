//! When to dial the server, wait, ping and give up. Pure: every input carries `now`, and what comes out is done by the actor.

use std::time::{Duration, Instant};

use hobnob_shared::limits::{RECONNECT_MAX, RECONNECT_MIN};
use hobnob_shared::machine::liveness::{Liveness, Verdict};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::core::event::ServerState;

/// A connection that stood for so long was a good one: the next attempt comes soon.
const GOOD_AFTER: Duration = Duration::from_secs(10);
/// A person who waits may shorten a pause, but not below this since the last attempt.
const HURRY_PAUSE: Duration = Duration::from_secs(1);

/// Why a connection ended, as far as it matters for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nobody there, or gone: try again soon.
    Away,
    /// Somebody with another key is there: nothing is sent; looks again at long intervals only.
    WrongKey,
    /// The server does not want this device any more: stays away until told otherwise.
    Refused,
}

/// What the actor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Start connection number so and so.
    Dial(u64),
    /// End the connection there is.
    HangUp,
    /// Send a ping.
    Ping,
    /// The state changed.
    Tell(ServerState),
}

#[derive(Debug)]
enum Phase {
    Closed,
    Dialling { attempt: u32, since: Instant },
    Online { attempt: u32, since: Instant, liveness: Liveness },
    Waiting { attempt: u32, since: Instant, until: Instant },
}

/// The machine. At most one connection is alive; its number tells late news of older ones apart.
#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    connection: u64,
    told: Option<ServerState>,
    random: SmallRng,
}

impl Machine {
    /// Closed; `seed` feeds the jitter.
    pub fn new(seed: u64) -> Self {
        Self { phase: Phase::Closed, connection: 0, told: None, random: SmallRng::seed_from_u64(seed) }
    }

    /// Connect, and stay connected.
    pub fn open(&mut self, now: Instant) -> Vec<Effect> {
        match self.phase {
            Phase::Closed | Phase::Waiting { .. } => {
                let mut effects = self.tell(ServerState::Connecting);
                effects.push(self.dial(0, now));
                effects
            }
            Phase::Dialling { .. } | Phase::Online { .. } => Vec::new(),
        }
    }

    /// Disconnect, and stay so.
    pub fn close(&mut self) -> Vec<Effect> {
        let mut effects = match self.phase {
            Phase::Dialling { .. } | Phase::Online { .. } => vec![Effect::HangUp],
            Phase::Closed | Phase::Waiting { .. } => Vec::new(),
        };
        self.phase = Phase::Closed;
        effects.extend(self.tell(ServerState::Offline));
        effects
    }

    /// Somebody waits for the server: shortens a pause.
    pub fn hurry(&mut self, now: Instant) {
        if let Phase::Waiting { since, until, .. } = &mut self.phase {
            *until = (*until).min((*since + HURRY_PAUSE).max(now));
        }
    }

    /// Whether news of this connection still count.
    pub fn is_current(&self, connection: u64) -> bool {
        self.connection == connection && matches!(self.phase, Phase::Dialling { .. } | Phase::Online { .. })
    }

    /// The connection there is.
    pub fn connection(&self) -> Option<u64> {
        self.is_current(self.connection).then_some(self.connection)
    }

    /// The server welcomed us.
    pub fn welcomed(&mut self, connection: u64, now: Instant) -> Vec<Effect> {
        match self.phase {
            Phase::Dialling { attempt, .. } if connection == self.connection => {
                self.phase = Phase::Online { attempt, since: now, liveness: Liveness::new(now) };
                self.tell(ServerState::Online)
            }
            _ => Vec::new(),
        }
    }

    /// Something came from the server.
    pub fn heard(&mut self, now: Instant) {
        if let Phase::Online { liveness, .. } = &mut self.phase {
            liveness.heard(now);
        }
    }

    /// Something went to the server.
    pub fn said(&mut self, now: Instant) {
        if let Phase::Online { liveness, .. } = &mut self.phase {
            liveness.said(now);
        }
    }

    /// A connection ended.
    pub fn lost(&mut self, connection: u64, loss: Loss, now: Instant) -> Vec<Effect> {
        if !self.is_current(connection) {
            return Vec::new();
        }
        let (attempt, since) = match self.phase {
            Phase::Online { since, .. } if now.saturating_duration_since(since) >= GOOD_AFTER => (0, now),
            Phase::Online { attempt, .. } => (attempt.saturating_add(1), now),
            Phase::Dialling { attempt, since } => (attempt.saturating_add(1), since),
            Phase::Closed | Phase::Waiting { .. } => return Vec::new(),
        };
        self.phase = match loss {
            Loss::Refused => Phase::Closed,
            Loss::Away => Phase::Waiting { attempt, since, until: now + self.pause(attempt) },
            Loss::WrongKey => {
                let pause = self.random.gen_range(RECONNECT_MAX / 2..=RECONNECT_MAX);
                Phase::Waiting { attempt, since: now + pause, until: now + pause }
            }
        };
        self.tell(ServerState::Offline)
    }

    /// Time passed.
    pub fn poll(&mut self, now: Instant) -> Vec<Effect> {
        match &mut self.phase {
            Phase::Waiting { attempt, until, .. } if *until <= now => {
                let attempt = *attempt;
                vec![self.dial(attempt, now)]
            }
            Phase::Online { liveness, .. } => match liveness.poll(now) {
                Verdict::Idle { .. } => Vec::new(),
                Verdict::SendPing => vec![Effect::Ping],
                Verdict::Dead => {
                    let mut effects = vec![Effect::HangUp];
                    effects.extend(self.lost(self.connection, Loss::Away, now));
                    effects
                }
            },
            Phase::Closed | Phase::Dialling { .. } | Phase::Waiting { .. } => Vec::new(),
        }
    }

    /// When [`Self::poll`] should be called next. Call it after a poll that gave nothing.
    pub fn next_due(&mut self, now: Instant) -> Option<Instant> {
        match &mut self.phase {
            Phase::Closed | Phase::Dialling { .. } => None,
            Phase::Waiting { until, .. } => Some(*until),
            Phase::Online { liveness, .. } => match liveness.poll(now) {
                Verdict::Idle { until } => Some(until),
                Verdict::SendPing | Verdict::Dead => Some(now),
            },
        }
    }

    fn dial(&mut self, attempt: u32, now: Instant) -> Effect {
        self.connection += 1;
        self.phase = Phase::Dialling { attempt, since: now };
        Effect::Dial(self.connection)
    }

    /// Full jitter: anything below a bound that doubles with every attempt, so that a thousand clients do not come back in step.
    fn pause(&mut self, attempt: u32) -> Duration {
        let bound = RECONNECT_MIN.saturating_mul(1_u32 << attempt.min(10)).min(RECONNECT_MAX);
        self.random.gen_range(Duration::ZERO..=bound)
    }

    fn tell(&mut self, state: ServerState) -> Vec<Effect> {
        if self.told == Some(state) {
            return Vec::new();
        }
        self.told = Some(state);
        vec![Effect::Tell(state)]
    }
}
