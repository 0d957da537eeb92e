//! Where a message is written: grows with its text, Enter sends, Shift+Enter breaks the line (or Enter does, and Ctrl+Enter sends). The draft stays with its tab. What is written may
//! answer a message, or be another text for an own one; Escape leaves that. What is pasted is looked at first, see [`clipboard`].

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, glib, pango};
use hobnob_shared::id::MessageId;
use hobnob_shared::limits;
use relm4::gtk;

use crate::ui::conversation::clipboard;
use crate::ui::conversation::completion::{Callable, Completion};
use crate::ui::conversation::desk::{Answered, Desk, Edit, Mode, Unsent};
use crate::ui::conversation::mode_bar::ModeBar;
use crate::ui::conversation::writing::Writing;
use crate::ui::settings::{Flag, Store};
use crate::ui::widgets::icon_button::{icon_button, menu_button};
use crate::ui::widgets::spoken::called;
use crate::ui::widgets::tip::tip;

/// What was done in the composer.
#[derive(Debug)]
pub enum ComposerOutput {
    /// Send this, in answer to a message or not.
    Send(String, Option<MessageId>),
    /// Give an own message another text.
    Edit(Edit),
    /// Change the last own message.
    EditLast,
    /// The text that an own message is to have is too long by so many bytes; it stays where it is.
    TooLong(usize),
    /// A text is too long for a message; it stays where it is, in the composer or only in the clipboard.
    Long(String, Place),
    /// Choose files.
    Attach,
    /// A picture was pasted; none if it cannot be read.
    Paste(Option<gdk::Texture>),
    /// Something is being written, or not any more.
    Writing(bool),
    /// This is the new message so far.
    Draft(String),
}

/// Where a text is that is too long for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the composer.
    Written,
    /// In the clipboard.
    Copied,
}

/// Height of about six lines, in pixels.
const HEIGHT: i32 = 132;

/// The text, and what becomes of it.
struct Sheet {
    text: gtk::TextView,
    desk: RefCell<Desk>,
    bar: ModeBar,
    send: gtk::Button,
    save: gtk::Button,
    writing: Rc<Writing>,
    /// The program puts a text there: nobody writes.
    by_program: Cell<bool>,
    completion: Rc<Completion>,
    tell: Box<dyn Fn(ComposerOutput)>,
}

impl Sheet {
    fn content(&self) -> String {
        content(&self.text.buffer())
    }

    /// Puts a text there that nobody writes just now.
    fn put(&self, text: &str) {
        self.by_program.set(true);
        self.text.buffer().set_text(text);
        self.by_program.set(false);
    }

    /// The text is another one.
    fn changed(&self) {
        let text = self.content();
        if !self.by_program.get() {
            self.writing.touched(!text.trim().is_empty());
        }
        if !self.desk.borrow().is_editing() {
            (self.tell)(ComposerOutput::Draft(text));
        }
    }

    fn submit(&self) {
        let text = self.content().trim().to_owned();
        if text.is_empty() {
            return;
        }
        if let Some(excess @ 1..) = text.len().checked_sub(limits::TEXT) {
            (self.tell)(if self.desk.borrow().is_editing() {
                ComposerOutput::TooLong(excess)
            } else {
                ComposerOutput::Long(text, Place::Written)
            });
            return;
        }
        self.writing.stopped();
        (self.tell)(match self.leave() {
            Mode::Edit { message, .. } => ComposerOutput::Edit(Edit { message, text }),
            Mode::New(reply) => {
                self.put("");
                ComposerOutput::Send(text, reply.map(|answered| answered.message))
            }
        });
    }

    /// One step back. What it was until now.
    fn leave(&self) -> Mode {
        let (left, text) = self.desk.borrow_mut().leave();
        self.show(text);
        left
    }

    /// Shows what the text is, and the text itself where it is another one.
    fn show(&self, text: Option<String>) {
        let editing = {
            let desk = self.desk.borrow();
            self.bar.show(desk.mode());
            desk.is_editing()
        };
        self.send.set_visible(!editing);
        self.save.set_visible(editing);
        if let Some(text) = text {
            self.put(&text);
        }
    }

