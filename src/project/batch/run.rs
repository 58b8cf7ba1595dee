//! The work of a batch, item by item.

use std::path::PathBuf;

use futures::{Stream, StreamExt as _};

use super::ledger::{BatchTracker, meets_all, place};
use super::{BatchItem, BatchStage, BatchState, BatchUpdate, BatchVideo};
use crate::NemoClient;
use crate::client::{PendingTurn, RenderProgress, TurnUpdate};
use crate::error::{Error, Result};
use crate::project::pipeline::{self, Evidence};
use crate::project::{Project, TurnEvent, TurnReport, conversation, output_path};
use crate::protocol::{CreateSession, Endpoint, RenderJob};

pub(super) struct Run {
    client: NemoClient,
    new: CreateSession,
    /// The session that messages go to; `None` after one of which nobody knows what became.
    project: Option<Project>,
    ledger: BatchTracker,
}

impl Run {
    pub(super) fn new(client: NemoClient, project: Option<Project>, state: BatchState) -> Self {
        Self { client, new: state.project.clone(), project, ledger: BatchTracker::new(state) }
    }

    pub(super) fn ledger(&self) -> BatchTracker {
        self.ledger.clone()
    }

    pub(super) fn updates(mut self) -> impl Stream<Item = (usize, BatchUpdate)> + Send {
        async_stream::stream! {
            let items = self.ledger.items();
            let places: Vec<PathBuf> = items.iter().map(|(item, _)| place(&item.save_to)).collect();
            let mut met: Option<Error> = None;
            for (index, (item, stage)) in items.into_iter().enumerate() {
                if stage.is_over() {
                    continue;
                }
                let refused = match &met {
                    Some(error) if stops(error, &stage) => again(error),
                    _ if places[..index].contains(&places[index]) => Some(written_twice(&item)),
                    _ => None,
                };
                if let Some(error) = refused {
                    self.ledger.refused(index, &error);
                    yield (index, BatchUpdate::Finished(Err(error)));
                    continue;
                }
                let mut failed = None;
                let mut steps = Box::pin(self.steps(index, item, stage));
                while let Some(step) = steps.next().await {
                    match step {
                        Ok(update) => yield (index, update),
                        Err(error) => failed = Some(error),
                    }
                }
                drop(steps);
                let Some(error) = failed else { continue };
                if !self.ledger.ended(index, &error) {
                    self.project = None;
                }
                if meets_all(&error) {
                    met = again(&error);
                }
                yield (index, BatchUpdate::Finished(Err(error)));
            }
        }
    }

