//! Accounts and devices, as functions over a connection. Called by [`super::SqliteStore`] on its threads.

use hobnob_shared::id::{DeviceId, Fingerprint, Handle};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    Account, AccountId, FewerDevices, Locked, NewAccount, NewDevice, NewPassword, SignedUp, StoreError, circle,
};

/// A column that holds a handle.
pub(super) fn handle(row: &Row<'_>, column: &str) -> Result<Handle, StoreError> {
    row.get_ref(column)?.as_str().ok().and_then(|text| text.parse().ok()).ok_or(StoreError::Damaged("handle"))
}

/// A column that holds a key's fingerprint.
pub(super) fn fingerprint(row: &Row<'_>, column: &str) -> Result<Fingerprint, StoreError> {
    let bytes = row.get_ref(column)?.as_blob().ok();
    bytes.and_then(Fingerprint::from_slice).ok_or(StoreError::Damaged("fingerprint"))
}

/// The database's integers are signed; nothing that is counted gets that far.
pub(super) fn number(list: u64) -> i64 {
    i64::try_from(list).unwrap_or(i64::MAX)
}

/// The account of that name.
pub(super) fn id_of(c: &Connection, user: &Handle) -> Result<Option<AccountId>, StoreError> {
    let mut query = c.prepare_cached("SELECT id FROM accounts WHERE handle = ?1")?;
    Ok(query.query_row([user.as_str()], |row| row.get(0).map(AccountId)).optional()?)
}

pub(super) fn handle_free(c: &Connection, user: &Handle) -> Result<bool, StoreError> {
    Ok(id_of(c, user)?.is_none())
}

pub(super) fn sign_up(c: &Connection, new: &NewAccount, now: i64) -> Result<SignedUp, StoreError> {
    let mut insert = c.prepare_cached(
        "INSERT INTO accounts (handle, key, certificate, password, sealed, list_number, device_list, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    )?;
    let made = insert.execute(params![
        new.user.as_str(),
        new.key.0.as_slice(),
        new.certificate,
        new.password,
        new.sealed,
        number(new.list_number),
        new.device_list,
        now,
    ])?;
    if made == 0 {
        return Ok(SignedUp::Taken);
    }
    let account = AccountId(c.last_insert_rowid());
    insert_device(c, account, &new.device, &new.device_certificate, now)?;
    Ok(SignedUp::Created(account))
}

fn insert_device(
    c: &Connection,
    account: AccountId,
    device: &DeviceId,
    certificate: &[u8],
    now: i64,
) -> Result<(), StoreError> {
    c.prepare_cached("INSERT OR REPLACE INTO devices (account, device, certificate, created) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![account.0, device.0.as_slice(), certificate, now])?;
    Ok(())
}

pub(super) fn locked(c: &Connection, user: &Handle) -> Result<Option<Locked>, StoreError> {
    let mut query =
        c.prepare_cached("SELECT id, key, password, certificate, sealed, device_list FROM accounts WHERE handle = ?1")?;
    let mut rows = query.query([user.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Locked {
        account: AccountId(row.get("id")?),
        key: fingerprint(row, "key")?,
        password: row.get("password")?,
        certificate: row.get("certificate")?,
        sealed: row.get("sealed")?,
        device_list: row.get("device_list")?,
    }))
}

/// Puts the next device list in place of the one before; false if it is not the next, or if the password is another one since it was shown.
fn replace_list(
    c: &Connection,
    account: AccountId,
    (list_number, list): (u64, &[u8]),
    password: &[u8],
) -> Result<bool, StoreError> {
    let mut update = c.prepare_cached(
        "UPDATE accounts SET list_number = ?2, device_list = ?3 WHERE id = ?1 AND list_number = ?2 - 1 AND password = ?4",
    )?;
    Ok(update.execute(params![account.0, number(list_number), list, password])? > 0)
}

pub(super) fn enrol(c: &Connection, new: &NewDevice, now: i64) -> Result<Option<Vec<AccountId>>, StoreError> {
    if !replace_list(c, new.account, (new.list_number, &new.device_list), &new.password)? {
        return Ok(None);
    }
    insert_device(c, new.account, &new.device, &new.certificate, now)?;
    circle::audience(c, new.account).map(Some)
}

pub(super) fn set_devices(c: &Connection, new: &FewerDevices) -> Result<Option<Vec<AccountId>>, StoreError> {
    if !replace_list(c, new.account, (new.list_number, &new.device_list), &new.password)? {
        return Ok(None);
    }
    let mut delete = c.prepare_cached("DELETE FROM devices WHERE account = ?1 AND device = ?2")?;
    for device in &new.removed {
        delete.execute(params![new.account.0, device.0.as_slice()])?;
    }
    circle::audience(c, new.account).map(Some)
}

pub(super) fn change_password(c: &Connection, new: &NewPassword) -> Result<bool, StoreError> {
    let mut update =
        c.prepare_cached("UPDATE accounts SET password = ?2, sealed = ?3 WHERE id = ?1 AND password = ?4")?;
    Ok(update.execute(params![new.account.0, new.password, new.sealed, new.old])? > 0)
}

pub(super) fn account(c: &Connection, key: &Fingerprint, device: &DeviceId) -> Result<Option<Account>, StoreError> {
    let mut query = c.prepare_cached(
        "SELECT id, handle, device_list,
                EXISTS (SELECT 1 FROM devices WHERE account = accounts.id AND device = ?2) AS known
         FROM accounts WHERE key = ?1",
    )?;
    let mut rows = query.query(params![key.0.as_slice(), device.0.as_slice()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Account {
        id: AccountId(row.get("id")?),
        user: handle(row, "handle")?,
        device_list: row.get("device_list")?,
        device_known: row.get("known")?,
    }))
}
