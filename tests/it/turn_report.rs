//! A turn's report states what changed, what failed and what is not known.

use std::time::Duration;

use crate::support::raw::{RawResponse, RawServer};
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::local::{Frequency, LocalBackend};
use nemovideo::mock::event::{self, Event};
use nemovideo::mock::wiremock::ResponseTemplate;
use nemovideo::mock::{NemoMock, respond};
use nemovideo::project::{Outcome, Project, Suggestion, TurnEvent, TurnReport};
use nemovideo::protocol::Endpoint;
use nemovideo::{NemoClient, Session, Timeouts};
use serde_json::{Value, json};

fn draft() -> Draft {
    r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().expect("a draft")
}

fn state(state: &Value) -> ResponseTemplate {
    respond::data(json!({ "state": state }))
}

/// Runs a turn with these events between these two states.
async fn report_between(
    events: impl IntoIterator<Item = Event>,
    before: ResponseTemplate,
    after: ResponseTemplate,
) -> TurnReport {
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.respond(Endpoint::State, before);
    nemo.respond(Endpoint::State, after);
    nemo.stream(events);
    let project = nemo.client().project("demo").await.expect("a project");
    project.say("hi").await.expect("a turn").finish().await.expect("a report")
}

/// Runs a turn with these events that changes nothing.
async fn report_of(events: impl IntoIterator<Item = Event>) -> TurnReport {
    let state = || respond::state(draft());
    report_between(events, state(), state()).await
}

#[tokio::test]
async fn an_unreadable_state_is_not_reported_as_unchanged() {
    let gone = || respond::error(nemovideo::ErrorCode::Other(7));
    let report = report_between([], respond::state(None), gone()).await;
    assert_eq!(report.outcome, Outcome::Silent);
    assert!(report.summary().contains("could not be read"), "{}", report.summary());
    assert!(!report.summary().contains("Nothing changed"), "{}", report.summary());

    // The draft that the stream contained is reported nevertheless.
    let report = report_between([event::draft(&draft())], respond::state(None), gone()).await;
    assert!(report.summary().contains("could not be read"), "{}", report.summary());
    assert!(report.summary().lines().count() > 1, "{}", report.summary());
}

#[tokio::test]
async fn a_change_outside_of_the_timeline_is_reported() {
    let draft: Value = serde_json::from_str(&draft().to_json()).unwrap();
    let canvas = |width: u32, height: u32| {
        state(&json!({ "draft": draft, "canvas_config": { "width": width, "height": height } }))
    };
    let report = report_between([], canvas(1920, 1080), canvas(1080, 1920)).await;
    assert_eq!(report.summary(), "Canvas: 1920×1080 → 1080×1920");

    let media = |media: Value| state(&json!({ "draft": draft, "generated_media": media }));
    let report = report_between([], media(json!([])), media(json!(["a.mp4"]))).await;
    assert!(report.summary().contains("media"), "{}", report.summary());

    // A change of an unknown key is not reported, and `null` and an empty list are both nothing.
    let seen = |seen: u32, media: Value| {
        state(&json!({ "draft": draft, "last_seen": seen, "generated_media": media }))
    };
    let report = report_between([], seen(1, Value::Null), seen(2, json!([]))).await;
    assert_eq!(report.summary(), "Nothing changed.");
}

#[tokio::test]
async fn a_failure_is_in_the_summary_unless_the_agent_recovered_from_it() {
    let failed = [event::text("Working on it…"), event::failure("X", "model overloaded")];
    assert_eq!(report_of(failed).await.summary(), "Working on it…\nmodel overloaded");
    // The agent continued after this one.
    let report = report_of([event::failure("X", "retrying"), event::text("All done.")]).await;
    assert_eq!(report.summary(), "All done.");
    assert!(report.failure.is_some());
}

