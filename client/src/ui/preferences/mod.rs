//! Preferences: [`window`] shows and changes them, made of [`rows`]; what follows from a change is carried out here, for the root.

mod rows;
pub mod window;

use adw::prelude::*;
use gtk::gdk;
use hobnob_shared::id::TransferId;
use relm4::{Sender, adw, gtk};

use crate::core::command::Command;
use crate::model::Question;
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::settings::{Flag, Number, Store, Style};
use crate::ui::transfers::{CardOutput, choose};

pub use window::PreferencesWindow;

/// This user's preferences; `input` hears of each change.
pub fn open(input: &Sender<AppMsg>) -> Store {
    let store = Store::open(&gtk::glib::user_config_dir().join("hobnob"));
    let changed = input.clone();
    store.watch(move || changed.emit(AppMsg::Preferred));
    store
}

/// The size of the text of conversations, as a style sheet of one rule.
#[derive(Default)]
pub struct TextSize {
    sheet: Option<(gtk::CssProvider, i32)>,
}

impl TextSize {
    fn set(&mut self, percent: i32) {
        if self.sheet.as_ref().map_or(100, |(_, now)| *now) == percent {
            return;
        }
        let Some(display) = gdk::Display::default() else { return };
        let (sheet, now) = self.sheet.get_or_insert_with(|| {
            let sheet = gtk::CssProvider::new();
            gtk::style_context_add_provider_for_display(&display, &sheet, gtk::STYLE_PROVIDER_PRIORITY_USER);
            (sheet, percent)
        });
        *now = percent;
        sheet.load_from_data(&format!(".timeline, .message-field {{ font-size: {percent}%; }}"));
    }
}

impl App {
    /// The person prefers something else than before, here or in another window.
    pub(in crate::ui) fn follow_preferences(&mut self) {
        let now = self.preferences.now();
        let scheme = match now.style {
            Style::System => adw::ColorScheme::Default,
            Style::Light => adw::ColorScheme::ForceLight,
            Style::Dark => adw::ColorScheme::ForceDark,
        };
        adw::StyleManager::default().set_color_scheme(scheme);
        self.text_size.set(now.number(Number::TextSize));
        self.notifier.change(|board| {
            if now.is(Flag::Notifications) {
                board.reword();
            } else {
                board.withdraw_all();
            }
        });
        self.show_preferences();
    }

    /// Opens their window.
    pub(in crate::ui) fn open_preferences(&mut self) {
        if let Some(open) = self.preferring.as_ref().filter(|open| open.is_open()) {
            return open.present();
        }
        let window = PreferencesWindow::new(&self.window, &self.preferences, &self.sender);
        window.show(self.model.receipts, self.model.last_seen, &self.model.connection.downloads);
        window.present();
        self.preferring = Some(window);
    }

    /// Shows them as they are, where their window is open.
    pub(in crate::ui) fn show_preferences(&self) {
        if let Some(open) = self.preferring.as_ref().filter(|open| open.is_open()) {
            open.show(self.model.receipts, self.model.last_seen, &self.model.connection.downloads);
        }
    }

    /// The window that a question belongs to.
    pub(in crate::ui) fn front_window(&self) -> gtk::Window {
        match self.preferring.as_ref().filter(|open| open.is_open()) {
            Some(open) => open.window().clone().upcast(),
            None => self.at(),
        }
    }

    /// Gives read receipts and shows them, or not any more.
    pub(in crate::ui) fn set_receipts(&mut self, on: bool) {
        self.ask(Question::SetReceipts(on), Command::SetReceipts { on });
    }

    /// Lets the person choose where files go.
    pub(in crate::ui) fn choose_downloads(&self) {
        let input = self.sender.clone();
        let now = &self.model.connection.downloads;
        choose::folder_for_files(&self.front_window(), now, move |folder| {
            input.emit(AppMsg::Answer(DialogAnswer::Downloads(folder)));
        });
    }

    /// An offer is taken; perhaps the person wants to say where it goes.
    pub(in crate::ui) fn take(&mut self, transfer: TransferId) -> bool {
        let asks = self.preferences.is(Flag::AskWhereToSave)
            && self.model.transfers.get(transfer).is_some_and(|transfer| transfer.info.files.is_none());
        if asks {
            self.card(CardOutput::SaveAs, transfer);
        }
        asks
    }
}
