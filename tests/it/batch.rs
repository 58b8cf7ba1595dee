//! A batch can be serialized at any moment and resumed by another process. It is charged for
//! nothing twice, and no item gets the video of another.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::TrackRole;
use nemovideo::local::{Ending, ErrorReply, Fault, FaultyResponse, LocalBackend};
use nemovideo::mock::{NemoMock, event};
use nemovideo::project::{
    Batch, BatchItem, BatchState, JobHandle, JobProgress, JobStage, SavedVideo,
};
use nemovideo::protocol::{Credits, Endpoint};
use nemovideo::{Error, ErrorCode, ExponentialRetry, NemoClient, RenderPolling, TurnRecovery};
use tempfile::TempDir;

use crate::support::mocked::{new_draft, until_the_render};

const SOON: Duration = Duration::from_millis(5);

async fn backend() -> LocalBackend {
    let backend = LocalBackend::builder().placeholder_videos().credits(Credits::new(1e6));
    backend.start().await.expect("a backend")
}

/// Returns the client of a process. Processes with the same directory share an account.
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

/// A backend, an account there and a directory for the videos.
struct Setup {
    backend: LocalBackend,
    account: TempDir,
    out: TempDir,
}

impl Setup {
    async fn new() -> Self {
        let dir = || tempfile::tempdir().expect("a directory");
        Self { backend: backend().await, account: dir(), out: dir() }
    }

    fn process(&self) -> NemoClient {
        process(&self.backend, self.account.path(), 100)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
    }

    fn item(&self, message: &str, name: &str) -> BatchItem {
        BatchItem::new(message, self.path(name))
    }

    async fn batch(&self, items: impl IntoIterator<Item = BatchItem>) -> Batch {
        self.process().project("batch").language("en").await.expect("a project").batch(items)
    }
}

type Finished = (usize, Result<Box<SavedVideo>, Error>);

/// Runs a batch to its end and returns the results of its items.
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
    let serialized = serde_json::to_string_pretty(state).expect("a state is serializable");
    let deserialized = serde_json::from_str(&serialized).expect("a serialized state");
    assert_eq!(&deserialized, state, "{serialized}");
    deserialized
}

const SCRIPTS: [&str; 3] = ["The first one", "The second one", "The third one"];

/// Returns three items, of which the second one uploads its script.
fn three_items(setup: &Setup, out: &Path) -> [BatchItem; 3] {
    let script = setup.path("script.txt");
    std::fs::write(&script, SCRIPTS[1]).expect("a script");
    [
        BatchItem::new(format!("narrate: {}", SCRIPTS[0]), out.join("1.mp4")),
        BatchItem::new("turn the uploaded script into a video", out.join("2.mp4")).upload(script),
        BatchItem::new(format!("narrate: {}", SCRIPTS[2]), out.join("3.mp4")),
    ]
}

fn assert_video_of(index: usize, video: &SavedVideo) {
    let draft = video.draft.to_json();
    assert!(draft.contains(SCRIPTS[index]), "{index}: {draft}");
    // The draft is complete, even if the state contained only the first stage at first.
    assert!(video.draft.tracks().any(|track| track.role() == Some(TrackRole::Captions)), "{draft}");
    assert_eq!(std::fs::metadata(&video.path).expect("the file").len(), video.bytes);
}

