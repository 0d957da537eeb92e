//! How far messages got: what others have and have seen of ours, what this account has seen, on all of its devices. Positions in logs that
//! only grow; [`crate::core::history::marks`] keeps them.

use std::time::Duration;

use actix::{AsyncContext, Context};
use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId};
use hobnob_shared::limits::HEADS;
use hobnob_shared::message::{Mark, OthersMarks, Peer, Read};

use crate::core::error::Problem;
use crate::core::event::{Event, MessageState};
use crate::core::history::logs::{self, Log};
use crate::core::history::marks::{self, Further, Reached};
use crate::core::outlet::Ticket;
use crate::core::peer_link::SendFrame;
use crate::core::registry::{Guard, Registry, StatesChanged};
use crate::core::replica::ThreadKey;

/// Marks follow copies after this time.
const MARKS_AFTER: Duration = Duration::from_millis(300);

impl Registry {
    /// Somebody is so far with our logs: kept, and told.
    pub(in crate::core) fn reached(
        &mut self,
        user: Handle,
        thread: ThreadKey,
        reached_to: Vec<(Mark, Option<MessageId>)>,
        reached: Reached,
        guard: Option<Guard>,
        ctx: &Context<Self>,
    ) {
        if reached_to.is_empty() {
            return;
        }
        let history = self.history.clone();
        let key = self.state.roster.get(&user).map(|person| person.pin.account);
        let by = matches!(thread, ThreadKey::Room(_)).then(|| user.clone());
        let (place, who) = (thread.clone(), user.clone());
        let mark = async move {
            let news = history.write(move |c| {
                // Whoever names another entry than ours under a number has something else, and ours is not delivered.
                let mut marks = Vec::with_capacity(reached_to.len());
                for (mark, last) in reached_to {
                    if last.is_none_or(|last| marks::is_entry(c, &thread, mark, last).unwrap_or(false)) {
                        marks.push(mark);
                    }
                }
                let news = match (&thread, key) {
                    (ThreadKey::Room(_), _) => marks::by_member(c, &thread, &user, &marks, reached)?,
                    (ThreadKey::Direct(_), Some(key)) => marks::by_friend(c, &user, key, &marks, reached)?,
                    (ThreadKey::Direct(_), None) => Further::default(),
                };
                Ok((news, marks))
            });
            news.await
        };
        Self::then(ctx, mark, move |registry, news, ctx| {
            drop(guard);
            match news {
                Ok((news, told)) => {
                    if news.any {
                        registry.tell_own_devices(&place, &who, told, reached);
                    }
                    let states = news.messages.into_iter().map(|id| (id, reached.told())).collect();
                    registry.states_changed(StatesChanged { states, by }, ctx);
                }
                Err(error) => tracing::error!(%error, "a mark was not kept"),
            }
        });
    }

