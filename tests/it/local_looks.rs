//! Looks and sounds over the protocol: what the user asks for is in the draft, and in the files.

use std::path::Path;
use std::time::Duration;

use nemovideo::draft::{CaptionMode, CaptionPosition, CaptionSize, CaptionStyle, Draft, TrackRole};
use nemovideo::local::LocalBackend;
use nemovideo::project::{Captions, Dispatched, Intent, JobProgress, Project, Script};
use nemovideo::{Error, NemoClient};

const SCRIPT: &str = "# The sky\nThe sky is blue.\n\nThere is a reason for that.\n\n# The sea\nThe sea is blue as well.";

async fn backend_and_client() -> (LocalBackend, NemoClient) {
    let backend = LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
    let client = backend.client();
    (backend, client)
}

async fn say(project: &Project, message: &str) -> Draft {
    project.say(message).await.unwrap().finish().await.unwrap();
    project.draft().await.unwrap().expect("a draft")
}

fn style(draft: &Draft) -> CaptionStyle {
    let captions = draft.tracks().find(|track| track.role() == Some(TrackRole::Captions));
    captions.expect("captions").caption_style()
}

fn chapters(draft: &Draft) -> Vec<(u128, &str)> {
    draft.chapters().map(|it| (it.start().as_millis(), it.text().unwrap_or_default())).collect()
}

