//! Edits of one segment: what it says, how loud it is, when it comes. How the others make room
//! is left to `times`.

use std::ops::Range;
use std::time::Duration;

use super::checks::{must_fit, must_have, must_say, must_sound, segment_mut, the_track, track_mut};
use super::place::Place;
use super::{EditError, Editor, times};
use crate::draft::edit::array;
use crate::draft::json::Json;
use crate::draft::lookup::{self, SEGMENTS};
use crate::draft::summary::Label;

impl Editor<'_> {
    /// Gives a segment another text: a title, a caption.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":7,"sg":[{"d":3000,"m":{"text":"Hi"}}]}]}"#.parse()?;
    /// draft.edit().set_text(0, 0, "Good morning")?;
    /// assert!(draft.summary().contains("Good morning"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            must_say(text)?;
            let label = Label::of(the_track(draft, track)?);
            let json = segment_mut(draft, track, segment)?;
            let reads = |json: &Json| lookup::text(json).is_some();
            let known = Place::of(json, lookup::TEXT, reads);
            // Some drafts have a title's text under `name` or `title`.
            let written = label.is_words() && label != Label::Voiceover;
            let named = || Place::of(json, lookup::NAME, reads).filter(|_| written);
            let place = known.or_else(named).unwrap_or(Place::in_metadata(lookup::TEXT[0]));
            place.set(json, text);
            Ok(())
        })
    }

    /// Sets how loud one segment is, from 0 to 1.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":1,"sg":[{"d":1000},{"d":1000}]}]}"#.parse()?;
    /// draft.edit().set_track_volume(0, 0.35)?.set_segment_volume(0, 1, 0.8)?;
    /// let volumes: Vec<_> = draft.tracks().flat_map(|track| track.segments())
    ///     .filter_map(|segment| segment.volume())
    ///     .collect();
    /// assert_eq!(volumes, [0.35, 0.8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            must_sound(draft, track, volume)?;
            let json = segment_mut(draft, track, segment)?;
            let place = Place::of_volume(json);
            place.unwrap_or(Place::in_metadata(lookup::VOLUME[0])).set_volume(json, volume);
            Ok(())
        })
    }

    /// Shows or plays a segment at another time. The others stay where they are.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    /// use std::time::Duration;
    ///
    /// let text = r#"{"t":[{"tt":0,"sg":[{"d":9000}]},{"tt":7,"sg":[{"d":3000}]}]}"#;
    /// let mut draft: Draft = text.parse()?;
    /// draft.edit().set_times(1, 0, Duration::from_secs(2), Duration::from_secs(4))?;
    /// let titles = draft.tracks().nth(1).ok_or("a track")?;
    /// assert_eq!(titles.end(), Duration::from_secs(6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            let mut spans = times::spans(the_track(draft, track)?);
            must_have(track, segment, spans.len())?;
            let span = must_fit(draft, start, duration)?;
            let mut others = spans.iter().enumerate().filter(|(at, _)| *at != segment);
            let meet = |other: &Range<Duration>| other.start < span.end && span.start < other.end;
            if let Some((at, _)) = others.find(|(_, other)| meet(other)) {
                return Err(EditError::Overlap { track, segment: at });
            }
            spans[segment] = span;
            let home = Place::of_starts(draft);
            times::lay_out(track_mut(draft, track)?, &spans, home);
            Ok(())
        })
    }

    /// Takes out a segment; the others stay at their times. A track that has none left goes too.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let text = r#"{"t":[{"tt":0,"sg":[{"d":1}]},{"tt":7,"sg":[{"d":1},{"d":1}]}]}"#;
    /// let mut draft: Draft = text.parse()?;
    /// let mut editor = draft.edit();
    /// editor.remove_segment(1, 0)?;
    /// assert_eq!(editor.draft().tracks().len(), 2);
    /// editor.remove_segment(1, 0)?; // the last one of its track
    /// assert_eq!(editor.draft().tracks().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`NoSegment`](EditError::NoSegment),
    /// [`NothingLeft`](EditError::NothingLeft).
    pub fn remove_segment(&mut self, track: usize, segment: usize) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let mut spans = times::spans(the_track(draft, track)?);
            must_have(track, segment, spans.len())?;
            if spans.len() == 1 {
                draft.remove_track(track);
                return Ok(());
            }
            spans.remove(segment);
            let home = Place::of_starts(draft);
            let json = track_mut(draft, track)?;
            array(json, SEGMENTS).remove(segment);
            times::lay_out(json, &spans, home);
            Ok(())
        })
    }

    /// Puts a segment elsewhere on its track; `to` is its index afterwards. Those between make
    /// room, and the pauses stay where they are in the order.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000},{"d":2000}]}]}"#.parse()?;
    /// draft.edit().move_segment(0, 1, 0)?;
    /// let track = draft.tracks().next().ok_or("a track")?;
    /// let lengths: Vec<_> = track.segments().map(|clip| clip.duration().as_secs()).collect();
    /// assert_eq!(lengths, [2, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`NoSegment`](EditError::NoSegment),
    /// [`Overlap`](EditError::Overlap) when the segments between overlap already.
    pub fn move_segment(
        &mut self,
        track: usize,
        from: usize,
        to: usize,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let spans = times::spans(the_track(draft, track)?);
            must_have(track, from, spans.len())?;
            must_have(track, to, spans.len())?;
            let overlap = |segment| EditError::Overlap { track, segment };
            let spans = times::reorder(spans, from, to).map_err(overlap)?;
            let home = Place::of_starts(draft);
            let json = track_mut(draft, track)?;
            let segments = array(json, SEGMENTS);
            let segment = segments.remove(from);
            segments.insert(to, segment);
            times::lay_out(json, &spans, home);
            Ok(())
        })
    }
}
