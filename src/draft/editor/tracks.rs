//! Edits of a track: adding a title, removing, moving, changing the volume.

use std::time::Duration;

use super::{
    EditError, Editor, check_text, check_volume, checked_span, times, track_at, track_mut,
};
use crate::draft::keys::{self, KeyPath, SEGMENTS, TRACKS, array_mut, as_millis};
use crate::draft::model::{TrackKind, TrackRole};
use crate::draft::{Json, Object};

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
            text_path.unwrap_or(KeyPath::in_metadata(keys::TEXT[0])).set(&mut segment, text);
            let index = draft.tracks().len();
            draft.push_track(TrackKind::Text);
            let track = track_mut(draft, index)?;
            role_path
                .unwrap_or(KeyPath::in_metadata(keys::ROLE[0]))
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
                let path = track_path.unwrap_or(KeyPath::in_metadata(keys::VOLUME[0]));
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
            let tracks = array_mut(&mut draft.0, TRACKS);
            let track = tracks.remove(from);
            tracks.insert(to, track);
            Ok(())
        })
    }
}
