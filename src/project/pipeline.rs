//! A message whose film will be exported: written down before it is sent, and judged by the draft
//! that came of it.

use super::report::{Aside, Outcome, TurnReport};
use super::{Project, TurnEvent};
use crate::NemoClient;
use crate::client::PendingTurn;
use crate::draft::{Draft, Language};
use crate::error::{Call, Error, Result, UnknownOutcome};
use crate::protocol::{Endpoint, SessionState};

/// What the next message of a project will be observed against: read, and written down, before
/// the message is sent.
pub(super) async fn prepare(project: &Project) -> Result<PendingTurn> {
    let client = project.client();
    // The message goes to this very session, or what is written down would be about another.
    let touched = project.touch();
    let baseline = match client.session_state(&project.session_id()).await {
        Err(Error::SessionNotFound(_)) if !touched => {
            project.open_again().await?;
            client.session_state(&project.session_id()).await?
        }
        read => read?,
    };
    let (session_id, sent_at) = (project.session_id(), std::time::SystemTime::now());
    Ok(PendingTurn { session_id, sent_at, baseline, text: String::new() })
}

/// What the events of a turn have shown of its work.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Something of use came after the last failure, or there was none.
    of_use: bool,
    /// A tool has worked, as far as anybody said.
    worked: bool,
    /// What broke the stream.
    broke: Option<String>,
}

impl Evidence {
    pub(super) fn hear(&mut self, event: &TurnEvent) {
        match event {
            // What ran before it may be what failed.
            TurnEvent::Failed { .. } => (self.of_use, self.worked) = (false, false),
            TurnEvent::Text(text) => self.of_use |= !text.trim().is_empty(),
            TurnEvent::ToolFinished { name } => {
                self.of_use = true;
                self.worked |= !only_looks(name);
            }
            TurnEvent::RawClipReady | TurnEvent::PostProductionDone => {
                (self.of_use, self.worked) = (true, true);
            }
            TurnEvent::Recovering { what } => self.broke = Some(what.clone()),
            _ => {}
        }
    }

    /// The film that a message has made in a session that held none before.
    ///
    /// An agent tells of failures that it gets over: what counts is the draft. A failure is the
    /// end only when nothing of use came after it.
    pub(super) fn film(&self, report: &TurnReport, pending: &PendingTurn) -> Result<Draft> {
        if report.outcome == Outcome::Unknown {
            return Err(self.unknown(report, pending));
        }
        let failed = match &report.failure {
            Some(failure) if report.outcome != Outcome::Recovered && !self.of_use => Some(failure),
            _ => None,
        };
        match &report.draft {
            Some(draft) if failed.is_none() && draft.is_ready_to_export() => Ok(draft.clone()),
            _ => Err(failure(report)),
        }
    }

    /// The film that a message has made in a session that may hold that of another one: something
    /// must show that the draft answers this message. That is a change, or a price; or work, whose
    /// result may be what was there before. Where there was no film, this one is of this message.
    pub(super) fn another_film(&self, report: &TurnReport, pending: &PendingTurn) -> Result<Draft> {
        let draft = self.film(report, pending)?;
        let changed = !report.changes.is_empty();
        let charged = report.spent.is_some_and(|spent| spent.get() > 0.0);
        let before = pending.baseline.draft.as_ref();
        let first = !before.is_some_and(Draft::is_ready_to_export);
        match first || changed || charged || self.worked {
            true => Ok(draft),
            false => Err(failure(report)),
        }
    }

    fn unknown(&self, report: &TurnReport, pending: &PendingTurn) -> Error {
        let what = self.broke.clone().unwrap_or_else(|| "the stream broke".to_owned());
        let mut unknown = unknown_of(Endpoint::Message, what);
        unknown.call.elapsed = pending.sent_at.elapsed().unwrap_or_default();
        unknown.text.clone_from(&report.text);
        Error::OutcomeUnknown(Box::new(unknown))
    }
}

