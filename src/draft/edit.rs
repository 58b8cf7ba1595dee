//! Building and changing a draft. Only what is named is touched: every other key stays where and
//! as it is. Something of the wrong type in the way (a `t` that is no array) is replaced.
//!
//! ```
//! use nemovideo::draft::{Draft, TrackKind};
//! use std::time::Duration;
//!
//! let mut draft = Draft::new();
//! let mut track = draft.push_track(TrackKind::Text);
//! track.set_metadata("role", "title");
//! track
//!     .push_segment(Duration::from_secs(3))
//!     .set_metadata("start", 0)
//!     .set_metadata("text", "Urban Dreams");
//! draft.set_duration(Duration::from_secs(10)).set_metadata("aspect", "16:9");
//! assert_eq!(
//!     draft.to_json(),
//!     r#"{"t":[{"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"start":0,"text":"Urban Dreams"}}]}],"d":10000,"m":{"aspect":"16:9"}}"#
//! );
//! ```

use std::time::Duration;

use super::json::{Json, Object};
use super::lookup::{DURATION, METADATA, SEGMENTS, TRACK_TYPE, TRACKS};
use super::model::{Draft, Segment, Track, TrackKind};

impl Draft {
    /// Sets a key at the top.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let mut draft = Draft::new();
    /// draft.set("mood", "warm").set_metadata("takes", 3);
    /// assert_eq!(draft.get("mood").and_then(|mood| mood.as_str()), Some("warm"));
    /// assert!(draft.remove("mood").is_some() && draft.get("mood").is_none());
    /// ```
    pub fn set(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
        object(&mut self.0).insert(key, value);
        self
    }

    /// Sets a key in the metadata of the film.
    pub fn set_metadata(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
        metadata(&mut self.0).insert(key, value);
        self
    }

    /// Says how long the film is.
    pub fn set_duration(&mut self, duration: Duration) -> &mut Self {
        self.set(DURATION, millis(duration))
    }

    /// Takes a key out at the top.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.0.as_object_mut()?.remove(key)
    }

    /// Adds a track behind the others.
    pub fn push_track(&mut self, kind: TrackKind) -> TrackMut<'_> {
        self.insert_track(usize::MAX, kind)
    }

    /// Adds a track before the one at `index`, or behind the last.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, TrackKind};
    ///
    /// let mut draft = Draft::new();
    /// draft.push_track(TrackKind::Audio);
    /// draft.insert_track(0, TrackKind::Video);
    /// let kinds: Vec<_> = draft.tracks().filter_map(|track| track.kind()).collect();
    /// assert_eq!(kinds, [TrackKind::Video, TrackKind::Audio]);
    /// ```
    pub fn insert_track(&mut self, index: usize, kind: TrackKind) -> TrackMut<'_> {
        let tracks = array(&mut self.0, TRACKS);
        let index = index.min(tracks.len());
        tracks.insert(index, Object::from([(TRACK_TYPE, kind.number())]).into());
        TrackMut { json: &mut tracks[index] }
    }

    /// The track at `index`, to change.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":7,"sg":[{"d":1000}]}]}"#.parse()?;
    /// let mut track = draft.track_mut(0).ok_or("no track")?;
    /// let mut segment = track.segment_mut(0).ok_or("no segment")?;
    /// segment.set_duration(Duration::from_secs(3));
    /// assert_eq!(draft.duration(), Duration::from_secs(3));
    /// assert!(draft.track_mut(1).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn track_mut(&mut self, index: usize) -> Option<TrackMut<'_>> {
        self.tracks_mut().nth(index)
    }

    /// The tracks, to change.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, TrackKind};
    ///
    /// let mut draft = Draft::new();
    /// draft.push_track(TrackKind::Audio);
    /// for mut track in draft.tracks_mut() {
    ///     track.set_metadata("volume", 0.5);
    /// }
    /// assert_eq!(draft.tracks().next().and_then(|track| track.volume()), Some(0.5));
    /// ```
    pub fn tracks_mut(&mut self) -> impl Iterator<Item = TrackMut<'_>> {
        items_mut(&mut self.0, TRACKS).map(|json| TrackMut { json })
    }

    /// Takes out the track at `index`.
    pub fn remove_track(&mut self, index: usize) -> Option<Json> {
        let tracks = existing(&mut self.0, TRACKS)?;
        (index < tracks.len()).then(|| tracks.remove(index))
    }

    /// Takes out the tracks that `keep` says no to.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, TrackKind};
    ///
    /// let mut draft = Draft::new();
    /// draft.push_track(TrackKind::Video);
    /// draft.push_track(TrackKind::Text);
    /// draft.retain_tracks(|track| track.kind() != Some(TrackKind::Text));
    /// assert_eq!(draft.tracks().len(), 1);
    /// assert!(draft.remove_track(0).is_some() && draft.remove_track(0).is_none());
    /// ```
    pub fn retain_tracks(&mut self, mut keep: impl FnMut(Track<'_>) -> bool) {
        if let Some(tracks) = existing(&mut self.0, TRACKS) {
            tracks.retain(|json| keep(Track { json }));
        }
    }
}

