//! What a connection must prove before an account changes, without a store: each rule once, each way around it once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::codec::to_cbor;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Handle};
use hobnob_shared::identity::{
    Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement, RemovedDevice,
};
use hobnob_shared::limits::DEVICES;
use hobnob_shared::message::{
    CHANGE_PASSWORD, ChangePasswordFinish, ENROL_DEVICE, ENROL_IDENTITY, EnrolDevice, EnrolmentProof, SET_DEVICES,
    SetDevices,
};
use hobnob_shared::password;
use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::proofs::{check_device, check_fewer_devices, check_new_password};
use crate::error::Refusal;
use crate::store::{AccountId, Locked};

const EXPORTER: [u8; 32] = [7; 32];

fn device(n: u8) -> DeviceId {
    DeviceId([n; 32])
}

fn removed(n: u8, at: u64) -> RemovedDevice {
    RemovedDevice { device: device(n), at }
}

fn list(number: u64, devices: &[u8], removed: &[RemovedDevice]) -> DeviceList {
    let devices = devices.iter().copied().map(device).collect();
    DeviceList { number, devices, issued_at: 0, removed: removed.to_vec() }
}

struct Account {
    user: Handle,
    identity: IdentityKey,
    locked: Locked,
}

impl Account {
    fn with(list: &DeviceList) -> Self {
        let (user, identity): (Handle, _) = ("alice".parse().unwrap(), IdentityKey::generate().unwrap());
        let certificate = identity.account_certificate(&user).unwrap();
        let signed = IdentityStatement::sign(DEVICE_LIST, list, &identity).unwrap();
        let locked = Locked {
            account: AccountId(1),
            key: identity.fingerprint(),
            password: b"record".to_vec(),
            certificate,
            sealed: Vec::new(),
            device_list: to_cbor(&signed).unwrap(),
        };
        Self { user, identity, locked }
    }

    fn proof(&self, purpose: &str, device: DeviceId, exporter: [u8; 32]) -> ByteBuf {
        let proof = EnrolmentProof { user: self.user.clone(), device, exporter };
        ByteBuf::from(self.identity.sign(purpose, &to_cbor(&proof).unwrap()).to_vec())
    }

    fn set(&self, list: &DeviceList) -> SetDevices {
        SetDevices {
            device_list: IdentityStatement::sign(DEVICE_LIST, list, &self.identity).unwrap(),
            identity_proof: self.proof(SET_DEVICES, *list.devices.first().unwrap_or(&device(0)), EXPORTER),
        }
    }

    fn check(&self, set: SetDevices) -> Result<Vec<DeviceId>, WireCode> {
        let checked = check_fewer_devices(EXPORTER, &self.user, &self.locked, set);
        checked.map(|(devices, _)| devices.removed).map_err(Refusal::code)
    }
}

#[test]
fn a_list_may_only_lose_devices_and_must_say_which() {
    let old = [removed(9, 5)];
    let account = Account::with(&list(3, &[1, 2, 3], &old));
    let check = |new: &DeviceList| account.check(account.set(new));
    assert_eq!(check(&list(4, &[3, 1], &[removed(9, 5), removed(2, 8)])), Ok(vec![device(2)]));
    assert_eq!(check(&list(4, &[2], &[removed(1, 8), removed(9, 5), removed(3, 8)])), Ok(vec![device(1), device(3)]));
    let wrong = [
        ("nothing goes", list(4, &[1, 2, 3], &old)),
        ("nothing stays", list(4, &[], &[removed(9, 5), removed(1, 8), removed(2, 8), removed(3, 8)])),
        ("one comes", list(4, &[1, 4], &[removed(9, 5), removed(2, 8), removed(3, 8)])),
        ("one is there twice", list(4, &[1, 1], &[removed(9, 5), removed(2, 8), removed(3, 8)])),
        ("the same number", list(3, &[1, 3], &[removed(9, 5), removed(2, 8)])),
        ("a number too far", list(5, &[1, 3], &[removed(9, 5), removed(2, 8)])),
        ("not named", list(4, &[1, 3], &old)),
        ("another named", list(4, &[1, 3], &[removed(9, 5), removed(3, 8)])),
        ("more named than go", list(4, &[1, 3], &[removed(9, 5), removed(2, 8), removed(3, 8)])),
        ("named twice", list(4, &[1, 3], &[removed(9, 5), removed(2, 8), removed(2, 9)])),
        ("an old one forgotten", list(4, &[1, 3], &[removed(2, 8)])),
        ("an old one at another time", list(4, &[1, 3], &[removed(9, 6), removed(2, 8)])),
        ("one that was never there", list(4, &[1, 3], &[removed(9, 5), removed(2, 8), removed(7, 1)])),
    ];
    for (what, new) in wrong {
        assert_eq!(check(&new), Err(WireCode::Forbidden), "{what}");
    }
}

#[test]
fn the_oldest_removed_devices_give_way_to_the_newest() {
    let full: Vec<RemovedDevice> = (100..).take(DEVICES).map(|n| removed(n, u64::from(n))).collect();
    let account = Account::with(&list(3, &[1, 2], &full));
    let with = |kept: &[RemovedDevice]| list(4, &[1], &[kept, &[removed(2, 999)]].concat());
    assert_eq!(account.check(account.set(&with(&full[1..]))), Ok(vec![device(2)]));
    assert_eq!(account.check(account.set(&with(&full[..DEVICES - 1]))), Err(WireCode::Forbidden), "the newest is gone");
    assert_eq!(account.check(account.set(&with(&full[2..]))), Err(WireCode::Forbidden), "there was room for one more");
    // More than fit is not read at all.
    assert_eq!(account.check(account.set(&with(&full))), Err(WireCode::BadSignature));
}

