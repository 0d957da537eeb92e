//! Messages: sending, listing, typing, read marks. Bytes go by the peer links; this is what happens around them.

use actix::{AsyncContext, Context};
use hobnob_shared::id::{ConversationId, Handle, MessageId};
use hobnob_shared::limits;
use hobnob_shared::message::{Head, Mark, Peer, Read, Typing};

use crate::core::clock::now_ms;
use crate::core::error::Problem;
use crate::core::event::{Answer, Event, MessageInfo, MessageState};
use crate::core::history::messages::{self, NewMessage, Sign};
use crate::core::history::{marks, pages};
use crate::core::message_key::MessageRef;
use crate::core::outlet::Ticket;
use crate::core::peer_link::SendFrame;
use crate::core::registry::Registry;
use crate::core::replica::ThreadKey;

impl Registry {
    /// A friend to whom something may be sent.
    pub(in crate::core) fn addressee(&self, to: &ConversationId) -> Result<Handle, Problem> {
        let user = to.friend().ok_or_else(|| Problem::unsupported("offer files to rooms"))?;
        let person = self.state.roster.get(user).ok_or_else(|| Problem::not_friends(user))?;
        if person.is_stopped() { Err(Problem::key_changed(user)) } else { Ok(user.clone()) }
    }

    /// Puts a message into the own log; done once it is on the disk.
    pub(in crate::core) fn send_message(
        &mut self,
        to: ConversationId,
        text: String,
        reply_to: Option<MessageId>,
        ticket: Ticket,
        ctx: &mut Context<Self>,
    ) {
        let (id, sent_at) = (MessageId::new(), now_ms());
        let here = self.identity.clone().filter(|_| self.is_signed_in());
        let checked = here.ok_or_else(Problem::not_signed_in).and_then(|own| {
            if text.is_empty() {
                return Err(Problem::empty());
            }
            if text.len() > limits::TEXT {
                return Err(Problem::too_long());
            }
            let thread = self.thread_of(&to)?;
            let (meant_for, sign): (_, Option<Sign>) = match &thread {
                ThreadKey::Direct(_) => {
                    let user = self.addressee(&to)?;
                    (self.state.roster.get(&user).map(|person| person.pin.account), None)
                }
                ThreadKey::Room(_) => {
                    let own = own.clone();
                    (None, Some(Box::new(move |entry| own.sign_entry(entry))))
                }
            };
            let (from, account, device) = (own.user.clone(), own.account, own.device);
            Ok(NewMessage {
                thread,
                conversation: to,
                from,
                account,
                device,
                id,
                text,
                sent_at,
                reply_to,
                act: None,
                meant_for,
                sign,
            })
        });
        let message = match checked {
            Ok(message) => message,
            Err(problem) => return ticket.failed(problem),
        };
        let (history, thread, device) = (self.history.clone(), message.thread.clone(), message.device);
        self.storing.insert(id, Vec::new());
        let store = async move { history.write(move |c| messages::insert_own(c, &message)).await };
        Self::then(ctx, store, move |registry, stored, _| {
            let early = registry.storing.remove(&id).unwrap_or_default();
            let placed = match stored {
                Ok(placed) => placed,
                Err(error) => return ticket.failed(error),
            };
            ticket.done(Answer::Sent { message: id, sent_at, clock: placed.clock, device, number: placed.number });
            for (state, by) in std::iter::once((MessageState::Queued, None)).chain(early) {
                registry.outlet.tell(Event::MessageState { message: id, state, by });
            }
            registry.own_log_grew(&thread, Head { device, number: placed.number, last: id });
            if let ThreadKey::Direct(user) = &thread {
                registry.look_for(user);
            }
        });
    }

    /// Something waits for `user`: a link is looked for where there is none.
    pub(in crate::core) fn look_for(&mut self, user: &Handle) {
        let there = self.state.roster.get(user).is_some_and(crate::core::roster::Person::server_says_online);
        if self.state.links.up_to(user).is_empty() && there {
            self.state.policy.hurry(user, std::time::Instant::now());
            self.reconsider(user);
        }
    }

    pub(in crate::core) fn conversations(&self, ticket: Ticket) {
        let Some(me) = self.identity.as_ref().map(|own| own.user.clone()) else {
            return ticket.failed(Problem::not_signed_in());
        };
        let (history, told, levels) = (self.history.clone(), self.as_told(), self.state.notify.clone());
        actix_rt::spawn(async move {
            let found = history.read_all(move |c| pages::conversations(c, &me)).await.map(|mut conversations| {
                for conversation in &mut conversations {
                    conversation.notify = levels.get(&conversation.conversation).copied().unwrap_or_default();
                    conversation.newest = told(conversation.newest.take().into_iter().collect()).pop();
                }
                conversations
            });
            ticket.answer(found.map(|conversations| Answer::Conversations { conversations }).map_err(Problem::from));
        });
    }

