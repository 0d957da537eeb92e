//! The sender's half of exactly-once: which entries of the own log are out on a link, and when to read more of them from the disk. Pure;
//! owned by the link's state, one for each thread that both ends follow. The log itself is in the history; this is a window over it.

use std::collections::VecDeque;

use super::defective;

/// Ask the disk for entries of the own log behind `after`, at most `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLog {
    /// Exclusive.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Push {
    /// Numbers written on this link and not acknowledged, in order.
    out: VecDeque<u64>,
    /// The other side has everything up to here that is meant for it.
    acknowledged: u64,
    /// Up to here everything was written on this link.
    written: u64,
    /// The disk may have more behind `written`.
    more: bool,
}

impl Push {
    /// The other side has the log up to `acknowledged`; the rest goes out.
    pub fn new(acknowledged: u64) -> Self {
        Self { out: VecDeque::new(), acknowledged, written: acknowledged, more: true }
    }

    /// The other side says how far its copy goes. Less than before: it starts over from there, for it lost what it had, or never had it.
    pub fn acknowledge(&mut self, number: u64) {
        if number < self.acknowledged {
            *self = Self::new(number);
            return;
        }
        self.acknowledged = number;
        if defective!(NoRoom) {
            return;
        }
        while self.out.front().is_some_and(|out| *out <= number) {
            self.out.pop_front();
        }
        self.written = self.written.max(number);
    }

    /// The own log grew.
    pub fn grew(&mut self) {
        self.more = true;
    }

    /// Something is to be read, if there is room.
    pub fn wants(&self) -> bool {
        self.more
    }

    /// The next read, with room for `limit` entries; its answer must come to [`Self::read`] before the next one.
    pub fn next_read(&mut self, limit: usize) -> Option<ReadLog> {
        if !self.more || limit == 0 {
            return None;
        }
        self.more = false;
        Some(ReadLog { after: self.written, limit })
    }

    /// The disk answered with entries of these numbers; tells whether they are to be written. `complete`: there was nothing more.
    pub fn read(&mut self, asked: ReadLog, numbers: &[u64], complete: bool) -> bool {
        if asked.after != self.written {
            // Asked before it started over, or before an acknowledgement overtook it.
            self.more = true;
            return false;
        }
        self.more |= !complete;
        for number in numbers {
            self.written = self.written.max(*number);
            self.out.push_back(*number);
        }
        true
    }

    /// The disk could not answer: ask again at the next occasion.
    pub fn read_failed(&mut self) {
        self.more = true;
    }

    /// Entries that are out.
    pub fn out(&self) -> usize {
        self.out.len()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    /// What the disk answers for a log of these numbers.
    fn answer(log: &[u64], asked: ReadLog) -> (Vec<u64>, bool) {
        let found: Vec<u64> = log.iter().copied().filter(|n| *n > asked.after).take(asked.limit).collect();
        let complete = found.len() < asked.limit;
        (found, complete)
    }

    #[test]
    fn everything_goes_out_in_order_and_never_more_than_there_is_room_for() {
        let log: Vec<u64> = (1..=1_000).collect();
        let (mut push, mut sent) = (Push::new(0), Vec::<u64>::new());
        while let Some(asked) = push.next_read(256 - push.out()) {
            let (numbers, complete) = answer(&log, asked);
            assert!(push.read(asked, &numbers, complete));
            assert!(push.out() <= 256);
            sent.extend(&numbers);
            if let Some(last) = numbers.last() {
                push.acknowledge(*last);
            }
        }
        assert_eq!(sent, log);
    }

    #[test]
    fn a_copy_that_goes_less_far_than_it_said_gets_the_rest_again() {
        let mut push = Push::new(0);
        let asked = push.next_read(10).unwrap();
        push.read(asked, &[1, 2, 3], true);
        push.acknowledge(3);
        push.acknowledge(1);
        assert_eq!(push.next_read(10), Some(ReadLog { after: 1, limit: 10 }));
    }

    #[test]
    fn an_answer_from_before_it_started_over_is_not_written() {
        let mut push = Push::new(0);
        let first = push.next_read(10).unwrap();
        push.read(first, &[1, 2], true);
        push.acknowledge(2);
        push.grew();
        let stale = push.next_read(10).unwrap();
        push.acknowledge(0);
        assert!(!push.read(stale, &[3], true));
        assert_eq!(push.next_read(10), Some(ReadLog { after: 0, limit: 10 }));
    }

    proptest! {
        #[test]
        fn whatever_the_interleaving_nothing_is_skipped_or_written_twice(steps in prop::collection::vec(0_u8..5, 1..200)) {
            let (mut log, mut push, mut asked) = (Vec::new(), Push::new(0), None);
            let mut written: Vec<u64> = Vec::new();
            for step in steps {
                match step {
                    0 => { log.push(log.len() as u64 + 1); push.grew(); }
                    1 => if let Some(read) = asked.take() {
                        let (numbers, complete) = answer(&log, read);
                        if push.read(read, &numbers, complete) { written.extend(numbers); }
                    },
                    2 => if let Some(last) = written.last() { push.acknowledge(*last); },
                    3 => if let Some(some) = written.get(written.len() / 2).filter(|some| **some >= push.acknowledged) { push.acknowledge(*some); },
                    _ => if asked.is_none() { asked = push.next_read(4_usize.saturating_sub(push.out())); },
                }
                prop_assert!(push.out() <= 4);
            }
            let expected: Vec<u64> = (1..=written.len() as u64).collect();
            prop_assert_eq!(written, expected);
        }
    }
}
