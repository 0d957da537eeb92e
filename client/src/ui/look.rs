//! What is before the user's eyes, for the root: which conversations are in front, in every window, and what follows when others are. Called
//! after whatever may have changed that.

use hobnob_shared::id::ConversationId;

use crate::ui::app::App;

impl App {
    /// Something else is before the user's eyes: headers, mark in the sidebar, what counts as read.
    pub(in crate::ui) fn look(&mut self) {
        let before: Vec<_> = self.contents().map(|content| content.fronted.clone()).collect();
        let now = self.note_fronts();
        self.leave_what_is_gone(&before);
        self.wake_and_draw(&before, &now);
        self.watched_is_seen(now);
        self.draw_lists(before.first() != Some(&self.content.fronted));
    }

    /// Notes in each window what is in front in it now: the conversation, or none without tabs. What was noted for all windows.
    fn note_fronts(&mut self) -> Vec<Option<ConversationId>> {
        let front = |content| self.front_of(content).map(|tab| tab.conversation.clone());
        let now: Vec<Option<ConversationId>> = self.contents().map(front).collect();
        let own = self.own.iter_mut().map(|own| &mut own.content);
        for (content, front) in std::iter::once(&mut self.content).chain(own).zip(&now) {
            content.fronted.clone_from(front);
        }
        now
    }

    /// What was in front, and is so in no window any more, was left.
    fn leave_what_is_gone(&mut self, before: &[Option<ConversationId>]) {
        for conversation in before.iter().flatten() {
            if !self.is_fronted(conversation)
                && let Some(change) = self.model.leave(conversation)
            {
                self.draw(change);
            }
        }
    }

    /// What came to the front is made, and its window says whose it is; a main window without tabs says that.
    fn wake_and_draw(&mut self, before: &[Option<ConversationId>], now: &[Option<ConversationId>]) {
        for conversation in now.iter().flatten().filter(|conversation| !before.contains(&Some((*conversation).clone())))
        {
            self.wake(conversation);
            self.show_header(conversation);
        }
        if now.first() == Some(&None) && !self.content.tabs.is_transferring_page() {
            self.content.show_nobody();
        }
    }

    /// The conversation that somebody looks at is read, and what comes in it will be.
    fn watched_is_seen(&mut self, now: Vec<Option<ConversationId>>) {
        let watched = now.into_iter().flatten().find(|front| self.tab(front).is_some_and(|tab| self.is_watched(tab)));
        if let Some(watched) = &watched {
            self.seen(watched);
        }
        self.model.watch(watched.as_ref());
    }

    /// Draws the lists that changed; both when the one that is marked in them is another.
    fn draw_lists(&mut self, switched: bool) {
        let (people, rooms) = std::mem::take(&mut self.lists_changed);
        if people || switched {
            self.show_people();
        }
        if rooms || switched {
            self.show_rooms();
        }
    }

    /// Everything in a conversation was seen.
    pub(in crate::ui) fn seen(&mut self, conversation: &ConversationId) {
        let (changes, request) = self.model.seen(conversation);
        for change in changes {
            self.draw(change);
        }
        if let Some(request) = request {
            self.bridge.send(request);
        }
        self.notifier.change(|board| board.unread(conversation, 0));
        if let Some(tab) = self.tab(conversation) {
            self.mark(tab, false);
        }
    }
}
