//! A voiceover or an export in the hands of a service: its progress is shown to whoever asks, also late, it is
//! ended at any moment and continued without another charge, and it is written to anything.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::error::Interruption;
use nemovideo::local::{Fault, FaultyResponse, LocalBackend};
use nemovideo::project::{JobHandle, JobProgress, JobStage, Script, Voiceover};
use nemovideo::protocol::Endpoint;
use nemovideo::{Credits, Error, NemoClient, RenderPolling, TurnRecovery};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_millis(5);

struct Setup {
    backend: LocalBackend,
    client: NemoClient,
    dir: TempDir,
}

impl Setup {
    async fn new() -> Self {
        let backend = LocalBackend::builder().placeholder_videos().credits(Credits::new(1e6));
        let backend = backend.start().await.unwrap();
        let client = NemoClient::builder()
            .base_url(backend.url())
            .in_memory_credentials()
            .polling(RenderPolling::new(SOON, 2_000))
            .recovery(TurnRecovery::new(SOON, SOON, 100))
            .build()
            .unwrap();
        Self { backend, client, dir: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out.mp4")
    }

    fn hello(&self) -> Voiceover {
        self.client.voiceover("Hello there.").save_to(self.out())
    }

    /// Lets every look at a render fail.
    fn hide_renders(&self) {
        let reset = Fault::ReplaceResponse(FaultyResponse::Reset);
        self.backend.faults().inject(reset).on(Endpoint::RenderStatus).always();
    }

    fn messages(&self) -> u64 {
        self.backend.counters().messages_run
    }
}

#[tokio::test]
async fn a_subscriber_that_comes_late_sees_the_latest_update_at_once_and_then_the_rest() {
    let setup = Setup::new().await;
    let handle = JobHandle::new();
    let mut early = handle.subscribe();
    let mut steps = setup.hello().handle(&handle).into_stream();
    let mut late = None;
    let mut shown = Vec::new();
    while let Some(step) = steps.next().await {
        shown.push(serde_json::to_value(step.unwrap()).unwrap());
        let update = serde_json::to_value(handle.latest().unwrap()).unwrap();
        assert_eq!(update["progress"], *shown.last().unwrap(), "the handle knows it before");
        if late.is_none() && shown.last().unwrap()["stage"] == "submitting" {
            late = Some((handle.subscribe(), shown.len() - 1));
        }
    }
    drop(steps);
    let (mut late, from) = late.unwrap();
    for (updates, from) in [(&mut early, 0), (&mut late, from)] {
        let (mut seen, mut percent) = (Vec::new(), 0.0);
        while let Some(update) = updates.next().await {
            assert!(update.percent >= percent, "{update:?}");
            percent = update.percent;
            seen.push(serde_json::to_value(update.progress.unwrap()).unwrap());
        }
        assert_eq!((percent, seen.as_slice()), (100.0, &shown[from..]));
    }
    // After the end there is the end alone.
    let after: Vec<_> = handle.subscribe().collect().await;
    let form = serde_json::to_value(&after[0]).unwrap();
    assert_eq!((after.len(), &form["percent"], &form["item"]), (1, &json!(100.0), &json!(0)));
    assert_eq!(form["progress"]["path"], setup.out().display().to_string());
    assert_eq!(form["progress"]["stage"], "finished");
}

#[tokio::test]
async fn an_error_is_an_update_too() {
    let setup = Setup::new().await;
    let handle = JobHandle::new();
    setup.client.voiceover("…").handle(&handle).await.unwrap_err();
    let form: Value = serde_json::to_value(handle.latest().unwrap()).unwrap();
    assert_eq!((&form["percent"], &form["error"]["may_be_charged"]), (&json!(0.0), &json!(false)));
    assert!(form["error"]["message"].as_str().unwrap().contains("no words"), "{form}");
    assert!(form.get("progress").is_none(), "{form}");
}

#[tokio::test]
async fn a_voiceover_that_is_cancelled_at_any_step_continues_and_is_charged_once() {
    let setup = Setup::new().await;
    for steps in 0.. {
        let before = setup.messages();
        let handle = JobHandle::new();
        let (cancel, seen) = (handle.clone(), Arc::new(Mutex::new(0)));
        if steps == 0 {
            handle.cancel();
        }
        let ended = setup.hello().handle(&handle).on_progress(move |_| {
            let mut seen = seen.lock().unwrap();
            *seen += 1;
            if *seen == steps {
                cancel.cancel();
            }
        });
        let error = match ended.await {
            Ok(_) => {
                assert!(steps > 10, "{steps} steps");
                break;
            }
            Err(error) => error,
        };
        let Error::Interrupted(interrupted) = &error else { panic!("{steps}: {error}") };
        assert_eq!(interrupted.why, Interruption::Cancelled);
        let stage = JobStage::after(&error).unwrap();
        assert_eq!(error.may_have_taken_effect(), stage != JobStage::Waiting, "{steps}: {error}");
        let stage: JobStage = serde_json::from_value(serde_json::to_value(stage).unwrap()).unwrap();
        let video = setup.hello().resume(stage).await.unwrap();
        assert_eq!(std::fs::metadata(&video.path).unwrap().len(), video.bytes);
        assert_eq!(setup.messages() - before, 1, "{steps}: {error}");
        std::fs::remove_file(&video.path).unwrap();
    }
}

#[tokio::test]
async fn what_was_charged_is_reported_and_the_render_is_cancelled_on_request() {
    for cancels in [false, true] {
        let setup = Setup::new().await;
        setup.hide_renders();
        let voiceover = if cancels { setup.hello().cancel_render() } else { setup.hello() };
        let handle = JobHandle::new();
        let cancel = handle.clone();
        let voiceover = voiceover.handle(&handle).on_progress(move |progress| {
            if matches!(progress, JobProgress::PollMissed { .. }) {
                cancel.cancel();
            }
        });
        let error = voiceover.await.unwrap_err();
        let Error::Interrupted(interrupted) = &error else { panic!("{error}") };
        assert!(interrupted.spent.unwrap().get() > 0.0 && interrupted.pending.is_none(), "{error}");
        assert_eq!(setup.backend.counters().requests(Endpoint::RenderCancel), u64::from(cancels));
        let job = interrupted.job.as_ref().unwrap();
        assert_eq!(interrupted.cancelled.is_some(), cancels);
        assert_ne!(interrupted.cancelled.as_ref(), Some(&job.id));
        assert_eq!(handle.stage(), JobStage::Rendering(job.clone()));

        setup.backend.faults().clear();
        setup.hello().resume(handle.stage()).await.unwrap();
        let counters = setup.backend.counters();
        assert_eq!((counters.messages_run, counters.renders_started), (1, 1 + u64::from(cancels)));
    }
}

#[tokio::test]
async fn a_deadline_during_the_message_leaves_what_observes_it() {
    let setup = Setup::new().await;
    let lost = Fault::DropResponse(FaultyResponse::Stall);
    setup.backend.faults().inject(lost).on(Endpoint::Message).once();
    // Longer where the machine is too busy to send it in time.
    let mut deadline = Duration::from_secs(1);
    let stage = loop {
        let error = setup.hello().deadline(deadline).await.unwrap_err();
        assert!(error.to_string().starts_with("the deadline passed"), "{error}");
        match JobStage::after(&error).unwrap() {
            JobStage::Waiting => deadline *= 2,
            stage => break stage,
        }
    };
    assert!(matches!(stage, JobStage::Message(_)), "{stage:?}");
    setup.hello().resume(stage).await.unwrap();
    assert_eq!(setup.messages(), 1);
}

#[tokio::test]
async fn a_token_cancels_as_a_handle_does_and_a_saved_video_is_not_taken_back() {
    let setup = Setup::new().await;
    let token = CancellationToken::new();
    token.cancel();
    let error = setup.hello().cancel_with(token).await.unwrap_err();
    assert!(error.to_string().contains("before anything was charged"), "{error}");
    assert_eq!(setup.backend.counters().requests(Endpoint::Session), 0);

    // The video is there before its subtitles and its poster.
    let token = CancellationToken::new();
    let cancel = token.clone();
    let srt = setup.dir.path().join("out.srt");
    let poster = setup.dir.path().join("out.png");
    let voiceover = setup.hello().cancel_with(token).subtitles(&srt).poster(&poster);
    let video = voiceover.on_progress(move |progress| {
        if matches!(progress, JobProgress::FileDone { .. }) {
            cancel.cancel();
        }
    });
    let video = video.await.unwrap();
    assert!(video.path.exists() && video.subtitles.is_some() && srt.exists());
    assert_eq!(video.missed.len(), usize::from(video.poster.is_none()));
}

#[tokio::test]
async fn an_export_is_shown_cancelled_and_continued_as_a_voiceover_is() {
    let setup = Setup::new().await;
    let project = setup.client.project("export").await.unwrap();
    project.say("narrate: Hello there.").await.unwrap().finish().await.unwrap();
    let export = || project.export().save_to(setup.out());
    let renders = || setup.backend.counters().renders_started;

    let handle = JobHandle::new();
    let mut updates = handle.subscribe();
    let mut steps = export().handle(&handle).into_stream();
    let mut percents = Vec::new();
    while let Some(step) = steps.next().await {
        step.unwrap();
        percents.push(updates.next().await.unwrap().percent);
    }
    assert!(percents.is_sorted(), "{percents:?}");
    assert_eq!((percents.first(), percents.last()), (Some(&0.0), Some(&100.0)));

    // At any step, and continued with the same render.
    for steps in 0.. {
        let before = renders();
        let handle = JobHandle::new();
        let mut ended = export().handle(&handle).into_stream();
        let mut seen = 0;
        let error = loop {
            if seen == steps {
                handle.cancel();
            }
            match ended.next().await.unwrap() {
                Ok(JobProgress::Finished(_)) => break None,
                Ok(_) => seen += 1,
                Err(error) => break Some(error),
            }
        };
        let Some(error) = error else {
            assert!(steps > 2, "{steps} steps");
            break;
        };
        let Error::Interrupted(interrupted) = &error else { panic!("{steps}: {error}") };
        assert_eq!((interrupted.why, interrupted.spent), (Interruption::Cancelled, None));
        let stage = JobStage::after(&error).unwrap();
        assert_eq!(stage, handle.stage());
        let video = export().resume(stage).await.unwrap();
        assert_eq!(std::fs::metadata(&video.path).unwrap().len(), video.bytes);
        assert_eq!(renders() - before, 1, "{steps}: {error}");
    }
    assert_eq!(setup.messages(), 1);
}

#[tokio::test]
async fn an_export_ends_at_its_deadline_and_may_take_its_render_with_it() {
    let setup = Setup::new().await;
    let project = setup.client.project("export").await.unwrap();
    project.say("narrate: Hello there.").await.unwrap().finish().await.unwrap();
    let export = || project.export().save_to(setup.out());
    let error = export().deadline(Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("before anything was charged"), "{error}");

    setup.hide_renders();
    let token = CancellationToken::new();
    let cancel = token.clone();
    let hidden = export().cancel_with(token).cancel_render().on_progress(move |progress| {
        if matches!(progress, JobProgress::PollMissed { .. }) {
            cancel.cancel();
        }
    });
    let error = hidden.await.unwrap_err();
    let Error::Interrupted(interrupted) = &error else { panic!("{error}") };
    assert!(interrupted.cancelled.is_some() && interrupted.job.is_some(), "{error}");
    assert_eq!(setup.backend.counters().requests(Endpoint::RenderCancel), 1);
    setup.backend.faults().clear();

    let resumed = export().resume(JobStage::after(&error).unwrap());
    let (video, bytes) = resumed.save_to("talk.mp4").bytes().await.unwrap();
    assert_eq!((video.path.as_path(), video.bytes), (Path::new("talk.mp4"), bytes.len() as u64));
    let mut written = Vec::new();
    let video = project.export().save_to("a.wav").write_to(&mut written).await.unwrap();
    assert!(written.starts_with(b"RIFF") && video.bytes == written.len() as u64);
    assert!(!setup.out().exists() && !Path::new("a.wav").exists());
}

#[tokio::test]
async fn a_message_is_sent_only_with_the_required_credits() {
    let setup = Setup::new().await;
    let error = setup.hello().require_credits(Credits::new(1e7)).await.unwrap_err();
    assert!(matches!(error, Error::OutOfCredits(_)) && !error.may_have_taken_effect(), "{error}");
    assert!(error.to_string().contains("10000000 are required"), "{error}");
    assert_eq!(setup.backend.counters().requests(Endpoint::Message), 0);
    setup.hello().require_credits(Credits::new(1e6)).await.unwrap();
    assert_eq!(setup.messages(), 1);
}

#[tokio::test]
async fn a_text_and_a_path_are_scripts_that_are_checked_when_they_are_used() {
    let setup = Setup::new().await;
    assert_eq!(Script::from("Hi."), Script::text("Hi.").unwrap());
    let path = setup.dir.path().join("script.txt");
    for error in [
        setup.client.voiceover("").await.unwrap_err(),
        setup.client.voiceover(String::from(" … ")).scene("More.", "no.png").await.unwrap_err(),
        setup.client.voiceover(path.as_path()).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::InvalidInput(_) | Error::Io { .. }), "{error}");
    }
    assert_eq!(setup.backend.counters().all_requests(), 0);
    let voiceover = setup.client.voiceover(path.clone()).save_to(setup.out());
    std::fs::write(&path, "Read when it is used.").unwrap();
    let video = voiceover.await.unwrap();
    assert!(video.draft.to_json().contains("Read when it is used."));
}

