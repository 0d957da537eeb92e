//! What acts do to messages: the one place where a message's text, and whether it stands, follow from the edits and deletes of its author,
//! and reactions from what everybody set. The same comes out in whatever order entries arrive, the act before its message too. Called
//! inside a write by [`super::messages`] for what arrives and by the `Registry` for what this device does; [`super::pages`] reads.

use std::collections::{HashMap, HashSet};

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, MessageId};
use hobnob_shared::limits::REACTIONS;
use hobnob_shared::message::{Act, Head, What, is_emoji};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::logs::{self, ThreadRow};
use super::messages::{self, NewMessage, Placed};
use super::{pages, row};
use crate::core::event::{Event, Reaction};
use crate::core::message_key::MessageRef;
use crate::core::replica::ThreadKey;

/// A message about which something is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where.
    pub thread: ThreadKey,
    /// The same for people.
    pub conversation: ConversationId,
    /// Whose it is.
    pub author: Handle,
    /// Own, to a friend: the identity key that it was written to.
    pub meant_for: Option<Fingerprint>,
}

/// The messages that may be meant, the first that came first.
pub fn targets(c: &Connection, message: &MessageRef) -> Result<Vec<Target>> {
    c.prepare_cached(
        "SELECT t.key, k.name, m.author, m.meant_for FROM messages m
         JOIN threads t ON t.id = m.thread JOIN conversations k ON k.id = m.conversation
         WHERE m.id = ?1 AND m.act IS NULL AND (?2 IS NULL OR m.author = ?2) ORDER BY m.seq",
    )?
    .query_map(params![message.id.0.as_bytes(), message.author.as_ref().map(Handle::as_str)], |row| {
        Ok(Target {
            thread: row::text(row, 0)?,
            conversation: row::text(row, 1)?,
            author: row::text(row, 2)?,
            meant_for: row::some_bytes(row, 3)?.map(Fingerprint),
        })
    })?
    .collect()
}

/// What became of an own act.
#[derive(Debug, Clone, PartialEq)]
pub enum Performed {
    /// It is in the own log, whose end is this now; what is to be told of it.
    Done(Head, Vec<Event>),
    /// It is so already: nothing was written.
    AlreadySo,
    /// The message was taken back.
    Deleted,
    /// [`REACTIONS`] different emojis of this person are on it.
    Full,
}

/// Puts an own act into the log, and does it. The caller has seen to it that this account may.
pub fn perform(c: &Connection, message: &NewMessage, act: &Act) -> Result<Performed> {
    let row = logs::thread_row(c, &message.thread, &message.conversation)?;
    let whose = matches!(act.what, What::Edit | What::Delete).then_some(&message.from);
    let standing = find(c, row.thread, act.of, whose)?.map(|seq| standing(c, seq)).transpose()?;
    let deleted = standing.as_ref().is_none_or(|standing| standing.deleted);
    let so = match act.what {
        What::Delete => deleted,
        _ if deleted => return Ok(Performed::Deleted),
        What::Edit => standing.is_some_and(|standing| standing.text == message.text),
        What::React | What::Unreact => {
            let mine = reactions(c, row.thread, act.of, &message.conversation)?;
            let mine: Vec<_> = mine.iter().filter(|reaction| reaction.by.contains(&message.from)).collect();
            let is_on = mine.iter().any(|reaction| reaction.emoji == message.text);
            if act.what == What::React && !is_on && mine.len() >= REACTIONS {
                return Ok(Performed::Full);
            }
            is_on == (act.what == What::React)
        }
        What::Other(_) => true,
    };
    if so {
        return Ok(Performed::AlreadySo);
    }
    let Placed { number, clock } = messages::insert_own(c, message)?;
    let deed = Deed { act, text: &message.text, author: &message.from, device: message.device, clock, number };
    let changed = apply(c, row, &message.conversation, &deed)?;
    let head = Head { device: message.device, number, last: message.id };
    Ok(Performed::Done(head, changed.into_iter().map(|changed| changed.event).collect()))
}

/// Takes all own emojis off a message: an act for each, the first with the given id.
pub fn clear(c: &Connection, mut message: NewMessage, act: &Act) -> Result<Performed> {
    let row = logs::thread_row(c, &message.thread, &message.conversation)?;
    let mut mine = reactions(c, row.thread, act.of, &message.conversation)?;
    mine.retain(|reaction| reaction.by.contains(&message.from));
    let mut done: Option<(Head, Vec<Event>)> = None;
    for reaction in mine {
        message.text = reaction.emoji;
        if done.is_some() {
            message.id = MessageId::new();
        }
        if let Performed::Done(head, mut news) = perform(c, &message, act)? {
            let mut events = done.map(|(_, events)| events).unwrap_or_default();
            events.append(&mut news);
            done = Some((head, events));
        }
    }
    Ok(done.map_or(Performed::AlreadySo, |(head, events)| Performed::Done(head, events)))
}

