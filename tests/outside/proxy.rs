//! A relay between clients and the backend cuts, resets, mangles, stalls or trickles one exchange
//! at one point: nothing is charged twice, every saved file is the server's, what was paid for is
//! saved in the end, and whoever is disturbed comes to an end of its own.
//!
//! A byte that is changed within the body of a file is not among the disturbances: without TLS
//! nothing shows it.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use nemovideo::local::{ErrorReply, Fault};
use nemovideo::project::{Batch, BatchItem, BatchState, JobProgress, JobStage};
use nemovideo::protocol::Endpoint;
use nemovideo::{ExponentialRetry, NemoClient, RenderPolling, Result, Timeouts, TurnRecovery};

use crate::place::{HANG, LONG, Place, SHORT};
use crate::relay::{Act, At, Plan, Side};
use crate::{is_limited, is_long, run_all, selected};

/// The timeout of the disturbed clients: short, so that a stall ends soon.
const SHORT_TIMEOUT: Duration = Duration::from_millis(700);
const SOON: Duration = Duration::from_millis(10);
/// Where the program `batch` keeps what is done.
const BATCH_STATE: &str = "videos/batch.json";
const VIDEOS: [&str; 2] = ["videos/1.mp4", "videos/2.mp4"];
/// The scripts of a long video and a short one.
const TEXTS: [&str; 2] = [LONG, SHORT[1]];
/// A video and audio, which take less time to make.
const FILES: [&str; 2] = ["videos/1.mp4", "videos/2.wav"];

/// Returns the points of the exchanges with an endpoint, each with each disturbance.
fn plans(endpoint: Endpoint, acts: &[Act]) -> Vec<Plan> {
    let is_file = matches!(endpoint, Endpoint::File | Endpoint::RenderDownload);
    let mut plans = Vec::new();
    for (side, at) in [Side::Request, Side::Response]
        .into_iter()
        .flat_map(|side| [At::Start, At::Head, At::Body, At::Middle, At::Last].map(|at| (side, at)))
    {
        let has_body =
            side == Side::Response || (endpoint.method() == "POST" && endpoint != Endpoint::Token);
        for &act in acts {
            let is_undetectable = is_file && side == Side::Response && act == Act::Mangle;
            // After the head of a message without a body there is nothing to change or to trickle.
            let is_byte = matches!(act, Act::Mangle | Act::Trickle);
            if (has_body || matches!(at, At::Start | At::Head) || (at == At::Body && !is_byte))
                && (!is_undetectable || matches!(at, At::Start | At::Head))
            {
                plans.push(Plan { endpoint, nth: 0, side, at, act });
            }
        }
    }
    plans
}

/// The kinds of points and disturbances that every run has: both messages of the exchanges with each
/// endpoint, each point of both messages, and each disturbance of both.
fn kinds(Plan { endpoint, side, at, act, .. }: &Plan) -> Vec<String> {
    vec![format!("{side:?} {endpoint:?}"), format!("{side:?} {at:?}"), format!("{side:?} {act:?}")]
}

/// A client of a place that gives up soon.
fn hasty(place: &Place) -> NemoClient {
    let timeouts = Timeouts::default()
        .with_response(SHORT_TIMEOUT)
        .with_idle(SHORT_TIMEOUT)
        .with_silence(SHORT_TIMEOUT);
    quick(place, TurnRecovery::new(SOON, SOON, 20), timeouts)
}

/// A client of a place that finds out everything.
fn patient(place: &Place) -> NemoClient {
    quick(place, TurnRecovery::new(SOON, SOON, 3), Timeouts::default())
}

fn quick(place: &Place, recovery: TurnRecovery, timeouts: Timeouts) -> NemoClient {
    let retry = ExponentialRetry::default()
        .with_initial_delay(Duration::ZERO)
        .with_rate_limit_delay(Duration::ZERO);
    let client = place.client().retry(retry).timeouts(timeouts).recovery(recovery);
    client.polling(RenderPolling::new(SOON, 6000)).build().expect("a client")
}

/// Writes two scripts.
fn write_scripts(place: &Place, texts: [&str; 2]) {
    for dir in ["scripts", "videos"] {
        std::fs::create_dir_all(place.work().join(dir)).expect("a directory");
    }
    for (number, text) in (1..).zip(texts) {
        std::fs::write(place.work().join(format!("scripts/{number}.txt")), text).expect("a script");
    }
}

