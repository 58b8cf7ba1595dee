//! A message, as it proceeds: the client's updates become events for people, and the last one a
//! report.

use std::time::Duration;

use futures::{Stream, StreamExt as _};

use super::presenter::Presenter;
use super::report::{Outcome, TurnReport};
use super::{OpenTurn, Suggestion};
use crate::client::TurnUpdate;
use crate::error::{Error, Result};
use crate::protocol::SessionState;

/// What happens in a turn, for people.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
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
    /// The agent started a tool.
    ToolStarted {
        /// Name of the tool.
        name: String,
    },
    /// A tool returned.
    ToolFinished {
        /// Name of the tool.
        name: String,
    },
    /// The first stage is done: images and voice are on the timeline.
    RawClipReady,
    /// The second stage is done: titles, captions or music were added.
    PostProductionDone,
    /// Nothing was received for a while, or found out while the state is observed; the work
    /// continues as far as is known.
    StillWorking {
        /// Time since the message was sent.
        elapsed: Duration,
    },
    /// The stream broke, and the session's state is observed instead. Nothing is sent again.
    Recovering {
        /// What broke.
        what: String,
    },
    /// The agent, or the model behind it, reported a failure. It may continue after it.
    Failed {
        /// The failure, without directions for a screen.
        message: String,
    },
    /// The turn is over. The last event.
    Finished(Box<TurnReport>),
}

/// How the updates ended.
enum End {
    /// The service closed the stream.
    Closed,
    Recovered(Box<SessionState>),
    Unknown,
}

/// The events of a turn.
pub(super) fn events(turn: OpenTurn) -> impl Stream<Item = Result<TurnEvent>> + Send {
    async_stream::stream! {
        let OpenTurn { client, session_id, language, first, updates, guard } = turn;
        let tracker = updates.tracker();
        let (baseline, text) =
            tracker.pending().map(|pending| (pending.baseline, pending.text)).unwrap_or_default();
        let mut presenter = Presenter::new(baseline.draft.as_ref(), &text, language);
        let mut end = End::Closed;
        let mut updates = Box::pin(futures::stream::iter(first.map(Ok)).chain(updates));
        while let Some(update) = updates.next().await {
            match update {
                Ok(TurnUpdate::Event(event)) => {
                    for event in presenter.push(&event, tracker.take_text()) {
                        yield Ok(event);
                    }
                }
                Ok(TurnUpdate::StillWorking { elapsed }) => {
                    yield Ok(TurnEvent::StillWorking { elapsed });
                }
                Ok(TurnUpdate::Recovering { what }) => yield Ok(TurnEvent::Recovering { what }),
                Ok(TurnUpdate::Recovered(state)) => end = End::Recovered(state),
                Ok(TurnUpdate::Connected | TurnUpdate::Unchanged { .. }) => {}
                Err(Error::OutcomeUnknown(_)) => end = End::Unknown,
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
        let (outcome, state, after) = match end {
            End::Recovered(state) => {
                (Outcome::Recovered, Some(*state), client.credits_at_once().await)
            }
            End::Unknown => {
                (Outcome::Unknown, Some(baseline.clone()), client.credits_at_once().await)
            }
            End::Closed => {
                let (state, after) =
                    tokio::join!(client.session_state(&session_id), client.credits_at_once());
                let is_silent = transcript.text.trim().is_empty();
                let outcome = if is_silent { Outcome::Silent } else { Outcome::Replied };
                (outcome, state.ok(), after)
            }
        };
        let mut report = TurnReport::new(&transcript, &baseline, state, outcome, language);
        let before = tracker.balance();
        report.spent = before.zip(after).map(|(before, after)| before.total - after.total);
        report.pending = tracker.pending();
        // The session is free before the last event, so that its receiver can send the next
        // message.
        drop(guard);
        yield Ok(TurnEvent::Finished(Box::new(report)));
    }
}
