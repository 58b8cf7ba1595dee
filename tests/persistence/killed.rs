//! `local_server` is killed at random moments and steps on its disk while clients send messages,
//! upload and render, and is started again on the same port and directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use nemovideo::local::LocalBackend;
use nemovideo::{
    CreateSession, Credits, Error, ExponentialRetry, NemoClient, RenderJob, RenderOutput,
    RenderPolling, RenderedVideo, SessionId, SessionState,
};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::dice::{self, Dice};

const WORKERS: u64 = 3;
/// Those of a worker.
const MAX_RENDERS: usize = 8;
/// The prices of the embedded backend.
const VOICEOVER: f64 = 20.0;
const EDIT: f64 = 2.0;
/// Nothing takes longer, unless it hangs.
const HANG: Duration = Duration::from_secs(300);

/// Starts the server and returns it once it listens.
async fn start(dir: &Path, port: u16) -> Child {
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.parent().and_then(Path::parent).expect("the target directory");
    let mut program: PathBuf = target.join("examples/local_server");
    program.set_extension(std::env::consts::EXE_EXTENSION);
    let mut command = Command::new(program);
    command.arg("--data").arg(dir).args(["--port", &port.to_string()]);
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server =
        command.spawn().expect("`cargo build --features persistence --example local_server`");
    let mut lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
    let line = lines.next_line().await.expect("a line");
    let line = line.expect("it starts, if it was built with `--features persistence`");
    assert!(line.starts_with("listening on "), "{line}");
    server
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Returns whether an MP4 or WAV file has the length that it declares itself.
fn is_whole(bytes: &[u8]) -> bool {
    let number = |at: usize| bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    if bytes.starts_with(b"RIFF") {
        return number(4).is_some_and(|size| u32::from_le_bytes(size) as usize + 8 == bytes.len());
    }
    let mut at = 0;
    while at < bytes.len() {
        match number(at).map(u32::from_be_bytes) {
            Some(size) if size >= 8 => at += size as usize,
            _ => return false,
        }
    }
    at == bytes.len() && bytes.len() > 100
}

/// Repeats a call that may be repeated until it has its response.
async fn insist<T, F>(call: impl Fn() -> F) -> T
where
    F: IntoFuture<Output = Result<T, Error>>,
{
    loop {
        match call().await {
            Ok(response) => return response,
            Err(error) => {
                assert!(!matches!(error, Error::Api(_)), "no error of the service: {error:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// One account with one session, and what it knows of them.
struct Worker {
    index: u64,
    client: NemoClient,
    session: SessionId,
    dir: PathBuf,
    dice: Dice,
    /// What its messages that are in the state cost.
    charged: f64,
    /// The messages in the state.
    effects: u64,
    /// Those of them without a whole response.
    unreported: u64,
    /// The messages that are not in the state.
    lost: u64,
    title: String,
    /// The uploads that were acknowledged.
    uploads: BTreeSet<String>,
    jobs: Vec<RenderJob>,
}

impl Worker {
    async fn new(url: &str, dir: PathBuf, seed: u64, index: u64) -> Self {
        let retry = ExponentialRetry::default().with_initial_delay(Duration::from_millis(10));
        let client = NemoClient::builder().base_url(url).in_memory_credentials().retry(retry);
        let polling = RenderPolling::new(Duration::from_millis(20), 100_000);
        let client = client.polling(polling).build().expect("a client");
        let named = CreateSession::named("kills");
        let session = client.create_session(named).await.expect("a session").session_id;
        let dice = Dice::of_worker(seed, index);
        let (uploads, jobs) = (BTreeSet::new(), Vec::new());
        let title = String::new();
        let (charged, effects, unreported, lost) = (0.0, 0, 0, 0);
        let mut worker = Self {
            index,
            client,
            session,
            dir,
            dice,
            charged,
            effects,
            unreported,
            lost,
            title,
            uploads,
            jobs,
        };
        worker.message(true, "first").await;
        assert_eq!(worker.effects, 1, "nothing is killed yet");
        worker
    }

    async fn state(&self) -> SessionState {
        insist(|| self.client.session_state(&self.session)).await
    }

    async fn work(mut self, is_over: Arc<AtomicBool>) -> Self {
        for step in 0.. {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            match self.dice.below(10) {
                0..6 => {
                    let speaks = self.dice.percent(25);
                    self.message(speaks, &format!("Title {step}")).await;
                }
                6 if self.jobs.len() < MAX_RENDERS => self.render().await,
                _ => self.upload(step).await,
            }
        }
        self
    }

    /// Sends a message, and finds out whether it was done: the whole of it or nothing.
    async fn message(&mut self, speaks: bool, title: &str) {
        let text = match speaks {
            true => format!("Make a voiceover of this script, title '{title}': The sky is blue."),
            false => format!("change the title to '{title}'"),
        };
        let sent = async {
            let mut events = self.client.send_message(&self.session, text).await?;
            while let Some(event) = events.next().await {
                event?;
            }
            Ok::<(), Error>(())
        };
        let reported = sent.await;
        let draft = self.state().await.draft.map(|draft| draft.to_json()).unwrap_or_default();
        let is_done = draft.contains(&format!("\"{title}\""));
        if let Err(error) = &reported {
            assert!(!matches!(error, Error::Api(_)), "worker {}: {error:?}", self.index);
        }
        assert!(is_done || reported.is_err(), "worker {}: {title} is lost: {draft}", self.index);
        if is_done {
            self.charged += if speaks { VOICEOVER } else { EDIT };
            self.effects += 1;
            self.unreported += u64::from(reported.is_err());
            title.clone_into(&mut self.title);
        } else {
            self.lost += 1;
            let before = draft.contains(&format!("\"{}\"", self.title));
            assert!(
                self.effects == 0 || before,
                "worker {}: no {} in {draft}",
                self.index,
                self.title
            );
        }
        let balance = insist(|| self.client.credits()).await;
        assert_eq!(balance.frozen, Credits::ZERO, "worker {}", self.index);
        let taken = 10_000.0 - balance.available.get();
        assert_eq!(taken, self.charged, "worker {}: {title}: {reported:?}", self.index);
    }

    async fn upload(&mut self, step: u64) {
        let name = format!("{step}.txt");
        let bytes = format!("Script {step}.").repeat(1000);
        if self.client.upload_bytes(&self.session, name.as_str(), bytes).await.is_ok() {
            self.uploads.insert(name);
        }
    }

    async fn render(&mut self) {
        let draft = self.state().await.draft.expect("a draft");
        let output = match self.jobs.len() % MAX_RENDERS {
            1 => RenderOutput::mp4(),
            _ => RenderOutput::wav(),
        };
        let job = RenderJob::new(self.session.clone(), draft, output);
        insist(|| self.client.ensure_submitted(&job)).await;
        self.jobs.push(job);
    }

    /// Waits for all videos.
    async fn videos(&self) {
        for job in &self.jobs {
            let video: RenderedVideo = insist(|| self.client.wait_for_render(job)).await;
            let path = self.dir.join(job.id.as_str());
            insist(|| self.client.download(&video, &path)).await;
            assert!(is_whole(&std::fs::read(&path).expect("a file")), "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_has_done_each_thing_once_or_not_at_all() {
    let long = std::env::var_os("NEMOVIDEO_LONG").is_some();
    let run = kill_and_restart(if long { 300 } else { 12 });
    tokio::time::timeout(HANG * if long { 20 } else { 1 }, run).await.expect("it hangs");
}

async fn kill_and_restart(kills: u64) {
    let began = Instant::now();
    let seed = dice::seed();
    println!("NEMOVIDEO_SEED={seed}");
    let mut dice = Dice::new(seed);
    let dir = tempfile::tempdir().expect("a directory");
    let (data, videos) = (dir.path().join("data"), dir.path().join("videos"));
    std::fs::create_dir(&videos).expect("a directory");
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let mut server = start(&data, port).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut workers = Vec::new();
    for index in 0..WORKERS {
        let worker = Worker::new(&url, videos.clone(), seed, index).await;
        workers.push(tokio::spawn(worker.work(Arc::clone(&is_over))));
    }

    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        let delay = Duration::from_millis(dice.below(900));
        #[cfg(target_os = "linux")]
        if dice.percent(60) {
            let nth = 1 + dice.below(60) as usize;
            let mut steps = crate::steps::Steps::watch(&[data.clone(), data.join("media")]);
            let _late = tokio::time::timeout(Duration::from_secs(2), steps.nth(nth)).await;
        } else {
            tokio::time::sleep(delay).await;
        }
        #[cfg(not(target_os = "linux"))]
        tokio::time::sleep(delay).await;
        server.kill().await.expect("it can be killed");
        let restarted = Instant::now();
        server = start(&data, port).await;
        slowest = slowest.max(restarted.elapsed());
    }
    is_over.store(true, Ordering::Relaxed);

    let (mut charged, mut effects, mut unreported, mut lost) = (0.0, 0, 0, 0);
    let (mut uploads, mut renders) = (0, 0);
    for worker in workers {
        let worker = worker.await.expect("no failed assertion");
        worker.videos().await;
        let state = worker.state().await;
        let uploaded = state.extra.get("uploaded_files").expect("the uploads").to_string();
        for name in &worker.uploads {
            assert!(uploaded.contains(&format!("\"{name}\"")), "{name} is lost");
        }
        // Its id stays used.
        if let Some(job) = worker.jobs.first() {
            let token = worker.client.create_token(nemovideo::CreateToken::named("again")).await;
            let body = json!({"id": job.id, "sessionId": job.session_id, "draft": job.draft});
            let again = crate::caller::client().post(format!("{url}/api/render/proxy/lambda"));
            let again = again.bearer_auth(token.expect("a token").expose_secret());
            let again = again.header("X-Skill-Source", "t").header("X-Skill-Version", "1");
            let again = again
                .header("X-Skill-Platform", "unknown")
                .header("Content-Type", "application/json")
                .body(body.to_string())
                .send()
                .await;
            assert_eq!(again.expect("a response").status(), 409);
        }
        charged += worker.charged;
        effects += worker.effects;
        unreported += worker.unreported;
        lost += worker.lost;
        uploads += worker.uploads.len() as u64;
        renders += worker.jobs.len() as u64;
    }
    server.kill().await.expect("it can be killed");

    let backend = LocalBackend::builder().persistent(&data).placeholder_videos().start().await;
    let counters = backend.expect("a backend").counters();
    println!(
        "{kills} kills: {effects} messages ({unreported} unreported, {lost} not done), {uploads} \
         uploads, {renders} renders; a start takes {slowest:.1?} at most; {:.1?}",
        began.elapsed()
    );
    assert_eq!(counters.credits_taken, Credits::new(charged));
    assert_eq!(counters.messages_run, effects);
    assert_eq!((counters.renders_started, counters.renders_finished), (renders, renders));
    assert!(counters.uploads_taken >= uploads, "{counters:?}");
    assert!(lost + unreported > 0 || kills < 100, "no message was interrupted");
    for entry in std::fs::read_dir(data.join("media")).expect("a directory") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(!name.starts_with('.'), "{name} is left");
    }
}
