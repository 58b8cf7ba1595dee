//! A message to the agent, and the stream of events in response.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};

use super::reader::{BodyEnd, EventReader};
use super::{NemoClient, Timeouts, call_options, json};
use crate::clock::{Instant, Sleep, after, sleep_until};
use crate::error::{ApiError, Error, Result, Source, TimeoutKind, UnknownOutcome, source};
use crate::protocol::event::{AgentEvent, Question, QuestionTracker, TextAccumulator, TextDelta};
use crate::protocol::{Credits, Endpoint, ErrorCode, ResponseMetadata, RunRequest, SessionId};
use crate::transport::PendingResponse;

/// A message that has not been sent yet. `.await` sends it, once, and returns the stream of its
/// events. Created by [`NemoClient::send_message`].
#[derive(Debug)]
#[must_use = "a message is sent when it is awaited"]
pub struct MessageRequest {
    pub(super) client: NemoClient,
    pub(super) request: RunRequest,
    /// The credits without which it is not sent.
    required: Option<Credits>,
}

impl NemoClient {
    /// Sends a message to a session's agent. `.await` returns the [`MessageStream`];
    /// [`watch`](MessageRequest::watch) also finds out the outcome when the stream breaks.
    ///
    /// A message costs credits. It is sent again only if the service was certainly not reached,
    /// or rejected it before doing anything (429, 1001).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::{CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = backend.client();
    /// # let id = client.create_session(CreateSession::default()).await?.session_id;
    /// use futures::StreamExt as _;
    ///
    /// let message = client.send_message(&id, "narrate: Good morning.").streaming();
    /// let mut text = message.await?.text();
    /// while let Some(delta) = text.next().await {
    ///     print!("{}", delta?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::OutOfCredits`], [`Error::TokenInvalid`];
    /// [`Error::OutcomeUnknown`] when the service may have accepted the message and no stream was
    /// received; [`Error::NotAStream`] for a page or an empty body; the
    /// [connection errors](NemoClient#connection-errors).
    ///
    /// # Cancel safety
    /// The future returns the stream once the service has accepted the message. If it is dropped
    /// before, the message may have been accepted, and charged: where that matters, keep
    /// [`TurnStream::pending`](super::TurnStream::pending) of [`watch`](MessageRequest::watch).
    pub fn send_message(&self, session: &SessionId, text: impl Into<String>) -> MessageRequest {
        let request = RunRequest::new(session.clone(), text);
        MessageRequest { client: self.clone(), request, required: None }
    }
}

call_options!(MessageRequest);

impl MessageRequest {
    /// Sends the message only if the account has so many credits that can be spent, and otherwise
    /// ends with [`Error::OutOfCredits`], which states both numbers, before anything is charged.
    ///
    /// The service does not tell the price of a message beforehand. It documents about 100 credits
    /// for a generated clip and 50 for the edits of a session. Other calls may spend the credits
    /// meanwhile: this is a safeguard, and no reservation.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::{CreateSession, Credits, Error, NemoClient, local::LocalBackend};
    /// let backend = LocalBackend::builder().credits(Credits::new(40.0)).start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let id = client.create_session(CreateSession::default()).await?.session_id;
    /// let message = client.send_message(&id, "narrate: Good morning.").require_credits(100);
    /// let error = message.await.unwrap_err();
    /// assert!(matches!(error, Error::OutOfCredits(_)));
    /// assert_eq!(backend.counters().messages_run, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When it is sent, those of [`NemoClient::credits`].
    pub fn require_credits(mut self, credits: impl Into<Credits>) -> Self {
        self.required = Some(credits.into());
        self
    }

    /// Requests partial texts while they are generated. The whole text is repeated at the end:
    /// [`MessageStream::text`] and [`TextAccumulator`] yield it once. The default is off, the
    /// specification's form; [`Project::say`](crate::project::Project::say), which is for people,
    /// has it on.
    pub fn streaming(mut self) -> Self {
        self.request.streaming = true;
        self
    }
}

impl NemoClient {
    async fn require_credits(&self, required: Credits) -> Result<()> {
        let available = self.credits().await?.available;
        if available >= required {
            return Ok(());
        }
        let what = format!("{available} credits are left, and the message requires {required}");
        let error = Error::from_api(ApiError::local(ErrorCode::OutOfCredits, what));
        Err(self.with_link(error))
    }
}

