//! Changing messages, taking them back, reacting: entries of the own log, as messages are, and sent, kept and caught up like them. What they
//! do to a message is [`crate::core::history::acts`]'s; here is who may.

use actix::Context;
use hobnob_shared::id::{ConversationId, MessageId};
use hobnob_shared::limits;
use hobnob_shared::message::{Act, What, is_emoji};

use crate::core::clock::now_ms;
use crate::core::error::Problem;
use crate::core::history::acts::{self, Performed, Target};
use crate::core::history::messages::{NewMessage, Sign};
use crate::core::message_key::MessageRef;
use crate::core::outlet::Ticket;
use crate::core::registry::Registry;
use crate::core::replica::ThreadKey;

impl Registry {
    /// Does something to a message; done once it is on the disk.
    pub(in crate::core) fn act(
        &mut self,
        message: MessageRef,
        what: What,
        text: String,
        ticket: Ticket,
        ctx: &Context<Self>,
    ) {
        if let Err(problem) = fits(&what, &text) {
            return ticket.failed(problem);
        }
        let history = self.history.clone();
        let act = Act { of: message.id, what };
        let look = async move { history.read_all(move |c| acts::targets(c, &message)).await };
        Self::then(ctx, look, move |registry, found, ctx| {
            let drafted = found.map_err(Problem::from).and_then(|found| registry.draft(&found, &act, text));
            match drafted {
                Ok(draft) => registry.perform(draft, act, ticket, ctx),
                Err(problem) => ticket.failed(problem),
            }
        });
    }

    /// The entry, where this account may.
    fn draft(&self, found: &[Target], act: &Act, text: String) -> Result<NewMessage, Problem> {
        let own = self.identity.clone().filter(|_| self.is_signed_in()).ok_or_else(Problem::not_signed_in)?;
        let first = found.first().ok_or_else(Problem::unknown_message)?;
        let target = match act.what {
            What::Edit | What::Delete => {
                found.iter().find(|target| target.author == own.user).ok_or_else(Problem::not_yours)?
            }
            _ => first,
        };
        let Target { thread, conversation, author, meant_for } = target.clone();
        let (meant_for, sign): (_, Option<Sign>) = match &thread {
            ThreadKey::Direct(_) => {
                let user = self.addressee(&conversation)?;
                let pinned = self.state.roster.get(&user).map(|person| person.pin.account);
                // Whoever the message was written to may know what became of it, and nobody else.
                (meant_for.filter(|_| author == own.user).or(pinned), None)
            }
            ThreadKey::Room(room) => {
                if self.state.rooms.get(room).is_none() {
                    return Err(match &conversation {
                        ConversationId::Room(name) => Problem::not_in_room(name),
                        ConversationId::Direct(_) => Problem::unknown_message(),
                    });
                }
                let own = own.clone();
                (None, Some(Box::new(move |entry| own.sign_entry(entry))))
            }
        };
        Ok(NewMessage {
            thread,
            conversation,
            from: own.user.clone(),
            account: own.account,
            device: own.device,
            id: MessageId::new(),
            text,
            sent_at: now_ms(),
            reply_to: None,
            act: Some(act.clone()),
            meant_for,
            sign,
        })
    }

    fn perform(&mut self, draft: NewMessage, act: Act, ticket: Ticket, ctx: &Context<Self>) {
        let (history, thread) = (self.history.clone(), draft.thread.clone());
        let clears = act.what == What::Unreact && draft.text.is_empty();
        let deed = move |c: &rusqlite::Connection| {
            if clears { acts::clear(c, draft, &act) } else { acts::perform(c, &draft, &act) }
        };
        let store = async move { history.write(deed).await };
        Self::then(ctx, store, move |registry, performed, _| match performed {
            Err(error) => ticket.failed(error),
            Ok(Performed::AlreadySo) => ticket.ok(),
            Ok(Performed::Deleted) => ticket.failed(Problem::deleted()),
            Ok(Performed::Full) => ticket.failed(Problem::reactions_full()),
            Ok(Performed::Done(head, events)) => {
                ticket.ok();
                for event in events {
                    registry.outlet.tell(event);
                }
                registry.own_log_grew(&thread, head);
                if let ThreadKey::Direct(user) = &thread {
                    registry.look_for(user);
                }
            }
        });
    }
}

/// Whether the text is one for that.
fn fits(what: &What, text: &str) -> Result<(), Problem> {
    match what {
        What::Edit if text.is_empty() => Err(Problem::empty_edit()),
        What::Edit if text.len() > limits::TEXT => Err(Problem::too_long()),
        What::Unreact if text.is_empty() => Ok(()),
        What::React | What::Unreact if !is_emoji(text) => Err(Problem::bad_emoji()),
        _ => Ok(()),
    }
}
