//! Control over work in progress: its handle, its deadline, and what it may cost.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use serde::{Serialize, Serializer};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::progress::{JobProgress, JobStage};
use crate::client::NemoClient;
use crate::error::{ApiError, Error, Interrupted, Interruption, Result};
use crate::protocol::{CreditBalance, Credits, ErrorCode, PendingTurn, RenderJob};
use crate::sync::lock;

/// The number of updates that a subscriber may be behind before it misses some.
const BACKLOG: usize = 64;

/// How long the last calls of work that was ended may take.
const CLOSING: Duration = Duration::from_secs(5);

/// A handle of a voiceover, a batch or an export, for the other tasks of a program: it shows the progress to
/// any number of subscribers, also to late ones, and cancels the work. Cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let dir = tempfile::tempdir()?;
/// # let out = dir.path().join("out.mp4");
/// use futures::StreamExt as _;
/// use nemovideo::project::JobHandle;
///
/// let handle = JobHandle::new();
/// let video = client.voiceover("Good morning.").handle(&handle).save_to(&out);
/// let work = tokio::spawn(video.into_future());
///
/// // Another task, such as a request of a browser: the latest update at once, then what follows.
/// let mut updates = handle.subscribe();
/// while let Some(update) = updates.next().await {
///     println!("{}", serde_json::to_string(&update)?); // {"percent":50.0,"item":0,"progress":…}
/// }
/// assert_eq!(handle.percent(), 100.0);
/// work.await??;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct JobHandle {
    inner: Arc<HandleInner>,
}

#[derive(Default)]
struct HandleInner {
    token: CancellationToken,
    state: Mutex<HandleState>,
}

struct HandleState {
    /// How much of each item is done.
    percents: Vec<f32>,
    percent: f32,
    stage: JobStage,
    latest: Option<JobUpdate>,
    /// `None` once the work has ended.
    sender: Option<broadcast::Sender<JobUpdate>>,
}

impl Default for HandleState {
    fn default() -> Self {
        Self {
            percents: Vec::new(),
            percent: 0.0,
            stage: JobStage::Waiting,
            latest: None,
            sender: Some(broadcast::channel(BACKLOG).0),
        }
    }
}

/// An update of a voiceover, a batch or an export, as the subscribers of its [`JobHandle`] receive it.
///
/// It is serialized as `{"percent":…,"item":…}` with the `progress` in the form of [`JobProgress`],
/// or else with the `error`: its `message`, its `advice`, its `code` if there is one, and whether
/// something `may_be_charged`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobUpdate {
    /// How much of the whole work is done, from 0 to 100. It never falls.
    pub percent: f32,
    /// The index of the item in a batch; 0 for a voiceover or an export.
    pub item: usize,
    /// The progress of the item, or the error that it ended with.
    pub progress: Result<JobProgress>,
}

impl Serialize for JobUpdate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            percent: f32,
            item: usize,
            #[serde(flatten)]
            progress: ResultForm<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum ResultForm<'a> {
            Progress(&'a JobProgress),
            Error {
                message: String,
                advice: String,
                #[serde(skip_serializing_if = "Option::is_none")]
                code: Option<i64>,
                may_be_charged: bool,
            },
        }
        let progress = match &self.progress {
            Ok(progress) => ResultForm::Progress(progress),
            Err(error) => ResultForm::Error {
                message: error.to_string(),
                advice: error.advice(),
                code: error.code().map(|code| code.number()),
                may_be_charged: error.may_have_taken_effect(),
            },
        };
        Form { percent: self.percent, item: self.item, progress }.serialize(serializer)
    }
}

impl JobHandle {
    /// Creates a handle for one voiceover, one batch or one export.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the work with [`Error::Interrupted`], which holds what to continue from. What was
    /// requested from the service is done, and charged, all the same.
    pub fn cancel(&self) {
        self.inner.token.cancel();
    }

    /// Returns how much of the whole work is done, from 0 to 100. It never falls.
    #[must_use]
    pub fn percent(&self) -> f32 {
        lock(&self.inner.state).percent
    }

    /// Returns the latest update; `None` before the first one.
    #[must_use]
    pub fn latest(&self) -> Option<JobUpdate> {
        lock(&self.inner.state).latest.clone()
    }

    /// Returns the stage that a voiceover or an export has reached, with which
    /// [`Voiceover::resume`](super::Voiceover::resume) and [`Export::resume`](super::Export::resume)
    /// continue after any error. That of a batch is in its [state](super::Batch::state).
    #[must_use]
    pub fn stage(&self) -> JobStage {
        lock(&self.inner.state).stage.clone()
    }

