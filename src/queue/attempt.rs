//! One attempt at a task: the pipeline of a voiceover, with the row of the task compared and set
//! before each step that may be charged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{FutureExt as _, StreamExt as _};
use tokio::time::{Interval, MissedTickBehavior};

use super::error::StoreError;
use super::store::{Claimed, Ending, Progress, Requeue, Standing};
use super::task::{TaskRecord, TaskState};
use super::worker::{AccountWorker, source_of};
use crate::error::{Error, Interruption};
use crate::project::{JobHandle, JobProgress, JobStage, QueuedVoiceover};
use crate::protocol::RenderJob;

/// How often the progress is written, at most. A cancellation is noticed as soon.
const PROGRESS: Duration = Duration::from_secs(5);
/// The longest pause after an error that passes.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// What limits an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptSettings {
    pub(super) lease: Duration,
    pub(super) max_failures: u32,
}

/// An attempt by one worker.
#[derive(Debug)]
pub(super) struct Attempt {
    worker: Arc<AccountWorker>,
    key: String,
    number: i64,
    failures: i64,
    /// The stage that another attempt could continue from.
    stage: JobStage,
    /// The message of the stage is one that this attempt sends, and that the service has not
    /// accepted as far as is known.
    is_unsent: bool,
    /// A person has cancelled the task.
    is_cancelled: bool,
    claimed: Claimed,
}

/// How an attempt ends.
#[derive(Debug)]
enum End {
    Done {
        json: String,
    },
    /// With an error for good, in this state.
    Ended(TaskState, String),
    /// Back to the queue, at once or after an error that passes.
    Again {
        error: Option<String>,
        after: Duration,
    },
    /// Another attempt has the task.
    Lost,
}

impl Attempt {
    pub(super) fn new(worker: Arc<AccountWorker>, key: String, claimed: Claimed) -> Self {
        Self {
            worker,
            key,
            number: claimed.attempt,
            failures: claimed.failures,
            stage: JobStage::Waiting,
            is_unsent: false,
            is_cancelled: claimed.cancel != 0,
            claimed,
        }
    }

