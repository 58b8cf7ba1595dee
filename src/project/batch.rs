//! Several videos in one session: each has its own upload, message and file, and one result.
//!
//! The state of a batch can be persisted at any time and continued by another process: what may be
//! in progress is in its [`BatchState`] before it is sent.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};

use super::export::unwritable;
use super::files::ExtraFiles;
use super::pipeline::{Job, JobProgress, JobStage};
use super::{Project, TurnEvent};
use crate::client::NemoClient;
use crate::error::{Error, Result};
use crate::fs::NamedFile;
use crate::protocol::{CreateSession, Session};
use crate::sync::lock;

/// One video of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchItem {
    /// Path of a file to upload first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<PathBuf>,
    /// The message to the agent.
    pub instruction: String,
    /// Path of the file to write.
    pub save_to: PathBuf,
}

impl BatchItem {
    /// Creates an item that sends `instruction` and writes the resulting video to `save_to`.
    pub fn new(instruction: impl Into<String>, save_to: impl Into<PathBuf>) -> Self {
        Self { upload: None, instruction: instruction.into(), save_to: save_to.into() }
    }

    /// Uploads a file first.
    #[must_use]
    pub fn upload(mut self, path: impl Into<PathBuf>) -> Self {
        self.upload = Some(path.into());
        self
    }
}

/// The state of a batch: enough for another process to continue it, with
/// [`NemoClient::resume_batch`](crate::NemoClient::resume_batch).
///
/// It holds the drafts of the work in progress and no secret. Paths must be UTF-8 to be
/// serialized, and relative ones are resolved in the working directory of the process that
/// continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchState {
    /// The name and the language with which a session is opened.
    #[serde(default)]
    pub project: CreateSession,
    /// The session. `None` after a message whose outcome is unknown: the next item opens another
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The items, in their order.
    pub items: Vec<BatchItemState>,
}

/// A batch item and its stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchItemState {
    /// The item.
    pub item: BatchItem,
    /// The stage that the item has reached.
    #[serde(default)]
    pub stage: JobStage,
    /// The message of the error that the item ended with. The item can be continued unless its
    /// stage is [`Failed`](JobStage::Failed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A batch in progress: a stream of the [`JobProgress`] of each item, with its index. The items
/// are made one after the other.
///
/// The last progress of an item is [`JobProgress::Finished`] or an error. The other items continue
/// after an error, unless the error affects every item: see [`Project::batch`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let soon = std::time::Duration::from_millis(20);
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(soon, 500))
/// #     .recovery(nemovideo::TurnRecovery::new(soon, soon, 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// # let dir = tempfile::tempdir()?;
/// # let path = |name| dir.path().join(name);
/// use futures::StreamExt as _;
/// use nemovideo::project::{BatchItem, BatchState, JobProgress};
///
/// let items = [("One.", "1.wav"), ("Two.", "2.wav")];
/// let items = items.map(|(text, name)| BatchItem::new(format!("narrate: {text}"), path(name)));
/// let mut batch = project.batch(items);
/// let persisted = loop {
///     let (index, progress) = batch.next().await.ok_or("no more")?;
///     let state = serde_json::to_string(&batch.state())?; // before each step
///     if index == 1 && matches!(progress, Ok(JobProgress::Submitting(_))) {
///         break state; // and here the process ends
///     }
/// };
/// drop(batch);
///
/// let state: BatchState = serde_json::from_str(&persisted)?;
/// let mut batch = client.resume_batch(state);
/// while let Some((index, progress)) = batch.next().await {
///     assert_eq!(index, 1); // the first item is finished, and not made again
///     progress?;
/// }
/// assert!(path("1.wav").exists() && path("2.wav").exists());
/// assert_eq!(backend.counters().messages_run, 2);
/// # Ok(()) }
/// ```
///
/// # Cancel safety
/// Dropping it closes its connection; what was requested from the service is done, and charged,
/// all the same. Keep [`state`](Self::state), or end it with [`stop`](Self::stop), to continue
/// later.
#[must_use = "a batch does nothing unless it is polled"]
pub struct Batch {
    progress: BoxStream<'static, (usize, Result<JobProgress>)>,
    tracker: BatchTracker,
}

impl Batch {
    fn new(client: NemoClient, project: Option<Project>, state: BatchState) -> Self {
        let new = state.project.clone();
        let tracker = BatchTracker::new(state);
        let run = BatchRun { client, new, project, tracker: tracker.clone() };
        Self { progress: Box::pin(run.progress()), tracker }
    }

    /// Returns the state to persist, from which another process can continue.
    ///
    /// It is one step ahead: it already includes the request that the next poll may send, so
    /// persist it after each item of the stream, before polling again. If that message was never
    /// sent, the resuming process can only observe that it had no effect.
    #[must_use]
    pub fn state(&self) -> BatchState {
        self.tracker.state()
    }

