//! What is pasted into the composer: a picture is handed up, and so is a text that no message has room for, because the field would have to lay
//! out all of it; anything else goes where the cursor is. Used by the composer.

use gtk::prelude::*;
use gtk::{gdk, glib};
use hobnob_shared::limits;
use relm4::gtk;

use crate::ui::conversation::composer::{ComposerOutput, Place};

/// Looks at whatever is pasted into `text`.
pub fn watch(text: &gtk::TextView, tell: impl Fn(ComposerOutput) + Clone + 'static) {
    text.connect_paste_clipboard(move |text| {
        let clipboard = text.clipboard();
        text.stop_signal_emission_by_name("paste-clipboard");
        let (say, text, is_picture) = (tell.clone(), text.downgrade(), holds_picture(&clipboard));
        glib::spawn_future_local(async move {
            if is_picture {
                let read = clipboard.read_texture_future().await;
                say(ComposerOutput::Paste(read.ok().flatten()));
            } else if let Ok(Some(pasted)) = clipboard.read_text_future().await {
                if pasted.trim().len() > limits::TEXT {
                    say(ComposerOutput::Long(pasted.trim().to_owned(), Place::Copied));
                } else if let Some(text) = text.upgrade() {
                    insert(&text, &pasted);
                }
            }
        });
    });
}

/// As the toolkit pastes: in the place of what is selected, as one step that can be undone.
fn insert(text: &gtk::TextView, pasted: &str) {
    let buffer = text.buffer();
    buffer.begin_user_action();
    buffer.delete_selection(true, text.is_editable());
    buffer.insert_interactive_at_cursor(pasted, text.is_editable());
    buffer.end_user_action();
    text.scroll_mark_onscreen(&buffer.get_insert());
}

/// A picture, and no text that could be meant instead: an office program offers both.
fn holds_picture(clipboard: &gdk::Clipboard) -> bool {
    let types = clipboard.formats().union_deserialize_types();
    types.contains_type(gdk::Texture::static_type()) && !types.contains_type(glib::Type::STRING)
}
