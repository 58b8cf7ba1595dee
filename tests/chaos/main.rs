//! Two thousand messages and renders through random faults, their programs dropped and picked up
//! from what they wrote down: nothing is charged twice, no video is lost, and what is said of each
//! is true or says that it is not known.
//!
//! `NEMOVIDEO_SEED` repeats a run's choices.

mod dice;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use dice::Dice;
use futures::StreamExt as _;
use futures::stream::FusedStream as _;
use nemovideo::local::{Counters, LocalBackend, Route};
use nemovideo::{
    CreateSession, Credits, Error, ExponentialRetry, NemoClient, PendingTurn, RenderJob,
    RenderOutput, RenderPolling, RenderProgress, RenderedVideo, Result, SessionId, Timeouts,
    TurnRecovery, TurnUpdate,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

const WORKERS: u64 = 16;
const STEPS: u64 = 125;
/// What an edit costs in the embedded backend.
const EDIT: f64 = 2.0;

/// What happened, over all workers.
#[derive(Debug, Default)]
struct Tally {
    messages: u64,
    answered: u64,
    recovered: u64,
    unknown: u64,
    failed: u64,
    renders: u64,
    files: u64,
    retried: u64,
    resubmitted: u64,
    not_submitted: u64,
    picked_up: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.answered += other.answered;
        self.recovered += other.recovered;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.renders += other.renders;
        self.files += other.files;
        self.retried += other.retried;
        self.resubmitted += other.resubmitted;
        self.not_submitted += other.not_submitted;
        self.picked_up += other.picked_up;
    }
}

/// A user with one session on a backend of their own, and the program that works for them.
struct Worker {
    name: String,
    backend: LocalBackend,
    folder: tempfile::TempDir,
    session: SessionId,
    /// The program of the moment: impatient, and dropped at any time.
    client: NemoClient,
    /// Looks at what really happened, once nothing goes wrong any more.
    judge: NemoClient,
    dice: Dice,
    tally: Tally,
}

fn client(backend: &LocalBackend, folder: &tempfile::TempDir, patience: Duration) -> NemoClient {
    let soon = Duration::from_millis(2);
    let timeouts =
        Timeouts::default().with_response(patience).with_idle(patience).with_silence(patience);
    let retry = ExponentialRetry::default()
        .with_initial_delay(Duration::ZERO)
        .with_rate_limit_delay(Duration::ZERO);
    NemoClient::builder()
        .base_url(backend.url())
        .credentials_dir(folder.path().join("credentials"))
        .retry(retry)
        .timeouts(timeouts)
        .polling(RenderPolling::new(soon, 1000))
        .recovery(TurnRecovery::new(soon, soon, 3))
        .build()
        .expect("a client")
}

/// What another process reads of what this one wrote.
fn written_down<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let json = serde_json::to_string(value).expect("it can be written");
    serde_json::from_str(&json).expect("it can be read")
}

impl Worker {
    async fn start(seed: u64, index: u64) -> Self {
        let backend = LocalBackend::builder()
            .placeholder_videos()
            .credits(Credits::new(1_000_000.0))
            .start()
            .await
            .expect("a backend");
        let folder = tempfile::tempdir().expect("a folder");
        let judge = client(&backend, &folder, Duration::from_secs(60));
        let session = judge.create_session(CreateSession::named("chaos")).await.expect("a session");
        let session = session.session_id;
        let script = "Make a voiceover of this script, title 'None': The sky is blue — by day.";
        let mut events = judge.send_message(&session, script).await.expect("a stream");
        while let Some(event) = events.next().await {
            event.expect("an event");
        }
        let dice = Dice::for_one(seed, index);
        let name = format!("worker {index}");
        let impatient = client(&backend, &folder, PATIENCE);
        let tally = Tally::default();
        Self { name, backend, folder, session, client: impatient, judge, dice, tally }
    }

    async fn work(mut self) -> Tally {
        for step in 0..STEPS {
            let name = format!("{}, step {step}", self.name);
            if self.dice.percent(50) {
                self.message(&name, step).await;
            } else {
                self.render(&name).await;
            }
        }
        self.tally
    }

    /// This process ends, and another begins with the same credentials.
    fn restart(&mut self) {
        self.tally.picked_up += 1;
        self.client = client(&self.backend, &self.folder, PATIENCE);
    }

