//! Several videos in one session: each its own upload, instruction and file, one result each.

use std::path::PathBuf;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};

use super::voiceover::output_for;
use super::{Project, TurnEvent, TurnReport};
use crate::client::RenderProgress;
use crate::error::{Error, Result};

/// One video of a batch.
///
/// ```
/// use nemovideo::project::BatchItem;
///
/// let item = BatchItem::new("narrate: Good morning.", "morning.mp4").upload("coffee.jpg");
/// assert_eq!(item.upload.as_deref(), Some("coffee.jpg".as_ref()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchItem {
    /// A file to upload first.
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
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
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
    /// Its file goes to the service.
    Uploading,
    /// The agent is at it.
    Working,
    /// Something of its turn.
    Turn(TurnEvent),
    /// Its file is made; 0 to 100 where the service told it.
    Rendering {
        /// How far.
        percent: Option<f32>,
    },
    /// It is done, or it failed; the others go on. Its last update.
    Finished(Result<Box<BatchVideo>>),
}

/// A finished item.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
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
/// assert_eq!(video.report.spent, Some(Credits::new(20.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchVideo {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What the agent said and what it cost.
    pub report: TurnReport,
}

impl Project {
    /// Makes one video after the other in this session. An item that fails is told of and the
    /// rest goes on; nothing is repeated.
    ///
    /// The stream gives the index of an item with each of its updates.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use futures::StreamExt as _;
    /// use nemovideo::project::{BatchItem, BatchUpdate};
    /// use nemovideo::{NemoClient, Polling, local::LocalBackend};
    /// use std::time::Duration;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let backend = LocalBackend::start().await?;
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .polling(Polling::new(Duration::from_millis(50), 600))
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
    pub fn batch(
        &self,
        items: impl IntoIterator<Item = BatchItem>,
    ) -> BoxStream<'static, (usize, BatchUpdate)> {
        let project = self.clone();
        let items: Vec<BatchItem> = items.into_iter().collect();
        Box::pin(async_stream::stream! {
            for (index, item) in items.into_iter().enumerate() {
                let mut updates = Box::pin(project.clone().item(item));
                while let Some(update) = updates.next().await {
                    yield (index, update);
                }
            }
        })
    }

    fn item(self, item: BatchItem) -> impl Stream<Item = BatchUpdate> + Send {
        async_stream::stream! {
            let mut steps = Box::pin(self.steps(item));
            while let Some(step) = steps.next().await {
                match step {
                    Ok(update) => yield update,
                    Err(error) => {
                        yield BatchUpdate::Finished(Err(error));
                        return;
                    }
                }
            }
        }
    }

    fn steps(self, item: BatchItem) -> impl Stream<Item = Result<BatchUpdate>> + Send {
        async_stream::try_stream! {
            // What is wrong on this side is found before anything is charged.
            let output = output_for(&item.save_to)?;
            if let Some(path) = &item.upload {
                yield BatchUpdate::Uploading;
                self.upload(path).await?;
            }
            yield BatchUpdate::Working;
            let mut turn = self.say(item.instruction).queued().await?;
            let mut report = None;
            while let Some(event) = turn.next().await {
                match event? {
                    TurnEvent::Finished(finished) => report = Some(*finished),
                    event => yield BatchUpdate::Turn(event),
                }
            }
            let report: TurnReport = report
                .ok_or_else(|| Error::AgentFailed("the turn ended without a word".to_owned()))?;
            if let Some(failure) = &report.failure {
                Err(Error::AgentFailed(failure.message.clone()))?;
            }
            if report.changes.is_empty() {
                // Another item's video would be passed for this one's.
                Err(Error::AgentFailed(report.summary()))?;
            }
            yield BatchUpdate::Rendering { percent: None };
            let mut export = self.export().output(output);
            if let Some(draft) = &report.draft {
                export = export.draft(draft.clone());
            }
            let job = export.submit().await?;
            let mut polls = Box::pin(self.client().render(&job).progress());
            while let Some(step) = polls.next().await {
                match step? {
                    RenderProgress::Processing { percent } => {
                        yield BatchUpdate::Rendering { percent };
                    }
                    RenderProgress::Completed(video) => {
                        let file = self.client().download(&video, &item.save_to).await?;
                        let (path, bytes) = (file.path, file.bytes);
                        let video = Box::new(BatchVideo { path, bytes, report });
                        yield BatchUpdate::Finished(Ok(video));
                        return;
                    }
                    _ => {}
                }
            }
        }
    }
}
