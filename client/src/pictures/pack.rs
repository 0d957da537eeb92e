//! Makes a file of plain pixels. Only packs: nothing that somebody else made is read here.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::wire::Picture;

/// Qualities of a JPEG, best first; the last one fits what has 256 x 256 pixels, whatever they show.
const QUALITIES: [u8; 5] = [90, 80, 65, 45, 20];

/// A PNG where that fits into `most` bytes, so that drawings stay sharp and what is transparent stays so; otherwise a JPEG on white, as good as
/// fits. None if nothing does.
pub fn pack(picture: Picture, most: usize) -> Option<Vec<u8>> {
    let (width, height) = picture.size();
    let rgba = picture.into_rgba();
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    if encoder.write_image(&rgba, width, height, ExtendedColorType::Rgba8).is_ok() && png.len() <= most {
        return Some(png);
    }
    let rgb: Vec<u8> = rgba.as_chunks().0.iter().flat_map(|pixel| on_white(*pixel)).collect();
    QUALITIES.into_iter().find_map(|quality| {
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
        let written = encoder.write_image(&rgb, width, height, ExtendedColorType::Rgb8);
        (written.is_ok() && jpeg.len() <= most).then_some(jpeg)
    })
}

fn on_white([red, green, blue, opaque]: [u8; 4]) -> [u8; 3] {
    [red, green, blue].map(|colour| {
        let mixed = u32::from(colour) * u32::from(opaque) + 255 * (255 - u32::from(opaque));
        u8::try_from(mixed / 255).unwrap_or(u8::MAX)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::limits::AVATAR;

    const SIDE: u32 = crate::pictures::avatar::SIDE;

    fn picture(pixel: impl Fn(u32, u32) -> [u8; 4]) -> Picture {
        let pixels = (0..SIDE * SIDE).flat_map(|at| pixel(at % SIDE, at / SIDE)).collect();
        Picture::new(SIDE, SIDE, pixels).unwrap()
    }

    #[test]
    fn drawings_stay_what_they_are() {
        let drawing = picture(|x, y| if x > y { [200, 30, 30, 255] } else { [0, 0, 0, 0] });
        let packed = pack(drawing.clone(), AVATAR).unwrap();
        assert!(packed.starts_with(b"\x89PNG") && packed.len() < 10_000, "{}", packed.len());
    }

    #[test]
    fn what_is_full_of_detail_still_fits() {
        let mut noise = blake3::Hasher::new().finalize_xof();
        let mut pixels = vec![0; (SIDE * SIDE * 4) as usize];
        noise.fill(&mut pixels);
        let packed = pack(Picture::new(SIDE, SIDE, pixels).unwrap(), AVATAR).unwrap();
        assert!(packed.starts_with(b"\xff\xd8") && packed.len() <= AVATAR, "{}", packed.len());
        assert_eq!(pack(picture(|_, _| [1, 2, 3, 255]), 10), None);
    }

    #[test]
    fn what_is_transparent_lies_on_white() {
        assert_eq!(on_white([10, 20, 30, 255]), [10, 20, 30]);
        assert_eq!(on_white([10, 20, 30, 0]), [255; 3]);
        assert_eq!(on_white([0, 0, 0, 128]), [127; 3]);
    }
}
