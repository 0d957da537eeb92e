-- Folders, and what of a friend's files is taken without asking.
-- A transfer may be of a folder: how many files it has, and hash and length of its listing.
ALTER TABLE transfers ADD COLUMN files INTEGER;
ALTER TABLE transfers ADD COLUMN listing BLOB;
ALTER TABLE transfers ADD COLUMN listing_length INTEGER;

CREATE TABLE file_rules (
    user  TEXT    PRIMARY KEY,                 -- whose files; no row: ask each time
    up_to INTEGER NOT NULL                     -- largest that is taken, in bytes; the largest number there is: all
);
