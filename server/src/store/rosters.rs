//! Sealed rosters, as functions over a connection. Called by [`super::SqliteStore`] on its threads.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::accounts::number;
use super::{AccountId, StoreError};

/// What an account's devices share; the server cannot read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterRow {
    /// Grows by one; 0 while there is none.
    pub number: u64,
    /// In order.
    pub parts: Vec<Vec<u8>>,
}

pub(super) fn number_of(c: &Connection, account: AccountId) -> Result<u64, StoreError> {
    let mut query = c.prepare_cached("SELECT number FROM rosters WHERE account = ?1")?;
    let found: Option<i64> = query.query_row([account.0], |row| row.get(0)).optional()?;
    u64::try_from(found.unwrap_or(0)).map_err(|_| StoreError::Damaged("number"))
}

pub(super) fn put(c: &Connection, account: AccountId, new: &RosterRow) -> Result<bool, StoreError> {
    if number_of(c, account)?.checked_add(1) != Some(new.number) {
        return Ok(false);
    }
    c.prepare_cached("INSERT INTO rosters (account, number) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET number = ?2")?
        .execute([account.0, number(new.number)])?;
    c.prepare_cached("DELETE FROM roster_parts WHERE account = ?1")?.execute([account.0])?;
    let mut insert = c.prepare_cached("INSERT INTO roster_parts (account, part, sealed) VALUES (?1, ?2, ?3)")?;
    for (part, sealed) in (0_i64..).zip(&new.parts) {
        insert.execute(params![account.0, part, sealed])?;
    }
    Ok(true)
}

pub(super) fn get(c: &Connection, account: AccountId) -> Result<RosterRow, StoreError> {
    let mut query = c.prepare_cached("SELECT sealed FROM roster_parts WHERE account = ?1 ORDER BY part")?;
    let mut rows = query.query([account.0])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        parts.push(row.get(0)?);
    }
    Ok(RosterRow { number: number_of(c, account)?, parts })
}
