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
/// A link that did not answer in time is asked the same again after this: its disk or its network may only be slow.
const AGAIN: Duration = Duration::from_secs(30);
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

#[derive(Debug, Default)]
struct Logs {
    /// Where the copies here end.
    mine: BTreeMap<DeviceId, u64>,
    /// Since when a log is known to be behind.
    behind: BTreeMap<DeviceId, Instant>,
    /// Where the copies of each linked device end.
    theirs: BTreeMap<DeviceId, BTreeMap<DeviceId, u64>>,
    /// Links that did not answer in time, with the log that they were asked for: until then others are asked.
    late: BTreeMap<(DeviceId, DeviceId), Instant>,
}

impl Logs {
    /// A link is gone, or does not share the thread any more.
    fn lost(&mut self, link: &DeviceId) {
        self.theirs.remove(link);
        self.late.retain(|(from, _), _| from != link);
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
        let end = *end;
        if !logs.theirs.values().any(|ends| ends.get(&device).is_some_and(|theirs| *theirs > end)) {
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
        ends.and_then(|ends| ends.get(device)).copied().unwrap_or(0)
    }

    /// The device behind `link` says that its copy of `device`'s log ends at `number`.
    pub fn theirs(&mut self, link: DeviceId, thread: &ThreadKey, device: DeviceId, number: u64, now: Instant) {
        let logs = self.threads.entry(thread.clone()).or_default();
        let ends = logs.theirs.entry(link).or_default();
        if ends.len() >= LOGS && !ends.contains_key(&device) {
            return;
        }
        let end = ends.entry(device).or_default();
        *end = (*end).max(number);
        if number > logs.mine.get(&device).copied().unwrap_or(0) {
            logs.behind.entry(device).or_insert(now);
        }
    }

    /// A link is gone: what it had can be had elsewhere, or not.
    pub fn lost(&mut self, link: &DeviceId) {
        self.asked.remove(link);
        self.threads.values_mut().for_each(|logs| logs.lost(link));
    }

    /// The thread is over on this link, or altogether with `None`.
    pub fn forget(&mut self, thread: &ThreadKey, link: Option<&DeviceId>) {
        match link {
            None => {
                self.threads.remove(thread);
            }
            Some(link) => {
                if let Some(logs) = self.threads.get_mut(thread) {
                    logs.lost(link);
                }
            }
        }
        self.asked.retain(|from, asked| asked.thread != *thread || link.is_some_and(|link| link != from));
    }

    /// A part that `link` sent was dealt with: an answer, if it begins where we asked; others it sends by itself. An answer that brought
    /// nothing shows that its word on this log is worth nothing.
    pub fn answered(&mut self, link: &DeviceId, thread: &ThreadKey, device: &DeviceId, part: Option<u64>) {
        let Some(asked) = self.asked.get(link) else { return };
        if asked.thread != *thread || asked.device != *device || part.is_some_and(|after| after != asked.after) {
            return;
        }
        let Some(Asked { after, .. }) = self.asked.remove(link) else { return };
        if self.end(thread, device) <= after && !defective!(GiveUp) {
            if let Some(ends) = self.threads.get_mut(thread).and_then(|logs| logs.theirs.get_mut(link)) {
                ends.remove(device);
            }
        } else if defective!(GiveUp) {
            self.threads.values_mut().for_each(|logs| {
                logs.theirs.values_mut().for_each(|ends| {
                    ends.remove(device);
                });
            });
        }
    }

    /// What to ask now.
    pub fn poll(&mut self, now: Instant) -> Vec<Ask> {
        let late: Vec<DeviceId> =
            self.asked.iter().filter(|(_, asked)| now >= asked.until).map(|(link, _)| *link).collect();
        for link in late {
            let Some(Asked { thread, device, .. }) = self.asked.remove(&link) else { continue };
            if let Some(logs) = self.threads.get_mut(&thread) {
                logs.late.insert((link, device), now + AGAIN);
            }
        }
        for logs in self.threads.values_mut() {
            logs.late.retain(|_, again| now < *again);
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
                let mut sources = logs
                    .theirs
                    .iter()
                    .filter(|(link, ends)| {
                        ends.get(device).is_some_and(|theirs| *theirs > after)
                            && !self.asked.contains_key(*link)
                            && !logs.late.contains_key(&(**link, *device))
                    })
                    .map(|(link, _)| *link);
                let from =
                    if defective!(OneSource) { sources.next().filter(|link| link == device) } else { sources.next() };
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
        let graces = self.threads.values().flat_map(|logs| {
            logs.behind.iter().filter(|(device, _)| logs.theirs.contains_key(*device)).map(|(_, since)| *since + GRACE)
        });
        let late = self.threads.values().flat_map(|logs| logs.late.values().copied());
        graces.chain(late).chain(self.asked.values().map(|asked| asked.until)).min()
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
        pull.answered(&device(2), &room(), &author, Some(1));
        assert_eq!(pull.poll(now), [], "sent by itself: the answer is still to come");
        pull.answered(&device(2), &room(), &author, Some(0));
        assert_eq!(pull.poll(now), [Ask { from: device(2), after: 3, ..ask }]);
        pull.mine(&room(), author, 5);
        pull.answered(&device(2), &room(), &author, Some(3));
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
    fn whoever_promises_and_does_not_bring_is_not_asked_for_ever() {
        let (now, author) = (Instant::now(), device(9));
        let mut pull = Pull::default();
        pull.theirs(device(1), &room(), author, 5, now);
        assert_eq!(pull.poll(now).len(), 1);
        pull.answered(&device(1), &room(), &author, None);
        assert_eq!(pull.poll(now), []);
        // One that does not answer at all is left for another.
        pull.theirs(device(2), &room(), author, 5, now);
        assert_eq!(pull.poll(now).len(), 1);
        pull.theirs(device(3), &room(), author, 5, now);
        let asks = pull.poll(now + PATIENCE);
        assert_eq!(asks.iter().map(|ask| ask.from).collect::<Vec<_>>(), [device(3)]);
        // But it may only have been slow, and be the only one left.
        pull.lost(&device(3));
        assert_eq!(pull.poll(now + PATIENCE), []);
        assert_eq!(pull.next_due(), Some(now + PATIENCE + AGAIN));
        let asks = pull.poll(now + PATIENCE + AGAIN);
        assert_eq!(asks.iter().map(|ask| ask.from).collect::<Vec<_>>(), [device(2)]);
    }
}
