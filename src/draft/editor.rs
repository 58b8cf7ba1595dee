//! Changing a draft as an editor of films would: in seconds and tracks, and checked. The setters
//! of `edit` put any JSON anywhere; an [`Editor`] leaves no overlap, nothing past the end and
//! nothing that cannot be exported, or else the draft exactly as it was.
//!
//! Names, volumes and starts are written where the draft at hand keeps them (see `place`), and
//! keys that nobody knows stay where they are.
//!
//! | file | holds |
//! |---|---|
//! | `place` | where a draft keeps what is not documented, and how it writes it |
//! | `times` | the segments of a track in time: laid out, reordered, cut |

mod place;
mod times;

use std::ops::Range;
use std::time::Duration;

use self::place::Place;
use super::aspect::Aspect;
use super::edit::array;
use super::json::Json;
use super::lookup::{self, DURATION, SEGMENTS, TRACKS};
use super::model::{Draft, Track, TrackKind, TrackRole};
use super::summary::Label;

impl Draft {
    /// Changes the draft step by step. Each step either holds or leaves the draft as it was.
    ///
    /// ```
    /// use nemovideo::draft::{Aspect, Draft, EditError, Language};
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":1,"m":{"role":"music"},"sg":[{"d":60000,"vol":"80%","x":1}]}],"d":60000}"#.parse()?;
    /// let before = draft.clone();
    /// draft
    ///     .edit()
    ///     .add_title("Morning Brew", Duration::ZERO, Duration::from_secs(3))?
    ///     .set_track_volume(0, 0.35)?
    ///     .trim_to(Duration::from_secs(30))?
    ///     .set_aspect(Aspect::Portrait)?;
    /// assert_eq!(
    ///     draft.to_json(),
    ///     r#"{"t":[{"tt":1,"m":{"role":"music"},"sg":[{"d":30000,"vol":"35%","x":1}]},{"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"text":"Morning Brew"}}]}],"d":30000,"m":{"aspect":"9:16"}}"#
    /// );
    /// assert!(draft.is_ready_to_export());
    ///
    /// let refused = draft.edit().add_title("The End", Duration::from_secs(28), Duration::from_secs(3)).map(drop);
    /// assert!(matches!(refused, Err(EditError::PastEnd { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn edit(&mut self) -> Editor<'_> {
        Editor { draft: self }
    }
}

/// Why an edit was refused. The draft is as it was before.
///
/// Tracks and segments are counted from 0.
///
/// ```
/// use nemovideo::draft::{Draft, EditError};
///
/// let mut draft: Draft = r#"{"t":[{"tt":1,"sg":[{"d":1000}]}]}"#.parse()?;
/// let before = draft.clone();
/// let refused = draft.edit().set_track_volume(0, 1.5).map(drop);
/// assert!(matches!(refused, Err(EditError::Volume(_))));
/// assert_eq!(draft, before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no such track.
    #[error("there is no track {index}; the draft has {tracks}, counted from 0")]
    NoTrack {
        /// The one asked for.
        index: usize,
        /// So many there are.
        tracks: usize,
    },
    /// There is no such segment.
    #[error("there is no segment {index} on track {track}; it has {segments}, counted from 0")]
    NoSegment {
        /// The track.
        track: usize,
        /// The one asked for.
        index: usize,
        /// So many there are.
        segments: usize,
    },
    /// Two segments of a track would be shown or heard at the same time.
    #[error("it would overlap segment {segment} of track {track}; choose another time")]
    Overlap {
        /// The track.
        track: usize,
        /// The segment in the way.
        segment: usize,
    },
    /// It would go on after the film is over.
    #[error(
        "it would end at {end:?}, but the film is over after {length:?}; see Draft::set_duration"
    )]
    PastEnd {
        /// When it would end.
        end: Duration,
        /// How long the film is.
        length: Duration,
    },
    /// A time that must have a length has none.
    #[error("it would last no time at all")]
    NoLength,
    /// A text with nothing to see in it.
    #[error("the text is empty")]
    NoText,
    /// A volume is from 0 (silent) to 1 (full).
    #[error("{0} is no volume; it goes from 0 (silent) to 1 (full)")]
    Volume(f64),
    /// Text has no volume.
    #[error("track {track} is text, which has no volume")]
    Silent {
        /// The track.
        track: usize,
    },
    /// Nothing would be left to export.
    #[error("nothing would be left to export")]
    NothingLeft,
}

/// Changes a draft with checks; see [`Draft::edit`]. Tracks and segments are counted from 0.
///
/// ```
/// use nemovideo::draft::{Draft, EditError};
/// use std::time::Duration;
///
/// let mut draft: Draft = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
/// let mut editor = draft.edit();
/// editor.add_title("Morning Brew", Duration::ZERO, Duration::from_secs(3))?;
/// assert_eq!(editor.draft().tracks().len(), 2); // an edit counts at once
///
/// // A step that is refused takes nothing back of those before it.
/// let refused = editor.set_track_volume(1, 0.5).map(drop);
/// assert!(matches!(refused, Err(EditError::Silent { track: 1 })));
/// assert!(draft.summary().contains("Morning Brew"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Editor<'d> {
    draft: &'d mut Draft,
}

