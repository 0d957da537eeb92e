//! Tooltips that change. GTK 4.8 asks the X server where the pointer is each time that one is set, and waits for the answer; with a screen of
//! rows, each set to what it was, that is milliseconds for nothing.

use gtk::prelude::*;
use relm4::gtk;

/// The widget has this tooltip, or none.
pub fn tip(widget: &impl IsA<gtk::Widget>, words: Option<&str>) {
    if widget.tooltip_text().as_deref() != words {
        widget.set_tooltip_text(words);
    }
}
