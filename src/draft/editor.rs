//! Checked edits of a draft, in terms of tracks and times. The setters of `edit` accept any JSON
//! anywhere; an [`Editor`] leaves no overlap, nothing past the end and nothing that cannot be
//! exported, or else leaves the draft unchanged.
//!
//! Names, volumes and starts are written under the keys that the draft at hand uses (see
//! `keys::KeyPath`), and unknown keys stay in their position.
//!
//! This file holds the editor, its error and the edits of the whole video; `tracks` holds the edits
//! of tracks and segments, `looks` those of styles, chapters, music and images, and `times` computes
//! when segments start and end.

mod looks;
mod times;
mod tracks;

use std::ops::Range;
use std::time::Duration;

use super::canvas::{self, Aspect};
use super::json::Json;
use super::keys::{self, DURATION, SEGMENTS, TRACKS, array_mut};
use super::model::{Draft, Track, TrackKind};
#[cfg(feature = "local")]
pub(crate) use looks::set_chapters;

impl Draft {
    /// Changes the draft step by step. Each step either succeeds or leaves the draft unchanged.
    ///
    /// ```
    /// use nemovideo::draft::{Aspect, Draft, EditError};
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":1,"sg":[{"d":60000,"vol":"80%","x":1}]}],"d":60000}"#.parse()?;
    /// draft
    ///     .edit()
    ///     .add_title("Morning Brew", Duration::ZERO, Duration::from_secs(3))?
    ///     .set_track_volume(0, 0.35)?
    ///     .trim_to(Duration::from_secs(30))?
    ///     .set_aspect(Aspect::Portrait)?;
    /// assert!(draft.to_json().contains(r#"{"d":30000,"vol":"35%","x":1}"#));
    ///
    /// let late = draft.edit().add_title("The End", Duration::from_secs(28), Duration::from_secs(3)).map(drop);
    /// assert!(matches!(late, Err(EditError::PastEnd { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn edit(&mut self) -> Editor<'_> {
        Editor { draft: self }
    }
}

/// Changes a draft with checks; see [`Draft::edit`]. Tracks and segments are counted from 0. Drafts
/// use milliseconds: other times are rounded to the nearest one.
#[derive(Debug)]
pub struct Editor<'d> {
    draft: &'d mut Draft,
}

impl Editor<'_> {
    /// Applies `edit` to a copy, which replaces the draft only on success.
    fn change(
        &mut self,
        edit: impl FnOnce(&mut Draft) -> Result<(), EditError>,
    ) -> Result<&mut Self, EditError> {
        let mut changed = self.draft.clone();
        edit(&mut changed)?;
        if self.draft.is_ready_to_export() && !changed.is_ready_to_export() {
            return Err(EditError::NothingLeft);
        }
        *self.draft = changed;
        Ok(self)
    }

    /// Trims the video to `length`.
    ///
    /// # Errors
    /// [`NoLength`](EditError::NoLength), [`PastEnd`](EditError::PastEnd) when the video is shorter
    /// than that, [`NothingLeft`](EditError::NothingLeft).
    pub fn trim_to(&mut self, length: Duration) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let length = checked_span(draft, Duration::ZERO, length)?.end;
            let ends = draft.tracks().map(|track| track.end());
            let end = ends.chain([draft.duration()]).max().unwrap_or_default();
            if length < end {
                times::cut(draft, length..end)?;
                draft.set_duration(length);
            }
            Ok(())
        })
    }

    /// Cuts a time range out of the video; what comes after moves up. Video and audio clips that
    /// contain the range are split in two, so that audio and video stay in sync; music, backgrounds
    /// and texts become shorter.
    ///
    /// A clip that loses its beginning must leave out as much of its file. How the service writes
    /// that is not documented; where a clip has no known key for it (`media`, `skip`), the cut
    /// fails rather than shift the content.
    ///
    /// # Errors
    /// [`NoLength`](EditError::NoLength), [`PastEnd`](EditError::PastEnd),
    /// [`Indivisible`](EditError::Indivisible), [`NothingLeft`](EditError::NothingLeft) also when
    /// the whole video would be cut out.
    pub fn cut(&mut self, range: Range<Duration>) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let range = checked_span(draft, range.start, range.end.saturating_sub(range.start))?;
            let left = draft.duration() - (range.end - range.start);
            // Also where a segment continues after the stated end: it is not shown, and a stated
            // duration of zero would show it.
            if left.is_zero() {
                return Err(EditError::NothingLeft);
            }
            times::cut(draft, range)?;
            // A draft that states its duration must keep stating it; any other is as long as its
            // content.
            if draft.get(DURATION).is_some() || draft.duration() != left {
                draft.set_duration(left);
            }
            Ok(())
        })
    }

    /// Changes the aspect ratio wherever the draft states it: as a ratio, as a word, as `width` and
    /// `height`, on its own or in an object. Each keeps its form, and a size its shorter side.
    ///
    /// # Errors
    /// [`Canvas`](EditError::Canvas) when the draft states its aspect ratio in an unknown form.
    pub fn set_aspect(&mut self, aspect: Aspect) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            if !canvas::reshape(&mut draft.0, aspect) {
                draft.set_metadata(keys::ASPECT[0], aspect.ratio());
            }
            // A draft with two aspect ratios would render as something unexpected.
            if draft.aspect() == Some(aspect) { Ok(()) } else { Err(EditError::Canvas) }
        })
    }
}

