//! Messages on the disk: the outbox, what arrived, and how far each got. Called with an open connection inside
//! [`super::History::write`] or [`super::History::read`]; used by the `Registry` (own messages, read marks) and `PeerLink` (queue, arrivals).

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, MessageId};
use hobnob_shared::message::PeerMessage;
use rusqlite::{Connection, OptionalExtension, Result, params};

pub use super::pages::{conversations, page, search};
use super::row;
use crate::core::event::{MessageInfo, MessageState};

/// A message of one's own, about to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Where.
    pub conversation: ConversationId,
    /// Oneself.
    pub from: Handle,
    /// Made by the caller.
    pub id: MessageId,
    /// What was written.
    pub text: String,
    /// Milliseconds since 1970.
    pub sent_at: u64,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// The identity key that it is written to; it goes out over a link to that key only.
    pub meant_for: Option<Fingerprint>,
}

/// What became of a message that arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// It was not known: show it.
    New(MessageInfo),
    /// It is on the disk already: acknowledge it, show nothing.
    Duplicate,
    /// Another message has this id: neither show nor acknowledge.
    Conflict,
}

pub(super) const QUEUED: i64 = 0;
pub(super) const DELIVERED: i64 = 2;
pub(super) const READ: i64 = 3;

pub(super) fn state(stored: i64) -> MessageState {
    match stored {
        READ => MessageState::Read,
        DELIVERED => MessageState::Delivered,
        _ => MessageState::Queued,
    }
}

/// The row of a conversation, made if there is none.
fn conversation_row(c: &Connection, conversation: &ConversationId) -> Result<i64> {
    let name = conversation.to_string();
    if let Some(row) = find_conversation(c, &name)? {
        return Ok(row);
    }
    c.prepare_cached("INSERT INTO conversations (name) VALUES (?1)")?.execute([&name])?;
    Ok(c.last_insert_rowid())
}

fn find_conversation(c: &Connection, name: &str) -> Result<Option<i64>> {
    c.prepare_cached("SELECT id FROM conversations WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()
}

/// Stores an own message and gives it its number in the conversation: from 1, one by one, whatever crashes.
pub fn insert_own(c: &Connection, message: &NewMessage) -> Result<u64> {
    let conversation = conversation_row(c, &message.conversation)?;
    let number: i64 = c
        .prepare_cached(
            "UPDATE conversations SET next_number = next_number + 1 WHERE id = ?1 RETURNING next_number - 1",
        )?
        .query_row([conversation], |row| row.get(0))?;
    c.prepare_cached(
        "INSERT INTO messages (conversation, id, author, own, number, sent_at, text, reply_to, meant_for, state)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        conversation,
        message.id.0.as_bytes(),
        message.from.as_str(),
        number,
        message.sent_at.cast_signed(),
        message.text,
        message.reply_to.map(|id| *id.0.as_bytes()),
        message.meant_for.map(|key| key.0),
        QUEUED,
    ])?;
    Ok(number.cast_unsigned())
}

/// Own messages to `friend` that are not delivered yet, in the order of their numbers, from behind `after_number`. Those meant for another
/// key than `meant_for` are left where they are.
pub fn queued(
    c: &Connection,
    friend: &Handle,
    meant_for: Fingerprint,
    after_number: u64,
    limit: usize,
) -> Result<Vec<PeerMessage>> {
    c.prepare_cached(
        "SELECT m.id, m.number, m.sent_at, m.text, m.reply_to
         FROM messages m JOIN conversations k ON k.id = m.conversation
         WHERE k.name = '@' || ?1 AND m.own = 1 AND m.state < 2 AND m.meant_for = ?2 AND m.number > ?3
         ORDER BY m.number LIMIT ?4",
    )?
    .query_map(params![friend.as_str(), meant_for.0, after_number.cast_signed(), row::limit(limit)], |row| {
        Ok(PeerMessage {
            id: row::message(row, 0)?,
            number: row::number(row, 1)?,
            sent_at: row::number(row, 2)?,
            text: row.get(3)?,
            reply_to: row::some_bytes(row, 4)?.map(row::message_id),
        })
    })?
    .collect()
}

/// Friends for whom something is queued under the key that they are pinned with.
pub fn waiting_for(c: &Connection) -> Result<Vec<Handle>> {
    c.prepare_cached(
        "SELECT f.user FROM friends f JOIN conversations k ON k.name = '@' || f.user
         WHERE EXISTS (SELECT 1 FROM messages m
                       WHERE m.conversation = k.id AND m.own = 1 AND m.state < 2 AND m.meant_for = f.account)",
    )?
    .query_map([], |row| row::text(row, 0))?
    .collect()
}

