//! Logs from the disk, for the other side: what it may have of them, and how that is framed.

use hobnob_shared::id::{DeviceId, MessageId};
use hobnob_shared::limits::WINDOW;
use hobnob_shared::message::{Entries, Peer, SignedEntries, Thread, Want};

use rusqlite::Connection;

use super::state::LogRead;
use super::store::Peers;
use crate::core::history::{History, HistoryError, friends, logs, messages, rooms, signed};
use crate::core::replica::ThreadKey;
use crate::core::replica::push::ReadLog;

/// A part of a log, framed.
struct Part {
    frame: Peer,
    numbers: Vec<u64>,
    /// Of this device's log: what nobody has yet.
    waiting: Vec<MessageId>,
    complete: bool,
}

/// The next part of this device's log.
pub(super) async fn own_log(history: &History, peers: &Peers, thread: &Thread, asked: ReadLog) -> Option<LogRead> {
    match part(history, peers, thread, peers.own.device, asked.after, asked.limit).await {
        Ok(Some(Part { frame, numbers, waiting, complete })) => {
            let frame = (!numbers.is_empty()).then(|| Box::new(frame));
            Some(LogRead { numbers, waiting, frame, complete })
        }
        Ok(None) => Some(LogRead { numbers: Vec::new(), waiting: Vec::new(), frame: None, complete: true }),
        Err(error) => {
            tracing::error!(%error, "cannot read the log");
            None
        }
    }
}

/// The answer to a wish for a log: empty where the other side may not have it, so that it looks elsewhere.
pub(super) async fn wanted(history: &History, peers: &Peers, want: Want) -> Option<Peer> {
    match part(history, peers, &want.thread, want.device, want.after, WINDOW).await {
        Ok(part) => part.map(|part| part.frame),
        Err(error) => {
            tracing::error!(%error, "cannot read the log");
            None
        }
    }
}

/// `None` where the other side has no business with the thread.
async fn part(
    history: &History,
    peers: &Peers,
    thread: &Thread,
    device: DeviceId,
    after: u64,
    limit: usize,
) -> Result<Option<Part>, HistoryError> {
    let Some(key) = ThreadKey::from_link(thread, &peers.own.user, &peers.user) else { return Ok(None) };
    let (peers, thread) = (peers.clone(), thread.clone());
    match key {
        ThreadKey::Room(room) => {
            let key = ThreadKey::Room(room);
            history
                .read(move |c| {
                    if !peers.is_own() && !rooms::is_member(c, room, peers.account)? {
                        return Ok(None);
                    }
                    let chain = if device == peers.own.device {
                        Some(peers.own.chain.clone())
                    } else {
                        signed::chain(c, device)?
                    };
                    let Some(chain) = chain else { return Ok(None) };
                    let gone = device != peers.own.device && after < logs::erased_to(c, &key, &device)?;
                    let limit = if gone { 0 } else { limit };
                    let (found, complete) = signed::entries(c, &key, device, after, limit)?;
                    let complete = complete || gone;
                    let numbers: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
                    let waiting = waiting_among(c, &key, device, &peers, &numbers)?;
                    let sealed = found.into_iter().map(|(_, entry)| entry).collect();
                    let frame = SignedEntries { room, chain, after, entries: sealed, more: !complete };
                    Ok(Some(Part { frame: Peer::SignedEntries(Box::new(frame)), numbers, waiting, complete }))
                })
                .await
        }
        ThreadKey::Direct(with) => {
            let key = ThreadKey::Direct(with);
            history
                .read(move |c| {
                    // Somebody may be linked for a common room alone, or be a friend no more.
                    if !peers.is_own() && !friends::may_write(c, &peers.user, peers.account)? {
                        return Ok(None);
                    }
                    let author = match logs::author(c, &key, &device)? {
                        Some(author) => author,
                        None if device == peers.own.device => peers.own.user.clone(),
                        None => return Ok(None),
                    };
                    // To a friend goes what this account wrote to that friend's key, whichever device wrote it; one's own devices get all.
                    let only_for = (!peers.is_own()).then_some(peers.account);
                    if only_for.is_some() && author != peers.own.user {
                        return Ok(None);
                    }
                    // Of what was erased nothing can be brought, and it must not look as if it had never been. What this device wrote
                    // itself nobody else would bring: of that the rest goes on.
                    let gone = device != peers.own.device && after < logs::erased_to(c, &key, &device)?;
                    let limit = if gone { 0 } else { limit };
                    let (mut found, complete) = messages::entries(c, &key, device, only_for, after, limit)?;
                    let complete = complete || gone;
                    let numbers: Vec<u64> = found.iter().map(|entry| entry.number).collect();
                    let waiting = waiting_among(c, &key, device, &peers, &numbers)?;
                    if only_for.is_some() {
                        for entry in &mut found {
                            entry.meant_for = None;
                        }
                    }
                    let frame = Entries { thread, author, device, after, entries: found, more: !complete };
                    Ok(Some(Part { frame: Peer::Entries(frame), numbers, waiting, complete }))
                })
                .await
        }
    }
}

fn waiting_among(
    c: &Connection,
    key: &ThreadKey,
    device: DeviceId,
    peers: &Peers,
    numbers: &[u64],
) -> rusqlite::Result<Vec<MessageId>> {
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) if device == peers.own.device => messages::waiting(c, key, device, *first, *last),
        _ => Ok(Vec::new()),
    }
}
