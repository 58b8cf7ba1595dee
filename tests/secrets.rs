//! No secret appears in the logs, errors or `Debug` output of a process that logs at every level.
//! It is a binary of its own because it installs the process's global log subscriber.

#[allow(dead_code, reason = "the module is shared with `tests/it`, which uses the rest of it")]
#[path = "it/support/raw.rs"]
mod raw;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::{Draft, Json};
use nemovideo::local::LocalBackend;
use nemovideo::protocol::event::AgentEvent;
use nemovideo::{
    ClientId, CreateSession, CreateToken, Error, ExponentialRetry, NemoClient, RenderJob,
    RenderOutput, RenderPolling, SessionId,
};
use raw::{RawResponse, RawServer};
use tracing_subscriber::fmt::MakeWriter;

const OWN_TOKEN: &str = "nmv_usr_0wn5ecret";
const CLIENT_ID: &str = "5ec2e7c1-1d00-4000-8000-000000000000";
const SIGNATURE: &str = "s1gnature-of-the-url";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Returns every text that a program can get from an error and its sources.
fn texts_of(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}\n", error.advice());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!("{cause}\n{cause:?}\n"));
        source = cause.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_error_or_debug_output_contains_a_secret() {
    let log = Log::default();
    // Records of the `log` crate come through the same subscriber.
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    let mut out = String::new();

    // Successful calls, against the embedded backend.
    let backend = LocalBackend::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let client = NemoClient::builder()
        .base_url(backend.url())
        .client_id(ClientId::new(CLIENT_ID))
        .credentials_dir(dir.path())
        .polling(RenderPolling::new(Duration::from_millis(20), 1_000))
        .build()
        .unwrap();
    let account = client.authenticate().await.unwrap();
    let created = client.create_token(CreateToken::named("ci")).await.unwrap();
    let tokens = client.tokens().await.unwrap();
    out.push_str(&format!("{created:?}\n{created:#?}\n{tokens:?}\n{:?}\n", created.clone()));
    client.revoke_token(&created.info.id).await.unwrap();
    out.push_str(&format!("{backend:?}\n{:?}\n", backend.faults()));
    let session = client.create_session(CreateSession::default()).await.unwrap().session_id;
    let mut events = client.send_message(&session, "narrate: Hello.").await.unwrap();
    while let Some(event) = events.next().await {
        out.push_str(&format!("{:?}\n", event.unwrap()));
    }
    client.upload_bytes(&session, "a.txt", "Hello.").await.unwrap();
    let draft = client.session_state(&session).await.unwrap().draft.unwrap();
    let job = client.submit_render(&session, &draft, RenderOutput::mp4()).await.unwrap();
    let video = client.wait_for_render(&job).await.unwrap();
    client.download(&video, dir.path().join("a.mp4")).await.unwrap();
    out.push_str(&format!("{account:?}\n{client:?}\n{job:?}\n{}\n", serde_json::json!(job)));
    let stored = std::fs::read_dir(dir.path().join("tokens")).unwrap().next().unwrap().unwrap();
    let stored = std::fs::read_to_string(stored.path()).unwrap();
    let start = stored.find("nmv_usr_").unwrap();
    let issued = stored[start..].split('"').next().unwrap().to_owned();

    // Errors of all kinds, with the user's own token.
    let wrong = NemoClient::builder().base_url(backend.url()).token(OWN_TOKEN).build().unwrap();
    out.push_str(&texts_of(&wrong.credits().await.unwrap_err()));
    for response in [
        RawResponse::bytes("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"),
        RawResponse::bytes("no http at all\r\n\r\n"),
        RawResponse::bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
        RawResponse::bytes(format!(
            "HTTP/1.1 302 Found\r\nlocation: https://other.test/?sig={SIGNATURE}\r\ncontent-length: 0\r\n\r\n"
        )),
        RawResponse::json(r#"{"code":0,"data":[]}"#),
        RawResponse::json(format!(r#"{{"code":0,"data":"{SIGNATURE}"}}"#)),
        RawResponse::json(r#"{"code":2001,"message":"no"}"#),
        RawResponse::stalled(),
    ] {
        let server = RawServer::start(move |_| response.clone()).await;
        let timeouts = nemovideo::Timeouts::default().with_response(Duration::from_millis(50));
        let client = NemoClient::builder()
            .base_url(server.url())
            .token(OWN_TOKEN)
            .retry(ExponentialRetry::default().with_initial_delay(Duration::ZERO))
            .timeouts(timeouts)
            .build()
            .unwrap();
        out.push_str(&texts_of(&client.credits().await.unwrap_err()));
        // A response that is no event stream is read as one where it may be the paid message's.
        match client.send_message(&"s".into(), "hi").await {
            Err(error) => out.push_str(&texts_of(&error)),
            Ok(mut events) => {
                out.push_str(&format!("{events:?}\n"));
                while let Some(event) = events.next().await {
                    match event {
                        Err(error) => out.push_str(&texts_of(&error)),
                        // What is no event is handed on as it came.
                        Ok(AgentEvent::Unknown(_)) => {}
                        Ok(event) => out.push_str(&format!("{event:?}\n")),
                    }
                }
            }
        }
        let mut signed = video.clone();
        signed.url = format!("{}/video.mp4?signature={SIGNATURE}", server.url());
        out.push_str(&format!("{signed:?}\n{signed:#?}\n"));
        let download = client.download(&signed, dir.path().join("b.mp4")).await;
        // A response without a content type is saved as a file.
        if let Err(error) = download {
            out.push_str(&texts_of(&error));
        }
    }
    let unreachable = NemoClient::builder().base_url("http://127.0.0.1:1").token(OWN_TOKEN);
    let client = unreachable.retry(ExponentialRetry::never()).build().unwrap();
    out.push_str(&texts_of(&client.credits().await.unwrap_err()));
    let mut signed = video;
    signed.url = format!("http://127.0.0.1:1/video.mp4?signature={SIGNATURE}");
    out.push_str(&texts_of(&client.download(&signed, dir.path().join("c.mp4")).await.unwrap_err()));

    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("nemovideo::transport"), "the log contains the crate's events");
    assert!(logged.contains("/api/credits/balance/simple"), "the log contains paths");
    assert!(logged.contains("hyper"), "the log contains the events of the HTTP library");
    for secret in [OWN_TOKEN, &issued, created.expose_secret(), CLIENT_ID, SIGNATURE] {
        for (name, text) in [("log", &logged), ("output", &out)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is in the {name}");
        }
    }
}

#[tokio::test]
async fn no_error_quotes_a_token_that_the_service_echoed() {
    use nemovideo::mock::{NemoMock, wiremock::ResponseTemplate};
    use nemovideo::protocol::Endpoint;

    let responses = [
        (Endpoint::Token, 200, format!(r#"{{"code":0,"data":"{OWN_TOKEN}"}}"#)),
        (Endpoint::Token, 200, format!(r#"{{"token":["{OWN_TOKEN}, expected x"]}}"#)),
        (Endpoint::Token, 200, format!(r#""{OWN_TOKEN}""#)),
        (Endpoint::TokenCreate, 200, format!(r#"{{"code":0,"data":{{"token":"{OWN_TOKEN}"}}}}"#)),
        (Endpoint::TokenCreate, 200, format!(r#"{{"code":0,"data":["{OWN_TOKEN}"]}}"#)),
        (Endpoint::TokenCreate, 200, format!(r#"{{"id":"t","token":{{"of":"{OWN_TOKEN}"}}}}"#)),
        (Endpoint::Credits, 200, format!(r#"{{"code":1001,"message":"{OWN_TOKEN} is over"}}"#)),
        (Endpoint::Credits, 403, format!("bad token {OWN_TOKEN}")),
        (Endpoint::Credits, 500, format!(r#"{{"code":5003,"message":"{OWN_TOKEN}?"}}"#)),
        (Endpoint::Credits, 200, format!(r#"{{"available":{{"of":"{OWN_TOKEN}"}}}}"#)),
        (Endpoint::Token, 200, format!(r#"{{"message":"{CLIENT_ID} has one"}}"#)),
        (Endpoint::State, 200, format!(r#"{{"message":"bad token {OWN_TOKEN}"}}"#)),
        (Endpoint::State, 200, format!(r#"{{"error":"bad token {OWN_TOKEN}"}}"#)),
        (Endpoint::Session, 200, format!(r#"{{"error":"bad token {OWN_TOKEN}"}}"#)),
        (Endpoint::Message, 200, format!("data: {{}}\n\nError: invalid token {OWN_TOKEN}\n\n")),
        (Endpoint::Message, 200, format!("data: {{\"error\":\"bad {OWN_TOKEN}\"}}\n\n")),
        (Endpoint::Message, 200, format!(r#"{{"code":2001,"message":"{OWN_TOKEN}"}}"#)),
        (
            Endpoint::RenderStatus,
            200,
            format!(r#"{{"code":0,"data":{{"status":"cancelled","error":"bad {OWN_TOKEN}"}}}}"#),
        ),
    ];
    for (endpoint, status, body) in responses {
        let nemo = NemoMock::start().await;
        let response = ResponseTemplate::new(status).set_body_string(body.clone());
        nemo.respond(endpoint, response);
        let error = match endpoint {
            Endpoint::Token => {
                let id = ClientId::new(CLIENT_ID);
                let client = nemo.client_builder().client_id(id).build().unwrap();
                client.authenticate().await.map(drop).unwrap_err()
            }
            Endpoint::TokenCreate => {
                let created = nemo.client().create_token(CreateToken::named("x")).await;
                created.map(drop).unwrap_err()
            }
            _ => {
                let client = nemo.client_builder().token(OWN_TOKEN).build().unwrap();
                match endpoint {
                    Endpoint::Session => {
                        client.create_session(CreateSession::named("a")).await.err()
                    }
                    Endpoint::State => client.session_state(&SessionId::new("s")).await.err(),
                    Endpoint::RenderStatus => {
                        let draft = Draft::from(r#"{"t":[]}"#.parse::<Json>().unwrap());
                        let job = RenderJob::new("s".into(), draft, RenderOutput::mp4());
                        client.wait_for_render(&job).await.map(drop).err()
                    }
                    Endpoint::Message => {
                        let message = client.send_message(&"s".into(), "hi").await;
                        match message {
                            Err(error) => Some(error),
                            Ok(events) => {
                                events
                                    .text()
                                    .filter_map(|text| async { text.err() })
                                    .boxed()
                                    .next()
                                    .await
                            }
                        }
                    }
                    _ => client.credits().await.err(),
                }
                .unwrap()
            }
        };
        let texts = texts_of(&error);
        assert!(!texts.contains(OWN_TOKEN) && !texts.contains(CLIENT_ID), "{body}: {texts}");
    }
}

#[tokio::test]
async fn no_error_quotes_the_signature_of_a_url() {
    use nemovideo::mock::{NemoMock, wiremock::ResponseTemplate};
    use nemovideo::protocol::Endpoint;

    let text = format!(
        "no file at https://u:{SIGNATURE}@cdn.test/a.mp4?X-Sig={SIGNATURE}&e=1, nor /b.mp4?sig={SIGNATURE}"
    );
    let escaped = format!(r"https:\/\/cdn.test\/a.mp4?a=1\u0026sig={SIGNATURE}");
    let responses = [
        (Endpoint::Credits, 403, text.clone()),
        (Endpoint::Credits, 500, format!(r#"{{"code":5003,"message":"{text}"}}"#)),
        (Endpoint::Credits, 200, format!(r#"{{"code":7,"message":"{escaped}"}}"#)),
        (Endpoint::Credits, 400, format!(r#"{{"detail":[{{"loc":["a"],"msg":"{text}"}}]}}"#)),
        (Endpoint::Session, 502, format!(r#"{{"error":"{text}"}}"#)),
        (
            Endpoint::RenderStatus,
            200,
            format!(r#"{{"code":0,"data":{{"status":"cancelled","error":"{text}"}}}}"#),
        ),
        (
            Endpoint::RenderStatus,
            200,
            format!(r#"{{"status":"cancelled","error":{{"url":"{escaped}","n":1}}}}"#),
        ),
        (Endpoint::Message, 200, format!("data: {{\"error\":\"{text}\"}}\n\n")),
        (Endpoint::Message, 200, format!("data: {{}}\n\nError: {text}\n\n")),
        (
            Endpoint::Message,
            200,
            format!(
                "data: {{\"errorCode\":\"X\",\"error\":\"x\",\"error_details\":{{\"u\":\"{escaped}\"}}}}\n\n"
            ),
        ),
    ];
    for (endpoint, status, body) in responses {
        let nemo = NemoMock::start().await;
        let response = ResponseTemplate::new(status).set_body_string(body.clone());
        nemo.respond(endpoint, response);
        let client = nemo.client_builder().retry(ExponentialRetry::never()).build().unwrap();
        let mut shown = String::new();
        let error = match endpoint {
            Endpoint::Session => client.create_session(CreateSession::named("a")).await.err(),
            Endpoint::RenderStatus => {
                let draft = Draft::from(r#"{"t":[]}"#.parse::<Json>().unwrap());
                let job = RenderJob::new("s".into(), draft, RenderOutput::mp4());
                shown = format!("{:?}", client.render_status(&job.id).await.unwrap());
                client.wait_for_render(&job).await.err()
            }
            Endpoint::Message => {
                let mut error = None;
                if let Ok(mut events) = client.send_message(&"s".into(), "hi").await {
                    while let Some(event) = events.next().await {
                        shown.push_str(&format!("{event:?}"));
                    }
                }
                if let Ok(events) = client.send_message(&"s".into(), "hi").await {
                    let mut text = events.text();
                    while let Some(delta) = text.next().await {
                        error = error.or(delta.err());
                    }
                }
                error
            }
            _ => client.credits().await.err(),
        };
        let texts = shown + &texts_of(&error.unwrap());
        assert!(!texts.contains(SIGNATURE) && texts.contains("cdn.test"), "{body}: {texts}");
    }
}
