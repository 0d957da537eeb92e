//! A small file of group hashes beside a partial or a sent file. The first 64 bytes say what it belongs to; each group's hash follows at its
//! own place, so that writing one again changes nothing.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, OFlags};

use super::folder::Folder;
use super::tree::GroupHash;

/// First bytes: name and version of this layout.
const MAGIC: [u8; 8] = *b"HBGROUP1";
/// Magic, key, boot id, and room for later.
const HEADER_LEN: usize = 64;
const HEADER: u64 = HEADER_LEN as u64;
const HASH: u64 = 32;

/// What stands where no hash was written; no group has this one.
pub const MISSING: GroupHash = [0; 32];

/// Of this run of the kernel; what was written during it is still seen, whatever program died.
pub type BootId = [u8; 16];

/// Reads the kernel's name for its own run. Where there is none, a random one makes every start a new run.
pub fn boot_id() -> BootId {
    static ID: std::sync::OnceLock<BootId> = std::sync::OnceLock::new();
    *ID.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        uuid::Uuid::parse_str(text.trim()).unwrap_or_else(|_| uuid::Uuid::new_v4()).into_bytes()
    })
}

/// What a sidecar said when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it belongs to.
    pub key: [u8; 32],
    /// When it was written.
    pub boot: BootId,
}

/// An open sidecar.
#[derive(Debug)]
pub struct Sidecar {
    file: File,
}

impl Sidecar {
    /// Opens or makes the file `name`; says what was in it.
    pub fn open(folder: &Folder, name: &OsStr) -> io::Result<(Self, Option<Found>)> {
        let file = folder.open_file(name, OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o600))?;
        let mut header = [0; HEADER_LEN];
        let found = match file.read_exact_at(&mut header, 0) {
            Ok(()) => parse(&header),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        Ok((Self { file }, found))
    }

    /// Begins anew.
    pub fn reset(&mut self, key: [u8; 32]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.write_header(key)
    }

    /// Keeps the first `groups` hashes and marks them as of this run; those behind are gone.
    pub fn keep(&mut self, key: [u8; 32], groups: u64) -> io::Result<()> {
        self.file.set_len(HEADER + groups * HASH)?;
        self.write_header(key)
    }

    fn write_header(&mut self, key: [u8; 32]) -> io::Result<()> {
        let mut header = MAGIC.to_vec();
        header.extend(key);
        header.extend(boot_id());
        header.resize(HEADER_LEN, 0);
        self.file.write_all_at(&header, 0)
    }

    /// Stores the hash of one group.
    pub fn write(&mut self, index: u64, hash: &GroupHash) -> io::Result<()> {
        self.file.write_all_at(hash, HEADER + index * HASH)
    }

    /// The hash of one group, if it is stored.
    pub fn get(&self, index: u64) -> io::Result<Option<GroupHash>> {
        let mut hash = GroupHash::default();
        match self.file.read_exact_at(&mut hash, HEADER + index * HASH) {
            Ok(()) => Ok(Some(hash).filter(|hash| *hash != MISSING)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All hashes in order.
    pub fn read(&self) -> io::Result<Hashes<'_>> {
        let mut reader = BufReader::new(&self.file);
        reader.seek(SeekFrom::Start(HEADER))?;
        Ok(Hashes { reader })
    }
}

fn parse(header: &[u8]) -> Option<Found> {
    let (magic, rest) = header.split_first_chunk::<8>()?;
    let (key, rest) = rest.split_first_chunk::<32>()?;
    let (boot, _) = rest.split_first_chunk::<16>()?;
    (*magic == MAGIC).then_some(Found { key: *key, boot: *boot })
}

/// Reads hashes one by one; a torn one at the end does not count.
pub struct Hashes<'a> {
    reader: BufReader<&'a File>,
}

impl Hashes<'_> {
    /// The next, which may be [`MISSING`], or `None` at the end.
    pub fn next_hash(&mut self) -> io::Result<Option<GroupHash>> {
        let mut hash = GroupHash::default();
        match self.reader.read_exact(&mut hash) {
            Ok(()) => Ok(Some(hash)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}
