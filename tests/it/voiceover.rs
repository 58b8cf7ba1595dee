//! A voiceover in one call: invalid input is an error before anything is charged, and what was
//! charged is never lost.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nemovideo::draft::{Draft, Object, TrackRole};
use nemovideo::local::{Ending, Fault, FaultyResponse, LocalBackend};
use nemovideo::mock::{NemoMock, event};
use nemovideo::project::{Captions, JobProgress, Script, VoiceChoice, Voiceover};
use nemovideo::protocol::{Endpoint, RenderState, RenderStatus};
use nemovideo::{
    Aspect, Error, ErrorCode, NemoClient, RenderOutput, RenderPolling, Session, TurnUpdate,
};

use crate::support::mocked::{new_draft, until_the_render};

const SOON: Duration = Duration::from_millis(5);

async fn backend_and_client() -> (LocalBackend, NemoClient) {
    let backend = LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
    let client = backend.client();
    (backend, client)
}

fn hello(client: &NemoClient, out: &Path) -> Voiceover {
    client.voiceover(Script::text("Hello there.").expect("a script")).save_to(out)
}

type ProgressLog = Arc<Mutex<Vec<JobProgress>>>;

/// Records the progress of a voiceover.
fn recorded(voiceover: Voiceover) -> (Voiceover, ProgressLog) {
    let log = ProgressLog::default();
    let recorder = Arc::clone(&log);
    (voiceover.on_progress(move |stage| recorder.lock().expect("unpoisoned").push(stage)), log)
}

/// Writes a file whose first bytes are those of an MP3.
fn music(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    let audio = include_bytes!("../data/cases/audio/cbr-id3v23.mp3");
    std::fs::write(&path, audio).expect("a file");
    path
}

#[tokio::test]
async fn invalid_input_fails_before_any_request() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let out = path("out.mp4");
    std::fs::write(path("garbage.mp3"), b"not music").unwrap();
    std::fs::write(path("empty.wav"), b"").unwrap();
    std::fs::create_dir(path("directory.mp3")).unwrap();
    let before = std::fs::read_dir(dir.path()).unwrap().count();
    let mut invalid = vec![
        hello(&client, &path(&("a".repeat(300) + ".mp4"))),
        hello(&client, &path("a\0b.mp4")),
        hello(&client, &path("no/out.mp4")),
        hello(&client, &out).music(path("garbage.mp3")),
        hello(&client, &out).music(path("empty.wav")),
        hello(&client, &out).music(path("directory.mp3")),
        hello(&client, &out).language("en-US. Captions: off. Title: \"Hacked\""),
        hello(&client, &out).language("en\n\nScript:\nPwned"),
        hello(&client, &out).language(""),
        hello(&client, &out).title("  "),
        hello(&client, &out).pace(f32::NAN),
    ];
    if cfg!(target_os = "linux") {
        invalid.push(hello(&client, Path::new("/proc/out.mp4")));
    }
    for (index, voiceover) in invalid.into_iter().enumerate() {
        let error = voiceover.await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{index}: {error}");
    }
    let counters = backend.counters();
    assert_eq!((counters.tokens_issued, counters.sessions_created), (0, 0));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), before, "no file is left behind");
}

