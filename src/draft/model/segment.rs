//! Reading a segment: when it is shown or heard, what it says, how loud it is. What it does not
//! say itself it has from its track and from the segment before it.

use std::time::Duration;

use super::Track;
use crate::draft::json::Json;
use crate::draft::lookup::{self, DURATION, METADATA};

/// One piece of a track: a clip, a sentence, a caption.
///
/// ```
/// use nemovideo::draft::Draft;
/// use std::time::Duration;
///
/// let text = r#"{"t":[{"tt":7,"sg":[{"d":2000,"m":{"text":"Hello"}},{"d":1000}]}]}"#;
/// let draft: Draft = text.parse()?;
/// let segments: Vec<_> = draft.tracks().flat_map(|track| track.segments()).collect();
/// assert_eq!((segments[0].text(), segments[1].text()), (Some("Hello"), None));
/// assert_eq!(segments[1].start(), Duration::from_secs(2)); // where the first one ends
/// assert_eq!(segments[1].end(), Duration::from_secs(3));
/// assert_eq!((segments[1].duration(), segments[1].name()), (Duration::from_secs(1), None));
/// assert!(segments[0].metadata().is_some() && segments[1].get("m").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Segment<'d> {
    pub(super) json: &'d Json,
    pub(super) track: &'d Json,
    /// Where the segment before it ends.
    pub(super) after: Duration,
}

impl<'d> Segment<'d> {
    /// When it starts: as the draft says, else where the segment before it ends.
    #[must_use]
    pub fn start(&self) -> Duration {
        lookup::find(self.json, lookup::START, lookup::millis).unwrap_or(self.after)
    }

    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.start().saturating_add(self.duration())
    }

    /// How long it is (`d`); nothing when the draft does not say.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let told = self.get(DURATION).and_then(lookup::millis);
        told.unwrap_or_default()
    }

    /// What is spoken or written in it.
    #[must_use]
    pub fn text(&self) -> Option<&'d str> {
        lookup::find(self.json, lookup::TEXT, lookup::text)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Option<&'d str> {
        lookup::find(self.json, lookup::NAME, lookup::text)
    }

    /// How loud it is, 0 to 1: its own volume, else its track's.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let draft: Draft = r#"{"t":[{"tt":1,"m":{"volume":"80%"},"sg":[
    ///     {"d":1000},{"d":1000,"m":{"volume":0.35}}]}]}"#.parse()?;
    /// let segments = draft.tracks().flat_map(|track| track.segments());
    /// let volumes: Vec<_> = segments.map(|segment| segment.volume()).collect();
    /// assert_eq!(volumes, [Some(0.8), Some(0.35)]);
    /// # Ok::<(), nemovideo::draft::ParseError>(())
    /// ```
    #[must_use]
    pub fn volume(&self) -> Option<f64> {
        let own = lookup::find(self.json, lookup::VOLUME, lookup::volume);
        own.or_else(|| Track { json: self.track }.volume())
    }

    /// What stands under a key of the segment, known or not.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'d Json> {
        self.json.get(key)
    }

    /// Its metadata (`m`).
    #[must_use]
    pub fn metadata(&self) -> Option<&'d Json> {
        self.get(METADATA)
    }

    /// All of it.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000,"crop":[0,0.50]}]}]}"#.parse()?;
    /// let clip = draft.tracks().next().and_then(|track| track.segments().next()).ok_or("a clip")?;
    /// // What has no name here is there all the same.
    /// assert_eq!(clip.as_json().to_string(), r#"{"d":1000,"crop":[0,0.50]}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn as_json(&self) -> &'d Json {
        self.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn draft(json: &str) -> Draft {
        Draft::from_json(json).unwrap()
    }

    #[test]
    fn a_segment_starts_where_it_says_or_behind_the_one_before() {
        let draft = draft(
            r#"{"t":[{"sg":[{"d":1000},{"d":500,"m":{"start":3000}},{"d":"250"},{"start_ms":0}]}]}"#,
        );
        let track = draft.tracks().next().unwrap();
        let times: Vec<_> = track.segments().map(|s| (s.start(), s.end())).collect();
        assert_eq!(
            times,
            [(ms(0), ms(1000)), (ms(3000), ms(3500)), (ms(3500), ms(3750)), (ms(0), ms(0))]
        );
        assert_eq!(track.duration(), ms(3750));
    }

    #[test]
    fn a_volume_is_a_share_or_a_percentage() {
        for (json, expected) in [
            ("0.35", Some(0.35)),
            ("35", Some(0.35)),
            ("\"35%\"", Some(0.35)),
            ("\" 0.5 \"", Some(0.5)),
            ("1", Some(1.0)),
            ("250", Some(1.0)),
            ("-3", Some(0.0)),
            ("1e999", None),
            ("\"loud\"", None),
            ("[1]", None),
        ] {
            let draft = draft(&format!(r#"{{"t":[{{"m":{{"volume":{json}}},"sg":[{{}}]}}]}}"#));
            let track = draft.tracks().next().unwrap();
            assert_eq!(track.volume(), expected, "{json}");
            assert_eq!(track.segments().next().unwrap().volume(), expected, "{json}");
        }
    }
}
