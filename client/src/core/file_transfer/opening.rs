//! The shell of a transfer, continued: how its data stream comes up, by a token that is shown here or a dial from here, directly or by the
//! relay, and how it gets further connections.

use std::net::SocketAddr;
use std::time::Duration;

use actix::AsyncContext;
use hobnob_shared::id::{DeviceId, Token};
use hobnob_shared::limits::{FLOWS, TOKEN_LIFE};
use hobnob_shared::message::Circuit;
use hobnob_shared::tls;

use super::actor::{Ctx, FileTransfer};
use super::message::{DialEnded, FlowStands};
use crate::core::peer_link::dial::{self, Target};
use crate::core::peer_link::tokens::{Expected, Purpose};

/// Before a dial is tried once more: the listener may just have had its hands full.
pub(super) const BREATH: Duration = Duration::from_millis(250);

impl FileTransfer {
    pub(super) fn expect(&self, device: DeviceId, token: Token) {
        let Some(link) = self.links.get(&device) else { return };
        let (user, account) = (self.state.transfer().peer.clone(), link.account);
        let expected = Expected { user, account, device, purpose: Purpose::Data(self.id()) };
        self.context.tokens.admit(token, expected, Some(TOKEN_LIFE));
    }

    pub(super) fn dial(&mut self, device: DeviceId, address: SocketAddr, token: Token, after: Duration, ctx: &Ctx) {
        let Some(link) = self.links.get(&device) else { return };
        let (target, own, addr) =
            (Target { account: link.account, device }, self.context.identity.clone(), ctx.address());
        let dials = self.context.dials.clone();
        self.dialling = Some(Dialling(actix_rt::spawn(async move {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            let _place = dials.begin(device).await;
            let result = dial::dial(address, &token, tls::FILE, &own, target).await;
            let result = result.map(|(stream, round_trip)| (stream, Some(round_trip)));
            addr.do_send(DialEnded { device, relayed: false, result });
        })));
    }

    /// Dials further connections, one after the other so that the other side's listener has room for others.
    pub(super) fn widen(&mut self, device: DeviceId, address: SocketAddr, token: Token, ctx: &Ctx) {
        let Some(link) = self.links.get(&device).filter(|_| self.narrow) else { return };
        let (target, own, addr) =
            (Target { account: link.account, device }, self.context.identity.clone(), ctx.address());
        let dials = self.context.dials.clone();
        self.widening = Some(Dialling(actix_rt::spawn(async move {
            for _ in 1..FLOWS {
                let _place = dials.begin(device).await;
                match dial::dial(address, &token, tls::FILE, &own, target).await {
                    Ok((stream, _)) => addr.do_send(FlowStands { token, stream }),
                    Err(error) => {
                        tracing::debug!(%error, "no further connection");
                        break;
                    }
                }
            }
        })));
    }

    pub(super) fn relay(&mut self, circuit: &Circuit, relay: SocketAddr, ctx: &Ctx) {
        let Some(link) = self.links.get(&circuit.device) else { return };
        let (device, token, dialler) = (circuit.device, circuit.relay, circuit.dialler);
        let (target, own, addr) =
            (Target { account: link.account, device }, self.context.identity.clone(), ctx.address());
        self.dialling = Some(Dialling(actix_rt::spawn(async move {
            let result = dial::relay(relay, &token, dialler, tls::FILE, &own, target).await;
            let result = result.map(|stream| (stream, None));
            addr.do_send(DialEnded { device, relayed: true, result });
        })));
    }
}

/// Ends with whoever holds it.
pub(super) struct Dialling(actix_rt::task::JoinHandle<()>);

impl Drop for Dialling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dials_end_with_whoever_holds_them() {
        actix_rt::System::new().block_on(async {
            let (held, mut gone) = tokio::sync::oneshot::channel::<()>();
            let dialling = Dialling(actix_rt::spawn(async move {
                let _held = held;
                std::future::pending::<()>().await;
            }));
            tokio::task::yield_now().await;
            assert!(gone.try_recv().is_err_and(|error| error == tokio::sync::oneshot::error::TryRecvError::Empty));
            drop(dialling);
            assert!(gone.await.is_err(), "the task is gone with what it held");
        });
    }
}
