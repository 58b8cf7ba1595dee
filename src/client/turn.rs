//! A message watched to its end, also when its stream breaks.
//!
//! A broken connection is not a failure of the work, and the message must not be sent again: it
//! would be done and charged twice. So the session's state is observed instead, against what it
//! was before the message:
//!
//! | state | what happens in it | leads to |
//! |---|---|---|
//! | [`Connecting`](TurnState::Connecting) | the state is read for a baseline, the message is sent | `Streaming`; `Broken` when it may have been taken without an answer; an error when it surely was not |
//! | [`Streaming`](TurnState::Streaming) | events come | `Silent`, `Broken`, `Ended` |
//! | [`Silent`](TurnState::Silent) | nothing but heartbeats for a while | `Streaming`, `Broken`, `Ended` |
//! | [`Broken`](TurnState::Broken) | the stream broke, or one of its clocks ran out; the first read waits | `Recovering` |
//! | [`Recovering`](TurnState::Recovering) | the state is read at intervals (`observe`) | `Ended`: recovered, or [`Error::OutcomeUnknown`] |
//! | [`Ended`](TurnState::Ended) | nothing any more | |
//!
//! A [`PendingTurn`] is all that has to be written down to go on observing in another process.

mod observe;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::{Message, MessageStream, NemoClient};
use crate::error::{Error, Result, UnknownOutcome};
use crate::protocol::event::{AgentEvent, TextAccumulator};
use crate::protocol::{CreditBalance, SessionId, SessionState};
use crate::transport::after;

/// How a broken turn is observed. The defaults are the documented ones.
///
/// ```
/// use nemovideo::TurnRecovery;
/// use std::time::Duration;
///
/// // As documented: after 30 s, then each minute, five times in vain.
/// let minute = Duration::from_secs(60);
/// assert_eq!(TurnRecovery::default(), TurnRecovery::new(minute / 2, minute, 5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnRecovery {
    /// From the break to the first look at the state. Default 30 s.
    pub first_read: Duration,
    /// Between two looks. Default 60 s.
    pub interval: Duration,
    /// How many looks may find nothing changed before the outcome is called unknown. Default 5.
    pub max_unchanged_polls: u32,
}

impl TurnRecovery {
    /// Looks first after `first_read`, then at `interval`, `max_unchanged_polls` times in vain.
    #[must_use]
    pub const fn new(first_read: Duration, interval: Duration, max_unchanged_polls: u32) -> Self {
        Self { first_read, interval, max_unchanged_polls }
    }
}

impl Default for TurnRecovery {
    fn default() -> Self {
        Self::new(Duration::from_secs(30), Duration::from_secs(60), 5)
    }
}

/// Where a turn is.
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
/// use nemovideo::TurnState;
///
/// let mut turn = client.send_message(id, "narrate: Good morning.").watch();
/// assert_eq!(turn.state(), TurnState::Connecting);
/// turn.next().await.expect("an update")?;
/// assert_eq!(turn.state(), TurnState::Streaming);
/// while turn.next().await.transpose()?.is_some() {}
/// assert_eq!(turn.state(), TurnState::Ended);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TurnState {
    /// The message is being sent.
    Connecting,
    /// Events come.
    Streaming,
    /// Nothing but heartbeats comes.
    Silent,
    /// The stream broke.
    Broken,
    /// The session's state is observed.
    Recovering,
    /// It is over.
    Ended,
}

