//! What this device and those that it is linked to tell each other of their copies: who follows which thread, what is said when a link
//! comes up, and when others hear of what arrived. Pure; the registry owns one, and carries its deeds out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, MessageId};
use hobnob_shared::limits;
use hobnob_shared::message::Head;

use super::ThreadKey;
use super::pull::{Ask, Pull};

/// What arrived over one link is told on the others so much later: together with whatever else arrives until then.
pub(super) const ADVERT: Duration = Duration::from_millis(300);

/// Rooms, and logs in them all together, of which it is remembered what one link said.
const SAID_ROOMS: usize = limits::ROOMS;
/// See [`SAID_ROOMS`]: a full room with several devices each.
const SAID: usize = 4_096;

/// Something to be done on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Say how far our copies go.
    Have {
        /// To whom.
        link: DeviceId,
        /// Where.
        thread: ThreadKey,
        /// Of which logs.
        heads: Vec<Head>,
    },
    /// Send our log from behind here, and whatever it grows by.
    Follow {
        /// To whom.
        link: DeviceId,
        /// Where.
        thread: ThreadKey,
        /// Where their copy of it ends.
        acknowledged: u64,
    },
    /// Ask for a log.
    Want(Ask),
    /// They have entries of our log that are not here: it must go on behind them, and then be sent from behind them.
    Overtaken {
        /// By whom.
        link: DeviceId,
        /// Where.
        thread: ThreadKey,
        /// Where their copy ends.
        head: Head,
    },
}

/// A part of a log that was dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Over which link.
    pub link: DeviceId,
    /// Where.
    pub thread: ThreadKey,
    /// Whose log.
    pub device: DeviceId,
    /// What the part followed; `None` if it was refused, wherever it belongs.
    pub after: Option<u64>,
    /// Where the copy ends now.
    pub head: Option<Head>,
    /// It goes on at least to there, but what comes next is missing.
    pub behind: Option<u64>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The other end is a device of the same account: it gets every direct thread.
    own: bool,
    /// Threads of both, and whether our log is being sent there.
    threads: BTreeMap<ThreadKey, bool>,
}

/// See the module.
#[derive(Debug)]
pub struct Exchange {
    own: DeviceId,
    copies: BTreeMap<ThreadKey, BTreeMap<DeviceId, Head>>,
    pull: Pull,
    links: BTreeMap<DeviceId, Shared>,
    /// What each link said of rooms, shared here or not: one end knows of a membership before the other does, and says it once.
    said: BTreeMap<DeviceId, BTreeMap<ThreadKey, BTreeMap<DeviceId, Head>>>,
    /// Logs of which others are to hear, and over which link the news came last.
    fresh: BTreeMap<ThreadKey, BTreeMap<DeviceId, DeviceId>>,
    advert: Option<Instant>,
}

impl Exchange {
    /// Of this device; nothing is known yet.
    pub fn new(own: DeviceId) -> Self {
        Self {
            own,
            copies: BTreeMap::new(),
            pull: Pull::default(),
            links: BTreeMap::new(),
            said: BTreeMap::new(),
            fresh: BTreeMap::new(),
            advert: None,
        }
    }

    /// A copy's end, loaded or written here.
    pub fn copy(&mut self, thread: &ThreadKey, head: Head) {
        self.copies.entry(thread.clone()).or_default().insert(head.device, head);
        self.pull.mine(thread, head.device, head.number);
    }

    /// Threads of which something is here.
    pub fn threads(&self) -> impl Iterator<Item = &ThreadKey> {
        self.copies.keys()
    }

    /// Links on which a thread is shared.
    pub fn sharing(&self, thread: &ThreadKey) -> Vec<DeviceId> {
        let shares = |(link, shared): (&DeviceId, &Shared)| shared.threads.contains_key(thread).then_some(*link);
        self.links.iter().filter_map(shares).collect()
    }

    fn heads(&self, thread: &ThreadKey) -> Vec<Head> {
        self.copies.get(thread).map(|copies| copies.values().copied().collect()).unwrap_or_default()
    }

    /// A link stands, or is another connection now: nothing that was said before counts. `own`: to a device of the same account.
    pub fn linked(&mut self, link: DeviceId, own: bool) {
        self.pull.lost(&link);
        self.said.remove(&link);
        self.links.insert(link, Shared { own, threads: BTreeMap::new() });
    }

    /// Something was written here.
    pub fn wrote(&mut self, thread: &ThreadKey, head: Head) -> Vec<Deed> {
        self.copy(thread, head);
        self.spread(thread)
    }