fn file(dir: &Path, name: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    let bytes: &[u8] = match name.ends_with("png") {
        true => b"\x89PNG\r\n\x1A\n",
        false => include_bytes!("../data/cases/audio/cbr-id3v23.mp3"),
    };
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn looks_are_understood_in_both_languages_and_survive_other_edits() {
    let (_backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let project = client.project("looks").await.unwrap();
    project.upload(file(dir.path(), "song.mp3")).await.unwrap();
    project.upload(file(dir.path(), "photo.png")).await.unwrap();
    let draft = say(&project, &format!("narrate with boxed captions: {SCRIPT}")).await;
    assert_eq!(style(&draft), CaptionStyle::boxed());
    let titles: Vec<_> = chapters(&draft).into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles, ["The sky", "The sea"]);
    let music = |draft: &Draft| {
        let track = draft.tracks().find(|track| track.role() == Some(TrackRole::Music)).unwrap();
        let segment = track.segments().next().unwrap();
        (segment.is_ducked(), segment.fade_out().as_millis())
    };
    assert_eq!(music(&draft).0, Some(true));

    let draft = say(&project, "字幕大一点").await;
    assert_eq!(style(&draft), CaptionStyle::boxed().size(CaptionSize::Large));
    let draft = say(&project, "captions word by word, captions at the top").await;
    assert_eq!(style(&draft).mode, CaptionMode::Words);
    assert_eq!(style(&draft).position, CaptionPosition::Top);
    // Captions of another shape keep their style.
    let draft = say(&project, "make it portrait").await;
    assert_eq!((style(&draft).mode, style(&draft).size), (CaptionMode::Words, CaptionSize::Large));
    let draft = say(&project, "do not duck the music, fade the music out over 1 second").await;
    assert_eq!(music(&draft), (Some(false), 1000));

    let draft = say(&project, "第二段用photo.png").await;
    let background = draft.tracks().next().unwrap();
    let scenes: Vec<_> = background.segments().map(|s| (s.name(), s.start(), s.end())).collect();
    assert_eq!(scenes.len(), 3, "{scenes:?}");
    assert_eq!(scenes[1].0, Some("photo.png"));
    assert!(scenes[0].2 == scenes[1].1 && scenes[1].2 == scenes[2].1, "{scenes:?}");
    assert_eq!((scenes[0].1, scenes[2].2), (Duration::ZERO, draft.duration()));
    // Spoken slower, the image is still that of the second paragraph, and longer.
    let slower = say(&project, "slower").await;
    let longer: Vec<_> = slower
        .tracks()
        .next()
        .unwrap()
        .segments()
        .map(|s| (s.name(), s.start(), s.end()))
        .collect();
    assert_eq!(longer.len(), 3, "{longer:?}");
    assert!(longer[1].2 - longer[1].1 > scenes[1].2 - scenes[1].1, "{longer:?}");

    let draft = say(&project, "add a chapter 'Middle' at 2 seconds, poster at 1 second").await;
    assert_eq!(draft.poster(), Some(Duration::from_secs(1)));
    assert!(chapters(&draft).contains(&(2000, "Middle")), "{:?}", chapters(&draft));
    let before = chapters(&draft).len();
    let cut = say(&project, "cut the first 1 second").await;
    assert!(chapters(&cut).contains(&(1000, "Middle")), "{:?}", chapters(&cut));
    assert_eq!(chapters(&cut).len(), before);
    let draft = say(&project, "use song.mp3 as the narration").await;
    let voice = draft.tracks().find(|track| track.role() == Some(TrackRole::Voiceover)).unwrap();
    assert_eq!((voice.segments().len(), voice.name()), (1, Some("song.mp3")));
    assert!(draft.to_srt().is_some_and(|srt| srt.contains("The sky is blue.")));
    let report =
        project.say("use none.png for the second paragraph").await.unwrap().finish().await.unwrap();
    assert!(report.text.contains("none.png"), "{}", report.text);
    assert_eq!(report.spent.map_or(0.0, |spent| spent.get()), 0.0);
}

#[tokio::test]
async fn a_recording_has_the_sentences_of_its_script() {
    let (_backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let project = client.project("recorded").await.unwrap();
    project.upload(file(dir.path(), "speech.mp3")).await.unwrap();
    let order = format!(
        "Make a voiceover of this script. Narration: the uploaded file \"speech.mp3\".\n\nScript:\n{SCRIPT}"
    );
    let report = project.say(order.as_str()).await.unwrap().finish().await.unwrap();
    // In three paragraphs; a heading is a sentence.
    assert!(report.text.contains("5 sentences"), "{}", report.text);
    // Each has captions of its own.
    let draft = say(&project, "captions in a box").await;
    let captions = draft.tracks().find(|track| track.role() == Some(TrackRole::Captions)).unwrap();
    let texts: Vec<&str> = captions.segments().filter_map(|segment| segment.text()).collect();
    assert_eq!(texts.len(), 5, "{texts:?}");
    assert!(texts.contains(&"The sky is blue."), "{texts:?}");
}

#[tokio::test]
async fn subtitles_and_a_poster_are_written_beside_the_video() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let voiceover = client
        .voiceover(Script::text(SCRIPT).unwrap())
        .captions(CaptionStyle::words().size(CaptionSize::Large).position(CaptionPosition::Top))
        .narration(file(dir.path(), "speech.mp3"))
        .music(file(dir.path(), "song.mp3"))
        .image(file(dir.path(), "photo.png"))
        .subtitles(path("out.vtt"))
        .poster(path("out.jpg"));
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let files = std::sync::Arc::clone(&log);
    let saved = voiceover
        .on_progress(move |step| {
            if let JobProgress::FileDone { path, is_written } = step {
                files.lock().unwrap().push((path, is_written));
            }
        })
        .save_to(path("out.mp4"))
        .await
        .unwrap();
    assert_eq!(saved.missed, []);
    assert_eq!(saved.subtitles.as_deref(), Some(path("out.vtt").as_path()));
    assert_eq!(*log.lock().unwrap(), [(path("out.vtt"), true), (path("out.jpg"), true)]);
    assert!(std::fs::read(path("out.jpg")).unwrap().starts_with(&[0xFF, 0xD8, 0xFF]));
    let vtt = std::fs::read_to_string(path("out.vtt")).unwrap();
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> "), "{vtt}");
    assert_eq!(style(&saved.draft).size, CaptionSize::Large);
    assert_eq!(style(&saved.draft).position, CaptionPosition::Top);
    let name = |role| {
        let track = saved.draft.tracks().find(|track| track.role().as_ref() == Some(&role))?;
        track.segments().next()?.name().or_else(|| track.name()).map(str::to_owned)
    };
    assert_eq!(name(TrackRole::Voiceover).as_deref(), Some("speech.mp3"));
    assert_eq!(name(TrackRole::Music).as_deref(), Some("song.mp3"));
    assert_eq!(name(TrackRole::Background).as_deref(), Some("photo.png"));
    assert_eq!(backend.counters().uploads_taken, 3);

    // Without captions, the subtitles are what is said.
    let saved = client
        .voiceover(Script::text(SCRIPT).unwrap())
        .captions(Captions::Off)
        .subtitles(path("said.srt"))
        .save_to(path("said.m4a"))
        .await
        .unwrap();
    assert!(saved.subtitles.is_some() && saved.missed.is_empty());
    let srt = std::fs::read_to_string(path("said.srt")).unwrap();
    assert!(srt.contains("\r\nThere is a reason for that.\r\n"), "{srt}");
}

#[tokio::test]
async fn files_that_cannot_be_made_are_reported_before_anything_is_sent() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let hello = || client.voiceover(Script::text("Hello.").unwrap()).save_to(path("out.mp4"));
    std::fs::write(path("text.png"), "no image").unwrap();
    std::fs::create_dir(path("other")).unwrap();
    let (song, other) = (file(dir.path(), "a.mp3"), file(&path("other"), "A.mp3"));
    for (voiceover, word) in [
        (hello().subtitles(path("out.txt")), ".srt"),
        (hello().subtitles(path("no/out.srt")), "no directory"),
        (hello().poster(path("out.gif")), ".jpg"),
        (hello().image(path("text.png")), "none of JPG"),
        (hello().image(file(dir.path(), "b.mp3")), "not an image"),
        (hello().narration(path("text.png")), "not an audio file"),
        (hello().music(song).narration(other), "two of the files"),
        (hello().save_to(path("out.jpg")), ".mp4"),
    ] {
        let error = voiceover.await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(backend.counters().sessions_created, 0);
}

#[tokio::test]
async fn subtitles_are_exported_without_a_message() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let project = client.project("subtitles").await.unwrap();
    let Dispatched::Subtitles { text: None, .. } = project.dispatch("导出字幕").await.unwrap()
    else {
        panic!("nothing is spoken yet");
    };
    say(&project, &format!("narrate: {SCRIPT}")).await;
    let messages = backend.counters().messages_run;
    for (order, start) in [("export the subtitles as vtt", "WEBVTT"), ("导出字幕", "1\r\n")] {
        let Dispatched::Subtitles { text: Some(text), .. } = project.dispatch(order).await.unwrap()
        else {
            panic!("{order}");
        };
        assert!(text.starts_with(start), "{text}");
    }
    assert_eq!(backend.counters().messages_run, messages);
    assert_eq!(Intent::of("export with subtitles"), Intent::Message);

    let (srt, png) = (dir.path().join("out.srt"), dir.path().join("out.png"));
    project.export().save_to(&png).await.unwrap();
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    let saved = project.export().subtitles(&srt).save_to(dir.path().join("out.mp4")).await.unwrap();
    assert_eq!(saved.subtitles, Some(srt));
}
