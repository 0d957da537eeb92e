//! Shows a received file in the file manager. The file itself is never opened: what came from others is opened by a person, with whatever
//! they choose.

use std::path::{Path, PathBuf};

use gtk::prelude::*;
use gtk::{gdk, gio, glib};
use relm4::gtk;

/// Shows the folder with the file selected, or just the folder where no file manager can do better.
pub fn show(window: &impl IsA<gtk::Window>, path: PathBuf) {
    let window = window.clone().upcast::<gtk::Window>();
    glib::spawn_future_local(async move {
        if let Err(error) = ask_file_manager(&path).await {
            tracing::debug!(%error, "no file manager answers");
            let folder = path.parent().unwrap_or(Path::new("/"));
            gtk::show_uri(Some(&window), &gio::File::for_path(folder).uri(), gdk::CURRENT_TIME);
        }
    });
}

async fn ask_file_manager(path: &Path) -> Result<(), glib::Error> {
    let bus = gio::bus_get_future(gio::BusType::Session).await?;
    let uris = vec![gio::File::for_path(path).uri().to_string()];
    bus.call_future(
        Some("org.freedesktop.FileManager1"),
        "/org/freedesktop/FileManager1",
        "org.freedesktop.FileManager1",
        "ShowItems",
        Some(&(uris, String::new()).to_variant()),
        None,
        gio::DBusCallFlags::NONE,
        5_000,
    )
    .await
    .map(drop)
}
