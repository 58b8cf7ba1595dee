//! Uploads: from disk without holding the file in memory, from memory, and by address.

use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt as _};
use reqwest::{Body, multipart};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::{NemoClient, json};
use crate::error::{ApiError, Error, Result};
use crate::protocol::{Endpoint, ErrorCode, FileFormat, SessionId, UploadResponse, UploadUrls};
use crate::transport::{Form, OnProgress, Payload};

/// How much of a file is read at a time.
const CHUNK: usize = 64 * 1024;

/// An upload that is ready to go; `.await` sends it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use nemovideo::protocol::FileType;
///
/// let upload = client.upload_bytes(id, "script.txt", "Good morning.");
/// assert_eq!(backend.counters().uploads_taken, 0); // nothing is sent yet
/// let answer = upload.on_progress(|sent, size| println!("{sent} of {size} bytes")).await?;
/// assert_eq!(answer.files[0].file_type, Some(FileType::Document));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use = "an upload is sent when it is awaited"]
pub struct Upload {
    client: NemoClient,
    session: SessionId,
    content: Content,
    progress: Option<OnProgress>,
    elsewhere: Option<Elsewhere>,
}

/// Gives another session in place of one that the service has lost.
pub(crate) type Elsewhere =
    Box<dyn FnOnce() -> BoxFuture<'static, Result<SessionId>> + Send + Sync>;

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("session", &self.session).finish_non_exhaustive()
    }
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
    /// known beforehand; it is never in memory as a whole. The [answer
    /// clock](super::Timeouts::answer) runs only while nothing moves, so a slow upload is not a
    /// stalled one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// use nemovideo::Error;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("script.txt");
    /// std::fs::write(&path, "Good morning.")?;
    /// let answer = client
    ///     .upload_file(id, &path)
    ///     .on_progress(|sent, size| println!("{sent} of {size} bytes"))
    ///     .await?;
    /// assert_eq!(answer.files[0].filename, "script.txt");
    ///
    /// let refused = client.upload_file(id, "notes.xls").await;
    /// assert!(refused.is_err()); // before anything was sent
    /// assert_eq!(backend.counters().uploads_taken, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
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
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// let answer = client.upload_bytes(id, "script.txt", "Good morning.").await?;
    /// assert_eq!(answer.files.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
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
        let (client, session) = (self.clone(), session.clone());
        Upload { client, session, content, progress: None, elsewhere: None }
    }

    /// Names files for the service to fetch itself.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::SessionId;
    /// use nemovideo::mock::{MockResponse, MockNemo};
    /// use nemovideo::protocol::UploadedFile;
    ///
    /// let nemo = MockNemo::start().await;
    /// let file: UploadedFile = serde_json::from_str(r#"{"filename":"city.mp4"}"#)?;
    /// nemo.given(MockResponse::upload([file])).await;
    /// let session = SessionId::from("session");
    /// let answer = nemo.client().upload_urls(&session, ["https://example.com/city.mp4"]).await?;
    /// assert_eq!(answer.files[0].filename, "city.mp4");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an empty list; the service's refusals; the connection errors.
    ///
    /// # Cancel safety
    /// Dropping the future does not call the uploads off; the service may fetch the files.
    pub async fn upload_urls(
        &self,
        session: &SessionId,
        urls: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<UploadResponse> {
        let request = UploadUrls::new(urls);
        if request.urls.is_empty() {
            return Err(Error::InvalidInput("no address to upload from".to_owned()));
        }
        let params = [session.as_str()];
        self.call(Endpoint::Upload, &params, json(&request)?).await
    }
}

