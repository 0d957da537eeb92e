//! Messages: sending, showing, history, typing, read marks. Bytes go by the peer links; this is what happens around them.

use std::collections::HashSet;

use actix::Context;
use hobnob_shared::id::{ConversationId, Handle, MessageId};
use hobnob_shared::limits;
use hobnob_shared::message::{Peer, Read, Typing};

use crate::core::clock::now_ms;
use crate::core::command::HISTORY_MAX;
use crate::core::error::Problem;
use crate::core::event::{Answer, Event, MessageInfo, MessageState};
use crate::core::history::messages::{self, NewMessage};
use crate::core::history::pages;
use crate::core::outlet::Ticket;
use crate::core::peer_link::{Drain, SendFrame};
use crate::core::registry::{Guard, MessageArrived, Registry, StatesChanged};

/// Longest search text, in bytes: more is no search.
const SEARCH_MAX: usize = 1024;
/// Most messages that a search answers.
const FOUND_MAX: usize = 200;

impl Registry {
    /// A friend to whom something may be sent.
    pub(in crate::core) fn addressee(&self, to: &ConversationId) -> Result<Handle, Problem> {
        let user = to.friend().ok_or_else(|| Problem::unsupported("talk in rooms"))?;
        let person = self.state.roster.get(user).ok_or_else(|| Problem::not_friends(user))?;
        if person.is_stopped() { Err(Problem::key_changed(user)) } else { Ok(user.clone()) }
    }

    /// Puts a message into the outbox; done once it is on the disk.
    pub(in crate::core) fn send_message(
        &mut self,
        to: ConversationId,
        text: String,
        reply_to: Option<MessageId>,
        ticket: Ticket,
        ctx: &mut Context<Self>,
    ) {
        let checked = self.identity.clone().ok_or_else(Problem::not_signed_in).and_then(|own| {
            if text.is_empty() {
                return Err(Problem::empty());
            }
            if text.len() > limits::TEXT {
                return Err(Problem::too_long());
            }
            let user = self.addressee(&to)?;
            let meant_for = self.state.roster.get(&user).map(|person| person.pin.account);
            Ok((own.user.clone(), own.device, user, meant_for))
        });
        let (from, device, user, meant_for) = match checked {
            Ok(checked) => checked,
            Err(problem) => return ticket.failed(problem),
        };
        let (id, sent_at) = (MessageId::new(), now_ms());
        let message = NewMessage { conversation: to, from, id, text, sent_at, reply_to, meant_for };
        let history = self.history.clone();
        self.storing.insert(id, Vec::new());
        let store = async move { history.write(move |c| messages::insert_own(c, &message)).await };
        Self::then(ctx, store, move |registry, stored, _| {
            let early = registry.storing.remove(&id).unwrap_or_default();
            let number = match stored {
                Ok(number) => number,
                Err(error) => return ticket.failed(error),
            };
            ticket.done(Answer::Sent { message: id, sent_at, clock: sent_at, device, number });
            for state in std::iter::once(MessageState::Queued).chain(early) {
                registry.outlet.tell(Event::MessageState { message: id, state, by: None });
            }
            registry.drain(&user);
        });
    }

    /// Something waits for `user`: their links send it, or a link is looked for.
    fn drain(&mut self, user: &Handle) {
        let links = self.state.links.up_to(user);
        if links.is_empty() && self.state.roster.get(user).is_some_and(crate::core::roster::Person::server_says_online)
        {
            self.state.policy.hurry(user, std::time::Instant::now());
            self.reconsider(user);
        }
        for link in links {
            link.do_send(Drain);
        }
    }

    /// A link stored somebody's message.
    pub(in crate::core) fn message_arrived(&mut self, MessageArrived { info }: MessageArrived, _: &mut Context<Self>) {
        self.outlet.tell(Event::Message(info));
    }

    /// Own messages got further. What is still being answered to the command is held back until then.
    pub(in crate::core) fn states_changed(&mut self, StatesChanged { states }: StatesChanged, _: &mut Context<Self>) {
        for (message, state) in states {
            match state {
                MessageState::Sent => self.sent.insert(message),
                MessageState::Queued | MessageState::Delivered | MessageState::Read => self.sent.remove(&message),
            };
            match self.storing.get_mut(&message) {
                Some(early) => early.push(state),
                None => self.outlet.tell(Event::MessageState { message, state, by: None }),
            }
        }
    }

