//! The keyboard is always somewhere: what had it may be hidden, closed or moved to another window, and then it goes where one most likely
//! goes on.

use gtk::glib;
use gtk::prelude::*;
use relm4::{ComponentController, adw, gtk};

use crate::model::connection::Page;
use crate::ui::app::{App, AppMsg};
use crate::ui::conversation::PageInput;
use crate::ui::sidebar::SidebarInput;
use crate::ui::sign_in::SignInInput;

/// Tells when a window has nothing with the keyboard any more; none is the main window.
pub fn watch(window: &impl IsA<gtk::Window>, own: Option<&adw::Window>, input: &relm4::Sender<AppMsg>) {
    let (input, own) = (input.clone(), own.map(adw::Window::downgrade));
    let look = move |window: &gtk::Window| {
        if !is_astray(window) {
            return;
        }
        let (input, own, window) = (input.clone(), own.clone(), window.downgrade());
        // Whoever took it away may be about to give it to something else.
        glib::idle_add_local_once(move || {
            if window.upgrade().is_some_and(|window| is_astray(&window)) {
                input.emit(AppMsg::Astray(own.and_then(|own| own.upgrade())));
            }
        });
    };
    let window = window.upcast_ref::<gtk::Window>();
    window.connect_is_active_notify(look.clone());
    window.connect_focus_widget_notify(look);
}

/// Somebody types into the window, and nothing in it takes it. In a window that is not in use, something with the keyboard would be told to
/// those who listen.
fn is_astray(window: &gtk::Window) -> bool {
    window.is_active() && GtkWindowExt::focus(window).is_none()
}

impl App {
    /// Nothing has the keyboard in a window: to where one writes, else to where one looks for whom to write to.
    pub(in crate::ui) fn lead_back(&self, own: Option<&adw::Window>) {
        let own = own.and_then(|window| self.own.iter().find(|own| own.window == *window));
        let window: &gtk::Window = own.map_or(self.window.upcast_ref(), |own| own.window.upcast_ref());
        if !is_astray(window) {
            return;
        }
        match self.model.connection.page() {
            Page::Starting | Page::Stopped(_) => {}
            Page::Enter => self.entrance().emit(SignInInput::Focus),
            Page::Main => match self.front_of(own.map_or(&self.content, |own| &own.content)) {
                Some(tab) => tab.body.emit(PageInput::Focus),
                None => self.sidebar.emit(SidebarInput::FocusSearch),
            },
        }
    }
}
