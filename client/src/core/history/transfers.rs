//! Transfers on the disk: what is known of each, before it is told to anybody. Written by `FileTransfer`, listed by the `Registry`.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Hash, Incarnation, TransferId};
use hobnob_shared::message::FolderOffer;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::row;
use crate::core::event::{Direction, TransferInfo, TransferState};

/// Where a transfer stands on the disk. Whether bytes flow right now is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Waits for the receiver's answer.
    Offered,
    /// Goes, or will as soon as there is a link.
    Accepted,
    /// Stopped by the person here; goes on when they say so.
    PausedHere,
    /// Stopped by the other person; goes on when they say so.
    PausedThere,
    /// Whole and verified.
    Finished,
    /// Declined by the receiver.
    Declined,
    /// Given up by either side.
    Cancelled,
    /// Ended by an error; may be gone on with.
    Failed,
}

impl Stage {
    const ALL: [Self; 8] = [
        Self::Offered,
        Self::Accepted,
        Self::PausedHere,
        Self::PausedThere,
        Self::Finished,
        Self::Declined,
        Self::Cancelled,
        Self::Failed,
    ];

    fn number(self) -> isize {
        self as isize
    }

    fn from_number(number: isize) -> Self {
        Self::ALL.into_iter().find(|stage| stage.number() == number).unwrap_or(Self::Failed)
    }

    /// Nothing more will happen to it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Declined | Self::Cancelled)
    }

    /// As told to people.
    pub fn told(self) -> TransferState {
        match self {
            Self::Offered => TransferState::Offered,
            Self::Accepted => TransferState::Accepted,
            Self::PausedHere | Self::PausedThere => TransferState::Paused,
            Self::Finished => TransferState::Finished,
            Self::Declined => TransferState::Declined,
            Self::Cancelled => TransferState::Cancelled,
            Self::Failed => TransferState::Failed,
        }
    }
}

/// All that is kept of a transfer.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// Its id, made by the sender.
    pub id: TransferId,
    /// Where it is shown.
    pub conversation: ConversationId,
    /// The person at the other end.
    pub peer: Handle,
    /// The sender.
    pub from: Handle,
    /// Which way.
    pub direction: Direction,
    /// The name as offered.
    pub name: String,
    /// Bytes in all.
    pub size: u64,
    /// Such as `text/plain`.
    pub media_type: Option<String>,
    /// Sender's clock, milliseconds since 1970.
    pub sent_at: u64,
    /// Where it stands.
    pub stage: Stage,
    /// Bytes that the receiver has verified, as far as is known here.
    pub done: u64,
    /// Outgoing: the file. Incoming: the final path, once finished.
    pub path: Option<PathBuf>,
    /// Incoming: where the person wants it, if not in the download folder.
    pub save_as: Option<PathBuf>,
    /// Why it failed or was given up: stable code and sentence.
    pub why: Option<(String, String)>,
    /// Outgoing: the identity key of the friend that it was offered to.
    pub meant_for: Option<Fingerprint>,
    /// Hash of the whole file, once known.
    pub root: Option<Hash>,
    /// The device at the other end; outgoing, unknown until one accepts.
    pub device: Option<DeviceId>,
    /// Outgoing, to a room: the id that all its members know it by. Each of them has a transfer of their own here.
    pub share: Option<TransferId>,
    /// The room in which it was offered.
    pub room: Option<Incarnation>,
    /// It is a folder.
    pub folder: Option<FolderOffer>,
}

impl Transfer {
    /// The id outside this profile: on the wire, and for people.
    pub fn known_as(&self) -> TransferId {
        self.share.unwrap_or(self.id)
    }

    /// With whom, where one id stands for several.
    pub fn by(&self) -> Option<Handle> {
        self.share.map(|_| self.peer.clone())
    }

    /// As told to people; `running` while bytes flow.
    pub fn info(&self, running: bool) -> TransferInfo {
        TransferInfo {
            transfer: self.known_as(),
            by: self.by(),
            conversation: self.conversation.clone(),
            from: self.from.clone(),
            direction: self.direction,
            name: self.name.clone(),
            size: self.size,
            files: self.folder.map(|folder| folder.files),
            done: self.done,
            // What is over may still be confirmed to a sender that missed its end.
            state: if running && !self.stage.is_over() { TransferState::Running } else { self.stage.told() },
            path: self.path.clone(),
            blake3: self.root,
            text: self.why.as_ref().map(|(_, text)| text.clone()),
            sent_at: self.sent_at,
        }
    }
}

const COLUMNS: &str = "id, conversation, peer, author, outgoing, name, size, media_type, sent_at, state, done, path, save_as, code, \
                       text, meant_for, root, device, share, room, files, listing, listing_length";

