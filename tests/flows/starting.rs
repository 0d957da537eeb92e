//! Starting under bad conditions: a store that is corrupt, newer or in use; a profile that is in use; options that make no sense.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hobnob_tests::client::{Client, SOON, Start};
use hobnob_tests::server::Server;
use hobnob_tests::story::{House, say, temporary};
use rusqlite::Connection;
use serde_json::json;

/// The `SQLite` files below `folder`.
fn databases(folder: &Path) -> Vec<PathBuf> {
    let is_database =
        |path: &PathBuf| std::fs::read(folder.join(path)).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"));
    let found: Vec<PathBuf> = hobnob_tests::files::manifest(folder).into_keys().filter(is_database).collect();
    assert!(!found.is_empty(), "no store below {}", folder.display());
    found.into_iter().map(|path| folder.join(path)).collect()
}

/// Writes over the middle of a file.
fn corrupt(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    for byte in bytes.iter_mut().skip(16) {
        *byte = byte.wrapping_mul(31).wrapping_add(7);
    }
    std::fs::write(path, bytes).unwrap();
    // What is left of the log would repair it.
    for suffix in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _none = std::fs::remove_file(PathBuf::from(name));
    }
}

/// Makes a store look as if a later version had written it.
fn make_newer(path: &Path) {
    let store = Connection::open(path).unwrap();
    let changed = store.execute(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
         SELECT version + 1000, 'from_the_future', applied_on, checksum FROM refinery_schema_history ORDER BY version DESC LIMIT 1",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
}

/// A refusal: not success, and a sentence rather than a panic.
fn refused(status: std::process::ExitStatus, log: &str) {
    assert!(!status.success(), "it should refuse");
    assert!(status.code().is_some(), "it was killed by a signal:\n{log}");
    assert!(!log.contains("panicked"), "{log}");
    assert!(log.lines().any(|line| line.split_whitespace().count() > 3), "a sentence:\n{log}");
}

#[test]
fn a_second_server_on_the_same_store_is_refused_and_the_first_goes_on() {
    let house = House::new();
    let (status, log) = Server::refuses(&house.server.data, "127.0.0.1:0", &[]);
    refused(status, &log);
    house.person("alice");
}

#[test]
fn a_port_in_use_is_refused_and_free_again_at_once_after_a_crash() {
    let mut house = House::new();
    let (status, log) = Server::refuses(&house.path("other"), &house.server.address, &[]);
    refused(status, &log);
    let alice = house.person("alice");
    house.server.restart();
    drop(alice);
    assert!(Server::refuses(&house.path("other"), "not an address", &[]).0.code().is_some_and(|code| code != 0));
}

#[test]
fn a_corrupt_or_newer_server_store_is_refused_and_kept_as_it_is() {
    let home = temporary();
    for (name, damage) in [("corrupt", corrupt as fn(&Path)), ("newer", make_newer)] {
        let data = home.path().join(name);
        drop(Server::start(&data));
        let store = databases(&data).into_iter().next().unwrap();
        damage(&store);
        let before = hobnob_tests::files::hash(&store);
        let (status, log) = Server::refuses(&data, "127.0.0.1:0", &[]);
        refused(status, &log);
        let (status, log) = Server::refuses(&data, "127.0.0.1:0", &["--check"]);
        refused(status, &log);
        assert_eq!(hobnob_tests::files::hash(&store), before, "{name}: the store was changed");
    }
    let whole = home.path().join("whole");
    drop(Server::start(&whole));
    let (status, log) = Server::refuses(&whole, "127.0.0.1:0", &["--check"]);
    assert!(status.success(), "{log}");
}

#[test]
fn a_second_client_on_the_same_profile_is_refused_and_the_first_goes_on() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut second = alice.start.spawn();
    let status = second.wait(SOON);
    refused(status, &second.log().text());
    say(&mut alice, &mut bob, "undisturbed");
}

#[test]
fn a_corrupt_or_newer_profile_is_refused_and_kept_as_it_is() {
    for damage in [corrupt as fn(&Path), make_newer] {
        let house = House::new();
        let (mut alice, mut bob) = house.alice_and_bob();
        say(&mut alice, &mut bob, "precious");
        assert!(alice.quit().success());
        let history = databases(&alice.start.profile).into_iter().next().unwrap();
        damage(&history);
        let before = hobnob_tests::files::hash(&history);
        let mut process = alice.start.spawn();
        let status = process.wait(SOON);
        refused(status, &process.log().text());
        assert_eq!(hobnob_tests::files::hash(&history), before, "the history was changed");
    }
}

#[test]
fn a_profile_that_cannot_be_made_is_refused() {
    let home = temporary();
    let file = home.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    for profile in [file.clone(), file.join("below")] {
        let start = Start { profile, ..Start::new(home.path(), "alice", "127.0.0.1:1") };
        let mut process = start.spawn();
        let status = process.wait(SOON);
        refused(status, &process.log().text());
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"not a folder");
}

#[test]
fn a_server_that_does_not_answer_fails_the_command_in_time() {
    let home = temporary();
    let mut alice = Client::start(&Start::new(home.path(), "alice", "127.0.0.1:1"));
    alice.failed(json!({"command": "sign_up", "user": "alice", "password": "long enough"}));
    let start = Start { server: None, ..Start::new(home.path(), "bob", "") };
    let mut bob = Client::start(&start);
    bob.failed(json!({"command": "sign_up", "user": "bob", "password": "long enough"}));
    for server in ["", "nonsense", "127.0.0.1:0:0", "127.0.0.1:80#xyz"] {
        let start = Start { server: Some(server.to_owned()), ..Start::new(home.path(), "carol", "") };
        let mut process = start.spawn();
        drop(process.stdin());
        let status = process.wait(SOON);
        assert!(status.code().is_some(), "{server:?}: killed by a signal");
        assert!(!process.log().text().contains("panicked"));
    }
}

#[test]
fn limits_and_help_are_printed() {
    let run = |program: &str, argument: &str| {
        let output =
            std::process::Command::new(hobnob_tests::programs::program(program)).arg(argument).output().unwrap();
        assert!(output.status.success(), "{program} {argument}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run("hobnob-server", "--print-limits").lines().count() > 10);
    let help = run("hobnob-cli", "--help");
    for command in ["sign_up", "add_friend", "send_file", "accept_file", "history"] {
        assert!(help.contains(command), "{command} is not documented:\n{help}");
    }
    assert!(run("hobnob-server", "--help").contains("--data"));
}

#[test]
fn the_servers_data_folder_is_its_owners_alone() {
    let house = House::new();
    let mode = std::fs::metadata(&house.server.data).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
