//! Encodes a mixed track: to AAC-LC for MP4 and M4A, or to WAV. Writing the MP4 is left to
//! [`output`](crate::media::output).

use std::io::Write;

use syom::{EncodeOptions, EncodedFrame, Encoder};

use super::mix::{AudioMix, SAMPLE_RATE};
use super::wav;
use crate::media::{Cancel, MediaError};

/// Number of samples in an AAC frame.
pub(crate) const AAC_FRAME: u64 = 1024;

/// Encoded AAC frames, stored in a few large chunks: a long video has hundreds of thousands of
/// frames, and each chunk is freed once it has been muxed.
#[derive(Debug, Default)]
pub(crate) struct AacFrames {
    chunks: Vec<FrameChunk>,
}

/// Consecutive frames in one allocation.
#[derive(Debug, Default)]
pub(crate) struct FrameChunk {
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl AacFrames {
    fn push(&mut self, frame: &[u8]) {
        const CHUNK: usize = 1 << 20;
        let full = |chunk: &FrameChunk| chunk.data.len() + frame.len() > CHUNK;
        if self.chunks.last().is_none_or(full) {
            self.chunks.push(FrameChunk::default());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.data.extend_from_slice(frame);
            chunk.ends.push(chunk.data.len());
        }
    }

    pub(crate) fn into_chunks(self) -> impl Iterator<Item = FrameChunk> {
        self.chunks.into_iter()
    }
}

impl FrameChunk {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.data[start..end])
    }
}

/// Encodes the mix to AAC frames with an ADTS header each, for an MP4. `progress` receives the
/// number of samples encoded since its last call.
///
/// The first frame primes the decoder: its output precedes the start of the track.
pub(crate) fn aac(
    mix: &AudioMix<'_>,
    bitrate: u32,
    progress: impl Fn(u64),
    cancel: &Cancel,
) -> Result<AacFrames, MediaError> {
    encode(mix, bitrate, |frame| frame.au, progress, cancel)
}

/// Encodes the mix to an M4A file.
pub(crate) fn write_m4a(
    mix: &AudioMix<'_>,
    mut file: impl Write,
    bitrate: u32,
    progress: impl Fn(u64),
    cancel: &Cancel,
) -> Result<(), MediaError> {
    let frames = encode(mix, bitrate, |frame| frame.payload, progress, cancel)?;
    let payloads: Vec<&[u8]> = frames.chunks.iter().flat_map(FrameChunk::iter).collect();
    // The edit list that this muxer writes skips the priming frame.
    let m4a = syom::mux_raw_lc_m4a(&payloads, SAMPLE_RATE, 1, mix.length())
        .map_err(|error| MediaError::Encode(format!("M4A: {error}")))?;
    file.write_all(&m4a).and_then(|()| file.flush()).map_err(MediaError::io("write the audio"))
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
    for_each_second(mix, cancel, |chunk| {
        let sample = |sample: &f32| ((sample * 32_767.0).round() as i16).to_le_bytes();
        let bytes: Vec<u8> = chunk.iter().flat_map(sample).collect();
        file.write_all(&bytes).map_err(failed())?;
        progress(chunk.len() as u64);
        Ok(())
    })?;
    file.flush().map_err(failed())
}

fn encode(
    mix: &AudioMix<'_>,
    bitrate: u32,
    framing: for<'f> fn(EncodedFrame<'f>) -> &'f [u8],
    progress: impl Fn(u64),
    cancel: &Cancel,
) -> Result<AacFrames, MediaError> {
    let failed = |error: syom::AacError| MediaError::Encode(format!("AAC: {error}"));
    let options = EncodeOptions::adts().with_bitrate_bps(bitrate);
    let mut encoder = Encoder::new(SAMPLE_RATE, 1, &options).map_err(failed)?;
    let mut frames = AacFrames::default();
    let mut keep = |frame: EncodedFrame<'_>| {
        frames.push(framing(frame));
        Ok(())
    };
    for_each_second(mix, cancel, |chunk| {
        encoder.feed(&[chunk], &mut keep).map_err(failed)?;
        progress(chunk.len() as u64);
        Ok(())
    })?;
    encoder.finish(&mut keep).map_err(failed)?;
    Ok(frames)
}

/// Passes the mix to `consume`, one second at a time.
fn for_each_second(
    mix: &AudioMix<'_>,
    cancel: &Cancel,
    mut consume: impl FnMut(&[f32]) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    let mut second = vec![0.0; SAMPLE_RATE as usize];
    let mut at = 0;
    while at < mix.length() {
        cancel.check()?;
        let length = (mix.length() - at).min(second.len() as u64) as usize;
        mix.fill(at, &mut second[..length]);
        consume(&second[..length])?;
        at += length as u64;
    }
    Ok(())
}
