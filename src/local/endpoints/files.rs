//! Renders and files: a render is submitted, polled, cancelled and downloaded; any file is served at
//! a URL that cannot be guessed, whole or in part.

use std::io::{self, SeekFrom};
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, response};
use axum::response::Response;
use futures::{Stream, TryStreamExt as _};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::local::accounts::LocalAccount;
use crate::local::faults::{Fault, HandlerFault};
use crate::local::library::StoredFile;
use crate::local::renders::{self, Render};
use crate::local::response::{Caller, JsonBody, PathParams, Rejected, RequireAttribution};
use crate::local::server::SharedService;
use crate::protocol::{RenderId, RenderJob, RenderState, is_id};

/// The only response with its fields beside the code, not in `data`.
#[derive(Debug, Serialize)]
pub(crate) struct RenderResponse {
    code: i64,
    message: &'static str,
    #[serde(flatten)]
    state: RenderState,
}

impl RenderResponse {
    fn new(state: RenderState) -> Json<Self> {
        Json(Self { code: 0, message: "success", state })
    }
}

pub(crate) async fn submit_render(
    State(service): State<SharedService>,
    Caller(account): Caller,
    _: RequireAttribution,
    HandlerFault(fault): HandlerFault,
    JsonBody(job): JsonBody<RenderJob>,
) -> Result<Json<RenderResponse>, Rejected> {
    let session = service.sessions.find(&account.user, &job.session_id)?;
    if !is_id(job.id.as_str()) {
        // It could never be polled.
        let message = "String should have characters that can be shown";
        return Err(Rejected::invalid(&["body", "id"], message, "value_error"));
    }
    renders::check_output(&job.output).map_err(|(field, message)| {
        Rejected::invalid(&["body", "output", field], message, "value_error")
    })?;
    if !job.draft.is_ready_to_export() {
        let message = "the draft is not ready to export: no track of it has a segment";
        return Err(Rejected::invalid(&["body", "draft", "t"], message, "value_error"));
    }
    let render = renders::submit(&service, &session, job, fault.as_ref())?;
    Ok(RenderResponse::new(render.state()))
}

pub(crate) async fn render_status(
    State(service): State<SharedService>,
    Caller(account): Caller,
    PathParams(id): PathParams<RenderId>,
) -> Result<Json<RenderResponse>, Rejected> {
    Ok(RenderResponse::new(find_render(&service, &account, &id)?.poll()))
}

pub(crate) async fn cancel_render(
    State(service): State<SharedService>,
    Caller(account): Caller,
    PathParams(id): PathParams<RenderId>,
) -> Result<Json<RenderResponse>, Rejected> {
    Ok(RenderResponse::new(find_render(&service, &account, &id)?.cancel()?))
}

