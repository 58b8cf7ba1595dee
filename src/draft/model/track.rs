//! Reading a track: what it carries, what it is for, and what is said for all of it.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{Segment, array};
use crate::draft::json::Json;
use crate::draft::lookup::{self, METADATA, SEGMENTS, TRACK_TYPE};

/// What a track carries (`tt`).
///
/// ```
/// use nemovideo::draft::TrackKind;
///
/// assert_eq!(TrackKind::from(7), TrackKind::Text);
/// assert_eq!(TrackKind::Unknown(42).number(), 42);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackKind {
    /// 0: pictures, moving or not.
    Video,
    /// 1: sound.
    Audio,
    /// 7: titles and captions.
    Text,
    /// A number that is not documented.
    Unknown(i64),
}

impl TrackKind {
    /// The number on the wire.
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

/// As its number.
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

/// What a track is for, as its metadata says.
///
/// ```
/// use nemovideo::draft::TrackRole;
///
/// assert_eq!(TrackRole::from("BGM"), TrackRole::Music);
/// assert_eq!(TrackRole::Music.as_str(), "music");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackRole {
    /// `background`: what is seen behind everything.
    Background,
    /// `voiceover`: the script, spoken.
    Voiceover,
    /// `music`: what plays below the voice.
    Music,
    /// `captions`: the script, written.
    Captions,
    /// `title`: a title card.
    Title,
    /// Another word.
    Unknown(String),
}

impl TrackRole {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Background => "background",
            Self::Voiceover => "voiceover",
            Self::Music => "music",
            Self::Captions => "captions",
            Self::Title => "title",
            Self::Unknown(word) => word,
        }
    }
}

/// As its word.
impl Serialize for TrackRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Knows the usual other words for each (`bgm`, `narration`, `subtitles`, …), in any case.
impl From<&str> for TrackRole {
    fn from(word: &str) -> Self {
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        match plain.to_lowercase().as_str() {
            "background" => Self::Background,
            "voiceover" | "voice" | "narration" | "narrator" | "speech" | "tts" => Self::Voiceover,
            "music" | "bgm" | "backgroundmusic" => Self::Music,
            "captions" | "caption" | "subtitles" | "subtitle" => Self::Captions,
            "title" | "titles" => Self::Title,
            _ => Self::Unknown(word.to_owned()),
        }
    }
}

/// One track of a draft.
///
/// ```
/// use nemovideo::draft::{Draft, TrackKind, TrackRole};
/// use std::time::Duration;
///
/// let draft: Draft = r#"{"t":[{"tt":1,"x":7,"m":{"role":"music","name":"Lo-fi"},
///     "sg":[{"d":10000}]}]}"#.parse()?;
/// let track = draft.tracks().next().ok_or("a track")?;
/// assert_eq!((track.kind(), track.role()), (Some(TrackKind::Audio), Some(TrackRole::Music)));
/// assert_eq!((track.name(), track.text()), (Some("Lo-fi"), None));
/// assert_eq!((track.end(), track.segments().len()), (Duration::from_secs(10), 1));
/// assert_eq!((track.duration(), track.volume()), (Duration::from_secs(10), None));
/// assert!(track.get("x").is_some()); // known or not
/// assert_eq!(track.metadata(), track.as_json().get("m"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Track<'d> {
    pub(in crate::draft) json: &'d Json,
}

impl<'d> Track<'d> {
    /// What it carries (`tt`); `None` when the draft does not say.
    #[must_use]
    pub fn kind(&self) -> Option<TrackKind> {
        let number = self.get(TRACK_TYPE).and_then(lookup::number)?;
        (number.fract() == 0.0).then(|| TrackKind::from(number as i64))
    }

    /// What it is for; `None` when the draft does not say.
    #[must_use]
    pub fn role(&self) -> Option<TrackRole> {
        let known = |json| match TrackRole::from(lookup::text(json)?) {
            TrackRole::Unknown(_) => None,
            role => Some(role),
        };
        let told = || lookup::find(self.json, &lookup::ROLE[..1], lookup::text);
        lookup::find(self.json, lookup::ROLE, known).or_else(|| told().map(TrackRole::from))
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Option<&'d str> {
        lookup::find(self.json, lookup::NAME, lookup::text)
    }

    /// What is spoken or written in it, where that is set for the whole track.
    #[must_use]
    pub fn text(&self) -> Option<&'d str> {
        lookup::find(self.json, lookup::TEXT, lookup::text)
    }

    /// Its volume, 0 to 1, where one is set for the whole track.
    #[must_use]
    pub fn volume(&self) -> Option<f64> {
        lookup::find(self.json, lookup::VOLUME, lookup::volume)
    }

    /// Its segments, in their order.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'d>> + use<'d> {
        let track = self.json;
        let mut end = Duration::ZERO;
        array(track.get(SEGMENTS)).iter().map(move |json| {
            let after = end;
            let segment = Segment { json, track, after };
            end = segment.end();
            segment
        })
    }

    /// From its first segment's start to its last one's end.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let start = self.segments().map(|segment| segment.start()).min();
        self.end().saturating_sub(start.unwrap_or_default())
    }

    /// Where its last segment ends.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.segments().map(|s| s.end()).max().unwrap_or_default()
    }

    /// What stands under a key of the track, known or not.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'d Json> {
        self.json.get(key)
    }

    /// Its metadata (`m`).
    #[must_use]
    pub fn metadata(&self) -> Option<&'d Json> {
        self.get(METADATA)
    }

    /// All of it.
    #[must_use]
    pub fn as_json(&self) -> &'d Json {
        self.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    #[test]
    fn kinds_and_roles_keep_what_they_do_not_know() {
        let draft = Draft::from_json(
            r#"{"t":[{"tt":0},{"tt":1,"m":{"role":"BGM"}},{"tt":7,"role":"subtitles"},
                {"tt":42,"m":{"role":"sparkle"}},{"tt":"x","type":"x"},{"m":{"type":"tts"}}]}"#,
        )
        .unwrap();
        let kinds: Vec<_> = draft.tracks().map(|track| track.kind()).collect();
        let unknown = Some(TrackKind::Unknown(42));
        let (video, audio, text) = (TrackKind::Video, TrackKind::Audio, TrackKind::Text);
        assert_eq!(kinds, [Some(video), Some(audio), Some(text), unknown, None, None]);
        let roles: Vec<_> = draft.tracks().map(|track| track.role()).collect();
        let sparkle = Some(TrackRole::Unknown("sparkle".to_owned()));
        let (music, captions) = (Some(TrackRole::Music), Some(TrackRole::Captions));
        let voice = Some(TrackRole::Voiceover);
        assert_eq!(roles, [None, music, captions, sparkle, None, voice]);
    }
}
