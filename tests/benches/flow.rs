//! Bare flows over a line, as references for the path: one TCP connection of ours that only sends bytes, and iperf3 where it is installed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hobnob_tests::line::{End, Line};
use hobnob_tests::process::Process;
use rustix::net::sockopt::set_tcp_congestion;
use serde_json::Value;

/// Nobody waits longer for one step of the other end.
const STEP: Duration = Duration::from_secs(20);
/// Where iperf3 listens; the namespace is ours alone.
const PORT: &str = "5201";

/// One TCP flow for `time`, from before it connects; bytes a second that arrived. `congestion` is asked for where it is given.
pub fn plain(line: &Line, congestion: Option<&str>, time: Duration) -> Result<f64> {
    let listener = line.inside(End::There, || TcpListener::bind((End::There.address(), 0)))?;
    let address = listener.local_addr()?;
    let begun = Instant::now();
    let mut sending = line.inside(End::Here, || TcpStream::connect_timeout(&address, STEP))?;
    let (mut receiving, _) = listener.accept()?;
    if let Some(name) = congestion {
        set_tcp_congestion(&sending, name).with_context(|| format!("{name} is not to be had"))?;
    }
    sending.set_write_timeout(Some(STEP))?;
    receiving.set_read_timeout(Some(STEP))?;
    let writer = std::thread::spawn(move || {
        let block = vec![0_u8; 256 * 1024];
        // It ends when the reader has gone.
        while begun.elapsed() < time && sending.write_all(&block).is_ok() {}
    });
    let (mut buffer, mut arrived) = (vec![0; 256 * 1024], 0);
    while begun.elapsed() < time {
        match receiving.read(&mut buffer)? {
            0 => break,
            count => arrived += count,
        }
    }
    let rate = arrived as f64 / begun.elapsed().as_secs_f64();
    drop(receiving);
    writer.join().map_err(|_| anyhow!("the writer panicked"))?;
    Ok(rate)
}

/// Why a congestion control cannot be asked for here; nothing where it can.
pub fn refusal(name: &str) -> Result<Option<String>> {
    let socket = TcpListener::bind("127.0.0.1:0")?;
    Ok(set_tcp_congestion(&socket, name).err().map(|error| format!("no {name} here: {error}")))
}

/// Whether iperf3 is installed.
pub fn has_iperf() -> bool {
    Command::new("iperf3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// As [`plain`], by iperf3.
pub fn iperf(line: &Line, congestion: Option<&str>, time: Duration) -> Result<f64> {
    let (address, time) = (End::There.address().to_string(), time.as_secs().to_string());
    let mut server = command(line, End::There);
    server.args(["--server", "--one-off", "--bind", &address, "--port", PORT, "--forceflush"]);
    let mut server = Process::start("iperf3 server", &mut server);
    let deadline = Instant::now() + STEP;
    while !server.line(deadline).context("iperf3 does not listen")?.contains("listening") {}
    let mut client = command(line, End::Here);
    client.args(["--client", &address, "--port", PORT, "--time", &time, "--json"]);
    if let Some(name) = congestion {
        client.args(["--congestion", name]);
    }
    let mut client = Process::start("iperf3 client", &mut client);
    let deadline = Instant::now() + STEP * 3;
    let report: String = std::iter::from_fn(|| client.line(deadline)).collect();
    let status = client.wait(STEP);
    ensure!(status.success(), "iperf3: {report}");
    server.wait(STEP);
    let report: Value = serde_json::from_str(&report)?;
    let bits = report["end"]["sum_received"]["bits_per_second"].as_f64();
    Ok(bits.context("iperf3 tells no rate")? / 8.0)
}

fn command(line: &Line, end: End) -> Command {
    let mut command = Command::new("ip");
    command.args(line.under(end).iter().skip(1)).arg("iperf3").stdin(Stdio::null());
    command
}
