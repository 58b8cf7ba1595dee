//! Mixes the audio clips of a timeline into one track, a chunk at a time: only the current chunk
//! is held at the output sample rate. Speech is brought to its [`loudness`](super::loudness), music
//! is made [quiet](super::duck) under it, and the whole [limited](super::limit). Encoding the track
//! is left to [`encode`](super::encode).

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::duck::{Duck, joined, passages_of, soft};
use super::limit::{CONTEXT, Limiter};
use super::loudness::{factor, measure, speech_gains};
use super::resample::Resampler;
use super::stored::StoredAudio;
use crate::media::{AudioClip, AudioKind, Cancel, MediaError};

/// Sample rate of the mixed track.
pub(crate) const SAMPLE_RATE: u32 = 48_000;

/// A higher volume is lowered to this: 60 dB. Far above, the gain of the limiter would be inexact,
/// and sums of samples infinite.
const MAX_VOLUME: f32 = 1000.0;

/// The audio clips of a timeline, ready to be mixed.
pub(crate) struct AudioMix<'a> {
    clips: Vec<MixClip<'a>>,
    length: u64,
    limiter: Limiter,
}

/// The samples of a clip: those in memory, or a part of a file.
pub(crate) enum ClipSamples<'a> {
    Memory(&'a [i16]),
    File(&'a StoredAudio, Range<usize>),
}

struct MixClip<'a> {
    clip: &'a AudioClip,
    samples: ClipSamples<'a>,
    resampler: Arc<Resampler>,
    /// Where the clip plays, in samples of the mix.
    range: Range<u64>,
    /// Length of one playback in samples of the mix; shorter than `range` for a loop.
    period: u64,
    /// The volume, and for speech the factor that gives it its loudness.
    gain: f32,
    ducks: Vec<Duck>,
}

impl<'a> AudioMix<'a> {
    /// Prepares the clips. Speech, and the music that is quiet under it, is measured.
    pub(crate) fn new(
        clips: &'a [AudioClip],
        duration: Duration,
        cancel: &Cancel,
    ) -> Result<Self, MediaError> {
        let length = samples(duration);
        let mut resamplers: HashMap<u32, Arc<Resampler>> = HashMap::new();
        let mut clips: Vec<MixClip<'a>> = clips
            .iter()
            .map(|clip| {
                let rate = clip.sample_rate();
                let resampler = resamplers
                    .entry(rate)
                    .or_insert_with(|| Arc::new(Resampler::new(rate, SAMPLE_RATE)));
                MixClip::new(clip, Arc::clone(resampler), length)
            })
            .filter(|clip| clip.period > 0 && !clip.range.is_empty() && clip.gain > 0.0)
            .collect();
        clips.sort_by_key(|clip| clip.range.start);
        balance(&mut clips, cancel)?;
        Ok(Self { clips, length, limiter: Limiter::new() })
    }

    /// Returns the length in samples.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Fills `out` with the mixed samples from `start` on, within −1.0..=1.0.
    pub(crate) fn fill(&self, start: u64, out: &mut [f32]) -> Result<(), MediaError> {
        let mut wide = vec![0.0; out.len() + 2 * CONTEXT];
        // Before the track there is silence.
        let before = CONTEXT - CONTEXT.min(usize::try_from(start).unwrap_or(CONTEXT));
        self.add_all(start.saturating_sub(CONTEXT as u64), &mut wide[before..])?;
        self.limiter.apply(start, &mut wide);
        out.copy_from_slice(&wide[CONTEXT..CONTEXT + out.len()]);
        Ok(())
    }

    /// Adds the clips from a position on.
    fn add_all(&self, start: u64, out: &mut [f32]) -> Result<(), MediaError> {
        let end = start + out.len() as u64;
        let started = self.clips.partition_point(|clip| clip.range.start < end);
        for clip in self.clips[..started].iter().filter(|clip| clip.range.end > start) {
            clip.add(start, out).map_err(MediaError::io("read the audio"))?;
        }
        Ok(())
    }
}

