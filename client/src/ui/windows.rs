//! Windows that tabs were moved to, for the root. What is in a tab goes along as it is: its timeline, its draft, its link. Such a window is
//! there as long as it has a tab; every action of the main window works in it as well.

use std::fmt;

use gtk::prelude::*;
use gtk::{gio, glib};
use hobnob_shared::id::ConversationId;
use relm4::{adw, gtk};

use crate::model::connection::Page;
use crate::ui::actions::ActionMsg;
use crate::ui::app::{App, AppMsg};
use crate::ui::content::Content;
use crate::ui::conversation::PageInput;
use crate::ui::focus;
use crate::ui::tabs::{Tab, view_of, watch_tabs};
use crate::ui::widgets::icon_button::icon_button;
use crate::ui::window_state::{KeptTabs, KeptWindow};

/// Most windows beside the main one.
pub const OWN_MAX: usize = 20;

/// A window that tabs were moved to.
pub struct OwnWindow {
    /// The window.
    pub window: adw::Window,
    /// Its header and tabs.
    pub content: Content,
    /// What is said for a moment.
    pub toasts: adw::ToastOverlay,
}

impl fmt::Debug for OwnWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnWindow")
    }
}

impl OwnWindow {
    /// One without tabs.
    pub fn new(main: &adw::ApplicationWindow, input: &relm4::Sender<AppMsg>) -> Self {
        let about_member = input.clone();
        let content = Content::new(None, move |output| about_member.emit(AppMsg::Member(output)));
        let back = icon_button("view-restore-symbolic", "Move to Main Window");
        // What is in this window, whichever is in use: who listens can press it from anywhere.
        let (tabs, move_back) = (content.tabs.clone(), input.clone());
        back.connect_clicked(move |_| {
            if let Some(page) = tabs.selected_page() {
                move_back.emit(AppMsg::Action(ActionMsg::MoveTab(page.child().widget_name().into())));
            }
        });
        content.pack(&back, false);
        // A single tab says nothing that the header does not.
        content.tab_bar.set_autohide(true);
        let toasts = adw::ToastOverlay::new();
        toasts.set_child(Some(content.widget()));
        let window = adw::Window::builder()
            .title("Hobnob")
            .icon_name(crate::ui::APP_ID)
            .width_request(360)
            .height_request(320)
            .default_width(KeptWindow::default().width)
            .default_height(KeptWindow::default().height)
            .content(&toasts)
            .build();
        // The keys belong to the program, what they do to the main window.
        window.set_application(main.application().as_ref());
        window.insert_action_group("win", Some(main.upcast_ref::<gio::ActionGroup>()));
        watch_tabs(&content.tabs, main, input);
        focus::watch(&window, Some(&window), input);
        let used = input.clone();
        window.connect_is_active_notify(move |window| {
            used.emit(if window.is_active() { AppMsg::Used(Some(window.clone())) } else { AppMsg::Looked });
        });
        let closing = input.clone();
        window.connect_close_request(move |window| {
            closing.emit(AppMsg::OwnClosing(window.clone()));
            glib::Propagation::Stop
        });
        Self { window, content, toasts }
    }

    /// As it is kept, with these tabs.
    pub fn kept(&self, tabs: KeptTabs) -> KeptWindow {
        let (width, height) = self.window.default_size();
        KeptWindow { width, height, tabs }
    }
}

impl App {
    /// What is in each window, the main one first.
    pub(in crate::ui) fn contents(&self) -> impl Iterator<Item = &Content> {
        std::iter::once(&self.content).chain(self.own.iter().map(|own| &own.content))
    }

    /// The window with these tabs, where that is not the main one.
    pub(in crate::ui) fn own_of(&self, tabs: &adw::TabView) -> Option<&OwnWindow> {
        self.own.iter().find(|own| own.content.tabs == *tabs)
    }

    /// The window in use, where that is not the main one.
    pub(in crate::ui) fn in_use(&self) -> Option<&OwnWindow> {
        self.own.iter().find(|own| Some(&own.window) == self.used.as_ref())
    }

    /// The window in use: questions are asked over it.
    pub(in crate::ui) fn at(&self) -> gtk::Window {
        self.in_use().map_or_else(|| self.window.clone().upcast(), |own| own.window.clone().upcast())
    }

    /// What is in each window in which the conversation is in front.
    pub(in crate::ui) fn showing(&self, conversation: &ConversationId) -> impl Iterator<Item = &Content> {
        let is_it =
            move |content: &&Content| self.front_of(content).is_some_and(|front| front.conversation == *conversation);
        self.contents().filter(is_it)
    }

    /// The conversation is in front in some window.
    pub(in crate::ui) fn is_fronted(&self, conversation: &ConversationId) -> bool {
        self.contents().any(|content| content.fronted.as_ref() == Some(conversation))
    }

    /// The end of the tab's timeline is before somebody's eyes.
    pub(in crate::ui) fn is_watched(&self, tab: &Tab) -> bool {
        let Some(view) = view_of(&tab.page) else { return false };
        if view.selected_page().as_ref() != Some(&tab.page) || !tab.at_end {
            return false;
        }
        if let Some(own) = self.own_of(&view) {
            return own.window.is_active();
        }
        let hidden = self.leaflet.is_folded()
            && self.leaflet.visible_child().as_ref() != Some(self.content.widget().upcast_ref());
        !hidden && self.window.is_active() && self.model.connection.page() == Page::Main
    }

