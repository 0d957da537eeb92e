//! One connection to the server: resolve, connect, TLS with the pinned key, hello, welcome; then every frame to the session. Runs as a
//! task; the session aborts it to hang up.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::Addr;
use hobnob_shared::codec::Decoded;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Fingerprint;
use hobnob_shared::identity::{Chain, DeviceKey};
use hobnob_shared::link::{self, FrameReader, FrameWriter, LinkError};
use hobnob_shared::message::{FromServer, Hello, ToServer, Welcome};
use hobnob_shared::tls::ServerPin;
use hobnob_shared::{limits, net, tls};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::actor::Session;
use super::message::{Heard, Lost, Welcomed};
use super::state::Loss;
use crate::core::profile::Identity;
use crate::core::server_address::ServerAddress;

/// Time for name resolution and TCP together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Both ends of a connection to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Ours.
    pub local: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
}

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The network's: nobody there, or gone.
    #[error("{0}")]
    Network(#[from] io::Error),
    /// The network's or the server's: no answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// Somebody's: the key is not the pinned one.
    #[error("the server has another key than the pinned one")]
    WrongKey,
    /// The server's: it closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The server's: a frame that cannot be read.
    #[error("{0}")]
    Link(#[from] LinkError),
    /// The server's: a frame that does not belong there.
    #[error("unexpected answer")]
    Unexpected,
    /// The server said no.
    #[error("refused: {code}")]
    Refused {
        /// Why.
        code: WireCode,
        /// As the server puts it.
        text: String,
        /// Seconds to wait, where it says so.
        retry_after: Option<u32>,
    },
    /// Our own: keys or certificates cannot be used.
    #[error("own keys unusable: {0}")]
    Own(String),
}

impl ConnectError {
    /// What it means for the next attempt.
    pub(super) fn loss(&self) -> Loss {
        match self {
            Self::WrongKey => Loss::WrongKey,
            Self::Refused { code, .. } if ends_session(code) => Loss::Refused,
            _ => Loss::Away,
        }
    }
}

/// After these the server has nothing to do with this device until a person signs in again.
pub fn ends_session(code: &WireCode) -> bool {
    matches!(code, WireCode::DeviceRemoved | WireCode::UnknownUser | WireCode::Forbidden | WireCode::Replaced)
}

/// Connects and checks the server's key. Nothing of ours but TLS has gone out when the key is wrong.
pub(super) async fn tls_connect(
    server: &ServerAddress,
    own: Option<(&DeviceKey, &Chain)>,
) -> Result<(TlsStream<TcpStream>, Fingerprint, Ends), ConnectError> {
    let tcp = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect((server.host.as_str(), server.port)))
        .await
        .map_err(|_| ConnectError::TimedOut)??;
    net::configure(&tcp)?;
    let ends = Ends { local: tcp.local_addr()?, server: tcp.peer_addr()? };
    let seen = Arc::new(OnceLock::new());
    let pin = server.pin.map_or_else(|| ServerPin::FirstUse(seen.clone()), ServerPin::Exact);
    let config = tls::client_config(pin, own).map_err(|error| ConnectError::Own(error.to_string()))?;
    let handshake = TlsConnector::from(config).connect(tls::server_name(), tcp);
    let stream = tokio::time::timeout(limits::TLS_TIMEOUT, handshake).await.map_err(|_| ConnectError::TimedOut)?;
    let stream = stream.map_err(|error| match tls::wrong_key(&error) {
        Some(_) => ConnectError::WrongKey,
        None => ConnectError::Network(error),
    })?;
    let key = server.pin.or_else(|| seen.get().copied()).ok_or(ConnectError::Unexpected)?;
    Ok((stream, key, ends))
}

/// The next frame that this version knows, within the time for signing in. A `failed` is an error.
pub(super) async fn next_known(reader: &mut FrameReader<FromServer>) -> Result<FromServer, ConnectError> {
    let wait = async {
        loop {
            match reader.next().await? {
                Some(Decoded::Known(FromServer::Failed(failed))) => {
                    let (code, text, retry_after) = (failed.code, failed.text, failed.retry_after);
                    return Err(ConnectError::Refused { code, text, retry_after });
                }
                Some(Decoded::Known(FromServer::SignedOut(out))) => {
                    return Err(ConnectError::Refused { code: out.code, text: out.text, retry_after: None });
                }
                Some(Decoded::Known(frame)) => return Ok(frame),
                Some(Decoded::Unknown { .. }) => {}
                None => return Err(ConnectError::Closed),
            }
        }
    };
    tokio::time::timeout(limits::SIGN_IN_TIMEOUT, wait).await.map_err(|_| ConnectError::TimedOut)?
}

/// Runs one device connection to its end, telling the session everything.
pub(super) async fn run(
    connection: u64,
    server: ServerAddress,
    identity: Arc<Identity>,
    hello: impl FnOnce(Ends) -> Hello,
    session: Addr<Session>,
) {
    let error = match open(&server, &identity, hello).await {
        Err(error) => error,
        Ok((mut reader, writer, welcome, server_key, ends)) => {
            let news = Welcomed { connection, writer, welcome, server_key, ends };
            if session.send(news).await.is_err() {
                return;
            }
            pump(connection, &mut reader, &session).await
        }
    };
    session.do_send(Lost { connection, error });
}

type Opened = (FrameReader<FromServer>, FrameWriter, Welcome, Fingerprint, Ends);

async fn open(
    server: &ServerAddress,
    identity: &Identity,
    hello: impl FnOnce(Ends) -> Hello,
) -> Result<Opened, ConnectError> {
    let (stream, key, ends) = tls_connect(server, Some((&identity.key, &identity.chain))).await?;
    let (mut reader, writer) = link::split::<_, FromServer>(stream, limits::FRAME, limits::OUTBOUND_QUEUE);
    writer.try_send(&ToServer::Hello(hello(ends))).map_err(|_| ConnectError::Closed)?;
    match next_known(&mut reader).await? {
        FromServer::Welcome(welcome) => Ok((reader, writer, welcome, key, ends)),
        _ => Err(ConnectError::Unexpected),
    }
}

/// Waits with the next frame until the last was taken, so that a flood stays in the server's buffers.
async fn pump(connection: u64, reader: &mut FrameReader<FromServer>, session: &Addr<Session>) -> ConnectError {
    loop {
        let frame = match reader.next().await {
            Ok(Some(Decoded::Known(frame))) => Some(frame),
            Ok(Some(Decoded::Unknown { kind })) => {
                tracing::debug!(kind, "the server said something that this version does not know");
                None
            }
            Ok(None) => return ConnectError::Closed,
            Err(error) => return error.into(),
        };
        if session.send(Heard { connection, frame }).await.is_err() {
            return ConnectError::Closed;
        }
    }
}
