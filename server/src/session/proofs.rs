//! What a connection without a client certificate must prove: who signed what, and that a new device list follows from the old one. Pure;
//! called by `enrolment.rs`.

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{DeviceId, Fingerprint, Handle};
use hobnob_shared::identity::{
    Chain, DEVICE_LIST, DeviceList, IdentityStatement, RemovedDevice, VerifiedChain, public_key, verify_signature,
};
use hobnob_shared::limits::DEVICES;
use hobnob_shared::message::{
    CHANGE_PASSWORD, ChangePasswordFinish, ENROL_DEVICE, ENROL_IDENTITY, EnrolDevice, EnrolmentProof, SET_DEVICES,
    SetDevices, SignUpFinish,
};
use hobnob_shared::password;

use crate::error::Refusal;
use crate::store::{FewerDevices, Locked, NewAccount, NewDevice, NewPassword};

/// Binds a signature to one connection.
pub(super) type Exporter = [u8; 32];

/// A new device list, as those concerned are told.
pub(super) struct NewList {
    pub(super) number: u64,
    pub(super) devices: Vec<DeviceId>,
    pub(super) statement: IdentityStatement,
}

pub(super) fn check_sign_up(exporter: Exporter, user: &Handle, finish: SignUpFinish) -> Result<NewAccount, Refusal> {
    let record = password::record(&finish.upload).map_err(|_| Refusal::Malformed)?;
    let certificate = finish.account_certificate.into_vec();
    let device_certificate = finish.device_certificate.into_vec();
    if !names(&certificate, user) {
        return Err(Refusal::BadSignature("name in the account's certificate"));
    }
    let chain = Chain { device: device_certificate, account: certificate };
    let proofs = (finish.identity_proof.as_slice(), finish.device_proof.as_slice());
    let proved = check_proofs(exporter, user, &chain, proofs)?;
    let list = signed_list(&finish.device_list, &chain.account)?;
    if list.number != 1 || list.devices != [proved.device] || !list.removed.is_empty() {
        return Err(Refusal::Forbidden("the first device list has number 1 and this device"));
    }
    Ok(NewAccount {
        user: user.clone(),
        key: proved.account,
        certificate: chain.account,
        password: record,
        sealed: finish.sealed.into_vec(),
        list_number: list.number,
        device_list: to_cbor(&finish.device_list).map_err(|_| Refusal::Internal)?,
        device: proved.device,
        device_certificate: chain.device,
    })
}

pub(super) fn check_device(
    exporter: Exporter,
    user: &Handle,
    account: &Locked,
    enrol: EnrolDevice,
) -> Result<(NewDevice, NewList), Refusal> {
    let chain = Chain { device: enrol.device_certificate.into_vec(), account: account.certificate.clone() };
    let proved = check_proofs(exporter, user, &chain, (&enrol.identity_proof, &enrol.device_proof))?;
    belongs(&proved, account.key)?;
    let list = signed_list(&enrol.device_list, &chain.account)?;
    let old = stored_list(account)?;
    if list.devices.len() > DEVICES {
        return Err(Refusal::TooMany("devices in this account"));
    }
    if old.removed.iter().any(|removed| removed.device == proved.device) {
        return Err(Refusal::Forbidden("a device that was removed does not come back"));
    }
    let mut expected = old.devices;
    expected.retain(|device| *device != proved.device);
    expected.push(proved.device);
    let is_next = list.number == old.number.saturating_add(1) && list.removed == old.removed;
    if !is_next || sorted(&list.devices) != sorted(&expected) {
        return Err(Refusal::Forbidden("the new device list is the old one with this device, its number one higher"));
    }
    let device = NewDevice {
        account: account.account,
        device: proved.device,
        certificate: chain.device,
        list_number: list.number,
        device_list: to_cbor(&enrol.device_list).map_err(|_| Refusal::Internal)?,
        password: account.password.clone(),
    };
    Ok((device, NewList { number: list.number, devices: list.devices, statement: enrol.device_list }))
}

pub(super) fn check_fewer_devices(
    exporter: Exporter,
    user: &Handle,
    account: &Locked,
    set: SetDevices,
) -> Result<(FewerDevices, NewList), Refusal> {
    let list = signed_list(&set.device_list, &account.certificate)?;
    check_identity_proof(exporter, user, account, &list, (SET_DEVICES, &set.identity_proof))?;
    let removed = dropped(&stored_list(account)?, &list).ok_or(Refusal::Forbidden(
        "the new device list is the old one with fewer devices, those named as removed, its number one higher",
    ))?;
    let devices = FewerDevices {
        account: account.account,
        removed,
        list_number: list.number,
        device_list: to_cbor(&set.device_list).map_err(|_| Refusal::Internal)?,
        password: account.password.clone(),
    };
    Ok((devices, NewList { number: list.number, devices: list.devices, statement: set.device_list }))
}

pub(super) fn check_new_password(
    exporter: Exporter,
    user: &Handle,
    account: &Locked,
    finish: ChangePasswordFinish,
) -> Result<NewPassword, Refusal> {
    let record = password::record(&finish.upload).map_err(|_| Refusal::Malformed)?;
    let list = stored_list(account)?;
    check_identity_proof(exporter, user, account, &list, (CHANGE_PASSWORD, &finish.identity_proof))?;
    Ok(NewPassword {
        account: account.account,
        old: account.password.clone(),
        password: record,
        sealed: finish.sealed.into_vec(),
    })
}