    /// Ends the batch and returns its exact state, without a step that has not begun.
    #[must_use = "it is all that is left of the batch"]
    pub fn stop(self) -> BatchState {
        let Self { progress, tracker } = self;
        drop(progress);
        tracker.exact_state()
    }
}

impl Stream for Batch {
    type Item = (usize, Result<JobProgress>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.progress.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl Project {
    /// Makes several videos one after the other in this session. An item that fails is reported
    /// and the others continue; nothing is repeated.
    ///
    /// - Local problems of an item are reported before anything is sent for it: a path that cannot
    ///   be written, that an earlier item is written to, or that an item uploads.
    /// - After [`Error::OutcomeUnknown`] of a message the others continue in a new session, where
    ///   nothing that the message does late can be attributed to them; and so they do after
    ///   [`Error::SessionNotFound`].
    /// - After [`Error::OutOfCredits`], [`Error::ExportBlocked`] and [`Error::TokenInvalid`] the
    ///   others end with the same error, and nothing more is charged; after `OutOfCredits`, an item
    ///   whose message was already sent continues.
    /// - What an item can be continued from after an error stays in the [state](Batch::state), so
    ///   that [`resume_batch`](NemoClient::resume_batch) continues there.
    pub fn batch(&self, items: impl IntoIterator<Item = BatchItem>) -> Batch {
        let item = |item| BatchItemState { item, stage: JobStage::Waiting, error: None };
        let items = items.into_iter().map(item).collect();
        let session = Some(self.session());
        let state = BatchState { project: self.session_options().clone(), session, items };
        Batch::new(self.client().clone(), Some(self.clone()), state)
    }
}

impl NemoClient {
    /// Continues a batch from its state, which must be of the same account.
    ///
    /// Finished items are not made again, and failed ones not tried again. A message that may have
    /// been sent is observed and never sent again; a render is looked up by its id, and submitted
    /// if the service does not know it. An upload that may have been accepted is repeated, since it is
    /// free.
    ///
    /// # Errors
    /// Each item of the stream may be an error: see [`Project::batch`].
    ///
    /// # Cancel safety
    /// As for dropping the [`Batch`].
    pub fn resume_batch(&self, state: BatchState) -> Batch {
        let resumed = |session| Project::resumed(self, state.project.clone(), session);
        let project = state.session.clone().map(resumed);
        Batch::new(self.clone(), project, state)
    }
}

/// The work of a batch, item by item.
struct BatchRun {
    client: NemoClient,
    new: CreateSession,
    /// The session that messages go to; `None` after a message whose outcome is unknown.
    project: Option<Project>,
    tracker: BatchTracker,
}

impl BatchRun {
    fn progress(self) -> impl Stream<Item = (usize, Result<JobProgress>)> + Send {
        async_stream::stream! {
            let Self { client, new, mut project, tracker } = self;
            let entries = tracker.state().items;
            let named = |path: &PathBuf| NamedFile::of(path);
            let paths: Vec<NamedFile> =
                entries.iter().map(|entry| named(&entry.item.save_to)).collect();
            let uploads: Vec<NamedFile> =
                entries.iter().filter_map(|entry| entry.item.upload.as_ref().map(named)).collect();
            let mut common: Option<Error> = None;
            for (index, BatchItemState { item, stage, .. }) in entries.into_iter().enumerate() {
                if matches!(stage, JobStage::Finished { .. } | JobStage::Failed) {
                    continue;
                }
                let skipped = match &common {
                    // What is paid for costs no more credits.
                    Some(Error::OutOfCredits(_)) if is_paid(&stage) => None,
                    error => error.clone(),
                };
                let path = &paths[index];
                let why = if paths[..index].contains(path) {
                    Some("an earlier item is written to it too")
                } else if !is_paid(&stage) && uploads.contains(path) {
                    Some("an item uploads it")
                } else {
                    None
                };
                let taken = || why.map(|why| unwritable(&item.save_to, why));
                if let Some(error) = skipped.or_else(taken) {
                    tracker.skip(index, &error);
                    yield (index, Err(error));
                    continue;
                }
                let job = Job {
                    client: client.clone(),
                    new: new.clone(),
                    uploads: item.upload.into_iter().map(Into::into).collect(),
                    message: item.instruction,
                    save_to: item.save_to,
                    files: ExtraFiles::default(),
                };
                let mut failure = None;
                let mut progress = Box::pin(job.run(&mut project, stage));
                while let Some(step) = progress.next().await {
                    match step {
                        Ok(step) => {
                            tracker.record(index, &step);
                            yield (index, Ok(step));
                            tracker.commit();
                        }
                        Err(error) => failure = Some(error),
                    }
                }
                drop(progress);
                let Some(error) = failure else { continue };
                if tracker.fail(index, &error) == SessionFate::Abandoned {
                    project = None;
                }
                if affects_all(&error) {
                    common = Some(error.clone());
                }
                yield (index, Err(error));
            }
        }
    }
}

/// What becomes of the session after an item failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionFate {
    Kept,
    /// What a message of unknown outcome does late must not be attributed to the next one.
    Abandoned,
}

/// The state of a batch as it changes: written by the work, read by its caller.
#[derive(Clone, Debug)]
struct BatchTracker(Arc<Mutex<Tracked>>);

#[derive(Debug)]
struct Tracked {
    state: BatchState,
    /// The item whose next step is in the state and has not begun, and its actual stage.
    planned: Option<(usize, JobStage)>,
}

impl BatchTracker {
    fn new(state: BatchState) -> Self {
        Self(Arc::new(Mutex::new(Tracked { state, planned: None })))
    }

