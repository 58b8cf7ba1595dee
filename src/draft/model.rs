//! Reading a draft: typed views over the tree. They never fail: what is missing or of the wrong
//! type reads as absent, and stays in the tree as it is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::aspect::Aspect;
use super::json::{Json, Object};
use super::lookup::{self, DURATION, METADATA, SEGMENTS, TRACK_TYPE, TRACKS};
use super::parse::ParseError;
use super::summary;

/// The draft of a film: its tracks and their segments.
///
/// Whatever it was read from, it is written back the same, white space aside: unknown keys at
/// every level, duplicates, order, digits.
///
/// Serde carries it as raw JSON, so it can be read by `serde_json` only, and not inside an
/// `untagged` or internally tagged enum.
///
/// ```
/// use nemovideo::draft::Draft;
///
/// let text = r#"{"z":1.10,"t":[{"tt":9,"sg":[],"z":null}],"z":2}"#;
/// let draft = Draft::from_json(text)?;
/// assert_eq!(draft.to_json(), text); // duplicates, order and digits
/// assert_eq!(draft.tracks().len(), 1);
/// assert!(!draft.is_ready_to_export()); // nothing on its one track
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Draft(pub(super) Json);

impl Draft {
    /// A draft with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self(Json::Object(Object::new()))
    }

    /// Reads a draft.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, ParseError};
    ///
    /// assert!(Draft::from_json("[]").is_ok_and(|draft| draft.tracks().len() == 0));
    /// assert!(matches!(Draft::from_json("{"), Err(ParseError::Syntax(_))));
    /// let deep = "[".repeat(200) + &"]".repeat(200);
    /// assert!(matches!(Draft::from_json(&deep), Err(ParseError::TooDeep)));
    /// ```
    ///
    /// # Errors
    /// When the text is not JSON, or nested deeper than 128 levels. JSON that does not look like
    /// a draft is taken: it has no tracks, and goes back as it came.
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self)
    }

    /// The draft as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }

    /// The whole tree.
    #[must_use]
    pub fn as_json(&self) -> &Json {
        &self.0
    }

    /// The whole tree, given away.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, Json, Object};
    ///
    /// // A draft kept beside something else, without copying it.
    /// let draft: Draft = r#"{"t":[],"x":1.10}"#.parse()?;
    /// let saved = Object::from([("name", Json::from("demo")), ("draft", draft.into_json())]);
    /// assert_eq!(saved.to_string(), r#"{"name":"demo","draft":{"t":[],"x":1.10}}"#);
    /// # Ok::<(), nemovideo::draft::ParseError>(())
    /// ```
    #[must_use]
    pub fn into_json(self) -> Json {
        self.0
    }

    /// What stands under a key at the top, known or not.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// The metadata of the whole film (`m`).
    ///
    /// ```
    /// use nemovideo::{Aspect, draft::Draft};
    ///
    /// let draft: Draft = r#"{"m":{"aspect":"9:16"},"t":[]}"#.parse()?;
    /// assert!(draft.metadata().is_some_and(|json| json.get("aspect").is_some()));
    /// assert_eq!(draft.aspect(), Some(Aspect::Portrait));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn metadata(&self) -> Option<&Json> {
        self.get(METADATA)
    }

    /// The tracks, in their order.
    pub fn tracks(&self) -> impl ExactSizeIterator<Item = Track<'_>> + DoubleEndedIterator {
        array(self.get(TRACKS)).iter().map(|json| Track { json })
    }

    /// How long the film is: what the draft says (`d`), else, or when it says nothing but 0, where
    /// its last segment ends.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    /// use std::time::Duration;
    ///
    /// let draft: Draft = r#"{"t":[{"sg":[{"d":1500},{"d":1000}]}]}"#.parse()?;
    /// assert_eq!(draft.duration(), Duration::from_millis(2500));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn duration(&self) -> Duration {
        let told = self.get(DURATION).and_then(lookup::millis).filter(|told| !told.is_zero());
        told.unwrap_or_else(|| self.tracks().map(|t| t.end()).max().unwrap_or_default())
    }

    /// The shape of the picture; `None` when the draft names none, or one that is not known.
    #[must_use]
    pub fn aspect(&self) -> Option<Aspect> {
        self.canvas().and_then(Aspect::read)
    }

    /// The shape of the picture as the draft writes it.
    pub(super) fn canvas(&self) -> Option<&str> {
        lookup::find(&self.0, lookup::ASPECT, lookup::text)
    }

    /// Whether there is anything to render: a track with at least one segment.
    #[must_use]
    pub fn is_ready_to_export(&self) -> bool {
        self.tracks().any(|track| track.segments().len() > 0)
    }

    /// The timeline in one line, for people:
    /// `Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams" (0-3s)`
    #[must_use]
    pub fn summary(&self) -> String {
        summary::of(self)
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Draft").field(&self.0).finish()
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
/// assert!(track.get("x").is_some()); // known or not
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Track<'d> {
    pub(super) json: &'d Json,
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

/// One piece of a track: a clip, a sentence, a caption.
///
/// ```
/// use nemovideo::draft::Draft;
/// use std::time::Duration;
///
/// let text = r#"{"t":[{"tt":7,"sg":[{"d":2000,"m":{"text":"Hello"}},{"d":1000}]}]}"#;
/// let draft: Draft = text.parse()?;
/// let segments: Vec<_> = draft.tracks().flat_map(|track| track.segments()).collect();
/// assert_eq!((segments[0].text(), segments[1].text()), (Some("Hello"), None));
/// assert_eq!(segments[1].start(), Duration::from_secs(2)); // where the first one ends
/// assert_eq!(segments[1].end(), Duration::from_secs(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Segment<'d> {
    json: &'d Json,
    track: &'d Json,
    /// Where the segment before it ends.
    after: Duration,
}

