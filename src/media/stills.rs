//! The still images of a video: which texts are visible in which frames, and drawing and encoding
//! each distinct still once, and of most stills only the rows with their texts. Where only the spoken
//! word changes, only the macroblocks with it are encoded. Backdrops that grow or fade are left to
//! [`moving`], and working on all cores and writing the file to [`render`](super::render()).

mod moving;
mod plan;

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use super::background::paint;
use super::canvas::{Canvas, TextDrawing};
use super::h264::{EncodedRows, EncodedStill, MACROBLOCK, SliceHeader, StillEncoder};
use super::layout::{TextBlock, blocks};
use super::scenes::{paint_scene, view};
use super::syllables::Hyphenator;
use super::{Cancel, CaptionMode, Font, MediaError, TextClip, Timeline, lock, thread_count};
use moving::columns_of;
use plan::{SceneSpan, Shot, Shown, Still};
pub(crate) use plan::{StillPlan, duration_of, frame_at, frame_shown_at};

/// Height of a row of macroblocks, and width of each of them.
const ROW: usize = MACROBLOCK as usize;
/// How much coarser texts over a moving image are encoded: each is seen for a fraction of a second.
const MOVING_QUANTIZER: u8 = 4;

/// Draws and encodes the stills of a timeline.
pub(crate) struct StillRenderer<'a> {
    timeline: &'a Timeline,
    plan: &'a StillPlan,
    /// The latest backgrounds, by the number of scenes that have begun.
    backdrops: Recent<usize, Canvas>,
    font: Font,
    hyphenator: Hyphenator,
    quantizer: u8,
    encoder: StillEncoder,
    moving_encoder: StillEncoder,
    header: Shared<Option<SliceHeader>>,
    /// Rows of the background without text, which most stills share.
    rows: Mutex<HashMap<SceneRows, Arc<SharedRows>>>,
    /// The latest groups in which words are marked.
    groups: Recent<(usize, Vec<usize>), TextGroup>,
}

/// Texts that are visible together, and where each of them is.
struct TextGroup {
    texts: Vec<GroupText>,
    /// The rows with the texts, in whole macroblocks; none without texts.
    band: Range<usize>,
    /// These rows of the frame, without marked words.
    canvas: OnceLock<Canvas>,
}

struct GroupText {
    index: usize,
    block: TextBlock,
    drawing: TextDrawing,
}

/// A value that one thread makes and others wait for.
type Shared<T> = Mutex<Option<Arc<T>>>;
type SharedRows = Shared<Option<EncodedRows>>;
/// Rows of a picture that were encoded, and the first of them.
type Part = (usize, Arc<Option<EncodedRows>>);
/// The number of a scene, and rows of it.
type SceneRows = (usize, Range<usize>);
/// The latest values, with their keys.
type Recent<K, T> = Mutex<VecDeque<(K, Arc<Shared<T>>)>>;

fn shared<T>(
    place: &Shared<T>,
    make: impl FnOnce() -> Result<T, MediaError>,
) -> Result<Arc<T>, MediaError> {
    let mut place = lock(place);
    if let Some(value) = &*place {
        return Ok(Arc::clone(value));
    }
    Ok(Arc::clone(place.insert(Arc::new(make()?))))
}

/// Returns the place of a value among the latest ones.
fn recent<K: PartialEq + Clone, T>(places: &Recent<K, T>, key: &K) -> Arc<Shared<T>> {
    let mut places = lock(places);
    if let Some((_, place)) = places.iter().find(|(known, _)| known == key) {
        return Arc::clone(place);
    }
    // The scene before, this one, and the next one; another thread may be late.
    if places.len() > thread_count() + 1 {
        places.pop_front();
    }
    let place = Arc::default();
    places.push_back((key.clone(), Arc::clone(&place)));
    place
}

