-- A transfer may be of a folder: how many files it has, and hash and length of its listing.
ALTER TABLE transfers ADD COLUMN files INTEGER;
ALTER TABLE transfers ADD COLUMN listing BLOB;
ALTER TABLE transfers ADD COLUMN listing_length INTEGER;
