//! A file under its final name is whole, and its bytes are those of one file, whatever its host
//! responds to a request for the missing part.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::raw::{RawResponse, RawServer};
use nemovideo::{Error, ExponentialRetry, NemoClient, RenderedVideo};

/// A file of 10,240 bytes that breaks off after 4,000.
const BREAKS: &[u8] = include_bytes!("../data/cases/wire/download-200-slice-1st.http");
const SIZE: usize = 10_240;
const RECEIVED: usize = 4_000;

fn video() -> Vec<u8> {
    (0..SIZE).map(|at| (at % 256) as u8).collect()
}

fn client_of(server: &RawServer) -> NemoClient {
    let retry = ExponentialRetry::default().with_initial_delay(Duration::ZERO);
    let builder = NemoClient::builder().base_url(server.url()).token("t");
    builder.retry(retry.with_max_attempts(3)).build().expect("a client")
}

fn video_at(server: &RawServer, size: Option<usize>) -> RenderedVideo {
    let url = format!("{}/video.mp4", server.url());
    let video = serde_json::json!({ "id": "r", "url": url, "duration": null, "size": size });
    serde_json::from_value(video).expect("a video")
}

fn response(status: &str, headers: &[&str], body: &[u8]) -> RawResponse {
    let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    RawResponse::bytes([head.as_bytes(), b"\r\n", body].concat())
}

fn chunked(status: &str, headers: &[&str], body: &[u8]) -> RawResponse {
    let body = [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    response(status, &[headers, &["transfer-encoding: chunked"]].concat(), &body)
}

fn whole() -> RawResponse {
    response("200 OK", &["content-length: 10240"], &video())
}

/// Downloads a file, and returns what was saved.
async fn saved(server: &RawServer, size: Option<usize>) -> Result<Vec<u8>, Error> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("out.mp4");
    let outcome = client_of(server).download(&video_at(server, size), &path).await;
    let files = std::fs::read_dir(dir.path()).expect("a directory").count();
    assert_eq!(files, usize::from(outcome.is_ok()), "no part is left behind");
    outcome.map(|bytes| {
        let saved = std::fs::read(&path).expect("a file");
        assert_eq!(saved.len() as u64, bytes);
        saved
    })
}

/// Responses to a request for the bytes from 4,000 on that are not just those.
fn wrong_continuations() -> Vec<(&'static str, RawResponse)> {
    let video = video();
    let (rest, part) = (&video[RECEIVED..], "content-range: bytes 4000-10239/10240");
    const PARTIAL: &str = "206 Partial Content";
    let multipart: &[&str] = &["content-type: multipart/byteranges; boundary=x"];
    let parts = [b"--x\r\ncontent-range: bytes 4000-10239/10240\r\n\r\n", rest, b"\r\n--x--"];
    vec![
        ("200 with a range", response("200 OK", &["content-length: 6240", part], rest)),
        ("200 with a range, chunked", chunked("200 OK", &[part], rest)),
        ("200 with the rest", response("200 OK", &["content-length: 6240"], rest)),
        ("200 with the rest, chunked", chunked("200 OK", &[], rest)),
        ("200 with the rest until the end", response("200 OK", &[], rest)),
        ("no range", response(PARTIAL, &["content-length: 6240"], rest)),
        (
            "another start",
            chunked(PARTIAL, &["content-range: bytes 3999-10239/10240"], &video[3_999..]),
        ),
        (
            "another total",
            chunked(PARTIAL, &["content-range: bytes 4000-10240/10241"], &[rest, b"x"].concat()),
        ),
        ("no total", chunked(PARTIAL, &["content-range: bytes 4000-10239/*"], rest)),
        ("too short", response(PARTIAL, &["content-length: 6000", part], &rest[..6_000])),
        ("too long", chunked(PARTIAL, &[part], &[rest, b"more"].concat())),
        (
            "longer than its part",
            chunked(PARTIAL, &["content-range: bytes 4000-4999/10240"], &[7; 6_240]),
        ),
        ("another unit", chunked(PARTIAL, &["content-range: frames 4000-10239/10240"], rest)),
        ("two ranges", chunked(PARTIAL, &[part, "content-range: bytes 0-9/10240"], rest)),
        ("several parts", chunked(PARTIAL, multipart, &parts.concat())),
        ("416", response("416 Range Not Satisfiable", &["content-length: 0"], b"")),
        ("gzip", chunked(PARTIAL, &[part, "content-encoding: gzip"], rest)),
        ("gzip in transit", chunked(PARTIAL, &[part, "transfer-encoding: gzip"], rest)),
        ("a page", response("200 OK", &["content-type: text/html"], b"<html>expired</html>")),
        (
            "a page of no type",
            response("200 OK", &["content-length: 10240"], &[b'<', b'p'].repeat(5_120)),
        ),
    ]
}

