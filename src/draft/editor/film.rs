//! Edits of the whole film: how long it is, and the shape of its picture.

use std::ops::Range;
use std::time::Duration;

use super::checks::must_fit;
use super::{EditError, Editor, times};
use crate::draft::aspect::Aspect;
use crate::draft::canvas;
use crate::draft::lookup::{self, DURATION};

impl Editor<'_> {
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
            let length = must_fit(draft, Duration::ZERO, length)?.end;
            let ends = draft.tracks().map(|track| track.end());
            let end = ends.chain([draft.duration()]).max().unwrap_or_default();
            if length < end {
                times::cut(draft, length..end)?;
                draft.set_duration(length);
            }
            Ok(())
        })
    }

    /// Takes a stretch of time out of the film; what comes after moves up. Clips of video and
    /// sound that go on through it become two, so that sound and picture stay together; music,
    /// backgrounds and texts become shorter.
    ///
    /// A clip that loses its beginning must leave out as much of its file. How the service writes
    /// that is not documented; where a clip shows no key for it that is known (`media`, `skip`),
    /// the cut is refused rather than shift what is seen.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, EditError};
    /// use std::time::Duration;
    ///
    /// let text = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000,"m":{"media":"a.mp4"}}]}]}"#;
    /// let mut draft: Draft = text.parse()?;
    /// draft.edit().cut(Duration::from_secs(2)..Duration::from_secs(4))?;
    /// assert_eq!(
    ///     draft.to_json(),
    ///     r#"{"d":7000,"t":[{"tt":0,"sg":[{"d":2000,"m":{"media":"a.mp4"}},{"d":5000,"m":{"media":"a.mp4","skip":4000}}]}]}"#
    /// );
    ///
    /// let mut draft: Draft = text.replace("media", "src").parse()?;
    /// let refused = draft.edit().cut(Duration::ZERO..Duration::from_secs(1)).map(drop);
    /// assert_eq!(refused, Err(EditError::Indivisible { track: 0, segment: 0 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoLength`](EditError::NoLength), [`PastEnd`](EditError::PastEnd),
    /// [`Indivisible`](EditError::Indivisible), [`NothingLeft`](EditError::NothingLeft) also when
    /// all of the film would be cut out.
    pub fn cut(&mut self, range: Range<Duration>) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let gone = must_fit(draft, range.start, range.end.saturating_sub(range.start))?;
            let left = draft.duration() - (gone.end - gone.start);
            // Also where something goes on after the end that the draft tells: it is not shown,
            // and a length of nothing would show it.
            if left.is_zero() {
                return Err(EditError::NothingLeft);
            }
            times::cut(draft, gone)?;
            // A draft that told its length still must; another is as long as what is in it.
            if draft.get(DURATION).is_some() || draft.duration() != left {
                draft.set_duration(left);
            }
            Ok(())
        })
    }

    /// Gives the picture another shape, wherever the draft tells it: as a ratio, as a word, as
    /// `width` and `height`, on its own or in an object. Each keeps its form; of a size the
    /// shorter side stays.
    ///
    /// ```
    /// use nemovideo::{Aspect, draft::Draft};
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
    /// draft.edit().set_aspect(Aspect::Square)?;
    /// assert_eq!(draft.aspect(), Some(Aspect::Square));
    ///
    /// let mut draft: Draft = r#"{"canvas":{"width":1280,"height":720},"t":[]}"#.parse()?;
    /// draft.edit().set_aspect(Aspect::Portrait)?;
    /// assert_eq!(draft.to_json(), r#"{"canvas":{"width":720,"height":1280},"t":[]}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Canvas`](EditError::Canvas) when the draft tells its shape in a form that is not known.
    pub fn set_aspect(&mut self, aspect: Aspect) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            if canvas::reshape(&mut draft.0, aspect) == canvas::Told::Nowhere {
                draft.set_metadata(lookup::ASPECT[0], aspect.ratio());
            }
            // Two shapes in one draft would be a film that nobody asked for.
            if draft.aspect() == Some(aspect) { Ok(()) } else { Err(EditError::Canvas) }
        })
    }
}
