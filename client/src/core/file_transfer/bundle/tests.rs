//! Folders from disk to disk without a network between: equal trees, breaks, changes under way, and listings that no honest sender makes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use hobnob_shared::codec::to_cbor;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::limits::{self, GROUP};
use hobnob_shared::message::{FolderOffer, ListedEntry, Listing};
use proptest::prelude::*;

use super::layout::Layout;
use super::outgoing::Outgoing;
use super::snapshot::Snapshot;
use crate::core::file_transfer::folder::Place;
use crate::core::file_transfer::partial::{self, Partial};
use crate::core::file_transfer::source::{self, Material, Sent};
use crate::core::file_transfer::tree::{group_hash, group_len, groups};
use crate::core::file_transfer::why::Why;

struct Desk {
    home: tempfile::TempDir,
    /// Where the receiver wants it.
    downloads: PathBuf,
    id: TransferId,
    offer: FolderOffer,
    size: u64,
}

/// A folder that has everything, offered.
fn desk() -> Desk {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("my photos");
    std::fs::create_dir_all(root.join("2026/summer/empty")).unwrap();
    std::fs::create_dir_all(root.join("2026/winter")).unwrap();
    let mut noise = blake3::Hasher::new().finalize_xof();
    let mut write = |name: &str, size: usize| {
        let mut bytes = vec![0; size];
        noise.fill(&mut bytes);
        std::fs::write(root.join(name), bytes).unwrap();
    };
    write("2026/summer/large.raw", 2 * GROUP + 77);
    write("2026/summer/a.jpg", 4_000);
    write("2026/winter/ünï.txt", 11);
    write("2026/winter/zero", 0);
    write("run.sh", 500);
    write(".hidden", 20);
    write("z-last.bin", GROUP);
    std::fs::set_permissions(root.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", root.join("link")).unwrap();
    symlink("/etc", root.join("linked folder")).unwrap();
    let downloads = home.path().join("downloads");
    std::fs::create_dir(&downloads).unwrap();
    let mut desk = Desk {
        home,
        downloads,
        id: TransferId::new(),
        offer: FolderOffer { files: 0, listing: Hash([0; 32]), length: 0 },
        size: 0,
    };
    desk.offer();
    desk
}

impl Desk {
    fn root(&self) -> PathBuf {
        self.home.path().join("my photos")
    }

    fn sender(&self) -> PathBuf {
        self.home.path().join("sender/partial")
    }

    fn receiver(&self) -> PathBuf {
        self.home.path().join("receiver/partial")
    }

    fn offer(&mut self) {
        let offered = source::look(&self.root(), Path::new("/nowhere")).unwrap();
        assert_eq!(offered.name, "my photos");
        offered.folder.unwrap().save(&self.sender(), &[self.id]).unwrap();
        (self.offer, self.size) = (offered.offer.unwrap(), offered.size);
    }

    fn partial(&self) -> Partial {
        Partial::open(&self.receiver(), self.id, self.size, Some(&self.offer)).unwrap()
    }

    /// Moves groups until there are `until`, calling `before` ahead of each.
    fn carry(&self, until: u64, mut before: impl FnMut(u64)) -> (Outgoing, Sent, Partial) {
        let mut partial = self.partial();
        let from = partial.have();
        let mut outgoing = Outgoing::open(&self.sender(), self.id, from).unwrap();
        if from == 0 {
            for part in outgoing.listing().to_vec().chunks(100) {
                partial.take_listing(part).unwrap();
            }
        }
        let mut sent = Sent::open(&self.sender(), self.id, &mut outgoing, from).unwrap();
        let mut bytes = Vec::new();
        for index in from..groups(self.size).min(until) {
            before(index);
            bytes.resize(group_len(index, self.size), 1);
            outgoing.read(index, &mut bytes).unwrap();
            let hash = group_hash(index, self.size, &bytes);
            sent.push(hash).unwrap();
            partial.write(index, &hash, &bytes).unwrap();
        }
        (outgoing, sent, partial)
    }

    fn finish(&self, before: impl FnMut(u64)) -> (PathBuf, Vec<(String, WireCode)>) {
        let (outgoing, sent, partial) = self.carry(u64::MAX, before);
        let place = Place::in_downloads(&self.downloads, "my photos").unwrap();
        let (path, missing) = partial.finish(&place, sent.tree().clone().root(), &outgoing.skipped()).unwrap();
        assert_eq!(missing, outgoing.missing(), "both sides tell the same");
        (path, missing.first.into_iter().map(|one| (one.path, one.code)).collect())
    }
}

/// All below a folder: what files hold, and `None` for folders.
fn tree(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = std::fs::symlink_metadata(&path).unwrap();
            if kind.is_symlink() {
                continue;
            }
            let holds = kind.is_file().then(|| std::fs::read(&path).unwrap());
            if holds.is_none() {
                open.push(path.clone());
            }
            found.insert(path.strip_prefix(root).unwrap().to_owned(), holds);
        }
    }
    found
}

