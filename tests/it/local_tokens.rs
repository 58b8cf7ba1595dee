//! A user's own tokens on the embedded backend: they are created, used, listed and revoked, and allow
//! what their scopes say.

use crate::support::caller::{Caller, message};
use nemovideo::local::{ErrorReply, Fault, LocalBackend, LocalBackendBuilder};
use nemovideo::protocol::Endpoint;
use nemovideo::{
    CreateSession, CreateToken, Error, ErrorCode, NemoClient, RenderOutput, TokenId, TokenScope,
};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

fn quick() -> LocalBackendBuilder {
    LocalBackend::builder().placeholder_videos().credits(100)
}

fn client(backend: &LocalBackend) -> NemoClient {
    backend.client()
}

fn client_with(backend: &LocalBackend, token: &str) -> NemoClient {
    NemoClient::builder().base_url(backend.url()).token(token).build().unwrap()
}

#[tokio::test]
async fn a_token_is_created_used_listed_and_revoked() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let request = json!({"name": "ci", "scopes": ["*"], "expires_in_days": 90});
    let created = caller.post("/api/tokens", &request).await;
    assert_eq!(created.code(), 0);
    let (id, token) = (created.data("id"), created.data("token"));
    assert!(token.starts_with("nmv_usr_") && !id.contains("nmv_usr_"));

    // It opens the same account.
    let other = Caller::with_token(&backend, &token);
    assert_eq!(other.credits().await, (100.0, 0.0));
    let session = caller.session().await;
    let state = other.get(&format!("/api/state/nemo_agent/me/{session}/latest")).await;
    assert_eq!(state.data("user_id"), caller.user);

    let listed = other.get("/api/tokens").await;
    let tokens = listed.body["data"]["tokens"].as_array().unwrap();
    assert_eq!((tokens.len(), &tokens[0]["id"], &tokens[0]["name"]), (1, &json!(id), &json!("ci")));
    assert!(!listed.body.to_string().contains(&token), "the list holds no token");

    let stranger = Caller::new(&backend, "two").await;
    let revoke = format!("/api/tokens/{id}/revoke");
    assert_eq!(stranger.post(&revoke, &json!({})).await.status, 404);
    assert_eq!(stranger.get("/api/tokens").await.body["data"]["tokens"], json!([]));
    for _ in 0..2 {
        assert_eq!(caller.post(&revoke, &json!({})).await.code(), 0);
    }
    let rejected = other.get("/api/credits/balance/simple").await;
    assert_eq!((rejected.status, rejected.code()), (200, 1001));
    assert!(caller.get("/api/tokens").await.body["data"]["tokens"][0]["revoked_at"].is_string());
    let counters = backend.counters();
    assert_eq!((counters.tokens_created, counters.tokens_revoked), (1, 1));
}

#[tokio::test]
async fn the_debug_of_a_backend_shows_no_token() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let created = caller.post("/api/tokens", &json!({"name": "ci", "scopes": ["*"]})).await;
    let session = caller.session().await;
    let shown = format!("{backend:?} {backend:#?}");
    assert!(shown.contains(&session) && shown.contains(&created.data("id")), "{shown}");
    for secret in [&*caller.token, &*created.data("token"), "nmv_usr_"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

#[tokio::test]
async fn a_token_lives_for_its_days() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let over = caller.post("/api/tokens", &json!({"name": "x", "expires_in_days": 0})).await;
    let over = Caller::with_token(&backend, &over.data("token"));
    assert_eq!(over.get("/api/credits/balance/simple").await.code(), 1001);

    let client = client(&backend);
    let created = client.create_token(CreateToken::named("y").expires_in_days(2)).await.unwrap();
    let created = created.info;
    let lifetime = created.expires_at.unwrap().duration_since(created.created_at.unwrap());
    assert_eq!(lifetime.unwrap().as_secs(), 2 * 24 * 60 * 60);

    let nameless = caller.post("/api/tokens", &json!({"name": " "})).await;
    assert_eq!(
        (nameless.status, &nameless.body["detail"][0]["loc"]),
        (422, &json!(["body", "name"]))
    );
}

