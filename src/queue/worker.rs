//! A worker: for each of its accounts a worker of apalis, which hands it the deliveries.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use apalis::prelude::{
    BackendExt as _, Strategy, WorkerBuilder, WorkerBuilderExt as _, WorkerError,
};
use apalis_postgres::{PostgresStorage, Pubsub};
use apalis_sqlite::SqliteStorage;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

use super::attempt::{Attempt, AttemptSettings};
use super::drain::Drain;
use super::error::{QueueError, StoreError};
use super::store::{AccountRow, Claim, Delivery, Pool, Store, queue_of};
use crate::client::NemoClient;
use crate::protocol::ErrorCode;
use crate::sync::lock;

/// How often a worker that has nothing to do looks for a task. PostgreSQL tells it of a new one at
/// once; this finds those that another worker left, and those that are due only now.
const IDLE_POLL: Duration = Duration::from_secs(5);
/// How long a worker relies on what it read of an account: its limit, and how long it has to wait.
const ACCOUNT_LIFETIME: Duration = Duration::from_secs(5);
/// How often a worker tries to take a task while its account is at its limit.
const LIMIT_POLL: Duration = Duration::from_secs(1);
/// The heartbeats in a lease.
const BEATS: u32 = 4;
/// The pause after an error of the database, before a worker of apalis begins anew.
const RESTART: Duration = Duration::from_secs(1);
/// The shortest lease: apalis counts it in whole seconds, and a heartbeat takes one.
const MIN_LEASE: Duration = Duration::from_secs(4);

/// A worker, created by [`Queue::worker`](super::Queue::worker). Any number of processes, on any
/// number of machines, may run one for the same queue.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use nemovideo::{NemoClient, queue::Queue};
///
/// let queue = Queue::open("postgres://localhost/videos").await?;
/// let worker = queue.worker().account("default", NemoClient::builder().build()?).at_once(4);
/// let interrupted = async { drop(tokio::signal::ctrl_c().await) };
/// worker.run_until(interrupted).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a worker works once it is run"]
pub struct QueueWorker {
    store: Store,
    accounts: Vec<(String, NemoClient)>,
    at_once: usize,
    lease: Duration,
    grace: Duration,
    max_failures: u32,
}

impl QueueWorker {
    pub(super) const fn new(store: Store) -> Self {
        Self {
            store,
            accounts: Vec::new(),
            at_once: 4,
            lease: Duration::from_secs(60),
            grace: Duration::from_secs(60),
            max_failures: 8,
        }
    }

    /// Adds an account with its client, or replaces its client. Tasks of accounts that no worker has
    /// wait.
    pub fn account(mut self, account: impl Into<String>, client: NemoClient) -> Self {
        let account = account.into();
        self.accounts.retain(|(other, _)| *other != account);
        self.accounts.push((account, client));
        self
    }

    /// Sets how many videos of each account this worker makes at the same time. The default is 4.
    /// [`Queue::limit`](super::Queue::limit) sets how many all workers together make. Zero is one.
    pub fn at_once(mut self, count: usize) -> Self {
        self.at_once = count.max(1);
        self
    }

