//! A message in its bubble: what it answers, its text, what people thought of it. The text is the author's, shown literally.

use std::cell::OnceCell;
use std::rc::Rc;

use gtk::pango;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::conversation::row::say;

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
    body: gtk::Box,
    text: gtk::Label,
    // Most messages have none of these, and each widget that is not there need not be styled and measured.
    quote: OnceCell<gtk::Label>,
    more: OnceCell<gtk::Button>,
    reactions: OnceCell<gtk::Label>,
    show_all: Rc<dyn Fn()>,
}

/// Widest bubble, in characters: what reads well.
const WIDTH: i32 = 62;
/// Least width of a text that is longer, in characters. Without one GTK breaks each text after every single letter to learn how narrow it can
/// be, which takes three quarters of all the time that a timeline is measured in.
const NARROWEST: i32 = 20;
/// Letters of one line from which on a text is certainly wider than that.
const LONG_LINE: usize = 28;

impl BubbleWidgets {
    /// An empty bubble. `show_all` is called by the button of a long message.
    pub fn new(show_all: impl Fn() + 'static) -> Self {
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
        let body = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        body.add_css_class("bubble");
        body.append(&text);
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        root.append(&body);
        Self {
            root,
            body,
            text,
            quote: OnceCell::new(),
            more: OnceCell::new(),
            reactions: OnceCell::new(),
            show_all: Rc::new(show_all),
        }
    }

    fn quote(&self) -> &gtk::Label {
        self.quote.get_or_init(|| {
            let quote =
                gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).max_width_chars(WIDTH).build();
            quote.add_css_class("quote");
            self.body.prepend(&quote);
            quote
        })
    }

    fn more(&self) -> &gtk::Button {
        self.more.get_or_init(|| {
            let more = gtk::Button::builder().label("Show All").halign(gtk::Align::Start).build();
            more.set_css_classes(&["flat", "show-all"]);
            let show_all = self.show_all.clone();
            more.connect_clicked(move |_| show_all());
            self.body.append(&more);
            more
        })
    }

    fn reactions(&self) -> &gtk::Label {
        self.reactions.get_or_init(|| {
            let reactions = gtk::Label::builder().halign(gtk::Align::Start).build();
            reactions.add_css_class("reactions");
            self.root.append(&reactions);
            reactions
        })
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }
}

impl Bubble {
    /// Shows this message.
    pub fn show(&self, widgets: &BubbleWidgets) {
        if self.quote.is_some() || widgets.quote.get().is_some() {
            say(widgets.quote(), self.quote.as_deref());
        }
        if self.reactions.is_some() || widgets.reactions.get().is_some() {
            say(widgets.reactions(), self.reactions.as_deref());
        }
        if self.cut || widgets.more.get().is_some() {
            widgets.more().set_visible(self.cut);
        }
        // Setting equal text would still take a selection away.
        if widgets.text.text() != self.text {
            let is_long = self.text.lines().any(|line| line.chars().nth(LONG_LINE).is_some());
            widgets.text.set_width_chars(if is_long { NARROWEST } else { -1 });
            widgets.text.set_text(&self.text);
        }
        if self.deleted {
            widgets.text.add_css_class("deleted");
        } else {
            widgets.text.remove_css_class("deleted");
        }
        widgets.root.set_visible(true);
    }
}
