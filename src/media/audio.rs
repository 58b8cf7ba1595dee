//! Mono audio in memory, and reading it from WAV, MP3, M4A and AAC files. Mixing several buffers
//! into the audio track of a video is left to [`mix`], encoding it to [`encode`].

pub(crate) mod encode;
pub(crate) mod mix;

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use super::MediaError;

/// Longer files are rejected: they are not background music, and would exhaust the memory.
const MAX_SECONDS: usize = 2 * 60 * 60;

/// Mono 16-bit audio at any sample rate. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct AudioBuffer {
    sample_rate: u32,
    samples: Arc<[i16]>,
}

impl AudioBuffer {
    /// Creates a buffer from samples. A rate of 0 is treated as 1, so that the duration is always
    /// defined.
    #[must_use]
    pub fn new(sample_rate: u32, samples: impl Into<Arc<[i16]>>) -> Self {
        Self { sample_rate: sample_rate.max(1), samples: samples.into() }
    }

    /// Decodes a WAV, MP3, M4A or AAC file, mixing its channels down to one.
    ///
    /// The format is detected from the content; `name`, the name of the file, appears in the
    /// error message only.
    ///
    /// # Errors
    /// [`MediaError::Audio`] when the file has none of these formats, or is broken, empty or
    /// longer than two hours.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, MediaError> {
        decode(bytes).map_err(|why| MediaError::Audio(format!("{name}: {why}")))
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

    /// Returns the audio without the silence before and after it.
    ///
    /// A speech engine pads its output; without this, a caption would appear before its words.
    pub(crate) fn trimmed(&self) -> Self {
        /// About −46 dB: below any consonant, above an engine's noise.
        const SILENCE: u16 = 160;
        /// Kept on each side, because words fade in and out.
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

/// Leaves out the samples, which may be millions.
impl std::fmt::Debug for AudioBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioBuffer")
            .field("sample_rate", &self.sample_rate)
            .field("duration", &self.duration())
            .finish_non_exhaustive()
    }
}

fn decode(bytes: &[u8]) -> Result<AudioBuffer, String> {
    // Both MP3 and AAC files may start with an ID3 tag.
    let untagged = bytes.get(nanomp3::id3v2_len(bytes)..).unwrap_or_default();
    let audio = if bytes.starts_with(b"RIFF") {
        wav(bytes)?
    } else if syom::sniff_aac(untagged) {
        aac(bytes)?
    } else if nanomp3::detect(bytes) {
        mp3(bytes)?
    } else {
        return Err("it is not a known audio format".to_owned());
    };
    if audio.samples.is_empty() {
        return Err("it contains no audio".to_owned());
    }
    Ok(audio)
}

