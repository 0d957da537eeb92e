//! Sign-up and password sign-in: a connection without client certificate on which a new device is added to an account. The password goes
//! into OPAQUE and nowhere else; what it unlocks lives for the moment in which the device is signed in.

use std::time::{Duration, Instant};

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Fingerprint, Handle};
use hobnob_shared::identity::{Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement};
use hobnob_shared::link::{self, FrameReader, FrameWriter};
use hobnob_shared::message::{
    ENROL_DEVICE, ENROL_IDENTITY, ENROLMENT_EXPORTER, EnrolDevice, EnrolmentProof, FromServer, SignInFinish,
    SignInStart, SignUpFinish, SignUpStart, ToServer, Unlocked,
};
use hobnob_shared::password::{self, ExportKey};
use hobnob_shared::{limits, tls};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use super::connect::{ConnectError, next_known, tls_connect};
use crate::core::command::Password;
use crate::core::profile::{Identity, RosterKey};
use crate::core::server_address::ServerAddress;

/// Longest pause between attempts while a person waits.
const PAUSE: Duration = Duration::from_secs(2);
/// Purpose under which the account's secrets are sealed.
const SEALED: &str = "account-secrets";

/// What is wanted.
pub enum Wish {
    /// A new account.
    SignUp {
        /// Its name.
        user: Handle,
        /// Its password.
        password: Password,
    },
    /// A new device of an account.
    SignIn {
        /// Its name.
        user: Handle,
        /// Its password.
        password: Password,
    },
    /// Nothing new: whether this is the password of the account to which this device belongs.
    Check {
        /// Its name.
        user: Handle,
        /// As typed.
        password: Password,
    },
}

/// What came out: who this installation is now.
pub struct Enrolment {
    /// Not stored yet.
    pub identity: Identity,
    /// Opens the sealed roster.
    pub roster_key: RosterKey,
    /// The server's key, pinned from now on.
    pub server_key: Fingerprint,
}

/// Why nothing came out.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The connection, or the server's no.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The user's: wrong name or password.
    #[error("wrong username or password")]
    WrongPassword,
    /// The server's: what it answered does not hold.
    #[error("the server's answer does not hold: {0}")]
    Dishonest(String),
    /// Our own.
    #[error("internal: {0}")]
    Own(String),
}

/// The account's secrets, as sealed under the password.
#[derive(Serialize, Deserialize)]
struct Secrets {
    identity: ByteBuf,
    roster: ByteBuf,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        drop(Zeroizing::new(std::mem::take(&mut self.identity).into_vec()));
        drop(Zeroizing::new(std::mem::take(&mut self.roster).into_vec()));
    }
}

/// Tries until `until` while the server is away; every other outcome is final. Nothing comes out of a check that held.
pub(super) async fn enrol(
    server: ServerAddress,
    wish: Wish,
    until: Instant,
) -> Result<Option<Box<Enrolment>>, EnrolError> {
    loop {
        let error = match attempt(&server, &wish).await {
            Err(EnrolError::Connect(error)) => error,
            other => return other.map(|made| made.map(Box::new)),
        };
        let away = matches!(error, ConnectError::Network(_) | ConnectError::TimedOut | ConnectError::Closed);
        let pause = PAUSE.mul_f64(rand::thread_rng().gen_range(0.1..1.0));
        if !away || Instant::now() + pause >= until {
            return Err(error.into());
        }
        tokio::time::sleep(pause).await;
    }
}

async fn attempt(server: &ServerAddress, wish: &Wish) -> Result<Option<Enrolment>, EnrolError> {
    let (stream, server_key, _) = tls_connect(server, None).await?;
    let exporter = tls::exporter(stream.get_ref().1, ENROLMENT_EXPORTER, &[]).map_err(own)?;
    let (mut reader, writer) =
        link::split::<_, FromServer>(stream, limits::FRAME_BEFORE_SIGN_IN, limits::OUTBOUND_QUEUE);
    let made = match wish {
        Wish::SignUp { user, password } => sign_up(&mut reader, &writer, user, password, exporter).await.map(Some),
        Wish::SignIn { user, password } => sign_in(&mut reader, &writer, user, password, exporter).await.map(Some),
        Wish::Check { user, password } => unlock(&mut reader, &writer, user, password).await.map(|_secrets| None),
    };
    writer.close();
    Ok(made?.map(|(identity, roster_key)| Enrolment { identity, roster_key, server_key }))
}

