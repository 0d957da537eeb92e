//! One connection of a peer link: its tasks, what is known of it, and what each frame leaves to do before the next one is read. A flood stays
//! in the other side's buffers, because nothing is read before the last frame was dealt with.

use std::net::SocketAddr;

use actix::Addr;
use hobnob_shared::codec::Decoded;
use hobnob_shared::link::{FrameReader, FrameWriter};
use hobnob_shared::message::{Peer, PeerHello, Want};
use tokio::sync::mpsc;

use super::actor::PeerLink;
use super::message::{ConnectionLost, FrameRead};
use super::redial::Bond;
use super::state::ConnectionId;
use super::store::Peers;
use crate::core::event::LinkPath;
use crate::core::history::History;
use crate::core::registry::{FrameArrived, Registry};

/// An open connection's tasks and facts.
pub(super) struct Open {
    pub(super) writer: FrameWriter,
    pub(super) tasks: [tokio::task::JoinHandle<()>; 2],
    pub(super) path: LinkPath,
    pub(super) address: SocketAddr,
    pub(super) dialled: bool,
    pub(super) account_certificate: Vec<u8>,
    /// Exporter of this connection: the reunion secret that both may agree on.
    pub(super) secret: [u8; 32],
    /// Which secret our hello named.
    pub(super) bond: Option<Bond>,
    pub(super) hello: Option<Box<PeerHello>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// What a frame leaves to do before the next one is read.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) forward: Vec<Peer>,
    pub(super) store: Vec<Peer>,
    pub(super) serve: Vec<Want>,
}

/// Parts of logs that wait for the disk: a frame each, and the reader waits for room.
pub(super) const STORE_QUEUE: usize = 64;

/// Whom a frame may concern.
pub(super) struct Around {
    pub(super) registry: Addr<Registry>,
    pub(super) history: History,
    pub(super) peers: Peers,
    /// Parts of logs, onto the disk.
    pub(super) store: Option<mpsc::Sender<Peer>>,
    /// Of the connection that brought the frame.
    pub(super) writer: Option<FrameWriter>,
}

impl Around {
    /// Deals with what a frame left to do.
    pub(super) async fn finish(self, Rest { forward, store, serve }: Rest) {
        let (device, user) = (self.peers.device, self.peers.user.clone());
        for frame in forward {
            // A closed registry means that the program ends.
            let _ended = self.registry.send(FrameArrived { device, user: user.clone(), frame }).await;
        }
        for frame in store {
            if let Some(queue) = &self.store {
                // A closed queue means that the link ends.
                let _ended = queue.send(frame).await;
            }
        }
        for want in serve {
            let answer = super::serve::wanted(&self.history, &self.peers, want).await;
            if let (Some(writer), Some(answer)) = (&self.writer, answer) {
                // It is asked for again, here or elsewhere, if this one cannot take it.
                writer.offer(&answer);
            }
        }
    }
}

/// Reads one connection; waits with the next frame until the last was taken, so that a flood stays in the other side's buffers.
pub(super) async fn read(mut reader: FrameReader<Peer>, connection: ConnectionId, link: Addr<PeerLink>) {
    loop {
        let frame = match reader.next().await {
            Ok(Some(Decoded::Known(frame))) => Ok(frame),
            Ok(Some(Decoded::Unknown { kind })) => Err(kind),
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(%error, "peer connection ended");
                break;
            }
        };
        if link.send(FrameRead { connection, frame }).await.is_err() {
            return;
        }
    }
    link.do_send(ConnectionLost { connection });
}
