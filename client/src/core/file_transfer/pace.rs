//! How fast files may go: one pace for all that is sent, one for all that is received, each as a person wishes, or none. Set by the
//! `Registry`, kept by the pumps.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Whoever wakes a little late makes up for it.
const CREDIT: Duration = Duration::from_millis(50);
/// Slowest pace, in bytes a second: below it connections would look dead.
pub const SLOWEST: u64 = 16 * 1024;
/// Bytes that are taken at once: so many a second,
const PIECES: u64 = 16;
/// but no more than this, which the fastest paces would only hand over late,
const PIECE: usize = 16 * 1024;
/// and no less: each costs a look at the clock, and of what is sent a record.
const SMALLEST_PIECE: usize = 1024;

/// What a person wishes, in bytes a second; none is as fast as it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Of all that is sent together; at least [`SLOWEST`].
    #[serde(default)]
    pub up: Option<NonZeroU64>,
    /// Of all that is received together; at least [`SLOWEST`].
    #[serde(default)]
    pub down: Option<NonZeroU64>,
}

impl Rates {
    /// Neither is too slow.
    pub fn are_possible(&self) -> bool {
        *self == self.possible()
    }

    /// The nearest that are possible.
    #[must_use]
    pub fn possible(&self) -> Self {
        let slowest = const { NonZeroU64::new(SLOWEST).unwrap() };
        let possible = |rate: Option<NonZeroU64>| rate.map(|rate| rate.max(slowest));
        Self { up: possible(self.up), down: possible(self.down) }
    }
}

/// Both directions; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Paces {
    /// Of what is sent.
    pub up: Pace,
    /// Of what is received.
    pub down: Pace,
}

impl Paces {
    /// From now on.
    pub fn set(&self, rates: Rates) {
        self.up.set(rates.up);
        self.down.set(rates.down);
    }
}

/// One direction. Whoever asks first goes first, so that transfers share it evenly.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    rate: Option<NonZeroU64>,
    /// All that was asked for has gone by then.
    free_at: Option<Instant>,
}

impl Pace {
    fn set(&self, rate: Option<NonZeroU64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Inner { rate, free_at: None };
    }

    /// Bytes to take at once, if there is one: at the slowest, pieces are so small that each of many connections gets one before it looks dead.
    pub fn piece(&self) -> Option<usize> {
        let rate = self.0.lock().unwrap_or_else(PoisonError::into_inner).rate?;
        Some(usize::try_from(rate.get() / PIECES).unwrap_or(PIECE).clamp(SMALLEST_PIECE, PIECE))
    }

    /// How long to wait until so many bytes may go, if at all; they count as gone.
    pub fn take(&self, bytes: usize) -> Option<Duration> {
        let wait = self.reserve(bytes, Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    /// From `now` until so many bytes may go.
    fn reserve(&self, bytes: usize, now: Instant) -> Duration {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rate) = inner.rate else { return Duration::ZERO };
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        let begin = inner.free_at.map_or(now, |free| free.max(earliest));
        inner.free_at = Some(begin + Duration::from_secs_f64(bytes as f64 / rate.get() as f64));
        begin.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two who take pieces in turn, for `seconds`; bytes of each.
    fn share(pace: &Pace, pieces: [usize; 2], seconds: u64) -> [u64; 2] {
        let start = Instant::now();
        let (mut at, mut got) = ([start; 2], [0; 2]);
        loop {
            let who = usize::from(at[1] < at[0]);
            if at[who] - start >= Duration::from_secs(seconds) {
                return got;
            }
            at[who] += pace.reserve(pieces[who], at[who]);
            got[who] += pieces[who] as u64;
        }
    }

    #[test]
    fn what_goes_keeps_to_the_pace_and_is_shared_evenly() {
        let pace = Pace::default();
        pace.set(NonZeroU64::new(1_000_000));
        let [one, other] = share(&pace, [SLOWEST_PIECE, SLOWEST_PIECE], 10);
        assert!((9_900_000..=10_200_000).contains(&(one + other)), "{one} {other}");
        assert!(one.abs_diff(other) <= 2 * SLOWEST_PIECE as u64, "{one} {other}");
    }

    const SLOWEST_PIECE: usize = 16 * 1024;

    #[test]
    fn as_many_as_may_be_sent_at_once_all_get_something_before_they_look_dead() {
        let pace = Pace::default();
        assert_eq!(pace.piece(), None);
        for (rate, piece) in [(SLOWEST, 1024), (100_000, 6_250), (1 << 20, 16 * 1024), (u64::MAX, 16 * 1024)] {
            pace.set(NonZeroU64::new(rate));
            assert_eq!(pace.piece(), Some(piece));
        }
        // One to each member of the largest room that has a link of its own, with all the connections that a stream may have.
        let streams = (hobnob_shared::limits::LINKS * hobnob_shared::limits::FLOWS) as u64;
        assert!(streams * 1024 / SLOWEST < hobnob_shared::limits::DEAD_AFTER.as_secs());
    }

    #[test]
    fn without_a_wish_nothing_waits_and_a_new_wish_forgets_the_old_queue() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.reserve(usize::MAX, now), Duration::ZERO);
        pace.set(NonZeroU64::new(SLOWEST));
        assert_eq!(pace.reserve(1 << 20, now), Duration::ZERO);
        assert_eq!(pace.reserve(1, now), Duration::from_secs(64));
        pace.set(NonZeroU64::new(1 << 30));
        assert_eq!(pace.reserve(1, now), Duration::ZERO);
        assert!(Rates { up: NonZeroU64::new(SLOWEST), down: None }.are_possible());
        let too_slow = Rates { up: None, down: NonZeroU64::new(SLOWEST - 1) };
        assert!(!too_slow.are_possible());
        assert_eq!(too_slow.possible(), Rates { up: None, down: NonZeroU64::new(SLOWEST) });
    }

    #[test]
    fn who_did_nothing_for_long_gets_no_more_than_a_moment_ahead() {
        let (pace, now) = (Pace::default(), Instant::now());
        pace.set(NonZeroU64::new(1_000_000));
        pace.reserve(1, now);
        let later = now + Duration::from_mins(1);
        let mut gone = 0;
        while pace.reserve(1_000, later).is_zero() {
            gone += 1_000;
        }
        assert!(gone <= 52_000, "{gone}");
    }
}
