//! Downloads: streamed to a temporary file, resumed after a break, renamed when complete.

use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use reqwest::header::{
    AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    LOCATION, RANGE,
};
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use url::Url;

use super::url_policy::file_url;
use super::{NemoClient, RenderedVideo};
use crate::error::{
    ApiError, Call, ConnectionError, Error, ErrorCode, Result, TimeoutKind, source,
};
use crate::fs::TempPath;
use crate::protocol::{Endpoint, RenderId};
use crate::retry::{AttemptInfo, FailureKind, RetryDecision};
use crate::transport::request_id;

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
    /// then. A download that breaks is resumed; if the file has changed meanwhile, it restarts.
    ///
    /// When the file's URL fails, or returns text, JSON or XML in place of a file, the file is
    /// downloaded through the API. If the API redirects to another URL, it is downloaded from
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

    async fn run(self) -> Result<u64> {
        let mut file =
            PartialFile::create(&self.path).await.map_err(|error| self.write_error(error))?;
        let mut sources = FileSources::new(&self.client, &self.id, &self.url);
        let mut received = ReceivedFile { total: self.size, ..ReceivedFile::default() };
        let started = Instant::now();
        // Attempts since bytes were last received.
        let mut attempts = 0;
        loop {
            let before = received.bytes;
            let error = match self.attempt(&sources, &mut file, &mut received).await {
                Ok(()) => break,
                Err(error @ (Error::Io { .. } | Error::LimitExceeded { what: FILE, .. })) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            attempts = if received.bytes > before { 1 } else { attempts + 1 };
            // A source that has sent nothing so far is not retried: the other one is used at once.
            let decision = match failure_of(&error) {
                Some(failure) if received.bytes.max(before) > 0 => {
                    let attempt = AttemptInfo::read_only(failure, attempts, started.elapsed());
                    self.client.transport().decide(&attempt)
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
        let opened = sources.open(received.bytes, received.tag.as_deref()).await?;
        if !received.is_continued_by(&opened) {
            file.restart().await.map_err(|error| self.write_error(error))?;
            received.bytes = 0;
            if opened.starts_at > 0 {
                // A part of a different file: the next attempt requests all of it.
                received.tag = None;
                return Err(disconnected(opened.call, "the file changed while it was downloaded"));
            }
        }
        let FileResponse { response, call, total, tag, .. } = opened;
        (received.tag, received.total) = (tag, total.or(self.size));
        received.is_source_changed = false;
        let expected = self.size.or(received.total);
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
            let error = match tokio::time::timeout(idle, chunks.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(chunk))) => {
                    file.write(&chunk).await.map_err(|error| self.write_error(error))?;
                    received.bytes += chunk.len() as u64;
                    if let Some(progress) = &self.progress {
                        progress(received.bytes, received.total);
                    }
                    match expected {
                        // A different file, and one that may never end.
                        Some(expected) if received.bytes > expected => break,
                        None if received.bytes > limit => {
                            return Err(Error::LimitExceeded { what: FILE, limit });
                        }
                        _ => continue,
                    }
                }
                Ok(Some(Err(error))) => {
                    let source = source(error.without_url());
                    Error::Disconnected(Box::new(ConnectionError { call: call_now(), source }))
                }
                Err(_elapsed) => {
                    let call = Box::new(call_now());
                    Error::Timeout { kind: TimeoutKind::Idle, after: idle, call }
                }
            };
            // The file may be complete although the end of the response was not received.
            let is_complete = received.bytes > 0 && expected == Some(received.bytes);
            return if is_complete { Ok(()) } else { Err(error) };
        }
        // A file that ends early is resumed. A whole file of another size than expected is
        // discarded, whatever its source, and so is an empty one.
        let ends_early = received.total.is_some_and(|total| received.bytes < total);
        let expected = expected.unwrap_or(received.bytes);
        if received.bytes > 0 && received.bytes == expected {
            return Ok(());
        }
        let what = match received.bytes {
            0 => "the file is empty".to_owned(),
            bytes => format!("{bytes} of {expected} bytes came"),
        };
        if !ends_early {
            file.restart().await.map_err(|error| self.write_error(error))?;
            received.bytes = 0;
        }
        Err(disconnected(call_now(), what))
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

fn disconnected(call: Call, what: impl Into<String>) -> Error {
    let source = source(what.into());
    Error::Disconnected(Box::new(ConnectionError { call, source }))
}

/// Returns how an attempt failed, for the retry policy; `None` if another attempt cannot help.
fn failure_of(error: &Error) -> Option<FailureKind> {
    match error {
        Error::Unreachable(_) => Some(FailureKind::NotSent),
        Error::Disconnected(_) | Error::Timeout { .. } => Some(FailureKind::NoResponse),
        _ => None,
    }
}

/// The part of the file that was received so far.
#[derive(Default)]
struct ReceivedFile {
    bytes: u64,
    total: Option<u64>,
    /// The strong entity tag of this version of the file.
    tag: Option<String>,
    /// The next bytes come from another source than these.
    is_source_changed: bool,
}

impl ReceivedFile {
    /// Prepares for another source. Only a strong entity tag proves that it has the same file;
    /// without one the whole file is downloaded again.
    fn change_source(&mut self) {
        self.is_source_changed = true;
        if self.tag.is_none() {
            self.bytes = 0;
        }
    }

    /// Returns whether the response continues the same file at the right offset.
    fn is_continued_by(&self, opened: &FileResponse) -> bool {
        // A host may ignore `If-Range` and send a part of another version.
        let is_same_file = match (&self.tag, &opened.tag) {
            (Some(before), Some(now)) => before == now,
            _ => !self.is_source_changed && opened.total == self.total,
        };
        self.bytes > 0 && opened.starts_at == self.bytes && is_same_file
    }
}

/// The two sources of a file, and which one is in use.
struct FileSources<'a> {
    client: &'a NemoClient,
    id: &'a RenderId,
    url: &'a str,
    /// The error of the file's own URL; from then on the API is used.
    url_error: Option<Error>,
}

/// A response with the file from some byte on; its body is still unread.
struct FileResponse {
    response: Response,
    call: Call,
    /// The offset of its first byte.
    starts_at: u64,
    /// The size of the whole file.
    total: Option<u64>,
    /// The strong entity tag of this version of the file.
    tag: Option<String>,
}

impl<'a> FileSources<'a> {
    fn new(client: &'a NemoClient, id: &'a RenderId, url: &'a str) -> Self {
        Self { client, id, url, url_error: None }
    }

    /// Uses the API from now on.
    ///
    /// # Errors
    /// The error to report, if the API was in use already.
    fn fall_back(&mut self, error: Error) -> Result<()> {
        match self.url_error.take() {
            None => {
                self.url_error = Some(error);
                Ok(())
            }
            // The API may have the file later; its own URL will not.
            Some(first) if !first.is_retryable() && error.is_retryable() => Err(error),
            // The failure of the file's own URL is more informative than a missing copy.
            Some(first) => Err(first),
        }
    }

    /// Requests the file from a byte on, if it is still the version with this tag.
    async fn open(&self, from: u64, tag: Option<&str>) -> Result<FileResponse> {
        let mut range = HeaderMap::new();
        if from > 0 {
            insert(&mut range, RANGE, &format!("bytes={from}-"));
            if let Some(tag) = tag {
                insert(&mut range, IF_RANGE, tag);
            }
        }
        let (mut response, mut call) = self.send(range).await?;
        if from > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // The file is shorter than the part received so far: it is another one.
            (response, call) = self.send(HeaderMap::new()).await?;
        }
        let headers = response.headers();
        let (starts_at, total) = match response.status() {
            StatusCode::OK => (0, response.content_length()),
            StatusCode::PARTIAL_CONTENT => match headers.get(CONTENT_RANGE).and_then(content_range)
            {
                Some(range) => range,
                None => {
                    return Err(disconnected(call, "the response does not say which part it is"));
                }
            },
            status => return Err(no_file(call, status)),
        };
        if let Some(content_type) = text_type(headers) {
            let what = format!("{content_type} came in place of a file");
            return Err(final_error(call, response.status(), what));
        }
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.filter(|tag| tag.starts_with('"')).map(str::to_owned);
        Ok(FileResponse { response, call, starts_at, total, tag })
    }

    async fn send(&self, range: HeaderMap) -> Result<(Response, Call)> {
        match self.url_error {
            None => self.get_anonymously(file_url(self.client.base_url(), self.url)?, range).await,
            Some(_) => self.get_through_api(range).await,
        }
    }

    /// Requests a file of any host, without token and attribution.
    async fn get_anonymously(&self, url: Url, range: HeaderMap) -> Result<(Response, Call)> {
        let request = self.client.files()?.get(url).headers(range);
        self.execute(request, Endpoint::File).await
    }

    async fn execute(
        &self,
        request: RequestBuilder,
        endpoint: Endpoint,
    ) -> Result<(Response, Call)> {
        let started = Instant::now();
        let call = |request_id| Call { request_id, ..Call::once(endpoint, started.elapsed()) };
        let after = self.client.inner.timeouts.response();
        match tokio::time::timeout(after, request.send()).await {
            Ok(Ok(response)) => {
                let call = call(request_id(response.headers()));
                Ok((response, call))
            }
            Ok(Err(error)) => {
                let unreachable = error.is_connect();
                let source = source(error.without_url());
                let failure = Box::new(ConnectionError { call: call(None), source });
                Err(match unreachable {
                    true => Error::Unreachable(failure),
                    false => Error::Disconnected(failure),
                })
            }
            Err(_elapsed) => Err(Error::Timeout {
                kind: TimeoutKind::Response,
                after,
                call: Box::new(call(None)),
            }),
        }
    }

    async fn get_through_api(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let (client, params) = (self.client, [self.id.as_str()]);
        match client.open_file(Endpoint::RenderDownload, &params, range.clone()).await {
            Ok(pending) => Ok((pending.response, pending.call)),
            Err(Error::Api(api)) if api.status.is_some_and(|s| (300..400).contains(&s)) => {
                self.get_redirected(range).await
            }
            Err(error) => Err(error),
        }
    }

    /// Follows a redirect of the API. API calls follow none, since the token would be sent along,
    /// and their error does not hold the target: so the request is made once more by hand.
    async fn get_redirected(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let (transport, endpoint) = (self.client.transport(), Endpoint::RenderDownload);
        let url = transport.url(endpoint, &[self.id.as_str()])?;
        let bearer = self.client.auth().bearer(transport).await?;
        let request = transport.api.get(url.clone()).headers(transport.attribution.headers());
        let authorization = bearer.authorization()?.header();
        let request = request.header(AUTHORIZATION, authorization).headers(range.clone());
        let (response, call) = self.execute(request, endpoint).await?;
        let status = response.status();
        if !status.is_redirection() {
            return match status.is_success() {
                true => Ok((response, call)),
                false => Err(no_file(call, status)),
            };
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(target) = location.and_then(|location| url.join(location).ok()) else {
            return Err(no_file(call, status));
        };
        self.get_anonymously(file_url(&transport.base, target.as_str())?, range).await
    }
}

/// Returns the error for a response without a file. A client error or a redirect is final, any
/// other status may be temporary.
fn no_file(call: Call, status: StatusCode) -> Error {
    let what = format!("the file's host returned HTTP {}", status.as_u16());
    let is_temporary =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if (status.is_client_error() && !is_temporary) || status.is_redirection() {
        final_error(call, status, what)
    } else {
        disconnected(call, what)
    }
}

fn final_error(call: Call, status: StatusCode, message: String) -> Error {
    let code = ErrorCode::Other(i64::from(status.as_u16()));
    Error::from_api(ApiError {
        status: Some(status.as_u16()),
        call: Some(call),
        ..ApiError::local(code, message)
    })
}

/// Returns the content type if it is a text format: a page or an error message in place of a
/// video or audio file, whatever the status.
fn text_type(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let content_type = content_type.split(';').next()?.trim().to_ascii_lowercase();
    let is_text = content_type.starts_with("text/")
        || ["application/json", "application/xml"].contains(&content_type.as_str())
        || content_type.ends_with("+json")
        || content_type.ends_with("+xml");
    is_text.then_some(content_type)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Always valid: the tag was received as a header value.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Parses `bytes 100-199/1000` into 100 and 1000; `*` stands for an unknown size.
fn content_range(value: &HeaderValue) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

/// The temporary file of a download, removed unless it is [finished](Self::finish).
struct PartialFile {
    file: File,
    temporary: TempPath,
}

impl PartialFile {
    async fn create(destination: &Path) -> io::Result<Self> {
        let temporary = TempPath::beside(destination)?;
        let file = File::options().write(true).create_new(true).open(temporary.path()).await?;
        Ok(Self { file, temporary })
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// Discards what was written so far.
    async fn restart(&mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.rewind().await?;
        self.file.set_len(0).await
    }

    /// Gives the file its final name, replacing the file that has it.
    async fn finish(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        self.temporary.persist()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::content_range;

    #[test]
    fn a_content_range_is_parsed() {
        let part = |text: &'static str| content_range(&HeaderValue::from_static(text));
        assert_eq!(part("bytes 100-199/1000"), Some((100, Some(1000))));
        assert_eq!(part("bytes 0-9/*"), Some((0, None)));
        assert_eq!(part("bytes */1000"), None);
        assert_eq!(part("items 0-9/10"), None);
    }
}
