//! What becomes of a message whose stream breaks: it is observed, never sent again, and can be
//! picked up by another process.

use std::time::Duration;

use crate::support::raw::{RawServer, Reply};
use futures::StreamExt as _;
use futures::stream::FusedStream as _;
use nemovideo::draft::Draft;
use nemovideo::mock::{Events, MockNemo, MockResponse, wiremock};
use nemovideo::protocol::Endpoint;
use nemovideo::{Error, NemoClient, PendingTurn, Timeouts, TurnRecovery, TurnUpdate};
use serde_json::json;

const SOON: Duration = Duration::from_millis(1);

fn draft(name: &str) -> Draft {
    format!(r#"{{"t":[{{"tt":0,"sg":[{{"d":1000,"m":{{"name":"{name}"}}}}]}}]}}"#)
        .parse()
        .expect("a draft")
}

fn watching(nemo: &MockNemo) -> NemoClient {
    nemo.client_builder().recovery(TurnRecovery::new(SOON, SOON, 5)).build().expect("a client")
}

/// A service whose stream breaks after some text, and whose state changes at a later look.
async fn breaking(text: &'static str, changes_at: usize) -> RawServer {
    RawServer::start(move |request| match request.path() {
        "/run_sse" => {
            // It promises more than it sends, so that the connection breaks.
            let event = json!({ "type": "text", "content": text });
            Reply::raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                 content-length: 100000\r\n\r\ndata: {event}\n\n"
            ))
        }
        path if path.ends_with("/latest") => {
            let draft =
                draft(if request.number_on_route() < changes_at { "before" } else { "after" });
            Reply::json(format!(
                r#"{{"code":0,"data":{{"state":{{"draft":{}}}}}}}"#,
                draft.to_json()
            ))
        }
        _ => Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
    })
    .await
}

fn client_of(server: &RawServer) -> NemoClient {
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    builder.recovery(TurnRecovery::new(SOON, SOON, 5)).build().expect("a client")
}

#[tokio::test]
async fn a_whole_turn_passes_every_event_on_and_ends() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::state(None)).await;
    nemo.given(MockResponse::message(Events::new().heartbeat().pieces(["Do", "ne."]))).await;
    let mut turn = watching(&nemo).send_message(&"s".into(), "hi").watch();
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
async fn a_broken_turn_is_told_from_the_state_and_never_sent_again() {
    // A look for the baseline, two in vain.
    let server = breaking("Working", 3).await;
    let turn = client_of(&server).send_message(&"s".into(), "hi").watch();
    let updates: Vec<TurnUpdate> = turn.map(Result::unwrap).collect().await;
    let [
        TurnUpdate::Connected,
        TurnUpdate::Event(_),
        TurnUpdate::Recovering { .. },
        TurnUpdate::Unchanged { reads: 1 },
        TurnUpdate::Unchanged { reads: 2 },
        TurnUpdate::Recovered(state),
    ] = &updates[..]
    else {
        panic!("{updates:?}")
    };
    assert_eq!(state.draft, Some(draft("after")));
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn an_outcome_that_nothing_tells_is_unknown_with_all_that_was_observed() {
    let server = breaking("Working on", usize::MAX).await;
    let mut turn = client_of(&server).send_message(&"s".into(), "hi").watch();
    let mut last = None;
    while let Some(update) = turn.next().await {
        last = Some(update);
    }
    let Some(Err(Error::OutcomeUnknown(unknown))) = last else { panic!("{last:?}") };
    assert_eq!((unknown.reads, unknown.text.as_str()), (5, "Working on"));
    assert!(unknown.to_string().contains("not sent again"), "{unknown}");
    assert_eq!(server.requests("/run_sse"), 1);
    // One look for the baseline, five in vain.
    assert_eq!(server.requests("/api/state/nemo_agent/me/s/latest"), 6);
    assert!(turn.pending().is_some(), "a later look may still tell");
}

#[tokio::test]
async fn an_answer_that_was_lost_altogether_is_observed_too() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::state(None).times(1)).await;
    nemo.given(MockResponse::state(Some(draft("after")))).await;
    let gateway = wiremock::ResponseTemplate::new(504);
    nemo.given(MockResponse::raw(Endpoint::Message, gateway)).await;
    let turn = watching(&nemo).send_message(&"s".into(), "hi").watch();
    let updates: Vec<_> = turn.map(Result::unwrap).collect().await;
    assert!(matches!(updates.last(), Some(TurnUpdate::Recovered(_))), "{updates:?}");
    assert_eq!(nemo.messages().await.len(), 1);
}

