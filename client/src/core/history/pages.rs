//! Reading what was said: pages of a conversation, full-text search, the list of conversations. Used by the `Registry` inside
//! [`super::History::read`].

use std::collections::HashMap;

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId};
use rusqlite::{Connection, Result, Row, params};

use super::{messages, row};
use crate::core::event::{ConversationInfo, MessageInfo};

/// Columns of a [`Line`], from `messages m JOIN conversations k`.
const COLUMNS: &str = "k.name, m.id, m.author, m.text, m.sent_at, m.reply_to, m.state, m.device, m.number";

/// A message with what orders it among its author's.
struct Line {
    info: MessageInfo,
    device: Option<DeviceId>,
    number: u64,
}

fn line(row: &Row<'_>) -> Result<Line> {
    let info = MessageInfo {
        conversation: row::text(row, 0)?,
        message: row::message(row, 1)?,
        from: row::text(row, 2)?,
        text: row.get(3)?,
        sent_at: row::number(row, 4)?,
        reply_to: row::some_bytes(row, 5)?.map(row::message_id),
        state: messages::state(row.get(6)?),
        clock: row::number(row, 4)?,
        device: DeviceId(row::some_bytes(row, 7)?.unwrap_or([0; 32])),
        number: row::number(row, 8)?,
    };
    Ok(Line { info, device: row::some_bytes(row, 7)?.map(DeviceId), number: row::number(row, 8)? })
}

/// The newest `limit` messages, or the newest before `before`, oldest first. They stand in the order of arrival, and each device's
/// messages in that device's order.
pub fn page(
    c: &Connection,
    conversation: &ConversationId,
    limit: usize,
    before: Option<MessageId>,
) -> Result<Vec<MessageInfo>> {
    // An unknown `before` is before everything: an empty page, not the newest one again.
    let lines = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM messages m JOIN conversations k ON k.id = m.conversation
             WHERE k.name = ?1 AND (?2 IS NULL OR m.seq < (SELECT seq FROM messages WHERE id = ?2))
             ORDER BY m.seq DESC LIMIT ?3"
        ))?
        .query_map(params![conversation.to_string(), before.map(|id| *id.0.as_bytes()), row::limit(limit)], line)?
        .collect::<Result<Vec<_>>>()?;
    Ok(in_authors_order(lines))
}

/// Newest first to oldest first; on the places that a device's messages hold, they are put in that device's order.
fn in_authors_order(mut lines: Vec<Line>) -> Vec<MessageInfo> {
    lines.reverse();
    let mut places: HashMap<_, Vec<(usize, u64)>> = HashMap::new();
    for (place, line) in lines.iter().enumerate() {
        places.entry((line.info.from.clone(), line.device)).or_default().push((place, line.number));
    }
    let mut order: Vec<usize> = (0..lines.len()).collect();
    for held in places.into_values() {
        let mut sorted = held.clone();
        sorted.sort_by_key(|(_, number)| *number);
        for ((place, _), (source, _)) in held.into_iter().zip(sorted) {
            if let Some(slot) = order.get_mut(place) {
                *slot = source;
            }
        }
    }
    let mut infos: Vec<Option<MessageInfo>> = lines.into_iter().map(|line| Some(line.info)).collect();
    order.into_iter().filter_map(|source| infos.get_mut(source).and_then(Option::take)).collect()
}

/// Messages with all these words, the last of them perhaps unfinished; accents and case do not matter. The newest `limit`, oldest first.
pub fn search(
    c: &Connection,
    text: &str,
    conversation: Option<&ConversationId>,
    from: Option<&Handle>,
    limit: usize,
) -> Result<Vec<MessageInfo>> {
    let Some(query) = query(text) else { return Ok(Vec::new()) };
    let mut lines = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM texts JOIN messages m ON m.seq = texts.rowid JOIN conversations k ON k.id = m.conversation
             WHERE texts MATCH ?1 AND (?2 IS NULL OR k.name = ?2) AND (?3 IS NULL OR m.author = ?3)
             ORDER BY texts.rowid DESC LIMIT ?4"
        ))?
        .query_map(
            params![query, conversation.map(ToString::to_string), from.map(Handle::as_str), row::limit(limit)],
            line,
        )?
        .collect::<Result<Vec<_>>>()?;
    lines.reverse();
    Ok(lines.into_iter().map(|line| line.info).collect())
}

/// Most words of a search: more of them only cost time.
const WORDS: usize = 32;

/// Each word quoted, so that nothing in it is the index's own language. `None` without a word.
fn query(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(WORDS)
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    (!words.is_empty()).then(|| format!("{} *", words.join(" ")))
}

/// All conversations with something in them, the one with the newest message first.
pub fn conversations(c: &Connection) -> Result<Vec<ConversationInfo>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS},
                (SELECT count(*) FROM messages u WHERE u.conversation = k.id AND u.own = 0 AND u.state < 3)
         FROM conversations k JOIN messages m ON m.seq = (SELECT max(seq) FROM messages n WHERE n.conversation = k.id)
         ORDER BY m.seq DESC"
    ))?
    .query_map([], |row| {
        let newest = line(row)?.info;
        let conversation = newest.conversation.clone();
        Ok(ConversationInfo { conversation, unread: row.get(9)?, newest: Some(newest) })
    })?
    .collect()
}
