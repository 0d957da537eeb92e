//! A button that shows a picture only: its name is a tooltip for those who see and a label for those who listen. Used wherever the window
//! has a button without words.

use gtk::prelude::*;
use relm4::gtk;

/// Gives any widget the name that screen readers speak, and the same as tooltip.
pub fn name_it(widget: &(impl IsA<gtk::Widget> + IsA<gtk::Accessible>), name: &str) {
    widget.set_tooltip_text(Some(name));
    widget.update_property(&[gtk::accessible::Property::Label(name)]);
}

/// A button with a picture and a name.
pub fn icon_button(icon: &str, name: &str) -> gtk::Button {
    let button = gtk::Button::from_icon_name(icon);
    name_it(&button, name);
    button
}

/// A menu button with a picture and a name. GTK gives a menu button an inner one that has the action, so both are named.
pub fn menu_button(icon: &str, name: &str) -> gtk::MenuButton {
    let button = gtk::MenuButton::builder().icon_name(icon).build();
    name_it(&button, name);
    if let Some(inner) = button.first_child() {
        inner.update_property(&[gtk::accessible::Property::Label(name)]);
    }
    button
}
