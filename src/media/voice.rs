//! Voices, which turn text into audio, and how a text is to be spoken. Splitting a script and
//! timing its sentences is left to [`narration`](super::narration).
//!
//! Two voices come with the crate: [`Pico`], built in, for six languages, and [`CommandVoice`],
//! which runs a program such as `piper` or `espeak-ng`.

mod cache;
mod command;
#[allow(unsafe_code)] // The speech engine is written in C; see `pico::PicoEngine`.
mod pico;

use std::time::Duration;

use super::{AudioBuffer, Cancel, MediaError, primary_language};

pub use command::CommandVoice;
pub use pico::Pico;

/// A text-to-speech voice.
///
/// It is called from several threads at once, with one sentence each. The same text must always
/// produce the same audio, or a video is not reproducible.
///
/// ```
/// use nemovideo::media::{AudioBuffer, Cancel, MediaError, SpeechOptions, Voice, narrate};
///
/// /// Hums for a tenth of a second for each letter.
/// #[derive(Debug)]
/// struct Hum;
///
/// impl Voice for Hum {
///     fn languages(&self) -> Vec<String> {
///         vec!["en-US".to_owned()]
///     }
///
///     fn speak(&self, text: &str, _options: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
///         let samples = (0..text.len() * 1_600).map(|n| (n % 160) as i16 * 100);
///         Ok(AudioBuffer::new(16_000, samples.collect::<Vec<_>>()))
///     }
/// }
///
/// let narration = narrate("Hello there.", &Hum, &SpeechOptions::default(), &Cancel::new())?;
/// assert_eq!(narration.sentences.len(), 1);
/// # Ok::<(), MediaError>(())
/// ```
pub trait Voice: Send + Sync + std::fmt::Debug {
    /// Returns the supported languages as BCP 47 tags, such as `en-US`.
    fn languages(&self) -> Vec<String>;

    /// Speaks one sentence of plain text; nothing in it is markup.
    ///
    /// # Errors
    /// [`MediaError::NoVoice`] when the language is not supported, [`MediaError::Voice`] when the
    /// voice fails.
    fn speak(&self, text: &str, options: &SpeechOptions) -> Result<AudioBuffer, MediaError>;

    /// Speaks one sentence like [`speak`](Self::speak), unless `cancel` is set before or meanwhile.
    ///
    /// The provided method looks at it before the sentence only. A voice that may take longer than
    /// a second for one should override it.
    ///
    /// # Errors
    /// Those of [`speak`](Self::speak), and [`MediaError::Cancelled`].
    fn speak_until(
        &self,
        text: &str,
        options: &SpeechOptions,
        cancel: &Cancel,
    ) -> Result<AudioBuffer, MediaError> {
        cancel.check()?;
        self.speak(text, options)
    }

    /// Speaks one sentence like [`speak_until`](Self::speak_until), and returns the times in its
    /// audio at which the words at the given byte offsets of the text begin, if they are known. The
    /// offsets are within the text, between two characters, and do not decrease.
    ///
    /// The provided method returns no times. Where a caption is to begin within a sentence, its
    /// parts are then spoken once more on their own and searched for in its audio, which takes
    /// twice as long.
    ///
    /// # Errors
    /// Those of [`speak_until`](Self::speak_until).
    fn speak_timed(
        &self,
        text: &str,
        offsets: &[usize],
        options: &SpeechOptions,
        cancel: &Cancel,
    ) -> Result<(AudioBuffer, Option<Vec<Duration>>), MediaError> {
        let _unknown = offsets;
        Ok((self.speak_until(text, options, cancel)?, None))
    }
}

/// Language, gender and rate of speech. The default is `en-US`, female, at the normal rate.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechOptions {
    language: String,
    gender: VoiceGender,
    rate: f32,
}

impl SpeechOptions {
    /// Creates options for a language, a BCP 47 tag (`en` and `en_us` are accepted as well), with a
    /// female voice at the normal rate.
    #[must_use]
    pub fn new(language: impl Into<String>) -> Self {
        let language = language.into();
        Self { language, gender: VoiceGender::default(), rate: 1.0 }
    }

