//! Files by an address that cannot be guessed, whole or in part.

use std::io::{self, SeekFrom};
use std::ops::RangeInclusive;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response as Builder, StatusCode, header,
};
use axum::response::Response;
use futures::{Stream, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::local::answer::{Named, Refused};
use crate::local::faults::{Fault, HandlerFault};
use crate::local::library::StoredFile;
use crate::local::service::Shared;

/// Needs no token: `output.url` and `cdn_url` are for whoever has them.
pub(super) async fn serve(
    State(service): State<Shared>,
    Named((id, name)): Named<(String, String)>,
    HandlerFault(fault): HandlerFault,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let file = service.library.find(&id).filter(|file| file.name == name);
    let file = file.ok_or_else(Refused::not_found)?;
    send(&service, &file, &method, &headers, fault.as_ref()).await
}

/// The file, or the one range of it that is asked for; several ranges give all of it, as HTTP
/// allows.
pub(super) async fn send(
    service: &Shared,
    file: &StoredFile,
    method: &Method,
    asked: &HeaderMap,
    fault: Option<&Fault>,
) -> Result<Response, Refused> {
    // What lies under an id never changes, but for a fault.
    let etag = match fault {
        Some(Fault::ChangedFile) => format!("\"{}-changed\"", file.id),
        _ => format!("\"{}\"", file.id),
    };
    let size = match fault {
        Some(Fault::ShortFile) => file.size / 2,
        _ => file.size,
    };
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
    // HTTP knows ranges of a GET alone.
    let range = told(header::RANGE).filter(|_| unchanged && method == Method::GET);
    let (first, length, answer) = match range.and_then(|range| Range::parse(range, size)) {
        None => (0, size, answer.status(StatusCode::OK)),
        Some(Range::Unsatisfiable) => {
            let answer = answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"));
            return done(answer, Body::empty());
        }
        Some(Range::Part { first, last }) => {
            let range = format!("bytes {first}-{last}/{size}");
            let answer = answer.status(StatusCode::PARTIAL_CONTENT);
            (first, last - first + 1, answer.header(header::CONTENT_RANGE, range))
        }
    };
    let mut content = tokio::fs::File::open(&file.path).await?;
    content.seek(SeekFrom::Start(first)).await?;
    let pieces = ReaderStream::with_capacity(content.take(length), 64 * 1024);
    let body = match fault {
        Some(Fault::CorruptFile) => corrupt(pieces, first, size / 2..=size / 2),
        Some(Fault::ChangedFile) => corrupt(pieces, first, 0..=u64::MAX),
        _ => Body::from_stream(pieces),
    };
    service.tally.files_served.raise();
    done(answer.header(header::CONTENT_LENGTH, length), body)
}

/// The bytes from a place in the file on, those of a stretch turned into others.
fn corrupt<S>(pieces: S, mut place: u64, stretch: RangeInclusive<u64>) -> Body
where
    S: Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    Body::from_stream(pieces.map_ok(move |piece| {
        let mut bytes = Vec::from(piece);
        for byte in &mut bytes {
            if stretch.contains(&place) {
                *byte = !*byte;
            }
            place += 1;
        }
        Bytes::from(bytes)
    }))
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    Part { first: u64, last: u64 },
    Unsatisfiable,
}

impl Range {
    /// `None` for what is not one range of bytes: it is ignored, as HTTP has it.
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
    use super::Range;

    #[test]
    fn a_range_is_read_as_http_has_it() {
        let part = |first, last| Some(Range::Part { first, last });
        for (header, size, range) in [
            ("bytes=0-9", 100, part(0, 9)),
            ("Bytes=0-9", 100, part(0, 9)),
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