/// Returns parts, if all of them could be encoded as slices.
fn encoded(parts: &[Part]) -> Option<Vec<(usize, &EncodedRows)>> {
    parts.iter().map(|(row, encoded)| Some((*row, Option::as_ref(encoded)?))).collect()
}

fn several_slices() -> MediaError {
    MediaError::Encode("the encoder made several slices of one row".to_owned())
}

impl<'a> StillRenderer<'a> {
    pub(crate) fn new(timeline: &'a Timeline, plan: &'a StillPlan, quantizer: u8) -> Self {
        Self {
            timeline,
            plan,
            backdrops: Mutex::default(),
            font: timeline.font.clone().unwrap_or_default(),
            hyphenator: Hyphenator::of(timeline.language.as_deref()),
            quantizer,
            encoder: StillEncoder::new(quantizer),
            moving_encoder: StillEncoder::new(quantizer + MOVING_QUANTIZER),
            header: Mutex::default(),
            rows: Mutex::default(),
            groups: Mutex::default(),
        }
    }

    /// Draws and encodes a still. The result depends on the plan only.
    pub(crate) fn encode(&self, index: usize, cancel: &Cancel) -> Result<EncodedStill, MediaError> {
        cancel.check()?;
        let still = &self.plan.stills[index];
        let height = self.timeline.frame.height as usize;
        let header = shared(&self.header, || {
            SliceHeader::new(&self.encoder, self.timeline.frame, self.plan.motion())
        })?;
        let shots = self.plan.shots.iter().filter(|shot| shot.still == index);
        let shot = shots.max_by_key(|shot| shot.frames).copied().unwrap_or_default();
        // The background of a scene that grows is larger than the frame: no rows of it are shown as
        // they are.
        let grows = self.plan.scene(still.backdrop.scene).is_some_and(|span| span.zoom.is_some());
        if let Some(header) = &*header
            && (grows || still.backdrop.is_fade)
            && let Some(moving) = self.moving(still, &shot, header, cancel)?
        {
            return Ok(moving);
        }
        let group = self.group(still.backdrop.scene, &still.texts, cancel)?;
        if let Some(header) = &*header
            && !grows
        {
            if let Some(before) = still.after {
                return self.changed(&self.plan.stills[before], still, &group, header);
            }
            let parts = self.parts(still.backdrop.scene, &still.texts, header, cancel)?;
            if let Some(parts) = encoded(&parts) {
                return Ok(header.still(parts));
            }
        }
        let mut canvas = self.shown(still.backdrop.scene, still.first, 0..height)?;
        group.texts.iter().for_each(|text| text.drawing.draw(&mut canvas, 0));
        self.marks(&group, &still.texts).iter().for_each(|mark| mark.draw(&mut canvas, 0));
        self.encoder.encode(&canvas, shot.frames)
    }

    /// Returns texts over a scene that stands still, as parts with the row at which each begins.
    fn parts(
        &self,
        scene: usize,
        texts: &[Shown],
        header: &SliceHeader,
        cancel: &Cancel,
    ) -> Result<Vec<Part>, MediaError> {
        let height = self.timeline.frame.height as usize;
        let group = self.group(scene, texts, cancel)?;
        // A still without text is cut where the first one with text is.
        let has_text = !group.texts.is_empty();
        let first = self.plan.stills.iter().find(|still| !still.texts.is_empty());
        let band = match first {
            _ if has_text => group.band.clone(),
            Some(still) => {
                Some(self.group(still.backdrop.scene, &still.texts, cancel)?.band.clone())
                    .filter(|band| !band.is_empty())
                    .unwrap_or(0..height)
            }
            None => 0..height,
        };
        let middle = match has_text {
            true => Arc::new(self.rows_with(&group, scene, texts, header)?),
            false => self.plain_rows(scene, header, band.clone())?,
        };
        let top = self.plain_rows(scene, header, 0..band.start)?;
        let bottom = self.plain_rows(scene, header, band.end..height)?;
        let parts = [(0..band.start, top), (band.clone(), middle), (band.end..height, bottom)];
        let parts = parts.into_iter().filter(|(rows, _)| !rows.is_empty());
        Ok(parts.map(|(rows, encoded)| (rows.start, encoded)).collect())
    }

