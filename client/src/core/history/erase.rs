//! Taking a conversation off this disk. Its texts go, from the list, from the index, from what members of a room are passed on; what the logs
//! need to go on does not: where each ends, and the ids of what was there, so that nothing comes back. Asked for by the `Registry`.
//!
//! What nobody has got yet stays: it was promised to be sent. In a room of which one is a member, so do the signed entries of this device,
//! unseen: each names the one before, and a member who comes later and cannot have them could never read the next.

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{History, HistoryError, logs, row};

/// Entries erased in one job, where the index forgets each of them at once: that is not fast, and what arrives meanwhile should not wait.
const PIECE: usize = 100;
/// The same where the index forgets them later.
const LARGE_PIECE: usize = 1_000;
/// Messages of other conversations that are put into a new index in one job: about a second.
const ANEW_MAX: u64 = 20_000;
/// To forget one message at once costs the index as much as to go through so many.
const AT_ONCE_COSTS: u64 = 256;
/// Pages of the index gone through in one job.
const STEP: i64 = 200;
/// Memory for the file's pages meanwhile, in KiB: ids stand all over the file, and most pages are needed again and again.
const CACHE: i64 = 32 * 1024;

/// What became of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Messages that are gone.
    pub gone: u64,
    /// Own messages that nobody has got yet.
    pub kept: u64,
}

/// How the search index forgets. It stands in the file's header (`user_version`) as long as something is left to be done, so that a program
/// that was ended in the middle can finish at its next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Each message as it goes: a few among very many.
    AtOnce = 1,
    /// That they are gone is noted, and in the end the index is gone through once, without them.
    Later = 2,
    /// It is not asked, and in the end made anew from what stays: most of everything goes.
    Anew = 3,
}

impl Way {
    /// The quickest for `gone` of `all` messages.
    pub(super) fn of(gone: u64, all: u64) -> Self {
        let stay = all.saturating_sub(gone);
        if stay <= gone.min(ANEW_MAX) {
            Self::Anew
        } else if gone.saturating_mul(AT_ONCE_COSTS) < all {
            Self::AtOnce
        } else {
            Self::Later
        }
    }

    /// What was begun, if something was.
    fn unfinished(c: &Connection) -> Result<Option<Self>> {
        let number: i64 = c.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        Ok([Self::AtOnce, Self::Later, Self::Anew].into_iter().find(|way| *way as i64 == number))
    }

    fn piece(self) -> usize {
        if self == Self::AtOnce { PIECE } else { LARGE_PIECE }
    }
}

/// Erases a conversation, as the device `here`, piece by piece; returns when no byte of it is left in the file or beside it.
pub async fn run(history: &History, conversation: ConversationId, here: DeviceId) -> Result<Erased, HistoryError> {
    let _alone = history.erasing.write().await;
    let name = conversation.to_string();
    let begun = history.write(move |c| begin(c, &name)).await?;
    let Some(Begun { conversation, together, way }) = begun else { return Ok(Erased::default()) };
    let gone = go_on(history, &together, way, here).await?;
    let kept = history.read(move |c| waiting(c, conversation)).await?;
    Ok(Erased { gone, kept })
}

/// Finishes what the program was ended in the middle of; whether there was something.
pub async fn resume(history: &History, here: DeviceId) -> Result<bool, HistoryError> {
    let _alone = history.erasing.write().await;
    let Some(way) = history.read(Way::unfinished).await? else { return Ok(false) };
    let conversations = history.read(erased_ones).await?;
    go_on(history, &conversations, way, here).await?;
    Ok(true)
}

/// Everything behind the beginning. How many messages went.
async fn go_on(history: &History, conversations: &[i64], way: Way, here: DeviceId) -> Result<u64, HistoryError> {
    let usual = history.write(|c| cache(c, -CACHE)).await?;
    let done = all(history, conversations, way, here).await;
    history.write(move |c| cache(c, usual)).await?;
    let gone = done?;
    history.wipe().await?;
    Ok(gone)
}

async fn all(history: &History, conversations: &[i64], way: Way, here: DeviceId) -> Result<u64, HistoryError> {
    let mut gone = 0;
    for &conversation in conversations {
        let mut from = Some(Cursor::START);
        while let Some(cursor) = from {
            let (count, next) =
                history.write(move |c| wiping(c, |c| piece(c, conversation, here, way, &cursor))).await?;
            (gone, from) = (gone + count, next);
        }
    }
    match way {
        Way::AtOnce => {}
        Way::Later => {
            // The first begins with everything that there is, the others go on with that, whatever comes in between.
            let mut pages = -STEP;
            while history.write(move |c| wiping(c, |c| tidy(c, pages))).await? {
                pages = STEP;
            }
        }
        Way::Anew => history.write(|c| wiping(c, index_anew)).await?,
    }
    overwrite_free(history).await?;
    history.write(|c| mark(c, 0)).await?;
    Ok(gone)
}

