//! Draws what the model says has changed: once for a whole batch of events, however many of them changed the same thing.

use adw::prelude::*;
use gtk::glib;
use hobnob_shared::id::{ConversationId, Handle};
use relm4::{ComponentController, adw, gtk};

use crate::core::event::{Answer, Event};
use crate::core::message_key::MessageKey;
use crate::model::connection::Page;
use crate::model::conversation::{Conversation, Past};
use crate::model::{Batch, Change, PersonWish, Question, QuestionId};
use crate::ui::actions::presence_name;
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::conversation::PageInput;
use crate::ui::conversation::desk::{Draft, Edit};
use crate::ui::conversation::rows;
use crate::ui::dialogs::safety_number::Numbers;
use crate::ui::dialogs::{file_rule, rates};
use crate::ui::header::Header;
use crate::ui::notify::decide::calls_for_attention;
use crate::ui::seek::Target;
use crate::ui::settings::Flag;
use crate::ui::sidebar::SidebarInput;
use crate::ui::sidebar::person_row::PersonRow;
use crate::ui::sign_in::{SignInInput, stop_page};
use crate::ui::single;
use crate::ui::{text, words};

impl App {
    /// A batch of events came.
    pub(in crate::ui) fn happened(&mut self, events: Vec<Event>, missed: bool) {
        let mut reload = missed;
        let mut batch = Batch::default();
        for event in events {
            self.hear(&event);
            match &event {
                Event::MessageDeleted { conversation, message: id, from: author } => {
                    let message = MessageKey { id: *id, author: author.clone() };
                    batch.rewrite(&message, None);
                    self.rewritten(conversation, &message, None);
                }
                Event::MessageEdited { conversation, message: id, from: author, text } => {
                    let message = MessageKey { id: *id, author: author.clone() };
                    batch.rewrite(&message, Some(text));
                    self.rewritten(conversation, &message, Some(text));
                }
                _ => {}
            }
            if matches!(event, Event::Ready { .. }) {
                single::listen(&self.profile, &self.sender);
            }
            reload |= matches!(&event, Event::Ready { signed_in: true, .. } | Event::SignedIn { .. });
            for change in self.model.apply(event) {
                batch.add(change);
            }
        }
        for tab in self.tabs.iter().filter(|tab| tab.at_end) {
            let came = batch.came(&tab.conversation);
            if let Some(trimmed) = self.model.trim(&tab.conversation, came) {
                batch.add(trimmed);
            }
        }
        for change in batch.finish() {
            self.draw(change);
        }
        self.catch_up();
        if reload {
            for request in self.model.reload() {
                self.bridge.send(request);
            }
        }
        self.look();
    }

    /// Draws one change.
    pub(in crate::ui) fn draw(&mut self, change: Change) {
        match change {
            Change::Page => self.show_page(),
            Change::Own => self.show_own(),
            Change::Server => self.show_server(),
            Change::Roster => self.lists_changed.0 = true,
            Change::Rooms => self.lists_changed.1 = true,
            Change::Person(user) => {
                self.answered_questions();
                self.show_person(&user);
            }
            Change::Names => self.show_names(),
            Change::Avatar(user) => self.show_avatar(&user),
            Change::Room(room) => self.show_room(&room),
            Change::Devices => self.show_devices(),
            Change::Receipts => self.show_preferences(),
            Change::Transfers => self.transfers.show(&self.model),
            Change::Recount => {
                if let Some(request) = self.model.recount() {
                    self.bridge.send(request);
                }
            }
            Change::Requests => {
                self.answered_questions();
                self.sidebar.emit(SidebarInput::Requests(self.model.roster.requests().to_vec()));
            }
            Change::Spliced { conversation, at, removed, added } => self.splice(&conversation, at, removed, added),
            Change::Line { conversation, at } => self.redraw(&conversation, at.saturating_sub(1)..at + 2),
            Change::Unread(conversation) => self.show_unread(&conversation),
            Change::Arrived { info, newest } => self.arrived(&info, newest),
            Change::Offered(transfer) => self.offered(transfer),
            Change::Typing(conversation) => self.show_typing(&conversation),
            Change::Done { id, question, answer } => self.done(id, &question, &answer),
            Change::Failed { id, question, code, text } => self.refused(id, question, &code, &text),
            Change::Notice(text) => self.toast(&text),
        }
    }