    pub(in crate::core) fn page(
        &self,
        conversation: ConversationId,
        limit: u32,
        before: Option<MessageId>,
        ticket: Ticket,
    ) {
        if self.identity.is_none() {
            return ticket.failed(Problem::not_signed_in());
        }
        let limit = limit.min(HISTORY_MAX) as usize;
        let (history, sent) = (self.history.clone(), self.sent.clone());
        actix_rt::spawn(async move {
            let page = history.read_all(move |c| pages::page(c, &conversation, limit, before)).await;
            ticket.answer(page.map(|page| Answer::Messages { messages: as_told(page, &sent) }).map_err(Problem::from));
        });
    }

    pub(in crate::core) fn search(
        &self,
        text: String,
        conversation: Option<ConversationId>,
        from: Option<Handle>,
        ticket: Ticket,
    ) {
        if self.identity.is_none() {
            return ticket.failed(Problem::not_signed_in());
        }
        if text.len() > SEARCH_MAX {
            return ticket.failed(Problem::too_long());
        }
        let (history, sent) = (self.history.clone(), self.sent.clone());
        actix_rt::spawn(async move {
            let found = history
                .read_all(move |c| pages::search(c, &text, conversation.as_ref(), from.as_ref(), FOUND_MAX))
                .await;
            ticket
                .answer(found.map(|found| Answer::Messages { messages: as_told(found, &sent) }).map_err(Problem::from));
        });
    }

    pub(in crate::core) fn conversations(&self, ticket: Ticket) {
        if self.identity.is_none() {
            return ticket.failed(Problem::not_signed_in());
        }
        let history = self.history.clone();
        actix_rt::spawn(async move {
            let found = history.read_all(pages::conversations).await;
            ticket.answer(found.map(|conversations| Answer::Conversations { conversations }).map_err(Problem::from));
        });
    }

    /// Everything up to a message was seen: kept, and said to its author.
    pub(in crate::core) fn mark_read(&mut self, message: MessageId, ticket: Ticket, ctx: &mut Context<Self>) {
        let history = self.history.clone();
        let mark = async move { history.write(move |c| messages::mark_read_by_me(c, message)).await };
        Self::then(ctx, mark, move |registry, marked, _| match marked {
            Err(error) => ticket.failed(error),
            Ok(None) => ticket.failed(Problem::unknown_message()),
            Ok(Some((conversation, newest))) => {
                ticket.ok();
                if let (Some(user), Some(up_to)) = (conversation.friend(), newest) {
                    registry.to_links(user, &Peer::Read(Read { up_to }));
                }
            }
        });
    }

    /// Says on a new link what was seen meanwhile.
    pub(in crate::core) fn say_read(&self, user: &Handle, ctx: &mut Context<Self>) {
        let (history, name) = (self.history.clone(), user.clone());
        let conversation = ConversationId::Direct(user.clone());
        let read = async move { history.read(move |c| messages::last_read_by_me(c, &conversation)).await };
        Self::then(ctx, read, move |registry, read, _| {
            if let Ok(Some(up_to)) = read {
                registry.to_links(&name, &Peer::Read(Read { up_to }));
            }
        });
    }

    /// `guard` keeps the link from reading on until the disk has it.
    pub(in crate::core) fn read_by_peer(
        &self,
        user: Handle,
        Read { up_to }: Read,
        guard: Guard,
        ctx: &mut Context<Self>,
    ) {
        let history = self.history.clone();
        let conversation = ConversationId::Direct(user);
        let mark = async move { history.write(move |c| messages::mark_read_by_peer(c, &conversation, up_to)).await };
        Self::then(ctx, mark, move |registry, read, ctx| {
            drop(guard);
            if let Ok(read) = read {
                let states = read.into_iter().map(|message| (message, MessageState::Read)).collect();
                registry.states_changed(StatesChanged { states }, ctx);
            }
        });
    }

    pub(in crate::core) fn typing(&self, to: &ConversationId, active: bool) -> Result<Answer, Problem> {
        let user = self.addressee(to)?;
        self.to_links(&user, &Peer::Typing(Typing { active }));
        Ok(Answer::Nothing {})
    }

    pub(in crate::core) fn typing_by_peer(&self, user: Handle, Typing { active }: Typing) {
        self.outlet.tell(Event::Typing { conversation: ConversationId::Direct(user.clone()), from: user, active });
    }

    /// Writes a frame to every standing link to `user`.
    pub(in crate::core) fn to_links(&self, user: &Handle, frame: &Peer) {
        for link in self.state.links.up_to(user) {
            link.do_send(SendFrame(frame.clone()));
        }
    }
}

/// The disk does not say which queued messages are written to a link right now: that is known here, and was told.
fn as_told(mut messages: Vec<MessageInfo>, sent: &HashSet<MessageId>) -> Vec<MessageInfo> {
    for message in &mut messages {
        if message.state == MessageState::Queued && sent.contains(&message.message) {
            message.state = MessageState::Sent;
        }
    }
    messages
}
