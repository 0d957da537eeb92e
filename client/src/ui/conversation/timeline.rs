//! The list of a conversation: which rows it has, and where it stands. Who reads the end goes on seeing the end when something is added or
//! the window changes; who reads further up is left where they are, and older pages are asked for before they reach the top.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use gtk::prelude::*;
use gtk::{gdk, glib};
use relm4::{adw, gtk};

use crate::ui::conversation::row::{Context, Lines, RowOutput, TimelineRow};
use crate::ui::conversation::{hover, menu};
use crate::ui::transfers::Pictures;
use crate::ui::widgets::live_list::LiveList;
use crate::ui::widgets::spoken::{Spoken, called, changing};
use crate::ui::widgets::tip::tip;
use crate::ui::words;

/// What the timeline tells the page.
#[derive(Debug, Clone)]
pub enum TimelineOutput {
    /// The reader comes near the beginning of what is here.
    NearTop,
    /// The reader comes near the end of what is here, and the conversation goes on.
    NearEnd,
    /// The reader wants to see the end of the conversation, which is not here.
    ToEnd,
    /// The reader came to the end, or left it.
    AtEnd(bool),
    /// Something was done in a line.
    Line(RowOutput),
}

/// Distance from the end that still counts as the end, in pixels.
const SLACK: f64 = 8.0;

/// Time in which the list lays itself out after it was told where to go.
const LAID_OUT: Duration = Duration::from_millis(120);
/// For so long a row that was gone to stands out.
const FLASH: Duration = Duration::from_millis(1_600);

/// What the button that leads to the end is called.
const TO_END: &str = "Newest Messages";

/// That button, with the count of new messages on it.
fn to_end() -> (gtk::Overlay, gtk::Button, Spoken, gtk::Label) {
    let (button, name): (gtk::Button, Spoken) = changing();
    // An icon that is set by its name would take the place of the button's own name.
    let icon =
        gtk::Image::builder().icon_name("go-down-symbolic").accessible_role(gtk::AccessibleRole::Presentation).build();
    button.set_child(Some(&icon));
    button.set_tooltip_text(Some(TO_END));
    name.say(TO_END);
    button.set_css_classes(&["circular", "osd", "image-button"]);
    // The button says it by its name.
    let count = gtk::Label::builder()
        .halign(gtk::Align::End)
        .valign(gtk::Align::Start)
        .can_target(false)
        .visible(false)
        .accessible_role(gtk::AccessibleRole::Presentation)
        .build();
    count.set_css_classes(&["badge", "new-count"]);
    button.set_margin_top(10);
    let place = gtk::Overlay::builder().child(&button).build();
    place.add_css_class("to-end");
    place.add_overlay(&count);
    (place, button, name, count)
}

/// Shows which line it is.
fn flash(line: &gtk::Box) {
    if let Some(row) = line.parent() {
        row.grab_focus();
    }
    line.add_css_class("found");
    let line = line.downgrade();
    glib::timeout_add_local_once(FLASH, move || {
        if let Some(line) = line.upgrade() {
            line.remove_css_class("found");
        }
    });
}

struct Place {
    /// The reader watches the end.
    sticky: Cell<bool>,
    /// The last row is the newest of the conversation.
    live: Cell<bool>,
    /// Height of the content when the reader last moved: a change of place with another height is the layout's doing.
    upper: Cell<f64>,
    settling: Cell<bool>,
    list: gtk::ListView,
    scroller: gtk::ScrolledWindow,
    down: gtk::Revealer,
    button: gtk::Button,
    name: Spoken,
    count: gtk::Label,
    pictures: Pictures,
    tell: Box<dyn Fn(TimelineOutput)>,
}

impl Place {
    fn moved(&self) {
        self.pictures.look_soon();
        let adjustment = self.scroller.vadjustment();
        let (value, page, upper) = (adjustment.value(), adjustment.page_size(), adjustment.upper());
        #[expect(clippy::float_cmp, reason = "the same number or another one, nothing is computed with it")]
        let by_layout = upper != self.upper.get();
        if by_layout || self.settling.get() {
            return;
        }
        let at_end = self.live.get() && value + page >= upper - SLACK;
        if at_end != self.sticky.replace(at_end) {
            self.down.set_reveal_child(!at_end);
            (self.tell)(TimelineOutput::AtEnd(at_end));
        }
        self.look_around();
    }