    /// One's own devices hear of a conversation that is new here.
    fn spread(&mut self, thread: &ThreadKey) -> Vec<Deed> {
        if !matches!(thread, ThreadKey::Direct(_)) {
            return Vec::new();
        }
        let lacks = |(link, shared): (&DeviceId, &Shared)| {
            (shared.own && !shared.threads.contains_key(thread)).then_some(*link)
        };
        let links: Vec<DeviceId> = self.links.iter().filter_map(lacks).collect();
        links.into_iter().flat_map(|link| self.share(link, thread)).collect()
    }

    /// A thread is shared with the device behind a link from now on: it hears what we have.
    pub fn share(&mut self, link: DeviceId, thread: &ThreadKey) -> Vec<Deed> {
        let heads = self.heads(thread);
        let Some(shared) = self.links.get_mut(&link) else { return Vec::new() };
        if shared.threads.contains_key(thread) {
            return Vec::new();
        }
        shared.threads.insert(thread.clone(), false);
        vec![Deed::Have { link, thread: thread.clone(), heads }]
    }

    /// A thread is not shared with a link any more.
    pub fn unshare(&mut self, link: &DeviceId, thread: &ThreadKey) {
        if let Some(shared) = self.links.get_mut(link) {
            shared.threads.remove(thread);
        }
        self.pull.forget(thread, Some(link));
    }

    /// A link is gone.
    pub fn unlinked(&mut self, link: &DeviceId) {
        self.links.remove(link);
        self.said.remove(link);
        self.pull.lost(link);
    }

    /// A device that does not get our log of a direct thread yet names an entry inside it: whether that is ours, the disk must say first.
    pub fn doubtful(&self, link: &DeviceId, thread: &ThreadKey, heads: &[Head]) -> Option<Head> {
        let followed = self.links.get(link)?.threads.get(thread).copied().unwrap_or(false);
        let mine = self.copies.get(thread)?.get(&self.own)?;
        if followed || !matches!(thread, ThreadKey::Direct(_)) {
            return None;
        }
        heads.iter().find(|head| head.device == self.own && (1..mine.number).contains(&head.number)).copied()
    }

    /// Whether a thread is shared with a link.
    pub fn shares(&self, link: &DeviceId, thread: &ThreadKey) -> bool {
        self.links.get(link).is_some_and(|shared| shared.threads.contains_key(thread))
    }

    /// A link says how far its copies go. Returns what counts of it, and of what it said before the thread was shared there.
    pub fn said(&mut self, link: DeviceId, thread: &ThreadKey, heads: &[Head]) -> Vec<Head> {
        let earlier = if self.shares(&link, thread) { None } else { self.remembered(&link, thread) };
        self.remember(link, thread, heads);
        let mut all = earlier.unwrap_or_default();
        all.extend(heads);
        all
    }

    /// Remembers how far the copies of a room go behind a link, whether or not it is shared there already.
    fn remember(&mut self, link: DeviceId, thread: &ThreadKey, heads: &[Head]) {
        if !matches!(thread, ThreadKey::Room(_)) {
            return;
        }
        let rooms = self.said.entry(link).or_default();
        let logs: usize = rooms.values().map(BTreeMap::len).sum();
        if logs + heads.len() > SAID || (rooms.len() >= SAID_ROOMS && !rooms.contains_key(thread)) {
            return;
        }
        let known = rooms.entry(thread.clone()).or_default();
        for head in heads {
            if known.get(&head.device).is_none_or(|before| before.number < head.number) {
                known.insert(head.device, *head);
            }
        }
    }

    /// What came of a log was refused, because we do not know of a membership yet, or again. They have it up to there, and bring it once.
    pub fn refused(&mut self, link: DeviceId, thread: &ThreadKey, device: DeviceId, number: u64) {
        // Of our own log the entry's id would be needed too: they say it with their copies.
        if device == self.own {
            return;
        }
        self.remember(link, thread, &[Head { device, number, last: MessageId(uuid::Uuid::nil()) }]);
    }

    /// What was said of a room before it was shared, or was shared again.
    pub fn remembered(&self, link: &DeviceId, thread: &ThreadKey) -> Option<Vec<Head>> {
        let known = self.said.get(link)?.get(thread)?;
        Some(known.values().copied().collect())
    }

