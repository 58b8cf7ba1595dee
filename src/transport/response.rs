//! What an HTTP answer means: the bytes of a success, or which refusal.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::protocol::{self, ErrorCode, ErrorResponse};

/// A refusal told from the status and the body together.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

/// What is asked of an answer under a status of refusal: none is one, so that whatever it says is
/// its refusal's words.
#[derive(Deserialize)]
enum Never {}

/// The refusal in an answer, if it is one.
///
/// A `code` in the body wins over the status, since codes come under HTTP 200 too; without one
/// the status stands for the code.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Option<Refused> {
    let said = match status.is_success() {
        true => protocol::decode::<IgnoredAny>(body).map(Result::err),
        false => protocol::decode::<Never>(body).map(Result::err),
    };
    let said = said.ok().flatten();
    match said {
        Some(ErrorResponse { code: Some(code), message }) => {
            Some(Refused { code: ErrorCode::from(code), message })
        }
        Some(ErrorResponse { code: None, message }) => {
            Some(Refused { code: code_of(status, &message), message })
        }
        None if status.is_success() => None,
        None => {
            let message = plain_words(body).unwrap_or_else(|| {
                status.canonical_reason().unwrap_or("no reason given").to_owned()
            });
            Some(Refused { code: code_of(status, &message), message })
        }
    }
}

/// The code that an HTTP status stands for.
fn code_of(status: StatusCode, message: &str) -> ErrorCode {
    match status.as_u16() {
        401 => ErrorCode::TokenInvalid,
        402 => ErrorCode::ExportBlocked,
        // The agent server's own words for an unknown session.
        404 if message.starts_with("Session not found") => ErrorCode::SessionNotFound,
        413 => ErrorCode::FileTooLarge,
        429 => ErrorCode::RateLimited,
        // A 400 means the client id only where the service says so; any malformed request is one.
        400 if message.to_ascii_lowercase().contains("client-id") => ErrorCode::ClientIdMissing,
        number => ErrorCode::Other(i64::from(number)),
    }
}

/// The first line of a body that is short plain text; pages of HTML are not for people.
fn plain_words(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let line = text.lines().next()?.trim();
    (!line.is_empty() && !line.starts_with(['<', '{', '[']))
        .then(|| line.chars().take(200).collect())
}

/// How long the service asks to wait: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::{refusal, retry_after};

    #[test]
    fn a_code_under_200_is_a_refusal_and_wins_over_the_status() {
        let body = br#"{"code":2001,"message":"none left"}"#;
        for status in [StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::BAD_GATEWAY] {
            assert_eq!(refusal(status, body).unwrap().code.number(), 2001);
        }
        assert!(refusal(StatusCode::OK, br#"{"code":0,"data":{}}"#).is_none());
        assert!(refusal(StatusCode::OK, br#"{"available":1}"#).is_none());
    }

    #[test]
    fn a_status_alone_stands_for_its_code() {
        let cases: [(u16, &[u8], i64); 8] = [
            (401, b"", 1001),
            (402, b"<html>", 402),
            (404, br#"{"detail":"Session not found: s"}"#, 1002),
            (404, br#"{"detail":"Not Found"}"#, 404),
            (413, b"", 4002),
            (429, b"slow down", 429),
            (400, br#"{"detail":"X-Client-Id required"}"#, 400),
            (503, b"", 503),
        ];
        for (status, body, code) in cases {
            let refused = refusal(StatusCode::from_u16(status).unwrap(), body).unwrap();
            assert_eq!(refused.code.number(), code, "{status}");
            assert!(!refused.message.is_empty());
            assert!(!refused.message.contains('<'));
        }
    }

    #[test]
    fn the_words_of_a_refusal_are_kept_whatever_key_they_are_under() {
        for body in [
            r#"{"error":"too many renders"}"#,
            r#"{"message":"too many renders"}"#,
            r#"{"detail":"too many renders"}"#,
            "too many renders",
        ] {
            let refused = refusal(StatusCode::CONFLICT, body.as_bytes()).unwrap();
            assert_eq!(
                (refused.code.number(), refused.message.as_str()),
                (409, "too many renders")
            );
        }
    }

    #[test]
    fn a_wait_is_read_as_seconds_and_as_a_date() {
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
