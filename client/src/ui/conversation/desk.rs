//! What becomes of the text in the composer: a new message, which may answer another, or another text for an own one; and what stands behind
//! that. Pure: texts in, texts out. The composer shows it, and hands up what is submitted.

use std::collections::VecDeque;

use hobnob_shared::id::MessageId;

use crate::core::message_key::{MessageKey, MessageRef};

/// A message that is answered, as the bar above the composer shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Which.
    pub message: MessageRef,
    /// What its author is called; none where it is not here.
    pub author: Option<String>,
    /// What it says.
    pub text: String,
}

impl Answered {
    /// One that is not here: an earlier one.
    pub fn unknown(message: MessageRef) -> Self {
        Self { message, author: None, text: "An earlier message".to_owned() }
    }
}

/// A new message so far.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its text.
    pub text: String,
    /// What it answers.
    pub reply: Option<Answered>,
}

/// Another text for an own message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which.
    pub message: MessageId,
    /// The text.
    pub text: String,
}

/// A message that may stand above the composer has another text, or was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Which.
    pub message: MessageKey,
    /// Oneself wrote it.
    pub own: bool,
    /// What it says now; none if it was taken back.
    pub text: Option<String>,
}

/// Something that was submitted and not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsent {
    /// A new message.
    New(Draft),
    /// An edit, of a message that can still be changed.
    Edit(Edit),
}

/// What the text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A new message, in answer to this one or to none.
    New(Option<Answered>),
    /// Another text for an own message.
    Edit {
        /// Which.
        message: MessageId,
        /// The text that it has until then.
        original: String,
        /// What was being written before.
        draft: Draft,
    },
}

impl Default for Mode {
    fn default() -> Self {
        Self::New(None)
    }
}

/// The text's meaning, and what waits behind it.
#[derive(Debug, Default)]
pub struct Desk {
    mode: Mode,
    /// Edits that were not accepted while another one was written: each has its turn when that is done.
    returned: VecDeque<Edit>,
}

impl Desk {
    /// What the text is.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// An own message gets another text, from now on.
    pub fn is_editing(&self) -> bool {
        matches!(self.mode, Mode::Edit { .. })
    }

    /// Nothing but a new message that answers none.
    pub fn is_plain(&self) -> bool {
        self.mode == Mode::New(None)
    }

    /// The text of an own message is changed from now on; `written` was there. The text to show is the edit's.
    pub fn edit(&mut self, edit: &Edit, written: String) {
        let draft = match std::mem::take(&mut self.mode) {
            Mode::Edit { draft, .. } => draft,
            Mode::New(reply) => Draft { text: written, reply },
        };
        self.mode = Mode::Edit { message: edit.message, original: edit.text.clone(), draft };
    }

    /// What is written answers this message from now on. The text to show, where it is another one.
    pub fn reply(&mut self, answered: Answered) -> Option<String> {
        match std::mem::replace(&mut self.mode, Mode::New(Some(answered))) {
            Mode::Edit { draft, .. } => Some(draft.text),
            Mode::New(_) => None,
        }
    }

    /// One step back: from an edit to what was being written before, from an answer to a message that answers none. What it was until now, and
    /// the text to show, where it is another one.
    pub fn leave(&mut self) -> (Mode, Option<String>) {
        let left = std::mem::take(&mut self.mode);
        let Mode::Edit { draft, .. } = &left else { return (left, None) };
        let Draft { text, reply } = draft.clone();
        self.mode = Mode::New(reply);
        let shown = match self.returned.pop_front() {
            Some(edit) => {
                self.edit(&edit, text);
                edit.text
            }
            None => text,
        };
        (left, Some(shown))
    }

    /// The new message so far, where this is `written`.
    pub fn draft(&self, written: String) -> Draft {
        match &self.mode {
            Mode::New(reply) => Draft { text: written, reply: reply.clone() },
            Mode::Edit { draft, .. } => draft.clone(),
        }
    }

    /// That message was looked up: if it is still what is answered, it is this, or, with none, is there no more.
    pub fn quote(&mut self, message: &MessageRef, found: Option<Answered>) {
        let reply = self.answered();
        if reply.as_ref().is_some_and(|answered| answered.message == *message) {
            *reply = found;
        }
    }

    /// What is answered, by the new message or the one that waits behind an edit.
    fn answered(&mut self) -> &mut Option<Answered> {
        match &mut self.mode {
            Mode::New(reply) => reply,
            Mode::Edit { draft, .. } => &mut draft.reply,
        }
    }

