//! Mixes the audio clips of a timeline into one track, a chunk at a time: only the current chunk
//! is held at the output sample rate. Encoding it is left to [`encode`](super::encode).
//!
//! Clips are resampled with a polyphase windowed sinc, which computes each output sample from its
//! position alone. Any range of a clip can therefore be resampled with no state and no delay to
//! compensate; that is why no streaming resampler is used.

use std::collections::HashMap;
use std::f64::consts::PI;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::stored::StoredAudio;
use crate::media::{AudioClip, MediaError};

/// Sample rate of the mixed track.
pub(crate) const SAMPLE_RATE: u32 = 48_000;

const FADE_OUT: Duration = Duration::from_secs(2);

/// The audio clips of a timeline, ready to be mixed.
pub(crate) struct AudioMix<'a> {
    clips: Vec<MixClip<'a>>,
    length: u64,
}

/// The samples of a clip: those in memory, or a part of a file.
enum ClipSamples<'a> {
    Memory(&'a [i16]),
    File(&'a StoredAudio, Range<usize>),
}

struct MixClip<'a> {
    samples: ClipSamples<'a>,
    resampler: Arc<Resampler>,
    /// Where the clip plays, in samples of the mix.
    range: Range<u64>,
    /// Length of one playback in samples of the mix; shorter than `range` for a loop.
    period: u64,
    volume: f32,
    fades: bool,
}

impl<'a> AudioMix<'a> {
    pub(crate) fn new(clips: &'a [AudioClip], duration: Duration) -> Self {
        let length = samples(duration);
        let mut resamplers: HashMap<u32, Arc<Resampler>> = HashMap::new();
        let mut clips: Vec<MixClip<'a>> = clips
            .iter()
            .map(|clip| {
                let rate = clip.sample_rate();
                let resampler = resamplers
                    .entry(rate)
                    .or_insert_with(|| Arc::new(Resampler::new(rate, SAMPLE_RATE)));
                let own = |time: Duration| (time.as_secs_f64() * f64::from(rate)).round() as usize;
                let all = match &clip.stored {
                    Some(stored) => stored.len(),
                    None => clip.audio.samples().len(),
                };
                let first = own(clip.trim).min(all);
                let end = clip.take.map_or(all, |take| first.saturating_add(own(take)).min(all));
                let played = match &clip.stored {
                    Some(stored) => ClipSamples::File(stored, first..end),
                    None => ClipSamples::Memory(&clip.audio.samples()[first..end]),
                };
                let period = resampler.output_len(played.len()) as u64;
                let start = samples(clip.start);
                let end =
                    if clip.repeat { length } else { start.saturating_add(period).min(length) };
                MixClip {
                    samples: played,
                    resampler: Arc::clone(resampler),
                    range: start.min(end)..end,
                    period,
                    volume: if clip.volume.is_finite() { clip.volume.max(0.0) } else { 0.0 },
                    fades: clip.repeat,
                }
            })
            .filter(|clip| clip.period > 0 && !clip.range.is_empty() && clip.volume > 0.0)
            .collect();
        clips.sort_by_key(|clip| clip.range.start);
        Self { clips, length }
    }

    /// Returns the length in samples.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Fills `out` with the mixed samples from `start` on, within −1.0..=1.0.
    pub(crate) fn fill(&self, start: u64, out: &mut [f32]) -> Result<(), MediaError> {
        out.fill(0.0);
        let end = start + out.len() as u64;
        let started = self.clips.partition_point(|clip| clip.range.start < end);
        for clip in self.clips[..started].iter().filter(|clip| clip.range.end > start) {
            clip.add(start, out, self.length).map_err(MediaError::io("read the audio"))?;
        }
        for sample in out {
            *sample = limited(*sample / 32_768.0);
        }
        Ok(())
    }
}

impl ClipSamples<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Memory(samples) => samples.len(),
            Self::File(_, range) => range.end - range.start,
        }
    }

    /// Returns a number of samples from a position on, times `gain`. There is silence before the
    /// first one and after the last one.
    fn padded(&self, first: i64, count: usize, gain: f32) -> io::Result<Vec<f32>> {
        let before = usize::try_from(-first).unwrap_or(0).min(count);
        let start = usize::try_from(first).unwrap_or(0).min(self.len());
        let end = (start + count - before).min(self.len());
        let mut padded = vec![0.0; before];
        let scaled = |sample: &i16| f32::from(*sample) * gain;
        match self {
            Self::Memory(samples) => padded.extend(samples[start..end].iter().map(scaled)),
            Self::File(file, range) => {
                let samples = file.read(range.start + start..range.start + end)?;
                padded.extend(samples.iter().map(scaled));
            }
        }
        padded.resize(count, 0.0);
        Ok(padded)
    }
}

