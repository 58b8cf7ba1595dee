//! The still images of a video: which texts are visible in which frames, and drawing and encoding
//! each distinct still once, and of most stills only the rows with their texts. Where only the spoken
//! word changes, only the macroblocks with it are encoded. Doing so on all cores and writing the file are
//! left to [`render`](super::render()).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::background::paint;
use super::canvas::{Canvas, TextDrawing};
use super::h264::{
    EncodedRows, EncodedStill, FRAME_RATE, MACROBLOCK, MAX_SHOT, SliceHeader, StillEncoder,
};
use super::layout::{TextBlock, blocks};
use super::syllables::Hyphenator;
use super::timeline::TextKind;
use super::{Cancel, CaptionMode, Font, MediaError, TextClip, Timeline, lock, thread_count};

/// Height of a row of macroblocks, and width of each of them.
const ROW: usize = MACROBLOCK as usize;

/// The stills of a video and when each is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StillPlan {
    /// The stills in the order of their first appearance.
    stills: Vec<Still>,
    /// What is shown, in order.
    shots: Vec<Shot>,
}

#[derive(Debug, PartialEq, Eq)]
struct Still {
    /// The texts in drawing order.
    texts: Vec<Shown>,
    /// The still that is always shown before it and has the same texts, with other words marked.
    after: Option<usize>,
}

/// A text in a still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Shown {
    /// The index of the text.
    text: usize,
    /// The word that is marked as the spoken one.
    word: Option<usize>,
}

/// A still shown for a number of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shot {
    still: usize,
    frames: u32,
    /// The number of frames since the last key frame. A shot that begins with one has none.
    before: u32,
}

/// Returns the number of the frame at a time.
pub(crate) fn frame_at(time: Duration) -> u32 {
    let frames = (time.as_nanos() * u128::from(FRAME_RATE) + 500_000_000) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// Returns the number of the frame that is visible at a time.
pub(crate) fn frame_shown_at(time: Duration) -> u32 {
    // A duration of frames is a part of a nanosecond too short.
    let frames = (time.as_nanos() + 1) * u128::from(FRAME_RATE) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// Returns the duration of a number of frames.
pub(crate) fn duration_of(frames: u32) -> Duration {
    Duration::from_nanos(u64::from(frames) * 1_000_000_000 / u64::from(FRAME_RATE))
}

impl StillPlan {
    pub(crate) fn new(texts: &[TextClip], frames: u32) -> Self {
        let mut plan = Self { stills: Vec::new(), shots: Vec::new() };
        let mut known: HashMap<Vec<Shown>, usize> = HashMap::new();
        for (texts, mut left) in spans(texts, frames) {
            if let Some(last) = plan.shots.last()
                && let before = last.before + last.frames
                && before + left <= MAX_SHOT
                && is_same_text(&texts, &plan.stills[last.still].texts)
            {
                let after = Some(last.still);
                plan.shots.push(Shot { still: plan.stills.len(), frames: left, before });
                plan.stills.push(Still { texts, after });
                continue;
            }
            let still = *known.entry(texts).or_insert_with_key(|texts| {
                plan.stills.push(Still { texts: texts.clone(), after: None });
                plan.stills.len() - 1
            });
            while left > 0 {
                // Never a shot of a single frame: see `spans`.
                let frames = if left == MAX_SHOT + 1 { MAX_SHOT - 1 } else { left.min(MAX_SHOT) };
                plan.shots.push(Shot { still, frames, before: 0 });
                left -= frames;
            }
        }
        plan
    }

    /// Returns the frame at which each distinct still is first shown, in order.
    pub(crate) fn first_frames(&self) -> Vec<u32> {
        let (mut at, mut first) = (0, Vec::new());
        for shot in &self.shots {
            if shot.still == first.len() {
                first.push(at);
            }
            at += shot.frames;
        }
        first
    }

    /// Returns the number of shots that begin with a key frame.
    pub(crate) fn shot_count(&self) -> usize {
        self.shots.iter().filter(|shot| shot.before == 0).count()
    }
}

/// Returns whether two stills have the same texts.
fn is_same_text(one: &[Shown], other: &[Shown]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.text == other.text)
}

/// Returns the frames in which a text is visible, by the word that is marked.
fn visible(index: usize, clip: &TextClip, frames: u32) -> Vec<(Shown, Range<u32>)> {
    let at = |time: Duration| frame_at(clip.start.saturating_add(time)).min(frames);
    let end = at(clip.duration);
    let mut visible = vec![(Shown { text: index, word: None }, at(Duration::ZERO)..end)];
    if clip.style.mode == CaptionMode::Words && clip.kind == TextKind::Caption {
        for (word, (_, time)) in clip.words.iter().enumerate() {
            let start = at(*time).min(end);
            if let Some((_, before)) = visible.last_mut() {
                before.end = start.max(before.start);
                let range = before.end..end;
                visible.push((Shown { text: index, word: Some(word) }, range));
            }
        }
    }
    visible.retain(|(_, range)| !range.is_empty());
    visible
}

/// Returns the sets of texts that are visible together and for how many frames, in order and
/// covering all frames.
fn spans(texts: &[TextClip], frames: u32) -> Vec<(Vec<Shown>, u32)> {
    /// Two consecutive key frames would need different IDs, and a flash of a single frame is
    /// unwanted anyway: it is added to the span before it.
    const SHORTEST: u32 = 2;
    let clips = texts.iter().enumerate();
    let mut clips: Vec<_> = clips.flat_map(|(index, clip)| visible(index, clip, frames)).collect();
    clips.sort_by_key(|(_, visible)| visible.start);
    let cuts: BTreeSet<u32> = clips
        .iter()
        .flat_map(|(_, visible)| [visible.start, visible.end])
        .chain([0, frames])
        .collect();
    let mut clips = clips.into_iter().peekable();
    let mut active: Vec<(Shown, Range<u32>)> = Vec::new();
    let mut spans: Vec<(Vec<Shown>, u32)> = Vec::new();
    for (&start, &end) in cuts.iter().zip(cuts.iter().skip(1)) {
        active.retain(|(_, visible)| visible.end > start);
        while let Some(clip) = clips.next_if(|(_, visible)| visible.start <= start) {
            active.push(clip);
        }
        let mut now: Vec<Shown> = active.iter().map(|(shown, _)| *shown).collect();
        now.sort_unstable();
        let length = end - start;
        match spans.last_mut() {
            // The same texts again, or a flash; below, a flash at the very start.
            Some((last, frames)) if *last == now || length < SHORTEST => *frames += length,
            Some((last, frames)) if *frames < SHORTEST => {
                *last = now;
                *frames += length;
            }
            _ => spans.push((now, length)),
        }
    }
    spans
}

/// Draws and encodes the stills of a timeline.
pub(crate) struct StillRenderer<'a> {
    timeline: &'a Timeline,
    plan: &'a StillPlan,
    /// Painted for the first still, while other threads have other work.
    background: OnceLock<Canvas>,
    font: Font,
    hyphenator: Hyphenator,
    quantizer: u8,
    encoder: StillEncoder,
    header: Shared<Option<SliceHeader>>,
    /// Rows of the background without text, which most stills share.
    rows: Mutex<HashMap<(usize, usize), Arc<SharedRows>>>,
    /// The latest scenes in which words are marked.
    scenes: Mutex<VecDeque<SharedScene>>,
}

