//! Waiting for a render: asked for at a pace, tried once more where it failed.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};

use super::RenderedVideo;
use crate::client::NemoClient;
use crate::error::{Error, Result};
use crate::protocol::{RenderJob, RenderState, RenderStatus};

/// How a render is asked for.
///
/// ```
/// use nemovideo::RenderPolling;
/// use std::time::Duration;
///
/// // As documented: each 30 s, ten times. Here every second for ten minutes.
/// assert_eq!(RenderPolling::default(), RenderPolling::new(Duration::from_secs(30), 10));
/// let polling = RenderPolling::new(Duration::from_secs(1), 600);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderPolling {
    /// The pause between two polls. Default 30 s, as documented.
    pub interval: Duration,
    /// How often at the most. Default 10, as documented; the render goes on after the last.
    pub max_polls: u32,
}

impl RenderPolling {
    /// Polls at this interval, at most so often.
    #[must_use]
    pub const fn new(interval: Duration, max_polls: u32) -> Self {
        Self { interval, max_polls }
    }
}

impl Default for RenderPolling {
    fn default() -> Self {
        Self::new(Duration::from_secs(30), 10)
    }
}

/// How far a render is, one poll after another.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # use std::time::Duration;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(Duration::from_millis(20), 500))
/// #     .build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// # futures::StreamExt::count(client.send_message(id, "narrate: Hello.").await?).await;
/// # let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
/// use futures::StreamExt as _;
/// use nemovideo::local::{Fault, Route};
/// use nemovideo::{RenderOutput, RenderProgress};
///
/// backend.faults().inject(Fault::FailedRender).on(Route::RenderSubmit).once();
/// let mut job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
/// let mut progress = Box::pin(client.wait_for_render(&job).progress());
/// while let Some(step) = progress.next().await {
///     match step? {
///         RenderProgress::Replaced(again) => job = *again, // write this one down
///         RenderProgress::Completed(video) => assert_eq!(video.id, job.id),
///         step => println!("{step:?}"),
///     }
/// }
/// assert!(job.replaces.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RenderProgress {
    /// Waiting its turn.
    Pending,
    /// Under way.
    Processing {
        /// 0 to 100, where the service told it.
        percent: Option<f32>,
    },
    /// It failed and was submitted once more under a new id: keep this job in place of the other.
    Replaced(Box<RenderJob>),
    /// Done. The last item.
    Completed(RenderedVideo),
}

/// Waits for a render. `.await` gives the [`RenderedVideo`].
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # use std::time::Duration;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(Duration::from_millis(20), 500))
/// #     .build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// # futures::StreamExt::count(client.send_message(id, "narrate: Hello.").await?).await;
/// # let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
/// use nemovideo::local::{Fault, Route};
/// use nemovideo::{Error, RenderPolling, RenderOutput};
///
/// backend.faults().inject(Fault::SlowRender { polls: 2 }).on(Route::RenderSubmit).once();
/// let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
/// let hasty = RenderPolling::new(Duration::from_millis(1), 2);
/// match client.wait_for_render(&job).polling(hasty).await {
///     // It goes on, and its job can be polled again.
///     Err(Error::RenderUnfinished { job, .. }) => {
///         assert_eq!(client.wait_for_render(&job).await?.id, job.id);
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// Safe to drop at any time: the render goes on, and its job can be polled again.
#[must_use = "a poller does nothing unless it is awaited or its progress taken"]
pub struct RenderPoller {
    client: NemoClient,
    job: RenderJob,
    polling: RenderPolling,
}

impl fmt::Debug for RenderPoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderPoller").field("id", &self.job.id).finish_non_exhaustive()
    }
}

impl RenderPoller {
    pub(super) fn new(client: NemoClient, job: RenderJob, polling: RenderPolling) -> Self {
        Self { client, job, polling }
    }

    /// Polls at another pace than the client's.
    pub fn polling(mut self, polling: RenderPolling) -> Self {
        self.polling = polling;
        self
    }

    /// The render as a stream: an item for each poll, [`RenderProgress::Completed`] at the end.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # use std::time::Duration;
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// # futures::StreamExt::count(client.send_message(id, "narrate: Hello.").await?).await;
    /// use futures::StreamExt as _;
    /// use nemovideo::{RenderPolling, RenderOutput, RenderProgress};
    ///
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = client.submit_render(id, &draft, RenderOutput::wav()).await?;
    /// let poller = client.wait_for_render(&job).polling(RenderPolling::new(Duration::from_millis(10), 1000));
    /// let mut progress = Box::pin(poller.progress());
    /// let mut video = None;
    /// while let Some(step) = progress.next().await {
    ///     match step? {
    ///         RenderProgress::Processing { percent } => println!("{percent:?} %"),
    ///         RenderProgress::Completed(done) => video = Some(done),
    ///         _ => {}
    ///     }
    /// }
    /// assert!(video.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// An error is the last item. [`Error::RenderFailed`] when it failed twice;
    /// [`Error::RenderUnfinished`] after the last poll, with the job to go on with; the errors of
    /// [`render_status`](NemoClient::render_status).
    pub fn progress(self) -> impl Stream<Item = Result<RenderProgress>> + Send + 'static {
        async_stream::try_stream! {
            let Self { client, mut job, polling } = self;
            let mut polls = 0;
            loop {
                let state = client.render_status(&job.id).await?;
                polls += 1;
                match state.status {
                    RenderStatus::Completed => {
                        yield RenderProgress::Completed(finished(&job, state)?);
                        return;
                    }
                    RenderStatus::Failed if job.replaces.is_none() => {
                        job = job.replacement();
                        // Another process may have come to the same id, and be ahead.
                        client.ensure_submitted(&job).await?;
                        yield RenderProgress::Replaced(Box::new(job.clone()));
                    }
                    RenderStatus::Failed | RenderStatus::Cancelled => {
                        Err(failed(&job, state))?;
                    }
                    RenderStatus::Pending => yield RenderProgress::Pending,
                    // A word that is not known is not the end.
                    _ => yield RenderProgress::Processing { percent: state.progress },
                }
                if polls >= polling.max_polls {
                    Err(Error::RenderUnfinished { job: Box::new(job.clone()), polls })?;
                }
                tokio::time::sleep(polling.interval).await;
            }
        }
    }
}

impl IntoFuture for RenderPoller {
    type Output = Result<RenderedVideo>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let id = self.job.id.clone();
        Box::pin(async move {
            let mut steps = Box::pin(self.progress());
            while let Some(step) = steps.next().await {
                if let RenderProgress::Completed(video) = step? {
                    return Ok(video);
                }
            }
            // The stream ends with a video or an error; this is for the type.
            Err(Error::RenderFailed { id, reason: "it ended without a file".to_owned() })
        })
    }
}

fn finished(job: &RenderJob, state: RenderState) -> Result<RenderedVideo> {
    let file = state.output.ok_or_else(|| Error::RenderFailed {
        id: job.id.clone(),
        reason: "it is completed, but the service named no file".to_owned(),
    })?;
    Ok(RenderedVideo {
        id: job.id.clone(),
        duration: file.length(),
        size: file.size,
        url: file.url,
    })
}

fn failed(job: &RenderJob, state: RenderState) -> Error {
    let reason = state.error.unwrap_or_else(|| match state.status {
        RenderStatus::Cancelled => "it was cancelled".to_owned(),
        _ => "the service gave no reason".to_owned(),
    });
    Error::RenderFailed { id: job.id.clone(), reason }
}
