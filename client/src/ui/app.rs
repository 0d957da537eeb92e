//! The root of the window: owns the model, the bridge and every part, and passes messages between them. What the model says is drawn by
//! [`crate::ui::changes`]; what the user wants is carried out by [`crate::ui::wishes`].

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use adw::prelude::*;
use gtk::{gdk, gio, glib};
use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, RoomId, TransferId};
use relm4::{Component, ComponentController, ComponentParts, ComponentSender, Controller, adw, gtk};

use crate::bridge::{Bridge, Delivery, Start};
use crate::core::command::{Command, Password, Request};
use crate::core::event::{FileRule, Rates};
use crate::model::{Model, PersonWish, Question};
use crate::ui::actions::{self, ActionMsg};
use crate::ui::content::{Banner, Content};
use crate::ui::conversation::composer::Place;
use crate::ui::conversation::page::title;
use crate::ui::conversation::{ConversationPage, PageInit, PageInput, PageOutput};
use crate::ui::dialogs::devices::DevicesDialog;
use crate::ui::drafts::Drafts;
use crate::ui::members::MemberOutput;
use crate::ui::messages::Seeking;
use crate::ui::search::picker::PickerOutput;
use crate::ui::search::{Picker, Searching};
use crate::ui::sidebar::{Sidebar, SidebarOutput};
use crate::ui::sign_in::{SignIn, SignInOutput};
use crate::ui::text::literal_line;
use crate::ui::transfers::{Pictures, TransfersOutput};
use crate::ui::widgets::dialog::Dialog;
use crate::ui::widgets::pages::Pages;
use crate::ui::widgets::spoken::name_library_buttons;
use crate::ui::window_state::WindowState;

/// What the window is started with.
pub struct Init {
    /// The core, or a script of it.
    pub start: Start,
    /// The profile's folder: what is kept of the window stands there.
    pub profile: PathBuf,
    /// Set when the core did not start, for the exit status.
    pub failed: Rc<Cell<bool>>,
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
    /// The window got or lost the focus.
    Looked,
    /// Another tab came to the front.
    Switched,
    /// A tab was closed.
    TabClosed(adw::TabPage),
    /// Tabs stand in another order.
    Arranged,
    /// What was written a moment ago is to be kept.
    KeepDrafts,
    /// The alarm about the server was read; back to the entrance.
    AlarmRead,
    /// The window is to be closed.
    Closing,
}

/// What a dialog was answered with.
#[derive(Debug)]
pub enum DialogAnswer {
    /// Ask this one to be friends.
    AddFriend(String),
    /// Do this about a person.
    Person(PersonWish, Handle),
    /// This is the status text from now on.
    StatusText(String),
    /// What of a friend's files is taken without asking.
    FileRule(Handle, FileRule),
    /// How fast files may go.
    Rates(Rates),
    /// Save an offered file here.
    SaveAs(TransferId, PathBuf),
    /// Send these files.
    Files(ConversationId, Vec<PathBuf>),
    /// Show this picture to others, or none.
    Avatar(Option<PathBuf>),
    /// Send this pasted picture.
    Paste(ConversationId, gdk::Texture),
    /// Send this text as a file.
    Long(ConversationId, String, Place),
    /// It was kept as this file, or why not.
    Pasted(ConversationId, std::io::Result<PathBuf>),
    /// Take this message back.
    Delete(MessageId),
    /// Sign out.
    SignOut,
    /// Join this room.
    JoinRoom(RoomId, Option<Password>),
    /// Leave it.
    LeaveRoom(RoomId),
    /// End somebody's membership.
    RemoveMember(RoomId, Handle),
    /// This is the room's password from now on.
    LockRoom(RoomId, Password),
    /// It takes none from now on.
    UnlockRoom(RoomId),
    /// Ask for the password that removes this device.
    AskRemoveDevice(DeviceId),
    /// Remove it.
    RemoveDevice(DeviceId, Password),
    /// Ask for the old and the new password.
    AskChangePassword,
    /// Change the password from the one to the other.
    ChangePassword(Password, Password),
}

