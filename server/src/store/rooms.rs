//! Rooms and what is read of them, as functions over a connection. Called by [`super::SqliteStore`] on its threads; what changes them is in
//! `membership.rs`.

use hobnob_shared::id::{Fingerprint, Handle, Hash, Incarnation, RoomId};
use hobnob_shared::limits::RECORDS_PER_PAGE;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::accounts::{handle, number};
use super::{AccountId, StoreError};

/// Names one life of a room inside this server; never on the wire. A later life has a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomKey(pub i64);

/// What every member knows of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomHead {
    /// Number here.
    pub key: RoomKey,
    /// Name.
    pub room: RoomId,
    /// Of which life.
    pub incarnation: Incarnation,
    /// Whose it is.
    pub owner: Handle,
    /// It takes a password to join.
    pub locked: bool,
    /// Of the newest change.
    pub number: u64,
}

/// A room that an account is a member of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Which.
    pub head: RoomHead,
    /// Of the account's record.
    pub number: u64,
}

/// The newest record about somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Whose.
    pub account: AccountId,
    /// Of the record.
    pub number: u64,
    /// Is a member, or was.
    pub member: bool,
    /// The signed record, encoded.
    pub record: Vec<u8>,
}

/// Some of a room's records, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPage {
    /// Of which room.
    pub head: RoomHead,
    /// At most [`RECORDS_PER_PAGE`].
    pub records: Vec<RecordRow>,
    /// There are further ones.
    pub more: bool,
}

/// Somebody who wants to be a member.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Who.
    pub account: AccountId,
    /// Name.
    pub user: Handle,
    /// Identity key.
    pub key: Fingerprint,
    /// Where.
    pub room: RoomId,
    /// As the client shows it.
    pub proof: Option<Hash>,
}

/// Somebody who wants to be a member no more.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// Who.
    pub account: AccountId,
    /// Name.
    pub user: Handle,
    /// Identity key.
    pub key: Fingerprint,
    /// Where.
    pub room: RoomId,
    /// Of which life.
    pub incarnation: Incarnation,
    /// Of the record that ends.
    pub number: u64,
}

/// A membership began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomChange {
    /// The room as it is now.
    pub head: RoomHead,
    /// Whose membership.
    pub user: Handle,
    /// The new record.
    pub record: RecordRow,
}

/// What came of joining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// A member from now on.
    New(Box<RoomChange>),
    /// A member before.
    Already(Box<RoomHead>),
    /// The room has a password, and it is another one.
    WrongPassword,
    /// The room has as many members as the limit allows.
    RoomFull,
    /// The account is in as many rooms as the limit allows.
    TooManyRooms,
}

/// What came of something that only the owner may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByOwner<T> {
    /// It is on disk.
    Done(Box<T>),
    /// No such room or member, as far as somebody who is not a member may know.
    NotFound,
    /// A member asked who is not the owner.
    Forbidden,
}

/// A room with what only the store knows of it.
pub(super) struct RoomRow {
    pub(super) head: RoomHead,
    pub(super) owner: AccountId,
    pub(super) password: Option<Vec<u8>>,
}

const ROOM: &str = "SELECT r.id, r.name, r.incarnation, r.owner AS owner_id, a.handle AS owner, r.password, r.number
    FROM rooms r JOIN accounts a ON a.id = r.owner";

fn unsigned(row: &Row<'_>, column: &str) -> Result<u64, StoreError> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| StoreError::Damaged("number"))
}

fn room_row(row: &Row<'_>) -> Result<RoomRow, StoreError> {
    let name = row.get_ref("name")?.as_str().ok().and_then(|text| text.parse().ok());
    let incarnation = row.get_ref("incarnation")?.as_blob().ok().and_then(Incarnation::from_slice);
    let password: Option<Vec<u8>> = row.get("password")?;
    let head = RoomHead {
        key: RoomKey(row.get("id")?),
        room: name.ok_or(StoreError::Damaged("room name"))?,
        incarnation: incarnation.ok_or(StoreError::Damaged("incarnation"))?,
        owner: handle(row, "owner")?,
        locked: password.is_some(),
        number: unsigned(row, "number")?,
    };
    Ok(RoomRow { head, owner: AccountId(row.get("owner_id")?), password })
}

