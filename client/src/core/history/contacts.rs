//! What the account's devices know together of people, on the disk, and the number of the sealed roster that it came from. Written by the
//! `Registry`; after everything that follows from it, so that a crash in between repeats work and loses no decision.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::row;
use crate::core::roster_sync::Kept;
use crate::core::sealed_roster::Contents;

/// Stores it in place of what was known. The number never goes down, whatever the order of writers.
pub fn save(c: &Connection, kept: &Kept) -> Result<()> {
    let contents =
        kept.contents.to_bytes().map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    c.prepare_cached(
        "INSERT INTO contacts (id, number, unsaved, contents) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET number = max(number, excluded.number), unsaved = excluded.unsaved,
                                   contents = excluded.contents",
    )?
    .execute(params![kept.number.cast_signed(), kept.unsaved, contents])?;
    Ok(())
}

/// As stored. What cannot be read counts as not there: it is joined anew from what is pinned, and from the server.
pub fn load(c: &Connection) -> Result<Kept> {
    let found = c
        .prepare_cached("SELECT number, unsaved, contents FROM contacts WHERE id = 1")?
        .query_row([], |row| Ok((row::number(row, 0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?)))
        .optional()?;
    let Some((number, unsaved, bytes)) = found else { return Ok(Kept::default()) };
    Ok(match Contents::from_bytes(&bytes) {
        Ok(contents) => Kept { number, unsaved, contents },
        Err(error) => {
            tracing::error!(%error, "what was known of people cannot be read");
            Kept::default()
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::id::Fingerprint;

    #[test]
    fn it_reads_back_and_its_number_never_goes_down() {
        let c = Connection::open_in_memory().unwrap();
        c.execute_batch(include_str!("migrations/V3__contacts.sql")).unwrap();
        assert_eq!(load(&c).unwrap(), Kept::default());
        let mut kept = Kept { number: 7, unsaved: true, contents: Contents::default() };
        kept.contents.decide(&"bob".parse().unwrap(), Fingerprint([1; 32]), 5);
        save(&c, &kept).unwrap();
        assert_eq!(load(&c).unwrap(), kept);
        save(&c, &Kept { number: 6, ..kept.clone() }).unwrap();
        assert_eq!(load(&c).unwrap().number, 7);
        c.execute_batch("UPDATE contacts SET contents = x'ff'").unwrap();
        assert_eq!(load(&c).unwrap(), Kept::default());
    }
}
