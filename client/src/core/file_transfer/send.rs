//! The sending half of a pump. One thread reads and hashes groups ahead, this one encrypts and sends them and listens to the receiver.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::limits::{GROUP, SKIPPED_PER_FRAME};
use hobnob_shared::message::{SkippedFile, Stream, StreamEnd, StreamFailed, StreamSkipped};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::beyond::{Heard, Map};
use super::bundle::outgoing::Outgoing;
use super::flows::{self, Flows, Row};
use super::pump::{self, Counter, Missing, Outcome, Watch};
use super::source::{Material, Sent, Source};
use super::tree::{GROUP_SIZE, group_len, groups};
use super::why::Why;
use super::wire::{self, Ended, GroupBuffer, Head};
use crate::core::peer_link::dial::PeerStream;

/// How long a last word may take, to or from a connection that may take nothing more.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is sent.
#[derive(Debug)]
pub(super) struct What {
    pub(super) transfer: TransferId,
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) folder: bool,
    pub(super) from: u64,
    pub(super) partials: PathBuf,
}

pub(super) async fn send(
    stream: PeerStream,
    flows: Flows,
    what: What,
    counter: &Counter,
    watch: &Watch,
) -> Result<Outcome, Ended> {
    let size = what.size;
    if what.from > groups(size) {
        return Err(wire::broken("more groups than the file has"));
    }
    counter.store(what.from.saturating_mul(GROUP_SIZE).min(size), Ordering::Relaxed);
    let (hear, heard) = watch::channel(Heard::new(what.from));
    let (filled, full) = Row::channel();
    let (empty, emptied) = Row::channel();
    Row::fill(&empty)?;
    let (tell_root, root) = oneshot::channel();
    let line = Line { filled, emptied, heard: heard.clone(), runtime: Handle::current() };
    std::thread::Builder::new()
        .name("file-read".into())
        .spawn(move || {
            let outcome = read_groups(&what, line);
            // Nobody listens any more where the stream ended first.
            let _ended = tell_root.send(outcome);
        })
        .map_err(|_| Why::Internal("no thread"))?;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (tell_end, ended) = oneshot::channel();
    let outcome = {
        let row = Row::new(full, empty);
        let sending = async {
            let sent = send_groups(&mut writer, &row, root, size, watch).await?;
            let _listening = tell_end.send(sent);
            std::future::pending::<Result<Outcome, Ended>>().await
        };
        let has = |groups: u64, beyond: Map| {
            counter.store(groups.saturating_mul(GROUP_SIZE).min(size), Ordering::Relaxed);
            hear.send_modify(|heard| heard.hear(groups, beyond));
        };
        let listening = listen(&mut reader, ended, has, size, watch);
        let more = flows.run(|stream, transfer| flows::send(stream, transfer, &row, heard.clone(), watch));
        tokio::pin!(listening);
        tokio::select! {
            outcome = sending => match outcome {
                // A receiver that closed said why just before.
                Err(Ended::Lost(error)) => {
                    timeout(LAST_WORDS, listening).await.unwrap_or(Err(Ended::Lost(error)))
                }
                outcome => outcome,
            },
            outcome = &mut listening => outcome,
            ended = more => Err(ended),
            ended = watch.halt() => Err(ended),
        }
    };
    if let Err(Ended::Failed(why)) = &outcome
        && !matches!(why, Why::Peer(_))
    {
        say_failed(&mut writer, why, watch).await;
    }
    close(reader, writer).await;
    outcome
}

/// What the reading thread comes to: the hash of the whole, and what of a folder is not in it.
#[derive(Debug)]
struct Read {
    root: Hash,
    left: Vec<SkippedFile>,
    missing: Missing,
}

/// What joins the reading thread to the stream.
struct Line {
    filled: mpsc::Sender<GroupBuffer>,
    emptied: mpsc::Receiver<GroupBuffer>,
    heard: watch::Receiver<Heard>,
    runtime: Handle,
}

/// Nobody listens to the reading thread any more.
const ENDED: Why = Why::Internal("stream ended");

impl Line {
    fn buffer(&mut self) -> Result<GroupBuffer, Why> {
        self.emptied.blocking_recv().ok_or(ENDED)
    }

    fn send(&self, buffer: GroupBuffer) -> Result<(), Why> {
        self.filled.blocking_send(buffer).map_err(|_| ENDED)
    }

    /// Whether the receiver has this group already. Waits where it is too far ahead to be sent.
    fn has(&mut self, index: u64) -> Result<bool, Why> {
        if !self.heard.borrow().takes(index) {
            self.runtime.block_on(self.heard.wait_for(|heard| heard.takes(index))).map_err(|_| ENDED)?;
        }
        Ok(self.heard.borrow().has(index))
    }
}

