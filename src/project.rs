//! A conversation about one video: what its user means, and what the agent's text means.
//!
//! The service's agent assumes that its user has a screen with buttons, and the user writes as if
//! to a person. This module mediates between them. A message is classified before it is sent:
//! [`Intent::of`] tells a request that the API can carry out (export, credits, state, upload) from
//! a message for the agent. The agent's text is filtered before it is shown: [`GuiFilter`]
//! turns "click Export" into a [`Suggestion`] and leaves the rest as it is. Both understand English
//! and Chinese and are optional: a program that knows what it wants calls the client itself.
//!
//! ```
//! use nemovideo::project::{Intent, Suggestion, filter_gui};
//!
//! assert!(matches!(Intent::of("Could you please export it?"), Intent::Export(_)));
//! assert_eq!(Intent::of("make an intro for our export business"), Intent::Message);
//!
//! let filtered = filter_gui("Your 10 s city clip is ready, click Export to save it.");
//! assert_eq!(filtered.text, "Your 10 s city clip is ready.");
//! assert_eq!(filtered.suggestions, [Suggestion::Export]);
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `intent` | what a message means: [`Intent`] |
//! | `conversation` | [`Project`]: one session, one message at a time |
//! | `turn` | one message: sent, followed to its end, summed up |
//! | `question` | the user's response to a question of the agent: [`QuestionResponse`] |
//! | `pipeline` | message → draft → render → file: [`JobProgress`] |
//! | `voiceover`, `script` | the main job in one call: [`NemoClient::voiceover`](crate::NemoClient::voiceover) |
//! | `batch` | several videos in one session, which can be persisted and resumed |
//! | `export` | the file of a project: [`Export`], [`SavedVideo`] |
//! | `messages` | the texts for people, in both languages |

mod batch;
mod conversation;
mod export;
mod intent;
mod messages;
mod pipeline;
mod question;
mod script;
mod turn;
mod voiceover;

pub use crate::language::{FilteredMessage, FilteredText, GuiFilter, Suggestion, filter_gui};
pub use batch::{Batch, BatchItem, BatchItemState, BatchState};
pub use conversation::{CreateProject, Dispatched, Project};
pub use export::{Export, SavedVideo};
pub use intent::{ExportRequest, Intent, UploadHint};
pub use pipeline::{JobProgress, JobStage};
pub use question::QuestionResponse;
pub use script::Script;
pub use turn::{Outcome, SendMessage, Turn, TurnEvent, TurnReport};
pub use voiceover::{Captions, VoiceChoice, Voiceover};
