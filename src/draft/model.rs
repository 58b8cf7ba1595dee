//! Typed views for reading a draft. They never fail: what is missing or of the wrong type reads as
//! absent, and stays in the tree as it is.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::canvas::{self, Aspect};
use super::json::{Json, Object, ParseError};
use super::keys::{self, DURATION, METADATA, SEGMENTS, TRACK_TYPE, TRACKS};

/// The draft of a video: its tracks and their segments.
///
/// A draft serializes to the JSON it was parsed from, except for white space and the choice of
/// string escapes: unknown keys at every level, duplicate keys, order and digits are kept.
///
/// Serde passes it as raw JSON, so it can be deserialized by `serde_json` only, and not inside an
/// `untagged` or internally tagged enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Draft(pub(super) Json);

impl Draft {
    /// Creates an empty draft.
    #[must_use]
    pub fn new() -> Self {
        Self(Object::new().into())
    }

    /// Returns a realistic draft for tests: a narrated video of 12.5 s with a background, a title,
    /// three spoken sentences with their captions, and music. None of its tracks names a media file,
    /// so that any backend can render it.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, TrackRole::*};
    ///
    /// let draft = Draft::sample();
    /// let roles: Vec<_> = draft.tracks().filter_map(|track| track.role()).collect();
    /// assert_eq!(roles, [Background, Voiceover, Music, Title, Captions]);
    /// assert_eq!(draft.duration().as_millis(), 12_500);
    /// assert!(draft.is_ready_to_export());
    /// ```
    #[must_use]
    pub fn sample() -> Self {
        Self::from_json(include_str!("sample.json")).unwrap_or_default()
    }

    /// Parses a draft.
    ///
    /// # Errors
    /// When the text is not JSON, or nested deeper than 128 levels. JSON that does not look like a
    /// draft is accepted: it has no tracks, and serializes unchanged.
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self)
    }

    /// Returns the draft as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }

    /// Returns the JSON tree.
    #[must_use]
    pub fn as_json(&self) -> &Json {
        &self.0
    }

    /// Converts the draft into its JSON tree, without a copy.
    #[must_use]
    pub fn into_json(self) -> Json {
        self.0
    }

    /// Returns the value under any top-level key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// Returns the metadata of the whole video (`m`).
    #[must_use]
    pub fn metadata(&self) -> Option<&Json> {
        self.get(METADATA)
    }

    /// Returns the tracks in their order.
    pub fn tracks(&self) -> impl ExactSizeIterator<Item = Track<'_>> + DoubleEndedIterator {
        array(self.get(TRACKS)).iter().map(|json| Track { json })
    }

    /// Returns the duration of the video: the stated one (`d`), or the end of the last segment
    /// when none or 0 is stated.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let stated = self.get(DURATION).and_then(keys::millis).filter(|time| !time.is_zero());
        stated.unwrap_or_else(|| self.tracks().map(|t| t.end()).max().unwrap_or_default())
    }

    /// Returns the aspect ratio of the video; `None` when the draft states none or an unknown one.
    #[must_use]
    pub fn aspect(&self) -> Option<Aspect> {
        canvas::aspect(&self.0)
    }

    /// Returns whether there is anything to render: a track with at least one segment.
    #[must_use]
    pub fn is_ready_to_export(&self) -> bool {
        self.tracks().any(|track| track.segments().len() > 0)
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl FromStr for Draft {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::from_json(text)
    }
}

impl From<Json> for Draft {
    fn from(json: Json) -> Self {
        Self(json)
    }
}

fn array(json: Option<&Json>) -> &[Json] {
    json.and_then(Json::as_array).unwrap_or_default()
}

/// What a track carries (`tt`). Serializes as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackKind {
    /// 0: videos and images.
    Video,
    /// 1: audio.
    Audio,
    /// 7: titles and captions.
    Text,
    /// An undocumented number.
    Unknown(i64),
}

impl TrackKind {
    /// Returns the number that the service uses.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Video => 0,
            Self::Audio => 1,
            Self::Text => 7,
            Self::Unknown(number) => number,
        }
    }
}

impl Serialize for TrackKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.number())
    }
}

impl From<i64> for TrackKind {
    fn from(number: i64) -> Self {
        match number {
            0 => Self::Video,
            1 => Self::Audio,
            7 => Self::Text,
            number => Self::Unknown(number),
        }
    }
}

/// What a track is for, as stated in its metadata. Serializes as its word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackRole {
    /// `background`: what is visible behind everything else.
    Background,
    /// `voiceover`: the spoken script.
    Voiceover,
    /// `music`: background music.
    Music,
    /// `captions`: the written script.
    Captions,
    /// `title`: a title card.
    Title,
    /// `chapters`: the parts of the video by their titles, which are not drawn.
    Chapters,
    /// Another word.
    Unknown(String),
}

