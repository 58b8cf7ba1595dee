//! What a task goes through, in both databases.

use std::path::PathBuf;
use std::time::Duration;

use futures::TryStreamExt as _;
use nemovideo::local::{Cut, Ending, ErrorReply, Fault, Frequency, LocalBackend};
use nemovideo::protocol::Endpoint;
use nemovideo::queue::{Queue, QueueError, QueueWorker, TaskRecord, TaskState, VoiceoverTask};
use nemovideo::{Error, ErrorCode, NemoClient, RenderPolling, TurnRecovery};
use tokio_util::sync::CancellationToken;

use crate::database::Database;

/// The shortest lease.
const LEASE: Duration = Duration::from_secs(4);

struct Scene {
    database: Database,
    queue: Queue,
    backend: LocalBackend,
    client: NemoClient,
}

impl Scene {
    async fn new(database: Database) -> Self {
        let backend = LocalBackend::builder().placeholder_videos().silent_edits(Frequency::Never);
        let backend = backend.start().await.unwrap();
        let queue = Queue::open(&database.url).await.unwrap();
        let soon = Duration::from_millis(50);
        let client = backend
            .client_builder()
            .polling(RenderPolling::new(soon, 500))
            .recovery(TurnRecovery::new(soon, soon, 20))
            .build()
            .unwrap();
        Self { database, queue, backend, client }
    }

    fn out(&self, key: &str) -> PathBuf {
        self.database.dir.path().join(format!("{}.mp4", key.replace('/', "-")))
    }

    fn task(&self, key: &str) -> VoiceoverTask {
        let voiceover = self.client.voiceover("Good morning.").save_to(self.out(key));
        VoiceoverTask::new(key, &voiceover).unwrap()
    }

    async fn push(&self, key: &str) {
        assert!(self.queue.push(&self.task(key)).await.unwrap());
    }

    fn worker(&self) -> QueueWorker {
        self.queue.worker().account("default", self.client.clone()).lease(LEASE)
    }

    /// Runs a worker of its own until it is dropped, as if its process was killed then.
    fn start(&self, worker: QueueWorker) -> Running {
        let stop = CancellationToken::new();
        let run = worker.run_until(stop.clone().cancelled_owned());
        Running { stop, task: tokio::spawn(run) }
    }

    /// As a worker does that misses the heartbeats of another one.
    async fn give_deliveries_again(&self) {
        let again = match self.database.url.starts_with("sqlite") {
            true => "UPDATE Jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL",
            false => "UPDATE apalis.jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL",
        };
        self.database.execute(again).await;
    }

    async fn record(&self, key: &str) -> TaskRecord {
        self.queue.get(key).await.unwrap().unwrap()
    }

    async fn end_of(&self, key: &str) -> TaskRecord {
        let records = self.queue.follow(key).try_collect::<Vec<_>>();
        let records = tokio::time::timeout(Duration::from_secs(60), records).await.unwrap();
        records.unwrap().pop().unwrap()
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let until = async {
            while !what(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), until).await.unwrap();
    }
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), QueueError>>,
}

impl Running {
    fn kill(self) {}