#[test]
fn a_folder_arrives_equal_without_links_and_rights_to_run() {
    let desk = desk();
    let (path, skipped) = desk.finish(|_| ());
    assert_eq!((path.clone(), skipped), (desk.downloads.join("my photos"), Vec::new()));
    assert_eq!(tree(&path), tree(&desk.root()));
    assert_eq!(std::fs::metadata(path.join("run.sh")).unwrap().mode() & 0o133, 0);
    assert!(std::fs::symlink_metadata(path.join("link")).is_err());
    assert_eq!(Snapshot::take(&desk.root()).unwrap().left_out, 2);
    // A crash just after that does not bring it again; erased, nothing of it is left in the profiles.
    assert!(partial::finished_before(&desk.receiver(), desk.id).is_some_and(|before| before.path == path));
    source::forget_all(&desk.receiver(), desk.id);
    source::forget_all(&desk.sender(), desk.id);
    assert_eq!((tree(&desk.receiver()).len(), tree(&desk.sender()).len()), (0, 0));
    // The same again stands beside it.
    let again = Desk { id: TransferId::new(), ..desk };
    let mut again = again;
    again.offer();
    assert_eq!(again.finish(|_| ()).0, again.downloads.join("my photos (1)"));
}

#[test]
fn wherever_it_breaks_it_goes_on_there_and_nothing_has_its_name_before() {
    for broken in 0..5 {
        let desk = desk();
        drop(desk.carry(broken, |_| ()));
        assert_eq!(tree(&desk.downloads).len(), 0);
        let mut first = None;
        let (path, _) = desk.finish(|index| {
            first.get_or_insert(index);
        });
        assert_eq!(first.unwrap_or(4), broken.min(4));
        assert_eq!(tree(&path), tree(&desk.root()));
    }
}

#[test]
fn after_a_restart_of_the_machine_what_the_disk_lost_comes_again() {
    let desk = desk();
    drop(desk.carry(3, |_| ()));
    // The third group never reached the disk, and its counter is of another run of the kernel.
    let groups = desk.receiver().join(format!("{}.groups", desk.id));
    std::fs::OpenOptions::new().write(true).open(groups).unwrap().write_all_at(&[0; 16], 40).unwrap();
    let large = desk.receiver().join(format!("{}.tree/2026/summer/large.raw", desk.id));
    std::fs::OpenOptions::new().write(true).open(large).unwrap().set_len(2 * GROUP as u64).unwrap();
    let mut first = None;
    let (path, _) = desk.finish(|index| {
        first.get_or_insert(index);
    });
    assert_eq!((first, tree(&path)), (Some(2), tree(&desk.root())));
}

type Change<'a> = &'a dyn Fn(&Path);

