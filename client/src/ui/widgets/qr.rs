//! A QR picture of a text: dark on white with its white margin, whatever the style, because that is what cameras read. Used by the dialogs
//! that show something to another person's camera.

use gtk::prelude::*;
use gtk::{gdk, glib};
use qrcode::{Color, EcLevel, QrCode};
use relm4::{adw, gtk};

/// Modules of white around the code, as its standard wants it.
const MARGIN: usize = 4;
/// The picture is about so wide, in pixels: readable across a table.
const WIDTH: usize = 264;

/// The code's modules row by row, margin included, true where it is dark; none if the text is too long for one.
fn modules(text: &str) -> Option<(usize, Vec<bool>)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (inner, colours) = (code.width(), code.to_colors());
    let width = inner + 2 * MARGIN;
    let mut dark = vec![false; width * width];
    for (at, colour) in colours.into_iter().enumerate() {
        let place = (at / inner + MARGIN) * width + at % inner + MARGIN;
        if let Some(module) = dark.get_mut(place) {
            *module = colour == Color::Dark;
        }
    }
    Some((width, dark))
}

/// The picture, called `name` for who listens; none if the text is too long for one.
pub fn picture(text: &str, name: &str) -> Option<gtk::Widget> {
    let (width, dark) = modules(text)?;
    let scale = (WIDTH / width).max(1);
    let edge = width * scale;
    let is_dark = |x: usize, y: usize| dark.get(y / scale * width + x / scale).copied().unwrap_or(false);
    let pixels: Vec<u8> =
        (0..edge * edge).flat_map(|at| [if is_dark(at % edge, at / edge) { 0 } else { 255 }; 3]).collect();
    let pixels = glib::Bytes::from_owned(pixels);
    let shown = i32::try_from(edge).ok()?;
    let texture = gdk::MemoryTexture::new(shown, shown, gdk::MemoryFormat::R8g8b8, &pixels, edge * 3);
    let picture = gtk::Picture::for_paintable(&texture);
    picture.set_can_shrink(false);
    picture.set_halign(gtk::Align::Center);
    picture.set_alternative_text(Some(name));
    picture.add_css_class("qr");
    // Not stretched: each module is a whole number of pixels.
    Some(adw::Clamp::builder().maximum_size(shown).tightening_threshold(shown).child(&picture).build().upcast())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_code_has_its_white_margin_and_its_three_corners() {
        let (width, dark) = modules("hobnob:bob").unwrap();
        let at = |x: usize, y: usize| dark[y * width + x];
        for n in 0..width {
            for edge in 0..MARGIN {
                assert!(!at(n, edge) && !at(edge, n) && !at(n, width - 1 - edge) && !at(width - 1 - edge, n));
            }
        }
        let far = width - MARGIN - 7;
        for (x, y) in [(MARGIN, MARGIN), (far, MARGIN), (MARGIN, far)] {
            assert!((0..7).all(|n| at(x + n, y) && at(x, y + n)), "a corner at {x}, {y}");
        }
    }

    #[test]
    fn the_longest_code_fits_and_a_text_that_does_not_has_no_picture() {
        let longest = format!("hobnob-safety:1:{0}:{1}:{0}:{1}", "h".repeat(32), "0".repeat(64));
        let (width, _) = modules(&longest).unwrap();
        assert!(WIDTH / width >= 3, "large enough for a camera: {width} modules");
        assert!(modules(&"x".repeat(5_000)).is_none());
    }
}
