//! A turn that was dropped before its end stays pending and can be resumed. While a turn is in
//! progress, the calls that conflict with it fail.

use std::time::Duration;

use crate::support::raw::{RawResponse, RawServer};
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::mock::{NemoMock, event};
use nemovideo::project::{Dispatched, Outcome, Project};
use nemovideo::protocol::{Endpoint, RenderState, RenderStatus};
use nemovideo::{Error, NemoClient, Session, TurnRecovery};

const SOON: Duration = Duration::from_millis(1);

/// Starts a service with this response to a message. The draft is in the state from the read with
/// the index `done_at`.
async fn service(message: RawResponse, done_at: usize) -> (RawServer, Project) {
    let server = RawServer::start(move |request| match request.path() {
        "/run_sse" => message.clone(),
        path if path.ends_with("/latest") => {
            let draft = match request.index_on_path() < done_at {
                true => "null",
                false => r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#,
            };
            RawResponse::json(format!(r#"{{"code":0,"data":{{"state":{{"draft":{draft}}}}}}}"#))
        }
        _ => RawResponse::token(),
    })
    .await;
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.recovery(TurnRecovery::new(SOON, SOON, 3)).build().expect("a client");
    let project = client.resume_project(Session::new("t", "s"));
    (server, project)
}

#[tokio::test]
async fn a_message_dropped_before_its_response_stays_pending() {
    // The head of the response does not arrive, and the caller gives up.
    let (server, project) = service(RawResponse::stalled(), 2).await;
    assert!(project.pending().is_none());
    let patience = Duration::from_millis(500);
    assert!(tokio::time::timeout(patience, project.say("narrate: hello")).await.is_err());
    let pending = project.pending().expect("the message may have been accepted");

    let report = project.observe(&pending).unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::Recovered);
    assert!(report.draft.is_some() && !report.changes.is_empty());
    assert!(project.pending().is_none());
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn a_dropped_turn_is_resumed_with_the_text_received_before() {
    let stream = "data: {\"type\":\"text\",\"content\":\"On it. Click Export.\"}\n\n\
                  data: {\"type\":\"text\",\"content\":\"A moment\"}\n\n";
    let (server, project) = service(RawResponse::stalled_stream(stream), 2).await;
    let mut turn = project.say("narrate: hello").await.unwrap();
    while !project.pending().is_some_and(|pending| pending.text.ends_with("A moment")) {
        turn.next().await.unwrap().unwrap();
    }
    // A session has one turn at a time, even if the other one is only observed.
    let pending = project.pending().unwrap();
    assert!(matches!(project.observe(&pending), Err(Error::Busy)));
    drop(turn);
    let report = project.observe(&pending).unwrap().finish().await.unwrap();
    assert_eq!(report.text, "On it.\nA moment");
    assert_eq!(server.requests("/run_sse"), 1);

    // The message belongs to another session.
    let elsewhere = project.client().resume_project(Session::new("t", "other"));
    assert!(matches!(elsewhere.observe(&pending), Err(Error::InvalidInput(_))));
}

#[tokio::test]
async fn a_turn_stays_pending_until_its_outcome_is_known() {
    let broken = RawResponse::broken_stream("data: heartbeat\n\n");
    // One read for the baseline, three without a change, then three more, of which the last one
    // shows the draft.
    let (_server, project) = service(broken, 6).await;
    let report = project.say("narrate: hello").await.unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::Unknown);
    let pending = project.pending().expect("the outcome is unknown");
    assert_eq!(report.pending.as_ref(), Some(&pending));
    let report = project.observe(&pending).unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::Recovered);
    assert!(project.pending().is_none());
}

#[tokio::test]
async fn a_rejected_message_leaves_the_earlier_one_pending() {
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.state(None);
    nemo.stream([event::text("x")]).times(1);
    nemo.fails(Endpoint::Message, nemovideo::ErrorCode::OutOfCredits);
    let project = nemo.client().project("demo").await.unwrap();
    drop(project.say("one").await.unwrap());
    let earlier = project.pending().unwrap();
    assert!(matches!(project.say("two").await, Err(Error::OutOfCredits(_))));
    assert_eq!(project.pending(), Some(earlier));
}

#[tokio::test]
async fn an_export_during_a_turn_fails_like_a_second_turn() {
    let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().unwrap();
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.state(draft.clone());
    nemo.stream([event::text("x")]);
    nemo.render_submitted(&RenderState::new("r".into(), RenderStatus::Pending));
    let project = nemo.client().project("demo").await.unwrap();
    let before = project.export();
    let turn = project.say("add music").await.unwrap();
    assert!(matches!(project.dispatch("export").await, Err(Error::Busy)));
    assert!(matches!(before.submit().await, Err(Error::Busy)));
    assert!(matches!(project.export().await, Err(Error::Busy)));
    assert!(nemo.renders().is_empty());
    // A draft that the caller passes in is complete.
    project.export().draft(draft).submit().await.unwrap();
    turn.finish().await.unwrap();
    assert!(matches!(project.dispatch("export").await, Ok(Dispatched::Export(_))));
    before.submit().await.unwrap();
}

#[tokio::test]
async fn a_blank_message_fails_before_anything_is_sent() {
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.state(None);
    nemo.stream([event::text("x")]);
    let project = nemo.client().project("demo").await.unwrap();
    for blank in ["", "   ", " \n\t\u{3000}"] {
        assert!(matches!(project.say(blank).await, Err(Error::InvalidInput(_))), "{blank:?}");
        assert!(matches!(project.dispatch(blank).await, Err(Error::InvalidInput(_))), "{blank:?}");
    }
    assert!(nemo.messages().is_empty());
    assert!(nemo.requests(Endpoint::State).is_empty());
}