pub(crate) async fn download_render(
    State(service): State<SharedService>,
    Caller(account): Caller,
    PathParams(id): PathParams<RenderId>,
    HandlerFault(fault): HandlerFault,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Rejected> {
    let file = find_render(&service, &account, &id)?.file().ok_or_else(|| {
        Rejected::detail(StatusCode::CONFLICT, format!("Render has no file: {id}"))
    })?;
    send(&service, &file, &method, &headers, fault.as_ref()).await
}

fn find_render(
    service: &SharedService,
    account: &LocalAccount,
    id: &RenderId,
) -> Result<Arc<Render>, Rejected> {
    let render = service.renders.find(&account.user, id);
    let unknown = || Rejected::detail(StatusCode::NOT_FOUND, format!("Render not found: {id}"));
    render.ok_or_else(unknown)
}

/// Serves a file at its own URL, which needs no token.
pub(crate) async fn download(
    State(service): State<SharedService>,
    PathParams((id, name)): PathParams<(String, String)>,
    HandlerFault(fault): HandlerFault,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Rejected> {
    let file = service.library.find(&id).filter(|file| file.name == name);
    let file = file.ok_or_else(Rejected::not_found)?;
    send(&service, &file, &method, &headers, fault.as_ref()).await
}

/// Sends a file and counts that.
async fn send(
    service: &SharedService,
    file: &StoredFile,
    method: &Method,
    headers: &HeaderMap,
    fault: Option<&Fault>,
) -> Result<Response, Rejected> {
    let response = send_file(file, method, headers, fault).await?;
    let is_sent = response.status().is_success();
    service.count(|counters| counters.files_served += u64::from(is_sent));
    Ok(response)
}

/// Sends a file, or the range that is requested. A request for several ranges gets the whole file,
/// as HTTP allows.
pub(crate) async fn send_file(
    file: &StoredFile,
    method: &Method,
    headers: &HeaderMap,
    fault: Option<&Fault>,
) -> Result<Response, Rejected> {
    // The content of an id never changes, except by a fault.
    let etag = match fault {
        Some(Fault::ChangedFile) => format!("\"{}-changed\"", file.id),
        _ => format!("\"{}\"", file.id),
    };
    let size = match fault {
        Some(Fault::ShortFile) => file.size / 2,
        _ => file.size,
    };
    let requested = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let response = Response::builder()
        .header(header::ETAG, &etag)
        .header(header::ACCEPT_RANGES, "bytes")
        // A browser takes no upload for a script of the page that shows the backend.
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_TYPE, HeaderValue::from_static(file.format.content_type));
    let finish =
        |response: response::Builder, body| response.body(body).map_err(Rejected::internal);
    if requested(header::IF_NONE_MATCH).is_some_and(|tags| tags.contains(&etag) || tags == "*") {
        return finish(response.status(StatusCode::NOT_MODIFIED), Body::empty());
    }
    let unchanged = requested(header::IF_RANGE).is_none_or(|tag| tag == etag);
    // HTTP defines ranges for GET only.
    let range = requested(header::RANGE).filter(|_| unchanged && method == Method::GET);
    let (first, length, response) = match range.and_then(|range| ByteRange::parse(range, size)) {
        None => (0, size, response.status(StatusCode::OK)),
        Some(ByteRange::Unsatisfiable) => {
            let response = response
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"));
            return finish(response, Body::empty());
        }
        Some(ByteRange::Part { first, last }) => {
            let range = format!("bytes {first}-{last}/{size}");
            let response = response.status(StatusCode::PARTIAL_CONTENT);
            (first, last - first + 1, response.header(header::CONTENT_RANGE, range))
        }
    };
    let mut content = tokio::fs::File::open(&file.path).await?;
    content.seek(SeekFrom::Start(first)).await?;
    let chunks = ReaderStream::with_capacity(content.take(length), 64 * 1024);
    let body = match fault {
        Some(Fault::CorruptFile) => corrupt(chunks, first, size / 2..=size / 2),
        Some(Fault::ChangedFile) => corrupt(chunks, first, 0..=u64::MAX),
        _ => Body::from_stream(chunks),
    };
    finish(response.header(header::CONTENT_LENGTH, length), body)
}

/// Inverts the bytes at `corrupted` positions of a file whose chunks begin at `position`.
fn corrupt<S>(chunks: S, mut position: u64, corrupted: RangeInclusive<u64>) -> Body
where
    S: Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    Body::from_stream(chunks.map_ok(move |chunk| {
        let mut bytes = Vec::from(chunk);
        for byte in &mut bytes {
            if corrupted.contains(&position) {
                *byte = !*byte;
            }
            position += 1;
        }
        Bytes::from(bytes)
    }))
}

#[derive(Debug, PartialEq, Eq)]
enum ByteRange {
    Part { first: u64, last: u64 },
    Unsatisfiable,
}

impl ByteRange {
    /// Parses a `Range` header; `None` if it is not a single range of bytes, which HTTP ignores.
    fn parse(header: &str, size: u64) -> Option<Self> {
        let is_bytes = |(unit, _): &(&str, &str)| unit.eq_ignore_ascii_case("bytes");
        let (from, to) = header.trim().split_once('=').filter(is_bytes)?.1.split_once('-')?;
        let (from, to) = (from.trim(), to.trim());
        let end = size.checked_sub(1);
        let (first, last) = if from.is_empty() {
            let count: u64 = to.parse().ok()?;
            if count == 0 {
                return Some(Self::Unsatisfiable);
            }
            (size.saturating_sub(count), end)
        } else {
            let first: u64 = from.parse().ok()?;
            let last = match to {
                "" => end,
                to => {
                    let last: u64 = to.parse().ok()?;
                    if last < first {
                        return None;
                    }
                    end.map(|end| last.min(end))
                }
            };
            (first, last)
        };
        Some(match last {
            Some(last) if first <= last => Self::Part { first, last },
            _ => Self::Unsatisfiable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ByteRange;

    #[test]
    fn a_range_is_parsed_as_http_defines_it() {
        let part = |first, last| Some(ByteRange::Part { first, last });
        for (header, size, range) in [
            ("bytes=0-9", 100, part(0, 9)),
            ("Bytes=0-9", 100, part(0, 9)),
            ("bytes=90-", 100, part(90, 99)),
            ("bytes=90-900", 100, part(90, 99)),
            ("bytes=-10", 100, part(90, 99)),
            ("bytes=-900", 100, part(0, 99)),
            ("bytes=100-", 100, Some(ByteRange::Unsatisfiable)),
            ("bytes=-0", 100, Some(ByteRange::Unsatisfiable)),
            ("bytes=0-", 0, Some(ByteRange::Unsatisfiable)),
            ("bytes=9-0", 100, None),
            ("bytes=0-1,5-6", 100, None),
            ("lines=0-9", 100, None),
            ("bytes=x-9", 100, None),
        ] {
            assert_eq!(ByteRange::parse(header, size), range, "{header}");
        }
    }
}
