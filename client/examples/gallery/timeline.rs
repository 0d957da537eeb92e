//! Measures the window with a very long conversation, beside a list of plain labels of the same length: `gallery --timeline STORE`, where
//! the store is a real history with a conversation `@bob`. How long from opening it to its rows on the screen, and what a frame costs while
//! one scrolls through it. Both run from the same program, in turn, so that what the machine does meanwhile meets both.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::rc::Rc;
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use hobnob_client::core::command::{Command as Wish, Part, Request};
use hobnob_client::core::event::{Answer, Event};
use hobnob_client::core::history::{History, pages};
use hobnob_client::core::message_key::MessageRef;
use relm4::adw;
use relm4::adw::prelude::*;
use relm4::gtk::{self, glib};

use crate::burst::{Moment, Span};
use crate::measure::rows_in;

/// Runs of each kind; the middle one counts.
const RUNS: usize = 3;
/// The window is at rest by then.
const AT_REST: Duration = Duration::from_millis(1_500);
/// Rows of the list of labels, and messages in the store.
const LENGTH: usize = 100_000;
/// Frames scrolled through, and by how many pixels in each: much faster than anybody reads.
const FRAMES: usize = 200;
/// See there.
const STEP: f64 = 60.0;

/// Where the store is, in a process that shows one.
static STORE: OnceLock<PathBuf> = OnceLock::new();

/// A real history; its pages are read in a thread, as they are in the program.
pub struct Store(mpsc::Sender<Request>);

impl Store {
    /// That of this process.
    pub fn open(tell: impl Fn(Event) + Send + 'static) -> Self {
        let (asked, asks) = mpsc::channel::<Request>();
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
            let Some(Ok(history)) = STORE.get().map(|path| History::open(path)) else { return };
            for Request { id, command } in asks {
                let Wish::History { conversation, limit, before, after, around, at, author } = command else {
                    continue;
                };
                let named = |id| MessageRef { id, author: author.clone() };
                let parts = [
                    before.map(named).map(Part::Before),
                    after.map(named).map(Part::After),
                    around.map(named).map(Part::Around),
                    at.map(Part::At),
                ];
                let part = parts.into_iter().flatten().next().unwrap_or_default();
                let read = history.read_all(move |c| pages::page(c, &conversation, limit as usize, part));
                if let Ok(page) = runtime.block_on(read) {
                    let pages::Page { messages, earlier, later, found } = page;
                    tell(Event::Done { id, answer: Answer::Messages { messages, earlier, later, found } });
                }
            }
        });
        Self(asked)
    }

    /// Reads a page.
    pub fn read(&self, request: Request) {
        // Only a store that cannot be opened does not listen; then nothing is shown.
        let _ = self.0.send(request);
    }
}

/// What one run says of itself: milliseconds.
#[derive(Debug, Clone, Copy)]
struct Run {
    open: f64,
    frame: f64,
    frame_computed: f64,
    slow_frame: f64,
    all_computed: f64,
}

/// Runs both in turn and prints the ratios.
pub fn compare(store: &str) -> ExitCode {
    let (mut plain, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        for (kind, runs) in [("plain", &mut plain), ("ours", &mut ours)] {
            let Some(run) = one(kind, store) else {
                eprintln!("{kind} did not run; is there a display?");
                return ExitCode::FAILURE;
            };
            runs.push(run);
        }
    }
    let middle = |runs: &[Run], pick: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let opens: Vec<String> = ours.iter().map(|run| format!("{:.0}", run.open)).collect();
    println!(
        "{LENGTH} messages, from opening the conversation to its rows painted: {:.0} ms (aim 100; the runs: {})",
        middle(&ours, |run| run.open),
        opens.join(" ")
    );
    println!("scrolling by {STEP} pixels a frame, {FRAMES} frames (ms)    plain labels      ours     ratio");
    let line = |what: &str, pick: fn(&Run) -> f64| {
        let (plain, ours) = (middle(&plain, pick), middle(&ours, pick));
        println!("  {what:52} {plain:12.2} {ours:9.2} {:9.2}", ours / plain);
    };
    line("a frame, p50 (aim 1.5)", |run| run.frame);
    line("of it computed by the window's thread, p50", |run| run.frame_computed);
    line("a frame, p95", |run| run.slow_frame);
    line("all that the thread computes, a frame, pages too", |run| run.all_computed);
    ExitCode::SUCCESS
}

