//! The bytes. Each running transfer has a thread for its connection and one for its disk, with a few buffers going round between them, so
//! that reading, hashing, encrypting and sending happen at once and never on the core's thread. `FileTransfer` starts a pump, watches its
//! counter, and hears one outcome.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::limits::{DEAD_AFTER, FLOWS};
use hobnob_shared::message::{Stream, StreamOpen};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_rustls::TlsStream;

use super::flows::Flows;
use super::folder::Place;
use super::pace::{Pace, Paces};
use super::partial::Partial;
use super::wire::{self, Ended, Head};
use super::{receive, send};
use crate::core::peer_link::dial::PeerStream;

/// Buffers of one group each that go round between the two threads of a pump: one at the disk, and one on the wire. What a receiver holds beyond
/// that would be sent again if it died.
pub(super) const BUFFERS: usize = 2;
/// Bytes handed to a connection at once: on a slow one each piece counts as a sign of life.
const PIECE: usize = 64 * 1024;
/// How often a pump looks whether its connection is dead.
const LOOK: Duration = Duration::from_secs(5);

/// What a pump shall do.
#[derive(Debug)]
pub enum Job {
    /// Send the file at `path` from group `from`.
    Send {
        /// Absolute.
        path: PathBuf,
        /// As offered.
        size: u64,
        /// It is a folder.
        folder: bool,
        /// Under which id things are kept of it here.
        kept_as: TransferId,
        /// Groups that the receiver has.
        from: u64,
        /// The profile's folder for partial files.
        partials: PathBuf,
    },
    /// Receive into `partial`, and finish at `place`.
    Receive {
        /// Open, with what is there already.
        partial: Box<Partial>,
        /// Where it will end.
        place: Place,
    },
    /// The file was received before, but the sender does not know: tell it.
    Confirm {
        /// Hash of the received file.
        root: Hash,
    },
}

/// How a pump ended.
#[derive(Debug)]
pub enum Outcome {
    /// The file is whole and verified at the receiver; there, `path` is where.
    Finished {
        /// On the receiving side.
        path: Option<PathBuf>,
        /// Of the whole file.
        root: Hash,
        /// Files of a folder that did not come along.
        missing: Missing,
    },
    /// It did not get so far.
    Ended(Ended),
}

/// Files of a folder that did not come along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// How many.
    pub count: u32,
    /// The first [`TOLD`] of them.
    pub first: Vec<Skipped>,
}

/// Files that did not come along and are told by name.
pub const TOLD: usize = 100;

/// A file of a folder that was not as it was listed when its turn came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Below the folder.
    pub path: String,
    /// Why.
    pub code: WireCode,
}

/// Bytes that the receiver has verified, as far as this side knows.
pub type Counter = Arc<AtomicU64>;

/// A running pump. Stops, at once, when dropped.
#[derive(Debug)]
pub struct Pump {
    #[expect(dead_code, reason = "dropping it is the signal")]
    stop: watch::Sender<()>,
    flows: mpsc::Sender<PeerStream>,
}

impl Pump {
    /// Gives it a further connection, which is closed where it has enough.
    pub fn join(&self, stream: PeerStream) {
        if self.flows.try_send(stream).is_err() {
            tracing::debug!("a further connection is not wanted any more");
        }
    }
}

