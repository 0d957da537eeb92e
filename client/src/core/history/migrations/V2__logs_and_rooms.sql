-- Every device writes a log of its own in every conversation; a copy of each is kept here. Rooms are conversations whose entries are signed.

-- A conversation's thread is what its logs belong to: one for a friend, one for each life of a room.
CREATE TABLE threads (
    id           INTEGER PRIMARY KEY,
    key          TEXT    NOT NULL UNIQUE,      -- '@bob', or the hexadecimal incarnation of a room
    conversation INTEGER NOT NULL REFERENCES conversations (id)
);

-- How far each log goes on this disk.
CREATE TABLE logs (
    thread INTEGER NOT NULL REFERENCES threads (id),
    device BLOB    NOT NULL,
    author TEXT    NOT NULL,
    number INTEGER NOT NULL,                   -- of the last entry
    last   BLOB    NOT NULL,                   -- its id
    clock  INTEGER NOT NULL,                   -- its clock
    hash   BLOB,                               -- rooms: BLAKE3 of its body
    delivered INTEGER NOT NULL DEFAULT 0,      -- of this account: on a disk of somebody else up to here
    read      INTEGER NOT NULL DEFAULT 0,      -- of this account: seen by somebody else; of others: seen by this account
    PRIMARY KEY (thread, device)
) WITHOUT ROWID;

CREATE TABLE messages_2 (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival on this disk
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    thread       INTEGER NOT NULL REFERENCES threads (id),
    id           BLOB    NOT NULL,
    author       TEXT    NOT NULL,
    device       BLOB    NOT NULL,                   -- of the author
    own          INTEGER NOT NULL,                   -- of this account, whichever device
    number       INTEGER NOT NULL,                   -- the author's device's own count in this thread
    clock        INTEGER NOT NULL,                   -- orders the conversation
    sent_at      INTEGER NOT NULL,
    text         TEXT    NOT NULL,
    reply_to     BLOB,
    meant_for    BLOB,                               -- own, to a friend: the identity key of the friend that it was written to
    state        INTEGER NOT NULL                    -- 0 queued, 2 delivered, 3 read
);

INSERT INTO threads (key, conversation) SELECT name, id FROM conversations;

-- Until now a conversation was ordered by arrival, and it keeps that order: the clocks grow with it. Own messages had no device written to
-- them; the empty one stands for the device of this profile until that is known.
INSERT INTO messages_2 (seq, conversation, thread, id, author, device, own, number, clock, sent_at, text, reply_to, meant_for, state)
SELECT m.seq, m.conversation, t.id, m.id, m.author, coalesce(m.device, x''), m.own, m.number,
       max(min(m.sent_at, CAST(strftime('%s', 'now') AS INTEGER) * 1000) - m.place) OVER (PARTITION BY m.conversation ORDER BY m.seq) + m.place,
       m.sent_at, m.text, m.reply_to, m.meant_for, m.state
FROM (SELECT *, row_number() OVER (PARTITION BY conversation ORDER BY seq) AS place FROM messages) m
JOIN threads t ON t.conversation = m.conversation;

DROP TABLE messages;
ALTER TABLE messages_2 RENAME TO messages;
CREATE UNIQUE INDEX messages_by_id    ON messages (id, author);
CREATE UNIQUE INDEX messages_by_log   ON messages (thread, device, number);
CREATE INDEX messages_in_order        ON messages (conversation, clock, author, device, number);
CREATE INDEX messages_undelivered     ON messages (thread, number)       WHERE own = 1 AND state < 2;
CREATE INDEX messages_unread_by_them  ON messages (thread, device, number) WHERE own = 1 AND state = 2;
CREATE INDEX messages_unread_by_me    ON messages (conversation, clock)  WHERE own = 0 AND state < 3;

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

INSERT INTO logs (thread, device, author, number, last, clock, delivered, read)
SELECT thread, device, author, number, id, newest, delivered, read
FROM (SELECT *, row_number() OVER (PARTITION BY thread, device ORDER BY number DESC) AS back,
             max(clock) OVER log AS newest,
             max(CASE WHEN own = 1 AND state >= 2 THEN number ELSE 0 END) OVER log AS delivered,
             max(CASE WHEN state = 3 THEN number ELSE 0 END) OVER log AS read
      FROM messages WINDOW log AS (PARTITION BY thread, device))
WHERE back = 1;

ALTER TABLE conversations DROP COLUMN next_number;

CREATE TABLE rooms (
    thread  INTEGER PRIMARY KEY REFERENCES threads (id),
    name    TEXT    NOT NULL,                  -- '#tea'
    owner   TEXT    NOT NULL,
    locked  INTEGER NOT NULL,
    ended   TEXT                               -- 'left', 'removed'; NULL while this account is a member
);

-- What the server and the members signed of who is in a room. The newest about each person.
CREATE TABLE memberships (
    thread  INTEGER NOT NULL REFERENCES threads (id),
    user    TEXT    NOT NULL,
    account BLOB    NOT NULL,
    number  INTEGER NOT NULL,
    member  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    record  BLOB    NOT NULL,                  -- server statement, encoded
    leave   BLOB,                              -- statement of who left, encoded
    PRIMARY KEY (thread, user)
) WITHOUT ROWID;

-- Entries of rooms as they were signed: what is passed on to others.
CREATE TABLE signed (
    thread    INTEGER NOT NULL REFERENCES threads (id),
    device    BLOB    NOT NULL,
    number    INTEGER NOT NULL,
    body      BLOB    NOT NULL,
    signature BLOB    NOT NULL,
    PRIMARY KEY (thread, device, number)
) WITHOUT ROWID;

-- Certificates of those whose entries are kept.
CREATE TABLE chains (
    device              BLOB PRIMARY KEY,
    user                TEXT NOT NULL,
    device_certificate  BLOB NOT NULL,
    account_certificate BLOB NOT NULL
) WITHOUT ROWID;

-- How far each member of a room is with the logs of this account.
CREATE TABLE marks (
    thread    INTEGER NOT NULL REFERENCES threads (id),
    member    TEXT    NOT NULL,
    device    BLOB    NOT NULL,
    delivered INTEGER NOT NULL,
    read      INTEGER NOT NULL,
    PRIMARY KEY (thread, member, device)
) WITHOUT ROWID;

-- Whose words in rooms are not shown, and whose requests are refused.
CREATE TABLE blocks (
    user TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Devices that were taken off their accounts, and when: what they sign in rooms after that does not count.
CREATE TABLE removed_devices (
    account BLOB NOT NULL,                     -- whose identity key says so: nobody takes a device off somebody else's account
    device  BLOB NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, device)
) WITHOUT ROWID;

-- A file that is offered to a room is a transfer for each member; outside this profile all of them have the id of the share.
ALTER TABLE transfers ADD COLUMN share BLOB;
ALTER TABLE transfers ADD COLUMN room  BLOB;  -- incarnation
CREATE INDEX transfers_by_share ON transfers (share) WHERE share IS NOT NULL;
