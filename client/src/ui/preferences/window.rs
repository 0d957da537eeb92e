//! The window of the preferences: five pages, searched by their words. A change counts at once; there is nothing to apply.

use std::path::Path;

use adw::prelude::*;
use gtk::glib;
use relm4::{Sender, adw, gtk};

use crate::ui::actions::ActionMsg;
use crate::ui::app::AppMsg;
use crate::ui::people::PeopleAction;
use crate::ui::preferences::rows::{FlagRow, Kept, NumberRow, group, leading, page};
use crate::ui::settings::keys::STYLES;
use crate::ui::settings::{Flag, Number, Store};
use crate::ui::text::literal_line;
use crate::ui::widgets::announcer::Announcer;
use crate::ui::widgets::spoken::name_library_buttons;

/// Sizes of text that are offered, in per cent.
const SIZES: [i32; 8] = [80, 90, 100, 110, 125, 150, 175, 200];
/// Width in pixels; no wider than the window it belongs to.
const WIDTH: i32 = 620;
const NARROWEST: i32 = 360;
/// Times that are offered for muted hours: each half hour.
const HALF_HOUR: usize = 30;

/// The window.
pub struct PreferencesWindow {
    window: adw::PreferencesWindow,
    announcer: Option<Announcer>,
    store: Store,
    style: adw::ComboRow,
    flags: Vec<FlagRow>,
    numbers: Vec<NumberRow>,
    receipts: Kept,
    last_seen: Kept,
    downloads: adw::ActionRow,
}

impl PreferencesWindow {
    /// One over `parent`; what the core keeps is asked of the root, by `input`.
    pub fn new(parent: &impl IsA<gtk::Window>, store: &Store, input: &Sender<AppMsg>) -> Self {
        let window = adw::PreferencesWindow::builder()
            .title("Preferences")
            .transient_for(parent)
            .modal(true)
            .destroy_with_parent(true)
            .default_width(parent.upcast_ref().width().clamp(NARROWEST, WIDTH))
            .default_height(640)
            .search_enabled(true)
            .build();
        let flag = |flag, title: &str, words: &str| FlagRow::new(store, flag, title, words);

        let style = style_row(store);
        let percent = |value: i32| format!("{value} %");
        let size = NumberRow::new(store, Number::TextSize, ("Text Size", "Of messages, here"), SIZES, percent);
        let look = page("Appearance", "applications-graphics-symbolic");
        group(&look, "", "", &[style.upcast_ref(), size.row.upcast_ref()]);
        window.add(&look);

        let told = flag(Flag::Notifications, "Notifications", "Of what comes in and is not in view");
        let text = flag(Flag::NotificationText, "Show Sender and Text", "Otherwise only “New message”");
        let sound = flag(Flag::NotificationSound, "Sound", "Played by the desktop, where it can");
        let mentions =
            flag(Flag::RoomMentionsOnly, "Rooms Only When Mentioned", "When somebody writes your name with an @");
        let muted = flag(Flag::MutedHours, "Muted Hours", "No notifications at these hours");
        let time = |number, title: &str| NumberRow::new(store, number, (title, ""), half_hours(), clock);
        let (from, to) = (time(Number::MutedFrom, "From"), time(Number::MutedTo, "To"));
        for row in [text.row.upcast_ref::<gtk::Widget>(), sound.row.upcast_ref(), mentions.row.upcast_ref()] {
            told.toggle.bind_property("active", row, "sensitive").sync_create().build();
        }
        for row in [&from.row, &to.row] {
            muted.toggle.bind_property("active", row, "sensitive").sync_create().build();
        }
        let notes = page("Notifications", "preferences-system-notifications-symbolic");
        let rows = [told.row.upcast_ref(), text.row.upcast_ref(), sound.row.upcast_ref(), mentions.row.upcast_ref()];
        group(&notes, "", "There are none while you are set to Do Not Disturb.", &rows);
        group(&notes, "", "", &[muted.row.upcast_ref(), from.row.upcast_ref(), to.row.upcast_ref()]);
        window.add(&notes);

        let (tell, say) = (input.clone(), input.clone());
        let receipts =
            Kept::new("Read Receipts", "Others see what you have read, and you what they have read", move |on| {
                tell.emit(AppMsg::Action(ActionMsg::Receipts(on)));
            });
        let last_seen =
            Kept::new("Last Seen", "Friends see when you were last online, and you when they were", move |on| {
                say.emit(AppMsg::People(PeopleAction::LastSeen(on)));
            });
        let typing = flag(Flag::SendTyping, "Show That You Write", "While you write, others see it");
        let enter = flag(Flag::EnterSends, "Enter Sends", "Otherwise Ctrl+Enter sends, and Enter begins a new line");
        let talk = page("Conversations", "user-available-symbolic");
        group(&talk, "Privacy", "", &[receipts.row.upcast_ref(), last_seen.row.upcast_ref(), typing.row.upcast_ref()]);
        group(&talk, "Writing", "", &[enter.row.upcast_ref()]);
        window.add(&talk);

        let say = |action: fn() -> ActionMsg| {
            let input = input.clone();
            move || input.emit(AppMsg::Action(action()))
        };
        let downloads = leading("Download Folder", "", say(|| ActionMsg::ChooseDownloads));
        // A path is shown as it is.
        downloads.set_subtitle_lines(2);
        let ask = flag(
            Flag::AskWhereToSave,
            "Ask Where to Save",
            "For each file that you accept; folders go to the download folder",
        );
        let speed = leading("Limit Speed…", "So that others on your line have room", say(|| ActionMsg::LimitSpeed));
        let files = page("Files", "folder-download-symbolic");
        group(&files, "", "", &[downloads.upcast_ref(), ask.row.upcast_ref(), speed.upcast_ref()]);
        window.add(&files);

        let stays = flag(
            Flag::RunInBackground,
            "Keep Running When Closed",
            "Start Hobnob again to see its window; Ctrl+Q ends it",
        );
        let tabs = flag(Flag::ReopenTabs, "Open Last Tabs at Start", "Pinned tabs are always opened");
        let manner = page("Behaviour", "preferences-other-symbolic");
        group(&manner, "", "", &[stays.row.upcast_ref(), tabs.row.upcast_ref()]);
        window.add(&manner);

        name_library_buttons(&window);
        let announcer = announced(&window);
        let flags = vec![told, text, sound, mentions, muted, typing, enter, ask, stays, tabs];
        let numbers = vec![size, from, to];
        Self { window, announcer, store: store.clone(), style, flags, numbers, receipts, last_seen, downloads }
    }