    /// Sets after how long without a heartbeat a worker is taken for dead, and its tasks are taken
    /// over. The default is a minute, and 4 s are the least. A worker that lives all the same, whose
    /// machine stood still for so long, stops before the next step that may be charged.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(MIN_LEASE);
        self
    }

    /// Sets how long the videos in progress may go on when the worker is to end, also longer than the
    /// [lease](Self::lease). Then they return to the queue at the stage that they have reached, and
    /// another worker continues them. The default is a minute.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how often a task may fail in a way that passes, or its worker may die, before it is
    /// [`Failed`](super::TaskState::Failed), or [`Unknown`](super::TaskState::Unknown) if its message may have
    /// been sent. The default is 8, with pauses from 2 s to 5 min.
    pub fn max_failures(mut self, count: u32) -> Self {
        self.max_failures = count;
        self
    }

    /// Works until `shutdown` is ready, then ends gracefully: it takes no more tasks, and those in
    /// progress have the [grace](Self::grace).
    ///
    /// While the database cannot be reached, it tries again each second.
    ///
    /// # Errors
    /// [`QueueError::NoAccount`] for a worker without an account.
    ///
    /// # Cancel safety
    /// If the future is dropped, the work ends at once, as if the process had died: its tasks are
    /// taken over after the lease.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> Result<(), QueueError> {
        if self.accounts.is_empty() {
            return Err(QueueError::NoAccount);
        }
        let (stop, ending) = (CancellationToken::new(), CancellationToken::new());
        let mut accounts = JoinSet::new();
        for (account, client) in &self.accounts {
            accounts.spawn(serve(AccountWorker::new(&self, account, client, &stop, &ending)));
        }
        tokio::select! {
            () = shutdown => {}
            // They end only by a panic.
            _ = accounts.join_next() => {}
        }
        stop.cancel();
        let grace = tokio::time::timeout(self.grace, async {
            while accounts.join_next().await.is_some() {}
        });
        if grace.await.is_err() {
            ending.cancel();
            while accounts.join_next().await.is_some() {}
        }
        Ok(())
    }
}

/// What works for one account, in one process.
pub(super) struct AccountWorker {
    pub(super) store: Store,
    pub(super) account: String,
    pub(super) client: NemoClient,
    pub(super) settings: AttemptSettings,
    at_once: usize,
    heartbeat: Duration,
    /// Set when no more tasks are taken.
    stop: CancellationToken,
    /// Set when those in progress are to end as well.
    pub(super) ending: CancellationToken,
    /// Locked while a task is being taken: one waits for the account, not all of them.
    claiming: tokio::sync::Mutex<Option<(Instant, AccountRow)>>,
    /// The name of the current worker of apalis.
    name: Mutex<String>,
}

