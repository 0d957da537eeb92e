//! Frames of a data stream as bytes. A frame is a `u32` length of what follows, one byte of kind, and a control message, a group, or a
//! part of a folder's listing.

use std::io;

use hobnob_shared::codec::{self, Decoded};
use hobnob_shared::limits;
use hobnob_shared::message::{STREAM_CONTROL, STREAM_GROUP, STREAM_LISTING, Stream};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::tree::GroupHash;
use super::why::Why;

/// Length and kind.
const HEAD: usize = 5;
/// Length, kind, number, hash: what stands before a group's bytes.
pub const BEFORE_BYTES: usize = codec::PREFIX + limits::GROUP_HEADER;

/// A group as it goes over the wire, in one piece of memory that is used again.
#[derive(Debug)]
pub struct GroupBuffer {
    frame: Vec<u8>,
}

impl Default for GroupBuffer {
    fn default() -> Self {
        Self { frame: vec![0; BEFORE_BYTES + limits::GROUP] }
    }
}

impl GroupBuffer {
    /// Room for `len` bytes of the file, at most [`limits::GROUP`].
    pub fn bytes_mut(&mut self, len: usize) -> &mut [u8] {
        self.frame.resize(BEFORE_BYTES + len.min(limits::GROUP), 0);
        self.frame.get_mut(BEFORE_BYTES..).unwrap_or_default()
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.frame.get(BEFORE_BYTES..).unwrap_or_default()
    }

    /// Writes what stands before the bytes, and gives the whole frame.
    pub fn seal(&mut self, index: u64, hash: &GroupHash) -> &[u8] {
        let length = u32::try_from(self.frame.len() - codec::PREFIX).unwrap_or(u32::MAX);
        let mut head = Vec::with_capacity(BEFORE_BYTES);
        head.extend(length.to_be_bytes());
        head.push(STREAM_GROUP);
        head.extend(index.to_be_bytes());
        head.extend(hash);
        for (place, byte) in self.frame.iter_mut().zip(head) {
            *place = byte;
        }
        &self.frame
    }

    /// Holds a part of a listing instead, of at most [`limits::GROUP`] bytes.
    pub fn hold_listing(&mut self, part: &[u8]) {
        self.frame.clear();
        self.frame.extend(u32::try_from(part.len() + 1).unwrap_or(u32::MAX).to_be_bytes());
        self.frame.push(STREAM_LISTING);
        self.frame.extend(part);
    }

    /// The whole frame, as sealed.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }
}

/// Which frame comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// A control message of so many bytes.
    Control(usize),
    /// Number and hash of a group follow, then so many bytes of the file.
    Group(usize),
    /// A part of a listing, of so many bytes.
    Listing(usize),
}

/// Reads a frame's length and kind; a length beyond the limits is the other side's fault.
pub async fn read_head<R: AsyncRead + Unpin>(reader: &mut R) -> Result<Head, Ended> {
    next_head(reader).await?.ok_or(Ended::Lost(io::ErrorKind::UnexpectedEof.into()))
}

/// As [`read_head`]; `None` where the other side closed in order, with no frame begun.
pub async fn next_head<R: AsyncRead + Unpin>(reader: &mut R) -> Result<Option<Head>, Ended> {
    let mut first = [0; 1];
    if reader.read(&mut first).await? == 0 {
        return Ok(None);
    }
    let mut rest = [0; HEAD - 1];
    reader.read_exact(&mut rest).await?;
    let ([a], [b, c, d, kind]) = (first, rest);
    parse_head([a, b, c, d], kind).map(Some)
}

fn parse_head(length: [u8; 4], kind: u8) -> Result<Head, Ended> {
    let rest = (u32::from_be_bytes(length) as usize).checked_sub(1).ok_or(broken("empty frame"))?;
    match kind {
        STREAM_CONTROL if rest <= limits::FRAME => Ok(Head::Control(rest)),
        STREAM_GROUP => {
            let bytes = rest.checked_sub(limits::GROUP_HEADER - 1).filter(|bytes| *bytes <= limits::GROUP);
            bytes.map(Head::Group).ok_or(broken("group of an impossible length"))
        }
        STREAM_LISTING if rest <= limits::GROUP => Ok(Head::Listing(rest)),
        STREAM_LISTING => Err(broken("part of a listing too long")),
        STREAM_CONTROL => Err(broken("control frame too long")),
        _ => Err(broken("unknown kind of frame")),
    }
}

/// Reads number and hash of a group.
pub async fn read_group_head<R: AsyncRead + Unpin>(reader: &mut R) -> Result<(u64, GroupHash), Ended> {
    let index = reader.read_u64().await?;
    let mut hash = GroupHash::default();
    reader.read_exact(&mut hash).await?;
    Ok((index, hash))
}

/// Reads a control message of `len` bytes; `None` for one of a later version.
pub async fn read_control<R: AsyncRead + Unpin>(reader: &mut R, len: usize) -> Result<Option<Stream>, Ended> {
    let mut bytes = vec![0; len];
    reader.read_exact(&mut bytes).await?;
    match codec::decode(&bytes) {
        Ok(Decoded::Known(message)) => Ok(Some(message)),
        Ok(Decoded::Unknown { .. }) => Ok(None),
        Err(_) => Err(broken("malformed control frame")),
    }
}

/// A control message as a frame.
pub fn control(message: &Stream) -> Result<Vec<u8>, Ended> {
    let body = codec::to_cbor(message).map_err(|_| Ended::Failed(Why::Internal("cannot encode")))?;
    let length = u32::try_from(body.len() + 1).map_err(|_| Ended::Failed(Why::Internal("cannot encode")))?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.push(STREAM_CONTROL);
    frame.extend(body);
    Ok(frame)
}

/// Why a stream carries nothing more.
#[derive(Debug)]
pub enum Ended {
    /// The connection broke, or nothing came for too long: it goes on over another one.
    Lost(io::Error),
    /// A reason on this side or the other.
    Failed(Why),
    /// Stopped from here.
    Stopped,
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<Why> for Ended {
    fn from(why: Why) -> Self {
        Self::Failed(why)
    }
}

/// The other side broke a rule.
pub fn broken(rule: &'static str) -> Ended {
    Ended::Failed(Why::Protocol(rule))
}
