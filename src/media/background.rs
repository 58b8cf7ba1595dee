//! Backgrounds of a video: gradients, and images from files that may come from anyone. Decoding
//! the files is left to [`decode`]; drawing text over a background, to [`canvas`](super::canvas).

mod decode;

use std::fmt;
use std::sync::Arc;

use fast_image_resize::images::ImageRef;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::imageops;
use image::metadata::Orientation;
use image::{DynamicImage, ImageError, RgbImage};

use super::canvas::{Canvas, yuv};
use super::{FrameSize, ImageFit, MediaError};

/// Background behind the text of a video.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum VideoBackground {
    /// A gradient with two soft lights.
    Gradient(Gradient),
    /// An image, scaled to fill the frame.
    Image(Image),
}

impl Default for VideoBackground {
    fn default() -> Self {
        Self::Gradient(Gradient::default())
    }
}

/// A named palette for a gradient background.
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
    /// Every palette.
    pub const ALL: [Self; 5] = [Self::Dusk, Self::Ocean, Self::Forest, Self::Ember, Self::Slate];

    /// Returns the name in lower case, as accepted by [`named`](Self::named).
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

    /// Returns the palette with a name, ignoring case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|palette| palette.name().eq_ignore_ascii_case(name.trim()))
    }

    /// Returns the colors at the top and at the bottom, and of the two lights.
    const fn colors(self) -> [[u8; 3]; 4] {
        match self {
            Self::Dusk => [[24, 20, 62], [58, 22, 66], [92, 78, 196], [226, 106, 96]],
            Self::Ocean => [[6, 22, 54], [4, 44, 70], [34, 110, 190], [30, 170, 160]],
            Self::Forest => [[8, 34, 32], [14, 46, 30], [38, 124, 92], [150, 168, 74]],
            Self::Ember => [[40, 16, 22], [48, 24, 16], [142, 44, 62], [214, 126, 58]],
            Self::Slate => [[24, 30, 40], [34, 40, 50], [92, 108, 132], [128, 132, 148]],
        }
    }
}

/// A soft light, with lengths as fractions of the frame.
struct Light {
    center: (f32, f32),
    reach: (f32, f32),
    strength: f32,
}

const LIGHTS: [Light; 2] = [
    Light { center: (0.16, 0.10), reach: (0.75, 0.80), strength: 0.85 },
    Light { center: (0.92, 0.78), reach: (0.70, 0.62), strength: 0.72 },
];

/// A decoded image. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    pixels: Arc<RgbImage>,
    /// How the pixels are to be shown. They are turned once they are as small as the frame, so that
    /// a photo is in memory only once.
    orientation: Orientation,
}

impl Image {
    /// Decodes a PNG, JPEG, GIF (its first frame) or WebP file, and applies its EXIF orientation.
    ///
    /// A file that is cut off is read if nothing of the image is missing; of a JPEG that is not
    /// progressive, up to a tenth may be.
    ///
    /// `name`, the name of the file, appears in the error.
    ///
    /// # Errors
    /// [`MediaError::Image`] when the file has none of these formats, is broken, is larger than
    /// 16384 pixels on a side, or needs too much memory for its size: more than 56 MiB and, if it
    /// has more than 2 MiB, 64 bytes for each further byte, or more than 256 MiB.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, MediaError> {
        let (pixels, orientation) = decode::decode(bytes).map_err(|error| {
            MediaError::Image(match error {
                ImageError::Limits(_) => {
                    format!("{name}: it has too many pixels for its size; scale it down")
                }
                error => format!("{name}: {error}"),
            })
        })?;
        Ok(Self { pixels: Arc::new(pixels), orientation })
    }

    /// Returns the width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        if self.is_on_its_side() { self.pixels.height() } else { self.pixels.width() }
    }

    /// Returns the height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        if self.is_on_its_side() { self.pixels.width() } else { self.pixels.height() }
    }

    /// Whether the columns of the pixels are shown as rows.
    fn is_on_its_side(&self) -> bool {
        matches!(
            self.orientation,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        )
    }

    /// Returns the image fitted to the frame.
    fn in_frame(&self, size: FrameSize) -> Result<RgbImage, MediaError> {
        Ok(self.turned(fitted(&self.pixels, self.stored(size))?))
    }

    /// Returns the image in a frame, covering it, or whole within a part of it.
    pub(crate) fn placed(
        &self,
        size: FrameSize,
        part: FrameSize,
        fit: ImageFit,
    ) -> Result<RgbImage, MediaError> {
        let (size, part) = (self.stored(size), self.stored(part));
        let cover = covering(&self.pixels, size)?;
        Ok(self.turned(match fit {
            ImageFit::Cover => cover,
            ImageFit::Contain => whole(&self.pixels, &cover, size, part)?,
        }))
    }

    /// Returns the size of a frame before it is turned.
    fn stored(&self, size: FrameSize) -> FrameSize {
        match self.is_on_its_side() {
            true => FrameSize { width: size.height, height: size.width },
            false => size,
        }
    }

    fn turned(&self, frame: RgbImage) -> RgbImage {
        let mut frame = DynamicImage::ImageRgb8(frame);
        frame.apply_orientation(self.orientation);
        frame.into_rgb8()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("width", &self.width())
            .field("height", &self.height())
            .finish_non_exhaustive()
    }
}

