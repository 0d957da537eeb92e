//! The file of an export: without a name until it is whole, so that nothing is left of it whatever happens, readable by its owner only, and in
//! nobody's place unless that was asked for. Where the file system knows no files without a name, it is hidden under another one.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::core::history::HistoryError;

/// Why there is no file; in words for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The path names no file.
    #[error("This is no name for a file. Choose another one.")]
    BadName,
    /// Its folder is not there.
    #[error("There is no such folder. Choose another place.")]
    FolderMissing,
    /// Something else stands there.
    #[error("A file of this name is there already. Choose another name, or say that it is to be replaced.")]
    Taken,
    /// A folder stands there.
    #[error("A folder of this name is there already. Choose another name.")]
    Folder,
    /// A link, a device, a pipe or a socket stands there: what it leads to is not ours to replace.
    #[error("What is there under this name is no plain file, and is not replaced. Choose another name.")]
    NoPlainFile,
    /// Keys and history of this account are there.
    #[error("Nothing is written into the profile's own folder. Choose another place.")]
    OwnProfile,
    /// No room.
    #[error("There is no room left on the disk. Make some, and try again.")]
    DiskFull,
    /// No right to, or the disk cannot.
    #[error("The file cannot be written there. Choose another place.")]
    NotWritable,
    /// The conversation cannot be read.
    #[error("The conversation could not be read from the disk, so nothing was written.")]
    History(#[from] HistoryError),
}

impl Trouble {
    /// Stable code for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadName => "bad_name",
            Self::FolderMissing => "folder_missing",
            Self::Taken | Self::Folder | Self::NoPlainFile => "name_taken",
            Self::OwnProfile => "own_profile",
            Self::DiskFull => "disk_full",
            Self::NotWritable => "not_writable",
            Self::History(_) => "history",
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Errno::from_io_error(&error).map_or(Self::NotWritable, Self::from)
    }
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => Self::DiskFull,
            Errno::NOENT | Errno::NOTDIR => Self::FolderMissing,
            Errno::NAMETOOLONG | Errno::INVAL => Self::BadName,
            Errno::EXIST => Self::Taken,
            Errno::ISDIR => Self::Folder,
            _ => Self::NotWritable,
        }
    }
}

/// A file that is being written. Dropped before it is whole, nothing is left of it.
pub(super) struct Target {
    folder: OwnedFd,
    file: File,
    /// The other name, where it has one.
    hidden: Option<OsString>,
    name: OsString,
    path: PathBuf,
    overwrite: bool,
}

/// Through this a file without a name gets one.
const OPEN_FILES: &str = "/proc/self/fd";

fn another_name() -> OsString {
    OsString::from(format!(".hobnob-{}.part", uuid::Uuid::new_v4().simple()))
}

/// Whether a file has the name, which is replaced where that was asked for. What else may stand there is never replaced.
fn is_taken(folder: &OwnedFd, name: &OsStr) -> Result<bool, Trouble> {
    match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) => match FileType::from_raw_mode(there.st_mode) {
            FileType::RegularFile => Ok(true),
            FileType::Directory => Err(Trouble::Folder),
            _ => Err(Trouble::NoPlainFile),
        },
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Target {
    /// Makes the file, where the place is a good one.
    pub(super) fn create(path: &Path, profile: &Path, overwrite: bool) -> Result<Self, Trouble> {
        let path = std::path::absolute(path).map_err(|_| Trouble::BadName)?;
        let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else { return Err(Trouble::BadName) };
        let real = std::fs::canonicalize(parent)?;
        if std::fs::canonicalize(profile).is_ok_and(|profile| real.starts_with(profile)) {
            return Err(Trouble::OwnProfile);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = fs::open(&real, flags, Mode::empty())?;
        if is_taken(&folder, name)? && !overwrite {
            return Err(Trouble::Taken);
        }
        let name = name.to_owned();
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let nameless = fs::openat(&folder, ".", flags, Mode::RUSR | Mode::WUSR).ok();
        let (file, hidden) = match nameless.filter(|_| Path::new(OPEN_FILES).is_dir()) {
            Some(file) => (File::from(file), None),
            None => Self::hidden(&folder)?,
        };
        Ok(Self { folder, file, hidden, name, path, overwrite })
    }

    /// A file under another name.
    fn hidden(folder: &OwnedFd) -> Result<(File, Option<OsString>), Trouble> {
        let hidden = another_name();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(folder, &hidden, flags, Mode::RUSR | Mode::WUSR)?;
        Ok((File::from(file), Some(hidden)))
    }

    /// Writes on.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<Self, Trouble> {
        self.file.write_all(bytes)?;
        Ok(self)
    }

    /// It is whole: gives it its name, once it is on the disk.
    pub(super) fn place(mut self) -> Result<PathBuf, Trouble> {
        self.file.sync_all()?;
        // Writing took its time, and something else may have come there.
        is_taken(&self.folder, &self.name)?;
        self.give_name()?;
        // It stands there, whole. Some file systems promise no more than that.
        if let Err(error) = fs::fsync(&self.folder) {
            tracing::warn!(%error, "an export may not survive a power cut");
        }
        Ok(self.path.clone())
    }

    fn give_name(&mut self) -> rustix::io::Result<()> {
        let hidden = match &self.hidden {
            Some(hidden) => hidden.clone(),
            None if !self.overwrite => return self.link(&self.name),
            // A name that is new cannot take another file's place, so it takes one that is moved there.
            None => {
                let hidden = another_name();
                self.link(&hidden)?;
                self.hidden.insert(hidden).clone()
            }
        };
        self.rename(&hidden)?;
        self.hidden = None;
        Ok(())
    }

    fn link(&self, to: &OsStr) -> rustix::io::Result<()> {
        let open = format!("{OPEN_FILES}/{}", self.file.as_raw_fd());
        fs::linkat(CWD, open, &self.folder, to, AtFlags::SYMLINK_FOLLOW)
    }

    fn rename(&self, hidden: &OsStr) -> rustix::io::Result<()> {
        if self.overwrite {
            return fs::renameat(&self.folder, hidden, &self.folder, &self.name);
        }
        match fs::renameat_with(&self.folder, hidden, &self.folder, &self.name, RenameFlags::NOREPLACE) {
            // File systems that cannot promise not to replace: a second name cannot replace either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                fs::linkat(&self.folder, hidden, &self.folder, &self.name, AtFlags::empty())?;
                fs::unlinkat(&self.folder, hidden, AtFlags::empty())
            }
            other => other,
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden
            && let Err(error) = fs::unlinkat(&self.folder, hidden, AtFlags::empty())
        {
            tracing::warn!(%error, "what was written of an export stays");
        }
    }
}

#[cfg(test)]
impl Target {
    /// As where the file system knows no files without a name.
    pub(super) fn hide(mut self) -> Self {
        let hidden = Self::hidden(&self.folder);
        if let Ok((file, hidden)) = hidden {
            (self.file, self.hidden) = (file, hidden);
        }
        self
    }

    pub(super) fn is_nameless(&self) -> bool {
        self.hidden.is_none()
    }
}
