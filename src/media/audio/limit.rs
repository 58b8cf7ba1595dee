//! Keeps the true peak of a track below a ceiling, by a gain that falls before a peak and rises
//! after it. The gain at a position depends on the audio near it only, so any range of a track can
//! be limited on its own, and the parts are equal to the whole.

use super::resample::Resampler;

/// Highest true peak. AAC adds up to a decibel to peaks, and the decoded track is to stay below
/// −1 dBTP: −2.5 dBTP.
pub(crate) const CEILING: f32 = 0.75;

/// The gain is computed for each so many samples: 1.3 ms.
const BLOCK: usize = 64;
/// The gain is held for so many blocks around a peak, longer than a period of the lowest voice, and
/// it falls and rises as long.
const REACH: usize = 14;
/// Samples around a range that the gain in it depends on.
pub(crate) const CONTEXT: usize = (2 * REACH + 4) * BLOCK;

/// The true peak is measured at four times the sample rate (BS.1770-4, annex 2).
const OVERSAMPLING: u32 = 4;

/// Limits tracks to [`CEILING`].
#[derive(Debug)]
pub(crate) struct Limiter {
    interpolator: Resampler,
    weights: [f32; 2 * REACH + 1],
}

impl Limiter {
    pub(crate) fn new() -> Self {
        let shape = |at: usize| {
            let x = (at as f32 - REACH as f32) / (REACH + 1) as f32;
            0.5 + 0.5 * (std::f32::consts::PI * x).cos()
        };
        let mut weights: [f32; 2 * REACH + 1] = std::array::from_fn(shape);
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Self { interpolator: Resampler::new(1, OVERSAMPLING), weights }
    }

