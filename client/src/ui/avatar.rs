//! One's own picture, and which is whose: what the root does about them. They are shown by [`crate::ui::faces`].

use std::path::PathBuf;

use hobnob_shared::id::Handle;

use crate::core::command::{AVATARS, Command};
use crate::model::{Pending, Question};
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::dialogs::own_picture;
use crate::ui::faces;

impl App {
    /// Somebody is shown with another picture.
    pub(in crate::ui) fn show_avatar(&self, user: &Handle) {
        faces::set(user.as_str(), self.model.avatar(user));
    }

    /// Where the pictures of this profile are.
    pub(in crate::ui) fn find_avatars(&self) {
        faces::kept_in(self.profile.join(AVATARS));
    }

    /// Asks which picture others are to see.
    pub(in crate::ui) fn ask_avatar(&mut self) {
        let Some(me) = self.model.connection.user.clone() else { return };
        let input = self.sender.clone();
        let has_one = self.model.avatar(&me).is_some();
        let dialog = own_picture::ask(&self.window, me.as_str(), has_one, &self.sent_from, move |path| {
            input.emit(AppMsg::Answer(DialogAnswer::Avatar(path)));
        });
        self.form = Some((Pending::default(), dialog));
    }

    /// It was chosen, or is to be none; the dialog waits for the answer.
    pub(in crate::ui) fn set_avatar(&mut self, path: Option<PathBuf>) {
        if let Some(folder) = path.as_ref().and_then(|path| path.parent()) {
            folder.clone_into(&mut self.sent_from);
        }
        self.ask_in_form(Question::SetAvatar, Command::SetAvatar { path });
    }
}
