//! How far each log goes on this disk: the rows behind every copy. Used by [`super::messages`] inside a write, by the `Registry` at the
//! start.

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Hash, MessageId};
use hobnob_shared::message::{Head, Mark};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{erase, row};
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::End;

/// A log, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Where.
    pub thread: ThreadKey,
    /// Whose device writes it.
    pub device: DeviceId,
    /// Whose device that is.
    pub author: Handle,
    /// Where the copy ends.
    pub end: End,
    /// Of this account: on a disk of somebody else's up to here.
    pub delivered: u64,
    /// Of this account: seen by somebody else up to here. Of others: seen by this account.
    pub read: u64,
}

/// The rows of a thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct ThreadRow {
    pub(super) thread: i64,
    pub(super) conversation: i64,
}

pub(super) fn find_conversation(c: &Connection, name: &str) -> Result<Option<i64>> {
    c.prepare_cached("SELECT id FROM conversations WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()
}

fn conversation_row(c: &Connection, conversation: &ConversationId) -> Result<i64> {
    let name = conversation.to_string();
    if let Some(row) = find_conversation(c, &name)? {
        return Ok(row);
    }
    c.prepare_cached("INSERT INTO conversations (name) VALUES (?1)")?.execute([&name])?;
    Ok(c.last_insert_rowid())
}

pub(super) fn find_thread(c: &Connection, thread: &ThreadKey) -> Result<Option<ThreadRow>> {
    c.prepare_cached("SELECT id, conversation FROM threads WHERE key = ?1")?
        .query_row([thread.to_string()], |row| Ok(ThreadRow { thread: row.get(0)?, conversation: row.get(1)? }))
        .optional()
}

/// The rows of a thread, made if there are none.
pub(super) fn thread_row(c: &Connection, thread: &ThreadKey, conversation: &ConversationId) -> Result<ThreadRow> {
    if let Some(found) = find_thread(c, thread)? {
        return Ok(found);
    }
    let conversation = conversation_row(c, conversation)?;
    c.prepare_cached("INSERT INTO threads (key, conversation) VALUES (?1, ?2)")?
        .execute(params![thread.to_string(), conversation])?;
    Ok(ThreadRow { thread: c.last_insert_rowid(), conversation })
}

/// Where a log's copy ends, and whose it is.
pub(super) fn end(c: &Connection, thread: i64, device: &DeviceId) -> Result<Option<(Handle, End)>> {
    c.prepare_cached("SELECT author, number, last, clock, hash FROM logs WHERE thread = ?1 AND device = ?2")?
        .query_row(params![thread, device.0], |row| Ok((row::text(row, 0)?, read_end(row, 1)?)))
        .optional()
}

fn read_end(row: &rusqlite::Row<'_>, from: usize) -> Result<End> {
    Ok(End {
        number: row::number(row, from)?,
        last: row::message(row, from + 1)?,
        clock: row::number(row, from + 2)?,
        hash: Hash(row::some_bytes(row, from + 3)?.unwrap_or([0; 32])),
    })
}

/// Where a log's copy ends, as others are told.
pub fn head(c: &Connection, thread: &ThreadKey, device: &DeviceId) -> Result<Option<Head>> {
    let Some(row) = find_thread(c, thread)? else { return Ok(None) };
    Ok(end(c, row.thread, device)?.map(|(_, end)| Head { device: *device, number: end.number, last: end.last }))
}

/// Whose log it is, if anything of it is here.
pub fn author(c: &Connection, thread: &ThreadKey, device: &DeviceId) -> Result<Option<Handle>> {
    let Some(row) = find_thread(c, thread)? else { return Ok(None) };
    Ok(end(c, row.thread, device)?.map(|(author, _)| author))
}

/// Up to where a copy was erased; see [`erase::erased_to`].
pub fn erased_to(c: &Connection, thread: &ThreadKey, device: &DeviceId) -> Result<u64> {
    let Some(row) = find_thread(c, thread)? else { return Ok(0) };
    erase::erased_to(c, row.thread, device)
}

/// Moves a log's end.
pub(super) fn put(c: &Connection, thread: i64, device: &DeviceId, author: &Handle, end: &End) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO logs (thread, device, author, number, last, clock, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET number = excluded.number, last = excluded.last, clock = excluded.clock, hash = excluded.hash",
    )?
    .execute(params![
        thread,
        device.0,
        author.as_str(),
        end.number.cast_signed(),
        end.last.0.as_bytes(),
        end.clock.cast_signed(),
        end.hash.0,
    ])?;
    Ok(())
}

const COLUMNS: &str = "t.key, l.device, l.author, l.number, l.last, l.clock, l.hash, l.delivered, l.read";

fn log(row: &rusqlite::Row<'_>) -> Result<Log> {
    Ok(Log {
        thread: row::text(row, 0)?,
        device: DeviceId(row::bytes(row, 1)?),
        author: row::text(row, 2)?,
        end: read_end(row, 3)?,
        delivered: row::number(row, 7)?,
        read: row::number(row, 8)?,
    })
}

