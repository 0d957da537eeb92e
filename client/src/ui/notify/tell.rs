//! What happened to whom, for the root: told to who listens in the tab, marked on it, and on the desktop where that is wanted.

use gtk::glib;
use gtk::prelude::*;
use hobnob_shared::id::{ConversationId, TransferId};
use hobnob_shared::message::OwnPresence;
use relm4::gtk;

use crate::core::event::{Event, MessageInfo};
use crate::core::message_key::MessageKey;
use crate::model::connection::Page;
use crate::ui::app::App;
use crate::ui::notify::board::{Item, Place, Tag};
use crate::ui::notify::decide::{Circumstances, News, Verdict, calls_for_attention, decide};
use crate::ui::seek::Target;
use crate::ui::tabs::view_of;
use crate::ui::words;

impl App {
    /// An event came that the model does not know yet: what a card says may be true no more, or somebody needs an answer.
    pub(in crate::ui) fn hear(&mut self, event: &Event) {
        match event {
            Event::MessageDeleted { conversation, from, message } => {
                self.unsay(conversation, &MessageKey { id: *message, author: from.clone() }, None);
            }
            Event::MessageEdited { conversation, from, message, text } => {
                self.unsay(conversation, &MessageKey { id: *message, author: from.clone() }, Some(text));
            }
            // Those that wait come again at each start and each time the server is there again.
            Event::FriendRequest { user } if !self.model.roster.requests().contains(user) => {
                let what = "wants to be friends with you".to_owned();
                self.question(
                    &Tag::Request(user.clone()),
                    Item { from: user.to_string(), what, mentioned: false, message: None },
                );
            }
            Event::Alarm { code, user: Some(user), .. } if code == "key_changed" => {
                let known = self.model.roster.get(user);
                if known.is_some_and(|person| person.alarm.is_none()) {
                    let what = format!("The key of {user} changed. Nothing is sent until you decide.");
                    self.question(
                        &Tag::Alarm(user.clone()),
                        Item { from: user.to_string(), what, mentioned: false, message: None },
                    );
                }
            }
            _ => {}
        }
    }

    /// What was told of a message is true no more: it has another text, or, with none, was taken back.
    fn unsay(&self, conversation: &ConversationId, message: &MessageKey, text: Option<&str>) {
        self.contents().for_each(|content| content.announcer.take_back(message));
        let text = text.map(|text| (text, self.model.calls_me(conversation, &message.author, text)));
        self.notifier.change(|board| board.rewrite(conversation, message, text));
    }

    /// The window got or lost the focus. Who looks at it sees who asks to be friends.
    pub(in crate::ui) fn looked(&mut self) {
        if self.window.is_active() || self.in_use().is_some_and(|own| own.window.is_active()) {
            self.notifier.change(|board| board.withdraw_where(|tag| matches!(tag, Tag::Request(_))));
        }
        self.look();
    }

    /// Takes back the cards of questions that are answered.
    pub(in crate::ui) fn answered_questions(&self) {
        let roster = &self.model.roster;
        self.notifier.change(|board| {
            board.withdraw_where(|tag| match tag {
                Tag::Request(user) => !roster.requests().contains(user),
                Tag::Alarm(user) => roster.get(user).is_none_or(|person| person.alarm.is_none()),
                Tag::Conversation(_) | Tag::Background => false,
            });
        });
    }

    fn question(&self, tag: &Tag, item: Item) {
        let now = self.circumstances(self.window.is_active());
        if let Verdict::Tell { sound } = decide(News::Question, &now) {
            self.notifier.add(tag, item, sound);
        }
    }

    /// A message came; `newest` unless others came to the same conversation together with it, and later.
    pub(in crate::ui) fn arrived(&mut self, info: &MessageInfo, newest: bool) {
        let mentioned = self.model.is_called_by(info);
        let from = self.model.name_of_person(&info.from);
        let item = Item { from, mentioned, what: info.text.clone(), message: Some(info.key()) };
        self.tell_of(&info.conversation, item, newest);
    }

    /// A file is offered.
    pub(in crate::ui) fn offered(&mut self, transfer: TransferId) {
        let Some(transfer) = self.model.transfers.get(transfer) else { return };
        let what = format!("offers {} ({})", transfer.info.name, words::size(transfer.info.size));
        let item = Item { from: self.model.name_of_person(&transfer.info.from), what, mentioned: false, message: None };
        self.tell_of(&transfer.info.conversation.clone(), item, true);
    }

    /// Says to who listens or looks elsewhere that something came.
    fn tell_of(&self, conversation: &ConversationId, item: Item, newest: bool) {
        let mentioned = item.mentioned;
        let tab = self.tab(conversation);
        if newest {
            let content =
                tab.and_then(|tab| self.own_of(&view_of(&tab.page)?)).map_or(&self.content, |own| &own.content);
            let place = if conversation.friend().is_none() { format!(" in {conversation}") } else { String::new() };
            content.announcer.say_of(item.message.clone(), &format!("{}{place}: {}", item.who(), item.what));
        }
        let watched = tab.is_some_and(|tab| self.is_watched(tab));
        let level = self.model.notify_level(conversation);
        if let Some(tab) = tab.filter(|_| !watched && calls_for_attention(level, mentioned)) {
            self.mark(tab, true);
        }
        let in_room = conversation.friend().is_none();
        let news = News::Said { in_room, mentioned, level };
        if let Verdict::Tell { sound } = decide(news, &self.circumstances(watched)) {
            self.notifier.add(&Tag::Conversation(conversation.clone()), item, sound);
        }
    }

    fn circumstances(&self, watched: bool) -> Circumstances {
        let now = glib::DateTime::now_local();
        Circumstances {
            preferences: self.preferences.now(),
            minute: now.map_or(0, |now| now.hour() * 60 + now.minute()),
            busy: self.model.connection.presence == OwnPresence::Busy,
            watched,
        }
    }

    /// A notification was clicked, or the program started once more: to the front, and where that leads.
    pub(in crate::ui) fn come(&mut self, place: Place, token: Option<&str>) {
        let target = match place {
            Place::Conversation(conversation, message) if self.model.connection.page() == Page::Main => {
                Some((conversation, message))
            }
            // While nobody is signed in no conversation is shown to whoever sits there.
            Place::Conversation(..) | Place::Window => None,
        };
        let view = target.as_ref().and_then(|(conversation, _)| view_of(&self.tab(conversation)?.page));
        match (view.and_then(|view| self.own_of(&view)), token) {
            (Some(own), Some(token)) => own.window.set_startup_id(token),
            (Some(_), None) => {}
            (None, token) => self.show_window(token),
        }
        if let Some((conversation, message)) = target {
            self.come_to(&conversation, message);
        }
    }

    fn come_to(&mut self, conversation: &ConversationId, message: Option<MessageKey>) {
        self.open_and_read(conversation);
        if let Some(message) = message {
            self.open_at(conversation, Target::Message(message.into()));
        }
    }
}