    /// Moves a tab to a window of its own, or from there to the main window.
    pub(in crate::ui) fn toggle_window(&mut self, id: &str) {
        let Some(page) = self.page_of(id) else { return };
        let Some(from) = view_of(&page) else { return };
        let own = if self.own_of(&from).is_some() {
            transfer(&page, &from, &self.content.tabs);
            self.leaflet.set_visible_child(self.content.widget());
            None
        } else if self.own.len() >= OWN_MAX {
            return self.toast("There are too many windows. Close one first.");
        } else {
            let own = self.add_own();
            transfer(&page, &from, &own.content.tabs);
            Some(own.window.clone())
        };
        // Shown before the window is, so that the keyboard can be in it.
        self.moved();
        match own {
            Some(window) => window.present(),
            None => self.show_window(None),
        }
        if let Some(tab) = self.tabs.iter().find(|tab| tab.page == page) {
            tab.body.emit(PageInput::Focus);
        }
    }

    /// Makes a window without tabs.
    fn add_own(&mut self) -> &OwnWindow {
        let own = OwnWindow::new(&self.window, &self.sender);
        self.own.push(own);
        &self.own[self.own.len() - 1]
    }

    /// Opens a window that was kept.
    pub(in crate::ui) fn reopen_window(&mut self, kept: &KeptWindow) {
        let own = self.add_own();
        own.window.set_default_size(kept.width, kept.height);
        let (window, tabs, bar) = (own.window.clone(), own.content.tabs.clone(), own.content.tab_bar.clone());
        self.reopen(&kept.tabs, &tabs, &bar);
        window.present();
    }

    /// Tabs went from one window to another: windows without any go as well, unless one is just being dragged.
    pub(in crate::ui) fn moved(&mut self) {
        if self.content.tabs.is_transferring_page() {
            // So that it can be dropped there.
            return self.content.show_tabs();
        }
        let (own, empty) = std::mem::take(&mut self.own).into_iter().partition(|own| own.content.tabs.n_pages() > 0);
        self.own = own;
        for gone in empty {
            gone.window.destroy();
        }
        for tab in &self.tabs {
            self.show_header(&tab.conversation);
            self.name_buttons(&tab.page);
        }
        self.look();
        self.keep();
    }

    /// Closes a window and its tabs; pinned ones go back to the main window.
    pub(in crate::ui) fn close_own(&mut self, window: &adw::Window) {
        let Some(own) = self.own.iter().find(|own| own.window == *window) else { return };
        let pages = own.content.tabs.pages();
        let pages: Vec<adw::TabPage> =
            (0..pages.n_items()).filter_map(|at| pages.item(at).and_downcast::<adw::TabPage>()).collect();
        for page in pages {
            if page.is_pinned() {
                transfer(&page, &own.content.tabs, &self.content.tabs);
            } else {
                own.content.tabs.close_page(&page);
            }
        }
    }

    /// Closes questions and searches that stand over the windows: what they show is behind the entrance. What is about the program stays.
    pub(in crate::ui) fn close_questions(&mut self) {
        let stays = |window: &gtk::Window| {
            window.is::<adw::PreferencesWindow>()
                || window.is::<adw::AboutWindow>()
                || window.is::<gtk::ShortcutsWindow>()
        };
        let all = gtk::Window::list_toplevels().into_iter().filter_map(|window| window.downcast::<gtk::Window>().ok());
        let over = |window: &gtk::Window| {
            window.transient_for().is_some()
                && !std::iter::successors(Some(window.clone()), GtkWindowExt::transient_for).any(|one| stays(&one))
        };
        for window in all.filter(over).collect::<Vec<_>>() {
            window.close();
        }
        self.form = None;
    }

    /// Shows them, or puts them away while nobody is signed in. They are not only hidden: GTK 4.8 ends the program when a screen reader asks
    /// for a window while the last in its list is a hidden one.
    pub(in crate::ui) fn show_own_windows(&mut self, shown: bool) {
        if shown {
            for kept in std::mem::take(&mut self.stowed) {
                self.reopen_window(&kept);
            }
            return;
        }
        for own in std::mem::take(&mut self.own) {
            self.stowed.push(own.kept(self.arranged(&own.content)));
            let is_in = |tab: &mut Tab| view_of(&tab.page).as_ref() == Some(&own.content.tabs);
            for tab in self.tabs.extract_if(.., is_in) {
                self.model.close(&tab.conversation);
            }
            own.window.destroy();
        }
        self.used = None;
    }
}

/// Moves a page; it keeps its pin.
fn transfer(page: &adw::TabPage, from: &adw::TabView, to: &adw::TabView) {
    // What is moved with the keyboard in it would keep it in both windows, for those who listen.
    if let Some(root) = from.root() {
        root.set_focus(None::<&gtk::Widget>);
    }
    let at = if page.is_pinned() { to.n_pinned_pages() } else { to.n_pages() };
    from.transfer_page(page, to, at);
    to.set_selected_page(page);
}
