//! The search view: what is typed goes to the core, what it found is shown, and a result opens its place.

use gtk::prelude::*;
use relm4::gtk;

use crate::core::command::{Command, Wanted};
use crate::core::event::{Answer, MessageInfo};
use crate::core::message_key::MessageKey;
use crate::model::{Pending, Question, QuestionId};
use crate::ui::app::{App, AppMsg};
use crate::ui::search::picker::{Kind, Picker, PickerOutput};
use crate::ui::search::row::{FoundRow, Pick};
use crate::ui::search::rows;
use crate::ui::seek::Target;
use crate::ui::text;

/// A search that is open.
pub struct Searching {
    picker: Picker,
    /// What is typed.
    text: String,
    /// What is shown is of this.
    shown: Option<String>,
    /// The last message that is shown, where there are more behind it.
    last: Option<MessageKey>,
    /// The page that is on its way.
    pending: Pending,
    /// Enter was pressed before the results came.
    entered: bool,
    messages: usize,
    others: usize,
}

/// Messages asked for at once.
const PAGE: u32 = 50;
/// Of people, rooms and files so many are shown above the messages.
const FEW: usize = 5;

const KIND: Kind = Kind {
    title: "Search Messages, People, Rooms and Files",
    hint: "Search everything",
    size: (620, 640),
    rests: true,
};

/// Filters, and what they do.
const FILTERS: [(&str, &str); 5] = [
    ("from:", "Only From Somebody, as from:bob or from:me"),
    ("in:", "Only in a Conversation, as in:@bob or in:#tea"),
    ("after:", "Only Since a Day, as after:2026-11-26"),
    ("before:", "Only Before a Day, as before:2026-11-26"),
    ("has:file", "Only Files"),
];

impl Searching {
    /// It is not needed any more.
    pub fn close(&self) {
        self.picker.close();
    }
}

impl App {
    /// Opens the search, with this typed already; otherwise with what was typed last.
    pub(in crate::ui) fn open_search(&mut self, text: Option<&str>) {
        if let Some(open) = self.searching.as_ref().filter(|open| open.picker.is_open()) {
            return open.picker.focus();
        }
        if let Some(switcher) = self.switcher.take() {
            switcher.close();
        }
        let input = self.sender.clone();
        let picker = Picker::open(&self.at(), &KIND, Some(&self.filters()), move |output| {
            input.emit(AppMsg::Search(output));
        });
        let (goes_on, text) = (text.is_some(), text.unwrap_or(&self.searched).to_owned());
        picker.fill(&text);
        self.searching = Some(Searching {
            picker: picker.clone(),
            text: String::new(),
            shown: None,
            last: None,
            pending: Pending::default(),
            entered: false,
            messages: 0,
            others: 0,
        });
        self.search_typed(text);
        picker.present();
        if goes_on {
            picker.focus();
        }
    }

    fn filters(&self) -> gtk::Widget {
        let line = gtk::Box::builder().spacing(6).build();
        for (filter, what) in FILTERS {
            let button = gtk::Button::builder().label(filter).tooltip_text(what).build();
            button.set_css_classes(&["filter"]);
            let input = self.sender.clone();
            button.connect_clicked(move |_| input.emit(AppMsg::Search(PickerOutput::Filter(filter))));
            line.append(&button);
        }
        line.upcast()
    }

    /// From the search view.
    pub(in crate::ui) fn search_said(&mut self, output: PickerOutput) {
        let Some(open) = &mut self.searching else { return };
        match output {
            PickerOutput::Typed(text) => self.search_typed(text),
            PickerOutput::Enter(text) if open.shown.as_ref() == Some(&text) => {
                if let Some(pick) = open.picker.picked() {
                    self.picked(pick);
                }
            }
            PickerOutput::Enter(text) => {
                self.search_typed(text);
                if let Some(open) = &mut self.searching {
                    open.entered = true;
                }
            }
            PickerOutput::Filter(filter) => open.picker.add(filter),
            PickerOutput::Picked(pick) => self.picked(pick),
            PickerOutput::NearEnd => {
                if let (Some(before), false) = (open.last.clone(), open.pending.is_waiting()) {
                    let text = open.text.clone();
                    self.search_for(text, Some(before));
                }
            }
        }
    }

