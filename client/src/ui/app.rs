//! The root of the window: owns the model, the bridge and every part, and passes messages between them. What the model says is drawn by
//! [`crate::ui::changes`]; what the user wants is carried out by [`crate::ui::wishes`].

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use adw::prelude::*;
use gtk::{gio, glib};
use hobnob_shared::id::{ConversationId, RoomId};
use relm4::{Component, ComponentController, ComponentParts, ComponentSender, Controller, adw, gtk};

use crate::bridge::{Bridge, Delivery, Start};
use crate::core::command::{Command, Request};
use crate::model::listing::Listing;
use crate::model::{Model, Pending, Question, QuestionId};
use crate::ui::actions::{self, ActionMsg};
use crate::ui::answering::Answering;
use crate::ui::background;
use crate::ui::content::{Banner, Content};
use crate::ui::conversation::{PageInput, PageOutput};
pub use crate::ui::dialogs::answer::DialogAnswer;
use crate::ui::dialogs::devices::DevicesDialog;
use crate::ui::dialogs::jump_date::Days;
use crate::ui::drafts::Drafts;
use crate::ui::focus;
use crate::ui::members::MemberOutput;
use crate::ui::notify::Notifier;
use crate::ui::people::PeopleAction;
use crate::ui::preferences::{self, PreferencesWindow, TextSize};
use crate::ui::search::picker::PickerOutput;
use crate::ui::search::{Picker, Searching};
use crate::ui::seek::Seeking;
use crate::ui::settings::Store;
use crate::ui::sidebar::{Sidebar, SidebarOutput};
use crate::ui::sign_in::{SignIn, SignInOutput};
use crate::ui::tabs::{Tab, watch_tabs};
use crate::ui::text::literal_line;
use crate::ui::transfers::{Pictures, TransfersOutput, TransfersPanel};
use crate::ui::widgets::dialog::Dialog;
use crate::ui::widgets::pages::Pages;
use crate::ui::widgets::spoken::name_library_buttons;
use crate::ui::window_state::{KeptWindow, WindowState};
use crate::ui::windows::OwnWindow;

/// Which tabs are in front is written to the disk so long after another one came there.
const KEPT_AFTER: Duration = Duration::from_secs(1);

/// What the window is started with.
pub struct Init {
    /// The core, or a script of it.
    pub start: Start,
    /// The profile's folder: what is kept of the window stands there.
    pub profile: PathBuf,
    /// Set when the core did not start, for the exit status.
    pub failed: Rc<Cell<bool>>,
    /// The invite that the program was started with.
    pub invite: Option<String>,
}

/// Everything that reaches the root.
#[derive(Debug)]
pub enum AppMsg {
    /// From the core.
    Core(Delivery),
    /// From the entrance.
    Enter(SignInOutput),
    /// From the sidebar.
    Sidebar(SidebarOutput),
    /// From a tab.
    Page(ConversationId, PageOutput),
    /// From a menu or key.
    Action(ActionMsg),
    /// From a dialog.
    Answer(DialogAnswer),
    /// From the panel of a room's members.
    Member(MemberOutput),
    /// Something was done in the panel of all transfers.
    Transfers(TransfersOutput),
    /// From the search view.
    Search(PickerOutput),
    /// From the quick switcher.
    Switch(PickerOutput),
    /// From the menus about people.
    People(PeopleAction),
    /// An invite link was opened.
    Invited(String),
    /// A minute is over.
    Minute,
    /// A window lost the focus.
    Looked,
    /// A window got it; none is the main window.
    Used(Option<adw::Window>),
    /// A window of its own was made for a tab that is dragged there.
    OwnWindow(OwnWindow),
    /// A window of its own is to be closed.
    OwnClosing(adw::Window),
    /// A tab came to another window, or its dragging ended.
    Moved,
    /// Nothing has the keyboard in a window; none is the main window.
    Astray(Option<adw::Window>),
    /// Another tab came to the front.
    Switched,
    /// A tab was closed.
    TabClosed(adw::TabPage),
    /// Tabs stand in another order.
    Arranged,
    /// What was written a moment ago is to be kept.
    KeepDrafts,
    /// Which tabs are in front is to be kept.
    Keep,
    /// The alarm about the server was read; back to the entrance.
    AlarmRead,
    /// The window is to be closed.
    Closing,
    /// The person prefers something else.
    Preferred,
}

