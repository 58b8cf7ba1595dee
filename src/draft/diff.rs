//! What changed between two drafts, as types and as text for people.
//!
//! A [`Change`] is what a person would call one change: one inserted caption is one change, even
//! where all captions behind it move. Whatever has no type of its own is reported by its keys, so
//! that a diff is empty only when the drafts are equal.
//!
//! | file | contents |
//! |---|---|
//! | `change` | [`Change`] |
//! | `align` | which track and which segment became which |
//! | `compare` | how the changes are found |
//! | `wording` | the changes in English and Chinese |
//!
//! This file also holds the views of segments that `align` and `compare` work on.

mod align;
mod change;
mod compare;
mod wording;

use std::ops::Range;
use std::time::Duration;

use super::json::Json;
use super::model::{Draft, Segment, Track};
use super::summary::Language;

pub use change::{Change, ChangedItem};

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
        Diff {
            changes: if is_empty { Vec::new() } else { compare::changes(self, newer) },
            is_empty,
        }
    }
}

/// What changed from one draft to another; see [`Draft::diff`].
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    changes: Vec<Change>,
    is_empty: bool,
}

impl Diff {
    /// Returns the changes: track by track in the order of the newer draft, then the removed
    /// tracks, then what concerns the whole video. Numbers are compared by value: `1000.0` instead
    /// of `1000` is not a change, although the diff [is not empty](Self::is_empty).
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the two drafts are equal, including how numbers are written.
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
        wording::summary(&self.changes, language)
    }
}

/// A segment with the values that are compared again and again.
struct SegmentView<'d> {
    track: Track<'d>,
    json: &'d Json,
    span: Range<Duration>,
    label: Label<'d>,
    own_volume: Option<f64>,
    volume: Option<f64>,
}

impl<'d> SegmentView<'d> {
    fn all(track: Track<'d>) -> Vec<Self> {
        let track_volume = track.volume();
        let view = |segment: Segment<'d>| Self {
            track,
            json: segment.as_json(),
            span: segment.start()..segment.end(),
            label: Label { text: segment.text(), name: segment.name() },
            own_volume: segment.own_volume(),
            volume: segment.own_volume().or(track_volume),
        };
        track.segments().map(view).collect()
    }

    fn at(&self, index: usize) -> ChangedItem {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (text, name) = (owned(self.label.text), owned(self.label.name));
        ChangedItem { text, name, ..ChangedItem::on_track(index, self.track, self.span.clone()) }
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
