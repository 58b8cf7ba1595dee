//! Encoded pictures and sound to one MP4, its index in front so that it plays while it loads.

use std::io::Write;

use muxide::api::{AacProfile, AudioCodec, Muxer, MuxerBuilder, MuxerError, VideoCodec};

use super::aac::{self, Frames};
use super::h264::FRAME_RATE;
use super::mix::SAMPLE_RATE;
use super::{FrameSize, MediaError};

/// An MP4 under construction.
pub(super) struct Film<W: Write> {
    muxer: Muxer<W>,
    frames: u64,
}

impl<W: Write> Film<W> {
    pub(super) fn new(file: W, size: FrameSize) -> Result<Self, MediaError> {
        let muxer = MuxerBuilder::new(file)
            .video(VideoCodec::H264, size.width, size.height, f64::from(FRAME_RATE))
            .audio(AudioCodec::Aac(AacProfile::Lc), SAMPLE_RATE, 1)
            .with_fast_start(true)
            .build()
            .map_err(failed)?;
        Ok(Self { muxer, frames: 0 })
    }

    /// Appends a picture, an Annex B access unit.
    pub(super) fn picture(&mut self, data: &[u8], is_key: IsKey) -> Result<(), MediaError> {
        let time = self.frames as f64 / f64::from(FRAME_RATE);
        self.frames += 1;
        self.muxer.write_video(time, data, is_key == IsKey::Yes).map_err(failed)
    }

    /// Adds the sound, in ADTS frames.
    ///
    /// The first frame, which only primes the decoder, is left out: so the sound is in time with
    /// the picture in every player, also in those that do not read edit lists.
    pub(super) fn sound(&mut self, frames: Frames) -> Result<(), MediaError> {
        let mut index = 0;
        for piece in frames.into_pieces() {
            for frame in piece.iter() {
                if index > 0 {
                    let time = ((index - 1) * aac::FRAME) as f64 / f64::from(SAMPLE_RATE);
                    self.muxer.write_audio(time, frame).map_err(failed)?;
                }
                index += 1;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), MediaError> {
        self.muxer.finish().map_err(failed)
    }
}

/// Whether a picture can be decoded without those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IsKey {
    Yes,
    No,
}

fn failed(error: MuxerError) -> MediaError {
    match error {
        MuxerError::Io(error) => MediaError::io("write the film")(error),
        error => MediaError::Encode(format!("MP4: {error}")),
    }
}
