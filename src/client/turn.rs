//! A message that is watched until its outcome is known, also when its stream breaks.
//!
//! A broken connection does not mean that the work failed, and the message must not be sent
//! again: it would be executed and charged twice. Instead the session's state is polled and
//! compared with the state before the message:
//!
//! | phase | what happens | updates | next phase |
//! |---|---|---|---|
//! | `Connecting` | the state is read as the baseline, the message is sent | [`Connected`](TurnUpdate::Connected) | `Streaming`; `Broken` if the message may have been accepted without a response; `Ended` with an error if it certainly was not |
//! | `Streaming` | events are received | [`Event`](TurnUpdate::Event) | `Silent`, `Broken`, `Ended`, also when the stream breaks while the agent waits for the user |
//! | `Silent` | only heartbeats are received for a while | [`StillWorking`](TurnUpdate::StillWorking) | `Streaming`, `Broken`, `Ended` |
//! | `Broken` | the stream broke or timed out; the first poll is delayed | [`Recovering`](TurnUpdate::Recovering), [`StillWorking`](TurnUpdate::StillWorking) | `Recovering` |
//! | `Recovering` | the state is polled at an interval | [`Unchanged`](TurnUpdate::Unchanged), [`StillWorking`](TurnUpdate::StillWorking) | `Ended` with [`Recovered`](TurnUpdate::Recovered), [`Error::OutcomeUnknown`], or [`Error::SessionNotFound`] |
//! | `Ended` | nothing | | |
//!
//! A [`PendingTurn`] is all that another process needs to continue from `Recovering`.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, FusedStream};
use futures::{Stream, StreamExt as _};

use super::message::push_text;
use super::{MessageRequest, NemoClient};
use crate::clock::{Instant, after, now, since, sleep_until, timeout_at};
use crate::error::{Call, Error, Result, UnknownOutcome, source};
use crate::protocol::event::{AgentEvent, QuestionTracker, TextAccumulator};
use crate::protocol::{CreditBalance, Endpoint, PendingTurn, SessionState};
use crate::sync::lock;

/// One step of a turn.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TurnUpdate {
    /// The service accepted the message and responds with a stream.
    Connected,
    /// An event of the stream.
    Event(AgentEvent),
    /// No event was received for a while, or the session's state is being polled without a
    /// result yet. As far as is known, the work continues.
    StillWorking {
        /// The time since the message was sent.
        elapsed: Duration,
    },
    /// The stream broke. From now on the session's state is polled; the message is not sent
    /// again.
    Recovering {
        /// How the stream ended.
        what: String,
    },
    /// The session's state was polled, and no part that the message can change had changed: the
    /// draft, the canvas and the media.
    Unchanged {
        /// The number of polls so far.
        polls: u32,
        /// The pause until the next poll.
        next_poll: Duration,
    },
    /// The session's state has changed: the work was done. This is the last update.
    Recovered(Box<SessionState>),
}

/// The progress of one message until its outcome is known: a stream of [`TurnUpdate`]s.
///
/// It ends when the service has closed the stream, after [`TurnUpdate::Recovered`], or with one
/// error, of which [`Error::OutcomeUnknown`] means that the outcome could not be found out, and
/// [`Error::SessionNotFound`], after the message was sent, that it never will be: what was made is
/// gone with the session.
///
/// # Cancel safety
/// Dropping it closes the connection. The work may continue at the service; keep
/// [`pending`](Self::pending) to find out its outcome later.
#[must_use = "a stream does nothing unless it is polled"]
pub struct TurnStream {
    updates: BoxStream<'static, Result<TurnUpdate>>,
    tracker: TurnTracker,
}

impl TurnStream {
    /// Returns what must be persisted to observe this message later, or `None` if it certainly
    /// was not accepted or its outcome is known.
    #[must_use]
    pub fn pending(&self) -> Option<PendingTurn> {
        self.tracker.pending()
    }

    pub(crate) fn tracker(&self) -> TurnTracker {
        self.tracker.clone()
    }
}

impl Stream for TurnStream {
    type Item = Result<TurnUpdate>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.updates.poll_next_unpin(cx)
    }
}

impl FusedStream for TurnStream {
    fn is_terminated(&self) -> bool {
        self.tracker.lock().phase == TurnPhase::Ended
    }
}

impl fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.tracker.lock().phase;
        f.debug_struct("TurnStream").field("phase", &phase).finish_non_exhaustive()
    }
}

