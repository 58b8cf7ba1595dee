//! Output files: their format and quality, the MP4 writer, and the temporary file that gets its
//! final name only when it is complete.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use muxide::api::{AacProfile, AudioCodec, Muxer, MuxerBuilder, MuxerError, VideoCodec};

use super::audio::encode::{AAC_FRAME, AacFrames};
use super::audio::mix::SAMPLE_RATE;
use super::h264::FRAME_RATE;
use super::{FrameSize, MediaError, VideoBackground};
use crate::fs::TempPath;

/// Format and quality of an output file. The default is an MP4 in high quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RenderOptions {
    pub(crate) container: Container,
    pub(crate) quality: Quality,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Container {
    #[default]
    Mp4,
    M4a,
    Wav,
}

impl RenderOptions {
    /// Creates options for video with audio: H.264 at 30 frames per second, and AAC.
    #[must_use]
    pub const fn mp4() -> Self {
        Self { container: Container::Mp4, quality: Quality::High }
    }

    /// Creates options for audio only, as AAC.
    #[must_use]
    pub const fn m4a() -> Self {
        Self { container: Container::M4a, ..Self::mp4() }
    }

    /// Creates options for audio only, uncompressed. The quality makes no difference.
    #[must_use]
    pub const fn wav() -> Self {
        Self { container: Container::Wav, ..Self::mp4() }
    }

    /// Sets the quality of video and audio; high by default.
    #[must_use]
    pub const fn with_quality(mut self, quality: Quality) -> Self {
        self.quality = quality;
        self
    }

    /// Returns the quality of video and audio.
    #[must_use]
    pub const fn quality(&self) -> Quality {
        self.quality
    }

    /// Returns whether the file has video, or audio only.
    #[must_use]
    pub const fn has_video(&self) -> bool {
        matches!(self.container, Container::Mp4)
    }
}

/// Quality of video and audio, and thereby the file size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Quality {
    /// A small file, for previews.
    Low,
    /// A smaller file, for slow networks.
    Medium,
    /// The best quality.
    #[default]
    High,
}

impl Quality {
    /// Returns the H.264 quantizer. A smooth gradient shows quantization steps and is cheap to
    /// encode; a photograph hides them and takes ten times as many bytes.
    pub(crate) const fn quantizer(self, background: &VideoBackground) -> u8 {
        match (self, background) {
            (Self::Low, _) => 30,
            (Self::Medium, VideoBackground::Image(_)) => 26,
            (Self::Medium, VideoBackground::Gradient(_))
            | (Self::High, VideoBackground::Image(_)) => 22,
            (Self::High, VideoBackground::Gradient(_)) => 14,
        }
    }

    /// Returns the AAC bitrate for one channel, in bits per second.
    pub(crate) const fn audio_bitrate(self) -> u32 {
        match self {
            Self::Low => 64_000,
            Self::Medium => 80_000,
            Self::High => 96_000,
        }
    }
}

/// A temporary file beside its final path, removed when dropped before it is finished.
#[derive(Debug)]
pub(crate) struct TempOutput {
    file: File,
    temporary: TempPath,
}

impl TempOutput {
    pub(crate) fn beside(path: &Path) -> Result<Self, MediaError> {
        let (file, temporary) = TempPath::create(path)
            .map_err(MediaError::io(format!("create a file for {}", path.display())))?;
        Ok(Self { file, temporary })
    }

    pub(crate) fn writer(&self) -> BufWriter<&File> {
        BufWriter::with_capacity(1 << 17, &self.file)
    }

    /// Moves the file to its final path.
    pub(crate) fn finish(self) -> Result<(), MediaError> {
        self.temporary.persist().map_err(MediaError::io("give the finished file its name"))
    }
}

/// Writes an MP4 with its index first, so that it plays while it is downloaded.
pub(crate) struct Mp4Writer<W: Write> {
    muxer: Muxer<W>,
    frames: u64,
}

impl<W: Write> Mp4Writer<W> {
    pub(crate) fn new(file: W, size: FrameSize) -> Result<Self, MediaError> {
        let muxer = MuxerBuilder::new(file)
            .video(VideoCodec::H264, size.width, size.height, f64::from(FRAME_RATE))
            .audio(AudioCodec::Aac(AacProfile::Lc), SAMPLE_RATE, 1)
            .with_fast_start(true)
            .build()
            .map_err(mux_error)?;
        Ok(Self { muxer, frames: 0 })
    }

    /// Appends a video frame, an Annex B access unit.
    pub(crate) fn video(&mut self, data: &[u8], is_key: bool) -> Result<(), MediaError> {
        let time = self.frames as f64 / f64::from(FRAME_RATE);
        self.frames += 1;
        self.muxer.write_video(time, data, is_key).map_err(mux_error)
    }

    /// Adds the audio, in ADTS frames.
    ///
    /// The first frame only primes the decoder and is dropped. This keeps audio and video in sync
    /// in every player, including those that ignore edit lists.
    pub(crate) fn audio(&mut self, frames: AacFrames) -> Result<(), MediaError> {
        let mut index = 0;
        for chunk in frames.into_chunks() {
            for frame in chunk.iter() {
                if index > 0 {
                    let time = ((index - 1) * AAC_FRAME) as f64 / f64::from(SAMPLE_RATE);
                    self.muxer.write_audio(time, frame).map_err(mux_error)?;
                }
                index += 1;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), MediaError> {
        self.muxer.finish().map_err(mux_error)
    }
}

fn mux_error(error: MuxerError) -> MediaError {
    match error {
        MuxerError::Io(error) => MediaError::io("write the video")(error),
        error => MediaError::Encode(format!("MP4: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_only_when_it_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("video.mp4");
        let count = || std::fs::read_dir(directory.path()).unwrap().count();
        let output = TempOutput::beside(&path).unwrap();
        output.writer().write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(output);
        assert_eq!(count(), 0, "no file remains");
        let output = TempOutput::beside(&path).unwrap();
        output.writer().write_all(b"whole").unwrap();
        output.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(count(), 1);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error =
            TempOutput::beside(Path::new("/no/such/directory/video.mp4")).unwrap_err().to_string();
        assert!(error.contains("/no/such/directory"), "{error}");
    }
}
