//! The tabs of the window, for the root: pinned ones, those that were closed last, and the menu of a tab. That they are moved, by hand or by
//! keys, is the library's own doing.

use gtk::gio;
use gtk::prelude::*;
use hobnob_shared::id::ConversationId;
use relm4::{adw, gtk};

use crate::ui::app::App;
use crate::ui::widgets::context_menu::add;
use crate::ui::widgets::spoken::name_library_buttons;

/// Closed tabs that can be opened again.
const CLOSED_MAX: usize = 50;

/// Gives tabs their menu. Who a tab is about stands in the name of its content.
pub fn attach_menu(tabs: &adw::TabView) {
    let menu = gio::Menu::new();
    tabs.set_menu_model(Some(&menu));
    tabs.connect_setup_menu(move |_, page| {
        let Some(page) = page else { return };
        menu.remove_all();
        let (own, others, target) = (gio::Menu::new(), gio::Menu::new(), page.child().widget_name());
        add(&own, if page.is_pinned() { "Unpin" } else { "Pin" }, "win.pin-tab", &target);
        if !page.is_pinned() {
            add(&own, "Close", "win.shut-tab", &target);
        }
        others.append(Some("Reopen Closed Tab"), Some("win.reopen-tab"));
        menu.append_section(None, &own);
        menu.append_section(None, &others);
    });
}

impl App {
    /// The page of a conversation by its id; without one, the page in front.
    fn page_of(&self, id: &str) -> Option<adw::TabPage> {
        if id.is_empty() {
            return self.content.tabs.selected_page();
        }
        Some(self.tab(&id.parse().ok()?)?.page.clone())
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
        self.content.tabs.set_page_pinned(page, pinned);
        name_library_buttons(&self.content.tab_bar);
    }

    /// Closes a tab, unless it is pinned. Without any tab the window is closed.
    pub(in crate::ui) fn close_tab(&self, id: &str) {
        match self.page_of(id) {
            Some(page) if page.is_pinned() => self.toast("This tab is pinned. Unpin it to close it."),
            Some(page) => self.content.tabs.close_page(&page),
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
