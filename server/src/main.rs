//! The program `hobnob-server`: arguments, signals, exit status. The server itself is the library.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hobnob_server::config::{Config, Limits, default_data, read_limits};
use hobnob_server::error::StartError;
use hobnob_server::store::SqliteStore;
use hobnob_server::{SOFTWARE, Server, log, secrets};
use hobnob_shared::{descriptors, net};
use tokio::signal::unix::{SignalKind, signal};

/// Hobnob's server: knows who people are and who is online, and introduces them to each other. It never sees what they say.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Prints `READY ADDR:PORT FINGERPRINT` on standard output once it accepts connections; clients take \
ADDR:PORT#FINGERPRINT. Logs on standard error; HOBNOB_LOG=debug says more. SIGTERM and SIGINT stop it in order."
)]
struct Arguments {
    /// Address and port; port 0 picks a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:7464", env = "HOBNOB_LISTEN")]
    listen: SocketAddr,
    /// Folder of the store and the keys [default: $XDG_DATA_HOME/hobnob-server, else ~/.local/share/hobnob-server].
    #[arg(long, value_name = "DIR", env = "HOBNOB_DATA")]
    data: Option<PathBuf>,
    /// TOML file with limits; what it leaves out keeps its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints every limit with its reason, as such a file, and exits.
    #[arg(long)]
    print_limits: bool,
    /// Verifies the store and exits.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = log::start().map_err(StartError::from).and_then(|guard| {
        let code = start(&arguments);
        drop(guard);
        code
    });
    started.unwrap_or_else(|error| {
        eprintln!("hobnob-server: {error}");
        ExitCode::FAILURE
    })
}

fn start(arguments: &Arguments) -> Result<ExitCode, StartError> {
    let limits = arguments.config.as_deref().map_or_else(|| Ok(Limits::default()), read_limits)?;
    if arguments.print_limits {
        print!("{}", limits.to_toml());
        return Ok(ExitCode::SUCCESS);
    }
    let data = arguments.data.clone().unwrap_or_else(default_data);
    if arguments.check {
        return check(&data);
    }
    raise_descriptor_limit();
    let server = Server::open(Config { data, limits })?;
    actix_rt::System::new().block_on(serve(server, arguments.listen))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(server: Server, address: SocketAddr) -> Result<(), StartError> {
    let listener = net::listen(address).map_err(|source| StartError::Listen { address, source })?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tracing::info!("{SOFTWARE} on {}, data in {}", listener.local_addr()?, server.data().display());
    let ready = format!("READY {} {}", listener.local_addr()?, server.fingerprint());
    // Looked at first when all threads stand and connections are accepted.
    let shutdown = async move {
        // Whoever started it may not want to know.
        let _ = writeln!(std::io::stdout(), "{ready}");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server.run(listener, shutdown).await
}

/// Looks the store over while no server runs on it.
fn check(data: &std::path::Path) -> Result<ExitCode, StartError> {
    if !SqliteStore::exists(data) {
        return Err(StartError::NoStore(data.to_owned()));
    }
    let _held = secrets::lock(data)?;
    // Without its keys the store is of no use.
    secrets::Secrets::open(data, true)?;
    let faults = SqliteStore::check(data)?;
    if faults.is_empty() {
        println!("the store in {} is sound", data.display());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("The store in {} has faults. Restore a backup, or use the version that wrote it:", data.display());
    for fault in faults {
        eprintln!("  {fault}");
    }
    Ok(ExitCode::FAILURE)
}

/// Each connection is a descriptor.
fn raise_descriptor_limit() {
    if let (limit, false) = descriptors::raise_limit() {
        tracing::warn!("cannot raise the limit of open files above {}", limit.unwrap_or_default());
    }
}
