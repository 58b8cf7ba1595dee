//! Encodes a mixed track: to AAC-LC for MP4 and M4A, or to WAV. Writing the MP4 is left to
//! [`mp4`](crate::media::mp4).

use std::io::Write;

use syom::{AacError, EncodeOptions, Encoder};

use super::mix::{AudioMix, SAMPLE_RATE};
use super::wav;
use crate::media::{Cancel, MediaError};

/// Number of samples in an AAC frame.
pub(crate) const AAC_FRAME: u64 = 1024;

/// Number of frames in a segment: five seconds. Segments are encoded independently, on all cores.
pub(crate) const SEGMENT_FRAMES: u64 = 240;

/// Number of frames that an encoder is given before its segment, so that the overlap of the first
/// one and the reference of the detector of attacks are those of the whole track.
const RUN_UP: u64 = 8;

/// The frames of a segment of AAC, without headers, in one allocation.
#[derive(Debug, Default)]
pub(crate) struct AacSegment {
    data: Vec<u8>,
    sizes: Vec<u32>,
}

impl AacSegment {
    fn push(&mut self, frame: &[u8]) {
        self.data.extend_from_slice(frame);
        self.sizes.push(frame.len() as u32);
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(crate) fn sizes(&self) -> &[u32] {
        &self.sizes
    }
}

/// Returns the number of frames of a track. The first one only primes the decoder: its output
/// precedes the start of the track.
pub(crate) const fn frame_count(mix: &AudioMix<'_>) -> u64 {
    mix.length().div_ceil(AAC_FRAME) + 1
}

/// Returns the number of segments of a track.
pub(crate) const fn segment_count(mix: &AudioMix<'_>) -> u64 {
    mix.length().div_ceil(AAC_FRAME * SEGMENT_FRAMES)
}

/// Encodes a segment of the mix. `progress` receives the number of samples encoded since its last
/// call. The last segment has a frame more, for the overlap of the one before.
///
/// A frame is decoded with the one before it, so the two windows must fit together, also where one
/// was encoded with this segment and one with the segment before. Which window a frame has depends
/// on the attacks in it and on the window before. After two frames with long windows in a row, it no
/// longer depends on how the encoder began, and the frames are those of a single encoder.
pub(crate) fn segment(
    mix: &AudioMix<'_>,
    level: u8,
    index: u64,
    progress: impl Fn(u64),
    cancel: &Cancel,
) -> Result<AacSegment, MediaError> {
    let first = index * SEGMENT_FRAMES;
    let mut run_up = RUN_UP.min(first);
    let mut reported = 0_u64;
    loop {
        let mut done = 0_u64;
        let report = |samples| {
            done += samples;
            progress(done.saturating_sub(reported.max(done - samples)));
            reported = reported.max(done);
        };
        let (segment, has_settled) = segment_from(mix, level, index, run_up, report, cancel)?;
        let longest = SEGMENT_FRAMES.min(first);
        if has_settled || run_up == longest {
            return Ok(segment);
        }
        run_up = (4 * run_up).min(longest);
    }
}

/// Encodes a segment after a number of frames before it. Returns whether its windows are those of
/// the whole track.
fn segment_from(
    mix: &AudioMix<'_>,
    level: u8,
    index: u64,
    run_up: u64,
    mut progress: impl FnMut(u64),
    cancel: &Cancel,
) -> Result<(AacSegment, bool), MediaError> {
    /// The detector forgets what precedes so many frames.
    const MEMORY: u64 = 4;
    let failed = |error: AacError| MediaError::Encode(format!("AAC: {error}"));
    let options = EncodeOptions::adts().with_quality(level);
    let mut encoder = Encoder::new(SAMPLE_RATE, 1, &options).map_err(failed)?;
    let mut segment = AacSegment::default();
    let (mut done, mut long_in_a_row, mut has_settled) = (0, 0, run_up == index * SEGMENT_FRAMES);
    let mut keep = |payload: &[u8]| {
        if done >= run_up {
            segment.push(payload);
        } else if done >= MEMORY {
            long_in_a_row = if has_long_window(payload) { long_in_a_row + 1 } else { 0 };
            has_settled |= long_in_a_row == 2;
        }
        done += 1;
    };
    let first = index * SEGMENT_FRAMES * AAC_FRAME;
    let mut at = first - run_up * AAC_FRAME;
    let end = ((index + 1) * SEGMENT_FRAMES * AAC_FRAME).min(mix.length());
    for_each_second(mix, at..end, cancel, |chunk| {
        let fed = encoder.feed(&[chunk], |frame| {
            keep(frame.payload);
            Ok(())
        });
        fed.map_err(failed)?;
        let from = at.max(first);
        at += chunk.len() as u64;
        progress(at.saturating_sub(from));
        Ok(())
    })?;
    if end == mix.length() {
        let finished = encoder.finish(|frame| {
            keep(frame.payload);
            Ok(())
        });
        finished.map_err(failed)?;
    }
    Ok((segment, has_settled))
}

/// Returns whether a frame has a single window for all of its samples (ISO/IEC 14496-3, 4.4.2.1): its
/// `window_sequence` follows the kind and number of its element, its gain, and a reserved bit.
fn has_long_window(payload: &[u8]) -> bool {
    const ONLY_LONG_SEQUENCE: u8 = 0;
    payload.get(2).is_some_and(|byte| byte >> 6 == ONLY_LONG_SEQUENCE)
}

/// Writes the mix as an uncompressed WAV file.
pub(crate) fn write_wav(
    mix: &AudioMix<'_>,
    mut file: impl Write,
    progress: impl Fn(u64),
    cancel: &Cancel,
) -> Result<(), MediaError> {
    let failed = || MediaError::io("write the audio");
    file.write_all(&wav::header(SAMPLE_RATE, mix.length())).map_err(failed())?;
    for_each_second(mix, 0..mix.length(), cancel, |chunk| {
        let sample = |sample: &f32| ((sample * 32_767.0).round() as i16).to_le_bytes();
        let bytes: Vec<u8> = chunk.iter().flat_map(sample).collect();
        file.write_all(&bytes).map_err(failed())?;
        progress(chunk.len() as u64);
        Ok(())
    })?;
    file.flush().map_err(failed())
}

/// Passes a part of the mix to `consume`, one second at a time.
fn for_each_second(
    mix: &AudioMix<'_>,
    range: std::ops::Range<u64>,
    cancel: &Cancel,
    mut consume: impl FnMut(&[f32]) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    let mut second = vec![0.0; SAMPLE_RATE as usize];
    let mut at = range.start;
    while at < range.end {
        cancel.check()?;
        let length = (range.end - at).min(second.len() as u64) as usize;
        mix.fill(at, &mut second[..length])?;
        consume(&second[..length])?;
        at += length as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::media::{AudioBuffer, AudioClip, Dice};

    /// Returns tones that begin and end abruptly, with noise between them.
    fn clicks(seconds: usize) -> Vec<i16> {
        let mut dice = Dice(5);
        let mut samples = Vec::new();
        while samples.len() < 16_000 * seconds {
            let (pitch, length, level) = (dice.roll(100) + 10, dice.roll(4000) + 20, dice.roll(3));
            samples.extend((0..length).map(|n| {
                let tone = (n as f32 * pitch as f32 / 100.0).sin() * 9000.0;
                if level == 0 { 0 } else { tone as i16 / level as i16 }
            }));
        }
        samples
    }

    #[test]
    fn segments_join_without_a_seam() {
        let clip = AudioClip::new(AudioBuffer::new(16_000, clicks(23)), Duration::ZERO);
        let clips = [clip];
        let cancel = Cancel::new();
        let mix = AudioMix::new(&clips, Duration::from_millis(22_345), &cancel).unwrap();
        let mut payloads: Vec<Vec<u8>> = Vec::new();
        for index in 0..segment_count(&mix) {
            let segment = segment(&mix, 7, index, |_| {}, &cancel).unwrap();
            let mut rest = segment.data();
            for &size in segment.sizes() {
                let (payload, others) = rest.split_at(size as usize);
                payloads.push(payload.to_vec());
                rest = others;
            }
        }
        assert_eq!(payloads.len() as u64, frame_count(&mix));
        let mut whole = Vec::new();
        let mut encoder =
            Encoder::new(SAMPLE_RATE, 1, &EncodeOptions::adts().with_quality(7)).unwrap();
        let mut pcm = vec![0.0; mix.length() as usize];
        mix.fill(0, &mut pcm).unwrap();
        let mut keep = |frame: syom::EncodedFrame<'_>| {
            whole.push(frame.payload.to_vec());
            Ok(())
        };
        encoder.feed(&[&pcm], &mut keep).unwrap();
        encoder.finish(&mut keep).unwrap();
        assert!(whole.iter().any(|payload: &Vec<u8>| !has_long_window(payload)), "no attacks");
        assert!(payloads == whole, "the segments are those of one encoder");
    }
}
