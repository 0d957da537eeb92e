//! What stands beside the messages of a conversation, for the root: who writes, and what was written and not sent. Shown in the tab, on the
//! tab, and in the sidebar's line in the place of its usual words.

use std::time::Duration;

use gtk::{gio, glib};
use hobnob_shared::id::{ConversationId, Handle};
use relm4::gtk;

use crate::core::command::{Command, Part};
use crate::model::Question;
use crate::ui::app::{App, AppMsg};
use crate::ui::conversation::PageInput;
use crate::ui::conversation::desk::{Answered, Draft, Unsent};
use crate::ui::conversation::rows::first_line;
use crate::ui::sidebar::line::Aside;
use crate::ui::{text, words};

/// Drafts are written to the disk so long after a key.
const KEPT_AFTER: Duration = Duration::from_millis(700);

impl App {
    /// Something is written in a tab.
    pub(in crate::ui) fn drafted(&mut self, conversation: &ConversationId, Draft { text, reply }: Draft) {
        let reply = reply.filter(|_| !text.trim().is_empty()).map(|answered| answered.message);
        self.answering.set(conversation, reply);
        self.drafts.set(conversation, text);
        self.keep_drafts_soon();
    }

    fn keep_drafts_soon(&mut self) {
        if self.drafts.wants_saving() | self.answering.wants_saving() {
            let input = self.sender.clone();
            glib::timeout_add_local_once(KEPT_AFTER, move || input.emit(AppMsg::KeepDrafts));
        }
    }

    /// Writes drafts to the disk. That it cannot be done is told once, until it could.
    pub(in crate::ui) fn keep_drafts(&mut self) {
        if let Err(error) = self.answering.save(&self.profile) {
            tracing::warn!(%error, "what drafts answer was not kept");
        }
        let was_told = self.drafts.is_failing();
        if let Err(error) = self.drafts.save(&self.profile) {
            tracing::warn!(%error, "what was written and not sent was not kept");
            if !was_told {
                self.toast(words::DRAFT_NOT_KEPT);
            }
        }
    }

    /// Puts into a new tab what was written there before.
    pub(in crate::ui) fn restore_draft(&mut self, conversation: &ConversationId) {
        let (Some(tab), Some(text)) = (self.tab(conversation), self.drafts.get(conversation)) else { return };
        let message = self.answering.get(conversation).cloned();
        let draft = Draft { text: text.to_owned(), reply: message.clone().map(Answered::unknown) };
        tab.body.emit(PageInput::Restore(Unsent::New(draft)));
        if let Some(message) = message {
            // What it says now, and whether it is still there, stands on the disk.
            let (conversation, part) = (conversation.clone(), Part::Around(message.clone()));
            let command = Command::read(conversation.clone(), 1, part);
            self.ask(Question::Quote { conversation, message }, command);
        }
    }

    /// A message was not sent: it goes back to where it was written, also when its tab was closed since.
    pub(in crate::ui) fn put_back(&mut self, conversation: &ConversationId, draft: Draft) {
        if draft.text.trim().is_empty() {
            return;
        }
        match self.tab(conversation).and_then(|tab| tab.body.sender()) {
            Some(page) => page.emit(PageInput::Restore(Unsent::New(draft))),
            None if self.drafts.put_back(conversation, draft.text) => {
                if let Some(answered) = draft.reply {
                    self.answering.set(conversation, Some(answered.message));
                }
                self.keep_drafts_soon();
                self.lists_changed = (true, true);
            }
            None => tracing::warn!("a text that was not sent is too long for a draft"),
        }
    }

    /// Nothing is written there any more, neither in the composer nor on the disk. What it was.
    pub(in crate::ui) fn forget_draft(&mut self, conversation: &ConversationId) -> String {
        let draft = self.drafts.get(conversation).unwrap_or_default().to_owned();
        if let Some(tab) = self.tab(conversation) {
            tab.body.emit(PageInput::Clear);
        }
        self.drafts.set(conversation, String::new());
        self.answering.set(conversation, None);
        self.keep_drafts();
        self.lists_changed = (true, true);
        draft
    }

    /// What people are called.
    pub(in crate::ui) fn called(&self) -> impl Fn(&Handle) -> String {
        |user| text::name(&self.model, user)
    }

    /// People are called otherwise: on tabs and in headers, in lists and in timelines.
    pub(in crate::ui) fn show_names(&mut self) {
        let all: Vec<ConversationId> = self.tabs.iter().map(|tab| tab.conversation.clone()).collect();
        for conversation in all {
            self.show_header(&conversation);
            self.show_typing(&conversation);
            let lines = self.model.conversation(&conversation).map_or(0, |open| open.lines().len());
            self.redraw(&conversation, 0..lines);
        }
        self.lists_changed = (true, true);
    }

    /// Who writes there.
    pub(in crate::ui) fn show_typing(&mut self, conversation: &ConversationId) {
        match conversation {
            ConversationId::Direct(_) => self.lists_changed.0 = true,
            ConversationId::Room(_) => self.lists_changed.1 = true,
        }
        let Some(tab) = self.tab(conversation) else { return };
        let words = words::writing(self.model.writers(conversation), &self.called());
        let icon = (!words.is_empty()).then(|| gio::ThemedIcon::new("input-keyboard-symbolic"));
        tab.page.set_indicator_icon(icon.as_ref());
        tab.page.set_indicator_tooltip(&glib::markup_escape_text(&words));
        self.name_buttons(&tab.page);
        tab.body.emit(PageInput::Typing(words));
    }

    /// What a line of the sidebar says in the place of its usual words.
    pub(in crate::ui) fn aside(&self, conversation: &ConversationId) -> Option<Aside> {
        let writers = self.model.writers(conversation);
        if !writers.is_empty() {
            let alone = conversation.friend().is_some();
            let words = if alone { "Writing…".to_owned() } else { words::writing(writers, &self.called()) };
            return Some(Aside::Writing(words));
        }
        // In the conversation in front it stands before the eyes already.
        let draft = self.drafts.get(conversation).filter(|_| !self.is_fronted(conversation))?;
        Some(Aside::Draft(format!("Draft: {}", text::literal_line(first_line(draft)))))
    }
}
