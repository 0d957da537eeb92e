//! A test that runs again inside a network namespace of its own, where nothing but its own programs uses the loopback device.

use std::process::Command;

/// Set for the inner run.
const INSIDE: &str = "HOBNOB_TEST_INSIDE";

/// Where a test finds itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// In the namespace.
    Inner,
    /// Outside, and the inner run has been right: nothing is left to do.
    Done,
    /// This machine makes no namespaces: needs root or user namespaces, `unshare` and `ip`.
    Impossible,
}

/// Runs the test of this full name again, after the shell commands `before`, in a namespace with a loopback device. They are tried first: where
/// they cannot be had, neither can the test.
pub fn alone(test: &str, before: &str) -> Run {
    if std::env::var_os(INSIDE).is_some() {
        return Run::Inner;
    }
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-e", "-c", script]);
        command
    };
    let before = format!("ip link set lo up\n{before}");
    if !unshare(&before).output().is_ok_and(|output| output.status.success()) {
        return Run::Impossible;
    }
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("this test has no file: {error}"));
    let script = format!("{before}\nexec \"$0\" --exact {test} --nocapture");
    let status = unshare(&script).arg(own).env(INSIDE, "1").status();
    assert!(status.is_ok_and(|status| status.success()), "the inner run failed; its output is above");
    Run::Done
}

/// Bytes that went over the loopback device so far, headers included.
pub fn over_loopback() -> u64 {
    let text = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_else(|error| panic!("no network: {error}"));
    let lo = text.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    let received = lo.and_then(|lo| lo.split_whitespace().next()?.parse().ok());
    received.unwrap_or_else(|| panic!("no loopback device in\n{text}"))
}