/// What happens in a turn.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # use std::time::Duration;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .recovery(nemovideo::TurnRecovery::new(Duration::from_millis(5), Duration::from_millis(5), 3))
/// #     .build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use futures::TryStreamExt as _;
/// use nemovideo::TurnUpdate;
/// use nemovideo::local::{Cut, Ending, Fault, Route};
///
/// let breaks = Fault::Cut(Cut::Events(1), Ending::Close);
/// backend.faults().inject(breaks).on(Route::Message).once();
/// let turn = client.send_message(id, "narrate: Good morning.").watch();
/// let updates: Vec<_> = turn.try_collect().await?;
/// assert_eq!(updates.first(), Some(&TurnUpdate::Connected));
/// assert!(updates.iter().any(|update| matches!(update, TurnUpdate::Recovering { .. })));
/// let Some(TurnUpdate::Recovered(state)) = updates.last() else { panic!("{updates:?}") };
/// assert!(state.draft.is_some()); // the work was done all the same
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TurnUpdate {
    /// The service has taken the message and answers with a stream.
    Connected,
    /// Something the agent said or did.
    Event(AgentEvent),
    /// Nothing was said for a while, or found out while the state is observed, and the work goes
    /// on as far as is known.
    StillWorking {
        /// Since the message was sent.
        elapsed: Duration,
    },
    /// The stream broke; from now on the session's state is observed. The message is not sent
    /// again.
    Recovering {
        /// What broke.
        what: String,
    },
    /// The session's state was read, and nothing in it had changed that the message can have
    /// changed: the draft, the canvas, the media.
    Unchanged {
        /// How often so far.
        reads: u32,
    },
    /// The session's state has changed: the work was done. The last update.
    Recovered(Box<SessionState>),
}

/// A message that may have been taken, written down: enough for another process to observe what
/// became of it, with [`NemoClient::resume_turn`].
///
/// It holds the whole state of the session before the message, and no secret.
///
/// ```
/// use nemovideo::PendingTurn;
///
/// let written_down = r#"{"session_id":"s","baseline":{"draft":{"t":[]}},
///     "sent_at":{"secs_since_epoch":1700000000,"nanos_since_epoch":0}}"#;
/// let pending: PendingTurn = serde_json::from_str(written_down)?;
/// assert_eq!(pending.session_id.as_str(), "s");
/// assert!(pending.baseline.draft.is_some() && pending.text.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingTurn {
    /// The session.
    pub session_id: SessionId,
    /// When the message was sent.
    pub sent_at: SystemTime,
    /// The session's state before the message.
    pub baseline: SessionState,
    /// What the agent had said when this was written down.
    #[serde(default)]
    pub text: String,
}

/// A message on its way, watched to its end: a stream of [`TurnUpdate`]s.
///
/// It ends after the service has closed the stream; after [`TurnUpdate::Recovered`]; or with one
/// error, of which [`Error::OutcomeUnknown`] means that nothing could be found out.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # use std::time::Duration;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .recovery(nemovideo::TurnRecovery::new(Duration::from_millis(5), Duration::from_millis(5), 3))
/// #     .build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use futures::StreamExt as _;
/// use nemovideo::Error;
/// use nemovideo::local::{Fault, Route, FaultyResponse};
///
/// backend.faults().inject(Fault::ReplaceResponse(FaultyResponse::Reset)).on(Route::Message).once();
/// let mut turn = client.send_message(id, "narrate: Good morning.").watch();
/// let updates: Vec<_> = turn.by_ref().collect().await;
/// let Some(Err(Error::OutcomeUnknown(unknown))) = updates.last() else { panic!("{updates:?}") };
/// assert_eq!(unknown.reads, 3); // as often as this client looks, in vain
/// assert!(turn.pending().is_some()); // it may be looked at again later
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// Dropping it closes the connection. The work may go on at the service. Keep
/// [`pending`](Self::pending) to observe it later.
#[must_use = "a stream does nothing unless it is polled"]
pub struct TurnStream {
    updates: Pin<Box<dyn Stream<Item = Result<TurnUpdate>> + Send>>,
    shared: Shared,
}

/// What is known of a turn outside of its stream.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Known>>);

struct Known {
    state: TurnState,
    pending: Option<PendingTurn>,
    /// The message may have been taken.
    is_taken: bool,
    /// The credits before it.
    balance: Option<CreditBalance>,
}

