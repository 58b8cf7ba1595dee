//! Calls that no careful client makes get the backend's own error responses, leave nothing behind,
//! and delay no other caller.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use crate::support::caller::{Caller, client, message};
use nemovideo::local::{LocalBackend, LocalBackendBuilder};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

/// Longer than the shutdown waits.
const HANG: Duration = Duration::from_secs(30);
const SESSION: &str = "/api/tasks/me/with-session/nemo_agent";
const RENDER: &str = "/api/render/proxy/lambda";

fn quick() -> LocalBackendBuilder {
    LocalBackend::builder().placeholder_videos()
}

fn render(id: &str, session: &str) -> Value {
    json!({"id": id, "sessionId": session, "output": {"format": "mp4", "quality": "high"},
        "draft": {"t": [{"tt": 7, "sg": [{"d": 3000, "m": {"text": "Hi"}}]}]}})
}

#[tokio::test]
async fn an_array_is_no_object() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let array = json!(["nemo_agent", "me", session, {"parts": [{"text": "help"}]}]).to_string();
    for (path, body) in [(SESSION, "[]"), (SESSION, "\"demo\""), ("/run_sse", array.as_str())] {
        let response = caller.post_text(path, body).await;
        assert_eq!(response.status, 422, "{path} {body}");
        assert_eq!(response.body["detail"][0]["loc"], json!(["body"]), "{}", response.body);
    }
    assert_eq!((backend.counters().sessions_created, backend.counters().messages_run), (1, 0));
}

#[tokio::test]
async fn a_path_that_is_no_text_is_found_nowhere() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    for path in [
        "/api/state/nemo_agent/me/%ff/latest",
        "/api/render/proxy/lambda/%ff",
        "/api/render/proxy/%c3%28/download",
        "/files/%ff/video.mp4",
    ] {
        let response = caller.get(path).await;
        assert_eq!(
            (response.status, &response.body),
            (404, &json!({"detail": "Not Found"})),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_message_belongs_to_its_app_and_user() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    for (field, value) in [("app_name", "other_agent"), ("user_id", "somebody")] {
        let mut body = message(&session, "help");
        body[field] = value.into();
        let response = caller.post("/run_sse", &body).await;
        assert_eq!(response.status, 404, "{field}");
        assert_eq!(response.body["detail"], format!("Session not found: {session}"));
    }
    assert_eq!(backend.counters().messages_run, 0);
    // An agent client may name the user as the service does.
    let mut body = message(&session, "help");
    body["user_id"] = caller.user.as_str().into();
    caller.open(&body).await.text().await.unwrap();
    assert_eq!(backend.counters().messages_run, 1);
}

#[tokio::test]
async fn a_render_without_an_id_is_rejected() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let response = caller.post(RENDER, &render("", &session)).await;
    assert_eq!(
        (response.status, &response.body["detail"][0]["loc"]),
        (422, &json!(["body", "id"]))
    );
    assert_eq!(backend.counters().renders_started, 0);
}

#[tokio::test]
async fn a_range_is_one_of_a_get_whatever_the_case_of_its_unit() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.post(RENDER, &render("r", &session)).await;
    let done = caller.rendered("r").await;
    let url = done["output"]["url"].as_str().unwrap();
    let asked = |method, range| client().request(method, url).header("Range", range).send();
    let head = asked(Method::HEAD, "bytes=0-9").await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], done["output"]["size"].to_string().as_str());
    assert!(!head.headers().contains_key("content-range"));
    let part = asked(Method::GET, "Bytes=0-9").await.unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().len()), (206, 10));
}

#[tokio::test]
async fn nothing_of_a_rejected_upload_stays_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let backend = quick().data_dir(directory.path()).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let files = || std::fs::read_dir(directory.path().join("files")).unwrap().count();
    let part = |name: &'static str| Part::bytes(b"bytes".as_slice()).file_name(name);
    let form = Form::new().part("files", part("v.mp4")).part("files", part("x.exe"));
    assert_eq!(caller.upload(&session, form).await.code(), 4001);
    assert_eq!(files(), 0);
    caller.upload(&session, Form::new().part("files", part("v.mp4"))).await;
    backend.shutdown().await;
    assert_eq!(files(), 1, "the files of a data directory stay");
}

#[tokio::test]
async fn a_caller_that_never_ends_its_call_does_not_keep_the_backend() {
    let backend = quick().shutdown_within(Duration::from_millis(50)).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let address = backend.url().trim_start_matches("http://").to_owned();
    let begin = |bytes: String| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let head = begin("POST /run_sse HTTP/1.1\r\nHost: ".to_owned());
    let body = begin(format!(
        "POST {SESSION} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 100\r\n\r\n{{\"task",
        caller.token
    ));
    // The incomplete calls were accepted by the time that a complete one gets its response.
    caller.session().await;
    tokio::time::timeout(HANG, backend.shutdown()).await.expect("the shutdown ends");
    drop((head, body));
}

#[tokio::test]
async fn a_backend_that_serves_forever_does_not_end() {
    let backend = quick().start().await.unwrap();
    let mut serving = std::pin::pin!(backend.serve_forever());
    assert!(futures::poll!(&mut serving).is_pending());
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_response_however_its_name_resolves() {
    let backend = quick().start().await.unwrap();
    let own = backend.url().trim_start_matches("http://").to_owned();
    let port = own.rsplit(':').next().unwrap();
    let token = async |host: &str, origin: Option<&str>| {
        let url = format!("{}/api/auth/anonymous-token", backend.url());
        let mut call = client().post(url).header("host", host).header("x-client-id", "a-client-1");
        if let Some(origin) = origin {
            call = call.header("origin", origin);
        }
        call.send().await.unwrap().status()
    };
    for host in
        ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "localhost.evil.test", "10.0.0.1"]
    {
        assert_eq!(token(host, None).await, 403, "{host}");
    }
    for origin in ["http://evil.test", "null", "https://127.0.0.1.evil.test", "file://", "garbage"]
    {
        assert_eq!(token(&own, Some(origin)).await, 403, "{origin}");
    }
    assert_eq!(backend.counters().tokens_issued, 0);
    let page = format!("http://localhost:{port}");
    assert_eq!(token(&format!("localhost:{port}"), Some(&page)).await, 200);
}