/// Texts that are visible together, and where each of them is.
struct Scene {
    texts: Vec<SceneText>,
    /// The rows with the texts, in whole macroblocks; none without texts.
    band: Range<usize>,
    /// These rows of the frame, without marked words.
    canvas: OnceLock<Canvas>,
}

struct SceneText {
    index: usize,
    block: TextBlock,
    drawing: TextDrawing,
}

/// A value that one thread makes and others wait for.
type Shared<T> = Mutex<Option<Arc<T>>>;
type SharedRows = Shared<Option<EncodedRows>>;
/// The scene of texts.
type SharedScene = (Vec<usize>, Arc<Shared<Scene>>);

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

impl<'a> StillRenderer<'a> {
    pub(crate) fn new(timeline: &'a Timeline, plan: &'a StillPlan, quantizer: u8) -> Self {
        Self {
            timeline,
            plan,
            background: OnceLock::new(),
            font: timeline.font.clone().unwrap_or_default(),
            hyphenator: Hyphenator::of(timeline.language.as_deref()),
            quantizer,
            encoder: StillEncoder::new(quantizer),
            header: Mutex::default(),
            rows: Mutex::default(),
            scenes: Mutex::default(),
        }
    }

    /// Draws and encodes a still. The result depends on the plan only.
    pub(crate) fn encode(&self, index: usize, cancel: &Cancel) -> Result<EncodedStill, MediaError> {
        cancel.check()?;
        let still = &self.plan.stills[index];
        let scene = self.scene(still, cancel)?;
        let height = self.timeline.frame.height as usize;
        let header = shared(&self.header, || SliceHeader::new(&self.encoder, self.timeline.frame))?;
        if let Some(header) = &*header {
            if let Some(before) = still.after {
                return self.changed(&self.plan.stills[before], still, &scene, header);
            }
            // A still without text is cut where the first one with text is.
            let has_text = !scene.texts.is_empty();
            let first = self.plan.stills.iter().find(|still| !still.texts.is_empty());
            let band = match first {
                _ if has_text => scene.band.clone(),
                Some(still) => Some(self.scene(still, cancel)?.band.clone())
                    .filter(|band| !band.is_empty())
                    .unwrap_or(0..height),
                None => 0..height,
            };
            let middle = match has_text {
                true => Arc::new(self.rows_with(&scene, still, header)?),
                false => self.plain_rows(header, band.clone())?,
            };
            let top = self.plain_rows(header, 0..band.start)?;
            let bottom = self.plain_rows(header, band.end..height)?;
            let parts =
                [(0..band.start, &top), (band.clone(), &middle), (band.end..height, &bottom)];
            let parts = parts.iter().filter(|(rows, _)| !rows.is_empty());
            let parts: Option<Vec<(usize, &EncodedRows)>> =
                parts.map(|(rows, encoded)| Some((rows.start, Option::as_ref(encoded)?))).collect();
            if let Some(parts) = parts {
                return Ok(header.still(parts));
            }
        }
        let mut canvas = self.background().rows(0..height);
        scene.texts.iter().for_each(|text| text.drawing.draw(&mut canvas, 0));
        self.marks(&scene, still).iter().for_each(|mark| mark.draw(&mut canvas, 0));
        let shots = self.plan.shots.iter().filter(|shot| shot.still == index);
        self.encoder.encode(&canvas, shots.map(|shot| shot.frames).max().unwrap_or(1))
    }

