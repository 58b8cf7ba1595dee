//! What changed between two drafts, as types and as text for people.
//!
//! A [`Change`] is what a person would call one change: one inserted caption is one change, even
//! where all captions behind it move. Whatever has no type of its own is reported by its keys, so
//! that a diff is empty only when the drafts are equal.
//!
//! | file | contents |
//! |---|---|
//! | `align` | which track and which segment became which |
//! | `compare` | how the changes are found |
//! | `wording` | the changes in English and Chinese |
//!
//! This file holds [`Change`] and the views of segments that `align` and `compare` work on.

mod align;
mod compare;
mod wording;

use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::json::Json;
use super::keys::as_millis;
use super::model::{Draft, Segment, Track, TrackKind, TrackRole};
use super::summary::{Language, TrackLabel};

impl Draft {
    /// Returns what changed from this draft to a newer one, in near-linear time.
    ///
    /// ```
    /// use nemovideo::draft::{Change, Draft, Language};
    ///
    /// let older: Draft = r#"{"t":[{"tt":1,"m":{"role":"music","volume":0.8},"sg":[{"d":9000}]}]}"#.parse()?;
    /// let mut newer = older.clone();
    /// newer.edit().set_track_volume(0, 0.35)?;
    ///
    /// let diff = older.diff(&newer);
    /// assert!(matches!(diff.changes(), [Change::VolumeChanged { .. }]));
    /// assert_eq!(diff.summary(Language::English), "Music volume: 80 % → 35 %");
    /// assert_eq!(diff.summary(Language::Chinese), "音乐音量：80% → 35%");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn diff(&self, newer: &Self) -> Diff {
        let is_empty = self == newer;
        let none = (Vec::new(), 0);
        let (changes, omitted) = if is_empty { none } else { compare::changes(self, newer) };
        Diff { changes, omitted, is_empty }
    }
}

/// What changed from one draft to another; see [`Draft::diff`].
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    changes: Vec<Change>,
    omitted: usize,
    is_empty: bool,
}

impl Diff {
    /// The most changes of tracks that a diff lists, together with the segments of the tracks that
    /// were added or removed. A draft may have a million segments, and few people read more.
    pub const MAX_LISTED: usize = 20_000;

    /// Returns the changes: track by track in the order of the newer draft, then the removed
    /// tracks, then what concerns the whole video. Numbers are compared by value: `1000.0` instead
    /// of `1000` is not a change, although the diff [is not empty](Self::is_empty).
    ///
    /// Of the tracks, at most [`MAX_LISTED`](Self::MAX_LISTED) changes are listed, and
    /// [`omitted`](Self::omitted) counts the others.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns the number of changes beyond those that are listed.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// Returns whether the two drafts are equal, including how numbers are written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Describes the changes in a few lines for people. Many changes of one kind on one track share
    /// a line, and changes beyond twenty lines are counted. Never empty: that nothing changed is
    /// stated as well.
    #[must_use]
    pub fn summary(&self, language: Language) -> String {
        if self.changes.is_empty() && !self.is_empty {
            let english = "Nothing changed but how numbers are written.";
            return language.pick(english, "只有数字的写法不同，内容没有变化。").to_owned();
        }
        wording::summary(&self.changes, self.omitted, language)
    }
}

