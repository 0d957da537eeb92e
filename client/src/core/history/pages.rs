//! Reading what was said: pages of a conversation, the list of conversations. Used by the `Registry` inside [`super::History::read`].

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId};
use hobnob_shared::mention;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{acts, messages, row};
use crate::core::event::{ConversationInfo, MessageInfo, Notify};

/// What [`line`] reads, from `messages m JOIN conversations k`.
pub(super) const COLUMNS: &str = "k.name, m.id, m.author, m.text, m.sent_at, m.reply_to, m.state, m.device, m.number, m.clock, m.edited, m.deleted, m.thread";
/// What a conversation is sorted by, the same for everybody.
const NEWEST_FIRST: &str = "m.clock DESC, m.author DESC, m.device DESC, m.number DESC";
/// In rooms the words of those who are blocked are kept for others and not shown. Acts are in the lines that they change.
pub(super) const SHOWN: &str = "m.act IS NULL AND (k.name LIKE '@%' OR m.author NOT IN (SELECT user FROM blocks))";

pub(super) fn line(c: &Connection, row: &Row<'_>) -> Result<MessageInfo> {
    let (conversation, message, deleted) = (row::text(row, 0)?, row::message(row, 1)?, row.get(11)?);
    let reactions = if deleted { Vec::new() } else { acts::reactions(c, row.get(12)?, message, &conversation)? };
    Ok(MessageInfo {
        conversation,
        message,
        from: row::text(row, 2)?,
        text: row.get(3)?,
        sent_at: row::number(row, 4)?,
        reply_to: row::some_bytes(row, 5)?.map(row::message_id),
        state: messages::state(row.get(6)?),
        device: DeviceId(row::bytes(row, 7)?),
        number: row::number(row, 8)?,
        clock: row::number(row, 9)?,
        edited: row.get(10)?,
        deleted,
        reactions,
    })
}

/// One message, by its row.
pub(super) fn message(c: &Connection, seq: i64) -> Result<MessageInfo> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages m JOIN conversations k ON k.id = m.conversation WHERE m.seq = ?1"
    ))?
    .query_row([seq], |row| line(c, row))
}

/// The newest `limit` messages, or the newest before `before`, oldest first.
pub fn page(
    c: &Connection,
    conversation: &ConversationId,
    limit: usize,
    before: Option<MessageId>,
) -> Result<Vec<MessageInfo>> {
    let name = conversation.to_string();
    let mut page = match before {
        None => c
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM messages m JOIN conversations k ON k.id = m.conversation
                 WHERE k.name = ?1 AND {SHOWN} ORDER BY {NEWEST_FIRST} LIMIT ?2"
            ))?
            .query_map(params![name, row::limit(limit)], |row| line(c, row))?
            .collect::<Result<Vec<_>>>()?,
        Some(id) => {
            let place = c
                .prepare_cached(
                    "SELECT m.clock, m.author, m.device, m.number FROM messages m JOIN conversations k ON k.id = m.conversation
                     WHERE m.id = ?1 AND k.name = ?2 AND m.act IS NULL",
                )?
                .query_row(params![id.0.as_bytes(), name], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row::bytes::<32>(row, 2)?, row.get::<_, i64>(3)?))
                })
                .optional()?;
            // An unknown `before` is before everything: an empty page, not the newest one again.
            let Some((clock, author, device, number)) = place else { return Ok(Vec::new()) };
            c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM messages m JOIN conversations k ON k.id = m.conversation
                 WHERE k.name = ?1 AND {SHOWN} AND (m.clock, m.author, m.device, m.number) < (?3, ?4, ?5, ?6)
                 ORDER BY {NEWEST_FIRST} LIMIT ?2"
            ))?
            .query_map(params![name, row::limit(limit), clock, author, device, number], |row| line(c, row))?
            .collect::<Result<Vec<_>>>()?
        }
    };
    page.reverse();
    Ok(page)
}

/// Unread messages of a room that are looked through for mentions: more than a line can count.
const LOOKED_THROUGH: u32 = 1_000;

/// Unread messages of a room that mention `me`.
fn mentions(c: &Connection, room: &str, me: &Handle) -> Result<u32> {
    // What SQLite compares, in small letters or not, is only a first look.
    let texts = c
        .prepare_cached(&format!(
            "SELECT m.text FROM messages m JOIN conversations k ON k.id = m.conversation
             WHERE k.name = ?1 AND m.own = 0 AND m.state < 3 AND m.deleted = 0 AND {SHOWN} AND m.text LIKE '%@' || ?2 || '%'
             ORDER BY {NEWEST_FIRST} LIMIT ?3"
        ))?
        .query_map(params![room, me.as_str(), LOOKED_THROUGH], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>>>()?;
    Ok(u32::try_from(texts.iter().filter(|text| mention::names(text, me)).count()).unwrap_or(u32::MAX))
}

/// All conversations of `me` with something in them, the one with the newest message first.
pub fn conversations(c: &Connection, me: &Handle) -> Result<Vec<ConversationInfo>> {
    let mut all = list(c)?;
    for info in all.iter_mut().filter(|info| info.unread > 0 && info.conversation.friend().is_none()) {
        info.mentions = mentions(c, &info.conversation.to_string(), me)?;
    }
    Ok(all)
}

fn list(c: &Connection) -> Result<Vec<ConversationInfo>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS},
                (SELECT count(*) FROM messages m WHERE m.conversation = k.id AND m.own = 0 AND m.state < 3 AND m.deleted = 0 AND {SHOWN})
         FROM conversations k JOIN messages m ON m.seq = (
             SELECT m.seq FROM messages m WHERE m.conversation = k.id AND {SHOWN} ORDER BY {NEWEST_FIRST} LIMIT 1)
         ORDER BY m.seq DESC"
    ))?
    .query_map([], |row| {
        let newest = line(c, row)?;
        let conversation = newest.conversation.clone();
        let unread = row.get(13)?;
        Ok(ConversationInfo { conversation, unread, mentions: 0, newest: Some(newest), notify: Notify::All })
    })?
    .collect()
}
