//! Edits and their effect on a draft. Existing segments are changed through `Draft::edit()`, which
//! checks each step; tracks that the agent makes itself are written here. New speech is left to
//! `turn`, which prices it separately.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::looks::{self, StyleChange};
use super::phrase::TITLE_TIME;
use super::scenes::{self, SceneStyle};
use super::speak::{self, MessageValue, Reply};
use super::turn::TAIL;
use crate::draft::{
    Draft, EditError, Json, MARKS, PARAGRAPHS, SENTENCES, Segment, SegmentMut, Track, TrackKind,
    TrackMut, TrackRole, WORDS, as_millis,
};
use crate::local::engine::{Caption, CaptionedSpeech, Engine, Gender, SpeechMark, SpokenLine};
use crate::local::library::StoredFile;
use crate::local::sessions::LocalSession;
use crate::protocol::{Aspect, FileType};

/// Music plays below a voice.
const MUSIC_VOLUME: f64 = 0.2;
/// A shorter caption cannot be read.
const MIN_CAPTION: Duration = Duration::from_millis(834);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Edit {
    AddTitle {
        text: String,
        from: Duration,
        to: Duration,
    },
    ChangeTitle(String),
    /// When the title is shown, as far as it changes.
    TimeTitle {
        from: Option<Duration>,
        length: Option<Duration>,
    },
    SetCaptions(bool),
    StyleCaptions(StyleChange),
    /// An uploaded file by its name, or else the last one, and its volume if one is stated.
    AddMusic {
        name: Option<String>,
        volume: Option<f64>,
    },
    SetDucking(bool),
    /// The fades of the music at its start and its end, as far as they change.
    FadeMusic {
        fade_in: Option<Duration>,
        fade_out: Option<Duration>,
    },
    SetVolume {
        of: AudioTarget,
        change: Adjustment<f64>,
    },
    TrimTo(Duration),
    CutStart(Duration),
    CutEnd(Duration),
    /// The number of a track in the timeline, from 1.
    RemoveTrack(usize),
    Remove(TrackRole),
    SetAspect(Aspect),
    /// An uploaded image, by its name or else the last one, as the background.
    SetImage(Option<String>),
    /// A palette by name as the background.
    SetPalette(String),
    /// An uploaded image, by its name or else the last one, while a paragraph is spoken.
    SetScene {
        name: Option<String>,
        /// From 1.
        paragraph: usize,
    },
    StyleScenes(SceneStyle),
    AddChapter {
        title: String,
        at: Duration,
    },
    SetPoster(Duration),
    /// An uploaded recording as the narration; without a name, the last one.
    SetNarration(String),
    ChangeVoice(VoiceChange),
    /// An edit by a number below zero, which none of the others accepts.
    Negative(String),
    /// A time for a part of the video that has none of its own.
    Untimed(UntimedPart),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UntimedPart {
    Music,
    Captions,
    Images,
    Speech,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioTarget {
    Voiceover,
    Music,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Adjustment<T> {
    To(T),
    /// By a factor.
    By(T),
}

/// The script spoken again in another way.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VoiceChange {
    pub(crate) gender: Option<Gender>,
    pub(crate) language: Option<String>,
    pub(crate) pace: Option<Adjustment<f32>>,
}

/// A spoken sentence with the id of its audio.
#[derive(Clone, Debug)]
pub(crate) struct NarratedSentence {
    pub(crate) text: String,
    pub(crate) start: Duration,
    pub(crate) duration: Duration,
    pub(crate) media: Option<String>,
    pub(crate) marks: Vec<SpeechMark>,
    pub(crate) paragraphs: Vec<(usize, Duration)>,
    /// What of the script is not spoken, in this sentence or beside it.
    pub(crate) unspoken: Vec<String>,
}

impl Edit {
    /// Applies the edit and describes it. On an error, the draft is unchanged and nothing is charged.
    pub(crate) fn apply(
        &self,
        draft: &mut Draft,
        session: &LocalSession,
        engine: &dyn Engine,
        cancel: &CancellationToken,
    ) -> Result<Reply, Reply> {
        let length = draft.duration();
        let can_draw =
            |text: &str| engine.can_draw(text).map_err(|failure| Reply::failed(&failure));
        let too_short = || speak::VIDEO_SHORT.with([length.into()]);
        match self {
            Self::AddTitle { text, from, to } => {
                let to = (*to).min(length);
                if *from >= to {
                    return Err(speak::VIDEO_OVER.with([length.into()]));
                }
                can_draw(text)?;
                draft.edit().add_title(text, *from, to - *from)?;
                Ok(speak::TITLE_ADDED.with([text.as_str().into(), (*from).into(), to.into()]))
            }
            Self::ChangeTitle(text) => {
                can_draw(text)?;
                if let Some(track) = title(draft) {
                    draft.edit().set_text(track, 0, text)?;
                    return Ok(speak::TITLE_CHANGED.with([text.as_str().into()]));
                }
                draft.edit().add_title(text, Duration::ZERO, TITLE_TIME.min(length))?;
                Ok(speak::TITLE_MISSING.with([text.as_str().into()]))
            }
            Self::TimeTitle { from, length: shown } => {
                let none = || speak::NONE_OF.with([MessageValue::term(TrackRole::Title.as_str())]);
                let track = title(draft).ok_or_else(none)?;
                let before = draft.tracks().nth(track).and_then(|track| track.segments().next());
                let before = before.map(|title| (title.start(), title.duration()));
                let before = before.unwrap_or_default();
                let start = from.unwrap_or(before.0);
                if start >= length {
                    return Err(speak::VIDEO_OVER.with([length.into()]));
                }
                let end = start.saturating_add(shown.unwrap_or(before.1));
                let shown = end.min(length) - start;
                draft.edit().set_times(track, 0, start, shown)?;
                let reply = speak::TITLE_TIMED.with([start.into(), end.min(length).into()]);
                Ok(reply.followed_by((end > length).then(too_short)))
            }
            Self::SetCaptions(true) => {
                let captions = captions(draft, engine);
                if captions.is_empty() {
                    return Err(speak::NOTHING_FOR_CAPTIONS.into());
                }
                can_draw(&captions.iter().map(|c| c.text.as_str()).collect::<String>())?;
                set_captions(draft, &captions);
                Ok(speak::CAPTIONS_ON.into())
            }
            Self::SetCaptions(false) => {
                remove(draft, &TrackRole::Captions)?;
                Ok(speak::CAPTIONS_OFF.into())
            }
            Self::StyleCaptions(change) => looks::style_captions(draft, *change, |draft| {
                Self::SetCaptions(true).apply(draft, session, engine, cancel)
            }),
            Self::SetDucking(duck) => looks::set_ducking(draft, *duck),
            Self::FadeMusic { fade_in, fade_out } => looks::fade_music(draft, *fade_in, *fade_out),
            Self::SetScene { name, paragraph } => {
                scenes::set_scene(draft, session, name.as_deref(), *paragraph)
            }
            Self::StyleScenes(style) => scenes::style_scenes(draft, *style),
            Self::AddChapter { title, at } => looks::add_chapter(draft, title, *at),
            Self::SetPoster(time) => looks::set_poster(draft, *time),
            Self::SetNarration(name) => {
                let spoken = session.work().spoken;
                let script = spoken.as_ref().map(|it| (&*it.script, &*it.delivery.language));
                looks::set_narration(draft, session, (engine, cancel), name, script)
            }
            Self::AddMusic { name, volume } => {
                let file = upload(session, name.as_deref(), FileType::Audio, speak::NO_MUSIC)?;
                set_music(draft, &file);
                let Some(volume) = volume.map(|volume| volume.clamp(0.0, 1.0)) else {
                    return Ok(speak::MUSIC_PLAYS.with([file.name.as_str().into()]));
                };
                let track = position(draft, &TrackRole::Music).ok_or(speak::NO_MUSIC)?;
                draft.edit().set_track_volume(track, volume)?;
                let volume = MessageValue::Percent(volume);
                Ok(speak::MUSIC_PLAYS_AT.with([file.name.as_str().into(), volume]))
            }
            Self::SetVolume { of, change } => set_volume(draft, *of, *change),
            Self::Negative(number) => Err(speak::NEGATIVE.with([number.as_str().into()])),
            Self::Untimed(part) => Err(match part {
                UntimedPart::Music => speak::NO_TIME_OF_MUSIC,
                UntimedPart::Captions => speak::NO_TIME_OF_CAPTIONS,
                UntimedPart::Images => speak::NO_TIME_OF_IMAGES,
                UntimedPart::Speech => speak::NO_TIME_OF_SPEECH,
            }
            .into()),
            Self::TrimTo(Duration::ZERO) => Err(speak::NOTHING_LEFT.into()),
            Self::TrimTo(time) | Self::CutEnd(time) | Self::CutStart(time) if *time >= length => {
                Err(too_short())
            }
            Self::TrimTo(time) => {
                draft.edit().trim_to(*time)?;
                Ok(speak::ENDS_AFTER.with([(*time).into()]))
            }
            Self::CutEnd(time) => {
                draft.edit().trim_to(length - *time)?;
                Ok(speak::END_CUT.with([(*time).into(), (length - *time).into()]))
            }
            Self::CutStart(time) => {
                draft.edit().cut(Duration::ZERO..*time)?;
                Ok(speak::START_CUT.with([(*time).into(), (length - *time).into()]))
            }
            Self::RemoveTrack(number) => {
                let tracks = draft.tracks().len();
                let missing = || speak::NO_TRACK.with([(*number).into(), tracks.into()]);
                let index = number.checked_sub(1).filter(|index| *index < tracks);
                draft.edit().remove_track(index.ok_or_else(missing)?)?;
                Ok(speak::TRACK_REMOVED.with([(*number).into()]))
            }
            Self::Remove(role) => {
                remove(draft, role)?;
                Ok(speak::REMOVED.with([MessageValue::term(role.as_str())]))
            }
            Self::SetAspect(aspect) => {
                draft.edit().set_aspect(*aspect)?;
                if has(draft, &TrackRole::Captions) {
                    let captions = captions(draft, engine);
                    set_captions(draft, &captions);
                }
                Ok(speak::ASPECT_CHANGED.with([MessageValue::term(aspect.ratio())]))
            }
            Self::SetImage(name) => {
                let file = upload(session, name.as_deref(), FileType::Image, speak::NO_IMAGE)?;
                set_image(draft, &file);
                Ok(speak::IMAGE_SHOWN.with([file.name.as_str().into()]))
            }
            Self::SetPalette(name) => {
                set_palette(draft, name);
                Ok(speak::PALETTE_SHOWN.with([MessageValue::term(name)]))
            }
            Self::ChangeVoice(_) => Err(speak::SPEAK_AGAIN_FIRST.into()),
        }
    }
}

/// The index of the first track of titles that has any.
fn title(draft: &Draft) -> Option<usize> {
    let is_title =
        |track: &Track<'_>| track.role() == Some(TrackRole::Title) && track.segments().len() > 0;
    draft.tracks().position(|track| is_title(&track))
}

/// The uploaded file of a name, or else the last one of a type. Without any, the reply is `missing`.
fn upload(
    session: &LocalSession,
    name: Option<&str>,
    file_type: FileType,
    missing: speak::Template,
) -> Result<Arc<StoredFile>, Reply> {
    match name {
        None => session.last_upload(file_type).ok_or_else(|| missing.into()),
        Some(name) => session
            .upload_named(name, file_type)
            .ok_or_else(|| speak::NO_SUCH_FILE.with([name.into()])),
    }
}

impl From<EditError> for Reply {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NothingLeft | EditError::NoLength => speak::NOTHING_LEFT.into(),
            EditError::PastEnd { length, .. } => speak::VIDEO_OVER.with([length.into()]),
            other => speak::EDIT_FAILED.with([other.to_string().into()]),
        }
    }
}

