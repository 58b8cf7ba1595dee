//! Who speaks, and how. A [`Voice`] turns text into a [`Sound`]; which words to say, and when,
//! is left to [`narration`](super::narration).
//!
//! Two voices come with the crate: [`Pico`], built in, for six languages, and [`CommandVoice`],
//! which runs a program such as `piper` or `espeak-ng`.

mod command;
#[allow(unsafe_code)] // The speech engine is C; see `pico::Engine`.
mod pico;

use super::{MediaError, Sound};

pub use command::CommandVoice;
pub use pico::Pico;

/// Something that can speak.
///
/// Called from several threads at once, one sentence each; the same text must give the same
/// sound every time, or a film cannot be made twice.
///
/// ```
/// use nemovideo::media::{Cancel, Delivery, MediaError, Sound, Voice, narrate};
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
///     fn speak(&self, text: &str, _how: &Delivery) -> Result<Sound, MediaError> {
///         let samples = (0..text.len() * 1_600).map(|n| (n % 160) as i16 * 100);
///         Ok(Sound::new(16_000, samples.collect::<Vec<_>>()))
///     }
/// }
///
/// let narration = narrate("Hello there.", &Hum, &Delivery::default(), &Cancel::new())?;
/// assert_eq!(narration.sentences.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Voice: Send + Sync + std::fmt::Debug {
    /// The languages it speaks, as BCP-47 tags such as `en-US`.
    fn languages(&self) -> Vec<String>;

    /// Speaks one sentence of plain text; nothing in it is markup.
    ///
    /// # Errors
    /// [`MediaError::NoVoice`] when it does not speak the language, [`MediaError::Voice`] when
    /// it failed.
    fn speak(&self, text: &str, how: &Delivery) -> Result<Sound, MediaError>;
}

/// How a text is to be spoken.
///
/// ```
/// use nemovideo::media::{Delivery, Gender, Pace};
///
/// let how = Delivery::new("de-DE").with_gender(Gender::Male).with_pace(Pace::new(0.8));
/// assert_eq!((how.gender, how.pace.factor()), (Gender::Male, 0.8));
/// assert_eq!(Delivery::default().language, "en-US");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// A BCP-47 tag; `en` or `en_us` will do.
    pub language: String,
    /// The kind of voice.
    pub gender: Gender,
    /// How fast.
    pub pace: Pace,
}

impl Delivery {
    /// A female voice at normal pace.
    #[must_use]
    pub fn new(language: impl Into<String>) -> Self {
        Self { language: language.into(), gender: Gender::default(), pace: Pace::default() }
    }

    /// The same in another kind of voice.
    #[must_use]
    pub const fn with_gender(mut self, gender: Gender) -> Self {
        self.gender = gender;
        self
    }

    /// The same at another pace.
    #[must_use]
    pub const fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self::new("en-US")
    }
}

/// The kind of voice.
///
/// ```
/// use nemovideo::media::{Delivery, Gender, Pico, Voice as _};
///
/// let (pico, how) = (Pico::new(), Delivery::new("en-GB"));
/// assert_eq!(how.gender, Gender::Female); // unless set
/// let his = pico.speak("Good morning.", &how.clone().with_gender(Gender::Male))?;
/// let hers = pico.speak("Good morning.", &how)?;
/// assert_ne!(his.samples(), hers.samples());
/// # Ok::<(), nemovideo::media::MediaError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Gender {
    /// A higher voice.
    #[default]
    Female,
    /// A lower voice.
    Male,
}

/// How fast to speak: 1.0 is normal, 2.0 twice as fast.
///
/// ```
/// use nemovideo::media::Pace;
///
/// assert_eq!(Pace::new(1.25).factor(), 1.25);
/// assert_eq!(Pace::new(9.0).factor(), 2.0);
/// assert_eq!(Pace::new(f32::NAN), Pace::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Pace(f32);

impl Pace {
    /// Faster than this nobody follows; slower than half falls apart into sounds.
    const RANGE: std::ops::RangeInclusive<f32> = 0.5..=2.0;

    /// A pace, brought into 0.5..=2.0; what is not a number is the normal pace.
    #[must_use]
    pub fn new(factor: f32) -> Self {
        if factor.is_nan() {
            return Self::default();
        }
        Self(factor.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }

    /// The factor, within 0.5..=2.0.
    #[must_use]
    pub const fn factor(self) -> f32 {
        self.0
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self(1.0)
    }
}

/// The best of `available` for `wanted`: the same tag in any case and with `_` for `-`, else the
/// first one of the same primary language. A region that English has no voice for goes by the
/// spelling that most of such regions share, the British one.
fn best_language<'a>(
    wanted: &str,
    available: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = wanted.trim().replace('_', "-");
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let same_primary: Vec<&str> =
        available.into_iter().filter(|tag| primary(tag) == primary(&wanted)).collect();
    let exact =
        |tag: &str| same_primary.iter().copied().find(|have| have.eq_ignore_ascii_case(tag));
    exact(&wanted)
        .or_else(|| wanted.contains('-').then(|| exact("en-GB")).flatten())
        .or_else(|| same_primary.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAVE: [&str; 3] = ["en-US", "en-GB", "de-DE"];

    #[test]
    fn a_language_is_found_in_any_spelling_of_its_tag() {
        for (wanted, found) in [
            ("en-US", "en-US"),
            ("EN_us", "en-US"),
            ("en", "en-US"),
            ("en-GB", "en-GB"),
            ("en-AU", "en-GB"),
            (" de ", "de-DE"),
            ("de-AT", "de-DE"),
        ] {
            assert_eq!(best_language(wanted, HAVE), Some(found), "{wanted}");
        }
        for unknown in ["ja", "", "english", "d"] {
            assert_eq!(best_language(unknown, HAVE), None, "{unknown}");
        }
    }

    #[test]
    fn a_pace_stays_within_what_can_be_followed() {
        assert_eq!(Pace::new(9.0).factor(), 2.0);
        assert_eq!(Pace::new(0.0).factor(), 0.5);
        assert_eq!(Pace::new(f32::NAN), Pace::default());
        assert_eq!(Pace::new(1.25).factor(), 1.25);
    }
}
