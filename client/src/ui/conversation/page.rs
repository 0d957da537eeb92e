//! A conversation's tab as a component: shows the rows that its parent sends, and tells it what the user does. Files may be dropped on it.

use std::cell::OnceCell;
use std::path::PathBuf;

use gtk::prelude::*;
use gtk::{gdk, glib};
use hobnob_shared::id::{ConversationId, MessageId};
use relm4::{Component, ComponentParts, ComponentSender, adw, gtk};

use crate::core::message_key::MessageRef;
use crate::ui::conversation::completion::Callable;
use crate::ui::conversation::composer::{Composer, ComposerOutput, Place};
use crate::ui::conversation::desk::{Answered, Draft, Edit, Rewritten, Unsent};
use crate::ui::conversation::drops::Drops;
use crate::ui::conversation::key_bar::KeyBar;
use crate::ui::conversation::room_bar::RoomBar;
use crate::ui::conversation::row::{RowOutput, TimelineRow};
use crate::ui::conversation::timeline::{Timeline, TimelineOutput};
use crate::ui::settings::Store;
use crate::ui::transfers::Pictures;
use crate::ui::widgets::pages::Pages;

/// What a tab is made with.
pub struct PageInit {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Where its pictures come from.
    pub pictures: Pictures,
    /// What the person prefers.
    pub preferences: Store,
}

/// What to show.
#[derive(Debug)]
pub enum PageInput {
    /// Put rows in the place of others.
    Splice {
        /// First row.
        at: usize,
        /// Rows that go.
        removed: usize,
        /// Rows that come.
        rows: Vec<TimelineRow>,
    },
    /// Go to the end: something of one's own is there.
    Follow,
    /// The reader goes somewhere else.
    Leave,
    /// The last row is the newest of the conversation, or not.
    Live(bool),
    /// Show something else in a row.
    Set(usize, Box<TimelineRow>),
    /// Nothing was ever said here.
    Empty(bool),
    /// So many messages were not seen.
    Unread(u32),
    /// Who writes, in words; empty for nobody.
    Typing(String),
    /// The friend's key changed: the core's sentence.
    Alarm(Option<String>),
    /// Nothing can be written or sent, and why; empty where that is not known yet.
    Closed(Option<String>),
    /// The friend is called so, or the room.
    Named(String),
    /// These can be called by an `@`.
    Callable(Vec<Callable>),
    /// One is not in this room: the sentence of the bar that offers to join it.
    Outside(Option<String>),
    /// This was not sent: put it back.
    Restore(Unsent),
    /// The conversation is erased: what is written goes too.
    Clear,
    /// This was written, and went as a file.
    SentOtherwise(String),
    /// What is written next answers a message.
    Reply(Answered),
    /// Change an own message in the composer, from the text that it has.
    Edit(Edit),
    /// A message has another text, or was taken back; it may be answered or changed just now.
    Rewritten(Rewritten),
    /// The message that a draft answers was looked up; none if it is there no more.
    Quoted(MessageRef, Option<Answered>),
    /// Show this row.
    Go(usize),
    /// Put the cursor into the composer.
    Focus,
    /// Put the focus on the last message.
    FocusMessages,
}

/// What was done.
#[derive(Debug)]
pub enum PageOutput {
    /// Send a text, which may answer a message.
    Send(String, Option<MessageId>),
    /// Give an own message another text.
    Edit(Edit),
    /// Change the last own message.
    EditLast,
    /// A text is longer than a message may be, by so many bytes.
    TooLong(usize),
    /// A text is too long for a message.
    Long(String, Place),
    /// Choose files to send.
    Attach,
    /// Send these files.
    Drop(Vec<PathBuf>),
    /// A picture was pasted; none if it cannot be read.
    Paste(Option<gdk::Texture>),
    /// Something is being written.
    Writing(bool),
    /// This is the new message so far.
    Draft(Draft),
    /// Read further back.
    Older,
    /// Read on.
    Newer,
    /// Go to the end, which is not here.
    ToEnd,
    /// The end is in view, or not any more.
    AtEnd(bool),
    /// Something was done in a line.
    Line(RowOutput),
    /// Compare the safety number.
    Compare,
    /// Accept the friend's new key.
    AcceptKey,
    /// Join the room again.
    JoinAgain,
}

/// The tab's content.
pub struct ConversationPage {
    timeline: Timeline,
    composer: Composer,
    drops: Drops,
    key_bar: KeyBar,
    room_bar: RoomBar,
    /// What the friend or the room is called.
    name: String,
    is_room: bool,
}

/// Its other widgets.
pub struct PageWidgets {
    stack: Pages,
    /// Shown where nothing was said yet.
    nobody: OnceCell<adw::StatusPage>,
    typing: gtk::Label,
}

impl Component for ConversationPage {
    type Init = PageInit;
    type Input = PageInput;
    type Output = PageOutput;
    type CommandOutput = ();
    type Root = gtk::Overlay;
    type Widgets = PageWidgets;

    fn init_root() -> gtk::Overlay {
        gtk::Overlay::new()
    }