type Made = (Identity, RosterKey);

async fn sign_up(
    reader: &mut FrameReader<FromServer>,
    writer: &FrameWriter,
    user: &Handle,
    password: &Password,
    exporter: [u8; 32],
) -> Result<Made, EnrolError> {
    let (state, request) = password::registration_start(password.expose()).map_err(own)?;
    say(writer, &ToServer::SignUpStart(SignUpStart { user: user.clone(), request: ByteBuf::from(request) }))?;
    let FromServer::SignUpReply(reply) = next_known(reader).await? else { return Err(ConnectError::Unexpected.into()) };
    let typed = password.clone();
    let name = user.clone();
    let finished =
        blocking(move || password::registration_finish(state, typed.expose(), &name, &reply.response)).await?;
    let (upload, export_key) = finished.map_err(|error| EnrolError::Dishonest(error.to_string()))?;

    let identity_key = IdentityKey::generate().map_err(own)?;
    let roster_key = Zeroizing::new(rand::random::<[u8; 32]>());
    let account_certificate = identity_key.account_certificate(user).map_err(own)?;
    let sealed = seal(&export_key, &identity_key, &roster_key)?;
    let (identity, proofs) = add_device(user, &identity_key, account_certificate, None, exporter)?;
    let finish = SignUpFinish {
        upload: ByteBuf::from(upload),
        sealed: ByteBuf::from(sealed),
        account_certificate: ByteBuf::from(identity.chain.account.clone()),
        device_certificate: ByteBuf::from(identity.chain.device.clone()),
        device_list: identity.device_list.clone(),
        identity_proof: proofs.identity,
        device_proof: proofs.device,
    };
    say(writer, &ToServer::SignUpFinish(Box::new(finish)))?;
    match next_known(reader).await? {
        FromServer::Enrolled(_) => Ok((identity, roster_key)),
        _ => Err(ConnectError::Unexpected.into()),
    }
}

/// Proves the password: what the server keeps for whoever knows it, and the key that opens it.
async fn unlock(
    reader: &mut FrameReader<FromServer>,
    writer: &FrameWriter,
    user: &Handle,
    password: &Password,
) -> Result<(Box<Unlocked>, ExportKey), EnrolError> {
    let (state, request) = password::login_start(password.expose()).map_err(own)?;
    say(writer, &ToServer::SignInStart(SignInStart { user: user.clone(), request: ByteBuf::from(request) }))?;
    let FromServer::SignInReply(reply) = next_known(reader).await? else { return Err(ConnectError::Unexpected.into()) };
    let typed = password.clone();
    let name = user.clone();
    let finished = blocking(move || password::login_finish(state, typed.expose(), &name, &reply.response)).await?;
    let (finalization, export_key) = finished.map_err(|_| EnrolError::WrongPassword)?;
    say(writer, &ToServer::SignInFinish(SignInFinish { finalization: ByteBuf::from(finalization) }))?;

    match next_known(reader).await {
        Ok(FromServer::Unlocked(unlocked)) => Ok((unlocked, export_key)),
        Ok(_) => Err(ConnectError::Unexpected.into()),
        Err(ConnectError::Refused { code: WireCode::WrongPassword, .. }) => Err(EnrolError::WrongPassword),
        Err(error) => Err(error.into()),
    }
}