#[test]
fn a_file_that_changes_under_way_is_left_out_and_the_rest_is_whole() {
    let change: [(&str, Change<'_>, WireCode); 2] = [
        ("edited", &|path| std::fs::write(path, b"short").unwrap(), WireCode::SourceChanged),
        (
            "appended to",
            &|path| {
                let size = std::fs::metadata(path).unwrap().len();
                std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"more", size).unwrap();
            },
            WireCode::SourceChanged,
        ),
    ];
    for (what, change, code) in change {
        let desk = desk();
        let large = "2026/summer/large.raw";
        // Its first bytes are out; what was in it then is not what is in it now.
        let mut expected = tree(&desk.root());
        let (path, skipped) = desk.finish(|index| {
            if index == 1 {
                change(&desk.root().join(large));
            }
        });
        assert_eq!(skipped, [(large.to_owned(), code)], "{what}");
        expected.remove(Path::new(large));
        assert_eq!(tree(&path), expected, "{what}");
    }
}

#[test]
fn a_file_that_is_removed_or_replaced_while_it_is_read_is_sent_as_it_was() {
    let replace = |path: &Path| {
        std::fs::remove_file(path).unwrap();
        symlink("/etc/passwd", path).unwrap();
    };
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let change: [Change<'_>; 2] = [&remove, &replace];
    for change in change {
        let desk = desk();
        let expected = tree(&desk.root());
        let (path, skipped) = desk.finish(|index| {
            if index == 1 {
                change(&desk.root().join("2026/summer/large.raw"));
            }
        });
        assert_eq!((skipped, tree(&path)), (Vec::new(), expected));
    }
}

#[test]
fn a_disk_that_is_gone_is_not_a_folder_of_skipped_files() {
    let desk = desk();
    drop(desk.carry(1, |_| ()));
    // As a stick that was taken out leaves its mount point.
    std::fs::rename(desk.root(), desk.home.path().join("aside")).unwrap();
    std::fs::create_dir(desk.root()).unwrap();
    let mut outgoing = Outgoing::open(&desk.sender(), desk.id, 1).unwrap();
    assert_eq!(outgoing.read(1, &mut vec![0; GROUP]), Err(Why::SourceGone));
    // Back again, it goes on with every file.
    std::fs::remove_dir(desk.root()).unwrap();
    std::fs::rename(desk.home.path().join("aside"), desk.root()).unwrap();
    let (path, skipped) = desk.finish(|_| ());
    assert_eq!((skipped, tree(&path)), (Vec::new(), tree(&desk.root())));
}

#[test]
fn what_is_kept_of_an_offer_lasts_as_long_as_it_may_be_resumed() {
    let desk = desk();
    drop(desk.carry(2, |_| ()));
    source::begin_anew(&desk.sender(), desk.id);
    source::begin_anew(&desk.receiver(), desk.id);
    assert_eq!(tree(&desk.receiver()).len(), 0);
    assert_eq!(tree(&desk.finish(|_| ()).0), tree(&desk.root()));
}

#[test]
fn a_tree_that_lost_a_folder_is_made_whole_again_or_begun_anew() {
    let desk = desk();
    drop(desk.carry(1, |_| ()));
    let kept = desk.receiver().join(format!("{}.tree", desk.id));
    std::fs::remove_dir(kept.join("2026/summer/empty")).unwrap();
    std::fs::remove_file(kept.join("2026/winter/zero")).unwrap();
    assert_eq!(tree(&desk.finish(|_| ()).0), tree(&desk.root()));

    let other = Desk { id: TransferId::new(), ..desk };
    let mut other = other;
    other.offer();
    let (outgoing, sent, partial) = other.carry(u64::MAX, |_| ());
    std::fs::remove_file(other.receiver().join(format!("{}.tree/run.sh", other.id))).unwrap();
    let place = Place::in_downloads(&other.downloads, "other").unwrap();
    assert_eq!(
        partial.finish(&place, sent.tree().clone().root(), &outgoing.skipped()),
        Err(Why::ChangedHere),
        "no folder gets its name without one of its files"
    );
}

#[test]
fn the_profile_with_its_keys_is_not_sent() {
    let desk = desk();
    let profile = desk.root().join("2026");
    for path in [desk.root(), profile.clone(), profile.join("winter/zero")] {
        assert_eq!(source::look(&path, &profile).err(), Some(Why::OwnProfile), "{}", path.display());
    }
    assert!(source::look(&desk.root().join("run.sh"), &profile).is_ok());
}

#[test]
fn what_was_skipped_before_a_break_stays_so_even_if_it_is_back() {
    let desk = desk();
    let (last, aside) = (desk.root().join("2026/summer/a.jpg"), desk.home.path().join("aside"));
    std::fs::rename(&last, &aside).unwrap();
    drop(desk.carry(2, |_| ()));
    std::fs::rename(&aside, &last).unwrap();
    let (path, skipped) = desk.finish(|_| ());
    assert_eq!(skipped, [("2026/summer/a.jpg".to_owned(), WireCode::SourceGone)]);
    assert!(!path.join("2026/summer/a.jpg").exists());
    assert!(path.join("2026/summer/large.raw").exists());
}

#[test]
fn onto_another_file_system_it_is_copied_and_only_then_named() {
    let mut desk = desk();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("SKIPPED: no second file system");
        return;
    };
    other.path().join("downloads").clone_into(&mut desk.downloads);
    let edited = desk.root().join("run.sh");
    let (path, skipped) = desk.finish(|index| {
        if index == 0 {
            std::fs::write(&edited, b"another").unwrap();
        }
    });
    assert_eq!(skipped.len(), 1);
    let mut expected = tree(&desk.root());
    expected.remove(Path::new("run.sh"));
    assert_eq!(tree(&path), expected);
    assert_eq!(std::fs::read_dir(&desk.downloads).unwrap().count(), 1, "no hidden copy is left");
    assert!(!desk.receiver().join(format!("{}.tree", desk.id)).exists());
}

