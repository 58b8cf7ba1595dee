//! Edits of a track: added, taken out, put elsewhere, louder or quieter.

use std::time::Duration;

use super::checks::{must_fit, must_say, must_sound, the_track, track_mut};
use super::place::Place;
use super::{EditError, Editor, times};
use crate::draft::edit::array;
use crate::draft::lookup::{self, SEGMENTS, TRACKS};
use crate::draft::model::{TrackKind, TrackRole};

impl Editor<'_> {
    /// Adds a title, on a track of its own behind the others.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
    /// draft.edit().add_title("Morning Brew", Duration::from_secs(1), Duration::from_secs(3))?;
    /// assert!(draft.summary().ends_with(r#"2. Title: "Morning Brew" (1-4s)"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            must_say(text)?;
            let span = must_fit(draft, start, duration)?;
            let texts = || draft.tracks().filter(|track| track.kind() == Some(TrackKind::Text));
            let home =
                Place::among_segments(texts(), lookup::TEXT, |json| lookup::text(json).is_some());
            let start_home = Place::of_starts(draft);
            let roles = || draft.tracks().map(|track| track.as_json());
            let role =
                Place::among(roles(), &lookup::ROLE[..1], |json| lookup::text(json).is_some());
            let mut track = draft.push_track(TrackKind::Text);
            role.unwrap_or(Place::in_metadata(lookup::ROLE[0]))
                .set(track.json_mut(), TrackRole::Title.as_str());
            let mut segment = track.push_segment(span.end - span.start);
            // A segment without a start starts at 0 when it is the first.
            if !span.start.is_zero() {
                start_home.set(segment.json_mut(), times::millis(span.start));
            }
            home.unwrap_or(Place::in_metadata(lookup::TEXT[0])).set(segment.json_mut(), text);
            Ok(())
        })
    }

    /// Sets how loud all of a track is, from 0 to 1: on its segments where they say it
    /// themselves, on the track for the others.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let text = r#"{"t":[{"tt":1,"sg":[{"d":9000,"volume":80},{"d":1000}]}]}"#;
    /// let mut draft: Draft = text.parse()?;
    /// draft.edit().set_track_volume(0, 0.35)?;
    /// let segments = draft.tracks().flat_map(|track| track.segments());
    /// assert!(segments.into_iter().all(|segment| segment.volume() == Some(0.35)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Volume`](EditError::Volume), [`Silent`](EditError::Silent),
    /// [`NoTrack`](EditError::NoTrack).
    pub fn set_track_volume(&mut self, track: usize, volume: f64) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            must_sound(draft, track, volume)?;
            let json = track_mut(draft, track)?;
            let mut inherited = Place::of_volume(json).is_some();
            let segments = array(json, SEGMENTS);
            inherited |= segments.is_empty();
            for segment in segments {
                match Place::of_volume(segment) {
                    Some(place) => place.set_volume(segment, volume),
                    None => inherited = true,
                }
            }
            if inherited {
                let place = Place::of_volume(json);
                place.unwrap_or(Place::in_metadata(lookup::VOLUME[0])).set_volume(json, volume);
            }
            Ok(())
        })
    }

    /// Takes out a track.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, EditError};
    ///
    /// let text = r#"{"t":[{"tt":0,"sg":[{"d":9000}]},{"tt":7,"sg":[{"d":3000}]}]}"#;
    /// let mut draft: Draft = text.parse()?;
    /// draft.edit().remove_track(1)?;
    /// assert_eq!(draft.tracks().len(), 1);
    ///
    /// let refused = draft.edit().remove_track(0).map(drop);
    /// assert_eq!(refused, Err(EditError::NothingLeft)); // a film of nothing cannot be exported
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`NothingLeft`](EditError::NothingLeft).
    pub fn remove_track(&mut self, track: usize) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            the_track(draft, track)?;
            draft.remove_track(track);
            Ok(())
        })
    }

    /// Puts a track elsewhere among the others; `to` is its index afterwards.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, TrackKind};
    ///
    /// let text = r#"{"t":[{"tt":0,"sg":[{"d":1}]},{"tt":7,"sg":[{"d":1}]}]}"#;
    /// let mut draft: Draft = text.parse()?;
    /// draft.edit().move_track(1, 0)?;
    /// assert_eq!(draft.tracks().next().and_then(|track| track.kind()), Some(TrackKind::Text));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack).
    pub fn move_track(&mut self, from: usize, to: usize) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            the_track(draft, from)?;
            the_track(draft, to)?;
            let tracks = array(&mut draft.0, TRACKS);
            let track = tracks.remove(from);
            tracks.insert(to, track);
            Ok(())
        })
    }
}
