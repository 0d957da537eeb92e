//! What a folder's listing says: which bytes of the whole belong to which file, and under which names all of it is kept. Nothing of it is
//! believed before it is checked. Pure.

use std::collections::HashMap;
use std::path::PathBuf;

use hobnob_shared::limits;
use hobnob_shared::message::{FolderOffer, ListedEntry, Listing};

use crate::core::file_transfer::names;
use crate::core::file_transfer::why::Why;

/// One file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The folder that it is in, by its place.
    pub parent: Option<usize>,
    /// One component: safe, and unlike those beside it.
    pub name: String,
    /// Where its bytes begin in the whole, and how many they are; none for a folder.
    pub bytes: Option<(u64, u64)>,
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    entries: Vec<Entry>,
    /// Files that are not empty, in order: where they begin, and their place.
    starts: Vec<(u64, usize)>,
}

/// A part of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Which entry.
    pub entry: usize,
    /// From where in the file.
    pub from: u64,
    /// Bytes.
    pub len: usize,
    /// The file ends with it.
    pub last: bool,
}

impl Layout {
    /// Checks a listing that came with this offer of `size` bytes.
    pub fn new(listing: &Listing, offer: &FolderOffer, size: u64) -> Result<Self, Why> {
        if listing.entries.len() > limits::LISTED {
            return Err(Why::TooMuch);
        }
        let (mut layout, mut taken) = (Self::default(), Taken::default());
        // How deep each stands, and how long its path is.
        let mut depths: Vec<(usize, usize)> = Vec::new();
        let (mut offset, mut files) = (0_u64, 0_u32);
        for (place, ListedEntry { parent, name, size }) in listing.entries.iter().enumerate() {
            let parent = match parent {
                None => None,
                Some(parent) => {
                    let parent = usize::try_from(*parent).unwrap_or(usize::MAX);
                    let is_folder = layout.entries.get(parent).is_some_and(|entry| entry.bytes.is_none());
                    if !is_folder {
                        return Err(Why::Protocol("listed in what is no folder before it"));
                    }
                    Some(parent)
                }
            };
            let above = parent.and_then(|parent| depths.get(parent));
            let (depth, length) = above.map_or((0, 0), |(depth, length)| (depth + 1, length + 1));
            let name = taken.free_name(parent, name, size.is_none())?;
            if depth > limits::LISTED_DEPTH || length + name.len() > limits::LISTED_PATH {
                return Err(Why::TooMuch);
            }
            depths.push((depth, length + name.len()));
            let bytes = match size {
                None => None,
                Some(size) => {
                    let begin = offset;
                    offset = offset.checked_add(*size).ok_or(Why::TooMuch)?;
                    files += 1;
                    if *size > 0 {
                        layout.starts.push((begin, place));
                    }
                    Some((begin, *size))
                }
            };
            layout.entries.push(Entry { parent, name, bytes });
        }
        if (offset, files) == (size, offer.files) { Ok(layout) } else { Err(Why::Protocol("listing unlike the offer")) }
    }

    /// All, folders before what is in them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Below the folder itself.
    pub fn path(&self, place: usize) -> PathBuf {
        let mut names = Vec::new();
        let mut at = self.entries.get(place);
        while let Some(entry) = at {
            names.push(entry.name.as_str());
            at = entry.parent.and_then(|parent| self.entries.get(parent));
        }
        names.into_iter().rev().collect()
    }

    /// The parts of files that `len` bytes from `offset` on are made of.
    pub fn pieces(&self, offset: u64, len: usize) -> impl Iterator<Item = Piece> {
        let first = self.starts.partition_point(|(begin, _)| *begin <= offset).saturating_sub(1);
        let end = offset.saturating_add(len as u64);
        let rest = self.starts.get(first..).unwrap_or_default().iter();
        rest.map_while(move |(begin, entry)| {
            let (begin, size) = self.entries.get(*entry).and_then(|entry| entry.bytes).filter(|_| *begin < end)?;
            let (from, to) = (begin.max(offset), (begin + size).min(end));
            let len = usize::try_from(to.saturating_sub(from)).ok().filter(|len| *len > 0)?;
            Some(Piece { entry: *entry, from: from - begin, len, last: to == begin + size })
        })
    }
}

/// Names that are taken in each folder, without regard to case, and the number that the next one alike begins with: however many are alike,
/// each is found in a few steps.
#[derive(Debug, Default)]
struct Taken(HashMap<(Option<usize>, String), u32>);

impl Taken {
    /// The safe form of a name, numbered where it is taken. A dot before it stays: what is hidden in a folder may be hidden there too, while
    /// the folder itself is not.
    fn free_name(&mut self, parent: Option<usize>, name: &str, is_folder: bool) -> Result<String, Why> {
        let hidden = name.starts_with('.') && name.chars().any(|c| c != '.') && !name.contains(['/', '\\']);
        let clean = format!("{}{}", if hidden { "." } else { "" }, names::clean(name).map_err(|_| Why::BadName)?);
        let key = |name: &str| (parent, name.to_lowercase());
        let mut n = self.0.get(&key(&clean)).copied().unwrap_or(0);
        loop {
            let candidate = if hidden || is_folder { numbered(&clean, n) } else { names::with_number(&clean, n) };
            n = n.checked_add(1).ok_or(Why::BadName)?;
            let free = key(&candidate);
            if !self.0.contains_key(&free) {
                self.0.insert(free, 1);
                self.0.insert(key(&clean), n);
                return Ok(candidate);
            }
        }
    }
}

/// Where there is no extension to be kept.
fn numbered(name: &str, n: u32) -> String {
    if n == 0 { name.to_owned() } else { format!("{name} ({n})") }
}
