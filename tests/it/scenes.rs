//! A script with images: each is uploaded once, and shown from its paragraph until the next one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::{Draft, ImageFit, ImageMotion, TrackRole};
use nemovideo::local::{Ending, Fault, LocalBackend, Prices};
use nemovideo::mock::NemoMock;
use nemovideo::project::{JobProgress, SceneImage, Script, TurnEvent};
use nemovideo::protocol::Endpoint;
use nemovideo::{Error, ErrorCode, NemoClient, TurnUpdate};

const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";

async fn backend_and_client() -> (LocalBackend, NemoClient) {
    let backend = LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
    let client = client_of(&backend);
    (backend, client)
}

fn client_of(backend: &LocalBackend) -> NemoClient {
    backend.client()
}

/// Writes files, all of which are images except the Markdown ones.
fn files(dir: &Path, files: &[(&str, &str)]) -> Vec<PathBuf> {
    let write = |(name, text): &(&str, &str)| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = if text.is_empty() { PNG } else { text.as_bytes() };
        std::fs::write(&path, bytes).unwrap();
        path
    };
    files.iter().map(write).collect()
}

/// What is shown, and from when to when, in milliseconds.
fn shown(draft: &Draft) -> Vec<(String, u128, u128)> {
    let track = draft.tracks().find(|track| track.role() == Some(TrackRole::Background)).unwrap();
    let shown = track.segments().map(|segment| {
        let name = segment.name().unwrap_or_default().to_owned();
        (name, segment.start().as_millis(), segment.end().as_millis())
    });
    shown.collect()
}

/// When the sentence begins that contains a text, in milliseconds.
fn said(draft: &Draft, words: &str) -> u128 {
    let track = draft.tracks().find(|track| track.role() == Some(TrackRole::Voiceover)).unwrap();
    let mut segments = track.segments();
    let segment = segments.find(|it| it.text().is_some_and(|text| text.contains(words)));
    segment.unwrap().start().as_millis()
}

const SKY: &str = "# The sky\n\n![A blue sky](images/my%20sky.png \"Blue\")\n\nThe sky is blue.\n\n\
    There is a reason.\n\n![][sea] The sea is blue as well.\n\n- It mirrors ![the sky](<images/my sky.png>) \
    the sky.\n\n```\n![](none.png)\n```\n\n[sea]: other/images/my-sky.png\n";

#[tokio::test]
async fn the_images_of_a_markdown_file_are_the_scenes_of_its_video() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let paths = files(
        dir.path(),
        &[("script.md", SKY), ("images/my sky.png", ""), ("other/images/my-sky.png", "")],
    );
    let saved = client
        .voiceover(Script::from_path(&paths[0]).unwrap())
        .scene_motion(ImageMotion::Still)
        .scene_fit(ImageFit::Contain)
        .scene_fade(Duration::from_millis(800))
        .save_to(dir.path().join("out.mp4"))
        .await
        .unwrap();
    let draft = &saved.draft;
    let length = draft.duration().as_millis();
    let (sea, mirror) = (said(draft, "The sea"), said(draft, "It mirrors"));
    assert_eq!(
        shown(draft),
        [
            ("my-sky.png".to_owned(), 0, sea),
            ("my-sky-2.png".to_owned(), sea, mirror),
            ("my-sky.png".to_owned(), mirror, length),
        ]
    );
    let background = draft.tracks().next().unwrap();
    for segment in background.segments() {
        assert_eq!(segment.fit(), Some(ImageFit::Contain));
        assert_eq!(segment.motion(), Some(ImageMotion::Still));
        assert_eq!(segment.fade(), Duration::from_millis(800));
    }
    let counters = backend.counters();
    assert_eq!((counters.uploads_taken, counters.messages_run), (2, 1));
    // Nothing of an image is said or shown.
    for words in ["A blue sky", "Blue\\\"", "sea]", "my sky"] {
        assert!(!draft.to_json().contains(words), "{words}: {}", draft.to_json());
    }
    assert_eq!(saved.report.unwrap().spent, Some(Prices::default().voiceover()));
    assert_eq!(draft.chapters().count(), 1);
}

