//! Files by an address that cannot be guessed, whole or in part.

use std::io::SeekFrom;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response as Builder, StatusCode, header};
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::local::answer::Refused;
use crate::local::library::StoredFile;
use crate::local::service::Shared;

/// Needs no token: `output.url` and `cdn_url` are for whoever has them.
pub(super) async fn serve(
    State(service): State<Shared>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let file = service.library.find(&id).filter(|file| file.name == name);
    send(&*file.ok_or_else(Refused::not_found)?, &headers).await
}

/// The file, or the one range of it that is asked for; several ranges give all of it, as HTTP
/// allows.
pub(super) async fn send(file: &StoredFile, asked: &HeaderMap) -> Result<Response, Refused> {
    // What lies under an id never changes.
    let etag = format!("\"{}\"", file.id);
    let told = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    let answer = Builder::builder()
        .header(header::ETAG, &etag)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_TYPE, HeaderValue::from_static(file.format.content_type));
    let done =
        |answer: axum::http::response::Builder, body| answer.body(body).map_err(Refused::internal);
    if told(header::IF_NONE_MATCH).is_some_and(|tags| tags.contains(&etag) || tags == "*") {
        return done(answer.status(StatusCode::NOT_MODIFIED), Body::empty());
    }
    let unchanged = told(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let range = told(header::RANGE).filter(|_| unchanged);
    let (first, length, answer) = match range.and_then(|range| Range::parse(range, file.size)) {
        None => (0, file.size, answer.status(StatusCode::OK)),
        Some(Range::Unsatisfiable) => {
            let answer = answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{}", file.size));
            return done(answer, Body::empty());
        }
        Some(Range::Part { first, last }) => {
            let range = format!("bytes {first}-{last}/{}", file.size);
            let answer = answer.status(StatusCode::PARTIAL_CONTENT);
            (first, last - first + 1, answer.header(header::CONTENT_RANGE, range))
        }
    };
    let mut content = tokio::fs::File::open(&file.path).await?;
    content.seek(SeekFrom::Start(first)).await?;
    let body = Body::from_stream(ReaderStream::with_capacity(content.take(length), 64 * 1024));
    done(answer.header(header::CONTENT_LENGTH, length), body)
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    Part { first: u64, last: u64 },
    Unsatisfiable,
}

impl Range {
    /// `None` for what is not one range of bytes: it is ignored, as HTTP has it.
    fn parse(header: &str, size: u64) -> Option<Self> {
        let (from, to) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
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
    use super::Range;

    #[test]
    fn a_range_is_read_as_http_has_it() {
        let part = |first, last| Some(Range::Part { first, last });
        for (header, size, range) in [
            ("bytes=0-9", 100, part(0, 9)),
            ("bytes=90-", 100, part(90, 99)),
            ("bytes=90-900", 100, part(90, 99)),
            ("bytes=-10", 100, part(90, 99)),
            ("bytes=-900", 100, part(0, 99)),
            ("bytes=100-", 100, Some(Range::Unsatisfiable)),
            ("bytes=-0", 100, Some(Range::Unsatisfiable)),
            ("bytes=0-", 0, Some(Range::Unsatisfiable)),
            ("bytes=9-0", 100, None),
            ("bytes=0-1,5-6", 100, None),
            ("lines=0-9", 100, None),
            ("bytes=x-9", 100, None),
        ] {
            assert_eq!(Range::parse(header, size), range, "{header}");
        }
    }
}
