//! What can change between two drafts, as types.

use std::ops::Range;
use std::time::Duration;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::draft::keys::as_millis;
use crate::draft::model::{Track, TrackKind, TrackRole};
use crate::draft::summary::TrackLabel;

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
        /// Its segments.
        segments: Vec<ChangedItem>,
    },
    /// A track was removed.
    TrackRemoved {
        /// The track, as in the older draft.
        track: ChangedItem,
        /// Its segments.
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
        #[serde(serialize_with = "millis")]
        from: Duration,
        /// The new duration.
        #[serde(serialize_with = "millis")]
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
    /// Name of the track or the segment.
    pub name: Option<String>,
    /// Spoken or written text of the segment; `None` for a track.
    pub text: Option<String>,
    /// Start of the segment, or of the first one on the track.
    #[serde(serialize_with = "millis")]
    pub start: Duration,
    /// End of the segment, or of the last one on the track.
    #[serde(serialize_with = "millis")]
    pub end: Duration,
    #[serde(skip)]
    pub(super) label: TrackLabel,
}

impl ChangedItem {
    pub(super) fn of_track(index: usize, track: Track<'_>) -> Self {
        let start = track.segments().map(|segment| segment.start()).min().unwrap_or_default();
        let name = track.name().map(str::to_owned);
        Self { name, ..Self::on_track(index, track, start..track.end()) }
    }

    pub(super) fn on_track(index: usize, track: Track<'_>, span: Range<Duration>) -> Self {
        let (kind, role, label) = (track.kind(), track.role(), TrackLabel::of(track));
        let Range { start, end } = span;
        Self { index, kind, role, name: None, text: None, start, end, label }
    }
}

fn millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(as_millis(*time))
}

fn span<S: Serializer>(span: &Range<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct("Range", 2)?;
    fields.serialize_field("start", &as_millis(span.start))?;
    fields.serialize_field("end", &as_millis(span.end))?;
    fields.end()
}