#[tokio::test]
async fn a_text_of_gui_instructions_alone_is_replaced_by_a_description() {
    let report = report_of([event::text("Click Export to save it.")]).await;
    assert_eq!(report.summary(), "The video can be exported now.");
    assert_eq!(report.suggestions, [Suggestion::Export]);

    let gui = "Please click the Retry button or open the billing panel.";
    let report = report_of([event::failure("X", gui)]).await;
    for word in ["button", "panel", "lick"] {
        assert!(!report.summary().contains(word), "{}", report.summary());
    }
    assert_eq!(report.suggestions, [Suggestion::ShowCredits]);
}

async fn project_at(builder: nemovideo::local::LocalBackendBuilder) -> (LocalBackend, Project) {
    let backend = builder.placeholder_videos().start().await.expect("a backend");
    let project = backend.client().project("demo").await.expect("a project");
    (backend, project)
}

#[tokio::test]
async fn trailing_noise_is_removed_in_both_languages() {
    let noisy = LocalBackend::builder().trailing_noise(Frequency::Always);
    let (_backend, project) = project_at(noisy).await;
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
async fn the_stages_and_texts_of_each_video_are_yielded_in_order() {
    let (_backend, project) = project_at(LocalBackend::builder()).await;
    for message in ["narrate: One.", "narrate: Two is another script."] {
        let turn = project.say(message).await.unwrap();
        let events: Vec<TurnEvent> = turn.map(Result::unwrap).collect().await;
        let position = |is_wanted: fn(&TurnEvent) -> bool| {
            events.iter().position(is_wanted).unwrap_or_else(|| panic!("{message}: {events:?}"))
        };
        let order = [
            position(|event| matches!(event, TurnEvent::Text(text) if text.contains("Working on"))),
            position(|event| matches!(event, TurnEvent::ToolStarted { .. })),
            position(|event| *event == TurnEvent::RawClipReady),
            position(|event| *event == TurnEvent::PostProductionDone),
            position(|event| matches!(event, TurnEvent::Text(text) if text.contains("1 sentence"))),
        ];
        assert!(order.is_sorted(), "{message}: {events:?}");
    }
}

#[tokio::test]
async fn a_resumed_project_continues_in_its_language() {
    let silent = LocalBackend::builder().silent_edits(Frequency::Always);
    let backend = silent.placeholder_videos().start().await.unwrap();
    let client = backend.client();
    let project = client.project("demo").language("zh-CN").await.unwrap();
    project.say("narrate: One.").await.unwrap().finish().await.unwrap();
    let serialized = serde_json::to_string(&project.session()).unwrap();

    let session: Session = serde_json::from_str(&serialized).unwrap();
    let ids = Session::new(session.task_id.clone(), session.session_id.clone());
    for (session, title) in [(session, "茶"), (ids.language("zh"), "水")] {
        let project = client.resume_project(session);
        let title = format!("add a title '{title}'");
        let report = project.say(title).await.unwrap().finish().await.unwrap();
        assert!(report.summary().contains("标题"), "{}", report.summary());
    }
}

#[tokio::test]
async fn a_stalled_credits_response_is_not_retried_and_the_report_comes_without_it() {
    let server = RawServer::start(|request| match request.path() {
        "/run_sse" => RawResponse::stream("data: {\"type\":\"text\",\"content\":\"Hello.\"}\n\n"),
        "/api/credits/balance/simple" => RawResponse::stalled(),
        path if path.ends_with("/with-session/nemo_agent") => {
            RawResponse::json(r#"{"code":0,"data":{"task_id":"t","session_id":"s"}}"#)
        }
        path if path.ends_with("/latest") => {
            RawResponse::json(r#"{"code":0,"data":{"state":null}}"#)
        }
        _ => RawResponse::token(),
    })
    .await;
    let timeouts = Timeouts::default().with_response(Duration::from_millis(200));
    let builder = NemoClient::builder().base_url(server.url()).in_memory_credentials();
    let project = builder.timeouts(timeouts).build().unwrap().project("demo").await.unwrap();
    let turn = project.say("hi").await.unwrap();
    let report = turn.finish().await.unwrap();
    assert_eq!((report.text.as_str(), report.spent), ("Hello.", None));
    // Once before and once after the turn: a retry would delay the report.
    assert_eq!(server.requests("/api/credits/balance/simple"), 2);
}
