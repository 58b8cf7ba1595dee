//! Two thousand messages and renders under random faults, by programs that are dropped at any time
//! and resumed from their serialized state: nothing is charged twice, no video is lost, and every
//! reported outcome is either true or unknown.
//!
//! `NEMOVIDEO_SEED` repeats the random choices of a run.

mod dice;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use dice::Dice;
use futures::StreamExt as _;
use futures::stream::FusedStream as _;
use nemovideo::local::{Counters, LocalBackend};
use nemovideo::protocol::Endpoint;
use nemovideo::{
    CreateSession, Credits, Error, ExponentialRetry, NemoClient, PendingTurn, RenderJob,
    RenderOutput, RenderPolling, RenderProgress, RenderedVideo, Result, SessionId, Timeouts,
    TurnRecovery, TurnUpdate,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

const WORKERS: u64 = 16;
const STEPS: u64 = 125;
/// The price of an edit in the embedded backend.
const EDIT_PRICE: f64 = 2.0;

/// The numbers of messages and renders by their outcome.
#[derive(Debug, Default)]
struct Tally {
    messages: u64,
    replied: u64,
    recovered: u64,
    unknown: u64,
    failed: u64,
    renders: u64,
    files: u64,
    retried: u64,
    resubmitted: u64,
    not_submitted: u64,
    restarts: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.replied += other.replied;
        self.recovered += other.recovered;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.renders += other.renders;
        self.files += other.files;
        self.retried += other.retried;
        self.resubmitted += other.resubmitted;
        self.not_submitted += other.not_submitted;
        self.restarts += other.restarts;
    }
}

/// A user with one session at a backend of their own, and the programs that work for them.
struct Worker {
    name: String,
    backend: LocalBackend,
    directory: tempfile::TempDir,
    session: SessionId,
    /// The current program: it has short timeouts and is dropped at any time.
    client: NemoClient,
    /// Reads what really happened, while no fault is active.
    observer: NemoClient,
    dice: Dice,
    tally: Tally,
}

fn client(backend: &LocalBackend, directory: &tempfile::TempDir, timeout: Duration) -> NemoClient {
    let soon = Duration::from_millis(2);
    let timeouts =
        Timeouts::default().with_response(timeout).with_idle(timeout).with_silence(timeout);
    let retry = ExponentialRetry::default()
        .with_initial_delay(Duration::ZERO)
        .with_rate_limit_delay(Duration::ZERO);
    NemoClient::builder()
        .base_url(backend.url())
        .credentials_dir(directory.path().join("credentials"))
        .retry(retry)
        .timeouts(timeouts)
        .polling(RenderPolling::new(soon, 1000))
        .recovery(TurnRecovery::new(soon, soon, 3))
        .build()
        .expect("a client")
}

/// Returns the value as another process deserializes it.
fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let json = serde_json::to_string(value).expect("a serializable value");
    serde_json::from_str(&json).expect("a serialized value")
}