    fn is_plain(&self) -> bool {
        self.desk.borrow().is_plain()
    }

    fn edit(&self, edit: Edit) {
        self.desk.borrow_mut().edit(&edit, self.content());
        self.show(Some(edit.text));
        self.text.grab_focus();
    }

    fn reply(&self, answered: Answered) {
        let text = self.desk.borrow_mut().reply(answered);
        self.show(text);
        self.text.grab_focus();
    }

    fn restore(&self, unsent: Unsent) {
        let text = self.desk.borrow_mut().restore(unsent, &self.content());
        self.show(text);
        let behind = match self.desk.borrow().mode() {
            Mode::Edit { draft, .. } => Some(draft.text.clone()),
            Mode::New(_) => None,
        };
        // What stands behind an edit is not seen, and kept like any other.
        if let Some(draft) = behind {
            (self.tell)(ComposerOutput::Draft(draft));
        }
    }

    /// Nothing is written any more, and to no message.
    fn clear(&self) {
        self.writing.stopped();
        self.desk.take();
        self.show(Some(String::new()));
    }
}

/// The composer.
pub struct Composer {
    root: gtk::Box,
    sheet: Rc<Sheet>,
    hint: gtk::Label,
    usual_hint: RefCell<String>,
    /// Why nothing can be written.
    closed: RefCell<Option<String>>,
    /// The cursor was to be here while writing was not possible.
    wanted: Cell<bool>,
}