    /// Sets the language, a BCP 47 tag; `en` and `en_us` are accepted as well.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.language = language.into();
        self
    }

    /// Returns the language, as it was given.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Sets the gender of the voice.
    #[must_use]
    pub const fn with_gender(mut self, gender: VoiceGender) -> Self {
        self.gender = gender;
        self
    }

    /// Returns the gender of the voice.
    #[must_use]
    pub const fn gender(&self) -> VoiceGender {
        self.gender
    }

    /// Sets the speaking rate: 1.0 is normal, 2.0 twice as fast. It is clamped to 0.5..=2.0, and
    /// NaN gives the normal rate.
    #[must_use]
    pub const fn with_rate(mut self, rate: f32) -> Self {
        // Faster speech is incomprehensible; slower speech breaks up into single phonemes.
        self.rate = if rate.is_nan() { 1.0 } else { rate.clamp(0.5, 2.0) };
        self
    }

    /// Returns the speaking rate, within 0.5..=2.0.
    #[must_use]
    pub const fn rate(&self) -> f32 {
        self.rate
    }
}

impl Default for SpeechOptions {
    fn default() -> Self {
        Self::new("en-US")
    }
}

/// Gender of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum VoiceGender {
    /// A higher voice.
    #[default]
    Female,
    /// A lower voice.
    Male,
}

/// A built-in voice, from [`voices`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VoiceInfo {
    /// The language as a BCP 47 tag, such as `en-US`.
    pub language: String,
    /// The gender.
    pub gender: VoiceGender,
    /// The name of the speech engine, such as `SVOX Pico`.
    pub engine: String,
}

/// Returns the built-in voices. Any other voice is a program, for [`CommandVoice`], or an
/// implementation of [`Voice`].
///
/// ```
/// use nemovideo::media::{VoiceGender, voices};
///
/// let voices = voices();
/// let german = voices.iter().find(|voice| voice.language == "de-DE").expect("a German voice");
/// assert_eq!((german.gender, german.engine.as_str()), (VoiceGender::Female, "SVOX Pico"));
/// ```
#[must_use]
pub fn voices() -> Vec<VoiceInfo> {
    let of = |language: String| {
        [VoiceGender::Female, VoiceGender::Male].map(|gender| VoiceInfo {
            language: language.clone(),
            gender,
            engine: Pico::ENGINE.to_owned(),
        })
    };
    Pico::new().languages().into_iter().flat_map(of).collect()
}

/// Returns the best match for a language tag: the same tag, ignoring case and `_` for `-`, else the
/// first one with the same primary language. English regions without a voice use the British one,
/// whose spelling most of them share.
fn best_match<'a, T>(
    requested: &str,
    available: &'a [T],
    tag: fn(&'a T) -> &'a str,
) -> Result<&'a T, MediaError> {
    let wanted = requested.trim().replace('_', "-");
    let primary = primary_language(&wanted);
    let same_primary: Vec<&T> = available
        .iter()
        .filter(|&item| primary_language(tag(item)).eq_ignore_ascii_case(primary))
        .collect();
    let exact = |wanted: &str| {
        same_primary.iter().copied().find(|&item| tag(item).eq_ignore_ascii_case(wanted))
    };
    exact(&wanted)
        .or_else(|| wanted.contains('-').then(|| exact("en-GB")).flatten())
        .or_else(|| same_primary.first().copied())
        .ok_or_else(|| MediaError::NoVoice {
            language: requested.to_owned(),
            available: available.iter().map(|item| tag(item).to_owned()).collect(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    static HAVE: [&str; 3] = ["en-US", "en-GB", "de-DE"];

    #[test]
    fn a_language_is_matched_in_any_spelling_of_its_tag() {
        let best = |wanted| best_match(wanted, &HAVE, |tag| tag).copied();
        for (wanted, found) in [
            ("en-US", "en-US"),
            ("EN_us", "en-US"),
            ("en", "en-US"),
            ("en-GB", "en-GB"),
            ("en-AU", "en-GB"),
            (" de ", "de-DE"),
            ("de-AT", "de-DE"),
        ] {
            assert_eq!(best(wanted).unwrap(), found, "{wanted}");
        }
        for unknown in ["ja", "", "english", "d"] {
            assert!(best(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_rate_is_clamped() {
        for (rate, expected) in [(9.0, 2.0), (0.0, 0.5), (f32::NAN, 1.0), (1.25, 1.25)] {
            assert_eq!(SpeechOptions::default().with_rate(rate).rate(), expected);
        }
    }
}
