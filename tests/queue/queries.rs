//! What a task, and a worker without one, cost the database: counted by PostgreSQL itself.

use std::time::{Duration, Instant};

use nemovideo::local::{Frequency, LocalBackend};
use nemovideo::queue::{Queue, TaskState, VoiceoverTask};
use tokio_util::sync::CancellationToken;

use crate::database::Database;

const TASKS: u64 = 40;

/// Returns the number of statements so far, those that begin and end transactions included.
async fn statements(pool: &sqlx::PgPool) -> u64 {
    let count = "SELECT sum(calls)::bigint FROM pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let (count,): (i64,) = sqlx::query_as(count).fetch_one(pool).await.unwrap();
    count.unsigned_abs()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_costs_few_statements_and_an_idle_worker_fewer() {
    let Some(database) = Database::postgres() else { return };
    let backend = LocalBackend::builder().placeholder_videos().silent_edits(Frequency::Never);
    let backend = backend.start().await.unwrap();
    let queue = Queue::open(&database.url).await.unwrap();
    let pool = sqlx::PgPool::connect(&database.url).await.unwrap();
    sqlx::query("CREATE EXTENSION pg_stat_statements").execute(&pool).await.unwrap();

    let stop = CancellationToken::new();
    let worker = queue.worker().account("default", backend.client());
    let worker = tokio::spawn(worker.run_until(stop.clone().cancelled_owned()));
    let workers = "SELECT count(*) FROM apalis.workers";
    while sqlx::query_scalar::<_, i64>(workers).fetch_one(&pool).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Its connection for notifications, and its first look.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = statements(&pool).await;
    let idle = 20;
    tokio::time::sleep(Duration::from_secs(idle)).await;
    let after = statements(&pool).await;
    eprintln!("an idle worker: {} statements in {idle} s", after - before);
    // Where they fall together: five looks of three statements, two heartbeats of four, this count.
    assert!(after - before <= 5 * 3 + 2 * 4 + 1);

    let idle_each_second = (after - before) as f64 / idle as f64;
    let (before, began) = (statements(&pool).await, Instant::now());
    for number in 0..TASKS {
        let out = database.dir.path().join(format!("{number}.mp4"));
        let voiceover = backend.client().voiceover("Good morning.").save_to(out);
        let task = VoiceoverTask::new(number.to_string(), &voiceover).unwrap();
        assert!(queue.push(&task).await.unwrap());
    }
    let pushed = statements(&pool).await;
    let mut looks = 0;
    while queue.counts().await.unwrap()[&TaskState::Done] < TASKS {
        looks += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let all = statements(&pool).await - before - looks;
    let idle = idle_each_second * began.elapsed().as_secs_f64();
    let each = (all as f64 - idle) / TASKS as f64;
    eprintln!(
        "a task: {each:.1} statements, {:.1} while they were pushed",
        (pushed - before) as f64 / TASKS as f64
    );
    assert!(each <= 15.0, "{each} statements for each task");
    stop.cancel();
    worker.await.unwrap().unwrap();
}