/// A track, to change.
///
/// ```
/// use nemovideo::draft::{Draft, TrackKind};
/// use std::time::Duration;
///
/// let mut draft = Draft::new();
/// let mut track = draft.push_track(TrackKind::Audio);
/// track.set_metadata("role", "music").set_metadata("name", "Lo-fi");
/// track.push_segment(Duration::from_secs(10));
/// track.push_segment(Duration::from_secs(5));
/// assert_eq!(track.as_track().duration(), Duration::from_secs(15));
/// assert_eq!(track.segments_mut().count(), 2);
/// track.retain_segments(|segment| segment.duration() > Duration::from_secs(5));
/// assert!(track.remove_segment(1).is_none());
/// assert_eq!(draft.duration(), Duration::from_secs(10));
/// ```
#[derive(Debug)]
pub struct TrackMut<'d> {
    json: &'d mut Json,
}

impl<'d> TrackMut<'d> {
    /// The same track, to read.
    #[must_use]
    pub fn as_track(&self) -> Track<'_> {
        Track { json: self.json }
    }

    pub(super) fn json_mut(&mut self) -> &mut Json {
        self.json
    }

    /// Sets a key of the track.
    pub fn set(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
        object(self.json).insert(key, value);
        self
    }

    /// Sets a key in the metadata of the track.
    pub fn set_metadata(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
        metadata(self.json).insert(key, value);
        self
    }

    /// Takes a key out of the track.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.json.as_object_mut()?.remove(key)
    }

    /// Adds a segment behind the others.
    pub fn push_segment(&mut self, duration: Duration) -> SegmentMut<'_> {
        let segments = array(self.json, SEGMENTS);
        let at = segments.len();
        segments.push(Object::from([(DURATION, millis(duration))]).into());
        SegmentMut { json: &mut segments[at] }
    }

    /// The segment at `index`, to change.
    pub fn segment_mut(&mut self, index: usize) -> Option<SegmentMut<'_>> {
        self.segments_mut().nth(index)
    }

    /// The segments, to change.
    pub fn segments_mut(&mut self) -> impl Iterator<Item = SegmentMut<'_>> {
        items_mut(self.json, SEGMENTS).map(|json| SegmentMut { json })
    }

    /// Takes out the segment at `index`.
    pub fn remove_segment(&mut self, index: usize) -> Option<Json> {
        let segments = existing(self.json, SEGMENTS)?;
        (index < segments.len()).then(|| segments.remove(index))
    }

    /// Takes out the segments that `keep` says no to.
    pub fn retain_segments(&mut self, mut keep: impl FnMut(Segment<'_>) -> bool) {
        // Where a segment starts may depend on those before it: ask before any is gone.
        let kept: Vec<bool> = self.as_track().segments().map(&mut keep).collect();
        let mut kept = kept.into_iter();
        if let Some(segments) = existing(self.json, SEGMENTS) {
            segments.retain(|_| kept.next().unwrap_or(true));
        }
    }
}

/// A segment, to change.
///
/// ```
/// use nemovideo::draft::{Draft, TrackKind};
/// use std::time::Duration;
///
/// let mut draft = Draft::new();
/// let mut track = draft.push_track(TrackKind::Text);
/// let mut title = track.push_segment(Duration::from_secs(3));
/// title.set_metadata("text", "Morning Brew").set_duration(Duration::from_secs(2));
/// assert_eq!(title.as_json().to_string(), r#"{"d":2000,"m":{"text":"Morning Brew"}}"#);
/// ```
#[derive(Debug)]
pub struct SegmentMut<'d> {
    json: &'d mut Json,
}

