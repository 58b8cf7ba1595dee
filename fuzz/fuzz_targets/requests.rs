//! The embedded backend responds to any request, and serves the next one.
//!
//! An input is a request without its version, `Host`, `Authorization` and `Content-Length`, which
//! are added here: `POST /run_sse`, headers, a blank line, and the body, with `\n` between lines.
//! `{session}` in it is a session that exists. An input that starts with a NUL byte is sent as it is.
//!
//! `cargo fuzz run requests`
#![no_main]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use nemovideo::local::LocalBackend;
use tokio::runtime::Runtime;

struct Server {
    _runtime: Runtime,
    _backend: LocalBackend,
    host: String,
    token: String,
    session: String,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let builder =
        LocalBackend::builder().placeholder_videos().request_timeout(Duration::from_secs(1));
    let backend = runtime.block_on(builder.start()).expect("a backend");
    let host = backend.url().trim_start_matches("http://").to_owned();
    let token = response(
        &host,
        Sending::Open,
        format!("POST /api/auth/anonymous-token HTTP/1.1\r\nhost: {host}\r\nx-client-id: fuzzer-00000001\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
    );
    let token = field(&token, "token");
    let body = r#"{"task_name":"fuzz"}"#;
    let session = response(
        &host,
        Sending::Open,
        format!("POST /api/tasks/me/with-session/nemo_agent HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).as_bytes(),
    );
    let session = field(&session, "session_id");
    Server { _runtime: runtime, _backend: backend, host, token, session }
});

fn field(response: &str, name: &str) -> String {
    let (_, value) = response.split_once(&format!("\"{name}\":\"")).expect(response);
    value.split('"').next().unwrap_or_default().to_owned()
}

/// Whether the connection is open for more once a request was sent. To the backend, a client that
/// has closed it is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    Open,
    Closed,
}

fn response(host: &str, sending: Sending, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(host).expect("the backend listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    // It may respond, and close the connection, before it has read everything.
    let _ = stream.write_all(request);
    if sending == Sending::Closed {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(
            !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
            "there was no response"
        );
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fuzz_target!(|data: &[u8]| {
    let Server { host, token, session, .. } = &*SERVER;
    if let Some(raw) = data.strip_prefix(b"\0") {
        response(host, Sending::Closed, raw);
        return;
    }
    let text = String::from_utf8_lossy(data).replace("{session}", session);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let mut request =
        format!("{line} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n");
    for header in headers.lines() {
        request.extend([header, "\r\n"]);
    }
    request.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()));
    let response = response(host, Sending::Open, request.as_bytes());
    assert!(!response.starts_with("HTTP/1.1 500"), "{response}");
});
