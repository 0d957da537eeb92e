//! File names from the other side: each lands inside the download folder under a harmless name or is refused; nothing outside changes.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use hobnob_tests::files::manifest;
use hobnob_tests::story::{House, hand_over};

/// What a file system lets an honest sender call a file. (Slashes and NUL come from the wire only; the rule's own tests have those.)
fn names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "..\\..\\evil.bat",
        "C:\\autoexec.bat",
        "con",
        "CON.txt",
        "nul",
        ".bashrc",
        "...hidden",
        "photo\u{202e}gpj.exe",
        "zero\u{200b}width\u{feff}.txt",
        "a.txt%2f..%2fb",
        "trailing. . .",
        "<i>markup<i>&amp;.html",
        "pipe|star*quest?.txt",
        "new\nline\ttab.txt",
        "\u{1b}[31mred",
        "-rf",
        "~",
        "$(reboot)",
        "e\u{301}.txt",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.push("\u{1f600}".repeat(60).into_bytes());
    names.push(format!("{}.tar.gz", "n".repeat(240)).into_bytes());
    names
}

#[test]
fn dangerous_names_land_inside_the_folder_and_nothing_else_changes() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let source = house.path("source");
    std::fs::create_dir(&source).unwrap();
    let canary = house.path("canary");
    std::fs::create_dir(&canary).unwrap();
    std::fs::write(canary.join("evil.bat"), "untouched").unwrap();
    std::fs::write(bob.start.downloads.join("mine.txt"), "mine").unwrap();
    let before = manifest(&canary);

    let names = names();
    for name in &names {
        let file = source.join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(&file, name).unwrap();
        let arrived = hand_over(&mut alice, &mut bob, &file);
        let last = arrived.file_name().unwrap().to_str().unwrap();
        assert!(!last.starts_with('.') && !last.ends_with(['.', ' ']), "{last:?}");
        assert!(last.len() <= 255 && !last.chars().any(|c| c.is_control() || "\u{202e}\u{200b}\u{feff}".contains(c)));
        assert!(!last.contains(['/', '\\', '<', '>', ':', '"', '|', '?', '*']), "{last:?}");
        assert!(Path::new(last).components().all(|part| matches!(part, Component::Normal(_))));
    }
    assert_eq!(manifest(&bob.start.downloads).len(), names.len() + 1, "one file for each name, nothing else");
    assert_eq!(std::fs::read(bob.start.downloads.join("mine.txt")).unwrap(), b"mine");
    assert_eq!(manifest(&canary), before);
}

#[test]
fn a_symlink_planted_in_the_download_folder_is_not_followed() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let outside = house.path("outside.txt");
    std::fs::write(&outside, "untouched").unwrap();
    std::os::unix::fs::symlink(&outside, bob.start.downloads.join("letter.txt")).unwrap();
    let source = house.path("letter.txt");
    std::fs::write(&source, "from alice").unwrap();
    hand_over(&mut alice, &mut bob, &source);
    assert_eq!(std::fs::read(&outside).unwrap(), b"untouched");
}
