//! Connections out: to a friend's device by one of its addresses, or through the server's relay. Used by `PeerLink` and, for data
//! streams, by `FileTransfer`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Fingerprint, Token};
use hobnob_shared::limits::{DIAL_TIMEOUT, TLS_TIMEOUT};
use hobnob_shared::{net, relay, tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::core::profile::Identity;

/// An encrypted connection to a pinned device, dialled or accepted.
pub type PeerStream = TlsStream<TcpStream>;

/// The other side has so long to come to the relay as well.
const RELAY_WAIT: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody answers there, or the connection broke.
    #[error("no connection: {0}")]
    Network(#[from] io::Error),
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
    /// Somebody else's key answered.
    #[error("another key than the pinned one answered")]
    WrongKey,
    /// The relay does not know the token, or the other side did not come.
    #[error("the relay refused")]
    RelayRefused,
    /// Our own certificate could not be used.
    #[error("own certificate unusable: {0}")]
    Own(String),
}

/// Whom to expect at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Pinned identity key.
    pub account: Fingerprint,
    /// The device.
    pub device: DeviceId,
}

/// Whether an address from an introduction may be dialled, so that nobody makes clients into scanners: no ports below 1024, nothing
/// multicast or link-local, and loopback only where the server itself is reached by loopback.
pub fn may_dial(address: SocketAddr, server_is_loopback: bool) -> bool {
    let ip = address.ip().to_canonical();
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let blocked = ip.is_unspecified() || ip.is_multicast() || link_local || (ip.is_loopback() && !server_is_loopback);
    address.port() >= 1024 && !blocked
}

/// Connects to `address`, shows `token`, and proves both identities. Gives also how long the first answer took: one round trip.
pub async fn dial(
    address: SocketAddr,
    token: &Token,
    alpn: &'static [u8],
    own: &Identity,
    target: Target,
) -> Result<(PeerStream, Duration), DialError> {
    let begun = Instant::now();
    let tcp =
        tokio::time::timeout(DIAL_TIMEOUT, TcpStream::connect(address)).await.map_err(|_| DialError::TimedOut)??;
    let round_trip = begun.elapsed();
    configure(&tcp, alpn)?;
    Ok((connect(tcp, token, alpn, own, target).await?, round_trip))
}

fn configure(tcp: &TcpStream, alpn: &[u8]) -> io::Result<()> {
    if alpn == tls::FILE { net::configure_bulk(tcp) } else { net::configure(tcp) }
}

/// Meets the other device at the server's relay. The relay joins two byte streams; TLS runs end to end inside.
pub async fn relay(
    server: SocketAddr,
    token: &Token,
    dialler: bool,
    alpn: &'static [u8],
    own: &Identity,
    target: Target,
) -> Result<PeerStream, DialError> {
    let connecting = TcpStream::connect(server);
    let mut tcp = tokio::time::timeout(DIAL_TIMEOUT, connecting).await.map_err(|_| DialError::TimedOut)??;
    configure(&tcp, alpn)?;
    tcp.write_all(&relay::encode_preamble(token)).await?;
    let answer = tokio::time::timeout(RELAY_WAIT, tcp.read_u8()).await.map_err(|_| DialError::TimedOut)??;
    if answer != relay::JOINED {
        return Err(DialError::RelayRefused);
    }
    if dialler { connect(tcp, token, alpn, own, target).await } else { accept(tcp, alpn, own, target).await }
}

async fn connect(
    tcp: TcpStream,
    token: &Token,
    alpn: &'static [u8],
    own: &Identity,
    target: Target,
) -> Result<PeerStream, DialError> {
    let config = tls::dial_peer_config(alpn, &own.key, &own.chain, target.account, target.device)
        .map_err(|error| DialError::Own(error.to_string()))?;
    let handshake = TlsConnector::from(config).connect(tls::token_name(token), tcp);
    finish(handshake).await.map(TlsStream::from)
}

async fn accept(tcp: TcpStream, alpn: &'static [u8], own: &Identity, target: Target) -> Result<PeerStream, DialError> {
    let config = tls::listen_peer_config(alpn, &own.key, &own.chain, target.account, target.device)
        .map_err(|error| DialError::Own(error.to_string()))?;
    finish(TlsAcceptor::from(config).accept(tcp)).await.map(TlsStream::from)
}

async fn finish<T>(handshake: impl Future<Output = io::Result<T>>) -> Result<T, DialError> {
    match tokio::time::timeout(TLS_TIMEOUT, handshake).await {
        Err(_) => Err(DialError::TimedOut),
        Ok(Err(error)) if tls::wrong_key(&error).is_some() => Err(DialError::WrongKey),
        Ok(Err(error)) => Err(DialError::Network(error)),
        Ok(Ok(stream)) => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn introductions_do_not_make_clients_into_scanners() {
        for bad in
            ["10.0.0.1:22", "0.0.0.0:5000", "224.0.0.1:5000", "169.254.1.1:5000", "[fe80::1]:5000", "[ff02::1]:5000"]
        {
            assert!(!may_dial(bad.parse().unwrap(), true), "{bad}");
        }
        for loopback in ["127.0.0.1:5000", "[::1]:5000", "[::ffff:127.0.0.1]:5000"] {
            assert!(may_dial(loopback.parse().unwrap(), true), "{loopback}");
            assert!(!may_dial(loopback.parse().unwrap(), false), "{loopback}");
        }
        assert!(may_dial("192.168.1.5:40000".parse().unwrap(), false));
    }
}
