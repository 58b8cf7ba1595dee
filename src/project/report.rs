//! What became of a message.

use crate::client::PendingTurn;
use crate::draft::{Diff, Draft, Language};
use crate::wire::Credits;
use crate::wire::event::AgentFailure;

use super::Suggestion;

/// How a turn ended.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{Answer, Events, MockNemo};
/// use nemovideo::project::Outcome;
///
/// // A stream without a word, after which the draft is another one.
/// let nemo = MockNemo::start().await;
/// let draft = r#"{"d":9000,"t":[{"tt":0,"sg":[{"d":9000}]}]}"#.parse()?;
/// nemo.given(Answer::session("task", "session")).await;
/// nemo.given(Answer::state(None).times(1)).await;
/// nemo.given(Answer::state(Some(draft))).await;
/// nemo.given(Answer::message(Events::new())).await;
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
    /// The agent said nothing: what it did is told from the draft.
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
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
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
    /// What the agent said, without the words of a screen.
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
    /// The failure that the agent told of.
    pub failure: Option<AgentFailure>,
    /// To observe the message later, when the outcome is unknown.
    pub pending: Option<PendingTurn>,
    pub(super) words: Language,
}

impl TurnReport {
    /// The turn in words for people, in the language of the project. Never empty.
    #[must_use]
    pub fn summary(&self) -> String {
        let chinese = self.words == Language::Chinese;
        let mut parts = Vec::new();
        if !self.text.is_empty() {
            parts.push(self.text.clone());
        } else if let Some(failure) = &self.failure {
            parts.push(failure.message.clone());
        }
        match self.outcome {
            Outcome::Unknown => parts.push(
                if chinese {
                    "连接中断了，尚不清楚这一步是否已完成。没有重复发送；请稍后再查看状态。"
                } else {
                    "The connection broke, and it is not known whether this was done. It was not \
                     sent again; look at the state later."
                }
                .to_owned(),
            ),
            Outcome::Silent | Outcome::Recovered if self.failure.is_none() => {
                parts.push(self.changes.summary(self.words));
            }
            _ => {}
        }
        parts.retain(|part| !part.trim().is_empty());
        if parts.is_empty() {
            parts.push(self.changes.summary(self.words));
        }
        parts.join("\n")
    }
}
