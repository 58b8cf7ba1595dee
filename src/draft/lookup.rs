//! Where undocumented things are looked for. The service documents five keys; names, volumes,
//! starts and roles live under others, which differ between its revisions. This is the one list
//! of them; whoever finds another place adds it here.

use std::time::Duration;

use super::json::Json;

pub(super) const TRACKS: &str = "t";
pub(super) const TRACK_TYPE: &str = "tt";
pub(super) const SEGMENTS: &str = "sg";
pub(super) const DURATION: &str = "d";
pub(super) const METADATA: &str = "m";

/// What a track or a segment is called.
pub(super) const NAME: &[&str] = &["name", "title", "label", "filename", "file_name", "fileName"];
/// What is spoken or written.
pub(super) const TEXT: &[&str] = &["text", "content", "caption"];
/// How loud: 0 to 1, or a percentage.
pub(super) const VOLUME: &[&str] = &["volume", "vol"];
/// When a segment starts, in milliseconds.
pub(super) const START: &[&str] =
    &["start", "start_ms", "startMs", "start_time", "startTime", "st"];
/// When a segment ends, where it says so beside its length.
pub(super) const END: &[&str] = &["end", "end_ms", "endMs", "end_time", "endTime"];
/// The place of a segment or a track among the others.
pub(super) const INDEX: &[&str] = &["index", "idx", "order", "position", "seq"];
/// What a track is for; a word that is not known counts under the first only.
pub(super) const ROLE: &[&str] = &["role", "usage", "purpose", "type"];

/// What tells a track or a segment from all others, whatever else changes in it.
pub(super) const ID: &[&str] = &["id", "uuid", "uid"];
/// The shape of the picture, in whatever form (see `canvas`).
pub(super) const ASPECT: &[&str] =
    &["aspect", "aspect_ratio", "aspectRatio", "ratio", "canvas", "canvas_config", "canvasConfig"];
/// The shape in pixels, both sides in one.
pub(super) const SIZE: &[&str] = &["size", "resolution"];
/// The shape in pixels, side by side.
pub(super) const WIDTH: &[&str] = &["width", "w"];
pub(super) const HEIGHT: &[&str] = &["height", "h"];

/// The file that a segment plays or shows. The embedded backend's word; the service's own is not
/// documented.
pub(super) const MEDIA: &[&str] = &["media"];
/// How much of the beginning of its media a segment leaves out, in milliseconds. The same goes.
pub(super) const SKIP: &[&str] = &["skip"];

/// The first of `keys` with a value that `read` takes: in the thing itself, then in its metadata.
pub(super) fn find<'j, T>(
    json: &'j Json,
    keys: &[&str],
    read: impl Fn(&'j Json) -> Option<T>,
) -> Option<T> {
    [Some(json), json.get(METADATA)]
        .into_iter()
        .flatten()
        .flat_map(|place| keys.iter().filter_map(|key| place.get(key)))
        .find_map(read)
}

/// Text with something to see in it.
pub(super) fn text(json: &Json) -> Option<&str> {
    json.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A number, also one inside a string.
pub(super) fn number(json: &Json) -> Option<f64> {
    let value = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.as_str().trim().parse().ok()?,
        _ => return None,
    };
    value.is_finite().then_some(value)
}

/// Milliseconds; less than nothing is nothing.
pub(super) fn millis(json: &Json) -> Option<Duration> {
    // The cast saturates.
    number(json).map(|ms| Duration::from_millis(ms.round() as u64))
}

/// A share of full volume. Up to 1 it is a factor, above and with a `%` it is in per cent.
pub(super) fn volume(json: &Json) -> Option<f64> {
    let percent = json.as_str().and_then(|text| text.trim().strip_suffix('%'));
    let factor = match percent {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => match number(json)? {
            factor if factor <= 1.0 => factor,
            percent => percent / 100.0,
        },
    };
    // `abs` for -0, which would be shown as such.
    factor.is_finite().then(|| factor.clamp(0.0, 1.0).abs())
}
