//! Requests, friendships and blocks, as functions over a connection. Called by [`super::SqliteStore`] on its threads; each runs inside one
//! transaction, so that what it checks still holds when it writes.

use hobnob_shared::id::{Fingerprint, Handle};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::accounts::{handle, id_of};
use super::{Accepted, AccountId, Asked, FriendshipRow, NewAcceptance, NewRequest, Parted, StoreError, Withdrawn};
use crate::config::Limits;

/// The two as their friendship's row has them.
fn ordered(a: AccountId, b: AccountId) -> (i64, i64) {
    (a.0.min(b.0), a.0.max(b.0))
}

pub(super) fn are_friends(c: &Connection, a: AccountId, b: AccountId) -> Result<bool, StoreError> {
    let (low, high) = ordered(a, b);
    Ok(c.prepare_cached("SELECT 1 FROM friendships WHERE low = ?1 AND high = ?2")?.exists([low, high])?)
}

fn friend_count(c: &Connection, account: AccountId) -> Result<u32, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT (SELECT COUNT(*) FROM friendships WHERE low = ?1) + (SELECT COUNT(*) FROM friendships WHERE high = ?1)",
    )?;
    Ok(query.query_row([account.0], |row| row.get(0))?)
}

pub(super) fn has_blocked(c: &Connection, account: AccountId, other: &Handle) -> Result<bool, StoreError> {
    let mut query = c.prepare_cached("SELECT 1 FROM blocks WHERE account = ?1 AND blocked = ?2")?;
    Ok(query.exists(params![account.0, other.as_str()])?)
}

pub(super) fn name_of(c: &Connection, account: AccountId) -> Result<Handle, StoreError> {
    let mut query = c.prepare_cached("SELECT handle FROM accounts WHERE id = ?1")?;
    let mut rows = query.query([account.0])?;
    let row = rows.next()?.ok_or(StoreError::Damaged("account"))?;
    handle(row, "handle")
}

/// Whether somebody has this name and this identity key.
fn is_key_of(c: &Connection, user: &Handle, key: Fingerprint) -> Result<bool, StoreError> {
    let mut query = c.prepare_cached("SELECT 1 FROM accounts WHERE handle = ?1 AND key = ?2")?;
    Ok(query.exists(params![user.as_str(), key.0.as_slice()])?)
}

pub(super) fn ask(c: &Connection, new: &NewRequest, limits: &Limits, now: i64) -> Result<Asked, StoreError> {
    // Before it matters whether the name exists or the other has blocked them: nothing of that can be told from the answer.
    if let Some(key) = new.asked_key
        && !is_key_of(c, &new.asked, key)?
    {
        return Ok(Asked::Nobody);
    }
    let asked = id_of(c, &new.asked)?;
    if let Some(asked) = asked
        && are_friends(c, new.asker, asked)?
    {
        unblock(c, new.asker, &new.asked)?;
        return Ok(Asked::AlreadyFriends);
    }
    // Before it matters whether the other has blocked them, so that they cannot tell.
    let outgoing: u32 = c
        .prepare_cached("SELECT COUNT(*) FROM requests WHERE asker = ?1 AND asked <> ?2")?
        .query_row(params![new.asker.0, new.asked.as_str()], |row| row.get(0))?;
    if outgoing >= limits.requests_outgoing {
        return Ok(Asked::TooMany);
    }
    // Who wants to be friends with somebody does not block them any more.
    unblock(c, new.asker, &new.asked)?;
    if let Some(asked) = asked
        && has_blocked(c, asked, &name_of(c, new.asker)?)?
    {
        return Ok(Asked::Dropped);
    }
    // Asking again replaces: the newest nonce is the one that an acceptance will name.
    c.prepare_cached(
        "INSERT OR REPLACE INTO requests (asker, asked, hash, statement, created) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![new.asker.0, new.asked.as_str(), new.hash.0.as_slice(), new.statement, now])?;
    c.prepare_cached(
        "DELETE FROM requests WHERE asked = ?1 AND id NOT IN
         (SELECT id FROM requests WHERE asked = ?1 ORDER BY id DESC LIMIT ?2)",
    )?
    .execute(params![new.asked.as_str(), limits.requests_incoming])?;
    Ok(Asked::Waiting(asked))
}

/// Forgets what `asker` asked `other`; whether there was something.
fn forget(c: &Connection, asker: AccountId, other: &Handle) -> Result<bool, StoreError> {
    let mut delete = c.prepare_cached("DELETE FROM requests WHERE asker = ?1 AND asked = ?2")?;
    Ok(delete.execute(params![asker.0, other.as_str()])? > 0)
}

pub(super) fn accept(c: &Connection, new: &NewAcceptance, limits: &Limits, now: i64) -> Result<Accepted, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT r.statement, a.id, a.device_list FROM requests r JOIN accounts a ON a.id = r.asker
         WHERE a.handle = ?1 AND a.key = ?2 AND r.asked = ?3 AND r.hash = ?4",
    )?;
    let found = query
        .query_row(
            params![
                new.asker.as_str(),
                new.asker_key.0.as_slice(),
                new.accepter_name.as_str(),
                new.request.0.as_slice()
            ],
            |row| Ok((row.get::<_, Vec<u8>>(0)?, AccountId(row.get(1)?), row.get::<_, Vec<u8>>(2)?)),
        )
        .optional()?;
    let Some((request, asker, device_list)) = found else { return Ok(Accepted::NoRequest) };
    if asker == new.accepter {
        return Ok(Accepted::NoRequest);
    }
    for one in [asker, new.accepter] {
        if friend_count(c, one)? >= limits.friends {
            return Ok(Accepted::TooMany);
        }
    }
    let (low, high) = ordered(asker, new.accepter);
    c.prepare_cached(
        "INSERT OR REPLACE INTO friendships (low, high, request, acceptance, created) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![low, high, request, new.statement, now])?;
    forget(c, asker, &new.accepter_name)?;
    forget(c, new.accepter, &new.asker)?;
    unblock(c, new.accepter, &new.asker)?;
    Ok(Accepted::Befriended(Box::new(FriendshipRow {
        friend: asker,
        device_list,
        request,
        acceptance: new.statement.clone(),
    })))
}

