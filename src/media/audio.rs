//! Mono audio in memory, and reading it from WAV, MP3, M4A and AAC files. Each format has a module
//! of its own. Mixing several buffers into the audio track of a video is left to [`mix`], encoding
//! it to [`encode`].

mod aac;
mod downmix;
mod duck;
pub(crate) mod encode;
mod formats;
mod limit;
mod loudness;
pub(crate) mod mix;
mod mp3;
mod resample;
pub(crate) mod stored;
mod wav;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::{Cancel, MediaError};

/// Longer files are rejected: they are not background music, and would exhaust the memory.
const MAX_SECONDS: usize = 2 * 60 * 60;

/// Sample rates outside this range are not those of audio, but of a broken header.
const SAMPLE_RATES: RangeInclusive<u32> = 1000..=MAX_SAMPLE_RATE;

/// The highest rate of studio formats. A resampler from a much higher one takes too much memory.
pub(crate) const MAX_SAMPLE_RATE: u32 = 768_000;

/// Mono 16-bit audio at any sample rate. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct AudioBuffer {
    sample_rate: u32,
    // Hours of audio are not copied once more, as an `Arc<[i16]>` would.
    samples: Arc<Vec<i16>>,
}

impl AudioBuffer {
    /// The peak of silence, about −46 dB: below any consonant, above an engine's noise.
    pub(crate) const SILENCE: u16 = 160;

    /// Creates a buffer from samples. A rate of 0 is treated as 1, so that the duration is always
    /// defined.
    #[must_use]
    pub fn new(sample_rate: u32, samples: impl Into<Vec<i16>>) -> Self {
        Self { sample_rate: sample_rate.max(1), samples: Arc::new(samples.into()) }
    }

    /// Decodes a WAV, MP3, M4A or AAC file, mixing its channels down to one.
    ///
    /// The format is detected from the content; `name`, the name of the file, appears in the
    /// error message only. Of a file that is damaged or was cut, what can be read is used. WAV
    /// files may be uncompressed, µ-law, A-law or MP3; M4A files must be AAC.
    ///
    /// # Errors
    /// [`MediaError::Audio`] when the file has none of these formats, is broken, empty or longer
    /// than two hours, has a sample rate outside of 1 to 768 kHz, or decodes to more audio than a
    /// file of its size can hold.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, MediaError> {
        Self::decode_until(bytes, name, &Cancel::new())
    }

    /// Decodes a file like [`decode`](Self::decode), unless `cancel` is set meanwhile.
    pub(crate) fn decode_until(
        bytes: &[u8],
        name: &str,
        cancel: &Cancel,
    ) -> Result<Self, MediaError> {
        let decoded = Self::from_file(bytes, cancel);
        // What was cancelled may look like a file that was cut.
        cancel.check()?;
        decoded.map_err(|why| MediaError::Audio(format!("{name}: {why}")))
    }

    /// Decodes a file. The error is a sentence in which “it” stands for the file.
    pub(crate) fn from_file(bytes: &[u8], cancel: &Cancel) -> Result<Self, String> {
        let audio = decode(bytes, Limits::of(bytes.len(), cancel))?;
        if audio.samples.is_empty() {
            return Err("it contains no audio".to_owned());
        }
        Ok(audio)
    }

    /// Returns the audio as a WAV file, which every program can read.
    pub(crate) fn to_wav(&self) -> Vec<u8> {
        let mut file = wav::header(self.sample_rate, self.samples.len() as u64).to_vec();
        file.extend(self.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }

    /// Returns the number of samples per second.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Returns the samples.
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// Returns the length in time.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let (samples, rate) = (self.samples.len() as u64, u64::from(self.sample_rate));
        Duration::from_secs(samples / rate)
            + Duration::from_nanos(samples % rate * 1_000_000_000 / rate)
    }

    /// Returns the audio without the silence before and after it, and the duration of what was cut
    /// off before it.
    ///
    /// A speech engine pads its output; without this, a caption would appear before its words.
    pub(crate) fn trimmed(&self) -> (Self, Duration) {
        /// Kept on each side, because words fade in and out.
        const MARGIN: Duration = Duration::from_millis(15);
        let loud = |sample: &i16| sample.unsigned_abs() > Self::SILENCE;
        let Some(first) = self.samples.iter().position(loud) else {
            return (Self::new(self.sample_rate, []), Duration::ZERO);
        };
        let last = self.samples.iter().rposition(loud).unwrap_or(first);
        let margin = (MARGIN.as_secs_f64() * f64::from(self.sample_rate)) as usize;
        let end = (last + 1 + margin).min(self.samples.len());
        let start = first.saturating_sub(margin);
        let cut = Duration::from_secs_f64(start as f64 / f64::from(self.sample_rate));
        (Self::new(self.sample_rate, &self.samples[start..end]), cut)
    }
}