    /// Encodes the macroblocks in which a still differs from the one before it.
    fn changed(
        &self,
        before: &Still,
        still: &Still,
        scene: &Scene,
        header: &SliceHeader,
    ) -> Result<EncodedStill, MediaError> {
        /// The columns are a multiple of this, so that an encoder can be used again.
        const COLUMNS: usize = 8 * ROW;
        let marks = self.marks(scene, still);
        let both = self.marks(scene, before);
        let both: Vec<&TextDrawing> = both.iter().chain(&marks).collect();
        let Some(rows) = self.whole_rows(both.iter().map(|mark| mark.rows())) else {
            return Ok(header.changed([]));
        };
        let inside = rows.start - scene.band.start..rows.end - scene.band.start;
        let mut canvas = self.drawn(scene).rows(inside);
        marks.iter().for_each(|mark| mark.draw(&mut canvas, rows.start));
        let mut parts = Vec::new();
        for row in rows.clone().step_by(ROW) {
            let is_here =
                |mark: &&&TextDrawing| mark.rows().start < row + ROW && mark.rows().end > row;
            let columns = both.iter().filter(is_here).map(|mark| mark.columns());
            let Some(columns) = columns.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
            else {
                continue;
            };
            let whole = canvas.width().next_multiple_of(ROW);
            let start = columns.start / ROW * ROW;
            let width = (columns.end - start).next_multiple_of(COLUMNS).min(whole);
            let start = start.min(whole - width);
            let top = row - rows.start;
            let area = canvas.area(start..start + width, top..top + ROW);
            let encoded = header.encode_rows(&self.encoder, &area)?;
            parts.push((
                start,
                row,
                encoded.ok_or_else(|| {
                    MediaError::Encode("the encoder made several slices of one row".to_owned())
                })?,
            ));
        }
        Ok(header.changed(parts))
    }

    /// Encodes the frames from the last key frame up to a frame of the video, or to the one that it
    /// repeats, and passes each to `decode`, with whether it is the last.
    pub(crate) fn frames_up_to(
        &self,
        frame: u32,
        cancel: &Cancel,
        mut decode: impl FnMut(&[u8], bool) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        let (mut at, mut shown) = (0, Vec::new());
        for shot in &self.plan.shots {
            if at > frame {
                break;
            }
            if shot.before == 0 {
                shown.clear();
            }
            shown.push((at, shot));
            at += shot.frames;
        }
        let count = shown.len();
        for ((start, shot), number) in shown.into_iter().zip(1..) {
            let still = self.encode(shot.still, cancel)?;
            let is_last = number == count;
            let frames = match is_last && still.repeats_exactly() {
                true => 1,
                false => shot.frames.min(frame - start + 1),
            };
            for index in 0..frames {
                cancel.check()?;
                decode(&still.frame(shot.before, index), is_last && index + 1 == frames)?;
            }
        }
        Ok(())
    }