#[tokio::test]
async fn scenes_are_appended_from_paths_bytes_and_urls() {
    let backend = LocalBackend::builder().placeholder_videos().start().await.unwrap();
    let client = client_of(&backend);
    let dir = tempfile::tempdir().unwrap();
    let paths = files(dir.path(), &[("a.png", ""), ("back ground.png", "")]);
    // A file that the backend serves itself stands for one of the internet.
    let session = client.create_session(Default::default()).await.unwrap().session_id;
    let hosted = client.upload_bytes(&session, "hosted.png", PNG).await.unwrap();
    let url = hosted[0].cdn_url.clone().unwrap();
    let before = backend.counters();
    let voiceover = client
        .voiceover(Script::text("The first words.").unwrap())
        .scene("One image.", &paths[0])
        .scene("Another one.", SceneImage::bytes("hosted.png", &b"GIF89a"[..]))
        .scene("And one more.", url.as_str())
        .scene("The first image again.", paths[0].to_str().unwrap())
        .scene("That of the background.", &paths[1])
        .image(&paths[1])
        .save_to(dir.path().join("out.mp4"));
    let saved = voiceover.await.unwrap();
    let names: Vec<String> = shown(&saved.draft).into_iter().map(|(name, ..)| name).collect();
    let expected =
        ["back-ground.png", "a.png", "hosted-2.png", "hosted.png", "a.png", "back-ground.png"];
    assert_eq!(names, expected);
    let starts: Vec<u128> = shown(&saved.draft).into_iter().map(|(_, start, _)| start).collect();
    let texts = ["One image", "Another", "And one", "The first image", "That of"];
    let said: Vec<u128> = texts.iter().map(|text| said(&saved.draft, text)).collect();
    assert_eq!(starts[1..], said);
    let after = backend.counters();
    assert_eq!(after.uploads_taken - before.uploads_taken, 4);
    assert_eq!(after.messages_run, 1);
    let segment = saved.draft.tracks().next().unwrap().segments().nth(1).unwrap();
    assert_eq!((segment.fit(), segment.motion()), (Some(ImageFit::Cover), Some(ImageMotion::Zoom)));
    assert_eq!(segment.fade(), Duration::from_millis(500));
}

#[tokio::test]
async fn images_that_cannot_be_shown_are_named_with_their_lines_before_anything_is_sent() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let text = "One.\n\n![](none.png)\n\n![a](a.png) ![](text.png)\n![](photo.svg)\n\
        ![](data:image/png;base64,QUJD)\n\n![][r]\n\n[r]: https://example.com/photo?key=secret\n\n\
        ![](images) ![](<>)\n![](//example.com/a.png) ![](\\\\host\\a.png) \
        ![](/%5Chost/a.png) ![](file://host/a.png)";
    let paths = files(
        dir.path(),
        &[
            ("a.md", text),
            ("a.png", ""),
            ("text.png", "text"),
            ("photo.svg", ""),
            ("images/x.png", ""),
        ],
    );
    let error = Script::from_path(&paths[0]).unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    let error = error.to_string();
    for words in [
        "a.md has images that cannot be shown: line 3: there is no file ",
        "none.png; line 5: the image ",
        "text.png is none of JPG",
        "line 6: the image ",
        "photo.svg is not an image: it is none of JPG",
        "line 7: an image cannot be a data: URL",
        "line 9: the image \"https://example.com/photo?…\" is not an image",
        "line 13: there is no file ",
        "line 13: the image has no path",
        "line 14: the image \"//example.com/a.png\" is on another host",
        "line 14: the image \"\\\\host\\\\a.png\" is on another host",
        "line 14: the image \"/%5Chost/a.png\" is on another host",
        "line 14: an image cannot be a file: URL",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
    assert!(!error.contains("secret"), "{error}");

    let hello = || client.voiceover(Script::text("Hello.").unwrap());
    let out = dir.path().join("out.mp4");
    let documents = files(dir.path(), &[("talk.docx", "PK\u{3}\u{4}")]);
    let removed = files(dir.path(), &[("gone.png", "")]).remove(0);
    let script = Script::scene("Gone.", &removed).unwrap();
    std::fs::remove_file(removed).unwrap();
    for (voiceover, words) in [
        (hello().scene("Hi.", dir.path().join("none.png")), "none.png"),
        (hello().scene("…", dir.path().join("a.png")), "no words"),
        (hello().scene("Hi.", dir.path().join("text.png")), "is none of JPG"),
        (hello().scene("Hi.", "https://example.com/a.avif"), "is none of JPG"),
        (hello().scene_fade(Duration::from_secs(11)), "cross-fade"),
        (client.voiceover(script), "gone.png"),
        (
            client
                .voiceover(Script::from_path(&documents[0]).unwrap())
                .scene("Hi.", dir.path().join("a.png")),
            "DOCX",
        ),
    ] {
        let error = voiceover.save_to(&out).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_) | Error::Io { .. }), "{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    assert_eq!(backend.counters().sessions_created, 0);

    // A damaged image is rejected by its upload, which is free.
    let backend = LocalBackend::start().await.unwrap();
    let client = client_of(&backend);
    let scene = Script::scene("Hi.", dir.path().join("a.png")).unwrap();
    let error = client.voiceover(scene).save_to(&out).await.unwrap_err();
    assert!(matches!(error, Error::UnsupportedFileType(_)), "{error}");
    assert_eq!(backend.counters().messages_run, 0);
}

