//! How often the other side can have a transfer begin again: an offer or an accept that is repeated may cost a look at the disk, a dial and a
//! circuit. Pure. Used by the decisions of a transfer.

use std::time::{Duration, Instant};

/// Between the first two: no program that means it is faster.
const FIRST: Duration = Duration::from_millis(500);
/// Each wait is twice the one before, and at most this. An honest receiver's own waits are longer all the way.
const LONGEST: Duration = Duration::from_mins(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Patience {
    again: Option<Instant>,
    times: u32,
}

impl Patience {
    /// When it may begin again, if not now.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.again.filter(|at| *at > now)
    }

    /// It begins again.
    pub(super) fn begins(&mut self, now: Instant) {
        if self.again.is_some_and(|at| now >= at + LONGEST) {
            self.times = 0;
        }
        let wait = FIRST.saturating_mul(1 << self.times.min(7)).min(LONGEST);
        self.times = self.times.saturating_add(1);
        self.again = Some(now + wait);
    }

    /// Bytes came through: it was worth it.
    pub(super) fn rewarded(&mut self) {
        self.times = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it begins within `seconds` where somebody asks every 10 ms.
    fn begins(seconds: u64, rewarded: bool) -> u32 {
        let (mut patience, start) = (Patience::default(), Instant::now());
        let mut count = 0;
        for tick in 0..seconds * 100 {
            let now = start + Duration::from_millis(tick * 10);
            if patience.until(now).is_none() {
                patience.begins(now);
                count += 1;
                if rewarded {
                    patience.rewarded();
                }
            }
        }
        count
    }

    #[test]
    fn who_asks_for_nothing_gets_slower_and_who_sends_does_not() {
        assert_eq!(begins(1, false), 2);
        assert_eq!(begins(3_600, false), 66);
        assert_eq!(begins(60, true), 120);
    }

    #[test]
    fn after_a_quiet_time_it_begins_at_once_and_as_at_first() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        (0..20).for_each(|_| patience.begins(start));
        assert_eq!(patience.until(start), Some(start + LONGEST));
        let later = start + LONGEST * 2;
        assert_eq!(patience.until(later), None);
        patience.begins(later);
        assert_eq!(patience.until(later), Some(later + FIRST));
    }
}
