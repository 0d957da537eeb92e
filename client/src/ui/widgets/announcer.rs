//! Says to who listens what others see appear: GTK 4.8 has no announcements of its own, but a status that changes is read.

use std::cell::RefCell;
use std::rc::Rc;

use gtk::pango;
use gtk::prelude::*;
use relm4::gtk;

use crate::core::message_key::MessageKey;
use crate::ui::text::literal_line;

/// What is said over a window.
#[derive(Clone)]
pub struct Announcer {
    label: gtk::Label,
    /// The message that it was said of.
    about: Rc<RefCell<Option<MessageKey>>>,
}

impl Announcer {
    /// One that lies over `below`, so that no letters of others, however high, move anything there; in its place stands what is returned.
    pub fn over(below: &impl IsA<gtk::Widget>) -> (Self, gtk::Overlay) {
        let label = gtk::Label::builder()
            .accessible_role(gtk::AccessibleRole::Status)
            .ellipsize(pango::EllipsizeMode::End)
            .build();
        label.add_css_class("announcer");
        label.set_can_target(false);
        label.set_valign(gtk::Align::End);
        let over = gtk::Overlay::builder().child(below).build();
        over.add_overlay(&label);
        (Self { label, about: Rc::default() }, over)
    }

    /// Reads this to who listens.
    pub fn say(&self, words: &str) {
        self.say_of(None, words);
    }

    /// The same, of a message.
    pub fn say_of(&self, message: Option<MessageKey>, words: &str) {
        let words = literal_line(words);
        // Equal words would be no news.
        let again = if self.label.text() == words { " " } else { "" };
        self.label.set_text(&format!("{words}{again}"));
        self.about.replace(message);
    }

    /// The message was taken back, or says something else: its words stand here no longer.
    pub fn take_back(&self, message: &MessageKey) {
        if self.about.borrow().as_ref() == Some(message) {
            self.unsay();
        }
    }

    /// What was said last stands here no longer.
    pub fn unsay(&self) {
        self.about.replace(None);
        self.label.set_text("");
    }
}
