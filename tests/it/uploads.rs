//! Uploads on a connection, and of files, that do not behave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::raw::{RawServer, Reply};
use nemovideo::mock::{MockNemo, MockResponse};
use nemovideo::protocol::Endpoint;
use nemovideo::{Error, NemoClient, Timeouts};

#[tokio::test]
async fn an_upload_tells_how_far_it_is() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::upload([])).await;
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
        nemo.given(MockResponse::upload([])).await;
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
    let timeouts = Timeouts::default().with_response(Duration::from_millis(100));
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.timeouts(timeouts).build().unwrap();
    let error = client.upload_bytes(&"s".into(), "a.mp4", vec![0; 1_000]).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    assert_eq!(server.requests("/api/upload-video/nemo_agent/me/s"), 1);
}
