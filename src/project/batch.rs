//! Several videos in one session: each has its own upload, message and file, and one result.
//!
//! The state of a batch can be persisted at any time and continued by another process: what may be
//! in progress is in its [`BatchState`] before it is sent.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::export::unwritable;
use super::files::ExtraFiles;
use super::handle::{Control, JobHandle, RunControl, RunningJob};
use super::pipeline::Job;
use super::progress::{JobProgress, JobStage};
use super::{Project, TurnEvent};
use crate::client::NemoClient;
use crate::error::{Error, Interrupted, Result};
use crate::fs::NamedFile;
use crate::protocol::{CreateSession, Credits, Session};
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

impl BatchState {
    /// Creates the state of a batch that has not begun.
    /// [`resume_batch`](crate::NemoClient::resume_batch) begins it in a session of its own.
    pub fn new(project: CreateSession, items: impl IntoIterator<Item = BatchItem>) -> Self {
        let items = items.into_iter().map(BatchItemState::new).collect();
        Self { project, session: None, items }
    }
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
    /// The item's own session, where several items are made [at once](Batch::at_once).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

impl BatchItemState {
    /// Creates the state of an item that has not begun.
    #[must_use]
    pub fn new(item: BatchItem) -> Self {
        Self { item, stage: JobStage::Waiting, error: None, session: None }
    }
}

/// A batch in progress: a stream of the [`JobProgress`] of each item, with its index. The items
/// are made one after the other, or several [at once](Self::at_once). How they are made is set before
/// the first poll and has no effect after it.
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
    work: BatchWork,
    tracker: BatchTracker,
}

type BatchProgress = BoxStream<'static, (usize, Result<JobProgress>)>;

enum BatchWork {
    Ready(Box<BatchSetup>),
    Running(BatchProgress),
}

impl Batch {
    fn new(client: NemoClient, project: Option<Project>, state: BatchState) -> Self {
        let new = state.project.clone();
        let tracker = BatchTracker::new(state);
        let (control, at_once) = (Control::default(), 1);
        let setup = BatchSetup { client, new, project, tracker: tracker.clone(), control, at_once };
        Self { work: BatchWork::Ready(Box::new(setup)), tracker }
    }

    /// Makes up to `count` items at once, each in a session of its own; 0 counts as 1. The same is
    /// promised as for one after the other: poll the batch again only when the state is persisted,
    /// since no item proceeds in between.
    pub fn at_once(mut self, count: usize) -> Self {
        self.set_up(|setup| setup.at_once = count.max(1));
        self
    }

    /// Ends the batch when it has taken so long, from its first poll on: each item that is not
    /// finished ends with [`Error::Interrupted`], and its [state](Self::state) continues later. A
    /// video that was saved by then is finished, without its poster.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.set_up(|setup| setup.control.deadline = Some(deadline));
        self
    }

    /// Ends the batch in the same way when `token` is cancelled, as [`JobHandle::cancel`] does.
    pub fn cancel_with(mut self, token: CancellationToken) -> Self {
        self.set_up(|setup| setup.control.token = Some(token));
        self
    }

    /// Also cancels the renders at the service when the batch ends by its deadline or is cancelled.
    /// The default is to let them continue. Their drafts are paid for all the same, and other renders
    /// of them, with which the state continues, are free.
    pub fn cancel_render(mut self) -> Self {
        self.set_up(|setup| setup.control.cancels_render = true);
        self
    }

    /// Connects a handle, which shows the progress to other tasks and cancels the batch.
    pub fn handle(mut self, handle: &JobHandle) -> Self {
        self.set_up(|setup| setup.control.handle = Some(handle.clone()));
        self
    }

    /// Requires that so many credits are available right before the message of each item is sent.
    /// Otherwise the item, and those that follow it, end with [`Error::OutOfCredits`], and nothing is
    /// charged for them. Items that are made at once do not know of each other.
    pub fn require_credits(mut self, credits: Credits) -> Self {
        self.set_up(|setup| setup.control.required = Some(credits));
        self
    }

    fn set_up(&mut self, set: impl FnOnce(&mut BatchSetup)) {
        if let BatchWork::Ready(setup) = &mut self.work {
            set(setup);
        }
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
        let Self { work, tracker } = self;
        drop(work);
        tracker.exact_state()
    }
}

