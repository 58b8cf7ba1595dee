//! Downloads from places, and on connections, that do not behave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::raw::{RawServer, Reply, Request};
use nemovideo::mock::wiremock::ResponseTemplate;
use nemovideo::mock::{MockNemo, MockResponse};
use nemovideo::protocol::{Endpoint, RenderState, RenderStatus};
use nemovideo::{Error, ExponentialRetry, NemoClient, RenderJob, RenderedVideo};
use serde_json::json;

const FILM: &[u8] = b"0123456789abcdefghij";

fn client_of(url: &str) -> NemoClient {
    let retry = ExponentialRetry::default().with_initial_delay(Duration::ZERO);
    let builder = NemoClient::builder().base_url(url).in_memory_credentials().retry(retry);
    builder.build().expect("a client")
}

/// A finished render at `/film.mp4` of a server.
async fn video_at(server: &RawServer, size: Option<u64>) -> RenderedVideo {
    let nemo = MockNemo::start().await;
    let mut state = RenderState::new("r".into(), RenderStatus::Completed);
    (state.url, state.size) = (Some(format!("{}/film.mp4", server.url())), size);
    nemo.given(MockResponse::render_status(&state)).await;
    let draft = r#"{"t":[{"sg":[{}]}]}"#.parse().expect("a draft");
    let job = RenderJob::new("s".into(), draft, nemovideo::RenderOutput::mp4());
    nemo.client().wait_for_render(&job).await.expect("a video")
}

