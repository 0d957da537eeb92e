//! What keys, certificates and signatures promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use super::*;

fn account(name: &str) -> (IdentityKey, DeviceKey, Chain) {
    let (user, identity, device) =
        (name.parse().unwrap(), IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
    let account = identity.account_certificate(&user).unwrap();
    let chain = Chain { device: identity.issue_device(&user, &device).unwrap(), account };
    (identity, device, chain)
}

#[test]
fn a_chain_names_the_account_and_the_device() {
    let (identity, device, chain) = account("alice");
    let verified = chain.verify().unwrap();
    assert_eq!(verified.account, identity.fingerprint());
    assert_eq!(verified.device, device.id());
}

#[test]
fn a_device_of_another_account_and_a_self_made_device_are_refused() {
    let (_, _, alice) = account("alice");
    let (_, _, bob) = account("bob");
    let (_, _, other_alice) = account("alice");
    for device in [bob.device, other_alice.device, alice.account.clone(), vec![0; 400], vec![]] {
        assert!(Chain { device, account: alice.account.clone() }.verify().is_err());
    }
    assert!(Chain { device: alice.device, account: vec![0x30; limits::CERTIFICATE + 1] }.verify().is_err());
}

#[test]
fn statements_hold_for_their_purpose_and_bytes_only() {
    let (_, device, chain) = account("alice");
    let statement = Statement::sign("test", &"tea at five".to_owned(), &device, chain).unwrap();
    let (body, by): (String, _) = statement.verify("test").unwrap();
    assert_eq!((body.as_str(), by.device), ("tea at five", device.id()));
    assert_eq!(statement.verify::<String>("other"), Err(IdentityError::Signature));
    for n in 0..statement.body.len() {
        let mut altered = statement.clone();
        altered.body[n] ^= 1;
        assert!(altered.verify::<String>("test").is_err());
    }
    let (_, _, bob) = account("bob");
    let stolen = Statement { chain: bob, ..statement };
    assert!(stolen.verify::<String>("test").is_err());
}

#[test]
fn a_device_list_is_the_identity_keys_word() {
    let (identity, device, chain) = account("alice");
    let list = DeviceList { number: 1, devices: vec![device.id()], issued_at: 0, removed: Vec::new() };
    let signed = IdentityStatement::sign(DEVICE_LIST, &list, &identity).unwrap();
    assert_eq!(signed.verify::<DeviceList>(DEVICE_LIST, &chain.account).unwrap(), list);
    let (_, _, bob) = account("bob");
    assert!(signed.verify::<DeviceList>(DEVICE_LIST, &bob.account).is_err());
}

#[test]
fn both_sides_see_the_same_sixty_digits() {
    let (alice, bob): (Handle, Handle) = ("alice".parse().unwrap(), "bob".parse().unwrap());
    let (a, b) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
    let number = safety_number((&alice, &a), (&bob, &b));
    assert_eq!(number, safety_number((&bob, &b), (&alice, &a)));
    assert_eq!(number.len(), 60);
    assert!(number.bytes().all(|digit| digit.is_ascii_digit()));
    assert_ne!(number, safety_number((&alice, &a), (&bob, &Fingerprint([3; 32]))));
}

#[test]
fn keys_survive_their_own_bytes() {
    let key = IdentityKey::generate().unwrap();
    assert_eq!(IdentityKey::from_pkcs8(&key.to_pkcs8()).unwrap().fingerprint(), key.fingerprint());
    assert!(IdentityKey::from_pkcs8(b"nonsense").is_err());
    assert_eq!(format!("{key:?}"), "IdentityKey(..)");
}

/// A certificate for `subject_key` that names itself as issuer but is signed by another key.
fn not_self_signed(name: &str, subject: &IdentityKey, signer: &IdentityKey) -> Vec<u8> {
    let params = account_params(&name.parse().unwrap()).unwrap();
    let issuer = Issuer::from_params(&params, &signer.0);
    params.signed_by(&subject.0, &issuer).unwrap().der().to_vec()
}

#[test]
fn an_account_certificate_that_its_own_key_did_not_sign_is_refused() {
    let (alice, device, chain) = account("alice");
    assert!(chain.verify().is_ok());
    let forged = not_self_signed("alice", &alice, &IdentityKey::generate().unwrap());
    let error = Chain { device: chain.device, account: forged }.verify().unwrap_err();
    assert!(matches!(&error, IdentityError::Certificate(text) if text.contains("self-signed")), "{error}");
    // The same way of making it, signed by the right key, holds.
    let renewed = not_self_signed("alice", &alice, &alice);
    let device = alice.issue_device(&"alice".parse().unwrap(), &device).unwrap();
    assert!(Chain { device, account: renewed }.verify().is_ok());
}

#[test]
fn an_altered_certificate_is_refused_wherever_it_is_altered() {
    let (_, _, chain) = account("alice");
    for n in (0..chain.account.len()).step_by(3) {
        let mut altered = chain.clone();
        altered.account[n] ^= 0x01;
        assert!(altered.verify().is_err(), "byte {n} of the account's");
    }
    for n in (0..chain.device.len()).step_by(3) {
        let mut altered = chain.clone();
        altered.device[n] ^= 0x01;
        assert!(altered.verify().is_err(), "byte {n} of the device's");
    }
}

#[test]
fn an_account_makes_the_same_certificate_every_time() {
    let (identity, device, chain) = account("alice");
    let user: Handle = "alice".parse().unwrap();
    assert_eq!(identity.account_certificate(&user).unwrap(), chain.account);
    assert_eq!(identity.issue_device(&user, &device).unwrap(), chain.device);
    assert!(chain.account.len() < limits::CERTIFICATE / 2 && chain.device.len() < limits::CERTIFICATE / 2);
}

#[test]
fn a_device_cannot_issue_devices() {
    let (_, device, chain) = account("alice");
    // The device's own key in the role of an account: its certificate is no issuer's.
    let upstart = IdentityKey::from_pkcs8(&device.to_pkcs8()).unwrap();
    let forged = upstart.issue_device(&"alice".parse().unwrap(), &DeviceKey::generate().unwrap()).unwrap();
    assert!(Chain { device: forged.clone(), account: chain.account }.verify().is_err());
    assert!(Chain { device: forged, account: chain.device }.verify().is_err());
}

#[test]
fn a_list_of_too_many_devices_is_malformed() {
    let identity = IdentityKey::generate().unwrap();
    let account = identity.account_certificate(&"alice".parse().unwrap()).unwrap();
    let list =
        |count| DeviceList { number: 1, devices: vec![DeviceId([7; 32]); count], issued_at: 0, removed: Vec::new() };
    let fits = IdentityStatement::sign(DEVICE_LIST, &list(limits::DEVICES), &identity).unwrap();
    assert!(fits.verify::<DeviceList>(DEVICE_LIST, &account).is_ok());
    let long = IdentityStatement::sign(DEVICE_LIST, &list(limits::DEVICES + 1), &identity).unwrap();
    assert!(matches!(long.verify::<DeviceList>(DEVICE_LIST, &account), Err(IdentityError::Body(_))));
}

#[test]
fn the_safety_number_never_changes_between_versions() {
    let (alice, bob): (Handle, Handle) = ("alice".parse().unwrap(), "bob".parse().unwrap());
    let number = safety_number((&alice, &Fingerprint([1; 32])), (&bob, &Fingerprint([2; 32])));
    assert_eq!(number, "019675601684161937029905244989023894893341874006419703186220");
    // The name is part of it: one key under two names gives two halves.
    assert_ne!(number, safety_number((&bob, &Fingerprint([1; 32])), (&alice, &Fingerprint([2; 32]))));
}
