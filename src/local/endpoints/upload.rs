//! Uploads: files in the body, or fetched from URLs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use futures::{Stream, StreamExt as _};
use url::Url;

use crate::address::{PublicOnly, is_public};
use crate::local::library::{StagedFile, StoredFile};
use crate::local::response::{Caller, JsonBody, PathParams, Rejected, Success};
use crate::local::server::{Service, SharedService};
use crate::local::sessions::LocalSession;
use crate::protocol::{
    ErrorCode, FileFormat, MAX_UPLOAD_BYTES, SessionId, UploadResponse, UploadUrls,
    percent_decoded, unprintable,
};
use crate::tls;

/// The timeout of fetching one file.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);
/// The number of files of one call at most.
const MAX_FILES: usize = 100;
/// The bytes of one call at most: five files of the maximum size.
const MAX_CALL_BYTES: u64 = 5 * MAX_UPLOAD_BYTES;
/// The bytes of a form before, between and after the files at most: the heads of its parts, and parts
/// that are no files.
const MAX_OTHER_BYTES: u64 = 1 << 20;

pub(crate) async fn upload(
    State(service): State<SharedService>,
    Caller(account): Caller,
    PathParams(session): PathParams<SessionId>,
    request: Request,
) -> Result<Success<UploadResponse>, Rejected> {
    let session = service.sessions.find(&account.user, &session)?;
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_form = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"));
    let (files, mut urls) = if is_form {
        (from_form(&service, &session, request).await?, Vec::new())
    } else {
        let JsonBody(urls) = JsonBody::<UploadUrls>::from_request(request, &service).await?;
        (from_urls(&service, &session, &urls.urls).await?, urls.urls)
    };
    // All files are stored only now, when none was rejected, and whether the client waits or not.
    let jobs = service.jobs.clone();
    let stored = jobs.spawn_blocking(move || {
        let mut urls = urls.drain(..);
        let files: Vec<Arc<StoredFile>> = files
            .into_iter()
            .map(|file| {
                let mut file = file.take();
                file.source = urls.next();
                service.library.add(file)
            })
            .collect();
        session.add_uploads(&service.store, &files).inspect_err(|_| {
            files.iter().for_each(|file| service.library.remove(file));
        })?;
        service.count(|counters| counters.uploads_taken += files.len() as u64);
        let files = files.iter().map(|file| file.uploaded(&service.url)).collect();
        Ok(Success(UploadResponse { files, session_state_applied: true }))
    });
    stored.await.map_err(Rejected::internal)?
}

/// Receives all files of a form; none if one is rejected.
async fn from_form(
    service: &SharedService,
    session: &LocalSession,
    request: Request,
) -> Result<Vec<StagedFile>, Rejected> {
    let invalid = |error: MultipartError| {
        Rejected::invalid(&["body", "files"], error.body_text(), "value_error")
    };
    let meter = Arc::new(FormMeter::default());
    let body = |body: Body| Body::from_stream(metered(body, Arc::clone(&meter)));
    let mut form = Multipart::from_request(request.map(body), service)
        .await
        .map_err(|rejection| Rejected::invalid(&["body"], rejection.body_text(), "value_error"))?;
    let mut files = Vec::new();
    let received = async {
        while let Some(field) = form.next_field().await.map_err(invalid)? {
            if field.name() == Some("files") {
                check_count(files.len() + 1)?;
                let name = field.file_name().unwrap_or_default().to_owned();
                let chunks = field.map(|chunk| {
                    meter.in_file();
                    chunk.map_err(invalid)
                });
                files.push(store(service, session, &name, chunks).await?);
            }
        }
        Ok(())
    };
    let received: Result<(), Rejected> = received.await;
    if let Some(why) = meter.exceeded() {
        return Err(why);
    }
    received?;
    if files.is_empty() {
        return Err(Rejected::invalid(&["body", "files"], "Field required", "missing"));
    }
    Ok(files)
}

fn check_count(files: usize) -> Result<(), Rejected> {
    if files <= MAX_FILES {
        return Ok(());
    }
    let message = format!("one call uploads at most {MAX_FILES} files");
    Err(Rejected::invalid(&["body", "files"], message, "too_long"))
}

fn call_too_large() -> Rejected {
    let message = "the files of one call are larger than 1 GB together; upload them one by one";
    Rejected::Code(ErrorCode::FileTooLarge, message.to_owned())
}

/// What of a form has been read: the parser keeps in memory what it has not returned.
#[derive(Debug, Default)]
struct FormMeter {
    total: AtomicU64,
    /// The bytes since the last ones of a file.
    other: AtomicU64,
}

impl FormMeter {
    fn in_file(&self) {
        self.other.store(0, Ordering::Relaxed);
    }