fn file(parent: Option<u32>, name: &str, size: u64) -> ListedEntry {
    ListedEntry { parent, name: name.to_owned(), size: Some(size) }
}

fn folder(parent: Option<u32>, name: &str) -> ListedEntry {
    ListedEntry { parent, name: name.to_owned(), size: None }
}

fn offer_of(entries: Vec<ListedEntry>) -> (Listing, FolderOffer, u64) {
    let listing = Listing { entries };
    let bytes = to_cbor(&listing).unwrap();
    let sizes = listing.entries.iter().filter_map(|entry| entry.size);
    let offer = FolderOffer {
        files: u32::try_from(sizes.clone().count()).unwrap(),
        listing: Hash(*blake3::hash(&bytes).as_bytes()),
        length: u32::try_from(bytes.len()).unwrap(),
    };
    let size = sizes.fold(0_u64, u64::saturating_add);
    (listing, offer, size)
}

#[test]
fn a_listing_that_no_honest_sender_makes_is_refused() {
    let deep = (0..40).map(|n: u32| folder(n.checked_sub(1), "deeper")).collect();
    let cases = [
        ("in itself", vec![folder(Some(0), "a")]),
        ("in what comes later", vec![file(Some(1), "a", 1), folder(None, "b")]),
        ("in a file", vec![file(None, "a", 1), file(Some(0), "b", 1)]),
        ("nowhere", vec![file(Some(u32::MAX), "a", 1)]),
        ("too deep", deep),
        ("more bytes than there are", vec![file(None, "a", u64::MAX), file(None, "b", 1)]),
        ("a name that does not end", vec![file(None, &"x".repeat(5_000), 1)]),
    ];
    for (what, entries) in cases {
        let (listing, offer, size) = offer_of(entries);
        assert!(Layout::new(&listing, &offer, size).is_err(), "{what}");
    }
    let (listing, offer, size) = offer_of(vec![file(None, "a", 5)]);
    assert!(Layout::new(&listing, &offer, size).is_ok());
    assert!(Layout::new(&listing, &offer, size + 1).is_err(), "other bytes than offered");
    assert!(Layout::new(&listing, &FolderOffer { files: 2, ..offer }, size).is_err(), "other files than offered");
    let many = (0..=limits::LISTED).map(|_| file(None, "a", 0)).collect();
    let (listing, offer, size) = offer_of(many);
    assert!(Layout::new(&listing, &offer, size).is_err(), "too many");
    let read: Result<Listing, _> = hobnob_shared::codec::from_cbor(&to_cbor(&listing).unwrap());
    assert!(read.is_err(), "too many to be read at all");
}

