//! Frames whose backdrop moves: a key frame, and pictures that are not encoded. In a scene that grows
//! slowly, the image is displaced, and in a cross-fade, two are mixed. Texts stay where they are, and the
//! macroblocks with them are drawn and encoded a few times a second.

use std::ops::Range;
use std::sync::Arc;

use super::plan::{SceneSpan, Shot, Still};
use super::{ROW, StillRenderer, TextGroup, encoded};
use crate::media::canvas::{Canvas, TextDrawing};
use crate::media::h264::{
    Base, EncodedRows, EncodedStill, Fixed, Glide, MACROBLOCK, MovingPicture, Place, SliceHeader,
};
use crate::media::scenes::Zoom;
use crate::media::{Cancel, MediaError};

/// The number of frames of a fade in which what is behind a text stays the same.
const FADE_STEP: u32 = 4;

/// Returns the columns, in whole macroblocks, in which drawings change a row of macroblocks; `None` if
/// none of them is there.
pub(super) fn columns_of(
    drawings: &[&TextDrawing],
    row: usize,
    width: usize,
) -> Option<Range<usize>> {
    /// The columns are a multiple of this, so that an encoder can be used again.
    const COLUMNS: usize = 8 * ROW;
    let columns = drawings.iter().filter_map(|text| text.columns_in(&(row..row + ROW)));
    let columns = columns.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))?;
    let whole = width.next_multiple_of(ROW);
    let start = columns.start / ROW * ROW;
    let width = (columns.end - start).next_multiple_of(COLUMNS).min(whole);
    let start = start.min(whole - width);
    Some(start..start + width)
}

/// What is drawn from a frame of a still on whose backdrop moves: texts, and the words that are marked.
type Step = (u32, Arc<TextGroup>, Vec<TextDrawing>);

/// Returns the step that a frame shows: the first one begins at the first frame.
fn step_at(steps: &[Step], frame: u32) -> &Step {
    steps.iter().rfind(|(at, ..)| *at <= frame).unwrap_or(&steps[0])
}

/// Draws the texts of a frame onto the rows of it from `first` on.
fn draw_step((_, group, marks): &Step, canvas: &mut Canvas, first: usize) {
    group.texts.iter().for_each(|text| text.drawing.draw(canvas, first));
    marks.iter().for_each(|mark| mark.draw(canvas, first));
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

/// Returns all of what is drawn in any of the frames.
fn drawings(steps: &[Step]) -> Vec<&TextDrawing> {
    let groups = steps.iter().flat_map(|(_, group, _)| &group.texts);
    groups.map(|text| &text.drawing).chain(steps.iter().flat_map(|(.., marks)| marks)).collect()
}

/// What is drawn of a still whose backdrop moves.
struct Moving<'s> {
    still: &'s Still,
    span: SceneSpan,
    steps: Vec<Step>,
}

/// Where texts are: a band of rows, and in it the first of each row of macroblocks, with its columns.
struct Areas {
    band: Range<usize>,
    rows: Vec<(usize, Range<usize>)>,
}

