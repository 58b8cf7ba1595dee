//! A backend that is dropped and started again in its directory, within one process.

use std::path::Path;
use std::time::{Duration, Instant};

use nemovideo::local::{Counters, LocalBackend, LocalError};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::caller::{Caller, SCRIPT};

async fn start(dir: &Path) -> LocalBackend {
    let builder = LocalBackend::builder().placeholder_videos().credits(100);
    builder.persistent(dir).start().await.expect("a backend")
}

/// The counters of work, without those that begin again.
fn work(backend: &LocalBackend) -> Counters {
    let mut expected = Counters::default();
    let counted = backend.counters();
    expected.tokens_issued = counted.tokens_issued;
    expected.tokens_created = counted.tokens_created;
    expected.tokens_revoked = counted.tokens_revoked;
    expected.sessions_created = counted.sessions_created;
    expected.messages_run = counted.messages_run;
    expected.renders_started = counted.renders_started;
    expected.renders_finished = counted.renders_finished;
    expected.uploads_taken = counted.uploads_taken;
    expected.credits_taken = counted.credits_taken;
    expected
}

/// Returns the state of a session, with relative URLs.
async fn state(backend: &LocalBackend, caller: &Caller, session: &str) -> Value {
    let path = format!("/api/state/nemo_agent/me/{session}/latest");
    let state = caller.get(&path).await.body.to_string().replace(backend.url(), "");
    serde_json::from_str(&state).unwrap()
}

fn title(draft: &Value) -> String {
    let tracks = draft["t"].as_array().unwrap();
    let titles = tracks.iter().find(|track| track["m"]["role"] == "title");
    titles.map_or(Value::Null, |track| track["sg"][0]["m"]["text"].clone()).to_string()
}

fn render(id: &str, session: &str, draft: &Value) -> Value {
    json!({"id": id, "sessionId": session, "draft": draft, "output": {"format": "mp4"}})
}

const SUBMIT: &str = "/api/render/proxy/lambda";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let backend = start(dir.path()).await;
    let caller = Caller::new(&backend, "one").await;
    let request = json!({"name": "t", "scopes": ["*"]});
    let own = caller.post("/api/tokens", &request).await;
    let revoked = caller.post("/api/tokens", &request).await;
    caller.post(&format!("/api/tokens/{}/revoke", revoked.data("id")), &json!({})).await;
    let session = caller.session().await;
    let files = [("script.txt", SCRIPT), ("ä \"'; DROP TABLE files;.txt", "Hi.")];
    for (name, text) in files {
        let part = Part::bytes(text.as_bytes().to_vec()).file_name(name);
        caller.upload(&session, Form::new().part("files", part)).await;
    }
    caller.say(&session, &format!("narrate, title 'One': {SCRIPT}")).await;
    for title in ["Two", "Three", "Four"] {
        caller.say(&session, &format!("change the title to '{title}'")).await;
    }
    caller.say(&session, "undo").await;
    caller.say(&session, "what is this?").await;
    let draft = caller.draft(&session).await;
    assert_eq!(caller.post(SUBMIT, &render("r", &session, &draft)).await.code(), 0);
    let done = caller.rendered("r").await;
    let broken = json!({"t": [{"tt": 1, "sg": [{"d": 1000, "m": {"media": "gone"}}]}]});
    assert_eq!(caller.post(SUBMIT, &render("failed", &session, &broken)).await.code(), 0);
    let failed = caller.rendered("failed").await;
    assert_eq!((&done["status"], &failed["status"]), (&json!("completed"), &json!("failed")));
    let asked = caller.session().await;
    caller.say(&asked, "make a video").await;

    let counted = work(&backend);
    assert_eq!((counted.messages_run, counted.uploads_taken), (7, 2));
    assert_eq!(counted.credits_taken.get(), 26.0);
    let before = state(&backend, &caller, &session).await;
    let tokens = caller.get("/api/tokens").await.body;
    let old = backend.url().to_owned();
    drop(backend);

    let backend = start(dir.path()).await;
    assert_eq!(work(&backend), counted);
    let caller = Caller::with_token(&backend, &caller.token);
    assert_eq!(caller.credits().await, (74.0, 0.0));
    assert_eq!(state(&backend, &caller, &session).await, before);
    assert_eq!(caller.get("/api/tokens").await.body, tokens);
    let other = Caller::with_token(&backend, &own.data("token"));
    assert_eq!(other.credits().await, (74.0, 0.0));
    let revoked = Caller::with_token(&backend, &revoked.data("token"));
    assert_eq!(revoked.get("/api/credits/balance/simple").await.code(), 1001);

    // Renders, their files, and the ids that are used.
    let relative = |state: &Value, url: &str| state.to_string().replace(url, "");
    assert_eq!(relative(&caller.rendered("r").await, backend.url()), relative(&done, &old));
    assert_eq!(caller.rendered("failed").await, failed);
    assert_eq!(caller.post(SUBMIT, &render("r", &session, &draft)).await.status, 409);
    let url = caller.rendered("r").await["output"]["url"].as_str().unwrap().to_owned();
    let video = crate::caller::client().get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(video.len() as u64, done["output"]["size"].as_u64().unwrap());

    // The conversation: what can be undone, and what was asked.
    assert_eq!(title(&caller.draft(&session).await), "\"Three\"");
    caller.say(&session, "undo").await;
    assert_eq!(title(&caller.draft(&session).await), "\"Two\"");
    caller.say(&session, "undo the last two changes").await;
    assert_eq!(caller.draft(&session).await, Value::Null);
    let answered = caller.say(&asked, "2. Which voice?: a male voice").await;
    assert_eq!(answered.calls(), ["generate_voiceover", "finish_video"], "{}", answered.raw);
    let spoken = caller.say(&session, "Make a voiceover video of the uploaded script.").await;
    assert_eq!(spoken.calls(), ["generate_voiceover", "finish_video"], "{}", spoken.raw);
    assert_eq!(caller.credits().await, (34.0, 0.0));
    backend.shutdown().await;

    let backend = start(dir.path()).await;
    let caller = Caller::with_token(&backend, &caller.token);
    assert_eq!(caller.credits().await, (34.0, 0.0));
    let again = caller.say(&session, "undo").await;
    assert_eq!(again.calls(), ["undo"], "{}", again.raw);
    assert_eq!(caller.draft(&session).await, Value::Null, "as before the uploaded script");
}

