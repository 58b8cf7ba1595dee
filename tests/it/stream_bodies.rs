//! A paid message is read in whatever form its response comes: raw responses of servers and proxies
//! that are no proper event streams.

use futures::StreamExt as _;
use nemovideo::project::{Outcome, TurnEvent};
use nemovideo::protocol::event::AgentEvent;
use nemovideo::{Error, NemoClient, Result, Timeouts, TurnRecovery};

use crate::support::raw::{RawResponse, RawServer};

/// Returns the events of a message whose response has these bytes.
async fn events_of(response: &[u8]) -> Result<Vec<Result<AgentEvent>>> {
    let (_server, client) = client_of(response.to_vec()).await;
    Ok(client.send_message(&"s".into(), "hi").streaming().await?.collect().await)
}

/// Returns the text of a message whose response has these bytes, and the failures in it.
async fn text_of(response: &[u8]) -> (String, Vec<String>) {
    let (_server, client) = client_of(response.to_vec()).await;
    let stream = client.send_message(&"s".into(), "hi").streaming().await.unwrap();
    let deltas: Vec<_> = stream.text().collect().await;
    let failures = deltas.iter().filter_map(|delta| delta.as_ref().err());
    let failures = failures.map(ToString::to_string).collect();
    (deltas.into_iter().flatten().collect(), failures)
}

async fn client_of(response: Vec<u8>) -> (RawServer, NemoClient) {
    let server = RawServer::start(move |request| match request.path() {
        "/run_sse" => RawResponse::bytes(response.clone()),
        path if path.contains("/state/") => RawResponse::json(r#"{"code":0,"data":{"state":{}}}"#),
        path if path.contains("/with-session/") => {
            RawResponse::json(r#"{"code":0,"data":{"task_id":"t","session_id":"s"}}"#)
        }
        _ => RawResponse::json(r#"{"code":0,"data":{"available":1}}"#),
    })
    .await;
    let soon = std::time::Duration::from_millis(10);
    let client = NemoClient::builder()
        .base_url(server.url())
        .token("t")
        .recovery(TurnRecovery::new(soon, soon, 2))
        .build();
    (server, client.unwrap())
}

macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!("../data/cases/wire/", $name, ".http"))
    };
}

fn kinds(events: &[Result<AgentEvent>]) -> Vec<&'static str> {
    events.iter().map(|event| event.as_ref().map_or("Err", AgentEvent::kind)).collect()
}

#[tokio::test]
async fn an_error_that_is_no_event_is_reported_once() {
    for (response, message) in [
        (case!("sse-plain-text-error").as_slice(), "Error: agent failed"),
        (case!("sse-bare-json-error"), "model overloaded"),
    ] {
        let events = events_of(response).await.unwrap();
        assert_eq!(kinds(&events), ["text", "error"], "{events:?}");
        let Ok(AgentEvent::Error(failure)) = &events[1] else { panic!("{events:?}") };
        assert_eq!(failure.message, message);
        let (text, failures) = text_of(response).await;
        assert_eq!(text, "Working");
        assert!(matches!(&failures[..], [failure] if failure.contains(message)), "{failures:?}");
    }
}

#[tokio::test]
async fn the_text_of_each_case_is_yielded_once() {
    for (response, expected) in [
        (case!("sse-lone-surrogate").as_slice(), "Great 😀 day"),
        (case!("sse-nan"), "Your video is ready."),
        (case!("sse-no-ctype"), "Hi"),
        (case!("sse-partial-tool-preview"), "Done."),
    ] {
        assert_eq!(text_of(response).await, (expected.to_owned(), Vec::new()));
    }
}

