//! The way from a message to a file, in one place: upload → message → draft → render → file.
//!
//! A voiceover is one job, a batch several, and an [`Export`](super::Export) the last part of one.
//! Each step that may be charged, or that another process could continue from, is reported before
//! it is taken, so that a caller can persist it first.

use std::fmt;
use std::future::IntoFuture as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};

use super::conversation::{Project, language_of};
use super::export::{SavedVideo, checked_output_of, output_of};
use super::files::{ExtraFiles, MissedFile, save_poster, write_subtitles};
use super::handle::{JobHandle, RunControl};
use super::progress::{JobProgress, JobStage};
use super::turn::{Outcome, Turn, TurnEvent, TurnReport};
use super::uploads::UploadFile;
use crate::client::{NemoClient, RenderPolling, RenderProgress, TurnRecovery};
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::protocol::{CreateSession, PendingTurn, RenderJob};

/// Downloads are reported at their first bytes and then each time this many more have arrived: a
/// batch is persisted at each report.
const DOWNLOAD_REPORT_BYTES: u64 = 256 * 1024;

/// Receives the progress of a voiceover or an export.
pub(super) type OnProgress = Arc<dyn Fn(JobProgress) + Send + Sync>;

/// One video to be made of a message.
#[derive(Debug)]
pub(super) struct Job {
    pub client: NemoClient,
    /// What a session is opened with where there is none.
    pub new: CreateSession,
    /// Files to upload before the message is sent.
    pub uploads: Vec<UploadFile>,
    pub message: String,
    pub save_to: PathBuf,
    /// Files to write beside the video.
    pub files: ExtraFiles,
    pub control: RunControl,
}

impl Job {
    /// Makes the video, from the stage that it had reached. Messages go to the session in
    /// `project`; where there is none, one is opened and left there.
    ///
    /// The stream ends with [`JobProgress::Finished`] or with an error, which is
    /// [`Error::Interrupted`] when the work was to end early.
    pub(super) fn run(
        self,
        project: &mut Option<Project>,
        stage: JobStage,
    ) -> impl Stream<Item = Result<JobProgress>> + Send {
        let (client, control) = (self.client.clone(), self.control.clone());
        limited(self.steps(project, stage.clone()), client, control, stage)
    }

    fn steps(
        self,
        project: &mut Option<Project>,
        stage: JobStage,
    ) -> impl Stream<Item = Result<JobProgress>> + Send {
        async_stream::try_stream! {
            let Self { client, new, uploads, message, save_to, files, control } = self;
            let (job, report) = match stage {
                JobStage::Rendering(job) | JobStage::Finished { job: Some(job), .. } => (*job, None),
                stage => {
                    let output = match &stage {
                        // The message is paid for: a path that cannot be written any more is no
                        // reason not to look at what became of it.
                        JobStage::Message(_) => output_of(&save_to)?,
                        _ => {
                            files.check_apart(&save_to, uploads.iter().filter_map(UploadFile::path))?;
                            checked_output_of(&save_to)?
                        }
                    };
                    let (mut turn, pending) = match stage {
                        JobStage::Message(pending) => {
                            let what = "the process that sent the message has ended".to_owned();
                            yield JobProgress::Turn(TurnEvent::Recovering { what });
                            let language = language_of(new.language.as_deref());
                            (Turn::observe(&client, &pending, language), *pending)
                        }
                        stage => {
                            let project = match project {
                                Some(project) => project.clone(),
                                None => {
                                    let opened = Project::open(&client, &new).await?;
                                    yield JobProgress::SessionOpened(opened.session());
                                    project.insert(opened).clone()
                                }
                            };
                            let mut session = project.session_id();
                            // An upload that was interrupted is free, so it is repeated.
                            let is_uploaded = stage == JobStage::Uploaded;
                            if !is_uploaded && !uploads.is_empty() {
                                for file in uploads {
                                    yield JobProgress::Uploading;
                                    file.send(&project).await?;
                                }
                                if project.session_id() != session {
                                    session = project.session_id();
                                    yield JobProgress::SessionOpened(project.session());
                                }
                                yield JobProgress::Uploaded;
                            }
                            control.check_credits(&client).await?;
                            let pending = prepare(&project).await?;
                            if project.session_id() != session {
                                yield JobProgress::SessionOpened(project.session());
                            }
                            yield JobProgress::Sending(Box::new(pending.clone()));
                            let turn = project.say(message).queued().await?;
                            control.set_balance(turn.balance());
                            if let Some(sent) = turn.pending() {
                                yield JobProgress::Sent(Box::new(sent));
                            }
                            (turn, pending)
                        }
                    };
                    let (mut evidence, mut report) = (Evidence::default(), None);
                    while let Some(event) = turn.next().await {
                        let event = event?;
                        evidence.push(&event);
                        match event {
                            TurnEvent::Finished(finished) => report = Some(*finished),
                            event => yield JobProgress::Turn(event),
                        }
                    }
                    // A turn ends with its report or an error; this satisfies the type.
                    let mut report = report.ok_or_else(|| ended_early("turn"))?;
                    if report.outcome == Outcome::Recovered {
                        let recovery = client.recovery();
                        let mut settling = Settling::new(recovery);
                        for pause in recovery.pauses(true) {
                            let elapsed = pending.sent_at.elapsed().unwrap_or_default();
                            let next_poll = Some(pause);
                            yield JobProgress::Turn(TurnEvent::StillWorking { elapsed, next_poll });
                            tokio::time::sleep(pause).await;
                            if settling.is_over(&client, &mut report, &pending).await {
                                break;
                            }
                        }
                    }
                    let draft = evidence.draft(&report, &pending)?;
                    (RenderJob::new(pending.session_id, draft, output), Some(report))
                }
            };
            let is_resumed = report.is_none();
            let saving = SaveJob {
                client,
                job,
                polling: None,
                path: save_to,
                is_resumed,
                report,
                files,
                control,
            };
            let mut progress = Box::pin(saving.run());
            while let Some(progress) = progress.next().await {
                yield progress?;
            }
        }
    }
}

