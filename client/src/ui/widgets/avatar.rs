//! A person's picture, or the first letters of their name on a colour of its own, with a dot that says their presence. Used by the sidebar
//! and the list of members.

use gtk::prelude::*;
use hobnob_shared::message::Presence;
use relm4::gtk;

use crate::ui::faces::Face;

/// Picture and dot.
#[derive(Debug, Clone)]
pub struct PersonAvatar {
    root: gtk::Overlay,
    face: Face,
    dot: gtk::Box,
}

impl PersonAvatar {
    /// An empty one of `size` pixels.
    pub fn new(size: i32) -> Self {
        let face = Face::new(size);
        let dot = gtk::Box::builder()
            .halign(gtk::Align::End)
            .valign(gtk::Align::End)
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        dot.add_css_class("presence-dot");
        let root = gtk::Overlay::builder().child(face.widget()).valign(gtk::Align::Center).build();
        root.add_overlay(&dot);
        Self { root, face, dot }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Overlay {
        &self.root
    }

    /// Shows a person. The dot is for the eye; the words beside it say the same.
    pub fn show(&self, user: &str, presence: Presence) {
        self.face.show(user);
        self.dot.set_css_classes(&["presence-dot", css_class(presence)]);
        self.face.widget().set_opacity(if presence.is_online() { 1.0 } else { 0.55 });
    }
}

/// Style of a presence; the style sheet gives each a shape as well as a colour.
pub fn css_class(presence: Presence) -> &'static str {
    match presence {
        Presence::Available => "available",
        Presence::Away => "away",
        Presence::Busy => "busy",
        Presence::Offline => "offline",
        Presence::Unknown => "unknown",
    }
}
