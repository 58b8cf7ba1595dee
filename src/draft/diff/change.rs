//! What can have changed between two drafts, as types. Finding it is left to `compare`, putting
//! it in words to `words`.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::draft::model::{Track, TrackKind, TrackRole};
use crate::draft::summary::Label;

/// One thing that changed. Serialised, it is an object whose `change` says which
/// (`"track_added"`), with times in milliseconds.
///
/// ```
/// use nemovideo::draft::{Change, Draft};
///
/// let text = r#"{"t":[{"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"text":"Hi"}}]}]}"#;
/// let older: Draft = text.parse()?;
/// let newer: Draft = text.replace("Hi", "Ho").parse()?;
/// let diff = older.diff(&newer);
/// let [Change::TitleChanged { track, segment, to, .. }] = diff.changes() else { panic!() };
/// assert_eq!((track.index, to.as_deref()), (0, Some("Ho")));
/// assert!(segment.as_ref().is_some_and(|segment| segment.index == 0));
/// assert_eq!(serde_json::to_value(&diff.changes()[0])?["change"], "title_changed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A track is new.
    TrackAdded {
        /// The track.
        track: TrackAt,
        /// What is in it.
        segments: Vec<SegmentAt>,
    },
    /// A track is gone.
    TrackRemoved {
        /// The track, as it stood in the older draft.
        track: TrackAt,
        /// What was in it.
        segments: Vec<SegmentAt>,
    },
    /// A track stands elsewhere among the others.
    TrackMoved {
        /// The track.
        track: TrackAt,
        /// Where it stood.
        from: usize,
    },
    /// A track carries something else.
    TrackRetyped {
        /// The track.
        track: TrackAt,
        /// What it carried.
        from: Option<TrackKind>,
        /// What it carries.
        to: Option<TrackKind>,
    },
    /// A segment is new. Those behind it that only made room are not told.
    SegmentAdded {
        /// Its track.
        track: TrackAt,
        /// The segment.
        segment: SegmentAt,
    },
    /// A segment is gone. Those behind it that only closed up are not told.
    SegmentRemoved {
        /// Its track.
        track: TrackAt,
        /// The segment, as it stood in the older draft.
        segment: SegmentAt,
    },
    /// A segment stands elsewhere among the others.
    SegmentMoved {
        /// Its track.
        track: TrackAt,
        /// The segment.
        segment: SegmentAt,
        /// When it was shown or heard.
        from: Span,
    },
    /// A segment has other times.
    SegmentRetimed {
        /// Its track.
        track: TrackAt,
        /// The segment.
        segment: SegmentAt,
        /// When it was shown or heard.
        from: Span,
    },
    /// Several segments in a row come earlier or later, all by the same time.
    SegmentsShifted {
        /// Their track.
        track: TrackAt,
        /// The index of the first one.
        first: usize,
        /// The index of the last one.
        last: usize,
        /// By so many milliseconds; negative when earlier.
        by_ms: i64,
    },
    /// What is spoken or written is another text. That of a title is
    /// [`TitleChanged`](Self::TitleChanged).
    SegmentRetexted {
        /// Its track.
        track: TrackAt,
        /// The segment; `None` when the text is one for the whole track.
        segment: Option<SegmentAt>,
        /// The text as it was.
        from: Option<String>,
        /// The text as it is.
        to: Option<String>,
    },
    /// A title says something else.
    TitleChanged {
        /// Its track.
        track: TrackAt,
        /// The segment; `None` when the text is one for the whole track.
        segment: Option<SegmentAt>,
        /// The text as it was.
        from: Option<String>,
        /// The text as it is.
        to: Option<String>,
    },
    /// Something has another name: another file, say.
    Renamed {
        /// The track.
        track: TrackAt,
        /// The segment; `None` when it is the track that has the name.
        segment: Option<SegmentAt>,
        /// The name as it was.
        from: Option<String>,
        /// The name as it is.
        to: Option<String>,
    },
    /// Something is louder or quieter. Volumes are from 0 to 1.
    VolumeChanged {
        /// The track.
        track: TrackAt,
        /// The segment; `None` when all of the track changed alike.
        segment: Option<SegmentAt>,
        /// How loud it was, if that was told.
        from: Option<f64>,
        /// How loud it is, if that is told.
        to: Option<f64>,
    },
    /// The picture has another shape.
    CanvasChanged {
        /// The shape as it was written.
        from: Option<String>,
        /// The shape as it is written.
        to: Option<String>,
    },
    /// The film is longer or shorter.
    LengthChanged {
        /// How long it was.
        #[serde(serialize_with = "millis")]
        from: Duration,
        /// How long it is.
        #[serde(serialize_with = "millis")]
        to: Duration,
    },
    /// Something else changed that has no type here.
    OtherChanged {
        /// The track; `None` for the film itself.
        track: Option<TrackAt>,
        /// The segment; `None` for the track itself.
        segment: Option<SegmentAt>,
        /// The keys whose values or places changed, those in the metadata as `m.…`. Empty when
        /// there is no telling by keys, because it was or is no object.
        keys: Vec<String>,
    },
}

