-- What this account's devices tell each other of people, as joined last: one row.
CREATE TABLE contacts (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    number   INTEGER NOT NULL,                 -- of the newest sealed roster that is in it
    unsaved  INTEGER NOT NULL,                 -- it has something that the roster of that number has not
    contents BLOB    NOT NULL                  -- CBOR, as it is sealed
);
