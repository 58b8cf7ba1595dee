//! One message and all that comes of it: told as it happens, and summed up at the end.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use tokio::sync::OwnedMutexGuard;

use super::report::{Outcome, TurnReport};
use super::telling::Telling;
use super::{Project, Suggestion};
use crate::client::{PendingTurn, Shared, TurnStream, TurnUpdate};
use crate::error::{Error, Result};
use crate::wire::{CreditBalance, SessionState};

/// A message that is about to be sent; `.await` sends it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// let say = project.say("narrate: Good morning.").whole_texts();
/// assert_eq!(backend.counters().messages_run, 0); // nothing was sent yet
/// let turn = say.await?;
/// let report = turn.finish().await?;
/// assert!(report.text.contains("1 sentence"), "{}", report.text);
/// assert_eq!(backend.counters().messages_run, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a message is sent when it is awaited"]
pub struct Say {
    project: Project,
    text: String,
    streaming: bool,
    queued: bool,
}

/// What happens in a turn, in words for people.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// use futures::StreamExt as _;
/// use nemovideo::project::TurnEvent;
///
/// let mut turn = project.say("narrate: Good morning.").await?;
/// let (mut tools, mut summary) = (0, String::new());
/// while let Some(event) = turn.next().await {
///     match event? {
///         TurnEvent::Text(text) => print!("{text}"),
///         TurnEvent::ToolStarted { .. } => tools += 1,
///         TurnEvent::RawClipReady => println!("pictures and voice are there"),
///         TurnEvent::Finished(report) => summary = report.summary(),
///         _ => {}
///     }
/// }
/// assert!(tools > 0 && !summary.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TurnEvent {
    /// Text, once, without the words of a screen.
    Text(String),
    /// Something that the agent told the user to do on a screen, and that the API does instead.
    Suggestion(Suggestion),
    /// The agent uses a tool.
    ToolStarted {
        /// Its name.
        name: String,
    },
    /// The tool is done.
    ToolFinished {
        /// Its name.
        name: String,
    },
    /// The first stage is done: pictures and voice are there.
    RawClipReady,
    /// The second stage is done: titles, captions or music were added.
    PostProductionDone,
    /// Nothing was said for a while, and the work goes on.
    StillWorking {
        /// Since the message was sent.
        elapsed: Duration,
    },
    /// The stream broke; the session's state is observed. Nothing is sent again.
    Recovering {
        /// What broke.
        what: String,
    },
    /// The agent, or the model behind it, said that it failed.
    Failed {
        /// In its words.
        message: String,
    },
    /// The turn is over. The last event.
    Finished(Box<TurnReport>),
}

/// A message under way: a stream of [`TurnEvent`]s, or, with [`finish`](Self::finish), a future
/// of its [`TurnReport`].
///
/// The session takes no other message while it is alive.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// use futures::StreamExt as _;
/// use nemovideo::project::TurnEvent;
///
/// let mut turn = project.say("narrate: Good morning.").await?;
/// while let Some(event) = turn.next().await {
///     if matches!(event?, TurnEvent::RawClipReady) {
///         break; // enough was seen, and the rest is waited for
///     }
/// }
/// let report = turn.finish().await?;
/// assert!(report.text.starts_with("Working on your voiceover…")); // what came before is in it
/// assert!(report.draft.is_some_and(|draft| draft.is_ready_to_export()));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// Dropping it closes the connection; the work may go on at the service. Keep
/// [`pending`](Self::pending) to observe it later.
#[must_use = "a turn does nothing more unless it is polled"]
pub struct Turn {
    events: Pin<Box<dyn Stream<Item = Result<TurnEvent>> + Send>>,
    shared: Shared,
}

impl Say {
    pub(super) fn new(project: Project, text: String) -> Self {
        Self { project, text, streaming: true, queued: false }
    }

    /// Waits for the turn under way instead of refusing with [`Error::Busy`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_films().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// let first = project.say("narrate: Good morning.").await?;
    /// let second = tokio::spawn(project.say("add a title 'Morning Brew'").queued().into_future());
    /// first.finish().await?;
    /// let report = second.await??.finish().await?;
    /// let draft = report.draft.ok_or("nothing is there")?;
    /// assert!(draft.summary().contains("Morning Brew"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn queued(mut self) -> Self {
        self.queued = true;
        self
    }

    /// Asks for no partial text: each text comes when it is whole.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{Answer, Events, MockNemo};
    ///
    /// let nemo = MockNemo::start().await;
    /// # nemo.given(Answer::session("task", "session")).await;
    /// # nemo.given(Answer::state(None)).await;
    /// nemo.given(Answer::message(Events::new().text("It is warmer now."))).await;
    /// let project = nemo.client().project("demo").await?;
    /// for say in [project.say("warmer"), project.say("warmer").whole_texts()] {
    ///     say.await?.finish().await?;
    /// }
    /// let messages = nemo.messages().await;
    /// assert!(messages[0].streaming && !messages[1].streaming);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn whole_texts(mut self) -> Self {
        self.streaming = false;
        self
    }

    async fn send(self) -> Result<Turn> {
        let Self { project, text, streaming, queued } = self;
        let lock = std::sync::Arc::clone(&project.inner.turn);
        let guard = match queued {
            true => lock.lock_owned().await,
            false => lock.try_lock_owned().map_err(|_| Project::busy())?,
        };
        let touched = project.touch();
        // What was spent is told as far as it can be known.
        let before = project.client().credits().await.ok();
        let mut updates = connect(&project, &text, streaming);
        let mut first = updates.next().await;
        if !touched && matches!(first, Some(Err(Error::SessionNotFound(_)))) {
            // Nothing was in it, so nothing is lost with it.
            project.open_again().await?;
            updates = connect(&project, &text, streaming);
            first = updates.next().await;
        }
        let first = first.transpose()?;
        let shared = updates.shared();
        let events = Box::pin(events(project, first, updates, before, guard));
        Ok(Turn { events, shared })
    }
}

