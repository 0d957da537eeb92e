//! How far messages got: delivered and read, by friends, by members of a room, by this account on any of its devices. All marks are
//! positions in logs and only ever grow, so that they may come in any order and any number of times.

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Incarnation, MessageId};
use hobnob_shared::message::Mark;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{erase, logs, row};
use crate::core::event::MessageState;
use crate::core::message_key::MessageRef;
use crate::core::replica::ThreadKey;

/// How far somebody else is with messages of this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// On a disk of theirs.
    Delivered,
    /// Seen by them.
    Read,
}

impl Reached {
    fn column(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    fn state(self) -> i64 {
        match self {
            Self::Delivered => 2,
            Self::Read => 3,
        }
    }

    /// As it is told.
    pub fn told(self) -> MessageState {
        match self {
            Self::Delivered => MessageState::Delivered,
            Self::Read => MessageState::Read,
        }
    }
}

/// Whether the entry at this position of a log of ours has this id.
pub fn is_entry(c: &Connection, thread: &ThreadKey, mark: Mark, id: MessageId) -> Result<bool> {
    let Some(row) = logs::find_thread(c, thread)? else { return Ok(false) };
    let here: Option<MessageId> = c
        .prepare_cached("SELECT id FROM messages WHERE thread = ?1 AND device = ?2 AND number = ?3")?
        .query_row(params![row.thread, mark.device.0, mark.number.cast_signed()], |row| row::message(row, 0))
        .optional()?;
    // Of what was erased nobody can say it any more, and it was ours.
    here.map_or_else(|| Ok(mark.number <= erase::erased_to(c, row.thread, &mark.device)?), |here| Ok(here == id))
}

/// What of our logs somebody else got further with.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Further {
    /// Messages of which that is news, in order. Acts have no state that anybody is told.
    pub messages: Vec<MessageId>,
    /// It is of anything, acts too.
    pub any: bool,
}

impl Further {
    fn add(&mut self, entries: impl IntoIterator<Item = (MessageId, bool)>) {
        for (id, is_message) in entries {
            self.any = true;
            self.messages.extend(is_message.then_some(id));
        }
    }
}

/// A friend whose identity key is `key` is so far with these logs of ours. What was written to another key is not concerned.
pub fn by_friend(
    c: &Connection,
    friend: &Handle,
    key: Fingerprint,
    marks: &[Mark],
    reached: Reached,
) -> Result<Further> {
    let Some(row) = logs::find_thread(c, &ThreadKey::Direct(friend.clone()))? else { return Ok(Further::default()) };
    let mut news = Further::default();
    for mark in marks {
        let mut changed = c
            .prepare_cached(
                "UPDATE messages SET state = ?5
                 WHERE own = 1 AND state < ?5 AND thread = ?1 AND device = ?2 AND number <= ?3 AND meant_for = ?4
                 RETURNING number, id, act IS NULL",
            )?
            .query_map(params![row.thread, mark.device.0, mark.number.cast_signed(), key.0, reached.state()], |row| {
                Ok((row::number(row, 0)?, (row::message(row, 1)?, row.get(2)?)))
            })?
            .collect::<Result<Vec<_>>>()?;
        if changed.is_empty() {
            continue;
        }
        changed.sort_unstable_by_key(|(number, _)| *number);
        news.add(changed.into_iter().map(|(_, entry)| entry));
        logs::mark(c, row.thread, *mark, reached.column())?;
    }
    Ok(news)
}

/// A member of a room is so far with these logs of ours: what of it is news about this member.
pub fn by_member(
    c: &Connection,
    thread: &ThreadKey,
    member: &Handle,
    marks: &[Mark],
    reached: Reached,
) -> Result<Further> {
    let Some(row) = logs::find_thread(c, thread)? else { return Ok(Further::default()) };
    let column = reached.column();
    let mut news = Further::default();
    for mark in marks {
        let before: i64 = c
            .prepare_cached(&format!("SELECT {column} FROM marks WHERE thread = ?1 AND member = ?2 AND device = ?3"))?
            .query_row(params![row.thread, member.as_str(), mark.device.0], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        if mark.number.cast_signed() <= before {
            continue;
        }
        let found = c
            .prepare_cached(
                "SELECT id, act IS NULL FROM messages
                 WHERE thread = ?1 AND device = ?2 AND own = 1 AND number > ?3 AND number <= ?4 ORDER BY number",
            )?
            .query_map(params![row.thread, mark.device.0, before, mark.number.cast_signed()], |row| {
                Ok((row::message(row, 0)?, row.get(1)?))
            })?
            .collect::<Result<Vec<(MessageId, bool)>>>()?;
        if found.is_empty() {
            continue;
        }
        c.prepare_cached(
            "INSERT INTO marks (thread, member, device, delivered, read) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET delivered = max(delivered, excluded.delivered), read = max(read, excluded.read)",
        )?
        .execute(params![
            row.thread,
            member.as_str(),
            mark.device.0,
            mark.number.cast_signed(),
            if reached == Reached::Read { mark.number.cast_signed() } else { 0 },
        ])?;
        c.prepare_cached(
            "UPDATE messages SET state = ?4 WHERE own = 1 AND state < ?4 AND thread = ?1 AND device = ?2 AND number <= ?3",
        )?
        .execute(params![row.thread, mark.device.0, mark.number.cast_signed(), reached.state()])?;
        logs::mark(c, row.thread, *mark, column)?;
        news.add(found);
    }
    Ok(news)
}

/// What this account has seen, as it may be told to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where.
    pub conversation: ConversationId,
    /// The thread of the newest message that was seen, and how far each log of others in it was.
    pub marks: Vec<(ThreadKey, Vec<Mark>)>,
}