impl AccountWorker {
    fn new(
        worker: &QueueWorker,
        account: &str,
        client: &NemoClient,
        stop: &CancellationToken,
        ending: &CancellationToken,
    ) -> Arc<Self> {
        let (store, paused) = (worker.store.clone(), account.to_owned());
        // A rate limit that one worker meets holds for all of them.
        let client = client.observed_by(move |event| {
            let is_limited = event.status() == Some(429)
                || event.error.and_then(crate::error::Error::code) == Some(ErrorCode::RateLimited);
            if is_limited && let Ok(runtime) = tokio::runtime::Handle::try_current() {
                let pause = event.response.and_then(|response| response.retry_after);
                let pause = pause.unwrap_or(Duration::from_secs(1));
                let (store, account) = (store.clone(), paused.clone());
                runtime.spawn(async move {
                    if let Err(error) = store.pause(&account, pause).await {
                        tracing::warn!(account, %error, "the pause of an account was not stored");
                    }
                });
            }
        });
        Arc::new(Self {
            store: worker.store.clone(),
            account: account.to_owned(),
            client,
            settings: AttemptSettings { lease: worker.lease, max_failures: worker.max_failures },
            at_once: worker.at_once,
            heartbeat: worker.lease / BEATS,
            stop: stop.clone(),
            ending: ending.clone(),
            claiming: tokio::sync::Mutex::default(),
            name: Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> String {
        lock(&self.name).clone()
    }

    /// Works with one worker of apalis until it is stopped, or the database fails.
    async fn work(self: &Arc<Self>) -> Result<(), WorkerError> {
        // A name of its own each time: what an earlier one has taken is given again after the lease.
        let name = format!("{}-{}", std::process::id(), Uuid::new_v4().simple());
        name.clone_into(&mut lock(&self.name));
        let this = Arc::clone(self);
        let tasks = TaskTracker::new();
        let spawner = tasks.clone();
        let deliver = move |delivery: Delivery| {
            let (this, spawner) = (Arc::clone(&this), spawner.clone());
            // On a task of its own, since what wakes this one looks for another delivery. It ends
            // with the worker of apalis, whose deliveries are given to another one then.
            async move {
                let taken = AbortOnDropHandle::new(spawner.spawn(this.take(delivery))).await;
                taken.unwrap_or_else(|panic| Err(StoreError::new(panic)))
            }
        };
        let stop = self.stop.clone();
        let end = async move {
            stop.cancelled().await;
            tasks.close();
            tasks.wait().await;
            Ok::<_, WorkerError>(())
        };
        let queue = queue_of(&self.account);
        // A worker asks for one task at a time, so that none waits for it while another one is idle.
        // Deliveries are not locked a second time when they begin: the row of the task is.
        macro_rules! run {
            ($backend:expr) => {
                WorkerBuilder::new(name.as_str())
                    .backend(Drain::new($backend, self.stop.clone()))
                    .concurrency(self.at_once)
                    .build(deliver)
                    .run_until(end)
                    .await
            };
        }
        match &self.store.pool {
            Pool::Sqlite(pool) => {
                let config = apalis_sqlite::Config::default()
                    .queue(queue)
                    .batch_size(1)
                    .heartbeat_interval(self.heartbeat)
                    .missed_heartbeats(BEATS as usize)
                    .lock_tasks(false);
                let storage = SqliteStorage::<Delivery>::new(pool).with_config(config);
                run!(storage.poll_with_interval(IDLE_POLL))
            }
            Pool::Postgres(pool) => {
                let config = apalis_postgres::Config::default()
                    .queue(&queue)
                    .batch_size(1)
                    .heartbeat_interval(self.heartbeat)
                    .missed_heartbeats(BEATS as usize)
                    .lock_tasks(false);
                let storage = PostgresStorage::<Delivery>::new(pool).with_config(config);
                // The interval first: a connection for notifications that is closed is always ready.
                let news = Pubsub::new(pool.clone(), queue);
                let strategy = Strategy::new().interval(IDLE_POLL).stream(news);
                run!(storage.poll_with_strategy(strategy))
            }
        }
    }

    /// Takes the task of a delivery, and works on it until the attempt ends.
    async fn take(self: Arc<Self>, delivery: Delivery) -> Result<(), StoreError> {
        let result = self.try_take(&delivery).await;
        if let Err(error) = &result {
            tracing::warn!(key = delivery.key, error = %source_of(error), "a task goes back to the queue");
            // apalis gives it again at once.
            tokio::time::sleep(RESTART).await;
        }
        result
    }

    async fn try_take(self: &Arc<Self>, delivery: &Delivery) -> Result<(), StoreError> {
        let claimed = {
            let mut known = self.claiming.lock().await;
            loop {
                let account = match *known {
                    Some((read, account)) if read.elapsed() < ACCOUNT_LIFETIME => account,
                    _ => {
                        let account = self.store.account(&self.account).await?;
                        *known = Some((Instant::now(), account));
                        account
                    }
                };
                let wait = account.pause();
                let wait = if wait.is_zero() {
                    let (name, limit) = (self.name(), account.at_once);
                    match self.store.claim(delivery, &name, &self.account, limit).await? {
                        Claim::Taken(claimed) => break claimed,
                        Claim::Stale => return Ok(()),
                        Claim::AtLimit => LIMIT_POLL,
                    }
                } else {
                    wait
                };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.stop.cancelled() => {
                        return Err(StoreError::new(io::Error::other("the worker ends")));
                    }
                }
            }
        };
        Attempt::new(Arc::clone(self), delivery.key.clone(), claimed).run().await
    }
}

async fn serve(worker: Arc<AccountWorker>) {
    while !worker.stop.is_cancelled() {
        match worker.work().await {
            Ok(()) if worker.stop.is_cancelled() => break,
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(account = worker.account, %error, "the queue cannot be reached");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RESTART) => {}
            () = worker.stop.cancelled() => {}
        }
    }
}

/// Returns an error with its causes.
pub(super) fn source_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Debug for AccountWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountWorker").field("account", &self.account).finish_non_exhaustive()
    }
}