/// A draft to be rendered and saved: the last part of each job.
#[derive(Debug)]
pub(super) struct SaveJob {
    pub client: NemoClient,
    pub job: RenderJob,
    pub polling: Option<RenderPolling>,
    pub path: PathBuf,
    /// Another process may have submitted the render.
    pub is_resumed: bool,
    pub report: Option<TurnReport>,
    /// Files to write beside the video.
    pub files: ExtraFiles,
    pub control: RunControl,
}

impl SaveJob {
    /// Submits the render, waits until it is done and downloads its file.
    pub(super) fn run(self) -> impl Stream<Item = Result<JobProgress>> + Send {
        async_stream::try_stream! {
            let Self { client, job, polling, path, is_resumed, report, files, control } = self;
            yield JobProgress::Submitting(Box::new(job.clone()));
            match is_resumed {
                true => client.ensure_submitted(&job).await?,
                false => client.submit(&job).await?,
            };
            let mut poller = client.wait_for_render(&job);
            if let Some(polling) = polling {
                poller = poller.polling(polling);
            }
            let (session, draft) = (job.session_id, job.draft);
            let video = loop {
                // The polls end with a video or an error; this satisfies the type.
                match poller.next().await.ok_or_else(|| ended_early("render"))?? {
                    RenderProgress::Processing { percent } => {
                        yield JobProgress::Rendering { percent };
                    }
                    RenderProgress::Replaced(job) => yield JobProgress::Submitting(job),
                    RenderProgress::Completed(video) => break video,
                    RenderProgress::Missed { reason } => yield JobProgress::PollMissed { reason },
                    RenderProgress::Pending => yield JobProgress::Rendering { percent: None },
                }
            };
            let (sender, mut received) = tokio::sync::watch::channel((0, None));
            let report_bytes = move |bytes, total| {
                sender.send_replace((bytes, total));
            };
            let mut download =
                client.download(&video, &path).on_progress(report_bytes).into_future();
            let mut due = 0;
            let bytes = loop {
                let bytes = tokio::select! {
                    biased;
                    Ok(()) = received.changed() => None,
                    bytes = &mut download => Some(bytes),
                };
                if let Some(bytes) = bytes {
                    break bytes?;
                }
                let (bytes, total) = *received.borrow_and_update();
                if bytes >= due {
                    due = bytes + DOWNLOAD_REPORT_BYTES;
                    yield JobProgress::Downloading { bytes, total };
                }
            };
            // The video is there: what fails from now on does not take it back.
            control.set_saved();
            let (mut subtitles, mut poster, mut missed) = (None, None, Vec::new());
            if let Some(path) = files.subtitles {
                match write_subtitles(&draft, &path) {
                    Ok(()) => subtitles = Some(path.clone()),
                    Err(file) => missed.push(file),
                }
                yield JobProgress::FileDone { is_written: subtitles.is_some(), path };
            }
            if let Some(path) = files.poster {
                let time = files.poster_time;
                let saving = save_poster(&client, &session, &draft, &path, time, polling);
                let saved = tokio::select! {
                    biased;
                    saved = saving => saved,
                    why = control.due() => {
                        Err(MissedFile { path: path.clone(), reason: why.to_string() })
                    }
                };
                match saved {
                    Ok(()) => poster = Some(path.clone()),
                    Err(file) => missed.push(file),
                }
                yield JobProgress::FileDone { is_written: poster.is_some(), path };
            }
            let video =
                SavedVideo { path, bytes, video, draft, report, subtitles, poster, missed };
            yield JobProgress::Finished(Box::new(video));
        }
    }
}

