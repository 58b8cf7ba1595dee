//! Output files: their format and quality, and the temporary file that gets its final name only when
//! it is complete.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::{MediaError, Scene, Timeline, VideoBackground};
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
    pub(crate) fn quantizer(self, timeline: &Timeline) -> u8 {
        let is_image = |shown: &VideoBackground| matches!(shown, VideoBackground::Image(_));
        let has_image =
            timeline.scenes.iter().any(Scene::is_image) || is_image(&timeline.background);
        match (self, has_image) {
            (Self::Low, _) => 30,
            (Self::Medium, true) => 26,
            (Self::Medium, false) | (Self::High, true) => 22,
            (Self::High, false) => 14,
        }
    }

    /// Returns the level of the AAC encoder, from 0 to 10. Speech takes about 75, 95 and 115 kbit/s.
    /// To find the quality for a bitrate instead would take two and a half times as long.
    pub(crate) const fn audio_level(self) -> u8 {
        match self {
            Self::Low => 5,
            Self::Medium => 6,
            Self::High => 7,
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

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
