//! The content of a video: a background, audio and text, each with its time. Making a file from it
//! is left to [`render`](super::render()).

use std::time::Duration;

use super::audio::MAX_SAMPLE_RATE;
use super::audio::stored::StoredAudio;
use super::{AudioBuffer, CaptionStyle, Font, MediaError, Scene, VideoBackground};

/// Longer videos are rejected.
const MAX_DURATION: Duration = Duration::from_secs(6 * 60 * 60);

/// The content of a video or an audio file, for [`render`](super::render()).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Timeline {
    /// Size of the video.
    pub frame: FrameSize,
    /// Duration of the output; clips are cut off at its end.
    pub duration: Duration,
    /// Background behind the text, until the first scene.
    pub background: VideoBackground,
    /// Backgrounds that follow one another, in the order of their starts.
    pub scenes: Vec<Scene>,
    /// Audio clips, which are mixed together.
    pub audio: Vec<AudioClip>,
    /// Text clips, in any order.
    pub texts: Vec<TextClip>,
    /// Font for characters that the built-in ones lack, such as Chinese.
    pub font: Option<Font>,
    /// Language of the speech and the texts, a BCP 47 tag, which the file states: a word that is too
    /// long for a line is hyphenated by its rules, or by those of English where none is given.
    pub language: Option<String>,
    /// Chapters of the video, in any order, as players list them.
    pub chapters: Vec<Chapter>,
}

impl Timeline {
    /// Creates a timeline without audio and text, on the default background.
    #[must_use]
    pub fn new(frame: FrameSize, duration: Duration) -> Self {
        Self {
            frame,
            duration,
            background: VideoBackground::default(),
            scenes: Vec::new(),
            audio: Vec::new(),
            texts: Vec::new(),
            font: None,
            language: None,
            chapters: Vec::new(),
        }
    }

    /// Returns the emoji of the texts for which the font has no glyphs, each once. The video is made
    /// without them, so that a program should report them.
    ///
    /// ```
    /// use nemovideo::media::{FrameSize, TextClip, Timeline};
    /// use std::time::Duration;
    ///
    /// let second = Duration::from_secs(1);
    /// let mut timeline = Timeline::new(FrameSize::SQUARE, second);
    /// timeline.texts.push(TextClip::title("Party 🎉 with friends 🫂", Duration::ZERO, second));
    /// assert_eq!(timeline.undrawn(), ["🫂"]);
    /// ```
    #[must_use]
    pub fn undrawn(&self) -> Vec<String> {
        let font = self.font.clone().unwrap_or_default();
        let mut undrawn: Vec<String> = Vec::new();
        for part in self.texts.iter().flat_map(|clip| font.undrawn(&clip.text)) {
            if !undrawn.contains(&part) {
                undrawn.push(part);
            }
        }
        undrawn
    }

    /// Checks the size, the duration, the order of the scenes, the sample rates, and that the font has
    /// glyphs for every text. This is fast; [`render`](super::render()) does it first.
    ///
    /// # Errors
    /// [`MediaError::Timeline`] for the size, the duration, the order of scenes and a sample rate,
    /// [`MediaError::NoGlyphs`] for a text.
    pub fn check(&self) -> Result<(), MediaError> {
        self.frame.check()?;
        if self.duration < Duration::from_millis(100) {
            return Err(MediaError::Timeline("it is shorter than a tenth of a second".to_owned()));
        }
        if self.duration > MAX_DURATION {
            return Err(MediaError::Timeline("it is longer than six hours".to_owned()));
        }
        if !self.scenes.is_sorted_by_key(|scene| scene.start) {
            let why = "its scenes are not in the order of their starts";
            return Err(MediaError::Timeline(why.to_owned()));
        }
        if let Some(clip) = self.audio.iter().find(|clip| clip.sample_rate() > MAX_SAMPLE_RATE) {
            let rate = clip.sample_rate();
            return Err(MediaError::Timeline(format!(
                "its audio has a sample rate of {rate} Hz, more than {MAX_SAMPLE_RATE} Hz"
            )));
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

/// Size of a video in pixels. Both sides must be even, from 64 up to 3840×2160 or 2160×3840.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameSize {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
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
        // The limit of the encoder is 3840×2160 in either orientation.
        if fits(width) && fits(height) && width.min(height) <= 2160 {
            return Ok(());
        }
        Err(MediaError::Timeline(format!(
            "a frame of {width}×{height} cannot be encoded; use even sides from 64 up to 3840×2160"
        )))
    }
}

/// A chapter of a video. It lasts until the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chapter {
    /// Start on the timeline.
    pub start: Duration,
    /// The title, of which players show up to 255 bytes. A chapter without one is left out.
    pub title: String,
}

impl Chapter {
    /// Creates a chapter.
    #[must_use]
    pub fn new(title: impl Into<String>, start: Duration) -> Self {
        Self { start, title: title.into() }
    }
}