impl IntoFuture for MessageRequest {
    type Output = Result<MessageStream>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { client, request, required } = self;
            let client = client.begin()?;
            let payload = json(&request)?;
            if let Some(required) = required {
                client.require_credits(required).await?;
            }
            let response = client.open_events(Endpoint::Message, payload).await?;
            let metadata = response.call.metadata().cloned().unwrap_or_default();
            let frames = events(client, response).boxed();
            Ok(MessageStream { frames, events: Vec::new().into_iter(), metadata })
        })
    }
}

/// The events of one message: a stream of [`AgentEvent`]s that ends when the service closes it,
/// or with one error.
///
/// No event ends it: what cannot be decoded is an [`AgentEvent::Unknown`]. A break or a timeout of
/// the connection ends it, after all that was received, with [`Error::OutcomeUnknown`]. That does
/// not mean that the work failed, since the message was accepted: the session's state shows the
/// outcome.
///
/// The response is read in whatever form it comes, because the message is paid. It may be an event
/// stream or JSON, that is events in an array or one after the other, under any content type or
/// none. An error that the server writes between the events, without `data:`, is an
/// [`AgentEvent::Error`]. A body without any event ends with [`Error::NotAStream`], and a body that
/// is nothing but a documented error response ends with its error. A tool call that comes as a
/// preview first is one event.
///
/// # Cancel safety
/// Dropping the stream closes the connection. The work may continue at the service; it is
/// neither cancelled nor charged again.
#[must_use = "a stream does nothing unless it is polled"]
pub struct MessageStream {
    frames: BoxStream<'static, Result<Vec<AgentEvent>>>,
    /// What is left of the last frame.
    events: std::vec::IntoIter<AgentEvent>,
    metadata: ResponseMetadata,
}

impl MessageStream {
    /// Returns what the head of the response says: its status, its request id and the rate limit.
    #[must_use]
    pub fn metadata(&self) -> &ResponseMetadata {
        &self.metadata
    }

    /// Reduces the stream to the agent's text: see [`TextStream`].
    pub fn text(self) -> TextStream {
        TextStream {
            events: self,
            accumulator: TextAccumulator::new(),
            has_text: false,
            question: QuestionTracker::default(),
        }
    }
}

impl Stream for MessageStream {
    type Item = Result<AgentEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.events.next() {
                return Poll::Ready(Some(Ok(event)));
            }
            match ready!(self.frames.poll_next_unpin(cx)) {
                Some(Ok(events)) => self.events = events.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").finish_non_exhaustive()
    }
}

/// The text of the agent's response: a stream of text deltas in which each text occurs once.
///
/// Concatenated, the deltas are the text to show; a line break separates two texts that would
/// otherwise run together. A question to the user is text too, on lines of its own: without it the
/// response would seem to end for no reason. The model's thoughts and every other event are left
/// out, except that a failure reported by the agent is an [`Error::AgentFailed`], after which the
/// stream continues. The errors of the [`MessageStream`] are passed on and end it.
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is polled"]
pub struct TextStream {
    events: MessageStream,
    accumulator: TextAccumulator,
    has_text: bool,
    question: QuestionTracker,
}

impl TextStream {
    /// Returns what the agent has asked so far, unless it has continued without a response. If there
    /// is a question at the end of the stream, the agent waits for the response, which is the next
    /// message: see [`QuestionResponse`](crate::project::QuestionResponse).
    #[must_use]
    pub fn question(&self) -> Option<&Question> {
        self.question.question()
    }
}

impl Stream for TextStream {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { events, accumulator, has_text, question } = &mut *self;
        loop {
            let event = match ready!(events.poll_next_unpin(cx)) {
                Some(Ok(event)) => event,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            if let AgentEvent::Error(failure) = &event {
                let failed = Error::AgentFailed(failure.to_string());
                return Poll::Ready(Some(Err(failed)));
            }
            if let Some(asked) = question.push(&event) {
                let line_break = if std::mem::replace(has_text, true) { "\n" } else { "" };
                return Poll::Ready(Some(Ok(format!("{line_break}{asked}\n"))));
            }
            if let Some(delta) = push_text(accumulator, &event) {
                *has_text = true;
                return Poll::Ready(Some(Ok(delta)));
            }
        }
    }
}

/// Returns the text for the user that an event adds, with a line break before it where it would
/// run into the text before it.
pub(super) fn push_text(accumulator: &mut TextAccumulator, event: &AgentEvent) -> Option<String> {
    let mut text = accumulator.push(event).and_then(TextDelta::text)?.to_owned();
    text.insert_str(0, accumulator.separator());
    Some(text)
}

