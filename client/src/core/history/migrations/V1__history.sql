-- What one profile remembers. Blobs are ids as they are on the wire; times are milliseconds since 1970.

CREATE TABLE conversations (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,       -- '@bob' or '#tea'
    next_number INTEGER NOT NULL DEFAULT 1     -- of the next own message
);

CREATE TABLE messages (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival on this disk
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    id           BLOB    NOT NULL UNIQUE,
    author       TEXT    NOT NULL,
    device       BLOB,                               -- of the author; NULL for this one
    own          INTEGER NOT NULL,
    number       INTEGER NOT NULL,                   -- the author's device's own count in this conversation
    sent_at      INTEGER NOT NULL,
    text         TEXT    NOT NULL,
    reply_to     BLOB,
    meant_for    BLOB,                               -- own: the identity key of the friend that it was written to
    state        INTEGER NOT NULL                    -- 0 queued, 2 delivered, 3 read
);
CREATE INDEX messages_by_conversation ON messages (conversation, seq);
CREATE INDEX messages_undelivered     ON messages (conversation, number) WHERE own = 1 AND state < 2;
CREATE INDEX messages_unread_by_them  ON messages (conversation, number) WHERE own = 1 AND state = 2;
CREATE INDEX messages_unread_by_me    ON messages (conversation, seq)    WHERE own = 0 AND state < 3;

CREATE VIRTUAL TABLE texts USING fts5 (
    text, content = 'messages', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER messages_inserted AFTER INSERT ON messages BEGIN
    INSERT INTO texts (rowid, text) VALUES (new.seq, new.text);
END;
CREATE TRIGGER messages_deleted AFTER DELETE ON messages BEGIN
    INSERT INTO texts (texts, rowid, text) VALUES ('delete', old.seq, old.text);
END;
CREATE TRIGGER messages_changed AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO texts (texts, rowid, text) VALUES ('delete', old.seq, old.text);
    INSERT INTO texts (rowid, text) VALUES (new.seq, new.text);
END;

CREATE TABLE friends (
    user                TEXT PRIMARY KEY,
    account             BLOB    NOT NULL,      -- pinned identity key's fingerprint
    account_certificate BLOB    NOT NULL,
    verified            INTEGER NOT NULL DEFAULT 0,
    blocked             INTEGER NOT NULL DEFAULT 0,
    changed_key         BLOB,                  -- seen, and not accepted
    list_number         INTEGER NOT NULL,
    list_body           BLOB    NOT NULL,
    list_signature      BLOB    NOT NULL
) WITHOUT ROWID;

-- Who was a friend: another key under the same name is an alarm, even after the friendship ended.
CREATE TABLE former (
    user    TEXT PRIMARY KEY,
    account BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE pairs (
    device       BLOB PRIMARY KEY,
    user         TEXT    NOT NULL,
    secret       BLOB    NOT NULL,
    dial_counter INTEGER NOT NULL,
    seen_counter INTEGER NOT NULL,
    addresses    TEXT    NOT NULL              -- one a line, newest first
) WITHOUT ROWID;
CREATE INDEX pairs_by_user ON pairs (user);

CREATE TABLE transfers (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB    NOT NULL UNIQUE,
    conversation TEXT    NOT NULL,
    peer         TEXT    NOT NULL,             -- the friend at the other end
    author       TEXT    NOT NULL,             -- the sender
    outgoing     INTEGER NOT NULL,
    name         TEXT    NOT NULL,             -- as offered
    size         INTEGER NOT NULL,             -- two's complement of a u64
    media_type   TEXT,
    sent_at      INTEGER NOT NULL,
    state        INTEGER NOT NULL,             -- see Stage in transfers.rs
    done         INTEGER NOT NULL DEFAULT 0,   -- verified bytes
    path         BLOB,                         -- outgoing: the source; incoming: the final path, once finished
    save_as      BLOB,
    code         TEXT,                         -- why it failed
    text         TEXT,
    meant_for    BLOB,                         -- outgoing: the identity key of the friend that it was offered to
    root         BLOB,
    device       BLOB                          -- of the friend: incoming, where it lies; outgoing, which accepted
);
CREATE INDEX transfers_unfinished ON transfers (peer) WHERE state < 4 OR state = 7;