#[tokio::test]
async fn a_video_is_written_to_anything() {
    let setup = Setup::new().await;
    let (video, bytes) = setup.hello().bytes().await.unwrap();
    assert_eq!((video.path.as_path(), video.bytes), (Path::new("out.mp4"), bytes.len() as u64));
    assert_eq!(&bytes[4..8], b"ftyp");
    let mut written = Vec::new();
    let video = setup.client.voiceover("Hello.").save_to("a.wav").write_to(&mut written).await;
    assert_eq!(video.unwrap().bytes, written.len() as u64);
    assert!(written.starts_with(b"RIFF"));
    assert_eq!(std::fs::read_dir(setup.dir.path()).unwrap().count(), 0);
    assert!(!Path::new("a.wav").exists());

    // A writer that fails takes nothing with it that was paid for.
    let (closed, writer) = tokio::io::duplex(1);
    drop(closed);
    let handle = JobHandle::new();
    let failed = setup.hello().handle(&handle).write_to(writer).await.unwrap_err();
    assert!(matches!(failed, Error::Io { .. }), "{failed}");
    let (_, bytes) = setup.hello().resume(handle.stage()).bytes().await.unwrap();
    assert_eq!((&bytes[4..8], setup.messages()), (&b"ftyp"[..], 3));
}
