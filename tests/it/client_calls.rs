//! Every call of the client against scripted responses: which requests it sends, how often, and
//! what it makes of the responses.

use futures::StreamExt as _;
use nemovideo::draft::{Draft, Object};
use nemovideo::mock::wiremock::ResponseTemplate;
use nemovideo::mock::{NemoMock, event};
use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
use nemovideo::protocol::{Endpoint, FileType, RenderState, RenderStatus, UploadedFile};
use nemovideo::{
    ApiToken, Attribution, CreateSession, CreateToken, Error, ErrorCode, Reauthenticate,
    RenderOutput, RenderPolling, RenderProgress, RenderResolution, Session, SessionId, TokenScope,
};
use serde_json::json;

fn draft() -> Draft {
    r#"{"x":1.10,"t":[{"tt":0,"sg":[{"d":1000,"zz":[]}]}],"d":1000}"#.parse().expect("a draft")
}

fn state(id: &str, status: RenderStatus) -> RenderState {
    RenderState::new(id.into(), status)
}

fn completed(nemo: &NemoMock) -> RenderState {
    let mut state = state("r", RenderStatus::Completed);
    state.url = Some(nemo.file_url());
    state
}

#[tokio::test]
async fn all_calls_share_one_token_and_carry_the_attribution() {
    let nemo = NemoMock::start().await;
    nemo.credits(60.0, 0);
    nemo.session("t", "s");
    nemo.state(draft());
    let client = nemo.client();

    let account = client.authenticate().await.unwrap();
    assert!(account.anonymous);
    assert_eq!(account.user_id.unwrap().as_str(), "anon_mock");
    assert_eq!(client.credits().await.unwrap().available.get(), 60.0);
    let session = client.create_session(CreateSession::named("demo").language("en")).await.unwrap();
    let state = client.session_state(&session.session_id).await.unwrap();
    assert_eq!(state.draft, Some(draft()));

    let tokens = nemo.requests(Endpoint::Token);
    assert_eq!(tokens.len(), 1);
    assert!(tokens[0].headers.contains_key("x-client-id"));
    assert!(tokens[0].body.is_empty());
    assert!(!tokens[0].headers.contains_key("authorization"));
    let credits = nemo.requests(Endpoint::Credits);
    assert_eq!(credits[0].headers["authorization"], "Bearer nmv_usr_mock");
    let body: serde_json::Value = nemo.requests(Endpoint::Session)[0].body_json().unwrap();
    assert_eq!(body, json!({ "task_name": "demo", "language": "en" }));
    nemo.received_attribution(&Attribution::default());
}

#[tokio::test]
async fn the_attribution_is_the_one_that_the_caller_sets() {
    let nemo = NemoMock::start().await;
    nemo.credits(1.0, 0);
    let attribution = Attribution::from_front_matter("---\nname: maker\nversion: 2.10\n---\n")
        .unwrap()
        .with_platform("cursor")
        .unwrap();
    let client = nemo.client_builder().attribution(attribution).token("mine").build().unwrap();
    client.credits().await.unwrap();
    let sent = &nemo.requests(Endpoint::Credits)[0].headers;
    assert_eq!(sent["x-skill-source"], "maker");
    assert_eq!(sent["x-skill-version"], "2.10");
    assert_eq!(sent["x-skill-platform"], "cursor");
    assert_eq!(sent["authorization"], "Bearer mine");
    assert!(nemo.requests(Endpoint::Token).is_empty());
}

#[tokio::test]
async fn every_documented_code_is_mapped_to_its_error() {
    for number in [1002, 2001, 4001, 4002, 402, 5003] {
        let nemo = NemoMock::start().await;
        let code = ErrorCode::from(number);
        nemo.fails(Endpoint::Session, code);
        let error = nemo.client().create_session(CreateSession::default()).await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
        assert!(error.to_string().contains(code.meaning()), "{error}");
        assert!(!error.may_have_taken_effect());
        assert_eq!(nemo.requests(Endpoint::Session).len(), 1, "{number}");
    }
}

#[tokio::test]
async fn an_anonymous_account_out_of_credits_is_advised_to_register() {
    let nemo = NemoMock::start().await;
    nemo.fails(Endpoint::Message, ErrorCode::OutOfCredits);
    let error = nemo.client().send_message(&"s".into(), "hi").await.unwrap_err();
    assert!(
        error.advice().contains("https://nemovideo.com/register?bind=anon_mock")
            && error.advice().contains("100 credits"),
        "{}",
        error.advice()
    );
    let own = nemo.client_builder().token("mine").build().unwrap();
    let error = own.send_message(&"s".into(), "hi").await.unwrap_err();
    assert!(error.advice().contains("Top up"), "{}", error.advice());
}

