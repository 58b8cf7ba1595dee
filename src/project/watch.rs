//! A message watched to its end: what the client finds out becomes events in words for people,
//! and a report.

use futures::{Stream, StreamExt as _};
use tokio::sync::OwnedMutexGuard;

use super::presenter::Presenter;
use super::report::{Aside, Outcome, TurnReport};
use super::turn::TurnEvent;
use super::{Project, messages};
use crate::client::{TurnStream, TurnUpdate};
use crate::error::{Error, Result};
use crate::protocol::SessionState;

/// How the updates ended.
enum End {
    /// The service closed the stream.
    Closed,
    Recovered(Box<SessionState>),
    Unknown,
}

/// The events of a turn, of which the first update may have been taken already.
pub(super) fn events(
    project: Project,
    first: Option<TurnUpdate>,
    updates: TurnStream,
    guard: OwnedMutexGuard<()>,
) -> impl Stream<Item = Result<TurnEvent>> + Send {
    async_stream::stream! {
        let shared = updates.tracker();
        let (baseline, heard) =
            shared.pending().map(|pending| (pending.baseline, pending.text)).unwrap_or_default();
        let mut presenter = Presenter::new(baseline.draft.as_ref(), project.inner.words);
        presenter.recall(&heard);
        let mut end = End::Closed;
        let mut updates =
            Box::pin(futures::stream::iter(first.map(Ok)).chain(updates));
        while let Some(update) = updates.next().await {
            match update {
                Ok(TurnUpdate::Event(event)) => {
                    for event in presenter.hear(&event) {
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
        for event in presenter.end() {
            yield Ok(event);
        }

        let client = project.client();
        let session = project.session_id();
        let (outcome, state, after) = match end {
            End::Recovered(state) => {
                (Outcome::Recovered, Some(*state), client.credits_at_once().await)
            }
            End::Unknown => {
                (Outcome::Unknown, Some(baseline.clone()), client.credits_at_once().await)
            }
            End::Closed => {
                let (state, after) =
                    tokio::join!(client.session_state(&session), client.credits_at_once());
                let is_silent = presenter.text().is_empty();
                let outcome = if is_silent { Outcome::Silent } else { Outcome::Answered };
                (outcome, state.ok(), after)
            }
        };
        let mut report = report(&project, &presenter, baseline, state, outcome);
        report.spent =
            shared.balance().zip(after).map(|(before, after)| before.total - after.total);
        report.pending = shared.pending();
        // The session is free before the last word, so that whoever hears it can go on.
        drop(guard);
        yield Ok(TurnEvent::Finished(Box::new(report)));
    }
}

/// What was told and found out; `None` for a state that could not be read.
fn report(
    project: &Project,
    presenter: &Presenter,
    baseline: SessionState,
    state: Option<SessionState>,
    outcome: Outcome,
) -> TurnReport {
    let language = project.inner.words;
    let is_unread = state.is_none();
    // The stream has told all that is paid for; a state that cannot be read now costs no more than
    // its last word on it.
    let draft = match &state {
        Some(state) => state.draft.clone(),
        None => presenter.last_draft().or_else(|| baseline.draft.clone()),
    };
    let changes = baseline
        .draft
        .clone()
        .unwrap_or_default()
        .diff(draft.as_ref().unwrap_or(&Default::default()));
    let mut around = Vec::new();
    if let Some(state) = &state {
        around = messages::around(&baseline, state, &changes, language);
        if outcome == Outcome::Recovered && state.parts_changed_since(&baseline).is_empty() {
            around.push(messages::elsewhere(language));
        }
    }
    TurnReport {
        changes,
        draft,
        outcome,
        spent: None,
        pending: None,
        text: presenter.text().to_owned(),
        suggestions: presenter.suggestions().to_vec(),
        failure: presenter.failure().cloned(),
        aside: Aside { words: language, failed: presenter.failed(), around, is_unread },
    }
}
