//! Who shows themselves with which picture, on the disk. The pictures themselves are files, see [`crate::core::avatars::files`].

use hobnob_shared::id::{Handle, Hash};
use rusqlite::{Connection, Result, params};

use super::row;
use crate::core::avatars::exchange::{Choice, Kept};

/// Everybody.
pub fn load(c: &Connection) -> Result<Vec<Kept>> {
    let kept = |row: &rusqlite::Row<'_>| {
        let choice = Choice { at: row::number(row, 2)?, hash: row::some_bytes(row, 1)?.map(Hash) };
        Ok(Kept { user: row::text(row, 0)?, choice, used: row::number(row, 3)? })
    };
    c.prepare_cached("SELECT user, hash, chosen_at, used FROM avatars ORDER BY user")?.query_map([], kept)?.collect()
}

/// Stores a person's choice in place of an earlier one.
pub fn save(c: &Connection, kept: &Kept) -> Result<()> {
    c.prepare_cached("INSERT OR REPLACE INTO avatars (user, hash, chosen_at, used) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            kept.user.as_str(),
            kept.choice.hash.map(|hash| hash.0),
            kept.choice.at.cast_signed(),
            kept.used.cast_signed(),
        ])
        .map(drop)
}

/// Nothing is known of this person any more.
pub fn remove(c: &Connection, user: &Handle) -> Result<()> {
    c.prepare_cached("DELETE FROM avatars WHERE user = ?1")?.execute([user.as_str()]).map(drop)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_last_choice_is_kept_until_its_person_is_forgotten() {
        let c = Connection::open_in_memory().unwrap();
        c.execute_batch(include_str!("migrations/V9__avatars.sql")).unwrap();
        let (bob, carol): (Handle, Handle) = ("bob".parse().unwrap(), "carol".parse().unwrap());
        let kept = |user: &Handle, at, hash| Kept { user: user.clone(), choice: Choice { at, hash }, used: at };
        save(&c, &kept(&bob, 1, Some(Hash([7; 32])))).unwrap();
        save(&c, &kept(&carol, 2, Some(Hash([8; 32])))).unwrap();
        save(&c, &kept(&bob, 3, None)).unwrap();
        assert_eq!(load(&c).unwrap(), [kept(&bob, 3, None), kept(&carol, 2, Some(Hash([8; 32])))]);
        remove(&c, &bob).unwrap();
        assert_eq!(load(&c).unwrap(), [kept(&carol, 2, Some(Hash([8; 32])))]);
    }
}
