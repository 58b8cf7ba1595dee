//! The persisted state of a batch, and the tracker that keeps it ahead of the work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::BatchItem;
use crate::error::Error;
use crate::project::TurnEvent;
use crate::project::pipeline::{JobProgress, JobStage};
use crate::protocol::{CreateSession, Session};

/// The state of a batch: enough for another process to continue it, with
/// [`NemoClient::resume_batch`](crate::NemoClient::resume_batch).
///
/// It holds the drafts of the work in progress and no secret. Paths must be UTF-8 to be
/// serialized, and relative ones are resolved in the working directory of the process that
/// continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchState {
    /// What a session of the batch is opened with: its name, and its language if known.
    #[serde(default)]
    pub project: CreateSession,
    /// The session. `None` after a message whose outcome is unknown: the next item opens another
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The items, in their order.
    pub items: Vec<BatchItemState>,
}

/// An item of a batch, and how far it is.
///
/// ```
/// use nemovideo::project::{BatchItemState, JobStage};
///
/// let persisted = r#"{"item":{"instruction":"narrate: Hi.","save_to":"hi.mp4"},
///     "stage":"waiting","error":"out of credits"}"#;
/// let item: BatchItemState = serde_json::from_str(persisted)?;
/// assert_eq!(item.stage, JobStage::Waiting); // nothing was charged, so it is made when resumed
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchItemState {
    /// What is to be made.
    pub item: BatchItem,
    /// How far it is.
    #[serde(default)]
    pub stage: JobStage,
    /// Text of the error that the item ended with. Unless it has [failed](JobStage::Failed), it
    /// can be continued all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What becomes of the session after an item failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionFate {
    Kept,
    /// What a message of unknown outcome does late must not be taken for the work of the next one.
    Abandoned,
}

/// The state of a batch as it changes: written by the work, read by whoever persists it.
#[derive(Clone, Debug)]
pub(super) struct BatchTracker(Arc<Mutex<Tracked>>);

#[derive(Debug)]
struct Tracked {
    state: BatchState,
    /// The item whose next step is in the state and has not begun, and its actual stage.
    planned: Option<(usize, JobStage)>,
}

impl BatchTracker {
    pub(super) fn new(state: BatchState) -> Self {
        Self(Arc::new(Mutex::new(Tracked { state, planned: None })))
    }

    /// Returns the state, in which the next step has begun already.
    pub(super) fn state(&self) -> BatchState {
        self.lock().state.clone()
    }

    /// Returns the state without a step that has not begun.
    pub(super) fn exact_state(&self) -> BatchState {
        let mut tracked = self.lock();
        if let Some((index, stage)) = tracked.planned.take() {
            tracked.state.items[index].stage = stage;
        }
        tracked.state.clone()
    }

    /// Records the progress of an item, before it is reported.
    pub(super) fn record(&self, index: usize, progress: &JobProgress) {
        match progress {
            JobProgress::SessionOpened(session) => {
                self.lock().state.session = Some(session.clone());
            }
            JobProgress::Uploading => self.plan(index, JobStage::Uploading),
            JobProgress::Uploaded => self.advance(index, JobStage::Uploaded),
            JobProgress::Sending(pending) => self.plan(index, JobStage::Message(pending.clone())),
            JobProgress::Sent(pending) => self.advance(index, JobStage::Message(pending.clone())),
            JobProgress::Turn(TurnEvent::Text(text)) => self.append_text(index, text),
            JobProgress::Submitting(job) => self.advance(index, JobStage::Rendering(job.clone())),
            JobProgress::Finished(video) => {
                let (path, bytes) = (video.path.clone(), video.bytes);
                self.advance(index, JobStage::Finished { path, bytes });
                self.lock().state.items[index].error = None;
            }
            JobProgress::Turn(_)
            | JobProgress::Rendering { .. }
            | JobProgress::Downloading { .. } => {}
        }
    }

    /// Records the next step of an item, which is about to be reported and then to begin.
    fn plan(&self, index: usize, stage: JobStage) {
        let mut tracked = self.lock();
        let before = std::mem::replace(&mut tracked.state.items[index].stage, stage);
        tracked.planned = Some((index, before));
    }

    /// Records that the planned step, if there is one, begins now.
    pub(super) fn commit(&self) {
        self.lock().planned = None;
    }

    fn advance(&self, index: usize, stage: JobStage) {
        let mut tracked = self.lock();
        tracked.planned = None;
        tracked.state.items[index].stage = stage;
    }

    fn append_text(&self, index: usize, text: &str) {
        if let JobStage::Message(pending) = &mut self.lock().state.items[index].stage {
            pending.text.push_str(text);
        }
    }

    /// Records that an item was ended before anything was done for it.
    pub(super) fn skip(&self, index: usize, error: &Error) {
        let mut tracked = self.lock();
        let entry = &mut tracked.state.items[index];
        entry.error = Some(error.to_string());
        if !affects_all(error) && !is_paid(&entry.stage) {
            entry.stage = JobStage::Failed;
        }
    }

    /// Records that an item ended with an error. What it can be continued from stays.
    pub(super) fn fail(&self, index: usize, error: &Error) -> SessionFate {
        let mut tracked = self.lock();
        tracked.planned = None;
        let state = &mut tracked.state;
        let entry = &mut state.items[index];
        entry.error = Some(error.to_string());
        let is_uncertain = error.may_have_taken_effect() && !matches!(error, Error::AgentFailed(_));
        match &entry.stage {
            JobStage::Rendering(_) => {}
            JobStage::Message(pending) if is_uncertain => {
                let session = state.session.as_ref().map(|session| &session.session_id);
                if session == Some(&pending.session_id) {
                    state.session = None;
                    return SessionFate::Abandoned;
                }
            }
            // An agent takes the newest upload for the one that is meant, so this one must be
            // uploaded again.
            _ if error.is_retryable() || affects_all(error) => entry.stage = JobStage::Waiting,
            _ => entry.stage = JobStage::Failed,
        }
        SessionFate::Kept
    }

    fn lock(&self) -> MutexGuard<'_, Tracked> {
        // The lock is never held across a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the error of one item would be that of each item.
pub(super) fn affects_all(error: &Error) -> bool {
    matches!(error, Error::OutOfCredits(_) | Error::ExportBlocked(_) | Error::TokenInvalid(_))
}

/// Whether an item can be finished without another message.
pub(super) fn is_paid(stage: &JobStage) -> bool {
    matches!(stage, JobStage::Message(_) | JobStage::Rendering(_))
}
