//! A batch against the embedded backend: it can be written down at any moment and picked up by
//! another process, pays for nothing twice, and gives no item the film of another.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::{Draft, TrackRole};
use nemovideo::local::{Ending, ErrorReply, Fault, FaultyResponse, LocalBackend};
use nemovideo::mock::{Events, MockNemo, MockResponse};
use nemovideo::project::{Batch, BatchItem, BatchState, JobProgress, JobStage, SavedVideo};
use nemovideo::protocol::{Credits, Endpoint};
use nemovideo::{Error, ErrorCode, ExponentialRetry, NemoClient, RenderPolling, TurnRecovery};
use tempfile::TempDir;

const SOON: Duration = Duration::from_millis(5);

async fn backend() -> LocalBackend {
    let backend = LocalBackend::builder().placeholder_videos().credits(Credits::new(1e6));
    backend.start().await.expect("a backend")
}

/// The client of a process; all that have the folder are of one account.
fn process(backend: &LocalBackend, account: &Path, reads: u32) -> NemoClient {
    NemoClient::builder()
        .base_url(backend.url())
        .credentials_dir(account)
        .polling(RenderPolling::new(SOON, 2_000))
        .recovery(TurnRecovery::new(SOON, SOON, reads))
        .retry(ExponentialRetry::default().with_initial_delay(Duration::from_millis(1)))
        .build()
        .expect("a client of a backend on loopback")
}

/// A backend, an account at it, and a folder for the videos.
struct Stage {
    backend: LocalBackend,
    account: TempDir,
    out: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let dir = || tempfile::tempdir().expect("a folder");
        Self { backend: backend().await, account: dir(), out: dir() }
    }

    fn process(&self) -> NemoClient {
        process(&self.backend, self.account.path(), 100)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
    }

    fn item(&self, said: &str, name: &str) -> BatchItem {
        BatchItem::new(said, self.path(name))
    }

    async fn batch(&self, items: impl IntoIterator<Item = BatchItem>) -> Batch {
        self.process().project("batch").language("en").await.expect("a project").batch(items)
    }
}

type Finished = (usize, Result<Box<SavedVideo>, Error>);

async fn results(batch: &mut Batch) -> Vec<Finished> {
    let mut results = Vec::new();
    while let Some((index, progress)) = batch.next().await {
        match progress {
            Ok(JobProgress::Finished(video)) => results.push((index, Ok(video))),
            Err(error) => results.push((index, Err(error))),
            Ok(_) => {}
        }
    }
    results
}

fn through_json(state: &BatchState) -> BatchState {
    let written = serde_json::to_string_pretty(state).expect("a state can be written");
    let read = serde_json::from_str(&written).expect("and read");
    assert_eq!(&read, state, "{written}");
    read
}

const WORDS: [&str; 3] = ["The first one", "The second one", "The third one"];

/// Three items; the script of the second is uploaded.
fn three(stage: &Stage, out: &Path) -> [BatchItem; 3] {
    let script = stage.path("script.txt");
    std::fs::write(&script, WORDS[1]).expect("a script");
    [
        BatchItem::new(format!("narrate: {}", WORDS[0]), out.join("1.mp4")),
        BatchItem::new("turn the uploaded script into a video", out.join("2.mp4")).upload(script),
        BatchItem::new(format!("narrate: {}", WORDS[2]), out.join("3.mp4")),
    ]
}

fn assert_film_of(index: usize, video: &SavedVideo) {
    let draft = video.draft.to_json();
    assert!(draft.contains(WORDS[index]), "{index}: {draft}");
    // What was paid for is in it, also where the first stage was all that the state told at first.
    assert!(video.draft.tracks().any(|track| track.role() == Some(TrackRole::Captions)), "{draft}");
    assert_eq!(std::fs::metadata(&video.path).expect("the file").len(), video.bytes);
}

/// Runs three items in two processes, the first of which ends after so many updates; `None` when
/// there are not as many.
async fn in_two_processes(
    stage: &Stage,
    updates: usize,
    end: fn(Batch) -> BatchState,
) -> Option<(bool, BatchState, u64)> {
    let out = stage.path(&format!("{updates}-{}", stage.backend.counters().sessions_created));
    std::fs::create_dir(&out).expect("a folder");
    let before = stage.backend.counters().messages_run;
    let mut batch = stage.batch(three(stage, &out)).await;
    let mut announced = false;
    for _ in 0..updates {
        let (index, progress) = batch.next().await?;
        let progress = progress.expect("no error");
        announced = matches!(progress, JobProgress::Sending(_) | JobProgress::Uploading);
        if let JobProgress::Finished(video) = progress {
            assert_film_of(index, &video);
        }
    }
    let state = through_json(&end(batch));
    let mut batch = stage.process().resume_batch(state);
    for (index, result) in results(&mut batch).await {
        match result {
            Ok(video) => assert_film_of(index, &video),
            Err(error) => assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}"),
        }
    }
    let messages = stage.backend.counters().messages_run - before;
    Some((announced, batch.stop(), messages))
}