async fn sign_in(
    reader: &mut FrameReader<FromServer>,
    writer: &FrameWriter,
    user: &Handle,
    password: &Password,
    exporter: [u8; 32],
) -> Result<Made, EnrolError> {
    let (unlocked, export_key) = unlock(reader, writer, user, password).await?;
    let (identity_key, roster_key) = unseal(&export_key, &unlocked.sealed)?;
    let account_certificate = unlocked.account_certificate.to_vec();
    let list: DeviceList = unlocked
        .device_list
        .verify(DEVICE_LIST, &account_certificate)
        .map_err(|error| EnrolError::Dishonest(error.to_string()))?;
    let (identity, proofs) = add_device(user, &identity_key, account_certificate, Some(list), exporter)?;
    let enrol = EnrolDevice {
        device_certificate: ByteBuf::from(identity.chain.device.clone()),
        device_list: identity.device_list.clone(),
        identity_proof: proofs.identity,
        device_proof: proofs.device,
    };
    say(writer, &ToServer::EnrolDevice(Box::new(enrol)))?;
    match next_known(reader).await? {
        FromServer::Enrolled(_) => Ok((identity, roster_key)),
        _ => Err(ConnectError::Unexpected.into()),
    }
}

struct Proofs {
    identity: ByteBuf,
    device: ByteBuf,
}

/// A new device key, its certificate, a device list with it, and the proofs that bind both keys to this connection.
fn add_device(
    user: &Handle,
    identity_key: &IdentityKey,
    account_certificate: Vec<u8>,
    list: Option<DeviceList>,
    exporter: [u8; 32],
) -> Result<(Identity, Proofs), EnrolError> {
    let key = DeviceKey::generate().map_err(own)?;
    let device = identity_key.issue_device(user, &key).map_err(own)?;
    let chain = Chain { device, account: account_certificate };
    let verified = chain.verify().map_err(|error| EnrolError::Dishonest(error.to_string()))?;
    if verified.account != identity_key.fingerprint() {
        return Err(EnrolError::Dishonest("the account's certificate is of another key".to_owned()));
    }
    let (number, mut devices) = list.map_or((0, Vec::new()), |list| (list.number, list.devices));
    devices.push(key.id());
    let list = DeviceList {
        number: number.saturating_add(1),
        devices,
        issued_at: crate::core::clock::now_ms(),
        removed: Vec::new(),
    };
    let device_list = IdentityStatement::sign(DEVICE_LIST, &list, identity_key).map_err(own)?;
    let proof = to_cbor(&EnrolmentProof { user: user.clone(), device: key.id(), exporter }).map_err(own)?;
    let proofs = Proofs {
        identity: ByteBuf::from(identity_key.sign(ENROL_IDENTITY, &proof).to_vec()),
        device: ByteBuf::from(key.sign(ENROL_DEVICE, &proof).to_vec()),
    };
    let identity =
        Identity { user: user.clone(), account: verified.account, device: verified.device, key, chain, device_list };
    Ok((identity, proofs))
}

fn seal(export_key: &ExportKey, identity: &IdentityKey, roster: &RosterKey) -> Result<Vec<u8>, EnrolError> {
    let secrets =
        Secrets { identity: ByteBuf::from(identity.to_pkcs8().to_vec()), roster: ByteBuf::from(roster.to_vec()) };
    let plain = Zeroizing::new(to_cbor(&secrets).map_err(own)?);
    export_key.seal(SEALED, &plain).map_err(own)
}

fn unseal(export_key: &ExportKey, sealed: &[u8]) -> Result<(IdentityKey, RosterKey), EnrolError> {
    let dishonest = |why: String| EnrolError::Dishonest(why);
    let plain = export_key.open(SEALED, sealed).map_err(|error| dishonest(error.to_string()))?;
    let secrets: Secrets = from_cbor(&plain).map_err(|error| dishonest(error.to_string()))?;
    let identity = IdentityKey::from_pkcs8(&secrets.identity).map_err(|error| dishonest(error.to_string()))?;
    let roster = <[u8; 32]>::try_from(secrets.roster.as_slice()).map_err(|_| dishonest("roster key".to_owned()))?;
    Ok((identity, Zeroizing::new(roster)))
}

fn say(writer: &FrameWriter, frame: &ToServer) -> Result<(), EnrolError> {
    writer.try_send(frame).map_err(|_| ConnectError::Closed.into())
}

fn own(error: impl std::fmt::Display) -> EnrolError {
    EnrolError::Own(error.to_string())
}

/// Argon2 takes tens of milliseconds: not on the core's thread.
async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, EnrolError> {
    tokio::task::spawn_blocking(job).await.map_err(own)
}
