//! The tables of the queue, in SQLite and in PostgreSQL: every statement of this crate is here.
//!
//! A row of `nemovideo_tasks` is the truth about a task; a job of apalis is its delivery to a worker.
//! Both change in one transaction. A delivery that its row does not expect does nothing, and what a
//! worker writes has no effect once another one has taken the task: its attempt has another number.

use std::time::{Duration, SystemTime};

use apalis::prelude::{Task, TaskBuilder};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::error::{QueueError, StoreError};
use super::task::{TaskRecord, TaskRow, TaskState, VoiceoverTask, millis};
use crate::project::JobStage;

/// How long a statement waits for another process that writes to the same SQLite file.
const BUSY: Duration = Duration::from_secs(30);

/// The connections of a process to PostgreSQL, which has a hundred by default. One is for
/// notifications.
const CONNECTIONS: u32 = 5;
/// How often the tables are to be created, and the pause between.
const SETUP_ATTEMPTS: u32 = 5;
const SETUP_PAUSE: Duration = Duration::from_millis(300);

/// The tables, in the SQL that both databases understand.
const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS nemovideo_tasks (
        key TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'queued',
        delivery BIGINT NOT NULL DEFAULT 1,
        attempt BIGINT NOT NULL DEFAULT 0,
        failures BIGINT NOT NULL DEFAULT 0,
        cancel BIGINT NOT NULL DEFAULT 0,
        worker TEXT,
        task TEXT NOT NULL,
        stage TEXT NOT NULL,
        percent DOUBLE PRECISION NOT NULL DEFAULT 0,
        progress TEXT,
        error TEXT,
        not_before BIGINT,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL
    )",
    "CREATE INDEX IF NOT EXISTS nemovideo_tasks_by_state ON nemovideo_tasks (state, account, key)",
    "CREATE TABLE IF NOT EXISTS nemovideo_accounts (
        account TEXT PRIMARY KEY,
        at_once BIGINT,
        paused_until BIGINT NOT NULL DEFAULT 0
    )",
];

const INSERT: &str =
    "INSERT INTO nemovideo_tasks (key, account, task, stage, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (key) DO NOTHING RETURNING delivery";

/// A limit is compared with the number of the account's tasks in progress; a negative one is none.
const CLAIM: &str = "UPDATE nemovideo_tasks SET state = 'running', attempt = attempt + 1,
        failures = failures + CASE WHEN state = 'running' THEN 1 ELSE 0 END,
        worker = $3, not_before = NULL, updated_at = $4
    WHERE key = $1 AND delivery = $2 AND state IN ('queued', 'running')
        AND ($5 < 0 OR state = 'running' OR $5 > (SELECT count(*) FROM nemovideo_tasks AS others
            WHERE others.state = 'running' AND others.account = nemovideo_tasks.account))
    RETURNING task, stage, attempt, failures, cancel, account";

const IS_DUE: &str = "SELECT 1 FROM nemovideo_tasks
    WHERE key = $1 AND delivery = $2 AND state IN ('queued', 'running')";

/// Compared and set: nothing is returned, and nothing may be spent, once the attempt is another one.
const ADVANCE: &str = "UPDATE nemovideo_tasks SET stage = COALESCE($3, stage),
        percent = CASE WHEN $4 > percent THEN $4 ELSE percent END, progress = $5, updated_at = $6
    WHERE key = $1 AND attempt = $2 AND state = 'running'
    RETURNING cancel, (SELECT paused_until FROM nemovideo_accounts AS accounts
        WHERE accounts.account = nemovideo_tasks.account) AS paused_until";

const FINISH: &str = "UPDATE nemovideo_tasks SET state = $3, stage = COALESCE($4, stage),
        progress = COALESCE($5, progress), error = $6, updated_at = $7,
        percent = CASE WHEN $3 = 'done' THEN 100 ELSE percent END
    WHERE key = $1 AND attempt = $2 AND state = 'running' RETURNING delivery";

const REQUEUE: &str = "UPDATE nemovideo_tasks SET state = 'queued', delivery = delivery + 1,
        stage = $3, error = $4, failures = failures + $5, not_before = $6, updated_at = $7
    WHERE key = $1 AND attempt = $2 AND state = 'running' RETURNING delivery";

const REVIVE: &str = "UPDATE nemovideo_tasks SET state = 'queued', delivery = delivery + 1,
        attempt = attempt + 1, failures = 0, cancel = 0, error = NULL, not_before = NULL,
        stage = COALESCE($2, stage), percent = 0, progress = NULL, updated_at = $3
    WHERE key = $1 AND state IN ('failed', 'unknown', 'cancelled') RETURNING delivery, account";