/// The reading thread: fills buffers in order until the end of the file, then gives its hash.
fn read_groups(what: &What, mut line: Line) -> Result<Read, Why> {
    if what.folder {
        let mut folder = Outgoing::open(&what.partials, what.transfer, what.from)?;
        // Whoever has groups has the listing.
        let listing = if what.from == 0 { folder.listing().to_vec() } else { Vec::new() };
        for part in listing.chunks(GROUP) {
            let mut buffer = line.buffer()?;
            buffer.hold_listing(part);
            line.send(buffer)?;
        }
        let root = read_material(what, &mut folder, line)?;
        return Ok(Read { root, left: folder.skipped(), missing: folder.missing() });
    }
    let opened = Source::open(&what.path);
    let mut source = opened.map_err(|why| if why == Why::NotFound { Why::SourceGone } else { why })?;
    let root = read_material(what, &mut source, line)?;
    Ok(Read { root, left: Vec::new(), missing: Missing::default() })
}

fn read_material(what: &What, source: &mut dyn Material, mut line: Line) -> Result<Hash, Why> {
    if source.size() != what.size {
        return Err(Why::SourceChanged);
    }
    let mut sent = Sent::open(&what.partials, what.transfer, source, what.from)?;
    for index in what.from..groups(what.size) {
        if line.has(index)? {
            sent.pass(source)?;
            continue;
        }
        let mut buffer = line.buffer()?;
        let bytes = buffer.bytes_mut(group_len(index, what.size));
        let hash = source.read(index, bytes)?;
        sent.push(hash)?;
        buffer.seal(index, &hash);
        source.check_same()?;
        line.send(buffer)?;
    }
    source.check_same()?;
    Ok(sent.tree().clone().root())
}

/// Sends what the reading thread fills, then the end. Gives the file's hash, and what was skipped.
async fn send_groups<W: AsyncWrite + Unpin>(
    writer: &mut W,
    row: &Row,
    read: oneshot::Receiver<Result<Read, Why>>,
    size: u64,
    watch: &Watch,
) -> Result<(Hash, Missing), Ended> {
    while let Some(buffer) = row.take().await {
        pump::write(writer, buffer.frame(), watch).await?;
        row.give(buffer);
    }
    let Read { root, left, missing } = read.await.map_err(|_| Why::Internal("reading stopped"))??;
    for files in left.chunks(SKIPPED_PER_FRAME) {
        let frame = wire::control(&Stream::Skipped(StreamSkipped { files: files.to_vec() }))?;
        pump::write(writer, &frame, watch).await?;
    }
    pump::write(writer, &wire::control(&Stream::End(StreamEnd { root, size }))?, watch).await?;
    Ok((root, missing))
}

/// Listens to the receiver until it has the whole file or ends it.
async fn listen<R: AsyncRead + Unpin>(
    reader: &mut R,
    mut ended: oneshot::Receiver<(Hash, Missing)>,
    has: impl Fn(u64, Map),
    size: u64,
    watch: &Watch,
) -> Result<Outcome, Ended> {
    loop {
        let Head::Control(len) = wire::read_head(reader).await? else {
            return Err(wire::broken("group from the receiver"));
        };
        let message = wire::read_control(reader, len).await?;
        watch.beat();
        match message {
            Some(Stream::Have(have)) => {
                let beyond =
                    Map::said(have.groups, have.beyond, size).ok_or(wire::broken("groups that there are not"))?;
                has(have.groups, beyond);
            }
            Some(Stream::Finished(finished)) => {
                // The end is on its way as soon as it is written, which may be noticed here a moment later than the answer to it.
                return match ended.try_recv() {
                    Ok((root, missing)) if root == finished.root => {
                        has(groups(size), Map::default());
                        Ok(Outcome::Finished { path: None, root, missing })
                    }
                    Ok(_) => Err(Ended::Failed(Why::HashMismatch)),
                    Err(_) => Err(wire::broken("finished before the end")),
                };
            }
            Some(Stream::Failed(failed)) => return Err(Ended::Failed(Why::Peer(failed.code))),
            Some(Stream::Open(_) | Stream::Ready(_) | Stream::Skipped(_) | Stream::End(_)) => {
                return Err(wire::broken("not the receiver's to say"));
            }
            None => {}
        }
    }
}

/// Tells the other side why it does not go on, if the connection still takes it.
pub(super) async fn say_failed<W: AsyncWrite + Unpin>(writer: &mut W, why: &Why, watch: &Watch) {
    let Ok(frame) = wire::control(&Stream::Failed(StreamFailed { code: why.wire() })) else { return };
    // It is said on the link as well; this way it comes before the end of the connection.
    if !matches!(timeout(LAST_WORDS, pump::write(writer, &frame, watch)).await, Ok(Ok(()))) {
        tracing::debug!("the stream did not take the reason for its end");
    }
}

/// Ends the connection in order. What the other side still sends is not waited for.
pub(super) async fn close(reader: ReadHalf<PeerStream>, writer: WriteHalf<PeerStream>) {
    use tokio::io::AsyncWriteExt;
    let mut stream = reader.unsplit(writer);
    // One that stands still takes no goodbye either.
    if !matches!(timeout(LAST_WORDS, stream.shutdown()).await, Ok(Ok(()))) {
        tracing::debug!("data stream not closed in order");
    }
}
