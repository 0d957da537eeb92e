//! Asks before something that is hard to take back.

use adw::prelude::*;
use relm4::{adw, gtk};

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
    let dialog = adw::MessageDialog::new(Some(window), Some(question.heading), Some(question.body));
    dialog.add_responses(&[("cancel", "Cancel"), ("yes", question.action)]);
    dialog.set_response_appearance("yes", adw::ResponseAppearance::Destructive);
    dialog.set_default_response(Some("cancel"));
    dialog.set_close_response("cancel");
    dialog.connect_response(Some("yes"), move |_, _| yes());
    dialog.present();
}
