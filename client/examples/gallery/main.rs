//! Draws the window's pages with made-up content, for looking at them: `cargo run -p hobnob-client --example gallery -- OUT_DIR` writes one
//! PNG for each scene, `gallery SCENE` shows one. Needs a display; nothing is stored and nobody is connected.

mod acts;
mod burst;
mod faces;
mod find;
mod measure;
mod photos;
mod play;
mod rooms;
mod scenes;
mod steps;
mod talk;
mod timeline;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::rc::Rc;
use std::time::Duration;

use hobnob_client::bridge::{Backend, Start};
use hobnob_client::pictures::child;
use hobnob_client::ui::app::{App, Init};
use hobnob_client::ui::{APP_ID, RESOURCES};
use relm4::adw::prelude::*;
use relm4::gtk::{self, gio, glib};
use relm4::{RelmApp, adw};

use scenes::{SCENES, Scene};

/// Time for a scene to be drawn before its picture is taken.
const DRAWN: Duration = Duration::from_millis(1_500);

fn main() -> ExitCode {
    // Pictures of files are decoded by the program itself, started once more.
    if child::is_wanted() {
        return child::run();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["--measure"] => measure::compare(),
        ["--burst"] => burst::all(),
        ["--burst-run", kind] => burst::measure(kind, show),
        ["--timeline", store] => timeline::compare(store),
        ["--timeline-run", "ours", store] => timeline::ours(store, show),
        ["--timeline-run", "plain", _] => timeline::plain(),
        ["--bare"] => measure::bare(false),
        ["--bar"] => measure::bare(true),
        ["--crowd"] => show("many-tabs", measure::tell_when_full),
        [name] if SCENES.iter().any(|scene| scene.name == name) => show(name, || ()),
        [name, picture] => show(name, || {
            if let Some(scene) = SCENES.iter().find(|scene| scene.name == name) {
                take(scene, PathBuf::from(picture));
            }
        }),
        [folder] => all(Path::new(folder)),
        _ => {
            let names: Vec<_> = SCENES.iter().map(|scene| scene.name).collect();
            eprintln!("gallery OUT_DIR | SCENE | --measure | --burst | --timeline STORE\nscenes: {}", names.join(" "));
            ExitCode::FAILURE
        }
    }
}

/// Where this process keeps its profile and draws its photos.
fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("hobnob-gallery-{}", std::process::id()))
}

/// One process for each scene: a GTK application runs once.
fn all(folder: &Path) -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    if let Err(error) = std::fs::create_dir_all(folder) {
        eprintln!("{}: {error}", folder.display());
        return ExitCode::FAILURE;
    }
    for scene in SCENES.iter().filter(|scene| !scene.name.starts_with("burst") && scene.name != "stored") {
        let picture = folder.join(format!("{}.png", scene.name));
        match Command::new(&program).arg(scene.name).arg(&picture).status() {
            Ok(status) if status.success() => println!("{}", picture.display()),
            other => {
                eprintln!("{}: {other:?}", scene.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// The library reads at its start whether contrast is high, from the desktop or from here.
const CONTRAST: &str = "ADW_DEBUG_HIGH_CONTRAST";

/// Once more, with high contrast.
fn again() -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    let done = Command::new(program).args(std::env::args_os().skip(1)).env(CONTRAST, "1").status();
    if done.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(name: &str, prepare: impl FnOnce()) -> ExitCode {
    let Some(scene) = SCENES.iter().find(|scene| scene.name == name) else { return ExitCode::FAILURE };
    if scene.contrast && std::env::var_os(CONTRAST).is_none() {
        return again();
    }
    let profile = folder();
    let prepared = std::fs::create_dir_all(&profile).and_then(|()| scenes::window_state(scene).save(&profile));
    let prepared = prepared.and_then(|()| scenes::drafts(scene).save(&profile));
    if let Err(error) = prepared {
        eprintln!("{}: {error}", profile.display());
        return ExitCode::FAILURE;
    }
    let content = scene.content;
    let start: Start = Box::new(move |sink| match content {
        scenes::Content::Broken => {
            Err("The profile was last used by a newer version of Hobnob. Update this program.".to_owned())
        }
        content => Ok(Box::new(play::Play::start(content, sink)) as Box<dyn Backend>),
    });
    glib::set_prgname(Some("hobnob-gallery"));
    if gio::resources_register_include!("hobnob.gresource").is_err() {
        return ExitCode::FAILURE;
    }
    let app = RelmApp::new(APP_ID).with_args(Vec::new());
    app.allow_multiple_instances(true);
    relm4::main_application().set_resource_base_path(Some(RESOURCES));
    prepare();
    app.run::<App>(Init { start, profile: profile.clone(), failed: Rc::new(Cell::new(false)), invite: None });
    // A folder that stays in the temporary one harms nobody.
    let _ = std::fs::remove_dir_all(profile);
    ExitCode::SUCCESS
}

/// Takes the picture of the newest window once it is drawn, and ends.
fn take(scene: &'static Scene, picture: PathBuf) {
    relm4::main_application().connect_activate(move |app| {
        let scheme = if scene.dark { adw::ColorScheme::ForceDark } else { adw::ColorScheme::ForceLight };
        adw::StyleManager::default().set_color_scheme(scheme);
        let (app, picture) = (app.clone(), picture.clone());
        glib::spawn_future_local(async move {
            glib::timeout_future(DRAWN).await;
            for step in scene.steps {
                steps::carry_out(step);
                glib::timeout_future(DRAWN / 2).await;
            }
            glib::timeout_future(DRAWN / 2).await;
            if !steps::in_front().is_some_and(|native| save(&native, &picture)) {
                eprintln!("{} was not drawn", scene.name);
            }
            app.quit();
        });
    });
}

fn save(native: &gtk::Native, picture: &Path) -> bool {
    let paintable = gtk::WidgetPaintable::new(Some(native));
    let snapshot = gtk::Snapshot::new();
    let (width, height) = (f64::from(paintable.intrinsic_width()), f64::from(paintable.intrinsic_height()));
    paintable.snapshot(&snapshot, width, height);
    let Some(node) = snapshot.to_node() else { return false };
    let Some(renderer) = native.renderer() else { return false };
    renderer.render_texture(node, None).save_to_png(picture).is_ok()
}
