//! Text of others in the window: harmless to look at, and no more of it than a screen can take. Everything that shows a peer's or the
//! server's words goes through here.

use hobnob_shared::id::Handle;

pub use crate::literal::{literal, literal_line};
use crate::model::Model;

/// What a person is called, as it may be shown.
pub fn name(model: &Model, user: &Handle) -> String {
    literal_line(&model.name_of_person(user))
}

/// Characters shown of one message before `Show More`.
pub const SHOWN_CHARS: usize = 4_000;
/// Lines shown of one message before `Show More`.
pub const SHOWN_LINES: usize = 25;

/// The beginning of a text that a bubble shows; none when the whole fits.
pub fn beginning(text: &str) -> Option<&str> {
    let mut lines = 0;
    for (count, (at, c)) in text.char_indices().enumerate() {
        lines += usize::from(c == '\n');
        if count == SHOWN_CHARS || lines == SHOWN_LINES {
            return text.get(..at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_have_a_beginning() {
        assert_eq!(beginning("short"), None);
        assert_eq!(beginning(&"é".repeat(SHOWN_CHARS)), None);
        assert_eq!(beginning(&"é".repeat(SHOWN_CHARS + 1)).map(|text| text.chars().count()), Some(SHOWN_CHARS));
        assert_eq!(beginning(&"\n".repeat(1_000)).map(str::len), Some(SHOWN_LINES - 1));
    }
}
