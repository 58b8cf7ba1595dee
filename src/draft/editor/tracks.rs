//! Edits of a track and of one segment: title, text, volume, times, position, removal.

use std::ops::Range;
use std::time::Duration;

use super::{
    EditError, Editor, check_segment, check_text, check_volume, checked_span, segment_mut, times,
    track_at, track_mut,
};
use crate::draft::json::{Json, Object};
use crate::draft::keys::{self, KeyPath, SEGMENTS, TRACKS, array_mut, as_millis};
use crate::draft::model::{Draft, TrackKind, TrackRole};
use crate::draft::summary::TrackLabel;

impl Editor<'_> {
    /// Adds a title on a new track behind the others.
    ///
    /// # Errors
    /// [`NoText`](EditError::NoText), [`NoLength`](EditError::NoLength),
    /// [`PastEnd`](EditError::PastEnd).
    pub fn add_title(
        &mut self,
        text: &str,
        start: Duration,
        duration: Duration,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            check_text(text)?;
            let span = checked_span(draft, start, duration)?;
            let is_text = |json: &Json| keys::text(json).is_some();
            let texts = draft.tracks().filter(|track| track.kind() == Some(TrackKind::Text));
            let texts = texts.flat_map(|track| track.segments().map(|s| s.as_json()));
            let text_path = KeyPath::among(texts, keys::TEXT, is_text);
            let start_path = times::start_path(draft);
            let tracks = draft.tracks().map(|track| track.as_json());
            let role_path = KeyPath::among(tracks, &keys::ROLE[..1], is_text);

            let mut segment =
                Json::from(Object::from([(keys::DURATION, as_millis(span.end - span.start))]));
            // A first segment without a stated start starts at 0.
            if !span.start.is_zero() {
                start_path.set(&mut segment, as_millis(span.start));
            }
            text_path.unwrap_or(KeyPath::default_of(keys::TEXT)).set(&mut segment, text);
            let index = draft.tracks().len();
            draft.push_track(TrackKind::Text);
            let track = track_mut(draft, index)?;
            role_path
                .unwrap_or(KeyPath::default_of(keys::ROLE))
                .set(track, TrackRole::Title.as_str());
            array_mut(track, SEGMENTS).push(segment);
            Ok(())
        })
    }

    /// Sets the volume of a whole track, from 0 to 1: on its segments where they state their own,
    /// on the track for the others.
    ///
    /// # Errors
    /// [`Volume`](EditError::Volume), [`Silent`](EditError::Silent),
    /// [`NoTrack`](EditError::NoTrack).
    pub fn set_track_volume(&mut self, track: usize, volume: f64) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            check_volume(draft, track, volume)?;
            let json = track_mut(draft, track)?;
            let track_path = KeyPath::of_volume(json);
            let segments = array_mut(json, SEGMENTS);
            let mut is_inherited = track_path.is_some() || segments.is_empty();
            for segment in segments {
                match KeyPath::of_volume(segment) {
                    Some(path) => path.set_volume(segment, volume),
                    None => is_inherited = true,
                }
            }
            if is_inherited {
                let path = track_path.unwrap_or(KeyPath::default_of(keys::VOLUME));
                path.set_volume(json, volume);
            }
            Ok(())
        })
    }

    /// Removes a track.
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`NothingLeft`](EditError::NothingLeft).
    pub fn remove_track(&mut self, track: usize) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            track_at(draft, track)?;
            draft.remove_track(track);
            Ok(())
        })
    }

    /// Moves a track among the others; `to` is its index afterwards.
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack).
    pub fn move_track(&mut self, from: usize, to: usize) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            track_at(draft, from)?;
            track_at(draft, to)?;
            relocate(array_mut(&mut draft.0, TRACKS), from, to);
            Ok(())
        })
    }

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
            path.unwrap_or(KeyPath::default_of(keys::TEXT)).set(json, text);
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
            path.unwrap_or(KeyPath::default_of(keys::VOLUME)).set_volume(json, volume);
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
            rearrange(draft, track, &spans, |_| {})
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
            rearrange(draft, track, &spans, |segments| drop(segments.remove(segment)))
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
            rearrange(draft, track, &spans, |segments| relocate(segments, from, to))
        })
    }
}

/// Changes which segments a track has, and then writes their times.
fn rearrange(
    draft: &mut Draft,
    track: usize,
    spans: &[Range<Duration>],
    change: impl FnOnce(&mut Vec<Json>),
) -> Result<(), EditError> {
    let start_path = times::start_path(draft);
    let json = track_mut(draft, track)?;
    change(array_mut(json, SEGMENTS));
    times::lay_out(json, spans, start_path);
    Ok(())
}

fn relocate(items: &mut Vec<Json>, from: usize, to: usize) {
    let item = items.remove(from);
    items.insert(to, item);
}