#[tokio::test]
async fn a_batch_stopped_at_any_update_is_finished_by_another_process_and_paid_once() {
    let stage = Stage::set().await;
    for updates in 0.. {
        let Some((_, state, messages)) = in_two_processes(&stage, updates, Batch::stop).await
        else {
            assert!(updates > 20, "{updates} updates");
            break;
        };
        assert_eq!(messages, 3, "after {updates} updates");
        for entry in &state.items {
            assert!(matches!(entry.stage, JobStage::Finished { .. }), "{updates}: {entry:?}");
            assert!(entry.item.save_to.exists(), "{updates}");
        }
    }
}

#[tokio::test]
async fn a_batch_whose_process_died_at_any_update_is_never_paid_twice() {
    let stage = Stage::set().await;
    for updates in 0.. {
        let died = in_two_processes(&stage, updates, |batch| batch.state()).await;
        let Some((announced, state, messages)) = died else { break };
        // What was about to be sent may have been: that alone is given up, and told.
        let lost = state.items.iter().filter(|entry| !entry.item.save_to.exists()).count();
        assert_eq!(lost, usize::from(announced), "after {updates} updates: {state:?}");
        assert_eq!(messages, 3 - lost as u64, "after {updates} updates");
    }
}

#[tokio::test]
async fn what_a_message_does_late_is_not_taken_for_the_work_of_the_next_item() {
    for reads in [4, 5, 6, 7, 8] {
        let stage = Stage::set().await;
        let client = process(&stage.backend, stage.account.path(), 5);
        let late = Fault::LateWork { reads, ending: Ending::Reset };
        stage.backend.faults().inject(late).on(Endpoint::Message).once();
        let items = [
            stage.item("narrate: One.", "1.mp4"),
            stage.item("what can you do?", "2.mp4"),
            stage.item("narrate: Three.", "3.mp4"),
        ];
        let project = client.project("batch").await.unwrap();
        let mut batch = project.batch(items);
        let results = results(&mut batch).await;
        assert!(matches!(results[1], (1, Err(Error::AgentFailed(_)))), "{reads}: {results:?}");
        assert!(!stage.path("2.mp4").exists());
        let third = results[2].1.as_ref().unwrap();
        assert!(third.draft.to_json().contains("Three"), "{reads}");
        let state = batch.state();
        if let Err(error) = &results[0].1 {
            assert!(matches!(error, Error::OutcomeUnknown(_)), "{reads}: {error}");
            let session = &state.session.as_ref().unwrap().session_id;
            assert_ne!(*session, project.session_id(), "{reads}");
        }

        // The late work is found by whoever picks the batch up, and paid once.
        let mut again = client.resume_batch(through_json(&state));
        for (index, result) in self::results(&mut again).await {
            assert_eq!((index, result.is_ok()), (0, true), "{reads}");
        }
        assert!(stage.path("1.mp4").exists(), "{reads}");
        assert_eq!(stage.backend.counters().messages_run, 3, "{reads}");
    }
}

#[tokio::test]
async fn items_with_the_same_result_are_both_made() {
    let stage = Stage::set().await;
    let items = ["1.mp4", "1.wav"].map(|name| stage.item("narrate: Same words.", name));
    for (index, result) in results(&mut stage.batch(items).await).await {
        assert!(result.is_ok(), "{index}: {result:?}");
    }
}

#[tokio::test]
async fn an_item_is_not_given_the_film_of_the_one_before_when_its_own_fails() {
    let stage = Stage::set().await;
    let items = [
        stage.item("narrate: One.", "1.wav"),
        stage.item("narrate: …", "2.wav"),
        stage.item("narrate in Klingon: Three", "3.wav"),
        stage.item("what can you do?", "4.wav"),
    ];
    let mut batch = stage.batch(items).await;
    let done: Vec<bool> =
        results(&mut batch).await.iter().map(|(_, result)| result.is_ok()).collect();
    assert_eq!(done[..2], [true, false]);
    assert!(!done[3] && !stage.path("4.wav").exists());
    assert_eq!(batch.state().items[1].stage, JobStage::Failed);
    // What has failed is not tried again.
    assert!(results(&mut stage.process().resume_batch(batch.stop())).await.is_empty());
}

#[tokio::test]
async fn two_items_are_not_written_to_one_place() {
    let stage = Stage::set().await;
    std::fs::create_dir(stage.path("folder")).unwrap();
    let items = [
        stage.item("narrate: One.", "1.wav"),
        stage.item("narrate: Two.", "./folder/../1.wav"),
        stage.item("narrate: Three.", "3.wav"),
    ];
    let results = results(&mut stage.batch(items).await).await;
    assert!(matches!(results[1], (1, Err(Error::InvalidInput(_)))), "{results:?}");
    assert!(results[0].1.is_ok() && results[2].1.is_ok(), "{results:?}");
    assert_eq!(stage.backend.counters().messages_run, 2);
}

