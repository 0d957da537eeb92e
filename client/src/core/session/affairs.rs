//! What the password allows beside signing in: removing a device, and changing the password. Over an enrolment connection (`enrol.rs`), so
//! the session that stands is not touched. Which list follows from which is decided here; pure, and the server decides alike.

use hobnob_shared::id::DeviceId;
use hobnob_shared::identity::{DEVICE_LIST, DeviceList, IdentityKey, IdentityStatement, RemovedDevice, spki_hash};
use hobnob_shared::limits;
use hobnob_shared::message::{
    CHANGE_PASSWORD, ChangePasswordFinish, ChangePasswordStart, SET_DEVICES, SetDevices, ToServer, Unlocked,
};
use hobnob_shared::password::ExportKey;
use serde_bytes::ByteBuf;

use super::enrol::{Door, EnrolError, Own, own, register, seal, unlock, unseal};
use crate::core::clock;
use crate::core::command::Password;
use crate::core::profile::RosterKey;

/// The list that follows `list` with one device more; the first one without a list.
pub(super) fn with_device(list: Option<DeviceList>, device: DeviceId, now: u64) -> DeviceList {
    let (number, mut devices, removed) =
        list.map_or((0, Vec::new(), Vec::new()), |list| (list.number, list.devices, list.removed));
    devices.push(device);
    DeviceList { number: number.saturating_add(1), devices, issued_at: now, removed }
}

/// The list that follows `list` without `device`, which is named as removed from now on; of those removed before, the newest stay named.
/// `None` if it is not on the list, or alone on it.
fn without_device(list: DeviceList, device: DeviceId, now: u64) -> Option<DeviceList> {
    let DeviceList { number, mut devices, mut removed, .. } = list;
    let before = devices.len();
    devices.retain(|listed| *listed != device);
    if devices.len() == before || devices.is_empty() {
        return None;
    }
    removed.retain(|earlier| earlier.device != device);
    removed.sort_by_key(|earlier| earlier.at);
    removed.drain(..removed.len().saturating_sub(limits::DEVICES - 1));
    removed.push(RemovedDevice { device, at: now });
    Some(DeviceList { number: number.saturating_add(1), devices, issued_at: now, removed })
}

/// What the password opened, and what the account's devices are, after everything was held against what is known here.
fn open(
    account: &Own,
    unlocked: &Unlocked,
    export_key: &ExportKey,
) -> Result<(IdentityKey, RosterKey, DeviceList), EnrolError> {
    let dishonest = |why: String| EnrolError::Dishonest(why);
    let (identity, roster_key) = unseal(export_key, &unlocked.sealed)?;
    if identity.fingerprint() != account.account {
        return Err(dishonest("the account has another identity key than this device knows".to_owned()));
    }
    if spki_hash(&unlocked.account_certificate).ok() != Some(account.account.0) {
        return Err(dishonest("the account's certificate is of another key".to_owned()));
    }
    let list: DeviceList = unlocked
        .device_list
        .verify(DEVICE_LIST, &unlocked.account_certificate)
        .map_err(|error| dishonest(error.to_string()))?;
    if list.number < account.list_number {
        return Err(dishonest("the device list is older than the one that this device knows".to_owned()));
    }
    Ok((identity, roster_key, list))
}

/// Takes a device off the account; its devices from then on.
pub(super) async fn remove_device(
    door: &mut Door,
    account: &Own,
    password: &Password,
    device: DeviceId,
) -> Result<Box<IdentityStatement>, EnrolError> {
    let (unlocked, export_key) = unlock(door, &account.user, password).await?;
    let (identity, _, list) = open(account, &unlocked, &export_key)?;
    let list = without_device(list, device, clock::now_ms()).ok_or(EnrolError::UnknownDevice)?;
    let device_list = IdentityStatement::sign(DEVICE_LIST, &list, &identity).map_err(own)?;
    let first = list.devices.first().copied().ok_or(EnrolError::UnknownDevice)?;
    let identity_proof = door.prove(&account.user, first, |proof| identity.sign(SET_DEVICES, proof))?;
    drop(identity);
    door.say(&ToServer::SetDevices(Box::new(SetDevices { device_list: device_list.clone(), identity_proof })))?;
    door.enrolled().await?;
    Ok(Box::new(device_list))
}

