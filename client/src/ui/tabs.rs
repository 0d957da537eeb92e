//! The tabs, for the root: opened, closed and opened again, pinned, moved to a window of their own and back. That they are moved within a
//! window, by hand or by keys, is the library's own doing, and so is that one can be dragged from one window to another.

use std::cell::OnceCell;

use adw::prelude::*;
use gtk::gio;
use hobnob_shared::id::ConversationId;
use relm4::{Component, ComponentController, Controller, adw, gtk};

use crate::ui::app::{App, AppMsg};
use crate::ui::content::Content;
use crate::ui::conversation::page::title;
use crate::ui::conversation::{ConversationPage, PageInit, PageInput};
use crate::ui::widgets::context_menu::add;
use crate::ui::widgets::spoken::name_library_buttons;
use crate::ui::window_state::KeptTabs;
use crate::ui::windows::OwnWindow;

/// Closed tabs that can be opened again.
const CLOSED_MAX: usize = 50;

/// What is in a tab. It is made when it is shown for the first time: of thirty tabs that are there again at start only one is looked at.
pub struct Body {
    place: adw::Bin,
    page: OnceCell<Controller<ConversationPage>>,
}

impl Body {
    fn new(conversation: &ConversationId) -> Self {
        let place = adw::Bin::new();
        place.set_widget_name(&conversation.to_string());
        Self { place, page: OnceCell::new() }
    }

    /// Whom to tell it, later on.
    pub fn sender(&self) -> Option<relm4::Sender<PageInput>> {
        self.page.get().map(|page| page.sender().clone())
    }

    /// Tells it what to show. What is not made yet learns all of it when it is.
    pub fn emit(&self, input: PageInput) {
        if let Some(page) = self.page.get() {
            page.emit(input);
        }
    }
}

/// A tab.
pub struct Tab {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its content.
    pub body: Body,
    /// Its place in the tab view.
    pub page: adw::TabPage,
    /// The end of its timeline is in view.
    pub at_end: bool,
}

/// The tabs among which a page is; none while it is dragged.
pub fn view_of(page: &adw::TabPage) -> Option<adw::TabView> {
    page.child().ancestor(adw::TabView::static_type()).and_downcast()
}

/// Tells what is done with tabs by hand, and gives them their menu. `main` is the main window.
pub fn watch_tabs(tabs: &adw::TabView, main: &adw::ApplicationWindow, input: &relm4::Sender<AppMsg>) {
    let switched = input.clone();
    tabs.connect_selected_page_notify(move |_| switched.emit(AppMsg::Switched));
    let arranged = input.clone();
    tabs.connect_page_reordered(move |_, _, _| arranged.emit(AppMsg::Arranged));
    let closed = input.clone();
    tabs.connect_page_detached(move |tabs, page, _| {
        // On its way to another window it is not closed.
        if !tabs.is_transferring_page() {
            let_go_of(tabs, page);
            closed.emit(AppMsg::TabClosed(page.clone()));
        }
    });
    let moved = input.clone();
    tabs.connect_is_transferring_page_notify(move |_| moved.emit(AppMsg::Moved));
    let (owner, made) = (main.downgrade(), input.clone());
    tabs.connect_create_window(move |_| {
        let own = OwnWindow::new(&owner.upgrade()?, &made);
        own.window.present();
        let tabs = own.content.tabs.clone();
        made.emit(AppMsg::OwnWindow(own));
        Some(tabs)
    });
    attach_menu(tabs, main);
}

/// A closed tab keeps the keyboard until the next frame is drawn (GTK 4.8), and what is typed until then would be lost: it goes to the window.
fn let_go_of(tabs: &adw::TabView, page: &adw::TabPage) {
    if let Some(window) = tabs.root().and_downcast::<gtk::Window>()
        && GtkWindowExt::focus(&window).is_some_and(|focus| focus.is_ancestor(&page.child()))
    {
        GtkWindowExt::set_focus(&window, None::<&gtk::Widget>);
    }
}

/// Gives tabs their menu. Who a tab is about stands in the name of its content.
fn attach_menu(tabs: &adw::TabView, main: &adw::ApplicationWindow) {
    let menu = gio::Menu::new();
    tabs.set_menu_model(Some(&menu));
    let main = main.downgrade();
    tabs.connect_setup_menu(move |tabs, page| {
        let Some(page) = page else { return };
        menu.remove_all();
        let (own, others, target) = (gio::Menu::new(), gio::Menu::new(), page.child().widget_name());
        let is_main = tabs.root().and_downcast::<adw::ApplicationWindow>() == main.upgrade();
        add(&own, if page.is_pinned() { "Unpin" } else { "Pin" }, "win.pin-tab", &target);
        let words = if is_main { "Move to New Window" } else { "Move to Main Window" };
        add(&own, words, "win.move-tab", &target);
        if !page.is_pinned() {
            add(&own, "Close", "win.shut-tab", &target);
        }
        others.append(Some("Reopen Closed Tab"), Some("win.reopen-tab"));
        menu.append_section(None, &own);
        menu.append_section(None, &others);
    });
}