/// Captions for what is spoken in a draft.
pub(crate) fn captions(draft: &Draft, engine: &dyn Engine) -> Vec<Caption> {
    /// A caption that ends just before the next one flickers.
    const LINGER: Duration = Duration::from_millis(750);
    let aspect = draft.aspect().unwrap_or_default();
    let voices = draft.tracks().filter(|track| track.role() == Some(TrackRole::Voiceover));
    let mut captions: Vec<Caption> = voices
        .flat_map(|track| track.segments())
        .flat_map(|segment| captions_of(&segment, engine, aspect))
        .collect();
    let starts: Vec<Duration> = captions.iter().skip(1).map(|caption| caption.start).collect();
    for (caption, next) in captions.iter_mut().zip(starts) {
        let until_next = next.saturating_sub(caption.start);
        // Where two voices overlap, a caption keeps its own time.
        if until_next > caption.duration {
            caption.duration = until_next.min(caption.duration + LINGER);
        }
    }
    if let Some(last) = captions.last_mut() {
        let until_end = draft.duration().saturating_sub(last.start);
        last.duration = last.duration.max(until_end.min(MIN_CAPTION));
    }
    captions
}

/// Captions for what is spoken in a segment, of which none shows parts of two sentences.
fn captions_of(segment: &Segment<'_>, engine: &dyn Engine, aspect: Aspect) -> Vec<Caption> {
    let Some(text) = segment.text() else { return Vec::new() };
    let (start, duration) = (segment.start(), segment.duration());
    let has_sentences = segment.metadata().and_then(|metadata| metadata.get(SENTENCES[0]));
    if has_sentences.and_then(Json::as_bool) != Some(true) {
        let marks = marks(segment);
        let spoken = CaptionedSpeech { text, start, duration, marks: &marks };
        return engine.captions(&spoken, aspect);
    }
    // Also where those begin that a cut took away: they are the ends of the others.
    let begun = segment.all_timed_offsets(MARKS);
    let ends = begun.iter().copied().skip(1).chain([(text.len(), duration)]);
    let captions = begun.iter().zip(ends).filter_map(|(&(from, begin), (end, until))| {
        let text = text.get(from..end)?.trim_end();
        // One that was cut off has none.
        let duration = until.min(duration).saturating_sub(begin);
        if duration.is_zero() {
            return None;
        }
        let start = start.saturating_add(begin);
        Some(engine.captions(&CaptionedSpeech { text, start, duration, marks: &[] }, aspect))
    });
    captions.flatten().collect()
}

