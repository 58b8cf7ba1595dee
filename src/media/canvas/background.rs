//! What is behind the texts: soft lights on a dark ground, or a picture made to fill the frame.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::{Canvas, yuv};
use crate::media::{Background, FrameSize};

/// The named palettes of soft light.
///
/// ```
/// use nemovideo::media::Gradient;
///
/// assert_eq!(Gradient::named("Ocean"), Some(Gradient::Ocean));
/// assert_eq!(Gradient::ALL.map(Gradient::name)[0], "dusk");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Gradient {
    /// Indigo and plum, with a warm horizon.
    #[default]
    Dusk,
    /// Deep blue and teal.
    Ocean,
    /// Dark green and moss.
    Forest,
    /// Brown, copper and wine.
    Ember,
    /// Cool greys.
    Slate,
}

impl Gradient {
    /// Every palette there is.
    pub const ALL: [Self; 5] = [Self::Dusk, Self::Ocean, Self::Forest, Self::Ember, Self::Slate];

    /// Its name in lower case, as [`named`](Self::named) takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dusk => "dusk",
            Self::Ocean => "ocean",
            Self::Forest => "forest",
            Self::Ember => "ember",
            Self::Slate => "slate",
        }
    }

    /// The palette of this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|palette| palette.name().eq_ignore_ascii_case(name.trim()))
    }

    /// The ground at the top and at the bottom, and the colours of two lights.
    const fn colours(self) -> [[u8; 3]; 4] {
        match self {
            Self::Dusk => [[24, 20, 62], [58, 22, 66], [92, 78, 196], [226, 106, 96]],
            Self::Ocean => [[6, 22, 54], [4, 44, 70], [34, 110, 190], [30, 170, 160]],
            Self::Forest => [[8, 34, 32], [14, 46, 30], [38, 124, 92], [150, 168, 74]],
            Self::Ember => [[40, 16, 22], [48, 24, 16], [142, 44, 62], [214, 126, 58]],
            Self::Slate => [[24, 30, 40], [34, 40, 50], [92, 108, 132], [128, 132, 148]],
        }
    }
}

/// A light: where it is and how far it reaches, as parts of the frame, and how bright.
struct Light {
    centre: (f32, f32),
    reach: (f32, f32),
    strength: f32,
}

const LIGHTS: [Light; 2] = [
    Light { centre: (0.16, 0.10), reach: (0.75, 0.80), strength: 0.85 },
    Light { centre: (0.92, 0.78), reach: (0.70, 0.62), strength: 0.72 },
];

/// The background of a film. With texts to come, a picture is darkened where they will be.
pub(in crate::media) fn paint(background: &Background, size: FrameSize, has_texts: bool) -> Canvas {
    match background {
        Background::Gradient(gradient) => paint_gradient(*gradient, size),
        Background::Picture(picture) => {
            let mut canvas = from_rgb(&fitted(picture.pixels(), size), size);
            if has_texts {
                darken_lower_third(&mut canvas);
            }
            canvas
        }
    }
}

fn paint_gradient(gradient: Gradient, size: FrameSize) -> Canvas {
    /// The field is smooth: it is computed at the corners of squares and drawn between them.
    const STEP: usize = 8;
    let mut canvas = Canvas::new(size);
    let (width, height) = (canvas.width(), canvas.height());
    let colours = gradient.colours().map(|rgb| rgb.map(|c| f32::from(c) / 255.0));
    let columns = width.div_ceil(STEP) + 1;
    let corner_row = |row: usize| -> Vec<[f32; 3]> {
        let y = (row * STEP) as f32 / height as f32;
        (0..columns)
            .map(|column| field(&colours, (column * STEP) as f32 / width as f32, y))
            .collect()
    };
    let mut above = corner_row(0);
    for band in 0..height.div_ceil(STEP) {
        let below = corner_row(band + 1);
        for line in 0..STEP.min(height - band * STEP) {
            let row = band * STEP + line;
            let down = line as f32 / STEP as f32;
            let edge: Vec<[f32; 3]> =
                above.iter().zip(&below).map(|(a, b)| mix(*a, *b, down)).collect();
            let between = |x: usize| {
                let across = (x % STEP) as f32 / STEP as f32;
                mix(edge[x / STEP], edge[x / STEP + 1], across)
            };
            for (x, out) in canvas.y[row * width..][..width].iter_mut().enumerate() {
                *out = (between(x)[0] + dither(x, row)) as u8;
            }
            if row.is_multiple_of(2) {
                let start = row / 2 * (width / 2);
                for x in 0..width / 2 {
                    let [_, u, v] = between(2 * x);
                    canvas.u[start + x] = (u + dither(x, row / 2)) as u8;
                    canvas.v[start + x] = (v + dither(x, row / 2)) as u8;
                }
            }
        }
        above = below;
    }
    canvas
}

