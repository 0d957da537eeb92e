//! The panel of a room's members. It stays open while members come and go; a thousand of them cost no more widgets than a screen shows.

use gtk::prelude::*;
use hobnob_shared::id::Handle;
use relm4::gtk;

use crate::ui::members::row::{MemberOutput, MemberRow, Speak};
use crate::ui::widgets::icon_button::menu_button;
use crate::ui::widgets::live_list::LiveList;
use crate::ui::widgets::spoken::called;

/// Height of a line and of the whole list at most, in pixels.
const ROW: usize = 52;
const HEIGHT: usize = 416;

/// The button and its panel.
pub struct MembersPanel {
    button: gtk::MenuButton,
    count: gtk::Label,
    mesh: gtk::Label,
    scroller: gtk::ScrolledWindow,
    rows: LiveList<MemberRow>,
}

impl MembersPanel {
    /// A closed, empty one.
    pub fn new(tell: impl Fn(MemberOutput) + 'static) -> Self {
        let button = menu_button("system-users-symbolic", "Members");
        let popover = gtk::Popover::new();
        popover.add_css_class("members");

        let close = popover.downgrade();
        let speak: Speak = Box::new(move |output| {
            // What was asked for happens elsewhere in the window.
            if let Some(popover) = close.upgrade() {
                popover.popdown();
            }
            tell(output);
        });
        let rows = LiveList::<MemberRow>::new(speak);
        let selection = gtk::NoSelection::new(Some(rows.store().clone()));
        let list: gtk::ListView = called("Members");
        list.set_model(Some(&selection));
        list.set_factory(Some(rows.factory()));
        list.add_css_class("member-list");
        let scroller = gtk::ScrolledWindow::builder().hscrollbar_policy(gtk::PolicyType::Never).child(&list).build();

        let title = gtk::Label::builder().label("Members").xalign(0.0).hexpand(true).build();
        title.add_css_class("heading");
        let count = gtk::Label::builder().xalign(1.0).build();
        count.add_css_class("member-count");
        let head = gtk::Box::builder().spacing(12).build();
        head.add_css_class("member-head");
        head.append(&title);
        head.append(&count);
        let mesh = gtk::Label::builder().xalign(0.0).wrap(true).build();
        mesh.add_css_class("member-mesh");
        let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).width_request(312).build();
        column.append(&head);
        column.append(&mesh);
        column.append(&scroller);
        popover.set_child(Some(&column));
        button.set_popover(Some(&popover));
        Self { button, count, mesh, scroller, rows }
    }

    /// The button.
    pub fn widget(&self) -> &gtk::MenuButton {
        &self.button
    }

    /// Opens it.
    pub fn open(&self) {
        if self.button.is_visible() {
            self.button.popup();
        }
    }

    /// Shows these members; `count` says how many there are, `mesh` how one is connected to them.
    pub fn show(&self, rows: Vec<MemberRow>, count: &str, mesh: &str) {
        self.count.set_text(count);
        self.mesh.set_text(mesh);
        let height = (rows.len() * ROW).clamp(ROW, HEIGHT);
        let height = i32::try_from(height).unwrap_or(i32::MAX);
        // The smaller of both first: GTK wants the least never above the most.
        self.scroller.set_min_content_height(-1);
        self.scroller.set_max_content_height(height);
        self.scroller.set_min_content_height(height);
        self.rows.sync(rows, |row| -> Handle { row.user.clone() });
    }
}