/// The times at which captions of a segment may begin, as [`set_voiceover`] writes them.
fn marks(segment: &Segment<'_>) -> Vec<SpeechMark> {
    let marks = segment.timed_offsets(MARKS).into_iter();
    marks.map(|(offset, time)| SpeechMark { offset, time }).collect()
}

/// The paragraphs of what is spoken in a draft: their numbers, and when they begin, in order.
pub(crate) fn paragraphs(draft: &Draft) -> Vec<(usize, Duration)> {
    let voices = draft.tracks().filter(|track| track.role() == Some(TrackRole::Voiceover));
    let mut found: Vec<(usize, Duration)> = Vec::new();
    for segment in voices.flat_map(|track| track.segments()) {
        let of = |key: &str| segment.metadata().and_then(|metadata| metadata.get(key));
        let skip = of("skip").and_then(Json::as_f64).unwrap_or_default();
        let read = |pair: &Json| {
            let [number, time] = pair.as_array()? else { return None };
            Some((number.as_f64()? as usize, time.as_f64()? - skip))
        };
        let pairs = of(PARAGRAPHS[0]).and_then(Json::as_array).into_iter().flatten();
        let begun: Vec<(usize, f64)> = pairs.filter_map(read).collect();
        // A cut leaves the whole list on each side of it. Of those that began before the segment, the
        // last one goes on; those after its end are not spoken.
        let before = begun.iter().rposition(|(_, time)| *time <= 0.0).filter(|_| skip > 0.0);
        for (number, time) in begun.into_iter().skip(before.unwrap_or_default()) {
            if let Ok(time) = Duration::try_from_secs_f64(time.max(0.0) / 1000.0)
                && (segment.duration().is_zero() || time < segment.duration())
                && found.last().is_none_or(|(last, _)| *last != number)
            {
                found.push((number, segment.start().saturating_add(time)));
            }
        }
    }
    found
}

