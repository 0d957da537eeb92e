//! Shows how others add this account: a link to send, and the same as a picture to scan.

use gtk::pango;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::qr;

/// Shows it, and calls `copied` once it is in the clipboard.
pub fn show(window: &impl IsA<gtk::Window>, invite: &str, copied: impl Fn() + 'static) {
    let dialog = Dialog::new(
        window,
        "Your Invite Link",
        "Who opens it can ask you to be friends, and takes nobody else for you: your key is in it. It holds no secret.",
    );
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(12).build();
    if let Some(picture) = qr::picture(invite, "QR picture of your invite link") {
        content.append(&picture);
    }
    let link = gtk::Label::builder()
        .label(invite)
        .selectable(true)
        .wrap(true)
        .wrap_mode(pango::WrapMode::Char)
        .max_width_chars(40)
        .justify(gtk::Justification::Center)
        .build();
    link.set_css_classes(&["monospace", "caption"]);
    content.append(&link);
    dialog.add(&content);
    dialog.cancel("Close");
    let text = invite.to_owned();
    let clipboard = window.as_ref().clipboard();
    dialog.button("Copy Invite Link", Style::Suggested, move || {
        clipboard.set_text(&text);
        copied();
    });
    dialog.present();
}
