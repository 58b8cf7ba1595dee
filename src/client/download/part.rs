//! What the head of a response says about the file in its body, and whether it continues the part
//! of the file that is already here.

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
    TRANSFER_ENCODING,
};

use super::container::Container;
use crate::transport::content_encoding;

/// The number of first bytes that are kept to recognize a page in place of a file.
const START_BYTES: usize = 512;

/// The part of a file that a response holds, as its head declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FilePart {
    /// The offset of its first byte.
    pub(super) first: u64,
    /// The offset after its last byte, if declared.
    pub(super) end: Option<u64>,
    /// The size of the whole file, if declared.
    pub(super) total: Option<u64>,
    pub(super) version: FileVersion,
}

/// What identifies one version of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileVersion {
    tag: Option<String>,
    modified: Option<String>,
}

/// Why a response with a status of success cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnusableResponse {
    /// It holds no file, or not as it is. Another request would get the same.
    NoFile(String),
    /// It does not clearly say which part of the file it holds.
    UnclearPart(&'static str),
}

impl FilePart {
    /// Reads the head of a response. `length` is the declared length of its body.
    pub(super) fn declared_by(
        status: StatusCode,
        headers: &HeaderMap,
        length: Option<u64>,
    ) -> Result<Self, UnusableResponse> {
        use UnusableResponse::{NoFile, UnclearPart};
        if let Some(encoding) = content_encoding(headers).or_else(|| transfer_encoding(headers)) {
            return Err(NoFile(format!(
                "the file came in the encoding {encoding:?}, not as it is"
            )));
        }
        if let Some(content_type) = text_type(headers) {
            return Err(NoFile(format!("{content_type} came in place of a file")));
        }
        let version =
            FileVersion { tag: text(headers, ETAG), modified: text(headers, LAST_MODIFIED) };
        let mut ranges = headers.get_all(CONTENT_RANGE).iter();
        let range = match (ranges.next(), ranges.next()) {
            (None, _) => None,
            (Some(range), None) => Some(ContentRange::parse(range)),
            (Some(_), Some(_)) => Some(None),
        };
        if content_type(headers).is_some_and(|found| found.starts_with("multipart/")) {
            return Err(UnclearPart("the response holds several parts of the file"));
        }
        let part = match range {
            None if status == StatusCode::PARTIAL_CONTENT => {
                return Err(UnclearPart("the response does not say which part it is"));
            }
            None => Self { first: 0, end: length, total: length, version },
            Some(None) => return Err(UnclearPart("the response names no valid part of the file")),
            Some(Some(ContentRange { first, end, total })) => {
                if length.is_some_and(|length| length != end - first) {
                    return Err(UnclearPart("the response is of another length than its part"));
                }
                Self { first, end: Some(end), total, version }
            }
        };
        // A range of a whole file says no more than its length; any other belongs to HTTP 206.
        let is_whole = part.first == 0 && part.end == part.total;
        if range.is_some() && status != StatusCode::PARTIAL_CONTENT && !is_whole {
            return Err(UnclearPart("the response holds a part of the file as if it were whole"));
        }
        Ok(part)
    }
}

impl FileVersion {
    /// Returns the entity tag, if it stands for exactly these bytes.
    fn strong_tag(&self) -> Option<&str> {
        self.tag.as_deref().filter(|tag| tag.starts_with('"'))
    }

    /// Returns whether any identifier that both have is another one.
    fn contradicts(&self, other: &Self) -> bool {
        let differs = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
        differs(&self.tag, &other.tag) || differs(&self.modified, &other.modified)
    }
}

/// The part of the file that was received so far.
#[derive(Debug, Default)]
pub(super) struct ReceivedFile {
    pub(super) bytes: u64,
    pub(super) total: Option<u64>,
    /// The most bytes that this source has sent without a new start: only more than these are
    /// progress.
    pub(super) furthest: u64,
    version: FileVersion,
    /// Its first bytes, up to [`START_BYTES`].
    start: Vec<u8>,
    container: Container,
    /// The next bytes come from another source than these.
    is_source_changed: bool,
}

impl ReceivedFile {
    /// Creates an empty part of a file of this size.
    pub(super) fn of_size(size: Option<u64>) -> Self {
        Self { total: size, ..Self::default() }
    }

