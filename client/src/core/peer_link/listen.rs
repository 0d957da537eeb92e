//! Connections in: reads the token before showing any certificate, asks the token table who may come with it, and hands what
//! authenticates to the `Registry`. A scanner learns nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use actix::Addr;
use hobnob_shared::id::Token;
use hobnob_shared::limits::{TLS_TIMEOUT, UNAUTHENTICATED, UNAUTHENTICATED_PER_ADDRESS, UNKNOWN_TOKEN_PARK};
use hobnob_shared::{net, tls};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsStream;

use super::message::Connection;
use super::tokens::{Expected, Purpose, TokenTable};
use crate::core::event::LinkPath;
use crate::core::profile::Identity;
use crate::core::registry::{IncomingLink, IncomingStream, PinMismatch, Registry};

/// After a failed accept (no descriptors left) so long a breath is taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Connections that have not authenticated yet, by address.
#[derive(Debug, Default)]
struct Waiting {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Waiting {
    /// Room for one more from there? Loopback is spared: several programs of one person share it.
    fn enter(&mut self, ip: IpAddr) -> bool {
        let from_there = self.by_address.get(&ip).copied().unwrap_or(0);
        if self.all >= UNAUTHENTICATED || (from_there >= UNAUTHENTICATED_PER_ADDRESS && !ip.is_loopback()) {
            return false;
        }
        self.all += 1;
        self.by_address.insert(ip, from_there + 1);
        true
    }

    fn leave(&mut self, ip: IpAddr) {
        self.all = self.all.saturating_sub(1);
        if let Some(count) = self.by_address.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&ip);
            }
        }
    }
}

/// Accepts until the task is dropped. Runs on the core's thread.
pub async fn listen(
    listener: TcpListener,
    own: std::sync::Arc<Identity>,
    tokens: TokenTable,
    registry: Addr<Registry>,
) {
    let waiting = Rc::new(RefCell::new(Waiting::default()));
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept peers");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if !waiting.borrow_mut().enter(address.ip()) {
            continue;
        }
        let (own, tokens, registry, waiting) = (own.clone(), tokens.clone(), registry.clone(), waiting.clone());
        actix_rt::spawn(async move {
            if let Err(refused) = admit(tcp, address, &own, &tokens, &registry).await {
                tracing::debug!(%address, %refused, "peer not admitted");
            }
            waiting.borrow_mut().leave(address.ip());
        });
    }
}

/// Why a connection was closed. For the log only: the other side is told nothing.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no complete hello in time")]
    Slow,
    #[error("no TLS: {0}")]
    Tls(#[from] std::io::Error),
    #[error("no token")]
    NoToken,
    #[error("unknown token")]
    UnknownToken,
    #[error("own certificate unusable: {0}")]
    Own(String),
    #[error("the program is closing")]
    Closing,
}

async fn admit(
    tcp: TcpStream,
    address: SocketAddr,
    own: &Identity,
    tokens: &TokenTable,
    registry: &Addr<Registry>,
) -> Result<(), Refused> {
    net::configure(&tcp)?;
    let hello = tokio::time::timeout(TLS_TIMEOUT, tls::read_client_hello(tcp)).await.map_err(|_| Refused::Slow)??;
    let token = hello.token.ok_or(Refused::NoToken)?;
    let expected = tokens.redeem_within(&token, UNKNOWN_TOKEN_PARK).await.ok_or(Refused::UnknownToken)?;
    let alpn = match expected.purpose {
        Purpose::Link | Purpose::Reunion(_) => tls::PEER,
        Purpose::Data(_) => tls::FILE,
    };
    let config = tls::listen_peer_config(alpn, &own.key, &own.chain, expected.account, expected.device)
        .map_err(|error| Refused::Own(error.to_string()))?;
    let handshake = tokio::time::timeout(TLS_TIMEOUT, hello.accept(config)).await.map_err(|_| Refused::Slow)?;
    let stream = match handshake {
        Ok(stream) => stream,
        Err(error) => {
            if tls::wrong_key(&error).is_some() {
                registry.do_send(PinMismatch { user: expected.user });
            }
            return Err(error.into());
        }
    };
    let stream = TlsStream::from(stream);
    if matches!(expected.purpose, Purpose::Data(_)) {
        // Good for all connections of one stream; the transfer forgets it.
        net::configure_bulk(stream.get_ref().0)?;
    } else {
        // Consumed: one authenticated connection is all that it was for. Losing dials of the same race come by the other side's token.
        tokens.forget(&token);
    }
    hand_over(stream, token, address, expected, registry).await
}

async fn hand_over(
    stream: TlsStream<TcpStream>,
    token: Token,
    address: SocketAddr,
    expected: Expected,
    registry: &Addr<Registry>,
) -> Result<(), Refused> {
    let Expected { user, device, purpose, .. } = expected;
    let sent = match purpose {
        Purpose::Data(transfer) => registry.send(IncomingStream { transfer, user, device, token, stream }).await,
        Purpose::Link | Purpose::Reunion(_) => {
            let reunion = match purpose {
                Purpose::Reunion(counter) => Some(counter),
                _ => None,
            };
            let connection = Connection { stream, path: LinkPath::Direct, address, dialled: false };
            registry.send(IncomingLink { user, device, reunion, connection }).await
        }
    };
    sent.map_err(|_| Refused::Closing)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn strangers_from_one_address_and_in_all_are_bounded_and_leave_no_trace() {
        let mut waiting = Waiting::default();
        let far: IpAddr = "198.51.100.7".parse().unwrap();
        for _ in 0..UNAUTHENTICATED_PER_ADDRESS {
            assert!(waiting.enter(far));
        }
        assert!(!waiting.enter(far));
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        for _ in UNAUTHENTICATED_PER_ADDRESS..UNAUTHENTICATED {
            assert!(waiting.enter(here));
        }
        assert!(!waiting.enter(here));
        for _ in 0..UNAUTHENTICATED_PER_ADDRESS {
            waiting.leave(far);
        }
        assert!(waiting.enter(far));
        assert_eq!(waiting.all, UNAUTHENTICATED - UNAUTHENTICATED_PER_ADDRESS + 1);
    }
}
