//! Where speech and films are made. The backend asks a [`Engine`] and does not know which: the
//! real one, of the `media` feature, or one that hands out a placeholder. Everything here blocks.

mod placeholder;
#[cfg(feature = "media")]
mod real;

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) use placeholder::Placeholder;
#[cfg(feature = "media")]
pub(super) use real::Real;

use super::library::{Facts, StoredFile};
use crate::draft::{Draft, Json, Segment, Track, TrackKind, TrackRole};
use crate::protocol::{Aspect, FileType, RenderFormat, RenderOutput, RenderQuality};

pub(super) trait Engine: Send + Sync + fmt::Debug {
    /// The languages there are voices for, as BCP-47 tags.
    fn languages(&self) -> Vec<String>;

    /// Whether there is a voice for a language. This and [`can_write`](Self::can_write) are asked
    /// before any work, so that none is lost.
    fn can_speak(&self, language: &str) -> Result<(), Failure> {
        let languages = self.languages();
        let primary = |tag: &str| {
            tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
        };
        if languages.iter().any(|have| primary(have) == primary(language)) {
            return Ok(());
        }
        let message = format!(
            "There is no voice for the language `{language}`. There are voices for {}.",
            languages.join(", ")
        );
        Err(Failure::new("UNSUPPORTED_LANGUAGE", message))
    }

    /// Whether a text can be drawn.
    fn can_write(&self, text: &str) -> Result<(), Failure>;

    /// A sentence as captions, for the time in which it is spoken.
    fn captions(&self, text: &str, start: Duration, duration: Duration) -> Vec<Caption>;

    /// Speaks a script sentence by sentence. `place` names a new file for each one's sound.
    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        place: &mut dyn FnMut() -> PathBuf,
    ) -> Result<Vec<Line>, Failure>;

    /// What can be told of a picture or a sound by looking into it; nothing of what is broken.
    fn look(&self, file: &StoredFile) -> Facts;

    /// Makes the file of a film. `progress` is told shares from 0 to 1 and may call it off.
    fn render(
        &self,
        film: &Film,
        to: &Path,
        progress: &(dyn Fn(f32) -> ControlFlow<()> + Sync),
    ) -> Result<Made, Failure>;
}

/// Why something cannot be made: a word for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn empty_script() -> Self {
        Self::new("EMPTY_SCRIPT", "There is nothing to say: the script has no words in it.")
    }
}

/// How a script is to be spoken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delivery {
    /// A BCP-47 tag.
    pub(super) language: String,
    pub(super) gender: Gender,
    /// 1.0 is normal.
    pub(super) pace: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Gender {
    #[default]
    Female,
    Male,
}

