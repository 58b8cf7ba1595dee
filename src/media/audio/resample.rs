//! Resampling of audio with a polyphase windowed sinc, which computes each output sample from its
//! position alone: any range of a clip can be resampled with no state and no delay to compensate.
//! That is why no streaming resampler is used.

use std::f64::consts::PI;
use std::io;

use super::mix::ClipSamples;

/// Zero crossings of the sinc on each side: 60 dB of stop-band attenuation, more than speech and
/// background music need.
const CROSSINGS: usize = 12;
/// Cut-off as a share of the lower Nyquist frequency, so that the filter's edge lies below it.
const CUTOFF: f64 = 0.94;
/// Rates without a common divisor would need very many phases. With this many, the nearest phase
/// is at most a thousandth of a sample away, which is inaudible.
const MAX_PHASES: u64 = 1024;

#[derive(Debug)]
pub(crate) struct Resampler {
    from: u64,
    to: u64,
    phases: u64,
    taps: usize,
    /// `phases` filters of `taps` coefficients each.
    filters: Vec<f32>,
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let (from, to) = (u64::from(from.max(1)), u64::from(to.max(1)));
        let divisor = gcd(from, to);
        let (from, to) = (from / divisor, to / divisor);
        let phases = to.min(MAX_PHASES);
        // When downsampling, the filter is longer and its cut-off lower by the ratio.
        let stretch = (from as f64 / to as f64).max(1.0);
        let half = (CROSSINGS as f64 * stretch).ceil();
        let taps = 2 * half as usize;
        let mut filters = Vec::with_capacity(phases as usize * taps);
        for phase in 0..phases {
            let offset = phase as f64 / phases as f64;
            let filter: Vec<f64> = (0..taps)
                .map(|tap| {
                    let x = tap as f64 - (half - 1.0) - offset;
                    sinc(x * CUTOFF / stretch) * window(x / half)
                })
                .collect();
            // Each phase has unity gain, or a ripple at the phase rate would be audible.
            let sum: f64 = filter.iter().sum();
            filters.extend(filter.iter().map(|&tap| (tap / sum) as f32));
        }
        Self { from, to, phases, taps, filters }
    }

    /// Returns the number of output samples for a number of input samples.
    pub(crate) fn output_len(&self, input: usize) -> usize {
        usize::try_from((input as u128 * u128::from(self.to)).div_ceil(u128::from(self.from)))
            .unwrap_or(usize::MAX)
    }

    /// Adds the output samples from position `start` on, multiplied by `gain`, to `out`. The input
    /// is treated as silent before its start and after its end.
    pub(crate) fn add(
        &self,
        input: &ClipSamples<'_>,
        start: u64,
        gain: f32,
        out: &mut [f32],
    ) -> io::Result<()> {
        let before = (self.taps / 2 - 1) as i64;
        // The input that contributes to this range of the output, padded with silence.
        let first =
            (u128::from(start) * u128::from(self.from) / u128::from(self.to)) as i64 - before;
        let span = (out.len() as u64 * self.from / self.to) as usize + self.taps + 2;
        let padded = input.padded(first, span, gain)?;
        let position = u128::from(start) * u128::from(self.from);
        let mut rest = (position % u128::from(self.to)) as u64;
        let mut at = 0;
        for out in out {
            let phase = if self.phases == self.to { rest } else { rest * self.phases / self.to };
            let filter = &self.filters[phase as usize * self.taps..][..self.taps];
            *out += dot(filter, &padded[at..at + self.taps]);
            rest += self.from;
            while rest >= self.to {
                rest -= self.to;
                at += 1;
            }
        }
        Ok(())
    }

    /// Returns the number of input samples that an output sample is computed from.
    pub(crate) const fn taps(&self) -> usize {
        self.taps
    }

    /// Returns the highest absolute value of all phases at one position of the input.
    pub(crate) fn peak(&self, input: &[f32]) -> f32 {
        let phases = self.filters.chunks_exact(self.taps);
        phases.fold(0.0, |peak, filter| peak.max(dot(filter, input).abs()))
    }
}

/// Keeps eight partial sums: a single running sum would prevent vectorization.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The Blackman window over −1..=1.
fn window(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return 0.0;
    }
    0.42 + 0.5 * (PI * x).cos() + 0.08 * (2.0 * PI * x).cos()
}

const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, seconds: f64) -> Vec<i16> {
        (0..(f64::from(rate) * seconds) as usize)
            .map(|n| (10_000.0 * (2.0 * PI * hertz * n as f64 / f64::from(rate)).sin()) as i16)
            .collect()
    }

    fn resample(from: u32, to: u32, input: &[i16]) -> Vec<f32> {
        let resampler = Resampler::new(from, to);
        let mut out = vec![0.0; resampler.output_len(input.len())];
        resampler.add(&ClipSamples::Memory(input), 0, 1.0, &mut out).unwrap();
        out
    }

    #[test]
    fn a_tone_keeps_its_pitch_level_and_position_at_every_rate() {
        for from in [8_000, 14_000, 16_000, 22_050, 44_100, 48_000, 96_000, 13_927] {
            let out = resample(from, 48_000, &tone(from, 440.0, 0.5));
            assert!(out.len().abs_diff(24_000) <= 3, "{from}: {}", out.len());
            // The ends blend into silence; the middle must equal the tone.
            let worst = (1000..22_000)
                .map(|n| {
                    let ideal = 10_000.0 * (2.0 * PI * 440.0 * n as f64 / 48_000.0).sin();
                    (f64::from(out[n]) - ideal).abs()
                })
                .fold(0.0, f64::max);
            assert!(worst < 40.0, "{from}: off by {worst}");
        }
    }

    #[test]
    fn frequencies_above_the_lower_nyquist_are_removed() {
        let out = resample(48_000, 16_000, &tone(48_000, 11_000.0, 0.2));
        let peak = out[100..3000].iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        assert!(peak < 20.0, "{peak}");
    }
}
