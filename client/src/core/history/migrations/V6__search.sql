-- One search: the newest first by time, whatever order things arrived in, with its filters in the index, so that a rare sender among a million
-- messages costs no more than a rare word.

-- Of a message: where a search finds it. The clock it came with, or the next free number beside that.
ALTER TABLE messages ADD COLUMN place INTEGER;
UPDATE messages SET place = found.place
FROM (SELECT seq, max(clock - n) OVER (ORDER BY n) + n AS place
      FROM (SELECT seq, clock, row_number() OVER (ORDER BY clock, seq) AS n FROM messages WHERE act IS NULL)) found
WHERE found.seq = messages.seq;
CREATE UNIQUE INDEX messages_by_place ON messages (place) WHERE place IS NOT NULL;

DROP TRIGGER messages_inserted;
DROP TRIGGER messages_deleted;
DROP TRIGGER messages_changed;
DROP TABLE texts;

-- Beginnings of up to three letters are words of the index: more of them than a person waits for would have to be joined otherwise. Marks say
-- in which conversation (zzc), and by whom, in a room (zzr) or not (zzd); their common beginning costs the index least. What was taken
-- back is not in it.
CREATE VIRTUAL TABLE texts USING fts5 (
    text, marks, content = '', columnsize = 0, prefix = '1 2 3', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO texts (texts, rank) VALUES ('secure-delete', 1);

-- What stands in the index for a message.
CREATE VIEW searched AS
SELECT m.seq, m.place, m.text,
       'zzc' || m.conversation || CASE WHEN k.name LIKE '#%' THEN ' zzr' ELSE ' zzd' END || hex(m.author) AS marks
FROM messages m JOIN conversations k ON k.id = m.conversation
WHERE m.act IS NULL AND m.deleted = 0;
INSERT INTO texts (rowid, text, marks) SELECT place, text, marks FROM searched ORDER BY place;

CREATE TRIGGER messages_inserted AFTER INSERT ON messages BEGIN
    INSERT INTO texts (rowid, text, marks) SELECT place, text, marks FROM searched WHERE seq = new.seq;
END;
CREATE TRIGGER messages_deleted BEFORE DELETE ON messages BEGIN
    INSERT INTO texts (texts, rowid, text, marks) SELECT 'delete', place, text, marks FROM searched WHERE seq = old.seq;
END;
CREATE TRIGGER messages_changing BEFORE UPDATE OF text ON messages BEGIN
    INSERT INTO texts (texts, rowid, text, marks) SELECT 'delete', place, text, marks FROM searched WHERE seq = old.seq;
END;
CREATE TRIGGER messages_changed AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO texts (rowid, text, marks) SELECT place, text, marks FROM searched WHERE seq = new.seq;
END;
