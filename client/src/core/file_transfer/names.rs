//! The file-name rule: what another person calls a file, as one plain component that is safe below the download folder. Pure.

use unicode_normalization::UnicodeNormalization;

/// Longest result, in bytes: leaves room for a number behind it and for the name of the unfinished file within the usual 255.
const LONGEST: usize = 200;
/// Longest extension that survives a cut, in bytes.
const EXTENSION: usize = 16;
/// Longest name that is looked at, in bytes; no file system has longer paths.
const LOOKED_AT: usize = 4 * 1024;
/// One removal can bring two characters together that another rule is about; more rounds than this are nobody's honest name.
const ROUNDS: usize = 64;

/// The name cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The sender's: longer than any file system takes.
    #[error("file name of {0} bytes")]
    TooLong(usize),
    /// The sender's: built to fool the rule.
    #[error("file name that does not settle")]
    Unsettled,
}

/// The name under which a file is kept: the part behind the last separator, normalised, without what hides or reorders text, never
/// empty, hidden, or a device of other systems. Cleaning twice changes nothing more.
pub fn clean(name: &str) -> Result<String, Refused> {
    if name.len() > LOOKED_AT {
        return Err(Refused::TooLong(name.len()));
    }
    let mut clean = name.to_owned();
    for _ in 0..ROUNDS {
        let next = once(&clean);
        if next == clean {
            return Ok(clean);
        }
        clean = next;
    }
    Err(Refused::Unsettled)
}

/// `name` for the `n`th collision: `name (1).txt`; with 0 the name itself.
pub fn with_number(name: &str, n: u32) -> String {
    if n == 0 {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    // `x.tar.gz` is one kind of file.
    let (stem, extension) = match stem.strip_suffix(".tar") {
        Some(shorter) if !shorter.is_empty() => (shorter, format!(".tar{extension}")),
        _ => (stem, extension.to_owned()),
    };
    format!("{stem} ({n}){extension}")
}

fn once(name: &str) -> String {
    let visible: String = name.chars().filter(|c| !is_invisible(*c)).nfc().collect();
    let safe: String = last_component(&visible)
        .chars()
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    let cut = cut(trim(&safe));
    let settled = rename_device(trim(&cut));
    if settled.is_empty() { "file".to_owned() } else { settled }
}

/// Controls, and what has no width or turns the direction of text.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}' | '\u{e0000}'..='\u{e007f}')
}

/// What follows the last separator of either kind, plain or percent-encoded once. Nothing is decoded in the result.
fn last_component(name: &str) -> &str {
    let plain = name.rfind(['/', '\\']).map(|at| at + 1);
    let encoded = name.as_bytes().windows(3).rposition(is_encoded_separator).map(|at| at + 3);
    plain.max(encoded).and_then(|start| name.get(start..)).unwrap_or(name)
}

fn is_encoded_separator(bytes: &[u8]) -> bool {
    bytes.eq_ignore_ascii_case(b"%2f") || bytes.eq_ignore_ascii_case(b"%5c")
}

fn trim(name: &str) -> &str {
    name.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

/// Stem and extension with its dot; a name without one, or with one that is longer than usual, is all stem.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at - 1 <= EXTENSION => name.split_at(at),
        _ => (name, ""),
    }
}

fn cut(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let mut end = LONGEST - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", stem.get(..end).unwrap_or_default())
}

/// `con.txt` opens the console on some systems; `con_.txt` does not.
fn rename_device(name: &str) -> String {
    let stem = name.split('.').next().unwrap_or_default();
    let lower = stem.trim_end().to_lowercase();
    let port = |prefix| {
        let digit = lower.strip_prefix(prefix).map(|rest: &str| rest.chars().collect::<Vec<_>>());
        matches!(digit.as_deref(), Some(['0'..='9' | '¹' | '²' | '³']))
    };
    let device = matches!(lower.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$" | "clock$");
    if device || port("com") || port("lpt") {
        format!("{stem}_{}", name.strip_prefix(stem).unwrap_or_default())
    } else {
        name.to_owned()
    }
}