    /// Limits a range of a track in place. `audio` begins and ends with [`CONTEXT`] samples around
    /// the range, which are not limited; there is silence before and after the track. `start` is the
    /// position of the range in the track.
    pub(crate) fn apply(&self, start: u64, audio: &mut [f32]) {
        // A wave that is sampled beside its peaks may be up to twice as high between the samples.
        let may_exceed = |peak: f32| peak > CEILING / 2.0;
        if !audio.iter().any(|sample| may_exceed(sample.abs())) {
            return;
        }
        // The blocks begin at the same positions in every range: multiples of their length in the
        // track, so the first one in `audio` may begin before it.
        let offset = ((start as i64 - CONTEXT as i64).rem_euclid(BLOCK as i64)) as usize;
        let before = self.interpolator.taps() / 2 - 1;
        let needed: Vec<f32> = (0..audio.len() + offset)
            .step_by(BLOCK)
            .map(|block| {
                let from = block.saturating_sub(offset);
                let to = (block + BLOCK - offset).min(audio.len());
                // The wave between the last sample and the next one is a part of the block.
                let near = &audio[from..(to + 1).min(audio.len())];
                let mut peak = near.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
                if may_exceed(peak) {
                    for at in from..to {
                        let first = at.checked_sub(before);
                        let input =
                            first.and_then(|at| audio.get(at..at + self.interpolator.taps()));
                        peak = input.map_or(peak, |input| peak.max(self.interpolator.peak(input)));
                    }
                }
                (CEILING / peak.max(CEILING)).min(1.0)
            })
            .collect();
        if needed.iter().all(|gain| *gain >= 1.0) {
            return;
        }
        let around = |values: &[f32], at: usize, reach: usize| {
            at.saturating_sub(reach)..(at + reach + 1).min(values.len())
        };
        // One block more on each side, because the gain changes between the middles of blocks.
        let held: Vec<f32> = (0..needed.len())
            .map(|at| {
                let near = &needed[around(&needed, at, REACH + 1)];
                near.iter().fold(1.0_f32, |least, gain| least.min(*gain))
            })
            .collect();
        let smooth = |at: usize| {
            let gain = |n: usize| (at + n).checked_sub(REACH).and_then(|at| held.get(at));
            let weights = self.weights.iter().enumerate();
            1.0 - weights.map(|(n, w)| w * (1.0 - gain(n).unwrap_or(&1.0))).sum::<f32>()
        };
        let gains: Vec<f32> = (0..held.len()).map(smooth).collect();
        let range = CONTEXT..audio.len() - CONTEXT;
        for (at, sample) in audio.iter_mut().enumerate().take(range.end).skip(range.start) {
            let position = at + offset + BLOCK / 2;
            let (block, part) = (position / BLOCK - 1, (position % BLOCK) as f32 / BLOCK as f32);
            let gain = gains[block] + (gains[block + 1] - gains[block]) * part;
            *sample = (*sample * gain).clamp(-1.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limits a track in chunks.
    fn limited(track: &[f32], chunk: usize) -> Vec<f32> {
        let limiter = Limiter::new();
        let mut out = Vec::new();
        for start in (0..track.len()).step_by(chunk) {
            let end = (start + chunk).min(track.len());
            let sample = |at: i64| {
                usize::try_from(at).ok().and_then(|at| track.get(at)).copied().unwrap_or(0.0)
            };
            let (from, to) = (start as i64 - CONTEXT as i64, (end + CONTEXT) as i64);
            let mut audio: Vec<f32> = (from..to).map(sample).collect();
            limiter.apply(start as u64, &mut audio);
            out.extend_from_slice(&audio[CONTEXT..audio.len() - CONTEXT]);
        }
        out
    }

    fn true_peak(track: &[f32]) -> f64 {
        let mut meter = ebur128::EbuR128::new(1, 48_000, ebur128::Mode::TRUE_PEAK).unwrap();
        meter.add_frames_f32(track).unwrap();
        meter.add_frames_f32(&[0.0; 100]).unwrap();
        meter.true_peak(0).unwrap()
    }

    fn sine(hertz: f32, level: f32, phase: f32, seconds: f32) -> Vec<f32> {
        let step = 2.0 * std::f32::consts::PI * hertz / 48_000.0;
        (0..(48_000.0 * seconds) as usize)
            .map(|n| level * (n as f32 * step + phase).sin())
            .collect()
    }

    #[test]
    fn no_wave_exceeds_the_ceiling_between_its_samples() {
        for hertz in [60.0, 997.0, 8000.0, 12_000.0, 16_000.0] {
            for level in [0.8, 1.0, 4.0] {
                let track = sine(hertz, level, 0.785, 0.3);
                let peak = true_peak(&limited(&track, 48_000));
                assert!(peak < f64::from(CEILING) * 1.03, "{hertz} Hz at {level}: {peak}");
                assert!(peak > 0.7, "{hertz} Hz at {level}: {peak}");
            }
        }
    }

    #[test]
    fn what_is_quiet_is_unchanged_and_chunks_equal_the_whole() {
        let quiet = sine(440.0, 0.7, 0.0, 0.5);
        assert_eq!(limited(&quiet, 48_000), quiet);
        let mut track = sine(440.0, 0.5, 0.0, 1.0);
        for at in [0, 63, 64, 9999, 10_000, 30_001, 47_999] {
            track[at] = 3.0;
        }
        let whole = limited(&track, 48_000);
        for chunk in [1000, 4096, 9999] {
            assert_eq!(limited(&track, chunk), whole);
        }
        assert!(true_peak(&whole) < 0.78);
        // Away from the peaks, nothing changes.
        assert_eq!(whole[16_000..24_000], track[16_000..24_000]);
    }

    #[test]
    fn the_gain_changes_smoothly() {
        let mut track = vec![0.4; 9600];
        track[4800] = 1.5;
        let out = limited(&track, 9600);
        let steps = out[..4800].windows(2).chain(out[4801..].windows(2));
        let largest = steps.map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(largest < 0.001, "{largest}");
    }
}
