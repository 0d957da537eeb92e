//! Where received files go: told, and changed while the program runs. Transfers that are under way keep the folder they began with.

use std::path::PathBuf;

use actix::Context;

use crate::core::answer::Answer;
use crate::core::error::Problem;
use crate::core::outlet::Ticket;
use crate::core::registry::Registry;

impl Registry {
    /// Tells the folder.
    pub(in crate::core) fn tell_downloads(&self, ticket: Ticket) {
        ticket.done(Answer::Downloads { downloads: self.downloads.clone() });
    }

    /// Files go there from now on; the folder is made where there is none.
    pub(in crate::core) fn set_downloads(folder: PathBuf, ticket: Ticket, ctx: &Context<Self>) {
        // The settings are JSON, which has no other names.
        if !folder.is_absolute() || folder.to_str().is_none() {
            return ticket.failed(Problem::not_a_folder());
        }
        let wanted = folder.clone();
        let make = async move { tokio::task::spawn_blocking(move || std::fs::create_dir_all(wanted)).await };
        Self::then(ctx, make, move |registry, made, _| {
            if !matches!(made, Ok(Ok(()))) {
                return ticket.failed(Problem::not_a_folder());
            }
            registry.downloads.clone_from(&folder);
            registry.profile.change(|settings| settings.downloads = Some(folder));
            let profile = registry.profile.clone();
            tokio::task::spawn_blocking(move || match profile.save() {
                Ok(()) => ticket.ok(),
                Err(error) => {
                    tracing::error!(%error, "settings not saved");
                    ticket.failed(Problem::internal());
                }
            });
        });
    }
}
