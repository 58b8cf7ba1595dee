//! The options of a single call: what they change, and what they cannot change. Then what a
//! response says of itself, the function that watches the requests, and the reason of an error.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use nemovideo::client::RequestEvent;
use nemovideo::error::{ConnectionFailure, TimeoutKind};
use nemovideo::local::LocalBackend;
use nemovideo::protocol::Endpoint;
use nemovideo::retry::FailureKind;
use nemovideo::{
    ClientBuilder, CreateSession, Credits, Error, ErrorCode, ExponentialRetry, NemoClient,
    RenderPolling, RenderedVideo,
};

use crate::support::raw::{RawResponse, RawServer};

const CREDITS: &str = "/api/credits/balance/simple";
const BALANCE: &str = r#"{"code":0,"data":{"available":60,"frozen":0,"total":60}}"#;
/// Far less than any timeout of the client, and far more than a call takes.
const SOON: Duration = Duration::from_millis(300);
/// The shortest timeout of the client.
const LATE: Duration = Duration::from_secs(10);

fn builder(url: &str) -> ClientBuilder {
    let retry = ExponentialRetry::default().with_initial_delay(Duration::ZERO);
    NemoClient::builder().base_url(url).token("nmv_usr_hunter2").retry(retry)
}

fn client(server: &RawServer) -> NemoClient {
    builder(server.url()).build().unwrap()
}

fn response(head: &str, body: &str) -> RawResponse {
    let length = body.len();
    RawResponse::bytes(format!(
        "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

fn file_of(server: &RawServer) -> RenderedVideo {
    let url = format!("{}/video.mp4", server.url());
    let video = serde_json::json!({ "id": "r", "url": url, "duration": null, "size": null });
    serde_json::from_value(video).unwrap()
}

#[tokio::test]
async fn a_timeout_limits_all_attempts_at_a_call() {
    let server = RawServer::start(|_| RawResponse::stalled()).await;
    let client = client(&server);
    let started = Instant::now();
    let error = client.credits().timeout(SOON).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { after: SOON, .. }), "{error:?}");
    assert_eq!(server.requests(CREDITS), 1, "no time is left for another attempt");

    // A call that may have taken effect does not end with an error that can be retried.
    let id = "s".into();
    for error in [
        client.create_session(CreateSession::default()).timeout(SOON).await.unwrap_err(),
        client.send_message(&id, "hi").timeout(SOON).await.unwrap_err(),
        client.upload_bytes(&id, "a.txt", "Hello.").timeout(SOON).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::OutcomeUnknown(_)), "{error:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let download = client.download(&file_of(&server), directory.path().join("a.mp4"));
    assert!(matches!(download.timeout(SOON).await, Err(Error::Timeout { .. })));
    assert!(started.elapsed() < LATE);
}

#[tokio::test]
async fn a_timeout_limits_the_body_of_a_response() {
    let server = RawServer::start(|request| match request.path() {
        "/run_sse" => RawResponse::endless_stream("data: heartbeat\n\n"),
        _ => RawResponse::endless_file("x"),
    })
    .await;
    let client = client(&server);
    let started = Instant::now();
    let stream = client.send_message(&"s".into(), "hi").timeout(SOON).await.unwrap();
    let events: Result<Vec<_>, _> = stream.try_collect().await;
    assert!(matches!(events, Err(Error::OutcomeUnknown(_))), "{events:?}");
    let directory = tempfile::tempdir().unwrap();
    let download = client.download(&file_of(&server), directory.path().join("a.mp4"));
    let error = download.timeout(SOON).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { kind: TimeoutKind::Total, .. }), "{error:?}");
    assert!(started.elapsed() < LATE);
}

#[tokio::test]
async fn a_timeout_of_a_poller_leaves_the_render_to_continue_with() {
    let server =
        RawServer::start(|_| RawResponse::json(r#"{"status":"processing","progress":1}"#)).await;
    let polling = RenderPolling::new(Duration::from_millis(20), u32::MAX);
    let client = builder(server.url()).polling(polling).build().unwrap();
    let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}],"d":1000}"#.parse().unwrap();
    let job = nemovideo::RenderJob::new("s".into(), draft, nemovideo::RenderOutput::mp4());
    let started = Instant::now();
    let error = client.wait_for_render(&job).timeout(SOON).await.unwrap_err();
    assert_eq!(error.render_job(), Some(&job), "{error:?}");
    assert!(started.elapsed() < LATE);
}

#[tokio::test]
async fn a_timeout_replaces_the_clients_own() {
    let server = RawServer::start(|_| RawResponse::stalled()).await;
    let timeouts = nemovideo::Timeouts::default().with_response(Duration::from_millis(20));
    let client = builder(server.url()).timeouts(timeouts).build().unwrap();
    let started = Instant::now();
    let error = client.credits().timeout(SOON).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { after: SOON, .. }), "{error:?}");
    assert!(started.elapsed() >= SOON);
}

