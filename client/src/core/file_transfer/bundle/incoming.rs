//! Writes a folder that arrives: below the profile, as the tree that it will be, so that the end is one renaming. Only names from the checked
//! listing are used, always below the folder's own descriptor, and never through a link.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hobnob_shared::codec::from_cbor;
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::message::{FolderOffer, Listing};
use rustix::fs::{self, Advice, AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::layout::{Layout, Piece};
use crate::core::file_transfer::folder::{Folder, RIGHTS};
use crate::core::file_transfer::why::Why;

/// Rights of received folders, before the umask.
const FOLDER_RIGHTS: Mode = Mode::from_raw_mode(0o755);
/// Bytes copied at once between two file systems.
const COPY: usize = 256 * 1024;

/// See the module.
#[derive(Debug)]
pub struct Incoming {
    transfer: TransferId,
    offer: FolderOffer,
    size: u64,
    /// What has come of the listing.
    coming: Vec<u8>,
    known: Option<(Layout, OwnedFd)>,
    open: Option<(usize, File)>,
}

/// Name of the tree in the profile.
pub fn tree_name(transfer: TransferId) -> OsString {
    format!("{transfer}.tree").into()
}

/// Name of its listing there.
pub fn listing_name(transfer: TransferId) -> OsString {
    format!("{transfer}.listing").into()
}

fn why(errno: Errno) -> Why {
    Why::at_writing(&errno.into())
}

impl Incoming {
    /// What there is of it in the profile's `partials`.
    pub fn open(partials: &Folder, transfer: TransferId, offer: FolderOffer, size: u64) -> Self {
        let mut incoming = Self { transfer, offer, size, coming: Vec::new(), known: None, open: None };
        let kept = partials.read_whole(&listing_name(transfer)).ok();
        if let Some(Ok(layout)) = kept.map(|bytes| incoming.check(&bytes)) {
            incoming.known = partials.open_folder(&tree_name(transfer)).ok().map(|tree| (layout, tree));
        }
        incoming
    }

    /// The listing is here: files can be written.
    pub fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Files and folders in it, as far as is known.
    pub fn entries(&self) -> usize {
        self.known.as_ref().map_or(self.offer.files as usize, |(layout, _)| layout.entries().len())
    }

    fn check(&self, bytes: &[u8]) -> Result<Layout, Why> {
        if Hash(*blake3::hash(bytes).as_bytes()) != self.offer.listing {
            return Err(Why::HashMismatch);
        }
        let listing: Listing = from_cbor(bytes).map_err(|_| Why::Protocol("malformed listing"))?;
        Layout::new(&listing, &self.offer, self.size)
    }

    /// The next part of the listing. With the last one the empty tree is made.
    pub fn take_listing(&mut self, partials: &Folder, part: &[u8]) -> Result<(), Why> {
        if self.is_known() {
            // Sent again to whoever has no group yet.
            return Ok(());
        }
        if self.coming.len() + part.len() > self.offer.length as usize {
            return Err(Why::Protocol("listing longer than offered"));
        }
        self.coming.extend(part);
        if self.coming.len() < self.offer.length as usize {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.coming);
        let layout = self.check(&bytes)?;
        let tree = partials.make_folder(&tree_name(self.transfer), FOLDER_RIGHTS).map_err(why)?;
        for (place, entry) in layout.entries().iter().enumerate() {
            let path = layout.path(place);
            match entry.bytes {
                None => match fs::mkdirat(&tree, &path, FOLDER_RIGHTS) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(why(errno)),
                },
                Some((_, 0)) => drop(open_in(&tree, &path, OFlags::WRONLY | OFlags::CREATE).map_err(why)?),
                Some(_) => {}
            }
        }
        // Last: what is kept says that the tree stands.
        partials.write_whole(&listing_name(self.transfer), &bytes)?;
        self.known = Some((layout, tree));
        Ok(())
    }

    /// Puts bytes where they belong.
    pub fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut rest = bytes;
        for piece in self.pieces(offset, bytes.len())? {
            let (part, behind) = rest.split_at_checked(piece.len).ok_or(io::ErrorKind::InvalidInput)?;
            rest = behind;
            self.file(&piece, OFlags::WRONLY | OFlags::CREATE)?.write_all_at(part, piece.from)?;
            if piece.last {
                self.open = None;
            }
        }
        Ok(())
    }

    /// Reads what was written.
    pub fn read_exact_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let mut rest = bytes;
        for piece in self.pieces(offset, rest.len())? {
            let (part, behind) = rest.split_at_mut_checked(piece.len).ok_or(io::ErrorKind::InvalidInput)?;
            rest = behind;
            self.file(&piece, OFlags::RDONLY)?.read_exact_at(part, piece.from)?;
            self.open = None;
        }
        Ok(())
    }

    fn pieces(&self, offset: u64, len: usize) -> io::Result<Vec<Piece>> {
        let (layout, _) = self.known.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(layout.pieces(offset, len).collect())
    }

    fn file(&mut self, piece: &Piece, flags: OFlags) -> io::Result<&File> {
        let (layout, tree) = self.known.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        match &mut self.open {
            Some((entry, _)) if *entry == piece.entry => {}
            open => *open = Some((piece.entry, open_in(tree, &layout.path(piece.entry), flags)?)),
        }
        self.open.as_ref().map(|(_, file)| file).ok_or(io::ErrorKind::InvalidInput.into())
    }

    /// Starts writing back the file that is open; small ones are left to the kernel.
    pub fn start_writeback(&self) {
        if let Some((_, file)) = &self.open
            && let Err(error) = fs::fadvise(file, 0, None, Advice::DontNeed)
        {
            tracing::debug!(%error, "cannot start writing back");
        }
    }

    /// Takes files away whose bytes are not those of the sender's; gives their paths below the folder. Then all of it is on the disk.
    pub fn settle(&mut self, skipped: &[u32]) -> Result<Vec<String>, Why> {
        self.open = None;
        let Some((layout, tree)) = &self.known else { return Err(Why::Protocol("end before the listing")) };
        let gone = remove(layout, tree, skipped)?;
        fs::syncfs(tree).map_err(why)?;
        Ok(gone)
    }

    /// Copies the tree into another file system, as `hidden` in `to`, hashing what is copied.
    pub fn copy(&self, to: &Folder, hidden: &OsStr, root: Hash) -> Result<(), Why> {
        let Some((layout, tree)) = &self.known else { return Err(Why::Protocol("end before the listing")) };
        let copy = to.make_folder(hidden, FOLDER_RIGHTS).map_err(why)?;
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; COPY]);
        for (place, entry) in layout.entries().iter().enumerate() {
            let path = layout.path(place);
            if entry.bytes.is_none() {
                fs::mkdirat(&copy, &path, FOLDER_RIGHTS).map_err(why)?;
                continue;
            }
            let mut from = open_in(tree, &path, OFlags::RDONLY).map_err(why)?;
            let mut into = open_in(&copy, &path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL).map_err(why)?;
            loop {
                let read = io::Read::read(&mut from, &mut buffer).map_err(|error| Why::at_writing(&error))?;
                let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
                hasher.update(bytes);
                io::Write::write_all(&mut into, bytes).map_err(|error| Why::at_writing(&error))?;
            }
        }
        if Hash(*hasher.finalize().as_bytes()) == root { Ok(()) } else { Err(Why::HashMismatch) }
    }

    /// As [`Self::settle`], in a copy.
    pub fn settle_copy(&self, to: &Folder, hidden: &OsStr, skipped: &[u32]) -> Result<Vec<String>, Why> {
        let Some((layout, _)) = &self.known else { return Err(Why::Protocol("end before the listing")) };
        let copy = to.open_folder(hidden).map_err(why)?;
        let gone = remove(layout, &copy, skipped)?;
        fs::syncfs(&copy).map_err(why)?;
        Ok(gone)
    }
}

