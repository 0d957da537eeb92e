//! The bar over the timeline of a friend whose key changed: nothing is sent to them until a person has decided.

use gtk::prelude::*;
use relm4::gtk;

/// The bar.
pub struct KeyBar {
    root: gtk::Revealer,
    text: gtk::Label,
}

impl KeyBar {
    /// A hidden bar; `compare` and `accept` are its buttons.
    pub fn new(compare: impl Fn() + 'static, accept: impl Fn() + 'static) -> Self {
        let icon = gtk::Image::from_icon_name("dialog-warning-symbolic");
        icon.set_valign(gtk::Align::Start);
        let text = gtk::Label::builder()
            .wrap(true)
            .xalign(0.0)
            .hexpand(true)
            .accessible_role(gtk::AccessibleRole::Alert)
            .build();
        let words = gtk::Box::builder().spacing(12).build();
        words.append(&icon);
        words.append(&text);
        let buttons = gtk::Box::builder().spacing(8).halign(gtk::Align::End).build();
        let look = gtk::Button::with_label("Compare…");
        look.connect_clicked(move |_| compare());
        let go_on = gtk::Button::with_label("Accept New Key…");
        go_on.add_css_class("destructive-action");
        go_on.connect_clicked(move |_| accept());
        buttons.append(&look);
        buttons.append(&go_on);
        let bar = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
        bar.add_css_class("key-bar");
        bar.append(&words);
        bar.append(&buttons);
        let root = gtk::Revealer::builder().child(&bar).visible(false).build();
        Self { root, text }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Revealer {
        &self.root
    }

    /// Shows the core's sentence, or nothing.
    pub fn show(&self, alarm: Option<&str>) {
        if let Some(alarm) = alarm {
            self.text.set_text(alarm);
        }
        self.root.set_visible(alarm.is_some());
        self.root.set_reveal_child(alarm.is_some());
    }
}