    /// Nothing goes wrong any more; what is under way comes to its end.
    async fn calm(&self) -> Counters {
        self.backend.faults().clear();
        loop {
            match self.judge.credits().await {
                Ok(credits) if credits.frozen == Credits::ZERO => return self.backend.counters(),
                Ok(_) => tokio::task::yield_now().await,
                // A process that ended while it asked for a token has lost it, and the service
                // gives no other for a week. The week is over.
                Err(Error::RateLimited(_)) => self.backend.faults().expire_tokens(),
                Err(error) => panic!("{}: all is well, and yet {error:?}", self.name),
            }
        }
    }

    async fn message(&mut self, name: &str, step: u64) {
        self.tally.messages += 1;
        let before = self.calm().await;
        self.dice.spoil(self.backend.faults(), &[Route::Message, Route::Message, Route::State]);
        let title = format!("Title {step}");
        let outcome = self.say(&format!("change the title to '{title}'")).await;
        let after = self.calm().await;

        let runs = after.messages_run - before.messages_run;
        let taken = after.credits_taken - before.credits_taken;
        assert!(runs <= 1, "{name}: it ran {runs} times");
        let price = Credits::new(if runs == 1 { EDIT } else { 0.0 });
        assert_eq!(taken, price, "{name}: {runs} runs");
        let state = self.judge.session_state(&self.session).await.expect("the state");
        let draft = state.draft.expect("a draft").to_json().to_string();
        let changed = draft.contains(&format!("\"{title}\""));
        assert_eq!(changed, runs == 1, "{name}: {draft}");
        match outcome {
            Ok(recovered) => {
                assert_eq!(runs, 1, "{name}: it was called done");
                self.tally.recovered += u64::from(recovered);
                self.tally.answered += u64::from(!recovered);
            }
            Err(Error::OutcomeUnknown(_)) => self.tally.unknown += 1,
            Err(error) => {
                assert!(!error.may_have_taken_effect(), "{name}: {error:?}");
                assert_eq!(runs, 0, "{name}: it was done, and this denies it: {error:?}");
                self.tally.failed += 1;
            }
        }
    }

    /// Says something and hears it out, in one process or several. Whether the answer was told
    /// from the state.
    async fn say(&mut self, text: &str) -> Result<bool> {
        let mut turn = self.client.send_message(&self.session, text).watch();
        let mut recovered = false;
        loop {
            let leaves = self.dice.percent(12);
            let patience = Duration::from_micros(self.dice.below(4000));
            let next = if leaves {
                // It may be left in the middle of a call, too.
                tokio::time::timeout(patience, turn.next()).await
            } else {
                Ok(turn.next().await)
            };
            match next {
                Ok(Some(Ok(TurnUpdate::Recovered(_)))) => recovered = true,
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(error),
                Ok(None) => return Ok(recovered),
                Err(_elapsed) => {}
            }
            if leaves && !recovered {
                let Some(pending) = turn.pending() else {
                    if turn.is_terminated() {
                        continue;
                    }
                    // It surely was not sent: the next process says it anew.
                    drop(turn);
                    self.restart();
                    turn = self.client.send_message(&self.session, text).watch();
                    continue;
                };
                drop(turn);
                self.restart();
                let pending: PendingTurn = written_down(&pending);
                turn = self.client.resume_turn(&pending);
            }
        }
    }

    async fn render(&mut self, name: &str) {
        self.tally.renders += 1;
        let before = self.calm().await;
        let draft = self.judge.session_state(&self.session).await.expect("the state").draft;
        let draft = draft.expect("a draft");
        let routes = [Route::RenderSubmit, Route::RenderStatus, Route::File, Route::RenderDownload];
        let failing = self.dice.spoil(self.backend.faults(), &routes);
        let written_first = self.dice.percent(50);
        let submitted = if written_first {
            let job = RenderJob::new(self.session.clone(), draft, RenderOutput::mp4());
            let sent = self.client.ensure_submitted(&job).await;
            sent.map(|_| job.clone()).map_err(|error| (error, Some(job)))
        } else {
            let sent = self.client.submit_render(&self.session, &draft, RenderOutput::mp4());
            sent.await.map_err(|error| (error, None))
        };
        let job = match submitted {
            Ok(job) => Some(job),
            Err((error, job)) => {
                let started = self.calm().await.renders_started - before.renders_started;
                let known = error.may_have_taken_effect() || started == 0;
                assert!(known, "{name}: it was begun, and this denies it: {error:?}");
                if let Some(job) = &job {
                    // Another process goes on with what was written down.
                    self.tally.resubmitted += 1;
                    self.restart();
                    self.judge.ensure_submitted(&written_down(job)).await.expect("all is well");
                }
                job
            }
        };
        match job {
            Some(job) => {
                let mut job = written_down(&job);
                if self.fetch(&mut job).await.is_err() {
                    // The job is still good: once all is well, it ends as a file.
                    self.tally.retried += 1;
                    self.calm().await;
                    self.restart();
                    let fetched = self.patiently(&job).await;
                    fetched.unwrap_or_else(|error| panic!("{name}: a lost video: {error:?}"));
                }
                self.tally.files += 1;
                let started = self.calm().await.renders_started - before.renders_started;
                assert!(started >= 1, "{name}: a film out of nothing");
            }
            None => self.tally.not_submitted += 1,
        }
        let after = self.calm().await;
        let started = after.renders_started - before.renders_started;
        let failed = failing.map_or(0, |failing| failing.hits());
        assert!(started <= 1 + failed, "{name}: {started} renders were begun, {failed} failed");
        assert_eq!(after.credits_taken, before.credits_taken, "{name}: exports are free");
    }

