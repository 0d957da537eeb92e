-- One life of a room each: a room that all have left is deleted, and made again it is another row, with a greater id.
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    incarnation BLOB NOT NULL,
    owner INTEGER NOT NULL REFERENCES accounts (id),
    -- BLAKE3 of what clients show, which is stretched already; none for a room without a password.
    password BLOB,
    -- Of the newest change.
    number INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX rooms_by_owner ON rooms (owner);

-- Who is a member, and who was: the newest record of each, as the server signed it.
CREATE TABLE members (
    room INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    member INTEGER NOT NULL CHECK (member IN (0, 1)),
    record BLOB NOT NULL,
    PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_number ON members (room, number);
CREATE INDEX members_by_account ON members (account) WHERE member = 1;

-- What an account's devices share, sealed by them; in parts, because it may be longer than a frame.
CREATE TABLE rosters (
    account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    number INTEGER NOT NULL
) STRICT;

CREATE TABLE roster_parts (
    account INTEGER NOT NULL REFERENCES rosters (account) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (account, part)
) STRICT;