    /// A message says something else, or nothing any more: what it said is not shown here either. What was to answer it answers none then, and
    /// what an own one was to say instead is a new message. The text to show, where it is another one than `written`.
    pub fn rewrite(&mut self, news: &Rewritten, written: &str) -> Option<String> {
        let reply = self.answered();
        if let Some(answered) = reply.as_mut().filter(|answered| answered.message.is(&news.message)) {
            match &news.text {
                Some(text) => text.clone_into(&mut answered.text),
                None => *reply = None,
            }
        }
        if !news.own {
            return None;
        }
        if news.text.is_none() {
            self.returned.retain(|edit| edit.message != news.message.id);
        }
        let Mode::Edit { message, original, draft } = &mut self.mode else { return None };
        if *message != news.message.id {
            return None;
        }
        let is_changed = written != original;
        if let Some(text) = &news.text {
            text.clone_into(original);
            return (!is_changed).then(|| text.clone());
        }
        if is_changed {
            draft.text = before(written.to_owned(), &draft.text);
        }
        self.leave().1
    }

    /// Something was not accepted and comes back as what it was, before what was written since. The text to show, where it is another one.
    pub fn restore(&mut self, unsent: Unsent, written: &str) -> Option<String> {
        match (unsent, &mut self.mode) {
            (Unsent::New(draft), Mode::New(reply)) => {
                *reply = draft.reply.or_else(|| reply.take());
                Some(before(draft.text, written))
            }
            (Unsent::New(draft), Mode::Edit { draft: kept, .. }) => {
                kept.text = before(draft.text, &kept.text);
                kept.reply = draft.reply.or_else(|| kept.reply.take());
                None
            }
            (Unsent::Edit(edit), Mode::Edit { message, .. }) if *message == edit.message => {
                Some(before(edit.text, written))
            }
            (Unsent::Edit(edit), Mode::Edit { .. }) => {
                self.returned.push_back(edit);
                None
            }
            (Unsent::Edit(edit), Mode::New(_)) => {
                self.edit(&edit, written.to_owned());
                Some(edit.text)
            }
        }
    }
}

