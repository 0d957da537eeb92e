//! Pictures that people show themselves with: made of any picture that one chose, and looked at when they came from others. What is sent is
//! packed from plain pixels by this process: whatever was in the chosen file beside them stays behind, and a decoder that was taken over
//! can smuggle nothing along. Called from threads that may wait.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use hobnob_shared::id::Hash;
use hobnob_shared::limits::AVATAR;

use super::child::Form;
use super::decode::{LONGEST_FILE, SIDE_MAX};
use super::pack;
use super::parent::{self, Refused};
use super::wire::Picture;

/// Pixels in a row, and rows, of what is sent.
pub const SIDE: u32 = 256;
/// The same of what is shown: lists have it at a quarter of that, a dialog at all of it.
pub const SHOWN: u32 = 128;
const _: () = assert!(SHOWN <= SIDE && SIDE <= SIDE_MAX);

/// Why a picture cannot be used, each a sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The file.
    #[error("The picture cannot be read: {0}. Choose another file.")]
    Unreadable(io::Error),
    /// Too many bytes or pixels to be decoded.
    #[error(
        "The picture is too large: more than 64 MiB, 8,192 pixels a side, or 44 million pixels. Make it smaller, or choose another one."
    )]
    TooLarge,
    /// It is none, or none of a known kind.
    #[error("This is no picture that can be shown. Choose a PNG, JPEG, GIF, WebP or BMP file.")]
    NoPicture,
    /// It could not be looked at just now.
    #[error("The picture could not be looked at in time. Wait a moment and try again.")]
    Busy,
}

impl From<Refused> for Unfit {
    fn from(why: Refused) -> Self {
        match why {
            Refused::NotStarted | Refused::TooSlow => Self::Busy,
            Refused::TooLarge => Self::TooLarge,
            Refused::NoPicture => Self::NoPicture,
        }
    }
}

/// The square in the middle of the picture at `path`, as it is sent: PNG or JPEG, at most [`AVATAR`] bytes.
pub fn make(program: &Path, path: &Path, within: Duration) -> Result<Vec<u8>, Unfit> {
    let picture = decode(program, path, Form::Square(SIDE), within)?;
    pack::pack(picture, AVATAR).ok_or(Unfit::TooLarge)
}

/// The same, to be looked at before it is chosen.
pub fn preview(program: &Path, path: &Path, within: Duration) -> Result<Picture, Unfit> {
    decode(program, path, Form::Square(SHOWN), within)
}

/// A file that a person chose: links are followed.
fn decode(program: &Path, path: &Path, form: Form, within: Duration) -> Result<Picture, Unfit> {
    // Opening a pipe would wait for whoever writes into it.
    let data = std::fs::metadata(path).map_err(Unfit::Unreadable)?;
    if !data.is_file() {
        return Err(Unfit::NoPicture);
    }
    if data.len() > LONGEST_FILE {
        return Err(Unfit::TooLarge);
    }
    let file = File::open(path).map_err(Unfit::Unreadable)?;
    Ok(parent::decode_as(program, file, form, within)?)
}

/// The picture of that name in `folder`, small; none if it cannot be shown now, `Err` if it never can.
pub fn look(program: &Path, folder: &Path, hash: Hash, within: Duration) -> Result<Option<Picture>, Refused> {
    let Some((mut file, _)) = parent::open(&folder.join(hash.to_string())) else { return Ok(None) };
    let mut bytes = Vec::new();
    if Read::take(&mut file, AVATAR as u64 + 1).read_to_end(&mut bytes).is_err() {
        return Ok(None);
    }
    if bytes.len() > AVATAR || *blake3::hash(&bytes).as_bytes() != hash.0 || parent::rewind(&mut file).is_err() {
        return Err(Refused::NoPicture);
    }
    match parent::decode_as(program, file, Form::Square(SHOWN), within) {
        Ok(picture) => Ok(Some(picture)),
        Err(Refused::NotStarted | Refused::TooSlow) => Ok(None),
        Err(why) => Err(why),
    }
}
