//! Which entries of a log that arrives are taken: those that follow the copy's end, in their order, each once. Pure; the history asks
//! before it writes.

use hobnob_shared::id::{Hash, MessageId};
use hobnob_shared::limits::{CLOCK, TEXT};

use super::defective;

/// The end of a log's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Of the last entry; 0 for an empty log.
    pub number: u64,
    /// Its id.
    pub last: MessageId,
    /// Its clock.
    pub clock: u64,
    /// Rooms: BLAKE3 of its body; zeros before the first.
    pub hash: Hash,
}

impl End {
    /// Of a log of which nothing is here.
    pub const EMPTY: Self = Self { number: 0, last: MessageId(uuid::Uuid::nil()), clock: 0, hash: Hash([0; 32]) };
}

/// What is looked at of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: MessageId,
    /// Its number.
    pub number: u64,
    /// Its clock.
    pub clock: u64,
    /// Bytes of its text.
    pub size: usize,
    /// Rooms: what it says of the entry before, and the hash of its own body.
    pub chained: Option<(Hash, Hash)>,
}

/// Why an entry is not taken, and none behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// The author's: numbers, clocks, lengths or hashes that no honest author makes.
    Malformed,
    /// The author's, or the bringer's: two entries claim one place.
    Conflict,
}

/// What is to become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Store it.
    Take,
    /// It is here already.
    Known,
    /// Something before it is missing: ask for that.
    Gap,
    /// Never.
    Refuse(Refusal),
}

/// Judges one entry that is said to follow `after`, and moves `end` on when it is taken.
pub fn judge(end: &mut End, after: u64, entry: &Candidate) -> Verdict {
    if after > end.number && !defective!(ForgetGap) {
        return Verdict::Gap;
    }
    if entry.number <= end.number && !defective!(TakeKnown) {
        let another = entry.number == end.number && entry.id != end.last;
        return if another { Verdict::Refuse(Refusal::Conflict) } else { Verdict::Known };
    }
    let forward = entry.clock > end.clock || entry.clock == CLOCK;
    if !forward || entry.clock > CLOCK || entry.number > CLOCK || entry.number == 0 || entry.size > TEXT {
        return Verdict::Refuse(Refusal::Malformed);
    }
    if let Some((previous, _)) = entry.chained {
        // In a room every entry is for everybody, so nothing may be left out.
        if entry.number != end.number + 1 && !defective!(ForgetGap) {
            return Verdict::Gap;
        }
        if previous != end.hash && !defective!(ForgetGap) {
            return Verdict::Refuse(Refusal::Conflict);
        }
    }
    *end = End {
        number: entry.number,
        last: entry.id,
        clock: entry.clock,
        hash: entry.chained.map_or(end.hash, |(_, own)| own),
    };
    Verdict::Take
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u64) -> MessageId {
        MessageId(uuid::Uuid::from_u128(u128::from(n)))
    }

    fn entry(number: u64) -> Candidate {
        Candidate { id: id(number), number, clock: number * 10, size: 3, chained: None }
    }

    fn take(end: &mut End, after: u64, entry: &Candidate) {
        assert_eq!(judge(end, after, entry), Verdict::Take);
    }

    #[test]
    fn what_follows_is_taken_once_and_what_is_known_is_not_shown_again() {
        let mut end = End::EMPTY;
        take(&mut end, 0, &entry(1));
        take(&mut end, 0, &entry(2));
        assert_eq!(judge(&mut end, 0, &entry(1)), Verdict::Known);
        assert_eq!(judge(&mut end, 2, &entry(2)), Verdict::Known);
        // The author says that 3 is not for us.
        take(&mut end, 2, &entry(4));
        assert_eq!(judge(&mut end, 6, &entry(7)), Verdict::Gap);
        assert_eq!(end.number, 4);
    }

    #[test]
    fn another_entry_under_a_known_number_is_refused() {
        let mut end = End::EMPTY;
        take(&mut end, 0, &entry(1));
        let other = Candidate { id: id(99), ..entry(1) };
        assert_eq!(judge(&mut end, 0, &other), Verdict::Refuse(Refusal::Conflict));
    }

    #[test]
    fn clocks_numbers_and_texts_have_their_bounds() {
        let mut end = End::EMPTY;
        take(&mut end, 0, &entry(5));
        for bad in [
            Candidate { clock: 50, ..entry(6) },
            Candidate { clock: CLOCK + 1, ..entry(6) },
            Candidate { number: CLOCK + 1, ..entry(6) },
            Candidate { size: TEXT + 1, ..entry(6) },
        ] {
            assert_eq!(judge(&mut end, 5, &bad), Verdict::Refuse(Refusal::Malformed), "{bad:?}");
        }
        // Whoever has set the clock as high as it goes may still speak.
        take(&mut end, 5, &Candidate { clock: CLOCK, ..entry(6) });
        take(&mut end, 5, &Candidate { clock: CLOCK, ..entry(7) });
    }

    #[test]
    fn in_a_room_each_entry_names_the_one_before() {
        let hash = |n: u8| Hash([n; 32]);
        let chained = |number, previous, own| Candidate { chained: Some((hash(previous), hash(own))), ..entry(number) };
        let mut end = End::EMPTY;
        take(&mut end, 0, &chained(1, 0, 1));
        assert_eq!(judge(&mut end, 1, &chained(3, 1, 3)), Verdict::Gap);
        assert_eq!(judge(&mut end, 1, &chained(2, 7, 2)), Verdict::Refuse(Refusal::Conflict));
        take(&mut end, 1, &chained(2, 1, 2));
    }

    proptest! {
        #[test]
        fn whatever_comes_the_copy_is_a_growing_prefix(batches in prop::collection::vec((0_u64..20, 0_u64..20, 1_u64..8), 0..60)) {
            // The author's log is 1..=40 without the multiples of 3, which are not for us.
            let ours = |n: u64| !n.is_multiple_of(3);
            let mut end = End::EMPTY;
            let mut taken = Vec::new();
            for (after, _, count) in batches {
                for number in (after + 1..).filter(|n| ours(*n)).take(usize::try_from(count).unwrap_or(1)) {
                    if judge(&mut end, after, &entry(number)) == Verdict::Take {
                        taken.push(number);
                    }
                }
            }
            let expected: Vec<u64> = (1..).filter(|n| ours(*n)).take(taken.len()).collect();
            prop_assert_eq!(taken, expected);
        }
    }
}
