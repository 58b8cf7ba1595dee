//! Workers and the backend are killed each second, with faults on the wire. The processes are this
//! test itself, started again.
//!
//! `NEMOVIDEO_SEED` repeats the random choices of a run. The long form also measures what tasks cost
//! PostgreSQL when nobody is killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nemovideo::NemoClient;
use nemovideo::local::{Cut, Ending, ErrorReply, Fault, FaultHandle, FaultyResponse, LocalBackend};
use nemovideo::protocol::Endpoint;
use nemovideo::queue::{Queue, TaskState, VoiceoverTask};
use nemovideo::{Credits, ErrorCode, RenderPolling, Timeouts, TurnRecovery};

use crate::database::Database;
use crate::dice::{Dice, seed};

/// What a process is, and what it works with: the variable, and the test that is the process.
const ROLE: &str = "NEMOVIDEO_QUEUE_ROLE";
/// The number of a process without faults.
const CALM: u64 = u64::MAX;
/// How many faults may wait for their call.
const MOST_DUE: usize = 3;
/// The price of a voiceover of the embedded backend.
const PRICE: f64 = 20.0;

#[derive(Clone)]
struct Place {
    store: String,
    dir: PathBuf,
    port: u16,
    seed: u64,
}

impl Place {
    /// Starts a process, which is killed when it is dropped.
    fn start(&self, role: &str, number: u64) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("killed::{role}"), "--nocapture"]);
        command.env(ROLE, role).env("QUEUE_STORE", &self.store).env("QUEUE_DIR", &self.dir);
        command.env("QUEUE_PORT", self.port.to_string());
        let seed = if number == CALM { CALM } else { self.seed.wrapping_add(number) };
        command.env("QUEUE_SEED", seed.to_string());
        let log = self.dir.join(format!("{role}.log"));
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Process(command.spawn().unwrap())
    }

    /// Returns the place of this process, if it is one that was started in the role.
    fn of_role(role: &str) -> Option<Self> {
        let variable = |name| std::env::var(name).ok();
        (variable(ROLE)? == role).then(|| Self {
            store: variable("QUEUE_STORE").unwrap(),
            dir: variable("QUEUE_DIR").unwrap().into(),
            port: variable("QUEUE_PORT").unwrap().parse().unwrap(),
            seed: variable("QUEUE_SEED").unwrap().parse().unwrap(),
        })
    }

    fn backend(&self) -> nemovideo::local::LocalBackendBuilder {
        let builder = LocalBackend::builder().credits(Credits::new(1e6)).placeholder_videos();
        builder.persistent(self.dir.join("backend"))
    }

    fn client(&self) -> NemoClient {
        let soon = Duration::from_millis(100);
        let timeouts = Timeouts::default().with_idle(Duration::from_secs(3));
        NemoClient::builder()
            .timeouts(timeouts)
            .base_url(format!("http://127.0.0.1:{}", self.port))
            .credentials_dir(self.dir.join("credentials"))
            // Slow enough for a task to meet kills and faults.
            .polling(RenderPolling::new(Duration::from_secs(1), 600))
            .recovery(TurnRecovery::new(soon, Duration::from_millis(200), 10))
            .build()
            .unwrap()
    }
}

struct Process(Child);

