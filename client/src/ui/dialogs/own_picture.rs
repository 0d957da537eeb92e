//! Asks which picture others see, and shows it as they will before it is set.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use adw::prelude::*;
use gtk::{gio, glib};
use relm4::{adw, gtk};

use crate::pictures::avatar;
use crate::pictures::parent::{THIS_PROGRAM, WITHIN};
use crate::ui::faces::Face;
use crate::ui::transfers::{choose, texture};
use crate::ui::widgets::dialog::{Dialog, Style};

/// Size of the picture: so large it is known at most.
const SIZE: i32 = 128;

/// Asks, and calls `set` with the file, or with none to take the picture away; the dialog waits for the answer. `folder` is where choosing
/// begins.
pub fn ask(
    window: &impl IsA<gtk::Window>,
    me: &str,
    has_one: bool,
    folder: &Path,
    set: impl Fn(Option<PathBuf>) + 'static,
) -> Dialog {
    let dialog = Dialog::new(
        window,
        "Your Picture",
        "Your friends see it, and who is in a room with you. It goes straight to their computers, never to the server.",
    );
    let face = Face::new(SIZE);
    face.show(me);
    face.widget().set_halign(gtk::Align::Center);
    let choose = gtk::Button::builder().label("Choose File…").halign(gtk::Align::Center).build();
    choose.add_css_class("pill");
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(16).build();
    content.append(face.widget());
    content.append(&choose);
    dialog.add(&content);

    dialog.cancel("Cancel");
    let set = Rc::new(set);
    if has_one {
        let remove = set.clone();
        dialog.submit("Remove", Style::Destructive, move || remove(None));
    }
    let chosen: Rc<RefCell<Option<PathBuf>>> = Rc::default();
    let picked = chosen.clone();
    let done = dialog.submit("Set Picture", Style::Suggested, move || {
        if let Some(path) = picked.borrow().clone() {
            set(Some(path));
        }
    });
    done.set_sensitive(false);

    let (shown, over, folder) = (face.clone(), dialog.clone(), folder.to_owned());
    choose.connect_clicked(move |_| {
        let (shown, dialog, chosen, done) = (shown.clone(), over.clone(), chosen.clone(), done.clone());
        choose::picture(over.window(), &folder, move |path| {
            glib::spawn_future_local(async move {
                let looked = path.clone();
                let preview =
                    gio::spawn_blocking(move || avatar::preview(Path::new(THIS_PROGRAM), &looked, WITHIN)).await;
                match preview.unwrap_or(Err(avatar::Unfit::Busy)) {
                    Ok(picture) => {
                        dialog.clear();
                        shown.preview(&texture(picture).1);
                        chosen.replace(Some(path));
                        done.set_sensitive(true);
                        done.grab_focus();
                    }
                    Err(why) => {
                        dialog.refuse(&why.to_string());
                        done.set_sensitive(chosen.borrow().is_some());
                    }
                }
            });
        });
    });
    choose.grab_focus();
    dialog.present();
    dialog
}
