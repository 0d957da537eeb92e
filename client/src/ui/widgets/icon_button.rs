//! A button that shows a picture only: its name is a tooltip for those who see and a label for those who listen. Used wherever the window
//! has a button without words.

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
    button
}
