//! Downloads: streamed to a temporary file, resumed after a break, renamed when complete.

mod container;
mod part;
mod sources;

use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};

use self::part::{FilePart, ReceivedFile, UnusableResponse};
use self::sources::{FileSources, disconnected, final_error};
use super::{NemoClient, RenderedVideo, call_options};
use crate::error::{ConnectionError, Error, Result, TimeoutKind, source};
use crate::fs::TempPath;
use crate::protocol::RenderId;
use crate::retry::{AttemptInfo, FailureKind, RetryDecision};

/// The name of the limit that the file itself exceeds. The file is no smaller at another source.
const FILE: &str = "the file";

/// Called with the bytes received so far and, if known, the size of the file.
type DownloadProgress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// A download that has not started yet; `.await` runs it. Created by [`NemoClient::download`].
#[must_use = "a download runs when it is awaited"]
pub struct Download {
    client: NemoClient,
    id: RenderId,
    url: String,
    size: Option<u64>,
    path: PathBuf,
    progress: Option<DownloadProgress>,
}

impl NemoClient {
    /// Downloads a finished render; `.await` returns the size of the file in bytes. Neither token
    /// nor attribution is sent to the file's host.
    ///
    /// The file is streamed to a temporary file beside `path`, which is renamed when it is
    /// complete: an incomplete file never has the final name, and an existing file stays until
    /// then. Temporary files that killed processes have left beside it are removed.
    ///
    /// A download that breaks is resumed; if the response to that is anything but the missing bytes
    /// of the same file, it restarts. A file is complete when it has the size that the service
    /// reported, or else the one that its host declares. If neither is known, an MP4 or WAV file is
    /// complete when it has the end that its own structure declares, and any other file at the
    /// regular end of the response. An MP4 file whose boxes do not fit into its size is damaged. The
    /// service sends no checksum: a changed byte inside of the media is not noticed.
    ///
    /// When the file's URL fails, or returns text, JSON, XML, an encoded file or a damaged one, the
    /// file is downloaded through the API. If the API redirects to another URL, it is downloaded from
    /// there, without the token. Bytes from two sources are combined only under the same strong
    /// entity tag.
    ///
    /// The URL must be `https` (or `http`, if the API's is), and its host must be the API's host
    /// or outside of this machine and its private networks.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written; [`Error::Api`], which is final, when no
    /// source has the file; [`Error::InvalidInput`] when the URL is not allowed and the API has no
    /// copy; [`Error::LimitExceeded`]; and [`Error::Disconnected`], [`Error::Timeout`] and
    /// [`Error::Unreachable`], after which a new download may succeed.
    ///
    /// # Cancel safety
    /// Dropping the future removes the temporary file.
    pub fn download(&self, video: &RenderedVideo, path: impl AsRef<Path>) -> Download {
        Download {
            client: self.clone(),
            id: video.id.clone(),
            url: video.url.clone(),
            // The service reports a size of zero when it does not know it.
            size: video.size.filter(|&size| size > 0),
            path: path.as_ref().to_owned(),
            progress: None,
        }
    }
}

call_options!(Download);