#[tokio::test]
async fn a_rejected_anonymous_token_is_replaced() {
    let nemo = NemoMock::start().await;
    nemo.token("old").times(1);
    nemo.token("new");
    nemo.fails(Endpoint::Credits, ErrorCode::TokenInvalid).times(1);
    nemo.credits(5.0, 0);
    let client = nemo.client();
    assert_eq!(client.credits().await.unwrap().available.get(), 5.0);
    let sent = nemo.requests(Endpoint::Credits);
    assert_eq!(sent[0].headers["authorization"], "Bearer old");
    assert_eq!(sent[1].headers["authorization"], "Bearer new");
}

#[tokio::test]
async fn every_code_of_an_invalid_token_replaces_an_anonymous_one_and_no_other() {
    for number in [1001, 1010, 1011] {
        let nemo = NemoMock::start().await;
        let code = ErrorCode::from(number);
        nemo.token("old").times(1);
        nemo.token("new");
        nemo.fails(Endpoint::Credits, code).times(1);
        nemo.credits(5.0, 0);
        assert_eq!(nemo.client().credits().await.unwrap().available.get(), 5.0, "{number}");
        let sent = nemo.requests(Endpoint::Credits);
        assert_eq!(sent[1].headers["authorization"], "Bearer new", "{number}");

        nemo.fails(Endpoint::State, code);
        let own = nemo.client_builder().token("mine").build().unwrap();
        let error = own.session_state(&"s".into()).await.unwrap_err();
        assert!(matches!(error, Error::TokenInvalid(_)), "{error}");
        assert_eq!(error.code(), Some(code));
        assert!(error.to_string().contains(&number.to_string()), "{error}");
        assert_eq!(nemo.requests(Endpoint::State).len(), 1, "{number}");
    }
}

#[tokio::test]
async fn the_users_own_tokens_are_created_listed_and_revoked() {
    let nemo = NemoMock::start().await;
    let mut info = ApiToken::new("tok_1", "ci");
    info.scopes = vec![TokenScope::Read];
    nemo.created_token("nmv_usr_secret", info.clone());
    nemo.tokens([info.clone()]);
    nemo.revoked_token();
    let client = nemo.client_builder().token("mine").build().unwrap();

    let request = CreateToken::named("ci").scopes([TokenScope::Read]).expires_in_days(30);
    let created = client.create_token(request).await.unwrap();
    assert_eq!((&created.info, created.expose_secret()), (&info, "nmv_usr_secret"));
    assert!(!format!("{created:?} {created:#?}").contains("nmv_usr"), "{created:?}");
    assert_eq!(client.tokens().await.unwrap(), [info]);
    client.revoke_token(&created.info.id).await.unwrap();

    let body: serde_json::Value = nemo.requests(Endpoint::TokenCreate)[0].body_json().unwrap();
    assert_eq!(body, json!({ "name": "ci", "scopes": ["read"], "expires_in_days": 30 }));
    let revoked = &nemo.requests(Endpoint::TokenRevoke)[0];
    assert_eq!(revoked.url.path(), "/api/tokens/tok_1/revoke");
    assert!(revoked.body.is_empty());
    nemo.received_attribution(&Attribution::default());
}

