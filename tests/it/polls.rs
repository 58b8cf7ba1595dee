//! Whatever the status route responds, a render is waited for until its end, and never submitted
//! again because of a poll. The state of a session is read whatever is beside its draft.

use std::time::Duration;

use crate::support::raw::{RawResponse, RawServer};
use futures::StreamExt as _;
use nemovideo::{
    Error, ExponentialRetry, NemoClient, RenderJob, RenderPolling, RenderProgress, RenderedVideo,
};

const STATUS: &str = "/api/render/proxy/lambda/r";
const SUBMIT: &str = "/api/render/proxy/lambda";
const DOWNLOAD: &str = "/api/render/proxy/r/download";
const POLLING: RenderPolling = RenderPolling::new(Duration::ZERO, 10);

/// Returns a response of `tests/data/cases/wire`.
macro_rules! case {
    ($name:literal) => {
        RawResponse::bytes(*include_bytes!(concat!("../data/cases/wire/", $name, ".http")))
    };
}

fn client_of(server: &RawServer) -> NemoClient {
    let builder = NemoClient::builder().base_url(server.url()).token("t").polling(POLLING);
    builder.retry(ExponentialRetry::never()).build().expect("a client")
}

fn job() -> RenderJob {
    let job = r#"{"id":"r","session_id":"s","draft":{"t":[{"tt":0,"sg":[{"d":1000}]}]}}"#;
    serde_json::from_str(job).expect("a job")
}

fn error_404() -> RawResponse {
    case!("poll-404-first")
}

