//! What is done with messages that are there: answered, changed, taken back, reacted to, copied.

use gtk::prelude::*;
use hobnob_shared::id::{ConversationId, MessageId};
use relm4::gtk;

use crate::core::command::Command;
use crate::core::message_key::MessageKey;
use crate::model::Question;
use crate::model::line::{Fate, Message};
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::conversation::PageInput;
use crate::ui::conversation::desk::{Answered, Draft, Edit, Unsent};
use crate::ui::conversation::menu::Deed;
use crate::ui::conversation::row::RowOutput;
use crate::ui::conversation::rows::first_line;
use crate::ui::dialogs::{confirm, open_link};
use crate::ui::links;
use crate::ui::seek::Target;
use crate::ui::text;

impl App {
    /// From a line of a timeline.
    pub(in crate::ui) fn line_said(&mut self, conversation: &ConversationId, output: RowOutput) {
        match output {
            RowOutput::Unfold(message) => {
                let changes = self.model.unfold(conversation, &message);
                for change in changes {
                    self.draw(change);
                }
                // Of a text that was longer than the window the reader would find no more.
                if self.message(conversation, &message).is_some_and(|folded| !folded.expanded) {
                    self.line_said(conversation, RowOutput::Go(message.into()));
                }
            }
            RowOutput::Link(address) => {
                if let Some(target) = links::Target::of(&address) {
                    open_link::ask(&self.at(), &target);
                }
            }
            RowOutput::Card(output, transfer) => self.card(output, transfer),
            RowOutput::Go(message) => {
                self.seek(conversation, Target::Message(message));
            }
            RowOutput::React { message, emoji, on } => self.react(conversation, message, emoji, on),
            RowOutput::Deed(Deed::Reply, message) => self.reply(conversation, &message),
            RowOutput::Deed(Deed::Edit, message) => self.edit(conversation, &message),
            RowOutput::Deed(Deed::Delete, message) => self.ask_delete(message.id),
            RowOutput::Deed(Deed::Unfold, message) => self.line_said(conversation, RowOutput::Unfold(message)),
            RowOutput::Deed(Deed::Answered, message) => {
                let answered = self.message(conversation, &message).and_then(|found| found.info.reply_to);
                if let Some(answered) = answered {
                    self.line_said(conversation, RowOutput::Go(answered.into()));
                }
            }
            RowOutput::Deed(Deed::Copy, message) => {
                if let Some(found) = self.message(conversation, &message) {
                    self.window.clipboard().set_text(&found.info.text);
                }
            }
        }
    }

    fn message(&self, conversation: &ConversationId, message: &MessageKey) -> Option<&Message> {
        self.model.conversation(conversation)?.find(message).filter(|found| found.fate != Fate::Deleted)
    }

    /// The composer answers this message from now on.
    fn reply(&self, conversation: &ConversationId, message: &MessageKey) {
        if let (Some(tab), Some(found)) = (self.tab(conversation), self.message(conversation, message)) {
            tab.body.emit(PageInput::Reply(self.answered_message(found)));
        }
    }

    fn answered_message(&self, found: &Message) -> Answered {
        let author = if found.own { "yourself".to_owned() } else { text::name(&self.model, &found.info.from) };
        let beginning = first_line(&found.info.text).to_owned();
        Answered { message: found.info.message, author: Some(author), beginning }
    }

    /// A new message was refused: it comes back with what it answers, whether that is here or not.
    pub(in crate::ui) fn unsent(&mut self, conversation: &ConversationId, text: String, reply_to: Option<MessageId>) {
        let known =
            |message| self.model.conversation(conversation)?.only(message).filter(|known| known.fate != Fate::Deleted);
        let reply = reply_to.map(|message| match known(message) {
            Some(known) => self.answered_message(known),
            None => Answered { message, author: None, beginning: "An earlier message".to_owned() },
        });
        self.put_back(conversation, Draft { text, reply });
    }

    /// An edit was refused, for this reason. It comes back as one: as a new message it would be sent as a second one.
    pub(in crate::ui) fn unedited(&mut self, conversation: &ConversationId, edit: Edit, code: &str) {
        let can_be = self.model.can_be_edited(conversation, edit.message, code);
        match self.tab(conversation).and_then(|tab| tab.body.sender()).filter(|_| can_be) {
            Some(page) => page.emit(PageInput::Restore(Unsent::Edit(edit))),
            None => self.put_back(conversation, Draft { text: edit.text, reply: None }),
        }
    }

    fn edit(&self, conversation: &ConversationId, message: &MessageKey) {
        if let (Some(tab), Some(found)) = (self.tab(conversation), self.message(conversation, message)) {
            tab.body.emit(PageInput::Edit(Edit { message: message.id, text: found.info.text.clone() }));
        }
    }

    /// The last message that was written here by oneself.
    pub(in crate::ui) fn edit_last(&self, conversation: &ConversationId) {
        let last = self.model.conversation(conversation).filter(|open| open.is_live()).and_then(|open| {
            let mut messages = open.lines().iter().rev().filter_map(|line| line.message());
            messages.find(|message| message.own && message.fate != Fate::Deleted)
        });
        if let Some(message) = last.map(|last| last.info.key()) {
            self.edit(conversation, &message);
        }
    }

    /// A text was changed in the composer.
    pub(in crate::ui) fn edited(&mut self, conversation: ConversationId, Edit { message, text }: Edit) {
        let command = Command::Edit { message, text: text.clone() };
        self.ask(Question::Edit { conversation, message, text }, command);
    }

    fn react(&mut self, conversation: &ConversationId, message: MessageKey, emoji: String, on: Option<bool>) {
        let Some(found) = self.message(conversation, &message) else { return };
        let me = self.model.connection.user.as_ref();
        let is_mine =
            || found.reactions.iter().any(|(known, people)| *known == emoji && people.iter().any(|by| Some(by) == me));
        let on = on.unwrap_or_else(|| !is_mine());
        let MessageKey { id, author } = message;
        self.ask(Question::Act, Command::React { message: id, emoji, on, author: Some(author) });
    }

    fn ask_delete(&self, message: MessageId) {
        let input = self.sender.clone();
        let question = confirm::Question {
            heading: "Delete for Everyone?",
            body: "The message goes from this conversation on all computers. Who has read or copied it may still have it.",
            action: "Delete",
        };
        confirm::ask(&self.at(), &question, move || input.emit(AppMsg::Answer(DialogAnswer::Delete(message))));
    }
}
