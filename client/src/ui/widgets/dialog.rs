//! A question over the window: heading, sentence, what to fill in, buttons. Like libadwaita's message dialog, whose buttons screen readers
//! of this version read out twice. What has to be asked of the core first leaves it open until the answer comes, and says in it what was
//! wrong.

use std::cell::RefCell;
use std::rc::Rc;

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
    problem: gtk::Label,
    spinner: gtk::Spinner,
    buttons: gtk::Box,
    /// The button that waits for an answer, and what had the keyboard when it was pressed.
    submit: Rc<RefCell<Option<gtk::Button>>>,
    focus: Rc<RefCell<Option<gtk::Widget>>>,
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
        let problem = gtk::Label::builder()
            .wrap(true)
            .xalign(0.0)
            .max_width_chars(44)
            .visible(false)
            .accessible_role(gtk::AccessibleRole::Alert)
            .build();
        problem.add_css_class("problem");
        let spinner = gtk::Spinner::builder()
            .visible(false)
            .halign(gtk::Align::Center)
            .width_request(20)
            .height_request(20)
            .build();
        let buttons = gtk::Box::builder().spacing(10).homogeneous(true).build();
        let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(22).build();
        column.add_css_class("question");
        column.append(&content);
        column.append(&problem);
        column.append(&spinner);
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
        Self { window, content, problem, spinner, buttons, submit: Rc::default(), focus: Rc::default() }
    }

    /// Something to fill in or look at, between the sentence and the buttons.
    pub fn add(&self, widget: &impl IsA<gtk::Widget>) {
        self.content.append(widget);
    }

    /// A button that does something and then closes the dialog.
    pub fn button(&self, words: &str, style: Style, run: impl Fn() + 'static) -> gtk::Button {
        let button = self.plain_button(words, style);
        let window = self.window.downgrade();
        button.connect_clicked(move |_| {
            run();
            if let Some(window) = window.upgrade() {
                window.close();
            }
        });
        button
    }

    /// A button that asks for something and leaves the dialog open until [`Dialog::close`] or [`Dialog::refuse`].
    pub fn submit(&self, words: &str, style: Style, run: impl Fn() + 'static) -> gtk::Button {
        let button = self.plain_button(words, style);
        button.connect_clicked(move |_| run());
        self.submit.replace(Some(button.clone()));
        button
    }

    fn plain_button(&self, words: &str, style: Style) -> gtk::Button {
        let button = gtk::Button::builder().label(words).build();
        match style {
            Style::Plain => {}
            Style::Suggested => {
                button.add_css_class("suggested-action");
                self.window.set_default_widget(Some(&button));
            }
            Style::Destructive => button.add_css_class("destructive-action"),
        }
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

    /// Its answer is under way: nothing can be changed meanwhile.
    pub fn work(&self) {
        self.focus.replace(GtkWindowExt::focus(&self.window));
        self.problem.set_visible(false);
        self.set_working(true);
    }

    /// What was wrong before is settled.
    pub fn clear(&self) {
        self.problem.set_visible(false);
    }

    /// It did not work: says why, and lets the person try again.
    pub fn refuse(&self, text: &str) {
        self.set_working(false);
        self.problem.set_text(text);
        self.problem.set_visible(true);
        if let Some(focus) = self.focus.take() {
            focus.grab_focus();
        }
    }

    fn set_working(&self, working: bool) {
        self.content.set_sensitive(!working);
        if let Some(button) = self.submit.borrow().as_ref() {
            button.set_sensitive(!working);
        }
        self.spinner.set_visible(working);
        self.spinner.set_spinning(working);
    }

    /// Somebody still looks at it.
    pub fn is_open(&self) -> bool {
        self.window.is_visible()
    }

    /// It worked, or is not needed any more.
    pub fn close(&self) {
        self.window.close();
    }

    /// Its window, for a question over the question.
    pub fn window(&self) -> &gtk::Window {
        &self.window
    }
}