/// A tab.
pub struct Tab {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its content.
    pub controller: Controller<ConversationPage>,
    /// Its place in the tab view.
    pub page: adw::TabPage,
    /// The end of its timeline is in view.
    pub at_end: bool,
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
    pub(in crate::ui) sidebar: Controller<Sidebar>,
    pub(in crate::ui) sign_in: Controller<SignIn>,
    pub(in crate::ui) presence: gio::SimpleAction,
    pub(in crate::ui) tabs: Vec<Tab>,
    /// Tabs that were closed, the last one last.
    pub(in crate::ui) closed: Vec<ConversationId>,
    /// What the timelines show of files.
    pictures: Pictures,
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
    /// The message that is looked for further back.
    pub(in crate::ui) seeking: Option<Seeking>,
    /// The conversation in front, as it was last drawn.
    pub(in crate::ui) fronted: Option<ConversationId>,
    /// The friend list, and that of rooms, have to be drawn again after this batch.
    pub(in crate::ui) lists_changed: (bool, bool),
    /// The dialog in front that waits for an answer of the core, and to what, once it was asked.
    pub(in crate::ui) form: Option<(Option<Question>, Dialog)>,
    /// The list of devices, while it is open.
    pub(in crate::ui) devices: Option<DevicesDialog>,
    /// The room that was typed at the entrance: it is joined once inside.
    pub(in crate::ui) entering: Option<RoomId>,
    pub(in crate::ui) profile: PathBuf,
    pub(in crate::ui) kept: WindowState,
    /// What was written and not sent.
    pub(in crate::ui) drafts: Drafts,
    /// The tabs of the last time are open again.
    pub(in crate::ui) restored: bool,
    pub(in crate::ui) failed: Rc<Cell<bool>>,
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
        window.set_default_size(kept.width, kept.height);
        window.set_maximized(kept.maximized);

        let leaflet = adw::Leaflet::builder().can_navigate_back(true).build();
        let menu: gio::MenuModel = actions::main_menu().upcast();
        let sidebar = Sidebar::builder().launch((menu, leaflet.clone())).forward(&input, AppMsg::Sidebar);
        let sign_in = SignIn::builder().launch(()).forward(&input, AppMsg::Enter);
        let about_member = input.clone();
        let about_transfer = input.clone();
        let content = Content::new(
            &leaflet,
            move |output| about_member.emit(AppMsg::Member(output)),
            move |output| about_transfer.emit(AppMsg::Transfers(output)),
        );
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
        pages.add("enter", sign_in.widget());
        pages.add("main", &leaflet);
        let toasts = adw::ToastOverlay::new();
        toasts.set_child(Some(pages.widget()));
        window.set_content(Some(&toasts));

        let presence = actions::install(&window, &input);
        watch(&window, &content.tabs, &input);
        let model = Self {
            model: Model::default(),
            bridge,
            sender: input,
            window,
            toasts,
            pages,
            leaflet,
            narrow_banner,
            content,
            sidebar,
            sign_in,
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
            seeking: None,
            fronted: None,
            lists_changed: (false, false),
            form: None,
            devices: None,
            entering: None,
            profile: init.profile,
            kept,
            drafts,
            restored: false,
            failed: init.failed,
        };
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
            AppMsg::Looked => self.look(),
            AppMsg::Switched => {
                self.look();
                // Who goes to a conversation wants to write in it.
                if let Some(tab) = self.front() {
                    tab.controller.emit(PageInput::Focus);
                }
            }
            AppMsg::TabClosed(page) => self.tab_closed(&page),
            AppMsg::Arranged => self.keep(),
            AppMsg::KeepDrafts => self.keep_drafts(),
            AppMsg::AlarmRead => {
                self.model.connection.dismiss_alarm();
                self.model.connection.signed_out("signed_out");
                self.show_page();
            }
            AppMsg::Closing => {
                self.keep();
                self.restored = false;
                self.window.destroy();
            }
        }
    }

    fn shutdown(&mut self, _widgets: &mut (), _output: relm4::Sender<()>) {
        self.keep();
        self.bridge.stop();
    }
}

impl App {
    /// Hands a command down whose answer is awaited.
    pub(in crate::ui) fn ask(&mut self, question: Question, command: Command) {
        let request = self.model.ask(question, command);
        self.bridge.send(request);
    }

    /// Hands a command down; nobody waits for its answer.
    pub(in crate::ui) fn tell(&self, command: Command) {
        self.bridge.send(Request { id: None, command });
    }

    /// Says something for a moment.
    pub(in crate::ui) fn toast(&self, words: &str) {
        // Toasts take markup on this version of the library, and the words may be somebody else's.
        self.toasts.add_toast(adw::Toast::new(&glib::markup_escape_text(&literal_line(words))));
        name_library_buttons(&self.toasts);
    }

