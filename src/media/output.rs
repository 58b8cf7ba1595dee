//! Where a film goes: which file format, how good, and how the file appears under its name only
//! when it is whole.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use super::{Background, MediaError};

/// What kind of file to make, and how good.
///
/// ```
/// use nemovideo::media::{Container, Output, Quality};
///
/// let preview = Output::new(Container::Mp4).with_quality(Quality::Low);
/// assert_ne!(preview, Output::default());
/// assert_eq!(Output::default(), Output::new(Container::Mp4).with_quality(Quality::High));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Output {
    /// The kind of file.
    pub container: Container,
    /// How good.
    pub quality: Quality,
}

impl Output {
    /// A file of this kind in high quality.
    #[must_use]
    pub const fn new(container: Container) -> Self {
        Self { container, quality: Quality::High }
    }

    /// The same in another quality.
    #[must_use]
    pub const fn with_quality(mut self, quality: Quality) -> Self {
        self.quality = quality;
        self
    }
}

/// The kind of file.
///
/// ```
/// use nemovideo::media::{Cancel, Container, FrameSize, Output, Timeline, render};
/// use std::time::Duration;
///
/// let film = Timeline::new(FrameSize { width: 320, height: 180 }, Duration::from_secs(1));
/// # let folder = tempfile::tempdir()?;
/// let make = |container, name| {
///     render(&film, Output::new(container), &folder.path().join(name), &|_| {}, &Cancel::new())
/// };
/// let (mp4, m4a) = (make(Container::Mp4, "a.mp4")?, make(Container::M4a, "a.m4a")?);
/// assert_eq!((mp4.width, m4a.width), (Some(320), None)); // the sound alone
/// let wav = make(Container::Wav, "a.wav")?;
/// assert!(wav.bytes > m4a.bytes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Container {
    /// H.264 and AAC, 30 frames a second.
    #[default]
    Mp4,
    /// The sound alone, as AAC.
    M4a,
    /// The sound alone, uncompressed.
    Wav,
}

/// How good, and so how large.
///
/// ```
/// use nemovideo::media::{Cancel, FrameSize, Output, Quality, TextClip, Timeline, render};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mut film = Timeline::new(FrameSize { width: 320, height: 180 }, second);
/// film.texts.push(TextClip::title("Morning Brew", Duration::ZERO, second));
/// # let path = tempfile::NamedTempFile::new()?.into_temp_path();
/// let size_in = |quality| {
///     let output = Output::default().with_quality(quality);
///     render(&film, output, &path, &|_| {}, &Cancel::new()).map(|done| done.bytes)
/// };
/// assert!(size_in(Quality::Low)? < size_in(Quality::High)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Quality {
    /// For a preview.
    Low,
    /// For a slow network.
    Medium,
    /// For watching.
    #[default]
    High,
}

impl Quality {
    /// H.264 quantizer. A smooth ground shows every step that it is rounded to, and costs
    /// little; a photograph hides them, and costs ten times as much.
    pub(super) const fn quantizer(self, background: &Background) -> u8 {
        match (self, background) {
            (Self::Low, _) => 30,
            (Self::Medium, Background::Picture(_)) => 26,
            (Self::Medium, Background::Gradient(_)) | (Self::High, Background::Picture(_)) => 22,
            (Self::High, Background::Gradient(_)) => 14,
        }
    }

    /// AAC bits per second, one channel.
    pub(super) const fn sound_bitrate(self) -> u32 {
        match self {
            Self::Low => 64_000,
            Self::Medium => 80_000,
            Self::High => 96_000,
        }
    }
}

/// A file under another name beside its own until it is whole; gone when dropped before.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    path: &'a Path,
    file: NamedTempFile,
}

impl<'a> Draft<'a> {
    pub(super) fn beside(path: &'a Path) -> Result<Self, MediaError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // A film is no secret: what any new file gets, not what a temporary one does.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder)
            .map_err(MediaError::io(format!("create a file in {}", folder.display())))?;
        Ok(Self { path, file })
    }

    pub(super) fn writer(&self) -> BufWriter<&File> {
        BufWriter::with_capacity(1 << 17, self.file.as_file())
    }

    /// Gives the file its name, and tells its size.
    pub(super) fn finish(mut self) -> Result<u64, MediaError> {
        let what = || format!("write {}", self.path.display());
        self.file.flush().map_err(MediaError::io(what()))?;
        let size = self.file.as_file().metadata().map_err(MediaError::io(what()))?.len();
        let path = self.path;
        self.file
            .persist(path)
            .map_err(|error| MediaError::io(format!("write {}", path.display()))(error.error))?;
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.mp4");
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        let draft = Draft::beside(&path).unwrap();
        draft.writer().write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(draft);
        assert_eq!(count(), 0, "nothing is left behind");
        let draft = Draft::beside(&path).unwrap();
        draft.writer().write_all(b"whole").unwrap();
        assert_eq!(draft.finish().unwrap(), 5);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Draft::beside(Path::new("/no/such/folder/film.mp4")).unwrap_err().to_string();
        assert!(error.contains("/no/such/folder"), "{error}");
    }
}
