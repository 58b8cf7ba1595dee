//! With `media` the embedded backend really speaks and really renders: from a script, a document,
//! an image and audio to files of the declared format.

use std::io::{Cursor, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::support::caller::{Caller, SCRIPT, client, message};
use nemovideo::local::{LocalBackend, LocalError, Prices};
use nemovideo::media::{AudioBuffer, MediaError, SpeechOptions, Voice};
use nemovideo::protocol::{Credits, Endpoint};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

async fn render_video(
    caller: &Caller,
    session: &str,
    id: &str,
    draft: &Value,
    format: &str,
) -> Value {
    let body = json!({"id": id, "sessionId": session, "draft": draft,
        "output": {"format": format, "quality": "high"}});
    assert_eq!(caller.post("/api/render/proxy/lambda", &body).await.code(), 0);
    let done = caller.rendered(id).await;
    assert_eq!(done["status"], "completed", "{done}");
    done
}

async fn fetched(done: &Value) -> Vec<u8> {
    let url = done["output"]["url"].as_str().unwrap();
    let bytes = client().get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(done["output"]["size"], bytes.len());
    bytes.into()
}

#[tokio::test]
async fn a_video_has_the_requested_resolution() {
    let backend = LocalBackend::start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let draft = json!({"t": [{"tt": 7, "sg": [{"d": 300, "m": {"text": "Hi"}}]}]});
    for (id, aspect, resolution, size) in
        [("a", "9:16", "720p", (720, 1280)), ("b", "16:9", "480p", (854, 480))]
    {
        let output = json!({"format": "mp4", "quality": "high", "aspect": aspect,
            "resolution": resolution, "fps": 30, "codec": "h264", "crf": 40});
        let body = json!({"id": id, "sessionId": session, "draft": draft, "output": output});
        assert_eq!(caller.post("/api/render/proxy/lambda", &body).await.code(), 0);
        let video = fetched(&caller.rendered(id).await).await;
        // The width and the height are 24 bytes into the sample entry of the video track.
        let entry = video.windows(4).position(|bytes| bytes == b"avc1").expect("H.264");
        // The brand `avc1` of the file's header comes first.
        let entry = video[entry + 4..]
            .windows(4)
            .position(|bytes| bytes == b"avc1")
            .map_or(entry, |at| entry + 4 + at);
        let side = |at: usize| u16::from_be_bytes([video[entry + 4 + at], video[entry + 5 + at]]);
        assert_eq!((side(24), side(26)), size, "{resolution}");
    }
}

fn tone(seconds: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..seconds * 8_000 {
        writer.write_sample(((n % 40) * 200) as i16).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn image() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(64, 36, |x, y| image::Rgb([x as u8 * 3, y as u8 * 5, 90]));
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn docx(paragraphs: &[&str]) -> Vec<u8> {
    let body: String =
        paragraphs.iter().map(|text| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")).collect();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("word/document.xml", options).unwrap();
    write!(archive, r#"<w:document xmlns:w="w"><w:body>{body}</w:body></w:document>"#).unwrap();
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_document_an_image_and_audio_become_a_video() {
    let backend = LocalBackend::start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let form = Form::new()
        .part(
            "files",
            Part::bytes(docx(&["The sky is blue.", "Short waves scatter more."]))
                .file_name("sky.docx"),
        )
        .part("files", Part::bytes(image()).file_name("sky.png"))
        .part("files", Part::bytes(tone(2)).file_name("hum.wav"));
    let files = caller.upload(&session, form).await.body["data"]["files"].clone();
    assert_eq!((&files[1]["width"], &files[1]["height"]), (&json!(64), &json!(36)));
    assert_eq!(files[2]["duration"], 2.0);

    let stream =
        caller.say(&session, "Turn the uploaded script into a square video. Title: \"Sky\".").await;
    assert!(stream.texts().last().unwrap().contains("2 sentences"), "{:?}", stream.texts());
    let draft = caller.draft(&session).await;
    let roles: Vec<_> = draft["t"].as_array().unwrap().iter().map(|t| &t["m"]["role"]).collect();
    assert_eq!(roles, ["background", "voiceover", "music", "captions", "title"]);
    assert_eq!(draft["t"][0]["sg"][0]["m"]["name"], "sky.png");
    let seconds = draft["d"].as_f64().unwrap() / 1000.0;
    assert!((2.0..8.0).contains(&seconds), "{seconds}");

    let done = render_video(&caller, &session, "r1", &draft, "mp4").await;
    let length = done["output"]["duration"].as_f64().unwrap();
    assert!((length - seconds).abs() < 0.1, "{length} {seconds}");
    let bytes = fetched(&done).await;
    assert_eq!(&bytes[4..8], b"ftyp");
    assert!(done["output"]["url"].as_str().unwrap().ends_with("/nemovideo.mp4"));

    let audio = fetched(&render_video(&caller, &session, "r2", &draft, "m4a").await).await;
    assert_eq!(&audio[4..8], b"ftyp");
    let audio = AudioBuffer::decode(
        &fetched(&render_video(&caller, &session, "r3", &draft, "wav").await).await,
        "a.wav",
    );
    assert!((audio.unwrap().duration().as_secs_f64() - seconds).abs() < 0.1);
}

#[tokio::test]
async fn audio_that_cannot_be_used_is_rejected_at_its_upload() {
    let backend = LocalBackend::start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let adpcm = include_bytes!("../data/cases/audio/adpcm.wav");
    for (name, bytes, why) in [
        ("my song.mp3", &b"not music"[..], "not a known audio format"),
        ("old phone.wav", adpcm, "IMA ADPCM"),
        ("page.mp3", b"<html>Not found</html>", "a web page"),
        ("empty.m4a", b"", "empty"),
    ] {
        let form = Form::new()
            .part("files", Part::bytes(tone(1)).file_name("good.wav"))
            .part("files", Part::bytes(bytes).file_name(name));
        let response = caller.upload(&session, form).await;
        assert_eq!(response.code(), 4001, "{name}");
        let message = response.body["message"].as_str().unwrap();
        assert!(message.contains(name) && message.contains(why), "{message}");
        let root = std::env::temp_dir();
        assert!(!message.contains(&*root.to_string_lossy()), "{message}");
    }
    assert_eq!(backend.counters().uploads_taken, 0, "no file of a rejected upload is kept");
    // None of them is the music of the next video.
    caller.say(&session, "narrate: One sentence.").await;
    let draft = caller.draft(&session).await;
    assert!(draft["t"].as_array().unwrap().iter().all(|track| track["m"]["role"] != "music"));
}

#[tokio::test]
async fn a_render_whose_music_is_gone_names_the_file_of_the_user() {
    let directory = tempfile::tempdir().unwrap();
    let backend = LocalBackend::builder().data_dir(directory.path()).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let form = Form::new().part("files", Part::bytes(tone(1)).file_name("rain and sea.wav"));
    caller.upload(&session, form).await;
    caller.say(&session, "narrate: One sentence.").await;
    let draft = caller.draft(&session).await;
    let music = draft["t"].as_array().unwrap().iter().find(|track| track["m"]["role"] == "music");
    let id = music.unwrap()["sg"][0]["m"]["media"].as_str().unwrap().to_owned();
    std::fs::write(directory.path().join("files").join(id.clone() + ".wav"), b"overwritten")
        .unwrap();
    let body = json!({"id": "r", "sessionId": session, "draft": draft,
        "output": {"format": "wav", "quality": "high"}});
    assert_eq!(caller.post("/api/render/proxy/lambda", &body).await.code(), 0);
    let done = caller.rendered("r").await.to_string();
    assert!(done.contains("rain and sea.wav: it is not a known audio format"), "{done}");
    assert!(!done.contains(&id), "{done}");
}

#[tokio::test]
async fn a_voice_can_be_changed_and_the_rest_stays() {
    let backend = LocalBackend::builder().credits(100).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, &format!("narrate, title 'Sky': {SCRIPT}")).await;
    let before = caller.draft(&session).await;
    caller.say(&session, "make it ocean blue in the background, a male voice and slower").await;
    let after = caller.draft(&session).await;
    assert!(after["d"].as_u64() > before["d"].as_u64(), "{} {}", before["d"], after["d"]);
    assert_eq!(after["t"][0]["sg"][0]["d"], after["d"]);
    assert_eq!(after["t"][0]["sg"][0]["m"]["gradient"], "ocean");
    assert_eq!(after["t"][3], before["t"][3], "the title");
    assert_ne!(after["t"][2], before["t"][2], "the captions follow the new voice");
    assert_eq!(caller.credits().await.0, 60.0);
}

#[tokio::test]
async fn a_draft_written_by_hand_renders() {
    let backend = LocalBackend::start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let draft = json!({"t": [{"tt": 7, "sg": [{"d": 1000, "m": {"text": "Hi"}}]}]});
    let done = render_video(&caller, &session, "hand", &draft, "mp4").await;
    assert!((done["output"]["duration"].as_f64().unwrap() - 1.0).abs() < 0.05, "{done}");
}

/// Speaks on demand, and returns what was requested: audio or a failure.
#[derive(Debug)]
struct Gate(Mutex<Receiver<Result<(), MediaError>>>);

impl Gate {
    fn new() -> (Arc<Self>, Sender<Result<(), MediaError>>) {
        let (go, gate) = channel();
        (Arc::new(Self(Mutex::new(gate))), go)
    }
}

impl Voice for Gate {
    fn languages(&self) -> Vec<String> {
        vec!["en-US".to_owned(), "zh-CN".to_owned()]
    }

    fn speak(&self, _: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        self.0.lock().unwrap().recv().unwrap()?;
        let samples: Vec<i16> =
            (0..8_000).map(|n| if n % 20 < 10 { 9_000 } else { -9_000 }).collect();
        Ok(AudioBuffer::new(8_000, samples))
    }
}

/// Counts how many speak at once. Who speaks waits until the choir is let go.
#[derive(Debug, Default)]
struct Choir {
    now: AtomicUsize,
    most: AtomicUsize,
    is_let_go: Mutex<bool>,
    let_go: Condvar,
}

impl Choir {
    fn let_go(&self) {
        *self.is_let_go.lock().unwrap() = true;
        self.let_go.notify_all();
    }
}

impl Voice for Choir {
    fn languages(&self) -> Vec<String> {
        vec!["en-US".to_owned()]
    }

    fn speak(&self, _: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let waiting = self.is_let_go.lock().unwrap();
        drop(self.let_go.wait_while(waiting, |is_let_go| !*is_let_go).unwrap());
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(AudioBuffer::new(8_000, (0..8_000).map(|n| n % 20 * 900).collect::<Vec<i16>>()))
    }
}

#[tokio::test]
async fn messages_of_many_callers_share_the_cores_and_all_get_a_response() {
    let voice = Arc::new(Choir::default());
    let backend =
        LocalBackend::builder().voice(Arc::clone(&voice) as Arc<dyn Voice>).start().await.unwrap();
    // One account cannot take them all, so there are two at least.
    let cores = std::thread::available_parallelism().unwrap().get().max(2);
    let turns = (0..3 * cores + 2).map(|n| {
        let backend = &backend;
        async move {
            let caller = Caller::new(backend, &format!("caller-{n}")).await;
            let session = caller.session().await;
            caller.say(&session, "narrate: One sentence.").await
        }
    });
    let all = 3 * cores + 2;
    // As many as may are at it when all have come.
    let full = async {
        while backend.counters().requests(Endpoint::Message) < all as u64
            || voice.now.load(Ordering::SeqCst) < cores
        {
            tokio::task::yield_now().await;
        }
        voice.let_go();
    };
    let (streams, ()) = tokio::join!(futures::future::join_all(turns), full);
    for stream in streams {
        assert_eq!(stream.calls(), ["generate_voiceover", "finish_video"]);
    }
    let most = voice.most.load(Ordering::SeqCst);
    assert_eq!(most, cores, "at once");
}

#[test]
fn a_backend_whose_runtime_ends_while_it_speaks_and_renders_ends_too() {
    let (ended, is_ended) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let backend = LocalBackend::start().await.unwrap();
            let caller = Caller::new(&backend, "one").await;
            let session = caller.session().await;
            let text =
                |n| json!({"d": 1000, "m": {"text": format!("Text {n}"), "start": n * 1000}});
            let draft = json!({"t": [{"tt": 7, "sg": (0..20_000).map(text).collect::<Vec<_>>()}]});
            let job = json!({"id": "r", "sessionId": session, "draft": draft,
                "output": {"format": "mp4", "quality": "high"}});
            assert_eq!(caller.post("/api/render/proxy/lambda", &job).await.code(), 0);
            // Minutes of work for any machine.
            let script: String = (0..9000).map(|n| format!("Sentence number {n}. ")).collect();
            let body = message(&session, &format!("narrate: {script}"));
            let mut response = caller.open(&body).await;
            let mut seen = String::new();
            while !seen.contains("generate_voiceover") {
                let chunk = response.chunk().await.unwrap().unwrap();
                seen.push_str(&String::from_utf8_lossy(&chunk));
            }
            drop(backend);
        });
        // The runtime waits for the threads that block.
        drop(runtime);
        ended.send(()).unwrap();
    });
    is_ended.recv_timeout(Duration::from_secs(60)).expect("the work is cancelled");
}

#[tokio::test]
async fn credits_are_frozen_while_the_voice_speaks_and_heartbeats_go_on() {
    let (voice, go) = Gate::new();
    let backend = LocalBackend::builder()
        .voice(voice)
        .credits(100)
        .heartbeat_every(Duration::from_millis(5))
        .start()
        .await
        .unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let mut response = caller.open(&message(&session, "narrate: One sentence.")).await;
    let mut seen = String::new();
    while seen.matches(": heartbeat\n\n").count() < 4 {
        seen.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert_eq!(caller.credits().await, (80.0, 20.0));
    assert_eq!(backend.counters().credits_taken, Credits::ZERO);

    go.send(Ok(())).unwrap();
    let rest = response.text().await.unwrap();
    assert!(rest.contains("Your voiceover is ready: 1 sentence"), "{rest}");
    assert_eq!(caller.credits().await, (80.0, 0.0));
    assert_eq!(backend.counters().credits_taken, Prices::default().voiceover());
}

#[tokio::test]
async fn a_voice_that_fails_costs_nothing_and_changes_nothing() {
    let (voice, go) = Gate::new();
    let backend = LocalBackend::builder().voice(voice).credits(100).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    go.send(Err(MediaError::Voice("the cable is out".to_owned()))).unwrap();
    let stream = caller.say(&session, "narrate: One sentence.").await;
    assert!(stream.texts().last().unwrap().contains("the cable is out"), "{:?}", stream.texts());
    assert_eq!(caller.credits().await, (100.0, 0.0));
    assert_eq!(caller.draft(&session).await, Value::Null);
}

#[tokio::test]
async fn text_that_cannot_be_drawn_is_rejected_before_any_work() {
    let (voice, _go) = Gate::new();
    let backend = LocalBackend::builder().voice(voice).credits(100).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let stream = caller.say(&session, "给这段文字配音：今天天气很好。").await;
    assert_eq!(stream.events[0]["errorCode"], "UNSUPPORTED_CHARACTERS");
    let reply = stream.texts().last().unwrap().to_string();
    assert!(reply.contains("“今天气很好。”") && reply.contains("字体文件"), "{reply}");
    let english = caller.say(&session, "narrate: The word 茶 is short.").await;
    let reply = english.texts().last().unwrap().to_string();
    assert!(reply.contains("“茶”") && reply.contains("font file"), "{reply}");
    assert!(stream.calls().is_empty());
    assert_eq!(caller.credits().await, (100.0, 0.0));
}

#[tokio::test]
async fn a_file_that_is_no_font_is_an_error_at_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "Good morning.").unwrap();
    let error = LocalBackend::builder().font(file.path()).start().await.unwrap_err();
    assert!(matches!(error, LocalError::Font(_)), "{error}");
}
