//! A person's picture (the first letters of their name on a colour of its own) with a dot that says their presence. Used by the sidebar.

use gtk::prelude::*;
use hobnob_shared::message::Presence;
use relm4::{adw, gtk};

/// Picture and dot.
#[derive(Debug, Clone)]
pub struct PersonAvatar {
    root: gtk::Overlay,
    avatar: adw::Avatar,
    dot: gtk::Box,
}

impl PersonAvatar {
    /// An empty one of `size` pixels.
    pub fn new(size: i32) -> Self {
        let avatar = adw::Avatar::new(size, None, true);
        let dot = gtk::Box::builder()
            .halign(gtk::Align::End)
            .valign(gtk::Align::End)
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        dot.add_css_class("presence-dot");
        let root = gtk::Overlay::builder().child(&avatar).valign(gtk::Align::Center).build();
        root.add_overlay(&dot);
        Self { root, avatar, dot }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Overlay {
        &self.root
    }

    /// Shows a person. The dot is for the eye; the words beside it say the same.
    pub fn show(&self, name: &str, presence: Presence) {
        if self.avatar.text().as_deref() != Some(name) {
            self.avatar.set_text(Some(name));
        }
        self.dot.set_css_classes(&["presence-dot", css_class(presence)]);
        self.avatar.set_opacity(if presence.is_online() { 1.0 } else { 0.55 });
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
