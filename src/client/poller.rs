//! Waiting for a render: it is polled until its end, and a missed poll is no end.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use tokio::time::Instant;

use super::render::{MAX_MISSED_POLLS, is_unknown_render, is_unreadable};
use super::{NemoClient, RenderPolling, RenderedVideo};
use crate::error::{Error, Result};
use crate::protocol::{RenderJob, RenderState, RenderStatus};

/// The number of further polls of a completed render whose file has no URL yet.
const MAX_POLLS_FOR_URL: u32 = 3;

impl NemoClient {
    /// Waits for a render: `.await` returns the video, and as a stream the [`RenderPoller`]
    /// reports each poll.
    ///
    /// The job may come from another process. As documented, a failed render is submitted once
    /// more under a new id.
    pub fn wait_for_render(&self, job: &RenderJob) -> RenderPoller {
        let polling = self.inner.polling;
        RenderPoller { client: self.clone(), job: job.clone(), polling, polls: None }
    }
}

/// The progress of a render, as reported by one poll.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RenderProgress {
    /// The render is queued.
    Pending,
    /// The render is in progress.
    Processing {
        /// The progress from 0 to 100, if the service reported it.
        percent: Option<f32>,
    },
    /// The render failed and was submitted once more under a new id: persist this job in place of
    /// the previous one.
    Replaced(Box<RenderJob>),
    /// The render is finished. The last item.
    Completed(RenderedVideo),
}

/// Polls a render until it is finished. `.await` returns the [`RenderedVideo`]; as a stream it
/// yields a [`RenderProgress`] for each poll that shows a status. Created by
/// [`NemoClient::wait_for_render`].
///
/// Three polls in a row may show none: the service may not know the render yet, or a web page may
/// take the place of a response. A completed render whose file has no URL is polled three times
/// more, and then has the URL of the API's download route.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::{CreateSession, NemoClient, RenderOutput, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// # let id = client.create_session(CreateSession::default()).await?.session_id;
/// # futures::StreamExt::count(client.send_message(&id, "narrate: Hello.").await?).await;
/// # let draft = client.session_state(&id).await?.draft.ok_or("there is no draft")?;
/// # let mut job = client.submit_render(&id, &draft, RenderOutput::mp4()).await?;
/// use futures::StreamExt as _;
/// use nemovideo::{RenderPolling, RenderProgress};
/// use std::time::Duration;
///
/// let polling = RenderPolling::new(Duration::from_millis(20), 500);
/// let mut poller = client.wait_for_render(&job).polling(polling);
/// while let Some(progress) = poller.next().await {
///     match progress? {
///         RenderProgress::Processing { percent } => println!("{percent:?} %"),
///         RenderProgress::Replaced(replacement) => job = *replacement, // to be persisted
///         RenderProgress::Completed(video) => println!("finished: {}", video.url),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// An error is the last item. [`Error::RenderFailed`] when the render failed twice;
/// [`Error::RenderUnfinished`] after the last poll, with the job to continue with; the errors of
/// [`render_status`](NemoClient::render_status), once polls in a row have shown no status.
///
/// # Cancel safety
/// Safe to drop at any time: the render continues, and its job can be polled again.
#[must_use = "a poller does nothing unless it is awaited or polled as a stream"]
pub struct RenderPoller {
    client: NemoClient,
    job: RenderJob,
    polling: RenderPolling,
    /// The stream of the polls, from the first one on.
    polls: Option<BoxStream<'static, Result<RenderProgress>>>,
}

impl RenderPoller {
    /// Sets the pace of the polls, in place of the client's. It has no effect after the first
    /// poll.
    pub fn polling(mut self, polling: RenderPolling) -> Self {
        self.polling = polling;
        self
    }

    /// Polls until the render is finished, and passes on what each poll reports.
    pub(crate) async fn finish(
        mut self,
        mut on_progress: impl FnMut(&RenderProgress) + Send,
    ) -> Result<RenderedVideo> {
        while let Some(progress) = self.next().await {
            let progress = progress?;
            on_progress(&progress);
            if let RenderProgress::Completed(video) = progress {
                return Ok(video);
            }
        }
        // Unreachable on a poller that starts here: its last item is a video or an error.
        let reason = "polling ended without a file".to_owned();
        Err(Error::RenderFailed { id: self.job.id, reason })
    }
}

impl Stream for RenderPoller {
    type Item = Result<RenderProgress>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { client, job, polling, polls } = &mut *self;
        let polls =
            polls.get_or_insert_with(|| poll(client.clone(), job.clone(), *polling).boxed());
        polls.poll_next_unpin(cx)
    }
}

impl IntoFuture for RenderPoller {
    type Output = Result<RenderedVideo>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.finish(|_| {}))
    }
}

impl fmt::Debug for RenderPoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderPoller").field("id", &self.job.id).finish_non_exhaustive()
    }
}

fn poll(
    client: NemoClient,
    mut job: RenderJob,
    polling: RenderPolling,
) -> impl Stream<Item = Result<RenderProgress>> + Send {
    async_stream::try_stream! {
        let started = Instant::now();
        let mut pauses = polling.pauses();
        let (mut polls, mut missed, mut without_url) = (0, 0, 0);
        loop {
            let status = client.render_status(&job.id).await;
            polls += 1;
            let left = polling.max_wait().saturating_sub(started.elapsed());
            let is_last = polls >= polling.max_polls() || left.is_zero();
            match status {
                Err(error) => {
                    missed += 1;
                    if missed > MAX_MISSED_POLLS || !is_missed(&error) {
                        Err(error)?;
                    }
                }
                Ok(state) => {
                    missed = 0;
                    match state.status {
                        RenderStatus::Completed => {
                            if state.url.is_some() || is_last || without_url == MAX_POLLS_FOR_URL {
                                yield RenderProgress::Completed(client.rendered_video(&job, state)?);
                                return;
                            }
                            without_url += 1;
                            yield RenderProgress::Processing { percent: state.progress };
                        }
                        RenderStatus::Failed if job.replaces.is_none() => {
                            job = job.replacement();
                            // The new id follows from the old one, so another process may already
                            // have submitted it.
                            client.ensure_submitted(&job).await?;
                            pauses = polling.pauses();
                            yield RenderProgress::Replaced(Box::new(job.clone()));
                        }
                        RenderStatus::Failed | RenderStatus::Cancelled => {
                            Err(failed(&job, state))?;
                        }
                        RenderStatus::Pending => yield RenderProgress::Pending,
                        // A status that this version does not know is not final.
                        _ => yield RenderProgress::Processing { percent: state.progress },
                    }
                }
            }
            if is_last {
                Err(Error::RenderUnfinished { job: Box::new(job.clone()), polls })?;
            }
            // The pauses never end.
            tokio::time::sleep(pauses.next().unwrap_or_default().min(left)).await;
        }
    }
}

/// Returns whether a poll has shown nothing about the render, so that another one may.
///
/// A service may know a render only some time after its submission. A connection that broke is
/// not a missed poll: the retry policy has made all the attempts that it allows.
fn is_missed(error: &Error) -> bool {
    let is_unknown = matches!(error, Error::Api(_)) && is_unknown_render(error);
    is_unknown || is_unreadable(error)
}

fn failed(job: &RenderJob, state: RenderState) -> Error {
    let reason = state.error.unwrap_or_else(|| match state.status {
        RenderStatus::Cancelled => "it was cancelled".to_owned(),
        _ => "the service gave no reason".to_owned(),
    });
    Error::RenderFailed { id: job.id.clone(), reason }
}
