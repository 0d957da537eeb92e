//! Has a picture decoded by another process, and believes nothing that it says: it gets an open file and nothing else, has little time, and
//! what comes back is bounded and checked. Called from a thread that may wait.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hobnob_shared::id::Hash;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::child::{ARGUMENT, Form, TOO_LARGE};
use super::decode::LONGEST_FILE;
use super::wire::{LONGEST, Picture};

/// Endings of names that say what is shown. No SVG: it is a program of sorts.
const ENDINGS: [&str; 7] = ["png", "jpg", "jpeg", "jpe", "gif", "webp", "bmp"];
/// Time for a picture from its process' start to its last pixel.
pub const WITHIN: Duration = Duration::from_secs(2);
/// The program that runs now, also when another one was installed in its place meanwhile.
pub const THIS_PROGRAM: &str = "/proc/self/exe";
/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// Whether the file's name says that it is a picture of a kind that is shown. Which kind, its bytes say.
pub fn is_picture(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// A file whose picture is wanted.
#[derive(Debug, Clone, PartialEq, Eq, std::hash::Hash)]
pub struct Wish {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes that it must have.
    pub size: u64,
    /// What it must hold: a file that took its place, or that was changed since, is not meant.
    pub content: Hash,
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    disk: u64,
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    fn of(data: &Metadata) -> Self {
        Self {
            disk: data.dev(),
            inode: data.ino(),
            size: data.size(),
            seconds: data.mtime(),
            nanoseconds: data.mtime_nsec(),
        }
    }
}

#[cfg(test)]
impl Stamp {
    /// Differs from those of other numbers.
    pub(super) fn numbered(number: u64) -> Self {
        Self { disk: 0, inode: number, size: 0, seconds: 0, nanoseconds: 0 }
    }
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The process cannot be started.
    #[error("no process")]
    NotStarted,
    /// It took too long and was ended.
    #[error("too slow")]
    TooSlow,
    /// It says that the picture has too many pixels.
    #[error("too large")]
    TooLarge,
    /// It ended without a picture, or wrote what is none.
    #[error("no picture")]
    NoPicture,
}

/// What a look at a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// The file is gone, or is not the one that is meant.
    Nothing,
    /// It is as it was when it was last looked at.
    Same,
    /// In this state it has no picture to show, or is not the one that is meant.
    Refused(Stamp),
    /// In this state it may have one: looking at it did not succeed.
    Unclear(Stamp),
    /// Its picture.
    Picture(Stamp, T),
}

/// Looks at the file that is meant. Blocks for up to `within`, and as long as the disk takes to read it. `known` is a state whose picture,
/// or lack of one, is known.
pub fn look(program: &Path, wish: &Wish, known: Option<Stamp>, within: Duration) -> Found<Picture> {
    let Some((mut file, stamp)) = open(&wish.path).filter(|(_, stamp)| stamp.size == wish.size) else {
        return Found::Nothing;
    };
    if known == Some(stamp) {
        return Found::Same;
    }
    match content(&mut file) {
        Ok(content) if content == wish.content => {}
        Ok(_) => return Found::Refused(stamp),
        Err(_) => return Found::Unclear(stamp),
    }
    let decoded = file.try_clone().map_err(|_| Refused::NotStarted).and_then(|file| decode(program, file, within));
    // What was changed since it was read may not be what was decoded.
    if file.metadata().ok().map(|data| Stamp::of(&data)) != Some(stamp) {
        return Found::Nothing;
    }
    match decoded {
        Ok(picture) => Found::Picture(stamp, picture),
        Err(why) => {
            tracing::debug!(%why, "a picture is not shown");
            if matches!(why, Refused::NoPicture | Refused::TooLarge) {
                Found::Refused(stamp)
            } else {
                Found::Unclear(stamp)
            }
        }
    }
}

/// What it holds, from its beginning, where it stands afterwards.
fn content(file: &mut File) -> io::Result<Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(Read::take(&mut *file, LONGEST_FILE))?;
    file.rewind()?;
    Ok(Hash(*hasher.finalize().as_bytes()))
}

/// A regular file of a size that may be decoded, not through a link.
pub(super) fn open(path: &Path) -> Option<(File, Stamp)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let data = file.metadata().ok().filter(|data| data.is_file() && data.len() <= LONGEST_FILE)?;
    Some((file, Stamp::of(&data)))
}

/// Back to its beginning: whoever decodes it reads on from where it stands.
pub(super) fn rewind(file: &mut File) -> io::Result<()> {
    file.rewind()
}

/// Has `program` decode what `file` holds, for a card. Blocks for up to `within`; the process is gone afterwards, whatever it did.
pub fn decode(program: &Path, file: File, within: Duration) -> Result<Picture, Refused> {
    decode_as(program, file, Form::Card, within)
}