    /// One's own devices hear at once how far somebody else is.
    fn tell_own_devices(&self, thread: &ThreadKey, by: &Handle, marks: Vec<Mark>, reached: Reached) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let Some(thread) = thread.on_link(&own, &own) else { return };
        let (delivered, read) = match reached {
            Reached::Delivered => (marks, Vec::new()),
            Reached::Read => (Vec::new(), marks),
        };
        let frame = Peer::OthersMarks(OthersMarks { thread, by: by.clone(), delivered, read });
        for link in self.state.links.up_to(&own) {
            link.do_send(SendFrame(frame.clone()));
        }
    }

    /// Others are told what was read here, and this account what they have read.
    pub(in crate::core) fn receipts(&self) -> bool {
        !self.profile.settings().no_receipts
    }

    /// Changes that. `done` when it is kept. Once others may know it, every link that stands hears what was seen meanwhile.
    pub(in crate::core) fn set_receipts(&self, on: bool, ticket: Ticket, ctx: &Context<Self>) {
        let before = self.receipts();
        self.profile.change(|settings| settings.no_receipts = !on);
        if on && !before {
            for (device, user) in self.state.links.all_up() {
                if self.identity.as_ref().is_some_and(|own| own.user != user) {
                    self.say_seen(&user, device, &self.threads_with(&user), ctx);
                }
            }
        }
        let profile = self.profile.clone();
        tokio::task::spawn_blocking(move || match profile.save() {
            Ok(()) => ticket.ok(),
            Err(error) => {
                tracing::error!(%error, "settings not saved");
                ticket.failed(Problem::internal());
            }
        });
    }

    /// Says on a new link what was seen meanwhile: to one's own devices always, to others where they may know it.
    pub(in crate::core) fn say_seen(
        &self,
        user: &Handle,
        device: DeviceId,
        threads: &[ThreadKey],
        ctx: &Context<Self>,
    ) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        if *user != own && !self.receipts() {
            return;
        }
        for key in threads {
            let Some(thread) = key.on_link(&own, user) else { continue };
            let (history, key, own) = (self.history.clone(), key.clone(), own.clone());
            Self::then(
                ctx,
                async move { history.read_all(move |c| logs::load(c, &key)).await },
                move |registry, found, _| {
                    let seen = positions(&found.unwrap_or_default(), |log| log.author != own, |log| log.read);
                    if !seen.is_empty() {
                        registry.to_device(&device, Peer::Read(Read { thread, marks: seen }));
                    }
                },
            );
        }
    }

    /// As [`Self::say_marks`], a moment later and once for all that was copied until then.
    pub(in crate::core) fn say_marks_soon(&mut self, device: DeviceId, thread: ThreadKey, ctx: &mut Context<Self>) {
        let first = self.marks_due.is_empty();
        self.marks_due.insert((device, thread));
        if first {
            ctx.run_later(MARKS_AFTER, |registry, ctx| {
                for (device, thread) in std::mem::take(&mut registry.marks_due) {
                    registry.say_marks(device, &thread, ctx);
                }
            });
        }
    }

    /// Another device of this account has these copies now: how far others are with what is in them, and what this account has seen.
    fn say_marks(&self, device: DeviceId, key: &ThreadKey, ctx: &Context<Self>) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let Some(thread) = key.on_link(&own, &own) else { return };
        self.say_seen(&own, device, std::slice::from_ref(key), ctx);
        let (history, key, place) = (self.history.clone(), key.clone(), key.clone());
        let load = async move {
            history
                .read_all(move |c| match &place {
                    ThreadKey::Room(room) => marks::of_members(c, *room),
                    ThreadKey::Direct(with) => {
                        let list = logs::load(c, &place)?;
                        let ours = |log: &Log| log.author != *with;
                        Ok(vec![(
                            with.clone(),
                            positions(&list, ours, |log| log.delivered),
                            positions(&list, ours, |log| log.read),
                        )])
                    }
                })
                .await
        };
        Self::then(ctx, load, move |registry, found, _| {
            for (by, delivered, read) in found.unwrap_or_default() {
                if registry.may_share(&own, &key) && !delivered.is_empty() {
                    let said = OthersMarks { thread: thread.clone(), by, delivered, read };
                    registry.to_device(&device, Peer::OthersMarks(said));
                }
            }
        });
    }

    /// The other side has seen our logs so far; on a link between own devices, this account has seen others'.
    pub(in crate::core) fn read_heard(&mut self, user: Handle, read: Read, guard: Guard, ctx: &Context<Self>) {
        let Some(own) = self.identity.clone() else { return };
        let Some(thread) = ThreadKey::from_link(&read.thread, &own.user, &user) else { return };
        if !self.may_share(&user, &thread) || read.marks.len() > HEADS {
            return;
        }
        if user != own.user {
            if !self.receipts() {
                return;
            }
            let ours = self.own_device_ids();
            let marks: Vec<Mark> = read.marks.into_iter().filter(|mark| ours.contains(&mark.device)).collect();
            let marks = marks.into_iter().map(|mark| (mark, None)).collect();
            return self.reached(user, thread, marks, Reached::Read, Some(guard), ctx);
        }
        let conversation = match &thread {
            ThreadKey::Direct(with) => Some(ConversationId::Direct(with.clone())),
            ThreadKey::Room(room) => self.state.rooms.get(room).map(|room| ConversationId::Room(room.room.clone())),
        };
        let Some(conversation) = conversation else { return };
        let history = self.history.clone();
        let mark = async move { history.write(move |c| marks::by_my_other_device(c, &thread, &read.marks)).await };
        Self::then(ctx, mark, move |registry, newest: Result<Option<MessageId>, _>, _| {
            drop(guard);
            if let Ok(Some(message)) = newest {
                registry.outlet.tell(Event::ReadElsewhere { conversation, message });
            }
        });
    }

    /// Another device of this account says how far somebody else is with our logs.
    pub(in crate::core) fn others_marks_heard(
        &mut self,
        user: &Handle,
        said: OthersMarks,
        guard: Guard,
        ctx: &Context<Self>,
    ) {
        let Some(own) = self.identity.clone().filter(|own| own.user == *user) else { return };
        let Some(thread) = ThreadKey::from_link(&said.thread, &own.user, user) else { return };
        let OthersMarks { by, delivered, read, .. } = said;
        if delivered.len().max(read.len()) > HEADS || by == own.user {
            return;
        }
        let unchecked = |marks: Vec<Mark>| marks.into_iter().map(|mark| (mark, None)).collect();
        self.reached(by.clone(), thread.clone(), unchecked(delivered), Reached::Delivered, None, ctx);
        if self.receipts() {
            self.reached(by, thread, unchecked(read), Reached::Read, Some(guard), ctx);
        }
    }

    /// Own messages got further. What is still being answered to the command is held back until then.
    pub(in crate::core) fn states_changed(
        &mut self,
        StatesChanged { states, by }: StatesChanged,
        _: &mut Context<Self>,
    ) {
        for (message, state) in states {
            match state {
                // Written again on another link: nothing new.
                MessageState::Sent if !self.sent.insert(message) => continue,
                MessageState::Sent => {}
                MessageState::Queued | MessageState::Delivered | MessageState::Read => {
                    self.sent.remove(&message);
                }
            }
            match self.storing.get_mut(&message) {
                Some(early) => early.push((state, by.clone())),
                None => self.outlet.tell(Event::MessageState { message, state, by: by.clone() }),
            }
        }
    }
}

/// As many positions as fit a frame.
fn positions(list: &[Log], of: impl Fn(&Log) -> bool, pick: fn(&Log) -> u64) -> Vec<Mark> {
    let some = list.iter().filter(|log| of(log) && pick(log) > 0).take(HEADS);
    some.map(|log| Mark { device: log.device, number: pick(log) }).collect()
}