    fn search_typed(&mut self, text: String) {
        let Some(open) = &mut self.searching else { return };
        if open.text == text && open.shown.is_some() {
            return;
        }
        open.text.clone_from(&text);
        open.entered = false;
        self.searched.clone_from(&text);
        if Wanted::parse(&text, None).is_empty() {
            open.shown = Some(text);
            open.last = None;
            open.pending.ask(None);
            open.picker.say("Search Everything", "Words, “exact phrases”, and the filters above, alone or together.");
        } else {
            self.search_for(text, None);
        }
    }

    fn search_for(&mut self, text: String, before: Option<MessageKey>) {
        let further = before.is_some();
        let (before, before_author) = before.map(|MessageKey { id, author }| (id, author)).unzip();
        let (conversation, from) = (None, None);
        let command = Command::Search { text: text.clone(), conversation, from, before, before_author, limit: PAGE };
        let asked = self.ask_named(Question::Search { text, further }, command);
        if let Some(open) = &mut self.searching {
            open.pending.ask(asked);
        }
    }

    /// A search was answered. What was asked before the last letter, or in a search that was closed since, is not shown any more.
    pub(in crate::ui) fn found(&mut self, question: QuestionId, text: &str, further: bool, answer: &Answer) {
        let Answer::Found { messages, more, people, rooms, files } = answer else { return };
        let (me, model) = (self.model.connection.user.as_ref(), &self.model);
        let named = rows::People { me, called: &|user| text::name(model, user) };
        let Some(open) = self.searching.as_mut() else { return };
        if !open.pending.is_answered_by(question) {
            return;
        }
        let wanted = Wanted::parse(text, me);
        let mut lines = Vec::new();
        let mut group = |heading, rows: Vec<FoundRow>| {
            if !rows.is_empty() {
                lines.push(FoundRow::Heading(heading));
                lines.extend(rows);
            }
        };
        if further {
            open.messages += messages.len();
            lines.extend(messages.iter().map(|info| rows::message(&wanted, info, &named)));
        } else {
            open.messages = messages.len();
            open.others = people.len() + rooms.len() + files.len();
            group("People", people.iter().take(FEW).map(|info| rows::person(&wanted, info)).collect());
            group("Rooms", rooms.iter().take(FEW).map(|info| rows::room(&wanted, info)).collect());
            let shown = if wanted.has_file || files.len() == FEW + 1 { files.len() } else { FEW };
            let mut of_files: Vec<_> = files.iter().take(shown).map(|info| rows::file(&wanted, info, &named)).collect();
            if files.len() > shown {
                of_files.push(rows::all_files(files.len()));
            }
            group("Files", of_files);
            group("Messages", messages.iter().map(|info| rows::message(&wanted, info, &named)).collect());
        }
        open.last = messages.last().map(MessageInfo::key).filter(|_| *more);
        open.shown = Some(text.to_owned());
        let count = open.messages + open.others;
        let told = match (count, *more) {
            (_, true) => format!("More than {count} results"),
            (1, false) => "1 result".to_owned(),
            (_, false) => format!("{count} results"),
        };
        if further {
            open.picker.append(lines, &told);
        } else if lines.is_empty() {
            open.picker.say("Nothing Found", "Try fewer letters, or another filter.");
        } else {
            open.picker.show(lines, &told);
        }
        if std::mem::take(&mut open.entered)
            && let Some(pick) = open.picker.picked()
        {
            self.picked(pick);
        }
    }

    /// A search was refused: it says why in the place of results.
    pub(in crate::ui) fn search_refused(&mut self, question: QuestionId, text: &str) {
        if let Some(open) = &mut self.searching
            && open.pending.is_answered_by(question)
        {
            open.last = None;
            open.picker.say("Cannot Search", text);
        }
    }

    /// Goes where a line leads.
    pub(in crate::ui) fn picked(&mut self, pick: Pick) {
        if pick == Pick::AllFiles {
            if let Some(open) = &self.searching {
                open.picker.add("has:file");
            }
            return;
        }
        for open in self.searching.take().map(|open| open.picker).into_iter().chain(self.switcher.take()) {
            open.close();
        }
        match pick {
            Pick::Conversation(conversation) => self.open_and_read(&conversation),
            Pick::Message(conversation, message) => self.open_at(&conversation, Target::Message(message.into())),
            Pick::File(conversation, transfer) => self.open_at(&conversation, Target::File(transfer)),
            Pick::AllFiles => {}
        }
    }
}
