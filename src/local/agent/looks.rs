//! Looks and sounds: the style of captions, music under speech, chapters, a recording as the
//! narration, the poster. What a phrase says of them, and what that changes. Images are in `scenes`.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::edit::{Edit, UntimedPart, narrated_with, position};
use super::phrase::{MessagePhrase, rows};
use super::speak::{self, MessageValue, Reply};
use super::words::*;
use crate::draft::{
    CaptionColor, CaptionMode, CaptionPosition, CaptionSize, CaptionStyle, Draft, Json, TrackRole,
    as_millis, set_chapters,
};
use crate::local::engine::Engine;
use crate::local::sessions::LocalSession;
use crate::protocol::FileType;

/// The fades of music that has none yet, and of a request that states no time.
const FADE_IN: Duration = Duration::from_secs(1);
const FADE_OUT: Duration = Duration::from_secs(2);

/// What changes of the style of captions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StyleChange {
    pub(crate) mode: Option<CaptionMode>,
    pub(crate) size: Option<SizeChange>,
    pub(crate) color: Option<CaptionColor>,
    pub(crate) outline: Option<CaptionColor>,
    pub(crate) position: Option<CaptionPosition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SizeChange {
    To(CaptionSize),
    Bigger,
    Smaller,
}

impl StyleChange {
    /// The changes of both; those of `later` take precedence.
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            mode: later.mode.or(self.mode),
            size: later.size.or(self.size),
            color: later.color.or(self.color),
            outline: later.outline.or(self.outline),
            position: later.position.or(self.position),
        }
    }

    pub(crate) fn of(self, style: CaptionStyle) -> CaptionStyle {
        use CaptionSize::{Large, Medium, Small};
        let size = match (self.size, style.size) {
            (None, size) => size,
            (Some(SizeChange::To(size)), _) => size,
            (Some(SizeChange::Bigger), Small) | (Some(SizeChange::Smaller), Large) => Medium,
            (Some(SizeChange::Bigger), _) => Large,
            (Some(SizeChange::Smaller), _) => Small,
        };
        let mut changed = style.size(size);
        changed.mode = self.mode.unwrap_or(style.mode);
        changed.color = self.color.unwrap_or(style.color);
        changed.outline = self.outline.unwrap_or(style.outline);
        changed.position = self.position.unwrap_or(style.position);
        changed
    }
}

/// The meaning of a phrase about looks and sounds.
impl MessagePhrase {
    /// The style that the phrase gives to captions, whether it names them or not.
    pub(crate) fn caption_style(&self) -> Option<StyleChange> {
        let is_unboxed = self.has(CAPTION_BOXED) && self.has(OFF);
        let mode = self.choice(&[
            (CaptionMode::Words, CAPTION_WORDS),
            (CaptionMode::Boxed, CAPTION_BOXED),
            (CaptionMode::Plain, CAPTION_PLAIN),
        ]);
        let size = self.choice(&[
            (SizeChange::Bigger, CAPTION_BIGGER),
            (SizeChange::Smaller, CAPTION_SMALLER),
            (SizeChange::To(CaptionSize::Large), "large big huge"),
            (SizeChange::To(CaptionSize::Small), "small tiny"),
            (SizeChange::To(CaptionSize::Medium), "medium 中号 中等"),
        ]);
        let color = self.caption_color();
        let is_outline = self.has(CAPTION_OUTLINE);
        let position = self.choice(&[
            (CaptionPosition::Top, CAPTION_TOP),
            (CaptionPosition::Bottom, CAPTION_BOTTOM),
            (CaptionPosition::Middle, CAPTION_MIDDLE),
        ]);
        let change = StyleChange {
            mode: if is_unboxed { Some(CaptionMode::Plain) } else { mode },
            size,
            color: color.filter(|_| !is_outline),
            outline: color.filter(|_| is_outline),
            position,
        };
        (change != StyleChange::default()).then_some(change)
    }

    fn caption_color(&self) -> Option<CaptionColor> {
        let hex = self.raw.split(|c: char| !c.is_ascii_alphanumeric() && c != '#');
        let hex = hex.filter(|word| word.starts_with('#')).find_map(|word| word.parse().ok());
        let mut colors = rows(COLORS);
        hex.or_else(|| colors.find(|(_, words)| self.has(words))?.0.parse().ok())
    }

