//! Several videos in one session: each its own upload, instruction and file, one result each.
//!
//! A batch can be written down at any time and picked up by another process: what may be under way
//! is in its [`BatchState`] before it is sent.
//!
//! | file | holds |
//! |---|---|
//! | `state` | what is written down |
//! | `ledger` | the state as it changes |
//! | `run` | the work, item by item |

mod ledger;
mod run;
mod state;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use self::ledger::BatchTracker;
use self::run::Run;
use super::{Project, TurnEvent, TurnReport};
use crate::NemoClient;
use crate::draft::Draft;
use crate::error::Result;

pub use state::{BatchItemState, BatchStage, BatchState};

/// One video of a batch.
///
/// ```
/// use nemovideo::project::BatchItem;
///
/// let item = BatchItem::new("narrate: Good morning.", "morning.mp4").upload("coffee.jpg");
/// assert_eq!(item.upload.as_deref(), Some("coffee.jpg".as_ref()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchItem {
    /// A file to upload first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<PathBuf>,
    /// What to say to the agent.
    pub instruction: String,
    /// Where to write the video.
    pub save_to: PathBuf,
}

impl BatchItem {
    /// Says `instruction` and writes what comes of it to `save_to`.
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

/// What happens to one item of a batch.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// # let folder = tempfile::tempdir()?;
/// # let path = |name| folder.path().join(name);
/// # use futures::StreamExt as _;
/// use nemovideo::project::{BatchItem, BatchUpdate};
///
/// let items = [("One.", "1.mp4"), ("Two.", "2.avi"), ("Three.", "3.wav")];
/// let items = items.map(|(said, name)| BatchItem::new(format!("narrate: {said}"), path(name)));
/// let (mut updates, mut done) = (project.batch(items), Vec::new());
/// while let Some((index, update)) = updates.next().await {
///     match update {
///         BatchUpdate::Rendering { percent } => println!("{index}: {} %", percent.unwrap_or(0.0)),
///         BatchUpdate::Finished(Ok(video)) => done.push(video.path),
///         BatchUpdate::Finished(Err(error)) => println!("{index}: {error}"),
///         _ => {}
///     }
/// }
/// assert_eq!(done, [path("1.mp4"), path("3.wav")]); // one failed, the others went on
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum BatchUpdate {
    /// Its file is about to go to the service.
    Uploading,
    /// Its message is about to be sent, or was, by the process before, and is observed.
    Working,
    /// Something of its turn.
    Turn(TurnEvent),
    /// Its render is about to be submitted, or made; 0 to 100 where the service told it.
    Rendering {
        /// How far.
        percent: Option<f32>,
    },
    /// It is done, or it failed; its last update. The others go on, unless the error is one that
    /// would meet each of them: see [`Project::batch`].
    Finished(Result<Box<BatchVideo>>),
}

/// A finished item.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("out.mp4");
/// use futures::StreamExt as _;
/// use nemovideo::Credits;
/// use nemovideo::project::{BatchItem, BatchUpdate};
///
/// let items = [BatchItem::new("narrate: Good morning.", &out)];
/// let (_, last) = project.batch(items).collect::<Vec<_>>().await.pop().ok_or("no update")?;
/// let BatchUpdate::Finished(result) = last else { panic!("{last:?}") };
/// let video = result?;
/// assert_eq!(std::fs::metadata(&video.path)?.len(), video.bytes);
/// assert_eq!(video.report.and_then(|report| report.spent), Some(Credits::new(20.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchVideo {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its timeline.
    pub draft: Draft,
    /// What the agent said and what it cost; `None` where the batch was picked up after that.
    pub report: Option<TurnReport>,
}

/// A batch under way: a stream of each item's updates, with its index. The items are made one
/// after the other.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
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
/// # let folder = tempfile::tempdir()?;
/// # let path = |name| folder.path().join(name);
/// use futures::StreamExt as _;
/// use nemovideo::project::{BatchItem, BatchState, BatchUpdate};
///
/// let items = [("One.", "1.wav"), ("Two.", "2.wav")];
/// let items = items.map(|(said, name)| BatchItem::new(format!("narrate: {said}"), path(name)));
/// let mut batch = project.batch(items);
/// let written_down = loop {
///     let (index, update) = batch.next().await.ok_or("no more")?;
///     let state = serde_json::to_string(&batch.state())?; // before each step, to a file, say
///     if index == 1 && matches!(update, BatchUpdate::Rendering { .. }) {
///         break state; // and here the process ends
///     }
/// };
/// drop(batch);
///
/// let state: BatchState = serde_json::from_str(&written_down)?;
/// let mut batch = client.resume_batch(state);
/// while let Some((index, update)) = batch.next().await {
///     assert_eq!(index, 1); // the first is finished, and not made again
///     if let BatchUpdate::Finished(result) = update {
///         result?;
///     }
/// }
/// assert!(path("1.wav").exists() && path("2.wav").exists());
/// assert_eq!(backend.counters().messages_run, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// Dropping it closes its connection; what was asked of the service is done, and charged, all the
/// same. Keep [`state`](Self::state), or end it with [`stop`](Self::stop), to go on later.
#[must_use = "a batch does nothing unless it is polled"]
pub struct Batch {
    updates: BoxStream<'static, (usize, BatchUpdate)>,
    ledger: BatchTracker,
}

impl Batch {
    fn new(run: Run) -> Self {
        Self { ledger: run.ledger(), updates: Box::pin(run.updates()) }
    }

    /// What to write down so that another process can go on, whatever happens to this one.
    ///
    /// It is ahead of the work: it names what the next poll may send as under way already. So
    /// write it down after each update, and before the next is asked for. Of a message that is
    /// named so and was not sent, the other process can only find out that nothing came of it.
    #[must_use]
    pub fn state(&self) -> BatchState {
        self.ledger.ahead_of_the_work()
    }