/// A tool of an agent that looks at the film and leaves it as it is.
fn only_looks(tool: &str) -> bool {
    const LOOKS: [&str; 10] =
        ["get", "list", "read", "search", "show", "check", "find", "query", "describe", "analyze"];
    let verb = tool.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    LOOKS.contains(&verb.to_ascii_lowercase().as_str())
}

fn failure(report: &TurnReport) -> Error {
    Error::AgentFailed(match &report.failure {
        Some(failure) if !failure.message.trim().is_empty() => failure.message.clone(),
        _ => report.summary(),
    })
}

/// A call of an earlier process, or one whose end nobody saw.
pub(super) fn unknown_of(endpoint: Endpoint, what: String) -> UnknownOutcome {
    UnknownOutcome::new(Call::once(endpoint, std::time::Duration::ZERO), what, None)
}

/// The report of a message that another process has sent, told from the state after it, and what
/// that shows of its work.
pub(super) fn recovered(
    pending: &PendingTurn,
    state: SessionState,
    words: Language,
) -> (TurnReport, Evidence) {
    // The draft may be what it was before; what was generated for it is new all the same.
    let worked = state.generated_media != pending.baseline.generated_media;
    let before = pending.baseline.draft.clone().unwrap_or_default();
    let report = TurnReport {
        text: pending.text.trim().to_owned(),
        changes: before.diff(state.draft.as_ref().unwrap_or(&Draft::default())),
        draft: state.draft,
        suggestions: Vec::new(),
        outcome: Outcome::Recovered,
        spent: None,
        failure: None,
        pending: None,
        aside: Aside { words, ..Aside::default() },
    };
    (report, Evidence { of_use: true, worked, broke: None })
}

/// Waits until a film that was told from the state is finished.
///
/// A film is made in two stages, and the state changes at the first: to export it at once would
/// leave captions, title and music behind, although they are paid for. It is finished when the
/// draft stands still while the account has nothing frozen for work in progress.
pub(super) async fn settle(client: &NemoClient, report: &mut TurnReport, pending: &PendingTurn) {
    if report.outcome != Outcome::Recovered {
        return;
    }
    let recovery = client.recovery();
    for _ in 0..recovery.max_unchanged_polls().max(2) {
        tokio::time::sleep(recovery.interval()).await;
        // A state that cannot be read tells nothing new.
        let Ok(state) = client.session_state(&pending.session_id).await else { continue };
        if state.draft == report.draft && !works(client).await {
            return;
        }
        let before = pending.baseline.draft.clone().unwrap_or_default();
        report.changes = before.diff(state.draft.as_ref().unwrap_or(&Draft::default()));
        report.draft = state.draft;
    }
}

async fn works(client: &NemoClient) -> bool {
    client.credits().await.is_ok_and(|credits| credits.frozen.get() > 0.0)
}

#[cfg(test)]
mod tests {
    use super::{Evidence, only_looks};
    use crate::project::TurnEvent;

    fn heard(events: &[TurnEvent]) -> Evidence {
        let mut evidence = Evidence::default();
        events.iter().for_each(|event| evidence.hear(event));
        evidence
    }

    #[test]
    fn a_failure_takes_back_what_was_shown_before_it() {
        let failed = || TurnEvent::Failed { message: "overloaded".to_owned() };
        let tool = || TurnEvent::ToolFinished { name: "generate_voiceover".to_owned() };
        let text = || TurnEvent::Text("Your film is ready.".to_owned());
        assert!(!heard(&[tool(), text(), failed()]).of_use);
        assert!(heard(&[failed(), text()]).of_use && !heard(&[tool(), failed(), text()]).worked);
        assert!(heard(&[failed(), tool()]).worked && heard(&[tool()]).worked);
        assert!(!heard(&[failed(), TurnEvent::Text(" \n".to_owned())]).of_use);
    }

    #[test]
    fn a_tool_that_looks_has_made_nothing() {
        for looks in ["get_state", "list-tracks", "searchMedia_x".get(..6).unwrap(), "Read file"] {
            assert!(only_looks(looks), "{looks}");
        }
        for works in ["generate_voiceover", "edit_draft", "getaway_scene", "add_title"] {
            assert!(!only_looks(works), "{works}");
        }
    }
}
