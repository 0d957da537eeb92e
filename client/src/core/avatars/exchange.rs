//! What is said, asked and kept about pictures. Pure: input and `now` in, deeds out. A picture counts as known once its file is on the disk;
//! until then its person is shown as before. Own devices are treated as anybody's: of one account's choices the newest counts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Handle, Hash};
use hobnob_shared::limits::CLOCK;

/// People whose pictures are kept: more than a sociable person knows; at 60 KiB each they never fill a disk.
pub const KEPT: usize = 2_000;
/// Choices that one link may bring, or ask for, at once: somebody who cannot decide.
const AT_ONCE: u32 = 4;
/// Then one in so long: nobody changes more often, and a flood moves 2 KiB a second and writes next to nothing.
const ONE_IN: Duration = Duration::from_secs(30);

/// An answer that takes longer will not come: what is said later is asked for again.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// Which picture an account shows itself with, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Choice {
    /// Milliseconds since 1970; 0 for who never chose.
    pub at: u64,
    /// BLAKE3 of the picture; none shows the first letters.
    pub hash: Option<Hash>,
}

impl Choice {
    /// The picture that is not here where one has what `known` says.
    fn missing(self, known: Self) -> Option<Hash> {
        self.hash.filter(|hash| Some(*hash) != known.hash)
    }
}

/// What is kept of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose.
    pub user: Handle,
    /// Which; its file is there.
    pub choice: Choice,
    /// Grows with each sign of them: who gave none for longest goes first.
    pub used: u64,
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Say over this link which is mine.
    Say(DeviceId, Choice),
    /// Ask over this link for this one.
    Ask(DeviceId, Hash),
    /// Keep this on the disk.
    Keep(Kept),
    /// Keep nothing of this person any more.
    Forget(Handle),
    /// This file is needed no more.
    Remove(Hash),
    /// Tell whom this person is shown with from now on.
    Tell(Handle, Option<Hash>),
}

/// So many at once, then one in a while.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    /// When all that was taken is made up for.
    full: Instant,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Self { full: now }
    }

    /// From when on one more may be taken.
    fn next(&self) -> Instant {
        let ahead = ONE_IN * (AT_ONCE - 1);
        self.full.checked_sub(ahead).unwrap_or(self.full)
    }

    fn take(&mut self, now: Instant) -> bool {
        let may = self.full <= now + ONE_IN * (AT_ONCE - 1);
        if may {
            self.full = self.full.max(now) + ONE_IN;
        }
        may
    }
}

#[derive(Debug)]
struct Link {
    user: Handle,
    /// What they said and does not count yet.
    wanted: Option<Choice>,
    /// What they were asked for, and until when that may come.
    asked: Option<(Choice, Instant)>,
    asks: Allowance,
    answers: Allowance,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Avatars {
    known: BTreeMap<Handle, (Choice, u64)>,
    links: BTreeMap<DeviceId, Link>,
    /// What links took that are down by now: whoever comes back at once gets no more by that.
    spent: BTreeMap<DeviceId, (Allowance, Allowance)>,
    /// On their way to the disk.
    storing: Vec<Hash>,
    /// How often I began to choose: making a picture takes its time, and the last choice counts, not the slowest.
    begun: u64,
    uses: u64,
}

impl Avatars {
    /// As kept by an earlier start.
    pub fn load(kept: Vec<Kept>) -> Self {
        let uses = kept.iter().map(|kept| kept.used).max().unwrap_or_default();
        let known = kept.into_iter().map(|kept| (kept.user, (kept.choice, kept.used))).collect();
        Self { known, uses, ..Self::default() }
    }

    fn choice(&self, user: &Handle) -> Choice {
        self.known.get(user).map(|(choice, _)| *choice).unwrap_or_default()
    }

    /// The picture with which a person is shown.
    pub fn of(&self, user: &Handle) -> Option<Hash> {
        self.choice(user).hash
    }

    /// All that are known.
    pub fn all(&self) -> impl Iterator<Item = (&Handle, Hash)> {
        self.known.iter().filter_map(|(user, (choice, _))| Some((user, choice.hash?)))
    }

