//! A virtual display with a session bus of its own, for real windows where nobody looks. Used by the UI tests and by the demo.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::Process;
use crate::story::temporary;

/// X server and bus are up long before.
const START: Duration = Duration::from_secs(30);

/// An X server, a session bus, and the private folders that programs on it get.
pub struct Display {
    /// Variables for every program on it.
    pub environment: Vec<(String, String)>,
    /// Removed with the display; holds HOME and the runtime folder.
    pub home: TempDir,
    // Dropped (and killed) in this order: first the bus, with what it started, then the screen.
    _bus: Process,
    _screen: Process,
}

/// What is missing for a display, as a sentence; `None` where it can be had.
pub fn missing() -> Option<String> {
    let needed = ["Xvfb", "dbus-daemon", "xdotool", "/usr/bin/python3"];
    let found = |name: &str| {
        name.starts_with('/') && Path::new(name).exists()
            || std::env::var_os("PATH")
                .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
    };
    let lacking: Vec<&str> = needed.into_iter().filter(|name| !found(name)).collect();
    if lacking.is_empty() { None } else { Some(format!("not installed: {} (make setup)", lacking.join(", "))) }
}

impl Display {
    /// Starts one of `width` x `height` pixels.
    pub fn start(width: u32, height: u32) -> Self {
        let home = temporary();
        let runtime = home.path().join("runtime");
        std::fs::create_dir(&runtime).unwrap_or_else(|error| panic!("no runtime folder: {error}"));
        std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700))
            .unwrap_or_else(|error| panic!("no runtime folder: {error}"));

        // No settings daemon runs here, so the desktop's usual font is named in a file.
        let settings = home.path().join("config/gtk-4.0");
        let text = "[Settings]\ngtk-font-name=Cantarell 11\ngtk-icon-theme-name=Adwaita\ngtk-cursor-blink=false\n";
        std::fs::create_dir_all(&settings)
            .and_then(|()| std::fs::write(settings.join("settings.ini"), text))
            .unwrap_or_else(|error| panic!("no settings for the windows: {error}"));

        // -displayfd picks a free number and tells it once the server accepts clients.
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"]);
        xvfb.arg(format!("{width}x{height}x24")).stdin(Stdio::null());
        let screen = Process::start("Xvfb", &mut xvfb);
        let number = first_line(&screen);

        let mut dbus = Command::new("dbus-daemon");
        dbus.args(["--session", "--nofork", "--print-address=1"]).stdin(Stdio::null());
        let mut environment: Vec<(String, String)> = [
            ("DISPLAY", format!(":{number}")),
            ("HOME", shown(home.path())),
            ("XDG_RUNTIME_DIR", shown(&runtime)),
            ("XDG_CONFIG_HOME", shown(&home.path().join("config"))),
            ("XDG_CACHE_HOME", shown(&home.path().join("cache"))),
            ("XDG_DATA_HOME", shown(&home.path().join("data"))),
            ("GDK_BACKEND", "x11".into()),
            ("GSK_RENDERER", "cairo".into()),
            ("GSETTINGS_BACKEND", "memory".into()),
            ("GTK_USE_PORTAL", "0".into()),
            ("LIBGL_ALWAYS_SOFTWARE", "1".into()),
            ("LANG", "C.UTF-8".into()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        put_on(&mut dbus, &environment);
        let bus = Process::start("dbus-daemon", &mut dbus);
        environment.push(("DBUS_SESSION_BUS_ADDRESS".into(), first_line(&bus)));
        Self { environment, home, _bus: bus, _screen: screen }
    }

    /// A command that will run on this display.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        put_on(&mut command, &self.environment);
        command
    }

    /// A picture of everything that is on the screen.
    pub fn photograph(&self, path: &Path) -> PathBuf {
        let taken = self.command("import").args(["-window", "root", "-depth", "8"]).arg(path).status();
        assert!(taken.is_ok_and(|status| status.success()), "no picture at {}", path.display());
        path.to_owned()
    }

    /// How many dots of about this colour are on the screen, in these columns.
    pub fn dots(&self, colour: [u8; 3], columns: std::ops::Range<usize>) -> usize {
        let path = self.home.path().join("screen.ppm");
        self.photograph(&path);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // "P6", width, height, 255, each behind white space, and then three bytes for each dot.
        let mut starts = bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_whitespace()).map(|(at, _)| at + 1);
        let heads: Vec<usize> = starts.by_ref().take(4).collect();
        let [one, two, _, dots] = heads.as_slice() else { panic!("{} is no picture", path.display()) };
        let width = std::str::from_utf8(&bytes[*one..two - 1]).ok().and_then(|text| text.parse().ok());
        let width: usize = width.unwrap_or_else(|| panic!("{} is no picture", path.display()));
        let is_it = |dot: &[u8]| dot.iter().zip(colour).all(|(part, wanted)| part.abs_diff(wanted) <= 6);
        let rows = bytes[*dots..].chunks_exact(3 * width);
        let row =
            |row: &[u8]| row.chunks_exact(3).enumerate().filter(|(x, dot)| columns.contains(x) && is_it(dot)).count();
        rows.map(row).sum()
    }
}

fn put_on(command: &mut Command, environment: &[(String, String)]) {
    for name in
        ["WAYLAND_DISPLAY", "NO_AT_BRIDGE", "GTK_A11Y", "DBUS_STARTER_ADDRESS", "AT_SPI_BUS_ADDRESS", "GTK_THEME"]
    {
        command.env_remove(name);
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn first_line(process: &Process) -> String {
    let line = process.line(Instant::now() + START);
    line.unwrap_or_else(|| panic!("it did not start:\n{}", process.log().tail(20)))
}