/// The colour at a place of the frame, 0.0 to 1.0 each way.
fn field(colours: &[[f32; 3]; 4], x: f32, y: f32) -> [f32; 3] {
    let mut colour = mix(colours[0], colours[1], y);
    for (light, lit) in LIGHTS.iter().zip(&colours[2..]) {
        let dx = (x - light.centre.0) / light.reach.0;
        let dy = (y - light.centre.1) / light.reach.1;
        // A bell, so that a light has no edge.
        let glow = light.strength * (-2.2 * (dx * dx + dy * dy)).exp();
        colour = mix(colour, *lit, glow);
    }
    // Corners a little darker: the eye stays in the middle.
    let (dx, dy) = (x - 0.5, y - 0.5);
    let vignette = 1.0 - 0.36 * (dx * dx + dy * dy);
    yuv(colour.map(|c| c * vignette))
}

fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

/// Rounds up or down in a fixed pattern, so that a slow slope has no steps to see.
fn dither(x: usize, y: usize) -> f32 {
    const BAYER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
    (f32::from(BAYER[y % 4][x % 4]) + 0.5) / 16.0
}

/// A picture that fills the frame. One of much the same shape is cropped; any other is shown
/// whole, over a blurred and darkened copy of itself.
fn fitted(picture: &RgbImage, size: FrameSize) -> RgbImage {
    /// Up to a third of a picture may be lost to cropping.
    const MOST_CROPPED: f32 = 1.5;
    let (width, height) = picture.dimensions();
    let shape = |w: u32, h: u32| w as f32 / h as f32;
    let ratio = shape(width, height) / shape(size.width, size.height);
    let cover = covering(picture, size);
    if ratio.max(1.0 / ratio) <= MOST_CROPPED {
        return cover;
    }
    let mut frame = blurred(&cover, size);
    let whole = whole(picture, size);
    let x = i64::from((size.width - whole.width()) / 2);
    let y = i64::from((size.height - whole.height()) / 2);
    imageops::replace(&mut frame, &whole, x, y);
    frame
}

/// The middle of the picture, as much as fills the frame.
fn covering(picture: &RgbImage, size: FrameSize) -> RgbImage {
    let (width, height) = picture.dimensions();
    let scale = (size.width as f32 / width as f32).max(size.height as f32 / height as f32);
    // Cropped first: a long strip made as wide as the frame would fill the memory.
    let side = |frame: u32, limit: u32| ((frame as f32 / scale).round() as u32).clamp(1, limit);
    let (crop_width, crop_height) = (side(size.width, width), side(size.height, height));
    let (x, y) = ((width - crop_width) / 2, (height - crop_height) / 2);
    let middle = imageops::crop_imm(picture, x, y, crop_width, crop_height).to_image();
    resized(&middle, size.width, size.height)
}

/// The whole picture, as large as fits into the frame.
fn whole(picture: &RgbImage, size: FrameSize) -> RgbImage {
    let (width, height) = picture.dimensions();
    let scale = (size.width as f32 / width as f32).min(size.height as f32 / height as f32);
    let side = |length: u32, limit: u32| ((length as f32 * scale).round() as u32).clamp(1, limit);
    resized(picture, side(width, size.width), side(height, size.height))
}

fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    // A fine filter over many pixels is slow, and of no use where most of them go.
    if picture.width() > 2 * width && picture.height() > 2 * height {
        imageops::thumbnail(picture, width, height)
    } else {
        imageops::resize(picture, width, height, FilterType::CatmullRom)
    }
}

/// Blurred and darkened, to stand behind the same picture.
fn blurred(picture: &RgbImage, size: FrameSize) -> RgbImage {
    // At a sixteenth of the size a small blur is a wide one.
    let small = imageops::thumbnail(picture, (size.width / 16).max(1), (size.height / 16).max(1));
    let mut soft = imageops::blur(&small, 2.5);
    for channel in soft.iter_mut() {
        *channel = (f32::from(*channel) * 0.45) as u8;
    }
    imageops::resize(&soft, size.width, size.height, FilterType::CatmullRom)
}

