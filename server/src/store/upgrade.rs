//! Brings a store to this version: what is there is looked at first, a copy is kept beside it before anything is changed, and a store of a
//! later version stays as it is. Called by [`super::SqliteStore`] when it opens.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use refinery::{Migration, SchemaVersion};
use rusqlite::Connection;

use super::OpenError;

pub(super) mod embedded {
    refinery::embed_migrations!("src/store/migrations");
}

/// Rows of the migrations' history that the migration library would not read but panic over.
const UNREADABLE_HISTORY: &str = "SELECT COUNT(*) FROM refinery_schema_history
    WHERE typeof(version) <> 'integer' OR typeof(name) <> 'text' OR name IS NULL
       OR applied_on IS NULL OR strftime('%s', applied_on) IS NULL OR applied_on NOT GLOB '????-??-??T??:??:??*[Z0-9]'
       OR checksum IS NULL OR checksum GLOB '*[^0-9]*' OR length(checksum) NOT BETWEEN 1 AND 20";

/// The version that this program writes.
pub(super) fn newest() -> SchemaVersion {
    embedded::migrations::runner().get_migrations().iter().map(Migration::version).max().unwrap_or(0)
}

/// Runs the migrations that the store has not seen.
pub(super) fn migrate(c: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let damaged = |detail: String| OpenError::Damaged { path: path.to_owned(), detail };
    let failed = |e: rusqlite::Error| damaged(e.to_string());
    if c.table_exists(None, "refinery_schema_history").map_err(failed)? {
        let unreadable: u32 = c.query_row(UNREADABLE_HISTORY, [], |row| row.get(0)).map_err(failed)?;
        if unreadable > 0 {
            return Err(damaged("its history of versions cannot be read".into()));
        }
        let found: Option<i64> =
            c.query_row("SELECT MAX(version) FROM refinery_schema_history", [], |row| row.get(0)).map_err(failed)?;
        if let Some(version) = found.filter(|version| *version < i64::from(newest())) {
            keep_copy(c, path, version).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        }
    }
    let Err(error) = embedded::migrations::runner().set_grouped(true).run(c) else { return Ok(()) };
    let path = path.to_owned();
    let detail = error.to_string();
    Err(match error.kind() {
        refinery::error::Kind::MissingVersion(migration) => OpenError::Newer { path, detail: migration.to_string() },
        _ => OpenError::Damaged { path, detail },
    })
}

/// A copy of the store as it is, beside it: `NAME.before-VERSION`, by the version that it has.
fn keep_copy(c: &Connection, path: &Path, version: i64) -> io::Result<()> {
    let (copy, unfinished) = (beside(path, &format!(".before-{version}")), beside(path, ".copying"));
    // Made here, because SQLite would make it readable by everybody.
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    c.backup("main", &unfinished, None::<fn(rusqlite::backup::Progress)>).map_err(io::Error::other)?;
    File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, &copy)?;
    // The name must be on disk too before the store is changed.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