/// Leaves out the samples, which may be millions.
impl std::fmt::Debug for AudioBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioBuffer")
            .field("sample_rate", &self.sample_rate)
            .field("duration", &self.duration())
            .finish_non_exhaustive()
    }
}

fn decode(bytes: &[u8], limits: Limits<'_>) -> Result<AudioBuffer, String> {
    // Tags of MP3 files are found in front of the other formats, too.
    let untagged = &bytes[mp3::tags_len(bytes)..];
    if wav::is_wav(untagged) {
        return wav::decode(untagged, limits);
    }
    let aac = aac::is_aac(untagged).then(|| aac::decode(untagged, limits));
    match aac {
        Some(Ok(audio)) => Ok(audio),
        // The first bytes of AAC are easily found at the start of others.
        Some(Err(why)) => mp3::decode(bytes, limits).unwrap_or(Err(why)),
        None => mp3::decode(bytes, limits).unwrap_or_else(|| Err(formats::unknown(untagged))),
    }
}

/// What a file may make of its decoder, whatever it declares.
#[derive(Debug, Clone, Copy)]
struct Limits<'c> {
    samples: usize,
    cancel: &'c Cancel,
}

impl<'c> Limits<'c> {
    const TOO_LONG: &'static str = "it holds more audio than a file of its size can";

    /// Returns the limits for a file of this size.
    ///
    /// A small file that decodes to hours is made to exhaust the memory: even speech at 32 kbit/s
    /// has no more than twelve samples per byte.
    const fn of(bytes: usize, cancel: &'c Cancel) -> Self {
        const MINIMUM: usize = 2 << 20;
        const SAMPLES_PER_BYTE: usize = 12;
        let samples = bytes.saturating_mul(SAMPLES_PER_BYTE).saturating_add(MINIMUM);
        Self { samples, cancel }
    }

    /// Fails for a length of more than [`MAX_SECONDS`] or than the file can hold, and for a rate
    /// that no audio has.
    fn check(self, samples: usize, rate: u32) -> Result<(), String> {
        Self::check_rate(rate)?;
        self.check_cancel()?;
        if samples > self.samples {
            return Err(Self::TOO_LONG.to_owned());
        }
        if samples / rate as usize > MAX_SECONDS {
            return Err("it is longer than two hours".to_owned());
        }
        Ok(())
    }

    fn check_cancel(self) -> Result<(), String> {
        self.cancel.check().map_err(|error| error.to_string())
    }

    fn check_rate(rate: u32) -> Result<(), String> {
        if SAMPLE_RATES.contains(&rate) {
            return Ok(());
        }
        let (from, to) = (SAMPLE_RATES.start(), SAMPLE_RATES.end());
        Err(format!("its sample rate is {rate} Hz, not {from} to {to} Hz"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_trimmed_at_the_ends_only() {
        let mut samples = vec![3_i16; 1600];
        samples.extend([9000; 160]);
        samples.extend([0; 1600]);
        samples.extend([-9000; 160]);
        samples.extend([0; 4000]);
        let (trimmed, cut) = AudioBuffer::new(16_000, samples).trimmed();
        assert_eq!(trimmed.samples().len(), 240 + 160 + 1600 + 160 + 240);
        assert_eq!(cut, Duration::from_millis(85));
        assert!(AudioBuffer::new(16_000, vec![5; 999]).trimmed().0.samples().is_empty());
    }

    #[test]
    fn the_duration_is_exact() {
        assert_eq!(AudioBuffer::new(3, [0; 4]).duration(), Duration::from_nanos(1_333_333_333));
    }

    #[test]
    fn a_wav_file_is_read_as_it_was_written() {
        let audio = AudioBuffer::new(22_050, [0, 1, -1, i16::MAX, i16::MIN]);
        assert_eq!(AudioBuffer::from_file(&audio.to_wav(), &Cancel::new()).unwrap(), audio);
    }

    #[test]
    fn a_file_that_is_no_audio_is_an_error_with_the_reason() {
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (b"RIFF", "not a known audio format"),
            (b"hello, world", "not a known audio format"),
            (&[0xFF; 64], "not a known audio format"),
            (b"OggS\0\x02", "an Ogg file"),
            (b"RIFF\x04\0\0\0WAVE", "the WAV file has no format"),
            (b"\0\0\0\x08ftypM4A ", "no index"),
            (b"ID3\x04\0\0\0\0\0\0fLaC\0\0\0\x22", "FLAC"),
        ] {
            let error = AudioBuffer::decode(bytes, "song.x").unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("song.x: "), "{error}");
        }
    }
}
