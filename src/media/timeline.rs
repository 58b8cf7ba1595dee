//! What a film is: a background, sounds and texts, each with its time. Making the file from it
//! is left to [`render`](super::render()).

use std::time::Duration;

use super::{Font, Gradient, MediaError, Picture, Sound};

/// Everything that is seen and heard in a film.
///
/// ```
/// use nemovideo::media::{Background, FrameSize, Gradient, Sound, SoundClip, TextClip, Timeline};
/// use std::time::Duration;
///
/// let five = Duration::from_secs(5);
/// let mut film = Timeline::new(FrameSize::LANDSCAPE, five);
/// film.background = Background::Gradient(Gradient::Ocean);
/// film.sounds.push(SoundClip::music(Sound::new(16_000, vec![0; 16_000]), 0.35));
/// film.texts.push(TextClip::title("Morning Brew", Duration::ZERO, five));
/// assert!(film.check().is_ok());
///
/// film.texts.push(TextClip::caption("早安", Duration::ZERO, five));
/// assert!(film.check().is_err()); // the built-in font lacks Chinese
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Timeline {
    /// The size of the picture.
    pub frame: FrameSize,
    /// The length of the film; what would go on longer is cut.
    pub duration: Duration,
    /// What is behind the texts.
    pub background: Background,
    /// What is heard, mixed together.
    pub sounds: Vec<SoundClip>,
    /// What is written, in any order.
    pub texts: Vec<TextClip>,
    /// A font for characters that the built-in one, Noto Sans, lacks: Chinese, for one.
    pub font: Option<Font>,
}

impl Timeline {
    /// A film with neither sound nor text on the default background.
    #[must_use]
    pub fn new(frame: FrameSize, duration: Duration) -> Self {
        Self {
            frame,
            duration,
            background: Background::default(),
            sounds: Vec::new(),
            texts: Vec::new(),
            font: None,
        }
    }

    /// Whether this can be made into a film: its size, its length, and glyphs for every text.
    /// Quick; [`render`](super::render()) begins with it.
    ///
    /// # Errors
    /// [`MediaError::Timeline`] for size and length, [`MediaError::NoGlyphs`] for a text.
    pub fn check(&self) -> Result<(), MediaError> {
        self.frame.check()?;
        if self.duration < Duration::from_millis(100) {
            return Err(MediaError::Timeline("it is shorter than a tenth of a second".to_owned()));
        }
        if self.duration > MAX_DURATION {
            return Err(MediaError::Timeline("it is longer than six hours".to_owned()));
        }
        let font = self.font.clone().unwrap_or_default();
        let mut missing: Vec<char> = Vec::new();
        for c in self.texts.iter().flat_map(|clip| font.missing(&clip.text)) {
            if missing.len() < 12 && !missing.contains(&c) {
                missing.push(c);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(MediaError::NoGlyphs { missing: missing.into_iter().collect() })
    }
}

/// An MP4 counts in 32 bits; six hours of any sound stay far below that.
const MAX_DURATION: Duration = Duration::from_secs(6 * 60 * 60);

/// The size of a picture, in pixels.
///
/// ```
/// use nemovideo::media::{FrameSize, Timeline};
/// use std::time::Duration;
///
/// let odd = Timeline::new(FrameSize { width: 641, height: 480 }, Duration::from_secs(1));
/// assert!(odd.check().is_err()); // even sides only
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameSize {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl FrameSize {
    /// 16:9, for screens.
    pub const LANDSCAPE: Self = Self { width: 1920, height: 1080 };
    /// 9:16, for phones.
    pub const PORTRAIT: Self = Self { width: 1080, height: 1920 };
    /// 1:1, for feeds.
    pub const SQUARE: Self = Self { width: 1080, height: 1080 };

    fn check(self) -> Result<(), MediaError> {
        let Self { width, height } = self;
        let fits = |side: u32| side.is_multiple_of(2) && (64..=3840).contains(&side);
        // The encoder's limit: 3840×2160 either way round.
        if fits(width) && fits(height) && width.min(height) <= 2160 {
            return Ok(());
        }
        Err(MediaError::Timeline(format!(
            "a picture of {width}×{height} cannot be encoded; take even sides from 64 up to 3840×2160"
        )))
    }
}

/// What is behind the texts of a film.
///
/// ```
/// use nemovideo::media::{Background, FrameSize, Gradient, Picture, Timeline};
/// use std::time::Duration;
///
/// let mut film = Timeline::new(FrameSize::PORTRAIT, Duration::from_secs(5));
/// assert!(matches!(film.background, Background::Gradient(Gradient::Dusk)));
///
/// // A picture that somebody sent, or a palette where it cannot be read.
/// # let upload =
/// #     b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
/// film.background = Picture::decode(upload)
///     .map_or(Background::Gradient(Gradient::Slate), Background::Picture);
/// assert!(matches!(film.background, Background::Picture(_)));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Background {
    /// Soft lights of one palette.
    Gradient(Gradient),
    /// A picture, made to fill the frame.
    Picture(Picture),
}

impl Default for Background {
    fn default() -> Self {
        Self::Gradient(Gradient::default())
    }
}

/// A sound at its place in the film.
///
/// ```
/// use nemovideo::media::{FrameSize, Sound, SoundClip, Timeline};
/// use std::time::Duration;
///
/// # use nemovideo::media::{Cancel, Container, Output, render};
/// let ms = Duration::from_millis;
/// let recording = Sound::new(48_000, vec![1_000; 48_000]);
/// let mut clip = SoundClip::new(recording, ms(500)); // heard from here on,
/// clip.trim = ms(200); // without its first fifth of a second,
/// clip.take = Some(ms(100)); // for a tenth of one,
/// clip.volume = 0.5; // at half its volume
///
/// let mut film = Timeline::new(FrameSize::SQUARE, ms(1_000));
/// film.sounds.push(clip);
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sound.wav");
/// # render(&film, Output::new(Container::Wav), &path, &|_| {}, &Cancel::new())?;
/// # let heard = Sound::decode(&std::fs::read(&path)?, "sound.wav")?;
/// # let samples = heard.samples();
/// // Rendered to a WAV of 48 samples a millisecond:
/// assert_eq!([490, 550, 610].map(|ms| samples[ms * 48]), [0, 500, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SoundClip {
    /// What is heard.
    pub sound: Sound,
    /// When it begins.
    pub start: Duration,
    /// How much of its beginning is left out.
    pub trim: Duration,
    /// How much of the rest is heard; `None` for all.
    pub take: Option<Duration>,
    /// 1.0 is as recorded, 0.0 is silence.
    pub volume: f32,
    /// Whether it is heard again and again until the film ends, and fades out there: music.
    pub repeat: bool,
}

impl SoundClip {
    /// A sound that is heard once, whole, as recorded.
    #[must_use]
    pub const fn new(sound: Sound, start: Duration) -> Self {
        Self { sound, start, trim: Duration::ZERO, take: None, volume: 1.0, repeat: false }
    }

