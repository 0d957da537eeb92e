//! About the program.

use gtk::prelude::*;
use relm4::{adw, gtk};

use crate::ui::APP_ID;

/// Shows it.
pub fn show(window: &impl IsA<gtk::Window>) {
    let about = adw::AboutWindow::builder()
        .transient_for(window)
        .modal(true)
        .application_name("Hobnob")
        .application_icon(APP_ID)
        .developer_name("The Hobnob authors")
        .version(env!("CARGO_PKG_VERSION"))
        .comments("Talk straight to your friends: encrypted conversations and files from desktop to desktop.")
        .license_type(gtk::License::Gpl30)
        .build();
    about.present();
}
