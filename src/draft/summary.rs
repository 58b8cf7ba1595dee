//! The timeline in one line, and the phrases that describe a draft to people. A draft rarely states
//! outright what a track is, so some of it is a guess: [`TrackLabel`] guesses, while
//! [`Track::role`] does not.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

use super::json::ParseError;
use super::model::{Draft, Track, TrackKind, TrackRole};

/// Number of segments of a track that are named; the others are counted.
const MAX_NAMED: usize = 3;
/// Number of tracks that are described; the others are counted.
const MAX_TRACKS: usize = 50;
/// Number of characters of a name or a text that are shown.
const MAX_CHARS: usize = 60;

impl Draft {
    /// Returns the timeline in one line, for people; tracks beyond fifty are counted:
    /// `Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams" (0-3s)`
    #[must_use]
    pub fn summary(&self) -> String {
        let count = self.tracks().len();
        let plural = if count == 1 { "" } else { "s" };
        let colon = if count == 0 { "" } else { ":" };
        let mut line = format!("Timeline ({count} track{plural}){colon}");
        for (at, track) in self.tracks().enumerate().take(MAX_TRACKS) {
            // Writing to a `String` never fails.
            let _ = write!(line, " {}. {}", at + 1, describe(track));
        }
        if count > MAX_TRACKS {
            let _ = write!(line, " … and {} more", count - MAX_TRACKS);
        }
        line
    }
}

fn describe(track: Track<'_>) -> String {
    let label = TrackLabel::of(track);
    let mut out = label.name();
    let content = content(track, label);
    if !content.is_empty() {
        let _ = write!(out, ": {content}");
    }
    let Some(start) = track.segments().map(|s| s.start()).min() else {
        return out + " (empty)";
    };
    let _ = write!(out, " ({}-{}s", seconds(start), seconds(track.end()));
    if let Some(volume) = volume(track, label) {
        let _ = write!(out, ", {volume}");
    }
    out + ")"
}

/// What a track is called in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TrackLabel {
    Video,
    Voiceover,
    Music,
    Audio,
    Captions,
    Title,
    Chapters,
    Text,
    /// An undocumented track type.
    Type(i64),
    /// No track type is stated.
    Unknown,
}

impl From<TrackKind> for TrackLabel {
    fn from(kind: TrackKind) -> Self {
        match kind {
            TrackKind::Video => Self::Video,
            TrackKind::Audio => Self::Audio,
            TrackKind::Text => Self::Text,
            TrackKind::Unknown(number) => Self::Type(number),
        }
    }
}

impl TrackLabel {
    /// Names the track in a [`Draft::summary`].
    fn name(self) -> String {
        match self {
            Self::Music => "BGM".to_owned(),
            Self::Unknown => "Track of unknown type".to_owned(),
            label => Language::English.track_name(label),
        }
    }

    /// Returns the names of a track and of one segment, each in English and Chinese.
    fn names(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Video => ("Video", "视频", "Video clip", "视频片段"),
            Self::Voiceover => ("Voiceover", "旁白", "Voiceover sentence", "旁白句子"),
            Self::Music => ("Music", "音乐", "Music clip", "音乐片段"),
            Self::Audio => ("Audio", "音频", "Audio clip", "音频片段"),
            Self::Captions => ("Captions", "字幕", "Caption", "字幕"),
            Self::Title => ("Title", "标题", "Title", "标题"),
            Self::Chapters => ("Chapters", "章节", "Chapter", "章节"),
            Self::Text => ("Text", "文字", "Text", "文字"),
            Self::Type(_) | Self::Unknown => ("Track", "轨道", "Segment", "片段"),
        }
    }

    pub(crate) fn of(track: Track<'_>) -> Self {
        match track.kind() {
            Some(TrackKind::Video) => Self::Video,
            Some(TrackKind::Audio) => match track.role() {
                Some(TrackRole::Voiceover) => Self::Voiceover,
                Some(TrackRole::Music | TrackRole::Background) => Self::Music,
                Some(_) => Self::Audio,
                None => Self::guess_audio(track),
            },
            Some(TrackKind::Text) => match track.role() {
                Some(TrackRole::Captions) => Self::Captions,
                Some(TrackRole::Title) => Self::Title,
                Some(TrackRole::Chapters) => Self::Chapters,
                Some(_) => Self::Text,
                None if track.segments().len() > MAX_NAMED => Self::Captions,
                None => Self::Title,
            },
            Some(TrackKind::Unknown(number)) => Self::Type(number),
            None => Self::Unknown,
        }
    }

    /// Audio with a text is taken for a voice, other audio with a name or a volume for music.
    fn guess_audio(track: Track<'_>) -> Self {
        let first = track.segments().next();
        let name = track.name().or_else(|| first?.name());
        let is_named_voice = name.is_some_and(|name| {
            let name = name.to_lowercase();
            name.contains("voice") || name.contains("narrat")
        });
        if is_named_voice || first.is_some_and(|segment| segment.text().is_some()) {
            Self::Voiceover
        } else if name.is_some() || first.is_some_and(|segment| segment.volume().is_some()) {
            Self::Music
        } else {
            Self::Audio
        }
    }

    /// Whether the content of its segments is text, rather than media with a name.
    pub(crate) fn is_text(self) -> bool {
        self == Self::Voiceover || self.is_written()
    }

    /// Whether the content of its segments is written text, which some drafts store as a name.
    pub(crate) fn is_written(self) -> bool {
        matches!(self, Self::Captions | Self::Title | Self::Chapters | Self::Text)
    }
}

