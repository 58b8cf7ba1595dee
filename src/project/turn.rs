//! One message: sent, followed to its end, and resumed by another process.
//!
//! | file | holds |
//! |---|---|
//! | `activity` | what a tool does, for people: [`ToolActivity`] |
//! | `presenter` | the agent's events, for people |
//! | `report` | a message summed up: [`TurnReport`] |

mod activity;
mod presenter;
mod report;

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use tokio::sync::OwnedMutexGuard;

use super::conversation::{OpenQuestion, language_of};
use super::{Project, Suggestion};
use crate::client::{NemoClient, PendingTurn, TurnStream, TurnTracker, TurnUpdate};
use crate::draft::Language;
use crate::error::{Error, Result, UnknownOutcome};
use crate::protocol::event::Question;
use crate::protocol::{CreditBalance, SessionId, SessionState};
use crate::sync::lock;
use presenter::Presenter;

pub use activity::ToolActivity;
pub use report::{Outcome, TurnReport};

/// A message that is about to be sent; `.await` sends it and returns its [`Turn`].
#[derive(Debug)]
#[must_use = "a message is sent when it is awaited"]
pub struct SendMessage {
    project: Project,
    text: String,
    is_streaming: bool,
    is_queued: bool,
}

impl SendMessage {
    /// Waits for the turn in progress, instead of failing with [`Error::Busy`].
    pub fn queued(mut self) -> Self {
        self.is_queued = true;
        self
    }

    /// Requests no partial text: each text is received whole. The default is to request it, so that
    /// people can read along; [`NemoClient::send_message`], which has the specification's form,
    /// does not.
    pub fn without_streaming(mut self) -> Self {
        self.is_streaming = false;
        self
    }

    async fn send(self) -> Result<Turn> {
        let Self { project, text, is_streaming, is_queued } = self;
        if text.trim().is_empty() {
            return Err(Error::InvalidInput("the message is blank".to_owned()));
        }
        let turn = project.turn_lock();
        let guard = match is_queued {
            true => turn.lock_owned().await,
            false => turn.try_lock_owned().map_err(|_| Error::Busy)?,
        };
        let connect = |session_id| {
            let mut message = project.client().send_message(&session_id, text.as_str());
            if is_streaming {
                message = message.streaming();
            }
            let mut updates = message.watch_spending();
            project.track(updates.tracker());
            async move {
                let first = updates.next().await.transpose()?;
                Ok((first, updates))
            }
        };
        let open = OpenUntilSent(&project);
        let connected = project.in_session(connect).await;
        drop(open);
        let (first, updates) = connected?;
        Ok(project.turn(first, updates, guard))
    }
}

/// Closes the question of a project once the message that responds to it may have been accepted,
/// also where the future that sends it is dropped.
struct OpenUntilSent<'p>(&'p Project);

impl Drop for OpenUntilSent<'_> {
    fn drop(&mut self) {
        if self.0.may_have_sent() {
            *lock(&self.0.question_slot()) = None;
        }
    }
}

impl IntoFuture for SendMessage {
    type Output = Result<Turn>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A message in progress: a stream of [`TurnEvent`]s or, with [`finish`](Self::finish), a future
/// of its [`TurnReport`].
///
/// The project accepts no other message while the turn is alive.
///
/// # Cancel safety
/// Dropping it closes the connection; the work may continue at the service. The project keeps what
/// it takes to observe it later: see [`Project::pending`].
#[must_use = "a turn does nothing more unless it is polled"]
pub struct Turn {
    events: Pin<Box<dyn Stream<Item = Result<TurnEvent>> + Send>>,
    tracker: TurnTracker,
}

/// What the events of a turn are made of.
struct OpenTurn {
    client: NemoClient,
    session_id: SessionId,
    language: Language,
    /// The update that was taken to learn whether the message was accepted.
    first: Option<TurnUpdate>,
    updates: TurnStream,
    /// Keeps other messages of the project out.
    guard: Option<OwnedMutexGuard<()>>,
    /// Where the project keeps what the agent asks.
    question: OpenQuestion,
}

impl Turn {
    fn new(turn: OpenTurn) -> Self {
        let tracker = turn.updates.tracker();
        Self { events: Box::pin(events(turn)), tracker }
    }

    /// Observes a message of another process, in whatever session it was sent to.
    pub(super) fn observe(client: &NemoClient, pending: &PendingTurn, language: Language) -> Self {
        Self::new(OpenTurn {
            client: client.clone(),
            session_id: pending.session_id.clone(),
            language,
            first: None,
            updates: client.resume_turn(pending),
            guard: None,
            question: OpenQuestion::default(),
        })
    }