fn remove(layout: &Layout, tree: &OwnedFd, skipped: &[u32]) -> Result<Vec<String>, Why> {
    let mut gone = Vec::new();
    for place in skipped {
        let place = usize::try_from(*place).unwrap_or(usize::MAX);
        if layout.entries().get(place).is_none_or(|entry| entry.bytes.is_none()) {
            return Err(Why::Protocol("skipped what is no file"));
        }
        let path = layout.path(place);
        match fs::unlinkat(tree, &path, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => gone.push(path.to_string_lossy().into_owned()),
            Err(errno) => return Err(why(errno)),
        }
    }
    Ok(gone)
}

/// Opens a file of the tree, over no link and never out of it.
fn open_in(tree: &OwnedFd, path: &Path, flags: OFlags) -> rustix::io::Result<File> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = fs::ResolveFlags::BENEATH | fs::ResolveFlags::NO_SYMLINKS | fs::ResolveFlags::NO_MAGICLINKS;
    let rights = if flags.contains(OFlags::CREATE) { RIGHTS } else { Mode::empty() };
    let opened = match fs::openat2(tree, path, flags, rights, resolve) {
        // Old kernels, and sandboxes that know no such call. Nobody else writes into the profile.
        Err(Errno::NOSYS | Errno::PERM) => fs::openat(tree, path, flags, rights),
        other => other,
    };
    opened.map(File::from)
}
