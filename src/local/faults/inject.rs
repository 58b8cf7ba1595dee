//! Carries out the fault that a call meets: around its handler, on its response, on its connection.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _, stream};
use serde_json::json;
use url::Url;

use super::connection::{Connection, ConnectionHandle, Mode};
use super::fault::{Cut, Ending, ErrorReply, Fault, FaultyResponse, RetryAfter, serves_files};
use super::plan::Release;
use crate::local::server::SharedService;
use crate::protocol::{Endpoint, Envelope};

/// A greeting of another protocol, followed by bytes that are not HTTP.
const NOT_HTTP: &[u8] = b"220 mail.example.com ESMTP ready\r\n\x00\xff\xfe not a line of HTTP\r\n";

/// Middleware around every endpoint: counts the call, and carries out the fault that is due.
pub(crate) async fn inject(
    State((service, endpoint)): State<(SharedService, Endpoint)>,
    Extension(Connection(connection)): Extension<Connection>,
    mut request: Request,
    next: Next,
) -> Response {
    service.count(|counters| counters.requests[endpoint as usize] += 1);
    if endpoint == Endpoint::State {
        service.plans.before_state_read().await;
    }
    let Some((fault, release)) = service.plans.take(endpoint) else {
        return next.run(request).await;
    };
    // The fault itself is not logged: a redirect may hold a URL with a secret in it.
    tracing::debug!(?endpoint, "a fault is injected into a call");
    let call = FaultyCall { release, endpoint, connection };
    match fault {
        Fault::StopReading { bytes, ending } => {
            discard(request, bytes).await;
            call.break_off(ending).await
        }
        Fault::ReplaceResponse(replacement) => {
            discard(request, u64::MAX).await;
            call.respond(replacement).await
        }
        Fault::DropResponse(replacement) => {
            let response = next.run(request).await;
            if !serves_files(endpoint) {
                collect(response.into_body()).await;
            }
            call.respond(replacement).await
        }
        Fault::Cut(cut, ending) => {
            let response = call.completed(next.run(request).await).await;
            call.cut(response, cut, ending)
        }
        Fault::LateWork { ending, .. } => {
            request.extensions_mut().insert(fault);
            request.extensions_mut().insert(call.release.clone());
            call.cut(next.run(request).await, Cut::Events(0), ending)
        }
        Fault::Trickle { pause } => {
            let mut response = call.completed(next.run(request).await).await;
            // No further call may use this connection.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            call.connection.set(Mode::Trickle(pause));
            response
        }
        Fault::WrongContentType => {
            let mut response = call.completed(next.run(request).await).await;
            let wrong = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, wrong);
            response
        }
        Fault::IgnoredRange => {
            request.headers_mut().remove(header::RANGE);
            next.run(request).await
        }
        // The handlers of renders and files take part in these.
        Fault::FailedRender
        | Fault::SlowRender { .. }
        | Fault::CorruptFile
        | Fault::ShortFile
        | Fault::ChangedFile => {
            request.extensions_mut().insert(fault);
            next.run(request).await
        }
    }
}

/// A call into which a fault is injected.
struct FaultyCall {
    release: Release,
    endpoint: Endpoint,
    connection: Arc<ConnectionHandle>,
}

impl FaultyCall {
    async fn respond(&self, response: FaultyResponse) -> Response {
        match response {
            FaultyResponse::Reset => self.break_off(Ending::Reset).await,
            FaultyResponse::Close => self.break_off(Ending::Close).await,
            FaultyResponse::Stall => self.break_off(Ending::Stall).await,
            FaultyResponse::NotHttp => {
                self.connection.set(Mode::Replace(NOT_HTTP));
                Response::default()
            }
            FaultyResponse::Error(reply) => error_response(reply),
            FaultyResponse::Redirect(to) => redirect(&to),
            FaultyResponse::Html => typed("text/html; charset=utf-8", Body::from(HTML)),
            FaultyResponse::BrokenJson => typed("application/json", Body::from(BROKEN_JSON)),
            FaultyResponse::EndlessJson => typed("application/json", endless(ENDLESS_JSON)),
            FaultyResponse::EndlessLine => event_stream(endless(b"data: ")),
            FaultyResponse::Heartbeats { every } => {
                let stream = heartbeats(every, self.release.wait());
                event_stream(Body::from_stream(stream.map(std::io::Result::Ok)))
            }
        }
    }

    /// Breaks a connection over which no response has begun. The returned response is never sent:
    /// the server finds the connection closed when it writes.
    async fn break_off(&self, ending: Ending) -> Response {
        match ending {
            Ending::Reset => self.connection.set(Mode::Reset),
            Ending::Close | Ending::End | Ending::Heartbeats { .. } => {
                self.connection.set(Mode::Closed)
            }
            Ending::Stall => {
                self.release.wait().await;
                self.connection.set(Mode::Reset);
            }
        }
        Response::default()
    }

    /// Waits for the end of the work behind a response. That of a message is still being written
    /// while the agent works; files involve no work, and are too large to hold.
    async fn completed(&self, response: Response) -> Response {
        if self.endpoint != Endpoint::Message {
            return response;
        }
        let (parts, body) = response.into_parts();
        let length = body.size_hint().exact();
        let chunks = stream::iter(collect(body).await.into_iter().map(std::io::Result::Ok));
        let mut response = Response::from_parts(parts, Body::from_stream(chunks));
        set_length(&mut response, length);
        response
    }

