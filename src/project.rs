//! A conversation about one video: what its user means, and what the agent's text means.
//!
//! The service's agent assumes that its user has a screen with buttons, and the user writes as if
//! to a person. This module mediates between them. A message is classified before it is sent:
//! [`Intent::of`] distinguishes a request that the API can carry out (export, credits, state,
//! upload) from a message for the agent. The agent's text is filtered before it is shown:
//! [`GuiFilter`] turns "click Export" into a [`Suggestion`] and leaves the rest as it is. Both
//! understand English and Chinese and are optional: a program that knows what it wants calls the
//! client itself.
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
//! | to | use |
//! |---|---|
//! | make a video from a script in one call | [`NemoClient::voiceover`](crate::NemoClient::voiceover), [`Script`], [`SceneImage`] |
//! | hold a conversation, one message at a time | [`Project`], [`Turn`], [`TurnReport`] |
//! | classify what a user writes | [`Intent`], [`Project::dispatch`] |
//! | respond to a question of the agent | [`Project::respond_to`], [`QuestionResponse`] |
//! | render the timeline and save the file | [`Project::export`], [`SavedVideo`] |
//! | make several videos, persist and resume them | [`Project::batch`], [`BatchState`] |
//! | show or persist the progress of a video, or cancel it | [`JobProgress`], [`JobHandle`] |

// `pipeline` is the way of a video: message, draft, render, file. `messages` has the texts for
// people, in both languages.

mod batch;
mod conversation;
mod export;
mod files;
mod handle;
mod intent;
mod messages;
mod pipeline;
mod plan;
mod progress;
mod question;
mod script;
mod turn;
mod uploads;
mod voiceover;

/// The token of [`Voiceover::cancel_with`] and [`Batch::cancel_with`], of the crate `tokio-util`.
pub use tokio_util::sync::CancellationToken;

pub use crate::language::{FilteredMessage, FilteredText, GuiFilter, Suggestion, filter_gui};
pub use batch::{Batch, BatchItem, BatchItemState, BatchState};
pub use conversation::{CreateProject, Dispatched, Project};
pub use export::{Export, SavedVideo};
pub use files::MissedFile;
pub use handle::{JobHandle, JobUpdate, JobUpdates};
pub use intent::{ExportRequest, Intent, UploadHint};
pub use pipeline::JobStream;
#[cfg(feature = "queue")]
pub(crate) use plan::QueuedVoiceover;
pub use progress::{JobProgress, JobStage};
pub use question::QuestionResponse;
pub use script::Script;
pub use turn::{Outcome, SendMessage, ToolActivity, Turn, TurnEvent, TurnReport};
pub use uploads::SceneImage;
pub use voiceover::{Captions, VoiceChoice, Voiceover};
