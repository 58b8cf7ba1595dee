//! A conversation about one video: what its user means, and what the backend's words mean.
//!
//! The service's agent believes that its user sits before a screen with buttons, and the user
//! speaks as if to a person. This module stands between them. What the user says is looked at
//! before anything is sent: [`Intent::of`] tells an order that the API carries out (export,
//! credits, state, upload) from a message for the agent. What the agent says is looked at before
//! anything is shown: a [`GuiFilter`] turns "click Export" into a [`Suggestion`] and leaves
//! the rest as it is. Both read English and Chinese, both are pure text, and neither is forced on
//! anyone: a program that knows what it wants calls the client itself.
//!
//! ```
//! use nemovideo::project::{Intent, Suggestion, filter_gui};
//!
//! assert!(matches!(Intent::of("Could you please export it?"), Intent::Export(_)));
//! assert_eq!(Intent::of("make an intro for our export business"), Intent::Message);
//!
//! let said = filter_gui("Your 10 s city clip is ready, click Export to save it.");
//! assert_eq!(said.text, "Your 10 s city clip is ready.");
//! assert_eq!(said.suggestions, [Suggestion::Export]);
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `intent` | what the user means: [`Intent`] |
//! | `conversation` | [`Project`]: one session, one message at a time |
//! | `turn`, `watch`, `telling`, `stage` | a message, as it happens |
//! | `report`, `words` | a message, summed up |
//! | `pending` | a message that was left, picked up again |
//! | `export` | the file |
//! | `voiceover`, `script` | the main job in one call: [`NemoClient::voiceover`](crate::NemoClient::voiceover) |
//! | `batch` | several videos in one session, to be written down and picked up |
//! | `paid`, `target` | what both owe to money: written down before it is spent, checked before it is asked |

mod batch;
mod conversation;
mod export;
mod intent;
mod paid;
mod pending;
mod report;
mod script;
mod stage;
mod target;
mod telling;
mod turn;
mod voiceover;
mod watch;
mod words;

pub use crate::language::{FilteredMessage, FilteredText, GuiFilter, Suggestion, filter_gui};
pub use batch::{
    Batch, BatchItem, BatchItemState, BatchStage, BatchState, BatchUpdate, BatchVideo,
};
pub use conversation::{NewProject, Project, Reply};
pub use export::{Export, ExportedVideo};
pub use intent::{ExportRequest, Intent, UploadHint};
pub use report::{Outcome, TurnReport};
pub use script::Script;
pub use turn::{Say, Turn, TurnEvent};
pub use voiceover::{Captions, Voice, Voiceover, VoiceoverStage, VoiceoverVideo};