    /// Shows the page that the state of the account asks for.
    pub(in crate::ui) fn show_page(&mut self) {
        let inside = self.model.connection.page() == Page::Main;
        if !inside || !self.pages.shows("main") {
            // What is hidden must not keep the keyboard; where nothing is hidden, whoever writes goes on writing.
            GtkWindowExt::set_focus(&self.window, None::<&gtk::Widget>);
        }
        if !inside {
            self.close_questions();
        }
        self.show_own_windows(inside);
        self.content.set_in_view(inside);
        match self.model.connection.page() {
            Page::Starting => self.pages.show("starting"),
            Page::Enter => {
                let connection = &self.model.connection;
                self.entrance().emit(SignInInput::Shown {
                    entry: connection.entry(),
                    server: connection.server.clone(),
                    notice: connection.notice(),
                });
                self.pages.show("enter");
            }
            Page::Stopped(text) => {
                let input = self.sender.clone();
                self.show_extra(&stop_page(&text, move || input.emit(AppMsg::AlarmRead)));
            }
            Page::Main => {
                self.entered();
                // What is not in view yet comes without being animated.
                self.restore_tabs();
                self.pages.show("main");
                self.show_listing();
                self.ask_invited();
            }
        }
        self.show_server();
        // Behind what the page itself asks for.
        self.sender.emit(AppMsg::Astray(None));
    }

    /// What was typed at the entrance is not needed any more.
    fn entered(&self) {
        if let Some(sign_in) = self.sign_in.get() {
            sign_in.emit(SignInInput::Entered);
        }
    }

    /// Shows a page that is made for this one time.
    pub(in crate::ui) fn show_extra(&self, page: &gtk::Widget) {
        self.pages.add("extra", page);
        self.pages.show("extra");
    }

    fn restore_tabs(&mut self) {
        if self.restored {
            return;
        }
        let kept = std::mem::take(&mut self.kept);
        let mut main = kept.tabs.clone();
        if !self.preferences.is(Flag::ReopenTabs) {
            main.tabs.retain(|tab| main.pinned.contains(tab));
        }
        self.reopen(&main, &self.content.tabs.clone(), &self.content.tab_bar.clone());
        for window in kept.windows.iter().filter(|_| self.preferences.is(Flag::ReopenTabs)).cloned().collect::<Vec<_>>()
        {
            self.reopen_window(&window);
        }
        self.restored = true;
        if let Some(tab) = self.front() {
            self.leaflet.set_visible_child(self.content.widget());
            tab.body.emit(PageInput::Focus);
        }
        self.look();
        if self.tabs.is_empty() {
            self.content.show_nobody();
        }
    }

    fn show_own(&self) {
        let connection = &self.model.connection;
        let name = connection.user.as_ref().map(ToString::to_string).unwrap_or_default();
        self.sidebar.emit(SidebarInput::Own(format!("{name} · {}", words::own_presence(connection.presence))));
        self.presence.set_state(&presence_name(connection.presence).to_variant());
    }

    fn show_server(&self) {
        let words = self.model.connection.banner();
        for content in self.contents() {
            content.banner.show(words);
        }
        self.narrow_banner.show(words);
        self.narrow_banner.widget().set_visible(words.is_some() && self.leaflet.is_folded());
    }

    /// Draws the friend list.
    pub(in crate::ui) fn show_people(&self) {
        let front = self.content.fronted.as_ref();
        let current = |user: &Handle| front.and_then(ConversationId::friend) == Some(user);
        let people = self.model.listed_people(&self.words, self.listing, front);
        let rows = people.into_iter().map(|person| {
            let conversation = ConversationId::Direct(person.user.clone());
            let level = self.model.notify_level(&conversation);
            PersonRow::new(person, text::name(&self.model, &person.user), current(&person.user), level)
                .with(self.aside(&conversation))
        });
        let rows = rows.collect();
        self.sidebar.emit(SidebarInput::People { rows, friends: self.model.roster.len() });
    }

    /// Draws what a conversation's tab and the header say about who is in it.
    pub(in crate::ui) fn show_header(&self, conversation: &ConversationId) {
        match conversation {
            ConversationId::Direct(user) => self.show_person(user),
            ConversationId::Room(room) => self.show_room(room),
        }
    }

