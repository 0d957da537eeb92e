//! Where a message is written: grows with its text, Enter sends, Shift+Enter breaks the line. The draft stays with its tab. A picture that is
//! pasted does not become text: it is handed up.

use gtk::prelude::*;
use gtk::{gdk, glib, pango};
use hobnob_shared::limits;
use relm4::gtk;

use crate::ui::widgets::icon_button::{icon_button, menu_button};
use crate::ui::widgets::spoken::called;

/// What was done in the composer.
#[derive(Debug)]
pub enum ComposerOutput {
    /// Send this.
    Send(String),
    /// The text is too long by so many bytes; it stays where it is.
    TooLong(usize),
    /// Choose files.
    Attach,
    /// A picture was pasted; none if it cannot be read.
    Paste(Option<gdk::Texture>),
    /// Something is being written, or all of it was deleted.
    Writing(bool),
}

/// Height of about six lines, in pixels.
const HEIGHT: i32 = 132;

/// The composer.
pub struct Composer {
    root: gtk::Box,
    text: gtk::TextView,
    hint: gtk::Label,
    usual_hint: String,
}

impl Composer {
    /// An empty one that writes to `name`.
    pub fn new(name: &str, tell: impl Fn(ComposerOutput) + Clone + 'static) -> Self {
        let attach = icon_button("mail-attachment-symbolic", "Attach File");
        attach.set_css_classes(&["flat", "circular"]);
        let say = tell.clone();
        attach.connect_clicked(move |_| say(ComposerOutput::Attach));

        let text: gtk::TextView = called("Message");
        text.set_wrap_mode(gtk::WrapMode::WordChar);
        text.set_accepts_tab(false);
        text.set_top_margin(8);
        text.set_bottom_margin(8);
        text.set_left_margin(14);
        text.set_right_margin(14);
        text.set_hexpand(true);
        let scroller = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .propagate_natural_height(true)
            // A bar of its own would make the one line as high as two.
            .vscrollbar_policy(gtk::PolicyType::External)
            .max_content_height(HEIGHT)
            .child(&text)
            .build();
        // GTK's text view has no placeholder of its own.
        let usual_hint = format!("Message {name}");
        let hint = gtk::Label::builder()
            .label(&usual_hint)
            .xalign(0.0)
            .valign(gtk::Align::Start)
            .can_target(false)
            .ellipsize(pango::EllipsizeMode::End)
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        hint.add_css_class("placeholder");
        let field = gtk::Overlay::builder().child(&scroller).build();
        field.add_overlay(&hint);
        field.add_css_class("message-field");

        let emoji = menu_button("face-smile-symbolic", "Insert Emoji");
        emoji.set_css_classes(&["flat", "circular", "emoji"]);
        emoji.set_direction(gtk::ArrowType::Up);
        // The chooser reads all emojis there are, so it is built when it is first wanted.
        let view = text.clone();
        emoji.set_create_popup_func(move |button| {
            if button.popover().is_none() {
                let chooser = gtk::EmojiChooser::new();
                let view = view.clone();
                chooser.connect_emoji_picked(move |_, emoji| {
                    view.buffer().insert_at_cursor(emoji);
                    view.grab_focus();
                });
                button.set_popover(Some(&chooser));
            }
        });

        let send = icon_button("go-up-symbolic", "Send");
        send.set_css_classes(&["circular", "suggested-action", "send"]);
        send.set_sensitive(false);

        let buffer = text.buffer();
        let (label, button, say) = (hint.clone(), send.clone(), tell.clone());
        buffer.connect_changed(move |buffer| {
            let is_empty = buffer.char_count() == 0;
            label.set_visible(is_empty);
            let can_send = !content(buffer).trim().is_empty();
            if button.is_sensitive() != can_send {
                button.set_sensitive(can_send);
                say(ComposerOutput::Writing(can_send));
            }
        });
        let (to_send, say) = (buffer.clone(), tell.clone());
        send.connect_clicked(move |_| submit(&to_send, &say));

        let said = tell.clone();
        let keys = gtk::EventControllerKey::new();
        keys.set_propagation_phase(gtk::PropagationPhase::Capture);
        let view = text.clone();
        keys.connect_key_pressed(move |keys, key, _, state| {
            let enter = matches!(key, gdk::Key::Return | gdk::Key::KP_Enter | gdk::Key::ISO_Enter);
            let plain = !state.intersects(
                gdk::ModifierType::SHIFT_MASK | gdk::ModifierType::CONTROL_MASK | gdk::ModifierType::ALT_MASK,
            );
            if !(enter && plain) {
                return glib::Propagation::Proceed;
            }
            // Enter may choose a word of an input method.
            if keys.current_event().is_some_and(|event| view.im_context_filter_keypress(&event)) {
                view.reset_im_context();
                return glib::Propagation::Stop;
            }
            submit(&view.buffer(), &said);
            glib::Propagation::Stop
        });
        text.add_controller(keys);

        let say = tell.clone();
        text.connect_paste_clipboard(move |text| {
            let clipboard = text.clipboard();
            if holds_picture(&clipboard) {
                text.stop_signal_emission_by_name("paste-clipboard");
                let say = say.clone();
                glib::spawn_future_local(async move {
                    let read = clipboard.read_texture_future().await;
                    say(ComposerOutput::Paste(read.ok().flatten()));
                });
            }
        });
        let root = gtk::Box::builder().spacing(6).build();
        root.add_css_class("composer");
        for widget in [attach.upcast_ref::<gtk::Widget>(), field.upcast_ref(), emoji.upcast_ref(), send.upcast_ref()] {
            if !widget.is::<gtk::Overlay>() {
                widget.set_valign(gtk::Align::End);
            }
            root.append(widget);
        }
        Self { root, text, hint, usual_hint }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Puts the cursor here.
    pub fn focus(&self) {
        self.text.grab_focus();
    }

    /// Puts a text back that was not sent, before what was written since.
    pub fn restore(&self, text: &str) {
        let buffer = self.text.buffer();
        let written = content(&buffer);
        let whole = if written.trim().is_empty() { text.to_owned() } else { format!("{text}\n{written}") };
        buffer.set_text(&whole);
        self.hint.set_visible(false);
    }

    /// Writing is not possible, and why; none opens it again. What was written already stays.
    pub fn close(&self, why: Option<&str>) {
        self.root.set_sensitive(why.is_none());
        let why = why.filter(|why| !why.is_empty());
        self.hint.set_text(why.unwrap_or(&self.usual_hint));
        self.root.set_tooltip_text(why);
    }
}

/// A picture, and no text that could be meant instead: an office program offers both.
fn holds_picture(clipboard: &gdk::Clipboard) -> bool {
    let types = clipboard.formats().union_deserialize_types();
    types.contains_type(gdk::Texture::static_type()) && !types.contains_type(glib::Type::STRING)
}

fn content(buffer: &gtk::TextBuffer) -> String {
    buffer.text(&buffer.start_iter(), &buffer.end_iter(), true).to_string()
}

fn submit(buffer: &gtk::TextBuffer, tell: &impl Fn(ComposerOutput)) {
    let text = content(buffer).trim().to_owned();
    if text.is_empty() {
        return;
    }
    match text.len().checked_sub(limits::TEXT) {
        None | Some(0) => {
            buffer.set_text("");
            tell(ComposerOutput::Send(text));
        }
        Some(excess) => tell(ComposerOutput::TooLong(excess)),
    }
}
