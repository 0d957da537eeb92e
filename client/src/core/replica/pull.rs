//! What others have that is missing here, and whom to ask for it: catching up, with any member of a room, with the devices of one's own
//! account, and with the devices of a friend. Pure; the registry owns one.
//!
//! A log's own device sends what is new by itself (see [`super::push`]), so others are asked at once only where that device has no link
//! here, and otherwise after a while. Each link is asked for one thing at a time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hobnob_shared::id::DeviceId;

use super::{ThreadKey, defective};

/// A log whose own device is linked has so long to send it.
const GRACE: Duration = Duration::from_secs(2);
/// An answer takes no longer, or the others are asked.
const PATIENCE: Duration = Duration::from_secs(10);
/// Whoever did not bring what they claim to have is asked again after this pause, and then more and more seldom.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// See [`PAUSE_FIRST`].
const PAUSE_LAST: Duration = Duration::from_mins(5);
/// Logs of one thread that are remembered of one link: a full room with several devices each.
const LOGS: usize = 4_096;

/// Ask the link to `from` for `device`'s log behind `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whom.
    pub from: DeviceId,
    /// Where.
    pub thread: ThreadKey,
    /// Whose log.
    pub device: DeviceId,
    /// What is here already.
    pub after: u64,
}

/// What one link is being asked.
#[derive(Debug)]
struct Asked {
    thread: ThreadKey,
    device: DeviceId,
    after: u64,
    until: Instant,
}

/// What the device behind a link says of a log.
#[derive(Debug, Clone, Copy)]
struct Claim {
    /// Where its copy ends.
    number: u64,
    /// It was asked and brought nothing: not again before.
    not_before: Option<Instant>,
    pause: Duration,
}

#[derive(Debug, Default)]
struct Logs {
    /// Where the copies here end.
    mine: BTreeMap<DeviceId, u64>,
    /// Since when a log is known to be behind.
    behind: BTreeMap<DeviceId, Instant>,
    /// Where the copies of each linked device end.
    theirs: BTreeMap<DeviceId, BTreeMap<DeviceId, Claim>>,
}

impl Logs {
    /// Whether somebody who is linked says that `device`'s log goes on behind what is here.
    fn is_behind(&self, device: &DeviceId) -> bool {
        let mine = self.mine.get(device).copied().unwrap_or(0);
        self.theirs.values().any(|ends| ends.get(device).is_some_and(|claim| claim.number > mine))
    }

