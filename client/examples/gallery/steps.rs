//! What is done in a scene before its picture is taken, and which window or panel the picture is of.

use relm4::adw;
use relm4::adw::prelude::*;
use relm4::gtk::{self, gdk};

use crate::photos;
use crate::scenes::Step;

/// The window or panel that the scene is about: a panel before the window it belongs to, a question before what it is about.
pub fn in_front() -> Option<gtk::Native> {
    let window = window()?;
    let popover = find(window.upcast_ref(), &|widget| widget.is::<gtk::Popover>() && widget.is_mapped());
    popover.and_downcast::<gtk::Native>().or_else(|| Some(window.upcast()))
}

fn window() -> Option<gtk::Window> {
    let all: Vec<gtk::Window> =
        gtk::Window::list_toplevels().into_iter().filter_map(|window| window.downcast().ok()).collect();
    let mapped: Vec<&gtk::Window> = all.iter().filter(|window| window.is_mapped()).collect();
    let is_covered = |window: &gtk::Window| mapped.iter().any(|other| other.transient_for().as_ref() == Some(window));
    mapped.iter().find(|window| !is_covered(window)).map(|window| (*window).clone())
}

/// Does it; a step that cannot be done shows itself by the picture.
pub fn carry_out(step: &Step) {
    let Some(window) = window() else { return };
    let root: &gtk::Widget = window.upcast_ref();
    match step {
        Step::Do(action, target) => {
            let target = target.map(ToVariant::to_variant);
            if let Err(error) = root.activate_action(action, target.as_ref()) {
                eprintln!("{action}: {error}");
            }
        }
        Step::Message(action, message) => {
            let is_it = |widget: &gtk::Widget| widget.is::<gtk::ListView>() && widget.has_css_class("timeline");
            let list = find(root, &is_it);
            let done = list.map(|list| list.activate_action(&format!("message.{action}"), Some(&message.to_variant())));
            if !matches!(done, Some(Ok(()))) {
                eprintln!("message.{action}: {done:?}");
            }
        }
        Step::Press(name) => {
            let is_it = |widget: &gtk::Widget| {
                widget.is_mapped()
                    && widget.downcast_ref::<gtk::Button>().is_some_and(|button| {
                        button.label().as_deref() == Some(name) || button.tooltip_text().as_deref() == Some(name)
                    })
            };
            match find(root, &is_it).and_downcast::<gtk::Button>() {
                Some(button) => button.emit_clicked(),
                None => eprintln!("no button {name}"),
            }
        }
        Step::Write(words) => {
            let is_it = |widget: &gtk::Widget| widget.is::<gtk::TextView>() && widget.is_mapped();
            match find(root, &is_it).and_downcast::<gtk::TextView>() {
                Some(text) => {
                    text.grab_focus();
                    text.buffer().insert_at_cursor(words);
                }
                None => eprintln!("no composer"),
            }
        }
        Step::Paste => {
            let is_it = |widget: &gtk::Widget| widget.is::<gtk::TextView>() && widget.is_mapped();
            match find(root, &is_it).and_downcast::<gtk::TextView>() {
                Some(text) => {
                    text.clipboard().set_texture(&photos::screenshot());
                    text.emit_paste_clipboard();
                }
                None => eprintln!("no composer"),
            }
        }
        Step::Menu(name) => {
            let is_it = |widget: &gtk::Widget| {
                widget.is::<gtk::MenuButton>() && widget.is_mapped() && widget.tooltip_text().as_deref() == Some(name)
            };
            match find(root, &is_it).and_downcast::<gtk::MenuButton>() {
                Some(button) => button.popup(),
                None => eprintln!("no menu {name}"),
            }
        }
        Step::Turn(page) => match window.downcast_ref::<adw::PreferencesWindow>() {
            Some(preferences) => preferences.set_visible_page_name(page),
            None => eprintln!("no preferences"),
        },
        Step::Search(text) => {
            let is_it = |widget: &gtk::Widget| widget.is::<gtk::SearchEntry>() && widget.is_mapped();
            match find(root, &is_it).and_downcast::<gtk::SearchEntry>() {
                Some(entry) => entry.set_text(text),
                None => eprintln!("no search"),
            }
        }
        // Nothing is carried really: what takes drops is told that something came over it.
        Step::Carry => match find(root, &|widget| widget.is_mapped() && takes_drops(widget).is_some()) {
            Some(place) => {
                let target = takes_drops(&place);
                target.map(|target| target.emit_by_name::<gdk::DragAction>("enter", &[&0.0_f64, &0.0_f64]));
            }
            None => eprintln!("nothing takes files"),
        },
        Step::Fill(title, text) => {
            let is_it = |widget: &gtk::Widget| {
                widget.downcast_ref::<adw::EntryRow>().is_some_and(|row| row.title() == *title && row.is_mapped())
            };
            match find(root, &is_it).and_downcast::<adw::EntryRow>() {
                Some(row) => row.set_text(text),
                None => eprintln!("no entry {title}"),
            }
        }
    }
}

/// What takes files that are dropped on a conversation.
fn takes_drops(widget: &gtk::Widget) -> Option<gtk::DropTarget> {
    let controllers = widget.downcast_ref::<gtk::Overlay>()?.observe_controllers();
    (0..controllers.n_items()).find_map(|at| controllers.item(at).and_downcast())
}

fn find(root: &gtk::Widget, wanted: &dyn Fn(&gtk::Widget) -> bool) -> Option<gtk::Widget> {
    if wanted(root) {
        return Some(root.clone());
    }
    let mut child = root.first_child();
    while let Some(next) = child {
        if let Some(found) = find(&next, wanted) {
            return Some(found);
        }
        child = next.next_sibling();
    }
    None
}
