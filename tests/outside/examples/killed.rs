//! The examples killed, starved and out of touch: they say what they wait for, charge nothing
//! twice, and the next run goes on and cleans up.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nemovideo::ErrorCode;
use nemovideo::local::{Cut, Ending, ErrorReply, Fault, FaultHandle, FaultyResponse, LocalBackend};
use nemovideo::protocol::{Credits, Endpoint};

#[cfg(unix)]
use super::limited;
use super::{example, run_against, stderr, stdout};

const MAKE: [&str; 4] = ["--text", "Hello there.", "--out", "a.mp4"];

async fn backend() -> LocalBackend {
    let backend = LocalBackend::builder().placeholder_videos().credits(Credits::new(1e6));
    backend.start().await.unwrap()
}

fn voiceover(backend: &LocalBackend, dir: &Path) -> Command {
    let mut command = example("voiceover");
    command.current_dir(dir).args(MAKE).args(["--api", backend.url()]);
    command.env("HOME", dir.join("home"));
    command
}

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let names = std::fs::read_dir(dir).unwrap().map(name);
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits for a line of stderr, and returns all lines until then.
fn wait_for_line(process: &mut Child, is_found: impl Fn(&str) -> bool) -> String {
    let mut shown = String::new();
    for line in BufReader::new(process.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        shown.push_str(&line);
        shown.push('\n');
        if is_found(&line) {
            return shown;
        }
    }
    panic!("the process ended: {shown}")
}

/// Whether a line says that the process is waiting, and for how long.
fn says_waiting(line: &str) -> bool {
    line.ends_with(" s)") && line.contains('…')
}

/// Kills a voiceover that waits for the response of an endpoint, once it says so, and runs it again.
async fn kill_and_run_again(endpoint: Endpoint, fault: Fault) {
    let (backend, dir) = (backend().await, tempfile::tempdir().unwrap());
    backend.faults().inject(fault).on(endpoint).once();
    let mut command = voiceover(&backend, dir.path());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let killed = tokio::task::spawn_blocking(move || {
        let mut process = command.spawn().unwrap();
        let shown = wait_for_line(&mut process, says_waiting);
        (process, shown)
    });
    let (mut process, shown) = killed.await.unwrap();
    if endpoint == Endpoint::File {
        let has_part = |name: &String| name.starts_with(".nemovideo-");
        assert!(names(dir.path()).iter().any(has_part), "{shown}");
        // Another process leaves alone what this one works with.
        let second = run_against("voiceover", &backend, dir.path(), &MAKE).await;
        assert!(stderr(&second).contains("another process works with"), "{}", stderr(&second));
        assert!(names(dir.path()).iter().any(has_part), "{shown}");
    }
    process.kill().unwrap();
    process.wait().unwrap();

    let mut again = voiceover(&backend, dir.path()).output().unwrap();
    if endpoint == Endpoint::Token {
        let shown = stderr(&again);
        assert_eq!(again.status.code(), Some(1), "{shown}");
        assert!(shown.contains("set NEMO_CLIENT_ID to a new UUID"), "{shown}");
        let id = "0c4cb5f5-6a5e-4ef5-8ea9-ee5c4a51c0a5";
        again = voiceover(&backend, dir.path()).env("NEMO_CLIENT_ID", id).output().unwrap();
    }
    assert!(again.status.success(), "{endpoint:?}: {shown}\n{}", stderr(&again));
    assert_eq!(backend.counters().messages_run, 1, "{endpoint:?}");
    assert_eq!(names(dir.path()), ["a.mp4", "home"], "{endpoint:?}");
    let credentials = dir.path().join("home/.config/nemovideo");
    assert_eq!(names(&credentials), ["client_id", "lock", "tokens"]);
    assert_eq!(names(&credentials.join("tokens")).len(), 1, "{endpoint:?}");
}

