//! What has arrived of a file, kept in the profile: the bytes, and beside them the hashes of the groups that were verified. Survives
//! everything; nothing that was verified is hashed again, except after a restart of the machine, when the disk may have lost what was
//! still on its way.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::message::{FolderOffer, SkippedFile};
use rustix::fs::{Advice, Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::beyond::{AHEAD, Map};
use super::bundle::incoming::{self, Incoming};
use super::folder::{self, Folder, From, Place};
use super::pump::Missing;
use super::sidecar::{self, Sidecar};
use super::tree::{self, GROUP_SIZE, GroupHash, GroupHasher, Tree, group_hash, group_len, groups};
use super::why::Why;

/// Bytes between two starts of writeback: the disk works while the rest arrives, and no commit of the chat waits behind a full cache.
const WRITEBACK: u64 = 8 * 1024 * 1024;

/// What a small file takes of a disk at least, in bytes.
const BLOCK: u64 = 4 * 1024;

/// A file that arrives.
#[derive(Debug)]
pub struct Partial {
    folder: Folder,
    transfer: TransferId,
    size: u64,
    data: Data,
    sidecar: Sidecar,
    tree: Tree,
    /// Groups behind a gap: they came over another connection than the next one will.
    beyond: BTreeMap<u64, GroupHash>,
    /// Of those, the ones from before this opening. They may come once more, from a sender that has not heard of them yet.
    kept: BTreeMap<u64, GroupHash>,
    started: u64,
}

/// Where the bytes go.
#[derive(Debug)]
enum Data {
    /// One file, and how long it is.
    File(File, u64),
    /// The files of a folder.
    Folder(Box<Incoming>),
}

fn part_name(transfer: TransferId) -> OsString {
    format!("{transfer}.part").into()
}

fn groups_name(transfer: TransferId) -> OsString {
    format!("{transfer}.groups").into()
}

fn final_name(transfer: TransferId) -> OsString {
    format!("{transfer}.final").into()
}

impl Partial {
    /// Opens what there is of the transfer in `folder`, or begins it. Reads the file again only if the machine was restarted since.
    pub fn open(folder: &Path, transfer: TransferId, size: u64, offer: Option<&FolderOffer>) -> Result<Self, Why> {
        let folder = Folder::create_private(folder)?;
        let at = |error: rustix::io::Errno| Why::at_writing(&error.into());
        let mut data = match offer {
            None => {
                let file = folder::open_part(&folder, &part_name(transfer)).map_err(at)?;
                let length = file.metadata().map_err(|error| Why::at_writing(&error))?.size();
                Data::File(file, length)
            }
            Some(offer) => Data::Folder(Box::new(Incoming::open(&folder, transfer, *offer, size))),
        };
        let mut key = blake3::Hasher::new();
        key.update(&size.to_be_bytes()).update(offer.map_or(&[], |offer| &offer.listing.0));
        let key = *key.finalize().as_bytes();
        let mut opened = || -> io::Result<(Sidecar, Tree, BTreeMap<u64, GroupHash>)> {
            let (mut sidecar, found) = Sidecar::open(&folder, &groups_name(transfer))?;
            if found.as_ref().is_none_or(|found| found.key != key) {
                sidecar.reset(key)?;
            }
            let boot_is_same = found.is_some_and(|found| found.boot == sidecar::boot_id());
            let (tree, beyond) = reread(&mut data, &sidecar, size, !boot_is_same)?;
            sidecar.keep(key, tree.groups())?;
            beyond.iter().try_for_each(|(index, hash)| sidecar.write(*index, hash))?;
            Ok((sidecar, tree, beyond))
        };
        let (sidecar, tree, beyond) = opened().map_err(|error| Why::at_writing(&error))?;
        Ok(Self {
            folder,
            transfer,
            size,
            data,
            sidecar,
            started: tree.groups() * GROUP_SIZE,
            tree,
            kept: beyond.clone(),
            beyond,
        })
    }

    /// A part of a folder's listing, which comes before its bytes.
    pub fn take_listing(&mut self, part: &[u8]) -> Result<(), Why> {
        match &mut self.data {
            Data::File(..) => Err(Why::Protocol("listing of a file")),
            Data::Folder(incoming) => incoming.take_listing(&self.folder, part),
        }
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Groups that are verified, from the start.
    pub fn have(&self) -> u64 {
        self.tree.groups()
    }

    /// All groups are here.
    pub fn is_whole(&self) -> bool {
        self.have() == groups(self.size)
    }

    /// Those that are verified behind the first one that is missing.
    pub fn beyond(&self) -> Map {
        Map::of(self.have(), self.beyond.keys().copied())
    }

    /// Whether a group was here before and may come once more.
    pub fn was_here(&self, index: u64) -> bool {
        self.kept.contains_key(&index)
    }

    /// Bytes that are verified.
    pub fn done(&self) -> u64 {
        let last = groups(self.size).saturating_sub(1);
        // Only the last group may be shorter.
        let short = self.beyond.contains_key(&last).then(|| GROUP_SIZE - group_len(last, self.size) as u64);
        let behind = self.beyond.len() as u64 * GROUP_SIZE - short.unwrap_or(0);
        self.before_gap().saturating_add(behind)
    }

    /// Bytes before the first gap.
    fn before_gap(&self) -> u64 {
        self.have().saturating_mul(GROUP_SIZE).min(self.size)
    }

    /// Checks that the rest will fit, here and at `place`, with one in a hundred to spare.
    pub fn check_room(&self, place: &Place) -> Result<(), Why> {
        let with_spare = |bytes: u64| bytes.saturating_add(bytes / 100);
        // Each file takes whole blocks.
        let blocks = match &self.data {
            Data::File(..) => 0,
            Data::Folder(incoming) => incoming.entries() as u64 * BLOCK,
        };
        if self.folder.free()? < with_spare((self.size - self.done()).saturating_add(blocks)) {
            return Err(Why::DiskFull);
        }
        let copied = !place.folder().shares_disk_with(&self.folder);
        if copied && place.folder().free()? < with_spare(self.size.saturating_add(blocks)) {
            Err(Why::DiskFull)
        } else {
            Ok(())
        }
    }

    /// Takes a group: it counts when it is written and checked.
    pub fn write(&mut self, index: u64, claimed: &GroupHash, bytes: &[u8]) -> Result<(), Why> {
        if let Some(hash) = self.kept.remove(&index) {
            return if hash == *claimed { Ok(()) } else { Err(Why::HashMismatch) };
        }
        let taken = (self.have()..groups(self.size)).contains(&index) && index - self.have() < AHEAD;
        if !taken || self.beyond.contains_key(&index) {
            return Err(Why::Protocol("group out of order"));
        }
        if bytes.len() != group_len(index, self.size) {
            return Err(Why::Protocol("group of the wrong length"));
        }
        if matches!(&self.data, Data::Folder(incoming) if !incoming.is_known()) {
            return Err(Why::Protocol("group before the listing"));
        }
        let offset = index * GROUP_SIZE;
        let end = offset + bytes.len() as u64;
        // Written before it is checked, while it is near: what is not counted afterwards was never there.
        let hash = self.put(index, bytes).map_err(|error| Why::at_writing(&error))?;
        if hash != *claimed {
            return Err(Why::HashMismatch);
        }
        self.sidecar.write(index, &hash).map_err(|error| Why::at_writing(&error))?;
        self.beyond.insert(index, hash);
        while let Some(hash) = self.beyond.remove(&self.have()) {
            self.tree.push(hash);
        }
        if let Data::File(_, length) = &mut self.data {
            *length = (*length).max(end);
        }
        if self.before_gap() - self.started >= WRITEBACK {
            self.start_writeback(self.before_gap());
        }
        Ok(())
    }

    /// Writes a group to its place, and hashes it.
    fn put(&mut self, index: u64, bytes: &[u8]) -> io::Result<GroupHash> {
        let mut at = index * GROUP_SIZE;
        let mut hasher = GroupHasher::new(index, self.size);
        match &mut self.data {
            // Nothing was written there yet, and zeros need not be: a file with holes arrives with holes.
            Data::File(file, length) if *length <= at && is_zero(bytes) => {
                hasher.update(bytes);
                file.set_len(at + bytes.len() as u64)?;
            }
            Data::File(file, _) => {
                for piece in bytes.chunks(tree::PIECE) {
                    hasher.update(piece);
                    file.write_all_at(piece, at)?;
                    at += piece.len() as u64;
                }
            }
            Data::Folder(incoming) => {
                hasher.update(bytes);
                incoming.write_all_at(bytes, at)?;
            }
        }
        Ok(hasher.finish())
    }

    /// Asks the kernel to begin writing what is dirty; the advice that does so also lets it drop what is written.
    fn start_writeback(&mut self, end: u64) {
        let length = std::num::NonZeroU64::new(end - self.started);
        match &self.data {
            Data::File(file, _) => {
                if let Err(error) = rustix::fs::fadvise(file, self.started, length, Advice::DontNeed) {
                    tracing::debug!(%error, "cannot start writing back");
                }
            }
            Data::Folder(incoming) => incoming.start_writeback(),
        }
        self.started = end;
    }

    /// Everything is here and `root` is right: syncs the file and gives it its final name. The partial is gone afterwards. Of a folder, what
    /// was `skipped` is taken out.
    pub fn finish(mut self, place: &Place, root: Hash, skipped: &[SkippedFile]) -> Result<(PathBuf, Missing), Why> {
        if !self.is_whole() {
            return Err(Why::Protocol("end before the last group"));
        }
        if self.tree.clone().root() != root {
            return Err(Why::HashMismatch);
        }
        let at = |error: io::Error| Why::at_writing(&error);
        let (folder, transfer, size) = (&self.folder, self.transfer, self.size);
        let moves = place.folder().shares_disk_with(folder);
        match &mut self.data {
            Data::File(..) if !skipped.is_empty() => Err(Why::Protocol("skipped a part of a file")),
            Data::File(file, _) => {
                file.set_len(size).and_then(|()| file.sync_all()).map_err(at)?;
                let (part, missing) = (part_name(transfer), Missing::default());
                let from = if moves { From::Here(folder, part.clone()) } else { From::Copy };
                let copy = |hidden: &OsStr| place.copy_here(folder, &part, hidden, root).map(|()| missing.clone());
                let about_to = |path: &Path, missing: &Missing| note(folder, transfer, size, path, root, missing);
                let placed = place.finish(from, transfer, false, Missing::default(), copy, about_to)?;
                folder.remove(&part).map_err(|error| at(error.into()))?;
                Ok(placed)
            }
            Data::Folder(incoming) => {
                let (tree, gone) = (incoming::tree_name(transfer), incoming::gone_name(transfer));
                let from = if moves { From::Here(folder, tree.clone()) } else { From::Copy };
                let missing = if moves { incoming.settle(skipped)? } else { Missing::default() };
                let copy = |hidden: &OsStr| incoming.copy(place.folder(), hidden, root, skipped);
                let about_to = |path: &Path, missing: &Missing| note(folder, transfer, size, path, root, missing);
                let placed = place.finish(from, transfer, true, missing, copy, about_to)?;
                if !moves {
                    // In one step: half a tree would look like one that is still to be copied.
                    folder.rename(&tree, &gone).map_err(|error| at(error.into()))?;
                    if let Err(error) = folder.remove_all(&gone) {
                        tracing::warn!(%error, "cannot remove what was copied");
                    }
                }
                Ok(placed)
            }
        }
    }
}

/// What is noted before a final name appears.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    root: Hash,
    size: u64,
    #[serde(with = "serde_bytes")]
    path: Vec<u8>,
    missing: Missing,
}

/// Remembers the final name before it appears: a crash just after that is not mistaken for a file that never came.
fn note(
    folder: &Folder,
    transfer: TransferId,
    size: u64,
    path: &Path,
    root: Hash,
    missing: &Missing,
) -> Result<(), Why> {
    let note = Note { root, size, path: path.as_os_str().as_bytes().to_vec(), missing: missing.clone() };
    let bytes = to_cbor(&note).map_err(|_| Why::Internal("cannot encode"))?;
    folder.write_whole(&final_name(transfer), &bytes)
}

fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}

