//! Rooms on the disk: which this account is in, and what the server and the members signed of who is, and was, a member. Written by the
//! `Registry`; read before anything of a room is believed.

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Incarnation, RoomId};
use hobnob_shared::identity::{RemovedDevice, ServerStatement, Statement};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{logs, row};
use crate::core::replica::ThreadKey;

/// Clocks of members and of the server may differ by so much, in milliseconds: the last words before a removal are not lost for it.
const SKEW: u64 = 120_000;

/// A room, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Which.
    pub room: RoomId,
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Who owns it.
    pub owner: Handle,
    /// It takes a password to join.
    pub locked: bool,
    /// Why this account is not a member any more: `left`, `removed`.
    pub ended: Option<String>,
    /// Who is, and was, a member.
    pub memberships: Vec<Kept>,
}

/// A membership that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose.
    pub user: Handle,
    /// Their identity key.
    pub account: Fingerprint,
    /// Of the record; the greater one counts.
    pub number: u64,
    /// Member, or not any more.
    pub member: bool,
    /// Since when, by the clock of who signed last: milliseconds since 1970.
    pub at: u64,
    /// What the server signed.
    pub record: ServerStatement,
    /// What the member signed who left.
    pub leave: Option<Statement>,
}

/// Stores a room, in place of what was known of it; its members are stored one by one.
pub fn upsert(c: &Connection, room: &Room) -> Result<()> {
    let conversation = hobnob_shared::id::ConversationId::Room(room.room.clone());
    let row = logs::thread_row(c, &ThreadKey::Room(room.incarnation), &conversation)?;
    c.prepare_cached("INSERT OR REPLACE INTO rooms (thread, name, owner, locked, ended) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![row.thread, room.room.to_string(), room.owner.as_str(), room.locked, room.ended])?;
    room.memberships.iter().try_for_each(|kept| keep(c, room.incarnation, kept))
}

fn blob<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    to_cbor(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Stores a membership unless a newer one of the same person is known.
pub fn keep(c: &Connection, room: Incarnation, kept: &Kept) -> Result<()> {
    let Some(row) = logs::find_thread(c, &ThreadKey::Room(room))? else { return Ok(()) };
    c.prepare_cached(
        "INSERT INTO memberships (thread, user, account, number, member, at, record, leave) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET account = excluded.account, number = excluded.number, member = excluded.member,
                                   at = excluded.at, record = excluded.record, leave = excluded.leave
         WHERE excluded.number > number OR (excluded.number = number AND excluded.member < member)",
    )?
    .execute(params![
        row.thread,
        kept.user.as_str(),
        kept.account.0,
        kept.number.cast_signed(),
        kept.member,
        kept.at.cast_signed(),
        blob(&kept.record)?,
        kept.leave.as_ref().map(blob).transpose()?,
    ])?;
    Ok(())
}

/// All rooms that this account is or was in.
pub fn load(c: &Connection) -> Result<Vec<Room>> {
    let mut rooms = c
        .prepare_cached("SELECT r.name, t.key, r.owner, r.locked, r.ended FROM rooms r JOIN threads t ON t.id = r.thread ORDER BY r.thread")?
        .query_map([], |row| {
            Ok(Room {
                room: row::text(row, 0)?,
                incarnation: row::text(row, 1)?,
                owner: row::text(row, 2)?,
                locked: row.get(3)?,
                ended: row.get(4)?,
                memberships: Vec::new(),
            })
        })?
        .collect::<Result<Vec<_>>>()?;
    for room in &mut rooms {
        room.memberships = c
            .prepare_cached(
                "SELECT m.user, m.account, m.number, m.member, m.at, m.record, m.leave
                 FROM memberships m JOIN threads t ON t.id = m.thread WHERE t.key = ?1 ORDER BY m.user",
            )?
            .query_map([room.incarnation.to_string()], kept)?
            .collect::<Result<_>>()?;
    }
    Ok(rooms)
}

fn read_blob<T: serde::de::DeserializeOwned>(bytes: &[u8], column: usize) -> Result<T> {
    from_cbor(bytes).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, Box::new(error))
    })
}

fn kept(row: &rusqlite::Row<'_>) -> Result<Kept> {
    Ok(Kept {
        user: row::text(row, 0)?,
        account: Fingerprint(row::bytes(row, 1)?),
        number: row::number(row, 2)?,
        member: row.get(3)?,
        at: row::number(row, 4)?,
        record: read_blob(&row.get::<_, Vec<u8>>(5)?, 5)?,
        leave: row.get::<_, Option<Vec<u8>>>(6)?.map(|bytes| read_blob(&bytes, 6)).transpose()?,
    })
}

/// Who of a room's members, present or past, has this identity key; until when, if they are gone.
pub fn author(c: &Connection, room: Incarnation, account: Fingerprint) -> Result<Option<(Handle, Option<u64>)>> {
    let Some(row) = logs::find_thread(c, &ThreadKey::Room(room))? else { return Ok(None) };
    c.prepare_cached("SELECT user, member, at FROM memberships WHERE thread = ?1 AND account = ?2")?
        .query_row(params![row.thread, account.0], |row| {
            let until = if row.get(1)? { None } else { Some(row::number(row, 2)?.saturating_add(SKEW)) };
            Ok((row::text(row, 0)?, until))
        })
        .optional()
}

/// Whether a person with this identity key is a member now.
pub fn is_member(c: &Connection, room: Incarnation, account: Fingerprint) -> Result<bool> {
    Ok(author(c, room, account)?.is_some_and(|(_, until)| until.is_none()))
}

/// The conversation that a room's thread belongs to, if this account is in it.
pub fn name(c: &Connection, room: Incarnation) -> Result<Option<RoomId>> {
    c.prepare_cached(
        "SELECT r.name FROM rooms r JOIN threads t ON t.id = r.thread WHERE t.key = ?1 AND r.ended IS NULL",
    )?
    .query_row([room.to_string()], |row| row::text(row, 0))
    .optional()
}

/// Devices that the owner of this identity key took off the account; of two moments the earlier one stays.
pub fn note_removed(c: &Connection, account: Fingerprint, removed: &[RemovedDevice]) -> Result<()> {
    let mut note = c.prepare_cached(
        "INSERT INTO removed_devices (account, device, at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET at = min(at, excluded.at)",
    )?;
    removed
        .iter()
        .try_for_each(|removed| note.execute(params![account.0, removed.device.0, removed.at.cast_signed()]).map(drop))
}

/// Until when a device's signature counts, if it was taken off this account.
pub fn removed_at(c: &Connection, account: Fingerprint, device: DeviceId) -> Result<Option<u64>> {
    c.prepare_cached("SELECT at FROM removed_devices WHERE account = ?1 AND device = ?2")?
        .query_row(params![account.0, device.0], |row| Ok(row::number(row, 0)?.saturating_add(SKEW)))
        .optional()
}

/// Words of this person in rooms are not shown any more, or are again.
pub fn set_blocked(c: &Connection, user: &Handle, blocked: bool) -> Result<()> {
    let sql =
        if blocked { "INSERT OR IGNORE INTO blocks (user) VALUES (?1)" } else { "DELETE FROM blocks WHERE user = ?1" };
    c.prepare_cached(sql)?.execute([user.as_str()]).map(drop)
}

/// Who is blocked.
pub fn blocked(c: &Connection) -> Result<Vec<Handle>> {
    c.prepare_cached("SELECT user FROM blocks ORDER BY user")?.query_map([], |row| row::text(row, 0))?.collect()
}