#[tokio::test]
async fn nothing_more_is_paid_after_an_error_that_would_meet_each_item() {
    for (code, route) in [
        (ErrorCode::ExportBlocked, Endpoint::RenderSubmit),
        (ErrorCode::OutOfCredits, Endpoint::Message),
    ] {
        let stage = Stage::set().await;
        let refusal = Fault::ReplaceResponse(ErrorReply::code(code).into());
        stage.backend.faults().inject(refusal).on(route).always();
        let names = ["1.wav", "2.wav", "3.wav", "4.wav"];
        let items = names.map(|name| stage.item("narrate: Some words.", name));
        let mut batch = stage.batch(items).await;
        let results = results(&mut batch).await;
        assert_eq!(results.len(), 4);
        for (index, result) in results {
            assert_eq!(result.unwrap_err().code(), Some(code), "{index}");
        }
        let paid = stage.backend.counters().messages_run;
        assert_eq!(paid, u64::from(code == ErrorCode::ExportBlocked), "{code}");
        assert!(stage.backend.counters().requests(Endpoint::Message) <= 2, "{code}");

        // Once that is mended the batch goes on, with what was paid.
        stage.backend.faults().clear();
        let state = through_json(&batch.stop());
        for (index, result) in self::results(&mut stage.process().resume_batch(state)).await {
            assert!(result.is_ok(), "{code} {index}: {result:?}");
        }
        assert_eq!(stage.backend.counters().messages_run, 4, "{code}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_refused_once() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::session("t", "s")).await;
    nemo.given(MockResponse::credits(9.0)).await;
    nemo.given(MockResponse::state(None)).await;
    nemo.given(MockResponse::error(Endpoint::Message, ErrorCode::TokenInvalid)).await;
    let dir = tempfile::tempdir().unwrap();
    let project = nemo.client().project("demo").await.unwrap();
    let items =
        ["1.mp4", "2.mp4"].map(|name| BatchItem::new("narrate: Hi.", dir.path().join(name)));
    let mut batch = project.batch(items);
    for (index, result) in results(&mut batch).await {
        assert!(matches!(result, Err(Error::TokenInvalid(_))), "{index}: {result:?}");
        assert_eq!(batch.state().items[index].stage, JobStage::Waiting);
    }
    // Once with the token that was refused, and once with a new one.
    assert!(nemo.messages().await.len() <= 2);
}

#[tokio::test]
async fn a_render_that_was_replaced_is_written_down_under_its_new_id() {
    let stage = Stage::set().await;
    stage.backend.faults().inject(Fault::FailedRender).on(Endpoint::RenderSubmit).once();
    let mut batch = stage.batch([stage.item("narrate: One.", "1.wav")]).await;
    let mut ids = Vec::new();
    while let Some((_, progress)) = batch.next().await {
        progress.unwrap();
        if let JobStage::Rendering(job) = &batch.state().items[0].stage {
            ids.push(job.id.to_string());
        }
    }
    ids.dedup();
    let [first, second] = ids.as_slice() else { panic!("{ids:?}") };
    assert_eq!(*second, format!("{first}_again"));
}

#[tokio::test]
async fn a_film_that_cannot_be_fetched_now_is_fetched_later_and_not_paid_again() {
    let stage = Stage::set().await;
    let down = Fault::ReplaceResponse(FaultyResponse::Reset);
    stage.backend.faults().inject(down).on(Endpoint::RenderStatus).always();
    let mut batch = stage.batch([stage.item("narrate: One.", "1.wav")]).await;
    let failed = results(&mut batch).await.remove(0).1.unwrap_err();
    assert!(matches!(failed, Error::Disconnected(_)), "{failed}");
    stage.backend.faults().clear();
    let state = through_json(&batch.stop());
    assert!(matches!(state.items[0].stage, JobStage::Rendering(_)), "{state:?}");
    assert!(state.items[0].error.is_some());
    let mut batch = stage.process().resume_batch(state);
    assert!(results(&mut batch).await.remove(0).1.is_ok());
    assert_eq!(batch.state().items[0].error, None);
    let counters = stage.backend.counters();
    assert_eq!((counters.messages_run, counters.renders_started), (1, 1));
}

#[tokio::test]
async fn a_failure_that_the_agent_gets_over_is_none() {
    let film: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().unwrap();
    let failed = || Events::new().failure("RESOURCE_EXHAUSTED", "overloaded, trying again");
    for (events, renders) in [(failed().text("Your film is ready."), 1), (failed(), 0)] {
        let nemo = MockNemo::start().await;
        nemo.given(MockResponse::session("t", "s")).await;
        nemo.given(MockResponse::credits(9.0)).await;
        nemo.given(MockResponse::state(None).times(2)).await;
        nemo.given(MockResponse::state(Some(film.clone()))).await;
        nemo.given(MockResponse::message(events)).await;
        nemo.given(MockResponse::error(Endpoint::RenderSubmit, ErrorCode::ExportBlocked)).await;
        let dir = tempfile::tempdir().unwrap();
        let project = nemo.client().project("demo").await.unwrap();
        let item = BatchItem::new("make a film", dir.path().join("1.mp4"));
        let error = results(&mut project.batch([item])).await.remove(0).1.unwrap_err();
        assert_eq!(nemo.renders().await.len(), renders);
        assert_eq!(matches!(error, Error::ExportBlocked(_)), renders == 1, "{error}");
    }
}
