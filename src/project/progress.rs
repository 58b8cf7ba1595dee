//! The progress of a video: for people, as JSON for their screens, and as the stage to persist.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::export::SavedVideo;
use super::messages;
use super::turn::TurnEvent;
use crate::draft::Language;
use crate::error::Error;
use crate::protocol::event::Question;
use crate::protocol::{Credits, PendingTurn, RenderId, RenderJob, Session, SessionId};

/// The progress of a video that is made by a voiceover, a batch or an export.
///
/// Some of the variants hold what another process, or this one after an error, needs to continue
/// without paying again: their [`stage`](Self::stage) is what to persist. Each is reported *before*
/// the step it names, so persist it when it is reported, in place of the one before:
///
/// | last reported | what is known | continue with |
/// |---|---|---|
/// | nothing, [`SessionOpened`](Self::SessionOpened) | nothing was charged | the voiceover, again |
/// | [`Sending`](Self::Sending), [`Sent`](Self::Sent) | the message may be charged | [`Voiceover::resume`]; or [`resume_turn`](crate::NemoClient::resume_turn), whose last update holds the draft |
/// | [`Submitting`](Self::Submitting) | the video is paid for | [`Voiceover::resume`]; or [`ensure_submitted`](crate::NemoClient::ensure_submitted), [`wait_for_render`](crate::NemoClient::wait_for_render), [`download`](crate::NemoClient::download); all free |
///
/// A [`Batch`](super::Batch) persists all of this itself, as its
/// [`BatchState`](super::BatchState).
///
/// # JSON
/// It is serialized in a form for screens, which holds no draft: an object whose `stage` is the name
/// of the variant, such as `{"stage":"rendering","percent":41.5}`. The other keys are those of
/// the variant, with `session_id` in place of a session or a pending message, `render_id` in place
/// of a job, and, for the end, `path`, `bytes`, `seconds`, `text`, `spent`, `subtitles`, `poster` and
/// `missed`. An event of the message has the stage `agent` and the form of [`TurnEvent`]. Keys may
/// be added, and none is renamed or removed.
///
/// [`Voiceover::resume`]: super::Voiceover::resume
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum JobProgress {
    /// A session was opened for the video. Reported again if the service lost it and another one
    /// took its place.
    SessionOpened(Session),
    /// A file is about to be uploaded.
    Uploading,
    /// All files were uploaded.
    Uploaded,
    /// The message is about to be sent: from now on it may be accepted, and charged.
    Sending(Box<PendingTurn>),
    /// The message was accepted. This pending turn takes the place of the one in
    /// [`Sending`](Self::Sending).
    Sent(Box<PendingTurn>),
    /// An event of the message's turn; its report is in the finished video.
    Turn(TurnEvent),
    /// The draft is finished, and its render is about to be submitted. Reported again with the new
    /// job when a render failed and was replaced by another.
    Submitting(Box<RenderJob>),
    /// The render is queued or in progress: reported at each poll.
    Rendering {
        /// From 0 to 100, if the service reported it.
        percent: Option<f32>,
    },
    /// A poll of the render showed no status. As far as is known the render continues, and it is
    /// polled again: see [`RenderProgress::Missed`](crate::RenderProgress::Missed).
    PollMissed {
        /// What happened instead.
        reason: String,
    },
    /// The file is being downloaded.
    Downloading {
        /// Number of bytes received so far.
        bytes: u64,
        /// Size of the file, if known.
        total: Option<u64>,
    },
    /// Subtitles or a poster, requested beside the video, were written or could not be. The video
    /// itself is there already.
    FileDone {
        /// Path of the file.
        path: PathBuf,
        /// Whether it was written; [`SavedVideo::missed`] states why not.
        is_written: bool,
    },
    /// The file was written; the last progress of a video. A voiceover and an export that are
    /// awaited return the video instead.
    Finished(Box<SavedVideo>),
}

impl JobProgress {
    /// The percent of a finished draft, with which an export begins.
    pub(super) const DRAFT_DONE: f32 = 50.0;