/// An act, and by whom and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed<'a> {
    pub(super) act: &'a Act,
    pub(super) text: &'a str,
    pub(super) author: &'a Handle,
    pub(super) device: DeviceId,
    pub(super) clock: u64,
    pub(super) number: u64,
}

/// What an act changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Row of the message.
    seq: i64,
    /// As it is told.
    event: Event,
}

/// Something that arrived and is to be told.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A message: its row.
    Message(i64),
    /// An act.
    Act(Changed),
}

/// Does what an act says, which is stored already. Nothing if its author may not, if its message is not here yet, or if something newer
/// counts.
pub(super) fn apply(
    c: &Connection,
    row: ThreadRow,
    conversation: &ConversationId,
    deed: &Deed<'_>,
) -> Result<Option<Changed>> {
    let (message, from) = (deed.act.of, deed.author.clone());
    let conversation = conversation.clone();
    match deed.act.what {
        What::Edit | What::Delete => {
            let Some(seq) = find(c, row.thread, message, Some(deed.author))? else { return Ok(None) };
            let before = standing(c, seq)?;
            settle(c, row.thread, seq, message, deed.author)?;
            let after = standing(c, seq)?;
            if before == after {
                return Ok(None);
            }
            let event = if after.deleted {
                Event::MessageDeleted { conversation, from, message }
            } else {
                Event::MessageEdited { conversation, from, message, text: after.text }
            };
            Ok(Some(Changed { seq, event }))
        }
        What::React | What::Unreact => {
            let on = deed.act.what == What::React;
            if !is_emoji(deed.text) || !react(c, row.thread, deed, on)? {
                return Ok(None);
            }
            let Some(seq) = find(c, row.thread, message, None)? else { return Ok(None) };
            let event = Event::Reaction { conversation, from, message, emoji: deed.text.to_owned(), on };
            Ok((!standing(c, seq)?.deleted).then_some(Changed { seq, event }))
        }
        What::Other(_) => Ok(None),
    }
}

/// The row of a message in a thread, of that author where one is given.
fn find(c: &Connection, thread: i64, id: MessageId, author: Option<&Handle>) -> Result<Option<i64>> {
    c.prepare_cached(
        "SELECT seq FROM messages WHERE id = ?2 AND thread = ?1 AND act IS NULL AND (?3 IS NULL OR author = ?3)
         ORDER BY deleted, seq LIMIT 1",
    )?
    .query_row(params![thread, id.0.as_bytes(), author.map(Handle::as_str)], |row| row.get(0))
    .optional()
}

#[derive(Debug, PartialEq, Eq)]
struct Standing {
    text: String,
    edited: bool,
    deleted: bool,
}

fn standing(c: &Connection, seq: i64) -> Result<Standing> {
    c.prepare_cached("SELECT text, edited, deleted FROM messages WHERE seq = ?1")?
        .query_row([seq], |row| Ok(Standing { text: row.get(0)?, edited: row.get(1)?, deleted: row.get(2)? }))
}