#[tokio::test]
async fn the_page_shows_what_earlier_processes_did() {
    let dir = tempfile::tempdir().unwrap();
    let start = async || {
        let builder = LocalBackend::builder().placeholder_videos().watch_page();
        builder.persistent(dir.path()).start().await.expect("a backend")
    };
    let watched = async |backend: &LocalBackend, path: &str| {
        let url = format!("{}/watch/{path}", backend.url());
        let response = crate::caller::client().get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    let data = async |backend: &LocalBackend| -> Value {
        serde_json::from_str(&watched(backend, "data").await).unwrap()
    };
    let backend = start().await;
    let caller = Caller::new(&backend, "one").await;
    for message in ["narrate: Good morning.", "hello"] {
        let session = caller.session().await;
        caller.say(&session, message).await;
    }
    let session = caller.session().await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    let draft = caller.draft(&session).await;
    assert_eq!(caller.post(SUBMIT, &render("r", &session, &draft)).await.code(), 0);
    caller.rendered("r").await;
    let before = data(&backend).await;
    assert!(before["shown"]["entries"].as_array().unwrap().len() > 2, "{before}");
    assert_eq!(before["shown"]["renders"][0]["has_subtitles"], true, "{before}");
    let subtitles = format!("{}/0/subtitles.vtt", before["shown"]["id"].as_str().unwrap());
    let vtt = watched(&backend, &subtitles).await;
    backend.shutdown().await;

    let backend = start().await;
    let after = data(&backend).await;
    for field in ["sessions", "shown"] {
        assert_eq!(after[field], before[field]);
    }
    assert_eq!(watched(&backend, &subtitles).await, vtt);
    let caller = Caller::with_token(&backend, &caller.token);
    caller.say(&session, "what is this?").await;
    let count = |data: &Value| data["shown"]["entries"].as_array().unwrap().len();
    assert!(count(&data(&backend).await) > count(&after));
}

#[tokio::test]
async fn an_undo_history_has_its_limit_across_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = start(dir.path()).await;
    let mut caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, "narrate, title '0': Hi.").await;
    for nth in 1..=36 {
        caller.say(&session, &format!("change the title to '{nth}'")).await;
        if nth % 12 == 0 {
            drop(backend);
            backend = start(dir.path()).await;
            caller = Caller::with_token(&backend, &caller.token);
        }
    }
    caller.say(&session, "undo the last 30 changes").await;
    assert_eq!(title(&caller.draft(&session).await), "\"6\"");
    drop(backend);
    let backend = start(dir.path()).await;
    let caller = Caller::with_token(&backend, &caller.token);
    assert_eq!(title(&caller.draft(&session).await), "\"6\"");
    caller.say(&session, "undo the last 6 changes").await;
    assert_eq!(title(&caller.draft(&session).await), "\"0\"");
    assert_eq!(caller.credits().await, (8.0, 0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_render_begins_again_unless_it_was_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let real = || LocalBackend::builder().persistent(dir.path()).start();
    let mut backend = real().await.unwrap();
    let mut caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    // Six hours of it take a while.
    let long = json!({"t": [{"tt": 7, "sg": [{"d": 21_000_000, "m": {"text": "Hi"}}]}]});
    for id in ["running", "queued"] {
        assert_eq!(caller.post(SUBMIT, &render(id, &session, &long)).await.code(), 0);
    }
    for is_shut_down in [true, false] {
        let status = async |id| {
            let state = caller.get(&format!("{SUBMIT}/{id}")).await.body;
            state["status"].as_str().unwrap().to_owned()
        };
        while status("running").await != "processing" {
            tokio::task::yield_now().await;
        }
        assert_eq!(status("queued").await, "pending", "a session renders one at a time");
        match is_shut_down {
            true => backend.shutdown().await,
            false => drop(backend),
        }
        backend = real().await.unwrap();
        caller = Caller::with_token(&backend, &caller.token);
    }
    for id in ["queued", "running"] {
        let state = caller.post(&format!("{SUBMIT}/{id}/cancel"), &json!({})).await.body;
        assert_eq!(state["status"], "cancelled", "{state}");
    }
    drop(backend);
    let backend = real().await.unwrap();
    let caller = Caller::with_token(&backend, &caller.token);
    for id in ["queued", "running"] {
        assert_eq!(caller.rendered(id).await["status"], "cancelled");
    }
    assert_eq!(backend.counters().renders_started, 2);
    assert_eq!(backend.counters().renders_finished, 0);
}

#[tokio::test]
async fn a_directory_is_for_one_backend_of_its_version() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path()).await;
    let again = || LocalBackend::builder().placeholder_videos().persistent(dir.path()).start();
    let message = async || match again().await.unwrap_err() {
        error @ LocalError::DataDir { .. } => {
            let source = std::error::Error::source(&error).unwrap();
            format!("{error}: {source}")
        }
        error => panic!("{error}"),
    };
    let used = message().await;
    assert!(used.contains("another backend") && used.contains(dir.path().to_str().unwrap()));
    let caller = Caller::new(&first, "one").await;
    let session = caller.session().await;
    drop(first);
    drop(again().await.unwrap());

    // What a killed process had written before it was named, and what is not the backend's own.
    let media = dir.path().join("media");
    let left = ["0123456789abcdef0123456789abcdef.mp4", ".nemovideo-0123456789abcdef.part"];
    for name in left.into_iter().chain(["mine.mp4"]) {
        std::fs::write(media.join(name), "half").unwrap();
    }
    let backend = again().await.unwrap();
    assert!(left.iter().all(|name| !media.join(name).exists()) && media.join("mine.mp4").exists());
    let caller = Caller::with_token(&backend, &caller.token);
    assert_eq!(caller.draft(&session).await, Value::Null);
    #[cfg(unix)]
    for name in ["backend.sqlite", "backend.sqlite-wal", "media"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    let bytes: Vec<u8> = ["backend.sqlite", "backend.sqlite-wal"]
        .into_iter()
        .flat_map(|name| std::fs::read(dir.path().join(name)).unwrap())
        .collect();
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has(&session) && !has(&caller.token), "the token is kept as a hash");
    drop(backend);

    // `user_version` of the header, a big-endian number.
    let path = dir.path().join("backend.sqlite");
    let mut database = std::fs::read(&path).unwrap();
    database[60..64].copy_from_slice(&99u32.to_be_bytes());
    std::fs::write(&path, database).unwrap();
    let newer = message().await;
    assert!(newer.contains("a newer version"), "{newer}");
    std::fs::write(&path, "no database, but of a certain length".repeat(100)).unwrap();
    let foreign = message().await;
    assert!(foreign.contains("backend.sqlite") && foreign.contains("not a database"), "{foreign}");
}