/// Stores a message that arrived. The same message again is a duplicate, another one under its id a conflict.
pub fn insert_incoming(
    c: &Connection,
    conversation: &ConversationId,
    from: &Handle,
    device: DeviceId,
    message: &PeerMessage,
) -> Result<Stored> {
    let known: Option<(String, String, String)> = c
        .prepare_cached(
            "SELECT m.author, m.text, k.name FROM messages m JOIN conversations k ON k.id = m.conversation
             WHERE m.id = ?1",
        )?
        .query_row([message.id.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    if let Some((author, text, place)) = known {
        let same = author == from.as_str() && text == message.text && place == conversation.to_string();
        return Ok(if same { Stored::Duplicate } else { Stored::Conflict });
    }
    let row = conversation_row(c, conversation)?;
    c.prepare_cached(
        "INSERT INTO messages (conversation, id, author, device, own, number, sent_at, text, reply_to, state)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        row,
        message.id.0.as_bytes(),
        from.as_str(),
        device.0,
        message.number.cast_signed(),
        message.sent_at.cast_signed(),
        message.text,
        message.reply_to.map(|id| *id.0.as_bytes()),
        DELIVERED,
    ])?;
    Ok(Stored::New(MessageInfo {
        conversation: conversation.clone(),
        message: message.id,
        from: from.clone(),
        text: message.text.clone(),
        sent_at: message.sent_at,
        reply_to: message.reply_to,
        state: MessageState::Delivered,
        clock: message.sent_at,
        device,
        number: message.number,
    }))
}

/// These own messages are on a disk of `friend`'s. Answers those of which that is news.
pub fn mark_delivered(c: &Connection, friend: &Handle, ids: &[MessageId]) -> Result<Vec<MessageId>> {
    let Some(conversation) = find_conversation(c, &format!("@{friend}"))? else { return Ok(Vec::new()) };
    let mut change = c.prepare_cached(
        "UPDATE messages SET state = 2 WHERE id = ?1 AND conversation = ?2 AND own = 1 AND state < 2",
    )?;
    let mut changed = Vec::new();
    for id in ids {
        if change.execute(params![id.0.as_bytes(), conversation])? > 0 {
            changed.push(*id);
        }
    }
    Ok(changed)
}

/// The other side has seen everything of mine up to this message. Answers those of which that is news, in order.
pub fn mark_read_by_peer(c: &Connection, conversation: &ConversationId, up_to: MessageId) -> Result<Vec<MessageId>> {
    let mut changed = c
        .prepare_cached(
            "UPDATE messages SET state = 3 FROM (
                 SELECT m.conversation AS place, m.number AS newest, m.meant_for AS key
                 FROM messages m JOIN conversations k ON k.id = m.conversation
                 WHERE m.id = ?1 AND m.own = 1 AND k.name = ?2)
             WHERE own = 1 AND state < 3 AND conversation = place AND number <= newest AND meant_for IS key
             RETURNING number, id",
        )?
        .query_map(params![up_to.0.as_bytes(), conversation.to_string()], |row| {
            Ok((row::number(row, 0)?, row::message(row, 1)?))
        })?
        .collect::<Result<Vec<_>>>()?;
    changed.sort_unstable_by_key(|(number, _)| *number);
    Ok(changed.into_iter().map(|(_, id)| id).collect())
}

/// I have seen everything up to this message. Answers where it stands and, if any of it was new, the newest message of the others' among
/// it: what they may be told. `None` if there is no such message.
pub fn mark_read_by_me(c: &Connection, message: MessageId) -> Result<Option<(ConversationId, Option<MessageId>)>> {
    let place: Option<(i64, i64, ConversationId)> = c
        .prepare_cached(
            "SELECT m.conversation, m.seq, k.name FROM messages m JOIN conversations k ON k.id = m.conversation
             WHERE m.id = ?1",
        )?
        .query_row([message.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row::text(row, 2)?)))
        .optional()?;
    let Some((conversation, seq, name)) = place else { return Ok(None) };
    let changed = c
        .prepare_cached(
            "UPDATE messages SET state = 3 WHERE conversation = ?1 AND seq <= ?2 AND own = 0 AND state < 3",
        )?
        .execute([conversation, seq])?;
    let newest = if changed > 0 { newest_read(c, conversation)? } else { None };
    Ok(Some((name, newest)))
}

/// The newest message of the others' in this conversation that I have seen, to tell them again on a new link.
pub fn last_read_by_me(c: &Connection, conversation: &ConversationId) -> Result<Option<MessageId>> {
    match find_conversation(c, &conversation.to_string())? {
        Some(row) => newest_read(c, row),
        None => Ok(None),
    }
}

fn newest_read(c: &Connection, conversation: i64) -> Result<Option<MessageId>> {
    c.prepare_cached(
        "SELECT id FROM messages WHERE conversation = ?1 AND own = 0 AND state = 3 ORDER BY seq DESC LIMIT 1",
    )?
    .query_row([conversation], |row| row::message(row, 0))
    .optional()
}

/// Sends what is queued for a friend's old key to their new one. Answers how many messages that are.
pub fn readdress(c: &Connection, friend: &Handle, from_key: Fingerprint, to_key: Fingerprint) -> Result<usize> {
    let Some(conversation) = find_conversation(c, &format!("@{friend}"))? else { return Ok(0) };
    c.prepare_cached(
        "UPDATE messages SET meant_for = ?3 WHERE conversation = ?1 AND own = 1 AND state < 2 AND meant_for = ?2",
    )?
    .execute(params![conversation, from_key.0, to_key.0])
}