/// Replaces the narration by a recording, which is aligned with the script if the engine can do
/// that. Returns the number of sentences that it found; without any, the video has no captions.
pub(crate) fn narrated_with(
    draft: &mut Draft,
    (engine, cancel): (&dyn Engine, &CancellationToken),
    file: &StoredFile,
    script: Option<(&str, &str)>,
) -> Result<Option<usize>, Reply> {
    let failed = |failure| Reply::failed(&failure);
    let aligned = match script {
        Some((script, language)) => engine.align(script, language, file, cancel).map_err(failed)?,
        None => None,
    };
    // A mark at the start of each.
    let sentences = aligned.as_ref().map(|line| line.marks.len());
    let line = match aligned {
        Some(line) => line,
        None => SpokenLine::of_recording(file).ok_or(speak::NO_RECORDING)?,
    };
    let chapters = line.chapters.into_iter().map(|(title, time)| (time, title));
    let chapters: Vec<(Duration, String)> = chapters.collect();
    let sentence = NarratedSentence {
        text: line.text,
        start: Duration::ZERO,
        duration: line.duration,
        media: Some(file.id.clone()),
        marks: line.marks,
        paragraphs: line.paragraphs,
        unspoken: Vec::new(),
    };
    let length = sentence.duration + TAIL;
    set_voiceover(draft, &[sentence]);
    if let Some(at) = position(draft, &TrackRole::Voiceover)
        && let Some(mut track) = draft.track_mut(at)
    {
        track.set_metadata("name", file.name.as_str());
        if sentences.is_some()
            && let Some(mut segment) = track.segment_mut(0)
        {
            segment.set_metadata(SENTENCES[0], true);
        }
    }
    set_length(draft, length);
    looks::write_chapters(draft, &chapters);
    scenes::lay_out_scenes(draft, Vec::new());
    if sentences.is_some() && has(draft, &TrackRole::Captions) {
        let captions = captions(draft, engine);
        set_captions(draft, &captions);
    }
    Ok(sentences)
}

