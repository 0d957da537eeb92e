-- Messages that were changed or taken back, and reactions. An act is an entry of a log as a message is, and stands among them.
ALTER TABLE messages ADD COLUMN act     TEXT;                        -- 'edit', 'delete', 'react', 'unreact', or of a later version; NULL for a message
ALTER TABLE messages ADD COLUMN target  BLOB;                        -- of an act: the id of the message that it is about
ALTER TABLE messages ADD COLUMN edited  INTEGER NOT NULL DEFAULT 0;  -- of a message: its text is that of its newest edit
ALTER TABLE messages ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;  -- of a message: taken back, the text is gone
-- Of the edits of a message only the newest keeps its text: a row or two in each search.
CREATE INDEX messages_edits   ON messages (thread, target, author) WHERE act = 'edit' AND text <> '';
CREATE INDEX messages_deletes ON messages (thread, target, author) WHERE act = 'delete';

-- The newest that each person did with each emoji on a message, which need not be here yet.
CREATE TABLE reactions (
    thread INTEGER NOT NULL REFERENCES threads (id),
    target BLOB    NOT NULL,
    author TEXT    NOT NULL,
    emoji  TEXT    NOT NULL,
    clock  INTEGER NOT NULL,                   -- of the act, with device and number its place among those of its author
    device BLOB    NOT NULL,
    number INTEGER NOT NULL,
    is_on  INTEGER NOT NULL,
    PRIMARY KEY (thread, target, author, emoji)
) WITHOUT ROWID;

-- Only messages are searched. What is taken out of the index leaves it at once, not with some later merge.
DROP TRIGGER messages_inserted;
DROP TRIGGER messages_deleted;
DROP TRIGGER messages_changed;
CREATE TRIGGER messages_inserted AFTER INSERT ON messages WHEN new.act IS NULL BEGIN
    INSERT INTO texts (rowid, text) VALUES (new.seq, new.text);
END;
CREATE TRIGGER messages_deleted AFTER DELETE ON messages WHEN old.act IS NULL BEGIN
    INSERT INTO texts (texts, rowid, text) VALUES ('delete', old.seq, old.text);
END;
CREATE TRIGGER messages_changed AFTER UPDATE OF text ON messages WHEN old.act IS NULL BEGIN
    INSERT INTO texts (texts, rowid, text) VALUES ('delete', old.seq, old.text);
    INSERT INTO texts (rowid, text) VALUES (new.seq, new.text);
END;
INSERT INTO texts (texts, rank) VALUES ('secure-delete', 1);
