//! Calls that no careful client makes get the backend's own error responses, leave nothing behind,
//! and delay no other caller.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::caller::{Caller, client, message};
use nemovideo::local::{Ending, Fault, LocalBackend, LocalBackendBuilder};
use nemovideo::protocol::Endpoint;
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

/// Reads what a connection gets until it is closed.
fn received(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // A reset, where bytes of the request were still to be read.
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8(bytes).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_trickles_ends() {
    let backend = quick().request_timeout(Duration::from_millis(200)).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let address = backend.url().trim_start_matches("http://").to_owned();
    // Sends a start, and then a byte now and then for as long as the connection takes it.
    let trickle = |start: String, byte: &'static [u8]| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(start.as_bytes()).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        let writing = std::thread::spawn(move || {
            while is_done.recv_timeout(Duration::from_millis(20))
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                && writer.write_all(byte).is_ok()
            {}
        });
        tokio::task::spawn_blocking(move || {
            let received = received(stream);
            drop(done);
            writing.join().unwrap();
            received
        })
    };
    let head = |path: &str, kind: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {kind}\r\nContent-Length: 1000000\r\n\r\n",
            caller.token
        )
    };
    let upload = format!("/api/upload-video/nemo_agent/me/{session}");
    let form = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"v.mp4\"\r\n\r\n";
    let no_head = trickle("POST /run_sse HTTP/1.1\r\nHost: localhost\r\nX-A: ".to_owned(), b"a");
    let json = trickle(head(SESSION, "application/json") + "{\"task_name\": \"", b"a");
    let file = trickle(head(&upload, "multipart/form-data; boundary=b") + form, b"a");
    let unread = trickle(head("/none", "text/plain"), b"a");
    assert_eq!(no_head.await.unwrap(), "");
    for (what, call) in [("json", json), ("file", file), ("unread", unread)] {
        let response = call.await.unwrap();
        assert!(response.starts_with("HTTP/1.1 408 ") || response.is_empty(), "{what}: {response}");
        assert!(response.contains("in time") || response.is_empty(), "{what}: {response}");
    }
    let counters = backend.counters();
    assert_eq!((counters.sessions_created, counters.uploads_taken), (1, 0));
    // A request that takes its time within the limit is not disturbed.
    caller.session().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_bodies_and_forms_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let backend = quick().data_dir(directory.path()).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let large = "x".repeat(9 << 20);

    let address = backend.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: {}\r\n\r\n", &large[..1 << 20]);
    // The server closes the connection before it has all of it.
    let _ = stream.write_all(head.as_bytes());
    let response = tokio::task::spawn_blocking(move || received(stream)).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 431 ") || response.is_empty(), "{response}");

    let response = caller.post("/run_sse", &message(&session, &large)).await;
    assert_eq!(response.status, 413, "{}", response.body);
    assert!(response.body.to_string().contains("8388608 bytes"), "{}", response.body);
    let mut draft = render("r", &session);
    draft["draft"]["m"] = json!({"note": large});
    assert_eq!(caller.post(RENDER, &draft).await.code(), 0, "a draft may be larger");

    let part = |name: String| Part::bytes(b"bytes".as_slice()).file_name(name);
    let many = (0..101).fold(Form::new(), |form, n| form.part("files", part(format!("{n}.mp4"))));
    let response = caller.upload(&session, many).await;
    assert_eq!((response.status, &response.body["detail"][0]["type"]), (422, &json!("too_long")));
    let field = Form::new().text("note", large.clone()).part("files", part("v.mp4".to_owned()));
    assert_eq!(caller.upload(&session, field).await.status, 413);
    let name = format!("{}.mp4", &large[..2 << 20]);
    let head = Form::new().part("files", part(name));
    assert_eq!(caller.upload(&session, head).await.status, 413, "the head of a part");
    let urls: Vec<_> = (0..101).map(|n| format!("http://203.0.113.1/{n}.mp4")).collect();
    let urls = json!({"urls": urls, "source_type": "url"});
    let path = format!("/api/upload-video/nemo_agent/me/{session}");
    assert_eq!(caller.post(&path, &urls).await.status, 422);
    assert_eq!(backend.counters().uploads_taken, 0);
    caller.rendered("r").await;
    let files = std::fs::read_dir(directory.path().join("files")).unwrap().count();
    assert_eq!(files, 1, "only the video");
}

#[tokio::test]
async fn a_name_or_an_id_that_cannot_be_shown_is_rejected() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    for name in ["a\u{202e}4pm.txt", "a\u{200f}.mp4", "a\u{7f}.mp4", "a\u{85}.mp4", "\u{2066}.mp4"]
    {
        let part = Part::bytes(b"bytes".as_slice()).file_name(name);
        let response = caller.upload(&session, Form::new().part("files", part)).await;
        assert_eq!(response.status, 422, "{name:?}: {}", response.body);
        // The parser of forms itself takes no DEL.
        let is_named = response.body.to_string().contains("the file name");
        assert!(is_named || name.contains('\u{7f}'), "{}", response.body);
    }
    for url in ["a%00.mp4", "a%0a.mp4", "%E2%80%AE.mp4"] {
        let urls = json!({"urls": [format!("{}/{url}", backend.url())], "source_type": "url"});
        let path = format!("/api/upload-video/nemo_agent/me/{session}");
        let response = caller.post(&path, &urls).await;
        assert!(response.body.to_string().contains("the file name"), "{url}: {}", response.body);
    }
    for id in ["", ".", "..", "a\0", "a\nb", "a\u{202e}b"] {
        let response = caller.post(RENDER, &render(id, &session)).await;
        assert_eq!(response.status, 422, "{id:?}");
        assert_eq!(response.body["detail"][0]["loc"], json!(["body", "id"]));
    }
    let counters = backend.counters();
    assert_eq!((counters.uploads_taken, counters.renders_started), (0, 0));
    for name in ["مرحبا.mp4", "👩\u{200d}💻.mp4"] {
        let part = Part::bytes(b"bytes".as_slice()).file_name(name);
        assert_eq!(caller.upload(&session, Form::new().part("files", part)).await.code(), 0);
    }
}

#[tokio::test]
async fn a_backend_that_is_dropped_stops_at_once() {
    let backend = quick().shutdown_within(10 * HANG).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let stalled = Fault::LateWork { reads: u32::MAX, ending: Ending::Stall };
    backend.faults().inject(stalled).on(Endpoint::Message).once();
    let session = caller.session().await;
    let mut stream = caller.open(&message(&session, "help")).await;
    drop(backend);
    let rest = async { while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
    tokio::time::timeout(HANG, rest).await.expect("the connection ends");
}
