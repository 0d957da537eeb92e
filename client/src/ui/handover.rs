//! A link that was clicked while the window of the same profile is open goes there: each profile's window is found on the session's bus by a
//! name of its own. Whoever else is on that bus can do no more than open a question that the person answers.

use std::path::Path;

use gtk::prelude::*;
use gtk::{gio, glib};
use relm4::{Sender, gtk};

use crate::ui::APP_ID;
use crate::ui::app::AppMsg;

/// Where the window's action stands on the bus.
const PLACE: &str = "/org/hobnob/Hobnob/profile";
/// The action that takes an invite.
const ACTION: &str = "open-invite";
/// A window that does not answer for so long is not there, in milliseconds.
const PATIENCE: i32 = 5_000;
/// Longest link that is passed on, in bytes: longer ones are no invites, and are said to be none.
const LINK_MAX: usize = 4 * 1024;

/// The name of a profile's window.
fn name(profile: &Path) -> String {
    let path = profile.canonicalize().or_else(|_| std::path::absolute(profile)).unwrap_or_else(|_| profile.to_owned());
    let digest = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
    format!("{APP_ID}.Profile_{}", digest.get(..32).unwrap_or_default())
}

/// The beginning of a link that is passed on.
fn beginning(link: &str) -> String {
    link.chars().take(LINK_MAX / 4).collect()
}

/// Hands a link to the window that has this profile open; false if there is none.
pub fn deliver(profile: &Path, link: &str) -> bool {
    let Ok(bus) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) else { return false };
    let parameter = glib::Variant::array_from_iter::<glib::Variant>([beginning(link).to_variant().to_variant()]);
    let data = glib::VariantDict::new(None).end();
    let wish = glib::Variant::tuple_from_iter([ACTION.to_variant(), parameter, data]);
    let flags = gio::DBusCallFlags::NO_AUTO_START;
    let answer = bus.call_sync(
        Some(&name(profile)),
        PLACE,
        "org.gtk.Actions",
        "Activate",
        Some(&wish),
        None,
        flags,
        PATIENCE,
        gio::Cancellable::NONE,
    );
    answer.is_ok()
}

/// Takes links from now on, as the window of this profile. Without a bus there is nobody who could send one.
pub fn listen(profile: &Path, input: Sender<AppMsg>) {
    let name = name(profile);
    glib::spawn_future_local(async move {
        let Ok(bus) = gio::bus_get_future(gio::BusType::Session).await else { return };
        let action = gio::SimpleAction::new(ACTION, Some(glib::VariantTy::STRING));
        action.connect_activate(move |_, link| {
            let link = link.and_then(glib::Variant::str).map(beginning);
            // A window that is gone takes none.
            let _ = link.map(|link| input.send(AppMsg::Invited(link)));
        });
        let group = gio::SimpleActionGroup::new();
        group.add_action(&action);
        match bus.export_action_group(PLACE, &group) {
            // For as long as the program runs; the bus forgets both with the connection.
            Ok(_exported) => {
                gio::bus_own_name_on_connection(&bus, &name, gio::BusNameOwnerFlags::NONE, |_, _| (), |_, _| ());
            }
            Err(error) => tracing::debug!(%error, "links are not taken from the bus"),
        }
    });
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn each_profile_has_a_name_of_its_own_however_its_folder_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::create_dir_all(&one).unwrap();
        assert_eq!(name(&one), name(&folder.path().join("./one/../one")));
        assert_ne!(name(&one), name(&other));
        assert!(gio::dbus_is_name(&name(&one)), "{}", name(&one));
    }

    #[test]
    fn a_link_of_any_length_is_passed_on_in_part() {
        assert_eq!(beginning("hobnob:bob"), "hobnob:bob");
        assert!(beginning(&"é".repeat(100_000)).len() <= LINK_MAX);
    }
}
