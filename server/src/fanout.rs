//! Presence to many: one `Outlet` on each connection arbiter holds the queues of the sessions there. The registry sends it one message for
//! all changes of a gathering, each encoded once; the outlet hands the bytes on.
//!
//! A session whose queue is half full gets no presence for the moment; the newest of each friend is kept and handed on when there is room,
//! so that nobody is left with an old one.

use std::collections::HashMap;
use std::time::Duration;

use actix::{Actor, AsyncContext as _, Context, Handler, Message};
use bytes::Bytes;
use hobnob_shared::link::FrameWriter;

use crate::registry::SessionId;
use crate::store::AccountId;

/// How often a full queue is tried again.
const RETRY: Duration = Duration::from_millis(250);
/// Messages that wait for an outlet; the registry repeats what does not fit.
const MAILBOX: usize = 1_024;

/// A session of this arbiter is signed in. From the session.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Join {
    /// Which.
    pub session: SessionId,
    /// Its queue.
    pub writer: FrameWriter,
}

/// A session of this arbiter has ended. From the session.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Quit {
    /// Which.
    pub session: SessionId,
}

/// A frame about one account, and which sessions here get it.
pub struct Parcel {
    /// Whose presence it is.
    pub about: AccountId,
    /// Encoded.
    pub frame: Bytes,
    /// Sessions here.
    pub to: Vec<SessionId>,
}

/// All that one gathering brought for this arbiter.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Deliver(pub Vec<Parcel>);

/// Hands presence on to the sessions of one arbiter.
#[derive(Default)]
pub struct Outlet {
    writers: HashMap<SessionId, FrameWriter>,
    /// What did not fit: the newest frame about each friend.
    late: HashMap<SessionId, HashMap<AccountId, Bytes>>,
}

impl Outlet {
    fn hand(&mut self, session: SessionId, about: AccountId, frame: &Bytes) {
        let Some(writer) = self.writers.get(&session) else { return };
        // Behind something late, everything is late: otherwise the older would arrive last.
        if self.late.contains_key(&session) || !writer.offer_encoded(frame.clone()) {
            self.late.entry(session).or_default().insert(about, frame.clone());
        }
    }

    fn retry(&mut self, ctx: &mut Context<Self>) {
        for (session, frames) in std::mem::take(&mut self.late) {
            for (about, frame) in frames {
                self.hand(session, about, &frame);
            }
        }
        self.retry_later(ctx);
    }

    fn retry_later(&self, ctx: &mut Context<Self>) {
        if !self.late.is_empty() {
            ctx.run_later(RETRY, Self::retry);
        }
    }
}

impl Actor for Outlet {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<Join> for Outlet {
    type Result = ();

    fn handle(&mut self, join: Join, _: &mut Self::Context) {
        self.writers.insert(join.session, join.writer);
    }
}

impl Handler<Quit> for Outlet {
    type Result = ();

    fn handle(&mut self, quit: Quit, _: &mut Self::Context) {
        self.writers.remove(&quit.session);
        self.late.remove(&quit.session);
    }
}

impl Handler<Deliver> for Outlet {
    type Result = ();

    fn handle(&mut self, Deliver(parcels): Deliver, ctx: &mut Self::Context) {
        let idle = self.late.is_empty();
        for parcel in parcels {
            for session in parcel.to {
                self.hand(session, parcel.about, &parcel.frame);
            }
        }
        if idle {
            self.retry_later(ctx);
        }
    }
}