    /// Returns the strong entity tag of the bytes received so far.
    pub(super) fn tag(&self) -> Option<&str> {
        self.version.strong_tag()
    }

    /// Prepares for another source. Only a strong entity tag proves that it has the same file;
    /// without one the whole file is downloaded again.
    pub(super) fn change_source(&mut self) {
        self.is_source_changed = true;
        if self.tag().is_none() {
            self.clear();
        }
        self.furthest = self.bytes;
    }

    /// Returns the offset of the first missing byte; zero if no response could be recognized as the
    /// rest of these bytes, so that the whole file is needed.
    pub(super) fn missing_from(&self) -> u64 {
        let is_known = self.total.is_some() || self.tag().is_some();
        if is_known { self.bytes } else { 0 }
    }

    /// Returns the name of the format if the file by its own structure lacks its end.
    pub(super) fn cut_format(&self, is_length_declared: bool) -> Option<&'static str> {
        self.container.cut_format(is_length_declared)
    }

    /// Returns whether a response holds the bytes of the same file that follow these.
    pub(super) fn is_continued_by(&self, part: &FilePart) -> bool {
        // A host may ignore `If-Range` and send a part of another version.
        let is_contradicted = self.version.contradicts(&part.version)
            || part.total.is_some_and(|total| self.total.is_some_and(|known| known != total));
        let is_same_file = match (self.tag(), part.version.strong_tag()) {
            (Some(_), Some(_)) => true,
            _ => !self.is_source_changed && part.total.is_some() && part.total == self.total,
        };
        self.bytes > 0 && part.first == self.bytes && !is_contradicted && is_same_file
    }

    /// Returns whether a response to a request for the missing bytes certainly holds a whole file
    /// instead: one of the known size, or another version. Some hosts send the missing bytes as if
    /// they were a file of their own.
    pub(super) fn is_replaced_by(&self, part: &FilePart) -> bool {
        let is_known_size = part.total.is_some() && part.total == self.total;
        part.first == 0 && (is_known_size || self.version.contradicts(&part.version))
    }

    /// Begins to receive a part. `size` is the size that the service has reported.
    pub(super) fn begin(&mut self, part: FilePart, size: Option<u64>) {
        let known = self.total.filter(|_| part.first > 0);
        self.total = part.total.or(known).or(size);
        self.version = part.version;
        self.is_source_changed = false;
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let missing = START_BYTES - self.start.len();
        self.start.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        self.container.push(bytes);
        self.bytes += bytes.len() as u64;
        self.furthest = self.furthest.max(self.bytes);
    }

    /// Forgets the bytes received so far.
    pub(super) fn clear(&mut self) {
        self.bytes = 0;
        self.start.clear();
        self.container.clear();
    }

    /// Returns the name of the text that came in place of a video or audio file, by its first
    /// bytes: an error page may have any content type.
    pub(super) fn page(&self) -> Option<&'static str> {
        let start =
            self.start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.start).trim_ascii_start();
        match start {
            [b'<', b'?', ..] => Some("an XML document"),
            [b'<', second, ..] if second.is_ascii_alphabetic() || *second == b'!' => {
                Some("a web page")
            }
            [b'{', rest @ ..] if rest.trim_ascii_start().starts_with(b"\"") => Some("JSON"),
            _ => None,
        }
    }
}

/// A `Content-Range` of bytes, in the form of a half-open range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentRange {
    first: u64,
    end: u64,
    total: Option<u64>,
}

impl ContentRange {
    /// Parses `bytes 100-199/1000`; `*` stands for an unknown size.
    fn parse(value: &HeaderValue) -> Option<Self> {
        let (unit, range) = value.to_str().ok()?.trim().split_once(' ')?;
        let (range, total) = range.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        let end = last.checked_add(1)?;
        let is_valid = first < end && total.is_none_or(|total| end <= total);
        (unit.eq_ignore_ascii_case("bytes") && is_valid).then_some(Self { first, end, total })
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(content_type.split(';').next()?.trim().to_ascii_lowercase())
}

/// Returns the content type if it is a text format: a page or an error message in place of a
/// video or audio file, whatever the status.
fn text_type(headers: &HeaderMap) -> Option<String> {
    let content_type = content_type(headers)?;
    let is_text = content_type.starts_with("text/")
        || ["application/json", "application/xml"].contains(&content_type.as_str())
        || content_type.ends_with("+json")
        || content_type.ends_with("+xml");
    is_text.then_some(content_type)
}

/// Returns the coding of the connection that the HTTP library does not undo.
fn transfer_encoding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(TRANSFER_ENCODING).iter();
    let codings = values.flat_map(|value| value.to_str().unwrap_or("unreadable").split(','));
    let is_plain = |coding: &&str| {
        ["", "chunked", "identity"].iter().any(|plain| coding.eq_ignore_ascii_case(plain))
    };
    let coding = codings.map(str::trim).find(|coding| !is_plain(coding))?;
    Some(coding.chars().take(40).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let header = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(header) {
            headers.append(name, value);
        }
        headers
    }