/// The progress of a voiceover or an export: a stream that ends with [`JobProgress::Finished`] or with an error.
/// Created by [`Voiceover::into_stream`](super::Voiceover::into_stream) and
/// [`Export::into_stream`](super::Export::into_stream).
///
/// What may be charged is sent by the poll that follows its progress. A program that persists each
/// [`JobProgress::Sending`] and [`JobProgress::Submitting`] before it polls again therefore loses
/// nothing, whenever it ends.
///
/// # Cancel safety
/// Dropping it ends the work of this process. What was requested from the service is done, and
/// charged, all the same.
#[must_use = "a stream does nothing unless it is polled"]
pub struct JobStream(BoxStream<'static, Result<JobProgress>>);

impl JobStream {
    pub(super) fn new(progress: impl Stream<Item = Result<JobProgress>> + Send + 'static) -> Self {
        Self(Box::pin(progress))
    }
}

impl Stream for JobStream {
    type Item = Result<JobProgress>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for JobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobStream").finish_non_exhaustive()
    }
}

/// Passes the steps of a job on until it is to end early; then the last one is
/// [`Error::Interrupted`], with the stage that it had reached.
pub(super) fn limited(
    steps: impl Stream<Item = Result<JobProgress>> + Send,
    client: NemoClient,
    control: RunControl,
    stage: JobStage,
) -> impl Stream<Item = Result<JobProgress>> + Send {
    async_stream::stream! {
        control.authenticate(&client).await;
        let mut reached = stage;
        // The stage of the next step, which was reported and has not begun.
        let mut next = None;
        let mut steps = Box::pin(steps);
        let why = loop {
            if let Some(why) = control.is_to_end() {
                break why;
            }
            if let Some(stage) = next.take() {
                reached = stage;
            }
            let step = tokio::select! {
                biased;
                step = steps.next() => step,
                why = control.to_end() => break why,
            };
            let Some(step) = step else { return };
            match (&step, &mut reached) {
                (Ok(JobProgress::Turn(TurnEvent::Text(text))), JobStage::Message(pending)) => {
                    pending.text.push_str(text);
                }
                // The message was sent before it was reported.
                (Ok(JobProgress::Sent(pending)), reached) => {
                    *reached = JobStage::Message(pending.clone());
                }
                (Ok(step), _) => next = step.stage(),
                (Err(_), _) => {}
            }
            yield step;
        };
        drop(steps);
        yield Err(control.interrupted(why, &client, reached).await);
    }
}

/// Passes the progress of one job on, after its handle has it. `begins_at` is the
/// [percent](JobProgress::percent) that its first step stands for.
pub(super) fn reported(
    progress: impl Stream<Item = Result<JobProgress>> + Send,
    handle: Option<JobHandle>,
    begins_at: f32,
) -> impl Stream<Item = Result<JobProgress>> + Send {
    async_stream::stream! {
        let running = handle.map(|handle| handle.begin(vec![0.0], begins_at));
        let mut progress = std::pin::pin!(progress);
        while let Some(step) = progress.next().await {
            if let Some(running) = &running {
                running.report(0, &step);
            }
            yield step;
        }
    }
}

