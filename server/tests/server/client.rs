//! A tiny client for the tests of this crate: signs up, signs in, speaks typed frames. Built on the shared crate only.

use std::net::SocketAddr;
use std::time::Duration;

use hobnob_server::Server;
use hobnob_server::config::Config;
use hobnob_shared::abilities::Abilities;
use hobnob_shared::codec::{Decoded, to_cbor};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Fingerprint, Handle, Hash, InstanceId};
use hobnob_shared::identity::{Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement, Statement};
use hobnob_shared::limits::{FRAME, OUTBOUND_QUEUE};
use hobnob_shared::link::{self, FrameReader, FrameWriter};
use hobnob_shared::message::{
    AboutUser, ENROL_DEVICE, ENROL_IDENTITY, ENROLMENT_EXPORTER, EnrolmentProof, FRIEND_ACCEPTANCE, FRIEND_REQUEST,
    Failed, FriendAcceptance, FriendEntry, FriendRequest, FriendStatement, FromServer, Hello, OwnPresence, Seq,
    SignUpFinish, SignUpStart, ToServer,
};
use hobnob_shared::{net, password, tls};
use serde_bytes::ByteBuf;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;

/// Everything in these tests happens at once, or has gone wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server in this process.
pub struct Running {
    pub address: SocketAddr,
    pub fingerprint: Fingerprint,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Serves the configuration on a free port of loopback.
    pub fn start(config: Config) -> Self {
        let server = Server::open(config).unwrap();
        let fingerprint = server.fingerprint();
        let listener = net::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = actix_rt::spawn(async move {
            let shutdown = async move {
                stopped.await.ok();
            };
            server.run(listener, shutdown).await.unwrap();
        });
        Self { address, fingerprint, stop, ended }
    }

    /// In order.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

/// A connection.
pub struct Wire {
    pub reader: FrameReader<FromServer>,
    pub writer: FrameWriter,
    pub exporter: [u8; 32],
    seq: Seq,
}

impl Wire {
    /// Connects, with the device's certificate where there is one.
    pub async fn open(server: &Running, identity: Option<(&DeviceKey, &Chain)>) -> Self {
        Self::over(TcpStream::connect(server.address).await.unwrap(), server, identity).await
    }

    /// As [`Self::open`], for whom the system holds little that was not read.
    pub async fn open_narrow(server: &Running, identity: Option<(&DeviceKey, &Chain)>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        Self::over(socket.connect(server.address).await.unwrap(), server, identity).await
    }

    async fn over(tcp: TcpStream, server: &Running, identity: Option<(&DeviceKey, &Chain)>) -> Self {
        let config = tls::client_config(tls::ServerPin::Exact(server.fingerprint), identity).unwrap();
        net::configure(&tcp).unwrap();
        let stream = TlsConnector::from(config).connect(tls::server_name(), tcp).await.unwrap();
        let exporter = tls::exporter(stream.get_ref().1, ENROLMENT_EXPORTER, &[]).unwrap();
        let (reader, writer) = link::split(stream, FRAME, OUTBOUND_QUEUE);
        Self { reader, writer, exporter, seq: 0 }
    }

    pub fn say(&self, frame: &ToServer) {
        self.writer.try_send(frame).unwrap();
    }

    pub fn seq(&mut self) -> Seq {
        self.seq += 1;
        self.seq
    }

    /// The next frame; `None` at the end. Pings are answered on the way.
    pub async fn next(&mut self) -> Option<FromServer> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.reader.next()).await.expect("a frame in time");
            match next {
                Ok(Some(Decoded::Known(FromServer::Ping(pulse)))) => self.say(&ToServer::Pong(pulse)),
                Ok(Some(Decoded::Known(frame))) => return Some(frame),
                Ok(Some(Decoded::Unknown { kind })) => panic!("unknown kind {kind}"),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Skips frames up to one of interest.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(FromServer) -> Option<T>) -> T {
        loop {
            let frame = self.next().await.expect("the wanted frame, not the end");
            if let Some(found) = wanted(frame) {
                return found;
            }
        }
    }

    /// The answer to a request.
    pub async fn answer(&mut self, seq: Seq) -> Result<(), Failed> {
        self.until(|frame| match frame {
            FromServer::Done(done) if done.seq == seq => Some(Ok(())),
            FromServer::Failed(failed) if failed.seq == Some(seq) => Some(Err(failed)),
            _ => None,
        })
        .await
    }

    /// The code with which the connection, or the step, fails.
    pub async fn failure(&mut self) -> WireCode {
        self.until(|frame| match frame {
            FromServer::Failed(failed) => Some(failed.code),
            FromServer::SignedOut(out) => Some(out.code),
            _ => None,
        })
        .await
    }

    /// Asks about somebody and waits for the answer.
    pub async fn ask(&mut self, user: &Handle, wish: fn(AboutUser) -> ToServer) -> Result<(), Failed> {
        let seq = self.seq();
        self.say(&wish(AboutUser { seq, user: user.clone() }));
        self.answer(seq).await
    }
}

/// An installation that is enrolled.
pub struct Device {
    pub user: Handle,
    pub key: DeviceKey,
    pub chain: Chain,
    pub account: Fingerprint,
}

/// The last frame of a sign-up, and what stays with the client.
pub struct Prepared {
    pub finish: SignUpFinish,
    pub device: Device,
}

pub fn sealed_key(export: &password::ExportKey, key: &IdentityKey) -> Vec<u8> {
    export.seal("identity", &key.to_pkcs8()).unwrap()
}

