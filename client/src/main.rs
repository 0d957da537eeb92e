//! The desktop program `hobnob`: arguments, log, and the window over the core. Started by itself it decodes one picture instead.

use std::cell::Cell;
use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::rc::Rc;

use clap::Parser;
use relm4::RelmApp;
use relm4::gtk::{gio, glib, prelude::*};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use hobnob_client::bridge;
use hobnob_client::core::Options;
use hobnob_client::core::command::Invite;
use hobnob_client::pictures::child;
use hobnob_client::ui::app::{App, Init};
use hobnob_client::ui::{APP_ID, RESOURCES, single};
use hobnob_shared::descriptors;

/// Encrypted conversations and files, straight from desktop to desktop.
#[derive(Parser)]
#[command(name = "hobnob", version)]
struct Arguments {
    /// Folder of the account, its keys and its history. Several profiles run side by side.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
    /// The server; kept for the next time. The fingerprint makes sure that it is the right one.
    #[arg(long, value_name = "ADDR:PORT[#FINGERPRINT]")]
    server: Option<String>,
    /// Where received files go; kept for the next time.
    #[arg(long, value_name = "DIR")]
    downloads: Option<PathBuf>,
    /// An invite link; the window asks before anybody is added. One that has the profile open takes it.
    #[arg(value_name = "INVITE", value_parser = invite)]
    invite: Option<String>,
}

fn invite(text: &str) -> Result<String, &'static str> {
    if Invite::is_meant(text) { Ok(text.to_owned()) } else { Err("an invite begins with hobnob:") }
}

/// Where a session bus is looked for, and what is there where there is none.
const BUS: (&str, &str) = ("DBUS_SESSION_BUS_ADDRESS", "disabled:");

/// Begins anew without a session bus. The toolkit waits for the one that it was told of, and cannot be told of another while it runs.
fn start_without_bus() {
    eprintln!("hobnob: the session bus does not answer; there are no notifications");
    let (name, none) = BUS;
    if std::env::var_os(name).is_some_and(|address| address == none) {
        return;
    }
    let again = std::env::current_exe()
        .map(|program| Command::new(program).args(std::env::args_os().skip(1)).env(name, none).exec());
    // Only what did not work comes back.
    tracing::warn!(error = ?again, "cannot start without it");
}

fn main() -> ExitCode {
    // Before anything is read, opened or started that such a process should not have.
    if child::is_wanted() {
        return child::run();
    }
    let arguments = Arguments::parse();
    let (files, raised) = descriptors::raise_limit();
    // relm4 writes every message of its components at INFO, with what people type in them.
    let mut filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .with_env_var("HOBNOB_LOG")
        .from_env_lossy();
    if let Ok(quiet) = "relm4=warn".parse() {
        filter = filter.add_directive(quiet);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    if !raised {
        tracing::warn!(?files, "cannot raise the limit of open files");
    }

    let profile = arguments.profile.unwrap_or_else(|| glib::user_data_dir().join("hobnob"));
    if !single::bus_answers() {
        start_without_bus();
    }
    if single::wake(&profile, arguments.invite.as_deref()) {
        if arguments.invite.is_some() {
            return ExitCode::SUCCESS;
        }
        eprintln!("hobnob: this profile is in use already; its window is brought to the front");
        return ExitCode::FAILURE;
    }
    let start = bridge::core(Options {
        profile: profile.clone(),
        server: arguments.server,
        downloads: arguments.downloads,
        listen: None,
        software: concat!("hobnob ", env!("CARGO_PKG_VERSION")),
    });

    glib::set_prgname(Some("hobnob"));
    glib::set_application_name("Hobnob");
    if let Err(error) = gio::resources_register_include!("hobnob.gresource") {
        eprintln!("hobnob: the program's own resources cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    let failed = Rc::new(Cell::new(false));
    let app = RelmApp::new(APP_ID).with_args(Vec::new());
    // Each profile is a program of its own.
    app.allow_multiple_instances(true);
    relm4::main_application().set_resource_base_path(Some(RESOURCES));
    app.run::<App>(Init { start, profile, failed: failed.clone(), invite: arguments.invite });
    if failed.get() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
