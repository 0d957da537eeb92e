//! The entrance: sign-up and sign-in on one page, as both need the same three things. Errors stay on the page as sentences. A profile that
//! has an account already needs no password: its device key signs it in.

use adw::prelude::*;
use gtk::glib;
use relm4::{Component, ComponentParts, ComponentSender, adw, gtk};

use crate::core::command::Password;
use crate::model::connection::Entry;
use crate::model::rooms::meant;
use crate::ui::APP_ID;
use crate::ui::dialogs::join_room::mark;
use crate::ui::widgets::spoken::{heard, name_library_buttons};

/// What to show.
#[derive(Debug)]
pub enum SignInInput {
    /// How one gets in, the server's address as far as it is known, and why one was signed out.
    Shown {
        /// With an account in the profile only signing in is possible.
        entry: Entry,
        /// `ADDR:PORT[#FINGERPRINT]`.
        server: Option<String>,
        /// A sentence.
        notice: Option<&'static str>,
    },
    /// It did not work: a sentence.
    Refused(String),
    /// The keyboard goes to where something is to be typed.
    Focus,
    /// It worked: forget the password.
    Entered,
    /// A button or Enter: sign up, or in.
    Submit(Door),
}

/// Which way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A new account.
    SignUp,
    /// An account there is.
    SignIn,
}

/// The wish to enter.
#[derive(Debug)]
pub struct SignInOutput {
    /// Which way in.
    pub door: Door,
    /// As typed.
    pub user: String,
    /// As typed; empty where the device key does.
    pub password: Password,
    /// As typed.
    pub server: String,
    /// The room to open once inside, as typed; empty for none.
    pub room: String,
}

/// The page.
#[derive(Default)]
pub struct SignIn {
    entry: Entry,
    working: bool,
    /// It was refused just now.
    refused: bool,
}

/// Its widgets.
pub struct SignInWidgets {
    title: gtk::Label,
    hint: gtk::Label,
    user: adw::EntryRow,
    password: adw::PasswordEntryRow,
    server: adw::EntryRow,
    room: adw::EntryRow,
    problem: gtk::Label,
    fields: adw::PreferencesGroup,
    sign_up: gtk::Button,
    sign_in: gtk::Button,
    spinner: gtk::Spinner,
}

impl Component for SignIn {
    type Init = ();
    type Input = SignInInput;
    type Output = SignInOutput;
    type CommandOutput = ();
    type Root = gtk::Box;
    type Widgets = SignInWidgets;

    fn init_root() -> gtk::Box {
        gtk::Box::builder().orientation(gtk::Orientation::Vertical).build()
    }

    fn init((): (), root: gtk::Box, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let widgets = SignInWidgets::new(&root);
        for (button, door) in [(&widgets.sign_up, Door::SignUp), (&widgets.sign_in, Door::SignIn)] {
            let input = sender.input_sender().clone();
            button.connect_clicked(move |_| input.emit(SignInInput::Submit(door)));
        }
        widgets.room.connect_changed(|room| {
            let typed = room.text();
            mark(room, typed.trim().is_empty() || meant(&typed).is_some());
        });
        let rows = [&widgets.user, widgets.password.upcast_ref(), &widgets.server, &widgets.room];
        for row in rows {
            let (input, sign_up) = (sender.input_sender().clone(), widgets.sign_up.downgrade());
            row.connect_entry_activated(move |_| {
                let new = sign_up.upgrade().is_some_and(|button| button.is_visible());
                input.emit(SignInInput::Submit(if new { Door::SignUp } else { Door::SignIn }));
            });
        }
        ComponentParts { model: Self::default(), widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut SignInWidgets,
        message: SignInInput,
        sender: ComponentSender<Self>,
        root: &gtk::Box,
    ) {
        match message {
            SignInInput::Shown { entry, server, notice } => {
                if let Some(server) = server.filter(|_| widgets.server.text().is_empty()) {
                    widgets.server.set_text(&server);
                }
                widgets.greet(&entry);
                widgets.complain(notice);
                self.entry = entry;
                self.focus(widgets);
            }
            SignInInput::Refused(text) => {
                self.working = false;
                self.refused = true;
                widgets.complain(Some(&text));
            }
            SignInInput::Focus => self.focus(widgets),
            SignInInput::Entered => {
                self.working = false;
                widgets.password.set_text("");
                widgets.room.set_text("");
                widgets.complain(None);
            }
            SignInInput::Submit(door) if !self.working => {
                let output = widgets.read(door);
                let missing = self.missing(&output);
                widgets.complain(missing);
                if missing.is_none() {
                    self.working = true;
                    // What cannot be used while this works must not keep the keyboard.
                    if let Some(window) = root.root().and_downcast::<gtk::Window>() {
                        GtkWindowExt::set_focus(&window, None::<&gtk::Widget>);
                    }
                    sender.output_sender().emit(output);
                }
            }
            SignInInput::Submit(_) => {}
        }
        widgets.fields.set_sensitive(!self.working);
        widgets.sign_up.set_sensitive(!self.working);
        widgets.sign_in.set_sensitive(!self.working);
        widgets.spinner.set_visible(self.working);
        widgets.spinner.set_spinning(self.working);
        if std::mem::take(&mut self.refused) {
            self.focus(widgets);
        }
    }
}

impl SignIn {
    /// The keyboard goes to what is to be filled in, else to the button.
    fn focus(&self, widgets: &SignInWidgets) {
        let refused = widgets.problem.is_visible() && !widgets.user.text().is_empty();
        match self.entry {
            Entry::New if refused => widgets.password.grab_focus(),
            Entry::New => widgets.user.grab_focus(),
            Entry::Known(_) => widgets.sign_in.grab_focus(),
            Entry::Removed(_) => widgets.password.grab_focus(),
        };
    }

