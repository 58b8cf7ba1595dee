//! A piece of mono sound at its own sampling rate. Reading files is in [`decode`], changing the
//! rate in [`resample`]; putting sounds together is left to [`mix`](super::mix).

mod decode;
mod resample;

use std::sync::Arc;
use std::time::Duration;

use super::MediaError;

pub(super) use resample::Resampler;

/// Mono sound, 16 bit, at any sampling rate. Cheap to clone.
///
/// ```
/// use nemovideo::media::Sound;
/// use std::time::Duration;
///
/// let sound = Sound::new(16_000, vec![0; 8_000]);
/// assert_eq!(sound.duration(), Duration::from_millis(500));
/// let resampled = sound.resampled(48_000);
/// assert_eq!((resampled.sample_rate(), resampled.duration()), (48_000, sound.duration()));
/// assert!(Sound::decode(b"no sound", "song.mp3").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Sound {
    sample_rate: u32,
    samples: Arc<[i16]>,
}

impl Sound {
    /// Sound of these samples. A rate of 0 is taken as 1, so that a duration always exists.
    #[must_use]
    pub fn new(sample_rate: u32, samples: impl Into<Arc<[i16]>>) -> Self {
        Self { sample_rate: sample_rate.max(1), samples: samples.into() }
    }

    /// Reads a WAV, MP3, M4A or AAC file; several channels become one.
    ///
    /// What it is shows in its first bytes; `name`, the file's name, is for the error text.
    ///
    /// # Errors
    /// [`MediaError::Sound`] when it is none of these, broken, empty or longer than two hours.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, MediaError> {
        decode::decode(bytes).map_err(|why| MediaError::Sound(format!("{name}: {why}")))
    }

    /// Samples per second.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// The samples.
    ///
    /// ```
    /// use nemovideo::media::{Delivery, Pico, Voice as _};
    ///
    /// let sound = Pico::new().speak("Good morning.", &Delivery::default())?;
    /// let peak = sound.samples().iter().map(|sample| sample.unsigned_abs()).max();
    /// assert!(peak.is_some_and(|peak| peak > 3_000)); // far from silence
    /// # Ok::<(), nemovideo::media::MediaError>(())
    /// ```
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// How long it lasts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let (samples, rate) = (self.samples.len() as u64, u64::from(self.sample_rate));
        Duration::from_secs(samples / rate)
            + Duration::from_nanos(samples % rate * 1_000_000_000 / rate)
    }

    /// The same sound at another rate.
    #[must_use]
    pub fn resampled(&self, sample_rate: u32) -> Self {
        let sample_rate = sample_rate.max(1);
        if sample_rate == self.sample_rate {
            return self.clone();
        }
        let resampler = Resampler::new(self.sample_rate, sample_rate);
        let mut out = vec![0.0; resampler.output_len(self.samples.len())];
        resampler.add(&self.samples, 0, 1.0, &mut out);
        let samples: Vec<i16> = out.iter().map(|&sample| sample.round() as i16).collect();
        Self::new(sample_rate, samples)
    }

    /// The sound without the silence before and after it.
    ///
    /// A speech engine pads what it says; without this a caption would come before its words.
    pub(super) fn trimmed(&self) -> Self {
        /// About −46 dB: below any consonant, above an engine's noise.
        const SILENCE: u16 = 160;
        /// What is kept on each side, since words fade in and out.
        const MARGIN: Duration = Duration::from_millis(15);
        let loud = |sample: &i16| sample.unsigned_abs() > SILENCE;
        let Some(first) = self.samples.iter().position(loud) else {
            return Self::new(self.sample_rate, []);
        };
        let last = self.samples.iter().rposition(loud).unwrap_or(first);
        let margin = (MARGIN.as_secs_f64() * f64::from(self.sample_rate)) as usize;
        let end = (last + 1 + margin).min(self.samples.len());
        Self::new(self.sample_rate, &self.samples[first.saturating_sub(margin)..end])
    }
}

/// Millions of numbers help nobody.
impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sound")
            .field("sample_rate", &self.sample_rate)
            .field("duration", &self.duration())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_around_a_sound_goes_and_silence_within_stays() {
        let mut samples = vec![3_i16; 1600];
        samples.extend([9000; 160]);
        samples.extend([0; 1600]);
        samples.extend([-9000; 160]);
        samples.extend([0; 4000]);
        let trimmed = Sound::new(16_000, samples).trimmed();
        assert_eq!(trimmed.samples().len(), 240 + 160 + 1600 + 160 + 240);
        assert!(Sound::new(16_000, vec![5; 999]).trimmed().samples().is_empty());
    }

    #[test]
    fn a_duration_is_exact_however_long() {
        assert_eq!(Sound::new(3, [0; 4]).duration(), Duration::from_nanos(1_333_333_333));
    }
}
