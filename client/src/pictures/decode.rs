//! Makes small pixels of a picture's bytes. Runs in a process that has given up everything else (see [`super::confine`]); what it refuses
//! here it refuses with a reason, and what is worse than that ends only that process.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

use super::wire::{self, Picture};

/// Longest file, in bytes: it is read into memory before it is decoded.
pub const LONGEST_FILE: u64 = 64 << 20;
/// Most pixels in a row, and most rows.
pub const MOST_PIXELS: u32 = 8_192;
/// Most memory that decoding may ask for, in bytes: a photo of 44 million pixels.
pub const MOST_MEMORY: u64 = 128 << 20;

/// Widest square that is asked for, in pixels: it must fit the way in which pictures come out.
pub const SIDE_MAX: u32 = wire::HEIGHT;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is not one of the five formats, is damaged, or too large.
    #[error("{0}")]
    Image(#[from] ImageError),
    /// Its beginning cannot be read.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// The decoded picture would not fit into memory.
    #[error("{0} bytes of pixels")]
    TooLarge(u64),
    /// It has no pixels.
    #[error("no pixels")]
    Empty,
}

impl DecodeError {
    /// It has too many pixels, or would take too much memory.
    pub fn is_size(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::Image(ImageError::Limits(_)))
    }
}

/// Decodes PNG, JPEG, GIF, WebP or BMP, whichever the bytes say; of moving pictures the first. Turned as a camera was held, and scaled down
/// to fit [`wire::WIDTH`] x [`wire::HEIGHT`].
pub fn decode(bytes: &[u8]) -> Result<Picture, DecodeError> {
    let (whole, orientation) = read(bytes)?;
    let mut small = scaled(whole, orientation);
    small.apply_orientation(orientation);
    picture(small)
}

/// The same, of which only the square in the middle is left, at most `side` pixels wide and high.
pub fn decode_square(bytes: &[u8], side: u32) -> Result<Picture, DecodeError> {
    let (whole, orientation) = read(bytes)?;
    let (width, height) = (whole.width(), whole.height());
    let shorter = width.min(height);
    let middle = whole.crop_imm((width - shorter) / 2, (height - shorter) / 2, shorter, shorter);
    // A square lies as it stands: turned when it is small.
    let mut small = if shorter > side { middle.thumbnail_exact(side, side) } else { middle };
    small.apply_orientation(orientation);
    picture(small)
}

fn picture(image: DynamicImage) -> Result<Picture, DecodeError> {
    let pixels = image.into_rgba8();
    Picture::new(pixels.width(), pixels.height(), pixels.into_raw()).ok_or(DecodeError::Empty)
}

/// All of it, as it lies in the file, and how it was held.
fn read(bytes: &[u8]) -> Result<(DynamicImage, Orientation), DecodeError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    // Not every decoder counts the pixels that it will hand over.
    let size = decoder.total_bytes();
    if size > MOST_MEMORY {
        return Err(DecodeError::TooLarge(size));
    }
    // A picture that does not say how it was held is shown as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

/// Small enough once it is turned. Scaled before that, so that only few pixels are turned.
fn scaled(whole: DynamicImage, orientation: Orientation) -> DynamicImage {
    let lies = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let (width, height) = if lies { (wire::HEIGHT, wire::WIDTH) } else { (wire::WIDTH, wire::HEIGHT) };
    if whole.width() > width || whole.height() > height { whole.thumbnail(width, height) } else { whole }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