const CANCEL: &str = "UPDATE nemovideo_tasks SET cancel = 1, updated_at = $2,
        state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
    WHERE key = $1 AND state IN ('queued', 'running') RETURNING state";

const GET: &str =
    "SELECT key, account, state, attempt, worker, percent, progress, error, not_before,
        created_at, updated_at
    FROM nemovideo_tasks WHERE key = $1";

const LIST: &str =
    "SELECT key, account, state, attempt, worker, percent, progress, error, not_before,
        created_at, updated_at
    FROM nemovideo_tasks WHERE ($1 = '' OR state = $1) AND key > $2 ORDER BY key LIMIT $3";

const COUNT: &str = "SELECT state, count(*) FROM nemovideo_tasks GROUP BY state";

const REMOVE: &str = "DELETE FROM nemovideo_tasks
    WHERE state IN ('done', 'failed', 'cancelled') AND updated_at < $1";

const LIMIT: &str = "INSERT INTO nemovideo_accounts (account, at_once) VALUES ($1, $2)
    ON CONFLICT (account) DO UPDATE SET at_once = excluded.at_once";

const PAUSE: &str = "INSERT INTO nemovideo_accounts (account, paused_until) VALUES ($1, $2)
    ON CONFLICT (account) DO UPDATE SET paused_until = CASE
        WHEN excluded.paused_until > nemovideo_accounts.paused_until THEN excluded.paused_until
        ELSE nemovideo_accounts.paused_until END";

const ACCOUNT: &str = "SELECT at_once, paused_until FROM nemovideo_accounts WHERE account = $1";

/// Runs the same code with either pool.
macro_rules! with_pool {
    ($store:expr, $pool:ident => $code:expr) => {
        match &$store.pool {
            Pool::Sqlite($pool) => $code,
            Pool::Postgres($pool) => $code,
        }
    };
}

/// Runs the same code in a transaction of either pool. One of SQLite writes from its beginning, so
/// that it never has to be repeated.
macro_rules! in_transaction {
    ($store:expr, $tx:ident => $code:expr) => {
        match &$store.pool {
            Pool::Sqlite(pool) => {
                let mut $tx = pool.begin_with("BEGIN IMMEDIATE").await?;
                let result = $code;
                $tx.commit().await?;
                result
            }
            Pool::Postgres(pool) => {
                let mut $tx = pool.begin().await?;
                let result = $code;
                $tx.commit().await?;
                result
            }
        }
    };
}

/// The database.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) pool: Pool,
}

#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    async fn connect(url: &str) -> Result<Self, QueueError> {
        let invalid = |why: &str| QueueError::InvalidUrl { why: why.to_owned() };
        match url.split_once(':') {
            Some(("sqlite", path)) => {
                if path.trim_start_matches("//").is_empty() || path.contains(":memory:") {
                    return Err(invalid("a queue needs a file: sqlite:tasks.db"));
                }
                let options = url.parse::<SqliteConnectOptions>();
                let options = options.map_err(|error| invalid(&error.to_string()))?;
                let options = options
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // Each commit reaches the disk: what was charged is known after a power failure.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(BUSY);
                let pool = SqlitePoolOptions::new().connect_with(options).await;
                Ok(Self::Sqlite(pool.map_err(StoreError::new)?))
            }
            Some(("postgres" | "postgresql", _)) => {
                let options = url.parse::<PgConnectOptions>();
                let options = options.map_err(|error| invalid(&error.to_string()))?;
                let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
                let pool = pool.connect_with(options).await;
                Ok(Self::Postgres(pool.map_err(StoreError::new)?))
            }
            _ => Err(invalid("it begins with sqlite: or postgres:")),
        }
    }
}

/// What apalis carries to a worker: which task, and the number of the delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) key: String,
    pub(super) number: i64,
}

/// A task that a worker has taken.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Claimed {
    pub(super) task: String,
    pub(super) stage: String,
    pub(super) attempt: i64,
    /// How often it has failed in a way that passes, or its worker has died.
    pub(super) failures: i64,
    pub(super) cancel: i64,
    pub(super) account: String,
}

/// How a worker's attempt to take a task ended.
#[derive(Debug)]
pub(super) enum Claim {
    Taken(Claimed),
    /// As many tasks of the account are in progress as may be.
    AtLimit,
    /// The task has ended, or another delivery of it is expected.
    Stale,
}

