//! What a widget is called for those who listen. The bindings offer GTK's own functions for it from GTK 4.10 on only, and this program runs
//! on 4.8; but a widget that is built from an XML description can have a name since 4.0. So widgets that need one are made here.

use std::cell::RefCell;
use std::time::Duration;

use adw::prelude::*;
use gtk::glib;
use relm4::{adw, gtk};

/// A widget that is always called `name`.
pub fn called<W: IsA<glib::Object> + IsA<gtk::Widget> + glib::object::IsClass>(name: &str) -> W {
    let name = glib::markup_escape_text(name);
    build(&format!("<accessibility><property name='label'>{name}</property></accessibility>"), "").0
}

/// A widget whose name changes: it is labelled by a label that nobody sees.
pub fn changing<W: IsA<glib::Object> + IsA<gtk::Widget> + glib::object::IsClass>() -> (W, Spoken) {
    let (widget, builder) = build(
        "<accessibility><relation name='labelled-by'>spoken</relation></accessibility>",
        "<object class='GtkLabel' id='spoken'/>",
    );
    let label = builder.and_then(|builder| builder.object("spoken")).unwrap_or_default();
    (widget, Spoken(label))
}

/// The changing name of a widget.
#[derive(Debug, Clone)]
pub struct Spoken(gtk::Label);

impl Spoken {
    /// From now on the widget is called so.
    pub fn say(&self, words: &str) {
        if self.0.text() != words {
            self.0.set_text(words);
        }
    }

    /// The row of a list around this widget, which GTK makes, is called the same: the keyboard is on the row.
    pub fn share_with_row(&self, root: &impl IsA<gtk::Widget>) {
        let shared = self.clone();
        root.upcast_ref::<gtk::Widget>().connect_parent_notify(move |root| {
            if let Some(row) = root.parent() {
                shared.share(&row);
            }
        });
    }

    fn share(&self, widget: &gtk::Widget) {
        let class = widget.type_().name();
        let xml = format!(
            "<interface><template class='{class}'><accessibility><relation name='labelled-by'>spoken</relation></accessibility></template></interface>"
        );
        let builder = gtk::Builder::new();
        builder.expose_object("spoken", &self.0);
        if let Err(error) = builder.extend_with_template(widget, widget.type_(), &xml) {
            tracing::debug!(%error, class, "a part of a list stays without a name");
        }
    }
}

/// Pictures on buttons that the libraries make and leave without a name, and what they do.
const LIBRARY_BUTTONS: [(&str, &str); 6] = [
    ("window-close-symbolic", "Close"),
    ("view-reveal-symbolic", "Show Password"),
    ("view-conceal-symbolic", "Hide Password"),
    ("document-edit-symbolic", "Edit"),
    ("input-keyboard-symbolic", "Writing"),
    ("edit-find-symbolic", "Search"),
];

/// By then the window is drawn.
const DRAWN: Duration = Duration::from_millis(100);

thread_local! {
    /// Widgets in which buttons are looked for soon: once, however often it was asked for until then.
    static SOON: RefCell<Vec<gtk::Widget>> = const { RefCell::new(Vec::new()) };
}

/// Names the nameless buttons that the libraries put into `root`, once they are there.
pub fn name_library_buttons(root: &impl IsA<gtk::Widget>) {
    let root = root.clone().upcast::<gtk::Widget>();
    let first = SOON.with_borrow_mut(|soon| {
        let first = soon.is_empty();
        if !soon.contains(&root) {
            soon.push(root);
        }
        first
    });
    if first {
        // Thirty tabs have sixty buttons: whoever looks sees the window first.
        glib::timeout_add_local_once(DRAWN, || SOON.take().iter().for_each(name_below));
    }
}

