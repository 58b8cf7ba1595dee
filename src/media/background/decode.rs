//! Image files as pixels. They may come from anyone, so the memory for one is bounded by the size
//! of its file, and an image is in memory once: it is converted to RGB in place.

use std::io::Cursor;

use image::error::{DecodingError, ImageError};
use image::metadata::Orientation;
use image::{
    ColorType, ImageDecoder as _, ImageFormat, ImageReader, ImageResult, Limits, RgbImage,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// No camera makes longer sides; a file of a few bytes may claim any length.
pub(super) const MAX_SIDE: u32 = 16_384;
/// The memory that a file of up to [`SMALL_FILE`] bytes may need: a screenshot of 5120×2880 pixels
/// with transparency. With the file itself, that is less than 64 MiB.
const SMALL_MEMORY: u64 = 113 << 19;
const SMALL_FILE: u64 = 2 << 20;
/// How much more each further byte of a file may need. A photo of 24 megapixels needs 72 MB, or
/// 216 MB if it is progressive, and has at least 2.3 or 4.6 MB.
const MEMORY_PER_BYTE: u64 = 64;
/// The memory that no file may exceed.
const MAX_MEMORY: u64 = 256 << 20;
/// The memory for what a file has beside its pixels, such as a color profile.
const MAX_METADATA: u64 = 3 << 20;
/// The share of a JPEG image that may be missing at its end.
const MAX_LOST_SHARE: f32 = 0.1;
/// Color that transparent images are composited on.
pub(super) const MATTE: [u8; 3] = [22, 24, 30];

/// Returns the pixels of an image file as they are stored, and the orientation to show them in.
pub(super) fn decode(bytes: &[u8]) -> ImageResult<(RgbImage, Orientation)> {
    let decoded = decode_ended(bytes);
    if decoded.is_err()
        && let Some(ended) = with_png_end(bytes)
    {
        return decode_ended(&ended);
    }
    decoded
}

fn decode_ended(bytes: &[u8]) -> ImageResult<(RgbImage, Orientation)> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_METADATA);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let format = reader.format();
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let (color, stored) = (decoder.color_type(), decoder.total_bytes());
    let jpeg = (format == Some(ImageFormat::Jpeg)).then(|| JpegLayout::of(bytes));
    let working = match (&jpeg, format) {
        (Some(jpeg), _) => pixels.saturating_mul(jpeg.coefficients) / 16,
        (_, Some(ImageFormat::WebP)) => webp_working_bytes(bytes, pixels),
        // The colors by their numbers in the palette.
        (_, Some(ImageFormat::Gif)) => pixels,
        _ => 0,
    };
    let needed = stored.max(pixels.saturating_mul(3));
    limits.max_alloc = Some(max_memory(bytes.len() as u64));
    limits.reserve(needed.saturating_add(working))?;
    decoder.set_limits(limits)?;
    if format == Some(ImageFormat::WebP) && has_cut_webp_metadata(bytes) {
        return Err(unreadable(format, "its metadata are cut off".to_owned()));
    }
    let orientation = decoder.orientation()?;
    let (needed, stored) = (needed as usize, stored as usize);
    let mut buffer = vec![0; needed];
    decoder.read_image(&mut buffer[..stored])?;
    if let Some(jpeg) = jpeg
        && jpeg.may_lack_data(&buffer[..stored], usize::from(color.bytes_per_pixel()))
    {
        decode_strictly(bytes, color, &mut buffer[..stored])?;
    }
    let pixels = into_rgb(buffer, color, pixels as usize)?;
    let pixels = RgbImage::from_raw(width, height, pixels);
    let image = pixels.ok_or_else(|| unreadable(format, "it has too few pixels".to_owned()))?;
    Ok((image, orientation))
}

/// The most memory that the pixels of a file may need. More than this has an image whose file
/// cannot honestly hold it.
fn max_memory(file: u64) -> u64 {
    let more = file.saturating_sub(SMALL_FILE).saturating_mul(MEMORY_PER_BYTE);
    SMALL_MEMORY.saturating_add(more).min(MAX_MEMORY)
}

fn unreadable(format: Option<ImageFormat>, message: String) -> ImageError {
    let format = format.unwrap_or(ImageFormat::Jpeg);
    ImageError::Decoding(DecodingError::new(format.into(), message))
}

