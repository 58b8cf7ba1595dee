//! The draft: what the film looks like before it is rendered.
//!
//! On the wire a draft has short keys, of which five are documented: `t` tracks, `tt` track type,
//! `sg` segments, `d` duration in milliseconds, `m` metadata. Everything else in it is not, and
//! the service wants all of it back, untouched, when the film is exported. So a [`Draft`] is not
//! a set of structs but a typed view over a tree, [`Json`], that gives back exactly what it was
//! given: unknown keys, duplicate keys, their order, and numbers digit by digit.
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
//! | file | holds |
//! |---|---|
//! | `json` | the tree that loses nothing |
//! | `parse` | text to tree, in linear time |
//! | `model` | [`Draft`], [`Track`], [`Segment`]: reading |
//! | `edit` | [`TrackMut`], [`SegmentMut`]: building and changing, unchecked |
//! | `editor` | [`Editor`]: what an editor of films does, checked |
//! | `lookup` | where undocumented things (names, volume, start) are looked for: the one list |
//! | `aspect` | [`Aspect`]: the shape of the picture |
//! | `canvas` | where and how a draft tells that shape |
//! | `diff` | [`Diff`]: what changed from one draft to the next |
//! | `language` | the words for all of it, in two languages |
//! | `picture` | the timeline drawn, for a page or a terminal |
//! | `summary` | the timeline in one line, for people |

mod aspect;
mod canvas;
mod diff;
mod edit;
mod editor;
mod json;
mod language;
mod lookup;
mod model;
mod parse;
mod picture;
mod summary;

pub use aspect::Aspect;
pub use diff::{Change, Diff, OtherDraft, SegmentAt, Span, TrackAt};
pub use edit::{SegmentMut, TrackMut};
pub use editor::{EditError, Editor};
pub use json::{Json, Number, Object, Text};
pub use language::Language;
pub use model::{Draft, Segment, Track, TrackKind, TrackRole};
pub use parse::ParseError;
pub use picture::{PictureStyle, Theme};
pub(crate) use summary::Label;
