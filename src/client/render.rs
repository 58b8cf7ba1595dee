//! Renders: submitted once, asked for until done.

mod poller;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de};

pub use self::poller::{RenderPoller, RenderPolling, RenderProgress};
use super::{NemoClient, json};
use crate::draft::Draft;
use crate::error::{Error, Result, UnknownOutcome, source};
use crate::protocol::{
    Endpoint, ErrorCode, RedactedUrl, RenderId, RenderJob, RenderOutput, RenderState, SessionId,
};
use crate::transport::Payload;

/// A finished render. Its `Debug` shows no signature of its address.
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
/// # let job = client.submit_render(id, &draft, nemovideo::RenderOutput::mp4()).await?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("out.mp4");
/// use nemovideo::RenderedVideo;
///
/// let video = client.wait_for_render(&job).await?;
/// assert!(video.duration.is_some_and(|length| length > Duration::ZERO));
///
/// let written_down = serde_json::to_string(&video)?;
/// let video: RenderedVideo = serde_json::from_str(&written_down)?; // in another process, say
/// let file = client.download(&video, &path).await?;
/// assert_eq!(Some(file.bytes), video.size);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
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

impl fmt::Debug for RenderedVideo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderedVideo")
            .field("id", &self.id)
            .field("url", &RedactedUrl(&self.url))
            .field("duration", &self.duration)
            .field("size", &self.size)
            .finish()
    }
}

impl NemoClient {
    /// Submits a draft for rendering. Exports are free.
    ///
    /// The id is the client's own: when the answer to the submit is lost, the render is asked for
    /// by its id before it is submitted again, so it is never started twice.
    ///
    /// Write the [`RenderJob`] down before waiting for it: any process can go on with it. To have
    /// it written down before anything is sent, make it with [`RenderJob::new`] and
    /// [submit that](Self::ensure_submitted).
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
    /// use nemovideo::{RenderJob, RenderOutput};
    ///
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
    ///
    /// let written_down = serde_json::to_string(&job)?;
    /// let job: RenderJob = serde_json::from_str(&written_down)?; // in another process, say
    /// let video = client.wait_for_render(&job).await?;
    /// assert_eq!(video.id, job.id);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a draft with nothing in it; [`Error::ExportBlocked`],
    /// [`Error::SessionNotFound`]; the connection errors. [`Error::OutcomeUnknown`] holds the
    /// [job](Error::render_job): [submit that](Self::ensure_submitted) to go on with it.
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
    /// use nemovideo::{RenderJob, RenderOutput};
    ///
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = RenderJob::new(id.clone(), draft, RenderOutput::mp4());
    /// let written_down = serde_json::to_string(&job)?; // before anything is sent
    /// client.ensure_submitted(&job).await?;
    ///
    /// let job: RenderJob = serde_json::from_str(&written_down)?; // after a crash, say
    /// client.ensure_submitted(&job).await?;
    /// assert_eq!(backend.counters().renders_started, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As for [`submit_render`](Self::submit_render).
    ///
    /// # Cancel safety
    /// Safe to drop; call it again.
    pub async fn ensure_submitted(&self, job: &RenderJob) -> Result<RenderState> {
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
            Err(lost) if is_lost(&lost) => lost,
            answered => return answered,
        };
        match self.render_status(&job.id).await {
            Ok(state) => Ok(state),
            // The service does not know the id: the submit never arrived.
            Err(error) if is_unknown_render(&error) => {
                self.send_render(&request).await.map_err(|error| with_job(error, job))
            }
            Err(_) => Err(with_job(lost, job)),
        }
    }

    async fn send_render(
        &self,
        request: &crate::protocol::RenderRequest<'_>,
    ) -> Result<RenderState> {
        self.call(Endpoint::RenderSubmit, &[], json(request)?).await
    }

    /// How far a render is, asked once.
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
    /// use nemovideo::RenderOutput;
    /// use nemovideo::protocol::RenderStatus;
    ///
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
    /// client.wait_for_render(&job).await?;
    /// assert_eq!(client.render_status(&job.id).await?.status, RenderStatus::Completed);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The service's refusals, the connection errors.
    pub async fn render_status(&self, id: &RenderId) -> Result<RenderState> {
        let params = [id.as_str()];
        self.call(Endpoint::RenderStatus, &params, Payload::Empty).await
    }

    /// Calls a render off. Any answer that is no refusal counts as done: what a service says to a
    /// cancel is not documented.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
    /// use nemovideo::mock::wiremock::ResponseTemplate;
    /// use nemovideo::RenderId;
    ///
    /// let nemo = MockNemo::start().await;
    /// let called_off = ResponseTemplate::new(200).set_body_string("{}");
    /// nemo.given(MockResponse::raw(Endpoint::RenderCancel, called_off)).await;
    /// nemo.client().cancel_render(&RenderId::from("render_1")).await?;
    /// assert_eq!(nemo.requests(Endpoint::RenderCancel).await.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The service's refusals, the connection errors. After one of these the render may have been
    /// called off; doing it again is safe.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the render running or called off;
    /// [`render_status`](Self::render_status) tells which.
    pub async fn cancel_render(&self, id: &RenderId) -> Result<()> {
        let params = [id.as_str()];
        match self.call(Endpoint::RenderCancel, &params, Payload::Empty).await {
            // Refusals are sorted out before an answer is decoded: this is a success in words of
            // its own, or in none.
            Ok(CalledOff) | Err(Error::Decode { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Waits for a render: `.await` it for the video, or take
    /// [`progress`](RenderPoller::progress) for every step.
    ///
    /// The job may come from another process. A render that failed is submitted once more under
    /// a new id, as documented.
    pub fn wait_for_render(&self, job: &RenderJob) -> RenderPoller {
        RenderPoller::new(self.clone(), job.clone(), self.inner.polling)
    }
}

fn is_unknown_render(error: &Error) -> bool {
    error.api().is_some_and(|api| api.status == Some(404) || api.code == ErrorCode::Other(404))
}

/// Whether the submit itself may have arrived, rather than the call for a token before it.
fn is_lost(error: &Error) -> bool {
    error.may_have_taken_effect()
        && error.call().is_some_and(|call| call.endpoint == Endpoint::RenderSubmit)
}

/// An outcome that is not known, with the job to go on with.
fn with_job(error: Error, job: &RenderJob) -> Error {
    if !is_lost(&error) {
        return error;
    }
    let mut unknown = match error {
        Error::OutcomeUnknown(unknown) => unknown,
        other => {
            let Some(call) = other.call().cloned() else { return other };
            let what = "the answer does not say what became of it".to_owned();
            Box::new(UnknownOutcome::new(call, what, Some(source(other))))
        }
    };
    unknown.job = Some(Box::new(job.clone()));
    Error::OutcomeUnknown(unknown)
}

/// What a cancel is answered with: anything but an error alone.
struct CalledOff;

impl<'de> Deserialize<'de> for CalledOff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let answer = serde_json::Value::deserialize(deserializer)?;
        match answer.get("error") {
            None | Some(serde_json::Value::Null) => Ok(Self),
            Some(_) => Err(de::Error::custom("it holds an error")),
        }
    }
}