/// Converts pixels to RGB within their buffer, which has room for both.
fn into_rgb(mut buffer: Vec<u8>, color: ColorType, pixels: usize) -> ImageResult<Vec<u8>> {
    let (size, channels) =
        (usize::from(color.bytes_per_pixel()), usize::from(color.channel_count()));
    if size > channels * 2 {
        return Err(unreadable(None, "its colors have too many bits".to_owned()));
    }
    let mut convert = |at: usize| {
        let pixel = &buffer[at * size..][..size];
        let channel = |index: usize| match pixel {
            _ if size == channels => u32::from(pixel[index]),
            _ => {
                let wide = u16::from_ne_bytes([pixel[index * 2], pixel[index * 2 + 1]]);
                (u32::from(wide) + 128) / 257
            }
        };
        let alpha = if channels % 2 == 0 { channel(channels - 1) } else { 255 };
        let rgb = [0, 1, 2].map(|index| {
            let value = channel(if channels < 3 { 0 } else { index });
            ((value * alpha + u32::from(MATTE[index]) * (255 - alpha)) / 255) as u8
        });
        buffer[at * 3..][..3].copy_from_slice(&rgb);
    };
    // Each pixel is read before another is written over it.
    match size {
        0..3 => (0..pixels).rev().for_each(&mut convert),
        _ if color == ColorType::Rgb8 => {}
        _ => (0..pixels).for_each(&mut convert),
    }
    buffer.truncate(pixels * 3);
    buffer.shrink_to_fit();
    Ok(buffer)
}

/// What the decoder of WebP needs beside the pixels, in bytes.
fn webp_working_bytes(bytes: &[u8], pixels: u64) -> u64 {
    let is_animated = bytes.get(20).is_some_and(|flags| flags & 2 != 0);
    let for_pixel = match bytes.get(12..16) {
        Some(b"VP8 ") => 2,
        Some(b"VP8L") => 5,
        _ if is_animated => 13,
        // The alpha channel may be an image of its own.
        _ => 7,
    };
    // A lossy frame is decoded before its sides are compared with those of the image.
    let frame = largest_webp_frame(webp_content(bytes), true);
    pixels.saturating_mul(for_pixel).saturating_add(frame.saturating_sub(pixels) * 2)
}

/// Returns how many pixels the largest lossy frame among the chunks of a WebP file claims.
fn largest_webp_frame(chunks: &[u8], is_file: bool) -> u64 {
    let frames = webp_chunks(chunks).map(|(name, _, content)| {
        match (name, content) {
            (b"VP8 ", [_, _, _, _, _, _, w0, w1, h0, h1, ..]) => {
                let side = |low: u8, high: u8| u64::from(u16::from_le_bytes([low, high]) & 0x3FFF);
                side(*w0, *w1) * side(*h0, *h1)
            }
            // A frame of an animation has its position and duration before its own chunks.
            (b"ANMF", _) if is_file => {
                largest_webp_frame(content.get(16..).unwrap_or_default(), false)
            }
            _ => 0,
        }
    });
    frames.max().unwrap_or_default()
}

/// Returns whether the metadata of a WebP file claim more bytes than the file has, all of which the
/// decoder would reserve.
fn has_cut_webp_metadata(bytes: &[u8]) -> bool {
    webp_chunks(webp_content(bytes))
        .any(|(name, length, content)| name == b"EXIF" && length > content.len())
}

fn webp_content(bytes: &[u8]) -> &[u8] {
    bytes.get(12..).unwrap_or_default()
}

/// Returns the name of each chunk, the length that it claims, and its bytes as far as they exist.
fn webp_chunks(mut rest: &[u8]) -> impl Iterator<Item = (&[u8], usize, &[u8])> {
    std::iter::from_fn(move || {
        let (header, after) = rest.split_first_chunk::<8>()?;
        let (name, length) = header.split_at(4);
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some((name, length, &after[..length.min(after.len())]))
    })
}

/// How the data of a JPEG file are arranged.
#[derive(Debug, PartialEq, Eq)]
struct JpegLayout {
    /// What the decoder needs beside the pixels, in sixteenths of a byte for each of them. It keeps
    /// the coefficients of an image that comes in several scans.
    coefficients: u64,
    is_single_scan: bool,
    /// Whether it has the mark at its end.
    is_ended: bool,
}

impl JpegLayout {
    fn of(bytes: &[u8]) -> Self {
        // As if each of four components had all its coefficients.
        let unknown = Self { coefficients: 128, is_single_scan: false, is_ended: false };
        Self::parsed(bytes).unwrap_or(unknown)
    }

