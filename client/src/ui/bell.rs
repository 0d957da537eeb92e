//! What becomes of a notification's text. GNOME shows it as it is. Other desktops may take the body for markup, with links and pictures from
//! the net, and the toolkit hands it to them unchanged; so it is asked once who shows notifications, and what.

use std::cell::{Cell, RefCell};

use gtk::gio::prelude::*;
use gtk::{gio, glib};
use relm4::gtk;

/// Time for the answer: without one the body counts as markup, which at worst looks odd.
const WITHIN: i32 = 2_000;

/// Somebody who waits for the answer.
type Then = Box<dyn FnOnce(bool)>;

thread_local! {
    static READS_MARKUP: Cell<Option<bool>> = const { Cell::new(None) };
    static WAITING: RefCell<Vec<Then>> = RefCell::default();
}

/// The body as it has to be handed over, so that it is shown literally.
pub fn literal_body(body: &str, reads_markup: bool) -> String {
    if reads_markup { glib::markup_escape_text(body).into() } else { body.to_owned() }
}

/// Runs `then` with whether the body of a notification is taken for markup: at once, but for the first time.
pub fn once_known(then: impl FnOnce(bool) + 'static) {
    if let Some(known) = READS_MARKUP.get() {
        return then(known);
    }
    let is_first = WAITING.with_borrow_mut(|waiting| {
        waiting.push(Box::new(then));
        waiting.len() == 1
    });
    if is_first {
        glib::spawn_future_local(async {
            let known = !is_sandboxed() && reads_markup().await;
            READS_MARKUP.set(Some(known));
            WAITING.take().into_iter().for_each(|then| then(known));
        });
    }
}

/// Then the toolkit speaks to a portal, which takes plain text.
fn is_sandboxed() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    is_set("GTK_USE_PORTAL") || is_set("SNAP") || std::path::Path::new("/.flatpak-info").exists()
}

async fn reads_markup() -> bool {
    // The toolkit looks for the one first, and for the other only where that is not there.
    let Ok(bus) = gio::bus_get_future(gio::BusType::Session).await else { return false };
    let bus_itself = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
    let gnome = ("org.gtk.Notifications",).to_variant();
    if let Ok(owner) = ask(&bus, bus_itself, "NameHasOwner", Some(&gnome)).await
        && owner.child_value(0).get() == Some(true)
    {
        return false;
    }
    let others = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
    match ask(&bus, others, "GetCapabilities", None).await {
        Ok(can) => {
            let can: Vec<String> = can.child_value(0).get().unwrap_or_default();
            can.iter().any(|what| what == "body-markup")
        }
        Err(_) => true,
    }
}

async fn ask(
    bus: &gio::DBusConnection,
    (name, path): (&str, &str),
    method: &str,
    arguments: Option<&glib::Variant>,
) -> Result<glib::Variant, glib::Error> {
    bus.call_future(Some(name), path, name, method, arguments, None, gio::DBusCallFlags::NONE, WITHIN).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_is_none() {
        let body = "<b>bold</b> & <a href=\"http://192.0.2.1\">x</a>";
        assert_eq!(literal_body(body, false), body);
        let escaped = literal_body(body, true);
        assert!(!escaped.contains(['<', '>', '"']), "{escaped}");
        assert_eq!(literal_body("plain", true), "plain");
    }
}