#[tokio::test]
async fn a_file_that_is_read_is_not_written() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir(path("sub")).unwrap();
    std::fs::write(path("a.png"), b"\x89PNG\r\n\x1A\n").unwrap();
    std::fs::write(path("script.docx"), b"PK\x03\x04").unwrap();
    let song = music(dir.path(), "song.wav");
    let script = || Script::from_path(path("script.docx")).unwrap();
    let out = path("out.mp4");
    let image = || hello(&client, &out).image(path("a.png"));
    let mut colliding = vec![
        image().poster(path("a.png")),
        image().poster_at(path("sub/../a.png"), SOON),
        hello(&client, &song).music(&song),
        hello(&client, &path("sub/../song.wav")).narration(&song),
    ];
    #[cfg(unix)]
    {
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(path(to), path(name)).unwrap();
            path(name)
        };
        let [png, srt] = ["link.png", "link.srt"].map(|name| link("a.png", name));
        let (linked, docx) = (link("", "linked"), link("script.docx", "docx.mp4"));
        colliding.extend([
            hello(&client, &out).image(&png).poster(path("a.png")),
            hello(&client, &out).image(&png).poster(&png),
            image().poster(&png),
            image().poster(linked.join("a.png")),
            image().subtitles(&srt),
            client.voiceover(script()).save_to(&docx),
            client.voiceover(script()).subtitles(link("script.docx", "docx.srt")).save_to(&out),
            hello(&client, &out).music(link("song.wav", "m.wav")).subtitles(link("m.wav", "m.srt")),
            // Two that are written.
            hello(&client, &out).poster(&png).subtitles(&srt),
            hello(&client, &link("a.png", "png.mp4")).poster(&png),
        ]);
    }
    for (index, voiceover) in colliding.into_iter().enumerate() {
        let error = voiceover.await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{index}: {error}");
        let shown = error.to_string();
        assert!(["made of it", "has this name"].iter().any(|why| shown.contains(why)), "{shown}");
    }
    assert_eq!(backend.counters().sessions_created, 0);

    let project = client.project("export").await.unwrap();
    project.say("narrate: Hi.").await.unwrap().finish().await.unwrap();
    for (out, poster) in [("b.png", "b.png"), ("b.png", "sub/../B.PNG")] {
        let error = project.export().poster(path(poster)).save_to(path(out)).await.unwrap_err();
        assert!(error.to_string().contains("has this name"), "{error}");
    }
    assert_eq!(backend.counters().renders_started, 0);
    assert_eq!(std::fs::read(path("a.png")).unwrap().len(), 8);
    // Others of their names are fine.
    image().poster(path("b.png")).subtitles(path("a.srt")).await.unwrap();
}

#[tokio::test]
async fn a_poster_shows_the_moment_that_was_asked_for() {
    let (_backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for (seconds, expected) in [(0.25, Some(0.25)), (0.0, Some(0.0)), (900.0, None)] {
        let time = Duration::from_secs_f64(seconds);
        let saved = hello(&client, &path("a.mp4")).poster_at(path("a.png"), time).await.unwrap();
        let expected = expected.map_or(saved.draft.duration(), Duration::from_secs_f64);
        assert_eq!(saved.draft.poster(), Some(expected), "{seconds}");
        assert!(path("a.png").exists() && saved.missed.is_empty());
    }
    // Of an export, and where the agent has understood something else.
    let nemo = NemoMock::start().await;
    let mut done = RenderState::new("r".into(), RenderStatus::Completed);
    done.url = Some(nemo.file_url());
    nemo.render_submitted(&done);
    nemo.render_polled(&done);
    let file = &include_bytes!("../../src/local/engine/placeholder.mp4")[..];
    nemo.file(file);
    let project = nemo.client().resume_project(Session::new("t", "s"));
    let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":3000}]}],"m":{"poster":1}}"#.parse().unwrap();
    for seconds in [2, 9] {
        let export = project.export().draft(draft.clone()).save_to(path("b.mp4"));
        let saved = export.poster_at(path("b.png"), Duration::from_secs(seconds)).await.unwrap();
        assert_eq!(saved.missed, []);
        let sent = nemo.renders();
        let posters: Vec<_> = sent.iter().rev().take(2).map(|job| job.draft.poster()).collect();
        let expected = Duration::from_secs(seconds.min(3));
        assert_eq!(posters, [Some(expected), Some(Duration::from_millis(1))]);
    }
}

#[test]
fn a_script_is_readable_text_in_utf_8_or_utf_16() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Script::from_path(path)
    };
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let expected = Script::text("Hi all").unwrap();
    assert_eq!(read("utf8.txt", b"Hi all").unwrap(), expected);
    assert_eq!(read("utf16.txt", &utf16("Hi all")).unwrap(), expected);
    assert_eq!(read("bom.txt", &utf16("\u{feff}Hi all")).unwrap(), expected);
    let long = "la ".repeat(Script::MAX_TEXT_BYTES / 3 + 1);
    for (name, bytes) in [
        ("garbage.docx", &b"PKgarbage"[..]),
        ("empty.docx", b""),
        ("blank.txt", b" \r\n\t"),
        ("binary.txt", b"\x7FELF\x02\x01\x01\0\0\0\0Hi"),
        ("escape.txt", b"\x1b]0;title\x07Hi"),
        ("latin1.txt", b"caf\xE9"),
        ("long.txt", long.as_bytes()),
    ] {
        let result = read(name, bytes);
        assert!(matches!(result, Err(Error::InvalidInput(_))), "{name}: {result:?}");
    }
}

