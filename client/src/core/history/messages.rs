//! Messages on the disk: the own log, what arrived, and how far each got. Called with an open connection inside
//! [`super::History::write`] or [`super::History::read`]; used by the `Registry` (own messages, marks) and `PeerLink` (logs to send, arrivals).

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, MessageId};
use hobnob_shared::identity::IdentityError;
use hobnob_shared::limits::{CLOCK, ENTRIES};
use hobnob_shared::message::{Act, Entry, Head, RoomEntry, SignedEntry, What};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::acts::{self, Deed, News};
use super::logs::{self, ThreadRow};
use super::{erase, found, row, signed};
use crate::core::clock::now_ms;
use crate::core::event::MessageState;
use crate::core::peer_link::Refused;
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::{Candidate, End, Refusal, Verdict, judge};

/// Signs an own entry of a room.
pub type Sign = Box<dyn Fn(&RoomEntry) -> std::result::Result<SignedEntry, IdentityError> + Send>;

/// A message of one's own, about to be stored.
pub struct NewMessage {
    /// Where.
    pub thread: ThreadKey,
    /// The same for people.
    pub conversation: ConversationId,
    /// Oneself.
    pub from: Handle,
    /// This account's identity key.
    pub account: Fingerprint,
    /// This device.
    pub device: DeviceId,
    /// Made by the caller.
    pub id: MessageId,
    /// What was written.
    pub text: String,
    /// Milliseconds since 1970.
    pub sent_at: u64,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// It changes a message.
    pub act: Option<Act>,
    /// The identity key that it is written to; it goes out over a link to that key only.
    pub meant_for: Option<Fingerprint>,
    /// In a room.
    pub sign: Option<Sign>,
}

/// Where an own message stands in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// In the own log.
    pub number: u64,
    /// Orders the conversation.
    pub clock: u64,
}

/// A part of a log that arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Where.
    pub thread: &'a ThreadKey,
    /// The same for people.
    pub conversation: &'a ConversationId,
    /// Whose log.
    pub author: &'a Handle,
    /// Of which device.
    pub device: DeviceId,
    /// Of this account.
    pub own: bool,
    /// What the entries are said to follow.
    pub after: u64,
}

/// What became of a part of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// New, in order: to be told with [`acts::told`], once the whole batch is stored.
    pub new: Vec<News>,
    /// Where the copy ends now; `None` for an empty one.
    pub head: Option<Head>,
    /// Something before the part is missing.
    pub gap: bool,
    /// An entry was refused, and all behind it.
    pub refused: Option<Refusal>,
    /// What came behind these was signed too late.
    pub late: Option<Refused>,
}

impl Taken {
    /// Rows of the messages in it.
    pub fn messages(&self) -> impl Iterator<Item = i64> {
        self.new.iter().filter_map(|news| match news {
            News::Message(seq) => Some(*seq),
            News::Act(_) => None,
        })
    }
}

const QUEUED: i64 = 0;
const DELIVERED: i64 = 2;
const READ: i64 = 3;

pub(super) fn state(stored: i64) -> MessageState {
    match stored {
        READ => MessageState::Read,
        DELIVERED => MessageState::Delivered,
        _ => MessageState::Queued,
    }
}

/// Clocks of others that run further ahead, in milliseconds, are not followed: one wrong clock would put everybody's words after it.
pub(super) const AHEAD: u64 = 60_000;

/// Not behind the wall clock, greater than the own log's, and greater than every clock in the conversation that can be right.
pub(super) fn next_clock(c: &Connection, conversation: i64, own: u64) -> Result<u64> {
    let now = now_ms();
    let newest: Option<i64> = c
        .prepare_cached("SELECT max(clock) FROM messages WHERE conversation = ?1 AND clock <= ?2")?
        .query_row([conversation, now.saturating_add(AHEAD).min(CLOCK).cast_signed()], |row| row.get(0))?;
    // What was erased counts too: its logs still say how far they went.
    let ends: Option<i64> = c
        .prepare_cached(
            "SELECT max(l.clock) FROM logs l JOIN threads t ON t.id = l.thread WHERE t.conversation = ?1 AND l.clock <= ?2",
        )?
        .query_row([conversation, now.saturating_add(AHEAD).min(CLOCK).cast_signed()], |row| row.get(0))?;
    let newest = newest.max(ends).map_or(0, i64::cast_unsigned).max(own);
    Ok(now.max(newest.saturating_add(1)).min(CLOCK))
}

