//! Passwords: OPAQUE (RFC 9807) with Ristretto255, 3DH, SHA-512 and Argon2id on the client. The server never sees a password, and both
//! sides get keys: the export key seals what only the password may open. Messages are plain bytes here, so that nothing else depends on
//! the library.

use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialFinalization, CredentialRequest, CredentialResponse, Identifiers, RegistrationRequest,
    RegistrationResponse, RegistrationUpload, Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration,
    TripleDh,
};
use rand::rngs::OsRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::id::{Fingerprint, Handle, Hash, RoomId};
use crate::seal;

/// Argon2id memory in KiB, passes and lanes: fixed for version 1 of the protocol; others are another version.
const ARGON2: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Binds every exchange to this protocol.
const CONTEXT: &[u8] = b"hobnob/1";
/// Server's name in the exchange; its TLS key is pinned beside.
const SERVER_NAME: &[u8] = b"hobnob-server";

/// The parts that version 1 is made of.
struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2::Sha512>;
    type Ksf = Argon2<'static>;
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The password, or the name, is wrong. Nobody can tell which.
    #[error("wrong name or password")]
    Wrong,
    /// The other side's: bytes that are no OPAQUE message.
    #[error("malformed password message")]
    Malformed,
    /// What is sealed was sealed by another key, or altered.
    #[error("cannot open what is sealed")]
    Sealed,
}

fn malformed<E>(_: E) -> PasswordError {
    PasswordError::Malformed
}

fn stretching() -> Result<Argon2<'static>, PasswordError> {
    let (memory, passes, lanes) = ARGON2;
    let params = Params::new(memory, passes, lanes, None).map_err(malformed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn identifiers(user: &Handle) -> Identifiers<'_> {
    Identifiers { client: Some(user.as_str().as_bytes()), server: Some(SERVER_NAME) }
}

/// The key that comes out of the password on the client, at sign-up and at every sign-in the same. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ExportKey([u8; 32]);

impl ExportKey {
    fn from_opaque(bytes: &[u8]) -> Self {
        Self(blake3::derive_key("hobnob/1 export key", bytes))
    }

    /// Seals `plain` so that only this key opens it, for this purpose.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, PasswordError> {
        seal::seal(&self.0, purpose, &[], plain).map_err(|_| PasswordError::Sealed)
    }

    /// Opens what [`Self::seal`] made.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
        seal::open(&self.0, purpose, &[], sealed).map_err(|_| PasswordError::Sealed)
    }
}

impl std::fmt::Debug for ExportKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExportKey(..)")
    }
}

/// What a client shows instead of a room's password: Argon2id of it, so that whoever steals the server's store must pay for each guess.
/// Salted with the server and the room. As slow as [`registration_finish`].
pub fn room_proof(password: &str, room: &RoomId, server: Fingerprint) -> Result<Hash, PasswordError> {
    let salt = blake3::Hasher::new_derive_key("hobnob/1 room password")
        .update(&server.0)
        .update(room.as_str().as_bytes())
        .finalize();
    let mut proof = [0; 32];
    stretching()?.hash_password_into(password.as_bytes(), salt.as_bytes(), &mut proof).map_err(malformed)?;
    Ok(Hash(proof))
}

// ---- client ----

/// Between the two halves of a sign-up.
pub struct RegistrationState(ClientRegistration<Suite>);

/// Between the two halves of a sign-in.
pub struct LoginState(ClientLogin<Suite>);

/// Starts a sign-up: state and request.
pub fn registration_start(password: &str) -> Result<(RegistrationState, Vec<u8>), PasswordError> {
    let start = ClientRegistration::<Suite>::start(&mut OsRng, password.as_bytes()).map_err(malformed)?;
    Ok((RegistrationState(start.state), start.message.serialize().to_vec()))
}

/// Ends a sign-up: what the server keeps, and the export key. Takes tens of milliseconds and 19 MiB; not for an event loop.
pub fn registration_finish(
    state: RegistrationState,
    password: &str,
    user: &Handle,
    reply: &[u8],
) -> Result<(Vec<u8>, ExportKey), PasswordError> {
    let reply = RegistrationResponse::deserialize(reply).map_err(malformed)?;
    let ksf = stretching()?;
    let parameters = ClientRegistrationFinishParameters::new(identifiers(user), Some(&ksf));
    let mut finish = state.0.finish(&mut OsRng, password.as_bytes(), reply, parameters).map_err(malformed)?;
    let key = ExportKey::from_opaque(&finish.export_key);
    finish.export_key.zeroize();
    Ok((finish.message.serialize().to_vec(), key))
}

