//! What became of a message.

use crate::client::PendingTurn;
use crate::draft::{Diff, Draft, Language};
use crate::protocol::Credits;
use crate::protocol::event::AgentFailure;

use super::{Suggestion, messages};

/// How a turn ended.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{MockResponse, Events, MockNemo};
/// use nemovideo::project::Outcome;
///
/// // A stream without a word, after which the draft is another one.
/// let nemo = MockNemo::start().await;
/// let draft = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
/// nemo.given(MockResponse::session("task", "session")).await;
/// nemo.given(MockResponse::state(None).times(1)).await;
/// nemo.given(MockResponse::state(Some(draft))).await;
/// nemo.given(MockResponse::message(Events::new())).await;
///
/// let project = nemo.client().project("demo").await?;
/// let report = project.say("make it warmer").await?.finish().await?;
/// assert_eq!(report.outcome, Outcome::Silent);
/// assert!(report.text.is_empty() && !report.summary().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The agent answered in words.
    Answered,
    /// The agent said nothing but words of a screen, if that: what it did is told from the state.
    Silent,
    /// The stream broke, and the session's state tells that the work was done.
    Recovered,
    /// The stream broke, and nothing tells what became of the message. It was not sent again.
    Unknown,
}

/// What became of a message.
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
/// let report = project.say("narrate: Good morning.").await?.finish().await?;
/// assert!(!report.changes.is_empty() && report.draft.is_some());
/// assert_eq!(report.spent.map(|spent| spent.get()), Some(20.0));
/// assert!(report.failure.is_none() && report.pending.is_none());
/// println!("{}", report.summary());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TurnReport {
    /// What the agent said, without the words of a screen, each text on a line of its own.
    pub text: String,
    /// What changed on the timeline.
    pub changes: Diff,
    /// The timeline as it is now.
    pub draft: Option<Draft>,
    /// What the agent told the user to do on a screen.
    pub suggestions: Vec<Suggestion>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it cost, where the balance could be read before and after.
    pub spent: Option<Credits>,
    /// The failure that the agent told of, as it stood on the wire. The agent may have gone on
    /// after it.
    pub failure: Option<AgentFailure>,
    /// To observe the message later, when the outcome is unknown.
    pub pending: Option<PendingTurn>,
    pub(super) aside: Aside,
}

/// What only the summary tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Aside {
    /// The language of the project.
    pub(super) words: Language,
    /// The failure that it ended with, in words for people.
    pub(super) failed: Option<String>,
    /// What changed in the state around the timeline.
    pub(super) around: Vec<String>,
    /// The state after the turn could not be read.
    pub(super) is_unread: bool,
}

impl TurnReport {
    /// The turn in words for people, in the language of the project. Never empty.
    ///
    /// What the agent said, and what it failed with; where it said nothing, what changed, or that
    /// this could not be found out.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, Events, MockNemo};
    ///
    /// let nemo = MockNemo::start().await;
    /// nemo.given(MockResponse::session("task", "session")).await;
    /// nemo.given(MockResponse::state(None)).await;
    /// let events = Events::new().text("Working on it…").failure("503", "model overloaded");
    /// nemo.given(MockResponse::message(events)).await;
    /// let project = nemo.client().project("demo").await?;
    /// let report = project.say("make it warmer").await?.finish().await?;
    /// assert_eq!(report.summary(), "Working on it…\nmodel overloaded");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn summary(&self) -> String {
        let Aside { words: language, failed, around, is_unread } = &self.aside;
        let mut parts = vec![self.text.clone()];
        parts.extend(failed.clone());
        match self.outcome {
            Outcome::Answered => {}
            Outcome::Unknown => parts.push(messages::unknown(*language)),
            Outcome::Silent | Outcome::Recovered => {
                if !self.changes.is_empty() {
                    parts.push(self.changes.summary(*language));
                }
                parts.extend(around.iter().cloned());
                if self.text.is_empty() && failed.is_none() {
                    let words = |offer| messages::suggestion(offer, *language);
                    parts.extend(self.suggestions.iter().map(words));
                }
                if *is_unread {
                    parts.push(messages::unread(*language));
                }
            }
        }
        parts.retain(|part| !part.trim().is_empty());
        let is_told_from_state = self.outcome == Outcome::Recovered && parts == [self.text.clone()];
        if parts.is_empty() || is_told_from_state {
            parts.push(self.changes.summary(*language));
        }
        parts.join("\n")
    }
}
