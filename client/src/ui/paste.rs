//! Pictures that are pasted into a conversation, and texts that are too long for a message: asks, keeps them as a file, and has that sent like
//! any other file.

use std::io;
use std::path::PathBuf;

use gtk::prelude::*;
use gtk::{gdk, gio, glib};
use hobnob_shared::id::ConversationId;
use relm4::gtk;

use crate::core::command::PASTED;
use crate::pictures::pasted;
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::conversation::PageInput;
use crate::ui::conversation::composer::Place;
use crate::ui::conversation::page::title;
use crate::ui::dialogs::{send_picture, send_text};
use crate::ui::words;

/// Bytes of a pixel.
const PIXEL: u64 = 4;

impl App {
    /// A picture is to be sent to a conversation; none if the clipboard's could not be read.
    pub(in crate::ui) fn pasted(&mut self, conversation: ConversationId, picture: Option<gdk::Texture>) {
        let Some(picture) = picture else {
            return self.toast("The picture in the clipboard cannot be read.");
        };
        let side = |pixels: i32| u64::try_from(pixels).unwrap_or_default();
        if side(picture.width()) * side(picture.height()) * PIXEL > pasted::LARGEST {
            return self.toast("The picture is too large to paste. Save it as a file and send that.");
        }
        let (input, name) = (self.sender.clone(), title(&conversation));
        send_picture::ask(&self.at(), &name, &picture.clone(), move || {
            input.emit(AppMsg::Answer(DialogAnswer::Paste(conversation.clone(), picture.clone())));
        });
    }

    /// Makes a file of it. Packing the pixels and waiting for the disk take their time, on a thread of their own.
    pub(in crate::ui) fn keep_pasted(&self, conversation: ConversationId, picture: gdk::Texture) {
        let (input, folder, now) = (self.sender.clone(), self.profile.join(PASTED), words::now_in_a_name());
        glib::spawn_future_local(async move {
            let keep = move || pasted::keep(&folder, ("Picture", "png"), &now, &picture.save_to_png_bytes());
            let kept = gio::spawn_blocking(keep).await;
            let kept = kept.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            input.emit(AppMsg::Answer(DialogAnswer::Pasted(conversation, kept)));
        });
    }

    /// A text is too long for a message: asks whether a file of it is to be sent.
    pub(in crate::ui) fn too_long(&self, conversation: ConversationId, text: String, place: Place) {
        let (input, name) = (self.sender.clone(), title(&conversation));
        send_text::ask(&self.at(), &name, text.len(), move || {
            input.emit(AppMsg::Answer(DialogAnswer::Long(conversation.clone(), text.clone(), place)));
        });
    }

    /// Makes a file of it; what stood in the composer goes once it is kept.
    pub(in crate::ui) fn keep_long(&self, conversation: ConversationId, text: String, place: Place) {
        let (input, folder, now) = (self.sender.clone(), self.profile.join(PASTED), words::now_in_a_name());
        let page = self.tab(&conversation).filter(|_| place == Place::Written);
        let page = page.and_then(|tab| tab.body.sender());
        glib::spawn_future_local(async move {
            let written = text.clone();
            let keep = move || pasted::keep(&folder, ("Text", "txt"), &now, written.as_bytes());
            let kept = gio::spawn_blocking(keep).await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            if let Some(page) = page.filter(|_| kept.is_ok()) {
                page.emit(PageInput::SentOtherwise(text));
            }
            input.emit(AppMsg::Answer(DialogAnswer::Pasted(conversation, kept)));
        });
    }

    /// It is kept: sends it.
    pub(in crate::ui) fn send_pasted(&mut self, conversation: &ConversationId, kept: io::Result<PathBuf>) {
        match kept {
            Ok(path) => self.send_file(conversation, path),
            Err(error) => {
                tracing::warn!(%error, "what was pasted was not kept");
                self.toast("It was not sent, because it could not be saved. Perhaps the disk is full.");
            }
        }
    }
}
