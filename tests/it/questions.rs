//! A question of the agent ends a turn that waits for the user, and the next message is the
//! response.

use futures::StreamExt as _;
use nemovideo::draft::Json;
use nemovideo::mock::{NemoMock, event};
use nemovideo::project::{Dispatched, Outcome, Project, QuestionResponse, Script, TurnEvent};
use nemovideo::{Error, NemoClient, Session, TurnUpdate};

use crate::support::raw::{RawResponse, RawServer};

fn question() -> Json {
    r#"{"title": "Format", "questions": [{"id": "f", "prompt": "Which format?",
        "options": [{"id": "p", "label": "Portrait"}, {"id": "l", "label": "Landscape"}]}]}"#
        .parse()
        .unwrap()
}

/// Returns a project whose agent asks first, and then replies.
async fn asked() -> (NemoMock, Project) {
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.state(None);
    nemo.credits(9.0, 0);
    let events = [event::text("One moment."), event::question(question())];
    nemo.stream(events).times(1);
    nemo.stream([event::text("All right.")]);
    let project = nemo.client().project("demo").await.unwrap();
    (nemo, project)
}

async fn last_message(nemo: &NemoMock) -> String {
    nemo.messages().pop().unwrap().1
}

#[tokio::test]
async fn a_turn_that_asks_waits_for_the_user() {
    let (nemo, project) = asked().await;
    let events: Vec<_> = project.say("make a clip").await.unwrap().collect().await;
    let questions: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Ok(TurnEvent::Question(question)) => Some(question),
            _ => None,
        })
        .collect();
    assert_eq!(questions.len(), 1, "{events:?}");
    let Some(Ok(TurnEvent::Finished(report))) = events.last() else { panic!("{events:?}") };
    assert_eq!(report.outcome, Outcome::AwaitingInput);
    assert_eq!(report.question.as_ref(), Some(questions[0]));
    assert_eq!(report.text, "One moment.");
    let summary = "One moment.\nFormat\n1. Which format?\n   1) Portrait\n   2) Landscape";
    assert_eq!(report.summary(), summary);
    assert!(report.pending.is_none() && project.pending().is_none());
    assert_eq!(project.open_question(), report.question);

    let wrong = QuestionResponse::new().answer(0, "Round");
    let question = project.open_question().unwrap();
    let error = project.respond_to(&question, &wrong).unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    let response = QuestionResponse::new().answer(0, "l");
    let report = project.respond_to(&question, &response).unwrap().await.unwrap();
    let report = report.finish().await.unwrap();
    assert_eq!(last_message(&nemo).await, "1. Which format?: Landscape");
    assert_eq!((report.outcome, report.question), (Outcome::Replied, None));
    assert_eq!(project.open_question(), None);
}

#[tokio::test]
async fn a_reply_to_a_question_is_sent_to_the_agent() {
    for (reply, sent) in [
        ("2", "1. Which format?: Landscape"),
        ("portrait", "1. Which format?: Portrait"),
        ("skip", "Skipped"),
        ("square, please", "square, please"),
    ] {
        let (nemo, project) = asked().await;
        project.say("make a clip").await.unwrap().finish().await.unwrap();
        let dispatched = project.dispatch(reply).await.unwrap();
        let Dispatched::Turn(turn) = dispatched else { panic!("{reply}: {dispatched:?}") };
        turn.finish().await.unwrap();
        assert_eq!(last_message(&nemo).await, sent);
        // Answered: a number is no response any more.
        assert_eq!(project.open_question(), None);
    }
}

#[tokio::test]
async fn an_order_is_never_sent_as_a_message_while_a_question_is_open() {
    let (nemo, project) = asked().await;
    project.say("make a clip").await.unwrap().finish().await.unwrap();
    for order in ["export", "下载", "what's my balance?", "status", "upload beach.mp4"] {
        let dispatched = project.dispatch(order).await.unwrap();
        assert!(!matches!(dispatched, Dispatched::Turn(_)), "{order}: {dispatched:?}");
    }
    assert_eq!(nemo.messages().len(), 1);
    assert!(project.open_question().is_some());
    let dispatched = project.dispatch("1").await.unwrap();
    assert!(matches!(dispatched, Dispatched::Turn(_)), "{dispatched:?}");
    assert_eq!(last_message(&nemo).await, "1. Which format?: Portrait");
}

#[tokio::test]
async fn a_persisted_question_is_open_in_another_process() {
    let (nemo, project) = asked().await;
    let report = project.say("make a clip").await.unwrap().finish().await.unwrap();
    let persisted = serde_json::to_string(&report.question).unwrap();

    let resumed = nemo.client().resume_project(project.session());
    let resumed = resumed.with_question(serde_json::from_str(&persisted).unwrap());
    assert_eq!(resumed.open_question(), report.question);
    let dispatched = resumed.dispatch("2").await.unwrap();
    assert!(matches!(dispatched, Dispatched::Turn(_)), "{dispatched:?}");
    assert_eq!(last_message(&nemo).await, "1. Which format?: Landscape");
    assert_eq!(resumed.open_question(), None);
}

