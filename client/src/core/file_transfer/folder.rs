//! The folder in which a file will end: held open, so that nothing that is renamed or linked meanwhile leads out of it, and entered only by
//! single names. The one place where received files get their final names.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use hobnob_shared::id::{Hash, TransferId};
use rustix::fs::{self, Access, AtFlags, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;

use super::names;
use super::pump::Missing;
use super::why::Why;

/// Files of one name that get a number; with more, something is wrong.
const NUMBERS: u32 = 9_999;
/// Rights of received files, before the umask: never executable.
pub(super) const RIGHTS: Mode = Mode::from_raw_mode(0o644);
/// Longest name that file systems take, in bytes.
const NAME: usize = 255;
/// Bytes copied at once between two file systems.
const COPY: usize = 256 * 1024;

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    dir: OwnedFd,
    path: PathBuf,
}

fn why(error: Errno) -> Why {
    Why::at_writing(&error.into())
}

impl Folder {
    /// Opens the folder at `path`, which may be reached over links: it is the user's own.
    pub fn open(path: &Path) -> Result<Self, Why> {
        let dir = fs::open(path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(why)?;
        Ok(Self { dir, path: path.to_owned() })
    }

    /// Makes the folder first if need be, for the owner alone.
    pub fn create_private(path: &Path) -> Result<Self, Why> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| Why::at_writing(&error))?;
        Self::open(path)
    }

    /// Whether files can be made here now.
    pub fn check_writable(&self) -> Result<(), Why> {
        fs::accessat(&self.dir, c".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).map_err(why)
    }

    /// Bytes that the user may still write here.
    pub fn free(&self) -> Result<u64, Why> {
        let disk = fs::fstatvfs(&self.dir).map_err(why)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Both are on one file system: a file moves between them without being copied.
    pub fn shares_disk_with(&self, other: &Self) -> bool {
        matches!((fs::fstat(&self.dir), fs::fstat(&other.dir)), (Ok(one), Ok(two)) if one.st_dev == two.st_dev)
    }

    /// The path still leads to the folder that was opened.
    pub fn check_same(&self) -> Result<(), Why> {
        let now = Self::open(&self.path)?;
        let (held, found) = (fs::fstat(&self.dir).map_err(why)?, fs::fstat(&now.dir).map_err(why)?);
        let same = (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino);
        if same { Ok(()) } else { Err(Why::FolderReplaced) }
    }

    /// Opens one file in the folder, never through a link.
    pub fn open_file(&self, name: &OsStr, flags: OFlags, rights: Mode) -> rustix::io::Result<File> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let opened = match fs::openat2(&self.dir, name, flags, rights, resolve) {
            // Old kernels, and sandboxes that know no such call. A single name cannot lead elsewhere without a link.
            Err(Errno::NOSYS | Errno::PERM) if is_single(name) => fs::openat(&self.dir, name, flags, rights),
            other => other,
        };
        opened.map(File::from)
    }

    /// Makes a folder in it, or takes the one that is there.
    pub fn make_folder(&self, name: &OsStr, rights: Mode) -> rustix::io::Result<OwnedFd> {
        match fs::mkdirat(&self.dir, name, rights) {
            Ok(()) | Err(Errno::EXIST) => self.open_folder(name),
            Err(errno) => Err(errno),
        }
    }

    /// Opens a folder in it, never through a link.
    pub fn open_folder(&self, name: &OsStr) -> rustix::io::Result<OwnedFd> {
        self.open_file(name, OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty()).map(OwnedFd::from)
    }

    /// Writes a small file of ours, for the owner alone; it is on the disk afterwards.
    pub fn write_whole(&self, name: &OsStr, bytes: &[u8]) -> Result<(), Why> {
        use std::io::Write;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let mut file = self.open_file(name, flags, Mode::from_raw_mode(0o600)).map_err(why)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| Why::at_writing(&error))
    }

    /// Reads one.
    pub fn read_whole(&self, name: &OsStr) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut self.open_file(name, OFlags::RDONLY, Mode::empty())?, &mut bytes)?;
        Ok(bytes)
    }

    /// Removes a file, or a folder and all that is in it, following no link; what is not there is as good as removed.
    pub fn remove_all(&self, name: &OsStr) -> std::io::Result<()> {
        match self.remove(name) {
            Err(Errno::ISDIR | Errno::PERM) => std::fs::remove_dir_all(self.path.join(name)),
            other => Ok(other?),
        }
    }

    /// Gives a file in it a second name there.
    pub fn link(&self, name: &OsStr, other: &OsStr) -> rustix::io::Result<()> {
        match fs::linkat(&self.dir, name, &self.dir, other, AtFlags::empty()) {
            Err(Errno::EXIST) => Ok(()),
            other => other,
        }
    }

    /// Gives what is in it another name there.
    pub fn rename(&self, name: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        fs::renameat(&self.dir, name, &self.dir, to)
    }

    /// Something of this name is in it, whatever it is.
    fn has(&self, name: &OsStr) -> bool {
        fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Removes one file; one that is not there is as good as removed.
    pub fn remove(&self, name: &OsStr) -> rustix::io::Result<()> {
        match fs::unlinkat(&self.dir, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    fn sync(&self) -> Result<(), Why> {
        fs::fsync(&self.dir).map_err(why)
    }
}

fn is_single(name: &OsStr) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(_)), None))
}

