//! The download folder, or the disk, goes bad while a file arrives: both sides say what is true, chat goes on, nothing lands elsewhere, and
//! what has arrived is not sent again once the trouble is mended.

use std::path::{Path, PathBuf};

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::disk::{ReadOnly, SmallDisk};
use hobnob_tests::files::{manifest, random_file};
use hobnob_tests::story::{House, finished, offer, say};
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;
/// Of the file, in bytes: not whole groups.
const SIZE: u64 = 24 * MIB + 5;
/// So much has arrived when the trouble begins.
const SOME: u64 = 4 * MIB;
/// So slow that it is surely in the middle then, in bytes a second.
const SLOW: u64 = 4 * MIB;

struct Desk {
    house: House,
    alice: Client,
    bob: Client,
    file: PathBuf,
    id: String,
}

impl Desk {
    /// A transfer from alice to bob that is in its middle, and goes on slowly. The house is given so that disks can be put into it before.
    fn in_the_middle(house: House) -> Self {
        let (mut alice, mut bob) = house.alice_and_bob();
        bob.done(json!({"command": "set_rates", "down": SLOW}));
        let file = random_file(&house.path("long.bin"), SIZE, 7);
        let id = offer(&mut alice, &mut bob, &file);
        bob.done(json!({"command": "accept_file", "transfer": id}));
        let some = |event: &Value| event["event"] == "file_progress" && event["done"].as_u64() >= Some(SOME);
        bob.wait("some of it", SOON, some);
        Self { house, alice, bob, file, id }
    }

    /// It goes on as fast as it can, and both say how it ends: code and sentence.
    fn fails(&mut self, here: (&str, &str), there: (&str, &str)) {
        self.bob.done(json!({"command": "set_rates"}));
        for (client, (code, text)) in [(&mut self.bob, here), (&mut self.alice, there)] {
            let told = client.expect(json!({"event": "file_failed", "transfer": self.id}));
            assert_eq!((told["code"].as_str(), told["text"].as_str()), (Some(code), Some(text)), "{}", client.name());
        }
        say(&mut self.alice, &mut self.bob, "chat goes on");
        say(&mut self.bob, &mut self.alice, "both ways");
    }

    /// The trouble is mended: what was there is not sent again, and the file arrives.
    fn goes_on_from(&mut self, least: u64) -> PathBuf {
        self.bob.forget();
        self.bob.done(json!({"command": "resume_file", "transfer": self.id}));
        let first = self.bob.expect(json!({"event": "file_progress", "transfer": self.id}));
        assert!(first["done"].as_u64() >= Some(least), "it began anew: {first}");
        let arrived = finished(&mut self.alice, &mut self.bob, &self.id, &self.file);
        assert_eq!(arrived.file_name().unwrap(), "long.bin");
        arrived
    }

    fn downloads(&self) -> PathBuf {
        self.bob.start.downloads.clone()
    }
}

const NOT_WRITABLE: (&str, &str) =
    ("not_writable", "The folder cannot be written to. Check its permissions, or save the file elsewhere.");
const CANNOT_WRITE: (&str, &str) = ("not_writable", "bob cannot write to the folder for the file.");
const NO_ROOM: (&str, &str) = ("disk_full", "There is not enough room on the disk. Free some space, then try again.");
const FULL_THERE: (&str, &str) = ("disk_full", "bob's disk is full.");

/// The only entries, by name.
fn names(folder: &Path) -> Vec<PathBuf> {
    manifest(folder).into_keys().collect()
}

#[test]
fn a_folder_that_is_made_read_only_keeps_what_arrived_until_it_is_writable_again() {
    let mut desk = Desk::in_the_middle(House::new());
    let Some(read_only) = ReadOnly::make(&desk.downloads()) else { return };
    desk.fails(NOT_WRITABLE, CANNOT_WRITE);
    assert!(names(&desk.downloads()).is_empty());
    let again = desk.bob.failed(json!({"command": "resume_file", "transfer": desk.id}));
    assert_eq!((again["code"].as_str(), again["text"].as_str()), (Some(NOT_WRITABLE.0), Some(NOT_WRITABLE.1)));
    drop(read_only);
    desk.goes_on_from(SIZE);
    assert_eq!(names(&desk.downloads()), [PathBuf::from("long.bin")]);
}

