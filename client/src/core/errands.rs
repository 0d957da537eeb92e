//! What is asked of the server and not answered yet: kept while the server is away, asked again after a broken connection, given up after
//! a time. Pure; the registry owns one.

use std::collections::BTreeMap;
use std::time::Instant;

use hobnob_shared::message::Seq;

/// Most errands at once: a person has a few, a script a few hundred; each is small.
const MOST: usize = 4 * 1024;

struct Errand<T> {
    deadline: Instant,
    /// Set while the server has it.
    out: bool,
    /// Asked again on the next connection; otherwise forgotten with the broken one.
    keep: bool,
    what: T,
}

/// The list. An errand keeps its sequence number over repetitions, so that answers find it.
pub struct Errands<T> {
    next: Seq,
    list: BTreeMap<Seq, Errand<T>>,
}

impl<T> Default for Errands<T> {
    fn default() -> Self {
        Self { next: 1, list: BTreeMap::new() }
    }
}

impl<T> Errands<T> {
    /// Adds an errand; with `keep` it survives a broken connection. Gives it back when there are too many.
    pub fn add(&mut self, deadline: Instant, keep: bool, what: T) -> Result<Seq, T> {
        if self.list.len() >= MOST {
            return Err(what);
        }
        let seq = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        self.list.insert(seq, Errand { deadline, out: false, keep, what });
        Ok(seq)
    }

    /// Marks all that waits as asked, and names it in the order in which it came.
    pub fn send_all(&mut self) -> Vec<Seq> {
        let waiting: Vec<Seq> = self.list.iter().filter(|(_, errand)| !errand.out).map(|(seq, _)| *seq).collect();
        for seq in &waiting {
            if let Some(errand) = self.list.get_mut(seq) {
                errand.out = true;
            }
        }
        waiting
    }

    /// Marks one as asked.
    pub fn sent(&mut self, seq: Seq) {
        if let Some(errand) = self.list.get_mut(&seq) {
            errand.out = true;
        }
    }

    /// Takes the mark back: it could not be asked yet.
    pub fn unsent(&mut self, seq: Seq) {
        if let Some(errand) = self.list.get_mut(&seq) {
            errand.out = false;
        }
    }

    /// The errand, still owed.
    pub fn get(&self, seq: Seq) -> Option<&T> {
        self.list.get(&seq).map(|errand| &errand.what)
    }

    /// All that is owed.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.list.values().map(|errand| &errand.what)
    }

    /// The server answered it.
    pub fn take(&mut self, seq: Seq) -> Option<T> {
        self.list.remove(&seq).map(|errand| errand.what)
    }

    /// The connection broke: what was asked waits again, what was not to be kept is forgotten.
    pub fn connection_lost(&mut self) {
        self.list.retain(|_, errand| errand.keep);
        for errand in self.list.values_mut() {
            errand.out = false;
        }
    }

    /// Those whose time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<T> {
        let late: Vec<Seq> =
            self.list.iter().filter(|(_, errand)| errand.deadline <= now).map(|(seq, _)| *seq).collect();
        late.into_iter().filter_map(|seq| self.take(seq)).collect()
    }

    /// All of them: the person signed out, or the server is not to be trusted.
    pub fn take_all(&mut self) -> Vec<T> {
        std::mem::take(&mut self.list).into_values().map(|errand| errand.what).collect()
    }

    /// When [`Self::expire`] has something to give.
    pub fn next_due(&self) -> Option<Instant> {
        self.list.values().map(|errand| errand.deadline).min()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::time::Duration;

    #[test]
    fn errands_wait_are_asked_again_and_expire() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut errands = Errands::default();
        let first = errands.add(at(20), true, "add bob").unwrap();
        let second = errands.add(at(5), false, "introduce bob").unwrap();
        assert_eq!(errands.send_all(), [first, second]);
        assert!(errands.send_all().is_empty());

        errands.connection_lost();
        assert_eq!(errands.get(second), None);
        assert_eq!(errands.send_all(), [first]);

        assert!(errands.expire(at(19)).is_empty());
        assert_eq!(errands.next_due(), Some(at(20)));
        assert_eq!(errands.expire(at(20)), ["add bob"]);
        assert_eq!(errands.take(first), None);
    }

    #[test]
    fn an_answer_takes_its_own_errand() {
        let mut errands = Errands::default();
        let late = Instant::now() + Duration::from_secs(20);
        let a = errands.add(late, true, "a").unwrap();
        let b = errands.add(late, true, "b").unwrap();
        errands.send_all();
        assert_eq!(errands.take(b), Some("b"));
        assert_eq!(errands.take(a), Some("a"));
    }

    #[test]
    fn too_many_are_given_back() {
        let mut errands = Errands::default();
        let late = Instant::now();
        for n in 0..MOST {
            errands.add(late, true, n).unwrap();
        }
        assert_eq!(errands.add(late, true, 7), Err(7));
    }
}