/// Starts a sign-in: state and request.
pub fn login_start(password: &str) -> Result<(LoginState, Vec<u8>), PasswordError> {
    let start = ClientLogin::<Suite>::start(&mut OsRng, password.as_bytes()).map_err(malformed)?;
    Ok((LoginState(start.state), start.message.serialize().to_vec()))
}

/// Ends a sign-in: the proof for the server, and the export key. As slow as [`registration_finish`].
pub fn login_finish(
    state: LoginState,
    password: &str,
    user: &Handle,
    reply: &[u8],
) -> Result<(Vec<u8>, ExportKey), PasswordError> {
    let reply = CredentialResponse::deserialize(reply).map_err(malformed)?;
    let ksf = stretching()?;
    let parameters = ClientLoginFinishParameters::new(Some(CONTEXT), identifiers(user), Some(&ksf));
    let mut finish =
        state.0.finish(&mut OsRng, password.as_bytes(), reply, parameters).map_err(|_| PasswordError::Wrong)?;
    let key = ExportKey::from_opaque(&finish.export_key);
    finish.export_key.zeroize();
    finish.session_key.zeroize();
    Ok((finish.message.serialize().to_vec(), key))
}

// ---- server ----

/// The server's OPAQUE secrets: made once and kept; without them no password works any more.
pub struct ServerSetup(opaque_ke::ServerSetup<Suite>);

/// Between the two halves of a sign-in, on the server.
pub struct ServerLoginState(ServerLogin<Suite>);

impl ServerSetup {
    /// Fresh secrets.
    pub fn generate() -> Self {
        Self(opaque_ke::ServerSetup::new(&mut OsRng))
    }

    /// To be kept.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    /// As kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PasswordError> {
        opaque_ke::ServerSetup::deserialize(bytes).map(Self).map_err(malformed)
    }

    /// Answers a sign-up's request.
    pub fn registration_reply(&self, user: &Handle, request: &[u8]) -> Result<Vec<u8>, PasswordError> {
        let request = RegistrationRequest::deserialize(request).map_err(malformed)?;
        let start =
            ServerRegistration::<Suite>::start(&self.0, request, user.as_str().as_bytes()).map_err(malformed)?;
        Ok(start.message.serialize().to_vec())
    }

    /// Answers a sign-in's request. Without a record (an unknown name) the answer looks the same, and no proof will fit.
    pub fn login_start(
        &self,
        record: Option<&[u8]>,
        user: &Handle,
        request: &[u8],
    ) -> Result<(ServerLoginState, Vec<u8>), PasswordError> {
        let record = record.map(ServerRegistration::deserialize).transpose().map_err(malformed)?;
        let request = CredentialRequest::deserialize(request).map_err(malformed)?;
        let name = user.as_str().as_bytes();
        let start = ServerLogin::start(&mut OsRng, &self.0, record, request, name, server_parameters(user))
            .map_err(malformed)?;
        Ok((ServerLoginState(start.state), start.message.serialize().to_vec()))
    }
}

fn server_parameters(user: &Handle) -> ServerLoginParameters<'_, '_> {
    ServerLoginParameters { context: Some(CONTEXT), identifiers: identifiers(user) }
}

/// The record to keep for an account, from a sign-up's last message.
pub fn record(upload: &[u8]) -> Result<Vec<u8>, PasswordError> {
    let upload = RegistrationUpload::<Suite>::deserialize(upload).map_err(malformed)?;
    Ok(ServerRegistration::finish(upload).serialize().to_vec())
}

