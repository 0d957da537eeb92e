//! How much a person wants to be told of each conversation, on this device. Read once at the start; written by the `Registry`.

use std::collections::BTreeMap;

use hobnob_shared::id::ConversationId;
use rusqlite::{Connection, Result, params};
use serde::{Deserialize, Serialize};

use super::row;

/// What of a conversation is told by notifications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notify {
    /// Everything.
    #[default]
    All,
    /// What names this account.
    Mentions,
    /// Nothing.
    None,
}

/// The conversations of which not everything is told.
pub type Levels = BTreeMap<ConversationId, Notify>;

/// As stored. A level of a later version counts as the one that tells the most of those that are less than everything.
pub fn load(c: &Connection) -> Result<Levels> {
    let level = |word: String| if word == "none" { Notify::None } else { Notify::Mentions };
    let rows = |row: &rusqlite::Row<'_>| Ok((row::text(row, 0)?, level(row.get(1)?)));
    c.prepare_cached("SELECT conversation, level FROM notify")?.query_map([], rows)?.collect()
}

/// Sets it. With a friendship it goes, see [`super::friends::remove`].
pub fn save(c: &Connection, conversation: &ConversationId, notify: Notify) -> Result<()> {
    let name = conversation.to_string();
    let word = match notify {
        Notify::All => {
            return c.prepare_cached("DELETE FROM notify WHERE conversation = ?1")?.execute([name]).map(drop);
        }
        Notify::Mentions => "mentions",
        Notify::None => "none",
    };
    c.prepare_cached("INSERT OR REPLACE INTO notify (conversation, level) VALUES (?1, ?2)")?
        .execute(params![name, word])
        .map(drop)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn each_conversation_keeps_its_level_and_everything_needs_no_row() {
        let c = Connection::open_in_memory().unwrap();
        c.execute_batch(include_str!("migrations/V8__notify.sql")).unwrap();
        let (bob, tea): (ConversationId, ConversationId) = ("@bob".parse().unwrap(), "#tea".parse().unwrap());
        save(&c, &bob, Notify::None).unwrap();
        save(&c, &tea, Notify::Mentions).unwrap();
        assert_eq!(load(&c).unwrap(), Levels::from([(bob.clone(), Notify::None), (tea.clone(), Notify::Mentions)]));
        save(&c, &bob, Notify::Mentions).unwrap();
        save(&c, &tea, Notify::All).unwrap();
        assert_eq!(load(&c).unwrap(), Levels::from([(bob, Notify::Mentions)]));
    }
}
