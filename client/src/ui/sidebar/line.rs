//! What lines of friends and of rooms have in common: a picture, a name, a few words under it, how much is unread; a click opens the
//! conversation.

use gtk::pango;
use gtk::prelude::*;
use relm4::gtk;

use crate::core::event::Notify;
use crate::ui::widgets::spoken::{Spoken, changing};
use crate::ui::widgets::tip::tip;
use crate::ui::words;

/// The widgets of a line.
pub struct LineWidgets {
    root: gtk::Button,
    spoken: Spoken,
    name: gtk::Label,
    words: gtk::Label,
    mark: gtk::Image,
    muted: gtk::Image,
    badge: gtk::Label,
}

/// What a line says in the place of its usual words. Texts are literal already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aside {
    /// Somebody writes there.
    Writing(String),
    /// Something was written and not sent.
    Draft(String),
}

impl Aside {
    /// The words.
    pub fn words(&self) -> &str {
        match self {
            Self::Writing(words) | Self::Draft(words) => words,
        }
    }
}

/// What a line shows beside its picture.
#[derive(Debug, Clone, Copy)]
pub struct LineShown<'a> {
    /// Whose or which.
    pub name: &'a str,
    /// Who that really is, where it is not the same.
    pub tip: Option<&'a str>,
    /// How much of it is told by notifications.
    pub level: Notify,
    /// The few words.
    pub words: &'a str,
    /// What stands there instead.
    pub aside: Option<&'a Aside>,
    /// Messages that were not seen.
    pub unread: u32,
    /// Of those, so many call oneself.
    pub calls: u32,
    /// Something has to be decided.
    pub alarm: bool,
    /// Its conversation is in front.
    pub current: bool,
    /// Nobody is there.
    pub absent: bool,
    /// All of it as one sentence, for who listens.
    pub spoken: &'a str,
}

impl LineWidgets {
    /// An empty line with a picture.
    pub fn new(picture: &impl IsA<gtk::Widget>) -> Self {
        let label = |class: &str| {
            let label = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).build();
            label.add_css_class(class);
            label
        };
        let (name, words) = (label("person-name"), label("person-status"));
        let column = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .valign(gtk::Align::Center)
            .hexpand(true)
            .build();
        column.append(&name);
        column.append(&words);
        let mark = gtk::Image::from_icon_name("dialog-warning-symbolic");
        mark.add_css_class("warning");
        let muted = gtk::Image::builder()
            .icon_name("notifications-disabled-symbolic")
            .pixel_size(14)
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        muted.add_css_class("dim-label");
        let badge = gtk::Label::builder().valign(gtk::Align::Center).build();
        badge.add_css_class("badge");
        let line = gtk::Box::builder().spacing(10).build();
        line.append(picture);
        line.append(&column);
        line.append(&mark);
        line.append(&muted);
        line.append(&badge);
        let (root, spoken): (gtk::Button, Spoken) = changing();
        root.set_child(Some(&line));
        root.set_css_classes(&["flat", "person"]);
        Self { root, spoken, name, words, mark, muted, badge }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Button {
        &self.root
    }

    /// Shows it.
    pub fn show(&self, line: &LineShown<'_>) {
        self.name.set_text(line.name);
        tip(&self.root, line.tip);
        let muted = words::muted(line.level);
        self.muted.set_visible(muted.is_some());
        tip(&self.muted, muted.map(words::sentence).as_deref());
        self.words.set_text(line.aside.map_or(line.words, Aside::words));
        self.words.set_css_classes(&[
            "person-status",
            match line.aside {
                None => "usual",
                Some(Aside::Writing(_)) => "writing",
                Some(Aside::Draft(_)) => "draft",
            },
        ]);
        self.mark.set_visible(line.alarm);
        self.badge.set_visible(line.unread > 0);
        let at = if line.calls > 0 { "@ " } else { "" };
        self.badge.set_text(&format!("{at}{}", words::unread(line.unread)));
        let marks = [
            (line.current, "current"),
            (line.absent, "absent"),
            (line.unread > 0, "unread"),
            (muted.is_some(), "muted"),
        ];
        for (on, class) in marks {
            if on {
                self.root.add_css_class(class);
            } else {
                self.root.remove_css_class(class);
            }
        }
        self.spoken.say(line.spoken);
    }
}