impl StillRenderer<'_> {
    /// Draws and encodes the frames of a still whose scene grows or fades in; `None` if the encoder uses
    /// parameters that are not supported.
    pub(super) fn moving(
        &self,
        still: &Still,
        shot: &Shot,
        header: &SliceHeader,
        cancel: &Cancel,
    ) -> Result<Option<EncodedStill>, MediaError> {
        let number = still.backdrop.scene;
        let Some(&span) = self.plan.scene(number) else { return Ok(None) };
        let later = still.steps.iter().map(|(at, shown)| (*at, shown));
        let steps = [(0, &still.texts)].into_iter().chain(later).map(|(at, shown)| {
            let group = self.group(number, shown, cancel)?;
            let marks = self.marks(&group, shown);
            Ok((at, group, marks))
        });
        let steps: Vec<Step> = steps.collect::<Result<_, MediaError>>()?;
        let moving = Moving { still, span, steps };

        let key_place = Place { shown: shot.before.shown + shot.fade, ..shot.before };
        let key = |parts: &[(usize, &EncodedRows)]| match shot.has_key() {
            true => header.key(parts.iter().copied()),
            false => header.faded_key(parts.iter().copied(), key_place),
        };
        let key = if span.zoom.is_some() {
            let rows = 0..self.timeline.frame.height as usize;
            let mut canvas = self.shown(number, still.first + shot.fade, rows)?;
            draw_step(step_at(&moving.steps, shot.fade), &mut canvas, 0);
            header.encode_rows(&self.encoder, &canvas)?.map(|rows| key(&[(0, &rows)]))
        } else {
            let last = still.steps.iter().rfind(|(at, _)| *at <= shot.fade);
            let texts = last.map_or(&still.texts, |(_, texts)| texts);
            encoded(&self.parts(number, texts, header, cancel)?).map(|parts| key(&parts))
        };
        let Some(key) = key else { return Ok(None) };
        let mut pictures = self.fade_pictures(&moving, shot, key_place.after(1), header, cancel)?;
        self.grow(&moving, shot, key_place, header, cancel, &mut pictures)?;
        Ok(Some(EncodedStill::of_frames(key, pictures)))
    }

    fn areas(&self, drawings: &[&TextDrawing]) -> Areas {
        let width = self.timeline.frame.width as usize;
        let band = self.whole_rows(drawings.iter().map(|text| text.rows())).unwrap_or(0..0);
        let rows = band.clone().step_by(ROW);
        let rows = rows.filter_map(|row| Some((row, columns_of(drawings, row, width)?))).collect();
        Areas { band, rows }
    }

    /// Returns what is drawn in the last picture before a still that fades in.
    fn step_before(
        &self,
        still: &Still,
        shot: &Shot,
        cancel: &Cancel,
    ) -> Result<Option<Step>, MediaError> {
        let index = self.plan.shots.iter().position(|other| other == shot);
        let index = index.filter(|_| still.backdrop.is_fade).and_then(|index| index.checked_sub(1));
        let Some(before) = index.map(|index| &self.plan.stills[self.plan.shots[index].still])
        else {
            return Ok(None);
        };
        let group = self.group(before.backdrop.scene, before.last_texts(), cancel)?;
        let marks = self.marks(&group, before.last_texts());
        Ok(Some((0, group, marks)))
    }

    /// Encodes the columns of a row of macroblocks of a band.
    fn encode_area(
        &self,
        canvas: &Canvas,
        columns: Range<usize>,
        top: usize,
        header: &SliceHeader,
    ) -> Result<Fixed, MediaError> {
        let area = canvas.area(columns, top..top + ROW);
        let encoded = header.encode_rows(&self.moving_encoder, &area)?;
        Ok(Fixed::Encoded(encoded.ok_or_else(super::several_slices)?))
    }

    /// Returns the frames in which a scene fades in.
    fn fade_pictures(
        &self,
        moving: &Moving<'_>,
        shot: &Shot,
        place: Place,
        header: &SliceHeader,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<u8>>, MediaError> {
        let Moving { still, span, steps } = moving;
        // Texts of the picture before are hidden: the key frame is without them.
        let last = self.step_before(still, shot, cancel)?;
        let mut all = drawings(steps);
        all.extend(drawings(last.as_slice()));
        let Areas { band, rows } = self.areas(&all);
        // Both images grow on: the one before from its last frame, the other up to its key frame. In a
        // long fade they do not where they would differ too much from that.
        let before = self.plan.scene(span.before).copied();
        let seen = |span: Option<SceneSpan>, key: u32, frame: u32| {
            let most = span.and_then(|span| span.zoom).map_or(0, |zoom| zoom.key_interval());
            still.first + frame.clamp(key.saturating_sub(most), key + most)
        };
        let glide = |span: Option<SceneSpan>, key: u32, frame: u32| {
            let Some(SceneSpan { start, zoom: Some(zoom), .. }) = span else { return Glide::NONE };
            zoom.glide((still.first + key).saturating_sub(start), seen(span, key, frame) - start)
        };
        let share = |frame: u32| (frame + 1) as f32 / (shot.fade + 1) as f32;
        let (mut pictures, mut fixed) = (Vec::new(), Vec::new());
        for frame in 0..shot.fade {
            cancel.check()?;
            let is_step = frame % FADE_STEP == 0 || steps.iter().any(|(at, ..)| *at == frame);
            if is_step && !band.is_empty() {
                // In the middle of the frames that have it.
                let part = share(frame) + (FADE_STEP - 1) as f32 / 2.0 / (shot.fade + 1) as f32;
                let old = seen(before, 0, frame + 1);
                let mut canvas = self.shown(span.before, old, band.clone())?;
                let new = seen(Some(*span), shot.fade, frame);
                canvas.blend(&self.shown(still.backdrop.scene, new, band.clone())?, part);
                draw_step(step_at(steps, frame), &mut canvas, band.start);
                let encode = |(row, columns): &(usize, Range<usize>)| {
                    let top = row - band.start;
                    let area = self.encode_area(&canvas, columns.clone(), top, header)?;
                    Ok((columns.start, *row, area))
                };
                fixed = rows.iter().map(encode).collect::<Result<_, MediaError>>()?;
            }
            let (old, new) = (glide(before, 0, frame + 1), glide(Some(*span), shot.fade, frame));
            let base = Base::Mixed(old, new, share(frame));
            let place = Place { shown: shot.before.shown + frame, ..place };
            pictures.push(header.moving(&MovingPicture { base, fixed: &fixed }, place));
        }
        Ok(pictures)
    }

    /// Adds the frames after the key frame.
    fn grow(
        &self,
        moving: &Moving<'_>,
        shot: &Shot,
        key_place: Place,
        header: &SliceHeader,
        cancel: &Cancel,
        pictures: &mut Vec<Vec<u8>>,
    ) -> Result<(), MediaError> {
        let Moving { still, span, steps } = moving;
        let width = self.timeline.frame.width as usize;
        // What has a text in any of the frames: the key frame may show another one.
        let all = drawings(steps);
        let Areas { band, rows } = self.areas(&all);
        let columns = rows.iter().map(|(_, columns)| columns.clone());
        let columns = columns.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        // Texts are drawn again for the background behind them.
        let interval = |zoom: Zoom| zoom.interval(&columns.clone().unwrap_or(0..0), &band);
        let interval = span.zoom.map_or(u32::MAX, interval);
        let frame_of_scene = |frame: u32| (still.first + frame).saturating_sub(span.start);
        let mut image = shot.fade;
        // Texts over an image, without marked words: these change more often.
        let mut texts: Option<(u32, Arc<TextGroup>, Canvas)> = None;
        for frame in shot.fade + 1..shot.frames {
            cancel.check()?;
            let since = frame - shot.fade;
            let changed = if band.is_empty() {
                None
            } else if since.is_multiple_of(interval) {
                image = frame;
                Some(all.clone())
            } else {
                let step = steps.iter().rposition(|(at, ..)| *at == frame);
                step.map(|step| changes(steps, step))
            };
            let mut draw = |changed| {
                let (_, group, marks) = step_at(steps, frame);
                let known =
                    texts.take().filter(|(of, known, _)| *of == image && Arc::ptr_eq(known, group));
                let canvas = match known {
                    Some((.., canvas)) => canvas,
                    None => {
                        let first = still.first + image;
                        let mut canvas = self.shown(still.backdrop.scene, first, band.clone())?;
                        let drawings = group.texts.iter().map(|text| &text.drawing);
                        drawings.for_each(|text| text.draw(&mut canvas, band.start));
                        canvas
                    }
                };
                let mut marked = canvas.clone();
                texts = Some((image, Arc::clone(group), canvas));
                marks.iter().for_each(|mark| mark.draw(&mut marked, band.start));
                Ok::<_, MediaError>((marked, changed))
            };
            let drawn = changed.map(&mut draw).transpose()?;
            let mut fixed = Vec::new();
            for (row, columns) in &rows {
                let kept = |columns: Range<usize>| {
                    let count = columns.len() as u32 / MACROBLOCK;
                    // The picture before the first one is not the key frame, but of the fade.
                    let kept =
                        if since == 1 { Fixed::OfKey(count) } else { Fixed::Repeated(count) };
                    (columns.start, *row, kept)
                };
                let drawn = drawn.as_ref().and_then(|(canvas, changed)| {
                    let drawn = columns_of(changed, *row, width)?;
                    Some((canvas, drawn.start.max(columns.start)..drawn.end.min(columns.end)))
                });
                let Some((canvas, drawn)) = drawn else {
                    fixed.push(kept(columns.clone()));
                    continue;
                };
                let encoded = self.encode_area(canvas, drawn.clone(), row - band.start, header)?;
                fixed.push(kept(columns.start..drawn.start));
                fixed.push((drawn.start, *row, encoded));
                fixed.push(kept(drawn.end..columns.end));
            }
            let base = match span.zoom {
                Some(zoom) => {
                    Base::Key(zoom.glide(frame_of_scene(shot.fade), frame_of_scene(frame)))
                }
                None if since == 1 => Base::Key(Glide::NONE),
                None => Base::Before,
            };
            if span.zoom.is_none() {
                fixed.retain(|(.., fixed)| matches!(fixed, Fixed::Encoded(_)));
            }
            pictures.push(
                header.moving(&MovingPicture { base, fixed: &fixed }, key_place.after(since)),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use image::{Rgb, RgbImage};
    use openh264::decoder::{DecodeOptions, DecodedYUV, Decoder, Flush};
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
        let mut shown = |picture: &DecodedYUV<'_>| {
            let rows = picture.y().chunks(picture.strides().0).take(SIZE.height as usize);
            let luma: Vec<u8> = rows.flat_map(|row| row[..SIZE.width as usize].to_vec()).collect();
            check(at, &renderer, &luma);
            at += 1;
        };
        for shot in &plan.shots {
            let still = renderer.encode(shot.still, &Cancel::new()).unwrap();
            for index in 0..shot.frames {
                let unit = still.frame(shot.before, index);
                let options = DecodeOptions::new().flush_after_decode(Flush::NoFlush);
                decoder.decode_with_options(&unit, options).unwrap().iter().for_each(&mut shown);
            }
        }
        decoder.flush_remaining().unwrap().iter().for_each(&mut shown);
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
                        let expected = (frame - 60 + 1) as f32 / 16.0;
                        assert!((share - expected).abs() < 0.06, "{frame}: {share}, {expected}");
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