/// What a worker learns when it writes its progress.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(super) struct Standing {
    cancel: i64,
    paused_until: Option<i64>,
}

impl Standing {
    pub(super) const fn is_cancelled(self) -> bool {
        self.cancel != 0
    }

    /// Returns how long the account still has to wait.
    pub(super) fn pause(self) -> Duration {
        pause_until(self.paused_until)
    }
}

fn pause_until(time: Option<i64>) -> Duration {
    let left = time.unwrap_or_default().saturating_sub(now());
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

/// What is stored for an account.
#[derive(Clone, Copy, Debug, Default, sqlx::FromRow)]
pub(super) struct AccountRow {
    pub(super) at_once: Option<i64>,
    paused_until: i64,
}

impl AccountRow {
    pub(super) fn pause(self) -> Duration {
        pause_until(Some(self.paused_until))
    }
}

/// The progress of an attempt.
#[derive(Debug, Default)]
pub(super) struct Progress<'a> {
    /// The stage, before the step that it names.
    pub(super) stage: Option<&'a JobStage>,
    pub(super) percent: f32,
    pub(super) json: Option<&'a str>,
}

/// How an attempt ended for good.
#[derive(Debug)]
pub(super) struct Ending<'a> {
    pub(super) state: TaskState,
    pub(super) stage: Option<&'a JobStage>,
    pub(super) json: Option<&'a str>,
    pub(super) error: Option<&'a str>,
}