    /// Returns the state, in which the next step has begun already.
    fn state(&self) -> BatchState {
        self.lock().state.clone()
    }

    /// Returns the state without a step that has not begun.
    fn exact_state(&self) -> BatchState {
        let mut tracked = self.lock();
        if let Some((index, stage)) = tracked.planned.take() {
            tracked.state.items[index].stage = stage;
        }
        tracked.state.clone()
    }

    /// Records the progress of an item, before it is reported.
    fn record(&self, index: usize, progress: &JobProgress) {
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
            | JobProgress::PollMissed { .. }
            | JobProgress::Downloading { .. }
            | JobProgress::FileDone { .. } => {}
        }
    }

    /// Records the next step of an item, which is about to be reported and then to begin.
    fn plan(&self, index: usize, stage: JobStage) {
        let mut tracked = self.lock();
        let before = std::mem::replace(&mut tracked.state.items[index].stage, stage);
        tracked.planned = Some((index, before));
    }

    /// Records that the planned step, if there is one, begins now.
    fn commit(&self) {
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
    fn skip(&self, index: usize, error: &Error) {
        let mut tracked = self.lock();
        let entry = &mut tracked.state.items[index];
        entry.error = Some(error.to_string());
        if !affects_all(error) && !is_paid(&entry.stage) {
            entry.stage = JobStage::Failed;
        }
    }

    /// Records that an item ended with an error. What it can be continued from stays.
    fn fail(&self, index: usize, error: &Error) -> SessionFate {
        let mut tracked = self.lock();
        tracked.planned = None;
        let state = &mut tracked.state;
        let entry = &mut state.items[index];
        entry.error = Some(error.to_string());
        let is_gone = matches!(error, Error::SessionNotFound(_));
        let is_uncertain =
            error.may_have_taken_effect() && !is_gone && !matches!(error, Error::AgentFailed(_));
        let session = state.session.as_ref().map(|session| &session.session_id);
        let is_this_session = match &entry.stage {
            JobStage::Message(pending) => session == Some(&pending.session_id),
            JobStage::Rendering(job) => session == Some(&job.session_id),
            _ => true,
        };
        let is_message = matches!(entry.stage, JobStage::Message(_));
        let mut fate = SessionFate::Kept;
        if is_this_session && (is_gone || (is_uncertain && is_message)) {
            state.session = None;
            fate = SessionFate::Abandoned;
        }
        match &entry.stage {
            JobStage::Rendering(_) => {}
            JobStage::Message(_) if is_uncertain => {}
            // Nothing was charged in a session that was gone before the message.
            _ if is_gone && !error.may_have_taken_effect() => entry.stage = JobStage::Waiting,
            // An agent takes the newest upload for the one that is meant, so this one must be
            // uploaded again.
            JobStage::Uploading if is_uncertain => entry.stage = JobStage::Waiting,
            _ if error.is_retryable() || affects_all(error) => entry.stage = JobStage::Waiting,
            _ => entry.stage = JobStage::Failed,
        }
        fate
    }

    fn lock(&self) -> MutexGuard<'_, Tracked> {
        lock(&self.0)
    }
}

/// Whether the error of one item would be that of each item.
fn affects_all(error: &Error) -> bool {
    matches!(error, Error::OutOfCredits(_) | Error::ExportBlocked(_) | Error::TokenInvalid(_))
}

/// Whether an item can be finished without another message.
fn is_paid(stage: &JobStage) -> bool {
    matches!(stage, JobStage::Message(_) | JobStage::Rendering(_))
}

/// A batch moves between tasks.
const _: () = {
    const fn moved<T: Send + Unpin>() {}
    moved::<Batch>();
};
