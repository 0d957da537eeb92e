//! Asks before a text that no message has room for is sent as a file.

use gtk::prelude::*;
use hobnob_shared::limits;
use relm4::gtk;

use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::words;

/// Asks, and calls `send` when the person wants it. `name` is that of the conversation, `length` the text's in bytes.
pub fn ask(window: &impl IsA<gtk::Window>, name: &str, length: usize, send: impl Fn() + 'static) {
    let (has, room) = (words::size(length as u64), words::size(limits::TEXT as u64));
    let body = format!("The text has {has}, and a message has room for {room}. Send it to {name} as a text file?");
    let dialog = Dialog::new(window, "Too Long for a Message", &body);
    dialog.cancel("Cancel");
    dialog.button("Send as File", Style::Suggested, send).grab_focus();
    dialog.present();
}
