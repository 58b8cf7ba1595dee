//! What a turn's report says is so: what changed, what failed, what could not be found out.

use std::time::{Duration, Instant};

use crate::support::raw::{RawServer, Reply};
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::local::{LocalBackend, SilentEdits, TrailingNoise};
use nemovideo::mock::{Events, MockNemo, MockResponse, wiremock};
use nemovideo::project::{Outcome, Project, Suggestion, TurnEvent, TurnReport};
use nemovideo::protocol::Endpoint;
use nemovideo::{NemoClient, Session, Timeouts};
use serde_json::{Value, json};

fn film() -> Draft {
    r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().expect("a draft")
}

fn state(state: &Value) -> MockResponse {
    let body = json!({ "code": 0, "data": { "state": state } });
    let answer = wiremock::ResponseTemplate::new(200).set_body_json(body);
    MockResponse::raw(Endpoint::State, answer)
}

/// A turn with these events, between these two states.
async fn turn(events: Events, before: MockResponse, after: MockResponse) -> TurnReport {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::session("t", "s")).await;
    nemo.given(before.times(1)).await;
    nemo.given(after).await;
    nemo.given(MockResponse::message(events)).await;
    let project = nemo.client().project("demo").await.expect("a project");
    project.say("hi").await.expect("a turn").finish().await.expect("a report")
}

/// A turn that changes nothing.
async fn said(events: Events) -> TurnReport {
    turn(events, MockResponse::state(Some(film())), MockResponse::state(Some(film()))).await
}

#[tokio::test]
async fn a_state_that_could_not_be_read_is_not_called_unchanged() {
    let gone = || MockResponse::error(Endpoint::State, nemovideo::ErrorCode::Other(7));
    let report = turn(Events::new(), MockResponse::state(None), gone()).await;
    assert_eq!(report.outcome, Outcome::Silent);
    assert!(report.summary().contains("could not be read"), "{}", report.summary());
    assert!(!report.summary().contains("Nothing changed"), "{}", report.summary());

    // What the stream told of the draft is told all the same.
    let report = turn(Events::new().draft(&film()), MockResponse::state(None), gone()).await;
    assert!(report.summary().contains("could not be read"), "{}", report.summary());
    assert!(report.summary().lines().count() > 1, "{}", report.summary());
}

#[tokio::test]
async fn a_change_around_the_timeline_is_told() {
    let draft: Value = serde_json::from_str(&film().to_json()).unwrap();
    let canvas = |width: u32, height: u32| {
        state(&json!({ "draft": draft, "canvas_config": { "width": width, "height": height } }))
    };
    let report = turn(Events::new(), canvas(1920, 1080), canvas(1080, 1920)).await;
    assert_eq!(report.summary(), "Canvas: 1920×1080 → 1080×1920");

    let media = |media: Value| state(&json!({ "draft": draft, "generated_media": media }));
    let report = turn(Events::new(), media(json!([])), media(json!(["a.mp4"]))).await;
    assert!(report.summary().contains("media"), "{}", report.summary());

    // A key that nobody knows is no change to tell of, and nothing is nothing however written.
    let seen = |seen: u32, media: Value| {
        state(&json!({ "draft": draft, "last_seen": seen, "generated_media": media }))
    };
    let report = turn(Events::new(), seen(1, Value::Null), seen(2, json!([]))).await;
    assert_eq!(report.summary(), "Nothing changed.");
}

#[tokio::test]
async fn what_it_failed_with_is_in_the_summary() {
    let failed = Events::new().text("Working on it…").failure("X", "model overloaded");
    assert_eq!(said(failed).await.summary(), "Working on it…\nmodel overloaded");
    // It went on after this one.
    let report = said(Events::new().failure("X", "retrying").text("All done.")).await;
    assert_eq!(report.summary(), "All done.");
    assert!(report.failure.is_some());
}

#[tokio::test]
async fn an_answer_of_nothing_but_buttons_is_told_in_words() {
    let report = said(Events::new().text("Click Export to save it.")).await;
    assert_eq!(report.summary(), "The video can be exported now.");
    assert_eq!(report.suggestions, [Suggestion::Export]);

    let gui = "Please click the Retry button or open the billing panel.";
    let report = said(Events::new().failure("X", gui)).await;
    for word in ["button", "panel", "lick"] {
        assert!(!report.summary().contains(word), "{}", report.summary());
    }
    assert_eq!(report.suggestions, [Suggestion::ShowCredits]);
}