/// The root.
pub struct App {
    pub(in crate::ui) model: Model,
    pub(in crate::ui) bridge: Bridge,
    pub(in crate::ui) sender: relm4::Sender<AppMsg>,
    pub(in crate::ui) window: adw::ApplicationWindow,
    pub(in crate::ui) toasts: adw::ToastOverlay,
    pub(in crate::ui) pages: Pages,
    pub(in crate::ui) leaflet: adw::Leaflet,
    pub(in crate::ui) narrow_banner: Banner,
    pub(in crate::ui) content: Content,
    /// Files of all conversations.
    pub(in crate::ui) transfers: TransfersPanel,
    /// Windows that tabs were moved to.
    pub(in crate::ui) own: Vec<OwnWindow>,
    /// How they were when nobody was signed in any more.
    pub(in crate::ui) stowed: Vec<KeptWindow>,
    /// That of them which is in use; none for the main window.
    pub(in crate::ui) used: Option<adw::Window>,
    pub(in crate::ui) sidebar: Controller<Sidebar>,
    /// The entrance, once it was seen.
    pub(in crate::ui) sign_in: OnceCell<Controller<SignIn>>,
    pub(in crate::ui) presence: gio::SimpleAction,
    pub(in crate::ui) tabs: Vec<Tab>,
    /// Tabs that were closed, the last one last.
    pub(in crate::ui) closed: Vec<ConversationId>,
    /// What the timelines show of files.
    pub(in crate::ui) pictures: Pictures,
    /// What is searched for in the sidebar.
    pub(in crate::ui) words: String,
    /// The search view, once it was opened, and what was typed there last.
    pub(in crate::ui) searching: Option<Searching>,
    pub(in crate::ui) searched: String,
    /// The quick switcher, once it was opened, and what it shows the conversations for.
    pub(in crate::ui) switcher: Option<Picker>,
    pub(in crate::ui) switched: String,
    /// Where files to send were last chosen.
    pub(in crate::ui) sent_from: PathBuf,
    /// The conversation that was opened by hand last: it is read as soon as its first page is here.
    pub(in crate::ui) reading: Option<ConversationId>,
    /// What is looked for on the disk.
    pub(in crate::ui) seeking: Option<Seeking>,
    /// The friend list, and that of rooms, have to be drawn again after this batch.
    pub(in crate::ui) lists_changed: (bool, bool),
    /// The dialog in front, and the answer of the core that it waits for.
    pub(in crate::ui) form: Option<(Pending, Dialog)>,
    /// The list of devices, while it is open.
    pub(in crate::ui) devices: Option<DevicesDialog>,
    /// Order of the sidebar, and what it shows.
    pub(in crate::ui) listing: Listing,
    /// The invite that was opened and not asked about yet.
    pub(in crate::ui) invited: Option<String>,
    /// The question about the newest one.
    pub(in crate::ui) inviting: Option<Dialog>,
    /// The room that was typed at the entrance: it is joined once inside.
    pub(in crate::ui) entering: Option<RoomId>,
    pub(in crate::ui) profile: PathBuf,
    pub(in crate::ui) kept: WindowState,
    /// It is written in a moment, for another tab in front.
    keeping: bool,
    /// What was written and not sent.
    pub(in crate::ui) drafts: Drafts,
    /// What that answers.
    pub(in crate::ui) answering: Answering,
    /// The calendar in which one chooses a day of a conversation to go to.
    pub(in crate::ui) jumping: Option<(ConversationId, Days)>,
    /// The tabs of the last time are open again.
    pub(in crate::ui) restored: bool,
    pub(in crate::ui) failed: Rc<Cell<bool>>,
    /// What the person prefers, and the window where that is changed, once it was opened.
    pub(in crate::ui) preferences: Store,
    pub(in crate::ui) preferring: Option<PreferencesWindow>,
    pub(in crate::ui) text_size: TextSize,
    pub(in crate::ui) notifier: Notifier,
}

impl Component for App {
    type Init = Init;
    type Input = AppMsg;
    type Output = ();
    type CommandOutput = ();
    type Root = adw::ApplicationWindow;
    type Widgets = ();

    fn init_root() -> adw::ApplicationWindow {
        adw::ApplicationWindow::builder()
            .title("Hobnob")
            .icon_name(crate::ui::APP_ID)
            .width_request(360)
            .height_request(420)
            .build()
    }

