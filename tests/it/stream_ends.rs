//! An event stream ends only where the service ends it: not within an event, and not by a timeout
//! that is turned off.

use std::time::Duration;

use crate::support::raw::{RawResponse, RawServer};
use futures::StreamExt as _;
use nemovideo::mock::{NemoMock, event, wiremock::ResponseTemplate};
use nemovideo::protocol::Endpoint;
use nemovideo::protocol::event::AgentEvent;
use nemovideo::{Error, ExponentialRetry, MessageStream, NemoClient, Result, Timeouts};
use tokio::net::TcpListener;

/// Returns the events of a stream with this body, after which the connection closes.
async fn events_of(body: &str) -> Vec<Result<AgentEvent>> {
    let (_server, events) = open_stream(body).await;
    events.collect().await
}

/// Opens a stream with this body. The server must outlive it.
async fn open_stream(body: &str) -> (RawServer, MessageStream) {
    let response = RawResponse::stream(body);
    let server = RawServer::start(move |_| response.clone()).await;
    let client = NemoClient::builder().base_url(server.url()).token("t").build();
    let events = client.expect("a client").send_message(&"s".into(), "hi").await;
    (server, events.expect("a stream"))
}

#[tokio::test]
async fn the_text_of_a_stream_is_yielded_once_and_a_failure_does_not_end_it() {
    let body: String = [
        r#"{"content":{"parts":[{"text":"Your video "}]},"partial":true}"#,
        "heartbeat",
        r#"{"content":{"parts":[{"text":"A thought.","thought":true}]}}"#,
        r#"{"content":{"parts":[{"text":"Your video is ready."}]}}"#,
        r#"{"errorCode":"E","errorMessage":"too busy"}"#,
        r#"{"type":"text","content":"Enjoy."}"#,
    ]
    .map(|data| format!("data: {data}\n\n"))
    .concat();
    let (_server, events) = open_stream(&body).await;
    let deltas: Vec<_> = events.text().collect().await;
    let failures: Vec<_> = deltas.iter().filter_map(|delta| delta.as_ref().err()).collect();
    assert!(matches!(failures[..], [Error::AgentFailed(_)]), "{deltas:?}");
    let text: String = deltas.into_iter().flatten().collect();
    assert_eq!(text, "Your video is ready.\nEnjoy.");

    // An error of the stream itself ends it.
    let (_server, events) = open_stream("data: {\"type\":\"te").await;
    let deltas: Vec<_> = events.text().collect().await;
    assert!(matches!(deltas[..], [Err(Error::OutcomeUnknown(_))]), "{deltas:?}");
}

#[tokio::test]
async fn a_stream_that_ends_within_an_event_has_an_unknown_outcome() {
    for cut in ["data: {\"type\":\"text\",\"content\":\"two, ha", "data: {\"type\":\"te\n", "da"] {
        let events =
            events_of(&format!("data: {{\"type\":\"text\",\"content\":\"one\"}}\n\n{cut}")).await;
        assert_eq!(events.len(), 2, "{cut}: {events:?}");
        assert!(matches!(&events[1], Err(Error::OutcomeUnknown(_))), "{cut}: {events:?}");
    }
}

#[tokio::test]
async fn a_complete_last_event_is_yielded_without_its_blank_line() {
    for end in ["", "\n", "\r", "\n\n", "\n\n: bye"] {
        let events =
            events_of(&format!("data: {{\"type\":\"text\",\"content\":\"last words\"}}{end}"))
                .await;
        assert!(events.iter().all(Result::is_ok), "{end:?}: {events:?}");
        let is_yielded = events
            .iter()
            .flatten()
            .any(|event| matches!(event, AgentEvent::Text(text) if text.text == "last words"));
        assert!(is_yielded, "{end:?}: {events:?}");
    }
}

#[tokio::test]
async fn a_compressed_stream_is_an_error_instead_of_an_empty_stream() {
    let nemo = NemoMock::start().await;
    let compressed = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(b"\x1f\x8b".as_slice(), "text/event-stream");
    nemo.respond(Endpoint::Message, compressed);
    let error = nemo.client().send_message(&"s".into(), "hi").await.unwrap_err();
    let Error::NotAStream { content_type, .. } = error else { panic!("{error:?}") };
    assert_eq!(content_type, "text/event-stream, compressed (gzip)");
}

#[tokio::test]
async fn a_timeout_that_is_turned_off_never_ends_a_turn() {
    let nemo = NemoMock::start().await;
    nemo.state(None);
    nemo.stream([event::text("hi")]);
    let timeouts = Timeouts::default()
        .with_connect(Duration::MAX)
        .with_response(Duration::MAX)
        .with_idle(Duration::MAX)
        .with_silence(Duration::MAX)
        .with_total(Duration::MAX)
        .with_still_working(Duration::MAX);
    let client = nemo.client_builder().timeouts(timeouts).build().unwrap();
    let updates: Vec<_> = client.send_message(&"s".into(), "hi").watch().collect().await;
    assert!(!updates.is_empty() && updates.iter().all(Result::is_ok), "{updates:?}");

    // Nor does it overflow while a broken turn is observed.
    let failed = ResponseTemplate::new(500);
    nemo.respond(Endpoint::Message, failed);
    let mut updates: Vec<_> = client.send_message(&"s".into(), "hi").watch().collect().await;
    let last = updates.pop();
    assert!(matches!(last, Some(Err(Error::OutcomeUnknown(_)))), "{last:?}");
}

#[tokio::test]
async fn a_message_that_timed_out_before_the_connection_was_not_accepted() {
    // Accepts connections and never responds to the TLS handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let timeouts = Timeouts::default().with_response(Duration::from_millis(200));
    let client = NemoClient::builder().base_url(url).token("t").timeouts(timeouts);
    let client = client.retry(ExponentialRetry::never()).build().unwrap();
    let error = client.send_message(&"s".into(), "hi").await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert!(!error.may_have_taken_effect());
}

#[tokio::test]
async fn an_unknown_outcome_keeps_the_error_message_of_the_service() {
    let nemo = NemoMock::start().await;
    let overloaded = ResponseTemplate::new(500)
        .set_body_string(r#"{"code":5003,"message":"the model is overloaded"}"#);
    nemo.respond(Endpoint::Message, overloaded);
    let error = nemo.client().send_message(&"s".into(), "hi").await.unwrap_err();
    let Error::OutcomeUnknown(unknown) = &error else { panic!("{error:?}") };
    let source = unknown.source.as_ref().expect("the service's error").to_string();
    assert!(source.contains("5003") && source.contains("the model is overloaded"), "{source}");
}
