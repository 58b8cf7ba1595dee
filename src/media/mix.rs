//! All sounds of a film to one, a piece at a time: nothing but the piece is held at the film's
//! own rate. Encoding it is left to [`aac`](super::aac) and [`output`](super::output).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::SoundClip;
use super::sound::Resampler;

/// Samples per second of the film's sound.
pub(super) const SAMPLE_RATE: u32 = 48_000;

const FADE_OUT: Duration = Duration::from_secs(2);

/// The sounds of a film, ready to be mixed.
pub(super) struct Mix<'a> {
    clips: Vec<Placed<'a>>,
    length: u64,
}

struct Placed<'a> {
    samples: &'a [i16],
    resampler: Arc<Resampler>,
    /// Where it is heard, in samples of the film.
    range: Range<u64>,
    /// Its own length there; for a loop shorter than `range`.
    period: u64,
    volume: f32,
    fades: bool,
}

impl<'a> Mix<'a> {
    pub(super) fn new(clips: &'a [SoundClip], duration: Duration) -> Self {
        let length = samples(duration);
        let mut resamplers: HashMap<u32, Arc<Resampler>> = HashMap::new();
        let mut clips: Vec<Placed<'a>> = clips
            .iter()
            .map(|clip| {
                let rate = clip.sound.sample_rate();
                let resampler = resamplers
                    .entry(rate)
                    .or_insert_with(|| Arc::new(Resampler::new(rate, SAMPLE_RATE)));
                let own = |time: Duration| (time.as_secs_f64() * f64::from(rate)).round() as usize;
                let all = clip.sound.samples();
                let heard = &all[own(clip.trim).min(all.len())..];
                let heard =
                    &heard[..clip.take.map_or(heard.len(), |take| own(take).min(heard.len()))];
                let period = resampler.output_len(heard.len()) as u64;
                let start = samples(clip.start);
                let end =
                    if clip.repeat { length } else { start.saturating_add(period).min(length) };
                Placed {
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

    /// The film's length in samples.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Mixes the samples from `start` on, within −1.0..=1.0.
    pub(super) fn fill(&self, start: u64, out: &mut [f32]) {
        out.fill(0.0);
        let end = start + out.len() as u64;
        let begun = self.clips.partition_point(|clip| clip.range.start < end);
        for clip in self.clips[..begun].iter().filter(|clip| clip.range.end > start) {
            clip.add(start, out, self.length);
        }
        for sample in out {
            *sample = limited(*sample / 32_768.0);
        }
    }
}

impl Placed<'_> {
    fn add(&self, start: u64, out: &mut [f32], film: u64) {
        let end = (start + out.len() as u64).min(self.range.end);
        let mut at = start.max(self.range.start);
        while at < end {
            let within = (at - self.range.start) % self.period;
            let stop = end.min(at + self.period - within);
            let piece = &mut out[(at - start) as usize..(stop - start) as usize];
            if self.fades {
                let mut own = vec![0.0; piece.len()];
                self.resampler.add(self.samples, within, self.volume, &mut own);
                for (n, (out, own)) in piece.iter_mut().zip(own).enumerate() {
                    let left = (film - at - n as u64) as f32 / samples(FADE_OUT) as f32;
                    *out += own * left.min(1.0);
                }
            } else {
                self.resampler.add(self.samples, within, self.volume, piece);
            }
            at = stop;
        }
    }
}

/// A time of the film in samples.
pub(super) fn samples(time: Duration) -> u64 {
    ((time.as_nanos() * u128::from(SAMPLE_RATE) + 500_000_000) / 1_000_000_000) as u64
}

/// Leaves what is below four fifths alone and bends what is above, so that voice over music
/// never clips.
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
    use crate::media::Sound;

    fn constant(value: i16, millis: usize) -> Sound {
        Sound::new(16_000, vec![value; 16 * millis])
    }

    fn mixed(clips: &[SoundClip], duration: Duration, piece: usize) -> Vec<f32> {
        let mix = Mix::new(clips, duration);
        let mut out = vec![9.0; mix.length() as usize];
        for (n, piece_of) in out.chunks_mut(piece).enumerate() {
            mix.fill((n * piece) as u64, piece_of);
        }
        out
    }

    #[test]
    fn each_sound_is_heard_at_its_time_and_volume_only() {
        let mut late = SoundClip::new(constant(16_384, 500), Duration::from_millis(250));
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
    fn music_goes_on_to_the_end_of_the_film_and_fades_there() {
        let out =
            mixed(&[SoundClip::music(constant(16_384, 300), 0.5)], Duration::from_secs(5), 4096);
        let at = |millis: usize| out[millis * 48];
        assert!((at(1450) - 0.25).abs() < 0.01);
        assert!((at(4000) - 0.125).abs() < 0.01, "half way down: {}", at(4000));
        assert!(out[out.len() - 1].abs() < 0.001);
    }

    #[test]
    fn pieces_are_the_same_as_the_whole_and_never_clip() {
        let clips = [
            SoundClip::music(constant(30_000, 333), 1.0),
            SoundClip::new(constant(30_000, 700), Duration::from_millis(123)),
        ];
        let whole = mixed(&clips, Duration::from_millis(1_001), 1 << 20);
        assert_eq!(whole, mixed(&clips, Duration::from_millis(1_001), 1000));
        assert!(whole.iter().all(|sample| sample.abs() <= 1.0));
    }

    #[test]
    fn a_film_without_sound_is_silent() {
        assert_eq!(mixed(&[], Duration::from_millis(10), 100), vec![0.0; 480]);
    }
}