/// Returns the events frame by frame: an event is large, and each that a stream yields is moved
/// several times.
fn events(
    client: NemoClient,
    response: PendingResponse,
) -> impl Stream<Item = Result<Vec<AgentEvent>>> + Send {
    async_stream::stream! {
        let PendingResponse { response, start, mut call, secrets } = response;
        let mut reader = EventReader::new(client.inner.limits.event(), start.is_none(), secrets);
        let (content_type, start) = match start {
            Some(start) => {
                (Some(start.content_type), [Some(Ok(start.bytes)), start.broken.map(Err)])
            }
            None => (None, [None, None]),
        };
        let start = futures::stream::iter(start.into_iter().flatten());
        let mut bytes = start.chain(response.bytes_stream());
        let timeouts = client.inner.timeouts;
        let total = client.options.time_left().unwrap_or(timeouts.total());
        let mut deadlines = StreamDeadlines::start(timeouts.with_total(total));
        let broken: Option<(String, Option<Source>)> = loop {
            let chunk = tokio::select! {
                biased;
                chunk = bytes.next() => match chunk {
                    Some(Ok(chunk)) => chunk,
                    Some(Err(error)) => {
                        let source = source(error.without_url());
                        break Some(("the stream broke".to_owned(), Some(source)));
                    }
                    None => break None,
                },
                timeout = deadlines.expired() => break Some((timeout, None)),
            };
            deadlines.byte_received();
            let mut input = &chunk[..];
            while let Some(frame) = reader.next_events(&mut input) {
                if frame.is_progress {
                    deadlines.event_received();
                }
                yield Ok(frame.events);
            }
        };
        call.elapsed += deadlines.started.elapsed();
        let unknown = |call, what, source| {
            Error::OutcomeUnknown(Box::new(UnknownOutcome::new(call, what, source)))
        };
        // What was received until then is paid for, however the stream ended.
        if let Some((what, source)) = broken {
            yield Ok(reader.interrupt());
            yield Err(unknown(call, what, source));
            return;
        }
        let (events, end) = reader.finish();
        yield Ok(events);
        match end {
            BodyEnd::Complete => {}
            BodyEnd::Truncated => {
                yield Err(unknown(call, "the stream ended within an event".to_owned(), None));
            }
            BodyEnd::NoEvents => {
                let content_type = content_type.unwrap_or_else(|| "a page".to_owned());
                yield Err(Error::NotAStream { content_type, call: Box::new(call) });
            }
            BodyEnd::ErrorResponse(code, failure) => {
                yield Err(client.with_link(Error::from_api(ApiError {
                    call: Some(call),
                    ..ApiError::local(code, failure.message)
                })));
            }
        }
    }
}

/// The three timeouts of a stream: for a byte, for an event, and for all of it.
struct StreamDeadlines {
    timeouts: Timeouts,
    started: Instant,
    last_byte: Instant,
    last_event: Instant,
    /// Set to the deadline that came first when it was set. It stays there while deadlines move:
    /// to set it for each piece of the stream would take as long as to decode an event.
    timer: Pin<Box<Sleep>>,
}

impl StreamDeadlines {
    fn start(timeouts: Timeouts) -> Self {
        let now = Instant::now();
        let timer = Box::pin(sleep_until(now));
        Self { timeouts, started: now, last_byte: now, last_event: now, timer }
    }

    fn byte_received(&mut self) {
        self.last_byte = Instant::now();
    }

    /// Takes the time at which its last byte was received for that of an event.
    fn event_received(&mut self) {
        self.last_event = self.last_byte;
    }

    /// Waits until a timeout has elapsed, and describes it.
    async fn expired(&mut self) -> String {
        loop {
            self.timer.as_mut().await;
            let (deadline, kind, after) = self.next();
            if deadline <= Instant::now() {
                return format!("{kind} for {:.0} s", after.as_secs_f64());
            }
            self.timer.as_mut().reset(deadline);
        }
    }

    /// Returns the deadline that comes first, and the timeout it belongs to.
    fn next(&self) -> (Instant, TimeoutKind, Duration) {
        let timeouts = &self.timeouts;
        let (idle, silence, total) = (timeouts.idle(), timeouts.silence(), timeouts.total());
        let deadlines = [
            (after(self.last_byte, idle), TimeoutKind::Idle, idle),
            (after(self.last_event, silence), TimeoutKind::Silence, silence),
            (after(self.started, total), TimeoutKind::Total, total),
        ];
        deadlines.into_iter().min_by_key(|(deadline, ..)| *deadline).unwrap_or(deadlines[2])
    }
}