    /// The tab of a conversation.
    pub(in crate::ui) fn tab(&self, conversation: &ConversationId) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.conversation == *conversation)
    }

    /// The tab in front.
    pub(in crate::ui) fn front(&self) -> Option<&Tab> {
        let page = self.content.tabs.selected_page()?;
        self.tabs.iter().find(|tab| tab.page == page)
    }

    /// Opens a conversation's tab, or brings it to the front.
    pub(in crate::ui) fn open(&mut self, conversation: &ConversationId, front: bool) {
        if self.tab(conversation).is_none() {
            self.add_tab(conversation);
        }
        let Some(tab) = self.tab(conversation) else { return };
        if front {
            self.content.tabs.set_selected_page(&tab.page);
            self.leaflet.set_visible_child(self.content.widget());
            tab.controller.emit(PageInput::Focus);
        }
        self.look();
    }

    fn add_tab(&mut self, conversation: &ConversationId) {
        let (input, id) = (self.sender.clone(), conversation.clone());
        let name = title(conversation);
        let controller = ConversationPage::builder()
            .launch(PageInit { conversation: conversation.clone(), pictures: self.pictures.clone() })
            .connect_receiver(move |_, output| input.emit(AppMsg::Page(id.clone(), output)));
        controller.widget().set_widget_name(&conversation.to_string());
        let page = self.content.tabs.append(controller.widget());
        name_library_buttons(&self.content.tab_bar);
        page.set_title(&name);
        page.set_tooltip(&glib::markup_escape_text(&name));
        if conversation.friend().is_none() {
            page.set_icon(Some(&gio::ThemedIcon::new("system-users-symbolic")));
        }
        self.tabs.push(Tab { conversation: conversation.clone(), controller, page, at_end: true });
        if let Some(request) = self.model.open(conversation.clone()) {
            self.bridge.send(request);
        }
        self.show_header(conversation);
        self.restore_draft(conversation);
        self.keep();
    }

    fn tab_closed(&mut self, page: &adw::TabPage) {
        let Some(at) = self.tabs.iter().position(|tab| tab.page == *page) else { return };
        let tab = self.tabs.remove(at);
        self.model.close(&tab.conversation);
        self.remember_closed(tab.conversation);
        self.look();
        self.keep();
    }

    /// Keeps size and tabs for the next start.
    pub(in crate::ui) fn keep(&mut self) {
        self.keep_drafts();
        if !self.restored {
            return;
        }
        let pages = self.content.tabs.pages();
        let order = (0..pages.n_items()).filter_map(|at| pages.item(at).and_downcast::<adw::TabPage>());
        let id = |page: &adw::TabPage| {
            self.tabs.iter().find(|tab| tab.page == *page).map(|tab| tab.conversation.to_string())
        };
        let order: Vec<adw::TabPage> = order.collect();
        let (width, height) = self.window.default_size();
        self.kept = WindowState {
            width,
            height,
            maximized: self.window.is_maximized(),
            tabs: order.iter().filter_map(id).collect(),
            pinned: order.iter().filter(|page| page.is_pinned()).filter_map(id).collect(),
            front: self.content.tabs.selected_page().as_ref().and_then(id),
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

fn watch(window: &adw::ApplicationWindow, tabs: &adw::TabView, input: &relm4::Sender<AppMsg>) {
    let looked = input.clone();
    window.connect_is_active_notify(move |_| looked.emit(AppMsg::Looked));
    let switched = input.clone();
    tabs.connect_selected_page_notify(move |_| switched.emit(AppMsg::Switched));
    let arranged = input.clone();
    tabs.connect_page_reordered(move |_, _, _| arranged.emit(AppMsg::Arranged));
    let closed = input.clone();
    tabs.connect_page_detached(move |_, page, _| closed.emit(AppMsg::TabClosed(page.clone())));
    // Closed by the root once it has kept which tabs are open: they go with the window.
    let closing = input.clone();
    window.connect_close_request(move |_| {
        closing.emit(AppMsg::Closing);
        glib::Propagation::Stop
    });
    // Ends in order on what a shell, a session's end or a service manager sends.
    let (caught, signals) = async_channel::bounded(1);
    relm4::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut end), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            tokio::select! {
                _ = end.recv() => {}
                _ = interrupt.recv() => {}
            }
            // The window may be gone already.
            let _ = caught.send(()).await;
        }
    });
    let window = window.downgrade();
    relm4::spawn_local(async move {
        if signals.recv().await.is_ok()
            && let Some(window) = window.upgrade()
        {
            window.close();
        }
    });
}