/// What a transaction costs a call, and how long a start takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_sessions_are_read_quickly() {
    let dir = tempfile::tempdir().unwrap();
    let persistent = LocalBackend::builder().persistent(dir.path());
    let mut took = Vec::new();
    for builder in [LocalBackend::builder(), persistent] {
        let backend = builder.placeholder_videos().credits(100_000).start().await.unwrap();
        let caller = Caller::new(&backend, "one").await;
        let began = Instant::now();
        for nth in 0..500 {
            let session = caller.session().await;
            caller.say(&session, &format!("narrate: {SCRIPT}")).await;
            caller.say(&session, &format!("add a title '{nth}'")).await;
        }
        took.push(began.elapsed() / 1000);
        if took.len() == 2 {
            let draft = json!({"t": [{"tt": 7, "sg": [{"d": 1000, "m": {"text": "Hi"}}]}]});
            let session = caller.session().await;
            for nth in 0..100 {
                let id = format!("r{nth}");
                assert_eq!(caller.post(SUBMIT, &render(&id, &session, &draft)).await.code(), 0);
            }
        }
    }
    let began = Instant::now();
    let backend = start(dir.path()).await;
    let start = began.elapsed();
    println!(
        "a message takes {:.1?} in memory and {:.1?} kept; a start {start:.1?}",
        took[0], took[1]
    );
    assert_eq!(backend.counters().sessions_created, 501);
    assert_eq!(backend.counters().renders_started, 100);
    // For an unoptimised build on a busy machine; tens of milliseconds otherwise.
    assert!(start < Duration::from_secs(5), "{start:?}");
}
