//! A message in its bubble: what it answers, its text, what people thought of it. The text is the author's, shown literally.

use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{glib, pango};
use hobnob_shared::id::MessageId;
use relm4::gtk;

use crate::ui::conversation::pills::{Pill, PillsWidgets};
use crate::ui::conversation::quote::{Quote, QuoteWidgets};
use crate::ui::links;

/// How much of a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// All of a short one.
    Short,
    /// The beginning of a long one.
    Cut,
    /// All of a long one.
    Open,
}

/// What a bubble shows. Texts are literal already.
#[derive(Debug, Clone, PartialEq)]
pub struct Bubble {
    /// The message, or its beginning.
    pub text: String,
    /// Whom it calls.
    pub mentions: Mentions,
    /// How much of it that is.
    pub fold: Fold,
    /// It was deleted: `text` says so.
    pub deleted: bool,
    /// The message it answers.
    pub quote: Option<Quote>,
    /// What people think of it.
    pub reactions: Vec<Pill>,
    /// Mine: reactions stand on the right too.
    pub own: bool,
}

/// Whom a message calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Where in what is shown of it.
    pub places: Vec<Range<usize>>,
    /// Oneself is among them.
    pub me: bool,
}

/// What is done in a bubble.
#[derive(Debug, Clone)]
pub enum BubbleOutput {
    /// Show the whole of a long message, or its beginning again.
    Unfold,
    /// Open this address.
    Link(String),
    /// Go to the message that is quoted.
    Go(MessageId),
    /// Set an emoji, or take it off.
    React(String, bool),
}

/// The widgets of a bubble.
pub struct BubbleWidgets {
    /// What it stands in, with its reactions below it.
    place: gtk::Box,
    body: gtk::Box,
    text: gtk::Label,
    // Most messages have none of these, and each widget that is not there need not be styled and measured.
    quote: OnceCell<QuoteWidgets>,
    more: OnceCell<gtk::Button>,
    reactions: OnceCell<PillsWidgets>,
    tell: Rc<dyn Fn(BubbleOutput)>,
}

/// Widest bubble, in characters: what reads well.
const WIDTH: i32 = 62;
/// Least width of a text that is longer, in characters. Without one GTK breaks each text after every single letter to learn how narrow it can
/// be, which takes three quarters of all the time that a timeline is measured in.
const NARROWEST: i32 = 20;
/// Letters of one line from which on a text is certainly wider than that.
const LONG_LINE: usize = 28;

impl BubbleWidgets {
    /// An empty bubble in `place`; `tell` gets what is done in it.
    pub fn new(place: &gtk::Box, tell: impl Fn(BubbleOutput) + 'static) -> Self {
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
        let tell: Rc<dyn Fn(BubbleOutput)> = Rc::new(tell);
        let say = tell.clone();
        text.connect_activate_link(move |_, address| {
            say(BubbleOutput::Link(address.to_owned()));
            glib::Propagation::Stop
        });
        place.append(&body);
        let place = place.clone();
        Self { place, body, text, quote: OnceCell::new(), more: OnceCell::new(), reactions: OnceCell::new(), tell }
    }

    fn quote(&self) -> &QuoteWidgets {
        self.quote.get_or_init(|| {
            let tell = self.tell.clone();
            let quote = QuoteWidgets::new(move |message| tell(BubbleOutput::Go(message)));
            self.body.prepend(quote.widget());
            quote
        })
    }

    fn more(&self) -> &gtk::Button {
        self.more.get_or_init(|| {
            let more = gtk::Button::builder().halign(gtk::Align::Start).build();
            more.set_css_classes(&["flat", "show-all"]);
            let tell = self.tell.clone();
            more.connect_clicked(move |_| tell(BubbleOutput::Unfold));
            self.body.append(&more);
            more
        })
    }

    fn reactions(&self) -> &PillsWidgets {
        self.reactions.get_or_init(|| {
            let tell = self.tell.clone();
            let pills = PillsWidgets::new(move |emoji, on| tell(BubbleOutput::React(emoji, on)));
            self.place.append(pills.widget());
            pills
        })
    }

    /// Shows nothing.
    pub fn hide(&self) {
        self.body.set_visible(false);
        if let Some(reactions) = self.reactions.get() {
            reactions.widget().set_visible(false);
        }
    }
}

impl Bubble {
    /// Shows this message; `last` of its group or not.
    pub fn show(&self, widgets: &BubbleWidgets, last: bool) {
        if self.quote.is_some() || widgets.quote.get().is_some() {
            widgets.quote().show(self.quote.as_ref());
        }
        if !self.reactions.is_empty() || widgets.reactions.get().is_some() {
            widgets.reactions().show(&self.reactions, self.own);
        }
        if self.fold != Fold::Short || widgets.more.get().is_some() {
            widgets.more().set_visible(self.fold != Fold::Short);
            widgets.more().set_label(if self.fold == Fold::Cut { "Show More" } else { "Show Less" });
        }
        // Setting equal text would still take a selection away.
        if widgets.text.text() != self.text {
            let is_long = self.text.lines().any(|line| line.chars().nth(LONG_LINE).is_some());
            widgets.text.set_width_chars(if is_long { NARROWEST } else { -1 });
            let cut = self.fold == Fold::Cut;
            match links::markup(&self.text, &self.mentions.places, cut).filter(|_| !self.deleted) {
                Some(marked) => widgets.text.set_markup(&marked),
                None => widgets.text.set_text(&self.text),
            }
        }
        // Only what changes: each class has the bubble and its text styled anew.
        for (class, is_so) in
            [("own", self.own), ("last", last), ("deleted", self.deleted), ("calls", self.mentions.me)]
        {
            if is_so != widgets.body.has_css_class(class) {
                if is_so { widgets.body.add_css_class(class) } else { widgets.body.remove_css_class(class) }
            }
        }
        widgets.body.set_visible(true);
    }
}