/// Describes the content of a track: a few names, or texts in quotes, and how many more.
fn content(track: Track<'_>, label: TrackLabel) -> String {
    let count = track.segments().len();
    let counted = || format!("{count} segments");
    if count > MAX_NAMED && matches!(label, TrackLabel::Voiceover | TrackLabel::Captions) {
        return counted();
    }
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    let phrases = track.segments().filter_map(|s| Phrase::of(s.text(), s.name(), label));
    for phrase in phrases {
        if seen.insert(phrase) && parts.len() < MAX_NAMED {
            parts.push(phrase.to_string());
        }
    }
    // "Voiceover: Voiceover" would add nothing.
    let name = track.name().filter(|name| !name.eq_ignore_ascii_case(&label.name()));
    match (seen.len(), Phrase::of(track.text(), name, label)) {
        (0, Some(phrase)) => phrase.to_string(),
        (0, None) if count > 1 => counted(),
        (n, _) if n > MAX_NAMED => format!("{} +{} more", parts.join(", "), n - MAX_NAMED),
        _ => parts.join(", "),
    }
}

/// What a track or a segment is identified by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phrase<'d> {
    Name(&'d str),
    Quote(&'d str),
}

impl<'d> Phrase<'d> {
    pub(crate) fn of(
        text: Option<&'d str>,
        name: Option<&'d str>,
        label: TrackLabel,
    ) -> Option<Self> {
        let quote = text.map(Self::Quote);
        if label.is_text() {
            quote.or(name.map(if label.is_written() { Self::Quote } else { Self::Name }))
        } else {
            name.map(Self::Name).or(quote)
        }
    }

    pub(crate) fn as_str(self) -> &'d str {
        match self {
            Self::Name(text) | Self::Quote(text) => text,
        }
    }
}

impl fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&shorten(name)),
            Self::Quote(text) => write!(f, "\"{}\"", shorten(text)),
        }
    }
}

/// Joins the lines of a text and limits its length.
pub(crate) fn shorten(text: &str) -> String {
    // Cut first: the text may be a whole script.
    let cut = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
    let words: Vec<&str> = text[..cut].split_whitespace().collect();
    let more = if cut < text.len() { "…" } else { "" };
    words.join(" ") + more
}

/// Returns `35%`, or `20-35%`. Full volume is omitted, except for music, which is rarely meant to
/// be that loud.
fn volume(track: Track<'_>, label: TrackLabel) -> Option<String> {
    let volumes = track.segments().filter_map(|segment| segment.volume());
    let (low, high) = volumes.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), volume| {
        (low.min(volume), high.max(volume))
    });
    let percent = |volume: f64| (volume * 100.0).round();
    if low > high || (low >= 1.0 && label != TrackLabel::Music) {
        None
    } else if percent(low) < percent(high) {
        Some(format!("{}-{}%", percent(low), percent(high)))
    } else {
        Some(format!("{}%", percent(high)))
    }
}

/// Rounds to tenths of a second from one second up: `10`, `2.5`, `67.7`.
fn seconds(time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { seconds } else { (seconds * 10.0).round() / 10.0 }
}

/// Language of the text that this crate writes for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

/// Parses a BCP-47 tag whose language is English or Chinese: `en`, `zh`, `en-GB`, `zh-Hans-CN`.
impl FromStr for Language {
    type Err = ParseError;

    fn from_str(tag: &str) -> Result<Self, ParseError> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Ok(Self::English),
            "zh" => Ok(Self::Chinese),
            _ => Err(ParseError::UnknownLanguage(tag.to_owned())),
        }
    }
}

/// Phrases that describe a draft.
impl Language {
    pub(crate) fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// Names a track.
    pub(crate) fn track_name(self, label: TrackLabel) -> String {
        let (english, chinese, ..) = match label {
            TrackLabel::Type(number) => {
                return self.pick(format!("Track type {number}"), format!("类型 {number} 轨道"));
            }
            label => label.names(),
        };
        self.pick(english, chinese).to_owned()
    }

    /// Names one segment of a track.
    pub(crate) fn segment_name(self, label: TrackLabel) -> String {
        let (.., english, chinese) = match label {
            TrackLabel::Type(number) => {
                let english = format!("Segment of track type {number}");
                return self.pick(english, format!("类型 {number} 轨道片段"));
            }
            label => label.names(),
        };
        self.pick(english, chinese).to_owned()
    }

    pub(crate) fn segment_count(self, count: usize) -> String {
        match self {
            Self::English if count == 1 => "1 segment".to_owned(),
            Self::English => format!("{count} segments"),
            Self::Chinese => format!("{count} 段"),
        }
    }

    /// Describes a track without segments.
    pub(crate) fn empty(self) -> &'static str {
        self.pick("empty", "空")
    }

    pub(crate) fn time(self, time: Duration) -> String {
        format!("{} {}", seconds(time), self.pick("s", "秒"))
    }

    pub(crate) fn time_range(self, start: Duration, end: Duration) -> String {
        format!("{}–{}", seconds(start), self.time(end))
    }

    pub(crate) fn percent(self, factor: f64) -> String {
        format!("{}{}", (factor * 100.0).round(), self.pick(" %", "%"))
    }

    pub(crate) fn colon(self) -> &'static str {
        self.pick(": ", "：")
    }

    pub(crate) fn parenthesized(self, text: &str) -> String {
        self.pick(format!(" ({text})"), format!("（{text}）"))
    }

    pub(crate) fn list(self, items: &[String]) -> String {
        items.join(self.pick(", ", "、"))
    }

    pub(crate) fn quote(self, text: &str) -> String {
        format!("“{}”", shorten(text))
    }

    pub(crate) fn phrase(self, phrase: Phrase<'_>) -> String {
        match phrase {
            Phrase::Name(name) => shorten(name),
            Phrase::Quote(text) => self.quote(text),
        }
    }
}
