//! The still images of a video: which texts are visible in which frames, and drawing and encoding
//! each distinct still once, on all cores. Writing the file is left to
//! [`render`](super::render()).

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::background::paint;
use super::canvas::{Canvas, draw_text};
use super::h264::{EncodedStill, FRAME_RATE, MAX_SHOT, StillEncoder};
use super::{Cancel, Font, MediaError, TextClip, Timeline, thread_count};

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

    /// Returns the number of distinct stills.
    pub(crate) const fn still_count(&self) -> usize {
        self.stills.len()
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
    let mut active: Vec<(usize, std::ops::Range<u32>)> = Vec::new();
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
    background: Canvas,
    font: Font,
    encoder: StillEncoder,
}

impl<'a> StillRenderer<'a> {
    /// Paints the background.
    pub(crate) fn new(timeline: &'a Timeline, plan: &'a StillPlan, quantizer: u8) -> Self {
        Self {
            timeline,
            plan,
            background: paint(&timeline.background, timeline.frame, !timeline.texts.is_empty()),
            font: timeline.font.clone().unwrap_or_default(),
            encoder: StillEncoder::new(quantizer),
        }
    }

    /// Encodes the stills on all cores and passes every frame of the video to `write` in order, with
    /// whether it is a key frame. `still_done` is called after each still, from several threads.
    pub(crate) fn render(
        &self,
        still_done: &(impl Fn() + Sync),
        cancel: &Cancel,
        write: impl FnMut(&[u8], bool) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        let workers = thread_count().min(self.plan.stills.len());
        let next = AtomicUsize::new(0);
        // A short channel: the encoders wait for the writer rather than exhausting the memory.
        let (done, encoded) = mpsc::sync_channel(workers);
        thread::scope(|scope| {
            for _ in 0..workers {
                let done = done.clone();
                let next = &next;
                scope.spawn(move || {
                    let mut canvas = Canvas::new(self.background.size);
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= self.plan.stills.len() {
                            return;
                        }
                        let still = self.encode(index, &mut canvas, cancel);
                        still_done();
                        let failed = still.is_err();
                        // The receiver is dropped when the writer has failed.
                        if done.send((index, still)).is_err() || failed {
                            return;
                        }
                    }
                });
            }
            drop(done);
            self.write_in_order(encoded, cancel, write)
        })
    }

    fn encode(
        &self,
        index: usize,
        canvas: &mut Canvas,
        cancel: &Cancel,
    ) -> Result<EncodedStill, MediaError> {
        cancel.check()?;
        canvas.copy_from(&self.background);
        for &text in &self.plan.stills[index] {
            cancel.check()?;
            let clip = &self.timeline.texts[text];
            draw_text(canvas, &clip.text, clip.style, &self.font);
        }
        let shots = self.plan.shots.iter().filter(|shot| shot.still == index);
        self.encoder.encode(canvas, shots.map(|shot| shot.frames).max().unwrap_or(1))
    }

    fn write_in_order(
        &self,
        encoded: mpsc::Receiver<(usize, Result<EncodedStill, MediaError>)>,
        cancel: &Cancel,
        mut write: impl FnMut(&[u8], bool) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        let mut uses = vec![0_u32; self.plan.stills.len()];
        for shot in &self.plan.shots {
            uses[shot.still] += 1;
        }
        let mut waiting: HashMap<usize, EncodedStill> = HashMap::new();
        for shot in &self.plan.shots {
            cancel.check()?;
            while !waiting.contains_key(&shot.still) {
                let lost = |_| MediaError::Encode("an encoder stopped early".to_owned());
                let (index, still) = encoded.recv().map_err(lost)?;
                waiting.insert(index, still?);
            }
            if let Some(still) = waiting.get(&shot.still) {
                for index in 0..shot.frames {
                    write(&still.frame(index), index == 0)?;
                }
            }
            uses[shot.still] -= 1;
            if uses[shot.still] == 0 {
                waiting.remove(&shot.still);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn frames_and_durations_agree() {
        for frames in [0, 1, 2, 29, 30, 1234, 194_400] {
            assert_eq!(frame_at(duration_of(frames)), frames);
        }
    }
}
