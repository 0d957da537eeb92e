//! A button that shows a picture only: its name is a tooltip for those who see and a label for those who listen. Used wherever the window
//! has a button without words.

use std::cell::RefCell;
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gio, glib};
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
    menu_button_with(icon, name, || None)
}

/// The same with a menu, whose many widgets are made when it is opened. A menu that is not right any more is set to none, and made anew.
pub fn menu_button_with(icon: &str, name: &str, menu: impl Fn() -> Option<gio::Menu> + 'static) -> gtk::MenuButton {
    let button: gtk::MenuButton = called(name);
    button.set_icon_name(icon);
    button.set_tooltip_text(Some(name));
    before_opening(&button, menu);
    button
}

/// Makes its menu. And who opened it by its keys goes on where they were; GTK would leave them at the button.
fn before_opening(button: &gtk::MenuButton, menu: impl Fn() -> Option<gio::Menu> + 'static) {
    let before = Rc::new(RefCell::new(None::<glib::WeakRef<gtk::Widget>>));
    let focus_of = |button: &gtk::MenuButton| button.root().and_then(|root| root.focus());
    let kept = before.clone();
    button.set_create_popup_func(move |button| {
        let focus = focus_of(button).filter(|focus| !focus.is_ancestor(button));
        kept.replace(focus.map(|focus| focus.downgrade()));
        if let Some(menu) = button.popover().is_none().then(&menu).flatten() {
            button.set_menu_model(Some(&menu));
        }
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
