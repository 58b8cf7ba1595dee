//! Downloads: streamed to a temporary file, resumed after a break, renamed when whole.

mod attempt;
mod source;

use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use self::attempt::Known;
use self::source::Sources;
use super::atomic_file::PartialFile;
use super::{NemoClient, RenderedVideo};
use crate::error::{Call, ConnectionError, Error, Result, source};
use crate::protocol::RenderId;
use crate::retry::{AttemptInfo, FailureKind, RetryDecision};

/// What a limit is named for that the file itself has passed: nowhere else it will be smaller.
const FILE: &str = "the file";

/// Called with the bytes so far and, where it is known, how many there will be.
type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// A download that is ready to go; `.await` runs it.
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
/// # let video = client.wait_for_render(&job).await?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("out.mp4");
/// use nemovideo::local::{Cut, Ending, Fault, Route};
///
/// let breaks = Fault::Cut(Cut::Bytes(100), Ending::Close);
/// backend.faults().inject(breaks).on(Route::File).once();
/// let download = client.download(&video, &path).on_progress(|bytes, _| println!("{bytes} bytes"));
/// assert_eq!(backend.counters().requests(Route::File), 0); // nothing runs yet
///
/// let file = download.await?; // it broke after 100 bytes, and went on from there
/// assert_eq!(backend.counters().requests(Route::File), 2);
/// assert_eq!(Some(file.bytes), video.size);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use = "a download runs when it is awaited"]
pub struct Download {
    client: NemoClient,
    id: RenderId,
    url: String,
    size: Option<u64>,
    path: PathBuf,
    progress: Option<Progress>,
}

/// A file that was downloaded whole.
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
/// # let video = client.wait_for_render(&job).await?;
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("film.mp4");
/// std::fs::write(&path, "yesterday's")?;
/// let file = client.download(&video, &path).await?; // it takes the other's place once it is whole
/// assert_eq!((file.path, Some(file.bytes)), (path, video.size));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

impl NemoClient {
    /// Downloads a finished render. Neither token nor attribution goes to the file's host.
    ///
    /// The file is streamed to a temporary name beside `path` and renamed when it is whole, so a
    /// half of it never has the final name, and what had it before stays until then. A download
    /// that breaks goes on where it broke; if the file has changed meanwhile, from the start.
    /// When the file's own address does not answer, or answers with text, JSON or XML in place of
    /// a file, the API's download route is used. Where that names another address, the file is
    /// fetched there, without the token. The bytes of two places are joined only under one strong
    /// entity tag.
    ///
    /// The address must be `https` (or `transport`, where the API is), and outside of this machine's
    /// own networks unless it is the API's host.
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
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("out.mp4");
    /// let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
    /// let video = client.wait_for_render(&job).await?;
    /// let file = client
    ///     .download(&video, &path)
    ///     .on_progress(|bytes, total| println!("{bytes} of {total:?} bytes"))
    ///     .await?;
    /// assert_eq!(std::fs::metadata(&file.path)?.len(), file.bytes);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written; [`Error::Api`], which is final, when neither
    /// address has it; [`Error::InvalidInput`] when the file's may not be used and the API has no
    /// copy; [`Error::Disconnected`], [`Error::Timeout`] and [`Error::Unreachable`] where trying
    /// again may help.
    ///
    /// # Cancel safety
    /// Dropping the future removes the temporary file.
    pub fn download(&self, video: &RenderedVideo, path: impl AsRef<Path>) -> Download {
        Download {
            client: self.clone(),
            id: video.id.clone(),
            url: video.url.clone(),
            // A size of nothing is one that the service does not know.
            size: video.size.filter(|&size| size > 0),
            path: path.as_ref().to_owned(),
            progress: None,
        }
    }
}

impl Download {
    /// Calls back with the bytes so far and, where it is known, how many there will be. After a
    /// break they may start again from zero.
    pub fn on_progress(
        mut self,
        progress: impl Fn(u64, Option<u64>) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    async fn run(self) -> Result<Downloaded> {
        let unwritable = |source| Error::io("write", &self.path, source);
        let mut file = PartialFile::create(&self.path).await.map_err(unwritable)?;
        let mut sources = Sources::new(&self.client, &self.id, &self.url);
        let mut known = Known::new(self.size);
        let began = Instant::now();
        // Attempts since anything last arrived.
        let mut attempts = 0;
        loop {
            let before = known.bytes;
            let error = match self.attempt(&sources, &mut file, &mut known).await {
                Ok(()) => break,
                Err(error @ (Error::Io { .. } | Error::LimitExceeded { what: FILE, .. })) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            attempts = if known.bytes > before { 1 } else { attempts + 1 };
            // Where nothing came at all, the other place is asked at once.
            let decision = match failure_of(&error) {
                Some(failure) if known.bytes.max(before) > 0 => {
                    let attempt = AttemptInfo::read_only(failure, attempts, began.elapsed());
                    self.client.transport().decide(&attempt)
                }
                _ => RetryDecision::GiveUp,
            };
            match decision {
                RetryDecision::RetryAfter(pause) => tokio::time::sleep(pause).await,
                RetryDecision::GiveUp => {
                    sources.fall_back(error)?;
                    known.change_source();
                    attempts = 0;
                }
            }
        }
        file.finish().await.map_err(unwritable)?;
        Ok(Downloaded { path: self.path, bytes: known.bytes })
    }
}

fn disconnected(call: Call, what: impl Into<String>) -> Error {
    let source = source(what.into());
    Error::Disconnected(Box::new(ConnectionError { call, source }))
}

/// How an attempt failed, in the words of a retry policy; `None` where another cannot help.
fn failure_of(error: &Error) -> Option<FailureKind> {
    match error {
        Error::Unreachable(_) => Some(FailureKind::NotSent),
        Error::Disconnected(_) | Error::Timeout { .. } => Some(FailureKind::NoResponse),
        _ => None,
    }
}

impl IntoFuture for Download {
    type Output = Result<Downloaded>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("id", &self.id)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