#[test]
fn an_image_is_found_however_its_path_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let paths = files(dir.path(), &[("a b/c_(d).png", ""), ("script.md", "x"), ("a%20b.png", "")]);
    let expected = Script::markdown("![](<a b/c_(d).png>)\n\nHi.", dir.path()).unwrap();
    let url = url::Url::from_file_path(&paths[0]).unwrap();
    let absolute = paths[0].display().to_string();
    for image in [
        "![](a%20b/c_(d).png)",
        "![](a b/c_(d).png)",
        "![](a%20b/c\\_\\(d\\).png)",
        "![](a%20b\\c_(d).png)",
        "![alt](./x/../a%20b/c_(d).png \"title\")",
        "![](<a b/c_(d).png?raw=true>)",
        "![](a%20b/c_(d).png#center)",
        "<img alt='x' src='a b/c_(d).png'>",
        &format!("![](<{absolute}>)"),
        &format!("![]({url})"),
    ] {
        let image = image.replace("./x/../", "./");
        std::fs::write(&paths[1], format!("\u{feff}{image}\r\n\r\nHi.")).unwrap();
        let script = Script::from_path(&paths[1]).unwrap();
        let normal = |script: &Script| {
            format!("{script:?}").replace("/./", "/").replace("%20", " ").replace("?raw=true", "")
        };
        assert_eq!(normal(&script), normal(&expected), "{image}");
    }
    // The file as it is named comes first.
    let escaped = Script::markdown("![](a%20b.png)\n\nHi.", dir.path()).unwrap();
    assert!(format!("{escaped:?}").contains("a%20b.png"), "{escaped:?}");
    // A text file and a text have no scenes, and a Markdown file without any is a text.
    std::fs::write(dir.path().join("a.txt"), "![](none.png) Hi.").unwrap();
    let text = Script::text("![](none.png) Hi.").unwrap();
    assert_eq!(Script::from_path(dir.path().join("a.txt")).unwrap(), text);
    let error = Script::markdown("![Words](a%20b.png)", dir.path()).unwrap_err();
    assert!(error.to_string().contains("no words"), "{error}");
}

