//! A client made of nothing but `shared`: for frames that no honest program sends, and for thousands of sessions in one process.

use std::time::Duration;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::codec::{Decoded, to_cbor};
use hobnob_shared::id::{Fingerprint, Handle, InstanceId};
use hobnob_shared::identity::{Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement};
use hobnob_shared::link::{self, FrameReader, FrameWriter};
use hobnob_shared::message::{
    ENROL_DEVICE, ENROL_IDENTITY, ENROLMENT_EXPORTER, EnrolmentProof, FromServer, Hello, OwnPresence, SignUpFinish,
    SignUpStart, ToServer,
};
use hobnob_shared::{limits, net, password, tls};
use serde_bytes::ByteBuf;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// No answer of a server takes longer.
const ANSWER: Duration = Duration::from_secs(20);

/// An account with one device, as its owner holds it.
pub struct Account {
    /// Its handle.
    pub user: Handle,
    /// The device's key.
    pub key: DeviceKey,
    /// The device's certificates.
    pub chain: Chain,
    /// The account's list of this one device.
    pub device_list: IdentityStatement,
    /// The identity key's fingerprint.
    pub fingerprint: Fingerprint,
    /// The identity key itself, as only a test keeps it.
    pub identity: IdentityKey,
}

/// One TLS connection to a server, framed.
pub struct Connection {
    /// What comes.
    pub reader: FrameReader<FromServer>,
    /// What goes.
    pub writer: FrameWriter,
    /// Keying material for enrolment.
    pub exporter: [u8; 32],
}

/// TLS to the server, with a device's certificate or without.
pub async fn tls_to(server: &str, fingerprint: &str, device: Option<(&DeviceKey, &Chain)>) -> TlsStream<TcpStream> {
    let pin: Fingerprint = fingerprint.parse().unwrap_or_else(|error| panic!("{fingerprint}: {error}"));
    let config = tls::client_config(tls::ServerPin::Exact(pin), device).unwrap_or_else(|error| panic!("{error}"));
    let tcp = TcpStream::connect(server).await.unwrap_or_else(|error| panic!("no connection to {server}: {error}"));
    net::configure(&tcp).unwrap_or_else(|error| panic!("{error}"));
    let connected = TlsConnector::from(config).connect(tls::server_name(), tcp).await;
    connected.unwrap_or_else(|error| panic!("no TLS with {server}: {error}"))
}

impl Connection {
    /// Connects; see [`tls_to`].
    pub async fn open(server: &str, fingerprint: &str, device: Option<(&DeviceKey, &Chain)>) -> Self {
        let stream = tls_to(server, fingerprint, device).await;
        let exporter = tls::exporter(stream.get_ref().1, ENROLMENT_EXPORTER, &[]);
        let exporter = exporter.unwrap_or_else(|error| panic!("no exporter: {error}"));
        let (reader, writer) = link::split(stream, limits::FRAME, limits::OUTBOUND_QUEUE);
        Self { reader, writer, exporter }
    }

    /// Sends a frame.
    pub fn say(&self, frame: &ToServer) {
        self.writer.try_send(frame).unwrap_or_else(|error| panic!("cannot send: {error}"));
    }

    /// The next frame; `None` once the server has closed, in order or not.
    pub async fn hear(&mut self) -> Option<FromServer> {
        let next = tokio::time::timeout(ANSWER, self.reader.next()).await;
        match next.unwrap_or_else(|_| panic!("the server says nothing for {ANSWER:?}")) {
            Ok(Some(Decoded::Known(frame))) => Some(frame),
            Ok(Some(Decoded::Unknown { kind })) => panic!("the server sent an unknown kind: {kind}"),
            Ok(None) | Err(_) => None,
        }
    }

    /// Device session: hello, and everything up to the last page of friends.
    pub async fn hello(&mut self, port: u16) {
        self.say(&ToServer::Hello(hello(port)));
        loop {
            match self.hear().await {
                Some(FromServer::Friends(page)) if page.last => return,
                Some(FromServer::Failed(failed)) => panic!("no session: {failed:?}"),
                Some(_) => {}
                None => panic!("the server closed instead of welcoming"),
            }
        }
    }
}

/// A hello of a program that listens at `port`.
pub fn hello(port: u16) -> Hello {
    Hello {
        software: "tests".to_owned(),
        abilities: Abilities::ours(),
        instance: InstanceId::random(),
        port,
        addresses: Vec::new(),
        presence: OwnPresence::Available,
        text: String::new(),
    }
}

/// The first half of a sign-up, for tests that stop there.
pub fn sign_up_start(user: &Handle, secret: &str) -> (password::RegistrationState, ToServer) {
    let (state, request) = password::registration_start(secret).unwrap_or_else(|error| panic!("{error}"));
    (state, ToServer::SignUpStart(SignUpStart { user: user.clone(), request: ByteBuf::from(request) }))
}

/// A whole sign-up.
pub async fn sign_up(server: &str, fingerprint: &str, user: &str, secret: &str) -> Account {
    let user: Handle = user.parse().unwrap_or_else(|error| panic!("{user}: {error}"));
    let mut connection = Connection::open(server, fingerprint, None).await;
    let (state, start) = sign_up_start(&user, secret);
    connection.say(&start);
    let reply = match connection.hear().await {
        Some(FromServer::SignUpReply(reply)) => reply.response,
        other => panic!("no reply to the sign-up of {user}: {other:?}"),
    };
    let (account, finish) = complete(&user, secret, state, &reply, connection.exporter);
    connection.say(&ToServer::SignUpFinish(Box::new(finish)));
    match connection.hear().await {
        Some(FromServer::Enrolled(_)) => account,
        other => panic!("{user} was not enrolled: {other:?}"),
    }
}

fn complete(
    user: &Handle,
    secret: &str,
    state: password::RegistrationState,
    reply: &[u8],
    exporter: [u8; 32],
) -> (Account, SignUpFinish) {
    let made = (|| -> anyhow::Result<_> {
        let (upload, export_key) = password::registration_finish(state, secret, user, reply)?;
        let identity = IdentityKey::generate()?;
        let key = DeviceKey::generate()?;
        let chain = Chain { device: identity.issue_device(user, &key)?, account: identity.account_certificate(user)? };
        let list = DeviceList { number: 1, devices: vec![key.id()], issued_at: 0, removed: Vec::new() };
        let device_list = IdentityStatement::sign(DEVICE_LIST, &list, &identity)?;
        let fingerprint = identity.fingerprint();
        let proof = to_cbor(&EnrolmentProof { user: user.clone(), device: key.id(), exporter })?;
        let finish = SignUpFinish {
            upload: ByteBuf::from(upload),
            sealed: ByteBuf::from(export_key.seal("tests", &identity.to_pkcs8())?),
            account_certificate: ByteBuf::from(chain.account.clone()),
            device_certificate: ByteBuf::from(chain.device.clone()),
            device_list: device_list.clone(),
            identity_proof: ByteBuf::from(identity.sign(ENROL_IDENTITY, &proof).to_vec()),
            device_proof: ByteBuf::from(key.sign(ENROL_DEVICE, &proof).to_vec()),
        };
        Ok((Account { user: user.clone(), key, chain, device_list, fingerprint, identity }, finish))
    })();
    made.unwrap_or_else(|error| panic!("cannot make an account: {error}"))
}