    /// Returns how much of the whole work is done when this is reported, from 0 to 100, or `None` if
    /// it says nothing about that. The message counts for a half, and the render for most of the
    /// rest.
    ///
    /// A render that failed and is made again begins again; what a
    /// [`JobHandle`](super::JobHandle) returns never falls.
    #[must_use]
    pub fn percent(&self) -> Option<f32> {
        let part =
            |from: f32, to: f32, share: f32| Some(from + (to - from) * share.clamp(0.0, 1.0));
        match self {
            Self::SessionOpened(_) => Some(1.0),
            Self::Uploading => Some(2.0),
            Self::Uploaded => Some(5.0),
            Self::Sending(_) => Some(6.0),
            Self::Sent(_) => Some(8.0),
            Self::Turn(TurnEvent::RawClipReady) => Some(35.0),
            Self::Turn(TurnEvent::PostProductionDone) => Some(45.0),
            Self::Submitting(_) => Some(Self::DRAFT_DONE),
            Self::Rendering { percent } => {
                part(Self::DRAFT_DONE, 90.0, percent.filter(|it| !it.is_nan())? / 100.0)
            }
            Self::Downloading { bytes, total } => {
                part(90.0, 98.0, *bytes as f32 / total.filter(|total| *total > 0)? as f32)
            }
            Self::FileDone { .. } => Some(99.0),
            Self::Finished(_) => Some(100.0),
            Self::Turn(_) | Self::PollMissed { .. } => None,
        }
    }

    /// Returns the stage to persist in place of the one before, or `None` if it stays the same.
    #[must_use]
    pub fn stage(&self) -> Option<JobStage> {
        match self {
            Self::Uploading => Some(JobStage::Uploading),
            Self::Uploaded => Some(JobStage::Uploaded),
            Self::Sending(pending) | Self::Sent(pending) => {
                Some(JobStage::Message(pending.clone()))
            }
            Self::Submitting(job) => Some(JobStage::Rendering(job.clone())),
            Self::Finished(video) => {
                let (path, bytes) = (video.path.clone(), video.bytes);
                Some(JobStage::Finished { path, bytes, job: None })
            }
            Self::SessionOpened(_)
            | Self::Turn(_)
            | Self::Rendering { .. }
            | Self::PollMissed { .. }
            | Self::Downloading { .. }
            | Self::FileDone { .. } => None,
        }
    }
}

/// The stage of a voiceover or of a batch item, in serializable form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobStage {
    /// Nothing was sent for the item that must be kept.
    #[default]
    Waiting,
    /// The item's upload may have been accepted. It is free, so it is repeated.
    Uploading,
    /// The item's file was uploaded.
    Uploaded,
    /// The item's message may have been accepted, and charged.
    Message(Box<PendingTurn>),
    /// The item's message is done, and its render may have been submitted.
    Rendering(Box<RenderJob>),
    /// The item's file was written.
    Finished {
        /// Path of the file.
        path: PathBuf,
        /// Size of the file in bytes.
        bytes: u64,
        /// The render that the file was downloaded from, with which it can be downloaded again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Box<RenderJob>>,
    },
    /// The item failed and cannot be continued.
    Failed,
}

impl JobStage {
    /// Returns the stage to continue from after an error: of [`Error::Interrupted`], what it had
    /// reached, and of any other error the render that it holds, if there is one. `None` if the error
    /// does not say; then the last [stage that was reported](JobProgress::stage) counts.
    #[must_use]
    pub fn after(error: &Error) -> Option<Self> {
        match error {
            Error::Interrupted(interrupted) => {
                Some(match (&interrupted.job, &interrupted.pending) {
                    (Some(job), _) => Self::Rendering(job.clone()),
                    (None, Some(pending)) => Self::Message(pending.clone()),
                    (None, None) => Self::Waiting,
                })
            }
            error => error.render_job().map(|job| Self::Rendering(Box::new(job.clone()))),
        }
    }

    /// Returns the stage that follows this one: a finished video keeps its render.
    pub(super) fn then(&self, next: Self) -> Self {
        match (self, next) {
            (Self::Rendering(job), Self::Finished { path, bytes, job: None }) => {
                Self::Finished { path, bytes, job: Some(job.clone()) }
            }
            (_, next) => next,
        }
    }

    /// Whether the video can be finished without another message.
    pub(super) const fn is_paid(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Rendering(_))
    }

    /// Whether nothing is left to do, or can be.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed)
    }
}