fn remove(draft: &mut Draft, role: &TrackRole) -> Result<(), Reply> {
    if !has(draft, role) {
        return Err(speak::NONE_OF.with([MessageValue::term(role.as_str())]));
    }
    loop {
        let Some(track) = position(draft, role) else { return Ok(()) };
        draft.edit().remove_track(track)?;
    }
}

fn set_volume(draft: &mut Draft, of: AudioTarget, change: Adjustment<f64>) -> Result<Reply, Reply> {
    let role = match of {
        AudioTarget::Music => Some(TrackRole::Music),
        AudioTarget::Voiceover => Some(TrackRole::Voiceover),
        AudioTarget::All => None,
    };
    let audio = draft.tracks().enumerate().filter(|(_, track)| {
        track.kind() == Some(TrackKind::Audio) && (role.is_none() || track.role() == role)
    });
    let volumes: Vec<(usize, f64)> = audio
        .filter_map(|(index, track)| {
            Some((index, track.segments().next()?.volume().unwrap_or(1.0)))
        })
        .collect();
    let mut is_changed = false;
    for (track, before) in &volumes {
        let asked = match change {
            Adjustment::To(volume) => volume,
            Adjustment::By(factor) => before * factor,
        };
        // Two decimal places are what the ear and the summary distinguish.
        let volume = (asked.clamp(0.0, 1.0) * 100.0).round() / 100.0;
        if volume != *before {
            draft.edit().set_track_volume(*track, volume)?;
            is_changed = true;
        }
    }
    let loudest = volumes.iter().map(|(_, volume)| *volume).reduce(f64::max);
    let target = MessageValue::term(role.as_ref().map_or("audio", TrackRole::as_str));
    let Some(loudest) = loudest else { return Err(speak::NO_AUDIO.with([target])) };
    match change {
        Adjustment::To(asked) if is_changed && asked > 1.0 => {
            Ok(speak::FULL_VOLUME.with([target, MessageValue::Percent(asked)]))
        }
        Adjustment::To(0.0) if is_changed => Ok(speak::MUTED.with([target])),
        Adjustment::To(asked) if is_changed => {
            Ok(speak::VOLUME_SET.with([target, MessageValue::Percent(asked)]))
        }
        Adjustment::By(factor) if is_changed => {
            Ok(if factor > 1.0 { speak::LOUDER } else { speak::QUIETER }.with([target]))
        }
        Adjustment::To(0.0) => Err(speak::MUTED_ALREADY.with([target])),
        Adjustment::By(_) if loudest == 0.0 => Err(speak::SILENT_ALREADY.with([target])),
        Adjustment::To(above) | Adjustment::By(above) if above > 1.0 => {
            Err(speak::FULL_VOLUME_ALREADY.with([target]))
        }
        _ => Err(speak::SAME_VOLUME.with([target, MessageValue::Percent(loudest)])),
    }
}

