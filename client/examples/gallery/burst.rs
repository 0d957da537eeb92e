//! Measures what ten thousand messages at once do to the window: `gallery --burst`. For each way of reading: how long until the last of them
//! is on the screen, the longest frame, the longest time in which the window answered to nothing, and by how much the line that was read
//! moved.

use std::cell::{Cell, RefCell};
use std::process::{Command, ExitCode};
use std::rc::Rc;
use std::time::{Duration, Instant};

use hobnob_client::core::event::{Event, MessageState};
use relm4::adw::prelude::*;
use relm4::gtk::{self, glib};

use crate::play::Play;
use crate::rooms::say;

/// Messages of the burst.
const COUNT: usize = 10_000;
/// From the first page to the burst: the window is at rest by then.
pub const BEFORE: Duration = Duration::from_secs(3);
/// From there to the beginning of the measurement, a little earlier.
const AT_REST: Duration = Duration::from_millis(2_500);
/// Long after the last of them is drawn.
const END: Duration = Duration::from_secs(15);
/// Between looks for the last message.
const LOOK: Duration = Duration::from_millis(50);

/// How the burst is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reader watches the end.
    End,
    /// The reader has scrolled up.
    Above,
    /// The same, and the messages are late: they go between those that are there.
    Late,
    /// Another conversation is in front.
    Behind,
}

/// The scene of a kind.
fn scene(kind: &str) -> Option<&'static str> {
    ["end", "above", "late", "behind"].into_iter().find(|name| *name == kind)
}

/// What the core tells.
pub fn events(play: &Play, kind: Kind) -> Vec<Event> {
    let room = "#tea".parse().unwrap_or_else(|_| panic!("no room"));
    let authors = ["bob", "carol", "minh.tran", "frieda"];
    (0_u64..)
        .zip(0..COUNT)
        .map(|(n, index)| {
            let from = authors[index / 3 % authors.len()];
            let text = format!("Message {n}. {}", "Some words more. ".repeat(index % 6));
            let mut info = say(play, &room, from, 0, &text, MessageState::Delivered);
            info.number = n;
            // Late ones belong between the third and the fourth of those that are there, above what is read.
            info.clock = if kind == Kind::Late { play.now - 57 * 60_000 - 50_000 + n * 5 } else { play.now + n };
            info.sent_at = info.clock;
            Event::Message(info)
        })
        .collect()
}

