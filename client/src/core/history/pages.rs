//! Reading what was said: pages of a conversation, the list of conversations. Used by the `Registry` inside [`super::History::read`].

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId};
use hobnob_shared::mention;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{acts, logs, messages, row};
use crate::core::clock::now_ms;
use crate::core::event::{ConversationInfo, MessageInfo, Notify};
use crate::core::message_key::MessageRef;

/// What [`line`] reads, from `messages m JOIN conversations k`.
pub(super) const COLUMNS: &str = "k.name, m.id, m.author, m.text, m.sent_at, m.reply_to, m.state, m.device, m.number, m.clock, m.edited, m.deleted, m.thread";
/// What a conversation is sorted by, the same for everybody.
const NEWEST_FIRST: &str = "m.clock DESC, m.author DESC, m.device DESC, m.number DESC";
const OLDEST_FIRST: &str = "m.clock, m.author, m.device, m.number";
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

/// Which part of a conversation is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Part {
    /// Its end.
    #[default]
    Newest,
    /// What stands right before this message.
    Before(MessageRef),
    /// What stands right after it.
    After(MessageRef),
    /// This message, with about as much before it as after it.
    Around(MessageRef),
    /// The same for the first message of this time or later, in milliseconds since 1970: by the clock that orders the conversation, which is
    /// in the index. Nobody's clock stands behind the time at which they wrote, so nothing of that time is left out; if there is nothing
    /// so late, the end.
    At(u64),
}

/// A part of a conversation, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The part.
    pub messages: Vec<MessageInfo>,
    /// Something stands before it.
    pub earlier: bool,
    /// Something stands after it.
    pub later: bool,
    /// The message that it was read around, if there is one.
    pub found: Option<MessageId>,
}

/// Where a message stands in its conversation.
struct Place(i64, String, [u8; 32], i64);

impl Place {
    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self(row.get(0)?, row.get(1)?, row::bytes(row, 2)?, row.get(3)?))
    }

    fn of(info: &MessageInfo) -> Self {
        Self(info.clock.cast_signed(), info.from.to_string(), info.device.0, info.number.cast_signed())
    }
}

/// Which side of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    From,
    After,
}

/// One conversation of an open history.
struct Reader<'a> {
    c: &'a Connection,
    conversation: i64,
}

impl Reader<'_> {
    /// At most `limit` messages from beside a place, the nearest first. The index that orders conversations leads there.
    fn beside(&self, place: &Place, side: Side, limit: usize) -> Result<Vec<MessageInfo>> {
        let (compared, order) = match side {
            Side::Before => ("<", NEWEST_FIRST),
            Side::From => (">=", OLDEST_FIRST),
            Side::After => (">", OLDEST_FIRST),
        };
        self.c
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM messages m JOIN conversations k ON k.id = m.conversation
                 WHERE m.conversation = ?1 AND {SHOWN} AND (m.clock, m.author, m.device, m.number) {compared} (?3, ?4, ?5, ?6)
                 ORDER BY {order} LIMIT ?2"
            ))?
            .query_map(
                params![self.conversation, row::limit(limit), place.0, place.1, place.2, place.3],
                |row| line(self.c, row),
            )?
            .collect()
    }

    fn is_any(&self, place: &Place, side: Side) -> Result<bool> {
        Ok(!self.beside(place, side, 1)?.is_empty())
    }

    fn newest(&self, limit: usize) -> Result<Vec<MessageInfo>> {
        self.c
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM messages m JOIN conversations k ON k.id = m.conversation
                 WHERE m.conversation = ?1 AND {SHOWN} ORDER BY {NEWEST_FIRST} LIMIT ?2"
            ))?
            .query_map(params![self.conversation, row::limit(limit)], |row| line(self.c, row))?
            .collect()
    }

    /// Where a message stands; of several that may be meant the last.
    fn place(&self, of: &MessageRef) -> Result<Option<Place>> {
        self.c
            .prepare_cached(&format!(
                "SELECT m.clock, m.author, m.device, m.number FROM messages m
                 WHERE m.id = ?1 AND m.conversation = ?2 AND m.act IS NULL AND (?3 IS NULL OR m.author = ?3)
                 ORDER BY {NEWEST_FIRST} LIMIT 1"
            ))?
            .query_row(
                params![of.id.0.as_bytes(), self.conversation, of.author.as_ref().map(Handle::as_str)],
                Place::read,
            )
            .optional()
    }

    /// The first message of this time or later.
    fn first_at(&self, at: u64) -> Result<Option<MessageInfo>> {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        Ok(self.beside(&Place(at, String::new(), [0; 32], 0), Side::From, 1)?.into_iter().next())
    }

    fn end(&self, limit: usize) -> Result<Page> {
        let mut messages = self.newest(limit.saturating_add(1))?;
        let earlier = messages.len() > limit;
        messages.truncate(limit);
        messages.reverse();
        Ok(Page { messages, earlier, ..Page::default() })
    }

    fn before(&self, place: &Place, limit: usize) -> Result<Page> {
        let mut messages = self.beside(place, Side::Before, limit.saturating_add(1))?;
        let earlier = messages.len() > limit;
        messages.truncate(limit);
        messages.reverse();
        Ok(Page { messages, earlier, later: self.is_any(place, Side::From)?, found: None })
    }

    fn after(&self, place: &Place, limit: usize) -> Result<Page> {
        let mut messages = self.beside(place, Side::After, limit.saturating_add(1))?;
        let later = messages.len() > limit;
        messages.truncate(limit);
        let earlier = match messages.first() {
            Some(first) => self.is_any(&Place::of(first), Side::Before)?,
            None => self.is_any(place, Side::From)? || self.is_any(place, Side::Before)?,
        };
        Ok(Page { messages, earlier, later, found: None })
    }

    /// Half of `limit` on each side; what one side has not is taken from the other.
    fn around(&self, place: &Place, found: MessageId, limit: usize) -> Result<Page> {
        let most = limit.saturating_add(1);
        let (mut before, mut after) = (self.beside(place, Side::Before, most)?, self.beside(place, Side::From, most)?);
        let half = limit / 2;
        let old = before.len().min(half.max(limit.saturating_sub(after.len())));
        let new = after.len().min(limit - old);
        let (earlier, later) = (before.len() > old, after.len() > new);
        before.truncate(old);
        after.truncate(new);
        before.reverse();
        before.append(&mut after);
        Ok(Page { messages: before, earlier, later, found: Some(found) })
    }
}

