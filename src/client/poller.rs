//! Waiting for a render: it is polled until its end, and neither a missed poll nor an outage is one.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};

use super::render::{MAX_MISSED_POLLS, is_unknown_render, is_unreadable};
use super::{NemoClient, RenderPolling, RenderedVideo, call_options};
use crate::clock::{Instant, sleep};
use crate::error::{Error, Result};
use crate::protocol::{RenderJob, RenderState, RenderStatus};
use crate::retry::{AttemptInfo, FailureKind, RetryDecision};

/// The number of further polls of a completed render whose file has no URL yet.
const MAX_POLLS_FOR_URL: u32 = 3;

/// The longest pause that a failing service can ask for between two polls; that of the default
/// [retry policy](crate::ExponentialRetry::max_retry_after).
const MAX_REQUESTED_PAUSE: Duration = Duration::from_secs(2 * 60);

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
    /// The poll showed no status: the service was not reached, or something else came in place of
    /// its response. As far as is known the render continues, and it is polled again.
    Missed {
        /// What happened instead.
        reason: String,
    },
    /// The render failed and was submitted once more under a new id: persist this job in place of
    /// the previous one.
    Replaced(Box<RenderJob>),
    /// The render is finished. The last item.
    Completed(RenderedVideo),
}

/// Polls a render until it is finished. `.await` returns the [`RenderedVideo`]; as a stream it
/// yields a [`RenderProgress`] for each poll. Created by [`NemoClient::wait_for_render`].
///
/// Each poll is one request, and an outage of the service or a response that cannot be read costs a
/// poll, not the wait: only its own limits, the end of the render, or an error response that
/// says something about the render or the account end it. A service that does not know the render
/// is asked three times more. So is one whose completed render has no URL for its file, which is
/// then downloaded by the API's download route.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::{CreateSession, RenderOutput, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = backend.client();
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
/// [`Error::RenderUnfinished`] after the last poll, with the job to continue with, or the error of
/// that poll if none has ever shown a status and it said more than that the service does not know
/// the render yet; the error responses of [`render_status`](NemoClient::render_status).
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

call_options!(RenderPoller);

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
        let client = client.begin()?;
        let started = Instant::now();
        let mut pauses = polling.pauses();
        let (mut polls, mut unknown, mut without_url) = (0, 0, 0);
        let mut has_status = false;
        loop {
            let status = client.poll_render(&job.id).await;
            polls += 1;
            let left = polling.max_wait().saturating_sub(started.elapsed());
            let left = client.options.time_left().map_or(left, |own| own.min(left));
            let is_last = polls >= polling.max_polls() || left.is_zero();
            let mut requested = Duration::ZERO;
            match status {
                Err(error) if is_unknown(&error) && unknown < MAX_MISSED_POLLS => {
                    unknown += 1;
                    yield RenderProgress::Missed { reason: error.to_string() };
                }
                Err(error) => match pause_after(&client, &error) {
                    Some(pause) if has_status || !is_last => {
                        tracing::debug!(%error, polls, "a poll showed no status");
                        requested = pause;
                        yield RenderProgress::Missed { reason: error.to_string() };
                    }
                    _ => Err(error)?,
                },
                Ok(state) => {
                    (has_status, unknown) = (true, 0);
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
                            let replacement = job.replacement();
                            // The new id follows from the old one, so another process may already
                            // have submitted it, or a submission whose response was lost.
                            match client.ensure_submitted(&replacement).await {
                                Ok(_state) => {
                                    job = replacement;
                                    pauses = polling.pauses();
                                    yield RenderProgress::Replaced(Box::new(job.clone()));
                                }
                                Err(error) => match pause_after(&client, &error) {
                                    Some(pause) if !is_last => {
                                        requested = pause;
                                        yield RenderProgress::Missed { reason: error.to_string() };
                                    }
                                    _ => Err(error)?,
                                },
                            }
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
            let pause = pauses.next().unwrap_or_default().max(requested);
            sleep(pause.min(left)).await;
        }
    }
}

/// Returns whether the service does not know the render, which it may some time after its
/// submission.
fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::Api(_)) && is_unknown_render(error)
}

/// Returns the pause that a failed poll asks for if the next one may succeed; `None` for an error
/// that is final.
fn pause_after(client: &NemoClient, error: &Error) -> Option<Duration> {
    match error {
        // The outcome of submitting a replacement, which is looked up before it is submitted again.
        Error::OutcomeUnknown(_)
        | Error::Unreachable(_)
        | Error::Disconnected(_)
        | Error::Timeout { .. } => Some(Duration::ZERO),
        Error::RateLimited(api) => {
            let failure = FailureKind::RateLimited { retry_after: api.retry_after };
            let attempt = AttemptInfo::read_only(failure, 1, Duration::ZERO);
            match client.policy().decide(&attempt) {
                RetryDecision::RetryAfter(pause) => Some(pause),
                RetryDecision::GiveUp => None,
            }
        }
        Error::Api(api) if api.is_server_error() => {
            Some(api.retry_after.unwrap_or_default().min(MAX_REQUESTED_PAUSE))
        }
        error => is_unreadable(error).then_some(Duration::ZERO),
    }
}

fn failed(job: &RenderJob, state: RenderState) -> Error {
    let reason = state.error.unwrap_or_else(|| match state.status {
        RenderStatus::Cancelled => "it was cancelled".to_owned(),
        _ => "the service gave no reason".to_owned(),
    });
    Error::RenderFailed { id: job.id.clone(), reason }
}