/// Returns the items of a batch that makes videos of two scripts, with paths below `dir`.
fn items(dir: &Path, files: [&str; 2]) -> [BatchItem; 2] {
    [1, 2].map(|number| {
        let video = dir.join(files[number - 1]);
        BatchItem::new("Make a voiceover video of the uploaded script.", video)
            .upload(dir.join(format!("scripts/{number}.txt")))
    })
}

/// Runs a batch to its end, and returns its state.
async fn run(mut batch: Batch, mut each: impl FnMut(&BatchState)) -> BatchState {
    while let Some((_, progress)) = batch.next().await {
        if matches!(progress, Ok(JobProgress::Submitting(_))) {
            each(&batch.state());
        }
    }
    batch.stop()
}

/// A batch of two small videos, disturbed once in its first session, is continued to its end.
async fn small_batch(plan: Plan) {
    let name = format!("{plan:?}");
    let place = Place::new().await;
    write_scripts(&place, SHORT);
    place.relay.plan(Some(plan));
    let begun: Result<BatchState> = async {
        let project = hasty(&place).project("relay").await?;
        Ok(run(project.batch(items(&place.work(), FILES)), |_| {}).await)
    }
    .await;
    assert!(place.relay.is_hit(), "{name}: the disturbance never took place");
    place.check_files(&name);
    place.relay.plan(None);
    place.settle().await;
    let client = patient(&place);
    let batch = match begun {
        Ok(state) => client.resume_batch(state),
        Err(error) => {
            assert_eq!(place.counters().messages_run, 0, "{name}: {error:?}");
            let project = client.project("relay").await;
            let project = match project {
                // The account's token was mangled on its way.
                Err(_) => {
                    place.backend.faults().expire_tokens();
                    client.project("relay").await
                }
                project => project,
            };
            project.expect("no fault is active").batch(items(&place.work(), FILES))
        }
    };
    let state = run(batch, |_| {}).await;
    check_batch(&name, &place, &state, FILES);
}

/// Checks that what was paid for is there, and nothing else.
fn check_batch(name: &str, place: &Place, state: &BatchState, files: [&str; 2]) {
    let counters = place.counters();
    let finished: Vec<&str> = state
        .items
        .iter()
        .zip(files)
        .filter(|(item, _)| matches!(item.stage, JobStage::Finished { .. }))
        .map(|(_, video)| video)
        .collect();
    assert!(counters.messages_run <= 2, "{name}: {counters:?}");
    assert!(counters.renders_started <= 2, "{name}: {counters:?}");
    assert_eq!(finished.len() as u64, place.payments(), "{name}: {state:?}");
    let scripts = ["scripts/1.txt", "scripts/2.txt"];
    place.check_files(name);
    place.check_nothing_else_is_left(name, &[&scripts[..], &finished].concat());
}

/// A video of several megabytes and a small one, and the state of a batch that has still to save
/// them. The first exchange with an endpoint, which is disturbed, is about the large one.
struct Finished {
    place: Place,
    state: BatchState,
}

impl Finished {
    async fn make() -> Self {
        let place = Place::new().await;
        write_scripts(&place, TEXTS);
        let project = patient(&place).project("long").await.expect("a session");
        let mut rendering = Vec::new();
        let note = |state: &BatchState| {
            let is_rendering = |stage: &JobStage| matches!(stage, JobStage::Rendering(_));
            rendering.extend(state.items.iter().find(|item| is_rendering(&item.stage)).cloned());
        };
        let mut state = run(project.batch(items(&place.work(), VIDEOS)), note).await;
        let large = std::fs::metadata(place.work().join(VIDEOS[0])).expect("a video");
        assert!(large.len() > 2_000_000, "{} bytes", large.len());
        assert_eq!(rendering.len(), 2);
        state.items = rendering;
        Self { place, state }
    }

    /// Returns the state, with paths below `dir`.
    fn state_in(&self, dir: &Path) -> BatchState {
        let mut state = self.state.clone();
        for (item, new) in state.items.iter_mut().zip(items(dir, VIDEOS)) {
            item.item = new;
        }
        state
    }

    /// Saves the videos with a client that is disturbed once.
    async fn save(&self, plan: Plan) {
        let name = format!("{plan:?}, of a long video");
        let (place, before) = (self.place.beside().await, self.place.counters());
        write_scripts(&place, TEXTS);
        place.relay.plan(Some(plan));
        let disturbed = hasty(&place).resume_batch(self.state_in(&place.work()));
        let state = run(disturbed, |_| {}).await;
        assert!(place.relay.is_hit(), "{name}: the disturbance never took place");
        place.check_files(&name);
        place.relay.plan(None);
        let state = run(patient(&place).resume_batch(state), |_| {}).await;
        check_batch(&name, &place, &state, VIDEOS);
        assert_eq!(place.counters().messages_run, before.messages_run, "{name}");
        assert_eq!(place.counters().renders_started, before.renders_started, "{name}");
    }

