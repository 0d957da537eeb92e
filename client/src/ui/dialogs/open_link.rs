//! Shows where a link of somebody goes before it is opened.

use gtk::prelude::*;
use gtk::{gdk, pango};
use relm4::gtk;

use crate::ui::links::Target;
use crate::ui::widgets::dialog::{Dialog, Style};

/// Letters of an address that are shown at once; a longer one is scrolled through.
const AT_ONCE: usize = 300;
/// Height of the place for a longer one, in pixels.
const HEIGHT: i32 = 160;

/// Shows it, and opens it in the browser when the person wants that.
pub fn ask(window: &impl IsA<gtk::Window>, target: &Target) {
    let dialog = Dialog::new(window, "Open This Link?", "Your browser opens it, outside of Hobnob.");
    let host = target.address.get(target.host.clone()).unwrap_or_default();
    let name = gtk::Label::builder()
        .label(host)
        .wrap(true)
        .wrap_mode(pango::WrapMode::Char)
        .max_width_chars(36)
        .justify(gtk::Justification::Center)
        .build();
    name.add_css_class("link-host");
    dialog.add(&name);
    let address = gtk::Label::builder()
        .label(&target.address)
        .selectable(true)
        .wrap(true)
        .wrap_mode(pango::WrapMode::Char)
        .max_width_chars(44)
        .xalign(0.0)
        .build();
    address.set_attributes(Some(&emphasis(target)));
    let place = gtk::Box::builder().build();
    place.add_css_class("link-address");
    if target.address.len() > AT_ONCE {
        let scroller = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .min_content_height(HEIGHT)
            .hexpand(true)
            .child(&address)
            .build();
        place.append(&scroller);
    } else {
        place.append(&address);
    }
    dialog.add(&place);
    for words in warnings(target) {
        let label = gtk::Label::builder().label(words).wrap(true).max_width_chars(44).xalign(0.0).build();
        label.add_css_class("problem");
        dialog.add(&label);
    }
    let window = window.clone().upcast::<gtk::Window>();
    let (whole, clipboard) = (target.address.clone(), window.clipboard());
    dialog.cancel("Cancel");
    dialog.button("Copy", Style::Plain, move || clipboard.set_text(&whole));
    let whole = target.address.clone();
    dialog.button("Open", Style::Suggested, move || gtk::show_uri(Some(&window), &whole, gdk::CURRENT_TIME));
    dialog.present();
}

/// The host stands out.
fn emphasis(target: &Target) -> pango::AttrList {
    let all = pango::AttrList::new();
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut bold = pango::AttrInt::new_weight(pango::Weight::Bold);
    bold.set_start_index(place(target.host.start));
    bold.set_end_index(place(target.host.end));
    all.insert(bold);
    all.insert(pango::AttrInt::new_insert_hyphens(false));
    all
}

fn warnings(target: &Target) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(written) = &target.written {
        all.push(format!(
            "The message says “{written}”, whose letters may look like others. It goes to the host above."
        ));
    }
    if target.named {
        all.push("What stands before the @ is not where it goes.".to_owned());
    }
    if target.plain {
        all.push("Not encrypted: others on the way can read and change the page.".to_owned());
    }
    all
}