impl Worker {
    async fn start(seed: u64, index: u64) -> Self {
        let backend = LocalBackend::builder()
            .placeholder_videos()
            .credits(Credits::new(1_000_000.0))
            .start()
            .await
            .expect("a backend");
        let directory = tempfile::tempdir().expect("a directory");
        let observer = client(&backend, &directory, Duration::from_secs(60));
        let session =
            observer.create_session(CreateSession::named("chaos")).await.expect("a session");
        let session = session.session_id;
        let script = "Make a voiceover of this script, title 'None': The sky is blue — by day.";
        let mut events = observer.send_message(&session, script).await.expect("a stream");
        while let Some(event) = events.next().await {
            event.expect("an event");
        }
        let dice = Dice::of_worker(seed, index);
        let name = format!("worker {index}");
        let client = client(&backend, &directory, TIMEOUT);
        let tally = Tally::default();
        Self { name, backend, directory, session, client, observer, dice, tally }
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

    /// Ends this process and starts another with the same credentials.
    fn restart(&mut self) {
        self.tally.restarts += 1;
        self.client = client(&self.backend, &self.directory, TIMEOUT);
    }

    /// Removes all faults, waits until no work is in progress and returns the counters.
    async fn settle(&self) -> Counters {
        self.backend.faults().clear();
        loop {
            match self.observer.credits().await {
                Ok(credits) if credits.frozen == Credits::ZERO => return self.backend.counters(),
                Ok(_) => tokio::task::yield_now().await,
                // A process that ended during its token request has lost the token, and the
                // service issues no other for a week. The week is over now.
                Err(Error::RateLimited(_)) => self.backend.faults().expire_tokens(),
                Err(error) => panic!("{}: an error without a fault: {error:?}", self.name),
            }
        }
    }

    async fn message(&mut self, name: &str, step: u64) {
        self.tally.messages += 1;
        let before = self.settle().await;
        let endpoints = [Endpoint::Message, Endpoint::Message, Endpoint::State];
        self.dice.inject_faults(self.backend.faults(), &endpoints);
        let title = format!("Title {step}");
        let outcome = self.say(&format!("change the title to '{title}'")).await;
        let after = self.settle().await;

        let runs = after.messages_run - before.messages_run;
        let charged = after.credits_taken - before.credits_taken;
        assert!(runs <= 1, "{name}: the message ran {runs} times");
        let price = Credits::new(if runs == 1 { EDIT_PRICE } else { 0.0 });
        assert_eq!(charged, price, "{name}: {runs} runs");
        let state = self.observer.session_state(&self.session).await.expect("the state");
        let draft = state.draft.expect("a draft").to_json().to_string();
        let changed = draft.contains(&format!("\"{title}\""));
        assert_eq!(changed, runs == 1, "{name}: {draft}");
        match outcome {
            Ok(is_recovered) => {
                assert_eq!(runs, 1, "{name}: the message was reported as done");
                self.tally.recovered += u64::from(is_recovered);
                self.tally.replied += u64::from(!is_recovered);
            }
            Err(Error::OutcomeUnknown(_)) => self.tally.unknown += 1,
            Err(error) => {
                assert!(!error.may_have_taken_effect(), "{name}: {error:?}");
                assert_eq!(runs, 0, "{name}: the message ran, but the error denies it: {error:?}");
                self.tally.failed += 1;
            }
        }
    }

    /// Sends a message and follows the turn to its end, in one process or several. Returns true if
    /// the turn was recovered from the state.
    async fn say(&mut self, text: &str) -> Result<bool> {
        let mut turn = self.client.send_message(&self.session, text).watch();
        let mut is_recovered = false;
        loop {
            let is_dropped = self.dice.percent(12);
            let delay = Duration::from_micros(self.dice.below(4000));
            let next = if is_dropped {
                // It may be dropped in the middle of a call, too.
                tokio::time::timeout(delay, turn.next()).await
            } else {
                Ok(turn.next().await)
            };
            match next {
                Ok(Some(Ok(TurnUpdate::Recovered(_)))) => is_recovered = true,
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(error),
                Ok(None) => return Ok(is_recovered),
                Err(_elapsed) => {}
            }
            if is_dropped && !is_recovered {
                let Some(pending) = turn.pending() else {
                    if turn.is_terminated() {
                        continue;
                    }
                    // The message was not sent: the next process sends it.
                    drop(turn);
                    self.restart();
                    turn = self.client.send_message(&self.session, text).watch();
                    continue;
                };
                drop(turn);
                self.restart();
                let pending: PendingTurn = through_json(&pending);
                turn = self.client.resume_turn(&pending);
            }
        }
    }

    async fn render(&mut self, name: &str) {
        self.tally.renders += 1;
        let before = self.settle().await;
        let draft = self.observer.session_state(&self.session).await.expect("the state").draft;
        let draft = draft.expect("a draft");
        let endpoints = [
            Endpoint::RenderSubmit,
            Endpoint::RenderStatus,
            Endpoint::File,
            Endpoint::RenderDownload,
        ];
        let failing = self.dice.inject_faults(self.backend.faults(), &endpoints);
        let is_serialized_first = self.dice.percent(50);
        let submitted = if is_serialized_first {
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
                let started = self.settle().await.renders_started - before.renders_started;
                let is_true = error.may_have_taken_effect() || started == 0;
                assert!(is_true, "{name}: the render started, but the error denies it: {error:?}");
                if let Some(job) = &job {
                    // Another process continues with the serialized job.
                    self.tally.resubmitted += 1;
                    self.restart();
                    let submitted = self.observer.ensure_submitted(&through_json(job)).await;
                    submitted.expect("no fault is active");
                }
                job
            }
        };
        match job {
            Some(job) => {
                let mut job = through_json(&job);
                if self.save(&mut job).await.is_err() {
                    // The job is still valid: without faults it results in a file.
                    self.tally.retried += 1;
                    self.settle().await;
                    self.restart();
                    let saved = self.save_without_faults(&job).await;
                    saved.unwrap_or_else(|error| panic!("{name}: a lost video: {error:?}"));
                }
                self.tally.files += 1;
                let started = self.settle().await.renders_started - before.renders_started;
                assert!(started >= 1, "{name}: a video without a render");
            }
            None => self.tally.not_submitted += 1,
        }
        let after = self.settle().await;
        let started = after.renders_started - before.renders_started;
        let failed = failing.map_or(0, |failing| failing.hits());
        assert!(started <= 1 + failed, "{name}: {started} renders were started, {failed} failed");
        assert_eq!(after.credits_taken, before.credits_taken, "{name}: exports are free");
    }

