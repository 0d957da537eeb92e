//! Conversations in tabs, with the header of the one in front, and what is said when none is open: the right side of the main window, and all
//! of a window that tabs were moved to. Widgets only; the root fills them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use adw::prelude::*;
use gtk::{gio, pango};
use hobnob_shared::id::ConversationId;
use relm4::{adw, gtk};

use crate::ui::faces::Face;
use crate::ui::header::{Header, Subject};
use crate::ui::members::{MemberOutput, MembersPanel};
use crate::ui::widgets::announcer::Announcer;
use crate::ui::widgets::icon_button::{icon_button, menu_button_with};
use crate::ui::widgets::pages::Pages;
use crate::ui::widgets::tip::tip;

/// The title of a window that shows no conversation.
const NOBODY: &str = "Hobnob";

/// Conversations in tabs.
pub struct Content {
    root: gtk::Box,
    bar: adw::HeaderBar,
    face: Face,
    name: gtk::Label,
    path_line: gtk::Box,
    path_icon: gtk::Image,
    path: gtk::Label,
    short: gtk::Label,
    menu: gtk::MenuButton,
    subject: Rc<RefCell<Subject>>,
    /// What is said to those who listen.
    pub announcer: Announcer,
    stack: Pages,
    /// Who is in the room in front.
    pub members: MembersPanel,
    /// The tabs.
    pub tabs: adw::TabView,
    /// Their bar.
    pub tab_bar: adw::TabBar,
    /// The banner of the server.
    pub banner: Banner,
    /// Its window's title, which is seen while it is.
    title: RefCell<String>,
    /// It is what its window shows.
    in_view: Cell<bool>,
    /// The conversation in front, as it was last drawn.
    pub fronted: Option<ConversationId>,
}

impl Content {
    /// Without a conversation; `tell` gets what is done about members. A button leads back to the sidebar beside it when `leaflet` is folded;
    /// a window of tabs alone has neither.
    pub fn new(leaflet: Option<&adw::Leaflet>, tell: impl Fn(MemberOutput) + 'static) -> Self {
        let name = gtk::Label::builder().ellipsize(pango::EllipsizeMode::End).build();
        name.add_css_class("title");
        let path_icon = gtk::Image::builder().pixel_size(12).accessible_role(gtk::AccessibleRole::Presentation).build();
        let path = gtk::Label::builder().ellipsize(pango::EllipsizeMode::End).build();
        let path_line = gtk::Box::builder().spacing(5).halign(gtk::Align::Center).build();
        path_line.append(&path_icon);
        path_line.append(&path);
        // Of both lines the one is seen in a narrow window, the other in a wide one.
        let short = gtk::Label::builder().ellipsize(pango::EllipsizeMode::End).build();
        path_line.append(&short);
        short.set_visible(false);
        let words = gtk::Box::builder().orientation(gtk::Orientation::Vertical).valign(gtk::Align::Center).build();
        words.append(&name);
        words.append(&path_line);
        let face = Face::new(28);
        let title = gtk::Box::builder().spacing(8).build();
        // In a narrow window the words need its place.
        let face_place = adw::Bin::builder().child(face.widget()).build();
        title.append(&face_place);
        title.append(&words);

        let bar = adw::HeaderBar::builder().title_widget(&title).centering_policy(adw::CenteringPolicy::Loose).build();
        if let Some(leaflet) = leaflet {
            let back = icon_button("go-previous-symbolic", "Back");
            back.set_action_name(Some("win.back"));
            bar.pack_start(&back);
            for shown in [back.upcast_ref::<gtk::Widget>(), short.upcast_ref()] {
                leaflet.bind_property("folded", shown, "visible").sync_create().build();
            }
            for hidden in [path.upcast_ref::<gtk::Widget>(), face_place.upcast_ref()] {
                leaflet.bind_property("folded", hidden, "visible").sync_create().invert_boolean().build();
            }
            leaflet.bind_property("folded", &bar, "show-start-title-buttons").sync_create().build();
        }
        let (subject, is_main) = (Rc::<RefCell<Subject>>::default(), leaflet.is_some());
        let shown = subject.clone();
        let menu =
            menu_button_with("view-more-symbolic", "Conversation Menu", move || menu_of(&shown.borrow(), is_main));
        bar.pack_end(&menu);
        let members = MembersPanel::new(tell);
        bar.pack_end(members.widget());

        let tabs = adw::TabView::new();
        let tab_bar = adw::TabBar::builder().view(&tabs).autohide(false).build();
        let open = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        open.append(&tab_bar);
        open.append(&tabs);
        tabs.set_vexpand(true);
        let stack = Pages::new();
        stack.add("tabs", &open);
        stack.add_later("none", none_open);
        let banner = Banner::new();
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).hexpand(true).build();
        root.add_css_class("talk");
        root.append(&bar);
        root.append(banner.widget());
        let (announcer, over) = Announcer::over(stack.widget());
        root.append(&over);
        let content = Self {
            root,
            bar,
            face,
            name,
            path_line,
            path_icon,
            path,
            short,
            menu,
            subject,
            announcer,
            stack,
            members,
            tabs,
            tab_bar,
            banner,
            title: RefCell::new(NOBODY.to_owned()),
            in_view: Cell::new(true),
            fronted: None,
        };
        content.clear();
        content
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Puts something more into the header: at its beginning, or before what is at its end.
    pub fn pack(&self, widget: &impl IsA<gtk::Widget>, at_end: bool) {
        if at_end {
            self.bar.pack_end(widget);
        } else {
            self.bar.pack_start(widget);
        }
    }

