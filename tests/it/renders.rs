//! A render is started once and its job is never lost, whatever the service responds.

use std::time::Duration;

use nemovideo::mock::NemoMock;
use nemovideo::mock::wiremock::matchers::path;
use nemovideo::mock::wiremock::{Mock, ResponseTemplate};
use nemovideo::protocol::Endpoint;
use nemovideo::{
    CreateSession, Error, ExponentialRetry, NemoClient, RenderId, RenderJob, RenderOutput,
    RenderPolling, Timeouts,
};
use serde_json::json;

fn draft() -> nemovideo::draft::Draft {
    r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().expect("a draft")
}

fn client_of(nemo: &NemoMock) -> NemoClient {
    let timeouts = Timeouts::default().with_response(Duration::from_millis(200));
    let builder = nemo.client_builder().retry(ExponentialRetry::never()).timeouts(timeouts);
    builder.build().expect("a client")
}

/// Submits a render and returns the error.
async fn submit_error(nemo: &NemoMock) -> Error {
    let (client, draft) = (client_of(nemo), draft());
    client.submit_render(&"s".into(), &draft, RenderOutput::mp4()).await.expect_err("no response")
}

fn body(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(text)
}

#[tokio::test]
async fn the_replacement_of_a_failed_render_is_started_once_for_all_who_wait() {
    let nemo = NemoMock::start().await;
    for (id, status) in [("r0", "failed"), ("r0_again", "processing")] {
        let state = ResponseTemplate::new(200).set_body_json(json!({ "id": id, "status": status }));
        let at = path(format!("/api/render/proxy/lambda/{id}"));
        Mock::given(at).respond_with(state).mount(nemo.wiremock()).await;
    }
    let job: RenderJob = serde_json::from_value(json!({
        "id": "r0", "session_id": "s", "output": { "format": "mp4" }, "draft": draft()
    }))
    .unwrap();
    for _ in 0..3 {
        let polling = RenderPolling::new(Duration::ZERO, 3);
        let error = nemo.client().wait_for_render(&job).polling(polling).await.unwrap_err();
        assert_eq!(error.render_job().unwrap().id, RenderId::from("r0_again"));
    }
    assert!(nemo.renders().is_empty(), "the replacement was in progress already");
}

#[tokio::test]
async fn a_submit_with_an_unknown_outcome_returns_its_job_with_the_error() {
    let responses = [
        ResponseTemplate::new(504),
        ResponseTemplate::new(200).set_delay(Duration::from_secs(5)),
        body(r#"{"code":0,"data":null}"#),
        body("<html>"),
        body(r#"{"message":"queued"}"#),
    ];
    for response in responses {
        let nemo = NemoMock::start().await;
        nemo.respond(Endpoint::RenderSubmit, response);
        nemo.respond(Endpoint::RenderStatus, ResponseTemplate::new(503));
        let error = submit_error(&nemo).await;
        assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
        assert!(error.advice().contains("job"), "{}", error.advice());
        let sent = nemo.renders();
        let job = error.render_job().unwrap();
        assert_eq!((sent.len(), &job.id, &job.draft), (1, &sent[0].id, &draft()));
    }
}

#[tokio::test]
async fn a_failed_token_request_leaves_no_submit_with_an_unknown_outcome() {
    let nemo = NemoMock::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(5));
    nemo.respond(Endpoint::Token, late);
    let error = submit_error(&nemo).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(!error.may_have_taken_effect() && error.render_job().is_none());
}

#[tokio::test]
async fn a_cancel_succeeds_unless_its_response_is_an_error() {
    let nemo = NemoMock::start().await;
    let cancel = async |response: ResponseTemplate| {
        nemo.respond(Endpoint::RenderCancel, response);
        client_of(&nemo).cancel_render(&"r".into()).await
    };
    for text in ["", "OK", "{}", "null", r#"{"message":"called off"}"#, r#"{"success":true}"#] {
        cancel(body(text)).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    cancel(body(r#"{"status":"cancelled","error":"by its owner"}"#)).await.unwrap();
    cancel(ResponseTemplate::new(204)).await.unwrap();
    for text in [
        r#"{"code":"E_GONE","message":"no such render"}"#,
        r#"{"error":"no such render"}"#,
        r#"{"success":"false"}"#,
    ] {
        let error = cancel(body(text)).await.unwrap_err();
        assert!(matches!(error, Error::Api(_)), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_cancel_without_a_response_may_have_taken_effect() {
    for response in
        [ResponseTemplate::new(200).set_delay(Duration::from_secs(5)), ResponseTemplate::new(503)]
    {
        let nemo = NemoMock::start().await;
        nemo.respond(Endpoint::RenderCancel, response);
        let error = client_of(&nemo).cancel_render(&"r".into()).await.unwrap_err();
        assert!(error.may_have_taken_effect() && error.is_retryable(), "{error}");
        assert!(!error.advice().contains("changes nothing"), "{}", error.advice());
    }
}

#[tokio::test]
async fn an_error_message_without_a_code_does_not_rule_out_an_effect() {
    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::Session, body(r#"{"error":"upstream timeout"}"#));
    nemo.respond(Endpoint::State, body(r#"{"error":"upstream timeout"}"#));
    let client = client_of(&nemo);
    let error = client.create_session(CreateSession::default()).await.unwrap_err();
    assert!(error.may_have_taken_effect() && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains("upstream timeout"), "{error}");
    let error = client.session_state(&"s".into()).await.unwrap_err();
    assert!(matches!(error, Error::Api(_)) && !error.may_have_taken_effect(), "{error}");
}
