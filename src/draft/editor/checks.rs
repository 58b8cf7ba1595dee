//! What an edit needs and what must hold for it: a track that is there, a time within the film;
//! else the [`EditError`] that says so.

use std::ops::Range;
use std::time::Duration;

use super::EditError;
use crate::draft::edit::array;
use crate::draft::json::Json;
use crate::draft::lookup::{SEGMENTS, TRACKS};
use crate::draft::model::{Draft, Track, TrackKind};

pub(super) fn the_track(draft: &Draft, index: usize) -> Result<Track<'_>, EditError> {
    let tracks = draft.tracks().len();
    draft.tracks().nth(index).ok_or(EditError::NoTrack { index, tracks })
}

pub(super) fn track_mut(draft: &mut Draft, index: usize) -> Result<&mut Json, EditError> {
    let tracks = draft.tracks().len();
    array(&mut draft.0, TRACKS).get_mut(index).ok_or(EditError::NoTrack { index, tracks })
}

pub(super) fn segment_mut(
    draft: &mut Draft,
    track: usize,
    index: usize,
) -> Result<&mut Json, EditError> {
    must_have(track, index, the_track(draft, track)?.segments().len())?;
    Ok(&mut array(track_mut(draft, track)?, SEGMENTS)[index])
}

pub(super) fn must_have(track: usize, index: usize, segments: usize) -> Result<(), EditError> {
    if index < segments { Ok(()) } else { Err(EditError::NoSegment { track, index, segments }) }
}

pub(super) fn must_say(text: &str) -> Result<(), EditError> {
    if text.trim().is_empty() { Err(EditError::NoText) } else { Ok(()) }
}

/// A stretch of the film, in the whole milliseconds that drafts count in. Both ends are rounded,
/// not the length, so that what was end to end still is.
pub(super) fn must_fit(
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

pub(super) fn must_sound(draft: &Draft, track: usize, volume: f64) -> Result<(), EditError> {
    if !(0.0..=1.0).contains(&volume) {
        return Err(EditError::Volume(volume));
    }
    match the_track(draft, track)?.kind() {
        Some(TrackKind::Text) => Err(EditError::Silent { track }),
        _ => Ok(()),
    }
}
