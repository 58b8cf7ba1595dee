//! What a response means: the body of a success, or an error of the service.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::fetch::Response;
use crate::error::{Call, Error, Result, source};
use crate::protocol::{self, ErrorCode, ErrorResponse, RateLimit, ResponseMetadata};

/// The response whose body is left unread. Any other is read, since an error may come in its
/// place, under HTTP 200 too.
#[derive(Clone, Copy)]
pub(crate) enum Expect {
    /// An event stream, or a body that may hold events by its first bytes.
    Events,
    /// Any body but JSON, which no media file is.
    File,
}

impl Expect {
    pub(crate) fn is_met_by(self, response: &Response) -> bool {
        match self {
            Self::Events => {
                has_content_type(response, "text/event-stream") && !is_encoded(response)
            }
            Self::File => !has_content_type(response, "application/json"),
        }
    }
}

fn has_content_type(response: &Response, expected: &str) -> bool {
    let found = content_type(response);
    found.split(';').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(expected))
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or("no content type").chars().take(100).collect()
}

/// Returns whether the body is encoded, which was not requested and is not undone.
pub(crate) fn is_encoded(response: &Response) -> bool {
    content_encoding(response.headers()).is_some()
}

/// Returns the encoding of a body, which was not requested and is not decoded; `None` for one that
/// came as it is.
pub(crate) fn content_encoding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let encodings = values.flat_map(|value| value.to_str().unwrap_or("unreadable").split(','));
    let is_plain =
        |encoding: &str| encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
    let encoding = encodings.map(str::trim).find(|encoding| !is_plain(encoding))?;
    Some(encoding.chars().take(40).collect())
}

/// Describes the content of a response that is not the expected one.
pub(crate) fn describe_content(response: &Response) -> String {
    match content_encoding(response.headers()) {
        None => content_type(response),
        Some(encoding) => format!("{}, compressed ({encoding})", content_type(response)),
    }
}

/// Returns what the head of a response says.
pub(crate) fn metadata_of(response: &Response, now: SystemTime) -> ResponseMetadata {
    let headers = response.headers();
    ResponseMetadata {
        status: response.status().as_u16(),
        request_id: request_id(headers),
        retry_after: retry_after(headers, now),
        rate_limit: rate_limit(headers, now),
    }
}

/// Returns the rate limit under any of its usual header names.
fn rate_limit(headers: &HeaderMap, now: SystemTime) -> RateLimit {
    /// Seconds from here on are a Unix time, and no window of time.
    const UNIX_TIME: Duration = Duration::from_secs(1_000_000_000);
    let value = |names: [&str; 3]| {
        let text = names.iter().find_map(|name| headers.get(*name))?.to_str().ok()?;
        // `100, 100;w=60` in an early draft of the header, and `12s` at some services.
        text.split([',', ';']).next().map(|first| first.trim().trim_end_matches('s').to_owned())
    };
    let count = |names| value(names)?.parse().ok();
    let reset = value(["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"])
        .and_then(|seconds| Duration::try_from_secs_f64(seconds.parse().ok()?).ok());
    RateLimit {
        limit: count(["x-ratelimit-limit", "ratelimit-limit", "x-rate-limit-limit"]),
        remaining: count([
            "x-ratelimit-remaining",
            "ratelimit-remaining",
            "x-rate-limit-remaining",
        ]),
        reset_after: reset.map(|reset| match reset < UNIX_TIME {
            true => reset,
            false => {
                reset.saturating_sub(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
            }
        }),
    }
}

/// Returns the request id of a response, under either of its usual header names.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = ["x-request-id", "request-id"].iter().find_map(|name| headers.get(*name))?;
    let text = value.to_str().ok()?;
    Some(text.chars().take(64).collect())
}

/// Returns how long the service asks to wait: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Why a body could not be read whole.
#[derive(Debug)]
pub(crate) enum ReadError {
    TooLarge,
    Broken(reqwest::Error),
}