fn track_at(draft: &Draft, index: usize) -> Result<Track<'_>, EditError> {
    let tracks = draft.tracks().len();
    draft.tracks().nth(index).ok_or(EditError::NoTrack { index, tracks })
}

fn track_mut(draft: &mut Draft, index: usize) -> Result<&mut Json, EditError> {
    let tracks = draft.tracks().len();
    array_mut(&mut draft.0, TRACKS).get_mut(index).ok_or(EditError::NoTrack { index, tracks })
}

fn segment_mut(draft: &mut Draft, index: usize, segment: usize) -> Result<&mut Json, EditError> {
    check_segment(index, segment, track_at(draft, index)?.segments().len())?;
    Ok(&mut array_mut(track_mut(draft, index)?, SEGMENTS)[segment])
}

fn check_segment(track: usize, index: usize, segments: usize) -> Result<(), EditError> {
    if index < segments { Ok(()) } else { Err(EditError::NoSegment { track, index, segments }) }
}

fn check_text(text: &str) -> Result<(), EditError> {
    if text.trim().is_empty() { Err(EditError::NoText) } else { Ok(()) }
}

fn check_volume(draft: &Draft, index: usize, volume: f64) -> Result<(), EditError> {
    if !(0.0..=1.0).contains(&volume) {
        return Err(EditError::Volume(volume));
    }
    match track_at(draft, index)?.kind() {
        Some(TrackKind::Text) => Err(EditError::Silent { track: index }),
        _ => Ok(()),
    }
}

/// Returns a time range within the video in whole milliseconds. Both ends are rounded, not the
/// length, so that adjacent ranges stay adjacent.
fn checked_span(
    draft: &Draft,
    start: Duration,
    duration: Duration,
) -> Result<Range<Duration>, EditError> {
    let (start, end) = (rounded(start), rounded(start.saturating_add(duration)));
    let length = draft.duration();
    if end > length {
        Err(EditError::PastEnd { end, length })
    } else if start == end {
        Err(EditError::NoLength)
    } else {
        Ok(start..end)
    }
}

fn rounded(time: Duration) -> Duration {
    let millis = (time.subsec_nanos() + 500_000) / 1_000_000;
    let seconds = Duration::from_secs(time.as_secs());
    seconds.checked_add(Duration::from_millis(millis.into())).unwrap_or(time)
}

/// Why an edit was rejected. The draft is unchanged. Tracks and segments are counted from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no such track.
    #[error("there is no track {index}; the draft has {tracks}, counted from 0")]
    NoTrack {
        /// The requested track.
        index: usize,
        /// Number of tracks.
        tracks: usize,
    },
    /// There is no such segment.
    #[error("there is no segment {index} on track {track}; it has {segments}, counted from 0")]
    NoSegment {
        /// The track.
        track: usize,
        /// The requested segment.
        index: usize,
        /// Number of segments on the track.
        segments: usize,
    },
    /// Two segments of a track would be shown or heard at the same time.
    #[error("it would overlap segment {segment} of track {track}; choose another time")]
    Overlap {
        /// The track.
        track: usize,
        /// The other segment.
        segment: usize,
    },
    /// The segment would end after the end of the video.
    #[error(
        "it would end at {end:?}, after the end of the video at {length:?}; see Draft::set_duration"
    )]
    PastEnd {
        /// The requested end.
        end: Duration,
        /// Duration of the video.
        length: Duration,
    },
    /// A time range is empty.
    #[error("the time range is empty")]
    NoLength,
    /// A text is blank.
    #[error("the text is empty")]
    NoText,
    /// A volume is not between 0 (silent) and 1 (full).
    #[error("{0} is not a volume; it ranges from 0 (silent) to 1 (full)")]
    Volume(f64),
    /// A text track has no volume.
    #[error("track {track} is text, which has no volume")]
    Silent {
        /// The track.
        track: usize,
    },
    /// A track has no content of the kind that the edit is about.
    #[error("track {track} has no {expected}")]
    WrongTrack {
        /// The track.
        track: usize,
        /// The kind of content.
        expected: &'static str,
    },
    /// A clip would lose its beginning, and the draft does not show under which key a clip leaves
    /// out the beginning of its file. Cut where the clip starts, or ask the service's agent to cut.
    #[error(
        "segment {segment} of track {track} cannot lose its beginning: no known key states how \
         much of its file it leaves out; cut where it starts, or ask the agent to cut"
    )]
    Indivisible {
        /// The track.
        track: usize,
        /// The segment.
        segment: usize,
    },
    /// The draft states its aspect ratio in an unknown form, which another one would contradict.
    #[error("the draft states its aspect ratio in an unknown form")]
    Canvas,
    /// Nothing would be left to export.
    #[error("nothing would be left to export")]
    NothingLeft,
}
