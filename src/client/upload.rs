//! Uploads: from disk without holding the file in memory, from memory, and by address.

use std::future::IntoFuture;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::{NemoClient, json};
use crate::error::{ApiError, Error, Result};
use crate::http::{Payload, routes};
use crate::wire::{ErrorCode, FileFormat, SessionId, UploadAnswer, UploadUrls};

/// How much of a file is read at a time.
const CHUNK: usize = 64 * 1024;

/// An upload that is ready to go; `.await` sends it.
#[derive(Debug)]
#[must_use = "an upload is sent when it is awaited"]
pub struct Upload {
    client: NemoClient,
    session: SessionId,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    File(PathBuf),
    Bytes { name: String, bytes: Bytes },
}

impl NemoClient {
    /// Uploads a file from disk: a video, a picture, sound, or a script (TXT, DOCX).
    ///
    /// Its format and size are checked before a byte is sent. It is streamed with its length
    /// known beforehand; it is never in memory as a whole.
    ///
    /// # Errors
    /// [`Error::UnsupportedFileType`] and [`Error::FileTooLarge`], also where nothing was sent;
    /// [`Error::Io`] for a file that cannot be read or changes meanwhile;
    /// [`Error::OutcomeUnknown`] when the answer was lost; the connection errors.
    ///
    /// # Cancel safety
    /// Dropping the future stops the upload; whether the service keeps the file is its affair.
    pub fn upload_file(&self, session: &SessionId, path: impl AsRef<Path>) -> Upload {
        self.upload(session, Content::File(path.as_ref().to_owned()))
    }

    /// Uploads what is in memory under a name, whose end tells the format.
    ///
    /// # Errors
    /// As for [`upload_file`](Self::upload_file).
    pub fn upload_bytes(
        &self,
        session: &SessionId,
        name: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Upload {
        self.upload(session, Content::Bytes { name: name.into(), bytes: bytes.into() })
    }

    fn upload(&self, session: &SessionId, content: Content) -> Upload {
        Upload { client: self.clone(), session: session.clone(), content }
    }

    /// Names files for the service to fetch itself.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an empty list; the service's refusals; the connection errors.
    pub async fn upload_urls(
        &self,
        session: &SessionId,
        urls: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<UploadAnswer> {
        let request = UploadUrls::new(urls);
        if request.urls.is_empty() {
            return Err(Error::InvalidInput("no address to upload from".to_owned()));
        }
        let params = [session.as_str()];
        self.http().json(Some(self.auth()), routes::UPLOAD, &params, json(&request)?).await
    }
}

impl IntoFuture for Upload {
    type Output = Result<UploadAnswer>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Upload {
    async fn send(self) -> Result<UploadAnswer> {
        let Self { client, session, content } = self;
        let (name, length) = content.measure().await?;
        let format = accepted(&name)?;
        let limit = client.inner.limits.upload;
        if length > limit {
            return Err(Error::from_api(ApiError::local(
                ErrorCode::FileTooLarge,
                format!("{name} has {length} bytes; the limit is {limit}"),
            )));
        }
        let open = move || -> Pin<Box<dyn Future<Output = Result<Form>> + Send>> {
            let (content, name) = (content.clone(), name.clone());
            Box::pin(async move {
                let part = Part::stream_with_length(content.body(length).await?, length)
                    .file_name(name)
                    .mime_str(format.content_type)
                    .map_err(|error| Error::InvalidInput(error.to_string()))?;
                Ok(Form::new().part("files", part))
            })
        };
        let params = [session.as_str()];
        let payload = Payload::Form(Box::new(open));
        client.http().json(Some(client.auth()), routes::UPLOAD, &params, payload).await
    }
}

impl Content {
    /// The name to send it under, and its length.
    async fn measure(&self) -> Result<(String, u64)> {
        match self {
            Self::Bytes { name, bytes } => Ok((name.clone(), bytes.len() as u64)),
            Self::File(path) => {
                let unreadable = |source| Error::io("read", path, source);
                let meta = tokio::fs::metadata(path).await.map_err(unreadable)?;
                if !meta.is_file() {
                    let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
                    return Err(unreadable(source));
                }
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                Ok((name.unwrap_or_default(), meta.len()))
            }
        }
    }

    async fn body(&self, length: u64) -> Result<Body> {
        match self {
            Self::Bytes { bytes, .. } => Ok(Body::from(bytes.clone())),
            Self::File(path) => {
                let file =
                    File::open(path).await.map_err(|source| Error::io("read", path, source))?;
                Ok(Body::wrap_stream(exactly(file, length)))
            }
        }
    }
}

/// The bytes of a file, which must be as many as it had when it was measured.
fn exactly(
    file: File,
    length: u64,
) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static {
    async_stream::stream! {
        let mut chunks = ReaderStream::with_capacity(file, CHUNK);
        let mut sent = 0;
        while let Some(chunk) = chunks.next().await {
            if let Ok(chunk) = &chunk {
                sent += chunk.len() as u64;
                if sent > length {
                    yield Err(io::Error::other("the file grew while it was uploaded"));
                    return;
                }
            }
            yield chunk;
        }
        if sent < length {
            yield Err(io::Error::other("the file shrank while it was uploaded"));
        }
    }
}

fn accepted(name: &str) -> Result<FileFormat> {
    FileFormat::of(name).ok_or_else(|| {
        Error::from_api(ApiError::local(
            ErrorCode::UnsupportedFileType,
            format!("{name} is none of {}", FileFormat::accepted()),
        ))
    })
}
