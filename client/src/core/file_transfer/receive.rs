//! The receiving half of a pump. This thread decrypts, another one checks, writes and counts; whether the file is whole is decided there.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hobnob_shared::id::Hash;
use hobnob_shared::limits;
use hobnob_shared::message::{SkippedFile, Stream, StreamEnd, StreamFinished, StreamHave};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::beyond::Map;
use super::flows::{self, Flows, Row};
use super::folder::Place;
use super::partial::Partial;
use super::pump::{self, BUFFERS, Counter, Missing, Outcome, Watch};
use super::send::{close, say_failed};
use super::tree::GroupHash;
use super::why::Why;
use super::wire::{self, Ended, GroupBuffer, Head};
use crate::core::peer_link::dial::PeerStream;

/// The sender is told after so many verified groups, or after this time: it shows progress from that.
const TELL_GROUPS: u64 = 8;
const TELL_AFTER: Duration = Duration::from_millis(100);
/// While a slow disk syncs the file, the sender hears this often that we are there.
const STILL_HERE: Duration = Duration::from_secs(10);
/// The sender has so long to close after it heard that all is well; then we do.
const GOODBYE: Duration = Duration::from_secs(2);

/// What came, for the writing thread.
pub(super) enum Came {
    /// A further connection will bring groups.
    FlowBegan,
    /// One has brought all that it had.
    FlowEnded,
    Group {
        index: u64,
        hash: GroupHash,
        buffer: GroupBuffer,
    },
    Listing(GroupBuffer),
    Skipped(Vec<SkippedFile>),
    End(StreamEnd),
}

/// A file under its final name.
struct Placed {
    path: PathBuf,
    root: Hash,
    missing: Missing,
}

/// What became of the file, as the writing thread sees it.
type Verdict = Result<Placed, Why>;

pub(super) async fn receive(
    stream: PeerStream,
    flows: Flows,
    partial: Partial,
    place: Place,
    counter: &Counter,
    watch: &Watch,
) -> Result<Outcome, Ended> {
    hobnob_shared::net::hold_little(stream.get_ref().0)?;
    counter.store(partial.done(), Ordering::Relaxed);
    let (came, coming) = mpsc::channel(BUFFERS);
    let (say, mut said) = watch::channel(partial.have());
    let beyond = partial.beyond();
    let (tell_verdict, mut verdict) = oneshot::channel();
    let (empty, emptied) = Row::channel();
    Row::fill(&empty)?;
    let row = Row::new(emptied, empty.clone());
    let (shared, held) = (counter.clone(), watch.hold());
    std::thread::Builder::new()
        .name("file-write".into())
        .spawn(move || {
            // Somebody always waits for it: nothing else may touch the partial before.
            let _waited_for =
                tell_verdict.send(write_groups(partial, &place, coming, &empty, &Told { say, counter: shared, held }));
        })
        .map_err(|_| Why::Internal("no thread"))?;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let ended = tokio::select! {
        decided = &mut verdict => Decided(decided),
        ended = tell_have(&mut writer, &mut said, &beyond, watch) => Undecided(ended),
        ended = read_groups(&mut reader, came.clone(), &row, watch) => Undecided(ended),
        ended = flows.run(|stream, transfer| flows::receive(stream, transfer, &row, came.clone(), watch)) => Undecided(ended),
        ended = watch.halt() => Undecided(ended),
    };
    // The thread ends when nobody sends any more.
    drop(came);
    let outcome = match ended {
        Decided(decided) => decided.unwrap_or(Err(Why::Internal("writing stopped"))).map_err(Ended::Failed),
        // The thread sees its channel closed. Where it was just finishing the file, that counts.
        Undecided(ended) => match verdict.await {
            Ok(Ok(finished)) => Ok(finished),
            _ => Err(ended),
        },
    };
    match &outcome {
        // It is whole whether or not the sender hears it now; it asks again otherwise.
        Ok(placed) => say_finished(&mut reader, &mut writer, placed.root, watch).await,
        Err(Ended::Failed(why)) if !matches!(why, Why::Peer(_)) => say_failed(&mut writer, why, watch).await,
        Err(_) => {}
    }
    close(reader, writer).await;
    outcome.map(|Placed { path, root, missing }| Outcome::Finished { path: Some(path), root, missing })
}