/// I have seen everything up to this message. Answers where it stands, and what of it was new. `None` if there is no such message. Where its
/// author is not said and several have used its id, all of them are meant.
pub fn by_me(c: &Connection, message: &MessageRef) -> Result<Option<Seen>> {
    let places: Vec<(i64, i64, ConversationId)> = c
        .prepare_cached(
            "SELECT m.conversation, m.clock, k.name FROM messages m JOIN conversations k ON k.id = m.conversation
             WHERE m.id = ?1 AND (?2 IS NULL OR m.author = ?2) ORDER BY m.seq",
        )?
        .query_map(params![message.id.0.as_bytes(), message.author.as_ref().map(Handle::as_str)], |row| {
            Ok((row.get(0)?, row.get(1)?, row::text(row, 2)?))
        })?
        .collect::<Result<_>>()?;
    let Some((_, _, name)) = places.first().cloned() else { return Ok(None) };
    let mut changed = Vec::new();
    for (conversation, clock, _) in places {
        let some = c
            .prepare_cached(
                "UPDATE messages SET state = 3 WHERE conversation = ?1 AND clock <= ?2 AND own = 0 AND state < 3
                 RETURNING thread, device, number",
            )?
            .query_map([conversation, clock], |row| {
                let mark = Mark { device: DeviceId(row::bytes(row, 1)?), number: row::number(row, 2)? };
                Ok((row.get::<_, i64>(0)?, mark))
            })?
            .collect::<Result<Vec<_>>>()?;
        changed.extend(some);
    }
    let mut newest: std::collections::BTreeMap<(i64, [u8; 32]), Mark> = std::collections::BTreeMap::new();
    for (thread, mark) in changed {
        let slot = newest.entry((thread, mark.device.0)).or_insert(mark);
        slot.number = slot.number.max(mark.number);
    }
    let mut marks: Vec<(ThreadKey, Vec<Mark>)> = Vec::new();
    for ((thread, _), mark) in newest {
        logs::mark(c, thread, mark, "read")?;
        let key: ThreadKey =
            c.prepare_cached("SELECT key FROM threads WHERE id = ?1")?.query_row([thread], |row| row::text(row, 0))?;
        match marks.iter_mut().find(|(known, _)| *known == key) {
            Some((_, list)) => list.push(mark),
            None => marks.push((key, vec![mark])),
        }
    }
    Ok(Some(Seen { conversation: name, marks }))
}

/// Another device of this account has seen the logs of others so far. Answers the newest message of which that is news.
pub fn by_my_other_device(c: &Connection, thread: &ThreadKey, marks: &[Mark]) -> Result<Option<MessageId>> {
    let Some(row) = logs::find_thread(c, thread)? else { return Ok(None) };
    let mut newest: Option<(i64, MessageId)> = None;
    for mark in marks {
        let changed = c
            .prepare_cached(
                "UPDATE messages SET state = 3 WHERE thread = ?1 AND device = ?2 AND number <= ?3 AND own = 0 AND state < 3
                 RETURNING clock, id",
            )?
            .query_map(params![row.thread, mark.device.0, mark.number.cast_signed()], |row| {
                Ok((row.get::<_, i64>(0)?, row::message(row, 1)?))
            })?
            .collect::<Result<Vec<_>>>()?;
        logs::mark(c, row.thread, *mark, "read")?;
        newest = newest.into_iter().chain(changed).max_by_key(|(clock, _)| *clock);
    }
    Ok(newest.map(|(_, id)| id))
}

/// How far somebody is with the logs of this account: who, delivered, read.
pub type OfMember = (Handle, Vec<Mark>, Vec<Mark>);

/// How far each member of a room is with the logs of this account.
pub fn of_members(c: &Connection, room: Incarnation) -> Result<Vec<OfMember>> {
    let mut statement = c.prepare_cached(
        "SELECT m.member, m.device, m.delivered, m.read FROM marks m JOIN threads t ON t.id = m.thread
         WHERE t.key = ?1 ORDER BY m.member",
    )?;
    let mut rows = statement.query([room.to_string()])?;
    let mut found: Vec<OfMember> = Vec::new();
    while let Some(row) = rows.next()? {
        let member: Handle = row::text(row, 0)?;
        let device = DeviceId(row::bytes(row, 1)?);
        let (delivered, read) = (row::number(row, 2)?, row::number(row, 3)?);
        if found.last().is_none_or(|(who, ..)| *who != member) {
            found.push((member, Vec::new(), Vec::new()));
        }
        if let Some((_, deliveries, reads)) = found.last_mut() {
            deliveries.push(Mark { device, number: delivered });
            reads.extend((read > 0).then_some(Mark { device, number: read }));
        }
    }
    Ok(found)
}