#[tokio::test]
async fn an_error_in_place_of_the_state_recovers_nothing() {
    for said in [
        r#"{"message":"Unauthorized"}"#,
        r#"{"error":"upstream timeout"}"#,
        r#"{"code":0,"data":null}"#,
        r#"{"code":"E_DB","message":"down"}"#,
        "{}",
    ] {
        let nemo = MockNemo::start().await;
        nemo.given(MockResponse::state(Some(draft("before"))).times(1)).await;
        let said = wiremock::ResponseTemplate::new(200).set_body_string(said);
        nemo.given(MockResponse::raw(Endpoint::State, said)).await;
        let gateway = wiremock::ResponseTemplate::new(504);
        nemo.given(MockResponse::raw(Endpoint::Message, gateway)).await;
        let turn = watching(&nemo).send_message(&"s".into(), "hi").watch();
        let updates: Vec<_> = turn.collect().await;
        assert!(!updates.iter().flatten().any(|update| matches!(update, TurnUpdate::Recovered(_))));
        assert!(matches!(updates.last(), Some(Err(Error::OutcomeUnknown(_)))), "{updates:?}");
    }
}

#[tokio::test]
async fn a_refusal_ends_a_turn_without_anything_to_observe() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::state(None)).await;
    nemo.given(MockResponse::error(Endpoint::Message, nemovideo::ErrorCode::OutOfCredits)).await;
    let mut turn = watching(&nemo).send_message(&"s".into(), "hi").watch();
    assert!(matches!(turn.next().await, Some(Err(Error::OutOfCredits(_)))));
    assert_eq!(turn.pending(), None);
    assert!(turn.next().await.is_none());
}