/// Runs three items in two processes, of which the first one ends after this many updates. Returns
/// `None` if there are fewer updates.
async fn in_two_processes(
    setup: &Setup,
    updates: usize,
    at_once: usize,
    end: fn(Batch) -> BatchState,
) -> Option<(bool, BatchState, u64)> {
    let out = setup.path(&format!("{updates}-{}", setup.backend.counters().sessions_created));
    std::fs::create_dir(&out).expect("a directory");
    let before = setup.backend.counters().messages_run;
    let mut batch = setup.batch(three_items(setup, &out)).await.at_once(at_once);
    let mut is_sending = false;
    for _ in 0..updates {
        let (index, progress) = batch.next().await?;
        let progress = progress.expect("no error");
        is_sending = matches!(progress, JobProgress::Sending(_));
        if let JobProgress::Finished(video) = progress {
            assert_video_of(index, &video);
        }
    }
    let state = through_json(&end(batch));
    // The number at once is that of each process.
    let mut batch = setup.process().resume_batch(state).at_once(3 - at_once.min(2));
    for (index, result) in results(&mut batch).await {
        match result {
            Ok(video) => assert_video_of(index, &video),
            Err(Error::OutcomeUnknown(unknown)) => assert!(unknown.polls > 0, "{unknown:?}"),
            Err(error) => panic!("{error}"),
        }
    }
    let messages = setup.backend.counters().messages_run - before;
    Some((is_sending, batch.stop(), messages))
}

#[tokio::test]
async fn a_batch_stopped_at_any_update_is_finished_by_another_process_and_charged_once() {
    for at_once in [1, 3] {
        let setup = Setup::new().await;
        for updates in (0..).step_by(at_once) {
            let stopped = in_two_processes(&setup, updates, at_once, Batch::stop).await;
            let Some((_, state, messages)) = stopped else {
                assert!(updates > 20, "{updates} updates");
                break;
            };
            let mut finished = 0;
            for entry in &state.items {
                let is_finished = matches!(entry.stage, JobStage::Finished { .. });
                assert_eq!(is_finished, entry.item.save_to.exists(), "{updates}: {entry:?}");
                // It was being sent when another item of the same batch was stopped.
                let may_be_lost = at_once > 1 && matches!(entry.stage, JobStage::Message(_));
                assert!(is_finished || may_be_lost, "{updates}: {entry:?}");
                finished += u64::from(is_finished);
            }
            assert!((finished..=3).contains(&messages), "{at_once} at once, {updates}: {messages}");
        }
    }
}

#[tokio::test]
async fn items_that_are_made_at_once_have_sessions_of_their_own() {
    let setup = Setup::new().await;
    let mut batch = setup.batch(three_items(&setup, setup.out.path())).await.at_once(3);
    let mut begun = std::collections::BTreeSet::new();
    let mut begun_before_an_end = 0;
    while let Some((index, progress)) = batch.next().await {
        through_json(&batch.state());
        match progress.unwrap() {
            JobProgress::Sending(_) => {
                begun.insert(index);
            }
            JobProgress::Finished(video) => {
                begun_before_an_end = begun_before_an_end.max(begun.len());
                assert_video_of(index, &video);
            }
            _ => {}
        }
    }
    assert!(begun_before_an_end > 1, "at once");
    let state = batch.stop();
    let mut sessions: Vec<_> = state.items.iter().map(|item| &item.session).collect();
    sessions.dedup();
    assert!(sessions.len() == 3 && sessions.iter().all(|session| session.is_some()), "{state:?}");
    assert_eq!(setup.backend.counters().messages_run, 3);
}

#[tokio::test]
async fn a_file_that_is_gone_is_downloaded_again_for_free() {
    let setup = Setup::new().await;
    let items = ["1.mp4", "2.mp4"].map(|name| setup.item("narrate: Some words.", name));
    let mut batch = setup.batch(items).await;
    assert_eq!(results(&mut batch).await.len(), 2);
    let state = through_json(&batch.stop());
    let before = setup.backend.counters();
    std::fs::remove_file(setup.path("2.mp4")).unwrap();
    std::fs::write(setup.path("1.mp4"), "edited since").unwrap();
    let mut again = setup.process().resume_batch(state.clone());
    assert!(matches!(&results(&mut again).await[..], [(1, Ok(_))]));
    assert_eq!(again.stop(), state);
    let after = setup.backend.counters();
    assert!(setup.path("2.mp4").exists());
    assert_eq!(std::fs::read(setup.path("1.mp4")).unwrap(), b"edited since");
    assert_eq!(
        (after.messages_run, after.renders_started),
        (before.messages_run, before.renders_started)
    );
}

