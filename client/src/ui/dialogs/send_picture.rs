//! Asks before a picture that was pasted is sent, and shows it.

use gtk::gdk;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::transfers::picture::shown_size;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::called;

/// Asks, and calls `send` when the person wants it. `name` is that of the conversation.
pub fn ask(window: &impl IsA<gtk::Window>, name: &str, picture: &gdk::Texture, send: impl Fn() + 'static) {
    let dialog = Dialog::new(window, "Send Picture", &format!("Send this picture to {name}?"));
    let shown: gtk::Picture = called("Picture to send");
    shown.set_paintable(Some(picture));
    let (width, height) = shown_size((picture.width(), picture.height()));
    shown.set_size_request(width, height);
    shown.set_halign(gtk::Align::Center);
    shown.set_overflow(gtk::Overflow::Hidden);
    shown.add_css_class("picture-to-send");
    dialog.add(&shown);
    dialog.cancel("Cancel");
    // What was pasted is wanted by most: Enter sends it.
    dialog.button("Send", Style::Suggested, send).grab_focus();
    dialog.present();
}