    /// How messages from the disk are told: it does not say which queued ones are written to a link right now, and says of own ones that they
    /// were read although this account may not want to see that.
    pub(super) fn as_told(&self) -> impl Fn(Vec<MessageInfo>) -> Vec<MessageInfo> + use<> {
        let (sent, receipts) = (self.sent.clone(), self.receipts());
        let own = self.identity.as_ref().map(|own| own.user.clone());
        move |mut messages| {
            for message in &mut messages {
                match message.state {
                    MessageState::Queued if sent.contains(&message.message) => message.state = MessageState::Sent,
                    MessageState::Read if !receipts && own.as_ref() == Some(&message.from) => {
                        message.state = MessageState::Delivered;
                    }
                    _ => {}
                }
            }
            messages
        }
    }

    /// Everything up to a message was seen: kept, and said to its authors and to one's own devices.
    pub(in crate::core) fn mark_read(&mut self, message: MessageRef, ticket: Ticket, ctx: &mut Context<Self>) {
        let history = self.history.clone();
        let mark = async move { history.write(move |c| marks::by_me(c, &message)).await };
        Self::then(ctx, mark, move |registry, marked, _| match marked {
            Err(error) => ticket.failed(error),
            Ok(None) => ticket.failed(Problem::unknown_message()),
            Ok(Some(seen)) => {
                ticket.ok();
                for (thread, marks) in seen.marks {
                    registry.say_read(&thread, &marks);
                }
            }
        });
    }

    fn say_read(&self, thread: &ThreadKey, marks: &[Mark]) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let frame = |thread| Peer::Read(Read { thread, marks: marks.to_vec() });
        self.to_all_sharing(thread, |user| self.receipts() || *user == own, frame);
    }

    /// A frame about a thread, to every link on which it is shared.
    fn to_all_sharing(
        &self,
        thread: &ThreadKey,
        with: impl Fn(&Handle) -> bool,
        frame: impl Fn(hobnob_shared::message::Thread) -> Peer,
    ) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        for device in self.state.exchange.sharing(thread) {
            let Some(user) = self.state.links.user(&device).filter(|user| with(user)) else { continue };
            if let (Some((link, _)), Some(thread)) = (self.state.links.standing(&device), thread.on_link(&own, user)) {
                link.do_send(SendFrame(frame(thread)));
            }
        }
    }

    pub(in crate::core) fn typing(&self, to: &ConversationId, active: bool) -> Result<Answer, Problem> {
        let thread = self.thread_of(to)?;
        if let ThreadKey::Direct(_) = &thread {
            self.addressee(to)?;
        }
        self.to_all_sharing(&thread, |_| true, |thread| Peer::Typing(Typing { thread, active }));
        Ok(Answer::Nothing {})
    }

    /// Somebody writes, or stopped. Who does not say so again has stopped too.
    pub(in crate::core) fn typing_by_peer(
        &mut self,
        user: Handle,
        Typing { thread, active }: &Typing,
        ctx: &mut Context<Self>,
    ) {
        let Some(own) = self.identity.as_ref().filter(|own| own.user != user) else { return };
        let conversation = match ThreadKey::from_link(thread, &own.user, &user) {
            Some(ThreadKey::Direct(with)) if self.state.roster.get(&with).is_some() => ConversationId::Direct(with),
            Some(ThreadKey::Room(room)) if self.state.rooms.is_member(&room, &user) => {
                let Some(room) = self.state.rooms.get(&room) else { return };
                ConversationId::Room(room.room.clone())
            }
            _ => return,
        };
        let place = (conversation, user);
        if let Some(earlier) = self.writers.remove(&place) {
            ctx.cancel_future(earlier);
        }
        if *active {
            let gone = place.clone();
            let over = ctx.run_later(limits::TYPING_OVER, move |registry, _| {
                if let Some((place, _)) = registry.writers.remove_entry(&gone) {
                    registry.tell_typing(place, false);
                }
            });
            self.writers.insert(place.clone(), over);
        }
        self.tell_typing(place, *active);
    }

    fn tell_typing(&self, (conversation, from): (ConversationId, Handle), active: bool) {
        self.outlet.tell(Event::Typing { conversation, from, active });
    }
}