    fn background(&self) -> &Canvas {
        let Timeline { background, frame, texts, .. } = self.timeline;
        self.background.get_or_init(|| paint(background, *frame, !texts.is_empty()))
    }

    /// Returns the texts of a still. Those in which words are marked are kept for the stills that
    /// follow.
    fn scene(&self, still: &Still, cancel: &Cancel) -> Result<Arc<Scene>, MediaError> {
        let texts: Vec<usize> = still.texts.iter().map(|shown| shown.text).collect();
        if !texts.iter().any(|text| self.has_marks(*text)) {
            return self.new_scene(&texts, cancel).map(Arc::new);
        }
        let place = {
            let mut scenes = lock(&self.scenes);
            if let Some((_, scene)) = scenes.iter().find(|(known, _)| *known == texts) {
                Arc::clone(scene)
            } else {
                if scenes.len() > thread_count() {
                    scenes.pop_front();
                }
                scenes.push_back((texts.clone(), Arc::default()));
                Arc::clone(&scenes[scenes.len() - 1].1)
            }
        };
        shared(&place, || self.new_scene(&texts, cancel))
    }

    fn has_marks(&self, text: usize) -> bool {
        self.timeline.texts[text].style.mode == CaptionMode::Words
    }

    fn new_scene(&self, texts: &[usize], cancel: &Cancel) -> Result<Scene, MediaError> {
        let Timeline { frame, texts: clips, .. } = self.timeline;
        let visible: Vec<&TextClip> = texts.iter().map(|text| &clips[*text]).collect();
        let mut scene = Vec::new();
        for (at, block) in blocks(&visible, &self.font, self.hyphenator, *frame, cancel)? {
            cancel.check()?;
            let drawing = TextDrawing::new(&block, visible[at].drawn_style(), &self.font, *frame);
            scene.push(SceneText { index: texts[at], block, drawing });
        }
        let band = self.whole_rows(scene.iter().map(|text| text.drawing.rows())).unwrap_or(0..0);
        Ok(Scene { texts: scene, band, canvas: OnceLock::new() })
    }

