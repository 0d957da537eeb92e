//! The bar over the timeline of a room that this account is not a member of: why, and the way back.

use gtk::prelude::*;
use relm4::gtk;

/// The bar.
pub struct RoomBar {
    root: gtk::Revealer,
    text: gtk::Label,
}

impl RoomBar {
    /// A hidden bar; `join` is its button.
    pub fn new(join: impl Fn() + 'static) -> Self {
        let text = gtk::Label::builder()
            .wrap(true)
            .xalign(0.0)
            .hexpand(true)
            .accessible_role(gtk::AccessibleRole::Status)
            .build();
        let button = gtk::Button::builder().label("Join Again").valign(gtk::Align::Center).build();
        button.connect_clicked(move |_| join());
        let bar = gtk::Box::builder().spacing(12).build();
        bar.add_css_class("room-bar");
        bar.append(&text);
        bar.append(&button);
        let root = gtk::Revealer::builder().child(&bar).visible(false).build();
        Self { root, text }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Revealer {
        &self.root
    }

    /// Says why, or goes away.
    pub fn show(&self, why: Option<&str>) {
        if let Some(why) = why {
            self.text.set_text(why);
        }
        self.root.set_visible(why.is_some());
        self.root.set_reveal_child(why.is_some());
    }
}
