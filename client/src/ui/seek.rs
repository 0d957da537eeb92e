//! Going somewhere in a conversation: to a message or file, however far back it is, to a day, to the end. What is not here is read from the
//! disk first, with what stands around it.

use hobnob_shared::id::{ConversationId, TransferId};

use crate::core::command::Part;
use crate::core::event::Answer;
use crate::core::message_key::MessageRef;
use crate::model::QuestionId;
use crate::model::conversation::Conversation;
use crate::model::pages::found;
use crate::ui::app::App;
use crate::ui::conversation::PageInput;

/// What somebody wants to see in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A message.
    Message(MessageRef),
    /// The card of a file.
    File(TransferId),
    /// The first message of a time or later, in milliseconds since 1970.
    Time(u64),
    /// The newest message.
    End,
}

/// Where somebody wants to go, while a page is read for that.
pub struct Seeking {
    target: Target,
    /// What was asked for that.
    question: QuestionId,
}

impl App {
    /// Opens a conversation at something in it.
    pub(in crate::ui) fn open_at(&mut self, conversation: &ConversationId, target: Target) {
        self.open(conversation, true);
        self.seek(conversation, target);
    }

    /// Goes to something in a conversation that is open.
    pub(in crate::ui) fn seek(&mut self, conversation: &ConversationId, target: Target) {
        self.seeking = None;
        let Some(open) = self.model.conversation(conversation) else { return };
        let here = match &target {
            Target::Message(message) => open.position(message),
            Target::File(transfer) => open.find_transfer(*transfer),
            Target::Time(_) | Target::End => None,
        };
        if let Some(at) = here {
            return self.go(conversation, at);
        }
        let part = match &target {
            Target::Message(message) => Part::Around(message.clone()),
            Target::File(transfer) => {
                Part::At(self.model.transfers.get(*transfer).map_or(0, |known| known.info.sent_at))
            }
            Target::Time(at) => Part::At(*at),
            Target::End if open.is_live() => return self.go_to_end(conversation),
            Target::End => Part::Newest,
        };
        let request = match part {
            Part::Newest => self.model.to_end(conversation),
            part => self.model.far(conversation, part),
        };
        if let Some(request) = request {
            self.bridge.send(request);
        }
        // Asked for now, or on its way before.
        let awaited = self.model.conversation(conversation).and_then(Conversation::awaited);
        self.seeking = awaited.map(|awaited| Seeking { target, question: awaited.id });
        self.leave_end(conversation);
    }

    /// A page came: perhaps what is looked for is in it.
    pub(in crate::ui) fn page_came(&mut self, conversation: &ConversationId, question: QuestionId, answer: &Answer) {
        let opened = self.reading.take_if(|reading| reading == conversation).is_some();
        if opened && self.is_fronted(conversation) && self.tab(conversation).is_some_and(|tab| tab.at_end) {
            self.seen(conversation);
        }
        let Some(open) = self.model.conversation(conversation) else { return };
        // One that was asked for otherwise says nothing.
        let Some(seeking) = self.seeking.take_if(|seeking| seeking.question == question) else { return };
        let found = found(None, answer);
        let beside = || open.position(found.as_ref()?);
        let place = match seeking.target {
            Target::End => return self.go_to_end(conversation),
            Target::Message(message) => open.position(&message),
            Target::File(transfer) => open.find_transfer(transfer).or_else(beside),
            // Nothing was said so late: the end.
            Target::Time(_) if found.is_none() => return self.go_to_end(conversation),
            Target::Time(_) => beside(),
        };
        match place {
            Some(at) => self.go(conversation, at),
            None => self.toast("It is not in this conversation any more."),
        }
    }

    /// A page did not come.
    pub(in crate::ui) fn page_refused(&mut self, conversation: &ConversationId, question: QuestionId, text: &str) {
        let sought = self.seeking.take_if(|seeking| seeking.question == question);
        if sought.is_none() {
            return tracing::warn!("a page did not come");
        }
        self.toast(text);
        // Where nothing is shown yet, the end is.
        if self.model.conversation(conversation).is_some_and(|open| open.lines().is_empty())
            && let Some(request) = self.model.older(conversation)
        {
            self.bridge.send(request);
            self.go_to_end(conversation);
        }
    }

    fn go(&self, conversation: &ConversationId, at: usize) {
        if let Some(tab) = self.tab(conversation) {
            tab.body.emit(PageInput::Go(at));
        }
    }

    fn go_to_end(&self, conversation: &ConversationId) {
        if let Some(tab) = self.tab(conversation) {
            tab.body.emit(PageInput::Follow);
        }
    }

    /// Whatever comes meanwhile is not before the reader's eyes.
    fn leave_end(&mut self, conversation: &ConversationId) {
        if let Some(tab) = self.tabs.iter_mut().find(|tab| tab.conversation == *conversation) {
            tab.at_end = false;
            tab.body.emit(PageInput::Leave);
        }
    }

    /// Conversations whose end is watched and not here any more, because too much came at once: it is read again.
    pub(in crate::ui) fn catch_up(&mut self) {
        let is_behind = |conversation: &ConversationId| {
            self.model.conversation(conversation).is_some_and(|open| !open.is_live() && open.awaited().is_none())
        };
        let watched = self.tabs.iter().filter(|tab| tab.at_end).map(|tab| tab.conversation.clone());
        let behind: Vec<ConversationId> = watched.filter(is_behind).collect();
        for conversation in behind {
            self.seek(&conversation, Target::End);
        }
    }
}