/// How a task goes back to the queue.
#[derive(Debug)]
pub(super) struct Requeue<'a> {
    pub(super) stage: &'a JobStage,
    pub(super) error: Option<&'a str>,
    /// Whether it counts as a failure.
    pub(super) is_failure: bool,
    pub(super) after: Duration,
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl Store {
    /// Opens the database of a URL, `sqlite:` or `postgres:`, and creates the tables.
    pub(super) async fn open(url: &str) -> Result<Self, QueueError> {
        let store = Self { pool: Pool::connect(url).await? };
        // Two processes that create the tables at the same time get in each other's way once.
        let mut left = SETUP_ATTEMPTS;
        loop {
            left -= 1;
            match store.create_tables().await {
                Err(_) if left > 0 => tokio::time::sleep(SETUP_PAUSE).await,
                result => return Ok(result.map(|()| store)?),
            }
        }
    }

    async fn create_tables(&self) -> Result<()> {
        // The database may have the tables of another program, too.
        match &self.pool {
            Pool::Sqlite(pool) => {
                apalis_sqlite::SqliteStorage::migrations().set_ignore_missing(true).run(pool).await
            }
            Pool::Postgres(pool) => {
                apalis_postgres::PostgresStorage::migrations()
                    .set_ignore_missing(true)
                    .run(pool)
                    .await
            }
        }
        .map_err(StoreError::new)?;
        for statement in TABLES {
            with_pool!(self, pool => sqlx::query(statement).execute(pool).await.map(drop))?;
        }
        Ok(())
    }

    /// Adds a task unless its key is known. Returns whether it was added.
    pub(super) async fn push(&self, task: &VoiceoverTask) -> Result<bool> {
        let (stage, json) = (stored(&JobStage::Waiting)?, stored(&task.voiceover)?);
        in_transaction!(self, tx => {
            let new: Option<(i64,)> = sqlx::query_as(INSERT)
                .bind(&task.key)
                .bind(&task.account)
                .bind(&json)
                .bind(&stage)
                .bind(now())
                .fetch_optional(&mut *tx)
                .await?;
            if let Some((number,)) = new {
                let delivery = Delivery { key: task.key.clone(), number };
                deliver(&mut *tx, &task.account, delivery, Duration::ZERO).await?;
            }
            Ok(new.is_some())
        })
    }

    /// Takes the task of a delivery for a worker, unless as many of its account as `at_once` are in
    /// progress.
    pub(super) async fn claim(
        &self,
        delivery: &Delivery,
        worker: &str,
        account: &str,
        at_once: Option<i64>,
    ) -> Result<Claim> {
        let claimed: Option<Claimed> = match at_once {
            None => with_pool!(self, pool => sqlx::query_as(CLAIM)
                .bind(&delivery.key)
                .bind(delivery.number)
                .bind(worker)
                .bind(now())
                .bind(-1_i64)
                .fetch_optional(pool)
                .await?),
            Some(at_once) => in_transaction!(self, tx => {
                // Locks the account, so that no two workers count at the same time.
                sqlx::query("UPDATE nemovideo_accounts SET at_once = at_once WHERE account = $1")
                    .bind(account)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query_as(CLAIM)
                    .bind(&delivery.key)
                    .bind(delivery.number)
                    .bind(worker)
                    .bind(now())
                    .bind(at_once)
                    .fetch_optional(&mut *tx)
                    .await?
            }),
        };
        Ok(match (claimed, at_once) {
            (Some(claimed), _) => Claim::Taken(claimed),
            (None, None) => Claim::Stale,
            (None, Some(_)) => {
                let due: Option<(i32,)> = with_pool!(self, pool => sqlx::query_as(IS_DUE)
                    .bind(&delivery.key)
                    .bind(delivery.number)
                    .fetch_optional(pool)
                    .await?);
                if due.is_some() { Claim::AtLimit } else { Claim::Stale }
            }
        })
    }

    /// Records the progress of an attempt; `None` if the task has been taken from it.
    pub(super) async fn advance(
        &self,
        key: &str,
        attempt: i64,
        progress: Progress<'_>,
    ) -> Result<Option<Standing>> {
        let stage = progress.stage.map(stored).transpose()?;
        Ok(with_pool!(self, pool => sqlx::query_as(ADVANCE)
            .bind(key)
            .bind(attempt)
            .bind(stage)
            .bind(f64::from(progress.percent))
            .bind(progress.json)
            .bind(now())
            .fetch_optional(pool)
            .await?))
    }

    /// Ends a task. Returns false if it has been taken from the attempt.
    pub(super) async fn finish(&self, key: &str, attempt: i64, end: Ending<'_>) -> Result<bool> {
        let stage = end.stage.map(stored).transpose()?;
        let row: Option<(i64,)> = with_pool!(self, pool => sqlx::query_as(FINISH)
            .bind(key)
            .bind(attempt)
            .bind(end.state.name())
            .bind(stage)
            .bind(end.json)
            .bind(end.error)
            .bind(now())
            .fetch_optional(pool)
            .await?);
        Ok(row.is_some())
    }

    /// Returns a task to the queue. Returns false if it has been taken from the attempt.
    pub(super) async fn requeue(
        &self,
        key: &str,
        attempt: i64,
        account: &str,
        requeue: Requeue<'_>,
    ) -> Result<bool> {
        let stage = stored(requeue.stage)?;
        let not_before =
            (!requeue.after.is_zero()).then(|| millis(SystemTime::now() + requeue.after));
        in_transaction!(self, tx => {
            let row: Option<(i64,)> = sqlx::query_as(REQUEUE)
                .bind(key)
                .bind(attempt)
                .bind(&stage)
                .bind(requeue.error)
                .bind(i64::from(requeue.is_failure))
                .bind(not_before)
                .bind(now())
                .fetch_optional(&mut *tx)
                .await?;
            if let Some((number,)) = row {
                let delivery = Delivery { key: key.to_owned(), number };
                deliver(&mut *tx, account, delivery, requeue.after).await?;
            }
            Ok(row.is_some())
        })
    }

    /// Returns a task that has ended to the queue, at its last stage or at another one.
    pub(super) async fn revive(&self, key: &str, stage: Option<&JobStage>) -> Result<bool> {
        let stage = stage.map(stored).transpose()?;
        in_transaction!(self, tx => {
            let row: Option<(i64, String)> = sqlx::query_as(REVIVE)
                .bind(key)
                .bind(&stage)
                .bind(now())
                .fetch_optional(&mut *tx)
                .await?;
            if let Some((number, account)) = &row {
                let delivery = Delivery { key: key.to_owned(), number: *number };
                deliver(&mut *tx, account, delivery, Duration::ZERO).await?;
            }
            Ok(row.is_some())
        })
    }

    /// Cancels a task that waits, and has one in progress cancelled by its worker.
    pub(super) async fn cancel(&self, key: &str) -> Result<bool> {
        let row: Option<(String,)> = with_pool!(self, pool => sqlx::query_as(CANCEL)
            .bind(key)
            .bind(now())
            .fetch_optional(pool)
            .await?);
        Ok(row.is_some())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<TaskRecord>> {
        let row: Option<TaskRow> =
            with_pool!(self, pool => sqlx::query_as(GET).bind(key).fetch_optional(pool).await?);
        Ok(row.map(TaskRow::into_record))
    }

    /// Returns up to `count` tasks in a state, or in any, sorted by key, after a key.
    pub(super) async fn list(
        &self,
        state: Option<TaskState>,
        after: &str,
        count: i64,
    ) -> Result<Vec<TaskRecord>> {
        let rows: Vec<TaskRow> = with_pool!(self, pool => sqlx::query_as(LIST)
            .bind(state.map_or("", TaskState::name))
            .bind(after)
            .bind(count)
            .fetch_all(pool)
            .await?);
        Ok(rows.into_iter().map(TaskRow::into_record).collect())
    }

    pub(super) async fn counts(&self) -> Result<Vec<(String, i64)>> {
        Ok(with_pool!(self, pool => sqlx::query_as(COUNT).fetch_all(pool).await?))
    }

    /// Removes tasks that have ended, and their deliveries.
    pub(super) async fn remove_finished(&self, older_than: Duration) -> Result<u64> {
        let before = SystemTime::now().checked_sub(older_than).map_or(0, millis);
        let removed = with_pool!(self, pool => {
            sqlx::query(REMOVE).bind(before).execute(pool).await?.rows_affected()
        });
        let prefix = format!("{QUEUE}%");
        match &self.pool {
            Pool::Sqlite(pool) => {
                let jobs =
                    "DELETE FROM Jobs WHERE status = 'Done' AND job_type LIKE $1 AND done_at < $2";
                sqlx::query(jobs).bind(prefix).bind(before / 1000).execute(pool).await?;
            }
            Pool::Postgres(pool) => {
                let jobs = "DELETE FROM apalis.jobs WHERE status = 'Done' AND job_type LIKE $1
                    AND done_at < to_timestamp($2::bigint)";
                sqlx::query(jobs).bind(prefix).bind(before / 1000).execute(pool).await?;
            }
        }
        Ok(removed)
    }

    /// Limits how many tasks of an account are in progress at once, in all processes together.
    pub(super) async fn limit(&self, account: &str, at_once: Option<i64>) -> Result<()> {
        with_pool!(self, pool => {
            sqlx::query(LIMIT).bind(account).bind(at_once).execute(pool).await?;
        });
        Ok(())
    }

    /// Has an account wait, in all processes.
    pub(super) async fn pause(&self, account: &str, pause: Duration) -> Result<()> {
        let until = SystemTime::now().checked_add(pause).map_or(i64::MAX, millis);
        with_pool!(self, pool => {
            sqlx::query(PAUSE).bind(account).bind(until).execute(pool).await?;
        });
        Ok(())
    }

    pub(super) async fn account(&self, account: &str) -> Result<AccountRow> {
        let row: Option<AccountRow> = with_pool!(self, pool => {
            sqlx::query_as(ACCOUNT).bind(account).fetch_optional(pool).await?
        });
        Ok(row.unwrap_or_default())
    }
}

/// The queue of apalis for an account.
pub(super) fn queue_of(account: &str) -> String {
    format!("{QUEUE}{account}")
}

const QUEUE: &str = "nemovideo:";

/// A connection that can add a job of apalis.
trait Deliver {
    async fn push(&mut self, queue: &str, task: Task<Vec<u8>>) -> Result<()>;
}

impl Deliver for sqlx::SqliteConnection {
    async fn push(&mut self, queue: &str, task: Task<Vec<u8>>) -> Result<()> {
        let pushed = apalis_sqlite::queries::push_tasks(self, queue, &[task]).await;
        pushed.map_err(StoreError::new)
    }
}

impl Deliver for sqlx::PgConnection {
    async fn push(&mut self, queue: &str, task: Task<Vec<u8>>) -> Result<()> {
        let pushed = apalis_postgres::queries::push_tasks(self, queue, vec![task]).await;
        pushed.map_err(StoreError::new)
    }
}

/// How often apalis may give a job again: as often as both databases can count, since the row of the
/// task says when to give up. By default it gives up after 25 errors, those of the database included.
const MAX_DELIVERIES: usize = i32::MAX as usize;

async fn deliver(
    connection: &mut impl Deliver,
    account: &str,
    delivery: Delivery,
    after: Duration,
) -> Result<()> {
    let mut job = TaskBuilder::new(stored(&delivery)?.into_bytes()).max_attempts(MAX_DELIVERIES);
    if !after.is_zero() {
        job = job.run_after(after);
    }
    connection.push(&queue_of(account), job.build()).await
}

fn stored(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(StoreError::new)
}

fn now() -> i64 {
    millis(SystemTime::now())
}
