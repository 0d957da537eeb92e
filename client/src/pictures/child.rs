//! What the program does when it is started to decode one picture: reads it from standard input, writes small pixels to standard output,
//! ends. Called by `main` before anything else happens.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::ExitCode;

use super::confine::confine;
use super::decode::{LONGEST_FILE, SIDE_MAX, decode, decode_square};
use super::wire;

/// The argument that starts the program for this. Not in its help: it is for the program itself.
pub const ARGUMENT: &str = "--decode-picture";
/// How it ends if the picture has too many bytes or pixels; a person who chose it wants to know.
pub const TOO_LARGE: u8 = 3;

/// What is made of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All of it, fit for a card.
    Card,
    /// The square in its middle, so many pixels wide and high, or fewer where it has no more; at most [`SIDE_MAX`].
    Square(u32),
}

impl Form {
    /// What follows [`ARGUMENT`].
    pub(super) fn argument(self) -> Option<String> {
        match self {
            Self::Card => None,
            Self::Square(side) => Some(side.to_string()),
        }
    }

    fn from_argument(argument: Option<OsString>) -> Option<Self> {
        match argument {
            None => Some(Self::Card),
            Some(side) => side.to_str()?.parse().ok().filter(|side| (1..=SIDE_MAX).contains(side)).map(Self::Square),
        }
    }

    /// Whether a picture of that size has this form.
    pub(super) fn fits(self, (width, height): (u32, u32)) -> bool {
        match self {
            Self::Card => width <= wire::WIDTH && height <= wire::HEIGHT,
            Self::Square(side) => width == height && width <= side,
        }
    }
}

/// Whether the program was started for this.
pub fn is_wanted() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT)
}

/// Does it. Whoever started it sees pixels, or their lack.
pub fn run() -> ExitCode {
    // Read before the process is confined: what was given to it is its own.
    let form = Form::from_argument(std::env::args_os().nth(2));
    match confine().map_err(io::Error::other).and_then(|()| answer(form)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => ExitCode::from(TOO_LARGE),
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(form: Option<Form>) -> io::Result<()> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let decoded = match form.ok_or(io::ErrorKind::InvalidInput)? {
        Form::Card => decode(&bytes),
        Form::Square(side) => decode_square(&bytes, side),
    };
    let picture = decoded.map_err(|error| match error {
        error if error.is_size() => io::Error::new(io::ErrorKind::FileTooLarge, error),
        error => io::Error::other(error),
    })?;
    picture.write(io::stdout().lock())
}
