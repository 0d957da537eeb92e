//! When accounts were last seen, as functions over a connection. Called by [`super::SqliteStore`] on its threads. Of an account that does not
//! allow it there is no row, thus no time.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::accounts::{handle, number};
use super::{AccountId, StoreError};

/// What is kept of one account; default is that it does not allow it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Friends who allow it too may be told.
    pub allowed: bool,
    /// When it was shown online last, milliseconds since 1970.
    pub at: Option<u64>,
}

/// When a friend was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRow {
    /// Number here.
    pub account: AccountId,
    /// Name.
    pub user: hobnob_shared::id::Handle,
    /// Milliseconds since 1970.
    pub at: u64,
}

fn time(at: i64) -> Result<u64, StoreError> {
    u64::try_from(at).map_err(|_| StoreError::Damaged("time"))
}

pub(super) fn of(c: &Connection, account: AccountId) -> Result<Seen, StoreError> {
    let mut query = c.prepare_cached("SELECT at FROM seen WHERE account = ?1")?;
    let found: Option<Option<i64>> = query.query_row([account.0], |row| row.get(0)).optional()?;
    Ok(Seen { allowed: found.is_some(), at: found.flatten().map(time).transpose()? })
}

/// Friends who allow it, and when they were last seen; nothing for who does not allow it of themselves.
pub(super) fn of_friends(c: &Connection, account: AccountId) -> Result<Vec<SeenRow>, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT a.id, a.handle, s.at FROM seen s JOIN accounts a ON a.id = s.account
         WHERE s.at IS NOT NULL AND EXISTS (SELECT 1 FROM seen WHERE account = ?1) AND s.account IN
         (SELECT high FROM friendships WHERE low = ?1 UNION ALL SELECT low FROM friendships WHERE high = ?1)",
    )?;
    let mut rows = query.query([account.0])?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next()? {
        seen.push(SeenRow { account: AccountId(row.get(0)?), user: handle(row, "handle")?, at: time(row.get(2)?)? });
    }
    Ok(seen)
}

/// Allows it, or not any more, which erases what was kept. Gives what the account may know from now on.
pub(super) fn allow(c: &Connection, account: AccountId, on: bool) -> Result<Vec<SeenRow>, StoreError> {
    let statement = if on {
        "INSERT INTO seen (account) VALUES (?1) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM seen WHERE account = ?1"
    };
    c.prepare_cached(statement)?.execute([account.0])?;
    of_friends(c, account)
}

/// It was seen; without effect where it is not allowed.
pub(super) fn note(c: &Connection, account: AccountId, at: u64) -> Result<(), StoreError> {
    let mut update = c.prepare_cached("UPDATE seen SET at = ?2 WHERE account = ?1")?;
    update.execute(params![account.0, number(at)])?;
    Ok(())
}
