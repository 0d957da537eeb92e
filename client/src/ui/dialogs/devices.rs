//! Shows the account's devices, while they come and go.

use std::cell::RefCell;
use std::rc::Rc;

use adw::prelude::*;
use hobnob_shared::id::DeviceId;
use relm4::{adw, gtk};

use crate::core::event::DeviceInfo;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::icon_button::icon_button;
use crate::ui::words;

/// The list.
#[derive(Clone)]
pub struct DevicesDialog {
    dialog: Dialog,
    group: adw::PreferencesGroup,
    rows: Rc<RefCell<Vec<adw::ActionRow>>>,
    alone: gtk::Label,
    remove: Rc<dyn Fn(DeviceId)>,
}

impl DevicesDialog {
    /// Opens it, without devices yet. `remove` is called with the one that shall go, `password` by the button that changes the password.
    pub fn open(
        window: &impl IsA<gtk::Window>,
        remove: impl Fn(DeviceId) + 'static,
        password: impl Fn() + 'static,
    ) -> Self {
        let dialog = Dialog::new(
            window,
            "Devices",
            "Each device that you signed in on has a key of its own. Remove those that you do not use or have lost.",
        );
        let group = adw::PreferencesGroup::new();
        let alone = gtk::Label::builder()
            .label("This is the only one. Sign in with your password on another computer to add it.")
            .wrap(true)
            .xalign(0.0)
            .max_width_chars(44)
            .visible(false)
            .build();
        alone.set_css_classes(&["caption", "dim-label"]);
        // The list scrolls before the dialog gets higher than a small screen.
        let scroller = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .propagate_natural_height(true)
            .max_content_height(300)
            .child(&group)
            .build();
        let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(10).build();
        content.append(&scroller);
        content.append(&alone);
        dialog.add(&content);
        let close = dialog.button("Close", Style::Plain, || ());
        let change = dialog.submit("Change Password…", Style::Plain, password);
        change.set_sensitive(true);
        dialog.present();
        close.grab_focus();
        Self { dialog, group, rows: Rc::default(), alone, remove: Rc::new(remove) }
    }

    /// Shows these devices.
    pub fn show(&self, devices: &[DeviceInfo]) {
        for row in self.rows.take() {
            self.group.remove(&row);
        }
        let mut devices: Vec<&DeviceInfo> = devices.iter().collect();
        devices.sort_by_key(|info| (!info.this, info.device));
        for info in &devices {
            let row = self.row(info);
            self.group.add(&row);
            self.rows.borrow_mut().push(row);
        }
        self.alone.set_visible(devices.len() == 1);
    }

    fn row(&self, info: &DeviceInfo) -> adw::ActionRow {
        let id = words::device(info.device);
        let (title, subtitle) =
            if info.this { ("This device".to_owned(), id.clone()) } else { (id.clone(), "Another device".to_owned()) };
        let row = adw::ActionRow::builder().title(title).subtitle(subtitle).build();
        row.add_prefix(
            &gtk::Image::builder()
                .icon_name("computer-symbolic")
                .accessible_role(gtk::AccessibleRole::Presentation)
                .build(),
        );
        if !info.this {
            let button = icon_button("user-trash-symbolic", &format!("Remove Device {id}"));
            button.add_css_class("flat");
            button.set_valign(gtk::Align::Center);
            let (remove, device) = (self.remove.clone(), info.device);
            button.connect_clicked(move |_| remove(device));
            row.add_suffix(&button);
        }
        row
    }

    /// Its window, for questions over it.
    pub fn window(&self) -> &gtk::Window {
        self.dialog.window()
    }

    /// Somebody still looks at it.
    pub fn is_open(&self) -> bool {
        self.dialog.is_open()
    }
}
