//! All transfers over all conversations: a panel that opens from the header. Drawn only while it is open.

use std::rc::Rc;

use gtk::pango;
use gtk::prelude::*;
use hobnob_shared::id::{ConversationId, TransferId};
use relm4::gtk;

use crate::core::event::Direction;
use crate::model::Model;
use crate::ui::transfers::card::{Card, CardOutput, CardWidgets};
use crate::ui::widgets::icon_button::menu_button;
use crate::ui::widgets::live_list::{Current, LiveList, Row};
use crate::ui::widgets::spoken::{Spoken, called, changing};

/// Lines at most, the newest: nobody scrolls further, and older ones stand in their conversations.
const LINES: usize = 200;
/// Height of a usual line, and of the whole list at most, in pixels.
const ROW: usize = 92;
const HEIGHT: usize = 460;
const WIDTH: i32 = 348;

/// What was done in the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransfersOutput {
    /// It opened: it wants its lines.
    Opened,
    /// A button of a card.
    Card(CardOutput, TransferId),
    /// Show the conversation.
    Open(ConversationId),
    /// Change how fast files may go.
    Limit,
}

/// What a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferRow {
    transfer: TransferId,
    conversation: ConversationId,
    /// Which way, and with whom.
    with: String,
    card: Card,
}

/// The lines, newest first.
pub fn rows(model: &Model) -> Vec<TransferRow> {
    let me = model.connection.user.as_ref();
    let newest = model.transfers.newest().into_iter().take(LINES);
    newest
        .map(|transfer| {
            let info = &transfer.info;
            let name = info.conversation.friend().map_or_else(|| info.conversation.to_string(), ToString::to_string);
            let way = if info.direction == Direction::Incoming { "from" } else { "to" };
            let with = match (&info.conversation, info.direction) {
                (ConversationId::Room(room), Direction::Incoming) => format!("from {} in {room}", info.from),
                _ => format!("{way} {name}"),
            };
            TransferRow {
                transfer: info.transfer,
                conversation: info.conversation.clone(),
                with,
                card: Card::new(transfer, me == Some(&info.from)),
            }
        })
        .collect()
}

/// What a line speaks to.
pub type Speak = Rc<dyn Fn(TransfersOutput)>;

/// The widgets of a line.
pub struct Widgets {
    spoken: Spoken,
    where_to: Spoken,
    with: gtk::Label,
    card: CardWidgets,
}

impl Row for TransferRow {
    type Widgets = Widgets;
    type Context = Speak;

    fn build(speak: &Rc<Speak>, current: Current<Self>) -> (gtk::Widget, Widgets) {
        let with = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).build();
        with.add_css_class("transfer-with");
        let (open, where_to): (gtk::Button, Spoken) = changing();
        open.set_child(Some(&with));
        open.set_halign(gtk::Align::Start);
        open.set_css_classes(&["flat", "transfer-open"]);
        open.set_tooltip_text(Some("Show the Conversation"));
        let (say, row) = (speak.clone(), current.clone());
        open.connect_clicked(move |_| {
            if let Some(conversation) = row.read(|row| row.conversation.clone()) {
                say(TransfersOutput::Open(conversation));
            }
        });
        let say = speak.clone();
        let card = CardWidgets::new(move |output| {
            if let Some(transfer) = current.read(|row| row.transfer) {
                say(TransfersOutput::Card(output, transfer));
            }
        });
        let (root, spoken): (gtk::Box, Spoken) = changing();
        spoken.share_with_row(&root);
        root.set_orientation(gtk::Orientation::Vertical);
        root.set_spacing(2);
        root.add_css_class("transfer");
        root.append(&open);
        root.append(card.widget());
        (root.upcast(), Widgets { spoken, where_to, with, card })
    }

    fn show(&self, widgets: &Widgets) {
        widgets.with.set_text(&self.with);
        widgets.where_to.say(&format!("Show the conversation, {}", self.with));
        widgets.spoken.say(&format!("{}, {}", self.card.spoken(), self.with));
        self.card.show(&widgets.card);
    }
}

/// The button and its panel.
pub struct TransfersPanel {
    button: gtk::MenuButton,
    scroller: gtk::ScrolledWindow,
    rows: LiveList<TransferRow>,
}

impl TransfersPanel {
    /// A closed, empty one.
    pub fn new(tell: impl Fn(TransfersOutput) + 'static) -> Self {
        let button = menu_button("folder-download-symbolic", "Transfers");
        let popover = gtk::Popover::new();
        popover.add_css_class("transfers");
        let tell: Rc<dyn Fn(TransfersOutput)> = Rc::new(tell);
        let opened = tell.clone();
        popover.connect_show(move |_| opened(TransfersOutput::Opened));
        let close = popover.downgrade();
        let speak: Speak = Rc::new(move |output| {
            // Another place of the window is shown, or a file chooser.
            let elsewhere = !matches!(output, TransfersOutput::Card(card, _) if card != CardOutput::SaveAs);
            if let Some(popover) = close.upgrade().filter(|_| elsewhere) {
                popover.popdown();
            }
            tell(output);
        });
        let limited = speak.clone();
        let rows = LiveList::<TransferRow>::new(speak);
        let selection = gtk::NoSelection::new(Some(rows.store().clone()));
        let list: gtk::ListView = called("Transfers");
        list.set_model(Some(&selection));
        list.set_factory(Some(rows.factory()));
        list.add_css_class("transfer-list");
        let scroller = gtk::ScrolledWindow::builder().hscrollbar_policy(gtk::PolicyType::Never).child(&list).build();
        let title = gtk::Label::builder().label("Transfers").xalign(0.0).build();
        title.set_css_classes(&["heading", "member-head"]);
        title.set_hexpand(true);
        let limit = gtk::Button::with_label("Limit Speed…");
        limit.add_css_class("flat");
        limit.set_valign(gtk::Align::End);
        limit.connect_clicked(move |_| limited(TransfersOutput::Limit));
        let head = gtk::Box::builder().spacing(6).build();
        head.append(&title);
        head.append(&limit);
        let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).width_request(WIDTH).build();
        column.append(&head);
        column.append(&scroller);
        popover.set_child(Some(&column));
        button.set_popover(Some(&popover));
        button.set_visible(false);
        Self { button, scroller, rows }
    }

    /// The button.
    pub fn widget(&self) -> &gtk::MenuButton {
        &self.button
    }

    /// Opens it.
    pub fn open(&self) {
        if self.button.is_visible() {
            self.button.popup();
        }
    }

    /// Something changed: the button is there once there is a transfer, and marked while one moves; the lines are made only while the panel is open.
    pub fn show(&self, model: &Model) {
        self.button.set_visible(!model.transfers.is_empty());
        if model.transfers.any_runs() {
            self.button.add_css_class("busy");
        } else {
            self.button.remove_css_class("busy");
        }
        if self.button.popover().is_some_and(|popover| popover.is_visible()) {
            self.rows.sync(rows(model), |row| row.transfer);
            let height = i32::try_from((self.rows.len() * ROW).clamp(ROW, HEIGHT)).unwrap_or(i32::MAX);
            // The smaller of both first: GTK wants the least never above the most.
            self.scroller.set_min_content_height(-1);
            self.scroller.set_max_content_height(height);
            self.scroller.set_min_content_height(height);
        }
    }
}
