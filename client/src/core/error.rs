//! What goes wrong, in words for people: a stable code for programs, and a sentence that says what happened and what to do next. The one
//! place of the client where errors become sentences; used by everything in the core.

use std::borrow::Cow;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Handle, IdError, RoomId};
use hobnob_shared::limits;
use hobnob_shared::link::LinkError;

use super::event::Event;
use super::file_transfer::pace::SLOWEST;
use super::history::HistoryError;
use super::session::{ConnectError, EnrolError};
use crate::pictures::avatar::Unfit;

/// A failure as it is told: code and sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable, `snake_case`.
    pub code: Cow<'static, str>,
    /// For people.
    pub text: Cow<'static, str>,
}

impl Problem {
    /// From parts.
    pub fn new(code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), text: text.into() }
    }

    /// The event that answers command `id`.
    pub fn into_event(self, id: Option<String>) -> Event {
        Event::Failed { id, code: self.code.into_owned(), text: self.text.into_owned() }
    }

    /// The program ends.
    pub fn closing() -> Self {
        Self::new("closing", "The program is closing. Start it again and repeat this.")
    }

    /// A picture that was chosen cannot be one's own.
    pub fn unfit(why: &Unfit) -> Self {
        let code = match why {
            Unfit::Unreadable(_) => "picture_unreadable",
            Unfit::TooLarge => "picture_too_large",
            Unfit::NoPicture => "no_picture",
            Unfit::Busy => "busy",
        };
        Self::new(code, why.to_string())
    }

    /// Another one was chosen before this one was ready.
    pub fn overtaken() -> Self {
        Self::new("overtaken", "Another picture was chosen meanwhile, and that one counts.")
    }

    /// More is asked than can be kept.
    pub fn busy() -> Self {
        Self::new("busy", "Too much is going on at once. Wait a moment and try again.")
    }

    /// What was named as a folder cannot be one.
    pub fn not_a_folder() -> Self {
        Self::new("not_a_folder", "Files cannot be kept there. Choose a folder that you may write to.")
    }

    /// The server did not answer in time.
    pub fn offline() -> Self {
        Self::new(
            "offline",
            "The server cannot be reached. Check the network and the server's address; this can be tried again at any time.",
        )
    }

    /// The server has lost the account, or it is another server behind the same key.
    pub fn account_unknown() -> Self {
        Self::new(
            "unknown_user",
            "The server does not know this account any more. Ask who runs it whether its data was lost. What is here stays here.",
        )
    }

    /// The profile has no account.
    pub fn not_signed_in() -> Self {
        Self::new("not_signed_in", "You are not signed in. Sign in, or sign up for a new account, first.")
    }

    /// Nobody said where the server is.
    pub fn no_server() -> Self {
        Self::new("no_server", "No server is known. Give its address, such as 192.0.2.7:7666, and try again.")
    }

    /// The text after `--server` cannot be read.
    pub fn bad_server() -> Self {
        Self::new(
            "bad_server",
            "Write a server's address as ADDRESS:PORT, with #FINGERPRINT behind it if you have one.",
        )
    }

    /// The server is not the one that it was.
    pub fn server_key_changed() -> Self {
        Self::new(
            "server_key_changed",
            "The server shows another key than the expected one. Somebody may be in between, so nothing was sent. Ask who runs the \
             server whether its key was really changed before you go on.",
        )
    }

    /// The account lives in another profile.
    pub fn other_account(user: &Handle) -> Self {
        Self::new(
            "other_account",
            format!("This profile belongs to {user}. Use another profile for another account (start with --profile)."),
        )
    }

    /// The profile has its account already.
    pub fn has_account(user: &Handle) -> Self {
        Self::new(
            "has_account",
            format!("This profile already has the account {user}. Sign in without a password, or use another profile."),
        )
    }

    /// The password cannot be one.
    pub fn weak_password() -> Self {
        Self::new(
            "weak_password",
            format!(
                "This password is too short or too long. Choose one of {} characters or more.",
                limits::PASSWORD_MIN
            ),
        )
    }

    /// The password is not the account's, or there is no such account; the server does not say which.
    pub fn wrong_password() -> Self {
        Self::new("wrong_password", "Username and password do not fit. Check both and try again.")
    }

    /// The password is not the account's, where a person is signed in already.
    pub fn wrong_account_password() -> Self {
        Self::new(
            "wrong_password",
            "This is not the password of your account, so nothing was changed. Check it and try again.",
        )
    }

    /// The account has no such device.
    pub fn unknown_device() -> Self {
        Self::new(
            "not_found",
            "Your account has no such device. Perhaps it was removed already; look at the list again.",
        )
    }

    /// A device does not remove itself.
    pub fn this_device() -> Self {
        Self::new(
            "this_device",
            "This is the device that you are using. Sign out here, or remove it from another device of your account.",
        )
    }

    /// A new device needs the password.
    pub fn password_needed() -> Self {
        Self::new("password_needed", "This device is new to the account. Sign in with username and password.")
    }

    /// A request to oneself.
    pub fn yourself() -> Self {
        Self::new("yourself", "This is you. Give the username of somebody else.")
    }

    /// In the friend list already.
    pub fn already_friends(user: &Handle) -> Self {
        Self::new("already_friends", format!("{user} is among your friends already."))
    }

    /// Not in the friend list.
    pub fn not_friends(user: &Handle) -> Self {
        Self::new("not_friends", format!("{user} is not among your friends. Add them first."))
    }

    /// Not a member of that room.
    pub fn not_in_room(room: &RoomId) -> Self {
        Self::new("not_in_room", format!("You are not in {room}. Join it first."))
    }

    /// Somebody who was to be removed from a room is not in it.
    pub fn no_such_member(room: &RoomId) -> Self {
        Self::new("not_found", format!("They are not in {room}. Check the name in the list of its members."))
    }

    /// Nobody else is in the room.
    pub fn room_empty(room: &RoomId) -> Self {
        Self::new("room_empty", format!("Nobody else is in {room}. Wait until somebody joins, then offer the file."))
    }

    /// Only the owner of a room may.
    pub fn not_room_owner() -> Self {
        Self::new("forbidden", "Only who owns the room can do this. The owner is shown in its list of members.")
    }

    /// The room's password is another one, or one is needed.
    pub fn wrong_room_password() -> Self {
        Self::new("wrong_password", "This room has a password, and this is not it. Ask somebody who is in the room.")
    }

    /// Nobody by that name asked.
    pub fn no_request(user: &Handle) -> Self {
        Self::new("no_request", format!("There is no friend request from {user} to answer."))
    }

    /// The friend's key is another one now.
    pub fn key_changed(user: &Handle) -> Self {
        Self::new(
            "key_changed",
            format!(
                "The key of {user} has changed: it may not be {user}. Nothing was sent. Ask {user} over another channel, compare \
                 safety numbers, and accept the new key only if they confirm it."
            ),
        )
    }

    /// Nothing to accept.
    pub fn no_new_key(user: &Handle) -> Self {
        Self::new("no_new_key", format!("The key of {user} has not changed. There is nothing to accept."))
    }

    /// An empty message.
    pub fn empty() -> Self {
        Self::new("empty", "An empty message cannot be sent.")
    }

    /// A text that should be a file.
    pub fn too_long() -> Self {
        Self::new(
            "too_long",
            format!("This message is longer than {} KiB. Send it as a file instead.", limits::TEXT / 1024),
        )
    }

    /// A status text that does not fit.
    pub fn status_too_long() -> Self {
        Self::new("too_long", format!("A status text has at most {} characters. Shorten it.", limits::STATUS_TEXT))
    }

    /// A transfer rate that would look like no connection.
    pub fn too_slow() -> Self {
        let least = SLOWEST / 1024;
        Self::new(
            "bad_request",
            format!("Files cannot be made slower than {least} KiB a second. Choose a higher limit."),
        )
    }

    /// No such message on this disk.
    pub fn unknown_message() -> Self {
        Self::new("unknown_message", "There is no such message in the history.")
    }

    /// A page can be beside one thing only.
    pub fn several_parts() -> Self {
        Self::new("bad_request", "Say only one of before, after, around and at: a page stands in one place.")
    }

    /// Somebody else's message is to be changed.
    pub fn not_yours() -> Self {
        Self::new("not_yours", "Somebody else wrote this message. Only they can change it or take it back.")
    }

    /// The message is no more.
    pub fn deleted() -> Self {
        Self::new("deleted", "This message was taken back, so nothing can be done with it any more.")
    }

    /// An edit that leaves nothing.
    pub fn empty_edit() -> Self {
        Self::new("empty", "A message cannot be made empty. Delete it instead.")
    }

    /// Not what is set on a message.
    pub fn bad_emoji() -> Self {
        Self::new("bad_emoji", "This cannot be set on a message. Choose one emoji.")
    }

    /// Too many different reactions of one person.
    pub fn reactions_full() -> Self {
        let most = limits::REACTIONS;
        Self::new(
            "full",
            format!("You have set {most} emojis on this message, and more do not fit. Take one off first."),
        )
    }

    /// No such transfer.
    pub fn unknown_transfer() -> Self {
        Self::new("unknown_transfer", "There is no such transfer.")
    }

    /// The transfer has ended.
    pub fn transfer_over() -> Self {
        Self::new("transfer_over", "This transfer has ended: it was finished, declined or cancelled.")
    }

    /// The transfer is not where this makes sense.
    pub fn transfer_state() -> Self {
        Self::new("wrong_state", "This cannot be done with the transfer now.")
    }

    /// A file is about to get its name.
    pub fn transfer_finishing() -> Self {
        Self::new("wrong_state", "It is being finished right now. Look again in a moment.")
    }

    /// The other side paused it.
    pub fn paused_there(peer: &Handle) -> Self {
        Self::new("paused", format!("{peer} paused this transfer. It goes on when {peer} resumes it."))
    }

    /// This version cannot do that.
    pub fn unsupported(what: &str) -> Self {
        Self::new("unsupported", format!("This version cannot {what} yet."))
    }

    /// The profile's folder cannot be written.
    pub fn profile_not_written() -> Self {
        Self::new("profile", "The profile cannot be written. Check disk space and whose folder it is, then try again.")
    }

    /// An invite that cannot be read.
    pub fn bad_invite() -> Self {
        Self::new("bad_invite", "This is not an invite of Hobnob, or a part of it is missing. Ask for it again.")
    }

    /// The key in an invite cannot be read.
    pub fn bad_invite_key() -> Self {
        Self::new("bad_invite_key", "The key in this invite is damaged, so nobody can be held to it. Ask for it again.")
    }

    /// Nobody has the name and the key of an invite.
    pub fn foreign_invite(user: &Handle) -> Self {
        Self::new("foreign_invite", format!("This invite's key is not {user}'s on your server. Ask for a new one."))
    }

    /// An invite with fields that are not known.
    pub fn newer_invite() -> Self {
        Self::new("newer_invite", "This invite needs a later version of Hobnob. Update it, or type the username.")
    }

    /// What was pasted is neither a code nor a safety number.
    pub fn bad_code() -> Self {
        Self::new("bad_code", "This is neither the text of a safety code nor sixty digits. Scan or copy it again.")
    }

    /// The keys are not the same.
    pub fn code_differs(user: &Handle) -> Self {
        Self::new(
            "code_differs",
            format!("NOT equal. Somebody may be between you and {user}: write nothing secret until you know why."),
        )
    }

    /// Somebody checks what they show themselves.
    pub fn own_code(user: &Handle) -> Self {
        Self::new("own_code", format!("This is the code that you show. Scan the one that {user} shows."))
    }

    /// A code of other people.
    pub fn code_of_others(user: &Handle) -> Self {
        Self::new("code_of_others", format!("This code is not of {user} for you, so it says nothing about your keys."))
    }

    /// A nickname or note that is too long.
    pub fn words_too_long(most: usize) -> Self {
        Self::new("too_long", format!("This is too long: at most {most} bytes are kept. Shorten it."))
    }

    /// All notes together are too long.
    pub fn notes_full() -> Self {
        Self::new("full", "Your notes together are too long to be kept. Shorten some of them first.")
    }

    /// A line that is no command.
    pub fn bad_command(why: impl std::fmt::Display) -> Self {
        Self::new("bad_command", format!("This is not a command: {why}. See hobnob-cli --help."))
    }

    /// The sentence for an id that could not be read, if that is what a parser's text says.
    pub fn from_id_text(text: &str) -> Option<Self> {
        let known = [IdError::Handle, IdError::Room, IdError::Conversation, IdError::Uuid];
        known.into_iter().find(|error| text.starts_with(&error.to_string())).map(Self::from)
    }

    /// The server broke the protocol.
    pub fn protocol() -> Self {
        Self::new("protocol", "The server's answer could not be understood. It may need an update, or this program.")
    }

    /// Our own fault.
    pub fn internal() -> Self {
        Self::new("internal", "Something went wrong inside the program. Try again; if it stays, restart it.")
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        match error {
            IdError::Handle => {
                Self::new("bad_handle", "A username has 3 to 32 characters: a-z, 0-9, dot, underscore and hyphen.")
            }
            other => Self::bad_command(other),
        }
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        tracing::error!(%error, "history");
        Self::new("store", "The history could not be read or written. Check for free disk space, then restart.")
    }
}