/// Runs each kind in a process of its own.
pub fn all() -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    println!("In brackets: of it computed by the window's thread, the same on a busy machine.");
    println!("{COUNT} messages at once      shown after   longest frame   longest standstill   line moved");
    for kind in ["end", "above", "late", "behind"] {
        match Command::new(&program).args(["--burst-run", kind]).status() {
            Ok(status) if status.success() => {}
            other => {
                eprintln!("{kind}: {other:?}; is there a display?");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Seen {
    frame: Cell<Span>,
    standstill: Cell<Span>,
    shown: Cell<Option<Duration>>,
}

/// How long something took by the clock, and how long this thread computed meanwhile: on a busy machine the one is much more than the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// By the clock.
    pub clock: Duration,
    /// By this thread.
    pub computed: Duration,
}

impl Span {
    fn longest(self, other: Self) -> Self {
        Self { clock: self.clock.max(other.clock), computed: self.computed.max(other.computed) }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Moment {
    clock: Instant,
    computed: Duration,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        // Its first number: nanoseconds that this thread has computed.
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default();
        Self { clock: Instant::now(), computed: Duration::from_nanos(nanos) }
    }

    /// Since then.
    pub fn elapsed(self) -> Span {
        let now = Self::now();
        Span { clock: now.clock - self.clock, computed: now.computed.saturating_sub(self.computed) }
    }
}

/// Measures in this process; `run` shows the scene of that name.
pub fn measure(kind: &str, run: impl FnOnce(&str, Box<dyn FnOnce()>) -> ExitCode) -> ExitCode {
    let Some(name) = scene(kind) else { return ExitCode::FAILURE };
    let prepare = move || {
        relm4::main_application().connect_activate(move |app| {
            if let Some(window) = app.active_window() {
                watch(name, window);
            }
        });
    };
    run(&format!("burst-{name}"), Box::new(prepare))
}

fn watch(kind: &'static str, window: gtk::Window) {
    let seen = Rc::new(Seen::default());
    // Starts and first pages are measured elsewhere.
    glib::timeout_add_local_once(AT_REST, move || {
        let read = if matches!(kind, "above" | "late") { scroll_up(&window) } else { None };
        let started = Instant::now() + BEFORE.saturating_sub(AT_REST);
        frames(&window, &seen);
        let (last, still) = (Cell::new(Moment::now()), seen.clone());
        glib::timeout_add_local(Duration::from_millis(1), move || {
            let gap = last.replace(Moment::now()).elapsed();
            still.standstill.set(still.standstill.get().longest(gap));
            glib::ControlFlow::Continue
        });
        let (look, shown) = (window.clone(), seen.clone());
        let wanted = format!("Message {}.", COUNT - 1);
        glib::timeout_add_local(LOOK, move || {
            if shown.shown.get().is_none() && label(look.upcast_ref(), &wanted).is_some() {
                shown.shown.set(Some(started.elapsed()));
            }
            glib::ControlFlow::Continue
        });
        glib::timeout_add_local_once(END, move || {
            let moved = read.and_then(|(text, before)| {
                let after = label(window.upcast_ref(), &text).and_then(|label| place(&label, &window));
                Some((after? - before).abs())
            });
            let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
            let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
            let both = |span: Span| format!("{:.0} ms ({:.0})", ms(span.clock), ms(span.computed));
            println!(
                "{kind:24} {:>12} {:>15} {:>20} {:>12}",
                or_dash(seen.shown.get().map(|time| format!("{:.0} ms", ms(time)))),
                both(seen.frame.get()),
                both(seen.standstill.get()),
                or_dash(moved.map(|pixels| format!("{pixels:.0} px"))),
            );
            std::process::exit(0);
        });
    });
}

/// From the beginning of a frame to its end: layout and painting.
fn frames(window: &gtk::Window, seen: &Rc<Seen>) {
    let Some(clock) = window.frame_clock() else { return };
    let begun = Rc::new(RefCell::new(None));
    let start = begun.clone();
    clock.connect_before_paint(move |_| {
        start.replace(Some(Moment::now()));
    });
    let seen = seen.clone();
    clock.connect_after_paint(move |_| {
        if let Some(begun) = begun.take() {
            seen.frame.set(seen.frame.get().longest(Moment::elapsed(begun)));
        }
    });
}

/// Goes up; tells the text of a line in the middle of the view, and where it stands.
fn scroll_up(window: &gtk::Window) -> Option<(String, f32)> {
    let list = find(window.upcast_ref(), &|widget| widget.is_mapped() && widget.has_css_class("timeline"))?;
    let scroller = list.ancestor(gtk::ScrolledWindow::static_type()).and_downcast::<gtk::ScrolledWindow>()?;
    let adjustment = scroller.vadjustment();
    adjustment.set_value(adjustment.upper() * 0.35);
    let context = glib::MainContext::default();
    let until = Instant::now() + Duration::from_millis(300);
    while Instant::now() < until {
        context.iteration(false);
    }
    let height = window.height() as f32;
    let mut read = None;
    visit(list.upcast_ref(), &mut |widget| {
        if let Some(label) = widget.downcast_ref::<gtk::Label>().filter(|label| label.text().starts_with("Before ")) {
            let at = place(label, window);
            if let Some(at) = at.filter(|at| *at > height * 0.35 && *at < height * 0.65) {
                read = Some((label.text().to_string(), at));
            }
        }
    });
    read
}

fn place(label: &gtk::Label, window: &gtk::Window) -> Option<f32> {
    label.is_mapped().then(|| label.compute_bounds(window)).flatten().map(|bounds| bounds.y())
}

fn label(root: &gtk::Widget, beginning: &str) -> Option<gtk::Label> {
    let found = find(root, &|widget| {
        widget.is_mapped()
            && widget.downcast_ref::<gtk::Label>().is_some_and(|label| label.text().starts_with(beginning))
    });
    found.and_downcast()
}

fn find(root: &gtk::Widget, wanted: &dyn Fn(&gtk::Widget) -> bool) -> Option<gtk::Widget> {
    let mut found = None;
    visit(root, &mut |widget| {
        if found.is_none() && wanted(widget) {
            found = Some(widget.clone());
        }
    });
    found
}

fn visit(root: &gtk::Widget, look: &mut dyn FnMut(&gtk::Widget)) {
    look(root);
    let mut child = root.first_child();
    while let Some(next) = child {
        visit(&next, look);
        child = next.next_sibling();
    }
}
