//! How often somebody may do something: token buckets, wrong passwords by account and address, sign-ups by address. Pure: the time comes
//! in as an argument. `Session` asks before it does the costly thing, `Registry` for introductions, `relay.rs` for bytes.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::Limits;

/// How fast a [`Bucket`] fills and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Time in which one unit comes back.
    pub every: Duration,
    /// Units that can be taken at once.
    pub burst: u32,
}

impl Quota {
    /// `burst` at once, then one every `every_ms` milliseconds.
    pub fn spaced(every_ms: u64, burst: u32) -> Self {
        Self { every: Duration::from_millis(every_ms), burst: burst.max(1) }
    }

    /// `rate` units a second, `burst` at once.
    pub fn per_second(rate: u32, burst: u32) -> Self {
        Self { every: Duration::from_secs(1) / rate.max(1), burst: burst.max(1) }
    }
}

/// A token bucket, kept as the moment at which it will be full again (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes `units`, or says after which time they are there. More than the burst is granted when the bucket is full, and owed after.
    pub fn take(&mut self, units: u32, quota: Quota, now: Instant) -> Result<(), Duration> {
        let capacity = quota.every * quota.burst;
        let cost = quota.every * units;
        let owed = self.full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let after = owed + cost;
        if after > capacity && owed > Duration::ZERO {
            return Err(after.saturating_sub(capacity).min(owed));
        }
        self.full_at = now.checked_add(after);
        Ok(())
    }

    /// Takes `units` in any case; the time after which no more than the burst is owed, if that is not now.
    pub fn owe(&mut self, units: u32, quota: Quota, now: Instant) -> Option<Duration> {
        let owed = self.full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let after = owed + quota.every * units;
        self.full_at = now.checked_add(after);
        Some(after.saturating_sub(quota.every * quota.burst)).filter(|wait| !wait.is_zero())
    }

    /// Nothing is owed any more, so the bucket need not be remembered.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

/// Which neighbourhood an address counts for: a /24 of version 4, a /64 of version 6, since one person commands all of either.
pub fn neighbourhood(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

/// A table of bounded size that forgets what has no effect any more, and refuses to remember more when full.
#[derive(Debug)]
struct Table<K, V> {
    rows: HashMap<K, V>,
    most: usize,
}

impl<K: Eq + Hash, V: Default> Table<K, V> {
    fn new(most: u32) -> Self {
        Self { rows: HashMap::new(), most: most.max(1) as usize }
    }

    /// The row of `key`. When the table is full the rows that `is_idle` are dropped, then, if that did not help, any half: an attacker who
    /// fills the table gains a few free tries, not the server's memory.
    fn row(&mut self, key: K, is_idle: impl Fn(&V) -> bool) -> &mut V {
        if self.rows.len() >= self.most && !self.rows.contains_key(&key) {
            self.rows.retain(|_, row| !is_idle(row));
            if self.rows.len() >= self.most {
                let mut keep = false;
                self.rows.retain(|_, _| {
                    keep = !keep;
                    keep
                });
            }
        }
        self.rows.entry(key).or_default()
    }
}

/// Guesses of one guesser at one password.
#[derive(Debug, Clone, Copy, Default)]
struct Guesser {
    failures: u32,
    not_before: Option<Instant>,
}

/// Wrong passwords, by who guesses at what. A guess counts when it is made, since the server's answer alone lets a client test one password;
/// the right password takes the count back.
#[derive(Debug)]
pub struct Guesses<K> {
    table: Table<K, Guesser>,
    free: u32,
    first: Duration,
    longest: Duration,
}

impl<K: Eq + Hash> Guesses<K> {
    /// Nobody has guessed yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            table: Table::new(limits.addresses_remembered),
            free: limits.guesses_free,
            first: Duration::from_millis(limits.guess_delay_ms),
            longest: Duration::from_millis(limits.guess_delay_max_ms),
        }
    }

    /// Counts a guess, or says how long to wait before the next.
    pub fn guess(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        let idle = |row: &Guesser| row.not_before.is_none_or(|at| at <= now);
        let row = self.table.row(key, idle);
        if let Some(wait) = row.not_before.and_then(|at| at.checked_duration_since(now)).filter(|w| !w.is_zero()) {
            return Err(wait);
        }
        row.failures = row.failures.saturating_add(1);
        if row.failures >= self.free {
            let doublings = (row.failures - self.free).min(20);
            row.not_before = now.checked_add((self.first * (1 << doublings)).min(self.longest));
        }
        Ok(())
    }

    /// The guess was right.
    pub fn right(&mut self, key: &K) {
        self.table.rows.remove(key);
    }
}

