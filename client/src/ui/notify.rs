//! Desktop notifications: one for each conversation, replaced by the next, taken back when it was read. Where no desktop shows them
//! (or the program is not installed) nothing happens.

use gtk::gio;
use gtk::prelude::*;
use hobnob_shared::id::ConversationId;
use relm4::gtk;

use crate::ui::{bell, text};

/// Characters of a message in a notification: about what a desktop shows.
const EXCERPT: usize = 200;

/// Tells of something new in a conversation. A click opens it.
pub fn notify(app: &gio::Application, conversation: &ConversationId, title: &str, body: &str) {
    let notification = gio::Notification::new(&text::literal_line(title));
    let body: String = text::literal(body).chars().take(EXCERPT).collect();
    notification
        .set_default_action_and_target_value("app.open-conversation", Some(&conversation.to_string().to_variant()));
    let (app, id) = (app.clone(), id(conversation));
    bell::once_known(move |reads_markup| {
        notification.set_body(Some(&bell::literal_body(&body, reads_markup)));
        app.send_notification(Some(&id), &notification);
    });
}

/// Everything in the conversation was seen.
pub fn withdraw(app: &gio::Application, conversation: &ConversationId) {
    app.withdraw_notification(&id(conversation));
}

fn id(conversation: &ConversationId) -> String {
    format!("conversation-{conversation}")
}