/// What gets its final name.
#[derive(Debug)]
pub enum From<'a> {
    /// It lies in this folder under this name, on the same file system.
    Here(&'a Folder, OsString),
    /// It lies elsewhere, and is copied.
    Copy,
}

/// Where a file will end.
#[derive(Debug)]
pub struct Place {
    folder: Folder,
    name: OsString,
    /// The user chose exactly this path, and agreed to replace what is there.
    exact: bool,
}

impl Place {
    /// Below the download folder, under the offered name made safe; numbered where it is taken. The folder is made where there is none:
    /// a new account has not had one, and people tidy up.
    pub fn in_downloads(folder: &Path, offered: &str) -> Result<Self, Why> {
        let name = names::clean(offered).map_err(|_| Why::BadName)?;
        // Whether it is there and can be used shows when it is opened.
        let _made = std::fs::create_dir_all(folder);
        Ok(Self { folder: Folder::open(folder)?, name: name.into(), exact: false })
    }

    /// Exactly where the user wants it. A folder replaces nothing.
    pub fn exactly(path: &Path, is_folder: bool) -> Result<Self, Why> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(Why::BadName) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // Replaced by renaming, so only a file may stand there: not a folder, a link, or a device.
        if std::fs::symlink_metadata(path).is_ok_and(|there| is_folder || !there.is_file()) {
            return Err(Why::NameTaken);
        }
        if name.len() > NAME {
            return Err(Why::BadName);
        }
        Ok(Self { folder: Folder::open(folder)?, name: name.to_owned(), exact: true })
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    fn candidate(&self, n: u32, is_folder: bool) -> OsString {
        match self.name.to_str() {
            // There is no extension to be kept.
            Some(name) if is_folder && n > 0 => format!("{name} ({n})").into(),
            Some(name) => names::with_number(name, n).into(),
            None => self.name.clone(),
        }
    }

