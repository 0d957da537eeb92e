//! A question over the window: heading, sentence, what to fill in, buttons. Like libadwaita's message dialog, whose buttons screen readers
//! of this version read out twice.

use gtk::prelude::*;
use gtk::{gdk, glib};
use relm4::gtk;

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As any other.
    Plain,
    /// What most people will want; Enter does it.
    Suggested,
    /// What is hard to take back.
    Destructive,
}

/// The dialog.
#[derive(Debug, Clone)]
pub struct Dialog {
    window: gtk::Window,
    content: gtk::Box,
    buttons: gtk::Box,
}

impl Dialog {
    /// One over `parent`.
    pub fn new(parent: &impl IsA<gtk::Window>, heading: &str, body: &str) -> Self {
        let text = |words: &str, class: &str| {
            let label = gtk::Label::builder()
                .label(words)
                .wrap(true)
                .justify(gtk::Justification::Center)
                .max_width_chars(44)
                .build();
            label.add_css_class(class);
            label
        };
        let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(12).build();
        content.append(&text(heading, "title-2"));
        content.append(&text(body, "body"));
        let buttons = gtk::Box::builder().spacing(10).homogeneous(true).build();
        let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(22).build();
        column.add_css_class("question");
        column.append(&content);
        column.append(&buttons);
        let handle = gtk::WindowHandle::builder().child(&column).build();
        let window = gtk::Window::builder()
            .title(heading)
            .transient_for(parent)
            .modal(true)
            .destroy_with_parent(true)
            .resizable(false)
            .default_width(380)
            .titlebar(&gtk::Box::builder().visible(false).build())
            .child(&handle)
            .build();
        let keys = gtk::EventControllerKey::new();
        let closing = window.downgrade();
        keys.connect_key_pressed(move |_, key, _, _| match closing.upgrade() {
            Some(window) if key == gdk::Key::Escape => {
                window.close();
                glib::Propagation::Stop
            }
            _ => glib::Propagation::Proceed,
        });
        window.add_controller(keys);
        Self { window, content, buttons }
    }

    /// Something to fill in or look at, between the sentence and the buttons.
    pub fn add(&self, widget: &impl IsA<gtk::Widget>) {
        self.content.append(widget);
    }

    /// A button that closes the dialog and then does something.
    pub fn button(&self, words: &str, style: Style, run: impl Fn() + 'static) -> gtk::Button {
        let button = gtk::Button::builder().label(words).build();
        match style {
            Style::Plain => {}
            Style::Suggested => {
                button.add_css_class("suggested-action");
                self.window.set_default_widget(Some(&button));
            }
            Style::Destructive => button.add_css_class("destructive-action"),
        }
        let window = self.window.downgrade();
        button.connect_clicked(move |_| {
            run();
            if let Some(window) = window.upgrade() {
                window.close();
            }
        });
        self.buttons.append(&button);
        button
    }

    /// The button that does nothing.
    pub fn cancel(&self, words: &str) {
        let button = self.button(words, Style::Plain, || ());
        button.grab_focus();
    }

    /// Shows it.
    pub fn present(&self) {
        self.window.present();
    }
}