/// Reads a body of at most `limit` bytes, so that a service cannot fill the memory.
pub(crate) async fn read_limited(mut response: Response, limit: u64) -> Result<Bytes, ReadError> {
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(ReadError::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Broken)? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// An uninhabited target type: decoding into it always fails, so the body of a non-2xx response is
/// treated as an error message.
#[derive(Deserialize)]
enum Never {}

/// Returns the code and the message of an error response, `None` for a success.
///
/// A `code` in the body takes precedence over the status, since codes come under HTTP 200 too.
/// Without one the status determines the code.
pub(crate) fn error_in(status: StatusCode, body: &[u8]) -> Option<(ErrorCode, String)> {
    let reported = match status.is_success() {
        true => protocol::decode::<IgnoredAny>(body).map(Result::err),
        false => protocol::decode::<Never>(body).map(Result::err),
    };
    match reported.ok().flatten() {
        Some(ErrorResponse { code: Some(code), message }) => Some((ErrorCode::from(code), message)),
        Some(ErrorResponse { code: None, message }) => Some((code_of(status, &message), message)),
        None if status.is_success() => None,
        None => {
            let message = plain_text(body).unwrap_or_else(|| {
                status.canonical_reason().unwrap_or("no reason given").to_owned()
            });
            Some((code_of(status, &message), message))
        }
    }
}

/// Returns the code that corresponds to an HTTP status.
fn code_of(status: StatusCode, message: &str) -> ErrorCode {
    match status.as_u16() {
        401 => ErrorCode::TokenInvalid,
        402 => ErrorCode::ExportBlocked,
        413 => ErrorCode::FileTooLarge,
        429 => ErrorCode::RateLimited,
        // Any malformed request gets a 400; only the message shows that the client id is missing.
        400 if message.to_ascii_lowercase().contains("client-id") => ErrorCode::ClientIdMissing,
        // The agent server's own message for an unknown session, under whatever status a proxy
        // passes it on with.
        _ if message.starts_with("Session not found") => ErrorCode::SessionNotFound,
        number => ErrorCode::Other(i64::from(number)),
    }
}

/// Returns the first line of a body that is plain text, but not of an HTML page.
fn plain_text(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let line = text.lines().next()?.trim();
    (!line.is_empty() && !line.starts_with(['<', '{', '[']))
        .then(|| line.chars().take(200).collect())
}

/// Decodes the body of a response in which [`error_in`] found no error. The inner error is the code
/// and the message of an error response that only shows when `T` cannot be decoded.
pub(crate) fn decode<T: DeserializeOwned>(
    body: &[u8],
    call: Call,
) -> Result<Result<T, (ErrorCode, String)>> {
    match protocol::decode(body) {
        Ok(Ok(value)) => Ok(Ok(value)),
        Ok(Err(ErrorResponse { code, message })) => {
            Ok(Err((code.map_or(ErrorCode::Other(0), ErrorCode::from), message)))
        }
        Err(error) => Err(Error::Decode {
            path: error.path,
            source: source(error.source),
            call: Box::new(call),
        }),
    }
}

/// Returns the error for a body that cannot be decoded because it is encoded.
pub(crate) fn encoded(encoding: &str, call: Call) -> Error {
    let what = format!("the response came in the encoding {encoding:?}, which was not requested");
    Error::Decode { path: ".".to_owned(), source: source(what), call: Box::new(call) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::StatusCode;
    use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

    use super::{content_encoding, error_in, rate_limit, retry_after};

    #[test]
    fn a_code_in_the_body_takes_precedence_over_the_status() {
        let body = br#"{"code":2001,"message":"none left"}"#;
        for status in [StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::BAD_GATEWAY] {
            assert_eq!(error_in(status, body).unwrap().0.number(), 2001);
        }
        assert!(error_in(StatusCode::OK, br#"{"code":0,"data":{}}"#).is_none());
        assert!(error_in(StatusCode::OK, br#"{"available":1}"#).is_none());
    }

    #[test]
    fn a_status_alone_determines_the_code() {
        let cases: [(u16, &[u8], i64); 10] = [
            (401, b"", 1001),
            (402, b"<html>", 402),
            (404, br#"{"detail":"Session not found: s"}"#, 1002),
            (200, br#"{"detail":"Session not found: s"}"#, 1002),
            (400, br#"{"detail":"Session not found: s"}"#, 1002),
            (404, br#"{"detail":"Not Found"}"#, 404),
            (413, b"", 4002),
            (429, b"slow down", 429),
            (400, br#"{"detail":"X-Client-Id required"}"#, 400),
            (503, b"", 503),
        ];
        for (status, body, code) in cases {
            let error = error_in(StatusCode::from_u16(status).unwrap(), body).unwrap();
            assert_eq!(error.0.number(), code, "{status}");
            assert!(!error.1.is_empty() && !error.1.contains('<'));
        }
    }

    #[test]
    fn the_message_of_an_error_is_read_under_any_key() {
        for body in [
            r#"{"error":"too many renders"}"#,
            r#"{"message":"too many renders"}"#,
            r#"{"detail":"too many renders"}"#,
            "too many renders",
        ] {
            let (code, message) = error_in(StatusCode::CONFLICT, body.as_bytes()).unwrap();
            assert_eq!((code.number(), message.as_str()), (409, "too many renders"));
        }
    }

    #[test]
    fn an_encoding_is_found_in_every_spelling() {
        for (values, expected) in [
            (&[][..], None),
            (&["identity", " Identity ,"], None),
            (&["gzip"], Some("gzip")),
            (&["identity", "deflate, br"], Some("deflate")),
            (&["\u{e9}"], Some("unreadable")),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers
                    .append(CONTENT_ENCODING, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            assert_eq!(content_encoding(&headers).as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn a_rate_limit_is_read_under_its_usual_names() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (prefix, limit, remaining, reset, after) in [
            ("x-ratelimit-", "60", "59", "1700000030", Some(30.0)),
            ("ratelimit-", "60, 60;w=60", "59", "12", Some(12.0)),
            ("x-rate-limit-", "60", "59", "1.5s", Some(1.5)),
            ("X-RateLimit-", " 60 ", "59", "6m0s", None),
            ("x-ratelimit-", "60", "59", "1600000000", Some(0.0)),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("limit", limit), ("remaining", remaining), ("reset", reset)] {
                let name = HeaderName::try_from(format!("{prefix}{name}")).unwrap();
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
            let found = rate_limit(&headers, now);
            assert_eq!((found.limit, found.remaining), (Some(60), Some(59)), "{prefix}");
            assert_eq!(found.reset_after.map(|after| after.as_secs_f64()), after, "{reset}");
        }
        assert_eq!(rate_limit(&HeaderMap::new(), now), super::RateLimit::default());
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 09 Sep 2001 01:47:10 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 09 Sep 2001 01:46:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