    fn init(init: Init, window: adw::ApplicationWindow, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let input = sender.input_sender().clone();
        let deliver = input.clone();
        // Under way before the first widget is made: opening the store takes its time.
        let bridge = Bridge::start(init.start, move |delivery| deliver.emit(AppMsg::Core(delivery)));
        let kept = WindowState::load(&init.profile);
        let drafts = Drafts::load(&init.profile);
        let answering = Answering::load(&init.profile);
        window.set_default_size(kept.width, kept.height);
        window.set_maximized(kept.maximized);

        let leaflet = adw::Leaflet::builder().can_navigate_back(true).build();
        let sidebar = Sidebar::builder().launch(leaflet.clone()).forward(&input, AppMsg::Sidebar);
        let about_member = input.clone();
        let about_transfer = input.clone();
        let content = Content::new(Some(&leaflet), move |output| about_member.emit(AppMsg::Member(output)));
        let transfers = TransfersPanel::new(move |output| about_transfer.emit(AppMsg::Transfers(output)));
        content.pack(transfers.widget(), true);
        let narrow_banner = Banner::new();
        let left = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        left.append(sidebar.widget());
        left.append(narrow_banner.widget());
        leaflet.append(&left);
        let line = gtk::Separator::new(gtk::Orientation::Vertical);
        leaflet.append(&line).set_navigatable(false);
        leaflet.append(content.widget());
        leaflet.bind_property("folded", narrow_banner.widget(), "reveal-child").build();

        let pages = Pages::new();
        pages.add("starting", &starting());
        pages.add("main", &leaflet);
        let toasts = adw::ToastOverlay::new();
        toasts.set_child(Some(pages.widget()));
        window.set_content(Some(&toasts));

        let presence = actions::install(&window, &input);
        background::watch(&window, &input);
        focus::watch(&window, None, &input);
        watch_tabs(&content.tabs, &window, &input);
        let preferences = preferences::open(&input);
        let mut model = Self {
            model: Model::default(),
            bridge,
            window,
            toasts,
            pages,
            leaflet,
            narrow_banner,
            content,
            transfers,
            own: Vec::new(),
            stowed: Vec::new(),
            used: None,
            sidebar,
            sign_in: OnceCell::new(),
            presence,
            tabs: Vec::new(),
            closed: Vec::new(),
            pictures: Pictures::default(),
            words: String::new(),
            searching: None,
            searched: String::new(),
            switcher: None,
            switched: String::new(),
            sent_from: glib::home_dir(),
            reading: None,
            seeking: None,
            lists_changed: (false, false),
            form: None,
            devices: None,
            listing: Listing { order: kept.order, ..Listing::default() },
            invited: init.invite,
            inviting: None,
            entering: None,
            profile: init.profile,
            kept,
            keeping: false,
            drafts,
            answering,
            jumping: None,
            restored: false,
            failed: init.failed,
            notifier: Notifier::new(preferences.clone(), input.clone()),
            preferences,
            preferring: None,
            text_size: TextSize::default(),
            sender: input,
        };
        model.follow_preferences();
        model.find_avatars();
        ComponentParts { model, widgets: () }
    }

    fn update(&mut self, message: AppMsg, _sender: ComponentSender<Self>, _root: &adw::ApplicationWindow) {
        match message {
            AppMsg::Core(Delivery::Events { events, missed }) => self.happened(events, missed),
            AppMsg::Core(Delivery::NotStarted(text)) => self.not_started(&text),
            AppMsg::Enter(wish) => self.enter(wish),
            AppMsg::Sidebar(output) => self.sidebar_said(output),
            AppMsg::Page(conversation, output) => self.page_said(conversation, output),
            AppMsg::Action(action) => self.act(action),
            AppMsg::Answer(answer) => self.answered(answer),
            AppMsg::Member(output) => self.member_said(output),
            AppMsg::Transfers(output) => self.transfers_said(output),
            AppMsg::Search(output) => self.search_said(output),
            AppMsg::Switch(output) => self.switcher_said(output),
            AppMsg::People(wish) => self.people_wish(wish),
            AppMsg::Invited(invite) => self.invited(invite),
            AppMsg::Minute => self.minute_over(),
            AppMsg::Looked => self.looked(),
            AppMsg::Used(used) => {
                self.used = used;
                self.looked();
            }
            AppMsg::Astray(own) => self.lead_back(own.as_ref()),
            AppMsg::OwnWindow(own) => self.own.push(own),
            AppMsg::OwnClosing(window) => self.close_own(&window),
            AppMsg::Moved => self.moved(),
            AppMsg::Switched => {
                self.look();
                self.keep_soon();
                // Who goes to a conversation wants to write in it.
                if let Some(tab) = self.front() {
                    tab.body.emit(PageInput::Focus);
                }
            }
            AppMsg::TabClosed(page) => self.tab_closed(&page),
            AppMsg::Arranged | AppMsg::Keep => self.keep(),
            AppMsg::KeepDrafts => self.keep_drafts(),
            AppMsg::AlarmRead => {
                self.model.connection.dismiss_alarm();
                self.model.connection.signed_out("signed_out");
                self.show_page();
            }
            AppMsg::Closing => self.close_window(),
            AppMsg::Preferred => self.follow_preferences(),
        }
    }

