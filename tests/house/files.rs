//! Files: short enough to read, saying what they are, actors' folders alike, and no words that do not belong.

use std::collections::BTreeSet;
use std::path::Path;

use crate::tree::{rust, sources};

const CEILING: usize = 500;

#[test]
fn no_file_is_longer_than_can_be_read() {
    let long: Vec<String> = sources(&["shared", "server", "client", "tests", "resources"], &["rs", "py", "sh", "css"])
        .iter()
        .filter(|source| source.text.lines().count() > CEILING)
        .map(|source| format!("{} has {} lines", source.path, source.text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let silent: Vec<String> = rust()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! ") || source.text.starts_with("//! Placeholder"))
        .map(|source| source.path)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

/// Every actor's folder, and what else its folder may hold.
const ACTORS: [(&str, &[&str]); 6] = [
    (
        "server/src/registry",
        &["devices.rs", "friends.rs", "introduce.rs", "paging.rs", "people.rs", "rooms.rs", "seen.rs", "world.rs"],
    ),
    (
        "server/src/session",
        &["enrolment.rs", "job.rs", "member.rs", "meter.rs", "note.rs", "proofs.rs", "rooms.rs", "roster.rs"],
    ),
    ("client/src/core/registry", &[]),
    ("client/src/core/session", &["affairs.rs", "connect.rs", "enrol.rs"]),
    (
        "client/src/core/peer_link",
        &[
            "connection.rs",
            "context.rs",
            "dial.rs",
            "keep.rs",
            "listen.rs",
            "tokens.rs",
            "reunion.rs",
            "redial.rs",
            "pushes.rs",
            "store.rs",
            "serve.rs",
        ],
    ),
    (
        "client/src/core/file_transfer",
        &[
            "pump.rs",
            "flows.rs",
            "pace.rs",
            "opening.rs",
            "send.rs",
            "receive.rs",
            "wire.rs",
            "source.rs",
            "names.rs",
            "folder.rs",
            "tree.rs",
            "partial.rs",
            "beyond.rs",
            "sidecar.rs",
            "why.rs",
            "meter.rs",
            "other_side.rs",
            "context.rs",
            "streams.rs",
            "waiting.rs",
            "ending.rs",
            "turns.rs",
            "patience.rs",
            "dials.rs",
            "disk.rs",
            "bundle",
            "names_cases.rs",
        ],
    ),
];

#[test]
fn every_actor_has_the_same_four_files() {
    let top = hobnob_tests::programs::top();
    for (folder, further) in ACTORS {
        let found: BTreeSet<String> = std::fs::read_dir(top.join(folder))
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        for name in ["mod.rs", "message.rs", "state.rs", "actor.rs"] {
            assert!(found.contains(name), "{folder} has no {name}");
        }
        for name in &found {
            let tests = name.as_str() == "tests.rs" || name.ends_with("_tests.rs");
            let four = ["mod.rs", "message.rs", "state.rs", "actor.rs"].contains(&name.as_str());
            assert!(four || tests || further.contains(&name.as_str()), "{folder}/{name} belongs somewhere else");
        }
    }
}

#[test]
fn an_actors_door_plate_has_no_logic() {
    for (folder, _) in ACTORS {
        let door = std::fs::read_to_string(hobnob_tests::programs::top().join(folder).join("mod.rs")).unwrap();
        let code = door.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!code.contains("fn "), "{folder}/mod.rs has a function");
    }
}

#[test]
fn every_crate_keeps_the_lints() {
    for name in ["shared", "server", "client", "tests"] {
        let manifest = std::fs::read_to_string(hobnob_tests::programs::top().join(name).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name}");
    }
    for source in rust() {
        for (number, line) in source.code() {
            let line = line.trim();
            assert!(
                !(line.starts_with("#[allow(") || line.starts_with("#![allow(")),
                "{}:{number}: expect with a reason instead of allow",
                source.path
            );
        }
    }
}

#[test]
fn no_word_that_does_not_belong() {
    // Put together here, so that this file has none of them either.
    let words: Vec<String> = [
        ("TO", "DO"),
        ("FIX", "ME"),
        ("XX", "X:"),
        ("lorem ", "ipsum"),
        ("un", "safe {"),
        ("/wo", "rk/"),
        ("/ro", "ot/"),
    ]
    .iter()
    .map(|(one, other)| format!("{one}{other}"))
    .collect();
    let folders = ["shared", "server", "client", "tests", "resources", "docs", ".ci"];
    let mut all = sources(&folders, &["rs", "py", "sh", "md", "toml", "css", "xml", "sql", "service", "cddl"]);
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "Cargo.toml"] {
        let path = hobnob_tests::programs::top().join(name);
        if let Ok(text) = std::fs::read_to_string(&path) {
            all.push(crate::tree::Source { path: name.to_owned(), text });
        }
    }
    let mut found = Vec::new();
    for source in &all {
        for (number, line) in source.text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{} has {word}", source.path, number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let top = hobnob_tests::programs::top();
    let mut documents = sources(&["docs"], &["md"]);
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        if let Ok(text) = std::fs::read_to_string(top.join(name)) {
            documents.push(crate::tree::Source { path: name.to_owned(), text });
        }
    }
    let mut broken = Vec::new();
    for document in &documents {
        let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
        for part in document.text.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !top.join(folder).join(target).exists() {
                broken.push(format!("{}: {target}", document.path));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
