//! Copies of logs, over all links together: who shares which thread with whom, what is said, asked and acknowledged. The decisions are
//! [`crate::core::replica::exchange`]'s; here is what it takes to carry them out, and who may share what.

use std::time::Instant;

use actix::Context;
use hobnob_shared::id::{ConversationId, DeviceId, Handle};
use hobnob_shared::message::{Have, Head, Mark, Peer, RoomRecords, Want};

use crate::core::error::Problem;
use crate::core::history::logs;
use crate::core::history::marks::{self, Reached};
use crate::core::peer_link::{Follow, Grew, Refused, SendFrame, Unfollow};
use crate::core::registry::{Guard, LogArrived, Registry};
use crate::core::replica::ThreadKey;
use crate::core::replica::exchange::{Arrived, Deed};
use crate::core::routes::rooms::LEAVES;

impl Registry {
    /// Where messages of this conversation go now.
    pub(in crate::core) fn thread_of(&self, conversation: &ConversationId) -> Result<ThreadKey, Problem> {
        match conversation {
            ConversationId::Direct(user) => Ok(ThreadKey::Direct(user.clone())),
            ConversationId::Room(name) => {
                let room = self.state.rooms.named(name).ok_or_else(|| Problem::not_in_room(name))?;
                Ok(ThreadKey::Room(room.incarnation))
            }
        }
    }

    /// Whether a device of `user` may share a thread with this one.
    pub(in crate::core) fn may_share(&self, user: &Handle, thread: &ThreadKey) -> bool {
        let own = self.identity.as_ref().is_some_and(|own| own.user == *user);
        match thread {
            ThreadKey::Direct(with) if own => with != user,
            ThreadKey::Direct(with) => {
                with == user && self.state.roster.get(user).is_some_and(|person| !person.is_stopped())
            }
            ThreadKey::Room(room) if own => self.state.rooms.get(room).is_some(),
            ThreadKey::Room(room) => self.state.rooms.is_member(room, user),
        }
    }