/// Runs a job to its end and returns its video.
pub(super) async fn finish(
    progress: impl Stream<Item = Result<JobProgress>> + Send,
    on_progress: Option<OnProgress>,
) -> Result<SavedVideo> {
    let mut progress = std::pin::pin!(progress);
    while let Some(step) = progress.next().await {
        match (step?, &on_progress) {
            (JobProgress::Finished(video), _) => return Ok(*video),
            (step, Some(on_progress)) => on_progress(step),
            (_, None) => {}
        }
    }
    // A job ends with a video or an error; this satisfies the type.
    Err(ended_early("job"))
}

fn ended_early(what: &str) -> Error {
    Error::AgentFailed(format!("the {what} ended without a result"))
}

/// Reads the baseline that the next message of a project is compared with, so that it can be
/// persisted before the message is sent.
async fn prepare(project: &Project) -> Result<PendingTurn> {
    let client = project.client();
    // The message goes to the very session that is persisted here, which is why a lost session is
    // replaced now and not when the message is sent.
    let read = |session_id| async move {
        let baseline = client.session_state(&session_id).await?;
        Ok(PendingTurn { session_id, sent_at: SystemTime::now(), baseline, text: String::new() })
    };
    project.in_session(read).await
}

/// What the events of a turn have shown of its work.
#[derive(Debug, Default)]
struct Evidence {
    /// Something of use followed the last failure, or there was no failure.
    is_useful: bool,
    /// A tool has worked, as far as was reported.
    has_worked: bool,
}

impl Evidence {
    fn push(&mut self, event: &TurnEvent) {
        match event {
            // What ran before the failure may be what failed.
            TurnEvent::Failed { .. } => (self.is_useful, self.has_worked) = (false, false),
            TurnEvent::Text(text) => self.is_useful |= !text.trim().is_empty(),
            TurnEvent::ToolFinished { name } => {
                self.is_useful = true;
                self.has_worked |= !is_read_only(name);
            }
            TurnEvent::RawClipReady | TurnEvent::PostProductionDone => {
                (self.is_useful, self.has_worked) = (true, true);
            }
            _ => {}
        }
    }

    /// Returns the draft that a message has made.
    ///
    /// An agent reports failures that it recovers from: what counts is the draft. A failure is the
    /// end only if nothing of use followed it.
    ///
    /// The session may hold the draft of an earlier message, so something must show that this one
    /// belongs to the message: a change, a charge, or work whose result may equal what was there
    /// before. Where there was no draft before, it is this message's.
    fn draft(&self, report: &TurnReport, pending: &PendingTurn) -> Result<Draft> {
        if let Some(unknown) = report.unknown() {
            let mut unknown = unknown.clone();
            unknown.call.elapsed = pending.sent_at.elapsed().unwrap_or_default();
            unknown.text.clone_from(&report.text);
            return Err(Error::OutcomeUnknown(Box::new(unknown)));
        }
        let has_failed =
            report.failure.is_some() && report.outcome != Outcome::Recovered && !self.is_useful;
        let before = pending.baseline.draft.as_ref();
        let is_of_this_message = !before.is_some_and(Draft::is_ready_to_export)
            || !report.changes.is_empty()
            || report.spent.is_some_and(|spent| spent.get() > 0.0)
            || self.has_worked
            || (report.outcome == Outcome::Recovered && report.has_new_media());
        match &report.draft {
            Some(draft) if !has_failed && draft.is_ready_to_export() && is_of_this_message => {
                Ok(draft.clone())
            }
            _ => Err(failure(report)),
        }
    }
}

/// Whether a tool of an agent only looks at the draft, by the verb in its name.
fn is_read_only(tool: &str) -> bool {
    const VERBS: [&str; 10] =
        ["get", "list", "read", "search", "show", "check", "find", "query", "describe", "analyze"];
    let verb = tool.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    VERBS.contains(&verb.to_ascii_lowercase().as_str())
}