#[tokio::test]
async fn an_item_without_the_required_credits_ends_the_batch_before_it_is_charged() {
    let setup = Setup::new().await;
    let items = ["1.wav", "2.wav"].map(|name| setup.item("narrate: Some words.", name));
    let mut batch = setup.batch(items).await.require_credits(Credits::new(1e9));
    for (index, result) in results(&mut batch).await {
        assert!(matches!(result, Err(Error::OutOfCredits(_))), "{index}: {result:?}");
    }
    assert_eq!(setup.backend.counters().requests(Endpoint::Message), 0);
    let state = batch.stop();
    assert!(state.items.iter().all(|item| item.stage == JobStage::Waiting), "{state:?}");
    assert_eq!(results(&mut setup.process().resume_batch(state)).await.len(), 2);
    assert_eq!(setup.backend.counters().messages_run, 2);
}

#[tokio::test]
async fn a_batch_that_is_cancelled_or_late_continues_where_it_ended() {
    for (at_once, deadline) in [(1, None), (2, None), (2, Some(Duration::from_secs(1)))] {
        let setup = Setup::new().await;
        let reset = Fault::ReplaceResponse(FaultyResponse::Reset);
        setup.backend.faults().inject(reset).on(Endpoint::RenderStatus).always();
        let items = ["1.wav", "2.wav", "3.wav"].map(|name| setup.item("narrate: Words.", name));
        let handle = JobHandle::new();
        let mut batch = setup.batch(items).await.at_once(at_once).handle(&handle);
        if let Some(deadline) = deadline {
            batch = batch.deadline(deadline);
        }
        let (mut rendering, mut ended) = (std::collections::BTreeSet::new(), Vec::new());
        while let Some((index, progress)) = batch.next().await {
            match progress {
                Ok(JobProgress::PollMissed { .. }) => {
                    rendering.insert(index);
                    if rendering.len() == at_once && deadline.is_none() {
                        handle.cancel();
                    }
                }
                Ok(_) => {}
                Err(Error::Interrupted(interrupted)) => ended.push((index, interrupted)),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(ended.len(), 3, "{ended:?}");
        if deadline.is_none() {
            let jobs = ended.iter().filter(|(_, interrupted)| interrupted.job.is_some()).count();
            assert_eq!(jobs, at_once, "{ended:?}");
            assert_eq!(setup.backend.counters().messages_run, at_once as u64);
        }
        let state = through_json(&batch.stop());
        setup.backend.faults().clear();
        let again = results(&mut setup.process().resume_batch(state)).await;
        assert!(again.len() == 3 && again.iter().all(|(_, result)| result.is_ok()), "{again:?}");
        assert_eq!(setup.backend.counters().messages_run, 3);
    }
}

#[tokio::test]
async fn the_late_work_of_a_message_is_not_taken_for_that_of_the_next_item() {
    for reads in [4, 5, 6, 7, 8] {
        let setup = Setup::new().await;
        let client = process(&setup.backend, setup.account.path(), 5);
        let late = Fault::LateWork { reads, ending: Ending::Reset };
        setup.backend.faults().inject(late).on(Endpoint::Message).once();
        let items = [
            setup.item("narrate: One.", "1.mp4"),
            setup.item("what can you do?", "2.mp4"),
            setup.item("narrate: Three.", "3.mp4"),
        ];
        let project = client.project("batch").await.unwrap();
        let mut batch = project.batch(items);
        let results = results(&mut batch).await;
        assert!(matches!(results[1], (1, Err(Error::AgentFailed(_)))), "{reads}: {results:?}");
        assert!(!setup.path("2.mp4").exists());
        let third = results[2].1.as_ref().unwrap();
        assert!(third.draft.to_json().contains("Three"), "{reads}");
        let state = batch.state();
        if let Err(error) = &results[0].1 {
            let Error::OutcomeUnknown(unknown) = error else { panic!("{reads}: {error}") };
            assert!(unknown.polls > 0, "what was observed is reported: {unknown:?}");
            let session = &state.session.as_ref().unwrap().session_id;
            assert_ne!(*session, project.session_id(), "{reads}");
        }

        // The resumed batch finds the late work, which was charged once.
        let mut again = client.resume_batch(through_json(&state));
        for (index, result) in self::results(&mut again).await {
            assert_eq!((index, result.is_ok()), (0, true), "{reads}");
        }
        assert!(setup.path("1.mp4").exists(), "{reads}");
        assert_eq!(setup.backend.counters().messages_run, 3, "{reads}");
    }
}

#[tokio::test]
async fn two_items_with_the_same_message_both_get_a_video() {
    let setup = Setup::new().await;
    let items = ["1.mp4", "1.wav"].map(|name| setup.item("narrate: Same words.", name));
    for (index, result) in results(&mut setup.batch(items).await).await {
        assert!(result.is_ok(), "{index}: {result:?}");
    }
}

#[tokio::test]
async fn a_failed_item_does_not_get_the_video_of_an_earlier_one() {
    let setup = Setup::new().await;
    let items = [
        setup.item("narrate: One.", "1.wav"),
        setup.item("narrate: …", "2.wav"),
        setup.item("narrate in Klingon: Three", "3.wav"),
        setup.item("what can you do?", "4.wav"),
    ];
    let mut batch = setup.batch(items).await;
    let done: Vec<bool> =
        results(&mut batch).await.iter().map(|(_, result)| result.is_ok()).collect();
    assert_eq!(done[..2], [true, false]);
    assert!(!done[3] && !setup.path("4.wav").exists());
    assert_eq!(batch.state().items[1].stage, JobStage::Failed);
    // A failed item is not retried.
    assert!(results(&mut setup.process().resume_batch(batch.stop())).await.is_empty());
}

#[tokio::test]
async fn two_items_are_never_saved_to_the_same_path() {
    let setup = Setup::new().await;
    std::fs::create_dir(setup.path("directory")).unwrap();
    let items = [
        setup.item("narrate: One.", "1.wav"),
        setup.item("narrate: Two.", "./directory/../1.wav"),
        setup.item("narrate: Three.", "3.wav"),
    ];
    let results = results(&mut setup.batch(items).await).await;
    assert!(matches!(results[1], (1, Err(Error::InvalidInput(_)))), "{results:?}");
    assert!(results[0].1.is_ok() && results[2].1.is_ok(), "{results:?}");
    assert_eq!(setup.backend.counters().messages_run, 2);
}

#[tokio::test]
async fn no_item_is_saved_to_a_file_that_an_item_uploads() {
    let setup = Setup::new().await;
    let audio = include_bytes!("../data/cases/audio/cbr-id3v23.mp3");
    for name in ["1.wav", "2.wav"] {
        std::fs::write(setup.path(name), audio).unwrap();
    }
    let items = [
        setup.item("narrate: One.", "1.wav").upload(setup.path("1.wav")),
        setup.item("narrate: Two.", "2.wav"),
        setup.item("narrate: Three.", "3.wav").upload(setup.path("2.wav")),
    ];
    let results = results(&mut setup.batch(items).await).await;
    for (index, (_, result)) in results.iter().enumerate() {
        let is_invalid = matches!(result, Err(Error::InvalidInput(_)));
        assert_eq!(is_invalid, index < 2, "{index}: {result:?}");
    }
    assert_eq!(setup.backend.counters().messages_run, 1);
    for name in ["1.wav", "2.wav"] {
        assert_eq!(std::fs::read(setup.path(name)).unwrap(), audio);
    }
}

#[tokio::test]
async fn nothing_more_is_charged_after_an_error_that_would_occur_for_every_item() {
    for (code, endpoint) in [
        (ErrorCode::ExportBlocked, Endpoint::RenderSubmit),
        (ErrorCode::OutOfCredits, Endpoint::Message),
    ] {
        let setup = Setup::new().await;
        let error = Fault::ReplaceResponse(ErrorReply::code(code).into());
        setup.backend.faults().inject(error).on(endpoint).always();
        let names = ["1.wav", "2.wav", "3.wav", "4.wav"];
        let items = names.map(|name| setup.item("narrate: Some words.", name));
        let mut batch = setup.batch(items).await;
        let results = results(&mut batch).await;
        assert_eq!(results.len(), 4);
        for (index, result) in results {
            assert_eq!(result.unwrap_err().code(), Some(code), "{index}");
        }
        let charged = setup.backend.counters().messages_run;
        assert_eq!(charged, u64::from(code == ErrorCode::ExportBlocked), "{code}");
        assert!(setup.backend.counters().requests(Endpoint::Message) <= 2, "{code}");

        // Without the error the batch continues with the work that was charged.
        setup.backend.faults().clear();
        let state = through_json(&batch.stop());
        for (index, result) in self::results(&mut setup.process().resume_batch(state)).await {
            assert!(result.is_ok(), "{code} {index}: {result:?}");
        }
        assert_eq!(setup.backend.counters().messages_run, 4, "{code}");
    }
}

#[tokio::test]
async fn a_rejected_token_stops_the_batch_at_its_first_message() {
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.credits(9.0, 0);
    nemo.state(None);
    nemo.fails(Endpoint::Message, ErrorCode::TokenInvalid);
    let dir = tempfile::tempdir().unwrap();
    let project = nemo.client().project("demo").await.unwrap();
    let items =
        ["1.mp4", "2.mp4"].map(|name| BatchItem::new("narrate: Hi.", dir.path().join(name)));
    let mut batch = project.batch(items);
    for (index, result) in results(&mut batch).await {
        assert!(matches!(result, Err(Error::TokenInvalid(_))), "{index}: {result:?}");
        assert_eq!(batch.state().items[index].stage, JobStage::Waiting);
    }
    // Once with the rejected token, and once with a new one.
    assert!(nemo.messages().len() <= 2);
}

#[tokio::test]
async fn a_replaced_render_is_in_the_state_under_its_new_id() {
    let setup = Setup::new().await;
    setup.backend.faults().inject(Fault::FailedRender).on(Endpoint::RenderSubmit).once();
    let mut batch = setup.batch([setup.item("narrate: One.", "1.wav")]).await;
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
async fn a_video_whose_download_failed_is_downloaded_later_without_another_charge() {
    let setup = Setup::new().await;
    let reset = Fault::ReplaceResponse(FaultyResponse::Reset);
    setup.backend.faults().inject(reset).on(Endpoint::RenderStatus).always();
    let mut batch = setup.batch([setup.item("narrate: One.", "1.wav")]).await;
    let error = results(&mut batch).await.remove(0).1.unwrap_err();
    assert!(matches!(error, Error::Disconnected(_)), "{error}");
    setup.backend.faults().clear();
    let state = through_json(&batch.stop());
    assert!(matches!(state.items[0].stage, JobStage::Rendering(_)), "{state:?}");
    assert!(state.items[0].error.is_some());
    let mut batch = setup.process().resume_batch(state);
    assert!(results(&mut batch).await.remove(0).1.is_ok());
    assert_eq!(batch.state().items[0].error, None);
    let counters = setup.backend.counters();
    assert_eq!((counters.messages_run, counters.renders_started), (1, 1));
}

#[tokio::test]
async fn a_failure_that_the_agent_recovers_from_does_not_fail_the_item() {
    let failed = || event::failure("RESOURCE_EXHAUSTED", "overloaded, trying again");
    let recovered = vec![failed(), event::text("Your video is ready.")];
    for (events, renders) in [(recovered, 1), (vec![failed()], 0)] {
        let nemo = until_the_render(events, &new_draft()).await;
        let dir = tempfile::tempdir().unwrap();
        let project = nemo.client().project("demo").await.unwrap();
        let item = BatchItem::new("make a video", dir.path().join("1.mp4"));
        let error = results(&mut project.batch([item])).await.remove(0).1.unwrap_err();
        assert_eq!(nemo.renders().len(), renders);
        assert_eq!(matches!(error, Error::ExportBlocked(_)), renders == 1, "{error}");
    }
}