/// How often something comes from one neighbourhood: sign-ups, password sign-ins.
#[derive(Debug)]
pub struct ByAddress {
    table: Table<IpAddr, Bucket>,
    quota: Quota,
}

impl ByAddress {
    /// Nothing has come yet; at most `remembered` neighbourhoods are known at once.
    pub fn new(remembered: u32, quota: Quota) -> Self {
        Self { table: Table::new(remembered), quota }
    }

    /// Counts one, or says how long to wait.
    pub fn count(&mut self, ip: IpAddr, now: Instant) -> Result<(), Duration> {
        self.table.row(neighbourhood(ip), |row| row.is_full(now)).take(1, self.quota, now)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate() {
        let quota = Quota { every: SECOND, burst: 3 };
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        for _ in 0..3 {
            bucket.take(1, quota, start).unwrap();
        }
        assert_eq!(bucket.take(1, quota, start), Err(SECOND));
        bucket.take(1, quota, start + SECOND).unwrap();
        assert_eq!(bucket.take(2, quota, start + SECOND), Err(2 * SECOND));
        assert!(bucket.is_full(start + 10 * SECOND));
    }

    #[test]
    fn more_than_the_burst_is_granted_once_and_owed() {
        let quota = Quota { every: SECOND, burst: 3 };
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        bucket.take(10, quota, start).unwrap();
        assert_eq!(bucket.take(1, quota, start), Err(8 * SECOND));
        bucket.take(1, quota, start + 8 * SECOND).unwrap();
    }

    #[test]
    fn guesses_cost_nothing_five_times_then_double_to_ten_minutes() {
        let mut guesses = Guesses::new(&Limits::default());
        let mut now = Instant::now();
        for _ in 0..5 {
            guesses.guess("bob", now).unwrap();
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait = guesses.guess("bob", now).unwrap_err();
            waits.push(wait.as_secs());
            now += wait;
            guesses.guess("bob", now).unwrap();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        guesses.guess("carol", now).unwrap();
        guesses.right(&"bob");
        guesses.guess("bob", now).unwrap();
    }

    #[test]
    fn a_neighbourhood_is_a_24_or_a_64() {
        assert_eq!(neighbourhood(ip("192.0.2.77")), ip("192.0.2.0"));
        assert_eq!(neighbourhood(ip("::ffff:192.0.2.77")), ip("192.0.2.0"));
        assert_eq!(neighbourhood(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
    }

    #[test]
    fn the_table_stays_bounded() {
        let mut registrations = ByAddress::new(16, Quota { every: SECOND, burst: 3 });
        let now = Instant::now();
        for n in 0..200_u8 {
            registrations.count(IpAddr::from([10, 0, n, 1]), now).unwrap();
            assert!(registrations.table.rows.len() <= 16);
        }
    }

    #[test]
    fn a_classroom_signs_up_at_once_and_then_one_in_ten_seconds() {
        let mut registrations = ByAddress::new(100, Quota { every: 10 * SECOND, burst: 100 });
        let now = Instant::now();
        for n in 0..100 {
            registrations.count(IpAddr::from([10, 0, 0, n]), now).unwrap();
        }
        assert_eq!(registrations.count(ip("10.0.0.200"), now), Err(10 * SECOND));
        registrations.count(ip("10.0.1.1"), now).unwrap();
        registrations.count(ip("10.0.0.200"), now + 10 * SECOND).unwrap();
    }
}
