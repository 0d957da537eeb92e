-- Conversations that were erased on this disk. Logs go on where they are: what was erased is known, and neither taken again nor passed on.

-- What of a log up to here was here, is not here any more, unless it still waits to be delivered.
ALTER TABLE logs ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;

-- Ids of messages that were erased: one that comes once more, under whatever number, is none.
CREATE TABLE erased (
    id     BLOB NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY (id, author)
) WITHOUT ROWID;

-- What is over may still have to be confirmed to the other end, and is not shown any more.
ALTER TABLE transfers ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