    fn shutdown(&mut self, _widgets: &mut (), _output: relm4::Sender<()>) {
        self.keep();
        self.notifier.end();
        self.bridge.stop();
    }
}

impl App {
    /// The entrance.
    pub(in crate::ui) fn entrance(&self) -> &Controller<SignIn> {
        self.sign_in.get_or_init(|| {
            let sign_in = SignIn::builder().launch(()).forward(&self.sender, AppMsg::Enter);
            self.pages.add("enter", sign_in.widget());
            sign_in
        })
    }

    /// Hands a command down whose answer is awaited.
    pub(in crate::ui) fn ask(&mut self, question: Question, command: Command) {
        self.ask_named(question, command);
    }

    /// The same, where somebody waits for this very answer.
    pub(in crate::ui) fn ask_named(&mut self, question: Question, command: Command) -> Option<QuestionId> {
        let request = self.model.ask(question, command);
        let id = QuestionId::of(&request);
        self.bridge.send(request);
        id
    }

    /// Hands a command down; nobody waits for its answer.
    pub(in crate::ui) fn tell(&self, command: Command) {
        self.bridge.send(Request { id: None, command });
    }

    /// Says something for a moment.
    pub(in crate::ui) fn toast(&self, words: &str) {
        self.toast_with(words, |_| ());
    }

    /// The same, with a button or whatever else is done to it first.
    pub(in crate::ui) fn toast_with(&self, words: &str, with: impl FnOnce(&adw::Toast)) {
        // Toasts take markup on this version of the library, and the words may be somebody else's.
        let toast = adw::Toast::new(&glib::markup_escape_text(&literal_line(words)));
        with(&toast);
        if let Some(open) = self.preferring.as_ref().filter(|open| open.is_open()) {
            return open.say(words, toast);
        }
        let (content, toasts) = self.in_use().map_or((&self.content, &self.toasts), |own| (&own.content, &own.toasts));
        content.announcer.say(words);
        toasts.add_toast(toast);
        name_library_buttons(toasts);
    }

    /// Keeps them a little later: whoever looks through many tabs costs the disk nothing for each of them.
    fn keep_soon(&mut self) {
        if self.restored && !std::mem::replace(&mut self.keeping, true) {
            let input = self.sender.clone();
            glib::timeout_add_local_once(KEPT_AFTER, move || input.emit(AppMsg::Keep));
        }
    }

    /// Keeps size and tabs for the next start.
    pub(in crate::ui) fn keep(&mut self) {
        self.keeping = false;
        self.keep_drafts();
        if !self.restored {
            return;
        }
        let (width, height) = self.window.default_size();
        let own = self.own.iter().map(|own| own.kept(self.arranged(&own.content)));
        self.kept = WindowState {
            width,
            height,
            maximized: self.window.is_maximized(),
            tabs: self.arranged(&self.content),
            windows: own.chain(self.stowed.iter().cloned()).collect(),
            order: self.listing.order,
        };
        if let Err(error) = self.kept.save(&self.profile) {
            tracing::warn!(%error, "the window's size and tabs were not kept");
        }
    }
}

fn starting() -> gtk::Widget {
    let bar = adw::HeaderBar::builder().title_widget(&adw::WindowTitle::new("", "")).build();
    bar.add_css_class("flat");
    let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
    root.append(&bar);
    root.upcast()
}
