//! The bar above the composer while it answers or changes a message: which one, and a button that leaves it.

use gtk::pango;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::conversation::desk::{Answered, Mode};
use crate::ui::text;
use crate::ui::widgets::icon_button::icon_button;

/// The bar.
pub struct ModeBar {
    root: gtk::Revealer,
    icon: gtk::Image,
    title: gtk::Label,
    line: gtk::Label,
}

impl ModeBar {
    /// A hidden one; `leave` is called by its button.
    pub fn new(leave: impl Fn() + 'static) -> Self {
        let icon = gtk::Image::builder().accessible_role(gtk::AccessibleRole::Presentation).build();
        let label = |class: &str| {
            let label = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).build();
            label.add_css_class(class);
            label
        };
        let (title, line) = (label("quote-author"), label("quote-text"));
        let lines = gtk::Box::builder().orientation(gtk::Orientation::Vertical).hexpand(true).build();
        lines.append(&title);
        lines.append(&line);
        let close = icon_button("window-close-symbolic", "Cancel");
        close.set_css_classes(&["flat", "circular"]);
        close.set_valign(gtk::Align::Center);
        close.connect_clicked(move |_| leave());
        let bar = gtk::Box::builder().spacing(12).build();
        bar.add_css_class("mode-bar");
        bar.append(&icon);
        bar.append(&lines);
        bar.append(&close);
        let root = gtk::Revealer::builder().child(&bar).visible(false).build();
        Self { root, icon, title, line }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Revealer {
        &self.root
    }

    /// Shows what is answered or changed, if anything is.
    pub fn show(&self, mode: &Mode) {
        match mode {
            Mode::New(None) => self.hide(),
            Mode::New(Some(Answered { author, beginning, .. })) => {
                let title = author.as_ref().map_or_else(|| "Reply".to_owned(), |author| format!("Reply to {author}"));
                self.say("mail-reply-sender-symbolic", &title, beginning);
            }
            Mode::Edit { beginning, .. } => self.say("document-edit-symbolic", "Editing", beginning),
        }
    }

    fn say(&self, icon: &str, title: &str, line: &str) {
        self.icon.set_icon_name(Some(icon));
        self.title.set_text(title);
        self.line.set_text(&text::literal_line(line));
        self.root.set_visible(true);
        self.root.set_reveal_child(true);
    }

    fn hide(&self) {
        self.root.set_reveal_child(false);
        self.root.set_visible(false);
    }
}