    fn show_person(&self, user: &Handle) {
        let conversation = ConversationId::Direct(user.clone());
        let Some(tab) = self.tab(&conversation) else { return };
        let person = self.model.roster.get(user);
        let name = text::name(&self.model, user);
        if tab.page.title() != name {
            tab.page.set_title(&name);
            self.name_buttons(&tab.page);
            // The tooltip takes markup, and says who it really is.
            tab.page.set_tooltip(&glib::markup_escape_text(&format!("{name} (@{user})")));
        }
        let closed = match person {
            Some(person) if person.alarm.is_some() => Some(format!("Decide about the new key of {user} first")),
            Some(_) => None,
            // Before the list of friends has come nobody is one yet.
            None if self.model.roster.is_empty() => Some(String::new()),
            None => Some(format!("{user} is not your friend")),
        };
        tab.body.emit(PageInput::Named(name.clone()));
        tab.body.emit(PageInput::Alarm(person.and_then(|person| person.alarm.clone())));
        tab.body.emit(PageInput::Closed(closed));
        for content in self.showing(&conversation) {
            let level = self.model.notify_level(&conversation);
            content.show(&Header::person(user, &name, person, level));
        }
    }

    /// What is told as “5 minutes ago” is a minute older.
    pub(in crate::ui) fn minute_over(&mut self) {
        self.lists_changed.0 = true;
        let fronts: Vec<ConversationId> = self.contents().filter_map(|content| content.fronted.clone()).collect();
        for conversation in fronts.iter().filter(|front| front.friend().is_some()) {
            self.show_header(conversation);
        }
        self.look();
    }

    fn splice(&mut self, conversation: &ConversationId, at: usize, removed: usize, added: usize) {
        let Some(tab) = self.tab(conversation) else { return };
        let rows = (at..at + added).filter_map(|at| rows::row(&self.model, conversation, at)).collect();
        tab.body.emit(PageInput::Splice { at, removed, rows });
        let open = self.model.conversation(conversation);
        let nothing = open.is_some_and(|open| open.lines().is_empty() && open.past() == Past::Complete);
        tab.body.emit(PageInput::Empty(nothing));
        tab.body.emit(PageInput::Live(open.is_none_or(Conversation::is_live)));
        // The neighbours may be first or last of their group no longer, and cards above a message count as said before it.
        let with_cards = open.filter(|open| open.message_above(at + added) >= Some(at));
        let above = with_cards.map(|open| open.message_above(at).unwrap_or(0));
        self.redraw(conversation, above.unwrap_or(at.saturating_sub(1))..at);
        self.redraw(conversation, at + added..at + added + 1);
    }

    pub(in crate::ui) fn redraw(&self, conversation: &ConversationId, lines: std::ops::Range<usize>) {
        let Some(tab) = self.tab(conversation) else { return };
        for at in lines {
            if let Some(row) = rows::row(&self.model, conversation, at) {
                tab.body.emit(PageInput::Set(at, Box::new(row)));
            }
        }
    }

    pub(in crate::ui) fn show_unread(&self, conversation: &ConversationId) {
        let unread = self.model.unread(conversation);
        if let Some(tab) = self.tab(conversation) {
            let calls = calls_for_attention(self.model.notify_level(conversation), self.model.calls(conversation) > 0);
            self.mark(tab, unread > 0 && calls && !self.is_watched(tab));
            tab.body.emit(PageInput::Unread(unread));
            let open = self.model.conversation(conversation);
            tab.body.emit(PageInput::Live(open.is_none_or(Conversation::is_live)));
        }
        self.notifier.change(|board| board.unread(conversation, unread));
    }

