//! Finds where the parts of a sentence are in its audio. Each part is spoken on its own as well;
//! that audio, laid end to end, is aligned with the whole sentence by dynamic time warping: the
//! same voice makes about the same sounds for the same words, whatever their spelling. How long the
//! parts take on their own is not enough, because a voice slows down before each end.

use std::f32::consts::PI;
use std::ops::Range;
use std::time::Duration;

use super::AudioBuffer;

/// Time between two frames.
const HOP: f32 = 0.015;
/// Length of the audio that a frame describes.
const WINDOW: f32 = 0.020;
/// Frequencies in Hz at which a frame is measured, evenly spaced in pitch as it is heard. The
/// highest distinguish the consonants, the lowest the vowels.
const BANDS: [f32; 12] =
    [220.0, 350.0, 500.0, 680.0, 900.0, 1160.0, 1480.0, 1880.0, 2380.0, 3020.0, 3850.0, 5000.0];
/// Cost of a frame that is held while the other side goes on, in the unit of [`distance`]. It keeps
/// equal sounds at their own pace.
const HOLD: f32 = 0.25;
/// The same while both sides are silent: a pause may have any length.
const HOLD_SILENCE: f32 = 0.01;
/// How far a part may be from its place at an even pace.
const MAX_SHIFT: Duration = Duration::from_millis(1500);
/// A part begins where a pause ends, if there is one so close.
const SNAP: usize = 4;
/// Shorter pauses are those within a consonant.
const MIN_PAUSE: usize = 3;

/// Returns where each part but the first begins in the audio of a sentence. `parts` is their audio
/// on their own, or `None` for a part that cannot be spoken alone.
pub(crate) fn part_starts(whole: &AudioBuffer, parts: &[Option<AudioBuffer>]) -> Vec<Duration> {
    let hop = hop_for(whole);
    let whole_frames = Frames::of(whole, hop);
    let mut joined = Frames::default();
    let mut starts = Vec::new();
    for part in parts {
        starts.push(joined.len());
        let frames = part.as_ref().map(|part| Frames::of(part, hop)).unwrap_or_default();
        let loud = frames.loud_range();
        if !loud.is_empty() {
            joined.append(&frames, loud);
            joined.push_silence();
        }
    }
    let path = if joined.len() <= 4 * whole_frames.len() + 400 {
        warp(&whole_frames, &joined)
    } else {
        // Not the same words: aligning them would only take memory.
        (0..joined.len()).map(|at| at * whole_frames.len() / joined.len()).collect()
    };
    let mut latest = 0;
    starts[1..]
        .iter()
        .map(|&start| {
            let at = path.get(start).copied().unwrap_or(whole_frames.len());
            latest = whole_frames.snapped(at).max(latest);
            Duration::from_secs_f32(latest as f32 * hop).min(whole.duration())
        })
        .collect()
}

/// Returns the time between frames: longer for audio of several minutes, which would take too much
/// memory.
fn hop_for(whole: &AudioBuffer) -> f32 {
    const MAX_FRAMES: f32 = 6000.0;
    HOP.max(whole.duration().as_secs_f32() / MAX_FRAMES)
}

/// What the audio is like, frame by frame.
#[derive(Default)]
struct Frames {
    /// The logarithm of the power in each band.
    bands: Vec<[f32; BANDS.len()]>,
    is_silent: Vec<bool>,
}

/// Below this power nothing is heard: −50 dB of full scale, in the unit of [`Frames`].
const FLOOR: f32 = -11.5;

impl Frames {
    fn of(audio: &AudioBuffer, hop: f32) -> Self {
        let rate = audio.sample_rate() as f32;
        let samples = audio.samples();
        // However many samples a second has, a frame is no longer than the audio.
        let length = ((WINDOW * rate) as usize).clamp(1, samples.len().max(1));
        let shape: Vec<f32> = (0..length)
            .map(|n| 0.5 - 0.5 * (2.0 * PI * (n as f32 + 0.5) / length as f32).cos())
            .collect();
        let factors = BANDS.map(|band| 2.0 * (2.0 * PI * (band / rate).min(0.45)).cos());
        let count = (samples.len() as f32 / (hop * rate)).ceil() as usize;
        let mut frames = Self::default();
        let mut windowed = vec![0.0_f32; length];
        for frame in 0..count {
            let start = (frame as f32 * hop * rate) as usize;
            let next = (((frame + 1) as f32 * hop * rate) as usize).clamp(start, samples.len());
            let peak = samples[start.min(next)..next].iter().map(|s| s.unsigned_abs()).max();
            frames.is_silent.push(peak.unwrap_or(0) <= AudioBuffer::SILENCE);
            for (n, (value, shape)) in windowed.iter_mut().zip(&shape).enumerate() {
                let sample = samples.get(start + n).copied().unwrap_or(0);
                *value = f32::from(sample) / 32_768.0 * shape;
            }
            let powers = goertzel(&windowed, &factors);
            frames.bands.push(powers.map(|power| (power / length as f32).ln().max(FLOOR)));
        }
        frames
    }

