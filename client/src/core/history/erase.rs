//! Taking a conversation off this disk. Its texts go, from the list, from the index, from what members of a room are passed on; what the logs
//! need to go on does not: where each ends, and the ids of what was there, so that nothing comes back. Asked for by the `Registry`.
//!
//! What nobody has got yet stays: it was promised to be sent. In a room of which one is a member, so do the signed entries of this device,
//! unseen: each names the one before, and a member who comes later and cannot have them could never read the next.

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{History, HistoryError, logs, row};

/// Entries erased in one job: a search index that forgets at once is not fast, and what arrives meanwhile should not wait for long.
const PIECE: usize = 100;

/// What became of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Messages that are gone.
    pub gone: u64,
    /// Own messages that nobody has got yet.
    pub kept: u64,
}

/// Erases a conversation, as the device `here`, piece by piece; returns when no byte of it is left in the file or beside it.
pub async fn run(history: &History, conversation: ConversationId, here: DeviceId) -> Result<Erased, HistoryError> {
    let name = conversation.to_string();
    let begun = history.write(move |c| begin(c, &name)).await?;
    let Some(conversation) = begun else { return Ok(Erased::default()) };
    let (mut gone, mut from) = (0, Some(Cursor::START));
    while let Some(cursor) = from {
        let (count, next) = history.write(move |c| wiping(c, |c| piece(c, conversation, here, &cursor))).await?;
        (gone, from) = (gone + count, next);
    }
    let kept = history.write(move |c| wiping(c, |c| finish(c, conversation))).await?;
    history.wipe().await?;
    Ok(Erased { gone, kept })
}

/// What is deleted meanwhile is overwritten, in whichever page it stands.
fn wiping<T>(c: &Connection, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    c.pragma_update(None, "secure_delete", "ON")?;
    let done = job(c);
    c.pragma_update(None, "secure_delete", "FAST")?;
    done
}

/// Waits to be delivered.
const WAITS: &str = "(m.own = 1 AND m.state < 2)";

/// From now on nothing of it is passed on. The row of the conversation, if there is one.
fn begin(c: &Connection, name: &str) -> Result<Option<i64>> {
    let Some(conversation) = logs::find_conversation(c, name)? else { return Ok(None) };
    c.execute(
        &format!(
            "UPDATE logs SET erased = max(erased, coalesce((
                 SELECT m.number FROM messages m WHERE m.thread = logs.thread AND m.device = logs.device AND NOT {WAITS}
                 ORDER BY m.number DESC LIMIT 1), 0))
             WHERE thread IN (SELECT id FROM threads WHERE conversation = ?1)"
        ),
        [conversation],
    )?;
    Ok(Some(conversation))
}

/// Up to where the conversation was gone through.
#[derive(Debug, Clone)]
struct Cursor(i64, String, Vec<u8>, i64);

impl Cursor {
    const START: Self = Self(i64::MIN, String::new(), Vec::new(), i64::MIN);
}

/// What is looked at of an entry.
struct Found {
    seq: i64,
    thread: i64,
    number: i64,
    id: MessageId,
    /// Of an act: what it is about.
    target: Option<MessageId>,
    is_act: bool,
    place: Cursor,
}