/// How a transfer ended that a crash interrupted just then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Where it is.
    pub path: PathBuf,
    /// Its hash.
    pub root: Hash,
    /// What of a folder did not come along.
    pub missing: Missing,
}

/// Whether a crash came when the transfer was just finished: what has the noted name has the noted size and hash, and the partial is gone.
pub fn finished_before(folder: &Path, transfer: TransferId) -> Option<Before> {
    let folder = Folder::open(folder).ok()?;
    let there = |name: &OsStr| folder.open_file(name, OFlags::RDONLY, Mode::empty()).is_ok();
    if there(&part_name(transfer)) || there(&incoming::tree_name(transfer)) {
        return None;
    }
    let Note { root, size, path, missing } = from_cbor(&folder.read_whole(&final_name(transfer)).ok()?).ok()?;
    let path = PathBuf::from(OsString::from_vec(path));
    let before = Before { path, root, missing };
    // A folder that was moved here is whole; its bytes are not read again, as people may have begun to use it.
    if folder.read_whole(&incoming::listing_name(transfer)).is_ok() && before.path.is_dir() {
        return Some(before);
    }
    let found = File::open(&before.path)
        .ok()
        .filter(|found| found.metadata().is_ok_and(|data| data.is_file() && data.size() == size))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(found).ok()?;
    (*hasher.finalize().as_bytes() == root.0).then_some(before)
}

