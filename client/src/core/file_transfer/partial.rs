//! What has arrived of a file, kept in the profile: the bytes, and beside them the hashes of the groups that were verified. Survives
//! everything; nothing that was verified is hashed again, except after a restart of the machine, when the disk may have lost what was
//! still on its way.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use hobnob_shared::id::{Hash, TransferId};
use rustix::fs::{Advice, Mode, OFlags};

use super::folder::{self, Folder, Place};
use super::sidecar::{self, Sidecar};
use super::tree::{GROUP_SIZE, GroupHash, Tree, group_hash, group_len, groups};
use super::why::Why;

/// Bytes between two starts of writeback: the disk works while the rest arrives, and no commit of the chat waits behind a full cache.
const WRITEBACK: u64 = 8 * 1024 * 1024;

/// A file that arrives.
#[derive(Debug)]
pub struct Partial {
    folder: Folder,
    transfer: TransferId,
    size: u64,
    data: File,
    sidecar: Sidecar,
    tree: Tree,
    started: u64,
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
    pub fn open(folder: &Path, transfer: TransferId, size: u64) -> Result<Self, Why> {
        let folder = Folder::create_private(folder)?;
        let at = |error: rustix::io::Errno| Why::at_writing(&error.into());
        let data = folder::open_part(&folder, &part_name(transfer)).map_err(at)?;
        let key = *blake3::hash(&size.to_be_bytes()).as_bytes();
        let opened = || -> io::Result<(Sidecar, Tree)> {
            let (mut sidecar, found) = Sidecar::open(&folder, &groups_name(transfer))?;
            if found.as_ref().is_none_or(|found| found.key != key) {
                sidecar.reset(key)?;
            }
            let boot_is_same = found.is_some_and(|found| found.boot == sidecar::boot_id());
            let tree = reread(&data, &sidecar, size, !boot_is_same)?;
            sidecar.keep(key, tree.groups())?;
            Ok((sidecar, tree))
        };
        let (sidecar, tree) = opened().map_err(|error| Why::at_writing(&error))?;
        Ok(Self { folder, transfer, size, data, sidecar, started: tree.groups() * GROUP_SIZE, tree })
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Groups that are verified, from the start.
    pub fn have(&self) -> u64 {
        self.tree.groups()
    }

    /// Bytes of those.
    pub fn done(&self) -> u64 {
        self.have().saturating_mul(GROUP_SIZE).min(self.size)
    }

    /// Checks that the rest will fit, here and at `place`, with one in a hundred to spare.
    pub fn check_room(&self, place: &Place) -> Result<(), Why> {
        let with_spare = |bytes: u64| bytes.saturating_add(bytes / 100);
        if self.folder.free()? < with_spare(self.size - self.done()) {
            return Err(Why::DiskFull);
        }
        let copied = !place.folder().shares_disk_with(&self.folder);
        if copied && place.folder().free()? < with_spare(self.size) { Err(Why::DiskFull) } else { Ok(()) }
    }

    /// Takes the next group: checked first, then written, then counted.
    pub fn write(&mut self, index: u64, claimed: &GroupHash, bytes: &[u8]) -> Result<(), Why> {
        if index != self.have() || index >= groups(self.size) {
            return Err(Why::Protocol("group out of order"));
        }
        if bytes.len() != group_len(index, self.size) {
            return Err(Why::Protocol("group of the wrong length"));
        }
        let hash = group_hash(index, self.size, bytes);
        if hash != *claimed {
            return Err(Why::HashMismatch);
        }
        let offset = index * GROUP_SIZE;
        let written = self.data.write_all_at(bytes, offset).and_then(|()| self.sidecar.write(index, &hash));
        written.map_err(|error| Why::at_writing(&error))?;
        self.tree.push(hash);
        let end = offset + bytes.len() as u64;
        if end - self.started >= WRITEBACK {
            self.start_writeback(end);
        }
        Ok(())
    }

    /// Asks the kernel to begin writing what is dirty; the advice that does so also lets it drop what is written.
    fn start_writeback(&mut self, end: u64) {
        let length = std::num::NonZeroU64::new(end - self.started);
        if let Err(error) = rustix::fs::fadvise(&self.data, self.started, length, Advice::DontNeed) {
            tracing::debug!(%error, "cannot start writing back");
        }
        self.started = end;
    }

    /// Everything is here and `root` is right: syncs the file and gives it its final name. The partial is gone afterwards.
    pub fn finish(self, place: &Place, root: Hash) -> Result<PathBuf, Why> {
        if self.have() != groups(self.size) {
            return Err(Why::Protocol("end before the last group"));
        }
        if self.tree.clone().root() != root {
            return Err(Why::HashMismatch);
        }
        let written = self.data.set_len(self.size).and_then(|()| self.data.sync_all());
        written.map_err(|error| Why::at_writing(&error))?;
        let part = part_name(self.transfer);
        let path = place.finish(&self.folder, &part, self.transfer, root, |path| self.note(path, root))?;
        self.folder.remove(&part).map_err(|error| Why::at_writing(&error.into()))?;
        Ok(path)
    }

    /// Remembers the final name before it appears: a crash just after that is not mistaken for a file that never came.
    fn note(&self, path: &Path, root: Hash) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let file = self.folder.open_file(&final_name(self.transfer), flags, Mode::from_raw_mode(0o600))?;
        let mut note = root.0.to_vec();
        note.extend(self.size.to_be_bytes());
        note.extend(path.as_os_str().as_bytes());
        file.write_all_at(&note, 0)
    }
}

