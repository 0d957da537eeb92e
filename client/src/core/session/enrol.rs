//! Sign-up and password sign-in: a connection without client certificate on which a new device is added to an account. The password goes
//! into OPAQUE and nowhere else; what it unlocks lives for the moment in which the device is signed in. What else the password allows is in
//! `affairs.rs`.

use std::time::{Duration, Instant};

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle};
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

use super::affairs;
use super::connect::{ConnectError, next_known, tls_connect};
use crate::core::clock;
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
    /// One device fewer.
    RemoveDevice {
        /// The account, as it is known here.
        account: Own,
        /// Its password.
        password: Password,
        /// Which.
        device: DeviceId,
    },
    /// Another password.
    ChangePassword {
        /// The account, as it is known here.
        account: Own,
        /// Its password.
        password: Password,
        /// Its password from then on.
        new_password: Password,
    },
    /// Nothing new: whether this is the password of the account to which this device belongs.
    Check {
        /// Its name.
        user: Handle,
        /// As typed.
        password: Password,
    },
}

/// An account that this installation belongs to: what the server shows must fit it.
pub struct Own {
    /// Its name.
    pub user: Handle,
    /// Its identity key.
    pub account: Fingerprint,
    /// Number of the newest device list that is known.
    pub list_number: u64,
}

/// What came out.
pub enum Outcome {
    /// This installation is a new device.
    Enrolled(Box<Enrolment>),
    /// The account has these devices now.
    Devices(Box<IdentityStatement>),
    /// The account has another password.
    PasswordChanged,
    /// The password is right.
    Checked,
}

/// Who this installation is now.
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
    /// The user's: the account has no such device.
    #[error("no such device")]
    UnknownDevice,
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

/// A connection without client certificate, and what binds signatures to it.
pub(super) struct Door {
    pub(super) reader: FrameReader<FromServer>,
    pub(super) writer: FrameWriter,
    pub(super) exporter: [u8; 32],
}

impl Door {
    pub(super) fn say(&self, frame: &ToServer) -> Result<(), EnrolError> {
        self.writer.try_send(frame).map_err(|_| ConnectError::Closed.into())
    }

    pub(super) async fn next(&mut self) -> Result<FromServer, ConnectError> {
        next_known(&mut self.reader).await
    }

    /// The server has done it.
    pub(super) async fn enrolled(&mut self) -> Result<(), EnrolError> {
        match self.next().await? {
            FromServer::Enrolled(_) => Ok(()),
            _ => Err(ConnectError::Unexpected.into()),
        }
    }