impl SegmentMut<'_> {
    pub(super) fn json_mut(&mut self) -> &mut Json {
        self.json
    }

    /// Sets a key of the segment.
    pub fn set(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
        object(self.json).insert(key, value);
        self
    }

    /// Sets a key in the metadata of the segment.
    pub fn set_metadata(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
        metadata(self.json).insert(key, value);
        self
    }

    /// Says how long the segment is.
    pub fn set_duration(&mut self, duration: Duration) -> &mut Self {
        self.set(DURATION, millis(duration))
    }

    /// Takes a key out of the segment.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.json.as_object_mut()?.remove(key)
    }

    /// All of it.
    #[must_use]
    pub fn as_json(&self) -> &Json {
        self.json
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn object(json: &mut Json) -> &mut Object {
    if json.as_object().is_none() {
        *json = Json::Object(Object::new());
    }
    match json {
        Json::Object(object) => object,
        _ => unreachable!("made an object above"),
    }
}

pub(super) fn metadata(json: &mut Json) -> &mut Object {
    object(object(json).entry(METADATA))
}

/// The array under `key`, made if there is none.
pub(super) fn array<'j>(json: &'j mut Json, key: &str) -> &'j mut Vec<Json> {
    let value = object(json).entry(key);
    if value.as_array().is_none() {
        *value = Json::Array(Vec::new());
    }
    match value {
        Json::Array(items) => items,
        _ => unreachable!("made an array above"),
    }
}

/// The array under `key`, if there is one.
fn existing<'j>(json: &'j mut Json, key: &str) -> Option<&'j mut Vec<Json>> {
    json.as_object_mut()?.get_mut(key)?.as_array_mut()
}

fn items_mut<'j>(json: &'j mut Json, key: &str) -> std::slice::IterMut<'j, Json> {
    existing(json, key).map(|items| items.iter_mut()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAFT: &str = r#"{"v":1.10,"t":[{"x":1,"tt":0,"sg":[{"d":1000,"y":-0},{"d":500}]},{"tt":1,"sg":[{"d":9}],"z":[]}],"d":1500}"#;

    fn draft() -> Draft {
        Draft::from_json(DRAFT).unwrap()
    }

    #[test]
    fn a_change_touches_nothing_else() {
        let mut draft = draft();
        draft
            .track_mut(0)
            .unwrap()
            .segment_mut(1)
            .unwrap()
            .set_duration(Duration::from_millis(700))
            .set_metadata("name", "end");
        let changed = DRAFT.replace(r#"{"d":500}"#, r#"{"d":700,"m":{"name":"end"}}"#);
        assert_eq!(draft.to_json(), changed);
    }

    #[test]
    fn tracks_and_segments_come_and_go() {
        let mut draft = draft();
        draft.insert_track(0, TrackKind::Unknown(42)).set("id", "a");
        assert!(draft.to_json().starts_with(r#"{"v":1.10,"t":[{"tt":42,"id":"a"},{"x":1,"#));
        draft.retain_tracks(|track| track.kind() != Some(TrackKind::Unknown(42)));
        assert_eq!(draft.to_json(), DRAFT);

        assert_eq!(draft.remove_track(2), None);
        let audio = draft.remove_track(1).unwrap();
        assert_eq!(audio.to_string(), r#"{"tt":1,"sg":[{"d":9}],"z":[]}"#);
        let mut video = draft.track_mut(0).unwrap();
        assert!(video.remove_segment(0).is_some());
        assert_eq!(video.remove("x"), Some(Json::from(1)));
        assert_eq!(draft.to_json(), r#"{"v":1.10,"t":[{"tt":0,"sg":[{"d":500}]}],"d":1500}"#);
    }

    #[test]
    fn segments_are_asked_where_they_stood() {
        let mut draft = draft();
        let mut track = draft.track_mut(0).unwrap();
        track.push_segment(Duration::from_millis(10));
        track.retain_segments(|segment| segment.start() >= Duration::from_millis(1000));
        assert_eq!(
            track.as_track().get("sg").map(Json::to_string).unwrap(),
            r#"[{"d":500},{"d":10}]"#
        );
    }

    #[test]
    fn what_is_in_the_way_is_replaced() {
        let mut draft = Draft::from_json(r#"{"t":5,"m":"x"}"#).unwrap();
        draft
            .set_metadata("aspect", "16:9")
            .push_track(TrackKind::Video)
            .push_segment(Duration::ZERO);
        assert_eq!(draft.to_json(), r#"{"t":[{"tt":0,"sg":[{"d":0}]}],"m":{"aspect":"16:9"}}"#);
        let mut draft = Draft::from_json("null").unwrap();
        draft.set("d", 5);
        assert_eq!(draft.to_json(), r#"{"d":5}"#);
    }
}
