//! Scenes of a video: the backgrounds that follow one another, and the view of one that grows slowly.
//! Which frames show which scene is left to [`stills`](super::stills).

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use fast_image_resize::{PixelType, ResizeOptions};

use super::background::{darken_lower_third, from_rgb, paint, scaled};
use super::canvas::Canvas;
use super::h264::{FRAME_RATE, Glide, MAX_SHOT};
use super::{FrameSize, Image, ImageFit, ImageMotion, MediaError, VideoBackground};

/// A background from a time on, until the next scene starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Scene {
    /// Start on the timeline.
    pub start: Duration,
    /// What is shown behind the texts.
    pub background: VideoBackground,
    /// How an image fills the frame.
    pub fit: ImageFit,
    /// How an image moves.
    pub motion: ImageMotion,
    /// Duration of the cross-fade from what was shown before, at the start of the scene: at most half
    /// of the scene, and none at the start of the video.
    pub fade: Duration,
    /// The file of an image that is decoded when the scene is drawn, in place of the background.
    pub(crate) file: Option<PathBuf>,
}

impl Scene {
    /// Creates a scene that covers the frame, stands still and begins at once.
    #[must_use]
    pub fn new(background: VideoBackground, start: Duration) -> Self {
        Self {
            start,
            background,
            fit: ImageFit::default(),
            motion: ImageMotion::default(),
            fade: Duration::ZERO,
            file: None,
        }
    }

    /// Creates a scene of an image that is in memory only while the scene is drawn.
    pub(crate) fn of_file(path: PathBuf, start: Duration) -> Self {
        Self { file: Some(path), ..Self::new(VideoBackground::default(), start) }
    }

    pub(crate) const fn is_image(&self) -> bool {
        self.file.is_some() || matches!(self.background, VideoBackground::Image(_))
    }

    pub(crate) const fn is_moving(&self) -> bool {
        matches!(self.motion, ImageMotion::Zoom) && self.is_image()
    }
}

/// How much an image grows each second: an eye follows it, and none waits for it.
const GROWTH: f32 = 0.006;
/// The most that an image grows in a scene.
const MOST_GROWTH: f32 = 0.12;
/// The most that an image grows between key frames. The macroblocks of the pictures between are
/// displaced but not scaled, so that the edges of two of them are a third of a pixel apart.
const KEY_GROWTH: f32 = 0.020;
/// The points that do not move, as parts of the frame; each scene has the next one.
const FIXED: [(f32, f32); 5] = [(0.5, 0.45), (0.2, 0.3), (0.8, 0.4), (0.3, 0.65), (0.7, 0.2)];

/// The slow zoom of a scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Zoom {
    /// The point that does not move, in pixels of the frame.
    fixed: (f32, f32),
    /// Growth from one frame to the next.
    growth: f32,
    /// The scale at the end of the scene.
    most: f32,
}

impl Zoom {
    /// Returns the zoom of the `index`th scene, which is shown for a number of frames.
    pub(crate) fn new(scene: &Scene, index: usize, size: FrameSize, frames: u32) -> Self {
        let most = (GROWTH * frames as f32 / FRAME_RATE as f32).min(MOST_GROWTH);
        // An image that is shown whole stays so when it grows around the middle.
        let (x, y) = match scene.fit {
            ImageFit::Contain => (0.5, 0.5),
            ImageFit::Cover => FIXED[index % FIXED.len()],
        };
        Self {
            fixed: (x * size.width as f32, y * size.height as f32),
            growth: most / frames.max(1) as f32,
            most: 1.0 + most,
        }
    }

    /// Returns the number of frames after which there is a key frame.
    pub(crate) fn key_interval(&self) -> u32 {
        ((KEY_GROWTH / self.growth.max(f32::EPSILON)) as u32).clamp(2, MAX_SHOT / 3)
    }

    fn scale(&self, frame: u32) -> f32 {
        1.0 + self.growth * frame as f32
    }