    fn parsed(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.get(2..)?;
        let mut frame: Option<(bool, &[u8])> = None;
        loop {
            let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF);
            let at = rest.windows(2).position(is_marker)?;
            let marker = rest[at + 1];
            rest = &rest[at + 2..];
            if matches!(marker, 0x01 | 0xD0..=0xD9) {
                continue;
            }
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            let content = rest.get(2..length)?;
            rest = &rest[length..];
            match marker {
                0xC0..=0xC2 => frame = Some((marker == 0xC2, content)),
                0xDA => {
                    let (is_progressive, frame) = frame?;
                    // After the precision, the sides and the number of components, each has an
                    // identifier, its sampling factors, and a table.
                    let sampling = || {
                        let factors = frame.get(6..).unwrap_or_default().chunks_exact(3);
                        factors.map(|component| {
                            (u64::from(component[1] >> 4), u64::from(component[1] & 15))
                        })
                    };
                    let (across, down) =
                        (sampling().map(|(h, _)| h).max()?, sampling().map(|(_, v)| v).max()?);
                    let area: u64 = sampling().map(|(h, v)| h * v).sum();
                    let in_scan = usize::from(*content.first()?);
                    let is_single_scan = !is_progressive && in_scan >= sampling().count();
                    let coefficients = (area * 32).checked_div(across * down)?;
                    return Some(Self {
                        coefficients: if is_single_scan { 0 } else { coefficients },
                        is_single_scan,
                        // The data of a scan never hold it.
                        is_ended: rest.windows(2).any(|pair| pair == b"\xFF\xD9"),
                    });
                }
                _ => {}
            }
        }
    }

    /// Whether data may be missing, by the pixels that were read: the decoder fills in middle gray,
    /// or goes on with the last color.
    fn may_lack_data(&self, decoded: &[u8], size: usize) -> bool {
        if !self.is_ended && !self.is_single_scan {
            return true;
        }
        let last = &decoded[decoded.len() - size.min(decoded.len())..];
        let filler = if self.is_ended { &[128; 16][..last.len()] } else { last };
        let count = decoded.rchunks_exact(size).take_while(|pixel| *pixel == filler).count();
        count as f32 > decoded.len() as f32 / size as f32 * MAX_LOST_SHARE
    }
}

/// Decodes a JPEG file anew, and fails if it is not complete. An image may really have one color at
/// its end.
fn decode_strictly(bytes: &[u8], color: ColorType, buffer: &mut [u8]) -> ImageResult<()> {
    let side = MAX_SIDE as usize;
    let output = match color {
        ColorType::L8 => ColorSpace::Luma,
        ColorType::La8 => ColorSpace::LumaA,
        ColorType::Rgba8 => ColorSpace::RGBA,
        _ => ColorSpace::RGB,
    };
    let strict = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(side)
        .set_max_height(side)
        .jpeg_set_out_colorspace(output);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), strict);
    decoder.decode_into(buffer).map_err(|error| {
        unreadable(Some(ImageFormat::Jpeg), format!("a part of it is missing ({error:?})"))
    })
}