    /// Returns the words of a still that are marked.
    fn marks(&self, scene: &Scene, still: &Still) -> Vec<TextDrawing> {
        let Timeline { frame, texts: clips, .. } = self.timeline;
        let shown = still.texts.iter().filter_map(|shown| Some((shown.text, shown.word?)));
        shown
            .filter_map(|(text, word)| {
                let text = scene.texts.iter().find(|known| known.index == text)?;
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

    /// Returns the rows of a scene without marked words.
    fn drawn<'s>(&self, scene: &'s Scene) -> &'s Canvas {
        scene.canvas.get_or_init(|| {
            let mut canvas = self.background().rows(scene.band.clone());
            for text in &scene.texts {
                text.drawing.draw(&mut canvas, scene.band.start);
            }
            canvas
        })
    }

    fn rows_with(
        &self,
        scene: &Scene,
        still: &Still,
        header: &SliceHeader,
    ) -> Result<Option<EncodedRows>, MediaError> {
        let marks = self.marks(scene, still);
        if marks.is_empty() {
            return header.encode_rows(&self.encoder, self.drawn(scene));
        }
        let mut canvas = self.drawn(scene).clone();
        marks.iter().for_each(|mark| mark.draw(&mut canvas, scene.band.start));
        header.encode_rows(&self.encoder, &canvas)
    }

    /// Returns rows without text.
    fn plain_rows(
        &self,
        header: &SliceHeader,
        rows: Range<usize>,
    ) -> Result<Arc<Option<EncodedRows>>, MediaError> {
        if rows.is_empty() {
            return Ok(Arc::new(None));
        }
        let place = Arc::clone(lock(&self.rows).entry((rows.start, rows.end)).or_default());
        // Encoded once: the memory of its encoder is not kept.
        let encoder = StillEncoder::new(self.quantizer);
        shared(&place, || header.encode_rows(&encoder, &self.background().rows(rows)))
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
    /// whether each is a key frame, as far as their stills were taken.
    pub(crate) fn write_until(
        &mut self,
        last: u32,
        cancel: &Cancel,
        mut write: impl FnMut(&[u8], bool) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        while let Some(&Shot { still: index, frames, before }) = self.shots.as_slice().first()
            && self.at <= last
            && let Some(still) = self.waiting.get(&index)
        {
            cancel.check()?;
            for frame in 0..frames {
                write(&still.frame(before, frame), before + frame == 0)?;
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
    use super::*;
    use crate::media::FrameSize;

    fn clip(start: u64, end: u64) -> TextClip {
        let millis = Duration::from_millis;
        TextClip::caption("text", millis(start), millis(end - start))
    }

    fn shots(texts: &[TextClip], frames: u32) -> Vec<(Vec<usize>, u32)> {
        let plan = StillPlan::new(texts, frames);
        let texts = |still: &Still| still.texts.iter().map(|shown| shown.text).collect();
        plan.shots.iter().map(|shot| (texts(&plan.stills[shot.still]), shot.frames)).collect()
    }

    #[test]
    fn texts_are_visible_in_their_frames_alone_and_together() {
        let texts = [clip(1000, 2000), clip(1500, 3000), clip(4000, 99_000)];
        assert_eq!(
            shots(&texts, 150),
            [
                (vec![], 30),
                (vec![0], 15),
                (vec![0, 1], 15),
                (vec![1], 30),
                (vec![], 30),
                (vec![2], 30)
            ]
        );
        assert_eq!(
            StillPlan::new(&texts, 150).stills.len(),
            5,
            "the still without text is drawn once"
        );
    }

    #[test]
    fn every_frame_is_planned_and_no_shot_is_a_flash() {
        for texts in [
            vec![],
            vec![clip(0, 20)],
            vec![clip(0, 33), clip(33, 1000)],
            vec![clip(500, 533), clip(533, 566), clip(599, 700)],
            vec![clip(0, 10_033), clip(10_066, 30_000)],
            vec![clip(700, 700), clip(60_000, 70_000)],
        ] {
            for frames in [3, 31, 301, 302, 601, 903] {
                let shots = shots(&texts, frames);
                assert_eq!(
                    shots.iter().map(|(_, frames)| frames).sum::<u32>(),
                    frames,
                    "{texts:?}"
                );
                assert!(
                    shots.iter().all(|(_, frames)| (2..=MAX_SHOT).contains(frames)),
                    "{shots:?}"
                );
            }
        }
    }

    #[test]
    fn a_spoken_word_changes_a_still_without_a_key_frame() {
        let mut caption = clip(0, 8000);
        caption.style.mode = CaptionMode::Words;
        let millis = Duration::from_millis;
        caption.words =
            vec![(0, millis(100)), (3, millis(1000)), (5, millis(1001)), (9, millis(9000))];
        let plan = StillPlan::new(&[caption.clone(), clip(500, 600)], 300);
        let shots: Vec<(Option<usize>, u32, u32)> = plan
            .shots
            .iter()
            .map(|shot| {
                (
                    plan.stills[shot.still].texts.first().and_then(|t| t.word),
                    shot.frames,
                    shot.before,
                )
            })
            .collect();
        // The other text is a new scene, as is its end; no time is left for the third word.
        let expected = [
            (None, 3, 0),
            (Some(0), 12, 3),
            (Some(0), 3, 0),
            (Some(0), 12, 0),
            (Some(2), 210, 12),
            (None, 60, 0),
        ];
        assert_eq!(shots, expected);
        assert_eq!(plan.shot_count(), 4);
        // A word on which the speaker rests needs key frames, so that players can seek.
        caption.duration = Duration::from_secs(30);
        let plan = StillPlan::new(&[caption], 900);
        assert!(plan.shots.iter().all(|shot| shot.before + shot.frames <= MAX_SHOT), "{plan:?}");
    }

    #[test]
    fn shots_are_written_no_further_than_asked_for_and_once() {
        let plan = StillPlan::new(&[], 3 * MAX_SHOT);
        let image = Canvas::new(FrameSize { width: 64, height: 64 });
        let mut writer = FrameWriter::new(&plan);
        let (mut written, mut keys) = (0_u32, 0_u32);
        let last_frames = [0, 0, MAX_SHOT - 1, MAX_SHOT, u32::MAX, u32::MAX];
        for (step, (last, shots)) in last_frames.into_iter().zip([0_u32, 1, 1, 2, 3, 3]).enumerate()
        {
            if step == 1 {
                writer.take(0, StillEncoder::new(30).encode(&image, MAX_SHOT).unwrap());
            }
            let count = |_: &[u8], is_key: bool| {
                written += 1;
                keys += u32::from(is_key);
                Ok(())
            };
            writer.write_until(last, &Cancel::new(), count).unwrap();
            assert_eq!((written, keys), (shots * MAX_SHOT, shots), "up to frame {last}");
        }
        assert!(writer.waiting.is_empty());
    }

    #[test]
    fn frames_and_durations_agree() {
        for frames in [0, 1, 2, 29, 30, 1234, 194_400] {
            assert_eq!(frame_at(duration_of(frames)), frames);
            assert_eq!(frame_shown_at(duration_of(frames)), frames);
        }
    }
}
