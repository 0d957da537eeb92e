//! Opening the history: what is there is looked at before anything is changed, a copy is kept before a migration, and a file that is damaged
//! or of a later version stays exactly as it is.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use refinery::{Migration, Runner, SchemaVersion};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::HistoryError;

/// "HOBN" in the file's header: tells our file from somebody else's.
const APPLICATION_ID: i32 = 0x484f_424e;
/// Larger files are not read through at each start: it would take seconds. Damage there shows when a damaged page is read.
const CHECKED_WHOLE: u64 = 64 * 1024 * 1024;
/// Only a backup tool could hold the file for a moment.
const BUSY: Duration = Duration::from_secs(5);

/// All migrations of this version, oldest first.
pub(super) fn migrations() -> Result<Vec<Migration>, HistoryError> {
    let all = [
        ("V1__history", include_str!("migrations/V1__history.sql")),
        ("V2__logs_and_rooms", include_str!("migrations/V2__logs_and_rooms.sql")),
        ("V3__contacts", include_str!("migrations/V3__contacts.sql")),
        ("V4__folders", include_str!("migrations/V4__folders.sql")),
        ("V5__acts", include_str!("migrations/V5__acts.sql")),
        ("V6__search", include_str!("migrations/V6__search.sql")),
        ("V7__erased", include_str!("migrations/V7__erased.sql")),
        ("V8__notify", include_str!("migrations/V8__notify.sql")),
        ("V9__avatars", include_str!("migrations/V9__avatars.sql")),
    ];
    all.into_iter().map(|(name, sql)| Migration::unapplied(name, sql).map_err(refused)).collect()
}

fn refused(error: impl std::fmt::Display) -> HistoryError {
    HistoryError::Refused(error.to_string())
}

/// A connection that writes and one that reads, at the newest version.
pub(super) fn open(path: &Path, migrations: &[Migration]) -> Result<(Connection, Connection), HistoryError> {
    let newest = migrations.iter().map(Migration::version).max().unwrap_or(0);
    let found = look(path)?;
    if found.is_some_and(|found| found > newest) {
        return Err(HistoryError::Newer);
    }
    let mut writer = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    writer.busy_timeout(BUSY)?;
    writer.pragma_update(None, "journal_mode", "WAL")?;
    writer.pragma_update(None, "synchronous", "FULL")?;
    // The writing thread moves pages into the file while nobody waits; this is only the bound for times when that never happens.
    writer.pragma_update(None, "wal_autocheckpoint", 8_000)?;
    writer.pragma_update(None, "journal_size_limit", 4 * 1024 * 1024)?;
    // Where a text was taken back, its bytes go from the page that is written anyway.
    writer.pragma_update(None, "secure_delete", "FAST")?;
    if found != Some(newest) {
        if let Some(found) = found {
            keep_copy(&writer, path, found)?;
        }
        writer.pragma_update(None, "application_id", APPLICATION_ID)?;
        Runner::new(migrations).set_grouped(true).run(&mut writer).map_err(refused)?;
    }
    let reader = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    reader.busy_timeout(BUSY)?;
    reader.pragma_update(None, "query_only", true)?;
    Ok((writer, reader))
}

fn flags(access: OpenFlags) -> OpenFlags {
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// The version of the file, `None` for a new one. Changes nothing in an existing file.
fn look(path: &Path) -> Result<Option<SchemaVersion>, HistoryError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let size = file.metadata()?.len();
    drop(file);
    if size == 0 {
        return Ok(None);
    }
    let connection = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(None);
    }
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(HistoryError::Corrupt);
    }
    let version = connection
        .query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))
        .map_err(|_| HistoryError::Corrupt)?;
    if size <= CHECKED_WHOLE {
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(HistoryError::Corrupt);
        }
    }
    Ok(version)
}

/// A copy of the file as it is, beside it: `NAME.before-VERSION`.
fn keep_copy(connection: &Connection, path: &Path, version: SchemaVersion) -> Result<(), HistoryError> {
    let copy = beside(path, &format!(".before-{version}"));
    let unfinished = beside(path, ".copying");
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    connection.backup("main", &unfinished, None::<fn(rusqlite::backup::Progress)>)?;
    File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, &copy)?;
    Ok(())
}

/// Removes the copies that were kept of the file before it was brought to later versions: what is erased from it still stands in them.
pub fn remove_copies(path: &Path) -> std::io::Result<()> {
    for version in 1..=SchemaVersion::from(u8::MAX) {
        match std::fs::remove_file(beside(path, &format!(".before-{version}"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