#[tokio::test]
async fn a_call_and_its_preview_are_one_call() {
    let events = events_of(case!("sse-partial-tool-preview")).await.unwrap();
    assert_eq!(kinds(&events), ["tool_call", "tool_result", "text"], "{events:?}");
    let Ok(AgentEvent::ToolCall(call)) = &events[0] else { panic!("{events:?}") };
    assert_eq!((call.args.to_string().as_str(), call.is_preview), (r#"{"a":1}"#, false));
}

/// Returns a response with these header lines and this body, which ends with the connection.
fn response(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}").into_bytes()
}

const TEXT: &str = r#"{"type":"text","content":"Hi"}"#;

#[tokio::test]
async fn events_are_read_under_any_content_type() {
    let bodies = [
        format!("data: {TEXT}\n\n"),
        format!(": hello\n\ndata: {TEXT}\n\n"),
        format!("{TEXT}\n"),
        format!("[{TEXT}]"),
        format!("\u{feff}{TEXT}"),
        format!("{{\"code\":0,\"data\":[{TEXT}]}}"),
        TEXT.replace(',', ",\n"),
    ];
    for content_type in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/octet-stream\r\n",
        "Content-Type: application/x-ndjson; charset=utf-8\r\n",
        "Content-Type: application/json\r\n",
        "Content-Type: text/html\r\n",
        "Content-Type: Text/Event-Stream;charset=UTF-8\r\n",
    ] {
        for body in &bodies {
            let text = text_of(&response(content_type, body)).await;
            assert_eq!(text, ("Hi".to_owned(), Vec::new()), "{content_type} {body}");
        }
    }
}

