//! The shell of a transfer, continued: what it does at the disk, off the core's thread. The actor waits meanwhile, and nothing else touches its
//! files.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Instant;

use actix::{ActorFutureExt, AsyncContext, WrapFuture};

use super::actor::{Ctx, FileTransfer};
use super::folder::Place;
use super::partial::{self, Partial};
use super::source;
use super::state::Effect;
use super::why::Why;
use crate::core::history::transfers;
use crate::core::outlet::Ticket;

impl FileTransfer {
    pub(super) fn save(&mut self, rest: VecDeque<Effect>, ticket: Option<Ticket>, ctx: &mut Ctx) {
        let (history, transfer) = (self.context.history.clone(), self.state.transfer().clone());
        let saving = async move { history.write(move |c| transfers::update(c, &transfer)).await };
        self.waiting = true;
        ctx.wait(saving.into_actor(self).map(move |saved, actor, ctx| {
            actor.waiting = false;
            let mut ticket = ticket;
            if let Err(error) = saved {
                // It goes on all the same; a restart will find the older state and go on from there. A command is not called done.
                tracing::error!(%error, "a transfer's state was not kept");
                if let Some(ticket) = ticket.take() {
                    ticket.failed(error);
                }
            }
            actor.go_through(rest, ticket, ctx);
        }));
    }

    /// Opens folder and partial off the core's thread.
    pub(super) fn prepare(
        &mut self,
        save_as: Option<PathBuf>,
        asked: bool,
        rest: VecDeque<Effect>,
        ticket: Option<Ticket>,
        ctx: &mut Ctx,
    ) {
        if !asked && let Some((partial, _)) = &self.prepared {
            // Looked at a moment ago for the person, with nothing in between.
            let effects = self.state.prepared(Ok(partial.have()), None, false, Instant::now());
            return self.go_through(effects.into_iter().chain(rest).collect(), ticket, ctx);
        }
        let transfer = self.state.transfer();
        let (id, name, size, folder) = (transfer.id, transfer.name.clone(), transfer.size, transfer.folder);
        let (downloads, partials, wanted) =
            (self.context.downloads.clone(), self.context.partials.clone(), save_as.clone());
        self.prepared = None;
        let opening = tokio::task::spawn_blocking(move || {
            if let Some(finished) = partial::finished_before(&partials, id) {
                return Ok(Opened::Finished(finished));
            }
            let place = match wanted {
                Some(path) => Place::exactly(&path, folder.is_some())?,
                None => Place::in_downloads(&downloads, &name)?,
            };
            place.folder().check_writable()?;
            let partial = Partial::open(&partials, id, size, folder.as_ref())?;
            partial.check_room(&place)?;
            place.tidy(id);
            Ok(Opened::Ready(partial, place))
        });
        self.waiting = true;
        ctx.wait(opening.into_actor(self).map(move |opened, actor, ctx| {
            actor.waiting = false;
            let now = Instant::now();
            let effects = match opened.unwrap_or(Err(Why::Internal("opening stopped"))) {
                Ok(Opened::Finished(before)) => actor.state.was_finished(before, asked),
                Ok(Opened::Ready(partial, place)) => {
                    let have = partial.have();
                    actor.state.found(partial.done());
                    actor.prepared = Some((partial, place));
                    actor.state.prepared(Ok(have), save_as, asked, now)
                }
                Err(why) => actor.state.prepared(Err(why), save_as, asked, now),
            };
            actor.go_through(effects.into_iter().chain(rest).collect(), ticket, ctx);
        }));
    }

    /// Off the core's thread; nothing else touches the files meanwhile.
    pub(super) fn erase(&mut self, rest: VecDeque<Effect>, ticket: Option<Ticket>, ctx: &mut Ctx) {
        self.prepared = None;
        let (partials, id) = (self.context.partials.clone(), self.id());
        // What may be resumed is still to be sent as it was offered.
        let over = self.state.transfer().stage.is_over();
        let erasing = tokio::task::spawn_blocking(move || {
            if over { source::forget_all(&partials, id) } else { source::begin_anew(&partials, id) }
        });
        self.waiting = true;
        ctx.wait(erasing.into_actor(self).map(move |_, actor, ctx| {
            actor.waiting = false;
            actor.go_through(rest, ticket, ctx);
        }));
    }
}

enum Opened {
    Finished(partial::Before),
    Ready(Partial, Place),
}