    /// Shows all of them as they are.
    pub fn show(&self, receipts: bool, last_seen: bool, downloads: &Path) {
        let style = self.store.now().style;
        self.style.set_selected(style as u32);
        for row in &self.flags {
            row.show(&self.store);
        }
        for row in &self.numbers {
            row.show(&self.store);
        }
        self.receipts.show(receipts);
        self.last_seen.show(last_seen);
        // Rows take markup, and a folder may be called anything.
        self.downloads.set_subtitle(&glib::markup_escape_text(&literal_line(&downloads.to_string_lossy())));
    }

    /// Shows it.
    pub fn present(&self) {
        self.window.present();
    }

    /// Somebody looks at it.
    pub fn is_open(&self) -> bool {
        self.window.is_visible()
    }

    /// Says something for a moment.
    pub fn say(&self, words: &str, toast: adw::Toast) {
        if let Some(announcer) = &self.announcer {
            announcer.say(words);
        }
        self.window.add_toast(toast);
        name_library_buttons(&self.window);
    }

    /// It, for questions over it.
    pub fn window(&self) -> &adw::PreferencesWindow {
        &self.window
    }
}

/// What is said in it is told to who listens as well: all that the library has made of it goes below that.
fn announced(window: &adw::PreferencesWindow) -> Option<Announcer> {
    let made = window.content()?;
    window.set_content(None::<&gtk::Widget>);
    let (announcer, over) = Announcer::over(&made);
    window.set_content(Some(&over));
    Some(announcer)
}

fn style_row(store: &Store) -> adw::ComboRow {
    let names = gtk::StringList::new(&["Follow System", "Light", "Dark"]);
    let row = adw::ComboRow::builder().title("Style").model(&names).build();
    row.set_selected(store.now().style as u32);
    let store = store.clone();
    row.connect_selected_notify(move |row| {
        if let Some((style, _)) = STYLES.get(row.selected() as usize) {
            store.set_style(*style);
        }
    });
    row
}

fn half_hours() -> impl Iterator<Item = i32> {
    (0..24 * 60).step_by(HALF_HOUR)
}

fn clock(minute: i32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_on_a_clock() {
        let names: Vec<String> = half_hours().map(clock).collect();
        assert_eq!(
            (names.len(), names.first().map(String::as_str), names.last().map(String::as_str)),
            (48, Some("00:00"), Some("23:30"))
        );
        assert_eq!(clock(22 * 60 + 5), "22:05");
    }
}
