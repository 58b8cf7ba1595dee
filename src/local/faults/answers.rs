//! The answers that no call should get, as bytes.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _, stream};
use serde_json::json;
use url::Url;

use super::fault::{Refusal, RetryAfter};
use crate::protocol::Envelope;

const HEARTBEAT: Bytes = Bytes::from_static(b"data: {\"type\":\"heartbeat\"}\n\n");
/// What an endless answer is made of.
const FILLER: Bytes = Bytes::from_static(&[b'a'; 64 * 1024]);

pub(super) fn refusal(refusal: Refusal) -> Response {
    let body = match refusal.code {
        Some(code) => Json(Envelope::error(code, code.meaning())).into_response(),
        None => {
            let reason = refusal.status.canonical_reason().unwrap_or("no reason is known");
            Json(json!({ "detail": reason })).into_response()
        }
    };
    let mut answer = (refusal.status, body).into_response();
    if let Some(wait) = refusal.retry_after {
        answer.headers_mut().insert(
            header::RETRY_AFTER,
            match wait {
                RetryAfter::Seconds(seconds) => seconds.into(),
                RetryAfter::Date(when) => header_value(&httpdate::fmt_http_date(when)),
            },
        );
    }
    answer
}

pub(super) fn redirect(to: &Url) -> Response {
    let mut answer = StatusCode::TEMPORARY_REDIRECT.into_response();
    answer.headers_mut().insert(header::LOCATION, header_value(to.as_str()));
    answer
}

/// Dates and parsed addresses are plain ASCII, which always can be a header.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

pub(super) fn html() -> Response {
    let page = "<!DOCTYPE html><html><head><title>Welcome</title></head>\
                <body><h1>Sign in to the network</h1></body></html>";
    typed("text/html; charset=utf-8", Body::from(page))
}

pub(super) fn broken_json() -> Response {
    typed("application/json", Body::from(r#"{"code":0,"message":"success","data":{"id":"br"#))
}

pub(super) fn endless_json() -> Response {
    let start = Bytes::from_static(br#"{"code":0,"message":"success","data":{"padding":""#);
    typed("application/json", endless(start))
}

pub(super) fn endless_line() -> Response {
    event_stream(endless(Bytes::from_static(b"data: ")))
}

pub(super) fn event_stream(body: Body) -> Response {
    typed("text/event-stream; charset=utf-8", body)
}

/// Heartbeats until the word comes.
pub(super) fn heartbeats(
    every: Duration,
    release: impl Future<Output = ()> + Send,
) -> impl Stream<Item = Bytes> + Send {
    // Heartbeats without a pause would leave no time for anything else.
    let every = every.max(Duration::from_millis(1));
    let later = stream::repeat(HEARTBEAT).then(move |beat| async move {
        tokio::time::sleep(every).await;
        beat
    });
    let beats = stream::once(async { HEARTBEAT }).chain(later);
    beats.take_until(release)
}

fn endless(start: Bytes) -> Body {
    let pieces = stream::once(async { start }).chain(stream::repeat(FILLER));
    Body::from_stream(pieces.map(std::io::Result::Ok))
}

fn typed(content_type: &'static str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
}