#[tokio::test]
async fn a_message_names_each_image_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let paths = files(dir.path(), &[("a photo.png", ""), ("b.png", "")]);
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.upload([]).times(2);
    nemo.state(None);
    nemo.fails(Endpoint::Message, ErrorCode::OutOfCredits);
    let script = Script::scene("One.", &paths[0]).unwrap();
    let script = script.then(Script::scene("Two.", &paths[1]).unwrap()).unwrap();
    nemo.client().voiceover(script).save_to(dir.path().join("o.mp4")).await.unwrap_err();
    let text = nemo.messages()[0].1.clone();
    for words in [
        "Each Markdown image in the script is an uploaded file to show from there until the next one",
        "Image motion: zoom. Image fit: cover. Cross-fade: 0.5 s.\n\nScript:\n",
        "Script:\n![](a-photo.png)\n\nOne.\n\n![](b.png)\n\nTwo.",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn a_voiceover_that_is_resumed_keeps_its_scenes_and_uploads_nothing_again() {
    let (backend, client) = backend_and_client().await;
    let dir = tempfile::tempdir().unwrap();
    let paths = files(dir.path(), &[("a.png", ""), ("b.png", "")]);
    let script = || {
        let script = Script::scene("One.", &paths[0]).unwrap();
        script.then(Script::scene("Two.", &paths[1]).unwrap()).unwrap()
    };
    let late = Fault::LateWork { reads: 1_000, ending: Ending::Reset };
    backend.faults().inject(late).on(Endpoint::Message).once();
    let last = Arc::new(Mutex::new(None));
    let log = Arc::clone(&last);
    let voiceover = client.voiceover(script()).on_progress(move |step| {
        if let JobProgress::Sending(pending) | JobProgress::Sent(pending) = step {
            // As it is persisted.
            *log.lock().unwrap() = Some(serde_json::to_string(&pending).unwrap());
        }
    });
    let error = voiceover.save_to(dir.path().join("out.mp4")).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    backend.faults().clear();

    let persisted = last.lock().unwrap().take().unwrap();
    let pending: nemovideo::PendingTurn = serde_json::from_str(&persisted).unwrap();
    let mut updates = client.resume_turn(&pending);
    let mut draft = None;
    while let Some(update) = updates.next().await {
        if let Ok(TurnUpdate::Recovered(state)) = update {
            draft = state.draft;
        }
    }
    if draft.is_none() {
        draft = client.session_state(&pending.session_id).await.unwrap().draft;
    }
    let names: Vec<String> = shown(&draft.unwrap()).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["a.png", "b.png"]);
    assert_eq!((backend.counters().uploads_taken, backend.counters().messages_run), (2, 1));

    // Spoken again, a scene is that of its paragraph, and a message may change it.
    let project = client.project("again").await.unwrap();
    for path in &paths {
        project.upload(path).await.unwrap();
    }
    let order = "narrate: ![](a.png) One.\n\nTwo.\n\n![](b.png) Three.\n\n![](c.png)";
    let report = project.say(order).await.unwrap().finish().await.unwrap();
    assert!(report.text.contains("c.png"), "{}", report.text);
    let mut lengths = Vec::new();
    for (message, names) in [
        ("slower", &["a.png", "b.png"][..]),
        ("use b.png for the second paragraph", &["a.png", "b.png", "b.png"]),
        ("faster", &["a.png", "b.png", "b.png"]),
        ("图片不要缩放，图片转场1秒", &["a.png", "b.png", "b.png"]),
    ] {
        let mut turn = project.say(message).await.unwrap();
        while let Some(event) = turn.next().await {
            assert!(!matches!(event.unwrap(), TurnEvent::Failed { .. }), "{message}");
        }
        let draft = project.draft().await.unwrap().unwrap();
        let shown = shown(&draft);
        assert!(
            shown.iter().map(|(name, ..)| name.as_str()).eq(names.iter().copied()),
            "{message}"
        );
        assert_eq!(shown.last().unwrap().2, draft.duration().as_millis(), "{message}");
        lengths.push(shown[0].2);
        if message.contains("转场") {
            let segments = draft.tracks().next().unwrap().segments().map(|segment| {
                (segment.motion(), segment.fade().min(segment.duration()) == segment.fade())
            });
            assert!(segments.into_iter().all(|it| it == (Some(ImageMotion::Still), true)));
        }
    }
    assert!(lengths[0] > lengths[1] && lengths[1] > lengths[2], "{lengths:?}");
}
