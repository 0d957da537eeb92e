//! Reads the tree: every source file with its path from the top.

use std::path::{Path, PathBuf};

/// A source file.
pub struct Source {
    /// From the top of the checkout, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Its lines that are not comments, numbered from 1.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(n, line)| (n + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Files that the tree owns, with one of these endings, below one of these folders.
pub fn sources(folders: &[&str], endings: &[&str]) -> Vec<Source> {
    let top = hobnob_tests::programs::top();
    let mut found = Vec::new();
    for folder in folders {
        collect(&top.join(folder), endings, &mut found);
    }
    found.sort();
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(&top).unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&path).unwrap(),
    };
    found.into_iter().map(read).collect()
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, endings, found);
            }
        } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
            found.push(path);
        }
    }
}

/// All Rust files.
pub fn rust() -> Vec<Source> {
    let all = sources(&["shared", "server", "client", "tests"], &["rs"]);
    assert!(all.len() > 30, "the tree was not found");
    all
}