fn transfer(row: &Row<'_>) -> Result<Transfer> {
    let stage: isize = row.get(9)?;
    let (code, text): (Option<String>, Option<String>) = (row.get(13)?, row.get(14)?);
    Ok(Transfer {
        id: TransferId(uuid::Uuid::from_bytes(row::bytes(row, 0)?)),
        conversation: row::text(row, 1)?,
        peer: row::text(row, 2)?,
        from: row::text(row, 3)?,
        direction: if row.get(4)? { Direction::Outgoing } else { Direction::Incoming },
        name: row.get(5)?,
        size: row::number(row, 6)?,
        media_type: row.get(7)?,
        sent_at: row::number(row, 8)?,
        stage: Stage::from_number(stage),
        done: row::number(row, 10)?,
        path: row::path(row, 11)?,
        save_as: row::path(row, 12)?,
        why: code.zip(text),
        meant_for: row::some_bytes(row, 15)?.map(Fingerprint),
        root: row::some_bytes(row, 16)?.map(Hash),
        device: row::some_bytes(row, 17)?.map(DeviceId),
        share: row::some_bytes(row, 18)?.map(|bytes| TransferId(uuid::Uuid::from_bytes(bytes))),
        room: row::some_bytes(row, 19)?.map(Incarnation),
        folder: row::some_bytes(row, 21)?
            .zip(row.get::<_, Option<u32>>(20)?)
            .zip(row.get::<_, Option<u32>>(22)?)
            .map(|((listing, files), length)| FolderOffer { files, listing: Hash(listing), length }),
    })
}

/// What a transfer is searched by.
pub struct Sent<'a> {
    /// The name as offered.
    pub name: &'a str,
    /// The sender.
    pub author: &'a str,
    /// Where it is shown.
    pub conversation: &'a str,
    /// Sender's clock, milliseconds since 1970.
    pub sent_at: u64,
}

/// Transfers that fit, the newest first; of those that were offered to a room, one for all its members.
pub fn find(c: &Connection, fits: impl Fn(&Sent<'_>) -> bool, limit: usize) -> Result<Vec<Transfer>> {
    let mut statement = c.prepare_cached(
        "SELECT seq, name, author, conversation, sent_at, share FROM transfers WHERE erased = 0 ORDER BY seq DESC",
    )?;
    let mut one = c.prepare_cached(&format!("SELECT {COLUMNS} FROM transfers WHERE seq = ?1"))?;
    let (mut found, mut shares) = (Vec::new(), HashSet::new());
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).map(|value| value.as_str().unwrap_or_default());
        let sent = Sent { name: text(1)?, author: text(2)?, conversation: text(3)?, sent_at: row::number(row, 4)? };
        let share: Option<[u8; 16]> = row::some_bytes(row, 5)?;
        if fits(&sent) && share.is_none_or(|share| shares.insert(share)) {
            found.push(one.query_row([row.get::<_, i64>(0)?], transfer)?);
            if found.len() >= limit {
                break;
            }
        }
    }
    Ok(found)
}

/// Stores a new transfer. False if the id is known: then nothing changes.
pub fn insert(c: &Connection, transfer: &Transfer) -> Result<bool> {
    let added = c
        .prepare_cached(&format!(
            "INSERT OR IGNORE INTO transfers ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)"
        ))?
        .execute(params![
            transfer.id.0.as_bytes(),
            transfer.conversation.to_string(),
            transfer.peer.as_str(),
            transfer.from.as_str(),
            transfer.direction == Direction::Outgoing,
            transfer.name,
            transfer.size.cast_signed(),
            transfer.media_type,
            transfer.sent_at.cast_signed(),
            transfer.stage.number(),
            transfer.done.cast_signed(),
            row::path_bytes(transfer.path.as_deref()),
            row::path_bytes(transfer.save_as.as_deref()),
            transfer.why.as_ref().map(|(code, _)| code),
            transfer.why.as_ref().map(|(_, text)| text),
            transfer.meant_for.map(|key| key.0),
            transfer.root.map(|root| root.0),
            transfer.device.map(|device| device.0),
            transfer.share.map(|share| *share.0.as_bytes()),
            transfer.room.map(|room| room.0),
            transfer.folder.map(|folder| folder.files),
            transfer.folder.map(|folder| folder.listing.0),
            transfer.folder.map(|folder| folder.length),
        ])?;
    Ok(added > 0)
}

