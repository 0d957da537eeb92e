//! What many events changed, each thing once: a burst of messages becomes one splice of its timeline and one line in the sidebar. Drawn after
//! the last of its events was applied, so its positions count in the state after all of them.

use std::collections::{BTreeMap, BTreeSet};

use hobnob_shared::id::ConversationId;

use crate::core::message_key::MessageKey;
use crate::model::change::Change;

/// Changes that wait to be drawn together.
#[derive(Debug, Default)]
pub struct Batch {
    /// What can be looked up in the model, whenever it is drawn.
    states: Vec<Change>,
    timelines: BTreeMap<ConversationId, Spans>,
    /// What happened at one moment, in order.
    moments: Vec<Change>,
}

impl Batch {
    /// One more change, of the newest event.
    pub fn add(&mut self, change: Change) {
        match change {
            Change::Spliced { conversation, at, removed, added } => {
                self.timelines.entry(conversation).or_default().splice(at, removed, added);
            }
            Change::Line { conversation, at } => {
                self.timelines.entry(conversation).or_default().lines.insert(at);
            }
            Change::Arrived { .. }
            | Change::Offered(_)
            | Change::Done { .. }
            | Change::Failed { .. }
            | Change::Notice(_) => {
                self.moments.push(change);
            }
            state if self.states.contains(&state) => {}
            state => self.states.push(state),
        }
    }

    /// A message, which may be among those that came, has another text, or, with none, was taken back: nobody is told of what it said before.
    pub fn rewrite(&mut self, message: &MessageKey, text: Option<&str>) {
        let is_it = |change: &Change| matches!(change, Change::Arrived { info, .. } if message.is_of(info));
        let Some(at) = self.moments.iter().position(is_it) else { return };
        match (text, self.moments.get_mut(at)) {
            (Some(text), Some(Change::Arrived { info, .. })) => text.clone_into(&mut info.text),
            _ => drop(self.moments.remove(at)),
        }
    }

    /// Lines that came into a timeline.
    pub fn came(&self, conversation: &ConversationId) -> usize {
        self.timelines.get(conversation).map_or(0, |spans| spans.spans.iter().map(|span| span.added).sum())
    }

    /// All of them, in the order in which they can be drawn.
    pub fn finish(self) -> Vec<Change> {
        let mut changes = self.states;
        for (conversation, spans) in self.timelines {
            let lines: Vec<usize> = spans.lines.iter().copied().filter(|at| !spans.covers(*at)).collect();
            changes.extend(spans.spans.iter().map(|span| Change::Spliced {
                conversation: conversation.clone(),
                at: span.at,
                removed: span.removed,
                added: span.added,
            }));
            changes.extend(lines.into_iter().map(|at| Change::Line { conversation: conversation.clone(), at }));
        }
        changes.extend(newest_marked(self.moments));
        changes
    }
}

/// Of the messages that came to a conversation together only the newest is read to who listens.
fn newest_marked(mut moments: Vec<Change>) -> Vec<Change> {
    let mut later = BTreeSet::new();
    for change in moments.iter_mut().rev() {
        if let Change::Arrived { info, newest } = change {
            *newest = later.insert(info.conversation.clone());
        }
    }
    moments
}

/// Lines that were replaced; `at` counts in the present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    at: usize,
    removed: usize,
    added: usize,
}

impl Span {
    fn end(self) -> usize {
        self.at + self.added
    }
}

/// All replaced parts of one timeline, in order, none touching the next; and lines that show something else.
#[derive(Debug, Default)]
struct Spans {
    spans: Vec<Span>,
    lines: BTreeSet<usize>,
}

impl Spans {
    fn splice(&mut self, at: usize, removed: usize, added: usize) {
        let (mut start, mut end) = (at, at + removed);
        let first = self.spans.partition_point(|span| span.end() < start);
        let last = self.spans.partition_point(|span| span.at <= end).max(first);
        let (mut gone, mut came) = (0, 0);
        for span in self.spans.drain(first..last) {
            (start, end) = (start.min(span.at), end.max(span.end()));
            (gone, came) = (gone + span.removed, came + span.added);
        }
        let length = end - start;
        let merged = Span { at: start, removed: length - came + gone, added: length - removed + added };
        self.spans.insert(first, merged);
        for span in &mut self.spans[first + 1..] {
            span.at = span.at - removed + added;
        }
        let behind = self.lines.split_off(&at);
        let moved = behind.into_iter().filter(|line| *line >= at + removed).map(|line| line - removed + added);
        self.lines.extend(moved);
    }

