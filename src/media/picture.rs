//! A still picture from a file that anyone may have sent. Making it fill a frame is left to
//! [`canvas`](super::canvas).

use std::fmt;
use std::io::Cursor;
use std::sync::Arc;

use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits, RgbImage};

use super::MediaError;

/// No camera makes a longer side; a file of a few bytes may claim one.
const MAX_SIDE: u32 = 16_384;
/// The memory that decoding may take.
const MAX_MEMORY: u64 = 256 << 20;
/// What a transparent picture is laid on.
const GROUND: [u8; 3] = [22, 24, 30];

/// A decoded picture. Cheap to clone.
///
/// ```
/// use nemovideo::media::Picture;
///
/// // One dark pixel.
/// let gif =
///     b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
/// let picture = Picture::decode(gif)?;
/// assert_eq!((picture.width(), picture.height()), (1, 1));
/// assert!(Picture::decode(b"no picture").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pixels: Arc<RgbImage>,
}

impl Picture {
    /// Decodes a PNG, JPEG, GIF (its first picture) or WebP, turned the way that the camera was
    /// held.
    ///
    /// # Errors
    /// [`MediaError::Picture`] when it is none of these, broken, longer than 16384 pixels on a
    /// side, or takes more than 256 MiB.
    pub fn decode(bytes: &[u8]) -> Result<Self, MediaError> {
        let decoded = decode(bytes).map_err(|error| MediaError::Picture(error.to_string()))?;
        Ok(Self { pixels: Arc::new(opaque(decoded)) })
    }

    /// From left to right, in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// From top to bottom, in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    pub(super) fn pixels(&self) -> &RgbImage {
        &self.pixels
    }
}

fn decode(bytes: &[u8]) -> image::ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut decoded = DynamicImage::from_decoder(decoder)?;
    decoded.apply_orientation(orientation);
    Ok(decoded)
}

fn opaque(decoded: DynamicImage) -> RgbImage {
    if !decoded.color().has_alpha() {
        return decoded.into_rgb8();
    }
    let rgba = decoded.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0.map(u32::from);
        let over = |colour: u32, ground: u8| {
            ((colour * alpha + u32::from(ground) * (255 - alpha)) / 255) as u8
        };
        image::Rgb([over(r, GROUND[0]), over(g, GROUND[1]), over(b, GROUND[2])])
    })
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("width", &self.width())
            .field("height", &self.height())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;

    fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn each_format_that_may_be_uploaded_is_read() {
        let picture =
            DynamicImage::ImageRgb8(RgbImage::from_pixel(20, 10, image::Rgb([200, 40, 40])));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let read = Picture::decode(&file(&picture, format)).unwrap();
            assert_eq!((read.width(), read.height()), (20, 10), "{format:?}");
            assert!(read.pixels().get_pixel(5, 5).0[0].abs_diff(200) < 8, "{format:?}");
        }
    }

    #[test]
    fn what_is_transparent_is_laid_on_a_dark_ground() {
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(
            2,
            2,
            image::Rgba([255, 0, 0, 0]),
        ));
        let read = Picture::decode(&file(&clear, ImageFormat::Png)).unwrap();
        assert_eq!(read.pixels().get_pixel(0, 0).0, GROUND);
    }

    #[test]
    fn a_small_file_that_claims_a_huge_picture_is_refused() {
        let mut png = file(&DynamicImage::new_rgb8(4, 4), ImageFormat::Png);
        // Width and height in the header, and its checksum.
        png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(matches!(Picture::decode(&png), Err(MediaError::Picture(_))));
        let wide = file(&DynamicImage::new_luma8(MAX_SIDE + 1, 1), ImageFormat::Png);
        assert!(matches!(Picture::decode(&wide), Err(MediaError::Picture(_))));
    }

    #[test]
    fn broken_files_are_errors_and_never_panic() {
        let picture = DynamicImage::ImageRgb8(RgbImage::from_pixel(16, 16, image::Rgb([1, 2, 3])));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let whole = file(&picture, format);
            for cut in (0..whole.len()).step_by(7) {
                let _ = Picture::decode(&whole[..cut]);
            }
            assert!(Picture::decode(&whole[..whole.len() / 4]).is_err());
        }
        assert!(Picture::decode(b"not a picture").is_err());
    }
}
