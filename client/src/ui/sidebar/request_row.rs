//! A friend request's line in the sidebar, with its two answers.

use gtk::pango;
use gtk::prelude::*;
use hobnob_shared::id::Handle;
use relm4::{adw, gtk};

use crate::ui::sidebar::SidebarOutput;
use crate::ui::widgets::spoken::called;

/// Builds the line of a request; `speak` gets the answer.
pub fn request_row(user: &Handle, speak: impl Fn(SidebarOutput) + Clone + 'static) -> gtk::ListBoxRow {
    let name = gtk::Label::builder()
        .label(user.as_str())
        .xalign(0.0)
        .hexpand(true)
        .ellipsize(pango::EllipsizeMode::End)
        .build();
    name.add_css_class("person-name");
    let who = gtk::Box::builder().spacing(10).build();
    who.append(&adw::Avatar::new(28, Some(user.as_str()), true));
    who.append(&name);

    let answers = gtk::Box::builder().spacing(6).homogeneous(true).build();
    for (words, class, output) in [
        ("Decline", None, SidebarOutput::Decline(user.clone())),
        ("Accept", Some("suggested-action"), SidebarOutput::Accept(user.clone())),
    ] {
        let button = gtk::Button::builder().label(words).hexpand(true).build();
        button.add_css_class("small-button");
        if let Some(class) = class {
            button.add_css_class(class);
        }
        let speak = speak.clone();
        button.connect_clicked(move |_| speak(output.clone()));
        answers.append(&button);
    }
    let line = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
    line.add_css_class("request");
    line.append(&who);
    line.append(&answers);
    let row: gtk::ListBoxRow = called(&format!("{user} wants to be your friend"));
    row.set_child(Some(&line));
    row.set_activatable(false);
    row.set_selectable(false);
    row
}