    /// Returns the number of frames in which no point of an area moves by more than three pixels.
    pub(crate) fn interval(&self, columns: &Range<usize>, rows: &Range<usize>) -> u32 {
        let farthest = |fixed: f32, range: &Range<usize>| {
            (fixed - range.start as f32).abs().max((fixed - range.end as f32).abs())
        };
        let (x, y) = (farthest(self.fixed.0, columns), farthest(self.fixed.1, rows));
        (3.0 / (self.growth * x.max(y)).max(f32::EPSILON)).clamp(4.0, 20.0) as u32
    }

    /// Returns how the image has moved from a frame of the scene to a later one.
    pub(crate) fn glide(&self, key: u32, frame: u32) -> Glide {
        Glide { fixed: self.fixed, scale: self.scale(key) / self.scale(frame) }
    }
}

/// Paints the background of a scene. That of one that grows is larger than the frame: it is as sharp
/// at its end.
pub(crate) fn paint_scene(
    scene: &Scene,
    size: FrameSize,
    zoom: Option<&Zoom>,
    has_texts: bool,
) -> Result<Canvas, MediaError> {
    let image = match (&scene.file, &scene.background) {
        (Some(path), _) => {
            let bytes = std::fs::read(path).map_err(MediaError::io("read the image"))?;
            Image::decode(&bytes, "the image")?
        }
        (None, VideoBackground::Image(image)) => image.clone(),
        (None, background) => return paint(background, size, has_texts),
    };
    let most = zoom.map_or(1.0, |zoom| zoom.most);
    let side = |side: u32| ((side as f32 * most) as u32).next_multiple_of(2);
    let plate = FrameSize { width: side(size.width), height: side(size.height) };
    // At the end of the zoom, the frame shows this much of it.
    let shown = if most > 1.0 { size } else { plate };
    let mut canvas = from_rgb(&image.placed(plate, shown, scene.fit)?, plate);
    if has_texts {
        darken_lower_third(&mut canvas);
    }
    Ok(canvas)
}

/// Returns rows of a frame of a scene that grows, of its background.
pub(crate) fn view(
    plate: &Canvas,
    zoom: &Zoom,
    frame: u32,
    size: FrameSize,
    rows: Range<usize>,
) -> Result<Canvas, MediaError> {
    let scale = f64::from(zoom.scale(frame));
    // Pixels of the background for each of the frame, and where those of the frame begin.
    let step = |side: u32, frame: u32| f64::from(side) / f64::from(frame) / scale;
    let across = step(plate.size.width, size.width);
    let down = step(plate.size.height, size.height);
    let left = f64::from(zoom.fixed.0) * across * (scale - 1.0);
    let top = f64::from(zoom.fixed.1) * down * (scale - 1.0) + rows.start as f64 * down;
    let shown = FrameSize { height: rows.len() as u32, ..size };
    let area = (left, top, f64::from(shown.width) * across, f64::from(shown.height) * down);
    let plane = |plane: &[u8], part: u32| {
        let whole = FrameSize { width: plate.size.width / part, height: plate.size.height / part };
        let size = FrameSize { width: shown.width / part, height: shown.height / part };
        // Nothing is beyond the edge but what was rounded.
        let crop = |start: f64, length: f64, limit: u32| {
            let start = start / f64::from(part);
            (start, (length / f64::from(part)).min(f64::from(limit) - start))
        };
        let ((left, width), (top, height)) =
            (crop(area.0, area.2, whole.width), crop(area.1, area.3, whole.height));
        // The library scales the height of a plane several times as fast as the width.
        let low = FrameSize { height: size.height, ..whole };
        let options = ResizeOptions::new().crop(0.0, top, f64::from(low.width), height);
        let rows = scaled(plane, whole, PixelType::U8, low, options)?;
        let turned = |size: FrameSize| FrameSize { width: size.height, height: size.width };
        let options = ResizeOptions::new().crop(0.0, left, f64::from(low.height), width);
        let columns = transposed(&rows, low.width as usize);
        let columns = scaled(&columns, turned(low), PixelType::U8, turned(size), options)?;
        Ok::<_, MediaError>(transposed(&columns, size.height as usize))
    };
    Ok(Canvas {
        y: plane(&plate.y, 1)?,
        u: plane(&plate.u, 2)?,
        v: plane(&plate.v, 2)?,
        size: shown,
    })
}

