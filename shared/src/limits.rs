//! Every size, time and capacity of the protocol, each with its reason. What an operator may change stands in the server's
//! configuration; what both programs must agree on stands here.

use std::time::Duration;

/// Shortest handle, in characters: shorter ones collide with abbreviations.
pub const HANDLE_MIN: usize = 3;
/// Longest handle, in characters: fits a sidebar.
pub const HANDLE_MAX: usize = 32;
/// Shortest password, in characters. OPAQUE keeps it from the server, but whoever steals the store can still guess.
pub const PASSWORD_MIN: usize = 8;
/// Longest password, in bytes: bounds what is hashed.
pub const PASSWORD_MAX: usize = 1024;

/// Largest frame before sign-in, in bytes: certificates and OPAQUE messages fit, nothing else is needed.
pub const FRAME_BEFORE_SIGN_IN: usize = 4 * 1024;
/// Largest control frame, in bytes; lists are paged to stay below it.
pub const FRAME: usize = 64 * 1024;
/// Bytes of a file in one data frame: one group of the hash tree.
pub const GROUP: usize = 1024 * 1024;
/// Header of a data frame, in bytes: kind, group number, chaining value.
pub const GROUP_HEADER: usize = 1 + 8 + 32;
/// Friends in one page of the friend list: a handle, a key and a status text each, about 700 bytes at most.
pub const FRIENDS_PER_PAGE: usize = 64;
/// Largest certificate, in bytes; ours take about 400.
pub const CERTIFICATE: usize = 2 * 1024;

/// Longest message text, in bytes of UTF-8: longer texts are files.
pub const TEXT: usize = 16 * 1024;
/// Longest emoji of a reaction, in bytes: a family with skin tones fits.
pub const EMOJI: usize = 64;
/// Different emojis of one person on one message: more would be a text.
pub const REACTIONS: usize = 16;
/// Longest status text, in characters.
pub const STATUS_TEXT: usize = 140;
/// Longest file name that is offered, in bytes.
pub const FILE_NAME: usize = 255;
/// Bytes of a person's picture: with its frame around it, it stays below [`FRAME`], and 256 x 256 pixels of a photo take 10 to 40 KiB.
pub const AVATAR: usize = 60 * 1024;
/// Devices in one account's list: a person's computers.
pub const DEVICES: usize = 16;
/// Addresses in one introduction: dialling more would make clients into scanners.
pub const CANDIDATES: usize = 4;
/// Logs named in one frame: each about 70 bytes.
pub const HEADS: usize = 512;
/// Largest hybrid logical clock, milliseconds since 1970: some 285,000 years, and exact in any language's floating point.
pub const CLOCK: u64 = 1 << 53;
/// Bytes of entries in one frame; one entry of the longest text fits, and the frame around it.
pub const ENTRIES: usize = 40 * 1024;
/// Memberships in one page: about 350 bytes each.
pub const RECORDS_PER_PAGE: usize = 64;
/// Members of a room: a full mesh of links up to [`LINKS`]; more are reached over others, see `docs/ROOMS.md`.
pub const ROOM_MEMBERS: usize = 256;
/// Rooms of one account.
pub const ROOMS: usize = 64;
/// Bytes in one part of the sealed roster.
pub const ROSTER_PART: usize = 48 * 1024;
/// Parts of the sealed roster: some 15,000 people.
pub const ROSTER_PARTS: u8 = 16;
/// Peer links that a client keeps at once.
pub const LINKS: usize = 64;
/// Connections of one running transfer: on a path that loses a packet now and then, one alone spends most of its time recovering.
pub const FLOWS: usize = 8;
/// Bytes of a map of the groups that a receiver has behind its first gap: with a bit for each, what 45 s at 1.5 Gbit/s bring while one of the
/// connections is dying.
pub const BEYOND: usize = 1024;
/// Offers from one friend that wait for an answer.
pub const OFFERS_PER_FRIEND: usize = 32;
/// Files of one friend that are accepted, or wait for that, and are not finished: a camera's card at once; each is an entry in the list and a few
/// KiB, and few of them run.
pub const UNFINISHED_PER_FRIEND: usize = 1_000;
/// Files that a program has open at most: far more than ours need, and lists of open files stay short.
pub const OPEN_FILES: u64 = 64 * 1024;
/// Files and folders in a folder that is offered: what a desktop still shows, and a listing that fits into memory.
pub const LISTED: usize = 100_000;
/// Bytes of a folder's listing.
pub const LISTING: usize = 16 * 1024 * 1024;
/// Folders within folders: paths stay shorter than systems take.
pub const LISTED_DEPTH: usize = 32;
/// Bytes of a path below a folder that is offered; systems take 4,096 for all of it.
pub const LISTED_PATH: usize = 3_000;
/// Files in one word about those that were skipped: some 30 bytes each.
pub const SKIPPED_PER_FRAME: usize = 1_000;
/// Messages written to a link and not yet acknowledged: bounds memory on both sides, fills any path.
pub const WINDOW: usize = 256;
/// Bytes queued for one connection before its reader counts as slow.
pub const OUTBOUND_QUEUE: usize = 256 * 1024;

/// Time for a TLS handshake.
pub const TLS_TIMEOUT: Duration = Duration::from_secs(5);
/// Time from TLS to the end of sign-up, sign-in or hello.
pub const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a ping is sent; NATs forget idle connections sooner than TCP does.
pub const PING_AFTER: Duration = Duration::from_secs(20);
/// Silence after which the other side counts as gone: two pings and a bit.
pub const DEAD_AFTER: Duration = Duration::from_secs(45);
/// A write that makes no progress for so long ends the connection.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// First and longest wait between attempts to reach the server; the wait is drawn at random below the bound (full jitter).
pub const RECONNECT_MIN: Duration = Duration::from_millis(500);
/// See [`RECONNECT_MIN`].
pub const RECONNECT_MAX: Duration = Duration::from_secs(30);
/// Every command is answered within this time, at worst by a failure.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);

/// Who goes on writing says so again after this time: well before it is forgotten, and seldom enough to cost nothing.
pub const TYPING_AGAIN: Duration = Duration::from_secs(4);
/// Who writes nothing for so long has stopped.
pub const TYPING_PAUSE: Duration = Duration::from_secs(6);
/// Who did not say again that they write for so long has stopped, or is gone: two repetitions and a bit.
pub const TYPING_OVER: Duration = Duration::from_secs(10);

/// Life of an introduction's tokens.
pub const TOKEN_LIFE: Duration = Duration::from_mins(1);
/// Connections that one token may open before a link authenticates.
pub const TOKEN_USES: u8 = 8;
/// A dial whose token is not known yet waits so long for the server's notice.
pub const UNKNOWN_TOKEN_PARK: Duration = Duration::from_secs(2);
/// A direct connection has so long before the relay is tried beside it.
pub const DIRECT_HEAD_START: Duration = Duration::from_secs(1);
/// A dial gives up after this time.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections from one address that a client's listener keeps before they authenticate; loopback is exempt.
pub const UNAUTHENTICATED_PER_ADDRESS: usize = 8;
/// Unauthenticated connections that a client's listener keeps in all.
pub const UNAUTHENTICATED: usize = 64;