/// Stores what changes in the life of a transfer: stage, bytes, paths, reason, key, hash, device. Of one that was erased since, no words: what
/// has to do with it may still be running.
pub fn update(c: &Connection, transfer: &Transfer) -> Result<()> {
    c.prepare_cached(
        "UPDATE transfers SET state = ?2, done = ?3, meant_for = ?8, root = ?9, device = ?10,
                path = iif(erased, NULL, ?4), save_as = iif(erased, NULL, ?5), code = iif(erased, NULL, ?6), text = iif(erased, NULL, ?7)
         WHERE id = ?1",
    )?
    .execute(params![
        transfer.id.0.as_bytes(),
        transfer.stage.number(),
        transfer.done.cast_signed(),
        row::path_bytes(transfer.path.as_deref()),
        row::path_bytes(transfer.save_as.as_deref()),
        transfer.why.as_ref().map(|(code, _)| code),
        transfer.why.as_ref().map(|(_, text)| text),
        transfer.meant_for.map(|key| key.0),
        transfer.root.map(|root| root.0),
        transfer.device.map(|device| device.0),
    ])?;
    Ok(())
}

/// One transfer.
pub fn load(c: &Connection, id: TransferId) -> Result<Option<Transfer>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM transfers WHERE id = ?1"))?
        .query_row([id.0.as_bytes()], transfer)
        .optional()
}

/// The transfer with `peer` that is known by `id` outside this profile.
pub fn load_known_as(c: &Connection, id: TransferId, peer: &Handle) -> Result<Option<Transfer>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM transfers WHERE (id = ?1 AND share IS NULL OR share = ?1) AND peer = ?2"
    ))?
    .query_row(params![id.0.as_bytes(), peer.as_str()], transfer)
    .optional()
}

/// Whether a share of this id was made here.
pub fn is_share(c: &Connection, id: TransferId) -> Result<bool> {
    c.prepare_cached("SELECT EXISTS (SELECT 1 FROM transfers WHERE share = ?1)")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
}

/// All that were not erased, oldest first.
pub fn list(c: &Connection) -> Result<Vec<Transfer>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM transfers WHERE erased = 0 ORDER BY seq"))?
        .query_map([], transfer)?
        .collect()
}

/// Those that may still go on, oldest first: what a start of the program takes up again.
pub fn load_unfinished(c: &Connection) -> Result<Vec<Transfer>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM transfers WHERE state < 4 OR state = 7 ORDER BY seq"))?
        .query_map([], transfer)?
        .collect()
}

/// Of which of these nothing needs to be kept: they are over, or unknown although they were made before `started`, in milliseconds since 1970.
pub fn forgettable(c: &Connection, ids: &[TransferId], started: u64) -> Result<Vec<TransferId>> {
    let mut over = c.prepare_cached("SELECT NOT (state < 4 OR state = 7) FROM transfers WHERE id = ?1")?;
    let mut found = Vec::new();
    for id in ids {
        let known: Option<bool> = over.query_row([id.0.as_bytes()], |row| row.get(0)).optional()?;
        if known.unwrap_or_else(|| made_at(*id) < started) {
            found.push(*id);
        }
    }
    Ok(found)
}

/// When an id was made, by the clock that made it; 0 if it does not say.
fn made_at(id: TransferId) -> u64 {
    let made = id.0.get_timestamp().map(|time| time.to_unix());
    made.map_or(0, |(seconds, nanos)| seconds * 1_000 + u64::from(nanos) / 1_000_000)
}

/// What the files are called that were sent, or may still be: all but those that nobody took, and nobody will.
pub fn sent_names(c: &Connection) -> Result<HashSet<OsString>> {
    let mut paths = c.prepare_cached("SELECT path FROM transfers WHERE outgoing = 1 AND state NOT IN (?1, ?2)")?;
    let nobody = params![Stage::Declined.number(), Stage::Cancelled.number()];
    let names =
        paths.query_map(nobody, |row| Ok(row::path(row, 0)?.and_then(|path| Some(path.file_name()?.to_owned()))))?;
    names.filter_map(std::result::Result::transpose).collect()
}

/// Offers files that are offered to a friend's old key to their new one.
pub fn readdress(c: &Connection, friend: &Handle, from_key: Fingerprint, to_key: Fingerprint) -> Result<usize> {
    c.prepare_cached("UPDATE transfers SET meant_for = ?3 WHERE peer = ?1 AND outgoing = 1 AND meant_for = ?2")?
        .execute(params![friend.as_str(), from_key.0, to_key.0])
}

/// Offers of `peer` that wait for an answer here, and all that are not finished, to bound them.
pub fn offers_of(c: &Connection, peer: &Handle) -> Result<(u32, u32)> {
    c.prepare_cached(
        "SELECT count(*) FILTER (WHERE state = 0), count(*) FROM transfers WHERE peer = ?1 AND outgoing = 0 AND (state < 4 OR state = 7)",
    )?
    .query_row([peer.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
}
