//! A voiceover in the queue, and what its row says of it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::project::{QueuedVoiceover, Voiceover};

/// The account of tasks for which none is named.
pub(super) const DEFAULT_ACCOUNT: &str = "default";
/// The longest key, in bytes.
const MAX_KEY: usize = 500;

/// A voiceover to be made by any worker: the script, the options, where the video goes, and a key of
/// the caller's own that makes it unique.
///
/// It holds what [`Voiceover`] has checked. The client of the voiceover makes no request for it, and
/// its credentials are not stored: each worker has the client of the [account](Self::account).
///
/// The paths of files become absolute. The workers read and write them, so on several machines they
/// are in a directory that all of them share.
#[derive(Clone, Debug)]
#[must_use = "a task is made once it is pushed"]
pub struct VoiceoverTask {
    pub(super) key: String,
    pub(super) account: String,
    pub(super) voiceover: QueuedVoiceover,
}

impl VoiceoverTask {
    /// Creates a task with a key, such as the number of an order. A task with a key that the queue
    /// knows is not made again.
    ///
    /// Of the voiceover, its [handle](Voiceover::handle), its [token](Voiceover::cancel_with) and
    /// its [progress function](Voiceover::on_progress) stay behind; its
    /// [deadline](Voiceover::deadline) counts anew for each worker that takes the task.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an empty key, one of more than 500 bytes or with a NUL, for paths that
    /// are not in Unicode, for an image in memory, and for what is wrong with the voiceover;
    /// [`Error::Io`] for a file of it that cannot be read.
    pub fn new(key: impl Into<String>, voiceover: &Voiceover) -> Result<Self> {
        let key = key.into();
        if key.is_empty() || key.len() > MAX_KEY || key.contains('\0') {
            let what = format!("the key of a task has 1 to {MAX_KEY} bytes, none of them NUL");
            return Err(Error::InvalidInput(what));
        }
        let voiceover = QueuedVoiceover::of(voiceover)?;
        Ok(Self { key, account: DEFAULT_ACCOUNT.to_owned(), voiceover })
    }

    /// Sets the account that pays for it: the name under which the workers know their client. The
    /// default is `default`.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the path of the video.
    #[must_use]
    pub fn save_to(&self) -> &Path {
        self.voiceover.save_to()
    }
}

/// The state of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TaskState {
    /// It waits for a worker, also for another attempt after an error that passes.
    Queued,
    /// A worker has it, or had it when it died; another one takes it over after the lease.
    Running,
    /// The video is there.
    Done,
    /// It ended with an error. [`Queue::retry`](super::Queue::retry) continues it.
    Failed,
    /// Its message may have been done and charged, and the state of the session does not show it. A
    /// person decides: [`Queue::retry`](super::Queue::retry) looks again and sends nothing,
    /// [`Queue::restart`](super::Queue::restart) sends the message again, which may be charged again.
    Unknown,
    /// It was [cancelled](super::Queue::cancel).
    Cancelled,
}

impl TaskState {
    /// Every state, in the order in which tasks reach them.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Unknown, Self::Cancelled];

    /// Returns the name, `queued`, as it stands in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether no worker works on it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TaskState {
    type Err = Error;

    /// Reads a name.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for another word.
    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|state| state.name() == name);
        known.ok_or_else(|| Error::InvalidInput(format!("{name:?} is no state of a task")))
    }
}

/// What the queue knows of a task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TaskRecord {
    /// The key.
    pub key: String,
    /// The account.
    pub account: String,
    /// The state.
    pub state: TaskState,
    /// The number of times that a worker has taken it, or a person has had it tried again.
    pub attempt: u64,
    /// The worker that has taken it last.
    pub worker: Option<String>,
    /// How much of it is done, from 0 to 100.
    pub percent: f32,
    /// The last progress in the form of [`JobProgress`](crate::project::JobProgress). That of a task
    /// that is done has the `path`, the `bytes`, the `seconds` and the `spent` credits of the video.
    pub progress: Option<Value>,
    /// Why it ended, or is tried again, for people.
    pub error: Option<String>,
    /// The earliest time of the next attempt, after an error that passes.
    pub not_before: Option<SystemTime>,
    /// When it was pushed.
    pub created_at: SystemTime,
    /// When the record changed last.
    pub updated_at: SystemTime,
}

/// A row of the table, as SQL returns it.
#[derive(sqlx::FromRow)]
pub(super) struct TaskRow {
    key: String,
    account: String,
    state: String,
    attempt: i64,
    worker: Option<String>,
    percent: f64,
    progress: Option<String>,
    error: Option<String>,
    not_before: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TaskRow {
    pub(super) fn into_record(self) -> TaskRecord {
        TaskRecord {
            key: self.key,
            account: self.account,
            // A state of a later version is none that this one may touch.
            state: self.state.parse().unwrap_or(TaskState::Unknown),
            attempt: self.attempt.unsigned_abs(),
            worker: self.worker,
            percent: self.percent as f32,
            progress: self.progress.and_then(|json| serde_json::from_str(&json).ok()),
            error: self.error,
            not_before: self.not_before.map(time_of),
            created_at: time_of(self.created_at),
            updated_at: time_of(self.updated_at),
        }
    }
}

/// Returns a time in milliseconds since 1970, as it is stored.
pub(super) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn time_of(millis: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs())
}
