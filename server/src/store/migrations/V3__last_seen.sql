-- When an account was last shown online, for its friends: only of those who allow it. Nothing is kept of the others.
CREATE TABLE seen (
    account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    -- Milliseconds since 1970, in whole minutes; NULL until it happens.
    at INTEGER
) STRICT;
