//! A server on a bare socket, for what a mock with whole answers cannot do: streams that stall,
//! that never end, and connections whose close is seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A request, as far as a script needs it.
pub(crate) struct Request {
    head: String,
    number: usize,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// How many requests came for this path before.
    pub(crate) fn number_on_route(&self) -> usize {
        self.number
    }

    /// The value of a header, its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What to answer.
#[derive(Clone)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Clone)]
enum Then {
    Close,
    /// Leaves the connection open without another byte.
    Stall,
    /// Sends this again and again.
    Repeat(Vec<u8>),
}

const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

impl Reply {
    pub(crate) fn json(body: String) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        Self::raw(head + &body)
    }

    /// These bytes, then the end.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: Then::Close }
    }

    /// Never a byte.
    pub(crate) fn stalled() -> Self {
        Self { bytes: Vec::new(), then: Then::Stall }
    }

    pub(crate) fn stalled_stream(events: &str) -> Self {
        Self { bytes: (STREAM_HEAD.to_owned() + events).into(), then: Then::Stall }
    }

    pub(crate) fn endless_file(bytes: &str) -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\nconnection: close\r\n\r\n";
        Self { bytes: head.into(), then: Then::Repeat(bytes.into()) }
    }

    pub(crate) fn endless_stream(event: &str) -> Self {
        Self { bytes: STREAM_HEAD.into(), then: Then::Repeat(event.into()) }
    }
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

#[derive(Default)]
struct Seen {
    requests: HashMap<String, usize>,
    closed: HashMap<String, usize>,
}

/// The server; it lives as long as the test's runtime.
pub(crate) struct RawServer {
    url: String,
    seen: Arc<Mutex<Seen>>,
    changed: Arc<Notify>,
}

impl RawServer {
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let changed = Arc::new(Notify::new());
        let server = Self { url, seen: Arc::clone(&seen), changed: Arc::clone(&changed) };
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, seen, changed) =
                    (Arc::clone(&script), Arc::clone(&seen), Arc::clone(&changed));
                tokio::spawn(async move {
                    // A client that hangs up is what some tests are about.
                    let path = serve(stream, &*script, &seen).await.unwrap_or_else(|path| path);
                    *seen.lock().expect("unpoisoned").closed.entry(path).or_default() += 1;
                    changed.notify_waiters();
                });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn requests(&self, path: &str) -> usize {
        self.seen.lock().expect("unpoisoned").requests.get(path).copied().unwrap_or_default()
    }

    /// Waits until a connection that asked for this path is over.
    pub(crate) async fn connection_closed(&self, path: &str) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if self.seen.lock().expect("unpoisoned").closed.contains_key(path) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the connection closes");
    }
}

/// Answers one request. The result is its path, whichever way it ended.
async fn serve(
    mut stream: TcpStream,
    script: &Script,
    seen: &Mutex<Seen>,
) -> Result<String, String> {
    let head = read_request(&mut stream).await.map_err(|_| String::new())?;
    let mut request = Request { head, number: 0 };
    let path = request.path().to_owned();
    {
        let mut seen = seen.lock().expect("unpoisoned");
        let count = seen.requests.entry(path.clone()).or_default();
        request.number = *count;
        *count += 1;
    }
    let reply = script(&request);
    let ended = |_| path.clone();
    stream.write_all(&reply.bytes).await.map_err(ended)?;
    match reply.then {
        Then::Close => {}
        // Ends when the client hangs up.
        Then::Stall => {
            let _end = stream.read(&mut [0; 64]).await;
        }
        Then::Repeat(bytes) => loop {
            stream.write_all(&bytes).await.map_err(ended)?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        },
    }
    Ok(path)
}

/// The head of a request; its body is read and forgotten.
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