/// All logs.
pub fn load_all(c: &Connection) -> Result<Vec<Log>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM logs l JOIN threads t ON t.id = l.thread"))?
        .query_map([], log)?
        .collect()
}

/// Logs of one thread.
pub fn load(c: &Connection, thread: &ThreadKey) -> Result<Vec<Log>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM logs l JOIN threads t ON t.id = l.thread WHERE t.key = ?1"))?
        .query_map([thread.to_string()], log)?
        .collect()
}

/// What the first version wrote without its device is this device's.
pub fn claim(c: &Connection, device: DeviceId) -> Result<()> {
    c.execute("UPDATE messages SET device = ?1 WHERE device = x''", [device.0])?;
    c.execute("UPDATE logs SET device = ?1 WHERE device = x''", [device.0])?;
    Ok(())
}

/// Somebody else has entries of this device's log that are not here: the profile was put back to an older state. New entries, and those
/// that wait, get numbers behind theirs. Rooms have their own way, since there everything that was said can be had back.
pub fn continue_behind(
    c: &Connection,
    thread: &ThreadKey,
    conversation: &ConversationId,
    (device, author): (DeviceId, &Handle),
    theirs: u64,
    last: MessageId,
) -> Result<bool> {
    let row = thread_row(c, thread, conversation)?;
    let here = end(c, row.thread, &device)?.map_or(End::EMPTY, |(_, end)| end);
    let there: Option<MessageId> = c
        .prepare_cached("SELECT id FROM messages WHERE thread = ?1 AND device = ?2 AND number = ?3")?
        .query_row(params![row.thread, device.0, theirs.cast_signed()], |found| row::message(found, 0))
        .optional()?;
    let agree = theirs <= here.number && there.is_none_or(|there| there == last);
    if agree || theirs > hobnob_shared::limits::CLOCK / 2 {
        return Ok(false);
    }
    let said: Option<i64> = c
        .prepare_cached(
            "SELECT max(number) FROM messages WHERE thread = ?1 AND device = ?2 AND own = 1 AND state >= 2",
        )?
        .query_row(params![row.thread, device.0], |found| found.get(0))?;
    let said = said.map_or(0, i64::cast_unsigned).max(erase::erased_to(c, row.thread, &device)?);
    let waiting: Vec<i64> = c
        .prepare_cached(
            "SELECT seq FROM messages WHERE thread = ?1 AND device = ?2 AND own = 1 AND state < 2 ORDER BY number DESC",
        )?
        .query_map(params![row.thread, device.0], |found| found.get(0))?
        .collect::<Result<_>>()?;
    // Theirs may be as new as now.
    let count = waiting.len() as u64;
    let end = theirs.max(said) + count;
    let clock = super::messages::next_clock(c, row.conversation, here.clock)? + count;
    for (back, seq) in (0..).zip(waiting) {
        c.prepare_cached("UPDATE messages SET number = ?2, clock = ?3 WHERE seq = ?1")?.execute(params![
            seq,
            (end - back).cast_signed(),
            (clock - back).cast_signed()
        ])?;
    }
    put(c, row.thread, &device, author, &End { number: end, clock, ..here })?;
    Ok(true)
}

/// How far others are with the logs of this account, and this account with those of others; grows only.
pub(super) fn mark(c: &Connection, thread: i64, mark: Mark, column: &'static str) -> Result<()> {
    c.prepare_cached(&format!(
        "UPDATE logs SET {column} = max({column}, min(?3, number)) WHERE thread = ?1 AND device = ?2"
    ))?
    .execute(params![thread, mark.device.0, mark.number.cast_signed()])?;
    Ok(())
}

/// Friends for whom something is queued under the key that they are pinned with.
pub fn waiting_for(c: &Connection) -> Result<Vec<Handle>> {
    c.prepare_cached(
        "SELECT f.user FROM friends f JOIN threads t ON t.key = '@' || f.user
         WHERE EXISTS (SELECT 1 FROM messages m
                       WHERE m.thread = t.id AND m.own = 1 AND m.state < 2 AND m.meant_for = f.account)",
    )?
    .query_map([], |row| row::text(row, 0))?
    .collect()
}

/// Sends what is queued for a friend's old key to their new one. Answers how many messages that are.
pub fn readdress(c: &Connection, friend: &Handle, from_key: Fingerprint, to_key: Fingerprint) -> Result<usize> {
    let Some(row) = find_thread(c, &ThreadKey::Direct(friend.clone()))? else { return Ok(0) };
    c.prepare_cached(
        "UPDATE messages SET meant_for = ?3 WHERE thread = ?1 AND own = 1 AND state < 2 AND meant_for = ?2",
    )?
    .execute(params![row.thread, from_key.0, to_key.0])
}