pub(super) fn decline(c: &Connection, user: &Handle, asker: &Handle) -> Result<bool, StoreError> {
    match id_of(c, asker)? {
        Some(asker) => forget(c, asker, user),
        None => Ok(false),
    }
}

pub(super) fn part(c: &Connection, account: AccountId, other: &Handle) -> Result<Parted, StoreError> {
    let asked = id_of(c, other)?;
    let withdrawn = forget(c, account, other)?.then_some(Withdrawn { asked });
    let mut parted = Parted { friend: None, withdrawn };
    if let Some(friend) = asked {
        let (low, high) = ordered(account, friend);
        let mut delete = c.prepare_cached("DELETE FROM friendships WHERE low = ?1 AND high = ?2")?;
        if delete.execute([low, high])? > 0 {
            parted.friend = Some(friend);
        }
    }
    Ok(parted)
}

pub(super) fn block(
    c: &Connection,
    account: AccountId,
    user: &Handle,
    other: &Handle,
    limits: &Limits,
) -> Result<Option<Parted>, StoreError> {
    let blocks: u32 = c
        .prepare_cached("SELECT COUNT(*) FROM blocks WHERE account = ?1 AND blocked <> ?2")?
        .query_row(params![account.0, other.as_str()], |row| row.get(0))?;
    if blocks >= limits.blocks {
        return Ok(None);
    }
    c.prepare_cached("INSERT OR IGNORE INTO blocks (account, blocked) VALUES (?1, ?2)")?
        .execute(params![account.0, other.as_str()])?;
    decline(c, user, other)?;
    part(c, account, other).map(Some)
}

pub(super) fn unblock(c: &Connection, account: AccountId, other: &Handle) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM blocks WHERE account = ?1 AND blocked = ?2")?
        .execute(params![account.0, other.as_str()])?;
    Ok(())
}

pub(super) fn friendship(
    c: &Connection,
    account: AccountId,
    other: &Handle,
) -> Result<Option<FriendshipRow>, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT a.id, a.device_list, f.request, f.acceptance FROM accounts a
         JOIN friendships f ON f.low = MIN(a.id, ?1) AND f.high = MAX(a.id, ?1) WHERE a.handle = ?2",
    )?;
    let row = query.query_row(params![account.0, other.as_str()], |row| {
        Ok(FriendshipRow {
            friend: AccountId(row.get(0)?),
            device_list: row.get(1)?,
            request: row.get(2)?,
            acceptance: row.get(3)?,
        })
    });
    Ok(row.optional()?)
}
