//! Writes a folder that arrives: below the profile, as the tree that it will be, so that the end is one renaming. Only names from the checked
//! listing are used, always below the folder's own descriptor, and never through a link.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use hobnob_shared::codec::from_cbor;
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::message::{FolderOffer, Listing, SkippedFile};
use rustix::fs::{self, Advice, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::layout::{Layout, Piece};
use crate::core::file_transfer::folder::{Folder, RIGHTS};
use crate::core::file_transfer::pump::{Missing, Skipped, TOLD};
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
    /// What has come of the listing, and how much of it on this stream.
    coming: Vec<u8>,
    came: usize,
    known: Option<(Layout, OwnedFd)>,
    open: Option<(usize, File)>,
}

/// Name of the tree in the profile.
pub fn tree_name(transfer: TransferId) -> OsString {
    format!("{transfer}.tree").into()
}

/// Name of what is left of it when its copy has its place: removed at leisure.
pub fn gone_name(transfer: TransferId) -> OsString {
    format!("{transfer}.gone").into()
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
        let mut incoming = Self { transfer, offer, size, coming: Vec::new(), came: 0, known: None, open: None };
        let kept = partials.read_whole(&listing_name(transfer)).ok();
        if let Some(Ok(layout)) = kept.map(|bytes| incoming.check(&bytes)) {
            // Of a tree that a crash, or a failing disk, left without some of its folders the rest is of no use without them.
            incoming.known = incoming.stand(partials, &layout).ok().map(|tree| (layout, tree));
        }
        incoming
    }

    /// Makes what of the empty tree is not there.
    fn stand(&self, partials: &Folder, layout: &Layout) -> Result<OwnedFd, Why> {
        let tree = partials.make_folder(&tree_name(self.transfer), FOLDER_RIGHTS).map_err(why)?;
        for (place, entry) in layout.entries().iter().enumerate() {
            let path = layout.path(place);
            match entry.bytes {
                None => match in_parent(&tree, &path, |parent, name| fs::mkdirat(parent, name, FOLDER_RIGHTS)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(why(errno)),
                },
                Some((_, 0)) => drop(open_in(&tree, &path, OFlags::WRONLY | OFlags::CREATE).map_err(why)?),
                Some(_) => {}
            }
        }
        Ok(tree)
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
        Layout::new(&listing, &self.offer, self.size).map_err(|why| match why {
            Why::TooMuch => Why::Protocol("listing beyond the limits"),
            why => why,
        })
    }

    /// The next part of the listing. With the last one the empty tree is made.
    pub fn take_listing(&mut self, partials: &Folder, part: &[u8]) -> Result<(), Why> {
        self.came += part.len();
        if part.is_empty() || self.came > self.offer.length as usize {
            return Err(Why::Protocol("listing longer than offered"));
        }
        if self.is_known() {
            // Sent again to whoever has no group yet.
            return Ok(());
        }
        self.coming.extend(part);
        if self.coming.len() < self.offer.length as usize {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.coming);
        let layout = self.check(&bytes)?;
        let tree = self.stand(partials, &layout)?;
        // Last, and behind the tree on the disk: what is kept says that the tree stands.
        fs::syncfs(&tree).map_err(why)?;
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
            self.file(&piece)?.write_all_at(part, piece.from)?;
            if piece.last {
                self.open = None;
            }
        }
        Ok(())
    }

    /// Reads what was written.
    pub fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let mut rest = bytes;
        for piece in self.pieces(offset, rest.len())? {
            let (part, behind) = rest.split_at_mut_checked(piece.len).ok_or(io::ErrorKind::InvalidInput)?;
            rest = behind;
            let (layout, tree) = self.known.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
            open_in(tree, &layout.path(piece.entry), OFlags::RDONLY)?.read_exact_at(part, piece.from)?;
        }
        Ok(())
    }

    fn pieces(&self, offset: u64, len: usize) -> io::Result<Vec<Piece>> {
        let (layout, _) = self.known.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(layout.pieces(offset, len).collect())
    }

    fn file(&mut self, piece: &Piece) -> io::Result<&File> {
        let (layout, tree) = self.known.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        match &mut self.open {
            Some((entry, _)) if *entry == piece.entry => {}
            open => {
                let flags = OFlags::WRONLY | OFlags::CREATE;
                *open = Some((piece.entry, open_in(tree, &layout.path(piece.entry), flags)?));
            }
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

    /// Takes files away whose bytes are not those of the sender's, and sees that all others are there. Then all of it is on the disk.
    pub fn settle(&mut self, skipped: &[SkippedFile]) -> Result<Missing, Why> {
        self.open = None;
        let Some((layout, tree)) = &self.known else { return Err(Why::Protocol("end before the listing")) };
        let gone = places(layout, skipped)?;
        settle(layout, tree, &gone)?;
        Ok(missing(layout, skipped))
    }

    /// Copies the tree into another file system, as `hidden` in `to`, without what was skipped. What is copied is hashed; where nothing was
    /// skipped, the hash must be the root.
    pub fn copy(&self, to: &Folder, hidden: &OsStr, root: Hash, skipped: &[SkippedFile]) -> Result<Missing, Why> {
        let Some((layout, tree)) = &self.known else { return Err(Why::Protocol("end before the listing")) };
        let gone = places(layout, skipped)?;
        let copy = to.make_folder(hidden, FOLDER_RIGHTS).map_err(why)?;
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; COPY]);
        for (place, entry) in layout.entries().iter().enumerate() {
            let path = layout.path(place);
            if entry.bytes.is_none() {
                in_parent(&copy, &path, |parent, name| fs::mkdirat(parent, name, FOLDER_RIGHTS)).map_err(why)?;
                continue;
            }
            if gone.contains(&place) {
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
        if gone.is_empty() && Hash(*hasher.finalize().as_bytes()) != root {
            return Err(Why::ChangedHere);
        }
        settle(layout, &copy, &gone)?;
        Ok(missing(layout, skipped))
    }
}

/// Which entries were skipped: files, each once.
fn places(layout: &Layout, skipped: &[SkippedFile]) -> Result<BTreeSet<usize>, Why> {
    let mut places = BTreeSet::new();
    for file in skipped {
        let place = usize::try_from(file.entry).unwrap_or(usize::MAX);
        let is_file = layout.entries().get(place).is_some_and(|entry| entry.bytes.is_some());
        if !is_file || !places.insert(place) {
            return Err(Why::Protocol("skipped what is no file"));
        }
    }
    Ok(places)
}

/// The same, for people.
fn missing(layout: &Layout, skipped: &[SkippedFile]) -> Missing {
    let file = |file: &SkippedFile| {
        let path = layout.path(usize::try_from(file.entry).unwrap_or(usize::MAX));
        Skipped { path: path.to_string_lossy().into_owned(), code: file.code.clone() }
    };
    let count = u32::try_from(skipped.len()).unwrap_or(u32::MAX);
    Missing { count, first: skipped.iter().take(TOLD).map(file).collect() }
}

/// Removes what was skipped, and looks whether everything else is what the listing says, before all of it is synced.
fn settle(layout: &Layout, tree: &OwnedFd, gone: &BTreeSet<usize>) -> Result<(), Why> {
    for (place, entry) in layout.entries().iter().enumerate() {
        let path = layout.path(place);
        if gone.contains(&place) {
            match in_parent(tree, &path, |parent, name| fs::unlinkat(parent, name, AtFlags::empty())) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(errno) => return Err(why(errno)),
            }
        }
        let is = fs::statat(tree, &path, AtFlags::SYMLINK_NOFOLLOW).ok();
        let kind = is.as_ref().map(|is| FileType::from_raw_mode(is.st_mode));
        let right = match entry.bytes {
            None => kind == Some(FileType::Directory),
            Some((_, size)) => {
                kind == Some(FileType::RegularFile) && is.is_some_and(|is| is.st_size.cast_unsigned() == size)
            }
        };
        if !right {
            // Whatever did that: from the beginning.
            return Err(Why::ChangedHere);
        }
    }
    fs::syncfs(tree).map_err(why)
}

/// Does something with the last name of a path, in its folder, which is reached over no link.
fn in_parent(
    tree: &OwnedFd,
    path: &Path,
    act: impl FnOnce(BorrowedFd<'_>, &OsStr) -> rustix::io::Result<()>,
) -> rustix::io::Result<()> {
    let name = path.file_name().ok_or(Errno::INVAL)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        None => act(tree.as_fd(), name),
        Some(parent) => {
            let parent = open_in(tree, parent, OFlags::RDONLY | OFlags::DIRECTORY)?;
            act(parent.as_fd(), name)
        }
    }
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
