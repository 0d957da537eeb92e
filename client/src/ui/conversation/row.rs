//! A line of the timeline: perhaps a day, perhaps a name, then a bubble or a card, and below a group its time and state. The same widgets
//! serve many lines in turn.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{glib, pango};
use hobnob_shared::id::{Handle, TransferId};
use relm4::gtk;

use crate::core::message_key::{MessageKey, MessageRef};
use crate::pictures::parent::Wish;
use crate::ui::conversation::bubble::{Bubble, BubbleOutput, BubbleWidgets, Fold};
use crate::ui::conversation::line_layout::{LineLayout, Placed};
use crate::ui::conversation::menu::{self, About, Deed};
use crate::ui::faces::Face;
use crate::ui::links;
use crate::ui::transfers::card::{Card, CardWidgets};
use crate::ui::transfers::picture::PictureView;
use crate::ui::transfers::{CardOutput, Pictures};
use crate::ui::widgets::live_list::{Current, Row};
use crate::ui::widgets::spoken::{Spoken, changing};
use crate::ui::widgets::tip::tip;

/// Names a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineId {
    /// A message.
    Message(MessageKey),
    /// A transfer.
    Transfer(TransferId),
}

/// What the line is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A message.
    Bubble(Bubble),
    /// A transfer, and the file whose picture is shown with it.
    Card(Card, Option<Wish>),
}

/// Who wrote a group of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// What they are called, literal already.
    pub name: String,
    /// Whose picture stands beside the name, if one does.
    pub picture: Option<Handle>,
}

/// All that a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineRow {
    /// Its name.
    pub id: LineId,
    /// Mine: on the right.
    pub own: bool,
    /// The day that begins here.
    pub day: Option<String>,
    /// The new messages begin here.
    pub fresh: bool,
    /// The name above the group.
    pub author: Option<Author>,
    /// First of its group.
    pub first: bool,
    /// The thing itself.
    pub content: Content,
    /// Time and state below the group.
    pub footer: Option<String>,
    /// Who got it and who has read it, where that is known.
    pub reached: Option<String>,
    /// The line as one sentence, for who listens.
    pub spoken: String,
}

/// What a line says to its list.
#[derive(Debug, Clone)]
pub enum RowOutput {
    /// Show the whole of a long message, or its beginning again.
    Unfold(MessageKey),
    /// Open this address.
    Link(String),
    /// A button of a card.
    Card(CardOutput, TransferId),
    /// Go to this message.
    Go(MessageRef),
    /// Set an emoji on a message, or take it off.
    React {
        /// Which message.
        message: MessageKey,
        /// Which emoji.
        emoji: String,
        /// Set or take off; none does what it is not yet.
        on: Option<bool>,
    },
    /// Something of its menu.
    Deed(Deed, MessageKey),
}

/// What lines need.
pub struct Context {
    /// What they speak to.
    pub speak: Rc<dyn Fn(RowOutput)>,
    /// Where their pictures come from.
    pub pictures: Pictures,
    /// Their widgets, and what these show, for what is done to the list as a whole.
    pub lines: Lines,
}

/// The widgets of all lines that there are.
#[derive(Clone, Default)]
pub struct Lines(Rc<RefCell<Vec<Known>>>);

struct Known {
    root: glib::WeakRef<gtk::Box>,
    place: glib::WeakRef<gtk::Box>,
    current: Current<TimelineRow>,
}

impl Lines {
    fn add(&self, root: &gtk::Box, place: &gtk::Box, current: &Current<TimelineRow>) {
        let mut lines = self.0.borrow_mut();
        // Now and then is enough, and looking at all of them for each new one is not free.
        if lines.len().is_power_of_two() {
            lines.retain(|line| line.root.upgrade().is_some());
        }
        lines.push(Known { root: root.downgrade(), place: place.downgrade(), current: current.clone() });
    }

    /// The message that this widget shows, or is in.
    pub fn about(&self, widget: &gtk::Widget) -> Option<About> {
        let lines = self.0.borrow();
        let is_in = |root: gtk::Box| *widget == root || widget.is_ancestor(&root);
        let line = lines.iter().find(|line| line.root.upgrade().is_some_and(is_in))?;
        line.current.read(TimelineRow::about)?
    }

    /// The widget of this line, if it is shown just now.
    pub fn showing(&self, line: &LineId) -> Option<gtk::Box> {
        self.find(line, |line| line.root.upgrade())
    }