/// At most `limit` messages of a part of a conversation. What stands beside an unknown message is nothing.
pub fn page(c: &Connection, conversation: &ConversationId, limit: usize, part: Part) -> Result<Page> {
    let Some(row) = logs::find_conversation(c, &conversation.to_string())? else { return Ok(Page::default()) };
    let reader = Reader { c, conversation: row };
    let place = |of: &MessageRef| reader.place(of);
    match part {
        Part::Newest => reader.end(limit),
        Part::Before(of) => place(&of)?.map_or_else(|| Ok(Page::default()), |place| reader.before(&place, limit)),
        Part::After(of) => place(&of)?.map_or_else(|| Ok(Page::default()), |place| reader.after(&place, limit)),
        Part::Around(of) => {
            place(&of)?.map_or_else(|| Ok(Page::default()), |place| reader.around(&place, of.id, limit))
        }
        Part::At(at) => match reader.first_at(at)? {
            Some(first) => reader.around(&Place::of(&first), first.message, limit),
            None => reader.end(limit),
        },
    }
}

/// Whether something was said from each of these times to the next, by the same clock as [`Part::At`].
pub fn days(c: &Connection, conversation: &ConversationId, starts: &[u64]) -> Result<Vec<bool>> {
    let Some(row) = logs::find_conversation(c, &conversation.to_string())? else {
        return Ok(vec![false; starts.len().saturating_sub(1)]);
    };
    let reader = Reader { c, conversation: row };
    let any = |day: &[u64]| Ok(reader.first_at(day[0])?.is_some_and(|first| first.clock < day[1]));
    starts.windows(2).map(any).collect()
}

/// The first `limit` messages behind one that was read before, or of all with none; for going through a whole conversation.
pub fn following(
    c: &Connection,
    conversation: &ConversationId,
    last: Option<&MessageInfo>,
    limit: usize,
) -> Result<Vec<MessageInfo>> {
    let Some(row) = logs::find_conversation(c, &conversation.to_string())? else { return Ok(Vec::new()) };
    let reader = Reader { c, conversation: row };
    match last {
        Some(last) => reader.beside(&Place::of(last), Side::After, limit),
        None => reader.beside(&Place(i64::MIN, String::new(), [0; 32], i64::MIN), Side::From, limit),
    }
}

/// A message of a conversation, if it is shown there. None where several have that id: an id is its author's, and who has only the id does not
/// know whose words are meant.
pub fn find(c: &Connection, conversation: &ConversationId, id: MessageId) -> Result<Option<MessageInfo>> {
    let mut found = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM messages m JOIN conversations k ON k.id = m.conversation
             WHERE m.id = ?1 AND k.name = ?2 AND {SHOWN} LIMIT 2"
        ))?
        .query_map(params![id.0.as_bytes(), conversation.to_string()], |row| line(c, row))?
        .collect::<Result<Vec<_>>>()?;
    Ok(found.pop().filter(|_| found.is_empty()))
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

/// All conversations of `me` with something in them, the one in which something came last first. What a clock that runs ahead puts at a
/// conversation's end is the newest there, and yet does not hide from this order what came since.
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
         ORDER BY max(m.seq, coalesce((
             SELECT m.seq FROM messages m WHERE m.conversation = k.id AND {SHOWN} AND m.clock <= ?1 ORDER BY {NEWEST_FIRST} LIMIT 1), 0)) DESC"
    ))?
    .query_map([now_ms().saturating_add(messages::AHEAD).cast_signed()], |row| {
        let newest = line(c, row)?;
        let conversation = newest.conversation.clone();
        let unread = row.get(13)?;
        Ok(ConversationInfo { conversation, unread, mentions: 0, newest: Some(newest), notify: Notify::All })
    })?
    .collect()
}