/// One change between two drafts. It serializes to an object whose `change` names the variant
/// (`"track_added"`), with times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A track was added.
    TrackAdded {
        /// The track.
        track: ChangedItem,
        /// Its segments, as far as [`Diff::MAX_LISTED`] admits them.
        segments: Vec<ChangedItem>,
    },
    /// A track was removed.
    TrackRemoved {
        /// The track, as in the older draft.
        track: ChangedItem,
        /// Its segments, as far as [`Diff::MAX_LISTED`] admits them.
        segments: Vec<ChangedItem>,
    },
    /// A track was moved among the others.
    TrackMoved {
        /// The track.
        track: ChangedItem,
        /// Its previous index.
        from: usize,
    },
    /// A track carries another kind of content.
    TrackRetyped {
        /// The track.
        track: ChangedItem,
        /// The previous kind.
        from: Option<TrackKind>,
        /// The new kind.
        to: Option<TrackKind>,
    },
    /// A segment was added. Segments behind it that only make room are not reported.
    SegmentAdded {
        /// The track.
        track: ChangedItem,
        /// The segment.
        segment: ChangedItem,
    },
    /// A segment was removed. Segments behind it that only move up are not reported.
    SegmentRemoved {
        /// The track.
        track: ChangedItem,
        /// The segment, as in the older draft.
        segment: ChangedItem,
    },
    /// A segment was moved among the others.
    SegmentMoved {
        /// The track.
        track: ChangedItem,
        /// The segment.
        segment: ChangedItem,
        /// Its previous start and end.
        #[serde(serialize_with = "span")]
        from: Range<Duration>,
    },
    /// A segment has another start or duration.
    SegmentRetimed {
        /// The track.
        track: ChangedItem,
        /// The segment.
        segment: ChangedItem,
        /// Its previous start and end.
        #[serde(serialize_with = "span")]
        from: Range<Duration>,
    },
    /// Several consecutive segments start earlier or later, all by the same time.
    SegmentsShifted {
        /// The track.
        track: ChangedItem,
        /// Index of the first segment.
        first: usize,
        /// Index of the last segment.
        last: usize,
        /// Milliseconds; negative when earlier.
        by_ms: i64,
    },
    /// A spoken or written text changed.
    TextChanged {
        /// The track.
        track: ChangedItem,
        /// The segment; `None` for the text of the whole track.
        segment: Option<ChangedItem>,
        /// The previous text.
        from: Option<String>,
        /// The new text.
        to: Option<String>,
    },
    /// A name changed, for example that of a file.
    Renamed {
        /// The track.
        track: ChangedItem,
        /// The segment; `None` for the name of the track.
        segment: Option<ChangedItem>,
        /// The previous name.
        from: Option<String>,
        /// The new name.
        to: Option<String>,
    },
    /// A volume changed.
    VolumeChanged {
        /// The track.
        track: ChangedItem,
        /// The segment; `None` when the whole track changed alike.
        segment: Option<ChangedItem>,
        /// The previous volume from 0 to 1, where one was stated.
        from: Option<f64>,
        /// The new volume from 0 to 1, where one is stated.
        to: Option<f64>,
    },
    /// A look or a sound changed: the style of captions, the ducking of music, the poster.
    SettingChanged {
        /// The track; `None` for the video itself.
        track: Option<ChangedItem>,
        /// The segment; `None` for the track itself.
        segment: Option<ChangedItem>,
        /// The key of the setting, such as `style.mode`, `duck` or `fade_out`.
        setting: &'static str,
        /// The previous value, or its default; `None` where there is neither.
        from: Option<String>,
        /// The new value, or its default; `None` where there is neither.
        to: Option<String>,
    },
    /// The aspect ratio of the video changed.
    CanvasChanged {
        /// The previous aspect ratio, as written.
        from: Option<String>,
        /// The new aspect ratio, as written.
        to: Option<String>,
    },
    /// The duration of the video changed.
    LengthChanged {
        /// The previous duration.
        #[serde(serialize_with = "serialize_duration")]
        from: Duration,
        /// The new duration.
        #[serde(serialize_with = "serialize_duration")]
        to: Duration,
    },
    /// Something changed that has no variant of its own.
    OtherChanged {
        /// The track; `None` for the video itself.
        track: Option<ChangedItem>,
        /// The segment; `None` for the track itself.
        segment: Option<ChangedItem>,
        /// The keys whose values or positions changed, those in the metadata as `m.…`. Empty when
        /// either version is not an object.
        keys: Vec<String>,
    },
}

