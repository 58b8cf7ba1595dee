//! A message, and the stream that answers it.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout_at};

use super::{Limits, NemoClient, Timeouts, json};
use crate::error::{Error, Result, TimeoutKind, UnknownOutcome, source};
use crate::protocol::event::AgentEvent;
use crate::protocol::{Endpoint, RunRequest, SessionId};
use crate::sse::Decoder;
use crate::transport::{PendingResponse, after};

/// A message that is ready to be sent; `.await` sends it, once, and gives the stream.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use futures::StreamExt as _;
///
/// let message = client.send_message(id, "narrate: Good morning.");
/// assert_eq!(backend.counters().messages_run, 0); // nothing is sent yet
/// let events = message.await?;
/// assert!(events.count().await > 0);
/// assert_eq!(backend.counters().messages_run, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a message is sent when it is awaited"]
pub struct Message {
    pub(super) client: NemoClient,
    pub(super) request: RunRequest,
}

impl NemoClient {
    /// Says something to a session's agent. `.await` gives a [`MessageStream`] of what happens;
    /// [`watch`](Message::watch) goes on to find out what became of it when the stream breaks.
    ///
    /// A message costs credits, so it is sent again only where the service was surely never
    /// reached, or refused it before doing anything (429, 1001).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// use futures::StreamExt as _;
    /// use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
    ///
    /// let mut events = client.send_message(id, "narrate: Good morning.").streaming().await?;
    /// let (mut once, mut answer, mut tools) = (TextAccumulator::new(), String::new(), 0);
    /// while let Some(event) = events.next().await {
    ///     let event = event?;
    ///     answer.extend(once.push(&event).and_then(|fresh| fresh.text()));
    ///     tools += usize::from(matches!(event, AgentEvent::ToolCall(_)));
    /// }
    /// assert!(!answer.is_empty() && tools > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::OutOfCredits`], [`Error::TokenInvalid`];
    /// [`Error::OutcomeUnknown`] when it may have been taken and no stream came back;
    /// [`Error::NotAStream`]; the connection errors.
    ///
    /// # Cancel safety
    /// The future that `.await` polls gives the stream once the service has taken the message.
    /// Dropped before that, the message may have been taken, and charged: keep
    /// [`TurnStream::pending`] of [`watch`](Message::watch) where that matters.
    ///
    /// [`TurnStream::pending`]: super::TurnStream::pending
    pub fn send_message(&self, session: &SessionId, text: impl Into<String>) -> Message {
        Message { client: self.clone(), request: RunRequest::new(session.clone(), text) }
    }
}

impl Message {
    /// Asks for partial text while it is made. The whole text is repeated at the end:
    /// [`TextAccumulator`](crate::protocol::event::TextAccumulator) gives it out once.
    pub fn streaming(mut self) -> Self {
        self.request.streaming = true;
        self
    }
}

impl IntoFuture for Message {
    type Output = Result<MessageStream>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { client, request } = self;
            let payload = json(&request)?;
            let reply = client.open_stream(Endpoint::Message, payload, "text/event-stream").await?;
            Ok(MessageStream::new(reply, client.inner.timeouts, client.inner.limits))
        })
    }
}

/// What happens while a message is worked on: a stream of [`AgentEvent`]s that ends when the
/// service closes it, or with one error.
///
/// No event ends it: what cannot be read comes as [`AgentEvent::Unknown`]. An error ends it, and
/// does not mean that the work failed: the message was taken. Look at the session's state.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use futures::StreamExt as _;
/// use nemovideo::local::{Cut, Ending, Fault, Route};
///
/// let breaks = Fault::Cut(Cut::Events(1), Ending::Close);
/// backend.faults().inject(breaks).on(Route::Message).once();
/// let events = client.send_message(id, "narrate: Good morning.").await?;
/// let events: Vec<_> = events.collect().await;
/// let Some(Err(error)) = events.last() else { panic!("{events:?}") };
/// assert!(error.may_have_taken_effect());
/// assert!(client.session_state(id).await?.draft.is_some()); // the work was done all the same
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// Dropping the stream closes the connection. The work may go on at the service; it is not
/// called off, and not charged again.
#[must_use = "a stream does nothing unless it is polled"]
pub struct MessageStream {
    events: Pin<Box<dyn Stream<Item = Result<AgentEvent>> + Send>>,
}