    fn cut(self, response: Response, cut: Cut, ending: Ending) -> Response {
        let (parts, body) = response.into_parts();
        let length = body.size_hint().exact();
        let release = self.release.wait();
        let connection = self.connection;
        let body = async_stream::stream! {
            {
                let mut chunks = pin!(cut_body(body, cut));
                while let Some(chunk) = chunks.next().await {
                    yield Ok(chunk);
                }
            }
            connection.flushed().await;
            match ending {
                Ending::End => return,
                Ending::Close => {}
                Ending::Reset => connection.set(Mode::Reset),
                Ending::Stall => {
                    release.await;
                    connection.set(Mode::Reset);
                }
                Ending::Heartbeats { every } => {
                    let mut stream = pin!(heartbeats(every, release));
                    while let Some(beat) = stream.next().await {
                        yield Ok(beat);
                    }
                    return;
                }
            }
            yield Err(std::io::Error::other("a fault ended the response"));
        };
        let mut response = Response::from_parts(parts, Body::from_stream(body));
        set_length(&mut response, length);
        response
    }
}

/// Restores the length, which a body loses when it is made into a stream.
fn set_length(response: &mut Response, length: Option<u64>) {
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
}

/// Reads and discards a request's body, up to a number of bytes.
async fn discard(request: Request, bytes: u64) {
    let mut body = request.into_body().into_data_stream();
    let mut read = 0;
    while read < bytes {
        let Some(Ok(chunk)) = body.next().await else { return };
        read += chunk.len() as u64;
    }
}

/// Collects the chunks of a body as its handler wrote them: each event is one chunk.
async fn collect(body: Body) -> Vec<Bytes> {
    body.into_data_stream().filter_map(|chunk| std::future::ready(chunk.ok())).collect().await
}

/// Returns the part of a body that arrives.
fn cut_body(body: Body, cut: Cut) -> impl Stream<Item = Bytes> {
    async_stream::stream! {
        let mut left = cut;
        let mut chunks = body.into_data_stream();
        while let Some(Ok(mut chunk)) = chunks.next().await {
            match &mut left {
                Cut::Bytes(0) | Cut::Events(0) => return,
                Cut::Bytes(bytes) => {
                    chunk.truncate(usize::try_from(*bytes).unwrap_or(usize::MAX));
                    *bytes -= chunk.len() as u64;
                }
                Cut::Events(events) => *events -= u32::from(chunk.starts_with(b"data:")),
                Cut::Character => {
                    if let Some(inside) = inside_character(&chunk) {
                        chunk.truncate(inside);
                        yield chunk;
                        return;
                    }
                }
            }
            yield chunk;
        }
        if left == Cut::Character {
            let mut event = Bytes::from_static("data: {\"type\":\"text\",\"content\":\"…\"}\n\n".as_bytes());
            if let Some(inside) = inside_character(&event) {
                event.truncate(inside);
            }
            yield event;
        }
    }
}

/// Returns the position after the first byte of the first multi-byte character.
fn inside_character(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| !byte.is_ascii()).map(|first| first + 1)
}

const HTML: &str = "<!DOCTYPE html><html><head><title>Welcome</title></head>\
    <body><h1>Sign in to the network</h1></body></html>";
const BROKEN_JSON: &str = r#"{"code":0,"message":"success","data":{"id":"br"#;
const ENDLESS_JSON: &[u8] = br#"{"code":0,"message":"success","data":{"padding":""#;
const HEARTBEAT: Bytes = Bytes::from_static(b"data: {\"type\":\"heartbeat\"}\n\n");
/// The chunk that an endless response repeats.
const FILLER: Bytes = Bytes::from_static(&[b'a'; 64 * 1024]);

fn error_response(reply: ErrorReply) -> Response {
    let body = match reply.code {
        Some(code) => Json(Envelope::error(code, code.meaning())).into_response(),
        None => {
            let reason = reply.status.canonical_reason().unwrap_or("no reason is known");
            Json(json!({ "detail": reason })).into_response()
        }
    };
    let mut response = (reply.status, body).into_response();
    if let Some(wait) = reply.retry_after {
        response.headers_mut().insert(
            header::RETRY_AFTER,
            match wait {
                RetryAfter::Seconds(seconds) => seconds.into(),
                RetryAfter::Date(when) => header_value(&httpdate::fmt_http_date(when)),
            },
        );
    }
    response
}

fn redirect(to: &Url) -> Response {
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    response.headers_mut().insert(header::LOCATION, header_value(to.as_str()));
    response
}

/// Dates and parsed URLs are ASCII, which is always a valid header value.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn event_stream(body: Body) -> Response {
    typed("text/event-stream; charset=utf-8", body)
}

/// Heartbeats until the release.
fn heartbeats(
    every: Duration,
    release: impl Future<Output = ()> + Send,
) -> impl Stream<Item = Bytes> + Send {
    // Heartbeats without a pause would starve everything else.
    let every = every.max(Duration::from_millis(1));
    let later = stream::repeat(HEARTBEAT).then(move |beat| async move {
        tokio::time::sleep(every).await;
        beat
    });
    let beats = stream::once(async { HEARTBEAT }).chain(later);
    beats.take_until(release)
}

fn endless(start: &'static [u8]) -> Body {
    let pieces =
        stream::once(async move { Bytes::from_static(start) }).chain(stream::repeat(FILLER));
    Body::from_stream(pieces.map(std::io::Result::Ok))
}

fn typed(content_type: &'static str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
}
