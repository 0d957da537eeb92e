//! Two network namespaces of our own, joined by a long line: `lab/wire.py` between two tun devices, with rate, delay and loss. No packet can
//! leave them, nothing of the machine's own network changes, and they go with their owner. Needs root; the benchmark of the path uses it.

use std::fs::{File, read_to_string, write};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use crate::process::Process;
use crate::programs::top;

/// The device at either end.
const DEVICE: &str = "wire";
/// The device of the other end before it is moved there.
const MOVED: &str = "far";
/// Packets that may wait for the line's program to read them; the line's own queue is shorter than that, so that packets are lost there only.
const DEVICE_QUEUE: &str = "8192";
/// The line's program answers within this time.
const ANSWER: Duration = Duration::from_secs(10);
/// Where a namespace keeps the congestion control of those who choose none.
const CONGESTION: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// What a machine has where nobody chose. Either may not be allowed to a namespace; the second always is.
const USUAL: [&str; 2] = ["cubic", "reno"];

/// What the line is like, each way.
#[derive(Debug, Clone, Copy)]
pub struct Quality {
    /// Milliseconds from one end to the other.
    pub delay: u32,
    /// Mbit a second.
    pub rate: u32,
    /// Milliseconds that a packet may wait for those before it; what would wait longer is dropped.
    pub queue: u32,
    /// Of a hundred packets so many are lost.
    pub loss: f64,
}

/// One of the two namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The one that sends.
    Here,
    /// The one that receives.
    There,
}

impl End {
    /// Its address, of the range for documentation.
    pub fn address(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(198, 51, 100, if self == Self::Here { 1 } else { 2 }))
    }

    fn other(self) -> Self {
        if self == Self::Here { Self::There } else { Self::Here }
    }

    /// Its name: of this process, so that two runs never meet.
    fn name(self) -> String {
        format!("hobnob-{}-{}", std::process::id(), if self == Self::Here { "here" } else { "there" })
    }
}

const BOTH: [End; 2] = [End::Here, End::There];

/// The namespaces; they go with it, and with them the devices and routes.
struct Namespaces;

impl Drop for Namespaces {
    fn drop(&mut self) {
        tidy();
    }
}

/// Removes the namespaces of this process, where there are any; for an end that drops nothing.
pub fn tidy() {
    for end in BOTH {
        if Path::new("/run/netns").join(end.name()).exists() {
            // There is nobody who could do more about it.
            let _left = run(&["ip", "netns", "del", &end.name()]);
        }
    }
}

/// A line and its ends. Whatever runs in them should have ended before.
pub struct Line {
    wire: Process,
    ask: Option<ChildStdin>,
    _ends: Namespaces,
}

impl Line {
    /// Makes one; the error says in a line why this machine cannot.
    pub fn new(quality: Quality) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("only root may make network namespaces".to_owned());
        }
        let ends = Namespaces;
        for end in BOTH {
            run(&["ip", "netns", "add", &end.name()])?;
            ip(end, &["link", "set", "lo", "up"])?;
        }
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &End::Here.name(), "python3"]).arg(top().join("tests/lab/wire.py"));
        command.args([DEVICE, MOVED]).args([quality.delay, quality.rate, quality.queue].map(|n| n.to_string()));
        command.arg(quality.loss.to_string()).stdin(Stdio::piped());
        let mut wire = Process::start("the line", &mut command);
        let ask = wire.stdin();
        if wire.line(Instant::now() + ANSWER).as_deref() != Some("ready") {
            return Err(format!("the line's program does not start: {}", wire.log().tail(1).trim()));
        }
        ip(End::Here, &["link", "set", MOVED, "netns", &End::There.name()])?;
        ip(End::There, &["link", "set", MOVED, "name", DEVICE])?;
        let line = Self { wire, ask, _ends: ends };
        for end in BOTH {
            ip(end, &["addr", "add", &format!("{}/32", end.address()), "dev", DEVICE])?;
            ip(end, &["link", "set", DEVICE, "txqueuelen", DEVICE_QUEUE, "up"])?;
            // What one connection learnt of the path must not help the next one.
            let forgets = line.inside(end, || write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1"));
            let usual = line.inside(end, || USUAL.iter().any(|name| write(CONGESTION, name).is_ok()));
            if forgets.is_err() || !usual {
                return Err("a namespace does not take its settings".to_owned());
            }
        }
        line.route(&[])?;
        Ok(line)
    }

    /// The command that runs a program at one end.
    pub fn under(&self, end: End) -> Vec<String> {
        ["ip", "netns", "exec", &end.name()].map(str::to_owned).to_vec()
    }

    /// Does something at one end, on a thread of its own. A socket that is made there stays there.
    pub fn inside<T: Send>(&self, end: End, act: impl FnOnce() -> T + Send) -> T {
        let enter = move || {
            let namespace = File::open(Path::new("/run/netns").join(end.name()))?;
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(())
        };
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let entered: std::io::Result<()> = enter();
                entered.unwrap_or_else(|error| panic!("cannot enter {}: {error}", end.name()));
                act()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Gives the routes of both ends further properties, such as `congctl lock cubic`; new connections have them.
    pub fn route(&self, properties: &[&str]) -> Result<(), String> {
        for end in BOTH {
            let other = end.other().address().to_string();
            ip(end, &[&["route", "replace", &other, "dev", DEVICE][..], properties].concat())?;
        }
        Ok(())
    }

    /// The congestion control that the sending end has where nobody chose.
    pub fn usual(&self) -> String {
        self.inside(End::Here, || read_to_string(CONGESTION)).unwrap_or_default().trim().to_owned()
    }

    /// What the line carried, lost and dropped since it was asked last, and how much of that late.
    pub fn carried(&mut self) -> Value {
        let asked = self.ask.as_mut().map(|ask| ask.write_all(b"\n"));
        let answer = asked.and_then(|_| self.wire.line(Instant::now() + ANSWER)).unwrap_or_default();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("the line says {answer:?}: {error}"))
    }
}

/// Runs `ip` for one end.
fn ip(end: End, arguments: &[&str]) -> Result<(), String> {
    run(&[&["ip", "-n", &end.name()], arguments].concat())
}

/// Runs something short; the error is what it said.
fn run(words: &[&str]) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or("nothing to run")?;
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
