-- People, their devices, and who is whose friend. Statements are kept byte for byte as they were signed.
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    handle TEXT NOT NULL UNIQUE,
    -- SHA-256 of the identity key.
    key BLOB NOT NULL UNIQUE,
    certificate BLOB NOT NULL,
    -- OPAQUE registration record; says nothing about the password without the server's own secret.
    password BLOB NOT NULL,
    -- Secrets that only the password's owner can open.
    sealed BLOB NOT NULL,
    -- Signed device list and its number.
    list_number INTEGER NOT NULL,
    device_list BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device BLOB NOT NULL,
    certificate BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

-- Friend requests that wait. The asked handle need not exist, so that asking tells nobody whether it does.
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    asker INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    asked TEXT NOT NULL,
    -- BLAKE3 of the signed body, by which an acceptance names it.
    hash BLOB NOT NULL,
    statement BLOB NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (asker, asked)
) STRICT;
CREATE INDEX requests_by_asked ON requests (asked);

-- One row for two friends, the smaller id first.
CREATE TABLE friendships (
    low INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    high INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    request BLOB NOT NULL,
    acceptance BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (low, high),
    CHECK (low < high)
) STRICT, WITHOUT ROWID;
CREATE INDEX friendships_by_high ON friendships (high);

CREATE TABLE blocks (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    blocked TEXT NOT NULL,
    PRIMARY KEY (account, blocked)
) STRICT, WITHOUT ROWID;
