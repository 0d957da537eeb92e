//! What the sender found in a folder when it was offered, kept in the profile as long as the transfer may go on: a folder's state at one
//! time is what the receiver gets, whatever happens to it later. Links are not followed, and devices and the like are left out.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::limits;
use hobnob_shared::message::{FolderOffer, ListedEntry, Listing};
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::core::file_transfer::folder::Folder;
use crate::core::file_transfer::source::FileState;
use crate::core::file_transfer::why::Why;

/// A file or folder that was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Found {
    /// The folder that it is in, by its place.
    pub parent: Option<u32>,
    /// As the disk has it.
    pub name: ByteBuf,
    /// The state of a file; none of a folder.
    pub file: Option<FileState>,
}

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// Absolute.
    root: ByteBuf,
    /// Folders before what is in them.
    pub found: Vec<Found>,
    /// Links, devices and the like, and folders that cannot be read: not offered.
    pub left_out: u32,
}

impl Snapshot {
    /// Looks through the folder at `root`. Blocks on the disk.
    pub fn take(root: &Path) -> Result<Self, Why> {
        let top = fs::open(root, FOLDER, Mode::empty()).map_err(|_| Why::Unreadable)?;
        let mut snapshot = Self { root: ByteBuf::from(root.as_os_str().as_bytes()), found: Vec::new(), left_out: 0 };
        snapshot.look_into(&top, None, 0)?;
        Ok(snapshot)
    }

    /// What is in `dir`, in the order of names, and then in its folders. As deep as [`limits::LISTED_DEPTH`], so it may call itself.
    fn look_into(&mut self, dir: &OwnedFd, parent: Option<u32>, depth: usize) -> Result<(), Why> {
        if depth > limits::LISTED_DEPTH {
            return Err(Why::TooMuch);
        }
        let mut names: Vec<OsString> = Vec::new();
        let list = match Dir::read_from(dir) {
            Ok(list) => list,
            // No right to it, as to those that cannot be opened at all.
            Err(Errno::ACCESS | Errno::PERM) if parent.is_some() => {
                self.left_out += 1;
                return Ok(());
            }
            Err(_) => return Err(Why::Unreadable),
        };
        for entry in list {
            // A disk that fails in the middle of a folder must not make a smaller one of it.
            let name = OsString::from_vec(entry.map_err(|_| Why::Unreadable)?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                names.push(name);
            }
            if names.len() + self.found.len() > limits::LISTED {
                return Err(Why::TooMuch);
            }
        }
        names.sort();
        for name in names {
            // Gone already, or no right to look.
            let Ok(data) = fs::statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW) else {
                self.left_out += 1;
                continue;
            };
            if self.found.len() >= limits::LISTED {
                return Err(Why::TooMuch);
            }
            let place = u32::try_from(self.found.len()).map_err(|_| Why::TooMuch)?;
            match FileType::from_raw_mode(data.st_mode) {
                FileType::RegularFile => self.add(parent, &name, Some(FileState::of_stat(&data))),
                FileType::Directory => match fs::openat(dir, &name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
                    Ok(inner) => {
                        self.add(parent, &name, None);
                        self.look_into(&inner, Some(place), depth + 1)?;
                    }
                    Err(_) => self.left_out += 1,
                },
                _ => self.left_out += 1,
            }
        }
        Ok(())
    }

    fn add(&mut self, parent: Option<u32>, name: &OsStr, file: Option<FileState>) {
        self.found.push(Found { parent, name: ByteBuf::from(name.as_bytes()), file });
    }

    /// Absolute.
    pub fn root(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.root.to_vec()))
    }

    /// Below the folder itself, as the disk has it.
    pub fn path(&self, place: usize) -> PathBuf {
        let mut names = Vec::new();
        let mut at = self.found.get(place);
        while let Some(found) = at {
            names.push(OsStr::from_bytes(&found.name));
            at = found.parent.and_then(|parent| self.found.get(usize::try_from(parent).ok()?));
        }
        names.into_iter().rev().collect()
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.found.iter().filter_map(|found| found.file.as_ref()).fold(0, |all, file| all.saturating_add(file.size))
    }

    /// What the receiver is told of it.
    pub fn entries(&self) -> Listing {
        let entries = self.found.iter().map(|found| ListedEntry {
            parent: found.parent,
            name: OsStr::from_bytes(&found.name).to_string_lossy().into_owned(),
            size: found.file.as_ref().map(|file| file.size),
        });
        Listing { entries: entries.collect() }
    }

    /// The same as bytes of the wire.
    pub fn listing(&self) -> Result<Vec<u8>, Why> {
        let listing = to_cbor(&self.entries()).map_err(|_| Why::Internal("cannot encode"))?;
        if listing.len() > limits::LISTING { Err(Why::TooMuch) } else { Ok(listing) }
    }

    /// What the offer says of it.
    pub fn offer(&self) -> Result<FolderOffer, Why> {
        let listing = self.listing()?;
        let files = self.found.iter().filter(|found| found.file.is_some()).count();
        Ok(FolderOffer {
            files: u32::try_from(files).map_err(|_| Why::TooMuch)?,
            listing: Hash(*blake3::hash(&listing).as_bytes()),
            length: u32::try_from(listing.len()).map_err(|_| Why::TooMuch)?,
        })
    }

    /// Keeps it for these transfers, before they are offered.
    pub fn save(&self, partials: &Path, transfers: &[TransferId]) -> Result<(), Why> {
        let Some((first, others)) = transfers.split_first() else { return Ok(()) };
        let folder = Folder::create_private(partials)?;
        let bytes = to_cbor(self).map_err(|_| Why::Internal("cannot encode"))?;
        folder.write_whole(&file_name(*first), &bytes)?;
        // For everybody in a room it is the same.
        let link = |other: &TransferId| folder.link(&file_name(*first), &file_name(*other));
        others.iter().try_for_each(link).map_err(|errno| Why::at_writing(&errno.into()))
    }

    /// What was kept.
    pub fn load(folder: &Folder, transfer: TransferId) -> Result<Self, Why> {
        let bytes = folder.read_whole(&file_name(transfer)).map_err(|_| Why::SourceGone)?;
        from_cbor(&bytes).map_err(|_| Why::SourceGone)
    }
}

