//! When the segments of a track start and end: laid out, reordered, cut. Whether an edit is valid
//! is checked by the editor.

use std::ops::Range;
use std::time::Duration;

use super::EditError;
use crate::draft::json::Json;
use crate::draft::keys::{self, DURATION, KeyPath, SEGMENTS, TRACKS, array_mut, as_millis};
use crate::draft::model::{Draft, Segment, Track, TrackKind, TrackRole};

type Span = Range<Duration>;

pub(super) fn spans(track: Track<'_>) -> Vec<Span> {
    track.segments().map(|segment| segment.start()..segment.end()).collect()
}

fn is_time(json: &Json) -> bool {
    keys::millis(json).is_some()
}

/// Returns the path under which the segments of a draft state their start.
pub(super) fn start_path(draft: &Draft) -> KeyPath<'static> {
    let segments = draft.tracks().flat_map(|track| track.segments().map(|s| s.as_json()));
    let known = KeyPath::among(segments, keys::START, is_time);
    known.unwrap_or(KeyPath::default_of(keys::START))
}

/// Writes the times of the segments of a track where they differ. A segment that states no start
/// gets one only when it does not start at the end of the previous segment.
pub(super) fn lay_out(track: &mut Json, spans: &[Span], start_path: KeyPath<'_>) {
    let mut previous_end = Duration::ZERO;
    for (segment, span) in array_mut(track, SEGMENTS).iter_mut().zip(spans) {
        let own = KeyPath::of(segment, keys::START, is_time);
        let start = own.and_then(|path| keys::millis(path.get(segment)?)).unwrap_or(previous_end);
        if start != span.start {
            own.unwrap_or(start_path).set(segment, as_millis(span.start));
        }
        let duration = segment.get(DURATION).and_then(keys::millis).unwrap_or_default();
        if duration != span.end - span.start {
            segment.make_object().insert(DURATION, as_millis(span.end - span.start));
        }
        previous_end = span.end;
    }
}