/// Erases the next entries behind the cursor. How many messages went, and where it goes on.
fn piece(c: &Connection, conversation: i64, here: DeviceId, from: &Cursor) -> Result<(u64, Option<Cursor>)> {
    let found = c
        .prepare_cached(&format!(
            "SELECT m.seq, m.thread, m.number, m.id, m.target, m.act IS NOT NULL, m.clock, m.author, m.device
             FROM messages m JOIN logs l ON l.thread = m.thread AND l.device = m.device
             WHERE m.conversation = ?1 AND (m.clock, m.author, m.device, m.number) > (?2, ?3, ?4, ?5)
               AND m.number <= l.erased AND NOT {WAITS}
             ORDER BY m.clock, m.author, m.device, m.number LIMIT ?6"
        ))?
        .query_map(params![conversation, from.0, from.1, from.2, from.3, row::limit(PIECE)], |row| {
            Ok(Found {
                seq: row.get(0)?,
                thread: row.get(1)?,
                number: row.get(2)?,
                id: row::message(row, 3)?,
                target: row::some_bytes(row, 4)?.map(row::message_id),
                is_act: row.get(5)?,
                place: Cursor(row.get(6)?, row.get(7)?, row.get(8)?, row.get(2)?),
            })
        })?
        .collect::<Result<Vec<_>>>()?;
    let mut gone = 0;
    for entry in &found {
        let Cursor(_, author, device, _) = &entry.place;
        if *device != here.0 || !is_member(c, entry.thread)? {
            c.prepare_cached("DELETE FROM signed WHERE thread = ?1 AND device = ?2 AND number = ?3")?
                .execute(params![entry.thread, device, entry.number])?;
        }
        if entry.is_act && !is_about_erased(c, entry)? {
            // Its message is still to come, or to be delivered: then it counts.
            continue;
        }
        if !entry.is_act {
            let id = entry.id.0.as_bytes();
            c.prepare_cached("INSERT OR IGNORE INTO erased (id, author) VALUES (?1, ?2)")?
                .execute(params![id, author])?;
            c.prepare_cached("DELETE FROM reactions WHERE thread = ?1 AND target = ?2")?
                .execute(params![entry.thread, id])?;
            gone += 1;
        }
        c.prepare_cached("DELETE FROM messages WHERE seq = ?1")?.execute([entry.seq])?;
    }
    let next = found.into_iter().nth(PIECE - 1).map(|last| last.place);
    Ok((gone, next))
}

/// Others may still ask this device for what it said there.
fn is_member(c: &Connection, thread: i64) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM rooms WHERE thread = ?1 AND ended IS NULL")?.exists([thread])
}

fn is_about_erased(c: &Connection, entry: &Found) -> Result<bool> {
    let Some(target) = entry.target else { return Ok(true) };
    let target = target.0.as_bytes();
    Ok(c.prepare_cached("SELECT 1 FROM erased WHERE id = ?1")?.exists([target])?
        || c.prepare_cached(&format!(
            "SELECT 1 FROM messages m WHERE m.id = ?2 AND m.thread = ?1 AND m.act IS NULL AND NOT {WAITS}"
        ))?
        .exists(params![entry.thread, target])?)
}

/// Files that are over are not listed any more, and their names are gone. How many messages stay until they are delivered.
fn finish(c: &Connection, conversation: i64) -> Result<u64> {
    c.execute(
        "UPDATE transfers SET erased = 1, name = '', media_type = NULL, path = NULL, save_as = NULL, code = NULL, text = NULL
         WHERE conversation = (SELECT name FROM conversations WHERE id = ?1) AND NOT (state < 4 OR state = 7)",
        [conversation],
    )?;
    c.query_row(
        &format!("SELECT count(*) FROM messages m WHERE m.conversation = ?1 AND m.act IS NULL AND {WAITS}"),
        [conversation],
        |row| row::number(row, 0),
    )
}

/// A message of this id was here, and was erased.
pub(super) fn is_erased(c: &Connection, id: MessageId, author: &Handle) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM erased WHERE id = ?1 AND author = ?2")?
        .exists(params![id.0.as_bytes(), author.as_str()])
}

/// Up to where a log's copy has no entries any more: from before that nothing can be passed on without leaving something out.
pub(super) fn erased_to(c: &Connection, thread: i64, device: &DeviceId) -> Result<u64> {
    let erased = c
        .prepare_cached("SELECT erased FROM logs WHERE thread = ?1 AND device = ?2")?
        .query_row(params![thread, device.0], |row| row::number(row, 0))
        .optional()?;
    Ok(erased.unwrap_or(0))
}
