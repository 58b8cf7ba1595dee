//! Mixes the audio clips of a timeline into one track, a chunk at a time: only the current chunk
//! is held at the output sample rate. Encoding it is left to [`encode`](super::encode).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::resample::Resampler;
use crate::media::AudioClip;

/// Sample rate of the mixed track.
pub(crate) const SAMPLE_RATE: u32 = 48_000;

const FADE_OUT: Duration = Duration::from_secs(2);

/// The audio clips of a timeline, ready to be mixed.
pub(crate) struct AudioMix<'a> {
    clips: Vec<MixClip<'a>>,
    length: u64,
}

struct MixClip<'a> {
    samples: &'a [i16],
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
                let rate = clip.audio.sample_rate();
                let resampler = resamplers
                    .entry(rate)
                    .or_insert_with(|| Arc::new(Resampler::new(rate, SAMPLE_RATE)));
                let own = |time: Duration| (time.as_secs_f64() * f64::from(rate)).round() as usize;
                let all = clip.audio.samples();
                let heard = &all[own(clip.trim).min(all.len())..];
                let heard =
                    &heard[..clip.take.map_or(heard.len(), |take| own(take).min(heard.len()))];
                let period = resampler.output_len(heard.len()) as u64;
                let start = samples(clip.start);
                let end =
                    if clip.repeat { length } else { start.saturating_add(period).min(length) };
                MixClip {
                    samples: heard,
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
    pub(crate) fn fill(&self, start: u64, out: &mut [f32]) {
        out.fill(0.0);
        let end = start + out.len() as u64;
        let started = self.clips.partition_point(|clip| clip.range.start < end);
        for clip in self.clips[..started].iter().filter(|clip| clip.range.end > start) {
            clip.add(start, out, self.length);
        }
        for sample in out {
            *sample = limited(*sample / 32_768.0);
        }
    }
}

impl MixClip<'_> {
    fn add(&self, start: u64, out: &mut [f32], mix_length: u64) {
        let end = (start + out.len() as u64).min(self.range.end);
        let mut at = start.max(self.range.start);
        while at < end {
            let within = (at - self.range.start) % self.period;
            let stop = end.min(at + self.period - within);
            let chunk = &mut out[(at - start) as usize..(stop - start) as usize];
            if self.fades {
                let mut own = vec![0.0; chunk.len()];
                self.resampler.add(self.samples, within, self.volume, &mut own);
                for (n, (out, own)) in chunk.iter_mut().zip(own).enumerate() {
                    let left = (mix_length - at - n as u64) as f32 / samples(FADE_OUT) as f32;
                    *out += own * left.min(1.0);
                }
            } else {
                self.resampler.add(self.samples, within, self.volume, chunk);
            }
            at = stop;
        }
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
            mix.fill((n * chunk) as u64, part);
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
            AudioClip::new(constant(30_000, 700), Duration::from_millis(123)),
        ];
        let whole = mixed(&clips, Duration::from_millis(1_001), 1 << 20);
        assert_eq!(whole, mixed(&clips, Duration::from_millis(1_001), 1000));
        assert!(whole.iter().all(|sample| sample.abs() <= 1.0));
    }

    #[test]
    fn a_mix_without_clips_is_silent() {
        assert_eq!(mixed(&[], Duration::from_millis(10), 100), vec![0.0; 480]);
    }
}
