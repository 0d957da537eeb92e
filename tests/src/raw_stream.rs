//! Connections of a data stream as a friend makes them who keeps to no rule, and a file that such a friend sends group by group.

use std::time::Duration;

use blake3::hazmat::HasherExt;
use hobnob_shared::id::{Hash, Token, TransferId};
use hobnob_shared::message::{Accept, STREAM_CONTROL, Stream, StreamEnd, StreamOpen};
use hobnob_shared::{limits, tls};
use rand::{RngCore, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::raw_friend::{RawFriend, RawLink, StreamFrame};

/// No answer of an honest client takes longer.
const ANSWER: Duration = Duration::from_secs(20);

/// One connection of a data stream.
pub struct RawStream {
    stream: TlsStream<TcpStream>,
}

impl RawStream {
    /// Dials with a token; none if that does not let in.
    pub async fn dial(friend: &RawFriend, link: &RawLink, token: &Token) -> Option<Self> {
        let stream = friend.try_connect(link.address, tls::FILE, token, &link.introduced).await.ok()?;
        Some(Self { stream })
    }

    /// Dials with the token of `accept` and says which of its connections this is.
    pub async fn open(friend: &RawFriend, link: &RawLink, accept: &Accept, flow: u8) -> Self {
        let stream = Self::dial(friend, link, &accept.token).await;
        let mut stream = stream.unwrap_or_else(|| panic!("connection {flow} of {} was not let in", accept.transfer));
        stream.say_open(accept.transfer, flow).await;
        stream
    }

    /// A further connection on which the receiver is ready for groups.
    pub async fn join(friend: &RawFriend, link: &RawLink, accept: &Accept, flow: u8) -> Self {
        let mut stream = Self::open(friend, link, accept, flow).await;
        let word = stream.hear().await;
        assert!(matches!(word, Some(Stream::Ready(_))), "connection {flow}: {word:?}");
        stream
    }

    /// Says for which transfer this is.
    pub async fn say_open(&mut self, transfer: TransferId, flow: u8) {
        self.say(&StreamFrame::Control(Stream::Open(StreamOpen { transfer, flow }))).await;
    }

    /// Sends a frame; false if the other side takes no more.
    pub async fn say(&mut self, frame: &StreamFrame) -> bool {
        self.say_bytes(&frame.bytes()).await
    }

    /// Sends bytes as they are.
    pub async fn say_bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Says that nothing more follows.
    pub async fn close(&mut self) {
        // The other side may have closed before.
        let _closed = self.stream.shutdown().await;
    }

    /// The next word; none once the other side has closed.
    pub async fn hear(&mut self) -> Option<Stream> {
        let length = tokio::time::timeout(ANSWER, self.stream.read_u32()).await;
        let length = length.unwrap_or_else(|_| panic!("no word on the data stream")).ok()?;
        let mut frame = vec![0; usize::try_from(length).unwrap_or(0).min(limits::FRAME)];
        self.stream.read_exact(&mut frame).await.ok()?;
        hobnob_shared::codec::from_cbor(frame.strip_prefix(&[STREAM_CONTROL])?).ok()
    }

    /// As a receiver: the next frame's kind, and what follows it; none once the sender has closed.
    pub async fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let length = tokio::time::timeout(ANSWER, self.stream.read_u32()).await;
        let length = length.unwrap_or_else(|_| panic!("no frame on the data stream")).ok()?;
        let kind = self.stream.read_u8().await.ok()?;
        let most = limits::GROUP + limits::GROUP_HEADER;
        let mut rest = vec![0; usize::try_from(length).unwrap_or(0).saturating_sub(1).min(most)];
        self.stream.read_exact(&mut rest).await.ok()?;
        Some((kind, rest))
    }

    /// As a receiver: passes over groups until the sender says a word; none once it has closed.
    pub async fn word_of_sender(&mut self) -> Option<Stream> {
        loop {
            let (kind, rest) = self.next_frame().await?;
            if kind == STREAM_CONTROL {
                return hobnob_shared::codec::from_cbor(&rest).ok();
            }
        }
    }

    /// Hears until so many groups count.
    pub async fn has(&mut self, groups: u64) {
        loop {
            match self.hear().await {
                Some(Stream::Have(have)) if have.groups >= groups => return,
                Some(Stream::Have(_)) => {}
                other => panic!("{other:?} before {groups} groups counted"),
            }
        }
    }

    /// The last word: what comes behind all that tells how far it is.
    pub async fn last_word(&mut self) -> Option<Stream> {
        loop {
            match self.hear().await {
                Some(Stream::Have(_) | Stream::Ready(_)) => {}
                last => return last,
            }
        }
    }
}

/// A file that exists nowhere: random groups, all alike but for the number in each word.
pub struct RawFile {
    block: Vec<u8>,
    /// Bytes.
    pub size: u64,
    /// Of the whole.
    pub root: Hash,
}

impl RawFile {
    /// Of so many whole groups and `rest` bytes behind them; more than one group in all.
    pub fn new(groups: u64, rest: u64, seed: u64) -> Self {
        let mut block = vec![0; limits::GROUP];
        rand::rngs::SmallRng::seed_from_u64(seed).fill_bytes(&mut block);
        let mut file = Self { block, size: groups * limits::GROUP as u64 + rest, root: Hash([0; 32]) };
        let mut hasher = blake3::Hasher::new();
        for n in 0..file.groups() {
            hasher.update(&file.bytes(n));
        }
        file.root = Hash(*hasher.finalize().as_bytes());
        file
    }

    /// Of the whole.
    pub fn groups(&self) -> u64 {
        self.size.div_ceil(limits::GROUP as u64)
    }

    /// Of one group.
    pub fn bytes(&self, n: u64) -> Vec<u8> {
        let left = self.size - n * limits::GROUP as u64;
        let length = usize::try_from(left).unwrap_or(limits::GROUP).min(limits::GROUP);
        let mut bytes = self.block.clone();
        bytes.truncate(length);
        bytes.chunks_mut(8).for_each(|word| word.iter_mut().zip(n.to_le_bytes()).for_each(|(byte, own)| *byte ^= own));
        bytes
    }

    /// A group as an honest friend sends it.
    pub fn group(&self, n: u64) -> StreamFrame {
        let bytes = self.bytes(n);
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(n * limits::GROUP as u64).update(&bytes);
        StreamFrame::Group(n, Hash(hasher.finalize_non_root()), bytes)
    }

    /// What comes behind the last group.
    pub fn end(&self) -> StreamFrame {
        StreamFrame::Control(Stream::End(StreamEnd { root: self.root, size: self.size }))
    }

    /// Sends all that the receiver lacks, over one connection, as an honest friend would; it must be the end of it.
    pub async fn serve(&self, friend: &RawFriend, link: &RawLink, accept: &Accept) {
        let mut stream = RawStream::open(friend, link, accept, 0).await;
        for n in accept.have..self.groups() {
            stream.say(&self.group(n)).await;
        }
        stream.say(&self.end()).await;
        let last = stream.last_word().await;
        assert!(matches!(&last, Some(Stream::Finished(finished)) if finished.root == self.root), "{last:?}");
    }
}