impl TrackRole {
    /// Returns the word that the service uses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Background => "background",
            Self::Voiceover => "voiceover",
            Self::Music => "music",
            Self::Captions => "captions",
            Self::Title => "title",
            Self::Chapters => "chapters",
            Self::Unknown(word) => word,
        }
    }
}

impl Serialize for TrackRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Accepts the usual synonyms (`bgm`, `narration`, `subtitles`, …) in any case.
impl From<&str> for TrackRole {
    fn from(word: &str) -> Self {
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        match plain.to_lowercase().as_str() {
            "background" => Self::Background,
            "voiceover" | "voice" | "narration" | "narrator" | "speech" | "tts" => Self::Voiceover,
            "music" | "bgm" | "backgroundmusic" => Self::Music,
            "captions" | "caption" | "subtitles" | "subtitle" => Self::Captions,
            "title" | "titles" => Self::Title,
            "chapters" | "chapter" => Self::Chapters,
            _ => Self::Unknown(word.to_owned()),
        }
    }
}

/// A track of a draft.
#[derive(Clone, Copy, Debug)]
pub struct Track<'d> {
    pub(super) json: &'d Json,
}

impl<'d> Track<'d> {
    /// Returns what the track carries (`tt`); `None` when the draft does not state it.
    #[must_use]
    pub fn kind(&self) -> Option<TrackKind> {
        let number = self.get(TRACK_TYPE).and_then(keys::number)?;
        (number.fract() == 0.0).then(|| TrackKind::from(number as i64))
    }

    /// Returns what the track is for; `None` when the draft does not state it.
    #[must_use]
    pub fn role(&self) -> Option<TrackRole> {
        // A longer text is no word.
        const MAX_BYTES: usize = 200;
        let word = |json| keys::text(json).filter(|text| text.len() <= MAX_BYTES);
        let known = |json| match TrackRole::from(word(json)?) {
            TrackRole::Unknown(_) => None,
            role => Some(role),
        };
        let stated = || keys::find(self.json, &keys::ROLE[..1], word);
        keys::find(self.json, keys::ROLE, known).or_else(|| stated().map(TrackRole::from))
    }

    /// Returns the volume that is set for the whole track, from 0 to 1.
    #[must_use]
    pub fn volume(&self) -> Option<f64> {
        keys::find(self.json, keys::VOLUME, keys::volume)
    }

    /// Returns the segments in their order.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'d>> + use<'d> {
        let track_volume = self.volume();
        let mut end = Duration::ZERO;
        array(self.get(SEGMENTS)).iter().map(move |json| {
            let segment = Segment { json, track_volume, previous_end: end };
            end = segment.end();
            segment
        })
    }

    /// Returns the end of the last segment.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.segments().map(|s| s.end()).max().unwrap_or_default()
    }
}

/// A segment of a track: a clip, a sentence, a caption.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'d> {
    json: &'d Json,
    track_volume: Option<f64>,
    previous_end: Duration,
}

impl<'d> Segment<'d> {
    /// Returns the start: the stated one, or the end of the previous segment.
    #[must_use]
    pub fn start(&self) -> Duration {
        keys::find(self.json, keys::START, keys::millis).unwrap_or(self.previous_end)
    }

    /// Returns the end.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.start().saturating_add(self.duration())
    }

    /// Returns the duration (`d`); zero when the draft does not state it.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.get(DURATION).and_then(keys::millis).unwrap_or_default()
    }

    /// Returns the volume from 0 to 1: the segment's own, or its track's.
    #[must_use]
    pub fn volume(&self) -> Option<f64> {
        self.own_volume().or(self.track_volume)
    }

    pub(crate) fn own_volume(&self) -> Option<f64> {
        keys::find(self.json, keys::VOLUME, keys::volume)
    }
}

/// What a track and a segment state alike.
macro_rules! readers {
    ($($view:ident),+) => {$(
        impl<'d> $view<'d> {
            /// Returns its own name.
            #[must_use]
            pub fn name(&self) -> Option<&'d str> {
                keys::find(self.json, keys::NAME, keys::text)
            }

            /// Returns its own spoken or written text.
            #[must_use]
            pub fn text(&self) -> Option<&'d str> {
                keys::find(self.json, keys::TEXT, keys::text)
            }

            /// Returns the value under any key.
            #[must_use]
            pub fn get(&self, key: &str) -> Option<&'d Json> {
                self.json.get(key)
            }

            /// Returns the metadata (`m`).
            #[must_use]
            pub fn metadata(&self) -> Option<&'d Json> {
                self.get(METADATA)
            }

            /// Returns the JSON.
            #[must_use]
            pub fn as_json(&self) -> &'d Json {
                self.json
            }
        }
    )+};
}
readers!(Track, Segment);
