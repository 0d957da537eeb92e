//! Decoding: every format comes out small and upright, and what is made to do harm is refused before it costs anything.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{Delay, DynamicImage, Frame, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

use super::*;

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp];

/// Red on the left, blue on the right.
fn two_colours(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
}

fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image.clone()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The colour of a pixel, by its strongest part.
fn colour(picture: &Picture, x: u32, y: u32) -> char {
    let at = y as usize * picture.stride() + x as usize * 4;
    let rgba = picture.clone().into_rgba();
    match rgba[at..at + 4] {
        [200..=255, 0..=60, 0..=60, 255] => 'r',
        [0..=60, 0..=60, 200..=255, 255] => 'b',
        _ => '?',
    }
}

#[test]
fn each_format_comes_out_as_it_is() {
    for format in FORMATS {
        let picture = decode(&encoded(&two_colours(64, 32), format)).unwrap();
        assert_eq!(picture.size(), (64, 32), "{format:?}");
        assert_eq!((colour(&picture, 5, 5), colour(&picture, 60, 30)), ('r', 'b'), "{format:?}");
    }
}

#[test]
fn large_pictures_are_made_small_and_keep_their_shape() {
    for ((width, height), small) in [
        ((1600, 1200), (640, 480)),
        ((1000, 2000), (240, 480)),
        ((6000, 60), (640, 6)),
        ((8000, 3), (640, 1)),
        ((641, 480), (640, 479)),
    ] {
        let picture = decode(&encoded(&two_colours(width, height), ImageFormat::Png)).unwrap();
        assert_eq!(picture.size(), small, "{width} x {height}");
    }
    let see_through = RgbaImage::from_pixel(2, 2, Rgba([1, 2, 3, 128]));
    let mut bytes = Cursor::new(Vec::new());
    see_through.write_to(&mut bytes, ImageFormat::Png).unwrap();
    assert_eq!(decode(bytes.get_ref()).unwrap().into_rgba()[..4], [1, 2, 3, 128]);
}

#[test]
fn a_photo_stands_as_the_camera_was_held() {
    // An EXIF block with nothing but "turn me by a quarter".
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let photo = two_colours(1600, 800);
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.encode_image(&photo).unwrap();
    let picture = decode(&bytes).unwrap();
    assert_eq!(picture.size(), (240, 480));
    assert_eq!((colour(&picture, 120, 10), colour(&picture, 120, 470)), ('r', 'b'));
}

#[test]
fn of_ten_thousand_frames_one_is_decoded() {
    let mut bytes = Vec::new();
    {
        let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
        let frame =
            |colour| Frame::from_parts(RgbaImage::from_pixel(4, 4, colour), 0, 0, Delay::from_numer_denom_ms(10, 1));
        encoder.encode_frame(frame(Rgba([255, 0, 0, 255]))).unwrap();
        for _ in 1..10_000 {
            encoder.encode_frame(frame(Rgba([0, 0, 255, 255]))).unwrap();
        }
    }
    // Damage behind the first frame is not even noticed.
    let picture = decode(&bytes[..bytes.len() / 2]).unwrap();
    assert_eq!((picture.size(), colour(&picture, 1, 1)), ((4, 4), 'r'));
}

/// The beginning of a PNG of that size, `depth` bits for each of the parts that `kind` says, and some bytes of pixels.
fn png_head(width: u32, height: u32, depth: u8, kind: u8) -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let body = [name.as_slice(), data].concat();
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [length.as_slice(), &body, &crc(&body).to_be_bytes()].concat()
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let head = chunk(b"IHDR", &[size.as_slice(), &[depth, kind, 0, 0, 0]].concat());
    [b"\x89PNG\r\n\x1a\n".as_slice(), &head, &chunk(b"IDAT", &[0x78, 0x9c, 0, 0, 0, 0]), &chunk(b"IEND", b"")].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