    fn covers(&self, line: usize) -> bool {
        let next = self.spans.partition_point(|span| span.at <= line);
        next.checked_sub(1).and_then(|before| self.spans.get(before)).is_some_and(|span| line < span.end())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::id::{DeviceId, MessageId};
    use proptest::prelude::*;

    use crate::core::event::{MessageInfo, MessageState};

    fn bob() -> ConversationId {
        "@bob".parse().unwrap()
    }

    fn spliced(at: usize, removed: usize, added: usize) -> Change {
        Change::Spliced { conversation: bob(), at, removed, added }
    }

    fn batched(changes: Vec<Change>) -> Vec<Change> {
        let mut batch = Batch::default();
        for change in changes {
            batch.add(change);
        }
        batch.finish()
    }

    #[test]
    fn a_burst_is_one_splice() {
        let burst = (100..10_100).flat_map(|at| [spliced(at, 0, 1), Change::Unread(bob()), Change::Roster]).collect();
        assert_eq!(batched(burst), [Change::Unread(bob()), Change::Roster, spliced(100, 0, 10_000)]);
    }

    #[test]
    fn of_a_flood_that_was_cut_only_the_end_is_drawn() {
        let mut batch = Batch::default();
        batch.add(spliced(50, 0, 500));
        assert_eq!((batch.came(&bob()), batch.came(&"#tea".parse().unwrap())), (500, 0));
        batch.add(spliced(0, 470, 0));
        assert_eq!(batch.finish(), [spliced(0, 50, 80)]);
    }

    #[test]
    fn places_far_from_each_other_stay_apart() {
        assert_eq!(batched(vec![spliced(90, 0, 1), spliced(5, 0, 2)]), [spliced(5, 0, 2), spliced(92, 0, 1)]);
    }

    #[test]
    fn a_line_that_changes_moves_with_what_comes_before_it_and_is_drawn_once() {
        let line = |at| Change::Line { conversation: bob(), at };
        assert_eq!(batched(vec![line(7), line(7), spliced(2, 0, 3)]), [spliced(2, 0, 3), line(10)]);
        assert_eq!(batched(vec![spliced(9, 0, 1), line(9)]), [spliced(9, 0, 1)], "it is drawn as it is now");
        assert_eq!(batched(vec![line(3), spliced(3, 1, 0)]), [spliced(3, 1, 0)]);
    }

    #[test]
    fn what_happens_at_a_moment_keeps_its_order() {
        let notice = |text: &str| Change::Notice(text.to_owned());
        assert_eq!(batched(vec![notice("a"), notice("b"), notice("a")]), [notice("a"), notice("b"), notice("a")]);
    }

    fn came(text: &str) -> MessageInfo {
        MessageInfo {
            conversation: bob(),
            message: MessageId::new(),
            from: "bob".parse().unwrap(),
            text: text.to_owned(),
            sent_at: 1,
            reply_to: None,
            state: MessageState::Delivered,
            clock: 1,
            device: DeviceId([0; 32]),
            number: 1,
            edited: false,
            deleted: false,
            reactions: Vec::new(),
        }
    }

    #[test]
    fn nobody_is_told_of_words_that_were_taken_back_before_they_were_seen() {
        let (slip, stays) = (came("a slip"), came("hullo"));
        let mut batch = Batch::default();
        for info in [&stays, &slip] {
            batch.add(Change::Arrived { info: info.clone(), newest: true });
        }
        batch.rewrite(&stays.key(), Some("hello"));
        batch.rewrite(&slip.key(), None);
        batch.rewrite(&MessageKey { id: MessageId::new(), ..slip.key() }, None);
        let forged = MessageKey { author: "mallory".parse().unwrap(), ..stays.key() };
        batch.rewrite(&forged, Some("something else"));
        batch.rewrite(&forged, None);
        let told = Change::Arrived { info: MessageInfo { text: "hello".to_owned(), ..stays }, newest: true };
        assert_eq!(batch.finish(), [told], "and the one before it is the newest again");
    }

    proptest! {
        /// Whatever was spliced, drawing the batch from the final state makes the list what it is.
        #[test]
        fn drawing_a_batch_gives_the_final_state(
            start in 0_usize..30,
            steps in proptest::collection::vec((0_usize..100, 0_usize..5, 0_usize..5, any::<bool>()), 0..40),
        ) {
            let mut fresh = 1000_u32..;
            let mut truth: Vec<u32> = fresh.by_ref().take(start).collect();
            let mut drawn = truth.clone();
            let mut batch = Batch::default();
            for (at, removed, added, change) in steps {
                let at = at % (truth.len() + 1);
                let removed = removed.min(truth.len() - at);
                truth.splice(at..at + removed, fresh.by_ref().take(added).collect::<Vec<_>>());
                batch.add(spliced(at, removed, added));
                if change && at < truth.len() {
                    truth[at] = fresh.next().unwrap();
                    batch.add(Change::Line { conversation: bob(), at });
                }
            }
            for change in batch.finish() {
                match change {
                    Change::Spliced { at, removed, added, .. } => {
                        drawn.splice(at..at + removed, truth[at..at + added].to_vec());
                    }
                    Change::Line { at, .. } => drawn[at] = truth[at],
                    other => panic!("{other:?}"),
                }
            }
            prop_assert_eq!(drawn, truth);
        }
    }
}