impl Download {
    /// Calls `progress` with the number of bytes received so far and, if known, the size of the
    /// file. After a break the bytes may start from zero again.
    pub fn on_progress(
        mut self,
        progress: impl Fn(u64, Option<u64>) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    async fn run(mut self) -> Result<u64> {
        self.client = self.client.begin()?;
        let mut file =
            PartialFile::create(&self.path).await.map_err(|error| self.write_error(error))?;
        let mut sources = FileSources::new(&self.client, &self.id, &self.url);
        let mut received = ReceivedFile::of_size(self.size);
        let started = Instant::now();
        // Attempts since the file was last received further than before: what is received again
        // after a restart is no progress.
        let mut attempts = 0;
        loop {
            let (before, furthest) = (received.bytes, received.furthest);
            let error = match self.attempt(&sources, &mut file, &mut received).await {
                Ok(()) => break,
                Err(error @ (Error::Io { .. } | Error::LimitExceeded { what: FILE, .. })) => {
                    return Err(error);
                }
                Err(error) if self.client.options.time_left() == Some(Duration::ZERO) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            attempts = if received.furthest > furthest { 1 } else { attempts + 1 };
            // A source that has sent nothing so far is not retried: the other one is used at once.
            let decision = match failure_of(&error) {
                Some(failure) if received.bytes.max(before) > 0 => {
                    let attempt = AttemptInfo::read_only(failure, attempts, started.elapsed());
                    self.client.transport().decide(&self.client.options, &attempt)
                }
                _ => RetryDecision::GiveUp,
            };
            match decision {
                RetryDecision::RetryAfter(pause) => tokio::time::sleep(pause).await,
                RetryDecision::GiveUp => {
                    sources.fall_back(error)?;
                    received.change_source();
                    attempts = 0;
                }
            }
        }
        file.finish().await.map_err(|error| self.write_error(error))?;
        Ok(received.bytes)
    }

    /// Downloads the missing part of the file, as far as one connection allows.
    async fn attempt(
        &self,
        sources: &FileSources<'_>,
        file: &mut PartialFile,
        received: &mut ReceivedFile,
    ) -> Result<()> {
        let from = received.missing_from();
        let (response, call) = sources.open(from, received.tag()).await?;
        let (status, headers) = (response.status(), response.headers());
        let part = match FilePart::declared_by(status, headers, response.content_length()) {
            Ok(part) if received.is_continued_by(&part) => part,
            Ok(part) => {
                let is_whole = part.first == 0 && (from == 0 || received.is_replaced_by(&part));
                self.discard(file, received).await?;
                if !is_whole {
                    // The next attempt requests all of it.
                    let what = "the response does not continue the file";
                    return Err(disconnected(call, what));
                }
                part
            }
            Err(UnusableResponse::NoFile(what)) => return Err(final_error(call, status, what)),
            Err(UnusableResponse::UnclearPart(what)) => {
                self.discard(file, received).await?;
                return Err(disconnected(call, what));
            }
        };
        let part_end = part.end;
        received.begin(part, self.size);
        if received.total.is_none() && part_end.is_some() {
            self.discard(file, received).await?;
            return Err(disconnected(call, "the response hides the size of the file"));
        }
        let expected = self.size.or(received.total);
        let end = part_end.into_iter().chain(expected).min();
        let (idle, limit) =
            (self.client.inner.timeouts.idle(), self.client.inner.limits.download());
        let started = Instant::now();
        let call_now = || {
            let mut call = call.clone();
            call.elapsed += started.elapsed();
            call
        };
        let mut chunks = response.bytes_stream();
        loop {
            let left = self.client.options.time_left();
            let wait = left.map_or(idle, |left| left.min(idle));
            let error = match tokio::time::timeout(wait, chunks.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(chunk))) => {
                    file.write(&chunk).await.map_err(|error| self.write_error(error))?;
                    received.push(&chunk);
                    if let Some(page) = received.page() {
                        self.discard(file, received).await?;
                        let what = format!("{page} came in place of a file");
                        return Err(final_error(call_now(), status, what));
                    }
                    if let Some(progress) = &self.progress {
                        progress(received.bytes, received.total);
                    }
                    match end {
                        // A different file, and one that may never end.
                        Some(end) if received.bytes > end => break,
                        None if received.bytes > limit => {
                            return Err(Error::LimitExceeded { what: FILE, limit });
                        }
                        _ => continue,
                    }
                }
                Ok(Some(Err(error))) => {
                    let source = source(error.without_url());
                    Error::Disconnected(Box::new(ConnectionError::new(call_now(), source)))
                }
                Err(_elapsed) => {
                    let call = Box::new(call_now());
                    match self.client.options.timeout().filter(|_| wait < idle) {
                        Some(after) => Error::Timeout { kind: TimeoutKind::Total, after, call },
                        None => Error::Timeout { kind: TimeoutKind::Idle, after: idle, call },
                    }
                }
            };
            // The file may be complete although the end of the response was not received.
            let is_complete = received.bytes > 0 && expected == Some(received.bytes);
            match is_complete {
                true => break,
                false => return Err(error),
            }
        }
        // A file that ends early is resumed. A whole file of another size than expected is
        // discarded, whatever its source, and so is an empty one.
        let is_too_long = end.is_some_and(|end| received.bytes > end);
        let ends_early = received.total.is_some_and(|total| received.bytes < total);
        let expected = expected.unwrap_or(received.bytes);
        if received.bytes > 0 && received.bytes == expected && !is_too_long {
            let Some(format) = received.cut_format(end.is_some()) else { return Ok(()) };
            if end.is_some() {
                self.discard(file, received).await?;
            }
            let what = format!("{expected} bytes of the {format} file came without its end");
            return Err(disconnected(call_now(), what));
        }
        let what = match received.bytes {
            0 => "the file is empty".to_owned(),
            bytes => format!("{bytes} of {expected} bytes came"),
        };
        if is_too_long || !ends_early {
            self.discard(file, received).await?;
        }
        Err(disconnected(call_now(), what))
    }

    /// Discards what was received so far.
    async fn discard(&self, file: &mut PartialFile, received: &mut ReceivedFile) -> Result<()> {
        received.clear();
        file.restart().await.map_err(|error| self.write_error(error))
    }

    fn write_error(&self, source: io::Error) -> Error {
        Error::io("write", &self.path, source)
    }
}

impl IntoFuture for Download {
    type Output = Result<u64>;
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

/// Returns how an attempt failed, for the retry policy; `None` if another attempt cannot help.
fn failure_of(error: &Error) -> Option<FailureKind> {
    match error {
        Error::Unreachable(_) => Some(FailureKind::NotSent),
        Error::Disconnected(_) | Error::Timeout { .. } => Some(FailureKind::NoResponse),
        _ => None,
    }
}

/// The temporary file of a download, removed unless it is [finished](Self::finish).
struct PartialFile {
    file: BufWriter<File>,
    temporary: TempPath,
}

impl PartialFile {
    async fn create(destination: &Path) -> io::Result<Self> {
        /// Each write is a task for another thread, which takes as long as to copy this much.
        const BUFFER: usize = 256 * 1024;
        let destination = destination.to_owned();
        let created = tokio::task::spawn_blocking(move || TempPath::create(&destination));
        let (file, temporary) = created.await.map_err(io::Error::other)??;
        let file = BufWriter::with_capacity(BUFFER, File::from_std(file));
        Ok(Self { file, temporary })
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// Discards what was written so far.
    async fn restart(&mut self) -> io::Result<()> {
        self.file.rewind().await?;
        self.file.get_ref().set_len(0).await
    }

    /// Gives the file its final name, replacing the file that has it.
    async fn finish(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        self.temporary.persist()
    }
}