    /// An edit of looks and sounds.
    pub(crate) fn look(&self) -> Option<Edit> {
        let times = self.times();
        let is_off = self.has(DO_NOT);
        if self.has(CAPTIONS)
            && let Some(style) = self.caption_style()
        {
            return Some(Edit::StyleCaptions(style));
        }
        if self.has(DUCK) && (self.has(MUSIC) || self.has(AUDIO)) {
            return Some(Edit::SetDucking(!is_off));
        }
        if self.has(FADE) && self.has(MUSIC) && self.has_moment() {
            return Some(Edit::Untimed(UntimedPart::Music));
        }
        if self.has(FADE) && self.has(MUSIC) {
            let time = |default: Duration| match (is_off, times.first()) {
                (true, _) => Duration::ZERO,
                (false, time) => time.copied().unwrap_or(default),
            };
            let is_out = self.has(FADE_OUT_WORDS);
            let is_in = self.has("淡入 渐强 fade-in") || (self.has("in") && !is_out);
            let fade_in = (is_in || (is_off && !is_out)).then(|| time(FADE_IN));
            let fade_out = (is_out || !is_in).then(|| time(FADE_OUT));
            return Some(Edit::FadeMusic { fade_in, fade_out });
        }
        if self.has(POSTER)
            && let [time] = times[..]
        {
            return Some(Edit::SetPoster(time));
        }
        if self.has(CHAPTERS) {
            let title = self.quoted.clone().filter(|title| !title.is_empty());
            return match title {
                Some(title) => {
                    Some(Edit::AddChapter { title, at: times.first().copied().unwrap_or_default() })
                }
                None => self.has(REMOVE).then_some(Edit::Remove(TrackRole::Chapters)),
            };
        }
        let image = self.file_name(FileType::Image);
        if self.has(PARAGRAPHS)
            && (image.is_some() || self.has(IMAGES))
            && let Some(paragraph) = self.ordinal().filter(|number| *number > 0)
        {
            return Some(Edit::SetScene { name: image, paragraph });
        }
        if let Some(style) = self.scene_style() {
            return Some(Edit::StyleScenes(style));
        }
        self.recording().map(Edit::SetNarration)
    }

    /// The recording that is to be the narration; its name is empty if it is not named.
    pub(crate) fn recording(&self) -> Option<String> {
        let name = self.file_name(FileType::Audio);
        let is_meant = self.has(VOICE) && self.has(AS) && !self.has(MUSIC);
        (is_meant && (name.is_some() || self.has(RECORDINGS))).then(|| name.unwrap_or_default())
    }
}

/// Changes the style of the captions, which are shown from now on.
pub(crate) fn style_captions(
    draft: &mut Draft,
    change: StyleChange,
    show: impl FnOnce(&mut Draft) -> Result<Reply, Reply>,
) -> Result<Reply, Reply> {
    let is_shown = position(draft, &TrackRole::Captions).is_some();
    if !is_shown {
        show(draft)?;
    }
    let track = position(draft, &TrackRole::Captions).ok_or(speak::NOTHING_FOR_CAPTIONS)?;
    let before = draft.tracks().nth(track).map(|track| track.caption_style()).unwrap_or_default();
    let style = change.of(before);
    if is_shown && style == before {
        return Err(speak::SAME_STYLE.into());
    }
    draft.edit().set_caption_style(track, style)?;
    Ok(speak::CAPTIONS_STYLED.with([described(style)]))
}

/// A style in words: what is not the default, or that it is plain.
fn described(style: CaptionStyle) -> MessageValue {
    let default = CaptionStyle::default();
    let color = |color: CaptionColor| match color.name() {
        Some(name) => MessageValue::term(name),
        None => color.to_string().into(),
    };
    let mut parts = vec![MessageValue::term(style.mode.as_str())];
    if style.size != default.size {
        parts.push(MessageValue::term(style.size.as_str()));
    }
    if style.color != default.color {
        parts.push(color(style.color));
    }
    if style.outline != default.outline {
        let clause = speak::OUTLINED.with([color(style.outline)]);
        parts.push(MessageValue::Clause(clause));
    }
    if style.position != default.position {
        parts.push(MessageValue::term(style.position.as_str()));
    }
    MessageValue::Series(parts)
}

