//! People, for the root: their details, how they are added, compared and muted, and in which order the sidebar shows them.

use gtk::prelude::*;
use gtk::{gio, glib};
use hobnob_shared::id::{ConversationId, Handle};
use relm4::{ComponentController, Sender, adw, gtk};

use crate::core::command::Command;
use crate::core::event::Notify;
use crate::model::connection::Page;
use crate::model::listing::{Only, Order};
use crate::model::{Pending, PersonWish, Question};
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::dialogs::safety_number::Numbers;
use crate::ui::dialogs::{add_friend, details, invite, safety_number};
use crate::ui::sidebar::SidebarInput;
use crate::ui::text;
use crate::ui::widgets::context_menu::add;
use crate::ui::widgets::dialog::Dialog;
use crate::ui::widgets::spoken::name_library_buttons;

/// What the menu beside the search of the sidebar asks for, or the menus of persons and rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeopleAction {
    /// Show friends and rooms in this order.
    Order(Order),
    /// Show only these.
    Only(Only),
    /// Tell so much of a conversation: the level, a space, the conversation.
    Notify(String),
    /// Show one's own invite.
    Invite,
    /// Tell friends when one was last seen, or not any more.
    LastSeen(bool),
}

const ORDERS: [(&str, &str, Order); 3] = [
    ("Online First", "online", Order::Online),
    ("Recent First", "recent", Order::Recent),
    ("By Name", "name", Order::Name),
];
const SHOWN: [(&str, &str, Only); 3] = [
    ("Show All", "all", Only::All),
    ("Show Unread Only", "unread", Only::Unread),
    ("Show Online Only", "online", Only::Online),
];
const LEVELS: [(&str, &str, Notify); 3] = [
    ("Notify of Everything", "all", Notify::All),
    ("Notify of Mentions Only", "mentions", Notify::Mentions),
    ("Mute", "none", Notify::None),
];

const COPIED: &str = "The invite link is copied.";

/// The menu beside the search.
pub fn listing_menu() -> gio::Menu {
    let (order, shown) = (gio::Menu::new(), gio::Menu::new());
    for (words, name, _) in ORDERS {
        order.append(Some(words), Some(&format!("win.sort::{name}")));
    }
    for (words, name, _) in SHOWN {
        shown.append(Some(words), Some(&format!("win.show::{name}")));
    }
    let menu = gio::Menu::new();
    menu.append_section(None, &order);
    menu.append_section(None, &shown);
    menu
}

/// What can be changed about how much of a conversation is told: where nobody is mentioned, all or nothing.
pub fn add_levels(section: &gio::Menu, conversation: &ConversationId, now: Notify) {
    let is_direct = conversation.friend().is_some();
    for (words, name, level) in LEVELS {
        if level != now && !(is_direct && level == Notify::Mentions) {
            let words = if is_direct && level == Notify::All { "Unmute" } else { words };
            add(section, words, "win.notify", &format!("{name} {conversation}"));
        }
    }
}

/// Installs the actions behind them.
pub fn install(window: &adw::ApplicationWindow, input: &Sender<AppMsg>) {
    let choice = |name: &str, first: &str, meant: fn(&str) -> Option<PeopleAction>| {
        let action = gio::SimpleAction::new_stateful(name, Some(glib::VariantTy::STRING), &first.to_variant());
        let input = input.clone();
        action.connect_activate(move |_, chosen| {
            if let Some(wish) = chosen.and_then(glib::Variant::str).and_then(meant) {
                input.emit(AppMsg::People(wish));
            }
        });
        window.add_action(&action);
    };
    choice("sort", "online", |name| {
        ORDERS.iter().find(|(_, known, _)| *known == name).map(|(_, _, order)| PeopleAction::Order(*order))
    });
    choice("show", "all", |name| {
        SHOWN.iter().find(|(_, known, _)| *known == name).map(|(_, _, only)| PeopleAction::Only(*only))
    });
    let notify = gio::SimpleAction::new("notify", Some(glib::VariantTy::STRING));
    let told = input.clone();
    notify.connect_activate(move |_, wish| {
        let wish = wish.and_then(glib::Variant::str).unwrap_or_default().to_owned();
        told.emit(AppMsg::People(PeopleAction::Notify(wish)));
    });
    window.add_action(&notify);
    let invite = gio::SimpleAction::new("invite", None);
    let shown = input.clone();
    invite.connect_activate(move |_, _| shown.emit(AppMsg::People(PeopleAction::Invite)));
    window.add_action(&invite);
}

fn set_state(window: &adw::ApplicationWindow, name: &str, state: &glib::Variant) {
    if let Some(action) = window.lookup_action(name).and_downcast::<gio::SimpleAction>() {
        action.set_state(state);
    }
}