impl MessageStream {
    fn new(reply: PendingResponse, timeouts: Timeouts, limits: Limits) -> Self {
        Self { events: Box::pin(events(reply, timeouts, limits)) }
    }
}

impl Stream for MessageStream {
    type Item = Result<AgentEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").finish_non_exhaustive()
    }
}

fn events(
    reply: PendingResponse,
    timeouts: Timeouts,
    limits: Limits,
) -> impl Stream<Item = Result<AgentEvent>> + Send {
    async_stream::stream! {
        let PendingResponse { response, call } = reply;
        let mut bytes = response.bytes_stream();
        let mut decoder = Decoder::with_limit(limits.event);
        let mut clocks = Clocks::start(timeouts);
        let broken = |what: String, source: Option<crate::error::Source>, clocks: &Clocks| {
            let mut call = call.clone();
            call.elapsed += clocks.began.elapsed();
            Error::OutcomeUnknown(Box::new(UnknownOutcome::new(call, what, source)))
        };
        loop {
            let (deadline, clock, patience) = clocks.next();
            let chunk = match timeout_at(deadline, bytes.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(error))) => {
                    let source = source(error.without_url());
                    yield Err(broken("the stream broke".to_owned(), Some(source), &clocks));
                    return;
                }
                Ok(None) => {
                    match last_words(&mut decoder) {
                        Ok(events) => {
                            for event in events {
                                yield Ok(event);
                            }
                        }
                        Err(Cut) => {
                            let what = "the stream ended within an event".to_owned();
                            yield Err(broken(what, None, &clocks));
                        }
                    }
                    return;
                }
                Err(_elapsed) => {
                    let what = format!("{clock} for {:.0} s", patience.as_secs_f64());
                    yield Err(broken(what, None, &clocks));
                    return;
                }
            };
            clocks.heard_a_byte();
            let mut input = &chunk[..];
            while let Some(frame) = decoder.next_frame(&mut input) {
                match frame {
                    Ok(frame) => {
                        for event in AgentEvent::decode(&frame.event, &frame.data) {
                            if !matches!(event, AgentEvent::Heartbeat) {
                                clocks.heard_something();
                            }
                            yield Ok(event);
                        }
                    }
                    // The event is lost, the stream is not.
                    Err(error) => {
                        clocks.heard_something();
                        yield Ok(AgentEvent::Unknown(error.to_string()));
                    }
                }
            }
        }
    }
}

/// The stream ended where no stream of the service ends.
struct Cut;

/// What the stream said without the blank line that ends an event: a last event that is whole is
/// as good as any, and half a one means that the connection was cut.
fn last_words(decoder: &mut Decoder) -> Result<Vec<AgentEvent>, Cut> {
    if !decoder.is_inside_event() {
        return Ok(Vec::new());
    }
    let Some(Ok(frame)) = decoder.next_frame(&mut b"\n\n".as_slice()) else { return Err(Cut) };
    let events = AgentEvent::decode(&frame.event, &frame.data);
    let is_json = serde_json::from_str::<IgnoredAny>(&frame.data).is_ok();
    let is_known = events.iter().all(|event| !matches!(event, AgentEvent::Unknown(_)));
    if is_json || is_known { Ok(events) } else { Err(Cut) }
}

/// The three clocks of a stream.
struct Clocks {
    timeouts: Timeouts,
    began: Instant,
    last_byte: Instant,
    last_event: Instant,
}

impl Clocks {
    fn start(timeouts: Timeouts) -> Self {
        let now = Instant::now();
        Self { timeouts, began: now, last_byte: now, last_event: now }
    }

    fn heard_a_byte(&mut self) {
        self.last_byte = Instant::now();
    }

    fn heard_something(&mut self) {
        self.last_event = Instant::now();
    }

    /// The one that runs out first.
    fn next(&self) -> (Instant, TimeoutKind, Duration) {
        let Timeouts { idle, silence, total, .. } = self.timeouts;
        let clocks = [
            (after(self.last_byte, idle), TimeoutKind::Idle, idle),
            (after(self.last_event, silence), TimeoutKind::Silence, silence),
            (after(self.began, total), TimeoutKind::Total, total),
        ];
        clocks.into_iter().min_by_key(|(deadline, ..)| *deadline).unwrap_or(clocks[2])
    }
}