/// Returns the times after one segment has moved: one after the other, each pause in its position
/// in the order. The error is a segment that overlaps the previous one.
pub(super) fn reorder(spans: Vec<Span>, from: usize, to: usize) -> Result<Vec<Span>, usize> {
    let (first, last) = (from.min(to), from.max(to));
    let mut pauses = Vec::new();
    for at in first..last {
        pauses.push(spans[at + 1].start.checked_sub(spans[at].end).ok_or(at + 1)?);
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

/// Cuts a range of whole milliseconds out of all tracks. Tracks of which nothing is left are
/// removed.
pub(super) fn cut(draft: &mut Draft, range: Span) -> Result<(), EditError> {
    let start_path = start_path(draft);
    let plans = draft.tracks().enumerate().map(|(at, track)| plan(at, track, &range));
    let plans: Vec<Vec<Vec<Remainder>>> = plans.collect::<Result<_, _>>()?;
    let mut plans = plans.into_iter();
    if let Some(poster) = KeyPath::of(&draft.0, keys::POSTER, is_time)
        && let Some(time) = poster.get(&draft.0).and_then(keys::millis)
        && time > range.start
    {
        poster.set(&mut draft.0, as_millis(without(time, &range)));
    }
    array_mut(&mut draft.0, TRACKS).retain_mut(|track| {
        let plan = plans.next().unwrap_or_default();
        if plan.is_empty() {
            return true;
        }
        let mut spans = Vec::new();
        let olds = self::spans(Track { json: track });
        let segments = array_mut(track, SEGMENTS);
        for ((segment, remainders), old) in std::mem::take(segments).into_iter().zip(plan).zip(olds)
        {
            for (at, remainder) in remainders.into_iter().enumerate() {
                let mut rest = remainder.of(&segment, at > 0);
                move_words(&mut rest, &old, &range, remainder.span.start);
                segments.push(rest);
                spans.push(remainder.span);
            }
        }
        if spans.is_empty() {
            return false;
        }
        lay_out(track, &spans, start_path);
        true
    });
    Ok(())
}

/// Computes what a cut leaves of each segment of a track.
fn plan(index: usize, track: Track<'_>, range: &Span) -> Result<Vec<Vec<Remainder>>, EditError> {
    // These only fill the time; which part of them is shown or played does not matter.
    let fills = matches!(track.role(), Some(TrackRole::Background | TrackRole::Music));
    let plays = matches!(track.kind(), Some(TrackKind::Video | TrackKind::Audio));
    let plan = |(at, segment): (usize, Segment<'_>)| {
        let can_skip = can_skip(segment.as_json());
        let is_split = !fills && (plays || can_skip);
        let remainders = remainders(&(segment.start()..segment.end()), range, is_split);
        if is_split && !can_skip && remainders.iter().any(|rest| !rest.skipped.is_zero()) {
            return Err(EditError::Indivisible { track: index, segment: at });
        }
        Ok(remainders)
    };
    track.segments().enumerate().map(plan).collect()
}

/// A part of a segment that a cut leaves.
struct Remainder {
    span: Span,
    /// Duration that was cut off at the beginning of the segment.
    skipped: Duration,
}

impl Remainder {
    fn of(&self, segment: &Json, is_second: bool) -> Json {
        let mut segment = segment.clone();
        if can_skip(&segment) && !self.skipped.is_zero() {
            let path = KeyPath::of(&segment, keys::SKIP, is_time)
                .unwrap_or(KeyPath::default_of(keys::SKIP));
            let before = path.get(&segment).and_then(keys::millis).unwrap_or_default();
            path.set(&mut segment, as_millis(before + self.skipped));
        }
        // An id must stay unique.
        if is_second && let Some(id) = KeyPath::of(&segment, keys::ID, |_| true) {
            id.remove(&mut segment);
        }
        segment
    }
}

/// Whether it is known how this segment leaves out the beginning of its media.
fn can_skip(segment: &Json) -> bool {
    KeyPath::of(segment, keys::SKIP, is_time).is_some()
        || KeyPath::of(segment, keys::MEDIA, |json| !json.is_null()).is_some()
}

/// Returns where a time is once a range was cut out before it, or around it.
fn without(time: Duration, range: &Span) -> Duration {
    time.min(range.start) + time.saturating_sub(range.end)
}

/// Shifts the times of the words of a text, of which a range is cut out. A segment that leaves out
/// the beginning of its media keeps the times within the media.
fn move_words(segment: &mut Json, old: &Span, range: &Span, start: Duration) {
    if can_skip(segment) {
        return;
    }
    for keys in [keys::WORDS, keys::MARKS] {
        let Some(path) = KeyPath::of(segment, keys, |json| json.as_array().is_some()) else {
            continue;
        };
        let Some(mut words) = path.get(segment).cloned() else { continue };
        for word in words.make_array() {
            if let Some([_, time]) = word.as_array()
                && let Some(ms) = keys::millis(time)
            {
                let moved = without(old.start.saturating_add(ms), range).saturating_sub(start);
                word.make_array()[1] = as_millis(moved).into();
            }
        }
        path.set(segment, words);
    }
}

fn remainders(span: &Span, range: &Span, is_split: bool) -> Vec<Remainder> {
    let moved = |time: Duration| time - (range.end - range.start);
    let head = (span.start < range.start).then(|| Remainder {
        span: span.start..span.end.min(range.start),
        skipped: Duration::ZERO,
    });
    let continues = span.end > range.end || span.start >= range.end;
    let tail = continues.then(|| {
        let start = span.start.max(range.end);
        Remainder { span: moved(start)..moved(span.end), skipped: start - span.start }
    });
    match (head, tail) {
        (Some(head), Some(tail)) if !is_split => {
            vec![Remainder { span: head.span.start..tail.span.end, skipped: Duration::ZERO }]
        }
        (head, tail) => head.into_iter().chain(tail).collect(),
    }
}
