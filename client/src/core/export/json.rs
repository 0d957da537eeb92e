//! An export for programs: one object, in it the messages with the fields of a `history` answer, and the files with those of a `transfers`
//! answer. Nothing is left out or replaced; what would turn an editor's lines around is escaped.

use std::fmt::Write;

use serde::Serialize;

use super::Shape;
use super::entry::{Entry, Head};
use crate::core::event::TransferInfo;
use crate::literal::is_deceptive;

/// See the module.
#[derive(Default)]
pub(super) struct Json {
    any: bool,
    files: Vec<TransferInfo>,
}

#[derive(Serialize)]
struct Of<'a> {
    conversation: String,
    exported_by: &'a str,
    exported_at: &'a str,
}

impl Shape for Json {
    fn begin(&mut self, head: &Head, out: &mut String) {
        let (conversation, exported_by) = (head.conversation.to_string(), head.own.as_str());
        let of = one(&Of { conversation, exported_by, exported_at: &head.now.stamp });
        // Goes on where the object would end.
        out.push_str(of.strip_suffix('}').unwrap_or(&of));
        out.push_str(",\"messages\":[");
    }

    fn entry(&mut self, _: &Head, entry: &Entry, out: &mut String) {
        match entry {
            Entry::Said(said) => {
                out.push_str(if std::mem::replace(&mut self.any, true) { ",\n" } else { "\n" });
                out.push_str(&one(&said.info));
            }
            Entry::File(sent) => self.files.push(sent.info.clone()),
        }
    }

    fn end(&mut self, _: &Head, out: &mut String) {
        let files: Vec<String> = self.files.iter().map(one).collect();
        // Writing into a text does not fail.
        let _ = writeln!(out, "\n],\"files\":[\n{}\n]}}", files.join(",\n"));
    }
}

/// A value in one line. Deceptive characters stand in texts only, where they may be written by their numbers.
fn one(value: &impl Serialize) -> String {
    let plain = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    let mut safe = String::with_capacity(plain.len());
    for c in plain.chars() {
        if is_deceptive(c) || ('\u{7F}'..='\u{9F}').contains(&c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}