    /// Returns the updates as a stream: the latest one at once, then those that follow, until the
    /// work has ended. A subscriber that is more than 64 updates behind misses some.
    pub fn subscribe(&self) -> JobUpdates {
        let (latest, receiver) = {
            let state = lock(&self.inner.state);
            (state.latest.clone(), state.sender.as_ref().map(broadcast::Sender::subscribe))
        };
        JobUpdates(Box::pin(async_stream::stream! {
            if let Some(latest) = latest {
                yield latest;
            }
            let Some(mut receiver) = receiver else { return };
            loop {
                match receiver.recv().await {
                    Ok(update) => yield update,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => break,
                }
            }
        }))
    }

    /// Begins the work on so many items, some of which are done already. It begins where a video has
    /// so many percent.
    pub(super) fn begin(&self, percents: Vec<f32>, begins_at: f32) -> RunningJob {
        let mut state = lock(&self.inner.state);
        *state = HandleState {
            percents,
            sender: state.sender.take().or_else(|| HandleState::default().sender),
            ..HandleState::default()
        };
        RunningJob { handle: self.clone(), begins_at }
    }
}

impl fmt::Debug for JobHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle").field("percent", &self.percent()).finish_non_exhaustive()
    }
}

/// The updates of a [`JobHandle`], created by [`JobHandle::subscribe`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct JobUpdates(BoxStream<'static, JobUpdate>);

impl Stream for JobUpdates {
    type Item = JobUpdate;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for JobUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobUpdates").finish_non_exhaustive()
    }
}

/// Work that reports to a handle. Its subscribers learn of the end when this is dropped.
pub(super) struct RunningJob {
    handle: JobHandle,
    begins_at: f32,
}

impl RunningJob {
    /// Reports the progress of an item, before its receiver learns of it.
    pub(super) fn report(&self, item: usize, progress: &Result<JobProgress>) {
        let mut state = lock(&self.handle.inner.state);
        let is_batch = state.percents.len() > 1;
        let (percent, stage) = match progress {
            Ok(progress) => (progress.percent(), progress.stage()),
            // The others of a batch go on.
            Err(error) => (is_batch.then_some(100.0), JobStage::after(error)),
        };
        if let (Some(entry), Some(percent)) = (state.percents.get_mut(item), percent) {
            let whole = 100.0 - self.begins_at;
            *entry = entry.max((percent - self.begins_at) / whole * 100.0);
        }
        if let Some(stage) = stage {
            state.stage = state.stage.then(stage);
        }
        let mean = state.percents.iter().sum::<f32>() / state.percents.len().max(1) as f32;
        state.percent = state.percent.max((mean * 10.0).round() / 10.0);
        let update = JobUpdate { percent: state.percent, item, progress: progress.clone() };
        state.latest = Some(update.clone());
        if let Some(sender) = &state.sender {
            // It is no error that nobody has subscribed.
            let _receivers = sender.send(update);
        }
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        lock(&self.handle.inner.state).sender = None;
    }
}

/// What limits the work: set before it begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Control {
    pub(super) deadline: Option<Duration>,
    pub(super) token: Option<CancellationToken>,
    pub(super) handle: Option<JobHandle>,
    pub(super) cancels_render: bool,
    pub(super) required: Option<Credits>,
}

impl Control {
    /// Begins the work: its deadline counts from here.
    pub(super) fn begin(&self) -> RunControl {
        let own = self.handle.as_ref().map(|handle| handle.inner.token.clone());
        RunControl {
            // One that is further away than time can tell never comes.
            deadline: self.deadline.and_then(|deadline| Instant::now().checked_add(deadline)),
            tokens: self.token.clone().into_iter().chain(own).collect(),
            cancels_render: self.cancels_render,
            required: self.required,
            job: Arc::default(),
        }
    }
}

/// What limits the work on one video.
#[derive(Clone, Debug)]
pub(super) struct RunControl {
    deadline: Option<Instant>,
    tokens: Vec<CancellationToken>,
    cancels_render: bool,
    pub(super) required: Option<Credits>,
    job: Arc<JobFacts>,
}

/// What the work on one video tells those who end it.
#[derive(Debug, Default)]
struct JobFacts {
    /// The video is there: what would end the work from now on does not take it back.
    is_saved: AtomicBool,
    /// The credits before the message.
    before: Mutex<Option<CreditBalance>>,
}

