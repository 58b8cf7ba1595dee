//! What changed from one draft to the next: as types, as words for people, and as something that
//! can be done again.
//!
//! Two things that share nothing but the drafts: the [`Change`]s tell what a person would call a
//! change (one inserted caption is one, even where all behind it make room), and a private recipe
//! says how to make the newer draft exactly, unknown keys, order and digits included. So words
//! can be few without anything being lost, and whatever has no word is told by its keys.
//!
//! | file | holds |
//! |---|---|
//! | `align` | which item of a list became which |
//! | `recipe` | one tree out of another, exactly |
//! | `change` | [`Change`] |
//! | `compare` | finding the changes |
//! | `matches` | which track and which segment became which |
//! | `piece` | a segment, as it is compared |
//! | `position` | what a thing says of its own place, which is no change of its own |
//! | `keys` | which keys changed |
//! | `words` | the changes in English and Chinese |

mod align;
mod change;
mod compare;
mod keys;
mod matches;
mod piece;
mod position;
mod recipe;
mod words;

use std::fmt;

use self::recipe::Recipe;
use super::json::Json;
use super::language::Language;
use super::model::Draft;

pub use change::{Change, SegmentAt, Span, TrackAt};

impl Draft {
    /// What changed from this draft to a newer one. Near-linear in the size of both.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, Language};
    ///
    /// let older: Draft = r#"{"t":[{"tt":1,"m":{"role":"music"},"sg":[{"d":67700,"m":{"volume":0.8}}]}]}"#.parse()?;
    /// let newer: Draft = r#"{"t":[{"tt":1,"m":{"role":"music"},"sg":[{"d":30000,"m":{"volume":0.35}}]},
    ///     {"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"text":"Morning Brew"}}]}]}"#.parse()?;
    /// let diff = older.diff(&newer);
    /// assert_eq!(
    ///     diff.summary(Language::English),
    ///     "Music clip retimed (0–67.7 s → 0–30 s)\n\
    ///      Music volume: 80 % → 35 %\n\
    ///      Title added: “Morning Brew” (0–3 s)\n\
    ///      Length: 67.7 s → 30 s"
    /// );
    /// assert_eq!(diff.changes()[2].describe(Language::Chinese), "标题已添加：“Morning Brew”（0–3 秒）");
    /// assert_eq!(diff.apply(&older)?, newer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn diff(&self, newer: &Self) -> Diff {
        let (older, newer_json) = (self.as_json(), newer.as_json());
        let base = align::key(older);
        if older == newer_json {
            return Diff { changes: Vec::new(), recipe: None, base };
        }
        let recipe = Some(Recipe::between(older, newer_json));
        Diff { changes: compare::changes(self, newer), recipe, base }
    }
}

/// What changed from one draft to another; see [`Draft::diff`].
///
/// ```
/// use nemovideo::draft::{Change, Draft};
///
/// let older: Draft = r#"{"t":[{"tt":1,"m":{"role":"music"},"sg":[{"d":60000}]}]}"#.parse()?;
/// let mut newer = older.clone();
/// newer.edit().set_track_volume(0, 0.35)?;
///
/// // Did "turn the music down" do that, and nothing else?
/// let diff = older.diff(&newer);
/// let is_volume = |change: &Change| matches!(change, Change::VolumeChanged { .. });
/// assert!(!diff.is_empty() && diff.changes().iter().all(is_volume));
///
/// // The way back is a diff too.
/// assert_eq!(newer.diff(&older).apply(&newer)?, older);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    changes: Vec<Change>,
    /// `None` when there is nothing to do.
    recipe: Option<Recipe>,
    /// A hash of the draft that this starts from.
    base: u64,
}

impl Diff {
    /// The changes: track by track as the newer draft has them, then the tracks that are gone,
    /// then what is true of the whole film. Numbers count by value: that `1000.0` became `1000` is
    /// no change to tell people of, though [`apply`](Self::apply) makes it.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let older: Draft = r#"{"d":1000.0,"t":[]}"#.parse()?;
    /// let newer: Draft = r#"{"d":1000,"t":[]}"#.parse()?;
    /// let diff = older.diff(&newer);
    /// assert!(diff.changes().is_empty() && !diff.is_empty());
    /// assert_eq!(diff.apply(&older)?.to_json(), r#"{"d":1000,"t":[]}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the two drafts are equal, digit by digit.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, Language};
    ///
    /// let draft: Draft = r#"{"t":[]}"#.parse()?;
    /// let diff = draft.diff(&draft.clone());
    /// assert!(diff.is_empty() && diff.changes().is_empty());
    /// assert!(!diff.summary(Language::English).is_empty()); // it says that nothing changed
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recipe.is_none()
    }

    /// The changes in a few lines for people; many of one kind on one track are one line, and
    /// beyond twenty lines they are counted. Never empty: it says so when nothing changed.
    #[must_use]
    pub fn summary(&self, language: Language) -> String {
        if self.changes.is_empty() && !self.is_empty() {
            let english = "Nothing changed but how numbers are written.";
            return language.pick(english, "只有数字的写法不同，内容没有变化。").to_owned();
        }
        words::summary(&self.changes, language)
    }

    /// Makes the newer draft out of the older one, equal to it to the last key.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let older: Draft = r#"{"t":[],"d":1000}"#.parse()?;
    /// let newer: Draft = r#"{"t":[],"d":2000,"x":1.10}"#.parse()?;
    /// let diff = older.diff(&newer);
    /// assert_eq!(diff.apply(&older)?.to_json(), newer.to_json());
    /// assert!(diff.apply(&newer).is_err()); // it was taken from the other one
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OtherDraft`] when this is not the draft that the diff was taken from.
    pub fn apply(&self, older: &Draft) -> Result<Draft, OtherDraft> {
        if align::key(older.as_json()) != self.base {
            return Err(OtherDraft(()));
        }
        let newer = match &self.recipe {
            None => Some(older.as_json().clone()),
            Some(recipe) => recipe.follow(older.as_json()),
        };
        newer.map(Json::into).ok_or(OtherDraft(()))
    }
}

/// A diff was applied to another draft than the one it was taken from. Take a new diff from the
/// draft at hand.
///
/// ```
/// use nemovideo::draft::{Draft, Language, OtherDraft};
/// use std::time::Duration;
///
/// let older: Draft = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
/// let mut newer = older.clone();
/// newer.edit().trim_to(Duration::from_secs(5))?;
/// let diff = older.diff(&newer);
///
/// let mut theirs = older.clone();
/// theirs.set("mood", "warm"); // meanwhile, by somebody else
/// let refused: Result<Draft, OtherDraft> = diff.apply(&theirs);
/// assert!(refused.is_err()); // or their change would be gone without a word
/// assert!(theirs.diff(&newer).summary(Language::English).contains("mood"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherDraft(());

impl fmt::Display for OtherDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the diff was taken from another draft")
    }
}

impl std::error::Error for OtherDraft {}
