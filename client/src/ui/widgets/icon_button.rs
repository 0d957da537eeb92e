//! A button that shows a picture only: its name is a tooltip for those who see and a label for those who listen. Used wherever the window
//! has a button without words.

use std::cell::RefCell;
use std::rc::Rc;

use gtk::glib;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::widgets::spoken::called;

/// A button with a picture and a name.
pub fn icon_button(icon: &str, name: &str) -> gtk::Button {
    let button: gtk::Button = called(name);
    button.set_icon_name(icon);
    button.set_tooltip_text(Some(name));
    button
}

/// A menu button with a picture and a name.
pub fn menu_button(icon: &str, name: &str) -> gtk::MenuButton {
    let button: gtk::MenuButton = called(name);
    button.set_icon_name(icon);
    button.set_tooltip_text(Some(name));
    give_back(&button);
    button
}

/// Who opened a menu by its keys goes on where they were; GTK would leave them at the button.
fn give_back(button: &gtk::MenuButton) {
    let before = Rc::new(RefCell::new(None::<glib::WeakRef<gtk::Widget>>));
    let focus_of = |button: &gtk::MenuButton| button.root().and_then(|root| root.focus());
    let kept = before.clone();
    button.set_create_popup_func(move |button| {
        let focus = focus_of(button).filter(|focus| !focus.is_ancestor(button));
        kept.replace(focus.map(|focus| focus.downgrade()));
    });
    let Some(toggle) = button.first_child().and_downcast::<gtk::ToggleButton>() else { return };
    let button = button.downgrade();
    toggle.connect_active_notify(move |toggle| {
        let Some(before) = before.borrow_mut().take_if(|_| !toggle.is_active()) else { return };
        let button = button.clone();
        glib::idle_add_local_once(move || {
            let is_there =
                button.upgrade().is_some_and(|button| focus_of(&button).is_none_or(|focus| focus.is_ancestor(&button)));
            // Unless what was chosen leads somewhere else.
            if let Some(before) = before.upgrade().filter(|_| is_there) {
                before.grab_focus();
            }
        });
    });
}