/// The devices that `new` drops, if it may follow `old`: at least one goes and one stays, none comes; who goes is named as removed, and who
/// went before still is, as far as there is room for the newest.
fn dropped(old: &DeviceList, new: &DeviceList) -> Option<Vec<DeviceId>> {
    let stays = |device: &DeviceId| new.devices.contains(device);
    let gone: Vec<DeviceId> = old.devices.iter().copied().filter(|device| !stays(device)).collect();
    let none_comes = new.devices.iter().all(|device| old.devices.contains(device));
    let none_twice = new.devices.len() + gone.len() == old.devices.len();
    let is_next = new.number == old.number.checked_add(1)?;
    if !is_next || !none_comes || !none_twice || gone.is_empty() || new.devices.is_empty() {
        return None;
    }
    let named_now = |removed: &&RemovedDevice| gone.contains(&removed.device);
    let (now, before): (Vec<&RemovedDevice>, Vec<&RemovedDevice>) = new.removed.iter().partition(named_now);
    let now: Vec<DeviceId> = now.into_iter().map(|removed| removed.device).collect();
    if sorted(&now) != sorted(&gone) {
        return None;
    }
    let room = DEVICES.saturating_sub(gone.len());
    let forgotten = old.removed.iter().filter(|removed| !before.contains(removed)).map(|removed| removed.at).max();
    let oldest_kept = before.iter().map(|removed| removed.at).min();
    let kept_enough = before.len() == old.removed.len().min(room);
    let all_known = before.iter().all(|removed| old.removed.contains(removed));
    let newest_kept = forgotten.is_none_or(|at| oldest_kept.is_none_or(|kept| at <= kept));
    (kept_enough && all_known && newest_kept && no_doubles(&before)).then_some(gone)
}

fn no_doubles(removed: &[&RemovedDevice]) -> bool {
    let mut devices: Vec<DeviceId> = removed.iter().map(|removed| removed.device).collect();
    devices.sort_unstable();
    devices.windows(2).all(|two| two.first() != two.last())
}

fn sorted(devices: &[DeviceId]) -> Vec<DeviceId> {
    let mut devices = devices.to_vec();
    devices.sort_unstable();
    devices
}

/// The list that was shown with `unlocked`.
fn stored_list(account: &Locked) -> Result<DeviceList, Refusal> {
    let statement: IdentityStatement = from_cbor(&account.device_list).map_err(|_| Refusal::Internal)?;
    from_cbor(&statement.body).map_err(|_| Refusal::Internal)
}

/// Both keys have signed this very connection, so neither certificate is borrowed.
fn check_proofs(
    exporter: Exporter,
    user: &Handle,
    chain: &Chain,
    (identity, device): (&[u8], &[u8]),
) -> Result<VerifiedChain, Refusal> {
    let verified = chain.verify().map_err(|_| Refusal::BadSignature("certificates"))?;
    let bytes = proof(exporter, user, verified.device)?;
    verify_signature(&verified.account_key, ENROL_IDENTITY, &bytes, identity)
        .map_err(|_| Refusal::BadSignature("proof of the identity key"))?;
    verify_signature(&verified.device_key, ENROL_DEVICE, &bytes, device)
        .map_err(|_| Refusal::BadSignature("proof of the device key"))?;
    Ok(verified)
}

/// The identity key has signed this very connection, for this purpose.
fn check_identity_proof(
    exporter: Exporter,
    user: &Handle,
    account: &Locked,
    list: &DeviceList,
    (purpose, signature): (&str, &[u8]),
) -> Result<(), Refusal> {
    let device = list.devices.first().ok_or(Refusal::Forbidden("an account has at least one device"))?;
    let bytes = proof(exporter, user, *device)?;
    let key = public_key(&account.certificate).map_err(|_| Refusal::Internal)?;
    verify_signature(&key, purpose, &bytes, signature).map_err(|_| Refusal::BadSignature("proof of the identity key"))
}

fn proof(exporter: Exporter, user: &Handle, device: DeviceId) -> Result<Vec<u8>, Refusal> {
    to_cbor(&EnrolmentProof { user: user.clone(), device, exporter }).map_err(|_| Refusal::Internal)
}

fn belongs(proved: &VerifiedChain, account: Fingerprint) -> Result<(), Refusal> {
    if proved.account == account { Ok(()) } else { Err(Refusal::BadSignature("certificates")) }
}

fn signed_list(list: &IdentityStatement, account_certificate: &[u8]) -> Result<DeviceList, Refusal> {
    list.verify(DEVICE_LIST, account_certificate).map_err(|_| Refusal::BadSignature("device list"))
}

/// Whether a certificate's common name is that handle: the DER of the attribute, object identifier 2.5.4.3 and a UTF-8 string.
fn names(certificate: &[u8], user: &Handle) -> bool {
    let text = user.as_str().as_bytes();
    let Ok(length) = u8::try_from(text.len()) else { return false };
    let attribute = [&[0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, length][..], text].concat();
    certificate.windows(attribute.len()).any(|window| window == attribute)
}
