//! The still images of a video: which texts are visible in which frames, and drawing and encoding
//! each distinct still once, and of most stills only the rows with their texts. Doing so on all
//! cores and writing the file are left to [`render`](super::render()).

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::background::paint;
use super::canvas::{Canvas, TextDrawing};
use super::h264::{EncodedRows, EncodedStill, FRAME_RATE, MAX_SHOT, SliceHeader, StillEncoder};
use super::{Cancel, Font, MediaError, TextClip, Timeline, lock};

/// The stills of a video and when each is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StillPlan {
    /// For each still, the indices of its texts in drawing order. Stills are in the order of their
    /// first appearance.
    stills: Vec<Vec<usize>>,
    /// What is shown, in order.
    shots: Vec<Shot>,
}

/// A still shown for a number of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shot {
    still: usize,
    frames: u32,
}

/// Returns the number of the frame at a time.
pub(crate) fn frame_at(time: Duration) -> u32 {
    let frames = (time.as_nanos() * u128::from(FRAME_RATE) + 500_000_000) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// Returns the duration of a number of frames.
pub(crate) fn duration_of(frames: u32) -> Duration {
    Duration::from_nanos(u64::from(frames) * 1_000_000_000 / u64::from(FRAME_RATE))
}

impl StillPlan {
    pub(crate) fn new(texts: &[TextClip], frames: u32) -> Self {
        let mut plan = Self { stills: Vec::new(), shots: Vec::new() };
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        for (texts, mut left) in spans(texts, frames) {
            let still = *known.entry(texts).or_insert_with_key(|texts| {
                plan.stills.push(texts.clone());
                plan.stills.len() - 1
            });
            while left > 0 {
                // Never a shot of a single frame: see `spans`.
                let frames = if left == MAX_SHOT + 1 { MAX_SHOT - 1 } else { left.min(MAX_SHOT) };
                plan.shots.push(Shot { still, frames });
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

    /// Returns the number of shots, each of which begins with a key frame.
    pub(crate) const fn shot_count(&self) -> usize {
        self.shots.len()
    }
}

/// Returns the sets of texts that are visible together and for how many frames, in order and
/// covering all frames.
fn spans(texts: &[TextClip], frames: u32) -> Vec<(Vec<usize>, u32)> {
    /// Two consecutive key frames would need different IDs, and a flash of a single frame is
    /// unwanted anyway: it is added to the span before it.
    const SHORTEST: u32 = 2;
    let visible = |clip: &TextClip| {
        let end = clip.start.saturating_add(clip.duration);
        frame_at(clip.start).min(frames)..frame_at(end).min(frames)
    };
    let mut clips: Vec<_> =
        texts.iter().map(visible).enumerate().filter(|(_, visible)| !visible.is_empty()).collect();
    clips.sort_by_key(|(_, visible)| visible.start);
    let cuts: BTreeSet<u32> = clips
        .iter()
        .flat_map(|(_, visible)| [visible.start, visible.end])
        .chain([0, frames])
        .collect();
    let mut clips = clips.into_iter().peekable();
    let mut active: Vec<(usize, Range<u32>)> = Vec::new();
    let mut spans: Vec<(Vec<usize>, u32)> = Vec::new();
    for (&start, &end) in cuts.iter().zip(cuts.iter().skip(1)) {
        active.retain(|(_, visible)| visible.end > start);
        while let Some(clip) = clips.next_if(|(_, visible)| visible.start <= start) {
            active.push(clip);
        }
        let mut now: Vec<usize> = active.iter().map(|(index, _)| *index).collect();
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
    quantizer: u8,
    encoder: StillEncoder,
    header: Shared<Option<SliceHeader>>,
    /// Rows of the background without text, which most stills share.
    rows: Mutex<HashMap<(usize, usize), Arc<SharedRows>>>,
}

/// A value that one thread makes and others wait for.
type Shared<T> = Mutex<Option<Arc<T>>>;
type SharedRows = Shared<Option<EncodedRows>>;

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
            quantizer,
            encoder: StillEncoder::new(quantizer),
            header: Mutex::default(),
            rows: Mutex::default(),
        }
    }

    /// Draws and encodes a still. The result depends on the plan only.
    pub(crate) fn encode(&self, index: usize, cancel: &Cancel) -> Result<EncodedStill, MediaError> {
        cancel.check()?;
        let texts = self.texts(index, cancel)?;
        let height = self.timeline.frame.height as usize;
        let header = shared(&self.header, || SliceHeader::new(&self.encoder, self.timeline.frame))?;
        if let Some(header) = &*header {
            // A still without text is cut where the first one with text is.
            let band = match texts.is_empty() {
                true => (0..self.plan.stills.len())
                    .find(|still| !self.plan.stills[*still].is_empty())
                    .map_or(Ok(0..height), |still| Ok(self.band(&self.texts(still, cancel)?)))?,
                false => self.band(&texts),
            };
            let middle = match texts.is_empty() {
                true => self.plain_rows(header, band.clone())?,
                false => Arc::new(self.rows_with(&texts, header, band.clone())?),
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
        texts.iter().for_each(|text| text.draw(&mut canvas, 0));
        let shots = self.plan.shots.iter().filter(|shot| shot.still == index);
        self.encoder.encode(&canvas, shots.map(|shot| shot.frames).max().unwrap_or(1))
    }

    fn background(&self) -> &Canvas {
        let Timeline { background, frame, texts, .. } = self.timeline;
        self.background.get_or_init(|| paint(background, *frame, !texts.is_empty()))
    }

    fn texts(&self, still: usize, cancel: &Cancel) -> Result<Vec<TextDrawing>, MediaError> {
        let mut drawings = Vec::new();
        for &text in &self.plan.stills[still] {
            cancel.check()?;
            let clip = &self.timeline.texts[text];
            let drawing = TextDrawing::new(&clip.text, clip.style, &self.font, self.timeline.frame);
            drawings.extend(drawing);
        }
        Ok(drawings)
    }

    /// Returns the rows in which texts are drawn, in whole macroblocks. Texts of as many lines have
    /// the same rows, so that their stills share the rows around them.
    fn band(&self, texts: &[TextDrawing]) -> Range<usize> {
        const MACROBLOCK: usize = 16;
        let height = self.timeline.frame.height as usize;
        let start = texts.iter().map(|text| text.rows().start).min().unwrap_or(0);
        let end = texts.iter().map(|text| text.rows().end).max().unwrap_or(height);
        let end = end.next_multiple_of(MACROBLOCK);
        // Less than a whole row of macroblocks cannot be encoded on its own.
        let end = if end + MACROBLOCK > height { height } else { end };
        let start = start.min(end.saturating_sub(MACROBLOCK));
        start / MACROBLOCK * MACROBLOCK..end
    }

    fn rows_with(
        &self,
        texts: &[TextDrawing],
        header: &SliceHeader,
        rows: Range<usize>,
    ) -> Result<Option<EncodedRows>, MediaError> {
        let mut canvas = self.background().rows(rows.clone());
        texts.iter().for_each(|text| text.draw(&mut canvas, rows.start));
        if texts.is_empty() {
            // Encoded once: the memory of its encoder is not kept.
            return header.encode_rows(&StillEncoder::new(self.quantizer), &canvas);
        }
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
        shared(&place, || self.rows_with(&[], header, rows))
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
        while let Some(&Shot { still: index, frames }) = self.shots.as_slice().first()
            && self.at <= last
            && let Some(still) = self.waiting.get(&index)
        {
            cancel.check()?;
            for frame in 0..frames {
                write(&still.frame(frame), frame == 0)?;
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
        plan.shots.iter().map(|shot| (plan.stills[shot.still].clone(), shot.frames)).collect()
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
        }
    }
}
