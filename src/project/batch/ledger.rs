//! The state of a batch as it changes: written by the work, read by whoever writes it down.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{BatchItem, BatchStage, BatchState};
use crate::error::Error;
use crate::protocol::Session;

#[derive(Clone, Debug)]
pub(super) struct BatchTracker(Arc<Mutex<Entries>>);

#[derive(Debug)]
struct Entries {
    state: BatchState,
    /// The item whose next step stands in the state and is not begun, and how far it really is.
    announced: Option<(usize, BatchStage)>,
}

impl BatchTracker {
    pub(super) fn new(state: BatchState) -> Self {
        Self(Arc::new(Mutex::new(Entries { state, announced: None })))
    }

    pub(super) fn ahead_of_the_work(&self) -> BatchState {
        self.lock().state.clone()
    }

    pub(super) fn exact(&self) -> BatchState {
        let mut entries = self.lock();
        if let Some((index, stage)) = entries.announced.take() {
            entries.state.items[index].stage = stage;
        }
        entries.state.clone()
    }

    pub(super) fn items(&self) -> Vec<(BatchItem, BatchStage)> {
        let entries = self.lock();
        let items = entries.state.items.iter();
        items.map(|entry| (entry.item.clone(), entry.stage.clone())).collect()
    }

    /// The next step of an item, before anybody is told that it is about to be done.
    pub(super) fn announce(&self, index: usize, stage: BatchStage) {
        let mut entries = self.lock();
        let before = std::mem::replace(&mut entries.state.items[index].stage, stage);
        entries.announced = Some((index, before));
    }

    /// What was announced begins now.
    pub(super) fn begin(&self) {
        self.lock().announced = None;
    }

    /// How far an item is.
    pub(super) fn reached(&self, index: usize, stage: BatchStage) {
        let mut entries = self.lock();
        entries.announced = None;
        entries.state.items[index].stage = stage;
    }

    /// More of what the agent says.
    pub(super) fn heard(&self, index: usize, text: &str) {
        if let BatchStage::Message(pending) = &mut self.lock().state.items[index].stage {
            pending.text.push_str(text);
        }
    }

    pub(super) fn session(&self, session: Session) {
        self.lock().state.session = Some(session);
    }

    pub(super) fn finished(&self, index: usize, path: &Path, bytes: u64) {
        let mut entries = self.lock();
        let entry = &mut entries.state.items[index];
        entry.stage = BatchStage::Finished { path: path.to_owned(), bytes };
        entry.error = None;
    }

    /// An item was ended before anything was done about it.
    pub(super) fn refused(&self, index: usize, error: &Error) {
        let mut entries = self.lock();
        let entry = &mut entries.state.items[index];
        entry.error = Some(error.to_string());
        if !meets_all(error) && !entry.stage.is_paid() {
            entry.stage = BatchStage::Failed;
        }
    }

    /// An item ended with an error. What there is to go on with stays; tells whether the session
    /// does.
    pub(super) fn ended(&self, index: usize, error: &Error) -> bool {
        let mut entries = self.lock();
        entries.announced = None;
        let state = &mut entries.state;
        let entry = &mut state.items[index];
        entry.error = Some(error.to_string());
        let in_doubt = error.may_have_taken_effect() && !matches!(error, Error::AgentFailed(_));
        match &entry.stage {
            BatchStage::Rendering(_) => true,
            BatchStage::Message(pending) if in_doubt => {
                let session = state.session.as_ref().map(|session| &session.session_id);
                if session != Some(&pending.session_id) {
                    return true;
                }
                // What comes of it late must not be taken for what comes of the next one.
                state.session = None;
                false
            }
            // An agent takes the newest upload for what is meant, so this one must come again.
            _ if error.is_retryable() || meets_all(error) => {
                entry.stage = BatchStage::Waiting;
                true
            }
            _ => {
                entry.stage = BatchStage::Failed;
                true
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing can panic while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error of one item would be that of each item.
pub(super) fn meets_all(error: &Error) -> bool {
    matches!(error, Error::OutOfCredits(_) | Error::ExportBlocked(_) | Error::TokenInvalid(_))
}

/// The place that a path names, however it is spelt.
pub(super) fn place(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}
