//! Renders are begun once and never lost, whoever asks and whatever the service answers.

use std::time::Duration;

use nemovideo::mock::wiremock::matchers::path;
use nemovideo::mock::wiremock::{Mock, ResponseTemplate};
use nemovideo::mock::{MockNemo, MockResponse};
use nemovideo::protocol::Endpoint;
use nemovideo::{
    CreateSession, Error, ExponentialRetry, NemoClient, RenderId, RenderJob, RenderOutput,
    RenderPolling, Session, Timeouts,
};
use serde_json::json;

fn draft() -> nemovideo::draft::Draft {
    r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().expect("a draft")
}

fn client_of(nemo: &MockNemo) -> NemoClient {
    let timeouts = Timeouts::default().with_response(Duration::from_millis(200));
    let builder = nemo.client_builder().retry(ExponentialRetry::never()).timeouts(timeouts);
    builder.build().expect("a client")
}

/// Why a submit failed.
async fn submitted(nemo: &MockNemo) -> Error {
    let (client, draft) = (client_of(nemo), draft());
    client.submit_render(&"s".into(), &draft, RenderOutput::mp4()).await.expect_err("no answer")
}

fn text(words: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(words)
}

#[tokio::test]
async fn the_replacement_of_a_failed_render_is_begun_once_however_many_wait_for_it() {
    let nemo = MockNemo::start().await;
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
    assert!(nemo.renders().await.is_empty(), "it was under way already");
}

#[tokio::test]
async fn a_submit_whose_outcome_is_not_known_gives_its_job_back() {
    let answers = [
        ResponseTemplate::new(504),
        ResponseTemplate::new(200).set_delay(Duration::from_secs(5)),
        text(r#"{"code":0,"data":null}"#),
        text("<html>"),
        text(r#"{"message":"queued"}"#),
    ];
    for answer in answers {
        let nemo = MockNemo::start().await;
        nemo.given(MockResponse::raw(Endpoint::RenderSubmit, answer)).await;
        nemo.given(MockResponse::raw(Endpoint::RenderStatus, ResponseTemplate::new(503))).await;
        let error = submitted(&nemo).await;
        assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
        assert!(error.advice().contains("job"), "{}", error.advice());
        let sent = nemo.renders().await;
        let job = error.render_job().unwrap();
        assert_eq!((sent.len(), &job.id, &job.draft), (1, &sent[0].id, &draft()));
    }
}

#[tokio::test]
async fn a_token_that_was_not_had_is_no_submit_whose_outcome_is_unknown() {
    let nemo = MockNemo::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(5));
    nemo.given(MockResponse::raw(Endpoint::Token, late)).await;
    let error = submitted(&nemo).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(!error.may_have_taken_effect() && error.render_job().is_none());
}

#[tokio::test]
async fn a_cancel_is_done_unless_it_is_refused() {
    let nemo = MockNemo::start().await;
    let cancel = async |answer: ResponseTemplate| {
        nemo.wiremock().reset().await;
        nemo.given(MockResponse::token("t")).await;
        nemo.given(MockResponse::raw(Endpoint::RenderCancel, answer)).await;
        client_of(&nemo).cancel_render(&"r".into()).await
    };
    for words in ["", "OK", "{}", "null", r#"{"message":"called off"}"#, r#"{"success":true}"#] {
        cancel(text(words)).await.unwrap_or_else(|error| panic!("{words}: {error}"));
    }
    cancel(text(r#"{"status":"cancelled","error":"by its owner"}"#)).await.unwrap();
    cancel(ResponseTemplate::new(204)).await.unwrap();
    for words in [
        r#"{"code":"E_GONE","message":"no such render"}"#,
        r#"{"error":"no such render"}"#,
        r#"{"success":"false"}"#,
    ] {
        let error = cancel(text(words)).await.unwrap_err();
        assert!(matches!(error, Error::Api(_)), "{words}: {error}");
    }
}

#[tokio::test]
async fn a_cancel_without_an_answer_may_have_been_done() {
    for answer in
        [ResponseTemplate::new(200).set_delay(Duration::from_secs(5)), ResponseTemplate::new(503)]
    {
        let nemo = MockNemo::start().await;
        nemo.given(MockResponse::raw(Endpoint::RenderCancel, answer)).await;
        let error = client_of(&nemo).cancel_render(&"r".into()).await.unwrap_err();
        assert!(error.may_have_taken_effect() && error.is_retryable(), "{error}");
        assert!(!error.advice().contains("changes nothing"), "{}", error.advice());
    }
}

#[tokio::test]
async fn words_alone_are_no_word_on_what_was_done() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::raw(Endpoint::Session, text(r#"{"error":"upstream timeout"}"#))).await;
    nemo.given(MockResponse::raw(Endpoint::State, text(r#"{"error":"upstream timeout"}"#))).await;
    let client = client_of(&nemo);
    let error = client.create_session(CreateSession::default()).await.unwrap_err();
    assert!(error.may_have_taken_effect() && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains("upstream timeout"), "{error}");
    let error = client.session_state(&"s".into()).await.unwrap_err();
    assert!(matches!(error, Error::Api(_)) && !error.may_have_taken_effect(), "{error}");
}

#[tokio::test]
async fn a_claim_link_keeps_the_path_of_the_web_site() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::claim("clm_1")).await;
    for web in ["https://host.test/nemo", "https://host.test/nemo/"] {
        let client = nemo.client_builder().web_url(web).build().unwrap();
        let link = client.claim_link(&Session::new("t", "s")).await.unwrap();
        assert_eq!(link.as_str(), "https://host.test/nemo/workspace/claim?ct=clm_1");
    }
}
