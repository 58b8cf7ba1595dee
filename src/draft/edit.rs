//! Building and changing a draft without checks. Only what is named is changed: every other key
//! stays in its position. A value of the wrong type in the way (a `t` that is not an array) is
//! replaced.

use std::time::Duration;

use super::json::{Json, Object};
use super::keys::{DURATION, SEGMENTS, TRACK_TYPE, TRACKS, array_mut, as_millis, metadata_mut};
use super::model::{Draft, Segment, Track, TrackKind};

impl Draft {
    /// Sets the stated duration of the video.
    pub fn set_duration(&mut self, duration: Duration) -> &mut Self {
        self.set(DURATION, as_millis(duration))
    }

    /// Appends a track.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, TrackKind};
    /// use std::time::Duration;
    ///
    /// let mut draft = Draft::new();
    /// let mut track = draft.push_track(TrackKind::Text);
    /// track.set_metadata("role", "title");
    /// track.push_segment(Duration::from_secs(3)).set_metadata("text", "Urban Dreams");
    /// draft.set_duration(Duration::from_secs(10)).set_metadata("aspect", "16:9");
    /// assert_eq!(
    ///     draft.to_json(),
    ///     r#"{"t":[{"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"text":"Urban Dreams"}}]}],"d":10000,"m":{"aspect":"16:9"}}"#
    /// );
    /// ```
    pub fn push_track(&mut self, kind: TrackKind) -> TrackMut<'_> {
        self.insert_track(usize::MAX, kind)
    }

    /// Inserts a track before the one at `index`, or appends it.
    pub fn insert_track(&mut self, index: usize, kind: TrackKind) -> TrackMut<'_> {
        let tracks = array_mut(&mut self.0, TRACKS);
        let index = index.min(tracks.len());
        tracks.insert(index, Object::from([(TRACK_TYPE, kind.number())]).into());
        TrackMut { json: &mut tracks[index] }
    }

    /// Returns the track at `index` for modification.
    pub fn track_mut(&mut self, index: usize) -> Option<TrackMut<'_>> {
        self.tracks_mut().nth(index)
    }

    /// Returns the tracks for modification.
    pub fn tracks_mut(&mut self) -> impl Iterator<Item = TrackMut<'_>> {
        items_mut(&mut self.0, TRACKS).map(|json| TrackMut { json })
    }

    /// Removes the track at `index`.
    pub fn remove_track(&mut self, index: usize) -> Option<Json> {
        let tracks = existing(&mut self.0, TRACKS)?;
        (index < tracks.len()).then(|| tracks.remove(index))
    }
}

/// A track for modification.
#[derive(Debug)]
pub struct TrackMut<'d> {
    json: &'d mut Json,
}

impl TrackMut<'_> {
    /// Returns the track for reading.
    #[must_use]
    pub fn as_track(&self) -> Track<'_> {
        Track { json: self.json }
    }

    /// Appends a segment.
    pub fn push_segment(&mut self, duration: Duration) -> SegmentMut<'_> {
        let segments = array_mut(self.json, SEGMENTS);
        let at = segments.len();
        segments.push(Object::from([(DURATION, as_millis(duration))]).into());
        SegmentMut { json: &mut segments[at] }
    }

    /// Returns the segment at `index` for modification.
    pub fn segment_mut(&mut self, index: usize) -> Option<SegmentMut<'_>> {
        self.segments_mut().nth(index)
    }

    /// Returns the segments for modification.
    pub fn segments_mut(&mut self) -> impl Iterator<Item = SegmentMut<'_>> {
        items_mut(self.json, SEGMENTS).map(|json| SegmentMut { json })
    }

    /// Removes the segment at `index`.
    pub fn remove_segment(&mut self, index: usize) -> Option<Json> {
        let segments = existing(self.json, SEGMENTS)?;
        (index < segments.len()).then(|| segments.remove(index))
    }

    /// Removes the segments for which `keep` returns `false`.
    pub fn retain_segments(&mut self, mut keep: impl FnMut(Segment<'_>) -> bool) {
        // The start of a segment may depend on those before it, so none is removed before all have
        // been checked.
        let kept: Vec<bool> = self.as_track().segments().map(&mut keep).collect();
        let mut kept = kept.into_iter();
        if let Some(segments) = existing(self.json, SEGMENTS) {
            segments.retain(|_| kept.next().unwrap_or(true));
        }
    }
}

/// A segment for modification.
#[derive(Debug)]
pub struct SegmentMut<'d> {
    json: &'d mut Json,
}

impl SegmentMut<'_> {
    /// Sets the duration of the segment.
    pub fn set_duration(&mut self, duration: Duration) -> &mut Self {
        self.set(DURATION, as_millis(duration))
    }

    /// Returns the JSON of the segment.
    #[must_use]
    pub fn as_json(&self) -> &Json {
        self.json
    }
}

macro_rules! setters {
    ($($item:ty: $json:tt),+) => {$(
        impl $item {
            /// Sets a key.
            pub fn set(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
                self.$json.make_object().insert(key, value);
                self
            }

            /// Sets a key in the metadata.
            pub fn set_metadata(&mut self, key: &str, value: impl Into<Json>) -> &mut Self {
                metadata_mut(&mut self.$json).insert(key, value);
                self
            }

            /// Removes a key. Returns its value.
            pub fn remove(&mut self, key: &str) -> Option<Json> {
                self.$json.as_object_mut()?.remove(key)
            }
        }
    )+};
}
setters!(Draft: 0, TrackMut<'_>: json, SegmentMut<'_>: json);

/// Returns the array under `key`, where there is one.
fn existing<'j>(json: &'j mut Json, key: &str) -> Option<&'j mut Vec<Json>> {
    json.as_object_mut()?.get_mut(key)?.as_array_mut()
}

fn items_mut<'j>(json: &'j mut Json, key: &str) -> std::slice::IterMut<'j, Json> {
    existing(json, key).map(|items| items.iter_mut()).unwrap_or_default()
}
