//! What dialogs are answered with. They tell it to the root, which carries it out in [`crate::ui::wishes`].

use std::path::PathBuf;

use gtk::gdk;
use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, RoomId, TransferId};
use relm4::gtk;

use crate::core::command::Password;
use crate::core::event::{FileRule, Rates};
use crate::model::PersonWish;
use crate::ui::conversation::composer::Place;
use crate::ui::kept::KeptAnswer;

/// What a dialog was answered with.
#[derive(Debug)]
pub enum DialogAnswer {
    /// Ask this one to be friends.
    AddFriend(String),
    /// Do this about a person.
    Person(PersonWish, Handle),
    /// Call this friend so, and note this.
    Details(Handle, String, String),
    /// Show what is to be compared with this friend.
    Compare(Handle),
    /// Their picture says this.
    Code(Handle, String),
    /// This is the status text from now on.
    StatusText(String),
    /// What of a friend's files is taken without asking.
    FileRule(Handle, FileRule),
    /// How fast files may go.
    Rates(Rates),
    /// Where received files go from now on.
    Downloads(PathBuf),
    /// Save an offered file here.
    SaveAs(TransferId, PathBuf),
    /// Send these files.
    Files(ConversationId, Vec<PathBuf>),
    /// Show this picture to others, or none.
    Avatar(Option<PathBuf>),
    /// Send this text as a file.
    Long(ConversationId, String, Place),
    /// Send this pasted picture.
    Paste(ConversationId, gdk::Texture),
    /// It was kept as this file, or why not.
    Pasted(ConversationId, std::io::Result<PathBuf>),
    /// Take this message back.
    Delete(MessageId),
    /// About what was said in a conversation.
    Kept(ConversationId, KeptAnswer),
    /// Sign out.
    SignOut,
    /// Join this room.
    JoinRoom(RoomId, Option<Password>),
    /// Leave it.
    LeaveRoom(RoomId),
    /// End somebody's membership.
    RemoveMember(RoomId, Handle),
    /// This is the room's password from now on.
    LockRoom(RoomId, Password),
    /// It takes none from now on.
    UnlockRoom(RoomId),
    /// Ask for the password that removes this device.
    AskRemoveDevice(DeviceId),
    /// Remove it.
    RemoveDevice(DeviceId, Password),
    /// Ask for the old and the new password.
    AskChangePassword,
    /// Change the password from the one to the other.
    ChangePassword(Password, Password),
}
