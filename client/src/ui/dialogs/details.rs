//! A person: who they are, how they are, and what one calls them and notes on them for oneself.

use adw::prelude::*;
use hobnob_shared::id::Handle;
use relm4::{adw, gtk};

use crate::core::command::{NICKNAME_MAX, NOTE_MAX};
use crate::model::roster::Person;
use crate::ui::text::literal_line;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::{called, heard, name_library_buttons};
use crate::ui::words;

/// Shows a person. `set` is called with nickname and note as they are then, `compare` when the keys are to be compared.
pub fn show(
    window: &impl IsA<gtk::Window>,
    person: &Person,
    set: impl Fn(&Handle, String, String) + 'static,
    compare: impl Fn(&Handle) + 'static,
) {
    let dialog = Dialog::new(
        window,
        person.user.as_str(),
        "Nickname and note are yours alone: they are on all your devices, sealed, and nobody else sees them.",
    );
    let facts = adw::PreferencesGroup::new();
    let fact = |title: &str, words: &str| {
        // What somebody says of themselves is no markup.
        let row = adw::ActionRow::builder().title(title).use_markup(false).subtitle(words).build();
        facts.add(&row);
        row
    };
    fact("Presence", &presence(person));
    let keys = fact("Keys", if person.verified { "Compared: verified" } else { "Not compared yet" });
    let button = gtk::Button::builder().label("Safety Number…").valign(gtk::Align::Center).build();
    button.add_css_class("small-button");
    keys.add_suffix(&button);
    let (over, user) = (dialog.clone(), person.user.clone());
    button.connect_clicked(move |_| {
        over.close();
        compare(&user);
    });

    let nickname =
        heard(adw::EntryRow::builder().title("Nickname").text(&person.nickname).activates_default(true).build());
    let fields = adw::PreferencesGroup::new();
    fields.add(&nickname);
    let note: gtk::TextView = called("Note");
    note.set_wrap_mode(gtk::WrapMode::WordChar);
    note.set_accepts_tab(false);
    note.add_css_class("note");
    note.buffer().set_text(&person.note);
    let heading = gtk::Label::builder().label("Note").xalign(0.0).build();
    heading.add_css_class("heading");
    let scroller = gtk::ScrolledWindow::builder()
        .hscrollbar_policy(gtk::PolicyType::Never)
        .min_content_height(76)
        .max_content_height(140)
        .propagate_natural_height(true)
        .child(&note)
        .build();
    scroller.add_css_class("card");
    let excess = gtk::Label::builder().xalign(0.0).wrap(true).visible(false).build();
    excess.set_css_classes(&["caption", "error"]);
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(12).build();
    content.append(&facts);
    content.append(&fields);
    content.append(&heading);
    content.append(&scroller);
    content.append(&excess);
    dialog.add(&content);

    dialog.cancel("Cancel");
    let (typed, written, user) = (nickname.clone(), note.buffer(), person.user.clone());
    let save = dialog.button("Save", Style::Suggested, move || set(&user, whole(&typed), text_of(&written)));
    let (typed, written) = (nickname.clone(), note.buffer());
    let judge = move || {
        let problem = problem(&whole(&typed), &text_of(&written));
        save.set_sensitive(problem.is_none());
        excess.set_visible(problem.is_some());
        excess.set_text(problem.unwrap_or_default());
    };
    let again = judge.clone();
    nickname.connect_changed(move |_| again());
    note.buffer().connect_changed(move |_| judge());
    dialog.present();
    name_library_buttons(&fields);
    nickname.grab_focus();
}

/// How they are, and what they say.
fn presence(person: &Person) -> String {
    let how = words::sentence(&words::presence_of(person));
    match literal_line(person.status_text.trim()).as_str() {
        said if person.presence.is_online() && !said.is_empty() => format!("{how} · {said}"),
        _ => how,
    }
}

/// What is wrong with them, if anything is.
fn problem(nickname: &str, note: &str) -> Option<&'static str> {
    if nickname.len() > NICKNAME_MAX {
        Some("The nickname is too long.")
    } else if note.len() > NOTE_MAX {
        Some("The note is too long.")
    } else {
        None
    }
}

fn whole(entry: &adw::EntryRow) -> String {
    entry.text().trim().to_owned()
}

fn text_of(buffer: &gtk::TextBuffer) -> String {
    buffer.text(&buffer.start_iter(), &buffer.end_iter(), false).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_said_before_it_is_saved() {
        assert_eq!(problem(&"é".repeat(32), &"n".repeat(2_048)), None);
        assert!(problem(&"é".repeat(33), "").is_some_and(|words| words.contains("nickname")));
        assert!(problem("", &"n".repeat(2_049)).is_some_and(|words| words.contains("note")));
    }
}