    fn steps(
        &mut self,
        index: usize,
        item: BatchItem,
        stage: BatchStage,
    ) -> impl Stream<Item = Result<BatchUpdate>> + Send + '_ {
        async_stream::try_stream! {
            let (job, report) = if let BatchStage::Rendering(job) = stage {
                (*job, None)
            } else {
                let (output, pending, mut report, evidence) = match stage {
                    BatchStage::Uploading => Err(left_in_an_upload())?,
                    BatchStage::Message(pending) => {
                        // It is paid: a place that cannot be written any more is found later.
                        let output = output_path::named_by(&item.save_to)?;
                        yield BatchUpdate::Working;
                        let what = "the batch was left in the midst of it".to_owned();
                        yield BatchUpdate::Turn(TurnEvent::Recovering { what });
                        let (report, evidence) = self.observe(&pending).await?;
                        (output, *pending, report, evidence)
                    }
                    stage => {
                        // What is wrong on this side is found before anything is charged.
                        let output = output_path::output_for(&item.save_to)?;
                        let project = self.project().await?;
                        if let (BatchStage::Waiting, Some(path)) = (&stage, &item.upload) {
                            self.ledger.announce(index, BatchStage::Uploading);
                            yield BatchUpdate::Uploading;
                            self.ledger.begin();
                            project.upload(path).await?;
                            self.ledger.session(project.session());
                            self.ledger.reached(index, BatchStage::Uploaded);
                        }
                        let pending = pipeline::prepare(&project).await?;
                        self.ledger.session(project.session());
                        self.ledger.announce(index, BatchStage::Message(pending.clone().into()));
                        yield BatchUpdate::Working;
                        self.ledger.begin();
                        let mut turn = project.say(&item.instruction).queued().await?;
                        if let Some(sent) = turn.pending() {
                            self.ledger.reached(index, BatchStage::Message(sent.into()));
                        }
                        let (mut evidence, mut report) = (Evidence::default(), None);
                        while let Some(event) = turn.next().await {
                            let event = event?;
                            evidence.hear(&event);
                            if let TurnEvent::Finished(finished) = event {
                                report = Some(*finished);
                                continue;
                            }
                            if let TurnEvent::Text(text) = &event {
                                self.ledger.heard(index, text);
                            }
                            yield BatchUpdate::Turn(event);
                        }
                        (output, pending, report.ok_or_else(silence)?, evidence)
                    }
                };
                pipeline::settle(&self.client, &mut report, &pending).await;
                // Another item's video must not be passed for this one's.
                let draft = evidence.another_film(&report, &pending)?;
                (RenderJob::new(pending.session_id, draft, output), Some(report))
            };

            self.ledger.reached(index, BatchStage::Rendering(job.clone().into()));
            yield BatchUpdate::Rendering { percent: None };
            match &report {
                Some(_) => self.client.submit(&job).await?,
                // Another process may have submitted it.
                None => self.client.ensure_submitted(&job).await?,
            };
            let draft = job.draft.clone();
            let mut polls = self.client.wait_for_render(&job);
            while let Some(step) = polls.next().await {
                match step? {
                    RenderProgress::Processing { percent } => {
                        yield BatchUpdate::Rendering { percent };
                    }
                    RenderProgress::Replaced(job) => {
                        self.ledger.reached(index, BatchStage::Rendering(job));
                        yield BatchUpdate::Rendering { percent: None };
                    }
                    RenderProgress::Completed(video) => {
                        let file = self.client.download(&video, &item.save_to).await?;
                        self.ledger.finished(index, &file.path, file.bytes);
                        let (path, bytes) = (file.path, file.bytes);
                        let video = Box::new(BatchVideo { path, bytes, draft, report });
                        yield BatchUpdate::Finished(Ok(video));
                        return;
                    }
                    RenderProgress::Pending => {}
                }
            }
        }
    }

    /// The session that messages go to, opened where there is none.
    async fn project(&mut self) -> Result<Project> {
        if let Some(project) = &self.project {
            return Ok(project.clone());
        }
        let session = self.client.create_session(self.new.clone()).await?;
        self.ledger.session(session.clone());
        let project = Project::new(self.client.clone(), self.new.clone(), session, false);
        self.project = Some(project.clone());
        Ok(project)
    }

    /// What became of a message that the process before has sent, or was about to.
    async fn observe(&self, pending: &PendingTurn) -> Result<(TurnReport, Evidence)> {
        let mut updates = self.client.resume_turn(pending);
        while let Some(update) = updates.next().await {
            if let TurnUpdate::Recovered(state) = update? {
                let words = conversation::words_of(self.new.language.as_deref());
                return Ok(pipeline::recovered(pending, *state, words));
            }
        }
        Err(silence())
    }
}

/// Whether an error of an item before is that of this one, too.
fn stops(error: &Error, stage: &BatchStage) -> bool {
    // What is paid for costs no more credits.
    !(matches!(error, Error::OutOfCredits(_)) && stage.is_paid())
}

/// The same refusal once more.
fn again(error: &Error) -> Option<Error> {
    error.api().is_some().then(|| error.clone())
}

fn written_twice(item: &BatchItem) -> Error {
    let path = item.save_to.display();
    Error::InvalidInput(format!("{path} is where an earlier item is written"))
}

fn left_in_an_upload() -> Error {
    let what = "the batch was left in the midst of an upload".to_owned();
    Error::OutcomeUnknown(Box::new(pipeline::unknown_of(Endpoint::Upload, what)))
}

/// A turn ends with its report or an error; this is for the type.
fn silence() -> Error {
    Error::AgentFailed("the turn ended without a word".to_owned())
}
