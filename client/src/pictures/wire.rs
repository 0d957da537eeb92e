//! A small picture, and how it comes out of the process that decoded it: width and height, each four bytes, the lowest first, and then its
//! pixels. Nothing else, nothing of variable form: whoever reads it checks it by its length alone.

use std::io::{self, Write};

/// Widest picture, in pixels: what a card shows, on a screen with two pixels for each of the layout.
pub const WIDTH: u32 = 640;
/// Highest picture, in pixels.
pub const HEIGHT: u32 = 480;
/// Bytes of a pixel: red, green, blue and how opaque it is.
const PIXEL: usize = 4;
/// Bytes before the pixels.
const HEAD: usize = 8;
/// Longest answer, in bytes.
pub const LONGEST: usize = HEAD + WIDTH as usize * HEIGHT as usize * PIXEL;

/// A decoded picture, no larger than [`WIDTH`] x [`HEIGHT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Picture {
    /// Of rows from top to bottom without gaps, each pixel red, green, blue and how opaque it is; none unless size and number of bytes fit.
    pub fn new(width: u32, height: u32, rgba: Vec<u8>) -> Option<Self> {
        let fits = (1..=WIDTH).contains(&width)
            && (1..=HEIGHT).contains(&height)
            && rgba.len() == width as usize * height as usize * PIXEL;
        fits.then_some(Self { width, height, rgba })
    }

    /// Pixels from left to right, and from top to bottom.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Bytes of a row.
    pub fn stride(&self) -> usize {
        self.width as usize * PIXEL
    }

    /// Its bytes, as [`Picture::new`] takes them.
    pub fn into_rgba(self) -> Vec<u8> {
        self.rgba
    }

    /// Writes it.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        out.write_all(&self.width.to_le_bytes())?;
        out.write_all(&self.height.to_le_bytes())?;
        out.write_all(&self.rgba)?;
        out.flush()
    }

    /// Reads all that a process wrote; none if that is not exactly one picture.
    pub fn read(mut bytes: Vec<u8>) -> Option<Self> {
        let (width, rest) = bytes.split_first_chunk()?;
        let (height, _) = rest.split_first_chunk()?;
        let (width, height) = (u32::from_le_bytes(*width), u32::from_le_bytes(*height));
        bytes.drain(..HEAD);
        Self::new(width, height, bytes)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn written(picture: &Picture) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_picture_is_read_as_it_was_written() {
        let picture = Picture::new(2, 1, vec![1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let bytes = written(&picture);
        assert_eq!(bytes, [2, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(Picture::read(bytes), Some(picture));
        let largest = Picture::new(WIDTH, HEIGHT, vec![7; LONGEST - HEAD]).unwrap();
        assert_eq!(written(&largest).len(), LONGEST);
    }

    #[test]
    fn what_does_not_fit_is_no_picture() {
        let bytes = written(&Picture::new(2, 1, vec![0; 8]).unwrap());
        for end in 0..bytes.len() {
            assert_eq!(Picture::read(bytes[..end].to_vec()), None, "the first {end} bytes");
        }
        assert_eq!(Picture::read([bytes.as_slice(), &[0]].concat()), None, "one byte too many");
        for (width, height) in [(0, 1), (1, 0), (WIDTH + 1, 1), (1, HEIGHT + 1), (u32::MAX, u32::MAX), (1 << 31, 2)] {
            let head = [width.to_le_bytes(), height.to_le_bytes()].concat();
            assert_eq!(Picture::read([head, vec![0; 16]].concat()), None, "{width} x {height}");
        }
    }
}