/// Pages that were given up before, or meanwhile by somebody else's job, still have in them what stood there. So all free pages are taken
/// once, filled with nothing, and given back.
async fn overwrite_free(history: &History) -> Result<(), HistoryError> {
    history.write(|c| c.execute_batch("CREATE TABLE IF NOT EXISTS emptied (pages BLOB)")).await?;
    let mut free: i64 = history.write(|c| c.query_row("PRAGMA freelist_count", [], |row| row.get(0))).await?;
    while free > 0 {
        history.write(move |c| fill(c, free.min(STEP))).await?;
        free -= STEP;
    }
    while history.write(|c| wiping(c, give_back)).await? {}
    history.write(|c| wiping(c, |c| c.execute_batch("DROP TABLE emptied"))).await
}

fn fill(c: &Connection, pages: i64) -> Result<()> {
    let size: i64 = c.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    c.execute("INSERT INTO emptied (pages) VALUES (zeroblob(?1))", [pages * size])?;
    Ok(())
}

/// Whether there was something to give back.
fn give_back(c: &Connection) -> Result<bool> {
    Ok(c.execute("DELETE FROM emptied WHERE rowid = (SELECT max(rowid) FROM emptied)", [])? > 0)
}

/// What is deleted meanwhile is overwritten, in whichever page it stands.
pub(super) fn wiping<T>(c: &Connection, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    c.pragma_update(None, "secure_delete", "ON")?;
    let done = job(c);
    c.pragma_update(None, "secure_delete", "FAST")?;
    done
}

/// Sets how much of the file is held in memory; what it was.
fn cache(c: &Connection, size: i64) -> Result<i64> {
    let before = c.query_row("PRAGMA cache_size", [], |row| row.get(0))?;
    c.pragma_update(None, "cache_size", size)?;
    Ok(before)
}

/// Something is left to be done, or nothing.
pub(super) fn mark(c: &Connection, way: i64) -> Result<()> {
    c.pragma_update(None, "user_version", way)
}

/// One more step through the index; whether there is more.
fn tidy(c: &Connection, pages: i64) -> Result<bool> {
    let changes = |c: &Connection| c.query_row("SELECT total_changes()", [], |row| row.get::<_, i64>(0));
    let before = changes(c)?;
    c.execute("INSERT INTO texts (texts, rank) VALUES ('merge', ?1)", [pages])?;
    // One is that statement's own.
    Ok(changes(c)? - before > 1)
}

fn index_anew(c: &Connection) -> Result<()> {
    c.execute("INSERT INTO texts (texts) VALUES ('delete-all')", [])?;
    c.execute("INSERT INTO texts (rowid, text, marks) SELECT place, text, marks FROM searched ORDER BY place", [])?;
    Ok(())
}

/// Whether the index takes messages out of its pages at once.
fn forget_at_once(c: &Connection, yes: bool) -> Result<()> {
    c.prepare_cached("INSERT INTO texts (texts, rank) VALUES ('secure-delete', ?1)")?.execute([yes])?;
    Ok(())
}

/// Waits to be delivered.
const WAITS: &str = "(m.own = 1 AND m.state < 2)";

/// What is to be done.
pub(super) struct Begun {
    /// The row of the conversation.
    pub(super) conversation: i64,
    /// It, and others, where one before could not be finished.
    together: Vec<i64>,
    way: Way,
}

/// From now on nothing of it is passed on. Files that are over are not listed any more, and their names are gone. None where
/// there is no such conversation.
pub(super) fn begin(c: &Connection, name: &str) -> Result<Option<Begun>> {
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
    c.execute(
        "UPDATE transfers SET erased = 1, name = '', media_type = NULL, path = NULL, save_as = NULL, code = NULL, text = NULL
         WHERE conversation = ?1 AND NOT (state < 4 OR state = 7)",
        [name],
    )?;
    let gone =
        c.query_row("SELECT count(*) FROM messages WHERE conversation = ?1", [conversation], |r| row::number(r, 0))?;
    let all = c.query_row("SELECT count(*) FROM messages", [], |r| row::number(r, 0))?;
    // What could not be finished may have left more in the index than these.
    let unfinished = Way::unfinished(c)?;
    let way = unfinished.unwrap_or_else(|| Way::of(gone, all));
    mark(c, way as i64)?;
    let together = if unfinished.is_some() { erased_ones(c)? } else { vec![conversation] };
    Ok(Some(Begun { conversation, together, way }))
}