/// Whether the client knew the password.
pub fn server_login_finish(state: ServerLoginState, user: &Handle, finalization: &[u8]) -> Result<(), PasswordError> {
    let finalization = CredentialFinalization::deserialize(finalization).map_err(malformed)?;
    state.0.finish(finalization, server_parameters(user)).map(drop).map_err(|_| PasswordError::Wrong)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn sign_up(setup: &ServerSetup, user: &Handle, password: &str) -> (Vec<u8>, ExportKey) {
        let (state, request) = registration_start(password).unwrap();
        let reply = setup.registration_reply(user, &request).unwrap();
        let (upload, key) = registration_finish(state, password, user, &reply).unwrap();
        (record(&upload).unwrap(), key)
    }

    fn sign_in(
        setup: &ServerSetup,
        record: Option<&[u8]>,
        user: &Handle,
        password: &str,
    ) -> Result<ExportKey, PasswordError> {
        let (state, request) = login_start(password)?;
        let (server, reply) = setup.login_start(record, user, &request)?;
        let (proof, key) = login_finish(state, password, user, &reply)?;
        server_login_finish(server, user, &proof)?;
        Ok(key)
    }

    #[test]
    fn the_password_opens_what_it_sealed_and_no_other_does() {
        let setup = ServerSetup::from_bytes(&ServerSetup::generate().to_bytes()).unwrap();
        let alice: Handle = "alice".parse().unwrap();
        let (record, key) = sign_up(&setup, &alice, "correct horse");
        let sealed = key.seal("identity", b"secret").unwrap();
        let again = sign_in(&setup, Some(&record), &alice, "correct horse").unwrap();
        assert_eq!(again.open("identity", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(again.open("roster", &sealed), Err(PasswordError::Sealed));
        for n in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[n] ^= 1;
            assert_eq!(again.open("identity", &altered), Err(PasswordError::Sealed));
        }
        assert!(matches!(sign_in(&setup, Some(&record), &alice, "wrong horse"), Err(PasswordError::Wrong)));
    }

    #[test]
    fn an_unknown_name_is_answered_like_a_known_one() {
        let setup = ServerSetup::generate();
        let (alice, nobody): (Handle, Handle) = ("alice".parse().unwrap(), "nobody".parse().unwrap());
        let (record, _) = sign_up(&setup, &alice, "correct horse");
        let (_, request) = login_start("guess").unwrap();
        let known = setup.login_start(Some(&record), &alice, &request).unwrap().1;
        let unknown = setup.login_start(None, &nobody, &request).unwrap().1;
        assert_eq!(known.len(), unknown.len());
        assert!(matches!(sign_in(&setup, None, &nobody, "guess"), Err(PasswordError::Wrong)));
    }

    #[test]
    fn a_record_is_good_for_its_name_and_its_server_only() {
        let (setup, other_setup) = (ServerSetup::generate(), ServerSetup::generate());
        let (alice, bob): (Handle, Handle) = ("alice".parse().unwrap(), "bob".parse().unwrap());
        let (record, _) = sign_up(&setup, &alice, "correct horse");
        assert!(sign_in(&setup, Some(&record), &alice, "correct horse").is_ok());
        // A store in which somebody swapped two rows, or that was moved to another server.
        assert!(matches!(sign_in(&setup, Some(&record), &bob, "correct horse"), Err(PasswordError::Wrong)));
        assert!(matches!(sign_in(&other_setup, Some(&record), &alice, "correct horse"), Err(PasswordError::Wrong)));
    }

    #[test]
    fn a_client_that_skips_the_password_check_is_not_let_in() {
        let setup = ServerSetup::generate();
        let alice: Handle = "alice".parse().unwrap();
        let (record, _) = sign_up(&setup, &alice, "correct horse");
        // A proof of an earlier sign-in, replayed.
        let (state, request) = login_start("correct horse").unwrap();
        let (server, reply) = setup.login_start(Some(&record), &alice, &request).unwrap();
        let (proof, _) = login_finish(state, "correct horse", &alice, &reply).unwrap();
        server_login_finish(server, &alice, &proof).unwrap();
        let again = || setup.login_start(Some(&record), &alice, &request).unwrap().0;
        assert_eq!(server_login_finish(again(), &alice, &proof), Err(PasswordError::Wrong));
        for n in [0, proof.len() - 1] {
            let mut altered = proof.clone();
            altered[n] ^= 1;
            assert!(server_login_finish(again(), &alice, &altered).is_err());
        }
    }

    #[test]
    fn the_stretching_of_version_1_stays_what_it_is() {
        // Other parameters would lock everybody out of their accounts.
        let (memory, passes, lanes) = ARGON2;
        assert_eq!((memory, passes, lanes), (19_456, 2, 1));
        let mut out = [0; 8];
        stretching().unwrap().hash_password_into(b"password", &[0; 16], &mut out).unwrap();
        assert_eq!(out, [251, 127, 220, 219, 187, 45, 85, 168]);
    }

    #[test]
    fn nonsense_is_refused() {
        let setup = ServerSetup::generate();
        let alice: Handle = "alice".parse().unwrap();
        assert_eq!(setup.registration_reply(&alice, &[0; 7]), Err(PasswordError::Malformed));
        assert!(setup.login_start(None, &alice, &[255; 96]).is_err());
        assert_eq!(record(b""), Err(PasswordError::Malformed));
    }
}