    /// What of that line is filled: the bubble, and what stands below it.
    pub fn bubble(&self, message: &MessageKey) -> Option<gtk::Box> {
        self.find(&LineId::Message(message.clone()), |line| line.place.upgrade())
    }

    fn find(&self, line: &LineId, widget: impl Fn(&Known) -> Option<gtk::Box>) -> Option<gtk::Box> {
        let lines = self.0.borrow();
        let is_it = |known: &&Known| known.current.read(|row| row.id == *line) == Some(true);
        lines.iter().find(is_it).and_then(widget)
    }
}

impl TimelineRow {
    /// What a menu here is about.
    fn about(&self) -> Option<About> {
        match (&self.id, &self.content) {
            (LineId::Message(message), Content::Bubble(bubble)) if !bubble.deleted => {
                let is_whole = |link: &Range<usize>| bubble.fold != Fold::Cut || link.end < bubble.text.len();
                let links = links::find(&bubble.text).into_iter().filter(is_whole);
                let links = links.filter_map(|link| bubble.text.get(link));
                let answers = bubble.quote.as_ref().map(|quote| quote.message);
                let links = links.map(str::to_owned).collect();
                Some(About { message: message.clone(), own: self.own, links, answers, fold: bubble.fold })
            }
            _ => None,
        }
    }
}

/// The widgets of a line.
pub struct Widgets {
    root: gtk::Box,
    spoken: Spoken,
    // What most lines do not have is made for the first that has it: it need not be styled and measured before.
    day: OnceCell<gtk::Label>,
    fresh: OnceCell<gtk::Box>,
    head: OnceCell<Head>,
    place: gtk::Box,
    bubble: OnceCell<BubbleWidgets>,
    card: OnceCell<CardWidgets>,
    picture: OnceCell<Rc<PictureView>>,
    footer: OnceCell<gtk::Label>,
    context: Rc<Context>,
    current: Current<TimelineRow>,
    layout: LineLayout,
}

/// The author above a group.
struct Head {
    root: gtk::Box,
    picture: Face,
    name: gtk::Label,
}

impl Head {
    fn new() -> Self {
        let (picture, name) = (Face::new(22), label("author"));
        name.set_xalign(0.0);
        let root = gtk::Box::builder().spacing(7).build();
        root.add_css_class("author-line");
        root.append(picture.widget());
        root.append(&name);
        Self { root, picture, name }
    }
}

fn label(class: &str) -> gtk::Label {
    let label = gtk::Label::builder().ellipsize(pango::EllipsizeMode::End).build();
    label.add_css_class(class);
    label
}

/// What stands between the messages that were seen and the new ones.
fn fresh_line() -> gtk::Box {
    let line = gtk::Box::builder().spacing(10).build();
    line.add_css_class("fresh");
    let side = || {
        let side = gtk::Separator::new(gtk::Orientation::Horizontal);
        side.set_hexpand(true);
        side.set_valign(gtk::Align::Center);
        side
    };
    line.append(&side());
    line.append(&gtk::Label::new(Some("New messages")));
    line.append(&side());
    line
}

/// Room above a line, and above the first of a group.
const ABOVE: (i32, i32) = (3, 10);
/// Room on the side on which a line does not stand.
const ASIDE: i32 = 56;
/// The same beside a file: its buttons need the room in a narrow window.
const ASIDE_OF_FILES: i32 = 10;

/// Shows words, or nothing.
pub fn say(label: &gtk::Label, words: Option<&str>) {
    label.set_visible(words.is_some());
    label.set_text(words.unwrap_or_default());
}

impl Widgets {
    fn show_day(&self, words: Option<&str>) {
        if words.is_some() || self.day.get().is_some() {
            let day = self.day.get_or_init(|| {
                let day = label("day");
                self.root.prepend(&day);
                day
            });
            say(day, words);
        }
    }

    fn show_fresh(&self, fresh: bool) {
        if fresh || self.fresh.get().is_some() {
            let line = self.fresh.get_or_init(|| {
                let line = fresh_line();
                self.root.insert_child_after(&line, self.day.get());
                line
            });
            line.set_visible(fresh);
        }
    }

