//! Speech and videos: the [`Engine`] trait, the description of a video as it is read from a draft,
//! and two engines: that of the `media` feature is in `media`, the other one in `placeholder`.

mod limits;
#[cfg(feature = "media")]
mod media;
mod placeholder;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use self::limits::{MAX_SEGMENTS, check_drawn, check_overlap};
use super::library::{MediaInfo, StoredFile};
use crate::draft::{
    CaptionStyle, Draft, ImageFit, ImageMotion, Json, Segment, Track, TrackKind, TrackRole,
};
use crate::language::tokens::is_han;
use crate::protocol::{
    Aspect, FileType, RenderFormat, RenderOutput, RenderQuality, RenderResolution,
};
#[cfg(feature = "media")]
pub(crate) use media::MediaEngine;
use placeholder::PLACEHOLDER_DURATION;
pub(crate) use placeholder::{PlaceholderEngine, without_images};

/// Makes speech and videos. All methods block, and those with a token end soon after it was
/// cancelled. The provided ones suit an engine that does not look into files.
pub(crate) trait Engine: Send + Sync + fmt::Debug {
    /// Returns the languages for which there are voices, as BCP-47 tags.
    fn languages(&self) -> Vec<String>;

    /// Checks that there is a voice for a language. This and [`can_draw`](Self::can_draw) are called
    /// before any work, so that none is lost.
    fn can_speak(&self, language: &str) -> Result<(), EngineError> {
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
        Err(EngineError::new("UNSUPPORTED_LANGUAGE", message))
    }

    /// Checks that a text can be drawn.
    fn can_draw(&self, _text: &str) -> Result<(), EngineError> {
        Ok(())
    }

    /// Returns the images of a script, as [`speak`](Self::speak) counts its paragraphs.
    fn scenes(&self, _script: &str, _language: &str) -> ScriptScenes {
        ScriptScenes::default()
    }

    /// Splits a sentence into captions for the time in which it is spoken.
    fn captions(&self, spoken: &CaptionedSpeech<'_>, _aspect: Aspect) -> Vec<Caption> {
        let CaptionedSpeech { text, start, duration, .. } = *spoken;
        vec![Caption { start, duration, text: text.to_owned(), words: Vec::new() }]
    }

    /// Speaks a script sentence by sentence. `new_path` returns the path of a new audio file for each.
    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        new_path: &mut dyn FnMut() -> PathBuf,
        cancel: &CancellationToken,
    ) -> Result<Vec<SpokenLine>, EngineError>;

    /// Finds out when the words of a script are spoken in a recording of it. `None` if that cannot be
    /// told: then the recording has no captions.
    fn align(
        &self,
        _script: &str,
        _language: &str,
        _recording: &StoredFile,
        _cancel: &CancellationToken,
    ) -> Result<Option<SpokenLine>, EngineError> {
        Ok(None)
    }

    /// Returns what an uploaded image or audio file says about itself; nothing for other files.
    /// What cannot be used is an error, so that it is rejected before anything is charged.
    fn probe(
        &self,
        _file: &StoredFile,
        _cancel: &CancellationToken,
    ) -> Result<MediaInfo, EngineError> {
        Ok(MediaInfo::default())
    }

    /// Renders a video to a file. `progress` is called with shares from 0 to 1.
    fn render(
        &self,
        video: &VideoPlan,
        to: &Path,
        progress: &(dyn Fn(f32) + Sync),
        cancel: &CancellationToken,
    ) -> Result<EngineOutput, EngineError>;
}

/// Why something cannot be made: a code for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct EngineError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl EngineError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn io(error: &std::io::Error) -> Self {
        Self::new("IO", error.to_string())
    }

    pub(crate) fn empty_script() -> Self {
        Self::new("EMPTY_SCRIPT", "There is nothing to say: the script has no words in it.")
    }
}

/// How a script is spoken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// A BCP-47 tag.
    pub(crate) language: String,
    pub(crate) gender: Gender,
    /// 1.0 is normal.
    pub(crate) pace: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Gender {
    #[default]
    Female,
    Male,
}