    /// Encodes the macroblocks in which a still differs from the one before it.
    fn changed(
        &self,
        before: &Still,
        still: &Still,
        group: &TextGroup,
        header: &SliceHeader,
    ) -> Result<EncodedStill, MediaError> {
        let marks = self.marks(group, &still.texts);
        let both = self.marks(group, before.last_texts());
        let both: Vec<&TextDrawing> = both.iter().chain(&marks).collect();
        let Some(rows) = self.whole_rows(both.iter().map(|mark| mark.rows())) else {
            return Ok(header.changed([]));
        };
        let inside = rows.start - group.band.start..rows.end - group.band.start;
        let mut canvas = self.drawn(still.backdrop.scene, group)?.rows(inside);
        marks.iter().for_each(|mark| mark.draw(&mut canvas, rows.start));
        let mut parts = Vec::new();
        for row in rows.clone().step_by(ROW) {
            let Some(columns) = columns_of(&both, row, canvas.width()) else { continue };
            let top = row - rows.start;
            let area = canvas.area(columns.clone(), top..top + ROW);
            let encoded = header.encode_rows(&self.encoder, &area)?;
            parts.push((columns.start, row, encoded.ok_or_else(several_slices)?));
        }
        Ok(header.changed(parts))
    }

    /// Encodes the frames from the last key frame up to a frame of the video, or to the one that it
    /// repeats, and passes each to `decode` as soon as others refer to it. In the last shot, they come
    /// with the number of frames that are shown before that one.
    pub(crate) fn frames_up_to(
        &self,
        frame: u32,
        cancel: &Cancel,
        mut decode: impl FnMut(&[u8], Option<u32>) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        let (mut at, mut shown) = (0, Vec::new());
        for shot in &self.plan.shots {
            if at > frame {
                break;
            }
            if shot.has_key() {
                shown.clear();
            }
            shown.push((at, shot));
            at += shot.frames;
        }
        let count = shown.len();
        for ((start, shot), number) in shown.into_iter().zip(1..) {
            let still = self.encode(shot.still, cancel)?;
            let is_last = number == count;
            let wanted = match is_last && still.repeats_exactly() {
                true => 0,
                false => (frame - start).min(shot.frames - 1),
            };
            let before = is_last.then_some(shot.before.shown + wanted);
            for picture in 0..shot.frames {
                cancel.check()?;
                if picture == 0 || shot.shown_at(picture) <= wanted {
                    decode(&still.frame(shot.before, picture), before)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the background of a scene, by the number of those that have begun. That of one that
    /// grows is larger than the frame.
    pub(crate) fn backdrop(&self, scene: usize) -> Result<Arc<Canvas>, MediaError> {
        let place = recent(&self.backdrops, &scene);
        let Timeline { background, scenes, frame, texts, .. } = self.timeline;
        let has_texts = !texts.is_empty();
        let zoom = self.plan.scene(scene).and_then(|span| span.zoom);
        shared(&place, || match scene.checked_sub(1).and_then(|index| scenes.get(index)) {
            Some(shown) => paint_scene(shown, *frame, zoom.as_ref(), has_texts),
            None => paint(background, *frame, has_texts),
        })
    }

    /// Returns rows of what is behind the texts in a frame of the video in which a scene is shown.
    fn shown(&self, scene: usize, frame: u32, rows: Range<usize>) -> Result<Canvas, MediaError> {
        let backdrop = self.backdrop(scene)?;
        Ok(match self.plan.scene(scene) {
            Some(&SceneSpan { start, zoom: Some(zoom), .. }) => {
                let frame = frame.saturating_sub(start);
                view(&backdrop, &zoom, frame, self.timeline.frame, rows)?
            }
            _ => backdrop.rows(rows),
        })
    }

    /// Returns texts in a scene. Those in which words are marked are kept for the stills that follow.
    fn group(
        &self,
        scene: usize,
        shown: &[Shown],
        cancel: &Cancel,
    ) -> Result<Arc<TextGroup>, MediaError> {
        let texts: Vec<usize> = shown.iter().map(|shown| shown.text).collect();
        if !texts.iter().any(|text| self.has_marks(*text)) {
            return self.new_group(&texts, cancel).map(Arc::new);
        }
        let place = recent(&self.groups, &(scene, texts.clone()));
        shared(&place, || self.new_group(&texts, cancel))
    }

    fn has_marks(&self, text: usize) -> bool {
        self.timeline.texts[text].style.mode == CaptionMode::Words
    }

    fn new_group(&self, texts: &[usize], cancel: &Cancel) -> Result<TextGroup, MediaError> {
        let Timeline { frame, texts: clips, .. } = self.timeline;
        let visible: Vec<&TextClip> = texts.iter().map(|text| &clips[*text]).collect();
        let mut group = Vec::new();
        for (at, block) in blocks(&visible, &self.font, self.hyphenator, *frame, cancel)? {
            cancel.check()?;
            let drawing = TextDrawing::new(&block, visible[at].drawn_style(), &self.font, *frame);
            group.push(GroupText { index: texts[at], block, drawing });
        }
        let band = self.whole_rows(group.iter().map(|text| text.drawing.rows())).unwrap_or(0..0);
        Ok(TextGroup { texts: group, band, canvas: OnceLock::new() })
    }

    /// Returns the words that are marked.
    fn marks(&self, group: &TextGroup, shown: &[Shown]) -> Vec<TextDrawing> {
        let Timeline { frame, texts: clips, .. } = self.timeline;
        let shown = shown.iter().filter_map(|shown| Some((shown.text, shown.word?)));
        shown
            .filter_map(|(text, word)| {
                let text = group.texts.iter().find(|known| known.index == text)?;
                let style = clips[text.index].style;
                Some(TextDrawing::of_word(&text.block, word, style, &self.font, *frame))
            })
            .flatten()
            .collect()
    }

    /// Returns the rows in which texts are drawn, in whole macroblocks. Texts of as many lines have
    /// the same rows, so that their stills share the rows around them.
    fn whole_rows(&self, rows: impl Iterator<Item = Range<usize>>) -> Option<Range<usize>> {
        let height = self.timeline.frame.height as usize;
        let all = rows.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))?;
        let end = all.end.next_multiple_of(ROW);
        // Less than a whole row of macroblocks cannot be encoded on its own.
        let end = if end + ROW > height { height } else { end };
        let start = all.start.min(end.saturating_sub(ROW));
        Some(start / ROW * ROW..end)
    }

    /// Returns the rows of a group without marked words.
    fn drawn<'s>(&self, scene: usize, group: &'s TextGroup) -> Result<&'s Canvas, MediaError> {
        let backdrop = self.backdrop(scene)?;
        Ok(group.canvas.get_or_init(|| {
            let mut canvas = backdrop.rows(group.band.clone());
            for text in &group.texts {
                text.drawing.draw(&mut canvas, group.band.start);
            }
            canvas
        }))
    }

