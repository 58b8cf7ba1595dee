//! Edits of one segment: its text, its volume, its times, its position.

use std::ops::Range;
use std::time::Duration;

use super::{
    EditError, Editor, check_segment, check_text, check_volume, checked_span, segment_mut, times,
    track_at, track_mut,
};
use crate::draft::json::Json;
use crate::draft::keys::{self, KeyPath, SEGMENTS, array_mut};
use crate::draft::summary::TrackLabel;

impl Editor<'_> {
    /// Changes the text of a segment: a title, a caption.
    ///
    /// # Errors
    /// [`NoText`](EditError::NoText), [`NoTrack`](EditError::NoTrack),
    /// [`NoSegment`](EditError::NoSegment).
    pub fn set_text(
        &mut self,
        track: usize,
        segment: usize,
        text: &str,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            check_text(text)?;
            let label = TrackLabel::of(track_at(draft, track)?);
            let json = segment_mut(draft, track, segment)?;
            let is_text = |json: &Json| keys::text(json).is_some();
            // Some drafts store the text of a title under `name` or `title`.
            let named = || KeyPath::of(json, keys::NAME, is_text).filter(|_| label.is_written());
            let path = KeyPath::of(json, keys::TEXT, is_text).or_else(named);
            path.unwrap_or(KeyPath::in_metadata(keys::TEXT[0])).set(json, text);
            Ok(())
        })
    }

    /// Sets the volume of one segment, from 0 to 1.
    ///
    /// # Errors
    /// [`Volume`](EditError::Volume), [`Silent`](EditError::Silent),
    /// [`NoTrack`](EditError::NoTrack), [`NoSegment`](EditError::NoSegment).
    pub fn set_segment_volume(
        &mut self,
        track: usize,
        segment: usize,
        volume: f64,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            check_volume(draft, track, volume)?;
            let json = segment_mut(draft, track, segment)?;
            let path = KeyPath::of_volume(json);
            path.unwrap_or(KeyPath::in_metadata(keys::VOLUME[0])).set_volume(json, volume);
            Ok(())
        })
    }

    /// Shows or plays a segment at another time. The other segments keep their times.
    ///
    /// # Errors
    /// [`NoLength`](EditError::NoLength), [`PastEnd`](EditError::PastEnd),
    /// [`Overlap`](EditError::Overlap), [`NoTrack`](EditError::NoTrack),
    /// [`NoSegment`](EditError::NoSegment).
    pub fn set_times(
        &mut self,
        track: usize,
        segment: usize,
        start: Duration,
        duration: Duration,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let mut spans = times::spans(track_at(draft, track)?);
            check_segment(track, segment, spans.len())?;
            let span = checked_span(draft, start, duration)?;
            let mut others = spans.iter().enumerate().filter(|(at, _)| *at != segment);
            let overlaps =
                |other: &Range<Duration>| other.start < span.end && span.start < other.end;
            if let Some((at, _)) = others.find(|(_, other)| overlaps(other)) {
                return Err(EditError::Overlap { track, segment: at });
            }
            spans[segment] = span;
            let start_path = times::start_path(draft);
            times::lay_out(track_mut(draft, track)?, &spans, start_path);
            Ok(())
        })
    }

    /// Removes a segment. The other segments keep their times; a track without segments is removed
    /// as well.
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`NoSegment`](EditError::NoSegment),
    /// [`NothingLeft`](EditError::NothingLeft).
    pub fn remove_segment(&mut self, track: usize, segment: usize) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let mut spans = times::spans(track_at(draft, track)?);
            check_segment(track, segment, spans.len())?;
            if spans.len() == 1 {
                draft.remove_track(track);
                return Ok(());
            }
            spans.remove(segment);
            let start_path = times::start_path(draft);
            let json = track_mut(draft, track)?;
            array_mut(json, SEGMENTS).remove(segment);
            times::lay_out(json, &spans, start_path);
            Ok(())
        })
    }

    /// Moves a segment on its track; `to` is its index afterwards. Those between make room, and the
    /// pauses keep their positions in the order.
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`NoSegment`](EditError::NoSegment),
    /// [`Overlap`](EditError::Overlap) when the segments between already overlap.
    pub fn move_segment(
        &mut self,
        track: usize,
        from: usize,
        to: usize,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let spans = times::spans(track_at(draft, track)?);
            check_segment(track, from, spans.len())?;
            check_segment(track, to, spans.len())?;
            let overlap = |segment| EditError::Overlap { track, segment };
            let spans = times::reorder(spans, from, to).map_err(overlap)?;
            let start_path = times::start_path(draft);
            let json = track_mut(draft, track)?;
            let segments = array_mut(json, SEGMENTS);
            let segment = segments.remove(from);
            segments.insert(to, segment);
            times::lay_out(json, &spans, start_path);
            Ok(())
        })
    }
}
