//! File choosers: what to send, where to save. Used by the root, which does what was chosen.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use gtk::gio;
use gtk::prelude::*;
use relm4::gtk;

/// Gets what was chosen.
pub type Chosen = Box<dyn FnOnce(Vec<PathBuf>)>;
/// Lets the user choose what to send, beginning in a folder.
pub type ToSend = fn(&gtk::Window, &Path, Chosen);

/// Files.
pub fn files_to_send(window: &gtk::Window, folder: &Path, chosen: Chosen) {
    to_send(window, ("Send Files", gtk::FileChooserAction::Open), folder, chosen);
}

/// Folders, each with all that is in it.
pub fn folder_to_send(window: &gtk::Window, folder: &Path, chosen: Chosen) {
    to_send(window, ("Send Folder", gtk::FileChooserAction::SelectFolder), folder, chosen);
}

fn to_send(window: &gtk::Window, (title, action): (&str, gtk::FileChooserAction), folder: &Path, chosen: Chosen) {
    let chooser = gtk::FileChooserNative::new(Some(title), Some(window), action, Some("Send"), None);
    chooser.set_select_multiple(true);
    begin_in(&chooser, folder);
    run(&chooser, chosen);
}

/// Lets the user choose one picture.
pub fn picture(window: &impl IsA<gtk::Window>, folder: &Path, chosen: impl FnOnce(PathBuf) + 'static) {
    let action = gtk::FileChooserAction::Open;
    let chooser = gtk::FileChooserNative::new(Some("Choose Picture"), Some(window), action, Some("Choose"), None);
    let pictures = gtk::FileFilter::new();
    pictures.set_name(Some("Pictures"));
    for kind in ["png", "jpeg", "gif", "webp", "bmp"] {
        pictures.add_mime_type(&format!("image/{kind}"));
    }
    chooser.add_filter(&pictures);
    begin_in(&chooser, folder);
    run(&chooser, move |paths| {
        if let Some(path) = paths.into_iter().next() {
            chosen(path);
        }
    });
}

/// Lets the user choose where to save a file. `name` is its name as cleaned for display; `folder` where to begin.
pub fn place_to_save(
    window: &impl IsA<gtk::Window>,
    name: &str,
    folder: &Path,
    chosen: impl FnOnce(PathBuf) + 'static,
) {
    let chooser =
        gtk::FileChooserNative::new(Some("Save As"), Some(window), gtk::FileChooserAction::Save, Some("Save"), None);
    chooser.set_current_name(&name.replace('/', "_"));
    begin_in(&chooser, folder);
    run(&chooser, move |paths| {
        if let Some(path) = paths.into_iter().next() {
            chosen(path);
        }
    });
}

/// Lets the user choose where received files go.
pub fn folder_for_files(window: &impl IsA<gtk::Window>, now: &Path, chosen: impl FnOnce(PathBuf) + 'static) {
    let action = gtk::FileChooserAction::SelectFolder;
    let chooser = gtk::FileChooserNative::new(Some("Download Folder"), Some(window), action, Some("Choose"), None);
    begin_in(&chooser, now);
    run(&chooser, move |paths| {
        if let Some(path) = paths.into_iter().next() {
            chosen(path);
        }
    });
}

fn begin_in(chooser: &gtk::FileChooserNative, folder: &Path) {
    // A folder that is gone is no reason not to ask.
    let _ = chooser.set_current_folder(Some(&gio::File::for_path(folder)));
}

/// Shown at once and gone with its answer: between two turns of the main loop no window may be in the program's list that nobody sees
/// (see [`crate::ui::dialogs::shortcuts`]).
fn run(chooser: &gtk::FileChooserNative, chosen: impl FnOnce(Vec<PathBuf>) + 'static) {
    chooser.set_modal(true);
    // The toolkit keeps no hold of it: the answer's handler does.
    let open = RefCell::new(Some((chooser.clone(), chosen)));
    chooser.connect_response(move |_, answer| {
        let Some((chooser, chosen)) = open.take() else { return };
        let files = chooser.files();
        chooser.destroy();
        if answer == gtk::ResponseType::Accept {
            let paths = (0..files.n_items()).filter_map(|at| files.item(at).and_downcast::<gio::File>()?.path());
            chosen(paths.collect());
        }
    });
    chooser.show();
}

/// The local paths of files that were dropped or pasted.
pub fn local_paths(list: &gtk::gdk::FileList) -> Vec<PathBuf> {
    list.files().iter().filter_map(gio::File::path).collect()
}
