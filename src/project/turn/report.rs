//! A turn, summed up.

use super::presenter::TurnTranscript;
use crate::client::PendingTurn;
use crate::draft::{Diff, Draft, Language};
use crate::error::UnknownOutcome;
use crate::project::Suggestion;
use crate::project::messages::{self, Text};
use crate::protocol::event::{AgentFailure, Question};
use crate::protocol::{Credits, SessionState, StatePart};

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The agent replied with text.
    Replied,
    /// The agent said nothing, or nothing but directions for a screen: what it did is reported
    /// from the state.
    Silent,
    /// The agent asked a question and waits for the response, which is the next message. The turn
    /// is neither silent nor done, and what it was about may be unfinished.
    AwaitingInput,
    /// The stream broke, and the session's state shows that the work was done.
    Recovered,
    /// The stream broke, and nothing shows what became of the message. It was not sent again.
    Unknown,
}

/// The result of a turn.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TurnReport {
    /// What the agent said, without directions for a screen, each text on a line of its own.
    pub text: String,
    /// What changed on the timeline.
    pub changes: Diff,
    /// The timeline after the turn.
    pub draft: Option<Draft>,
    /// The actions that the agent requested on a screen.
    pub suggestions: Vec<Suggestion>,
    /// How the turn ended.
    pub outcome: Outcome,
    /// What the agent asked, if it waits for the response. Its text is not part of `text`.
    pub question: Option<Question>,
    /// What the turn cost, if the balance could be read before and after it.
    pub spent: Option<Credits>,
    /// The failure that the agent reported, as received. The agent may have continued after it.
    pub failure: Option<AgentFailure>,
    /// The pending turn with which to observe the message later, if the outcome is unknown.
    pub pending: Option<PendingTurn>,
    details: Details,
}

/// What only the summary and the pipeline use.
#[derive(Clone, Debug, Default, PartialEq)]
struct Details {
    language: Language,
    /// The failure that the turn ended with, in a text for people.
    failure: Option<String>,
    /// What changed in the state around the timeline.
    around: Vec<String>,
    /// The generated media changed.
    has_new_media: bool,
    /// The state after the turn could not be read.
    is_unread: bool,
    unknown: Observed,
}

/// What was observed of a message whose outcome is unknown. Errors cannot be compared, so any two
/// are equal.
#[derive(Clone, Debug, Default)]
struct Observed(Option<Box<UnknownOutcome>>);

impl PartialEq for Observed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl TurnReport {
    /// Sums up what was said and done since the baseline; `state` is `None` if it could not be
    /// read.
    pub(super) fn new(
        transcript: &TurnTranscript,
        baseline: &SessionState,
        state: Option<SessionState>,
        outcome: Outcome,
        language: Language,
    ) -> Self {
        // The stream has reported all that is paid for: where the state cannot be read now, the
        // last draft in the stream counts.
        let draft = match &state {
            Some(state) => state.draft.clone(),
            None => transcript.draft.clone().or_else(|| baseline.draft.clone()),
        };
        let before = baseline.draft.clone().unwrap_or_default();
        let changes = before.diff(draft.as_ref().unwrap_or(&Draft::default()));
        let mut details = Details {
            language,
            failure: transcript.failure_text.clone(),
            is_unread: state.is_none(),
            ..Details::default()
        };
        if let Some(state) = &state {
            let parts = state.parts_changed_since(baseline);
            details.has_new_media = parts.contains(&StatePart::GeneratedMedia);
            details.around = messages::changes_around(baseline, state, &changes, language);
            if outcome == Outcome::Recovered && parts.is_empty() {
                details.around.push(Text::OtherChange.in_language(language).to_owned());
            }
        }
        Self {
            text: transcript.text.trim().to_owned(),
            changes,
            draft,
            suggestions: transcript.suggestions.clone(),
            outcome,
            question: transcript
                .question
                .question()
                .filter(|_| outcome == Outcome::AwaitingInput)
                .cloned(),
            spent: None,
            failure: transcript.failure.clone(),
            pending: None,
            details,
        }
    }

    /// Returns what was observed, if the outcome is unknown.
    pub(in crate::project) fn unknown(&self) -> Option<&UnknownOutcome> {
        self.details.unknown.0.as_deref()
    }

    /// Records what was observed of a message whose outcome is unknown.
    pub(super) fn set_unknown(&mut self, observed: Option<Box<UnknownOutcome>>) {
        self.details.unknown = Observed(observed);
    }

    /// Whether media were generated, also if the draft is what it was before.
    pub(in crate::project) fn has_new_media(&self) -> bool {
        self.details.has_new_media
    }

    /// Returns the turn as text for people, in the language of the project. The text is never
    /// empty.
    ///
    /// It holds what the agent said, what it failed with and what it asks; where it said nothing,
    /// what changed, or that this could not be found out.
    #[must_use]
    pub fn summary(&self) -> String {
        let Details { language, failure, around, is_unread, .. } = &self.details;
        let mut parts = vec![self.text.clone()];
        parts.extend(failure.clone());
        match self.outcome {
            Outcome::Replied => {}
            Outcome::AwaitingInput => {
                let question = self.question.as_ref().map(Question::to_string);
                let asked = question.filter(|question| !question.is_empty());
                let waits = || Text::AgentWaits.in_language(*language).to_owned();
                parts.push(asked.unwrap_or_else(waits));
            }
            Outcome::Unknown => parts.push(Text::OutcomeUnknown.in_language(*language).to_owned()),
            Outcome::Silent | Outcome::Recovered => {
                if !self.changes.is_empty() {
                    parts.push(self.changes.summary(*language));
                }
                parts.extend(around.iter().cloned());
                if self.text.is_empty() && failure.is_none() {
                    let text = |suggestion| messages::suggestion(suggestion, *language);
                    parts.extend(self.suggestions.iter().map(text));
                }
                if *is_unread {
                    parts.push(Text::StateUnreadable.in_language(*language).to_owned());
                }
            }
        }
        parts.retain(|part| !part.trim().is_empty());
        let lacks_changes = self.outcome == Outcome::Recovered && parts == [self.text.clone()];
        if parts.is_empty() || lacks_changes {
            parts.push(self.changes.summary(*language));
        }
        parts.join("\n")
    }
}