pub(crate) fn has(draft: &Draft, role: &TrackRole) -> bool {
    position(draft, role).is_some()
}

/// The index of the first track of a role.
pub(crate) fn position(draft: &Draft, role: &TrackRole) -> Option<usize> {
    draft.tracks().position(|track| track.role().as_ref() == Some(role))
}

/// Empties the first track of a role, or appends such a track.
fn emptied<'d>(draft: &'d mut Draft, kind: TrackKind, role: &TrackRole) -> TrackMut<'d> {
    let index = position(draft, role).unwrap_or_else(|| {
        draft.push_track(kind).set_metadata("role", role.as_str());
        draft.tracks().len() - 1
    });
    let mut track = draft.track_mut(index).expect("the track was found or appended above");
    track.retain_segments(|_| false);
    track
}

/// Replaces a track by a single segment that lasts for the whole video.
fn fill(draft: &mut Draft, kind: TrackKind, role: &TrackRole, name: &str, values: &[(&str, Json)]) {
    let length = draft.duration();
    let mut track = emptied(draft, kind, role);
    track.set_metadata("name", name);
    let mut segment = track.push_segment(length);
    segment.set_metadata("start", 0).set_metadata("name", name);
    for (key, value) in values {
        segment.set_metadata(key, value.clone());
    }
}

pub(crate) fn set_voiceover(draft: &mut Draft, sentences: &[NarratedSentence]) {
    // A new voice is as loud as the one before.
    let voice = position(draft, &TrackRole::Voiceover).and_then(|at| draft.tracks().nth(at));
    let volume = voice.and_then(|track| track.segments().next()?.volume()).unwrap_or(1.0);
    let mut track = emptied(draft, TrackKind::Audio, &TrackRole::Voiceover);
    track.set_metadata("name", "Voiceover");
    for sentence in sentences {
        let mut segment = track.push_segment(sentence.duration);
        segment.set_metadata("start", as_millis(sentence.start));
        if !sentence.text.is_empty() {
            segment.set_metadata("text", sentence.text.as_str());
        }
        if let Some(media) = &sentence.media {
            segment.set_metadata("media", media.as_str());
        }
        segment.set_metadata("volume", volume);
        let marks = sentence.marks.iter().map(|mark| (mark.offset, mark.time));
        set_times(&mut segment, MARKS[0], &sentence.text, marks);
        let paragraphs = sentence.paragraphs.iter();
        let paragraphs: Vec<Json> =
            paragraphs.map(|(number, time)| pair(*number as u64, *time)).collect();
        if !paragraphs.is_empty() {
            segment.set_metadata(PARAGRAPHS[0], paragraphs);
        }
    }
}

fn pair(first: u64, time: Duration) -> Json {
    vec![Json::from(first), as_millis(time).into()].into()
}

/// Writes when the text from each byte offset on is spoken, if there is any. Drafts count characters.
fn set_times(
    segment: &mut SegmentMut<'_>,
    key: &str,
    text: &str,
    times: impl Iterator<Item = (usize, Duration)>,
) {
    let (mut at, mut character) = (0, 0);
    let pairs = times.filter_map(|(offset, time)| {
        // In order, as they are spoken.
        character += text.get(at..offset)?.chars().count() as u64;
        at = offset;
        Some(pair(character, time))
    });
    let pairs: Vec<Json> = pairs.collect();
    if !pairs.is_empty() {
        segment.set_metadata(key, pairs);
    }
}

pub(crate) fn set_captions(draft: &mut Draft, captions: &[Caption]) {
    let mut track = emptied(draft, TrackKind::Text, &TrackRole::Captions);
    for caption in captions {
        let mut segment = track.push_segment(caption.duration);
        segment.set_metadata("start", as_millis(caption.start));
        segment.set_metadata("text", caption.text.as_str());
        set_times(&mut segment, WORDS[0], &caption.text, caption.words.iter().copied());
    }
}

