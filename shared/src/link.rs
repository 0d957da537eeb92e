//! A connection as typed messages: a reader, and a bounded writer task, over any byte stream. Everything above this file speaks messages.
//!
//! The writer is a task of its own with a queue that is bounded in bytes and in frames: a full queue is the caller's decision, a write
//! that makes no progress ends the connection.

#[cfg(test)]
mod tests;

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::sync::{Notify, mpsc};
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use crate::codec::{CodecError, Decoded, FrameDecoder, decode, encode};
use crate::limits::{FRAME, WRITE_TIMEOUT};

/// First read buffer, in bytes: most connections are idle most of the time.
const READ_BUFFER: usize = 1024;
/// Bytes that are put together for one write.
const WRITE_BATCH: usize = 64 * 1024;
/// An average frame, in bytes: bounds the number of frames in a queue whose bytes are bounded.
const AVERAGE_FRAME: usize = 64;

/// Why nothing more is read.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other side's: a frame that breaks the rules.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The network's: lost without a goodbye, or in the middle of a frame.
    #[error("connection lost: {0}")]
    Lost(io::Error),
}

/// Why a frame was not queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The other side reads too slowly.
    #[error("the queue is full")]
    Full,
    /// The connection is gone.
    #[error("the connection is closed")]
    Closed,
    /// Our own: it cannot be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Reads typed frames.
pub struct FrameReader<In> {
    frames: FramedRead<Box<dyn AsyncRead + Send + Unpin>, FrameDecoder>,
    /// The writer could not go on.
    stuck: CancellationToken,
    /// A fatal error was told; what follows in the stream is no goodbye.
    failed: bool,
    kind: PhantomData<fn() -> In>,
}

impl<In: DeserializeOwned> FrameReader<In> {
    /// The next frame; `None` after a goodbye (TLS `close_notify`). Ends also when the writer gave up, because the other side takes
    /// nothing any more. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Option<Decoded<In>>, LinkError> {
        let frame = tokio::select! {
            biased;
            frame = self.frames.next() => frame,
            () = self.stuck.cancelled() => Some(Err(io::ErrorKind::TimedOut.into())),
        };
        match frame {
            None if self.failed => Err(LinkError::Lost(io::ErrorKind::NotConnected.into())),
            None => Ok(None),
            // A malformed frame has a beginning and an end: reading may go on behind it.
            Some(Ok(frame)) => Ok(Some(decode(&frame)?)),
            Some(Err(error)) => {
                self.failed = true;
                Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<CodecError>()) {
                    Some(codec) => LinkError::Codec(codec.clone()),
                    None => LinkError::Lost(error),
                })
            }
        }
    }

    /// From now on frames of up to `max` bytes are read.
    pub fn set_max_frame(&mut self, max: usize) {
        self.frames.decoder_mut().max_frame = max;
    }
}

#[derive(Debug)]
struct Shared {
    queued: AtomicUsize,
    limit: usize,
    closing: AtomicBool,
    close: Notify,
}

/// Queues frames for the writer task. Clones share the queue; when the last one goes, the connection is closed in order.
#[derive(Debug, Clone)]
pub struct FrameWriter {
    frames: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
}

impl FrameWriter {
    /// Queues a message.
    pub fn try_send<Out: Serialize>(&self, message: &Out) -> Result<(), SendError> {
        self.try_send_encoded(encode(message, FRAME)?)
    }

    /// Queues a frame that was encoded once for many.
    pub fn try_send_encoded(&self, frame: Bytes) -> Result<(), SendError> {
        let size = frame.len();
        if self.shared.closing.load(Ordering::Acquire) || self.frames.is_closed() {
            return Err(SendError::Closed);
        }
        if self.shared.queued.fetch_add(size, Ordering::AcqRel) + size > self.shared.limit {
            self.shared.queued.fetch_sub(size, Ordering::AcqRel);
            return Err(SendError::Full);
        }
        self.frames.try_send(frame).map_err(|error| {
            self.shared.queued.fetch_sub(size, Ordering::AcqRel);
            match error {
                mpsc::error::TrySendError::Full(_) => SendError::Full,
                mpsc::error::TrySendError::Closed(_) => SendError::Closed,
            }
        })
    }