    /// Saves a video with the program `resume`, or both with `batch`, disturbed once.
    async fn save_with(&self, program: &str, plan: Plan) {
        let name = format!("{program:?}, {plan:?}, of a long video");
        let (place, before) = (self.place.beside().await, self.place.counters());
        let (args, state_file, json, videos): (&[&str], _, _, &[&str]) = match program {
            "batch" => {
                write_scripts(&place, TEXTS);
                let state = serde_json::to_value(self.state_in(Path::new("")));
                let files = &["scripts/1.txt", "scripts/2.txt", VIDEOS[0], VIDEOS[1], BATCH_STATE];
                (&["scripts", "--out", "videos"], BATCH_STATE, state, files)
            }
            _ => {
                let JobStage::Rendering(job) = &self.state.items[0].stage else {
                    panic!("{:?}", self.state)
                };
                let state = Ok(serde_json::json!({ "render": job }));
                (&["job.json", "--out", "1.mp4"], "job.json", state, &["1.mp4"])
            }
        };
        let state_file = place.work().join(state_file);
        std::fs::write(&state_file, json.expect("JSON").to_string()).expect("a state file");
        place.relay.plan(Some(plan));
        let ended = place.run(place.program(program, args), "").await;
        assert!(place.relay.is_hit(), "{name}: the disturbance never took place");
        place.check_files(&name);
        match ended.code {
            // A batch keeps its own, so that nothing is made twice.
            Some(0) => {
                assert_eq!(state_file.exists(), program == "batch", "{name}: {}", ended.shown)
            }
            code => {
                assert_eq!(code, Some(1), "{name}: {}", ended.shown);
                assert!(state_file.exists(), "{name}: {}", ended.shown);
                place.relay.plan(None);
                let again = place.run(place.program(program, args), "").await;
                assert_eq!(again.code, Some(0), "{name}: {}", again.shown);
            }
        }
        place.check_files(&name);
        place.check_nothing_else_is_left(&name, videos);
        assert_eq!(place.counters().messages_run, before.messages_run, "{name}");
        assert_eq!(place.counters().renders_started, before.renders_started, "{name}");
    }
}

/// Runs the program `voiceover` or `batch`, disturbed once, and again until it is done.
async fn program(program: &str, plan: Plan) {
    let name = format!("{program:?}, {plan:?}");
    let place = Place::new().await;
    let (args, files): (&[&str], &[&str]) = match program {
        "batch" => {
            write_scripts(&place, SHORT);
            let files = &["scripts/1.txt", "scripts/2.txt", VIDEOS[0], VIDEOS[1], BATCH_STATE];
            (&["scripts", "--out", "videos"], files)
        }
        _ => (&["--text", SHORT[0], "--out", "1.mp4"], &["1.mp4"]),
    };
    let videos = files.iter().filter(|file| file.ends_with(".mp4")).count() as u64;
    place.relay.plan(Some(plan));
    let mut ended = place.run(place.program(program, args), "").await;
    assert!(place.relay.is_hit(), "{name}: the disturbance never took place");
    place.relay.plan(None);
    for attempt in 0.. {
        place.check_files(&name);
        place.settle().await;
        assert!(place.counters().messages_run <= videos, "{name}: {}", ended.shown);
        if ended.code == Some(0) {
            break;
        }
        assert_eq!(ended.code, Some(1), "{name}: {}", ended.shown);
        assert!(attempt < 2, "{name}: {}", ended.shown);
        ended = place.run(place.program(program, args), "").await;
    }
    assert_eq!(place.counters().messages_run, videos, "{name}: {}", ended.shown);
    assert_eq!(place.payments(), videos, "{name}: {}", ended.shown);
    place.check_nothing_else_is_left(&name, files);
}

