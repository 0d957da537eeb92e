//! Who comes into a room, who goes, and the records that say so, as functions over a connection. Called by [`super::SqliteStore`] on its
//! writing thread; each runs inside one transaction, so that a number is given once, and a record is signed of what is written.

use hobnob_shared::codec::to_cbor;
use hobnob_shared::id::{Fingerprint, Handle, Hash, Incarnation, RoomId};
use hobnob_shared::identity::ServerKey;
use hobnob_shared::message::{MEMBERSHIP, Membership};
use rusqlite::{Connection, params};

use super::accounts::{fingerprint, number};
use super::rooms::{RoomRow, by_key, by_name, count, member_count, number_of};
use super::{AccountId, ByOwner, Joined, Leaving, NewMember, RecordRow, RoomChange, RoomHead, RoomKey, StoreError};
use crate::config::Limits;

/// What is kept of a password, or compared with what is kept.
fn kept(proof: &Hash) -> blake3::Hash {
    blake3::hash(&proof.0)
}

impl RoomRow {
    fn opens_with(&self, proof: Option<&Hash>) -> bool {
        let Some(password) = &self.password else { return true };
        // Compared in constant time, so that nobody learns it byte by byte.
        blake3::Hash::from_slice(password).is_ok_and(|right| proof.is_some_and(|proof| kept(proof) == right))
    }
}

/// Who is written about.
struct Who<'a> {
    account: AccountId,
    user: &'a Handle,
    key: Fingerprint,
}