impl MessageRequest {
    /// Sends the message and finds out its outcome, also when the stream breaks.
    ///
    /// The session's state is read first, as the baseline for a later comparison.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::{CreateSession, NemoClient, TurnRecovery, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let soon = std::time::Duration::from_millis(50);
    /// # let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials();
    /// # let client = client.recovery(TurnRecovery::new(soon, soon, 100)).build()?;
    /// # let id = client.create_session(CreateSession::default()).await?.session_id;
    /// use futures::{StreamExt as _, TryStreamExt as _};
    /// use nemovideo::{PendingTurn, TurnUpdate};
    ///
    /// let mut turn = client.send_message(&id, "narrate: Good morning.").watch();
    /// assert_eq!(turn.next().await.transpose()?, Some(TurnUpdate::Connected));
    /// let persisted = serde_json::to_string(&turn.pending().expect("it was accepted"))?;
    /// drop(turn); // the process ends
    ///
    /// let pending: PendingTurn = serde_json::from_str(&persisted)?;
    /// let updates: Vec<_> = client.resume_turn(&pending).try_collect().await?;
    /// assert!(matches!(updates.last(), Some(TurnUpdate::Recovered(_))));
    /// assert_eq!(backend.counters().messages_run, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// See [`TurnStream`]; those of [`NemoClient::send_message`].
    pub fn watch(self) -> TurnStream {
        self.watch_with(Balance::Skip)
    }

    /// Like [`watch`](Self::watch), and reads the credits in parallel with the baseline.
    pub(crate) fn watch_spending(self) -> TurnStream {
        self.watch_with(Balance::Read)
    }

    fn watch_with(self, balance: Balance) -> TurnStream {
        let tracker = TurnTracker::new(TurnPhase::Connecting, None);
        TurnStream { updates: watch(self, balance, tracker.clone()).boxed(), tracker }
    }
}

impl NemoClient {
    /// Observes a message that another process, or an earlier stream, has sent. Nothing is sent
    /// but reads of the session's state.
    ///
    /// # Errors
    /// See [`TurnStream`].
    pub fn resume_turn(&self, pending: &PendingTurn) -> TurnStream {
        let tracker = TurnTracker::new(TurnPhase::Recovering, Some(pending.clone()));
        let call = Call::once(Endpoint::Message, since(pending.sent_at));
        let what = "it may not have been sent, or its response was not read to the end".to_owned();
        let unknown = Box::new(UnknownOutcome::new(call, what, None));
        let (client, pending) = (self.clone(), pending.clone());
        let updates = observe(client, pending, None, unknown, tracker.clone());
        TurnStream { updates: updates.boxed(), tracker }
    }
}

/// The phase of a turn; the module documentation has the transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TurnPhase {
    Connecting,
    Streaming,
    Silent,
    Broken,
    Recovering,
    Ended,
}

/// Whether the credits are read before the message.
#[derive(Clone, Copy)]
enum Balance {
    Read,
    Skip,
}

/// What is known of a turn, shared between its stream and those who hold no stream any more.
#[derive(Clone)]
pub(crate) struct TurnTracker(Arc<Mutex<TrackedTurn>>);

struct TrackedTurn {
    phase: TurnPhase,
    pending: Option<PendingTurn>,
    /// Whether the message may have been accepted, whatever its outcome.
    is_accepted: bool,
    /// The credits before the message.
    balance: Option<CreditBalance>,
    /// The text in the last event.
    text: EventText,
}