    fn done(&mut self, id: QuestionId, question: &Question, answer: &Answer) {
        self.answer_form(id, None);
        match (question, answer) {
            (Question::Enter, _) => {
                self.entered();
                if let Some(room) = self.entering.take() {
                    self.join(room);
                }
            }
            (Question::Send { conversation, .. } | Question::SendFile { conversation, .. }, _) => {
                if let Answer::Transfer { left_out: left_out @ 1.., .. } = answer {
                    self.toast(&words::left_out(*left_out));
                }
                // What was just sent from here is shown, wherever the reader was.
                self.seek(conversation, Target::End);
            }
            (Question::History(conversation), _) => self.page_came(conversation, id, answer),
            (Question::Quote { conversation, message }, _) => self.quoted(conversation, message, answer),
            (Question::Days { conversation, starts }, Answer::Days { days }) => {
                if let Some((_, calendar)) = self.jumping.as_ref().filter(|(of, _)| of == conversation) {
                    calendar.mark(starts, days);
                }
            }
            (Question::Export(_), Answer::Exported { exported, path }) => self.exported(*exported, path.clone()),
            (Question::Erase { conversation, .. }, Answer::Erased { kept, .. }) => self.erased(conversation, *kept),
            (Question::Search { text, further }, _) => self.found(id, text, *further, answer),
            (Question::JoinRoom(room), _) => self.joined(room),
            (Question::RoomPassword(room, true), _) => self.toast(&format!("Who joins {room} needs the password now.")),
            (Question::RoomPassword(room, false), _) => self.toast(&format!("{room} takes no password any more.")),
            (Question::RemoveMember(room, user), _) => self.toast(&format!("{user} is removed from {room}.")),
            (Question::SetReceipts(true), _) => {
                for request in self.model.read_states() {
                    self.bridge.send(request);
                }
            }
            (Question::RemoveDevice(_), _) => self.device_removed(),
            (Question::ChangePassword, _) => self.toast("Your password is changed."),
            (Question::AddFriend(_), _) => self.toast("Request sent. You are friends once it is accepted."),
            (Question::FileRule(user), Answer::FileRule(rule)) => {
                let (input, user) = (self.sender.clone(), user.clone());
                file_rule::ask(&self.at(), &user.clone(), *rule, move |rule| {
                    input.emit(AppMsg::Answer(DialogAnswer::FileRule(user.clone(), rule)));
                });
            }
            (Question::Rates, Answer::Rates(now)) => {
                let input = self.sender.clone();
                rates::ask(&self.front_window(), *now, move |rates| {
                    input.emit(AppMsg::Answer(DialogAnswer::Rates(rates)));
                });
            }
            (Question::SafetyNumber(user), Answer::SafetyNumber { safety_number, code, verified }) => {
                self.compare(user, &Numbers { digits: safety_number, code, verified: *verified });
            }
            (Question::Invite, Answer::Invite { invite }) => self.show_invite(invite),
            (Question::SetNotify(conversation, _), _) => self.show_unread(conversation),
            // With the lists comes of which conversations nothing is told.
            (Question::Friends | Question::Rooms, _) => {
                for tab in &self.tabs {
                    self.show_unread(&tab.conversation);
                }
            }
            (Question::SetLastSeen(on), _) => self.toast(words::last_seen_set(*on)),
            (Question::CheckCode(user), _) => self.toast(&format!("Equal: {user} is verified.")),
            (Question::Person(PersonWish::Verify, user), _) => self.toast(&format!("{user} is verified.")),
            (Question::Person(PersonWish::Block, user), _) => self.toast(&format!("{user} is blocked.")),
            _ => {}
        }
    }

    fn refused(&mut self, id: QuestionId, question: Question, code: &str, text: &str) {
        if self.answer_form(id, Some(text)) {
            return;
        }
        // What was chosen there is not so.
        self.show_preferences();
        match question {
            Question::Enter | Question::SetServer => self.entrance().emit(SignInInput::Refused(text.to_owned())),
            Question::JoinRoom(room) => self.not_joined(&room, text),
            Question::Search { .. } => self.search_refused(id, text),
            Question::Send { conversation, text: unsent, reply_to } => {
                self.unsent(&conversation, unsent, reply_to);
                self.toast(text);
            }
            Question::Edit { conversation, message, text: unsaved } => {
                self.unedited(&conversation, Edit { message, text: unsaved }, code);
                self.toast(text);
            }
            Question::Erase { conversation, draft } => {
                self.put_back(&conversation, Draft { text: draft, reply: None });
                self.toast(text);
            }
            Question::History(conversation) => self.page_refused(&conversation, id, text),
            // Asked for by the program itself; the lists come again after signing in.
            Question::Friends
            | Question::Rooms
            | Question::Conversations
            | Question::Transfers
            | Question::Days { .. }
            | Question::Receipts
            | Question::States(_)
            | Question::Quote { .. }
            | Question::Avatars
            | Question::LastSeen => {
                tracing::warn!(code, "a list did not come");
            }
            Question::SignOut
            | Question::Export(_)
            | Question::Act
            | Question::SendFile { .. }
            | Question::AddFriend(_)
            | Question::Person(..)
            | Question::SafetyNumber(_)
            | Question::CheckCode(_)
            | Question::Invite
            | Question::Words(_)
            | Question::SetNotify(..)
            | Question::SetLastSeen(_)
            | Question::FileRule(_)
            | Question::SetFileRule(_)
            | Question::Rates
            | Question::SetRates
            | Question::SetReceipts(_)
            | Question::SetDownloads(_)
            | Question::SetAvatar
            | Question::Presence(..)
            | Question::File(..)
            | Question::LeaveRoom(_)
            | Question::RemoveMember(..)
            | Question::RoomPassword(..)
            | Question::Devices
            | Question::RemoveDevice(_)
            | Question::ChangePassword => self.toast(text),
        }
    }
}