/// A folder is read, not written.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);

/// Where it is kept.
pub fn file_name(transfer: TransferId) -> OsString {
    format!("{transfer}.snapshot").into()
}

/// The folder at `root`, to open files in.
pub(super) fn open_root(root: &Path) -> Result<OwnedFd, Why> {
    fs::open(root, FOLDER, Mode::empty()).map_err(|_| Why::SourceGone)
}

/// Opens a file of it for reading, over no link and never out of it.
pub(super) fn open_in(root: &OwnedFd, path: &Path) -> Result<std::fs::File, Trouble> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = fs::ResolveFlags::BENEATH | fs::ResolveFlags::NO_SYMLINKS | fs::ResolveFlags::NO_MAGICLINKS;
    let opened = match fs::openat2(root.as_fd(), path, flags, Mode::empty(), resolve) {
        // Old kernels, and sandboxes that know no such call.
        Err(Errno::NOSYS | Errno::PERM) => fs::openat(root, path, flags, Mode::empty()),
        other => other,
    };
    opened.map(std::fs::File::from).map_err(trouble)
}

/// What a failing system call says of a file that is read, or of more than that.
pub(super) fn trouble(errno: Errno) -> Trouble {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG => Trouble::File(Why::SourceGone),
        Errno::ACCESS | Errno::PERM | Errno::NXIO => Trouble::File(Why::Unreadable),
        // Ours, and not for long.
        Errno::MFILE | Errno::NFILE => Trouble::All(Why::OutOfFiles),
        Errno::NOMEM | Errno::INTR | Errno::AGAIN => Trouble::All(Why::Internal("no more memory")),
        // The disk's: whatever comes next will not be read either.
        _ => Trouble::All(Why::Unreadable),
    }
}

/// Whether one file cannot be read, or nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    File(Why),
    All(Why),
}