fn one(kind: &str, store: &str) -> Option<Run> {
    let output = Command::new(std::env::current_exe().ok()?).args(["--timeline-run", kind, store]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut words = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    Some(Run {
        open: words.next()?,
        frame: words.next()?,
        frame_computed: words.next()?,
        slow_frame: words.next()?,
        all_computed: words.next()?,
    })
}

/// The window with the store's conversation; `run` shows the scene.
pub fn ours(store: &str, run: impl FnOnce(&str, Box<dyn FnOnce()>) -> ExitCode) -> ExitCode {
    if STORE.set(PathBuf::from(store)).is_err() {
        return ExitCode::FAILURE;
    }
    let prepare = || {
        relm4::main_application().connect_activate(|app| {
            let Some(window) = app.active_window() else { return };
            glib::timeout_add_local_once(AT_REST, move || {
                let begun = Instant::now();
                if let Err(error) = window.activate_action("win.open-person", Some(&"bob".to_variant())) {
                    eprintln!("{error}");
                }
                when_painted(&window, begun, -STEP);
            });
        });
    };
    run("stored", Box::new(prepare))
}

/// A list of labels, and nothing else.
pub fn plain() -> ExitCode {
    let app = adw::Application::builder()
        .application_id("org.hobnob.Plain")
        .flags(gtk::gio::ApplicationFlags::NON_UNIQUE)
        .build();
    app.connect_activate(|app| {
        let texts: Vec<String> =
            (0..LENGTH).map(|n| format!("Message {n}. {}", "Some words more. ".repeat(n % 7))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let factory = gtk::SignalListItemFactory::new();
        factory.connect_setup(|_, item| {
            if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
                item.set_child(Some(&gtk::Label::builder().xalign(0.0).wrap(true).build()));
            }
        });
        factory.connect_bind(|_, item| {
            let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
            let text = item.item().and_downcast::<gtk::StringObject>().map(|text| text.string());
            if let (Some(label), Some(text)) = (item.child().and_downcast::<gtk::Label>(), text) {
                label.set_text(&text);
            }
        });
        let selection = gtk::NoSelection::new(Some(gtk::StringList::new(&texts)));
        let list = gtk::ListView::new(Some(selection), Some(factory));
        list.add_css_class("timeline");
        let scroller = gtk::ScrolledWindow::builder().hscrollbar_policy(gtk::PolicyType::Never).child(&list).build();
        let window = adw::ApplicationWindow::builder()
            .application(app)
            .default_width(1040)
            .default_height(680)
            .content(&scroller)
            .build();
        window.present();
        glib::timeout_add_local_once(AT_REST, move || {
            // From its beginning, as there is no end that is gone to by itself.
            when_painted(window.upcast_ref(), Instant::now(), STEP);
        });
    });
    app.run_with_args::<&str>(&[]);
    ExitCode::SUCCESS
}

/// Once the rows are painted: how long that took; then scrolls.
fn when_painted(window: &gtk::Window, begun: Instant, step: f64) {
    let Some(clock) = window.frame_clock() else { return };
    let done = Cell::new(false);
    let painted = window.clone();
    clock.connect_after_paint(move |_| {
        if !done.get() && rows_in(painted.upcast_ref(), "timeline") > 5 {
            done.set(true);
            let open = begun.elapsed().as_secs_f64() * 1_000.0;
            let window = painted.clone();
            glib::timeout_add_local_once(AT_REST, move || scroll(&window, open, step));
        }
    });
    // Nothing may be drawn any more if all of it was there already.
    window.queue_draw();
}

fn scroll(window: &gtk::Window, open: f64, step: f64) {
    let found = find(window.upcast_ref(), &|widget| widget.is_mapped() && widget.has_css_class("timeline"));
    let scroller =
        found.and_then(|list| list.ancestor(gtk::ScrolledWindow::static_type())).and_downcast::<gtk::ScrolledWindow>();
    let (Some(clock), Some(scroller)) = (window.frame_clock(), scroller) else { return };
    let frames: Rc<RefCell<Vec<Span>>> = Rc::default();
    let begun: Rc<Cell<Option<Moment>>> = Rc::default();
    let start = begun.clone();
    clock.connect_before_paint(move |_| start.set(Some(Moment::now())));
    let taken = frames.clone();
    clock.connect_after_paint(move |_| {
        if let Some(begun) = begun.take() {
            taken.borrow_mut().push(begun.elapsed());
        }
    });
    let (all, count) = (Moment::now(), Cell::new(0));
    scroller.add_tick_callback(move |scroller, _| {
        let adjustment = scroller.vadjustment();
        adjustment.set_value(adjustment.value() + step);
        count.set(count.get() + 1);
        if count.get() < FRAMES {
            return glib::ControlFlow::Continue;
        }
        tell(open, &frames.borrow(), all.elapsed());
        std::process::exit(0);
    });
}

fn tell(open: f64, frames: &[Span], all: Span) {
    let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    let at = |pick: fn(&Span) -> Duration, share: usize| {
        let mut times: Vec<Duration> = frames.iter().map(pick).collect();
        times.sort_unstable();
        times.get(times.len() * share / 100).copied().map_or(f64::NAN, ms)
    };
    let each = ms(all.computed) / FRAMES as f64;
    println!(
        "{open} {} {} {} {each}",
        at(|span| span.clock, 50),
        at(|span| span.computed, 50),
        at(|span| span.clock, 95)
    );
}

fn find(root: &gtk::Widget, wanted: &dyn Fn(&gtk::Widget) -> bool) -> Option<gtk::Widget> {
    if wanted(root) {
        return Some(root.clone());
    }
    let mut child = root.first_child();
    while let Some(next) = child {
        if let Some(found) = find(&next, wanted) {
            return Some(found);
        }
        child = next.next_sibling();
    }
    None
}
