//! Made-up pictures for the gallery: hills under a sky, drawn when they are wanted.

use std::path::PathBuf;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use relm4::gtk::prelude::*;
use relm4::gtk::{gdk, glib};

/// A picture that was sent.
pub struct Photo {
    /// As offered.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// From Alice.
    pub own: bool,
    /// Minutes.
    pub ago: u64,
}

/// An upright one, one that is none, a very small one, a wide one, and one as cameras make them.
pub fn all() -> Vec<Photo> {
    let photo = |name, size, format, own, ago| Photo { name, path: drawn(name, size, format), own, ago };
    let broken = Photo { name: "broken.png", path: crate::folder().join("broken.png"), own: false, ago: 36 };
    // A gallery without this picture is still one.
    let _written = std::fs::write(&broken.path, b"\x89PNG\r\n\x1a\nand nothing more");
    vec![
        photo("tower.jpg", (900, 1200), ImageFormat::Jpeg, false, 37),
        broken,
        photo("smile.gif", (48, 48), ImageFormat::Gif, true, 13),
        photo("panorama from the hill <b>.png", (2400, 700), ImageFormat::Png, true, 10),
        photo("hills.webp", (1600, 1200), ImageFormat::WebP, false, 9),
    ]
}

/// What somebody copied.
pub fn screenshot() -> gdk::Texture {
    let picture = landscape(1280, 800);
    let (width, height) = (1280, 800);
    let bytes = glib::Bytes::from_owned(picture.into_raw());
    gdk::MemoryTexture::new(width, height, gdk::MemoryFormat::R8g8b8, &bytes, 3 * 1280).upcast()
}

fn drawn(name: &str, (width, height): (u32, u32), format: ImageFormat) -> PathBuf {
    let path = crate::folder().join(name);
    if let Err(error) = DynamicImage::ImageRgb8(landscape(width, height)).save_with_format(&path, format) {
        eprintln!("{}: {error}", path.display());
    }
    path
}

fn landscape(width: u32, height: u32) -> RgbImage {
    let (across, down) = (f64::from(width), f64::from(height));
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x) / down, f64::from(y) / down);
        let sun = ((x - 0.72 * across / down).powi(2) + (y - 0.28).powi(2)).sqrt();
        let hill =
            |high: f64, wide: f64, at: f64| high + 0.08 * (x * wide + at).sin() + 0.03 * (x * wide * 2.7 + at).sin();
        let colour = if y > hill(0.82, 4.0, 1.0) {
            [0.18, 0.33, 0.24]
        } else if y > hill(0.68, 3.0, 2.5) {
            [0.28, 0.47, 0.36]
        } else if y > hill(0.55, 2.2, 0.3) {
            [0.46, 0.60, 0.56]
        } else if sun < 0.09 {
            [1.0, 0.93, 0.72]
        } else {
            let glow = (1.0 - sun).clamp(0.0, 1.0);
            [0.45 + 0.5 * glow * y, 0.62 + 0.2 * glow, 0.86 - 0.2 * y]
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
        Rgb(colour.map(|part: f64| (part.clamp(0.0, 1.0) * 255.0) as u8))
    })
}