/// Paints a background. Behind texts, an image is darkened where captions appear.
pub(crate) fn paint(
    background: &VideoBackground,
    size: FrameSize,
    has_texts: bool,
) -> Result<Canvas, MediaError> {
    Ok(match background {
        VideoBackground::Gradient(gradient) => paint_gradient(*gradient, size),
        VideoBackground::Image(image) => {
            let mut canvas = from_rgb(&image.in_frame(size)?, size);
            if has_texts {
                darken_lower_third(&mut canvas);
            }
            canvas
        }
    })
}

fn paint_gradient(gradient: Gradient, size: FrameSize) -> Canvas {
    /// The gradient is smooth, so it is computed on a coarse grid and interpolated.
    const STEP: usize = 8;
    let mut canvas = Canvas::new(size);
    let (width, height) = (canvas.width(), canvas.height());
    let colors = gradient.colors().map(|rgb| rgb.map(|c| f32::from(c) / 255.0));
    let columns = width.div_ceil(STEP) + 1;
    let corner_row = |row: usize| -> Vec<[f32; 3]> {
        let y = (row * STEP) as f32 / height as f32;
        (0..columns)
            .map(|column| color_at(&colors, (column * STEP) as f32 / width as f32, y))
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

/// Returns the color at a position of the frame, 0.0 to 1.0 in each direction.
fn color_at(colors: &[[f32; 3]; 4], x: f32, y: f32) -> [f32; 3] {
    let mut color = mix(colors[0], colors[1], y);
    for (light, lit) in LIGHTS.iter().zip(&colors[2..]) {
        let dx = (x - light.center.0) / light.reach.0;
        let dy = (y - light.center.1) / light.reach.1;
        // A Gaussian, so that the light has no edge.
        let glow = light.strength * (-2.2 * (dx * dx + dy * dy)).exp();
        color = mix(color, *lit, glow);
    }
    // A vignette, which draws the eye to the middle.
    let (dx, dy) = (x - 0.5, y - 0.5);
    let vignette = 1.0 - 0.36 * (dx * dx + dy * dy);
    yuv(color.map(|c| c * vignette))
}

fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

/// Returns a threshold of an ordered dither, which avoids visible banding in slow gradients.
fn dither(x: usize, y: usize) -> f32 {
    const BAYER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
    (f32::from(BAYER[y % 4][x % 4]) + 0.5) / 16.0
}

/// Fits an image to the frame. An image of a similar aspect ratio is cropped; any other is shown
/// whole, over a blurred and darkened copy of itself.
fn fitted(source: &RgbImage, size: FrameSize) -> Result<RgbImage, MediaError> {
    /// Up to a third of an image may be cropped.
    const MAX_CROP_RATIO: f32 = 1.5;
    let (width, height) = source.dimensions();
    let shape = |w: u32, h: u32| w as f32 / h as f32;
    let ratio = shape(width, height) / shape(size.width, size.height);
    let cover = covering(source, size)?;
    if ratio.max(1.0 / ratio) <= MAX_CROP_RATIO {
        return Ok(cover);
    }
    whole(source, &cover, size, size)
}

/// Returns a whole image within the middle of the frame, over a blurred copy of its cover.
fn whole(
    source: &RgbImage,
    cover: &RgbImage,
    size: FrameSize,
    part: FrameSize,
) -> Result<RgbImage, MediaError> {
    let mut frame = blurred(cover, size)?;
    let whole = contained(source, part)?;
    let x = i64::from((size.width - whole.width()) / 2);
    let y = i64::from((size.height - whole.height()) / 2);
    imageops::replace(&mut frame, &whole, x, y);
    Ok(frame)
}

/// Scales the middle of an image to cover the frame.
fn covering(source: &RgbImage, size: FrameSize) -> Result<RgbImage, MediaError> {
    scaled_image(source, size, ResizeOptions::new().fit_into_destination(Some((0.5, 0.5))))
}

/// Scales a whole image to fit into the frame.
fn contained(source: &RgbImage, size: FrameSize) -> Result<RgbImage, MediaError> {
    let (width, height) = source.dimensions();
    let scale = (size.width as f32 / width as f32).min(size.height as f32 / height as f32);
    let side = |length: u32, limit: u32| ((length as f32 * scale).round() as u32).clamp(1, limit);
    let size = FrameSize { width: side(width, size.width), height: side(height, size.height) };
    scaled_image(source, size, ResizeOptions::new())
}

/// Scales an image, or the part of it that the options name.
fn scaled_image(
    source: &RgbImage,
    size: FrameSize,
    options: ResizeOptions,
) -> Result<RgbImage, MediaError> {
    let whole = FrameSize { width: source.width(), height: source.height() };
    let pixels = scaled(source.as_raw(), whole, PixelType::U8x3, size, options)?;
    RgbImage::from_raw(size.width, size.height, pixels)
        .ok_or_else(|| MediaError::Image("it cannot be scaled".to_owned()))
}

/// Scales pixels, or the part of them that the options name.
pub(crate) fn scaled(
    source: &[u8],
    whole: FrameSize,
    pixels: PixelType,
    size: FrameSize,
    options: ResizeOptions,
) -> Result<Vec<u8>, MediaError> {
    let failed =
        |error: &dyn fmt::Display| MediaError::Image(format!("it cannot be scaled: {error}"));
    let source = ImageRef::new(whole.width, whole.height, source, pixels);
    let source = source.map_err(|error| failed(&error))?;
    let mut frame = fast_image_resize::images::Image::new(size.width, size.height, pixels);
    let options = options.resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut frame, &options).map_err(|error| failed(&error))?;
    Ok(frame.into_vec())
}

/// Returns a blurred and darkened copy of an image.
fn blurred(source: &RgbImage, size: FrameSize) -> Result<RgbImage, MediaError> {
    // At a sixteenth of the size, a small blur radius gives a wide blur.
    let small = imageops::thumbnail(source, (size.width / 16).max(1), (size.height / 16).max(1));
    let mut soft = imageops::blur(&small, 2.5);
    for channel in soft.iter_mut() {
        *channel = (f32::from(*channel) * 0.45) as u8;
    }
    scaled_image(&soft, size, ResizeOptions::new())
}

pub(crate) fn from_rgb(source: &RgbImage, size: FrameSize) -> Canvas {
    let mut canvas = Canvas::new(size);
    let width = canvas.width();
    let pixels = source.as_raw();
    let color = |x: usize, y: usize| {
        let at = 3 * (y * width + x);
        [0, 1, 2].map(|c| f32::from(pixels[at + c]) / 255.0)
    };
    for y in (0..canvas.height()).step_by(2) {
        for x in (0..width).step_by(2) {
            let mut sum = [0.0; 3];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let rgb = color(x + dx, y + dy);
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

/// Darkens a canvas towards the bottom, so that captions are legible on any image.
pub(crate) fn darken_lower_third(canvas: &mut Canvas) {
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
    use std::io::Cursor;

    use image::ImageFormat;

    use super::decode::{MATTE, MAX_SIDE};
    use image::Rgb;

    use super::*;

    const SIZE: FrameSize = FrameSize { width: 320, height: 180 };

    #[test]
    fn every_palette_is_dark_enough_for_white_text_and_has_no_hard_edge() {
        for gradient in Gradient::ALL {
            assert_eq!(Gradient::named(&gradient.name().to_uppercase()), Some(gradient));
            let canvas =
                paint(&VideoBackground::Gradient(gradient), FrameSize::LANDSCAPE, true).unwrap();
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
    fn an_image_of_a_similar_shape_fills_the_frame() {
        let source = RgbImage::from_pixel(400, 300, Rgb([200, 100, 50]));
        let frame = fitted(&source, SIZE).unwrap();
        assert_eq!(frame.dimensions(), (320, 180));
        assert!(frame.pixels().all(|p| p.0[0].abs_diff(200) < 3));
    }

    #[test]
    fn an_image_of_another_shape_is_shown_whole_over_a_darker_copy() {
        let source = RgbImage::from_pixel(100, 300, Rgb([200, 100, 50]));
        let frame = fitted(&source, SIZE).unwrap();
        assert!(frame.get_pixel(160, 90).0[0] > 190);
        assert!(frame.get_pixel(160, 1).0[0] > 190, "the whole height is used");
        assert!((40..120).contains(&frame.get_pixel(10, 90).0[0]));
    }

    #[test]
    fn an_image_is_turned_as_its_orientation_says() {
        // Red above blue; turned to the right, red is on the right.
        let color = |y: u32| if y < 50 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 200]) };
        let pixels = Arc::new(RgbImage::from_fn(60, 100, |_, y| color(y)));
        for (orientation, sides, left, top) in [
            (Orientation::NoTransforms, (60, 100), None, Some(0)),
            (Orientation::Rotate180, (60, 100), None, Some(2)),
            (Orientation::Rotate90, (100, 60), Some(2), None),
            (Orientation::Rotate270, (100, 60), Some(0), None),
        ] {
            let image = Image { pixels: Arc::clone(&pixels), orientation };
            assert_eq!((image.width(), image.height()), sides, "{orientation:?}");
            let frame = image.in_frame(SIZE).unwrap();
            assert_eq!(frame.dimensions(), (SIZE.width, SIZE.height));
            for (strongest, x, y) in [(left, 20, 90), (top, 160, 20)] {
                let pixel = frame.get_pixel(x, y).0;
                assert!(strongest.is_none_or(|c: usize| pixel[c] > 150), "{orientation:?}");
            }
        }
    }

    #[test]
    fn any_image_size_fits_any_frame() {
        for (w, h) in [(1, 1), (1, 5000), (5000, 1), (333, 77), (2, 3)] {
            let source = RgbImage::from_pixel(w, h, Rgb([90; 3]));
            for size in
                [SIZE, FrameSize { width: 180, height: 320 }, FrameSize { width: 64, height: 64 }]
            {
                assert_eq!(fitted(&source, size).unwrap().dimensions(), (size.width, size.height));
            }
        }
    }

    fn file(source: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        source.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_format_that_can_be_uploaded_is_decoded() {
        let source = DynamicImage::ImageRgb8(RgbImage::from_pixel(20, 10, Rgb([200, 40, 40])));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let read = Image::decode(&file(&source, format), "image").unwrap();
            assert_eq!((read.width(), read.height()), (20, 10), "{format:?}");
            assert!(read.pixels.get_pixel(5, 5).0[0].abs_diff(200) < 8, "{format:?}");
        }
    }

    #[test]
    fn transparency_is_composited_on_a_dark_color() {
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(
            2,
            2,
            image::Rgba([255, 0, 0, 0]),
        ));
        let read = Image::decode(&file(&clear, ImageFormat::Png), "image").unwrap();
        assert_eq!(read.pixels.get_pixel(0, 0).0, MATTE);
    }

    #[test]
    fn a_small_file_that_claims_a_huge_image_is_rejected() {
        let mut png = file(&DynamicImage::new_rgb8(4, 4), ImageFormat::Png);
        // Width and height in the header.
        png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(matches!(Image::decode(&png, "image"), Err(MediaError::Image(_))));
        let wide = file(&DynamicImage::new_luma8(MAX_SIDE + 1, 1), ImageFormat::Png);
        assert!(matches!(Image::decode(&wide, "image"), Err(MediaError::Image(_))));
    }

    const FORMATS: [ImageFormat; 4] =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP];

    /// An image without two equal rows.
    fn detailed() -> DynamicImage {
        let color = |x: u32, y: u32| [x * 5, y * 5, (x * 7 + y * 3) % 200].map(|c| c as u8);
        DynamicImage::ImageRgb8(RgbImage::from_fn(48, 48, |x, y| Rgb(color(x, y))))
    }

    /// Returns the share of pixels that differ visibly.
    fn difference(a: &Image, b: &Image) -> f32 {
        let pixels = a.pixels.pixels().zip(b.pixels.pixels());
        let differ = |(a, b): &(&Rgb<u8>, &Rgb<u8>)| (0..3).any(|c| a.0[c].abs_diff(b.0[c]) > 30);
        pixels.filter(differ).count() as f32 / (a.width() * a.height()) as f32
    }

    #[test]
    fn a_cut_file_is_an_error_unless_nearly_nothing_is_missing() {
        for format in FORMATS {
            let bytes = file(&detailed(), format);
            let whole = Image::decode(&bytes, "image").unwrap();
            for end in 0..bytes.len() {
                if let Ok(read) = Image::decode(&bytes[..end], "image") {
                    let lost = difference(&read, &whole);
                    assert!(lost < 0.2, "{format:?}: {lost} is lost at {end} of {}", bytes.len());
                }
            }
            assert!(Image::decode(&bytes[..bytes.len() / 4], "image").is_err());
        }
        assert!(Image::decode(b"not an image", "image").is_err());
    }

    #[test]
    fn an_image_is_read_whole_without_the_mark_at_its_end() {
        // The end chunk of a PNG or a part of it, and the end marks of the others.
        for (format, marks) in
            [(ImageFormat::Png, 1..=12), (ImageFormat::Jpeg, 1..=2), (ImageFormat::Gif, 1..=1)]
        {
            let bytes = file(&detailed(), format);
            let whole = Image::decode(&bytes, "image").unwrap();
            for mark in marks {
                let read = Image::decode(&bytes[..bytes.len() - mark], "image");
                assert!(read.is_ok_and(|read| read == whole), "{format:?} without {mark}");
            }
        }
        // An image that is gray is not one that is missing.
        let gray = DynamicImage::ImageRgb8(RgbImage::from_pixel(32, 32, Rgb([128; 3])));
        assert!(Image::decode(&file(&gray, ImageFormat::Jpeg), "image").is_ok());
    }

    #[test]
    fn a_png_without_some_of_its_data_chunks_is_an_error() {
        /// The checksum of PNG, bit by bit.
        fn crc(bytes: &[u8]) -> u32 {
            !bytes.iter().fold(u32::MAX, |crc, byte| {
                (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
            })
        }
        let chunk = |name: &[u8], content: &[u8]| {
            let named = [name, content].concat();
            [&(content.len() as u32).to_be_bytes(), &named[..], &crc(&named).to_be_bytes()].concat()
        };
        let bytes = file(&detailed(), ImageFormat::Png);
        let data = bytes.windows(4).position(|name| name == b"IDAT").unwrap();
        let length = u32::from_be_bytes(bytes[data - 4..data].try_into().unwrap()) as usize;
        let content = &bytes[data + 4..][..length];
        let mut parts = vec![bytes[..data - 4].to_vec()];
        parts.extend(content.chunks(length.div_ceil(4)).map(|part| chunk(b"IDAT", part)));
        let whole = Image::decode(&bytes, "image").unwrap();
        assert_eq!(Image::decode(&parts.concat(), "image").unwrap(), whole, "all data and no end");
        let text = [parts.concat(), chunk(b"tEXt", b"Comment\0x")[..15].to_vec()].concat();
        assert_eq!(Image::decode(&text, "image").unwrap(), whole, "a cut chunk that is no data");
        for count in 1..parts.len() {
            assert!(Image::decode(&parts[..count].concat(), "image").is_err(), "{count} chunks");
        }
    }

    fn cases() -> impl Iterator<Item = (String, Vec<u8>)> {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cases/pic");
        std::fs::read_dir(dir).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
    }

    #[test]
    fn each_collected_image_is_read_whole_or_not_at_all() {
        let mut right: Vec<&str> = vec![
            "bad-crc-iccp.png 64x48",
            "bad-crc-text.png 64x48",
            "cmyk.jpg 64x48",
            "cut.jpg missing",
            "cut.png missing",
            "exif6.jpg 48x64",
            "exif6.png 48x64",
            "exif6.webp 48x64",
            "gray16.png 64x48",
            "im-cmyk.jpg 64x48",
            "no-iend.png 64x48",
            "pal-trns.png 64x48",
            "progressive.jpg 64x48",
            "rgb.jpg 64x48",
            "rgb.png 64x48",
        ];
        let mut found: Vec<String> = cases()
            .map(|(name, bytes)| match Image::decode(&bytes, "image") {
                Ok(image) => format!("{name} {}x{}", image.width(), image.height()),
                Err(_) => format!("{name} missing"),
            })
            .collect();
        right.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, right);
        let image = |of: &str| {
            let (_, bytes) = cases().find(|(name, _)| name == of).unwrap();
            Image::decode(&bytes, "image").unwrap()
        };
        assert_eq!(image("no-iend.png"), image("rgb.png"));
    }

    #[test]
    fn an_image_changed_anywhere_gives_a_result_or_an_error() {
        for (_, mut bytes) in cases() {
            for at in 0..bytes.len() {
                let byte = bytes[at];
                bytes[at] = byte ^ 1 << (at % 8);
                let _ = Image::decode(&bytes, "image");
                bytes[at] = byte;
                let _ = Image::decode(&bytes[..at], "image");
            }
        }
    }
}
