//! Reads a folder that is sent, as the one row of bytes that it is on the wire. A file that is not as it was when the folder was offered is
//! skipped: zeros stand in its place, and the receiver is told, so that nobody keeps a mixture of two states.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::message::{Listing, SkippedFile};
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::layout::{Layout, Piece};
use super::snapshot::{self, Snapshot, Trouble, trouble};
use crate::core::file_transfer::folder::Folder;
use crate::core::file_transfer::pump::{Missing, Skipped, TOLD};
use crate::core::file_transfer::source::{Material, Stamp};
use crate::core::file_transfer::tree::{GROUP_SIZE, GroupHash, group_hash};
use crate::core::file_transfer::why::Why;

/// Place and reason of one skipped file in its record.
const RECORD: usize = 5;

/// See the module.
#[derive(Debug)]
pub struct Outgoing {
    snapshot: Snapshot,
    layout: Layout,
    listing: Vec<u8>,
    key: Hash,
    size: u64,
    root: OwnedFd,
    open: Option<(usize, File, Stamp)>,
    skipped: BTreeMap<usize, WireCode>,
    /// Survives this program: what was skipped before a break stays so.
    record: File,
    /// Records of this group that are not on the disk yet.
    fresh: Vec<u8>,
}

/// Where it is kept what was skipped.
pub fn record_name(transfer: TransferId) -> OsString {
    format!("{transfer}.skipped").into()
}

impl Outgoing {
    /// What was offered as `transfer`; from its beginning nothing is skipped yet.
    pub fn open(partials: &Path, transfer: TransferId, from: u64) -> Result<Self, Why> {
        let folder = Folder::create_private(partials)?;
        let snapshot = Snapshot::load(&folder, transfer)?;
        let (listing, offer, size) = (snapshot.listing()?, snapshot.offer()?, snapshot.size());
        let listed: Listing = hobnob_shared::codec::from_cbor(&listing).map_err(|_| Why::Internal("own listing"))?;
        let layout = Layout::new(&listed, &offer, size)?;
        let root = snapshot::open_root(&snapshot.root())?;
        let trouble = |_: std::io::Error| Why::Internal("cannot use the profile");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND;
        let record = folder
            .open_file(&record_name(transfer), flags, Mode::from_raw_mode(0o600))
            .map_err(|_| Why::Internal("cannot use the profile"))?;
        if from == 0 {
            record.set_len(0).map_err(trouble)?;
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut &record, &mut bytes).map_err(trouble)?;
        // A record that a crash tore is none, and the next must not stand behind half of it.
        record.set_len((bytes.len() - bytes.len() % RECORD) as u64).map_err(trouble)?;
        let skipped = bytes.chunks_exact(RECORD).filter_map(|one| {
            let (place, reason) = one.split_first_chunk::<4>()?;
            Some((usize::try_from(u32::from_be_bytes(*place)).ok()?, if reason == [1] { GONE } else { CHANGED }))
        });
        let skipped = skipped.collect();
        Ok(Self {
            snapshot,
            layout,
            listing,
            key: offer.listing,
            size,
            root,
            open: None,
            skipped,
            record,
            fresh: Vec::new(),
        })
    }

    /// The listing, as bytes of the wire.
    pub fn listing(&self) -> &[u8] {
        &self.listing
    }

    /// What was skipped so far, in order.
    pub fn skipped(&self) -> Vec<SkippedFile> {
        let file = |(place, code): (&usize, &WireCode)| {
            u32::try_from(*place).ok().map(|entry| SkippedFile { entry, code: code.clone() })
        };
        self.skipped.iter().filter_map(file).collect()
    }

    /// The same, for people.
    pub fn missing(&self) -> Missing {
        let file = |(place, code): (&usize, &WireCode)| {
            let path = self.layout.path(*place).to_string_lossy().into_owned();
            Skipped { path, code: code.clone() }
        };
        let count = u32::try_from(self.skipped.len()).unwrap_or(u32::MAX);
        Missing { count, first: self.skipped.iter().take(TOLD).map(file).collect() }
    }