fn name_below(widget: &gtk::Widget) {
    name_tab(widget);
    // A button's own name and those of what is in it are read out together, so the picture in it stays nameless.
    let icon = widget.downcast_ref::<gtk::Button>().and_then(|button| {
        let image = button.child().and_downcast::<gtk::Image>();
        button.icon_name().or_else(|| image?.icon_name())
    });
    let name = icon.and_then(|icon| LIBRARY_BUTTONS.iter().find(|(known, _)| *known == icon).map(|(_, name)| *name));
    // A class that no style knows says that it has this name already.
    let mark = name.map(|name| format!("spoken-{name}").replace(' ', "-"));
    if let (Some(name), Some(mark)) = (name, mark.filter(|mark| !widget.has_css_class(mark))) {
        widget.add_css_class(&mark);
        call(widget, name);
    }
    let mut child = widget.first_child();
    while let Some(next) = child {
        name_below(&next);
        child = next.next_sibling();
    }
}

/// A tab of the library's bar is called as its page, with what its marks tell who sees them. Other widgets keep their names.
fn name_tab(widget: &gtk::Widget) {
    if widget.type_().name() != "AdwTab" || widget.find_property("page").is_none() {
        return;
    }
    let Some(page) = widget.property::<Option<adw::TabPage>>("page") else { return };
    let name = tab_name(&page.title(), page.needs_attention(), page.is_pinned());
    // The widget's own name, which no style knows, says what it is called already.
    if widget.widget_name() != name {
        widget.set_widget_name(&name);
        call(widget, &glib::markup_escape_text(&name));
    }
}

fn tab_name(title: &str, is_unread: bool, is_pinned: bool) -> String {
    let marks = [(is_unread, ", unread"), (is_pinned, ", pinned")];
    marks.into_iter().filter(|(is_so, _)| *is_so).fold(title.to_owned(), |name, (_, mark)| name + mark)
}

/// A widget that a library made is called so.
fn call(widget: &gtk::Widget, name: &str) {
    let class = widget.type_().name();
    let xml = format!(
        "<interface><template class='{class}'><accessibility><property name='label'>{name}</property></accessibility></template></interface>"
    );
    if let Err(error) = gtk::Builder::new().extend_with_template(widget, widget.type_(), &xml) {
        tracing::debug!(%error, class, "a button stays without a name");
    }
}

/// A row to type into of which one hears that the keyboard is there: this version of libadwaita tells screen readers nothing of the field in it.
pub fn heard<R: IsA<adw::EntryRow>>(row: R) -> R {
    let entry = row.upcast_ref::<adw::EntryRow>();
    if let Some(field) = entry.delegate().and_downcast::<gtk::Text>() {
        field.set_property("accessible-role", gtk::AccessibleRole::TextBox);
        call(field.upcast_ref(), &glib::markup_escape_text(&entry.title()));
    }
    row
}

/// Names the buttons in `root`, which a library made without names, in the order in which they stand.
pub fn name_buttons(root: &impl IsA<gtk::Widget>, names: &[&str]) {
    fn visit<'a>(widget: &gtk::Widget, names: &mut impl Iterator<Item = &'a &'a str>) {
        if widget.is::<gtk::Button>()
            && let Some(name) = names.next()
        {
            call(widget, name);
        }
        let mut child = widget.first_child();
        while let Some(next) = child {
            visit(&next, names);
            child = next.next_sibling();
        }
    }
    visit(root.upcast_ref(), &mut names.iter());
}

fn build<W: IsA<glib::Object> + IsA<gtk::Widget> + glib::object::IsClass>(
    inside: &str,
    beside: &str,
) -> (W, Option<gtk::Builder>) {
    let class = W::static_type().name();
    let xml = format!("<interface>{beside}<object class='{class}' id='it'>{inside}</object></interface>");
    let builder = gtk::Builder::new();
    let built = builder.add_from_string(&xml).ok().and_then(|()| builder.object::<W>("it"));
    match built {
        Some(widget) => (widget, Some(builder)),
        // Never happens with the descriptions above; a nameless widget is better than none.
        None => (glib::Object::new::<W>(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_is_called_as_its_page_with_its_marks() {
        assert_eq!(tab_name("bob", false, false), "bob");
        assert_eq!(tab_name("#tea", true, true), "#tea, unread, pinned");
    }
}
