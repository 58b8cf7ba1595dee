//! Names of keys, and where undocumented values are read from and written to. The service
//! documents five keys; names, volumes, starts and roles are stored under others, which differ
//! between its revisions. This is the only list of them: a newly discovered key belongs here.

use std::time::Duration;

use super::json::{Json, Object};

pub(crate) const TRACKS: &str = "t";
pub(crate) const TRACK_TYPE: &str = "tt";
pub(crate) const SEGMENTS: &str = "sg";
pub(crate) const DURATION: &str = "d";
pub(crate) const METADATA: &str = "m";

/// Name of a track or a segment.
pub(crate) const NAME: &[&str] = &["name", "title", "label", "filename", "file_name", "fileName"];
/// Spoken or written text.
pub(crate) const TEXT: &[&str] = &["text", "content", "caption"];
/// Volume: 0 to 1, or a percentage.
pub(crate) const VOLUME: &[&str] = &["volume", "vol"];
/// Start of a segment, in milliseconds.
pub(crate) const START: &[&str] =
    &["start", "start_ms", "startMs", "start_time", "startTime", "st"];
/// End of a segment, in milliseconds, where it is stated beside the duration.
pub(crate) const END: &[&str] = &["end", "end_ms", "endMs", "end_time", "endTime"];
/// Position of a segment or a track among the others.
pub(crate) const INDEX: &[&str] = &["index", "idx", "order", "position", "seq"];
/// Role of a track; an unknown word counts under the first key only.
pub(crate) const ROLE: &[&str] = &["role", "usage", "purpose", "type"];
/// Identifier of a track or a segment, which stays when anything else changes.
pub(crate) const ID: &[&str] = &["id", "uuid", "uid"];

/// Aspect ratio of the video, in any form (see `canvas`).
pub(crate) const ASPECT: &[&str] =
    &["aspect", "aspect_ratio", "aspectRatio", "ratio", "canvas", "canvas_config", "canvasConfig"];
/// Size of the video in pixels, both sides in one value.
pub(crate) const SIZE: &[&str] = &["size", "resolution"];
/// Sides of the video in pixels, each on its own.
pub(crate) const WIDTH: &[&str] = &["width", "w"];
pub(crate) const HEIGHT: &[&str] = &["height", "h"];

/// File that a segment plays or shows. The embedded backend writes this key; the service's own is
/// not documented.
pub(crate) const MEDIA: &[&str] = &["media"];
/// Milliseconds that a segment leaves out at the beginning of its media; likewise.
pub(crate) const SKIP: &[&str] = &["skip"];

// What follows is written by the embedded backend as well; whether the service knows it is open.

/// When each word of a text is spoken: pairs of its character and milliseconds from the start.
pub(crate) const WORDS: &[&str] = &["words"];
/// Where captions of a spoken text may begin, in the same form.
pub(crate) const MARKS: &[&str] = &["marks"];
/// The paragraphs that begin in a spoken text: pairs of their number, from 1, and milliseconds.
pub(crate) const PARAGRAPHS: &[&str] = &["paragraphs"];
/// Whether the marks of a spoken text are where its sentences begin, as those of a recording are.
pub(crate) const SENTENCES: &[&str] = &["sentences"];
/// The first and the last paragraph for which an image is shown.
#[cfg(feature = "local")]
pub(crate) const PARAGRAPH: &str = "paragraph";
#[cfg(feature = "local")]
pub(crate) const THROUGH: &str = "through";
/// How captions look, an object.
pub(crate) const STYLE: &[&str] = &["style"];
/// How an image fills the frame, how it moves, and its cross-fade in milliseconds.
pub(crate) const FIT: &[&str] = &["fit"];
pub(crate) const MOTION: &[&str] = &["motion"];
pub(crate) const FADE: &[&str] = &["fade"];
/// Whether music gets quieter under speech, and its fades in milliseconds.
pub(crate) const DUCK: &[&str] = &["duck"];
pub(crate) const FADE_IN: &[&str] = &["fade_in"];
pub(crate) const FADE_OUT: &[&str] = &["fade_out"];
/// The moment that the poster shows, in milliseconds.
pub(crate) const POSTER: &[&str] = &["poster"];
/// The language of the speech.
pub(crate) const LANGUAGE: &[&str] = &["language", "lang", "locale"];

/// Returns the first value under one of `keys` that `read` accepts: in the object itself, then in
/// its metadata.
pub(crate) fn find<'j, T>(
    json: &'j Json,
    keys: &[&str],
    read: impl Fn(&'j Json) -> Option<T>,
) -> Option<T> {
    [Some(json), json.get(METADATA)]
        .into_iter()
        .flatten()
        .flat_map(|parent| keys.iter().filter_map(|key| parent.get(key)))
        .find_map(read)
}