    fn len(&self) -> usize {
        self.bands.len()
    }

    fn loud_range(&self) -> Range<usize> {
        let first = self.is_silent.iter().position(|silent| !silent);
        let last = self.is_silent.iter().rposition(|silent| !silent);
        first.zip(last).map_or(0..0, |(first, last)| first..last + 1)
    }

    fn append(&mut self, other: &Self, range: Range<usize>) {
        self.bands.extend_from_slice(&other.bands[range.clone()]);
        self.is_silent.extend_from_slice(&other.is_silent[range]);
    }

    fn push_silence(&mut self) {
        self.bands.push([FLOOR; BANDS.len()]);
        self.is_silent.push(true);
    }

    /// Returns the frame at which speech begins: the given one, or the end of a pause beside it.
    fn snapped(&self, at: usize) -> usize {
        let begins = |frame: usize| {
            frame >= MIN_PAUSE
                && !self.is_silent[frame]
                && self.is_silent[frame - MIN_PAUSE..frame].iter().all(|silent| *silent)
        };
        let at = at.min(self.len());
        // Within a pause, however long it is, speech begins after it.
        if self.is_silent.get(at) == Some(&true) {
            return (at..self.len()).find(|&frame| !self.is_silent[frame]).unwrap_or(at);
        }
        let near = at.saturating_sub(SNAP)..(at + SNAP + 1).min(self.len());
        near.filter(|&frame| begins(frame)).min_by_key(|frame| frame.abs_diff(at)).unwrap_or(at)
    }
}

/// Returns the power of a signal in each band. A factor is twice the cosine of its frequency.
fn goertzel(samples: &[f32], factors: &[f32; BANDS.len()]) -> [f32; BANDS.len()] {
    let (mut before, mut last) = ([0.0_f32; BANDS.len()], [0.0_f32; BANDS.len()]);
    for sample in samples {
        // Side by side, so that the compiler can use vector instructions.
        for ((before, last), factor) in before.iter_mut().zip(&mut last).zip(factors) {
            (*before, *last) = (*last, *sample + *factor * *last - *before);
        }
    }
    std::array::from_fn(|band| {
        let (before, last) = (before[band], last[band]);
        last * last + before * before - factors[band] * last * before + 1e-12
    })
}

fn distance(a: &[f32; BANDS.len()], b: &[f32; BANDS.len()]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / BANDS.len() as f32
}

/// How the last step of the best path to a pair of frames was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Both,
    Whole,
    Joined,
}

