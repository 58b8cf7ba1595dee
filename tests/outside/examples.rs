//! The examples as users run them: valid and invalid input, exit codes, and the files left behind.

#[path = "examples/killed.rs"]
mod killed;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nemovideo::ErrorCode;
use nemovideo::local::{Ending, ErrorReply, Fault, LocalBackend};
use nemovideo::protocol::Endpoint;

/// Returns a command for a compiled example: cargo builds the examples together with the tests.
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.parent().and_then(Path::parent).expect("the target directory");
    let mut path: PathBuf = target.join("examples").join(name);
    path.set_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is built by `cargo test`", path.display());
    let mut command = Command::new(path);
    for name in ["NEMO_TOKEN", "NEMO_API_URL", "NEMO_CLIENT_ID", "SKILL_SOURCE"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

fn voiceover(dir: &Path, args: &[&str]) -> Output {
    example("voiceover").current_dir(dir).args(args).output().expect("the example runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Starts a backend, and creates a directory with a directory of scripts.
async fn with_scripts(names: &[&str]) -> (LocalBackend, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let scripts = dir.path().join("scripts");
    std::fs::create_dir(&scripts).unwrap();
    for name in names {
        std::fs::write(scripts.join(name), name).unwrap();
    }
    (LocalBackend::builder().placeholder_videos().start().await.unwrap(), dir)
}

#[test]
fn the_quickstart_prints_the_response_and_the_timeline_and_saves_the_video() {
    let dir = tempfile::tempdir().unwrap();
    let output = example("quickstart").current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    let lines: Vec<_> = printed.lines().filter(|line| !line.is_empty()).collect();
    let [response @ .., timeline, file] = &*lines else { panic!("too few lines: {printed}") };
    assert!(!response.is_empty(), "{printed}");
    assert!(
        timeline.starts_with("Timeline (") && timeline.contains("Hello from Rust."),
        "{printed}"
    );
    let bytes = std::fs::metadata(dir.path().join("quickstart.mp4")).unwrap().len();
    assert_eq!(*file, format!("quickstart.mp4: {bytes} bytes"));
    assert!(bytes > 0 && stderr(&output).is_empty(), "{}", stderr(&output));
}

#[test]
fn the_voiceover_prints_each_stage_and_then_the_result() {
    let dir = tempfile::tempdir().unwrap();
    let output = voiceover(dir.path(), &["--text", "Hello there.", "--out", "a.mp4"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let stages = stderr(&output);
    assert!(stages.starts_with("Setting things up…\nReady\n"), "{stages}");
    let result = stdout(&output);
    assert!(result.starts_with("a.mp4 (0:0"), "{result}");
    assert!(result.contains("Timeline (3 tracks): 1. Video: "), "{result}");
    assert!(result.trim_end().ends_with("credits left"), "{result}");
    for shown in [stages, result] {
        assert!(!shown.contains("nmv_") && !shown.contains('{'), "{shown}");
    }
    assert!(dir.path().join("a.mp4").exists());
}

#[test]
fn with_json_each_line_is_an_object_and_the_last_contains_the_timing() {
    let dir = tempfile::tempdir().unwrap();
    let output = voiceover(dir.path(), &["--text", "Hello.", "--out", "a.m4a", "--json"]);
    assert!(output.status.success(), "{}", stdout(&output));
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["kind"], "result");
    assert_eq!(last["bytes"], std::fs::metadata(dir.path().join("a.m4a")).unwrap().len());
    for stage in ["setup", "speech", "render", "download", "total"] {
        assert!(last["timing_ms"][stage].is_u64(), "{stage}");
    }
}

#[test]
fn invalid_input_is_an_error_and_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    write("empty.txt", b"");
    write("marks.txt", b"... !? --\r\n");
    write("binary.txt", &[0xff, 0xfe, 0x00, 0xd8, 0x80]);
    write("fake.docx", b"PK no document");
    let cases: [(&[&str], &str); 9] = [
        (&["--script", "none.txt"], "none.txt"),
        (&["--script", "none.docx"], "none.docx"),
        (&["--script", "empty.txt"], "no words"),
        (&["--script", "marks.txt"], "no words"),
        (&["--script", "binary.txt"], "UTF-8"),
        (&["--script", "fake.docx"], "DOCX"),
        (&["--text", "你好，世界。"], "font"),
        (&["--text", "Hi", "--language", "tlh"], "en-US"),
        (&["--text", "Hi", "--api", "http://127.0.0.1:1"], "not reached"),
    ];
    for (args, word) in cases {
        let output = voiceover(dir.path(), &[args, &["--out", "x.mp4"][..]].concat());
        let shown = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {shown}");
        assert!(shown.contains(word), "{args:?}: {shown}");
        assert!(!shown.contains("panicked"), "{shown}");
        assert!(!dir.path().join("x.mp4").exists(), "{args:?}");
    }
    for (out, word) in [("x.avi", ".mp4"), ("no/directory.mp4", "no directory"), (".", ".mp4")] {
        let output = voiceover(dir.path(), &["--text", "Hi", "--out", out]);
        assert_eq!(output.status.code(), Some(1), "{out}");
        assert!(stderr(&output).contains(word), "{out}: {}", stderr(&output));
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4, "only the scripts are left");
}

#[test]
fn emoji_and_windows_line_ends_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let script = "Hello 😀 world. 🎉\r\n\r\nSecond paragraph\r\nwraps here.\r\n";
    std::fs::write(dir.path().join("win.txt"), script).unwrap();
    let output = voiceover(dir.path(), &["--script", "win.txt", "--out", "w.wav"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("Second paragraph wraps here."), "{}", stdout(&output));
}

/// Runs an example against a backend, with the account of a directory.
async fn run_against(name: &str, backend: &LocalBackend, dir: &Path, args: &[&str]) -> Output {
    let mut command = example(name);
    command.current_dir(dir).args(args).args(["--api", backend.url()]);
    command.env("HOME", dir.join("home")).env("XDG_CONFIG_HOME", dir.join("home"));
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    output.expect("no panic").expect("the example runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voiceover_that_was_charged_and_failed_prints_how_to_resume_it() {
    let backend = LocalBackend::builder().placeholder_videos().start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let job = dir.join("a.mp4.job.json");
    let make = ["--text", "Hello there.", "--out", "a.mp4"];
    let resume = ["a.mp4.job.json", "--out", "a.mp4"];
    let down = || Fault::ReplaceResponse(ErrorReply::status(403).into());
    let late = || Fault::LateWork { reads: 1_000_000, ending: Ending::Reset };
    for (fault, route) in [(down(), Endpoint::RenderSubmit), (down(), Endpoint::RenderStatus)] {
        let charged = backend.counters().messages_run;
        backend.faults().inject(fault).on(route).always();
        let failed = run_against("voiceover", &backend, dir, &make).await;
        assert_eq!(failed.status.code(), Some(1));
        let shown = stderr(&failed);
        assert!(shown.contains("--example resume -- a.mp4.job.json --out a.mp4"), "{shown}");
        backend.faults().clear();
        let resumed = run_against("resume", &backend, dir, &resume).await;
        assert!(resumed.status.success(), "{}", stderr(&resumed));
        assert_eq!(backend.counters().messages_run, charged + 1);
        std::fs::remove_file(dir.join("a.mp4")).unwrap();
    }

    // A process that is killed during its message leaves a job file, too.
    let injected = backend.faults().inject(late()).on(Endpoint::Message).once();
    let mut command = example("voiceover");
    command.current_dir(dir).args(make).args(["--api", backend.url()]);
    command.env("HOME", dir.join("home")).env("XDG_CONFIG_HOME", dir.join("home"));
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while injected.hits() == 0 {
        tokio::task::yield_now().await;
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(job.exists());
    backend.faults().clear();
    let resumed = run_against("resume", &backend, dir, &resume).await;
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert_eq!(backend.counters().messages_run, 3);

    // A finished video needs no job file, and the same command continues a job.
    assert!(!job.exists());
    backend.faults().inject(down()).on(Endpoint::RenderSubmit).always();
    assert!(!run_against("voiceover", &backend, dir, &make).await.status.success());
    assert!(job.exists());
    let other = ["--text", "Something else.", "--out", "a.mp4"];
    let rejected = run_against("voiceover", &backend, dir, &other).await;
    assert!(stderr(&rejected).contains("another voiceover"), "{}", stderr(&rejected));
    backend.faults().clear();
    let charged = backend.counters().messages_run;
    let resumed = run_against("voiceover", &backend, dir, &make).await;
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert_eq!(backend.counters().messages_run, charged);
    assert!(!job.exists());
    assert!(run_against("voiceover", &backend, dir, &make).await.status.success());
    assert!(!job.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_batch_continues_and_charges_nothing_again() {
    let (backend, dir) = with_scripts(&["1.txt", "2.txt"]).await;
    let blocked = Fault::ReplaceResponse(ErrorReply::code(ErrorCode::ExportBlocked).into());
    backend.faults().inject(blocked).on(Endpoint::RenderSubmit).always();
    let args = ["scripts", "--out", "videos"];
    let interrupted = run_against("batch", &backend, dir.path(), &args).await;
    assert_eq!(interrupted.status.code(), Some(1));
    assert!(stderr(&interrupted).contains("Run it again"), "{}", stderr(&interrupted));
    assert_eq!(backend.counters().messages_run, 1);
    backend.faults().clear();
    let done = run_against("batch", &backend, dir.path(), &args).await;
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(backend.counters().messages_run, 2);
    let mut made: Vec<_> = std::fs::read_dir(dir.path().join("videos")).unwrap().collect();
    made.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
    let made: Vec<_> = made.into_iter().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(made, ["1.mp4", "2.mp4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_persisted_is_not_sent() {
    let backend = LocalBackend::builder().placeholder_videos().start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    // A directory in the place of the job file: writing it fails for every user.
    std::fs::create_dir(dir.path().join("a.mp4.job.json")).unwrap();
    let make = ["--text", "Hello there.", "--out", "a.mp4"];
    let failed = run_against("voiceover", &backend, dir.path(), &make).await;
    assert_eq!(failed.status.code(), Some(1));
    assert!(stderr(&failed).contains("a.mp4.job.json"), "{}", stderr(&failed));
    assert_eq!(backend.counters().messages_run, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_reports_a_video_that_an_earlier_run_failed_to_make() {
    let (backend, dir) = with_scripts(&["1.txt", "2.txt"]).await;
    let rejected = Fault::ReplaceResponse(ErrorReply::code(ErrorCode::UnsupportedFileType).into());
    backend.faults().inject(rejected).on(Endpoint::Upload).once();
    let args = ["scripts", "--out", "videos"];
    for messages in [1, 1] {
        let failed = run_against("batch", &backend, dir.path(), &args).await;
        assert_eq!(failed.status.code(), Some(1), "{}", stdout(&failed));
        assert!(stderr(&failed).contains("1 of 2 videos are missing"), "{}", stderr(&failed));
        assert!(stderr(&failed).contains("--retry-failed"), "{}", stderr(&failed));
        assert_eq!(backend.counters().messages_run, messages);
    }
    let retried = ["scripts", "--out", "videos", "--retry-failed"];
    let done = run_against("batch", &backend, dir.path(), &retried).await;
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(backend.counters().messages_run, 2);
    assert_eq!(std::fs::read_dir(dir.path().join("videos")).unwrap().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_response_was_lost_is_repeated_by_the_next_run() {
    let (backend, dir) = with_scripts(&["1.txt"]).await;
    let lost = Fault::DropResponse(nemovideo::local::FaultyResponse::Reset);
    backend.faults().inject(lost).on(Endpoint::Upload).once();
    let args = ["scripts", "--out", "videos"];
    let failed = run_against("batch", &backend, dir.path(), &args).await;
    assert_eq!(failed.status.code(), Some(1), "{}", stdout(&failed));
    assert_eq!(backend.counters().messages_run, 0);
    let done = run_against("batch", &backend, dir.path(), &args).await;
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!((backend.counters().uploads_taken, backend.counters().messages_run), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_continues_in_its_session() {
    let backend = LocalBackend::builder().placeholder_videos().start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let say = async |line: &'static str| {
        let mut command = example("edit");
        command.current_dir(dir.path()).args(["--api", backend.url()]);
        command.env("HOME", dir.path()).env("XDG_CONFIG_HOME", dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || {
            let mut process = command.spawn().unwrap();
            let mut input = process.stdin.take().unwrap();
            std::io::Write::write_all(&mut input, line.as_bytes()).unwrap();
            drop(input);
            process.wait_with_output().unwrap()
        });
        output.await.unwrap()
    };
    let first = say("narrate: The sky is blue.\n").await;
    assert!(first.status.success(), "{}", stderr(&first));
    let second = say("credits?\n").await;
    let shown = stdout(&second);
    assert!(shown.contains("The sky is blue.") && shown.contains("Continuing"), "{shown}");
    assert_eq!(backend.counters().sessions_created, 1);
}

#[test]
fn a_port_in_use_is_reported() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = example("local_server").args(["--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("in use"), "{}", stderr(&output));
}
