//! Uploads and downloads over connections, and from hosts, that misbehave: no partial file is saved
//! under its name, and no upload is sent twice.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::raw::{RawResponse, RawServer, Request};
use nemovideo::mock::NemoMock;
use nemovideo::mock::wiremock::ResponseTemplate;
use nemovideo::protocol::{Endpoint, RenderState, RenderStatus};
use nemovideo::{Error, ExponentialRetry, NemoClient, RenderJob, RenderedVideo, Timeouts};
use serde_json::json;

const VIDEO: &[u8] = b"0123456789abcdefghij";

const RANGE_NOT_SATISFIABLE: &str =
    "HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\n\r\n";

fn client_of(url: &str) -> NemoClient {
    let retry = ExponentialRetry::default().with_initial_delay(Duration::ZERO);
    let builder = NemoClient::builder().base_url(url).in_memory_credentials().retry(retry);
    builder.build().expect("a client")
}

/// Returns a finished render at `/video.mp4` of a server.
async fn video_at(server: &RawServer, size: Option<u64>) -> RenderedVideo {
    let nemo = NemoMock::start().await;
    let mut state = RenderState::new("r".into(), RenderStatus::Completed);
    (state.url, state.size) = (Some(format!("{}/video.mp4", server.url())), size);
    nemo.render_polled(&state);
    let draft = r#"{"t":[{"sg":[{}]}]}"#.parse().expect("a draft");
    let job = RenderJob::new("s".into(), draft, nemovideo::RenderOutput::mp4());
    nemo.client().wait_for_render(&job).await.expect("a video")
}

/// Returns the requested range of a video, broken off after `cut` bytes.
fn range_of(video: &[u8], request: &Request, etag: &str, cut: usize) -> RawResponse {
    let from = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let is_current = request.header("if-range").is_none_or(|known| known == etag);
    let (status, from) = match from.filter(|_| is_current) {
        Some(from) => ("206 Partial Content", from),
        None => ("200 OK", 0),
    };
    let rest = &video[from..];
    let mut range = String::new();
    if status.starts_with("206") {
        range = format!("content-range: bytes {from}-{}/{}\r\n", video.len() - 1, video.len());
    }
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: {etag}\r\n{range}\r\n",
        rest.len()
    );
    RawResponse::bytes([head.as_bytes(), &rest[..cut.min(rest.len())]].concat())
}

#[tokio::test]
async fn a_broken_download_continues_where_it_ended() {
    let server = RawServer::start(|request| range_of(VIDEO, request, "\"v1\"", 6)).await;
    let video = video_at(&server, Some(VIDEO.len() as u64)).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let log = Arc::clone(&seen);
    let bytes = client_of(server.url())
        .download(&video, &path)
        .on_progress(move |bytes, total| {
            assert_eq!(total, Some(VIDEO.len() as u64));
            log.lock().unwrap().push(bytes);
        })
        .await
        .unwrap();
    assert_eq!(bytes, VIDEO.len() as u64);
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
    assert_eq!(*seen.lock().unwrap(), [6, 12, 18, 20]);
    assert_eq!(server.requests("/video.mp4"), 4);
}