/// Makes a message what its author's edits and deletes in this thread make of it. A delete always wins, and otherwise the newest edit. What
/// does not count any more loses its text, so that it is neither kept nor sent to somebody who has not got it yet. A message without text
/// was taken back before it came here.
pub(super) fn settle(c: &Connection, thread: i64, seq: i64, id: MessageId, author: &Handle) -> Result<()> {
    let of = (thread, id.0.as_bytes(), author.as_str());
    let deleted = standing(c, seq)?.deleted
        || c.prepare_cached(
            "SELECT 1 FROM messages WHERE thread = ?1 AND target = ?2 AND author = ?3 AND act = 'delete'",
        )?
        .exists(of)?;
    let edit: Option<(i64, String)> = c
        .prepare_cached(
            "SELECT seq, text FROM messages WHERE thread = ?1 AND target = ?2 AND author = ?3 AND act = 'edit' AND text <> ''
             ORDER BY clock DESC, device DESC, number DESC LIMIT 1",
        )?
        .query_row(of, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let kept = match edit {
        _ if deleted => {
            c.prepare_cached("UPDATE messages SET text = '', edited = 0, deleted = 1 WHERE seq = ?1")?
                .execute([seq])?;
            None
        }
        None => return Ok(()),
        Some((newest, text)) => {
            c.prepare_cached("UPDATE messages SET text = ?2, edited = 1 WHERE seq = ?1")?
                .execute(params![seq, text])?;
            Some(newest)
        }
    };
    c.prepare_cached(
        "UPDATE messages SET text = '' WHERE thread = ?1 AND target = ?2 AND author = ?3 AND act = 'edit' AND text <> ''
         AND seq IS NOT ?4",
    )?
    .execute(params![of.0, of.1, of.2, kept])
    .map(drop)
}

/// Different emojis of one person on one message, taken off or not, of which anything is kept: nobody gets there by clicking, and whoever
/// sends more makes no page slow to read.
const KINDS: i64 = 256;

/// Keeps the newest of what a person did with an emoji; whether it is on changed by that.
fn react(c: &Connection, thread: i64, deed: &Deed<'_>, on: bool) -> Result<bool> {
    let of = (thread, deed.act.of.0.as_bytes(), deed.author.as_str(), deed.text);
    let was: Option<bool> = c
        .prepare_cached("SELECT is_on FROM reactions WHERE thread = ?1 AND target = ?2 AND author = ?3 AND emoji = ?4")?
        .query_row(of, |row| row.get(0))
        .optional()?;
    if was.is_none() {
        let kinds: i64 = c
            .prepare_cached("SELECT count(*) FROM reactions WHERE thread = ?1 AND target = ?2 AND author = ?3")?
            .query_row((of.0, of.1, of.2), |row| row.get(0))?;
        if kinds >= KINDS {
            return Ok(false);
        }
    }
    let newest = c
        .prepare_cached(
            "INSERT INTO reactions (thread, target, author, emoji, clock, device, number, is_on)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET clock = excluded.clock, device = excluded.device, number = excluded.number, is_on = excluded.is_on
             WHERE (excluded.clock, excluded.device, excluded.number) > (clock, device, number)",
        )?
        .execute(params![
            of.0,
            of.1,
            of.2,
            of.3,
            deed.clock.cast_signed(),
            deed.device.0,
            deed.number.cast_signed(),
            on
        ])?;
    Ok(newest > 0 && was.unwrap_or(false) != on)
}

/// Who set what on a message, the oldest first; of one person at most [`REACTIONS`]. In rooms those who are blocked are left out.
pub(super) fn reactions(
    c: &Connection,
    thread: i64,
    id: MessageId,
    conversation: &ConversationId,
) -> Result<Vec<Reaction>> {
    let in_room = matches!(conversation, ConversationId::Room(_));
    let mut statement = c.prepare_cached(
        "SELECT emoji, author FROM reactions WHERE thread = ?1 AND target = ?2 AND is_on = 1
         AND (NOT ?3 OR author NOT IN (SELECT user FROM blocks)) ORDER BY clock, author, device, number",
    )?;
    let mut rows = statement.query(params![thread, id.0.as_bytes(), in_room])?;
    let (mut found, mut counts): (Vec<Reaction>, HashMap<Handle, usize>) = (Vec::new(), HashMap::new());
    while let Some(row) = rows.next()? {
        let (emoji, author): (String, Handle) = (row.get(0)?, row::text(row, 1)?);
        let count = counts.entry(author.clone()).or_default();
        *count += 1;
        if *count > REACTIONS {
            continue;
        }
        match found.iter_mut().find(|reaction| reaction.emoji == emoji) {
            Some(reaction) => reaction.by.push(author),
            None => found.push(Reaction { emoji, by: vec![author] }),
        }
    }
    Ok(found)
}

/// As a batch is told: a message in its final form, once, and not at all if it was taken back meanwhile; an act only about what was here
/// before. `fresh` are the rows of all messages of the batch.
pub(in crate::core) fn told(c: &Connection, fresh: &HashSet<i64>, news: Vec<News>) -> Result<Vec<Event>> {
    let mut events = Vec::with_capacity(news.len());
    for one in news {
        match one {
            News::Message(seq) => {
                let info = pages::message(c, seq)?;
                events.extend((!info.deleted).then_some(Event::Message(info)));
            }
            News::Act(changed) => events.extend((!fresh.contains(&changed.seq)).then_some(changed.event)),
        }
    }
    Ok(events)
}