#[test]
fn a_folder_that_is_removed_keeps_what_arrived_until_it_is_there_again() {
    let mut desk = Desk::in_the_middle(House::new());
    std::fs::remove_dir(desk.downloads()).unwrap();
    let missing = ("folder_missing", "The folder does not exist. Make it again, or save the file elsewhere.");
    desk.fails(missing, CANNOT_WRITE);
    assert!(!desk.downloads().exists(), "it was not asked to make it");
    // Whoever resumes wants it there, and so it is made.
    desk.goes_on_from(SIZE);
    assert_eq!(names(&desk.downloads()), [PathBuf::from("long.bin")]);
}

#[test]
fn a_folder_that_is_replaced_by_a_link_is_not_followed_to_where_it_leads() {
    let mut desk = Desk::in_the_middle(House::new());
    let (outside, aside) = (desk.house.path("outside"), desk.house.path("aside"));
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("mine"), "untouched").unwrap();
    let before = manifest(&outside);
    std::fs::rename(desk.downloads(), &aside).unwrap();
    std::os::unix::fs::symlink(&outside, desk.downloads()).unwrap();
    let replaced =
        ("folder_replaced", "The folder was replaced by another one while the file arrived. Resume to save it there.");
    desk.fails(replaced, CANNOT_WRITE);
    assert_eq!(manifest(&outside), before, "something was put where the link leads");
    assert!(names(&aside).is_empty(), "something was put where the folder is now");
    std::fs::remove_file(desk.downloads()).unwrap();
    std::fs::rename(&aside, desk.downloads()).unwrap();
    desk.goes_on_from(SIZE);
    assert_eq!(names(&desk.downloads()), [PathBuf::from("long.bin")]);
    assert_eq!(manifest(&outside), before);
}

#[test]
fn a_disk_that_is_full_in_the_middle_keeps_what_arrived_until_there_is_room() {
    let house = House::new();
    // The part that has arrived lies there, and the history of the chat does not.
    let Some(small) = SmallDisk::mount(&house.path("bob").join("partial"), 40) else { return };
    let mut desk = Desk::in_the_middle(house);
    let filler = small.fill();
    desk.fails(NO_ROOM, FULL_THERE);
    assert!(names(&desk.downloads()).is_empty());
    let again = desk.bob.failed(json!({"command": "resume_file", "transfer": desk.id}));
    assert_eq!((again["code"].as_str(), again["text"].as_str()), (Some(NO_ROOM.0), Some(NO_ROOM.1)));
    std::fs::remove_file(filler).unwrap();
    desk.goes_on_from(SOME);
    assert_eq!(names(&desk.downloads()), [PathBuf::from("long.bin")]);
    drop(desk);
    drop(small);
}

#[test]
fn a_download_disk_that_is_full_at_the_end_holds_no_half_of_it() {
    let house = House::new();
    let Some(small) = SmallDisk::mount(&house.path("bob-downloads"), 40) else { return };
    let mut desk = Desk::in_the_middle(house);
    let filler = small.fill();
    desk.fails(NO_ROOM, FULL_THERE);
    assert_eq!(names(&desk.downloads()), [PathBuf::from("filler")], "half a copy stays");
    std::fs::remove_file(filler).unwrap();
    desk.goes_on_from(SIZE);
    assert_eq!(names(&desk.downloads()), [PathBuf::from("long.bin")]);
    drop(desk);
    drop(small);
}

#[test]
fn a_download_disk_that_turns_read_only_keeps_what_arrived_until_it_is_writable_again() {
    let house = House::new();
    let Some(small) = SmallDisk::mount(&house.path("bob-downloads"), 40) else { return };
    let mut desk = Desk::in_the_middle(house);
    small.set_writable(false);
    desk.fails(NOT_WRITABLE, CANNOT_WRITE);
    assert!(names(&desk.downloads()).is_empty());
    small.set_writable(true);
    desk.goes_on_from(SIZE);
    assert_eq!(names(&desk.downloads()), [PathBuf::from("long.bin")]);
    drop(desk);
    drop(small);
}
