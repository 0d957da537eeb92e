//! Ways through the window by keys, for the root: from one unread conversation to the next, from pane to pane, to the conversation's menu.

use adw::prelude::*;
use hobnob_shared::id::ConversationId;
use relm4::{ComponentController, adw};

use crate::ui::app::App;
use crate::ui::conversation::PageInput;
use crate::ui::sidebar::SidebarInput;

/// Where `now` stands among `all`, the next one (or with `back` the one before) that is `wanted`; from the other end again when there is none.
fn neighbour<'a, T: PartialEq>(
    all: &'a [T],
    now: Option<&T>,
    back: bool,
    wanted: impl Fn(&T) -> bool,
) -> Option<&'a T> {
    let count = all.len();
    let here = now.and_then(|now| all.iter().position(|one| one == now));
    let start = here.unwrap_or(if back { 0 } else { count.saturating_sub(1) });
    let steps = (1..=count).map(|step| if back { start + count - step } else { start + step });
    steps.filter_map(|at| all.get(at % count)).find(|one| wanted(one) && Some(*one) != now)
}

impl App {
    /// Opens the next conversation with something unread, in the order of the sidebar.
    pub(in crate::ui) fn go_to_unread(&mut self, back: bool) {
        let people = self.model.roster.sorted("").into_iter().map(|person| ConversationId::Direct(person.user.clone()));
        let rooms = self.model.rooms.sorted("").into_iter().map(|room| ConversationId::Room(room.room.clone()));
        let all: Vec<ConversationId> = people.chain(rooms).collect();
        match neighbour(&all, self.front().map(|tab| &tab.conversation), back, |id| self.model.unread(id) > 0).cloned()
        {
            Some(next) => self.open_and_read(&next),
            None => self.toast("Nothing is unread."),
        }
    }

    /// From the composer to the last message, from there to the sidebar, and from there to the composer.
    pub(in crate::ui) fn go_to_pane(&self) {
        let focus = GtkWindowExt::focus(&self.at());
        let within =
            |place: &gtk::Widget| focus.as_ref().is_some_and(|focus| focus == place || focus.is_ancestor(place));
        match self.front() {
            Some(tab) if within(self.sidebar.widget().upcast_ref()) => {
                self.leaflet.set_visible_child(self.content.widget());
                tab.body.emit(PageInput::Focus);
            }
            Some(tab) if !is_on_message(focus.as_ref()) => tab.body.emit(PageInput::FocusMessages),
            // A window of tabs alone has no sidebar.
            Some(tab) if self.in_use().is_some() => tab.body.emit(PageInput::Focus),
            _ => {
                self.leaflet.navigate(adw::NavigationDirection::Back);
                self.sidebar.emit(SidebarInput::FocusSearch);
            }
        }
    }
}

fn is_on_message(focus: Option<&gtk::Widget>) -> bool {
    let list = focus.and_then(|focus| focus.ancestor(gtk::ListView::static_type()));
    list.is_some_and(|list| list.has_css_class("timeline"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_is_found_in_both_directions_and_around_the_end() {
        let all = ["a", "B", "c", "D", "e"];
        let unread = |one: &&str| one.chars().all(char::is_uppercase);
        for (now, back, next) in [
            (None, false, Some("B")),
            (None, true, Some("D")),
            (Some("a"), false, Some("B")),
            (Some("B"), false, Some("D")),
            (Some("D"), false, Some("B")),
            (Some("e"), false, Some("B")),
            (Some("a"), true, Some("D")),
            (Some("c"), true, Some("B")),
            (Some("gone"), false, Some("B")),
        ] {
            assert_eq!(neighbour(&all, now.as_ref(), back, unread).copied(), next, "{now:?} {back}");
        }
        assert_eq!(neighbour(&["B"], Some(&"B"), false, unread), None, "only the one in front");
        assert_eq!(neighbour(&all, None, false, |_| false), None);
        assert_eq!(neighbour::<&str>(&[], None, true, |_| true), None);
    }
}