/// Forgets what is kept of a transfer, bytes and hashes.
pub fn erase(folder: &Path, transfer: TransferId) {
    let Ok(folder) = Folder::open(folder) else { return };
    // The listing first: it says that the tree stands.
    let (listing, tree) = (incoming::listing_name(transfer), incoming::tree_name(transfer));
    let gone = incoming::gone_name(transfer);
    for name in [listing, part_name(transfer), groups_name(transfer), final_name(transfer), tree, gone] {
        if let Err(error) = folder.remove_all(&name) {
            tracing::warn!(%error, "cannot remove a partial file");
        }
    }
}

/// The groups that are surely there: counted in the sidecar and covered by the data; with `check`, hashed again. The tree of those from the
/// start, and those behind the first gap.
fn reread(data: &mut Data, sidecar: &Sidecar, size: u64, check: bool) -> io::Result<(Tree, BTreeMap<u64, GroupHash>)> {
    let (mut tree, mut beyond) = (Tree::default(), BTreeMap::new());
    if matches!(data, Data::Folder(incoming) if !incoming.is_known()) {
        return Ok((tree, beyond));
    }
    let mut hashes = sidecar.read()?;
    let mut buffer = Vec::new();
    for index in 0..groups(size) {
        let Some(hash) = hashes.next_hash()? else { break };
        if hash == sidecar::MISSING {
            continue;
        }
        let len = group_len(index, size);
        if matches!(data, Data::File(_, length) if index * GROUP_SIZE + len as u64 > *length) {
            continue;
        }
        if check {
            buffer.resize(len, 0);
            let found = match data {
                Data::File(file, _) => file.read_exact_at(&mut buffer, index * GROUP_SIZE).map(|()| true)?,
                // A file of it may be missing, or shorter.
                Data::Folder(incoming) => incoming.read_exact_at(&mut buffer, index * GROUP_SIZE).is_ok(),
            };
            if !found || group_hash(index, size, &buffer) != hash {
                continue;
            }
        }
        if index == tree.groups() {
            tree.push(hash);
        } else if tree.groups() > 0 && index - tree.groups() <= AHEAD {
            // To a receiver without the first group the sender begins anew, maybe with another file.
            beyond.insert(index, hash);
        }
    }
    Ok((tree, beyond))
}