/// The JSON form of a progress.
#[derive(Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
enum ProgressForm<'a> {
    SessionOpened { session_id: &'a SessionId },
    Uploading,
    Uploaded,
    Sending { session_id: &'a SessionId },
    Sent { session_id: &'a SessionId },
    Agent(&'a TurnEvent),
    Submitting { render_id: &'a RenderId },
    Rendering { percent: Option<f32> },
    PollMissed { reason: &'a str },
    Downloading { bytes: u64, total: Option<u64> },
    FileDone { path: String, is_written: bool },
    Finished(VideoForm<'a>),
}

#[derive(Serialize)]
struct VideoForm<'a> {
    path: String,
    bytes: u64,
    seconds: f64,
    text: Option<&'a str>,
    spent: Option<Credits>,
    subtitles: Option<String>,
    poster: Option<String>,
    missed: Vec<MissedForm<'a>>,
}

#[derive(Serialize)]
struct MissedForm<'a> {
    path: String,
    reason: &'a str,
}

/// Paths that are not Unicode can be shown as well.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Serialize for JobProgress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::SessionOpened(session) => {
                ProgressForm::SessionOpened { session_id: &session.session_id }
            }
            Self::Uploading => ProgressForm::Uploading,
            Self::Uploaded => ProgressForm::Uploaded,
            Self::Sending(pending) => ProgressForm::Sending { session_id: &pending.session_id },
            Self::Sent(pending) => ProgressForm::Sent { session_id: &pending.session_id },
            Self::Turn(event) => ProgressForm::Agent(event),
            Self::Submitting(job) => ProgressForm::Submitting { render_id: &job.id },
            Self::Rendering { percent } => ProgressForm::Rendering { percent: *percent },
            Self::PollMissed { reason } => ProgressForm::PollMissed { reason },
            Self::Downloading { bytes, total } => {
                ProgressForm::Downloading { bytes: *bytes, total: *total }
            }
            Self::FileDone { path, is_written } => {
                ProgressForm::FileDone { path: shown(path), is_written: *is_written }
            }
            Self::Finished(video) => ProgressForm::Finished(VideoForm::of(video)),
        };
        form.serialize(serializer)
    }
}

impl<'a> VideoForm<'a> {
    fn of(video: &'a SavedVideo) -> Self {
        let path = |path: &Option<PathBuf>| path.as_deref().map(shown);
        Self {
            path: shown(&video.path),
            bytes: video.bytes,
            seconds: video.video.duration.unwrap_or_else(|| video.draft.duration()).as_secs_f64(),
            text: video.report.as_ref().map(|report| report.text.as_str()),
            spent: video.report.as_ref().and_then(|report| report.spent),
            subtitles: path(&video.subtitles),
            poster: path(&video.poster),
            missed: video
                .missed
                .iter()
                .map(|file| MissedForm { path: shown(&file.path), reason: &file.reason })
                .collect(),
        }
    }
}