    /// What nobody needs a server to see.
    fn missing(&self, output: &SignInOutput) -> Option<&'static str> {
        if output.user.is_empty() {
            Some("Type a username: 3 to 32 of a-z, 0-9, dot, underscore and hyphen.")
        } else if output.password.expose().is_empty() && !matches!(self.entry, Entry::Known(_)) {
            Some("Type a password.")
        } else if output.server.is_empty() && self.entry == Entry::New {
            Some("Type the server’s address. Who runs the server knows it.")
        } else if !output.room.is_empty() && meant(&output.room).is_none() {
            Some("A room ID is 1 to 32 of a-z, 0-9, dot, underscore and hyphen.")
        } else {
            None
        }
    }
}

impl SignInWidgets {
    fn new(root: &gtk::Box) -> Self {
        let icon = gtk::Image::builder()
            .icon_name(APP_ID)
            .pixel_size(88)
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        let title =
            gtk::Label::builder().label("Welcome to Hobnob").wrap(true).justify(gtk::Justification::Center).build();
        title.add_css_class("title-1");
        let hint = gtk::Label::builder().wrap(true).justify(gtk::Justification::Center).build();
        hint.add_css_class("dim-label");

        let user = heard(adw::EntryRow::builder().title("Username").build());
        let password = heard(adw::PasswordEntryRow::builder().title("Password").build());
        let server = heard(adw::EntryRow::builder().title("Server").build());
        server.set_tooltip_text(Some("ADDRESS:PORT, with #FINGERPRINT behind it if you were given one"));
        let to_join = heard(adw::EntryRow::builder().title("Room ID (optional)").build());
        to_join.set_tooltip_text(Some("A room to join and open at once, such as #tea"));
        let fields = adw::PreferencesGroup::new();
        fields.add(&user);
        fields.add(&password);
        fields.add(&server);
        fields.add(&to_join);
        let about_server = gtk::Label::builder()
            .label("The server’s address and port, such as 192.0.2.7:7666. With #fingerprint behind it, the program makes sure that it is the right server.")
            .wrap(true)
            .xalign(0.0)
            .build();
        about_server.set_css_classes(&["dim-label", "caption"]);

        let problem = gtk::Label::builder()
            .wrap(true)
            .xalign(0.0)
            .visible(false)
            .selectable(true)
            .accessible_role(gtk::AccessibleRole::Alert)
            .build();
        problem.add_css_class("problem");

        let button = |words: &str| gtk::Button::builder().label(words).hexpand(true).css_classes(["pill"]).build();
        let (sign_up, sign_in) = (button("Sign Up"), button("Sign In"));
        let buttons = gtk::Box::builder().spacing(12).homogeneous(true).build();
        buttons.append(&sign_in);
        buttons.append(&sign_up);
        let spinner = gtk::Spinner::builder()
            .visible(false)
            .halign(gtk::Align::Center)
            .width_request(24)
            .height_request(24)
            .build();

        let column =
            gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(14).valign(gtk::Align::Center).build();
        column.add_css_class("entrance");
        let greeting = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(6).build();
        greeting.append(&icon);
        greeting.append(&title);
        greeting.append(&hint);
        let form = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
        form.append(&fields);
        form.append(&about_server);
        for part in
            [greeting.upcast_ref::<gtk::Widget>(), form.upcast_ref(), problem.upcast_ref(), buttons.upcast_ref()]
        {
            column.append(part);
        }
        column.append(&spinner);
        let clamp = adw::Clamp::builder().maximum_size(420).child(&column).build();
        let scroller = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .vexpand(true)
            .child(&clamp)
            .build();
        let bar = adw::HeaderBar::builder().title_widget(&adw::WindowTitle::new("", "")).build();
        bar.add_css_class("flat");
        root.append(&bar);
        root.append(&scroller);
        name_library_buttons(&fields);
        Self { title, hint, user, password, server, room: to_join, problem, fields, sign_up, sign_in, spinner }
    }

