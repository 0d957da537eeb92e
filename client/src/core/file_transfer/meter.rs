//! How fast a transfer goes, and when that is worth telling. Pure.

use std::time::{Duration, Instant};

/// Between two words about progress: with the first and the last of a transfer ten a second at most.
const TELL: Duration = Duration::from_millis(125);
/// The rate is that of about so much time.
const MEMORY: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub(super) struct Meter {
    size: u64,
    last: Option<(Instant, u64)>,
    /// Bytes a second, smoothed.
    rate: f64,
}

impl Meter {
    pub(super) fn new(size: u64) -> Self {
        Self { size, last: None, rate: 0.0 }
    }

    /// Bytes flow from here.
    pub(super) fn start(&mut self, done: u64, now: Instant) {
        self.last = Some((now, done));
        self.rate = 0.0;
    }

    /// So many bytes are done; the rate if it is time to tell.
    pub(super) fn count(&mut self, done: u64, now: Instant) -> Option<u64> {
        let Some((at, before)) = self.last else {
            self.start(done, now);
            return Some(0);
        };
        let took = now.saturating_duration_since(at);
        if took < TELL && done < self.size {
            return None;
        }
        let current = done.saturating_sub(before) as f64 / took.as_secs_f64().max(TELL.as_secs_f64() / 10.0);
        let weight = if self.rate == 0.0 { 1.0 } else { (took.as_secs_f64() / MEMORY.as_secs_f64()).clamp(0.05, 1.0) };
        self.rate += (current - self.rate) * weight;
        self.last = Some((now, done));
        Some(self.rate())
    }

    /// Bytes a second.
    pub(super) fn rate(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people, never negative"
        )]
        let rate = self.rate as u64;
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_eight_times_a_second_and_the_rate_is_that_of_the_bytes() {
        let start = Instant::now();
        let mut meter = Meter::new(u64::MAX);
        meter.start(0, start);
        let told: Vec<u64> =
            (1..=1_000_u64).filter_map(|n| meter.count(n * 1_000, start + Duration::from_millis(n))).collect();
        assert_eq!(told.len(), 8);
        assert!(told.iter().all(|rate| (990_000..=1_010_000).contains(rate)), "{told:?}");
    }
}