/// Returns the columns of a plane as rows.
fn transposed(plane: &[u8], width: usize) -> Vec<u8> {
    /// The rows that are copied together, so that they stay in the cache.
    const BLOCK: usize = 32;
    let height = plane.len() / width;
    let mut columns = vec![0; plane.len()];
    for top in (0..height).step_by(BLOCK) {
        for x in 0..width {
            let column = plane[top * width + x..].iter().step_by(width);
            let copy = columns[x * height + top..][..BLOCK.min(height - top)].iter_mut();
            copy.zip(column).for_each(|(copy, value)| *copy = *value);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_grows_around_a_point() {
        let size = FrameSize { width: 128, height: 96 };
        let mut scene = Scene::new(VideoBackground::default(), Duration::ZERO);
        scene.motion = ImageMotion::Zoom;
        let zoom = Zoom::new(&scene, 0, size, 300);
        let mut plate = Canvas::new(FrameSize { width: 144, height: 108 });
        let width = plate.width();
        for (at, value) in plate.y.iter_mut().enumerate() {
            *value = (at % width) as u8 + 20;
        }
        let rows = 0..96;
        let [start, end] =
            [0, 300].map(|frame| view(&plate, &zoom, frame, size, rows.clone()).unwrap());
        assert_eq!(start.y.len(), 128 * 96);
        let middle = 40 * 128 + 64;
        assert!(start.y[middle].abs_diff(end.y[middle]) <= 1);
        // All of the background, and then less of it.
        assert!(start.y[middle - 64] < 22 && start.y[middle + 63] > 161);
        assert!(end.y[middle - 64] > 23 && end.y[middle + 63] < 161);
        let part = view(&plate, &zoom, 77, size, 32..64).unwrap();
        let whole = view(&plate, &zoom, 77, size, 0..96).unwrap().rows(32..64);
        assert!(part.y.iter().zip(&whole.y).all(|(part, whole)| part.abs_diff(*whole) <= 1));
    }

    #[test]
    fn a_plane_is_transposed_whatever_its_size() {
        for (width, height) in [(1, 1), (1, 70), (70, 1), (33, 32), (32, 33), (31, 95), (100, 64)] {
            let plane: Vec<u8> = (0..width * height).map(|at| (at * 7 % 251) as u8).collect();
            let columns = transposed(&plane, width);
            for (x, column) in columns.chunks_exact(height).enumerate() {
                assert!(plane[x..].iter().step_by(width).eq(column), "{width}x{height}: {x}");
            }
            assert_eq!(transposed(&columns, height), plane, "{width}x{height}");
        }
    }

    #[test]
    fn every_view_is_within_the_background() {
        let of_sides = |width: u32, height: u32| {
            let mut png = std::io::Cursor::new(Vec::new());
            let image = image::RgbImage::new(width, height);
            image.write_to(&mut png, image::ImageFormat::Png).unwrap();
            VideoBackground::Image(Image::decode(png.get_ref(), "image.png").unwrap())
        };
        // Also with an odd number of columns and rows of chroma.
        let sizes = [(64, 64), (66, 130)].map(|(width, height)| FrameSize { width, height });
        for (width, height) in [(1, 1), (1, 5000), (5000, 1)] {
            let mut scene = Scene::new(of_sides(width, height), Duration::ZERO);
            for (index, fit, frames) in
                [(1, ImageFit::Cover, 2), (2, ImageFit::Cover, 700), (3, ImageFit::Contain, 301)]
            {
                scene.fit = fit;
                for size in sizes {
                    let zoom = Zoom::new(&scene, index, size, frames);
                    let plate = paint_scene(&scene, size, Some(&zoom), true).unwrap();
                    let height = size.height as usize;
                    // It goes on to grow while the next scene appears.
                    for frame in (0..frames + 60).step_by(31) {
                        for rows in [0..height, height - 2..height] {
                            let shown = view(&plate, &zoom, frame, size, rows.clone()).unwrap();
                            assert_eq!(shown.size.height as usize, rows.len());
                            assert_eq!(shown.y.len(), rows.len() * size.width as usize);
                            assert_eq!(shown.u.len(), shown.y.len() / 4);
                            assert_eq!(shown.v.len(), shown.y.len() / 4);
                        }
                    }
                }
            }
        }
    }
}
