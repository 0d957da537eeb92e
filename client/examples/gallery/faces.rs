//! Made-up pictures of people: heads before a wall, no two alike, and one that is none.

use std::io::Cursor;

use hobnob_client::core::command::AVATARS;
use hobnob_client::core::event::AvatarInfo;
use hobnob_shared::id::Hash;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::play::handle;
use crate::scenes::Content;

/// Pixels in a row, and rows.
const SIDE: u32 = 256;
/// The same for a crowd: the window is timed with it, and what the drawing takes is not the window's.
const SMALL: u32 = 48;

/// Who has one. Of a crowd half have one of twelve.
pub fn all(content: Content) -> Vec<AvatarInfo> {
    let info = |user: &str, bytes: &[u8]| AvatarInfo { user: handle(user), hash: kept(bytes) };
    match content {
        Content::Rooms | Content::Pictures | Content::Acts => {
            let people = ["alice", "bob", "carol", "erik-the-unreasonably-long-name", "frieda"];
            let mut all: Vec<_> = people.iter().zip(0..).map(|(user, n)| info(user, &drawn(n, SIDE))).collect();
            all.push(info("gil", b"\x89PNG\r\n\x1a\nand nothing more"));
            all
        }
        Content::Crowd => {
            let drawn: Vec<_> = (0..12).map(|n| drawn(n, SMALL)).collect();
            (0..1_000_usize).step_by(2).map(|n| info(&format!("friend-{n:04}"), &drawn[n / 2 % 12])).collect()
        }
        _ => Vec::new(),
    }
}

/// Puts it where the window looks for it.
fn kept(bytes: &[u8]) -> Hash {
    let hash = Hash(*blake3::hash(bytes).as_bytes());
    let folder = crate::folder().join(AVATARS);
    let path = folder.join(hash.to_string());
    if !path.exists()
        && let Err(error) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, bytes))
    {
        eprintln!("{}: {error}", path.display());
    }
    hash
}

fn drawn(n: u32, side: u32) -> Vec<u8> {
    let part = |step: u32| f64::from(n * step % 97) / 97.0;
    let (wall, skin, hair, shirt) = (hue(part(31)), 0.45 + 0.5 * part(57), 0.08 + 0.5 * part(83), hue(part(19) + 0.4));
    let picture = RgbImage::from_fn(side, side, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(side) - 0.5, f64::from(y) / f64::from(side) - 0.5);
        let round = |wide: f64, high: f64, down: f64| (x / wide).powi(2) + ((y - down) / high).powi(2) < 1.0;
        let colour = if round(0.19, 0.24, -0.04) && !(round(0.2, 0.16, -0.2) && y < -0.14) {
            [skin, skin * 0.78, skin * 0.64]
        } else if round(0.25, 0.28 + 0.1 * part(41), -0.08) {
            [hair, hair * 0.75, hair * 0.5]
        } else if round(0.42, 0.34, 0.5) {
            shirt
        } else {
            wall.map(|part| part * (0.85 - 0.3 * y))
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
        Rgb(colour.map(|part: f64| (part.clamp(0.0, 1.0) * 255.0) as u8))
    });
    let mut bytes = Cursor::new(Vec::new());
    if let Err(error) = DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Png) {
        eprintln!("a face was not drawn: {error}");
    }
    bytes.into_inner()
}

/// A soft colour, from all around the circle.
fn hue(at: f64) -> [f64; 3] {
    [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|shift| 0.62 + 0.25 * (std::f64::consts::TAU * (at + shift)).cos())
}