impl Composer {
    /// An empty one that writes to `name`.
    pub fn new(name: &str, preferences: Store, tell: impl Fn(ComposerOutput) + Clone + 'static) -> Self {
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
        let usual_hint = hint_for(name);
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
        let save = icon_button("object-select-symbolic", "Save Changes");
        save.set_css_classes(&["circular", "suggested-action", "send"]);
        save.set_visible(false);
        send.bind_property("sensitive", &save, "sensitive").sync_create().build();

        let buffer = text.buffer();
        let (label, button) = (hint.clone(), send.clone());
        buffer.connect_changed(move |buffer| {
            let is_empty = buffer.char_count() == 0;
            label.set_visible(is_empty);
            button.set_sensitive(!content(buffer).trim().is_empty());
        });
        let completion = Completion::new(&text, &field);
        let sheet = Rc::new_cyclic(|sheet: &std::rc::Weak<Sheet>| {
            let sheet = sheet.clone();
            let bar = ModeBar::new(move || {
                if let Some(sheet) = sheet.upgrade() {
                    sheet.leave();
                    sheet.text.grab_focus();
                }
            });
            let say = tell.clone();
            let writing = Writing::new(move |active| say(ComposerOutput::Writing(active)));
            let (text, desk, tell) = (text.clone(), RefCell::default(), Box::new(tell.clone()));
            let (by_program, completion) = (Cell::new(false), completion.clone());
            Sheet { text, desk, bar, send: send.clone(), save: save.clone(), writing, by_program, completion, tell }
        });
        let of = Rc::downgrade(&sheet);
        buffer.connect_changed(move |_| {
            if let Some(sheet) = of.upgrade() {
                sheet.changed();
            }
        });
        for button in [&send, &save] {
            let sheet = Rc::downgrade(&sheet);
            button.connect_clicked(move |_| {
                if let Some(sheet) = sheet.upgrade() {
                    sheet.submit();
                }
            });
        }
        text.add_controller(keys(&sheet, preferences));

        clipboard::watch(&text, tell.clone());
        let line = gtk::Box::builder().spacing(6).build();
        line.add_css_class("composer");
        for button in [attach.upcast_ref::<gtk::Widget>(), emoji.upcast_ref(), send.upcast_ref(), save.upcast_ref()] {
            button.set_valign(gtk::Align::End);
            line.append(button);
        }
        line.insert_child_after(&field, Some(&attach));
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        root.append(sheet.bar.widget());
        root.append(&line);
        Self {
            root,
            sheet,
            hint,
            usual_hint: RefCell::new(usual_hint),
            closed: RefCell::default(),
            wanted: Cell::default(),
        }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Puts the cursor here.
    pub fn focus(&self) {
        self.wanted.set(!self.sheet.text.grab_focus());
    }

    /// What is written next answers this message.
    pub fn reply(&self, answered: Answered) {
        self.sheet.reply(answered);
    }

    /// Changes an own message.
    pub fn edit(&self, edit: Edit) {
        self.sheet.edit(edit);
    }

    /// These can be called by an `@`.
    pub fn know(&self, people: Vec<Callable>) {
        self.sheet.completion.know(people);
    }

    /// What was written went another way, if it still stands here.
    pub fn sent_otherwise(&self, text: &str) {
        if self.sheet.content().trim() == text && !self.sheet.desk.borrow().is_editing() {
            self.sheet.clear();
        }
    }

    /// Nothing is written any more, and to no message.
    pub fn clear(&self) {
        self.sheet.clear();
    }

    /// Something was not accepted: it comes back as what it was, before what was written since.
    pub fn restore(&self, unsent: Unsent) {
        self.sheet.restore(unsent);
    }

    /// Writing is not possible, and why; none opens it again. What was written already stays.
    pub fn close(&self, why: Option<&str>) {
        self.root.set_sensitive(why.is_none());
        let is_free = || self.root.root().is_some_and(|root| root.focus().is_none());
        if why.is_none() && self.wanted.take() && is_free() {
            self.focus();
        }
        let why = why.filter(|why| !why.is_empty());
        tip(&self.root, why);
        self.closed.replace(why.map(str::to_owned));
        self.show_hint();
    }

    /// Whoever is written to is called so.
    pub fn name(&self, name: &str) {
        self.usual_hint.replace(hint_for(name));
        self.show_hint();
    }

    fn show_hint(&self) {
        self.hint.set_text(self.closed.borrow().as_ref().unwrap_or(&self.usual_hint.borrow()));
    }
}

fn hint_for(name: &str) -> String {
    format!("Message {name}")
}

fn content(buffer: &gtk::TextBuffer) -> String {
    buffer.text(&buffer.start_iter(), &buffer.end_iter(), true).to_string()
}

/// Enter sends, or Ctrl+Enter where that is preferred; Escape leaves answering and changing, Up in an empty field changes what was sent last.
fn keys(sheet: &Rc<Sheet>, preferences: Store) -> gtk::EventControllerKey {
    let keys = gtk::EventControllerKey::new();
    keys.set_propagation_phase(gtk::PropagationPhase::Capture);
    let sheet = Rc::downgrade(sheet);
    keys.connect_key_pressed(move |keys, key, _, state| {
        let Some(sheet) = sheet.upgrade() else { return glib::Propagation::Proceed };
        if sheet.completion.key(key) {
            return glib::Propagation::Stop;
        }
        let modifiers = gdk::ModifierType::SHIFT_MASK | gdk::ModifierType::CONTROL_MASK | gdk::ModifierType::ALT_MASK;
        let none = gdk::ModifierType::empty();
        let held = state & modifiers;
        let sending = if preferences.is(Flag::EnterSends) { none } else { gdk::ModifierType::CONTROL_MASK };
        let deed: fn(&Sheet) = match key {
            gdk::Key::Return | gdk::Key::KP_Enter | gdk::Key::ISO_Enter if held == sending => Sheet::submit,
            _ if held != none => return glib::Propagation::Proceed,
            gdk::Key::Escape if !sheet.is_plain() => |sheet| drop(sheet.leave()),
            gdk::Key::Up if sheet.is_plain() && sheet.content().is_empty() => {
                |sheet| (sheet.tell)(ComposerOutput::EditLast)
            }
            _ => return glib::Propagation::Proceed,
        };
        // The key may choose a word of an input method, or leave it.
        if keys.current_event().is_some_and(|event| sheet.text.im_context_filter_keypress(&event)) {
            sheet.text.reset_im_context();
            return glib::Propagation::Stop;
        }
        deed(&sheet);
        glib::Propagation::Stop
    });
    keys
}