#[tokio::test]
async fn only_the_missing_bytes_continue_a_file() {
    for (name, wrong) in wrong_continuations() {
        for size in [None, Some(SIZE)] {
            let wrong = wrong.clone();
            let server = RawServer::start(move |request| {
                match (request.path(), request.header("range"), request.index_on_path()) {
                    ("/video.mp4", Some("bytes=4000-"), _) => wrong.clone(),
                    ("/video.mp4", None, 0) => RawResponse::bytes(BREAKS),
                    _ => whole(),
                }
            })
            .await;
            assert!(saved(&server, size).await.expect(name) == video(), "{name} {size:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_never_whole_is_not_saved() {
    for (name, wrong) in wrong_continuations() {
        let server =
            RawServer::start(move |request| match (request.path(), request.header("range")) {
                ("/video.mp4", Some(_)) => wrong.clone(),
                ("/video.mp4", None) => RawResponse::bytes(BREAKS),
                _ => response("404 Not Found", &["content-length: 0"], b""),
            })
            .await;
        let error = saved(&server, None).await.expect_err(name);
        assert!(matches!(error, Error::Disconnected(_) | Error::Api(_)), "{name}: {error}");
        // Ten more requests would use up what all calls of a client have for retries.
        let requests = server.requests("/video.mp4");
        assert!(requests <= 8, "{name}: {requests}");
    }
}

#[tokio::test]
async fn bytes_that_are_received_again_are_no_progress() {
    // A host that breaks and ignores ranges, and one whose breaks come later each time.
    for (lengths, expected) in
        [(&[RECEIVED][..], 3), (&[RECEIVED, 3_000, RECEIVED], 3), (&[1_000, 2_000, 3_000], 5)]
    {
        let server = RawServer::start(move |request| match request.path() {
            "/video.mp4" => {
                let at = request.index_on_path().min(lengths.len() - 1);
                response("200 OK", &["content-length: 10240"], &video()[..lengths[at]])
            }
            _ => response("404 Not Found", &["content-length: 0"], b""),
        })
        .await;
        let error = saved(&server, None).await.unwrap_err();
        assert!(matches!(error, Error::Disconnected(_)), "{error}");
        assert_eq!(server.requests("/video.mp4"), expected, "{lengths:?}");
    }
}

/// An MP4 and a WAV file, each with the number of bytes after which it is cut.
fn files_with_a_structure() -> [(&'static str, Vec<u8>, usize); 3] {
    let boxed = |kind: &[u8; 4], content: &[u8]| {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, content].concat()
    };
    let (start, index) = (boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"moov", &[7; 500]));
    let media = boxed(b"mdat", &[1; 2_000]);
    let audio = [&b"WAVEfmt \x10\0\0\0\x01\0\x01\0"[..], &[9; 1_000]].concat();
    let size = u32::try_from(audio.len()).unwrap().to_le_bytes();
    [
        ("MP4", [&start[..], &index, &media].concat(), 1_500),
        // At the end of a box.
        ("MP4", [&start[..], &media, &index].concat(), start.len() + media.len()),
        ("WAV", [&b"RIFF"[..], &size, &audio].concat(), 700),
    ]
}

#[tokio::test]
async fn a_file_of_no_declared_length_that_lacks_its_end_is_not_saved() {
    for (format, file, cut) in files_with_a_structure() {
        for (sends, headers) in [
            (response as fn(&str, &[&str], &[u8]) -> RawResponse, &[][..]),
            (response, &["etag: \"1\""]),
            (chunked, &[]),
        ] {
            // It is cut once, and then whole.
            let whole = file.clone();
            let server = RawServer::start(move |request| match request.index_on_path() {
                0 => sends("200 OK", headers, &whole[..cut]),
                _ => sends("200 OK", headers, &whole),
            })
            .await;
            assert!(saved(&server, None).await.expect(format) == file, "{format} {headers:?}");
            assert!(server.requests("/video.mp4") > 1, "{format} {headers:?}");

            // It is always cut, at both of its sources.
            let part = file[..cut].to_vec();
            let server = RawServer::start(move |_| sends("200 OK", headers, &part)).await;
            let error = saved(&server, None).await.expect_err(format);
            let Error::Disconnected(failure) = &error else { panic!("{format}: {error}") };
            let what = failure.source.to_string();
            assert!(what.contains(format), "{what}");
        }
    }
}

#[tokio::test]
async fn the_rest_of_a_cut_file_is_resumed_under_its_tag() {
    for (format, file, cut) in files_with_a_structure() {
        let whole = file.clone();
        let server = RawServer::start(move |request| match request.header("range") {
            None => response("200 OK", &["etag: \"1\""], &whole[..cut]),
            Some(range) => {
                assert_eq!(range, format!("bytes={cut}-"));
                let (last, total) = (whole.len() - 1, whole.len());
                let part = format!("content-range: bytes {cut}-{last}/{total}");
                response("206 Partial Content", &["etag: \"1\"", &part], &whole[cut..])
            }
        })
        .await;
        assert!(saved(&server, None).await.expect(format) == file, "{format}");
        assert_eq!(server.requests("/video.mp4"), 2);
    }
}

#[tokio::test]
async fn the_missing_bytes_of_another_version_are_not_joined() {
    const DATE: &str = "last-modified: Sun, 09 Sep 2001 01:46:40 GMT";
    const LATER: &str = "last-modified: Mon, 10 Sep 2001 01:46:40 GMT";
    for (before, after, is_joined) in [
        (&[][..], &[][..], true),
        (&["etag: \"1\"", DATE], &["etag: \"1\"", DATE], true),
        (&["etag: \"1\""], &["etag: \"2\""], false),
        (&["etag: W/\"1\""], &["etag: W/\"2\""], false),
        (&[DATE], &[LATER], false),
        (&["etag: \"1\"", DATE], &["etag: \"1\"", LATER], false),
    ] {
        let range = "content-range: bytes 4000-10239/10240";
        let rest = [7; SIZE - RECEIVED];
        let after = [after, &[range]].concat();
        let server = RawServer::start(move |request| {
            let before = [before, &["content-length: 10240"]].concat();
            match (request.header("range"), request.index_on_path()) {
                (Some(_), _) => chunked("206 Partial Content", &after, &rest),
                (None, 0) => response("200 OK", &before, &video()[..RECEIVED]),
                _ => whole(),
            }
        })
        .await;
        let expected = match is_joined {
            true => [&video()[..RECEIVED], &rest].concat(),
            false => video(),
        };
        assert!(saved(&server, None).await.unwrap() == expected, "{before:?}");
    }
}

#[tokio::test]
async fn a_response_without_a_clear_size_is_not_taken_for_a_whole_file() {
    let part = |headers: &'static [&'static str]| {
        RawServer::start(move |request| match request.path() {
            "/video.mp4" => chunked("206 Partial Content", headers, &video()[..1_000]),
            _ => response("404 Not Found", &["content-length: 0"], b""),
        })
    };
    for headers in [
        &["content-range: bytes 0-999/*"][..],
        &["content-range: bytes 0-999/10240"],
        &["content-range: bytes 4000-4999/10240"],
        &[],
    ] {
        saved(&part(headers).await, None).await.expect_err(headers.concat().as_str());
    }
    // A size that the service reported is compared with the file.
    for (size, length) in [(SIZE, 5_000), (SIZE, SIZE + 1), (SIZE - 1, SIZE)] {
        let server = RawServer::start(move |request| match request.path() {
            "/video.mp4" => {
                let length = format!("content-length: {length}");
                response("200 OK", &[&length], &[video(), video()].concat())
            }
            _ => response("404 Not Found", &["content-length: 0"], b""),
        })
        .await;
        saved(&server, Some(size)).await.expect_err("another size");
    }
}

#[tokio::test]
async fn an_encoded_file_or_a_page_is_an_error_that_names_it() {
    let page = b"\r\n<!DOCTYPE html><title>Sign in</title>";
    for (headers, body, shown) in [
        (&["content-type: video/mp4", "content-encoding: gzip"][..], &b"\x1f\x8b"[..], "gzip"),
        (&["content-encoding: br"], b"..", "br"),
        (&["content-encoding: deflate, identity"], b"..", "deflate"),
        (&["content-type: video/mp4"], page, "web page"),
        (&[], b"<?xml version=\"1.0\"?><Error/>", "XML"),
        (&["content-type: application/octet-stream"], b"{\"code\":5003}", "JSON"),
        (&["content-type: text/html"], b"expired", "text/html"),
    ] {
        let server = RawServer::start(move |_| chunked("200 OK", headers, body)).await;
        let error = saved(&server, None).await.expect_err(shown);
        assert!(error.to_string().contains(shown), "{error}");
        assert!(!error.is_retryable(), "{error}");
        assert_eq!(server.requests("/video.mp4"), 1);
    }
    let server =
        RawServer::start(|_| chunked("200 OK", &["content-encoding: identity"], &video())).await;
    assert!(saved(&server, None).await.unwrap() == video());
}

#[tokio::test]
async fn every_request_for_a_file_asks_for_its_bytes_as_they_are() {
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let log = Arc::clone(&seen);
    let server = RawServer::start(move |request| {
        let encoding = request.header("accept-encoding").map(str::to_owned);
        log.lock().unwrap().push(encoding);
        match (request.path(), request.header("range")) {
            ("/video.mp4", None) => RawResponse::bytes(BREAKS),
            ("/video.mp4", Some(_)) => response("403 Forbidden", &["content-length: 0"], b""),
            _ => whole(),
        }
    })
    .await;
    assert!(saved(&server, None).await.unwrap() == video());
    assert_eq!(
        *seen.lock().unwrap(),
        [const { Some("identity") }; 3].map(|e| e.map(str::to_owned))
    );
}

#[tokio::test]
async fn the_api_is_asked_for_the_whole_file_if_it_does_not_have_the_part() {
    // The file's URL breaks off and is gone; the API has a shorter file under the same tag.
    let shorter = &video()[..3_000];
    let server = {
        let shorter = shorter.to_vec();
        RawServer::start(move |request| {
            let range = request.header("range");
            match (request.path(), range, request.index_on_path()) {
                ("/video.mp4", _, 0) => {
                    let headers = ["etag: \"1\"", "content-length: 10240"];
                    response("200 OK", &headers, &video()[..RECEIVED])
                }
                ("/video.mp4", ..) => response("410 Gone", &["content-length: 0"], b""),
                (_, Some(_), _) => {
                    response("416 Range Not Satisfiable", &["content-length: 0"], b"")
                }
                _ => response("200 OK", &["content-length: 3000"], &shorter),
            }
        })
        .await
    };
    assert!(saved(&server, None).await.unwrap() == shorter);
}
