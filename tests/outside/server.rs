//! `local_server` is killed while it receives, speaks and renders: every file of a final name is
//! whole, and what else it has left is gone once the next one runs.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use nemovideo::project::BatchItem;
use nemovideo::{NemoClient, RenderPolling};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::dice::{self, Dice};
use crate::examples::example;
use crate::place::{HANG, SHORT, files};
use crate::{is_limited, is_long, run_all, selected, variant};

/// When the server is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// At the nth step in the directory of its files.
    #[cfg(target_os = "linux")]
    Step(usize),
    After(Duration),
}

async fn start(dir: &Path) -> (Child, String) {
    let mut command = Command::from(example("local_server"));
    command.args(["--data", "data"]).current_dir(dir).env("TMPDIR", dir.join("tmp"));
    command.kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = command.spawn().expect("it starts");
    let mut lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
    let line = lines.next_line().await.expect("a line").expect("a line");
    (server, line.strip_prefix("listening on ").expect("a URL").to_owned())
}

/// Makes two files of one uploaded script.
async fn work(url: &str, dir: &Path) {
    let polling = RenderPolling::new(Duration::from_millis(10), 6000);
    let client = NemoClient::builder().base_url(url).in_memory_credentials().polling(polling);
    let client = client.build().expect("a client");
    let Ok(project) = client.project("server").await else { return };
    let items = ["a.wav", "a.mp4"].map(|name| {
        BatchItem::new("Make a voiceover video of the uploaded script.", dir.join(name))
            .upload(dir.join("script.txt"))
    });
    let mut batch = project.batch(items);
    while batch.next().await.is_some() {}
}

fn is_temporary(name: &str) -> bool {
    name.starts_with('.')
}

/// Returns whether a file has the length that it declares itself.
fn is_whole(name: &str, bytes: &[u8]) -> bool {
    let number = |at: usize| bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    let length = bytes.len() as u32;
    match name.rsplit('.').next() {
        Some("txt") => bytes == SHORT[0].as_bytes(),
        Some("wav") => number(4).is_some_and(|size| u32::from_le_bytes(size) + 8 == length),
        Some("mp4") => {
            let mut at = 0;
            while at < length {
                match number(at as usize).map(u32::from_be_bytes) {
                    Some(size) if size >= 8 => at += size,
                    _ => return false,
                }
            }
            at == length && length > 0
        }
        _ => true,
    }
}

/// Returns whether the server was killed before its work had ended.
async fn cell(moment: Moment) -> bool {
    let name = format!("{moment:?}");
    let dir: TempDir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data/files");
    for dir in [&data, &dir.path().join("tmp")] {
        std::fs::create_dir_all(dir).expect("a directory");
    }
    std::fs::write(dir.path().join("script.txt"), SHORT[0]).expect("a script");
    let (mut server, url) = start(dir.path()).await;
    #[cfg(target_os = "linux")]
    let mut steps = crate::steps::Steps::watch(std::slice::from_ref(&data));
    let due = async {
        match moment {
            #[cfg(target_os = "linux")]
            Moment::Step(nth) => steps.nth(nth).await,
            Moment::After(time) => tokio::time::sleep(time).await,
        }
    };
    let is_killed = tokio::select! {
        () = due => true,
        () = work(&url, dir.path()) => false,
    };
    server.kill().await.expect("it can be killed");

    let (mut server, _url) = start(dir.path()).await;
    for path in files(&data) {
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!is_temporary(&file), "{name}: {file} is left");
        let bytes = std::fs::read(&path).expect("a file");
        assert!(is_whole(&file, &bytes), "{name}: {file} of {} bytes", bytes.len());
    }
    server.kill().await.expect("it can be killed");
    is_killed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_leaves_whole_files() {
    let began = Instant::now();
    let seed = dice::seed();
    println!("NEMOVIDEO_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut moments: Vec<_> =
        (0..20).map(|_| Moment::After(Duration::from_millis(dice.below(1500)))).collect();
    #[cfg(target_os = "linux")]
    moments.extend((1..=60).map(Moment::Step));
    let count = if is_long() { moments.len() } else { 10 };
    let cells = selected(moments, count, |moment| vec![variant(moment)]);
    let (count, killed) = (cells.len(), Arc::new(AtomicUsize::new(0)));
    run_all(
        4,
        cells.into_iter().map(|moment| {
            let killed = Arc::clone(&killed);
            async move {
                let cell = tokio::time::timeout(HANG, cell(moment)).await;
                killed.fetch_add(usize::from(cell.expect("it hangs")), Ordering::Relaxed);
            }
        }),
    )
    .await;
    let killed = killed.load(Ordering::Relaxed);
    println!("{killed} kills of {count} servers, {:.1?}", began.elapsed());
    // Where no steps are seen, each of the random moments may be too late.
    assert!(killed > 0 || is_limited() || !cfg!(target_os = "linux"), "{killed} of {count}");
}
