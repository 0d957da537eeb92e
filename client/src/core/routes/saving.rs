//! What the registry hands to the disk without waiting for it, and the answers that do wait: done is said of what is still so after a crash,
//! and what is asked next finds it. For the other routes.

use std::cell::RefCell;

use tokio::task::{JoinHandle, spawn_blocking};

use crate::core::error::Problem;
use crate::core::event::Answer;
use crate::core::outlet::Ticket;
use crate::core::profile::{Profile, ProfileError};
use crate::core::registry::Registry;

type Job = JoinHandle<Result<(), Problem>>;

/// Jobs for the disk that are under way. Bounded as what hands them in is: by the commands' places, and a frame at a time.
#[derive(Default)]
pub(in crate::core) struct Unkept(RefCell<Vec<Job>>);

impl Unkept {
    fn add(&self, job: Job) {
        let mut jobs = self.0.borrow_mut();
        jobs.retain(|job| !job.is_finished());
        jobs.push(job);
    }
}

impl Registry {
    /// Writes to the history in the order of calling. Nobody waits for it but [`Self::done_once_kept`], and it is not dropped.
    pub(in crate::core) fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) {
        let written = self.history.write_owed(job);
        self.unkept.add(actix_rt::spawn(async move {
            let result = written.await;
            result.map(drop).map_err(|error| {
                tracing::error!(%error, "not written");
                error.into()
            })
        }));
    }

    /// Keeps changed settings. Nobody waits for it but [`Self::done_once_kept`].
    pub(in crate::core) fn save_settings(&self) {
        self.save(Profile::save);
    }

    /// Writes something of the profile. Nobody waits for it but [`Self::done_once_kept`].
    pub(in crate::core) fn save(&self, job: impl FnOnce(&Profile) -> Result<(), ProfileError> + Send + 'static) {
        let profile = self.profile.clone();
        self.unkept.add(spawn_blocking(move || {
            job(&profile).map_err(|error| {
                tracing::error!(%error, "not saved");
                Problem::profile_not_written()
            })
        }));
    }

    /// Answers a command once all that was handed to the disk before is there; where that fails, so did the command.
    pub(in crate::core) fn done_once_kept(&self, ticket: Ticket, answer: Answer) {
        let jobs = self.unkept.0.take();
        // Whoever is answered after this one waits for the same.
        self.unkept.add(actix_rt::spawn(async move {
            let mut outcome = Ok(answer);
            for job in jobs {
                if let Ok(Err(problem)) = job.await {
                    outcome = Err(problem);
                }
            }
            ticket.answer(outcome);
            Ok(())
        }));
    }
}
