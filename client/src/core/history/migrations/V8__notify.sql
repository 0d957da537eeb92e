-- Of which conversations a person wants to be told less than everything.
CREATE TABLE notify (
    conversation TEXT PRIMARY KEY,             -- '@bob' or '#tea'
    level        TEXT NOT NULL                 -- 'mentions' or 'none'
) WITHOUT ROWID;
