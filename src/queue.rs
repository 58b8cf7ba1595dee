//! Voiceovers in a queue that survives its processes: feature `queue`.
//!
//! A [`VoiceoverTask`] is pushed once, and made by a [worker](Queue::worker) of any process. The queue
//! is one file of SQLite, or a PostgreSQL that many machines share. Scheduling, leases and deliveries
//! are those of [apalis](https://docs.rs/apalis); its tools show the deliveries.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let (url, out) = (format!("sqlite:{}", dir.path().join("tasks.db").display()), dir.path().join("order.mp4"));
//! # let backend = nemovideo::local::LocalBackend::builder().placeholder_videos().start().await?;
//! # let client = backend.client();
//! use futures::TryStreamExt as _;
//! use nemovideo::queue::{Queue, TaskState, VoiceoverTask};
//!
//! let queue = Queue::open(&url).await?; // sqlite:tasks.db, or postgres://…
//! let voiceover = client.voiceover("Good morning.").save_to(&out);
//! queue.push(&VoiceoverTask::new("order-1042", &voiceover)?).await?;
//!
//! // In this process or another one, on this machine or another one:
//! let worker = queue.worker().account("default", client);
//! let mut records = Vec::new();
//! worker.run_until(async {
//!     // Each change of the task, until it has ended.
//!     records = queue.follow("order-1042").try_collect().await.unwrap();
//! }).await?;
//! assert_eq!(records.last().unwrap().state, TaskState::Done);
//! assert!(out.exists());
//! # Ok(()) }
//! ```
//!
//! # What holds, whenever a process ends
//!
//! - **Nothing is charged twice.** The stage of a task is in its row before a message or a render is
//!   sent. A worker that continues it observes the message and does not send it again; a render is
//!   looked up by its id. The row is changed only under the number of the attempt, so a worker whose
//!   task was taken over, because it stood still for longer than its lease, stops before it spends.
//!   Between the change of the row and the request is the time of one system call; a worker that stands
//!   still right there sends its message when it goes on. It is the only one that does, unless a person
//!   [restarts](Queue::restart) the task meanwhile.
//! - **Nothing is lost.** A task and its delivery are one transaction. The task of a worker that died
//!   is given to another one after the lease.
//! - **What cannot be known is not guessed.** A task whose message may have been done, while the state
//!   of the session does not show it, is [`Unknown`](TaskState::Unknown), for a person to decide.
//!
//! A response 429 has all workers of the account wait, not only the one that received it.
//!
//! # Requirements
//! Rust 1.94. PostgreSQL 13 or later, with the extensions `hstore` and `pgcrypto`, which apalis creates:
//! a user that may not create extensions needs them created before.

mod attempt;
mod drain;
mod error;
mod store;
mod task;
mod worker;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::Stream;

use crate::project::JobStage;
use store::Store;

pub use error::QueueError;
pub use task::{TaskRecord, TaskState, VoiceoverTask};
pub use worker::QueueWorker;

/// How often a follower looks.
const FOLLOW: Duration = Duration::from_secs(1);
/// The tasks that are read at once for a list.
const PAGE: i64 = 500;

/// A queue of voiceovers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    store: Store,
}

impl Queue {
    /// Opens the queue in a database, and creates its tables where they are missing: `sqlite:tasks.db`
    /// for a file, which is created, or `postgres://user:password@host/database`.
    ///
    /// # Errors
    /// [`QueueError::InvalidUrl`] for another URL; [`QueueError::Store`] if the database cannot be
    /// reached or its tables cannot be created.
    pub async fn open(url: &str) -> Result<Self, QueueError> {
        Ok(Self { store: Store::open(url).await? })
    }

    /// Adds a task. Returns whether it is new: one whose key is known changes nothing.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    ///
    /// # Cancel safety
    /// The task may have been added; it can be pushed again.
    pub async fn push(&self, task: &VoiceoverTask) -> Result<bool, QueueError> {
        Ok(self.store.push(task).await?)
    }

