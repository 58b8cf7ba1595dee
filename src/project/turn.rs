//! One message and all that comes of it, for its sender. How it is told as it happens, and summed
//! up at the end, is left to `watch`.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use tokio::sync::OwnedMutexGuard;

use super::report::TurnReport;
use super::{Project, Suggestion, watch};
use crate::client::{PendingTurn, TurnStream, TurnTracker, TurnUpdate};
use crate::error::{Error, Result};

/// A message that is about to be sent; `.await` sends it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
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
pub struct SendMessage {
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
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
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
    /// Nothing was said for a while, or found out while the state is observed, and the work goes
    /// on as far as is known.
    StillWorking {
        /// Since the message was sent.
        elapsed: Duration,
    },
    /// The stream broke; the session's state is observed. Nothing is sent again.
    Recovering {
        /// What broke.
        what: String,
    },
    /// The agent, or the model behind it, said that it failed. It may go on after it.
    Failed {
        /// In its messages, without those of a screen.
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
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
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
/// Dropping it closes the connection; the work may go on at the service. The project keeps what
/// it takes to observe it later: see [`Project::pending`].
#[must_use = "a turn does nothing more unless it is polled"]
pub struct Turn {
    events: Pin<Box<dyn Stream<Item = Result<TurnEvent>> + Send>>,
    shared: TurnTracker,
}

impl SendMessage {
    pub(super) fn new(project: Project, text: String) -> Self {
        Self { project, text, streaming: true, queued: false }
    }

    /// Waits for the turn under way instead of refusing with [`Error::Busy`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
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
    /// use nemovideo::mock::{MockResponse, Events, MockNemo};
    ///
    /// let nemo = MockNemo::start().await;
    /// # nemo.given(MockResponse::session("task", "session")).await;
    /// # nemo.given(MockResponse::state(None)).await;
    /// nemo.given(MockResponse::message(Events::new().text("It is warmer now."))).await;
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
        if text.trim().is_empty() {
            return Err(Error::InvalidInput(
                "there is nothing to say in a blank message".to_owned(),
            ));
        }
        let lock = std::sync::Arc::clone(&project.inner.turn);
        let guard = match queued {
            true => lock.lock_owned().await,
            false => lock.try_lock_owned().map_err(|_| Project::busy())?,
        };
        let touched = project.touch();
        let mut updates = connect(&project, &text, streaming);
        let mut first = updates.next().await;
        if !touched && matches!(first, Some(Err(Error::SessionNotFound(_)))) {
            // Nothing was in it, so nothing is lost with it.
            project.open_again().await?;
            updates = connect(&project, &text, streaming);
            first = updates.next().await;
        }
        Ok(Turn::new(project, first.transpose()?, updates, guard))
    }
}

fn connect(project: &Project, text: &str, streaming: bool) -> TurnStream {
    let mut message = project.client().send_message(&project.session_id(), text);
    if streaming {
        message = message.streaming();
    }
    let updates = message.watch_spending();
    project.inner.kept.turn(updates.tracker());
    updates
}

impl IntoFuture for SendMessage {
    type Output = Result<Turn>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Turn {
    pub(super) fn new(
        project: Project,
        first: Option<TurnUpdate>,
        updates: TurnStream,
        guard: OwnedMutexGuard<()>,
    ) -> Self {
        let shared = updates.tracker();
        Self { events: Box::pin(watch::events(project, first, updates, guard)), shared }
    }

    /// Waits for the end and sums it up. Events that were taken before are part of it.
    ///
    /// # Errors
    /// Those of the calls behind it. That it is not known what became of the message is no error
    /// here: see [`Outcome::Unknown`](super::Outcome::Unknown).
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

    /// What to write down to observe this message later; `None` once it is known how it ended.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client =
    /// #     NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
    /// # let project = client.project("demo").await?;
    /// let turn = project.say("narrate: Good morning.").await?;
    /// assert_eq!(turn.pending(), project.pending()); // the project keeps it too
    /// assert!(turn.pending().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
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
