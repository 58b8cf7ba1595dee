//! The examples as users run them: valid and invalid input, exit codes, and the files left behind.

#[path = "examples/killed.rs"]
mod killed;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nemovideo::ErrorCode;
use nemovideo::local::{Ending, ErrorReply, Fault, FaultHandle, LocalBackend};
use nemovideo::protocol::Endpoint;
use serde_json::json;
use tempfile::TempDir;

/// Returns a command for a compiled example: `cargo test` builds the examples together with the
/// tests, but not where a command names one of them.
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.parent().and_then(Path::parent).expect("the target directory");
    let mut path: PathBuf = target.join("examples").join(name);
    path.set_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "`cargo build --examples` builds {}", path.display());
    let mut command = Command::new(path);
    for name in ["NEMO_TOKEN", "NEMO_API_URL", "NEMO_CLIENT_ID", "SKILL_SOURCE", "XDG_CONFIG_HOME"]
    {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Returns a command that runs another one after commands of the shell, which limit it.
#[cfg(unix)]
pub(crate) fn limited(limits: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null());
    shell
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
async fn with_scripts(names: &[&str]) -> (LocalBackend, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let scripts = dir.path().join("scripts");
    std::fs::create_dir(&scripts).unwrap();
    for name in names {
        std::fs::write(scripts.join(name), name).unwrap();
    }
    (LocalBackend::builder().placeholder_videos().start().await.unwrap(), dir)
}

/// Ctrl-C reaches the example alone: the program is in a process group of its own.
#[cfg(unix)]
#[test]
fn a_program_that_speaks_ends_with_the_example_that_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::fs::write(dir.path().join("speak.sh"), "exec > fifo; echo; sleep 600").unwrap();
    for signal in ["INT", "TERM"] {
        let mut command = example("voiceover");
        command.args(["--text", "Hi.", "--voice-command", "sh speak.sh {text} {out}"]);
        let mut stopped = command.current_dir(dir.path()).stderr(Stdio::null()).spawn().unwrap();
        // It is open as long as the program, or the one that it has started, lives.
        let mut output = BufReader::new(std::fs::File::open(&fifo).unwrap());
        output.read_line(&mut String::new()).unwrap();
        let sent = Command::new("kill").args(["-s", signal, &stopped.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(stopped.wait().unwrap().code(), Some(130), "{signal}");
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || ended.send(output.read_line(&mut String::new()).unwrap()));
        assert_eq!(end.recv_timeout(Duration::from_secs(10)), Ok(0), "{signal}: it lives");
    }
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
    let output = voiceover(dir.path(), &["--text", "Hello there. Привет!", "--out", "a.mp4"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let stages = stderr(&output);
    assert!(stages.starts_with("Setting things up…\nReady\n"), "{stages}");
    let result = stdout(&output);
    assert!(result.starts_with("a.mp4 (0:0"), "{result}");
    assert!(result.contains("Timeline (3 tracks): 1. Video: "), "{result}");
    assert!(result.contains("credits left"), "{result}");
    assert!(result.trim_end().ends_with("Not spoken: Привет."), "{result}");
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
    write("scenes.md", b"Hi.\n\n![](none.png)\n\n![](empty.txt)\n");
    let cases: [(&[&str], &str); 11] = [
        (
            &["--script", "scenes.md"],
            "line 3: there is no file none.png; line 5: the image empty.txt",
        ),
        (&["--text", "Hi", "--fade", "nan"], "--fade"),
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
    for (out, word) in
        [("x.avi", ".mp4"), ("no/directory.mp4", "no directory"), (".", "is a directory")]
    {
        let output = voiceover(dir.path(), &["--text", "Hi", "--out", out]);
        assert_eq!(output.status.code(), Some(1), "{out}");
        assert!(stderr(&output).contains(word), "{out}: {}", stderr(&output));
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 5, "only the scripts are left");
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

#[test]
fn the_images_of_a_markdown_script_are_its_scenes() {
    let dir = tempfile::tempdir().unwrap();
    let image = include_bytes!("../data/cases/pic/rgb.png");
    std::fs::write(dir.path().join("my sky.png"), image).unwrap();
    let script = "Hello.\n\n![Not said](my%20sky.png)\n\nThe sky is blue.\n";
    std::fs::write(dir.path().join("talk.md"), script).unwrap();
    let args = ["--script", "talk.md", "--out", "a.mp4", "--json", "--motion", "none"];
    let output =
        voiceover(dir.path(), &[&args[..], &["--fit", "contain", "--fade", "0.2"]].concat());
    assert!(output.status.success(), "{}", stdout(&output));
    let shown = stdout(&output);
    assert!(shown.contains("my-sky.png (") && !shown.contains("Not s"), "{shown}");
}

/// Returns a command for an example against a backend, with the account of a directory.
fn against(name: &str, backend: &LocalBackend, dir: &Path, args: &[&str]) -> Command {
    let mut command = example(name);
    command.current_dir(dir).args(args).args(["--api", backend.url()]);
    command.env("HOME", dir.join("home"));
    command
}

/// Runs an example, and kills it when a fault has occurred.
async fn kill_at(fault: &FaultHandle, mut command: Command) {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while fault.hits() == 0 {
        tokio::task::yield_now().await;
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Runs an example against a backend.
async fn run_against(name: &str, backend: &LocalBackend, dir: &Path, args: &[&str]) -> Output {
    let mut command = against(name, backend, dir, args);
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
    kill_at(&injected, against("voiceover", &backend, dir, &make)).await;
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
async fn a_job_is_continued_up_to_its_last_file() {
    let backend = LocalBackend::builder().placeholder_videos().start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let path = |name: &str| dir.join(name);
    let job = path("a.mp4.job.json");
    let make = ["--text", "Hello there.", "--out", "a.mp4"];
    let files = ["--subtitles", "a.srt", "--poster", "a.png", "--poster-at", "0.5"];
    let down = || Fault::ReplaceResponse(ErrorReply::status(403).into());
    let run = async |name: &str, args: &[&str]| run_against(name, &backend, dir, args).await;
    for name in ["voiceover", "resume"] {
        let of = |more: &[&'static str]| -> Vec<&'static str> {
            let own = if name == "resume" {
                vec!["a.mp4.job.json", "--out", "a.mp4"]
            } else {
                make.into()
            };
            own.into_iter().chain(more.iter().copied()).collect()
        };
        let charged = backend.counters().messages_run;
        backend.faults().inject(down()).on(Endpoint::RenderStatus).always();
        let failed = run("voiceover", &[&make[..], &files].concat()).await;
        let advice = "--out a.mp4 --subtitles a.srt --poster a.png --poster-at 0.5 --api";
        assert!(stderr(&failed).contains(advice), "{}", stderr(&failed));
        backend.faults().clear();

        // Paths are checked before anything is waited for.
        let asked = backend.counters().all_requests();
        for (wrong, word) in [
            (&["--poster", "a.gif"][..], ".jpg or .png"),
            (&["--poster", "no/a.png"], "no directory no"),
            (&["--subtitles", "a.txt"], ".srt or .vtt"),
            (&["--subtitles", "no/a.srt"], "no directory no"),
        ] {
            let failed = run(name, &of(wrong)).await;
            assert_eq!(failed.status.code(), Some(1), "{name} {wrong:?}");
            assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
        }
        assert!(job.exists() && !path("a.mp4").exists());
        assert_eq!(backend.counters().all_requests(), asked);

        // Killed when the video is there and the poster is not.
        let slow = Fault::SlowRender { polls: 1_000_000 };
        let injected = backend.faults().inject(slow).on(Endpoint::RenderSubmit).once();
        kill_at(&injected, against(name, &backend, dir, &of(&files))).await;
        assert!(job.exists() && path("a.mp4").exists() && path("a.srt").exists());
        assert!(!path("a.png").exists());
        backend.faults().clear();

        let resumed = run(name, &of(&files)).await;
        assert!(resumed.status.success(), "{}", stderr(&resumed));
        assert!(!job.exists());
        assert_eq!(backend.counters().messages_run, charged + 1);
        for name in ["a.mp4", "a.srt", "a.png"] {
            std::fs::remove_file(path(name)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_read_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("script.txt"), "Hello there.").unwrap();
    std::fs::write(path("a.png"), b"\x89PNG\r\n\x1A\n").unwrap();
    let mut cases = vec![vec!["--text", "Hi", "--image", "a.png", "--poster", "./a.png"]];
    #[cfg(unix)]
    {
        for (to, name) in [("script.txt", "a.srt"), ("script.txt", "a.mp4"), ("a.png", "b.ttf")] {
            std::os::unix::fs::symlink(path(to), path(name)).unwrap();
        }
        cases.push(vec!["--script", "script.txt", "--subtitles", "a.srt"]);
        cases.push(vec!["--script", "script.txt", "--out", "a.mp4"]);
        cases.push(vec!["--text", "Hi", "--font", "b.ttf", "--poster", "a.png"]);
    }
    for args in cases {
        let output = voiceover(dir.path(), &args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("is read"), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(std::fs::read(path("script.txt")).unwrap(), b"Hello there.");
}

#[test]
fn a_font_is_an_option_of_each_example_with_an_embedded_backend() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.txt"), "Hi.").unwrap();
    for args in [&["voiceover", "--text", "Hi."][..], &["edit"], &["batch", "."], &["local_server"]]
    {
        let mut command = example(args[0]);
        command.current_dir(dir.path()).args(&args[1..]).args(["--font", "none.ttf"]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("none.ttf"), "{args:?}: {}", stderr(&output));
    }
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
    assert_eq!(made, ["1.mp4", "2.mp4", "batch.json"]);

    // What is finished is not made again, a file that is gone is downloaded again, and a new script
    // and one that was changed are made.
    let before = backend.counters();
    let videos = dir.path().join("videos");
    std::fs::remove_file(videos.join("1.mp4")).unwrap();
    let again = run_against("batch", &backend, dir.path(), &args).await;
    assert!(again.status.success(), "{}", stderr(&again));
    assert!(stderr(&again).contains("2 videos are finished"), "{}", stderr(&again));
    let after = backend.counters();
    assert!(videos.join("1.mp4").exists());
    assert_eq!((after.messages_run, after.renders_started), (2, before.renders_started));
    std::fs::write(dir.path().join("scripts/3.txt"), "Another one.").unwrap();
    let script = std::fs::File::options().append(true).open(dir.path().join("scripts/2.txt"));
    let later = std::time::SystemTime::now() + Duration::from_secs(60);
    script.unwrap().set_modified(later).unwrap();
    let more = run_against(
        "batch",
        &backend,
        dir.path(),
        &["scripts", "--out", "videos", "--at-once", "2"],
    );
    let more = more.await;
    assert!(more.status.success(), "{}", stderr(&more));
    assert!(
        stdout(&more).contains("3.txt") && stdout(&more).contains("2.txt"),
        "{}",
        stdout(&more)
    );
    assert_eq!(backend.counters().messages_run, 4);
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
    assert_eq!(std::fs::read_dir(dir.path().join("videos")).unwrap().count(), 3);
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
        command.env("HOME", dir.path());
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

/// A `local_server` with a directory for temporary files of its own.
struct Server {
    process: Option<Child>,
    url: String,
    temporary: Arc<TempDir>,
}

/// Five seconds for calls in progress and two for the cancelled work, as documented, and some for a
/// busy machine.
const SHUTDOWN: Duration = Duration::from_secs(20);

impl Server {
    fn start() -> Self {
        Self::run(example("local_server"), Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Starts the server from a shell, after commands that limit it.
    #[cfg(unix)]
    fn limited(limits: &str) -> Self {
        let command = limited(limits, &example("local_server"));
        Self::run(command, Arc::new(tempfile::tempdir().unwrap()))
    }

    fn run(mut command: Command, temporary: Arc<TempDir>) -> Self {
        command.env("TMPDIR", temporary.path()).env("TEMP", temporary.path());
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        Self { process: Some(process), url, temporary }
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &process]).status().unwrap();
        assert!(sent.success(), "{signal}");
    }

    /// Waits for the end of the process and returns its exit code.
    fn ended(mut self) -> (Option<i32>, Arc<TempDir>) {
        let mut process = self.process.take().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let id = process.id().to_string();
        std::thread::spawn(move || sender.send(process.wait()));
        let status = receiver.recv_timeout(SHUTDOWN).unwrap_or_else(|_| {
            let _killed = Command::new("kill").args(["-s", "KILL", &id]).status();
            panic!("it does not end")
        });
        (status.unwrap().code(), Arc::clone(&self.temporary))
    }

    /// What the server has left of its temporary files.
    fn left(&self) -> usize {
        std::fs::read_dir(self.temporary.path()).unwrap().count()
    }

    async fn user(&self, client: &str) -> User {
        // Of no use for plain HTTP, but reqwest requires some.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut user =
            User { http, url: self.url.clone(), token: String::new(), session: String::new() };
        let token = user.request("/api/auth/anonymous-token").header("X-Client-Id", client);
        user.token = json_of(token).await["data"]["token"].as_str().unwrap().to_owned();
        let session =
            user.request("/api/tasks/me/with-session/nemo_agent").body("{\"task_name\":\"t\"}");
        user.session = json_of(session).await["data"]["session_id"].as_str().unwrap().to_owned();
        user
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _killed = process.kill();
            let _waited = process.wait();
        }
    }
}

/// An account with a session, and nothing but HTTP.
struct User {
    http: reqwest::Client,
    url: String,
    token: String,
    session: String,
}

async fn json_of(request: reqwest::RequestBuilder) -> serde_json::Value {
    let body = request.send().await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

impl User {
    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let request = request.header("X-Skill-Source", "tests").header("X-Skill-Version", "1");
        request.header("X-Skill-Platform", "unknown")
    }

    /// Sends a message, and returns the response as soon as the agent has begun to speak.
    async fn speak(&self, script: &str) -> reqwest::Response {
        let text = format!("Make a voiceover of this script. Script: {script}");
        let body = json!({"app_name": "nemo_agent", "user_id": "me", "session_id": self.session,
            "new_message": {"parts": [{"text": text}]}});
        let mut response = self.request("/run_sse").body(body.to_string()).send().await.unwrap();
        let mut seen = String::new();
        while !seen.contains("generate_voiceover") {
            let chunk = response.chunk().await.unwrap().expect("the stream goes on");
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        response
    }

    async fn render(&self, id: &str, draft: serde_json::Value, format: &str) {
        let body = json!({"id": id, "sessionId": self.session, "draft": draft,
            "output": {"format": format, "quality": "high"}});
        let submitted =
            json_of(self.request("/api/render/proxy/lambda").body(body.to_string())).await;
        assert_eq!(submitted["code"], 0, "{submitted}");
    }

    /// Waits until a render has one of these states, and returns it.
    async fn rendered(&self, id: &str, states: &[&str]) -> serde_json::Value {
        let poll = || self.http.get(format!("{}/api/render/proxy/lambda/{id}", self.url));
        loop {
            let state = json_of(poll().bearer_auth(&self.token)).await;
            if states.iter().any(|wanted| state["status"] == *wanted) {
                return state;
            }
        }
    }

    async fn upload(&self, name: &str, bytes: usize) -> (u16, serde_json::Value) {
        let part = reqwest::multipart::Part::bytes(vec![0; bytes]).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("files", part);
        let path = format!("/api/upload-video/nemo_agent/me/{}", self.session);
        let response = self.request(&path).multipart(form).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// Sends the start of an upload, and leaves the rest to nobody.
    fn begin_upload(&self) -> TcpStream {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST /api/upload-video/nemo_agent/me/{} HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Bearer {}\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: 100000\r\n\r\n--b\r\n\
             Content-Disposition: form-data; name=\"files\"; filename=\"v.mp4\"\r\n\r\nhalf",
            self.session, self.token
        )
        .unwrap();
        stream
    }

    async fn credits(&self) -> serde_json::Value {
        let url = format!("{}/api/credits/balance/simple", self.url);
        json_of(self.http.get(url).bearer_auth(&self.token)).await["data"].clone()
    }
}

/// Far more than can be spoken within the bound, optimised or not.
fn long_script() -> String {
    (0..9_000).map(|n| format!("This is sentence number {n} of a very long script. ")).collect()
}

/// A video of hours, with another text every second.
fn long_draft() -> serde_json::Value {
    let text = |n| json!({"d": 1000, "m": {"text": format!("Text number {n}"), "start": n * 1000}});
    json!({"t": [{"tt": 7, "sg": (0..20_000).map(text).collect::<Vec<_>>()}]})
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_within_its_bound_whatever_it_does() {
    /// What a server may be doing. Each returns what the test holds open.
    type Held = Box<dyn std::any::Any + Send>;
    async fn narration(server: &Server) -> Held {
        // The client has gone; the work continues.
        drop(server.user("client-narration").await.speak(&long_script()).await);
        Box::new(())
    }
    async fn stream(server: &Server) -> Held {
        Box::new(server.user("client-stream").await.speak(&long_script()).await)
    }
    async fn render(server: &Server) -> Held {
        let user = server.user("client-render").await;
        user.render("r", long_draft(), "mp4").await;
        user.rendered("r", &["processing"]).await;
        Box::new(())
    }
    async fn upload(server: &Server) -> Held {
        let user = server.user("client-upload").await;
        let stream = user.begin_upload();
        // It has been accepted by the time that another call has its response.
        user.credits().await;
        Box::new(stream)
    }
    async fn check(server: Server, held: Vec<Held>, signals: &[&str]) {
        let address = server.url.trim_start_matches("http://").to_owned();
        for (n, signal) in signals.iter().enumerate() {
            if n > 0 {
                // Two signals that arrive as one are one. After the first, nothing is accepted.
                while TcpStream::connect(&address).is_ok() {
                    tokio::task::yield_now().await;
                }
            }
            server.signal(signal);
        }
        let (code, temporary) = tokio::task::spawn_blocking(move || server.ended()).await.unwrap();
        drop(held);
        assert_eq!(code, Some(if signals.len() > 1 { 130 } else { 0 }), "{signals:?}");
        // Work that did not notice its end in time may have left something to the next start.
        let next = Server::run(example("local_server"), temporary);
        next.signal("TERM");
        let (code, temporary) = tokio::task::spawn_blocking(move || next.ended()).await.unwrap();
        assert_eq!(code, Some(0));
        let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let alone = async |signal: &'static str, work: AsyncWork| {
        let server = Server::start();
        let held = work(&server).await;
        check(server, vec![held], &[signal]).await;
    };
    type AsyncWork = for<'s> fn(&'s Server) -> futures::future::BoxFuture<'s, Held>;
    let all = async |signals: &'static [&'static str]| {
        let server = Server::start();
        let held = vec![
            narration(&server).await,
            stream(&server).await,
            render(&server).await,
            upload(&server).await,
        ];
        check(server, held, signals).await;
    };
    tokio::join!(
        alone("TERM", |server| Box::pin(narration(server))),
        alone("INT", |server| Box::pin(stream(server))),
        alone("TERM", |server| Box::pin(render(server))),
        alone("INT", |server| Box::pin(upload(server))),
        all(&["TERM"]),
        all(&["INT", "TERM"]),
        all(&["TERM", "TERM"]),
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_has_left_is_removed_by_the_next_while_no_owner_lives() {
    let alive = Server::start();
    alive.user("client-alive").await.speak("One. Two.").await.text().await.unwrap();
    let own = alive.left();
    assert!(own > 0);
    let again = || Server::run(example("local_server"), Arc::clone(&alive.temporary));
    let killed = again();
    drop(killed.user("client-killed").await.speak(&long_script()).await);
    assert!(killed.left() > own);
    drop(killed);
    assert!(alive.left() > own, "a killed process leaves its directories");

    let next = again();
    // The data directory of the new one.
    assert_eq!(next.left(), own + 1);
    next.signal("TERM");
    let (code, _) = tokio::task::spawn_blocking(move || next.ended()).await.unwrap();
    assert_eq!((code, alive.left()), (Some(0), own));
    let user = alive.user("client-again").await;
    assert_eq!(user.upload("a.mp4", 10).await.0, 200, "the directory of a living owner stays");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_reported_with_its_directory_and_costs_nothing() {
    // The limit of a file has the effect of a full disk; POSIX counts it in blocks of 512 bytes.
    let limited = |blocks: u32| Server::limited(&format!("trap '' XFSZ; ulimit -f {blocks}"));
    let server = limited(16_384);
    let directory = server.temporary.path().to_str().unwrap().to_owned();
    let files = || {
        let data = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        data.map(|path| std::fs::read_dir(path).unwrap().count()).sum::<usize>()
    };
    let user = server.user("client-full").await;
    let before = files();
    let (_, response) = user.upload("large.mp4", 20_000_000).await;
    assert_eq!(response["code"], 4002, "{response}");
    assert!(response["message"].as_str().unwrap().contains(&directory), "{response}");
    assert_eq!(files(), before, "nothing of it is left");
    assert_eq!(user.upload("small.mp4", 1000).await.1["code"], 0);

    let text = json!({"t": [{"tt": 7, "sg": [{"d": 400_000, "m": {"text": "Hi"}}]}]});
    user.render("r", text, "wav").await;
    let failed = user.rendered("r", &["failed", "completed"]).await;
    assert!(failed["error"].to_string().contains(&directory), "{failed}");
    assert_eq!(files(), before + 1, "the small upload");

    // Too little for the data of a voice.
    let server = limited(16);
    let directory = server.temporary.path().to_str().unwrap().to_owned();
    let user = server.user("client-full").await;
    let spoken = user.speak("One sentence.").await.text().await.unwrap();
    assert!(spoken.contains("errorCode") && spoken.contains(&directory), "{spoken}");
    let credits = user.credits().await;
    assert!(credits["available"] == 10_000.0 && credits["frozen"] == 0.0, "{credits}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "no directory").unwrap();
    let below = file.join("temporary");
    let output = example("local_server").env("TMPDIR", &below).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(below.to_str().unwrap()), "{}", stderr(&output));

    // One that disappears later.
    let server = Server::start();
    let mut temporary = std::fs::read_dir(server.temporary.path()).unwrap();
    let data = temporary.next().unwrap().unwrap().path();
    let user = server.user("client-gone").await;
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::write(&data, "no directory").unwrap();
    let (status, response) = user.upload("a.mp4", 10).await;
    assert_eq!(status, 500, "{response}");
    assert!(response["detail"].as_str().unwrap().contains(data.to_str().unwrap()), "{response}");
    let spoken = user.speak("One sentence.").await.text().await.unwrap();
    assert!(spoken.contains(data.to_str().unwrap()), "{spoken}");
    assert_eq!(user.credits().await["available"], 10_000.0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_free_descriptors_recovers() {
    let server = Server::limited("ulimit -n 48");
    let user = server.user("client-many").await;
    let address = server.url.trim_start_matches("http://");
    let idle: Vec<_> = (0..80).map(|_| TcpStream::connect(address).unwrap()).collect();
    drop(idle);
    let spoken = user.speak("One sentence.").await.text().await.unwrap();
    assert!(spoken.contains("Your voiceover is ready"), "{spoken}");
}