const FLOW: [Endpoint; 8] = [
    Endpoint::Token,
    Endpoint::Session,
    Endpoint::Upload,
    Endpoint::State,
    Endpoint::Credits,
    Endpoint::Message,
    Endpoint::RenderSubmit,
    Endpoint::RenderStatus,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_disturbed_exchange_charges_twice_or_loses_a_video() {
    let began = Instant::now();
    let acts = [Act::Stall, Act::Cut, Act::Reset, Act::Mangle, Act::Trickle];
    let small: Vec<Plan> = FLOW.into_iter().flat_map(|route| plans(route, &acts)).collect();
    let count = if is_long() { small.len() } else { 20 };
    let mut small = selected(small, count, kinds);
    let large: Vec<Plan> = [Endpoint::RenderStatus, Endpoint::File, Endpoint::RenderDownload]
        .into_iter()
        .flat_map(|endpoint| plans(endpoint, &acts))
        .collect();
    let count = if is_long() { large.len() } else { 15 };
    let mut large = selected(large, count, kinds);
    // Those that wait begin first.
    for plans in [&mut small, &mut large] {
        plans.sort_by_key(|plan| plan.act != Act::Stall);
    }
    let cells = small.len() + large.len();
    run_all(
        8,
        small.into_iter().map(|plan| async move {
            tokio::time::timeout(HANG, small_batch(plan)).await.expect("the client hangs");
        }),
    )
    .await;
    println!("small batches {:.1?}", began.elapsed());
    if !large.is_empty() {
        let finished = std::sync::Arc::new(Finished::make().await);
        println!("finished {:.1?}", began.elapsed());
        // Where the file's own URL has none, the client asks the API.
        let (direct, by_api): (Vec<_>, Vec<_>) =
            large.into_iter().partition(|plan| plan.endpoint != Endpoint::RenderDownload);
        for plans in [direct, by_api] {
            if plans.iter().any(|plan| plan.endpoint == Endpoint::RenderDownload) {
                let missing = Fault::ReplaceResponse(ErrorReply::status(404).into());
                finished.place.backend.faults().inject(missing).on(Endpoint::File).always();
            }
            run_all(
                4,
                plans.into_iter().map(|plan| {
                    let finished = std::sync::Arc::clone(&finished);
                    async move {
                        let saved = tokio::time::timeout(HANG, finished.save(plan)).await;
                        saved.expect("the client hangs");
                    }
                }),
            )
            .await;
        }
        finished.place.backend.faults().clear();
    }
    println!("{cells} cells, {:.1?}", began.elapsed());
    assert!(cells >= if is_long() { 300 } else { 35 } || is_limited(), "{cells} cells");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_disturbed_program_ends_and_continues() {
    let began = Instant::now();
    let acts = [Act::Pause, Act::Cut, Act::Reset, Act::Mangle, Act::Trickle];
    let mut cells: Vec<_> = FLOW
        .into_iter()
        .chain([Endpoint::File])
        .flat_map(|endpoint| plans(endpoint, &acts))
        .flat_map(|plan| ["voiceover", "batch"].map(|program| (program, plan)))
        .collect();
    // The programs have the timeouts of the service. For minutes they wait for the rest of a message
    // whose declared length was changed, and for what becomes of one that never arrived; clients
    // with shorter timeouts meet both in the test above.
    cells.retain(|(program, Plan { endpoint, side, at, act, .. })| {
        let is_slow = (*act == Act::Mangle && *at == At::Head)
            || (*endpoint == Endpoint::Message && *side == Side::Request && *act != Act::Trickle);
        !is_slow && (*program == "batch" || *endpoint != Endpoint::Upload)
    });
    let count = if is_long() { cells.len() / 7 } else { 0 };
    let cells = selected(cells, count, |(program, plan)| {
        let Plan { endpoint, side, at, act, .. } = plan;
        vec![format!("{program} {act:?}"), format!("{endpoint:?}"), format!("{side:?} {at:?}")]
    });
    let count = cells.len();
    // Each waits for its program most of the time.
    run_all(8, cells.into_iter().map(|(name, plan)| program(name, plan))).await;
    println!("{count} programs {:.1?}", began.elapsed());
    let acts = [Act::Pause, Act::Cut, Act::Reset, Act::Trickle];
    let plans = [Endpoint::RenderStatus, Endpoint::File].map(|route| plans(route, &acts)).concat();
    let cells: Vec<_> =
        plans.into_iter().flat_map(|plan| ["resume", "batch"].map(|name| (name, plan))).collect();
    let count = cells.len();
    let cells = selected(cells, count, |_| Vec::new());
    if is_long() && !cells.is_empty() {
        let finished = std::sync::Arc::new(Finished::make().await);
        run_all(
            4,
            cells.into_iter().map(|(program, plan)| {
                let finished = std::sync::Arc::clone(&finished);
                async move { finished.save_with(program, plan).await }
            }),
        )
        .await;
    }
    println!("{:.1?}", began.elapsed());
}
