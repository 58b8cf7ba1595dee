//! What can go wrong while a film is made, and what to do about it.

use std::io;

/// Why speech or a film could not be made. Its text says what to do.
///
/// ```
/// use nemovideo::media::{Cancel, Delivery, MediaError, Pico, narrate};
///
/// let (voice, cancel) = (Pico::new(), Cancel::new());
/// let empty = narrate(" \n", &voice, &Delivery::default(), &cancel);
/// assert!(matches!(empty, Err(MediaError::EmptyScript)));
/// let finnish = narrate("Hyvää huomenta.", &voice, &Delivery::new("fi-FI"), &cancel);
/// assert!(matches!(finnish, Err(MediaError::NoVoice { .. })));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The script holds no words.
    #[error("there is nothing to say: the script has no words; write at least one sentence")]
    EmptyScript,
    /// No voice speaks the language.
    #[error(
        "there is no voice for the language `{language}`; choose one of {}, or plug in your own voice",
        available.join(", ")
    )]
    NoVoice {
        /// The language that was asked for.
        language: String,
        /// The languages that there are voices for.
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
    /// A font file cannot be used.
    #[error("the font cannot be used: {0}; name a TTF or OTF file")]
    Font(String),
    /// A picture cannot be used.
    #[error("the picture cannot be used: {0}; give a PNG, JPEG, GIF or WebP")]
    Picture(String),
    /// A sound cannot be used.
    #[error("the sound cannot be used: {0}; give a WAV, MP3, M4A or AAC")]
    Sound(String),
    /// A voice failed to speak.
    #[error("the voice failed: {0}")]
    Voice(String),
    /// The film's timeline makes no sense.
    #[error("the film cannot be made: {0}")]
    Timeline(String),
    /// An encoder or the muxer failed.
    #[error("the film could not be encoded: {0}")]
    Encode(String),
    /// [`Cancel::cancel`](super::Cancel::cancel) was called.
    #[error("the work was cancelled")]
    Cancelled,
    /// A file could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, to which file.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

impl MediaError {
    /// For `map_err`: names what was being done.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }
}