    fn fill(&mut self, piece: &Piece, bytes: &mut [u8]) -> Result<(), Trouble> {
        let found = self.snapshot.found.get(piece.entry).and_then(|found| found.file);
        let state = found.ok_or(Trouble::All(Why::Internal("own layout")))?;
        let trouble = |error: std::io::Error| trouble(Errno::from_io_error(&error).unwrap_or(Errno::IO));
        if self.open.as_ref().is_none_or(|(entry, ..)| *entry != piece.entry) {
            self.open = None;
            let file = snapshot::open_in(&self.root, &self.snapshot.path(piece.entry))?;
            let data = file.metadata().map_err(trouble)?;
            if !data.is_file() || Stamp::of(&data).state != state {
                return Err(Trouble::File(Why::SourceChanged));
            }
            self.open = Some((piece.entry, file, Stamp::of(&data)));
        }
        let Some((_, file, stamp)) = &self.open else { return Err(Trouble::All(Why::Internal("no file"))) };
        file.read_exact_at(bytes, piece.from).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Trouble::File(Why::SourceChanged),
            _ => trouble(error),
        })?;
        if piece.last {
            // Written to meanwhile, it may be a mixture. Removed or replaced, what was read is still what was offered.
            let same = Stamp::of(&file.metadata().map_err(trouble)?) == *stamp;
            self.open = None;
            return if same { Ok(()) } else { Err(Trouble::File(Why::SourceChanged)) };
        }
        Ok(())
    }

    /// Something of what was found at the top is still there: otherwise it is not one file that is gone, but the disk, or the folder.
    fn is_there(&self) -> bool {
        let mut top = self.snapshot.found.iter().enumerate().filter(|(_, found)| found.parent.is_none());
        top.any(|(place, _)| fs::statat(&self.root, self.snapshot.path(place), AtFlags::SYMLINK_NOFOLLOW).is_ok())
    }

    fn skip(&mut self, place: usize, why: &Why) {
        let code = if *why == Why::SourceChanged { CHANGED } else { GONE };
        self.fresh.extend(u32::try_from(place).unwrap_or(u32::MAX).to_be_bytes());
        self.fresh.push(u8::from(code == GONE));
        self.skipped.insert(place, code);
    }

    /// On the disk before its zeros are sent: after a crash of the machine they could be taken for the file.
    fn record(&mut self) -> Result<(), Why> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let fresh = std::mem::take(&mut self.fresh);
        let kept = std::io::Write::write_all(&mut &self.record, &fresh).and_then(|()| self.record.sync_data());
        kept.map_err(|_| Why::Internal("cannot use the profile"))
    }
}

const CHANGED: WireCode = WireCode::SourceChanged;
const GONE: WireCode = WireCode::SourceGone;

impl Material for Outgoing {
    fn size(&self) -> u64 {
        self.size
    }

    fn key(&self) -> [u8; 32] {
        self.key.0
    }

    fn read(&mut self, index: u64, bytes: &mut [u8]) -> Result<GroupHash, Why> {
        let pieces: Vec<Piece> = self.layout.pieces(index * GROUP_SIZE, bytes.len()).collect();
        let mut rest = &mut *bytes;
        for piece in pieces {
            let (part, behind) = rest.split_at_mut_checked(piece.len).ok_or(Why::Internal("own layout"))?;
            rest = behind;
            if self.skipped.contains_key(&piece.entry) {
                part.fill(0);
                continue;
            }
            match self.fill(&piece, part) {
                Ok(()) => {}
                Err(Trouble::All(why)) => return Err(why),
                Err(Trouble::File(why)) => {
                    self.open = None;
                    if why == Why::SourceGone && !self.is_there() {
                        return Err(Why::SourceGone);
                    }
                    part.fill(0);
                    self.skip(piece.entry, &why);
                }
            }
        }
        self.record()?;
        if rest.is_empty() { Ok(group_hash(index, self.size, bytes)) } else { Err(Why::Internal("own layout")) }
    }

    fn check_same(&self) -> Result<(), Why> {
        // Each file is looked at where it begins and ends.
        Ok(())
    }
}
