//! Whom to ask the server for, and when. Pure; the registry owns one. Friends who are online get a link without being asked for; of two
//! sides the one with the smaller handle asks at once and the other a little later, so that mostly one introduction serves both.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hobnob_shared::id::Handle;

use super::replica::defective;

/// The side with the greater handle waits so long for the other to ask: an introduction takes a few milliseconds, a direct dial up to a
/// second.
const SECOND_ASKS_AFTER: Duration = Duration::from_secs(2);
/// First pause between two attempts: longer than the dial ladder takes.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// Longest pause: a friend behind a broken network is asked for once a minute.
const PAUSE_LAST: Duration = Duration::from_mins(1);
/// A relayed link works; a direct path is looked for after this time, and then more and more seldom.
const UPGRADE_FIRST: Duration = Duration::from_secs(30);
/// See [`UPGRADE_FIRST`].
const UPGRADE_LAST: Duration = Duration::from_mins(5);

struct Ask {
    due: Instant,
    pause: Duration,
    longest: Duration,
}

/// The friends without a link that should have one.
#[derive(Default)]
pub struct LinkPolicy {
    asks: HashMap<Handle, Ask>,
}

impl LinkPolicy {
    /// `friend` should have a link; `we_ask_first` by the order of handles. Wishing again changes nothing.
    pub fn wish(&mut self, friend: &Handle, we_ask_first: bool, now: Instant) {
        if self.asks.get(friend).is_none_or(|ask| ask.longest == UPGRADE_LAST) {
            let due = if we_ask_first { now } else { now + SECOND_ASKS_AFTER };
            self.asks.insert(friend.clone(), Ask { due, pause: PAUSE_FIRST, longest: PAUSE_LAST });
        }
    }

    /// `friend` has a link through the relay, and should have a direct one.
    pub fn wish_direct(&mut self, friend: &Handle, now: Instant) {
        if self.asks.get(friend).is_none_or(|ask| ask.longest != UPGRADE_LAST) {
            let ask = Ask { due: now + UPGRADE_FIRST, pause: 2 * UPGRADE_FIRST, longest: UPGRADE_LAST };
            self.asks.insert(friend.clone(), ask);
        }
    }

    /// Something waits for `friend`: asks at the next occasion, unless it was asked a moment ago.
    pub fn hurry(&mut self, friend: &Handle, now: Instant) {
        match self.asks.get_mut(friend) {
            Some(ask) if ask.pause > PAUSE_FIRST => ask.due = ask.due.min(now + SECOND_ASKS_AFTER),
            Some(ask) => ask.due = ask.due.min(now + PAUSE_FIRST),
            None => {
                self.asks.insert(friend.clone(), Ask { due: now, pause: PAUSE_FIRST, longest: PAUSE_LAST });
            }
        }
    }

    /// The server had too much to do with the two: it is asked again after `wait`, whatever the pause. Devices that ask in step would
    /// otherwise stay in step, and the same one would always be refused.
    pub fn put_off(&mut self, friend: &Handle, wait: Duration, now: Instant) {
        if let Some(ask) = self.asks.get_mut(friend) {
            ask.due = ask.due.min(now + wait);
        }
    }

    /// `friend` has a link, or is gone.
    pub fn settle(&mut self, friend: &Handle) {
        self.asks.remove(friend);
    }

    /// Nobody can be asked for: the server is away.
    pub fn clear(&mut self) {
        self.asks.clear();
    }

    /// Whom to ask for now; each is asked for again after a growing pause.
    pub fn poll(&mut self, now: Instant) -> Vec<Handle> {
        let mut due = Vec::new();
        for (friend, ask) in &mut self.asks {
            if ask.due <= now {
                due.push(friend.clone());
                ask.due = now + ask.pause;
                ask.pause = (ask.pause * 2).min(ask.longest);
            }
        }
        if defective!(AskNever) {
            self.asks.retain(|friend, _| !due.contains(friend));
        }
        due.sort();
        due
    }

    /// When [`Self::poll`] has something to give.
    pub fn next_due(&self) -> Option<Instant> {
        self.asks.values().map(|ask| ask.due).min()
    }

    /// How many friends are wished for.
    pub fn len(&self) -> usize {
        self.asks.len()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_smaller_handle_asks_at_once_and_pauses_grow() {
        let start = Instant::now();
        let bob: Handle = "bob".parse().unwrap();
        let cat: Handle = "cat".parse().unwrap();
        let mut policy = LinkPolicy::default();
        policy.wish(&bob, true, start);
        policy.wish(&cat, false, start);
        assert_eq!(policy.poll(start), std::slice::from_ref(&bob));
        assert_eq!(policy.next_due(), Some(start + SECOND_ASKS_AFTER));
        assert_eq!(policy.poll(start + SECOND_ASKS_AFTER), std::slice::from_ref(&cat));
        policy.settle(&cat);

        let mut now = start;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let due = policy.next_due().unwrap();
            pauses.push((due - now).as_secs());
            now = due;
            assert_eq!(policy.poll(now), std::slice::from_ref(&bob));
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn behind_a_relay_a_direct_path_is_looked_for_more_and_more_seldom() {
        let start = Instant::now();
        let bob: Handle = "bob".parse().unwrap();
        let mut policy = LinkPolicy::default();
        policy.wish(&bob, true, start);
        policy.wish_direct(&bob, start);
        let (mut now, mut pauses) = (start, Vec::new());
        for _ in 0..6 {
            let due = policy.next_due().unwrap();
            pauses.push((due - now).as_secs());
            now = due;
            policy.wish_direct(&bob, now);
            assert_eq!(policy.poll(now), std::slice::from_ref(&bob));
        }
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300]);
        // The relayed link is lost: at once.
        policy.wish(&bob, true, now);
        assert_eq!(policy.next_due(), Some(now));
    }

    #[test]
    fn who_asked_at_the_same_moment_as_another_asks_again_out_of_step() {
        let start = Instant::now();
        let bob: Handle = "bob".parse().unwrap();
        let mut policy = LinkPolicy::default();
        policy.wish(&bob, true, start);
        policy.poll(start);
        policy.put_off(&bob, Duration::from_secs(1), start);
        assert_eq!(policy.next_due(), Some(start + Duration::from_secs(1)));
        assert_eq!(policy.poll(start + Duration::from_secs(1)), std::slice::from_ref(&bob));
        policy.settle(&bob);
        policy.put_off(&bob, Duration::from_secs(1), start);
        assert_eq!(policy.next_due(), None);
    }

    #[test]
    fn a_wish_is_settled_by_a_link_and_not_doubled() {
        let start = Instant::now();
        let bob: Handle = "bob".parse().unwrap();
        let mut policy = LinkPolicy::default();
        policy.wish(&bob, true, start);
        policy.poll(start);
        policy.wish(&bob, true, start);
        assert!(policy.poll(start).is_empty());
        policy.settle(&bob);
        assert_eq!(policy.next_due(), None);
    }
}