/// Gives speech its loudness, and finds out where music is quiet under it.
fn balance(clips: &mut [MixClip<'_>], cancel: &Cancel) -> Result<(), MediaError> {
    let all = |is_one: &dyn Fn(&MixClip<'_>) -> bool| -> Vec<usize> {
        (0..clips.len()).filter(|&at| is_one(&clips[at])).collect()
    };
    let speech = all(&|clip| clip.clip.kind == AudioKind::Speech);
    let music = match speech.is_empty() {
        true => Vec::new(),
        false => all(&|clip| clip.clip.kind != AudioKind::Speech && clip.clip.duck),
    };
    let measured: Vec<_> = speech
        .iter()
        .chain(&music)
        .map(|&at| (&clips[at].samples, clips[at].clip.sample_rate()))
        .collect();
    let (speech_loudness, music_loudness) = {
        let mut loudness = measure(&measured, cancel)?;
        let music = loudness.split_off(speech.len());
        (loudness, music)
    };
    let gains = speech_gains(&speech_loudness);
    let mut passages = Vec::new();
    for ((&at, gain), loudness) in speech.iter().zip(gains).zip(&speech_loudness) {
        clips[at].gain *= factor(gain) as f32;
        if !music.is_empty() {
            let MixClip { range, period, gain, .. } = &clips[at];
            passages.extend(passages_of(loudness, range, *period, decibels(*gain)));
        }
    }
    let passages = joined(passages);
    for (&at, loudness) in music.iter().zip(&music_loudness) {
        let MixClip { range, period, gain, .. } = &clips[at];
        clips[at].ducks = Duck::all(loudness, decibels(*gain), range, *period, &passages);
    }
    Ok(())
}

fn decibels(gain: f32) -> f64 {
    20.0 * f64::from(gain).log10()
}

impl ClipSamples<'_> {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Memory(samples) => samples.len(),
            Self::File(_, range) => range.end - range.start,
        }
    }

    /// Returns a number of samples from a position on, times `gain`. There is silence before the
    /// first one and after the last one.
    pub(crate) fn padded(&self, first: i64, count: usize, gain: f32) -> io::Result<Vec<f32>> {
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

impl<'a> MixClip<'a> {
    fn new(clip: &'a AudioClip, resampler: Arc<Resampler>, length: u64) -> Self {
        let rate = f64::from(clip.sample_rate());
        let own = |time: Duration| (time.as_secs_f64() * rate).round() as usize;
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
        let end = if clip.repeat { length } else { start.saturating_add(period).min(length) };
        Self {
            clip,
            samples: played,
            resampler,
            range: start.min(end)..end,
            period,
            gain: if clip.volume.is_finite() { clip.volume.clamp(0.0, MAX_VOLUME) } else { 0.0 },
            ducks: Vec::new(),
        }
    }

    /// Returns whether the gain is the same for all of the clip.
    fn is_even(&self) -> bool {
        self.ducks.is_empty() && self.clip.fade_in.is_zero() && self.clip.fade_out.is_zero()
    }

    fn add(&self, start: u64, out: &mut [f32]) -> io::Result<()> {
        let end = (start + out.len() as u64).min(self.range.end);
        let at = start.max(self.range.start);
        let out = &mut out[(at - start) as usize..(end - start) as usize];
        if self.is_even() {
            return self.play(at, out);
        }
        let mut own = vec![0.0; out.len()];
        self.play(at, &mut own)?;
        Duck::apply(&self.ducks, at, &mut own);
        self.fade(at, &mut own);
        for (out, own) in out.iter_mut().zip(own) {
            *out += own;
        }
        Ok(())
    }

    /// Adds the clip at its own gain. `at` is a position in the mix, within the clip.
    fn play(&self, mut at: u64, mut out: &mut [f32]) -> io::Result<()> {
        while !out.is_empty() {
            let within = (at - self.range.start) % self.period;
            let length = out.len().min(usize::try_from(self.period - within).unwrap_or(usize::MAX));
            let (chunk, rest) = out.split_at_mut(length);
            self.resampler.add(&self.samples, within, self.gain / 32_768.0, chunk)?;
            at += length as u64;
            out = rest;
        }
        Ok(())
    }

    fn fade(&self, at: u64, audio: &mut [f32]) {
        let (fade_in, fade_out) = (samples(self.clip.fade_in), samples(self.clip.fade_out));
        let from = self.range.start.saturating_add(fade_in);
        let to = self.range.end.saturating_sub(fade_out);
        if at >= from && at + audio.len() as u64 <= to {
            return;
        }
        let share =
            |played: u64, of: u64| if played < of { soft(played as f32 / of as f32) } else { 1.0 };
        for (at, sample) in (at..).zip(audio) {
            *sample *= share(at - self.range.start, fade_in) * share(self.range.end - at, fade_out);
        }
    }
}

/// Converts a time to samples of the mix.
pub(crate) fn samples(time: Duration) -> u64 {
    let samples = (time.as_nanos() * u128::from(SAMPLE_RATE) + 500_000_000) / 1_000_000_000;
    u64::try_from(samples).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::media::AudioBuffer;

    fn constant(value: i16, millis: usize) -> AudioBuffer {
        AudioBuffer::new(16_000, vec![value; 16 * millis])
    }

    fn mixed(clips: &[AudioClip], duration: Duration, chunk: usize) -> Vec<f32> {
        let mix = AudioMix::new(clips, duration, &Cancel::new()).unwrap();
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
    fn the_longest_times_and_the_highest_volume_do_not_overflow() {
        let second = Duration::from_secs(1);
        for endless in
            [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_millis(u64::MAX)]
        {
            let never = AudioClip::new(constant(16_384, 500), endless);
            assert!(mixed(&[never], second, 4096).iter().all(|sample| *sample == 0.0));
            let mut faded = AudioClip::new(constant(16_384, 500), second / 2);
            (faded.fade_in, faded.fade_out) = (endless, endless);
            assert!(mixed(&[faded], second, 4096).iter().all(|sample| sample.abs() < 0.001));
        }
        let loud = |make: fn(AudioBuffer, Duration) -> AudioClip| {
            let mut clip = make(AudioBuffer::new(16_000, tone(16_000, 440.0, 0.5)), Duration::ZERO);
            clip.volume = f32::MAX;
            clip
        };
        let out = mixed(&[loud(AudioClip::new), loud(AudioClip::speech)], second, 4096);
        assert!(out.iter().all(|sample| sample.abs() <= 1.0));
        assert!(out.iter().any(|sample| sample.abs() > 0.5));
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
}
