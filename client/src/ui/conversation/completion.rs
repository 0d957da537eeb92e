//! Calls members of a room while a message is written: behind an `@` the names that begin with what is typed stand above the text, whether that
//! is their username or what one calls them; the username is what is written. Up and Down choose, Enter and Tab take, Escape leaves it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, pango};
use hobnob_shared::id::Handle;
use hobnob_shared::mention;
use relm4::gtk;

use crate::ui::text::literal_line;
use crate::ui::widgets::spoken::called;

/// Names shown at once: one more letter finds who is not among them.
const SHOWN: usize = 6;
/// Characters of a name at most; of longer ones a part is left out.
const WIDEST: i32 = 40;

/// Somebody who can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callable {
    /// The username.
    pub user: Handle,
    /// What one calls them; empty where that is all.
    pub nickname: String,
}

impl Callable {
    /// The part of a name that begins so stands first in it, or further on.
    fn begins(&self, begun: &str) -> Option<bool> {
        let user = self.user.as_str();
        let nickname = self.nickname.to_lowercase();
        if user.starts_with(begun) || nickname.starts_with(begun) {
            return Some(true);
        }
        let mut parts = user.split(['.', '_', '-']).chain(nickname.split(|c: char| !is_name(c)));
        parts.any(|part| part.starts_with(begun)).then_some(false)
    }

    /// Both names; nobody else can be meant.
    fn name(&self) -> String {
        if self.nickname.is_empty() {
            self.user.to_string()
        } else {
            format!("{} (@{})", literal_line(&self.nickname), self.user)
        }
    }
}

/// The names above the text.
pub struct Completion {
    text: gtk::TextView,
    popover: gtk::Popover,
    list: gtk::ListBox,
    told: gtk::Label,
    people: RefCell<Vec<Callable>>,
    shown: RefCell<Vec<Callable>>,
    /// Left by Escape, until another word is begun.
    left: Cell<bool>,
}

/// Nicknames have all kinds of letters.
fn is_name(c: char) -> bool {
    mention::is_part(c) || c.is_alphanumeric()
}

/// The name that is begun at the end of this text: what stands behind its `@`.
fn begun(text: &str) -> Option<&str> {
    let start = text.rfind(|c| !is_name(c))?;
    let (before, behind) = (text.get(..start)?, text.get(start..)?.strip_prefix('@')?);
    before.chars().next_back().is_none_or(|c| !mention::is_glued(c)).then_some(behind)
}

/// Whom that may mean: names that begin so, then those in which a part begins so.
fn meant(people: &[Callable], begun: &str) -> Vec<Callable> {
    let begun = begun.to_lowercase();
    let those = |first: bool| {
        people.iter().filter({
            let begun = begun.clone();
            move |person| person.begins(&begun) == Some(first)
        })
    };
    those(true).chain(those(false)).take(SHOWN).cloned().collect()
}

impl Completion {
    /// For a text; the names stand above `field`, which is around it.
    pub fn new(text: &gtk::TextView, field: &gtk::Overlay) -> Rc<Self> {
        let list: gtk::ListBox = called("People to Mention");
        list.set_selection_mode(gtk::SelectionMode::Browse);
        // What has the focus goes on being the text: this says there what is chosen.
        let told = gtk::Label::builder().accessible_role(gtk::AccessibleRole::Status).build();
        told.add_css_class("announcer");
        let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        column.append(&list);
        column.append(&told);
        let popover = gtk::Popover::builder()
            .autohide(false)
            .has_arrow(false)
            .can_focus(false)
            .position(gtk::PositionType::Top)
            .halign(gtk::Align::Start)
            .child(&column)
            .build();
        popover.add_css_class("mentions");
        popover.set_offset(0, -8);
        popover.set_parent(field);
        let owned = popover.downgrade();
        field.connect_destroy(move |_| {
            if let Some(popover) = owned.upgrade() {
                popover.unparent();
            }
        });
        let completion = Rc::new(Self {
            text: text.clone(),
            popover,
            list,
            told,
            people: RefCell::default(),
            shown: RefCell::default(),
            left: Cell::default(),
        });
        let of = Rc::downgrade(&completion);
        text.buffer().connect_cursor_position_notify(move |_| {
            if let Some(completion) = of.upgrade() {
                completion.look();
            }
        });
        let of = Rc::downgrade(&completion);
        completion.list.connect_row_activated(move |_, row| {
            if let (Some(completion), Ok(at)) = (of.upgrade(), usize::try_from(row.index())) {
                completion.take(at);
            }
        });
        let of = Rc::downgrade(&completion);
        let focus = gtk::EventControllerFocus::new();
        focus.connect_leave(move |_| {
            if let Some(completion) = of.upgrade() {
                completion.hide();
            }
        });
        text.add_controller(focus);
        completion
    }

    /// These can be called.
    pub fn know(&self, people: Vec<Callable>) {
        self.people.replace(people);
    }

    fn before_cursor(&self) -> String {
        let buffer = self.text.buffer();
        let end = buffer.iter_at_mark(&buffer.get_insert());
        let mut start = end;
        start.set_line_offset(0);
        buffer.text(&start, &end, true).to_string()
    }