#[tokio::test]
async fn what_is_no_event_is_one_error_under_any_content_type() {
    for (head, body) in [
        ("", ""),
        ("", "<html><h1>502 Bad Gateway</h1></html>"),
        ("Content-Type: text/html\r\n", "<!DOCTYPE html>\n<p>gone</p>\n"),
        ("Content-Type: application/json\r\n", "{\"code\":0,\"data\":{"),
        ("Content-Type: application/json\r\n", r#"{"code":0,"message":"queued"}"#),
        ("Content-Type: application/json\r\n", "[]"),
        ("Content-Type: text/plain\r\n", "upstream request timeout"),
        ("Content-Type: text/event-stream\r\n", "<html>\n<h1>502</h1>\n"),
    ] {
        let error = match events_of(&response(head, body)).await {
            Err(error) => error,
            Ok(events) => events.into_iter().filter_map(Result::err).next().expect("an error"),
        };
        assert!(matches!(error, Error::NotAStream { .. }), "{head}{body}: {error:?}");
        assert!(error.may_have_taken_effect() && !error.is_retryable());

        // Whether the work was done is found out from the state.
        let (server, client) = client_of(response(head, body)).await;
        let updates: Vec<_> = client.send_message(&"s".into(), "hi").watch().collect().await;
        let last = updates.last().unwrap();
        assert!(matches!(last, Err(Error::OutcomeUnknown(_))), "{head}{body}: {updates:?}");
        assert_eq!(server.requests("/run_sse"), 1);
    }
}

#[tokio::test]
async fn an_error_response_stays_one_under_any_content_type() {
    for head in ["", "Content-Type: text/plain\r\n", "Content-Type: application/json\r\n"] {
        for (body, code) in [
            (r#"{"code":1002,"message":"no such session"}"#, Some(1002)),
            (" {\n\"code\": 2001,\n\"message\": \"none left\"\n}\n", Some(2001)),
            (r#"{"detail":"Session not found: s"}"#, Some(1002)),
        ] {
            let error = events_of(&response(head, body)).await.unwrap_err();
            assert_eq!(error.code().map(|code| code.number()), code, "{head}{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_error_at_the_start_of_a_stream_neither_ends_it_nor_sends_the_message_again() {
    for head in ["", "Content-Type: application/json\r\n", "Content-Type: text/event-stream\r\n"] {
        for code in ["\"BUSY\"", "429", "1001", "1010", "1002", "2001"] {
            let error = format!("{{\"code\":{code},\"message\":\"model busy, retrying\"}}");
            let (server, client) = client_of(response(head, &format!("{error}\n{TEXT}\n"))).await;
            let stream = client.send_message(&"s".into(), "hi").await.unwrap();
            let events: Vec<_> = stream.collect().await;
            assert_eq!(kinds(&events), ["error", "text"], "{head}{code}: {events:?}");
            assert_eq!(server.requests("/run_sse"), 1);
        }
    }
}

#[tokio::test]
async fn an_error_response_alone_in_an_event_stream_is_one() {
    let head = "Content-Type: text/event-stream\r\n";
    for code in [1001, 1002, 2001, 429] {
        let body = format!("{{\"code\":{code},\"message\":\"no\"}}\n");
        let (server, client) = client_of(response(head, &body)).await;
        let mut turn = client.send_message(&"s".into(), "hi").watch();
        let updates: Vec<_> = turn.by_ref().collect().await;
        let Some(Err(error)) = updates.last() else { panic!("{updates:?}") };
        assert_eq!(error.code().map(|code| code.number()), Some(code), "{error:?}");
        assert!(!error.may_have_taken_effect() && turn.pending().is_none());
        assert_eq!(server.requests("/run_sse"), 1);
    }
}

#[tokio::test]
async fn an_error_without_a_code_leaves_the_outcome_open() {
    for body in [
        r#"{"success":false,"message":"model crashed"}"#,
        r#"{"code":"BUSY","message":"model busy"}"#,
        r#"{"detail":"model crashed"}"#,
    ] {
        let error = events_of(&response("", body)).await.unwrap_err();
        assert!(matches!(error, Error::Api(_)) && error.may_have_taken_effect(), "{error:?}");

        let (server, client) = client_of(response("", body)).await;
        let updates: Vec<_> = client.send_message(&"s".into(), "hi").watch().collect().await;
        let Some(Err(error)) = updates.last() else { panic!("{body}: {updates:?}") };
        assert!(matches!(error, Error::OutcomeUnknown(_)), "{body}: {error:?}");
        assert_eq!(server.requests("/run_sse"), 1);
    }
}

#[tokio::test]
async fn what_was_received_before_it_showed_what_it_is_is_kept() {
    let body = "{\"code\":\"BUSY\",\"message\":\"model busy, retrying\"}\n";
    let broken = response("Content-Length: 1000\r\n", body);
    let (server, client) = client_of(broken).await;
    let stream = client.send_message(&"s".into(), "hi").await.unwrap();
    let events: Vec<_> = stream.collect().await;
    assert!(matches!(events.last(), Some(Err(Error::OutcomeUnknown(_)))), "{events:?}");
    assert_eq!(kinds(&events), ["error", "Err"], "{events:?}");
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn a_body_that_never_shows_what_it_is_ends_with_the_timeouts_of_a_stream() {
    let server = RawServer::start(|_| RawResponse::endless_file("\n")).await;
    let soon = std::time::Duration::from_millis(50);
    let timeouts = Timeouts::default().with_response(soon).with_total(2 * soon);
    let client = NemoClient::builder().base_url(server.url()).token("t").timeouts(timeouts);
    let stream = client.build().unwrap().send_message(&"s".into(), "hi").await.unwrap();
    let events: Vec<_> = stream.collect().await;
    assert!(matches!(&events[..], [Err(Error::OutcomeUnknown(_))]), "{events:?}");
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn a_project_reports_an_error_that_is_no_event() {
    let (_server, client) = client_of(case!("sse-plain-text-error").to_vec()).await;
    let project = client.project("demo").await.unwrap();
    let events: Vec<_> = project.say("hi").await.unwrap().collect().await;
    let failed = events.iter().any(|event| {
        matches!(event, Ok(TurnEvent::Failed { message }) if message == "Error: agent failed")
    });
    assert!(failed, "{events:?}");
    let Some(Ok(TurnEvent::Finished(report))) = events.last() else { panic!("{events:?}") };
    assert_eq!(report.outcome, Outcome::Replied);
    assert_eq!(report.summary(), "Working\nError: agent failed");
}