fn music(draft: &Draft) -> Result<usize, Reply> {
    let missing = || speak::NO_AUDIO.with([MessageValue::term("music")]);
    position(draft, &TrackRole::Music).ok_or_else(missing)
}

pub(crate) fn set_ducking(draft: &mut Draft, duck: bool) -> Result<Reply, Reply> {
    let track = music(draft)?;
    let music = draft.tracks().nth(track).into_iter().flat_map(|track| track.segments());
    if music.map(|segment| segment.is_ducked()).all(|ducked| ducked == Some(duck)) {
        return Err(if duck { speak::DUCKED_ALREADY } else { speak::UNDUCKED_ALREADY }.into());
    }
    draft.edit().set_ducking(track, duck)?;
    Ok(if duck { speak::DUCKED } else { speak::UNDUCKED }.into())
}

pub(crate) fn fade_music(
    draft: &mut Draft,
    fade_in: Option<Duration>,
    fade_out: Option<Duration>,
) -> Result<Reply, Reply> {
    let track = music(draft)?;
    let segment = draft.tracks().nth(track).and_then(|track| track.segments().next());
    let before = segment.map(|s| (s.fade_in(), s.fade_out(), s.duration())).unwrap_or_default();
    let (fade_in, fade_out) = (fade_in.unwrap_or(before.0), fade_out.unwrap_or(before.1));
    if fade_in.saturating_add(fade_out) > before.2 {
        return Err(speak::VIDEO_SHORT.with([before.2.into()]));
    }
    draft.edit().set_fades(track, fade_in, fade_out)?;
    Ok(match (fade_in.is_zero(), fade_out.is_zero()) {
        (true, true) => speak::UNFADED.into(),
        _ => speak::FADED.with([fade_in.into(), fade_out.into()]),
    })
}

/// The ducking and the fades of new music in a video of a length.
pub(crate) fn new_music(length: Duration) -> [(&'static str, Json); 3] {
    let limited = |fade: Duration| as_millis(fade.min(length / 4)).into();
    [("duck", true.into()), ("fade_in", limited(FADE_IN)), ("fade_out", limited(FADE_OUT))]
}

pub(crate) fn set_poster(draft: &mut Draft, time: Duration) -> Result<Reply, Reply> {
    draft.edit().set_poster(time)?;
    Ok(speak::POSTER_SET.with([time.into()]))
}

pub(crate) fn add_chapter(draft: &mut Draft, title: &str, at: Duration) -> Result<Reply, Reply> {
    let length = draft.duration();
    if at >= length {
        return Err(speak::VIDEO_OVER.with([length.into()]));
    }
    draft.edit().add_chapter(title, at)?;
    Ok(speak::CHAPTER_ADDED.with([title.into(), at.into()]))
}

/// Writes the chapters of a spoken script. Those that the user has added go with the old speech.
pub(crate) fn write_chapters(draft: &mut Draft, chapters: &[(Duration, String)]) {
    let length = draft.duration();
    let within: Vec<_> = chapters.iter().filter(|(start, _)| *start < length).cloned().collect();
    set_chapters(draft, &within);
}

/// Replaces the narration by a recording of the user.
pub(crate) fn set_narration(
    draft: &mut Draft,
    session: &LocalSession,
    engine: (&dyn Engine, &CancellationToken),
    name: &str,
    script: Option<(&str, &str)>,
) -> Result<Reply, Reply> {
    let file = match name {
        "" => session.last_upload(FileType::Audio).ok_or(speak::NO_RECORDING)?,
        name => session
            .upload_named(name, FileType::Audio)
            .ok_or_else(|| speak::NO_SUCH_FILE.with([name.into()]))?,
    };
    let is_captioned = position(draft, &TrackRole::Captions).is_some();
    let is_aligned = narrated_with(draft, engine, &file, script)?.is_some();
    if !is_aligned && let Some(track) = position(draft, &TrackRole::Captions) {
        draft.edit().remove_track(track)?;
    }
    let reply = if is_captioned && !is_aligned { speak::NARRATED_ONLY } else { speak::NARRATED };
    Ok(reply.with([file.name.as_str().into()]))
}