impl Gender {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// The images of a script, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScriptScenes {
    /// The names or URLs of the images, each with the number of the paragraph at which it is shown
    /// first, from 1.
    pub(crate) images: Vec<(usize, String)>,
    /// The number of paragraphs.
    pub(crate) paragraphs: usize,
}

/// One spoken sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SpokenLine {
    pub(crate) text: String,
    pub(crate) start: Duration,
    pub(crate) duration: Duration,
    /// The path of its audio, unless the engine makes none.
    pub(crate) audio: Option<PathBuf>,
    /// What is known of when words are spoken. Captions may begin there.
    pub(crate) marks: Vec<SpeechMark>,
    /// The paragraphs that begin in it: their numbers, from 1, and their times from its start.
    pub(crate) paragraphs: Vec<(usize, Duration)>,
    /// The headings that begin in it, and their times from its start.
    pub(crate) chapters: Vec<(String, Duration)>,
    /// The parts of the script that are not spoken, in this sentence or beside it.
    pub(crate) unspoken: Vec<String>,
}

impl SpokenLine {
    /// A sentence of a script, which may begin a paragraph and follow a heading.
    pub(crate) fn new(
        text: String,
        start: Duration,
        duration: Duration,
        paragraph: Option<usize>,
        heading: Option<String>,
    ) -> Self {
        Self {
            text,
            start,
            duration,
            paragraphs: paragraph.into_iter().map(|number| (number, Duration::ZERO)).collect(),
            chapters: heading.into_iter().map(|title| (title, Duration::ZERO)).collect(),
            ..Self::default()
        }
    }

    /// The sentences of one recording of this duration as one line, in which captions may begin at
    /// each of them.
    pub(crate) fn joined(sentences: impl IntoIterator<Item = Self>, duration: Duration) -> Self {
        let mut whole = Self { duration, ..Self::default() };
        for sentence in sentences {
            if needs_space(&whole.text, &sentence.text) {
                whole.text.push(' ');
            }
            let start = sentence.start;
            whole.marks.push(SpeechMark { offset: whole.text.len(), time: start });
            let paragraphs = sentence.paragraphs.into_iter();
            whole.paragraphs.extend(paragraphs.map(|(number, time)| (number, start + time)));
            let chapters = sentence.chapters.into_iter();
            whole.chapters.extend(chapters.map(|(title, time)| (title, start + time)));
            whole.text.push_str(&sentence.text);
        }
        whole
    }

    /// A recording of unknown words; `None` if its duration is unknown.
    pub(crate) fn of_recording(file: &StoredFile) -> Option<Self> {
        // An engine that does not look into files makes videos of one second.
        let duration = file.info.duration.unwrap_or(PLACEHOLDER_DURATION);
        (!duration.is_zero()).then(|| Self { duration, ..Self::default() })
    }
}

/// Whether there is a space between two sentences: not between two of Chinese or Japanese, nor after
/// one that ends with a mark of theirs, which has its own.
fn needs_space(before: &str, after: &str) -> bool {
    let is_cjk = |c: char| {
        is_han(c)
            || matches!(c, '\u{3000}'..='\u{30ff}' | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
    };
    // Quotation marks and ellipses are those of every language.
    let is_telling = |c: &char| c.is_alphanumeric() || is_cjk(*c);
    let last = before.chars().rev().find(is_telling).filter(|c| is_cjk(*c));
    let next = after.chars().find(is_telling);
    !before.is_empty() && last.is_none_or(|c| c.is_alphanumeric() && !next.is_some_and(is_cjk))
}

/// When the text of a sentence from an offset on is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpeechMark {
    /// Byte offset in the text.
    pub(crate) offset: usize,
    /// Time from the start of the sentence.
    pub(crate) time: Duration,
}

/// A spoken sentence that is to have captions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CaptionedSpeech<'s> {
    pub(crate) text: &'s str,
    pub(crate) start: Duration,
    pub(crate) duration: Duration,
    /// Where captions may begin within the sentence. The placeholder engine does not split one.
    #[cfg_attr(not(feature = "media"), expect(dead_code, reason = "only real speech has marks"))]
    pub(crate) marks: &'s [SpeechMark],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caption {
    pub(crate) start: Duration,
    pub(crate) duration: Duration,
    pub(crate) text: String,
    /// When each word is spoken: byte offsets in the text, and times from the start.
    pub(crate) words: Vec<(usize, Duration)>,
}