    /// Returns a task; `None` if the queue has none with this key.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub async fn get(&self, key: &str) -> Result<Option<TaskRecord>, QueueError> {
        Ok(self.store.get(key).await?)
    }

    /// Returns the tasks in a state, or all of them, sorted by key.
    ///
    /// # Errors
    /// The stream ends after [`QueueError::Store`].
    pub fn list(
        &self,
        state: Option<TaskState>,
    ) -> impl Stream<Item = Result<TaskRecord, QueueError>> + Send + 'static {
        let store = self.store.clone();
        Box::pin(async_stream::try_stream! {
            let mut after = String::new();
            loop {
                let page = store.list(state, &after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.key);
                for task in page {
                    yield task;
                }
            }
        })
    }

    /// Returns how many tasks are in each state.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub async fn counts(&self) -> Result<BTreeMap<TaskState, u64>, QueueError> {
        let mut counts = BTreeMap::from(TaskState::ALL.map(|state| (state, 0)));
        for (state, count) in self.store.counts().await? {
            if let Ok(state) = state.parse() {
                counts.insert(state, count.unsigned_abs());
            }
        }
        Ok(counts)
    }

    /// Follows a task from any process: its record at once, then whenever it has changed, until it is
    /// in a final state. It is read once a second.
    ///
    /// # Errors
    /// The stream ends after [`QueueError::UnknownTask`] and [`QueueError::Store`].
    pub fn follow(
        &self,
        key: impl Into<String>,
    ) -> impl Stream<Item = Result<TaskRecord, QueueError>> + Send + 'static {
        let (store, key) = (self.store.clone(), key.into());
        Box::pin(async_stream::try_stream! {
            let mut last = None;
            loop {
                let task = store.get(&key).await?;
                let task = task.ok_or_else(|| QueueError::UnknownTask { key: key.clone() })?;
                let is_final = task.state.is_final();
                if last.as_ref() != Some(&task) {
                    last = Some(task.clone());
                    yield task;
                }
                if is_final {
                    break;
                }
                tokio::time::sleep(FOLLOW).await;
            }
        })
    }

    /// Cancels a task. One in progress ends within seconds, and as if its program had
    /// [cancelled](crate::project::Voiceover::cancel_with) it: what was requested from the service is
    /// done, and charged, all the same. Returns false for a task that has ended or is unknown.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub async fn cancel(&self, key: &str) -> Result<bool, QueueError> {
        Ok(self.store.cancel(key).await?)
    }

    /// Continues a task that is failed, unknown or cancelled, from the stage that it had reached. A
    /// message that may have been sent is not sent again, so nothing is charged again. Returns false
    /// for a task in another state, and for one that is unknown to the queue.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub async fn retry(&self, key: &str) -> Result<bool, QueueError> {
        Ok(self.store.revive(key, None).await?)
    }

    /// Makes a task that is failed, unknown or cancelled from its beginning: its message is sent again,
    /// which **may be charged again**. Returns false as [`retry`](Self::retry) does.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub async fn restart(&self, key: &str) -> Result<bool, QueueError> {
        Ok(self.store.revive(key, Some(&JobStage::Waiting)).await?)
    }

    /// Sets how many tasks of an account may be in progress at once, in all processes together;
    /// `None`, the default, for as many as the workers take. Workers heed it within five seconds.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub async fn limit(&self, account: &str, at_once: Option<u32>) -> Result<(), QueueError> {
        Ok(self.store.limit(account, at_once.map(i64::from)).await?)
    }

    /// Removes the tasks that have been done, failed or cancelled for so long, with their deliveries.
    /// Returns how many. Their keys can be used again.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub async fn remove_finished(&self, older_than: Duration) -> Result<u64, QueueError> {
        Ok(self.store.remove_finished(older_than).await?)
    }

    /// Returns a worker for this queue, to be run in this process.
    pub fn worker(&self) -> QueueWorker {
        QueueWorker::new(self.store.clone())
    }
}
