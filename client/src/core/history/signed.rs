//! Entries of rooms as they were signed, and the certificates of those who signed: what is passed on to members who come later.

use hobnob_shared::id::{DeviceId, Handle, Hash};
use hobnob_shared::identity::Chain;
use hobnob_shared::limits::ENTRIES;
use hobnob_shared::message::SignedEntry;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::messages::ENTRY_OVERHEAD;
use super::{logs, row};
use crate::core::replica::ThreadKey;

/// What the next entry names this one by.
pub fn hash(body: &[u8]) -> Hash {
    Hash(*blake3::hash(body).as_bytes())
}

/// Keeps an entry; its hash.
pub(super) fn keep(c: &Connection, thread: i64, device: DeviceId, number: u64, entry: &SignedEntry) -> Result<Hash> {
    c.prepare_cached("INSERT INTO signed (thread, device, number, body, signature) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![thread, device.0, number.cast_signed(), entry.body, entry.signature])?;
    Ok(hash(&entry.body))
}

/// Entries of a log from behind `after`, with their numbers, in order, and whether there was nothing more; see
/// [`super::messages::entries`] for the limits.
pub fn entries(
    c: &Connection,
    thread: &ThreadKey,
    device: DeviceId,
    after: u64,
    limit: usize,
) -> Result<(Vec<(u64, SignedEntry)>, bool)> {
    let Some(row) = logs::find_thread(c, thread)? else { return Ok((Vec::new(), true)) };
    let mut statement = c.prepare_cached(
        "SELECT number, body, signature FROM signed WHERE thread = ?1 AND device = ?2 AND number > ?3 ORDER BY number",
    )?;
    let mut rows = statement.query(params![row.thread, device.0, after.cast_signed()])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let entry = SignedEntry { body: row.get(1)?, signature: row.get(2)? };
        bytes += entry.body.len() + ENTRY_OVERHEAD;
        if found.len() >= limit || (bytes > ENTRIES && !found.is_empty()) {
            return Ok((found, false));
        }
        found.push((row::number(row, 0)?, entry));
    }
    Ok((found, true))
}

/// Keeps the certificates of somebody who said something in a room.
pub fn keep_chain(c: &Connection, device: DeviceId, user: &Handle, chain: &Chain) -> Result<()> {
    c.prepare_cached(
        "INSERT OR IGNORE INTO chains (device, user, device_certificate, account_certificate) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![device.0, user.as_str(), chain.device, chain.account])?;
    Ok(())
}

/// The certificates of a device that said something in a room.
pub fn chain(c: &Connection, device: DeviceId) -> Result<Option<Chain>> {
    c.prepare_cached("SELECT device_certificate, account_certificate FROM chains WHERE device = ?1")?
        .query_row([device.0], |row| Ok(Chain { device: row.get(0)?, account: row.get(1)? }))
        .optional()
}
