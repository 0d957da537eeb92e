//! Asks before something that is hard to take back.

use gtk::prelude::*;
use relm4::gtk;

use crate::ui::widgets::dialog::{Dialog, Style};

/// What to ask.
pub struct Question<'a> {
    /// The question.
    pub heading: &'a str,
    /// What will happen.
    pub body: &'a str,
    /// The button that does it.
    pub action: &'a str,
}

/// Asks, and calls `yes` when the person wants it.
pub fn ask(window: &impl IsA<gtk::Window>, question: &Question<'_>, yes: impl Fn() + 'static) {
    let dialog = Dialog::new(window, question.heading, question.body);
    dialog.cancel("Cancel");
    dialog.button(question.action, Style::Destructive, yes);
    dialog.present();
}