    fn exceeded(&self) -> Option<Rejected> {
        if self.other.load(Ordering::Relaxed) > MAX_OTHER_BYTES {
            let message = "a part that is no file, or the head of one, is larger than 1 MiB";
            return Some(Rejected::detail(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        (self.total.load(Ordering::Relaxed) > MAX_CALL_BYTES).then(call_too_large)
    }
}

/// Returns the chunks of a form, up to its limits, and one at a time: the parser would take all
/// that have arrived into its memory.
fn metered(body: Body, meter: Arc<FormMeter>) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    async_stream::stream! {
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let size = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            meter.total.fetch_add(size, Ordering::Relaxed);
            meter.other.fetch_add(size, Ordering::Relaxed);
            if meter.exceeded().is_some() {
                yield Err(axum::Error::new("the form is too large"));
                return;
            }
            yield chunk;
            tokio::task::yield_now().await;
        }
    }
}

async fn from_urls(
    service: &SharedService,
    session: &LocalSession,
    urls: &[String],
) -> Result<Vec<StagedFile>, Rejected> {
    if urls.is_empty() {
        return Err(Rejected::invalid(&["body", "urls"], "Field required", "missing"));
    }
    check_count(urls.len())?;
    // A redirect would bypass the check of the host.
    let client = tls::with_system_certificates(reqwest::Client::builder(), &[] as &[&str])
        .map_err(Rejected::internal)?
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(PublicOnly::except(&service.settings.fetch_hosts))
        .timeout(FETCH_TIMEOUT)
        .build()
        .map_err(Rejected::internal)?;
    let mut files = Vec::new();
    for url in urls {
        let bad = |message: &str| {
            Rejected::invalid(&["body", "urls"], format!("{message}: {url}"), "value_error")
        };
        let parsed = Url::parse(url).map_err(|_| bad("this is not a URL"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad("only http and https URLs are fetched"));
        }
        if !may_fetch(service, &parsed) {
            return Err(Rejected::detail(
                StatusCode::FORBIDDEN,
                format!("{url} is inside of this machine or its network; allow its host by name"),
            ));
        }
        let name = parsed.path_segments().and_then(|mut segments| segments.next_back());
        let name = percent_decoded(name.unwrap_or_default());
        // Checked before anything is fetched.
        accepted_format(&name)?;
        let response =
            client.get(parsed).send().await.map_err(|_| bad("the file could not be fetched"))?;
        if !response.status().is_success() {
            return Err(bad(&format!("the file could not be fetched, HTTP {}", response.status())));
        }
        if response.content_length().is_some_and(|length| length > MAX_UPLOAD_BYTES) {
            return Err(too_large(&name));
        }
        let chunks = response.bytes_stream();
        let chunks = chunks.map(|chunk| chunk.map_err(|_| bad("the file is incomplete")));
        files.push(store(service, session, &name, chunks).await?);
        if files.iter().map(StagedFile::size).sum::<u64>() > MAX_CALL_BYTES {
            return Err(call_too_large());
        }
    }
    Ok(files)
}

/// Returns whether a file may be fetched: from this backend, from a host that is allowed by name, or
/// from the public internet. Otherwise a client could read from other services of this machine.
fn may_fetch(service: &Service, url: &Url) -> bool {
    let is_own = url.as_str().strip_prefix(&service.url).is_some_and(|path| path.starts_with('/'));
    let is_allowed = url.host_str().is_some_and(|host| service.settings.fetch_hosts.contains(host));
    is_own || is_allowed || url.host().is_some_and(|host| is_public(&host))
}

fn accepted_format(name: &str) -> Result<FileFormat, Rejected> {
    if let Some(what) = unprintable(name) {
        let message = format!("the file name {name:?} holds {what}");
        return Err(Rejected::invalid(&["body", "files"], message, "value_error"));
    }
    FileFormat::of(name).ok_or_else(|| {
        let message = format!(
            "`{name}` is of a type that is not supported; supported are {}",
            FileFormat::accepted()
        );
        Rejected::Code(ErrorCode::UnsupportedFileType, message)
    })
}

fn too_large(name: &str) -> Rejected {
    let message = format!("`{name}` is larger than 200 MB; compress or trim it");
    Rejected::Code(ErrorCode::FileTooLarge, message)
}

/// Writes a file to disk as it arrives, and reads what it says about itself. Audio and images that
/// cannot be used are rejected.
async fn store(
    service: &SharedService,
    session: &LocalSession,
    name: &str,
    chunks: impl Stream<Item = Result<Bytes, Rejected>>,
) -> Result<StagedFile, Rejected> {
    // Some browsers send a path.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let format = accepted_format(name)?;
    let stored = |error| Rejected::from(service.library.error(error));
    let mut incoming = service.library.receive(format).map_err(stored)?;
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        if incoming.size() + chunk.len() as u64 > MAX_UPLOAD_BYTES {
            return Err(too_large(name));
        }
        incoming.write(&chunk).await.map_err(stored)?;
    }
    let finished = incoming.finish(session.id.clone(), name.to_owned()).await;
    let mut file = finished.map_err(stored)?;
    let _worker = service.upload_workers.worker(&session.user).await;
    let (engine, cancel) = (Arc::clone(&service.engine), service.stopping.child_token());
    // The client may disconnect.
    let _disconnected = cancel.clone().drop_guard();
    let probed = service.jobs.spawn_blocking(move || file.probe(&*engine, &cancel).map(|()| file));
    let probed = probed.await.map_err(Rejected::internal)?;
    probed.map_err(|error| Rejected::Code(ErrorCode::UnsupportedFileType, error.message))
}