    /// A link to a device that knows of pictures stands: it hears of mine.
    pub fn linked(&mut self, own: &Handle, device: DeviceId, user: &Handle, now: Instant) -> Option<Deed> {
        self.unlinked(&device);
        self.spent.retain(|_, (asks, answers)| asks.full.max(answers.full) > now);
        let new = || (Allowance::new(now), Allowance::new(now));
        let (asks, answers) = self.spent.remove(&device).unwrap_or_else(new);
        self.links.insert(device, Link { user: user.clone(), wanted: None, asked: None, asks, answers });
        let mine = self.choice(own);
        (mine.at > 0).then_some(Deed::Say(device, mine))
    }

    /// It is down.
    pub fn unlinked(&mut self, device: &DeviceId) {
        if let Some(link) = self.links.remove(device) {
            self.spent.insert(*device, (link.asks, link.answers));
        }
    }

    /// I begin to choose. What was begun before counts no more.
    pub fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    /// Nothing was chosen since.
    pub fn is_last(&self, begun: u64) -> bool {
        self.begun == begun
    }

    /// A picture that I chose is on its way to the disk. It may be the one that another choice of mine is just taking the place of.
    pub fn keeping(&mut self, hash: Hash) {
        self.storing.push(hash);
    }

    /// It did not get there.
    pub fn not_kept(&mut self, hash: Hash) -> Option<Deed> {
        self.landed(Some(hash));
        self.unneeded(Some(hash))
    }

    fn landed(&mut self, hash: Option<Hash>) {
        if let Some(at) = self.storing.iter().position(|storing| Some(*storing) == hash) {
            self.storing.remove(at);
        }
    }

    /// I chose a picture, whose file is there, or none.
    pub fn choose(&mut self, own: &Handle, hash: Option<Hash>, now_ms: u64) -> Vec<Deed> {
        self.landed(hash);
        let at = now_ms.max(self.choice(own).at + 1).min(CLOCK);
        self.show(own, own, Choice { at, hash }, None)
    }

    /// A device says with which picture its account shows itself.
    pub fn said(&mut self, own: &Handle, device: DeviceId, choice: Choice, now: Instant) -> Vec<Deed> {
        let Some(link) = self.links.get_mut(&device) else { return Vec::new() };
        let user = link.user.clone();
        let known = self.known.get(&user).map(|(choice, _)| *choice).unwrap_or_default();
        if choice.at == 0 || choice.at > CLOCK || choice <= known {
            return Vec::new();
        }
        link.wanted = Some(choice);
        self.due(own, now)
    }

    /// Asks for what is wanted and may be asked for now. What needs no picture that is not here counts from now on: that is written to the disk,
    /// and so not as often as somebody says it either.
    pub fn due(&mut self, own: &Handle, now: Instant) -> Vec<Deed> {
        let (mut deeds, mut shown) = (Vec::new(), Vec::new());
        for (device, link) in &mut self.links {
            link.asked = link.asked.filter(|(_, until)| *until > now);
            let Some(choice) = link.wanted else { continue };
            let known = self.known.get(&link.user).map(|(choice, _)| *choice).unwrap_or_default();
            if choice <= known {
                link.wanted = None;
                continue;
            }
            match choice.missing(known) {
                None if link.asks.take(now) => {
                    link.wanted = None;
                    shown.push((*device, link.user.clone(), choice));
                }
                Some(hash) if link.asked.is_none() && link.asks.take(now) => {
                    (link.wanted, link.asked) = (None, Some((choice, now + ANSWER_WITHIN)));
                    deeds.push(Deed::Ask(*device, hash));
                }
                _ => {}
            }
        }
        for (device, user, choice) in shown {
            if choice > self.choice(&user) {
                deeds.extend(self.show(own, &user, choice, Some(device)));
            }
        }
        deeds
    }

    /// When time alone lets something be asked for, or count.
    pub fn next_due(&self) -> Option<Instant> {
        let waiting = self.links.values().filter_map(|link| Some((link, link.wanted?)));
        let due = waiting.map(|(link, choice)| match link.asked {
            Some((_, until)) if choice.missing(self.choice(&link.user)).is_some() => until,
            _ => link.asks.next(),
        });
        due.min()
    }

