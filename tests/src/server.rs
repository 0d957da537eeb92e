//! A real `hobnob-server` on loopback, over a data folder that may outlive it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::Process;
use crate::programs;

/// How long a debug build may take to open its store on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A running server.
pub struct Server {
    /// The process.
    pub process: Process,
    /// `ADDR:PORT` as it said.
    pub address: String,
    /// Its key's fingerprint as it said.
    pub fingerprint: String,
    /// Its data folder.
    pub data: PathBuf,
    /// The command that runs it; empty for none.
    under: Vec<String>,
}

impl Server {
    /// Starts one over `data`, on a free port.
    pub fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0")
    }

    /// Starts one over `data`, listening at `listen`.
    pub fn start_at(data: &Path, listen: &str) -> Self {
        Self::start_with(data, listen, &[])
    }

    /// As [`Self::start_at`] with further arguments.
    pub fn start_with(data: &Path, listen: &str, arguments: &[&str]) -> Self {
        Self::ready(data, &[], &mut command(&[], data, listen, arguments))
    }

    /// As [`Self::start_at`], run by the command `under`, such as one that enters a namespace.
    pub fn start_under(under: &[String], data: &Path, listen: &str) -> Self {
        Self::ready(data, under, &mut command(under, data, listen, &[]))
    }

    fn ready(data: &Path, under: &[String], command: &mut Command) -> Self {
        let process = Process::start("hobnob-server", command);
        let Some(line) = process.line(Instant::now() + START) else {
            panic!("no READY from the server; its log:\n{}", process.log().tail(40));
        };
        let mut words = line.split(' ');
        let (Some("READY"), Some(address), Some(fingerprint), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            panic!("the server said {line:?} instead of READY ADDR:PORT FINGERPRINT");
        };
        let (address, fingerprint) = (address.to_owned(), fingerprint.to_owned());
        Self { process, address, fingerprint, data: data.to_owned(), under: under.to_owned() }
    }

    /// Starts one that must refuse: its exit status and what it said.
    pub fn refuses(data: &Path, listen: &str, arguments: &[&str]) -> (std::process::ExitStatus, String) {
        let mut process = Process::start("hobnob-server", &mut command(&[], data, listen, arguments));
        let status = process.wait(START);
        (status, process.log().text())
    }

    /// What clients are given.
    pub fn with_pin(&self) -> String {
        format!("{}#{}", self.address, self.fingerprint)
    }

    /// `kill -9`, then the same data folder and port again.
    pub fn crash(&mut self) {
        self.process.kill();
    }

    /// A new server where this one was.
    pub fn restart(&mut self) {
        self.process.kill();
        *self = Self::start_under(&self.under.clone(), &self.data.clone(), &self.address.clone());
    }
}

fn command(under: &[String], data: &Path, listen: &str, arguments: &[&str]) -> Command {
    let mut command = programs::command("hobnob-server", under);
    command.arg("--listen").arg(listen).arg("--data").arg(data).args(arguments).stdin(Stdio::null());
    command
}