/// Stores an own message and gives it its number in the thread: from 1, one by one, whatever crashes.
pub fn insert_own(c: &Connection, message: &NewMessage) -> Result<Placed> {
    let row = logs::thread_row(c, &message.thread, &message.conversation)?;
    let end = logs::end(c, row.thread, &message.device)?.map_or(End::EMPTY, |(_, end)| end);
    let placed = Placed { number: end.number + 1, clock: next_clock(c, row.conversation, end.clock)? };
    let entry = Entry {
        id: message.id,
        number: placed.number,
        clock: placed.clock,
        sent_at: message.sent_at,
        text: message.text.clone(),
        reply_to: message.reply_to,
        meant_for: message.meant_for,
        act: message.act.clone(),
    };
    insert(c, row, &message.from, message.device, &entry, (true, QUEUED))?;
    let mut hash = end.hash;
    if let (ThreadKey::Room(room), Some(sign)) = (&message.thread, &message.sign) {
        let entry = RoomEntry {
            room: *room,
            account: message.account,
            device: message.device,
            number: placed.number,
            previous: end.hash,
            clock: placed.clock,
            id: message.id,
            sent_at: message.sent_at,
            text: message.text.clone(),
            reply_to: message.reply_to,
            act: message.act.clone(),
        };
        let signed = sign(&entry).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        hash = signed::keep(c, row.thread, message.device, placed.number, &signed)?;
    }
    let end = End { number: placed.number, last: message.id, clock: placed.clock, hash };
    logs::put(c, row.thread, &message.device, &message.from, &end)?;
    Ok(placed)
}

/// Its row. A message without text was taken back before it came here.
fn insert(
    c: &Connection,
    row: ThreadRow,
    author: &Handle,
    device: DeviceId,
    entry: &Entry,
    (own, state): (bool, i64),
) -> Result<i64> {
    let place = match entry.act {
        None => Some(found::free_place(c, entry.clock, entry.id)?),
        Some(_) => None,
    };
    c.prepare_cached(
        "INSERT INTO messages (conversation, thread, id, author, device, own, number, clock, sent_at, text, reply_to, meant_for, state,
                               act, target, deleted, place)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        row.conversation,
        row.thread,
        entry.id.0.as_bytes(),
        author.as_str(),
        device.0,
        own,
        entry.number.cast_signed(),
        entry.clock.cast_signed(),
        entry.sent_at.cast_signed(),
        entry.text,
        entry.reply_to.map(|id| *id.0.as_bytes()),
        entry.meant_for.map(|key| key.0),
        state,
        entry.act.as_ref().map(|act| act.what.name()),
        entry.act.as_ref().map(|act| *act.of.0.as_bytes()),
        entry.act.is_none() && entry.text.is_empty(),
        place,
    ])?;
    Ok(c.last_insert_rowid())
}

/// Entries of a log from behind `after`, in order: at most `limit` of them, and of so many bytes as fit a frame. With `only_for`, those
/// that were written to that key. Tells whether there was nothing more.
pub fn entries(
    c: &Connection,
    thread: &ThreadKey,
    device: DeviceId,
    only_for: Option<Fingerprint>,
    after: u64,
    limit: usize,
) -> Result<(Vec<Entry>, bool)> {
    let Some(row) = logs::find_thread(c, thread)? else { return Ok((Vec::new(), true)) };
    let mut statement = c.prepare_cached(
        "SELECT id, number, clock, sent_at, text, reply_to, meant_for, act, target FROM messages
         WHERE thread = ?1 AND device = ?2 AND number > ?3 AND (?4 IS NULL OR meant_for = ?4)
         ORDER BY number",
    )?;
    let mut rows = statement.query(params![row.thread, device.0, after.cast_signed(), only_for.map(|key| key.0)])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let entry = Entry {
            id: row::message(row, 0)?,
            number: row::number(row, 1)?,
            clock: row::number(row, 2)?,
            sent_at: row::number(row, 3)?,
            text: row.get(4)?,
            reply_to: row::some_bytes(row, 5)?.map(row::message_id),
            meant_for: row::some_bytes(row, 6)?.map(Fingerprint),
            act: act(row, 7)?,
        };
        bytes += entry.text.len() + ENTRY_OVERHEAD;
        if found.len() >= limit || (bytes > ENTRIES && !found.is_empty()) {
            return Ok((found, false));
        }
        found.push(entry);
    }
    Ok((found, true))
}

fn act(row: &rusqlite::Row<'_>, from: usize) -> Result<Option<Act>> {
    let what: Option<String> = row.get(from)?;
    let of = row::some_bytes(row, from + 1)?.map(row::message_id);
    Ok(what.zip(of).map(|(what, of)| Act { of, what: What::from_name(&what) }))
}

/// Own messages with numbers from `first` to `last` that nobody has yet, as far as is known. Acts are none.
pub fn waiting(c: &Connection, thread: &ThreadKey, device: DeviceId, first: u64, last: u64) -> Result<Vec<MessageId>> {
    let Some(row) = logs::find_thread(c, thread)? else { return Ok(Vec::new()) };
    c.prepare_cached(
        "SELECT id FROM messages WHERE own = 1 AND state < 2 AND thread = ?1 AND number BETWEEN ?3 AND ?4 AND device = ?2
         AND act IS NULL ORDER BY number",
    )?
    .query_map(params![row.thread, device.0, first.cast_signed(), last.cast_signed()], |row| row::message(row, 0))?
    .collect()
}

/// Bytes of an entry beside its text, at most: an act of a later version has a name of up to 64.
pub(super) const ENTRY_OVERHEAD: usize = 300;

