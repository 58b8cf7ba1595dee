//! Which still is seen in which frames of a film. Drawing and encoding them is left to
//! [`render`](super::render()).

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::TextClip;
use super::h264::{FRAME_RATE, MAX_HELD};

/// The stills of a film and when each is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// For each still, the texts on it, as indices, in the order in which they are drawn. The
    /// stills are in the order in which they are first seen.
    pub(super) stills: Vec<Vec<usize>>,
    /// What is shown, one after the other.
    pub(super) shots: Vec<Shot>,
}

/// A still shown for some frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shot {
    pub(super) still: usize,
    pub(super) frames: u32,
}

/// The frame that a moment falls into.
pub(super) fn frame_at(time: Duration) -> u32 {
    let frames = (time.as_nanos() * u128::from(FRAME_RATE) + 500_000_000) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// The time that so many frames take.
pub(super) fn time_of(frames: u32) -> Duration {
    Duration::from_nanos(u64::from(frames) * 1_000_000_000 / u64::from(FRAME_RATE))
}

impl Plan {
    pub(super) fn new(texts: &[TextClip], frames: u32) -> Self {
        let mut plan = Self { stills: Vec::new(), shots: Vec::new() };
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        for (texts, mut left) in spans(texts, frames) {
            let still = *known.entry(texts).or_insert_with_key(|texts| {
                plan.stills.push(texts.clone());
                plan.stills.len() - 1
            });
            while left > 0 {
                // Never a shot of one frame: see `spans`.
                let held = if left == MAX_HELD + 1 { MAX_HELD - 1 } else { left.min(MAX_HELD) };
                plan.shots.push(Shot { still, frames: held });
                left -= held;
            }
        }
        plan
    }
}

/// The texts that are seen together, and for how many frames, from the first frame to the last.
fn spans(texts: &[TextClip], frames: u32) -> Vec<(Vec<usize>, u32)> {
    /// Two key frames in a row would have to be numbered differently, and a flash of one frame
    /// is a flaw anyway: it goes to the span before.
    const SHORTEST: u32 = 2;
    let seen = |clip: &TextClip| {
        let end = clip.start.saturating_add(clip.duration);
        frame_at(clip.start).min(frames)..frame_at(end).min(frames)
    };
    let mut clips: Vec<_> =
        texts.iter().map(seen).enumerate().filter(|(_, seen)| !seen.is_empty()).collect();
    clips.sort_by_key(|(_, seen)| seen.start);
    let cuts: BTreeSet<u32> =
        clips.iter().flat_map(|(_, seen)| [seen.start, seen.end]).chain([0, frames]).collect();
    let mut clips = clips.into_iter().peekable();
    let mut active: Vec<(usize, std::ops::Range<u32>)> = Vec::new();
    let mut spans: Vec<(Vec<usize>, u32)> = Vec::new();
    for (&start, &end) in cuts.iter().zip(cuts.iter().skip(1)) {
        active.retain(|(_, seen)| seen.end > start);
        while let Some(clip) = clips.next_if(|(_, seen)| seen.start <= start) {
            active.push(clip);
        }
        let mut now: Vec<usize> = active.iter().map(|(index, _)| *index).collect();
        now.sort_unstable();
        let length = end - start;
        match spans.last_mut() {
            // The same again, a flash, or a flash before it, at the very beginning.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(start: u64, end: u64) -> TextClip {
        let millis = Duration::from_millis;
        TextClip::caption("text", millis(start), millis(end - start))
    }

    fn shots(texts: &[TextClip], frames: u32) -> Vec<(Vec<usize>, u32)> {
        let plan = Plan::new(texts, frames);
        plan.shots.iter().map(|shot| (plan.stills[shot.still].clone(), shot.frames)).collect()
    }

    #[test]
    fn texts_are_seen_in_their_frames_alone_and_together() {
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
        assert_eq!(Plan::new(&texts, 150).stills.len(), 5, "the empty one is drawn once");
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
                    shots.iter().all(|(_, frames)| (2..=MAX_HELD).contains(frames)),
                    "{shots:?}"
                );
            }
        }
    }

    #[test]
    fn frames_and_times_agree() {
        for frames in [0, 1, 2, 29, 30, 1234, 194_400] {
            assert_eq!(frame_at(time_of(frames)), frames);
        }
    }
}