impl Editor<'_> {
    /// The draft as it is by now.
    #[must_use]
    pub fn draft(&self) -> &Draft {
        self.draft
    }

    /// Adds a title, on a track of its own behind the others.
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
            must_fit(draft, start, duration)?;
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
            let mut segment = track.push_segment(duration);
            // A segment without a start starts at 0 when it is the first.
            if !start.is_zero() {
                start_home.set(segment.json_mut(), times::millis(start));
            }
            home.unwrap_or(Place::in_metadata(lookup::TEXT[0])).set(segment.json_mut(), text);
            Ok(())
        })
    }

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

    /// Sets how loud all of a track is, from 0 to 1: on its segments where they say it
    /// themselves, on the track for the others.
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
            must_fit(draft, start, duration)?;
            let end = start + duration;
            let mut others = spans.iter().enumerate().filter(|(at, _)| *at != segment);
            if let Some((at, _)) = others.find(|(_, span)| span.start < end && start < span.end) {
                return Err(EditError::Overlap { track, segment: at });
            }
            spans[segment] = start..end;
            let home = Place::of_starts(draft);
            times::lay_out(track_mut(draft, track)?, &spans, home);
            Ok(())
        })
    }

    /// Ends the film earlier: what comes after `length` is cut off.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
    /// draft.edit().trim_to(Duration::from_secs(5))?;
    /// assert_eq!(draft.duration(), Duration::from_secs(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoLength`](EditError::NoLength), [`PastEnd`](EditError::PastEnd) when the film is
    /// shorter than that, [`NothingLeft`](EditError::NothingLeft).
    pub fn trim_to(&mut self, length: Duration) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            must_fit(draft, Duration::ZERO, length)?;
            let ends = draft.tracks().map(|track| track.end());
            let end = ends.chain([draft.duration()]).max().unwrap_or_default();
            if length < end {
                times::cut(draft, length..end);
                draft.set_duration(length);
            }
            Ok(())
        })
    }

    /// Takes a stretch of time out of the film; what comes after moves up. Clips with media of
    /// their own that go on through it become two, so that sound and picture stay together; music,
    /// backgrounds and texts become shorter.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
    /// draft.edit().cut(Duration::from_secs(2)..Duration::from_secs(4))?;
    /// assert_eq!(draft.duration(), Duration::from_secs(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoLength`](EditError::NoLength), [`PastEnd`](EditError::PastEnd),
    /// [`NothingLeft`](EditError::NothingLeft).
    pub fn cut(&mut self, range: Range<Duration>) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let gone = range.end.saturating_sub(range.start);
            must_fit(draft, range.start, gone)?;
            let left = draft.duration() - gone;
            times::cut(draft, range);
            // A draft that told its length still must; another is as long as what is in it.
            if draft.get(DURATION).is_some() || draft.duration() != left {
                draft.set_duration(left);
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

    /// Gives the picture another shape.
    ///
    /// ```
    /// use nemovideo::{Aspect, draft::Draft};
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
    /// draft.edit().set_aspect(Aspect::Square)?;
    /// assert_eq!(draft.aspect(), Some(Aspect::Square));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// None today.
    pub fn set_aspect(&mut self, aspect: Aspect) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let known = Place::of(&draft.0, lookup::ASPECT, |json| lookup::text(json).is_some());
            let place = known.unwrap_or(Place::in_metadata(lookup::ASPECT[0]));
            place.set(&mut draft.0, aspect.ratio());
            Ok(())
        })
    }

    /// Works on a copy, which takes the draft's place only when all went well.
    fn change(
        &mut self,
        edit: impl FnOnce(&mut Draft) -> Result<(), EditError>,
    ) -> Result<&mut Self, EditError> {
        let mut changed = self.draft.clone();
        edit(&mut changed)?;
        if self.draft.is_ready_to_export() && !changed.is_ready_to_export() {
            return Err(EditError::NothingLeft);
        }
        *self.draft = changed;
        Ok(self)
    }
}

fn the_track(draft: &Draft, index: usize) -> Result<Track<'_>, EditError> {
    let tracks = draft.tracks().len();
    draft.tracks().nth(index).ok_or(EditError::NoTrack { index, tracks })
}

fn track_mut(draft: &mut Draft, index: usize) -> Result<&mut Json, EditError> {
    let tracks = draft.tracks().len();
    array(&mut draft.0, TRACKS).get_mut(index).ok_or(EditError::NoTrack { index, tracks })
}

fn segment_mut(draft: &mut Draft, track: usize, index: usize) -> Result<&mut Json, EditError> {
    must_have(track, index, the_track(draft, track)?.segments().len())?;
    Ok(&mut array(track_mut(draft, track)?, SEGMENTS)[index])
}

fn must_have(track: usize, index: usize, segments: usize) -> Result<(), EditError> {
    if index < segments { Ok(()) } else { Err(EditError::NoSegment { track, index, segments }) }
}

fn must_say(text: &str) -> Result<(), EditError> {
    if text.trim().is_empty() { Err(EditError::NoText) } else { Ok(()) }
}

fn must_fit(draft: &Draft, start: Duration, duration: Duration) -> Result<(), EditError> {
    let (end, length) = (start.saturating_add(duration), draft.duration());
    // Drafts count milliseconds: less than one would be written as nothing.
    if duration < Duration::from_millis(1) {
        Err(EditError::NoLength)
    } else if end > length {
        Err(EditError::PastEnd { end, length })
    } else {
        Ok(())
    }
}

fn must_sound(draft: &Draft, track: usize, volume: f64) -> Result<(), EditError> {
    if !(0.0..=1.0).contains(&volume) {
        return Err(EditError::Volume(volume));
    }
    match the_track(draft, track)?.kind() {
        Some(TrackKind::Text) => Err(EditError::Silent { track }),
        _ => Ok(()),
    }
}