/// Starts a pump on its own thread. `told` is called there, once, at the end.
pub fn start(
    job: Job,
    transfer: TransferId,
    stream: PeerStream,
    counter: Counter,
    paces: &Paces,
    told: impl FnOnce(Outcome) + Send + 'static,
) -> io::Result<Pump> {
    let (stop, stopped) = watch::channel(());
    let (flows, joining) = mpsc::channel(FLOWS - 1);
    let pace = if matches!(job, Job::Send { .. }) { paces.up.clone() } else { paces.down.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    std::thread::Builder::new().name("file-net".into()).spawn(move || {
        let watch = Watch::new(stopped, pace);
        let flows = Flows { transfer, joining };
        let outcome = runtime.block_on(run(job, stream, flows, &counter, &watch));
        told(outcome.unwrap_or_else(Outcome::Ended));
    })?;
    Ok(Pump { stop, flows })
}

async fn run(
    job: Job,
    mut stream: PeerStream,
    flows: Flows,
    counter: &Counter,
    watch: &Watch,
) -> Result<Outcome, Ended> {
    rehome(&mut stream)?;
    tokio::select! {
        opened = open(&mut stream, flows.transfer, 0) => opened?,
        ended = watch.halt() => return Err(ended),
    }
    watch.beat();
    match job {
        Job::Send { path, size, folder, kept_as, from, partials } => {
            let what = send::What { transfer: kept_as, path, size, folder, from, partials };
            send::send(stream, flows, what, counter, watch).await
        }
        Job::Receive { partial, place } => receive::receive(stream, flows, *partial, place, counter, watch).await,
        Job::Confirm { root } => receive::confirm(stream, root, watch).await,
    }
}

/// Moves the socket from the core's reactor to this thread's: a second descriptor of it is registered here, the first one is closed, and
/// the encryption around it goes on unaware. Otherwise each wake-up would go through the core's thread.
pub(super) fn rehome(stream: &mut PeerStream) -> io::Result<()> {
    use std::os::fd::AsFd;
    let (socket, _) = stream.get_mut();
    let second = std::net::TcpStream::from(socket.as_fd().try_clone_to_owned()?);
    *socket = TcpStream::from_std(second)?;
    Ok(())
}

/// The TLS client says which transfer this is, and which of its connections; the server has admitted it for this one only, and checks.
pub(super) async fn open(stream: &mut PeerStream, transfer: TransferId, flow: u8) -> Result<(), Ended> {
    if matches!(stream, TlsStream::Client(_)) {
        stream.write_all(&wire::control(&Stream::Open(StreamOpen { transfer, flow }))?).await?;
        stream.flush().await?;
        return Ok(());
    }
    let Head::Control(len) = wire::read_head(stream).await? else { return Err(wire::broken("group before open")) };
    match wire::read_control(stream, len).await? {
        Some(Stream::Open(open)) if open.transfer == transfer && (open.flow == 0) == (flow == 0) => Ok(()),
        _ => Err(wire::broken("another transfer than expected")),
    }
}

/// Whether a pump may go on: nobody stopped it, and its connection lives.
#[derive(Debug)]
pub(super) struct Watch {
    stopped: watch::Receiver<()>,
    start: Instant,
    /// Milliseconds from `start` to the last sign of life.
    last: AtomicU64,
    /// It is our own disk that takes its time.
    held: Arc<AtomicBool>,
    pace: Pace,
    /// Connections that our own pace holds back.
    paced: AtomicUsize,
}

impl Watch {
    fn new(stopped: watch::Receiver<()>, pace: Pace) -> Self {
        let (last, held, paced) = (AtomicU64::new(0), Arc::default(), AtomicUsize::new(0));
        Self { stopped, start: Instant::now(), last, held, pace, paced }
    }

    /// Of what goes over the connection at once.
    fn piece(&self) -> usize {
        self.pace.piece().unwrap_or(PIECE)
    }

    /// Waits until so many bytes may go. That time is no silence of the other side.
    async fn keep_pace(&self, bytes: usize) {
        struct Held<'a>(&'a Watch);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                self.0.paced.fetch_sub(1, Ordering::Relaxed);
                self.0.beat();
            }
        }
        if let Some(wait) = self.pace.take(bytes) {
            self.paced.fetch_add(1, Ordering::Relaxed);
            // Given up where the connection ends meanwhile.
            let _held = Held(self);
            tokio::time::sleep(wait).await;
        }
    }

    /// So long after the start nothing more is to be hoped for of the other side.
    fn is_dead(&self, elapsed: Duration) -> bool {
        let silent = elapsed.saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)));
        let ours = self.held.load(Ordering::Relaxed) || self.paced.load(Ordering::Relaxed) > 0;
        silent > DEAD_AFTER && !ours
    }

    /// The connection did something.
    pub(super) fn beat(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Set it, and from then on silence is no sign of death: nothing more is expected from the other side.
    pub(super) fn hold(&self) -> Arc<AtomicBool> {
        self.held.clone()
    }

    /// Returns when the pump must end.
    pub(super) async fn halt(&self) -> Ended {
        let mut stopped = self.stopped.clone();
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = stopped.changed() => return Ended::Stopped,
                _ = look.tick() => {}
            }
            if self.is_dead(self.start.elapsed()) {
                return Ended::Lost(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

/// Writes all of `bytes` and sends it off; whatever the connection takes is a sign of life.
pub(super) async fn write<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8], watch: &Watch) -> io::Result<()> {
    for mut piece in bytes.chunks(watch.piece()) {
        watch.keep_pace(piece.len()).await;
        while !piece.is_empty() {
            let taken = writer.write(piece).await?;
            if taken == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            watch.beat();
            piece = &piece[taken..];
        }
    }
    writer.flush().await
}

/// Fills all of `bytes`; whatever comes is a sign of life.
pub(super) async fn read<R: AsyncRead + Unpin>(reader: &mut R, bytes: &mut [u8], watch: &Watch) -> io::Result<()> {
    for piece in bytes.chunks_mut(watch.piece()) {
        watch.keep_pace(piece.len()).await;
        let mut filled = 0;
        while filled < piece.len() {
            let came = reader.read(&mut piece[filled..]).await?;
            if came == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            watch.beat();
            filled += came;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
