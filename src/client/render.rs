//! Renders: submitted once, asked for until done.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};

use super::{NemoClient, json};
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::http::{Payload, routes};
use crate::wire::{
    ErrorCode, RenderId, RenderJob, RenderOutput, RenderState, RenderStatus, SessionId,
};

/// How a render is asked for.
///
/// ```
/// use nemovideo::Polling;
/// use std::time::Duration;
///
/// // As documented: each 30 s, ten times. Here every second for ten minutes.
/// assert_eq!(Polling::default(), Polling::new(Duration::from_secs(30), 10));
/// let polling = Polling::new(Duration::from_secs(1), 600);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Polling {
    /// The pause between two polls. Default 30 s, as documented.
    pub interval: Duration,
    /// How often at the most. Default 10, as documented; the render goes on after the last.
    pub max_polls: u32,
}

impl Polling {
    /// Polls at this interval, at most so often.
    #[must_use]
    pub const fn new(interval: Duration, max_polls: u32) -> Self {
        Self { interval, max_polls }
    }
}

impl Default for Polling {
    fn default() -> Self {
        Self::new(Duration::from_secs(30), 10)
    }
}

/// A finished render.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderedVideo {
    /// The render.
    pub id: RenderId,
    /// Where the file lies.
    pub url: String,
    /// Its length, where the service told it.
    pub duration: Option<Duration>,
    /// Its size in bytes, where the service told it.
    pub size: Option<u64>,
}

/// How far a render is, one poll after another.
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

impl NemoClient {
    /// Submits a draft for rendering. Exports are free.
    ///
    /// The id is the client's own: when the answer to the submit is lost, the render is asked for
    /// by its id before it is submitted again, so it is never started twice.
    ///
    /// Write the [`RenderJob`] down before waiting for it: any process can go on with it. To have
    /// it written down before anything is sent, make it with [`RenderJob::new`] and
    /// [submit that](Self::submit_job).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, NewSession, local::LocalBackend};
    /// # use std::time::Duration;
    /// # let backend = LocalBackend::builder().placeholder_films().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::Polling::new(Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let session = client.create_session(NewSession::default()).await?;
    /// # let id = &session.session_id;
    /// # futures::StreamExt::count(client.send_message(id, "narrate: Hello.").await?).await;
    /// use nemovideo::{RenderJob, RenderOutput};
    ///
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
    ///
    /// let written_down = serde_json::to_string(&job)?;
    /// let job: RenderJob = serde_json::from_str(&written_down)?; // in another process, say
    /// let video = client.render(&job).await?;
    /// assert_eq!(video.id, job.id);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a draft with nothing in it; [`Error::ExportBlocked`],
    /// [`Error::SessionNotFound`]; the connection errors.
    ///
    /// # Cancel safety
    /// Dropping the future may leave a render that nobody asks for; it costs nothing.
    pub async fn submit_render(
        &self,
        session: &SessionId,
        draft: &Draft,
        output: RenderOutput,
    ) -> Result<RenderJob> {
        let job = RenderJob::new(session.clone(), draft.clone(), output);
        self.submit(&job).await?;
        Ok(job)
    }

    /// Submits a job that was written down beforehand, unless the service knows it already.
    ///
    /// However often and from however many processes it is called, one after the other, the work
    /// is begun once: after [`Error::OutcomeUnknown`] or a crash, call it again.
    ///
    /// # Errors
    /// As for [`submit_render`](Self::submit_render).
    ///
    /// # Cancel safety
    /// Safe to drop; call it again.
    pub async fn submit_job(&self, job: &RenderJob) -> Result<RenderState> {
        match self.render_status(&job.id).await {
            Err(error) if is_unknown_render(&error) => self.submit(job).await,
            answered => answered,
        }
    }

    /// Submits a job that surely was not submitted before.
    pub(crate) async fn submit(&self, job: &RenderJob) -> Result<RenderState> {
        if !job.draft.is_ready_to_export() {
            return Err(Error::InvalidInput(
                "the draft has no track with anything on it".to_owned(),
            ));
        }
        let request = job.request();
        let lost = match self.send_render(&request).await {
            Err(lost) if lost.may_have_taken_effect() => lost,
            answered => return answered,
        };
        match self.render_status(&job.id).await {
            Ok(state) => Ok(state),
            // The service does not know the id: the submit never arrived.
            Err(error) if is_unknown_render(&error) => self.send_render(&request).await,
            Err(_) => Err(lost),
        }
    }