    fn declared(
        status: u16,
        length: Option<u64>,
        lines: &[(&'static str, &'static str)],
    ) -> Result<FilePart, UnusableResponse> {
        FilePart::declared_by(StatusCode::from_u16(status).unwrap(), &head(lines), length)
    }

    /// The first 4000 bytes of a file of 10240 bytes.
    fn received(lines: &[(&'static str, &'static str)]) -> ReceivedFile {
        let mut received = ReceivedFile::of_size(None);
        received.begin(declared(200, Some(10_240), lines).unwrap(), None);
        received.push(&[0; 4_000]);
        received
    }

    #[test]
    fn a_content_range_is_parsed() {
        let part = |text: &'static str| ContentRange::parse(&HeaderValue::from_static(text));
        let range = |first, end, total| Some(ContentRange { first, end, total });
        assert_eq!(part("bytes 100-199/1000"), range(100, 200, Some(1000)));
        assert_eq!(part("Bytes 0-9/*"), range(0, 10, None));
        for invalid in [
            "bytes */1000",
            "items 0-9/10",
            "bytes 0-9",
            "bytes 9-0/10",
            "bytes 0-10/10",
            "bytes 0-9/ten",
            "bytes 0-18446744073709551615/*",
            "bytes=0-9/10",
            "",
        ] {
            assert_eq!(part(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn a_response_is_a_whole_file_or_a_declared_part() {
        let whole = declared(200, Some(10), &[("content-range", "bytes 0-9/10")]).unwrap();
        assert_eq!(whole, declared(200, Some(10), &[]).unwrap());
        let part = declared(206, Some(6), &[("content-range", "bytes 4-9/10")]).unwrap();
        assert_eq!((part.first, part.end, part.total), (4, Some(10), Some(10)));
        let chunked = declared(206, None, &[("content-range", "bytes 4-9/*")]).unwrap();
        assert_eq!((chunked.first, chunked.end, chunked.total), (4, Some(10), None));
    }

    #[test]
    fn a_part_that_is_not_clear_is_not_used() {
        for (status, length, lines) in [
            (200, Some(6), &[("content-range", "bytes 4-9/10")][..]),
            (200, None, &[("content-range", "bytes 4-9/10")]),
            (200, Some(6), &[("content-range", "bytes 0-5/*")]),
            (200, Some(6), &[("content-range", "bytes 0-5/10")]),
            (206, Some(6), &[]),
            (206, Some(5), &[("content-range", "bytes 4-9/10")]),
            (206, Some(7), &[("content-range", "bytes 4-9/10")]),
            (206, None, &[("content-range", "bytes */10")]),
            (206, None, &[("content-range", "bytes 4-9/10"), ("content-range", "bytes 4-9/10")]),
            (206, None, &[("content-type", "multipart/byteranges; boundary=x")]),
            (
                206,
                None,
                &[("content-type", "Multipart/Byteranges"), ("content-range", "bytes 4-9/10")],
            ),
        ] {
            let read = declared(status, length, lines);
            assert!(matches!(read, Err(UnusableResponse::UnclearPart(_))), "{lines:?}: {read:?}");
        }
    }

    #[test]
    fn an_encoded_file_is_not_used_and_its_encoding_is_named() {
        for (name, value, shown) in [
            ("content-encoding", "gzip", "gzip"),
            ("content-encoding", "identity, br", "br"),
            ("content-encoding", "X-Deflate", "X-Deflate"),
            ("transfer-encoding", "gzip, chunked", "gzip"),
        ] {
            let read = declared(200, None, &[(name, value)]);
            let Err(UnusableResponse::NoFile(why)) = read else { panic!("{value}: {read:?}") };
            assert!(why.contains(shown), "{why}");
        }
        let plain = [("content-encoding", "Identity"), ("transfer-encoding", "Chunked")];
        assert!(declared(200, None, &plain).is_ok());
    }

    #[test]
    fn only_the_missing_bytes_of_the_same_file_continue_it() {
        const TAG: (&str, &str) = ("etag", "\"v1\"");
        const DATE: (&str, &str) = ("last-modified", "Sun, 09 Sep 2001 01:46:40 GMT");
        let rest = ("content-range", "bytes 4000-10239/10240");
        let later = ("last-modified", "Mon, 10 Sep 2001 01:46:40 GMT");
        for (before, now, expected) in [
            (&[][..], &[rest][..], true),
            (&[TAG, DATE], &[rest, TAG, DATE], true),
            (&[TAG], &[("content-range", "bytes 4000-10239/*"), TAG], true),
            (&[TAG], &[rest], true),
            (&[], &[("content-range", "bytes 4000-10239/*")], false),
            (&[], &[("content-range", "bytes 4001-10239/10240")], false),
            (&[], &[("content-range", "bytes 0-10239/10240")], false),
            (&[TAG], &[("content-range", "bytes 4000-10240/10241"), TAG], false),
            (&[TAG], &[rest, ("etag", "\"v2\"")], false),
            (&[("etag", "W/\"v1\"")], &[rest, ("etag", "W/\"v2\"")], false),
            (&[DATE], &[rest, later], false),
        ] {
            let part = declared(206, None, now).unwrap();
            assert_eq!(received(before).is_continued_by(&part), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn missing_bytes_are_not_taken_for_a_whole_file() {
        let replaced = |before: &[_], length, now: &[_]| {
            received(before).is_replaced_by(&declared(200, length, now).unwrap())
        };
        assert!(replaced(&[], Some(10_240), &[]));
        assert!(replaced(&[("etag", "\"v1\"")], Some(6_240), &[("etag", "\"v2\"")]));
        assert!(!replaced(&[], Some(6_240), &[]));
        assert!(!replaced(&[], None, &[]));
        assert!(!replaced(&[("etag", "\"v1\"")], Some(6_240), &[("etag", "\"v1\"")]));
    }

    #[test]
    fn only_bytes_beyond_the_furthest_are_progress() {
        let mut received = received(&[]);
        assert_eq!((received.bytes, received.furthest), (4_000, 4_000));
        received.clear();
        received.push(&[0; 3_000]);
        assert_eq!((received.bytes, received.furthest), (3_000, 4_000));
        received.push(&[0; 3_000]);
        assert_eq!(received.furthest, 6_000);
        received.change_source();
        assert_eq!((received.bytes, received.furthest), (0, 0));
    }

    #[test]
    fn the_rest_is_requested_only_if_it_can_be_recognized() {
        assert_eq!(received(&[]).missing_from(), 4_000);
        for (lines, expected) in
            [(&[][..], 0), (&[("etag", "\"1\"")], 9), (&[("etag", "W/\"1\"")], 0)]
        {
            let mut received = ReceivedFile::of_size(None);
            received.begin(declared(200, None, lines).unwrap(), None);
            received.push(b"the video");
            assert_eq!(received.missing_from(), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_page_is_recognized_by_its_first_bytes() {
        let page = |chunks: &[&[u8]]| {
            let mut received = ReceivedFile::default();
            chunks.iter().for_each(|chunk| received.push(chunk));
            received.page()
        };
        for text in ["<!DOCTYPE html>", "\u{feff}\r\n <html>", "<?xml version", "{ \"code\": 5003"]
        {
            assert!(page(&[text.as_bytes()]).is_some(), "{text}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert!(page(&bytes).is_some(), "{text}");
        }
        for bytes in [&b"\0\0\0\x20ftypisom"[..], b"RIFF", b"<", b"{", b"", b"< 3", b"0123<html>"] {
            assert_eq!(page(&[bytes]), None, "{bytes:?}");
        }
        let late = [&[b' '; START_BYTES][..], b"<html>"];
        assert_eq!(page(&late), None);
    }
}