#[test]
fn names_from_a_listing_stay_in_the_folder_and_apart_from_each_other() {
    let names =
        ["../../up", "/etc/passwd", "..", ".", "", "con", "a", "A", "a", "x\u{202e}y", "a/b/c", ".bashrc", "\0"];
    let (listing, offer, size) = offer_of(names.iter().map(|name| file(None, name, 0)).collect());
    let layout = Layout::new(&listing, &offer, size).unwrap();
    let kept: Vec<&str> = layout.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        kept,
        [
            "up", "passwd", "file", "file (1)", "file (2)", "con_", "a", "A (1)", "a (2)", "xy", "c", ".bashrc",
            "file (3)"
        ]
    );
}

#[test]
fn a_hundred_thousand_of_one_name_are_told_apart_in_a_moment() {
    let (listing, offer, size) = offer_of((0..limits::LISTED).map(|_| file(None, "photo.jpg", 0)).collect());
    let layout = Layout::new(&listing, &offer, size).unwrap();
    let names: std::collections::BTreeSet<&str> = layout.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names.len(), limits::LISTED);
    assert!(names.contains("photo (99999).jpg"));
}

#[test]
fn a_stream_that_breaks_the_rules_of_a_folder_is_ended() {
    let home = tempfile::tempdir().unwrap();
    let (listing, offer, size) = offer_of(vec![folder(None, "in"), file(Some(0), "a", 5), file(None, "b", 3)]);
    let bytes = to_cbor(&listing).unwrap();
    let open = || Partial::open(home.path(), TransferId::new(), size, Some(&offer)).unwrap();
    let hash = group_hash(0, size, b"12345678");
    assert_eq!(open().write(0, &hash, b"12345678"), Err(Why::Protocol("group before the listing")));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(open().take_listing(&longer), Err(Why::Protocol("listing longer than offered")));
    let mut other = bytes.clone();
    other[3] ^= 1;
    assert_eq!(open().take_listing(&other), Err(Why::HashMismatch));
    let mut plain = Partial::open(home.path(), TransferId::new(), size, None).unwrap();
    assert_eq!(plain.take_listing(&bytes), Err(Why::Protocol("listing of a file")));
    let place = Place::in_downloads(&home.path().join("downloads"), "x").unwrap();
    for entry in [0, 3, u32::MAX] {
        let mut partial = open();
        partial.take_listing(&bytes).unwrap();
        partial.write(0, &hash, b"12345678").unwrap();
        let skipped = [hobnob_shared::message::SkippedFile { entry, code: WireCode::SourceGone }];
        assert_eq!(
            partial.finish(&place, Hash(hash), &skipped),
            Err(Why::Protocol("skipped what is no file")),
            "{entry}"
        );
    }
    assert_eq!(tree(&home.path().join("downloads")).len(), 0);
}

proptest! {
    #[test]
    fn the_pieces_of_any_range_are_exactly_its_bytes(sizes in prop::collection::vec(0_u64..50, 0..20), at in 0_u64..1_000, len in 0_usize..300) {
        let (listing, offer, size) = offer_of(sizes.iter().map(|size| file(None, "f", *size)).collect());
        let layout = Layout::new(&listing, &offer, size).unwrap();
        let mut expected: Vec<(usize, u64)> = Vec::new();
        for (entry, size) in sizes.iter().enumerate() {
            expected.extend((0..*size).map(|byte| (entry, byte)));
        }
        let begin = usize::try_from(at).unwrap().min(expected.len());
        let end = (begin + len).min(expected.len());
        let at = begin as u64;
        let mut found = Vec::new();
        for piece in layout.pieces(at, len) {
            let bytes = piece.from..piece.from + piece.len as u64;
            prop_assert_eq!(piece.last, bytes.end == sizes[piece.entry]);
            found.extend(bytes.map(|byte| (piece.entry, byte)));
        }
        prop_assert_eq!(&found, &expected[begin..end]);
    }
}
