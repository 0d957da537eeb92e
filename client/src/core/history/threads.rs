//! The history's two threads. The writer takes everything that waits as one group, runs each job in a savepoint, commits once, and only then
//! answers: one fsync for many messages. The reader has its own connection, so that a page is shown while a commit waits for the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::HistoryError;

/// Jobs that wait: with the longest texts 16 MiB; a full queue makes [`Threads::write`] wait.
const QUEUE: usize = 1_024;
/// Jobs in one commit: bounds how long the first of them waits for the last.
const GROUP: usize = 512;
/// A job that nobody waits for is on the disk after this time.
const SOON: Duration = Duration::from_millis(200);
/// After so much quiet the write-ahead log is moved into the file, while nobody waits for a commit.
const QUIET: Duration = Duration::from_millis(500);

/// Told how the commit went.
type Answer = Box<dyn FnOnce(Result<(), HistoryError>) + Send>;

/// What a job did: whether its changes stay, and who wants to know.
struct Ran {
    keep: bool,
    answer: Answer,
}

impl Ran {
    fn answer(self, committed: Result<(), HistoryError>) {
        (self.answer)(committed);
    }
}

/// Given the error where no transaction could be begun.
type Job = Box<dyn FnOnce(Result<&Connection, HistoryError>) -> Ran + Send>;

struct Write {
    waited_for: bool,
    run: Job,
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// A job that nobody waits for: counted until it is on the disk, or dropped.
pub(super) struct Owed(Arc<AtomicUsize>);

impl Drop for Owed {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Both threads and the queues to them.
pub(super) struct Threads {
    writes: Option<mpsc::Sender<Write>>,
    reads: Option<mpsc::Sender<Read>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
    /// Jobs that nobody waits for and that are not on the disk yet.
    owed: Arc<AtomicUsize>,
    /// The write-ahead log is to be emptied.
    wipe: Arc<AtomicBool>,
}

impl Threads {
    pub(super) fn start(writing: Connection, reading: Connection) -> Result<Self, HistoryError> {
        let (writes, queued_writes) = mpsc::channel(QUEUE);
        let (reads, queued_reads) = mpsc::channel::<Read>(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let wipe = Arc::<AtomicBool>::default();
        let wiping = wipe.clone();
        let write = std::thread::Builder::new()
            .name("history-write".into())
            .spawn(move || runtime.block_on(write_groups(writing, queued_writes, &wiping)))?;
        let read = std::thread::Builder::new()
            .name("history-read".into())
            .spawn(move || answer_reads(&reading, queued_reads))?;
        Ok(Self {
            writes: Some(writes),
            reads: Some(reads),
            handles: Mutex::new(vec![write, read]),
            owed: Arc::default(),
            wipe,
        })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let (tell, told) = oneshot::channel();
        let run = move |connection: Result<&Connection, HistoryError>| {
            let result = connection.and_then(|connection| Ok(job(connection)?));
            let keep = result.is_ok();
            let answer = move |committed: Result<(), HistoryError>| {
                // Whoever asked may have gone; the job is done all the same.
                let _gone = tell.send(result.and_then(|value| committed.map(|()| value)));
            };
            Ran { keep, answer: Box::new(answer) }
        };
        let queue = self.writes.as_ref().ok_or(HistoryError::Closed)?;
        queue.send(Write { waited_for: true, run: Box::new(run) }).await.map_err(|_| HistoryError::Closed)?;
        told.await.map_err(|_| HistoryError::Closed)?
    }

    pub(super) fn write_soon<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) {
        let owed = self.owe();
        let run = move |connection: Result<&Connection, HistoryError>| {
            let failed = connection.and_then(|connection| Ok(job(connection)?)).err();
            let keep = failed.is_none();
            let answer = move |committed: Result<(), HistoryError>| {
                drop(owed);
                if let Some(error) = failed.or(committed.err()) {
                    tracing::error!(%error, "something was not kept in the history");
                }
            };
            Ran { keep, answer: Box::new(answer) }
        };
        let taken = self.writes.as_ref().map(|queue| queue.try_send(Write { waited_for: false, run: Box::new(run) }));
        if !matches!(taken, Some(Ok(()))) {
            tracing::warn!("the history is busy: a mark was dropped");
        }
    }

    /// Empties the write-ahead log after the next group's commit.
    pub(super) fn wipe_soon(&self) {
        self.wipe.store(true, Ordering::Release);
    }

    /// Something counts as written that is not on the disk yet.
    pub(super) fn owes(&self) -> bool {
        self.owed.load(Ordering::Acquire) > 0
    }

