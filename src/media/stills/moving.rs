//! Frames whose backdrop moves. In a scene that grows slowly, a key frame, and pictures in which the
//! image is displaced: texts stay where they are, and the macroblocks with them are drawn and encoded
//! a few times a second. In a cross-fade, images that are mixed.

use std::ops::Range;
use std::sync::Arc;

use super::plan::{SceneSpan, Still};
use super::{ROW, StillRenderer, TextGroup};
use crate::media::canvas::{Canvas, TextDrawing};
use crate::media::h264::{EncodedStill, Fixed, MACROBLOCK, MovingPicture, SliceHeader};
use crate::media::{Cancel, MediaError};

/// Returns the columns, in whole macroblocks, in which drawings change a row of macroblocks; `None` if
/// none of them is there.
pub(super) fn columns_of(
    drawings: &[&TextDrawing],
    row: usize,
    width: usize,
) -> Option<Range<usize>> {
    /// The columns are a multiple of this, so that an encoder can be used again.
    const COLUMNS: usize = 8 * ROW;
    let is_here = |text: &&&TextDrawing| text.rows().start < row + ROW && text.rows().end > row;
    let columns = drawings.iter().filter(is_here).map(|text| text.columns());
    let columns = columns.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))?;
    let whole = width.next_multiple_of(ROW);
    let start = columns.start / ROW * ROW;
    let width = (columns.end - start).next_multiple_of(COLUMNS).min(whole);
    let start = start.min(whole - width);
    Some(start..start + width)
}

/// What is drawn from a frame of a still on whose backdrop moves: texts, and the words that are marked.
type Step = (u32, Arc<TextGroup>, Vec<TextDrawing>);

/// Draws the texts of a frame onto the rows of it from `first` on.
fn draw_step(steps: &[Step], frame: u32, canvas: &mut Canvas, first: usize) {
    if let Some((_, group, marks)) = steps.iter().rev().find(|(at, ..)| *at <= frame) {
        group.texts.iter().for_each(|text| text.drawing.draw(canvas, first));
        marks.iter().for_each(|mark| mark.draw(canvas, first));
    }
}

/// Returns what differs between a step and the one before it: where the texts are the same, the words
/// that are marked.
fn changes(steps: &[Step], at: usize) -> Vec<&TextDrawing> {
    let [(_, before, old), (_, group, new)] = [&steps[at - 1], &steps[at]];
    let indexes =
        |group: &TextGroup| -> Vec<usize> { group.texts.iter().map(|text| text.index).collect() };
    let is_same = indexes(before) == indexes(group);
    let texts = [before, group].into_iter().filter(|_| !is_same).flat_map(|group| &group.texts);
    texts.map(|text| &text.drawing).chain(old).chain(new).collect()
}

