-- Pictures that people show themselves with; the files are in the profile's folder `avatars`, named by hash.
CREATE TABLE avatars (
    user      TEXT    PRIMARY KEY,             -- whose; this account's own as well
    hash      BLOB,                            -- BLAKE3 of the file; NULL: none any more
    chosen_at INTEGER NOT NULL,                -- by their clock; the newest choice counts
    used      INTEGER NOT NULL                 -- grows with each change of anybody; the least goes first
);