    /// From now on, until this is dropped, something counts as written that is not on the disk yet.
    pub(super) fn owe(&self) -> Owed {
        self.owed.fetch_add(1, Ordering::AcqRel);
        Owed(self.owed.clone())
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let (tell, told) = oneshot::channel();
        let run = move |connection: &Connection| {
            let _gone = tell.send(in_snapshot(connection, job).map_err(HistoryError::from));
        };
        let queue = self.reads.as_ref().ok_or(HistoryError::Closed)?;
        queue.send(Box::new(run)).await.map_err(|_| HistoryError::Closed)?;
        told.await.map_err(|_| HistoryError::Closed)?
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        let handles = std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        let own = std::thread::current().id();
        for handle in handles.into_iter().filter(|handle| handle.thread().id() != own) {
            if handle.join().is_err() {
                tracing::error!("a thread of the history panicked");
            }
        }
    }
}

/// Several statements of one job see one state of the file.
fn in_snapshot<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let snapshot = connection.unchecked_transaction()?;
    let result = job(&snapshot)?;
    snapshot.finish()?;
    Ok(result)
}

fn answer_reads(connection: &Connection, mut queue: mpsc::Receiver<Read>) {
    while let Some(job) = queue.blocking_recv() {
        if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
            tracing::error!("a question to the history panicked");
        }
    }
}

async fn write_groups(connection: Connection, mut queue: mpsc::Receiver<Write>, wipe: &AtomicBool) {
    let mut group = Vec::with_capacity(GROUP);
    while let Some(first) = next(&connection, &mut queue).await {
        let mut hurry = first.waited_for;
        group.push(first);
        let until = Instant::now() + SOON;
        while !hurry && group.len() < GROUP {
            let Ok(Some(job)) = timeout_at(until, queue.recv()).await else { break };
            hurry = job.waited_for;
            group.push(job);
        }
        while group.len() < GROUP {
            let Ok(job) = queue.try_recv() else { break };
            group.push(job);
        }
        commit(&connection, &mut group);
        if wipe.swap(false, Ordering::AcqRel) {
            checkpoint(&connection, "TRUNCATE");
        }
    }
}

fn checkpoint(connection: &Connection, how: &str) {
    if let Err(error) = connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(())) {
        tracing::warn!(%error, "cannot tidy the history's log");
    }
}

/// The next job; in a pause the write-ahead log is moved into the file.
async fn next(connection: &Connection, queue: &mut mpsc::Receiver<Write>) -> Option<Write> {
    if let Ok(job) = timeout(QUIET, queue.recv()).await {
        return job;
    }
    checkpoint(connection, "PASSIVE");
    queue.recv().await
}

/// Runs the jobs, commits once, then answers each. A disk that fails in the middle may undo the whole transaction: then those before are
/// told, and the rest goes on in a new one.
fn commit(connection: &Connection, group: &mut Vec<Write>) {
    let mut answers = Vec::with_capacity(group.len());
    let mut begun = begin(connection);
    for job in group.drain(..) {
        if begun.is_ok() && connection.is_autocommit() {
            answer_all(&mut answers, &Err(undone()));
            begun = begin(connection);
        }
        match &begun {
            Ok(()) => answers.extend(run(connection, job)),
            Err(error) => (job.run)(Err(error.clone())).answer(Ok(())),
        }
    }
    let outcome = begun.and_then(|()| {
        if connection.is_autocommit() { Err(undone()) } else { Ok(connection.execute_batch("COMMIT")?) }
    });
    if outcome.is_err() && !connection.is_autocommit() {
        mark(connection, "ROLLBACK");
    }
    answer_all(&mut answers, &outcome);
}

fn begin(connection: &Connection) -> Result<(), HistoryError> {
    Ok(connection.execute_batch("BEGIN IMMEDIATE")?)
}

fn undone() -> HistoryError {
    HistoryError::Io("the transaction was undone".into())
}

fn answer_all(answers: &mut Vec<Ran>, outcome: &Result<(), HistoryError>) {
    answers.drain(..).for_each(|ran| ran.answer(outcome.clone()));
}

/// Runs one job between a savepoint and its release. `None` if it panicked: whoever waits sees the history closed to this job.
fn run(connection: &Connection, job: Write) -> Option<Ran> {
    mark(connection, "SAVEPOINT job");
    let ran = catch_unwind(AssertUnwindSafe(|| (job.run)(Ok(connection))));
    let keep = ran.as_ref().is_ok_and(|ran| ran.keep);
    if !connection.is_autocommit() {
        mark(connection, if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" });
    }
    if ran.is_err() {
        tracing::error!("a job of the history panicked");
    }
    ran.ok()
}

/// A statement that fails only where the transaction is lost already, which [`commit`] finds out by itself.
fn mark(connection: &Connection, statement: &str) {
    if let Err(error) = connection.execute_batch(statement) {
        tracing::error!(%error, statement, "the history's transaction is broken");
    }
}