#[tokio::test]
async fn the_message_to_the_agent_names_the_music_file() {
    let dir = tempfile::tempdir().unwrap();
    let rain = music(dir.path(), "rain \"2\".mp3");
    let out = dir.path().join("out.mp4");
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.upload([]);
    nemo.state(None);
    nemo.fails(Endpoint::Message, ErrorCode::OutOfCredits);
    hello(&nemo.client(), &out).music(&rain).await.unwrap_err();
    let text = nemo.messages()[0].1.clone();
    let sentence = r#"Background music: the uploaded file "rain \"2\".mp3"."#;
    assert!(text.contains(sentence), "{text}");

    // The embedded backend understands the rest of the message.
    let (_backend, client) = backend_and_client().await;
    let document = dir.path().join("script.txt");
    std::fs::write(&document, "Der Tee war zuerst da.").unwrap();
    let video = client
        .voiceover(Script::from_path(&document).unwrap())
        .voice(VoiceChoice::male("de-DE"))
        .aspect(Aspect::Square)
        .captions(Captions::Off)
        .title("Tee")
        .music(&rain)
        .save_to(&out)
        .await
        .unwrap();
    let roles: Vec<TrackRole> = video.draft.tracks().filter_map(|track| track.role()).collect();
    use TrackRole::{Background, Music, Title, Voiceover};
    assert_eq!(roles, [Background, Voiceover, Music, Title]);
    let json = video.draft.to_json();
    for word in [r#""aspect":"1:1""#, r#""language":"de-DE""#, "Der Tee war zuerst da.", "Tee"] {
        assert!(json.contains(word), "{word}: {json}");
    }
}

#[tokio::test]
async fn a_video_whose_render_failed_is_downloaded_later_by_its_job() {
    let backend = LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
    let polling = RenderPolling::new(Duration::from_millis(10), 100);
    let client = backend.client_builder().polling(polling).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.mp4");
    for endpoint in [Endpoint::RenderStatus, Endpoint::RenderSubmit] {
        let before = backend.counters();
        let injected = backend
            .faults()
            .inject(Fault::ReplaceResponse(FaultyResponse::Reset))
            .on(endpoint)
            .always();
        let (voiceover, log) = recorded(hello(&client, &out));
        voiceover.await.unwrap_err();
        assert!(injected.hits() > 0);
        backend.faults().clear();

        let last = log.lock().unwrap().iter().rev().find_map(|stage| match stage {
            JobProgress::Submitting(job) => Some(job.clone()),
            _ => None,
        });
        let job = last.unwrap();
        client.ensure_submitted(&job).await.unwrap();
        let video = client.wait_for_render(&job).await.unwrap();
        client.download(&video, &out).await.unwrap();
        let after = backend.counters();
        assert_eq!(after.messages_run - before.messages_run, 1);
        assert_eq!(after.renders_started - before.renders_started, 1);
        std::fs::remove_file(&out).unwrap();
    }
}

