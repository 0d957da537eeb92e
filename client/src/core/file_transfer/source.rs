//! The file that is sent: looked at before it is offered, and watched while it is sent, so that nobody ever receives a mixture of two states.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use hobnob_shared::id::TransferId;
use hobnob_shared::message::FolderOffer;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::core::command::PASTED;

use super::bundle::snapshot::{self, Snapshot};
use super::bundle::{layout, outgoing};
use super::folder::Folder;
use super::partial;
use super::sidecar::{MISSING, Sidecar};
use super::tree::{self, GROUP_SIZE, GroupHash, GroupHasher, Tree, group_len, groups};
use super::why::Why;

/// What is known of a file before it is offered.
#[derive(Debug, Clone)]
pub struct Offered {
    /// Absolute.
    pub path: PathBuf,
    /// Last component; what is not text in it is replaced.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What is in it, if it is a folder.
    pub folder: Option<Box<Snapshot>>,
    /// What the receiver hears of that.
    pub offer: Option<FolderOffer>,
}

/// What is sent, group by group.
pub trait Material {
    /// Bytes.
    fn size(&self) -> u64;
    /// Differs between any two states of it.
    fn key(&self) -> [u8; 32];
    /// Fills `bytes` with group `index`, and gives its hash.
    fn read(&mut self, index: u64, bytes: &mut [u8]) -> Result<GroupHash, Why>;
    /// It is still what it was when it was opened.
    fn check_same(&self) -> Result<(), Why>;
}

/// Looks at a path that the user chose: regular files that can be read, and folders, may be offered. Blocks on the disk.
/// Nothing in the profile, and no folder with it inside, is for others: the account's keys are there. Only files that were pasted, in a folder
/// of their own, are.
pub fn look(path: &Path, profile: &Path) -> Result<Offered, Why> {
    let path = std::path::absolute(path).map_err(|_| Why::NotFound)?;
    let data = std::fs::metadata(&path).map_err(|error| at_opening(&error))?;
    let real = std::fs::canonicalize(&path).map_err(|error| at_opening(&error))?;
    if let Ok(own) = std::fs::canonicalize(profile) {
        // Both are free of links: one that leads out of the folder to a key is no way around this.
        let pasted = data.is_file() && real.parent() == Some(&own.join(PASTED));
        if (own.starts_with(&real) || real.starts_with(&own)) && !pasted {
            return Err(Why::OwnProfile);
        }
    }
    let named = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).ok_or(Why::NotAFile);
    if data.is_dir() {
        // `..` has no name of its own; what has none at all is everything that there is.
        let name = named(&path).or_else(|_| named(&real))?;
        let snapshot = Snapshot::take(&path)?;
        let offer = snapshot.offer()?;
        // What no receiver could keep is said now, not when somebody has accepted it.
        layout::Layout::new(&snapshot.entries(), &offer, snapshot.size())?;
        let offer = Some(offer);
        return Ok(Offered { name, size: snapshot.size(), folder: Some(Box::new(snapshot)), offer, path });
    }
    let source = Source::open(&path)?;
    Ok(Offered { name: named(&path)?, size: source.stamp.state.size, folder: None, offer: None, path })
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    disk: u64,
    inode: u64,
    /// What lasts.
    pub state: FileState,
}

/// What tells one state of a file from another for days: numbers of disks and inodes are others after a restart or on another day's mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl FileState {
    /// As the kernel tells it of a name.
    pub fn of_stat(data: &rustix::fs::Stat) -> Self {
        Self {
            size: data.st_size.cast_unsigned(),
            seconds: data.st_mtime,
            nanoseconds: data.st_mtime_nsec.cast_signed(),
        }
    }
}

impl Stamp {
    /// Of an open file.
    pub fn of(data: &std::fs::Metadata) -> Self {
        Self {
            disk: data.dev(),
            inode: data.ino(),
            state: FileState { size: data.size(), seconds: data.mtime(), nanoseconds: data.mtime_nsec() },
        }
    }

    fn key(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let FileState { size, seconds, nanoseconds } = self.state;
        for number in [self.disk, self.inode, size, seconds.cast_unsigned(), nanoseconds.cast_unsigned()] {
            hasher.update(&number.to_be_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// An open file and the state that it had.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    stamp: Stamp,
}

fn at_opening(error: &io::Error) -> Why {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Why::NotFound,
        Some(Errno::MFILE | Errno::NFILE) => Why::OutOfFiles,
        Some(Errno::NXIO | Errno::NODEV) => Why::NotAFile,
        _ => Why::Unreadable,
    }
}

fn check_kind(data: &std::fs::Metadata) -> Result<(), Why> {
    if data.file_type().is_file() { Ok(()) } else { Err(Why::NotAFile) }
}

impl Source {
    /// Opens a regular file, over links if the user chose one. Never waits for the other end of a pipe.
    pub fn open(path: &Path) -> Result<Self, Why> {
        // Looked at before opening as well: opening some devices does something.
        check_kind(&std::fs::metadata(path).map_err(|error| at_opening(&error))?)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|error| at_opening(&error.into()))?);
        let data = file.metadata().map_err(|error| at_opening(&error))?;
        check_kind(&data)?;
        Ok(Self { path: path.to_owned(), file, stamp: Stamp::of(&data) })
    }
}

impl Material for Source {
    fn size(&self) -> u64 {
        self.stamp.state.size
    }

    fn key(&self) -> [u8; 32] {
        self.stamp.key()
    }

    /// The path still leads to this file, and nobody has written to it since it was opened.
    fn check_same(&self) -> Result<(), Why> {
        let held = self.file.metadata().map_err(|_| Why::Unreadable)?;
        let found = std::fs::metadata(&self.path).map_err(|_| Why::SourceGone)?;
        if Stamp::of(&held) == self.stamp && Stamp::of(&found) == self.stamp { Ok(()) } else { Err(Why::SourceChanged) }
    }

