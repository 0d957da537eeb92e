//! The store on `SQLite`: one thread writes and commits in groups, one reads. Made by `lib.rs`, used through [`Store`].
//!
//! A group is what waits when the writer becomes free: all of it shares one commit, thus one fsync, and each job is answered after it. A
//! job that fails is rolled back alone, through its savepoint.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash, Incarnation, RoomId};
use hobnob_shared::identity::ServerKey;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::{
    Accepted, Account, AccountId, Asked, ByOwner, Circle, FewerDevices, FriendshipRow, Joined, Later, Leaving, Locked,
    NewAcceptance, NewAccount, NewDevice, NewMember, NewPassword, NewRequest, Parted, Relation, RoomChange, RoomHead,
    RoomKey, RoomPage, RosterRow, SeenRow, SignedUp, Store, StoreError, accounts, circle, friends, membership, rooms,
    rosters, seen, upgrade,
};
use crate::config::Limits;

/// Name of the database inside the data folder.
const FILE: &str = "hobnob.db";

/// Why a store does not open. The operator has to do something about each of these.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a database of ours, or a damaged one.
    #[error("the store {path} is damaged or not a store of Hobnob ({detail}); it was left as it is")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// Written by a later version.
    #[error(
        "the store {path} was written by a newer version of Hobnob ({detail}); start that version, or restore a backup"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The unknown migration.
        detail: String,
    },
    /// The file system said no.
    #[error("cannot open the store {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Runs inside the group's transaction; what it returns is called after the commit, with whether it held.
type WriteJob = Box<dyn FnOnce(&Connection) -> Box<dyn FnOnce(bool) + Send> + Send>;
type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// The store on `SQLite`.
pub struct SqliteStore {
    writes: Option<SyncSender<WriteJob>>,
    reads: Option<SyncSender<ReadJob>>,
    writer: Option<JoinHandle<()>>,
    reader: Option<JoinHandle<()>>,
    limits: Arc<Limits>,
}

impl SqliteStore {
    /// Opens the store of a data folder, makes it where there is none, and brings it to this version.
    pub fn open(data: &Path, limits: &Arc<Limits>) -> Result<Self, OpenError> {
        let path = data.join(FILE);
        // Made here, because SQLite would make it readable by everybody; its other files follow this one's mode.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| OpenError::Io { path: path.clone(), source })?;
        let damaged = |e: rusqlite::Error| OpenError::Damaged { path: path.clone(), detail: e.to_string() };
        let mut writer = Connection::open(&path).map_err(damaged)?;
        prepare(&writer).map_err(damaged)?;
        let fault: String = writer.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(damaged)?;
        if fault != "ok" {
            return Err(OpenError::Damaged { path, detail: fault });
        }
        upgrade::migrate(&mut writer, &path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(&path, flags).map_err(damaged)?;
        reader.busy_timeout(std::time::Duration::from_secs(5)).map_err(damaged)?;
        // A first look opens the log file now: all descriptors are there before the first client is.
        reader.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(())).map_err(damaged)?;

        let (write_queue, jobs) = sync_channel(limits.store_queue);
        let (read_queue, read_jobs) = sync_channel(limits.store_queue);
        let group = limits.store_group.max(1);
        let thread = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work)
                .map_err(|source| OpenError::Io { path: path.clone(), source })
        };
        let writer = thread("store-writer", Box::new(move || write_loop(&writer, &jobs, group)))?;
        let reader = thread("store-reader", Box::new(move || read_loop(&reader, &read_jobs)))?;
        Ok(Self {
            writes: Some(write_queue),
            reads: Some(read_queue),
            writer: Some(writer),
            reader: Some(reader),
            limits: Arc::clone(limits),
        })
    }

    /// Whether the data folder has a store.
    pub fn exists(data: &Path) -> bool {
        data.join(FILE).exists()
    }

    /// Looks at every page and every reference; the faults found, none if the store is sound.
    pub fn check(data: &Path) -> Result<Vec<String>, OpenError> {
        let path = data.join(FILE);
        let damaged = |e: rusqlite::Error| OpenError::Damaged { path: path.clone(), detail: e.to_string() };
        if let Err(source) = std::fs::metadata(&path) {
            return Err(OpenError::Io { path, source });
        }
        let c = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(damaged)?;
        let mut faults = Vec::new();
        let mut query = c.prepare("PRAGMA integrity_check").map_err(damaged)?;
        let lines = query.query_map([], |row| row.get::<_, String>(0)).map_err(damaged)?;
        for line in lines {
            faults.push(line.map_err(damaged)?);
        }
        faults.retain(|line| line != "ok");
        let mut query = c.prepare("PRAGMA foreign_key_check").map_err(damaged)?;
        let lines = query.query_map([], |row| row.get::<_, String>(0)).map_err(damaged)?;
        for table in lines {
            faults.push(format!("a row of {} belongs to nothing", table.map_err(damaged)?));
        }
        let newest = "SELECT MAX(version) FROM refinery_schema_history";
        let newest: Option<i64> = c.query_row(newest, [], |row| row.get(0)).map_err(damaged)?;
        if newest > Some(i64::from(upgrade::newest())) {
            faults.push(format!("it was written by a newer version (version {} of the store)", newest.unwrap_or(0)));
        }
        Ok(faults)
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Later<T> {
        let (answer, answered) = oneshot::channel();
        let job: WriteJob = Box::new(move |c| {
            let result = in_savepoint(c, job);
            Box::new(move |committed| {
                let result = if committed { result } else { result.and(Err(StoreError::NotWritten)) };
                // Whoever asked may be gone; what was written stays written.
                let _ = answer.send(result);
            })
        });
        submit(self.writes.as_ref(), job, answered)
    }

    fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Later<T> {
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |c| {
            // One transaction, so that all statements of the job see the same moment.
            let result = match c.unchecked_transaction() {
                Ok(_snapshot) => job(c),
                Err(e) => Err(e.into()),
            };
            let _ = answer.send(result);
        });
        submit(self.reads.as_ref(), job, answered)
    }
}