    /// Waits for the end and returns the report, which includes the events that were taken before.
    ///
    /// # Errors
    /// Those of the calls behind it; [`Error::InvalidInput`] if the turn was already read to its
    /// end. An unknown outcome of the message is not an error here: see [`Outcome::Unknown`].
    ///
    /// # Cancel safety
    /// As for dropping the turn.
    pub async fn finish(mut self) -> Result<TurnReport> {
        while let Some(event) = self.next().await {
            if let TurnEvent::Finished(report) = event? {
                return Ok(*report);
            }
        }
        Err(Error::InvalidInput("the turn was already taken to its end".to_owned()))
    }

    /// Returns the credits before the message, if they were read.
    pub(super) fn balance(&self) -> Option<CreditBalance> {
        self.tracker.balance()
    }

    /// Returns what to persist to observe this message later; `None` once its end is known.
    #[must_use]
    pub fn pending(&self) -> Option<PendingTurn> {
        self.tracker.pending()
    }
}

impl Stream for Turn {
    type Item = Result<TurnEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

impl Project {
    /// Sends a message to the agent, whatever it means: see [`dispatch`](Self::dispatch) for
    /// messages that the API can carry out itself.
    ///
    /// # Errors
    /// [`Error::Busy`] while another turn is in progress; [`Error::InvalidInput`] for a blank
    /// message; [`Error::SessionNotFound`] if the service no longer has the session and something
    /// had been sent to it (an unused session is replaced); those of
    /// [`send_message`](NemoClient::send_message).
    ///
    /// # Cancel safety
    /// If the future is dropped before it returns the turn, the message may have been accepted, and
    /// charged: [`pending`](Self::pending) then returns the state with which to find out. Sending
    /// another message instead is the caller's decision, and its report may hold the changes of
    /// both.
    pub fn say(&self, text: impl Into<String>) -> SendMessage {
        let (project, text) = (self.clone(), text.into());
        SendMessage { project, text, is_streaming: true, is_queued: false }
    }

    /// Observes an earlier message until its outcome is known: one from [`pending`](Self::pending),
    /// or one that another process persisted. It only reads the session's state and sends nothing
    /// else.
    ///
    /// What the agent had said until then is part of the report's text and not reported again;
    /// what it said later was lost with its stream, so the changes are reported from the state.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let soon = std::time::Duration::from_millis(50);
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .recovery(nemovideo::TurnRecovery::new(soon, soon, 100))
    /// #     .build()?;
    /// use nemovideo::project::Outcome;
    ///
    /// let project = client.project("demo").await?;
    /// drop(project.say("narrate: Good morning.").await?); // as when the process crashes
    /// let session = serde_json::to_string(&project.session())?;
    /// let pending = serde_json::to_string(&project.pending())?;
    ///
    /// let project = client.resume_project(serde_json::from_str(&session)?);
    /// let report = project.observe(&serde_json::from_str(&pending)?)?.finish().await?;
    /// assert_eq!(report.outcome, Outcome::Recovered);
    /// assert!(report.draft.is_some() && project.pending().is_none());
    /// assert_eq!(backend.counters().messages_run, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] while another turn is in progress; [`Error::InvalidInput`] if the message
    /// was sent to another session.
    pub fn observe(&self, pending: &PendingTurn) -> Result<Turn> {
        if pending.session_id != self.session_id() {
            let what = "the message was sent to another session than the project's";
            return Err(Error::InvalidInput(what.to_owned()));
        }
        let guard = self.turn_lock().try_lock_owned().map_err(|_| Error::Busy)?;
        let updates = self.client().resume_turn(pending);
        self.track(updates.tracker());
        Ok(self.turn(None, updates, guard))
    }

