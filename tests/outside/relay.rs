//! A proxy between programs and a backend, which disturbs one exchange at one point.
//!
//! It forwards HTTP/1.1 message by message and is otherwise transparent: connections stay open, and
//! the URLs of files that the backend names lead through the relay, too.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nemovideo::protocol::Endpoint;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The two messages of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// A point of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Before its first byte.
    Start,
    /// In the middle of its head.
    Head,
    /// Between head and body; of a message without a body, its end.
    Body,
    /// In the middle of its body.
    Middle,
    /// Before its last byte, or before the bytes that end a body of unknown length.
    Last,
}

/// What happens at the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The connections are closed in an orderly manner.
    Cut,
    /// The connections are reset.
    Reset,
    /// One bit of the next byte differs.
    Mangle,
    /// Nothing more is forwarded until the program disconnects.
    Stall,
    /// Nothing is forwarded for a second.
    Pause,
    /// The next bytes are forwarded one at a time.
    Trickle,
    /// Nothing; the [hit](Relay::hit) is reported when the whole message is forwarded.
    Report,
}

/// A disturbance of the nth exchange, from 0, with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) endpoint: Endpoint,
    pub(crate) nth: u64,
    pub(crate) side: Side,
    pub(crate) at: At,
    pub(crate) act: Act,
}

const PAUSE: Duration = Duration::from_secs(1);
const TRICKLED_BYTES: usize = 30;
const TRICKLE_PAUSE: Duration = Duration::from_millis(2);

pub(crate) struct Relay {
    url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    /// Host and port of the backend, and of the relay in its place.
    backend: String,
    own: String,
    plan: Mutex<Option<Plan>>,
    hits: watch::Sender<u64>,
    connections: watch::Sender<usize>,
}

impl Relay {
    /// Starts a relay to the backend at `url`.
    pub(crate) async fn start(url: &str) -> Self {
        let backend = url.strip_prefix("http://").expect("a plain URL").to_owned();
        // The replaced host must be as long as the backend's, because the lengths of messages stay.
        let (listener, own) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let own = listener.local_addr().expect("a bound listener").to_string();
            if own.len() == backend.len() {
                break (listener, own);
            }
        };
        let url = format!("http://{own}");
        let (hits, _) = watch::channel(0);
        let (connections, _) = watch::channel(0);
        let shared = Arc::new(Shared { backend, own, plan: Mutex::new(None), hits, connections });
        let served = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&served);
                shared.connections.send_modify(|connections| *connections += 1);
                tokio::spawn(async move {
                    // An error is the end of a connection, by a program or by a plan.
                    _ = serve(client, &shared).await;
                    shared.connections.send_modify(|connections| *connections -= 1);
                });
            }
        });
        Self { url, shared, accepting }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Disturbs one exchange from now on, in place of the one planned before.
    pub(crate) fn plan(&self, plan: Option<Plan>) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        self.shared.hits.send_replace(0);
    }

    /// Returns whether the planned disturbance has taken place.
    pub(crate) fn is_hit(&self) -> bool {
        *self.shared.hits.borrow() > 0
    }

    /// Waits until the planned disturbance has taken place.
    pub(crate) async fn hit(&self) {
        let mut hits = self.shared.hits.subscribe();
        hits.wait_for(|&hits| hits > 0).await.expect("the relay lives");
    }

    /// Waits until nothing of a program that has ended is on its way any more.
    pub(crate) async fn idle(&self) {
        let mut connections = self.shared.connections.subscribe();
        connections.wait_for(|&connections| connections == 0).await.expect("the relay lives");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// Returns the plan if this exchange is the one to disturb.
    fn due(&self, endpoint: Option<Endpoint>) -> Option<Plan> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = plan.as_mut().filter(|plan| Some(plan.endpoint) == endpoint)?;
        if planned.nth > 0 {
            planned.nth -= 1;
            return None;
        }
        plan.take()
    }
}

/// How a message goes on after a point.
enum Flow {
    On,
    Reset,
    Cut,
    Stall,
}

/// A connection, and what was read from it but not yet used.
struct Half {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Half {
    fn new(stream: TcpStream) -> Self {
        _ = stream.set_nodelay(true);
        Self { stream, unread: Vec::new() }
    }

    /// Reads more. Returns whether anything came.
    async fn fill(&mut self) -> io::Result<bool> {
        self.unread.reserve(64 * 1024);
        Ok(self.stream.read_buf(&mut self.unread).await? > 0)
    }

    /// Reads the head of a message, with the empty line; `None` at the end of the connection.
    async fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(Some(self.unread.drain(..at + 4).collect()));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }
}

/// How the end of a body is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    Close,
}

impl Framing {
    fn of(head: &str, side: Side) -> Self {
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        match header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => Self::Length(length),
            None if header("transfer-encoding").is_some() => Self::Chunked,
            None if side == Side::Request || head.contains(" 204 ") => Self::Length(0),
            None => Self::Close,
        }
    }
}

