//! The end of the window and of the program: closing hides the window where that is preferred, and everything goes on; quitting and signals
//! end in order. For the root.

use gtk::prelude::*;
use gtk::{gdk, glib};
use relm4::{Sender, adw, gtk};

use crate::model::connection::Page;
use crate::ui::actions::ActionMsg;
use crate::ui::app::{App, AppMsg};
use crate::ui::notify::Tag;
use crate::ui::notify::board::Item;
use crate::ui::settings::Flag;
use crate::ui::sign_in::failed_page;
use crate::ui::single;

/// Seconds for reading why the program cannot start; a script that started it must not wait for ever.
const READ_WITHIN: u32 = 12;
/// Said once, when the window is closed and the program goes on.
const EXPLAINED: &str = "Messages and files still arrive. Start Hobnob again to see its window; Ctrl+Q there ends it.";

impl App {
    /// The core did not start: says why, and ends by itself when nobody is there to read it. Where another program was started with the same
    /// profile a moment before, that one is brought to the front, and gets the invite.
    pub(in crate::ui) fn not_started(&mut self, text: &str) {
        eprintln!("hobnob: {text}");
        self.failed.set(true);
        self.show_extra(&failed_page(text));
        let window = self.window.downgrade();
        glib::timeout_add_seconds_local_once(READ_WITHIN, move || {
            if let Some(window) = window.upgrade() {
                window.close();
            }
        });
        let (profile, invite) = (self.profile.clone(), self.invited.take());
        let (failed, window) = (self.failed.clone(), self.window.downgrade());
        relm4::spawn_local(async move {
            if single::find(&profile, invite.as_deref()).await
                && let Some(window) = window.upgrade()
            {
                failed.set(invite.is_none());
                window.close();
            }
        });
    }

    /// The window is to be closed. Who is signed in may go on without it.
    pub(in crate::ui) fn close_window(&mut self) {
        if !self.preferences.is(Flag::RunInBackground) || self.model.connection.page() != Page::Main {
            return self.end();
        }
        self.keep();
        // Only its surface: GTK 4.8 ends the program when a screen reader asks for a window while the last in its list is a hidden one (see
        // [`crate::ui::dialogs::shortcuts`]).
        if let Some(surface) = self.window.surface() {
            surface.hide();
        }
        self.look();
        if !self.preferences.is(Flag::BackgroundExplained) {
            self.preferences.set(Flag::BackgroundExplained, true);
            let (from, what) = ("Hobnob goes on".to_owned(), EXPLAINED.to_owned());
            self.notifier.add(&Tag::Background, Item { from, mentioned: false, what, message: None }, false);
        }
    }

    /// Ends the program, in order.
    pub(in crate::ui) fn end(&mut self) {
        self.keep();
        self.restored = false;
        for own in self.own.drain(..) {
            own.window.destroy();
        }
        self.window.destroy();
    }

    /// Shows the window, or brings it to the front; `token` is the desktop's leave to do so.
    pub(in crate::ui) fn show_window(&mut self, token: Option<&str>) {
        if let Some(token) = token {
            self.window.set_startup_id(token);
        }
        if let Some(surface) = self.window.surface().filter(|surface| !surface.is_mapped())
            && let Ok(toplevel) = surface.downcast::<gdk::Toplevel>()
        {
            let layout = gdk::ToplevelLayout::new();
            if self.window.is_maximized() {
                layout.set_maximized(true);
            }
            toplevel.present(&layout);
        }
        self.window.present();
        self.notifier.change(|board| board.withdraw(&Tag::Background));
    }
}

/// Hears of what happens to the window, and of signals to the program.
pub fn watch(window: &adw::ApplicationWindow, input: &Sender<AppMsg>) {
    let looked = input.clone();
    window.connect_is_active_notify(move |window| {
        looked.emit(if window.is_active() { AppMsg::Used(None) } else { AppMsg::Looked });
    });
    // Closed by the root, once it has kept which tabs are open: they go with the window.
    let closing = input.clone();
    window.connect_close_request(move |_| {
        closing.emit(AppMsg::Closing);
        glib::Propagation::Stop
    });
    // What is told as “5 minutes ago” grows older.
    let minute = input.clone();
    glib::timeout_add_seconds_local(60, move || match minute.send(AppMsg::Minute) {
        Ok(()) => glib::ControlFlow::Continue,
        Err(_) => glib::ControlFlow::Break,
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
    let ending = input.clone();
    relm4::spawn_local(async move {
        if signals.recv().await.is_ok() {
            ending.emit(AppMsg::Action(ActionMsg::Quit));
        }
    });
}