/// Returns a PNG file that has no end chunk up to its last complete chunk, with an end chunk: the
/// decoder needs one. `None` for any other file.
fn with_png_end(bytes: &[u8]) -> Option<Vec<u8>> {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";
    const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";
    let mut rest = bytes.strip_prefix(SIGNATURE)?;
    // A chunk has a length, a name, its content, and a checksum.
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(after_chunk) = length.checked_add(8).and_then(|end| after.get(end..)) else {
            break;
        };
        if after.starts_with(b"IEND") {
            return None;
        }
        rest = after_chunk;
    }
    Some([&bytes[..bytes.len() - rest.len()], END].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::DynamicImage;

    fn case(name: &str) -> Vec<u8> {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cases/pic/");
        std::fs::read(format!("{dir}{name}")).unwrap()
    }

    #[test]
    fn the_memory_grows_with_the_file_from_less_than_64_mib() {
        let megabytes = |count: f64| (count * 1e6) as u64;
        for file in [0, 1, SMALL_FILE] {
            // The file, the decoder's copy of it, and what it has beside its pixels.
            assert!(max_memory(file) + 2 * file + MAX_METADATA <= 64 << 20, "{file}");
        }
        assert!(max_memory(0) >= 5120 * 2880 * 4);
        // 24 megapixels; with the coefficients of a progressive photo.
        assert!(max_memory(megabytes(2.5)) >= megabytes(72.0));
        assert!(max_memory(megabytes(5.0)) >= megabytes(72.0 + 144.0));
        assert_eq!(max_memory(u64::MAX), MAX_MEMORY);
    }

    #[test]
    fn an_image_that_its_file_cannot_honestly_hold_is_rejected() {
        let png = |image: DynamicImage| {
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, ImageFormat::Png).unwrap();
            bytes.into_inner()
        };
        // A gray pixel has one byte, but three once it is RGB.
        let huge = png(DynamicImage::new_luma8(4600, 4600));
        assert!(huge.len() < 1 << 20 && matches!(decode(&huge), Err(ImageError::Limits(_))));
        let screenshot = png(DynamicImage::new_luma8(3840, 2160));
        assert!(decode(&screenshot).is_ok_and(|(image, _)| image.width() == 3840));
    }

    #[test]
    fn a_frame_that_is_larger_than_its_image_counts() {
        let chunk = |name: &[u8], content: &[u8]| {
            [name, &(content.len() as u32).to_le_bytes(), content].concat()
        };
        let lossy = chunk(b"VP8 ", b"\0\0\0\x9D\x01\x2A\xFF\x3F\xFF\x3F");
        let frame = chunk(b"ANMF", &[&[0; 16], &lossy[..]].concat());
        let within = chunk(b"ANMF", &[&[0; 16], &frame[..]].concat());
        for (chunks, pixels) in
            [(&lossy, 16_383 * 16_383), (&frame, 16_383 * 16_383), (&within, 0), (&vec![], 0)]
        {
            assert_eq!(largest_webp_frame(chunks, true), pixels);
        }
        let file = [&b"RIFF\0\0\0\0WEBP"[..], &chunk(b"VP8X", &[0; 10]), &lossy].concat();
        assert!(webp_working_bytes(&file, 1) > 500_000_000);
        assert_eq!(webp_working_bytes(&case("exif6.webp"), 3072) % 3072, 0);
    }

    /// Found by fuzzing: the decoder reserved 4 GB for a file of 208 bytes.
    #[test]
    fn metadata_of_any_claimed_length_take_no_more_memory_than_the_file_has() {
        let mut bytes = case("exif6.webp");
        assert!(!has_cut_webp_metadata(&bytes) && decode(&bytes).is_ok());
        let at = bytes.windows(4).position(|name| name == b"EXIF").unwrap() + 4;
        bytes[at..at + 4].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
        let error = decode(&bytes).unwrap_err();
        assert!(error.to_string().contains("its metadata are cut off"), "{error}");
    }

    #[test]
    fn any_kind_of_pixels_becomes_rgb_in_place() {
        let wide = |values: &[u16]| values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<_>>();
        for (color, pixels, rgb) in [
            (ColorType::L8, vec![7, 9], [7, 7, 7, 9, 9, 9]),
            (ColorType::La8, vec![7, 255, 9, 0], [7, 7, 7, 22, 24, 30]),
            (ColorType::Rgb8, vec![1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
            (ColorType::Rgba8, vec![1, 2, 3, 255, 4, 5, 6, 0], [1, 2, 3, 22, 24, 30]),
            (ColorType::L16, wide(&[257, 65_535]), [1, 1, 1, 255, 255, 255]),
            (ColorType::La16, wide(&[257, 65_535, 0, 0]), [1, 1, 1, 22, 24, 30]),
            (ColorType::Rgb16, wide(&[0, 257, 514, 771, 0, 0]), [0, 1, 2, 3, 0, 0]),
            (ColorType::Rgba16, wide(&[0, 257, 514, 65_535, 9, 9, 9, 0]), [0, 1, 2, 22, 24, 30]),
        ] {
            let mut buffer = pixels;
            buffer.resize(buffer.len().max(6), 0);
            assert_eq!(into_rgb(buffer, color, 2).unwrap(), rgb, "{color:?}");
        }
        assert!(into_rgb(vec![0; 24], ColorType::Rgb32F, 2).is_err());
    }

    #[test]
    fn the_layout_of_a_jpeg_file_follows_from_its_headers() {
        let whole = case("rgb.jpg");
        let layout = JpegLayout::of(&whole);
        assert_eq!((layout.coefficients, layout.is_single_scan, layout.is_ended), (0, true, true));
        assert!(!JpegLayout::of(&whole[..whole.len() - 2]).is_ended);
        let progressive = JpegLayout::of(&case("progressive.jpg"));
        assert!(!progressive.is_single_scan && progressive.is_ended);
        // Three components of two bytes, of which two may have a quarter of the pixels.
        assert!((48..=96).contains(&progressive.coefficients), "{progressive:?}");
        for bytes in [&b""[..], b"\xFF\xD8\xFF", b"\xFF\xD8\xFF\xC0\0\x01", &whole[..200]] {
            assert_eq!(JpegLayout::of(bytes).coefficients, 128);
        }
    }

    #[test]
    fn a_cut_jpeg_of_any_kind_is_an_error() {
        for name in ["rgb.jpg", "cmyk.jpg", "im-cmyk.jpg", "progressive.jpg"] {
            let bytes = case(name);
            let scan = bytes.windows(2).position(|pair| pair == b"\xFF\xDA").unwrap();
            for eighths in 1..=3 {
                let end = scan + (bytes.len() - scan) * eighths / 8;
                assert!(decode(&bytes[..end]).is_err(), "{name} {eighths}");
            }
        }
        // Only the scans before the last are complete, which look whole but coarse.
        let progressive = case("progressive.jpg");
        assert!(decode(&progressive[..progressive.len() - 20]).is_err());
    }
}