async fn serve(client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut client = Half::new(client);
    let mut backend = Half::new(TcpStream::connect(&shared.backend).await?);
    while let Some(head) = client.head().await? {
        let request = String::from_utf8_lossy(&head).into_owned();
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default();
        let plan = shared.due(Endpoint::matching(method, path));
        let of = |side| plan.filter(|plan| plan.side == side);
        let flow =
            forward(&mut client, &mut backend, head, Side::Request, of(Side::Request), shared);
        let flow = match flow.await? {
            Flow::On => {
                let Some(head) = backend.head().await? else { return Ok(()) };
                let plan = of(Side::Response);
                forward(&mut backend, &mut client, head, Side::Response, plan, shared).await?
            }
            flow => flow,
        };
        match flow {
            Flow::On => {}
            Flow::Cut => return Ok(()),
            Flow::Reset => {
                client.stream.set_zero_linger()?;
                return backend.stream.set_zero_linger();
            }
            Flow::Stall => {
                client.unread.clear();
                while client.fill().await? {
                    client.unread.clear();
                }
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Forwards a message.
async fn forward(
    from: &mut Half,
    to: &mut Half,
    head: Vec<u8>,
    side: Side,
    plan: Option<Plan>,
    shared: &Shared,
) -> io::Result<Flow> {
    let text = String::from_utf8_lossy(&head).into_owned();
    let framing = Framing::of(&text, side);
    let is_json = text.to_ascii_lowercase().contains("content-type: application/json");
    let length = match framing {
        Framing::Length(length) => length,
        // Beyond the first event, or the first part of a form.
        Framing::Chunked | Framing::Close => 80,
    };
    let end = head.len() + length;
    let at = plan.map(|plan| match plan.at {
        At::Start => 0,
        At::Head => head.len() / 2,
        At::Body => head.len(),
        At::Middle => head.len() + length / 2,
        At::Last if framing == Framing::Chunked => usize::MAX,
        At::Last => end - 1,
    });
    let mut sink = Sink { to: &mut to.stream, sent: 0, at, act: plan.map(|plan| plan.act), shared };
    if sink.act == Some(Act::Mangle) && length == 0 {
        sink.at = sink.at.map(|at| at.min(end - 1));
    }
    let mut flow = sink.write(head).await?;
    let mut remaining = match framing {
        Framing::Length(length) => length,
        Framing::Chunked | Framing::Close => usize::MAX,
    };
    if side == Side::Response && is_json && remaining < usize::MAX {
        // Whole, so that a URL in it is not torn apart.
        while from.unread.len() < remaining && from.fill().await? {}
        replace(&mut from.unread, shared.backend.as_bytes(), shared.own.as_bytes());
    }
    while remaining > 0 && matches!(flow, Flow::On) {
        if from.unread.is_empty() && !from.fill().await? {
            // The end of a body without a length; otherwise a broken message.
            return Ok(Flow::Cut);
        }
        let bytes: Vec<u8> = from.unread.drain(..from.unread.len().min(remaining)).collect();
        if framing == Framing::Chunked && bytes.ends_with(b"0\r\n\r\n") {
            sink.at = sink.at.map(|at| at.min(sink.sent + bytes.len() - 5));
            remaining = 0;
        } else if remaining < usize::MAX {
            remaining -= bytes.len();
        }
        flow = sink.write(bytes).await?;
    }
    if sink.act == Some(Act::Report) {
        shared.hits.send_modify(|hits| *hits += 1);
    }
    Ok(flow)
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(old.len()).position(|part| part == old) {
        at += found;
        bytes[at..at + new.len()].copy_from_slice(new);
    }
}

/// Where a message goes to, and the point of it that is disturbed.
struct Sink<'a> {
    to: &'a mut TcpStream,
    sent: usize,
    at: Option<usize>,
    act: Option<Act>,
    shared: &'a Shared,
}

impl Sink<'_> {
    async fn write(&mut self, mut bytes: Vec<u8>) -> io::Result<Flow> {
        let start = self.sent;
        self.sent += bytes.len();
        let (Some(at), Some(act)) = (self.at, self.act) else {
            self.to.write_all(&bytes).await?;
            return Ok(Flow::On);
        };
        // A byte that is changed or trickled must be among these; the others end before it.
        let needs_byte = matches!(act, Act::Mangle | Act::Trickle);
        if act == Act::Report || at < start || at >= self.sent + usize::from(!needs_byte) {
            self.to.write_all(&bytes).await?;
            return Ok(Flow::On);
        }
        let at = at - start;
        self.at = None;
        if act == Act::Mangle {
            bytes[at] ^= 1;
        } else {
            self.to.write_all(&bytes.drain(..at).collect::<Vec<_>>()).await?;
        }
        self.shared.hits.send_modify(|hits| *hits += 1);
        match act {
            Act::Cut => return Ok(Flow::Cut),
            Act::Reset => return Ok(Flow::Reset),
            Act::Stall => return Ok(Flow::Stall),
            Act::Pause => tokio::time::sleep(PAUSE).await,
            Act::Trickle => {
                for byte in bytes.drain(..bytes.len().min(TRICKLED_BYTES)) {
                    self.to.write_all(&[byte]).await?;
                    tokio::time::sleep(TRICKLE_PAUSE).await;
                }
            }
            Act::Mangle | Act::Report => {}
        }
        self.to.write_all(&bytes).await?;
        Ok(Flow::On)
    }
}