fn processing() -> RawResponse {
    RawResponse::json(r#"{"id":"r","status":"processing","progress":40}"#)
}

fn completed() -> RawResponse {
    RawResponse::json(
        r#"{"id":"r","status":"completed","output":{"url":"https://cdn.test/f.mp4"}}"#,
    )
}

/// Starts a server whose status route sends these responses, the last one from then on. A
/// replacement of the render has the last one too.
async fn server_with(statuses: Vec<RawResponse>) -> RawServer {
    RawServer::start(move |request| match request.path() {
        STATUS => statuses[request.index_on_path().min(statuses.len() - 1)].clone(),
        "/api/render/proxy/lambda/r_again" => statuses[statuses.len() - 1].clone(),
        DOWNLOAD if request.header("authorization") == Some("Bearer t") => {
            RawResponse::bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nthe video")
        }
        _ => RawResponse::bytes("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"),
    })
    .await
}

/// Waits for the render, and returns the outcome and the number of polls.
async fn wait(statuses: Vec<RawResponse>) -> (Result<RenderedVideo, Error>, usize) {
    let server = server_with(statuses).await;
    let outcome = client_of(&server).wait_for_render(&job()).await;
    assert_eq!(server.requests(SUBMIT), 0, "nothing is submitted again");
    (outcome, server.requests(STATUS))
}

/// Responses that show nothing about a render.
fn missed() -> Vec<(&'static str, RawResponse)> {
    vec![
        ("404", error_404()),
        ("404 in the envelope", RawResponse::json(r#"{"code":404,"message":"no such render"}"#)),
        ("page", case!("poll-html-200")),
        ("empty", RawResponse::json("")),
        ("null", RawResponse::json("null")),
        ("truncated", RawResponse::json(r#"{"id":"r","status":"comp"#)),
        ("no status", RawResponse::json(r#"{"id":"r","error":"not found"}"#)),
        ("status of another type", RawResponse::json(r#"{"id":"r","status":7}"#)),
        ("message", RawResponse::json(r#"{"detail":"render not found"}"#)),
        ("text", RawResponse::bytes("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nwarming")),
        ("no content", RawResponse::bytes("HTTP/1.1 204 No Content\r\n\r\n")),
        (
            "compressed",
            RawResponse::bytes(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f!!!",
            ),
        ),
    ]
}

#[tokio::test]
async fn every_known_word_for_an_end_ends_the_wait() {
    for (end, reason) in [
        (case!("poll-canceled"), "it was cancelled"),
        (case!("poll-error"), "the service gave no reason"),
        (RawResponse::json(r#"{"status":"error","error":"bad codec"}"#), "bad codec"),
        (RawResponse::json(r#"{"status":"Timed-Out","message":"too slow"}"#), "too slow"),
        (RawResponse::json(r#"{"data":{"status":"ABORTED"}}"#), "it was cancelled"),
        (RawResponse::json(r#"{"status":"killed"}"#), "it was cancelled"),
        (RawResponse::json(r#"{"status":"crashed","message":"no memory"}"#), "no memory"),
    ] {
        let (outcome, polls) = wait(vec![processing(), end]).await;
        let Err(Error::RenderFailed { reason: found, .. }) = outcome else {
            panic!("{reason}: {outcome:?}")
        };
        assert_eq!((found.as_str(), polls), (reason, 2));
    }
    let (outcome, polls) = wait(vec![case!("poll-succeeded")]).await;
    assert_eq!((outcome.unwrap().url.as_str(), polls), ("http://127.0.0.1/f.mp4", 1));
}

#[tokio::test]
async fn a_render_that_is_ready_without_a_file_is_waited_for() {
    let ready = RawResponse::json(r#"{"id":"r","status":"ready"}"#);
    let statuses = [vec![ready.clone(); 6], vec![processing(), completed()]].concat();
    let (outcome, polls) = wait(statuses).await;
    assert_eq!((outcome.unwrap().url.as_str(), polls), ("https://cdn.test/f.mp4", 8));

    let file = RawResponse::json(r#"{"id":"r","status":"ready","outputUrl":"https://cdn.test/g"}"#);
    let (outcome, polls) = wait(vec![ready, file]).await;
    assert_eq!((outcome.unwrap().url.as_str(), polls), ("https://cdn.test/g", 2));
}

#[tokio::test]
async fn a_poll_that_shows_nothing_is_repeated() {
    for (name, response) in missed() {
        let (outcome, polls) = wait(vec![response.clone(), completed()]).await;
        assert_eq!(outcome.expect(name).url, "https://cdn.test/f.mp4", "{name}");
        assert_eq!(polls, 2, "{name}");

        // Later in the wait it is repeated as well.
        let three = [response.clone(), response.clone(), response.clone()];
        let later = [&[processing()][..], &three, &[processing(), response, completed()]].concat();
        let (outcome, polls) = wait(later).await;
        assert!(outcome.is_ok() && polls == 7, "{name}: {polls} {outcome:?}");
    }
}

#[tokio::test]
async fn a_status_that_is_never_shown_ends_the_wait_with_its_error() {
    for (name, response) in missed() {
        let (outcome, polls) = wait(vec![response]).await;
        let error = outcome.unwrap_err();
        // A render that the service does not know ends the wait earlier than its own limit.
        assert_eq!(polls, if name.starts_with("404") { 4 } else { 10 }, "{name}");
        match name {
            "404" => assert_eq!(error.api().and_then(|api| api.status), Some(404)),
            "404 in the envelope" | "message" => assert!(matches!(error, Error::Api(_)), "{error}"),
            _ => assert!(matches!(error, Error::Decode { .. }), "{name}: {error}"),
        }
        if name == "compressed" {
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains("gzip"), "{source}");
        }
    }
    // Any other error is final at once.
    for (status, expected) in [("403 Forbidden", 403), ("410 Gone", 410)] {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let (outcome, polls) = wait(vec![RawResponse::bytes(head), completed()]).await;
        assert_eq!(outcome.unwrap_err().api().and_then(|api| api.status), Some(expected));
        assert_eq!(polls, 1);
    }
    for code in [1001, 1002, 2001, 402] {
        let body = format!(r#"{{"code":{code},"message":"no"}}"#);
        let statuses = vec![processing(), RawResponse::json(body), completed()];
        let (outcome, polls) = wait(statuses).await;
        assert_eq!(outcome.unwrap_err().code().map(|code| code.number()), Some(code));
        assert_eq!(polls, 2, "{code}");
    }
}

/// Responses of a service that is out of order.
fn outage() -> Vec<RawResponse> {
    let broken = ["", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"id\":", "no http\r\n\r\n"];
    let status = |status: &str| {
        RawResponse::bytes(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))
    };
    let mut responses: Vec<_> = broken.map(RawResponse::bytes).into();
    responses
        .extend(["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"].map(status));
    responses.push(status("429 Too Many Requests\r\nretry-after: 0"));
    responses
}

#[tokio::test]
async fn a_wait_survives_an_outage_and_each_of_its_polls_is_one_request() {
    let statuses = [vec![processing()], outage(), outage(), vec![completed()]].concat();
    let expected = statuses.len();
    let server = server_with(statuses).await;
    // With retries: a poll makes none.
    let builder = NemoClient::builder().base_url(server.url()).token("t");
    let client = builder.polling(RenderPolling::new(Duration::ZERO, 100)).build().unwrap();
    let steps: Vec<_> = client.wait_for_render(&job()).map(Result::unwrap).collect().await;
    let missed = steps.iter().filter(|step| matches!(step, RenderProgress::Missed { .. })).count();
    assert_eq!((missed, steps.len()), (expected - 2, expected), "{steps:?}");
    assert!(matches!(steps.last(), Some(RenderProgress::Completed(_))));
    assert_eq!((server.requests(STATUS), server.requests(SUBMIT)), (expected, 0));
}

#[tokio::test]
async fn an_outage_ends_a_wait_at_its_own_limit() {
    for down in outage() {
        let server = server_with(vec![processing(), down.clone()]).await;
        let client = NemoClient::builder().base_url(server.url()).token("t").polling(POLLING);
        let client = client.build().unwrap();
        let error = client.wait_for_render(&job()).await.unwrap_err();
        assert!(matches!(error, Error::RenderUnfinished { polls: 10, .. }), "{error}");
        // What was never seen is not said to continue.
        let server = server_with(vec![down]).await;
        let client = NemoClient::builder().base_url(server.url()).token("t").polling(POLLING);
        let error = client.build().unwrap().wait_for_render(&job()).await.unwrap_err();
        assert!(
            !matches!(error, Error::RenderUnfinished { .. }) && error.is_retryable(),
            "{error}"
        );
        assert_eq!(server.requests(STATUS), 10);
    }
}

#[tokio::test]
async fn a_poll_replaces_an_expired_token_once() {
    let expired = || RawResponse::json(r#"{"code":1001,"message":"expired"}"#);
    for (statuses, is_done) in [(vec![expired(), completed()], true), (vec![expired()], false)] {
        let server = RawServer::start(move |request| match request.path() {
            STATUS => statuses[request.index_on_path().min(statuses.len() - 1)].clone(),
            _ => RawResponse::token(),
        })
        .await;
        let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
        let outcome = builder.polling(POLLING).build().unwrap().wait_for_render(&job()).await;
        assert_eq!(outcome.is_ok(), is_done, "{outcome:?}");
        assert_eq!((server.requests(STATUS), server.requests("/api/auth/anonymous-token")), (2, 2));
    }
}

#[tokio::test]
async fn polls_that_show_nothing_count_against_the_limits_of_the_wait() {
    for (polling, expected) in [
        (RenderPolling::new(Duration::ZERO, 2), 2),
        (POLLING.with_max_wait(Duration::ZERO), 1),
        (RenderPolling::growing(Duration::ZERO, 150, Duration::ZERO).with_max_polls(3), 3),
    ] {
        let server = server_with(vec![error_404()]).await;
        let poller = client_of(&server).wait_for_render(&job()).polling(polling);
        let error = poller.await.unwrap_err();
        let Error::RenderUnfinished { job: returned, polls } = error else { panic!("{error}") };
        assert_eq!((*returned, polls), (job(), expected));
    }
}

#[tokio::test]
async fn a_completed_render_without_a_url_is_polled_again_and_then_downloaded_by_its_id() {
    let no_url = || case!("poll-completed-no-url");
    let (outcome, polls) = wait(vec![no_url(), no_url(), completed()]).await;
    assert_eq!((outcome.unwrap().url.as_str(), polls), ("https://cdn.test/f.mp4", 3));

    for empty in [
        no_url(),
        RawResponse::json(r#"{"status":"done","output":{"url":"","size":9}}"#),
        RawResponse::json(r#"{"status":"SUCCESS","output":{"url":null},"outputUrl":" "}"#),
    ] {
        let server = server_with(vec![empty]).await;
        let client = client_of(&server);
        let steps: Vec<_> =
            client.wait_for_render(&job()).map(|progress| progress.unwrap()).collect().await;
        let [first, .., RenderProgress::Completed(video)] = &steps[..] else { panic!("{steps:?}") };
        assert!(matches!(first, RenderProgress::Processing { .. }));
        assert_eq!((steps.len(), server.requests(STATUS)), (4, 4));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mp4");
        client.download(video, &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"the video");
        assert_eq!(server.requests(DOWNLOAD), 1, "it is not requested without the token");
    }
    // The last poll of a wait is the last one for a URL too.
    let server = server_with(vec![no_url()]).await;
    let poller = client_of(&server).wait_for_render(&job());
    let video = poller.polling(RenderPolling::new(Duration::ZERO, 1)).await.unwrap();
    assert_eq!(video.url, format!("{}{DOWNLOAD}", server.url()));
}

#[tokio::test]
async fn a_submission_that_was_lost_is_not_repeated_while_the_service_may_not_know_it_yet() {
    let statuses = [error_404(), error_404(), case!("poll-html-200"), processing()];
    let server = RawServer::start(move |request| match request.path() {
        // The response to the submission is lost.
        SUBMIT => RawResponse::bytes(""),
        STATUS => statuses[request.index_on_path().min(3)].clone(),
        _ => RawResponse::token(),
    })
    .await;
    client_of(&server).ensure_submitted(&job()).await.unwrap();
    assert_eq!((server.requests(SUBMIT), server.requests(STATUS)), (1, 4));
}

#[tokio::test]
async fn a_render_whose_id_is_in_use_was_submitted_before() {
    let server = RawServer::start(move |request| match (request.path(), request.index_on_path()) {
        (SUBMIT, _) => RawResponse::json(r#"{"code":5009,"message":"the id is in use"}"#),
        (STATUS, 0) => error_404(),
        _ => processing(),
    })
    .await;
    let client = client_of(&server);
    let state = client.ensure_submitted(&job()).await.unwrap();
    assert_eq!(state.progress, Some(40.0));
    assert_eq!(server.requests(SUBMIT), 1);

    // It is looked up with patience, but a page does not make it unknown.
    let server = server_with(vec![case!("poll-html-200"), processing()]).await;
    client_of(&server).ensure_submitted(&job()).await.unwrap();
    assert_eq!(server.requests(SUBMIT), 0);
}

#[tokio::test]
async fn the_draft_is_read_whatever_is_beside_it() {
    for response in
        [case!("state-nan-beside"), case!("state-surrogate-beside"), case!("state-latin1-beside")]
    {
        let server = RawServer::start(move |_| response.clone()).await;
        let state = client_of(&server).session_state(&"s".into()).await.unwrap();
        let draft = state.draft.expect("a draft").to_json();
        assert_eq!(draft, r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#);
    }
    let broken = r#"{"data":{"state":{"draft":{"t":[{"sg":[{"d":NaN}]}]}}}}"#;
    let server = RawServer::start(move |_| RawResponse::json(broken)).await;
    let error = client_of(&server).session_state(&"s".into()).await.unwrap_err();
    assert!(matches!(&error, Error::Decode { path, .. } if path == "draft"), "{error}");
}
