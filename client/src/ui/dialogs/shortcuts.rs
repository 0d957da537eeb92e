//! Which keys do what.

use adw::prelude::*;
use gtk::glib;
use relm4::{adw, gtk};

use crate::ui::RESOURCES;

/// Shows it. Built each time: GTK 4.8 ends the program when a screen reader asks for a child of it while a window that was never shown
/// is the last in its list, which the toolkit's own hidden help overlay is after every dialog that closes.
pub fn show(window: &adw::ApplicationWindow) {
    let builder = gtk::Builder::from_resource(&format!("{RESOURCES}/shortcuts.ui"));
    let Some(shortcuts) = builder.object::<gtk::ShortcutsWindow>("shortcuts") else { return };
    // As the overlay of its window it finds the keys of actions by itself.
    window.set_help_overlay(Some(&shortcuts));
    shortcuts.set_hide_on_close(false);
    let owner = window.downgrade();
    shortcuts.connect_close_request(move |_| {
        if let Some(window) = owner.upgrade() {
            window.set_help_overlay(None);
        }
        glib::Propagation::Proceed
    });
    shortcuts.present();
}
