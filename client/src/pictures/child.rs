//! What the program does when it is started to decode one picture: reads it from standard input, writes small pixels to standard output,
//! ends. Called by `main` before anything else happens.

use std::io::{self, Read};
use std::process::ExitCode;

use super::confine::confine;
use super::decode::{LONGEST_FILE, decode};

/// The argument that starts the program for this. Not in its help: it is for the program itself.
pub const ARGUMENT: &str = "--decode-picture";

/// Whether the program was started for this.
pub fn is_wanted() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT)
}

/// Does it. Whoever started it sees pixels, or their lack.
pub fn run() -> ExitCode {
    match confine().map_err(io::Error::other).and_then(|()| answer()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer() -> io::Result<()> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let picture = decode(&bytes).map_err(io::Error::other)?;
    picture.write(io::stdout().lock())
}