    async fn patiently(&self, job: &RenderJob) -> Result<()> {
        let video = self.judge.wait_for_render(job).await?;
        self.judge.download(&video, self.path()).await.map(drop)
    }

    /// Waits for a render and downloads it, in one process or several.
    async fn fetch(&mut self, job: &mut RenderJob) -> Result<()> {
        let video = self.wait(job).await?;
        if self.dice.percent(20) {
            self.restart();
        }
        let video: RenderedVideo = written_down(&video);
        let path = self.path();
        let _none = std::fs::remove_file(&path);
        self.client.download(&video, &path).await?;
        let length = std::fs::metadata(&path).expect("the file is there").len();
        assert_eq!(Some(length), video.size, "the file is whole");
        Ok(())
    }

    async fn wait(&mut self, job: &mut RenderJob) -> Result<RenderedVideo> {
        loop {
            let mut steps = self.client.wait_for_render(job);
            let video = loop {
                let leaves = self.dice.percent(10);
                let patience = Duration::from_micros(self.dice.below(4000));
                let next = if leaves {
                    tokio::time::timeout(patience, steps.next()).await
                } else {
                    Ok(steps.next().await)
                };
                match next {
                    Ok(Some(Ok(RenderProgress::Completed(video)))) => break Some(video),
                    Ok(Some(Ok(RenderProgress::Replaced(new)))) => *job = written_down(&*new),
                    Ok(Some(step)) => drop(step?),
                    Ok(None) | Err(_) => break None,
                }
                if leaves {
                    break None;
                }
            };
            drop(steps);
            match video {
                Some(video) => return Ok(video),
                None => self.restart(),
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("film.mp4")
    }
}

/// Short, so that a stall ends soon; a call that goes well and takes longer is an unknown outcome
/// more, and no wrong one.
const PATIENCE: Duration = Duration::from_millis(120);

fn seed() -> u64 {
    match std::env::var("NEMOVIDEO_SEED") {
        Ok(seed) => seed.parse().expect("NEMOVIDEO_SEED is a number"),
        Err(_) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            Dice::new(now.expect("a clock").as_nanos() as u64).below(1_000_000)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_charged_twice_and_no_video_is_lost() {
    let (began, seed) = (Instant::now(), seed());
    println!("NEMOVIDEO_SEED={seed}");
    let workers: Vec<_> = (0..WORKERS)
        .map(|index| tokio::spawn(async move { Worker::start(seed, index).await.work().await }))
        .collect();
    let mut total = Tally::default();
    for worker in workers {
        total.add(&worker.await.expect("a worker finds nothing wrong"));
    }
    println!("{total:#?}\n{:.1?}", began.elapsed());
    assert_eq!(total.messages + total.renders, WORKERS * STEPS);
    let ends = total.answered + total.recovered + total.unknown + total.failed;
    assert_eq!(ends, total.messages, "every message has an outcome");
    assert_eq!(total.files + total.not_submitted, total.renders, "every render has one");
    // It was chaos, and most of it was survived.
    assert!(total.picked_up > 100 && total.recovered > 50 && total.unknown > 10);
    assert!(total.retried > 0 && total.resubmitted > 0, "{total:?}");
    assert!(total.answered > total.unknown && total.files > total.not_submitted);
}