    fn rows_with(
        &self,
        group: &TextGroup,
        scene: usize,
        texts: &[Shown],
        header: &SliceHeader,
    ) -> Result<Option<EncodedRows>, MediaError> {
        let marks = self.marks(group, texts);
        let drawn = self.drawn(scene, group)?;
        if marks.is_empty() {
            return header.encode_rows(&self.encoder, drawn);
        }
        let mut canvas = drawn.clone();
        marks.iter().for_each(|mark| mark.draw(&mut canvas, group.band.start));
        header.encode_rows(&self.encoder, &canvas)
    }

    /// Returns rows without text.
    fn plain_rows(
        &self,
        scene: usize,
        header: &SliceHeader,
        rows: Range<usize>,
    ) -> Result<Arc<Option<EncodedRows>>, MediaError> {
        if rows.is_empty() {
            return Ok(Arc::new(None));
        }
        let place = {
            let mut known = lock(&self.rows);
            // Those of scenes that are over are not needed again.
            known.retain(|(of, _), _| of + 2 * thread_count() > scene);
            Arc::clone(known.entry((scene, rows.clone())).or_default())
        };
        let backdrop = self.backdrop(scene)?;
        // Encoded once: the memory of its encoder is not kept.
        let encoder = StillEncoder::new(self.quantizer);
        shared(&place, || header.encode_rows(&encoder, &backdrop.rows(rows)))
    }
}