    /// Another text, or another place in it.
    fn look(&self) {
        let before = self.before_cursor();
        // A line that begins with the `@` has nothing before it.
        let line = format!("\n{before}");
        let Some(begun) = begun(&line).filter(|_| self.text.has_focus()) else {
            self.left.set(false);
            return self.hide();
        };
        let meant = meant(&self.people.borrow(), begun);
        if meant.is_empty() || self.left.get() {
            return self.hide();
        }
        if *self.shown.borrow() != meant {
            while let Some(row) = self.list.row_at_index(0) {
                self.list.remove(&row);
            }
            for person in &meant {
                let name = gtk::Label::builder()
                    .label(person.name())
                    .xalign(0.0)
                    .ellipsize(pango::EllipsizeMode::End)
                    .max_width_chars(WIDEST)
                    .build();
                self.list.append(&name);
            }
            self.shown.replace(meant);
            self.choose(0);
        }
        self.point();
        self.popover.popup();
    }

    /// Above the cursor.
    fn point(&self) {
        let buffer = self.text.buffer();
        let place = self.text.iter_location(&buffer.iter_at_mark(&buffer.get_insert()));
        let (x, y) = self.text.buffer_to_window_coords(gtk::TextWindowType::Widget, place.x(), place.y());
        let field = self.popover.parent();
        let place = field.and_then(|field| self.text.translate_coordinates(&field, f64::from(x), f64::from(y)));
        if let Some((x, y)) = place {
            #[expect(clippy::cast_possible_truncation, reason = "a place within a widget")]
            self.popover.set_pointing_to(Some(&gdk::Rectangle::new(x as i32, y as i32, 1, 1)));
        }
    }

    fn hide(&self) {
        self.popover.popdown();
    }

    fn choose(&self, at: usize) {
        let row = i32::try_from(at).ok().and_then(|at| self.list.row_at_index(at));
        self.list.select_row(row.as_ref());
        let shown = self.shown.borrow();
        if let Some(person) = shown.get(at) {
            self.told.set_text(&format!("Mention {}, {} of {}", person.name(), at + 1, shown.len()));
        }
    }

    fn chosen(&self) -> usize {
        self.list.selected_row().and_then(|row| usize::try_from(row.index()).ok()).unwrap_or(0)
    }

    fn take(&self, at: usize) {
        let Some(Callable { user, .. }) = self.shown.borrow().get(at).cloned() else { return };
        let line = format!("\n{}", self.before_cursor());
        let Some(begun) = begun(&line) else { return self.hide() };
        let buffer = self.text.buffer();
        let mut end = buffer.iter_at_mark(&buffer.get_insert());
        let mut start = end;
        start.backward_chars(i32::try_from(begun.chars().count()).unwrap_or(0));
        buffer.begin_user_action();
        buffer.delete(&mut start, &mut end);
        buffer.insert(&mut start, &format!("{user} "));
        buffer.end_user_action();
        self.hide();
    }

    /// A key was pressed in the text; true where it was meant for this.
    pub fn key(&self, key: gdk::Key) -> bool {
        if !self.popover.is_visible() {
            return false;
        }
        let count = self.shown.borrow().len().max(1);
        match key {
            gdk::Key::Up => self.choose((self.chosen() + count - 1) % count),
            gdk::Key::Down => self.choose((self.chosen() + 1) % count),
            gdk::Key::Return | gdk::Key::KP_Enter | gdk::Key::ISO_Enter | gdk::Key::Tab => self.take(self.chosen()),
            gdk::Key::Escape => {
                self.left.set(true);
                self.hide();
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn known(user: &str, nickname: &str) -> Callable {
        Callable { user: user.parse().unwrap(), nickname: nickname.to_owned() }
    }

    #[test]
    fn a_name_is_begun_behind_an_at_and_nowhere_else() {
        for (text, name) in
            [("\n@", ""), ("hi @bo", "bo"), ("\n@a.b", "a.b"), ("(@X", "X"), ("hi @Zo\u{eb}", "Zo\u{eb}")]
        {
            assert_eq!(begun(text), Some(name), "{text:?}");
        }
        for text in ["", "\n", "hi bo", "a@bo", "@bo ", "hi @bo!", "x/@bo", "@@"] {
            assert_eq!(begun(text), None, "{text:?}");
        }
    }

    #[test]
    fn names_that_begin_so_come_first() {
        let people: Vec<Callable> = ["ann.bo", "bob", "carol", "bo-peep"].iter().map(|name| known(name, "")).collect();
        let names = |begun| meant(&people, begun).iter().map(Callable::name).collect::<Vec<_>>();
        assert_eq!(names("BO"), ["bob", "bo-peep", "ann.bo"]);
        assert_eq!(names(""), ["ann.bo", "bob", "carol", "bo-peep"]);
        assert!(names("zoe").is_empty());
    }

    #[test]
    fn a_nickname_calls_as_well_and_says_whom() {
        let people = [known("bob", "Uncle Zo\u{eb}"), known("zora", ""), known("carol", "<b>\u{202e}")];
        let names = |begun| meant(&people, begun).iter().map(Callable::name).collect::<Vec<_>>();
        assert_eq!(names("UNC"), ["Uncle Zo\u{eb} (@bob)"]);
        assert_eq!(names("zo"), ["zora", "Uncle Zo\u{eb} (@bob)"]);
        assert_eq!(names("zo\u{eb}"), ["Uncle Zo\u{eb} (@bob)"]);
        assert_eq!(names("bo"), ["Uncle Zo\u{eb} (@bob)"]);
        assert!(names("car").iter().all(|name| !name.contains('\u{202e}')));
    }
}
