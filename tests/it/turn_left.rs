//! A message that was left before its end is kept, and can be picked up; what does not go together
//! with a turn is refused.

use std::time::Duration;

use crate::support::raw::{RawServer, Reply as Raw};
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::mock::{Events, MockNemo, MockResponse};
use nemovideo::project::{Dispatched, Outcome, Project};
use nemovideo::protocol::{Endpoint, RenderState, RenderStatus};
use nemovideo::{Error, NemoClient, Session, TurnRecovery};

const SOON: Duration = Duration::from_millis(1);

/// A service that answers a message so; its draft is there from the `done_at`th look on.
async fn service(message: Raw, done_at: usize) -> (RawServer, Project) {
    let server = RawServer::start(move |request| match request.path() {
        "/run_sse" => message.clone(),
        path if path.ends_with("/latest") => {
            let draft = match request.number_on_route() < done_at {
                true => "null",
                false => r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#,
            };
            Raw::json(format!(r#"{{"code":0,"data":{{"state":{{"draft":{draft}}}}}}}"#))
        }
        _ => Raw::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
    })
    .await;
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let client = builder.recovery(TurnRecovery::new(SOON, SOON, 3)).build().expect("a client");
    let project = client.resume_project(Session::new("t", "s"));
    (server, project)
}

#[tokio::test]
async fn a_dropped_say_leaves_what_it_takes_to_find_out() {
    // The head of the answer does not come, and the caller gives up.
    let (server, project) = service(Raw::stalled(), 2).await;
    assert!(project.pending().is_none());
    let patience = Duration::from_millis(500);
    assert!(tokio::time::timeout(patience, project.say("narrate: hello")).await.is_err());
    let pending = project.pending().expect("it may have been taken");

    let report = project.observe(&pending).unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::Recovered);
    assert!(report.draft.is_some() && !report.changes.is_empty());
    assert!(project.pending().is_none());
    assert_eq!(server.requests("/run_sse"), 1);
}

#[tokio::test]
async fn a_dropped_turn_is_resumed_with_what_was_said_before() {
    let stream = "data: {\"type\":\"text\",\"content\":\"On it. Click Export.\"}\n\n\
                  data: {\"type\":\"text\",\"content\":\"A moment\"}\n\n";
    let (server, project) = service(Raw::stalled_stream(stream), 2).await;
    let mut turn = project.say("narrate: hello").await.unwrap();
    while !project.pending().is_some_and(|pending| pending.text.ends_with("A moment")) {
        turn.next().await.unwrap().unwrap();
    }
    // One at a time, also when the other one is only watched.
    let pending = project.pending().unwrap();
    assert!(matches!(project.observe(&pending), Err(Error::Busy)));
    drop(turn);
    let report = project.observe(&pending).unwrap().finish().await.unwrap();
    assert_eq!(report.text, "On it.\nA moment");
    assert_eq!(server.requests("/run_sse"), 1);

    // It was not said here.
    let elsewhere = project.client().resume_project(Session::new("t", "other"));
    assert!(matches!(elsewhere.observe(&pending), Err(Error::InvalidInput(_))));
}

#[tokio::test]
async fn an_unknown_outcome_stays_until_it_is_known() {
    let broken = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                  content-length: 100000\r\n\r\ndata: heartbeat\n\n";
    // A look for the baseline, three in vain, then three more, of which the last one tells.
    let (_server, project) = service(Raw::raw(broken), 6).await;
    let report = project.say("narrate: hello").await.unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::Unknown);
    let pending = project.pending().expect("nothing was found out");
    assert_eq!(report.pending.as_ref(), Some(&pending));
    let report = project.observe(&pending).unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::Recovered);
    assert!(project.pending().is_none());
}

#[tokio::test]
async fn a_message_that_was_surely_not_taken_leaves_the_earlier_one_pending() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::session("t", "s")).await;
    nemo.given(MockResponse::state(None)).await;
    nemo.given(MockResponse::message(Events::new().text("x")).times(1)).await;
    nemo.given(MockResponse::error(Endpoint::Message, nemovideo::ErrorCode::OutOfCredits)).await;
    let project = nemo.client().project("demo").await.unwrap();
    drop(project.say("one").await.unwrap());
    let earlier = project.pending().unwrap();
    assert!(matches!(project.say("two").await, Err(Error::OutOfCredits(_))));
    assert_eq!(project.pending(), Some(earlier));
}

#[tokio::test]
async fn an_export_in_the_middle_of_a_turn_is_refused_like_a_second_turn() {
    let film: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().unwrap();
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::session("t", "s")).await;
    nemo.given(MockResponse::state(Some(film.clone()))).await;
    nemo.given(MockResponse::message(Events::new().text("x"))).await;
    nemo.given(MockResponse::render(&RenderState::new("r".into(), RenderStatus::Pending))).await;
    let project = nemo.client().project("demo").await.unwrap();
    let before = project.export();
    let turn = project.say("add music").await.unwrap();
    assert!(matches!(project.dispatch("export").await, Err(Error::Busy)));
    assert!(matches!(before.submit().await, Err(Error::Busy)));
    assert!(matches!(project.export().await, Err(Error::Busy)));
    assert!(nemo.renders().await.is_empty());
    // What is one's own is not half done.
    project.export().draft(film).submit().await.unwrap();
    turn.finish().await.unwrap();
    assert!(matches!(project.dispatch("export").await, Ok(Dispatched::Export(_))));
    before.submit().await.unwrap();
}

#[tokio::test]
async fn a_blank_message_is_refused_before_anything_is_sent() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::session("t", "s")).await;
    nemo.given(MockResponse::state(None)).await;
    nemo.given(MockResponse::message(Events::new().text("x"))).await;
    let project = nemo.client().project("demo").await.unwrap();
    for blank in ["", "   ", " \n\t\u{3000}"] {
        assert!(matches!(project.say(blank).await, Err(Error::InvalidInput(_))), "{blank:?}");
        assert!(matches!(project.dispatch(blank).await, Err(Error::InvalidInput(_))), "{blank:?}");
    }
    assert!(nemo.messages().await.is_empty());
    assert!(nemo.requests(Endpoint::State).await.is_empty());
}
