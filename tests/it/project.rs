//! A conversation about one video: the three workflows against the embedded backend, and what a
//! program may rely on in each turn.

use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::TrackRole;
use nemovideo::local::{Frequency, LocalBackend};
use nemovideo::mock::{NemoMock, event};
use nemovideo::project::{
    BatchItem, Captions, Dispatched, JobProgress, Outcome, Project, Script, Suggestion, TurnEvent,
    VoiceChoice,
};
use nemovideo::protocol::Endpoint;
use nemovideo::{Aspect, Error, ErrorCode, NemoClient, RenderOutput};

fn client_of(backend: &LocalBackend) -> NemoClient {
    backend.client()
}

async fn backend(silent: Frequency) -> LocalBackend {
    LocalBackend::builder().silent_edits(silent).start().await.expect("a backend")
}

async fn project_of(backend: &LocalBackend) -> Project {
    client_of(backend).project("demo").language("en").await.expect("a project")
}

#[tokio::test]
async fn quick_edit_a_message_becomes_a_video() {
    let backend = backend(Frequency::Never).await;
    let project = project_of(&backend).await;
    let report =
        project.say("narrate: Tea came first. Then coffee.").await.unwrap().finish().await.unwrap();
    assert_eq!(report.outcome, Outcome::Replied);
    assert!(report.text.contains("2 sentences"), "{}", report.text);
    assert!(!report.text.contains("Click") && !report.text.contains("Export"), "{}", report.text);
    assert!(report.suggestions.contains(&Suggestion::Export), "{:?}", report.suggestions);
    assert_eq!(report.spent.unwrap().get(), 20.0);
    assert!(!report.changes.is_empty());

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tea.mp4");
    let file = project.export().save_to(&path).await.unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().len(), file.bytes);
}

#[tokio::test]
async fn iterative_editing_every_turn_reports_its_changes_even_without_text() {
    let backend = backend(Frequency::Always).await;
    let project = project_of(&backend).await;
    project.say("narrate: Tea came first. Then coffee.").await.unwrap().finish().await.unwrap();
    for (message, change) in [
        ("add a title 'Morning Brew'", "Morning Brew"),
        ("set the voiceover to 50%", "50"),
        ("remove the captions", "aption"),
        ("undo", "aption"),
    ] {
        let report = project.say(message).await.unwrap().finish().await.unwrap();
        assert_eq!(report.outcome, Outcome::Silent, "{message}: {}", report.text);
        assert!(report.text.is_empty(), "{message}: {}", report.text);
        assert!(report.summary().contains(change), "{message}: {}", report.summary());
    }
    let report = project.say("make it taste like tea").await.unwrap().finish().await.unwrap();
    assert!(report.changes.is_empty());
    assert!(!report.summary().is_empty());
    assert_eq!(report.spent.unwrap().get(), 0.0);
}

#[tokio::test]
async fn batch_a_failed_item_does_not_stop_the_rest() {
    let backend = backend(Frequency::Never).await;
    let project = project_of(&backend).await;
    let dir = tempfile::tempdir().unwrap();
    let out = |name: &str| dir.path().join(name);
    let script = out("two.txt");
    std::fs::write(&script, "The second one.").unwrap();
    let items = [
        BatchItem::new("narrate: The first one.", out("1.wav")),
        BatchItem::new("turn the uploaded script into a video", out("2.mp4")).upload(&script),
        BatchItem::new("narrate: …", out("3.wav")),
        BatchItem::new("narrate: The fourth one.", out("4.avi")),
        BatchItem::new("narrate: The fifth one.", out("5.wav")).upload(out("none.txt")),
        BatchItem::new("narrate: The last one.", out("6.m4a")),
    ];
    let mut results = Vec::new();
    let mut updates = project.batch(items);
    while let Some((index, progress)) = updates.next().await {
        if matches!(progress, Ok(JobProgress::Finished(_)) | Err(_)) {
            assert_eq!(index, results.len());
            results.push(progress);
        }
    }
    let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, true, false, false, false, true], "{results:?}");
    for name in ["1.wav", "2.mp4", "6.m4a"] {
        assert!(out(name).exists(), "{name}");
    }
    for name in ["3.wav", "4.avi", "5.wav"] {
        assert!(!out(name).exists(), "{name}");
    }
    // Three voiceovers were charged, and nothing else.
    assert_eq!(backend.counters().credits_taken.get(), 60.0);
}

