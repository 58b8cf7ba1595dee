//! The draft: the timeline of a video before it is rendered.
//!
//! The service encodes a draft with short keys, of which five are documented: `t` tracks, `tt` track
//! type, `sg` segments, `d` duration in milliseconds, `m` metadata. It requires all other keys back
//! unchanged when the video is exported. So a [`Draft`] is not a set of structs but a typed view
//! over a tree, [`Json`], which keeps unknown keys, duplicate keys, their order, and numbers digit
//! by digit.
//!
//! ```
//! use nemovideo::draft::{Draft, TrackKind};
//! use std::time::Duration;
//!
//! let draft: Draft = r#"{"t":[{"tt":1,"x":1.10,"sg":[{"d":10000,"m":{"name":"Lo-fi","volume":0.35}}]}]}"#.parse()?;
//! let track = draft.tracks().next().expect("one track");
//! assert_eq!(track.kind(), Some(TrackKind::Audio));
//! assert_eq!(draft.duration(), Duration::from_secs(10));
//! assert_eq!(draft.summary(), "Timeline (1 track): 1. BGM: Lo-fi (0-10s, 35%)");
//! assert!(draft.to_json().contains(r#""x":1.10"#));
//! # Ok::<(), nemovideo::draft::ParseError>(())
//! ```
//!
//! | to | use |
//! |---|---|
//! | read a timeline | [`Draft`], [`Track`], [`Segment`], [`Aspect`] |
//! | make checked edits | [`Draft::edit`], [`Editor`] |
//! | build or change a timeline without checks | [`TrackMut`], [`SegmentMut`] |
//! | find out what changed between two drafts | [`Draft::diff`], [`Diff`] |
//! | describe a timeline in one line | [`Draft::summary`] |
//! | draw a timeline | [`Draft::to_svg`], [`Draft::to_text`], [`PictureStyle`], [`Language`] |
//! | write subtitles | [`Draft::to_srt`], [`Draft::to_vtt`], [`SubtitleFormat`] |
//! | read looks and sounds | [`CaptionStyle`], [`Draft::chapters`], [`Segment::words`] |
//! | access unknown keys | [`Json`], [`Object`] |

// `keys` is the one list of the places where undocumented values (names, volumes, starts) are
// stored.

mod canvas;
mod diff;
mod edit;
mod editor;
mod json;
mod keys;
mod model;
mod picture;
mod style;
mod subtitles;
mod summary;

pub use canvas::Aspect;
pub use diff::{Change, ChangedItem, Diff};
pub use edit::{SegmentMut, TrackMut};
#[cfg(feature = "local")]
pub(crate) use editor::set_chapters;
pub use editor::{EditError, Editor};
pub use json::{Json, Object, ParseError};
#[cfg(feature = "local")]
pub(crate) use keys::{
    MARKS, PARAGRAPH, PARAGRAPHS, SENTENCES, THROUGH, WORDS, as_millis, metadata_mut,
};
pub use model::{Draft, Segment, Track, TrackKind, TrackRole};
pub use picture::{PictureStyle, PictureTheme};
pub use style::{
    CaptionColor, CaptionMode, CaptionPosition, CaptionSize, CaptionStyle, ImageFit, ImageMotion,
};
pub use subtitles::SubtitleFormat;
pub use summary::Language;
pub(crate) use summary::TrackLabel;