/// Conversations of which something was erased.
fn erased_ones(c: &Connection) -> Result<Vec<i64>> {
    c.prepare("SELECT DISTINCT t.conversation FROM threads t JOIN logs l ON l.thread = t.id WHERE l.erased > 0")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Up to where the conversation was gone through.
#[derive(Debug, Clone)]
pub(super) struct Cursor(i64, String, Vec<u8>, i64);

impl Cursor {
    pub(super) const START: Self = Self(i64::MIN, String::new(), Vec::new(), i64::MIN);
}

/// What is looked at of an entry.
struct Found {
    seq: i64,
    thread: i64,
    /// Of an act: what it is about.
    target: Option<MessageId>,
    is_act: bool,
    place: Cursor,
}

/// Erases the next entries behind the cursor. How many messages went, and where it goes on.
pub(super) fn piece(
    c: &Connection,
    conversation: i64,
    here: DeviceId,
    way: Way,
    from: &Cursor,
) -> Result<(u64, Option<Cursor>)> {
    let mut found = c
        .prepare_cached(&format!(
            "SELECT m.seq, m.thread, m.target, m.act IS NOT NULL, m.clock, m.author, m.device, m.number
             FROM messages m JOIN logs l ON l.thread = m.thread AND l.device = m.device
             WHERE m.conversation = ?1 AND (m.clock, m.author, m.device, m.number) > (?2, ?3, ?4, ?5)
               AND m.number <= l.erased AND NOT {WAITS}
             ORDER BY m.clock, m.author, m.device, m.number LIMIT ?6"
        ))?
        .query_map(params![conversation, from.0, from.1, from.2, from.3, row::limit(way.piece())], |row| {
            Ok(Found {
                seq: row.get(0)?,
                thread: row.get(1)?,
                target: row::some_bytes(row, 2)?.map(row::message_id),
                is_act: row.get(3)?,
                place: Cursor(row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?),
            })
        })?
        .collect::<Result<Vec<_>>>()?;
    let next = (found.len() == way.piece()).then(|| found.last().map(|last| last.place.clone())).flatten();
    unsign(c, &list(&found), here)?;
    let (messages, acts): (Vec<Found>, Vec<Found>) = found.drain(..).partition(|entry| !entry.is_act);
    let ids = list(&messages);
    c.prepare_cached(
        "INSERT OR IGNORE INTO erased (id, author)
         SELECT id, author FROM messages WHERE seq IN (SELECT value FROM json_each(?1))",
    )?
    .execute([&ids])?;
    c.prepare_cached(
        "DELETE FROM reactions WHERE (thread, target) IN
             (SELECT thread, id FROM messages WHERE seq IN (SELECT value FROM json_each(?1)))",
    )?
    .execute([&ids])?;
    match way {
        Way::AtOnce => {}
        Way::Later => forget_at_once(c, false)?,
        // What was taken back is not in the index: it is not asked to forget.
        Way::Anew => {
            c.prepare_cached("UPDATE messages SET deleted = 1 WHERE seq IN (SELECT value FROM json_each(?1))")?
                .execute([&ids])?;
        }
    }
    // One by one, as the index takes them best in the order of their time.
    let mut delete = c.prepare_cached("DELETE FROM messages WHERE seq = ?1")?;
    for entry in &messages {
        delete.execute([entry.seq])?;
    }
    for entry in &acts {
        // Where its message is still to come, or to be delivered, it counts.
        if is_about_erased(c, entry)? {
            delete.execute([entry.seq])?;
        }
    }
    if way == Way::Later {
        forget_at_once(c, true)?;
    }
    Ok((messages.len() as u64, next))
}

/// Entries, as the store reads a list.
fn list(entries: &[Found]) -> String {
    let numbers: Vec<String> = entries.iter().map(|entry| entry.seq.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

/// Takes away what entries of rooms are passed on by. Where this device is a member, others may still ask for what it said there.
fn unsign(c: &Connection, entries: &str, here: DeviceId) -> Result<()> {
    c.prepare_cached(
        "DELETE FROM signed WHERE (thread, device, number) IN (
             SELECT m.thread, m.device, m.number FROM messages m WHERE m.seq IN (SELECT value FROM json_each(?1))
                AND NOT (m.device = ?2 AND m.thread IN (SELECT thread FROM rooms WHERE ended IS NULL)))",
    )?
    .execute(params![entries, here.0])?;
    Ok(())
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

/// How many messages stay until they are delivered.
fn waiting(c: &Connection, conversation: i64) -> Result<u64> {
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