    /// Ends the batch and tells exactly how far it came: what was named by
    /// [`state`](Self::state) and not begun yet is begun by whoever goes on.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let out = folder.path().join("out.wav");
    /// use futures::StreamExt as _;
    /// use nemovideo::project::{BatchItem, BatchStage, BatchUpdate};
    ///
    /// let mut batch = project.batch([BatchItem::new("narrate: Good morning.", &out)]);
    /// let update = batch.next().await;
    /// assert!(matches!(update, Some((0, BatchUpdate::Working))));
    /// // From here on the message may be sent; in fact it was not yet.
    /// assert!(matches!(batch.state().items[0].stage, BatchStage::Message(_)));
    /// let state = batch.stop();
    /// assert_eq!(state.items[0].stage, BatchStage::Waiting);
    ///
    /// let updates: Vec<_> = client.resume_batch(state).collect().await;
    /// assert!(matches!(updates.last(), Some((0, BatchUpdate::Finished(Ok(_))))));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use = "it is all that is left of the batch"]
    pub fn stop(self) -> BatchState {
        let Self { updates, ledger } = self;
        drop(updates);
        ledger.exact()
    }
}

impl Stream for Batch {
    type Item = (usize, BatchUpdate);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.updates.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl Project {
    /// Makes one video after the other in this session. An item that fails is told of and the
    /// rest goes on; nothing is repeated.
    ///
    /// - What is wrong with an item on this side is found before anything of it is sent: a place
    ///   that cannot be written, or that an item before it is written to.
    /// - After [`Error::OutcomeUnknown`] of a message the rest goes on in a new session, where
    ///   nothing of that message can come late and be taken for theirs.
    /// - After [`Error::OutOfCredits`], [`Error::ExportBlocked`] and [`Error::TokenInvalid`] the
    ///   rest ends with the same error, and nothing more is paid.
    /// - What an error leaves to go on with stays in the [state](Batch::state), so that
    ///   [`resume_batch`](NemoClient::resume_batch) goes on there.
    ///
    /// The stream gives the index of an item with each of its updates.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use futures::StreamExt as _;
    /// use nemovideo::project::{BatchItem, BatchUpdate};
    /// use nemovideo::{NemoClient, RenderPolling, local::LocalBackend};
    /// use std::time::Duration;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let backend = LocalBackend::start().await?;
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .polling(RenderPolling::new(Duration::from_millis(50), 600))
    ///     .build()?;
    /// let project = client.project("two").await?;
    /// let items = ["One.", "Two."].map(|script| {
    ///     let path = folder.path().join(script).with_extension("wav");
    ///     BatchItem::new(format!("narrate: {script}"), path)
    /// });
    /// let mut updates = project.batch(items);
    /// let mut done = 0;
    /// while let Some((_index, update)) = updates.next().await {
    ///     if let BatchUpdate::Finished(result) = update {
    ///         result?;
    ///         done += 1;
    ///     }
    /// }
    /// assert_eq!(done, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// [`Error::OutcomeUnknown`]: crate::Error::OutcomeUnknown
    /// [`Error::OutOfCredits`]: crate::Error::OutOfCredits
    /// [`Error::ExportBlocked`]: crate::Error::ExportBlocked
    /// [`Error::TokenInvalid`]: crate::Error::TokenInvalid
    pub fn batch(&self, items: impl IntoIterator<Item = BatchItem>) -> Batch {
        let items = items.into_iter().map(BatchItemState::new).collect();
        let project = self.inner.new.clone();
        let state = BatchState { project, session: Some(self.session()), items };
        Batch::new(Run::new(self.client().clone(), Some(self.clone()), state))
    }
}

impl NemoClient {
    /// Goes on with a batch that was written down, of the same account.
    ///
    /// Finished items are not made again, and failed ones not tried again. A message that may have
    /// been sent is observed and never sent again; a render is looked up by its id, and submitted
    /// where the service does not know it. Of an upload that may have been taken nothing can be
    /// found out: its item ends with [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let out = folder.path().join("out.wav");
    /// use futures::StreamExt as _;
    /// use nemovideo::local::{Fault, ErrorReply, Route};
    /// use nemovideo::project::{BatchItem, BatchUpdate};
    /// use nemovideo::{Error, ErrorCode};
    ///
    /// // The plan of this account allows no exports.
    /// let blocked = Fault::Instead(ErrorReply::code(ErrorCode::ExportBlocked).into());
    /// backend.faults().inject(blocked).on(Route::RenderSubmit).once();
    /// let mut batch = project.batch([BatchItem::new("narrate: Good morning.", &out)]);
    /// let mut failed = None;
    /// while let Some((_, update)) = batch.next().await {
    ///     if let BatchUpdate::Finished(Err(error)) = update {
    ///         failed = Some(error);
    ///     }
    /// }
    /// assert!(matches!(failed, Some(Error::ExportBlocked(_))));
    ///
    /// // Later it does: the film that was paid for is exported.
    /// let updates: Vec<_> = client.resume_batch(batch.stop()).collect().await;
    /// assert!(matches!(updates.last(), Some((0, BatchUpdate::Finished(Ok(_))))));
    /// assert_eq!(backend.counters().messages_run, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn resume_batch(&self, state: BatchState) -> Batch {
        // Nobody knows what is in the session, so it must not be replaced.
        let project = state
            .session
            .clone()
            .map(|session| Project::new(self.clone(), state.project.clone(), session, true));
        Batch::new(Run::new(self.clone(), project, state))
    }
}

/// A batch moves between tasks.
const _: () = {
    const fn moved<T: Send + Unpin>() {}
    moved::<Batch>();
};
