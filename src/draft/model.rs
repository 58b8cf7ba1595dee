//! Reading a draft: typed views over the tree. They never fail: what is missing or of the wrong
//! type reads as absent, and stays in the tree as it is. Changing one is left to `edit` and
//! `editor`.
//!
//! | file | holds |
//! |---|---|
//! | `track` | [`Track`], and what a track carries and is for |
//! | `segment` | [`Segment`] |

mod segment;
mod track;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::aspect::Aspect;
use super::canvas;
use super::json::{Json, Object};
use super::lookup::{self, DURATION, METADATA, TRACKS};
use super::parse::ParseError;
use super::summary;

pub use segment::Segment;
pub use track::{Track, TrackKind, TrackRole};

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
        canvas::aspect(&self.0)
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
}