    /// Queues something that may be lost (typing, presence): dropped when the queue is more than half full.
    pub fn offer<Out: Serialize>(&self, message: &Out) {
        if let Ok(frame) = encode(message, FRAME) {
            self.offer_encoded(frame);
        }
    }

    /// As [`Self::offer`], for a frame that was encoded once for many. Tells whether it was queued.
    pub fn offer_encoded(&self, frame: Bytes) -> bool {
        self.queued() <= self.shared.limit / 2 && self.try_send_encoded(frame).is_ok()
    }

    /// Bytes that wait to be written.
    pub fn queued(&self) -> usize {
        self.shared.queued.load(Ordering::Acquire)
    }

    /// Writes what is queued, says goodbye, and closes. Returns at once.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.close.notify_one();
    }

    /// Waits until the writer has ended, for whatever reason.
    pub async fn closed(&self) {
        self.frames.closed().await;
    }
}

/// Makes messages of a byte stream. Frames that are read are at most `max_frame` bytes; `queue` bytes may wait to be written. Spawns the
/// writer task, so it must be called on a tokio runtime.
pub fn split<S, In>(stream: S, max_frame: usize, queue: usize) -> (FrameReader<In>, FrameWriter)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
    In: DeserializeOwned,
{
    split_with(stream, max_frame, queue, WRITE_TIMEOUT)
}

fn split_with<S, In>(stream: S, max_frame: usize, queue: usize, patience: Duration) -> (FrameReader<In>, FrameWriter)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
    In: DeserializeOwned,
{
    let (read, write) = tokio::io::split(stream);
    let read: Box<dyn AsyncRead + Send + Unpin> = Box::new(read);
    let frames = FramedRead::with_capacity(read, FrameDecoder { max_frame }, READ_BUFFER);
    let (sender, receiver) = mpsc::channel((queue / AVERAGE_FRAME).max(1));
    let shared = Arc::new(Shared {
        queued: AtomicUsize::new(0),
        limit: queue,
        closing: AtomicBool::new(false),
        close: Notify::new(),
    });
    let stuck = CancellationToken::new();
    let writing = write_all(write, receiver, shared.clone(), patience);
    tokio::spawn({
        let stuck = stuck.clone();
        async move {
            if writing.await.is_err() {
                stuck.cancel();
            }
        }
    });
    (FrameReader { frames, stuck, failed: false, kind: PhantomData }, FrameWriter { frames: sender, shared })
}

/// The writer task: whatever is queued goes out in one write. Fails when the other side takes nothing for too long.
async fn write_all<W: AsyncWrite>(
    mut stream: WriteHalf<W>,
    mut frames: mpsc::Receiver<Bytes>,
    shared: Arc<Shared>,
    patience: Duration,
) -> io::Result<()> {
    let mut batch = BytesMut::new();
    loop {
        let first = tokio::select! {
            biased;
            first = frames.recv() => first,
            () = shared.close.notified() => None,
        };
        let last = first.is_none() || shared.closing.load(Ordering::Acquire);
        batch.extend_from_slice(first.as_deref().unwrap_or_default());
        while batch.len() < WRITE_BATCH {
            let Ok(next) = frames.try_recv() else { break };
            batch.extend_from_slice(&next);
        }
        let size = batch.len();
        while !batch.is_empty() {
            // Each bit of progress starts the time anew: a slow line is not a dead one.
            if in_time(patience, stream.write_buf(&mut batch)).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        if size > 0 {
            in_time(patience, stream.flush()).await?;
            shared.queued.fetch_sub(size, Ordering::AcqRel);
            // An idle connection keeps no buffer.
            batch = BytesMut::new();
        }
        if last && frames.is_empty() {
            break;
        }
    }
    // A goodbye that cannot be said is no loss.
    let _said = in_time(patience, stream.shutdown()).await;
    Ok(())
}

async fn in_time<T>(patience: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(patience, step).await.map_err(|_| io::ErrorKind::TimedOut)?
}