    /// Music under the whole film.
    #[must_use]
    pub const fn music(sound: Sound, volume: f32) -> Self {
        let start = Duration::ZERO;
        Self { sound, start, trim: Duration::ZERO, take: None, volume, repeat: true }
    }
}

/// A text at its place in the film.
///
/// ```
/// use nemovideo::media::{FrameSize, TextClip, Timeline};
/// use std::time::Duration;
///
/// let s = Duration::from_secs;
/// let mut film = Timeline::new(FrameSize::LANDSCAPE, s(6));
/// film.texts.push(TextClip::title("Morning\nBrew", s(0), s(2))); // in the middle, in two lines
/// film.texts.push(TextClip::caption("Good morning.", s(2), s(4))); // below, while it is said
/// assert_eq!(film.texts.iter().map(|clip| clip.start + clip.duration).max(), Some(film.duration));
/// film.check()?; // there is a glyph for each character
/// # Ok::<(), nemovideo::media::MediaError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextClip {
    /// When it appears.
    pub start: Duration,
    /// How long it stays.
    pub duration: Duration,
    /// What it says; a line break in it is kept.
    pub text: String,
    /// Where and how large it is.
    pub style: TextStyle,
}

impl TextClip {
    /// A caption.
    #[must_use]
    pub fn caption(text: impl Into<String>, start: Duration, duration: Duration) -> Self {
        Self { start, duration, text: text.into(), style: TextStyle::Caption }
    }

    /// A title.
    #[must_use]
    pub fn title(text: impl Into<String>, start: Duration, duration: Duration) -> Self {
        Self { start, duration, text: text.into(), style: TextStyle::Title }
    }
}

/// Where a text is and how large.
///
/// ```
/// use nemovideo::media::{TextClip, TextStyle};
/// use std::time::Duration;
///
/// let title = TextClip::title("Hi", Duration::ZERO, Duration::from_secs(3));
/// assert_eq!(title.style, TextStyle::Title);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TextStyle {
    /// In the lower third, for what is being said.
    #[default]
    Caption,
    /// In the middle, large.
    Title,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(edit: impl FnOnce(&mut Timeline)) -> String {
        let mut timeline = Timeline::new(FrameSize::SQUARE, Duration::from_secs(1));
        timeline.check().expect("it was fine before");
        edit(&mut timeline);
        timeline.check().expect_err("it is not fine now").to_string()
    }

    #[test]
    fn what_cannot_become_a_film_is_told_before_any_work() {
        assert!(problem(|t| t.duration = Duration::ZERO).contains("shorter"));
        assert!(problem(|t| t.duration = Duration::from_secs(1 << 30)).contains("longer"));
        assert!(problem(|t| t.frame.width = 1081).contains("1081×1080"));
        assert!(
            problem(|t| t.frame = FrameSize { width: 3840, height: 3840 }).contains("3840×3840")
        );
        let chinese =
            problem(|t| t.texts.push(TextClip::caption("咖啡 ok 咖", Duration::ZERO, t.duration)));
        assert!(chinese.contains("“咖啡”") && chinese.contains("font file"), "{chinese}");
    }

    #[test]
    fn an_emoji_is_no_reason_to_refuse_a_text() {
        let mut timeline = Timeline::new(FrameSize::SQUARE, Duration::from_secs(1));
        timeline.texts.push(TextClip::title(
            "Привет, Γειά, café 🎉👍🏽",
            Duration::ZERO,
            timeline.duration,
        ));
        timeline.check().unwrap();
    }
}
