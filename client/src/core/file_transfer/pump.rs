//! The bytes. Each running transfer has a thread for its connection and one for its disk, with a few buffers going round between them, so
//! that reading, hashing, encrypting and sending happen at once and never on the core's thread. `FileTransfer` starts a pump, watches its
//! counter, and hears one outcome.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::limits::DEAD_AFTER;
use hobnob_shared::message::{Stream, StreamOpen};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsStream;

use super::folder::Place;
use super::partial::Partial;
use super::wire::{self, Ended, Head};
use super::{receive, send};

/// Buffers of one group each that go round between the two threads of a pump: one at the disk, one on the wire, one waiting at either end.
pub(super) const BUFFERS: usize = 4;
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

/// Stops a pump, at once, when dropped or told so.
#[derive(Debug)]
pub struct Stop(#[expect(dead_code, reason = "dropping it is the signal")] watch::Sender<()>);

/// Starts a pump on its own thread. `told` is called there, once, at the end.
pub fn start(
    job: Job,
    transfer: TransferId,
    stream: TlsStream<TcpStream>,
    counter: Counter,
    told: impl FnOnce(Outcome) + Send + 'static,
) -> io::Result<Stop> {
    let (stop, stopped) = watch::channel(());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    std::thread::Builder::new().name("file-net".into()).spawn(move || {
        let outcome = runtime.block_on(run(job, transfer, stream, &counter, stopped));
        told(outcome.unwrap_or_else(Outcome::Ended));
    })?;
    Ok(Stop(stop))
}

async fn run(
    job: Job,
    transfer: TransferId,
    mut stream: TlsStream<TcpStream>,
    counter: &Counter,
    stopped: watch::Receiver<()>,
) -> Result<Outcome, Ended> {
    rehome(&mut stream)?;
    let watch = Watch::new(stopped);
    tokio::select! {
        opened = open(&mut stream, transfer) => opened?,
        ended = watch.halt() => return Err(ended),
    }
    watch.beat();
    match job {
        Job::Send { path, size, folder, kept_as, from, partials } => {
            let what = send::What { transfer: kept_as, path, size, folder, from, partials };
            send::send(stream, what, counter, &watch).await
        }
        Job::Receive { partial, place } => receive::receive(stream, *partial, place, counter, &watch).await,
        Job::Confirm { root } => receive::confirm(stream, root, &watch).await,
    }
}

/// Moves the socket from the core's reactor to this thread's: a second descriptor of it is registered here, the first one is closed, and
/// the encryption around it goes on unaware. Otherwise each wake-up would go through the core's thread.
fn rehome(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    use std::os::fd::AsFd;
    let (socket, _) = stream.get_mut();
    let second = std::net::TcpStream::from(socket.as_fd().try_clone_to_owned()?);
    *socket = TcpStream::from_std(second)?;
    Ok(())
}

/// The TLS client says which transfer this is; the server has admitted it for this one only, and checks.
async fn open(stream: &mut TlsStream<TcpStream>, transfer: TransferId) -> Result<(), Ended> {
    if matches!(stream, TlsStream::Client(_)) {
        stream.write_all(&wire::control(&Stream::Open(StreamOpen { transfer }))?).await?;
        stream.flush().await?;
        return Ok(());
    }
    let Head::Control(len) = wire::read_head(stream).await? else { return Err(wire::broken("group before open")) };
    match wire::read_control(stream, len).await? {
        Some(Stream::Open(open)) if open.transfer == transfer => Ok(()),
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
    held: AtomicBool,
}

impl Watch {
    fn new(stopped: watch::Receiver<()>) -> Self {
        Self { stopped, start: Instant::now(), last: AtomicU64::new(0), held: AtomicBool::new(false) }
    }

    /// The connection did something.
    pub(super) fn beat(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// From now on silence is no sign of death: nothing more is expected from the other side.
    pub(super) fn hold(&self) {
        self.held.store(true, Ordering::Relaxed);
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
            let silent = self.start.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)));
            if silent > DEAD_AFTER && !self.held.load(Ordering::Relaxed) {
                return Ended::Lost(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

/// Writes all of `bytes` and sends it off; each piece that the connection takes is a sign of life.
pub(super) async fn write<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8], watch: &Watch) -> io::Result<()> {
    for piece in bytes.chunks(PIECE) {
        writer.write_all(piece).await?;
        watch.beat();
    }
    writer.flush().await
}

/// Fills all of `bytes`; each piece that comes is a sign of life.
pub(super) async fn read<R: AsyncRead + Unpin>(reader: &mut R, bytes: &mut [u8], watch: &Watch) -> io::Result<()> {
    for piece in bytes.chunks_mut(PIECE) {
        reader.read_exact(piece).await?;
        watch.beat();
    }
    Ok(())
}
