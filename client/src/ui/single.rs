//! One program for each profile, over the session bus: the second one that is started with the same profile asks the first to show its
//! window, or hands it the invite that was clicked. Whoever else is on that bus can do no more than that. The application's own uniqueness does not do: several profiles run side by side under one application id.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gtk::glib::prelude::*;
use gtk::{gio, glib};
use relm4::{Sender, gtk};

use crate::ui::actions::ActionMsg;
use crate::ui::app::AppMsg;
use crate::ui::notify::Place;

const OBJECT: &str = "/org/hobnob/Hobnob/Profile";
const INTERFACE: &str = "org.hobnob.Hobnob.Profile";
const ABOUT: &str = "<node><interface name='org.hobnob.Hobnob.Profile'><method name='Present'>\
    <arg name='token' type='s' direction='in'/><arg name='invite' type='s' direction='in'/></method></interface></node>";
/// Longest invite that is passed on, in bytes: longer ones are none, and are said to be none.
const INVITE_MAX: usize = 4 * 1024;
/// A session bus that says nothing for so long never will.
const BUS_PATIENCE: Duration = Duration::from_secs(5);
/// A program that does not answer for so long is not there for anybody.
const PATIENCE_MS: i32 = 10_000;
/// How often, and with what pauses, a program is looked for that was started a moment before.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(400);

/// The name on the bus of whoever has that profile.
fn name(profile: &Path) -> String {
    let whole = whole(profile);
    let hash = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
    format!("{INTERFACE}.p{}", hash.get(..24).unwrap_or_default())
}

/// The path without links; the folder itself may not be there yet.
fn whole(profile: &Path) -> PathBuf {
    let absolute = std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned());
    let above = || Some(absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?));
    absolute.canonicalize().ok().or_else(above).unwrap_or(absolute.clone())
}

/// The beginning of an invite that is passed on.
fn beginning(invite: &str) -> String {
    invite.chars().take(INVITE_MAX / 4).collect()
}

/// Whether the session bus says something to who comes, be it that there is none. Where it does not, the toolkit would wait for it for ever
/// before it shows a window.
pub fn bus_answers() -> bool {
    let bus = glib::future_with_timeout(BUS_PATIENCE, gio::bus_get_future(gio::BusType::Session));
    glib::MainContext::default().block_on(bus).is_ok()
}

/// Asks another program with that profile to show its window, and to ask about this invite. True if there is one that did.
pub fn wake(profile: &Path, invite: Option<&str>) -> bool {
    glib::MainContext::default().block_on(ask(profile, invite))
}

/// The same, for who lost the profile to another program just now: that one may not answer yet, as its store takes a while to open.
pub async fn find(profile: &Path, invite: Option<&str>) -> bool {
    for _ in 0..TRIES {
        if ask(profile, invite).await {
            return true;
        }
        glib::timeout_future(PAUSE).await;
    }
    false
}

async fn ask(profile: &Path, invite: Option<&str>) -> bool {
    // Without the folder there is no program in it.
    if !profile.is_dir() {
        return false;
    }
    let Ok(bus) = gio::bus_get_future(gio::BusType::Session).await else { return false };
    // Wayland lets a window come to the front only with what the desktop gave to who was started by a person.
    let token = ["XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"].into_iter().find_map(|name| std::env::var(name).ok());
    let asked = bus.call_future(
        Some(&name(profile)),
        OBJECT,
        INTERFACE,
        "Present",
        Some(&(token.unwrap_or_default(), invite.map(beginning).unwrap_or_default()).to_variant()),
        None,
        gio::DBusCallFlags::NO_AUTO_START,
        PATIENCE_MS,
    );
    asked.await.is_ok()
}

/// Answers to that from now on. Only for who has the profile: the name goes to whoever asks first.
pub fn listen(profile: &Path, input: &Sender<AppMsg>) {
    let input = input.clone();
    let acquired = move |bus: gio::DBusConnection, _: &str| {
        let about = gio::DBusNodeInfo::for_xml(ABOUT).ok().and_then(|node| node.lookup_interface(INTERFACE));
        let Some(about) = about else { return };
        let input = input.clone();
        let registered =
            bus.register_object(OBJECT, &about).method_call(move |_, _, _, _, _, parameters, invocation| {
                let text = |at| parameters.try_child_value(at).and_then(|text| text.get::<String>());
                let said = |at| text(at).filter(|text| !text.is_empty());
                input.emit(AppMsg::Action(ActionMsg::Come(Place::Window, said(0))));
                if let Some(invite) = said(1) {
                    input.emit(AppMsg::Invited(beginning(&invite)));
                }
                invocation.return_value(None);
            });
        if let Err(error) = registered.build() {
            tracing::debug!(%error, "a second start will not find this window");
        }
    };
    // It is held until the program ends.
    let _held = gio::bus_own_name(
        gio::BusType::Session,
        &name(profile),
        gio::BusNameOwnerFlags::DO_NOT_QUEUE,
        acquired,
        |_, _| (),
        |_, name| tracing::debug!(name, "not on the session bus"),
    );
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn one_profile_has_one_name_however_its_path_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for profile in [&one, &other] {
            std::fs::create_dir(profile).unwrap();
        }
        assert_eq!(name(&one), name(&folder.path().join("other/../one")));
        assert_ne!(name(&one), name(&other));
        assert!(gio::dbus_is_name(&name(&one)));
        assert!(!wake(&folder.path().join("none"), None), "nobody is in a folder that is not there");
    }

    #[test]
    fn an_invite_of_any_length_is_passed_on_in_part() {
        assert_eq!(beginning("hobnob:bob"), "hobnob:bob");
        assert!(beginning(&"\u{e9}".repeat(100_000)).len() <= INVITE_MAX);
    }
}