fn from_rgb(picture: &RgbImage, size: FrameSize) -> Canvas {
    let mut canvas = Canvas::new(size);
    let width = canvas.width();
    let pixels = picture.as_raw();
    let colour = |x: usize, y: usize| {
        let at = 3 * (y * width + x);
        [0, 1, 2].map(|c| f32::from(pixels[at + c]) / 255.0)
    };
    for y in (0..canvas.height()).step_by(2) {
        for x in (0..width).step_by(2) {
            let mut sum = [0.0; 3];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let rgb = colour(x + dx, y + dy);
                canvas.y[(y + dy) * width + x + dx] = (yuv(rgb)[0] + 0.5) as u8;
                sum = [sum[0] + rgb[0], sum[1] + rgb[1], sum[2] + rgb[2]];
            }
            let [_, u, v] = yuv(sum.map(|c| c / 4.0));
            let at = y / 2 * (width / 2) + x / 2;
            canvas.u[at] = (u + 0.5) as u8;
            canvas.v[at] = (v + 0.5) as u8;
        }
    }
    canvas
}

/// Fades towards the bottom, so that captions are read on any picture.
fn darken_lower_third(canvas: &mut Canvas) {
    let (width, height) = (canvas.width(), canvas.height());
    let shade = |row: usize, rows: usize| {
        let t = ((row as f32 / rows as f32 - 0.5) / 0.5).clamp(0.0, 1.0);
        1.0 - 0.62 * t * t * (3.0 - 2.0 * t)
    };
    let fade = |plane: &mut [u8], width: usize, rows: usize, black: f32| {
        for row in rows / 2..rows {
            let keep = shade(row, rows);
            for value in &mut plane[row * width..][..width] {
                *value = (black + (f32::from(*value) - black) * keep + 0.5) as u8;
            }
        }
    };
    fade(&mut canvas.y, width, height, 16.0);
    fade(&mut canvas.u, width / 2, height / 2, 128.0);
    fade(&mut canvas.v, width / 2, height / 2, 128.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    const SIZE: FrameSize = FrameSize { width: 320, height: 180 };

    #[test]
    fn every_palette_is_dark_enough_for_white_text_and_has_no_hard_edge() {
        for gradient in Gradient::ALL {
            assert_eq!(Gradient::named(&gradient.name().to_uppercase()), Some(gradient));
            let canvas = paint(&Background::Gradient(gradient), FrameSize::LANDSCAPE, true);
            let brightest = canvas.y.iter().max().copied().unwrap();
            assert!(brightest < 150, "{gradient:?}: {brightest}");
            let steepest = canvas
                .y
                .windows(2)
                .enumerate()
                .filter(|(at, _)| (at + 1) % canvas.width() != 0)
                .map(|(_, pair)| pair[0].abs_diff(pair[1]))
                .max()
                .unwrap();
            assert!(steepest <= 2, "{gradient:?}: {steepest}");
        }
    }

    #[test]
    fn a_picture_of_much_the_same_shape_fills_the_frame() {
        let picture = RgbImage::from_pixel(400, 300, Rgb([200, 100, 50]));
        let frame = fitted(&picture, SIZE);
        assert_eq!(frame.dimensions(), (320, 180));
        assert!(frame.pixels().all(|p| p.0[0].abs_diff(200) < 3));
    }

    #[test]
    fn a_picture_of_another_shape_is_shown_whole_over_a_darker_copy() {
        let picture = RgbImage::from_pixel(100, 300, Rgb([200, 100, 50]));
        let frame = fitted(&picture, SIZE);
        assert!(frame.get_pixel(160, 90).0[0] > 190);
        assert!(frame.get_pixel(160, 1).0[0] > 190, "the whole height is used");
        assert!((40..120).contains(&frame.get_pixel(10, 90).0[0]));
    }

    #[test]
    fn any_size_of_picture_fits_any_frame() {
        for (w, h) in [(1, 1), (1, 5000), (5000, 1), (333, 77), (2, 3)] {
            let picture = RgbImage::from_pixel(w, h, Rgb([90; 3]));
            for size in
                [SIZE, FrameSize { width: 180, height: 320 }, FrameSize { width: 64, height: 64 }]
            {
                assert_eq!(fitted(&picture, size).dimensions(), (size.width, size.height));
            }
        }
    }
}