#[tokio::test]
async fn a_dropped_turn_closes_its_connection_and_is_picked_up_elsewhere() {
    let server = RawServer::start(|request| match request.path() {
        "/run_sse" => Reply::stalled_stream("data: {\"type\":\"text\",\"content\":\"On it\"}\n\n"),
        path if path.ends_with("/latest") => {
            // The work goes on whether anybody listens or not.
            let name = if request.number_on_route() == 0 { "before" } else { "after" };
            Reply::json(format!(
                r#"{{"code":0,"data":{{"state":{{"draft":{{"t":[],"name":"{name}"}}}}}}}}"#
            ))
        }
        _ => Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
    })
    .await;
    let mut turn = client_of(&server).send_message(&"s".into(), "hi").watch();
    assert!(matches!(turn.next().await, Some(Ok(TurnUpdate::Connected))));
    assert!(matches!(turn.next().await, Some(Ok(TurnUpdate::Event(_)))));
    let written = serde_json::to_string(&turn.pending().unwrap()).unwrap();
    drop(turn);
    server.connection_closed("/run_sse").await;

    let pending: PendingTurn = serde_json::from_str(&written).unwrap();
    assert_eq!(pending.text, "On it");
    let mut resumed = client_of(&server).resume_turn(&pending);
    assert!(resumed.pending().is_some());
    assert!(matches!(resumed.next().await, Some(Ok(TurnUpdate::Recovered(_)))));
    assert_eq!((resumed.is_terminated(), resumed.pending()), (true, None));
    assert!(resumed.next().await.is_none());
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn every_clock_of_a_stream_ends_it_as_unknown() {
    let short = Duration::from_millis(60);
    let long = Duration::from_secs(60);
    let all_long = Timeouts::default().with_idle(long).with_silence(long).with_total(long);
    let idle = all_long.with_idle(short);
    let silence = all_long.with_silence(short);
    let total = all_long.with_total(short);
    let cases = [
        (idle, Reply::stalled_stream(": hello\n\n"), "no data received"),
        (silence, Reply::endless_stream("data: heartbeat\n\n"), "only heartbeats"),
        (
            total,
            Reply::endless_stream("data: {\"type\":\"text\",\"content\":\"x\"}\n\n"),
            "did not end",
        ),
    ];
    for (timeouts, reply, words) in cases {
        let server = RawServer::start(move |request| match request.path() {
            "/run_sse" => reply.clone(),
            _ => Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
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
                None => panic!("{words}: it ended"),
            }
        };
        assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn a_long_silence_says_that_the_work_goes_on() {
    let server = RawServer::start(|request| match request.path() {
        "/run_sse" => Reply::endless_stream("data: heartbeat\n\n"),
        path if path.ends_with("/latest") => {
            Reply::json(r#"{"code":0,"data":{"state":{}}}"#.to_owned())
        }
        _ => Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
    })
    .await;
    let timeouts = Timeouts::default().with_still_working(Duration::from_millis(5));
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.timeouts(timeouts).build().unwrap();
    let mut turn = client.send_message(&"s".into(), "hi").watch();
    let mut told = 0;
    while told < 2 {
        if let TurnUpdate::StillWorking { elapsed } = turn.next().await.unwrap().unwrap() {
            told += 1;
            assert!(elapsed >= timeouts.still_working() * told);
        }
    }
}

/// A service whose stream breaks, and whose states are these, the last one for ever.
async fn states(states: &'static [&'static str]) -> RawServer {
    RawServer::start(move |request| match request.path() {
        "/run_sse" => Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
             content-length: 100000\r\n\r\ndata: heartbeat\n\n",
        ),
        path if path.ends_with("/latest") => {
            let state = states[request.number_on_route().min(states.len() - 1)];
            Reply::json(format!(r#"{{"code":0,"data":{{"state":{state}}}}}"#))
        }
        _ => Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
    })
    .await
}

#[tokio::test]
async fn a_key_that_nobody_knows_does_not_end_the_recovery_early() {
    let last = async |server: &RawServer| {
        let turn = client_of(server).send_message(&"s".into(), "hi").watch();
        turn.collect::<Vec<_>>().await.pop().unwrap()
    };
    let server = states(&[
        r#"{"draft":null,"last_seen":1}"#,
        r#"{"draft":null,"last_seen":2}"#,
        r#"{"draft":{"t":[]},"last_seen":3}"#,
    ])
    .await;
    let Ok(TurnUpdate::Recovered(state)) = last(&server).await else { panic!() };
    assert!(state.draft.is_some());

    // The canvas, or the media, are as good as the draft.
    let server = states(&["{}", r#"{"canvas_config":{"width":1080}}"#, "{}"]).await;
    assert!(matches!(last(&server).await, Ok(TurnUpdate::Recovered(_))));
    assert_eq!(server.requests("/api/state/nemo_agent/me/s/latest"), 2);

    // Nothing else ever changes: it counts once it stands still, and not while it moves.
    let server = states(&[r#"{"mood":1}"#, r#"{"mood":1}"#, r#"{"mood":2}"#]).await;
    assert!(matches!(last(&server).await, Ok(TurnUpdate::Recovered(_))));
    assert_eq!(server.requests("/api/state/nemo_agent/me/s/latest"), 6);
    let server = states(&[
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
async fn a_long_recovery_says_that_the_work_goes_on() {
    let server = breaking("Working", usize::MAX).await;
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
