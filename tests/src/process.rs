//! A child process in a group of its own: its lines are collected, and whatever happens to the test, it and what it started end with it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Lines of standard error that are kept for the message of a failed test.
const LOG_LINES: usize = 4000;
/// Pause between two looks at something that sends no event (a process table, a file).
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The rest of a log is there within this time after the end.
const LOG_WITHIN: Duration = Duration::from_secs(2);

/// What a child wrote to standard error, shared with the thread that reads it.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LOG_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// All that is kept.
    pub fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().fold(String::new(), |all, line| all + line + "\n")
    }

    /// The newest lines.
    pub fn tail(&self, count: usize) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().skip(lines.len().saturating_sub(count)).fold(String::new(), |all, line| all + "    " + line + "\n")
    }
}

/// Groups that run now, for [`kill_all_at_interrupt`].
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn running() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on an interrupt (Ctrl+C) or a termination of this program ends its children too; they are in groups of their own, so the
/// terminal does not tell them. `tidy` is called after that.
pub fn kill_all_at_interrupt(tidy: impl FnOnce() + Send + 'static) {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let mut terminate = signal(SignalKind::terminate()).unwrap_or_else(|error| panic!("no signals: {error}"));
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        });
        // Whoever waits for a child will miss it, and that is no failure to tell of.
        std::panic::set_hook(Box::new(|_| {}));
        for group in running().iter() {
            // Already gone is as good.
            let _gone = kill_process_group(*group, Signal::KILL);
        }
        tidy();
        std::process::exit(130);
    });
}

/// A running child. Dropping it kills its whole group.
pub struct Process {
    child: Child,
    name: String,
    lines: Receiver<String>,
    log: Log,
    log_reader: Option<std::thread::JoinHandle<()>>,
}

impl Process {
    /// Starts `command` with its outputs read by threads.
    pub fn start(name: &str, command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt as _;
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        running().push(Pid::from_child(&child));
        let (sender, lines) = channel();
        let log = Log::default();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || each_line(out, |line| sender.send(line).is_ok()));
        }
        let log_reader = child.stderr.take().map(|errors| {
            let log = log.clone();
            std::thread::spawn(move || {
                each_line(errors, |line| {
                    log.add(line);
                    true
                });
            })
        });
        Self { child, name: name.to_owned(), lines, log, log_reader }
    }

    /// The next line of standard output; `None` when there is none before `deadline`, or ever.
    pub fn line(&self, deadline: Instant) -> Option<String> {
        self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
    }

    /// Standard input, once.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// What it logged.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal to the process itself.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        // Already gone is as good.
        let _gone = kill_process_group(self.pid(), Signal::KILL);
        let _status = self.child.wait();
        let own = self.pid();
        running().retain(|group| *group != own);
    }

    /// Waits for the end.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.finish_log();
                    return status;
                }
                Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
                Ok(None) => panic!("{} did not end within {within:?}; its log:\n{}", self.name, self.log.tail(40)),
                Err(error) => panic!("cannot wait for {}: {error}", self.name),
            }
        }
    }

    /// What it wrote last may still be on its way. A child of its own that lives on keeps the pipe open, so the end is not waited for for ever.
    fn finish_log(&self) {
        let deadline = Instant::now() + LOG_WITHIN;
        while self.log_reader.as_ref().is_some_and(|reader| !reader.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits for the end, however long a person keeps it open.
    pub fn wait_long(&mut self) -> ExitStatus {
        self.child.wait().unwrap_or_else(|error| panic!("cannot wait for {}: {error}", self.name))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).map_or(0, Iterator::count)
    }

    /// Memory that is its own or its share of, in KiB (proportional set size).
    pub fn memory(&self) -> u64 {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id())).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    /// Processor time it used so far.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // Fields 14 and 15, counted behind the name in parentheses, in ticks of 1/100 s.
        let fields: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        Duration::from_millis(fields.iter().sum::<u64>() * 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of {}:\n{}", self.name, self.log.tail(30));
        }
    }
}

fn each_line(from: impl Read, mut take: impl FnMut(String) -> bool) {
    let mut reader = BufReader::new(from);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) if take(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()) => {}
            Ok(_) => return,
        }
    }
}

/// Looks again and again until `look` is true; for what the system tells nobody about.
pub fn until(what: &str, within: Duration, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !look() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}