/// The same, in another form. That it has this form is checked.
pub fn decode_as(program: &Path, file: File, form: Form, within: Duration) -> Result<Picture, Refused> {
    let deadline = Instant::now() + within;
    let mut command = Command::new(program);
    command
        .arg0("hobnob")
        .arg(ARGUMENT)
        .args(form.argument())
        .stdin(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env_clear();
    // Without it the program may not find its libraries.
    if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    let mut child = command.spawn().map_err(|_| Refused::NotStarted)?;
    let answer = listen(&mut child, deadline);
    // One that has ended already is as good as killed.
    let _ended = child.kill();
    let status = child.wait();
    match Picture::read(answer?).filter(|picture| form.fits(picture.size())) {
        Some(picture) => Ok(picture),
        None if status.is_ok_and(|status| status.code() == Some(TOO_LARGE.into())) => Err(Refused::TooLarge),
        None => Err(Refused::NoPicture),
    }
}

/// All that it writes until it closes its output.
fn listen(child: &mut Child, deadline: Instant) -> Result<Vec<u8>, Refused> {
    let mut output = child.stdout.take().ok_or(Refused::NotStarted)?;
    let (mut answer, mut piece) = (Vec::new(), vec![0; PIECE]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| Refused::TooSlow)?;
        match poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Err(Refused::TooSlow),
            Err(Errno::INTR) => continue,
            Err(_) => return Err(Refused::NoPicture),
            Ok(_) => {}
        }
        let read = output.read(&mut piece).map_err(|_| Refused::NoPicture)?;
        if read == 0 {
            return Ok(answer);
        }
        if answer.len() + read > LONGEST {
            return Err(Refused::NoPicture);
        }
        answer.extend_from_slice(&piece[..read]);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// Long enough on any machine.
    const PATIENT: Duration = Duration::from_mins(1);
    /// Decodes nothing.
    const NO_PICTURE: &str = "/bin/false";

    #[test]
    fn names_say_what_is_a_picture() {
        for name in ["a.png", "A.JPG", "a b.jpeg", "x.y.gif", "é.WebP", "a.bmp"] {
            assert!(is_picture(name), "{name}");
        }
        for name in ["a.svg", "png", ".png", "a.png.exe", "a.png ", "", "a.tiff"] {
            assert!(!is_picture(name), "{name}");
        }
    }

    fn wish(path: &Path, content: &[u8]) -> Wish {
        let size = content.len() as u64;
        Wish { path: path.to_owned(), size, content: Hash(*blake3::hash(content).as_bytes()) }
    }

    #[test]
    fn only_the_very_file_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, b"12345").unwrap();
        let look_at =
            |path: &Path, content: &[u8], known| look(Path::new(NO_PICTURE), &wish(path, content), known, PATIENT);
        let Found::Refused(stamp) = look_at(&path, b"12345", None) else { panic!("it was not looked at") };
        assert_eq!(look_at(&path, b"12345", Some(stamp)), Found::Same);
        assert_eq!(look_at(&path, b"1234", None), Found::Nothing, "another size");
        assert_eq!(look_at(&folder.path().join("b.png"), b"12345", None), Found::Nothing, "no such file");
        assert_eq!(look_at(folder.path(), b"", None), Found::Nothing, "a folder");
        let link = folder.path().join("link.png");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(look_at(&link, b"12345", None), Found::Nothing, "a link");
        let pipe = folder.path().join("pipe.png");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(look_at(&pipe, b"", None), Found::Nothing, "a pipe");
        File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let touched = look_at(&path, b"12345", Some(stamp));
        assert!(matches!(touched, Found::Refused(other) if other != stamp), "it was not looked at again");
        File::create(&path).unwrap().set_len(LONGEST_FILE + 1).unwrap();
        let too_long = Wish { size: LONGEST_FILE + 1, ..wish(&path, b"") };
        assert_eq!(look(Path::new(NO_PICTURE), &too_long, None, PATIENT), Found::Nothing, "too long");
    }

    #[test]
    fn a_file_that_holds_something_else_by_now_is_not_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, b"first").unwrap();
        let (first, second) = (wish(&path, b"first"), wish(&path, b"other"));
        // This program cannot be started, so that only what is decoded is unclear.
        let look_at = |wish| look(Path::new("/nowhere"), wish, None, PATIENT);
        assert!(matches!(look_at(&first), Found::Unclear(_)));
        assert!(matches!(look_at(&second), Found::Refused(_)));
        std::fs::write(&path, b"other").unwrap();
        assert!(matches!(look_at(&first), Found::Refused(_)));
        assert!(matches!(look_at(&second), Found::Unclear(_)));
    }

    #[test]
    fn only_what_a_file_holds_is_its_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, b"12345").unwrap();
        let look_at = |program: &str| look(Path::new(program), &wish(&path, b"12345"), None, PATIENT);
        assert!(matches!(look_at(NO_PICTURE), Found::Refused(_)));
        assert!(matches!(look_at("/nowhere"), Found::Unclear(_)));
        let slow = folder.path().join("slow");
        std::fs::write(&slow, "#!/bin/sh\nexec sleep 1000\n").unwrap();
        std::fs::set_permissions(&slow, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let too_slow = look(&slow, &wish(&path, b"12345"), None, Duration::from_millis(50));
        assert!(matches!(too_slow, Found::Unclear(_)), "{too_slow:?}");
    }

    #[test]
    fn a_process_that_says_too_much_or_nothing_has_no_picture() {
        let nothing = || File::open("/dev/null").unwrap();
        assert_eq!(decode(Path::new("/bin/true"), nothing(), PATIENT), Err(Refused::NoPicture));
        assert_eq!(decode(Path::new("/nowhere"), nothing(), PATIENT), Err(Refused::NotStarted));
        let mut endless = Command::new("cat").arg("/dev/zero").stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(listen(&mut endless, Instant::now() + PATIENT), Err(Refused::NoPicture));
        endless.kill().unwrap();
        endless.wait().unwrap();
    }
}
