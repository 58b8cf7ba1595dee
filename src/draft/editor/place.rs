//! Where a draft keeps what is not documented: the editor writes a volume where this draft has
//! its volumes, in the form it has them, and starts a new habit only where there is none.

use std::time::Duration;

use super::times::millis;
use crate::draft::edit::{metadata, object};
use crate::draft::json::Json;
use crate::draft::lookup::{self, METADATA};
use crate::draft::model::{Draft, Track};

/// A key, in a thing itself or in its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    in_metadata: bool,
    key: &'static str,
}

impl Place {
    pub(super) fn in_metadata(key: &'static str) -> Self {
        Self { in_metadata: true, key }
    }

    /// Where `json` has what [`lookup::find`] finds under these keys.
    pub(super) fn of(
        json: &Json,
        keys: &'static [&'static str],
        reads: impl Fn(&Json) -> bool,
    ) -> Option<Self> {
        let has = |place: &Self| place.get(json).is_some_and(&reads);
        [false, true]
            .into_iter()
            .flat_map(|in_metadata| keys.iter().map(move |key| Self { in_metadata, key }))
            .find(has)
    }

    /// Where the first of many has it that has it at all.
    pub(super) fn among<'j>(
        mut things: impl Iterator<Item = &'j Json>,
        keys: &'static [&'static str],
        reads: impl Fn(&Json) -> bool,
    ) -> Option<Self> {
        things.find_map(|json| Self::of(json, keys, &reads))
    }

    pub(super) fn among_segments<'j>(
        tracks: impl Iterator<Item = Track<'j>>,
        keys: &'static [&'static str],
        reads: impl Fn(&Json) -> bool,
    ) -> Option<Self> {
        let segments = tracks.flat_map(|track| track.segments().map(|s| s.as_json()));
        Self::among(segments, keys, reads)
    }

    /// Where the segments of a draft say when they start.
    pub(super) fn of_starts(draft: &Draft) -> Self {
        let known = Self::among_segments(draft.tracks(), lookup::START, is_time);
        known.unwrap_or(Self::in_metadata(lookup::START[0]))
    }

    pub(super) fn of_start(segment: &Json) -> Option<Self> {
        Self::of(segment, lookup::START, is_time)
    }

    pub(super) fn of_skip(segment: &Json) -> Option<Self> {
        Self::of(segment, lookup::SKIP, is_time)
    }

    pub(super) fn of_volume(json: &Json) -> Option<Self> {
        Self::of(json, lookup::VOLUME, |json| lookup::volume(json).is_some())
    }

    pub(super) fn get(self, json: &Json) -> Option<&Json> {
        let home = if self.in_metadata { json.get(METADATA)? } else { json };
        home.get(self.key)
    }

    pub(super) fn set(self, json: &mut Json, value: impl Into<Json>) {
        let home = if self.in_metadata { metadata(json) } else { object(json) };
        home.insert(self.key, value);
    }

    pub(super) fn remove(self, json: &mut Json) {
        let home = if self.in_metadata { metadata(json) } else { object(json) };
        home.remove(self.key);
    }

    pub(super) fn set_start(self, segment: &mut Json, start: Duration) {
        self.set(segment, millis(start));
    }

    /// As a factor, or in per cent where that is how it stands there.
    pub(super) fn set_volume(self, json: &mut Json, volume: f64) {
        let percent = (volume * 10_000.0).round() / 100.0;
        let written = match self.get(json) {
            Some(Json::String(text)) if text.as_str().trim().ends_with('%') => {
                format!("{percent}%").into()
            }
            // Up to 1 a number is read as a factor.
            Some(old) if lookup::number(old).is_some_and(|old| old > 1.0) && percent > 1.0 => {
                match percent.fract() {
                    0.0 => Json::from(percent as i64),
                    _ => Json::from(percent),
                }
            }
            _ => Json::from(volume),
        };
        self.set(json, written);
    }
}

fn is_time(json: &Json) -> bool {
    lookup::millis(json).is_some()
}