impl IntoFuture for Upload {
    type Output = Result<UploadResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Upload {
    /// Calls back with the bytes handed to the connection so far, those around the file included,
    /// and the size of the file.
    pub fn on_progress(mut self, progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        let size = self.content.size_now();
        self.progress = Some(Arc::new(move |sent| progress(sent, size)));
        self
    }

    /// Sends it to another session where the service has lost this one, and so took nothing.
    pub(crate) fn or_elsewhere(mut self, elsewhere: Elsewhere) -> Self {
        self.elsewhere = Some(elsewhere);
        self
    }

    async fn send(self) -> Result<UploadResponse> {
        let Self { client, session, content, progress, elsewhere } = self;
        let sent = send(&client, &session, content.clone(), progress.clone()).await;
        match (sent, elsewhere) {
            (Err(Error::SessionNotFound(_)), Some(elsewhere)) => {
                let session = elsewhere().await?;
                send(&client, &session, content, progress).await
            }
            (sent, _) => sent,
        }
    }
}

async fn send(
    client: &NemoClient,
    session: &SessionId,
    content: Content,
    progress: Option<OnProgress>,
) -> Result<UploadResponse> {
    let measured = content.measure().await?;
    if measured.name.contains(char::is_control) {
        // A line end would be sent as one within the head of the part.
        let what = format!("the name {:?} holds control characters", measured.name);
        return Err(Error::InvalidInput(what));
    }
    let format = accepted(&measured.name)?;
    let limit = client.inner.limits.upload;
    if measured.length > limit {
        let Measured { name, length, .. } = &measured;
        return Err(Error::from_api(ApiError::local(
            ErrorCode::FileTooLarge,
            format!("{name} has {length} bytes; the limit is {limit}"),
        )));
    }
    let failure = Arc::new(Mutex::new(None));
    let left_word = Arc::clone(&failure);
    let open = move || -> crate::transport::FormFuture {
        let (content, measured, failure) =
            (content.clone(), measured.clone(), Arc::clone(&left_word));
        Box::pin(async move {
            let body = content.body(&measured, failure).await?;
            let part = multipart::Part::stream_with_length(body, measured.length)
                .file_name(measured.name)
                .mime_str(format.content_type)
                .map_err(|error| Error::InvalidInput(error.to_string()))?;
            Ok(multipart::Form::new().part("files", part))
        })
    };
    let params = [session.as_str()];
    let payload = Payload::Form(Form { open: Box::new(open), failure, progress });
    client.call(Endpoint::Upload, &params, payload).await
}

/// A file as it was when the upload began.
#[derive(Clone, Debug)]
struct Measured {
    name: String,
    length: u64,
    modified: Option<SystemTime>,
}

impl Content {
    async fn measure(&self) -> Result<Measured> {
        match self {
            Self::Bytes { name, bytes } => {
                Ok(Measured { name: name.clone(), length: bytes.len() as u64, modified: None })
            }
            Self::File(path) => {
                let unreadable = |source| Error::io("read", path, source);
                let meta = tokio::fs::metadata(path).await.map_err(unreadable)?;
                if !meta.is_file() {
                    let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
                    return Err(unreadable(source));
                }
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                Ok(Measured {
                    name: name.unwrap_or_default(),
                    length: meta.len(),
                    modified: meta.modified().ok(),
                })
            }
        }
    }

    /// The size, for those who watch; a file that cannot be read fails when it is sent.
    fn size_now(&self) -> u64 {
        match self {
            Self::Bytes { bytes, .. } => bytes.len() as u64,
            Self::File(path) => std::fs::metadata(path).map_or(0, |meta| meta.len()),
        }
    }

    async fn body(&self, measured: &Measured, failure: Arc<Mutex<Option<Error>>>) -> Result<Body> {
        let path = match self {
            Self::Bytes { bytes, .. } => return Ok(Body::from(bytes.clone())),
            Self::File(path) => path.clone(),
        };
        let file = File::open(&path).await.map_err(|source| Error::io("read", &path, source))?;
        let chunks = unchanged(file, measured.clone()).map(move |chunk| {
            chunk.map_err(|error| {
                let words = io::Error::new(error.kind(), error.to_string());
                let word = Error::io("upload", &path, error);
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
                words
            })
        });
        Ok(Body::wrap_stream(chunks))
    }
}

/// The bytes of a file that stays as it was measured. The last piece is held back until that is
/// sure, so that the service never takes a mixture of two files for one.
fn unchanged(
    file: File,
    measured: Measured,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    async_stream::try_stream! {
        let again = file.try_clone().await?;
        let mut chunks = ReaderStream::with_capacity(file, CHUNK);
        let mut held: Option<Bytes> = None;
        let mut read = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            read += chunk.len() as u64;
            if read > measured.length {
                Err(io::Error::other("it grew meanwhile"))?;
            }
            if let Some(ready) = held.replace(chunk) {
                yield ready;
            }
        }
        if read < measured.length {
            Err(io::Error::other("it shrank meanwhile"))?;
        }
        let modified = again.metadata().await?.modified().ok();
        if measured.modified.is_some() && modified != measured.modified {
            Err(io::Error::other("it changed meanwhile"))?;
        }
        if let Some(last) = held {
            yield last;
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
