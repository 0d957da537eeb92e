//! When to dial the server, wait, ping and give up. Pure: every input carries `now`, and what comes out is done by the actor.

use std::time::{Duration, Instant};

use hobnob_shared::limits::{RECONNECT_MAX, RECONNECT_MIN};
use hobnob_shared::machine::liveness::{Liveness, Verdict};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::core::event::ServerState;
use crate::core::replica::defective;

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
        if !self.is_current(connection) || (defective!(StayOnline) && matches!(self.phase, Phase::Online { .. })) {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::limits::{DEAD_AFTER, PING_AFTER};
    use proptest::prelude::*;

    fn dialled(effects: &[Effect]) -> Option<u64> {
        effects.iter().find_map(|effect| if let Effect::Dial(n) = effect { Some(*n) } else { None })
    }

    /// The pauses between `count` attempts at an absent server.
    fn pauses(seed: u64, count: usize) -> Vec<Duration> {
        let mut now = Instant::now();
        let mut machine = Machine::new(seed);
        let mut connection = dialled(&machine.open(now)).unwrap();
        let mut pauses = Vec::new();
        for _ in 0..count {
            machine.lost(connection, Loss::Away, now);
            let due = machine.next_due(now).unwrap();
            pauses.push(due - now);
            now = due;
            connection = dialled(&machine.poll(now)).unwrap();
        }
        pauses
    }

    proptest! {
        #[test]
        fn pauses_are_random_below_a_bound_that_doubles_up_to_the_longest(seed: u64) {
            for (n, pause) in pauses(seed, 12).into_iter().enumerate() {
                let bound = RECONNECT_MIN * 2_u32.pow(u32::try_from(n).unwrap() + 1);
                prop_assert!(pause <= bound.min(RECONNECT_MAX), "attempt {n}: {pause:?}");
            }
        }

        #[test]
        fn whatever_happens_there_is_at_most_one_connection(steps in prop::collection::vec(0_u8..8, 0..60), seed: u64) {
            let mut now = Instant::now();
            let mut machine = Machine::new(seed);
            let mut alive: Option<u64> = None;
            for step in steps {
                now += Duration::from_secs(3);
                let current = alive.unwrap_or(0);
                let (effects, ended) = match step {
                    0 => (machine.open(now), false),
                    1 => (machine.close(), false),
                    2 => (machine.welcomed(current, now), false),
                    3 => (machine.lost(current, Loss::Away, now), alive.is_some()),
                    4 => (machine.lost(current, Loss::WrongKey, now), alive.is_some()),
                    5 => (machine.lost(current, Loss::Refused, now), alive.is_some()),
                    6 => { machine.hurry(now); (Vec::new(), false) }
                    _ => (machine.poll(now), false),
                };
                if ended {
                    alive = None;
                }
                for effect in effects {
                    match effect {
                        Effect::Dial(n) => {
                            prop_assert_eq!(alive, None);
                            alive = Some(n);
                        }
                        Effect::HangUp => alive = None,
                        Effect::Ping | Effect::Tell(_) => {}
                    }
                }
                prop_assert_eq!(machine.connection(), alive);
            }
        }
    }

    #[test]
    fn clients_do_not_come_back_in_step() {
        let firsts: std::collections::BTreeSet<Duration> = (0..20).map(|seed| pauses(seed, 5)[4]).collect();
        assert!(firsts.len() > 15);
    }

    #[test]
    fn a_wrong_key_is_never_online_and_looked_at_again_within_forty_seconds() {
        let now = Instant::now();
        for seed in 0..50 {
            let mut machine = Machine::new(seed);
            let connection = dialled(&machine.open(now)).unwrap();
            let effects = machine.lost(connection, Loss::WrongKey, now);
            assert_eq!(effects, [Effect::Tell(ServerState::Offline)]);
            let pause = machine.next_due(now).unwrap() - now;
            assert!(pause >= RECONNECT_MAX / 2 && pause <= RECONNECT_MAX);
            // Nobody's impatience makes it look more often.
            machine.hurry(now);
            assert_eq!(machine.next_due(now).unwrap() - now, pause);
        }
    }

    #[test]
    fn refused_stays_away_until_told_to_open() {
        let now = Instant::now();
        let mut machine = Machine::new(1);
        let connection = dialled(&machine.open(now)).unwrap();
        assert_eq!(machine.welcomed(connection, now), [Effect::Tell(ServerState::Online)]);
        assert_eq!(machine.lost(connection, Loss::Refused, now), [Effect::Tell(ServerState::Offline)]);
        assert_eq!(machine.next_due(now), None);
        assert!(dialled(&machine.open(now)).is_some());
    }

    #[test]
    fn silence_is_pinged_and_then_given_up() {
        let start = Instant::now();
        let mut machine = Machine::new(1);
        let connection = dialled(&machine.open(start)).unwrap();
        machine.welcomed(connection, start);
        assert_eq!(machine.next_due(start), Some(start + PING_AFTER));
        assert_eq!(machine.poll(start + PING_AFTER), [Effect::Ping]);
        machine.said(start + PING_AFTER);
        let effects = machine.poll(start + DEAD_AFTER);
        assert_eq!(effects, [Effect::HangUp, Effect::Tell(ServerState::Offline)]);
        assert!(machine.next_due(start + DEAD_AFTER).is_some());
    }

    #[test]
    fn late_news_of_an_old_connection_change_nothing() {
        let now = Instant::now();
        let mut machine = Machine::new(1);
        let old = dialled(&machine.open(now)).unwrap();
        machine.lost(old, Loss::Away, now);
        let due = machine.next_due(now).unwrap();
        let fresh = dialled(&machine.poll(due)).unwrap();
        assert_ne!(old, fresh);
        assert!(machine.welcomed(old, due).is_empty());
        assert!(machine.lost(old, Loss::Refused, due).is_empty());
        assert_eq!(machine.welcomed(fresh, due), [Effect::Tell(ServerState::Online)]);
    }

    #[test]
    fn somebody_who_waits_shortens_a_pause() {
        let mut now = Instant::now();
        let mut machine = Machine::new(3);
        let mut connection = dialled(&machine.open(now)).unwrap();
        for _ in 0..10 {
            machine.lost(connection, Loss::Away, now);
            now = machine.next_due(now).unwrap();
            connection = dialled(&machine.poll(now)).unwrap();
        }
        machine.lost(connection, Loss::Away, now);
        machine.hurry(now);
        assert!(machine.next_due(now).unwrap() <= now + HURRY_PAUSE);
    }
}