/// Returns for each frame of `joined` the first frame of `whole` that it stands for.
fn warp(whole: &Frames, joined: &Frames) -> Vec<usize> {
    let (rows, columns) = (whole.len(), joined.len());
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let reach = (MAX_SHIFT.as_secs_f32() / HOP) as usize + rows.abs_diff(columns) / 4;
    let middle = |row: usize| row * columns / rows;
    let band = |row: usize| {
        let middle = middle(row);
        middle.saturating_sub(reach)..(middle + reach + 1).min(columns)
    };
    let mut steps: Vec<Vec<Step>> = Vec::with_capacity(rows);
    let mut last = vec![f32::INFINITY; columns];
    let mut current = vec![f32::INFINITY; columns];
    for row in 0..rows {
        let range = band(row);
        let mut row_steps = Vec::with_capacity(range.len());
        current.fill(f32::INFINITY);
        for column in range {
            let cost = distance(&whole.bands[row], &joined.bands[column]);
            let is_silent = whole.is_silent[row] && joined.is_silent[column];
            let hold = cost + if is_silent { HOLD_SILENCE } else { HOLD };
            let both = match (row, column) {
                (0, 0) => 0.0,
                (0, _) | (_, 0) => f32::INFINITY,
                _ => last[column - 1],
            } + cost;
            let on_whole = if row > 0 { last[column] + hold } else { f32::INFINITY };
            let on_joined = if column > 0 { current[column - 1] + hold } else { f32::INFINITY };
            let (best, step) = if both <= on_whole && both <= on_joined {
                (both, Step::Both)
            } else if on_whole <= on_joined {
                (on_whole, Step::Whole)
            } else {
                (on_joined, Step::Joined)
            };
            current[column] = best;
            row_steps.push(step);
        }
        steps.push(row_steps);
        std::mem::swap(&mut last, &mut current);
    }
    let mut path = vec![0; columns];
    let (mut row, mut column) = (rows - 1, columns - 1);
    loop {
        path[column] = row;
        let step = column.checked_sub(band(row).start).and_then(|at| steps[row].get(at));
        match step {
            _ if row == 0 && column == 0 => return path,
            Some(Step::Both) if row > 0 && column > 0 => (row, column) = (row - 1, column - 1),
            Some(Step::Whole) if row > 0 => row -= 1,
            _ if column > 0 => column -= 1,
            _ => row -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = 8000;

    /// Words as tones of different pitch and length, with pauses between them.
    fn audio(words: &[(f32, usize)], pause: usize) -> AudioBuffer {
        let mut samples = Vec::new();
        for (pitch, ms) in words {
            let tone = (0..ms * RATE / 1000)
                .map(|n| (9000.0 * (2.0 * PI * pitch * n as f32 / RATE as f32).sin()) as i16);
            samples.extend(tone);
            samples.extend(vec![0; pause * RATE / 1000]);
        }
        AudioBuffer::new(RATE as u32, samples)
    }

    fn starts(whole: &AudioBuffer, parts: &[Option<AudioBuffer>]) -> Vec<u128> {
        part_starts(whole, parts).iter().map(Duration::as_millis).collect()
    }

    #[test]
    fn parts_are_found_where_they_are_spoken() {
        let words = [(300.0, 400), (700.0, 150), (1500.0, 900), (500.0, 300), (2500.0, 250)];
        let whole = audio(&words, 60);
        // Spoken alone, each part is slower towards its end.
        let slower = [(300.0, 400), (700.0, 260), (1500.0, 900), (500.0, 420), (2500.0, 250)];
        let parts: Vec<_> =
            [&slower[..2], &slower[2..4], &slower[4..]].map(|part| Some(audio(part, 50))).into();
        let found = starts(&whole, &parts);
        for (found, expected) in found.iter().zip([670, 1990]) {
            assert!(found.abs_diff(expected) <= 20, "{found} {expected}");
        }
    }

    #[test]
    fn equal_sounds_keep_their_pace() {
        for pause in [0, 40, 200] {
            let words = [(400.0, 310), (400.0, 720), (400.0, 150), (400.0, 640), (400.0, 90)];
            let whole = audio(&words, pause);
            let parts: Vec<_> = words.iter().map(|word| Some(audio(&[*word], pause))).collect();
            let mut expected = 0;
            for (found, word) in starts(&whole, &parts).iter().zip(&words) {
                expected += (word.1 + pause) as u128;
                assert!(found.abs_diff(expected) <= 40, "{pause}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_part_that_cannot_be_spoken_alone_takes_no_time() {
        let whole = audio(&[(300.0, 400), (700.0, 400)], 50);
        let [first, second] = [audio(&[(300.0, 400)], 50), audio(&[(700.0, 400)], 50)];
        let silent = AudioBuffer::new(RATE as u32, vec![0; 4000]);
        let found = starts(&whole, &[Some(first), None, Some(silent), Some(second)]);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|start| start.abs_diff(450) <= 20), "{found:?}");
        assert!(starts(&whole, &[None, None])[0] >= 850);
    }

    #[test]
    fn audio_of_any_sample_rate_is_aligned_without_much_memory() {
        for rate in [1, 1000, u32::MAX] {
            let audio = AudioBuffer::new(rate, vec![9000; 100]);
            assert_eq!(part_starts(&audio, &[Some(audio.clone()), Some(audio.clone())]).len(), 1);
        }
    }

    #[test]
    fn empty_and_long_audio_is_aligned_without_much_memory() {
        let empty = AudioBuffer::new(16_000, []);
        assert_eq!(starts(&empty, &[Some(empty.clone()), None]), [0]);
        let long = AudioBuffer::new(100, vec![9000; 100 * 400]);
        let found = starts(&long, &[Some(long.clone()), Some(empty)]);
        assert!(found[0] >= 399_000, "{found:?}");
    }
}
