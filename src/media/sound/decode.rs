//! WAV, MP3, M4A and AAC to samples. The format is told by the content, never by the name.

use std::io::Cursor;

use super::Sound;

/// More than this is no music for a film, and would fill the memory.
const MAX_SECONDS: usize = 2 * 60 * 60;

pub(super) fn decode(bytes: &[u8]) -> Result<Sound, String> {
    // MP3 and AAC alike may have a tag in front.
    let audio = bytes.get(nanomp3::id3v2_len(bytes)..).unwrap_or_default();
    let sound = if bytes.starts_with(b"RIFF") {
        wav(bytes)?
    } else if syom::sniff_aac(audio) {
        aac(bytes)?
    } else if nanomp3::detect(bytes) {
        mp3(bytes)?
    } else {
        return Err("it is not a sound of a known kind".to_owned());
    };
    if sound.samples.is_empty() {
        return Err("there is no sound in it".to_owned());
    }
    Ok(sound)
}

fn wav(bytes: &[u8]) -> Result<Sound, String> {
    let reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let spec = reader.spec();
    let frames = reader.duration() as usize;
    check_length(frames, spec.sample_rate)?;
    let channels = usize::from(spec.channels);
    let mut mono = Mono::new(channels, frames)?;
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
    Ok(Sound::new(spec.sample_rate, mono.samples))
}

fn mp3(bytes: &[u8]) -> Result<Sound, String> {
    let mut reader = nanomp3::SliceReader::<i16>::new(bytes);
    let rate = reader.sample_rate();
    let channels = match reader.channels() {
        Some(nanomp3::Channels::Mono) => 1,
        Some(nanomp3::Channels::Stereo) => 2,
        None => return Err("there is no sound in it".to_owned()),
    };
    let mut mono = Mono::new(channels, 0)?;
    while let Some(frame) = reader.read_frame().map_err(|e| e.to_string())? {
        for &sample in frame {
            mono.push(f32::from(sample));
        }
        check_length(mono.samples.len(), rate)?;
    }
    Ok(Sound::new(rate, mono.samples))
}

fn aac(bytes: &[u8]) -> Result<Sound, String> {
    // The decoder mixes down to mono and stops at its own limits of length and memory.
    let options = syom::DecodeOptions::speech().with_max_duration_secs(MAX_SECONDS as f64);
    let mut samples: Vec<i16> = Vec::new();
    let info = syom::decode_streaming(bytes, &options, |frame| {
        if let Some(plane) = frame.planar.first() {
            samples.extend(plane.iter().map(|&sample| (sample * 32_768.0).round() as i16));
        }
        Ok(())
    })
    .map_err(|e| e.to_string())?;
    Ok(Sound::new(info.sample_rate, samples))
}

fn check_length(samples: usize, rate: u32) -> Result<(), String> {
    if rate == 0 {
        return Err("it has a sampling rate of 0".to_owned());
    }
    if samples / rate as usize > MAX_SECONDS {
        return Err("it is longer than two hours".to_owned());
    }
    Ok(())
}

/// Interleaved samples to the mean of their channels.
struct Mono {
    channels: usize,
    seen: usize,
    sum: f32,
    samples: Vec<i16>,
}

impl Mono {
    fn new(channels: usize, frames: usize) -> Result<Self, String> {
        if channels == 0 {
            return Err("it has no channels".to_owned());
        }
        // A header may claim any length; more than a minute is believed when it comes.
        let samples = Vec::with_capacity(frames.min(60 * 48_000));
        Ok(Self { channels, seen: 0, sum: 0.0, samples })
    }

    fn push(&mut self, sample: f32) {
        self.sum += sample;
        self.seen += 1;
        if self.seen == self.channels {
            self.samples.push((self.sum / self.channels as f32).round() as i16);
            self.seen = 0;
            self.sum = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn wav_of_every_width_and_channel_count_is_read() {
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
    fn m4a_and_adts_are_read_at_their_length_and_level() {
        let tone: Vec<f32> = (0..48_000).map(|n| 0.5 * (n as f32 * 0.05).sin()).collect();
        let m4a = syom::encode_with(&[&tone[..]], 48_000, &syom::EncodeOptions::m4a()).unwrap();
        let adts = syom::encode_with(&[&tone[..]], 48_000, &syom::EncodeOptions::adts()).unwrap();
        for (name, file) in [("m4a", m4a), ("adts", adts)] {
            let sound = decode(&file).unwrap();
            assert_eq!(sound.sample_rate(), 48_000, "{name}");
            assert_eq!(sound.samples().len(), 48_000, "{name}");
            let peak = sound.samples().iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!((15_000..18_500).contains(&peak), "{name}: {peak}");
        }
    }

    #[test]
    fn what_is_no_sound_is_refused_and_nothing_panics() {
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
