//! What is kept of a conversation: read page by page, written into a file, erased.

use std::path::PathBuf;
use std::sync::Arc;

use actix::Context;
use hobnob_shared::id::{ConversationId, DeviceId};

use crate::core::command::{DAYS_MAX, Format, HISTORY_MAX, Part};
use crate::core::error::Problem;
use crate::core::event::Answer;
use crate::core::export;
use crate::core::history::{self, HISTORY, erase, pages};

use crate::core::outlet::Ticket;
use crate::core::registry::Registry;

/// Exports at once: each reads the disk as fast as it can.
const EXPORTS: usize = 2;

impl Registry {
    /// A page of a conversation; of `parts` at most one says which.
    pub(in crate::core) fn page(
        &self,
        conversation: ConversationId,
        limit: u32,
        parts: &[Option<Part>],
        ticket: Ticket,
    ) {
        if self.identity.is_none() {
            return ticket.failed(Problem::not_signed_in());
        }
        let mut parts = parts.iter().flatten().cloned();
        let (part, None) = (parts.next().unwrap_or_default(), parts.next()) else {
            return ticket.failed(Problem::several_parts());
        };
        let limit = limit.min(HISTORY_MAX) as usize;
        let is_around = matches!(part, Part::Around(_));
        let (history, told) = (self.history.clone(), self.as_told());
        actix_rt::spawn(async move {
            let read = history.read_all(move |c| pages::page(c, &conversation, limit, part)).await;
            let page = read.map_err(Problem::from).and_then(|page| match page.found {
                None if is_around => Err(Problem::unknown_message()),
                _ => Ok(page),
            });
            ticket.answer(page.map(|page| Answer::Messages {
                messages: told(page.messages),
                earlier: page.earlier,
                later: page.later,
                found: page.found,
            }));
        });
    }

    /// On which days something was said in a conversation.
    pub(in crate::core) fn days(&self, conversation: ConversationId, starts: Vec<u64>, ticket: Ticket) {
        if self.identity.is_none() {
            return ticket.failed(Problem::not_signed_in());
        }
        if starts.len() > DAYS_MAX + 1 {
            return ticket.failed(Problem::bad_command(format_args!("starts names more than {DAYS_MAX} days")));
        }
        let history = self.history.clone();
        actix_rt::spawn(async move {
            let days = history.read_all(move |c| pages::days(c, &conversation, &starts)).await;
            ticket.answer(days.map(|days| Answer::Days { days }).map_err(Problem::from));
        });
    }

    /// Writes a conversation into a file, in the background.
    pub(in crate::core) fn export(
        &self,
        conversation: ConversationId,
        path: PathBuf,
        (format, overwrite): (Format, bool),
        ticket: Ticket,
    ) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else {
            return ticket.failed(Problem::not_signed_in());
        };
        // One is the registry's own.
        if Arc::strong_count(&self.exports) > EXPORTS {
            return ticket.failed(Problem::busy());
        }
        let place = self.exports.clone();
        let (history, profile, told) =
            (self.history.clone(), self.profile.folder().to_owned(), Box::new(self.as_told()));
        let whole = history.whole();
        actix_rt::spawn(async move {
            let whole = whole.await;
            let wish = export::Wish { conversation, own, path, profile, format, overwrite, told };
            let done = export::run(&history, wish).await;
            drop((place, whole));
            ticket.answer(
                done.map(|(exported, path)| Answer::Exported { exported, path })
                    .map_err(|why| Problem::new(why.code(), why.to_string())),
            );
        });
    }

    /// Takes a conversation off this disk, a piece at a time, so that what arrives meanwhile need not wait.
    pub(in crate::core) fn erase(&self, conversation: ConversationId, ticket: Ticket, ctx: &Context<Self>) {
        let Some(here) = self.identity.as_ref().map(|own| own.device) else {
            return ticket.failed(Problem::not_signed_in());
        };
        let (history, profile) = (self.history.clone(), self.profile.folder().to_owned());
        let erasing = async move {
            let done = erase::run(&history, conversation, here).await;
            remove_copies(profile).await;
            done
        };
        Self::then(ctx, erasing, move |registry, done, _| {
            // Pictures that only the erased conversation showed.
            registry.tidy_pasted();
            let told = done.map(|erased| Answer::Erased { erased: erased.gone, kept: erased.kept });
            ticket.answer(told.map_err(Problem::from));
        });
    }

    /// After the start: the program may have been ended while it erased something.
    pub(in crate::core) fn finish_erasing(&self, here: DeviceId) {
        let (history, profile) = (self.history.clone(), self.profile.folder().to_owned());
        actix_rt::spawn(async move {
            match erase::resume(&history, here).await {
                Ok(false) => {}
                Ok(true) => remove_copies(profile).await,
                Err(error) => tracing::warn!(%error, "something that was to be erased is still there"),
            }
        });
    }
}

/// What is erased may stand in copies that were kept of the history.
async fn remove_copies(profile: PathBuf) {
    let copies = tokio::task::spawn_blocking(move || history::remove_copies(&profile.join(HISTORY))).await;
    if let Ok(Err(error)) = copies {
        tracing::warn!(%error, "an older copy of the history stays");
    }
}