/// A text before what was written since.
fn before(text: String, written: &str) -> String {
    if written.trim().is_empty() { text } else { format!("{text}\n{written}") }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn edit(n: u128, text: &str) -> Edit {
        Edit { message: MessageId(uuid::Uuid::from_u128(n)), text: text.to_owned() }
    }

    fn key(n: u128, author: &str) -> MessageKey {
        MessageKey { id: MessageId(uuid::Uuid::from_u128(n)), author: author.parse().unwrap() }
    }

    fn now(n: u128, author: &str, text: Option<&str>) -> Rewritten {
        Rewritten { message: key(n, author), own: author == "alice", text: text.map(str::to_owned) }
    }

    fn to(author: &str) -> Answered {
        let message = key(900, author).into();
        Answered { message, author: Some(author.to_owned()), text: "hi".to_owned() }
    }

    fn message(text: &str, reply: Option<Answered>) -> Unsent {
        Unsent::New(Draft { text: text.to_owned(), reply })
    }

    fn edited(desk: &Desk) -> Option<MessageId> {
        match desk.mode() {
            Mode::Edit { message, .. } => Some(*message),
            Mode::New(_) => None,
        }
    }

    #[test]
    fn an_edit_that_was_refused_is_an_edit_again_and_what_was_written_since_stands_behind_it() {
        let mut desk = Desk::default();
        desk.reply(to("bob"));
        assert_eq!(desk.restore(Unsent::Edit(edit(1, "changed")), "an answer").as_deref(), Some("changed"));
        assert_eq!(edited(&desk), Some(edit(1, "").message));
        let (left, text) = desk.leave();
        assert!(matches!(left, Mode::Edit { message, .. } if message == edit(1, "").message));
        assert_eq!(text.as_deref(), Some("an answer"));
        assert_eq!(*desk.mode(), Mode::New(Some(to("bob"))), "it still answers what it did");
    }

    #[test]
    fn an_edit_that_comes_back_into_another_one_waits_until_that_is_done() {
        let mut desk = Desk::default();
        desk.edit(&edit(2, "second"), "a draft".to_owned());
        assert_eq!(desk.restore(Unsent::Edit(edit(1, "first")), "second, changed"), None);
        assert_eq!(edited(&desk), Some(edit(2, "").message), "nothing changes under the hands of whoever writes");
        assert_eq!(desk.leave().1.as_deref(), Some("first"));
        assert_eq!(edited(&desk), Some(edit(1, "").message));
        assert_eq!(desk.leave().1.as_deref(), Some("a draft"));
        assert!(desk.is_plain());
    }

    #[test]
    fn an_edit_that_is_begun_again_gets_back_what_was_refused() {
        let mut desk = Desk::default();
        desk.edit(&edit(1, "as it was"), String::new());
        let shown = desk.restore(Unsent::Edit(edit(1, "refused")), "as it was");
        assert_eq!((shown.as_deref(), edited(&desk)), (Some("refused\nas it was"), Some(edit(1, "").message)));
        assert_eq!(desk.leave().1.as_deref(), Some(""), "once");
    }

    #[test]
    fn a_message_that_was_refused_comes_back_with_its_quote() {
        let mut desk = Desk::default();
        assert_eq!(desk.restore(message("one", None), " ").as_deref(), Some("one"));
        assert_eq!(desk.restore(message("zero", Some(to("bob"))), "one").as_deref(), Some("zero\none"));
        assert_eq!(*desk.mode(), Mode::New(Some(to("bob"))));
        desk.restore(message("minus one", None), "zero\none");
        assert_eq!(*desk.mode(), Mode::New(Some(to("bob"))), "what answers nothing takes no quote away");
    }

    #[test]
    fn a_message_that_was_refused_while_another_is_changed_gets_into_no_edit() {
        let mut desk = Desk::default();
        desk.edit(&edit(1, "changed"), "written since".to_owned());
        assert_eq!(desk.restore(message("refused", Some(to("bob"))), "changed"), None);
        assert_eq!(edited(&desk), Some(edit(1, "").message));
        assert_eq!(desk.leave().1.as_deref(), Some("refused\nwritten since"));
        assert_eq!(*desk.mode(), Mode::New(Some(to("bob"))));
    }

    #[test]
    fn an_answer_is_left_as_it_stands_and_an_edit_for_the_draft() {
        let mut desk = Desk::default();
        desk.reply(to("bob"));
        assert_eq!(desk.leave(), (Mode::New(Some(to("bob"))), None));
        desk.edit(&edit(1, "one"), "draft".to_owned());
        desk.edit(&edit(2, "two"), "one, changed".to_owned());
        assert_eq!(desk.reply(to("carol")).as_deref(), Some("draft"));
        assert_eq!(*desk.mode(), Mode::New(Some(to("carol"))));
    }

    #[test]
    fn what_is_answered_is_shown_as_it_is_now_and_not_at_all_once_it_was_taken_back() {
        let mut desk = Desk::default();
        desk.reply(to("bob"));
        assert_eq!(desk.rewrite(&now(900, "mallory", None), "so"), None);
        assert_eq!(*desk.mode(), Mode::New(Some(to("bob"))), "an id is its author's");
        desk.rewrite(&now(900, "bob", Some("hello")), "so");
        let Mode::New(Some(answered)) = desk.mode() else { panic!("no answer") };
        assert_eq!(answered.text, "hello");
        assert_eq!(desk.rewrite(&now(900, "bob", None), "so"), None, "what was written stays");
        assert!(desk.is_plain());
        desk.reply(to("bob"));
        desk.edit(&edit(1, "one"), "so".to_owned());
        desk.rewrite(&now(900, "bob", None), "one");
        assert_eq!(desk.leave().1.as_deref(), Some("so"));
        assert!(desk.is_plain(), "nor behind an edit");
    }

    #[test]
    fn an_edit_shows_what_another_device_made_of_the_message_unless_somebody_writes() {
        let mut desk = Desk::default();
        desk.edit(&edit(1, "one"), "draft".to_owned());
        assert_eq!(desk.rewrite(&now(1, "bob", Some("not this one")), "one"), None);
        assert_eq!(desk.rewrite(&now(1, "alice", Some("uno")), "one").as_deref(), Some("uno"));
        assert_eq!(desk.rewrite(&now(1, "alice", Some("eins")), "uno, changed"), None);
        assert!(matches!(desk.mode(), Mode::Edit { original, .. } if original == "eins"));
    }

    #[test]
    fn of_an_edit_of_what_was_taken_back_stays_what_somebody_wrote() {
        let mut desk = Desk::default();
        desk.edit(&edit(1, "one"), "draft".to_owned());
        desk.restore(Unsent::Edit(edit(2, "two")), "one");
        desk.restore(Unsent::Edit(edit(3, "three")), "one");
        desk.rewrite(&now(2, "alice", None), "one");
        assert_eq!(desk.rewrite(&now(1, "alice", None), "one").as_deref(), Some("three"), "the next in turn");
        let shown = desk.rewrite(&now(3, "alice", None), "three, changed");
        assert_eq!(shown.as_deref(), Some("three, changed\ndraft"));
        assert!(desk.is_plain());
    }

    #[test]
    fn what_a_draft_answers_is_looked_up_and_dropped_where_it_is_gone() {
        let unknown = Answered::unknown(key(900, "bob").into());
        let mut desk = Desk::default();
        desk.restore(Unsent::New(Draft { text: "so".to_owned(), reply: Some(unknown.clone()) }), "");
        desk.quote(&key(1, "bob").into(), None);
        assert_eq!(desk.draft("so".to_owned()), Draft { text: "so".to_owned(), reply: Some(unknown.clone()) });
        desk.quote(&unknown.message, Some(to("bob")));
        assert_eq!(*desk.mode(), Mode::New(Some(to("bob"))));
        desk.edit(&edit(1, "one"), "so".to_owned());
        desk.quote(&unknown.message, None);
        assert_eq!(desk.draft("one".to_owned()), Draft { text: "so".to_owned(), reply: None });
    }
}