impl App {
    /// The tab of a conversation.
    pub(in crate::ui) fn tab(&self, conversation: &ConversationId) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.conversation == *conversation)
    }

    /// The tab in front in the window that is in use.
    pub(in crate::ui) fn front(&self) -> Option<&Tab> {
        self.front_of(self.in_use().map_or(&self.content, |own| &own.content))
    }

    /// The tab in front in a window.
    pub(in crate::ui) fn front_of(&self, content: &Content) -> Option<&Tab> {
        let page = content.tabs.selected_page()?;
        self.tabs.iter().find(|tab| tab.page == page)
    }

    /// Opens a conversation's tab, or brings it to the front, in whichever window it is.
    pub(in crate::ui) fn open(&mut self, conversation: &ConversationId, front: bool) {
        if self.tab(conversation).is_none() {
            let tabs = self.content.tabs.clone();
            self.add_tab(conversation, &tabs, tabs.n_pages());
        }
        if front {
            self.wake(conversation);
        }
        let Some(tab) = self.tab(conversation) else { return };
        if front && let Some(view) = view_of(&tab.page) {
            view.set_selected_page(&tab.page);
            match self.own_of(&view) {
                Some(own) => own.window.present(),
                None => self.leaflet.set_visible_child(self.content.widget()),
            }
            tab.body.emit(PageInput::Focus);
            if self.in_use().is_some() && self.own_of(&view).is_none() {
                // Asked for in another window, and this one may be hidden.
                self.show_window(None);
            }
        }
        self.look();
    }

    /// Makes a conversation's tab among these, at a place that is not among the pinned.
    fn add_tab(&mut self, conversation: &ConversationId, tabs: &adw::TabView, place: i32) {
        let (name, body) = (title(conversation), Body::new(conversation));
        let page = tabs.insert(&body.place, place);
        // The title is the tooltip as well, where no other is set.
        page.set_title(&name);
        if conversation.friend().is_none() {
            page.set_icon(Some(&gio::ThemedIcon::new("system-users-symbolic")));
        }
        self.name_buttons(&page);
        self.tabs.push(Tab { conversation: conversation.clone(), body, page, at_end: true });
        self.show_header(conversation);
        self.show_unread(conversation);
        if !self.model.writers(conversation).is_empty() {
            self.show_typing(conversation);
        }
        self.keep();
    }

    /// Makes what is in a tab, the first time that it is shown.
    pub(in crate::ui) fn wake(&mut self, conversation: &ConversationId) {
        let Some(tab) = self.tab(conversation).filter(|tab| tab.body.page.get().is_none()) else { return };
        let (input, id) = (self.sender.clone(), conversation.clone());
        let page = ConversationPage::builder()
            .launch(PageInit {
                conversation: conversation.clone(),
                pictures: self.pictures.clone(),
                preferences: self.preferences.clone(),
            })
            .connect_receiver(move |_, output| input.emit(AppMsg::Page(id.clone(), output)));
        tab.body.place.set_child(Some(page.widget()));
        // It was empty a moment ago.
        let _ = tab.body.page.set(page);
        if let Some(request) = self.model.open(conversation.clone()) {
            self.bridge.send(request);
        }
        self.show_header(conversation);
        self.show_typing(conversation);
        self.show_unread(conversation);
        self.restore_draft(conversation);
    }

    /// A tab was closed.
    pub(in crate::ui) fn tab_closed(&mut self, page: &adw::TabPage) {
        let Some(at) = self.tabs.iter().position(|tab| tab.page == *page) else { return };
        let tab = self.tabs.remove(at);
        self.model.close(&tab.conversation);
        self.remember_closed(tab.conversation);
        self.moved();
        let own = self.in_use().map(|own| own.window.clone());
        self.lead_back(own.as_ref());
    }

    /// Something on a tab was not seen, or all of it was.
    pub(in crate::ui) fn mark(&self, tab: &Tab, unread: bool) {
        if tab.page.needs_attention() != unread {
            tab.page.set_needs_attention(unread);
            self.name_buttons(&tab.page);
        }
    }

    /// A page's tab gets its name, and so do the library's buttons on it.
    pub(in crate::ui) fn name_buttons(&self, page: &adw::TabPage) {
        let view = view_of(page);
        for content in self.contents().filter(|content| Some(&content.tabs) == view.as_ref()) {
            name_library_buttons(&content.tab_bar);
        }
    }

    /// The tabs of a window, as they are kept.
    pub(in crate::ui) fn arranged(&self, content: &Content) -> KeptTabs {
        let pages = content.tabs.pages();
        let pages = (0..pages.n_items()).filter_map(|at| pages.item(at).and_downcast::<adw::TabPage>());
        let id = |page: &adw::TabPage| {
            self.tabs.iter().find(|tab| tab.page == *page).map(|tab| tab.conversation.to_string())
        };
        let order: Vec<adw::TabPage> = pages.collect();
        KeptTabs {
            tabs: order.iter().filter_map(id).collect(),
            pinned: order.iter().filter(|page| page.is_pinned()).filter_map(id).collect(),
            front: content.tabs.selected_page().as_ref().and_then(id),
        }
    }

    /// Opens tabs that were kept, in the main window or a new one of their own. Its bar is not in view yet.
    pub(in crate::ui) fn reopen(&mut self, kept: &KeptTabs, tabs: &adw::TabView, bar: &adw::TabBar) {
        // The bar makes its tabs when all of them are there: one after the other, each would be drawn anew for every word that it gets to know.
        bar.set_view(None);
        let front = kept.front.as_deref().and_then(|id| id.parse().ok());
        let mut place = None;
        for conversation in kept.conversations() {
            if self.tab(&conversation).is_some() {
                continue;
            }
            let pinned = kept.is_pinned(&conversation);
            if front.as_ref() == Some(&conversation) && !pinned {
                place = Some(tabs.n_pages());
                continue;
            }
            self.add_tab(&conversation, tabs, tabs.n_pages());
            if pinned && let Some(tab) = self.tab(&conversation) {
                self.pin(&tab.page, true);
            }
        }
        bar.set_view(Some(tabs));
        let Some(front) = front else { return };
        if let Some(place) = place {
            // Before it is in view the bar goes to whichever tab comes last, not to the one in front.
            self.add_tab(&front, tabs, place.max(tabs.n_pinned_pages()));
        }
        if let Some(tab) = self.tab(&front)
            && view_of(&tab.page).as_ref() == Some(tabs)
        {
            tabs.set_selected_page(&tab.page);
        }
    }

    /// The page of a conversation by its id; without one, the page in front.
    pub(in crate::ui) fn page_of(&self, id: &str) -> Option<adw::TabPage> {
        let tab = if id.is_empty() { self.front()? } else { self.tab(&id.parse().ok()?)? };
        Some(tab.page.clone())
    }

    /// Pins a tab, or not any more.
    pub(in crate::ui) fn toggle_pin(&mut self, id: &str) {
        if let Some(page) = self.page_of(id) {
            self.pin(&page, !page.is_pinned());
            self.keep();
        }
    }

    /// Pins it, or not. A pinned tab shows nothing but its picture.
    pub(in crate::ui) fn pin(&self, page: &adw::TabPage, pinned: bool) {
        let is_person = self.tabs.iter().any(|tab| tab.page == *page && tab.conversation.friend().is_some());
        if is_person {
            let picture = pinned.then(|| gio::ThemedIcon::new("avatar-default-symbolic"));
            page.set_icon(picture.as_ref());
        }
        if let Some(view) = view_of(page) {
            view.set_page_pinned(page, pinned);
        }
        self.name_buttons(page);
    }

    /// Closes a tab, unless it is pinned. Without any tab the main window is closed.
    pub(in crate::ui) fn close_tab(&self, id: &str) {
        match self.page_of(id) {
            Some(page) if page.is_pinned() => self.toast("This tab is pinned. Unpin it to close it."),
            Some(page) => {
                if let Some(view) = view_of(&page) {
                    view.close_page(&page);
                }
            }
            None if id.is_empty() => self.window.close(),
            None => {}
        }
    }

    /// A tab was closed: it can be opened again.
    pub(in crate::ui) fn remember_closed(&mut self, conversation: ConversationId) {
        self.closed.retain(|known| *known != conversation);
        self.closed.push(conversation);
        if self.closed.len() > CLOSED_MAX {
            self.closed.remove(0);
        }
    }

    /// Opens the tab again that was closed last.
    pub(in crate::ui) fn reopen_tab(&mut self) {
        while let Some(conversation) = self.closed.pop() {
            if self.tab(&conversation).is_none() {
                return self.open_and_read(&conversation);
            }
        }
    }
}