impl Gender {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// One spoken sentence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) start: Duration,
    pub(super) duration: Duration,
    /// Its sound, unless the engine makes none.
    pub(super) sound: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caption {
    pub(super) start: Duration,
    pub(super) duration: Duration,
    pub(super) text: String,
}

/// What a film is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Film {
    pub(super) format: RenderFormat,
    pub(super) quality: RenderQuality,
    pub(super) aspect: Aspect,
    pub(super) duration: Duration,
    pub(super) background: Background,
    pub(super) sounds: Vec<FilmSound>,
    pub(super) texts: Vec<FilmText>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Background {
    /// The engine's choice.
    #[default]
    Plain,
    /// A palette by name; an unknown one is the engine's choice.
    Named(String),
    Picture(PathBuf),
}

/// The palettes that the agent offers, as `media` names them.
pub(super) const PALETTES: [&str; 5] = ["dusk", "ocean", "forest", "ember", "slate"];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct FilmSound {
    pub(super) path: PathBuf,
    pub(super) start: Duration,
    /// How much of the sound's beginning is left out.
    pub(super) skip: Duration,
    pub(super) duration: Duration,
    pub(super) volume: f32,
    /// Played again until its time is over.
    pub(super) repeat: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilmText {
    pub(super) text: String,
    pub(super) start: Duration,
    pub(super) duration: Duration,
    pub(super) is_title: bool,
}

/// A film that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) duration: Duration,
    /// What the file should be called, without its ending.
    pub(super) name: &'static str,
}

/// Longer than any video that is meant; a wrong unit in a draft must not fill the disk.
const MAX_DURATION: Duration = Duration::from_secs(6 * 60 * 60);

impl Film {
    /// Reads a draft as it was posted. The client may have changed it or written it by hand, so
    /// anything may be missing. `find` returns the session's files by their ids. The error is a
    /// sentence for people.
    pub(super) fn from_draft(
        draft: &Draft,
        output: &RenderOutput,
        find: impl Fn(&str) -> Option<Arc<StoredFile>>,
    ) -> Result<Self, String> {
        let duration = draft.duration();
        if duration.is_zero() {
            return Err("the draft has no length: give its segments a duration `d`".to_owned());
        }
        if duration > MAX_DURATION {
            return Err(format!(
                "the draft is {} s long, more than six hours; durations are in milliseconds",
                duration.as_secs()
            ));
        }
        let mut video = Self {
            format: output.format.clone(),
            quality: output.quality.clone(),
            aspect: output.aspect.or_else(|| draft.aspect()).unwrap_or_default(),
            duration,
            background: Background::default(),
            sounds: Vec::new(),
            texts: Vec::new(),
        };
        for (index, track) in draft.tracks().enumerate() {
            let failed = |error: String| format!("track {}: {error}", index + 1);
            match track.kind() {
                Some(TrackKind::Video) if video.background == Background::Plain => {
                    video.background = background(&track, &find).map_err(failed)?;
                }
                Some(TrackKind::Audio) => {
                    for segment in track.segments() {
                        video.sounds.extend(sound(&track, &segment, &find).map_err(failed)?);
                    }
                }
                Some(TrackKind::Text) => {
                    let is_title = track.role() != Some(TrackRole::Captions);
                    video.texts.extend(track.segments().filter_map(|segment| {
                        let text = segment.text()?.to_owned();
                        let (start, duration) = (segment.start(), segment.duration());
                        Some(FilmText { text, start, duration, is_title })
                    }));
                }
                _ => {}
            }
        }
        Ok(video)
    }
}

/// A video has one background, that of the track's first segment.
fn background(
    track: &Track<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Background, String> {
    let Some(segment) = track.segments().next() else { return Ok(Background::Plain) };
    if let Some(file) = media(&segment, find)? {
        return match file.format.file_type {
            FileType::Image => Ok(Background::Picture(file.path.clone())),
            _ => Err(format!(
                "`{}` cannot be the background; the embedded backend shows images, not videos",
                file.name
            )),
        };
    }
    let named = value(&segment, "gradient").or_else(|| track.metadata()?.get("gradient"));
    Ok(named
        .and_then(Json::as_str)
        .map_or(Background::Plain, |name| Background::Named(name.to_owned())))
}

/// A segment without media is silence.
fn sound(
    track: &Track<'_>,
    segment: &Segment<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Option<FilmSound>, String> {
    let Some(file) = media(segment, find)? else { return Ok(None) };
    if file.format.file_type != FileType::Audio {
        return Err(format!("`{}` is no audio", file.name));
    }
    let repeat = value(segment, "repeat").and_then(Json::as_bool);
    let skip = value(segment, "skip").and_then(Json::as_f64).map_or(0, |ms| ms as u64);
    Ok(Some(FilmSound {
        path: file.path.clone(),
        start: segment.start(),
        skip: Duration::from_millis(skip),
        duration: segment.duration(),
        volume: segment.volume().unwrap_or(1.0) as f32,
        repeat: repeat.unwrap_or(track.role() == Some(TrackRole::Music)),
    }))
}

fn media(
    segment: &Segment<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Option<Arc<StoredFile>>, String> {
    let Some(id) = value(segment, "media").and_then(Json::as_str) else { return Ok(None) };
    find(id).map(Some).ok_or_else(|| format!("there is no media `{id}` in this session"))
}

fn value<'d>(segment: &Segment<'d>, key: &str) -> Option<&'d Json> {
    segment.metadata()?.get(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::library::Place;
    use crate::protocol::FileFormat;

    fn find(id: &str) -> Option<Arc<StoredFile>> {
        let format = FileFormat::of(id)?;
        let place = Place { id: id.to_owned(), path: PathBuf::from(id), format };
        Some(Arc::new(place.stored("s".into(), id)))
    }

    fn read(draft: &str) -> Result<Film, String> {
        Film::from_draft(&draft.parse().unwrap(), &RenderOutput::mp4(), find)
    }

    #[test]
    fn a_draft_written_by_hand_is_a_video() {
        let video = read(r#"{"t":[{"tt":7,"sg":[{"d":3000,"m":{"text":"Hi"}}]}]}"#).unwrap();
        assert_eq!(video.duration, Duration::from_secs(3));
        assert_eq!(video.aspect, Aspect::Landscape);
        assert_eq!(video.background, Background::Plain);
        assert_eq!(video.texts[0].text, "Hi");
        assert!(video.texts[0].is_title);
    }

    #[test]
    fn every_track_is_read() {
        let video = read(
            r#"{"t":[
            {"tt":0,"sg":[{"d":9000,"m":{"media":"a.png"}}]},
            {"tt":0,"sg":[{"d":9000,"m":{"gradient":"ocean"}}]},
            {"tt":1,"m":{"role":"voiceover"},"sg":[{"d":2000,"m":{"start":500,"media":"v.wav","skip":250}},{"d":5}]},
            {"tt":1,"m":{"role":"music","volume":35},"sg":[{"d":9000,"m":{"media":"m.mp3"}}]},
            {"tt":7,"m":{"role":"captions"},"sg":[{"d":1000,"m":{"text":"Hi"}},{"d":1000}]},
            {"tt":42,"sg":[{"d":1}]}],"m":{"aspect":"9:16"}}"#,
        )
        .unwrap();
        assert_eq!(video.aspect, Aspect::Portrait);
        assert_eq!(video.background, Background::Picture("a.png".into()));
        let [voice, music] = video.sounds.as_slice() else { panic!("{:?}", video.sounds) };
        assert_eq!(
            (voice.start, voice.skip),
            (Duration::from_millis(500), Duration::from_millis(250))
        );
        assert!(!voice.repeat && music.repeat);
        assert_eq!(music.volume, 0.35);
        assert_eq!(video.texts.len(), 1);
        assert!(!video.texts[0].is_title);
    }

    #[test]
    fn what_cannot_be_rendered_is_explained() {
        for (draft, words) in [
            (
                r#"{"t":[{"tt":1,"sg":[{"d":9,"m":{"media":"gone"}}]}]}"#,
                "track 1: there is no media `gone`",
            ),
            (r#"{"t":[{"tt":0,"sg":[{"d":9,"m":{"media":"a.mp4"}}]}]}"#, "not videos"),
            (r#"{"t":[{"tt":1,"sg":[{"d":9,"m":{"media":"a.png"}}]}]}"#, "is no audio"),
            (r#"{"t":[{"sg":[{}]}]}"#, "no length"),
            (r#"{"t":[],"d":1e15}"#, "six hours"),
        ] {
            let error = read(draft).unwrap_err();
            assert!(error.contains(words), "{draft}: {error}");
        }
    }
}
