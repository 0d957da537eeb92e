//! A message in its bubble: what it answers, its text, what people thought of it. The text is the author's, shown literally.

use gtk::pango;
use gtk::prelude::*;
use relm4::gtk;

/// What a bubble shows. Texts are literal already.
#[derive(Debug, Clone, PartialEq)]
pub struct Bubble {
    /// The message, or its beginning.
    pub text: String,
    /// There is more of it.
    pub cut: bool,
    /// It was deleted: `text` says so.
    pub deleted: bool,
    /// The message it answers, one line.
    pub quote: Option<String>,
    /// Emojis and how many set them.
    pub reactions: Option<String>,
}

/// The widgets of a bubble.
pub struct BubbleWidgets {
    root: gtk::Box,
    quote: gtk::Label,
    text: gtk::Label,
    more: gtk::Button,
    reactions: gtk::Label,
}

/// Widest bubble, in characters: what reads well.
const WIDTH: i32 = 62;

impl BubbleWidgets {
    /// An empty bubble. `show_all` is called by the button of a long message.
    pub fn new(show_all: impl Fn() + 'static) -> Self {
        let quote =
            gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).max_width_chars(WIDTH).build();
        quote.add_css_class("quote");
        let text = gtk::Label::builder()
            .xalign(0.0)
            .wrap(true)
            .wrap_mode(pango::WrapMode::WordChar)
            .max_width_chars(WIDTH)
            .selectable(true)
            .build();
        text.add_css_class("text");
        // A long word is broken as it is: a hyphen that nobody wrote would spoil an address.
        let attributes = pango::AttrList::new();
        attributes.insert(pango::AttrInt::new_insert_hyphens(false));
        text.set_attributes(Some(&attributes));
        let more = gtk::Button::builder().label("Show All").halign(gtk::Align::Start).build();
        more.set_css_classes(&["flat", "show-all"]);
        more.connect_clicked(move |_| show_all());
        let body = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        body.add_css_class("bubble");
        body.append(&quote);
        body.append(&text);
        body.append(&more);
        let reactions = gtk::Label::builder().halign(gtk::Align::Start).build();
        reactions.add_css_class("reactions");
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        root.append(&body);
        root.append(&reactions);
        Self { root, quote, text, more, reactions }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }
}

impl Bubble {
    /// Shows this message.
    pub fn show(&self, widgets: &BubbleWidgets) {
        let say = |label: &gtk::Label, words: Option<&str>| {
            label.set_visible(words.is_some());
            label.set_text(words.unwrap_or_default());
        };
        say(&widgets.quote, self.quote.as_deref());
        say(&widgets.reactions, self.reactions.as_deref());
        // Setting equal text would still take a selection away.
        if widgets.text.text() != self.text {
            widgets.text.set_text(&self.text);
        }
        if self.deleted {
            widgets.text.add_css_class("deleted");
        } else {
            widgets.text.remove_css_class("deleted");
        }
        widgets.more.set_visible(self.cut);
        widgets.root.set_visible(true);
    }
}
