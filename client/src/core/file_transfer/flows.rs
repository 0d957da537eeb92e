//! Further connections of a running transfer. On a long path that loses packets one connection spends most of its time recovering; several
//! at once do not. They carry groups and nothing else: each takes the next group that is ready, and the receiver's disk puts them in order.
//! Used by the two halves of the pump.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hobnob_shared::id::TransferId;
use hobnob_shared::limits::FLOWS;
use hobnob_shared::message::{Stream, StreamReady};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Mutex, mpsc, watch};

use super::beyond::Heard;
use super::pump::{self, BUFFERS, Watch};
use super::receive::Came;
use super::why::Why;
use super::wire::{self, Ended, GroupBuffer, Head};
use crate::core::peer_link::dial::PeerStream;

/// The connections that join a transfer.
#[derive(Debug)]
pub(super) struct Flows {
    /// Which, as both sides call it.
    pub(super) transfer: TransferId,
    /// Those that stand.
    pub(super) joining: mpsc::Receiver<PeerStream>,
}

impl Flows {
    /// Has `work` done on each connection that joins. Comes back only with the end of one that takes what it carried with it.
    pub(super) async fn run<W, F>(mut self, work: W) -> Ended
    where
        W: Fn(PeerStream, TransferId) -> F,
        F: Future<Output = Result<(), Ended>>,
    {
        let (mut open, mut joined) = (FuturesUnordered::new(), 1);
        loop {
            tokio::select! {
                Some(stream) = self.joining.recv(), if joined < FLOWS => {
                    joined += 1;
                    open.push(work(stream, self.transfer));
                }
                Some(ended) = open.next() => if let Err(ended) = ended {
                    return ended;
                },
                else => std::future::pending().await,
            }
        }
    }
}

/// Buffers that go round between two threads, for all connections of a transfer.
#[derive(Debug)]
pub(super) struct Row {
    taking: Mutex<mpsc::Receiver<GroupBuffer>>,
    giving: mpsc::Sender<GroupBuffer>,
}

impl Row {
    /// Takes from one channel and gives into the other.
    pub(super) fn new(taking: mpsc::Receiver<GroupBuffer>, giving: mpsc::Sender<GroupBuffer>) -> Self {
        Self { taking: Mutex::new(taking), giving }
    }

    /// A channel with room for every buffer that there may be.
    pub(super) fn channel() -> (mpsc::Sender<GroupBuffer>, mpsc::Receiver<GroupBuffer>) {
        mpsc::channel(BUFFERS + FLOWS)
    }

    /// Puts the first buffers into a channel.
    pub(super) fn fill(channel: &mpsc::Sender<GroupBuffer>) -> Result<(), Why> {
        (0..BUFFERS).try_for_each(|_| channel.try_send(GroupBuffer::default()).map_err(|_| Why::Internal("no buffers")))
    }

    /// The next; none when the other thread has ended.
    pub(super) async fn take(&self) -> Option<GroupBuffer> {
        self.taking.lock().await.recv().await
    }

    /// Back to the other thread, which may have ended.
    pub(super) fn give(&self, buffer: GroupBuffer) {
        let _ended = self.giving.try_send(buffer);
    }
}

/// The sender's half: sends groups of `row`, where that is `wanted`, as soon as the receiver takes them in any order.
pub(super) async fn send(
    mut stream: PeerStream,
    transfer: TransferId,
    row: &Row,
    mut heard: watch::Receiver<Heard>,
    watch: &Watch,
) -> Result<(), Ended> {
    if let Err(ended) = pump::rehome(&mut stream).map_err(Ended::from) {
        not_used(&ended);
        return Ok(());
    }
    let wanted = !hobnob_shared::net::bears_loss(stream.get_ref().0);
    if let Err(ended) = begin_sending(&mut stream, transfer).await {
        not_used(&ended);
        return Ok(());
    }
    // Where it never begins there is nothing more to send.
    if wanted && heard.wait_for(Heard::takes_any_order).await.is_ok() {
        row.give(GroupBuffer::default());
        while let Some(buffer) = row.take().await {
            pump::write(&mut stream, buffer.frame(), watch).await?;
            row.give(buffer);
        }
    }
    // All that it carried is in the kernel's hands; the receiver says on the first connection what it has.
    let _gone = stream.shutdown().await;
    Ok(())
}

async fn begin_sending(stream: &mut PeerStream, transfer: TransferId) -> Result<(), Ended> {
    pump::open(stream, transfer, 1).await?;
    let Head::Control(len) = wire::read_head(stream).await? else {
        return Err(wire::broken("not the receiver's to say"));
    };
    match wire::read_control(stream, len).await? {
        Some(Stream::Ready(_)) => Ok(()),
        _ => Err(wire::broken("a further connection that is not ready")),
    }
}

/// The receiver's half: hands the groups that come to the writing thread.
pub(super) async fn receive(
    mut stream: PeerStream,
    transfer: TransferId,
    row: &Row,
    came: mpsc::Sender<Came>,
    watch: &Watch,
) -> Result<(), Ended> {
    if let Err(ended) = begin_receiving(&mut stream, transfer).await {
        not_used(&ended);
        return Ok(());
    }
    row.give(GroupBuffer::default());
    if came.send(Came::FlowBegan).await.is_err() {
        return Ok(());
    }
    let ready = wire::control(&Stream::Ready(StreamReady {}))?;
    pump::write(&mut stream, &ready, watch).await?;
    while let Some(head) = wire::next_head(&mut stream).await? {
        let Head::Group(len) = head else { return Err(wire::broken("not a group")) };
        let (index, hash) = wire::read_group_head(&mut stream).await?;
        let Some(mut buffer) = row.take().await else { return Ok(()) };
        pump::read(&mut stream, buffer.bytes_mut(len), watch).await?;
        if came.send(Came::Group { index, hash, buffer }).await.is_err() {
            return Ok(());
        }
    }
    let _stream_ended = came.send(Came::FlowEnded).await;
    Ok(())
}

async fn begin_receiving(stream: &mut PeerStream, transfer: TransferId) -> Result<(), Ended> {
    pump::rehome(stream)?;
    pump::open(stream, transfer, 1).await
}

/// Nothing went over it yet: the transfer goes on without it.
fn not_used(ended: &Ended) {
    tracing::debug!(?ended, "a further connection did not begin");
}