    fn turn(
        &self,
        first: Option<TurnUpdate>,
        updates: TurnStream,
        guard: OwnedMutexGuard<()>,
    ) -> Turn {
        Turn::new(OpenTurn {
            client: self.client().clone(),
            session_id: self.session_id(),
            language: language_of(self.session().language.as_deref()),
            first,
            updates,
            guard: Some(guard),
            question: self.question_slot(),
        })
    }
}

/// An event of a turn, ready to be shown to a user.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::local::LocalBackend;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = backend.client();
/// # let project = client.project("demo").await?;
/// use futures::StreamExt as _;
/// use nemovideo::project::TurnEvent;
///
/// let mut turn = project.say("narrate: Good morning.").await?;
/// while let Some(event) = turn.next().await {
///     match event? {
///         TurnEvent::Text(text) => print!("{text}"),
///         TurnEvent::ToolStarted { name } => println!("[{name}]"),
///         TurnEvent::RawClipReady => println!("images and voice are finished"),
///         TurnEvent::Finished(report) => println!("{}", report.summary()),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TurnEvent {
    /// New text of the agent, each text once, without directions for a screen.
    Text(String),
    /// An action that the agent requested on a screen, and that the API offers instead.
    Suggestion(Suggestion),
    /// The agent started a tool. [`ToolActivity::of`] returns what it does, for people.
    ToolStarted {
        /// Name of the tool.
        name: String,
    },
    /// A tool returned.
    ToolFinished {
        /// Name of the tool.
        name: String,
    },
    /// The agent asks the user, and waits for the response if nothing else follows. Its text is not
    /// part of [`Text`](Self::Text).
    Question(Question),
    /// The first stage is done: images and voice are on the timeline.
    RawClipReady,
    /// The second stage is done: titles, captions or music were added.
    PostProductionDone,
    /// Nothing was received for a while, or the observed state has not changed yet. As far as is
    /// known, the work continues.
    StillWorking {
        /// Time since the message was sent.
        elapsed: Duration,
        /// How long until the state is read next, if it is observed.
        next_poll: Option<Duration>,
    },
    /// The stream broke, and the session's state is observed instead. Nothing is sent again.
    Recovering {
        /// How the stream ended.
        what: String,
    },
    /// The agent, or the model behind it, reported a failure. It may continue after it.
    Failed {
        /// The failure, without directions for a screen.
        message: String,
    },
    /// The turn has ended; this is the last event.
    Finished(Box<TurnReport>),
}

/// How the updates ended.
enum End {
    /// The service closed the stream.
    Closed,
    Recovered(Box<SessionState>),
    Unknown(Box<UnknownOutcome>),
}

/// The events of a turn.
fn events(turn: OpenTurn) -> impl Stream<Item = Result<TurnEvent>> + Send {
    async_stream::stream! {
        let OpenTurn { client, session_id, language, first, updates, guard, question } = turn;
        let tracker = updates.tracker();
        let (baseline, text) =
            tracker.pending().map(|pending| (pending.baseline, pending.text)).unwrap_or_default();
        let mut presenter = Presenter::new(baseline.draft.as_ref(), &text, language);
        let mut end = End::Closed;
        let mut updates = Box::pin(futures::stream::iter(first.map(Ok)).chain(updates));
        while let Some(update) = updates.next().await {
            match update {
                Ok(TurnUpdate::Event(event)) => {
                    let events = presenter.push(&event, tracker.take_text());
                    // Kept at once: the turn may be dropped.
                    *lock(&question) = presenter.question().cloned();
                    for event in events {
                        yield Ok(event);
                    }
                }
                Ok(TurnUpdate::StillWorking { elapsed }) => {
                    yield Ok(TurnEvent::StillWorking { elapsed, next_poll: None });
                }
                Ok(TurnUpdate::Recovering { what }) => yield Ok(TurnEvent::Recovering { what }),
                Ok(TurnUpdate::Recovered(state)) => end = End::Recovered(state),
                Ok(TurnUpdate::Unchanged { next_poll, .. }) => {
                    let sent_at = tracker.pending().map(|pending| pending.sent_at);
                    let elapsed = sent_at.and_then(|sent_at| sent_at.elapsed().ok());
                    let elapsed = elapsed.unwrap_or_default();
                    yield Ok(TurnEvent::StillWorking { elapsed, next_poll: Some(next_poll) });
                }
                Ok(TurnUpdate::Connected) => {}
                Err(Error::OutcomeUnknown(unknown)) => end = End::Unknown(unknown),
                Err(error) => {
                    yield Err(error);
                    return;
                }
            }
        }
        drop(updates);
        let (events, transcript) = presenter.finish();
        for event in events {
            yield Ok(event);
        }
        let mut unknown = None;
        let (outcome, state, after) = match end {
            End::Recovered(state) => {
                (Outcome::Recovered, Some(*state), client.credits_at_once().await)
            }
            End::Unknown(observed) => {
                unknown = Some(observed);
                (Outcome::Unknown, Some(baseline.clone()), client.credits_at_once().await)
            }
            End::Closed => {
                let (state, after) =
                    tokio::join!(client.session_state(&session_id), client.credits_at_once());
                (transcript.outcome(), state.ok(), after)
            }
        };
        let mut report = TurnReport::new(&transcript, &baseline, state, outcome, language);
        let before = tracker.balance();
        report.spent = before.zip(after).map(|(before, after)| before.total - after.total);
        report.pending = tracker.pending();
        report.set_unknown(unknown);
        // The session is free before the last event, so that its receiver can send the next
        // message.
        drop(guard);
        yield Ok(TurnEvent::Finished(Box::new(report)));
    }
}