/// Which of the two came first: the writing thread's verdict, or the end of the stream.
enum First {
    Decided(Result<Verdict, oneshot::error::RecvError>),
    Undecided(Ended),
}
use First::{Decided, Undecided};

/// Tells a sender that missed it that the file is here.
pub(super) async fn confirm(stream: PeerStream, root: Hash, watch: &Watch) -> Result<Outcome, Ended> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let end = tokio::select! {
        end = read_end(&mut reader) => end?,
        ended = watch.halt() => return Err(ended),
    };
    let same = end.root == root;
    if same {
        say_finished(&mut reader, &mut writer, root, watch).await;
    } else {
        say_failed(&mut writer, &Why::HashMismatch, watch).await;
    }
    close(reader, writer).await;
    if same {
        Ok(Outcome::Finished { path: None, root, missing: Missing::default() })
    } else {
        Err(Ended::Failed(Why::HashMismatch))
    }
}

async fn read_end<R: AsyncRead + Unpin>(reader: &mut R) -> Result<StreamEnd, Ended> {
    // A folder of nothing but empty files has no groups, and is listed each time; what was skipped is told each time.
    let mut before = limits::LISTING;
    loop {
        match wire::read_head(reader).await? {
            Head::Group(_) => return Err(wire::broken("group of a finished file")),
            Head::Listing(len) => {
                before = before.checked_sub(len.max(1)).ok_or(wire::broken("listing too long"))?;
                let mut part = vec![0; len];
                reader.read_exact(&mut part).await?;
            }
            Head::Control(len) => match wire::read_control(reader, len).await? {
                Some(Stream::End(end)) => return Ok(end),
                Some(Stream::Failed(failed)) => return Err(Ended::Failed(Why::Peer(failed.code))),
                Some(Stream::Skipped(_)) => {
                    before = before.checked_sub(len.max(1)).ok_or(wire::broken("too much skipped"))?;
                }
                _ => return Err(wire::broken("no end of a finished file")),
            },
        }
    }
}

/// Reads frames into buffers until the sender ends it; then waits for the writing thread's verdict, which ends the other future.
async fn read_groups<R: AsyncRead + Unpin>(
    reader: &mut R,
    came: mpsc::Sender<Came>,
    row: &Row,
    watch: &Watch,
) -> Ended {
    match take_groups(reader, came, row, watch).await {
        // The writing thread has ended, and its verdict is on the way.
        Ok(()) => std::future::pending().await,
        Err(ended) => ended,
    }
}

async fn take_groups<R: AsyncRead + Unpin>(
    reader: &mut R,
    came: mpsc::Sender<Came>,
    row: &Row,
    watch: &Watch,
) -> Result<(), Ended> {
    let mut whole = false;
    loop {
        let what = match wire::read_head(reader).await? {
            Head::Group(_) if whole => return Err(wire::broken("group after the end")),
            Head::Group(len) => {
                let (index, hash) = wire::read_group_head(reader).await?;
                let Some(mut buffer) = row.take().await else { return Ok(()) };
                pump::read(reader, buffer.bytes_mut(len), watch).await?;
                Came::Group { index, hash, buffer }
            }
            Head::Listing(_) if whole => return Err(wire::broken("listing after the end")),
            Head::Listing(len) => {
                let Some(mut buffer) = row.take().await else { return Ok(()) };
                pump::read(reader, buffer.bytes_mut(len), watch).await?;
                Came::Listing(buffer)
            }
            Head::Control(len) => match wire::read_control(reader, len).await? {
                Some(Stream::End(end)) if !whole => {
                    whole = true;
                    Came::End(end)
                }
                Some(Stream::Skipped(skipped)) if !whole && skipped.files.len() <= limits::SKIPPED_PER_FRAME => {
                    Came::Skipped(skipped.files)
                }
                Some(Stream::Failed(failed)) => return Err(Ended::Failed(Why::Peer(failed.code))),
                Some(_) => return Err(wire::broken("not the sender's to say")),
                None => continue,
            },
        };
        watch.beat();
        if came.send(what).await.is_err() {
            return Ok(());
        }
    }
}

/// What the writing thread tells.
struct Told {
    /// Groups, for the sender.
    say: watch::Sender<u64>,
    /// Bytes, for people.
    counter: Counter,
    /// Whether nothing more is expected from the sender.
    held: Arc<AtomicBool>,
}