    /// Asks for more where the reader comes near an end of what is here.
    fn look_around(&self) {
        let adjustment = self.scroller.vadjustment();
        let (value, page) = (adjustment.value(), adjustment.page_size());
        if value < page {
            (self.tell)(TimelineOutput::NearTop);
        }
        if !self.live.get() && value + 2.0 * page > adjustment.upper() {
            (self.tell)(TimelineOutput::NearEnd);
        }
    }

    /// The layout changed: once it is done, go to the end again if the reader was there.
    fn resized(self: &Rc<Self>) {
        if self.settling.replace(true) {
            return;
        }
        let this = self.clone();
        glib::idle_add_local_full(glib::Priority::HIGH_IDLE, move || {
            this.settling.set(false);
            this.pictures.look_soon();
            this.upper.set(this.scroller.vadjustment().upper());
            if this.sticky.get() {
                this.go_to_end();
            }
            this.look_around();
            glib::ControlFlow::Break
        });
    }

    /// The reader goes somewhere else.
    fn leave_end(&self) {
        if self.sticky.replace(false) {
            self.down.set_reveal_child(true);
            (self.tell)(TimelineOutput::AtEnd(false));
        }
    }

    fn go_to(&self, at: usize) {
        self.leave_end();
        let row = u32::try_from(at).unwrap_or(u32::MAX).to_variant();
        if let Err(error) = self.list.activate_action("list.scroll-to-item", Some(&row)) {
            tracing::debug!(%error, "the list cannot go to a row");
        }
    }

    fn go_to_end(&self) {
        let rows = self.list.model().map_or(0, |model| model.n_items());
        if rows > 0 {
            // The list knows the rows' heights only when it has drawn them, so it is told the row first. It then shows the row's
            // beginning; a row that is higher than the view is gone through to its end.
            let last = (rows - 1).to_variant();
            if let Err(error) = self.list.activate_action("list.scroll-to-item", Some(&last)) {
                tracing::debug!(%error, "the list cannot go to a row");
            }
            let adjustment = self.scroller.vadjustment();
            adjustment.set_value(adjustment.upper() - adjustment.page_size());
        }
    }
}

/// Keys that lead away from the end: the list lays itself out anew while it goes, which looks as if only its content had changed.
fn keys(place: &Rc<Place>) -> gtk::EventControllerKey {
    let keys = gtk::EventControllerKey::new();
    keys.set_propagation_phase(gtk::PropagationPhase::Capture);
    let place = Rc::downgrade(place);
    keys.connect_key_pressed(move |_, key, _, _| {
        if let (gdk::Key::Home | gdk::Key::Page_Up, Some(place)) = (key, place.upgrade()) {
            let adjustment = place.scroller.vadjustment();
            // Within a text this one moves its own cursor.
            let on_row = key != gdk::Key::Home || place.list.focus_child().is_some_and(|row| row.has_focus());
            if on_row && adjustment.upper() > adjustment.page_size() + SLACK {
                place.leave_end();
            }
        }
        glib::Propagation::Proceed
    });
    keys
}

/// The timeline.
pub struct Timeline {
    root: gtk::Overlay,
    rows: LiveList<TimelineRow>,
    place: Rc<Place>,
    lines: Lines,
}