pub(super) fn by_name(c: &Connection, room: &RoomId) -> Result<Option<RoomRow>, StoreError> {
    let mut query = c.prepare_cached(&format!("{ROOM} WHERE r.name = ?1"))?;
    let mut rows = query.query([room.to_string()])?;
    rows.next()?.map(room_row).transpose()
}

pub(super) fn by_key(c: &Connection, room: RoomKey) -> Result<Option<RoomRow>, StoreError> {
    let mut query = c.prepare_cached(&format!("{ROOM} WHERE r.id = ?1"))?;
    let mut rows = query.query([room.0])?;
    rows.next()?.map(room_row).transpose()
}

/// Number of the account's record, if it is a member.
pub(super) fn number_of(c: &Connection, room: RoomKey, account: AccountId) -> Result<Option<u64>, StoreError> {
    let mut query = c.prepare_cached("SELECT number FROM members WHERE room = ?1 AND account = ?2 AND member = 1")?;
    let mut rows = query.query([room.0, account.0])?;
    rows.next()?.map(|row| unsigned(row, "number")).transpose()
}

pub(super) fn count(c: &Connection, query: &str, of: i64) -> Result<u32, StoreError> {
    Ok(c.prepare_cached(query)?.query_row([of], |row| row.get(0))?)
}

pub(super) fn member_count(c: &Connection, room: RoomKey) -> Result<u32, StoreError> {
    count(c, "SELECT COUNT(*) FROM members WHERE room = ?1 AND member = 1", room.0)
}

/// The rooms that an account is a member of, by name.
pub(super) fn seats(c: &Connection, account: AccountId) -> Result<Vec<Seat>, StoreError> {
    let mut query = c.prepare_cached(&format!(
        "SELECT seat.number AS seat, room.* FROM members seat JOIN ({ROOM}) room ON room.id = seat.room
         WHERE seat.account = ?1 AND seat.member = 1 ORDER BY room.name"
    ))?;
    let mut rows = query.query([account.0])?;
    let mut seats = Vec::new();
    while let Some(row) = rows.next()? {
        seats.push(Seat { head: room_row(row)?.head, number: unsigned(row, "seat")? });
    }
    Ok(seats)
}

/// Records behind number `after`; `None` for who is not a member.
pub(super) fn page(
    c: &Connection,
    account: AccountId,
    room: RoomKey,
    after: u64,
) -> Result<Option<RoomPage>, StoreError> {
    let Some(found) = by_key(c, room)? else { return Ok(None) };
    if number_of(c, room, account)?.is_none() {
        return Ok(None);
    }
    let mut query = c.prepare_cached(
        "SELECT account, number, member, record FROM members WHERE room = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    )?;
    let most = i64::try_from(RECORDS_PER_PAGE + 1).unwrap_or(i64::MAX);
    let mut rows = query.query([room.0, number(after), most])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(RecordRow {
            account: AccountId(row.get("account")?),
            number: unsigned(row, "number")?,
            member: row.get("member")?,
            record: row.get("record")?,
        });
    }
    let more = records.len() > RECORDS_PER_PAGE;
    records.truncate(RECORDS_PER_PAGE);
    Ok(Some(RoomPage { head: found.head, records, more }))
}

/// Whether the two are members of one room.
pub(super) fn share_a_room(c: &Connection, a: AccountId, b: AccountId) -> Result<bool, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT 1 FROM members one JOIN members other ON other.room = one.room
         WHERE one.account = ?1 AND one.member = 1 AND other.account = ?2 AND other.member = 1 LIMIT 1",
    )?;
    Ok(query.query_row([a.0, b.0], |_| Ok(())).optional()?.is_some())
}