    async fn end(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs a test in both databases, one after the other.
async fn in_both(test: impl AsyncFn(Scene)) {
    for database in Database::both() {
        eprintln!("in {}", database.url.split(':').next().unwrap());
        test(Scene::new(database).await).await;
    }
}

#[tokio::test]
async fn a_task_is_made_once_however_often_it_is_pushed() {
    in_both(async |scene| {
        scene.push("order/1").await;
        assert!(!scene.queue.push(&scene.task("order/1")).await.unwrap());
        let queued = scene.record("order/1").await;
        assert_eq!((queued.state, queued.attempt, queued.percent), (TaskState::Queued, 0, 0.0));
        let worker = scene.start(scene.worker());
        let done = scene.end_of("order/1").await;
        assert_eq!((done.state, done.attempt, done.percent), (TaskState::Done, 1, 100.0));
        assert_eq!((done.error, done.not_before), (None, None));
        let video = done.progress.unwrap();
        assert_eq!(video["bytes"], std::fs::metadata(scene.out("order/1")).unwrap().len());
        assert!(!scene.queue.push(&scene.task("order/1")).await.unwrap());
        worker.end().await;
        let counters = scene.backend.counters();
        assert_eq!((counters.messages_run, counters.renders_started), (1, 1));
        // What has ended is not cancelled, and not tried again.
        assert!(!scene.queue.cancel("order/1").await.unwrap());
        assert!(!scene.queue.retry("order/1").await.unwrap());
        assert_eq!(scene.queue.counts().await.unwrap()[&TaskState::Done], 1);
        assert_eq!(scene.queue.remove_finished(Duration::from_secs(60)).await.unwrap(), 0);
        assert_eq!(scene.queue.remove_finished(Duration::ZERO).await.unwrap(), 1);
        assert_eq!(scene.queue.get("order/1").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_task_of_a_dead_worker_is_taken_over_and_charged_once() {
    in_both(async |scene| {
        // The first worker dies while its message is in progress, the second one in its render.
        let stalled = Fault::Cut(Cut::Events(1), Ending::Stall);
        scene.backend.faults().inject(stalled).on(Endpoint::Message).once();
        let slow = Fault::SlowRender { polls: 40 };
        scene.backend.faults().inject(slow).on(Endpoint::RenderSubmit).once();
        scene.push("a").await;
        let first = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().requests(Endpoint::Message) == 1).await;
        first.kill();
        let second = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().requests(Endpoint::RenderSubmit) == 1).await;
        second.kill();
        let third = scene.start(scene.worker());
        let done = scene.end_of("a").await;
        assert_eq!((done.state, done.attempt), (TaskState::Done, 3), "{done:?}");
        let counters = scene.backend.counters();
        assert_eq!((counters.messages_run, counters.renders_started), (1, 1));
        third.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_lost_its_turn_stops_before_it_spends() {
    in_both(async |scene| {
        let late = Fault::LateWork { reads: 10, ending: Ending::Reset };
        scene.backend.faults().inject(late).on(Endpoint::Message).once();
        scene.push("a").await;
        let worker = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().requests(Endpoint::Message) == 1).await;
        // As if its heartbeat was late, and another worker had taken the task over.
        let taken = "UPDATE nemovideo_tasks SET attempt = attempt + 1, worker = 'another'";
        scene.database.execute(taken).await;
        scene.until(|scene| scene.backend.counters().messages_run == 1).await;
        // It knows the draft soon, would render it next, and would write that down.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let record = scene.record("a").await;
        assert_eq!((record.state, record.attempt), (TaskState::Running, 2), "{record:?}");
        assert_eq!(record.worker.as_deref(), Some("another"));
        assert_eq!(scene.backend.counters().renders_started, 0);
        worker.end().await;
        assert_eq!(scene.record("a").await, record);
    })
    .await;
}

#[tokio::test]
async fn a_task_is_cancelled_before_and_while_it_is_made() {
    in_both(async |scene| {
        scene.push("waiting").await;
        assert!(scene.queue.cancel("waiting").await.unwrap());
        assert_eq!(scene.record("waiting").await.state, TaskState::Cancelled);
        let slow = Fault::SlowRender { polls: 400 };
        scene.backend.faults().inject(slow).on(Endpoint::RenderSubmit).once();
        scene.push("running").await;
        let worker = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().renders_started == 1).await;
        assert!(scene.queue.cancel("running").await.unwrap());
        let cancelled = scene.end_of("running").await;
        assert_eq!(cancelled.state, TaskState::Cancelled, "{cancelled:?}");
        assert_eq!(scene.backend.counters().messages_run, 1);
        worker.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_known_waits_for_a_person() {
    in_both(async |scene| {
        // The message is not done, and nothing tells so.
        let lost = Fault::StopReading { bytes: 0, ending: Ending::Reset };
        scene.backend.faults().inject(lost).on(Endpoint::Message).once();
        scene.push("a").await;
        let worker = scene.start(scene.worker());
        let unknown = scene.end_of("a").await;
        assert_eq!(unknown.state, TaskState::Unknown, "{unknown:?}");
        assert!(unknown.error.is_some());
        // To look again sends nothing.
        assert!(scene.queue.retry("a").await.unwrap());
        assert_eq!(scene.end_of("a").await.state, TaskState::Unknown);
        assert_eq!(scene.backend.counters().requests(Endpoint::Message), 1);
        assert!(scene.queue.restart("a").await.unwrap());
        let done = scene.end_of("a").await;
        assert_eq!((done.state, done.error), (TaskState::Done, None));
        assert_eq!(scene.backend.counters().messages_run, 1);
        worker.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_task_that_is_given_up_after_its_message_is_unknown() {
    in_both(async |scene| {
        let stalled = Fault::Cut(Cut::Events(1), Ending::Stall);
        scene.backend.faults().inject(stalled).on(Endpoint::Message).once();
        scene.push("a").await;
        let first = scene.start(scene.worker().max_failures(0));
        scene.until(|scene| scene.backend.counters().requests(Endpoint::Message) == 1).await;
        first.kill();
        let second = scene.start(scene.worker().max_failures(0));
        let unknown = scene.end_of("a").await;
        assert_eq!(unknown.state, TaskState::Unknown, "{unknown:?}");
        // A person has it looked at again: the message was done.
        assert!(scene.queue.retry("a").await.unwrap());
        assert_eq!(scene.end_of("a").await.state, TaskState::Done);
        assert_eq!(scene.backend.counters().messages_run, 1);
        second.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_error_that_passes_is_tried_again_and_another_is_not() {
    in_both(async |scene| {
        let down = Fault::ReplaceResponse(ErrorReply::status(503).into());
        scene.backend.faults().inject(down).on(Endpoint::Session).times(20);
        scene.push("a").await;
        let worker = scene.start(scene.worker());
        let mut records = Box::pin(scene.queue.follow("a"));
        let again = loop {
            let record = records.try_next().await.unwrap().unwrap();
            if record.state == TaskState::Queued && record.error.is_some() {
                break record;
            }
        };
        assert!(again.not_before > Some(std::time::SystemTime::now()), "{again:?}");
        scene.backend.faults().clear();
        assert_eq!(scene.end_of("a").await.state, TaskState::Done);

        let empty = Fault::ReplaceResponse(ErrorReply::code(ErrorCode::OutOfCredits).into());
        scene.backend.faults().inject(empty).on(Endpoint::Message).once();
        scene.push("b").await;
        let failed = scene.end_of("b").await;
        assert_eq!((failed.state, failed.attempt), (TaskState::Failed, 1), "{failed:?}");
        // Nothing was charged, so it continues from its beginning.
        assert!(scene.queue.retry("b").await.unwrap());
        assert_eq!(scene.end_of("b").await.state, TaskState::Done);
        assert_eq!(scene.backend.counters().messages_run, 2);
        worker.end().await;
    })
    .await;
}

/// A worker of apalis whose heartbeat is late may be given its own task once more.
#[tokio::test]
async fn a_task_that_its_own_worker_took_over_is_not_lost_with_it() {
    in_both(async |scene| {
        let stalled = Fault::Cut(Cut::Events(1), Ending::Stall);
        scene.backend.faults().inject(stalled).on(Endpoint::Message).once();
        let slow = Fault::SlowRender { polls: 400 };
        scene.backend.faults().inject(slow).on(Endpoint::RenderSubmit).once();
        scene.push("a").await;
        let first = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().requests(Endpoint::Message) == 1).await;
        scene.give_deliveries_again().await;
        scene.until(|scene| scene.backend.counters().renders_started == 1).await;
        // The first attempt notices within 5 s that it has lost the task.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let record = scene.record("a").await;
        assert_eq!((record.state, record.attempt), (TaskState::Running, 2), "{record:?}");
        first.kill();
        let second = scene.start(scene.worker());
        let done = scene.end_of("a").await;
        assert_eq!((done.state, done.attempt), (TaskState::Done, 3), "{done:?}");
        let counters = scene.backend.counters();
        assert_eq!((counters.messages_run, counters.renders_started), (1, 1));
        second.end().await;
    })
    .await;
}

/// apalis gives a job up after 25 errors, such as those of a database that is locked.
#[tokio::test]
async fn a_task_is_delivered_however_often_that_failed() {
    in_both(async |scene| {
        scene.push("a").await;
        let failed = match scene.database.url.starts_with("sqlite") {
            true => "UPDATE Jobs SET status = 'Failed', attempts = 1000",
            false => "UPDATE apalis.jobs SET status = 'Failed', attempts = 1000",
        };
        scene.database.execute(failed).await;
        let worker = scene.start(scene.worker());
        assert_eq!(scene.end_of("a").await.state, TaskState::Done);
        worker.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_rate_limit_slows_all_workers_down() {
    in_both(async |scene| {
        let wait = Duration::from_secs(3);
        let limited = ErrorReply::code(ErrorCode::RateLimited).retry_after(wait);
        let limited = Fault::ReplaceResponse(limited.into());
        scene.backend.faults().inject(limited).on(Endpoint::Session).once();
        scene.push("a").await;
        let first = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().requests(Endpoint::Session) == 1).await;
        let started = std::time::Instant::now();
        // Another worker, which has met no 429, with a task of its own.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let second = scene.start(scene.worker());
        scene.push("b").await;
        assert_eq!(scene.end_of("b").await.state, TaskState::Done);
        assert_eq!(scene.end_of("a").await.state, TaskState::Done);
        let elapsed = started.elapsed();
        assert!(elapsed >= wait - Duration::from_millis(300), "{elapsed:?}");
        for worker in [first, second] {
            worker.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_limit_holds_for_all_workers_together() {
    in_both(async |scene| {
        scene.queue.limit("default", Some(2)).await.unwrap();
        let slow = Fault::SlowRender { polls: 14 };
        scene.backend.faults().inject(slow).on(Endpoint::RenderSubmit).always();
        let keys = ["a", "b", "c", "d", "e", "f"];
        for key in keys {
            scene.push(key).await;
        }
        let workers = [scene.start(scene.worker()), scene.start(scene.worker())];
        let mut most = 0;
        loop {
            let counts = scene.queue.counts().await.unwrap();
            most = most.max(counts[&TaskState::Running]);
            if counts[&TaskState::Done] == keys.len() as u64 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(most, 2);
        for worker in workers {
            worker.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_ends_returns_its_tasks_at_their_stage() {
    in_both(async |scene| {
        let slow = Fault::SlowRender { polls: 40 };
        scene.backend.faults().inject(slow).on(Endpoint::RenderSubmit).once();
        scene.push("a").await;
        let first = scene.start(scene.worker().grace(Duration::ZERO));
        scene.until(|scene| scene.backend.counters().renders_started == 1).await;
        first.end().await;
        let queued = scene.record("a").await;
        assert_eq!((queued.state, queued.error), (TaskState::Queued, None));
        // At once, and not only after the lease.
        let second = scene.start(scene.worker().lease(Duration::from_secs(3600)));
        assert_eq!(scene.end_of("a").await.state, TaskState::Done);
        let counters = scene.backend.counters();
        assert_eq!((counters.messages_run, counters.renders_started), (1, 1));
        second.end().await;
        // One with time finishes what it has.
        scene.push("b").await;
        let third = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().messages_run == 2).await;
        third.end().await;
        assert_eq!(scene.record("b").await.state, TaskState::Done);
    })
    .await;
}

/// Its heartbeats go on until its tasks have ended.
#[tokio::test]
async fn a_worker_that_ends_keeps_its_tasks_longer_than_its_lease() {
    in_both(async |scene| {
        let slow = Fault::SlowRender { polls: 200 };
        scene.backend.faults().inject(slow).on(Endpoint::RenderSubmit).once();
        scene.push("a").await;
        let first = scene.start(scene.worker());
        scene.until(|scene| scene.backend.counters().renders_started == 1).await;
        let second = scene.start(scene.worker());
        let began = std::time::Instant::now();
        first.end().await;
        assert!(began.elapsed() > LEASE * 2, "{:?}", began.elapsed());
        let done = scene.record("a").await;
        assert_eq!((done.state, done.attempt), (TaskState::Done, 1), "{done:?}");
        // The one that ended takes nothing more.
        scene.push("b").await;
        assert_eq!(scene.end_of("b").await.state, TaskState::Done);
        second.end().await;
    })
    .await;
}

#[tokio::test]
async fn tasks_are_listed_by_state_and_kept_by_account() {
    in_both(async |scene| {
        for number in 0..1100 {
            let task = scene.task(&format!("{number:04}"));
            let task = if number == 7 { task.account("other") } else { task };
            assert!(scene.queue.push(&task).await.unwrap());
        }
        for key in ["0003", "0500", "1099"] {
            assert!(scene.queue.cancel(key).await.unwrap());
        }
        let keys = async |state| -> Vec<String> {
            let list = scene.queue.list(state);
            list.map_ok(|record| record.key).try_collect().await.unwrap()
        };
        assert_eq!(keys(Some(TaskState::Cancelled)).await, ["0003", "0500", "1099"]);
        assert_eq!(keys(Some(TaskState::Queued)).await.len(), 1097);
        let all = keys(None).await;
        assert!(all.len() == 1100 && all.is_sorted());
        // A worker takes tasks of its accounts alone.
        let other = scene.queue.worker().account("other", scene.client.clone());
        let other = scene.start(other);
        assert_eq!(scene.end_of("0007").await.state, TaskState::Done);
        other.end().await;
        assert_eq!(scene.backend.counters().messages_run, 1);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_queued_is_rejected_before_it_is_stored() {
    let scene = Scene::new(Database::sqlite()).await;
    let invalid = |key: &str, script: &str| {
        let voiceover = scene.client.voiceover(script).save_to(scene.out("a"));
        matches!(VoiceoverTask::new(key, &voiceover), Err(Error::InvalidInput(_)))
    };
    assert!(invalid("", "Good morning."));
    assert!(invalid(&"k".repeat(501), "Good morning."));
    assert!(invalid("a\0b", "Good morning."));
    assert!(invalid("a", " … "));
    assert!(!invalid("a", "Good morning."));
    let image = nemovideo::project::SceneImage::bytes("sky.png", &b"\x89PNG\r\n\x1A\n"[..]);
    let scenes = scene.client.voiceover("Two.").scene("One.", image).save_to(scene.out("a"));
    let error = VoiceoverTask::new("a", &scenes).unwrap_err();
    assert!(error.to_string().contains("sky.png"), "{error}");
    let worker = scene.queue.worker();
    assert!(matches!(worker.run_until(async {}).await, Err(QueueError::NoAccount)));
    for url in ["tasks.db", "sqlite::memory:", "sqlite:", "mysql://localhost/a", ""] {
        let error = Queue::open(url).await.unwrap_err();
        assert!(matches!(error, QueueError::InvalidUrl { .. }), "{url}: {error}");
    }
    let secret = "postgres://me:hunter2@127.0.0.1:1/videos";
    let error = Queue::open(secret).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