#[tokio::test]
async fn a_policy_of_a_call_replaces_the_clients_and_makes_nothing_unsafe() {
    let server = RawServer::start(|_| response("503 Unavailable", "")).await;
    let client = client(&server);
    let once = client.credits().retry(ExponentialRetry::never());
    assert!(once.await.is_err());
    assert_eq!(server.requests(CREDITS), 1);
    let error = client.credits().await.unwrap_err();
    assert_eq!(error.call().unwrap().attempts, 4);

    let eager = ExponentialRetry::default().with_initial_delay(Duration::ZERO);
    let message = client.send_message(&"s".into(), "hi").retry(eager.with_max_attempts(9));
    assert!(matches!(message.await, Err(Error::OutcomeUnknown(_))));
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn a_header_of_a_call_goes_to_the_api_alone_and_replaces_none_of_the_clients() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    let server = RawServer::start(move |request| {
        let header = |name| request.header(name).map(str::to_owned);
        let seen = (request.path().to_owned(), header("x-trace-id"), header("authorization"));
        log.lock().unwrap().push(seen);
        match request.path() {
            CREDITS => RawResponse::json(BALANCE),
            _ => response("404 Not Found", ""),
        }
    })
    .await;
    let client = client(&server);
    client.credits().header("X-Trace-Id", "7d3f").await.unwrap();
    client.credits().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let download = client.download(&file_of(&server), directory.path().join("a.mp4"));
    assert!(download.header("x-trace-id", "7d3f").await.is_err());
    let own = |text: &str| Some(text.to_owned());
    let (trace, token) = (own("7d3f"), own("Bearer nmv_usr_hunter2"));
    let route = "/api/render/proxy/r/download";
    assert_eq!(
        *heads.lock().unwrap(),
        [
            (CREDITS.to_owned(), trace.clone(), token.clone()),
            (CREDITS.to_owned(), None, token.clone()),
            ("/video.mp4".to_owned(), None, None),
            (route.to_owned(), trace, token),
        ]
    );

    heads.lock().unwrap().clear();
    let id = "s".into();
    for name in ["Authorization", "X-Skill-Source", "x-client-id", "Content-Length", "a b"] {
        let message = client.send_message(&id, "hi").header(name, "hunter3");
        for error in [
            client.credits().header(name, "hunter3").await.unwrap_err(),
            message.await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
            assert!(!format!("{error:?}{error}").contains("hunter3"), "{error:?}");
        }
        let request = client.credits().header(name, "hunter3");
        assert!(!format!("{request:?}").contains("hunter3"));
    }
    assert!(heads.lock().unwrap().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn metadata_is_there_on_success_and_on_error() {
    let head = "x-request-id: req-7\r\nx-ratelimit-limit: 60\r\nx-ratelimit-remaining: 59\r\n\
                x-ratelimit-reset: 12\r\ncontent-type: application/json";
    let server = RawServer::start(move |request| match request.path() {
        CREDITS => response(&format!("200 OK\r\n{head}"), BALANCE),
        "/run_sse" => response(
            "200 OK\r\nx-request-id: req-8\r\ncontent-type: text/event-stream",
            "data: {\"type\":\"text\",\"content\":\"hi\"}\n\n",
        ),
        path if path.starts_with("/api/upload") => {
            response(&format!("201 Created\r\n{head}"), r#"{"code":0,"data":{"files":[]}}"#)
        }
        _ => response(&format!("402 Payment\r\n{head}\r\nretry-after: 7"), ""),
    })
    .await;
    let client = client(&server);
    let id = "s".into();
    let (credits, metadata) = client.credits().with_metadata().await.unwrap();
    assert_eq!(credits.available.get(), 60.0);
    assert_eq!((metadata.status, metadata.request_id.as_deref()), (200, Some("req-7")));
    let limit = metadata.rate_limit;
    assert_eq!((limit.limit, limit.remaining), (Some(60), Some(59)));
    assert_eq!(limit.reset_after, Some(Duration::from_secs(12)));

    let upload = client.upload_bytes(&id, "a.txt", "Hello.").with_metadata();
    let (_files, metadata) = upload.timeout(LATE).await.unwrap();
    assert_eq!(metadata.status, 201);

    let mut stream = client.send_message(&id, "hi").await.unwrap();
    assert_eq!(stream.metadata().request_id.as_deref(), Some("req-8"));
    assert_eq!(stream.metadata().rate_limit.limit, None);
    while stream.next().await.is_some() {}

    let error = client.session_state(&id).with_metadata().await.unwrap_err();
    let metadata = error.metadata().unwrap();
    assert_eq!((metadata.status, metadata.rate_limit.remaining), (402, Some(59)));
    assert_eq!(metadata.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(error.api().unwrap().metadata(), Some(metadata));
}

#[tokio::test]
async fn each_attempt_is_reported_once() {
    let server = RawServer::start(|request| match (request.path(), request.index_on_path()) {
        (CREDITS, 0) => RawResponse::bytes("nothing"),
        (CREDITS, 1) => response("503 Unavailable\r\nx-request-id: req-2", ""),
        (CREDITS, _) => RawResponse::json(BALANCE),
        ("/run_sse", _) => RawResponse::json(r#"{"code":2001,"message":"none left"}"#),
        _ => RawResponse::endless_file("x"),
    })
    .await;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let report = move |event: &RequestEvent<'_>| {
        let code = event.error.and_then(Error::code).map(|code| code.number());
        let failure = event.failure.map(|failure| match failure {
            FailureKind::NoResponse => "no response",
            FailureKind::ServerError { .. } => "server error",
            _ => "another failure",
        });
        let (endpoint, status) = (event.endpoint, event.status());
        assert_eq!((event.method(), event.route()), (endpoint.method(), endpoint.template()));
        assert_eq!(event.request_id(), (status == Some(503)).then_some("req-2"));
        log.lock().unwrap().push((endpoint, event.attempt, status, failure, code));
    };
    let client = builder(server.url()).on_request(report).build().unwrap();
    client.credits().await.unwrap();
    assert!(client.send_message(&"s".into(), "hi").await.is_err());
    let directory = tempfile::tempdir().unwrap();
    let download = client.download(&file_of(&server), directory.path().join("a.mp4"));
    assert!(download.timeout(SOON).await.is_err());
    assert_eq!(
        *lines.lock().unwrap(),
        [
            (Endpoint::Credits, 1, None, Some("no response"), None),
            (Endpoint::Credits, 2, Some(503), Some("server error"), Some(503)),
            (Endpoint::Credits, 3, Some(200), None, None),
            (Endpoint::Message, 1, Some(200), None, Some(2001)),
            (Endpoint::File, 1, Some(200), None, None),
        ]
    );
}

#[tokio::test]
async fn a_message_that_requires_credits_is_sent_only_if_they_are_there() {
    let backend = LocalBackend::builder().placeholder_videos().credits(Credits::new(60.0));
    let backend = backend.start().await.unwrap();
    let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials();
    let client = client.build().unwrap();
    let id = client.create_session(CreateSession::default()).await.unwrap().session_id;
    let message = || client.send_message(&id, "narrate: Good morning.");

    let too_much = Credits::new(60.5);
    let error = message().require_credits(too_much).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::OutOfCredits));
    assert!(error.to_string().contains("60 credits are left"), "{error}");
    assert!(error.to_string().contains("requires 60.5"), "{error}");
    assert!(!error.may_have_taken_effect());
    assert!(error.advice().contains("register"), "{}", error.advice());
    let updates: Result<Vec<_>, _> =
        message().require_credits(too_much).watch().try_collect().await;
    assert!(matches!(updates, Err(Error::OutOfCredits(_))), "{updates:?}");
    assert_eq!(backend.counters().messages_run, 0);

    let mut stream = message().require_credits(60).await.unwrap();
    while stream.next().await.is_some() {}
    assert_eq!(backend.counters().messages_run, 1);
}

#[tokio::test]
async fn a_connection_error_says_its_reason_and_no_secret() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let plain = LocalBackend::builder().placeholder_videos().start().await.unwrap();
    let plain = plain.url().replace("http://", "https://");
    for (url, reason, words) in [
        (format!("http://127.0.0.1:{port}"), ConnectionFailure::Refused, "was refused"),
        ("https://nemo.invalid".to_owned(), ConnectionFailure::Dns, "(DNS)"),
        (plain, ConnectionFailure::Tls, "TLS handshake failed"),
    ] {
        let client = builder(&url).build().unwrap();
        let error = client.credits().retry(ExponentialRetry::never()).await.unwrap_err();
        let Error::Unreachable(failure) = &error else { panic!("{error:?}") };
        assert_eq!(failure.reason, reason, "{error:?}");
        let shown = format!("{error} {}", error.advice());
        assert!(shown.contains(words), "{shown}");
        assert!(!format!("{shown}{error:?}").contains("hunter2"), "{error:?}");
    }
    let stalled = RawServer::start(|_| RawResponse::stalled()).await;
    let proxied = builder("https://nemo.invalid").proxy(stalled.url()).connect_timeout(SOON);
    let error = proxied.build().unwrap().credits().retry(ExponentialRetry::never()).await;
    let Err(Error::Unreachable(failure)) = error else { panic!("{error:?}") };
    assert_eq!(failure.reason, ConnectionFailure::TimedOut, "{failure:?}");
}