    /// Shows the tabs, though there may be none: one that is dragged can be dropped there.
    pub fn show_tabs(&self) {
        self.stack.show("tabs");
    }

    /// Opens the conversation's menu.
    pub fn open_menu(&self) {
        if self.menu.is_visible() {
            self.menu.popup();
        }
    }

    /// No conversation is in front.
    pub fn show_nobody(&self) {
        self.clear();
        self.stack.show("none");
        self.entitle(NOBODY);
    }

    fn clear(&self) {
        self.name.set_text("");
        self.face.widget().set_visible(false);
        self.path_line.set_visible(false);
        self.menu.set_visible(false);
        self.members.widget().set_visible(false);
    }

    /// Its window shows it, or something else, as the entrance: then no title tells whom one talked to.
    pub fn set_in_view(&self, in_view: bool) {
        self.in_view.set(in_view);
        self.show_title();
    }

    fn entitle(&self, title: &str) {
        title.clone_into(&mut self.title.borrow_mut());
        self.show_title();
    }

    fn show_title(&self) {
        if let Some(window) = self.root.root().and_downcast::<gtk::Window>() {
            let title = self.title.borrow();
            window.set_title(Some(if self.in_view.get() { title.as_str() } else { NOBODY }));
        }
    }

    /// A conversation is in front.
    pub fn show(&self, header: &Header) {
        self.stack.show("tabs");
        self.name.set_text(&header.title);
        self.entitle(&format!("{} — Hobnob", header.title));
        self.face.widget().set_visible(matches!(header.subject, Subject::Person(..)));
        if let Subject::Person(user, _) = &header.subject {
            self.face.show(user.as_str());
        }
        tip(&self.name, Some(&header.title));
        self.path_line.set_visible(true);
        self.path_line.set_css_classes(&["path", header.class]);
        tip(&self.path_line, header.tip.as_deref());
        self.path_icon.set_visible(header.icon.is_some());
        self.path_icon.set_icon_name(header.icon);
        self.path.set_text(&header.line);
        self.short.set_text(header.short.as_ref().unwrap_or(&header.line));
        self.members.widget().set_visible(matches!(header.subject, Subject::Room { .. }));
        self.menu.set_visible(header.subject != Subject::Nothing);
        if self.subject.replace(header.subject.clone()) != header.subject {
            self.menu.set_menu_model(None::<&gio::Menu>);
        }
    }
}

fn menu_of(subject: &Subject, is_main: bool) -> Option<gio::Menu> {
    let menu = subject.menu()?;
    // In a window of its own a button leads back.
    if is_main {
        let tab = gio::Menu::new();
        tab.append(Some("Move to New Window"), Some("win.toggle-window"));
        menu.append_section(None, &tab);
    }
    Some(menu)
}

fn none_open() -> adw::StatusPage {
    adw::StatusPage::builder()
        .icon_name("user-available-symbolic")
        .title("No Conversation Open")
        .description("Choose a friend or a room to talk.")
        .build()
}

/// A line that is there while the server is away.
pub struct Banner {
    root: gtk::Revealer,
    text: gtk::Label,
}

impl Banner {
    /// A hidden one.
    pub fn new() -> Self {
        let text = gtk::Label::builder()
            .wrap(true)
            .justify(gtk::Justification::Center)
            .hexpand(true)
            .accessible_role(gtk::AccessibleRole::Status)
            .build();
        let line = gtk::Box::builder().spacing(8).build();
        line.add_css_class("banner");
        line.append(&text);
        let root = gtk::Revealer::builder().child(&line).visible(false).build();
        Self { root, text }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Revealer {
        &self.root
    }

    /// Says it, or goes away.
    pub fn show(&self, words: Option<&str>) {
        if let Some(words) = words {
            self.text.set_text(words);
        }
        self.root.set_visible(words.is_some());
        self.root.set_reveal_child(words.is_some());
    }
}

impl Default for Banner {
    fn default() -> Self {
        Self::new()
    }
}