    fn show_author(&self, author: Option<&Author>) {
        if author.is_none() && self.head.get().is_none() {
            return;
        }
        let head = self.head.get_or_init(|| {
            let head = Head::new();
            // Above the bubble or card, below what separates it from the line before.
            head.root.insert_before(&self.root, Some(&self.place));
            head
        });
        head.root.set_visible(author.is_some());
        let Some(author) = author else { return };
        head.name.set_text(&author.name);
        head.picture.widget().set_visible(author.picture.is_some());
        if let Some(user) = &author.picture {
            head.picture.show(user.as_str());
        }
    }

    fn bubble(&self) -> &BubbleWidgets {
        self.bubble.get_or_init(|| {
            let (context, current) = (self.context.clone(), self.current.clone());
            BubbleWidgets::new(&self.place, move |output| {
                if let Some(LineId::Message(message)) = current.read(|row| row.id.clone()) {
                    (context.speak)(match output {
                        BubbleOutput::Unfold => RowOutput::Unfold(message),
                        BubbleOutput::Link(address) => RowOutput::Link(address),
                        BubbleOutput::Go(quoted) => RowOutput::Go(quoted.into()),
                        BubbleOutput::React(emoji, on) => RowOutput::React { message, emoji, on: Some(on) },
                    });
                }
            })
        })
    }

    fn card(&self) -> &CardWidgets {
        self.card.get_or_init(|| {
            let (context, current) = (self.context.clone(), self.current.clone());
            let card = CardWidgets::new(move |output| {
                if let Some(LineId::Transfer(id)) = current.read(|row| row.id.clone()) {
                    (context.speak)(RowOutput::Card(output, id));
                }
            });
            self.place.append(card.widget());
            card
        })
    }

    fn show_footer(&self, words: Option<&str>, reached: Option<&str>, side: gtk::Align) {
        if words.is_none() && self.footer.get().is_none() {
            return;
        }
        let footer = self.footer.get_or_init(|| {
            let footer = label("footer");
            self.root.append(&footer);
            footer
        });
        footer.set_halign(side);
        say(footer, words);
        tip(footer, reached);
    }

    fn show_picture(&self, card: &Card, wish: Option<&Wish>) {
        if wish.is_some() || self.picture.get().is_some() {
            let pictures = &self.context.pictures;
            let view = self.picture.get_or_init(|| pictures.view(self.card().widget()));
            pictures.show(view, wish, card.name());
        }
    }
}

impl Row for TimelineRow {
    type Widgets = Widgets;
    type Context = Context;

    fn build(context: &Rc<Context>, current: Current<Self>) -> (gtk::Widget, Widgets) {
        let place = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        let (root, spoken): (gtk::Box, Spoken) = changing();
        root.add_css_class("line");
        root.append(&place);
        let layout = LineLayout::of(&root, &place);
        context.lines.add(&root, &place, &current);
        spoken.share_with_row(&root);
        let offered = current.clone();
        root.connect_parent_notify(move |root| {
            if let Some(row) = root.parent() {
                menu::offer(&row, root, offered.clone());
            }
        });
        let widgets = Widgets {
            root: root.clone(),
            spoken,
            day: OnceCell::new(),
            fresh: OnceCell::new(),
            head: OnceCell::new(),
            place,
            bubble: OnceCell::new(),
            card: OnceCell::new(),
            picture: OnceCell::new(),
            footer: OnceCell::new(),
            context: context.clone(),
            current,
            layout,
        };
        (root.upcast(), widgets)
    }

    fn show(&self, widgets: &Widgets) {
        widgets.show_day(self.day.as_deref());
        widgets.show_fresh(self.fresh);
        widgets.show_author(self.author.as_ref());
        let side = if self.own { gtk::Align::End } else { gtk::Align::Start };
        widgets.show_footer(self.footer.as_deref(), self.reached.as_deref(), side);
        let is_file = matches!(self.content, Content::Card(..));
        widgets.layout.place(Placed {
            own: self.own,
            aside: if is_file { ASIDE_OF_FILES } else { ASIDE },
            above: if self.first { ABOVE.1 } else { ABOVE.0 },
        });

        match &self.content {
            Content::Bubble(bubble) => {
                if let Some(card) = widgets.card.get() {
                    card.widget().set_visible(false);
                }
                bubble.show(widgets.bubble(), self.footer.is_some());
            }
            Content::Card(card, picture) => {
                if let Some(bubble) = widgets.bubble.get() {
                    bubble.hide();
                }
                card.show(widgets.card());
                widgets.show_picture(card, picture.as_ref());
            }
        }
        widgets.spoken.say(&self.spoken);
    }
}