impl Stream for Batch {
    type Item = (usize, Result<JobProgress>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let BatchWork::Ready(setup) = &self.work {
            let progress = (**setup).clone().progress();
            self.work = BatchWork::Running(Box::pin(progress));
        }
        match &mut self.work {
            BatchWork::Running(progress) => progress.as_mut().poll_next(cx),
            BatchWork::Ready(_) => Poll::Ready(None),
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl Project {
    /// Makes several videos one after the other in this session, or [at once](Batch::at_once) in
    /// sessions of their own. An item that fails is reported and the others continue; nothing is
    /// repeated.
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
        let mut state = BatchState::new(self.session_options().clone(), items);
        state.session = Some(self.session());
        Batch::new(self.client().clone(), Some(self.clone()), state)
    }
}

impl NemoClient {
    /// Continues a batch from its state, which must be of the same account.
    ///
    /// Finished items are not made again, and failed ones not tried again. The file of a finished item
    /// that is gone is downloaded again, for free. A message that may have
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

/// How a batch is made.
#[derive(Clone)]
struct BatchSetup {
    client: NemoClient,
    new: CreateSession,
    /// The session that messages go to; `None` after a message whose outcome is unknown.
    project: Option<Project>,
    tracker: BatchTracker,
    control: Control,
    at_once: usize,
}

impl BatchSetup {
    fn progress(self) -> impl Stream<Item = (usize, Result<JobProgress>)> + Send {
        async_stream::stream! {
            let at_once = self.at_once;
            let entries = self.tracker.state().items;
            let run = Arc::new(BatchRun::new(self, &entries));
            let items = entries.into_iter().enumerate();
            let items = items.map(|(index, entry)| Arc::clone(&run).item(index, entry).boxed());
            // An item of the stream is passed on at once: no other one is polled for it.
            let mut progress = futures::stream::iter(items).flatten_unordered(at_once);
            while let Some(step) = progress.next().await {
                yield step;
            }
        }
    }
}

/// The work of a batch, shared by its items.
struct BatchRun {
    setup: BatchSetup,
    control: RunControl,
    running: Option<RunningJob>,
    /// The session of the items that have none of their own.
    project: Mutex<Option<Project>>,
    /// The error that each of the others would end with.
    common: Mutex<Option<Error>>,
    paths: Vec<NamedFile>,
    uploads: Vec<NamedFile>,
}

impl BatchRun {
    fn new(setup: BatchSetup, entries: &[BatchItemState]) -> Self {
        let named = |path: &PathBuf| NamedFile::of(path);
        let percents =
            entries.iter().map(|entry| if entry.stage.is_final() { 100.0 } else { 0.0 }).collect();
        Self {
            control: setup.control.begin(),
            running: setup.control.handle.as_ref().map(|handle| handle.begin(percents, 0.0)),
            project: Mutex::new(setup.project.clone()),
            common: Mutex::default(),
            paths: entries.iter().map(|entry| named(&entry.item.save_to)).collect(),
            uploads: entries
                .iter()
                .filter_map(|entry| entry.item.upload.as_ref().map(named))
                .collect(),
            setup,
        }
    }

    /// Makes an item, unless there is nothing to do for it.
    fn item(
        self: Arc<Self>,
        index: usize,
        entry: BatchItemState,
    ) -> impl Stream<Item = (usize, Result<JobProgress>)> + Send {
        async_stream::stream! {
            let BatchItemState { item, stage, session, .. } = entry;
            let BatchSetup { client, new, tracker, at_once, .. } = &self.setup;
            let report = |progress: &Result<JobProgress>| {
                if let Some(running) = &self.running {
                    running.report(index, progress);
                }
            };
            let is_own = session.is_some() || *at_once > 1;
            let stage = match stage {
                JobStage::Finished { job: Some(job), .. } if !item.save_to.exists() => {
                    JobStage::Rendering(job)
                }
                stage if stage.is_final() => return,
                // Its upload is in the session of the others.
                JobStage::Uploaded if is_own && session.is_none() => JobStage::Waiting,
                stage => stage,
            };
            if let Some(error) = self.obstacle(index, &item, &stage) {
                tracker.skip(index, &error);
                let error = Err(error);
                report(&error);
                yield (index, error);
                return;
            }
            let job = Job {
                client: client.clone(),
                new: new.clone(),
                uploads: item.upload.into_iter().map(Into::into).collect(),
                message: item.instruction,
                save_to: item.save_to,
                files: ExtraFiles::default(),
                control: self.control.of_another_video(),
            };
            let mut project = match is_own {
                true => session.map(|session| Project::resumed(client, new.clone(), session)),
                false => lock(&self.project).take(),
            };
            let mut failure = None;
            let mut progress = Box::pin(job.run(&mut project, stage));
            while let Some(step) = progress.next().await {
                match step {
                    Ok(step) => {
                        tracker.record(index, &step, is_own);
                        let step = Ok(step);
                        report(&step);
                        yield (index, step);
                        tracker.commit(index);
                    }
                    Err(error) => failure = Some(error),
                }
            }
            drop(progress);
            let fate = failure.as_ref().map(|error| tracker.fail(index, error));
            if !is_own && fate != Some(SessionFate::Abandoned) {
                *lock(&self.project) = project;
            }
            if let Some(error) = failure {
                if affects_all(&error) && !matches!(error, Error::Interrupted(_)) {
                    *lock(&self.common) = Some(error.clone());
                }
                let error = Err(error);
                report(&error);
                yield (index, error);
            }
        }
    }

    /// Returns why an item cannot be begun.
    fn obstacle(&self, index: usize, item: &BatchItem, stage: &JobStage) -> Option<Error> {
        if let Some(why) = self.control.is_due() {
            return Some(Error::Interrupted(Box::new(Interrupted::before_any_charge(why))));
        }
        let common = match lock(&self.common).clone() {
            // What is paid for costs no more credits.
            Some(Error::OutOfCredits(_)) if stage.is_paid() => None,
            error => error,
        };
        let path = &self.paths[index];
        let why = if self.paths[..index].contains(path) {
            Some("an earlier item is written to it too")
        } else if !stage.is_paid() && self.uploads.contains(path) {
            Some("an item uploads it")
        } else {
            None
        };
        common.or_else(|| why.map(|why| unwritable(&item.save_to, why)))
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
    /// The items whose next step is in the state and has not begun, and their actual stages.
    planned: BTreeMap<usize, JobStage>,
}

impl BatchTracker {
    fn new(state: BatchState) -> Self {
        Self(Arc::new(Mutex::new(Tracked { state, planned: BTreeMap::new() })))
    }

    /// Returns the state, in which the next step has begun already.
    fn state(&self) -> BatchState {
        self.lock().state.clone()
    }

    /// Returns the state without a step that has not begun.
    fn exact_state(&self) -> BatchState {
        let mut tracked = self.lock();
        for (index, stage) in std::mem::take(&mut tracked.planned) {
            tracked.state.items[index].stage = stage;
        }
        tracked.state.clone()
    }

    /// Records the progress of an item, before it is reported. `is_own` is whether the item has a
    /// session of its own.
    fn record(&self, index: usize, progress: &JobProgress, is_own: bool) {
        match progress {
            JobProgress::SessionOpened(session) => {
                let mut tracked = self.lock();
                match is_own {
                    true => tracked.state.items[index].session = Some(session.clone()),
                    false => tracked.state.session = Some(session.clone()),
                }
            }
            JobProgress::Turn(TurnEvent::Text(text)) => self.append_text(index, text),
            progress => {
                let Some(stage) = progress.stage() else { return };
                let mut tracked = self.lock();
                let entry = &mut tracked.state.items[index];
                let stage = entry.stage.then(stage);
                if matches!(stage, JobStage::Finished { .. }) {
                    entry.error = None;
                }
                let before = std::mem::replace(&mut entry.stage, stage);
                match progress {
                    // It is about to be reported, and then to begin.
                    JobProgress::Uploading | JobProgress::Sending(_) => {
                        tracked.planned.insert(index, before);
                    }
                    _ => drop(tracked.planned.remove(&index)),
                }
            }
        }
    }

    /// Records that the planned step of an item, if there is one, begins now.
    fn commit(&self, index: usize) {
        self.lock().planned.remove(&index);
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
        if !affects_all(error) && !entry.stage.is_paid() && !entry.stage.is_final() {
            entry.stage = JobStage::Failed;
        }
    }

    /// Records that an item ended with an error. What it can be continued from stays.
    fn fail(&self, index: usize, error: &Error) -> SessionFate {
        let mut tracked = self.lock();
        tracked.planned.remove(&index);
        let state = &mut tracked.state;
        let entry = &mut state.items[index];
        entry.error = Some(error.to_string());
        if let (Error::Interrupted(_), Some(reached)) = (error, JobStage::after(error)) {
            entry.stage = reached;
        }
        let is_gone = matches!(error, Error::SessionNotFound(_));
        let is_uncertain =
            error.may_have_taken_effect() && !is_gone && !matches!(error, Error::AgentFailed(_));
        let own = if entry.session.is_some() { &mut entry.session } else { &mut state.session };
        let session = own.as_ref().map(|session| &session.session_id);
        let is_this_session = match &entry.stage {
            JobStage::Message(pending) => session == Some(&pending.session_id),
            JobStage::Rendering(job) => session == Some(&job.session_id),
            _ => true,
        };
        let is_message = matches!(entry.stage, JobStage::Message(_));
        let mut fate = SessionFate::Kept;
        if is_this_session && (is_gone || (is_uncertain && is_message)) {
            *own = None;
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
    matches!(
        error,
        Error::OutOfCredits(_)
            | Error::ExportBlocked(_)
            | Error::TokenInvalid(_)
            | Error::Interrupted(_)
    )
}

/// A batch moves between tasks.
const _: () = {
    const fn moved<T: Send + Unpin>() {}
    moved::<Batch>();
};
