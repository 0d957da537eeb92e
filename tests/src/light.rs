//! A client without a core: speaks the server's protocol and nothing else. For tests that misbehave on purpose, and for benchmarks that
//! need thousands of them in one process.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use hobnob_shared::abilities::Abilities;
use hobnob_shared::codec::{Decoded, to_cbor};
use hobnob_shared::id::{Fingerprint, Handle, Hash, InstanceId};
use hobnob_shared::identity::{Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement, Statement};
use hobnob_shared::link::{self, FrameReader, FrameWriter};
use hobnob_shared::message::{
    ENROL_DEVICE, ENROL_IDENTITY, ENROLMENT_EXPORTER, EnrolmentProof, FRIEND_ACCEPTANCE, FRIEND_REQUEST,
    FriendAcceptance, FriendRequest, FriendStatement, FromServer, Hello, OwnPresence, Seq, SetPresence, SignUpFinish,
    SignUpStart, ToServer,
};
use hobnob_shared::{limits, net, password, tls};
use serde_bytes::ByteBuf;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, TlsStream};

/// Where the server is and which key it must have.
#[derive(Debug, Clone, Copy)]
pub struct ServerAt {
    /// Its port.
    pub address: SocketAddr,
    /// Its key.
    pub fingerprint: Fingerprint,
}

/// An account with one device.
pub struct Account {
    /// Handle.
    pub user: Handle,
    /// Identity key.
    pub identity: IdentityKey,
    /// Device key.
    pub device: DeviceKey,
    /// Both certificates.
    pub chain: Chain,
    /// Number 1.
    pub device_list: IdentityStatement,
}

/// An open connection to the server.
pub struct Connection {
    /// What the server says.
    pub reader: FrameReader<FromServer>,
    /// What we say.
    pub writer: FrameWriter,
    exporter: [u8; 32],
    seq: Seq,
}

impl ServerAt {
    /// Connects; with a device's certificate or without.
    pub async fn connect(&self, account: Option<&Account>) -> Result<Connection> {
        let tcp = TcpStream::connect(self.address).await?;
        net::configure(&tcp)?;
        let pin = tls::ServerPin::Exact(self.fingerprint);
        let config = tls::client_config(pin, account.map(|account| (&account.device, &account.chain)))?;
        let stream = TlsStream::from(TlsConnector::from(config).connect(tls::server_name(), tcp).await?);
        let exporter = tls::stream_exporter(&stream, ENROLMENT_EXPORTER, &[])?;
        let (reader, writer) = link::split(stream, limits::FRAME, limits::OUTBOUND_QUEUE);
        Ok(Connection { reader, writer, exporter, seq: 0 })
    }

    /// Makes an account.
    pub async fn sign_up(&self, user: &str, secret: &str) -> Result<Account> {
        let user: Handle = user.parse()?;
        let mut connection = self.connect(None).await?;
        let (state, request) = password::registration_start(secret)?;
        connection.say(&ToServer::SignUpStart(SignUpStart { user: user.clone(), request: ByteBuf::from(request) }))?;
        let FromServer::SignUpReply(reply) = connection.hear().await? else { bail!("not a sign-up reply") };
        let (upload, key) = password::registration_finish(state, secret, &user, &reply.response)?;

        let (identity, device) = (IdentityKey::generate()?, DeviceKey::generate()?);
        let chain =
            Chain { account: identity.account_certificate(&user)?, device: identity.issue_device(&user, &device)? };
        let issued_at = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let list = DeviceList { number: 1, devices: vec![device.id()], issued_at };
        let device_list = IdentityStatement::sign(DEVICE_LIST, &list, &identity)?;
        let proof =
            to_cbor(&EnrolmentProof { user: user.clone(), device: device.id(), exporter: connection.exporter })?;
        connection.say(&ToServer::SignUpFinish(Box::new(SignUpFinish {
            upload: ByteBuf::from(upload),
            sealed: ByteBuf::from(key.seal("identity", &identity.to_pkcs8())?),
            account_certificate: ByteBuf::from(chain.account.clone()),
            device_certificate: ByteBuf::from(chain.device.clone()),
            device_list: device_list.clone(),
            identity_proof: ByteBuf::from(identity.sign(ENROL_IDENTITY, &proof).to_vec()),
            device_proof: ByteBuf::from(device.sign(ENROL_DEVICE, &proof).to_vec()),
        })))?;
        let heard = connection.hear().await?;
        ensure!(matches!(heard, FromServer::Enrolled(_)), "not enrolled: {heard:?}");
        Ok(Account { user, identity, device, chain, device_list })
    }