/// Audio on a timeline.
///
/// Speech is brought to −16 LUFS (ITU-R BS.1770) before its volume applies, whatever the level of
/// its voice or recording. The true peak of the finished track stays below −1 dBTP.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AudioClip {
    /// The audio to play.
    pub audio: AudioBuffer,
    /// What the audio is, which decides about its loudness.
    pub kind: AudioKind,
    /// Start on the timeline.
    pub start: Duration,
    /// Duration skipped at the start of the audio.
    pub trim: Duration,
    /// Duration played after the skipped part, or `None` for the rest.
    pub take: Option<Duration>,
    /// Volume factor: 1.0 leaves the audio unchanged, or speech at its loudness; 0.0 silences it.
    /// It is at most 1000.
    pub volume: f32,
    /// Whether the audio repeats until the end of the timeline.
    pub repeat: bool,
    /// Whether the audio is quieter while there is speech: at least ten LU below it. It falls before
    /// the first word, and comes back in pauses of more than two seconds.
    pub duck: bool,
    /// Duration in which the audio gets as loud as it is, from its start on.
    pub fade_in: Duration,
    /// Duration in which the audio gets silent, before its end.
    pub fade_out: Duration,
    /// A file that is read as it is mixed, in place of the audio.
    pub(crate) stored: Option<StoredAudio>,
}

/// What the audio of an [`AudioClip`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AudioKind {
    /// A voice or a recording of one, which is brought to the loudness of speech.
    Speech,
    /// Music, at the level of its file.
    Music,
    /// Anything else, at the level of its file.
    #[default]
    Other,
}

impl AudioClip {
    /// Creates a clip that plays the whole audio once, at its own level.
    #[must_use]
    pub const fn new(audio: AudioBuffer, start: Duration) -> Self {
        Self {
            audio,
            kind: AudioKind::Other,
            start,
            trim: Duration::ZERO,
            take: None,
            volume: 1.0,
            repeat: false,
            duck: false,
            fade_in: Duration::ZERO,
            fade_out: Duration::ZERO,
            stored: None,
        }
    }

    /// Creates a clip that plays a voice once, at the loudness of speech.
    #[must_use]
    pub const fn speech(audio: AudioBuffer, start: Duration) -> Self {
        let mut clip = Self::new(audio, start);
        clip.kind = AudioKind::Speech;
        clip
    }

    /// Creates a clip of background music, which repeats for the whole timeline, fades in and out,
    /// and is quieter while there is speech.
    #[must_use]
    pub const fn music(audio: AudioBuffer, volume: f32) -> Self {
        let mut clip = Self::new(audio, Duration::ZERO);
        clip.kind = AudioKind::Music;
        clip.volume = volume;
        clip.repeat = true;
        clip.duck = true;
        clip.fade_in = Duration::from_millis(500);
        clip.fade_out = Duration::from_secs(2);
        clip
    }

    /// Creates a clip that plays a whole file once, at its own level.
    pub(crate) fn stored(file: StoredAudio, start: Duration) -> Self {
        let silence = AudioBuffer::new(file.sample_rate(), []);
        Self { stored: Some(file), ..Self::new(silence, start) }
    }

    pub(crate) fn sample_rate(&self) -> u32 {
        self.stored.as_ref().map_or(self.audio.sample_rate(), StoredAudio::sample_rate)
    }
}

/// Text on a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextClip {
    /// Start on the timeline.
    pub start: Duration,
    /// Duration on the timeline.
    pub duration: Duration,
    /// The text; its line breaks are kept.
    pub text: String,
    /// Look and position of a caption. A title has its own.
    pub style: CaptionStyle,
    /// When each word is spoken: its byte offset in the text and the time from the start of the
    /// clip, in order. [`CaptionMode::Words`](super::CaptionMode::Words) needs them.
    pub words: Vec<(usize, Duration)>,
    pub(crate) kind: TextKind,
}

impl TextClip {
    /// Creates a caption: text for speech, in the lower third unless its style says otherwise.
    #[must_use]
    pub fn caption(text: impl Into<String>, start: Duration, duration: Duration) -> Self {
        Self::new(text.into(), start, duration, TextKind::Caption)
    }

    /// Creates a title: large text in the middle.
    #[must_use]
    pub fn title(text: impl Into<String>, start: Duration, duration: Duration) -> Self {
        Self::new(text.into(), start, duration, TextKind::Title)
    }

    fn new(text: String, start: Duration, duration: Duration, kind: TextKind) -> Self {
        Self { start, duration, text, style: CaptionStyle::default(), words: Vec::new(), kind }
    }

    /// Returns the style in which the text is drawn.
    pub(crate) fn drawn_style(&self) -> CaptionStyle {
        match self.kind {
            TextKind::Caption => self.style,
            TextKind::Title => CaptionStyle::default(),
        }
    }
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKind {
    Caption,
    Title,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_must_be_in_order() {
        let second = Duration::from_secs(1);
        let check = |starts: &[u32]| {
            let mut timeline = Timeline::new(FrameSize::SQUARE, 5 * second);
            let scene = |start: &u32| Scene::new(VideoBackground::default(), *start * second);
            timeline.scenes = starts.iter().map(scene).collect();
            timeline.check()
        };
        // Two may start together, and any after the end of the video.
        for starts in [vec![], vec![3], vec![0, 0, 2, 9, 9]] {
            assert!(check(&starts).is_ok(), "{starts:?}");
        }
        for starts in [vec![1, 0], vec![0, 9, 2], vec![9, 8]] {
            let error = check(&starts);
            let is_named =
                matches!(&error, Err(MediaError::Timeline(why)) if why.contains("order"));
            assert!(is_named, "{starts:?}: {error:?}");
        }
    }
}
