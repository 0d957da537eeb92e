//! Who may be believed to be a friend: friend requests, acceptances and device lists, checked against the signatures in them, and made.
//! Pure; nothing that the server says of people counts without it. Used by the registry.

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash};
use hobnob_shared::identity::{
    Chain, DEVICE_LIST, DeviceList, IdentityError, IdentityStatement, Statement, VerifiedChain,
};
use hobnob_shared::limits;
use hobnob_shared::message::{
    FRIEND_ACCEPTANCE, FRIEND_REQUEST, FriendAcceptance, FriendRequest, FriendRequested, Friendship, Introduced,
};

use super::profile::Identity;

/// Why a statement does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// A signature, a certificate, or what was signed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It is about other people or other keys.
    #[error("{0}")]
    Mismatch(&'static str),
}

/// A person's keys, as proven by their own signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Who.
    pub user: Handle,
    /// Their identity key.
    pub account: Fingerprint,
    /// Certificate of it, DER.
    pub certificate: Vec<u8>,
    /// Their devices.
    pub list: DeviceList,
    /// The same, signed.
    pub device_list: IdentityStatement,
}

/// The devices in a list that the account's key signed.
pub fn verify_devices(list: &IdentityStatement, account_certificate: &[u8]) -> Result<DeviceList, Distrust> {
    let list: DeviceList = list.verify(DEVICE_LIST, account_certificate)?;
    if list.devices.len() > limits::DEVICES {
        return Err(Distrust::Mismatch("too many devices in the list"));
    }
    Ok(list)
}

fn prove(user: &Handle, chain: &Chain, proven: &VerifiedChain, list: &IdentityStatement) -> Result<Proven, Distrust> {
    Ok(Proven {
        user: user.clone(),
        account: proven.account,
        certificate: chain.account.clone(),
        list: verify_devices(list, &chain.account)?,
        device_list: list.clone(),
    })
}

fn require(holds: bool, otherwise: &'static str) -> Result<(), Distrust> {
    if holds { Ok(()) } else { Err(Distrust::Mismatch(otherwise)) }
}

/// Checks a request to `me`: signed by a listed device of the asker, and for my key where it names one.
pub fn verify_request(requested: &FriendRequested, me: &Handle, my_key: Fingerprint) -> Result<Proven, Distrust> {
    let (request, chain): (FriendRequest, _) = requested.request.verify(FRIEND_REQUEST)?;
    require(request.to == *me && request.from != *me, "the request is not to this account")?;
    require(request.from_key == chain.account, "the request names another key than it is signed by")?;
    require(request.to_key.is_none_or(|key| key == my_key), "the request is for another key of this name")?;
    let proven = prove(&request.from, &requested.request.chain, &chain, &requested.device_list)?;
    require(proven.list.devices.contains(&chain.device), "the request is signed by a device that is not listed")?;
    Ok(proven)
}

/// Checks both statements of a friendship between `me` and somebody, and gives that somebody's keys.
pub fn verify_friendship(friendship: &Friendship, me: &Handle, my_key: Fingerprint) -> Result<Proven, Distrust> {
    let (request, asker): (FriendRequest, _) = friendship.request.verify(FRIEND_REQUEST)?;
    let (acceptance, accepter): (FriendAcceptance, _) = friendship.acceptance.verify(FRIEND_ACCEPTANCE)?;
    require(acceptance.request == hash(&friendship.request), "the acceptance is of another request")?;
    require((&request.from, &request.to) == (&acceptance.from, &acceptance.to), "request and acceptance name others")?;
    require(request.from_key == asker.account && acceptance.from_key == asker.account, "the asker's key differs")?;
    require(acceptance.to_key == accepter.account, "the accepter's key differs")?;
    require(request.to_key.is_none_or(|key| key == accepter.account), "the request was for another key")?;
    let other = &friendship.user;
    require(other != me, "a friendship with oneself")?;
    let (mine, theirs, chain) = if request.from == *me && request.to == *other {
        (asker, accepter, &friendship.acceptance.chain)
    } else if request.from == *other && request.to == *me {
        (accepter, asker, &friendship.request.chain)
    } else {
        return Err(Distrust::Mismatch("a friendship of other people"));
    };
    require(mine.account == my_key, "my side was not signed by my key")?;
    prove(other, chain, &theirs, &friendship.device_list)
}

/// Checks somebody whom the server introduces as a device of an account.
pub fn verify_introduction(introduced: &Introduced) -> Result<(Proven, DeviceId), Distrust> {
    let chain = introduced.chain.verify()?;
    require(chain.device == introduced.device, "the certificate is of another device")?;
    let proven = prove(&introduced.user, &introduced.chain, &chain, &introduced.device_list)?;
    require(proven.list.devices.contains(&chain.device), "the device is not in the account's list")?;
    Ok((proven, chain.device))
}

/// What an acceptance names its request by.
pub fn hash(request: &Statement) -> Hash {
    Hash(*blake3::hash(&request.body).as_bytes())
}