impl From<&ConnectError> for Problem {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::Network(_)
            | ConnectError::TimedOut
            | ConnectError::Closed
            | ConnectError::Link(LinkError::Lost(_)) => Self::offline(),
            ConnectError::WrongKey => Self::server_key_changed(),
            ConnectError::Link(_) | ConnectError::Unexpected => Self::protocol(),
            ConnectError::Refused { code, text, retry_after } => Self::refused(code, text, *retry_after),
            ConnectError::Own(_) => Self::internal(),
        }
    }
}

impl From<&EnrolError> for Problem {
    fn from(error: &EnrolError) -> Self {
        match error {
            EnrolError::Connect(error) => error.into(),
            EnrolError::WrongPassword => Self::wrong_password(),
            EnrolError::UnknownDevice => Self::unknown_device(),
            EnrolError::Dishonest(_) => Self::new(
                "server_dishonest",
                "What the server sent does not fit your password or your keys, so nothing of it was used. Tell whoever runs the server.",
            ),
            EnrolError::Own(_) => Self::internal(),
        }
    }
}

impl Problem {
    /// The server, or the other side, said no. Codes that a person can do something about have a sentence of our own; for the others the
    /// server's is passed on.
    pub fn refused(code: &WireCode, text: &str, retry_after: Option<u32>) -> Self {
        let own: Cow<'static, str> = match code {
            WireCode::Taken => "This username is taken. Choose another one.".into(),
            WireCode::BadHandle => return IdError::Handle.into(),
            WireCode::WrongPassword => return Self::wrong_password(),
            WireCode::RateLimited => match retry_after {
                Some(seconds) => format!("The server asks to wait. Try again in {seconds} seconds.").into(),
                None => "The server asks to wait. Try again in a while.".into(),
            },
            WireCode::NotFriends => "You are not friends with this person. Add them first.".into(),
            WireCode::UnknownUser => "The server knows nobody by that name. Check the spelling.".into(),
            WireCode::DeviceRemoved => {
                "This device was removed from the account. Sign in with username and password to add it again.".into()
            }
            WireCode::Replaced => "This profile is signed in somewhere else. Sign in again to use it here.".into(),
            WireCode::Slow => "The connection to the server was too slow. It is tried again.".into(),
            WireCode::ShuttingDown => "The server is shutting down. It is tried again until it is back.".into(),
            WireCode::Declined => "The file was declined.".into(),
            WireCode::Cancelled => "The transfer was cancelled.".into(),
            WireCode::Paused => "The transfer is paused.".into(),
            WireCode::SourceChanged => "The file changed while it was sent. Send it again.".into(),
            WireCode::SourceGone => {
                "The file cannot be read any more. Check that it is still there, and send it again.".into()
            }
            WireCode::HashMismatch => {
                "What arrived is not what was sent, so it was thrown away. Ask for it again.".into()
            }
            WireCode::DiskFull => "The receiver's disk is full. Make room there and resume.".into(),
            WireCode::NotWritable => {
                "The receiver cannot write to its folder. Choose another one there and resume.".into()
            }
            WireCode::BadName => "The name of this file cannot be used. Rename it and send it again.".into(),
            _ => text.chars().take(300).collect::<String>().into(),
        };
        let text = if own.is_empty() { format!("The server refused ({code}). Try again later.").into() } else { own };
        Self::new(code.name().to_owned(), text)
    }
}