#[test]
fn only_the_identity_key_on_this_very_connection_removes_devices() {
    let account = Account::with(&list(1, &[1, 2], &[]));
    let new = list(2, &[1], &[removed(2, 8)]);
    let stranger = Account::with(&list(1, &[1, 2], &[]));
    let spoilt = [
        SetDevices { device_list: stranger.set(&new).device_list, ..account.set(&new) },
        SetDevices { identity_proof: stranger.set(&new).identity_proof, ..account.set(&new) },
        SetDevices { identity_proof: account.proof(SET_DEVICES, device(1), [8; 32]), ..account.set(&new) },
        SetDevices { identity_proof: account.proof(SET_DEVICES, device(2), EXPORTER), ..account.set(&new) },
        SetDevices { identity_proof: account.proof(CHANGE_PASSWORD, device(1), EXPORTER), ..account.set(&new) },
        SetDevices { identity_proof: ByteBuf::new(), ..account.set(&new) },
    ];
    for set in spoilt {
        assert_eq!(account.check(set), Err(WireCode::BadSignature));
    }
}

#[test]
fn a_new_password_needs_the_identity_key_on_this_very_connection() {
    let account = Account::with(&list(1, &[1, 2], &[]));
    let (state, request) = password::registration_start("another horse").unwrap();
    let reply = password::ServerSetup::generate().registration_reply(&account.user, &request).unwrap();
    let (upload, _) = password::registration_finish(state, "another horse", &account.user, &reply).unwrap();
    let check = |identity_proof: ByteBuf, upload: &[u8]| {
        let finish = ChangePasswordFinish { upload: ByteBuf::from(upload), sealed: ByteBuf::new(), identity_proof };
        let checked = check_new_password(EXPORTER, &account.user, &account.locked, finish);
        checked.map(|new| new.old).map_err(Refusal::code)
    };
    let right = || account.proof(CHANGE_PASSWORD, device(1), EXPORTER);
    assert_eq!(check(right(), &upload), Ok(b"record".to_vec()));
    assert_eq!(check(right(), b"no record"), Err(WireCode::BadRequest));
    for proof in [
        account.proof(SET_DEVICES, device(1), EXPORTER),
        account.proof(CHANGE_PASSWORD, device(1), [8; 32]),
        account.proof(CHANGE_PASSWORD, device(2), EXPORTER),
    ] {
        assert_eq!(check(proof, &upload), Err(WireCode::BadSignature));
    }
}

#[test]
fn a_removed_device_does_not_come_back_and_enrolling_forgets_none() {
    let key = DeviceKey::generate().unwrap();
    let gone = RemovedDevice { device: key.id(), at: 5 };
    let check = |old: &DeviceList, new: &DeviceList| {
        let account = Account::with(old);
        let certificate = account.identity.issue_device(&account.user, &key).unwrap();
        let chain = Chain { device: certificate.clone(), account: account.locked.certificate.clone() };
        chain.verify().unwrap();
        let proof = EnrolmentProof { user: account.user.clone(), device: key.id(), exporter: EXPORTER };
        let enrol = EnrolDevice {
            device_certificate: ByteBuf::from(certificate),
            device_list: IdentityStatement::sign(DEVICE_LIST, new, &account.identity).unwrap(),
            identity_proof: account.proof(ENROL_IDENTITY, key.id(), EXPORTER),
            device_proof: ByteBuf::from(key.sign(ENROL_DEVICE, &to_cbor(&proof).unwrap()).to_vec()),
        };
        let checked = check_device(EXPORTER, &account.user, &account.locked, enrol);
        checked.map(|(new, _)| new.device).map_err(Refusal::code)
    };
    let with = |number, old: &DeviceList, removed: &[RemovedDevice]| {
        let devices = old.devices.iter().copied().chain([key.id()]).collect();
        DeviceList { number, devices, issued_at: 0, removed: removed.to_vec() }
    };
    let old = list(3, &[1], &[removed(9, 5)]);
    assert_eq!(check(&old, &with(4, &old, &old.removed)), Ok(key.id()));
    assert_eq!(check(&old, &with(4, &old, &[])), Err(WireCode::Forbidden));
    assert_eq!(check(&old, &with(4, &old, &[removed(9, 5), removed(8, 5)])), Err(WireCode::Forbidden));
    let old = list(3, &[1], &[gone]);
    assert_eq!(check(&old, &with(4, &old, &old.removed)), Err(WireCode::Forbidden));
    assert_eq!(check(&old, &with(4, &old, &[])), Err(WireCode::Forbidden));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// However often devices come and go, a device that was removed is named as such as long as fewer than the limit were removed after it.
    #[test]
    fn what_was_removed_stays_removed(goes in proptest::collection::vec(any::<bool>(), 1..24)) {
        let mut current = list(1, &[0, 1, 2], &[]);
        let mut next = 3_u8;
        let mut gone: Vec<RemovedDevice> = Vec::new();
        for (step, goes) in (1_u64..).zip(goes) {
            if !goes || current.devices.len() < 2 {
                // As an enrolment leaves it.
                current.number += 1;
                current.devices.push(device(next));
                next += 1;
                continue;
            }
            let account = Account::with(&current);
            let dropped = current.devices.remove(0);
            gone.push(RemovedDevice { device: dropped, at: step });
            let newest = gone.len().saturating_sub(DEVICES);
            current.number += 1;
            current.removed = gone[newest..].to_vec();
            prop_assert_eq!(account.check(account.set(&current)), Ok(vec![dropped]));
            let mut forgetful = current.clone();
            forgetful.removed.pop();
            prop_assert!(account.check(account.set(&forgetful)).is_err());
        }
    }
}