/// Signs and keeps the next record of a room.
fn write_record(
    c: &Connection,
    head: &mut RoomHead,
    who: &Who<'_>,
    member: bool,
    (now, notary): (i64, &ServerKey),
) -> Result<RoomChange, StoreError> {
    head.number = head.number.checked_add(1).ok_or(StoreError::Damaged("number"))?;
    let membership = Membership {
        room: head.room.clone(),
        incarnation: head.incarnation,
        number: head.number,
        user: who.user.clone(),
        account: who.key,
        member,
        at: u64::try_from(now).unwrap_or(0),
    };
    let record = notary.sign(MEMBERSHIP, &membership).map_err(|_| StoreError::NotSigned)?;
    let record = to_cbor(&record).map_err(|_| StoreError::NotSigned)?;
    c.prepare_cached("UPDATE rooms SET number = ?2 WHERE id = ?1")?.execute([head.key.0, number(head.number)])?;
    c.prepare_cached(
        "INSERT OR REPLACE INTO members (room, account, number, member, record) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![head.key.0, who.account.0, number(head.number), member, record])?;
    let record = RecordRow { account: who.account, number: head.number, member, record };
    Ok(RoomChange { head: head.clone(), user: who.user.clone(), record })
}

pub(super) fn join(
    c: &Connection,
    new: &NewMember,
    fresh: Incarnation,
    limits: &Limits,
    signing: (i64, &ServerKey),
) -> Result<Joined, StoreError> {
    let found = by_name(c, &new.room)?;
    if let Some(room) = &found {
        if number_of(c, room.head.key, new.account)?.is_some() {
            return Ok(Joined::Already(Box::new(room.head.clone())));
        }
        // Before everything else that could be wrong: who has not the password learns no more than that.
        if !room.opens_with(new.proof.as_ref()) {
            return Ok(Joined::WrongPassword);
        }
        if member_count(c, room.head.key)? >= limits.room_members {
            return Ok(Joined::RoomFull);
        }
    }
    if count(c, "SELECT COUNT(*) FROM members WHERE account = ?1 AND member = 1", new.account.0)? >= limits.rooms {
        return Ok(Joined::TooManyRooms);
    }
    let mut head = match found {
        Some(room) => room.head,
        None => make(c, new, fresh, signing.0)?,
    };
    let who = Who { account: new.account, user: &new.user, key: new.key };
    Ok(Joined::New(Box::new(write_record(c, &mut head, &who, true, signing)?)))
}

fn make(c: &Connection, new: &NewMember, fresh: Incarnation, now: i64) -> Result<RoomHead, StoreError> {
    let password = new.proof.as_ref().map(|proof| kept(proof).as_bytes().to_vec());
    let locked = password.is_some();
    c.prepare_cached(
        "INSERT INTO rooms (name, incarnation, owner, password, number, created) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
    )?
    .execute(params![new.room.to_string(), fresh.0.as_slice(), new.account.0, password, now])?;
    Ok(RoomHead {
        key: RoomKey(c.last_insert_rowid()),
        room: new.room.clone(),
        incarnation: fresh,
        owner: new.user.clone(),
        locked,
        number: 0,
    })
}

pub(super) fn leave(
    c: &Connection,
    leaving: &Leaving,
    limits: &Limits,
    signing: (i64, &ServerKey),
) -> Result<Option<RoomChange>, StoreError> {
    let Some(room) = by_name(c, &leaving.room)?.filter(|room| room.head.incarnation == leaving.incarnation) else {
        return Ok(None);
    };
    // An old statement that somebody kept ends no later membership.
    if number_of(c, room.head.key, leaving.account)? != Some(leaving.number) {
        return Ok(None);
    }
    let who = Who { account: leaving.account, user: &leaving.user, key: leaving.key };
    end(c, room, &who, limits, signing).map(Some)
}

pub(super) fn remove(
    c: &Connection,
    (owner, room): (AccountId, &RoomId),
    user: &Handle,
    limits: &Limits,
    signing: (i64, &ServerKey),
) -> Result<ByOwner<RoomChange>, StoreError> {
    let room = match owned(c, owner, room)? {
        ByOwner::Done(room) => *room,
        ByOwner::NotFound => return Ok(ByOwner::NotFound),
        ByOwner::Forbidden => return Ok(ByOwner::Forbidden),
    };
    let mut query = c.prepare_cached("SELECT id, key FROM accounts WHERE handle = ?1")?;
    let mut rows = query.query([user.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(ByOwner::NotFound) };
    let who = Who { account: AccountId(row.get("id")?), user, key: fingerprint(row, "key")? };
    if number_of(c, room.head.key, who.account)?.is_none() {
        return Ok(ByOwner::NotFound);
    }
    end(c, room, &who, limits, signing).map(|change| ByOwner::Done(Box::new(change)))
}

/// The room, if it is this account's.
fn owned(c: &Connection, account: AccountId, room: &RoomId) -> Result<ByOwner<RoomRow>, StoreError> {
    let Some(room) = by_name(c, room)? else { return Ok(ByOwner::NotFound) };
    Ok(if room.owner == account {
        ByOwner::Done(Box::new(room))
    } else if number_of(c, room.head.key, account)?.is_some() {
        ByOwner::Forbidden
    } else {
        ByOwner::NotFound
    })
}

/// Ends a membership; the room is somebody else's then, or no more.
fn end(
    c: &Connection,
    room: RoomRow,
    who: &Who<'_>,
    limits: &Limits,
    signing: (i64, &ServerKey),
) -> Result<RoomChange, StoreError> {
    let RoomRow { mut head, owner, .. } = room;
    let mut change = write_record(c, &mut head, who, false, signing)?;
    if member_count(c, head.key)? == 0 {
        c.prepare_cached("DELETE FROM rooms WHERE id = ?1")?.execute([head.key.0])?;
        return Ok(change);
    }
    if owner == who.account {
        // Records of members are numbered in the order in which they joined.
        c.prepare_cached(
            "UPDATE rooms SET owner =
             (SELECT account FROM members WHERE room = ?1 AND member = 1 ORDER BY number LIMIT 1) WHERE id = ?1",
        )?
        .execute([head.key.0])?;
        change.head = by_key(c, head.key)?.ok_or(StoreError::Damaged("room"))?.head;
    }
    c.prepare_cached(
        "DELETE FROM members WHERE room = ?1 AND account IN
         (SELECT account FROM members WHERE room = ?1 AND member = 0 ORDER BY number DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![head.key.0, limits.room_past_members])?;
    Ok(change)
}

pub(super) fn set_password(
    c: &Connection,
    account: AccountId,
    room: &RoomId,
    proof: Option<&Hash>,
) -> Result<ByOwner<RoomHead>, StoreError> {
    let mut head = match owned(c, account, room)? {
        ByOwner::Done(room) => room.head,
        ByOwner::NotFound => return Ok(ByOwner::NotFound),
        ByOwner::Forbidden => return Ok(ByOwner::Forbidden),
    };
    head.locked = proof.is_some();
    // A number too, so that whoever hears of two changes in the wrong order knows the newer.
    head.number = head.number.checked_add(1).ok_or(StoreError::Damaged("number"))?;
    c.prepare_cached("UPDATE rooms SET password = ?2, number = ?3 WHERE id = ?1")?.execute(params![
        head.key.0,
        proof.map(|proof| kept(proof).as_bytes().to_vec()),
        number(head.number)
    ])?;
    Ok(ByOwner::Done(Box::new(head)))
}
