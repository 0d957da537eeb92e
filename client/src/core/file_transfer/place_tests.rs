//! Where files end, and what is kept of unfinished ones, on real folders.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::limits::GROUP;
use proptest::prelude::*;

use super::folder::Place;
use super::partial::{self, Before, Partial};
use super::pump::Missing;
use super::source::{Material as _, Source, look};
use super::tree::group_hash;
use super::why::Why;

struct Desk {
    _folder: tempfile::TempDir,
    downloads: PathBuf,
    partials: PathBuf,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let (downloads, partials) = (folder.path().join("downloads"), folder.path().join("profile/partial"));
    std::fs::create_dir(&downloads).unwrap();
    Desk { _folder: folder, downloads, partials }
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|n| u8::try_from(n % 253).unwrap()).collect()
}

impl Desk {
    fn filled(&self, id: TransferId, bytes: &[u8]) -> Partial {
        let size = bytes.len() as u64;
        let mut partial = Partial::open(&self.partials, id, size, None).unwrap();
        let from = usize::try_from(partial.have()).unwrap();
        for (index, group) in (0..).zip(bytes.chunks(GROUP)).skip(from) {
            partial.write(index, &group_hash(index, size, group), group).unwrap();
        }
        partial
    }

    fn finish(&self, place: &Place, bytes: &[u8]) -> Result<PathBuf, Why> {
        self.filled(TransferId::new(), bytes)
            .finish(place, Hash(*blake3::hash(bytes).as_bytes()), &[])
            .map(|(path, _)| path)
    }