    async fn send_render(&self, request: &crate::wire::RenderRequest) -> Result<RenderState> {
        self.http().json(Some(self.auth()), routes::RENDER, &[], json(request)?).await
    }

    /// How far a render is, asked once.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, NewSession, local::LocalBackend};
    /// # use std::time::Duration;
    /// # let backend = LocalBackend::builder().placeholder_films().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::Polling::new(Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let session = client.create_session(NewSession::default()).await?;
    /// # let id = &session.session_id;
    /// # futures::StreamExt::count(client.send_message(id, "narrate: Hello.").await?).await;
    /// use nemovideo::RenderOutput;
    /// use nemovideo::wire::RenderStatus;
    ///
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
    /// client.render(&job).await?;
    /// assert_eq!(client.render_status(&job.id).await?.status, RenderStatus::Completed);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The service's refusals, the connection errors.
    pub async fn render_status(&self, id: &RenderId) -> Result<RenderState> {
        let params = [id.as_str()];
        self.http().json(Some(self.auth()), routes::RENDER_STATUS, &params, Payload::Empty).await
    }

    /// Calls a render off.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{Answer, Endpoint, MockNemo};
    /// use nemovideo::mock::wiremock::ResponseTemplate;
    /// use nemovideo::RenderId;
    ///
    /// let nemo = MockNemo::start().await;
    /// let called_off = ResponseTemplate::new(200).set_body_string("{}");
    /// nemo.given(Answer::raw(Endpoint::RenderCancel, called_off)).await;
    /// nemo.client().cancel_render(&RenderId::from("render_1")).await?;
    /// assert_eq!(nemo.requests(Endpoint::RenderCancel).await.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The service's refusals, the connection errors.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the render running or called off;
    /// [`render_status`](Self::render_status) tells which.
    pub async fn cancel_render(&self, id: &RenderId) -> Result<()> {
        let params = [id.as_str()];
        let _answer: serde::de::IgnoredAny = self
            .http()
            .json(Some(self.auth()), routes::RENDER_CANCEL, &params, Payload::Empty)
            .await?;
        Ok(())
    }

    /// Waits for a render: `.await` it for the video, or take
    /// [`progress`](RenderPoller::progress) for every step.
    ///
    /// The job may come from another process. A render that failed is submitted once more under
    /// a new id, as documented.
    pub fn render(&self, job: &RenderJob) -> RenderPoller {
        RenderPoller { client: self.clone(), job: job.clone(), polling: self.inner.polling }
    }
}

fn is_unknown_render(error: &Error) -> bool {
    error.api().is_some_and(|api| api.status == Some(404) || api.code == ErrorCode::Other(404))
}

/// Waits for a render. `.await` gives the [`RenderedVideo`].
///
/// # Cancel safety
/// Safe to drop at any time: the render goes on, and its job can be polled again.
#[must_use = "a poller does nothing unless it is awaited or its progress taken"]
pub struct RenderPoller {
    client: NemoClient,
    job: RenderJob,
    polling: Polling,
}

impl fmt::Debug for RenderPoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderPoller").field("id", &self.job.id).finish_non_exhaustive()
    }
}

impl RenderPoller {
    /// Polls at another pace than the client's.
    pub fn polling(mut self, polling: Polling) -> Self {
        self.polling = polling;
        self
    }

    /// The render as a stream: an item for each poll, [`RenderProgress::Completed`] at the end.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, NewSession, local::LocalBackend};
    /// # use std::time::Duration;
    /// # let backend = LocalBackend::builder().placeholder_films().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::Polling::new(Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let session = client.create_session(NewSession::default()).await?;
    /// # let id = &session.session_id;
    /// # futures::StreamExt::count(client.send_message(id, "narrate: Hello.").await?).await;
    /// use futures::StreamExt as _;
    /// use nemovideo::{Polling, RenderOutput, RenderProgress};
    ///
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = client.submit_render(id, &draft, RenderOutput::wav()).await?;
    /// let poller = client.render(&job).polling(Polling::new(Duration::from_millis(10), 1000));
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
                        client.submit(&job).await?;
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