impl RunControl {
    /// Returns the control of another video under the same limits.
    pub(super) fn of_another_video(&self) -> Self {
        Self { job: Arc::default(), ..self.clone() }
    }

    pub(super) fn set_saved(&self) {
        self.job.is_saved.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_balance(&self, before: Option<CreditBalance>) {
        *lock(&self.job.before) = before;
    }

    /// Gets the client its token before work that may be dropped: one that is requested meanwhile
    /// would be lost, and the service may issue no other this week.
    pub(super) async fn authenticate(&self, client: &NemoClient) {
        let is_limited = self.deadline.is_some() || !self.tokens.is_empty();
        if is_limited && self.is_due().is_none() {
            let client = client.clone();
            let requested = tokio::spawn(async move { client.authenticate().await });
            tokio::select! {
                // An error is that of the first call as well.
                _account = requested => {}
                _why = self.due() => {}
            }
        }
    }

    /// Returns why the work is to end, if it is.
    pub(super) fn is_due(&self) -> Option<Interruption> {
        if self.tokens.iter().any(CancellationToken::is_cancelled) {
            return Some(Interruption::Cancelled);
        }
        self.deadline.filter(|at| *at <= Instant::now()).map(|_| Interruption::Deadline)
    }

    /// As [`is_due`](Self::is_due), until there is a video.
    pub(super) fn is_to_end(&self) -> Option<Interruption> {
        self.is_due().filter(|_| !self.job.is_saved.load(Ordering::Relaxed))
    }

    /// Waits until the work is to end.
    pub(super) async fn due(&self) -> Interruption {
        let cancelled = self.tokens.iter().map(|token| Box::pin(token.cancelled()));
        let mut cancelled: futures::stream::FuturesUnordered<_> = cancelled.collect();
        tokio::select! {
            Some(()) = cancelled.next() => Interruption::Cancelled,
            () = wait_until(self.deadline) => Interruption::Deadline,
        }
    }

    /// As [`due`](Self::due), and never once there is a video.
    pub(super) async fn to_end(&self) -> Interruption {
        let why = self.due().await;
        match self.job.is_saved.load(Ordering::Relaxed) {
            true => std::future::pending().await,
            false => why,
        }
    }

    /// Checks the credits before a message that costs some.
    pub(super) async fn check_credits(&self, client: &NemoClient) -> Result<()> {
        let Some(required) = self.required else { return Ok(()) };
        let available = client.credits().await?.available;
        match available < required {
            true => {
                let what = format!("{available} are available and {required} are required");
                let error = ApiError::local(ErrorCode::OutOfCredits, what);
                Err(client.with_link(Error::from_api(error)))
            }
            false => Ok(()),
        }
    }

    /// Ends the work at the service as well, where that was asked for, and finds out what was
    /// charged.
    pub(super) async fn interrupted(
        &self,
        why: Interruption,
        client: &NemoClient,
        stage: JobStage,
    ) -> Error {
        let (pending, job): (Option<Box<PendingTurn>>, Option<Box<RenderJob>>) = match stage {
            JobStage::Message(pending) => (Some(pending), None),
            JobStage::Rendering(job) => (None, Some(job)),
            _ => return Error::Interrupted(Box::new(Interrupted::before_any_charge(why))),
        };
        let mut interrupted = Interrupted { pending, job, ..Interrupted::before_any_charge(why) };
        let before = *lock(&self.job.before);
        let render = interrupted.job.as_ref().filter(|_| self.cancels_render);
        let (render, client) = (render.map(|job| job.id.clone()), client.clone());
        let closing = async move {
            let spent = async {
                let before = before?;
                Some(before.total - client.credits_at_once().await?.total)
            };
            let cancelled = async {
                let id = render?;
                client.cancel_render(&id).await.ok().map(|()| id)
            };
            tokio::join!(spent, cancelled)
        };
        // A task of its own, which is not dropped when it takes longer.
        let closed = tokio::time::timeout(CLOSING, tokio::spawn(closing)).await;
        let (spent, cancelled) = closed.ok().and_then(Result::ok).unwrap_or_default();
        interrupted.spent = spent;
        if let (Some(id), Some(job)) = (cancelled, &mut interrupted.job) {
            // The draft is paid for, and another render of it is free.
            let RenderJob { session_id, draft, output, .. } = (**job).clone();
            **job = RenderJob::new(session_id, draft, output);
            interrupted.cancelled = Some(id);
        }
        Error::Interrupted(Box::new(interrupted))
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