    /// Signs a device in and reads up to the end of the friend list.
    pub async fn session(&self, account: &Account) -> Result<Connection> {
        let mut connection = self.connect(Some(account)).await?;
        connection.say(&ToServer::Hello(Hello {
            software: "light".into(),
            abilities: Abilities::ours(),
            instance: InstanceId::random(),
            port: 0,
            addresses: Vec::new(),
            presence: OwnPresence::Available,
            text: String::new(),
        }))?;
        loop {
            match connection.hear().await? {
                FromServer::Friends(page) if page.last => return Ok(connection),
                FromServer::Failed(failed) => bail!("refused: {failed:?}"),
                _ => {}
            }
        }
    }

    /// Makes two accounts friends over two open sessions.
    pub async fn befriend(&self, one: (&Account, &mut Connection), other: (&Account, &mut Connection)) -> Result<()> {
        let (asker, asking) = one;
        let (accepter, accepting) = other;
        let request = FriendRequest {
            from: asker.user.clone(),
            to: accepter.user.clone(),
            from_key: asker.identity.fingerprint(),
            to_key: None,
            nonce: rand::random(),
        };
        let statement = Statement::sign(FRIEND_REQUEST, &request, &asker.device, asker.chain.clone())?;
        let hash = Hash(*blake3::hash(&statement.body).as_bytes());
        asking.friend_statement(statement, ToServer::AddFriend).await?;
        let acceptance = FriendAcceptance {
            request: hash,
            from: asker.user.clone(),
            to: accepter.user.clone(),
            from_key: asker.identity.fingerprint(),
            to_key: accepter.identity.fingerprint(),
        };
        let statement = Statement::sign(FRIEND_ACCEPTANCE, &acceptance, &accepter.device, accepter.chain.clone())?;
        accepting.friend_statement(statement, ToServer::AcceptFriend).await
    }
}

impl Connection {
    /// Says something.
    pub fn say(&self, message: &ToServer) -> Result<()> {
        Ok(self.writer.try_send(message)?)
    }

    /// The next message; answers pings by itself.
    pub async fn hear(&mut self) -> Result<FromServer> {
        loop {
            match self.reader.next().await?.context("the server closed")? {
                Decoded::Known(FromServer::Ping(pulse)) => self.say(&ToServer::Pong(pulse))?,
                Decoded::Known(message) => return Ok(message),
                Decoded::Unknown { kind } => bail!("unknown kind {kind}"),
            }
        }
    }

    /// A number for the next request.
    pub fn next_seq(&mut self) -> Seq {
        self.seq += 1;
        self.seq
    }

    /// Reads until the answer to `seq`.
    pub async fn answer(&mut self, seq: Seq) -> Result<()> {
        loop {
            match self.hear().await? {
                FromServer::Done(done) if done.seq == seq => return Ok(()),
                FromServer::Failed(failed) if failed.seq.is_none_or(|failed| failed == seq) => {
                    bail!("refused: {failed:?}")
                }
                _ => {}
            }
        }
    }

    async fn friend_statement(&mut self, statement: Statement, kind: fn(FriendStatement) -> ToServer) -> Result<()> {
        let seq = self.next_seq();
        self.say(&kind(FriendStatement { seq, statement }))?;
        self.answer(seq).await
    }

    /// Sets presence and waits for the answer.
    pub async fn set_presence(&mut self, presence: OwnPresence, text: &str) -> Result<()> {
        let seq = self.next_seq();
        self.say(&ToServer::SetPresence(SetPresence { seq, presence, text: text.to_owned() }))?;
        self.answer(seq).await
    }
}