    /// Signature over this connection, for `purpose`.
    pub(super) fn prove(
        &self,
        user: &Handle,
        device: DeviceId,
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Result<ByteBuf, EnrolError> {
        let proof = EnrolmentProof { user: user.clone(), device, exporter: self.exporter };
        Ok(ByteBuf::from(sign(&to_cbor(&proof).map_err(own)?).to_vec()))
    }
}

/// Tries until `until` while the server is away; every other outcome is final.
pub(super) async fn enrol(server: ServerAddress, wish: Wish, until: Instant) -> Result<Outcome, EnrolError> {
    loop {
        let error = match attempt(&server, &wish).await {
            Err(EnrolError::Connect(error)) => error,
            other => return other,
        };
        let away = matches!(error, ConnectError::Network(_) | ConnectError::TimedOut | ConnectError::Closed);
        let pause = PAUSE.mul_f64(rand::thread_rng().gen_range(0.1..1.0));
        if !away || Instant::now() + pause >= until {
            return Err(error.into());
        }
        tokio::time::sleep(pause).await;
    }
}

async fn attempt(server: &ServerAddress, wish: &Wish) -> Result<Outcome, EnrolError> {
    let (stream, server_key, _) = tls_connect(server, None).await?;
    let exporter = tls::exporter(stream.get_ref().1, ENROLMENT_EXPORTER, &[]).map_err(own)?;
    let (reader, writer) = link::split::<_, FromServer>(stream, limits::FRAME_BEFORE_SIGN_IN, limits::OUTBOUND_QUEUE);
    let mut door = Door { reader, writer, exporter };
    let enrolled = |(identity, roster_key)| Outcome::Enrolled(Box::new(Enrolment { identity, roster_key, server_key }));
    let outcome = match wish {
        Wish::SignUp { user, password } => sign_up(&mut door, user, password).await.map(enrolled),
        Wish::SignIn { user, password } => sign_in(&mut door, user, password).await.map(enrolled),
        Wish::RemoveDevice { account, password, device } => {
            affairs::remove_device(&mut door, account, password, *device).await.map(Outcome::Devices)
        }
        Wish::ChangePassword { account, password, new_password } => {
            let changed = affairs::change_password(&mut door, account, password, new_password).await;
            changed.map(|()| Outcome::PasswordChanged)
        }
        Wish::Check { user, password } => unlock(&mut door, user, password).await.map(|_secrets| Outcome::Checked),
    };
    door.writer.close();
    outcome
}

type Made = (Identity, RosterKey);

async fn sign_up(door: &mut Door, user: &Handle, password: &Password) -> Result<Made, EnrolError> {
    let start = |request| ToServer::SignUpStart(SignUpStart { user: user.clone(), request });
    let (upload, export_key) = register(door, user, password, start).await?;
    let identity_key = IdentityKey::generate().map_err(own)?;
    let roster_key = Zeroizing::new(rand::random::<[u8; 32]>());
    let account_certificate = identity_key.account_certificate(user).map_err(own)?;
    let sealed = seal(&export_key, &identity_key, &roster_key)?;
    let (identity, proofs) = add_device(door, user, &identity_key, account_certificate, None)?;
    let finish = SignUpFinish {
        upload,
        sealed: ByteBuf::from(sealed),
        account_certificate: ByteBuf::from(identity.chain.account.clone()),
        device_certificate: ByteBuf::from(identity.chain.device.clone()),
        device_list: identity.device_list.clone(),
        identity_proof: proofs.identity,
        device_proof: proofs.device,
    };
    door.say(&ToServer::SignUpFinish(Box::new(finish)))?;
    door.enrolled().await?;
    Ok((identity, roster_key))
}

/// Makes what the server keeps of a password; and the key that comes out of it.
pub(super) async fn register(
    door: &mut Door,
    user: &Handle,
    password: &Password,
    start: impl FnOnce(ByteBuf) -> ToServer,
) -> Result<(ByteBuf, ExportKey), EnrolError> {
    let (state, request) = password::registration_start(password.expose()).map_err(own)?;
    door.say(&start(ByteBuf::from(request)))?;
    let FromServer::SignUpReply(reply) = door.next().await? else { return Err(ConnectError::Unexpected.into()) };
    let (typed, name) = (password.clone(), user.clone());
    let finished =
        blocking(move || password::registration_finish(state, typed.expose(), &name, &reply.response)).await?;
    let (upload, export_key) = finished.map_err(|error| EnrolError::Dishonest(error.to_string()))?;
    Ok((ByteBuf::from(upload), export_key))
}

/// Proves the password: what the server keeps for whoever knows it, and the key that opens it.
pub(super) async fn unlock(
    door: &mut Door,
    user: &Handle,
    password: &Password,
) -> Result<(Box<Unlocked>, ExportKey), EnrolError> {
    let (state, request) = password::login_start(password.expose()).map_err(own)?;
    door.say(&ToServer::SignInStart(SignInStart { user: user.clone(), request: ByteBuf::from(request) }))?;
    let FromServer::SignInReply(reply) = door.next().await? else { return Err(ConnectError::Unexpected.into()) };
    let (typed, name) = (password.clone(), user.clone());
    let finished = blocking(move || password::login_finish(state, typed.expose(), &name, &reply.response)).await?;
    let (finalization, export_key) = finished.map_err(|_| EnrolError::WrongPassword)?;
    door.say(&ToServer::SignInFinish(SignInFinish { finalization: ByteBuf::from(finalization) }))?;

    match door.next().await {
        Ok(FromServer::Unlocked(unlocked)) => Ok((unlocked, export_key)),
        Ok(_) => Err(ConnectError::Unexpected.into()),
        Err(ConnectError::Refused { code: WireCode::WrongPassword, .. }) => Err(EnrolError::WrongPassword),
        Err(error) => Err(error.into()),
    }
}

async fn sign_in(door: &mut Door, user: &Handle, password: &Password) -> Result<Made, EnrolError> {
    let (unlocked, export_key) = unlock(door, user, password).await?;
    let (identity_key, roster_key) = unseal(&export_key, &unlocked.sealed)?;
    let account_certificate = unlocked.account_certificate.to_vec();
    let list: DeviceList = unlocked
        .device_list
        .verify(DEVICE_LIST, &account_certificate)
        .map_err(|error| EnrolError::Dishonest(error.to_string()))?;
    let (identity, proofs) = add_device(door, user, &identity_key, account_certificate, Some(list))?;
    let enrol = EnrolDevice {
        device_certificate: ByteBuf::from(identity.chain.device.clone()),
        device_list: identity.device_list.clone(),
        identity_proof: proofs.identity,
        device_proof: proofs.device,
    };
    door.say(&ToServer::EnrolDevice(Box::new(enrol)))?;
    door.enrolled().await?;
    Ok((identity, roster_key))
}

struct Proofs {
    identity: ByteBuf,
    device: ByteBuf,
}

/// A new device key, its certificate, a device list with it, and the proofs that bind both keys to this connection.
fn add_device(
    door: &Door,
    user: &Handle,
    identity_key: &IdentityKey,
    account_certificate: Vec<u8>,
    list: Option<DeviceList>,
) -> Result<(Identity, Proofs), EnrolError> {
    let key = DeviceKey::generate().map_err(own)?;
    let device = identity_key.issue_device(user, &key).map_err(own)?;
    let chain = Chain { device, account: account_certificate };
    let verified = chain.verify().map_err(|error| EnrolError::Dishonest(error.to_string()))?;
    if verified.account != identity_key.fingerprint() {
        return Err(EnrolError::Dishonest("the account's certificate is of another key".to_owned()));
    }
    let list = affairs::with_device(list, key.id(), clock::now_ms());
    let device_list = IdentityStatement::sign(DEVICE_LIST, &list, identity_key).map_err(own)?;
    let proofs = Proofs {
        identity: door.prove(user, key.id(), |proof| identity_key.sign(ENROL_IDENTITY, proof))?,
        device: door.prove(user, key.id(), |proof| key.sign(ENROL_DEVICE, proof))?,
    };
    let identity =
        Identity { user: user.clone(), account: verified.account, device: verified.device, key, chain, device_list };
    Ok((identity, proofs))
}

pub(super) fn seal(export_key: &ExportKey, identity: &IdentityKey, roster: &RosterKey) -> Result<Vec<u8>, EnrolError> {
    let secrets =
        Secrets { identity: ByteBuf::from(identity.to_pkcs8().to_vec()), roster: ByteBuf::from(roster.to_vec()) };
    let plain = Zeroizing::new(to_cbor(&secrets).map_err(own)?);
    export_key.seal(SEALED, &plain).map_err(own)
}

pub(super) fn unseal(export_key: &ExportKey, sealed: &[u8]) -> Result<(IdentityKey, RosterKey), EnrolError> {
    let dishonest = |why: String| EnrolError::Dishonest(why);
    let plain = export_key.open(SEALED, sealed).map_err(|error| dishonest(error.to_string()))?;
    let secrets: Secrets = from_cbor(&plain).map_err(|error| dishonest(error.to_string()))?;
    let identity = IdentityKey::from_pkcs8(&secrets.identity).map_err(|error| dishonest(error.to_string()))?;
    let roster = <[u8; 32]>::try_from(secrets.roster.as_slice()).map_err(|_| dishonest("roster key".to_owned()))?;
    Ok((identity, Zeroizing::new(roster)))
}

pub(super) fn own(error: impl std::fmt::Display) -> EnrolError {
    EnrolError::Own(error.to_string())
}

/// Argon2 takes tens of milliseconds: not on the core's thread.
async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, EnrolError> {
    tokio::task::spawn_blocking(job).await.map_err(own)
}