/// A track or a segment of a [`Change`]: as in the newer draft, or as in the older one if it was
/// removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChangedItem {
    /// Index among the tracks of the draft, or among the segments of the track.
    pub index: usize,
    /// What the track carries.
    pub kind: Option<TrackKind>,
    /// What the track is for.
    pub role: Option<TrackRole>,
    /// Name of the track or the segment. Of a track's, as of its role, at most 200 characters, since
    /// each change on the track has them.
    pub name: Option<String>,
    /// Spoken or written text of the segment; `None` for a track.
    pub text: Option<String>,
    /// Start of the segment, or of the first one on the track.
    #[serde(serialize_with = "serialize_duration")]
    pub start: Duration,
    /// End of the segment, or of the last one on the track.
    #[serde(serialize_with = "serialize_duration")]
    pub end: Duration,
    #[serde(skip)]
    label: TrackLabel,
    /// The number of segments of the track.
    #[serde(skip)]
    segments: usize,
}

impl ChangedItem {
    fn of_track(index: usize, track: Track<'_>) -> Self {
        let start = track.segments().map(|segment| segment.start()).min().unwrap_or_default();
        let name = track.name().map(|name| name.chars().take(MAX_TRACK_NAME).collect());
        Self { name, ..Self::on_track(index, track, start..track.end()) }
    }

    fn on_track(index: usize, track: Track<'_>, span: Range<Duration>) -> Self {
        let (kind, role, label) = (track.kind(), track.role(), TrackLabel::of(track));
        let Range { start, end } = span;
        let segments = track.segments().len();
        Self { index, kind, role, name: None, text: None, start, end, label, segments }
    }
}

/// How much of the name of a track each change on it has, in characters.
const MAX_TRACK_NAME: usize = 200;

fn serialize_duration<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(as_millis(*time))
}

fn span<S: Serializer>(span: &Range<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct("Range", 2)?;
    fields.serialize_field("start", &as_millis(span.start))?;
    fields.serialize_field("end", &as_millis(span.end))?;
    fields.end()
}

/// A segment with the values that are compared again and again.
struct SegmentView<'d> {
    /// What all segments of the track have in common.
    track: Rc<ChangedItem>,
    json: &'d Json,
    span: Range<Duration>,
    label: Label<'d>,
    own_volume: Option<f64>,
    volume: Option<f64>,
}

impl<'d> SegmentView<'d> {
    fn all(track: Track<'d>) -> impl Iterator<Item = Self> {
        let track_volume = track.volume();
        let common = Rc::new(ChangedItem::on_track(0, track, Range::default()));
        let view = move |segment: Segment<'d>| Self {
            track: Rc::clone(&common),
            json: segment.as_json(),
            span: segment.start()..segment.end(),
            label: Label { text: segment.text(), name: segment.name() },
            own_volume: segment.own_volume(),
            volume: segment.own_volume().or(track_volume),
        };
        track.segments().map(view)
    }

    fn at(&self, index: usize) -> ChangedItem {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (text, name) = (owned(self.label.text), owned(self.label.name));
        let Range { start, end } = self.span;
        ChangedItem { index, text, name, start, end, ..ChangedItem::clone(&self.track) }
    }

    fn position(&self, index: usize) -> Position {
        Position { index, start: millis(self.span.start), end: millis(self.span.end) }
    }

    fn duration(&self) -> Duration {
        self.span.end.saturating_sub(self.span.start)
    }

    /// Whether the volume is the same: where it is stated, or at least in effect.
    fn is_as_loud_as(&self, other: &Self) -> bool {
        self.own_volume == other.own_volume || self.volume == other.volume
    }
}

/// Text and name of a track or a segment.
#[derive(Clone, Copy, PartialEq, Hash)]
struct Label<'d> {
    text: Option<&'d str>,
    name: Option<&'d str>,
}

/// A position in a list, and in time, in milliseconds.
#[derive(Clone, Copy)]
struct Position {
    index: usize,
    start: i128,
    end: i128,
}

/// Converts to milliseconds, in a type wide enough for sums and differences of any times that a
/// draft may state.
fn millis(time: Duration) -> i128 {
    time.as_millis().cast_signed()
}