impl StillRenderer<'_> {
    /// Draws and encodes the frames of a still whose scene grows; `None` if the encoder uses parameters
    /// that are not supported.
    pub(super) fn moving(
        &self,
        still: &Still,
        frames: u32,
        header: &SliceHeader,
        cancel: &Cancel,
    ) -> Result<Option<EncodedStill>, MediaError> {
        let number = still.backdrop.scene;
        let Some(&SceneSpan { start, zoom: Some(zoom), .. }) = self.plan.scene(number) else {
            return Ok(None);
        };
        let later = still.steps.iter().map(|(at, shown)| (*at, shown));
        let steps = [(0, &still.texts)].into_iter().chain(later).map(|(at, shown)| {
            let group = self.group(number, shown, cancel)?;
            let marks = self.marks(&group, shown);
            Ok((at, group, marks))
        });
        let steps: Vec<Step> = steps.collect::<Result<_, MediaError>>()?;
        // The texts of a frame, over the image of the same or of an earlier one.
        let draw = |image: u32, frame: u32, rows: Range<usize>| {
            let mut canvas = self.shown(number, still.first + image, rows.clone())?;
            draw_step(&steps, frame, &mut canvas, rows.start);
            Ok::<_, MediaError>(canvas)
        };
        let (width, height) = (self.timeline.frame.width as usize, self.timeline.frame.height);
        let Some(rows) = header.encode_rows(&self.encoder, &draw(0, 0, 0..height as usize)?)?
        else {
            return Ok(None);
        };
        let key = header.moving_key([(0, &rows)]);
        // What has a text in any of the frames is drawn in each: the key frame may show another one.
        let groups = steps.iter().flat_map(|(_, group, _)| &group.texts);
        let marks = steps.iter().flat_map(|(.., marks)| marks);
        let all: Vec<&TextDrawing> = groups.map(|text| &text.drawing).chain(marks).collect();
        let band = self.whole_rows(all.iter().map(|text| text.rows())).unwrap_or(0..0);
        let areas = band.clone().step_by(ROW);
        let areas = areas.filter_map(|row| Some((row, columns_of(&all, row, width)?)));
        let areas: Vec<(usize, Range<usize>)> = areas.collect();
        let columns = areas.iter().map(|(_, columns)| columns.clone());
        let columns = columns.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        // They are drawn again for the background behind them.
        let interval = zoom.interval(&columns.unwrap_or(0..0), &band);
        let frame_of_scene = |frame: u32| (still.first + frame).saturating_sub(start);
        let (mut pictures, mut image) = (Vec::new(), 0);
        for frame in 1..frames {
            cancel.check()?;
            let changed = if band.is_empty() {
                None
            } else if frame % interval == 0 {
                image = frame;
                Some(all.clone())
            } else {
                let step = steps.iter().rposition(|(at, ..)| *at == frame);
                step.map(|step| changes(&steps, step))
            };
            let drawn = changed
                .map(|changed| Ok::<_, MediaError>((draw(image, frame, band.clone())?, changed)))
                .transpose()?;
            let mut fixed = Vec::new();
            for (row, columns) in &areas {
                let repeated = |columns: Range<usize>| {
                    (columns.start, *row, Fixed::Repeated(columns.len() as u32 / MACROBLOCK))
                };
                let drawn = drawn.as_ref().and_then(|(canvas, changed)| {
                    let drawn = columns_of(changed, *row, width)?;
                    Some((canvas, drawn.start.max(columns.start)..drawn.end.min(columns.end)))
                });
                let Some((canvas, drawn)) = drawn else {
                    fixed.push(repeated(columns.clone()));
                    continue;
                };
                let top = row - band.start;
                let area = canvas.area(drawn.clone(), top..top + ROW);
                let encoded = header.encode_rows(&self.moving_encoder, &area)?;
                let encoded = Fixed::Encoded(encoded.ok_or_else(super::several_slices)?);
                fixed.push(repeated(columns.start..drawn.start));
                fixed.push((drawn.start, *row, encoded));
                fixed.push(repeated(drawn.end..columns.end));
            }
            let glide = zoom.glide(frame_of_scene(0), frame_of_scene(frame));
            pictures.push(header.moving(&MovingPicture { glide, fixed }, frame));
        }
        Ok(Some(EncodedStill::of_frames(key, pictures)))
    }

    /// Draws a still in which a scene appears over what was seen before.
    pub(super) fn faded(&self, still: &Still, group: &TextGroup) -> Result<Canvas, MediaError> {
        let number = still.backdrop.scene;
        let span = self.plan.scene(number);
        let (start, before, fade) =
            span.map_or((0, 0, 0), |span| (span.start, span.before, span.fade));
        let rows = 0..self.timeline.frame.height as usize;
        let mut canvas = self.shown(before, still.first, rows.clone())?;
        let share = (still.first.saturating_sub(start) + 1) as f32 / (fade + 1) as f32;
        canvas.blend(&self.shown(number, still.first, rows)?, share);
        group.texts.iter().for_each(|text| text.drawing.draw(&mut canvas, 0));
        self.marks(group, &still.texts).iter().for_each(|mark| mark.draw(&mut canvas, 0));
        Ok(canvas)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use image::{Rgb, RgbImage};
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource as _;

    use super::*;
    use crate::media::stills::{StillPlan, frame_at};
    use crate::media::{
        CaptionMode, FrameSize, Image, ImageFit, ImageMotion, Scene, TextClip, Timeline,
        VideoBackground,
    };

    const SIZE: FrameSize = FrameSize { width: 320, height: 192 };

    /// Returns an image of soft waves, which show any displacement.
    fn waves(seed: u32) -> VideoBackground {
        let wave = |at: u32, length: f32| ((at + seed) as f32 / length).sin() * 60.0;
        let pixel = |x, y| [wave(x, 9.0), wave(y, 11.0), wave(x + y, 14.0)];
        let image =
            RgbImage::from_fn(640, 384, |x, y| Rgb(pixel(x, y).map(|value| (value + 128.0) as u8)));
        let mut png = std::io::Cursor::new(Vec::new());
        image.write_to(&mut png, image::ImageFormat::Png).unwrap();
        VideoBackground::Image(Image::decode(png.get_ref(), "waves.png").unwrap())
    }

    fn timeline(starts: &[u64], fade: u64, motion: ImageMotion) -> Timeline {
        let millis = Duration::from_millis;
        let mut timeline = Timeline::new(SIZE, millis(4000));
        for (seed, start) in (0..).zip(starts) {
            let mut scene = Scene::new(waves(seed * 40), millis(*start));
            scene.motion = motion;
            scene.fade = millis(fade);
            scene.fit = if seed % 2 == 0 { ImageFit::Cover } else { ImageFit::Contain };
            timeline.scenes.push(scene);
        }
        timeline
    }

    /// Decodes every frame of a timeline and passes its luma on, with what should be behind its texts.
    fn decode(timeline: &Timeline, mut check: impl FnMut(u32, &StillRenderer<'_>, &[u8])) {
        let frames = frame_at(timeline.duration);
        let plan = StillPlan::new(timeline, frames);
        let renderer = StillRenderer::new(timeline, &plan, 20);
        let mut decoder = Decoder::new().unwrap();
        let mut at = 0;
        for shot in &plan.shots {
            let still = renderer.encode(shot.still, &Cancel::new()).unwrap();
            for index in 0..shot.frames {
                let unit = still.frame(shot.before, index);
                let picture = decoder.decode(&unit).unwrap().expect("a picture for each frame");
                let rows = picture.y().chunks(picture.strides().0);
                let luma: Vec<u8> = rows
                    .take(SIZE.height as usize)
                    .flat_map(|row| row[..SIZE.width as usize].to_vec())
                    .collect();
                check(at, &renderer, &luma);
                at += 1;
            }
        }
        assert_eq!(at, frames);
    }

    fn difference(one: &[u8], other: &[u8]) -> f32 {
        assert_eq!(one.len(), other.len());
        let sum: u32 = one.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        sum as f32 / one.len() as f32
    }

    #[test]
    fn every_frame_of_a_zoom_shows_the_image_as_large_as_it_is() {
        let rows = 0..SIZE.height as usize;
        let timeline = timeline(&[0, 2500], 0, ImageMotion::Zoom);
        let mut firsts: Vec<Vec<u8>> = Vec::new();
        decode(&timeline, |frame, renderer, luma| {
            let scene = if frame < 75 { 1 } else { 2 };
            let expected = renderer.shown(scene, frame, rows.clone()).unwrap();
            let found = difference(luma, &expected.y);
            assert!(found < 2.0, "frame {frame} differs by {found}");
            if [0, 74, 75, 119].contains(&frame) {
                firsts.push(luma.to_vec());
            }
        });
        // What the others are compared to moves.
        for pair in firsts.windows(2) {
            assert!(difference(&pair[0], &pair[1]) > 3.0);
        }
    }

    #[test]
    fn texts_stay_where_they_are_while_the_image_grows() {
        let millis = Duration::from_millis;
        let mut timeline = timeline(&[0], 0, ImageMotion::Zoom);
        for (mode, start) in [(CaptionMode::Boxed, 0), (CaptionMode::Words, 2000)] {
            let mut caption = TextClip::caption("One two three", millis(start), millis(1900));
            caption.style.mode = mode;
            caption.words = vec![(0, millis(100)), (4, millis(700)), (8, millis(1300))];
            timeline.texts.push(caption);
        }
        let bright = |luma: &[u8]| luma.iter().filter(|value| **value > 210).count();
        let mut letters = [0_usize; 120];
        decode(&timeline, |frame, _, luma| letters[frame as usize] = bright(luma));
        assert!(letters[..57].iter().all(|count| *count > 80), "{letters:?}");
        assert!(letters[57..60].iter().all(|count| *count == 0), "{letters:?}");
        assert!(letters[60..117].iter().all(|count| *count > 40), "{letters:?}");
        assert!(letters[117..].iter().all(|count| *count == 0), "{letters:?}");
    }

    #[test]
    fn a_scene_fades_in_over_the_one_before() {
        let rows = 0..SIZE.height as usize;
        for motion in [ImageMotion::Zoom, ImageMotion::Still] {
            let timeline = timeline(&[0, 2000], 500, motion);
            decode(&timeline, |frame, renderer, luma| {
                let shown = |scene| renderer.shown(scene, frame, rows.clone()).unwrap().y;
                let before = difference(luma, &shown(1));
                let after = difference(luma, &shown(2));
                match frame {
                    0..60 => assert!(before < 2.5 && after > 20.0, "{frame}: {before}, {after}"),
                    60..75 => {
                        let share = before / (before + after);
                        // Each image is shown in three frames.
                        let expected = ((frame - 60) / 3 * 3 + 1) as f32 / 16.0;
                        assert!((share - expected).abs() < 0.1, "{frame}: {share}, {expected}");
                    }
                    _ => assert!(after < 2.5 && before > 20.0, "{frame}: {before}, {after}"),
                }
            });
        }
    }

    #[test]
    fn a_scene_without_motion_or_fade_begins_at_its_frame() {
        let rows = 0..SIZE.height as usize;
        let timeline = timeline(&[1000, 2000], 0, ImageMotion::Still);
        decode(&timeline, |frame, renderer, luma| {
            let scene = (frame as usize / 30).min(2);
            let expected = renderer.shown(scene, frame, rows.clone()).unwrap();
            let found = difference(luma, &expected.y);
            assert!(found < 2.0, "frame {frame} differs by {found}");
        });
    }
}
