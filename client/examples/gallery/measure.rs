//! Measures how long the window takes until friends, rooms and the conversation in front of thirty tabs are painted, and how much memory it
//! holds at rest, beside a window with one label: `gallery --measure`. Both run from the same program, in turn, so that what the machine does meanwhile meets both.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use relm4::adw;
use relm4::adw::prelude::*;
use relm4::gtk::{self, glib};

/// Runs of each kind; the middle one counts.
const RUNS: usize = 9;

/// All that the start puts off is done by then: what the window holds is told when it is at rest.
const AT_REST: Duration = Duration::from_millis(700);

/// What one run says of itself.
#[derive(Debug, Clone, Copy)]
struct Run {
    milliseconds: f64,
    kibibytes: f64,
}

/// Runs both in turn and prints the ratios.
pub fn compare() -> ExitCode {
    let (mut bare, mut bar, mut crowd) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        for (kind, runs) in [("--bare", &mut bare), ("--bar", &mut bar), ("--crowd", &mut crowd)] {
            let Some(run) = one(kind) else {
                eprintln!("{kind} did not run; is there a display?");
                return ExitCode::FAILURE;
            };
            runs.push(run);
        }
    }
    let (bare, bar, crowd) = (middle(&mut bare), middle(&mut bar), middle(&mut crowd));
    for (what, run) in [
        ("one label:", bare),
        ("the same below a bar with buttons:", bar),
        ("1,000 friends, 100 rooms, 30 tabs:", crowd),
    ] {
        println!("{what:38} {:6.0} ms until painted, {:6.1} MiB PSS", run.milliseconds, run.kibibytes / 1024.0);
    }
    println!(
        "{:38} {:6.2} (aim 1.5)          {:6.2} (aim 1.25)",
        "ratio to the first:",
        crowd.milliseconds / bare.milliseconds,
        crowd.kibibytes / bare.kibibytes
    );
    println!(
        "{:38} {:6.2}                    {:6.2}",
        "ratio to the second:",
        crowd.milliseconds / bar.milliseconds,
        crowd.kibibytes / bar.kibibytes
    );
    ExitCode::SUCCESS
}

fn one(kind: &str) -> Option<Run> {
    let started = Instant::now();
    let output = Command::new(std::env::current_exe().ok()?).arg(kind).output().ok()?;
    // The program tells how long before its end it was painted, so that its start counts and its end does not.
    let text = String::from_utf8(output.stdout).ok()?;
    let mut words = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    let (after, kibibytes) = (words.next()?, words.next()?);
    Some(Run { milliseconds: started.elapsed().as_secs_f64() * 1000.0 - after, kibibytes })
}

fn middle(runs: &mut [Run]) -> Run {
    let of = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Run {
        milliseconds: of(runs.iter().map(|run| run.milliseconds).collect()),
        kibibytes: of(runs.iter().map(|run| run.kibibytes).collect()),
    }
}

/// A window with one label; perhaps below a bar with the buttons of a window, which are pictures of the desktop's theme.
pub fn bare(with_bar: bool) -> ExitCode {
    let app = adw::Application::builder()
        .application_id("org.hobnob.Bare")
        .flags(gtk::gio::ApplicationFlags::NON_UNIQUE)
        .build();
    app.connect_activate(move |app| {
        let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        if with_bar {
            content.append(&adw::HeaderBar::new());
        }
        content.append(&gtk::Label::builder().label("Hobnob").vexpand(true).build());
        let window = adw::ApplicationWindow::builder()
            .application(app)
            .default_width(1040)
            .default_height(680)
            .content(&content)
            .build();
        window.present();
        tell_when(window.upcast_ref(), |_| true);
    });
    app.run_with_args::<&str>(&[]);
    ExitCode::SUCCESS
}

/// Tells, and ends, once friends and messages are painted.
pub fn tell_when_full() {
    relm4::main_application().connect_activate(|app| {
        if let Some(window) = app.active_window() {
            tell_when(&window, |window| rows_in(window, "people-list") > 6 && rows_in(window, "timeline") > 1);
        }
    });
}

fn tell_when(window: &gtk::Window, is_there: impl Fn(&gtk::Widget) -> bool + 'static) {
    let told = std::rc::Rc::new(std::cell::Cell::new(false));
    let is_there = std::rc::Rc::new(is_there);
    let watch = {
        let window = window.clone();
        move |clock: &gtk::gdk::FrameClock| {
            let (window, is_there, told) = (window.clone(), is_there.clone(), told.clone());
            clock.connect_after_paint(move |_| {
                if told.get() || !is_there(window.upcast_ref()) {
                    return;
                }
                told.set(true);
                let painted = Instant::now();
                glib::timeout_add_local_once(AT_REST, move || {
                    let kibibytes = pss();
                    println!("{} {kibibytes}", painted.elapsed().as_secs_f64() * 1000.0);
                    std::process::exit(0);
                });
            });
        }
    };
    match window.frame_clock() {
        Some(clock) => watch(&clock),
        None => {
            window.connect_realize(move |window| {
                if let Some(clock) = window.frame_clock() {
                    watch(&clock);
                }
            });
        }
    }
}

/// Rows of the lists of this class that can be seen.
pub fn rows_in(widget: &gtk::Widget, class: &str) -> usize {
    let mut count = 0;
    let mut child = widget.first_child();
    while let Some(next) = child {
        if widget.has_css_class(class) && next.is_mapped() {
            count += 1;
        }
        count += rows_in(&next, class);
        child = next.next_sibling();
    }
    count
}

/// Memory of this process, shared pages counted by share, in KiB.
fn pss() -> u64 {
    let rollup = std::fs::read_to_string(PathBuf::from("/proc/self/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