pub(crate) fn set_music(draft: &mut Draft, file: &StoredFile) {
    let values = [
        ("media", file.id.as_str().into()),
        ("volume", MUSIC_VOLUME.into()),
        ("repeat", true.into()),
    ];
    let values: Vec<(&str, Json)> =
        values.into_iter().chain(looks::new_music(draft.duration())).collect();
    fill(draft, TrackKind::Audio, &TrackRole::Music, &file.name, &values);
}

pub(crate) fn set_image(draft: &mut Draft, file: &StoredFile) {
    let values = [("media", file.id.as_str().into())];
    fill(draft, TrackKind::Video, &TrackRole::Background, &file.name, &values);
}

pub(crate) fn set_palette(draft: &mut Draft, palette: &str) {
    let mut name = format!("{palette} gradient");
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let values = [("gradient", palette.into())];
    fill(draft, TrackKind::Video, &TrackRole::Background, &name, &values);
}

/// Sets the duration of the video and of the tracks that fill it.
pub(crate) fn set_length(draft: &mut Draft, length: Duration) {
    draft.set_duration(length);
    for mut track in draft.tracks_mut() {
        let role = track.as_track().role();
        if matches!(role, Some(TrackRole::Background | TrackRole::Music))
            && let Some(mut segment) = track.segment_mut(0)
        {
            segment.set_duration(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::engine::PlaceholderEngine;

    /// A recording of three sentences of ten seconds, each a paragraph.
    fn recorded() -> Draft {
        let text = "One \u{1f388}. Two \u{1f388}\u{1f388}. Three.";
        let at = |word: &str| text.find(word).unwrap();
        let seconds = Duration::from_secs;
        let mark = |offset, time| SpeechMark { offset, time: seconds(time) };
        let mut draft = Draft::new();
        draft.set_duration(seconds(30));
        set_palette(&mut draft, "dusk");
        let recording = NarratedSentence {
            text: text.to_owned(),
            start: Duration::ZERO,
            duration: seconds(30),
            media: Some("a.mp3".to_owned()),
            marks: vec![mark(0, 0), mark(at("Two"), 10), mark(at("Three"), 20)],
            paragraphs: vec![(1, seconds(0)), (2, seconds(10)), (3, seconds(20))],
            unspoken: Vec::new(),
        };
        set_voiceover(&mut draft, &[recording]);
        let voice = position(&draft, &TrackRole::Voiceover).unwrap();
        let mut track = draft.track_mut(voice).unwrap();
        track.segment_mut(0).unwrap().set_metadata(SENTENCES[0], true);
        draft
    }

    /// The captions and the paragraphs of a draft, with the seconds at which they begin.
    fn spoken(draft: &Draft) -> (Vec<String>, Vec<(usize, u64)>) {
        let captions = captions(draft, &PlaceholderEngine).into_iter();
        let captions = captions.map(|it| format!("{} {}", it.start.as_secs(), it.text));
        let paragraphs = paragraphs(draft).into_iter();
        (captions.collect(), paragraphs.map(|(number, time)| (number, time.as_secs())).collect())
    }

    #[test]
    fn a_cut_recording_has_the_captions_and_paragraphs_that_are_spoken() {
        let seconds = Duration::from_secs;
        let (one, two, three) = ("One \u{1f388}.", "Two \u{1f388}\u{1f388}.", "Three.");
        let line = |at: u64, text: &str| format!("{at} {text}");
        let whole = vec![line(0, one), line(10, two), line(20, three)];
        assert_eq!(spoken(&recorded()), (whole, vec![(1, 0), (2, 10), (3, 20)]));
        for (cut, captions, paragraphs) in [
            (
                5..15,
                vec![line(0, one), line(5, two), line(10, three)],
                vec![(1, 0), (2, 5), (3, 10)],
            ),
            (
                3..6,
                vec![line(0, one), line(3, one), line(7, two), line(17, three)],
                vec![(1, 0), (2, 7), (3, 17)],
            ),
            (0..12, vec![line(0, two), line(8, three)], vec![(2, 0), (3, 8)]),
            (4..30, vec![line(0, one)], vec![(1, 0)]),
        ] {
            let mut draft = recorded();
            draft.edit().cut(seconds(cut.start)..seconds(cut.end)).unwrap();
            assert_eq!(spoken(&draft), (captions, paragraphs), "{cut:?}");
        }
    }
}