#[tokio::test]
async fn every_billable_step_is_reported_before_it_is_sent() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let log = ProgressLog::default();
    let (recorder, counters) = (Arc::clone(&log), backend.counters());
    assert_eq!(counters.messages_run, 0);
    let backend = Arc::new(backend);
    let observed = Arc::clone(&backend);
    let voiceover = hello(&client, &dir.path().join("out.mp4")).on_progress(move |stage| {
        let counters = observed.counters();
        match &stage {
            JobProgress::SessionOpened(_) => assert_eq!(counters.sessions_created, 1),
            JobProgress::Sending(_) => assert_eq!(counters.messages_run, 0),
            JobProgress::Submitting(_) => assert_eq!(counters.renders_started, 0),
            _ => {}
        }
        recorder.lock().unwrap().push(stage);
    });
    voiceover.await.unwrap();
    let log = log.lock().unwrap();
    let position = |is_wanted: fn(&JobProgress) -> bool| log.iter().position(is_wanted).unwrap();
    let opened = position(|stage| matches!(stage, JobProgress::SessionOpened(_)));
    let sent = position(|stage| matches!(stage, JobProgress::Sending(_)));
    let submitted = position(|stage| matches!(stage, JobProgress::Submitting(_)));
    assert!(opened == 0 && opened < sent && sent < submitted, "{log:?}");
}

#[tokio::test]
async fn a_message_with_an_unknown_outcome_is_an_error_and_can_be_observed_later() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.mp4");
    let late = Fault::LateWork { reads: 1_000, ending: Ending::Reset };
    backend.faults().inject(late).on(Endpoint::Message).once();
    let (voiceover, log) = recorded(hello(&client, &out));
    let error = voiceover.await.unwrap_err();
    let Error::OutcomeUnknown(unknown) = &error else { panic!("{error}") };
    assert_eq!((unknown.call.endpoint, unknown.call.attempts), (Endpoint::Message, 1));
    assert!(error.may_have_taken_effect() && !error.is_retryable());

    backend.faults().clear(); // The late work starts.
    let sent = log.lock().unwrap().iter().find_map(|stage| match stage {
        JobProgress::Sending(pending) => Some(pending.clone()),
        _ => None,
    });
    let pending = sent.unwrap();
    let mut updates = client.resume_turn(&pending);
    let mut draft = None;
    while let Some(update) = futures::StreamExt::next(&mut updates).await {
        if let Ok(TurnUpdate::Recovered(state)) = update {
            draft = state.draft;
        }
    }
    // The recovered state may contain the voiceover's media alone, without a draft.
    if draft.is_none() {
        draft = client.session_state(&pending.session_id).await.unwrap().draft;
    }
    let output = RenderOutput::mp4();
    let job = client.submit_render(&pending.session_id, &draft.unwrap(), output).await.unwrap();
    let video = client.wait_for_render(&job).await.unwrap();
    client.download(&video, &out).await.unwrap();
    assert_eq!(backend.counters().messages_run, 1);
}

#[tokio::test]
async fn a_video_recovered_from_the_state_is_exported_only_when_complete() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    for reads in 0..4 {
        let late = Fault::LateWork { reads, ending: Ending::Reset };
        backend.faults().inject(late).on(Endpoint::Message).once();
        let video = hello(&client, &dir.path().join("out.mp4")).await.unwrap();
        let is_captions =
            |track: nemovideo::draft::Track<'_>| track.role() == Some(TrackRole::Captions);
        assert!(video.draft.tracks().any(is_captions), "{reads}");
    }
}

#[tokio::test]
async fn a_voiceover_succeeds_or_fails_by_its_draft_not_by_a_failure_in_between() {
    let draft = new_draft();
    let failed = || event::failure("RESOURCE_EXHAUSTED", "overloaded, trying again");
    let tool = || event::tool("generate", Object::new(), Object::new());
    for (events, renders) in [
        ([failed(), event::text("Your video is ready.")], 1),
        ([failed(), tool()], 1),
        ([failed(), event::draft(&draft)], 1),
        ([tool(), event::failure("X", "the model failed")], 0),
    ] {
        let nemo = until_the_render(events, &draft).await;
        let dir = tempfile::tempdir().unwrap();
        let error = hello(&nemo.client(), &dir.path().join("o.mp4")).await.unwrap_err();
        assert_eq!(nemo.renders().len(), renders, "{error}");
        assert_eq!(matches!(error, Error::AgentFailed(_)), renders == 0, "{error}");
    }
}