    /// A link came up: it hears what we have of everything that is shared.
    pub(in crate::core) fn share_with(&mut self, user: &Handle, device: DeviceId, ctx: &mut Context<Self>) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        self.state.exchange.linked(device, *user == own);
        let threads = if *user == own { self.own_threads() } else { self.threads_with(user) };
        for thread in &threads {
            self.share_thread(user, device, thread, ctx);
        }
        if *user != own {
            self.say_seen(user, device, &threads, ctx);
        }
    }

    /// All that one's own devices share.
    fn own_threads(&self) -> Vec<ThreadKey> {
        let direct = self.state.exchange.threads().filter(|key| matches!(key, ThreadKey::Direct(_))).cloned();
        direct.chain(self.state.rooms.all().map(|room| ThreadKey::Room(room.incarnation))).collect()
    }

    /// All that is shared with somebody else.
    pub(super) fn threads_with(&self, user: &Handle) -> Vec<ThreadKey> {
        let direct = Some(ThreadKey::Direct(user.clone())).filter(|direct| self.may_share(user, direct));
        direct.into_iter().chain(self.state.rooms.common_with(user).into_iter().map(ThreadKey::Room)).collect()
    }

    /// The device hears of a thread: first who is in it, then what we have. What it said of it before counts from now on.
    pub(in crate::core) fn share_thread(
        &mut self,
        user: &Handle,
        device: DeviceId,
        thread: &ThreadKey,
        ctx: &mut Context<Self>,
    ) {
        let anew = !self.state.exchange.shares(&device, thread);
        if let ThreadKey::Room(room) = thread {
            self.send_records(device, *room);
        }
        if self.may_share(user, thread) {
            let deeds = self.state.exchange.share(device, thread);
            self.carry_out(deeds);
            if anew && let Some(heads) = self.state.exchange.remembered(&device, thread) {
                self.copies_heard(user, device, thread, &heads, None, ctx);
            }
        }
    }

    /// Somebody with whom rooms are shared became a friend: the links that stand serve the two as well.
    pub(in crate::core) fn share_direct(&self, user: &Handle) {
        let user = user.clone();
        let share = move |registry: &mut Self, ctx: &mut Context<Self>| {
            for (device, ..) in registry.state.links.devices_up(&user) {
                registry.share_thread(&user, device, &ThreadKey::Direct(user.clone()), ctx);
            }
        };
        self.addr.do_send(crate::core::registry::Continue(Box::new(share)));
    }

    /// A room is shared with every member that is linked and does not share it yet.
    pub(in crate::core) fn share_room(&mut self, room: hobnob_shared::id::Incarnation, ctx: &mut Context<Self>) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let thread = ThreadKey::Room(room);
        for user in self.state.rooms.mates(&own).into_iter().chain([own]) {
            for (device, ..) in self.state.links.devices_up(&user) {
                if self.may_share(&user, &thread) && !self.state.exchange.shares(&device, &thread) {
                    self.share_thread(&user, device, &thread, ctx);
                }
            }
            // The room may have ended and begun again between two pages of it: whoever was on the first is no news on the last.
            self.reconsider(&user);
        }
    }

    fn send_records(&self, device: DeviceId, room: hobnob_shared::id::Incarnation) {
        let (Some((link, _)), Some(known)) = (self.state.links.standing(&device), self.state.rooms.get(&room)) else {
            return;
        };
        for page in known.memberships.chunks(hobnob_shared::limits::RECORDS_PER_PAGE) {
            let records = page.iter().map(|kept| kept.record.clone()).collect();
            link.do_send(SendFrame(Peer::RoomRecords(RoomRecords { room, records, leaves: Vec::new() })));
        }
        let leaves: Vec<_> = known.memberships.iter().filter_map(|kept| kept.leave.clone()).collect();
        for page in leaves.chunks(LEAVES) {
            let frame = RoomRecords { room, records: Vec::new(), leaves: page.to_vec() };
            link.do_send(SendFrame(Peer::RoomRecords(frame)));
        }
    }

    /// A thread is not shared with `user` any more.
    pub(in crate::core) fn unshare(&mut self, user: &Handle, thread: &ThreadKey) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        for (device, link, _) in self.state.links.devices_up(user) {
            self.state.exchange.unshare(&device, thread);
            if let Some(thread) = thread.on_link(&own, user) {
                link.do_send(Unfollow { thread });
            }
        }
    }

    fn carry_out(&mut self, deeds: Vec<Deed>) {
        let Some(own) = self.identity.clone() else { return };
        for deed in deeds {
            let (link, key) = match &deed {
                Deed::Have { link, thread, .. }
                | Deed::Follow { link, thread, .. }
                | Deed::Overtaken { link, thread, .. } => (*link, thread.clone()),
                Deed::Want(ask) => (ask.from, ask.thread.clone()),
            };
            let Some(user) = self.state.links.user(&link).cloned() else { continue };
            let (Some((addr, _)), Some(thread)) = (self.state.links.standing(&link), key.on_link(&own.user, &user))
            else {
                continue;
            };
            match deed {
                Deed::Have { heads, .. } => {
                    if heads.is_empty() {
                        addr.do_send(SendFrame(Peer::Have(Have { thread, heads })));
                        continue;
                    }
                    for heads in heads.chunks(hobnob_shared::limits::HEADS) {
                        let have = Have { thread: thread.clone(), heads: heads.to_vec() };
                        addr.do_send(SendFrame(Peer::Have(have)));
                    }
                }
                Deed::Follow { acknowledged, .. } => addr.do_send(Follow { thread, acknowledged }),
                Deed::Want(ask) => {
                    addr.do_send(SendFrame(Peer::Want(Want { thread, device: ask.device, after: ask.after })));
                }
                Deed::Overtaken { head, .. } => self.overtaken(link, &user, key, head),
            }
        }
    }

    /// Somebody has entries of our log that are not here: the profile was put back to an older state. What waits gets numbers behind theirs.
    fn overtaken(&self, link: DeviceId, user: &Handle, thread: ThreadKey, head: Head) {
        let (Some(own), Some(conversation)) = (self.identity.clone(), thread.direct()) else { return };
        tracing::warn!(%user, "a copy of this device's log goes further than the log: the profile is an older one");
        let (history, registry) = (self.history.clone(), self.addr.clone());
        actix_rt::spawn(async move {
            let key = thread.clone();
            let (device, name) = (own.device, own.user.clone());
            let moved = history
                .write(move |c| {
                    logs::continue_behind(c, &key, &conversation, (device, &name), head.number, head.last)?;
                    logs::head(c, &key, &device)
                })
                .await;
            let next = move |registry: &mut Self, _: &mut Context<Self>| match moved {
                Ok(Some(mine)) => {
                    registry.state.exchange.copy(&thread, mine);
                    let acknowledged = head.number;
                    registry.carry_out(vec![Deed::Follow { link, thread, acknowledged }]);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the log was not renumbered"),
            };
            registry.do_send(crate::core::registry::Continue(Box::new(next)));
        });
    }

    /// The own log of a thread grew: it goes out on every link that follows it.
    pub(in crate::core) fn own_log_grew(&mut self, thread: &ThreadKey, head: Head) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let deeds = self.state.exchange.wrote(thread, head);
        self.carry_out(deeds);
        for device in self.state.exchange.sharing(thread) {
            let Some(user) = self.state.links.user(&device) else { continue };
            if let (Some((link, _)), Some(thread)) = (self.state.links.standing(&device), thread.on_link(&own, user)) {
                link.do_send(Grew { thread });
            }
        }
    }

    /// A device says how far its copies go: what it lacks is sent, what is missing here is asked for, and what it has of ours is delivered.
    pub(in crate::core) fn have_heard(
        &mut self,
        user: &Handle,
        device: DeviceId,
        have: &Have,
        guard: Guard,
        ctx: &mut Context<Self>,
    ) {
        let Some(own) = self.identity.clone() else { return };
        let Some(thread) = ThreadKey::from_link(&have.thread, &own.user, user) else { return };
        // A member may know sooner than we that both are in a room, and says this once.
        let heads = self.state.exchange.said(device, &thread, &have.heads);
        if self.may_share(user, &thread) {
            self.copies_heard(user, device, &thread, &heads, Some(guard), ctx);
        }
    }

    fn copies_heard(
        &mut self,
        user: &Handle,
        device: DeviceId,
        thread: &ThreadKey,
        said: &[Head],
        guard: Option<Guard>,
        ctx: &mut Context<Self>,
    ) {
        let Some(own) = self.identity.clone() else { return };
        let ours = self.own_device_ids();
        // A friend's copy of another device's log of ours is no source: only our own devices bring that.
        let of_use = |head: &&Head| {
            *user == own.user
                || matches!(thread, ThreadKey::Room(_))
                || head.device == own.device
                || !ours.contains(&head.device)
        };
        let heads: Vec<Head> = said.iter().filter(of_use).copied().collect();
        let doubtful = self.state.exchange.doubtful(&device, thread, &heads);
        let key = thread.clone();
        let delivered = said.iter().filter(|head| ours.contains(&head.device));
        let delivered: Vec<_> =
            delivered.map(|head| (Mark { device: head.device, number: head.number }, Some(head.last))).collect();
        let (user, thread) = (user.clone(), thread.clone());
        let heard = move |registry: &mut Self, alien: Option<Head>, ctx: &mut Context<Self>| {
            let deeds = registry.state.exchange.heard(device, &thread, &heads, alien, Instant::now());
            registry.carry_out(deeds);
            if user == own.user {
                return registry.say_marks_soon(device, thread, ctx);
            }
            registry.reached(user, thread, delivered, Reached::Delivered, guard, ctx);
        };
        let Some(alien) = doubtful else { return heard(self, None, ctx) };
        let (history, mark) = (self.history.clone(), Mark { device: alien.device, number: alien.number });
        let look = async move { history.read_all(move |c| marks::is_entry(c, &key, mark, alien.last)).await };
        Self::then(ctx, look, move |registry, ours, ctx| match ours {
            Ok(ours) => heard(registry, (!ours).then_some(alien), ctx),
            Err(error) => tracing::error!(%error, "a copy was not compared"),
        });
    }

    /// This account's devices, present and past.
    pub(in crate::core) fn own_device_ids(&self) -> Vec<DeviceId> {
        let Some(own) = &self.identity else { return Vec::new() };
        let list = crate::core::friendship::verify_devices(&own.device_list, &own.chain.account);
        let mut ids = list.map_or_else(
            |_| Vec::new(),
            |list| list.devices.into_iter().chain(list.removed.into_iter().map(|removed| removed.device)).collect(),
        );
        ids.push(own.device);
        ids
    }

    /// A link stored a part of a log, or refused it.
    pub(in crate::core) fn log_arrived(&mut self, news: LogArrived, _: &mut Context<Self>) {
        let LogArrived { link, user, thread, device, after, new, head, mut behind, refused } = news;
        if let Some(why) = refused {
            // Not asked for again until the room is shared anew.
            if let (Refused::NotMember, Some(number)) = (why, behind.take()) {
                self.state.exchange.refused(link, &thread, device, number);
            }
            *self.refused.entry(why.code()).or_default() += 1;
            tracing::warn!(%user, why = why.code(), count = self.refused.get(why.code()), "refused");
        }
        for event in new {
            self.outlet.tell(event);
        }
        let arrived = Arrived { link, thread, device, after, head, behind };
        let deeds = self.state.exchange.arrived(&arrived, Instant::now());
        self.carry_out(deeds);
    }

    /// Adverts and wishes that are due.
    pub(in crate::core) fn exchange_due(&mut self, now: Instant) {
        let deeds = self.state.exchange.poll(now);
        self.carry_out(deeds);
    }

    pub(in crate::core) fn to_device(&self, device: &DeviceId, frame: Peer) {
        if let Some((link, _)) = self.state.links.standing(device) {
            link.do_send(SendFrame(frame));
        }
    }
}
