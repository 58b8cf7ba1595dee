//! Uploads and downloads on a connection that does not behave.

#[path = "support/raw.rs"]
mod raw;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nemovideo::mock::{Answer, Endpoint, MockNemo};
use nemovideo::wire::{RenderFile, RenderState, RenderStatus};
use nemovideo::{Error, NemoClient, RenderJob, RenderedVideo, StandardRetry, Timeouts};
use raw::{RawServer, Reply, Request};

const FILM: &[u8] = b"0123456789abcdefghij";

fn client_of(url: &str) -> NemoClient {
    let retry = StandardRetry::default().with_base(Duration::ZERO);
    let builder = NemoClient::builder().base_url(url).in_memory_credentials().retry(retry);
    builder.build().expect("a client")
}

/// A finished render at `/film.mp4` of a server.
async fn video_at(server: &RawServer, size: Option<u64>) -> RenderedVideo {
    let nemo = MockNemo::start().await;
    let mut state = RenderState::new("r".into(), RenderStatus::Completed);
    let mut file = RenderFile::new(format!("{}/film.mp4", server.url()));
    file.size = size;
    state.output = Some(file);
    nemo.given(Answer::render_status(&state)).await;
    let draft = r#"{"t":[{"sg":[{}]}]}"#.parse().expect("a draft");
    let job = RenderJob::new("s".into(), draft, nemovideo::RenderOutput::mp4());
    nemo.client().render(&job).await.expect("a video")
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
    let file = client_of(server.url())
        .download(&video, &path)
        .on_progress(move |bytes, total| {
            assert_eq!(total, Some(FILM.len() as u64));
            watched.lock().unwrap().push(bytes);
        })
        .await
        .unwrap();
    assert_eq!(file.bytes, FILM.len() as u64);
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
    let server = RawServer::start(|_| Reply::endless_stream("0123456789")).await;
    let video = video_at(&server, None).await;
    let mut limits = nemovideo::Limits::default();
    limits.download = 100;
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.limits(limits).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = client.download(&video, dir.path().join("out.mp4")).await.unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: 100, .. }), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
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

#[tokio::test]
async fn an_upload_tells_how_far_it_is() {
    let nemo = MockNemo::start().await;
    nemo.given(Answer::upload([])).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    std::fs::write(&path, vec![1; 300_000]).unwrap();
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let watched = Arc::clone(&seen);
    let upload = nemo.client().upload_file(&"s".into(), &path).on_progress(move |sent, size| {
        assert_eq!(size, 300_000);
        watched.lock().unwrap().push(sent);
    });
    upload.await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() > 3 && seen.is_sorted(), "{seen:?}");
    let body = nemo.requests(Endpoint::Upload).await[0].body.len() as u64;
    assert_eq!(seen.last(), Some(&body));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_uploaded_is_an_error_of_its_own() {
    for (change, words) in [("shrink", "shrank"), ("grow", "grew"), ("touch", "changed")] {
        let nemo = MockNemo::start().await;
        nemo.given(Answer::upload([])).await;
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
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.may_have_taken_effect());
        assert!(nemo.requests(Endpoint::Upload).await.is_empty(), "it never arrived whole");
    }
}

#[tokio::test]
async fn an_upload_that_is_not_answered_is_unknown_not_repeated() {
    let server = RawServer::start(|request| match request.path() {
        "/api/auth/anonymous-token" => Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
        _ => Reply::stalled(),
    })
    .await;
    let mut timeouts = Timeouts::default();
    timeouts.answer = Duration::from_millis(100);
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.timeouts(timeouts).build().unwrap();
    let error = client.upload_bytes(&"s".into(), "a.mp4", vec![0; 1_000]).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    assert_eq!(server.requests("/api/upload-video/nemo_agent/me/s"), 1);
}
