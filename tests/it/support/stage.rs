//! An embedded backend with a caller, for tests of what goes wrong with its calls.

use std::error::Error as _;
use std::io::ErrorKind;

use nemovideo::local::{Counters, FaultHandle, LocalBackend, Prices};
use nemovideo::protocol::Credits;
use nemovideo::protocol::Endpoint;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::caller::{Caller, SCRIPT, message};

pub(crate) const CREDITS: &str = "/api/credits/balance/simple";
pub(crate) const SESSION: &str = "/api/tasks/me/with-session/nemo_agent";

pub(crate) struct Stage {
    pub(crate) backend: LocalBackend,
    pub(crate) caller: Caller,
    pub(crate) session: String,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let prices =
            Prices::default().with_voiceover(Credits::new(1.0)).with_edit(Credits::new(1.0));
        let backend = LocalBackend::builder().placeholder_videos().credits(100).prices(prices);
        let backend = backend.start().await.unwrap();
        let caller = Caller::new(&backend, "one").await;
        let session = caller.session().await;
        Self { backend, caller, session }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.backend.counters()
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.caller.request(method, path)
    }

    pub(crate) fn credits(&self) -> RequestBuilder {
        self.call(Method::GET, CREDITS)
    }

    pub(crate) fn say(&self) -> RequestBuilder {
        self.say_this(&format!("Make a voiceover of this script. Script: {SCRIPT}"))
    }

    pub(crate) fn say_this(&self, text: &str) -> RequestBuilder {
        self.call(Method::POST, "/run_sse").body(message(&self.session, text).to_string())
    }

    pub(crate) fn upload(&self, bytes: usize) -> RequestBuilder {
        let part = Part::bytes(vec![b'x'; bytes]).file_name("notes.txt");
        let path = format!("/api/upload-video/nemo_agent/me/{}", self.session);
        self.call(Method::POST, &path).multipart(Form::new().part("files", part))
    }

    /// A call of each route that leaves something behind; an id is for one of each.
    pub(crate) fn works(&self, id: u32) -> [Work; 5] {
        let client = format!("client-{id}");
        let token = self.call(Method::POST, "/api/auth/anonymous-token");
        let render = render(&format!("render_{id}"), &self.session);
        let render = self.call(Method::POST, "/api/render/proxy/lambda").body(render.to_string());
        let session = self.call(Method::POST, SESSION).body("{}");
        [
            Work::new(Endpoint::Token, token.header("X-Client-Id", client), |c| c.tokens_issued),
            Work::new(Endpoint::Session, session, |c| c.sessions_created),
            Work::new(Endpoint::Message, self.say(), |c| c.messages_run),
            Work::new(Endpoint::Upload, self.upload(100), |c| c.uploads_taken),
            Work::new(Endpoint::RenderSubmit, render, |c| c.renders_started),
        ]
    }

    /// What a bare connection gets, and how that ends.
    pub(crate) async fn bare(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> (Vec<u8>, Option<ErrorKind>) {
        let mut connection = self.connect().await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.caller.token,
            body.len()
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let end = connection.read_to_end(&mut bytes).await;
        (bytes, end.err().map(|error| error.kind()))
    }

    pub(crate) async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.backend.url().strip_prefix("http://").unwrap()).await
    }
}

/// A video with one title.
pub(crate) fn render(id: &str, session: &str) -> Value {
    json!({"id": id, "sessionId": session,
        "draft": {"t": [{"tt": 7, "sg": [{"d": 1000, "m": {"text": "Sky"}}]}]},
        "output": {"format": "mp4", "quality": "high"}})
}

/// A call that leaves something behind, and how often such a thing was done.
pub(crate) struct Work {
    pub(crate) route: Endpoint,
    pub(crate) call: RequestBuilder,
    pub(crate) done: fn(&Counters) -> u64,
}

impl Work {
    fn new(route: Endpoint, call: RequestBuilder, done: fn(&Counters) -> u64) -> Self {
        Self { route, call, done }
    }
}

/// The kind of the input-output error at the root of another.
pub(crate) fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

/// The body until it breaks or ends.
pub(crate) async fn body(mut response: Response) -> (Vec<u8>, Option<reqwest::Error>) {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend(chunk),
            Ok(None) => return (bytes, None),
            Err(error) => return (bytes, Some(error)),
        }
    }
}

pub(crate) fn events(body: &[u8]) -> usize {
    String::from_utf8_lossy(body).lines().filter(|line| line.starts_with("data:")).count()
}

pub(crate) async fn met(injected: &FaultHandle) {
    while injected.hits() == 0 {
        tokio::task::yield_now().await;
    }
}