impl Drop for SqliteStore {
    /// What was accepted is written before this returns. The reader goes first: whoever closes last empties the log into the store, and
    /// only the writer may.
    fn drop(&mut self) {
        self.reads = None;
        let reader = self.reader.take().map(JoinHandle::join);
        self.writes = None;
        let writer = self.writer.take().map(JoinHandle::join);
        if [reader, writer].into_iter().flatten().any(|ended| ended.is_err()) {
            tracing::error!("a thread of the store had panicked");
        }
    }
}

fn submit<J, T: Send + 'static>(
    queue: Option<&SyncSender<J>>,
    job: J,
    answered: oneshot::Receiver<Result<T, StoreError>>,
) -> Later<T> {
    let accepted = match queue.map(|queue| queue.try_send(job)) {
        Some(Ok(())) => Ok(()),
        Some(Err(TrySendError::Full(_))) => Err(StoreError::Busy),
        Some(Err(TrySendError::Disconnected(_))) | None => Err(StoreError::Closed),
    };
    Box::pin(async move {
        accepted?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    })
}

fn prepare(c: &Connection) -> rusqlite::Result<()> {
    c.busy_timeout(std::time::Duration::from_secs(5))?;
    c.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    c.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")
}

fn in_savepoint<T>(c: &Connection, job: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
    c.execute_batch("SAVEPOINT job")?;
    let result = job(c);
    if result.is_err() {
        c.execute_batch("ROLLBACK TO job")?;
    }
    c.execute_batch("RELEASE job")?;
    result
}

fn write_loop(c: &Connection, jobs: &Receiver<WriteJob>, group: usize) {
    while let Ok(first) = jobs.recv() {
        if let Err(error) = c.execute_batch("BEGIN IMMEDIATE") {
            tracing::error!(%error, "the store cannot begin to write");
        }
        let answers: Vec<_> = std::iter::once(first).chain(jobs.try_iter()).take(group).map(|job| job(c)).collect();
        let committed = c.execute_batch("COMMIT");
        if let Err(error) = &committed {
            tracing::error!(%error, jobs = answers.len(), "the store cannot commit");
            // Fails where there is no transaction any more, which is just as well.
            let _ = c.execute_batch("ROLLBACK");
        }
        for answer in answers {
            answer(committed.is_ok());
        }
    }
}

