//! Downloads: streamed to a temporary file that gets its final name when it is whole.

use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use url::Url;

use super::partial::PartialFile;
use super::{NemoClient, RenderedVideo};
use crate::error::{Call, Clock, ConnectionError, Effect, Error, Result};
use crate::http::{request_id, routes};
use crate::wire::RenderId;

/// Called with the bytes so far and, where it is known, how many there will be.
type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// A download that is ready to go; `.await` runs it.
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
    /// half of it never has the final name, and what had it before stays until then. When the
    /// file's own address does not answer, the API's download route is used.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written; [`Error::Disconnected`], [`Error::Timeout`] and
    /// [`Error::Unreachable`]; [`Error::Refused`] when neither address has it.
    ///
    /// # Cancel safety
    /// Dropping the future removes the temporary file.
    pub fn download(&self, video: &RenderedVideo, path: impl AsRef<Path>) -> Download {
        Download {
            client: self.clone(),
            id: video.id.clone(),
            url: video.url.clone(),
            size: video.size,
            path: path.as_ref().to_owned(),
            progress: None,
        }
    }
}

impl Download {
    /// Calls back with the bytes so far and, where it is known, how many there will be.
    pub fn on_progress(
        mut self,
        progress: impl Fn(u64, Option<u64>) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    async fn run(self) -> Result<Downloaded> {
        let mut file = PartialFile::create(&self.path)
            .await
            .map_err(|source| Error::io("write", &self.path, source))?;
        let (response, mut call) = match self.at_its_own_address().await {
            Ok(found) => found,
            Err(unanswered) => self.through_the_api().await.map_err(|_| unanswered)?,
        };
        let began = Instant::now();
        let total = response.content_length().or(self.size);
        let idle = self.client.inner.timeouts.idle;
        let mut chunks = response.bytes_stream();
        let mut bytes = 0;
        loop {
            let chunk = match tokio::time::timeout(idle, chunks.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break,
                Ok(Some(Err(error))) => {
                    call.elapsed += began.elapsed();
                    return Err(disconnected(call, error));
                }
                Err(_elapsed) => {
                    call.elapsed += began.elapsed();
                    return Err(Error::Timeout {
                        clock: Clock::Idle,
                        after: idle,
                        call: Box::new(call),
                    });
                }
            };
            file.write(&chunk).await.map_err(|source| Error::io("write", &self.path, source))?;
            bytes += chunk.len() as u64;
            if let Some(progress) = &self.progress {
                progress(bytes, total);
            }
        }
        if let Some(promised) = self.size.filter(|&size| size != bytes) {
            call.elapsed += began.elapsed();
            let source = format!("the file has {bytes} bytes, the service promised {promised}");
            return Err(Error::Disconnected(Box::new(ConnectionError {
                call,
                source: source.into(),
            })));
        }
        file.finish().await.map_err(|source| Error::io("write", &self.path, source))?;
        Ok(Downloaded { path: self.path, bytes })
    }

    /// Asks the host that `output.url` names, as a stranger.
    async fn at_its_own_address(&self) -> Result<(Response, Call)> {
        let began = Instant::now();
        let call = |response: Option<&Response>| Call {
            method: routes::FILE.method.name(),
            route: routes::FILE.template,
            effect: Effect::ReadOnly,
            attempts: 1,
            elapsed: began.elapsed(),
            request_id: response.and_then(|response| request_id(response.headers())),
        };
        let url = file_url(self.client.base_url(), &self.url)?;
        let answer = self.client.inner.timeouts.answer;
        let sent = self.client.inner.files.get(url).send();
        let response = match tokio::time::timeout(answer, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() => {
                let source = Box::new(error.without_url());
                return Err(Error::Unreachable(Box::new(ConnectionError {
                    call: call(None),
                    source,
                })));
            }
            Ok(Err(error)) => return Err(disconnected(call(None), error)),
            Err(_elapsed) => {
                let (clock, call) = (Clock::Answer, Box::new(call(None)));
                return Err(Error::Timeout { clock, after: answer, call });
            }
        };
        let call = call(Some(&response));
        if response.status() != StatusCode::OK {
            let source = format!("the file's host answered HTTP {}", response.status().as_u16());
            return Err(Error::Disconnected(Box::new(ConnectionError {
                call,
                source: source.into(),
            })));
        }
        Ok((response, call))
    }

    async fn through_the_api(&self) -> Result<(Response, Call)> {
        let client = &self.client;
        let params = [self.id.as_str()];
        let reply = client
            .http()
            .fetch(client.auth(), routes::RENDER_DOWNLOAD, &params, HeaderMap::new())
            .await?;
        Ok((reply.response, reply.call))
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

fn disconnected(call: Call, error: reqwest::Error) -> Error {
    let source = Box::new(error.without_url());
    Error::Disconnected(Box::new(ConnectionError { call, source }))
}

/// The address of a file, which may be relative to the API's.
fn file_url(base: &Url, url: &str) -> Result<Url> {
    let url = base
        .join(url)
        .map_err(|error| Error::InvalidInput(format!("the file's address: {error}")))?;
    if matches!(url.scheme(), "http" | "https") {
        return Ok(url);
    }
    Err(Error::InvalidInput(format!("the file's address has the scheme {}", url.scheme())))
}
