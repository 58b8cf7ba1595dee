//! Errors of the media module, and the flag that cancels its work.

use std::io;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// Error from synthesizing speech, reading a media file or rendering a timeline. Its message
/// says how to fix the problem.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The script contains no words.
    #[error("there is nothing to say: the script has no words; write at least one sentence")]
    EmptyScript,
    /// No voice supports the language.
    #[error(
        "there is no voice for the language `{language}`; choose one of {}, or plug in your own voice",
        available.join(", ")
    )]
    NoVoice {
        /// The requested language.
        language: String,
        /// The supported languages.
        available: Vec<String>,
    },
    /// The font cannot draw some of the text.
    #[error(
        "the font has no glyphs for “{missing}”; name a font file (TTF or OTF) that covers this script"
    )]
    NoGlyphs {
        /// The first characters that cannot be drawn.
        missing: String,
    },
    /// A font file is invalid.
    #[error("the font cannot be used: {0}; name a font file, TTF, OTF or TTC")]
    Font(String),
    /// An image file is invalid or too large.
    #[error("the image cannot be used: {0}; use a PNG, JPEG, GIF or WebP file")]
    Image(String),
    /// An audio file is invalid or too long.
    #[error(
        "the audio cannot be used: {0}; use an uncompressed WAV file, or convert it to MP3 or AAC (M4A)"
    )]
    Audio(String),
    /// A voice failed to speak.
    #[error("the voice failed: {0}")]
    Voice(String),
    /// The timeline has an unsupported size or duration.
    #[error("the timeline cannot be rendered: {0}")]
    Timeline(String),
    /// An encoder or the muxer failed.
    #[error("the encoding failed: {0}")]
    Encode(String),
    /// [`Cancel::cancel`] was called.
    #[error("the work was cancelled")]
    Cancelled,
    /// A file could not be read or written.
    #[error("could not {action}")]
    Io {
        /// The failed action and its file, such as `read the font brand.ttf`.
        action: String,
        /// The error of the operating system.
        source: Arc<io::Error>,
    },
}

impl MediaError {
    /// Returns a function for `map_err` that adds the failed action to an I/O error.
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        |source| Self::Io { action, source: Arc::new(source) }
    }
}

/// A shared flag that cancels running work.
///
/// Work checks the flag between sentences, video frames and seconds of audio, and then fails with
/// [`MediaError::Cancelled`]. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(CancellationToken);

impl Cancel {
    /// Returns the flag that is set when a token is cancelled.
    pub(crate) const fn of(token: CancellationToken) -> Self {
        Self(token)
    }

    /// Creates a flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag. It cannot be reset.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Returns whether the flag is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Fails once the flag is set.
    pub(crate) fn check(&self) -> Result<(), MediaError> {
        if self.is_cancelled() {
            return Err(MediaError::Cancelled);
        }
        Ok(())
    }
}
