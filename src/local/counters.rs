//! How many times each effect really happened: one counter, raised in one place, for each.

use std::sync::atomic::{AtomicU64, Ordering};

use super::route::Route;
use crate::protocol::Credits;

/// What the embedded backend has really done since it started.
///
/// A call that was refused has done nothing; a message whose caller hung up has, because its work
/// was done and charged. Requests are counted whatever became of them.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use nemovideo::local::Route;
///
/// client.upload_bytes(id, "script.txt", "Good morning.").await?;
/// let counters = backend.counters();
/// assert_eq!((counters.sessions_created, counters.uploads_taken), (1, 1));
/// assert_eq!(counters.requests(Route::Upload), 1);
/// assert_eq!(counters.all_requests(), 3); // the token, the session, the upload
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Anonymous tokens handed out.
    pub tokens_issued: u64,
    /// Sessions opened.
    pub sessions_created: u64,
    /// Messages that reached the agent.
    pub messages_run: u64,
    /// Renders taken in; a repeated submit of one id counts once.
    pub renders_started: u64,
    /// Renders that have a film.
    pub renders_finished: u64,
    /// Files stored from uploads, by body or by address.
    pub uploads_taken: u64,
    /// Answers that set out to carry a file, the whole or a range of it.
    pub files_served: u64,
    /// Credits taken from all accounts together.
    pub credits_taken: Credits,
    /// Connections accepted, those that were dropped at once included.
    pub connections: u64,
    pub(super) requests: [u64; Route::ALL.len()],
}

impl Counters {
    /// Requests of a route that came in, whatever became of them: one is counted when its headers
    /// are read.
    #[must_use]
    pub const fn requests(&self, route: Route) -> u64 {
        self.requests[route as usize]
    }

    /// Requests of all routes together.
    #[must_use]
    pub fn all_requests(&self) -> u64 {
        self.requests.iter().sum()
    }
}

/// The live numbers; the credits are counted by the [ledgers](super::ledger).
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) tokens_issued: Count,
    pub(super) sessions_created: Count,
    pub(super) messages_run: Count,
    pub(super) renders_started: Count,
    pub(super) renders_finished: Count,
    pub(super) uploads_taken: Count,
    pub(super) files_served: Count,
    pub(super) requests: [Count; Route::ALL.len()],
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
