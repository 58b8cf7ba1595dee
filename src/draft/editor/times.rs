//! The segments of a track in time: laid out, put in another order, cut. What may be done is
//! decided by the editor.

use std::ops::Range;
use std::time::Duration;

use super::EditError;
use super::place::Place;
use crate::draft::edit::{array, object};
use crate::draft::json::Json;
use crate::draft::lookup::{self, DURATION, SEGMENTS, TRACKS};
use crate::draft::model::{Draft, Segment, Track, TrackKind, TrackRole};

type Span = Range<Duration>;

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn spans(track: Track<'_>) -> Vec<Span> {
    track.segments().map(|segment| segment.start()..segment.end()).collect()
}

/// Writes when the segments of a track are shown or heard; nothing where they say so already.
/// Those that say no start themselves do so only where it does not follow from the one before.
pub(super) fn lay_out(track: &mut Json, spans: &[Span], home: Place) {
    let mut after = Duration::ZERO;
    for (segment, span) in array(track, SEGMENTS).iter_mut().zip(spans) {
        let told = Place::of_start(segment);
        let start = told.and_then(|place| lookup::millis(place.get(segment)?)).unwrap_or(after);
        if start != span.start {
            told.unwrap_or(home).set_start(segment, span.start);
        }
        let duration = segment.get(DURATION).and_then(lookup::millis).unwrap_or_default();
        let wanted = span.end - span.start;
        if duration != wanted {
            set_duration(segment, wanted);
        }
        after = span.end;
    }
}

fn set_duration(segment: &mut Json, duration: Duration) {
    object(segment).insert(DURATION, millis(duration));
}

/// The times after one segment has gone elsewhere: one after the other, each pause between the
/// same places in the order. The error is a segment that overlaps the one before.
pub(super) fn reorder(spans: Vec<Span>, from: usize, to: usize) -> Result<Vec<Span>, usize> {
    let (first, last) = (from.min(to), from.max(to));
    let mut pauses = Vec::new();
    for at in first..last {
        let pause = spans[at + 1].start.checked_sub(spans[at].end).ok_or(at + 1)?;
        pauses.push(pause);
    }
    let mut start = spans[first].start;
    let mut ordered = spans;
    let moved = ordered.remove(from);
    ordered.insert(to, moved);
    let pauses = pauses.into_iter().chain([Duration::ZERO]);
    for (span, pause) in ordered[first..=last].iter_mut().zip(pauses) {
        *span = start..start + (span.end - span.start);
        start = span.end + pause;
    }
    Ok(ordered)
}

/// Takes a stretch of time, in whole milliseconds, out of all tracks. A track of which nothing is
/// left would stand in the timeline for nothing, and goes.
pub(super) fn cut(draft: &mut Draft, gone: Span) -> Result<(), EditError> {
    let home = Place::of_starts(draft);
    let plans = draft.tracks().enumerate().map(|(at, track)| plan(at, track, &gone));
    let plans: Vec<Vec<Vec<Piece>>> = plans.collect::<Result<_, _>>()?;
    let tracks = array(&mut draft.0, TRACKS);
    let mut plans = plans.into_iter();
    tracks.retain_mut(|track| {
        let plan = plans.next().unwrap_or_default();
        if plan.is_empty() {
            return true;
        }
        let mut spans = Vec::new();
        let segments = array(track, SEGMENTS);
        for (segment, pieces) in std::mem::take(segments).into_iter().zip(plan) {
            for (at, piece) in pieces.into_iter().enumerate() {
                segments.push(piece.of(&segment, at > 0));
                spans.push(piece.span);
            }
        }
        if spans.is_empty() {
            return false;
        }
        lay_out(track, &spans, home);
        true
    });
    Ok(())
}

/// What is left of each segment of a track.
fn plan(index: usize, track: Track<'_>, gone: &Span) -> Result<Vec<Vec<Piece>>, EditError> {
    // These are there to fill the time; which part of them is seen or heard does not matter.
    let fills = matches!(track.role(), Some(TrackRole::Background | TrackRole::Music));
    let plays = matches!(track.kind(), Some(TrackKind::Video | TrackKind::Audio));
    let plan = |(at, segment): (usize, Segment<'_>)| {
        let can_skip = can_skip(segment.as_json());
        let divides = !fills && (plays || can_skip);
        let pieces = pieces(&(segment.start()..segment.end()), gone, divides);
        if divides && !can_skip && pieces.iter().any(|piece| !piece.skipped.is_zero()) {
            return Err(EditError::Indivisible { track: index, segment: at });
        }
        Ok(pieces)
    };
    track.segments().enumerate().map(plan).collect()
}

/// What is left of a segment.
#[derive(Debug, PartialEq)]
struct Piece {
    span: Span,
    /// How much of the segment's own beginning is gone.
    skipped: Duration,
}

impl Piece {
    fn of(&self, segment: &Json, is_second: bool) -> Json {
        let mut segment = segment.clone();
        if can_skip(&segment) && !self.skipped.is_zero() {
            let place = Place::of_skip(&segment);
            let place = place.unwrap_or(Place::in_metadata(lookup::SKIP[0]));
            let before = place.get(&segment).and_then(lookup::millis).unwrap_or_default();
            place.set(&mut segment, millis(before + self.skipped));
        }
        // Two things cannot be the same one.
        if is_second && let Some(id) = Place::of(&segment, lookup::ID, |_| true) {
            id.remove(&mut segment);
        }
        segment
    }
}

/// Whether it is known how this segment leaves out the beginning of what it plays.
fn can_skip(segment: &Json) -> bool {
    Place::of_skip(segment).is_some()
        || Place::of(segment, lookup::MEDIA, |json| !json.is_null()).is_some()
}

fn pieces(span: &Span, gone: &Span, divides: bool) -> Vec<Piece> {
    let moved = |time: Duration| time - (gone.end - gone.start);
    let head = (span.start < gone.start)
        .then(|| Piece { span: span.start..span.end.min(gone.start), skipped: Duration::ZERO });
    let goes_on = span.end > gone.end || span.start >= gone.end;
    let tail = goes_on.then(|| {
        let start = span.start.max(gone.end);
        Piece { span: moved(start)..moved(span.end), skipped: start - span.start }
    });
    match (head, tail) {
        (Some(head), Some(tail)) if !divides => {
            vec![Piece { span: head.span.start..tail.span.end, skipped: Duration::ZERO }]
        }
        (head, tail) => head.into_iter().chain(tail).collect(),
    }
}