/// The film from the byte that a request asks for, cut off after so many.
fn part(request: &Request, film: &[u8], tag: &str, cut: usize) -> Reply {
    let from = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let same = request.header("if-range").is_none_or(|asked| asked == tag);
    let (status, from) = match from.filter(|_| same) {
        Some(from) => ("206 Partial Content", from),
        None => ("200 OK", 0),
    };
    let rest = &film[from..];
    let mut range = String::new();
    if status.starts_with("206") {
        range = format!("content-range: bytes {from}-{}/{}\r\n", film.len() - 1, film.len());
    }
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: {tag}\r\n{range}\r\n",
        rest.len()
    );
    Reply::raw([head.as_bytes(), &rest[..cut.min(rest.len())]].concat())
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let server = RawServer::start(|request| part(request, FILM, "\"v1\"", 6)).await;
    let video = video_at(&server, Some(FILM.len() as u64)).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let watched = Arc::clone(&seen);
    let received = client_of(server.url())
        .download(&video, &path)
        .on_progress(move |bytes, total| {
            assert_eq!(total, Some(FILM.len() as u64));
            watched.lock().unwrap().push(bytes);
        })
        .await
        .unwrap();
    assert_eq!(received, FILM.len() as u64);
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
    assert_eq!(*seen.lock().unwrap(), [6, 12, 18, 20]);
    assert_eq!(server.requests("/film.mp4"), 4);
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_fetched_from_its_start() {
    let server = RawServer::start(|request| match request.number_on_route() {
        0 => part(request, b"an older film that was longer", "\"v1\"", 9),
        _ => part(request, FILM, "\"v2\"", usize::MAX),
    })
    .await;
    let video = video_at(&server, None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
}

#[tokio::test]
async fn a_part_of_another_version_is_never_joined_to_what_is_there() {
    // A host that ignores `If-Range`: the new version has the same length.
    let server = RawServer::start(|request| {
        let tag = if request.number_on_route() == 0 { "\"v1\"" } else { "\"v2\"" };
        let (film, cut) = match request.number_on_route() {
            0 => (&b"an-older-film-of-20by"[..FILM.len()], 9),
            _ => (FILM, usize::MAX),
        };
        let from = request.header("range").map_or(0, |_| 9);
        let (status, range) = match from {
            0 => ("200 OK", String::new()),
            from => (
                "206 Partial Content",
                format!("content-range: bytes {from}-{}/{}\r\n", film.len() - 1, film.len()),
            ),
        };
        let rest = &film[from..];
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: {tag}\r\n{range}\r\n",
            rest.len()
        );
        Reply::raw([head.as_bytes(), &rest[..cut.min(rest.len())]].concat())
    })
    .await;
    let video = video_at(&server, None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
}

#[tokio::test]
async fn a_host_that_knows_no_ranges_is_asked_for_the_whole_again() {
    let server = RawServer::start(|request| {
        let cut = if request.number_on_route() == 0 { 7 } else { FILM.len() };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", FILM.len());
        Reply::raw([head.as_bytes(), &FILM[..cut]].concat())
    })
    .await;
    let video = video_at(&server, None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
}

#[tokio::test]
async fn a_download_that_never_gets_anywhere_ends_and_keeps_the_old_file() {
    let server = RawServer::start(|_| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", FILM.len());
        Reply::raw(head)
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
async fn a_file_without_an_end_does_not_fill_the_disk() {
    let server = RawServer::start(|_| Reply::endless_file("0123456789")).await;
    let video = video_at(&server, None).await;
    let limits = nemovideo::Limits::default().with_download(100);
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.limits(limits).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = client.download(&video, dir.path().join("out.mp4")).await.unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: 100, .. }), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// A finished render at the mock's own file address, of a size that the service tells.
fn video_of(nemo: &MockNemo, size: Option<u64>) -> RenderedVideo {
    let video = json!({ "id": "r", "url": nemo.file_url(), "duration": null, "size": size });
    serde_json::from_value(video).expect("a video")
}

#[tokio::test]
async fn a_page_in_place_of_the_film_is_not_saved_under_its_name() {
    let pages = [
        ("text/html; charset=utf-8", "<html>This link has expired</html>"),
        ("application/json", r#"{"code":5003,"message":"expired"}"#),
        ("application/xml", "<Error><Code>AccessDenied</Code></Error>"),
        ("application/problem+json", "{}"),
    ];
    for (kind, page) in pages {
        let nemo = MockNemo::start().await;
        let page = ResponseTemplate::new(200).set_body_raw(page, kind);
        nemo.given(MockResponse::raw(Endpoint::File, page.clone())).await;
        nemo.given(MockResponse::raw(Endpoint::RenderDownload, page).times(1)).await;
        let film = ResponseTemplate::new(200).set_body_raw("the film", "video/mp4");
        nemo.given(MockResponse::raw(Endpoint::RenderDownload, film)).await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mp4");
        let client = nemo.client();
        // Both places give the page; then the API has the film.
        client.download(&video_of(&nemo, None), &path).await.unwrap_err();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{kind}");
        client.download(&video_of(&nemo, None), &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"the film", "{kind}");
    }
}

#[tokio::test]
async fn a_size_of_nothing_is_not_known_and_an_empty_film_is_none() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::file(FILM).times(1)).await;
    nemo.given(MockResponse::file("")).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let video = video_of(&nemo, Some(0));
    let bytes = nemo.client().download(&video, &path).await.unwrap();
    assert_eq!(bytes, FILM.len() as u64);
    nemo.client().download(&video, &path).await.unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
}

#[tokio::test]
async fn a_film_is_whole_with_its_last_byte_though_its_answer_never_ends() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let server = RawServer::start(move |request| match request.header("range") {
        None => Reply::raw(format!("{head}14\r\n0123456789abcdefghij\r\n")),
        Some(_) => Reply::raw("HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\n\r\n"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let video = video_at(&server, Some(FILM.len() as u64)).await;
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
    assert_eq!(server.requests("/film.mp4"), 1);
}

#[tokio::test]
async fn a_film_that_became_shorter_is_fetched_from_its_start() {
    let server = RawServer::start(|request| match request.number_on_route() {
        0 => part(request, &[FILM, FILM].concat(), "\"v1\"", 30),
        1 => Reply::raw("HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\n\r\n"),
        _ => part(request, FILM, "\"v2\"", usize::MAX),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let video = video_at(&server, None).await;
    client_of(server.url()).download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
}

#[tokio::test]
async fn where_the_api_points_to_a_film_it_is_fetched_without_the_token() {
    let nemo = MockNemo::start().await;
    let to_the_file =
        ResponseTemplate::new(302).insert_header("location", nemo.file_url().as_str());
    nemo.given(MockResponse::raw(Endpoint::RenderDownload, to_the_file)).await;
    nemo.given(MockResponse::file(FILM)).await;
    let mut video = video_of(&nemo, None);
    video.url = format!("{}/gone", nemo.url());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    nemo.client().download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILM);
    let fetched = nemo.requests(Endpoint::File).await;
    assert_eq!(fetched.len(), 1);
    assert!(!fetched[0].headers.contains_key("authorization"));

    // By the same rule as any other address of a file.
    let nemo = MockNemo::start().await;
    let inside = ResponseTemplate::new(302).insert_header("location", "http://169.254.169.254/x");
    nemo.given(MockResponse::raw(Endpoint::RenderDownload, inside)).await;
    nemo.client().download(&video_of(&nemo, None), &path).await.unwrap_err();
}

#[tokio::test]
async fn the_bytes_of_two_places_are_joined_only_under_one_strong_tag() {
    // Its own address breaks after four bytes and is gone; the API gives whatever part is asked.
    for (own, apis, ranged_first) in [
        (None, None, false),
        (Some("\"v1\""), Some("\"v1\""), true),
        (Some("W/\"v1\""), Some("W/\"v1\""), false),
        (Some("\"v1\""), None, true),
    ] {
        let etag =
            |tag: Option<&str>| tag.map(|tag| format!("etag: {tag}\r\n")).unwrap_or_default();
        let (own_tag, apis_tag) = (etag(own), etag(apis));
        let asked: Arc<Mutex<Vec<bool>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let server = RawServer::start(move |request| {
            let ranged = request.header("range").is_some();
            match (request.path(), request.number_on_route()) {
                ("/film.mp4", 0) => {
                    let head = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n";
                    Reply::raw(format!("{head}{own_tag}\r\nAAAA"))
                }
                ("/film.mp4", _) => {
                    Reply::raw("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                }
                ("/api/auth/anonymous-token", _) => {
                    Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned())
                }
                _ => {
                    seen.lock().unwrap().push(ranged);
                    let (status, rest, range) = match ranged {
                        true => {
                            ("206 Partial Content", &FILM[4..], "content-range: bytes 4-19/20\r\n")
                        }
                        false => ("200 OK", FILM, ""),
                    };
                    let head = format!(
                        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{range}{apis_tag}\r\n",
                        rest.len()
                    );
                    Reply::raw([head.as_bytes(), rest].concat())
                }
            }
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mp4");
        let video = video_at(&server, Some(20)).await;
        client_of(server.url()).download(&video, &path).await.unwrap();
        let film = std::fs::read(&path).unwrap();
        let joined = own.is_some_and(|tag| tag.starts_with('"')) && own == apis;
        let expected = if joined { [b"AAAA", &FILM[4..]].concat() } else { FILM.to_vec() };
        assert_eq!(film, expected, "{own:?} {apis:?}");
        assert_eq!(asked.lock().unwrap()[0], ranged_first, "{own:?}");
    }
}

#[tokio::test]
async fn a_film_that_neither_place_has_is_a_final_refusal() {
    let nemo = MockNemo::start().await;
    let dir = tempfile::tempdir().unwrap();
    let download = |path| nemo.client().download(&video_of(&nemo, None), path);
    let error = download(dir.path().join("out.mp4")).await.unwrap_err();
    assert!(matches!(error, Error::Api(_)) && !error.is_retryable(), "{error}");
    assert_eq!(error.api().unwrap().status, Some(404));

    // What the API has trouble with, it may have later.
    let down = ResponseTemplate::new(503);
    nemo.given(MockResponse::raw(Endpoint::RenderDownload, down)).await;
    let error = download(dir.path().join("out.mp4")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_film_may_have_any_name_that_its_folder_allows() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::file(FILM)).await;
    let dir = tempfile::tempdir().unwrap();
    for length in [1, 251] {
        let path = dir.path().join(format!("{}.mp4", "n".repeat(length)));
        nemo.client().download(&video_of(&nemo, None), &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), FILM);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn an_address_inside_of_a_private_network_is_not_called() {
    let server = RawServer::start(|_| Reply::raw("HTTP/1.1 404 Not Found\r\n\r\n")).await;
    let mut video = video_at(&server, None).await;
    video.url = "http://169.254.169.254/latest/meta-data".to_owned();
    let dir = tempfile::tempdir().unwrap();
    let download = client_of(server.url()).download(&video, dir.path().join("out.mp4"));
    let error = download.await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
}