#[test]
fn more_pixels_than_a_picture_has_are_refused() {
    for (width, height) in [(60_000, 60_000), (MOST_PIXELS + 1, 1), (1, MOST_PIXELS + 1), (u32::MAX >> 1, 1)] {
        let refused = decode(&png_head(width, height, 8, 2));
        assert!(matches!(refused, Err(DecodeError::Image(ImageError::Limits(_)))), "{width} x {height}: {refused:?}");
    }
    // A GIF's first words hold its size, a BMP's too.
    let gif = [b"GIF89a".as_slice(), &60_000_u16.to_le_bytes(), &60_000_u16.to_le_bytes(), &[0; 64]].concat();
    assert!(decode(&gif).is_err());
    let mut bmp = encoded(&two_colours(4, 4), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&60_000_i32.to_le_bytes());
    bmp[22..26].copy_from_slice(&60_000_i32.to_le_bytes());
    assert!(decode(&bmp).is_err());
}

#[test]
fn more_memory_than_is_there_is_refused_within_the_size_too() {
    let (side, kinds) = (MOST_PIXELS, [(8, 2, 3), (8, 6, 4), (16, 6, 8)]);
    for (depth, kind, pixel) in kinds {
        let needed = u64::from(side) * u64::from(side) * pixel;
        assert!(needed > MOST_MEMORY);
        let refused = decode(&png_head(side, side, depth, kind));
        assert!(
            matches!(refused, Err(DecodeError::TooLarge(bytes)) if bytes == needed)
                || matches!(refused, Err(DecodeError::Image(ImageError::Limits(_)))),
            "{needed}: {refused:?}"
        );
    }
}

#[test]
fn what_is_cut_off_or_damaged_is_refused_or_shown_in_its_size() {
    let mut random = SmallRng::seed_from_u64(10);
    for format in FORMATS {
        let whole = encoded(&two_colours(64, 32), format);
        for end in (0..whole.len()).step_by(whole.len().div_ceil(60)) {
            // What a decoder makes of half a picture is its own affair; the size is what the picture says.
            if let Ok(picture) = decode(&whole[..end]) {
                assert_eq!(picture.size(), (64, 32), "{format:?} of {end} bytes");
            }
        }
        for _ in 0..300 {
            let mut damaged = whole.clone();
            for _ in 0..=random.next_u32() % 8 {
                let at = random.next_u32() as usize % damaged.len();
                damaged[at] = random.next_u32().to_le_bytes()[0];
            }
            let _either = decode(&damaged);
        }
        // The right beginning, and then anything.
        for length in [0, 1, 20, 1_000] {
            let mut bytes = whole[..16].to_vec();
            bytes.resize(16 + length, 0);
            random.fill_bytes(&mut bytes[16..]);
            let _either = decode(&bytes);
        }
    }
}

#[test]
fn nothing_but_the_five_formats_is_decoded() {
    let mut random = SmallRng::seed_from_u64(11);
    for length in [0, 1, 12, 100, 10_000] {
        let mut bytes = vec![0; length];
        random.fill_bytes(&mut bytes);
        assert!(decode(&bytes).is_err(), "{length} random bytes");
    }
    let others: [&[u8]; 5] = [
        b"<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>",
        b"P6 1 1 255\n\0\0\0",
        b"II*\0\x08\0\0\0\0\0\0\0\0\0",
        b"\0\0\x01\0\x01\0\x01\x01\0\0\x01\0\x18\0\x30\0\0\0\x16\0\0\0",
        b"qoif\0\0\0\x01\0\0\0\x01\x03\0",
    ];
    for bytes in others {
        assert!(decode(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn of_a_square_the_middle_is_left() {
    // Red, and blue at both ends.
    let striped =
        RgbImage::from_fn(900, 300, |x, _| if (300..600).contains(&x) { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) });
    for image in [striped.clone(), image::imageops::rotate90(&striped)] {
        let picture = decode_square(&encoded(&image, ImageFormat::Png), 128).unwrap();
        assert_eq!(picture.size(), (128, 128));
        for (x, y) in [(0, 0), (127, 0), (0, 127), (127, 127), (64, 64)] {
            assert_eq!(colour(&picture, x, y), 'r', "{x}, {y}");
        }
    }
    let small = decode_square(&encoded(&two_colours(30, 20), ImageFormat::Png), 128).unwrap();
    assert_eq!(small.size(), (20, 20), "never blown up");
    let too_wide = encoded(&RgbImage::new(MOST_PIXELS + 1, 1), ImageFormat::Png);
    assert!(decode_square(&too_wide, 128).unwrap_err().is_size());
    assert!(!decode_square(b"no picture", 128).unwrap_err().is_size());
}
