//! Whom an account has to do with, as functions over a connection: what a sign-in needs, who hears of a change, how two stand to each
//! other. Called by [`super::SqliteStore`] on its threads.

use hobnob_shared::id::{DeviceId, Handle};
use rusqlite::{Connection, params};

use super::accounts::{fingerprint, handle, id_of};
use super::friends::{are_friends, has_blocked, name_of};
use super::{AccountId, Circle, FriendRow, PendingRequest, Relation, StoreError, rooms, rosters, seen};

pub(super) fn circle(
    c: &Connection,
    account: AccountId,
    user: &Handle,
    device: &DeviceId,
) -> Result<Circle, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT list_number, device_list, EXISTS (SELECT 1 FROM devices WHERE account = ?1 AND device = ?2) AS known
         FROM accounts WHERE id = ?1",
    )?;
    let mut rows = query.query(params![account.0, device.0.as_slice()])?;
    let row = rows.next()?.ok_or(StoreError::Damaged("account"))?;
    let mut circle = Circle {
        friends: Vec::new(),
        pending: Vec::new(),
        rooms: rooms::seats(c, account)?,
        list_number: u64::try_from(row.get::<_, i64>("list_number")?).map_err(|_| StoreError::Damaged("number"))?,
        device_list: row.get("device_list")?,
        device_known: row.get("known")?,
        roster: rosters::number_of(c, account)?,
        seen: seen::of(c, account)?,
        friends_seen: seen::of_friends(c, account)?,
    };
    let mut query = c.prepare_cached(
        "SELECT a.id, a.handle, a.key FROM accounts a
         WHERE a.id IN (SELECT high FROM friendships WHERE low = ?1 UNION ALL SELECT low FROM friendships WHERE high = ?1)
         ORDER BY a.handle",
    )?;
    let mut rows = query.query([account.0])?;
    while let Some(row) = rows.next()? {
        circle.friends.push(FriendRow {
            account: AccountId(row.get("id")?),
            user: handle(row, "handle")?,
            key: fingerprint(row, "key")?,
        });
    }
    let mut query = c.prepare_cached(
        "SELECT r.statement, a.device_list FROM requests r JOIN accounts a ON a.id = r.asker
         WHERE r.asked = ?1 AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.account = ?2 AND b.blocked = a.handle)
         ORDER BY r.id",
    )?;
    let mut rows = query.query(params![user.as_str(), account.0])?;
    while let Some(row) = rows.next()? {
        circle.pending.push(PendingRequest { statement: row.get("statement")?, device_list: row.get("device_list")? });
    }
    Ok(circle)
}

/// Friends, and members of common rooms, each once.
pub(super) fn audience(c: &Connection, account: AccountId) -> Result<Vec<AccountId>, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT high FROM friendships WHERE low = ?1 UNION SELECT low FROM friendships WHERE high = ?1
         UNION SELECT other.account FROM members one JOIN members other ON other.room = one.room
         WHERE one.account = ?1 AND one.member = 1 AND other.member = 1 AND other.account <> ?1",
    )?;
    let mut rows = query.query([account.0])?;
    let mut audience = Vec::new();
    while let Some(row) = rows.next()? {
        audience.push(AccountId(row.get(0)?));
    }
    Ok(audience)
}

pub(super) fn relation(c: &Connection, account: AccountId, other: &Handle) -> Result<Relation, StoreError> {
    let Some(id) = id_of(c, other)? else { return Ok(Relation::default()) };
    Ok(Relation {
        friends: are_friends(c, account, id)?,
        room_mates: id != account && rooms::share_a_room(c, account, id)?,
        blocked: has_blocked(c, account, other)? || has_blocked(c, id, &name_of(c, account)?)?,
    })
}