/// The description of a video.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VideoPlan {
    pub(crate) format: RenderFormat,
    pub(crate) quality: RenderQuality,
    /// The width and the height in pixels.
    pub(crate) size: (u32, u32),
    pub(crate) duration: Duration,
    pub(crate) background: Background,
    /// Images one after the other, where the background is not one for the whole video.
    pub(crate) scenes: Vec<PlannedScene>,
    pub(crate) audio: Vec<PlannedAudio>,
    pub(crate) texts: Vec<PlannedText>,
    /// Starts and titles.
    pub(crate) chapters: Vec<(Duration, String)>,
    /// The language of the speech, a BCP-47 tag.
    pub(crate) language: Option<String>,
    /// The moment that an image of the video shows.
    pub(crate) poster: Duration,
}

/// An image, or a palette, for a part of the video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedScene {
    pub(crate) background: Background,
    pub(crate) start: Duration,
    pub(crate) duration: Duration,
    pub(crate) fit: ImageFit,
    pub(crate) motion: ImageMotion,
    /// The cross-fade from the scene before.
    pub(crate) fade: Duration,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Background {
    /// The default of the engine.
    #[default]
    Plain,
    /// A palette by name; for an unknown one, the default of the engine.
    Named(String),
    Image(PathBuf),
}

/// Names of the palettes that the agent offers, as in `media`.
pub(crate) const PALETTES: [&str; 5] = ["dusk", "ocean", "forest", "ember", "slate"];

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlannedAudio {
    pub(crate) path: PathBuf,
    /// The name that the user gave the file, for errors.
    pub(crate) name: String,
    pub(crate) start: Duration,
    /// The part of the file's start that is left out.
    pub(crate) skip: Duration,
    pub(crate) duration: Duration,
    pub(crate) volume: f32,
    /// Whether it is repeated until its duration is over.
    pub(crate) repeat: bool,
    pub(crate) kind: AudioKind,
    /// Whether it gets quieter under speech.
    pub(crate) duck: bool,
    pub(crate) fade_in: Duration,
    pub(crate) fade_out: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioKind {
    Speech,
    Music,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedText {
    pub(crate) text: String,
    pub(crate) start: Duration,
    pub(crate) duration: Duration,
    pub(crate) is_title: bool,
    /// How a caption looks.
    pub(crate) style: CaptionStyle,
    /// When each word is spoken: byte offsets in the text, and times from the start.
    pub(crate) words: Vec<(usize, Duration)>,
}

/// A rendered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineOutput {
    pub(crate) duration: Duration,
    /// The file name, without extension.
    pub(crate) name: &'static str,
}

/// The moment that the poster of a draft shows which states none.
const DEFAULT_POSTER: Duration = Duration::from_secs(1);

/// A draft with a wrong unit must not fill the disk.
const MAX_DURATION: Duration = Duration::from_secs(6 * 60 * 60);

impl VideoPlan {
    /// Reads a draft as it was posted. The client may have changed it or written it by hand, so
    /// anything may be missing. `find` returns the session's files by their ids. The error is a
    /// sentence for people.
    pub(crate) fn from_draft(
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
        let aspect = output.aspect.or_else(|| draft.aspect()).unwrap_or_default();
        let size = frame_size(aspect, output.resolution.as_ref());
        let mut video = Self {
            format: output.format.clone(),
            quality: quality(output),
            size: size.ok_or_else(|| "this resolution cannot be rendered".to_owned())?,
            duration,
            background: Background::default(),
            scenes: Vec::new(),
            audio: Vec::new(),
            texts: Vec::new(),
            chapters: Vec::new(),
            language: draft.language().map(str::to_owned),
            // A second in, there is a caption; of a short video, the middle.
            poster: draft.poster().unwrap_or(DEFAULT_POSTER.min(duration / 2)).min(duration),
        };
        for (index, track) in draft.tracks().enumerate() {
            let failed = |error: String| format!("track {}: {error}", index + 1);
            match track.kind() {
                Some(TrackKind::Video) if video.background == Background::Plain => {
                    let scenes = scenes(&track, &find).map_err(failed)?;
                    video.background =
                        scenes.first().map(|scene| scene.background.clone()).unwrap_or_default();
                    video.scenes = match scenes.as_slice() {
                        [] => scenes,
                        [only] if !is_scene(only, track.segments().next(), duration) => Vec::new(),
                        _ => scenes,
                    };
                }
                Some(TrackKind::Audio) => {
                    for segment in track.segments() {
                        video.audio.extend(audio(&track, &segment, &find).map_err(failed)?);
                    }
                }
                Some(TrackKind::Text) if track.role() == Some(TrackRole::Chapters) => {
                    let chapters = track.segments().take(MAX_SEGMENTS);
                    video.chapters.extend(
                        chapters.filter_map(|it| Some((it.start(), it.text()?.to_owned()))),
                    );
                }
                Some(TrackKind::Text) => {
                    let style = track.caption_style();
                    let is_title = track.role() != Some(TrackRole::Captions);
                    video.texts.extend(track.segments().filter_map(|segment| {
                        let text = segment.text()?.to_owned();
                        let (start, duration) = (segment.start(), segment.duration());
                        let words = segment.words();
                        Some(PlannedText { text, start, duration, is_title, style, words })
                    }));
                }
                _ => {}
            }
        }
        let texts = video.texts.iter().map(|text| (text.start, text.duration));
        check_overlap("texts", texts.collect())?;
        check_drawn(&video.texts)?;
        // Audio without a duration plays until its end, and repeated audio until that of the video.
        let audio =
            video.audio.iter().map(|audio| match audio.repeat || audio.duration.is_zero() {
                true => (audio.start, duration),
                false => (audio.start, audio.duration),
            });
        check_overlap("audio segments", audio.collect())?;
        Ok(video)
    }
}

/// Returns the width and height of a video; `None` for a resolution that cannot be rendered.
pub(crate) fn frame_size(
    aspect: Aspect,
    resolution: Option<&RenderResolution>,
) -> Option<(u32, u32)> {
    let (width, height) = aspect.size();
    let lines = match resolution {
        None | Some(RenderResolution::P1080) => return Some((width, height)),
        Some(RenderResolution::P720) => 720,
        Some(RenderResolution::P480) => 480,
        Some(_) => return None,
    };
    // An encoder requires even sides.
    let scaled = |side: u32| (side * lines / width.min(height)).next_multiple_of(2);
    Some((scaled(width), scaled(height)))
}

/// Returns the quality of an output. A rate factor stands for the quality of about its size: the
/// encoder has these three.
fn quality(output: &RenderOutput) -> RenderQuality {
    match output.crf {
        None => output.quality.clone(),
        Some(0..=23) => RenderQuality::High,
        Some(24..=28) => RenderQuality::Medium,
        Some(_) => RenderQuality::Low,
    }
}

/// Whether a scene that is alone is more than the background of the whole video: an image with a
/// look of its own, or for a part of the video.
fn is_scene(scene: &PlannedScene, segment: Option<Segment<'_>>, length: Duration) -> bool {
    let has_look = |segment: Segment<'_>| {
        segment.fit().is_some() || segment.motion().is_some() || !segment.fade().is_zero()
    };
    let is_part = !scene.start.is_zero()
        || !scene.duration.is_zero() && scene.start.saturating_add(scene.duration) < length;
    matches!(scene.background, Background::Image(_)) && (is_part || segment.is_some_and(has_look))
}