impl Process {
    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

/// SIGKILL on Unix.
impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The backend, with a fault every few calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backend() {
    let Some(place) = Place::of_role("backend") else { return };
    let backend = place.backend().port(place.port).start().await.unwrap();
    if place.seed == CALM {
        std::future::pending::<()>().await;
    }
    let mut dice = Dice::new(place.seed);
    let mut due: Vec<FaultHandle> = Vec::new();
    loop {
        tokio::time::sleep(Duration::from_millis(100 + dice.below(200))).await;
        // While little is called, faults must not gather until every call of the last task meets one.
        due.retain(|fault| fault.hits() == 0);
        if due.len() >= MOST_DUE {
            continue;
        }
        let endpoint = dice.one_of(&[
            Endpoint::Token,
            Endpoint::Session,
            Endpoint::State,
            Endpoint::State,
            Endpoint::Message,
            Endpoint::Credits,
            Endpoint::RenderSubmit,
            Endpoint::RenderSubmit,
            Endpoint::RenderStatus,
            Endpoint::RenderStatus,
            Endpoint::RenderDownload,
        ]);
        let bad_gateway = FaultyResponse::from(ErrorReply::status(502));
        let limited = ErrorReply::code(ErrorCode::RateLimited).retry_after(Duration::from_secs(1));
        let fault = dice.one_of(&[
            Fault::ReplaceResponse(bad_gateway.clone()),
            Fault::ReplaceResponse(limited.into()),
            Fault::DropResponse(bad_gateway),
            Fault::Cut(Cut::Bytes(0), Ending::Reset),
            Fault::Cut(Cut::Bytes(40), Ending::Close),
            Fault::StopReading { bytes: 3, ending: Ending::Reset },
            Fault::LateWork { reads: 10, ending: Ending::Reset },
            Fault::SlowRender { polls: 3 },
            Fault::SlowRender { polls: 6 },
        ]);
        if fault.applies_to(endpoint) {
            due.push(backend.faults().inject(fault).on(endpoint).once());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    let Some(place) = Place::of_role("worker") else { return };
    let queue = Queue::open(&place.store).await.unwrap();
    let worker = queue.worker().account("default", place.client());
    let worker = worker.lease(Duration::from_secs(4)).max_failures(1000).at_once(2);
    worker.run_until(std::future::pending()).await.unwrap();
}

fn is_long() -> bool {
    std::env::var_os("NEMOVIDEO_LONG").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_charged_twice_or_lost_with_postgres() {
    let Some(database) = Database::postgres() else { return };
    let (tasks, workers) = if is_long() { (500, 10) } else { (60, 4) };
    simulate(&database, tasks, workers, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_charged_twice_or_lost_with_sqlite() {
    let (tasks, workers) = if is_long() { (500, 3) } else { (40, 3) };
    simulate(&Database::sqlite(), tasks, workers, true).await;
}

/// apalis gives a task again when the heartbeat of its worker is late, also when that worker lives.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_does_not_spend_when_it_goes_on() {
    use rustix::process::{Pid, Signal, kill_process};
    for database in Database::both() {
        let dir = database.dir.path().to_owned();
        let backend = LocalBackend::builder().placeholder_videos().start().await.unwrap();
        let port = backend.url().rsplit(':').next().unwrap().parse().unwrap();
        let place = Place { store: database.url.clone(), dir, port, seed: CALM };
        let queue = Queue::open(&database.url).await.unwrap();
        let voiceover = place.client().voiceover("Good morning.").save_to(place.dir.join("a.mp4"));
        assert!(queue.push(&VoiceoverTask::new("a", &voiceover).unwrap()).await.unwrap());
        let stall = Fault::Cut(Cut::Events(1), Ending::Stall);
        backend.faults().inject(stall).on(Endpoint::Message).once();

        let first = place.start("worker", CALM);
        let until = async |is_so: &dyn Fn() -> bool| {
            let started = Instant::now();
            while !is_so() {
                assert!(started.elapsed() < Duration::from_secs(60));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        until(&|| backend.counters().messages_run == 1).await;
        let pid = Pid::from_raw(first.0.id().cast_signed()).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        let _second = place.start("worker", CALM);
        until(&|| backend.counters().renders_finished == 1).await;
        kill_process(pid, Signal::CONT).unwrap();
        // Its stream has timed out, it reads the state, and would render the draft.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let record = queue.get("a").await.unwrap().unwrap();
        assert_eq!((record.state, record.attempt), (TaskState::Done, 2), "{record:?}");
        let counters = backend.counters();
        assert_eq!((counters.messages_run, counters.renders_started), (1, 1));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_tasks_cost_postgres() {
    let Some(database) = Database::postgres().filter(|_| is_long()) else { return };
    let pool = sqlx::PgPool::connect(&database.url).await.unwrap();
    sqlx::query("CREATE EXTENSION pg_stat_statements").execute(&pool).await.unwrap();
    let figures = "SELECT (SELECT sum(calls)::float8 FROM pg_stat_statements),
        (SELECT sum(total_exec_time + total_plan_time)::float8 FROM pg_stat_statements),
        pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, pg_database_size(current_database())::float8";
    let read =
        || async { sqlx::query_as::<_, (f64, f64, f64, f64)>(figures).fetch_one(&pool).await };
    let (before, cpu) = (read().await.unwrap(), database.processor_time());
    let tasks = 500;
    simulate(&database, tasks, 10, false).await;
    let (after, cpu) = (read().await.unwrap(), database.processor_time() - cpu);
    let each = |value: f64| value / tasks as f64;
    eprintln!(
        "each task: {:.1} statements of {:.2} ms, {:.1} ms of PostgreSQL's processor time, {:.1} kB of WAL, {:.1} kB stored",
        each(after.0 - before.0),
        (after.1 - before.1) / (after.0 - before.0),
        each(cpu.as_secs_f64() * 1e3),
        each(after.2 - before.2) / 1e3,
        each(after.3 - before.3) / 1e3,
    );
}

async fn simulate(database: &Database, tasks: usize, workers: u64, kills: bool) {
    let seed = seed();
    eprintln!("NEMOVIDEO_SEED={seed}: {tasks} tasks, {workers} workers, {}", database.url);
    let mut dice = Dice::new(seed);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place =
        Place { store: database.url.clone(), dir: database.dir.path().to_owned(), port, seed };
    let queue = Queue::open(&database.url).await.unwrap();
    let out = place.dir.join("videos");
    std::fs::create_dir(&out).unwrap();
    let client = place.client();
    let keys: Vec<String> = (0..tasks).map(|number| format!("task-{number:04}")).collect();
    for key in &keys {
        let script = format!("This is {key}.");
        let voiceover = client.voiceover(script).save_to(out.join(format!("{key}.mp4")));
        assert!(queue.push(&VoiceoverTask::new(key, &voiceover).unwrap()).await.unwrap());
    }

    let started = Instant::now();
    let mut number = 0;
    let mut start = |role| {
        number += 1;
        place.start(role, if kills { number } else { CALM })
    };
    let mut backend = start("backend");
    let mut running: Vec<Process> = (0..workers).map(|_| start("worker")).collect();
    let (mut killed_workers, mut killed_backends) = (0, 0);
    let counts = loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let counts = queue.counts().await.unwrap();
        if counts.iter().all(|(state, count)| state.is_final() || *count == 0) {
            break counts;
        }
        let timeout = Duration::from_secs(if is_long() { 1800 } else { 240 });
        if started.elapsed() >= timeout {
            let mut left = Vec::new();
            for key in &keys {
                let record = queue.get(key).await.unwrap().unwrap();
                if !record.state.is_final() {
                    left.push(record);
                }
            }
            panic!("after {timeout:?}: {left:#?}");
        }
        if !kills {
            continue;
        }
        if dice.percent(20) {
            killed_backends += 1;
            drop(backend);
            backend = start("backend");
        } else {
            killed_workers += 1;
            let index = dice.below(workers) as usize;
            drop(running.swap_remove(index));
            running.push(start("worker"));
        }
        // One that could not reach the backend, or the database, has ended by itself.
        for worker in running.iter_mut().filter_map(|it| it.has_ended().then_some(it)) {
            *worker = start("worker");
        }
    };
    let elapsed = started.elapsed();
    drop((running, backend));
    eprintln!(
        "{elapsed:.0?}: {counts:?}; killed {killed_workers} workers, {killed_backends} backends"
    );
    let mut attempts: BTreeMap<u64, u32> = BTreeMap::new();

    // Every task has ended, and none is lost.
    let ended = [TaskState::Done, TaskState::Failed, TaskState::Unknown];
    assert_eq!(ended.iter().map(|state| counts[state]).sum::<u64>(), tasks as u64);
    assert!(counts[&TaskState::Done] > 0);
    for key in &keys {
        let record = queue.get(key).await.unwrap().unwrap();
        *attempts.entry(record.attempt).or_default() += 1;
        let video = out.join(format!("{key}.mp4"));
        if record.state == TaskState::Done {
            let bytes = record.progress.unwrap()["bytes"].as_u64().unwrap();
            assert_eq!(std::fs::metadata(&video).unwrap().len(), bytes, "{key}");
        } else {
            eprintln!("{key}: {} after {}: {:?}", record.state, record.attempt, record.error);
        }
    }
    eprintln!("tasks by attempts: {attempts:?}");
    for file in std::fs::read_dir(&out).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "mp4") {
            assert_whole(&file);
        }
    }

    // What the backend has really done.
    let charges = charges_of(&place).await;
    let twice: BTreeMap<_, _> = charges.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "charged twice: {twice:?}");
    let backend = place.backend().start().await.unwrap();
    let counters = backend.counters();
    let messages = counters.messages_run;
    assert!((counts[&TaskState::Done]..=tasks as u64).contains(&messages), "{counters:?}");
    assert_eq!(counters.credits_taken, Credits::new(PRICE * messages as f64));
    assert_eq!(charges.values().sum::<u64>(), messages);
}

/// Checks that a video ends where its boxes do, with its index among them.
fn assert_whole(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let (mut at, mut has_index) = (0, false);
    while at < bytes.len() {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        has_index |= &bytes[at + 4..at + 8] == b"moov";
        assert!(size >= 8, "{}", path.display());
        at += size;
    }
    assert!(at == bytes.len() && has_index, "{}: {at} of {}", path.display(), bytes.len());
}

/// Returns how often the script of each task was spoken, by what the backend keeps of its sessions.
async fn charges_of(place: &Place) -> BTreeMap<String, u64> {
    let database = format!("sqlite:{}", place.dir.join("backend/backend.sqlite").display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    let spoken: Vec<(String,)> =
        sqlx::query_as("SELECT spoken FROM works WHERE spoken IS NOT NULL")
            .fetch_all(&pool)
            .await
            .unwrap();
    let mut charges = BTreeMap::new();
    for (spoken,) in spoken {
        let at = spoken.find("task-").unwrap();
        *charges.entry(spoken[at..at + 9].to_owned()).or_default() += 1;
    }
    charges
}
