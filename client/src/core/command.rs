//! What the user wants, imperative: the one way into the core, for the window and for `hobnob-cli` alike. In JSON this is a line of
//! standard input as the interface document fixes it.

use std::path::PathBuf;

use serde::Deserialize;

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, RoomId, TransferId};
use hobnob_shared::message::OwnPresence;

pub use super::export::Format;
use super::file_transfer::pace::Rates;
use super::history::file_rules::FileRule;
use super::history::notify::Notify;
pub use super::history::pages::Part;
pub use super::invite::Invite;
pub use super::search::Wanted;

/// Name of the folder in the profile where pasted pictures are kept; of all that is in the profile only files in it can be sent.
pub const PASTED: &str = "pasted";

/// Longest nickname of a friend, in bytes: fits a sidebar.
pub const NICKNAME_MAX: usize = 64;
/// Longest note on a friend, in bytes: a screen of text.
pub const NOTE_MAX: usize = 2 * 1024;
/// Name of the folder in the profile where people's pictures are kept, each named by its hash.
pub const AVATARS: &str = "avatars";

/// A command with the id under which its one answer comes back.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Request {
    /// Any text; without one nobody waits for the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

/// A password. Never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// From what somebody typed.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for hashing only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Everything that the core can be asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Makes an account and signs in. Done means signed in and online.
    SignUp {
        /// Wanted handle, checked by the core so that a bad one gets its own sentence.
        user: String,
        /// At least [`hobnob_shared::limits::PASSWORD_MIN`] characters.
        password: Password,
    },
    /// Signs in: with a password on a new device, without one where the profile has a device of the account.
    SignIn {
        /// Handle; may be left out where the profile knows it.
        #[serde(default)]
        user: Option<String>,
        /// Needed on a new device.
        #[serde(default)]
        password: Option<Password>,
    },
    /// Goes offline and stays so until told to sign in.
    SignOut,
    /// Ends the program in order.
    Quit,
    /// Sets the server's address, `ADDR:PORT[#FINGERPRINT]`, before signing in. For the window's sign-in page.
    SetServer {
        /// As typed.
        server: String,
    },

    /// Asks somebody to be friends.
    AddFriend {
        /// Handle, or an invite `hobnob:NAME?k=FINGERPRINT&s=HOST:PORT`.
        user: String,
    },
    /// Accepts a request.
    AcceptFriend {
        /// Who asked.
        user: Handle,
    },
    /// Declines a request.
    DeclineFriend {
        /// Who asked.
        user: Handle,
    },
    /// Ends a friendship; what was said stays in the history.
    RemoveFriend {
        /// The friend.
        user: Handle,
    },
    /// Removes, and refuses from now on.
    Block {
        /// Whom.
        user: Handle,
    },
    /// Takes a block back.
    Unblock {
        /// Whom.
        user: Handle,
    },
    /// Lists friends: [`super::event::Answer::Friends`].
    Friends,
    /// How others add this account: [`super::event::Answer::Invite`].
    Invite,
    /// Calls a friend something else, on all devices of this account; nobody else hears of it.
    SetNickname {
        /// Whom.
        user: Handle,
        /// At most [`NICKNAME_MAX`] bytes; empty takes it away.
        nickname: String,
    },
    /// Notes something on a friend; as with a nickname.
    SetNote {
        /// On whom.
        user: Handle,
        /// At most [`NOTE_MAX`] bytes; empty takes it away.
        note: String,
    },
    /// What of a conversation is told by notifications, on this device.
    SetNotify {
        /// Of which.
        conversation: ConversationId,
        /// From now on.
        notify: Notify,
    },
    /// Whether friends are told when this account was last seen, and it when they were: [`super::event::Answer::LastSeen`].
    LastSeen,
    /// Changes that, at the server.
    SetLastSeen {
        /// From now on.
        on: bool,
    },
    /// Sets presence and status text.
    SetPresence {
        /// What to be.
        presence: OwnPresence,
        /// Status text; absent leaves it as it is.
        #[serde(default)]
        text: Option<String>,
    },
    /// Sets the picture that friends and members of rooms see, or takes it away: [`super::event::Answer::Avatar`].
    SetAvatar {
        /// A picture of any usual kind; of it the square in the middle is shown, small. None: no picture.
        #[serde(default)]
        path: Option<PathBuf>,
    },
    /// Everybody's picture that is known, one's own as well: [`super::event::Answer::Avatars`].
    Avatars,

    /// Sends a message; done once it is safe on this disk: [`super::event::Answer::Sent`].
    Send {
        /// Where to.
        to: ConversationId,
        /// At most [`hobnob_shared::limits::TEXT`] bytes.
        text: String,
        /// The message it answers.
        #[serde(default)]
        reply_to: Option<MessageId>,
    },
    /// Changes an own message, for everybody; done once that is safe on this disk.
    Edit {
        /// Which; from whichever device of the account.
        message: MessageId,
        /// New text, 1 to [`hobnob_shared::limits::TEXT`] bytes.
        text: String,
    },
    /// Takes an own message back, for everybody.
    Delete {
        /// Which.
        message: MessageId,
    },
    /// Sets an emoji on a message, or takes it off. Doing what is so already writes nothing.
    React {
        /// Anybody's.
        message: MessageId,
        /// At most [`hobnob_shared::limits::EMOJI`] bytes; [`hobnob_shared::limits::REACTIONS`] of them on one message. Empty takes all own
        /// ones off.
        emoji: String,
        /// Set, or taken off.
        #[serde(default = "default_on")]
        on: bool,
        /// Who wrote the message. An id is its author's: where somebody else has used it too, only this says in which conversation.
        #[serde(default)]
        author: Option<Handle>,
    },
    /// Everything up to this message was seen.
    MarkRead {
        /// The newest that was seen.
        message: MessageId,
        /// Who wrote it. An id is its author's: without this all are meant that have it, wherever they stand.
        #[serde(default)]
        author: Option<Handle>,
    },
    /// Tells the other side that one is writing.
    Typing {
        /// Where.
        to: ConversationId,
        /// Writing, or stopped.
        active: bool,
    },
    /// Stored messages, oldest first: [`super::event::Answer::Messages`].
    History {
        /// Which conversation.
        conversation: ConversationId,
        /// At most so many, up to 5,000.
        #[serde(default = "default_limit")]
        limit: u32,
        /// Which part; of these four at most one. Those right before this one;
        #[serde(default)]
        before: Option<MessageId>,
        /// those right after this one;
        #[serde(default)]
        after: Option<MessageId>,
        /// this one, with about as many before it as after it;
        #[serde(default)]
        around: Option<MessageId>,
        /// the same for the first of this time or later, in milliseconds since 1970; see [`Part::At`].
        #[serde(default)]
        at: Option<u64>,
        /// Who wrote the message that is named. An id is its author's: where somebody else has used it too, only this says which is meant.
        #[serde(default)]
        author: Option<Handle>,
    },
    /// On which days something was said in a conversation: [`super::event::Answer::Days`].
    Days {
        /// Which conversation.
        conversation: ConversationId,
        /// When each day begins, in milliseconds since 1970, and behind them when the last one ends: at most [`DAYS_MAX`] days, whose zone only
        /// who asks knows.
        starts: Vec<u64>,
    },
    /// Writes a conversation into a file that other programs read: [`super::event::Answer::Exported`]. Long ones take their time.
    Export {
        /// Which conversation.
        conversation: ConversationId,
        /// The file to be. Nothing of it stands there before all of it does.
        path: PathBuf,
        /// What kind of file.
        format: Format,
        /// A file that is there already is replaced.
        #[serde(default)]
        overwrite: bool,
    },
    /// Takes a conversation off this computer's disk; nobody else's copy is touched: [`super::event::Answer::Erased`].
    Erase {
        /// Which conversation.
        conversation: ConversationId,
    },
    /// Searches messages, and people, rooms and files by name: [`super::event::Answer::Found`].
    Search {
        /// Words, "phrases" and filters, see [`Wanted::parse`].
        text: String,
        /// Only in this conversation.
        #[serde(default)]
        conversation: Option<ConversationId>,
        /// Only by this author.
        #[serde(default)]
        from: Option<Handle>,
        /// Only messages that a search shows behind this one: the next page.
        #[serde(default)]
        before: Option<MessageId>,
        /// Who wrote that one. An id is its author's: where somebody else has used it too, only this says which is meant.
        #[serde(default)]
        before_author: Option<Handle>,
        /// At most so many messages, up to [`FOUND_MAX`].
        #[serde(default = "default_found")]
        limit: u32,
    },
    /// All conversations with unread counts and their newest message: [`super::event::Answer::Conversations`].
    Conversations,

    /// Joins a room.
    JoinRoom {
        /// Which.
        room: RoomId,
        /// Where the room has one.
        #[serde(default)]
        password: Option<Password>,
    },
    /// Leaves a room.
    LeaveRoom {
        /// Which.
        room: RoomId,
    },
    /// Ends somebody's membership; the room's owner may.
    RemoveMember {
        /// Where.
        room: RoomId,
        /// Whose.
        user: Handle,
    },
    /// Sets a room's password for those who come later, or drops it; the room's owner may.
    SetRoomPassword {
        /// Where.
        room: RoomId,
        /// The new one; none drops it.
        #[serde(default)]
        password: Option<Password>,
    },
    /// Lists the rooms of this account: [`super::event::Answer::Rooms`].
    Rooms,
    /// What goes on inside, for whoever looks after a bot: [`super::event::Answer::Status`].
    Status,

    /// Lists the account's devices.
    Devices {
        /// Not needed for listing.
        #[serde(default)]
        password: Option<Password>,
    },
    /// Removes a device of the account.
    RemoveDevice {
        /// The account's password unwraps the identity key that signs the new list.
        password: Password,
        /// Which.
        device: DeviceId,
    },
    /// Changes the password.
    ChangePassword {
        /// The old one.
        password: Password,
        /// The new one.
        new_password: Password,
    },

    /// All transfers, finished and not: [`super::event::Answer::Transfers`].
    Transfers,
    /// Offers a file: [`super::event::Answer::Transfer`].
    SendFile {
        /// To whom.
        to: ConversationId,
        /// A regular file.
        path: PathBuf,
    },
    /// What of a friend's files is taken without asking: [`super::event::Answer::FileRule`].
    FileRule {
        /// Whose.
        user: Handle,
    },
    /// Changes that.
    SetFileRule {
        /// Whose.
        user: Handle,
        /// From now on.
        #[serde(flatten)]
        rule: FileRule,
    },
    /// How fast files may go, in bytes a second: [`super::event::Answer::Rates`].
    Rates,
    /// Changes that, at once and for all transfers together; what is left out is as fast as it goes.
    SetRates {
        /// From now on.
        #[serde(flatten)]
        rates: Rates,
    },
    /// Where received files go: [`super::event::Answer::Downloads`].
    Downloads,
    /// Changes that, for files that are taken from now on; kept for this profile.
    SetDownloads {
        /// Full path; made where there is none.
        folder: PathBuf,
    },
    /// Whether others are told what was read here, and this account what they have read: [`super::event::Answer::Receipts`].
    Receipts,
    /// Changes that, on this device.
    SetReceipts {
        /// From now on.
        on: bool,
    },
    /// Accepts an offer.
    AcceptFile {
        /// Which.
        transfer: TransferId,
        /// Another place than the download folder: full path of the file to be, chosen by the user.
        #[serde(default)]
        save_as: Option<PathBuf>,
    },
    /// Declines an offer.
    DeclineFile {
        /// Which.
        transfer: TransferId,
    },
    /// Pauses a transfer.
    PauseFile {
        /// Which.
        transfer: TransferId,
    },
    /// Goes on with a paused or failed transfer.
    ResumeFile {
        /// Which.
        transfer: TransferId,
    },
    /// Gives a transfer up and removes what is partial.
    CancelFile {
        /// Which.
        transfer: TransferId,
    },

    /// The 60 digits to compare: [`super::event::Answer::SafetyNumber`].
    SafetyNumber {
        /// With whom.
        user: Handle,
    },
    /// The digits were compared and are equal; with a code, if it says so.
    Verify {
        /// With whom.
        user: Handle,
        /// The text of the QR picture that they show, or the digits that they see.
        #[serde(default)]
        code: Option<String>,
    },
    /// Accepts a friend's changed key and re-addresses what is queued for them.
    AcceptKey {
        /// Whose.
        user: Handle,
    },
}

/// [`Command::React`] without a word on that.
fn default_on() -> bool {
    true
}

impl Command {
    /// The command that reads a part of a conversation.
    pub fn read(conversation: ConversationId, limit: u32, part: Part) -> Self {
        let (mut before, mut after, mut around, mut at, mut author) = (None, None, None, None, None);
        match part {
            Part::Newest => {}
            Part::Before(of) => (before, author) = (Some(of.id), of.author),
            Part::After(of) => (after, author) = (Some(of.id), of.author),
            Part::Around(of) => (around, author) = (Some(of.id), of.author),
            Part::At(time) => at = Some(time),
        }
        Self::History { conversation, limit, before, after, around, at, author }
    }
}

/// [`Command::History`] without a limit.
fn default_limit() -> u32 {
    100
}

/// [`Command::Search`] without a limit.
fn default_found() -> u32 {
    FOUND_MAX
}

/// Most messages that one [`Command::Search`] answers.
pub const FOUND_MAX: u32 = 200;

/// Most days that one [`Command::Days`] looks at: a month.
pub const DAYS_MAX: usize = 31;

/// Most messages that one [`Command::History`] answers.
pub const HISTORY_MAX: u32 = 5_000;
