//! Uploads: from disk without holding the file in memory, from memory, and by URL.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
#[cfg(not(target_arch = "wasm32"))]
use std::{
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use futures::future::BoxFuture;
#[cfg(not(target_arch = "wasm32"))]
use futures::{Stream, StreamExt as _};
use reqwest::multipart;
#[cfg(not(target_arch = "wasm32"))]
use {tokio::fs::File, tokio_util::io::ReaderStream};

use super::{ApiRequest, NemoClient, call_options, json};
use crate::error::{ApiError, Error, Result};
use crate::protocol::{
    Endpoint, ErrorCode, FileFormat, ResponseMetadata, SessionId, UploadResponse, UploadUrls,
    UploadedFile, unprintable,
};
use crate::sync::lock;
use crate::transport::{Form, FormFuture, OnBytesSent, Payload};

/// The bytes of a file that are read at a time.
#[cfg(not(target_arch = "wasm32"))]
const CHUNK: usize = 64 * 1024;

/// Called with the bytes sent so far and the size of the file.
type UploadProgress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Opens a session in place of one that the service has lost.
pub(crate) type OpenSession = Box<dyn FnOnce() -> BoxFuture<'static, Result<SessionId>> + Send>;

/// Called when an upload starts; returns how to open another session if nothing is lost with this
/// one.
pub(crate) type FindReplacement = Box<dyn FnOnce() -> Option<OpenSession> + Send + Sync>;

/// An upload that has not started yet; `.await` runs it and returns the files as the service stored
/// them. Created by [`NemoClient::upload_file`] and [`NemoClient::upload_bytes`].
#[must_use = "an upload is sent when it is awaited"]
pub struct Upload {
    client: NemoClient,
    session: SessionId,
    content: UploadContent,
    progress: Option<UploadProgress>,
    replacement: Option<FindReplacement>,
    is_unchecked: bool,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("session", &self.session).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
enum UploadContent {
    /// A file, under its own name or another.
    #[cfg(not(target_arch = "wasm32"))]
    File {
        path: PathBuf,
        name: Option<String>,
    },
    Bytes {
        name: String,
        bytes: Bytes,
    },
}

impl NemoClient {
    /// Uploads a file from disk: a video, an image, audio, or a script (TXT, DOCX).
    ///
    /// Its format and size are checked before anything is sent, unless it is uploaded
    /// [`without_checks`](Upload::without_checks). It is streamed, with its length
    /// known beforehand, and is never in memory as a whole. The
    /// [response timeout](super::Timeouts::with_response) runs only while no byte is sent, so a
    /// slow upload does not time out.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::{CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = backend.client();
    /// # let id = client.create_session(CreateSession::default()).await?.session_id;
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("script.txt");
    /// # std::fs::write(&path, "Good morning.")?;
    /// let upload = client.upload_file(&id, &path);
    /// let uploaded = upload.on_progress(|sent, size| println!("{sent} of {size} bytes")).await?;
    /// assert_eq!(uploaded[0].filename, "script.txt");
    ///
    /// let unsupported = client.upload_file(&id, "notes.xls").await;
    /// assert!(unsupported.is_err()); // reported before anything is sent
    /// assert_eq!(backend.counters().uploads_taken, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::UnsupportedFileType`] and [`Error::FileTooLarge`], from the checks before sending
    /// or from the service; [`Error::Io`] for a file that cannot be read or changes meanwhile;
    /// [`Error::OutcomeUnknown`] when the response was lost; the [connection
    /// errors](NemoClient#connection-errors).
    ///
    /// # Cancel safety
    /// Dropping the future stops the upload; the service may keep the file.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn upload_file(&self, session: &SessionId, path: impl AsRef<Path>) -> Upload {
        let path = path.as_ref().to_owned();
        self.upload(session, UploadContent::File { path, name: None })
    }

    /// Uploads bytes from memory under a file name, whose extension determines the format.
    ///
    /// # Errors
    /// As for [`upload_file`](Self::upload_file).
    pub fn upload_bytes(
        &self,
        session: &SessionId,
        name: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Upload {
        self.upload(session, UploadContent::Bytes { name: name.into(), bytes: bytes.into() })
    }

    fn upload(&self, session: &SessionId, content: UploadContent) -> Upload {
        let (client, session) = (self.clone(), session.clone());
        let (progress, replacement, is_unchecked) = (None, None, false);
        Upload { client, session, content, progress, replacement, is_unchecked }
    }

    /// Has the service download files from URLs.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an empty list; the error responses of the service; the
    /// [connection errors](NemoClient#connection-errors).
    ///
    /// # Cancel safety
    /// Dropping the future does not cancel the uploads; the service may download the files.
    pub fn upload_urls(
        &self,
        session: &SessionId,
        urls: impl IntoIterator<Item = impl Into<String>>,
    ) -> ApiRequest<Vec<UploadedFile>> {
        let (session, request) = (session.clone(), UploadUrls::new(urls));
        self.request(move |client| async move {
            if request.urls.is_empty() {
                return Err(Error::InvalidInput("no URL to upload from".to_owned()));
            }
            let (params, payload) = ([session.as_str()], json(&request)?);
            let uploaded = client.call::<UploadResponse>(Endpoint::Upload, &params, payload);
            Ok(uploaded.await?.files)
        })
    }
}

call_options!(Upload);

impl Upload {
    /// Calls `progress` with the number of bytes sent so far and the size of the file. The number
    /// includes the multipart framing, so it may exceed the size. In WebAssembly it is never called:
    /// `fetch` does not tell.
    pub fn on_progress(mut self, progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Sends the file whatever its format and size, and leaves it to the service to reject it.
    ///
    /// The client's own checks are those of the specification: the formats of
    /// [`FileFormat::ALL`] and [`Limits::upload`](super::Limits::upload) bytes. Some revisions of
    /// the service document more: 500 MB, PDF and SRT.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::mock::NemoMock;
    /// # let nemo = NemoMock::start().await;
    /// # nemo.upload([]);
    /// # let client = nemo.client();
    /// let subtitles = "1\n00:00:00,000 --> 00:00:02,000\nGood morning.\n";
    /// let upload = client.upload_bytes(&"session".into(), "words.srt", subtitles);
    /// upload.without_checks().await?;
    /// # Ok(()) }
    /// ```
    pub fn without_checks(mut self) -> Self {
        self.is_unchecked = true;
        self
    }

    /// Returns what the head of the response says, too: see [`ApiRequest::with_metadata`].
    pub fn with_metadata(self) -> ApiRequest<(Vec<UploadedFile>, ResponseMetadata)> {
        let client = self.client.clone();
        ApiRequest::new(client, move |client| Self { client, ..self }.run()).with_metadata()
    }

    /// Uploads under another name, whose extension determines the format.
    pub(crate) fn named(mut self, new: String) -> Self {
        match &mut self.content {
            #[cfg(not(target_arch = "wasm32"))]
            UploadContent::File { name, .. } => *name = Some(new),
            UploadContent::Bytes { name, .. } => *name = new,
        }
        self
    }

    /// Uploads into a new session when the service has lost this one, and so accepted nothing.
    pub(crate) fn or_in_new_session(mut self, replacement: FindReplacement) -> Self {
        self.replacement = Some(replacement);
        self
    }

    async fn run(mut self) -> Result<Vec<UploadedFile>> {
        self.client = self.client.begin()?;
        let open_session = self.replacement.take().and_then(|find| find());
        let result = self.send().await;
        match (result, open_session) {
            (Err(Error::SessionNotFound(_)), Some(open_session)) => {
                self.session = open_session().await?;
                self.send().await
            }
            (result, _) => result,
        }
    }

    async fn send(&self) -> Result<Vec<UploadedFile>> {
        let measured = self.content.measure().await?;
        let content_type = self.check(&measured)?;
        let failure = Arc::new(Mutex::new(None));
        let progress = self.progress.clone().map(|progress| -> OnBytesSent {
            let size = measured.length;
            Arc::new(move |sent| progress(sent, size))
        });
        let (content, body_failure) = (self.content.clone(), Arc::clone(&failure));
        let open = move || -> FormFuture {
            let (content, measured, failure) =
                (content.clone(), measured.clone(), Arc::clone(&body_failure));
            Box::pin(async move {
                let part = content.part(&measured, failure).await?;
                let part = part
                    .file_name(measured.name)
                    .mime_str(content_type)
                    .map_err(|error| Error::InvalidInput(error.to_string()))?;
                Ok(multipart::Form::new().part("files", part))
            })
        };
        let params = [self.session.as_str()];
        let payload = Payload::Form(Form { open: Box::new(open), failure, progress });
        let uploaded = self.client.call::<UploadResponse>(Endpoint::Upload, &params, payload);
        Ok(uploaded.await?.files)
    }

    /// Checks the name, the format and the size of the file before anything is sent, and returns
    /// its media type.
    fn check(&self, measured: &MeasuredFile) -> Result<&'static str> {
        let MeasuredFile { name, length, .. } = measured;
        // A line break would be sent as one within the header of the multipart field.
        if let Some(sign) = unprintable(name) {
            let what = format!("the name {name:?} holds {sign}");
            return Err(Error::InvalidInput(what));
        }
        if self.is_unchecked {
            return Ok(FileFormat::content_type_of(name));
        }
        let Some(format) = FileFormat::of(name) else {
            let what = format!("{name} is none of {}", FileFormat::accepted());
            return Err(Error::from_api(ApiError::local(ErrorCode::UnsupportedFileType, what)));
        };
        let limit = self.client.inner.limits.upload();
        if *length > limit {
            let what = format!("{name} has {length} bytes; the limit is {limit}");
            return Err(Error::from_api(ApiError::local(ErrorCode::FileTooLarge, what)));
        }
        Ok(format.content_type)
    }
}

impl IntoFuture for Upload {
    type Output = Result<Vec<UploadedFile>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The properties of a file when its upload started.
#[derive(Clone, Debug)]
struct MeasuredFile {
    name: String,
    length: u64,
    #[cfg(not(target_arch = "wasm32"))]
    modified: Option<SystemTime>,
}

impl UploadContent {
    async fn measure(&self) -> Result<MeasuredFile> {
        match self {
            Self::Bytes { name, bytes } => {
                let (name, length) = (name.clone(), bytes.len() as u64);
                #[cfg(not(target_arch = "wasm32"))]
                return Ok(MeasuredFile { name, length, modified: None });
                #[cfg(target_arch = "wasm32")]
                Ok(MeasuredFile { name, length })
            }
            #[cfg(not(target_arch = "wasm32"))]
            Self::File { path, name } => {
                let unreadable = |source| Error::io("read", path, source);
                let metadata = tokio::fs::metadata(path).await.map_err(unreadable)?;
                if !metadata.is_file() {
                    let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
                    return Err(unreadable(source));
                }
                let own_name =
                    || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Ok(MeasuredFile {
                    name: name.clone().unwrap_or_else(own_name),
                    length: metadata.len(),
                    modified: metadata.modified().ok(),
                })
            }
        }
    }

    /// Opens the content as a part of a form. An error of reading it is left in `failure`.
    #[cfg(not(target_arch = "wasm32"))]
    async fn part(
        &self,
        measured: &MeasuredFile,
        failure: Arc<Mutex<Option<Error>>>,
    ) -> Result<multipart::Part> {
        let path = match self {
            Self::Bytes { bytes, .. } => {
                return Ok(multipart::Part::stream_with_length(bytes.clone(), measured.length));
            }
            Self::File { path, .. } => path.clone(),
        };
        let file = File::open(&path).await.map_err(|source| Error::io("read", &path, source))?;
        let chunks = unchanged_chunks(file, measured.clone()).map(move |chunk| {
            chunk.map_err(|error| {
                let copy = io::Error::new(error.kind(), error.to_string());
                let error = Error::io("upload", &path, error);
                *lock(&failure) = Some(error);
                copy
            })
        });
        let body = reqwest::Body::wrap_stream(chunks);
        Ok(multipart::Part::stream_with_length(body, measured.length))
    }

    /// Returns the content as a part of a form.
    #[cfg(target_arch = "wasm32")]
    async fn part(
        &self,
        _: &MeasuredFile,
        _: Arc<Mutex<Option<Error>>>,
    ) -> Result<multipart::Part> {
        let Self::Bytes { bytes, .. } = self;
        Ok(multipart::Part::stream(bytes.clone()))
    }
}

/// Reads a file that must stay as it was measured. The last chunk is held back until that is
/// certain, so that the service never accepts a mixture of two versions.
#[cfg(not(target_arch = "wasm32"))]
fn unchanged_chunks(
    file: File,
    measured: MeasuredFile,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    async_stream::try_stream! {
        let handle = file.try_clone().await?;
        let mut chunks = ReaderStream::with_capacity(file, CHUNK);
        let mut held: Option<Bytes> = None;
        let mut read = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            read += chunk.len() as u64;
            if read > measured.length {
                Err(io::Error::other("it grew meanwhile"))?;
            }
            if let Some(previous) = held.replace(chunk) {
                yield previous;
            }
        }
        if read < measured.length {
            Err(io::Error::other("it shrank meanwhile"))?;
        }
        let modified = handle.metadata().await?.modified().ok();
        if measured.modified.is_some() && modified != measured.modified {
            Err(io::Error::other("it changed meanwhile"))?;
        }
        if let Some(last) = held {
            yield last;
        }
    }
}