#[tokio::test]
async fn a_question_stays_open_until_a_message_is_sent() {
    let (_nemo, project) = asked().await;
    let mut turn = project.say("make a clip").await.unwrap();
    while !matches!(turn.next().await, Some(Ok(TurnEvent::Question(_)))) {}
    drop(turn);
    assert!(project.open_question().is_some());
    assert!(matches!(project.dispatch(" ").await, Err(Error::InvalidInput(_))));
    assert!(project.open_question().is_some());
}

#[tokio::test]
async fn a_message_shows_the_question_as_text() {
    let (nemo, _project) = asked().await;
    let stream = nemo.client().send_message(&"s".into(), "make a clip").await.unwrap();
    let mut stream = stream.text();
    let deltas: Vec<_> = stream.by_ref().map(Result::unwrap).collect().await;
    assert_eq!(stream.question().unwrap().items[0].prompt, "Which format?");
    let text = "One moment.\nFormat\n1. Which format?\n   1) Portrait\n   2) Landscape\n";
    assert_eq!(deltas.concat(), text);
}

#[tokio::test]
async fn a_job_whose_agent_asks_fails_with_the_question() {
    let (nemo, _project) = asked().await;
    let directory = tempfile::tempdir().unwrap();
    let script = Script::text("Good morning.").unwrap();
    let voiceover = nemo.client().voiceover(script).save_to(directory.path().join("out.mp4"));
    let error = voiceover.await.unwrap_err();
    let Error::AgentFailed(message) = &error else { panic!("{error:?}") };
    assert!(message.contains("1. Which format?"), "{message}");
    assert!(nemo.renders().is_empty());
}

#[tokio::test]
async fn nothing_is_recovered_after_a_question() {
    let args = question().to_string();
    let call = format!(r#"{{"name":"ask_question","args":{args}}}"#);
    let other = r#"{"functionCall":{"name":"edit_multitrack","args":{}}}"#;
    let adk = |parts: &str, partial: bool| {
        format!(r#"data: {{"content":{{"parts":[{parts}]}},"partial":{partial}}}"#)
    };
    let asks = format!(r#"{{"functionCall":{call}}}"#);
    for data in [
        format!("data: {{\"type\":\"tool_call\",\"name\":\"ask_question\",\"args\":{args}}}\n\n"),
        adk(&asks, false) + "\n\n",
        // Only the preview came, or the blank line is missing.
        adk(&asks, true) + "\n\n",
        adk(&asks, false),
        // Another tool is called at the same time.
        adk(&format!("{asks},{other}"), false) + "\n\n",
        adk(&format!("{other},{asks}"), true) + "\n\n",
    ] {
        let (server, client) = broken_after(data.clone()).await;
        let updates: Vec<_> = client.send_message(&"s".into(), "hi").watch().collect().await;
        assert!(matches!(&updates[0], Ok(TurnUpdate::Connected)), "{data}: {updates:?}");
        let rest = &updates[1..];
        let is_event = |update: &Result<TurnUpdate, _>| matches!(update, Ok(TurnUpdate::Event(_)));
        assert!(!rest.is_empty() && rest.iter().all(is_event), "{data}: {updates:?}");
        assert_eq!(server.requests("/api/state/nemo_agent/me/s/latest"), 1);
    }
}

#[tokio::test]
async fn a_project_whose_stream_breaks_after_a_question_waits_for_the_user() {
    let ask = format!(r#"{{"functionCall":{{"name":"ask_question","args":{}}}}}"#, question());
    let data = format!("data: {{\"content\":{{\"parts\":[{ask}]}},\"partial\":true}}\n\n");
    let (_server, client) = broken_after(data).await;
    let project = client.resume_project(Session::new("t", "s"));
    let report = project.say("make a clip").await.unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::AwaitingInput);
    assert!(report.question.is_some() && report.pending.is_none());
    assert_eq!(project.open_question(), report.question);
}

#[tokio::test]
async fn what_was_received_before_a_break_is_shown() {
    let text = r#"data: {"type":"text","content":"Done."}"#;
    for (data, expected) in [
        (text.to_owned(), ("Done.", None)),
        (format!("{text}\n\nError: agent failed\n"), ("Done.", Some("Error: agent failed"))),
    ] {
        let (_server, client) = broken_after(data).await;
        let stream = client.send_message(&"s".into(), "hi").await.unwrap();
        let deltas: Vec<_> = stream.text().collect().await;
        let failed = deltas.iter().find_map(|delta| match delta {
            Err(Error::AgentFailed(message)) => Some(message.as_str()),
            _ => None,
        });
        assert!(matches!(deltas.last(), Some(Err(Error::OutcomeUnknown(_)))), "{deltas:?}");
        let shown: String = deltas.iter().flatten().map(String::as_str).collect();
        assert_eq!((shown.as_str(), failed), expected);
    }
}

async fn broken_after(data: String) -> (RawServer, NemoClient) {
    let server = RawServer::start(move |request| match request.path() {
        "/run_sse" => RawResponse::broken_stream(&data),
        _ => RawResponse::json(r#"{"code":0,"data":{"state":{}}}"#),
    })
    .await;
    let client = NemoClient::builder().base_url(server.url()).token("t").build().unwrap();
    (server, client)
}