impl TurnTracker {
    fn new(phase: TurnPhase, pending: Option<PendingTurn>) -> Self {
        let is_accepted = pending.is_some();
        Self(Arc::new(Mutex::new(TrackedTurn {
            phase,
            pending,
            is_accepted,
            balance: None,
            text: EventText::default(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, TrackedTurn> {
        lock(&self.0)
    }

    /// Returns what must be persisted, as [`TurnStream::pending`] does.
    pub(crate) fn pending(&self) -> Option<PendingTurn> {
        self.lock().pending.clone()
    }

    /// Returns the credits before the message.
    pub(crate) fn balance(&self) -> Option<CreditBalance> {
        self.lock().balance
    }

    /// Returns whether the message may have been accepted, whatever its outcome.
    pub(crate) fn is_accepted(&self) -> bool {
        self.lock().is_accepted
    }

    /// Enters a phase after the message may have been accepted.
    fn enter(&self, phase: TurnPhase) {
        let mut turn = self.lock();
        turn.phase = phase;
        turn.is_accepted = true;
    }

    /// Returns the text in the last event, of which duplicates are already removed.
    pub(crate) fn take_text(&self) -> EventText {
        std::mem::take(&mut self.lock().text)
    }

    fn append_text(&self, text: EventText) {
        let mut turn = self.lock();
        if let (Some(pending), Some(added)) = (&mut turn.pending, &text.added) {
            pending.text.push_str(added);
        }
        turn.text = text;
    }

    /// Ends the turn; its outcome is known.
    fn end(&self) {
        let mut turn = self.lock();
        turn.phase = TurnPhase::Ended;
        turn.pending = None;
    }
}

/// The text for the user in one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventText {
    /// What the event adds, with a line break before it where it would run into the text before.
    pub(crate) added: Option<String>,
    /// Whether this is another text than the one before it, rather than more of it.
    pub(crate) begins: bool,
    /// Whether the last text is still being received in parts.
    pub(crate) is_open: bool,
}

impl EventText {
    pub(crate) fn of(event: &AgentEvent, accumulator: &mut TextAccumulator) -> Self {
        let added = push_text(accumulator, event);
        Self { added, begins: accumulator.is_new_text(), is_open: accumulator.is_open() }
    }
}

fn watch(
    message: MessageRequest,
    balance: Balance,
    tracker: TurnTracker,
) -> impl Stream<Item = Result<TurnUpdate>> + Send {
    async_stream::stream! {
        let client = message.client.clone();
        let session_id = message.request.session_id.clone();
        let baseline = match balance {
            Balance::Read => {
                let (baseline, balance) =
                    tokio::join!(client.session_state(&session_id), client.credits_at_once());
                tracker.lock().balance = balance;
                baseline
            }
            Balance::Skip => client.session_state(&session_id).await,
        };
        let baseline = match baseline {
            Ok(baseline) => baseline,
            Err(error) => {
                tracker.end();
                yield Err(error);
                return;
            }
        };
        // Known before the message is sent: the future may be dropped while it is.
        let sent_at = now();
        let pending = PendingTurn { session_id, sent_at, baseline, text: String::new() };
        tracker.lock().pending = Some(pending.clone());
        let error = match message.await {
            Ok(mut events) => {
                tracker.enter(TurnPhase::Streaming);
                yield Ok(TurnUpdate::Connected);
                let mut accumulator = TextAccumulator::new();
                let mut timer = StillWorkingTimer::start(&client, Duration::ZERO);
                let mut question = QuestionTracker::default();
                loop {
                    let event = match timeout_at(timer.due(), events.next()).await {
                        Ok(Some(Ok(event))) => event,
                        // The agent waits for the user, so there is nothing to recover.
                        Ok(Some(Err(_)) | None) if question.question().is_some() => {
                            tracker.end();
                            return;
                        }
                        Ok(Some(Err(error))) => break error,
                        Ok(None) => {
                            tracker.end();
                            return;
                        }
                        Err(_elapsed) => {
                            tracker.enter(TurnPhase::Silent);
                            yield Ok(timer.report());
                            continue;
                        }
                    };
                    if !matches!(event, AgentEvent::Heartbeat) {
                        timer.restart();
                        tracker.enter(TurnPhase::Streaming);
                    }
                    question.push(&event);
                    tracker.append_text(EventText::of(&event, &mut accumulator));
                    yield Ok(TurnUpdate::Event(event));
                }
            }
            Err(error) => error,
        };
        let unknown = match error {
            Error::OutcomeUnknown(unknown) => unknown,
            // The response, perhaps a proxy's, does not reveal the outcome of the message.
            Error::NotAStream { call, content_type } => {
                let what = format!("{content_type} came in place of an event stream");
                Box::new(UnknownOutcome::new(*call, what, None))
            }
            // A message without a code, which leaves open what was done.
            error @ Error::Api(_) if error.may_have_taken_effect() => {
                let elapsed = since(sent_at);
                let call = error.call().cloned();
                let call = call.unwrap_or_else(|| Call::once(Endpoint::Message, elapsed));
                let what = "an error without a code came in place of an event stream".to_owned();
                Box::new(UnknownOutcome::new(call, what, Some(source(error))))
            }
            // The message was certainly not accepted, or the service reported its outcome.
            error => {
                tracker.end();
                yield Err(error);
                return;
            }
        };
        tracker.enter(TurnPhase::Broken);
        yield Ok(TurnUpdate::Recovering { what: unknown.what.clone() });
        let delay = Some(client.inner.recovery.initial_delay());
        let mut updates = Box::pin(observe(client, pending, delay, unknown, tracker));
        while let Some(update) = updates.next().await {
            yield update;
        }
    }
}

/// Polls the session's state, first after `delay`, until the message's work shows in it, or has
/// not for the configured number of polls.
///
/// Without a delay, the message is resumed: it is polled at once, and more often at first. Those
/// polls are not counted, so that it is given up no sooner.
///
/// Keys that this version does not know may change by themselves, so a change of nothing else
/// does not end the polling early. It counts at the last poll, if the state was stable then.
fn observe(
    client: NemoClient,
    pending: PendingTurn,
    delay: Option<Duration>,
    mut unknown: Box<UnknownOutcome>,
    tracker: TurnTracker,
) -> impl Stream<Item = Result<TurnUpdate>> + Send {
    async_stream::stream! {
        let recovery = client.inner.recovery;
        let started = Instant::now();
        let since_sent = since(pending.sent_at);
        let mut timer = StillWorkingTimer::start(&client, since_sent);
        let first_poll = after(started, delay.unwrap_or_default());
        let mut next_poll = first_poll;
        let mut pauses = recovery.pauses(delay.is_none());
        let (mut polls, mut counted) = (0, 0);
        let mut last: Option<SessionState> = None;
        loop {
            while timer.due() <= next_poll {
                sleep_until(timer.due()).await;
                yield Ok(timer.report());
            }
            sleep_until(next_poll).await;
            tracker.enter(TurnPhase::Recovering);
            // A failed read counts as no change, except for one that cannot succeed any more.
            let (mut is_stable, mut is_final) = (false, false);
            match client.session_state(&pending.session_id).await {
                Ok(state) if !state.parts_changed_since(&pending.baseline).is_empty() => {
                    tracker.end();
                    yield Ok(TurnUpdate::Recovered(Box::new(state)));
                    return;
                }
                Ok(state) => {
                    is_stable = last.as_ref() == Some(&state);
                    last = Some(state);
                }
                // The session will not come back.
                Err(Error::SessionNotFound(mut api)) => {
                    api.follows_message = true;
                    tracker.enter(TurnPhase::Ended);
                    yield Err(Error::SessionNotFound(api));
                    return;
                }
                Err(error) => {
                    is_final = matches!(error, Error::TokenInvalid(_));
                    unknown.source = Some(source(error));
                }
            }
            polls += 1;
            let due = after(first_poll, recovery.interval().saturating_mul(counted));
            counted += u32::from(due <= Instant::now());
            if is_final || counted >= recovery.max_unchanged_polls() {
                let changed = last.filter(|state| is_stable && *state != pending.baseline);
                if let Some(state) = changed {
                    tracker.end();
                    yield Ok(TurnUpdate::Recovered(Box::new(state)));
                    return;
                }
                break;
            }
            // The pauses never end.
            let pause = pauses.next().unwrap_or_default();
            yield Ok(TurnUpdate::Unchanged { polls, next_poll: pause });
            next_poll = after(Instant::now(), pause);
        }
        unknown.polls = polls;
        unknown.call.elapsed += started.elapsed();
        if let Some(pending) = tracker.pending() {
            unknown.text = pending.text;
        }
        // The outcome may become known later, so the pending turn is kept.
        tracker.enter(TurnPhase::Ended);
        yield Err(Error::OutcomeUnknown(unknown));
    }
}

/// Determines when to report that a turn is still working.
struct StillWorkingTimer {
    every: Duration,
    last: Instant,
    started: Instant,
    /// The time between the message and the start of this timer.
    since_sent: Duration,
}

impl StillWorkingTimer {
    fn start(client: &NemoClient, since_sent: Duration) -> Self {
        let now = Instant::now();
        let every = client.inner.timeouts.still_working();
        Self { every, last: now, started: now, since_sent }
    }

    fn due(&self) -> Instant {
        after(self.last, self.every)
    }

    fn restart(&mut self) {
        self.last = Instant::now();
    }

    fn report(&mut self) -> TurnUpdate {
        self.restart();
        TurnUpdate::StillWorking { elapsed: self.since_sent + self.started.elapsed() }
    }
}
