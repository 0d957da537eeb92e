//! `scp` to an sshd of our own, as a reference for files and folders: on a loopback port, with keys and settings made for the run, as the
//! user who runs the benchmark, and gone with its owner. Nothing is installed or started for it on the machine.

use std::fmt::Write as _;
use std::fs::{create_dir, read_to_string, remove_dir, write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hobnob_tests::process::Process;
use hobnob_tests::story::temporary;
use tempfile::TempDir;

/// The cipher that our own connections have.
const CIPHER: &str = "aes128-gcm@openssh.com";
/// sshd listens within this time.
const START: Duration = Duration::from_secs(10);
/// One copy takes no longer.
const COPY: Duration = Duration::from_mins(3);
/// What sshd wants to find when it is started by root; services make it at boot.
const EMPTY_ROOM: &str = "/run/sshd";

/// A running sshd and what a client needs for it.
pub struct Sshd {
    process: Process,
    port: u16,
    user: String,
    keys: TempDir,
    /// Seconds that the copy of an empty file took: the start and the handshake are in every copy.
    pub alone: f64,
    /// The folder below /run, where we made it.
    made: bool,
}

impl Sshd {
    /// Starts one; the other kind of answer says in a line why there is none.
    pub fn start() -> Result<Result<Self, String>> {
        let (Some(sshd), Some(_)) = (find("sshd"), find("scp")) else {
            return Ok(Err("no sshd here (Debian: openssh-server)".to_owned()));
        };
        let keys = temporary();
        let user = run(Command::new("id").arg("-un"))?.trim().to_owned();
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        for name in ["host", "client"] {
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(keys.path().join(name)))?;
        }
        let folder = keys.path().display();
        let host = read_to_string(keys.path().join("host.pub"))?;
        write(keys.path().join("known"), format!("[127.0.0.1]:{port} {host}"))?;
        write(keys.path().join("config"), settings(&folder.to_string(), port, &user))?;
        let made = rustix::process::geteuid().is_root() && create_dir(EMPTY_ROOM).is_ok();
        let mut command = Command::new(sshd);
        command.args(["-D", "-e", "-f"]).arg(keys.path().join("config")).stdin(Stdio::null());
        let mut sshd = Self { process: Process::start("sshd", &mut command), port, user, keys, alone: 0.0, made };
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if !sshd.process.is_running() || Instant::now() > deadline {
                sshd.process.kill();
                // What it wrote last may be a moment behind its end.
                let _status = sshd.process.wait(START);
                return Ok(Err(format!("sshd does not start: {}", sshd.process.log().tail(1).trim())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // An account without a password may be locked for sshd, even with a key.
        let probe = sshd.keys.path().join("probe");
        write(&probe, "")?;
        match sshd.copy(&probe, &sshd.keys.path().join("copy")) {
            Ok(alone) => sshd.alone = alone,
            Err(error) => return Ok(Err(format!("sshd does not let {} in: {error:#}", sshd.user))),
        }
        Ok(Ok(sshd))
    }

    /// Copies a file or a folder over it; seconds, from the start of scp to its end.
    pub fn copy(&self, from: &Path, to: &Path) -> Result<f64> {
        let key = |name: &str| self.keys.path().join(name).display().to_string();
        let mut command = Command::new("scp");
        command.args(["-q", "-r", "-F", "none", "-c", CIPHER, "-P", &self.port.to_string()]);
        for option in [
            format!("IdentityFile={}", key("client")),
            format!("UserKnownHostsFile={}", key("known")),
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "BatchMode=yes".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command.arg(from).arg(format!("{}@127.0.0.1:{}", self.user, to.display())).stdin(Stdio::null());
        let begun = Instant::now();
        let mut scp = Process::start("scp", &mut command);
        let status = scp.wait(COPY);
        let took = begun.elapsed().as_secs_f64();
        ensure!(status.success(), "scp: {}", scp.log().tail(3).trim());
        Ok(took)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.process.kill();
        if self.made {
            // Another sshd that was started meanwhile may use it by now; it is empty either way.
            let _kept = remove_dir(EMPTY_ROOM);
        }
    }
}

/// The settings: nobody but this user with this key, from this machine, and nothing of the machine's own settings.
fn settings(folder: &str, port: u16, user: &str) -> String {
    let mut text = String::new();
    for (name, value) in [
        ("ListenAddress", format!("127.0.0.1:{port}").as_str()),
        ("HostKey", &format!("{folder}/host")),
        ("AuthorizedKeysFile", &format!("{folder}/client.pub")),
        ("AllowUsers", user),
        ("PermitRootLogin", "prohibit-password"),
        ("PasswordAuthentication", "no"),
        ("KbdInteractiveAuthentication", "no"),
        ("UsePAM", "no"),
        ("StrictModes", "no"),
        ("PidFile", "none"),
        ("Ciphers", CIPHER),
        ("Subsystem", "sftp internal-sftp"),
    ] {
        let _infallible = writeln!(text, "{name} {value}");
    }
    text
}

/// Runs something short; what it printed.
fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} does not run"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Where a program is; sshd wants its full path, and is not on everybody's.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}
