//! Changing a draft as an editor of films would: in seconds and tracks, and checked. The setters
//! of `edit` put any JSON anywhere; an [`Editor`] leaves no overlap, nothing past the end and
//! nothing that cannot be exported, or else the draft exactly as it was.
//!
//! Names, volumes and starts are written where the draft at hand keeps them (see `place`), and
//! keys that nobody knows stay where they are.
//!
//! | file | holds |
//! |---|---|
//! | `film` | edits of the whole film: its length, its shape |
//! | `tracks` | edits of a track: added, taken out, moved, its volume |
//! | `segments` | edits of one segment: its text, its volume, its times |
//! | `checks` | what an edit needs, and what must hold for it |
//! | `error` | [`EditError`]: why an edit was refused |
//! | `place` | where a draft keeps what is not documented, and how it writes it |
//! | `times` | the segments of a track in time: laid out, reordered, cut |

mod checks;
mod error;
mod film;
mod place;
mod segments;
mod times;
mod tracks;

use super::model::Draft;

pub use error::EditError;

impl Draft {
    /// Changes the draft step by step. Each step either holds or leaves the draft as it was.
    ///
    /// ```
    /// use nemovideo::draft::{Aspect, Draft, EditError};
    /// use std::time::Duration;
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":1,"m":{"role":"music"},"sg":[{"d":60000,"vol":"80%","x":1}]}],"d":60000}"#.parse()?;
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

/// Changes a draft with checks; see [`Draft::edit`]. Tracks and segments are counted from 0. Drafts
/// count in milliseconds: a time between two of them is taken for the nearer one.
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
