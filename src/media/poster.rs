//! A single frame of a video, as an image file. It is decoded from the frames that the video would
//! have, so that it is what a player shows.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ImageError, Rgb, RgbImage};
use openh264::decoder::{DecodeOptions, Decoder, Flush};
use openh264::formats::YUVSource;

use super::canvas::rgb;
use super::output::TempOutput;
use super::stills::{StillPlan, StillRenderer, frame_at, frame_shown_at};
use super::{Cancel, MediaError, Quality, Timeline};

/// Quality of a JPEG file, up to 100: small letters have no visible halos.
const JPEG_QUALITY: u8 = 92;

/// Writes the frame that the video of a timeline shows at a time, or its last one if the video ends
/// before, to a `.jpg`, `.jpeg` or `.png` file. The frame is that of a video in high quality. The file
/// appears at `path` only when it is complete.
///
/// ```
/// use nemovideo::media::{Cancel, FrameSize, TextClip, Timeline, poster};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mut timeline = Timeline::new(FrameSize::SQUARE, 3 * second);
/// timeline.texts.push(TextClip::title("Morning\nBrew", second, second));
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("poster.jpg");
/// poster(&timeline, Duration::from_millis(1500), &path, &Cancel::new())?;
/// assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - The errors of [`Timeline::check`], before any work.
/// - [`MediaError::Encode`], also for another extension, and [`MediaError::Io`].
/// - [`MediaError::Cancelled`] once `cancel` is set.
pub fn poster(
    timeline: &Timeline,
    time: Duration,
    path: &Path,
    cancel: &Cancel,
) -> Result<(), MediaError> {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let is_png = extension.eq_ignore_ascii_case("png");
    if !is_png && !["jpg", "jpeg"].iter().any(|it| extension.eq_ignore_ascii_case(it)) {
        let message = format!("{} is neither a .jpg nor a .png file", path.display());
        return Err(MediaError::Encode(message));
    }
    timeline.check()?;
    cancel.check()?;
    let image = frame(timeline, time, cancel)?;
    let output = TempOutput::beside(path)?;
    let mut file = output.writer();
    let written = match is_png {
        true => image.write_with_encoder(PngEncoder::new(&mut file)),
        false => image.write_with_encoder(JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)),
    };
    let failed = || MediaError::io("write the image");
    written.map_err(|error| match error {
        ImageError::IoError(error) => failed()(error),
        error => MediaError::Encode(format!("the image: {error}")),
    })?;
    file.flush().map_err(failed())?;
    drop(file);
    output.finish()
}

/// Returns the frame that the video of a timeline shows at a time.
fn frame(timeline: &Timeline, time: Duration, cancel: &Cancel) -> Result<RgbImage, MediaError> {
    let frames = frame_at(timeline.duration);
    let shown = frame_shown_at(time).min(frames.saturating_sub(1));
    let plan = StillPlan::new(timeline, frames);
    let quantizer = Quality::High.quantizer(timeline);
    let stills = StillRenderer::new(timeline, &plan, quantizer);
    let failed = |error: openh264::Error| MediaError::Encode(format!("H.264: {error}"));
    let mut decoder = Decoder::new().map_err(failed)?;
    let (mut image, mut count, mut wanted) = (None, 0, None);
    // Images come in the order in which they are shown: of a fade, later than their data.
    stills.frames_up_to(shown, cancel, |unit, before| {
        wanted = before;
        let options = DecodeOptions::new().flush_after_decode(Flush::NoFlush);
        if let Some(decoded) = decoder.decode_with_options(unit, options).map_err(failed)? {
            if wanted == Some(count) {
                image = Some(to_rgb(&decoded));
            }
            count += 1;
        }
        Ok(())
    })?;
    for decoded in decoder.flush_remaining().map_err(failed)? {
        if wanted == Some(count) {
            image = Some(to_rgb(&decoded));
        }
        count += 1;
    }
    image.ok_or_else(|| MediaError::Encode("H.264: the frame is incomplete".to_owned()))
}