    /// What nobody claims any more is not missing: claims of logs that do not exist go with whoever made them.
    fn tidy(&mut self) {
        let mut behind = std::mem::take(&mut self.behind);
        behind.retain(|device, _| self.is_behind(device));
        self.behind = behind;
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Pull {
    threads: BTreeMap<ThreadKey, Logs>,
    asked: BTreeMap<DeviceId, Asked>,
}

impl Pull {
    /// The copy of `device`'s log here ends at `number`: it was loaded, written, or it arrived.
    pub fn mine(&mut self, thread: &ThreadKey, device: DeviceId, number: u64) {
        let logs = self.threads.entry(thread.clone()).or_default();
        let end = logs.mine.entry(device).or_default();
        *end = (*end).max(number);
        if !logs.is_behind(&device) {
            logs.behind.remove(&device);
        }
    }

    /// Where the copy here ends.
    pub fn end(&self, thread: &ThreadKey, device: &DeviceId) -> u64 {
        self.threads.get(thread).and_then(|logs| logs.mine.get(device)).copied().unwrap_or(0)
    }

    /// Where the copy of the device behind `link` ends, as far as it has said; 0 if it has not.
    pub fn known(&self, link: &DeviceId, thread: &ThreadKey, device: &DeviceId) -> u64 {
        let ends = self.threads.get(thread).and_then(|logs| logs.theirs.get(link));
        ends.and_then(|ends| ends.get(device)).map_or(0, |claim| claim.number)
    }

    /// The device behind `link` says that its copy of `device`'s log ends at `number`.
    pub fn theirs(&mut self, link: DeviceId, thread: &ThreadKey, device: DeviceId, number: u64, now: Instant) {
        let logs = self.threads.entry(thread.clone()).or_default();
        let ends = logs.theirs.entry(link).or_default();
        if ends.len() >= LOGS && !ends.contains_key(&device) {
            return;
        }
        let fresh = Claim { number, not_before: None, pause: PAUSE_FIRST };
        let claim = ends.entry(device).or_insert(fresh);
        claim.number = claim.number.max(number);
        if number > logs.mine.get(&device).copied().unwrap_or(0) {
            logs.behind.entry(device).or_insert(now);
        }
    }

    /// A link is gone: what it had can be had elsewhere, or not.
    pub fn lost(&mut self, link: &DeviceId) {
        self.asked.remove(link);
        for logs in self.threads.values_mut() {
            if logs.theirs.remove(link).is_some() {
                logs.tidy();
            }
        }
    }

    /// The thread is over on this link, or altogether with `None`.
    pub fn forget(&mut self, thread: &ThreadKey, link: Option<&DeviceId>) {
        match link {
            None => {
                self.threads.remove(thread);
            }
            Some(link) => {
                if let Some(logs) = self.threads.get_mut(thread) {
                    logs.theirs.remove(link);
                    logs.tidy();
                }
            }
        }
        self.asked.retain(|from, asked| asked.thread != *thread || link.is_some_and(|link| link != from));
    }

    /// A part of a log that `link` brought was dealt with. If it answers what was asked and brought nothing, its word on this log is worth
    /// nothing. What an author sends by itself goes over the same link and follows another entry: that is no answer, and what was asked
    /// is still to come. `after` is `None` for what was refused.
    pub fn answered(
        &mut self,
        link: &DeviceId,
        thread: &ThreadKey,
        device: &DeviceId,
        after: Option<u64>,
        now: Instant,
    ) {
        let Some(asked) = self.asked.get(link) else { return };
        if asked.thread != *thread || asked.device != *device || after.is_some_and(|after| after != asked.after) {
            return;
        }
        let Some(Asked { after, .. }) = self.asked.remove(link) else { return };
        let grew = self.end(thread, device) > after;
        self.judge(link, thread, device, grew, now);
    }

    /// Whoever brought something may be asked at once for more; whoever did not is left alone for a while.
    fn judge(&mut self, link: &DeviceId, thread: &ThreadKey, device: &DeviceId, grew: bool, now: Instant) {
        let Some(logs) = self.threads.get_mut(thread) else { return };
        if defective!(GiveUp) {
            for ends in logs.theirs.values_mut() {
                ends.remove(device);
            }
        }
        let Some(claim) = logs.theirs.get_mut(link).and_then(|ends| ends.get_mut(device)) else { return };
        if grew {
            *claim = Claim { number: claim.number, not_before: None, pause: PAUSE_FIRST };
        } else {
            claim.not_before = Some(now + claim.pause);
            claim.pause = (claim.pause * 2).min(PAUSE_LAST);
        }
    }

    /// What to ask now.
    pub fn poll(&mut self, now: Instant) -> Vec<Ask> {
        let late: Vec<DeviceId> =
            self.asked.iter().filter(|(_, asked)| now >= asked.until).map(|(link, _)| *link).collect();
        for link in late {
            let Some(Asked { thread, device, .. }) = self.asked.remove(&link) else { continue };
            self.judge(&link, &thread, &device, false, now);
        }
        let mut asks = Vec::new();
        for (thread, logs) in &self.threads {
            for (device, since) in &logs.behind {
                if logs.theirs.contains_key(device) && now < *since + GRACE {
                    continue;
                }
                let after = logs.mine.get(device).copied().unwrap_or(0);
                let under_way = |asked: &Asked| asked.thread == *thread && asked.device == *device;
                if self.asked.values().any(under_way) {
                    continue;
                }
                let ready = |claim: &&Claim| claim.number > after && claim.not_before.is_none_or(|at| now >= at);
                let sources = logs.theirs.iter().filter(|(link, _)| !self.asked.contains_key(*link));
                let claims = sources.filter_map(|(link, ends)| Some((ends.get(device).filter(ready)?.pause, *link)));
                // Those who have not disappointed come first.
                let from = claims.min().map(|(_, link)| link);
                let from = if defective!(OneSource) { from.filter(|link| link == device) } else { from };
                if let Some(from) = from {
                    let until = now + PATIENCE;
                    self.asked.insert(from, Asked { thread: thread.clone(), device: *device, after, until });
                    asks.push(Ask { from, thread: thread.clone(), device: *device, after });
                }
            }
        }
        if defective!(AskOnce) {
            for ask in &asks {
                if let Some(logs) = self.threads.get_mut(&ask.thread) {
                    logs.behind.remove(&ask.device);
                }
            }
        }
        asks
    }

    /// When time alone gives [`Self::poll`] something to do.
    pub fn next_due(&self) -> Option<Instant> {
        let asked = |thread: &ThreadKey, device: &DeviceId| {
            self.asked.values().any(|asked| asked.thread == *thread && asked.device == *device)
        };
        let waits = self.threads.iter().flat_map(|(thread, logs)| {
            let open = logs.behind.iter().filter(move |(device, _)| !asked(thread, device));
            open.filter_map(|(device, since)| {
                let after = logs.mine.get(device).copied().unwrap_or(0);
                let grace = logs.theirs.contains_key(device).then_some(*since + GRACE);
                // Links that are asked something else are free at the latest when that is over.
                let free = logs.theirs.iter().filter(|(link, _)| !self.asked.contains_key(*link));
                let claims = free.filter_map(|(_, ends)| ends.get(device)).filter(|claim| claim.number > after);
                claims.map(|claim| claim.not_before.max(grace).unwrap_or(*since)).min()
            })
        });
        waits.chain(self.asked.values().map(|asked| asked.until)).min()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn device(n: u8) -> DeviceId {
        DeviceId([n; 32])
    }

    fn room() -> ThreadKey {
        ThreadKey::Room(hobnob_shared::id::Incarnation([7; 16]))
    }

    #[test]
    fn what_an_absent_author_wrote_is_asked_of_one_who_has_it_and_of_the_next_if_that_one_goes() {
        let (now, author) = (Instant::now(), device(9));
        let mut pull = Pull::default();
        pull.theirs(device(1), &room(), author, 5, now);
        pull.theirs(device(2), &room(), author, 5, now);
        let ask = Ask { from: device(1), thread: room(), device: author, after: 0 };
        assert_eq!(pull.poll(now), std::slice::from_ref(&ask));
        assert_eq!(pull.poll(now), [], "one at a time");
        pull.lost(&device(1));
        assert_eq!(pull.poll(now), [Ask { from: device(2), ..ask.clone() }]);
        pull.mine(&room(), author, 3);
        pull.answered(&device(2), &room(), &author, Some(0), now);
        assert_eq!(pull.poll(now), [Ask { from: device(2), after: 3, ..ask }]);
        pull.mine(&room(), author, 5);
        pull.answered(&device(2), &room(), &author, Some(3), now);
        assert_eq!(pull.poll(now), []);
        assert_eq!(pull.next_due(), None);
    }

    #[test]
    fn an_author_who_is_linked_sends_by_itself_and_is_helped_only_after_a_while() {
        let now = Instant::now();
        let mut pull = Pull::default();
        pull.theirs(device(1), &room(), device(1), 5, now);
        pull.theirs(device(2), &room(), device(1), 5, now);
        assert_eq!(pull.poll(now), []);
        let due = pull.next_due().unwrap();
        assert_eq!(due, now + GRACE);
        assert_eq!(pull.poll(due).len(), 1);
    }

    #[test]
    fn what_an_author_sends_meanwhile_is_no_answer_and_does_not_make_its_word_worthless() {
        let (now, author) = (Instant::now(), device(1));
        let mut pull = Pull::default();
        pull.mine(&room(), author, 1);
        pull.theirs(author, &room(), author, 3, now);
        assert_eq!(pull.poll(now + GRACE).len(), 1);
        // The fourth comes by itself, before the second and the third, which were asked for; then the first once more.
        pull.theirs(author, &room(), author, 4, now);
        pull.answered(&author, &room(), &author, Some(3), now);
        pull.answered(&author, &room(), &author, Some(0), now);
        pull.mine(&room(), author, 3);
        pull.answered(&author, &room(), &author, Some(1), now);
        let ask = Ask { from: author, thread: room(), device: author, after: 3 };
        assert_eq!(pull.poll(now + GRACE), [ask]);
    }

    #[test]
    fn an_author_whose_answer_is_late_is_asked_again() {
        let (now, author) = (Instant::now(), device(1));
        let mut pull = Pull::default();
        pull.theirs(author, &room(), author, 3, now);
        let asks = pull.poll(now + GRACE);
        assert_eq!(asks.len(), 1);
        let late = now + GRACE + PATIENCE;
        assert_eq!(pull.poll(late), []);
        assert_eq!(pull.next_due(), Some(late + PAUSE_FIRST));
        assert_eq!(pull.poll(late + PAUSE_FIRST), asks);
    }

    #[test]
    fn claims_of_logs_that_do_not_exist_go_with_the_link_that_made_them() {
        let (now, author) = (Instant::now(), device(9));
        let mut pull = Pull::default();
        for round in 0..3 {
            for n in 0..50 {
                pull.theirs(device(1), &room(), device(100 + n), 5, now);
            }
            pull.theirs(device(1), &room(), author, 5, now);
            pull.theirs(device(2), &room(), author, 5, now);
            let behind = |pull: &Pull| pull.threads[&room()].behind.len();
            assert_eq!(behind(&pull), 51, "round {round}");
            if round == 1 {
                pull.forget(&room(), Some(&device(1)));
            } else {
                pull.lost(&device(1));
            }
            assert_eq!(behind(&pull), 1, "what somebody else has is still missing");
        }
    }

    #[test]
    fn whoever_promises_and_does_not_bring_is_not_asked_for_ever() {
        let (now, author) = (Instant::now(), device(9));
        let mut pull = Pull::default();
        pull.theirs(device(1), &room(), author, 5, now);
        assert_eq!(pull.poll(now).len(), 1);
        pull.answered(&device(1), &room(), &author, Some(0), now);
        assert_eq!(pull.poll(now), []);
        // One that does not answer at all is left for another.
        pull.theirs(device(2), &room(), author, 5, now);
        assert_eq!(pull.poll(now).len(), 1);
        pull.theirs(device(3), &room(), author, 5, now);
        let asks = pull.poll(now + PATIENCE);
        assert_eq!(asks.iter().map(|ask| ask.from).collect::<Vec<_>>(), [device(3)]);
    }
}