#[tokio::test]
async fn a_video_that_changed_during_its_download_is_downloaded_from_its_start() {
    let server = RawServer::start(|request| match request.index_on_path() {
        0 => range_of(b"an older video that was longer", request, "\"v1\"", 9),
        _ => range_of(VIDEO, request, "\"v2\"", usize::MAX),
    })
    .await;
    let video = video_at(&server, None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
}

#[tokio::test]
async fn the_bytes_of_two_versions_of_a_video_are_never_joined() {
    // A host that ignores `If-Range`. The new version has the same length.
    let server = RawServer::start(|request| {
        let etag = if request.index_on_path() == 0 { "\"v1\"" } else { "\"v2\"" };
        let (video, cut) = match request.index_on_path() {
            0 => (&b"an-older-video-of-20b"[..VIDEO.len()], 9),
            _ => (VIDEO, usize::MAX),
        };
        let from = request.header("range").map_or(0, |_| 9);
        let (status, range) = match from {
            0 => ("200 OK", String::new()),
            from => (
                "206 Partial Content",
                format!("content-range: bytes {from}-{}/{}\r\n", video.len() - 1, video.len()),
            ),
        };
        let rest = &video[from..];
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: {etag}\r\n{range}\r\n",
            rest.len()
        );
        RawResponse::bytes([head.as_bytes(), &rest[..cut.min(rest.len())]].concat())
    })
    .await;
    let video = video_at(&server, None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
}

#[tokio::test]
async fn a_host_without_range_support_is_asked_for_the_whole_video_again() {
    let server = RawServer::start(|request| {
        let cut = if request.index_on_path() == 0 { 7 } else { VIDEO.len() };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", VIDEO.len());
        RawResponse::bytes([head.as_bytes(), &VIDEO[..cut]].concat())
    })
    .await;
    let video = video_at(&server, None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
}

#[tokio::test]
async fn a_download_that_never_progresses_fails_and_keeps_the_old_file() {
    let server = RawServer::start(|_| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", VIDEO.len());
        RawResponse::bytes(head)
    })
    .await;
    let video = video_at(&server, None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    std::fs::write(&path, "old").unwrap();
    let error = client_of(server.url()).download(&video, &path).await.unwrap_err();
    assert!(matches!(error, Error::Disconnected(_)), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn an_endless_file_does_not_fill_the_disk() {
    let server = RawServer::start(|_| RawResponse::endless_file("0123456789")).await;
    let video = video_at(&server, None).await;
    let limits = nemovideo::Limits::default().with_download(100);
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.limits(limits).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = client.download(&video, dir.path().join("out.mp4")).await.unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: 100, .. }), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Returns a finished render at the mock's file URL, with the size that the service reports.
fn video_of(nemo: &NemoMock, size: Option<u64>) -> RenderedVideo {
    let video = json!({ "id": "r", "url": nemo.file_url(), "duration": null, "size": size });
    serde_json::from_value(video).expect("a video")
}

#[tokio::test]
async fn an_error_page_in_place_of_the_video_is_not_saved() {
    let pages = [
        ("text/html; charset=utf-8", "<html>This link has expired</html>"),
        ("application/json", r#"{"code":5003,"message":"expired"}"#),
        ("application/xml", "<Error><Code>AccessDenied</Code></Error>"),
        ("application/problem+json", "{}"),
    ];
    for (kind, page) in pages {
        let nemo = NemoMock::start().await;
        let page = ResponseTemplate::new(200).set_body_raw(page, kind);
        nemo.respond(Endpoint::File, page.clone());
        nemo.respond(Endpoint::RenderDownload, page).times(1);
        let video = ResponseTemplate::new(200).set_body_raw("the video", "video/mp4");
        nemo.respond(Endpoint::RenderDownload, video);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mp4");
        let client = nemo.client();
        // Both the file's URL and the API return the page, then the API returns the video.
        client.download(&video_of(&nemo, None), &path).await.unwrap_err();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{kind}");
        client.download(&video_of(&nemo, None), &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"the video", "{kind}");
    }
}

#[tokio::test]
async fn a_damaged_mp4_of_the_declared_length_is_not_saved() {
    let whole = include_bytes!("../../src/local/engine/placeholder.mp4");
    let half = &whole[..whole.len() / 2];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let nemo = NemoMock::start().await;
    nemo.file(half);
    nemo.api_file(*whole);
    nemo.client().download(&video_of(&nemo, None), &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    nemo.verify_requests(Endpoint::File, 1);

    // Nobody has all of it.
    let nemo = NemoMock::start().await;
    nemo.file(half);
    nemo.api_file(half);
    let client = nemo.client();
    let error = client.download(&video_of(&nemo, None), dir.path().join("b.mp4")).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Disconnected(_)), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_reported_size_of_zero_is_unknown_and_an_empty_file_is_not_saved() {
    let nemo = NemoMock::start().await;
    nemo.file(VIDEO).times(1);
    nemo.file("");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let video = video_of(&nemo, Some(0));
    let bytes = nemo.client().download(&video, &path).await.unwrap();
    assert_eq!(bytes, VIDEO.len() as u64);
    nemo.client().download(&video, &path).await.unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
}

#[tokio::test]
async fn a_video_is_complete_with_its_last_byte_even_if_its_response_never_ends() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let server = RawServer::start(move |request| match request.header("range") {
        None => RawResponse::bytes(format!("{head}14\r\n0123456789abcdefghij\r\n")),
        Some(_) => RawResponse::bytes(RANGE_NOT_SATISFIABLE),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let video = video_at(&server, Some(VIDEO.len() as u64)).await;
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
    assert_eq!(server.requests("/video.mp4"), 1);
}

#[tokio::test]
async fn a_video_that_became_shorter_is_downloaded_from_its_start() {
    let server = RawServer::start(|request| match request.index_on_path() {
        0 => range_of(&[VIDEO, VIDEO].concat(), request, "\"v1\"", 30),
        1 => RawResponse::bytes(RANGE_NOT_SATISFIABLE),
        _ => range_of(VIDEO, request, "\"v2\"", usize::MAX),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let video = video_at(&server, None).await;
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
}

#[tokio::test]
async fn a_video_that_the_api_redirects_to_is_downloaded_without_the_token() {
    let nemo = NemoMock::start().await;
    let redirect = ResponseTemplate::new(302).insert_header("location", nemo.file_url().as_str());
    nemo.respond(Endpoint::RenderDownload, redirect);
    nemo.file(VIDEO);
    let mut video = video_of(&nemo, None);
    video.url = format!("{}/gone", nemo.url());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    nemo.client().download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
    let fetched = nemo.requests(Endpoint::File);
    assert_eq!(fetched.len(), 1);
    assert!(!fetched[0].headers.contains_key("authorization"));

    // A redirect is subject to the same rule as every other URL of a file.
    let nemo = NemoMock::start().await;
    let private = ResponseTemplate::new(302).insert_header("location", "http://169.254.169.254/x");
    nemo.respond(Endpoint::RenderDownload, private);
    nemo.client().download(&video_of(&nemo, None), &path).await.unwrap_err();
}

#[tokio::test]
async fn the_bytes_of_two_hosts_are_joined_only_under_one_strong_etag() {
    // The file's URL breaks off after four bytes and then fails. The API returns any range.
    for (own, api, ranged_first) in [
        (None, None, false),
        (Some("\"v1\""), Some("\"v1\""), true),
        (Some("W/\"v1\""), Some("W/\"v1\""), false),
        (Some("\"v1\""), None, true),
    ] {
        let etag =
            |tag: Option<&str>| tag.map(|tag| format!("etag: {tag}\r\n")).unwrap_or_default();
        let (own_tag, api_tag) = (etag(own), etag(api));
        let api_requests: Arc<Mutex<Vec<bool>>> = Arc::default();
        let log = Arc::clone(&api_requests);
        let server = RawServer::start(move |request| {
            let is_ranged = request.header("range").is_some();
            match (request.path(), request.index_on_path()) {
                ("/video.mp4", 0) => {
                    let head = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n";
                    RawResponse::bytes(format!("{head}{own_tag}\r\nAAAA"))
                }
                ("/video.mp4", _) => {
                    RawResponse::bytes("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                }
                ("/api/auth/anonymous-token", _) => RawResponse::token(),
                _ => {
                    log.lock().unwrap().push(is_ranged);
                    let (status, rest, range) = match is_ranged {
                        true => {
                            ("206 Partial Content", &VIDEO[4..], "content-range: bytes 4-19/20\r\n")
                        }
                        false => ("200 OK", VIDEO, ""),
                    };
                    let head = format!(
                        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{range}{api_tag}\r\n",
                        rest.len()
                    );
                    RawResponse::bytes([head.as_bytes(), rest].concat())
                }
            }
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mp4");
        let video = video_at(&server, Some(20)).await;
        client_of(server.url()).download(&video, &path).await.unwrap();
        let saved = std::fs::read(&path).unwrap();
        let is_joined = own.is_some_and(|tag| tag.starts_with('"')) && own == api;
        let expected = if is_joined { [b"AAAA", &VIDEO[4..]].concat() } else { VIDEO.to_vec() };
        assert_eq!(saved, expected, "{own:?} {api:?}");
        assert_eq!(api_requests.lock().unwrap()[0], ranged_first, "{own:?}");
    }
}

#[tokio::test]
async fn a_video_that_neither_its_url_nor_the_api_has_is_a_final_error() {
    let nemo = NemoMock::start().await;
    let dir = tempfile::tempdir().unwrap();
    let download = |path| nemo.client().download(&video_of(&nemo, None), path);
    let error = download(dir.path().join("out.mp4")).await.unwrap_err();
    assert!(matches!(error, Error::Api(_)) && !error.is_retryable(), "{error}");
    assert_eq!(error.api().unwrap().status, Some(404));

    // An API that is unavailable may have it later.
    let unavailable = ResponseTemplate::new(503);
    nemo.respond(Endpoint::RenderDownload, unavailable);
    let error = download(dir.path().join("out.mp4")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_video_may_have_any_file_name_that_its_directory_allows() {
    let nemo = NemoMock::start().await;
    nemo.file(VIDEO);
    let dir = tempfile::tempdir().unwrap();
    for length in [1, 251] {
        let path = dir.path().join(format!("{}.mp4", "n".repeat(length)));
        nemo.client().download(&video_of(&nemo, None), &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_url_inside_a_private_network_is_never_requested() {
    let server = RawServer::start(|_| RawResponse::bytes("HTTP/1.1 404 Not Found\r\n\r\n")).await;
    let mut video = video_at(&server, None).await;
    video.url = "http://169.254.169.254/latest/meta-data".to_owned();
    let dir = tempfile::tempdir().unwrap();
    let download = client_of(server.url()).download(&video, dir.path().join("out.mp4"));
    let error = download.await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
}

#[tokio::test]
async fn an_upload_reports_its_progress() {
    let nemo = NemoMock::start().await;
    nemo.upload([]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    std::fs::write(&path, vec![1; 300_000]).unwrap();
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let log = Arc::clone(&seen);
    let upload = nemo.client().upload_file(&"s".into(), &path).on_progress(move |sent, size| {
        assert_eq!(size, 300_000);
        log.lock().unwrap().push(sent);
    });
    upload.await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() > 3 && seen.is_sorted(), "{seen:?}");
    let body = nemo.requests(Endpoint::Upload)[0].body.len() as u64;
    assert_eq!(seen.last(), Some(&body));
}

#[tokio::test]
async fn a_file_that_changes_during_its_upload_is_an_error_without_effect() {
    for (change, words) in [("shrink", "shrank"), ("grow", "grew"), ("touch", "changed")] {
        let nemo = NemoMock::start().await;
        nemo.upload([]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clip.mp4");
        std::fs::write(&path, vec![1; 1_000_000]).unwrap();
        let once = std::sync::Once::new();
        let changed = path.clone();
        let upload = nemo.client().upload_file(&"s".into(), &path).on_progress(move |sent, _| {
            if sent > 100_000 {
                once.call_once(|| {
                    let file = std::fs::File::options().write(true).open(&changed).unwrap();
                    match change {
                        "shrink" => file.set_len(500_000).unwrap(),
                        "grow" => file.set_len(2_000_000).unwrap(),
                        _ => file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap(),
                    }
                });
            }
        });
        let error = upload.await.unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        let cause = std::error::Error::source(&error).expect("what changed").to_string();
        assert!(cause.contains(words), "{cause}");
        assert!(!error.may_have_taken_effect());
        assert!(nemo.requests(Endpoint::Upload).is_empty(), "no complete upload arrived");
    }
}

#[tokio::test]
async fn an_upload_without_a_response_has_an_unknown_outcome_and_is_not_sent_again() {
    let server = RawServer::start(|request| match request.path() {
        "/api/auth/anonymous-token" => RawResponse::token(),
        _ => RawResponse::stalled(),
    })
    .await;
    let timeouts = Timeouts::default().with_response(Duration::from_millis(100));
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.timeouts(timeouts).build().unwrap();
    let error = client.upload_bytes(&"s".into(), "a.mp4", vec![0; 1_000]).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    assert_eq!(server.requests("/api/upload-video/nemo_agent/me/s"), 1);
}