impl Timeline {
    /// An empty one; `tell` gets what happens in it.
    pub fn new(pictures: Pictures, tell: impl Fn(TimelineOutput) + Clone + 'static) -> Self {
        let say = tell.clone();
        let speak: Rc<dyn Fn(RowOutput)> = Rc::new(move |output| say(TimelineOutput::Line(output)));
        let lines = Lines::default();
        let context = Context { speak: speak.clone(), pictures: pictures.clone(), lines: lines.clone() };
        let rows = LiveList::<TimelineRow>::new(context);
        let selection = gtk::NoSelection::new(Some(rows.store().clone()));
        let list: gtk::ListView = called("Messages");
        list.set_model(Some(&selection));
        list.set_factory(Some(rows.factory()));
        list.add_css_class("timeline");
        let clamp = adw::ClampScrollable::builder().maximum_size(660).tightening_threshold(560).child(&list).build();
        let scroller = gtk::ScrolledWindow::builder()
            // What cannot be broken into lines, such as thousands of emoji joined to one, is cut off by the view. Otherwise it would make the
            // window so wide that the desktop ends the program.
            .hscrollbar_policy(gtk::PolicyType::External)
            .vexpand(true)
            .child(&clamp)
            .build();
        let (over, button, name, count) = to_end();
        let down = gtk::Revealer::builder()
            .transition_type(gtk::RevealerTransitionType::Crossfade)
            .halign(gtk::Align::End)
            .valign(gtk::Align::End)
            .child(&over)
            .build();
        let root = gtk::Overlay::builder().child(&scroller).build();
        root.add_overlay(&down);
        menu::attach(&list, &root, speak, &lines);
        hover::attach(&root, &lines, &scroller.vadjustment());

        let place = Rc::new(Place {
            sticky: Cell::new(true),
            live: Cell::new(true),
            upper: Cell::new(0.0),
            settling: Cell::new(false),
            list,
            scroller,
            down,
            button: button.clone(),
            name,
            count,
            pictures,
            tell: Box::new(tell),
        });
        place.list.add_controller(keys(&place));
        let adjustment = place.scroller.vadjustment();
        let here = Rc::downgrade(&place);
        adjustment.connect_value_changed(move |_| {
            if let Some(here) = here.upgrade() {
                here.moved();
            }
        });
        let here = Rc::downgrade(&place);
        let resized = move || {
            if let Some(here) = here.upgrade() {
                here.resized();
            }
        };
        let again = resized.clone();
        adjustment.connect_upper_notify(move |_| again());
        adjustment.connect_page_size_notify(move |_| resized());
        let here = Rc::downgrade(&place);
        button.connect_clicked(move |_| {
            if let Some(here) = here.upgrade() {
                if !here.live.get() {
                    return (here.tell)(TimelineOutput::ToEnd);
                }
                here.sticky.set(true);
                here.down.set_reveal_child(false);
                here.go_to_end();
                (here.tell)(TimelineOutput::AtEnd(true));
            }
        });
        Self { root, rows, place, lines }
    }

    /// So many messages were not seen: said on the button that leads to them.
    pub fn count(&self, unread: u32) {
        let place = &self.place;
        place.count.set_visible(unread > 0);
        place.count.set_text(&words::unread(unread));
        let name = match unread {
            0 => TO_END.to_owned(),
            1 => format!("{TO_END}, 1 new"),
            _ => format!("{TO_END}, {unread} new"),
        };
        tip(&place.button, Some(&name));
        place.name.say(&name);
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Overlay {
        &self.root
    }

    /// The reader watches the end.
    pub fn is_at_end(&self) -> bool {
        self.place.sticky.get()
    }

    /// Puts rows in the place of others.
    pub fn splice(&self, at: usize, removed: usize, rows: Vec<TimelineRow>) {
        self.rows.splice(at, removed, rows);
        self.place.resized();
    }

    /// Shows something else in a row.
    pub fn set(&self, at: usize, row: TimelineRow) {
        self.rows.set(at, row);
    }

    /// Goes to a row, shows which it is, and puts the focus there.
    pub fn go(&self, at: usize) {
        let Some(id) = self.rows.read(at, |row| row.id.clone()) else { return };
        self.place.go_to(at);
        let (place, lines) = (self.place.clone(), self.lines.clone());
        // The list makes the row's widgets when it has laid itself out.
        glib::timeout_add_local_once(LAID_OUT, move || {
            place.moved();
            if let Some(line) = lines.showing(&id) {
                flash(&line);
            }
        });
    }

    /// Puts the focus on the last row.
    pub fn focus_last(&self) {
        let last = self.rows.len().checked_sub(1).and_then(|at| self.rows.read(at, |row| row.id.clone()));
        let row = last.and_then(|id| self.lines.showing(&id)).and_then(|line| line.parent());
        // Further up it is not made yet: then the row that had the focus last.
        let done = row.is_some_and(|row| row.grab_focus());
        if !done {
            self.place.list.grab_focus();
        }
    }

    /// Nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Goes to the end and stays there: what one wrote oneself is always seen.
    pub fn follow(&self) {
        let place = &self.place;
        place.down.set_reveal_child(false);
        place.resized();
        if !place.sticky.replace(true) {
            (place.tell)(TimelineOutput::AtEnd(true));
        }
    }

    /// The reader goes away from the end.
    pub fn leave(&self) {
        self.place.leave_end();
    }

    /// The last row is the newest of the conversation, or not.
    pub fn set_live(&self, live: bool) {
        self.place.live.set(live);
        if !live {
            self.place.leave_end();
        }
    }
}
