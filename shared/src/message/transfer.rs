//! What is said on a data stream, the second connection between two devices that carries one file or folder. Used by the client's `FileTransfer`.
//!
//! A frame is a `u32` length, one byte of kind, and the rest: kind 0 is a CBOR message of [`Stream`], kind 1 is a group of the file's bytes,
//! kind 2 is a part of a folder's [`Listing`].

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::WireCode;
use crate::id::{Hash, TransferId};
use crate::limits::LISTED;

/// Kind byte of a control frame: a [`Stream`] message follows.
pub const STREAM_CONTROL: u8 = 0;
/// Kind byte of a group: `u64` big-endian group number, 32 bytes chaining value, the bytes.
pub const STREAM_GROUP: u8 = 1;

/// Kind byte of a part of a folder's listing: bytes of the CBOR of a [`Listing`], at most a group's length.
pub const STREAM_LISTING: u8 = 2;

/// A control frame on a data stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "snake_case")]
pub enum Stream {
    /// First frame, from the TLS client.
    Open(StreamOpen),
    /// From the file's receiver, on a further connection of the same transfer: groups may come here too.
    Ready(StreamReady),
    /// From a folder's sender, before the end: these files could not be read as they were listed; what stands in their place is zeros.
    Skipped(StreamSkipped),
    /// From the file's sender: all groups are out.
    End(StreamEnd),
    /// From the receiver, now and then: so many groups are verified and written, from the start. The first one may say more.
    Have(StreamHave),
    /// From the receiver: the file is whole under its final name.
    Finished(StreamFinished),
    /// From either: it does not go on.
    Failed(StreamFailed),
}

/// See [`Stream::Open`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOpen {
    /// Which transfer.
    pub transfer: TransferId,
    /// 0 on the first connection, 1 on further ones of the same transfer: these carry groups and nothing else.
    #[serde(default)]
    pub flow: u8,
}

/// See [`Stream::Ready`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReady {}

/// What is in a folder that is offered. Its files' bytes follow each other in this order, as if they were one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Folders before what is in them; at most [`crate::limits::LISTED`].
    #[serde(deserialize_with = "bounded")]
    pub entries: Vec<ListedEntry>,
}

/// Reads no more entries than there may be: each takes more memory than bytes of the wire.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ListedEntry>, D::Error> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<ListedEntry>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(out, "at most {LISTED} entries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = seq.next_element()? {
                if entries.len() == LISTED {
                    return Err(serde::de::Error::custom("too many entries"));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    deserializer.deserialize_seq(Entries)
}

/// One file or folder of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedEntry {
    /// Place in the listing of the folder that it is in; none for what lies directly in the folder that is offered.
    #[serde(default)]
    pub parent: Option<u32>,
    /// One component, as the sender's disk has it; the receiver cleans it.
    pub name: String,
    /// Bytes of a file; none for a folder.
    #[serde(default)]
    pub size: Option<u64>,
}

/// See [`Stream::Skipped`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSkipped {
    /// At most [`crate::limits::SKIPPED_PER_FRAME`].
    pub files: Vec<SkippedFile>,
}

/// One file of a [`StreamSkipped`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// Place in the listing.
    pub entry: u32,
    /// Why.
    pub code: WireCode,
}

/// See [`Stream::End`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamEnd {
    /// BLAKE3 of the whole file.
    pub root: Hash,
    /// Bytes of the whole file.
    pub size: u64,
}

/// See [`Stream::Have`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamHave {
    /// Groups.
    pub groups: u64,
    /// Which of the groups behind the next one are there from an earlier stream: a bit each, the lowest of each byte first, at most
    /// [`crate::limits::BEYOND`] bytes. Empty where none are, or none are news.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<u8>,
}

/// See [`Stream::Finished`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamFinished {
    /// BLAKE3 of what lies on the disk.
    pub root: Hash,
}

/// See [`Stream::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamFailed {
    /// Why.
    pub code: WireCode,
}
