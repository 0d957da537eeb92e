//! What is kept of each device that was met, to find it again without the server. Written and read by `PeerLink`, listed by the `Registry`
//! at the start.

use hobnob_shared::id::{DeviceId, Handle};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::row;

/// A device that was met.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Pair {
    /// Theirs.
    #[zeroize(skip)]
    pub device: DeviceId,
    /// Whose it is.
    #[zeroize(skip)]
    pub user: Handle,
    /// Both sides keep it; re-dial tokens come from it.
    pub secret: [u8; 32],
    /// Counter of my last dial.
    pub dial_counter: u64,
    /// Highest counter with which they dialled.
    pub seen_counter: u64,
    /// `ADDR:PORT` under which they were reached, newest first.
    #[zeroize(skip)]
    pub addresses: Vec<String>,
}

/// Without the secret.
impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair")
            .field("device", &self.device)
            .field("user", &self.user)
            .field("dial_counter", &self.dial_counter)
            .field("seen_counter", &self.seen_counter)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str = "device, user, secret, dial_counter, seen_counter, addresses";

fn pair(row: &Row<'_>) -> Result<Pair> {
    let addresses: String = row.get(5)?;
    Ok(Pair {
        device: DeviceId(row::bytes(row, 0)?),
        user: row::text(row, 1)?,
        secret: row::bytes(row, 2)?,
        dial_counter: row::number(row, 3)?,
        seen_counter: row::number(row, 4)?,
        addresses: addresses.lines().map(str::to_owned).collect(),
    })
}

/// Stores a pair, in place of what was known.
pub fn upsert(c: &Connection, pair: &Pair) -> Result<()> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO pairs (device, user, secret, dial_counter, seen_counter, addresses)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        pair.device.0,
        pair.user.as_str(),
        pair.secret,
        pair.dial_counter.cast_signed(),
        pair.seen_counter.cast_signed(),
        pair.addresses.join("\n"),
    ])?;
    Ok(())
}

/// What is kept of one device.
pub fn load(c: &Connection, device: &DeviceId) -> Result<Option<Pair>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM pairs WHERE device = ?1"))?.query_row([device.0], pair).optional()
}

/// Everything that is kept.
pub fn load_all(c: &Connection) -> Result<Vec<Pair>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM pairs ORDER BY user, device"))?.query_map([], pair)?.collect()
}

/// Forgets one device.
pub fn remove(c: &Connection, device: &DeviceId) -> Result<()> {
    c.prepare_cached("DELETE FROM pairs WHERE device = ?1")?.execute([device.0])?;
    Ok(())
}

/// Forgets the devices of a person that are not listed any more: they are not to be found again, nor let in without the server.
pub fn keep_listed(c: &Connection, user: &Handle, listed: &[DeviceId]) -> Result<()> {
    let known: Vec<DeviceId> = c
        .prepare_cached("SELECT device FROM pairs WHERE user = ?1")?
        .query_map([user.as_str()], |row| row::bytes(row, 0).map(DeviceId))?
        .collect::<Result<_>>()?;
    known.iter().filter(|device| !listed.contains(device)).try_for_each(|device| remove(c, device))
}

/// Forgets all devices of a person.
pub fn remove_of(c: &Connection, user: &Handle) -> Result<()> {
    c.prepare_cached("DELETE FROM pairs WHERE user = ?1")?.execute([user.as_str()])?;
    Ok(())
}
