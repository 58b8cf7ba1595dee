//! An HTTP server on a bare socket, for what a mock with complete responses cannot do: streams that
//! stall, streams that never end, and connections whose close is observed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// The parts of a request that a script needs.
pub(crate) struct Request {
    head: String,
    index: usize,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Returns the number of earlier requests for the same path.
    pub(crate) fn index_on_path(&self) -> usize {
        self.index
    }

    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The bytes of a response, and what becomes of the connection after them.
#[derive(Clone)]
pub(crate) struct RawResponse {
    bytes: Vec<u8>,
    end: End,
}

#[derive(Clone)]
enum End {
    Close,
    /// Leaves the connection open and sends no further byte.
    Stall,
    /// Sends these bytes repeatedly.
    Repeat(Vec<u8>),
}

const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

impl RawResponse {
    pub(crate) fn json(body: impl AsRef<str>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        Self::bytes(head + body)
    }

    /// Returns an anonymous token.
    pub(crate) fn token() -> Self {
        Self::json(r#"{"code":0,"data":{"token":"t"}}"#)
    }

    /// Returns a response of these bytes, after which the connection closes.
    pub(crate) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), end: End::Close }
    }

    /// Returns an event stream with this body, which ends as the connection closes.
    pub(crate) fn stream(events: &str) -> Self {
        Self::bytes(STREAM_HEAD.to_owned() + events)
    }

    /// Returns an event stream that breaks after this body: it announces more than it sends.
    pub(crate) fn broken_stream(events: &str) -> Self {
        Self::bytes(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
             content-length: 100000\r\n\r\n{events}"
        ))
    }

    /// Returns a response that never sends a byte.
    pub(crate) fn stalled() -> Self {
        Self { bytes: Vec::new(), end: End::Stall }
    }

    pub(crate) fn stalled_stream(events: &str) -> Self {
        Self { bytes: (STREAM_HEAD.to_owned() + events).into(), end: End::Stall }
    }

    pub(crate) fn endless_file(bytes: &str) -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\nconnection: close\r\n\r\n";
        Self { bytes: head.into(), end: End::Repeat(bytes.into()) }
    }

    pub(crate) fn endless_stream(event: &str) -> Self {
        Self { bytes: STREAM_HEAD.into(), end: End::Repeat(event.into()) }
    }
}

type Script = dyn Fn(&Request) -> RawResponse + Send + Sync;

/// The numbers of requests and of closed connections, by path.
#[derive(Default)]
struct Log {
    requests: HashMap<String, usize>,
    closed: HashMap<String, usize>,
}

/// A scripted server, which runs until the test's runtime ends.
pub(crate) struct RawServer {
    url: String,
    log: Arc<Mutex<Log>>,
    changed: Arc<Notify>,
}

impl RawServer {
    pub(crate) async fn start(
        script: impl Fn(&Request) -> RawResponse + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener"));
        let log = Arc::new(Mutex::new(Log::default()));
        let changed = Arc::new(Notify::new());
        let server = Self { url, log: Arc::clone(&log), changed: Arc::clone(&changed) };
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log, changed) =
                    (Arc::clone(&script), Arc::clone(&log), Arc::clone(&changed));
                tokio::spawn(async move {
                    // Some tests are about a client that closes the connection early.
                    let path = serve(stream, &*script, &log).await.unwrap_or_else(|path| path);
                    *log.lock().expect("unpoisoned").closed.entry(path).or_default() += 1;
                    changed.notify_waiters();
                });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of requests for this path.
    pub(crate) fn requests(&self, path: &str) -> usize {
        self.log.lock().expect("unpoisoned").requests.get(path).copied().unwrap_or_default()
    }

    /// Waits until a connection with a request for this path is closed.
    pub(crate) async fn connection_closed(&self, path: &str) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if self.log.lock().expect("unpoisoned").closed.contains_key(path) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the connection closes");
    }
}

/// Serves one request. Returns its path: as `Err` if the client closed the connection early.
async fn serve(mut stream: TcpStream, script: &Script, log: &Mutex<Log>) -> Result<String, String> {
    let head = read_request(&mut stream).await.map_err(|_| String::new())?;
    let mut request = Request { head, index: 0 };
    let path = request.path().to_owned();
    {
        let mut log = log.lock().expect("unpoisoned");
        let count = log.requests.entry(path.clone()).or_default();
        request.index = *count;
        *count += 1;
    }
    let response = script(&request);
    let closed = |_| path.clone();
    stream.write_all(&response.bytes).await.map_err(closed)?;
    match response.end {
        End::Close => {}
        // Returns when the client closes the connection.
        End::Stall => {
            let _end = stream.read(&mut [0; 64]).await;
        }
        End::Repeat(bytes) => loop {
            stream.write_all(&bytes).await.map_err(closed)?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        },
    }
    Ok(path)
}

/// Reads a request and returns its head. The body is discarded.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
        })
        .unwrap_or(0_usize);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}