impl<'d> Segment<'d> {
    /// When it starts: as the draft says, else where the segment before it ends.
    #[must_use]
    pub fn start(&self) -> Duration {
        lookup::find(self.json, lookup::START, lookup::millis).unwrap_or(self.after)
    }

    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.start().saturating_add(self.duration())
    }

    /// How long it is (`d`); nothing when the draft does not say.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let told = self.get(DURATION).and_then(lookup::millis);
        told.unwrap_or_default()
    }

    /// What is spoken or written in it.
    #[must_use]
    pub fn text(&self) -> Option<&'d str> {
        lookup::find(self.json, lookup::TEXT, lookup::text)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Option<&'d str> {
        lookup::find(self.json, lookup::NAME, lookup::text)
    }

    /// How loud it is, 0 to 1: its own volume, else its track's.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let draft: Draft = r#"{"t":[{"tt":1,"m":{"volume":"80%"},"sg":[
    ///     {"d":1000},{"d":1000,"m":{"volume":0.35}}]}]}"#.parse()?;
    /// let segments = draft.tracks().flat_map(|track| track.segments());
    /// let volumes: Vec<_> = segments.map(|segment| segment.volume()).collect();
    /// assert_eq!(volumes, [Some(0.8), Some(0.35)]);
    /// # Ok::<(), nemovideo::draft::ParseError>(())
    /// ```
    #[must_use]
    pub fn volume(&self) -> Option<f64> {
        let own = lookup::find(self.json, lookup::VOLUME, lookup::volume);
        own.or_else(|| Track { json: self.track }.volume())
    }

    /// What stands under a key of the segment, known or not.
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
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000,"crop":[0,0.50]}]}]}"#.parse()?;
    /// let clip = draft.tracks().next().and_then(|track| track.segments().next()).ok_or("a clip")?;
    /// // What has no name here is there all the same.
    /// assert_eq!(clip.as_json().to_string(), r#"{"d":1000,"crop":[0,0.50]}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn as_json(&self) -> &'d Json {
        self.json
    }
}

fn array(json: Option<&Json>) -> &[Json] {
    json.and_then(Json::as_array).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn draft(json: &str) -> Draft {
        Draft::from_json(json).unwrap()
    }

    #[test]
    fn a_segment_starts_where_it_says_or_behind_the_one_before() {
        let draft = draft(
            r#"{"t":[{"sg":[{"d":1000},{"d":500,"m":{"start":3000}},{"d":"250"},{"start_ms":0}]}]}"#,
        );
        let track = draft.tracks().next().unwrap();
        let times: Vec<_> = track.segments().map(|s| (s.start(), s.end())).collect();
        assert_eq!(
            times,
            [(ms(0), ms(1000)), (ms(3000), ms(3500)), (ms(3500), ms(3750)), (ms(0), ms(0))]
        );
        assert_eq!(track.duration(), ms(3750));
    }

    #[test]
    fn the_length_is_what_the_draft_says_else_where_it_ends() {
        assert_eq!(draft(r#"{"t":[],"d":67700}"#).duration(), ms(67_700));
        let tracks = r#""t":[{"sg":[{"d":1000}]},{"sg":[{"d":900,"m":{"start":2000}}]}]"#;
        assert_eq!(draft(&format!("{{{tracks}}}")).duration(), ms(2900));
        assert_eq!(draft(&format!(r#"{{{tracks},"d":0}}"#)).duration(), ms(2900));
        assert_eq!(draft(&format!(r#"{{{tracks},"d":null}}"#)).duration(), ms(2900));
        assert_eq!(Draft::new().duration(), ms(0));
    }

    #[test]
    fn a_draft_without_a_segment_is_not_ready() {
        for json in ["{}", "null", r#"{"t":[]}"#, r#"{"t":[{"sg":[]},{"sg":5},7]}"#] {
            assert!(!draft(json).is_ready_to_export(), "{json}");
        }
        assert!(draft(r#"{"t":[{"sg":[]},{"sg":[{}]}]}"#).is_ready_to_export());
    }

    #[test]
    fn a_volume_is_a_share_or_a_percentage() {
        for (json, expected) in [
            ("0.35", Some(0.35)),
            ("35", Some(0.35)),
            ("\"35%\"", Some(0.35)),
            ("\" 0.5 \"", Some(0.5)),
            ("1", Some(1.0)),
            ("250", Some(1.0)),
            ("-3", Some(0.0)),
            ("1e999", None),
            ("\"loud\"", None),
            ("[1]", None),
        ] {
            let draft = draft(&format!(r#"{{"t":[{{"m":{{"volume":{json}}},"sg":[{{}}]}}]}}"#));
            let track = draft.tracks().next().unwrap();
            assert_eq!(track.volume(), expected, "{json}");
            assert_eq!(track.segments().next().unwrap().volume(), expected, "{json}");
        }
    }

    #[test]
    fn kinds_and_roles_keep_what_they_do_not_know() {
        let draft = draft(
            r#"{"t":[{"tt":0},{"tt":1,"m":{"role":"BGM"}},{"tt":7,"role":"subtitles"},
                {"tt":42,"m":{"role":"sparkle"}},{"tt":"x","type":"x"},{"m":{"type":"tts"}}]}"#,
        );
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