/// Reads text that is not blank, trimmed.
pub(crate) fn text(json: &Json) -> Option<&str> {
    json.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// Reads a finite number, also from a string.
pub(crate) fn number(json: &Json) -> Option<f64> {
    let value = match json.as_str() {
        Some(text) => text.trim().parse().ok()?,
        None => json.as_f64()?,
    };
    value.is_finite().then_some(value)
}

/// Reads milliseconds; negative numbers count as zero.
pub(crate) fn millis(json: &Json) -> Option<Duration> {
    // The cast saturates.
    number(json).map(|ms| Duration::from_millis(ms.round() as u64))
}

/// Reads a volume from 0 to 1. Up to 1 a number is a factor; above, or with a `%`, a percentage.
pub(crate) fn volume(json: &Json) -> Option<f64> {
    let percent = json.as_str().and_then(|text| text.trim().strip_suffix('%'));
    let factor = match percent {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => match number(json)? {
            factor if factor <= 1.0 => factor,
            percent => percent / 100.0,
        },
    };
    // `abs` turns -0, which would be displayed with its sign, into 0.
    factor.is_finite().then(|| factor.clamp(0.0, 1.0).abs())
}

/// Returns whole milliseconds, saturating.
pub(crate) fn as_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the metadata object, after creating it where it is missing.
pub(crate) fn metadata_mut(json: &mut Json) -> &mut Object {
    json.make_object().entry(METADATA).make_object()
}

/// Returns the array under `key`, after creating it where it is missing.
pub(crate) fn array_mut<'j>(json: &'j mut Json, key: &str) -> &'j mut Vec<Json> {
    json.make_object().entry(key).make_array()
}

/// A key in an object itself or in its metadata. The editor writes a value where the draft at hand
/// keeps such values and in the same form, and picks a key of its own only where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyPath<'k> {
    pub(crate) in_metadata: bool,
    pub(crate) key: &'k str,
}

impl<'k> KeyPath<'k> {
    /// Returns the path for a draft that has none of the keys: the first one, in the metadata.
    pub(crate) fn default_of(keys: &[&'k str]) -> Self {
        Self { in_metadata: true, key: keys[0] }
    }

    /// Returns the path of the value that [`find`] would return.
    pub(crate) fn of(
        json: &Json,
        keys: &[&'k str],
        accepts: impl Fn(&Json) -> bool,
    ) -> Option<Self> {
        [false, true]
            .into_iter()
            .flat_map(|in_metadata| keys.iter().map(move |&key| Self { in_metadata, key }))
            .find(|path| path.get(json).is_some_and(&accepts))
    }

    /// Returns the path in the first of several objects that has one.
    pub(crate) fn among<'j>(
        mut objects: impl Iterator<Item = &'j Json>,
        keys: &[&'k str],
        accepts: impl Fn(&Json) -> bool,
    ) -> Option<Self> {
        objects.find_map(|json| Self::of(json, keys, &accepts))
    }

    pub(crate) fn of_volume(json: &Json) -> Option<Self> {
        Self::of(json, VOLUME, |json| volume(json).is_some())
    }

    pub(crate) fn get<'j>(&self, json: &'j Json) -> Option<&'j Json> {
        let parent = if self.in_metadata { json.get(METADATA)? } else { json };
        parent.get(self.key)
    }

    fn parent_mut(self, json: &mut Json) -> &mut Object {
        if self.in_metadata { metadata_mut(json) } else { json.make_object() }
    }

    pub(crate) fn set(self, json: &mut Json, value: impl Into<Json>) {
        self.parent_mut(json).insert(self.key, value);
    }

    pub(crate) fn remove(self, json: &mut Json) {
        self.parent_mut(json).remove(self.key);
    }

    /// Writes a volume as a factor, or as a percentage where the present value is one.
    pub(crate) fn set_volume(self, json: &mut Json, volume: f64) {
        let percent = (volume * 10_000.0).round() / 100.0;
        let old = self.get(json);
        let is_percent = |json: &Json| json.as_str().is_some_and(|s| s.trim().ends_with('%'));
        let value = if old.is_some_and(is_percent) {
            format!("{percent}%").into()
        } else if percent > 1.0 && old.and_then(number).is_some_and(|old| old > 1.0) {
            // A percentage up to 1 would be read as a factor.
            if percent.fract() == 0.0 { Json::from(percent as i64) } else { Json::from(percent) }
        } else {
            Json::from(volume)
        };
        self.set(json, value);
    }
}
