//! Asks whom to ask to be friends: by username, or by an invite that was pasted or clicked.

use adw::prelude::*;
use hobnob_shared::id::Handle;
use relm4::{adw, gtk};

use crate::core::command::Invite;
use crate::ui::text::literal_line;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::heard;

/// What a username looks like.
const RULE: &str = "3 to 32 of a-z, 0-9, dot, underscore and hyphen";
/// Characters of something that is no invite: nobody reads more of it.
const SHOWN: usize = 512;

/// Asks for a username or an invite, with `given` filled in, and calls `add` with what is in the field; `own` shows one's own invite.
/// `server` is the one that this account is on.
pub fn ask(
    window: &impl IsA<gtk::Window>,
    given: &str,
    server: Option<String>,
    add: impl Fn(String) + 'static,
    own: impl Fn() + 'static,
) -> Dialog {
    let dialog = Dialog::new(
        window,
        "Add Friend",
        "Type the username of somebody on your server, or paste their invite link. You can talk once they have accepted your request.",
    );
    let entry = heard(adw::EntryRow::builder().title("Username").activates_default(true).build());
    let fields = adw::PreferencesGroup::new();
    fields.add(&entry);
    let hint = gtk::Label::builder()
        .label(RULE)
        .xalign(0.0)
        .wrap(true)
        .max_width_chars(44)
        .accessible_role(gtk::AccessibleRole::Status)
        .build();
    hint.set_css_classes(&["caption", "dim-label"]);
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
    content.append(&fields);
    content.append(&hint);
    let show = gtk::Button::builder().label("Your Invite Link…").halign(gtk::Align::Start).build();
    show.set_css_classes(&["flat", "small-button"]);
    let over = dialog.clone();
    show.connect_clicked(move |_| {
        over.close();
        own();
    });
    content.append(&show);
    dialog.add(&content);

    dialog.cancel("Cancel");
    let typed = entry.clone();
    let button = dialog.button("Add Friend", Style::Suggested, move || add(wanted(&typed.text())));
    button.set_sensitive(false);
    entry.connect_changed(move |entry| {
        let verdict = judge(&wanted(&entry.text()), server.as_deref());
        button.set_sensitive(verdict.fits);
        hint.set_text(&verdict.words);
        hint.set_css_classes(&["caption", if verdict.wrong { "error" } else { "dim-label" }]);
        if verdict.wrong {
            entry.add_css_class("error");
        } else {
            entry.remove_css_class("error");
        }
    });
    let given: String = given.chars().take(SHOWN).collect();
    entry.set_text(&literal_line(&given));
    entry.set_position(-1);
    dialog.present();
    entry.grab_focus();
    dialog
}

/// What is to be said of what stands in the field.
struct Verdict {
    fits: bool,
    wrong: bool,
    words: String,
}

/// People write `@bob` as well, and with capitals.
fn wanted(typed: &str) -> String {
    let typed = typed.trim();
    if Invite::is_meant(typed) { typed.to_owned() } else { typed.trim_start_matches('@').to_lowercase() }
}

fn judge(typed: &str, server: Option<&str>) -> Verdict {
    if !Invite::is_meant(typed) {
        let fits = typed.parse::<Handle>().is_ok();
        return Verdict { fits, wrong: !fits && !typed.is_empty(), words: RULE.to_owned() };
    }
    match typed.parse::<Invite>() {
        Err(problem) => Verdict { fits: false, wrong: true, words: problem.text.into_owned() },
        Ok(Invite { user, key, server: theirs }) => {
            let pinned = match key {
                Some(_) => format!("The key of {user} in this invite will be pinned: nobody else can take their name."),
                None => format!("This invite names {user} without a key, so it says no more than their username."),
            };
            let words = match theirs.filter(|theirs| server != Some(theirs.as_str())) {
                Some(theirs) => format!("{pinned} It is for the server {theirs}."),
                None => pinned,
            };
            Verdict { fits: true, wrong: false, words }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_people_write_them() {
        for (typed, name) in [(" bob ", "bob"), ("@Bob", "bob"), (" hobnob:bob ", "hobnob:bob")] {
            assert_eq!(wanted(typed), name);
            assert!(judge(&wanted(typed), None).fits);
        }
        for nobody in ["bo", "b ob", "hobnob:", "bób", "hobnob:bob?k=1", "hobnob:b\u{202e}ob"] {
            let verdict = judge(&wanted(nobody), None);
            assert!(!verdict.fits && verdict.wrong && !verdict.words.is_empty(), "{nobody:?}");
        }
        assert!(!judge("", None).wrong);
    }

    #[test]
    fn an_invite_says_what_it_does_and_names_another_server() {
        let invite = format!("hobnob:bob?k={}&s=chat.example:7666", "01".repeat(32));
        let words = judge(&invite, Some("192.0.2.7:7666")).words;
        assert!(words.contains("will be pinned") && words.ends_with("the server chat.example:7666."), "{words}");
        assert!(!judge(&invite, Some("chat.example:7666")).words.contains("server"));
        assert!(judge("hobnob:bob", None).words.contains("without a key"));
    }
}