/// A signed wish to be friends with `to`, and with nobody but the owner of `to_key` where that is known.
pub fn make_request(own: &Identity, to: &Handle, to_key: Option<Fingerprint>) -> Result<Statement, IdentityError> {
    let request =
        FriendRequest { from: own.user.clone(), to: to.clone(), from_key: own.account, to_key, nonce: rand::random() };
    Statement::sign(FRIEND_REQUEST, &request, &own.key, own.chain.clone())
}

/// A signed yes to a request that was verified before.
pub fn make_acceptance(own: &Identity, request: &Statement) -> Result<Statement, IdentityError> {
    let (body, asker): (FriendRequest, _) = request.verify(FRIEND_REQUEST)?;
    let acceptance = FriendAcceptance {
        request: hash(request),
        from: body.from,
        to: own.user.clone(),
        from_key: asker.account,
        to_key: own.account,
    };
    Statement::sign(FRIEND_ACCEPTANCE, &acceptance, &own.key, own.chain.clone())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::identity::{DeviceKey, IdentityKey};
    use hobnob_shared::message::Presence;

    /// A person, and the key that stays sealed otherwise.
    fn person(name: &str) -> (Identity, IdentityKey) {
        let (user, identity, key): (Handle, _, _) =
            (name.parse().unwrap(), IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let account = identity.account_certificate(&user).unwrap();
        let chain = Chain { device: identity.issue_device(&user, &key).unwrap(), account };
        let list = DeviceList { number: 1, devices: vec![key.id()], issued_at: 0, removed: Vec::new() };
        let device_list = IdentityStatement::sign(DEVICE_LIST, &list, &identity).unwrap();
        let own = Identity { user, account: identity.fingerprint(), device: key.id(), key, chain, device_list };
        (own, identity)
    }

    fn friendship(asker: &Identity, accepter: &Identity, friend: &Identity) -> Friendship {
        let request = make_request(asker, &accepter.user, None).unwrap();
        let acceptance = make_acceptance(accepter, &request).unwrap();
        Friendship {
            seq: None,
            user: friend.user.clone(),
            request,
            acceptance,
            device_list: friend.device_list.clone(),
            presence: Presence::Available,
            text: String::new(),
        }
    }

    #[test]
    fn both_sides_believe_an_honest_friendship() {
        let ((alice, _), (bob, _)) = (person("alice"), person("bob"));
        let seen_by_alice = friendship(&alice, &bob, &bob);
        assert_eq!(verify_friendship(&seen_by_alice, &alice.user, alice.account).unwrap().account, bob.account);
        let seen_by_bob =
            Friendship { user: alice.user.clone(), device_list: alice.device_list.clone(), ..seen_by_alice };
        assert_eq!(verify_friendship(&seen_by_bob, &bob.user, bob.account).unwrap().account, alice.account);
    }

    #[test]
    fn a_server_cannot_make_friends() {
        let ((alice, _), (bob, _), (eve, _), (false_bob, _)) =
            (person("alice"), person("bob"), person("eve"), person("bob"));
        let honest = friendship(&alice, &bob, &bob);
        // Accepted by somebody who is not meant.
        let by_eve = Friendship { acceptance: make_acceptance(&eve, &honest.request).unwrap(), ..honest.clone() };
        // An acceptance of another request.
        let other = make_request(&alice, &bob.user, None).unwrap();
        let replayed = Friendship { request: other, ..honest.clone() };
        // My side signed by somebody else.
        let forged = friendship(&eve, &bob, &bob);
        // Devices of another key.
        let devices = Friendship { device_list: false_bob.device_list.clone(), ..honest.clone() };
        // Under another name.
        let renamed = Friendship { user: eve.user.clone(), ..honest.clone() };
        let mut torn = honest.clone();
        torn.acceptance.signature[0] ^= 1;
        for (n, bad) in [by_eve, replayed, forged, devices, renamed, torn].iter().enumerate() {
            assert!(verify_friendship(bad, &alice.user, alice.account).is_err(), "case {n}");
        }
        assert!(verify_friendship(&honest, &alice.user, eve.account).is_err());
    }

    #[test]
    fn a_request_for_another_key_is_not_for_me() {
        let ((alice, _), (bob, _)) = (person("alice"), person("bob"));
        let requested = |key| FriendRequested {
            request: make_request(&alice, &bob.user, key).unwrap(),
            device_list: alice.device_list.clone(),
        };
        assert_eq!(verify_request(&requested(None), &bob.user, bob.account).unwrap().user, alice.user);
        assert!(verify_request(&requested(Some(bob.account)), &bob.user, bob.account).is_ok());
        assert!(verify_request(&requested(Some(alice.account)), &bob.user, bob.account).is_err());
        assert!(verify_request(&requested(None), &alice.user, alice.account).is_err());
    }

    #[test]
    fn a_removed_device_makes_no_requests() {
        let ((alice, identity), (bob, _)) = (person("alice"), person("bob"));
        let without = DeviceList { number: 2, devices: Vec::new(), issued_at: 0, removed: Vec::new() };
        let device_list = IdentityStatement::sign(DEVICE_LIST, &without, &identity).unwrap();
        let requested = FriendRequested { request: make_request(&alice, &bob.user, None).unwrap(), device_list };
        assert!(verify_request(&requested, &bob.user, bob.account).is_err());
    }
}