/// Stores what of a part of a log is new and follows.
pub fn insert_entries(c: &Connection, arrival: &Arrival<'_>, entries: &[Entry]) -> Result<Taken> {
    let candidates = entries.iter().map(|entry| {
        let Entry { id, number, clock, .. } = *entry;
        (Candidate { id, number, clock, size: entry.text.len(), chained: None }, entry.clone(), None)
    });
    take(c, arrival, candidates)
}

/// As [`insert_entries`], in a room, where the signatures are checked already.
pub fn insert_signed(c: &Connection, arrival: &Arrival<'_>, entries: &[(RoomEntry, SignedEntry)]) -> Result<Taken> {
    let candidates = entries.iter().map(|(entry, sealed)| {
        let plain = Entry {
            id: entry.id,
            number: entry.number,
            clock: entry.clock,
            sent_at: entry.sent_at,
            text: entry.text.clone(),
            reply_to: entry.reply_to,
            meant_for: None,
            act: entry.act.clone(),
        };
        let chained = Some((entry.previous, signed::hash(&sealed.body)));
        let candidate =
            Candidate { id: entry.id, number: entry.number, clock: entry.clock, size: entry.text.len(), chained };
        (candidate, plain, Some(sealed))
    });
    take(c, arrival, candidates)
}

fn take<'a>(
    c: &Connection,
    arrival: &Arrival<'_>,
    candidates: impl Iterator<Item = (Candidate, Entry, Option<&'a SignedEntry>)>,
) -> Result<Taken> {
    let row = logs::thread_row(c, arrival.thread, arrival.conversation)?;
    let known = logs::end(c, row.thread, &arrival.device)?;
    let mut end = known.as_ref().map_or(End::EMPTY, |(_, end)| *end);
    let mut taken = Taken { new: Vec::new(), head: None, gap: false, refused: None, late: None };
    if known.is_some_and(|(author, _)| author != *arrival.author) {
        // Not acknowledged: what is kept under that name is somebody else's.
        taken.refused = Some(Refusal::Conflict);
        return Ok(taken);
    }
    let shown = !matches!(arrival.conversation, ConversationId::Room(_)) || !is_blocked(c, arrival.author)?;
    let before = end.number;
    for (candidate, entry, sealed) in candidates {
        if taken.refused.is_some() {
            break;
        }
        let place = end;
        let held = holder(c, entry.id, arrival.author)?;
        let gone = held.is_none() && erase::is_erased(c, entry.id, arrival.author)?;
        match judge(&mut end, arrival.after, &candidate) {
            Verdict::Known => {}
            Verdict::Gap => {
                taken.gap = true;
                break;
            }
            Verdict::Refuse(why) => taken.refused = Some(why),
            Verdict::Take if sealed.is_none() && (gone || held == Some((row.thread, arrival.device))) => {
                // Its author was put back to an older state and has given it a new number: it was shown. In a room nobody does that, and
                // what is not kept there could not be passed on.
            }
            Verdict::Take if gone || held.is_some() => {
                end = place;
                taken.refused = Some(Refusal::Conflict);
            }
            Verdict::Take => {
                let news = keep(c, row, arrival, &entry)?;
                if let Some(sealed) = sealed {
                    signed::keep(c, row.thread, arrival.device, entry.number, sealed)?;
                }
                taken.new.extend(news.filter(|_| shown));
            }
        }
    }
    if end.number > before {
        logs::put(c, row.thread, &arrival.device, arrival.author, &end)?;
    }
    taken.head = (end.number > 0).then_some(Head { device: arrival.device, number: end.number, last: end.last });
    Ok(taken)
}

/// Stores an entry and does what it, or what came before it, says.
fn keep(c: &Connection, row: ThreadRow, arrival: &Arrival<'_>, entry: &Entry) -> Result<Option<News>> {
    let (author, device) = (arrival.author, arrival.device);
    // Nobody counts acts of others as unread.
    let theirs = if entry.act.is_some() { READ } else { DELIVERED };
    let seq = insert(c, row, author, device, entry, (arrival.own, if arrival.own { QUEUED } else { theirs }))?;
    let Some(act) = &entry.act else {
        acts::settle(c, row.thread, seq, entry.id, author)?;
        return Ok(Some(News::Message(seq)));
    };
    let deed = Deed { act, text: &entry.text, author, device, clock: entry.clock, number: entry.number };
    Ok(acts::apply(c, row, arrival.conversation, &deed)?.map(News::Act))
}

/// In which thread and log an id of this author's stands already.
fn holder(c: &Connection, id: MessageId, author: &Handle) -> Result<Option<(i64, DeviceId)>> {
    c.prepare_cached("SELECT thread, device FROM messages WHERE id = ?1 AND author = ?2")?
        .query_row(params![id.0.as_bytes(), author.as_str()], |row| Ok((row.get(0)?, DeviceId(row::bytes(row, 1)?))))
        .optional()
}

pub(super) fn is_blocked(c: &Connection, user: &Handle) -> Result<bool> {
    let found: Option<i64> = c
        .prepare_cached("SELECT 1 FROM blocks WHERE user = ?1")?
        .query_row([user.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}