fn read_loop(c: &Connection, jobs: &Receiver<ReadJob>) {
    while let Ok(job) = jobs.recv() {
        job(c);
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Store for SqliteStore {
    fn handle_free(&self, user: Handle) -> Later<bool> {
        self.read(move |c| accounts::handle_free(c, &user))
    }
    fn sign_up(&self, account: NewAccount) -> Later<SignedUp> {
        self.write(move |c| accounts::sign_up(c, &account, now()))
    }
    fn locked(&self, user: Handle) -> Later<Option<Locked>> {
        self.read(move |c| accounts::locked(c, &user))
    }
    fn enrol(&self, device: NewDevice) -> Later<Option<Vec<AccountId>>> {
        self.write(move |c| accounts::enrol(c, &device, now()))
    }
    fn set_devices(&self, devices: FewerDevices) -> Later<Option<Vec<AccountId>>> {
        self.write(move |c| accounts::set_devices(c, &devices))
    }
    fn change_password(&self, password: NewPassword) -> Later<bool> {
        self.write(move |c| accounts::change_password(c, &password))
    }
    fn account(&self, key: Fingerprint, device: DeviceId) -> Later<Option<Account>> {
        self.read(move |c| accounts::account(c, &key, &device))
    }
    fn circle(&self, account: AccountId, user: Handle, device: DeviceId) -> Later<Circle> {
        self.read(move |c| circle::circle(c, account, &user, &device))
    }
    fn relation(&self, account: AccountId, other: Handle) -> Later<Relation> {
        self.read(move |c| circle::relation(c, account, &other))
    }
    fn ask(&self, request: NewRequest) -> Later<Asked> {
        let limits = Arc::clone(&self.limits);
        self.write(move |c| friends::ask(c, &request, &limits, now()))
    }
    fn accept(&self, acceptance: NewAcceptance) -> Later<Accepted> {
        let limits = Arc::clone(&self.limits);
        self.write(move |c| friends::accept(c, &acceptance, &limits, now()))
    }
    fn decline(&self, user: Handle, asker: Handle) -> Later<bool> {
        self.write(move |c| friends::decline(c, &user, &asker))
    }
    fn part(&self, account: AccountId, other: Handle) -> Later<Parted> {
        self.write(move |c| friends::part(c, account, &other))
    }
    fn block(&self, account: AccountId, user: Handle, other: Handle) -> Later<Option<Parted>> {
        let limits = Arc::clone(&self.limits);
        self.write(move |c| friends::block(c, account, &user, &other, &limits))
    }
    fn unblock(&self, account: AccountId, other: Handle) -> Later<()> {
        self.write(move |c| friends::unblock(c, account, &other))
    }
    fn friendship(&self, account: AccountId, other: Handle) -> Later<Option<FriendshipRow>> {
        self.read(move |c| friends::friendship(c, account, &other))
    }
    fn join(&self, new: NewMember, fresh: Incarnation, notary: Arc<ServerKey>) -> Later<Joined> {
        let limits = Arc::clone(&self.limits);
        self.write(move |c| membership::join(c, &new, fresh, &limits, (now(), &notary)))
    }
    fn leave(&self, leaving: Leaving, notary: Arc<ServerKey>) -> Later<Option<RoomChange>> {
        let limits = Arc::clone(&self.limits);
        self.write(move |c| membership::leave(c, &leaving, &limits, (now(), &notary)))
    }
    fn remove_member(
        &self,
        owner: AccountId,
        room: RoomId,
        user: Handle,
        notary: Arc<ServerKey>,
    ) -> Later<ByOwner<RoomChange>> {
        let limits = Arc::clone(&self.limits);
        self.write(move |c| membership::remove(c, (owner, &room), &user, &limits, (now(), &notary)))
    }
    fn set_room_password(&self, owner: AccountId, room: RoomId, proof: Option<Hash>) -> Later<ByOwner<RoomHead>> {
        self.write(move |c| membership::set_password(c, owner, &room, proof.as_ref()))
    }
    fn room_page(&self, account: AccountId, room: RoomKey, after: u64) -> Later<Option<RoomPage>> {
        self.read(move |c| rooms::page(c, account, room, after))
    }
    fn put_roster(&self, account: AccountId, roster: RosterRow) -> Later<bool> {
        self.write(move |c| rosters::put(c, account, &roster))
    }
    fn roster(&self, account: AccountId) -> Later<RosterRow> {
        self.read(move |c| rosters::get(c, account))
    }
    fn allow_seen(&self, account: AccountId, on: bool) -> Later<Vec<SeenRow>> {
        self.write(move |c| seen::allow(c, account, on))
    }
    fn note_seen(&self, account: AccountId, at: u64) -> Later<()> {
        self.write(move |c| seen::note(c, account, at))
    }
}