impl App {
    /// From the menus.
    pub(in crate::ui) fn people_wish(&mut self, wish: PeopleAction) {
        match wish {
            PeopleAction::Order(order) => {
                self.listing.order = order;
                self.show_listing();
                self.keep();
            }
            PeopleAction::Only(only) => {
                self.listing.only = only;
                self.show_listing();
            }
            PeopleAction::Notify(wish) => {
                let Some((name, id)) = wish.split_once(' ') else { return };
                let level = LEVELS.iter().find(|(_, known, _)| *known == name).map(|(_, _, level)| *level);
                if let (Some(notify), Ok(conversation)) = (level, id.parse::<ConversationId>()) {
                    let question = Question::SetNotify(conversation.clone(), notify);
                    self.ask(question, Command::SetNotify { conversation, notify });
                }
            }
            PeopleAction::Invite => self.ask(Question::Invite, Command::Invite),
            PeopleAction::LastSeen(on) => self.ask(Question::SetLastSeen(on), Command::SetLastSeen { on }),
        }
    }

    /// Draws the sidebar as it was chosen.
    pub(in crate::ui) fn show_listing(&self) {
        let name = |names: &[(&str, &'static str, Order)]| {
            names.iter().find(|(_, _, order)| *order == self.listing.order).map_or("online", |(_, name, _)| name)
        };
        set_state(&self.window, "sort", &name(&ORDERS).to_variant());
        let shown = SHOWN.iter().find(|(_, _, only)| *only == self.listing.only).map_or("all", |(_, name, _)| name);
        set_state(&self.window, "show", &shown.to_variant());
        self.sidebar.emit(SidebarInput::Only(self.listing.only));
        self.show_people();
        self.show_rooms();
    }

    /// Asks whom to add; an invite that was clicked is filled in, and nobody is added without a word of the person.
    pub(in crate::ui) fn ask_friend(&self, given: &str) -> Dialog {
        let (added, own) = (self.sender.clone(), self.sender.clone());
        add_friend::ask(
            &self.at(),
            given,
            self.model.connection.server.clone(),
            move |user| added.emit(AppMsg::Answer(DialogAnswer::AddFriend(user))),
            move || own.emit(AppMsg::People(PeopleAction::Invite)),
        )
    }

    /// An invite was clicked somewhere, or given at the start: asked about once somebody is signed in.
    pub(in crate::ui) fn invited(&mut self, invite: String) {
        self.show_window(None);
        self.invited = Some(invite);
        self.ask_invited();
    }

    /// Asks about an invite that waits, where that is possible now.
    pub(in crate::ui) fn ask_invited(&mut self) {
        if self.model.connection.page() == Page::Main
            && let Some(invite) = self.invited.take()
        {
            // A link that is clicked twice is asked about once.
            if let Some(before) = self.inviting.take() {
                before.close();
            }
            self.inviting = Some(self.ask_friend(&invite));
        }
    }

    /// Shows one's own invite.
    pub(in crate::ui) fn show_invite(&self, link: &str) {
        let (announcer, toasts) =
            self.in_use().map_or((&self.content.announcer, &self.toasts), |own| (&own.content.announcer, &own.toasts));
        let (announcer, toasts) = (announcer.clone(), toasts.clone());
        invite::show(&self.at(), link, move || {
            announcer.say(COPIED);
            toasts.add_toast(adw::Toast::new(COPIED));
            name_library_buttons(&toasts);
        });
    }

    /// Shows a person's details.
    pub(in crate::ui) fn show_details(&self, user: &Handle) {
        let Some(person) = self.model.roster.get(user) else { return };
        let (set, compare) = (self.sender.clone(), self.sender.clone());
        details::show(
            &self.at(),
            person,
            move |user, nickname, note| {
                set.emit(AppMsg::Answer(DialogAnswer::Details(user.clone(), nickname, note)));
            },
            move |user| compare.emit(AppMsg::Answer(DialogAnswer::Compare(user.clone()))),
        );
    }

    /// Keeps what changed of a nickname and a note.
    pub(in crate::ui) fn set_details(&mut self, user: &Handle, nickname: String, note: String) {
        let Some(person) = self.model.roster.get(user) else { return };
        let (new_name, new_note) = (person.nickname != nickname, person.note != note);
        if new_name {
            let command = Command::SetNickname { user: user.clone(), nickname };
            self.ask(Question::Words(user.clone()), command);
        }
        if new_note {
            self.ask(Question::Words(user.clone()), Command::SetNote { user: user.clone(), note });
        }
    }

    /// Asks for what is to be compared with a friend.
    pub(in crate::ui) fn ask_safety_number(&mut self, user: Handle) {
        self.ask(Question::SafetyNumber(user.clone()), Command::SafetyNumber { user });
    }

    /// Shows digits and picture, and waits for what the friend shows.
    pub(in crate::ui) fn compare(&mut self, user: &Handle, numbers: &Numbers<'_>) {
        let (verified, checked) = (self.sender.clone(), self.sender.clone());
        let (who, whose) = (user.clone(), user.clone());
        let name = text::name(&self.model, user);
        let dialog = safety_number::show(
            &self.at(),
            (user, &name),
            numbers,
            move || verified.emit(AppMsg::Answer(DialogAnswer::Person(PersonWish::Verify, who.clone()))),
            move |code| checked.emit(AppMsg::Answer(DialogAnswer::Code(whose.clone(), code))),
        );
        self.form = Some((Pending::default(), dialog));
    }

    /// Compares what a friend's picture says; the dialog waits for the answer.
    pub(in crate::ui) fn check_code(&mut self, user: Handle, code: String) {
        self.ask_in_form(Question::CheckCode(user.clone()), Command::Verify { user, code: Some(code) });
    }
}