    fn read(&mut self, index: u64, bytes: &mut [u8]) -> Result<GroupHash, Why> {
        let (mut hasher, mut at) = (GroupHasher::new(index, self.size()), index * GROUP_SIZE);
        for piece in bytes.chunks_mut(tree::PIECE) {
            self.file.read_exact_at(piece, at).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Why::SourceChanged,
                _ => Why::Unreadable,
            })?;
            hasher.update(piece);
            at += piece.len() as u64;
        }
        Ok(hasher.finish())
    }
}

/// Hashes of the groups that were sent, kept in the profile over restarts: the rest of a file is sent without hashing its beginning again, and
/// only if it is still the file that the beginning was sent of.
#[derive(Debug)]
pub struct Sent {
    sidecar: Sidecar,
    tree: Tree,
}

fn sent_name(transfer: TransferId) -> OsString {
    format!("{transfer}.sent").into()
}

impl Sent {
    /// Up to and without group `from`, which the receiver wants next. What is not known of those before is hashed now.
    pub fn open(folder: &Path, transfer: TransferId, source: &mut dyn Material, from: u64) -> Result<Self, Why> {
        if from > groups(source.size()) {
            return Err(Why::Protocol("more groups than the file has"));
        }
        let at = |_: io::Error| Why::Internal("cannot keep group hashes");
        let folder = Folder::create_private(folder).map_err(|_| Why::Internal("cannot use the profile"))?;
        let (mut sidecar, found) = Sidecar::open(&folder, &sent_name(transfer)).map_err(at)?;
        let key = source.key();
        match found {
            Some(found) if found.key == key => {}
            Some(_) if from > 0 => return Err(Why::SourceChanged),
            _ => sidecar.reset(key).map_err(at)?,
        }
        let mut tree = Tree::default();
        {
            let mut hashes = sidecar.read().map_err(at)?;
            while tree.groups() < from {
                match hashes.next_hash().map_err(at)? {
                    None | Some(MISSING) => break,
                    Some(hash) => tree.push(hash),
                }
            }
        }
        let mut sent = Self { sidecar, tree };
        while sent.tree.groups() < from {
            sent.pass(source)?;
        }
        Ok(sent)
    }

    /// Passes over the next group, which the receiver has: read only if its hash is not known.
    pub fn pass(&mut self, source: &mut dyn Material) -> Result<(), Why> {
        let index = self.tree.groups();
        let hash = match self.sidecar.get(index).map_err(|_| Why::Internal("cannot read group hashes"))? {
            Some(hash) => hash,
            None => source.read(index, &mut vec![0; group_len(index, source.size())])?,
        };
        self.push(hash)
    }

    /// Takes the hash of the next group.
    pub fn push(&mut self, hash: GroupHash) -> Result<(), Why> {
        let written = self.sidecar.write(self.tree.groups(), &hash);
        written.map_err(|_| Why::Internal("cannot keep group hashes"))?;
        self.tree.push(hash);
        Ok(())
    }

    /// All groups so far.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// Transfers of which something is kept in the profile's folder for that.
pub fn kept(partials: &Path) -> Vec<TransferId> {
    let names = std::fs::read_dir(partials).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let ids: BTreeSet<TransferId> = names.filter_map(|name| name.to_str()?.split_once('.')?.0.parse().ok()).collect();
    ids.into_iter().collect()
}

/// Forgets the bytes of a transfer that may begin anew, and not what was offered.
pub fn begin_anew(partials: &Path, transfer: TransferId) {
    partial::erase(partials, transfer);
    if let Ok(folder) = Folder::open(partials) {
        remove(&folder, &sent_name(transfer));
    }
}

/// Forgets all that is kept of a transfer, sent or received.
pub fn forget_all(partials: &Path, transfer: TransferId) {
    partial::erase(partials, transfer);
    forget(partials, transfer);
}

/// Forgets what is kept of a sent file.
fn forget(folder: &Path, transfer: TransferId) {
    let Ok(folder) = Folder::open(folder) else { return };
    for name in [sent_name(transfer), snapshot::file_name(transfer), outgoing::record_name(transfer)] {
        remove(&folder, &name);
    }
}

fn remove(folder: &Folder, name: &OsStr) {
    if let Err(error) = folder.remove(name) {
        tracing::warn!(%error, "cannot remove what is kept of a sent file");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn of_the_profile_only_pasted_files_are_sent() {
        let home = tempfile::tempdir().unwrap();
        let profile = home.path().join("profile");
        let pasted = profile.join(PASTED);
        std::fs::create_dir_all(pasted.join("inner")).unwrap();
        let picture = pasted.join("Picture.png");
        for path in [&picture, &profile.join("account"), &pasted.join("inner/Picture.png"), &profile.join("pasted.png")]
        {
            std::fs::write(path, b"x").unwrap();
        }
        assert_eq!(look(&picture, &profile).unwrap().name, "Picture.png");
        let link = pasted.join("key.png");
        std::os::unix::fs::symlink(profile.join("account"), &link).unwrap();
        for path in [
            pasted.clone(),
            link,
            pasted.join("../account"),
            pasted.join("inner"),
            pasted.join("inner/Picture.png"),
            profile.join("pasted.png"),
        ] {
            assert_eq!(look(&path, &profile).err(), Some(Why::OwnProfile), "{}", path.display());
        }
        // The folder itself, made a link to where the keys are.
        std::fs::rename(&pasted, profile.join("other")).unwrap();
        std::os::unix::fs::symlink(&profile, &pasted).unwrap();
        assert_eq!(look(&pasted.join("account"), &profile).err(), Some(Why::OwnProfile));
    }
}