impl Shared {
    fn new(state: TurnState, pending: Option<PendingTurn>) -> Self {
        let is_taken = pending.is_some();
        Self(Arc::new(Mutex::new(Known { state, pending, is_taken, balance: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing can panic while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pending(&self) -> Option<PendingTurn> {
        self.lock().pending.clone()
    }

    pub(crate) fn balance(&self) -> Option<CreditBalance> {
        self.lock().balance
    }

    /// Whether the message may have been taken, whatever became of it.
    pub(crate) fn is_taken(&self) -> bool {
        self.lock().is_taken
    }

    fn enter(&self, state: TurnState) {
        let mut known = self.lock();
        known.state = state;
        known.is_taken = true;
    }

    fn heard(&self, gap: &str, text: &str) {
        if let Some(pending) = &mut self.lock().pending {
            pending.text.push_str(gap);
            pending.text.push_str(text);
        }
    }

    fn end(&self) {
        let mut known = self.lock();
        known.state = TurnState::Ended;
        known.pending = None;
    }
}

impl Message {
    /// Sends the message and watches it to its end, also when the stream breaks.
    ///
    /// The session's state is read first, so that a change can be told from it.
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
    /// use nemovideo::{TurnState, TurnUpdate};
    ///
    /// let mut turn = client.send_message(id, "narrate: Good morning.").watch();
    /// while let Some(update) = turn.next().await {
    ///     match update? {
    ///         TurnUpdate::Event(event) => println!("{}", event.kind()),
    ///         TurnUpdate::StillWorking { elapsed } => println!("still working after {elapsed:?}"),
    ///         TurnUpdate::Recovering { what } => println!("{what}; looking at the state instead"),
    ///         _ => {}
    ///     }
    /// }
    /// assert_eq!(turn.state(), TurnState::Ended);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn watch(self) -> TurnStream {
        self.watched(Balance::Unasked)
    }

    /// The same, and the credits are asked for beside the state.
    pub(crate) fn watch_spending(self) -> TurnStream {
        self.watched(Balance::Asked)
    }

    fn watched(self, balance: Balance) -> TurnStream {
        let shared = Shared::new(TurnState::Connecting, None);
        TurnStream { updates: Box::pin(watch(self, balance, shared.clone())), shared }
    }
}

/// Whether the credits before the message are asked for.
#[derive(Clone, Copy)]
enum Balance {
    Asked,
    Unasked,
}

impl NemoClient {
    /// Goes on observing a message that another process, or an earlier stream, has sent. Nothing
    /// is sent but reads of the session's state.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// use futures::{StreamExt as _, TryStreamExt as _};
    /// use nemovideo::{TurnRecovery, TurnUpdate};
    /// use std::time::Duration;
    ///
    /// let soon = TurnRecovery::new(Duration::from_millis(50), Duration::from_millis(50), 100);
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .recovery(soon)
    ///     .build()?;
    /// let id = client.create_session(CreateSession::default()).await?.session_id;
    /// let mut turn = client.send_message(&id, "narrate: Good morning.").watch();
    /// turn.next().await.expect("an update")?; // the message was taken
    /// let written_down = serde_json::to_string(&turn.pending())?;
    /// drop(turn); // a crash, say
    ///
    /// let pending = serde_json::from_str(&written_down)?;
    /// let updates: Vec<_> = client.resume_turn(&pending).try_collect().await?;
    /// assert!(matches!(updates.last(), Some(TurnUpdate::Recovered(_))));
    /// assert_eq!(backend.counters().messages_run, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn resume_turn(&self, pending: &PendingTurn) -> TurnStream {
        let shared = Shared::new(TurnState::Recovering, Some(pending.clone()));
        let updates = observe::resume(self.clone(), pending.clone(), shared.clone());
        TurnStream { updates: Box::pin(updates), shared }
    }
}

impl TurnStream {
    /// Where the turn is.
    #[must_use]
    pub fn state(&self) -> TurnState {
        self.shared.lock().state
    }

    /// What to write down to observe this message later: `None` while it surely was not taken,
    /// and once it is known how it ended.
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
    /// let mut turn = client.send_message(id, "narrate: Good morning.").watch();
    /// assert!(turn.pending().is_none()); // nothing was sent yet
    /// turn.next().await.expect("an update")?;
    /// assert_eq!(turn.pending().map(|pending| pending.session_id).as_ref(), Some(id));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn pending(&self) -> Option<PendingTurn> {
        self.shared.pending()
    }

    pub(crate) fn shared(&self) -> Shared {
        self.shared.clone()
    }
}

impl Stream for TurnStream {
    type Item = Result<TurnUpdate>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.updates.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnStream").field("state", &self.state()).finish_non_exhaustive()
    }
}

fn watch(
    message: Message,
    balance: Balance,
    shared: Shared,
) -> impl Stream<Item = Result<TurnUpdate>> + Send {
    async_stream::stream! {
        let client = message.client.clone();
        let session = message.request.session_id.clone();
        let baseline = match balance {
            Balance::Asked => {
                let (baseline, balance) =
                    tokio::join!(client.session_state(&session), client.credits_at_once());
                shared.lock().balance = balance;
                baseline
            }
            Balance::Unasked => client.session_state(&session).await,
        };
        let baseline = match baseline {
            Ok(baseline) => baseline,
            Err(error) => {
                shared.end();
                yield Err(error);
                return;
            }
        };
        let pending =
            PendingTurn { session_id: session, sent_at: SystemTime::now(), baseline, text: String::new() };
        shared.lock().pending = Some(pending.clone());
        let lost = match message.await {
            Ok(events) => {
                shared.enter(TurnState::Streaming);
                yield Ok(TurnUpdate::Connected);
                let mut told = Telling::new(&client, shared.clone());
                let mut broke = None;
                let mut events = Box::pin(told.updates(events, &mut broke));
                while let Some(update) = events.next().await {
                    yield Ok(update);
                }
                drop(events);
                match broke {
                    None => {
                        shared.end();
                        return;
                    }
                    Some(error) => error,
                }
            }
            Err(error) => error,
        };
        let unknown = match lost {
            Error::OutcomeUnknown(unknown) => unknown,
            // Something answered, a proxy perhaps, and not with what became of the message.
            Error::NotAStream { call, content_type } => {
                let what = format!("{content_type} came in place of an event stream");
                Box::new(UnknownOutcome::new(*call, what, None))
            }
            // It surely was not taken, or the service said what became of it.
            error => {
                shared.end();
                yield Err(error);
                return;
            }
        };
        shared.enter(TurnState::Broken);
        yield Ok(TurnUpdate::Recovering { what: unknown.what.clone() });
        let wait = client.inner.recovery.first_read;
        let mut observed = Box::pin(observe::observe(client, pending, wait, unknown, shared));
        while let Some(update) = observed.next().await {
            yield update;
        }
    }
}

/// Tells what comes, and that the work goes on when nothing does.
struct Telling {
    shared: Shared,
    once: TextAccumulator,
    every: Duration,
    began: Instant,
}

impl Telling {
    fn new(client: &NemoClient, shared: Shared) -> Self {
        let every = client.inner.timeouts.still_working;
        Self { shared, once: TextAccumulator::new(), every, began: Instant::now() }
    }

    fn updates<'a>(
        &'a mut self,
        mut events: MessageStream,
        broke: &'a mut Option<Error>,
    ) -> impl Stream<Item = TurnUpdate> + Send + 'a {
        async_stream::stream! {
            let mut told = self.began;
            loop {
                let event = match timeout_at(after(told, self.every), events.next()).await {
                    Ok(Some(Ok(event))) => event,
                    Ok(Some(Err(error))) => {
                        *broke = Some(error);
                        return;
                    }
                    Ok(None) => return,
                    Err(_elapsed) => {
                        told = Instant::now();
                        self.shared.enter(TurnState::Silent);
                        yield TurnUpdate::StillWorking { elapsed: self.began.elapsed() };
                        continue;
                    }
                };
                if !matches!(event, AgentEvent::Heartbeat) {
                    told = Instant::now();
                    self.shared.enter(TurnState::Streaming);
                }
                let fresh = self.once.push(&event).and_then(|fresh| fresh.text());
                if let Some(text) = fresh.map(str::to_owned) {
                    self.shared.heard(self.once.separator(), &text);
                }
                yield TurnUpdate::Event(event);
            }
        }
    }
}