fn wav(bytes: &[u8]) -> Result<AudioBuffer, String> {
    let reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let spec = reader.spec();
    let frames = reader.duration() as usize;
    check_length(frames, spec.sample_rate)?;
    let channels = usize::from(spec.channels);
    let mut mono = Downmix::new(channels, frames)?;
    match spec.sample_format {
        hound::SampleFormat::Float => {
            for sample in reader.into_samples::<f32>() {
                mono.push(sample.map_err(|e| e.to_string())? * 32_768.0);
            }
        }
        hound::SampleFormat::Int => {
            let scale = 32_768.0 / (1_u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            for sample in reader.into_samples::<i32>() {
                mono.push(sample.map_err(|e| e.to_string())? as f32 * scale);
            }
        }
    }
    Ok(AudioBuffer::new(spec.sample_rate, mono.samples))
}

fn mp3(bytes: &[u8]) -> Result<AudioBuffer, String> {
    let mut reader = nanomp3::SliceReader::<i16>::new(bytes);
    let rate = reader.sample_rate();
    let channels = match reader.channels() {
        Some(nanomp3::Channels::Mono) => 1,
        Some(nanomp3::Channels::Stereo) => 2,
        None => return Err("it contains no audio".to_owned()),
    };
    let mut mono = Downmix::new(channels, 0)?;
    while let Some(frame) = reader.read_frame().map_err(|e| e.to_string())? {
        for &sample in frame {
            mono.push(f32::from(sample));
        }
        check_length(mono.samples.len(), rate)?;
    }
    Ok(AudioBuffer::new(rate, mono.samples))
}

fn aac(bytes: &[u8]) -> Result<AudioBuffer, String> {
    // The decoder mixes down to mono and enforces its own limits of length and memory.
    let options = syom::DecodeOptions::speech().with_max_duration_secs(MAX_SECONDS as f64);
    let mut samples: Vec<i16> = Vec::new();
    let info = syom::decode_streaming(bytes, &options, |frame| {
        if let Some(plane) = frame.planar.first() {
            samples.extend(plane.iter().map(|&sample| (sample * 32_768.0).round() as i16));
        }
        Ok(())
    })
    .map_err(|e| e.to_string())?;
    Ok(AudioBuffer::new(info.sample_rate, samples))
}

fn check_length(samples: usize, rate: u32) -> Result<(), String> {
    if rate == 0 {
        return Err("its sample rate is 0".to_owned());
    }
    if samples / rate as usize > MAX_SECONDS {
        return Err("it is longer than two hours".to_owned());
    }
    Ok(())
}

/// Averages the channels of interleaved samples.
struct Downmix {
    channels: usize,
    summed: usize,
    sum: f32,
    samples: Vec<i16>,
}

impl Downmix {
    fn new(channels: usize, frames: usize) -> Result<Self, String> {
        if channels == 0 {
            return Err("it has no channels".to_owned());
        }
        // A header may claim any length: more than a minute is allocated only as it is read.
        let samples = Vec::with_capacity(frames.min(60 * 48_000));
        Ok(Self { channels, summed: 0, sum: 0.0, samples })
    }

    fn push(&mut self, sample: f32) {
        self.sum += sample;
        self.summed += 1;
        if self.summed == self.channels {
            self.samples.push((self.sum / self.channels as f32).round() as i16);
            self.summed = 0;
            self.sum = 0.0;
        }
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
        let trimmed = AudioBuffer::new(16_000, samples).trimmed();
        assert_eq!(trimmed.samples().len(), 240 + 160 + 1600 + 160 + 240);
        assert!(AudioBuffer::new(16_000, vec![5; 999]).trimmed().samples().is_empty());
    }

    #[test]
    fn the_duration_is_exact() {
        assert_eq!(AudioBuffer::new(3, [0; 4]).duration(), Duration::from_nanos(1_333_333_333));
    }

    fn wav_file(
        spec: hound::WavSpec,
        write: impl FnOnce(&mut hound::WavWriter<&mut Cursor<Vec<u8>>>),
    ) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        write(&mut writer);
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn spec(channels: u16, bits: u16, sample_format: hound::SampleFormat) -> hound::WavSpec {
        hound::WavSpec { channels, sample_rate: 44_100, bits_per_sample: bits, sample_format }
    }

    #[test]
    fn wav_of_every_width_and_channel_count_is_decoded() {
        use hound::SampleFormat::{Float, Int};
        let stereo = wav_file(spec(2, 16, Int), |w| {
            for s in [1000_i16, 3000, -400, 400] {
                w.write_sample(s).unwrap();
            }
        });
        assert_eq!(decode(&stereo).unwrap().samples(), [2000, 0]);
        let wide = wav_file(spec(1, 24, Int), |w| w.write_sample(256_000_i32).unwrap());
        assert_eq!(decode(&wide).unwrap().samples(), [1000]);
        let float = wav_file(spec(1, 32, Float), |w| w.write_sample(2.0_f32).unwrap());
        assert_eq!(decode(&float).unwrap().samples(), [i16::MAX]);
    }

    #[test]
    fn m4a_and_adts_keep_their_length_and_level() {
        let tone: Vec<f32> = (0..48_000).map(|n| 0.5 * (n as f32 * 0.05).sin()).collect();
        let m4a = syom::encode_with(&[&tone[..]], 48_000, &syom::EncodeOptions::m4a()).unwrap();
        let adts = syom::encode_with(&[&tone[..]], 48_000, &syom::EncodeOptions::adts()).unwrap();
        for (name, file) in [("m4a", m4a), ("adts", adts)] {
            let audio = decode(&file).unwrap();
            assert_eq!(audio.sample_rate(), 48_000, "{name}");
            assert_eq!(audio.samples().len(), 48_000, "{name}");
            let peak = audio.samples().iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!((15_000..18_500).contains(&peak), "{name}: {peak}");
        }
    }

    #[test]
    fn invalid_audio_is_an_error_and_never_panics() {
        for bytes in [&b""[..], b"RIFF", b"RIFF\x10\0\0\0WAVEfmt ", b"hello, world", &[0xff; 64]] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
        let whole = wav_file(spec(2, 16, hound::SampleFormat::Int), |w| {
            for s in 0..200_i16 {
                w.write_sample(s).unwrap();
            }
        });
        for cut in 0..whole.len() {
            let _ = decode(&whole[..cut]);
        }
    }
}