impl MixClip<'_> {
    fn add(&self, start: u64, out: &mut [f32], mix_length: u64) -> io::Result<()> {
        let end = (start + out.len() as u64).min(self.range.end);
        let mut at = start.max(self.range.start);
        while at < end {
            let within = (at - self.range.start) % self.period;
            let stop = end.min(at + self.period - within);
            let chunk = &mut out[(at - start) as usize..(stop - start) as usize];
            if self.fades {
                let mut own = vec![0.0; chunk.len()];
                self.resampler.add(&self.samples, within, self.volume, &mut own)?;
                for (n, (out, own)) in chunk.iter_mut().zip(own).enumerate() {
                    let left = (mix_length - at - n as u64) as f32 / samples(FADE_OUT) as f32;
                    *out += own * left.min(1.0);
                }
            } else {
                self.resampler.add(&self.samples, within, self.volume, chunk)?;
            }
            at = stop;
        }
        Ok(())
    }
}

/// Converts a time to samples of the mix.
pub(crate) fn samples(time: Duration) -> u64 {
    ((time.as_nanos() * u128::from(SAMPLE_RATE) + 500_000_000) / 1_000_000_000) as u64
}

/// Soft limiter: samples up to 0.8 are unchanged and louder ones are compressed, so that voice
/// over music never clips.
fn limited(sample: f32) -> f32 {
    const KNEE: f32 = 0.8;
    let over = sample.abs() - KNEE;
    if over <= 0.0 {
        return sample;
    }
    (KNEE + (1.0 - KNEE) * (over / (1.0 - KNEE)).tanh()).copysign(sample)
}

/// Zero crossings of the sinc on each side: 60 dB of stop-band attenuation, more than speech and
/// background music need.
const CROSSINGS: usize = 12;
/// Cut-off as a share of the lower Nyquist frequency, so that the filter's edge lies below it.
const CUTOFF: f64 = 0.94;
/// Rates without a common divisor would need very many phases. With this many, the nearest phase
/// is at most a thousandth of a sample away, which is inaudible.
const MAX_PHASES: u64 = 1024;

#[derive(Debug)]
struct Resampler {
    from: u64,
    to: u64,
    phases: u64,
    taps: usize,
    /// `phases` filters of `taps` coefficients each.
    filters: Vec<f32>,
}

impl Resampler {
    fn new(from: u32, to: u32) -> Self {
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
    fn output_len(&self, input: usize) -> usize {
        usize::try_from((input as u128 * u128::from(self.to)).div_ceil(u128::from(self.from)))
            .unwrap_or(usize::MAX)
    }

    /// Adds the output samples from position `start` on, multiplied by `gain`, to `out`. The input
    /// is treated as silent before its start and after its end.
    fn add(
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
    use crate::media::AudioBuffer;

    fn constant(value: i16, millis: usize) -> AudioBuffer {
        AudioBuffer::new(16_000, vec![value; 16 * millis])
    }

    fn mixed(clips: &[AudioClip], duration: Duration, chunk: usize) -> Vec<f32> {
        let mix = AudioMix::new(clips, duration);
        let mut out = vec![9.0; mix.length() as usize];
        for (n, part) in out.chunks_mut(chunk).enumerate() {
            mix.fill((n * chunk) as u64, part).unwrap();
        }
        out
    }

    #[test]
    fn each_clip_plays_at_its_time_and_volume_only() {
        let mut late = AudioClip::new(constant(16_384, 500), Duration::from_millis(250));
        late.volume = 0.5;
        late.trim = Duration::from_millis(100);
        late.take = Some(Duration::from_millis(200));
        let out = mixed(&[late], Duration::from_secs(1), 48_000);
        let at = |millis: usize| out[millis * 48];
        assert!(at(245).abs() < 0.01 && at(455).abs() < 0.01);
        for millis in [255, 300, 445] {
            assert!((at(millis) - 0.25).abs() < 0.01, "{millis}: {}", at(millis));
        }
    }

    #[test]
    fn music_repeats_to_the_end_and_fades_out() {
        let out =
            mixed(&[AudioClip::music(constant(16_384, 300), 0.5)], Duration::from_secs(5), 4096);
        let at = |millis: usize| out[millis * 48];
        assert!((at(1450) - 0.25).abs() < 0.01);
        assert!((at(4000) - 0.125).abs() < 0.01, "halfway through the fade-out: {}", at(4000));
        assert!(out[out.len() - 1].abs() < 0.001);
    }

    #[test]
    fn chunks_equal_the_whole_and_never_clip() {
        let clips = [
            AudioClip::music(constant(30_000, 333), 1.0),
            AudioClip::new(
                AudioBuffer::new(22_050, tone(22_050, 700.0, 0.7)),
                Duration::from_millis(123),
            ),
        ];
        let whole = mixed(&clips, Duration::from_millis(1_001), 1 << 20);
        assert_eq!(whole, mixed(&clips, Duration::from_millis(1_001), 1000));
        assert!(whole.iter().all(|sample| sample.abs() <= 1.0));
    }

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