/// The JSON form of an event of a turn.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventForm<'a> {
    Text { text: &'a str },
    Suggestion { text: String },
    ToolStarted { name: &'a str },
    ToolFinished { name: &'a str },
    Question { question: &'a Question },
    RawClipReady,
    PostProductionDone,
    StillWorking { elapsed_seconds: f64, next_poll_seconds: Option<f64> },
    Recovering { reason: &'a str },
    Failed { message: &'a str },
    Finished { text: String, spent: Option<Credits> },
}

impl Serialize for TurnEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::Text(text) => EventForm::Text { text },
            Self::Suggestion(suggestion) => {
                EventForm::Suggestion { text: messages::suggestion(suggestion, Language::English) }
            }
            Self::ToolStarted { name } => EventForm::ToolStarted { name },
            Self::ToolFinished { name } => EventForm::ToolFinished { name },
            Self::Question(question) => EventForm::Question { question },
            Self::RawClipReady => EventForm::RawClipReady,
            Self::PostProductionDone => EventForm::PostProductionDone,
            Self::StillWorking { elapsed, next_poll } => EventForm::StillWorking {
                elapsed_seconds: elapsed.as_secs_f64(),
                next_poll_seconds: next_poll.as_ref().map(Duration::as_secs_f64),
            },
            Self::Recovering { what } => EventForm::Recovering { reason: what },
            Self::Failed { message } => EventForm::Failed { message },
            Self::Finished(report) => {
                EventForm::Finished { text: report.summary(), spent: report.spent }
            }
        };
        form.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::client::RenderedVideo;
    use crate::error::{Interrupted, Interruption};
    use crate::project::MissedFile;
    use crate::protocol::{RenderOutput, SessionState};

    fn pending() -> Box<PendingTurn> {
        let (sent_at, baseline) = (SystemTime::UNIX_EPOCH, SessionState::default());
        let (session_id, text) = ("s".into(), "so far".to_owned());
        Box::new(PendingTurn { session_id, sent_at, baseline, text })
    }

    fn job() -> Box<RenderJob> {
        let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().unwrap();
        let mut job = RenderJob::new("s".into(), draft, RenderOutput::mp4());
        job.id = RenderId::from("r");
        Box::new(job)
    }

    fn video() -> Box<SavedVideo> {
        let video = r#"{"id":"r","url":"https://x.test/secret?sig=1","duration":null,"size":9}"#;
        let video: RenderedVideo = serde_json::from_str(video).unwrap();
        Box::new(SavedVideo {
            path: "a.mp4".into(),
            bytes: 9,
            video,
            draft: job().draft,
            report: None,
            subtitles: Some("a.srt".into()),
            poster: None,
            missed: vec![MissedFile { path: "a.png".into(), reason: "no".to_owned() }],
        })
    }

    /// The order of a job, with the form of each.
    fn all() -> Vec<(JobProgress, &'static str)> {
        use JobProgress::*;
        let turn = Turn;
        vec![
            (
                SessionOpened(Session::new("t", "s")),
                r#"{"stage":"session_opened","session_id":"s"}"#,
            ),
            (Uploading, r#"{"stage":"uploading"}"#),
            (Uploaded, r#"{"stage":"uploaded"}"#),
            (Sending(pending()), r#"{"stage":"sending","session_id":"s"}"#),
            (Sent(pending()), r#"{"stage":"sent","session_id":"s"}"#),
            (
                turn(TurnEvent::Text("Hi.".to_owned())),
                r#"{"stage":"agent","event":"text","text":"Hi."}"#,
            ),
            (
                turn(TurnEvent::StillWorking {
                    elapsed: Duration::from_millis(1500),
                    next_poll: Some(Duration::from_secs(2)),
                }),
                r#"{"stage":"agent","event":"still_working","elapsed_seconds":1.5,"next_poll_seconds":2.0}"#,
            ),
            (turn(TurnEvent::RawClipReady), r#"{"stage":"agent","event":"raw_clip_ready"}"#),
            (
                turn(TurnEvent::PostProductionDone),
                r#"{"stage":"agent","event":"post_production_done"}"#,
            ),
            (Submitting(job()), r#"{"stage":"submitting","render_id":"r"}"#),
            (Rendering { percent: None }, r#"{"stage":"rendering","percent":null}"#),
            (Rendering { percent: Some(41.5) }, r#"{"stage":"rendering","percent":41.5}"#),
            (
                PollMissed { reason: "lost".to_owned() },
                r#"{"stage":"poll_missed","reason":"lost"}"#,
            ),
            (
                Downloading { bytes: 3, total: Some(9) },
                r#"{"stage":"downloading","bytes":3,"total":9}"#,
            ),
            (
                FileDone { path: "a.srt".into(), is_written: true },
                r#"{"stage":"file_done","path":"a.srt","is_written":true}"#,
            ),
            (
                Finished(video()),
                concat!(
                    r#"{"stage":"finished","path":"a.mp4","bytes":9,"seconds":1.0,"text":null,"#,
                    r#""spent":null,"subtitles":"a.srt","poster":null,"#,
                    r#""missed":[{"path":"a.png","reason":"no"}]}"#
                ),
            ),
        ]
    }

    #[test]
    fn each_progress_has_its_json_and_the_percent_grows() {
        let mut last = 0.0;
        for (progress, form) in all() {
            assert_eq!(serde_json::to_string(&progress).unwrap(), form);
            let percent = progress.percent().unwrap_or(last);
            assert!(percent >= last && percent <= 100.0, "{form}: {percent} after {last}");
            last = percent;
        }
        assert_eq!(last, 100.0);
        for odd in [f32::NAN, f32::INFINITY, -1.0, 1e9] {
            let percent = JobProgress::Rendering { percent: Some(odd) }.percent();
            assert!(percent.is_none_or(|percent| (50.0..=90.0).contains(&percent)), "{odd}");
        }
    }

    #[test]
    fn a_stage_round_trips_and_an_older_one_is_read() {
        for stage in all().iter().filter_map(|(progress, _)| progress.stage()) {
            let json = serde_json::to_string(&stage).unwrap();
            assert_eq!(serde_json::from_str::<JobStage>(&json).unwrap(), stage, "{json}");
        }
        let old = r#"{"finished":{"path":"a.mp4","bytes":9}}"#;
        assert_eq!(
            serde_json::from_str::<JobStage>(old).unwrap(),
            JobProgress::Finished(video()).stage().unwrap()
        );
    }

    #[test]
    fn an_interrupted_job_continues_where_it_ended() {
        let ended = |pending, job| {
            let why = Interruption::Deadline;
            let interrupted = Interrupted { pending, job, ..Interrupted::before_any_charge(why) };
            let error = Error::Interrupted(Box::new(interrupted));
            (JobStage::after(&error).unwrap(), error)
        };
        let (stage, error) = ended(None, None);
        assert!(stage == JobStage::Waiting && !error.may_have_taken_effect(), "{error}");
        let (stage, error) = ended(Some(pending()), None);
        assert!(stage == JobStage::Message(pending()) && error.may_have_taken_effect(), "{error}");
        let (stage, error) = ended(None, Some(job()));
        assert!(stage == JobStage::Rendering(job()) && error.render_job().is_some(), "{error}");
        assert_eq!(JobStage::after(&Error::Busy), None);
    }
}
