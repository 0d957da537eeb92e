//! What a message answers, above its text: who wrote it and how it begins, in a button that leads there.

use std::cell::Cell;
use std::rc::Rc;

use gtk::pango;
use gtk::prelude::*;
use hobnob_shared::id::MessageId;
use relm4::gtk;

use crate::ui::widgets::spoken::{Spoken, changing};

/// What is shown of the message that is answered. Texts are literal already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which.
    pub message: MessageId,
    /// Who wrote it; none where it is not here.
    pub author: Option<String>,
    /// How it begins, one line.
    pub text: String,
}

impl Quote {
    /// As one sentence.
    pub fn spoken(&self) -> String {
        let author = self.author.as_deref().map(|author| format!("{author}: ")).unwrap_or_default();
        format!("in answer to {author}{}", self.text)
    }
}

/// The widgets of a quote.
pub struct QuoteWidgets {
    root: gtk::Button,
    spoken: Spoken,
    author: gtk::Label,
    text: gtk::Label,
    of: Rc<Cell<Option<MessageId>>>,
}

/// Widest quote, in characters: less than a bubble.
const WIDTH: i32 = 52;

impl QuoteWidgets {
    /// An empty one; `go` is called with the message that is quoted.
    pub fn new(go: impl Fn(MessageId) + 'static) -> Self {
        let line = |class: &str| {
            let label = gtk::Label::builder()
                .xalign(0.0)
                .ellipsize(pango::EllipsizeMode::End)
                .max_width_chars(WIDTH)
                .accessible_role(gtk::AccessibleRole::Presentation)
                .build();
            label.add_css_class(class);
            label
        };
        let (author, text) = (line("quote-author"), line("quote-text"));
        let lines = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        lines.append(&author);
        lines.append(&text);
        let (root, spoken): (gtk::Button, Spoken) = changing();
        root.set_child(Some(&lines));
        root.set_css_classes(&["flat", "quote"]);
        root.set_tooltip_text(Some("Go to This Message"));
        let of: Rc<Cell<Option<MessageId>>> = Rc::default();
        let quoted = of.clone();
        root.connect_clicked(move |_| {
            if let Some(message) = quoted.get() {
                go(message);
            }
        });
        Self { root, spoken, author, text, of }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Button {
        &self.root
    }

    /// Shows this quote, or nothing.
    pub fn show(&self, quote: Option<&Quote>) {
        self.root.set_visible(quote.is_some());
        self.of.set(quote.map(|quote| quote.message));
        let Some(quote) = quote else { return };
        self.author.set_visible(quote.author.is_some());
        self.author.set_text(quote.author.as_deref().unwrap_or_default());
        self.text.set_text(&quote.text);
        self.spoken.say(&format!("Go to the Message, {}", quote.spoken()));
    }
}
