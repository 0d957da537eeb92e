//! What the profile remembers: messages, pinned people, pairs of devices, transfers, in one file. `Registry`, `PeerLink` and
//! `FileTransfer` hand in jobs; one thread writes them in groups, another reads.
//!
//! - `open.rs`: opening, checking and migrating the file. `threads.rs`: the two threads and the group commit.
//! - [`logs`], [`messages`], [`acts`], [`signed`], [`marks`]: the copies of everybody's logs, and how far each got. [`pages`]: the same for people; [`found`]: searching it; [`erase`]: taking it off.
//! - [`rooms`], [`friends`], [`avatars`], [`contacts`], [`pairs`], [`transfers`], [`file_rules`], [`notify`]: what else can be asked of an open connection.

pub mod acts;
#[cfg(test)]
mod acts_tests;
pub mod avatars;
pub mod contacts;
pub mod erase;
#[cfg(test)]
mod erase_tests;
pub mod file_rules;
#[cfg(test)]
mod file_tests;
pub mod found;
#[cfg(test)]
mod found_tests;
pub mod friends;
pub mod logs;
pub mod marks;
pub mod messages;
pub mod notify;
mod open;
pub mod pages;
#[cfg(test)]
mod pages_tests;
pub mod pairs;
pub mod rooms;
mod row;
pub mod signed;
#[cfg(test)]
pub(in crate::core) mod tests;
mod threads;
pub mod transfers;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::OwnedRwLockReadGuard;

pub use open::remove_copies;
use threads::Threads;

/// Its file in the profile.
pub const HISTORY: &str = "history.db";

/// Why the history did not open, read or write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The file is damaged, or none of ours. It was not changed.
    #[error("the history file is damaged")]
    Corrupt,
    /// A later version of this program wrote it. It was not changed.
    #[error("the history file is of a later version")]
    Newer,
    /// The disk has no room.
    #[error("no room on the disk")]
    Full,
    /// The file cannot be reached.
    #[error("cannot use the history file: {0}")]
    Io(String),
    /// The store refused a job.
    #[error("the history refused: {0}")]
    Refused(String),
    /// The program is ending.
    #[error("the history is closed")]
    Closed,
}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Corrupt,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(
                ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure,
            ) => Self::Io(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<std::io::Error> for HistoryError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// The open history; clones share it. It closes, everything written, when the last clone is dropped.
#[derive(Clone)]
pub struct History {
    threads: Arc<Threads>,
    /// Held alone while a conversation is erased, as the mark of an unfinished one is one; together by those who read through all of one.
    erasing: Arc<tokio::sync::RwLock<()>>,
}

impl History {
    /// Opens or makes the file at `path`. One program at a time: the profile's lock sees to that.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let (writer, reader) = open::open(path, &open::migrations()?)?;
        Ok(Self { threads: Arc::new(Threads::start(writer, reader)?), erasing: Arc::default() })
    }

    /// Runs `job` in the next group and returns once that is on the disk. A job that fails changes nothing, and its neighbours in the
    /// group do not notice.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.threads.write(job).await
    }

    /// Runs `job` without anybody waiting; on the disk within 200 ms, or with the next group. For marks whose loss repeats some work. When
    /// the queue is full it is dropped, with a word in the log.
    pub fn write_soon<T: Send + 'static>(&self, job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static) {
        self.threads.write_soon(job);
    }

    /// As [`Self::write`], for what counts as written from this call on, before anybody awaits it: [`Self::read_all`] sees it.
    pub fn write_owed<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, HistoryError>> + 'static {
        let (history, owed) = (self.clone(), self.threads.owe());
        async move {
            let written = history.write(job).await;
            drop(owed);
            written
        }
    }

    /// Runs `job` on the reading thread; it sees everything that a finished [`Self::write`] wrote.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.threads.read(job).await
    }

    /// As [`Self::read`], but sees what was handed to [`Self::write_soon`] and [`Self::write_owed`] as well: people must not read less than
    /// they were told.
    pub async fn read_all<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        if self.threads.owes() {
            self.flush().await?;
        }
        self.threads.read(job).await
    }

    /// Moves everything that was written into the file, and empties the write-ahead log: nothing that was deleted stands there any more.
    pub async fn wipe(&self) -> Result<(), HistoryError> {
        self.threads.wipe_soon();
        self.flush().await?;
        // The log is emptied behind that group's commit, and so before this one's.
        self.flush().await
    }

    /// As long as this is held nothing is erased: who asked for a copy of a conversation first gets all of it. Counts from the call where
    /// nothing is being erased, otherwise from when that is over.
    pub fn whole(&self) -> impl Future<Output = OwnedRwLockReadGuard<()>> + use<> {
        let (now, lock) = (self.erasing.clone().try_read_owned().ok(), self.erasing.clone());
        async move {
            match now {
                Some(now) => now,
                None => lock.read_owned().await,
            }
        }
    }

    /// Returns once everything that was handed in before is on the disk.
    pub async fn flush(&self) -> Result<(), HistoryError> {
        self.write(|_| Ok(())).await
    }
}
