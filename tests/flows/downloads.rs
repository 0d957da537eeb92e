//! Where received files go: changed while the program runs, kept, and refused where it cannot be.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::{hash, random_file};
use hobnob_tests::story::{House, linked, offer, text_of};
use serde_json::{Value, json};

fn takes(from: &mut Client, to: &mut Client, path: &std::path::Path) -> Value {
    let id = offer(from, to, path);
    to.done(json!({"command": "accept_file", "transfer": id}));
    to.expect_within(SOON, json!({"event": "file_finished", "transfer": id}))
}

#[test]
fn files_go_to_the_folder_that_is_named_while_the_program_runs() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let folder = |one: &mut Client| text_of(&one.done(json!({"command": "downloads"}))["downloads"]);
    assert_eq!(folder(&mut bob), bob.start.downloads.to_string_lossy());
    let file = house.path("in the way");
    std::fs::write(&file, "a file").unwrap();
    for wrong in [json!("relative"), json!(file), json!(file.join("below"))] {
        assert_eq!(bob.failed(json!({"command": "set_downloads", "folder": wrong}))["code"], "not_a_folder", "{wrong}");
    }
    assert_eq!(folder(&mut bob), bob.start.downloads.to_string_lossy());

    let other = house.path("deep/other");
    bob.done(json!({"command": "set_downloads", "folder": other}));
    assert_eq!(folder(&mut bob), other.to_string_lossy());
    let sent = random_file(&house.path("one.bin"), 100_000, 1);
    takes(&mut alice, &mut bob, &sent);
    assert_eq!(hash(&other.join("one.bin")), hash(&sent));

    // Kept for the next start, where none is named.
    bob.crash();
    let mut start = bob.start.clone();
    start.downloads = std::path::PathBuf::new();
    drop(bob);
    let mut bob = Client::again(&start);
    linked(&mut bob, &mut alice, "direct");
    assert_eq!(folder(&mut bob), other.to_string_lossy());
}
