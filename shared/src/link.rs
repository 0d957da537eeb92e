//! A connection as typed messages: a reader, and a bounded writer task, over any byte stream. Everything above this file speaks messages.
//!
//! The writer is a task of its own with a queue that is bounded in bytes and in frames: a full queue is the caller's decision, a write
//! that makes no progress ends the connection.

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, mpsc};
use tokio_util::codec::FramedRead;

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
    kind: PhantomData<fn() -> In>,
}

impl<In: DeserializeOwned> FrameReader<In> {
    /// The next frame; `None` after a goodbye (TLS `close_notify`).
    pub async fn next(&mut self) -> Result<Option<Decoded<In>>, LinkError> {
        match self.frames.next().await {
            None => Ok(None),
            Some(Ok(frame)) => Ok(Some(decode(&frame)?)),
            Some(Err(error)) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<CodecError>()) {
                Some(codec) => LinkError::Codec(codec.clone()),
                None => LinkError::Lost(error),
            }),
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
        if self.shared.closing.load(Ordering::Acquire) {
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
    let (read, write) = tokio::io::split(stream);
    let read: Box<dyn AsyncRead + Send + Unpin> = Box::new(ReadHalf::from(read));
    let frames = FramedRead::with_capacity(read, FrameDecoder { max_frame }, READ_BUFFER);
    let (sender, receiver) = mpsc::channel((queue / AVERAGE_FRAME).max(1));
    let shared = Arc::new(Shared {
        queued: AtomicUsize::new(0),
        limit: queue,
        closing: AtomicBool::new(false),
        close: Notify::new(),
    });
    tokio::spawn(write_all(write, receiver, shared.clone()));
    (FrameReader { frames, kind: PhantomData }, FrameWriter { frames: sender, shared })
}

/// The writer task: whatever is queued goes out in one write.
async fn write_all<W: AsyncWrite>(mut stream: WriteHalf<W>, mut frames: mpsc::Receiver<Bytes>, shared: Arc<Shared>) {
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
        if !batch.is_empty() {
            let write = async {
                stream.write_all(&batch).await?;
                stream.flush().await
            };
            if !matches!(tokio::time::timeout(WRITE_TIMEOUT, write).await, Ok(Ok(()))) {
                return;
            }
            shared.queued.fetch_sub(batch.len(), Ordering::AcqRel);
            // An idle connection keeps no buffer.
            batch = BytesMut::new();
        }
        if last && frames.is_empty() {
            break;
        }
    }
    // A goodbye that cannot be said is no loss.
    let _said = tokio::time::timeout(WRITE_TIMEOUT, stream.shutdown()).await;
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t", content = "v", rename_all = "snake_case")]
    enum Sample {
        Say(String),
    }

    fn say(text: &str) -> Sample {
        Sample::Say(text.to_owned())
    }

    #[tokio::test]
    async fn what_is_sent_arrives_in_order_and_then_comes_the_end() {
        let (here, there) = tokio::io::duplex(64);
        let (_, writer) = split::<_, Sample>(here, 1000, 100_000);
        let (mut reader, _keep) = split::<_, Sample>(there, 1000, 100_000);
        for n in 0..100 {
            writer.try_send(&say(&n.to_string())).unwrap();
        }
        writer.close();
        for n in 0..100 {
            assert_eq!(reader.next().await.unwrap(), Some(Decoded::Known(say(&n.to_string()))));
        }
        assert_eq!(reader.next().await.unwrap(), None);
        writer.closed().await;
        assert_eq!(writer.try_send(&say("late")), Err(SendError::Closed));
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_fills_a_bounded_queue() {
        let (here, _there) = tokio::io::duplex(64);
        let (_, writer) = split::<_, Sample>(here, 1000, 10_000);
        let mut sent = 0;
        while writer.try_send(&say(&"x".repeat(100))).is_ok() {
            sent += 1;
            assert!(sent < 1000);
        }
        assert_eq!(writer.try_send(&say(&"x".repeat(100))), Err(SendError::Full));
        assert!(writer.queued() <= 10_000);
        assert!(!writer.offer_encoded(encode(&say("typing"), 1000).unwrap()));
    }

    #[tokio::test]
    async fn an_end_in_the_middle_of_a_frame_is_a_loss() {
        let (mut here, there) = tokio::io::duplex(64);
        let (mut reader, _keep) = split::<_, Sample>(there, 1000, 1000);
        here.write_all(&[0, 0, 0, 9, 1, 2]).await.unwrap();
        drop(here);
        assert!(matches!(reader.next().await, Err(LinkError::Lost(_))));
    }

    #[tokio::test]
    async fn a_frame_beyond_the_limit_is_the_other_sides_fault() {
        let (mut here, there) = tokio::io::duplex(64);
        let (mut reader, _keep) = split::<_, Sample>(there, 10, 1000);
        here.write_all(&[0, 0, 0, 11]).await.unwrap();
        assert!(matches!(reader.next().await, Err(LinkError::Codec(CodecError::TooLarge { size: 11, max: 10 }))));
    }
}