    fn greet(&self, entry: &Entry) {
        let (user, hint) = match entry {
            Entry::New => (None, "Choose a username and a password to sign up, or sign in with those that you have."),
            Entry::Known(user) => (Some(user), "This device knows your account, so no password is needed."),
            Entry::Removed(user) => {
                (Some(user), "This device was removed from your account. Sign in with the password to add it again.")
            }
        };
        let known = user.is_some();
        self.title
            .set_text(&user.map_or_else(|| "Welcome to Hobnob".to_owned(), |user| format!("Welcome Back, {user}")));
        self.hint.set_text(hint);
        if let Some(user) = user {
            self.user.set_text(user.as_str());
        }
        self.user.set_editable(!known);
        self.password.set_visible(!matches!(entry, Entry::Known(_)));
        self.sign_up.set_visible(!known);
        let main = if known { &self.sign_in } else { &self.sign_up };
        main.add_css_class("suggested-action");
    }

    fn complain(&self, text: Option<&str>) {
        self.problem.set_visible(text.is_some());
        self.problem.set_text(text.unwrap_or_default());
    }

    fn read(&self, door: Door) -> SignInOutput {
        let trimmed = |text: glib::GString| text.trim().to_owned();
        SignInOutput {
            door,
            user: trimmed(self.user.text()),
            password: Password::new(self.password.text().to_string()),
            server: trimmed(self.server.text()),
            room: trimmed(self.room.text()),
        }
    }
}

/// The page that stops everything: the server is not who it was. `go_on` leads back, with nothing sent until the person signs in again.
pub fn stop_page(text: &str, go_on: impl Fn() + 'static) -> gtk::Widget {
    let sentence =
        gtk::Label::builder().label(text).wrap(true).justify(gtk::Justification::Center).selectable(true).build();
    let back = gtk::Button::builder().label("Use Another Server Address").build();
    back.connect_clicked(move |_| go_on());
    let quit = gtk::Button::builder().label("Quit").action_name("win.quit").build();
    quit.add_css_class("suggested-action");
    let buttons =
        gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(12).halign(gtk::Align::Center).build();
    for button in [&quit, &back] {
        button.add_css_class("pill");
        buttons.append(button);
    }
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(30).build();
    content.append(&sentence);
    content.append(&buttons);
    let page = adw::StatusPage::builder()
        .icon_name("dialog-warning-symbolic")
        .title("The Server’s Key Has Changed")
        .child(&adw::Clamp::builder().maximum_size(520).child(&content).build())
        .vexpand(true)
        .build();
    page.add_css_class("alarm");
    with_bar(&page)
}

/// The page for a core that did not start.
pub fn failed_page(text: &str) -> gtk::Widget {
    let sentence =
        gtk::Label::builder().label(text).wrap(true).justify(gtk::Justification::Center).selectable(true).build();
    let quit = gtk::Button::builder().label("Quit").halign(gtk::Align::Center).action_name("win.quit").build();
    quit.set_css_classes(&["pill", "suggested-action"]);
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(30).build();
    content.append(&sentence);
    content.append(&quit);
    let page = adw::StatusPage::builder()
        .icon_name("dialog-error-symbolic")
        .title("Hobnob Cannot Start")
        .child(&adw::Clamp::builder().maximum_size(520).child(&content).build())
        .vexpand(true)
        .build();
    with_bar(&page)
}

fn with_bar(page: &adw::StatusPage) -> gtk::Widget {
    let bar = adw::HeaderBar::builder().title_widget(&adw::WindowTitle::new("", "")).build();
    bar.add_css_class("flat");
    let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
    root.append(&bar);
    root.append(page);
    root.upcast()
}