    /// Works on the task until this attempt ends, and writes how.
    ///
    /// # Errors
    /// Those of the database, once it was not to be reached for as long as the lease.
    pub(super) async fn run(mut self) -> Result<(), StoreError> {
        // A panic of a program's own function must not leave the task in progress.
        let end = match AssertUnwindSafe(self.work()).catch_unwind().await {
            Ok(end) => end?,
            Err(_) => self.given_up("the worker panicked".to_owned()),
        };
        let deadline = Instant::now() + self.worker.settings.lease;
        while let Err(error) = self.write(&end).await {
            if Instant::now() > deadline {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    async fn write(&self, end: &End) -> Result<(), StoreError> {
        let (store, key, number) = (&self.worker.store, &*self.key, self.number);
        let stage = Some(&self.stage);
        match end {
            End::Done { json } => {
                let ending =
                    Ending { state: TaskState::Done, stage, json: Some(json), error: None };
                store.finish(key, number, ending).await?;
            }
            End::Ended(state, error) => {
                let ending = Ending { state: *state, stage, json: None, error: Some(error) };
                store.finish(key, number, ending).await?;
            }
            End::Again { error, after } => {
                let requeue = Requeue {
                    stage: &self.stage,
                    error: error.as_deref(),
                    is_failure: error.is_some(),
                    after: *after,
                };
                store.requeue(key, number, &self.claimed.account, requeue).await?;
            }
            End::Lost => {
                // This worker itself may have the delivery again, whose heartbeat was late. apalis
                // would take it for done while that attempt works on it.
                let is_own = |record: TaskRecord| {
                    record.state == TaskState::Running && record.worker == Some(self.worker.name())
                };
                let has_it = async || match store.get(key).await {
                    Ok(record) => record.is_some_and(is_own),
                    Err(_) => true,
                };
                while has_it().await {
                    tokio::time::sleep(PROGRESS).await;
                }
            }
        }
        tracing::info!(key, attempt = number, ?end, "an attempt ended");
        Ok(())
    }

    async fn work(&mut self) -> Result<End, StoreError> {
        let unreadable = |error: serde_json::Error| {
            End::Ended(TaskState::Failed, format!("the task cannot be read: {error}"))
        };
        match serde_json::from_str(&self.claimed.stage) {
            Ok(stage) => self.stage = stage,
            // What was done cannot be known either.
            Err(error) => return Ok(End::Ended(TaskState::Unknown, error.to_string())),
        }
        let task: QueuedVoiceover = match serde_json::from_str(&self.claimed.task) {
            Ok(task) => task,
            Err(error) => return Ok(unreadable(error)),
        };
        if self.is_cancelled {
            return Ok(End::Ended(TaskState::Cancelled, "it was cancelled".to_owned()));
        }
        if self.failures > i64::from(self.worker.settings.max_failures) {
            let error = format!("it failed, or its worker died, {} times", self.failures);
            return Ok(self.given_up(error));
        }
        let handle = JobHandle::new();
        let mut steps = task.run(self.worker.client.clone(), self.stage.clone(), &handle);
        let mut ticks = tokio::time::interval(PROGRESS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        // The last progress that was not written yet.
        let mut news: Option<String> = None;
        let mut is_ending = false;
        loop {
            let step = tokio::select! {
                biased;
                () = self.worker.ending.cancelled(), if !is_ending => {
                    is_ending = true;
                    handle.cancel();
                    continue;
                }
                step = steps.next() => step,
                _ = ticks.tick() => {
                    match self.report(handle.percent(), None, news.take().as_deref()).await {
                        Ok(None) => return Ok(End::Lost),
                        Ok(Some(standing)) => self.heed(standing, &handle),
                        // The next one is as good.
                        Err(_) => {}
                    }
                    continue;
                }
            };
            let step = match step {
                Some(Ok(step)) => step,
                Some(Err(error)) => return Ok(self.after(error, is_ending)),
                // A job ends with a video or an error; this satisfies the type.
                None => return Ok(End::Ended(TaskState::Failed, "it ended early".to_owned())),
            };
            let json = serde_json::to_string(&step).map_err(StoreError::new)?;
            match &step {
                JobProgress::Finished(_) => return Ok(End::Done { json }),
                JobProgress::Sending(_) | JobProgress::Submitting(_) => {
                    let stage = step.stage().unwrap_or_default();
                    match self.pass(&stage, &handle, &json, &mut ticks).await? {
                        true => self.is_unsent = matches!(step, JobProgress::Sending(_)),
                        false => return Ok(End::Lost),
                    }
                    // A step that was cancelled is reported, and not taken.
                    if !self.is_cancelled {
                        self.stage = stage;
                    }
                }
                JobProgress::Sent(pending) => {
                    self.is_unsent = false;
                    self.stage = JobStage::Message(pending.clone());
                }
                _ => news = Some(json),
            }
        }
    }

    /// Asks whether a step may be taken that may be charged, and records that it is. Waits as long as
    /// the account has to, and tries again while the database cannot be reached.
    async fn pass(
        &mut self,
        stage: &JobStage,
        handle: &JobHandle,
        json: &str,
        ticks: &mut Interval,
    ) -> Result<bool, StoreError> {
        let deadline = Instant::now() + self.worker.settings.lease;
        loop {
            match self.report(handle.percent(), Some(stage), Some(json)).await {
                Ok(None) => return Ok(false),
                Ok(Some(standing)) => {
                    self.heed(standing, handle);
                    let pause = standing.pause();
                    if pause.is_zero() || self.is_cancelled {
                        ticks.reset();
                        return Ok(true);
                    }
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.worker.ending.cancelled() => return Ok(true),
                    }
                }
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    async fn report(
        &self,
        percent: f32,
        stage: Option<&JobStage>,
        json: Option<&str>,
    ) -> Result<Option<Standing>, StoreError> {
        let progress = Progress { stage, percent, json };
        self.worker.store.advance(&self.key, self.number, progress).await
    }

    fn heed(&mut self, standing: Standing, handle: &JobHandle) {
        if standing.is_cancelled() && !self.is_cancelled {
            self.is_cancelled = true;
            handle.cancel();
        }
    }

    /// Returns the end of a task that is not tried again. What became of a message is not known then.
    fn given_up(&self, error: String) -> End {
        let state = match self.stage {
            JobStage::Message(_) => TaskState::Unknown,
            _ => TaskState::Failed,
        };
        End::Ended(state, error)
    }

    /// Returns how the attempt ends after an error.
    fn after(&mut self, error: Error, is_ending: bool) -> End {
        let reached = JobStage::after(&error);
        let text = source_of(&error);
        if let Error::Interrupted(interrupted) = &error {
            self.stage = reached.unwrap_or_default();
            return match interrupted.why {
                _ if self.is_cancelled => End::Ended(TaskState::Cancelled, text),
                Interruption::Cancelled if is_ending => {
                    End::Again { error: None, after: Duration::ZERO }
                }
                _ => End::Ended(TaskState::Failed, text),
            };
        }
        if let Some(stage) = reached {
            self.stage = stage;
        }
        let passes = error.is_retryable();
        match &mut self.stage {
            // A render is looked up by its id before it is submitted again, and it is free.
            JobStage::Rendering(_) if passes || error.may_have_taken_effect() => {}
            JobStage::Rendering(job) => {
                if matches!(error, Error::RenderFailed { .. }) {
                    // Another attempt needs another id.
                    job.id = RenderJob::new(
                        job.session_id.clone(),
                        job.draft.clone(),
                        job.output.clone(),
                    )
                    .id;
                }
                return End::Ended(TaskState::Failed, text);
            }
            // It was certainly not accepted.
            JobStage::Message(_) if self.is_unsent && !error.may_have_taken_effect() => {
                self.stage = JobStage::Waiting;
                if !passes {
                    return End::Ended(TaskState::Failed, text);
                }
            }
            JobStage::Message(_) if passes => {}
            JobStage::Message(_) => {
                // What the agent said it could not do is known, whatever was charged for it.
                let state = match error {
                    Error::AgentFailed(_) => TaskState::Failed,
                    _ => TaskState::Unknown,
                };
                return End::Ended(state, text);
            }
            // Uploads are free, so they are repeated also when their outcome is not known.
            _ if passes || error.may_have_taken_effect() => {}
            _ => return End::Ended(TaskState::Failed, text),
        }
        let failures = self.failures + 1;
        if failures > i64::from(self.worker.settings.max_failures) {
            return self.given_up(text);
        }
        let asked = error.metadata().and_then(|metadata| metadata.retry_after);
        let usual = Duration::from_secs(1 << failures.clamp(1, 9)).min(MAX_PAUSE);
        End::Again { error: Some(text), after: asked.unwrap_or_default().max(usual) }
    }
}