/// A track that something is said of: in the newer draft, unless it is gone from there.
///
/// ```
/// use nemovideo::draft::{Change, Draft, TrackKind, TrackRole};
///
/// let older: Draft = r#"{"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
/// let newer: Draft = r#"{"t":[{"tt":0,"sg":[{"d":9000}]},
///     {"tt":1,"m":{"role":"music","name":"calm.mp3"},"sg":[{"d":9000}]}]}"#.parse()?;
/// let diff = older.diff(&newer);
/// let Change::TrackAdded { track, .. } = &diff.changes()[0] else { panic!() };
/// assert_eq!((track.index, track.kind), (1, Some(TrackKind::Audio)));
/// assert_eq!((&track.role, track.name.as_deref()), (&Some(TrackRole::Music), Some("calm.mp3")));
///
/// let json = serde_json::json!({ "index": 1, "kind": 1, "role": "music", "name": "calm.mp3" });
/// assert_eq!(serde_json::to_value(track)?, json); // the kind as the draft writes it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrackAt {
    /// Its place among the tracks, from 0.
    pub index: usize,
    /// What it carries.
    pub kind: Option<TrackKind>,
    /// What it is for.
    pub role: Option<TrackRole>,
    /// What it is called.
    pub name: Option<String>,
    #[serde(skip)]
    pub(super) label: Label,
}

impl TrackAt {
    pub(super) fn of(index: usize, track: Track<'_>) -> Self {
        Self {
            index,
            kind: track.kind(),
            role: track.role(),
            name: track.name().map(str::to_owned),
            label: Label::of(track),
        }
    }
}

/// A segment that something is said of: in the newer draft, unless it is gone from there.
///
/// ```
/// use nemovideo::draft::{Change, Draft};
///
/// let older: Draft = r#"{"t":[{"tt":7,"sg":[
///     {"d":2000,"m":{"text":"Hello."}},{"d":1500,"m":{"text":"It rains."}}]}]}"#.parse()?;
/// let mut newer = older.clone();
/// newer.edit().remove_segment(0, 1)?;
/// let diff = older.diff(&newer);
/// let Change::SegmentRemoved { segment, .. } = &diff.changes()[0] else { panic!() };
/// assert_eq!((segment.index, segment.text.as_deref()), (1, Some("It rains.")));
/// let json = serde_json::to_value(segment)?; // when it was shown, in milliseconds
/// assert_eq!((json["start"].as_u64(), json["end"].as_u64()), (Some(2000), Some(3500)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SegmentAt {
    /// Its place in its track, from 0.
    pub index: usize,
    /// When it is shown or heard.
    #[serde(flatten)]
    pub span: Span,
    /// What is spoken or written in it.
    pub text: Option<String>,
    /// What it is called.
    pub name: Option<String>,
}

/// A stretch of time in the film.
///
/// ```
/// use nemovideo::draft::{Change, Draft};
/// use std::time::Duration;
///
/// let older: Draft = r#"{"t":[{"tt":0,"sg":[{"d":3000}]}]}"#.parse()?;
/// let newer: Draft = r#"{"t":[{"tt":0,"sg":[{"d":2000}]}]}"#.parse()?;
/// let diff = older.diff(&newer);
/// let Change::SegmentRetimed { segment, from, .. } = &diff.changes()[0] else { panic!() };
/// assert_eq!((from.end, segment.span.end), (Duration::from_secs(3), Duration::from_secs(2)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Span {
    /// When it begins.
    #[serde(serialize_with = "millis")]
    pub start: Duration,
    /// When it is over.
    #[serde(serialize_with = "millis")]
    pub end: Duration,
}

fn millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
