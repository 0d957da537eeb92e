//! Pinned people on the disk. Written by the `Registry` when a friendship is proven, a key accepted, a list renewed.

use hobnob_shared::id::{ConversationId, Fingerprint, Handle};
use hobnob_shared::identity::IdentityStatement;
use rusqlite::{Connection, Result, Row, params};

use super::row;

/// A person whose identity key is pinned, friend or blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Friend {
    /// Who.
    pub user: Handle,
    /// Their identity key, as pinned.
    pub account: Fingerprint,
    /// The account's certificate, DER.
    pub account_certificate: Vec<u8>,
    /// The safety number was compared.
    pub verified: bool,
    /// Nothing is taken from them.
    pub blocked: bool,
    /// Another key that was seen under their name and is not accepted: nothing is sent until it is.
    pub changed_key: Option<Fingerprint>,
    /// Number of the newest device list; an older one is refused.
    pub device_list_number: u64,
    /// That list, signed.
    pub device_list: IdentityStatement,
}

/// Stores a person, in place of what was known.
pub fn upsert(c: &Connection, friend: &Friend) -> Result<()> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO friends (user, account, account_certificate, verified, blocked, changed_key,
                                         list_number, list_body, list_signature)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        friend.user.as_str(),
        friend.account.0,
        friend.account_certificate,
        friend.verified,
        friend.blocked,
        friend.changed_key.map(|key| key.0),
        friend.device_list_number.cast_signed(),
        friend.device_list.body,
        friend.device_list.signature,
    ])?;
    forget_former(c, &friend.user)
}

const COLUMNS: &str =
    "user, account, account_certificate, verified, blocked, changed_key, list_number, list_body, list_signature";

fn friend(row: &Row<'_>) -> Result<Friend> {
    Ok(Friend {
        user: row::text(row, 0)?,
        account: Fingerprint(row::bytes(row, 1)?),
        account_certificate: row.get(2)?,
        verified: row.get(3)?,
        blocked: row.get(4)?,
        changed_key: row::some_bytes(row, 5)?.map(Fingerprint),
        device_list_number: row::number(row, 6)?,
        device_list: IdentityStatement { body: row.get(7)?, signature: row.get(8)? },
    })
}

/// Everybody, by handle.
pub fn load(c: &Connection) -> Result<Vec<Friend>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM friends ORDER BY user"))?.query_map([], friend)?.collect()
}

/// Whether what somebody with this key writes is taken: a friend, not blocked, and no other key was seen under that name.
pub fn may_write(c: &Connection, user: &Handle, account: Fingerprint) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM friends WHERE user = ?1 AND account = ?2 AND NOT blocked AND changed_key IS NULL")?
        .exists(params![user.as_str(), account.0])
}

/// Who was a friend once, and with which key.
pub fn load_former(c: &Connection) -> Result<Vec<(Handle, Fingerprint)>> {
    let row = |row: &Row<'_>| Ok((row::text(row, 0)?, Fingerprint(row::bytes(row, 1)?)));
    c.prepare_cached("SELECT user, account FROM former ORDER BY user")?.query_map([], row)?.collect()
}

/// The key of somebody who is no friend, as another device of this account knows it. What is remembered already stays.
pub fn remember(c: &Connection, user: &Handle, key: Fingerprint) -> Result<()> {
    c.prepare_cached("INSERT OR IGNORE INTO former (user, account) VALUES (?1, ?2)")?
        .execute(params![user.as_str(), key.0])
        .map(drop)
}

/// The key of somebody who was a friend counts no more: a person accepted another one.
pub fn forget_former(c: &Connection, user: &Handle) -> Result<()> {
    c.prepare_cached("DELETE FROM former WHERE user = ?1")?.execute([user.as_str()]).map(drop)
}

/// Ends a friendship; what was said stays, and so does the key, as a former friend's. False if nobody was known.
pub fn remove(c: &Connection, user: &Handle) -> Result<bool> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO former (user, account) SELECT user, account FROM friends WHERE user = ?1",
    )?
    .execute([user.as_str()])?;
    super::file_rules::save(c, user, super::file_rules::FileRule::Ask)?;
    super::notify::save(c, &ConversationId::Direct(user.clone()), super::notify::Notify::All)?;
    Ok(c.prepare_cached("DELETE FROM friends WHERE user = ?1")?.execute([user.as_str()])? > 0)
}

/// The safety number was compared, or no longer counts.
pub fn set_verified(c: &Connection, user: &Handle, verified: bool) -> Result<()> {
    c.prepare_cached("UPDATE friends SET verified = ?2 WHERE user = ?1")?.execute(params![user.as_str(), verified])?;
    Ok(())
}

/// Nothing is taken from them, or is again.
pub fn set_blocked(c: &Connection, user: &Handle, blocked: bool) -> Result<()> {
    c.prepare_cached("UPDATE friends SET blocked = ?2 WHERE user = ?1")?.execute(params![user.as_str(), blocked])?;
    Ok(())
}

/// Another key was seen under their name; `None` once that is settled.
pub fn set_changed_key(c: &Connection, user: &Handle, key: Option<Fingerprint>) -> Result<()> {
    c.prepare_cached("UPDATE friends SET changed_key = ?2 WHERE user = ?1")?
        .execute(params![user.as_str(), key.map(|key| key.0)])?;
    Ok(())
}

/// A newer device list, of the same identity key.
pub fn set_device_list(c: &Connection, user: &Handle, number: u64, list: &IdentityStatement) -> Result<()> {
    c.prepare_cached("UPDATE friends SET list_number = ?2, list_body = ?3, list_signature = ?4 WHERE user = ?1")?
        .execute(params![user.as_str(), number.cast_signed(), list.body, list.signature])?;
    Ok(())
}
