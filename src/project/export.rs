//! Making the file of a project.

use std::fmt;
use std::future::IntoFuture;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use futures::StreamExt as _;

use super::Project;
use crate::NemoClient;
use crate::client::{Download, RenderPolling, RenderProgress, RenderedVideo};
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::protocol::{RenderFormat, RenderJob, RenderOutput};

type Progress = Arc<dyn Fn(&RenderProgress) + Send + Sync>;

/// An export that is about to be made; `.await` renders it.
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
/// use nemovideo::{RenderOutput, RenderProgress};
///
/// project.say("narrate: Good morning.").await?.finish().await?;
///
/// // The session's draft, edited on this side, as sound alone.
/// let mut draft = project.draft().await?.ok_or("nothing was made")?;
/// draft.edit().set_track_volume(1, 0.5)?;
/// let exported = project
///     .export()
///     .draft(draft)
///     .output(RenderOutput::wav())
///     .on_progress(|progress: &RenderProgress| println!("{progress:?}"))
///     .await?;
/// # let folder = tempfile::tempdir()?;
/// let file = exported.download(folder.path().join("out.wav")).await?;
/// assert!(file.bytes > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "an export is made when it is awaited"]
pub struct Export {
    project: Project,
    output: RenderOutput,
    draft: Option<Draft>,
    polling: Option<RenderPolling>,
    progress: Option<Progress>,
}

/// A finished export.
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
/// project.say("narrate: Good morning.").await?.finish().await?;
/// let exported = project.export().await?;
/// println!("{:?} of film at {}", exported.video.duration, exported.video.url);
///
/// // Made once, it can be fetched again and again.
/// let file = exported.download(&out).await?;
/// assert_eq!(exported.video.size, Some(file.bytes));
/// assert_eq!(exported.download(&out).await?, file);
/// assert_eq!(backend.counters().renders_started, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportedVideo {
    /// The file.
    pub video: RenderedVideo,
    client: NemoClient,
}

impl ExportedVideo {
    /// Downloads it.
    ///
    /// # Errors
    /// Those of [`NemoClient::download`].
    pub fn download(&self, path: impl AsRef<Path>) -> Download {
        self.client.download(&self.video, path)
    }
}

impl Export {
    pub(super) fn new(project: Project) -> Self {
        Self {
            project,
            output: RenderOutput::default(),
            draft: None,
            polling: None,
            progress: None,
        }
    }

    /// What the file should be.
    pub fn output(mut self, output: RenderOutput) -> Self {
        self.output = output;
        self
    }

    /// What kind of file it will be.
    #[must_use]
    pub fn format(&self) -> &RenderFormat {
        &self.output.format
    }

    /// Another draft than the session's, edited on this side.
    pub fn draft(mut self, draft: Draft) -> Self {
        self.draft = Some(draft);
        self
    }

    /// Polls at another pace than the client's.
    pub fn polling(mut self, polling: RenderPolling) -> Self {
        self.polling = Some(polling);
        self
    }

    /// Calls back at each poll.
    pub fn on_progress(
        mut self,
        progress: impl Fn(&RenderProgress) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Submits it without waiting; the job can be written down.
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
    /// use nemovideo::Error;
    ///
    /// let nothing_yet = project.export().submit().await;
    /// assert!(matches!(nothing_yet, Err(Error::InvalidInput(_))));
    /// project.say("narrate: Good morning.").await?.finish().await?;
    /// let job = project.export().submit().await?;
    /// println!("{}", serde_json::to_string(&job)?); // for another process to go on with
    /// assert_eq!(client.wait_for_render(&job).await?.id, job.id);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] while a turn of the project is alive, whose work would be exported half
    /// done; a draft of one's own may be exported then. [`Error::InvalidInput`] when there is
    /// nothing to export yet; those of [`submit_render`](NemoClient::submit_render).
    ///
    /// # Cancel safety
    /// Dropping the future may leave a render that nobody asks for; it costs nothing.
    pub async fn submit(&self) -> Result<RenderJob> {
        let draft = match &self.draft {
            Some(draft) => Some(draft.clone()),
            None => {
                self.project.ensure_free()?;
                self.project.draft().await?
            }
        };
        let draft = draft
            .filter(Draft::is_ready_to_export)
            .ok_or_else(|| Error::InvalidInput("there is nothing to export yet".to_owned()))?;
        let session = self.project.session_id();
        self.project.client().submit_render(&session, &draft, self.output.clone()).await
    }

    async fn run(self) -> Result<ExportedVideo> {
        let job = self.submit().await?;
        let client = self.project.client().clone();
        let mut poller = client.wait_for_render(&job);
        if let Some(polling) = self.polling {
            poller = poller.polling(polling);
        }
        while let Some(step) = poller.next().await {
            let step = step?;
            if let Some(progress) = &self.progress {
                progress(&step);
            }
            if let RenderProgress::Completed(video) = step {
                return Ok(ExportedVideo { video, client });
            }
        }
        // The steps end with a video or an error; this is for the type.
        Err(Error::RenderFailed { id: job.id, reason: "it ended without a file".to_owned() })
    }
}

impl IntoFuture for Export {
    type Output = Result<ExportedVideo>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("output", &self.output).finish_non_exhaustive()
    }
}