    /// A device sent a picture: whose choice it is, if it was asked for. It is to be checked, put on the disk, and [`Self::stored`].
    pub fn came(&mut self, device: &DeviceId, hash: Hash) -> Option<(Handle, Choice)> {
        let link = self.links.get_mut(device)?;
        let (choice, _) = link.asked.take_if(|(choice, _)| choice.hash == Some(hash))?;
        self.storing.push(hash);
        Some((link.user.clone(), choice))
    }

    /// It is on the disk, or is none: it was not what its name says, or the disk failed.
    pub fn stored(
        &mut self,
        own: &Handle,
        device: DeviceId,
        (user, choice): (&Handle, Choice),
        is_there: bool,
        now: Instant,
    ) -> Vec<Deed> {
        self.landed(choice.hash);
        let mut deeds = if is_there && choice > self.choice(user) && self.may_keep(&device, user) {
            self.show(own, user, choice, Some(device))
        } else {
            self.unneeded(choice.hash).into_iter().collect()
        };
        deeds.extend(self.due(own, now));
        deeds
    }

    /// Who was removed while their picture was on its way is not kept with it.
    fn may_keep(&self, device: &DeviceId, user: &Handle) -> bool {
        self.links.get(device).is_some_and(|link| link.user == *user)
    }

    /// A device asks for a picture: mine, as it is now, is given to it, and nothing else. None if it asks too often: then it gets no answer.
    pub fn gives(&mut self, own: &Handle, device: &DeviceId, hash: Hash, now: Instant) -> Option<bool> {
        let is_mine = self.of(own) == Some(hash);
        self.links.get_mut(device)?.answers.take(now).then_some(is_mine)
    }

    /// A friendship ended, or somebody is blocked.
    pub fn forget(&mut self, user: &Handle) -> Vec<Deed> {
        self.links.retain(|_, link| link.user != *user);
        self.drop_known(user)
    }

    /// Somebody is shown with another picture from now on. My own choice is said to everybody but to whom it came from.
    fn show(&mut self, own: &Handle, user: &Handle, choice: Choice, from: Option<DeviceId>) -> Vec<Deed> {
        self.uses += 1;
        let turn = self.uses;
        let before = self.known.insert(user.clone(), (choice, turn)).map(|(choice, _)| choice).unwrap_or_default();
        let mut deeds = vec![Deed::Keep(Kept { user: user.clone(), choice, used: turn })];
        if before.hash != choice.hash {
            deeds.push(Deed::Tell(user.clone(), choice.hash));
            deeds.extend(self.unneeded(before.hash));
        }
        if user == own {
            let others = self.links.keys().filter(|device| Some(**device) != from);
            deeds.extend(others.map(|device| Deed::Say(*device, choice)));
        }
        if self.known.len() > KEPT
            && let Some(oldest) = self.oldest(own)
        {
            deeds.extend(self.drop_known(&oldest));
        }
        deeds
    }

    fn oldest(&self, own: &Handle) -> Option<Handle> {
        let others = self.known.iter().filter(|(user, _)| *user != own);
        others.min_by_key(|(_, (_, used))| *used).map(|(user, _)| user.clone())
    }

    fn drop_known(&mut self, user: &Handle) -> Vec<Deed> {
        let Some((choice, _)) = self.known.remove(user) else { return Vec::new() };
        let mut deeds = vec![Deed::Forget(user.clone())];
        if choice.hash.is_some() {
            deeds.push(Deed::Tell(user.clone(), None));
            deeds.extend(self.unneeded(choice.hash));
        }
        deeds
    }

    /// Its file goes, unless somebody else is shown with the same picture.
    fn unneeded(&self, hash: Option<Hash>) -> Option<Deed> {
        let hash = hash?;
        let needed = self.storing.contains(&hash) || self.known.values().any(|(choice, _)| choice.hash == Some(hash));
        (!needed).then_some(Deed::Remove(hash))
    }
}

/// The pictures of those who are known.
pub fn hashes(kept: &[Kept]) -> BTreeSet<Hash> {
    kept.iter().filter_map(|kept| kept.choice.hash).collect()
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