/// Gives the account another password: its secrets stay, and are sealed anew.
pub(super) async fn change_password(
    door: &mut Door,
    account: &Own,
    password: &Password,
    new_password: &Password,
) -> Result<(), EnrolError> {
    let (unlocked, export_key) = unlock(door, &account.user, password).await?;
    let (identity, roster_key, list) = open(account, &unlocked, &export_key)?;
    let start = |request| ToServer::ChangePasswordStart(ChangePasswordStart { request });
    let (upload, new_key) = register(door, &account.user, new_password, start).await?;
    let first = list.devices.first().copied().ok_or(EnrolError::UnknownDevice)?;
    let finish = ChangePasswordFinish {
        upload,
        sealed: ByteBuf::from(seal(&new_key, &identity, &roster_key)?),
        identity_proof: door.prove(&account.user, first, |proof| identity.sign(CHANGE_PASSWORD, proof))?,
    };
    drop(identity);
    door.say(&ToServer::ChangePasswordFinish(Box::new(finish)))?;
    door.enrolled().await
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::codec::to_cbor;
    use hobnob_shared::identity::DeviceKey;
    use proptest::prelude::*;

    fn device(n: u8) -> DeviceId {
        DeviceId([n; 32])
    }

    fn list(devices: &[u8], removed: &[(u8, u64)]) -> DeviceList {
        DeviceList {
            number: 7,
            devices: devices.iter().copied().map(device).collect(),
            issued_at: 1,
            removed: removed.iter().map(|(n, at)| RemovedDevice { device: device(*n), at: *at }).collect(),
        }
    }

    #[test]
    fn a_new_device_does_not_make_removed_ones_forgotten() {
        let next = with_device(Some(list(&[1], &[(9, 5)])), device(2), 10);
        assert_eq!((next.number, next.devices.len()), (8, 2));
        assert_eq!(next.removed, list(&[], &[(9, 5)]).removed);
        assert_eq!(with_device(None, device(1), 10).number, 1);
    }

    #[test]
    fn a_removed_device_is_named_with_the_newest_of_those_before() {
        let next = without_device(list(&[1, 2], &[(9, 5)]), device(2), 10).unwrap();
        assert_eq!((next.number, next.devices.as_slice()), (8, [device(1)].as_slice()));
        assert_eq!(next.removed, list(&[], &[(9, 5), (2, 10)]).removed);
        assert_eq!(without_device(list(&[1, 2], &[]), device(3), 10), None);
        assert_eq!(without_device(list(&[1], &[]), device(1), 10), None, "an account has at least one device");
    }

    #[test]
    fn a_full_list_fits_the_frames_of_an_enrolment() {
        let identity = IdentityKey::generate().unwrap();
        let user = "a".repeat(limits::HANDLE_MAX).parse().unwrap();
        let full = DeviceList {
            number: u64::MAX,
            devices: (0..16).map(device).collect(),
            issued_at: u64::MAX,
            removed: (16..32).map(|n| RemovedDevice { device: device(n), at: u64::MAX }).collect(),
        };
        let device_list = IdentityStatement::sign(DEVICE_LIST, &full, &identity).unwrap();
        let certificate = identity.account_certificate(&user).unwrap();
        let unlocked = hobnob_shared::message::FromServer::Unlocked(Box::new(Unlocked {
            account_certificate: ByteBuf::from(certificate),
            sealed: ByteBuf::from(vec![0; 256]),
            device_list: device_list.clone(),
        }));
        assert!(to_cbor(&unlocked).unwrap().len() <= limits::FRAME_BEFORE_SIGN_IN);
        let key = DeviceKey::generate().unwrap();
        let enrol = ToServer::EnrolDevice(Box::new(hobnob_shared::message::EnrolDevice {
            device_certificate: ByteBuf::from(identity.issue_device(&user, &key).unwrap()),
            device_list,
            identity_proof: ByteBuf::from(vec![0; 64]),
            device_proof: ByteBuf::from(vec![0; 64]),
        }));
        assert!(to_cbor(&enrol).unwrap().len() <= limits::FRAME_BEFORE_SIGN_IN);
    }

    proptest! {
        /// What the server asks of a list that follows another one.
        #[test]
        fn the_newest_removals_stay_and_none_is_invented(ages in prop::collection::vec(0_u64..50, 0..=limits::DEVICES)) {
            let earlier: Vec<(u8, u64)> = ages.iter().zip(100_u8..).map(|(at, n)| (n, *at)).collect();
            let old = list(&[1, 2, 3], &earlier);
            let next = without_device(old.clone(), device(3), 60).unwrap();
            prop_assert!(next.removed.len() <= limits::DEVICES);
            prop_assert_eq!(next.removed.len(), old.removed.len().min(limits::DEVICES - 1) + 1);
            let kept = &next.removed[..next.removed.len() - 1];
            prop_assert!(kept.iter().all(|removed| old.removed.contains(removed)));
            let forgotten = old.removed.iter().filter(|removed| !kept.contains(removed)).map(|removed| removed.at).max();
            let oldest = kept.iter().map(|removed| removed.at).min();
            prop_assert!(forgotten.is_none_or(|at| oldest.is_none_or(|oldest| at <= oldest)));
        }
    }
}