    fn place(&self, name: &str) -> Place {
        Place::in_downloads(&self.downloads, name).unwrap()
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn taken_names_get_numbers_and_nothing_is_ever_replaced_or_followed() {
    let desk = desk();
    let outside = desk.downloads.with_file_name("outside");
    std::fs::write(&outside, "mine").unwrap();
    symlink(&outside, desk.downloads.join("a.txt")).unwrap();
    symlink("/nowhere", desk.downloads.join("a (1).txt")).unwrap();
    std::fs::create_dir(desk.downloads.join("a (2).txt")).unwrap();
    let place = desk.place("../a.txt");
    for n in 3..6 {
        assert_eq!(desk.finish(&place, b"theirs").unwrap(), desk.downloads.join(format!("a ({n}).txt")));
    }
    assert_eq!(std::fs::read(&outside).unwrap(), b"mine");
    assert!(std::fs::read_dir(desk.downloads.join("a (2).txt")).unwrap().next().is_none());
}

#[test]
fn save_as_replaces_exactly_the_chosen_file() {
    let desk = desk();
    let chosen = desk.downloads.join("chosen");
    std::fs::write(&chosen, "old").unwrap();
    let place = Place::exactly(&chosen, false).unwrap();
    assert_eq!(desk.finish(&place, b"new").unwrap(), chosen);
    assert_eq!(std::fs::read(&chosen).unwrap(), b"new");
    assert_eq!(entries(&desk.downloads), ["chosen"]);
    assert_eq!(Place::exactly(&desk.downloads, false).err(), Some(Why::NameTaken));
    assert_eq!(Place::exactly(&desk.downloads.join("no/such"), false).err(), Some(Why::FolderMissing));
    assert_eq!(Place::exactly(Path::new("/"), false).err(), Some(Why::BadName));
}

#[test]
fn a_folder_that_is_missing_a_file_or_another_one_by_now_is_refused() {
    let desk = desk();
    assert!(Place::in_downloads(&desk.downloads.join("new/newer"), "x").is_ok(), "what is missing is made");
    std::fs::write(desk.downloads.join("file"), "").unwrap();
    assert_eq!(Place::in_downloads(&desk.downloads.join("file"), "x").err(), Some(Why::FolderMissing));

    let place = desk.place("x");
    let elsewhere = desk.downloads.with_file_name("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::rename(&desk.downloads, desk.downloads.with_file_name("moved")).unwrap();
    symlink(&elsewhere, &desk.downloads).unwrap();
    assert_eq!(desk.finish(&place, b"bytes"), Err(Why::FolderReplaced));
    assert!(entries(&elsewhere).is_empty());
    std::fs::remove_file(&desk.downloads).unwrap();
    assert_eq!(desk.finish(&place, b"bytes"), Err(Why::FolderMissing));
}

#[test]
fn another_disk_gets_a_verified_copy_and_nothing_hidden_stays() {
    let desk = desk();
    let shared_memory = Path::new("/dev/shm");
    let other_disk = std::fs::metadata(shared_memory)
        .is_ok_and(|data| data.dev() != std::fs::metadata(&desk.downloads).unwrap().dev());
    let Some(folder) = other_disk.then(|| tempfile::tempdir_in(shared_memory).ok()).flatten() else {
        eprintln!("SKIPPED: no second disk at /dev/shm");
        return;
    };
    let content = bytes(3 * GROUP + 11);
    let place = Place::in_downloads(folder.path(), "b.bin").unwrap();
    std::fs::write(folder.path().join("b.bin"), "mine").unwrap();
    let path = desk.finish(&place, &content).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o133, 0);
    assert_eq!(entries(folder.path()), ["b (1).bin", "b.bin"]);
    // What was damaged on this disk after it was verified is noticed while it is copied.
    let id = TransferId::new();
    let partial = desk.filled(id, &content);
    let part = desk.partials.join(format!("{id}.part"));
    std::fs::OpenOptions::new().write(true).open(part).unwrap().write_all_at(b"!", 5).unwrap();
    assert_eq!(partial.finish(&place, Hash(*blake3::hash(&content).as_bytes()), &[]), Err(Why::ChangedHere));
    assert_eq!(entries(folder.path()), ["b (1).bin", "b.bin"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Whatever the order, and however often it is opened again: each group counts once, and all of them are the file.
    #[test]
    fn groups_in_any_order_over_any_breaks_make_the_file(
        order in Just((0..9_u64).collect::<Vec<_>>()).prop_shuffle(),
        breaks in prop::collection::btree_set(1..9_usize, 0..4),
        again in any::<bool>(),
    ) {
        let (desk, content, id) = (desk(), bytes(8 * GROUP + 5), TransferId::new());
        let size = content.len() as u64;
        let group = |index: u64| content.chunks(GROUP).nth(usize::try_from(index).unwrap()).unwrap();
        let open = || Partial::open(&desk.partials, id, size, None).unwrap();
        let mut partial = open();
        for (n, index) in order.iter().enumerate() {
            if breaks.contains(&n) {
                drop(partial);
                partial = open();
                let here = &order[..n];
                let have = (0..=9).find(|index| !here.contains(index)).unwrap();
                // Behind a missing first group nothing is kept: the sender may begin anew, with another file.
                let kept = |index: u64| here.contains(&index) && (index < have || have > 0);
                let there = |index: u64| index < have || partial.beyond().has(index);
                prop_assert!((0..9).all(|index| there(index) == kept(index)), "{:?} of {:?}", n, order);
                prop_assert_eq!(partial.done(), (0..9).filter(|index| kept(*index)).map(|index| group(index).len() as u64).sum::<u64>());
                let missing: Vec<u64> = here.iter().copied().filter(|index| !kept(*index)).collect();
                let twice = here.iter().copied().filter(|index| again && *index > have && kept(*index));
                for index in missing.into_iter().chain(twice.collect::<Vec<_>>()) {
                    partial.write(index, &group_hash(index, size, group(index)), group(index)).unwrap();
                }
            }
            partial.write(*index, &group_hash(*index, size, group(*index)), group(*index)).unwrap();
        }
        prop_assert_eq!(partial.done(), size);
        let root = Hash(*blake3::hash(&content).as_bytes());
        let (path, _) = partial.finish(&desk.place("a.bin"), root, &[]).unwrap();
        prop_assert_eq!(std::fs::read(path).unwrap(), content);
    }
}

#[test]
fn a_partial_goes_on_where_it_was_and_trusts_only_what_is_there() {
    let desk = desk();
    let content = bytes(5 * GROUP + 1);
    let id = TransferId::new();
    drop(desk.filled(id, &content[..3 * GROUP]));
    // Of another size, nothing is known.
    let size = content.len() as u64;
    assert_eq!(Partial::open(&desk.partials, id, size, None).unwrap().have(), 0);
    drop(desk.filled(id, &content));
    let open = || Partial::open(&desk.partials, id, size, None).unwrap().have();
    assert_eq!(open(), 6);

    let part = std::fs::OpenOptions::new().write(true).open(desk.partials.join(format!("{id}.part"))).unwrap();
    part.set_len(size - 1).unwrap();
    assert_eq!(open(), 5);
    part.set_len(4 * GROUP as u64 + 7).unwrap();
    assert_eq!(open(), 4);

    // After a restart of the machine the bytes are looked at again: a hole in them ends what is believed.
    let groups = std::fs::OpenOptions::new().write(true).open(desk.partials.join(format!("{id}.groups"))).unwrap();
    groups.write_all_at(&[7; 16], 40).unwrap();
    part.write_all_at(&[0; 4_096], 2 * GROUP as u64).unwrap();
    assert_eq!(open(), 2);
    drop(desk.filled(id, &content));
    // A torn or foreign sidecar is none.
    groups.set_len(64 + 3 * 32 + 9).unwrap();
    assert_eq!(open(), 3);
    groups.set_len(10).unwrap();
    assert_eq!(open(), 0);
}

#[test]
fn a_file_that_is_too_large_for_the_disk_is_refused_before_a_byte_flows() {
    let desk = desk();
    let partial = Partial::open(&desk.partials, TransferId::new(), 1 << 50, None).unwrap();
    assert_eq!(partial.check_room(&desk.place("x")), Err(Why::DiskFull));
    let partial = Partial::open(&desk.partials, TransferId::new(), u64::MAX, None).unwrap();
    assert_eq!(partial.check_room(&desk.place("x")), Err(Why::DiskFull));
}

#[test]
fn a_crash_between_the_final_name_and_its_record_is_not_forgotten() {
    let desk = desk();
    let (id, content) = (TransferId::new(), bytes(GROUP + 1));
    let root = Hash(*blake3::hash(&content).as_bytes());
    assert_eq!(partial::finished_before(&desk.partials, id), None);
    let partial = desk.filled(id, &content);
    assert_eq!(partial::finished_before(&desk.partials, id), None);
    let path = partial.finish(&desk.place("x.bin"), root, &[]).unwrap().0;
    assert_eq!(
        partial::finished_before(&desk.partials, id),
        Some(Before { path: path.clone(), root, missing: Missing::default() })
    );
    std::fs::write(&path, "something else").unwrap();
    assert_eq!(partial::finished_before(&desk.partials, id), None);
    partial::erase(&desk.partials, id);
    assert!(entries(&desk.partials).is_empty());
}

#[test]
fn only_regular_files_are_offered() {
    let desk = desk();
    let at = |name: &str| desk.downloads.join(name);
    std::fs::write(at("file"), "12345").unwrap();
    symlink(at("file"), at("link")).unwrap();
    symlink(at("gone"), at("dangling")).unwrap();
    symlink(at("loop"), at("loop")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let offered = look(&at("link"), Path::new("/nowhere")).unwrap();
    assert_eq!((offered.name.as_str(), offered.size), ("link", 5));
    for (name, expected) in [
        ("none", Why::NotFound),
        ("file/x", Why::NotFound),
        ("dangling", Why::NotFound),
        ("loop", Why::NotFound),
        ("pipe", Why::NotAFile),
        ("socket", Why::NotAFile),
    ] {
        assert_eq!(look(&at(name), Path::new("/nowhere")).err(), Some(expected), "{name}");
    }
    assert_eq!(look(Path::new("/dev/zero"), Path::new("/nowhere")).err(), Some(Why::NotAFile));
    assert_eq!(look(Path::new("/"), Path::new("/nowhere")).err(), Some(Why::NotAFile));
    let source = Source::open(&at("file")).unwrap();
    assert_eq!(source.check_same(), Ok(()));
    let touched = std::fs::File::options().write(true).open(at("file")).unwrap();
    touched.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(source.check_same(), Err(Why::SourceChanged));
}