/// The segments of a track as scenes.
fn scenes(
    track: &Track<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Vec<PlannedScene>, String> {
    if track.segments().len() > MAX_SEGMENTS {
        return Err(format!("it has more than {MAX_SEGMENTS} segments"));
    }
    let scene = |segment: Segment<'_>| {
        Ok(PlannedScene {
            background: background(track, &segment, &find)?,
            start: segment.start(),
            duration: segment.duration(),
            fit: segment.fit().unwrap_or_default(),
            motion: segment.motion().unwrap_or_default(),
            fade: segment.fade(),
        })
    };
    track.segments().map(scene).collect()
}

fn background(
    track: &Track<'_>,
    segment: &Segment<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Background, String> {
    if let Some(file) = media(segment, find)? {
        return match file.format.file_type {
            FileType::Image => Ok(Background::Image(file.path.clone())),
            _ => Err(format!(
                "`{}` cannot be the background; the embedded backend shows images, not videos",
                file.name
            )),
        };
    }
    let named = value(segment, "gradient").or_else(|| track.metadata()?.get("gradient"));
    Ok(named
        .and_then(Json::as_str)
        .map_or(Background::Plain, |name| Background::Named(name.to_owned())))
}

/// A segment without media is silence.
fn audio(
    track: &Track<'_>,
    segment: &Segment<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Option<PlannedAudio>, String> {
    let Some(file) = media(segment, find)? else { return Ok(None) };
    if file.format.file_type != FileType::Audio {
        return Err(format!("`{}` is no audio", file.name));
    }
    let repeat = value(segment, "repeat").and_then(Json::as_bool);
    let skip = value(segment, "skip").and_then(Json::as_f64).map_or(0, |ms| ms as u64);
    Ok(Some(PlannedAudio {
        path: file.path.clone(),
        name: file.name.clone(),
        start: segment.start(),
        skip: Duration::from_millis(skip),
        duration: segment.duration(),
        volume: segment.volume().unwrap_or(1.0) as f32,
        repeat: repeat.unwrap_or(track.role() == Some(TrackRole::Music)),
        kind: match track.role() {
            Some(TrackRole::Voiceover) => AudioKind::Speech,
            Some(TrackRole::Music) => AudioKind::Music,
            _ => AudioKind::Other,
        },
        duck: segment.is_ducked().unwrap_or(false),
        fade_in: segment.fade_in(),
        fade_out: segment.fade_out(),
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
    use crate::local::library::FilePath;
    use crate::protocol::FileFormat;

    fn find(id: &str) -> Option<Arc<StoredFile>> {
        let format = FileFormat::of(id)?;
        let path = FilePath { id: id.to_owned(), path: PathBuf::from(id), format };
        Some(Arc::new(path.stored("s".into(), id)))
    }

    fn read(draft: &str) -> Result<VideoPlan, String> {
        VideoPlan::from_draft(&draft.parse().unwrap(), &RenderOutput::mp4(), find)
    }

    #[test]
    fn a_draft_written_by_hand_is_a_video() {
        let video = read(r#"{"t":[{"tt":7,"sg":[{"d":3000,"m":{"text":"Hi"}}]}]}"#).unwrap();
        assert_eq!(video.duration, Duration::from_secs(3));
        assert_eq!(video.size, (1920, 1080));
        assert_eq!(video.background, Background::Plain);
        assert_eq!(video.texts[0].text, "Hi");
        assert!(video.texts[0].is_title);
    }

    #[test]
    fn a_resolution_is_that_of_the_shorter_side_and_both_are_even() {
        use RenderResolution::{P480, P720, P1080};
        for (aspect, resolution, size) in [
            (Aspect::Landscape, P1080, (1920, 1080)),
            (Aspect::Portrait, P720, (720, 1280)),
            (Aspect::Square, P720, (720, 720)),
            (Aspect::Landscape, P480, (854, 480)),
        ] {
            assert_eq!(frame_size(aspect, Some(&resolution)), Some(size), "{resolution}");
        }
        assert_eq!(frame_size(Aspect::Square, Some(&"8k".into())), None);
    }

    #[test]
    fn a_rate_factor_takes_precedence_over_the_quality() {
        let low = RenderOutput::mp4().quality(RenderQuality::Low);
        assert_eq!(quality(&low), RenderQuality::Low);
        for (crf, expected) in [
            (18, RenderQuality::High),
            (23, RenderQuality::High),
            (28, RenderQuality::Medium),
            (40, RenderQuality::Low),
        ] {
            assert_eq!(quality(&low.clone().crf(crf)), expected, "{crf}");
        }
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
        assert_eq!(video.size, (1080, 1920));
        assert_eq!(video.background, Background::Image("a.png".into()));
        let [voice, music] = video.audio.as_slice() else { panic!("{:?}", video.audio) };
        assert_eq!(
            (voice.start, voice.skip),
            (Duration::from_millis(500), Duration::from_millis(250))
        );
        assert!(!voice.repeat && music.repeat);
        assert_eq!(music.volume, 0.35);
        assert_eq!(video.texts.len(), 1);
        assert!(!video.texts[0].is_title);
    }

    #[cfg(feature = "media")]
    #[test]
    fn aligning_a_recording_ends_when_it_is_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("speech.wav");
        let samples: Vec<i16> = (0..160_000).map(|n| (n % 7000) as i16).collect();
        let audio = crate::media::AudioBuffer::new(16_000, samples);
        std::fs::write(&path, audio.to_wav()).unwrap();
        let format = FileFormat::of(&path).unwrap();
        let file = FilePath { id: "f".to_owned(), path, format }.stored("s".into(), "speech.wav");
        let engine = MediaEngine::new(None, None).unwrap();
        let cancel = CancellationToken::new();
        let script = "One sentence. And another one.";
        assert!(engine.align(script, "en-US", &file, &cancel).is_ok());
        cancel.cancel();
        let error = engine.align(script, "en-US", &file, &cancel).unwrap_err();
        assert_eq!(error.code, "CANCELLED");
    }

    #[test]
    fn sentences_are_joined_as_they_are_written() {
        for (sentences, joined) in [
            (&["One.", "Two."][..], "One. Two."),
            (&["你好。", "再见！", "好"], "你好。再见！好"),
            (&["他说：“好。”", "“走吧。”", "……然后"], "他说：“好。”“走吧。”……然后"),
            (&["こんにちは。", "さようなら。"], "こんにちは。さようなら。"),
            (&["안녕하세요.", "반갑습니다."], "안녕하세요. 반갑습니다."),
            (&["你好。", "Hello there.", "再见", "2024 年。"], "你好。Hello there. 再见 2024 年。"),
            (&["“One.”", "Two"], "“One.” Two"),
            (&["…", "…"], "… …"),
        ] {
            let line =
                |text: &&str| SpokenLine { text: (*text).to_owned(), ..SpokenLine::default() };
            let whole = SpokenLine::joined(sentences.iter().map(line), Duration::ZERO);
            assert_eq!(whole.text, joined);
            for (mark, sentence) in whole.marks.iter().zip(sentences) {
                assert!(whole.text[mark.offset..].starts_with(sentence), "{joined}");
            }
        }
    }

    #[test]
    fn an_image_alone_is_a_scene_if_it_looks_or_lasts_otherwise_than_a_background() {
        let scenes = |segment: &str| {
            let draft = format!(r#"{{"t":[{{"tt":0,"sg":[{segment}]}}],"d":9000}}"#);
            let video = read(&draft).unwrap();
            let is_image = video.background == Background::Image("a.png".into());
            (is_image, video.scenes.len())
        };
        for (segment, expected) in [
            (r#"{"d":9000,"m":{"media":"a.png"}}"#, (true, 0)),
            (r#"{"m":{"media":"a.png"}}"#, (true, 0)),
            (r#"{"d":9000,"m":{"media":"a.png","fit":"contain"}}"#, (true, 1)),
            (
                r#"{"d":9000,"m":{"media":"a.png","fit":"cover","motion":"zoom","fade":500}}"#,
                (true, 1),
            ),
            (r#"{"d":9000,"m":{"media":"a.png","motion":"none"}}"#, (true, 1)),
            (r#"{"d":9000,"m":{"media":"a.png","fade":10}}"#, (true, 1)),
            (r#"{"d":8000,"m":{"media":"a.png"}}"#, (true, 1)),
            (r#"{"d":9000,"m":{"media":"a.png","start":10}}"#, (true, 1)),
            (r#"{"d":8000,"m":{"gradient":"ocean","fade":10}}"#, (false, 0)),
            (r#"{"d":4000,"m":{"gradient":"ocean"}},{"d":5000,"m":{"media":"a.png"}}"#, (false, 2)),
        ] {
            assert_eq!(scenes(segment), expected, "{segment}");
        }
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