/// The final path and hash of a transfer that a crash interrupted just when it was finished: the file of the noted name has the noted size and
/// hash, and the partial is gone.
pub fn finished_before(folder: &Path, transfer: TransferId) -> Option<(PathBuf, Hash)> {
    let folder = Folder::open(folder).ok()?;
    if folder.open_file(&part_name(transfer), OFlags::RDONLY, Mode::empty()).is_ok() {
        return None;
    }
    let mut note = Vec::new();
    let mut file = folder.open_file(&final_name(transfer), OFlags::RDONLY, Mode::empty()).ok()?;
    io::Read::read_to_end(&mut file, &mut note).ok()?;
    let (root, rest) = note.split_first_chunk::<32>()?;
    let (size, path) = rest.split_first_chunk::<8>()?;
    let path = PathBuf::from(OsString::from_vec(path.to_vec()));
    let found = File::open(&path).ok().filter(|found| {
        found.metadata().is_ok_and(|data| data.is_file() && data.size() == u64::from_be_bytes(*size))
    })?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(found).ok()?;
    (hasher.finalize().as_bytes() == root).then_some((path, Hash(*root)))
}

/// Forgets what is kept of a transfer, bytes and hashes.
pub fn erase(folder: &Path, transfer: TransferId) {
    let Ok(folder) = Folder::open(folder) else { return };
    for name in [part_name(transfer), groups_name(transfer), final_name(transfer)] {
        if let Err(error) = folder.remove(&name) {
            tracing::warn!(%error, "cannot remove a partial file");
        }
    }
}

/// The tree of the groups that are surely there: counted in the sidecar and covered by the data; with `check`, hashed again.
fn reread(data: &File, sidecar: &Sidecar, size: u64, check: bool) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let length = data.metadata()?.size();
    let mut hashes = sidecar.read()?;
    let mut buffer = Vec::new();
    for index in 0..groups(size) {
        let Some(hash) = hashes.next_hash()? else { break };
        let len = group_len(index, size);
        if index * GROUP_SIZE + len as u64 > length {
            break;
        }
        if check {
            buffer.resize(len, 0);
            data.read_exact_at(&mut buffer, index * GROUP_SIZE)?;
            if group_hash(index, size, &buffer) != hash {
                break;
            }
        }
        tree.push(hash);
    }
    Ok(tree)
}