#[tokio::test]
async fn a_revocation_whose_response_cannot_be_read_is_confirmed_by_the_list() {
    let token = |is_revoked: bool| {
        let mut token = ApiToken::new("tok_1", "ci");
        token.revoked_at = is_revoked.then(std::time::SystemTime::now);
        token
    };
    for (body, listed, is_revoked) in [
        (r#"{"code":0}"#, None, true),
        (r#"{"success":true,"data":null}"#, None, true),
        (r#"{"code":0,"data":{"revoked":true}}"#, None, true),
        ("", Some(vec![token(true)]), true),
        ("OK", Some(vec![ApiToken::new("tok_2", "other")]), true),
        ("<html>Sign in to the network</html>", Some(vec![token(false)]), false),
        ("<html>Sign in to the network</html>", None, false),
        (r#"{"code":5003,"message":"no"}"#, Some(vec![token(true)]), false),
        (r#"{"success":false,"message":"no"}"#, None, false),
    ] {
        let nemo = NemoMock::start().await;
        let response = ResponseTemplate::new(200).set_body_string(body);
        nemo.respond(Endpoint::TokenRevoke, response);
        if let Some(listed) = listed {
            nemo.tokens(listed);
        }
        let outcome = nemo.client().revoke_token(&"tok_1".into()).await;
        assert_eq!(outcome.is_ok(), is_revoked, "{body}: {outcome:?}");
        assert_eq!(nemo.requests(Endpoint::TokenRevoke).len(), 1, "{body}");
    }
}

#[tokio::test]
async fn the_scopes_of_a_token_are_reported() {
    let nemo = NemoMock::start().await;
    let scopes = [TokenScope::Read, TokenScope::Other("fly".to_owned())];
    nemo.scoped_token("t", scopes.clone());
    let account = nemo.client().authenticate().await.unwrap();
    assert_eq!(account.scopes, Some(scopes.to_vec()));
    let unknown = NemoMock::start().await;
    assert_eq!(unknown.client().authenticate().await.unwrap().scopes, None);
}

#[tokio::test]
async fn an_upload_without_checks_leaves_the_decision_to_the_service() {
    let nemo = NemoMock::start().await;
    nemo.upload([UploadedFile::default()]);
    let limits = nemovideo::Limits::default().with_upload(10);
    let client = nemo.client_builder().limits(limits).build().unwrap();
    let session = SessionId::from("s");
    let upload = |name: &str| client.upload_bytes(&session, name, vec![7; 11]);
    let error = upload("notes.pdf").await.unwrap_err();
    assert!(matches!(error, Error::UnsupportedFileType(_)), "{error}");
    let error = upload("clip.mp4").await.unwrap_err();
    assert!(matches!(error, Error::FileTooLarge(_)), "{error}");
    assert!(nemo.requests(Endpoint::Upload).is_empty());

    for (name, content_type) in [
        ("notes.pdf", "application/pdf"),
        ("words.srt", "application/x-subrip"),
        ("clip.mp4", "video/mp4"),
        ("clip.xyz", "application/octet-stream"),
    ] {
        upload(name).without_checks().await.unwrap();
        let sent = nemo.requests(Endpoint::Upload).pop().unwrap();
        let body = String::from_utf8_lossy(&sent.body).to_ascii_lowercase();
        assert!(body.contains(&format!("content-type: {content_type}")), "{name}: {body}");
        assert!(body.contains(name), "{body}");
    }
    let error = upload("a\nb.pdf").without_checks().await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
}

#[tokio::test]
async fn an_output_is_sent_as_specified_with_what_was_added_or_not_at_all() {
    let nemo = NemoMock::start().await;
    nemo.render_submitted(&state("r", RenderStatus::Pending));
    let client = nemo.client();
    for (output, expected) in [
        (RenderOutput::mp4(), Some(r#"{"format":"mp4","quality":"high"}"#)),
        (
            RenderOutput::mp4().resolution(RenderResolution::P1080).fps(30).crf(23),
            Some(r#"{"format":"mp4","quality":"high","resolution":"1080p","fps":30,"crf":23}"#),
        ),
        (RenderOutput::unspecified(), None),
    ] {
        client.submit_render(&"s".into(), &draft(), output).await.unwrap();
        let sent = nemo.requests(Endpoint::RenderSubmit).pop().unwrap();
        let body = String::from_utf8(sent.body).unwrap();
        let end = expected.map_or("}".to_owned(), |output| format!(r#","output":{output}}}"#));
        assert!(body.ends_with(&format!("{}{end}", draft().to_json())), "{body}");
    }
}

#[tokio::test]
async fn a_submit_whose_id_is_known_already_is_looked_up() {
    let nemo = NemoMock::start().await;
    let known = ResponseTemplate::new(409).set_body_json(json!({ "detail": "id already used" }));
    nemo.respond(Endpoint::RenderSubmit, known);
    let unknown = ResponseTemplate::new(404).set_body_json(json!({ "detail": "not found" }));
    nemo.respond(Endpoint::RenderStatus, unknown).times(1);
    nemo.render_polled(&state("r", RenderStatus::Processing));
    let job = nemovideo::RenderJob::new("s".into(), draft(), RenderOutput::mp4());
    // Another process submits it between the look-up and the submit.
    let found = nemo.client().ensure_submitted(&job).await.unwrap();
    assert_eq!(found.status, RenderStatus::Processing);
    assert_eq!(nemo.requests(Endpoint::RenderSubmit).len(), 1);

    let nemo = NemoMock::start().await;
    let rejected = ResponseTemplate::new(409).set_body_json(json!({ "detail": "no" }));
    nemo.respond(Endpoint::RenderSubmit, rejected);
    let error = nemo.client().ensure_submitted(&job).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Other(409)), "the error of the submit is kept");
}

#[tokio::test]
async fn a_rejected_token_is_replaced_only_once() {
    let nemo = NemoMock::start().await;
    nemo.fails(Endpoint::Credits, ErrorCode::TokenInvalid);
    let error = nemo.client().credits().await.unwrap_err();
    assert!(matches!(error, Error::TokenInvalid(_)));
    assert_eq!(nemo.requests(Endpoint::Credits).len(), 2);
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2);
}

#[tokio::test]
async fn a_users_own_token_is_replaced_by_an_anonymous_one_only_on_request() {
    let nemo = NemoMock::start().await;
    nemo.fails(Endpoint::Credits, ErrorCode::TokenInvalid).times(2);
    nemo.credits(5.0, 0);

    let own = nemo.client_builder().token("mine").build().unwrap();
    assert!(matches!(own.credits().await, Err(Error::TokenInvalid(_))));
    assert!(nemo.requests(Endpoint::Token).is_empty());

    let always = nemo.client_builder().token("mine").reauthenticate(Reauthenticate::Always);
    always.build().unwrap().credits().await.unwrap();
    assert_eq!(nemo.requests(Endpoint::Token).len(), 1);
}

#[tokio::test]
async fn a_rate_limited_message_is_retried_once() {
    let nemo = NemoMock::start().await;
    nemo.fails(Endpoint::Message, ErrorCode::RateLimited).times(1);
    nemo.stream([event::text("done")]);
    drop(nemo.client().send_message(&"s".into(), "hi").await.unwrap());
    assert_eq!(nemo.messages().len(), 2);

    let nemo = NemoMock::start().await;
    nemo.fails(Endpoint::Message, ErrorCode::RateLimited);
    let error = nemo.client().send_message(&"s".into(), "hi").await.unwrap_err();
    assert!(matches!(error, Error::RateLimited(_)));
    assert_eq!(nemo.messages().len(), 2);
}

#[tokio::test]
async fn a_message_after_a_server_error_is_never_sent_again() {
    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::Message, ResponseTemplate::new(502));
    let error = nemo.client().send_message(&"s".into(), "hi").await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    assert!(error.may_have_taken_effect() && !error.is_retryable());
    assert_eq!(nemo.messages().len(), 1);
}

#[tokio::test]
async fn a_read_only_call_is_retried_after_a_server_error() {
    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::Credits, ResponseTemplate::new(503)).times(2);
    nemo.credits(3.0, 0);
    assert_eq!(nemo.client().credits().await.unwrap().available.get(), 3.0);
    assert_eq!(nemo.requests(Endpoint::Credits).len(), 3);
}

#[tokio::test]
async fn an_error_response_in_place_of_a_stream_is_an_error() {
    let cases = [
        (ResponseTemplate::new(200).set_body_json(json!({"code": 2001, "message": "none"})), 2001),
        (ResponseTemplate::new(404).set_body_json(json!({"detail": "Session not found: s"})), 1002),
        (ResponseTemplate::new(200).set_body_json(json!({"code": 1002})), 1002),
    ];
    for (response, code) in cases {
        let nemo = NemoMock::start().await;
        nemo.respond(Endpoint::Message, response);
        let error = nemo.client().send_message(&"s".into(), "hi").await.unwrap_err();
        assert_eq!(error.code().map(ErrorCode::number), Some(code), "{error}");
    }

    let nemo = NemoMock::start().await;
    let page = ResponseTemplate::new(200).set_body_raw("<html>", "text/html; charset=utf-8");
    nemo.respond(Endpoint::Message, page);
    let error = nemo.client().send_message(&"s".into(), "hi").await.unwrap_err();
    assert!(matches!(error, Error::NotAStream { .. }), "{error}");
    assert!(error.may_have_taken_effect());
}

#[tokio::test]
async fn a_message_is_sent_as_specified_and_its_text_is_yielded_once() {
    let nemo = NemoMock::start().await;
    let events = [
        event::heartbeat(),
        event::pieces(["Working ", "on it… "]),
        event::tool(
            "generate_voiceover",
            Object::from([("script", "Hello")]),
            Object::from([("status", "ok")]),
        ),
        event::raw("data: {broken\n\n: comment\n\ndata: \n\n"),
        event::draft(&draft()),
        event::failure("RESOURCE_EXHAUSTED", "model overloaded"),
        event::text("Done."),
    ];
    nemo.stream(events);
    let stream = nemo.client().send_message(&"s1".into(), "hi").streaming().await.unwrap();
    let events: Vec<AgentEvent> = stream.map(Result::unwrap).collect().await;

    let kinds: Vec<&str> = events.iter().map(AgentEvent::kind).collect();
    assert_eq!(
        kinds,
        [
            "heartbeat",
            "text",
            "text",
            "text",
            "tool_call",
            "tool_result",
            "unknown",
            "heartbeat",
            "state_delta",
            "error",
            "text"
        ]
    );
    let mut accumulator = TextAccumulator::new();
    let mut text = String::new();
    for event in &events {
        text.extend(accumulator.push(event).and_then(|delta| delta.text()));
    }
    assert_eq!(text, "Working on it… Done.");

    let sent = nemo.requests(Endpoint::Message);
    assert_eq!(sent[0].headers["accept"], "text/event-stream");
    assert_eq!(
        String::from_utf8(sent[0].body.clone()).unwrap(),
        r#"{"app_name":"nemo_agent","user_id":"me","session_id":"s1","new_message":{"parts":[{"text":"hi"}]},"streaming":true}"#
    );
}

#[tokio::test]
async fn an_invalid_upload_fails_before_a_byte_is_sent() {
    let nemo = NemoMock::start().await;
    let client = nemo.client();
    let session = SessionId::new("s");
    let error = client.upload_bytes(&session, "setup.exe", "MZ").await.unwrap_err();
    assert!(matches!(error, Error::UnsupportedFileType(_)));
    assert!(error.advice().contains("docx"), "{}", error.advice());

    let error = client.upload_bytes(&session, "a\r\nb.mp4", "x").await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");

    let dir = tempfile::tempdir().unwrap();
    let large = dir.path().join("large.mp4");
    std::fs::File::create(&large).unwrap().set_len(200_000_001).unwrap();
    let error = client.upload_file(&session, &large).await.unwrap_err();
    assert!(matches!(error, Error::FileTooLarge(_)));
    let error = client.upload_file(&session, dir.path().join("none.mp4")).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert!(nemo.wiremock().received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_upload_declares_its_name_type_and_length() {
    let nemo = NemoMock::start().await;
    let mut file = UploadedFile::default();
    file.filename = "shot.png".to_owned();
    file.file_type = Some(FileType::Image);
    nemo.upload([file.clone()]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shot.png");
    std::fs::write(&path, vec![7; 100_000]).unwrap();

    let response = nemo.client().upload_file(&"a/b".into(), &path).await.unwrap();
    assert_eq!(response, [file]);
    let sent = &nemo.requests(Endpoint::Upload)[0];
    assert!(sent.url.path().ends_with("/me/a%2Fb"), "{}", sent.url);
    assert_eq!(sent.headers["content-length"], sent.body.len().to_string().as_str());
    let text = String::from_utf8_lossy(&sent.body);
    assert!(text.contains(r#"name="files"; filename="shot.png""#), "{}", &text[..200]);
    assert!(text.contains("Content-Type: image/png"));
}

#[tokio::test]
async fn a_render_is_submitted_with_the_draft_untouched_and_polled_until_done() {
    let nemo = NemoMock::start().await;
    nemo.render_submitted(&state("r", RenderStatus::Pending));
    nemo.render_polled(&state("r", RenderStatus::Pending)).times(1);
    let unknown = RenderStatus::Other("warming_up".to_owned());
    nemo.render_polled(&state("r", unknown)).times(1);
    nemo.render_polled(&completed(&nemo));
    nemo.file(*b"file");

    let client = nemo.client();
    let job = client.submit_render(&"s".into(), &draft(), RenderOutput::mp4()).await.unwrap();
    // Another process continues with the serialized job.
    let job = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
    let steps: Vec<RenderProgress> =
        client.wait_for_render(&job).map(Result::unwrap).collect().await;
    assert!(matches!(
        &steps[..],
        [
            RenderProgress::Pending,
            RenderProgress::Processing { percent: None },
            RenderProgress::Completed(_)
        ]
    ));
    let sent = &nemo.requests(Endpoint::RenderSubmit)[0];
    let body = String::from_utf8_lossy(&sent.body).into_owned();
    assert!(body.contains(&format!(r#""draft":{}"#, draft().to_json())), "{body}");

    let RenderProgress::Completed(video) = &steps[2] else { panic!("not completed") };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let bytes = client.download(video, &path).await.unwrap();
    assert_eq!(bytes, 4);
    assert_eq!(std::fs::read(&path).unwrap(), b"file");
    let request = &nemo.requests(Endpoint::File)[0];
    assert!(!request.headers.contains_key("authorization"));
    nemo.received_attribution(&Attribution::default());
}

#[tokio::test]
async fn a_submit_whose_response_was_lost_is_looked_up_before_it_is_sent_again() {
    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::RenderSubmit, ResponseTemplate::new(504));
    nemo.render_polled(&state("r", RenderStatus::Processing));
    nemo.client().submit_render(&"s".into(), &draft(), RenderOutput::mp4()).await.unwrap();
    assert_eq!(nemo.renders().len(), 1);

    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::RenderSubmit, ResponseTemplate::new(504)).times(1);
    nemo.render_submitted(&state("r", RenderStatus::Pending));
    nemo.client().submit_render(&"s".into(), &draft(), RenderOutput::mp4()).await.unwrap();
    let sent = nemo.renders();
    assert_eq!(sent.len(), 2, "the service does not know the id: the submit never arrived");
    assert_eq!(sent[0].id, sent[1].id);
}

#[tokio::test]
async fn a_failed_render_is_retried_once_under_a_new_id() {
    let nemo = NemoMock::start().await;
    nemo.render_submitted(&state("r", RenderStatus::Pending));
    let mut failed = state("r", RenderStatus::Failed);
    failed.error = Some("out of memory".to_owned());
    nemo.render_polled(&failed).times(1);
    // The new id is looked up before it is submitted.
    nemo.respond(Endpoint::RenderStatus, ResponseTemplate::new(404)).times(1);
    nemo.render_polled(&failed);
    let polling = RenderPolling::new(std::time::Duration::ZERO, 5);
    let client = nemo.client_builder().polling(polling).build().unwrap();
    let job = client.submit_render(&"s".into(), &draft(), RenderOutput::mp4()).await.unwrap();
    let error = client.wait_for_render(&job).await.unwrap_err();
    assert!(error.to_string().contains("out of memory"), "{error}");
    let sent = nemo.renders();
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].id, sent[1].id);
    assert_eq!(sent[0].draft, sent[1].draft);
}

#[tokio::test]
async fn an_unfinished_render_returns_its_job_with_the_error() {
    let nemo = NemoMock::start().await;
    nemo.render_submitted(&state("r", RenderStatus::Pending));
    nemo.render_polled(&state("r", RenderStatus::Processing));
    let client = nemo.client();
    let job = client.submit_render(&"s".into(), &draft(), RenderOutput::mp4()).await.unwrap();
    let polling = RenderPolling::new(std::time::Duration::ZERO, 3);
    let error = client.wait_for_render(&job).polling(polling).await.unwrap_err();
    let Error::RenderUnfinished { job: returned, polls: 3 } = error else { panic!("{error}") };
    assert_eq!(*returned, job);
    assert_eq!(nemo.requests(Endpoint::RenderStatus).len(), 3);
}

#[tokio::test]
async fn an_empty_draft_is_never_submitted() {
    let nemo = NemoMock::start().await;
    let empty: Draft = r#"{"t":[{"tt":0,"sg":[]}]}"#.parse().unwrap();
    let error =
        nemo.client().submit_render(&"s".into(), &empty, RenderOutput::mp4()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)));
    assert!(nemo.requests(Endpoint::RenderSubmit).is_empty());
}

#[tokio::test]
async fn a_download_falls_back_to_the_api_and_keeps_the_old_file_until_it_is_complete() {
    let nemo = NemoMock::start().await;
    let mut done = completed(&nemo);
    done.size = Some(4);
    nemo.render_submitted(&done);
    nemo.render_polled(&done);
    let client = nemo.client();
    let job = client.submit_render(&"s".into(), &draft(), RenderOutput::mp4()).await.unwrap();
    let video = client.wait_for_render(&job).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    std::fs::write(&path, "old").unwrap();

    let short = ResponseTemplate::new(200).set_body_raw("new", "video/mp4");
    nemo.respond(Endpoint::RenderDownload, short).times(1);
    assert!(client.download(&video, &path).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");

    let complete = ResponseTemplate::new(200).set_body_raw("new!", "video/mp4");
    nemo.respond(Endpoint::RenderDownload, complete);
    client.download(&video, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new!");
    let sent = &nemo.requests(Endpoint::RenderDownload)[0];
    assert_eq!(sent.headers["authorization"], "Bearer nmv_usr_mock");
}

#[tokio::test]
async fn a_claim_link_contains_the_claim_token_and_never_the_bearer_token() {
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.claim_token("clm_1");
    let client = nemo.client();
    let session = client.create_session(CreateSession::default()).await.unwrap();
    let link = client.claim_link(&session).await.unwrap();
    assert_eq!(link.as_str(), "https://nemovideo.com/workspace/claim?ct=clm_1");
}

#[tokio::test]
async fn a_claim_link_keeps_the_path_of_the_website() {
    let nemo = NemoMock::start().await;
    nemo.claim_token("clm_1");
    for web in ["https://host.test/nemo", "https://host.test/nemo/"] {
        let client = nemo.client_builder().web_url(web).build().unwrap();
        let link = client.claim_link(&Session::new("t", "s")).await.unwrap();
        assert_eq!(link.as_str(), "https://host.test/nemo/workspace/claim?ct=clm_1");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token() {
    let elsewhere = NemoMock::start().await;
    elsewhere.credits(1.0, 0);
    let nemo = NemoMock::start().await;
    let location = format!("{}/api/credits/balance/simple", elsewhere.url());
    let redirect = ResponseTemplate::new(307).insert_header("location", location.as_str());
    nemo.respond(Endpoint::Credits, redirect);
    assert!(nemo.client().credits().await.is_err());
    assert!(elsewhere.wiremock().received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_status_that_the_service_never_sends_does_not_deny_an_effect() {
    for status in [204, 300, 302, 303, 304, 307, 308, 399] {
        let nemo = NemoMock::start().await;
        let odd = ResponseTemplate::new(status).insert_header("location", "/elsewhere");
        for endpoint in [Endpoint::Session, Endpoint::Message, Endpoint::Credits] {
            nemo.respond(endpoint, odd.clone());
        }
        let client = nemo.client();
        let id = SessionId::new("s");
        let sent = client.send_message(&id, "hi").await.map(drop).unwrap_err();
        let created = client.create_session(CreateSession::default()).await.unwrap_err();
        for error in [sent, created] {
            assert!(error.may_have_taken_effect() && !error.is_retryable(), "{status}: {error:?}");
        }
        let read = client.credits().await.unwrap_err();
        assert!(!read.may_have_taken_effect(), "{status}: {read:?}");
    }
}

#[tokio::test]
async fn a_response_beyond_the_limit_is_an_error() {
    let nemo = NemoMock::start().await;
    let body = json!({ "code": 0, "data": { "available": 1, "padding": "x".repeat(5_000) } });
    let response = ResponseTemplate::new(200).set_body_json(body);
    nemo.respond(Endpoint::Credits, response);
    let limits = nemovideo::Limits::default().with_body(1_000);
    let client = nemo.client_builder().limits(limits).build().unwrap();
    let error = client.credits().await.unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: 1_000, .. }), "{error}");
}

#[tokio::test]
async fn a_decode_error_names_the_path_of_the_field() {
    let nemo = NemoMock::start().await;
    let response =
        ResponseTemplate::new(200).set_body_json(json!({"code": 0, "data": {"available": []}}));
    nemo.respond(Endpoint::Credits, response);
    let error = nemo.client().credits().await.unwrap_err();
    assert!(error.to_string().contains("`data.available`"), "{error}");
}

#[tokio::test]
async fn an_unreachable_service_is_an_error_without_effect() {
    let nemo = NemoMock::start().await;
    let builder = nemo.client_builder().base_url("http://127.0.0.1:1");
    let client = builder.token("mine").build().unwrap();
    let error = client.send_message(&"s".into(), "hi").await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");
    assert!(error.is_retryable() && !error.may_have_taken_effect());
    assert_eq!(error.call().unwrap().attempts, 4);
}
