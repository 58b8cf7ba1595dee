//! Why a queue could not do something.

use crate::error::Error;

/// Why a queue could not do something. Each text says what to do, or what failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The URL of the database is none that a queue can use. The URL is not repeated: it may hold a
    /// password.
    #[error("the URL of the queue cannot be used: {why}")]
    InvalidUrl {
        /// What is wrong with it.
        why: String,
    },
    /// The database failed, or what is in it cannot be read.
    #[error("the database of the queue failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The worker has no account to work for.
    #[error("a worker needs at least one account")]
    NoAccount,
    /// No task has this key.
    #[error("the queue has no task {key:?}")]
    UnknownTask {
        /// The key.
        key: String,
    },
    /// The voiceover cannot be queued.
    #[error(transparent)]
    Voiceover(#[from] Error),
}

/// An error of the database or of what is in it. It keeps the types of `sqlx` out of the public API.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct StoreError(Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    pub(super) fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::new(error)
    }
}

impl From<StoreError> for QueueError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.0)
    }
}