#[tokio::test]
async fn a_turn_yields_tools_and_both_stages_in_order_and_ends_with_its_report() {
    let backend = backend(Frequency::Never).await;
    let project = project_of(&backend).await;
    let turn = project.say("narrate: Tea came first.").await.unwrap();
    let events: Vec<TurnEvent> = turn.map(Result::unwrap).collect().await;
    let position = |is_wanted: fn(&TurnEvent) -> bool| events.iter().position(is_wanted).unwrap();
    let started = position(
        |event| matches!(event, TurnEvent::ToolStarted { name } if name == "generate_voiceover"),
    );
    let finished = position(
        |event| matches!(event, TurnEvent::ToolFinished { name } if name == "generate_voiceover"),
    );
    let raw = position(|event| matches!(event, TurnEvent::RawClipReady));
    let post = position(|event| matches!(event, TurnEvent::PostProductionDone));
    assert!(started < finished && finished < raw && raw < post, "{events:?}");
    let Some(TurnEvent::Finished(report)) = events.last() else { panic!("{events:?}") };
    let text: String = events
        .iter()
        .filter_map(|event| match event {
            TurnEvent::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text.trim(), report.text);
    assert_eq!(text.matches("Your voiceover is ready").count(), 1, "{text}");
}

#[tokio::test]
async fn a_second_message_fails_or_is_queued_while_one_is_in_progress() {
    let backend = backend(Frequency::Never).await;
    let project = project_of(&backend).await;
    let first = project.say("narrate: Tea came first.").await.unwrap();
    let error = project.say("add a title 'Tea'").await.unwrap_err();
    assert!(matches!(error, Error::Busy) && error.is_retryable());

    let queued = tokio::spawn({
        let project = project.clone();
        async move { project.say("add a title 'Tea'").queued().await.unwrap().finish().await }
    });
    first.finish().await.unwrap();
    let report = queued.await.unwrap().unwrap();
    let draft = report.draft.unwrap();
    assert!(draft.tracks().any(|track| track.role() == Some(TrackRole::Title)));
    assert_eq!(backend.counters().messages_run, 2);
}

#[tokio::test]
async fn a_lost_session_is_replaced_only_if_nothing_is_lost_with_it() {
    // The session is empty: a new one is equivalent.
    let nemo = NemoMock::start().await;
    nemo.session("t", "lost").times(1);
    nemo.session("t", "found");
    nemo.credits(9.0, 0);
    nemo.fails(Endpoint::State, ErrorCode::SessionNotFound).times(1);
    nemo.state(None).times(2);
    nemo.fails(Endpoint::State, ErrorCode::SessionNotFound);
    nemo.stream([event::text("Hello.")]);
    let project = nemo.client().project("demo").await.unwrap();
    let report = project.say("hi").await.unwrap().finish().await.unwrap();
    assert_eq!((report.text.as_str(), project.session_id().as_str()), ("Hello.", "found"));
    assert_eq!(nemo.messages()[0].0, "found");

    // The session has content now, which a new one would lack.
    let error = project.say("and on").await.unwrap_err();
    assert!(matches!(error, Error::SessionNotFound(_)), "{error}");
    assert!(error.advice().contains("new session"), "{}", error.advice());
    assert_eq!(nemo.requests(Endpoint::Session).len(), 2);
    assert_eq!(nemo.messages().len(), 1);

    // The content of a resumed session is not known.
    let backend = backend(Frequency::Never).await;
    let other = client_of(&backend).project("demo").await.unwrap();
    let resumed = client_of(&backend).resume_project(other.session());
    assert!(matches!(resumed.say("undo").await, Err(Error::SessionNotFound(_))));
}

/// Starts a service that has lost the first session, as this endpoint reports, and knows the
/// second one.
async fn losing_the_first_session(endpoint: Endpoint) -> NemoMock {
    let nemo = NemoMock::start().await;
    nemo.session("t", "lost").times(1);
    nemo.session("t", "found");
    nemo.credits(9.0, 0);
    nemo.fails(endpoint, ErrorCode::SessionNotFound).times(1);
    nemo.upload([]);
    nemo.state(None);
    nemo.stream([event::text("Hello.")]);
    nemo
}

/// Returns a project with an upload, made with one of the three upload methods.
async fn project_with_upload(nemo: &NemoMock, method: usize) -> Project {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("script.txt");
    std::fs::write(&file, "Hello.").expect("a file");
    let project = nemo.client().project("demo").await.expect("a project");
    let upload = match method {
        0 => project.upload(&file).await,
        1 => project.upload_bytes("script.txt", "Hello.").await,
        _ => project.upload_urls(["https://example.com/a.mp4"]).await,
    };
    upload.expect("an upload");
    project
}

#[tokio::test]
async fn an_upload_to_an_empty_lost_session_opens_another() {
    for method in 0..3 {
        let nemo = losing_the_first_session(Endpoint::Upload).await;
        let project = project_with_upload(&nemo, method).await;
        assert_eq!(project.session_id().as_str(), "found", "{method}");
        assert_eq!(nemo.requests(Endpoint::Upload).len(), 2, "{method}");
    }
}

#[tokio::test]
async fn an_upload_that_is_built_and_dropped_leaves_the_session_unused() {
    let nemo = losing_the_first_session(Endpoint::State).await;
    let project = nemo.client().project("demo").await.expect("a project");
    drop(project.upload("script.txt"));
    drop(project.upload_bytes("script.txt", "Hello."));
    project.say("hello").await.expect("another session").finish().await.expect("a reply");
    assert_eq!(project.session_id().as_str(), "found");
    assert_eq!(nemo.requests(Endpoint::Upload).len(), 0);
}

#[tokio::test]
async fn a_lost_session_with_an_upload_is_not_replaced() {
    for method in 0..3 {
        let nemo = losing_the_first_session(Endpoint::State).await;
        let project = project_with_upload(&nemo, method).await;
        let error = project.say("use what I uploaded").await.unwrap_err();
        assert!(matches!(error, Error::SessionNotFound(_)), "{method}: {error}");
        assert!(nemo.messages().is_empty(), "{method}");
    }
}

#[tokio::test]
async fn a_message_is_routed_before_anything_is_sent() {
    let backend = backend(Frequency::Never).await;
    let project = project_of(&backend).await;
    assert!(matches!(project.dispatch("credits?").await.unwrap(), Dispatched::Credits(_)));
    assert!(matches!(project.dispatch("show tracks").await.unwrap(), Dispatched::State(None)));
    assert!(matches!(project.dispatch("upload").await.unwrap(), Dispatched::Upload(_)));
    let Dispatched::Export(export) = project.dispatch("导出竖屏视频").await.unwrap() else {
        panic!("an export")
    };
    let error = (*export).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    assert_eq!(backend.counters().messages_run, 0);

    let dispatched = project.dispatch("narrate: download our app").await.unwrap();
    let Dispatched::Turn(turn) = dispatched else { panic!("{dispatched:?}") };
    turn.finish().await.unwrap();
    let Dispatched::State(Some(draft)) = project.dispatch("status").await.unwrap() else {
        panic!("a state")
    };
    assert!(draft.summary().contains("download our app"), "{}", draft.summary());
}

#[tokio::test]
async fn a_locally_edited_draft_is_exported() {
    let backend = backend(Frequency::Never).await;
    let project = project_of(&backend).await;
    project.say("narrate: Tea came first. Then coffee.").await.unwrap().finish().await.unwrap();
    let mut draft = project.draft().await.unwrap().unwrap();
    draft.edit().trim_to(Duration::from_secs(1)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.wav");
    let export = project.export().output(RenderOutput::wav()).draft(draft).save_to(path);
    let length = export.await.unwrap().video.duration.unwrap();
    assert!(length < Duration::from_millis(1_100), "{length:?}");
}

#[tokio::test]
async fn a_voiceover_applies_every_option() {
    let backend = backend(Frequency::Never).await;
    let client = client_of(&backend);
    let dir = tempfile::tempdir().unwrap();
    let stages = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let recorder = std::sync::Arc::clone(&stages);
    let video = client
        .voiceover(Script::text("Der Tee war zuerst da.").unwrap())
        .voice(VoiceChoice::male("de-DE"))
        .pace(1.2)
        .aspect(Aspect::Square)
        .captions(Captions::Off)
        .title("Der \"Tee\"")
        .save_to(dir.path().join("tee.mp4"))
        .on_progress(move |stage| recorder.lock().unwrap().push(stage))
        .await
        .unwrap();
    assert_eq!(std::fs::metadata(&video.path).unwrap().len(), video.bytes);
    let roles: Vec<TrackRole> = video.draft.tracks().filter_map(|track| track.role()).collect();
    assert_eq!(roles, [TrackRole::Background, TrackRole::Voiceover, TrackRole::Title]);
    assert!(video.draft.to_json().contains(r#"Der \"Tee\""#), "{}", video.draft.to_json());
    assert!(video.draft.to_json().contains(r#""aspect":"1:1""#));
    let stages = stages.lock().unwrap();
    assert!(matches!(stages[0], JobProgress::SessionOpened(_)), "{stages:?}");
    assert!(matches!(stages.last(), Some(JobProgress::Downloading { .. })), "{stages:?}");
}

#[tokio::test]
async fn invalid_input_of_a_voiceover_is_an_error_before_anything_is_charged() {
    let backend = backend(Frequency::Never).await;
    let client = client_of(&backend);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("image.png"), "no script").unwrap();
    std::fs::write(path("fake.docx"), "no document").unwrap();
    std::fs::write(path("empty.txt"), "").unwrap();
    for name in ["image.png", "fake.docx", "empty.txt", "none.txt"] {
        assert!(Script::from_path(path(name)).is_err(), "{name}");
    }
    let hello = || Script::text("Hello.").unwrap();
    let invalid = [
        client.voiceover(hello()).save_to(path("x.avi")),
        client.voiceover(hello()).save_to(path("no").join("x.mp4")),
        client.voiceover(hello()).save_to(path("x.mp4")).pace(9.0),
        client.voiceover(hello()).save_to(path("x.mp4")).music(path("image.png")),
        client.voiceover(hello()).save_to(path("x.mp4")).music(path("none.mp3")),
        client.voiceover(hello()).save_to(path("x.mp4")).language("tlh"),
        client.voiceover(Script::text("你好").unwrap()).save_to(path("x.mp4")),
    ];
    for (index, voiceover) in invalid.into_iter().enumerate() {
        let error = voiceover.await.unwrap_err();
        assert!(!error.to_string().is_empty() && !error.advice().is_empty(), "{index}");
    }
    assert_eq!(backend.counters().credits_taken.get(), 0.0);
    assert!(!path("x.mp4").exists());
}