/// Converts a frame in BT.709, limited range.
fn to_rgb(frame: &impl YUVSource) -> RgbImage {
    let (width, height) = frame.dimensions();
    let strides = frame.strides();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let luma = frame.y()[y * strides.0 + x];
        let u = frame.u()[y / 2 * strides.1 + x / 2];
        let v = frame.v()[y / 2 * strides.2 + x / 2];
        Rgb(rgb([luma, u, v].map(f32::from)).map(|channel| (channel * 255.0).round() as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{CaptionMode, FrameSize, Image, TextClip, VideoBackground};

    fn save(timeline: &Timeline, millis: u64, name: &str) -> Result<RgbImage, MediaError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        poster(timeline, Duration::from_millis(millis), &path, &Cancel::new())?;
        let bytes = std::fs::read(&path).unwrap();
        let is_png = bytes.starts_with(b"\x89PNG");
        assert_eq!(is_png, name.to_ascii_lowercase().ends_with("png"));
        Ok(image::load_from_memory(&bytes).unwrap().into_rgb8())
    }

    fn brightest(image: &RgbImage) -> u8 {
        image.pixels().map(|pixel| pixel.0[1]).max().unwrap()
    }

    #[test]
    fn a_poster_shows_what_is_visible_at_its_time() {
        let millis = Duration::from_millis;
        let size = FrameSize { width: 320, height: 180 };
        let mut timeline = Timeline::new(size, millis(30_000));
        timeline.texts.push(TextClip::title("Here", millis(1000), millis(500)));
        for (time, is_visible) in
            [(0, false), (999, false), (1000, true), (1499, true), (1500, false), (99_000, false)]
        {
            for name in ["poster.png", "poster.jpg", "POSTER.JPEG"] {
                let image = save(&timeline, time, name).unwrap();
                assert_eq!(image.dimensions(), (320, 180));
                assert_eq!(brightest(&image) > 200, is_visible, "{name} at {time} ms");
            }
        }
        for name in ["poster", "poster.gif", "png"] {
            assert!(matches!(save(&timeline, 0, name), Err(MediaError::Encode(_))), "{name}");
        }
    }

    #[test]
    fn a_marked_word_is_marked_in_the_poster() {
        let millis = Duration::from_millis;
        let mut timeline = Timeline::new(FrameSize { width: 640, height: 360 }, millis(3000));
        let mut clip = TextClip::caption("one two", millis(0), millis(3000));
        clip.style.mode = CaptionMode::Words;
        clip.words = vec![(0, millis(200)), (4, millis(1500))];
        timeline.texts.push(clip);
        // The yellow box behind the word.
        let marked = |time| {
            let image = save(&timeline, time, "poster.png").unwrap();
            let is_yellow = |pixel: &Rgb<u8>| pixel.0[0] > 220 && pixel.0[2] < 60;
            let columns: Vec<u32> = image
                .enumerate_pixels()
                .filter(|(.., it)| is_yellow(it))
                .map(|(x, ..)| x)
                .collect();
            (columns.iter().min().copied(), columns.iter().max().copied())
        };
        assert_eq!(marked(0), (None, None));
        let (first, second) = (marked(1000), marked(2900));
        assert!(first.1.unwrap() < 330 && second.0.unwrap() > 310, "{first:?} {second:?}");
    }

    #[test]
    fn the_colors_are_those_of_the_image() {
        let mut png = std::io::Cursor::new(Vec::new());
        let color = |x: u32, _| {
            [Rgb([200, 30, 40]), Rgb([20, 140, 60]), Rgb([30, 60, 210]), Rgb([250, 250, 250])]
                [x as usize / 80]
        };
        RgbImage::from_fn(320, 180, color).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let size = FrameSize { width: 320, height: 180 };
        let mut timeline = Timeline::new(size, Duration::from_secs(1));
        let background = Image::decode(png.get_ref(), "image.png").unwrap();
        timeline.background = VideoBackground::Image(background);
        let image = save(&timeline, 500, "poster.png").unwrap();
        for x in [40, 120, 200, 280] {
            let (found, right) = (image.get_pixel(x, 90).0, color(x, 90).0);
            assert!(found.iter().zip(right).all(|(a, b)| a.abs_diff(b) < 6), "{found:?} {right:?}");
        }
    }
}