/// Passes the frames of a video on in order, as their stills are encoded.
pub(crate) struct FrameWriter<'a> {
    shots: std::slice::Iter<'a, Shot>,
    /// The first frame of the next shot.
    at: u32,
    /// How often each still is yet to be shown.
    uses: Vec<u32>,
    waiting: HashMap<usize, EncodedStill>,
}

impl<'a> FrameWriter<'a> {
    pub(crate) fn new(plan: &'a StillPlan) -> Self {
        let mut uses = vec![0_u32; plan.stills.len()];
        for shot in &plan.shots {
            uses[shot.still] += 1;
        }
        Self { shots: plan.shots.iter(), at: 0, uses, waiting: HashMap::new() }
    }

    /// Takes the next still.
    pub(crate) fn take(&mut self, index: usize, still: EncodedStill) {
        self.waiting.insert(index, still);
    }

    /// Passes the frames of the shots that begin no later than the frame `last` to `write`, with
    /// whether each is a key frame, and by how many frames it is shown later than those that come in
    /// their order, as far as their stills were taken.
    pub(crate) fn write_until(
        &mut self,
        last: u32,
        cancel: &Cancel,
        mut write: impl FnMut(&[u8], bool, i32) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        while let Some(&shot) = self.shots.as_slice().first()
            && let Shot { still: index, frames, before, .. } = shot
            && self.at <= last
            && let Some(still) = self.waiting.get(&index)
        {
            cancel.check()?;
            for frame in 0..frames {
                let delay = shot.shown_at(frame).cast_signed() - frame.cast_signed();
                write(&still.frame(before, frame), shot.has_key() && frame == 0, delay)?;
            }
            self.at += frames;
            self.uses[index] -= 1;
            if self.uses[index] == 0 {
                self.waiting.remove(&index);
            }
            self.shots.next();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::media::FrameSize;
    use crate::media::h264::MAX_SHOT;

    #[test]
    fn shots_are_written_no_further_than_asked_for_and_once() {
        let plan = StillPlan::new(&Timeline::new(FrameSize::SQUARE, Duration::ZERO), 3 * MAX_SHOT);
        let image = Canvas::new(FrameSize { width: 64, height: 64 });
        let mut writer = FrameWriter::new(&plan);
        let (mut written, mut keys) = (0_u32, 0_u32);
        let last_frames = [0, 0, MAX_SHOT - 1, MAX_SHOT, u32::MAX, u32::MAX];
        for (step, (last, shots)) in last_frames.into_iter().zip([0_u32, 1, 1, 2, 3, 3]).enumerate()
        {
            if step == 1 {
                writer.take(0, StillEncoder::new(30).encode(&image, MAX_SHOT).unwrap());
            }
            let count = |_: &[u8], is_key: bool, _: i32| {
                written += 1;
                keys += u32::from(is_key);
                Ok(())
            };
            writer.write_until(last, &Cancel::new(), count).unwrap();
            assert_eq!((written, keys), (shots * MAX_SHOT, shots), "up to frame {last}");
        }
        assert!(writer.waiting.is_empty());
    }
}