    /// The device behind a link says how far its copies go. The registry has checked that the two share the thread.
    /// `alien`: the one that names another entry than ours; see [`Self::doubtful`].
    pub fn heard(
        &mut self,
        link: DeviceId,
        thread: &ThreadKey,
        heads: &[Head],
        alien: Option<Head>,
        now: Instant,
    ) -> Vec<Deed> {
        let mut deeds = self.share(link, thread);
        if self.links.get(&link).is_none_or(|shared| !shared.threads.contains_key(thread)) {
            return deeds;
        }
        let mut acknowledged = Some(0);
        for head in heads {
            if head.device == self.own {
                let mine = self.copies.get(thread).and_then(|copies| copies.get(&head.device));
                let agree = match mine {
                    Some(_) if alien == Some(*head) => false,
                    Some(mine) => head.number < mine.number || (head.number == mine.number && head.last == mine.last),
                    None => head.number == 0,
                };
                acknowledged = agree.then_some(head.number);
                if !agree {
                    deeds.push(Deed::Overtaken { link, thread: thread.clone(), head: *head });
                }
            }
            self.pull.theirs(link, thread, head.device, head.number, now);
        }
        let followed = self.links.get_mut(&link).and_then(|shared| shared.threads.get_mut(thread));
        if let (Some(followed @ false), Some(acknowledged)) = (followed, acknowledged) {
            // Not before both agree on what our log is.
            *followed = true;
            if deeds.is_empty() {
                // What we said first may have come before they knew that we share this, and then was not heard.
                deeds.push(Deed::Have { link, thread: thread.clone(), heads: self.heads(thread) });
            }
            deeds.push(Deed::Follow { link, thread: thread.clone(), acknowledged });
        }
        deeds.extend(self.asks(now));
        deeds
    }

    /// A part of a log was stored, or was not.
    pub fn arrived(&mut self, arrived: &Arrived, now: Instant) -> Vec<Deed> {
        let Arrived { link, thread, device, after, head, behind } = arrived;
        if let Some(head) = head {
            let grew = self.pull.end(thread, device) < head.number;
            self.copy(thread, *head);
            self.pull.theirs(*link, thread, *device, head.number, now);
            if grew {
                self.fresh.entry(thread.clone()).or_default().insert(*device, *link);
                self.advert.get_or_insert(now + ADVERT);
            }
        }
        if let Some(behind) = behind {
            self.pull.theirs(*link, thread, *device, *behind, now);
        }
        self.pull.answered(link, thread, device, *after, now);
        let mut deeds = if head.is_some() { self.spread(thread) } else { Vec::new() };
        if *device == self.own {
            deeds.extend(self.caught_up(thread));
        }
        deeds.extend(self.asks(now));
        deeds
    }

    /// Our own log was had back from others, after this device was put to an older state: it can be sent again to whoever had more of it.
    fn caught_up(&mut self, thread: &ThreadKey) -> Vec<Deed> {
        let mine = self.pull.end(thread, &self.own);
        let mut deeds = Vec::new();
        for (link, shared) in &mut self.links {
            let theirs = self.pull.known(link, thread, &self.own);
            if let Some(followed @ false) = shared.threads.get_mut(thread)
                && theirs > 0
                && theirs <= mine
            {
                *followed = true;
                deeds.push(Deed::Follow { link: *link, thread: thread.clone(), acknowledged: theirs });
            }
        }
        deeds
    }

    fn asks(&mut self, now: Instant) -> Vec<Deed> {
        self.pull.poll(now).into_iter().map(Deed::Want).collect()
    }

    /// What is due.
    pub fn poll(&mut self, now: Instant) -> Vec<Deed> {
        let mut deeds = self.asks(now);
        if self.advert.is_none_or(|at| now < at) {
            return deeds;
        }
        self.advert = None;
        for (thread, devices) in std::mem::take(&mut self.fresh) {
            let Some(copies) = self.copies.get(&thread) else { continue };
            for (link, shared) in &self.links {
                if !shared.threads.contains_key(&thread) {
                    continue;
                }
                let news = |(device, from): (&DeviceId, &DeviceId)| {
                    let head = copies.get(device)?;
                    // Whoever has it need not hear of it. Whoever wrote it must, unless it was acknowledged where it came from.
                    let known = self.pull.known(link, &thread, device) >= head.number;
                    let tell = if device == link { from != link } else { !known };
                    tell.then_some(*head)
                };
                let heads: Vec<Head> = devices.iter().filter_map(news).collect();
                if !heads.is_empty() {
                    deeds.push(Deed::Have { link: *link, thread: thread.clone(), heads });
                }
            }
        }
        deeds
    }

    /// When time alone gives [`Self::poll`] something to do.
    pub fn next_due(&self) -> Option<Instant> {
        [self.advert, self.pull.next_due()].into_iter().flatten().min()
    }
}
