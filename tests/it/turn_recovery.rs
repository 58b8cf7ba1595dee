//! A message whose stream breaks is never sent again: the session's state is observed for its
//! outcome, if need be by another process.

use std::time::Duration;

use crate::support::raw::{RawResponse, RawServer};
use futures::StreamExt as _;
use futures::stream::FusedStream as _;
use nemovideo::draft::Draft;
use nemovideo::mock::{NemoMock, event, wiremock};
use nemovideo::protocol::Endpoint;
use nemovideo::{Error, NemoClient, PendingTurn, Timeouts, TurnRecovery, TurnUpdate};
use serde_json::json;

const SOON: Duration = Duration::from_millis(1);

fn draft(name: &str) -> Draft {
    format!(r#"{{"t":[{{"tt":0,"sg":[{{"d":1000,"m":{{"name":"{name}"}}}}]}}]}}"#)
        .parse()
        .expect("a draft")
}

fn client_of_mock(nemo: &NemoMock) -> NemoClient {
    nemo.client_builder().recovery(TurnRecovery::new(SOON, SOON, 5)).build().expect("a client")
}

/// Starts a service whose stream breaks after this text, and whose state changes at the read with
/// the index `changes_at`.
async fn breaking_after(text: &'static str, changes_at: usize) -> RawServer {
    RawServer::start(move |request| match request.path() {
        "/run_sse" => {
            let event = json!({ "type": "text", "content": text });
            RawResponse::broken_stream(&format!("data: {event}\n\n"))
        }
        path if path.ends_with("/latest") => {
            let name = if request.index_on_path() < changes_at { "before" } else { "after" };
            let draft = draft(name).to_json();
            RawResponse::json(format!(r#"{{"code":0,"data":{{"state":{{"draft":{draft}}}}}}}"#))
        }
        _ => RawResponse::token(),
    })
    .await
}

fn client_of(server: &RawServer) -> NemoClient {
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    builder.recovery(TurnRecovery::new(SOON, SOON, 5)).build().expect("a client")
}

#[tokio::test]
async fn a_complete_turn_yields_every_event_and_ends() {
    let nemo = NemoMock::start().await;
    nemo.state(None);
    nemo.stream([event::heartbeat(), event::pieces(["Do", "ne."])]);
    let mut turn = client_of_mock(&nemo).send_message(&"s".into(), "hi").watch();
    assert_eq!((turn.is_terminated(), turn.pending()), (false, None));
    assert_eq!(turn.next().await.unwrap().unwrap(), TurnUpdate::Connected);
    let mut events = 0;
    while let Some(update) = turn.next().await {
        assert!(matches!(update.unwrap(), TurnUpdate::Event(_)));
        assert!(!turn.is_terminated() && turn.pending().is_some());
        events += 1;
    }
    assert_eq!(events, 4);
    assert_eq!((turn.is_terminated(), turn.pending()), (true, None));
}

#[tokio::test]
async fn a_broken_turn_is_recovered_from_the_state_and_never_sent_again() {
    // One read for the baseline, two without a change.
    let server = breaking_after("Working", 3).await;
    let turn = client_of(&server).send_message(&"s".into(), "hi").watch();
    let updates: Vec<TurnUpdate> = turn.map(Result::unwrap).collect().await;
    let [
        TurnUpdate::Connected,
        TurnUpdate::Event(_),
        TurnUpdate::Recovering { .. },
        TurnUpdate::Unchanged { polls: 1, .. },
        TurnUpdate::Unchanged { polls: 2, .. },
        TurnUpdate::Recovered(state),
    ] = &updates[..]
    else {
        panic!("{updates:?}")
    };
    assert_eq!(state.draft, Some(draft("after")));
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn an_unknown_outcome_contains_all_that_was_observed() {
    let server = breaking_after("Working on", usize::MAX).await;
    let mut turn = client_of(&server).send_message(&"s".into(), "hi").watch();
    let mut last = None;
    while let Some(update) = turn.next().await {
        last = Some(update);
    }
    let Some(Err(Error::OutcomeUnknown(unknown))) = last else { panic!("{last:?}") };
    assert_eq!((unknown.polls, unknown.text.as_str()), (5, "Working on"));
    assert!(unknown.to_string().contains("not sent again"), "{unknown}");
    assert_eq!(server.requests("/run_sse"), 1);
    // One read for the baseline, five without a change.
    assert_eq!(server.requests("/api/state/nemo_agent/me/s/latest"), 6);
    assert!(turn.pending().is_some(), "a later read may still show the outcome");
}

#[tokio::test]
async fn a_turn_whose_whole_response_was_lost_is_recovered_from_the_state() {
    let nemo = NemoMock::start().await;
    nemo.state(None).times(1);
    nemo.state(draft("after"));
    let gateway = wiremock::ResponseTemplate::new(504);
    nemo.respond(Endpoint::Message, gateway);
    let turn = client_of_mock(&nemo).send_message(&"s".into(), "hi").watch();
    let updates: Vec<_> = turn.map(Result::unwrap).collect().await;
    assert!(matches!(updates.last(), Some(TurnUpdate::Recovered(_))), "{updates:?}");
    assert_eq!(nemo.messages().len(), 1);
}

#[tokio::test]
async fn an_error_response_in_place_of_the_state_recovers_nothing() {
    for body in [
        r#"{"message":"Unauthorized"}"#,
        r#"{"error":"upstream timeout"}"#,
        r#"{"code":0,"data":null}"#,
        r#"{"code":"E_DB","message":"down"}"#,
        "{}",
    ] {
        let nemo = NemoMock::start().await;
        nemo.state(draft("before")).times(1);
        let response = wiremock::ResponseTemplate::new(200).set_body_string(body);
        nemo.respond(Endpoint::State, response);
        let gateway = wiremock::ResponseTemplate::new(504);
        nemo.respond(Endpoint::Message, gateway);
        let turn = client_of_mock(&nemo).send_message(&"s".into(), "hi").watch();
        let updates: Vec<_> = turn.collect().await;
        let is_recovered = |update: &TurnUpdate| matches!(update, TurnUpdate::Recovered(_));
        assert!(!updates.iter().flatten().any(is_recovered), "{body}: {updates:?}");
        let last = updates.last();
        assert!(matches!(last, Some(Err(Error::OutcomeUnknown(_)))), "{body}: {updates:?}");
    }
}

#[tokio::test]
async fn an_error_response_ends_a_turn_without_anything_to_observe() {
    let nemo = NemoMock::start().await;
    nemo.state(None);
    nemo.fails(Endpoint::Message, nemovideo::ErrorCode::OutOfCredits);
    let mut turn = client_of_mock(&nemo).send_message(&"s".into(), "hi").watch();
    assert!(matches!(turn.next().await, Some(Err(Error::OutOfCredits(_)))));
    assert_eq!(turn.pending(), None);
    assert!(turn.next().await.is_none());
}

#[tokio::test]
async fn a_dropped_turn_closes_its_connection_and_is_resumed_elsewhere() {
    let server = RawServer::start(|request| match request.path() {
        "/run_sse" => {
            RawResponse::stalled_stream("data: {\"type\":\"text\",\"content\":\"On it\"}\n\n")
        }
        path if path.ends_with("/latest") => {
            // The work continues without a connection.
            let name = if request.index_on_path() == 0 { "before" } else { "after" };
            RawResponse::json(format!(
                r#"{{"code":0,"data":{{"state":{{"draft":{{"t":[],"name":"{name}"}}}}}}}}"#
            ))
        }
        _ => RawResponse::token(),
    })
    .await;
    let mut turn = client_of(&server).send_message(&"s".into(), "hi").watch();
    assert!(matches!(turn.next().await, Some(Ok(TurnUpdate::Connected))));
    assert!(matches!(turn.next().await, Some(Ok(TurnUpdate::Event(_)))));
    let serialized = serde_json::to_string(&turn.pending().unwrap()).unwrap();
    drop(turn);
    server.connection_closed("/run_sse").await;

    let pending: PendingTurn = serde_json::from_str(&serialized).unwrap();
    assert_eq!(pending.text, "On it");
    let mut resumed = client_of(&server).resume_turn(&pending);
    assert!(resumed.pending().is_some());
    assert!(matches!(resumed.next().await, Some(Ok(TurnUpdate::Recovered(_)))));
    assert_eq!((resumed.is_terminated(), resumed.pending()), (true, None));
    assert!(resumed.next().await.is_none());
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn every_timeout_of_a_stream_ends_it_with_an_unknown_outcome() {
    let short = Duration::from_millis(60);
    let long = Duration::from_secs(60);
    let all_long = Timeouts::default().with_idle(long).with_silence(long).with_total(long);
    let idle = all_long.with_idle(short);
    let silence = all_long.with_silence(short);
    let total = all_long.with_total(short);
    let cases = [
        (idle, RawResponse::stalled_stream(": hello\n\n"), "no data received"),
        (silence, RawResponse::endless_stream("data: heartbeat\n\n"), "only heartbeats"),
        (
            total,
            RawResponse::endless_stream("data: {\"type\":\"text\",\"content\":\"x\"}\n\n"),
            "did not end",
        ),
    ];
    for (timeouts, response, words) in cases {
        let server = RawServer::start(move |request| match request.path() {
            "/run_sse" => response.clone(),
            _ => RawResponse::token(),
        })
        .await;
        let client = NemoClient::builder()
            .base_url(server.url())
            .in_memory_credentials()
            .timeouts(timeouts)
            .build()
            .unwrap();
        let mut events = client.send_message(&"s".into(), "hi").await.unwrap();
        let error = loop {
            match events.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("{words}: the stream ended without an error"),
            }
        };
        assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn a_long_silence_reports_that_the_work_continues() {
    let server = RawServer::start(|request| match request.path() {
        "/run_sse" => RawResponse::endless_stream("data: heartbeat\n\n"),
        path if path.ends_with("/latest") => RawResponse::json(r#"{"code":0,"data":{"state":{}}}"#),
        _ => RawResponse::token(),
    })
    .await;
    let timeouts = Timeouts::default().with_still_working(Duration::from_millis(5));
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.timeouts(timeouts).build().unwrap();
    let mut turn = client.send_message(&"s".into(), "hi").watch();
    let mut reports = 0;
    while reports < 2 {
        if let TurnUpdate::StillWorking { elapsed } = turn.next().await.unwrap().unwrap() {
            reports += 1;
            assert!(elapsed >= timeouts.still_working() * reports);
        }
    }
}

/// Starts a service whose stream breaks, and whose state has these values in turn. The last one
/// stays.
async fn breaking_with_states(states: &'static [&'static str]) -> RawServer {
    RawServer::start(move |request| match request.path() {
        "/run_sse" => RawResponse::broken_stream("data: heartbeat\n\n"),
        path if path.ends_with("/latest") => {
            let state = states[request.index_on_path().min(states.len() - 1)];
            RawResponse::json(format!(r#"{{"code":0,"data":{{"state":{state}}}}}"#))
        }
        _ => RawResponse::token(),
    })
    .await
}

#[tokio::test]
async fn an_unknown_key_of_the_state_does_not_end_the_recovery_early() {
    let last = async |server: &RawServer| {
        let turn = client_of(server).send_message(&"s".into(), "hi").watch();
        turn.collect::<Vec<_>>().await.pop().unwrap()
    };
    let server = breaking_with_states(&[
        r#"{"draft":null,"last_seen":1}"#,
        r#"{"draft":null,"last_seen":2}"#,
        r#"{"draft":{"t":[]},"last_seen":3}"#,
    ])
    .await;
    let Ok(TurnUpdate::Recovered(state)) = last(&server).await else { panic!() };
    assert!(state.draft.is_some());

    // A change of the canvas or of the media counts like one of the draft.
    let server = breaking_with_states(&["{}", r#"{"canvas_config":{"width":1080}}"#, "{}"]).await;
    assert!(matches!(last(&server).await, Ok(TurnUpdate::Recovered(_))));
    assert_eq!(server.requests("/api/state/nemo_agent/me/s/latest"), 2);

    // If only an unknown key changes, the change counts once the value is stable.
    let server = breaking_with_states(&[r#"{"mood":1}"#, r#"{"mood":1}"#, r#"{"mood":2}"#]).await;
    assert!(matches!(last(&server).await, Ok(TurnUpdate::Recovered(_))));
    assert_eq!(server.requests("/api/state/nemo_agent/me/s/latest"), 6);
    let server = breaking_with_states(&[
        r#"{"n":1}"#,
        r#"{"n":2}"#,
        r#"{"n":3}"#,
        r#"{"n":4}"#,
        r#"{"n":5}"#,
        r#"{"n":6}"#,
    ])
    .await;
    assert!(matches!(last(&server).await, Err(Error::OutcomeUnknown(_))));
}

#[tokio::test]
async fn a_long_recovery_reports_that_the_work_continues() {
    let server = breaking_after("Working", usize::MAX).await;
    let timeouts = Timeouts::default().with_still_working(Duration::from_millis(5));
    let wait = Duration::from_millis(30);
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let builder = builder.timeouts(timeouts).recovery(TurnRecovery::new(wait, wait, 2));
    let turn = builder.build().unwrap().send_message(&"s".into(), "hi").watch();
    let updates: Vec<_> = turn.collect().await;
    let broken = updates
        .iter()
        .position(|update| matches!(update, Ok(TurnUpdate::Recovering { .. })))
        .unwrap();
    let read = updates
        .iter()
        .position(|update| matches!(update, Ok(TurnUpdate::Unchanged { .. })))
        .unwrap();
    let working = |updates: &[nemovideo::Result<TurnUpdate>]| {
        updates.iter().any(|update| matches!(update, Ok(TurnUpdate::StillWorking { .. })))
    };
    assert!(working(&updates[broken..read]) && working(&updates[read..]), "{updates:?}");
}

/// Returns the last update of a turn whose stream breaks and whose state then has this response, and
/// how often the state was read.
async fn after_a_break(response: &'static str) -> (nemovideo::Result<TurnUpdate>, usize) {
    let server = RawServer::start(move |request| match request.path() {
        "/run_sse" => RawResponse::broken_stream("data: heartbeat\n\n"),
        path if path.ends_with("/latest") && request.index_on_path() == 0 => {
            RawResponse::json(r#"{"code":0,"data":{"state":{}}}"#)
        }
        path if path.ends_with("/latest") => RawResponse::json(response),
        _ => RawResponse::token(),
    })
    .await;
    let builder = NemoClient::builder().base_url(server.url()).token("own");
    let client = builder.recovery(TurnRecovery::new(SOON, SOON, 5)).build().unwrap();
    let mut turn = client.send_message(&"s".into(), "hi").watch();
    let mut last = None;
    while let Some(update) = turn.next().await {
        last = Some(update);
    }
    // Another account may still see the session.
    let pending = turn.pending().unwrap();
    let reads = server.requests("/api/state/nemo_agent/me/s/latest");
    let resumed = client.resume_turn(&pending).next().await.unwrap();
    assert!(resumed.is_err(), "{resumed:?}");
    (last.unwrap(), reads)
}

#[tokio::test]
async fn what_cannot_be_observed_any_more_is_reported_at_once() {
    for gone in [r#"{"code":1002,"message":"no"}"#, r#"{"detail":"Session not found: s"}"#] {
        let (last, reads) = after_a_break(gone).await;
        let Err(error @ Error::SessionNotFound(_)) = last else { panic!("{last:?}") };
        assert!(error.may_have_taken_effect() && !error.is_retryable());
        assert!(error.advice().contains("charged"), "{}", error.advice());
        assert_eq!(reads, 2, "the baseline, and once after the break");
    }
    let (last, reads) = after_a_break(r#"{"code":1001,"message":"revoked"}"#).await;
    assert!(matches!(last, Err(Error::OutcomeUnknown(_))), "{last:?}");
    assert_eq!(reads, 2);
}