    async fn save_without_faults(&self, job: &RenderJob) -> Result<()> {
        let video = self.observer.wait_for_render(job).await?;
        self.observer.download(&video, self.path()).await.map(drop)
    }

    /// Waits for a render and downloads it, in one process or several.
    async fn save(&mut self, job: &mut RenderJob) -> Result<()> {
        let video = self.wait(job).await?;
        if self.dice.percent(20) {
            self.restart();
        }
        let video: RenderedVideo = through_json(&video);
        let path = self.path();
        let _none = std::fs::remove_file(&path);
        self.client.download(&video, &path).await?;
        let length = std::fs::metadata(&path).expect("the file exists").len();
        assert_eq!(Some(length), video.size, "the file is complete");
        Ok(())
    }

    async fn wait(&mut self, job: &mut RenderJob) -> Result<RenderedVideo> {
        loop {
            let mut steps = self.client.wait_for_render(job);
            let video = loop {
                let is_dropped = self.dice.percent(10);
                let delay = Duration::from_micros(self.dice.below(4000));
                let next = if is_dropped {
                    tokio::time::timeout(delay, steps.next()).await
                } else {
                    Ok(steps.next().await)
                };
                match next {
                    Ok(Some(Ok(RenderProgress::Completed(video)))) => break Some(video),
                    Ok(Some(Ok(RenderProgress::Replaced(new)))) => *job = through_json(&*new),
                    Ok(Some(step)) => drop(step?),
                    Ok(None) | Err(_) => break None,
                }
                if is_dropped {
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
        self.directory.path().join("video.mp4")
    }
}

/// The timeout of the programs: short, so that a stall ends soon. A successful call that takes
/// longer becomes an unknown outcome, which is not a wrong one.
const TIMEOUT: Duration = Duration::from_millis(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_charged_twice_and_no_video_is_lost() {
    let (began, seed) = (Instant::now(), dice::seed());
    println!("NEMOVIDEO_SEED={seed}");
    let workers: Vec<_> = (0..WORKERS)
        .map(|index| tokio::spawn(async move { Worker::start(seed, index).await.work().await }))
        .collect();
    let mut total = Tally::default();
    for worker in workers {
        total.add(&worker.await.expect("a worker without a failed assertion"));
    }
    println!("{total:#?}\n{:.1?}", began.elapsed());
    assert_eq!(total.messages + total.renders, WORKERS * STEPS);
    let outcomes = total.replied + total.recovered + total.unknown + total.failed;
    assert_eq!(outcomes, total.messages, "every message has an outcome");
    assert_eq!(total.files + total.not_submitted, total.renders, "every render has an outcome");
    // How often each kind of recovery occurs is random. That one never occurs in thousands of steps
    // would mean that the run does not exercise it.
    let restarted = [total.restarts, total.retried, total.resubmitted];
    let ended = [total.replied, total.recovered, total.unknown, total.files];
    assert!(!restarted.contains(&0) && !ended.contains(&0), "{total:?}");
}