/// The writing thread: each group is checked, written and counted; at the end the file gets its name.
fn write_groups(
    mut partial: Partial,
    place: &Place,
    mut coming: mpsc::Receiver<Came>,
    empty: &mpsc::Sender<GroupBuffer>,
    told: &Told,
) -> Verdict {
    let (mut skipped, mut flows, mut announced) = (Vec::new(), 0_u32, None);
    // Over one connection they come in order.
    let mut ordered = true;
    while let Some(came) = coming.blocking_recv() {
        match came {
            Came::Listing(buffer) => {
                partial.take_listing(buffer.bytes())?;
                let _stream_ended = empty.try_send(buffer);
            }
            Came::Skipped(files) if skipped.len() + files.len() > limits::LISTED => {
                return Err(Why::Protocol("more skipped than listed"));
            }
            Came::Skipped(files) => skipped.extend(files),
            Came::Group { index, .. } if ordered && index != partial.have() && !partial.was_here(index) => {
                return Err(Why::Protocol("group out of order"));
            }
            Came::Group { index, hash, buffer } => {
                partial.write(index, &hash, buffer.bytes())?;
                told.counter.store(partial.done(), Ordering::Relaxed);
                told.say.send_replace(partial.have());
                // The stream may have ended, then nobody needs the buffer.
                let _stream_ended = empty.try_send(buffer);
            }
            Came::FlowBegan => {
                flows += 1;
                ordered = false;
            }
            Came::FlowEnded => flows = flows.saturating_sub(1),
            Came::End(end) if end.size != partial.size() => return Err(Why::HashMismatch),
            Came::End(end) => announced = Some(end),
        }
        // Groups may still be on other connections when the end is said on the first.
        if let Some(end) = announced.filter(|_| flows == 0 || partial.is_whole()) {
            told.held.store(true, Ordering::Relaxed);
            let (path, missing) = partial.finish(place, end.root, &skipped)?;
            return Ok(Placed { path, root: end.root, missing });
        }
    }
    Err(Why::Internal("stream ended"))
}

/// Tells the sender now and then how far it is, and at first what is there `beyond` the next group. Ends only with the connection.
async fn tell_have<W: AsyncWrite + Unpin>(
    writer: &mut W,
    said: &mut watch::Receiver<u64>,
    beyond: &Map,
    watch: &Watch,
) -> Ended {
    let mut told = *said.borrow_and_update();
    if !beyond.bits().is_empty()
        && let Err(ended) = say_have(writer, told, beyond.bits().to_vec()).await
    {
        return ended;
    }
    let mut at = Instant::now();
    let mut have = told;
    loop {
        let patience = if have > told { TELL_AFTER.saturating_sub(at.elapsed()) } else { STILL_HERE };
        match timeout(patience, said.changed()).await {
            Ok(Ok(())) => {
                have = *said.borrow_and_update();
                // Our own disk may be what is slow.
                watch.beat();
                if have - told < TELL_GROUPS && at.elapsed() < TELL_AFTER {
                    continue;
                }
            }
            // The thread has ended, and its verdict is on the way.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => {}
        }
        if let Err(ended) = say_have(writer, have, Vec::new()).await {
            return ended;
        }
        (told, at) = (have, Instant::now());
    }
}

async fn say_have<W: AsyncWrite + Unpin>(writer: &mut W, groups: u64, beyond: Vec<u8>) -> Result<(), Ended> {
    writer.write_all(&wire::control(&Stream::Have(StreamHave { groups, beyond }))?).await?;
    writer.flush().await?;
    Ok(())
}

/// Says that the file is whole, and waits a moment for the sender to close first, so that this reaches it.
async fn say_finished<R, W>(reader: &mut R, writer: &mut W, root: Hash, watch: &Watch)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Ok(frame) = wire::control(&Stream::Finished(StreamFinished { root })) else { return };
    let mut rest = [0; 64];
    let last = async {
        pump::write(writer, &frame, watch).await?;
        reader.read(&mut rest).await
    };
    if !matches!(timeout(GOODBYE, last).await, Ok(Ok(0))) {
        tracing::debug!("the sender did not close the data stream in order");
    }
}