#[tokio::test]
async fn a_call_requires_its_scope() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let scoped = async |scopes: &[&str]| {
        let created = caller.post("/api/tokens", &json!({"name": "x", "scopes": scopes})).await;
        Caller::with_token(&backend, &created.data("token"))
    };
    let state = format!("/api/state/nemo_agent/me/{session}/latest");
    let upload = format!("/api/upload-video/nemo_agent/me/{session}");
    let render = json!({"id": "r", "sessionId": session, "output": {"format": "mp4"},
        "draft": {"t": [{"tt": 7, "sg": [{"d": 1000, "m": {"text": "Hi"}}]}]}});
    let claim = json!({"task_id": "t", "session_id": session});
    let say = message(&session, "what can you do?");
    let all: [(&str, Method, &str, Value); 13] = [
        ("read", Method::GET, "/api/credits/balance/simple", Value::Null),
        ("read", Method::GET, &state, Value::Null),
        ("read", Method::GET, "/api/tokens", Value::Null),
        ("read", Method::GET, "/api/render/proxy/lambda/r", Value::Null),
        ("read", Method::GET, "/api/render/proxy/r/download", Value::Null),
        ("write", Method::POST, "/api/tasks/me/with-session/nemo_agent", json!({})),
        ("write", Method::POST, "/api/auth/claim-token", claim),
        ("write", Method::POST, "/api/tokens", json!({"name": "y", "scopes": ["write"]})),
        ("write", Method::POST, "/api/tokens/tok_none/revoke", json!({})),
        ("write", Method::POST, "/run_sse", say),
        ("upload", Method::POST, &upload, Value::Null),
        ("render", Method::POST, "/api/render/proxy/lambda", render),
        ("render", Method::POST, "/api/render/proxy/lambda/r/cancel", json!({})),
    ];
    for scope in ["read", "write", "upload", "render"] {
        let token = scoped(&[scope]).await;
        for (required, method, path, body) in &all {
            let request = token.request(method.clone(), path);
            let request = match *required {
                "upload" => {
                    let part = Part::bytes(&b"One."[..]).file_name("a.txt");
                    request.multipart(Form::new().part("files", part))
                }
                _ if body.is_null() => request,
                _ => request.header("Content-Type", "application/json").body(body.to_string()),
            };
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let text = response.text().await.unwrap();
            let is_rejected = status == 403 || status == 402;
            assert_eq!(is_rejected, *required != scope, "{scope} {method} {path}: {text}");
            let is_export = *path == "/api/render/proxy/lambda";
            assert_eq!(status == 402, is_rejected && is_export, "{method} {path}");
        }
    }
    // No token grants more than it has.
    let writer = scoped(&["write"]).await;
    let more = writer.post("/api/tokens", &json!({"name": "z", "scopes": ["render"]})).await;
    assert_eq!(more.status, 403);
    assert!(more.body["detail"].as_str().unwrap().contains("render"), "{}", more.body);
    let same = writer.post("/api/tokens", &json!({"name": "z", "scopes": ["*"]})).await;
    assert_eq!(same.body["data"]["scopes"], json!(["write"]));
}

#[tokio::test]
async fn an_export_without_the_render_scope_is_blocked_and_the_advice_says_so() {
    let scopes = [TokenScope::Read, TokenScope::Write, TokenScope::Upload];
    let backend = quick().token_scopes(scopes.clone()).start().await.unwrap();
    let client = client(&backend);
    assert_eq!(client.authenticate().await.unwrap().scopes, Some(scopes.to_vec()));
    let session = client.create_session(CreateSession::default()).await.unwrap();
    assert!(session.user_id.is_some());
    let draft = r#"{"t":[{"tt":7,"sg":[{"d":1000,"m":{"text":"Hi"}}]}]}"#.parse().unwrap();
    let output = RenderOutput::mp4();
    let error = client.submit_render(&session.session_id, &draft, output).await.unwrap_err();
    assert!(matches!(error, Error::ExportBlocked(_)), "{error}");
    for cause in ["plan", "attribution", "`render` scope"] {
        assert!(error.advice().contains(cause), "{}", error.advice());
    }
    assert_eq!(backend.counters().renders_started, 0);
}

#[tokio::test]
async fn a_lost_response_to_a_creation_is_unknown_and_its_token_can_be_revoked() {
    let backend = quick().start().await.unwrap();
    let client = client(&backend);
    let reset = nemovideo::local::FaultyResponse::Reset;
    backend.faults().inject(Fault::DropResponse(reset)).on(Endpoint::TokenCreate).once();
    let error = client.create_token(CreateToken::named("lost")).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)) && error.may_have_taken_effect(), "{error}");
    let listed = client.tokens().await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "lost"));
    client.revoke_token(&listed[0].id).await.unwrap();
    assert_eq!(backend.counters().tokens_created, 1);
    let error = client.revoke_token(&TokenId::from("tok_none")).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Other(404)));
}

#[tokio::test]
async fn other_codes_of_an_invalid_token_are_sent_as_faults() {
    let backend = quick().start().await.unwrap();
    let created = client(&backend).create_token(CreateToken::named("own")).await.unwrap();
    let own = client_with(&backend, created.expose_secret());
    for number in [1010, 1011] {
        let reply = ErrorReply::code(ErrorCode::from(number));
        backend.faults().inject(Fault::ReplaceResponse(reply.into())).on(Endpoint::Credits).once();
        let error = own.credits().await.unwrap_err();
        assert!(matches!(error, Error::TokenInvalid(_)), "{error}");
        assert_eq!(error.code().unwrap().number(), number);
        assert!(error.advice().contains("NEMO_TOKEN"), "{}", error.advice());
    }
    own.credits().await.unwrap();
}
