//! The menu of a line: right click, long press, or the menu key. Used by the lines of the sidebar.

use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, gio, glib};
use relm4::gtk;

/// Gives `root` a menu, built when it is asked for; none opens where `menu` has none.
pub fn attach(root: &gtk::Button, menu: impl Fn() -> Option<gio::Menu> + 'static) {
    let popup = {
        let root = root.downgrade();
        Rc::new(move |at: Option<(f64, f64)>| {
            let (Some(root), Some(menu)) = (root.upgrade(), menu()) else { return };
            let popover = gtk::PopoverMenu::from_model(Some(&menu));
            popover.set_parent(&root);
            popover.set_has_arrow(false);
            popover.set_halign(gtk::Align::Start);
            if let Some((x, y)) = at {
                #[expect(clippy::cast_possible_truncation, reason = "a place within a widget")]
                popover.set_pointing_to(Some(&gdk::Rectangle::new(x as i32, y as i32, 1, 1)));
            }
            popover.connect_closed(|popover| {
                let popover = popover.clone();
                // The chosen action runs after this signal and needs the popover in its place.
                glib::idle_add_local_once(move || popover.unparent());
            });
            popover.popup();
        })
    };
    let click = gtk::GestureClick::builder().button(gdk::BUTTON_SECONDARY).build();
    let open = popup.clone();
    click.connect_pressed(move |_, _, x, y| open(Some((x, y))));
    root.add_controller(click);
    let press = gtk::GestureLongPress::builder().touch_only(true).build();
    let open = popup.clone();
    press.connect_pressed(move |_, x, y| open(Some((x, y))));
    root.add_controller(press);
    let keys = gtk::EventControllerKey::new();
    keys.connect_key_pressed(move |_, key, _, state| {
        let menu = key == gdk::Key::Menu || (key == gdk::Key::F10 && state.contains(gdk::ModifierType::SHIFT_MASK));
        if menu {
            popup(None);
        }
        if menu { glib::Propagation::Stop } else { glib::Propagation::Proceed }
    });
    root.add_controller(keys);
}

/// Adds a line to a menu whose action is about `target`.
pub fn add(section: &gio::Menu, words: &str, action: &str, target: &str) {
    let item = gio::MenuItem::new(Some(words), None);
    item.set_action_and_target_value(Some(action), Some(&target.to_variant()));
    section.append_item(&item);
}