async fn chatty(builder: nemovideo::local::LocalBackendBuilder) -> (LocalBackend, Project) {
    let backend = builder.placeholder_videos().start().await.expect("a backend");
    let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials();
    let client = client.build().expect("a client");
    let project = client.project("demo").await.expect("a project");
    (backend, project)
}

#[tokio::test]
async fn trailing_noise_is_left_out_in_both_languages() {
    let noisy = LocalBackend::builder().trailing_noise(TrailingNoise::Always);
    let (_backend, project) = chatty(noisy).await;
    for message in ["what can you do?", "narrate: One.", "你能做什么？", "加个标题“茶”"]
    {
        for say in [project.say(message), project.say(message).without_streaming()] {
            let text = say.await.unwrap().finish().await.unwrap().text;
            assert!(!text.contains("temporary") && !text.contains("临时问题"), "{message}: {text}");
            assert!(!text.is_empty(), "{message}");
        }
    }
}

#[tokio::test]
async fn a_second_film_has_its_stages_and_its_words_come_in_their_order() {
    let (_backend, project) = chatty(LocalBackend::builder()).await;
    for message in ["narrate: One.", "narrate: Two is another script."] {
        let turn = project.say(message).await.unwrap();
        let events: Vec<TurnEvent> = turn.map(Result::unwrap).collect().await;
        let at = |wanted: fn(&TurnEvent) -> bool| {
            events.iter().position(wanted).unwrap_or_else(|| panic!("{message}: {events:?}"))
        };
        let order = [
            at(|event| matches!(event, TurnEvent::Text(text) if text.contains("Working on"))),
            at(|event| matches!(event, TurnEvent::ToolStarted { .. })),
            at(|event| *event == TurnEvent::RawClipReady),
            at(|event| *event == TurnEvent::PostProductionDone),
            at(|event| matches!(event, TurnEvent::Text(text) if text.contains("1 sentence"))),
        ];
        assert!(order.is_sorted(), "{message}: {events:?}");
    }
}

#[tokio::test]
async fn a_resumed_project_goes_on_in_its_language() {
    let silent = LocalBackend::builder().silent_edits(SilentEdits::Always);
    let backend = silent.placeholder_videos().start().await.unwrap();
    let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials();
    let client = client.build().unwrap();
    let project = client.project("demo").language("zh-CN").await.unwrap();
    project.say("narrate: One.").await.unwrap().finish().await.unwrap();
    let written = serde_json::to_string(&project.session()).unwrap();

    let session: Session = serde_json::from_str(&written).unwrap();
    let ids = Session::new(session.task_id.clone(), session.session_id.clone());
    for (session, title) in [(session, "茶"), (ids.language("zh"), "水")] {
        let project = client.resume_project(session);
        let title = format!("add a title '{title}'");
        let report = project.say(title).await.unwrap().finish().await.unwrap();
        assert!(report.summary().contains("标题"), "{}", report.summary());
    }
}

#[tokio::test]
async fn credits_that_do_not_come_hold_nothing_up() {
    let server = RawServer::start(|request| match request.path() {
        "/run_sse" => Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
             data: {\"type\":\"text\",\"content\":\"Hello.\"}\n\n",
        ),
        "/api/credits/balance/simple" => Reply::stalled(),
        path if path.ends_with("/with-session/nemo_agent") => {
            Reply::json(r#"{"code":0,"data":{"task_id":"t","session_id":"s"}}"#.to_owned())
        }
        path if path.ends_with("/latest") => {
            Reply::json(r#"{"code":0,"data":{"state":null}}"#.to_owned())
        }
        _ => Reply::json(r#"{"code":0,"data":{"token":"t"}}"#.to_owned()),
    })
    .await;
    let timeouts = Timeouts::default().with_response(Duration::from_millis(200));
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let project = builder.timeouts(timeouts).build().unwrap().project("demo").await.unwrap();
    let began = Instant::now();
    let turn = project.say("hi").await.unwrap();
    let report = turn.finish().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!((report.text.as_str(), report.spent), ("Hello.", None));
    assert_eq!(server.requests("/api/credits/balance/simple"), 2);
}