// Each run blocks a thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_process_that_waits_says_so_and_after_a_kill_the_next_one_goes_on() {
    let lost = || Fault::DropResponse(FaultyResponse::Stall);
    let cut = Fault::Cut(Cut::Bytes(100), Ending::Stall);
    let cases = [
        (Endpoint::Token, lost()),
        (Endpoint::Session, lost()),
        (Endpoint::State, lost()),
        (Endpoint::Message, lost()),
        (Endpoint::RenderSubmit, lost()),
        (Endpoint::RenderStatus, lost()),
        (Endpoint::File, cut),
    ];
    let runs = cases.map(|(endpoint, fault)| tokio::spawn(kill_and_run_again(endpoint, fault)));
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_gone_is_reported_at_once_and_nothing_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (endpoint, fault) in [
        (Endpoint::Message, Fault::ReplaceResponse(FaultyResponse::Stall)),
        (Endpoint::RenderSubmit, Fault::ReplaceResponse(ErrorReply::status(403).into())),
    ] {
        let first = backend().await;
        let injected = first.faults().inject(fault).on(endpoint).always();
        let mut process = voiceover(&first, dir).stderr(Stdio::null()).spawn().unwrap();
        while injected.hits() == 0 && process.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // The backend keeps sessions in memory, so another one is the same after a restart.
        let restarted = backend().await;
        let started = Instant::now();
        let resume = ["a.mp4.job.json", "--out", "a.mp4"];
        let runs: [(&str, &[&str]); 2] = [("resume", &resume), ("voiceover", &MAKE)];
        for (name, args) in runs {
            let failed = run_against(name, &restarted, dir, args).await;
            let shown = stderr(&failed);
            assert_eq!(failed.status.code(), Some(1), "{shown}");
            assert!(shown.contains("1002") && shown.contains("charged"), "{shown}");
            assert!(shown.contains("delete a.mp4.job.json"), "{shown}");
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
        let counters = restarted.counters();
        assert_eq!((counters.messages_run, counters.sessions_created), (0, 0));
        std::fs::remove_file(dir.join("a.mp4.job.json")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_stored_is_announced() {
    let (backend, dir) = (backend().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("file");
    std::fs::write(&file, "no directory").unwrap();
    for (home, is_announced) in [(file.as_path(), true), (dir.path(), false)] {
        let output = voiceover(&backend, dir.path()).env("HOME", home).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(
            stderr(&output).contains("in memory alone"),
            is_announced,
            "{}",
            stderr(&output)
        );
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_or_too_few_descriptors_cost_nothing_that_is_not_persisted() {
    let (backend, dir) = (backend().await, tempfile::tempdir().unwrap());
    let dir = dir.path();
    // The account is stored before.
    assert!(voiceover(&backend, dir).output().unwrap().status.success());
    let sizes = [0, 1, 2, 3, 4].map(|blocks| format!("-f {blocks}"));
    let descriptors = (8..20).map(|count| format!("-n {count}"));
    let mut failures = 0;
    for limit in sizes.into_iter().chain(descriptors) {
        std::fs::remove_file(dir.join("a.mp4")).unwrap();
        let before = backend.counters().messages_run;
        // With the signal ignored, a file that is too large is an error, as a full disk is.
        let limits = format!("trap '' XFSZ; ulimit {limit}");
        let output = limited(&limits, &voiceover(&backend, dir)).output().unwrap();
        let shown = stderr(&output);
        let charged = backend.counters().messages_run - before;
        if !output.status.success() {
            failures += 1;
            let is_kept = dir.join("a.mp4.job.json").exists();
            assert!(charged == 0 || is_kept, "{limit}: {shown}");
            assert!(!dir.join("a.mp4").exists(), "{limit}: {shown}");
            if limit.starts_with("-f") {
                assert_eq!(output.status.code(), Some(1), "{limit}: {shown}");
                assert!(shown.contains("could not write a.mp4"), "{limit}: {shown}");
            }
            let again = voiceover(&backend, dir).output().unwrap();
            assert!(again.status.success(), "{limit}: {}", stderr(&again));
        }
        assert_eq!(backend.counters().messages_run, before + 1, "{limit}: {shown}");
        assert_eq!(names(dir), ["a.mp4", "home"], "{limit}: {shown}");
    }
    assert!(failures > 3, "{failures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_written_is_named_before_anything_is_sent() {
    let (backend, dir) = (backend().await, tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("file"), "no directory").unwrap();
    std::fs::create_dir(dir.path().join("scripts")).unwrap();
    std::fs::write(dir.path().join("scripts/1.txt"), "One.").unwrap();
    let runs: [(&str, &[&str]); 3] = [
        ("voiceover", &["--text", "Hi", "--out", "file/a.mp4"]),
        ("batch", &["scripts", "--out", "file/videos"]),
        ("edit", &["--session", "file/edit.json"]),
    ];
    for (name, args) in runs {
        let output = run_against(name, &backend, dir.path(), args).await;
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stdout(&output));
        let shown = stderr(&output);
        assert_eq!(shown, "error: file is a file, not a directory\n", "{name}");
    }
    assert_eq!(backend.counters().requests(Endpoint::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_that_is_out_of_reach_for_a_while_is_saved() {
    let (backend, dir) = (backend().await, tempfile::tempdir().unwrap());
    let down = Fault::ReplaceResponse(ErrorReply::status(502).into());
    backend.faults().inject(down).on(Endpoint::RenderStatus).times(30);
    let output = voiceover(&backend, dir.path()).output().unwrap();
    let shown = stderr(&output);
    assert!(output.status.success(), "{shown}");
    assert_eq!(shown.matches("No response about the render").count(), 1, "{shown}");
    assert_eq!(backend.counters().renders_started, 1);
}

/// Starts `batch` on the scripts in a directory, and kills it once it has met a fault.
async fn kill_batch(backend: &LocalBackend, dir: &Path, fault: &FaultHandle) {
    let mut command = example("batch");
    command.current_dir(dir).args(["scripts", "--out", "videos", "--api", backend.url()]);
    command.env("HOME", dir.join("home")).stderr(Stdio::null());
    let mut process = command.spawn().unwrap();
    while fault.hits() == 0 {
        tokio::task::yield_now().await;
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_session_is_gone_pays_for_nothing_again_and_goes_on_in_another() {
    let dir = tempfile::tempdir().unwrap();
    let scripts = dir.path().join("scripts");
    std::fs::create_dir(&scripts).unwrap();
    for name in ["1.txt", "2.txt"] {
        std::fs::write(scripts.join(name), name).unwrap();
    }
    let first = backend().await;
    let lost = Fault::DropResponse(FaultyResponse::Stall);
    let injected = first.faults().inject(lost).on(Endpoint::Message).always();
    kill_batch(&first, dir.path(), &injected).await;
    let args = ["scripts", "--out", "videos"];
    let restarted = backend().await;
    let failed = run_against("batch", &restarted, dir.path(), &args).await;
    let shown = format!("{}{}", stderr(&failed), stdout(&failed));
    assert_eq!(failed.status.code(), Some(1), "{shown}");
    let rejected = ErrorCode::SessionNotFound.number().to_string();
    assert!(shown.contains(&rejected) && shown.contains("--retry-failed"), "{shown}");
    assert_eq!(restarted.counters().messages_run, 1, "the second script: {shown}");
    let retry = ["scripts", "--out", "videos", "--retry-failed"];
    let done = run_against("batch", &restarted, dir.path(), &retry).await;
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(names(&dir.path().join("videos")), ["1.mp4", "2.mp4", "batch.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_looked_for_in_vain_is_sent_again_only_on_request() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("scripts")).unwrap();
    std::fs::write(dir.path().join("scripts/1.txt"), "One.").unwrap();
    let backend = backend().await;
    let never_taken = Fault::ReplaceResponse(FaultyResponse::Stall);
    let injected = backend.faults().inject(never_taken).on(Endpoint::Message).once();
    kill_batch(&backend, dir.path(), &injected).await;
    // What a run leaves that looks for the message's effect until its limit, which takes minutes.
    let file = dir.path().join("videos/batch.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    state["session"] = serde_json::Value::Null;
    state["items"][0]["error"] = "its outcome is unknown".into();
    std::fs::write(&file, state.to_string()).unwrap();

    let retry = ["scripts", "--out", "videos", "--retry-failed"];
    let done = run_against("batch", &backend, dir.path(), &retry).await;
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(names(&dir.path().join("videos")), ["1.mp4", "batch.json"]);
    assert_eq!(backend.counters().messages_run, 1);
}
