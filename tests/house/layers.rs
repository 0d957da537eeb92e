//! Imports go one way: `shared <- server`; `shared <- client::core <- client::model <- client::ui`. `bridge.rs` alone knows both sides, and
//! `client::pictures`, which windows and core use, knows nobody.

use std::process::Command;

use crate::tree::{Source, rust};

/// Whether `line` names the crate or module `name` as a path.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !before.is_some_and(|c| word(c) || c == '"' || c == '.')
            && !after.is_some_and(word)
            && (line[at + name.len()..].starts_with("::") || line.trim_start().starts_with("use "))
    })
}

/// Fails with every place where files below `room` name one of `forbidden`.
fn forbid(room: &str, forbidden: &[&str], but: impl Fn(&str) -> bool) {
    let mut wrong = Vec::new();
    let files: Vec<Source> = rust().into_iter().filter(|source| source.path.starts_with(room)).collect();
    for source in &files {
        for (number, line) in source.code() {
            if let Some(name) = forbidden.iter().find(|name| names(line, name) && !but(line)) {
                wrong.push(format!("{}:{number} names {name}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const ACTORS: [&str; 2] = ["actix", "actix_rt"];
const WINDOWS: [&str; 6] = ["gtk", "adw", "relm4", "glib", "gio", "gdk"];
const NEVER: fn(&str) -> bool = |_| false;

#[test]
fn shared_knows_neither_actors_nor_windows_nor_anybody_above() {
    forbid("shared/src/", &ACTORS, NEVER);
    forbid("shared/src/", &WINDOWS, NEVER);
    forbid("shared/src/", &["hobnob_server", "hobnob_client"], NEVER);
}

#[test]
fn the_server_knows_neither_windows_nor_the_client() {
    forbid("server/src/", &WINDOWS, NEVER);
    forbid("server/src/", &["hobnob_client"], NEVER);
}

#[test]
fn the_core_knows_no_windows_and_nobody_above() {
    forbid("client/src/core/", &WINDOWS, NEVER);
    forbid("client/src/core/", &["crate::model", "crate::ui", "crate::bridge"], NEVER);
    forbid("client/src/bin/", &WINDOWS, NEVER);
}

#[test]
fn of_the_client_only_the_simulation_knows_the_server() {
    let files = rust().into_iter().filter(|source| source.path.starts_with("client/"));
    let tested_only = |path: &str| path.starts_with("client/src/core/simulation/");
    let wrong: Vec<String> = files
        .filter(|source| !tested_only(&source.path) && source.code().any(|(_, line)| line.contains("hobnob_server")))
        .map(|source| source.path)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let core = std::fs::read_to_string(hobnob_tests::programs::top().join("client/src/core/mod.rs")).unwrap();
    assert!(core.contains("#[cfg(test)]\nmod simulation;"), "the simulation is in no program");
}

/// Of the core, those above see commands and events only, and how both name a message.
fn commands_and_events(line: &str) -> bool {
    line.match_indices("crate::core").all(|(at, found)| {
        let rest = line[at + found.len()..].trim_start_matches("::");
        rest.starts_with("event")
            || rest.starts_with("command")
            || rest.starts_with("{command")
            || rest.starts_with("{event")
            || rest.starts_with("message_key")
    })
}

#[test]
fn the_model_knows_events_only() {
    forbid("client/src/model/", &ACTORS, NEVER);
    forbid("client/src/model/", &WINDOWS, NEVER);
    forbid("client/src/model/", &["crate::ui", "crate::bridge", "crate::pictures"], NEVER);
    forbid("client/src/model/", &["crate::core"], commands_and_events);
}

#[test]
fn what_makes_texts_harmless_knows_nobody() {
    forbid("client/src/literal.rs", &ACTORS, NEVER);
    forbid("client/src/literal.rs", &WINDOWS, NEVER);
    forbid("client/src/literal.rs", &["crate::core", "crate::model", "crate::ui", "crate::bridge"], NEVER);
}

#[test]
fn what_decodes_pictures_knows_nobody() {
    forbid("client/src/pictures/", &ACTORS, NEVER);
    forbid("client/src/pictures/", &WINDOWS, NEVER);
    forbid("client/src/pictures/", &["crate::core", "crate::model", "crate::ui", "crate::bridge"], NEVER);
    for source in rust().iter().filter(|source| source.path.starts_with("client/src/")) {
        let decodes = source.path == "client/src/pictures/decode.rs" || source.path.ends_with("/decode_tests.rs");
        for (number, line) in source.code() {
            // Makes files of pixels, and reads none.
            let packs = source.path == "client/src/pictures/pack.rs" && !line.contains("Decoder");
            assert!(decodes || packs || !names(line, "image"), "{}:{number} names the decoders: {line}", source.path);
        }
    }
}

#[test]
fn the_windows_know_no_actors_and_of_the_core_commands_and_events_only() {
    forbid("client/src/ui/", &ACTORS, NEVER);
    forbid("client/src/ui/", &["crate::core"], commands_and_events);
}

#[test]
fn decisions_are_pure() {
    let mut wrong = Vec::new();
    for source in rust().iter().filter(|source| source.path.ends_with("/state.rs")) {
        let tests = source.text.lines().position(|line| line.contains("#[cfg(test)]")).unwrap_or(usize::MAX);
        for (number, line) in source.code().filter(|(number, _)| *number <= tests) {
            let impure =
                ["actix", "tokio::net", "tokio::spawn", "Instant::now", "SystemTime::now", "std::fs", "std::net::Tcp"];
            if let Some(what) = impure.iter().find(|what| line.contains(*what)) {
                wrong.push(format!("{}:{number} has {what}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names of the packages that `package` is built from.
fn built_from(package: &str, more: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--package", package]);
    let output = command.args(more).current_dir(hobnob_tests::programs::top()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn the_built_programs_keep_to_it_too() {
    let has = |packages: &[String], name: &str| packages.iter().any(|package| package == name);
    let shared = built_from("hobnob-shared", &[]);
    assert!(has(&shared, "rustls") && !has(&shared, "actix") && !has(&shared, "gtk4"));
    let core = built_from("hobnob-client", &["--no-default-features"]);
    assert!(has(&core, "actix") && !has(&core, "gtk4") && !has(&core, "relm4"), "hobnob-cli builds without GTK");
    assert!(!has(&core, "hobnob-server"), "the client is built without the server");
    let server = built_from("hobnob-server", &[]);
    assert!(!has(&server, "gtk4") && !has(&server, "hobnob-client"));
    for package in [&shared, &core, &server] {
        for unwanted in ["openssl-sys", "ring", "native-tls"] {
            assert!(!has(package, unwanted), "{unwanted} is in the build");
        }
    }
}
