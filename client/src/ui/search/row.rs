//! A line of what was found: a picture, a name and what stands beside it, some words with what was searched for in bold. Texts are literal
//! already; what stands out is drawn with attributes, never with markup.

use std::ops::Range;
use std::rc::Rc;

use gtk::pango;
use gtk::prelude::*;
use hobnob_shared::id::{ConversationId, TransferId};
use relm4::gtk;

use crate::core::message_key::MessageKey;
use crate::ui::faces::Face;
use crate::ui::widgets::live_list::{Current, Row};
use crate::ui::widgets::spoken::{Spoken, changing};

/// What choosing a line does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Open a conversation.
    Conversation(ConversationId),
    /// Open a conversation at a message.
    Message(ConversationId, MessageKey),
    /// Open a conversation at the card of a file.
    File(ConversationId, TransferId),
    /// Search for files only.
    AllFiles,
}

/// Words, and the parts of them that stand out, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Literal already.
    pub text: String,
    /// In order.
    pub bold: Vec<Range<usize>>,
}

impl Words {
    /// Nothing in them stands out.
    pub fn plain(text: String) -> Self {
        Self { text, bold: Vec::new() }
    }

    fn attributes(&self) -> pango::AttrList {
        let list = pango::AttrList::new();
        for range in &self.bold {
            let mut bold = pango::AttrInt::new_weight(pango::Weight::Bold);
            let mut line = pango::AttrInt::new_underline(pango::Underline::Single);
            let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            bold.set_start_index(place(range.start));
            bold.set_end_index(place(range.end));
            line.set_start_index(place(range.start));
            line.set_end_index(place(range.end));
            list.insert(bold);
            list.insert(line);
        }
        list
    }
}

/// What a line shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundRow {
    /// The name of a group.
    Heading(&'static str),
    /// Something that can be chosen.
    Line(Box<Line>),
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it does.
    pub pick: Pick,
    /// Whose picture it is, by username or ID of a room; or the icon of a file, with a text that gives its colour.
    pub picture: (String, Option<&'static str>),
    /// First line.
    pub name: Words,
    /// At its end, such as when.
    pub aside: String,
    /// Second line; empty for none.
    pub words: Words,
    /// Messages that were not seen.
    pub unread: u32,
}

impl FoundRow {
    /// For who listens.
    pub fn spoken(&self) -> String {
        match self {
            Self::Heading(words) => (*words).to_owned(),
            Self::Line(line) => line.spoken(),
        }
    }

    /// What choosing it does.
    pub fn pick(&self) -> Option<&Pick> {
        match self {
            Self::Heading(_) => None,
            Self::Line(line) => Some(&line.pick),
        }
    }
}

impl Line {
    /// As one sentence, for who listens.
    pub fn spoken(&self) -> String {
        let unread = if self.unread > 0 { format!("{} unread", self.unread) } else { String::new() };
        let parts = [self.name.text.as_str(), &self.aside, &self.words.text, &unread];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// The widgets of a line.
pub struct Widgets {
    heading: gtk::Label,
    button: gtk::Button,
    spoken: Spoken,
    picture: Face,
    name: gtk::Label,
    aside: gtk::Label,
    words: gtk::Label,
    badge: gtk::Label,
}

/// What a line that is clicked does.
pub type Choose = Box<dyn Fn(Pick)>;

impl Row for FoundRow {
    type Widgets = Widgets;
    type Context = Choose;

    fn build(choose: &Rc<Choose>, current: Current<Self>) -> (gtk::Widget, Widgets) {
        let label = |class: &str| {
            let label = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).build();
            label.add_css_class(class);
            label
        };
        let heading = label("sidebar-heading");
        let picture = Face::new(36);
        picture.widget().set_valign(gtk::Align::Center);
        let (name, aside, words) = (label("found-name"), label("found-aside"), label("found-words"));
        name.set_hexpand(true);
        aside.set_ellipsize(pango::EllipsizeMode::None);
        words.set_wrap(true);
        words.set_wrap_mode(pango::WrapMode::WordChar);
        words.set_lines(2);
        let badge = gtk::Label::builder().valign(gtk::Align::Center).build();
        badge.add_css_class("badge");
        let top = gtk::Box::builder().spacing(8).build();
        top.append(&name);
        top.append(&aside);
        let column = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .valign(gtk::Align::Center)
            .hexpand(true)
            .build();
        column.append(&top);
        column.append(&words);
        let line = gtk::Box::builder().spacing(10).build();
        line.append(picture.widget());
        line.append(&column);
        line.append(&badge);
        let (button, spoken): (gtk::Button, Spoken) = changing();
        button.set_child(Some(&line));
        button.set_css_classes(&["flat", "person"]);
        let say = choose.clone();
        button.connect_clicked(move |_| {
            if let Some(pick) = current.read(|row| row.pick().cloned()).flatten() {
                say(pick);
            }
        });
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        root.append(&heading);
        root.append(&button);
        // The keyboard comes by a heading as well.
        spoken.share_with_row(&root);
        (root.upcast(), Widgets { heading, button, spoken, picture, name, aside, words, badge })
    }

    fn show(&self, widgets: &Widgets) {
        let line = match self {
            Self::Heading(words) => {
                widgets.heading.set_text(words);
                None
            }
            Self::Line(line) => Some(line),
        };
        widgets.heading.set_visible(line.is_none());
        widgets.button.set_visible(line.is_some());
        widgets.spoken.say(&self.spoken());
        let Some(line) = line else { return };
        let (text, icon) = &line.picture;
        widgets.picture.show_as(text, *icon);
        for (label, words) in [(&widgets.name, &line.name), (&widgets.words, &line.words)] {
            label.set_text(&words.text);
            label.set_attributes(Some(&words.attributes()));
            label.set_visible(!words.text.is_empty());
        }
        widgets.aside.set_text(&line.aside);
        widgets.badge.set_visible(line.unread > 0);
        widgets.badge.set_text(&if line.unread > 999 { "999+".to_owned() } else { line.unread.to_string() });
    }
}