fn failure(report: &TurnReport) -> Error {
    Error::AgentFailed(match &report.failure {
        Some(failure) if !failure.message.trim().is_empty() => failure.message.clone(),
        _ => report.summary(),
    })
}

/// The documented limit of a message: what was sent longer ago is not worked on any more.
const LONGEST_WORK: Duration = Duration::from_secs(15 * 60);

/// Whether a draft that was read from the state is finished.
///
/// A video is made in two stages, and the state changes at the first one: to export it at once
/// would leave out captions, title and music, although they are paid for. The draft is finished
/// when it no longer changes and the account has no credits frozen for work in progress. Since a
/// service may freeze none, it must not change for a whole interval, unless credits were seen to be
/// released.
struct Settling {
    recovery: TurnRecovery,
    started: Instant,
    unchanged_since: Instant,
    reads: u32,
    was_frozen: bool,
}

impl Settling {
    fn new(recovery: TurnRecovery) -> Self {
        let now = Instant::now();
        Self { recovery, started: now, unchanged_since: now, reads: 0, was_frozen: false }
    }

    /// Reads the draft again, and returns whether it is finished, or has been waited for in vain.
    async fn is_over(
        &mut self,
        client: &NemoClient,
        report: &mut TurnReport,
        pending: &PendingTurn,
    ) -> bool {
        let (interval, most) =
            (self.recovery.interval(), self.recovery.max_unchanged_polls().max(2));
        self.reads += 1;
        let is_in_vain =
            self.reads >= most && self.started.elapsed() >= interval.saturating_mul(most);
        // The credits first: they are released when the draft is finished.
        let is_frozen = has_frozen_credits(client).await;
        let was_frozen = std::mem::replace(&mut self.was_frozen, is_frozen);
        let state = match client.session_state(&pending.session_id).await {
            Ok(state) => state,
            // Any other failed read reveals nothing about the draft.
            Err(error) => {
                return is_in_vain
                    || matches!(error, Error::SessionNotFound(_) | Error::TokenInvalid(_));
            }
        };
        if state.draft != report.draft {
            self.unchanged_since = Instant::now();
            let before = pending.baseline.draft.clone().unwrap_or_default();
            report.changes = before.diff(state.draft.as_ref().unwrap_or(&Draft::default()));
            report.draft = state.draft;
            return is_in_vain || (was_frozen && !is_frozen);
        }
        let is_old = pending.sent_at.elapsed().is_ok_and(|elapsed| elapsed >= LONGEST_WORK);
        let is_clear = was_frozen || is_old || self.unchanged_since.elapsed() >= interval;
        is_in_vain || (is_clear && !is_frozen)
    }
}

async fn has_frozen_credits(client: &NemoClient) -> bool {
    client.credits().await.is_ok_and(|credits| credits.frozen.get() > 0.0)
}

#[cfg(test)]
mod tests {
    use super::{Evidence, is_read_only};
    use crate::project::TurnEvent;

    fn evidence(events: &[TurnEvent]) -> Evidence {
        let mut evidence = Evidence::default();
        events.iter().for_each(|event| evidence.push(event));
        evidence
    }

    #[test]
    fn a_failure_takes_back_what_was_shown_before_it() {
        let failed = || TurnEvent::Failed { message: "overloaded".to_owned() };
        let tool = || TurnEvent::ToolFinished { name: "generate_voiceover".to_owned() };
        let text = || TurnEvent::Text("Your video is ready.".to_owned());
        assert!(!evidence(&[tool(), text(), failed()]).is_useful);
        assert!(evidence(&[failed(), text()]).is_useful);
        assert!(!evidence(&[tool(), failed(), text()]).has_worked);
        assert!(evidence(&[failed(), tool()]).has_worked && evidence(&[tool()]).has_worked);
        assert!(!evidence(&[failed(), TurnEvent::Text(" \n".to_owned())]).is_useful);
    }

    #[test]
    fn a_tool_that_only_reads_has_made_nothing() {
        for reads in ["get_state", "list-tracks", "search", "Read file"] {
            assert!(is_read_only(reads), "{reads}");
        }
        for works in ["generate_voiceover", "edit_draft", "getaway_scene", "add_title"] {
            assert!(!is_read_only(works), "{works}");
        }
    }
}