    fn init(init: PageInit, root: gtk::Overlay, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let PageInit { conversation, pictures, preferences } = init;
        let name = title(&conversation);
        let output = sender.output_sender().clone();
        let timeline = Timeline::new(pictures, move |told| {
            output.emit(match told {
                TimelineOutput::NearTop => PageOutput::Older,
                TimelineOutput::NearEnd => PageOutput::Newer,
                TimelineOutput::ToEnd => PageOutput::ToEnd,
                TimelineOutput::AtEnd(at_end) => PageOutput::AtEnd(at_end),
                TimelineOutput::Line(output) => PageOutput::Line(output),
            });
        });
        let output = sender.output_sender().clone();
        let composer = Composer::new(&name, preferences, move |told| {
            output.emit(match told {
                ComposerOutput::Send(text, reply_to) => PageOutput::Send(text, reply_to),
                ComposerOutput::Edit(edit) => PageOutput::Edit(edit),
                ComposerOutput::EditLast => PageOutput::EditLast,
                ComposerOutput::TooLong(excess) => PageOutput::TooLong(excess),
                ComposerOutput::Long(text, place) => PageOutput::Long(text, place),
                ComposerOutput::Attach => PageOutput::Attach,
                ComposerOutput::Paste(picture) => PageOutput::Paste(picture),
                ComposerOutput::Writing(writing) => PageOutput::Writing(writing),
                ComposerOutput::Draft(draft) => PageOutput::Draft(draft),
            });
        });
        let (compare, accept) = (sender.output_sender().clone(), sender.output_sender().clone());
        let key_bar =
            KeyBar::new(move || compare.emit(PageOutput::Compare), move || accept.emit(PageOutput::AcceptKey));
        let join = sender.output_sender().clone();
        let room_bar = RoomBar::new(move || join.emit(PageOutput::JoinAgain));

        let stack = Pages::new();
        stack.add("timeline", timeline.widget());
        let is_room = conversation.friend().is_none();
        let typing = gtk::Label::builder().xalign(0.0).visible(false).build();
        typing.add_css_class("typing");
        let bottom = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        bottom.append(&typing);
        bottom.append(composer.widget());
        let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        column.append(key_bar.widget());
        column.append(room_bar.widget());
        column.append(stack.widget());
        column.append(&adw::Clamp::builder().maximum_size(680).tightening_threshold(580).child(&bottom).build());
        root.set_child(Some(&column));
        let output = sender.output_sender().clone();
        let drops = Drops::new(&root, &name, move |paths| output.emit(PageOutput::Drop(paths)));

        let widgets = PageWidgets { stack, nobody: OnceCell::new(), typing };
        ComponentParts { model: Self { timeline, composer, drops, key_bar, room_bar, name, is_room }, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut PageWidgets,
        message: PageInput,
        _sender: ComponentSender<Self>,
        _root: &gtk::Overlay,
    ) {
        match message {
            PageInput::Splice { at, removed, rows } => {
                self.timeline.splice(at, removed, rows);
                if !self.timeline.is_empty() {
                    widgets.stack.show("timeline");
                }
            }
            PageInput::Follow => self.timeline.follow(),
            PageInput::Leave => self.timeline.leave(),
            PageInput::Live(live) => self.timeline.set_live(live),
            PageInput::Set(at, row) => self.timeline.set(at, *row),
            PageInput::Empty(empty) => {
                if empty {
                    widgets.nobody.get_or_init(|| {
                        let nobody = nothing_said(&self.name, self.is_room);
                        widgets.stack.add("empty", &nobody);
                        nobody
                    });
                }
                widgets.stack.show(if empty { "empty" } else { "timeline" });
            }
            PageInput::Unread(count) => self.timeline.count(count),
            PageInput::Typing(words) => {
                widgets.typing.set_visible(!words.is_empty());
                widgets.typing.set_text(&words);
            }
            PageInput::Alarm(alarm) => self.key_bar.show(alarm.as_deref()),
            PageInput::Closed(why) => {
                self.drops.allow(why.is_none());
                self.composer.close(why.as_deref());
            }
            PageInput::Named(name) => {
                self.composer.name(&name);
                self.drops.name(&name);
                if let Some(nobody) = widgets.nobody.get() {
                    nobody.set_description(Some(&first_words(&name, self.is_room)));
                }
                self.name = name;
            }
            PageInput::Callable(people) => self.composer.know(people),
            PageInput::Outside(why) => self.room_bar.show(why.as_deref()),
            PageInput::SentOtherwise(text) => self.composer.sent_otherwise(&text),
            PageInput::Restore(unsent) => self.composer.restore(unsent),
            PageInput::Clear => self.composer.clear(),
            PageInput::Reply(answered) => self.composer.reply(answered),
            PageInput::Edit(edit) => self.composer.edit(edit),
            PageInput::Rewritten(news) => self.composer.rewrite(&news),
            PageInput::Quoted(message, found) => self.composer.quote(&message, found),
            PageInput::Go(at) => self.timeline.go(at),
            PageInput::Focus => self.composer.focus(),
            PageInput::FocusMessages => self.timeline.focus_last(),
        }
    }
}

/// The name of a conversation, as its tab shows it.
pub fn title(conversation: &ConversationId) -> String {
    conversation.friend().map_or_else(|| conversation.to_string(), ToString::to_string)
}

fn first_words(name: &str, is_room: bool) -> String {
    let words = if is_room {
        format!(
            "What is written in {name} is encrypted from each computer to every other. Who joins later can read it too."
        )
    } else {
        format!("What you and {name} write is encrypted from one computer to the other. Files can be dropped here.")
    };
    // The description takes markup.
    glib::markup_escape_text(&words).to_string()
}

fn nothing_said(name: &str, is_room: bool) -> adw::StatusPage {
    let page = adw::StatusPage::builder()
        .icon_name("user-available-symbolic")
        .title("Say Hello")
        .description(first_words(name, is_room))
        .build();
    page.add_css_class("compact");
    page
}
