//! What of a friend's files is taken without asking.

use hobnob_shared::id::Handle;
use rusqlite::{Connection, OptionalExtension, Result, params};
use serde::{Deserialize, Serialize};

/// A rule for one friend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "accept", rename_all = "snake_case")]
pub enum FileRule {
    /// A person decides each time.
    #[default]
    Ask,
    /// What is no larger is taken.
    UpTo {
        /// Bytes; at least 1.
        size: u64,
    },
    /// Everything is taken.
    Always,
}

/// As the table says "all".
const ALL: i64 = i64::MAX;

impl FileRule {
    /// Whether something of so many bytes is taken.
    pub fn takes(self, bytes: u64) -> bool {
        match self {
            Self::Ask => false,
            Self::UpTo { size } => bytes <= size,
            Self::Always => true,
        }
    }
}

/// The rule for a friend.
pub fn load(c: &Connection, user: &Handle) -> Result<FileRule> {
    let up_to: Option<i64> = c
        .prepare_cached("SELECT up_to FROM file_rules WHERE user = ?1")?
        .query_row([user.as_str()], |row| row.get(0))
        .optional()?;
    Ok(match up_to {
        None => FileRule::Ask,
        Some(ALL) => FileRule::Always,
        Some(size) => FileRule::UpTo { size: size.max(0).cast_unsigned() },
    })
}

/// Sets it. With the friendship it goes, see [`super::friends::remove`].
pub fn save(c: &Connection, user: &Handle, rule: FileRule) -> Result<()> {
    let up_to = match rule {
        FileRule::Ask => {
            return c.prepare_cached("DELETE FROM file_rules WHERE user = ?1")?.execute([user.as_str()]).map(drop);
        }
        FileRule::UpTo { size } => i64::try_from(size).unwrap_or(ALL - 1).min(ALL - 1),
        FileRule::Always => ALL,
    };
    c.prepare_cached("INSERT OR REPLACE INTO file_rules (user, up_to) VALUES (?1, ?2)")?
        .execute(params![user.as_str(), up_to])
        .map(drop)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_rule_is_kept_for_each_friend_and_takes_what_it_says() {
        let c = Connection::open_in_memory().unwrap();
        c.execute_batch("CREATE TABLE file_rules (user TEXT PRIMARY KEY, up_to INTEGER NOT NULL)").unwrap();
        let (bob, carol): (Handle, Handle) = ("bob".parse().unwrap(), "carol".parse().unwrap());
        assert_eq!(load(&c, &bob).unwrap(), FileRule::Ask);
        for rule in [FileRule::UpTo { size: 10 }, FileRule::Always, FileRule::UpTo { size: u64::MAX }, FileRule::Ask] {
            save(&c, &bob, rule).unwrap();
            assert_eq!(load(&c, &bob).unwrap().takes(10), rule.takes(10), "{rule:?}");
            assert_eq!(load(&c, &carol).unwrap(), FileRule::Ask);
        }
        assert!(FileRule::UpTo { size: 10 }.takes(10) && !FileRule::UpTo { size: 10 }.takes(11));
        assert!(FileRule::Always.takes(u64::MAX) && !FileRule::Ask.takes(0));
        let said = serde_json::to_string(&FileRule::UpTo { size: 7 }).unwrap();
        assert_eq!(said, r#"{"accept":"up_to","size":7}"#);
    }
}