    /// Moves what is verified and synced to its final name; from another file system it is copied first, under a hidden name. `about_to` hears
    /// each name before it is tried. A folder never replaces anything.
    pub fn finish(
        &self,
        from: From<'_>,
        transfer: TransferId,
        is_folder: bool,
        mut missing: Missing,
        copy: impl FnOnce(&OsStr) -> Result<Missing, Why>,
        mut about_to: impl FnMut(&Path, &Missing) -> Result<(), Why>,
    ) -> Result<(PathBuf, Missing), Why> {
        self.folder.check_same()?;
        let (from, name, copied) = match from {
            From::Here(folder, name) => (folder, name, false),
            From::Copy => {
                let hidden = self.hidden(transfer);
                self.tidy(transfer);
                match copy(&hidden) {
                    Ok(left) => missing = left,
                    Err(why) => {
                        self.tidy(transfer);
                        return Err(why);
                    }
                }
                (&self.folder, hidden, true)
            }
        };
        let replace = self.exact && !is_folder;
        let mut placed = Err(Why::NotWritable);
        for n in 0..=NUMBERS {
            let candidate = self.candidate(n, is_folder);
            if !self.exact && self.folder.has(&candidate) {
                // Found in one look instead of with a note and a try.
                continue;
            }
            let path = self.folder.path.join(&candidate);
            about_to(&path, &missing)?;
            match self.rename(from, &name, &candidate, replace, is_folder) {
                Err(Errno::EXIST) if !self.exact => {}
                outcome => {
                    placed = outcome.map(|()| path).map_err(why);
                    break;
                }
            }
        }
        if placed.is_err() && copied {
            self.tidy(transfer);
        }
        let path = placed?;
        self.folder.sync()?;
        Ok((path, missing))
    }

    fn rename(
        &self,
        from: &Folder,
        name: &OsStr,
        to: &OsStr,
        replace: bool,
        is_folder: bool,
    ) -> rustix::io::Result<()> {
        if replace {
            return fs::renameat(&from.dir, name, &self.folder.dir, to);
        }
        match fs::renameat_with(&from.dir, name, &self.folder.dir, to, RenameFlags::NOREPLACE) {
            // File systems that cannot promise not to replace: a folder replaces nothing but an empty one,
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if is_folder => {
                match fs::renameat(&from.dir, name, &self.folder.dir, to) {
                    Err(Errno::NOTEMPTY | Errno::NOTDIR) => Err(Errno::EXIST),
                    other => other,
                }
            }
            // and a second name cannot replace either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                fs::linkat(&from.dir, name, &self.folder.dir, to, AtFlags::empty())?;
                from.remove(name)
            }
            other => other,
        }
    }

    /// The name of the hidden copy of a transfer: known beforehand, so that one that a crash left is found and removed.
    fn hidden(&self, transfer: TransferId) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(format!(".{}.part", transfer.0.simple()));
        // Cut from the front where the whole would be too long; the id behind is what matters.
        match name.to_str() {
            Some(text) if text.len() > 255 => format!(".{}.part", transfer.0.simple()).into(),
            _ => name,
        }
    }

    /// Removes what a crash between copying and renaming left.
    pub fn tidy(&self, transfer: TransferId) {
        if let Err(error) = self.folder.remove_all(&self.hidden(transfer)) {
            tracing::debug!(%error, "no unfinished copy to remove");
        }
    }

    /// The profile lies on another disk: copies the file under a hidden name, hashing what is really written, and syncs it.
    pub fn copy_here(&self, partials: &Folder, part: &OsStr, hidden: &OsStr, root: Hash) -> Result<(), Why> {
        use std::io::{Read, Write};
        let mut source = partials.open_file(part, OFlags::RDONLY, Mode::empty()).map_err(why)?;
        let mut copy =
            self.folder.open_file(hidden, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, RIGHTS).map_err(why)?;
        let mut copying = || -> std::io::Result<Hash> {
            let mut hasher = blake3::Hasher::new();
            let mut buffer = vec![0; COPY];
            loop {
                let read = source.read(&mut buffer)?;
                let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
                hasher.update(bytes);
                copy.write_all(bytes)?;
            }
            copy.sync_all()?;
            Ok(Hash(*hasher.finalize().as_bytes()))
        };
        match copying() {
            Ok(hash) if hash == root => Ok(()),
            Ok(_) => Err(Why::ChangedHere),
            Err(error) => Err(Why::at_writing(&error)),
        }
    }
}

/// Opens the partial file of a transfer, made with the rights that the final file will have.
pub(super) fn open_part(partials: &Folder, name: &OsStr) -> rustix::io::Result<File> {
    partials.open_file(name, OFlags::RDWR | OFlags::CREATE, RIGHTS)
}
