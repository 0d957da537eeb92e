//! Searching what was said and sent: the newest first by time, a page at a time. Used by the `Registry` inside
//! [`super::History::read_all`].
//!
//! Everything that narrows a search is in the index `texts`, see the migration: what the index answers is nearly always shown, so that a page
//! costs the rows of a page, however many messages there are.

use hobnob_shared::id::{Handle, MessageId};
use rusqlite::{Connection, Result, params};

use super::pages::{COLUMNS, SHOWN, line};
use super::{logs, rooms, row, transfers};
use crate::core::event::{MessageInfo, TransferInfo};
use crate::core::message_key::MessageRef;
use crate::core::search::{Day, Term, Wanted};

/// Blocked people that the index leaves out; more of them are left out row by row.
const BLOCKED: usize = 64;

/// A free place for a message of this clock, and the nearest where it is taken: only messages of different devices are of one millisecond,
/// and whoever makes them so on purpose makes nothing slow.
pub(super) fn free_place(c: &Connection, clock: u64, id: MessageId) -> Result<i64> {
    let clock = clock.cast_signed();
    let mut taken = c.prepare_cached("SELECT 1 FROM messages WHERE place = ?1")?;
    let (mut place, mut spread) = (clock, id.0.as_u128());
    for bits in 0..40 {
        if !taken.exists([place])? {
            return Ok(place);
        }
        spread = spread.rotate_right(11);
        place = clock + 1 + i64::try_from(spread & ((1_u128 << bits) - 1)).unwrap_or_default();
    }
    c.query_row("SELECT max(place) + 1 FROM messages", [], |row| row.get(0))
}

/// Messages that are wanted, the newest first, `limit` of them, those of before `before` where that is given; and whether there are more.
pub fn messages(
    c: &Connection,
    wanted: &Wanted,
    before: Option<&MessageRef>,
    limit: usize,
) -> Result<(Vec<MessageInfo>, bool)> {
    let nothing = Ok((Vec::new(), false));
    if wanted.is_empty() || wanted.has_file {
        return nothing;
    }
    let cursor = match before {
        None => i64::MAX,
        Some(of) => match place_of(c, of)? {
            Some(place) => place,
            // An unknown `before` is before everything.
            None => return nothing,
        },
    };
    let end = begin_of(c, wanted.before)?.unwrap_or(i64::MAX).min(cursor);
    let start = begin_of(c, wanted.after)?.unwrap_or(i64::MIN);
    let mut within = Vec::new();
    for conversation in &wanted.within {
        within.extend(logs::find_conversation(c, &conversation.to_string())?);
    }
    if within.is_empty() && !wanted.within.is_empty() {
        return nothing;
    }
    let most = row::limit(limit.saturating_add(1));
    let mut found = match expression(wanted, &within, &rooms::blocked(c)?) {
        Some(expression) => c
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM texts CROSS JOIN messages m ON m.place = texts.rowid
                 CROSS JOIN conversations k ON k.id = m.conversation
                 WHERE texts MATCH ?1 AND texts.rowid < ?2 AND texts.rowid >= ?3 AND m.deleted = 0 AND {SHOWN}
                 ORDER BY texts.rowid DESC LIMIT ?4"
            ))?
            .query_map(params![expression, end, start, most], |row| line(c, row))?
            .collect::<Result<Vec<_>>>()?,
        None => c
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM messages m CROSS JOIN conversations k ON k.id = m.conversation
                 WHERE m.place < ?1 AND m.place >= ?2 AND m.deleted = 0 AND {SHOWN}
                 ORDER BY m.place DESC LIMIT ?3"
            ))?
            .query_map(params![end, start, most], |row| line(c, row))?
            .collect::<Result<Vec<_>>>()?,
    };
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}

/// Files that are wanted, the newest first. What was offered to a room is one file, whoever has taken it.
pub fn files(c: &Connection, wanted: &Wanted, limit: usize) -> Result<Vec<TransferInfo>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let end = begin_of(c, wanted.before)?.map_or(u64::MAX, i64::cast_unsigned);
    let start = begin_of(c, wanted.after)?.map_or(0, i64::cast_unsigned);
    let blocked = rooms::blocked(c)?;
    let fits = |file: &transfers::Sent<'_>| {
        (start..end).contains(&file.sent_at)
            && (wanted.from.is_empty() || wanted.from.iter().any(|user| user.as_str() == file.author))
            && (wanted.within.is_empty() || wanted.within.iter().any(|id| id.to_string() == file.conversation))
            && !(file.conversation.starts_with('#') && blocked.iter().any(|user| user.as_str() == file.author))
            && wanted.is_in_name(file.name)
    };
    let found = transfers::find(c, fits, limit)?;
    Ok(found.into_iter().map(|transfer| TransferInfo { by: None, ..transfer.info(false) }).collect())
}

fn place_of(c: &Connection, of: &MessageRef) -> Result<Option<i64>> {
    c.prepare_cached("SELECT max(place) FROM messages WHERE id = ?1 AND (?2 IS NULL OR author = ?2)")?
        .query_row(params![of.id.0.as_bytes(), of.author.as_ref().map(Handle::as_str)], |row| row.get(0))
}

/// When a day begins here, milliseconds since 1970.
fn begin_of(c: &Connection, day: Option<Day>) -> Result<Option<i64>> {
    let Some(day) = day else { return Ok(None) };
    c.prepare_cached("SELECT CAST(strftime('%s', ?1, 'utc') AS INTEGER) * 1000")?
        .query_row([day.to_string()], |row| row.get(0))
}

/// What the index is asked. Each word is quoted, so that nothing in it is the index's own language. `None` where nothing is in the index for
/// it.
fn expression(wanted: &Wanted, within: &[i64], blocked: &[Handle]) -> Option<String> {
    let mut parts = Vec::new();
    if !wanted.terms.is_empty() {
        let terms: Vec<String> = wanted
            .terms
            .iter()
            .map(|term| {
                let end = if matches!(term, Term::Beginning(_)) { " *" } else { "" };
                format!("\"{}\"{end}", term.text().replace('"', "\"\"").replace('\0', " "))
            })
            .collect();
        parts.push(format!("{{text}} : ({})", terms.join(" AND ")));
    }
    let author = |kind: &str, user: &Handle| {
        let hex = user.as_str().bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        format!("\"{kind}{hex}\"")
    };
    let mut marks = |any: Vec<String>| {
        if !any.is_empty() {
            parts.push(format!("{{marks}} : ({})", any.join(" OR ")));
        }
    };
    marks(wanted.from.iter().flat_map(|user| [author("zzr", user), author("zzd", user)]).collect());
    marks(within.iter().map(|id| format!("\"zzc{id}\"")).collect());
    if parts.is_empty() {
        return None;
    }
    let all = parts.join(" AND ");
    let hidden: Vec<String> = blocked.iter().take(BLOCKED).map(|user| author("zzr", user)).collect();
    Some(if hidden.is_empty() { all } else { format!("({all}) NOT {{marks}} : ({})", hidden.join(" OR ")) })
}

/// As [`messages`], of a search as it was typed.
#[cfg(test)]
pub(super) fn search(c: &Connection, text: &str) -> Vec<String> {
    let found = messages(c, &Wanted::parse(text, None), None, 100).map(|(found, _)| found);
    found.unwrap_or_default().into_iter().map(|info| info.text).collect()
}
