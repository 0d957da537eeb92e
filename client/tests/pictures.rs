//! The real program's other process: good pictures come back, bad ones and whatever is fed without end do not, and it can do next to nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hobnob_client::pictures::avatar;
use hobnob_client::pictures::child::{ARGUMENT, Form};
use hobnob_client::pictures::confine::{MEMORY, SECONDS, SPACE, confine};
use hobnob_client::pictures::parent::{Found, Refused, Wish, decode, decode_as, look};
use hobnob_shared::id::Hash;
use hobnob_shared::limits::AVATAR;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Longer than any picture takes on a busy machine.
const PATIENT: Duration = Duration::from_mins(2);

fn program() -> PathBuf {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_hobnob"));
    std::env::var_os("HOBNOB_BIN_DIR").map_or(built, |folder| Path::new(&folder).join("hobnob"))
}

fn pictured(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 99]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn good_pictures_come_back() {
    let folder = tempfile::tempdir().unwrap();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp] {
        let (path, bytes) = (folder.path().join("picture"), pictured(800, 300, format));
        std::fs::write(&path, &bytes).unwrap();
        let content = Hash(*blake3::hash(&bytes).as_bytes());
        let found = look(&program(), &Wish { path, size: bytes.len() as u64, content }, None, PATIENT);
        assert!(matches!(&found, Found::Picture(_, picture) if picture.size() == (640, 240)), "{format:?}: {found:?}");
    }
}

#[test]
fn a_photo_of_24_million_pixels_comes_back() {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&path, pictured(6000, 4000, ImageFormat::Jpeg)).unwrap();
    let picture = decode(&program(), path.reopen().unwrap(), PATIENT);
    assert_eq!(picture.unwrap().size(), (640, 427));
}

#[test]
fn a_person_s_picture_is_made_small_square_and_free_of_all_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    let mut photo = pictured(4000, 3000, ImageFormat::Jpeg);
    // A comment, behind the first mark: where it was taken.
    photo.splice(2..2, [&b"\xff\xfe\x00\x0cHere I am!"[..]].concat());
    std::fs::write(&path, &photo).unwrap();
    let made = avatar::make(&program(), &path, PATIENT).unwrap();
    assert!(made.len() <= AVATAR, "{}", made.len());
    assert!(!made.windows(4).any(|part| part == b"Here"), "what was in the file beside the picture came along");
    // As those see it who get it.
    let hash = Hash(*blake3::hash(&made).as_bytes());
    std::fs::write(folder.path().join(hash.to_string()), &made).unwrap();
    let shown = avatar::look(&program(), folder.path(), hash, PATIENT).unwrap().unwrap();
    assert_eq!(shown.size(), (avatar::SHOWN, avatar::SHOWN));
    // Not if it is changed, whatever it is then; gone is not bad for ever.
    std::fs::write(folder.path().join(hash.to_string()), &photo).unwrap();
    assert_eq!(avatar::look(&program(), folder.path(), hash, PATIENT), Err(Refused::NoPicture));
    std::fs::remove_file(folder.path().join(hash.to_string())).unwrap();
    assert_eq!(avatar::look(&program(), folder.path(), hash, PATIENT), Ok(None));
    for (width, height) in [(30, 20), (1, 1), (300, 1)] {
        std::fs::write(&path, pictured(width, height, ImageFormat::Png)).unwrap();
        let small = avatar::preview(&program(), &path, PATIENT).unwrap();
        let side = width.min(height);
        assert_eq!(small.size(), (side, side), "never blown up");
    }
}

#[test]
fn what_is_no_picture_does_not() {
    let mut bomb = pictured(8, 8, ImageFormat::Bmp);
    bomb[18..22].copy_from_slice(&60_000_i32.to_le_bytes());
    bomb[22..26].copy_from_slice(&60_000_i32.to_le_bytes());
    let holding = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file
    };
    for bytes in [Vec::new(), b"GIF89a".to_vec(), vec![0; 100_000]] {
        assert_eq!(decode(&program(), holding(&bytes), PATIENT), Err(Refused::NoPicture));
    }
    for form in [Form::Card, Form::Square(128)] {
        assert_eq!(decode_as(&program(), holding(&bomb), form, PATIENT), Err(Refused::TooLarge), "{form:?}");
    }
}

#[test]
fn a_child_that_is_fed_without_end_ends_by_itself() {
    let zeros = File::open("/dev/zero").unwrap();
    assert_eq!(decode(&program(), zeros, PATIENT), Err(Refused::TooLarge));
}

#[test]
fn a_child_that_is_never_fed_is_ended() {
    let (never, _fed) = std::io::pipe().unwrap();
    let never = File::from(OwnedFd::from(never));
    assert_eq!(decode(&program(), never, Duration::from_millis(300)), Err(Refused::TooSlow));
}

/// A line of `/proc/PID/FILE` that begins so.
fn line(pid: u32, file: &str, beginning: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(beginning)).unwrap_or_default();
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn before_it_reads_anything_it_has_given_up_everything_else() {
    // Not fed, so it waits with its first read for as long as it is looked at.
    let mut child = Command::new(program());
    let mut child = child.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    // What it gives up last; the system tells nobody that it has. 2 is a filter of calls.
    while line(pid, "status", "Seccomp:").first().is_none_or(|mode| mode != "2") {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    for (name, most) in [
        ("Max data size", MEMORY),
        ("Max address space", SPACE),
        ("Max cpu time", SECONDS),
        ("Max file size", 0),
        ("Max core file size", 0),
        ("Max processes", 0),
        ("Max open files", 0),
    ] {
        assert_eq!(line(pid, "limits", name)[..2], [most.to_string(), most.to_string()], "{name}");
    }
    assert_eq!(line(pid, "status", "NoNewPrivs:"), ["1"]);
    assert_eq!(line(pid, "status", "Threads:"), ["1"]);
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    let mut nothing = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut nothing).unwrap();
    assert!(nothing.is_empty());
    child.wait().unwrap();
}

/// Names the file for the process that tries what it can still do.
const TRIED: &str = "HOBNOB_TEST_CONFINED";

/// Runs itself once more, because what is given up does not come back.
#[test]
fn who_is_confined_opens_and_starts_nothing() {
    let Some(file) = std::env::var_os(TRIED) else {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "who_is_confined_opens_and_starts_nothing", "--nocapture", "--test-threads=1"]);
        let done = again.env(TRIED, file.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"), "it was not tried");
        return;
    };
    assert!(File::open(&file).is_ok());
    let parent = rustix::process::getppid().unwrap();
    assert!(test_kill_process(parent).is_ok());
    confine().unwrap();
    assert!(test_kill_process(parent).is_err(), "it could signal another process");
    assert!(std::fs::remove_file(&file).is_err(), "it removed a file");
    assert!(File::open(&file).is_err(), "it opened a file");
    assert!(UdpSocket::bind("127.0.0.1:0").is_err(), "it opened a socket");
    assert!(TcpListener::bind("127.0.0.1:0").is_err(), "it listens");
    assert!(Command::new("/bin/true").spawn().is_err(), "it started a program");
    let too_much = usize::try_from(MEMORY).unwrap();
    assert!(Vec::<u8>::new().try_reserve_exact(too_much).is_err(), "it has more memory");
}
