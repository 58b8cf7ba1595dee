//! Why an edit was refused, as a type and in words. Finding out is left to the edits and `checks`.

use std::time::Duration;

/// Why an edit was refused. The draft is as it was before.
///
/// Tracks and segments are counted from 0.
///
/// ```
/// use nemovideo::draft::{Draft, EditError};
///
/// let mut draft: Draft = r#"{"t":[{"tt":1,"sg":[{"d":1000}]}]}"#.parse()?;
/// let before = draft.clone();
/// let refused = draft.edit().set_track_volume(0, 1.5).map(drop);
/// assert!(matches!(refused, Err(EditError::Volume(_))));
/// assert_eq!(draft, before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no such track.
    #[error("there is no track {index}; the draft has {tracks}, counted from 0")]
    NoTrack {
        /// The one asked for.
        index: usize,
        /// So many there are.
        tracks: usize,
    },
    /// There is no such segment.
    #[error("there is no segment {index} on track {track}; it has {segments}, counted from 0")]
    NoSegment {
        /// The track.
        track: usize,
        /// The one asked for.
        index: usize,
        /// So many there are.
        segments: usize,
    },
    /// Two segments of a track would be shown or heard at the same time.
    #[error("it would overlap segment {segment} of track {track}; choose another time")]
    Overlap {
        /// The track.
        track: usize,
        /// The segment in the way.
        segment: usize,
    },
    /// It would go on after the film is over.
    #[error(
        "it would end at {end:?}, but the film is over after {length:?}; see Draft::set_duration"
    )]
    PastEnd {
        /// When it would end.
        end: Duration,
        /// How long the film is.
        length: Duration,
    },
    /// A time that must have a length has none.
    #[error("it would last no time at all")]
    NoLength,
    /// A text with nothing to see in it.
    #[error("the text is empty")]
    NoText,
    /// A volume is from 0 (silent) to 1 (full).
    #[error("{0} is no volume; it goes from 0 (silent) to 1 (full)")]
    Volume(f64),
    /// Text has no volume.
    #[error("track {track} is text, which has no volume")]
    Silent {
        /// The track.
        track: usize,
    },
    /// A clip would lose its beginning, and nothing tells how the draft writes that it leaves
    /// out as much of its file. Cut where the clip begins, or leave it to the service's agent.
    #[error(
        "segment {segment} of track {track} cannot lose its beginning: how much of its file it \
         leaves out has no key that is known; cut where it begins, or ask the agent to cut"
    )]
    Indivisible {
        /// The track.
        track: usize,
        /// The segment.
        segment: usize,
    },
    /// The draft tells the shape of its picture in a form that is not known, so another would
    /// contradict it.
    #[error("the draft tells the shape of its picture in a form that is not known")]
    Canvas,
    /// Nothing would be left to export.
    #[error("nothing would be left to export")]
    NothingLeft,
}