pub fn proofs(user: &Handle, identity: &IdentityKey, device: &DeviceKey, exporter: [u8; 32]) -> (ByteBuf, ByteBuf) {
    let proof = to_cbor(&EnrolmentProof { user: user.clone(), device: device.id(), exporter }).unwrap();
    let sign = |signature: [u8; 64]| ByteBuf::from(signature.to_vec());
    (sign(identity.sign(ENROL_IDENTITY, &proof)), sign(device.sign(ENROL_DEVICE, &proof)))
}

impl Device {
    /// Up to the last frame of a sign-up.
    pub async fn prepare(wire: &mut Wire, name: &str, typed: &str) -> Result<Prepared, WireCode> {
        let user: Handle = name.parse().unwrap();
        let (state, request) = password::registration_start(typed).unwrap();
        wire.say(&ToServer::SignUpStart(SignUpStart { user: user.clone(), request: ByteBuf::from(request) }));
        let response = match wire.next().await.unwrap() {
            FromServer::SignUpReply(reply) => reply.response,
            FromServer::Failed(failed) => return Err(failed.code),
            other => panic!("{other:?}"),
        };
        let (upload, export) = password::registration_finish(state, typed, &user, &response).unwrap();
        let (identity, key) = (IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let account = identity.account_certificate(&user).unwrap();
        let chain = Chain { device: identity.issue_device(&user, &key).unwrap(), account };
        let list = DeviceList { number: 1, devices: vec![key.id()], issued_at: 0, removed: Vec::new() };
        let (identity_proof, device_proof) = proofs(&user, &identity, &key, wire.exporter);
        let finish = SignUpFinish {
            upload: ByteBuf::from(upload),
            sealed: ByteBuf::from(sealed_key(&export, &identity)),
            account_certificate: ByteBuf::from(chain.account.clone()),
            device_certificate: ByteBuf::from(chain.device.clone()),
            device_list: IdentityStatement::sign(DEVICE_LIST, &list, &identity).unwrap(),
            identity_proof,
            device_proof,
        };
        Ok(Prepared { finish, device: Self { user, key, chain, account: identity.fingerprint() } })
    }

    /// Signs up.
    pub async fn sign_up(server: &Running, name: &str) -> Result<Self, WireCode> {
        let mut wire = Wire::open(server, None).await;
        let prepared = Self::prepare(&mut wire, name, "correct horse").await?;
        wire.say(&ToServer::SignUpFinish(Box::new(prepared.finish)));
        match wire.next().await.unwrap() {
            FromServer::Enrolled(_) => Ok(prepared.device),
            FromServer::Failed(failed) => Err(failed.code),
            other => panic!("{other:?}"),
        }
    }

    pub fn hello(presence: OwnPresence, port: u16) -> Hello {
        Hello {
            software: "test 1".into(),
            abilities: Abilities::ours(),
            instance: InstanceId::random(),
            port,
            addresses: Vec::new(),
            presence,
            text: String::new(),
        }
    }

    /// Comes online; the friend list, whole.
    pub async fn online(&self, server: &Running, hello: Hello) -> (Wire, Vec<FriendEntry>) {
        let mut wire = Wire::open(server, Some((&self.key, &self.chain))).await;
        wire.say(&ToServer::Hello(hello));
        match wire.next().await {
            Some(FromServer::Welcome(welcome)) => assert_eq!(welcome.user, self.user),
            other => panic!("{other:?}"),
        }
        let mut friends = Vec::new();
        loop {
            let page = wire
                .until(|frame| match frame {
                    FromServer::Friends(page) => Some(page),
                    _ => None,
                })
                .await;
            friends.extend(page.friends);
            if page.last {
                return (wire, friends);
            }
        }
    }

    /// Available, listening on port 5000.
    pub async fn available(&self, server: &Running) -> Wire {
        self.online(server, Self::hello(OwnPresence::Available, 5000)).await.0
    }

    pub fn request(&self, to: &Handle) -> Statement {
        let request = FriendRequest {
            from: self.user.clone(),
            to: to.clone(),
            from_key: self.account,
            to_key: None,
            nonce: rand::random(),
        };
        Statement::sign(FRIEND_REQUEST, &request, &self.key, self.chain.clone()).unwrap()
    }

    pub fn acceptance(&self, request: &Statement) -> Statement {
        let (said, by) = request.verify::<FriendRequest>(FRIEND_REQUEST).unwrap();
        let acceptance = FriendAcceptance {
            request: Hash(*blake3::hash(&request.body).as_bytes()),
            from: said.from,
            to: self.user.clone(),
            from_key: by.account,
            to_key: self.account,
        };
        Statement::sign(FRIEND_ACCEPTANCE, &acceptance, &self.key, self.chain.clone()).unwrap()
    }
}

/// Makes two people friends, both online.
pub async fn befriend(one: (&Device, &mut Wire), other: (&Device, &mut Wire)) {
    let ((alice, a), (bob, b)) = (one, other);
    let seq = a.seq();
    a.say(&ToServer::AddFriend(FriendStatement { seq, statement: alice.request(&bob.user) }));
    a.answer(seq).await.unwrap();
    let asked = b
        .until(|frame| match frame {
            FromServer::FriendRequested(asked) => Some(asked),
            _ => None,
        })
        .await;
    let seq = b.seq();
    b.say(&ToServer::AcceptFriend(FriendStatement { seq, statement: bob.acceptance(&asked.request) }));
    for wire in [&mut *a, &mut *b] {
        wire.until(|frame| matches!(frame, FromServer::FriendAdded(_)).then_some(())).await;
    }
}