fn connect(project: &Project, text: &str, streaming: bool) -> TurnStream {
    let mut message = project.client().send_message(&project.session_id(), text);
    if streaming {
        message = message.streaming();
    }
    message.watch()
}

impl IntoFuture for Say {
    type Output = Result<Turn>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Turn {
    /// Waits for the end and sums it up. Events that were taken before are part of it.
    ///
    /// # Errors
    /// Those of the calls behind it. That it is not known what became of the message is no error
    /// here: see [`Outcome::Unknown`].
    ///
    /// # Cancel safety
    /// As for dropping the turn.
    pub async fn finish(mut self) -> Result<TurnReport> {
        while let Some(event) = self.next().await {
            if let TurnEvent::Finished(report) = event? {
                return Ok(*report);
            }
        }
        Err(Error::InvalidInput("the turn was taken to its end before".to_owned()))
    }

    /// What to write down to observe this message later.
    #[must_use]
    pub fn pending(&self) -> Option<PendingTurn> {
        self.shared.pending()
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

fn events(
    project: Project,
    first: Option<TurnUpdate>,
    updates: TurnStream,
    before: Option<CreditBalance>,
    guard: OwnedMutexGuard<()>,
) -> impl Stream<Item = Result<TurnEvent>> + Send {
    async_stream::stream! {
        let shared = updates.shared();
        let baseline = shared.pending().and_then(|pending| pending.baseline.draft);
        let mut telling = Telling::new(baseline.clone());
        let mut recovered: Option<Box<SessionState>> = None;
        let mut unknown = false;
        let mut updates =
            Box::pin(futures::stream::iter(first.map(Ok)).chain(updates));
        while let Some(update) = updates.next().await {
            match update {
                Ok(TurnUpdate::Event(event)) => {
                    for event in telling.hear(&event) {
                        yield Ok(event);
                    }
                }
                Ok(TurnUpdate::StillWorking { elapsed }) => {
                    yield Ok(TurnEvent::StillWorking { elapsed });
                }
                Ok(TurnUpdate::Recovering { what }) => yield Ok(TurnEvent::Recovering { what }),
                Ok(TurnUpdate::Recovered(state)) => recovered = Some(state),
                Ok(TurnUpdate::Connected | TurnUpdate::Unchanged { .. }) => {}
                Err(Error::OutcomeUnknown(_)) => unknown = true,
                Err(error) => {
                    yield Err(error);
                    return;
                }
            }
        }
        let pending = shared.pending();
        drop(updates);
        for event in telling.end() {
            yield Ok(event);
        }

        let client = project.client();
        let was_recovered = recovered.is_some();
        let draft = match recovered {
            Some(state) => state.draft,
            None if unknown => baseline.clone(),
            // The stream has told all that is paid for; a state that cannot be read now costs no
            // more than its last word on it.
            None => match client.session_state(&project.session_id()).await {
                Ok(state) => state.draft,
                Err(_) => telling.last_draft().or_else(|| baseline.clone()),
            },
        };
        let after = client.credits().await.ok();
        let changes =
            baseline.unwrap_or_default().diff(draft.as_ref().unwrap_or(&Default::default()));
        let outcome = if unknown {
            Outcome::Unknown
        } else if was_recovered {
            Outcome::Recovered
        } else if telling.text().trim().is_empty() {
            Outcome::Silent
        } else {
            Outcome::Answered
        };
        let spent = before.zip(after).map(|(before, after)| before.total - after.total);
        let report = TurnReport {
            changes,
            draft,
            outcome,
            spent,
            pending,
            text: telling.text().trim().to_owned(),
            suggestions: telling.suggestions().to_vec(),
            failure: telling.failure().cloned(),
            words: project.inner.words,
        };
        // The session is free before the last word, so that whoever hears it can go on.
        drop(guard);
        yield Ok(TurnEvent::Finished(Box::new(report)));
    }
}
